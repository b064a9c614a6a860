//! `midwatch follow`: one event a line, as it happens: what begins and ceases to need me, alerts, rollouts, backends. No
//! cursor moves: for screen readers, `tee` and status lines.
//!
//! JSON, one object a line: `{schema: 1, at, event, level, about, backend, object, name, says, when}`. `event` is `need`
//! (at the start: everything that needs me already), `need-over`, `alert`, `rollout`, `backend`.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use color_eyre::Result;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::{
    Global, cockpit,
    pipe::closed,
    report::{self, level_word, mark_word, time},
    setup,
};
use crate::{
    headless::Reading,
    model::{
        BackendId,
        alert::AlertState,
        kubernetes::{RolloutState, WorkloadKey},
    },
    text::Clean,
    time::Clock,
    ui::{
        screens::{needs::needs, words},
        target::Target,
    },
};

/// News are gathered so long, so that one change is not told in pieces.
const GATHER: Duration = Duration::from_millis(250);

#[derive(Clone, Debug, Args)]
pub struct Follow {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    within: setup::Within,
}

/// Follows until it is interrupted, or nobody reads any more.
#[allow(clippy::disallowed_methods)] // a deadline of tokio's timer, not a time that is told
pub async fn run(follow: Follow, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let (_, _wired, mut reading) = setup::reading(&global, &clock, |_| true).await?;
    reading.once(follow.within.duration()).await;
    let mut known = Known::default();
    let tell = |events: Vec<Event>| -> std::io::Result<()> {
        let lines: String =
            events.iter().map(|event| if follow.json { format!("{}\n", event.json()) } else { event.line() }).collect();
        report::print(&lines)
    };
    tell(known.news(&reading, true))?;
    let (stop, pipe) = (cockpit::stopped(), closed());
    tokio::pin!(stop, pipe);
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = &mut pipe => break,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = None;
                tell(known.news(&reading, false))?;
            }
            changes = reading.next() => match changes {
                Some(changes) if !changes.is_empty() => due = due.or_else(|| Some(Instant::now() + GATHER)),
                Some(_) => {}
                None => break,
            },
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    at: Timestamp,
    what: &'static str,
    level: &'static str,
    target: Target,
    name: String,
    says: String,
    when: String,
}

impl Event {
    /// `03:14:22  broken  needs you: alert HighErrorRate myapp: 31 % of requests fail, since 02:59`
    fn line(&self) -> String {
        let prefix = match self.what {
            "need" => "needs you: ",
            "need-over" => "no longer: ",
            _ => "",
        };
        let says = if self.says.is_empty() { String::new() } else { format!(": {}", self.says) };
        let when = if self.when.is_empty() { String::new() } else { format!(", {}", self.when) };
        let at = self.at.strftime("%H:%M:%S");
        let line = format!("{at}  {:<8}  {prefix}{} {}{says}{when}", self.level, self.target.kind().word(), self.name);
        // One line is one event, whatever a label says.
        format!("{}\n", Clean::line(&line))
    }

    fn json(&self) -> Value {
        json!({
            "schema": report::SCHEMA, "at": time(Some(self.at)), "event": self.what, "level": self.level,
            "about": self.target.kind().word(), "backend": self.target.backend(), "object": self.target.to_string(),
            "name": self.name, "says": self.says, "when": self.when,
        })
    }
}

/// What was told.
#[derive(Default)]
struct Known {
    needs: BTreeMap<Target, (String, &'static str)>,
    alerts: BTreeMap<crate::model::alert::AlertKey, &'static str>,
    rollouts: BTreeMap<WorkloadKey, RolloutState>,
    backends: BTreeMap<BackendId, Option<String>>,
}

impl Known {
    /// What is new since the last call. At the `start` only what needs me and what cannot be read is told.
    fn news(&mut self, reading: &Reading, start: bool) -> Vec<Event> {
        let mut events = Vec::new();
        self.backends(reading, &mut events);
        self.needs(reading, &mut events);
        let from = events.len();
        self.alerts(reading, &mut events);
        self.rollouts(reading, &mut events);
        if start {
            events.truncate(from);
        }
        events
    }

    fn needs(&mut self, reading: &Reading, events: &mut Vec<Event>) {
        let view = reading.view();
        let mut now = BTreeMap::new();
        for target in needs(&view) {
            let Some(words) = words::of(&view, &target) else { continue };
            let level = mark_word(words.mark);
            if self.needs.get(&target).is_none_or(|(_, known)| *known != level) {
                events.push(Event {
                    at: view.now.wall,
                    what: "need",
                    level,
                    target: target.clone(),
                    name: words.name.clone(),
                    says: words.says,
                    when: words.when,
                });
            }
            now.insert(target, (words.name, level));
        }
        for (target, (name, _)) in std::mem::replace(&mut self.needs, now) {
            if !self.needs.contains_key(&target) {
                let words = words::of(&view, &target);
                let level = words.as_ref().map_or("ok", |words| mark_word(words.mark));
                let says = words.map_or_else(|| "it is gone".to_owned(), |words| words.says);
                let (at, when) = (view.now.wall, String::new());
                events.push(Event { at, what: "need-over", level, target, name, says, when });
            }
        }
    }

    /// States of alerts, where the line about needing me does not say it already.
    fn alerts(&mut self, reading: &Reading, events: &mut Vec<Event>) {
        let view = reading.view();
        let mut now = BTreeMap::new();
        for alert in view.store.alerts.values() {
            let state = match alert.state {
                AlertState::Firing => "firing",
                AlertState::Pending => "pending",
                AlertState::Silenced => "silenced",
                AlertState::Inhibited => "inhibited",
                AlertState::Muted => "muted",
                AlertState::Resolved(_) => "resolved",
                AlertState::Other(_) => "other",
            };
            let target = Target::Alert(alert.key.clone());
            let is_told = events.iter().any(|event| event.target == target && event.what == "need");
            let known = self.alerts.get(&alert.key).copied();
            // An alert that is gone for longer than midwatch runs is no news.
            let is_news = known.is_some() || !matches!(alert.state, AlertState::Resolved(_));
            if known != Some(state) && is_news && !is_told && !alert.is_watchdog {
                events.push(Event {
                    at: view.now.wall,
                    what: "alert",
                    level: mark_word(words::alert_mark(&view, alert)),
                    target,
                    name: words::alert_name(alert),
                    says: words::alert_state(&view, alert),
                    when: String::new(),
                });
            }
            now.insert(alert.key.clone(), state);
        }
        self.alerts = now;
    }

    fn rollouts(&mut self, reading: &Reading, events: &mut Vec<Event>) {
        let view = reading.view();
        let mut now = BTreeMap::new();
        for workload in view.store.kube.workloads.values() {
            let state = workload.rollout.state;
            if self.rollouts.get(&workload.key).is_some_and(|known| *known != state) {
                let level = match state {
                    RolloutState::Progressing => "progress",
                    RolloutState::Failed => "broken",
                    RolloutState::Done | RolloutState::Unavailable => level_word(workload.level),
                };
                events.push(Event {
                    at: view.now.wall,
                    what: "rollout",
                    level,
                    target: Target::Workload(workload.key.clone()),
                    name: format!("{} in {}/{}", workload.key, workload.key.cluster, workload.key.namespace),
                    says: workload.rollout.words.to_string(),
                    when: String::new(),
                });
            }
            now.insert(workload.key.clone(), state);
        }
        self.rollouts = now;
    }

    fn backends(&mut self, reading: &Reading, events: &mut Vec<Event>) {
        let at = reading.view().now.wall;
        for look in report::looks(reading) {
            let error = look.error();
            let known = self.backends.insert(look.id.clone(), error.clone());
            let (level, says) = match (error, known) {
                // The same trouble in other words is no news.
                (Some(_), Some(Some(_))) | (None, None | Some(None)) => continue,
                (Some(error), _) => ("unknown", error),
                (None, Some(Some(_))) => ("ok", "it answers again".to_owned()),
            };
            let target = Target::Backend(look.id.clone());
            let name = look.id.to_string();
            events.push(Event { at, what: "backend", level, target, name, says, when: String::new() });
        }
    }
}
