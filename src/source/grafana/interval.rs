//! Grafana's interval arithmetic: the step of a query from its range and width, the same numbers as the web page's.

/// Upper bound (exclusive, ms) to the interval it rounds to (ms).
const ROUND: [(i64, i64); 28] = [
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
];
const SIX_WEEKS: i64 = 3_628_800_000;
const MONTH: i64 = 30 * 86_400_000;
const YEAR: i64 = 365 * 86_400_000;
/// Most points per series that Prometheus answers with.
const MAX_POINTS: i64 = 11_000;
/// A Prometheus that says nothing else scrapes this often, ms.
pub const SCRAPE: i64 = 15_000;

pub fn round(interval: i64) -> i64 {
    let beyond = if interval < SIX_WEEKS { MONTH } else { YEAR };
    ROUND.iter().find(|(bound, _)| interval < *bound).map_or(beyond, |(_, rounded)| *rounded)
}

/// `intervalMs` of a query.
pub fn interval(range: i64, max_data_points: i64, min: i64) -> i64 {
    round(range / max_data_points.max(1)).max(min)
}

/// The step Prometheus is asked with: `interval` or the target's own minimum, never more than 11,000 points.
pub fn step(interval: i64, min_step: Option<i64>, range: i64, factor: i64) -> i64 {
    let safe = (range + MAX_POINTS - 1) / MAX_POINTS;
    interval.max(min_step.unwrap_or(0)).max(round_up(safe)) * factor.max(1)
}

/// Grafana rounds the safe interval as well, above a second to whole seconds.
fn round_up(ms: i64) -> i64 {
    if ms <= 1_000 { ms } else { (ms + 999) / 1_000 * 1_000 }
}

/// `$__rate_interval`: at least four scrapes, so that `rate` has samples.
pub fn rate_interval(step: i64, scrape: i64) -> i64 {
    (step + scrape).max(4 * scrape)
}

/// `15s`, `1m30s` as `90s`, `500ms`: one number and a unit, as queries take it.
pub fn to_text(ms: i64) -> String {
    match ms {
        _ if ms > 0 && ms % 86_400_000 == 0 => format!("{}d", ms / 86_400_000),
        _ if ms > 0 && ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        _ if ms > 0 && ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        _ if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        _ => format!("{ms}ms"),
    }
}

/// `15s`, `>1m`, `500ms`, `1h30m`, or bare seconds; ms. `None`: not a duration (a variable, `auto`).
pub fn parse(text: &str) -> Option<i64> {
    let mut rest = text.trim().trim_start_matches('>').trim();
    if let Ok(seconds) = rest.parse::<i64>() {
        return (seconds > 0).then_some(seconds * 1_000);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match &after[..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "M" => MONTH,
            "y" => YEAR,
            _ => return None,
        };
        total += number * unit as f64;
        rest = &after[unit_end..];
    }
    (total >= 1.0).then_some(total as i64)
}

/// Seconds up to now of a dashboard's `time.from`: `now-6h`, `now/d`, `now-1d/d`. `None`: not relative to now.
pub fn range_of(from: &str) -> Option<u32> {
    let relative = from.trim().strip_prefix("now")?;
    let (back, snap) = relative.split_once('/').map_or((relative, None), |(back, unit)| (back, Some(unit)));
    let back = if back.is_empty() { 0 } else { parse(back.strip_prefix('-')?)? };
    // Snapping reaches back to a unit's beginning: at most one unit more.
    let snap = snap.and_then(|unit| parse(&format!("1{}", unit.trim_start_matches('f')))).unwrap_or(0);
    u32::try_from((back + snap) / 1_000).ok().filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Fixture {
        package: String,
        /// Range, points, least interval, what becomes of them; ms.
        calculated: Vec<(i64, i64, Option<String>, i64)>,
        rounded: Vec<(i64, i64)>,
    }

    #[test]
    fn intervals_are_grafanas() {
        let text = include_str!("../../../tests/fixtures/grafana/intervals.json");
        let fixture: Fixture = serde_json::from_str(text).expect("a fixture");
        assert!(fixture.calculated.len() > 800 && fixture.rounded.len() > 150, "all are there");
        for (range, points, least, theirs) in fixture.calculated {
            let least_ms = least.as_deref().map_or(1, |text| parse(text).expect("a duration"));
            let what = format!("{range} ms, {points} points, least {least:?}, {}", fixture.package);
            assert_eq!(interval(range, points, least_ms), theirs, "{what}");
        }
        for (ms, theirs) in fixture.rounded {
            assert_eq!(round(ms), theirs, "{ms}, {}", fixture.package);
        }
    }

    #[test]
    fn a_query_is_never_finer_than_the_scrape() {
        assert_eq!(interval(3_600_000, 180, SCRAPE), 20_000);
        assert_eq!(interval(900_000, 500, SCRAPE), SCRAPE);
        assert_eq!(rate_interval(15_000, SCRAPE), 60_000);
        assert_eq!(rate_interval(120_000, SCRAPE), 135_000);
        assert_eq!(step(15_000, None, 30 * 86_400_000, 1), 236_000);
        assert_eq!(step(15_000, Some(60_000), 3_600_000, 2), 120_000);
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms) in [
            ("15s", Some(15_000)),
            (">1m", Some(60_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("30", Some(30_000)),
            ("auto", None),
            ("", None),
            ("$x", None),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
        for (ms, text) in
            [(15_000, "15s"), (60_000, "1m"), (90_000, "90s"), (3_600_000, "1h"), (500, "500ms"), (86_400_000, "1d")]
        {
            assert_eq!(to_text(ms), text);
        }
        for (from, seconds) in [
            ("now-6h", Some(21_600)),
            ("now-15m", Some(900)),
            ("now/d", Some(86_400)),
            ("now-1d/d", Some(172_800)),
            ("2026-01-01", None),
            ("now", None),
        ] {
            assert_eq!(range_of(from), seconds, "{from}");
        }
    }
}
