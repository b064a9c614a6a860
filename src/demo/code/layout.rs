//! The parts of a scenario that become accounts, workflows and pull requests.

use jiff::Timestamp;

use super::{
    Code,
    happening::{Happening, full},
    model::{AppCheck, Comment, Commit, FileChange, LineComment, Pull, Review, User},
    seed,
    workflow::{JobPlan, StepPlan, Target, Trigger, When, Workflow},
};
use crate::demo::scenario::{PullRequestSpec, Scenario, Span, StepSpec, WorkflowSpec};

/// Accounts with an entry, and those that are only mentioned.
pub(super) fn users(code: &mut Code, scenario: &Scenario) {
    for spec in &scenario.user {
        let login = if spec.bot { format!("{}[bot]", spec.login) } else { spec.login.clone() };
        let name = Some(spec.name.clone()).filter(|n| !n.is_empty());
        code.users.push(User { login, name, id: 0, bot: spec.bot });
    }
    let pulls = scenario.pull_request.iter();
    let of_pulls = pulls.flat_map(|p| {
        let reviewers = p.review.iter().map(|r| &r.user).chain(p.comment.iter().map(|c| &c.user));
        std::iter::once(&p.author).chain(&p.review_requested).chain(&p.merged_by).chain(reviewers)
    });
    let of_commits = scenario.repository.iter().flat_map(|r| r.commit.iter().map(|c| &c.author));
    let of_runs = scenario.run.iter().map(|r| &r.actor);
    for login in std::iter::once(&scenario.viewer).chain(of_pulls).chain(of_commits).chain(of_runs) {
        if code.user(&code.login(login)).is_none() {
            code.users.push(User { login: login.clone(), name: None, id: 0, bot: false });
        }
    }
    for (user, n) in code.users.iter_mut().zip(1..) {
        user.id = 583_000 + n * 17;
    }
}

/// A workflow as its specification says.
pub(super) fn workflow(id: u64, spec: &WorkflowSpec, scenario: &Scenario) -> Workflow {
    let steps = |steps: &[StepSpec]| -> Vec<StepPlan> { steps.iter().map(|s| step(s, steps, scenario)).collect() };
    let jobs = spec.job.iter().enumerate().map(|(index, job)| {
        let before = spec.job[..index].last().map(|j| j.name.clone());
        let deploys = job.step.iter().any(|s| s.set_image.is_some());
        let labels = if deploys { vec!["self-hosted".into(), "deploy".into()] } else { vec!["ubuntu-24.04".into()] };
        JobPlan {
            name: job.name.clone(),
            needs: job.needs.clone().unwrap_or_else(|| before.into_iter().collect()),
            labels,
            steps: steps(&job.step),
        }
    });
    let jobs: Vec<JobPlan> = jobs.collect();
    let deploys = jobs.iter().any(|j| j.steps.iter().any(|s| s.set_image.is_some()));
    let on = match &spec.on {
        Some(words) => words.iter().filter_map(|w| trigger(w)).collect(),
        None if spec.name == "ci" => vec![Trigger::PullRequest, Trigger::Push],
        None if deploys => vec![Trigger::Push],
        None => vec![Trigger::Schedule],
    };
    let file = spec.path.as_deref().and_then(|p| p.rsplit('/').next());
    Workflow {
        id,
        name: spec.name.clone(),
        file: file.map_or_else(|| format!("{}.yml", spec.name), str::to_owned),
        on,
        jobs,
        next_run: 1,
        one_at_a_time: deploys,
    }
}

fn trigger(word: &str) -> Option<Trigger> {
    match word.split_once(':') {
        Some(("after", name)) => Some(Trigger::After(name.to_owned())),
        _ => match word {
            "push" => Some(Trigger::Push),
            "pull_request" => Some(Trigger::PullRequest),
            "schedule" => Some(Trigger::Schedule),
            "workflow_dispatch" => Some(Trigger::Dispatch),
            _ => None,
        },
    }
}

fn step(spec: &StepSpec, siblings: &[StepSpec], scenario: &Scenario) -> StepPlan {
    // Steps that look at a service look for the tag that their job set.
    let tag = spec.tag.clone().or_else(|| siblings.iter().find_map(|s| s.set_image.as_ref().and(s.tag.clone())));
    let target = |path: &Option<String>| {
        let service = scenario.service(path.as_deref()?)?;
        let tag = tag.clone().unwrap_or_else(|| "{run}".to_owned());
        Some(Target {
            cluster: service.cluster.clone(),
            namespace: service.namespace.clone(),
            deployment: service.name.clone(),
            image: service.image_of(&tag),
            tag,
            timeout: spec.timeout.map(Span::as_secs),
            silent: spec.silent.map(|[from, to]| (from.as_secs(), to.as_secs())),
        })
    };
    StepPlan {
        name: spec.name.clone(),
        when: if spec.on_failure { When::Failure } else { When::Success },
        seconds: spec.takes.as_secs(),
        lines: spec.log.clone(),
        fails: None,
        set_image: target(&spec.set_image),
        awaits: target(&spec.await_rollout),
        smoke: target(&spec.smoke),
        undo: target(&spec.undo),
        annotate: spec.annotate.clone(),
    }
}

/// A pull request, and what happens to it.
pub(super) fn pull(code: &mut Code, repo: usize, spec: &PullRequestSpec, start: Timestamp) {
    let opened = spec.age.before(start);
    let author = code.login(&spec.author);
    let head = full(code.seed, &spec.sha);
    let commits = commits(code, spec, &author, &head, start);
    let pull = Pull {
        number: spec.number,
        title: spec.title.clone(),
        body: Some(spec.body.clone()).filter(|b| !b.is_empty()),
        author,
        head_ref: spec.branch.clone(),
        base_ref: spec.base.clone().unwrap_or_else(|| code.repos[repo].default_branch.clone()),
        head_sha: head.clone(),
        base_sha: String::new(),
        commits: commits.iter().map(|c| c.sha.clone()).collect(),
        draft: spec.draft,
        conflicts: spec.conflicts,
        created: opened,
        updated: opened,
        closed: None,
        merged: None,
        labels: spec.labels.clone(),
        requested: spec.review_requested.iter().map(|l| code.login(l)).collect(),
        reviews: Vec::new(),
        line_comments: Vec::new(),
        comments: Vec::new(),
        files: spec.file.iter().map(file).collect(),
        mergeable_from: Some(seed::after(opened, 60.0)),
    };
    code.coming.push((opened, Happening::Open { repo, pull: Box::new(pull), commits }));
    let number = spec.number;
    for review in &spec.review {
        let at = review.age.before(start);
        let (id, user) = (code.fresh_id(), code.login(&review.user));
        let state = review.state.to_uppercase();
        let review = Review { id, user, state, body: review.body.clone(), commit: head.clone(), at };
        code.coming.push((at, Happening::Review { repo, number, review }));
    }
    for comment in &spec.comment {
        let at = comment.age.before(start);
        let (id, user, body) = (code.fresh_id(), code.login(&comment.user), comment.body.clone());
        let what = match &comment.path {
            None => Happening::Comment { repo, number, comment: Comment { id, user, body, at } },
            Some(path) => {
                let patch = spec.file.iter().find(|f| f.path == *path).and_then(|f| f.patch.clone());
                let comment = LineComment {
                    id,
                    review: None,
                    user,
                    body,
                    path: path.clone(),
                    line: comment.line.map_or(1, u64::from),
                    commit: head.clone(),
                    hunk: patch.unwrap_or_else(|| "@@ -1 +1 @@".into()),
                    resolved: comment.resolved,
                    at,
                };
                Happening::LineComment { repo, number, comment }
            }
        };
        code.coming.push((at, what));
    }
    if let Some(merged) = spec.merged {
        let by = code.login(spec.merged_by.as_ref().unwrap_or(&spec.author));
        let sha = full(code.seed, spec.merge_sha.as_deref().unwrap_or_default());
        code.coming.push((merged.after(start), Happening::Merge { repo, number, by, sha }));
    }
}

/// The commits of a pull request; the last is its head and carries the files and checks.
fn commits(code: &mut Code, spec: &PullRequestSpec, author: &str, head: &str, start: Timestamp) -> Vec<Commit> {
    let count = spec.commits.max(1);
    let mut made = Vec::new();
    for n in 1..=count {
        let last = n == count;
        let label = format!("{}/{}/{n}", spec.repository, spec.number);
        let sha = if last { head.to_owned() } else { seed::sha(code.seed, "", &label) };
        let checks = if last { spec.check.as_slice() } else { &[] };
        let checks = checks.iter().map(|check| AppCheck {
            id: code.fresh_id(),
            name: check.name.clone(),
            conclusion: check.conclusion.clone(),
            started: check.age.before(start),
            completed: check.took.after(check.age.before(start)),
        });
        made.push(Commit {
            sha,
            parents: Vec::new(),
            message: if last { spec.title.clone() } else { format!("{} (part {n})", spec.title) },
            author: author.to_owned(),
            at: seed::after(spec.age.before(start), -f64::from(count - n) * 1500.0 - 30.0),
            files: Vec::new(),
            checks: checks.collect(),
        });
    }
    if let Some(head) = made.last_mut() {
        head.files = spec.file.iter().map(file).collect();
    }
    made
}

fn file(spec: &crate::demo::scenario::FileSpec) -> FileChange {
    let counted = |sign: char| {
        let lines = spec.patch.iter().flat_map(|p| p.lines());
        lines.filter(|l| l.starts_with(sign)).count() as u64
    };
    let given = u64::from(spec.additions) + u64::from(spec.deletions) > 0;
    FileChange {
        path: spec.path.clone(),
        status: spec.status.clone(),
        previous: None,
        additions: if given { u64::from(spec.additions) } else { counted('+') },
        deletions: if given { u64::from(spec.deletions) } else { counted('-') },
        patch: spec.patch.clone(),
    }
}
