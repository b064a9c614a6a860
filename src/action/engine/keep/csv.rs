//! A panel's values as CSV, a row for each: what `awk` and a spreadsheet read.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::{model::metric::PanelData, secret::mask};

/// Bytes kept of one panel.
const MOST: usize = 256 * 1024;

/// Appends the rows; what could not be read follows as comments.
pub(super) fn append(data: &PanelData, text: &mut String) {
    let title = field(&data.title);
    text.push_str("panel,time,series,value\n");
    let mut is_cut = false;
    'all: for series in &data.series {
        let name = field(&series.name);
        for (at, value) in &series.points {
            let (Some(value), Ok(at)) = (value, Timestamp::from_millisecond(*at)) else { continue };
            if text.len() > MOST {
                is_cut = true;
                break 'all;
            }
            let _ = writeln!(text, "{title},{at},{name},{value}");
        }
    }
    if is_cut {
        let _ = writeln!(text, "# cut at {} KiB", MOST / 1024);
    }
    if data.more_series > 0 {
        let _ = writeln!(text, "# {} more series were not read", data.more_series);
    }
    for failure in &data.failures {
        let _ = writeln!(text, "# could not be read: {}", mask(failure));
    }
}

/// Quoted: labels hold commas and quotes.
fn field(value: &str) -> String {
    format!("\"{}\"", mask(value).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        BackendId,
        metric::{DashboardKey, PanelKey, Series},
    };

    fn data(series: Vec<Series>) -> PanelData {
        let dashboard = DashboardKey { backend: BackendId::new("grafana"), uid: "board".into() };
        PanelData {
            key: PanelKey { dashboard, id: 4 },
            title: "Errors, %".into(),
            from: 0,
            to: 60_000,
            series,
            more_series: 2,
            reduced: Vec::new(),
            table: None,
            failures: vec!["B: no such metric".into()],
            notices: Vec::new(),
        }
    }

    #[test]
    fn each_value_is_a_row_and_a_gap_is_none() {
        let mut text = String::new();
        let points = vec![(0, Some(0.5)), (30_000, None), (60_000, Some(62.0))];
        append(&data(vec![Series { name: r#"{pod="a"}"#.into(), points, ..Series::default() }]), &mut text);
        assert_eq!(
            text,
            "panel,time,series,value\n\
             \"Errors, %\",1970-01-01T00:00:00Z,\"{pod=\"\"a\"\"}\",0.5\n\
             \"Errors, %\",1970-01-01T00:01:00Z,\"{pod=\"\"a\"\"}\",62\n\
             # 2 more series were not read\n\
             # could not be read: B: no such metric\n"
        );
    }

    #[test]
    fn a_panel_of_any_size_is_kept_in_bounds() {
        let mut text = String::new();
        let points = (0..20_000).map(|at| (at, Some(1.0))).collect();
        append(&data(vec![Series { name: "a".into(), points, ..Series::default() }]), &mut text);
        assert!(text.len() < MOST + 200 && text.contains("\n# cut at 256 KiB\n"), "{}", text.len());
    }
}
