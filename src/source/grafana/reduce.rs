//! Reducers: a column of samples becomes one number, as Grafana's `reduceOptions.calcs` say.

/// `calc` over samples in time order; `None`: a gap, NaN: a sample without a value. Unknown reducers and empty columns
/// give `None`.
pub fn reduce(calc: &str, samples: &[Option<f64>]) -> Option<f64> {
    let numbers = || samples.iter().flatten().copied().filter(|value| !value.is_nan());
    let last_number = || numbers().next_back();
    let sum = || numbers().sum::<f64>();
    let count = numbers().count();
    let some = |value: f64| (count > 0).then_some(value);
    match calc {
        "last" => samples.last().copied().flatten(),
        "first" => samples.first().copied().flatten(),
        "firstNotNull" => numbers().next(),
        "lastNotNull" => last_number(),
        "min" | "logmin" => numbers().filter(|value| calc == "min" || *value > 0.0).reduce(f64::min),
        "max" => numbers().reduce(f64::max),
        "mean" => some(sum() / count as f64),
        "sum" => some(sum()),
        "count" => Some(samples.iter().flatten().count() as f64),
        "range" => Some(numbers().reduce(f64::max)? - numbers().reduce(f64::min)?),
        "diff" => Some(last_number()? - numbers().next()?),
        "diffperc" => {
            let (first, last) = (numbers().next()?, last_number()?);
            Some((last - first) / first)
        }
        "delta" => some(delta(numbers())),
        "step" => numbers().zip(numbers().skip(1)).map(|(a, b)| b - a).reduce(f64::min),
        "variance" => some(variance(numbers(), sum() / count as f64, count)),
        "stdDev" => some(variance(numbers(), sum() / count as f64, count).sqrt()),
        "changeCount" => {
            Some(numbers().zip(numbers().skip(1)).filter(|(a, b)| a.to_bits() != b.to_bits()).count() as f64)
        }
        "distinctCount" => {
            let mut values: Vec<u64> = numbers().map(f64::to_bits).collect();
            values.sort_unstable();
            values.dedup();
            Some(values.len() as f64)
        }
        "median" => percentile(numbers(), 50),
        "allIsNull" => Some(f64::from(u8::from(samples.iter().all(Option::is_none)))),
        "allIsZero" => Some(f64::from(u8::from(count > 0 && numbers().all(|value| value == 0.0)))),
        _ => percentile(numbers(), calc.strip_prefix('p')?.parse().ok()?),
    }
}

/// Growth of a counter: what it falls by is a restart, not a decrease.
fn delta(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut total = 0.0;
    let mut previous = None;
    for value in numbers {
        total += match previous {
            Some(previous) if value >= previous => value - previous,
            Some(_) => value,
            None => 0.0,
        };
        previous = Some(value);
    }
    total
}

fn variance(numbers: impl Iterator<Item = f64>, mean: f64, count: usize) -> f64 {
    numbers.map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64
}

fn percentile(numbers: impl Iterator<Item = f64>, percent: u8) -> Option<f64> {
    let mut values: Vec<f64> = numbers.collect();
    values.sort_by(f64::total_cmp);
    let at = ((values.len().checked_sub(1)?) as f64 * f64::from(percent) / 100.0).round();
    values.get(at as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_numbers() {
        let column = [Some(2.0), None, Some(8.0), Some(5.0), Some(f64::NAN), None];
        for (calc, value) in [
            ("lastNotNull", Some(5.0)),
            ("last", None),
            ("first", Some(2.0)),
            ("min", Some(2.0)),
            ("max", Some(8.0)),
            ("mean", Some(5.0)),
            ("sum", Some(15.0)),
            ("count", Some(4.0)),
            ("range", Some(6.0)),
            ("diff", Some(3.0)),
            ("delta", Some(11.0)),
            ("median", Some(5.0)),
            ("p90", Some(8.0)),
            ("stdDev", Some(6.0_f64.sqrt())),
            ("changeCount", Some(2.0)),
            ("nonsense", None),
        ] {
            assert_eq!(reduce(calc, &column), value, "{calc}");
        }
        assert!(reduce("last", &[Some(f64::NAN)]).unwrap().is_nan());
        for calc in ["lastNotNull", "min", "max", "mean", "sum", "range", "diff", "delta"] {
            assert_eq!(reduce(calc, &[None, Some(f64::NAN)]), None, "{calc}");
            assert_eq!(reduce(calc, &[]), None, "{calc}");
        }
    }
}
