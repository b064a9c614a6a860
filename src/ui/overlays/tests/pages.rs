//! Pages: what they say, and that a failure is never an empty page.

use serde_json::json;

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
    let why = why_not(spec, ScreenId::Triage, Some(&Target::Alert(key)), &world.view());
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
    assert!(overlay.wanted(&world.view()).is_empty(), "events are in the store");
}

fn revision(number: i64, is_live: bool, password: &str, level: &str) -> Revision {
    Revision {
        number,
        name: Clean::own(format!("myapp-{number}")),
        hash: None,
        created: Some(at("02:57")),
        change_cause: None,
        by: None,
        images: Box::new([Name::from("ghcr.io/acme/myapp:412")]),
        ready: 4,
        replicas: 9,
        wanted: None,
        is_live,
        template: json!({"spec": {"containers": [{"name": "app", "env": [
            {"name": "DB_PASSWORD", "value": password}, {"name": "LOG_LEVEL", "value": level}]}]}}),
    }
}

#[test]
fn revisions_differ_with_secrets_masked_and_are_what_r_means() {
    let mut world = incident();
    let list = vec![
        revision(13, false, "hunter22", "warn"),
        revision(14, true, "hunter33", "info"),
        revision(12, false, "hunter33", "info"),
    ];
    answer(&mut world, Query::Revisions(myapp()), Answer::Revisions(list));
    let mut overlay = revisions(myapp());
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("R would change: - rev 14 live   + rev 13"), "{frame}");
    assert!(!frame.contains("hunter"), "{frame}");
    let masked: Vec<&str> = frame.lines().filter(|line| line.contains("[masked]")).collect();
    assert_eq!(masked.len(), 2, "that it differs is seen:\n{frame}");
    command(&world, &mut *overlay, Command::SortNext);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("- rev 12   + rev 13"), "any two:\n{frame}");
    command(&world, &mut *overlay, Command::SortPrevious);
    assert!(text(&world, &mut *overlay).contains("R would change: - rev 14 live   + rev 13"));
    let replies = command(&world, &mut *overlay, Command::RollBack);
    assert!(matches!(asked(&replies), Request::RollBack { to: Some(13), .. }));
    command(&world, &mut *overlay, Command::NextMatch);
    assert!(text(&world, &mut *overlay).contains("nothing differs"));
    command(&world, &mut *overlay, Command::PreviousMatch);
    command(&world, &mut *overlay, Command::PreviousMatch);
    assert!(said(&command(&world, &mut *overlay, Command::RollBack)).contains("not live"));
}

#[test]
fn what_a_difference_leaves_out_is_seen() {
    let mut world = incident();
    let of = |number: i64, is_live: bool, ends: &str| {
        let env = (0..9).map(|at| json!({"name": format!("V{at}"), "value": if at % 8 == 0 { ends } else { "" }}));
        let env: Vec<_> = env.collect();
        Revision {
            template: json!({"spec": {"containers": [{"name": "app", "env": env}]}}),
            ..revision(number, is_live, "", "")
        }
    };
    answer(&mut world, Query::Revisions(myapp()), Answer::Revisions(vec![of(14, true, "new"), of(13, false, "old")]));
    let frame = text(&world, &mut *revisions(myapp()));
    let gaps = frame.lines().filter(|line| line.trim_matches(['|', ' ']) == "...").count();
    assert_eq!(gaps, 1, "{frame}");
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

/// What came with each revision: image, cause, time, and who made it; in the tab and in the diff's list.
#[test]
fn each_revision_says_what_came_with_it_and_by_whom() {
    let mut world = incident();
    let revision = |number: i64, image: &str, by: Option<&str>, cause: Option<&str>| Revision {
        number,
        name: "rs".into(),
        hash: None,
        created: Some(at(if number == 14 { "02:57" } else { "01:00" })),
        change_cause: cause.map(Clean::from),
        by: by.map(Clean::from),
        images: Box::new([image.into()]),
        ready: 4,
        replicas: 6,
        wanted: None,
        is_live: number == 14,
        template: json!({"spec": {"containers": [{"image": image}]}}),
    };
    let list = vec![
        revision(14, "ghcr.io/acme/myapp:412", Some("ana with midwatch"), Some("JWT login")),
        revision(13, "ghcr.io/acme/myapp:411", Some("helm"), None),
    ];
    answer(&mut world, Query::Revisions(myapp()), Answer::Revisions(list));
    let mut tab = describe(Target::Workload(myapp()), Command::Describe);
    for _ in 0..3 {
        command(&world, &mut *tab, Command::NextPane);
    }
    let mut diff = revisions(myapp());
    for overlay in [&mut tab, &mut diff] {
        let frame = text(&world, &mut **overlay);
        let line = |words: &str| {
            let found = frame.lines().find(|line| line.contains(words));
            found.unwrap_or_else(|| panic!("no '{words}' in\n{frame}")).to_owned()
        };
        assert!(line("rev 14").contains("myapp:412") && line("rev 14").contains("by ana with midwatch"), "{frame}");
        assert!(line("rev 13").contains("myapp:411") && line("rev 13").contains("by helm"), "{frame}");
        assert!(frame.contains("JWT login"), "{frame}");
    }
    // Its pods crash.
    let tab_text = text(&world, &mut *tab);
    assert!(tab_text.lines().any(|line| line.contains("!! rev 14")), "{tab_text}");
    assert!(text(&world, &mut *tab).contains("02:57"), "when");
    assert!(text(&world, &mut *diff).contains("17m"), "when");
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
