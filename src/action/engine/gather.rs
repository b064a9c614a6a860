//! Evidence: everything a plan needs, asked live and at once.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, future::join_all, stream};
use jiff::Timestamp;
use serde_json::Value;

use super::{Audit, Inner};
use crate::{
    action::{
        ActionError, Beside, Evidence, Glance, Inspection, Limits, Request, RunInspection, WorkloadInspection, Write,
        applications,
        audit::PastAct,
        changed,
        evidence::{Undoing, drafts},
        helm, object,
        plan::Kept,
        registry::{self, Asked},
        resize::PodInspection,
    },
    model::{
        BackendId, Name,
        code::RunKey,
        helm::{Release, ReleaseRevision},
        image::ImageRef,
        kubernetes::{ObjectKey, WorkloadKey},
    },
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// Workloads of a release that are asked at once.
const AT_ONCE: usize = 3;
/// The part of the time for all evidence that one check's note may take: whoever rolls back waits for it.
const MADE: u32 = 15;

type Members = Vec<(WorkloadKey, Result<Box<Evidence>, Clean>)>;
type Rehearsals = Vec<(Write, Option<Result<Clean, ActionError>>)>;
type RehearsedPods = Vec<(Value, Result<Vec<Clean>, ActionError>)>;

impl Inner {
    /// Asks everything for a request, within a deadline.
    pub(super) async fn gather(&self, request: &Request, beside: &Beside) -> Result<Evidence, SourceError> {
        let within = self.pace.gather;
        tokio::time::timeout(within, self.ask(request, beside)).await.unwrap_or_else(|_| {
            let says =
                format!("not all that a plan needs was answered within {} s; nothing was sent", within.as_secs());
            Err(SourceError::new(ErrorKind::TimedOut, says))
        })
    }

    async fn ask(&self, request: &Request, beside: &Beside) -> Result<Evidence, SourceError> {
        let asked = self.clock.now().wall;
        let all = self.past_acts().await.map(|acts| self.closed(acts));
        let known = all.as_deref().unwrap_or_default();
        let undone = if let Request::Undo { act } = request { Some(*act) } else { None };
        let mut undoing = self.undoing(undone, known).await?;
        if let Some(undoing) = &mut undoing {
            undoing.reread = self.reread(&undoing.act, undoing.kept.as_ref()).await;
        }
        let (subject, races, made, jobs) = tokio::join!(
            self.subject(request, undoing.as_ref()),
            self.races(&beside.runs),
            self.made(beside.made.as_ref()),
            self.ask_jobs(&beside.jobs)
        );
        let subject = subject?;
        let id = subject.cluster_id();
        if let Some(Undoing { act, .. }) = undoing.as_ref().filter(|undoing| undoing.act.is_elsewhere(id)) {
            let says = format!("act {} was done on another cluster, which had this name then", act.number);
            return Err(SourceError::new(ErrorKind::Unexpected, says));
        }
        if let Request::ResumeSync { workload } = request {
            // What it was set to before is beside the act that switched it off.
            undoing = self.undoing(switched_off(workload, id, known), known).await?;
            if let Some(kept) = undoing.as_mut().and_then(|undoing| undoing.kept.as_mut()) {
                kept.rename_cluster(&workload.cluster);
            }
        }
        let mut evidence = Evidence::of(subject, asked);
        evidence.writable = self.backends(|all| all.operators.keys().cloned().collect());
        evidence.record = beside.record.clone();
        let minds_owners =
            matches!(request, Request::RollBack { .. } | Request::Undo { .. } | Request::ResumeSync { .. });
        if let (Inspection::Workload(found), true) = (&mut evidence.subject, minds_owners) {
            let servers: Vec<_> = self.backends(|all| all.applications.values().cloned().collect());
            applications::ask(&servers, &evidence.writable, self.pace.gather / 3, found).await;
        }
        (evidence.races, evidence.made, evidence.jobs) = (races, made, jobs);
        evidence.acts = match (&evidence.subject, &all) {
            (Inspection::Workload(found), Ok(all)) => {
                Ok(on_workload(&found.workload.key, found.cluster_id.as_ref(), all))
            }
            (_, Ok(_)) => Ok(Vec::new()),
            (_, Err(why)) => Err(why.clone()),
        };
        evidence.undoing = undoing;
        evidence.audit = self.on_audit(Audit::check).await;
        evidence.members = self.members(request, &evidence, all.as_deref()).await;
        let questions = registry::questions(request, &evidence, beside, self.time_at(&evidence.subject));
        let (rehearsed, registry) =
            tokio::join!(self.rehearse(request, &evidence, beside), self.ask_registries(questions));
        (evidence.rehearsals, evidence.pods) = rehearsed;
        evidence.registry = registry;
        Ok(evidence)
    }

    /// The workload that an undo would take from one version to another, by the audit.
    pub(super) async fn undone_by(&self, request: &Request) -> Option<WorkloadKey> {
        let Request::Undo { act } = request else { return None };
        let acts = self.past_acts().await.ok()?;
        let of = |number: u64| acts.iter().find(|act| act.number == number).map(|act| &act.request);
        changed(of(*act)?, *act, &of).cloned()
    }

    async fn undoing(&self, number: Option<u64>, known: &[PastAct]) -> Result<Option<Undoing>, SourceError> {
        let Some(number) = number else { return Ok(None) };
        let Some(act) = known.iter().find(|act| act.number == number) else {
            return Err(SourceError::new(ErrorKind::Unexpected, format!("the audit has no act {number}")));
        };
        let kept: Option<Kept> = self.on_audit(move |audit| audit.kept(number)).await.map_err(|why| {
            SourceError::new(ErrorKind::Unexpected, format!("what act {number} kept cannot be read: {why}"))
        })?;
        Ok(Some(Undoing { act: act.clone(), kept, reread: None }))
    }

    /// Cut off is not the same as under way: of that, nothing can be said yet.
    fn closed(&self, acts: Vec<PastAct>) -> Vec<PastAct> {
        let is_cut_off = |act: &PastAct| act.outcome.is_none() && !self.is_at_it(act);
        acts.into_iter().map(|act| if is_cut_off(&act) { act.closed() } else { act }).collect()
    }

    async fn inspect(&self, backend: &BackendId, request: &Request) -> Result<Inspection, SourceError> {
        match self.inspector(backend) {
            Some(inspector) => inspector.inspect(request).await,
            None => Err(not_connected(backend)),
        }
    }

    async fn subject(&self, request: &Request, undoing: Option<&Undoing>) -> Result<Inspection, SourceError> {
        match request {
            Request::RollBack { workload, .. }
            | Request::Restart { workload }
            | Request::Scale { workload, .. }
            | Request::Limits { workload, .. }
            | Request::ResumeSync { workload } => self.inspect(&workload.cluster, request).await,
            Request::Resize { pod, .. } => self.inspect(&pod.cluster, request).await,
            Request::Object { object, .. } => self.inspect(&object.cluster, request).await,
            Request::Review { pull_request, .. }
            | Request::Comment { pull_request, .. }
            | Request::Merge { pull_request, .. } => self.inspect(&pull_request.repo.host, request).await,
            Request::Rerun { run, .. } | Request::Cancel { run, .. } => self.inspect(&run.repo.host, request).await,
            Request::Silence(draft) => self.inspect(&draft.backend, request).await,
            Request::Silences(drafts) => {
                self.alerts(drafts.iter().map(|draft| &draft.backend).collect(), request).await
            }
            Request::ExpireSilence { silence } => self.inspect(&silence.backend, request).await,
            Request::Acknowledge { alerts } => {
                self.alerts(alerts.iter().map(|alert| &alert.backend).collect(), request).await
            }
            Request::Outside { .. } => {
                Err(SourceError::new(ErrorKind::Bug, "What runs outside is not looked at first."))
            }
            Request::Undo { act } => match undoing {
                Some(Undoing { kept: Some(kept), .. }) if let Some((backend, look)) = kept.look() => {
                    self.inspect(backend, &look).await
                }
                Some(Undoing { act, .. }) if let Some((object, back)) = object::inverse(&act.request) => {
                    let request = Request::Object { object: object.clone(), act: back };
                    self.inspect(&object.cluster, &request).await
                }
                Some(Undoing { act, .. }) if !act.silences.is_empty() => {
                    let backends = act.silences.iter().map(|silence| &silence.backend).collect();
                    self.alerts(backends, request).await
                }
                _ => {
                    let reread = undoing.and_then(|undoing| undoing.reread.as_ref());
                    let found = reread.map(|reread| format!(". {}", reread.says())).unwrap_or_default();
                    let says = format!("act {act} cannot be undone from here: it kept nothing to go back to{found}");
                    Err(SourceError::new(ErrorKind::Unexpected, says))
                }
            },
        }
    }

    /// Alerts and silences of several backends.
    async fn alerts(&self, backends: BTreeSet<&BackendId>, request: &Request) -> Result<Inspection, SourceError> {
        let (mut alerts, mut silences) = (Vec::new(), Vec::new());
        for answer in join_all(backends.into_iter().map(|backend| self.inspect(backend, request))).await {
            if let Inspection::Alerts { alerts: more, silences: also } = answer? {
                alerts.extend(more);
                silences.extend(also);
            }
        }
        Ok(Inspection::Alerts { alerts, silences })
    }

    async fn races(&self, beside: &[RunKey]) -> Vec<(RunKey, Result<RunInspection, Clean>)> {
        join_all(beside.iter().map(async |run| (run.clone(), self.run(run).await))).await
    }

    /// The run that deployed what is live: what is not known of it holds nothing up for long.
    async fn made(&self, run: Option<&RunKey>) -> Option<Result<RunInspection, Clean>> {
        let within = self.pace.gather / MADE;
        let found = tokio::time::timeout(within, self.run(run?)).await;
        Some(found.unwrap_or_else(|_| Err(say!("no answer within {} s", within.as_secs_f32()))))
    }

    /// The time on a backend, as its answers told it: what happened there is as old as its own clock says.
    pub(super) fn time_of(&self, backend: &BackendId) -> Timestamp {
        self.clock.now().by(self.inspector(backend).and_then(|inspector| inspector.skew()))
    }

    fn time_at(&self, subject: &Inspection) -> Timestamp {
        match subject {
            Inspection::Workload(found) => self.time_of(&found.workload.key.cluster),
            _ => self.clock.now().wall,
        }
    }

    /// A run as it is now.
    pub(super) async fn run(&self, run: &RunKey) -> Result<RunInspection, Clean> {
        match self.inspect(&run.repo.host, &Request::Cancel { run: run.clone(), attempt: 0 }).await {
            Ok(Inspection::Run(run)) => Ok(*run),
            Ok(_) => Err(say!("'{}' answered something else", run.repo.host)),
            Err(error) => Err(error.says),
        }
    }

    /// The workload as it is now.
    pub(super) async fn workload(&self, key: &WorkloadKey) -> Result<Option<Glance>, Clean> {
        match self.inspector(&key.cluster) {
            Some(inspector) => inspector.glance(key).await.map_err(|error| error.says),
            None => Err(not_connected(&key.cluster).says),
        }
    }

    /// A pod as it is now.
    pub(super) async fn pod(&self, key: &ObjectKey) -> Result<Box<PodInspection>, Clean> {
        let look = Request::Resize { pod: key.clone(), limits: Limits::of("") };
        match self.inspect(&key.cluster, &look).await {
            Ok(Inspection::Pod(found)) => Ok(found),
            Ok(_) => Err(say!("'{}' answered something else", key.cluster)),
            Err(error) => Err(error.says),
        }
    }

    /// Has the server try the writes and keep nothing of them.
    async fn rehearse(&self, request: &Request, evidence: &Evidence, beside: &Beside) -> (Rehearsals, RehearsedPods) {
        let (writes, pods) = drafts(request, evidence, beside, self.time_at(&evidence.subject));
        let rehearsed = join_all(writes.into_iter().map(async |write| {
            let operator = self.operator(write.backend())?;
            let said = operator.rehearse(&write).await;
            Some((write, said))
        }));
        let (rehearsed, pods) = tokio::join!(rehearsed, self.rehearse_pods(pods));
        (rehearsed.into_iter().flatten().collect(), pods)
    }

    async fn rehearse_pods(&self, pods: impl IntoIterator<Item = (WorkloadKey, Value)>) -> RehearsedPods {
        let rehearsed = join_all(pods.into_iter().map(async |(workload, template)| {
            let said = self.operator(&workload.cluster)?.rehearse_pod(&workload, &template).await?;
            Some((template, said))
        }));
        rehearsed.await.into_iter().flatten().collect()
    }

    async fn ask_registries(&self, questions: impl IntoIterator<Item = (ImageRef, BTreeSet<Name>)>) -> Vec<Asked> {
        let asked = join_all(questions.into_iter().map(|question| self.ask_registry(question)));
        asked.await.into_iter().flatten().collect()
    }

    /// Asks the registry of the target's image, if one is configured: no other host is ever asked.
    async fn ask_registry(&self, (image, known): (ImageRef, BTreeSet<Name>)) -> Option<Asked> {
        let registry = self.backends(|all| all.registries.get(&image.host).cloned())?;
        let within = self.pace.registry;
        let said = tokio::time::timeout(within, registry.look(&image, &known)).await;
        let said = said.unwrap_or_else(|_| {
            Err(say!("registry '{}' said nothing of it within {} s", image.host, within.as_secs_f32()))
        });
        Some(Asked { image, said })
    }
}

impl Inner {
    /// The other workloads of a Helm release that goes back: each is asked as if it went back alone.
    async fn members(&self, request: &Request, own: &Evidence, acts: Result<&[PastAct], &Clean>) -> Members {
        let (Some((release, target)), Inspection::Workload(found_own)) = (helm::goal(request, own), &own.subject)
        else {
            return Vec::new();
        };
        let keys = helm::members(release, target, &found_own.workload.key);
        let mut found = BTreeMap::new();
        let ask = async {
            let asks = keys.iter().map(|key| async {
                let member = self.member(key, (release, target), (own, found_own), acts).await;
                (key.clone(), member.map(Box::new))
            });
            let mut answers = stream::iter(asks.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
            while let Some((key, member)) = answers.next().await {
                found.insert(key, member);
            }
        };
        let within = self.pace.gather / 3;
        // What has answered by then counts.
        let _ = tokio::time::timeout(within, ask).await;
        let silent = || Err(say!("no answer within {} s", within.as_secs_f32()));
        keys.into_iter().map(|key| (key.clone(), found.remove(&key).unwrap_or_else(silent))).collect()
    }

    async fn member(
        &self,
        key: &WorkloadKey,
        (release, target): (&Release, &ReleaseRevision),
        (own, found_own): (&Evidence, &WorkloadInspection),
        acts: Result<&[PastAct], &Clean>,
    ) -> Result<Evidence, Clean> {
        let inspector = self.inspector(&key.cluster).ok_or_else(|| not_connected(&key.cluster).says)?;
        let subject = inspector.kin(found_own, key).await.map_err(|error| error.says)?;
        let mut evidence = Evidence::of(subject, own.asked);
        let id = evidence.subject.cluster_id();
        evidence.acts = acts.map(|all| on_workload(key, id, all)).map_err(Clone::clone);
        evidence.undoing.clone_from(&own.undoing);
        evidence.writable.clone_from(&own.writable);
        let Inspection::Workload(found) = &evidence.subject else { return Ok(evidence) };
        let seen = helm::seen(found, release, target);
        let to = helm::revision(&seen, target);
        let pod = to.map(|to| (key.clone(), to.template.clone()));
        let questions = to.map(|to| registry::about(&seen, to)).unwrap_or_default();
        (evidence.pods, evidence.registry) = tokio::join!(self.rehearse_pods(pod), self.ask_registries(questions));
        Ok(evidence)
    }
}

fn not_connected(backend: &BackendId) -> SourceError {
    let says = format!("'{backend}' is not connected, or takes no actions from midwatch");
    SourceError::new(ErrorKind::Unexpected, says)
}

/// The newest act on the workload that switched its owner, if it switched it off: what is off after one that switched it
/// on again is somebody else's doing.
fn switched_off(key: &WorkloadKey, cluster_id: Option<&Clean>, all: &[PastAct]) -> Option<u64> {
    let acts = on_workload(key, cluster_id, all);
    let newest = acts.iter().find(|act| !act.switches.is_empty())?;
    newest.switches.iter().any(|(_, is_on)| !is_on).then_some(newest.number)
}

/// Acts on one workload, through undos of undos. `cluster_id`: of the cluster that has the name now. One cluster may have
/// several names, as of contexts of several users: where it told who it is, then and now, the name means nothing.
fn on_workload(key: &WorkloadKey, cluster_id: Option<&Clean>, all: &[PastAct]) -> Vec<PastAct> {
    let mut ours: BTreeSet<u64> = BTreeSet::new();
    let is_it = |act: &PastAct, of: &WorkloadKey| {
        let is_there = match (&act.begun.cluster_id, cluster_id) {
            (Some(then), Some(now)) => then == now,
            _ => of.cluster == key.cluster,
        };
        is_there && (&of.namespace, of.kind, &of.name) == (&key.namespace, key.kind, &key.name)
    };
    // Oldest first: an undo comes after what it undoes.
    for act in all.iter().rev() {
        let is_ours = match &act.request {
            Request::RollBack { workload, .. }
            | Request::Restart { workload }
            | Request::Scale { workload, .. }
            | Request::Limits { workload, .. }
            | Request::ResumeSync { workload } => is_it(act, workload),
            Request::Object { object, .. } => object.workload().is_some_and(|workload| is_it(act, &workload)),
            Request::Undo { act: undone } => ours.contains(undone),
            _ => false,
        };
        if is_ours && !act.is_elsewhere(cluster_id) {
            ours.insert(act.number);
        }
    }
    all.iter().filter(|act| ours.contains(&act.number)).cloned().collect()
}
