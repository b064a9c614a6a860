//! The order of cells: numbers as numbers, ages as ages, the rest as text with its numbers as numbers.

use std::cmp::Ordering;

/// Compares what a server printed.
pub fn compare(one: &str, two: &str) -> Ordering {
    match (number(one), number(two)) {
        (Some(one), Some(two)) => one.total_cmp(&two),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => by_parts(one, two),
    }
}

/// A number, with `%` too, an age in seconds (`5d3h`, `17s`) or a quantity (`10Gi`).
fn number(text: &str) -> Option<f64> {
    let text = text.split(" (").next().unwrap_or(text);
    if let Ok(number) = text.trim_end_matches('%').parse::<f64>() {
        return Some(number).filter(|number| number.is_finite());
    }
    age(text).or_else(|| quantity(text))
}

fn age(text: &str) -> Option<f64> {
    let (mut seconds, mut digits) = (0.0, String::new());
    for c in text.trim_end_matches(" ago").chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1.0,
            'm' => 60.0,
            'h' => 3_600.0,
            'd' => 86_400.0,
            'y' => 31_536_000.0,
            _ => return None,
        };
        seconds += digits.parse::<f64>().ok()? * unit;
        digits.clear();
    }
    (digits.is_empty() && !text.is_empty()).then_some(seconds)
}

fn quantity(text: &str) -> Option<f64> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)];
    let (number, power) = units.iter().find_map(|(unit, power)| Some((text.strip_suffix(unit)?, power)))?;
    Some(
        number.parse::<f64>().ok()?
            * f64::from(1_u32 << (power % 30))
            * if *power >= 30 { 1_073_741_824.0 } else { 1.0 },
    )
}

/// `web-2` before `web-10`.
fn by_parts(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (one, two);
    loop {
        match (one.chars().next(), two.chars().next()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (first, second) = (digits(one), digits(two));
                let (x, y) = (one[..first].trim_start_matches('0'), two[..second].trim_start_matches('0'));
                match x.len().cmp(&y.len()).then_with(|| x.cmp(y)) {
                    Ordering::Equal => (one, two) = (&one[first..], &two[second..]),
                    unequal => return unequal,
                }
            }
            (Some(a), Some(b)) => match a.to_lowercase().cmp(b.to_lowercase()) {
                Ordering::Equal => (one, two) = (&one[a.len_utf8()..], &two[b.len_utf8()..]),
                unequal => return unequal,
            },
        }
    }
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_as_people_count() {
        for cells in [
            ["2", "10", "110"],
            ["17s", "2m", "5d3h"],
            ["4h (x)", "47h", "2y"],
            ["512Mi", "10Gi", "1Ti"],
            ["web-2", "web-10", "Web-11"],
            ["0/1", "1/1", "1/2"],
            ["9", "9%x", "<none>"],
        ] {
            assert_eq!(compare(cells[0], cells[1]), Ordering::Less, "{cells:?}");
            assert_eq!(compare(cells[1], cells[2]), Ordering::Less, "{cells:?}");
            assert_eq!(compare(cells[2], cells[2]), Ordering::Equal, "{cells:?}");
        }
    }
}
