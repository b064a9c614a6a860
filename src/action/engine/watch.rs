//! Whether a rollout has arrived: A1 its generation is observed, A2 all pods are updated and available and the old ones
//! gone, A3 every ready pod runs the image wanted. Whether that helped is not judged here.

use jiff::Timestamp;
use serde_json::Value;

use super::Inner;
use crate::{
    action::{
        Glance, checks, digests,
        plan::{WatchFor, Watched},
        template,
    },
    model::{
        Name,
        kubernetes::{FIELD_MANAGER, Pod, RolloutState, WorkloadKey, may_be_image},
    },
    text::Clean,
    time::age_of,
};

/// Pods that still serve, of which so many are named.
const NAMED: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Met,
    Going,
    /// It will not be there, however long one looks.
    Never,
}

pub(super) struct Seen {
    pub says: Clean,
    pub stage: Stage,
    /// Generation at which another template than the one that the act takes away was live.
    pub left: Option<i64>,
    /// Grows as it gets on: pods that are there less those still to go.
    pub progress: i64,
    /// Whoever carries it out says just now that it waits or runs: no standstill, whatever the pods do.
    pub is_at_work: bool,
}

impl Seen {
    pub fn new(says: Clean, stage: Stage) -> Self {
        Self { says, stage, left: None, progress: 0, is_at_work: false }
    }
}

impl Inner {
    /// Looks once at what is waited for. `has_left`: what the act takes away was gone before. `started`: what it set going.
    pub(super) async fn look(&self, wanted: &Watched, has_left: bool, started: Option<&Name>) -> Result<Seen, Clean> {
        match wanted {
            Watched::Job(wanted) => self.by_job(wanted, started, has_left).await,
            Watched::Rollout(wanted) => self.rollout(wanted, has_left).await,
            Watched::Release(all) => {
                let (mut seen, mut progress) = (Vec::new(), 0);
                for wanted in all {
                    // One that cannot be read hides none of the others.
                    let (says, stage) = match self.rollout(wanted, false).await {
                        Ok(one) => {
                            progress += one.progress;
                            (one.says, one.stage)
                        }
                        Err(why) => (say!("?? {why}"), Stage::Going),
                    };
                    seen.push((say!("{}: {says}", wanted.workload), stage));
                }
                Ok(Seen { progress, ..together(seen) })
            }
            Watched::Resize(wanted) => {
                let found = self.pod(&wanted.resize.pod).await?;
                Ok(super::resized::judge(wanted, &found))
            }
        }
    }
}

impl Inner {
    /// Of what serves in its place, too: its own pods may be gone long before, or long after.
    pub(super) async fn rollout(&self, wanted: &WatchFor, has_left: bool) -> Result<Seen, Clean> {
        let own = self.own_rollout(wanted, has_left).await?;
        let Some(serves) = &wanted.serves else { return Ok(own) };
        let other = match self.own_rollout(serves, false).await {
            Ok(other) => other,
            Err(why) => Seen::new(say!("?? {why}"), Stage::Going),
        };
        let says = say!("{}: {}; {}: {}", serves.workload, other.says, wanted.workload, own.says);
        Ok(Seen { says, stage: own.stage.max(other.stage), progress: own.progress + other.progress, ..own })
    }

    async fn own_rollout(&self, wanted: &WatchFor, has_left: bool) -> Result<Seen, Clean> {
        let Some(found) = self.workload(&wanted.workload).await? else {
            return Ok(Seen::new("it is gone".into(), Stage::Never));
        };
        let now = self.time_of(&wanted.workload.cluster);
        let is_away = |away: &Value| template::is_same(away, &found.template);
        let seen = match wanted.away.as_ref().map(is_away) {
            Some(true) if has_left => Seen::new(set_again(&found, now), Stage::Never),
            Some(true) => not_yet(judge(wanted, &found, now)),
            Some(false) => Seen { left: Some(found.workload.generation), ..self.judge_own(wanted, &found, now) },
            None => self.judge_own(wanted, &found, now),
        };
        Ok(self.out_of_service(&wanted.workload, found.pods.as_deref().unwrap_or_default(), seen).await)
    }

    /// However well its pods are: those of a template that somebody set meanwhile are not what was wanted.
    fn judge_own(&self, wanted: &WatchFor, found: &Glance, now: Timestamp) -> Seen {
        // The field manager is the same for every responder: without a name beside it, it may be this one.
        let me = say!("{} with {FIELD_MANAGER}", self.identity.me);
        let is_ours = |(manager, _): &(Clean, Timestamp)| *manager == me || manager.as_str() == FIELD_MANAGER;
        let is_another = wanted.sets.as_ref().is_some_and(|sets| !template::is_same(sets, &found.template));
        // A webhook may have changed what was sent: that is still by whoever sent it.
        let is_by_another = is_another && !found.changes.first().is_some_and(is_ours);
        match checks::changed_by(&found.changes, now).filter(|_| is_by_another) {
            Some(who) => Seen::new(say!("another template is set by now: {who}"), Stage::Never),
            None => judge(wanted, found, now),
        }
    }

    /// A2: it is not there while a Service still sends to pods that go.
    async fn out_of_service(&self, key: &WorkloadKey, pods: &[Pod], seen: Seen) -> Seen {
        let going: Vec<&Pod> = pods.iter().filter(|pod| pod.deleting_since.is_some()).collect();
        let Some(inspector) = self.inspector(&key.cluster) else { return seen };
        if seen.stage != Stage::Met || going.is_empty() {
            return seen;
        }
        match inspector.serving(&key.namespace).await {
            Err(why) => Seen { says: say!("{}, whether they still serve could not be read: {why}", seen.says), ..seen },
            Ok(serving) => {
                let still = going.iter().filter(|pod| serving.contains(&pod.key.name)).map(|pod| pod.key.name.as_str());
                let still: Vec<&str> = still.take(NAMED).collect();
                if still.is_empty() {
                    return seen;
                }
                Seen { says: say!("{}, still serving: {}", seen.says, still.join(", ")), stage: Stage::Going, ..seen }
            }
        }
    }
}

/// Of all: met when each is, and those that are not are said first.
fn together(mut seen: Vec<(Clean, Stage)>) -> Seen {
    seen.sort_by_key(|(_, stage)| *stage == Stage::Met);
    // Nothing more comes where the only ones that are not there never will be.
    let stage = match seen.iter().map(|(_, stage)| *stage).max() {
        Some(Stage::Never) if seen.iter().any(|(_, stage)| *stage == Stage::Going) => Stage::Going,
        worst => worst.unwrap_or(Stage::Met),
    };
    let words: Vec<&str> = seen.iter().map(|(says, _)| says.as_str()).collect();
    Seen::new(say!("{}", words.join("; ")), stage)
}

/// However well its pods are: they are those of the template that it goes away from.
fn not_yet(seen: Seen) -> Seen {
    if seen.stage != Stage::Met {
        return seen;
    }
    Seen { says: say!("{}, but of the template that it goes away from", seen.says), stage: Stage::Going, ..seen }
}

/// Somebody brought back what the act took away.
fn set_again(found: &Glance, now: Timestamp) -> Clean {
    let who = checks::changed_by(&found.changes, now).map(|who| format!(": {who}")).unwrap_or_default();
    say!("what was rolled away from is set again{who}")
}

fn judge(wanted: &WatchFor, found: &Glance, now: Timestamp) -> Seen {
    let workload = &found.workload;
    // Pods of several versions may count.
    let said = |sign: &str, words: &str| match wanted.version.as_str() {
        "" => Clean::line(words),
        version => say!("{version}{sign}{words}"),
    };
    let pods = match &found.pods {
        Ok(pods) => pods,
        Err(why) => return Seen::new(said(": ", &format!("pods could not be read: {why}")), Stage::Going),
    };
    let is_new = |pod: &Pod| {
        wanted.hash.as_ref().is_none_or(|hash| pod.hash.as_ref() == Some(hash))
            && wanted
                .image
                .as_ref()
                .is_none_or(|image| pod.containers.iter().any(|one| may_be_image(&one.image, image)))
            && wanted.since.is_none_or(|since| pod.created.is_some_and(|created| created >= since))
            && !pod.hash.as_ref().is_some_and(|hash| wanted.others.contains(hash))
    };
    let (going, staying): (Vec<&Pod>, Vec<&Pod>) = pods.iter().partition(|pod| pod.deleting_since.is_some());
    // Below a partition they keep what they run.
    let (kept, staying): (Vec<&Pod>, Vec<&Pod>) = staying.into_iter().partition(|pod| pod.is_below(found.partition));
    let desired = workload.desired.saturating_sub(kept.len() as u32);
    let ready = staying.iter().filter(|pod| pod.is_ready && is_new(pod)).count();
    let old = staying.iter().filter(|pod| !is_new(pod)).count();
    let strangers =
        staying.iter().filter(|pod| pod.is_ready && is_new(pod) && digests::runs_another(pod, &wanted.images)).count();
    if wanted.is_scale && workload.desired != wanted.desired {
        let who = checks::changed_by(&found.changes, now).map(|who| format!(" ({who})")).unwrap_or_default();
        return Seen::new(say!("somebody set {} replicas again{who}", workload.desired), Stage::Never);
    }
    let too_many = staying.len().saturating_sub(desired as usize);
    let is_observed = workload.observed_generation >= workload.generation;
    // Argo Rollouts restarts the pods of each version, at whatever step it stands.
    let is_restart = wanted.since.is_some();
    // kubectl has no word for OnDelete: the pods themselves say it, if it is known which of them are new.
    let is_untold = workload.is_on_delete() && !tells_pods(wanted);
    let is_met = is_observed
        && !is_untold
        && (is_restart || matches!(workload.rollout.state, RolloutState::Done | RolloutState::Unavailable))
        && workload.available >= workload.desired
        && (is_restart || workload.updated >= desired)
        && ready >= desired as usize
        && old == 0
        && too_many == 0
        && strangers == 0;
    let mut words = vec![said(" ", &format!("{}/{desired} ready", ready.min(desired as usize))).to_string()];
    if old > 0 {
        // Where nothing but its pods is new, the version is that of all.
        let of = if wanted.hash.is_none() && wanted.image.is_none() { "old" } else { "of other versions" };
        words.push(format!("{old} {of}"));
    } else if too_many > 0 {
        words.push(format!("{too_many} to go"));
    }
    if is_untold {
        words.push("OnDelete: which of its pods are new is not known".to_owned());
    } else if workload.is_on_delete() && old > 0 {
        words.push("OnDelete: each is replaced only when you delete it".to_owned());
    }
    if strangers > 0 {
        words.push(format!("{strangers} run another image than it"));
    }
    if !is_observed {
        words.push("not yet seen by its controller".to_owned());
    } else if found.partition > 0 {
        words.push(workload.rollout.words.to_string());
    }
    words.extend(going_words(&going, now));
    if is_met {
        let from = if found.partition > 0 { format!(" from number {} on", found.partition) } else { String::new() };
        words.extend(digests::words(&staying, &wanted.images, &from));
    } else {
        // An Argo Rollout waits at a pause until somebody promotes it.
        let is_paused = workload.rollout.words.starts_with("Paused");
        if is_observed && (workload.rollout.state == RolloutState::Failed || is_paused) {
            words.push(workload.rollout.words.to_string());
        }
        if let Some(why) = &workload.replica_failure {
            words.push(format!("no more pods: {why}"));
        }
        if let Some(pod) = staying.iter().find(|pod| is_new(pod) && !pod.is_ready && !pod.why.is_empty()) {
            words.push(format!("{}: {}", pod.key.name, pod.why));
        }
    }
    let stage = if is_met { Stage::Met } else { Stage::Going };
    Seen { progress: ready as i64 - (old.max(too_many)) as i64, ..Seen::new(say!("{}", words.join(", ")), stage) }
}

/// `Terminating 2 (node-1, 3m52s, held by acme.example/hold)`: of one that finalizers hold first, for it goes only when
/// somebody takes them off.
fn going_words(going: &[&Pod], now: Timestamp) -> Option<String> {
    let pod = going.iter().find(|pod| !pod.finalizers.is_empty()).or(going.first())?;
    let since = pod.deleting_since.map(|since| age_of(since, now)).unwrap_or_default();
    let node = pod.node.as_ref().map(|node| format!("{node}, ")).unwrap_or_default();
    let held = pod.held_by().map(|names| format!(", held by {names}")).unwrap_or_default();
    Some(format!("Terminating {} ({node}{since}{held})", going.len()))
}

/// Whether a new pod can be told from one of before.
fn tells_pods(wanted: &WatchFor) -> bool {
    let is_other = |image: &str| {
        wanted.away.as_ref().is_none_or(|away| template::images(away).iter().all(|(_, before)| *before != image))
    };
    wanted.is_scale
        || wanted.hash.is_some()
        || wanted.since.is_some()
        || !wanted.others.is_empty()
        || wanted.image.as_ref().is_some_and(|image| is_other(image))
}
