//! What was rolled away from and comes back within half an hour: a pipeline, Argo CD, Flux or a colleague put it there again.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use ratatui::text::Span;

use super::{App, Effect};
use crate::{
    action::{
        Request,
        act::{Act, Outcome},
    },
    model::{
        Name,
        kubernetes::{Pod, WorkloadKey},
    },
    text::Clean,
    time::Now,
};

/// How long a rollback is watched after its end.
const WATCHED: SignedDuration = SignedDuration::from_mins(30);

/// Acts whose drift was told.
pub(super) type Told = BTreeSet<u64>;

impl App {
    /// Rollbacks whose old version has new pods again, as far as it was not told yet.
    pub(super) fn tell_drift(&mut self, now: Now) -> Vec<Effect> {
        let drifted: Vec<(u64, Clean)> =
            self.drifted(now).map(|(act, key, pod)| (act.number, words(act, key, pod))).collect();
        self.drift_told.retain(|number| drifted.iter().any(|(drifted, _)| drifted == number));
        let mut effects = Vec::new();
        for (number, words) in drifted {
            if self.drift_told.insert(number) {
                self.toasts.say(words.clone(), now);
                self.dirty = true;
                if self.settings.ui.notify != "none" {
                    effects.push(Effect::Notify(words));
                }
            }
        }
        effects
    }

    /// Red while a version runs that somebody rolled away from.
    pub(super) fn drift_span(&self, now: Now, width: u16) -> Option<Span<'static>> {
        let (_, key, _) = self.drifted(now).next()?;
        let more = if width < 100 { "" } else { "on what was rolled away from " };
        Some(Span::styled(format!(" {} IS BACK {more}", key.name), self.theme.production))
    }

    fn drifted(&self, now: Now) -> impl Iterator<Item = (&Act, &WorkloadKey, &Pod)> {
        self.acts.newest().filter_map(move |act| {
            let (key, away, ended) = self.watched_for_drift(act, now)?;
            let workload = self.store.kube.workloads.get(key)?;
            let is_back = |pod: &&Pod| pod.created.is_some_and(|made| made > ended) && is_of(pod, away);
            Some((act, key, self.store.kube.pods_of(workload).into_iter().find(is_back)?))
        })
    }

    /// A rollback that was done not long ago and that nobody has taken back since, with what it rolled away from.
    fn watched_for_drift<'a>(&self, act: &'a Act, now: Now) -> Option<(&'a WorkloadKey, &'a Name, Timestamp)> {
        let Request::RollBack { workload, .. } = &act.request else { return None };
        let (away, ended) = (act.away.as_ref()?, act.ended?);
        let is_meant = |later: &Act| match &later.request {
            Request::Undo { act: undone } => *undone == act.number,
            Request::RollBack { workload: of, .. } => later.number > act.number && of == workload,
            _ => false,
        };
        let is_over = now.wall.duration_since(ended) > WATCHED
            || self.acts.newest().any(|later| later.outcome != Outcome::Refused && is_meant(later));
        (act.outcome == Outcome::Done && !is_over).then_some((workload, away, ended))
    }
}

/// A pod's hash is the end of the name of its ReplicaSet or ControllerRevision; of a StatefulSet's it is the whole name.
fn is_of(pod: &Pod, set: &str) -> bool {
    let Some(hash) = pod.hash.as_deref() else { return false };
    set == hash || set.strip_suffix(hash).is_some_and(|rest| rest.ends_with('-'))
}

fn words(act: &Act, key: &WorkloadKey, pod: &Pod) -> Clean {
    let image = pod.containers.first().map(|one| one.image.as_str()).unwrap_or_default();
    let version = crate::model::kubernetes::tag_of(image);
    Clean::own(format!("{key} is back on {version}, which act {} rolled away from: d says by whom", act.number))
}
