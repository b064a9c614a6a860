//! Word of an act on the object itself, once all is written: a colleague who describes it sees who did what. Best effort:
//! what fails is said, and changes nothing of the act.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt as _, future::join_all};
use jiff::Timestamp;
use tokio::time::timeout;

use super::{Inner, Running, clock_of};
use crate::{
    action::{
        Notice, Request, Write,
        act::{Act, StepState},
        plan::Plan,
    },
    model::{
        Name,
        kubernetes::{INCIDENT, WorkloadKey},
    },
    secret::mask,
    text::{Clean, truncate},
};

/// Longest message that a server takes in an Event, in columns.
const LONGEST: usize = 1_000;

/// What is to be said on the object.
pub(super) struct Notices {
    /// What the act is about, for writes that name a release or an application instead.
    workload: Option<WorkloadKey>,
    /// Each with its step.
    all: Vec<(usize, Notice)>,
}

impl Notices {
    pub(super) fn of(plan: &Plan) -> Self {
        let workload = plan.keeps.as_ref().and_then(|keeps| keeps.workload.clone());
        Self { workload, all: Vec::new() }
    }
}

/// What is said of a write that was done, of `about` where it names no workload: without a uid then. `None`: nothing.
fn notice(act: &Act, write: &Write, about: Option<&WorkloadKey>, at: Timestamp) -> Option<Notice> {
    let unread = Name::default();
    let set = match act.request {
        Request::RollBack { .. } => "RolledBack",
        Request::Undo { .. } => "Undone",
        Request::Limits { .. } => "LimitsChanged",
        _ => "TemplateChanged",
    };
    let (workload, uid, reason, incident) = match write {
        Write::PatchTemplate { workload, uid, annotations, .. } => {
            (workload, uid, set, annotations.get(INCIDENT).filter(|incident| *incident != "none"))
        }
        Write::HelmRollback { .. } | Write::SyncTo { .. } => (about?, &unread, set, None),
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
    /// It is said once all is written.
    pub(super) fn note(&mut self, step: usize, write: &Write) {
        let at = self.inner.time_of(clock_of(write));
        let notice = notice(&self.act, write, self.notices.workload.as_ref(), at);
        self.notices.all.extend(notice.map(|notice| (step, notice)));
    }

    /// Sends what is to be said, each once.
    pub(super) async fn notify(&mut self) {
        let notices = std::mem::take(&mut self.notices.all);
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
        let told = async { operator.notify(&self.with_uid(notice).await?).await };
        match timeout(self.pace.keep, AssertUnwindSafe(told).catch_unwind()).await {
            Ok(Ok(told)) => told,
            Ok(Err(_)) => Err("midwatch failed while it was sent".into()),
            Err(_) => Err("no answer in time".into()),
        }
    }

    /// With the uid of the workload as it is now, where the write had none.
    async fn with_uid(&self, notice: &Notice) -> Result<Notice, Clean> {
        if !notice.uid.is_empty() {
            return Ok(notice.clone());
        }
        let found = self.workload(&notice.workload).await?.ok_or_else(|| Clean::from("it is gone"))?;
        Ok(Notice { uid: found.workload.uid, ..notice.clone() })
    }
}
