//! Reducers: a column of samples becomes one number, as Grafana's `reduceOptions.calcs` say. Held to what `@grafana/data`
//! itself makes of the same columns, its oddities included: what is read here is what the page shows.

/// `calc` over samples in time order; `None`: a gap, NaN: a sample without a value. `None` where Grafana has no number, and
/// for a reducer it does not have. Yes and no are 1 and 0.
pub fn reduce(calc: &str, samples: &[Option<f64>]) -> Option<f64> {
    if samples.is_empty() {
        return of_nothing(calc);
    }
    let present = || samples.iter().flatten().copied();
    let numbers = || present().filter(|value| !value.is_nan());
    let first = || numbers().next();
    let last = || numbers().next_back();
    // Not `sum`: of nothing that is -0.
    let sum = || numbers().fold(0.0, |sum, value| sum + value);
    let diff = || Some(last()? - first()?);
    match calc {
        "last" => samples.last().copied().flatten(),
        "first" => samples.first().copied().flatten(),
        "firstNotNull" => first(),
        "lastNotNull" | "current" => last(),
        "min" => least(numbers()),
        "max" => most(numbers()),
        "logmin" => Some(numbers().filter(|value| *value > 0.0).fold(f64::MAX, f64::min)),
        "range" => Some(most(numbers())? - least(numbers())?),
        "sum" | "total" => Some(sum()),
        "mean" | "avg" => first().map(|_| sum() / numbers().count() as f64),
        "median" => Some(median(present())),
        "variance" => Some(variance(present())),
        "stdDev" => Some(variance(present()).sqrt()),
        "count" => Some(present().count() as f64),
        "countAll" => Some(samples.len() as f64),
        "diff" => diff(),
        "diffperc" => Some(first().zip(diff()).map_or(0.0, |(first, diff)| diff / first * 100.0)),
        "delta" => Some(delta(numbers())),
        "step" => least(steps(numbers())),
        // A NaN equals nothing, not even the one before it.
        "changeCount" => Some(present().zip(present().skip(1)).filter(|(a, b)| !is_same(*a, *b)).count() as f64),
        "distinctCount" => Some(distinct(present()) as f64),
        "allIsNull" => Some(yes(first().is_none())),
        "allIsZero" => Some(yes(first().is_some() && numbers().all(|value| value == 0.0))),
        _ => percentile(numbers(), calc.strip_prefix('p')?.parse().ok()?),
    }
}

/// What a column without samples is reduced to.
fn of_nothing(calc: &str) -> Option<f64> {
    match calc {
        "sum" | "total" | "count" | "countAll" | "allIsZero" => Some(0.0),
        "allIsNull" => Some(1.0),
        _ => None,
    }
}

fn yes(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn is_same(a: f64, b: f64) -> bool {
    a.partial_cmp(&b).is_some_and(std::cmp::Ordering::is_eq)
}

/// The smallest below the largest number there is: a column of `+Inf` has none.
fn least(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    numbers.filter(|value| *value < f64::MAX).reduce(f64::min)
}

fn most(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    numbers.filter(|value| *value > f64::MIN).reduce(f64::max)
}

fn steps(numbers: impl Iterator<Item = f64> + Clone) -> impl Iterator<Item = f64> + Clone {
    numbers.clone().skip(1).zip(numbers).map(|(after, before)| after - before)
}

/// Growth of a counter. The step down of a restart does not count, and nor does the first step up after it.
fn delta(numbers: impl Iterator<Item = f64> + Clone) -> f64 {
    let (mut total, mut is_up) = (0.0, true);
    for (after, before) in numbers.clone().skip(1).zip(numbers) {
        if before > after {
            is_up = false;
            continue;
        }
        if is_up {
            total += after - before;
        }
        is_up = true;
    }
    total
}

/// In one pass (Welford), so that the last digits are the page's too. A NaN makes it NaN.
fn variance(present: impl Iterator<Item = f64>) -> f64 {
    let (mut squares, mut mean, mut count) = (0.0, 0.0, 0.0);
    for value in present {
        count += 1.0;
        let before = mean;
        mean += (value - before) / count;
        squares += (value - before) * (value - mean);
    }
    if count > 0.0 { squares / count } else { 0.0 }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// NaN without samples.
fn median(present: impl Iterator<Item = f64>) -> f64 {
    let values = sorted(present.filter(|value| !value.is_nan()));
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) }
}

fn distinct(present: impl Iterator<Item = f64>) -> usize {
    // 0 and -0 are one value, and so are all NaN.
    let mut values: Vec<u64> =
        present.map(|value| if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }).collect();
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// The nearest sample; of 1 to 99.
fn percentile(numbers: impl Iterator<Item = f64>, percent: u8) -> Option<f64> {
    if !(1..=99).contains(&percent) {
        return None;
    }
    let values = sorted(numbers);
    // A half is rounded up, as the browser does.
    let at = (values.len().checked_sub(1)? as f64 * (f64::from(percent) / 100.0) + 0.5).floor();
    values.get(at as usize).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Fixture {
        package: String,
        columns: Vec<Vec<Value>>,
        reducers: std::collections::BTreeMap<String, Vec<Value>>,
    }

    fn number(value: &Value) -> Option<f64> {
        match value {
            Value::Bool(is_so) => Some(yes(*is_so)),
            Value::String(text) => Some(text.parse().expect("a number or its word")),
            _ => value.as_f64(),
        }
    }

    #[test]
    fn every_reducer_gives_grafanas_number() {
        let text = include_str!("../../../tests/fixtures/grafana/reducers.json");
        let fixture: Fixture = serde_json::from_str(text).expect("a fixture");
        let (mut compared, mut wrong) = (0, Vec::new());
        for (calc, results) in &fixture.reducers {
            for (column, theirs) in fixture.columns.iter().zip(results).filter(|(_, theirs)| *theirs != "unspecified") {
                let samples: Vec<Option<f64>> = column.iter().map(number).collect();
                let (ours, theirs) = (reduce(calc, &samples), number(theirs));
                compared += 1;
                let bits = |value: Option<f64>| value.map(|value| (value + 0.0).to_bits());
                if bits(ours) != bits(theirs) && !ours.zip(theirs).is_some_and(|(a, b)| a.is_nan() && b.is_nan()) {
                    wrong.push(format!("{calc} of {column:?}: {ours:?}, theirs {theirs:?}"));
                }
            }
        }
        let (count, package) = (wrong.len(), &fixture.package);
        assert!(wrong.is_empty(), "{count} of {compared} differ from {package}:\n{}", wrong.join("\n"));
        assert!(fixture.reducers.len() > 120 && compared > 3_000, "{compared}");
    }

    #[test]
    fn what_grafana_does_not_have_is_no_number() {
        for calc in ["nonsense", "p", "p0", "p100", "p1000", "", "allValues"] {
            assert_eq!(reduce(calc, &[Some(1.0)]), None, "{calc}");
        }
    }
}
