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

/// What becomes of namespaces that somebody chose.
enum Decision {
    /// Of this cluster, with what is to be known of it.
    Take(BackendId, String),
    Refuse(Clean),
    Wait,
}

impl App {
    /// Takes these namespaces of these clusters, at once or when it is known that they are there; none: all. Of one cluster:
    /// where it has none of that name and one other has, that one is meant.
    pub(super) fn choose_namespaces(&mut self, clusters: Vec<BackendId>, namespaces: Vec<Name>, now: Now) -> Reply {
        self.held = None;
        let [cluster] = clusters.as_slice() else { return self.take_all(clusters) };
        match self.decide(cluster, &namespaces, false, now) {
            Decision::Take(of, note) => self.take_namespaces(of, namespaces, &note),
            Decision::Refuse(why) => Reply::Say(why),
            Decision::Wait => {
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
        let reply = match self.decide(&held.cluster, &held.namespaces, now.since(held.since) >= WAITS, now) {
            Decision::Wait => {
                self.held = Some(held);
                return Vec::new();
            }
            Decision::Take(of, note) => self.take_namespaces(of, held.namespaces, &note),
            Decision::Refuse(why) => Reply::Say(why),
        };
        self.dirty = true;
        self.reply(reply, None, now)
    }

    /// What must be read before the held namespaces can be taken: of the other clusters too, one of which may have them.
    pub(super) fn asks_held(&self, view: &View<'_>) -> Vec<Query> {
        if self.held.is_none() {
            return Vec::new();
        }
        let kinds = kinds::clusters(view).map(|cluster| Query::Resources(cluster.clone()));
        kinds.chain(kinds::clusters(view).filter_map(|cluster| kinds::namespaces_query(view, cluster))).collect()
    }

    /// `is_late`: nothing more is waited for.
    fn decide(&self, meant: &BackendId, wanted: &[Name], is_late: bool, now: Now) -> Decision {
        let why = match self.known_of(meant, wanted, now) {
            Known::There => return Decision::Take(meant.clone(), String::new()),
            Known::NotYet if !is_late => return Decision::Wait,
            // It may well have them: what another has does not say that that one is meant.
            Known::NotYet | Known::Unreadable => return Decision::Take(meant.clone(), NOT_CHECKED.to_owned()),
            Known::Missing(why) => why,
        };
        let view = self.view(now);
        let (mut have, mut is_open) = (Vec::new(), false);
        for other in kinds::clusters(&view).filter(|id| *id != meant) {
            match self.known_of(other, wanted, now) {
                Known::There => have.push(other),
                Known::NotYet => is_open = true,
                Known::Missing(_) | Known::Unreadable => {}
            }
        }
        match have.as_slice() {
            [only] => Decision::Take((*only).clone(), format!(" ('{meant}' has none of that name)")),
            [] if is_open && !is_late => Decision::Wait,
            [] => Decision::Refuse(why),
            several => {
                let names: Vec<&str> = several.iter().map(|id| id.0.as_str()).collect();
                Decision::Refuse(Clean::own(format!(
                    "{} have '{}', '{meant}' has not: select a row of the one you mean",
                    names.join(" and "),
                    wanted.join(", ")
                )))
            }
        }
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

    fn take_all(&mut self, clusters: Vec<BackendId>) -> Reply {
        let changes = clusters.into_iter().filter_map(|cluster| self.scoped(cluster, Vec::new()));
        let mut replies: Vec<Reply> = changes.collect();
        replies.push(Reply::Say("all namespaces".into()));
        Reply::Many(replies)
    }

    fn take_namespaces(&mut self, cluster: BackendId, namespaces: Vec<Name>, note: &str) -> Reply {
        let what = if namespaces.is_empty() {
            "all namespaces".to_owned()
        } else {
            format!("namespace {}", namespaces.join(", "))
        };
        let says = Clean::own(format!("{cluster}: {what}{note}"));
        Reply::Many(self.scoped(cluster, namespaces).into_iter().chain([Reply::Say(says)]).collect())
    }

    /// Notes what is watched of a cluster from now on; `None`: it is so already.
    fn scoped(&mut self, cluster: BackendId, namespaces: Vec<Name>) -> Option<Reply> {
        let current = self.settings.namespaces.get(&cluster).map_or(&[][..], Vec::as_slice);
        if current == namespaces.as_slice() {
            return None;
        }
        self.settings.namespaces.insert(cluster.clone(), namespaces.clone());
        Some(Reply::Do(Effect::SetNamespaces { cluster, namespaces }))
    }
}
