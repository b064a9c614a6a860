//! Seeded chance: every draw depends on what it is for, never on when it is drawn.

/// splitmix64's finisher.
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number for what the parts name.
pub fn hash(seed: u64, parts: &[&str]) -> u64 {
    parts.iter().fold(mix(seed), |sum, part| {
        let text =
            part.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        mix(sum ^ text)
    })
}

/// From 0 to below 1.
pub fn unit(seed: u64, parts: &[&str]) -> f64 {
    fraction(hash(seed, parts))
}

/// From 0 to below 1, for a running number of something.
pub fn unit_at(base: u64, number: i64) -> f64 {
    fraction(mix(base ^ mix(number as u64)))
}

fn fraction(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// `length` lower-case hexadecimal digits.
pub fn hex(seed: u64, parts: &[&str], length: usize) -> String {
    let base = hash(seed, parts);
    (0..).flat_map(|n| format!("{:016x}", mix(base ^ n)).into_bytes()).take(length).map(char::from).collect()
}

/// An id of the form that Alertmanager and Kubernetes use.
pub fn uuid(seed: u64, parts: &[&str]) -> String {
    let h = hex(seed, parts, 32);
    format!("{}-{}-4{}-a{}-{}", &h[..8], &h[8..12], &h[13..16], &h[17..20], &h[20..])
}
