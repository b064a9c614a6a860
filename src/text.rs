//! Clean text: every foreign string is sanitised once, where it enters, so that nothing a pod, a pull request or a label
//! says can reach the terminal, the clipboard, a file or the audit log as a control sequence.

use std::{fmt, ops::Deref, sync::Arc};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Longest line kept, in bytes; what is over is counted in the text itself.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// Text without escape sequences, C0/C1 controls, bidirectional overrides or zero-width controls; of controls it has line
/// breaks ([`Clean::block`]) or tabs ([`Clean::log_line`]) at most. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Clean(Arc<str>);

impl Clean {
    /// One line: line breaks become spaces, tabs four spaces, of a `\r` progress bar only the last state is kept; other
    /// controls are shown in caret form (`^G`), escape sequences dropped.
    pub fn line(foreign: &str) -> Self {
        Self::log_line(foreign, 0, false)
    }

    /// A line of a log, off whose end `over` bytes were cut already, which are counted with what is cut here. Otherwise as
    /// [`Clean::line`]; but with `has_tabs` tabs stay: for standard output, where others tell columns by them.
    pub fn log_line(foreign: &str, over: usize, has_tabs: bool) -> Self {
        if is_plain(foreign) && foreign.len() <= MAX_LINE_BYTES && over == 0 {
            return Self(foreign.into());
        }
        let foreign = foreign.trim_end_matches(['\r', '\n']);
        let visible = if foreign.contains('\n') { foreign } else { foreign.rsplit('\r').next().unwrap_or(foreign) };
        let kept: &'static [u8] = if has_tabs { b"\t" } else { b"" };
        Self(capped(strip(visible, kept), over).into())
    }

    /// Several lines: as [`Clean::line`], but line breaks stay.
    pub fn block(foreign: &str) -> Self {
        if is_plain(foreign) {
            return Self(foreign.into());
        }
        Self(strip(&foreign.replace("\r\n", "\n"), b"\n").into())
    }

    /// Joins already clean pieces, or text of our own.
    pub fn own(text: impl Into<String>) -> Self {
        let text: String = text.into();
        if is_plain(&text) { Self(text.into()) } else { Self(strip(&text, b"\n").into()) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Width on screen, in cells.
    pub fn width(&self) -> usize {
        self.0.width()
    }
}

impl Deref for Clean {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Default for Clean {
    fn default() -> Self {
        Self("".into())
    }
}

impl fmt::Debug for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Clean {
    fn from(text: &str) -> Self {
        Self::line(text)
    }
}

impl From<String> for Clean {
    fn from(text: String) -> Self {
        Self::line(&text)
    }
}

impl std::borrow::Borrow<str> for Clean {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Clean {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Clean {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl<'de> serde::Deserialize<'de> for Clean {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::block(&text))
    }
}

/// The same JSON, in which what a terminal would obey is written as `\u….`: for values that must stay as they are, in
/// files that somebody will `cat`.
pub fn inert_json(json: &str) -> String {
    // Outside of strings JSON has no such characters but the line breaks of a pretty printer.
    let mut inert = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_hidden(c) {
            let mut units = [0; 2];
            inert.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            inert.push(c);
        }
    }
    inert
}

/// `1 pod`, `3 pods`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `512Mi`, `1.5Gi`: the shortest of the usual forms.
pub fn memory_text(bytes: u64) -> String {
    let units = [(1_u64 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| bytes >= *unit) else { return bytes.to_string() };
    if bytes.is_multiple_of(unit) {
        return format!("{}{name}", bytes / unit);
    }
    format!("{:.1}{name}", bytes as f64 / unit as f64)
}

/// `4,388`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Safe for a shell as one word.
pub fn quoted(text: &str) -> String {
    // A word that begins with `=` is a program's path for zsh.
    let is_plain = !text.is_empty()
        && !text.starts_with('=')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | ',' | '='));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The name of a file after something foreign: no folder, nothing that a shell or a terminal takes for more than a letter.
pub fn file_name(foreign: &str) -> String {
    foreign.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

/// A number below `most` that stands for `name`, the same one each time.
pub fn steady(name: &str, most: usize) -> usize {
    // FNV-1a: names that differ in one letter are far apart.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    ((hash ^ (hash >> 32)) % most.max(1) as u64) as usize
}

/// Cuts `text` to `width` cells, with `ellipsis` at the end if something was cut.
pub fn truncate(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ellipsis.width());
    let mut cut = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let cells = grapheme.width();
        if used + cells > room {
            break;
        }
        cut.push_str(grapheme);
        used += cells;
    }
    if ellipsis.width() <= width {
        cut.push_str(ellipsis);
    }
    cut
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn capped(mut text: String, over: usize) -> String {
    let mut end = text.len().min(MAX_LINE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = text.len() - end + over;
    if cut > 0 {
        text.truncate(end);
        text.extend([" … (+", &cut.to_string(), " bytes)"]);
    }
    text
}

/// `kept`: the controls that stay.
fn strip(foreign: &str, kept: &'static [u8]) -> String {
    let mut parser = vte::Parser::new();
    let mut printed = Printed { text: String::with_capacity(foreign.len()), kept };
    parser.advance(&mut printed, foreign.as_bytes());
    printed.text
}

struct Printed {
    text: String,
    kept: &'static [u8],
}

impl vte::Perform for Printed {
    fn print(&mut self, c: char) {
        if !is_hidden(c) {
            self.text.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            _ if self.kept.contains(&byte) => self.text.push(char::from(byte)),
            b'\n' | b'\r' => self.text.push(' '),
            b'\t' => self.text.push_str("    "),
            0x00..=0x1f => self.text.extend(['^', char::from(byte + 0x40)]),
            _ => {}
        }
    }
}

/// Controls, and what Unicode calls ignorable: draws nothing, but changes what is drawn, or hides in it. The variation
/// selectors (U+FE00 and on) stay: they make emoji.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_dropped_and_controls_shown() {
        assert_eq!(Clean::line("\x1b[31mred\x1b[0m \x07bell"), "red ^Gbell");
        assert_eq!(Clean::line("\x1b]0;title\x07ok"), "ok");
        assert_eq!(Clean::line("\x1b]52;c;aGk=\x1b\\ok"), "ok");
        assert_eq!(Clean::line("a\tb\nc"), "a    b c");
        assert_eq!(Clean::line("10%\r50%\r100%\n"), "100%");
        assert_eq!(Clean::block("a\r\nb\x1b[2Jc"), "a\nbc");
    }

    #[test]
    fn bidi_and_zero_width_controls_are_dropped() {
        assert_eq!(Clean::line("ad\u{202e}min\u{200b}\u{feff}"), "admin");
        assert_eq!(Clean::line("\u{9b}31m"), "31m");
    }

    #[test]
    fn json_keeps_its_meaning_and_loses_its_bite() {
        let value = serde_json::json!({"a\u{9b}31m": ["\u{1b}[2J\u{7f}\u{85}", "ad\u{202e}min\u{e0041}", "日本 \n"]});
        for json in [value.to_string(), format!("{value:#}")] {
            let inert = inert_json(&json);
            assert!(!inert.chars().any(|c| c != '\n' && is_hidden(c)), "{inert}");
            assert!(inert.contains("日本"), "{inert}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&inert).unwrap(), value);
        }
    }

    #[test]
    fn a_huge_line_is_cut_and_says_so() {
        let line = Clean::line(&"x".repeat(MAX_LINE_BYTES + 10));
        assert!(line.ends_with("… (+10 bytes)"), "{}", &line[line.len() - 20..]);
        // What was cut before is counted with it, once.
        let line = Clean::log_line(&"x".repeat(MAX_LINE_BYTES + 10), 90, false);
        assert!(line.ends_with("x … (+100 bytes)"), "{}", &line[line.len() - 30..]);
        assert_eq!(Clean::log_line("ab", 90, false), "ab … (+90 bytes)");
    }

    #[test]
    fn tabs_stay_in_a_log_line_where_they_are_kept_and_nothing_else_does() {
        let foreign = "a\tb\x1b[31m\tc\x07 \x0b\u{9b}31m\u{202e}d\n";
        assert_eq!(Clean::log_line(foreign, 0, true), "a\tb\tc^G ^K31md");
        assert_eq!(Clean::log_line("1\t%\r2\t%\n", 0, true), "2\t%", "the newest state");
        assert_eq!(Clean::log_line("a\tb", 0, false), "a    b");
        assert_eq!(Clean::block("a\tb\n"), "a    b\n");
    }

    #[test]
    fn memory_is_written_as_people_write_it() {
        for (bytes, text) in [(512 << 20, "512Mi"), (1_610_612_736, "1.5Gi"), (2 << 30, "2Gi"), (900, "900")] {
            assert_eq!(memory_text(bytes), text);
        }
    }

    #[test]
    fn truncation_counts_cells_not_bytes() {
        assert_eq!(truncate("日本語テキスト", 7, "…"), "日本語…");
        assert_eq!(truncate("short", 7, "…"), "short");
        assert_eq!(truncate("anything", 0, "…"), "");
    }

    proptest! {
        #[test]
        fn no_control_character_survives(foreign in "\\PC*|.*|(?s:.{0,200})") {
            let line = Clean::line(&foreign);
            prop_assert!(!line.chars().any(is_hidden), "{line:?}");
            let tabbed = Clean::log_line(&foreign, 0, true);
            prop_assert!(!tabbed.chars().any(|c| c != '\t' && is_hidden(c)), "{tabbed:?}");
            prop_assert!(!Clean::block(&foreign).chars().any(|c| c != '\n' && is_hidden(c)));
        }
    }
}
