//! What a column is called: a name given to it, else what tells it from the others.

use std::collections::BTreeMap;

use super::{Field, Frame, Kind};

/// The column of an unnamed series.
const VALUE: &str = "Value";

/// What the names of all columns depend on.
pub struct Names<'f> {
    frames: &'f [Frame],
    /// The only label there is: its value says enough.
    only_label: Option<&'f str>,
    /// Frames are told apart by their own names.
    frames_differ: bool,
}

impl<'f> Names<'f> {
    pub fn of(frames: &'f [Frame]) -> Self {
        let mut labels = frames.iter().flat_map(|frame| &frame.fields).flat_map(|field| field.labels.keys());
        let first = labels.next();
        let only_label = first.filter(|first| labels.all(|label| label == *first)).map(String::as_str);
        let frames_differ = frames.windows(2).any(|pair| pair[0].name != pair[1].name);
        Self { frames, only_label, frames_differ }
    }

    /// Of the column `field` of the frame `frame`.
    pub fn name(&self, frame: usize, field: usize) -> String {
        let frame = &self.frames[frame];
        name(frame, field, self.only_label, self.frames_differ && !frame.name.is_empty())
    }
}

/// A column's name as if its frame stood alone.
pub fn field_name(frame: &Frame, field: usize) -> String {
    let mut labels = frame.fields.iter().flat_map(|field| field.labels.keys());
    let first = labels.next();
    let only_label = first.filter(|first| labels.all(|label| label == *first));
    name(frame, field, only_label.map(String::as_str), false)
}

fn name(frame: &Frame, at: usize, only_label: Option<&str>, has_frame: bool) -> String {
    let field = &frame.fields[at];
    if let Some(given) = field.text("displayName").or_else(|| field.text("displayNameFromDS")) {
        return given.to_owned();
    }
    if field.kind == Kind::Time && field.labels.is_empty() {
        return if field.name.is_empty() { "Time".to_owned() } else { field.name.clone() };
    }
    let of_labels = match only_label {
        Some(label) => field.labels.get(label).cloned().unwrap_or_default(),
        None => written(&field.labels),
    };
    let is_value = field.name == VALUE;
    let mut parts: Vec<&str> = Vec::new();
    if has_frame || of_labels.is_empty() && is_value {
        parts.push(&frame.name);
    }
    if !is_value {
        parts.push(&field.name);
    }
    parts.push(&of_labels);
    parts.retain(|part| !part.is_empty());
    let name = if parts.is_empty() { VALUE.to_owned() } else { parts.join(" ") };
    if name == field.name { numbered(frame, field, at) } else { name }
}

/// `{job="api", pod="a"}`
fn written(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// Columns of one name are `x 1`, `x 2`, in their order.
fn numbered(frame: &Frame, field: &Field, at: usize) -> String {
    let is_same = |other: &&Field| other.name == field.name;
    if frame.fields.iter().filter(is_same).count() < 2 {
        return field.name.clone();
    }
    format!("{} {}", field.name, frame.fields[..at].iter().filter(is_same).count() + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{super::fixtures::frames, Names};

    #[test]
    fn columns_are_called_what_grafana_calls_them() {
        let text = include_str!("../../../../tests/fixtures/grafana/names.json");
        let fixture: Value = serde_json::from_str(text).expect("a fixture");
        let cases = fixture["cases"].as_array().expect("cases");
        for case in cases {
            let frames = frames(&case["frames"]);
            let names = Names::of(&frames);
            let of = |(nth, frame): (usize, &super::Frame)| {
                (0..frame.fields.len()).map(|at| names.name(nth, at)).collect::<Vec<_>>()
            };
            let ours: Vec<Vec<String>> = frames.iter().enumerate().map(of).collect();
            assert_eq!(serde_json::json!(ours), case["names"], "{}", case["frames"]);
        }
        assert!(cases.len() > 12);
    }
}
