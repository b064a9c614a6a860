//! Deletes the pods that an OrderedReady StatefulSet waits for. They are found when it is done: its controller may have
//! replaced some since the plan was made, and others may have broken.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::{ClusterOperator, Mode, verdict::Verdict};
use crate::{
    action::{ActionError, Done, Found},
    json::text,
    model::{
        Name,
        kubernetes::{Pod, WorkloadKey},
    },
    source::kubernetes::{
        client::segment,
        failure::Failure,
        inspect::partition,
        revisions::{self, workload_path},
        rows::Rows,
    },
    text::Clean,
};

impl ClusterOperator {
    pub(super) async fn delete_unready(
        &self,
        key: &WorkloadKey,
        uid: &Name,
        of: &BTreeSet<Name>,
        mode: Mode,
    ) -> Result<Done, ActionError> {
        let object = self.recheck(key, uid, None).await?;
        let pods = self.blocking(key, &object, of).await.map_err(|failure| {
            ActionError::NotSent(Clean::line(&format!("its pods could not be read, so none was deleted: {failure}")))
        })?;
        let mut deleted: Vec<&str> = Vec::new();
        for pod in &pods {
            match self.delete_pod(pod, mode).await {
                Ok(is_deleted) => deleted.extend(is_deleted.then_some(pod.key.name.as_str())),
                // A rehearsal has deleted none.
                Err(error) if deleted.is_empty() || mode == Mode::Rehearse => return Err(error),
                Err(error) => {
                    let says = format!("{} deleted, but then: {error}", deleted.join(", "));
                    return Err(ActionError::Unknown(Clean::line(&says)));
                }
            }
        }
        let says = match deleted.as_slice() {
            [] => "no pod blocks its order any more".to_owned(),
            [one] => format!("pod {one} is being deleted"),
            all => format!("pods {} are being deleted", all.join(", ")),
        };
        Ok(Done { says: Clean::line(&says), reference: None })
    }

    /// Those that its controller waits for now, and would make anew of another version.
    async fn blocking(&self, key: &WorkloadKey, object: &Value, of: &BTreeSet<Name>) -> Result<Vec<Pod>, Failure> {
        let rows = Rows::new(self.cluster().id());
        let mut pods = revisions::pods(self.cluster(), &rows, key, object).await?;
        let kept = partition(object);
        pods.retain(|pod| {
            let is_left = pod.hash.as_ref().is_some_and(|hash| of.contains(hash));
            is_left && !pod.is_ready && pod.deleting_since.is_none() && !pod.is_below(kept)
        });
        Ok(pods)
    }

    /// After a deletion without an answer: a pod that blocks still was not deleted, whichever were meant.
    pub(super) async fn unready_are_gone(
        &self,
        key: &WorkloadKey,
        uid: &Name,
        of: &BTreeSet<Name>,
    ) -> Result<Found, Clean> {
        let object =
            self.read(&workload_path(key)).await?.filter(|object| text(object, "/metadata/uid") == uid.as_str());
        let Some(object) = object else { return Ok(Found::Missing(Clean::own(format!("{key} is gone")))) };
        let pods = self.blocking(key, &object, of).await.map_err(|failure| failure.error.says)?;
        let names: Vec<String> = pods.iter().map(|pod| format!("{} (uid {})", pod.key.name, pod.uid)).collect();
        if names.is_empty() {
            let says = "no pod blocks its order any more".into();
            return Ok(Found::InForce(Done { says, reference: None }));
        }
        let says = format!("not being deleted: {}", names.join(", "));
        Ok(Found::Missing(Clean::own(says)))
    }

    /// Gracefully, by its uid: a StatefulSet's next pod has the same name. False: it is gone or another one by now, which
    /// is as well.
    async fn delete_pod(&self, pod: &Pod, mode: Mode) -> Result<bool, ActionError> {
        let (namespace, name) = (&pod.key.namespace, &pod.key.name);
        let path = format!("/api/v1/namespaces/{}/pods/{}", segment(namespace), segment(name));
        let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": &*pod.uid}});
        if mode == Mode::Rehearse {
            options["dryRun"] = json!(["All"]);
        }
        match self.writer.send(Method::DELETE, &path, "application/json", &options).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is(404) || failure.is(409) => Ok(false),
            Err(failure) => {
                let look = self.here(&format!("kubectl -n {namespace} get pod {name}"));
                Err(Verdict::of(&failure, mode, None, &look))
            }
        }
    }
}
