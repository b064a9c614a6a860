//! Names and numbers that look random and are not: everything comes from the world's seed.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

/// splitmix64 over the seed and a label.
pub fn mix(seed: u64, label: &str) -> u64 {
    label.bytes().fold(split(seed), |state, byte| split(state ^ u64::from(byte)))
}

fn split(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A git object name: `prefix`, filled up to 40 hex digits.
pub fn sha(seed: u64, prefix: &str, label: &str) -> String {
    let mut text = prefix.to_owned();
    let mut round = 0;
    while text.len() < 40 {
        let _ = write!(text, "{:016x}", mix(seed, &format!("{label}/{round}")));
        round += 1;
    }
    text.truncate(40);
    text
}

/// A factor around 1, at most `spread` away from it.
pub fn jitter(seed: u64, label: &str, spread: f64) -> f64 {
    let unit = (mix(seed, label) >> 11) as f64 / (1_u64 << 53) as f64;
    1.0 + (unit * 2.0 - 1.0) * spread
}

/// `seconds` after `at` (before it, when negative).
pub fn after(at: Timestamp, seconds: f64) -> Timestamp {
    at + SignedDuration::from_millis((seconds * 1000.0) as i64)
}
