//! A plan has more to say than rows to say it in: what goes first.

use crate::{action::ActionError, model::Name};

use super::*;

fn refused() -> Evidence {
    let mut evidence = evidence(&roll_back(None), inspection());
    for (_, said) in &mut evidence.rehearsals {
        *said = Some(Err(ActionError::Refused("admission webhook 'policy' says no".into())));
    }
    evidence
}

#[test]
fn a_refusal_of_the_server_is_said_once() {
    let mut desk = Desk::ask(roll_back(None));
    desk.evidence(&roll_back(None), refused());
    desk.wait();
    desk.type_in("13");
    assert!(desk.key(KeyCode::Enter).is_empty());
    let screen = desk.dialog(80, 24);
    assert_eq!(screen.matches("says no").count(), 1, "{screen}");
    assert!(screen.contains("CANNOT BE SENT the STOP above says why"), "{screen}");
}

/// The names of what is well go to one row, and blank rows go, before a reason loses its end.
#[test]
fn reasons_keep_their_ends_as_long_as_anything_else_can_go() {
    let mut desk = Desk::ask(roll_back(None));
    let mut found = inspection();
    found.warnings = (0..3).map(|n| format!("warning {n} {}ends here", "that is long ".repeat(6)).into()).collect();
    desk.found(&roll_back(None), found);
    let screen = desk.dialog(80, 24);
    assert_eq!(screen.matches("ends here").count(), 3, "{screen}");
    assert!(screen.contains("right place, right suspect, allowed"), "{screen}");
    assert!(screen.contains("undo U: back to rev 14") && screen.contains("type 13 or 411"), "{screen}");
    let roomy = desk.dialog(120, 35);
    assert!(
        roomy.contains("also on it")
            && roomy.lines().filter(|line| line[1..].trim_end_matches('|').trim().is_empty()).count() == 2,
        "{roomy}"
    );
}

#[test]
fn where_there_is_no_room_for_all_reasons_the_steps_scroll_and_the_way_out_is_a_key() {
    let mut desk = Desk::ask(roll_back(None));
    let mut found = inspection();
    found.warnings = (0..7).map(|n| format!("{}ends {n} here", "that is long ".repeat(9)).into()).collect();
    desk.found(&roll_back(None), found);
    let mut seen = String::new();
    for _ in 0..30 {
        let screen = desk.dialog(80, 24);
        assert!(screen.contains("type 13 or 411"), "{screen}");
        seen.push_str(&screen);
        desk.key(KeyCode::Down);
    }
    for words in (0..7).map(|n| format!("ends {n} here")).chain(["undo U: back to rev 14".to_owned()]) {
        assert!(seen.contains(&words), "{words}:\n{seen}");
    }
    for n in 0..3 {
        desk.app.toasts.say(format!("act {n}: done, and {}", "more ".repeat(40)).into(), desk.now);
    }
    let screen = desk.screen(80, 24);
    let keys = screen.lines().last().expect("keys");
    assert!(keys.contains("13 enter send  esc leave") && keys.contains("act 2: done"), "{screen}");
}

/// What is sent is read before the names of what is well, and the keys say how the rest is reached.
#[test]
fn the_steps_are_in_sight_before_what_is_well() {
    let mut is_cut = false;
    for count in 0..9 {
        let mut desk = Desk::ask(roll_back(None));
        let mut found = inspection();
        found.warnings = (0..count).map(|n| format!("{}ends {n} here", "that is long ".repeat(9)).into()).collect();
        desk.found(&roll_back(None), found);
        let screen = desk.screen(80, 24);
        let has_steps = ["template -> rev 13", "watch until 10 of 10"].iter().all(|words| screen.contains(words));
        assert!(has_steps || !screen.contains("ok   right place"), "{screen}");
        if screen.contains(" more line") {
            is_cut |= has_steps;
            let sends = screen.lines().find(|row| row.contains("type 13 or 411")).expect("the line that sends");
            assert!(sends.contains(": down"), "{screen}");
            let keys = " 13 enter send  esc leave  left right other revision  tab checks, diff";
            assert!(screen.contains(keys), "{screen}");
        }
    }
    assert!(is_cut, "one of them has no room for all");
}

/// One step a line where there is room, below what speaks against it and above what is well.
#[test]
fn what_is_done_stands_between_the_reasons_and_what_is_well() {
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), inspection());
    let screen = desk.dialog(80, 24);
    let row = |words: &str| screen.lines().position(|row| row.contains(words)).unwrap_or_else(|| panic!("{screen}"));
    let steps = row("1 template -> rev 13");
    assert_eq!(row("2 watch until 10 of 10"), steps + 1, "{screen}");
    assert!(row("| LOOK ") < steps && steps < row("| ok "), "{screen}");
    assert!(!screen.contains(": down"), "all is in sight: {screen}");
}

#[test]
fn a_long_tag_leaves_room_for_what_is_typed() {
    let tag = format!("411-{}", "release-candidate-".repeat(4));
    let mut found = inspection();
    for revision in &mut found.revisions {
        let renamed = |text: String| text.replace("myapp:411", &format!("myapp:{tag}"));
        revision.images = revision.images.iter().map(|image| Name::line(&renamed(image.to_string()))).collect();
        revision.template = renamed(revision.template.to_string()).parse().expect("JSON still");
    }
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), found);
    desk.wait();
    desk.type_in("1");
    let screen = desk.dialog(80, 24);
    assert!(screen.contains("type 13, then Enter: [ 1_ ]   Esc: nothing is sent"), "{screen}");
}
