mod beside;
mod drawn;
mod moment;
mod reading;
mod versions;

use std::sync::Arc;

use jiff::SignedDuration;

use super::{index::Index, sieve::Sieve, *};
use crate::{
    model::log::{LogLevel, LogLine, Origin},
    query::{Answer, ContainerSort, LogBatch},
    source::{Answered, ErrorKind, SourceError},
    store::logs::LogBuffer,
    ui::testing::{self, World},
};

fn origin(pod: &str, version: &str) -> Arc<Origin> {
    Arc::new(Origin::new(testing::object(pod), "app".into(), version.into()))
}

/// `E text`: level by the first letter, `.` none, `+` continues the line before, `#` a note.
fn line(origin: &Arc<Origin>, second: i64, text: &str) -> LogLine {
    let (level, rest) = text.split_at(1);
    LogLine {
        origin: origin.clone(),
        at: testing::at("03:00") + SignedDuration::from_secs(second),
        level: match level {
            "F" => Some(LogLevel::Fatal),
            "E" => Some(LogLevel::Error),
            "W" => Some(LogLevel::Warn),
            "I" => Some(LogLevel::Info),
            _ => None,
        },
        text: rest.trim_start_matches(' ').into(),
        continues: level == "+",
        is_note: level == "#",
    }
}

fn query() -> LogQuery {
    LogQuery {
        since_seconds: Some(900),
        ..LogQuery::of(ObjectRef::Workload(testing::workload_key(
            crate::model::kubernetes::WorkloadKind::Deployment,
            "myapp",
        )))
    }
}

fn say(world: &mut World, query: &LogQuery, lines: Vec<LogLine>) {
    let now = world.clock.now();
    let batch = LogBatch { lines, open: 2, wanted: 2, has_caught_up: true, ..LogBatch::default() };
    let body = Ok(Answer::Logs(batch));
    world.store.answer(Answered { query: Query::Logs(query.clone()), generation: 1, at: now.wall, body }, now);
}

use crate::time::Clock as _;

fn story() -> (World, Logs) {
    let mut world = World::live();
    let (new, old) = (origin("myapp-6d5c9-k2x8q", "412"), origin("myapp-7d8b9-abc12", "411"));
    let lines = vec![
        line(&old, 0, "I GET /api/users 200"),
        line(&new, 1, "E auth middleware: verify failed: issuer mismatch"),
        line(&new, 2, "E auth middleware: verify failed: issuer mismatch"),
        line(&new, 3, "E unhandled exception"),
        line(&new, 3, "+   at verify (auth.js:88)"),
        line(&new, 3, "+   at handle (app.js:12)"),
        line(&new, 4, "# container 'app' restarted (exit 1)"),
        line(&old, 5, r#"I {"level":"info","msg":"login ok","user":"bob","token":"abcdefghijkl"}"#),
        line(&old, 6, "W slow query 812ms"),
    ];
    say(&mut world, &query(), lines);
    let mut logs = Logs::default();
    logs.open(query());
    (world, logs)
}

#[test]
fn a_log_of_other_containers_takes_the_place_of_the_one_shown_and_keeps_its_filters() {
    let (mut world, mut logs) = story();
    let now = world.clock.now();
    let containers = vec![(ContainerSort::Main, "app".into()), (ContainerSort::Init, "migrate".into())];
    let batch = LogBatch { containers, ..LogBatch::default() };
    let (of, body) = (Query::Logs(query()), Ok(Answer::Logs(batch)));
    world.store.answer(Answered { query: of, generation: 1, at: now.wall, body }, now);
    logs.typing = Typing::Filter;
    logs.set_filter("issuer", &world.view());
    let Reply::Push(mut choice) = logs.run(Command::Containers, &world.view()) else { panic!("a choice") };
    let screen = world.overlay(choice.as_mut()).join("\n");
    for words in
        ["as it comes", "shown   main ones; the init one while a pod starts", "all containers", "init, or sidecar"]
    {
        assert!(screen.contains(words), "'{words}' is not in\n{screen}");
    }
    let press = |choice: &mut Box<dyn crate::ui::Overlay>, code| choice.key(code, &world.view());
    press(&mut choice, crossterm::event::KeyCode::Char('4').into());
    let Reply::Many(replies) = press(&mut choice, crossterm::event::KeyCode::Enter.into()) else { panic!("an answer") };
    let Some(Reply::OpenLog(chosen)) = replies.into_iter().next_back() else { panic!("a log") };
    assert_eq!(chosen.containers, Containers::named("migrate".into()));
    logs.open(chosen);
    assert_eq!(logs.open_logs().count(), 1, "in the place of the other");
    assert_eq!(logs.filter(), "issuer");
}

#[test]
fn the_line_that_is_selected_says_when() {
    let (world, mut logs) = story();
    logs.sync(&world.view(), Changes::LOGS);
    world.drawn(&mut logs);
    logs.run(Command::Top, &world.view());
    logs.run(Command::Down, &world.view());
    let last_repeat = testing::at("03:00") + SignedDuration::from_secs(2);
    assert_eq!(logs.moment(&world.view()), Some(last_repeat));
}

fn buffer(lines: Vec<LogLine>, bytes: usize) -> LogBuffer {
    let mut buffer = LogBuffer::new(bytes);
    let now = crate::time::TestClock::at(testing::at("03:00")).now();
    buffer.take_in(LogBatch { lines, ..LogBatch::default() }, now);
    buffer
}

fn rows(index: &Index) -> Vec<(u64, u32)> {
    index.range(0..index.len()).map(|entry| (entry.last, entry.count)).collect()
}

#[test]
fn the_pane_shows_who_wrote_what_and_folds_repeats() {
    let (world, mut logs) = story();
    insta::assert_snapshot!(world.drawn(&mut logs)[..11].join("\n"), @r#"
    += LOGS deploy/myapp   2 streams =============================================================== follow ON  since 15m =+
    | time     pod         ver level message                                                                               |
    | 03:00:00 7d8b9-abc12 411 INFO  GET /api/users 200                                                                    |
    | 03:00:02 6d5c9-k2x8q 412 ERROR auth middleware: verify failed: issuer mismatch                                    x2 |
    | 03:00:03 6d5c9-k2x8q 412 ERROR unhandled exception                                                                   |
    |                                at verify (auth.js:88)                                                                |
    |                                at handle (app.js:12)                                                                 |
    | -- 03:00:04 container 'app' restarted (exit 1) --------------------------------------------------------------------- |
    | 03:00:05 7d8b9-abc12 411 INFO  login ok  token=[masked] user=bob                                                     |
    | 03:00:06 7d8b9-abc12 411 WARN  slow query 812ms                                                                      |
    |                                                                                                                      |
    "#);
}

#[test]
fn narrow_form_keeps_the_words() {
    let (mut world, mut logs) = story();
    world.size = (80, 24);
    let rows = world.drawn(&mut logs);
    assert!(rows[0].starts_with("+= LOGS deploy/myapp") || rows[0].contains("LOGS deploy/myapp"), "{}", rows[0]);
    assert!(rows.iter().any(|row| row.contains("00:02 k2x8q 412 ERROR auth middleware")), "{rows:#?}");
}

#[test]
fn a_trace_stays_with_its_head() {
    let (mut world, mut logs) = story();
    logs.run(Command::LogFilter, &world.view());
    assert!(matches!(logs.run(Command::Filter, &world.view()), Reply::Ignored), "the App opens its line");
    logs.set_filter("auth.js", &world.view());
    let rows = world.drawn(&mut logs);
    let found = |word: &str| rows.iter().any(|row| row.contains(word));
    assert!(found("unhandled exception") && found("app.js:12") && !found("slow query"), "{rows:#?}");
    logs.set_filter("!auth.js", &world.view());
    let rows = world.drawn(&mut logs);
    let found = |word: &str| rows.iter().any(|row| row.contains(word));
    assert!(!found("unhandled exception") && !found("app.js:12") && found("slow query"), "{rows:#?}");
    // What comes later is sifted too.
    say(&mut world, &query(), vec![line(&origin("myapp-6d5c9-k2x8q", "412"), 9, "E see auth.js")]);
    assert!(!world.drawn(&mut logs).iter().any(|row| row.contains("see auth.js")));
}

#[test]
fn levels_go_round_and_notes_stay() {
    let (world, mut logs) = story();
    let shown = |logs: &mut Logs| world.drawn(logs).iter().filter(|row| row.contains(":0")).count();
    let all = shown(&mut logs);
    for _ in 0..2 {
        logs.run(Command::LogLevel, &world.view());
    }
    let rows = world.drawn(&mut logs);
    assert!(rows[0].contains("level >= WARN"), "{}", rows[0]);
    assert!(
        rows.iter().any(|row| row.contains("restarted (exit 1)")) && !rows.iter().any(|row| row.contains("GET /api"))
    );
    assert!(rows.iter().any(|row| row.contains("at verify")), "a continuation has its head's level");
    logs.run(Command::LogLevel, &world.view());
    logs.run(Command::LogLevel, &world.view());
    assert_eq!(shown(&mut logs), all);
}

#[test]
fn moving_pauses_and_g_returns_to_live() {
    let (mut world, mut logs) = story();
    world.drawn(&mut logs);
    logs.run(Command::Up, &world.view());
    let rows = world.drawn(&mut logs);
    assert!(rows[0].contains("PAUSED 1 below"), "{}", rows[0]);
    let pod = origin("myapp-7d8b9-abc12", "411");
    assert_eq!(logs.selected(&world.view()), Some(Target::Pod(pod.pod.clone())));
    say(&mut world, &query(), vec![line(&pod, 20, "I later")]);
    assert!(world.drawn(&mut logs)[0].contains("PAUSED 2 below"));
    logs.run(Command::Bottom, &world.view());
    assert!(world.drawn(&mut logs)[0].contains("follow ON"));
}

#[test]
fn find_goes_from_hit_to_hit_and_says_when_there_is_none() {
    let (world, mut logs) = story();
    world.drawn(&mut logs);
    logs.run(Command::Filter, &world.view());
    logs.set_filter("verify", &world.view());
    assert_eq!(logs.copied(&world.view()), Some("at verify (auth.js:88)".into()));
    logs.run(Command::PreviousMatch, &world.view());
    assert_eq!(logs.copied(&world.view()), Some("auth middleware: verify failed: issuer mismatch".into()));
    logs.run(Command::PreviousMatch, &world.view());
    assert_eq!(logs.copied(&world.view()), Some("at verify (auth.js:88)".into()), "around the end");
    logs.set_filter("nowhere", &world.view());
    assert!(world.drawn(&mut logs)[0].contains("not found: nowhere"));
    assert!(matches!(logs.run(Command::Back, &world.view()), Reply::Done));
    assert_eq!(logs.filter(), "");
    assert!(matches!(logs.run(Command::Back, &world.view()), Reply::Ignored));
    assert_eq!(logs.open_logs().count(), 1, "going back closes nothing");
}

#[test]
fn secrets_are_masked_on_screen_in_the_clipboard_and_in_the_file() {
    let (world, mut logs) = story();
    let rows = world.drawn(&mut logs);
    assert!(rows.iter().any(|row| row.contains("login ok")), "{rows:#?}");
    assert!(!rows.join("").contains("abcdefghijkl"), "{rows:#?}");
    logs.run(Command::Up, &world.view());
    assert!(!logs.copied(&world.view()).expect("a line").contains("abcdefghijkl"));
    let Reply::Do(Effect::Save { name, content }) = logs.run(Command::Save, &world.view()) else { panic!("saved") };
    assert_eq!(name, "myapp-031422.log");
    let text = content.text();
    assert!(!text.contains("abcdefghijkl"), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("issuer mismatch")).count(), 2, "repeats are written out");
    assert!(text.starts_with("2026-03-14T03:00:00.000Z myapp-7d8b9-abc12/app GET"), "{text}");
    let Reply::Push(mut page) = logs.run(Command::Enter, &world.view()) else { panic!("a page") };
    let area = world.area();
    let mut buf = Buffer::empty(area);
    page.render(&world.view(), area, &mut buf);
    let rows = crate::ui::widgets::cells::rows_of(&buf).join("\n");
    assert!(rows.contains("\"user\": \"bob\"") && !rows.contains("abcdefghijkl"), "{rows}");
}

#[test]
fn logs_open_close_and_begin_elsewhere() {
    let (world, mut logs) = story();
    let pod = LogQuery { target: LogTarget::Pod(testing::object("postgres-0")), ..query() };
    logs.open(pod.clone());
    assert!(world.drawn(&mut logs)[1].contains("[postgres-0]"));
    logs.run(Command::NextPane, &world.view());
    assert!(world.drawn(&mut logs)[1].contains("[deploy/myapp]"));
    assert!(matches!(logs.since("10m"), Reply::Say(_)));
    assert_eq!(logs.open_logs().map(|log| log.since_seconds).collect::<Vec<_>>(), [Some(600), Some(900)]);
    logs.since("all");
    logs.since("soon");
    assert_eq!(logs.open_logs().next().and_then(|log| log.since_seconds), None);
    assert!(matches!(logs.run(Command::Leave, &world.view()), Reply::Say(_)));
    assert_eq!(logs.open_logs().collect::<Vec<_>>(), [&pod]);
    assert!(matches!(logs.run(Command::Leave, &world.view()), Reply::Ignored), "the App goes back");
    assert_eq!(logs.open_logs().count(), 0);
}

#[test]
fn an_error_is_never_an_empty_list() {
    let mut world = World::live();
    let mut logs = Logs::default();
    assert!(world.drawn(&mut logs).join("").contains("no log is open"));
    logs.open(query());
    assert!(world.drawn(&mut logs).join("").contains("loading"));
    let now = world.clock.now();
    let fail = |says: &str| Answered {
        query: Query::Logs(query()),
        generation: 1,
        at: now.wall,
        body: Err(SourceError::new(ErrorKind::Unreachable, says)),
    };
    world.store.answer(fail("'prod-eu1' does not answer"), now);
    assert!(world.drawn(&mut logs).join("").contains("?? 'prod-eu1' does not answer"));
    say(&mut world, &query(), Vec::new());
    assert!(world.drawn(&mut logs).join("").contains("nothing logged since 15m"));
    say(&mut world, &query(), vec![line(&origin("myapp-1", "412"), 0, "I one")]);
    world.store.answer(fail("cut off"), now);
    let rows = world.drawn(&mut logs).join("\n");
    assert!(rows.contains("cut off") && rows.contains("one"), "old lines stay: {rows}");
}

#[test]
fn dropped_lines_move_nothing() {
    let pod = origin("myapp-1", "412");
    let lines: Vec<LogLine> = (0..2_000).map(|number| line(&pod, number, &format!("I line {number}"))).collect();
    let cost = lines[1_999].cost();
    let mut sieve = Sieve::default();
    sieve.set_text("line 19");
    let mut index = Index::default();
    // The ring keeps about the newest quarter.
    let mut kept = buffer(lines[..1_000].to_vec(), cost * 600);
    index.sync(&kept, &sieve);
    let now = crate::time::TestClock::at(testing::at("03:00")).now();
    kept.take_in(LogBatch { lines: lines[1_000..].to_vec(), ..LogBatch::default() }, now);
    index.sync(&kept, &sieve);
    let expected: Vec<(u64, u32)> = (kept.first_line..2_000)
        .filter(|number| format!("line {number}").contains("line 19"))
        .map(|number| (number, 1))
        .collect();
    assert!(kept.first_line > 1_000 && expected.len() > 90);
    assert_eq!(rows(&index), expected);
    assert_eq!(index.position(0), 0, "the window's line was dropped: the oldest kept takes its place");
}

#[test]
fn a_trace_that_turns_out_unwanted_leaves_what_it_was_folded_into() {
    let pod = origin("myapp-1", "412");
    let mut sieve = Sieve::default();
    sieve.set_text("!secret");
    let mut index = Index::default();
    let texts = ["E boom", "E boom", "+ at secret", "E boom"];
    let lines = texts.iter().enumerate().map(|(second, text)| line(&pod, second as i64, text)).collect();
    index.sync(&buffer(lines, 1 << 20), &sieve);
    assert_eq!(rows(&index), [(3, 2)]);
    sieve.set_text("secret");
    index.reset(None);
    let lines = texts.iter().enumerate().map(|(second, text)| line(&pod, second as i64, text)).collect();
    index.sync(&buffer(lines, 1 << 20), &sieve);
    assert_eq!(rows(&index), [(1, 1), (2, 1)]);
}

#[test]
fn every_size_and_wrap_draws_the_cursor_in_view() {
    let (world, mut logs) = story();
    for command in [Command::Wrap, Command::Top, Command::Down, Command::PageDown, Command::Up, Command::Timestamps] {
        logs.run(command, &world.view());
        for (width, height) in [(1, 1), (20, 4), (30, 7), (80, 6)] {
            let area = Rect::new(0, 0, width, height);
            logs.render(&world.view(), area, &mut Buffer::empty(area));
        }
        world.drawn(&mut logs);
        let tail = logs.tail().expect("open");
        let cursor = tail.position().expect("rows");
        assert!((logs.first_shown..logs.first_shown + logs.hits.lines.len()).contains(&cursor), "{command:?}");
    }
}

#[test]
fn filters_are_chips_with_what_they_leave() {
    let (world, mut logs) = story();
    logs.run(Command::LogFilter, &world.view());
    logs.run(Command::Filter, &world.view());
    logs.set_filter("ver=412 level>=error !unhandled", &world.view());
    let rows = world.drawn(&mut logs);
    assert!(
        rows[1].contains("[ver=412] [level>=error] [!unhandled]  2 of 8 lines"),
        "two equal ones; the note is shown and is no line of the log: {rows:#?}"
    );
    assert!(!rows.iter().any(|row| row.contains("app.js:12")), "a trace goes with its head: {rows:#?}");
    logs.set_filter("/(/", &world.view());
    assert!(world.drawn(&mut logs)[1].contains("! /(/ is no regular expression"));
}

#[test]
fn repeats_are_written_out_on_request() {
    let (world, mut logs) = story();
    let said = |logs: &mut Logs| world.drawn(logs).iter().filter(|row| row.contains("issuer mismatch")).count();
    assert_eq!(said(&mut logs), 1);
    logs.run(Command::FoldRepeats, &world.view());
    assert_eq!(said(&mut logs), 2);
    logs.run(Command::FoldRepeats, &world.view());
    assert_eq!(said(&mut logs), 1);
}

#[test]
fn each_line_below_the_log_says_what_it_takes() {
    let (world, mut logs) = story();
    assert!(matches!(logs.run(Command::LogFilter, &world.view()), Reply::Run(Command::Filter)));
    logs.run(Command::Filter, &world.view());
    assert!(logs.filter_words().0 == "&" && logs.filter_words().1.contains("level>="), "{:?}", logs.filter_words());
    // What is typed as it is said finds something: a field has a name of its own.
    assert!(logs.filter_words().1.ends_with("  status=500"), "{:?}", logs.filter_words());
    logs.run(Command::Filter, &world.view());
    assert!(logs.filter_words().0 == "/" && !logs.filter_words().1.contains("-l label"), "{:?}", logs.filter_words());
}
