//! Messages by version.

use super::*;

#[test]
fn messages_are_compared_by_version_and_picked() {
    let (mut world, mut logs) = story();
    let workload = testing::deployment("myapp", "registry.example/myapp:412", 4, 6);
    let key = workload.key.clone();
    world.workloads([workload]);
    let error = world.store.first_new_error(&key, &["412"]).expect("an error of 412 alone");
    assert_eq!((error.text, error.lines), ("auth middleware: verify failed: issuer mismatch", 2));
    assert_eq!((error.new.as_str(), error.old.as_str()), ("412", "411"));
    logs.run(Command::CompareVersions, &world.view());
    let rows = world.drawn(&mut logs);
    let at = rows.iter().position(|row| row.contains("MESSAGES 412 against 411")).expect("the pane");
    insta::assert_snapshot!(rows[at..].join("\n"), @r#"
    += MESSAGES 412 against 411 ================================================== per 1,000 lines   412: 3  411: 3 lines =+
    |      412      411  level message                                                                                     |
    |      667    never  ERROR NEW auth middleware: verify failed: issuer mismatch                                         |
    |      333    never  ERROR NEW unhandled exception                                                                     |
    |    never      333  WARN  slow query <*>                                                                              |
    |    never      333  INFO  GET /api/users <*>                                                                          |
    |    never      333  INFO  login ok                                                                                    |
    +======================================================================================================================+
    "#);
    logs.run(Command::Down, &world.view());
    logs.run(Command::Up, &world.view());
    logs.run(Command::Enter, &world.view());
    let rows = world.drawn(&mut logs);
    assert!(rows[1].contains("[message: ERROR auth middleware: verify failed: issuer mismatch]"), "{}", rows[1]);
    assert!(!rows[..at].iter().any(|row| row.contains("slow query")));
    // What comes later is sifted by it too.
    let pod = origin("myapp-6d5c9-k2x8q", "412");
    let more = ["E auth middleware: verify failed: issuer mismatch", "E another"];
    say(&mut world, &query(), more.iter().map(|text| line(&pod, 30, text)).collect());
    let rows = world.drawn(&mut logs);
    assert!(rows.iter().take(at).any(|row| row.contains("03:00:30")) && !rows[..at].join("").contains("another"));
    world.size = (80, 24);
    assert!(world.drawn(&mut logs)[0].contains("MESSAGES"), "alone where there is little room");
    logs.run(Command::Back, &world.view());
    logs.run(Command::Back, &world.view());
    assert!(world.drawn(&mut logs).join("").contains("slow query"));
}

#[test]
fn a_message_replaces_what_would_hide_its_lines_and_says_so() {
    let (mut world, mut logs) = story();
    world.workloads([testing::deployment("myapp", "registry.example/myapp:412", 4, 6)]);
    logs.typing = Typing::Filter;
    logs.set_filter("unhandled token=abcdefghijkl", &world.view());
    logs.run(Command::CompareVersions, &world.view());
    world.drawn(&mut logs);
    let says = |reply| match reply {
        Reply::Say(says) => says.to_string(),
        _ => String::new(),
    };
    let said = says(logs.run(Command::Enter, &world.view()));
    assert!(said.starts_with("the message replaces the filter: unhandled"), "{said}");
    assert!(!said.contains("abcdefghijkl"), "{said}");
    let rows = world.drawn(&mut logs);
    assert!(rows[1].contains("[message: ERROR auth middleware") && !rows[1].contains("[unhandled"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("issuer mismatch") && row.contains("x2")), "{rows:#?}");
    // Once more: all lines again.
    assert_eq!(says(logs.run(Command::Enter, &world.view())), "");
    assert!(logs.tail().is_some_and(|tail| !tail.sieve.is_active()));
    // A level that its lines have stays; another goes.
    for _ in 0..3 {
        logs.run(Command::LogLevel, &world.view());
    }
    assert_eq!(says(logs.run(Command::Enter, &world.view())), "");
    assert!(world.drawn(&mut logs)[0].contains("level >= ERROR"));
    logs.run(Command::Bottom, &world.view());
    assert_eq!(says(logs.run(Command::Enter, &world.view())), "the message replaces level >= ERROR");
    assert!(world.drawn(&mut logs).iter().any(|row| row.contains("login ok")));
}

/// As of the previous container of a pod that never restarted.
#[test]
fn a_log_of_notes_alone_matches_nothing_and_says_why_it_has_no_messages() {
    let mut world = World::live();
    let mut logs = Logs::default();
    logs.open(query());
    logs.run(Command::CompareVersions, &world.view());
    assert!(world.drawn(&mut logs).join("").contains("no messages yet: the log is being read"));
    say(&mut world, &query(), Vec::new());
    assert!(world.drawn(&mut logs).join("").contains("no messages: nothing was logged"));
    say(&mut world, &query(), vec![line(&origin("myapp-1", "412"), 0, "# container 'app' never restarted")]);
    logs.typing = Typing::Filter;
    logs.set_filter("status=500", &world.view());
    let rows = world.drawn(&mut logs);
    assert!(rows[1].contains("[status=500]  0 of 0 lines"), "{rows:#?}");
    let screen = rows.join("\n");
    assert!(screen.contains("never restarted") && screen.contains("no messages: only notes of midwatch's"), "{screen}");
    world.size = (80, 24);
    assert!(world.drawn(&mut logs).join("").contains("no messages: only notes"), "alone where there is little room");
}

#[test]
fn a_long_message_is_cut_and_not_how_many_lines_it_has() {
    let (mut world, mut logs) = story();
    let pod = origin("myapp-6d5c9-k2x8q", "412");
    let long = format!("F {} the end", "no database answers ".repeat(6));
    say(&mut world, &query(), vec![line(&pod, 30, &long)]);
    world.size = (80, 24);
    logs.run(Command::CompareVersions, &world.view());
    logs.run(Command::Enter, &world.view());
    let rows = world.drawn(&mut logs);
    assert!(rows[1].contains("[message: FATAL no database") && !rows[1].contains("the end"), "{rows:#?}");
    assert!(rows[1].contains("~ 1 of 9 lines |"), "the note stays, and is no line: {rows:#?}");
}
