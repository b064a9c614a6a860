//! A past act whose answer nobody wrote down: what it sent is read again.

use std::sync::PoisonError;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Inner,
    written::{clock_of, numbered},
};
use crate::{
    action::{
        Switch, Write,
        audit::{self, PastAct, SentStep},
        evidence::Reread,
        plan::Kept,
    },
    text::Clean,
};

/// Of the time for all evidence.
const PART: u32 = 3;

impl Inner {
    /// Whether somebody still carries it out: another process, or this one.
    pub(super) fn is_at_it(&self, act: &PastAct) -> bool {
        let is_writing = || {
            let acts = self.writing.acts.lock().unwrap_or_else(PoisonError::into_inner);
            acts.iter().any(|(_, title)| *title == act.title)
        };
        (act.begun.process == std::process::id() && is_writing())
            || audit::is_alive(act, &self.identity.login, self.clock.now().wall)
    }

    /// Looks once at what was sent last, if no answer to it is known.
    pub(super) async fn reread(&self, act: &PastAct, kept: Option<&Kept>) -> Option<Reread> {
        let sent = act.unanswered_write()?;
        let step = act.steps.get(sent.step)?.0.clone();
        let unknown = |why: Clean| Some(Reread { step: step.clone(), found: Err(why) });
        let Some(write) = sent.write.as_ref().and_then(|recorded| again(recorded, kept)) else {
            return unknown("the audit does not tell what was sent".into());
        };
        let write = numbered(&write, act.number, &act.begun.login, act.begun.reason.as_ref());
        let Some(operator) = self.operator(write.backend()) else {
            return unknown(say!("what writes to '{}', and would read it again, is not here", write.backend()));
        };
        let looked = tokio::time::timeout(self.pace.gather / PART, operator.look(&write, self.sent_at(sent, &write)));
        let found = match looked.await {
            Ok(Some(found)) => found,
            Ok(None) => Err("what can be read does not tell".into()),
            Err(_) => Err("reading it again had no answer".into()),
        };
        Some(Reread { step, found })
    }

    /// When, by the clock of what it was about: as far as that is off now.
    fn sent_at(&self, sent: &SentStep, write: &Write) -> Timestamp {
        let off = self.time_of(clock_of(write)).duration_since(self.clock.now().wall);
        sent.at.checked_add(off).unwrap_or(sent.at)
    }
}

/// The write that a record is of, so far as reading it again needs: what it leaves out stands beside the audit, or was
/// only its guard.
fn again(recorded: &Value, kept: Option<&Kept>) -> Option<Write> {
    let mut whole = recorded.clone();
    let (kind, fields) = whole.as_object_mut()?.iter_mut().next()?;
    let fields = fields.as_object_mut()?;
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    match kind.as_str() {
        "PatchTemplate" => {
            let kept = kept.filter(|kept| kept.workload.is_some())?;
            put("live", kept.before.clone());
            put("target", kept.left.clone());
            put("annotations", json!({}));
        }
        "Restart" => {
            put("live", Value::Null);
            put("by", json!(""));
        }
        "SwitchSync" => {
            let is_on = recorded.pointer("/SwitchSync/on")?.as_bool()?;
            let to = if is_on { Switch::On(Value::Null) } else { Switch::Off };
            put("spec", Value::Null);
            put("to", json!(to));
            put("by", json!(""));
        }
        _ => {}
    }
    serde_json::from_value(whole).ok()
}

#[cfg(test)]
mod tests {
    use super::{super::written::recorded, *};
    use crate::{
        action::testing::{cluster, myapp, now, template_of},
        model::gitops::{OwnerKey, OwnerKind},
    };

    #[test]
    fn what_the_audit_leaves_out_of_a_write_is_put_back() {
        let (before, left) = (template_of("412", "1Gi", "warn"), template_of("411", "512Mi", "info"));
        let kept = Kept::of(&myapp(), before.clone(), left.clone());
        let patch = Write::PatchTemplate {
            workload: myapp(),
            uid: "u1".into(),
            live: before,
            target: left,
            annotations: std::collections::BTreeMap::new(),
        };
        let restart = Write::Restart {
            workload: myapp(),
            uid: "u1".into(),
            live: Value::Null,
            at: now().wall,
            by: Clean::default(),
        };
        let owner = OwnerKey {
            cluster: cluster(),
            kind: OwnerKind::Kustomization,
            version: "v1".into(),
            namespace: "flux-system".into(),
            name: "web".into(),
            via: None,
        };
        let switch = |to| Write::SwitchSync {
            owner: owner.clone(),
            uid: "u2".into(),
            spec: Value::Null,
            to,
            by: Clean::default(),
        };
        let scale = Write::Scale { workload: myapp(), uid: "u1".into(), from: 3, to: 5 };
        for write in [patch.clone(), restart, switch(Switch::Off), switch(Switch::On(Value::Null)), scale] {
            let recorded = recorded(&write).expect("it is recorded");
            assert_eq!(again(&recorded, Some(&kept)), Some(write));
        }
        assert_eq!(again(&recorded(&patch).expect("it is recorded"), None), None, "its template is gone");
    }
}
