//! What may reach a terminal, and what may not.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What moves a cursor, changes a colour, rings, or changes the order of what is read.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

pub fn assert_harmless(what: &str, text: &str) {
    if let Some(at) = text.chars().position(|c| is_control(c) && c != '\n') {
        let around: String = text.chars().skip(at.saturating_sub(40)).take(80).collect();
        panic!("a control in {what}: {around:?}");
    }
}

/// Every text in a JSON value, as a reader of it gets it.
pub fn assert_harmless_json(what: &str, value: &Value) {
    match value {
        Value::String(text) => assert_harmless(what, text),
        Value::Array(values) => values.iter().for_each(|value| assert_harmless_json(what, value)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            assert_harmless(what, name);
            assert_harmless_json(what, value);
        }),
        _ => {}
    }
}

/// Text as Rust's `Debug` writes it: what is harmful stands there as an escape.
pub fn assert_harmless_debug(what: &str, debug: &str) {
    // A backslash of the text's own begins no escape; the accents of the poison are escaped, and harmless.
    let debug = debug.replace(r"\\", "").replace(r"\u{301}", "");
    for escape in [r"\u{", r"\r", r"\t", r"\0"] {
        if let Some(at) = debug.find(escape) {
            let start = debug[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
            panic!("a control in {what}: …{}", debug[start..].chars().take(140).collect::<String>());
        }
    }
}

/// What the painter may write: where, how, a whole frame at once, the cursor hidden, and links to web addresses of visible
/// ASCII without a user in them.
pub fn assert_harmless_bytes(what: &str, bytes: &[u8]) {
    static OURS: LazyLock<Regex> = LazyLock::new(|| {
        let places = r"\x1b\[[0-9]*(?:;[0-9]+)*[HCm]|\x1b\[2J|\x1b\[\?(?:2026|25)[hl]";
        let links = r"\x1b\]8;(?:id=[0-9a-f]+)?;(?:https?://[^/?#@[:cntrl:]]+(?:[/?#][!-~]*)?)?\x1b\\";
        Regex::new(&format!("{places}|{links}")).unwrap()
    });
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.len() > 100, "{what}: nothing is drawn");
    assert_harmless(&format!("what is written for {what}"), &OURS.replace_all(text, "").replace('\n', "\u{0}"));
}
