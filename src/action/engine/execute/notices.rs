//! Word of an act on the object itself, once all is written: a colleague who describes it sees who did what. Best effort:
//! what fails is said, and changes nothing of the act.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt as _, future::join_all};
use jiff::Timestamp;
use tokio::time::timeout;

use super::{Inner, Running};
use crate::{
    action::{
        Notice, Request, Write,
        act::{Act, StepState},
    },
    model::kubernetes::INCIDENT,
    secret::mask,
    text::{Clean, truncate},
};

/// Longest message that a server takes in an Event, in columns.
const LONGEST: usize = 1_000;

/// What is said of a write that was done. `None`: nothing, it is about no workload.
pub(super) fn notice(act: &Act, write: &Write, at: Timestamp) -> Option<Notice> {
    let (workload, uid, reason, incident) = match write {
        Write::PatchTemplate { workload, uid, annotations, .. } => {
            let reason = match act.request {
                Request::RollBack { .. } => "RolledBack",
                Request::Undo { .. } => "Undone",
                Request::Limits { .. } => "LimitsChanged",
                _ => "TemplateChanged",
            };
            (workload, uid, reason, annotations.get(INCIDENT).filter(|incident| *incident != "none"))
        }
        Write::Restart { workload, uid, .. } => (workload, uid, "Restarted", None),
        Write::Scale { workload, uid, .. } => (workload, uid, "Scaled", None),
        Write::AbortRollout { workload, uid, .. } => (workload, uid, "RolloutAborted", None),
        _ => return None,
    };
    let by = if act.actor.is_empty() { String::new() } else { format!(" by {}", act.actor) };
    let incident = incident.map(|incident| format!(", for {incident}")).unwrap_or_default();
    let message = mask(&format!("{}{by} with midwatch (act {}){incident}", act.title, act.number));
    let message = Clean::line(&truncate(&message, LONGEST, "..."));
    Some(Notice { workload: workload.clone(), uid: uid.clone(), reason, message, at })
}

impl Running {
    /// Sends what is to be said, each once.
    pub(super) async fn notify(&mut self) {
        let notices = std::mem::take(&mut self.notices);
        let told = join_all(notices.iter().map(|(_, notice)| self.inner.notify(notice))).await;
        for ((step, _), told) in notices.iter().zip(told) {
            let Err(why) = told else { continue };
            let StepState::Done(says) = &self.act.steps[*step].1 else { continue };
            let says = say!("{says}; no Event says so: {why}");
            self.set(*step, StepState::Done(says)).await;
        }
    }
}

impl Inner {
    async fn notify(&self, notice: &Notice) -> Result<(), Clean> {
        let Some(operator) = self.operator(&notice.workload.cluster) else { return Ok(()) };
        let told = AssertUnwindSafe(operator.notify(notice)).catch_unwind();
        match timeout(self.pace.keep, told).await {
            Ok(Ok(told)) => told,
            Ok(Err(_)) => Err("midwatch failed while it was sent".into()),
            Err(_) => Err("no answer in time".into()),
        }
    }
}
