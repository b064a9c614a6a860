//! Acts: actions that were sent, with their progress, as the screen and the audit show them.

use jiff::Timestamp;

use super::{Evidence, Request, plan::first_number};
use crate::{
    model::{Name, gitops::OwnerKey},
    source::SourceError,
    text::Clean,
};

/// How far one step is.
#[derive(Clone, Debug, PartialEq)]
pub enum StepState {
    Waiting,
    /// With what is seen meanwhile: "8/10 ready".
    Running(Clean),
    Done(Clean),
    /// Nothing changed by this step.
    Refused(Clean),
    /// It may have happened.
    Unknown(Clean),
    Skipped(Clean),
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Running,
    Done,
    Refused,
    /// Could not be learnt.
    Unknown,
}

/// Why an act whose writes are done was not seen to come to what was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Another process is at it.
    Watching,
    /// The process that watched is gone.
    Unwatched,
    /// Its watch ended, and it was not there: a job failed, or it got no further. Of a program: it said that it failed.
    NotThere,
}

/// One act of mine (this process), or of the audit file.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Its number in the audit.
    pub number: u64,
    pub request: Request,
    pub title: Clean,
    pub place: Clean,
    pub actor: Clean,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub steps: Vec<(Clean, StepState)>,
    pub outcome: Outcome,
    pub reason: Option<Clean>,
    /// GitOps owners that it switched, in order: true is on.
    pub switches: Vec<(OwnerKey, bool)>,
    /// The ReplicaSet or ControllerRevision that it rolled away from.
    pub away: Option<Name>,
    /// From when on that one was no longer what the workload should run; `None`: that was not seen.
    pub left: Option<Left>,
    /// Of an act that was sent whole. `None`: it was seen to be there, its watch goes on here, or nothing was to be watched.
    pub unseen: Option<Unseen>,
    /// Whether `U` can make a plan to undo it.
    pub can_undo: bool,
    /// Of the cluster that it was done on, as that cluster said then. `None`: no cluster, or one that did not say.
    pub cluster_id: Option<Clean>,
    /// False: another process's, or an earlier run's, from the audit file.
    pub is_mine: bool,
}

/// A workload's first state with another template than the one that an act takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// `metadata.generation`: what comes later is another's doing.
    pub generation: i64,
    pub at: Timestamp,
}

impl Left {
    /// As the answer to a new template tells it.
    pub(super) fn from_reference(generation: Option<&Name>, at: Timestamp) -> Option<Self> {
        Some(Self { generation: generation?.parse().ok()?, at })
    }
}

impl Act {
    /// How it ended, in one word.
    pub const fn word(&self) -> &'static str {
        match (self.outcome, self.unseen) {
            (_, Some(Unseen::Watching)) => "watching",
            (_, Some(Unseen::Unwatched)) => "unwatched",
            // A program that said so itself.
            (_, Some(Unseen::NotThere)) if self.is_outside() => "failed",
            (_, Some(Unseen::NotThere)) => "not there",
            (Outcome::Running, None) => "running",
            (Outcome::Done, None) => "done",
            (Outcome::Refused, None) => "refused",
            (Outcome::Unknown, None) => "unknown",
        }
    }

    /// A program or a shell that something was handed to.
    pub const fn is_outside(&self) -> bool {
        matches!(self.request, Request::Outside { .. })
    }

    /// The steps, each with the number by which its plan called it.
    pub fn numbered_steps(&self) -> impl Iterator<Item = (usize, &(Clean, StepState))> {
        (first_number(self.steps.first().map(|(says, _)| says))..).zip(&self.steps)
    }
}

/// What the action engine tells the App.
#[derive(Clone, Debug)]
pub enum ActionEvent {
    /// What was asked live for a request, or why there is no answer. A later one for the same ticket replaces it.
    Evidence { ticket: u64, request: Box<Request>, result: Result<Box<Evidence>, SourceError> },
    /// The confirmed plan of this ticket is being carried out, as this act.
    Started { ticket: u64, number: u64 },
    /// A new act, or news of one.
    Act(Box<Act>),
    /// Refused before anything was written to the audit.
    Refused { ticket: u64, says: Clean },
    /// Acts read from the audit file at start, newest first, and those found unfinished.
    History { acts: Vec<Act>, unfinished: Vec<Clean> },
    /// The audit file cannot be read, and why: what others do is not seen.
    Unread(Clean),
}
