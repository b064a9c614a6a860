//! Data frames of `POST /api/ds/query` become series: sorted, gaps marked, named.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One line before it is named and cleaned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub ref_id: String,
    /// Name given by panel, query or datasource.
    pub display_name: Option<String>,
    pub field: String,
    pub labels: BTreeMap<String, String>,
    /// Epoch ms, ascending; `None`: a gap. NaN and infinity are kept, for the reducers.
    pub points: Vec<(i64, Option<f64>)>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Frame {
    schema: Schema,
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Schema {
    name: Option<String>,
    meta: Option<Meta>,
    fields: Vec<Field>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    #[serde(rename = "type")]
    kind: Option<String>,
    data_topic: Option<String>,
    custom: Option<Value>,
    notices: Option<Vec<Notice>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Notice {
    text: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Field {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    config: Option<Config>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    interval: Option<f64>,
    display_name: Option<String>,
    #[serde(rename = "displayNameFromDS")]
    display_name_from_ds: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    values: Vec<Vec<Value>>,
    entities: Option<Vec<Option<Entities>>>,
}

/// Rows whose number JSON cannot hold.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Entities {
    #[serde(rename = "NaN")]
    nan: Vec<usize>,
    #[serde(rename = "Inf")]
    inf: Vec<usize>,
    #[serde(rename = "NegInf")]
    neg_inf: Vec<usize>,
}

impl Frame {
    /// What the datasource wants to be known about this answer.
    pub fn notices(&self) -> impl Iterator<Item = &str> {
        let notices = self.schema.meta.iter().flat_map(|meta| meta.notices.iter().flatten());
        notices.filter_map(|notice| notice.text.as_deref())
    }

    /// `at`: the time of rows that have none.
    pub fn lines(&self, ref_id: &str, at: i64) -> Vec<Line> {
        if self.is_beside() {
            return Vec::new();
        }
        let fields = &self.schema.fields;
        let time = fields.iter().position(|field| field.is("time"));
        let kind = self.schema.meta.as_ref().and_then(|meta| meta.kind.as_deref()).unwrap_or_default();
        let has_words = fields.iter().any(|field| field.is("string"));
        let is_table = kind == "table" || kind.starts_with("numeric-");
        let by_row = kind == "timeseries-long" || has_words && !kind.starts_with("timeseries-") || time.is_none();
        let times: Vec<Option<i64>> = match time {
            Some(column) => self.column(column).iter().map(|value| value.as_f64().map(|ms| ms as i64)).collect(),
            None => vec![Some(at); self.data.values.iter().map(Vec::len).max().unwrap_or(0)],
        };
        let mut lines = BTreeMap::new();
        for (column, field) in fields.iter().enumerate() {
            if !(field.is("number") || field.is("boolean")) {
                continue;
            }
            for (row, value) in self.column(column).iter().enumerate() {
                // Rows without a time mean nothing on an axis of time.
                let Some(Some(at)) = times.get(row) else { continue };
                let labels =
                    if by_row { self.row_labels(row, field) } else { field.labels.clone().unwrap_or_default() };
                // Without words to tell them apart, rows of a table are one line each.
                let nth = if by_row && time.is_none() && !has_words && is_table { row } else { 0 };
                let line = lines.entry((column, labels, nth)).or_insert_with(Vec::new);
                line.push((*at, self.number(column, row, value)));
            }
        }
        lines.into_iter().map(|((column, labels, _), points)| self.line(ref_id, column, labels, points, time)).collect()
    }

    fn line(
        &self,
        ref_id: &str,
        column: usize,
        labels: BTreeMap<String, String>,
        mut points: Vec<(i64, Option<f64>)>,
        time: Option<usize>,
    ) -> Line {
        points.sort_by_key(|(at, _)| *at);
        let field = &self.schema.fields[column];
        let interval = time
            .and_then(|time| self.schema.fields[time].config.as_ref()?.interval)
            .or(field.config.as_ref().and_then(|config| config.interval));
        let config = field.config.as_ref();
        let named = |name: Option<&String>| name.filter(|name| !name.is_empty()).cloned();
        let field_name = match field.name.as_deref().unwrap_or_default() {
            "Value" | "value" | "" if labels.is_empty() => self.schema.name.clone().unwrap_or_default(),
            name => name.to_owned(),
        };
        Line {
            ref_id: ref_id.to_owned(),
            display_name: named(config.and_then(|config| config.display_name.as_ref()))
                .or_else(|| named(config.and_then(|config| config.display_name_from_ds.as_ref()))),
            field: field_name,
            labels,
            points: with_gaps(points, interval.unwrap_or(0.0) as i64),
        }
    }

    /// Annotations and exemplars stand beside the data; they are no series.
    fn is_beside(&self) -> bool {
        self.schema.meta.as_ref().is_some_and(|meta| {
            meta.data_topic.as_deref() == Some("annotations")
                || meta.custom.as_ref().is_some_and(|custom| custom["resultType"].as_str() == Some("exemplar"))
        })
    }

    fn column(&self, column: usize) -> &[Value] {
        self.data.values.get(column).map_or(&[], Vec::as_slice)
    }

    fn row_labels(&self, row: usize, field: &Field) -> BTreeMap<String, String> {
        let mut labels = field.labels.clone().unwrap_or_default();
        for (column, word) in self.schema.fields.iter().enumerate().filter(|(_, field)| field.is("string")) {
            if let (Some(name), Some(Value::String(value))) = (&word.name, self.column(column).get(row)) {
                labels.insert(name.clone(), value.clone());
            }
        }
        labels
    }

    fn number(&self, column: usize, row: usize, value: &Value) -> Option<f64> {
        let entities = self.data.entities.as_ref().and_then(|all| all.get(column)?.as_ref());
        if let Some(entities) = entities.filter(|_| value.is_null()) {
            return match row {
                _ if entities.nan.contains(&row) => Some(f64::NAN),
                _ if entities.inf.contains(&row) => Some(f64::INFINITY),
                _ if entities.neg_inf.contains(&row) => Some(f64::NEG_INFINITY),
                _ => None,
            };
        }
        value.as_f64().or_else(|| value.as_bool().map(|truth| f64::from(u8::from(truth))))
    }
}

impl Field {
    fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }
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

/// Names of the lines, by what tells them apart: a given name, else the field and the labels that differ; of a single
/// differing label only its value.
pub fn names(lines: &[Line], display_name: Option<&str>) -> Vec<String> {
    let mut values: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    for line in lines {
        for label in line.labels.keys() {
            values.entry(label).or_default();
        }
    }
    for (label, values) in &mut values {
        *values = lines.iter().map(|line| line.labels.get(*label).map(String::as_str)).collect();
    }
    let differ: Vec<&str> = values
        .into_iter()
        .filter(|(_, values)| lines.len() == 1 || values.windows(2).any(|pair| pair[0] != pair[1]))
        .map(|(label, _)| label)
        .collect();
    lines.iter().map(|line| name(line, display_name, &differ)).collect()
}

fn name(line: &Line, display_name: Option<&str>, differ: &[&str]) -> String {
    let field = match line.field.as_str() {
        "Value" | "value" => "",
        field => field,
    };
    let of_labels = || {
        let labels: Vec<(&str, &str)> = differ
            .iter()
            .filter_map(|label| Some((*label, line.labels.get(*label)?.as_str())))
            .filter(|(label, _)| *label != "__name__")
            .collect();
        match labels.as_slice() {
            [] => String::new(),
            [(_, value)] => (*value).to_owned(),
            many => {
                let pairs: Vec<String> = many.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    };
    if let Some(template) = display_name {
        return displayed(template, line, || line.display_name.clone().unwrap_or_else(of_labels));
    }
    if let Some(name) = &line.display_name {
        return name.clone();
    }
    let labels = of_labels();
    let metric = line.labels.get("__name__").map_or(field, String::as_str);
    match (metric.is_empty(), labels.is_empty()) {
        (true, true) => line.ref_id.clone(),
        (true, false) => labels,
        (false, true) => metric.to_owned(),
        (false, false) => format!("{metric} {labels}"),
    }
}

/// `displayName` with `${__field.labels.x}` and `${__series.name}` put in.
fn displayed(template: &str, line: &Line, series: impl Fn() -> String) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        text.push_str(before);
        match inside.strip_prefix("__field.labels.") {
            Some(label) => text.push_str(line.labels.get(label).map_or("", String::as_str)),
            None if matches!(inside, "__series.name" | "__field.displayName" | "__cell") => text.push_str(&series()),
            None if inside == "__field.name" => text.push_str(&line.field),
            None => text.extend(["${", inside, "}"]),
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(frame: Value) -> Vec<Line> {
        serde_json::from_value::<Frame>(frame).unwrap().lines("A", 99)
    }

    #[test]
    fn a_frame_per_series_with_gaps_and_nan() {
        let lines = lines(json!({"schema": {"meta": {"type": "timeseries-multi"}, "fields": [
              {"name": "Time", "type": "time", "config": {"interval": 15000}},
              {"name": "Value", "type": "number", "labels": {"pod": "a"}, "config": {"displayNameFromDS": "pod a"}}]},
            "data": {"values": [[30000, 15000, 90000, null], [null, 1.5, null, 7]],
                     "nanos": [[0, 0, 0, 0], null], "entities": [null, {"NaN": [2]}]}}));
        assert_eq!(lines.len(), 1);
        let points = &lines[0].points;
        assert_eq!(points[..3], [(15_000, Some(1.5)), (30_000, None), (45_000, None)]);
        assert!(points[3].0 == 90_000 && points[3].1.unwrap().is_nan());
        assert_eq!(points.len(), 4);
        assert_eq!(names(&lines, None), ["pod a"]);
    }

    #[test]
    fn wide_and_long_and_tables() {
        let wide = lines(json!({"schema": {"fields": [{"name": "t", "type": "time"}, {"name": "a", "type": "number"},
              {"name": "t2", "type": "time"}, {"name": "b", "type": "number"}]},
            "data": {"values": [[1, 2], [1, 2], [5, 6], [3, 4]]}}));
        assert_eq!(names(&wide, None), ["a", "b"]);
        assert_eq!(wide[1].points, [(1, Some(3.0)), (2, Some(4.0))]);

        let long =
            lines(json!({"schema": {"meta": {"type": "timeseries-long"}, "fields": [{"name": "t", "type": "time"},
              {"name": "host", "type": "string"}, {"name": "cpu", "type": "number"}]},
            "data": {"values": [[1, 1, 2, 2], ["x", "y", "x", "y"], [1, 2, 3, 4]]}}));
        assert_eq!(names(&long, None), ["cpu x", "cpu y"]);
        assert_eq!(long[0].points, [(1, Some(1.0)), (2, Some(3.0))]);

        let table = lines(json!({"schema": {"meta": {"type": "table"}, "fields": [{"name": "host", "type": "string"},
              {"name": "Value", "type": "number"}]}, "data": {"values": [["x", "y"], [1, null]]}}));
        assert_eq!(names(&table, None), ["x", "y"]);
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
            assert!(lines(frame.clone()).is_empty(), "{frame}");
        }
    }

    #[test]
    fn names_by_what_differs() {
        let line = |labels: &[(&str, &str)]| Line {
            ref_id: "A".to_owned(),
            field: "Value".to_owned(),
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Line::default()
        };
        let two = [line(&[("job", "x"), ("pod", "a")]), line(&[("job", "x"), ("pod", "b")])];
        assert_eq!(names(&two, None), ["a", "b"]);
        assert_eq!(names(&two, Some("Pod ${__field.labels.pod}!")), ["Pod a!", "Pod b!"]);
        let both = [line(&[("job", "x"), ("pod", "a")]), line(&[("job", "y"), ("pod", "b")])];
        assert_eq!(names(&both, None)[0], r#"{job="x", pod="a"}"#);
        assert_eq!(names(&[line(&[])], None), ["A"]);
    }
}
