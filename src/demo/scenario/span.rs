//! Lengths of time as a scenario writes them: `17m`, `-1h30m`, `0.5s`, `45d`.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, de};

/// A signed length of time. Written as numbers with units `ms`, `s`, `m`, `h`, `d`, `w`, joined, with one sign in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Span(f64);

impl Span {
    pub const fn seconds(seconds: f64) -> Self {
        Self(seconds)
    }

    pub const fn as_secs(self) -> f64 {
        self.0
    }

    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_millis((self.0 * 1000.0).round() as i64)
    }

    /// The moment this far after `from` (before it, if negative).
    pub fn after(self, from: Timestamp) -> Timestamp {
        from.saturating_add(self.duration()).unwrap_or(from)
    }

    /// The moment this long before `from`.
    pub fn before(self, from: Timestamp) -> Timestamp {
        Self(-self.0).after(from)
    }

    /// Reads the written form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no length of time; write '17m', '-1h30m', '0.5s' or '45d'");
        let (sign, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0.0));
        }
        let mut total = 0.0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let unit = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            total += number
                * match &rest[..unit] {
                    "ms" => 0.001,
                    "s" => 1.0,
                    "m" => 60.0,
                    "h" => 3600.0,
                    "d" => 86_400.0,
                    "w" => 604_800.0,
                    _ => return Err(wrong()),
                };
            rest = &rest[unit..];
        }
        Ok(Self(sign * total))
    }
}

impl fmt::Display for Span {
    /// As Prometheus prints durations: `5m`, `1h30m`, `45s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.abs().round() as u64;
        if self.0 < 0.0 && left > 0 {
            f.write_str("-")?;
        }
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            if left >= length {
                write!(f, "{}{unit}", left / length)?;
                left %= length;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}
