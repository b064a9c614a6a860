//! Numbers as Grafana writes them: its unit ids, decimals and rounding (`@grafana/data` `valueFormats`), proven against
//! that package's own output. Times of day are UTC.

mod number;
mod table;
mod time;

use crate::model::metric::{Item, Unit};
pub use number::plain;
use number::{grouped, hex, sci, to_fixed};
use table::{Family, TABLE};

const SI: [&str; 14] = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const SI_BASE: i32 = 5;
const BINARY: [&str; 9] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const COUNTS: [&str; 5] = ["", "K", "M", "B", "T"];
const SHORT: [&str; 9] = ["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint", " Sext", " Sept"];

/// `value` in `unit`, as Grafana writes it: `1.50 GiB`, `12.5%`, `1.04 days`, `1.54K req/s`.
pub fn format(unit: &Unit, value: f64) -> String {
    let number = written(&unit.id, value, unit.decimals);
    format!("{}{}{}", number.before, number.text, number.after)
}

/// One of a panel's numbers as the panel writes it: mappings, and what it says of no value.
pub fn shown(item: &Item<'_>) -> String {
    match item.now {
        _ if !item.text.is_empty() => item.text.to_owned(),
        Some(now) => format(&item.scale.unit, now),
        None => "no data".to_owned(),
    }
}

/// A limit beside such values, with no more decimals than it has: `5%`, `500 ms`.
pub fn limit(unit: &Unit, value: f64) -> String {
    format(&Unit { decimals: None, ..unit.clone() }, value)
}

/// The same as short as an axis needs it: no padding zeros, no spaces, `m h d w y` for the words of time.
pub fn axis(unit: &Unit, value: f64) -> String {
    let number = written(&unit.id, value, unit.decimals);
    let has_fraction = number.text.contains('.') && !number.text.contains('e');
    let text = if has_fraction { number.text.trim_end_matches('0').trim_end_matches('.') } else { &number.text };
    let after = match number.after.trim() {
        "min" | "mins" => "m",
        "hour" | "hours" => "h",
        "day" | "days" => "d",
        "week" | "weeks" => "w",
        "year" | "years" => "y",
        other => other,
    };
    let after = after.replacen(' ', "", 1);
    format!("{}{text}{after}", number.before)
}

/// A number in three pieces, so that an axis can shorten it.
struct Written {
    before: String,
    text: String,
    after: String,
}

impl Written {
    fn plain(text: impl Into<String>) -> Self {
        Self { before: String::new(), text: text.into(), after: String::new() }
    }

    fn with(text: String, after: impl Into<String>) -> Self {
        Self { before: String::new(), text, after: after.into() }
    }
}

fn written(id: &str, value: f64, decimals: Option<u8>) -> Written {
    if let Some(time) = time::written(id, value, decimals) {
        return time;
    }
    match id {
        "" | "none" => Written::plain(to_fixed(value, decimals)),
        "string" => Written::plain(plain(value)),
        "short" => scaled(value, decimals, 1000.0, &SHORT, 0),
        "pressurepsi" => scaled(value, decimals, 1000.0, &["psi", "ksi", "Mpsi"], 0),
        "percent" => Written::with(to_fixed(value, decimals), "%"),
        "percentunit" => Written::with(to_fixed(100.0 * value, decimals), "%"),
        "hex" => Written::plain(hex(value, decimals, "")),
        "hex0x" => Written::plain(hex(value, decimals, "0x")),
        "sci" => Written::plain(sci(value, decimals)),
        "locale" => Written::plain(grouped(value, 0, decimals.unwrap_or(3))),
        "bool" => boolean(value, "True", "False"),
        "bool_yes_no" => boolean(value, "Yes", "No"),
        "bool_on_off" => boolean(value, "On", "Off"),
        "farenheit" => fixed(value, decimals, "°F"),
        _ => match TABLE.binary_search_by_key(&id, |(known, _)| known) {
            Ok(at) => of_family(TABLE[at].1, value, decimals),
            Err(_) => custom(id, value, decimals),
        },
    }
}

fn of_family(family: Family, value: f64, decimals: Option<u8>) -> Written {
    match family {
        Family::Si(unit, offset) => si(value, decimals, unit, offset),
        Family::Binary(unit, offset) => {
            let units = BINARY.map(|prefix| format!(" {prefix}{unit}"));
            scaled(value, decimals, 1024.0, &units, offset)
        }
        Family::Fixed(unit) => fixed(value, decimals, unit),
        Family::Currency(symbol) => currency(value, decimals, symbol, false),
        Family::CurrencyAfter(symbol) => currency(value, decimals, symbol, true),
        Family::Count(unit) => count(value, decimals, unit),
    }
}

/// `prefix:`, `suffix:`, `si:`, `count:`, `currency:`, `bool:`; anything unknown is a literal suffix.
fn custom(id: &str, value: f64, decimals: Option<u8>) -> Written {
    let Some((kind, rest)) = id.split_once(':').filter(|(kind, _)| !kind.is_empty()) else {
        return fixed(value, decimals, id);
    };
    match kind {
        "prefix" => Written { before: rest.to_owned(), ..Written::plain(to_fixed(value, decimals)) },
        "suffix" => fixed(value, decimals, rest),
        "si" => {
            let first = rest.chars().next().unwrap_or(' ');
            // The Greek mu and the micro sign are the same prefix.
            let first = if first == 'μ' { 'µ' } else { first };
            match SI.iter().position(|prefix| prefix.chars().eq([first])) {
                Some(at) => {
                    si(value, decimals, &rest[rest.chars().next().map_or(0, char::len_utf8)..], at as i32 - SI_BASE)
                }
                None => si(value, decimals, rest, 0),
            }
        }
        "count" => count(value, decimals, rest),
        "currency" => match rest.strip_prefix("financial:") {
            Some(rest) => financial(value, decimals, rest),
            None => currency(value, decimals, rest, false),
        },
        "bool" => {
            let (yes, no) = rest.split_once('/').unwrap_or((rest, "-"));
            boolean(value, yes, no)
        }
        _ => fixed(value, decimals, id),
    }
}

fn fixed(value: f64, decimals: Option<u8>, unit: &str) -> Written {
    let after = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    Written::with(to_fixed(value, decimals), after)
}

fn boolean(value: f64, yes: &str, no: &str) -> Written {
    Written::plain(if value == 0.0 || value.is_nan() { no } else { yes })
}

fn si(value: f64, decimals: Option<u8>, unit: &str, offset: i32) -> Written {
    let units = SI.map(|prefix| format!(" {prefix}{unit}"));
    scaled(value, decimals, 1000.0, &units, SI_BASE + offset)
}

fn count(value: f64, decimals: Option<u8>, unit: &str) -> Written {
    let mut written = scaled(value, decimals, 1000.0, &COUNTS, 0);
    written.after.push(' ');
    written.after.push_str(unit);
    written
}

fn currency(value: f64, decimals: Option<u8>, symbol: &str, behind: bool) -> Written {
    let mut written = scaled(value.abs(), decimals, 1000.0, &COUNTS, 0);
    if behind {
        written.after.push_str(symbol);
    } else {
        symbol.clone_into(&mut written.before);
    }
    if value < 0.0 {
        written.before.insert(0, '-');
    }
    written
}

/// `SYMBOL[:suffix]`: the whole number, grouped.
fn financial(value: f64, decimals: Option<u8>, rest: &str) -> Written {
    let (symbol, place) = rest.split_once(':').unwrap_or((rest, ""));
    let text = grouped(value, decimals.unwrap_or(0), decimals.unwrap_or(1));
    match place {
        "suffix" => Written::with(text, symbol),
        _ => Written { before: symbol.to_owned(), ..Written::plain(text) },
    }
}

/// Divides by `factor` until the number is small, as far as there are units.
fn scaled(value: f64, decimals: Option<u8>, factor: f64, units: &[impl AsRef<str>], offset: i32) -> Written {
    if !value.is_finite() {
        return Written::plain(to_fixed(value, decimals));
    }
    let most = units.len() as i32 - 1;
    let power = if value == 0.0 { 0 } else { (value.abs().log10() / factor.log10()).floor() as i32 };
    let unit = units[(offset + power).clamp(0, most) as usize].as_ref();
    Written::with(to_fixed(value / factor.powi(power.clamp(-offset, most - offset)), decimals), unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Clean;

    fn unit(id: &str, decimals: Option<u8>) -> Unit {
        Unit { id: Clean::line(id), decimals }
    }

    #[derive(serde::Deserialize)]
    struct Fixture {
        package: String,
        values: Vec<f64>,
        units: std::collections::BTreeMap<String, std::collections::BTreeMap<String, Vec<String>>>,
    }

    #[test]
    fn every_unit_is_written_as_grafana_writes_it() {
        let fixture: Fixture = serde_json::from_str(include_str!("../tests/fixtures/grafana/units.json")).unwrap();
        let mut wrong = Vec::new();
        let mut compared = 0;
        for (id, columns) in &fixture.units {
            for (decimals, texts) in columns {
                let unit = unit(id, decimals.parse().ok());
                for (value, text) in fixture.values.iter().zip(texts) {
                    // Beyond the year 9999 the browser's dates have five digits, and ours none.
                    let is_date = ["clock", "time:", "dateTime"].iter().any(|start| id.starts_with(start));
                    if is_date && value.abs() > 2e14 {
                        continue;
                    }
                    compared += 1;
                    let ours = format(&unit, *value);
                    if &ours != text {
                        wrong.push(format!("{id} ({decimals}) {value:e}: '{ours}', theirs '{text}'"));
                    }
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {compared} differ from {}:\n{}",
            wrong.len(),
            fixture.package,
            wrong.join("\n")
        );
        assert!(compared > 15_000, "{compared}");
    }

    #[test]
    fn what_is_no_number_is_said() {
        for id in ["bytes", "short", "percent", "s", "reqps", "none"] {
            assert!(format(&unit(id, None), f64::INFINITY).starts_with('∞'), "{id}");
            assert!(format(&unit(id, None), f64::NAN).starts_with("NaN"), "{id}");
        }
        assert_eq!(format(&unit("currencyUSD", None), f64::NEG_INFINITY), "-$∞");
    }

    #[test]
    fn an_axis_is_short() {
        for (id, value, text) in [
            ("bytes", 1.5 * 1024.0 * 1024.0, "1.5MiB"),
            ("s", 0.25, "250ms"),
            ("s", 5400.0, "1.5h"),
            ("percentunit", 0.5, "50%"),
            ("reqps", 1500.0, "1.5Kreq/s"),
            ("short", 2000.0, "2K"),
            ("none", 100.0, "100"),
            ("currencyUSD", 1500.0, "$1.5K"),
            ("dtdurations", 7200.0, "2 hours"),
        ] {
            assert_eq!(axis(&unit(id, None), value), text, "{id}");
        }
    }
}
