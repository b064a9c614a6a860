//! Writes whose answer is lost: the object is read again, and says whether it happened.

use jiff::Timestamp;
use serde_json::Value;

use super::{ClusterOperator, owner::operation, patch::whole_seconds};
use crate::{
    action::{Done, Found, ObjectAct, Switch, Write, is_same_template, object::ObjectWrite, object::is_on, resources},
    json::text,
    model::{
        gitops::OwnerKey,
        kubernetes::{ObjectKey, RESTARTED_AT, WorkloadKey, WorkloadKind},
    },
    operator::argocd::ended::became,
    source::kubernetes::{
        client::segment,
        owners::{is_active, owner_path},
        revisions::{items, workload_path},
        table::object_path,
    },
    text::Clean,
};

/// Most Jobs that are read.
const MAX_JOBS: &str = "500";

impl ClusterOperator {
    /// `None`: nothing tells.
    pub(super) async fn looked_at(&self, write: &Write, sent: Timestamp) -> Option<Result<Found, Clean>> {
        let found = match write {
            Write::PatchTemplate { workload, uid, target, .. } => {
                let is_so =
                    |object: &Value| object.pointer("/spec/template").is_some_and(|one| is_same_template(one, target));
                self.workload_is(workload, uid, "the template is in force", is_so).await
            }
            Write::Restart { workload, uid, at, .. } => {
                let at = whole_seconds(*at).to_string();
                let is_so = |object: &Value| restarted(workload.kind, object) == Some(at.as_str());
                self.workload_is(workload, uid, "the restart is in force", is_so).await
            }
            Write::AbortRollout { workload, uid, hash } => {
                let is_so = |object: &Value| {
                    text(object, "/status/currentPodHash") == hash.as_str()
                        && object.pointer("/status/abort") == Some(&Value::Bool(true))
                };
                self.workload_is(workload, uid, "the abort is in force", is_so).await
            }
            Write::Scale { workload, uid, to, .. } => {
                let is_so = |object: &Value| {
                    object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1) == u64::from(*to)
                };
                self.workload_is(workload, uid, "the number of replicas is in force", is_so).await
            }
            Write::Object(write) => self.object_is(write).await,
            Write::ResizePod(resize) => {
                let read = self.read(&pod_path(&resize.pod)).await;
                read.map(|pod| match pod.filter(|pod| text(pod, "/metadata/uid") == resize.uid.as_str()) {
                    None => Found::Missing("the pod is gone".into()),
                    Some(pod) => {
                        let has = &pod["spec"]["containers"][resize.index]["resources"];
                        word(resources::covers(has, &resize.after), "the resize is in force", &pod)
                    }
                })
            }
            Write::SwitchSync { owner, uid, to, .. } => {
                let is_on = matches!(to, Switch::On(_));
                let is_so = |object: &Value| is_active(owner.kind, object) == is_on;
                self.owner_is(owner, uid, "the switch is in force", is_so).await
            }
            Write::SyncTo { owner, uid, sync, by } => {
                let read = self.read(&owner_path(owner)).await;
                match read.map(|found| found.filter(|object| text(object, "/metadata/uid") == uid.as_str())) {
                    Ok(Some(object)) => {
                        let ours = operation(sync, by, &object);
                        Ok(became(&object, sync, sent, |asked| has_all(asked, &ours))?)
                    }
                    Ok(None) => Ok(gone(owner)),
                    Err(unread) => Err(unread),
                }
            }
            Write::DeleteUnready { workload, uid, of } => self.unready_are_gone(workload, uid, of).await,
            Write::HelmRollback { release, from, to } => self.helm_rolled_back(release, *from, *to).await,
            _ => return None,
        };
        Some(found)
    }

    /// `None`: it is gone.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Value>, Clean> {
        self.cluster().get_opt(path).await.map_err(|failure| failure.error.says)
    }

    async fn workload_is(
        &self,
        key: &WorkloadKey,
        uid: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Found, Clean> {
        Ok(match self.read(&workload_path(key)).await? {
            Some(object) if text(&object, "/metadata/uid") == uid => word(is_so(&object), what, &object),
            _ => Found::Missing(Clean::own(format!("{key} is gone"))),
        })
    }

    async fn owner_is(
        &self,
        key: &OwnerKey,
        uid: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Found, Clean> {
        Ok(match self.read(&owner_path(key)).await? {
            Some(object) if text(&object, "/metadata/uid") == uid => word(is_so(&object), what, &object),
            _ => gone(key),
        })
    }

    /// By metadata alone: it may be a Secret.
    async fn is_gone(&self, path: &str, uid: &str) -> Result<Found, Clean> {
        let read = self.cluster().metadata_opt(path).await;
        Ok(match read.map_err(|failure| failure.error.says)? {
            None => Found::InForce(Done { says: "it is gone".into(), reference: None }),
            Some(object) if text(&object, "/metadata/uid") != uid => {
                Found::InForce(Done { says: "it is gone, and another one has its name".into(), reference: None })
            }
            Some(object) => {
                let is_going = object.pointer("/metadata/deletionTimestamp").is_some();
                word(is_going, "the deletion is in force", &object)
            }
        })
    }

    async fn object_is(&self, write: &ObjectWrite) -> Result<Found, Clean> {
        let path = object_path(&write.object);
        match (write.act, write.act.switch()) {
            (_, Some((field, to))) => Ok(match self.read(&path).await? {
                Some(object) if text(&object, "/metadata/uid") == write.uid.as_str() => {
                    word(is_on(&object, field) == to, "the switch is in force", &object)
                }
                _ => Found::Missing(Clean::own(format!("{} is gone", write.object))),
            }),
            (ObjectAct::RunNow, _) => self.job_is(write).await,
            _ => self.is_gone(&path, &write.uid).await,
        }
    }

    /// The server named the Job: it is known by the mark that it was sent with.
    async fn job_is(&self, write: &ObjectWrite) -> Result<Found, Clean> {
        let mark = |job: &Value| job.pointer("/metadata/annotations")?.get("midwatch/act").cloned();
        let sent = write.job.as_ref().and_then(mark);
        let space = segment(&write.object.namespace);
        let path = format!("/apis/batch/v1/namespaces/{space}/jobs?limit={MAX_JOBS}");
        let list: Value = self.cluster().get(&path).await.map_err(|failure| failure.error.says)?;
        let is_ours = |job: &&Value| {
            let owners = job.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            let is_of = owners.into_iter().flatten().any(|owner| text(owner, "/uid") == write.uid.as_str());
            is_of && sent.is_some() && mark(job) == sent
        };
        match items(&list).find(is_ours) {
            Some(job) => {
                let says = Clean::own(format!("job/{} is created", text(job, "/metadata/name")));
                Ok(Found::InForce(Done { says, reference: Some(write.uid.clone()) }))
            }
            None if text(&list, "/metadata/continue").is_empty() => Ok(Found::Missing("its Job is not there".into())),
            None => Err(Clean::own(format!("more than {MAX_JOBS} jobs: not all were read"))),
        }
    }
}

fn gone(owner: &OwnerKey) -> Found {
    Found::Missing(Clean::own(format!("{} '{owner}' is gone", owner.kind.title())))
}

fn pod_path(pod: &ObjectKey) -> String {
    format!("/api/v1/namespaces/{}/pods/{}", segment(&pod.namespace), segment(&pod.name))
}

/// When it was told to restart.
fn restarted(kind: WorkloadKind, object: &Value) -> Option<&str> {
    if kind == WorkloadKind::Rollout {
        return object.pointer("/spec/restartAt")?.as_str();
    }
    object.pointer("/spec/template/metadata/annotations")?.get(RESTARTED_AT)?.as_str()
}

fn word(is_so: bool, what: &str, object: &Value) -> Found {
    if is_so {
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
        let reference = generation.map(|number| Clean::line(&number.to_string()));
        return Found::InForce(Done { says: Clean::line(what), reference });
    }
    Found::Missing(Clean::line(&what.replacen(" is in force", " is not in force", 1)))
}

/// Servers add their defaults to what they are sent.
pub(in crate::operator) fn has_all(object: &Value, wanted: &Value) -> bool {
    match (object, wanted) {
        (Value::Object(has), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| has.get(key).is_some_and(|own| has_all(own, value)))
        }
        _ => object == wanted,
    }
}
