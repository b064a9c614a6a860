//! What is known of a selected object: its workload, its owner, its address, its name for people.

use crate::{
    command::ScreenId,
    model::{
        BackendId, Name,
        gitops::OwnerKind,
        kubernetes::{
            Manager, ObjectKey, Workload, WorkloadKey, WorkloadKind,
            resource::{OwnerReference, ResourceKey},
            table::{ObjectTable, TableRow},
        },
    },
    query::{Answer, Query},
    store::Store,
    text::Clean,
    ui::{
        Reply, View,
        kinds::{self, Meaning},
        screens::needs::workload_of_alert,
        target::Target,
    },
};

/// Where Argo CD usually lives.
const ARGO_HOME: &str = "argocd";

/// The workload that a pod, run or alert is about.
pub fn workload_of<'a>(view: &View<'a>, target: &Target) -> Option<&'a Workload> {
    let kube = &view.store.kube;
    match target {
        Target::Workload(key) => kube.workloads.get(key).map(|workload| &**workload),
        Target::Pod(key) => kube.workload_of(kube.pods.get(key)?),
        Target::Run(key) => of_repository(view, &key.repo.name),
        Target::Job(key) => of_repository(view, &key.run.repo.name),
        Target::Alert(key) => workload_of_alert(view, view.store.alerts.get(key)?),
        Target::Object(key) => revision_of(view, key).map(|(workload, _)| workload),
        _ => None,
    }
}

/// The workload whose template a ReplicaSet or ControllerRevision keeps, and the number of that revision where it is known.
pub fn revision_of<'a>(view: &View<'a>, key: &ResourceKey) -> Option<(&'a Workload, Option<i64>)> {
    let kube = &view.store.kube;
    let (cluster, namespace) = (&key.cluster, &key.namespace);
    let of = |kind: &str, name: &Name| {
        let (cluster, namespace, name) = (cluster.clone(), namespace.clone(), name.clone());
        let workload = WorkloadKey { cluster, namespace, kind: WorkloadKind::parse(kind)?, name };
        kube.workloads.get(&workload).map(|workload| &**workload)
    };
    let watched = ObjectKey { cluster: cluster.clone(), namespace: namespace.clone(), name: key.name.clone() };
    if key.resource.is("apps", "ReplicaSet")
        && let Some(set) = kube.replica_sets.get(&watched)
    {
        let owner = set.owner.as_ref()?;
        return Some((of(&owner.kind, &owner.name)?, set.revision));
    }
    let (table, row) = row_of(view.store, key).filter(|_| key.is_revision())?;
    let owner = row.owner.as_ref()?;
    let column = table.columns.iter().position(|column| column.name == *"Revision");
    let number = column.and_then(|column| row.cells.get(column)?.parse().ok());
    Some((of(&owner.kind, &owner.name)?, number))
}

fn of_repository<'a>(view: &View<'a>, repository: &str) -> Option<&'a Workload> {
    let service = view.settings.services.iter().find(|s| s.repository.as_ref().is_some_and(|r| r == repository));
    let name =
        service.map_or_else(|| repository.rsplit('/').next().unwrap_or(repository), |service| service.name.as_str());
    view.settings.workload_named(name, view.store)
}

/// To the object that owns it, or that it is about; else why not.
pub fn owner_of(view: &View<'_>, target: &Target) -> Result<Reply, String> {
    let kube = &view.store.kube;
    match target {
        Target::Pod(key) => {
            let pod = kube.pods.get(key).ok_or("it is no longer there")?;
            let owner = pod.owner.as_ref().ok_or("nothing owns it")?;
            match kube.workload_of(pod) {
                Some(workload) => Ok(Reply::Go(ScreenId::Kube, Some(Target::Workload(workload.key.clone())))),
                None => Ok(to_owner(&key.cluster, &key.namespace, &owner.kind, &owner.kind, &owner.name)),
            }
        }
        Target::Workload(key) => owner_of_workload(view, kube.workloads.get(key).ok_or("it is no longer there")?),
        Target::Object(key) if key.resource.kind == *"Event" => {
            of_event(view, key).ok_or_else(|| "it is no longer listed".to_owned())
        }
        Target::Object(key) => {
            let owner = row_of(view.store, key).and_then(|(_, row)| row.owner.as_ref());
            let OwnerReference { group, kind, name } = owner.ok_or("nothing owns it")?;
            let word = if group.is_empty() { kind.to_string() } else { format!("{kind}.{group}") };
            Ok(to_owner(&key.cluster, &key.namespace, &word, kind, name))
        }
        _ => Err("no object of a cluster".to_owned()),
    }
}

/// Its controller; else what applies it, if that is an object of the cluster.
fn owner_of_workload(view: &View<'_>, workload: &Workload) -> Result<Reply, String> {
    let (cluster, managers) = (&workload.key.cluster, &workload.managed_by);
    let controller = managers.iter().find(|manager| matches!(manager, Manager::Controller { .. }));
    let manager = controller.or_else(|| managers.first()).ok_or("no object of the cluster owns it")?;
    let (kind, namespace, name) = match manager {
        Manager::Controller { kind, name } => {
            return Ok(to_owner(cluster, &workload.key.namespace, kind, kind, name));
        }
        Manager::FluxKustomization { name, namespace } => (OwnerKind::Kustomization, namespace.clone(), name.clone()),
        Manager::FluxHelmRelease { name, namespace } => (OwnerKind::HelmRelease, namespace.clone(), name.clone()),
        Manager::ArgoCd { application } => {
            let (namespace, name) = application_of(view, cluster, application);
            (OwnerKind::Application, namespace, name)
        }
        Manager::Helm { .. } | Manager::ConfigSync => {
            return Err(format!("{manager} owns it, which is no object of the cluster"));
        }
    };
    let word = format!("{}.{}", kind.plural(), kind.group());
    match kinds::meaning(view, cluster, &word) {
        Meaning::Kind(_) | Meaning::Loading => {
            Ok(Reply::Browse(word, Some(ObjectKey { cluster: cluster.clone(), namespace, name })))
        }
        Meaning::Unknown | Meaning::Ambiguous(_) => {
            Err(format!("{manager} owns it, and '{cluster}' serves no {}", kind.plural()))
        }
        Meaning::Failed(error) => {
            Err(format!("{manager} owns it; what '{cluster}' serves could not be read: {}", error.says))
        }
    }
}

/// Namespace and name of the Application that a mark means: `namespace_name`. Of one in Argo CD's own namespace the mark
/// does not say which that is: any, where all are looked at.
fn application_of(view: &View<'_>, cluster: &BackendId, mark: &Name) -> (Name, Name) {
    if let Some((namespace, name)) = mark.split_once('_') {
        return (Name::line(namespace), Name::line(name));
    }
    let has_all = view.settings.namespaces.get(cluster).is_none_or(Vec::is_empty);
    let namespace = if has_all { Name::default() } else { ARGO_HOME.into() };
    (namespace, mark.clone())
}

/// `word` names the kind to a cluster; a workload has its own place.
fn to_owner(cluster: &BackendId, namespace: &Name, word: &str, kind: &str, name: &Name) -> Reply {
    let (cluster, namespace, name) = (cluster.clone(), namespace.clone(), name.clone());
    match WorkloadKind::parse(kind) {
        Some(kind) => Reply::Go(ScreenId::Kube, Some(Target::Workload(WorkloadKey { cluster, namespace, kind, name }))),
        None => Reply::Browse(word.to_owned(), Some(ObjectKey { cluster, namespace, name })),
    }
}

/// What an event is about, as its row names it: `pod/web-1`.
fn of_event(view: &View<'_>, key: &ResourceKey) -> Option<Reply> {
    let (table, row) = row_of(view.store, key)?;
    let column = table.columns.iter().position(|column| column.name == *"Object")?;
    let (kind, name) = row.cells.get(column)?.split_once('/')?;
    let meant = kinds::meaning(view, &key.cluster, kind);
    // Events of a node are kept in a namespace that it is not in.
    let is_in_none = matches!(meant, Meaning::Kind(resource) if !resource.is_namespaced);
    let namespace = if is_in_none { Name::default() } else { key.namespace.clone() };
    Some(to_owner(&key.cluster, &namespace, kind, kind, &Name::line(name)))
}

/// An object's row, and the table it stands in.
fn row_of<'a>(store: &'a Store, key: &ResourceKey) -> Option<(&'a ObjectTable, &'a TableRow)> {
    store.answers.iter().find_map(|(query, slot)| {
        let Query::Table(table) = query else { return None };
        let Some(Answer::Table(found)) = &slot.value else { return None };
        let is_of = table.cluster == key.cluster && table.resource == key.resource;
        let row = is_of.then(|| found.find(&key.namespace, &key.name)).flatten()?;
        Some((&**found, &**row))
    })
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
