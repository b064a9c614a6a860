//! Other resources of a running pod's container, by a guarded JSON patch of `pods/NAME/resize`.

use http::Method;
use serde_json::{Value, json};

use super::{ClusterOperator, JSON_PATCH, Mode, verdict::Verdict};
use crate::{
    action::{
        ActionError, Done,
        resize::PodResize,
        resources::{is_same, limits_of},
    },
    source::kubernetes::{client::segment, failure::Failure},
    text::Clean,
};

impl ClusterOperator {
    pub(super) async fn resize_pod(&self, resize: &PodResize, mode: Mode) -> Result<Done, ActionError> {
        self.recheck_pod(resize).await?;
        let path = format!("{}/resize{}", path_of(resize), mode.query());
        match self.writer.send(Method::PATCH, &path, JSON_PATCH, &patch(resize)).await {
            Ok(_) => {
                let (pod, container) = (&resize.pod.name, &resize.container);
                let says = format!("pod/{pod}: '{container}' is to have {}", limits_of(&resize.after));
                Ok(Done { says: Clean::line(&says), reference: Some(resize.uid.clone()) })
            }
            Err(failure) => Err(self.refused_resize(resize, mode, &failure).await),
        }
    }

    /// Reads it again: it must be the one that was looked at. Nothing was sent by then.
    async fn recheck_pod(&self, resize: &PodResize) -> Result<(), ActionError> {
        let name = &resize.pod.name;
        match self.cluster().get_opt::<Value>(&path_of(resize)).await {
            Ok(None) => Err(ActionError::Moved(Clean::own(format!("pod/{name} is gone; nothing was sent")))),
            Ok(Some(pod)) => match difference(resize, &pod) {
                Some(how) => Err(ActionError::Moved(Clean::own(format!("{how}; nothing was sent")))),
                None => Ok(()),
            },
            Err(failure) => {
                let says = format!("pod/{name} could not be read again, so nothing was sent: {failure}");
                Err(ActionError::NotSent(Clean::line(&says)))
            }
        }
    }

    /// A failed test and an invalid resize are both 422, a pod that is gone and a server without resize both 404: only the
    /// pod itself tells them apart.
    async fn refused_resize(&self, resize: &PodResize, mode: Mode, failure: &Failure) -> ActionError {
        let moved = if [404, 409, 422].into_iter().any(|code| failure.is(code)) {
            match self.cluster().get_opt::<Value>(&path_of(resize)).await {
                Ok(None) => Some(format!("pod/{} is gone", resize.pod.name)),
                Ok(Some(pod)) => difference(resize, &pod),
                Err(_) => None,
            }
        } else {
            None
        };
        if moved.is_none() && (failure.is(404) || failure.is(405)) {
            let says = "the server does not serve pods/resize (Kubernetes 1.33 and later do): nothing was changed";
            return ActionError::Refused(says.into());
        }
        let look = self.here(&format!("kubectl -n {} get pod {} -o yaml", resize.pod.namespace, resize.pod.name));
        Verdict::of(failure, mode, moved, &look)
    }
}

fn path_of(resize: &PodResize) -> String {
    format!("/api/v1/namespaces/{}/pods/{}", segment(&resize.pod.namespace), segment(&resize.pod.name))
}

/// What is not as it was looked at.
fn difference(resize: &PodResize, pod: &Value) -> Option<String> {
    let name = &resize.pod.name;
    if pod.pointer("/metadata/uid").and_then(Value::as_str) != Some(&*resize.uid) {
        return Some(format!("pod/{name} was deleted and made anew"));
    }
    let container = &pod["spec"]["containers"][resize.index];
    let (is_it, has) = (container["name"] == *resize.container, &container["resources"]);
    (!is_it || !is_same(has, &resize.before))
        .then(|| format!("somebody resized '{}' of pod/{name}: it has {} by now", resize.container, limits_of(has)))
}

/// Sets a container's resources, if uid, container and resources are as seen.
fn patch(resize: &PodResize) -> Value {
    let container = format!("/spec/containers/{}", resize.index);
    let resources = format!("{container}/resources");
    let mut operations = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": &*resize.uid}),
        json!({"op": "test", "path": format!("{container}/name"), "value": resize.container}),
    ];
    // What is not there cannot be tested.
    if !resize.before.is_null() {
        operations.push(json!({"op": "test", "path": resources, "value": resize.before}));
    }
    operations.push(json!({"op": "add", "path": resources, "value": resize.after}));
    Value::Array(operations)
}
