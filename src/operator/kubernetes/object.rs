//! Acts on one object: a switch by a guarded JSON patch, a deletion with preconditions, an eviction, a Job of a CronJob.

use http::Method;
use serde_json::{Value, json};

use super::{ClusterOperator, JSON_PATCH, Mode, verdict::Verdict};
use crate::{
    action::{
        ActionError, Done, ObjectAct,
        object::{ObjectWrite, Version, is_on},
    },
    model::kubernetes::resource::ResourceKey,
    source::kubernetes::{client::segment, failure::Failure, table::object_path},
    text::Clean,
};

impl ClusterOperator {
    pub(super) async fn on_object(&self, write: &ObjectWrite, mode: Mode) -> Result<Done, ActionError> {
        let object = self.recheck_object(write).await?;
        let path = object_path(&write.object);
        let query = mode.query();
        let sent = match (write.act, write.act.switch()) {
            (_, Some((field, to))) => {
                let operations = switch(&write.uid, field, to);
                self.writer.send(Method::PATCH, &format!("{path}{query}"), JSON_PATCH, &operations).await
            }
            (ObjectAct::RunNow, _) => {
                let namespace = segment(&write.object.namespace);
                let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs{query}");
                let job = write.job.clone().unwrap_or_default();
                self.writer.send(Method::POST, &path, "application/json", &job).await
            }
            (ObjectAct::Evict, _) => {
                let path = format!("{path}/eviction{query}");
                self.writer.send(Method::POST, &path, "application/json", &eviction(write)).await
            }
            _ => self.writer.send(Method::DELETE, &path, "application/json", &deletion(write, &object, mode)).await,
        };
        match sent {
            Ok(answer) => Ok(done(write, &answer)),
            Err(failure) => {
                let moved = self.moved_object(write, &failure).await;
                Err(Verdict::of(&failure, mode, moved, &self.here(&look(write))))
            }
        }
    }

    /// Reads it again: it must be the one that was looked at. Nothing was sent by then.
    async fn recheck_object(&self, write: &ObjectWrite) -> Result<Value, ActionError> {
        let key = &write.object;
        match self.metadata(key).await {
            Ok(object) => match difference(write, &object) {
                Some(how) => Err(ActionError::Moved(Clean::own(format!("{how}; nothing was sent")))),
                None => Ok(object),
            },
            Err(failure) if failure.is(404) => {
                Err(ActionError::Moved(Clean::own(format!("'{key}' is gone; nothing was sent"))))
            }
            Err(failure) => {
                let says = format!("'{key}' could not be read again, so nothing was sent: {failure}");
                Err(ActionError::NotSent(Clean::line(&says)))
            }
        }
    }

    /// A switch needs the object; of anything else its metadata is enough, and of a Secret all that is wanted.
    async fn metadata(&self, key: &ResourceKey) -> Result<Value, Failure> {
        if key.resource.is_secret() {
            self.cluster().metadata(&object_path(key)).await
        } else {
            self.cluster().get(&object_path(key)).await
        }
    }

    /// How it moved while we sent, where the answer leaves that open.
    async fn moved_object(&self, write: &ObjectWrite, failure: &Failure) -> Option<String> {
        if failure.is(404) {
            return Some(format!("'{}' is gone", write.object));
        }
        if !failure.is(409) && !failure.is(422) {
            return None;
        }
        let object = self.metadata(&write.object).await.ok()?;
        difference(write, &object)
    }
}

/// What is not as it was looked at.
fn difference(write: &ObjectWrite, object: &Value) -> Option<String> {
    let key = &write.object;
    if object.pointer("/metadata/uid").and_then(Value::as_str) != Some(&*write.uid) {
        return Some(format!("'{key}' was deleted and made anew"));
    }
    if write.version.is_some() && Version::of(object) != write.version {
        return Some(format!("'{key}' was changed since it was looked at"));
    }
    let (field, to) = write.act.switch()?;
    (is_on(object, field) == to)
        .then(|| format!("'{key}' has {} {to} already", field.trim_start_matches('/').replace('/', ".")))
}

/// Sets a switch, if uid and switch are as seen. A switch that is off is not there at all.
fn switch(uid: &str, field: &str, to: bool) -> Value {
    let mut operations = vec![json!({"op": "test", "path": "/metadata/uid", "value": uid})];
    if to {
        operations.push(json!({"op": "add", "path": field, "value": true}));
    } else {
        operations.push(json!({"op": "test", "path": field, "value": true}));
        operations.push(json!({"op": "replace", "path": field, "value": false}));
    }
    Value::Array(operations)
}

/// `policy/v1` Eviction. The dry run stands in the query: one in `deleteOptions` as well would have to agree with it.
fn eviction(write: &ObjectWrite) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": write.object.name.as_str(), "namespace": write.object.namespace.as_str()},
        "deleteOptions": {"preconditions": {"uid": &*write.uid}},
    })
}

/// `object`: as it was just read, and found to be what was looked at.
fn deletion(write: &ObjectWrite, object: &Value, mode: Mode) -> Value {
    let mut options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": &*write.uid}, "propagationPolicy": "Background",
    });
    if write.version.is_some() {
        // The server compares no generations: between this read and the deletion nothing may move.
        options["preconditions"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
    }
    if mode == Mode::Rehearse {
        options["dryRun"] = json!(["All"]);
    }
    options
}

fn done(write: &ObjectWrite, answer: &Value) -> Done {
    let key = &write.object;
    let says = match (write.act, write.act.switch()) {
        (_, Some((field, to))) => format!("{key}: {} is {to}", field.trim_start_matches('/').replace('/', ".")),
        (ObjectAct::RunNow, _) => {
            let job = answer.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("a Job");
            format!("job/{job} is created")
        }
        (ObjectAct::Evict, _) => format!("{key} is being evicted"),
        _ => format!("{key} is being deleted"),
    };
    Done { says: Clean::line(&says), reference: Some(write.uid.clone()) }
}

/// What to look at when nobody knows.
fn look(write: &ObjectWrite) -> String {
    let key = &write.object;
    let namespace = if key.resource.is_namespaced { format!(" -n {}", key.namespace) } else { String::new() };
    match write.act {
        ObjectAct::RunNow => format!("kubectl{namespace} get jobs"),
        _ => format!("kubectl{namespace} get {} {}", key.resource.qualified(), key.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_guarded_by_uid_and_by_what_it_was() {
        let apply = |object: &Value, operations: Value| {
            let mut object = object.clone();
            let operations: json_patch::Patch = serde_json::from_value(operations).unwrap();
            json_patch::patch(&mut object, &operations).map(|()| object)
        };
        let off = json!({"metadata": {"uid": "u"}, "spec": {}});
        let on = apply(&off, switch("u", "/spec/paused", true)).unwrap();
        assert_eq!(on["spec"]["paused"], true);
        let back = apply(&on, switch("u", "/spec/paused", false)).unwrap();
        assert_eq!(back["spec"]["paused"], false);
        assert!(apply(&off, switch("u", "/spec/paused", false)).is_err(), "somebody else was there");
        assert!(apply(&off, switch("other", "/spec/paused", true)).is_err(), "another object of this name");
    }
}
