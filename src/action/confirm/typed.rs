//! Whether what was typed is what the plan goes to.

use crate::{action::plan::Plan, text::Clean};

/// Fewest digits of a digest that name it.
const DIGEST_DIGITS: usize = 5;
/// Shortest reason, in letters.
const REASON: usize = 4;

/// Whether what was typed is what the plan goes to. On a mismatch: what was expected.
pub(super) fn confirmed_value(plan: &Plan, typed: &str) -> Result<(), Clean> {
    let typed = typed.trim();
    if !typed.is_empty() && plan.accepts.iter().any(|accept| is_meant(accept, typed)) {
        return Ok(());
    }
    let expected: Vec<&str> =
        plan.accepts.iter().filter(|accept| !accept.starts_with("sha256:")).map(Clean::as_str).collect();
    let expected = expected.join(" or ");
    Err(if typed.is_empty() {
        say!("type {expected}: Enter alone sends nothing")
    } else {
        let others = plan.choices.iter().filter(|choice| !choice.is_live).count() > 1;
        let how = if others { "; another target is chosen first, with left and right" } else { "" };
        say!("expected {expected}, not '{typed}'. Nothing was sent{how}")
    })
}

fn is_meant(accept: &str, typed: &str) -> bool {
    let Some(digits) = accept.strip_prefix("sha256:") else { return accept == typed };
    let typed = typed.trim_start_matches('@');
    let typed = typed.strip_prefix("sha256:").unwrap_or(typed);
    typed.len() >= DIGEST_DIGITS && digits.starts_with(&typed.to_ascii_lowercase())
}

pub(super) fn confirmed_reason(reason: &str) -> Result<(), Clean> {
    let letters = reason.chars().filter(|c| c.is_alphanumeric()).count();
    if letters >= REASON { Ok(()) } else { Err("a STOP stands in the plan: say why it is sent all the same".into()) }
}
