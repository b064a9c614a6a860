//! Which act on an object a command means, by what the object is now: a switch goes the other way.

use super::object::workload_of;
use crate::{
    action::{ObjectAct, Request},
    command::Command,
    model::kubernetes::{WorkloadKind, resource::ResourceKey, table::ObjectTable},
    query::{Answer, Query},
    ui::{View, target::Target},
};

/// Whether a command can never be meant for this object: it is for another kind.
pub fn is_of_another_kind(command: Command, target: &Target) -> bool {
    let act = match command {
        Command::Cordon => ObjectAct::Cordon,
        Command::Schedule => ObjectAct::Suspend,
        Command::RunNow => ObjectAct::RunNow,
        _ => return false,
    };
    match target {
        Target::Object(key) => !act.is_for(key),
        _ => true,
    }
}

/// Whether a command can never mean anything on this object, whatever it is now: the footer does not name it.
pub fn is_never_for(command: Command, target: &Target) -> bool {
    match (command, target) {
        (Command::Logs | Command::PreviousLogs, Target::Object(key)) => key.resource.is_without_pods(),
        (Command::Reveal, Target::Object(key)) => !key.resource.is_secret(),
        (Command::RollBack | Command::DiffRevisions, Target::Object(key)) => !key.is_revision(),
        (Command::Cordon | Command::Schedule | Command::RunNow, _) => is_of_another_kind(command, target),
        _ => false,
    }
}

/// The request that a command means on an object; `Err`: why it means none. `None`: it is no such command.
pub fn request(command: Command, target: &Target, view: &View<'_>) -> Option<Result<Request, &'static str>> {
    let on = |object: ResourceKey, act: ObjectAct| Ok(Request::Object { object, act });
    Some(match (command, target) {
        (Command::Delete, Target::Pod(key)) => on(key.into(), ObjectAct::Delete),
        (Command::Delete, Target::Workload(key)) => on(key.into(), ObjectAct::Delete),
        (Command::Delete, Target::Object(key)) => on(key.clone(), ObjectAct::Delete),
        (Command::Evict, Target::Pod(key)) => on(key.into(), ObjectAct::Evict),
        (Command::Pause, Target::Pod(_) | Target::Workload(_)) => match workload_of(view, target) {
            None => Err("it belongs to no Deployment that is watched"),
            Some(workload) if workload.key.kind != WorkloadKind::Deployment => Err("only a Deployment can be paused"),
            Some(workload) => {
                on((&workload.key).into(), if workload.paused { ObjectAct::Resume } else { ObjectAct::Pause })
            }
        },
        (Command::Cordon | Command::Schedule | Command::RunNow, _) if is_of_another_kind(command, target) => {
            Err(if command == Command::Cordon { "select a node" } else { "select a CronJob" })
        }
        (Command::RunNow, Target::Object(key)) => on(key.clone(), ObjectAct::RunNow),
        (Command::Cordon, Target::Object(key)) => match is_switched(view, key, "Status", "SchedulingDisabled") {
            Some(true) => on(key.clone(), ObjectAct::Uncordon),
            Some(false) => on(key.clone(), ObjectAct::Cordon),
            None => Err("it is no longer listed"),
        },
        (Command::Schedule, Target::Object(key)) => match is_switched(view, key, "Suspend", "True") {
            Some(true) => on(key.clone(), ObjectAct::Unsuspend),
            Some(false) => on(key.clone(), ObjectAct::Suspend),
            None => Err("it is no longer listed"),
        },
        _ => return None,
    })
}

/// Whether a cell of the object's row holds a word; `None`: no table on screen lists it.
fn is_switched(view: &View<'_>, key: &ResourceKey, column: &str, word: &str) -> Option<bool> {
    let mut tables = view.store.answers.iter().filter_map(|(query, slot)| match (query, slot.value.as_ref()) {
        (Query::Table(asked), Some(Answer::Table(table)))
            if asked.cluster == key.cluster && asked.resource == key.resource =>
        {
            Some(table)
        }
        _ => None,
    });
    let cell = |table: &ObjectTable| {
        let at = table.columns.iter().position(|known| known.name == *column)?;
        let row = table.find(&key.namespace, &key.name)?;
        Some(row.cells.get(at)?.split(',').any(|part| part.eq_ignore_ascii_case(word)))
    };
    tables.find_map(|table| cell(table))
}
