//! The signature of a log line: what stays the same when the same message is written again. Numbers, durations, hex ids,
//! uuids, addresses, hash-like parts of names and quoted texts become `<*>`. Pure, and quick enough to run over every line
//! taken in: one pass over the bytes, no regular expression.

/// What stands for a changing part.
pub const ANY: &str = "<*>";

/// Bytes of a line that are looked at: what stands later tells messages apart no more.
const LOOKED_AT: usize = 320;
/// A word with this many digits at least is an id even where letters surround them; with fewer (`s3`, `utf8`) it is a name.
const DIGITS_OF_AN_ID: usize = 2;
/// Hex words of this length at least, with a digit in them, are ids.
const SHORTEST_HEX: usize = 7;
/// Letters and digits that Kubernetes takes the random ends of names from.
const RANDOM: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const RANDOM_LENGTH: usize = 5;

/// Writes the signature of `text` to `out`, which is emptied first.
pub fn signature(text: &str, out: &mut String) {
    out.clear();
    let text = message(head(text));
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if is_word(byte) {
            let end = at + bytes[at..].iter().position(|byte| !is_word(*byte)).unwrap_or(bytes.len() - at);
            word(&text[at..end], out);
            at = end;
        } else if let Some(end) = quoted_end(bytes, at) {
            out.push(char::from(byte));
            any(out);
            out.push(char::from(byte));
            at = end;
        } else {
            // Several blanks say no more than one.
            if byte != b' ' || !out.ends_with(' ') {
                out.push(char::from(byte));
            }
            at += 1;
        }
    }
    let end = out.trim_end().len();
    out.truncate(end);
    if text.trim_start_matches('[').starts_with(|c: char| c.is_ascii_digit()) {
        drop_stamp(out);
    }
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_start()
}

/// The message of a JSON or logfmt line; other lines are their own.
fn message(text: &str) -> &str {
    let after = |key: &str| text.split_once(key).map(|(_, rest)| rest);
    let value = if text.starts_with('{') {
        ["\"msg\":", "\"message\":", "\"event\":"]
            .into_iter()
            .find_map(|key| after(key)?.trim_start().strip_prefix('"'))
    } else {
        ["msg=\"", "message=\""].into_iter().find_map(after)
    };
    let Some(rest) = value.filter(|rest| !rest.starts_with('"')) else { return bare_message(text) };
    let bytes = rest.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b'"' {
        end += 1 + usize::from(bytes[end] == b'\\');
    }
    let mut end = end.min(bytes.len());
    // A backslash may stand before a character of several bytes.
    while !rest.is_char_boundary(end) {
        end += 1;
    }
    &rest[..end]
}

/// `request method=GET` of `ts=… level=error msg=request method=GET`: one word says little, so the fields behind it stay.
fn bare_message(text: &str) -> &str {
    match text.split_once(" msg=") {
        Some((head, rest)) if head.split_ascii_whitespace().all(|word| word.contains('=')) => rest,
        _ => text,
    }
}

/// Bytes of names, numbers and everything that is not ASCII.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || !byte.is_ascii()
}

/// Behind the closing quote of a text quoted from `at` on. An apostrophe inside a word opens nothing.
fn quoted_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    if !matches!(quote, b'"' | b'\'' | b'`') || at.checked_sub(1).is_some_and(|before| is_word(bytes[before])) {
        return None;
    }
    let length = bytes[at + 1..].iter().position(|byte| *byte == quote)?;
    (length > 0).then_some(at + 1 + length + 1)
}

fn word(word: &str, out: &mut String) {
    let bytes = word.as_bytes();
    if !bytes.iter().any(u8::is_ascii_digit) {
        return out.push_str(word);
    }
    // A sign or a full stop around a number is prose.
    if bytes[0].is_ascii_digit() || (bytes[0] == b'-' && bytes.get(1).is_some_and(u8::is_ascii_digit)) || is_hex(bytes)
    {
        any(out);
        if word.ends_with('.') {
            out.push('.');
        }
        return;
    }
    let mut is_after_any = false;
    for (index, part) in word.split('-').enumerate() {
        if index > 0 {
            out.push('-');
        }
        let is_random = is_after_any && part.len() == RANDOM_LENGTH && part.bytes().all(|byte| RANDOM.contains(&byte));
        is_after_any = is_random || is_id(part.as_bytes());
        if is_after_any { any(out) } else { out.push_str(part) }
    }
}

fn is_id(part: &[u8]) -> bool {
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    part.first().is_some_and(u8::is_ascii_digit) || digits >= DIGITS_OF_AN_ID || is_hex(part)
}

/// Hex digits, a decimal one among them, with the dashes of a uuid.
fn is_hex(word: &[u8]) -> bool {
    word.len() >= SHORTEST_HEX
        && word.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
        && word.iter().any(u8::is_ascii_digit)
}

/// A changing part; one joined to it by punctuation (`10:20:30`, `10.0.0.1:80`) is the same.
fn any(out: &mut String) {
    let rest = out.strip_suffix([':', ',', '/', '+']).unwrap_or(out);
    if rest.len() < out.len() && rest.ends_with(ANY) {
        let end = rest.len();
        out.truncate(end);
    } else {
        out.push_str(ANY);
    }
}

/// A time before the message says nothing of it.
fn drop_stamp(out: &mut String) {
    let rest = out.trim_start_matches(['[', ']', ' ']);
    let mut rest = rest;
    while let Some(more) = rest.strip_prefix(ANY).map(|more| more.trim_start_matches([' ', ']', '['])) {
        rest = more;
    }
    if rest.len() < out.len() && rest.starts_with(char::is_alphabetic) && out.trim_start_matches('[').starts_with(ANY) {
        let start = out.len() - rest.len();
        out.drain(..start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let mut out = String::new();
        signature(text, &mut out);
        out
    }

    #[test]
    fn what_changes_is_masked_and_what_tells_messages_apart_is_not() {
        for (text, expected) in [
            ("slow query 812ms GET /api/users", "slow query <*> GET /api/users"),
            ("db: connection timeout (pool 50/50)", "db: connection timeout (pool <*>)"),
            ("waited 1.9s for 10.0.3.17:5432", "waited <*> for <*>"),
            ("GET /api/users/123/orders 200", "GET /api/users/<*>/orders <*>"),
            ("id 6ba7b810-9dad-11d1-80b4-00c04fd430c8 gone", "id <*> gone"),
            ("commit 9f2c1e4 of 0xdeadbeef", "commit <*> of <*>"),
            ("user=\"bob b\" logged in", "user=\"<*>\" logged in"),
            ("no route to 'db-1', giving up", "no route to '<*>', giving up"),
            ("can't read, won't try", "can't read, won't try"),
            ("pod myapp-6d5c9f-k2x8q is gone", "pod myapp-<*>-<*> is gone"),
            ("pod myapp-6d5c9f-bcdfg is gone", "pod myapp-<*>-<*> is gone"),
            ("s3 upload as utf8", "s3 upload as utf8"),
            ("user1234 failed", "<*> failed"),
            ("at -5 degrees", "at <*> degrees"),
            ("10% of 1,234", "<*>% of <*>"),
            ("2026-01-02 03:04:05,123 ERROR [main] no db", "ERROR [main] no db"),
            ("[2026-01-02T03:04:05Z] no db", "no db"),
            ("ts=2026-01-02 level=error msg=request path=/a status=503", "request path=/a status=<*>"),
            ("cannot parse msg=x", "cannot parse msg=x"),
            ("500", "<*>"),
            ("", ""),
            ("\u{e9}t\u{e9} 7", "\u{e9}t\u{e9} <*>"),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_structured_line_is_its_message() {
        assert_eq!(of(r#"{"ts":1,"level":"error","msg":"save 7 failed","user":"bob"}"#), "save <*> failed");
        assert_eq!(of(r#"{"message": "say \"hi\" to \é"}"#), r#"say \"<*>" to \é"#);
        assert_eq!(of(r#"ts=1 level=warn msg="slow query" took=3s"#), "slow query");
        assert_eq!(of(r#"{"msg":"cut \"#), "cut \\");
        // Without a message its fields are what it says.
        assert_eq!(of(r#"{"status":500}"#), r#"{"<*>":<*>}"#);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let long = "é ".repeat(500);
        assert!(of(&long).len() <= LOOKED_AT);
    }
}
