//! Prometheus with `format: "table"`: the page makes one table of a query's series, and so is it done here.

use super::frame::{Cell, Field, Frame, Kind};

/// `is_alone`: no other query of the panel is a table, so that its values need no letter.
pub fn table(ref_id: &str, frames: &[Frame], is_alone: bool) -> Frame {
    let value_name = if is_alone { "Value".to_owned() } else { format!("Value #{ref_id}") };
    let mut time = Field::new("Time", Kind::Time, Vec::new());
    let mut value = Field::new(&value_name, Kind::Number, Vec::new());
    let mut labels: Vec<Field> = Vec::new();
    for label in frames.iter().filter_map(numbers).flat_map(|field| field.labels.keys()) {
        if !labels.iter().any(|field| field.name == *label) {
            // Buckets are numbers.
            let kind = if label == "le" { Kind::Number } else { Kind::String };
            labels.push(Field::new(label, kind, Vec::new()));
        }
    }
    for (frame, numbers) in frames.iter().filter_map(|frame| Some((frame, numbers(frame)?))) {
        for row in 0..frame.len() {
            time.values.push(frame.time().and_then(|time| time.values.get(row)).cloned().unwrap_or_default());
            value.values.push(numbers.values.get(row).cloned().unwrap_or_default());
            for field in &mut labels {
                let text = numbers.labels.get(&field.name).map_or("", String::as_str);
                field.values.push(match field.kind {
                    Kind::Number => Cell::from(bound(text)),
                    _ => Cell::from(text),
                });
            }
        }
    }
    let fields = std::iter::once(time).chain(labels).chain([value]).collect();
    Frame { ref_id: ref_id.to_owned(), fields, ..Frame::default() }
}

fn numbers(frame: &Frame) -> Option<&Field> {
    frame.fields.iter().find(|field| field.kind == Kind::Number)
}

/// `+Inf` is the last bucket's.
fn bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)], value: f64) -> Frame {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let fields = vec![
            Field::new("Time", Kind::Time, vec![Cell::Number(1_000.0)]),
            Field { labels, ..Field::new("Value", Kind::Number, vec![Cell::Number(value)]) },
        ];
        Frame { ref_id: "A".to_owned(), fields, ..Frame::default() }
    }

    #[test]
    fn a_query_becomes_one_table() {
        let frames = [series(&[("pod", "a"), ("le", "0.5")], 1.0), series(&[("zone", "x"), ("le", "+Inf")], 2.0)];
        let names = |frame: &Frame| frame.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
        let alone = table("A", &frames, true);
        assert_eq!(names(&alone), ["Time", "le", "pod", "zone", "Value"]);
        assert_eq!(alone.fields[1].values, [Cell::Number(0.5), Cell::Number(f64::INFINITY)]);
        assert_eq!(alone.fields[2].values, [Cell::from("a"), Cell::from("")]);
        assert_eq!(alone.fields[4].values, [Cell::Number(1.0), Cell::Number(2.0)]);
        assert_eq!(names(&table("B", &frames, false))[4], "Value #B");
        assert_eq!(names(&table("A", &[], true)), ["Time", "Value"]);
    }
}
