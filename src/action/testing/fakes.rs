//! A fake cluster, a fake code host and a fake registry that count what is sent or asked.

mod host;
mod jenkins;
mod registry;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use serde_json::{Value, json};

pub use self::{
    host::FakeHost,
    jenkins::{FakeJenkins, deploy},
    registry::FakeRegistry,
};
use super::{cluster, now, pod, pod_inspection};
use crate::{
    action::{
        ActionError, Done, Found, Glance, Inspection, Inspector, Notice, Operator, Request, Switch, WorkloadInspection,
        Write, resize::PodInspection, template,
    },
    model::{
        BackendId, Name,
        gitops::OwnerKey,
        kubernetes::{Pod, RolloutState, RolloutStatus, WorkloadKey, WorkloadKind},
    },
    source::{ErrorKind, SourceError},
    text::Clean,
    time::Skew,
};

/// What a fake cluster is and does.
pub struct Cluster {
    pub found: WorkloadInspection,
    pub pod: PodInspection,
    pub sent: Vec<Write>,
    pub rehearsed: usize,
    pub inspected: usize,
    pub glances: usize,
    /// What the next writes are answered; none: they are done.
    pub answers: Vec<ActionError>,
    /// The next write is done, and its answer is lost.
    pub loses_answer: bool,
    pub rehearsal: Result<Clean, ActionError>,
    pub panics: bool,
    /// What the cluster makes of a template that it took; nothing: all its pods.
    pub after: Option<fn(&mut WorkloadInspection)>,
    /// What becomes of it at each look.
    pub on_look: Option<fn(&mut WorkloadInspection)>,
    /// Other workloads, of the same release.
    pub others: Vec<WorkloadInspection>,
    /// Workloads whose pods the server would not have, and why.
    pub refuses_pods: Vec<(WorkloadKey, ActionError)>,
    /// Pods that Services send to.
    pub serving: Result<BTreeSet<Name>, Clean>,
    /// How its clock stands to ours.
    pub skew: Option<Skew>,
    /// The workload was deleted.
    pub is_gone: bool,
    pub notices: Vec<Notice>,
    /// Why no notice is taken.
    pub refuses_notices: Option<Clean>,
}

/// An API server with one workload: inspector and operator.
#[derive(Clone)]
pub struct FakeCluster(pub Arc<Mutex<Cluster>>);

impl FakeCluster {
    pub fn new(found: WorkloadInspection) -> Self {
        Self(Arc::new(Mutex::new(Cluster {
            found,
            pod: pod_inspection(),
            sent: Vec::new(),
            rehearsed: 0,
            inspected: 0,
            glances: 0,
            answers: Vec::new(),
            loses_answer: false,
            rehearsal: Ok("accepted".into()),
            panics: false,
            after: None,
            on_look: None,
            others: Vec::new(),
            refuses_pods: Vec::new(),
            serving: Ok(BTreeSet::new()),
            skew: None,
            is_gone: false,
            notices: Vec::new(),
            refuses_notices: None,
        })))
    }

    pub fn with<R>(&self, change: impl FnOnce(&mut Cluster) -> R) -> R {
        change(&mut self.0.lock().expect("no test panics while holding it"))
    }

    pub fn sent(&self) -> Vec<Write> {
        self.with(|cluster| cluster.sent.clone())
    }
}

impl Cluster {
    fn take(&mut self, write: &Write) -> Result<Done, ActionError> {
        assert!(!self.panics, "a fake that panics");
        self.sent.push(write.clone());
        if !self.answers.is_empty() {
            return Err(self.answers.remove(0));
        }
        match write {
            Write::PatchTemplate { live, target, .. } => {
                if !template::is_same(live, &self.found.template) {
                    return Err(ActionError::Moved("the template moved; nothing was sent".into()));
                }
                self.become_template(target.clone());
            }
            Write::Scale { to, .. } => {
                self.found.workload.desired = *to;
                self.become_template(self.found.template.clone());
            }
            Write::Restart { workload, at, .. } => {
                // Argo Rollouts leaves the template as it is; times are whole seconds.
                if workload.kind != WorkloadKind::Rollout {
                    let at = Timestamp::from_second(at.as_second()).expect("in range");
                    template::mark_restart(&mut self.found.template, &at.to_string());
                }
                if let Some(after) = self.after {
                    after(&mut self.found);
                }
            }
            Write::ResizePod(resize) => self.resize(&resize.after),
            Write::DeleteUnready { of, .. } => {
                let is_left = |pod: &Pod| pod.hash.as_ref().is_some_and(|hash| of.contains(hash));
                self.found.pods.retain(|pod| pod.is_ready || !is_left(pod));
            }
            Write::HelmRollback { to, .. } => self.roll_back_release(*to),
            Write::SwitchSync { owner, to, .. } => self.switch(owner, to),
            _ => {}
        }
        if std::mem::take(&mut self.loses_answer) {
            return Err(ActionError::Unknown("the connection broke".into()));
        }
        let generation = self.found.workload.generation;
        Ok(Done { says: "done by the fake".into(), reference: Some(Clean::line(&generation.to_string())) })
    }

    /// As after the kubelet did it.
    fn resize(&mut self, resources: &Value) {
        let pod = &mut self.pod.object;
        pod["spec"]["containers"][0]["resources"] = resources.clone();
        let status = json!([{"name": "app", "state": {"running": {}}, "resources": resources}]);
        pod["status"]["containerStatuses"] = status;
    }

    fn switch(&mut self, key: &OwnerKey, to: &Switch) {
        let owners = self.found.owners.as_mut().expect("they were read");
        let owner = owners.iter_mut().find(|owner| owner.key == *key).expect("it is there");
        let is_on = matches!(to, Switch::On(_));
        assert_ne!(owner.is_active, is_on, "it is so already");
        owner.is_active = is_on;
        match (key.kind.is_flux(), to) {
            (true, _) => owner.spec["suspend"] = json!(!is_on),
            (false, Switch::On(setting)) => owner.spec["syncPolicy"]["automated"] = setting.clone(),
            (false, Switch::Off) => owner.spec["syncPolicy"] = json!({}),
        }
    }

    /// As after a finished rollout of this template.
    pub fn become_template(&mut self, template: Value) {
        rolled_out(&mut self.found, template, self.after);
    }

    /// As Helm does it: one revision more, and the templates that it holds.
    fn roll_back_release(&mut self, to: i64) {
        let release =
            self.found.release.as_ref().and_then(|release| release.as_ref().ok()).expect("it is of a release");
        let mut made = release.revisions.iter().find(|one| one.number == to).expect("it is kept").clone();
        made.number = release.revisions[0].number + 1;
        made.status = "deployed".into();
        let body = made.body.as_mut().expect("it is readable");
        (body.description, body.updated) = (Clean::line(&format!("Rollback to {to}")), Some(now().wall));
        let templates: Vec<(WorkloadKey, Value)> = (self.others.iter().chain([&self.found]))
            .filter_map(|found| {
                Some((found.workload.key.clone(), body.rendered(&found.workload.key)?.template.clone()?))
            })
            .collect();
        if let Some(Ok(release)) = &mut self.found.release {
            release.revisions.iter_mut().for_each(|one| one.status = "superseded".into());
            release.revisions.insert(0, made);
        }
        for (key, template) in templates {
            let found = self.others.iter_mut().chain([&mut self.found]).find(|found| found.workload.key == key);
            rolled_out(found.expect("it is there"), template, self.after);
        }
    }

    /// As the request's workload is.
    fn of(&self, request: &Request) -> Option<&WorkloadInspection> {
        match request {
            Request::RollBack { workload, .. } | Request::Restart { workload } if !self.others.is_empty() => {
                self.others.iter().chain([&self.found]).find(|found| found.workload.key == *workload)
            }
            _ => Some(&self.found),
        }
    }
}

fn rolled_out(found: &mut WorkloadInspection, template: Value, after: Option<fn(&mut WorkloadInspection)>) {
    let max = found.revisions.iter().map(|revision| revision.number).max().unwrap_or(0);
    let mut hash = None;
    for revision in &mut found.revisions {
        revision.is_live = template::is_same(&revision.template, &template);
        if revision.is_live {
            revision.number = max + 1;
            hash = revision.hash.clone();
        }
    }
    let tag = hash.as_ref().map_or("new", |hash| hash.trim_start_matches("hash")).to_owned();
    let name = found.workload.key.name.clone();
    let prefix = if name == "myapp" { "pod".into() } else { name };
    found.pods = (0..found.workload.desired).map(|n| pod(&format!("{prefix}-{n}"), &tag, true)).collect();
    found.template = template;
    let workload = &mut found.workload;
    workload.generation += 1;
    workload.observed_generation = workload.generation;
    (workload.updated, workload.available, workload.ready) = (workload.desired, workload.desired, workload.desired);
    workload.rollout = RolloutStatus { words: "successfully rolled out".into(), state: RolloutState::Done };
    if let Some(after) = after {
        after(found);
    }
}

impl Inspector for FakeCluster {
    fn backend(&self) -> &BackendId {
        static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(cluster);
        &ID
    }

    fn skew(&self) -> Option<Skew> {
        self.with(|cluster| cluster.skew)
    }

    fn serving<'a>(&'a self, _namespace: &'a str) -> BoxFuture<'a, Result<BTreeSet<Name>, Clean>> {
        std::future::ready(self.with(|cluster| cluster.serving.clone())).boxed()
    }

    fn inspect<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        let found = self.with(|cluster| {
            cluster.inspected += 1;
            if let Some(on_look) = cluster.on_look {
                on_look(&mut cluster.found);
            }
            match request {
                Request::Resize { .. } => Ok(Inspection::Pod(Box::new(cluster.pod.clone()))),
                request => {
                    cluster.of(request).map(|found| Inspection::Workload(Box::new(found.clone()))).ok_or_else(no_such)
                }
            }
        });
        async move { found }.boxed()
    }

    fn glance<'a>(&'a self, workload: &'a WorkloadKey) -> BoxFuture<'a, Result<Option<Glance>, SourceError>> {
        let found = self.with(|cluster| {
            cluster.glances += 1;
            if let Some(on_look) = cluster.on_look {
                on_look(&mut cluster.found);
            }
            cluster.of(&Request::Restart { workload: workload.clone() }).filter(|_| !cluster.is_gone).map(glance)
        });
        async move { Ok(found) }.boxed()
    }
}

fn no_such() -> SourceError {
    SourceError::new(ErrorKind::Unexpected, "the fake has no such workload")
}

fn glance(found: &WorkloadInspection) -> Glance {
    Glance {
        partition: found.partition,
        workload: found.workload.clone(),
        template: found.template.clone(),
        pods: found.unread.pods.clone().map_or_else(|| Ok(found.pods.clone()), Err),
        changes: found.changes.clone(),
    }
}

impl Operator for FakeCluster {
    fn backend(&self) -> &BackendId {
        Inspector::backend(self)
    }

    fn rehearse<'a>(&'a self, _write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        let said = self.with(|cluster| {
            cluster.rehearsed += 1;
            cluster.rehearsal.clone()
        });
        async move { Some(said) }.boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move { self.with(|cluster| cluster.take(write)) }.boxed()
    }

    fn look<'a>(&'a self, write: &'a Write, _: Timestamp) -> BoxFuture<'a, Option<Result<Found, Clean>>> {
        let found = self.with(|cluster| match write {
            Write::PatchTemplate { target, .. } if template::is_same(target, &cluster.found.template) => {
                let reference = Some(Clean::line(&cluster.found.workload.generation.to_string()));
                Some(Ok(Found::InForce(Done { says: "the template is in force".into(), reference })))
            }
            Write::PatchTemplate { .. } => Some(Ok(Found::Missing("the template is not in force".into()))),
            Write::HelmRollback { from, .. } => {
                let release = cluster.found.release.as_ref().and_then(|release| release.as_ref().ok());
                let own = release.and_then(|release| release.revisions.iter().find(|one| one.number == from + 1));
                let own = own.filter(|own| !own.is_done());
                own.map(|own| {
                    let is_ours = own.body.as_ref().is_ok_and(|body| body.description.starts_with("Rollback "));
                    let found = if is_ours { Found::InPart } else { Found::Missing };
                    Ok(found(say!("revision {} is {}", own.number, own.status)))
                })
            }
            _ => None,
        });
        async move { found }.boxed()
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), Clean>> {
        let told = self.with(|cluster| {
            cluster.notices.push(notice.clone());
            cluster.refuses_notices.clone().map_or(Ok(()), Err)
        });
        std::future::ready(told).boxed()
    }

    fn rehearse_pod<'a>(
        &'a self,
        workload: &'a WorkloadKey,
        _template: &'a Value,
    ) -> BoxFuture<'a, Option<Result<Vec<Clean>, ActionError>>> {
        let refused = self.with(|cluster| cluster.refuses_pods.iter().find(|(key, _)| key == workload).cloned());
        async move { Some(refused.map_or_else(|| Ok(Vec::new()), |(_, error)| Err(error))) }.boxed()
    }
}
