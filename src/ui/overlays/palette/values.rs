//! What is known of the arguments of a word: each value, and what is said of it.

use std::collections::BTreeMap;

use crate::{
    model::{BackendId, Name},
    ui::{View, kinds},
};

/// The values that may stand behind this word.
pub(super) fn of(word: &str, view: &View<'_>) -> Vec<(String, String)> {
    let fixed: &[&str] = match word {
        "ns" | "namespace" => return namespaces(view),
        "ctx" | "context" => return contexts(view),
        "theme" => &["auto", "dark", "light", "colourblind", "none"],
        "since" => &["5m", "15m", "1h", "all"],
        "until" => &["now", "5m", "15m", "1h"],
        "tail" => &["100", "500", "2000", "all"],
        "production" => &["yes", "no"],
        _ => &[],
    };
    fixed.iter().map(|value| ((*value).to_owned(), String::new())).collect()
}

/// Where several clusters are open, each with those that have it.
fn namespaces(view: &View<'_>) -> Vec<(String, String)> {
    let mut homes: BTreeMap<&Name, Vec<&BackendId>> = BTreeMap::new();
    for cluster in kinds::clusters(view) {
        let read = kinds::namespaces(view, cluster).unwrap_or_default();
        for name in view.store.kube.namespaces(cluster).chain(read) {
            let known = homes.entry(name).or_default();
            if known.last() != Some(&cluster) {
                known.push(cluster);
            }
        }
    }
    let has_several = kinds::clusters(view).nth(1).is_some();
    let said = |homes: &[&BackendId]| {
        let names: Vec<&str> = homes.iter().map(|home| home.0.as_str()).collect();
        if has_several { format!("in {}", names.join(", ")) } else { String::new() }
    };
    let all = if has_several { "of every cluster" } else { "" };
    let each = homes.iter().map(|(name, homes)| (name.to_string(), said(homes)));
    std::iter::once(("all".to_owned(), all.to_owned())).chain(each).collect()
}

fn contexts(view: &View<'_>) -> Vec<(String, String)> {
    let is_open = |name: &Name| kinds::clusters(view).any(|cluster| cluster.0 == *name);
    let said = |name: &Name| if is_open(name) { "open".to_owned() } else { String::new() };
    view.settings.contexts.iter().map(|name| (name.to_string(), said(name))).collect()
}
