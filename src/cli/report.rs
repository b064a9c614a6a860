//! What commands print: aligned columns for people, JSON for programs. Plain text: no colour, no cursor moves.

use std::io::{self, Write as _};

use jiff::Timestamp;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::{
    headless::Reading,
    model::{BackendId, Coverage, Level, Part},
    store::slot::Freshness,
    text::{Clean, grouped, inert_json},
    ui::theme::Mark,
};

/// The shape of all JSON that is printed; it rises when a key changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// Writes all of it, or says why not. A closed pipe is an error that `cli::complain` knows.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One JSON value and a line break.
pub fn print_json(value: &Value) -> io::Result<()> {
    print(&format!("{}\n", inert_json(&format!("{value:#}"))))
}

/// One line on stderr: progress and troubles stay out of what is piped. A closed stderr is nobody's loss.
pub fn aside(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", Clean::line(text));
}

/// Rows as aligned columns, two blanks apart; the last column is as long as it is. Empty columns are left out. A cell
/// of several lines becomes one: what a label says must not look like a row.
pub fn columns(heads: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Clean>> = rows.iter().map(|row| row.iter().map(|cell| Clean::line(cell)).collect()).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(Clean::width).max().unwrap_or(0);
            if cells == 0 { 0 } else { cells.max(heads[column].width()) }
        })
        .collect();
    let shown: Vec<usize> = (0..heads.len()).filter(|column| widths[*column] > 0).collect();
    let line = |cell: &dyn Fn(usize) -> Clean| {
        let mut line = String::new();
        for (place, column) in shown.iter().enumerate() {
            let text = cell(*column);
            let pad = if place + 1 == shown.len() { 0 } else { widths[*column] + 2 - text.width() };
            line.push_str(&text);
            line.extend(std::iter::repeat_n(' ', pad));
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = String::new();
    if heads.iter().any(|head| !head.is_empty()) {
        text.push_str(&line(&|column| heads[column].into()));
    }
    for row in &rows {
        text.push_str(&line(&|column| row.get(column).cloned().unwrap_or_default()));
    }
    text
}

/// A mark as one word, for text and JSON.
pub fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Broken => "broken",
        Mark::Wrong => "wrong",
        Mark::NoData => "unknown",
        Mark::Progress => "progress",
        Mark::Acked => "acknowledged",
        Mark::Silenced => "silenced",
        Mark::Ok => "ok",
        Mark::Blank => "waits",
        Mark::New => "new",
        Mark::Incident => "incident",
    }
}

/// As [`mark_word`].
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Broken => "broken",
        Level::Wrong => "wrong",
        Level::Unknown => "unknown",
        Level::Progress => "progress",
        Level::Ok => "ok",
    }
}

/// RFC 3339 in UTC, or null.
pub fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

/// A backend at one look.
pub struct Look<'a> {
    pub id: &'a BackendId,
    /// `live`, `stale`, `down` (it failed and nothing is known), `partial` (of some parts nothing is known, or rights are
    /// narrow).
    pub fresh: &'static str,
    pub as_of: Option<Timestamp>,
    /// What failed, by part.
    pub errors: Vec<(Part, String)>,
    reading: &'a Reading,
}

/// Every backend that was read, by name.
pub fn looks(reading: &Reading) -> Vec<Look<'_>> {
    reading.store.backends.keys().map(|id| look(reading, id)).collect()
}

fn look<'a>(reading: &'a Reading, id: &'a BackendId) -> Look<'a> {
    let store = &reading.store;
    let now = reading.view().now;
    let sources: Vec<_> = store.sources.iter().filter(|(source, _)| source.backend == *id).collect();
    let errors: Vec<(Part, String)> =
        sources.iter().filter_map(|(source, _)| Some((source.part, reading.trouble(source)?))).collect();
    let is_stale = sources.iter().any(|(source, _)| matches!(store.freshness(source, now), Freshness::Stale { .. }));
    let is_in_part = sources.iter().any(|(_, state)| state.coverage.is_some());
    let fresh = match errors.len() {
        0 if is_stale => "stale",
        0 if is_in_part => "partial",
        0 => "live",
        all if all == sources.len() => "down",
        _ => "partial",
    };
    let as_of = sources.iter().filter_map(|(_, state)| state.pulse.as_of.map(|(_, wall)| wall)).min();
    Look { id, fresh, as_of, errors, reading }
}

impl Look<'_> {
    /// `name`, `kind`, `fresh`, `as_of`, `error`, `note`, `version`.
    pub fn json(&self) -> Value {
        let backend = self.reading.store.backends.get(self.id);
        json!({
            "name": self.id,
            "kind": backend.map(|backend| backend.kind.title().to_lowercase()),
            "fresh": self.fresh,
            "as_of": time(self.as_of),
            "error": self.error(),
            "note": self.note(),
            "version": backend.and_then(|backend| backend.info.version.as_ref()),
        })
    }

    /// The failures in one line, equal words once.
    pub fn error(&self) -> Option<String> {
        let mut says: Vec<&str> = Vec::new();
        for (_, error) in &self.errors {
            if !says.contains(&error.as_str()) {
                says.push(error);
            }
        }
        (!says.is_empty()).then(|| says.join("; "))
    }

    /// What one may not read, where all was asked for: no failure, and not all there is either.
    pub fn note(&self) -> Option<String> {
        let narrow = self.reading.store.coverages(self.id).into_iter().filter(|(coverage, _)| !coverage.is_failure);
        let words: Vec<String> = narrow.map(|(coverage, parts)| in_part(coverage, &parts)).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// `unknown  prod-eu1  Kubernetes v1.33.1  refused`
    pub fn cells(&self) -> Vec<String> {
        let backend = self.reading.store.backends.get(self.id);
        let kind = backend.map_or("", |backend| backend.kind.title());
        let version = backend.and_then(|backend| backend.info.version.as_deref()).unwrap_or("");
        let says = match self.error().or_else(|| self.note()) {
            Some(says) => says,
            None => backend
                .iter()
                .flat_map(|backend| backend.quotas.values())
                .filter(|quota| quota.limit > 0)
                .map(|quota| {
                    let (left, all) = (grouped(quota.remaining.into()), grouped(quota.limit.into()));
                    format!("{} {left} of {all}", quota.resource)
                })
                .collect::<Vec<_>>()
                .join("  "),
        };
        let word = if self.errors.is_empty() { "ok" } else { "unknown" };
        vec![word.to_owned(), self.id.to_string(), format!("{kind} {version}").trim_end().to_owned(), says]
    }
}

/// `narrow rights: only of 'shop' (pods, events)`
pub fn in_part(coverage: &Coverage, parts: &[Part]) -> String {
    let parts: Vec<&str> = parts.iter().map(|part| part.title()).collect();
    format!("{} ({})", coverage.says, parts.join(", "))
}

/// `{schema, screen, as_of, backends, rows}`.
pub fn envelope(reading: &Reading, screen: &str, rows: &[Value]) -> Value {
    let backends: Vec<Value> = looks(reading).iter().map(Look::json).collect();
    json!({
        "schema": SCHEMA, "screen": screen, "as_of": time(Some(reading.view().now.wall)), "backends": backends,
        "rows": rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_empty_ones_go() {
        let rows = [vec!["a".to_owned(), String::new(), "über".to_owned()], vec!["long".to_owned()]];
        assert_eq!(columns(&["NAME", "NONE", "WHAT"], &rows), "NAME  WHAT\na     über\nlong\n");
        assert_eq!(columns(&["", "", ""], &rows[..1]), "a  über\n");
        let forged = [vec!["\u{1b}[2Ja\u{9b}1m\nok  payments  all is well".to_owned(), "b".to_owned()]];
        assert_eq!(columns(&["", ""], &forged), "a1m ok  payments  all is well  b\n");
    }
}
