//! The same client against the demo's GitHub, which checks documents and rights as the real one does.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::mpsc, task::JoinHandle};

use super::super::{
    Client, DeployRule, GitHubInspector, GitHubReader, PullRequestsSource, RunsSource, Settings, documents,
};
use crate::{
    action::{ActionError, Inspection, Inspector, Operator, Request, Verdict, Write},
    demo::{
        code::Code,
        github,
        jenkins::builds::Jenkins,
        scenario::Scenario,
        serve::dated,
        story::Story,
        telemetry::Telemetry,
        world::{Shared, World, lock},
    },
    model::{
        BackendId,
        code::{JobKey, MergeMethod, MergeState, Need, PullRequest, Run, RunState},
    },
    operator::github::GitHubOperator,
    query::{Answer, Query},
    secret::Secret,
    source::{AnswerSink, Fact, Reader, Source},
    time::{Clock, TestClock},
};

const START: &str = "2026-11-21T03:14:22Z";
const TOKEN: &str = "ghp_demo";
const REPOS: [&str; 4] = ["acme/myapp", "acme/e2e", "acme/search", "acme/gone"];

/// The default story's code host at its start, served.
struct Host {
    world: Shared,
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    task: JoinHandle<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Host {
    /// The code host alone: quick to play, but nothing answers the deploy.
    async fn without_clusters() -> Self {
        let start: Timestamp = START.parse().unwrap();
        let scenario = Arc::new(Scenario::load("default").unwrap());
        let code = Code::new(&scenario, start, 1);
        let story = Story::new(scenario.clone(), 1, start);
        let telemetry = Telemetry::new(&scenario, 1, start);
        let mut world = World {
            now: scenario.history.before(start),
            story,
            clusters: Vec::new(),
            code,
            jenkins: Jenkins::new(&scenario),
            telemetry,
        };
        while world.now < start {
            step(&mut world);
        }
        Self::serve(world).await
    }

    async fn whole() -> Self {
        Self::serve(World::new(Scenario::load("default").unwrap(), 1, START.parse().unwrap())).await
    }

    async fn serve(world: World) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = Arc::new(Mutex::new(world));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = dated(github::router(world.clone(), TOKEN.to_owned()), world.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let mut settings = Settings::new(&BackendId::new("github"), &url, None).unwrap();
        settings.write_gap = std::time::Duration::ZERO;
        let clock: Arc<dyn Clock> = Arc::new(TestClock::at(START.parse().unwrap()));
        let client = Client::new(settings, Some(&Secret::new(TOKEN)), clock.clone()).unwrap();
        Self { world, client, clock, task }
    }

    fn pass(&self, seconds: u32) {
        let mut world = lock(&self.world);
        let to = world.now + SignedDuration::from_secs(seconds.into());
        if !world.clusters.is_empty() {
            return world.advance(to);
        }
        while world.now < to {
            step(&mut world);
        }
    }

    async fn pulls(&self, repositories: &[&str]) -> Vec<Fact> {
        let repositories: Vec<String> = repositories.iter().map(|name| (*name).to_owned()).collect();
        PullRequestsSource::new(self.client.clone(), &repositories, None).next().await.unwrap()
    }

    async fn pull(&self, number: u64) -> PullRequest {
        let found = pulls(&self.pulls(&REPOS).await).into_iter().find(|pull| pull.key.number == number);
        found.unwrap_or_else(|| panic!("no pull request {number}"))
    }

    async fn runs(&self) -> Vec<Run> {
        let repositories: Vec<String> = REPOS[..2].iter().map(|name| (*name).to_owned()).collect();
        let rule = Arc::new(DeployRule::default());
        let facts = RunsSource::new(self.client.clone(), &repositories, rule, None).next().await.unwrap();
        facts
            .into_iter()
            .filter_map(|fact| if let Fact::Runs { list, .. } = fact { Some(list) } else { None })
            .flatten()
            .collect()
    }

    async fn answer(&self, query: Query) -> Answer {
        let (to, mut from) = mpsc::channel(1);
        let sink = AnswerSink { query: query.clone(), generation: 1, clock: self.clock.clone(), to };
        let reader = GitHubReader::new(self.client.clone());
        tokio::select! {
            answer = from.recv() => answer.unwrap().body.unwrap(),
            () = async { reader.read(&query, sink).await; std::future::pending().await } => unreachable!(),
        }
    }

    async fn inspect(&self, request: &Request) -> Inspection {
        let inspector = GitHubInspector::new(self.client.clone(), Arc::new(DeployRule::default()));
        inspector.inspect(request).await.unwrap()
    }

    async fn execute(&self, write: Write) -> Result<crate::action::Done, ActionError> {
        GitHubOperator::new(self.client.clone()).execute(&write).await
    }
}

/// A second of the code host alone.
fn step(world: &mut World) {
    world.now += SignedDuration::from_secs(1);
    world.code.step(world.now, &world.story, &mut world.clusters);
}

fn pulls(facts: &[Fact]) -> Vec<PullRequest> {
    let lists = facts
        .iter()
        .filter_map(|fact| if let Fact::PullRequests { list, .. } = fact { Some(list.clone()) } else { None });
    lists.flatten().collect()
}

#[tokio::test]
async fn every_document_is_understood() {
    let host = Host::without_clusters().await;
    for (name, document) in documents::all() {
        let mut variables = serde_json::json!({"n": 5, "owner": "acme", "name": "myapp", "number": 1490});
        for index in 0..3 {
            variables[format!("o{index}")] = "acme".into();
            variables[format!("r{index}")] = "myapp".into();
        }
        let answer = host.client.graphql(&document, &variables, name, super::super::Caller::Poll).await.unwrap();
        assert!(answer.errors().is_empty(), "{name}: {:?}", answer.errors());
    }
}

#[tokio::test]
async fn the_storys_pull_requests_are_read() {
    let host = Host::without_clusters().await;
    let facts = host.pulls(&REPOS).await;
    let all = pulls(&facts);
    let by = |number: u64| all.iter().find(|pull| pull.key.number == number).unwrap_or_else(|| panic!("no {number}"));
    assert!(by(1487).merged.is_some(), "the merge that began it");
    assert_eq!(by(1490).need, Some(Need::Review), "{:#?}", by(1490));
    assert!(by(1488).checks.failed > 0, "{:#?}", by(1488));
    let info = facts.iter().find_map(|fact| if let Fact::Info(info) = fact { Some(info) } else { None }).unwrap();
    assert_eq!(info.identity.as_deref(), Some("ana"));
    assert!(format!("{:?}", info.notes).contains("acme/gone"), "{info:?}");
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Quota(quota) if &*quota.resource == "graphql")));
}

#[tokio::test]
async fn the_storys_runs_are_read() {
    let host = Host::whole().await;
    let runs = host.runs().await;
    let deploy = runs.iter().find(|run| run.number == 412).unwrap();
    assert_eq!((&deploy.state, deploy.deploys), (&RunState::Running, true), "{deploy:#?}");
    assert_eq!(deploy.stage.as_deref(), Some("deploy"));
    assert!(deploy.jobs_done < deploy.jobs_total);
    let nightly: Vec<_> =
        runs.iter().filter(|run| run.workflow.contains("nightly") && run.state == RunState::Failure).collect();
    assert!(nightly.len() >= 3, "{nightly:#?}");
    let key = &nightly[0].key;
    let Answer::Jobs(jobs) = host.answer(Query::Jobs(key.clone())).await else { panic!("no jobs") };
    let job = jobs.iter().find(|job| job.state == RunState::Failure).unwrap();
    let log = host.answer(Query::JobLog(JobKey { run: key.clone(), attempt: job.key.attempt, id: job.key.id })).await;
    let Answer::JobLog(log) = log else { panic!("no log") };
    assert!(!log.lines.is_empty() && !log.errors.is_empty(), "{log:#?}");
    the_deploys_failure_hook_is_found_and_the_run_is_cancelled(&host, deploy).await;
}

async fn the_deploys_failure_hook_is_found_and_the_run_is_cancelled(host: &Host, deploy: &Run) {
    let (run, attempt) = (deploy.key.clone(), deploy.attempt);
    let Inspection::Run(found) = host.inspect(&Request::Cancel { run: run.clone(), attempt }).await else { panic!() };
    let hooks = found.hooks.unwrap();
    assert!(hooks.iter().any(|hook| hook.contains("rollout undo")), "{hooks:?}");
    assert_eq!(found.may_write, Ok(true));
    host.execute(Write::CancelRun { run: run.clone(), attempt }).await.unwrap();
    host.pass(120);
    let deploy = host.runs().await.into_iter().find(|run| run.number == 412).unwrap();
    assert_eq!(deploy.state, RunState::Cancelled);
    let again = host.execute(Write::CancelRun { run: run.clone(), attempt }).await.unwrap_err();
    assert!(matches!(&again, ActionError::Refused(says) if says.contains("already finished")), "{again:?}");
    host.execute(Write::RerunRun { run: run.clone(), attempt, only_failed: true }).await.unwrap();
    let moved = host.execute(Write::RerunRun { run, attempt, only_failed: false }).await.unwrap_err();
    assert!(matches!(moved, ActionError::Moved(_)), "{moved:?}");
}

#[tokio::test]
async fn a_pull_request_is_approved_and_merged_at_the_head_that_was_seen() {
    let host = Host::without_clusters().await;
    let pull = host.pull(1490).await;
    let (key, head) = (pull.key.clone(), pull.head_sha.clone());
    let Answer::PullRequest(detail) = host.answer(Query::PullRequest(key.clone())).await else { panic!() };
    assert!(!detail.files.is_empty() && !detail.checks.is_empty(), "{detail:#?}");
    let stale = Write::Merge { pull_request: key.clone(), head_sha: "0000000".into(), method: MergeMethod::Squash };
    assert!(matches!(host.execute(stale).await.unwrap_err(), ActionError::Moved(_)));
    let approve = Write::Review {
        pull_request: key.clone(),
        head_sha: head.clone(),
        verdict: Verdict::Approve,
        body: String::new(),
    };
    host.execute(approve).await.unwrap();
    let comment = Write::Comment { pull_request: key.clone(), body: "Looks good.".into() };
    host.execute(comment.clone()).await.unwrap();
    host.pass(900);
    let request = Request::Merge { pull_request: key.clone(), head_sha: head.clone(), method: MergeMethod::Squash };
    let Inspection::PullRequest(found) = host.inspect(&request).await else { panic!() };
    assert!(found.pull_request.approvals >= 1, "{:#?}", found.pull_request);
    assert!(found.detail.comments.iter().any(|comment| &*comment.body == "Looks good."));
    if matches!(found.pull_request.merge, MergeState::Ready | MergeState::Unstable) {
        host.execute(Write::Merge { pull_request: key.clone(), head_sha: head, method: MergeMethod::Squash })
            .await
            .unwrap();
        assert!(host.pull(1490).await.merged.is_some());
    }
}

#[tokio::test]
async fn a_workflow_is_started_with_what_it_is_to_roll_back_to_and_sets_it() {
    let host = Host::whole().await;
    let dispatch = |file: &str, tag: &str| Write::DispatchWorkflow {
        repo: crate::model::code::RepoKey { host: host.client.backend().clone(), name: "acme/payments".into() },
        file: crate::text::Clean::line(file),
        inputs: [(tag.to_owned(), "86".to_owned())].into(),
    };
    let done = host.execute(dispatch("rollback.yml", "tag")).await.unwrap();
    assert_eq!(done.says, "rollback.yml is started on main");
    host.pass(20);
    let image = lock(&host.world).clusters[0].image("production", "payments");
    assert_eq!(image.as_deref(), Some("registry.acme.example/payments:86"));
    for (file, input, words) in [
        ("rollback.yml", "version", "Unexpected inputs provided"),
        ("deploy.yml", "tag", "does not have 'workflow_dispatch' trigger"),
    ] {
        let refused = host.execute(dispatch(file, input)).await.unwrap_err();
        assert!(matches!(&refused, ActionError::Refused(says) if says.contains(words)), "{refused:?}");
    }
    let gone = host.execute(dispatch("gone.yml", "tag")).await.unwrap_err();
    assert!(matches!(&gone, ActionError::NotSent(says) if says.contains("gone.yml")), "{gone:?}");
}
