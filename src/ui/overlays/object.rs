//! What is known of a selected object: its workload, its address, its name for people.

use crate::{
    model::kubernetes::Workload,
    store::Store,
    text::Clean,
    ui::{View, screens::needs::workload_of_alert, target::Target},
};

/// The workload that a pod, run or alert is about.
pub fn workload_of<'a>(view: &View<'a>, target: &Target) -> Option<&'a Workload> {
    let kube = &view.store.kube;
    match target {
        Target::Workload(key) => kube.workloads.get(key).map(|workload| &**workload),
        Target::Pod(key) => kube.workload_of(kube.pods.get(key)?),
        Target::Run(key) => of_repository(view, &key.repo.name),
        Target::Job(key) => of_repository(view, &key.run.repo.name),
        Target::Alert(key) => workload_of_alert(view, view.store.alerts.get(key)?),
        _ => None,
    }
}

fn of_repository<'a>(view: &View<'a>, repository: &str) -> Option<&'a Workload> {
    let service = view.settings.services.iter().find(|s| s.repository.as_ref().is_some_and(|r| r == repository));
    let name =
        service.map_or_else(|| repository.rsplit('/').next().unwrap_or(repository), |service| service.name.as_str());
    view.settings.workload_named(name, view.store)
}

/// Where it can be seen in a browser.
pub fn url_of(store: &Store, target: &Target) -> Option<Clean> {
    match target {
        Target::Run(key) => store.runs.get(key).map(|run| run.url.clone()),
        Target::PullRequest(key) => store.pull_requests.get(key).map(|pr| pr.url.clone()),
        Target::Alert(key) => {
            let alert = store.alerts.get(key)?;
            let annotated = alert.annotation("runbook_url").or(alert.annotation("dashboard_url"));
            annotated.cloned().or_else(|| alert.generator_url.clone())
        }
        Target::Panel(key) => store
            .dashboards
            .get(&key.dashboard)
            .map(|dashboard| Clean::own(format!("{}?viewPanel={}", dashboard.url, key.id))),
        _ => None,
    }
}

/// Its name for a title: `alert HighErrorRate myapp`, `deploy/myapp`, `run deploy #412`.
pub fn name_of(view: &View<'_>, target: &Target) -> String {
    let store = view.store;
    match target {
        Target::Alert(key) => store.alerts.get(key).map(|alert| {
            let subject = alert.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
            format!("alert {}{subject}", alert.name)
        }),
        Target::Run(key) => store.runs.get(key).map(|run| format!("run {} #{}", run.workflow, run.number)),
        Target::Job(key) => store.runs.get(&key.run).map(|run| format!("job of {} #{}", run.workflow, run.number)),
        Target::Panel(key) => store
            .dashboards
            .get(&key.dashboard)
            .and_then(|dashboard| dashboard.panels.iter().find(|panel| panel.key == *key))
            .map(|panel| format!("panel {}", panel.title)),
        Target::Act(number) => view.acts.by_number.get(number).map(|act| format!("act {number:04} {}", act.title)),
        Target::Backend(id) => store.backends.get(id).map(|backend| format!("{} {id}", backend.kind.title())),
        _ => None,
    }
    .unwrap_or_else(|| target.to_string())
}
