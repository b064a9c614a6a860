//! Pages: what they say, and that a failure is never an empty page.

use super::*;
use crate::source::{ErrorKind, SourceError};

#[test]
fn why_shows_the_claim_what_changed_before_and_the_versions() {
    let mut world = incident();
    world.size = (120, 70);
    let early = alert("DiskFills", "db", Priority::P3, "02:50", "full");
    let late = alert("DiskIsFull", "db", Priority::P3, "02:59:30", "full");
    let mut alert = alert_of(&world);
    alert.generator_url = Some("http://prometheus/graph?g0.expr=sum%28errors%29+%3E+5&g0.tab=1".into());
    world.alerts(vec![alert.clone(), early, late]);
    let mut overlay = why(Target::Alert(alert.key));
    let frame = text(&world, &mut *overlay);
    for words in [
        "P1 HighErrorRate",
        "sum(errors) > 5",
        "pagerduty",
        "CHANGED BEFORE IT BEGAN",
        "411 -> 412 (rev 14)",
        "rev 13",
        "issuer mismatch",
    ] {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    assert!(
        frame.lines().any(|line| line.contains("02:57") && line.contains("-2m") && line.contains("deploy")),
        "{frame}"
    );
    // What was seen first is no change, and what came after neither.
    let at = |words: &str| frame.find(words).unwrap_or_else(|| panic!("no '{words}':\n{frame}"));
    assert!(at("411 -> 412") < at("SEEN BEFORE") && at("SEEN BEFORE") < at("DiskFills db firing"), "{frame}");
    assert!(!frame.contains("DiskIsFull"), "{frame}");
    assert!(!frame.contains("HighErrorRate myapp firing"), "its own beginning is no change before it:\n{frame}");
}

#[test]
fn of_several_alerts_about_it_the_worst_stands_first() {
    let mut world = incident();
    world.size = (120, 70);
    let list = vec![
        alert("AaSlow", "myapp", Priority::P3, "03:00", "slow"),
        alert("ZzBurns", "myapp", Priority::P1, "03:00", "burns"),
    ];
    world.alerts(list);
    let frame = text(&world, &mut *why(Target::Workload(myapp())));
    assert!(frame.find("P1 ZzBurns").expect("listed") < frame.find("P3 AaSlow").expect("listed"), "{frame}");
}

/// What Prometheus has of an alert: pending for two minutes of five.
pub fn pending(world: &mut World) -> Alert {
    let source = SourceId::new(&BackendId::new("prom"), Part::Alerts);
    world.store.expect(source, BackendKind::Prometheus, std::time::Duration::from_secs(15), 1);
    world.settings.backends.insert(BackendId::new("prom"), BackendKind::Prometheus);
    let alert = Alert {
        key: AlertKey { backend: BackendId::new("prom"), fingerprint: "burn".into() },
        state: AlertState::Pending,
        starts: None,
        active_since: Some(at("03:12")),
        receivers: Box::new([]),
        value: Some("7.2".into()),
        rule: Some(Rule {
            backend: BackendId::new("prom"),
            expression: Some("rate(errors[1m]) > 5".into()),
            hold_seconds: 300,
            is_alone: true,
        }),
        ..alert("BudgetBurns", "myapp", Priority::P1, "03:12", "the error budget burns")
    };
    let list = vec![alert.clone()];
    world.say(&BackendId::new("prom"), Part::Alerts, vec![Fact::Alerts { list, groups: Vec::new() }]);
    alert
}

#[test]
fn a_pending_alert_says_what_holds_since_when_and_when_it_fires() {
    let mut world = incident();
    pending(&mut world);
    let row = world.store.alerts.values().find(|alert| alert.name == "BudgetBurns").expect("listed").clone();
    assert_eq!(row.key.backend, alertmanager(), "it will be there under this key");
    for mut overlay in
        [why(Target::Alert(row.key.clone())), describe(Target::Alert(row.key.clone()), Command::Describe)]
    {
        let frame = text(&world, &mut *overlay);
        for words in [
            "pending since",
            "rate(errors[1m]) > 5",
            "7.2",
            "5m",
            "03:12 (fires 03:17 if it stays so)",
            "prom; no Alertmanager has it",
        ] {
            assert!(frame.contains(words), "{words}:\n{frame}");
        }
    }
    // It pages nobody and needs nobody.
    let needs = crate::ui::screens::needs::needs(&world.view());
    assert!(!needs.contains(&Target::Alert(row.key)), "{needs:?}");
}

#[test]
fn without_an_alertmanager_there_is_nothing_to_silence_with() {
    let mut world = incident();
    world.store.backends.remove(&alertmanager());
    let key = pending(&mut world).key;
    let spec = Command::SilenceAlert.spec();
    let why = availability(spec, ScreenId::Triage, Some(&Target::Alert(key)), &world.view()).reason();
    assert_eq!(why.as_deref(), Some("silences are Alertmanager's, and none is set up"));
}

#[test]
fn a_line_is_the_object_it_tells_of() {
    let world = incident();
    let mut overlay = why(alert_target(&world));
    world.overlay(&mut *overlay);
    assert_eq!(overlay.selected(), Some(alert_target(&world)));
    command(&world, &mut *overlay, Command::Filter);
    typed(&world, &mut *overlay, "rev 14");
    press(&world, &mut *overlay, KeyCode::Enter);
    assert_eq!(overlay.selected(), Some(Target::Workload(myapp())));
}

#[test]
fn errors_say_which_since_when_and_what_to_do() {
    let mut world = incident();
    world.clock.advance(std::time::Duration::from_mins(1));
    world.fail(&cluster(), "the server 'prod-eu1' refused the connection");
    world.fail(&cluster(), "the server 'prod-eu1' refused the connection");
    let mut overlay = errors();
    let frame = text(&world, &mut *overlay);
    for words in [
        "prod-eu1 pods",
        "refused the connection",
        "since 03:15 (0s), 2 tries",
        "r asks now",
        "BACKENDS",
        "nothing was sent yet",
    ] {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    command(&world, &mut *overlay, Command::Down);
    assert_eq!(overlay.selected(), Some(Target::Backend(cluster())), "so that its login can be renewed from here");
}

#[test]
fn a_page_that_cannot_be_read_says_why() {
    let mut world = incident();
    let mut overlay = describe(Target::Workload(myapp()), Command::Describe);
    assert!(text(&world, &mut *overlay).contains("loading"));
    let wanted = overlay.wanted(&world.view());
    let [query] = wanted.as_slice() else { panic!("one read is wanted") };
    let now = world.clock.now();
    let error = SourceError::new(ErrorKind::Auth, "you may not read deployments");
    world.store.answer(Answered { query: query.clone(), generation: 0, at: now.wall, body: Err(error) }, now);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("?? you may not read deployments"), "{frame}");
    command(&world, &mut *overlay, Command::NextPane);
    assert!(matches!(overlay.wanted(&world.view()).as_slice(), [Query::Yaml(_)]));
    command(&world, &mut *overlay, Command::Events);
    assert!(matches!(overlay.wanted(&world.view()).as_slice(), [Query::Describe(_)]), "those that are no warnings");
}

#[test]
fn the_events_tab_has_what_is_no_warning_and_says_none_only_when_it_was_read() {
    use crate::{model::Level, query::PageLine};
    let mut world = incident();
    let mut page = describe(Target::Workload(myapp()), Command::Events);
    let frame = text(&world, &mut *page);
    assert!(frame.contains("loading") && !frame.contains("no events"), "{frame}");
    let query = page.wanted(&world.view()).remove(0);
    let lines = |events: Vec<PageLine>| {
        let head = [PageLine::Heading("deploy/myapp".into()), PageLine::Field("age".into(), "3d".into(), None)];
        let head = head.into_iter().chain([PageLine::Heading("events".into())]);
        Answer::Page(head.chain(events).collect())
    };
    answer(&mut world, query.clone(), lines(vec![PageLine::Text("no events (kept about an hour)".into())]));
    let frame = text(&world, &mut *page);
    assert!(frame.contains("no events (kept about an hour)") && !frame.contains("loading"), "{frame}");
    let scaled = "deployment/myapp: Scaled up replica set myapp-6dc9f from 6 to 9";
    let refused = "deployment/myapp: quota";
    answer(
        &mut world,
        query,
        lines(vec![
            PageLine::Field("9m ago FailedCreate".into(), refused.into(), Some(Level::Wrong)),
            PageLine::Field("54m ago ScalingReplicaSet".into(), scaled.into(), None),
        ]),
    );
    let frame = text(&world, &mut *page);
    assert!(frame.contains(scaled) && frame.contains(refused), "{frame}");
    world.events([crate::ui::testing::event("myapp", "Deployment", "FailedCreate", 2, "03:06", "quota")]);
    let frame = text(&world, &mut *page);
    assert!(frame.contains("03:06:00") && frame.contains(scaled) && !frame.contains(refused), "{frame}");
}

#[test]
fn a_page_is_turned_at_once() {
    use crate::query::PageLine;
    let mut world = incident();
    world.size = (80, 24);
    let name = std::iter::once(PageLine::Heading("deploy/myapp".into()));
    let lines = name.chain((0..100).map(|line| PageLine::Text(Clean::own(format!("line {line}.")))));
    let mut page = describe(Target::Workload(myapp()), Command::Describe);
    let query = page.wanted(&world.view()).remove(0);
    answer(&mut world, query, Answer::Page(lines.collect()));
    let frame = text(&world, &mut *page);
    let is_named_twice = frame.lines().any(|line| line.trim_matches(['|', ' ']) == "deploy/myapp");
    assert!(frame.contains("line 0.") && !is_named_twice, "{frame}");
    command(&world, &mut *page, Command::PageDown);
    let frame = text(&world, &mut *page);
    assert!(!frame.contains("line 0.") && frame.contains("line 25."), "{frame}");
    command(&world, &mut *page, Command::PageUp);
    assert!(text(&world, &mut *page).contains("line 0."));
    for _ in 0..20 {
        command(&world, &mut *page, Command::PageDown);
    }
    let frame = text(&world, &mut *page);
    assert!(frame.contains("line 99.") && frame.contains("line 85."), "it stays full at the end\n{frame}");
}

#[test]
fn a_job_log_opens_at_the_first_error_of_the_failed_job() {
    let mut world = incident();
    let run = run_of(&world, 1190).key;
    let job = |id, state: RunState| Job {
        key: JobKey { run: run.clone(), attempt: 1, id },
        name: Clean::own(format!("job-{id}")),
        state: state.clone(),
        started: Some(at("01:02")),
        completed: Some(at("01:06")),
        url: Clean::default(),
        runner: None,
        steps: vec![Step { number: 1, name: "test".into(), state, started: None, completed: None }],
    };
    let jobs = vec![job(1, RunState::Success), job(2, RunState::Failure)];
    let failed = jobs[1].key.clone();
    answer(&mut world, Query::Jobs(run.clone()), Answer::Jobs(jobs));
    let lines: Vec<Clean> = (0..200).map(|line| Clean::own(format!("line {line}"))).collect();
    let log = JobLog { job: failed.clone(), lines, errors: vec![120, 150], dropped_bytes: 0 };
    let mut overlay = job_log(run.clone(), None);
    assert!(text(&world, &mut *overlay).contains("loading"));
    assert!(overlay.wanted(&world.view()).contains(&Query::JobLog(failed.clone())));
    answer(&mut world, Query::JobLog(failed), Answer::JobLog(Box::new(log)));
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("error 1 of 2") && frame.contains("line 120"), "{frame}");
    command(&world, &mut *overlay, Command::NextMatch);
    assert_eq!(overlay.copied().as_deref(), Some("line 150"));
    command(&world, &mut *overlay, Command::NextMatch);
    assert_eq!(overlay.copied().as_deref(), Some("line 120"), "around the end");
    command(&world, &mut *overlay, Command::Up);
    assert_eq!(overlay.copied().as_deref(), Some("line 119"));
    text(&world, &mut *overlay);
    assert_eq!(overlay.copied().as_deref(), Some("line 119"), "news do not move the reader");
}

#[test]
fn a_pull_request_is_read_file_by_file() {
    let mut world = incident();
    let pr = pull_request_of(&world);
    let file = |path: &str, patch: Option<&str>| ChangedFile {
        path: path.into(),
        mark: 'M',
        additions: 1,
        deletions: 1,
        patch: patch.map(Clean::block),
    };
    let detail = PullRequestDetail {
        key: pr.key.clone(),
        head_sha: pr.head_sha.clone(),
        body: Clean::default(),
        merge: MergeState::Ready,
        files: vec![file("src/pool.rs", Some("@@ -1,2 +1,2 @@\n a\n-size 50\n+size 80")), file("logo.png", None)],
        files_truncated: true,
        checks: Vec::new(),
        reviews: Vec::new(),
        comments: Vec::new(),
    };
    answer(&mut world, Query::PullRequest(pr.key.clone()), Answer::PullRequest(Box::new(detail)));
    let mut overlay = pull_request_diff(pr.key);
    let frame = text(&world, &mut *overlay);
    for words in
        ["- size 50", "+ size 80", "file 1 of 2", "a binary or too large file", "more files than the server lists"]
    {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    command(&world, &mut *overlay, Command::NextMatch);
    assert!(text(&world, &mut *overlay).contains("file 2 of 2"));
    assert!(overlay.copied().expect("the file's head").contains("logo.png"));
    command(&world, &mut *overlay, Command::PreviousMatch);
    assert!(text(&world, &mut *overlay).contains("file 1 of 2"));
}

#[test]
fn the_yaml_shows_who_set_which_field_when_it_is_asked() {
    use crate::query::{ObjectRef, PageLine};
    let mut world = incident();
    let mut page = describe(Target::Workload(myapp()), Command::Describe);
    command(&world, &mut *page, Command::NextPane);
    assert_eq!(page.wanted(&world.view()), [Query::Yaml(ObjectRef::Workload(myapp()))]);
    let lines = |words: &[&str]| Answer::Page(words.iter().map(|word| PageLine::Text((*word).into())).collect());
    answer(&mut world, Query::Yaml(ObjectRef::Workload(myapp())), lines(&["kind: Deployment"]));
    let frame = text(&world, &mut *page);
    assert!(frame.contains("kind: Deployment") && frame.contains("m shows who set which field"), "{frame}");

    assert!(command(&world, &mut *page, Command::ManagedFields).iter().all(|reply| matches!(reply, Reply::Done)));
    assert_eq!(page.wanted(&world.view()), [Query::ManagedYaml(ObjectRef::Workload(myapp()))], "the server is asked");
    answer(&mut world, Query::ManagedYaml(ObjectRef::Workload(myapp())), lines(&["kind: Deployment"]));
    assert!(text(&world, &mut *page).contains("it names nobody who set a field"), "{}", text(&world, &mut *page));
    let managed = lines(&["kind: Deployment", "managedFields:", "manager: helm"]);
    answer(&mut world, Query::ManagedYaml(ObjectRef::Workload(myapp())), managed);
    let frame = text(&world, &mut *page);
    assert!(frame.contains("manager: helm") && frame.contains("m hides who set which field"), "{frame}");
    let line = page.line(&world.view()).expect("a line");
    assert!(line.ends_with("get deployment/myapp -o yaml --show-managed-fields"), "{line}");

    command(&world, &mut *page, Command::ManagedFields);
    let frame = text(&world, &mut *page);
    assert!(!frame.contains("manager: helm"), "{frame}");
    let page = describe(Target::Workload(myapp()), Command::ManagedFields);
    assert_eq!(page.wanted(&world.view()), [Query::ManagedYaml(ObjectRef::Workload(myapp()))], "from a row at once");
}

#[test]
fn what_made_a_pod_is_not_among_the_pods_own_events() {
    use crate::query::PageLine;
    let mut world = incident();
    world.size = (120, 70);
    let key = world.store.kube.pods.values().next().expect("it has pods").key.clone();
    let mut page = describe(Target::Pod(key.clone()), Command::Events);
    let query = page.wanted(&world.view()).remove(0);
    let field = |says: String| PageLine::Field("9m ago Done".into(), Clean::own(says), None);
    let made = field("replicaset/myapp-7bfcc: Created pod: another".to_owned());
    let started = field(format!("pod/{}: Started container", key.name));
    answer(&mut world, query, Answer::Page(vec![PageLine::Heading("events".into()), made, started]));
    let frame = text(&world, &mut *page);
    let at = |words: &str| frame.find(words).unwrap_or_else(|| panic!("'{words}' in {frame}"));
    assert!(at("its own, as read at") < at("Started container"), "{frame}");
    assert!(at("Started container") < at("of what made it, as read at"), "{frame}");
    assert!(at("of what made it, as read at") < at("Created pod: another"), "{frame}");
}
