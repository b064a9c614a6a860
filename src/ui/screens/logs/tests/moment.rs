//! A moment that is gone to while a log is still read.

use super::*;

#[test]
fn a_moment_is_gone_to_when_all_is_here_unless_one_moves_meanwhile() {
    for moves in [false, true] {
        let (mut world, mut logs) = story();
        let early = testing::at("02:30");
        logs.show_time(early, &world.view());
        let query = logs.open_logs().next().expect("open").clone();
        let pod = origin("myapp-1", "412");
        let lines = |from: i64| {
            (from..from + 50).map(|second| line(&pod, second, &format!("I early {second}"))).collect::<Vec<_>>()
        };
        let now = world.clock.now();
        let body = Ok(Answer::Logs(LogBatch { lines: lines(-1_900), ..LogBatch::default() }));
        world.store.answer(Answered { query: Query::Logs(query.clone()), generation: 1, at: now.wall, body }, now);
        logs.sync(&world.view(), Changes::LOGS);
        if moves {
            logs.run(Command::Top, &world.view());
        }
        say(&mut world, &query, lines(-1_820));
        logs.sync(&world.view(), Changes::LOGS);
        let expected = if moves { early - SignedDuration::from_secs(100) } else { early };
        assert_eq!(logs.moment(&world.view()), Some(expected), "moves: {moves}");
    }
}

#[test]
fn a_moment_before_the_first_line_that_is_kept_is_said_to_be_missed_until_one_moves() {
    for (begins, misses) in [(-1_700, true), (-1_800, false), (-1_900, false)] {
        let (mut world, mut logs) = story();
        logs.show_time(testing::at("02:30"), &world.view());
        let query = logs.open_logs().next().expect("open").clone();
        let pod = origin("myapp-1", "412");
        let lines = [begins, -1_000, -900].map(|second| line(&pod, second, &format!("I early {second}")));
        say(&mut world, &query, lines.to_vec());
        logs.sync(&world.view(), Changes::LOGS);
        let is_said = |rows: &[String]| rows.iter().any(|row| row.contains("nothing of "));
        let rows = world.drawn(&mut logs);
        let words = "nothing of 02:30:00 is in this log: it begins at 02:31:40";
        assert_eq!(rows.iter().any(|row| row.contains(words)), misses, "{rows:#?}");
        assert_eq!(is_said(&rows), misses, "{rows:#?}");
        logs.run(Command::Down, &world.view());
        assert!(!is_said(&world.drawn(&mut logs)), "one has moved on");
    }
}
