//! What a screen shows as a whole, as the line that lists the same.

use super::{line, server_flag};
use crate::{
    action::equivalent::{kubectl, kubectl_in, repository},
    command::{Command, ScreenId},
    model::{BackendId, BackendKind, kubernetes::WorkloadKind},
    text::quoted,
    ui::{View, overlays::workload_of, target::Target},
};

/// The line that shows what this screen shows around the selected row.
pub fn shown(screen: ScreenId, target: Option<&Target>, view: &View<'_>) -> Option<String> {
    match (screen, target) {
        (ScreenId::Audit, _) => Some("midwatch audit".to_owned()),
        (ScreenId::Kube, Some(target)) => {
            of_pods(target, view).or_else(|| of_workloads(target, view)).or_else(|| of_objects(target, view))
        }
        (ScreenId::Metrics, Some(Target::Panel(key))) => {
            Some(format!("midwatch show metrics {}", quoted(&key.dashboard.uid)))
        }
        (ScreenId::PullRequests, Some(Target::PullRequest(key))) => {
            Some(format!("gh pr list -R {}", repository(&key.repo)))
        }
        (ScreenId::Pipelines, Some(Target::Run(key))) => Some(format!("gh run list -R {}", repository(&key.repo))),
        (ScreenId::Pipelines, Some(Target::Job(key))) => {
            Some(format!("gh run view -R {} {}", repository(&key.run.repo), key.run.id))
        }
        (ScreenId::Triage, target) => {
            let of = target.and_then(Target::backend);
            let known = view.settings.backends.iter().find(|(_, kind)| **kind == BackendKind::Alertmanager);
            let backend = of.or(known.map(|(id, _)| id))?;
            Some(format!("amtool{} alert query", server_flag(backend, view)))
        }
        (_, Some(target)) => {
            [Command::Enter, Command::Describe].iter().find_map(|command| line(*command, target, view))
        }
        (_, None) => None,
    }
}

/// The pods of the selected pod's workload.
fn of_pods(target: &Target, view: &View<'_>) -> Option<String> {
    let Target::Pod(key) = target else { return None };
    let kubectl = kubectl(view.settings, &key.cluster, &key.namespace);
    let labels = workload_of(view, target).map(|workload| {
        let labels: Vec<String> = workload.selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
        labels.join(",")
    });
    let selector = labels.filter(|labels| !labels.is_empty());
    let selector = selector.map_or_else(String::new, |labels| format!(" -l {}", quoted(&labels)));
    Some(format!("{kubectl} get pods{selector} -o wide"))
}

/// All objects of the selected one's kind.
fn of_objects(target: &Target, view: &View<'_>) -> Option<String> {
    let Target::Object(key) = target else { return None };
    let resource = &key.resource;
    let group = if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
    let kind = quoted(&format!("{}{group}", resource.plural));
    let scope = if resource.is_namespaced { scope(&key.cluster, view) } else { String::new() };
    Some(format!("{} get {kind}{scope} -o wide", kubectl_in(view.settings, &key.cluster)))
}

/// ` -A`, or the only namespace that is watched.
fn scope(cluster: &BackendId, view: &View<'_>) -> String {
    match view.settings.namespaces.get(cluster).map(Vec::as_slice) {
        Some([only]) => format!(" -n {}", quoted(only)),
        _ => " -A".to_owned(),
    }
}

fn of_workloads(target: &Target, view: &View<'_>) -> Option<String> {
    let Target::Workload(key) = target else { return None };
    let kubectl = kubectl_in(view.settings, &key.cluster);
    let scope = scope(&key.cluster, view);
    let mut known = view.store.kube.workloads.values().map(|workload| &workload.key);
    let has_rollouts = known.any(|other| other.kind == WorkloadKind::Rollout && other.cluster == key.cluster);
    let rollouts = if has_rollouts { ",rollouts.argoproj.io" } else { "" };
    Some(format!("{kubectl} get deployments,statefulsets,daemonsets{rollouts}{scope} -o wide"))
}
