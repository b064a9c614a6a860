//! Names, uids and digests, all derived from the world's seed.

/// One round of splitmix64.
pub fn splitmix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number that depends on the seed and a text.
pub fn mix(seed: u64, text: &str) -> u64 {
    text.bytes().fold(splitmix(seed), |hash, byte| splitmix(hash ^ u64::from(byte)))
}

/// A fraction from 0 (inclusive) to 1 (exclusive) that depends on the seed and a text.
pub fn fraction(seed: u64, text: &str) -> f64 {
    (mix(seed, text) >> 11) as f64 / (1u64 << 53) as f64
}

/// A uid in the form of a version 4 UUID.
pub fn uid(seed: u64, text: &str) -> String {
    let (a, b) = (mix(seed, text), splitmix(mix(seed, text) ^ 1));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | ((b >> 48) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

/// 64 hexadecimal digits.
pub fn digest(seed: u64, text: &str) -> String {
    let mut x = mix(seed, text);
    let mut part = || {
        x = splitmix(x);
        x
    };
    format!("{:016x}{:016x}{:016x}{:016x}", part(), part(), part(), part())
}

/// The letters that generated names are made of (`apimachinery/pkg/util/rand`: no vowels, no look-alikes).
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The five letters at the end of a generated name.
pub fn suffix(seed: u64, text: &str) -> String {
    let mut x = mix(seed, text);
    (0..5)
        .map(|_| {
            x = splitmix(x);
            SAFE[(x % SAFE.len() as u64) as usize] as char
        })
        .collect()
}

/// A template's hash as the controllers write it: FNV-1a in decimal, its digits replaced by safe letters.
pub fn template_hash(canonical: &str) -> String {
    let hash = canonical.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    hash.to_string().bytes().map(|digit| SAFE[digit as usize % SAFE.len()] as char).collect()
}
