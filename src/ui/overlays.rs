//! Things above the screen: dialogs, menus, pages. A stack; the top one gets keys first.

mod actions;
mod availability;
mod equivalent;
mod help;
mod note;
mod object;
mod palette;
mod plan;
mod quit;
mod sheet;

use super::{Overlay, target::Target};
use crate::{
    action::{Request, Verdict},
    app::settings::Settings,
    command::{Command, ScreenId},
    model::{
        alert::Alert,
        code::{JobKey, PullRequest, Run, RunKey},
        kubernetes::{Workload, WorkloadKey},
    },
    time::Now,
};

fn later(what: &str) -> Box<dyn Overlay> {
    Box::new(note::Note(what.to_owned()))
}

/// "Really quit?"
pub fn quit() -> Box<dyn Overlay> {
    Box::new(quit::Quit)
}

/// `:`
pub fn palette(screen: ScreenId, selected: Option<Target>) -> Box<dyn Overlay> {
    Box::new(palette::Palette::new(screen, selected))
}

/// `?`
pub fn help(screen: ScreenId, selected: Option<Target>) -> Box<dyn Overlay> {
    Box::new(help::Help::new(screen, selected))
}

/// `x`: every verb on this object, its key, why it is unavailable, and the same as a command line to copy.
pub fn actions(screen: ScreenId, target: Target) -> Box<dyn Overlay> {
    Box::new(actions::Actions::new(screen, target))
}

/// `@`: what midwatch did, and the errors it met.
pub fn errors() -> Box<dyn Overlay> {
    later("errors")
}

/// `.`: the evidence behind a row.
pub fn why(_target: Target) -> Box<dyn Overlay> {
    later("why")
}

/// `d` and `e`: tabs describe, YAML, events, revisions; `command` says which is first.
pub fn describe(_target: Target, _command: Command) -> Box<dyn Overlay> {
    later("describe")
}

/// `=`: what changed between a workload's revisions.
pub fn revisions(_workload: WorkloadKey) -> Box<dyn Overlay> {
    later("revisions")
}

/// `l` on a run: its failed job's log (or the job's), at the first error.
pub fn job_log(_run: RunKey, _job: Option<JobKey>) -> Box<dyn Overlay> {
    later("job log")
}

/// `d` on a pull request.
pub fn pull_request_diff(_key: crate::model::code::PullRequestKey) -> Box<dyn Overlay> {
    later("diff")
}

/// A comment, or a review with a text.
pub fn comment(_pr: &PullRequest, _verdict: Option<Verdict>) -> Box<dyn Overlay> {
    later("comment")
}

/// Which merge method.
pub fn merge(_pr: &PullRequest) -> Box<dyn Overlay> {
    later("merge")
}

/// Failed jobs first, or all.
pub fn rerun(_run: &Run) -> Box<dyn Overlay> {
    later("rerun")
}

/// How many replicas.
pub fn scale(_workload: WorkloadKey, _now: u32) -> Box<dyn Overlay> {
    later("scale")
}

/// One line with the exact matchers, 1 h, what it matches now, editable.
pub fn silence(_alert: &Alert, _settings: &Settings) -> Box<dyn Overlay> {
    later("silence")
}

/// `R` on an alert: nothing is preselected, both names stand in the title.
pub fn choose_rollback(_alert: &Alert, _workload: &Workload) -> Box<dyn Overlay> {
    later("choose")
}

/// The plan dialog; `None` for what is sent at once.
pub fn plan(ticket: u64, request: &Request, now: Now) -> Option<Box<dyn Overlay>> {
    if matches!(request, Request::Acknowledge { .. }) {
        return None;
    }
    Some(Box::new(plan::PlanDialog::new(ticket, request.clone(), now)))
}
