//! `kubectl auth can-i`, and what midwatch's menus take for refused.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use midwatch::{
    config::file::Kubernetes,
    model::{
        BackendId, Name,
        kubernetes::rights::{Right, Rights},
    },
    query::{Answer, Query, RightsQuery},
};

use crate::{
    desk::{CLUSTER, Desk, NAMESPACE, cells},
    watching::Watching,
};

/// The administrator, who reads only, and who has one namespace: backend and context.
const TOKENS: [(&str, &str); 3] = [(CLUSTER, CLUSTER), ("rita", "prod-eu1-rita"), ("nils", "prod-eu1-nils")];

/// Verb, group, resource, subresource; what belongs to the whole cluster has no namespace.
const WANTED: [(&str, &str, &str, &str, bool); 16] = [
    ("get", "", "pods", "", true),
    ("delete", "", "pods", "", true),
    ("get", "", "pods", "log", true),
    ("create", "", "pods", "exec", true),
    ("create", "", "pods", "portforward", true),
    ("create", "", "pods", "eviction", true),
    ("patch", "", "pods", "resize", true),
    ("patch", "apps", "deployments", "", true),
    ("patch", "apps", "deployments", "scale", true),
    ("list", "apps", "replicasets", "", true),
    ("create", "batch", "jobs", "", true),
    ("patch", "batch", "cronjobs", "", true),
    ("get", "", "secrets", "", true),
    ("list", "", "events", "", true),
    ("get", "", "nodes", "", false),
    ("patch", "", "nodes", "", false),
];

async fn rights(watching: &Watching, backend: &str, namespace: &str) -> std::sync::Arc<Rights> {
    let query = Query::Rights(RightsQuery { cluster: BackendId::new(backend), namespace: namespace.into() });
    match watching.ask(query).await.unwrap() {
        Answer::Rights(rights) => rights,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_are_those_that_kubectl_is_told() {
    let Some(desk) = Desk::open(0.0).await else { return };
    let mut config = desk.config();
    config.kubernetes.extend(TOKENS[1..].iter().map(|(backend, context)| Kubernetes {
        name: (*backend).to_owned(),
        kubeconfig: Some(desk.demo.kubeconfig.clone()),
        context: Some((*context).to_owned()),
        ..Kubernetes::default()
    }));
    let watching = Watching::of(config).await;
    let mut answers = BTreeMap::new();
    for (backend, context) in TOKENS {
        for namespace in [NAMESPACE, "logging"] {
            let known = rights(&watching, backend, namespace).await;
            let line = format!("auth can-i --list -n {namespace} --context {context}");
            assert_eq!(ours(&known), theirs(&desk.out(&line).await), "{line}");
            let of_cluster = rights(&watching, backend, "").await;
            let asked = stream::iter(WANTED).map(|(verb, group, resource, subresource, is_namespaced)| {
                let group_of = if group.is_empty() { String::new() } else { format!(".{group}") };
                let sub = if subresource.is_empty() { String::new() } else { format!(" --subresource={subresource}") };
                let line = format!("auth can-i {verb} {resource}{group_of}{sub} -n {namespace} --context {context}");
                let right = Right { verb, group, resource, subresource, name: "" };
                let refused = if is_namespaced { &known } else { &of_cluster }.refuse(&right);
                let desk = &desk;
                async move {
                    let said = desk.kubectl(&line).await;
                    let may = said.out.trim() == "yes";
                    assert_eq!((said.code == 0, may), (may, !refused), "{line}: {}{}", said.out, said.err);
                    may
                }
            });
            for may in asked.buffer_unordered(4).collect::<Vec<_>>().await {
                *answers.entry((backend, may)).or_insert(0) += 1;
            }
        }
    }
    // All may something, and but one is refused something.
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert!(!answers.contains_key(&(CLUSTER, false)), "{answers:?}");
}

/// Names of objects and verbs by resource, as the table of `--list` has them.
type Table = BTreeMap<String, BTreeSet<String>>;

fn ours(rights: &Rights) -> Table {
    let mut table = Table::new();
    for rule in &rights.rules {
        for (resource, group) in
            rule.resources.iter().flat_map(|resource| rule.groups.iter().map(move |group| (resource, group)))
        {
            let (of, sub) = resource.split_once('/').map_or((resource.as_str(), ""), |(of, sub)| (of, sub));
            let group = if group.is_empty() { String::new() } else { format!(".{group}") };
            let sub = if sub.is_empty() { String::new() } else { format!("/{sub}") };
            let names: Vec<&str> = rule.names.iter().map(Name::as_str).collect();
            let verbs = table.entry(format!("{of}{group}{sub} {names:?}")).or_default();
            verbs.extend(rule.verbs.iter().map(ToString::to_string));
        }
    }
    table
}

/// `pods.*/log   []   []   [get list watch]`
fn theirs(text: &str) -> Table {
    let mut table = Table::new();
    for line in text.lines().skip(1).filter(|line| !line.starts_with(' ')) {
        let [resource, _, names, verbs] = cells(line, 4)[..] else { panic!("no rule: {line}") };
        let words =
            |cell: &str| cell.trim_matches(['[', ']']).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        table.entry(format!("{resource} {:?}", words(names))).or_default().extend(words(verbs));
    }
    table
}
