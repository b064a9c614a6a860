//! `'`: one moment on the charts and in the logs; and logs that reach back to what they are opened for.

use super::*;
use crate::{
    command::ScreenId,
    model::{
        alert::Priority,
        code::{Job, JobKey, RunState},
        log::{LogLine, Origin},
    },
    query::{Answer, LogBatch, LogQuery, ObjectRef, Query},
    source::Answered,
    ui::testing::{alert, at, deployment, incident, object, workload_key},
};

fn open_log(desk: &Desk) -> LogQuery {
    desk.app.screens.logs.open_logs().next().expect("a log is open").clone()
}

/// A line of the open log.
fn say(desk: &mut Desk, time: &str, text: &str) {
    let origin = Origin::new(object("myapp-1"), "app".into(), "412".into());
    let (origin, at) = (std::sync::Arc::new(origin), at(time));
    let line = LogLine { origin, at, level: None, text: text.into(), continues: false, is_note: false };
    let batch = LogBatch { lines: vec![line], has_caught_up: true, ..LogBatch::default() };
    let now = desk.clock.now();
    let (query, body) = (Query::Logs(open_log(desk)), Ok(Answer::Logs(batch)));
    desk.app.update(Msg::Answer(Box::new(Answered { query, generation: 1, at: now.wall, body })), now);
}

#[test]
fn the_charts_go_to_the_time_of_a_log_line_and_the_log_to_that_of_the_charts() {
    let mut desk = Desk::new(incident());
    let key = workload_key(crate::model::kubernetes::WorkloadKind::Deployment, "myapp");
    desk.app.open_log(LogQuery { since_seconds: Some(3_600), ..LogQuery::of(ObjectRef::Workload(key)) });
    for (time, text) in [("02:20", "first"), ("02:50", "second"), ("03:10", "third")] {
        say(&mut desk, time, text);
    }
    let marks = |frame: &str| frame.lines().last().unwrap_or_default().to_owned();
    let frame = desk.frame((120, 35));
    assert!(frame.contains("third"), "{}", marks(&frame));
    desk.press(KeyCode::Up);
    desk.keys("'");
    assert_eq!(desk.app.screen, ScreenId::Metrics);
    let now = desk.clock.now();
    assert_eq!(desk.app.screens.get(ScreenId::Metrics).moment(&desk.app.view(now)), Some(at("02:50")));
    // Back, before the line: the log is there at the cursor's time.
    (0..3).for_each(|_| drop(desk.keys("[")));
    desk.keys("'");
    assert_eq!(desk.app.screen, ScreenId::Logs);
    assert_eq!(desk.app.screens.get(ScreenId::Logs).moment(&desk.app.view(now)), Some(at("02:50")));
    assert!(desk.frame((120, 35)).contains("PAUSED"));
}

impl Desk {
    /// When what is selected happened, as the screen shown says.
    fn moment(&self) -> Option<jiff::Timestamp> {
        self.app.screens.get(self.app.screen).moment(&self.app.view(self.clock.now()))
    }
}

/// A log is open that reaches back an hour, with a line every ten minutes, and one just before 03:00.
fn with_a_log(world: World) -> Desk {
    let mut desk = Desk::new(world);
    let key = workload_key(crate::model::kubernetes::WorkloadKind::Deployment, "myapp");
    desk.app.open_log(LogQuery { since_seconds: Some(3_600), ..LogQuery::of(ObjectRef::Workload(key)) });
    for time in ["02:20", "02:30", "02:40", "02:50", "02:58", "03:10"] {
        say(&mut desk, time, time);
    }
    desk.frame((120, 35));
    desk
}

/// `'` and `'` again: the charts at a moment, and the open log at its first line from then on.
fn jump(desk: &mut Desk, from: &str, line: &str) {
    desk.keys("'");
    assert_eq!((desk.app.screen, desk.moment()), (ScreenId::Metrics, Some(at(from))));
    desk.keys("'");
    assert_eq!((desk.app.screen, desk.moment()), (ScreenId::Logs, Some(at(line))), "from {from}");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("PAUSED") && frame.contains(&format!("{line}:00 myapp-1")), "{frame}");
}

#[test]
fn a_run_and_a_job_of_it_lead_to_the_log_at_their_time() {
    let mut desk = with_a_log(incident());
    desk.keys("4/deploy");
    desk.press(KeyCode::Enter);
    desk.frame((120, 35));
    let run = desk.app.selected(desk.clock.now()).expect("a run");
    assert_eq!(run.to_string(), "run 412 in acme/myapp");
    jump(&mut desk, "02:51", "02:58");

    desk.keys("4");
    desk.pass(Duration::from_secs(1));
    let asked = desk.app.wanted(desk.clock.now()).into_iter().find(|query| matches!(query, Query::Jobs(_)));
    let query = asked.expect("the run's jobs");
    let Query::Jobs(run) = query.clone() else { unreachable!("it was looked for") };
    let job = |id: u64, started: Option<jiff::Timestamp>| Job {
        key: JobKey { run: run.clone(), attempt: 1, id },
        name: "deploy".into(),
        state: RunState::Running,
        started,
        completed: None,
        url: "".into(),
        runner: None,
        steps: Vec::new(),
    };
    let now = desk.clock.now();
    let body = Ok(Answer::Jobs(vec![job(1, Some(at("02:59")))]));
    desk.app.update(Msg::Answer(Box::new(Answered { query: query.clone(), generation: 1, at: now.wall, body })), now);
    desk.frame((120, 35));
    desk.press(KeyCode::Enter);
    jump(&mut desk, "02:59", "03:10");
    // One that waits has begun with its run.
    let body = Ok(Answer::Jobs(vec![job(1, None)]));
    desk.app.update(Msg::Answer(Box::new(Answered { query, generation: 2, at: now.wall, body })), now);
    desk.keys("4");
    jump(&mut desk, "02:51", "02:58");
}

#[test]
fn an_entry_of_either_timeline_leads_to_the_log_at_its_time_and_its_own_log_reaches_back_to_it() {
    for screen in ["1", "2"] {
        let mut desk = with_a_log(incident());
        desk.keys(screen);
        desk.frame((120, 35));
        desk.press(KeyCode::Tab);
        let is_deploy = |desk: &Desk| {
            let target = desk.app.selected(desk.clock.now()).map(|target| target.to_string());
            target.as_deref() == Some("deploy/myapp") && desk.moment() == Some(at("02:57"))
        };
        for _ in 0..20 {
            if !is_deploy(&desk) {
                desk.press(KeyCode::Down);
            }
        }
        assert!(is_deploy(&desk), "{}", desk.frame((120, 35)));
        jump(&mut desk, "02:57", "02:58");
        desk.keys(screen);
        assert!(is_deploy(&desk), "it is still selected");
        desk.keys("x");
        for _ in 0..40 {
            if !desk.frame((120, 35)).contains("--since=") {
                desk.press(KeyCode::Down);
            }
        }
        let frame = desk.frame((120, 35));
        assert!(frame.contains("--since=30m"), "the line in the menu reaches as far: {frame}");
        desk.press(KeyCode::Esc);
        desk.keys("l");
        let since = desk.app.screens.logs.open_logs().last().expect("a log").since_seconds;
        assert_eq!((desk.app.screen, since), (ScreenId::Logs, Some(1_800)), "screen {screen}");
    }
}

#[test]
fn where_nothing_has_a_time_or_no_log_is_open_it_is_said() {
    let mut desk = Desk::new(incident());
    desk.frame((120, 35));
    desk.keys("6'");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("no time here: select a log line"), "{frame}");
    desk.keys("['");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("no log is open: l on a pod") && desk.app.screen == ScreenId::Metrics, "{frame}");
}

#[test]
fn an_alerts_beginning_is_the_charts_moment_and_in_the_log_that_is_opened_for_it() {
    for (began, since) in [("03:10", 900), ("02:40", 3_600)] {
        let mut world = World::live();
        world.workloads([deployment("myapp", "myapp:412", 1, 1)]);
        world.alerts(vec![alert("HighErrorRate", "myapp", Priority::P1, began, "30 % fail")]);
        let mut desk = Desk::new(world);
        desk.frame((120, 35));
        desk.keys("2");
        desk.frame((120, 35));
        desk.keys("l");
        assert_eq!(open_log(&desk).since_seconds, Some(since), "{began}");
        desk.keys("2'");
        let now = desk.clock.now();
        assert_eq!(desk.app.screen, ScreenId::Metrics);
        assert_eq!(desk.app.screens.get(ScreenId::Metrics).moment(&desk.app.view(now)), Some(at(began)));
        desk.keys("'");
        assert_eq!(desk.app.screen, ScreenId::Logs);
        assert_eq!(open_log(&desk).since_seconds, Some(since), "it reaches back that far already");
    }
}

#[test]
fn lines_of_the_palette_say_from_when_until_when_and_how_much_of_a_log_is_read() {
    let mut desk = Desk::new(incident());
    let key = workload_key(crate::model::kubernetes::WorkloadKind::Deployment, "myapp");
    desk.app.open_log(LogQuery { since_seconds: Some(900), ..LogQuery::of(ObjectRef::Workload(key)) });
    desk.frame((120, 35));
    for line in ["since 1h", "until 03:05", "tail 50"] {
        desk.line(line);
    }
    let log = open_log(&desk);
    assert_eq!((log.since_seconds, log.until, log.tail), (Some(3_600), Some(at("03:05")), Some(50)));
    let frame = desk.frame((120, 35));
    assert!(frame.contains("reading since 1h until 03:05:00 tail 50"), "{frame}");
}

#[test]
fn esc_leads_back_to_the_screen_a_log_was_opened_from_once() {
    let mut desk = Desk::new(incident());
    desk.frame((120, 35));
    desk.keys("3");
    desk.frame((120, 35));
    desk.keys("l");
    assert!(desk.frame((120, 35)).contains("[7 Logs]"));
    let leave = |desk: &mut Desk| {
        desk.press(KeyCode::Esc);
        desk.frame((120, 35))
    };
    assert!(leave(&mut desk).contains("[3 Kube"));
    assert!(leave(&mut desk).contains("[1 Now"));
    // By its tab it was opened from nowhere.
    desk.keys("37");
    assert!(desk.frame((120, 35)).contains("[7 Logs]"));
    assert!(leave(&mut desk).contains("[1 Now"));
    // To the charts and back.
    desk.keys("2");
    desk.frame((120, 35));
    desk.keys("'");
    assert!(desk.frame((120, 35)).contains("[6 Metrics]"));
    assert!(leave(&mut desk).contains("[6 Metrics]"), "the time cursor is let go of first");
    assert!(leave(&mut desk).contains("[2 Triage"));
}

#[test]
fn to_the_charts_and_back_is_no_step_of_the_way_back() {
    let mut desk = Desk::new(incident());
    desk.keys("3");
    desk.frame((120, 35));
    desk.keys("l");
    for (time, text) in [("03:05", "first"), ("03:06", "second")] {
        say(&mut desk, time, text);
    }
    desk.frame((120, 35));
    desk.press(KeyCode::Up);
    for screen in [ScreenId::Metrics, ScreenId::Logs] {
        desk.keys("'");
        desk.frame((120, 35));
        assert_eq!(desk.app.screen, screen);
    }
    // What the log shows may be let go of first.
    for _ in 0..4 {
        if desk.app.screen == ScreenId::Logs {
            desk.press(KeyCode::Esc);
        }
    }
    assert_eq!(desk.app.screen, ScreenId::Kube);
}

/// What the log's own keys do is nothing while a page hides it.
#[test]
fn a_page_over_the_log_shows_no_keys_of_the_log() {
    let mut desk = with_a_log(incident());
    let footer = |desk: &mut Desk| desk.frame((120, 35)).lines().last().unwrap_or_default().to_owned();
    let shown = footer(&mut desk);
    assert!(shown.contains("& filter") && shown.contains("f follow"), "{shown}");
    desk.keys("d");
    let shown = footer(&mut desk);
    assert!(shown.contains("esc back") && shown.contains("/ find"), "{shown}");
    for key in ["f follow", "& filter", "v level", "= versions", "b beside", "s save", "w wrap", "t times"] {
        assert!(!shown.contains(key), "{key}: {shown}");
    }
}

#[test]
fn with_a_log_line_open_what_is_typed_behind_a_filter_or_a_find_does_not_act() {
    for key in ["&", "/"] {
        let mut desk = with_a_log(incident());
        desk.press(KeyCode::Enter);
        assert!(desk.frame((120, 35)).contains("LOG LINE"));
        let effects = desk.keys(&format!("{key}02!sa"));
        let frame = desk.frame((120, 35));
        assert!(effects.is_empty() && desk.app.screen == ScreenId::Logs, "{effects:?} {frame}");
        assert!(!frame.contains("LOG LINE"), "{frame}");
        assert_eq!(desk.app.screens.get(ScreenId::Logs).filter_words().0, key);
        assert!(desk.app.prompt.as_ref().is_some_and(|prompt| prompt.text() == "02!sa"), "{frame}");
    }
}
