//! Versions of API servers.

/// Major and minor number of what `/version` says (`v1.33.5-eks-1`); `None`: it is not understood.
pub fn numbers_of(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split(['.', '+', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_write_more_behind_it() {
        for (version, numbers) in [
            ("v1.33.5-eks-1", Some((1, 33))),
            ("v1.35.0+k3s1", Some((1, 35))),
            ("1.30", Some((1, 30))),
            ("v1.30+", Some((1, 30))),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(numbers_of(version), numbers, "{version}");
        }
    }
}
