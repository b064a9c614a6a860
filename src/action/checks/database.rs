//! B10: what of the live version may have changed the schema, as far as the cluster knows.

use serde_json::Value;

use super::Subject;
use crate::{
    action::{
        CheckResult,
        around::{Job, JobState, migrates, says_migration},
        template,
    },
    model::{
        Name,
        kubernetes::{Revision, is_same_image, repository_of, short_image, tag_of},
    },
    text::Clean,
    time::{age_of, seconds_between},
};

/// A migration runs this long before its version is made, and this long after, in seconds.
const BEFORE: i64 = 60 * 60;
const AFTER: i64 = 30 * 60;
/// Most findings that are named.
const NAMED: usize = 2;

impl Subject<'_> {
    /// B10
    pub fn database(&self, live: &Revision, target: &Revision) -> CheckResult {
        let images = template::new_images(&live.template, &target.template);
        if let Some(runs) = self.migration(live, &images) {
            return runs;
        }
        let mut found = init_containers(live, target);
        let mut unread = Vec::new();
        match &self.inspection.around {
            Some(around) => {
                let is_of_it = |job: &&Job| concerns(job, live, &images) || waits(job);
                let mut jobs: Vec<&Job> = around.jobs.found.iter().filter(is_of_it).collect();
                jobs.sort_by_key(|job| {
                    let ended = matches!(job.state, JobState::Done | JobState::Failed);
                    (ended, job.state != JobState::Running, std::cmp::Reverse(job.created))
                });
                found.splice(0..0, jobs.into_iter().map(|job| self.job_words(job, &images)));
                let runs = |job: &&Job| job.state == JobState::Running && is_untied(job, live, &images);
                let untied = around.jobs.found.iter().filter(runs).map(|job| {
                    let what = job.images.last().map_or(&*job.name, |image| short_image(image));
                    say!("migration '{}' ({what}) runs in this namespace now, for this app or another", job.name)
                });
                // It changes some schema at this moment, which may be this one.
                found.splice(0..0, untied);
                unread.extend(around.jobs.unread.iter().cloned());
            }
            None => unread.push("jobs were not read".into()),
        }
        let untied = || self.untied(live, &images).unwrap_or_default();
        let version = images.first().map_or_else(|| rev(live), |image| tag_of(image).to_owned());
        if found.is_empty() {
            return CheckResult::NotChecked(match unread.first() {
                Some(why) => say!("{why}; files between the commits are not read{}", untied()),
                None => say!(
                    "no migration job or init container of {version} in the cluster; files between the commits are not read{}",
                    untied()
                ),
            });
        }
        let more = if found.len() > NAMED { format!(" and {} more", found.len() - NAMED) } else { String::new() };
        found.truncate(NAMED);
        let unread = if unread.is_empty() { "" } else { " (not all jobs were read)" };
        CheckResult::Look(say!(
            "{}{more}: the schema may be ahead of rev {}{unread}",
            found.iter().map(Clean::as_str).collect::<Vec<_>>().join(", "),
            target.number
        ))
    }

    /// `; a migration (web:2) ran in this namespace 21m ago, for this app or another`: nothing ties it to this one, and what
    /// is read of a Job does not tell whose it is.
    fn untied(&self, live: &Revision, images: &[&str]) -> Option<String> {
        let is_one = |job: &&Job| is_untied(job, live, images) && is_beside(job, live);
        let job = self.inspection.around.as_ref()?.jobs.found.iter().filter(is_one).max_by_key(|job| job.created)?;
        let what = job.images.last().map_or(&*job.name, |image| short_image(image));
        let age = job.created.map(|at| format!(" {} ago", age_of(at, self.now))).unwrap_or_default();
        let happened = match job.state {
            JobState::Running => "runs in this namespace now".to_owned(),
            JobState::Suspended => "waits in this namespace".to_owned(),
            JobState::Done => format!("ran in this namespace{age}"),
            JobState::Failed => format!("failed in this namespace{age}"),
        };
        Some(format!("; a migration ({what}) {happened}, for this app or another"))
    }

    /// A Job that changes the schema at this moment.
    pub fn migration(&self, live: &Revision, images: &[&str]) -> Option<CheckResult> {
        let is_one = |job: &&Job| {
            let runs = job.state == JobState::Running && (job.migrates || job.is_hook);
            runs && (job.is_kin || job.migrates && is_of(job, live) || concerns(job, live, images))
        };
        let job = self.inspection.around.as_ref()?.jobs.found.iter().find(is_one)?;
        let why = "a schema changed by half is nobody's version; wait for its end";
        Some(CheckResult::Stop(say!("{}: {why}", self.job_words(job, images))))
    }

    fn job_words(&self, job: &Job, images: &[&str]) -> Clean {
        let kind = if job.is_hook { "hook job" } else { "job" };
        let image = images.iter().find(|image| job.images.iter().any(|own| is_same_image(own, image)));
        let version = image.map(|image| format!(" for {}", tag_of(image))).unwrap_or_default();
        let age = job.created.map(|at| format!(", {} ago", age_of(at, self.now))).unwrap_or_default();
        match job.state {
            JobState::Running => say!("{kind} '{}' runs now{version}", job.name),
            JobState::Suspended => say!("{kind} '{}' is suspended{version} (it runs once it is resumed)", job.name),
            JobState::Done => say!("{kind} '{}' ran{version}{age}", job.name),
            JobState::Failed => say!("{kind} '{}' failed{version}{age}", job.name),
        }
    }
}

/// A migration of the same app that runs once it is resumed, for whatever version.
fn waits(job: &Job) -> bool {
    job.state == JobState::Suspended && job.is_kin && (job.migrates || job.is_hook)
}

/// It ran for the live version. What a schedule starts does so whatever the version; what another app's deploy starts, for
/// that app.
fn concerns(job: &Job, live: &Revision, images: &[&str]) -> bool {
    let is_of_live = images.iter().any(|image| job.images.iter().any(|own| is_same_image(own, image)));
    let is_own = job.is_kin || is_of(job, live);
    (job.migrates || !job.is_scheduled)
        && (is_of_live || is_own && is_beside(job, live) && (job.is_hook || job.migrates))
}

/// A migration that nothing ties to the workload. Such a Job may be of its app all the same: a hook of Helm carries no mark
/// of its release, and one of a tool has the tool's image.
fn is_untied(job: &Job, live: &Revision, images: &[&str]) -> bool {
    job.migrates && !job.is_kin && !is_of(job, live) && !concerns(job, live, images)
}

/// Made about when the live version was.
fn is_beside(job: &Job, live: &Revision) -> bool {
    live.created.zip(job.created).is_some_and(|(live, job)| {
        let after = seconds_between(live, job);
        (-BEFORE..=AFTER).contains(&after)
    })
}

/// It runs what the workload runs, of whatever version, or what is named after that: `myapp-migrations` of `myapp`.
fn is_of(job: &Job, live: &Revision) -> bool {
    let is_own = |image: &Name| {
        template::images(&live.template).iter().any(|(_, own)| {
            let rest = repository_of(image).strip_prefix(repository_of(own));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '/']) && says_migration(rest))
        })
    };
    job.images.iter().any(is_own)
}

fn rev(live: &Revision) -> String {
    // Set by hand, it is no revision of its release.
    if live.number == 0 { "what is live".to_owned() } else { format!("rev {}", live.number) }
}

/// Init containers that are not as in the target, and migrations that run again in each pod.
fn init_containers(live: &Revision, target: &Revision) -> Vec<Clean> {
    let is_sidecar = |container: &&Value| container["restartPolicy"] == "Always";
    let all = |of: &'_ Revision| -> Vec<Value> {
        let list = of.template.pointer("/spec/initContainers").and_then(Value::as_array);
        list.into_iter().flatten().filter(|container| !is_sidecar(container)).cloned().collect()
    };
    let before = all(target);
    let name = |container: &Value| Clean::line(container["name"].as_str().unwrap_or_default());
    all(live)
        .iter()
        .filter_map(|container| match (before.contains(container), migrates(container)) {
            (true, true) => Some(say!("init container '{}' runs in both", name(container))),
            (true, false) => None,
            (false, true) => Some(say!("init container '{}' ran in {}", name(container), rev(live))),
            (false, false) => Some(say!("init container '{}' is not rev {}'s", name(container), target.number)),
        })
        .collect()
}
