//! `options.reduceOptions`: what a panel without an axis of time (stat, gauge, pie chart) makes of its columns.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    display::{Display, Shown},
    frame::{Cell, Field, Frame, Kind, Names, field_name},
    matcher::{Candidate, Matcher},
    pattern::Pattern,
    series::{Line, displayed},
};
use crate::{
    model::metric::{Reduced, Scale},
    text::Clean,
};

/// Grafana's own limit of rows shown one by one.
const MOST_ROWS: usize = 25;

#[derive(Clone, Debug)]
pub struct ReduceOptions {
    calcs: Vec<String>,
    fields: Matcher,
    /// A number per row, instead of one per column.
    is_per_row: bool,
    limit: usize,
}

impl ReduceOptions {
    /// `options` of the panel; `fallback`: the reducer of one that names none.
    pub fn parse(options: &Value, fallback: &str) -> Self {
        let reduce = &options["reduceOptions"];
        let calcs: Vec<String> =
            reduce["calcs"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let fields = match reduce["fields"].as_str().filter(|fields| !fields.is_empty()) {
            Some(pattern) => Matcher::Pattern(Pattern::parse(pattern)),
            None => Matcher::Kinds(vec![Kind::Number.word().to_owned()]),
        };
        Self {
            calcs: if calcs.is_empty() { vec![fallback.to_owned()] } else { calcs },
            fields,
            is_per_row: reduce["values"].as_bool().unwrap_or(false),
            limit: reduce["limit"].as_u64().map_or(MOST_ROWS, |limit| limit.clamp(1, 1_000) as usize),
        }
    }
}

/// What all of a panel's numbers share.
pub struct Reducing<'p> {
    pub options: &'p ReduceOptions,
    /// The panel's defaults, for what it says of no data.
    pub defaults: &'p Map<String, Value>,
    pub scale: &'p Scale,
    /// Least and largest of all numbers.
    pub range: Option<(f64, f64)>,
    /// The same columns as lines, for their trends.
    pub lines: &'p [Line],
}

impl Reducing<'_> {
    /// At least one: of no data, what the panel says of none.
    pub fn all(&self, frames: &[Frame]) -> Vec<Reduced> {
        let names = Names::of(frames);
        let mut all = Vec::new();
        for (nth, frame) in frames.iter().enumerate() {
            for at in 0..frame.fields.len() {
                let name = names.name(nth, at);
                if !self.options.fields.is_hit(Candidate { frame, at, name: &name }) {
                    continue;
                }
                let display = Display::of(&frame.fields[at], self.range);
                if self.options.is_per_row {
                    all.extend(self.rows(frame, at, &display));
                } else {
                    all.extend(self.column((nth, at), &frame.fields[at], &name, &frame.name, &display));
                }
            }
        }
        if self.options.is_per_row {
            all.truncate(self.options.limit);
        }
        if all.is_empty() {
            let Shown { text, color } = Display::from(self.defaults, Kind::Other).nothing();
            all.push(Reduced { text, color, ..Reduced::default() });
        }
        all
    }

    fn column(
        &self,
        column: (usize, usize),
        field: &Field,
        name: &str,
        frame: &str,
        display: &Display,
    ) -> Vec<Reduced> {
        let series = self.lines.iter().position(|line| line.column == Some(column));
        let scale = self.own(display);
        let name = Clean::line(&displayed(name, field, frame));
        let of = |calc: &String| {
            let (value, Shown { text, color }) = display.reduced(calc, field);
            Reduced { name: name.clone(), value, text, color, series, scale: scale.clone() }
        };
        self.options.calcs.iter().map(of).collect()
    }

    fn rows(&self, frame: &Frame, at: usize, display: &Display) -> Vec<Reduced> {
        let (field, scale) = (&frame.fields[at], self.own(display));
        let rows = field.values.iter().enumerate().take(self.options.limit);
        rows.map(|(row, cell)| {
            let Shown { text, color } = display.shown(cell);
            let name = Clean::line(&row_name(frame, at, row));
            Reduced { name, value: cell.number(), text, color, series: None, scale: scale.clone() }
        })
        .collect()
    }

    /// The column's scale, where it is not the panel's.
    fn own(&self, display: &Display) -> Option<Arc<Scale>> {
        (display.scale != *self.scale).then(|| Arc::new(display.scale.clone()))
    }
}

/// A row is called by its words; by its column too where there are several, or no word.
fn row_name(frame: &Frame, at: usize, row: usize) -> String {
    if let Some(given) = frame.fields[at].text("displayName") {
        return with_cells(given, frame, row);
    }
    let others = || frame.fields.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, field)| field);
    let words = others().filter(|field| field.kind == Kind::String).filter_map(|field| {
        let shown = Display::of(field, None).shown(field.values.get(row).unwrap_or(&Cell::Null));
        Some(shown.text.to_string()).filter(|text| !text.is_empty())
    });
    let mut parts: Vec<String> = words.collect();
    if parts.is_empty() || others().any(|field| field.kind == Kind::Number) {
        parts.push(field_name(frame, at));
    }
    parts.join(" ")
}

/// `${__data.fields.NAME}`, `${__data.fields[0]}` and the older `$__cell_0`.
fn with_cells(given: &str, frame: &Frame, row: usize) -> String {
    let mut text = given.to_owned();
    for (at, field) in frame.fields.iter().enumerate() {
        let shown = Display::of(field, None).shown(field.values.get(row).unwrap_or(&Cell::Null)).text;
        for pattern in [
            format!("${{__data.fields.{}}}", field.name),
            format!("${{__data.fields[\"{}\"]}}", field.name),
            format!("${{__data.fields[{at}]}}"),
            format!("$__cell_{at}"),
        ] {
            text = text.replace(&pattern, &shown);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::source::grafana::{display::NO_DATA, field_config::FieldConfig, frame::fixtures::frames};

    /// Name, text and the colour of the active threshold, as the panel would show them.
    fn ours(case: &Value) -> Vec<(String, String, Option<String>)> {
        let mut frames = frames(&case["frames"]);
        let config = FieldConfig::parse(&case["fieldConfig"], &mut Vec::new());
        config.apply(&mut frames);
        let options = ReduceOptions::parse(case, "lastNotNull");
        let scale = Display::from(&config.defaults, Kind::Number).scale;
        let range = super::super::drawing::range(&frames);
        let reducing = Reducing { options: &options, defaults: &config.defaults, scale: &scale, range, lines: &[] };
        let shown = reducing.all(&frames).into_iter().map(|one| {
            let mut display = Display::from(&config.defaults, Kind::Number);
            display.scale = one.scale.as_deref().unwrap_or(&scale).clone();
            let color = display.color(&Cell::from(one.value), &Shown { text: Clean::default(), color: one.color });
            (one.name.to_string(), one.text.to_string(), color.map(|color| color.to_string()))
        });
        shown.collect()
    }

    #[test]
    fn numbers_are_those_that_grafana_shows() {
        let text = include_str!("../../../tests/fixtures/grafana/displays.json");
        let fixture: Value = serde_json::from_str(text).expect("a fixture");
        let (cases, mut wrong) = (fixture["cases"].as_array().expect("cases"), Vec::new());
        for case in cases {
            let theirs = case["values"].as_array().expect("values");
            let ours = ours(case);
            let is_same = ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|((name, text, color), theirs)| {
                    let word = |key: &str| theirs[key].as_str().unwrap_or_default();
                    // The page leaves the place empty; here it says why.
                    let is_nothing = text == NO_DATA && matches!(word("text"), "" | "No data");
                    let is_colour = theirs["color"].is_null() || color.as_deref() == Some(word("color"));
                    *name == word("name") && (is_nothing || *text == word("text")) && is_colour
                });
            if !is_same {
                wrong.push(format!("{case}\nours {ours:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
        assert!(cases.len() > 30);
    }
}
