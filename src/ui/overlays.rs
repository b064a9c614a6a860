//! Things above the screen: dialogs, menus, pages. A stack; the top one gets keys first.

mod actions;
mod availability;
pub(in crate::ui) mod choice;
mod choices;
mod comment;
mod consent;
mod describe;
mod equivalent;
mod errors;
mod events;
mod evidence;
mod first_minute;
mod forward;
mod forwards;
mod help;
mod job_log;
mod limits;
mod links;
mod needed;
mod object;
mod object_acts;
mod output;
mod page;
mod palette;
mod plan;
mod production;
mod pull_diff;
mod quit;
mod revisions;
mod scale;
mod secret;
mod sheet;
mod silence;
#[cfg(test)]
mod tests;
mod variables;
mod why;
mod writer;
mod yaml;

pub use availability::{NO_NUMBER, NO_REVISION, ONE_A_NODE, availability, availability_of_own, no_log};
pub use consent::{choose_container, consent_to_run, shell};
pub use equivalent::{log, shown};
pub use forward::forward_to;
pub use limits::Whose;
pub use links::{choose_link, links_of};
pub use object::{name_of, owner_of, revision_of, url_of, workload_of};
pub use object_acts::{is_never_for, request as object_act};
pub use sheet::Sheet;

use jiff::Timestamp;

use super::{Overlay, target::Target};
use crate::{
    action::{Request, Verdict},
    command::{Command, ScreenId},
    model::{
        alert::Alert,
        code::{JobKey, PullRequest, Run, RunKey},
        forward::ForwardTo,
        kubernetes::{Workload, WorkloadKey},
    },
    query::VariablesQuery,
    text::Clean,
    time::Now,
};

/// "Really quit?"
pub fn quit() -> Box<dyn Overlay> {
    Box::new(quit::Quit)
}

/// `L`: other limits of a container, of whatever may be chosen.
pub fn limits(whose: Vec<Whose>, pods: &[&crate::model::kubernetes::Pod]) -> Box<dyn Overlay> {
    Box::new(limits::LimitsForm::new(whose, pods))
}

/// `:`
pub fn palette(screen: ScreenId, selected: Option<Target>) -> Box<dyn Overlay> {
    Box::new(palette::Palette::new(screen, selected))
}

/// `:`, with the beginning of a line.
pub fn palette_with(screen: ScreenId, typed: &str) -> Box<dyn Overlay> {
    let mut palette = palette::Palette::new(screen, None);
    palette.paste(typed);
    Box::new(palette)
}

/// `?`
pub fn help(screen: ScreenId, selected: Option<Target>) -> Box<dyn Overlay> {
    Box::new(help::Help::new(screen, selected))
}

/// `x`: every verb on this object, its key, why it is unavailable, and the same as a command line to copy. `at`: when the
/// object is of interest.
pub fn actions(screen: ScreenId, target: Target, at: Option<Timestamp>) -> Box<dyn Overlay> {
    Box::new(actions::Actions::new(screen, target, at))
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

/// `v` on a Secret: its keys, and one value at a time.
pub fn secret(object: crate::model::kubernetes::resource::ResourceKey) -> Box<dyn Overlay> {
    Box::new(secret::SecretPage::new(object))
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
pub fn comment(pr: &PullRequest, verdict: Option<Verdict>) -> Box<dyn Overlay> {
    Box::new(comment::Comment::new(pr.key.clone(), pr.head_sha.clone(), pr.title.to_string(), verdict))
}

/// Which merge method.
pub fn merge(pr: &PullRequest) -> Box<dyn Overlay> {
    Box::new(choices::merge(pr))
}

/// Failed jobs first, or all.
pub fn rerun(run: &Run) -> Box<dyn Overlay> {
    Box::new(choices::rerun(run))
}

/// How many replicas.
pub fn scale(workload: WorkloadKey, now: u32) -> Box<dyn Overlay> {
    Box::new(scale::Scale::new(workload, now))
}

/// `R` on an alert: nothing is preselected, both names stand in the title.
pub fn choose_rollback(alert: &Alert, workload: &Workload) -> Box<dyn Overlay> {
    Box::new(choices::rollback(alert, workload))
}

/// A first start: what was looked for, whether it was found, and what it is or which key mends it.
pub fn first_minute() -> Box<dyn Overlay> {
    Box::new(first_minute::FirstMinute::default())
}

/// As [`first_minute`], unasked: it gives way to the first row of trouble.
pub fn first_minute_at_start() -> Box<dyn Overlay> {
    Box::new(first_minute::FirstMinute::at_start())
}

/// `v` on Metrics: a dashboard's template variables and their values.
pub fn variables(query: VariablesQuery) -> Box<dyn Overlay> {
    Box::new(variables::VariablesDialog::new(query))
}

/// A program's output, to be read.
pub fn output(title: Clean, place: Clean, text: Clean) -> Box<dyn Overlay> {
    Box::new(output::OutputPage::new(title, place, text))
}

/// An address that could not be opened.
pub fn address(address: Clean) -> Box<dyn Overlay> {
    Box::new(output::OutputPage::new("ADDRESS".into(), "no browser could be started here".into(), address).wrapped())
}

/// `F`: which port leads to which.
pub fn forward(to: ForwardTo) -> Box<dyn Overlay> {
    Box::new(forward::ForwardForm::new(to))
}

/// `:forwards`
pub fn forwards() -> Box<dyn Overlay> {
    Box::new(forwards::Forwards::default())
}

/// Whether this cluster is production.
pub fn production(cluster: crate::model::BackendId, now: Now) -> Box<dyn Overlay> {
    Box::new(production::Production::new(cluster, now.mono))
}

/// The plan dialog; `None` for what is sent at once.
pub fn plan(ticket: u64, request: &Request, now: Now) -> Option<Box<dyn Overlay>> {
    if matches!(request, Request::Acknowledge { .. }) {
        return None;
    }
    Some(Box::new(plan::PlanDialog::new(ticket, request.clone(), now)))
}
