//! Quantities of resources, as numbers.

/// A Kubernetes memory quantity in MiB; 0 if it is none.
pub fn mebibytes(quantity: &str) -> f64 {
    let split = quantity.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(quantity.len());
    let number: f64 = quantity[..split].parse().unwrap_or(0.0);
    number
        * match &quantity[split..] {
            "Ki" => 1.0 / 1024.0,
            "Mi" => 1.0,
            "Gi" => 1024.0,
            "Ti" => 1024.0 * 1024.0,
            "k" => 1e3 / 1_048_576.0,
            "M" => 1e6 / 1_048_576.0,
            "G" => 1e9 / 1_048_576.0,
            _ => 1.0 / 1_048_576.0,
        }
}

/// A Kubernetes CPU quantity in millicores.
pub fn millis(quantity: &str) -> f64 {
    quantity
        .strip_suffix('m')
        .map_or_else(|| quantity.parse::<f64>().unwrap_or(0.0) * 1000.0, |millis| millis.parse().unwrap_or(0.0))
}
