//! What is around the lines and before them: days, levels, colours, and what the frame says first.

use ratatui::style::Style;

use super::*;
use crate::ui::theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice};

const DAY: i64 = 24 * 60 * 60;

fn opened(lines: Vec<LogLine>) -> (World, Logs) {
    let mut world = World::live();
    say(&mut world, &query(), lines);
    let mut logs = Logs::default();
    logs.open(query());
    (world, logs)
}

#[test]
fn a_rule_stands_where_the_day_changes() {
    let pod = origin("myapp-1", "412");
    let (mut world, mut logs) = opened(vec![
        line(&pod, -2 * DAY, "I long ago"),
        line(&pod, -2 * DAY + 1, "I and then"),
        line(&pod, -DAY, "E yesterday"),
        line(&pod, -DAY, "+ at its trace"),
        line(&pod, 0, "I today"),
    ]);
    world.size = (80, 14);
    let rows = world.drawn(&mut logs);
    let expected = [
        "-- 2026-03-12 ---",
        "long ago",
        "and then",
        "-- 2026-03-13 ---",
        "yesterday",
        "trace",
        "-- 2026-03-14 ---",
        "today",
    ];
    for (row, words) in rows[2..].iter().zip(expected) {
        assert!(row.contains(words), "'{words}': {rows:#?}");
    }
    // It belongs to its line: the cursor is not on it, and a click on it goes there.
    logs.run(Command::Top, &world.view());
    world.drawn(&mut logs);
    let heights: Vec<u16> = logs.hits.lines.iter().map(|(area, _)| area.height).collect();
    assert_eq!(heights, [2, 1, 2, 1, 2]);
    logs.click(Position::new(4, 5), &world.view());
    assert_eq!(logs.copied(&world.view()), Some("yesterday".into()));
    // Where only a part fits, the newest lines stay.
    world.size = (80, 10);
    logs.run(Command::Bottom, &world.view());
    let rows = world.drawn(&mut logs);
    assert!(
        rows[3].contains("trace") && rows[4].contains("-- 2026-03-14 --") && rows[5].contains("today"),
        "{rows:#?}"
    );
    // Without times there is nothing that a day would tell apart.
    logs.run(Command::Timestamps, &world.view());
    assert!(!world.drawn(&mut logs).join("").contains("2026-03"));
}

#[test]
fn lines_of_today_need_no_day_and_two_columns_share_theirs() {
    let (old, new) = (origin("myapp-7d8b9-abc12", "411"), origin("myapp-6d5c9-k2x8q", "412"));
    let (mut world, mut logs) = opened(vec![line(&old, 0, "I a"), line(&new, 0, "I b")]);
    assert!(!world.drawn(&mut logs).join("").contains("2026-03"));
    world.workloads([testing::deployment("myapp", "registry.example/myapp:412", 4, 6)]);
    say(&mut world, &query(), vec![line(&old, DAY, "I cherry"), line(&new, DAY, "I damson")]);
    logs.run(Command::SideBySide, &world.view());
    logs.sync(&world.view(), Changes::LOGS);
    let rows = world.drawn(&mut logs);
    let at = rows.iter().position(|row| row.contains("2026-03-15")).expect("a rule");
    assert_eq!(rows[at].matches("-- 2026-03-15 --").count(), 2, "{}", rows[at]);
    assert!(rows[at + 1].contains("cherry") && rows[at + 1].contains("damson"), "{rows:#?}");
}

#[test]
fn a_level_stands_once() {
    let pod = origin("myapp-1", "412");
    let (world, mut logs) = opened(vec![
        line(&pod, 0, "F FATAL startup"),
        line(&pod, 1, "E [error] no db"),
        line(&pod, 2, "E panic: boom"),
        line(&pod, 3, r#"W {"level":"warn","msg":"WARNING: slow"}"#),
    ]);
    let rows = world.drawn(&mut logs).join("\n");
    for words in ["FATAL startup", "ERROR no db", "ERROR panic: boom", "WARN  slow"] {
        assert!(rows.contains(words), "'{words}' is not in\n{rows}");
    }
    assert!(!rows.contains("FATAL FATAL") && !rows.contains("[error]"), "{rows}");
    logs.run(Command::CompareVersions, &world.view());
    let rows = world.drawn(&mut logs).join("\n");
    assert!(rows.contains("1  FATAL startup"), "in the pane of messages: {rows}");
}

#[test]
fn what_is_let_through_is_said_once() {
    let pod = origin("myapp-1", "412");
    let (world, mut logs) = opened(vec![line(&pod, 0, "F FATAL startup"), line(&pod, 1, "I one")]);
    logs.run(Command::LogLevel, &world.view());
    logs.typing = Typing::Filter;
    logs.set_filter("level>=warn", &world.view());
    let rows = world.drawn(&mut logs);
    assert!(!rows[0].contains("level >=") && rows[1].contains("[level>=warn]"), "{rows:#?}");
    for _ in 0..2 {
        logs.run(Command::LogLevel, &world.view());
    }
    assert!(world.drawn(&mut logs)[0].contains("level >= ERROR"), "it asks for more");
    let (world, mut logs) = opened(vec![line(&pod, 0, "F FATAL startup")]);
    logs.run(Command::CompareVersions, &world.view());
    world.drawn(&mut logs);
    logs.run(Command::Enter, &world.view());
    let rows = world.drawn(&mut logs);
    assert!(rows[1].contains("[message: FATAL startup]"), "{rows:#?}");
}

/// The style of the pod's column, by pod.
fn colours(world: &World, logs: &mut Logs) -> std::collections::BTreeMap<String, Style> {
    let area = world.area();
    let mut buf = Buffer::empty(area);
    logs.sync(&world.view(), Changes::LOGS);
    logs.render(&world.view(), area, &mut buf);
    let rows = crate::ui::widgets::cells::rows_of(&buf);
    let found = rows.iter().enumerate().filter_map(|(y, row)| {
        let (start, _) = row.match_indices("pod-").next()?;
        let x = row[..start].chars().count() as u16;
        Some((row[start..].split(' ').next()?.to_owned(), buf[(x, y as u16)].style()))
    });
    found.collect()
}

#[test]
fn a_pod_keeps_its_colour_when_the_log_is_read_anew() {
    let pods: Vec<_> = (0..12).map(|number| origin(&format!("myapp-pod-{number}"), "412")).collect();
    let lines: Vec<LogLine> = pods.iter().enumerate().map(|(at, pod)| line(pod, at as i64, "I x")).collect();
    let newest = lines[5..].iter().rev().cloned().collect();
    let of = |lines| {
        let (mut world, mut logs) = opened(lines);
        world.theme = Theme::new(ThemeChoice::Dark, Background::Dark, ColourDepth::True, GlyphSet::Unicode);
        colours(&world, &mut logs)
    };
    let (all, some) = (of(lines), of(newest));
    assert_eq!((all.len(), some.len()), (12, 7));
    assert!(some.iter().all(|(pod, style)| all.get(pod) == Some(style)), "{all:?}\n{some:?}");
    let mut different: Vec<_> = all.values().map(|style| style.fg).collect();
    different.sort_by_key(|colour| format!("{colour:?}"));
    different.dedup();
    assert!(different.len() > 3, "{different:?}");
}

/// A crashed pod's lines are read, though nothing of it is open.
#[test]
fn streams_that_ended_are_no_streams_that_are_not_read() {
    let (mut world, mut logs) = opened(vec![line(&origin("myapp-1", "412"), 0, "I one")]);
    for (open, ended, expected) in [
        (13, 0, " 13 streams ="),
        (8, 5, " 13 streams, 5 ended ="),
        (8, 0, " 8 of 13 streams ="),
        (8, 3, " 8 of 13 streams, 3 ended ="),
    ] {
        let now = world.clock.now();
        let batch = LogBatch { wanted: 13, open, ended, has_caught_up: true, ..LogBatch::default() };
        let body = Ok(Answer::Logs(batch));
        world.store.answer(Answered { query: Query::Logs(query()), generation: 1, at: now.wall, body }, now);
        let row = world.drawn(&mut logs)[0].clone();
        assert!(row.contains(expected), "{row}");
    }
}

#[test]
fn minutes_alone_do_not_say_when_a_long_log_was_written() {
    let pod = origin("myapp-1", "412");
    let narrow = |since_seconds, second| {
        let mut world = World::live();
        let query = LogQuery { since_seconds, ..query() };
        say(&mut world, &query, vec![line(&pod, second, "I one")]);
        let mut logs = Logs::default();
        logs.open(query);
        world.size = (80, 24);
        let rows = world.drawn(&mut logs).join("\n");
        (rows.contains("mm:ss"), rows.contains(":00:00 "))
    };
    assert_eq!(narrow(Some(900), 0), (true, false));
    for (since, second) in [(Some(3_600), 0), (None, 0), (Some(900), -3_600)] {
        assert_eq!(narrow(since, second), (false, true), "{since:?} {second}");
    }
}

#[test]
fn what_was_dropped_is_said_first() {
    let (mut world, mut logs) = opened(vec![line(&origin("myapp-1", "412"), 0, "I one")]);
    let now = world.clock.now();
    let batch = LogBatch { dropped: 1_234, has_caught_up: true, wanted: 13, open: 8, ..LogBatch::default() };
    let body = Ok(Answer::Logs(batch));
    world.store.answer(Answered { query: Query::Logs(query()), generation: 1, at: now.wall, body }, now);
    logs.run(Command::LogLevel, &world.view());
    logs.run(Command::FoldRepeats, &world.view());
    logs.set_filter("issuer mismatch", &world.view());
    world.size = (80, 24);
    let row = world.drawn(&mut logs)[0].clone();
    assert!(row.contains("1234 dropped  follow ON"), "{row}");
}

#[test]
fn logs_of_one_workload_are_told_apart_by_what_is_read_of_it() {
    let (world, mut logs) = opened(vec![line(&origin("myapp-1", "412"), 0, "I one")]);
    logs.open(LogQuery { target: LogTarget::Pod(testing::object("postgres-0")), ..query() });
    let row = world.drawn(&mut logs)[1].clone();
    assert!(row.contains(" deploy/myapp  [postgres-0]"), "{row}");
    logs.open(LogQuery { since_seconds: Some(1_800), ..query() });
    let row = world.drawn(&mut logs)[1].clone();
    assert!(row.contains(" deploy/myapp 15m   postgres-0  [deploy/myapp 30m]"), "{row}");
    // Of the same part it is the same log.
    logs.open(query());
    assert_eq!(logs.open_logs().count(), 3);
    assert!(world.drawn(&mut logs)[1].contains("[deploy/myapp 15m]"));
}

#[test]
fn in_a_narrow_frame_words_go_whole_and_what_is_read_stays_longest() {
    let ends = LogQuery { until: Some(testing::at("03:10")), tail: Some(20), follow: false, ..query() };
    let mut world = World::live();
    world.size = (80, 24);
    let pod = origin("myapp-1", "412");
    for query in [query(), ends.clone()] {
        let now = world.clock.now();
        let lines = (0..5).map(|second| line(&pod, second, &format!("E verify {second}"))).collect();
        let batch = LogBatch { lines, wanted: 13, open: 13, has_caught_up: true, ..LogBatch::default() };
        let body = Ok(Answer::Logs(batch));
        world.store.answer(Answered { query: Query::Logs(query), generation: 1, at: now.wall, body }, now);
    }
    let mut logs = Logs::default();
    let row = |logs: &mut Logs| world.drawn(logs)[0].clone();
    for (query, whole, cut) in [
        (query(), "follow ON  since 15m =+", "find: verify  level >= WARN  since 15m =+"),
        (ends, "= since 15m until 03:10:00 tail 20 =+", "= find: verify  level >= WARN  until 03:10:00 since 15m =+"),
    ] {
        logs.open(query);
        let all = row(&mut logs);
        assert!(all.starts_with("+= LOGS deploy/myapp   13 streams =") && all.ends_with(whole), "{all}");
        logs.set_filter("verify", &world.view());
        logs.run(Command::LogLevel, &world.view());
        logs.run(Command::LogLevel, &world.view());
        let most = row(&mut logs);
        assert!(most.starts_with("+= LOGS deploy/myapp =") && most.ends_with(cut), "{most}");
    }
}

#[test]
fn the_containers_of_a_single_pod_stand_below_their_word() {
    let mut world = World::live();
    let query = LogQuery { target: LogTarget::Pod(testing::object("myapp-1")), ..query() };
    let of = |container: &str| Arc::new(Origin::new(testing::object("myapp-1"), container.into(), "412".into()));
    let lines = vec![line(&of("main"), 0, "I one"), line(&of("side"), 1, "I two")];
    say(&mut world, &query, lines);
    let mut logs = Logs::default();
    logs.open(query);
    for (size, head) in
        [((120, 35), "| time     container level message"), ((80, 24), "| mm:ss container level message")]
    {
        world.size = size;
        let rows = world.drawn(&mut logs);
        assert!(rows[1].starts_with(head), "{rows:#?}");
    }
}

#[test]
fn one_line_a_second_is_one_line() {
    let mut world = World::live();
    let (pod, now) = (origin("myapp-1", "412"), world.clock.now().wall);
    let mut logs = Logs::default();
    logs.open(query());
    let at = |second| LogLine { at: now - SignedDuration::from_secs(second), ..line(&pod, 0, "I one") };
    say(&mut world, &query(), (0..5).rev().map(at).collect());
    let row = world.drawn(&mut logs)[0].clone();
    assert!(row.contains(" 1 line/s "), "{row}");
    say(&mut world, &query(), vec![at(0); 5]);
    let row = world.drawn(&mut logs)[0].clone();
    assert!(row.contains(" 2 lines/s "), "{row}");
}
