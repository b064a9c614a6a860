//! What the names of places say: of clusters, contexts, namespaces and environments.

/// Parts of names that mean production to people.
pub const PRODUCTION: [&str; 4] = ["prod", "production", "prd", "live"];

/// `prod-eu1` has the part `prod`, and so has `prod1`; `product` has not.
pub fn has_part(name: &str, parts: &[&str]) -> bool {
    let mut own = name.split(|c: char| !c.is_ascii_alphanumeric());
    own.any(|own| {
        let own = own.trim_end_matches(|c: char| c.is_ascii_digit());
        parts.iter().any(|part| own.eq_ignore_ascii_case(part))
    })
}
