//! The right that a command needs, so that what is refused for sure is grey before it is tried.

use super::{object::workload_of, object_acts};
use crate::{
    action::{ObjectAct, Request, executor},
    command::Command,
    model::{
        BackendId, Name,
        gitops::OwnerKind,
        kubernetes::{
            Manager, WorkloadKind,
            resource::ResourceKey,
            rights::{Right, Rights},
            version::numbers_of,
        },
    },
    query::{Answer, Query, RightsQuery},
    ui::{View, target::Target},
};

/// From this version on a WebSocket to a pod needs `create` beside `get` (`AuthorizePodWebsocketUpgradeCreatePermission`).
const ASKS_CREATE: (u32, u32) = (1, 35);

/// Where the rights on an object are asked about: its namespace, and that of what keeps it as git says.
pub fn rights_queries(target: &Target, view: &View<'_>) -> Vec<Query> {
    let Some((cluster, namespace)) = place_of(target) else { return Vec::new() };
    let of_git = git_owner(target, view).map(|owner| owner.namespace).filter(|other| *other != namespace);
    std::iter::once(namespace).chain(of_git).map(|namespace| rights_query(cluster, namespace)).collect()
}

fn rights_query(cluster: &BackendId, namespace: Name) -> Query {
    Query::Rights(RightsQuery { cluster: cluster.clone(), namespace })
}

/// Cluster and namespace; `None`: it is no object of a cluster.
fn place_of(target: &Target) -> Option<(&BackendId, Name)> {
    match target {
        Target::Pod(key) => Some((&key.cluster, key.namespace.clone())),
        Target::Workload(key) => Some((&key.cluster, key.namespace.clone())),
        Target::Object(key) if key.resource.is_namespaced => Some((&key.cluster, key.namespace.clone())),
        Target::Object(key) => Some((&key.cluster, Name::default())),
        _ => None,
    }
}

/// Why the cluster would refuse it; `None`: it would not, or is not known to.
pub fn refused(command: Command, target: &Target, view: &View<'_>) -> Option<String> {
    let (cluster, namespace) = place_of(target)?;
    let asked = Asked { view, cluster, namespace };
    if let Some(Ok(Request::Object { object, act })) = object_acts::request(command, target, view) {
        return asked.needs(of_act(&object, act));
    }
    match (command, target) {
        (Command::Logs | Command::PreviousLogs, Target::Pod(key)) => asked.needs(pods("get", "log", &key.name)),
        // of whichever pods it has
        (Command::Logs | Command::PreviousLogs, Target::Workload(_)) => asked.needs(pods("get", "log", "")),
        (Command::Logs | Command::PreviousLogs, Target::Object(key)) if key.resource.is_namespaced => {
            asked.needs(pods("get", "log", ""))
        }
        (Command::Shell, Target::Pod(key)) => asked.needs_socket("exec", &key.name),
        (Command::PortForward, Target::Pod(key)) => asked.needs_socket("portforward", &key.name),
        (Command::PortForward, _) => asked.needs_socket("portforward", ""),
        // In place or by the template: one is enough.
        (Command::Limits, Target::Pod(key)) => {
            let in_place = asked.needs(pods("patch", "resize", &key.name))?;
            match workload_of(view, target) {
                Some(workload) => asked.needs(of_workload(workload.key.kind, &workload.key.name, "")),
                None => Some(in_place),
            }
        }
        (Command::RollBack, _) => {
            let workload = workload_of(view, target)?;
            let (kind, name) = (workload.key.kind, &workload.key.name);
            let refused = asked.needs(of_workload(kind, name, ""))?;
            // A plain canary is scaled to nothing; which is one, only its plan knows.
            let may_try = !executor::needs_patch(workload, view.settings)
                || asked.needs(of_workload(kind, name, "scale")).is_none();
            (!may_try).then_some(refused)
        }
        (Command::Restart | Command::Limits | Command::Scale, _) => {
            let workload = &workload_of(view, target)?.key;
            let subresource = if command == Command::Scale { "scale" } else { "" };
            asked.needs(of_workload(workload.kind, &workload.name, subresource))
        }
        (Command::ResumeSync, _) => {
            let GitOwner { kind, namespace, name } = git_owner(target, view)?;
            let (group, resource) = (kind.group(), kind.plural());
            Asked { namespace, ..asked }.needs(Right { verb: "patch", group, resource, subresource: "", name: &name })
        }
        (Command::Edit, Target::Pod(key)) => asked.needs(pods("patch", "", &key.name)),
        (Command::Edit, Target::Workload(key)) => asked.needs(of_workload(key.kind, &key.name, "")),
        (Command::Edit, Target::Object(key)) => asked.needs(of_object("patch", key)),
        (Command::Describe | Command::ManagedFields | Command::Reveal, Target::Object(key)) => {
            asked.needs(of_object("get", key))
        }
        _ => None,
    }
}

fn pods<'a>(verb: &'a str, subresource: &'a str, name: &'a str) -> Right<'a> {
    Right { verb, group: "", resource: "pods", subresource, name }
}

fn of_workload<'a>(kind: WorkloadKind, name: &'a str, subresource: &'a str) -> Right<'a> {
    Right { verb: "patch", group: kind.group(), resource: kind.plural(), subresource, name }
}

fn of_object<'a>(verb: &'a str, key: &'a ResourceKey) -> Right<'a> {
    Right { verb, group: &key.resource.group, resource: &key.resource.plural, subresource: "", name: &key.name }
}

fn of_act(object: &ResourceKey, act: ObjectAct) -> Right<'_> {
    match act.right() {
        (verb, _, "", subresource) => Right { subresource, ..of_object(verb, object) },
        // It has no name yet.
        (verb, group, resource, subresource) => Right { verb, group, resource, subresource, name: "" },
    }
}

/// What keeps a workload as git says, where its marks tell in which namespace that is.
struct GitOwner {
    kind: OwnerKind,
    namespace: Name,
    name: Name,
}

fn git_owner(target: &Target, view: &View<'_>) -> Option<GitOwner> {
    let owner =
        |kind, namespace: &Name, name: &Name| Some(GitOwner { kind, namespace: namespace.clone(), name: name.clone() });
    match workload_of(view, target)?.managed_by.first()? {
        Manager::FluxKustomization { name, namespace } => owner(OwnerKind::Kustomization, namespace, name),
        Manager::FluxHelmRelease { name, namespace } => owner(OwnerKind::HelmRelease, namespace, name),
        // Of one in Argo CD's own namespace the mark does not say which that is.
        Manager::ArgoCd { application } => {
            let (namespace, name) = application.split_once('_')?;
            owner(OwnerKind::Application, &Name::line(namespace), &Name::line(name))
        }
        _ => None,
    }
}

/// What is known of the rights in a namespace.
struct Asked<'a> {
    view: &'a View<'a>,
    cluster: &'a BackendId,
    namespace: Name,
}

impl Asked<'_> {
    fn rights(&self) -> Option<&Rights> {
        let query = rights_query(self.cluster, self.namespace.clone());
        match self.view.store.answers.get(&query)?.value.as_ref()? {
            Answer::Rights(rights) => Some(rights),
            _ => None,
        }
    }

    /// Why it would be refused for want of this right.
    fn needs(&self, right: Right<'_>) -> Option<String> {
        if !self.rights()?.refuse(&right) {
            return None;
        }
        let place = match self.namespace.as_str() {
            "" => String::new(),
            namespace => format!(" in '{namespace}'"),
        };
        Some(format!("you may not {}{place}", right.words()))
    }

    /// A WebSocket to a pod is a GET; newer servers want the old `create` too.
    fn needs_socket(&self, subresource: &str, name: &str) -> Option<String> {
        self.needs(pods("get", subresource, name)).or_else(|| {
            let version = self.view.store.backends.get(self.cluster)?.info.version.as_ref()?;
            let asks_create = numbers_of(version).is_some_and(|numbers| numbers >= ASKS_CREATE);
            asks_create.then(|| self.needs(pods("create", subresource, name))).flatten()
        })
    }
}
