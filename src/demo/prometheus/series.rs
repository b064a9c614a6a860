//! Which series there are: their label sets, the names of their labels, and the values of one.

use std::collections::{BTreeMap, BTreeSet};

use axum::response::Response;
use jiff::SignedDuration;
use serde_json::json;

use super::{
    Arguments, bad,
    expr::{Range, matching},
    success, time,
};
use crate::demo::world::World;

type Labels = BTreeMap<String, String>;

/// `match[]` is asked for.
pub(super) fn series(world: &World, arguments: &Arguments) -> Response {
    if arguments.all("match[]").next().is_none() {
        return bad("no match[] parameter provided");
    }
    match found(world, arguments) {
        Ok(found) => success(&json!(found)),
        Err(text) => bad(&text),
    }
}

pub(super) fn labels(world: &World, arguments: &Arguments) -> Response {
    match found(world, arguments) {
        Ok(found) => success(&json!(found.iter().flat_map(BTreeMap::keys).collect::<BTreeSet<_>>())),
        Err(text) => bad(&text),
    }
}

pub(super) fn label_values(world: &World, name: &str, arguments: &Arguments) -> Response {
    if name.is_empty() || name.contains('/') {
        return bad(&format!("invalid label name: \"{name}\""));
    }
    match found(world, arguments) {
        Ok(found) => success(&json!(found.iter().filter_map(|labels| labels.get(name)).collect::<BTreeSet<_>>())),
        Err(text) => bad(&text),
    }
}

/// The label sets of all series, or of those that a `match[]` selects, with a sample in the time asked for.
fn found(world: &World, arguments: &Arguments) -> Result<BTreeSet<Labels>, String> {
    let to = time(arguments, "end")?.unwrap_or(world.now).min(world.now);
    let hour_ago = to - SignedDuration::from_hours(1);
    let from = time(arguments, "start")?.unwrap_or(hour_ago).max(to - SignedDuration::from_hours(3));
    // Coarse, but no series here lives for less than a minute.
    let range = Range { from: from.min(to), to, step: SignedDuration::from_mins(1) };
    let selectors: Vec<&str> = arguments.all("match[]").collect();
    let selectors = if selectors.is_empty() { vec!["{__name__=~\".+\"}"] } else { selectors };
    let mut all = BTreeSet::new();
    for selector in selectors {
        let wrong = || format!("invalid parameter \"match[]\": 1:1: parse error: unexpected \"{selector}\"");
        let found = matching(world, selector, range).ok_or_else(wrong)?;
        all.extend(found.into_iter().map(|found| found.labels));
    }
    Ok(all)
}
