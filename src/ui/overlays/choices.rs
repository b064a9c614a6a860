//! The questions of single actions: how to merge, what to run again, what to roll back for an alert.

use super::{
    availability::blocks_merge,
    choice::{Answer, Choice, Question},
    describe::merge_words,
    evidence::{answer, level_of},
};
use crate::{
    action::Request,
    model::{
        Level,
        alert::{Alert, AlertKey},
        code::{MergeMethod, MergeState, PullRequest, Run},
        kubernetes::{Workload, WorkloadKey, short_image},
    },
    query::{self, Query},
    text::counted,
    time::{age_of, seconds_between},
    ui::{
        View,
        screens::{happened::distance, needs::workload_of_alert},
    },
};

/// How long before an alert a deploy may be to be offered, in seconds.
const JUST_BEFORE: i64 = 3_600;
/// Candidates beside the alert's own workload.
const OTHERS: usize = 6;

/// Which of the methods the repository allows.
pub fn merge(pr: &PullRequest) -> Choice {
    let key = pr.key.clone();
    Choice::new(true, vec![Query::PullRequest(key.clone())], move |view| {
        let Some(pr) = view.store.pull_requests.get(&key) else {
            return gone(format!("MERGE #{}", key.number));
        };
        let mut facts = vec![
            (None, format!("{} by {}", pr.title, pr.author)),
            (None, format!("{} into {}, head {}", pr.head, pr.base, short(&pr.head_sha))),
        ];
        let checks = &pr.checks;
        facts.push(match (checks.is_readable, checks.failed, checks.running) {
            (false, ..) => (Some(Level::Unknown), "checks cannot be read with this token".to_owned()),
            (true, 0, 0) if checks.exist => {
                (Some(Level::Ok), format!("{} passed", counted(checks.passed as usize, "check")))
            }
            (true, 0, 0) => (None, "no checks".to_owned()),
            (true, 0, running) => {
                (Some(Level::Progress), format!("{} still running", counted(running as usize, "check")))
            }
            (true, failed, _) => (Some(Level::Wrong), format!("{failed} of {} checks failed", checks.total())),
        });
        if let Ok(query::Answer::PullRequest(detail)) = answer(view, &Query::PullRequest(key.clone())) {
            if detail.head_sha != pr.head_sha {
                let words = format!("the head has moved to {} since the list was read", short(&detail.head_sha));
                facts.push((Some(Level::Broken), words));
            }
            for check in detail.checks.iter().filter(|check| check.state.is_bad()).take(5) {
                facts.push((Some(level_of(&check.state)), format!("check {}: {}", check.name, check.state)));
            }
        }
        let level = match pr.merge {
            MergeState::Ready => Level::Ok,
            MergeState::Unstable | MergeState::Checking => Level::Wrong,
            _ => Level::Broken,
        };
        facts.push((Some(level), merge_words(&pr.merge)));
        if let Some(why) = blocks_merge(pr).filter(|_| pr.merge == MergeState::Ready) {
            facts.push((Some(Level::Broken), why));
        }
        let answers = pr.merge_methods.iter().map(|method| merge_answer(pr, *method)).collect::<Vec<_>>();
        if answers.is_empty() {
            facts.push((
                Some(Level::Wrong),
                "the repository names no way of merging that this token may use".to_owned(),
            ));
        }
        Question {
            title: format!("MERGE #{}", pr.key.number),
            place: pr.key.repo.name.to_string(),
            facts,
            answers,
            leads_to: None,
        }
    })
}

fn merge_answer(pr: &PullRequest, method: MergeMethod) -> Answer {
    let (label, note) = match method {
        MergeMethod::Merge => ("merge commit", "keeps its commits, adds one that joins them"),
        MergeMethod::Squash => ("squash", "all its commits become one"),
        MergeMethod::Rebase => ("rebase", "its commits one by one on top, no merge commit"),
    };
    let request = Request::Merge { pull_request: pr.key.clone(), head_sha: pr.head_sha.clone(), method };
    Answer::asking(label, note, request)
}

fn short(sha: &str) -> &str {
    sha.get(..10).unwrap_or(sha)
}

fn gone(title: String) -> Question {
    Question { title, facts: vec![(None, "it is no longer listed".to_owned())], ..Question::default() }
}

/// Failed jobs first, or all.
pub fn rerun(run: &Run) -> Choice {
    let key = run.key.clone();
    Choice::new(true, vec![Query::Jobs(key.clone())], move |view| {
        let Some(run) = view.store.runs.get(&key) else { return gone(format!("RE-RUN {}", key.id)) };
        let mut facts = vec![
            (None, run.title.to_string()),
            (
                Some(level_of(&run.state)),
                format!("{}, attempt {}, commit {}", run.state, run.attempt, short(&run.head_sha)),
            ),
        ];
        if let Ok(query::Answer::Jobs(jobs)) = answer(view, &Query::Jobs(key.clone())) {
            for job in jobs.iter().filter(|job| job.state.is_bad()).take(5) {
                let step = job.steps.iter().find(|step| step.state.is_bad());
                let step = step.map(|step| format!(", at step '{}'", step.name)).unwrap_or_default();
                facts.push((Some(Level::Broken), format!("job {} {}{step}", job.name, job.state)));
            }
        }
        if run.deploys {
            let branch = run.branch.as_ref().map(|branch| format!(" of {branch}")).unwrap_or_default();
            let words = format!("it deploys: running it again deploys {}{branch} again", short(&run.head_sha));
            facts.push((Some(Level::Wrong), words));
        }
        if !run.state.is_finished() {
            facts.push((Some(Level::Progress), "it goes on: GitHub runs again only what has ended".to_owned()));
        }
        let answer = |label: &str, note: &str, only_failed| {
            Answer::asking(label, note, Request::Rerun { run: run.key.clone(), attempt: run.attempt, only_failed })
        };
        Question {
            title: format!("RE-RUN {} #{}", run.workflow, run.number),
            place: run.key.repo.name.to_string(),
            facts,
            answers: vec![
                answer("failed jobs", "and those that needed them; the others keep their results", true),
                answer("all jobs", "from the beginning", false),
            ],
            leads_to: None,
        }
    })
}

/// What to roll back for an alert: its own workload, or one deployed just before. Nothing is preselected.
pub fn rollback(alert: &Alert, workload: &Workload) -> Choice {
    let (alert, own) = (alert.key.clone(), workload.key.clone());
    Choice::new(false, Vec::new(), move |view| question(view, &alert, &own))
}

fn question(view: &View<'_>, key: &AlertKey, own: &WorkloadKey) -> Question {
    let alert = view.store.alerts.get(key);
    let name = alert.map_or("the alert", |alert| alert.name.as_str());
    let onset = alert.and_then(|alert| alert.active_since.or(alert.starts));
    let title = format!("ROLL BACK FOR {name}: {own}?");
    let mut facts = Vec::new();
    if let Some(alert) = alert {
        let since = onset.map(|at| format!(", began {} ago", age_of(at, view.time()))).unwrap_or_default();
        let summary = alert.summary().map(|summary| format!(": {summary}")).unwrap_or_default();
        facts.push((Some(alert.priority.level()), format!("{} {name}{summary}{since}", alert.priority.name())));
        if workload_of_alert(view, alert).is_none_or(|found| found.key != *own) {
            facts.push((Some(Level::Unknown), format!("its labels no longer name {own}")));
        }
    }
    let kube = &view.store.kube;
    let mut answers: Vec<Answer> =
        kube.workloads.get(own).map(|workload| candidate(view, workload, key, onset)).into_iter().collect();
    let mut others: Vec<(i64, &Workload)> = kube
        .workloads
        .values()
        .filter(|workload| workload.key != *own)
        .filter_map(|workload| {
            let before = seconds_between(kube.version_since(workload)?, onset?);
            // A workload's first version is no change of it.
            let has_older = kube.sets_of(workload).len() > 1;
            (has_older && (0..=JUST_BEFORE).contains(&before)).then_some((before, &**workload))
        })
        .collect();
    others.sort_by_key(|(before, workload)| (*before, workload.key.clone()));
    answers.extend(others.into_iter().take(OTHERS).map(|(_, workload)| candidate(view, workload, key, onset)));
    Question { title, place: String::new(), facts, answers, leads_to: None }
}

/// As Now says it of the same two moments.
fn apart(earlier: jiff::Timestamp, later: jiff::Timestamp) -> String {
    distance(earlier, later).trim_start_matches('+').to_owned()
}

fn candidate(view: &View<'_>, workload: &Workload, alert: &AlertKey, onset: Option<jiff::Timestamp>) -> Answer {
    let key = &workload.key;
    let prod = if view.settings.is_production(&key.cluster) { "PROD " } else { "" };
    let image = workload.images.first().map(|image| short_image(image)).unwrap_or_default();
    let deployed = match (view.store.kube.version_since(workload), onset) {
        (Some(since), Some(onset)) if since <= onset => {
            format!("deployed {} before it began", apart(since, onset))
        }
        (Some(since), Some(onset)) => format!("deployed {} after it began", apart(onset, since)),
        (Some(since), None) => format!("deployed {} ago", age_of(since, view.time())),
        _ => String::new(),
    };
    let place = format!("{prod}{}/{}", key.cluster, key.namespace);
    Answer::asking(
        format!("{key} {image}"),
        format!("{deployed}   {}/{} ready   {place}", workload.ready, workload.desired),
        Request::RollBack { workload: key.clone(), to: None, alert: Some(alert.clone()) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_apart_is_what_now_says_of_it() {
        let (deployed, began) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::from_second(44 * 86_400 + 50_000));
        assert_eq!(apart(deployed, began.expect("a time")), "45d");
    }
}
