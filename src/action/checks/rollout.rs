//! Templates whose version stays (a restart, other limits): what it means that their pods are replaced.

use super::{Subject, check};
use crate::{
    action::{Check, CheckResult},
    model::kubernetes::RolloutState,
    text::{Clean, counted},
};

impl Subject<'_> {
    /// B7
    pub fn calm(&self) -> Check {
        let rollout = &self.inspection.workload.rollout;
        let result = match rollout.state {
            RolloutState::Progressing => CheckResult::Look(say!("under way: {}", rollout.words)),
            // The same template again: what its pods cannot do they cannot do anew.
            RolloutState::Failed => CheckResult::Look(say!("the last one did not arrive: {}", rollout.words)),
            _ => CheckResult::Ok("no rollout is under way".into()),
        };
        check("B7", "rollout", result)
    }

    /// Which pods are replaced.
    pub fn replaced(&self) -> Clean {
        match self.inspection.partition {
            _ if self.is_on_delete() => "each pod replaced when you delete it".into(),
            0 => "every pod replaced".into(),
            from => say!("pods from number {from} on replaced"),
        }
    }

    /// B15
    pub fn downtime(&self) -> Check {
        let (workload, kept) = (&self.inspection.workload, self.inspection.partition);
        let pods = counted(workload.desired.saturating_sub(u32::try_from(kept).unwrap_or(u32::MAX)) as usize, "pod");
        let result = if self.is_on_delete() {
            CheckResult::Ok("no pod stops by itself".into())
        } else if workload.recreates {
            CheckResult::Look("strategy Recreate: all pods stop first".into())
        } else if workload.desired <= 1 {
            CheckResult::Look("one replica: a moment of downtime".into())
        } else {
            CheckResult::Ok(say!("{pods}, one after the other"))
        };
        check("B15", "downtime", result)
    }

    pub(super) fn is_on_delete(&self) -> bool {
        self.inspection.workload.is_on_delete()
    }
}
