//! The rows of each screen, as JSON objects and as cells. The JSON is a contract: keys are added, never changed.
//!
//! Every row has `kind`. Times are RFC 3339 in UTC. What is not known is null. `level` is `broken`, `wrong`, `unknown`,
//! `progress` or `ok`; of what merely waits for you (a review) it is `waits`. `backend` (Kubernetes: `cluster`, code hosts: `host`) is a name from `backends[]`.
//!
//! | screen | kinds and their keys |
//! |---|---|
//! | `now` | `need`: `about` (alert, workload, run, pull request), `backend`, `object`, `level`, `name`, `says`, `when`, `url` |
//! | `triage` | `alert`: `backend` `fingerprint` `name` `state` `priority` `subject` `summary` `labels` `annotations` `starts` `active_since` `receivers` `silenced_by` `url`; `silence`: `backend` `id` `matchers` `starts` `ends` `created_by` `comment` `state`; `change`: `at` `what` `level` `text` |
//! | `kube` | `deployment`, `statefulset`, `daemonset`: `cluster` `namespace` `name` `level` `ready` `desired` `updated` `available` `revision` `images` `rollout` `says` `managed_by` `created`; `pod`: `cluster` `namespace` `name` `workload` `level` `status` `ready` `restarts` `node` `images` `why` `created` |
//! | `kube --kind` | `object`: `resource` (`jobs.batch`) `cluster` `namespace` `name` `created` `labels` `cells` {the server's own columns, wide ones too, by their titles} |
//! | `pipelines` | `run`: `host` `repository` `id` `workflow` `number` `attempt` `event` `state` `level` `branch` `sha` `actor` `title` `stage` `deploys` `created` `started` `updated` `url` |
//! | `prs` | `pull-request`: `host` `repository` `number` `title` `author` `need` `is_mine` `asks_me` `draft` `checks` {`passed` `failed` `running` `readable`} `review` `merge` `head` `base` `additions` `deletions` `created` `updated` `merged` `url` |
//! | `metrics` | `panel`: `backend` `dashboard` `dashboard_title` `id` `title` `unit` `value` `text` `limit` `series` [{`name` `at` `value`}] `error` |
//! | `audit` | `act`: `number` `at` `ended` `actor` `title` `place` `outcome` (`running`, `done`, `refused`, `unknown`; sent, and not seen to arrive: `watching`, `unwatched` or `not there`; of a program that ended badly: `failed`) `reason` `steps` [{`says` `state` `note`}] `can_undo` |

use serde_json::{Value, json};

use super::report::{level_word, mark_word, time};
use crate::{
    action::act::{Act, StepState},
    headless::Reading,
    model::{
        Level,
        alert::{Alert, AlertState},
        code::{MergeState, PullRequest, ReviewDecision, Run},
        kubernetes::{Pod, Workload},
    },
    store::timeline,
    text::Clean,
    ui::{
        View,
        filter::Filter,
        screens::{needs::needs, pane, words},
        target::Target,
    },
};

/// How far back the timeline goes.
const WINDOW: std::time::Duration = std::time::Duration::from_hours(12);

/// One row, for programs and for people.
pub struct Row {
    pub json: Value,
    pub cells: Vec<String>,
    /// Left out of text: listed for programs only.
    pub is_quiet: bool,
}

impl Row {
    pub fn new(json: Value, cells: Vec<String>) -> Self {
        Self { json, cells, is_quiet: false }
    }

    pub fn keeps(&self, filter: &Filter) -> bool {
        filter.keeps(&self.cells.join(" "), |name| match name {
            "" => None,
            name => self.json.get(name).or_else(|| self.json.get("labels")?.get(name)).and_then(Value::as_str),
        })
    }
}

/// Rows of one kind, under one heading.
pub struct Section {
    pub title: &'static str,
    pub heads: &'static [&'static str],
    pub rows: Vec<Row>,
}

impl Section {
    pub fn json(&self) -> Vec<Value> {
        self.rows.iter().map(|row| row.json.clone()).collect()
    }

    /// Cells of the rows that people are shown.
    pub fn cells(&self) -> Vec<Vec<String>> {
        self.rows.iter().filter(|row| !row.is_quiet).map(|row| row.cells.clone()).collect()
    }

    pub fn keep(&mut self, filter: &Filter) {
        self.rows.retain(|row| row.keeps(filter));
    }
}

/// What needs me, most urgent first.
pub fn now(reading: &Reading) -> Section {
    let view = reading.view();
    let rows = needs(&view).iter().filter_map(|target| need(&view, target)).collect();
    Section { title: "needs you", heads: &["", "", "", ""], rows }
}

/// One thing that needs me.
pub fn need(view: &View<'_>, target: &Target) -> Option<Row> {
    let words = words::of(view, target)?;
    let word = mark_word(words.mark);
    let url = url(view, target);
    let json = json!({
        "kind": "need", "about": target.kind().word(), "backend": target.backend(), "object": target.to_string(),
        "level": word, "name": words.name, "says": words.says, "when": words.when, "url": url,
    });
    let name = match target {
        Target::PullRequest(key) => format!("{} {}", key.repo.name, words.name),
        Target::Run(key) => format!("{} {}", key.repo.name, words.name),
        Target::Workload(key) => format!("{} in {}/{}", words.name, key.cluster, key.namespace),
        _ => words.name.clone(),
    };
    Some(Row::new(json, vec![word.to_owned(), name, words.says, words.when]))
}

fn url(view: &View<'_>, target: &Target) -> Option<Clean> {
    let store = view.store;
    match target {
        Target::Run(key) => store.runs.get(key).map(|run| run.url.clone()),
        Target::PullRequest(key) => store.pull_requests.get(key).map(|pr| pr.url.clone()),
        Target::Alert(key) => store.alerts.get(key).and_then(|alert| alert.generator_url.clone()),
        _ => None,
    }
}

/// Alerts, silences, and what happened.
pub fn triage(reading: &Reading) -> Vec<Section> {
    let view = reading.view();
    let store = view.store;
    let mut alerts: Vec<&Alert> = store.alerts.values().collect();
    alerts.sort_by_key(|alert| (alert.state != AlertState::Firing, alert.is_watchdog, alert.priority, alert.starts));
    let alerts = alerts.into_iter().map(|alert| alert_row(&view, alert)).collect();
    let silences = store.silences.values().filter(|silence| silence.state != "expired").map(|silence| {
        let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
        let until = words::day_clock(silence.ends, view.time());
        let cells = vec![
            silence.state.to_string(),
            matchers.join(" "),
            format!("until {until}"),
            format!("{}: {}", silence.created_by, silence.comment),
        ];
        let json = json!({
            "kind": "silence", "backend": silence.key.backend, "id": silence.key.id, "matchers": matchers,
            "starts": time(Some(silence.starts)), "ends": time(Some(silence.ends)), "created_by": silence.created_by,
            "comment": silence.comment, "state": silence.state,
        });
        Row::new(json, cells)
    });
    let silences = silences.collect();
    let changes = timeline::timeline(store, view.now, WINDOW).into_iter().map(|change| {
        let cells = vec![
            words::day_clock(change.at, view.time()),
            change.kind.word().to_owned(),
            level_word(change.level).to_owned(),
            change.text.to_string(),
        ];
        let json = json!({
            "kind": "change", "at": time(Some(change.at)), "what": change.kind.word(),
            "level": level_word(change.level), "text": change.text,
        });
        Row::new(json, cells)
    });
    let changes = changes.collect();
    vec![
        Section { title: "alerts", heads: &["STATE", "PRIO", "ALERT", "SAYS", "SINCE"], rows: alerts },
        Section { title: "silences", heads: &["STATE", "MATCHERS", "ENDS", "WHO AND WHY"], rows: silences },
        Section { title: "what happened", heads: &["AT", "WHAT", "LEVEL", "SAYS"], rows: changes },
    ]
}

fn alert_row(view: &View<'_>, alert: &Alert) -> Row {
    let state = match &alert.state {
        AlertState::Firing => "firing",
        AlertState::Pending => "pending",
        AlertState::Silenced => "silenced",
        AlertState::Inhibited => "inhibited",
        AlertState::Muted => "muted",
        AlertState::Resolved(_) => "resolved",
        AlertState::Other(word) => word.as_str(),
    };
    let pairs = |pairs: &[(Clean, Clean)]| -> serde_json::Map<String, Value> {
        pairs.iter().map(|(name, value)| (name.to_string(), json!(value))).collect()
    };
    let json = json!({
        "kind": "alert", "backend": alert.key.backend, "fingerprint": alert.key.fingerprint, "name": alert.name,
        "state": state, "priority": alert.priority.name(), "subject": alert.subject(), "summary": alert.summary(),
        "labels": pairs(&alert.labels), "annotations": pairs(&alert.annotations), "starts": time(alert.starts),
        "active_since": time(alert.active_since), "receivers": alert.receivers, "silenced_by": alert.silenced_by,
        "url": alert.generator_url,
    });
    let since = alert.active_since.or(alert.starts).map(|at| words::day_clock(at, view.time())).unwrap_or_default();
    let cells = vec![
        words::alert_state(view, alert),
        alert.priority.name().to_owned(),
        words::alert_name(alert),
        alert.summary().map(Clean::to_string).unwrap_or_default(),
        since,
    ];
    Row::new(json, cells)
}

/// Workloads, worst first, and their pods. Text shows the pods in trouble.
pub fn kube(reading: &Reading) -> Vec<Section> {
    let view = reading.view();
    let kube = &view.store.kube;
    let mut workloads: Vec<(Level, &Workload)> =
        kube.workloads.values().map(|workload| (kube.level_of(workload), &**workload)).collect();
    workloads.sort_by(|a, b| (a.0, &a.1.key).cmp(&(b.0, &b.1.key)));
    let mut pods: Vec<&Pod> = kube.pods.values().map(|pod| &**pod).collect();
    pods.sort_by_cached_key(|pod| (pod.standing(view.store.time_of(&pod.key.cluster, view.now)).0, &pod.key));
    let workloads = workloads.into_iter().map(|(level, workload)| workload_row(&view, level, workload)).collect();
    let pods = pods.into_iter().map(|pod| pod_row(&view, pod)).collect();
    vec![
        Section {
            title: "workloads",
            heads: &["LEVEL", "CLUSTER", "NAMESPACE", "WORKLOAD", "READY", "IMAGE", "AGE", "SAYS"],
            rows: workloads,
        },
        Section {
            title: "pods in trouble",
            heads: &["LEVEL", "CLUSTER", "NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "AGE", "WHY"],
            rows: pods,
        },
    ]
}

fn workload_row(view: &View<'_>, level: Level, workload: &Workload) -> Row {
    let key = &workload.key;
    let managers: Vec<String> = workload.managed_by.iter().map(ToString::to_string).collect();
    let state = match workload.rollout.state {
        crate::model::kubernetes::RolloutState::Progressing => "progressing",
        crate::model::kubernetes::RolloutState::Failed => "failed",
        crate::model::kubernetes::RolloutState::Done => "done",
        crate::model::kubernetes::RolloutState::Unavailable => "unavailable",
    };
    let json = json!({
        "kind": key.kind.name(), "cluster": key.cluster, "namespace": key.namespace, "name": key.name,
        "level": level_word(level), "ready": workload.ready, "desired": workload.desired,
        "updated": workload.updated, "available": workload.available, "revision": workload.revision,
        "images": workload.images, "rollout": state, "says": workload.rollout.words, "managed_by": managers,
        "created": time(workload.created),
    });
    let says = words::of(view, &Target::Workload(key.clone())).map(|words| words.says).unwrap_or_default();
    let counts = format!("{}/{}", workload.ready, workload.desired);
    let says = says.strip_prefix(&format!("{counts} ready")).unwrap_or(&says).trim_start().to_owned();
    let images: Vec<&str> = workload.images.iter().map(|image| crate::model::kubernetes::short_image(image)).collect();
    let cells = vec![
        level_word(level).to_owned(),
        key.cluster.to_string(),
        key.namespace.to_string(),
        key.to_string(),
        counts,
        images.join(","),
        pane::age(view, &key.cluster, workload.created),
        says,
    ];
    Row::new(json, cells)
}

fn pod_row(view: &View<'_>, pod: &Pod) -> Row {
    let key = &pod.key;
    let (level, why) = pod.standing(view.store.time_of(&key.cluster, view.now));
    let images: Vec<&Clean> = pod.containers.iter().map(|container| &container.image).collect();
    let json = json!({
        "kind": "pod", "cluster": key.cluster, "namespace": key.namespace, "name": key.name,
        "workload": view.store.kube.workload_of(pod).map(|workload| workload.key.to_string()),
        "level": level_word(level), "status": pod.status, "ready": format!("{}/{}", pod.ready, pod.total),
        "restarts": pod.restarts, "node": pod.node, "images": images, "why": why, "created": time(pod.created),
    });
    let cells = vec![
        level_word(level).to_owned(),
        key.cluster.to_string(),
        key.namespace.to_string(),
        key.name.to_string(),
        format!("{}/{}", pod.ready, pod.total),
        pod.status.to_string(),
        pod.restarts.to_string(),
        pane::age(view, &key.cluster, pod.created),
        why.into_owned(),
    ];
    Row { json, cells, is_quiet: level == Level::Ok }
}

/// Runs, newest first.
pub fn pipelines(reading: &Reading) -> Vec<Section> {
    let view = reading.view();
    let mut runs: Vec<&Run> = view.store.runs.values().collect();
    runs.sort_by_key(|run| std::cmp::Reverse((run.created, run.key.id)));
    let rows = runs.into_iter().map(|run| run_row(&view, run)).collect();
    let heads = &["LEVEL", "REPOSITORY", "RUN", "SAYS", "AGE", "TITLE"];
    vec![Section { title: "runs", heads, rows }]
}

fn run_row(view: &View<'_>, run: &Run) -> Row {
    let level = mark_word(words::run_mark(run));
    let json = json!({
        "kind": "run", "host": run.key.repo.host, "repository": run.key.repo.name, "id": run.key.id,
        "workflow": run.workflow, "number": run.number, "attempt": run.attempt, "event": run.event,
        "state": run.state.to_string(), "level": level, "branch": run.branch, "sha": run.head_sha, "actor": run.actor,
        "title": run.title, "stage": run.stage, "deploys": run.deploys, "created": time(run.created),
        "started": time(run.started), "updated": time(run.updated), "url": run.url,
    });
    let words = words::of(view, &Target::Run(run.key.clone()));
    let (name, says, when) = words.map(|words| (words.name, words.says, words.when)).unwrap_or_default();
    let cells = vec![level.to_owned(), run.key.repo.name.to_string(), name, says, when, run.title.to_string()];
    Row::new(json, cells)
}

/// Open pull requests, those that need me first.
pub fn pull_requests(reading: &Reading) -> Vec<Section> {
    let view = reading.view();
    let mut all: Vec<&PullRequest> = view.store.pull_requests.values().filter(|pr| pr.merged.is_none()).collect();
    all.sort_by_key(|pr| (pr.need.is_none(), pr.need, std::cmp::Reverse(pr.updated)));
    let rows = all.into_iter().map(|pr| pull_request_row(&view, pr)).collect();
    vec![Section { title: "pull requests", heads: &["NEEDS YOU", "REPOSITORY", "PULL REQUEST", "SAYS", "AGE"], rows }]
}

fn pull_request_row(view: &View<'_>, pr: &PullRequest) -> Row {
    let review = match &pr.review {
        ReviewDecision::Approved => "approved",
        ReviewDecision::ChangesRequested => "changes-requested",
        ReviewDecision::Required => "required",
        ReviewDecision::None => "none",
        ReviewDecision::Other(word) => word.as_str(),
    };
    let merge = match &pr.merge {
        MergeState::Ready => "ready",
        MergeState::Unstable => "unstable",
        MergeState::Blocked => "blocked",
        MergeState::Behind => "behind",
        MergeState::Conflicts => "conflicts",
        MergeState::Draft => "draft",
        MergeState::Checking => "checking",
        MergeState::Other(word) => word.as_str(),
    };
    let json = json!({
        "kind": "pull-request", "host": pr.key.repo.host, "repository": pr.key.repo.name, "number": pr.key.number,
        "title": pr.title, "author": pr.author, "need": pr.need, "is_mine": pr.is_mine, "asks_me": pr.asks_me,
        "draft": pr.is_draft, "review": review, "merge": merge, "head": pr.head, "base": pr.base,
        "checks": {
            "passed": pr.checks.passed, "failed": pr.checks.failed, "running": pr.checks.running,
            "readable": pr.checks.is_readable,
        },
        "additions": pr.additions, "deletions": pr.deletions, "created": time(pr.created),
        "updated": time(pr.updated), "merged": time(pr.merged), "url": pr.url,
    });
    let words = words::of(view, &Target::PullRequest(pr.key.clone()));
    let (name, says, when) = words.map(|words| (words.name, words.says, words.when)).unwrap_or_default();
    let need = if pr.need.is_some() { "yes" } else { "" };
    Row::new(json, vec![need.to_owned(), pr.key.repo.name.to_string(), name, says, when])
}

/// What was done with midwatch, newest first.
pub fn audit<'a>(acts: impl Iterator<Item = &'a Act>) -> Vec<Section> {
    let rows = acts.map(act_row).collect();
    let heads = &["NUMBER", "AT", "OUTCOME", "WHO", "WHAT", "WHERE", "WHY"];
    vec![Section { title: "acts", heads, rows }]
}

fn act_row(act: &Act) -> Row {
    let outcome = act.word();
    let steps: Vec<Value> = act
        .steps
        .iter()
        .map(|(says, state)| {
            let (word, note) = step_word(state);
            json!({"says": says, "state": word, "note": note})
        })
        .collect();
    let json = json!({
        "kind": "act", "number": act.number, "at": time(Some(act.started)), "ended": time(act.ended),
        "actor": act.actor, "title": act.title, "place": act.place, "outcome": outcome, "reason": act.reason,
        "steps": steps, "can_undo": act.can_undo,
    });
    let cells = vec![
        act.number.to_string(),
        act.started.strftime("%Y-%m-%d %H:%MZ").to_string(),
        outcome.to_owned(),
        act.actor.to_string(),
        act.title.to_string(),
        act.place.to_string(),
        act.reason.as_ref().map(Clean::to_string).unwrap_or_default(),
    ];
    Row::new(json, cells)
}

/// A step's state as one word, and what is known of it.
pub fn step_word(state: &StepState) -> (&'static str, &str) {
    match state {
        StepState::Waiting => ("waiting", ""),
        StepState::Running(says) => ("running", says),
        StepState::Done(says) => ("done", says),
        StepState::Refused(says) => ("refused", says),
        StepState::Unknown(says) => ("unknown", says),
        StepState::Skipped(says) => ("skipped", says),
    }
}
