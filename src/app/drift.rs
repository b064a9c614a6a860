//! What an act took away and what comes back within half an hour, from the write on: a pipeline, Argo CD, Flux or a colleague
//! put it there again.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use ratatui::text::Span;

use super::{App, Effect};
use crate::{
    action::{
        Request,
        act::{Act, Outcome},
    },
    model::{
        Name,
        kubernetes::{Pod, Workload, WorkloadKey, tag_of},
    },
    text::Clean,
    time::Now,
};

/// How long a rollback or an undo is watched after its end.
const WATCHED: SignedDuration = SignedDuration::from_mins(30);

/// Acts whose drift was told.
pub(super) type Told = BTreeSet<u64>;

impl App {
    /// Acts whose old version is back, as far as it was not told yet.
    pub(super) fn tell_drift(&mut self, now: Now) -> Vec<Effect> {
        let drifted: Vec<(u64, Clean)> = self.drifted(now).map(|drift| (drift.act.number, drift.words())).collect();
        self.drift_told.retain(|number| drifted.iter().any(|(drifted, _)| drifted == number));
        let mut effects = Vec::new();
        for (number, words) in drifted {
            if self.drift_told.insert(number) {
                self.toasts.tell(words.clone(), now);
                self.dirty = true;
                if self.settings.ui.notify != "none" {
                    effects.push(Effect::Notify(words));
                }
            }
        }
        effects
    }

    /// Red while a version runs that somebody rolled away from. `is_short`: the header has no room for why.
    pub(super) fn drift_span(&self, now: Now, is_short: bool) -> Option<Span<'static>> {
        let back: BTreeSet<&WorkloadKey> = self.drifted(now).map(|drift| drift.key).collect();
        // Of production first, of it the newest act's.
        let first = self.drifted(now).min_by_key(|drift| !self.settings.is_production(&drift.key.cluster))?.key;
        let (others, verb) = match back.len() {
            0 | 1 => (String::new(), "IS"),
            all => (format!(" +{}", all - 1), "ARE"),
        };
        let why = if is_short { "" } else { "on what was rolled away from " };
        Some(Span::styled(format!(" {}{others} {verb} BACK {why}", first.name), self.theme.production))
    }

    fn drifted(&self, now: Now) -> impl Iterator<Item = Drift<'_>> {
        self.acts.newest().filter_map(move |act| {
            let (key, away) = self.watched_for_drift(act, now)?;
            let (image, by) = self.is_back(act, self.store.kube.workloads.get(key)?, away, now)?;
            Some(Drift { act, key, image, by })
        })
    }

    /// A rollback or an undo that was done not long ago or goes on, and that nobody has taken back since, with what it took
    /// away.
    fn watched_for_drift<'a>(&'a self, act: &'a Act, now: Now) -> Option<(&'a WorkloadKey, &'a Name)> {
        let (workload, away) = (self.acts.changed_by(act)?, act.away.as_ref()?);
        let is_meant = |later: &Act| match &later.request {
            Request::Undo { act: undone } => *undone == act.number,
            Request::RollBack { workload: of, .. } => later.number > act.number && of == workload,
            _ => false,
        };
        let is_on = matches!(act.outcome, Outcome::Done | Outcome::Running)
            && act.ended.is_none_or(|ended| now.wall.duration_since(ended) <= WATCHED);
        let is_over = || self.acts.newest().any(|later| later.outcome != Outcome::Refused && is_meant(later));
        (is_on && !is_over()).then_some((workload, away))
    }

    /// The image of what runs again, if it does, and who set it where that is known: its controller has it as the version to
    /// run since a later change than the act's own, or, where that cannot be told, pods of it were made since.
    fn is_back<'a>(
        &'a self,
        act: &Act,
        workload: &'a Workload,
        away: &str,
        now: Now,
    ) -> Option<(&'a str, Option<&'a Clean>)> {
        if let (Some(left), Some(live)) = (act.left, self.store.kube.live_hash(workload)) {
            let is_later = workload.observed_generation > left.generation;
            let image = workload.images.first().map_or("", |image| image);
            // The template was set since: who set it last did.
            let by = workload.changed_by.as_ref().map(|(who, _)| who).filter(|who| !who.is_empty());
            return (is_later && is_named(live, away)).then_some((image, by));
        }
        let since = act.ended.or(act.left.map(|left| left.at))?;
        // Pods are dated by the cluster's clock.
        let since = since + self.store.time_of(&workload.key.cluster, now).duration_since(now.wall);
        let is_back = |pod: &&Pod| {
            let is_of = pod.hash.as_deref().is_some_and(|hash| is_named(hash, away));
            is_of && pod.created.is_some_and(|made| made > since)
        };
        let pod = self.store.kube.pods_of(workload).into_iter().find(is_back)?;
        Some((pod.containers.first().map_or("", |one| one.image.as_str()), None))
    }
}

/// What was taken away and is back.
struct Drift<'a> {
    act: &'a Act,
    key: &'a WorkloadKey,
    image: &'a str,
    by: Option<&'a Clean>,
}

impl Drift<'_> {
    fn words(&self) -> Clean {
        let (key, act, version) = (self.key, self.act.number, tag_of(self.image));
        let by = self.by.map_or_else(|| "d says by whom".to_owned(), |who| format!("set by '{who}'"));
        Clean::own(format!("{key} is back on {version}, which act {act} rolled away from: {by}"))
    }
}

/// A hash is the end of the name of its ReplicaSet or ControllerRevision; of a StatefulSet's it is the whole name.
fn is_named(hash: &str, set: &str) -> bool {
    set == hash || set.strip_suffix(hash).is_some_and(|rest| rest.ends_with('-'))
}
