//! Kubernetes quantities (`apimachinery/pkg/api/resource`): exact, in nano-units.

/// Of these is one of a thing.
const NANO: i128 = 1_000_000_000;

/// In units of 10⁻⁹; what is finer is rounded up. `None`: not a quantity.
fn nano(text: &str) -> Option<i128> {
    let digits_end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits_end);
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (times, by) = scale(suffix)?;
    let scaled = all.parse::<i128>().ok()?.checked_mul(times)?.checked_mul(NANO)?;
    let divisor = by.checked_mul(10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    let rounded_up = scaled.checked_add(divisor - 1)? / divisor;
    Some(if negative { -rounded_up } else { rounded_up })
}

/// A suffix as multiplier and divisor.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "" => (1, 1),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let ten = 10_i128.checked_pow(power.unsigned_abs())?;
            if power < 0 { (1, ten) } else { (ten, 1) }
        }
    })
}

/// A memory quantity in bytes, rounded up.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let nano = nano(text).filter(|nano| *nano >= 0)?;
    u64::try_from(nano.checked_add(999_999_999)? / 1_000_000_000).ok()
}

/// A CPU quantity in thousandths of a core, rounded up.
pub fn parse_millis(text: &str) -> Option<u64> {
    let nano = nano(text).filter(|nano| *nano >= 0)?;
    u64::try_from(nano.checked_add(999_999)? / 1_000_000).ok()
}

/// As the API server stores it: the largest unit of the same family that leaves no fraction. What is written with an
/// exponent stays.
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
pub fn canonical(text: &str) -> Option<String> {
    const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    let mut amount = nano(text)?;
    if text.contains(['e', 'E']) && text.ends_with(|c: char| c.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    let is_binary = text.ends_with('i') && amount % NANO == 0;
    let (base, units) = if is_binary { (1024, &BINARY[..]) } else { (1000, &DECIMAL[..]) };
    if is_binary {
        amount /= NANO;
    }
    let mut units = units.iter();
    let mut unit = units.next()?;
    while amount != 0 && amount % base == 0 {
        let Some(larger) = units.next() else { break };
        (amount, unit) = (amount / base, larger);
    }
    Some(if amount == 0 { "0".to_owned() } else { format!("{amount}{unit}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_stores_a_quantity_in_its_own_form() {
        for (text, stored) in [
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("1000Mi", "1000Mi"),
            ("1.5Ki", "1536"),
            ("512Mi", "512Mi"),
            ("1G", "1G"),
            ("1500M", "1500M"),
            ("100000000", "100M"),
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("2", "2"),
            ("2000", "2k"),
            ("1e3", "1e3"),
            ("1E", "1E"),
            ("0", "0"),
            ("0Mi", "0"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(stored), "{text}");
        }
        assert_eq!(canonical("lots"), None);
    }

    #[test]
    fn quantities_are_read_exactly() {
        const ONE: i128 = 1_000_000_000;
        for (text, expected) in [
            ("1", Some(ONE)),
            ("100m", Some(ONE / 10)),
            ("1.5Gi", Some(1_610_612_736 * ONE)),
            ("1e3", Some(1000 * ONE)),
            ("1E3", Some(1000 * ONE)),
            ("123456789n", Some(123_456_789)),
            ("1Ki", Some(1024 * ONE)),
            (".5", Some(ONE / 2)),
            ("1E", Some(1_000_000_000_000_000_000 * ONE)),
            ("0.0000000001", Some(1)),
            ("-1", Some(-ONE)),
            ("1e-3", Some(ONE / 1000)),
            ("", None),
            ("1K", None),
            ("Mi", None),
            ("1.2.3", None),
            ("1-2", None),
            ("1e999", None),
        ] {
            assert_eq!(nano(text), expected, "'{text}'");
        }
        assert_eq!(parse_bytes("128974848000m"), Some(128_974_848));
        assert_eq!(parse_bytes("512Mi"), Some(536_870_912));
        assert_eq!(parse_bytes("-1"), None);
    }
}
