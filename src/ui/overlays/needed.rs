//! The right that a command needs, so that what is refused for sure is grey before it is tried.

use super::object::workload_of;
use crate::{
    command::Command,
    model::{
        Name,
        kubernetes::{
            WorkloadKind,
            rights::{Right, Rights},
        },
    },
    query::{Answer, Query, RightsQuery},
    ui::{View, target::Target},
};

/// Where the rights on an object are asked about; `None`: it is no object of a cluster.
pub fn rights_query(target: &Target) -> Option<Query> {
    let (cluster, namespace) = match target {
        Target::Pod(key) => (&key.cluster, &key.namespace),
        Target::Workload(key) => (&key.cluster, &key.namespace),
        Target::Object(key) if key.resource.is_namespaced => (&key.cluster, &key.namespace),
        Target::Object(key) => (&key.cluster, &Name::default()),
        _ => return None,
    };
    Some(Query::Rights(RightsQuery { cluster: cluster.clone(), namespace: namespace.clone() }))
}

/// Why the cluster would refuse it; `None`: it would not, or is not known to.
pub fn refused(command: Command, target: &Target, view: &View<'_>) -> Option<String> {
    let Answer::Rights(rights) = view.store.answers.get(&rights_query(target)?)?.value.as_ref()? else { return None };
    let needs = |right: Right<'_>| refusal(rights, right, target);
    let pods = |verb, subresource, name| Right { verb, group: "", resource: "pods", subresource, name };
    match (command, target) {
        (Command::Logs | Command::PreviousLogs, Target::Pod(key)) => needs(pods("get", "log", &key.name)),
        // of whichever pods it has
        (Command::Logs | Command::PreviousLogs, Target::Workload(_)) => needs(pods("get", "log", "")),
        (Command::Shell, Target::Pod(key)) => needs(pods("create", "exec", &key.name)),
        (Command::PortForward, Target::Pod(key)) => needs(pods("create", "portforward", &key.name)),
        (Command::PortForward, _) => needs(pods("create", "portforward", "")),
        // In place or by the template: one is enough.
        (Command::Limits, Target::Pod(key)) => {
            let in_place = needs(pods("patch", "resize", &key.name))?;
            match workload_of(view, target) {
                Some(workload) => needs(of_workload(workload.key.kind, &workload.key.name, "")),
                None => Some(in_place),
            }
        }
        (Command::Restart | Command::RollBack | Command::Limits | Command::Scale, _) => {
            let workload = &workload_of(view, target)?.key;
            let subresource = if command == Command::Scale { "scale" } else { "" };
            needs(of_workload(workload.kind, &workload.name, subresource))
        }
        (Command::Edit, Target::Pod(key)) => needs(pods("patch", "", &key.name)),
        (Command::Edit, Target::Workload(key)) => needs(of_workload(key.kind, &key.name, "")),
        (Command::Edit, Target::Object(key)) => needs(of_object("patch", key)),
        (Command::Describe | Command::Reveal, Target::Object(key)) => needs(of_object("get", key)),
        _ => None,
    }
}

fn of_workload<'a>(kind: WorkloadKind, name: &'a str, subresource: &'a str) -> Right<'a> {
    Right { verb: "patch", group: kind.group(), resource: kind.plural(), subresource, name }
}

fn of_object<'a>(verb: &'a str, key: &'a crate::model::kubernetes::resource::ResourceKey) -> Right<'a> {
    Right { verb, group: &key.resource.group, resource: &key.resource.plural, subresource: "", name: &key.name }
}

fn refusal(rights: &Rights, right: Right<'_>, target: &Target) -> Option<String> {
    if !rights.refuse(&right) {
        return None;
    }
    let place = match target {
        Target::Pod(key) => format!(" in '{}'", key.namespace),
        Target::Workload(key) => format!(" in '{}'", key.namespace),
        Target::Object(key) if key.resource.is_namespaced => format!(" in '{}'", key.namespace),
        _ => String::new(),
    };
    Some(format!("you may not {}{place}", right.words()))
}
