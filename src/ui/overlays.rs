//! Things above the screen: dialogs, menus, pages. A stack; the top one gets keys first.

mod actions;
mod availability;
mod describe;
mod equivalent;
mod errors;
mod evidence;
mod help;
mod job_log;
mod note;
mod object;
mod page;
mod palette;
mod plan;
mod pull_diff;
mod quit;
mod revisions;
mod sheet;
mod why;

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
    Box::new(page::Page::errors())
}

/// `.`: the evidence behind a row.
pub fn why(target: Target) -> Box<dyn Overlay> {
    Box::new(page::Page::why(target))
}

/// `d` and `e`: tabs describe, YAML, events, revisions; `command` says which is first.
pub fn describe(target: Target, command: Command) -> Box<dyn Overlay> {
    Box::new(page::Page::describe(target, command))
}

/// `=`: what changed between a workload's revisions.
pub fn revisions(workload: WorkloadKey) -> Box<dyn Overlay> {
    Box::new(revisions::Revisions::new(workload))
}

/// `l` on a run: its failed job's log (or the job's), at the first error.
pub fn job_log(run: RunKey, job: Option<JobKey>) -> Box<dyn Overlay> {
    Box::new(job_log::JobLogPage::new(run, job))
}

/// `d` on a pull request.
pub fn pull_request_diff(key: crate::model::code::PullRequestKey) -> Box<dyn Overlay> {
    Box::new(pull_diff::PullDiff::new(key))
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
