//! Old and new version side by side.

use proptest::prelude::*;

use super::{
    super::beside::{Beside, new_tags},
    *,
};
use crate::keymap::{Key, Keymap};

/// The story, with the workload that says which version is the new one.
fn compared() -> (World, Logs) {
    let (mut world, logs) = story();
    world.workloads([testing::deployment("myapp", "registry.example/myapp:412", 4, 6)]);
    (world, logs)
}

fn press(logs: &mut Logs, world: &World, key: &str) -> Reply {
    let kind = logs.selected(&world.view()).map(|target| target.kind());
    let key = Key::parse(key).expect("a key");
    let command = Keymap::default().command(key, crate::command::ScreenId::Logs, kind).expect("it means something");
    logs.run(command, &world.view())
}

fn filter(logs: &mut Logs, world: &World, text: &str) {
    logs.typing = Typing::Filter;
    logs.set_filter(text, &world.view());
}

#[test]
fn two_columns_begin_each_second_in_one_row() {
    let (mut world, mut logs) = compared();
    press(&mut logs, &world, "b");
    insta::assert_snapshot!(world.drawn(&mut logs)[..11].join("\n"), @r#"
    += LOGS deploy/myapp   2 streams =============================================================== follow ON  since 15m =+
    | time     pod   level OLD 411: 3 lines                    | time     pod   level NEW 412: 3 lines                     |
    | 03:00:00 abc12 INFO  GET /api/users 200                  |                                                           |
    |                                                          | 03:00:02 k2x8q ERROR auth middleware: verify fai~  x2 NEW |
    |                                                          | 03:00:03 k2x8q ERROR unhandled exception              NEW |
    |                                                          |                      at verify (auth.js:88)               |
    |                                                          |                      at handle (app.js:12)                |
    |                                                          | -- 03:00:04 container 'app' restarted (exit 1) ---------- |
    | 03:00:05 abc12 INFO  login ok  token=[masked] user=bob   |                                                           |
    | 03:00:06 abc12 WARN  slow query 812ms                    |                                                           |
    |                                                          |                                                           |
    "#);
    // Without room, pods and hours go first.
    world.size = (80, 24);
    insta::assert_snapshot!(world.drawn(&mut logs)[..10].join("\n"), @r#"
    += LOGS deploy/myapp   2 streams ======================= follow ON  since 15m =+
    | mm:ss level OLD 411: 3 lines         | mm:ss level NEW 412: 3 lines          |
    | 00:00 INFO  GET /api/users 200       |                                       |
    |                                      | 00:02 ERROR auth middleware:~  x2 NEW |
    |                                      | 00:03 ERROR unhandled exception   NEW |
    |                                      |             at verify (auth.js:88)    |
    |                                      |             at handle (app.js:12)     |
    |                                      | -- 00:04 container 'app' restarted (~ |
    | 00:05 INFO  login ok  token=[masked~ |                                       |
    | 00:06 WARN  slow query 812ms         |                                       |
    "#);
    press(&mut logs, &world, "b");
    let rows = world.drawn(&mut logs);
    assert!(rows[1].contains("message"), "one view again");
    let of = |text: &str| rows.iter().find(|row| row.contains(text)).expect("it is there").clone();
    assert!(of("auth middleware").contains("NEW") && !of("slow query").contains("NEW"), "{rows:#?}");
}

#[test]
fn what_comes_is_followed_and_what_comes_late_stands_at_its_time() {
    let (mut world, mut logs) = compared();
    press(&mut logs, &world, "b");
    let (new, old) = (origin("myapp-6d5c9-zzzzz", "412"), origin("myapp-7d8b9-abc12", "411"));
    say(&mut world, &query(), (10..60).map(|second| line(&old, second, &format!("I old {second}"))).collect());
    say(&mut world, &query(), vec![line(&new, 45, "I new 45"), line(&new, 58, "I new 58")]);
    let rows = world.drawn(&mut logs);
    let row = |rows: &[String], text: &str| rows.iter().find(|row| row.contains(text)).cloned().unwrap_or_default();
    assert!(rows[0].contains("follow ON") && row(&rows, "old 58").contains("new 58"), "{rows:#?}");
    assert!(row(&rows, "old 45").contains("new 45") && !row(&rows, "old 59").contains("new"), "{rows:#?}");
    // Paused, the line under the cursor stays, whatever comes on the other side before and behind it.
    press(&mut logs, &world, "k");
    press(&mut logs, &world, "backtab");
    assert_eq!(logs.copied(&world.view()), Some("old 58".into()));
    say(&mut world, &query(), vec![line(&new, 50, "I a"), line(&new, 50, "I b"), line(&new, 70, "I new 70")]);
    let rows = world.drawn(&mut logs);
    assert_eq!(logs.copied(&world.view()), Some("old 58".into()));
    assert!(rows[0].contains("PAUSED 2 below"), "{}", rows[0]);
    assert!(row(&rows, "old 50").contains(" a"), "{rows:#?}");
    // Both sides scroll together.
    press(&mut logs, &world, "g");
    let rows = world.drawn(&mut logs);
    assert!(rows.join("").contains("GET /api/users") && rows.join("").contains("verify fai"), "{rows:#?}");
    press(&mut logs, &world, "G");
    let rows = world.drawn(&mut logs);
    assert!(rows[0].contains("follow ON") && row(&rows, "new 70").contains("03:01:10"), "{rows:#?}");
}

#[test]
fn filters_level_and_finds_act_on_both_columns() {
    let (world, mut logs) = compared();
    press(&mut logs, &world, "b");
    filter(&mut logs, &world, "/issuer|slow/");
    let rows = world.drawn(&mut logs);
    let body = rows[2..].join("\n");
    // 1 and 2 below; the note is no line.
    assert!(rows[1].contains("[/issuer|slow/]  3 of 8 lines") && !rows[1].contains("neither"), "{}", rows[1]);
    assert!(rows[2].contains("OLD 411: 1 of 3 lines") && rows[2].contains("NEW 412: 2 of 3 lines"), "{}", rows[2]);
    assert!(body.contains("verify fai") && body.contains("slow query") && !body.contains("login ok"), "{body}");
    filter(&mut logs, &world, "slow");
    let rows = world.drawn(&mut logs);
    assert!(rows[2].contains("OLD 411") && rows[2].contains("NEW 412"), "an empty column keeps its head: {rows:#?}");
    assert!(rows[2].contains("NEW 412: 0 of 3 lines"), "and says that nothing was found: {}", rows[2]);
    assert!(!rows.join("").contains("verify"), "{rows:#?}");
    filter(&mut logs, &world, "nowhere");
    logs.run(Command::FoldRepeats, &world.view());
    filter(&mut logs, &world, "");
    let said = |rows: &[String]| rows.iter().filter(|row| row.contains("verify fai")).count();
    assert_eq!(said(&world.drawn(&mut logs)), 2, "written out");
    for _ in 0..2 {
        press(&mut logs, &world, "v");
    }
    let rows = world.drawn(&mut logs);
    assert!(rows[0].contains("level >= WARN") && !rows.join("").contains("GET /api"), "{rows:#?}");
    assert!(rows.join("").contains("slow query") && rows.join("").contains("unhandled"), "{rows:#?}");
    // A find goes to the column that has it.
    logs.typing = Typing::Find;
    logs.set_filter("unhandled", &world.view());
    assert_eq!(logs.copied(&world.view()), Some("unhandled exception".into()));
    logs.set_filter("slow", &world.view());
    assert_eq!(logs.copied(&world.view()), Some("slow query 812ms".into()));
    world.drawn(&mut logs);
    logs.set_filter("nowhere", &world.view());
    assert!(world.drawn(&mut logs)[0].contains("not found: "));
}

#[test]
fn counts_of_the_columns_add_up_are_never_cut_and_say_while_lines_are_looked_through() {
    let mut world = World::live();
    world.store.log_bytes = 1 << 24;
    world.workloads([testing::deployment("myapp", "registry.example/myapp:412", 4, 6)]);
    let pods = [origin("myapp-6d5c9-k2x8q", "412"), origin("myapp-7d8b9-abc12", "411")];
    let lines = (0..24_000).map(|number| line(&pods[number % 2], 0, &format!("I line {number}")));
    let trace = [line(&pods[0], 1, "E boom"), line(&pods[0], 1, "+ at x"), line(&pods[0], 1, "+ at y")];
    say(&mut world, &query(), lines.chain(trace).collect());
    let mut logs = Logs::default();
    logs.open(query());
    press(&mut logs, &world, "b");
    world.drawn(&mut logs);
    world.size = (80, 24);
    filter(&mut logs, &world, "boom");
    assert!(logs.is_arranging());
    let (area, mut buf) = (Rect::new(0, 0, 80, 24), Buffer::empty(Rect::new(0, 0, 80, 24)));
    logs.render(&world.view(), area, &mut buf);
    let rows = crate::ui::widgets::cells::rows_of(&buf);
    assert!(logs.is_arranging() && rows[1].contains("3 of 24,003 lines so far"), "{rows:#?}");
    assert!(rows[2].contains("OLD 411: 0/12,000 so far") && rows[2].contains("NEW 412: 1/12,001 so far"), "{rows:#?}");
    let rows = world.drawn(&mut logs);
    assert!(rows[1].contains("3 of 24,003 lines, 2 in neither count"), "{rows:#?}");
    assert!(rows[2].contains("OLD 411: 0/12,000 ") && rows[2].contains("NEW 412: 1/12,001 "), "{rows:#?}");
    assert!(!rows[2].contains("so far"), "{rows:#?}");
}

#[test]
fn the_cursor_has_a_column_and_keys_act_on_its_line() {
    let (mut world, mut logs) = compared();
    press(&mut logs, &world, "b");
    say(&mut world, &query(), vec![line(&origin("myapp-6d5c9-k2x8q", "412"), 6, "E again")]);
    world.drawn(&mut logs);
    press(&mut logs, &world, "k");
    press(&mut logs, &world, "j");
    assert_eq!(logs.copied(&world.view()), Some("again".into()), "the new version's");
    press(&mut logs, &world, "tab");
    assert_eq!(logs.copied(&world.view()), Some("slow query 812ms".into()));
    let pod = |name: &str| Some(Target::Pod(testing::object(name)));
    assert_eq!(logs.selected(&world.view()), pod("myapp-7d8b9-abc12"));
    let rows = world.drawn(&mut logs);
    let y = rows.iter().position(|row| row.contains("slow query")).expect("drawn") as u16;
    logs.click(Position::new(100, y), &world.view());
    assert_eq!(logs.selected(&world.view()), pod("myapp-6d5c9-k2x8q"));
    // Where the column has no line, the other's is meant.
    press(&mut logs, &world, "k");
    assert_eq!(logs.copied(&world.view()).map(|text| text.starts_with('{')), Some(true), "login ok of 411");
    // With the messages open, tab goes through all three.
    press(&mut logs, &world, "=");
    assert!(!logs.tail().expect("open").has_keys());
    press(&mut logs, &world, "tab");
    assert_eq!(logs.tail().and_then(Tail::columns).map(|beside| beside.focus), Some(0));
    press(&mut logs, &world, "tab");
    assert_eq!(logs.tail().and_then(Tail::columns).map(|beside| beside.focus), Some(1));
    press(&mut logs, &world, "tab");
    assert!(!logs.tail().expect("open").has_keys());
    // Read anew, it stays side by side.
    press(&mut logs, &world, "=");
    logs.since("10m");
    assert!(logs.tail().is_some_and(|tail| tail.beside.is_some()));
}

#[test]
fn wrapped_lines_keep_their_rows_beside_each_other() {
    let (mut world, mut logs) = compared();
    world.size = (80, 24);
    let (new, old) = (origin("myapp-6d5c9-k2x8q", "412"), origin("myapp-7d8b9-abc12", "411"));
    let long = "I a long line that needs several rows of its column until its end";
    say(&mut world, &query(), vec![line(&old, 8, long), line(&new, 8, "I short"), line(&new, 9, "I next")]);
    press(&mut logs, &world, "b");
    press(&mut logs, &world, "w");
    let rows = world.drawn(&mut logs);
    let at = |text: &str| rows.iter().position(|row| row.contains(text)).unwrap_or_else(|| panic!("{text}: {rows:#?}"));
    assert_eq!(at("a long line"), at("short"));
    assert!(at("its end") > at("a long line") && at("next") == at("its end") + 1, "{rows:#?}");
    for (width, height) in [(60, 4), (61, 3), (80, 6)] {
        let area = Rect::new(0, 0, width, height);
        logs.render(&world.view(), area, &mut Buffer::empty(area));
    }
}

#[test]
fn what_cannot_stand_side_by_side_says_so_in_the_single_view() {
    let (mut world, mut logs) = story();
    press(&mut logs, &world, "b");
    let said = |world: &World, logs: &mut Logs, says: &str| {
        let rows = world.drawn(logs);
        assert!(rows[1].contains(says), "{says}: {rows:#?}");
        assert!(rows[2].contains("message") && rows.join("").contains("slow query"), "{rows:#?}");
    };
    said(&world, &mut logs, "side by side: deploy/myapp is not listed, so its new version is unknown");
    world.workloads([testing::deployment("myapp", "registry.example/myapp:413", 4, 6)]);
    said(&world, &mut logs, "side by side: no container wrote at two versions, one of them new (411, 412)");
    world.workloads([testing::deployment("myapp", "registry.example/myapp:412", 4, 6)]);
    assert!(world.drawn(&mut logs)[1].contains("OLD 411"), "at once, when it can");
    world.size = (59, 24);
    said(&world, &mut logs, "side by side needs 60 columns; here are 59");
    world.size = (60, 24);
    assert!(world.drawn(&mut logs)[1].contains("OLD 411"));

    let only = LogQuery { since_seconds: Some(60), ..query() };
    say(&mut world, &only, vec![line(&origin("myapp-6d5c9-k2x8q", "412"), 1, "W slow query")]);
    logs.open(only);
    press(&mut logs, &world, "b");
    world.size = (120, 24);
    assert!(world.drawn(&mut logs)[2].contains("only version 412 has written, nothing stands beside it"));
    logs.open(LogQuery { target: LogTarget::Pod(testing::object("postgres-0")), ..query() });
    let reply = logs.run(Command::SideBySide, &world.view());
    assert!(matches!(&reply, Reply::Say(says) if says.contains("only the log of a workload")));
    assert!(logs.tail().is_some_and(|tail| tail.beside.is_none()));
}

#[test]
fn a_sidecar_stands_with_its_pod_and_what_is_of_neither_is_counted() {
    let (mut world, mut logs) = compared();
    press(&mut logs, &world, "b");
    let proxy = |pod: &str| {
        let version = "1.16".into();
        Arc::new(Origin::new(testing::object(pod), "proxy".into(), version))
    };
    let lines = vec![
        line(&proxy("myapp-7d8b9-abc12"), 20, "I proxy of old"),
        line(&proxy("myapp-6d5c9-k2x8q"), 20, "I proxy of new"),
        line(&proxy("myapp-6d5c9-later"), 21, "I proxy of a pod that is silent"),
    ];
    say(&mut world, &query(), lines);
    let rows = world.drawn(&mut logs).join("\n");
    assert!(rows.lines().any(|row| row.contains("proxy of old") && row.contains("proxy of new")), "{rows}");
    assert!(rows.contains("1 of neither version") && !rows.contains("silent"), "{rows}");
    // Its main container says which version it is: what it wrote before comes in.
    say(&mut world, &query(), vec![line(&origin("myapp-6d5c9-later", "412"), 22, "I started")]);
    let rows = world.drawn(&mut logs).join("\n");
    assert!(!rows.contains("of neither") && rows.contains("proxy of a pod"), "{rows}");
}

#[test]
fn what_is_looked_at_slice_by_slice_is_not_laid_out_anew_with_each() {
    let mut world = World::live();
    world.store.log_bytes = 1 << 24;
    world.workloads([testing::deployment("myapp", "registry.example/myapp:412", 4, 6)]);
    let pods = [origin("myapp-6d5c9-k2x8q", "412"), origin("myapp-7d8b9-abc12", "411")];
    let lines = (0..16_000).map(|number| line(&pods[number % 2], 0, &format!("I line {number}")));
    say(&mut world, &query(), lines.collect());
    let mut logs = Logs::default();
    logs.open(query());
    press(&mut logs, &world, "b");
    world.drawn(&mut logs);
    let laid_out = |logs: &Logs| logs.tail().and_then(|tail| tail.beside.as_ref()).map(|beside| beside.rows.lines());
    assert_eq!((laid_out(&logs), logs.is_arranging()), (Some(16_000), false));
    logs.run(Command::FoldRepeats, &world.view());
    let newest = laid_out(&logs);
    assert!(logs.is_arranging() && newest > Some(1_000) && newest < Some(6_000), "the newest at once: {newest:?}");
    // So are those that come meanwhile; older ones wait.
    say(&mut world, &query(), vec![line(&pods[0], 1, "I later")]);
    logs.sync(&world.view(), Changes::LOGS);
    assert!(logs.is_arranging());
    assert_eq!(laid_out(&logs), newest.map(|newest| newest + 1));
    world.drawn(&mut logs);
    assert_eq!((laid_out(&logs), logs.is_arranging()), (Some(16_001), false));
    // Of few rows each slice is shown.
    filter(&mut logs, &world, "line 15");
    assert_eq!(laid_out(&logs), Some(1_000));
    filter(&mut logs, &world, "line 105");
    assert_eq!((laid_out(&logs), logs.is_arranging()), (Some(0), true));
    logs.sync(&world.view(), Changes::LOGS);
    assert_eq!((laid_out(&logs), logs.is_arranging()), (Some(100), true));
}

fn numbers(beside: &Beside) -> Vec<[Option<u64>; 2]> {
    (0..beside.rows.len()).filter_map(|row| beside.rows.get(row)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Kept up with batches, through folds, traces, filters and a ring that drops, it is what it would be made anew.
    #[test]
    fn it_is_kept_up_with(
        batches in prop::collection::vec(
            prop::collection::vec((0_usize..4, 0_i64..20, 0_usize..6), 1..60), 1..8),
        filtered in 0_usize..4,
    ) {
        let mut world = World::live();
        world.workloads([testing::deployment("myapp", "registry.example/myapp:412", 4, 6)]);
        world.store.log_bytes = 1;
        let writers = [("myapp-a-1", "411"), ("myapp-a-2", "411"), ("myapp-b-1", "412"), ("myapp-b-2", "410")]
            .map(|(pod, version)| origin(pod, version));
        let texts = ["I tick", "I tick", "E boom", "+ at x", "# restarted", "W slow 1"];
        let padding = "x".repeat(800);
        let mut sieve = Sieve::default();
        sieve.set_text(["", "!boom", "at", "level>=warn"][filtered]);
        let mut kept = (Index::default(), Beside::default());
        for batch in batches {
            let lines = batch.into_iter().map(|(writer, second, text)| {
                line(&writers[writer], second, &format!("{}{padding}", texts[text]))
            });
            say(&mut world, &query(), lines.collect());
            let view = world.view();
            let buffer = &view.store.logs[&query()];
            kept.0.sync(buffer, &sieve);
            let tags = new_tags(&query(), &view);
            let sides = buffer.signatures.sides(tags.as_deref().unwrap_or_default());
            kept.1.sync(buffer, &kept.0, sides.clone(), tags.is_some());
            let mut shown = [0; 2];
            for entry in kept.0.range(0..kept.0.len()) {
                let head = line_at(buffer, entry.last).filter(|line| !line.continues && !line.is_note);
                if let Some(side) = head.and_then(|line| buffer.signatures.side(&line.origin, &sides)) {
                    shown[side as usize] += u64::from(entry.count);
                }
            }
            prop_assert_eq!(kept.1.rows.counted(), shown);
            let mut anew = Beside::default();
            anew.sync(buffer, &kept.0, sides, tags.is_some());
            // Of a trace whose head is gone, only what was kept up knows the time.
            if !buffer.lines.get(0).is_some_and(|line| line.continues) {
                prop_assert_eq!(numbers(&kept.1), numbers(&anew));
            }
            prop_assert!(!anew.is_shown() || anew.rows.lines() + anew.left_out == kept.0.len());
        }
    }
}

#[test]
fn the_new_side_is_what_the_workload_is_to_run() {
    // Rolled back: 411 is the new one.
    let (mut world, mut logs) = compared();
    press(&mut logs, &world, "b");
    assert!(world.drawn(&mut logs)[1].contains("NEW 412"));
    world.workloads([testing::deployment("myapp", "registry.example/myapp:411", 4, 6)]);
    let rows = world.drawn(&mut logs);
    let (old, new) = (rows[1].find("OLD 412"), rows[1].find("NEW 411"));
    assert!(old.is_some() && old < new, "{}", rows[1]);
    let row = rows.iter().find(|row| row.contains("unhandled exception")).expect("drawn");
    assert!(row.find("unhandled") < Some(60), "in the left column: {row}");
}
