//! Digits as a browser writes them: the shortest decimal form, half-up rounding, grouping, hexadecimal.

/// `value` with exactly `decimals`, or with three significant digits (whole numbers: none).
pub fn to_fixed(value: f64, decimals: Option<u8>) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let decimals = decimals.map_or_else(|| significant(value), usize::from);
    if value == 0.0 {
        return format!("{:.decimals$}", 0.0);
    }
    let factor = 10_f64.powi(decimals as i32);
    let text = plain(round(value * factor) / factor);
    if text.contains('e') {
        return text;
    }
    let precision = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if precision >= decimals {
        return text;
    }
    let point = if precision == 0 { "." } else { "" };
    format!("{text}{point}{}", "0".repeat(decimals - precision))
}

fn not_finite(value: f64) -> String {
    match (value.is_nan(), value > 0.0) {
        (true, _) => "NaN",
        (_, true) => "∞",
        _ => "-∞",
    }
    .to_owned()
}

fn significant(value: f64) -> usize {
    if value % 1.0 == 0.0 {
        return 0;
    }
    let magnitude = (value.abs().ln() / std::f64::consts::LN_10).floor() as i64;
    usize::try_from(2 - magnitude).unwrap_or(0)
}

/// Halves go up, towards plus infinity.
fn round(value: f64) -> f64 {
    let floor = value.floor();
    if value - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// The shortest digits that mean this number; an exponent from 1e21 and below 1e-6.
pub fn plain(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&value.abs()) { format!("{value}") } else { with_sign(&format!("{value:e}")) }
}

/// Scientific: `1.5e+9`.
pub fn sci(value: f64, decimals: Option<u8>) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    // Rounded by its exact value: enough digits to tell a tie from nearly one.
    let exact = format!("{:.60e}", value.abs());
    let text = match (decimals, exact.split_once('e')) {
        (Some(decimals), Some((mantissa, exponent))) => {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            match half_up(mantissa, usize::from(decimals)) {
                carried if carried.starts_with("10") => {
                    format!("{}e{}", half_up("1", usize::from(decimals)), exponent + 1)
                }
                mantissa => format!("{mantissa}e{exponent}"),
            }
        }
        _ => format!("{:e}", value.abs()),
    };
    with_sign(&if value < 0.0 { format!("-{text}") } else { text })
}

/// A positive decimal number rounded to `decimals` digits, by its digits (1.005 is 1.01), padded with zeros.
fn half_up(text: &str, decimals: usize) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let up = fraction.as_bytes().get(decimals).is_some_and(|digit| *digit >= b'5');
    let kept = &fraction[..fraction.len().min(decimals)];
    let mut digits = format!("{whole}{kept:0<decimals$}").into_bytes();
    let mut at = digits.len();
    let mut carry = up;
    while carry && at > 0 {
        at -= 1;
        carry = digits[at] == b'9';
        digits[at] = if carry { b'0' } else { digits[at] + 1 };
    }
    if carry {
        digits.insert(0, b'1');
    }
    let mut text: String = digits.into_iter().map(char::from).collect();
    if decimals > 0 {
        text.insert(text.len() - decimals, '.');
    }
    text
}

fn with_sign(text: &str) -> String {
    if text.contains("e-") { text.to_owned() } else { text.replacen('e', "e+", 1) }
}

/// Thousands apart by commas, with at least and at most so many decimals.
pub fn grouped(value: f64, least: u8, most: u8) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let text = half_up(&format!("{}", value.abs()), usize::from(most));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let kept = fraction.trim_end_matches('0').len().max(usize::from(least));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if kept > 0 {
        grouped.push('.');
        grouped.push_str(&fraction[..kept]);
    }
    if value < 0.0 { format!("-{grouped}") } else { grouped }
}

/// Base 16 of the rounded number, fractions too, as short as tells it apart from its neighbours.
pub fn hex(value: f64, decimals: Option<u8>, prefix: &str) -> String {
    let value: f64 = to_fixed(value, decimals).parse().unwrap_or(f64::NAN);
    if !value.is_finite() {
        return not_finite(value);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let (whole, mut fraction) = (value.abs().trunc(), value.abs().fract());
    let mut text = format!("{sign}{prefix}{:X}", whole as u128);
    let mut delta = (0.5 * (value.abs().next_up() - value.abs())).max(f64::MIN_POSITIVE);
    if fraction >= delta {
        text.push('.');
        loop {
            fraction *= 16.0;
            delta *= 16.0;
            let digit = fraction.trunc();
            fraction -= digit;
            // An exact half goes to the even digit.
            let beyond_half = fraction > 0.5 || (fraction >= 0.5 && digit as u32 % 2 == 1);
            let up = beyond_half && fraction + delta > 1.0;
            let digit = digit as u32 + u32::from(up);
            // A carry out of 15 would need two neighbours that differ in no digit: it cannot follow from `up` here.
            text.extend(char::from_digit(digit.min(15), 16).map(|digit| digit.to_ascii_uppercase()));
            if up || fraction < delta {
                break;
            }
        }
    }
    text
}
