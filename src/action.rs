//! Actions: a request is planned over live evidence, shown with its checks, confirmed, and only then executed, step by
//! step, each audited before it is sent.

/// A [`Clean`] text of our own, written as with `format!`.
macro_rules! say {
    ($($part:tt)*) => { $crate::text::Clean::own(format!($($part)*)) };
}

pub mod act;
mod applications;
pub mod around;
pub mod audit;
mod canary;
mod checks;
pub mod confirm;
mod digests;
pub mod engine;
pub mod equivalent;
pub mod evidence;
pub mod executor;
mod gitops;
mod glance;
mod helm;
mod history;
mod inspection;
pub mod jobs;
mod limits;
pub mod object;
pub mod plan;
mod pull_request;
mod record;
pub mod registry;
mod request;
pub mod resize;
pub mod resources;
mod restart;
mod rollback;
mod room;
mod run;
mod scale;
mod silence;
mod stuck;
mod template;
#[cfg(test)]
pub(crate) mod testing;
mod undo;
mod write;

pub use applications::Applications;
pub use glance::Glance;
pub use inspection::{Inspection, Inspector, PullRequestInspection, RunInspection, Unread, WorkloadInspection};
pub use jobs::Jobs;
pub use object::ObjectAct;
pub use request::{ACK_MINUTES, MAX_SILENCE_MINUTES, Request, SILENCE_MINUTES, SilenceDraft, Verdict};
pub use resources::Limits;
pub use template::{is_same as is_same_template, new_images, readable};

pub use evidence::{Beside, Evidence, beside, changed};
pub use plan::plan;
pub use registry::Registry;
pub use write::{ActionError, Done, Found, Notice, Operator, Switch, Write};

use serde::{Deserialize, Serialize};

use crate::text::Clean;

/// How much the person must do to confirm; grows with what can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Risk {
    /// Sent at once; ends by itself.
    Quiet,
    /// `y`.
    Reversible,
    /// Type the value one must have read.
    Production,
    /// Full name and a reason: a STOP stands in the plan.
    Stopped,
}

/// Result of one check. Enter is dead while one is pending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CheckResult {
    Pending,
    Ok(Clean),
    Look(Clean),
    Stop(Clean),
    /// Shown, never left out.
    NotChecked(Clean),
}

impl CheckResult {
    fn words(&self) -> Option<&Clean> {
        match self {
            Self::Pending => None,
            Self::Ok(says) | Self::Look(says) | Self::Stop(says) | Self::NotChecked(says) => Some(says),
        }
    }

    /// The same in other words.
    fn with_words(&self, says: Clean) -> Self {
        match self {
            Self::Pending => Self::Pending,
            Self::Ok(_) => Self::Ok(says),
            Self::Look(_) => Self::Look(says),
            Self::Stop(_) => Self::Stop(says),
            Self::NotChecked(_) => Self::NotChecked(says),
        }
    }
}

/// One line of a plan's checks. `id` is the name in the docs: `B1` … `B16`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub id: Clean,
    /// `right place`, `owner`, `history`.
    pub name: Clean,
    pub result: CheckResult,
}
