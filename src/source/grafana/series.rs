//! Columns on an axis of time: sorted, gaps marked, named.

use std::collections::BTreeMap;

use super::frame::{Field, Frame, Kind, Names};

/// One line before it is cleaned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub name: String,
    /// The column it was, without its values.
    pub field: Field,
    /// Epoch ms, ascending; `None`: a gap. NaN and infinity are kept.
    pub points: Vec<(i64, Option<f64>)>,
    /// Which frame and column, where it is one.
    pub column: Option<(usize, usize)>,
}

/// Every column of numbers as a line. `at`: the time of rows that have none.
pub fn lines(frames: &[Frame], at: i64) -> Vec<Line> {
    let names = Names::of(frames);
    let mut lines = Vec::new();
    for (nth, frame) in frames.iter().enumerate() {
        if is_long(frame) {
            lines.extend(by_words(frame, at));
            continue;
        }
        let time = frame.time();
        for (column, field) in frame.fields.iter().enumerate().filter(|(_, field)| is_drawn(field)) {
            let points = points(frame, field, time, at);
            let name = displayed(&names.name(nth, column), field, &frame.name);
            let interval = interval(time, field);
            let points = with_gaps(points, interval);
            lines.push(Line { name, field: bare(field), points, column: Some((nth, column)) });
        }
    }
    lines
}

const fn is_drawn(field: &Field) -> bool {
    matches!(field.kind, Kind::Number | Kind::Boolean)
}

/// One column of times, words that tell the rows apart: every combination of words is a line of its own.
fn is_long(frame: &Frame) -> bool {
    let has_words = frame.fields.iter().any(|field| field.kind == Kind::String);
    frame.kind == "timeseries-long" || has_words && !frame.kind.starts_with("timeseries-")
}

fn points(frame: &Frame, field: &Field, time: Option<&Field>, at: i64) -> Vec<(i64, Option<f64>)> {
    let at = |row: usize| match time {
        // Rows without a time mean nothing on an axis of time.
        Some(time) => time.values.get(row)?.number().map(|ms| ms as i64),
        None => Some(at),
    };
    let mut points: Vec<(i64, Option<f64>)> =
        (0..frame.len()).filter_map(|row| Some((at(row)?, field.values.get(row)?.number()))).collect();
    points.sort_by_key(|(at, _)| *at);
    points
}

fn by_words(frame: &Frame, at: i64) -> Vec<Line> {
    let mut groups: BTreeMap<(usize, BTreeMap<String, String>), Frame> = BTreeMap::new();
    let words: Vec<&Field> = frame.fields.iter().filter(|field| field.kind == Kind::String).collect();
    for (column, field) in frame.fields.iter().enumerate().filter(|(_, field)| is_drawn(field)) {
        for row in 0..frame.len() {
            let mut labels = field.labels.clone();
            for word in &words {
                if let Some(super::frame::Cell::Text(text)) = word.values.get(row) {
                    labels.insert(word.name.clone(), text.clone());
                }
            }
            let group = groups.entry((column, labels)).or_insert_with_key(|(_, labels)| Frame {
                ref_id: frame.ref_id.clone(),
                name: frame.name.clone(),
                kind: "timeseries-multi".to_owned(),
                fields: frame
                    .time()
                    .map(bare)
                    .into_iter()
                    .chain([Field { labels: labels.clone(), ..bare(field) }])
                    .collect(),
            });
            let from = frame.time().into_iter().chain([field]);
            for (column, source) in group.fields.iter_mut().zip(from) {
                column.values.push(source.values.get(row).cloned().unwrap_or_default());
            }
        }
    }
    let frames: Vec<Frame> = groups.into_values().collect();
    let mut lines = lines(&frames, at);
    for line in &mut lines {
        line.column = None;
    }
    lines
}

fn bare(field: &Field) -> Field {
    Field {
        name: field.name.clone(),
        kind: field.kind,
        labels: field.labels.clone(),
        config: field.config.clone(),
        values: Vec::new(),
    }
}

/// Milliseconds between samples, where the datasource says so.
fn interval(time: Option<&Field>, field: &Field) -> i64 {
    let of = |field: &Field| field.config.get("interval").and_then(serde_json::Value::as_f64);
    time.and_then(of).or_else(|| of(field)).unwrap_or(0.0) as i64
}

/// Prometheus leaves rows out where it has no sample: a break where the next is further away than one interval.
fn with_gaps(points: Vec<(i64, Option<f64>)>, interval: i64) -> Vec<(i64, Option<f64>)> {
    if interval <= 0 {
        return points;
    }
    let mut with = Vec::with_capacity(points.len());
    let mut previous: Option<i64> = None;
    for (at, value) in points {
        if let Some(previous) = previous
            && at - previous > interval + interval / 2
        {
            with.push((previous + interval, None));
        }
        previous = Some(at);
        with.push((at, value));
    }
    with
}

/// A name with `${__field.labels.x}` and `${__series.name}` put in.
pub fn displayed(name: &str, field: &Field, series: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        text.push_str(before);
        let label = inside
            .strip_prefix("__field.labels.")
            .or_else(|| inside.strip_prefix("__field.labels[\"")?.strip_suffix("\"]"));
        match label {
            Some(label) => text.push_str(field.labels.get(label).map_or("", String::as_str)),
            None if matches!(inside, "__series.name" | "__field.displayName") => text.push_str(given(field, series)),
            None if inside == "__field.name" => text.push_str(&field.name),
            None => text.extend(["${", inside, "}"]),
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// The name that the datasource gave.
fn given<'a>(field: &'a Field, series: &'a str) -> &'a str {
    field.text("displayNameFromDS").unwrap_or(if series.is_empty() { &field.name } else { series })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(frame: &Value) -> Vec<Line> {
        let (frame, _) = Frame::parse(frame, "A").expect("a frame");
        lines(&frame.into_iter().collect::<Vec<_>>(), 99)
    }

    fn names(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.name.as_str()).collect()
    }

    #[test]
    fn a_frame_per_series_with_gaps_and_nan() {
        let lines = of(&json!({"schema": {"meta": {"type": "timeseries-multi"}, "fields": [
              {"name": "Time", "type": "time", "config": {"interval": 15000}},
              {"name": "Value", "type": "number", "labels": {"pod": "a"}, "config": {"displayNameFromDS": "pod a"}}]},
            "data": {"values": [[30000, 15000, 90000, null], [null, 1.5, null, 7]],
                     "nanos": [[0, 0, 0, 0], null], "entities": [null, {"NaN": [2]}]}}));
        assert_eq!(names(&lines), ["pod a"]);
        let points = &lines[0].points;
        assert_eq!(points[..3], [(15_000, Some(1.5)), (30_000, None), (45_000, None)]);
        assert!(points[3].0 == 90_000 && points[3].1.is_some_and(f64::is_nan));
        assert_eq!(points.len(), 4);
    }

    #[test]
    fn wide_and_long_and_tables() {
        let wide = of(&json!({"schema": {"fields": [{"name": "t", "type": "time"}, {"name": "a", "type": "number"},
              {"name": "t2", "type": "time"}, {"name": "b", "type": "number"}]},
            "data": {"values": [[1, 2], [1, 2], [5, 6], [3, 4]]}}));
        assert_eq!(names(&wide), ["a", "b"]);
        assert_eq!(wide[1].points, [(1, Some(3.0)), (2, Some(4.0))]);

        let long =
            of(&json!({"schema": {"meta": {"type": "timeseries-long"}, "fields": [{"name": "t", "type": "time"},
              {"name": "host", "type": "string"}, {"name": "cpu", "type": "number"}]},
            "data": {"values": [[1, 1, 2, 2], ["x", "y", "x", "y"], [1, 2, 3, 4]]}}));
        assert_eq!(names(&long), ["cpu x", "cpu y"]);
        assert_eq!(long[0].points, [(1, Some(1.0)), (2, Some(3.0))]);

        let table = of(&json!({"schema": {"meta": {"type": "table"}, "fields": [{"name": "host", "type": "string"},
              {"name": "Value", "type": "number"}]}, "data": {"values": [["x", "y"], [1, null]]}}));
        assert_eq!(names(&table), ["x", "y"]);
        assert_eq!(table[1].points, [(99, None)]);
    }

    #[test]
    fn no_data_in_all_its_forms_and_what_is_no_series() {
        for frame in [
            json!({}),
            json!({"schema": {"fields": []}, "data": {"values": []}}),
            json!({"schema": {"fields": [{"name": "Time", "type": "time"}, {"name": "V", "type": "number"}]},
                   "data": {"values": [[], []]}}),
            json!({"schema": {"meta": {"dataTopic": "annotations"}, "fields": [{"name": "T", "type": "time"},
                   {"name": "V", "type": "number"}]}, "data": {"values": [[1], [1]]}}),
        ] {
            assert!(of(&frame).iter().all(|line| line.points.is_empty()), "{frame}");
        }
    }

    #[test]
    fn given_names_may_ask_for_labels() {
        let name = |given: &str| {
            let frame = json!({"schema": {"name": "up{}", "fields": [{"name": "t", "type": "time"},
                {"name": "Value", "type": "number", "labels": {"pod": "a"}, "config": {"displayName": given}}]},
                "data": {"values": [[1], [1]]}});
            of(&frame)[0].name.clone()
        };
        assert_eq!(name("Pod ${__field.labels.pod}!"), "Pod a!");
        assert_eq!(name("${__field.labels[\"pod\"]} ${__field.name} ${__series.name}"), "a Value up{}");
        assert_eq!(name("${other} $x ${"), "${other} $x ${");
    }
}
