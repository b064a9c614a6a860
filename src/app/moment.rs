//! One moment on several screens: a log line, an alert's beginning, a run's or a job's start, an entry of the timeline, and
//! the time cursor of the charts.

use jiff::Timestamp;

use super::App;
use crate::{
    command::ScreenId,
    model::code::JobKey,
    query::{LogQuery, LogTarget},
    time::Now,
    ui::{Reply, screens::logs::opened, target::Target},
};

impl App {
    /// When an object is of interest: as the screen says, else when an alert began or a run started.
    pub(super) fn moment_of(&self, target: Option<&Target>, now: Now) -> Option<Timestamp> {
        let own = self.screens.get(self.screen).moment(&self.view(now));
        own.or_else(|| match target? {
            Target::Alert(key) => self.store.alerts.get(key).and_then(|alert| alert.active_since.or(alert.starts)),
            // A job that has not begun has the time of its run.
            Target::Job(JobKey { run: key, .. }) | Target::Run(key) => {
                self.store.runs.get(key).and_then(|run| run.started.or(run.created))
            }
            _ => None,
        })
    }

    /// `'`: the charts at the time of what is selected; on Metrics the open log at the time cursor.
    pub(super) fn same_time(&mut self, now: Now) -> Reply {
        let selected = self.selected(now);
        let Some(at) = self.moment_of(selected.as_ref(), now) else {
            return Reply::Say(
                "no time here: select a log line, an entry of the timeline, an alert or a run, or move the time cursor ([ ])"
                    .into(),
            );
        };
        let is_metrics = self.screen == ScreenId::Metrics;
        let (screens, _, view) = self.parts(now);
        if !is_metrics {
            screens.metrics.show_time(at, &view);
            return Reply::Go(ScreenId::Metrics, None);
        }
        if screens.logs.show_time(at, &view) {
            Reply::Go(ScreenId::Logs, None)
        } else {
            Reply::Say("no log is open: l on a pod, workload or alert opens one".into())
        }
    }

    /// `l`, `p`: followed, from so far back that what it is opened for is in it.
    pub(super) fn log_query(&self, target: impl Into<LogTarget>, about: &Target, previous: bool, now: Now) -> LogQuery {
        opened(target.into(), self.moment_of(Some(about), now), previous, &self.view(now))
    }
}
