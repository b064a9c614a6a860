//! What is let through, as flags of `midwatch logs`.

use super::{Sieve, Term, What};
use crate::secret::mask;

impl Sieve {
    /// `None`: it has no flags for that, as for a pod or for two texts that must both stand in a line.
    pub(in super::super) fn flags(&self) -> Option<Vec<String>> {
        if self.message.is_some() {
            return None;
        }
        let mut least = self.least;
        let (mut flags, mut texts) = (Vec::new(), 0);
        for term in &self.terms {
            match (&term.what, term.is_negated) {
                (What::Least(level), false) => least = least.max(Some(*level)),
                (What::Text(_), false) if texts > 0 => return None,
                (What::Text(regex), false) => {
                    texts += 1;
                    flags.push(format!("--include={}", written(term, regex.as_str())));
                }
                // What looks like a credential is put into no command line.
                (What::Field(_), false) if *mask(&term.typed) == *term.typed => {
                    flags.push(format!("--field={}", term.typed));
                }
                (What::Text(regex), true) => flags.push(format!("--exclude={}", written(term, regex.as_str()))),
                _ => return None,
            }
        }
        if let Some(least) = least {
            flags.insert(0, format!("--level={}", least.name().to_lowercase()));
        }
        Some(flags)
    }
}

/// Without case unless it has a capital, as it is looked for.
fn written(term: &Term, pattern: &str) -> String {
    let has_capital = term.typed.chars().any(char::is_uppercase);
    if has_capital { pattern.to_owned() } else { format!("(?i){pattern}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log::LogLevel;

    #[test]
    fn what_is_let_through_is_asked_for_by_flags_or_not_at_all() {
        let flags = |filter: &str| {
            let mut sieve = Sieve { least: Some(LogLevel::Info), ..Sieve::default() };
            sieve.set_text(filter);
            sieve.flags().map(|flags| flags.join(" "))
        };
        for (filter, expected) in [
            ("", Some("--level=info")),
            ("level>=warn", Some("--level=warn")),
            ("level>=debug", Some("--level=info")),
            ("verify failed !Slow", Some("--level=info --include=(?i)verify failed --exclude=Slow")),
            ("!a/b !/x+/", Some("--level=info --exclude=(?i)a/b --exclude=(?i)x+")),
            ("verify & failed", None),
            ("status=503 path=/Api", Some("--level=info --field=status=503 --field=path=/Api")),
            ("!status=503", None),
            ("token=abcdefghijkl", None),
            ("pod=a", None),
            ("!level>=warn", None),
        ] {
            assert_eq!(flags(filter).as_deref(), expected, "{filter}");
        }
        assert_eq!(Sieve::default().flags(), Some(Vec::new()));
    }
}
