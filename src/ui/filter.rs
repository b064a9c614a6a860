//! Filters: `text`, `!not`, `-l label=x`, `-f fuzzy`.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

/// A parsed filter. Text matches without case unless it has a capital.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Filter {
    #[default]
    All,
    Text {
        needle: String,
        is_negated: bool,
        has_case: bool,
    },
    Label {
        name: String,
        value: Option<String>,
    },
    Fuzzy(String),
}

impl Filter {
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::All;
        }
        if let Some(label) = text.strip_prefix("-l ") {
            let (name, value) = match label.trim().split_once('=') {
                Some((name, value)) => (name, Some(value.trim_start_matches('=').to_owned())),
                None => (label.trim(), None),
            };
            return Self::Label { name: name.to_owned(), value };
        }
        if let Some(fuzzy) = text.strip_prefix("-f ") {
            return Self::Fuzzy(fuzzy.trim().to_owned());
        }
        let (is_negated, needle) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if needle.is_empty() {
            return Self::All;
        }
        let has_case = needle.chars().any(char::is_uppercase);
        Self::Text { needle: if has_case { needle.to_owned() } else { needle.to_lowercase() }, is_negated, has_case }
    }

    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// It looks for letters, not for a text: what fits best is what was meant, and stands first.
    pub const fn is_fuzzy(&self) -> bool {
        matches!(self, Self::Fuzzy(_))
    }

    /// How well a row fits that stays, higher is better: its name before all that it shows. Nothing but a fuzzy filter
    /// tells rows apart.
    pub fn rank(&self, name: &str, text: &str) -> u32 {
        /// More than any text scores.
        const BY_NAME: u32 = 100_000;
        let Self::Fuzzy(pattern) = self else { return 0 };
        match score(pattern, name) {
            Some(score) => BY_NAME + score,
            None => score(pattern, text).unwrap_or(0),
        }
    }

    /// Whether a row stays: `text` is what it shows, `label` gives the value of one of its labels.
    pub fn keeps<'a>(&self, text: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::All => true,
            Self::Text { needle, is_negated, has_case } => {
                let hit = if *has_case { text.contains(needle.as_str()) } else { contains_folded(text, needle) };
                hit != *is_negated
            }
            Self::Label { name, value } => match (label(name), value) {
                (Some(has), Some(value)) => has == value,
                (has, None) => has.is_some(),
                (None, Some(_)) => false,
            },
            Self::Fuzzy(pattern) => score(pattern, text).is_some(),
        }
    }
}

/// Fuzzy score of `text`, higher is better; `None`: no match.
pub fn score(pattern: &str, text: &str) -> Option<u32> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    Pattern::parse(pattern, CaseMatching::Smart, Normalization::Smart)
        .score(Utf32Str::new(text, &mut buffer), &mut matcher)
}

/// `needle` is lower case.
fn contains_folded(text: &str, needle: &str) -> bool {
    if text.is_ascii() && needle.is_ascii() {
        let (text, needle) = (text.as_bytes(), needle.as_bytes());
        return needle.len() <= text.len()
            && text.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
    }
    text.to_lowercase().contains(needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(filter: &str, text: &str) -> bool {
        Filter::parse(filter).keeps(text, |name| (name == "app").then_some("myapp"))
    }

    #[test]
    fn filters_mean_what_they_say() {
        assert!(keeps("", "anything"));
        assert!(keeps("crash", "pod CrashLoopBackOff"));
        assert!(!keeps("Crash", "pod crashloop"), "a capital asks for the case");
        assert!(!keeps("!crash", "CrashLoopBackOff") && keeps("!crash", "Running"));
        assert!(
            keeps("-l app=myapp", "x") && !keeps("-l app=web", "x") && keeps("-l app", "x") && !keeps("-l tier", "x")
        );
        assert!(keeps("-f mypp", "myapp") && !keeps("-f zq", "myapp"));
        assert!(keeps("münch", "MÜNCHEN"));
    }

    #[test]
    fn what_a_fuzzy_filter_means_ranks_highest() {
        let rank = |filter: &str, name: &str| Filter::parse(filter).rank(name, &format!("ok production {name}"));
        assert!(rank("-f pmt", "payments") > rank("-f pmt", "my-test"), "a name before the words around it");
        assert!(rank("-f pay", "payments") > rank("-f pay", "pod-array"));
        assert_eq!(rank("pay", "payments"), rank("pay", "pay"), "what only has it or not is in no order by it");
    }
}
