//! Asking for actions: a dialog and its ticket, evidence turned into a plan, and news of acts.

use super::{App, Effect};
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome, StepState, Unseen},
        beside,
        confirm::at_once,
        plan::{Plan, Refusal, plan},
    },
    model::{BackendId, BackendKind, Part, kubernetes::WorkloadKind},
    store::Changes,
    text::Clean,
    time::Now,
    ui::{Reply, overlays},
};

impl App {
    /// An action is wanted: a dialog opens at once and waits for its plan. What is sent at once has no dialog.
    ///
    /// What is shown may be older than it looks (a snapshot, a backend that fell silent): then nothing is planned on it.
    pub(super) fn ask(&mut self, request: Request, now: Now) -> Vec<Effect> {
        if let Some(why) = self.too_old(&request, now) {
            return self.reply(Reply::Say(why), None, now);
        }
        self.tickets += 1;
        let ticket = self.tickets;
        if let Some(overlay) = overlays::plan(ticket, &request, now) {
            self.toasts.look_away();
            self.overlays.push(overlay);
        }
        let beside = beside(&request, self.acts.undone_by(&request), &self.store, &self.settings);
        vec![Effect::Prepare { ticket, request, beside }]
    }

    /// Why what the request relies on is too old to act on, if it is.
    fn too_old(&self, request: &Request, now: Now) -> Option<Clean> {
        let (backend, part) = relies_on(request)?;
        let sources = || self.store.sources.iter().filter(|(id, _)| id.backend == *backend && id.part == part);
        if sources().any(|(_, state)| state.has_synced && state.pulse.freshness(now, state.expected).is_usable()) {
            return None;
        }
        let why = sources()
            .find_map(|(_, state)| state.pulse.failure.as_ref())
            .map_or_else(|| "it has not answered yet".to_owned(), |failure| failure.error.says.to_string());
        Some(Clean::own(format!("not now: the {} of '{backend}' are too old to act on. {why}", part.title())))
    }

    /// News of an action.
    pub(super) fn action(&mut self, event: ActionEvent, now: Now) -> Vec<Effect> {
        let gets_on = matches!(&event, ActionEvent::Act(act) if self.gets_on(act));
        self.acts.apply(&event);
        self.changed(Changes::ACTS);
        match event {
            ActionEvent::Evidence { ticket, request, result } => {
                self.dirty = true;
                let result = result
                    .map_err(|error| Refusal(error.says))
                    .and_then(|evidence| plan(&request, &evidence, &self.store, &self.settings, now));
                return self.planned(ticket, &request, result, now);
            }
            ActionEvent::Started { ticket, number } => {
                if let Some(overlay) = self.overlays.iter_mut().find(|overlay| overlay.ticket() == Some(ticket)) {
                    overlay.started(number);
                }
            }
            ActionEvent::Refused { ticket, says } => {
                if let Some(overlay) = self.overlays.iter_mut().find(|overlay| overlay.ticket() == Some(ticket)) {
                    overlay.refused(says.clone());
                }
                self.dirty = true;
                self.toasts.tell(says, now);
            }
            // Who runs it says how it ended.
            ActionEvent::Act(act) if act.is_outside() => {}
            ActionEvent::Act(act) if act.is_mine => {
                let word = match act.outcome {
                    Outcome::Running => None,
                    Outcome::Done if act.unseen == Some(Unseen::NotThere) => Some("sent, and not there, see @"),
                    Outcome::Done => Some("done"),
                    Outcome::Refused => Some("refused, see @"),
                    Outcome::Unknown => Some("outcome unknown, see @"),
                };
                if let Some(word) = word {
                    self.toasts.tell(Clean::own(format!("{}: {word}", act.title)), now);
                }
                // What can be undone was done, though what came of it may still be looked at.
                if act.outcome == Outcome::Done || (act.outcome == Outcome::Running && act.can_undo) {
                    self.overlays.retain(|overlay| overlay.asked() != Some(&act.request));
                }
                if gets_on {
                    return vec![Effect::Refresh(self.code_hosts())];
                }
                if matches!(act.outcome, Outcome::Done | Outcome::Unknown) {
                    return self
                        .polled(&act.request)
                        .map(|backend| Effect::Refresh(vec![backend]))
                        .into_iter()
                        .collect();
                }
            }
            ActionEvent::Unread(says) => {
                self.dirty = true;
                self.toasts.tell(says, now);
            }
            ActionEvent::Act(_) | ActionEvent::History { .. } => {}
        }
        Vec::new()
    }

    /// A rollback, or its undo, of which a step more is done: it may have stopped a run.
    fn gets_on(&self, act: &Act) -> bool {
        let done = |act: &Act| act.steps.iter().filter(|(_, state)| matches!(state, StepState::Done(_))).count();
        let is_one = matches!(act.request, Request::RollBack { .. } | Request::Undo { .. });
        let before = self.acts.by_number.get(&act.number).map_or(0, done);
        act.is_mine && is_one && act.outcome == Outcome::Running && done(act) > before
    }

    fn code_hosts(&self) -> Vec<BackendId> {
        let hosts = self.settings.backends.iter().filter(|(_, kind)| **kind == BackendKind::GitHub);
        hosts.map(|(id, _)| id.clone()).collect()
    }

    /// The backend to ask anew after an act on it; clusters are watched, and tell by themselves.
    fn polled(&self, request: &Request) -> Option<BackendId> {
        let request = match request {
            Request::Undo { act } => &self.acts.by_number.get(act)?.request,
            other => other,
        };
        let (backend, part) = relies_on(request)?;
        matches!(part, Part::PullRequests | Part::Runs | Part::Alerts | Part::Silences).then(|| backend.clone())
    }

    fn planned(&mut self, ticket: u64, request: &Request, result: Result<Plan, Refusal>, now: Now) -> Vec<Effect> {
        if let Some(overlay) = self.overlays.iter_mut().find(|overlay| overlay.ticket() == Some(ticket)) {
            let reply = overlay.planned(request, result.map(Box::new), now);
            return self.reply(reply, None, now);
        }
        // A dialog that was left sends nothing. What has no dialog is sent at once, or says why not.
        if overlays::plan(ticket, request, now).is_some() {
            return Vec::new();
        }
        match result.and_then(at_once) {
            Ok(approved) => self.reply(Reply::Do(Effect::Execute { ticket, approved: Box::new(approved) }), None, now),
            Err(refusal) => self.reply(Reply::Say(refusal.0), None, now),
        }
    }
}

/// The backend and part whose rows a request was made from.
fn relies_on(request: &Request) -> Option<(&BackendId, Part)> {
    Some(match request {
        Request::RollBack { workload, .. }
        | Request::Restart { workload }
        | Request::Scale { workload, .. }
        | Request::Limits { workload, .. }
        | Request::ResumeSync { workload } => (&workload.cluster, workload.kind.part()),
        Request::Resize { pod, .. } => (&pod.cluster, Part::Pods),
        // Only pods and workloads stand in the store; the table of any other kind is read anew all the time.
        Request::Object { object, .. } => {
            let workload = WorkloadKind::ALL.into_iter().find(|kind| object.resource.kind == *kind.kind());
            let part = if object.resource.kind == "Pod" { Part::Pods } else { workload?.part() };
            (&object.cluster, part)
        }
        Request::Review { pull_request, .. }
        | Request::Comment { pull_request, .. }
        | Request::Merge { pull_request, .. } => (&pull_request.repo.host, Part::PullRequests),
        Request::Rerun { run, .. } | Request::Cancel { run, .. } => (&run.repo.host, Part::Runs),
        Request::Acknowledge { alerts } => (&alerts.first()?.backend, Part::Alerts),
        Request::Silence(draft) => (&draft.backend, Part::Alerts),
        Request::Silences(drafts) => (&drafts.first()?.backend, Part::Alerts),
        Request::ExpireSilence { silence } => (&silence.backend, Part::Silences),
        Request::Undo { .. } | Request::Outside { .. } => return None,
    })
}

#[cfg(test)]
mod tests;
