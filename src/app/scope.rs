//! `:ns`: a namespace is taken when it is known to be there. One that is not would leave an empty screen, which looks
//! healthy; so where its name was typed faster than the namespaces are read, the old scope stays until they are.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{App, Effect};
use crate::{
    command::nearest,
    model::{BackendId, Name},
    query::Query,
    text::Clean,
    time::Now,
    ui::{Reply, View, kinds},
};

/// A cluster that does not answer keeps nobody from choosing.
const WAITS: Duration = Duration::from_secs(5);
const NOT_CHECKED: &str = " (not checked: the cluster's namespaces cannot be read)";

/// Namespaces that somebody chose, while their cluster is asked whether it has them.
pub(super) struct Held {
    cluster: BackendId,
    namespaces: Vec<Name>,
    since: Instant,
}

/// What is known of namespaces that somebody chose.
enum Known {
    There,
    /// One is not there, in words.
    Missing(Clean),
    /// Whether they are there cannot be read.
    Unreadable,
    NotYet,
}

impl App {
    /// Takes these namespaces of these clusters, at once or when it is known that they are there; none: all.
    pub(super) fn choose_namespaces(&mut self, clusters: Vec<BackendId>, namespaces: Vec<Name>, now: Now) -> Reply {
        self.held = None;
        let [cluster] = clusters.as_slice() else { return self.take_namespaces(clusters, namespaces, "") };
        match self.known_of(cluster, &namespaces, now) {
            Known::There => self.take_namespaces(clusters, namespaces, ""),
            Known::Missing(why) => Reply::Say(why),
            Known::Unreadable => self.take_namespaces(clusters, namespaces, NOT_CHECKED),
            Known::NotYet => {
                let says = Clean::own(format!("asking '{cluster}' for namespace {}", namespaces.join(", ")));
                self.held = Some(Held { cluster: cluster.clone(), namespaces, since: now.mono });
                Reply::Say(says)
            }
        }
    }

    /// Takes the namespaces that were held, if it is known by now whether they are there.
    pub(super) fn try_held(&mut self, now: Now) -> Vec<Effect> {
        let Some(held) = self.held.take() else { return Vec::new() };
        if !self.settings.backends.contains_key(&held.cluster) {
            return Vec::new();
        }
        // A plan or form that is open is about the old scope: what it is of must not go from under it.
        if !self.overlays.is_empty() {
            self.held = Some(held);
            return Vec::new();
        }
        let reply = match self.known_of(&held.cluster, &held.namespaces, now) {
            Known::NotYet if now.since(held.since) < WAITS => {
                self.held = Some(held);
                return Vec::new();
            }
            Known::There => self.take_namespaces(vec![held.cluster], held.namespaces, ""),
            Known::Missing(why) => Reply::Say(why),
            Known::Unreadable | Known::NotYet => self.take_namespaces(vec![held.cluster], held.namespaces, NOT_CHECKED),
        };
        self.dirty = true;
        self.reply(reply, None, now)
    }

    /// What must be read before the held namespaces can be taken.
    pub(super) fn asks_held(&self, view: &View<'_>) -> Vec<Query> {
        let Some(held) = &self.held else { return Vec::new() };
        let kinds = Query::Resources(held.cluster.clone());
        std::iter::once(kinds).chain(kinds::namespaces_query(view, &held.cluster)).collect()
    }

    fn known_of(&self, cluster: &BackendId, wanted: &[Name], now: Now) -> Known {
        let view = self.view(now);
        let seen: BTreeSet<&Name> = self.store.kube.namespaces(cluster).collect();
        if wanted.iter().all(|name| seen.contains(name)) {
            return Known::There;
        }
        let Some(read) = kinds::namespaces(&view, cluster) else {
            return if kinds::has_no_namespaces(&view, cluster) { Known::Unreadable } else { Known::NotYet };
        };
        let Some(unknown) = wanted.iter().find(|name| !read.contains(name)) else { return Known::There };
        let near = nearest(unknown, read.iter().map(|name| name.as_str()));
        let near = near.map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
        Known::Missing(Clean::own(format!("'{cluster}' has no namespace '{unknown}'{near}")))
    }

    fn take_namespaces(&mut self, clusters: Vec<BackendId>, namespaces: Vec<Name>, note: &str) -> Reply {
        let mut replies = Vec::new();
        for cluster in clusters {
            let current = self.settings.namespaces.get(&cluster).map_or(&[][..], Vec::as_slice);
            if current == namespaces.as_slice() {
                continue;
            }
            self.settings.namespaces.insert(cluster.clone(), namespaces.clone());
            replies.push(Reply::Do(Effect::SetNamespaces { cluster, namespaces: namespaces.clone() }));
        }
        replies.push(Reply::Say(match namespaces.as_slice() {
            [] => "all namespaces".into(),
            names => Clean::own(format!("namespace {}{note}", names.join(", "))),
        }));
        Reply::Many(replies)
    }
}
