//! The steps that plans share, and how they are counted and compared.

use super::{JobFor, PlanStep, StepKind, WatchFor, Watched};
use crate::{
    action::Write,
    model::{
        kubernetes::{ObjectKey, WorkloadKey},
        metric::PanelKey,
    },
    text::{Clean, counted},
};

/// What step 0 says. It changes nothing, so the steps that do are counted from 1, with it and without it.
const KEEP_EVIDENCE: &str = "keep evidence: previous logs, describe, events";

/// The number by which the first of these steps is called, in plans and in the audit.
pub fn first_number(first: Option<&Clean>) -> usize {
    usize::from(first.is_none_or(|says| !says.starts_with(KEEP_EVIDENCE)))
}

impl PlanStep {
    pub(in crate::action) fn keep_evidence(of: &WorkloadKey) -> Self {
        Self::keeping(Some(of.clone()), None)
    }

    /// Of a pod that goes, and of the workload it is of, if that is known.
    pub(in crate::action) fn keep_evidence_of(pod: ObjectKey, workload: Option<WorkloadKey>) -> Self {
        Self::keeping(workload, Some(pod))
    }

    fn keeping(workload: Option<WorkloadKey>, pod: Option<ObjectKey>) -> Self {
        Self { says: KEEP_EVIDENCE.into(), kind: StepKind::KeepEvidence { workload, pod, panels: Vec::new() } }
    }

    /// With the panels whose values are kept too.
    pub(super) fn keep_panels(&mut self, bound: Vec<PanelKey>) {
        if let StepKind::KeepEvidence { panels, .. } = &mut self.kind {
            if !bound.is_empty() {
                self.says = say!("{KEEP_EVIDENCE}, {}", counted(bound.len(), "panel"));
            }
            *panels = bound;
        }
    }

    pub(in crate::action) fn watch(wanted: WatchFor) -> Self {
        let desired = wanted.serves.as_ref().map_or(wanted.desired, |serves| serves.desired);
        let are = if desired == 1 { "is" } else { "are" };
        let on = if wanted.version.is_empty() { String::new() } else { format!(" on {}", wanted.version) };
        let says = match &wanted.serves {
            None => say!("watch until {desired} of {desired} {are} ready{on}"),
            Some(serves) => say!(
                "watch until {desired} of {desired} of {} {are} ready{on}, no old pod of {} left",
                serves.workload,
                wanted.workload
            ),
        };
        Self { says, kind: StepKind::Watch(Box::new(Watched::Rollout(wanted))) }
    }

    /// What a job comes to that an earlier step starts.
    pub(in crate::action) fn follow(wanted: JobFor) -> Self {
        let Self { says, .. } = Self::watch(wanted.rollout.clone());
        let says = say!("follow its build to the end, and {says}");
        Self { says, kind: StepKind::Watch(Box::new(Watched::Job(wanted))) }
    }

    /// Of all workloads that go back together. None: nothing can be watched.
    pub(in crate::action) fn watch_all(mut wanted: Vec<WatchFor>, version: &Clean) -> Option<Self> {
        if wanted.len() < 2 {
            return wanted.pop().map(Self::watch);
        }
        let names: Vec<String> =
            wanted.iter().map(|one| format!("{} ({} on {})", one.workload, one.desired, one.version)).collect();
        let says = say!("watch until all of {version} are ready: {}", names.join(", "));
        Some(Self { says, kind: StepKind::Watch(Box::new(Watched::Release(wanted))) })
    }

    /// The write of a template, without what only says who and why.
    fn without_marks(&self) -> StepKind {
        let mut kind = self.kind.clone();
        if let StepKind::Write(Write::PatchTemplate { annotations, .. }) = &mut kind {
            annotations.clear();
        }
        kind
    }

    /// Sends the same, apart from times that only say when.
    pub(super) fn sends_as(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (
                StepKind::Write(Write::Restart { live, uid, .. }),
                StepKind::Write(Write::Restart { live: l, uid: u, .. }),
            ) => live == l && uid == u,
            (
                StepKind::Write(Write::CreateSilence { backend, matchers, comment, .. }),
                StepKind::Write(Write::CreateSilence { backend: b, matchers: m, comment: c, .. }),
            ) => backend == b && matchers == m && comment == c,
            // An alert may end, and so have no name, while one looks.
            (StepKind::Write(Write::PatchTemplate { .. }), StepKind::Write(Write::PatchTemplate { .. })) => {
                self.without_marks() == other.without_marks()
            }
            // The rest of a spec moves: the guard holds what was read last.
            (
                StepKind::Write(Write::SwitchSync { owner, uid, to, .. }),
                StepKind::Write(Write::SwitchSync { owner: o, uid: u, to: t, .. }),
            ) => owner == o && uid == u && to == t,
            (StepKind::Write(one), StepKind::Write(other)) => one == other,
            (StepKind::Watch(_), StepKind::Watch(_)) => true,
            (one, other) => one == other,
        }
    }
}
