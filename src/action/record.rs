//! What is remembered of how the earlier versions of a workload did: alerts that fired while each ran, and pods that crashed.

use jiff::Timestamp;

use super::{WorkloadInspection, history};
use crate::{
    app::settings::Settings,
    model::{
        Name,
        alert::{Alert, AlertState, Priority},
        kubernetes::{Event, Revision, WorkloadKey},
    },
    store::{Store, alerts::RESOLVED_FOR},
    text::{Clean, counted},
    time::{age, seconds_between},
};

/// An alert that fires for less of a version's run, in seconds, may be of the next one: clocks differ.
const SHORT: i64 = 5 * 60;
/// One that the version before left behind, in seconds: it may have been mended by this one, and take its time to end. One
/// that began in its run and ended sooner was no fault of a version that ran for longer.
const LONG: i64 = 30 * 60;
/// Alerts named of one version.
const NAMED: usize = 3;

/// Of a run that began before alerts were followed.
pub(super) const NO_RECORD: &str = "no record of alerts";

/// What the store knows of a workload's past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Since when all its alerts are known.
    since: Option<Timestamp>,
    alerts: Vec<Fired>,
    crashes: Vec<Crash>,
}

#[derive(Clone, Debug, PartialEq)]
struct Fired {
    name: Clean,
    /// It calls people.
    pages: bool,
    from: Timestamp,
    /// `None`: it still fires.
    until: Option<Timestamp>,
}

/// A pod whose container was restarted again and again.
#[derive(Clone, Debug, PartialEq)]
struct Crash {
    pod: Name,
    first: Timestamp,
    last: Timestamp,
}

impl Record {
    pub(super) fn of(workload: &WorkloadKey, store: &Store, settings: &Settings) -> Self {
        let is_its = |alert: &&Alert| settings.workload_of_alert(alert, store).is_some_and(|own| own.key == *workload);
        let alerts = store.alerts.values().filter(|alert| !alert.is_watchdog).filter(is_its).filter_map(fired);
        let is_of_it = |event: &Event| {
            event.kind == "Pod"
                && (&event.key.cluster, &event.key.namespace) == (&workload.cluster, &workload.namespace)
                && event.object.strip_prefix(workload.name.as_str()).is_some_and(|rest| rest.starts_with('-'))
        };
        let crashes = store.kube.events.values().filter(|event| is_of_it(event)).filter_map(|event| crashed(event));
        Self { since: store.alerts_known_since(), alerts: alerts.collect(), crashes: crashes.collect() }
    }

    /// Alerts that fired of the version itself, each with the seconds of its run that they did.
    fn fired(&self, inspection: &WorkloadInspection, revision: &Revision, now: Timestamp) -> Vec<(&Fired, i64)> {
        let Some((began, ended)) = history::run(inspection, revision, now) else { return Vec::new() };
        let counts = self.alerts.iter().filter_map(|alert| {
            let seconds = seconds_between(alert.from.max(began), alert.until.unwrap_or(ended).min(ended));
            let least = if alert.from >= began { SHORT } else { LONG };
            (seconds >= least).then_some((alert, seconds))
        });
        counts.collect()
    }

    /// `HighErrorRate fired 3h of it`: alerts that called people while it ran, for long or for half of it. `None`: none is
    /// known.
    pub(super) fn paged(&self, inspection: &WorkloadInspection, revision: &Revision, now: Timestamp) -> Option<String> {
        self.called(inspection, revision, now, |_| true)
    }

    /// As [`Self::paged`], of alerts that came with it and still fired when it was left: what came next was to mend them.
    /// One that began later in its run is no fault of the version.
    pub(super) fn paged_when_left(
        &self,
        inspection: &WorkloadInspection,
        revision: &Revision,
        now: Timestamp,
    ) -> Option<String> {
        let (began, ended) = history::run(inspection, revision, now)?;
        let came_with_it = |alert: &Fired| (0..=LONG).contains(&seconds_between(began, alert.from));
        let fired_on = |alert: &Fired| alert.until.is_none_or(|until| until >= ended);
        self.called(inspection, revision, now, |alert| came_with_it(alert) && fired_on(alert))
    }

    fn called(
        &self,
        inspection: &WorkloadInspection,
        revision: &Revision,
        now: Timestamp,
        counts: impl Fn(&Fired) -> bool,
    ) -> Option<String> {
        let (began, ended) = history::run(inspection, revision, now)?;
        let long = LONG.min(seconds_between(began, ended) / 2);
        let fired = self.fired(inspection, revision, now);
        named(fired.into_iter().filter(|(alert, seconds)| alert.pages && *seconds >= long && counts(alert)))
    }

    /// What is known of a version's run beside its length.
    pub(super) fn words(&self, inspection: &WorkloadInspection, revision: &Revision, now: Timestamp) -> Vec<String> {
        let Some((began, ended)) = history::run(inspection, revision, now) else { return Vec::new() };
        let mut words = Vec::new();
        match (named(self.fired(inspection, revision, now).into_iter()), self.since) {
            (Some(fired), _) => words.push(fired),
            (None, Some(since)) => {
                let known = since.max(now.checked_sub(RESOLVED_FOR).unwrap_or(Timestamp::MIN));
                words.push(if known <= began { "no alerts" } else { NO_RECORD }.to_owned());
            }
            (None, None) => {}
        }
        let is_in = |at: Timestamp| (began..ended).contains(&at);
        let is_its = |crash: &&Crash| {
            let is_pod = crash.pod.strip_prefix(revision.name.as_str()).is_some_and(|rest| rest.starts_with('-'));
            is_pod && (is_in(crash.first) || is_in(crash.last))
        };
        match self.crashes.iter().filter(is_its).count() {
            0 => {}
            pods => words.push(format!("{} crashed", counted(pods, "pod"))),
        }
        let ooms = inspection.pods.iter().filter(|pod| {
            let end = pod.last_oom().and_then(|end| end.finished);
            revision.hash.is_some() && pod.hash == revision.hash && end.is_some_and(is_in)
        });
        match ooms.count() {
            0 => {}
            pods => words.push(format!("{} OOMKilled", counted(pods, "pod"))),
        }
        words
    }
}

fn named<'a>(fired: impl Iterator<Item = (&'a Fired, i64)>) -> Option<String> {
    let mut fired: Vec<(&Fired, i64)> = fired.collect();
    // The longest of each name.
    fired.sort_by_key(|(alert, seconds)| (alert.name.clone(), std::cmp::Reverse(*seconds)));
    fired.dedup_by(|(later, _), (first, _)| later.name == first.name);
    fired.sort_by_key(|(alert, seconds)| (!alert.pages, std::cmp::Reverse(*seconds)));
    let words =
        fired.iter().take(NAMED).map(|(alert, seconds)| format!("{} fired {} of it", alert.name, age(*seconds)));
    let mut words: Vec<String> = words.collect();
    if fired.len() > NAMED {
        words.push(format!("{} more", fired.len() - NAMED));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

fn fired(alert: &Alert) -> Option<Fired> {
    let until = match alert.state {
        AlertState::Pending => return None,
        AlertState::Resolved(at) => Some(at),
        _ => None,
    };
    Some(Fired { name: alert.name.clone(), pages: alert.priority <= Priority::P2, from: alert.starts?, until })
}

fn crashed(event: &Event) -> Option<Crash> {
    let is_crash = event.reason == "BackOff" && event.message.contains("restarting failed container");
    let first = event.first.or(event.last).filter(|_| is_crash)?;
    Some(Crash { pod: event.object.clone(), first, last: event.last.unwrap_or(first) })
}
