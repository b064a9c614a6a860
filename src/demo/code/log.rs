//! The text of a finished job's log, as the runner writes it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{
    run::{Conclusion, Job, Step},
    seed,
};

/// The whole log, with the byte order mark it starts with. A line is a UTC time with seven fraction digits, a space, text.
pub fn text(job: &Job) -> String {
    let mut out = String::from('\u{feff}');
    for step in &job.steps {
        for (at, line) in step_lines(job, step) {
            write_line(&mut out, at, &line);
        }
    }
    out
}

fn write_line(out: &mut String, at: Timestamp, line: &str) {
    let hundreds_of_ns = at.subsec_nanosecond() / 100;
    let _ = writeln!(out, "{}.{hundreds_of_ns:07}Z {line}", at.strftime("%Y-%m-%dT%H:%M:%S"));
}

fn step_lines(job: &Job, step: &Step) -> Vec<(Timestamp, String)> {
    let (Some(started), Some(completed)) = (step.started, step.completed) else { return Vec::new() };
    if step.conclusion == Some(Conclusion::Skipped) {
        return Vec::new();
    }
    match step.plan.name.as_str() {
        "Set up job" => set_up(job, started),
        "Checkout" => checkout(step, started),
        "Complete job" => vec![(started, "Cleaning up orphan processes".into())],
        name if name.starts_with("Post ") => vec![(started, "Post job cleanup.".into())],
        name => body(name, step, started, completed),
    }
}

fn set_up(job: &Job, at: Timestamp) -> Vec<(Timestamp, String)> {
    let lines = [
        "Current runner version: '2.328.0'".to_owned(),
        "##[group]Runner Image".to_owned(),
        format!("Image: {}", job.plan.labels.first().map_or("unknown", String::as_str)),
        "##[endgroup]".to_owned(),
        "##[group]GITHUB_TOKEN Permissions".to_owned(),
        "Contents: read".to_owned(),
        "Metadata: read".to_owned(),
        "##[endgroup]".to_owned(),
        "Prepare all required actions".to_owned(),
        format!("Complete job name: {}", job.plan.name),
    ];
    spread(at, seed::after(at, 1.5), lines.to_vec())
}

fn checkout(step: &Step, at: Timestamp) -> Vec<(Timestamp, String)> {
    let lines = [
        "##[group]Run actions/checkout@v4",
        "with:",
        "  token: ***",
        "##[endgroup]",
        "[command]/usr/bin/git version",
        "git version 2.51.0",
    ];
    let own = step.plan.lines.iter().cloned();
    spread(at, seed::after(at, 1.0), lines.iter().map(|&l| l.to_owned()).chain(own).collect())
}

fn body(name: &str, step: &Step, started: Timestamp, completed: Timestamp) -> Vec<(Timestamp, String)> {
    let mut lines = vec![
        (started, format!("##[group]Run {name}")),
        (started, "\u{1b}[36;1mset -euo pipefail\u{1b}[0m".to_owned()),
        (started, "shell: /usr/bin/bash -e {0}".to_owned()),
        (started, "##[endgroup]".to_owned()),
    ];
    let mut all = step.plan.lines.clone();
    if let (Some(failing), Some(Conclusion::Failure)) = (&step.plan.fails, step.conclusion) {
        all.extend(failing.lines.iter().cloned());
    }
    // A step that waits for the cluster prints its command first, then what it sees.
    let until = if step.lines.is_empty() { completed } else { seed::after(started, 0.5).min(completed) };
    lines.extend(spread(started, until, all));
    lines.extend(step.lines.iter().cloned());
    if step.conclusion == Some(Conclusion::Failure) {
        lines.push((completed, "##[error]Process completed with exit code 1.".to_owned()));
    }
    lines
}

/// Gives each line a time between two moments.
fn spread(from: Timestamp, to: Timestamp, lines: Vec<String>) -> Vec<(Timestamp, String)> {
    let total = to.duration_since(from).as_secs_f64();
    let count = lines.len().max(1) as f64;
    let at = |n: usize| seed::after(from, total * n as f64 / count);
    lines.into_iter().enumerate().map(|(n, line)| (at(n), line)).collect()
}
