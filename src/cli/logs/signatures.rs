//! `--signatures`: how often each version wrote each message, in place of the lines: of several versions per 1,000 of its
//! lines, since they have not written equally much.

use std::collections::BTreeMap;

use serde_json::json;

use super::report;
use crate::{
    model::log::{LogLevel, LogLine},
    secret::{MASK, mask},
    source::kubernetes::log_line::without_level,
    store::logs::signatures::{Compared, Signatures, per_thousand, rate},
    text::inert_json,
};

/// Bytes of messages told apart; the lines of others are counted.
const MOST_BYTES: usize = 32 * 1024 * 1024;

pub(super) struct Messages {
    counted: Signatures,
    new_tags: Vec<String>,
}

impl Messages {
    pub(super) fn new(new_tags: Vec<String>) -> Self {
        Self { counted: Signatures::new(MOST_BYTES), new_tags }
    }

    pub(super) fn take_in(&mut self, line: &LogLine) {
        self.counted.take_in(line);
    }

    /// Lines by version.
    fn versions<'a>(&'a self, row: &Compared<'_>) -> BTreeMap<&'a str, u64> {
        let mut lines = BTreeMap::new();
        for count in &row.signature.counts {
            *lines.entry(self.counted.versions()[count.version].tag.as_str()).or_default() += count.lines;
        }
        lines
    }

    /// Messages in which something is masked.
    pub(super) fn masked(&self) -> u64 {
        let is_masked = |row: &&Compared<'_>| {
            let text: &str = &row.signature.message.text;
            let masked = mask(text);
            masked.contains(MASK) && masked != *text
        };
        self.counted.compared(&[]).rows.iter().filter(is_masked).count() as u64
    }

    /// A table, or an object a line. What only the new version wrote comes first.
    pub(super) fn text(&self, is_json: bool, is_unmasked: bool) -> String {
        let new_tags: Vec<&str> = self.new_tags.iter().map(String::as_str).collect();
        let compared = self.counted.compared(&new_tags);
        let message = |row: &Compared<'_>| {
            if is_unmasked { row.signature.message.text.to_string() } else { mask(&row.signature.message.text) }
        };
        if self.counted.uncounted() > 0 {
            report::aside(&format!("midwatch: {} lines not counted: too many messages", self.counted.uncounted()));
        }
        if is_json {
            let object = |row: &Compared<'_>| {
                let versions = self.versions(row);
                let rates: BTreeMap<&str, f64> = versions
                    .iter()
                    .map(|(tag, lines)| (*tag, per_thousand(*lines, self.counted.lines_of(tag))))
                    .collect();
                let object = json!({
                    "signature": message(row), "level": row.signature.message.level.map(LogLevel::name),
                    "new": row.is_new(), "lines": row.all, "versions": versions, "per_thousand": rates,
                });
                format!("{}\n", inert_json(&object.to_string()))
            };
            return compared.rows.iter().map(object).collect();
        }
        let mut tags: Vec<&str> = self.counted.versions().iter().map(|version| version.tag.as_str()).collect();
        // The new version first, as on screen.
        tags.sort_unstable_by_key(|tag| (!new_tags.contains(tag), *tag));
        tags.dedup();
        let is_compared = tags.len() > 1;
        let message_head = if is_compared { "MESSAGE (per 1,000 lines)" } else { "MESSAGE" };
        let heads: Vec<&str> = tags.iter().copied().chain(["LEVEL", "", message_head]).collect();
        let rows: Vec<Vec<String>> = (compared.rows.iter())
            .map(|row| {
                let lines = self.versions(row);
                let counts = tags.iter().map(|tag| match lines.get(tag).copied().unwrap_or(0) {
                    lines if is_compared => rate(lines, self.counted.lines_of(tag)),
                    lines => lines.to_string(),
                });
                let level = row.signature.message.level.map_or("", LogLevel::name).to_owned();
                let text = message(row);
                let text = row.signature.message.level.map_or(&*text, |level| without_level(&text, level)).to_owned();
                let is_new = if row.is_new() { "NEW" } else { "" }.to_owned();
                counts.chain([level, is_new, text]).collect()
            })
            .collect();
        report::columns(&heads, &rows)
    }
}
