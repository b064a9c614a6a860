//! Changes to workloads and pods, guarded: every write says in itself what it expects to find (`test` operations of a JSON
//! patch, preconditions of a delete), so that it changes what the person saw or nothing. Guards of a workload are on uid and
//! template, never on `resourceVersion`: each status write moves that, and a crash-looping one could not be rolled back.
//! Where nothing else tells (a deletion, a sync of Argo CD), what was just read again is guarded by its `resourceVersion`.

mod abort;
mod event;
mod helm;
mod injected;
pub(super) mod lost;
mod object;
pub(in crate::operator) mod owner;
mod patch;
mod resize;
#[cfg(test)]
mod tests;
mod unready;
mod verdict;

use futures::{FutureExt, future::BoxFuture};
use http::{Method, header};
use jiff::Timestamp;
use serde_json::Value;

use self::{
    patch::{restart, scale, template},
    verdict::Verdict,
};
use crate::{
    action::{ActionError, Done, Found, Notice, Operator, Write, is_same_template},
    model::{
        BackendId, Name,
        kubernetes::{FIELD_MANAGER, WorkloadKey, WorkloadKind},
    },
    source::kubernetes::{
        client::{Cluster, Writer, segment},
        revisions::workload_path,
    },
    text::{Clean, quoted},
};

pub use self::helm::Helm;

const JSON_PATCH: &str = "application/json-patch+json";

/// Writes to one cluster. Exists only where the backend is not read-only: [`Cluster::writer`].
pub struct ClusterOperator {
    writer: Writer,
    helm: Helm,
    /// Whether acts leave an Event on their workload.
    has_events: bool,
}

/// Whether the server keeps what it is asked to do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// `dryRun=All`
    Rehearse,
    Keep,
}

impl Mode {
    fn query(self) -> String {
        match self {
            Self::Rehearse => format!("?fieldManager={FIELD_MANAGER}&dryRun=All"),
            Self::Keep => format!("?fieldManager={FIELD_MANAGER}"),
        }
    }
}

/// A patch ready to be sent, with what it is guarded by.
struct Guarded<'a> {
    workload: &'a WorkloadKey,
    uid: &'a Name,
    /// Template as seen; `None`: the patch does not depend on it.
    live: Option<&'a Value>,
    path: String,
    operations: Value,
}

impl ClusterOperator {
    pub fn new(writer: Writer) -> Self {
        Self { writer, helm: Helm::default(), has_events: false }
    }

    fn cluster(&self) -> &Cluster {
        self.writer.cluster()
    }

    async fn run(&self, write: &Write, mode: Mode) -> Result<Done, ActionError> {
        match write {
            Write::PatchTemplate { workload, uid, live, target, annotations } => {
                let object = self.recheck(workload, uid, Some(live)).await?;
                if is_same_template(live, target) {
                    return Err(ActionError::Refused(Clean::line(
                        "the live template is the target's already: nothing to do",
                    )));
                }
                self.refuse_paused(workload, &object, "roll back")?;
                let operations = template(uid, live, target, &object, annotations);
                let path = workload_path(workload);
                let answer = self.patch(Guarded { workload, uid, live: Some(live), path, operations }, mode).await?;
                Ok(done("the template is replaced", &answer))
            }
            Write::Restart { workload, uid, live, at, by } => {
                let object = self.recheck(workload, uid, Some(live)).await?;
                self.refuse_paused(workload, &object, "restart")?;
                let path = workload_path(workload);
                let operations = match workload.kind {
                    WorkloadKind::Rollout => patch::restart_at(uid, live, *at, &object, by),
                    _ => restart(uid, live, *at, &object, by),
                };
                let answer = self.patch(Guarded { workload, uid, live: Some(live), path, operations }, mode).await?;
                Ok(done("the pods are being restarted", &answer))
            }
            Write::AbortRollout { workload, uid, hash } => self.abort(workload, uid, hash, mode).await,
            Write::Scale { workload, uid, from, to } => self.scale(workload, uid, *from, *to, mode).await,
            Write::Object(write) => self.on_object(write, mode).await,
            Write::ResizePod(resize) => self.resize_pod(resize, mode).await,
            Write::DeleteUnready { workload, uid, of } => self.delete_unready(workload, uid, of, mode).await,
            Write::SwitchSync { owner, uid, spec, to, by } => self.switch_sync((owner, uid, spec), to, by, mode).await,
            Write::SyncTo { owner, uid, sync, by } => self.sync_to((owner, uid), sync, by, mode).await,
            Write::HelmRollback { release, from, to } => self.helm_rollback(release, *from, *to, mode).await,
            _ => Err(ActionError::Refused(Clean::line("this is not a change of a cluster"))),
        }
    }

    /// Reads the workload again, and refuses if it is not the one that was looked at. Nothing was sent by then.
    async fn recheck(&self, key: &WorkloadKey, uid: &str, live: Option<&Value>) -> Result<Value, ActionError> {
        let object: Value = match self.cluster().get(&workload_path(key)).await {
            Ok(object) => object,
            Err(failure) if failure.is(404) => {
                return Err(ActionError::Moved(Clean::line(&format!("'{key}' is gone; nothing was sent"))));
            }
            Err(failure) => {
                let says = format!("'{key}' could not be read again, so nothing was sent: {failure}");
                return Err(ActionError::NotSent(Clean::line(&says)));
            }
        };
        match self.verdict().moved(key, uid, live, &object) {
            Some(how) => Err(ActionError::Moved(Clean::line(&format!("{how}; nothing was sent")))),
            None => Ok(object),
        }
    }

    async fn patch(&self, guarded: Guarded<'_>, mode: Mode) -> Result<Value, ActionError> {
        let path = format!("{}{}", guarded.path, mode.query());
        let failure = match self.writer.send(Method::PATCH, &path, JSON_PATCH, &guarded.operations).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        // A failed test and an invalid object are both 422: only the object itself tells them apart.
        let moved = if failure.is(422) || failure.is(409) {
            let now = self.cluster().get::<Value>(&workload_path(guarded.workload)).await;
            match now {
                Ok(object) => self.verdict().moved(guarded.workload, guarded.uid, guarded.live, &object),
                Err(_) => None,
            }
        } else {
            None
        };
        Err(Verdict::of(&failure, mode, moved, &self.here(&lookup(guarded.workload))))
    }

    async fn scale(&self, key: &WorkloadKey, uid: &Name, from: u32, to: u32, mode: Mode) -> Result<Done, ActionError> {
        if key.kind == WorkloadKind::DaemonSet {
            return Err(ActionError::Refused(Clean::line("a DaemonSet has one pod per node: it cannot be scaled")));
        }
        let object = self.recheck(key, uid, None).await?;
        let now = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        if now != u64::from(from) {
            let says = format!("'{key}' has {now} replicas by now, not {from}; nothing was sent");
            return Err(ActionError::Moved(Clean::line(&says)));
        }
        let path = format!("{}/scale", workload_path(key));
        let operations = scale(uid, from, to);
        let path = format!("{path}{}", mode.query());
        match self.writer.send(Method::PATCH, &path, JSON_PATCH, &operations).await {
            Ok(answer) => {
                let were = if from == 1 { "replica is" } else { "replicas are" };
                Ok(done(&format!("{from} {were} now {to}"), &answer))
            }
            Err(failure) => {
                let moved = if failure.is(422) || failure.is(409) { self.rescaled(key, uid, from).await } else { None };
                Err(Verdict::of(&failure, mode, moved, &self.here(&format!("kubectl -n {} get {key}", key.namespace))))
            }
        }
    }

    /// How the number of replicas moved while we sent.
    async fn rescaled(&self, key: &WorkloadKey, uid: &str, from: u32) -> Option<String> {
        let object: Value = self.cluster().get(&workload_path(key)).await.ok()?;
        let now = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        self.verdict()
            .moved(key, uid, None, &object)
            .or_else(|| (now != u64::from(from)).then(|| format!("'{key}' has {now} replicas by now, not {from}")))
    }

    /// Asks the server to create a pod of this template and not keep it: admission, quota, Pod Security and policy
    /// webhooks speak. Gives what is to be known of it; `Refused` says why such a pod would not come up.
    pub async fn rehearse_pod(&self, workload: &WorkloadKey, template: &Value) -> Result<Vec<Clean>, ActionError> {
        let path = format!("/api/v1/namespaces/{}/pods{}", segment(&workload.namespace), Mode::Rehearse.query());
        match self.writer.send_and_listen(Method::POST, &path, "application/json", &patch::pod(template)).await {
            Ok((headers, pod)) => {
                let warnings = headers.get_all(header::WARNING).iter().filter_map(|value| value.to_str().ok());
                let warnings =
                    warnings.map(|warning| Clean::own(format!("the server warns: {}", verdict::warning(warning))));
                let pod: Value = serde_json::from_slice(&pod).unwrap_or_default();
                Ok(warnings.chain(injected::injected(template, &pod)).collect())
            }
            Err(failure) => Err(Verdict::of(&failure, Mode::Rehearse, None, "")),
        }
    }

    fn refuse_paused(&self, key: &WorkloadKey, object: &Value, act: &str) -> Result<(), ActionError> {
        if object.pointer("/spec/paused") == Some(&Value::Bool(true)) {
            let resume = self.here(&match key.kind {
                WorkloadKind::Rollout => format!("kubectl argo rollouts promote {} -n {}", key.name, key.namespace),
                _ => format!("kubectl -n {} rollout resume {key}", key.namespace),
            });
            let says = format!("'{key}' is paused, so nothing would roll: `{resume}` first, then {act}");
            return Err(ActionError::Refused(Clean::line(&says)));
        }
        Ok(())
    }

    /// A command of `kubectl` on this cluster, whatever the current context is.
    fn here(&self, command: &str) -> String {
        format!("{command} --context {}", quoted(self.cluster().context()))
    }

    fn verdict(&self) -> Verdict {
        Verdict { now: self.cluster().time() }
    }
}

impl Operator for ClusterOperator {
    fn backend(&self) -> &BackendId {
        self.cluster().id()
    }

    fn rehearse<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        async move {
            let rehearsed = self.run(write, Mode::Rehearse).await;
            Some(rehearsed.map(|_| Clean::line("the server would accept it (dry run)")))
        }
        .boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        self.run(write, Mode::Keep).boxed()
    }

    fn look<'a>(&'a self, write: &'a Write, sent: Timestamp) -> BoxFuture<'a, Option<Result<Found, Clean>>> {
        self.looked_at(write, sent).boxed()
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), Clean>> {
        self.tell(notice).boxed()
    }

    fn rehearse_pod<'a>(
        &'a self,
        workload: &'a WorkloadKey,
        template: &'a Value,
    ) -> BoxFuture<'a, Option<Result<Vec<Clean>, ActionError>>> {
        async move { Some(Self::rehearse_pod(self, workload, template).await) }.boxed()
    }
}

fn done(what: &str, answer: &Value) -> Done {
    let generation = answer.pointer("/metadata/generation").and_then(Value::as_i64);
    let says = generation.map_or_else(|| what.to_owned(), |number| format!("{what} (generation {number})"));
    Done { says: Clean::line(&says), reference: generation.map(|number| Clean::line(&number.to_string())) }
}

/// What to look at when nobody knows.
fn lookup(key: &WorkloadKey) -> String {
    if key.kind == WorkloadKind::Rollout {
        return format!("kubectl argo rollouts get rollout {} -n {}", key.name, key.namespace);
    }
    format!("kubectl -n {} rollout history {key}", key.namespace)
}
