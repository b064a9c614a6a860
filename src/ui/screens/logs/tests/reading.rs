//! Which part of a log is read, the moment it is shown at, and what a filter found.

use super::*;

fn first(logs: &Logs) -> LogQuery {
    logs.open_logs().next().expect("open").clone()
}

#[test]
fn an_end_and_a_number_of_lines_are_read_anew_and_said() {
    let (mut world, mut logs) = story();
    let Reply::Say(says) = logs.until("03:10", &world.view()) else { panic!("said") };
    assert_eq!(says, "reading since 15m until 03:10:00");
    logs.newest("1500");
    let query = first(&logs);
    assert_eq!(
        (query.since_seconds, query.until, query.tail, query.follow),
        (Some(900), Some(testing::at("03:10")), Some(1_500), false)
    );
    let row = world.drawn(&mut logs)[0].clone();
    assert!(row.contains("since 15m until 03:10:00 tail 1,500") && !row.contains("follow"), "{row}");
    say(&mut world, &query, Vec::new());
    assert!(world.drawn(&mut logs).join("").contains("nothing logged since 15m until 03:10:00 tail 1,500"));
    logs.newest("all");
    logs.until("now", &world.view());
    assert_eq!(first(&logs), super::query(), "as it was");
    for wrong in [logs.until("soon", &world.view()), logs.newest("many")] {
        let Reply::Say(says) = wrong else { panic!("said") };
        assert!(says.contains("is no "), "{says}");
    }
    assert_eq!(first(&logs), super::query());
    let mut none = Logs::default();
    assert!(matches!(none.newest("5"), Reply::Say(says) if says == "no log is open"));
    assert!(matches!(none.until("5m", &world.view()), Reply::Say(says) if says == "no log is open"));
}

#[test]
fn a_start_keeps_the_number_of_lines() {
    let (world, mut logs) = story();
    logs.newest("5");
    for (reply, expected) in [
        (logs.since("2m"), "reading since 2m tail 5"),
        (logs.since("all"), "reading since all tail 5"),
        (logs.run(Command::Since, &world.view()), "reading since 5m tail 5"),
    ] {
        let Reply::Say(says) = reply else { panic!("said") };
        assert_eq!(says, expected);
    }
    assert_eq!((first(&logs).since_seconds, first(&logs).tail), (Some(300), Some(5)));
    logs.newest("all");
    assert_eq!((first(&logs).since_seconds, first(&logs).tail), (Some(300), None));
}

/// `nothing logged` between an end and a later start would be taken for silence.
#[test]
fn an_end_before_the_start_is_refused() {
    let (world, mut logs) = story();
    let Reply::Say(says) = logs.until("02:50", &world.view()) else { panic!("said") };
    assert_eq!(says, "until 02:50:00 is before since 15m: choose an earlier start first, with :since");
    assert_eq!(first(&logs), query());
    logs.since("1h");
    logs.until("02:50", &world.view());
    assert_eq!(first(&logs).until, Some(testing::at("02:50")));
}

#[test]
fn a_log_is_shown_at_a_moment_and_read_anew_where_it_begins_later() {
    let (mut world, mut logs) = story();
    let moment = testing::at("03:00") + SignedDuration::from_secs(4);
    assert!(logs.show_time(moment, &world.view()));
    assert_eq!(first(&logs), query(), "it is in what was read");
    assert_eq!(logs.moment(&world.view()), Some(moment));
    assert!(world.drawn(&mut logs)[0].contains("PAUSED"));
    // Between two lines the later one, and behind the last the newest.
    logs.show_time(moment + SignedDuration::from_millis(500), &world.view());
    assert_eq!(logs.moment(&world.view()), Some(testing::at("03:00") + SignedDuration::from_secs(5)));
    logs.show_time(testing::at("03:10"), &world.view());
    assert!(world.drawn(&mut logs)[0].contains("follow ON"));

    let early = testing::at("02:30");
    assert!(logs.show_time(early, &world.view()));
    let query = first(&logs);
    assert_eq!(query.since_seconds, Some(50 * 60), "it begins a little before, at a whole minute");
    let pod = origin("myapp-1", "412");
    let lines = [-2_000, -1_800, -1_700].map(|second| line(&pod, second, &format!("I early {second}")));
    say(&mut world, &query, lines.to_vec());
    logs.sync(&world.view(), Changes::LOGS);
    assert_eq!(logs.moment(&world.view()), Some(early));
    assert!(!Logs::default().show_time(early, &world.view()), "none is open");
}

#[test]
fn all_that_a_filter_looks_for_is_marked_and_its_lines_are_counted() {
    let mut world = World::live();
    world.theme.search_match = ratatui::style::Style::new().crossed_out();
    let pod = origin("myapp-1", "412");
    let mut lines: Vec<LogLine> = (0..2_296).map(|second| line(&pod, second, "I fine")).collect();
    lines.extend((0..14).map(|n| line(&pod, 2_300 + n, &format!("E login of user=u{n} failed: status=503"))));
    say(&mut world, &query(), lines);
    let mut logs = Logs::default();
    logs.open(query());
    logs.run(Command::LogFilter, &world.view());
    logs.run(Command::Filter, &world.view());
    logs.set_filter("login & fail status=5.. !fine pod=myapp-.$", &world.view());
    assert!(world.drawn(&mut logs)[1].contains("[status=5..] [!fine] [pod=myapp-.$]  14 of 2,310 lines"));
    logs.run(Command::Top, &world.view());
    let area = world.area();
    let mut buf = Buffer::empty(area);
    logs.render(&world.view(), area, &mut buf);
    let y = (area.top()..area.bottom()).rfind(|y| row_text(&buf, *y).contains("user=u13 ")).expect("the last line");
    let marked: String = (area.left()..area.right())
        .map(|x| &buf[(x, y)])
        .map(|cell| if cell.modifier.contains(ratatui::style::Modifier::CROSSED_OUT) { cell.symbol() } else { " " })
        .collect();
    assert_eq!(marked.split_whitespace().collect::<Vec<_>>(), ["login", "fail", "503"]);
}

fn row_text(buf: &Buffer, y: u16) -> String {
    (buf.area.left()..buf.area.right()).map(|x| buf[(x, y)].symbol()).collect()
}

#[test]
fn the_configurations_fields_are_shown_and_enter_shows_all() {
    let mut world = World::live();
    world.settings.ui.log_fields = vec!["user.id".to_owned(), "thread".to_owned()];
    let text = r#"I {"msg":"saved","took":7,"thread":"main","user":{"id":42,"name":"bob"}}"#;
    say(&mut world, &query(), vec![line(&origin("myapp-1", "412"), 0, text)]);
    let mut logs = Logs::default();
    logs.open(query());
    let screen = world.drawn(&mut logs).join("\n");
    assert!(screen.contains("saved  user.id=42 thread=main") && !screen.contains("took"), "{screen}");
    let Reply::Push(mut page) = logs.run(Command::Enter, &world.view()) else { panic!("a page") };
    let page = world.overlay(page.as_mut()).join("\n");
    assert!(page.contains("\"took\": 7") && page.contains("\"name\": \"bob\""), "{page}");
}

#[test]
fn a_long_line_leaves_the_title_of_its_log_in_sight() {
    let mut world = World::live();
    let text = format!("I {}", "x".repeat(16_000));
    say(&mut world, &query(), vec![line(&origin("myapp-1", "412"), 0, &text)]);
    let mut logs = Logs::default();
    logs.open(query());
    world.drawn(&mut logs);
    let Reply::Push(mut page) = logs.run(Command::Enter, &world.view()) else { panic!("a page") };
    let rows = world.overlay(page.as_mut());
    assert!(rows[1].contains("LOG LINE") && rows[0].trim().is_empty(), "{rows:#?}");
    assert!(rows.last().is_some_and(|row| row.trim().is_empty()), "{rows:#?}");
}

/// A secret's name at the end of a line, and the first line of a key, take nothing of the line below.
#[test]
fn a_saved_line_is_masked_by_itself() {
    let mut world = World::live();
    let pod = origin("myapp-1", "412");
    let texts = ["I got token:", "I next line", "I -----BEGIN PRIVATE KEY-----", "I done"];
    let lines = texts.iter().zip(0..).map(|(text, second)| line(&pod, second, text)).collect();
    say(&mut world, &query(), lines);
    let mut logs = Logs::default();
    logs.open(query());
    world.drawn(&mut logs);
    let Reply::Do(Effect::Save { content, .. }) = logs.run(Command::Save, &world.view()) else { panic!("saved") };
    let text = content.text();
    let saved: Vec<&str> = text.lines().collect();
    assert_eq!(saved.len(), 4, "{text}");
    for (line, end) in saved.iter().zip(["got token:", "next line", "[masked]", "done"]) {
        assert!(line.starts_with("2026-03-14T03:00:0") && line.ends_with(&format!("Z myapp-1/app {end}")), "{text}");
    }
}

#[test]
fn enter_shows_the_head_of_a_trace_past_other_pods_lines() {
    let mut world = World::live();
    let (one, other) = (origin("myapp-1", "412"), origin("myapp-2", "412"));
    let lines = [(&one, "E boom"), (&other, "I between"), (&one, "+ at x"), (&other, "I later"), (&one, "+ at y")];
    say(&mut world, &query(), lines.map(|(origin, text)| line(origin, 0, text)).to_vec());
    let mut logs = Logs::default();
    logs.open(query());
    world.drawn(&mut logs);
    let Reply::Push(mut page) = logs.run(Command::Enter, &world.view()) else { panic!("a page") };
    let page = world.overlay(page.as_mut()).join("\n");
    assert!(["boom", "at x", "at y"].iter().all(|text| page.contains(text)), "{page}");
    assert!(!page.contains("between") && !page.contains("later"), "{page}");
}

#[test]
fn a_filter_looks_at_what_is_on_the_screen_first_and_then_at_the_rest() {
    let mut world = World::live();
    world.store.log_bytes = 1 << 24;
    let pod = origin("myapp-1", "412");
    say(&mut world, &query(), (0..11_000).map(|number| line(&pod, number, &format!("I line {number}"))).collect());
    let mut logs = Logs::default();
    logs.open(query());
    world.drawn(&mut logs);
    assert!(!logs.is_arranging(), "a few frames are enough");
    logs.typing = Typing::Filter;
    logs.set_filter("line 7", &world.view());
    let rows_of = |logs: &Logs| logs.tail().map_or(0, Tail::len);
    assert!(logs.is_arranging(), "a letter does not look at all");
    assert_eq!(rows_of(&logs), 1_000, "7000 to 7999");
    let area = Rect::new(0, 0, 120, 40);
    let text = |buf: &Buffer| buf.content().iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
    let mut buf = Buffer::empty(area);
    logs.render(&world.view(), area, &mut buf);
    let screen = text(&buf);
    assert!(screen.contains("line 7999") && screen.contains("1,000 of 11,000 lines so far"), "{screen}");
    let rows = world.drawn(&mut logs);
    assert!(!logs.is_arranging());
    assert!(rows[1].contains("1,111 of 11,000 lines") && !rows[1].contains("so far"), "{rows:#?}");

    // What is asked for may be among what was not looked at yet.
    logs.set_filter("line 6", &world.view());
    assert!(logs.is_arranging());
    logs.run(Command::Top, &world.view());
    assert!(!logs.is_arranging());
    assert_eq!(logs.copied(&world.view()).as_deref(), Some("line 6"));

    // Paused, it begins at the cursor.
    logs.set_filter("", &world.view());
    world.drawn(&mut logs);
    assert_eq!(logs.copied(&world.view()).as_deref(), Some("line 6"));
    logs.set_filter("line 6 & !line 60", &world.view());
    assert!(logs.is_arranging());
    assert_eq!(logs.copied(&world.view()).as_deref(), Some("line 6"));
}

/// As of a panic with all its goroutines.
#[test]
fn a_log_that_ends_with_a_long_block_takes_keys() {
    let mut world = World::live();
    world.store.log_bytes = 1 << 24;
    let pod = origin("myapp-1", "412");
    let mut lines: Vec<LogLine> = (0..100).map(|number| line(&pod, 0, &format!("I line {number}"))).collect();
    lines.push(line(&pod, 0, "E panic"));
    lines.extend((0..26_000).map(|_| line(&pod, 0, "+ at x")));
    say(&mut world, &query(), lines);
    let mut logs = Logs::default();
    logs.open(query());
    for _ in 0..2 {
        logs.run(Command::LogLevel, &world.view());
    }
    assert!(logs.is_arranging());
    logs.run(Command::Top, &world.view());
    assert!(!logs.is_arranging());
    assert_eq!(logs.copied(&world.view()).as_deref(), Some("panic"));
    assert_eq!(logs.tail().map(Tail::len), Some(26_001), "from the panic on");
}

#[test]
fn what_is_left_out_between_folded_lines_is_not_saved() {
    let mut world = World::live();
    let (one, other) = (origin("myapp-1", "412"), origin("myapp-2", "412"));
    let lines = [&one, &other, &one].iter().zip(0..).map(|(pod, second)| line(pod, second, "E boom")).collect();
    say(&mut world, &query(), lines);
    let mut logs = Logs::default();
    logs.open(query());
    logs.typing = Typing::Filter;
    logs.set_filter("pod=myapp-1", &world.view());
    world.drawn(&mut logs);
    assert_eq!(logs.tail().map(Tail::len), Some(1), "folded");
    let Reply::Do(Effect::Save { content, .. }) = logs.run(Command::Save, &world.view()) else { panic!("saved") };
    let text = content.text();
    assert!(text.lines().count() == 2 && !text.contains("myapp-2"), "{text}");
}

#[test]
fn what_several_pods_have_not_is_said_once_and_a_log_that_is_over_has_no_open_streams() {
    let mut world = World::live();
    let previous = LogQuery { previous: true, follow: false, ..query() };
    let pods = ["myapp-1", "myapp-2", "myapp-3"].map(|pod| origin(pod, "412"));
    let mut lines = vec![line(&pods[0], 0, "I exiting")];
    lines.extend(pods.iter().map(|pod| line(pod, 1, "# container 'app' has no previous instance")));
    // The same container twice is two things that happened.
    lines.extend([2, 3].map(|second| line(&pods[0], second, "# container 'app' restarted")));
    let now = world.clock.now();
    let batch = LogBatch { lines, open: 0, wanted: 3, has_caught_up: true, ..LogBatch::default() };
    let body = Ok(Answer::Logs(batch));
    world.store.answer(Answered { query: Query::Logs(previous.clone()), generation: 1, at: now.wall, body }, now);
    let mut logs = Logs::default();
    logs.open(previous);
    let rows = world.drawn(&mut logs).join("\n");
    assert_eq!(rows.matches("no previous instance").count(), 1, "{rows}");
    assert!(rows.contains("3 pods: container 'app' has no previous instance"), "{rows}");
    assert_eq!(rows.matches("restarted").count(), 2, "{rows}");
    assert!(rows.contains("   3 streams") && !rows.contains("0 of 3") && !rows.contains("lines/s"), "{rows}");
}

#[test]
fn pods_that_fail_in_turn_are_told_of_each_time() {
    let pods = ["myapp-1", "myapp-2"].map(|pod| origin(pod, "412"));
    let note = |pod: usize, second| line(&pods[pod], second, "# container 'app' restarted");
    let notes = vec![note(0, 0), note(1, 4), note(0, 14), note(1, 24), note(0, 34)];
    let mut index = Index::default();
    index.sync(&buffer(notes, 1 << 20), &Sieve::default());
    assert_eq!(rows(&index), [(1, 2), (2, 1), (3, 1), (4, 1)], "once at one time");
}

#[test]
fn a_find_that_fails_leaves_one_where_it_began() {
    let (world, mut logs) = story();
    world.drawn(&mut logs);
    logs.run(Command::Filter, &world.view());
    logs.set_filter("unh", &world.view());
    assert!(world.drawn(&mut logs)[0].contains("PAUSED"));
    logs.set_filter("unhz", &world.view());
    let row = world.drawn(&mut logs)[0].clone();
    assert!(row.contains("follow ON") && row.contains("not found: unhz"), "{row}");
    logs.set_filter("unh", &world.view());
    assert_eq!(logs.copied(&world.view()), Some("unhandled exception".into()));
    // Whoever moves begins there.
    logs.run(Command::Up, &world.view());
    let here = logs.copied(&world.view());
    logs.set_filter("unhz", &world.view());
    assert_eq!(logs.copied(&world.view()), here);
}

#[test]
fn a_find_whose_text_is_taken_back_goes_on_from_where_it_began() {
    let (mut world, mut logs) = story();
    let pod = origin("myapp-7d8b9-abc12", "411");
    let texts = ["E boom old", "I rare", "E boom new"];
    say(&mut world, &query(), (20..).zip(texts).map(|(second, text)| line(&pod, second, text)).collect());
    world.drawn(&mut logs);
    let view = world.view();
    logs.run(Command::Filter, &view);
    for text in ["rare", "", "boom"] {
        logs.set_filter(text, &view);
    }
    assert_eq!(logs.copied(&view), Some("boom new".into()));
    // A look that begins later begins where one stands.
    for text in ["rare", ""] {
        logs.set_filter(text, &view);
    }
    logs.run(Command::Filter, &view);
    logs.set_filter("boom", &view);
    assert_eq!(logs.copied(&view), Some("boom old".into()));
}

#[test]
fn a_find_says_when_it_goes_around_the_end_and_is_read_where_there_is_little_room() {
    let (mut world, mut logs) = story();
    world.drawn(&mut logs);
    logs.run(Command::Filter, &world.view());
    logs.set_filter("verify", &world.view());
    logs.run(Command::Bottom, &world.view());
    let mut next = |command| match logs.run(command, &world.view()) {
        Reply::Say(says) => says.to_string(),
        _ => String::new(),
    };
    assert_eq!(next(Command::NextMatch), "on from the oldest line");
    assert_eq!(next(Command::NextMatch), "");
    assert_eq!(next(Command::NextMatch), "on from the oldest line");
    assert_eq!(next(Command::PreviousMatch), "on from the newest line");
    logs.set_filter("unhandled", &world.view());
    assert!(matches!(logs.run(Command::NextMatch, &world.view()), Reply::Say(says) if says == "no other line has it"));
    logs.run(Command::LogLevel, &world.view());
    world.size = (80, 24);
    let row = world.drawn(&mut logs)[0].clone();
    assert!(row.contains("below  find: unhandled"), "{row}");
    logs.set_filter("zzzz", &world.view());
    let row = world.drawn(&mut logs)[0].clone();
    assert!(row.contains("not found: zzzz"), "{row}");
}

/// Its head may be further up, with another pod's line between them.
#[test]
fn a_line_that_continues_is_no_repeat_of_the_row_before() {
    let (pod, other) = (origin("myapp-1", "412"), origin("myapp-2", "412"));
    let lines = vec![line(&pod, 0, "E boom"), line(&other, 0, "I other"), line(&pod, 0, "+ boom")];
    let mut sieve = Sieve::default();
    sieve.set_text("!other");
    let mut index = Index::default();
    index.sync(&buffer(lines, 1 << 20), &sieve);
    assert_eq!(rows(&index), [(0, 1), (2, 1)]);
}

#[test]
fn a_trace_that_turns_out_unwanted_brings_no_dropped_line_back() {
    let pod = origin("myapp-1", "412");
    let padding = "x".repeat(15_000);
    let padded = |text: &str| line(&pod, 0, &format!("{text}{padding}"));
    let mut sieve = Sieve::default();
    sieve.set_text("!secret");
    let mut index = Index::default();
    let mut kept = buffer(vec![padded("E boom"), padded("E boom")], 1);
    index.sync(&kept, &sieve);
    assert_eq!(rows(&index), [(1, 2)]);
    let now = crate::time::TestClock::at(testing::at("03:00")).now();
    kept.take_in(LogBatch { lines: vec![padded("+ at secret"); 3], ..LogBatch::default() }, now);
    index.sync(&kept, &sieve);
    assert!(kept.first_line > 0);
    assert!(rows(&index).is_empty());
}
