//! Whether a cluster is production: remembered by the cluster's own id, and asked once where nobody has said. The question
//! is a line above the footer with a key of its own, so that it covers nothing and takes no key typed for something else.

use ratatui::text::{Line, Span};

use super::App;
use crate::{
    command::Command,
    model::{
        BackendId, BackendKind,
        alert::{AlertState, Priority},
    },
    text::Clean,
    time::Now,
};

impl App {
    pub(super) fn recall_production(&mut self) {
        self.settings.recall_production(&self.store);
    }

    /// As above. Rows of a cluster that is open by two contexts stand twice, with the rights of each: it is said once.
    pub(super) fn recall_clusters(&mut self, now: Now) {
        let known = self.settings.cluster_ids.clone();
        self.recall_production();
        let settings = &self.settings;
        let mut new = settings.cluster_ids.keys().filter(|name| !known.contains_key(*name));
        let second = new.find_map(|name| Some((name, settings.names_of(name).into_iter().nth(1)?)));
        if let Some((name, first)) = second {
            let says =
                format!("'{name}' is the cluster of '{first}': its rows are listed twice until `:ctx close {name}`");
            self.toasts.tell(Clean::own(says), now);
        }
    }

    /// The cluster that is asked about: nobody has said, it is not local, and its id is known. Not while something pages.
    pub(super) fn asked_about(&self) -> Option<&BackendId> {
        let pages = self
            .store
            .alerts
            .values()
            .any(|alert| alert.state == AlertState::Firing && alert.priority <= Priority::P2 && !alert.is_watchdog);
        let settings = &self.settings;
        // Under another name a no is not enough: unanswered, this one counts as production.
        let is_known = |id: &BackendId| {
            let says = |name: &BackendId| settings.production.get(name).is_some_and(|is| *is || name == id);
            settings.names_of(id).iter().any(says)
        };
        let is_open = |id: &&BackendId| {
            settings.backends.get(*id) == Some(&BackendKind::Kubernetes)
                && !is_known(id)
                && !settings.local.contains(*id)
                && !settings.production_later.contains(*id)
                && self.store.backends.get(*id).is_some_and(|backend| backend.info.cluster_id.is_some())
        };
        settings.backends.keys().find(is_open).filter(|_| !pages)
    }

    pub(super) fn question(&self) -> Option<Line<'static>> {
        let cluster = self.asked_about()?;
        let key = self.keymap.shown(Command::Production)?;
        let theme = &self.theme;
        Some(Line::from(vec![
            Span::styled(format!(" is '{cluster}' production?  "), theme.strong),
            Span::styled(key, theme.key),
            Span::styled(" answers", theme.key_word),
            Span::styled("   until then it counts as production", theme.dim),
        ]))
    }

    /// `yes`, `no`, or `later`: not in this run.
    pub(super) fn note_production(&mut self, cluster: &BackendId, is_production: Option<bool>) {
        let Some(is_production) = is_production else {
            self.settings.production_later.insert(cluster.clone());
            return;
        };
        self.recall_production();
        self.settings.note_production(cluster, is_production);
    }

    /// Said after the answer.
    pub(super) fn production_words(cluster: &BackendId, is_production: bool) -> Clean {
        let word = if is_production { "production" } else { "not production" };
        Clean::own(format!("'{cluster}' is {word}; remembered for this cluster, `:production yes|no` changes it"))
    }
}
