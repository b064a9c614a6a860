//! Revisions of a workload: what came with each, and how any two differ.

use serde_json::json;

use super::*;

fn revision(number: i64, is_live: bool, password: &str, level: &str) -> Revision {
    Revision {
        number,
        name: Clean::own(format!("myapp-{number}")),
        hash: None,
        created: Some(at("02:57")),
        change_cause: None,
        by: None,
        images: Box::new([Name::from("ghcr.io/acme/myapp:412")]),
        pods: Some((4, 9)),
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
        pods: Some((4, 6)),
        wanted: None,
        is_live: number == 14,
        template: json!({"spec": {"containers": [{"image": image}]}}),
    };
    let list = vec![
        revision(14, "ghcr.io/acme/myapp:412", Some("ana with midwatch"), Some("JWT login")),
        revision(13, "ghcr.io/acme/myapp:411", Some("helm"), None),
        Revision { pods: None, ..revision(12, "ghcr.io/acme/myapp:410", None, None) },
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
        assert!(line("rev 13").contains("4/6 up") && line("rev 12").contains("pods unknown"), "{frame}");
    }
    // Its pods crash.
    let tab_text = text(&world, &mut *tab);
    assert!(tab_text.lines().any(|line| line.contains("!! rev 14")), "{tab_text}");
    assert!(text(&world, &mut *tab).contains("02:57"), "when");
    assert!(text(&world, &mut *diff).contains("17m"), "when");
}
