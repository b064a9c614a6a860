//! The engine over fakes: what is sent, when, and what is on disk by then.

mod canary;
mod cut_off;
mod digests;
mod ends;
mod evidence;
mod flagger;
mod gitops;
mod hooks;
mod jobs;
mod known_bad;
mod lost;
mod notices;
mod objects;
mod others;
mod outside;
mod owners;
mod panels;
mod past;
mod races;
mod registry;
mod release;
mod resize;
mod responder;
mod restart;
mod sets;
mod undo;
mod workflow;

use std::time::Duration;

use super::*;
use crate::{
    action::{
        ActionError, CheckResult, Risk, Write,
        act::{Act, Outcome, StepState},
        audit::Entry,
        confirm::{Given, at_once, given},
        plan::{Plan, StepKind, plan},
        template,
        testing::{
            FakeCluster, FakeHost, cluster, inspection, myapp, now, pod, roll_back, run, run_inspection, run_key,
            settings, store, template_of,
        },
    },
    app::settings::Settings,
    model::{
        code::RunState,
        kubernetes::{WorkloadKey, WorkloadKind},
    },
    store::Store,
    time::TestClock,
};

/// An engine over a fake cluster, with its news.
struct Bench {
    engine: RealEngine,
    cluster: FakeCluster,
    news: mpsc::Receiver<ActionEvent>,
    directory: tempfile::TempDir,
    store: Store,
    settings: Settings,
}

impl Bench {
    fn new() -> Self {
        Self::with(FakeCluster::new(inspection()), "audit.jsonl")
    }

    fn with(cluster: FakeCluster, audit: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (to, news) = mpsc::channel(1_000);
        let pace = Pace {
            gather: Duration::from_secs(5),
            write: Duration::from_millis(200),
            poll: Duration::from_millis(1),
            end: Duration::from_millis(100),
            watch: Duration::from_millis(300),
            keep: Duration::from_millis(200),
            registry: Duration::from_millis(50),
        };
        let engine = RealEngine::new(
            Audit::new(directory.path().join(audit)),
            Arc::new(TestClock::at(now().wall)),
            Arc::new(to),
            Identity { me: "ana".into(), login: "ana@laptop".into() },
            pace,
        );
        engine.add_inspector(Arc::new(cluster.clone()));
        engine.add_operator(Arc::new(cluster.clone()));
        Self { engine, cluster, news, directory, store: store(Vec::new()), settings: settings() }
    }

    /// Evidence asked through the engine, as the App asks it.
    async fn plan(&mut self, request: &Request) -> Result<Plan, Clean> {
        let undone = self.engine.0.undone_by(request).await;
        let beside = super::super::beside(request, undone.as_ref(), &self.store, &self.settings);
        self.plan_beside(request, beside).await
    }

    /// Evidence that looks at nothing else beside the request.
    async fn plan_beside(&mut self, request: &Request, beside: Beside) -> Result<Plan, Clean> {
        self.engine.prepare(1, request.clone(), beside);
        loop {
            if let Some(ActionEvent::Evidence { ticket, request: of, result }) = self.news.recv().await {
                assert_eq!((ticket, &*of), (1, request));
                let evidence = result.map_err(|error| error.says)?;
                return plan(request, &evidence, &self.store, &self.settings, now()).map_err(|refusal| refusal.0);
            }
        }
    }

    async fn execute(&mut self, plan: Plan) -> Result<Act, Clean> {
        let accept = plan.accepts.first().map(ToString::to_string);
        let given_values = Given {
            confirm: Some(accept.clone().unwrap_or_else(|| "y".to_owned())),
            name: accept,
            reason: Some("the test wants it".to_owned()),
        };
        let approved = if plan.risk == Risk::Quiet { at_once(plan) } else { given(plan, &given_values) };
        self.engine.execute(2, approved.map_err(|refusal| refusal.0)?);
        loop {
            match self.news.recv().await.expect("the engine lives") {
                ActionEvent::Act(act) if act.outcome != Outcome::Running => return Ok(*act),
                ActionEvent::Refused { says, .. } => return Err(says),
                _ => {}
            }
        }
    }

    async fn act(&mut self, request: &Request) -> Result<Act, Clean> {
        let plan = self.plan(request).await?;
        self.execute(plan).await
    }

    fn records(&self) -> Vec<audit::Record> {
        self.engine.0.audit.read().expect("readable")
    }
}

#[tokio::test]
async fn a_rollback_goes_from_plan_to_audit() {
    let mut bench = Bench::new();
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert_eq!(bench.cluster.sent(), [], "planning sends nothing");
    assert!(bench.cluster.with(|cluster| cluster.rehearsed) > 0, "but it rehearses");
    assert_eq!((plan.risk, plan.chosen), (Risk::Production, Some(13)));
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    assert!(act.can_undo);
    let sent = bench.cluster.sent();
    let [Write::PatchTemplate { live, target, annotations, uid, .. }] = sent.as_slice() else {
        panic!("one write: {sent:?}")
    };
    assert_eq!((live, &**uid), (&inspection().template, "uid-myapp"));
    assert_eq!(*target, template_of("411", "512Mi", "info"));
    assert_eq!((&*annotations["midwatch/act"], &*annotations["midwatch/reason"]), ("1", "the test wants it"));
    assert!(annotations["kubernetes.io/change-cause"].contains("revision 13 by ana"));
    let StepState::Done(watched) = &act.steps.last().expect("steps").1 else { panic!("watched to the end: {act:?}") };
    assert!(watched.contains("411 10/10 ready"), "{watched}");
    assert!(!watched.contains("error"), "nothing is said of what was not verified");
    let entries: Vec<_> = bench.records().into_iter().map(|record| record.entry).collect();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|entry| match entry {
            Entry::Begun(_) => "begun",
            Entry::Step { step: 0, .. } => "kept",
            Entry::Intended { .. } => "intended",
            Entry::Outcome { .. } => "outcome",
            Entry::Ended { outcome: Outcome::Done } => "done",
            Entry::Watched { met: true, .. } => "watched",
            _ => "?",
        })
        .collect();
    assert_eq!(kinds, ["begun", "kept", "intended", "outcome", "done", "watched"]);
    let text = std::fs::read_to_string(bench.directory.path().join("audit.jsonl")).expect("readable");
    assert!(!text.contains("hunter22"), "templates stand in files of their own");
    assert!(std::fs::read_to_string(bench.directory.path().join("kept/0001.json")).expect("kept").contains("hunter22"));
}

#[tokio::test]
async fn without_an_operator_nothing_can_be_sent() {
    let cluster_fake = FakeCluster::new(inspection());
    let mut bench = Bench::with(cluster_fake.clone(), "audit.jsonl");
    bench.engine.remove(&cluster());
    bench.engine.add_inspector(Arc::new(cluster_fake));
    let plan = bench.plan(&roll_back(None)).await.expect("a plan all the same");
    assert!(plan.blocked.as_ref().expect("blocked").contains("would be done"));
    assert_eq!(bench.cluster.with(|cluster| cluster.rehearsed), 0);
    assert!(bench.execute(plan).await.is_err());
    assert_eq!(bench.cluster.sent(), []);
}

#[tokio::test]
async fn an_audit_that_cannot_be_written_refuses() {
    let mut bench = Bench::new();
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    // The file becomes a directory between plan and Enter.
    let _ = std::fs::remove_file(bench.directory.path().join("audit.jsonl"));
    std::fs::create_dir(bench.directory.path().join("audit.jsonl")).expect("made");
    let says = bench.execute(plan).await.expect_err("refused");
    assert!(says.contains("audit could not be written"), "{says}");
    assert_eq!(bench.cluster.sent(), []);
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(plan.blocked.expect("blocked at once").contains("audit"));
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_sent() {
    let mut bench = Bench::new();
    std::fs::write(bench.directory.path().join("kept"), "in the way").expect("written");
    let says = bench.act(&roll_back(None)).await.expect_err("refused");
    assert!(says.contains("could not be kept"), "{says}");
    assert_eq!(bench.cluster.sent(), []);
    assert!(matches!(bench.records().last().expect("ended").entry, Entry::Ended { outcome: Outcome::Refused }));
}

#[tokio::test]
async fn a_refused_step_stops_the_rest() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.answers = vec![ActionError::Moved("bob was faster; nothing was sent".into())]);
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Refused, false));
    assert!(matches!(&act.steps[1].1, StepState::Refused(why) if why.contains("bob")));
    assert_eq!(bench.cluster.sent().len(), 1);
}

#[tokio::test]
async fn a_panic_while_sending_is_an_unknown_outcome() {
    let mut bench = Bench::new();
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    bench.cluster.with(|cluster| cluster.panics = true);
    let _ = std::panic::take_hook();
    let act = bench.execute(plan).await;
    // The fake's lock is poisoned by then, which the watch does not see: it is skipped.
    assert_eq!(act.expect("told").outcome, Outcome::Unknown);
}

#[tokio::test]
async fn the_operators_guard_is_the_last_word() {
    let mut bench = Bench::new();
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    // bob's change lands after the last look.
    bench.cluster.with(|cluster| cluster.found.template["spec"]["containers"][0]["image"] = "other:1".into());
    let act = bench.execute(plan).await.expect("told");
    assert_eq!(act.outcome, Outcome::Refused);
}

#[tokio::test]
async fn a_version_rolled_away_from_is_known_bad() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    // 412 is left, 411 (now rev 15) is live: the next good one is 410, not 412 again.
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert_eq!(plan.chosen, Some(12));
    let back = bench.plan(&roll_back(Some(14))).await.expect("a plan");
    assert!(
        back.checks.iter().any(|check| check.id == "B11" && format!("{:?}", check.result).contains("known bad: act 1"))
    );
    assert!(
        back.checks
            .iter()
            .any(|check| check.id == "B5" && format!("{:?}", check.result).contains("rolled back already"))
    );
}

#[tokio::test]
async fn a_watch_that_is_not_met_says_how_far_it_came() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.found.workload.desired = 1);
    let plan = bench.plan(&Request::Restart { workload: myapp() }).await.expect("a plan");
    bench.cluster.with(|cluster| cluster.found.pods = vec![pod("new-0", "413", false)]);
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done, "the write was done");
    assert!(
        matches!(&act.steps[2].1, StepState::Unknown(says) if says.contains("0/1 ready") && says.contains("crashes"))
    );
    assert_eq!(act.word(), "not there", "but that is no end to be content with");
    assert!(matches!(bench.records().last().expect("watched").entry, Entry::Watched { met: false, .. }));
}

#[tokio::test]
async fn history_names_what_was_cut_off() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let mut begun = audit::acts(&bench.records())[0].begun.clone();
    begun.process = 4_000_000;
    let number = bench.engine.0.audit.begin(now().wall, |_| begun).expect("written");
    let intended = Entry::Intended { step: 1, says: "template".into(), write: None };
    bench.engine.0.audit.append(number, now().wall, intended).expect("written");
    bench.engine.tell_history();
    loop {
        if let ActionEvent::History { acts, unfinished } = bench.news.recv().await.expect("told") {
            assert_eq!(acts.iter().map(|act| act.number).collect::<Vec<_>>(), [2, 1]);
            assert_eq!(unfinished.len(), 1);
            assert!(unfinished[0].contains("act 2") && unfinished[0].contains("prod-eu1"), "{}", unfinished[0]);
            break;
        }
    }
    // From then on it is one whose outcome is unknown, and which can be undone.
    let act = loop {
        let act = audit::acts(&bench.records()).remove(0);
        if act.outcome.is_some() {
            break act;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((act.outcome, act.wrote), (Some(Outcome::Unknown), true));
    assert!(matches!(&act.steps[1].1, StepState::Unknown(says) if says.contains("before the answer came")));
    // The next start: this one's engine goes on telling what it found at its own.
    let (to, mut news) = mpsc::channel(1_000);
    let clock = Arc::new(TestClock::at(now().wall));
    let audit = Audit::new(bench.engine.0.audit.path());
    let next = RealEngine::new(audit, clock, Arc::new(to), Identity::default(), Pace::default());
    next.tell_history();
    let Some(ActionEvent::History { unfinished, .. }) = news.recv().await else { panic!("told") };
    assert!(unfinished.is_empty(), "it is told once: {unfinished:?}");
}

#[tokio::test]
async fn writes_under_way_are_waited_for() {
    let mut bench = Bench::new();
    bench.engine.idle().await;
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let values = Given { confirm: Some("13".to_owned()), ..Given::default() };
    bench.engine.execute(7, given(plan, &values).expect("approved"));
    assert_eq!(bench.engine.running().len(), 1, "from the moment of execute on");
    bench.engine.idle().await;
    assert_eq!(bench.cluster.sent().len(), 1);
    assert!(bench.engine.running().is_empty());
}

#[tokio::test]
async fn without_a_screen_the_gates_are_the_same() {
    let bench = Bench::new();
    let ask = |confirm: Option<&str>, dry_run| Headless {
        request: roll_back(None),
        given: Given { confirm: confirm.map(str::to_owned), ..Given::default() },
        dry_run,
    };
    let dry = run_headless(&bench.engine, &ask(None, true), &bench.store, &bench.settings).await;
    assert_eq!((dry.exit, dry.plan.expect("a plan").chosen), (Exit::Done, Some(13)));
    let bare = run_headless(&bench.engine, &ask(None, false), &bench.store, &bench.settings).await;
    assert_eq!(bare.exit, Exit::Usage);
    let wrong = run_headless(&bench.engine, &ask(Some("12"), false), &bench.store, &bench.settings).await;
    assert_eq!(wrong.exit, Exit::Refused);
    assert!(wrong.says.contains("13 or 411"), "{}", wrong.says);
    assert_eq!(bench.cluster.sent(), []);
    let done = run_headless(&bench.engine, &ask(Some("13"), false), &bench.store, &bench.settings).await;
    assert_eq!((done.exit, bench.cluster.sent().len()), (Exit::Done, 1));
    assert!(done.says.ends_with(": done"), "{}", done.says);
    let mut gone = ask(Some("13"), false);
    gone.request =
        Request::RollBack { workload: WorkloadKey { cluster: BackendId::new("x"), ..myapp() }, to: None, alert: None };
    assert_eq!(run_headless(&bench.engine, &gone, &bench.store, &bench.settings).await.exit, Exit::Unreadable);
    // What cannot be sent at all is no matter of what was typed.
    bench.cluster.with(|cluster| cluster.rehearsal = Err(ActionError::NotSent("no `helm` here".into())));
    let blocked = run_headless(&bench.engine, &ask(Some("13"), false), &bench.store, &bench.settings).await;
    assert_eq!((blocked.exit, blocked.says.as_str()), (Exit::Refused, "cannot be sent: no `helm` here"));
    bench.cluster.with(|cluster| cluster.rehearsal = Ok("accepted".into()));
    bench.cluster.with(|cluster| {
        cluster.become_template(template_of("412", "1Gi", "warn"));
        cluster.answers = vec![ActionError::Unknown("?".into())];
    });
    let mut again = ask(None, false);
    again.request = roll_back(Some(12));
    again.given =
        Given { confirm: Some("12".to_owned()), name: Some("myapp".to_owned()), reason: Some("test".to_owned()) };
    let unknown = run_headless(&bench.engine, &again, &bench.store, &bench.settings).await;
    assert_eq!(unknown.exit, Exit::Unknown, "{}", unknown.says);
    assert_eq!(run_key().id, 9412);
    // What was sent and is not seen to arrive is not said to be done.
    bench.cluster.with(|cluster| cluster.after = Some(|found| found.workload.available = 0));
    let unmet = run_headless(&bench.engine, &again, &bench.store, &bench.settings).await;
    assert!(unmet.says.contains(": sent, but not there, and no further"), "{}", unmet.says);
    assert_eq!(unmet.exit, Exit::Unknown, "a script must not take it for done");
}

/// A watch that breaks is no arrival, either; where nobody was to look, what was sent is all there is to say.
#[tokio::test]
async fn without_a_screen_what_did_not_arrive_is_not_done() {
    for (watch, wanted) in [(Duration::from_millis(300), Exit::Unknown), (Duration::ZERO, Exit::Done)] {
        let mut bench = Bench::new();
        Arc::get_mut(&mut bench.engine.0).expect("nothing runs yet").pace.watch = watch;
        bench.cluster.with(|cluster| cluster.after = Some(|found| found.template = inspection().template));
        let given = Given { confirm: Some("13".to_owned()), ..Given::default() };
        let ask = Headless { request: roll_back(None), given, dry_run: false };
        let ran = run_headless(&bench.engine, &ask, &bench.store, &bench.settings).await;
        assert_eq!((ran.exit, bench.cluster.sent().len()), (wanted, 1), "{}", ran.says);
        assert_eq!(ran.says.ends_with(": sent"), wanted == Exit::Done, "{}", ran.says);
        // Seen to be taken back it is, whether or not anybody waits for more.
        assert_eq!(ran.act.expect("it was sent").word(), "not there");
    }
}
