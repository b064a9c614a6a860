//! The pages of autoscalers and disruption budgets: numbers, bounds, selectors, conditions.

use midwatch::{
    model::kubernetes::resource::ResourceKey,
    query::{Answer, Query},
};

use super::{page, pages};
use crate::{
    desk::{Desk, NAMESPACE, cells, cluster},
    page::{Facts, Node, Section, assert_same, section},
    watching::Watching,
};

pub async fn all(desk: &Desk, watching: &Watching) {
    of_kind(desk, watching, "hpa", 2, scaler_of_kubectl, scaler_of_midwatch).await;
    of_kind(desk, watching, "pdb", 3, budget_of_kubectl, budget_of_midwatch).await;
}

async fn of_kind(
    desk: &Desk,
    watching: &Watching,
    kind: &str,
    least: usize,
    theirs: fn(&Node) -> Facts,
    ours: fn(&[Section]) -> Facts,
) {
    let answer = watching.ask(Query::Resources(cluster())).await.unwrap();
    let Answer::Resources(kinds) = answer else { panic!("{answer:?}") };
    let resource = kinds.resolve(kind).unwrap().clone();
    let described = pages(&desk.out(&format!("describe {kind} -n {NAMESPACE}")).await);
    assert!(described.len() >= least, "{kind}: {:?}", described.keys());
    for (name, node) in described {
        let (resource, namespace) = (resource.clone(), NAMESPACE.into());
        let key = ResourceKey { cluster: cluster(), resource, namespace, name: name.as_str().into() };
        let shown = page(watching, Query::DescribeAny(key)).await;
        assert_same(&format!("{kind} {name}"), &theirs(&node), &ours(&shown));
    }
}

/// The columns, which stand under the page's own heading.
fn summary(page: &[Section]) -> &Section {
    page.iter().find(|section| !section.title.is_empty()).unwrap()
}

fn scaler_of_kubectl(node: &Node) -> Facts {
    let pods = node.under.iter().find(|node| node.name().ends_with(" pods")).unwrap();
    let mut facts = Facts::from([
        format!("reference: {}", node.value("Reference")),
        format!("bounds: {} {}", node.value("Min replicas"), node.value("Max replicas")),
        format!("pods: {}", pods.own()),
    ]);
    for metric in &node.at("Metrics").under {
        let (name, value) = metric.line.rsplit_once(':').unwrap();
        facts.insert(format!("metric: {}: {}", name.replace("  ", " "), value.trim()));
    }
    for row in node.rows("Conditions") {
        let [kind, status, reason, message] = cells(row, 4)[..] else { panic!("no condition: {row}") };
        facts.insert(format!("condition: {kind} {status}: {reason}: {message}"));
    }
    facts
}

fn scaler_of_midwatch(page: &[Section]) -> Facts {
    let (summary, scaling) = (summary(page), section(page, "scaling"));
    let mut facts = Facts::from([
        format!("reference: {}", summary.value("reference")),
        format!("bounds: {} {}", summary.value("minpods"), summary.value("maxpods")),
        format!("pods: {}", scaling.value("pods")),
    ]);
    let metrics = scaling.fields.iter().filter(|(name, ..)| name.contains(" on ") || name.starts_with('"'));
    facts.extend(metrics.map(|(name, value, _)| format!("metric: {name}: {value}")));
    for (kind, says, _) in &section(page, "conditions").fields {
        let says = says.rsplit_once(" (").map_or(says.as_str(), |(says, _)| says);
        facts.insert(format!("condition: {kind} {says}"));
    }
    facts
}

fn budget_of_kubectl(node: &Node) -> Facts {
    let bound = |name: &str| Some(node.value(name)).filter(|value| !value.is_empty()).unwrap_or("N/A").to_owned();
    let status = node.at("Status");
    let count = |name: &str| status.value(name);
    Facts::from([
        format!("bounds: {} {}", bound("Min available"), bound("Max unavailable")),
        format!("selector: {}", node.value("Selector")),
        format!("allowed: {}", count("Allowed disruptions")),
        format!("healthy: {} current, {} desired, {} total", count("Current"), count("Desired"), count("Total")),
    ])
}

fn budget_of_midwatch(page: &[Section]) -> Facts {
    let (summary, own) = (summary(page), section(page, "disruptions"));
    Facts::from([
        format!("bounds: {} {}", summary.value("min available"), summary.value("max unavailable")),
        format!("selector: {}", own.value("selector")),
        format!("allowed: {}", own.value("allowed")),
        format!("healthy: {}", own.value("healthy")),
    ])
}
