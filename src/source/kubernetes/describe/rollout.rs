//! How far the update of a Rollout is.

use serde_json::Value;

use super::{Page, text};
use crate::{model::Level, source::kubernetes::inspect::canary::place};

/// `step 2 of 3, weight 25 %, paused 9h ago`
pub fn update(page: &mut Page, raw: &Value) {
    let (stable, current) = (text(raw, "/status/stableRS"), text(raw, "/status/currentPodHash"));
    if stable.is_empty() || current.is_empty() || stable == current {
        return;
    }
    if raw.pointer("/status/abort") == Some(&Value::Bool(true)) {
        return page.levelled("update", "aborted: the version before serves", Some(Level::Wrong));
    }
    let since = text(raw, "/status/pauseConditions/0/startTime");
    let paused = if since.is_empty() { String::new() } else { format!(", paused {}", page.ago_of(since)) };
    page.levelled("update", &format!("{}{paused}", place(raw)), Some(Level::Progress));
}
