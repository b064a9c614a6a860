//! The screens 1 to 8, and what needs me over all of them.

pub mod answer;
pub mod audit;
pub mod happened;
pub mod kube;
pub mod logs;
#[cfg(test)]
mod matrix;
pub mod metrics;
pub mod needs;
pub mod now;
pub mod pane;
pub mod pipelines;
pub mod prs;
pub mod triage;
pub mod words;

use super::Screen;
use crate::{command::ScreenId, store::Changes};
pub use needs::{badges, needs, plain_list};

/// All screens; each keeps its own selection and filter.
#[derive(Default)]
pub struct Screens {
    now: now::Now,
    pub triage: triage::Triage,
    pub kube: kube::Kube,
    pipelines: pipelines::Pipelines,
    prs: prs::PullRequests,
    pub metrics: metrics::Metrics,
    pub logs: logs::Logs,
    audit: audit::Audit,
    /// Changes that each screen has not seen yet.
    stale: [Changes; 8],
    has_seen: [bool; 8],
}

impl Screens {
    pub fn get(&self, id: ScreenId) -> &dyn Screen {
        match id {
            ScreenId::Now => &self.now,
            ScreenId::Triage => &self.triage,
            ScreenId::Kube => &self.kube,
            ScreenId::Pipelines => &self.pipelines,
            ScreenId::PullRequests => &self.prs,
            ScreenId::Metrics => &self.metrics,
            ScreenId::Logs => &self.logs,
            ScreenId::Audit => &self.audit,
        }
    }

    pub fn get_mut(&mut self, id: ScreenId) -> &mut dyn Screen {
        match id {
            ScreenId::Now => &mut self.now,
            ScreenId::Triage => &mut self.triage,
            ScreenId::Kube => &mut self.kube,
            ScreenId::Pipelines => &mut self.pipelines,
            ScreenId::PullRequests => &mut self.prs,
            ScreenId::Metrics => &mut self.metrics,
            ScreenId::Logs => &mut self.logs,
            ScreenId::Audit => &mut self.audit,
        }
    }

    /// Adds changes to every screen's, and takes what `id` has not seen.
    pub fn take_stale(&mut self, id: ScreenId, changes: Changes) -> Changes {
        for stale in &mut self.stale {
            *stale |= changes;
        }
        let index = id as usize;
        let all = !std::mem::replace(&mut self.has_seen[index], true);
        let stale = std::mem::take(&mut self.stale[index]);
        if all { Changes::ALL } else { stale }
    }
}
