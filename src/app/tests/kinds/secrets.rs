//! Secrets: their keys, and a value on request.

use super::*;

/// The table of Secrets, one of them selected.
pub(super) fn secrets() -> Desk {
    let mut desk = Desk::new(incident());
    let mut kinds = served();
    kinds.list.push(resource("", "secrets", "Secret", &[]));
    desk.answer(Query::Resources(cluster()), Ok(Answer::Resources(Arc::new(kinds))));
    desk.line("secrets");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], vec![row("db", &["Opaque"])])));
    desk.screen();
    desk
}

fn revealed(value: &str) -> Answer {
    let secret = crate::secret::Secret::verbatim(value.to_owned());
    Answer::SecretValue(crate::model::kubernetes::secret::Revealed::Text(Arc::new(secret)))
}

#[test]
fn a_value_of_a_secret_is_shown_on_request_and_is_nowhere_after() {
    const MARKER: &str = "m4rker-0f-a-value";
    let mut desk = secrets();
    desk.keys("v");
    let keys = desk.wanted().into_iter().find(|query| matches!(query, Query::SecretKeys(_))).expect("asked");
    desk.answer(keys, Ok(Answer::SecretKeys(vec![("password".into(), 17), ("user".into(), 3)])));
    desk.has("password       17 bytes   ********");
    let value = |desk: &Desk| desk.wanted().into_iter().find(|query| matches!(query, Query::SecretValue(_)));
    assert_eq!(value(&desk), None, "no value is read unasked");
    desk.keys("y");
    desk.has("its value is masked");
    desk.press(KeyCode::Enter);
    let asked = value(&desk).expect("asked");
    desk.answer(asked.clone(), Ok(revealed(&format!("{MARKER}\nsecond"))));
    desk.has(MARKER);
    assert!(!format!("{:?}", desk.app.store.answers).contains(MARKER));
    let snapshot = crate::store::snapshot::Snapshot::take(&desk.app.store, desk.clock.now()).to_bytes();
    assert!(!String::from_utf8_lossy(&snapshot).contains(MARKER));
    let copied = desk.keys("y");
    assert!(
        copied
            .iter()
            .any(|effect| matches!(effect, Effect::CopySecret(text) if text.as_str() == format!("{MARKER}\nsecond")))
    );
    // hidden again, and asked anew
    desk.press(KeyCode::Enter);
    assert!(!desk.screen().contains(MARKER));
    assert_eq!(value(&desk), None);
    let wanted = desk.app.wanted(desk.clock.now());
    desk.app.store.keep_answers(&wanted);
    assert!(!desk.app.store.answers.contains_key(&asked), "it is forgotten at once");
    desk.press(KeyCode::Enter);
    desk.answer(asked.clone(), Ok(revealed(MARKER)));
    desk.has(MARKER);
    desk.press(KeyCode::Esc);
    let wanted = desk.app.wanted(desk.clock.now());
    desk.app.store.keep_answers(&wanted);
    assert!(!desk.screen().contains(MARKER) && !desk.app.store.answers.contains_key(&asked));
}

#[test]
fn the_key_after_the_one_shown_is_one_step_away() {
    let mut desk = secrets();
    desk.keys("v");
    let keys = desk.wanted().into_iter().find(|query| matches!(query, Query::SecretKeys(_))).expect("asked");
    let names = vec![("first".into(), 13), ("second".into(), 13), ("third".into(), 500), ("fourth".into(), 13)];
    desk.answer(keys, Ok(Answer::SecretKeys(names)));
    desk.screen();
    let asked = |desk: &Desk| {
        let of = |query| if let Query::SecretValue(key) = query { Some(key.key) } else { None };
        desk.wanted().into_iter().find_map(of)
    };
    let show = |desk: &mut Desk, value: &str| {
        desk.press(KeyCode::Enter);
        let query = desk.wanted().into_iter().find(|query| matches!(query, Query::SecretValue(_))).expect("asked");
        desk.answer(query, Ok(revealed(value)));
        desk.screen();
    };
    let short = "one\ntwo\nthree";
    show(&mut desk, short);
    assert_eq!(asked(&desk), Some("first".into()));
    desk.keys("j");
    show(&mut desk, short);
    assert_eq!(asked(&desk), Some("second".into()), "not the first one masked again");
    desk.keys("jk");
    desk.press(KeyCode::Enter);
    assert_eq!(asked(&desk), None, "up again it is the one shown, which is masked now");
    // A value longer than the page is read line by line.
    desk.keys("j");
    show(&mut desk, &(["a line"; 99].join("\n") + "\nthe last line"));
    assert_eq!(asked(&desk), Some("third".into()));
    assert!(!desk.screen().contains("the last line"));
    desk.keys(&"j".repeat(99));
    desk.has("the last line");
}
