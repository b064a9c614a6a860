//! Telling: a bell or a notification on a new page-worthy alert, and on what one asked to be told of.

use super::{App, Effect};
use crate::{
    model::{
        alert::{AlertState, Priority},
        kubernetes::{
            resource::ResourceKey,
            table::{CellKind, Judge, ObjectTable},
        },
    },
    query::{Answer, Query, TableQuery},
    text::Clean,
    time::Now,
    ui::{overlays, target::Target},
};

const GONE: &str = "gone";
const NOT_READ: &str = "not read yet";

/// What one asked to be told of.
pub(super) struct Watched {
    target: Target,
    /// In words, as it was: an alert that is resolved is listed no more.
    name: String,
    /// `None`: not known yet.
    state: Option<String>,
}

impl App {
    /// New alerts that page, once each. The first list after the start is no news.
    pub(super) fn tell_alerts(&mut self) -> Vec<Effect> {
        let is_first = !std::mem::replace(&mut self.has_alerts, true);
        let mut effects = Vec::new();
        for alert in self.store.alerts.values() {
            let pages = alert.state == AlertState::Firing && alert.priority <= Priority::P2 && !alert.is_watchdog;
            if !pages {
                self.told.remove(&alert.key);
            } else if self.told.insert(alert.key.clone()) && !is_first && self.settings.ui.notify != "none" {
                let subject = alert.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
                effects.push(Effect::Notify(Clean::own(format!("{} {}{subject}", alert.priority.name(), alert.name))));
            }
        }
        effects
    }

    /// `w`: tell me when this changes. A second `w` takes it back.
    pub(super) fn toggle_watched(&mut self, target: &Target, now: Now) {
        let name = overlays::name_of(&self.view(now), target);
        if let Some(index) = self.watched.iter().position(|watched| watched.target == *target) {
            self.watched.remove(index);
            self.toasts.say(Clean::own(format!("no longer watching {name}")), now);
            return;
        }
        let state = self.state_of(target);
        let is = state.as_deref().unwrap_or(NOT_READ);
        self.toasts.say(Clean::own(format!("you will be told when {name} changes (now: {is})")), now);
        self.watched.push(Watched { target: target.clone(), name, state });
    }

    pub(super) fn tell_watched(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        for index in 0..self.watched.len() {
            // What is not known now may be as it was.
            let Some(state) = self.state_of(&self.watched[index].target) else { continue };
            let watched = &mut self.watched[index];
            let is_gone = state == GONE;
            let before = watched.state.replace(state.clone()).or_else(|| is_gone.then(|| NOT_READ.to_owned()));
            if let Some(before) = before.filter(|before| *before != state) {
                let text = Clean::own(format!("{}: {before} -> {state}", watched.name));
                self.toasts.tell(text.clone(), now);
                self.dirty = true;
                effects.push(Effect::Notify(text));
            }
        }
        // Its table would be read to the end of the session, and no row is left to take it back with.
        let is_over = |it: &Watched| matches!(it.target, Target::Object(_)) && it.state.as_deref() == Some(GONE);
        self.watched.retain(|watched| !is_over(watched));
        effects
    }

    /// What must be read for it, whatever is looked at: the rest is watched anyway.
    pub(super) fn asks_watched(&self) -> impl Iterator<Item = Query> {
        let objects = self.watched.iter().filter_map(|watched| match &watched.target {
            Target::Object(key) if self.store.backends.contains_key(&key.cluster) => Some(key),
            _ => None,
        });
        objects.map(table_around)
    }

    /// The state of an object in a few words, for comparison and for the message; `None`: not known.
    fn state_of(&self, target: &Target) -> Option<String> {
        let gone = || GONE.to_owned();
        Some(match target {
            Target::Object(key) => return self.state_of_object(key),
            Target::Pod(key) => self
                .store
                .kube
                .pods
                .get(key)
                .map_or_else(gone, |pod| format!("{} {}/{}", pod.status, pod.ready, pod.total)),
            Target::Workload(key) => self.store.kube.workloads.get(key).map_or_else(gone, |workload| {
                format!("{}/{} ready, {:?}", workload.ready, workload.desired, workload.rollout.state)
            }),
            Target::Run(key) => self.store.runs.get(key).map_or_else(gone, |run| run.state.to_string()),
            Target::PullRequest(key) => self.store.pull_requests.get(key).map_or_else(gone, |pr| {
                let merged = if pr.merged.is_some() { "merged" } else { "open" };
                format!("{merged}, checks {}/{}, {:?}", pr.checks.passed, pr.checks.total(), pr.review)
            }),
            Target::Alert(key) => self.store.alerts.get(key).map_or_else(gone, |alert| match &alert.state {
                AlertState::Resolved(_) => "resolved".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            }),
            _ => gone(),
        })
    }

    /// By its row in the table of its namespace; until that is read, in the table that it was chosen in.
    fn state_of_object(&self, key: &ResourceKey) -> Option<String> {
        let own = self.store.answers.get(&table_around(key));
        if let Some(slot) = own.filter(|slot| slot.value.is_some()) {
            let Some(Answer::Table(table)) = &slot.value else { return None };
            let is_whole = table.is_complete && table.notes.is_empty() && slot.pulse.failure.is_none();
            return row_state(table, key).or_else(|| is_whole.then(|| GONE.to_owned()));
        }
        self.store.answers.iter().find_map(|(query, slot)| match (query, &slot.value) {
            (Query::Table(asked), Some(Answer::Table(table)))
                if asked.cluster == key.cluster && asked.resource == key.resource =>
            {
                row_state(table, key)
            }
            _ => None,
        })
    }
}

/// What asks for the objects beside it, and for it.
fn table_around(key: &ResourceKey) -> Query {
    let namespaces = if key.resource.is_namespaced { vec![key.namespace.clone()] } else { Vec::new() };
    Query::Table(TableQuery { cluster: key.cluster.clone(), resource: key.resource.clone(), namespaces })
}

/// What its row says of how it is. Ages and measurements go on by themselves, and are no change.
fn row_state(table: &ObjectTable, key: &ResourceKey) -> Option<String> {
    let row = table.rows.iter().find(|row| row.name == key.name && row.namespace == key.namespace)?;
    let judge = Judge::of(&table.columns);
    let says = judge.columns().filter_map(|index| {
        let column = table.columns.get(index).filter(|column| column.kind == CellKind::Printed)?;
        row.cells.get(index).filter(|_| column.name != "Targets").map(Clean::as_str)
    });
    let words: Vec<&str> = says.filter(|cell| !cell.is_empty()).collect();
    Some(if words.is_empty() { "there".to_owned() } else { words.join(" ") })
}
