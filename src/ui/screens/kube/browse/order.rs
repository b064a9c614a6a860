//! The order of cells: numbers as numbers, ages as ages, the rest as text with its numbers as numbers.

use std::cmp::Ordering;

use crate::model::kubernetes::table::seconds;

/// What a cell is ordered by, worked out once.
#[derive(Clone, Debug)]
pub enum Key {
    Number(f64),
    /// In lower case.
    Text(String),
}

impl Key {
    /// Of what a server printed.
    pub fn of(text: &str) -> Self {
        number(text).map_or_else(|| Self::text(text), Self::Number)
    }

    /// Of `8/10`: what lacks more comes first, whole or not by how much there is of it.
    pub fn lacking(text: &str) -> Option<Self> {
        let (some, all) = text.split_once('/')?;
        let (some, all): (f64, f64) = (some.trim().parse().ok()?, all.trim().parse().ok()?);
        Some(Self::Number((some - all).min(0.0)))
    }

    pub fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (Self::Text(one), Self::Text(two)) => by_parts(one, two),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

/// A number, with `%` too, an age in seconds (`5d3h`, `17s`) or a quantity (`10Gi`).
fn number(text: &str) -> Option<f64> {
    let text = text.split(" (").next().unwrap_or(text);
    if let Ok(number) = text.trim_end_matches('%').parse::<f64>() {
        return Some(number).filter(|number| number.is_finite());
    }
    seconds(text).map(|seconds| seconds as f64).or_else(|| quantity(text))
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
            (Some(a), Some(b)) => match a.cmp(&b) {
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
    fn what_lacks_more_comes_first() {
        let key = |cell| Key::lacking(cell).expect("it counts");
        assert!(key("8/10") < key("0/1") && key("0/1") < key("1/1") && key("1/1") == key("9/9"));
        assert!(Key::lacking("Deployment/web").is_none());
    }

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
            let keys = cells.map(Key::of);
            assert!(keys[0] < keys[1] && keys[1] < keys[2] && keys[2] == Key::of(cells[2]), "{cells:?}");
        }
    }
}
