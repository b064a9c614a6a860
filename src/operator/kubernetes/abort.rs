//! Ends an update of an Argo Rollout, as `kubectl argo rollouts abort` does (argo-rollouts
//! `pkg/kubectl-argo-rollouts/cmd/abort`): its stable version gets all of the traffic, its spec stays.

use http::Method;
use serde_json::{Value, json};

use super::{ClusterOperator, JSON_PATCH, Mode, done, lookup, verdict::Verdict};
use crate::{
    action::{ActionError, Done},
    json::text,
    model::{Name, kubernetes::WorkloadKey},
    source::kubernetes::revisions::workload_path,
    text::Clean,
};

const HASH: &str = "/status/currentPodHash";

impl ClusterOperator {
    pub(super) async fn abort(
        &self,
        key: &WorkloadKey,
        uid: &Name,
        hash: &Name,
        mode: Mode,
    ) -> Result<Done, ActionError> {
        let object = self.recheck(key, uid, None).await?;
        if let Some(how) = moved(key, hash, &object) {
            return Err(ActionError::Moved(Clean::line(&format!("{how}; nothing was sent"))));
        }
        let operations = json!([
            {"op": "test", "path": "/metadata/uid", "value": &**uid},
            {"op": "test", "path": HASH, "value": &**hash},
            {"op": "add", "path": "/status/abort", "value": true},
        ]);
        let (path, query) = (workload_path(key), mode.query());
        let sent = self.writer.send(Method::PATCH, &format!("{path}/status{query}"), JSON_PATCH, &operations).await;
        let sent = match sent {
            // Definitions of before 0.9 have no such subresource.
            Err(failure) if failure.is(404) => {
                self.writer.send(Method::PATCH, &format!("{path}{query}"), JSON_PATCH, &operations).await
            }
            sent => sent,
        };
        match sent {
            Ok(answer) => Ok(done("the update is aborted: the stable version serves", &answer)),
            Err(failure) => {
                let moved = if failure.is(422) || failure.is(409) {
                    let now = self.cluster().get::<Value>(&path).await.ok();
                    now.and_then(|now| moved(key, hash, &now).or_else(|| self.verdict().moved(key, uid, None, &now)))
                } else {
                    None
                };
                Err(Verdict::of(&failure, mode, moved, &self.here(&lookup(key))))
            }
        }
    }
}

/// The update is another one than was looked at, or there is none any more.
fn moved(key: &WorkloadKey, hash: &str, object: &Value) -> Option<String> {
    let current = text(object, HASH);
    if current != hash {
        Some(format!("'{key}' tries version {current} by now, not {hash}"))
    } else if text(object, "/status/stableRS") == hash {
        Some(format!("'{key}' promoted version {hash} meanwhile: there is no update to abort"))
    } else {
        None
    }
}
