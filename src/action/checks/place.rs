//! Where a plan acts, whatever it acts on: the right cluster (B1), read and rehearsed just now (B14), and the gates that
//! no name and reason open.

use super::check;
use crate::{
    action::{
        ActionError, Check, CheckResult, Write,
        plan::{Make, Plan, StepKind},
    },
    model::BackendId,
    text::Clean,
};

/// A cluster as it answered, and the namespace.
pub(in crate::action) struct Place<'a> {
    pub make: &'a Make<'a>,
    pub cluster: &'a BackendId,
    /// Empty: the cluster's own.
    pub namespace: &'a str,
    /// URL and version, asked now.
    pub server: &'a Clean,
    pub cluster_id: Option<&'a Clean>,
}

impl Place<'_> {
    pub fn is_production(&self) -> bool {
        self.make.settings.is_production(self.cluster)
    }

    /// `prod-eu1/shop`
    pub fn words(&self) -> Clean {
        let cluster = self.cluster;
        if self.namespace.is_empty() { cluster.0.clone() } else { say!("{cluster}/{}", self.namespace) }
    }

    fn other_cluster(&self) -> Option<Clean> {
        let cluster = self.cluster;
        let shown = self.make.store.backends.get(cluster).and_then(|backend| backend.info.cluster_id.as_ref())?;
        let asked = self.cluster_id?;
        (shown != asked).then(|| {
            say!("'{cluster}' answers as another cluster ({asked}) than the one on screen ({shown}): restart midwatch")
        })
    }

    /// B1
    pub fn check(&self) -> Check {
        let result = match (self.other_cluster(), self.cluster_id) {
            (Some(other), _) => CheckResult::Stop(other),
            (None, None) => CheckResult::Look(say!("{} did not tell which cluster it is", self.server)),
            (None, Some(_)) => {
                let word = if self.is_production() { "PRODUCTION" } else { "not production" };
                let of =
                    if self.namespace.is_empty() { String::new() } else { format!(", namespace {}", self.namespace) };
                CheckResult::Ok(say!("{}{of}, {word}", self.server))
            }
        };
        check("B1", "right place", result)
    }

    /// B14: read now, and rehearsed on the server.
    pub fn fresh(&self, plan: &Plan) -> Check {
        let mut result = match self.unrehearsed(plan) {
            Some(backend) => CheckResult::NotChecked(say!("read now; '{backend}' has no dry run")),
            None => CheckResult::Ok("read now; nothing is written to the cluster from here".into()),
        };
        for (_, write) in self.writes(plan) {
            result = match self.make.evidence.rehearsed(write) {
                Some(Some(Ok(_))) => CheckResult::Ok("read now; the server took it (dry run)".into()),
                Some(Some(Err(error))) if cannot_rehearse(error) => {
                    CheckResult::Look(say!("read now, and not rehearsed: {error}"))
                }
                Some(Some(Err(error))) => CheckResult::Stop(did_not_pass(error)),
                _ if self.is_read_only() => CheckResult::NotChecked("read now; no dry run in read-only mode".into()),
                _ => CheckResult::Stop("read now, but no dry run was possible".into()),
            };
            if !matches!(result, CheckResult::Ok(_)) {
                break;
            }
        }
        // Nothing is old then: there is no way to send it.
        let name = if matches!(&result, CheckResult::Stop(says) if says.starts_with(UNSENT)) { "way" } else { "fresh" };
        check("B14", name, result)
    }

    /// Why the plan cannot be sent at all: another cluster, or a dry run that did not pass.
    pub fn gate(&self, plan: &Plan) -> Option<Clean> {
        if let Some(other) = self.other_cluster() {
            return Some(other);
        }
        if self.is_read_only() {
            // The plan says so in its own words.
            return None;
        }
        for (says, write) in self.writes(plan) {
            match self.make.evidence.rehearsed(write) {
                Some(Some(Ok(_))) => {}
                Some(Some(Err(error))) if cannot_rehearse(error) => {}
                Some(Some(Err(error))) => return Some(did_not_pass(error)),
                Some(None) | None => {
                    return Some(say!("'{says}' was not rehearsed on the server, which is a gate: ask again"));
                }
            }
        }
        None
    }

    /// Another backend that writes in the cluster's place, and cannot rehearse it (Argo CD's server).
    fn unrehearsed<'p>(&self, plan: &'p Plan) -> Option<&'p BackendId> {
        plan.steps.iter().find_map(|step| match &step.kind {
            StepKind::Write(write) if self.make.evidence.rehearsed(write) == Some(&None) => {
                Some(write.backend()).filter(|backend| *backend != self.cluster)
            }
            _ => None,
        })
    }

    fn writes<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = (&'p Clean, &'p Write)> {
        plan.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Write(write) if write.backend() == self.cluster => Some((&step.says, write)),
            _ => None,
        })
    }

    fn is_read_only(&self) -> bool {
        let is_writable = self.make.evidence.writable.contains(self.cluster);
        self.make.settings.read_only_reason(self.cluster).is_some() || !is_writable
    }
}

const UNSENT: &str = "cannot be sent";

/// One sentence for the check and for the gate: where both stand, the dialog says it once.
fn did_not_pass(error: &ActionError) -> Clean {
    match error {
        // Nobody was asked.
        ActionError::NotSent(why) => say!("{UNSENT}: {why}"),
        other => say!("the dry run did not pass: {other}"),
    }
}

/// A webhook with side effects has the server refuse every dry run (400), whatever it would say to the write itself.
pub(super) fn cannot_rehearse(error: &ActionError) -> bool {
    matches!(error, ActionError::Refused(why) if why.contains("does not support dry run"))
}
