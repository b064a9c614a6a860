//! Switching a workload's GitOps owner off and on, and asking Argo CD for a sync: JSON patches guarded by uid and `spec`.

use http::Method;
use serde_json::{Value, json};

use super::{ClusterOperator, JSON_PATCH, Mode, patch::step, verdict::Verdict};
use crate::{
    action::{ActionError, Done, Switch},
    model::{
        Name,
        gitops::{OwnerKey, OwnerKind, revision, switch},
    },
    source::{
        argocd::application,
        kubernetes::owners::{is_active, owner_path},
    },
    text::Clean,
};

/// Says on the owner who switched it off.
const SUSPENDED_BY: &str = "midwatch/suspended-by";
/// An Application's status is written all the time, and each write moves its version: the guard of an operation.
const TRIES: usize = 3;

impl ClusterOperator {
    pub(super) async fn switch_sync(
        &self,
        (owner, uid, spec): (&OwnerKey, &Name, &Value),
        to: &Switch,
        by: &str,
        mode: Mode,
    ) -> Result<Done, ActionError> {
        let object = self.owner_as_read(owner, uid, Some(spec)).await?;
        if is_active(owner.kind, &object) == matches!(to, Switch::On(_)) {
            let says = format!("{} '{owner}' is so already: nothing to do", owner.kind.title());
            return Err(ActionError::Refused(Clean::own(says)));
        }
        let operations = operations(owner.kind, uid, &object, to, by);
        let path = format!("{}{}", owner_path(owner), mode.query());
        match self.writer.send(Method::PATCH, &path, JSON_PATCH, &operations).await {
            Ok(_) => Ok(Done { says: said(owner, to), reference: None }),
            Err(failure) => {
                let moved = if failure.is(422) || failure.is(409) {
                    self.owner_as_read(owner, uid, Some(spec)).await.err().map(|error| error.to_string())
                } else {
                    None
                };
                Err(Verdict::of(&failure, mode, moved, &self.here(&look(owner))))
            }
        }
    }

    /// Sets `operation`, which Argo CD takes away when it has begun. Never over one that is there: the patch tests the
    /// version that was read without one.
    pub(super) async fn sync_to(
        &self,
        (owner, uid): (&OwnerKey, &Name),
        sync: &Value,
        by: &str,
        mode: Mode,
    ) -> Result<Done, ActionError> {
        let mut tries = 0;
        loop {
            let object = self.owner_as_read(owner, uid, None).await?;
            if let Some(busy) = application::busy(&object) {
                let says = format!("application '{owner}': {busy}; nothing was sent. Wait for its end");
                return Err(ActionError::Moved(Clean::own(says)));
            }
            if mode == Mode::Keep && is_active(owner.kind, &object) {
                let says = format!("auto-sync of '{owner}' is on: it would put back what git says. Nothing was sent");
                return Err(ActionError::Refused(Clean::own(says)));
            }
            let operations = json!([
                {"op": "test", "path": "/metadata/uid", "value": &**uid},
                {"op": "test", "path": "/metadata/resourceVersion", "value": object["metadata"]["resourceVersion"]},
                {"op": "add", "path": "/operation", "value": operation(sync, by, &object)},
            ]);
            let path = format!("{}{}", owner_path(owner), mode.query());
            tries += 1;
            match self.writer.send(Method::PATCH, &path, JSON_PATCH, &operations).await {
                Ok(_) => {
                    let says = format!("'{owner}' is asked to sync to {}", revision(sync));
                    return Ok(Done { says: Clean::own(says), reference: None });
                }
                // Refused by the guard: nothing was done, and what is there now is looked at again.
                Err(failure) if (failure.is(422) || failure.is(409)) && tries < TRIES => {}
                Err(failure) => return Err(Verdict::of(&failure, mode, None, &self.here(&look(owner)))),
            }
        }
    }

    /// Reads the owner again, and refuses if it is not the one that was looked at.
    async fn owner_as_read(&self, owner: &OwnerKey, uid: &str, spec: Option<&Value>) -> Result<Value, ActionError> {
        let title = owner.kind.title();
        let object: Value = match self.cluster().get(&owner_path(owner)).await {
            Ok(object) => object,
            Err(failure) if failure.is(404) => {
                return Err(ActionError::Moved(Clean::own(format!("{title} '{owner}' is gone; nothing was sent"))));
            }
            Err(failure) => {
                let says = format!("{title} '{owner}' could not be read again, so nothing was sent: {failure}");
                return Err(ActionError::NotSent(Clean::own(says)));
            }
        };
        let moved = if object.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid) {
            Some("was deleted and made anew")
        } else if spec.is_some_and(|spec| object.get("spec") != Some(spec)) {
            Some("has another spec than the plan saw")
        } else {
            None
        };
        match moved {
            Some(how) => Err(ActionError::Moved(Clean::own(format!("{title} '{owner}' {how}; nothing was sent")))),
            None => Ok(object),
        }
    }
}

/// As Argo CD's own rollback makes it (`server/application`): the history's source, applied, nothing pruned, with the
/// options of the application, which its controller takes from nowhere else.
pub(super) fn operation(sync: &Value, by: &str, application: &Value) -> Value {
    let mut sync = sync.clone();
    sync["syncStrategy"] = json!({"apply": {}});
    if let Some(options) = application.pointer("/spec/syncPolicy/syncOptions") {
        sync["syncOptions"] = options.clone();
    }
    json!({"initiatedBy": {"username": format!("midwatch:{by}")}, "sync": sync})
}

/// The JSON patch that switches an owner, guarded by its uid and the `spec` that was read.
pub(in crate::operator) fn operations(kind: OwnerKind, uid: &str, object: &Value, to: &Switch, by: &str) -> Value {
    let path = switch(kind);
    let mut operations = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": uid}),
        json!({"op": "test", "path": "/spec", "value": object["spec"]}),
    ];
    match (to, kind) {
        (Switch::Off, OwnerKind::Application) => operations.push(json!({"op": "remove", "path": path})),
        (Switch::Off, _) => operations.push(json!({"op": "add", "path": path, "value": true})),
        (Switch::On(Value::Null), _) => operations.push(json!({"op": "remove", "path": path})),
        (Switch::On(setting), _) => {
            if kind == OwnerKind::Application && object.pointer("/spec/syncPolicy").is_none() {
                operations.push(json!({"op": "add", "path": "/spec/syncPolicy", "value": {}}));
            }
            operations.push(json!({"op": "add", "path": path, "value": setting}));
        }
    }
    let annotation = format!("/metadata/annotations/{}", step(SUSPENDED_BY));
    let annotations = object.pointer("/metadata/annotations").filter(|all| all.is_object());
    match to {
        Switch::Off if annotations.is_none() => {
            // What somebody sets since the look would go with the whole map. To the server, what is not there is null.
            operations.push(json!({"op": "test", "path": "/metadata/annotations", "value": null}));
            operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {SUSPENDED_BY: by}}));
        }
        Switch::Off => operations.push(json!({"op": "add", "path": annotation, "value": by})),
        Switch::On(_) if annotations.is_some_and(|all| all.get(SUSPENDED_BY).is_some()) => {
            operations.push(json!({"op": "remove", "path": annotation}));
        }
        Switch::On(_) => {}
    }
    Value::Array(operations)
}

pub(in crate::operator) fn said(owner: &OwnerKey, to: &Switch) -> Clean {
    let title = owner.kind.title();
    Clean::own(match (to, owner.kind.is_flux()) {
        (Switch::Off, true) => format!("{title} '{owner}' is suspended"),
        (Switch::Off, false) => format!("auto-sync of '{owner}' is off"),
        (Switch::On(_), true) => format!("{title} '{owner}' is resumed"),
        (Switch::On(_), false) => format!("auto-sync of '{owner}' is on again"),
    })
}

fn look(owner: &OwnerKey) -> String {
    format!("kubectl -n {} get {}.{} {} -o yaml", owner.namespace, owner.kind.plural(), owner.kind.group(), owner.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_set_since_the_look_are_not_replaced() {
        let paths = |metadata: &Value| {
            let object = json!({"metadata": metadata, "spec": {}});
            let operations = operations(OwnerKind::Kustomization, "u", &object, &Switch::Off, "ana");
            let all = operations.as_array().unwrap().iter().map(|one| format!("{} {}", one["op"], one["path"]));
            all.skip(3).collect::<Vec<_>>()
        };
        let none = paths(&json!({"uid": "u"}));
        assert_eq!(none, [r#""test" "/metadata/annotations""#, r#""add" "/metadata/annotations""#]);
        let some = paths(&json!({"uid": "u", "annotations": {"a": "b"}}));
        assert_eq!(some, [r#""add" "/metadata/annotations/midwatch~1suspended-by""#]);
    }
}
