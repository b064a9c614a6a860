//! A backend as the store knows it: what its sources have learnt of it, and which notes they have on it now.

use std::collections::BTreeMap;

use super::Changes;
use crate::{
    model::{BackendInfo, BackendKind, Quota, SourceId},
    text::Clean,
};

/// Most notes that are kept of one source.
const MAX_NOTES: usize = 16;

/// A backend as the store knows it.
#[derive(Clone, Debug)]
pub struct Backend {
    pub kind: BackendKind,
    pub info: BackendInfo,
    /// By resource, where the backend states a budget.
    pub quotas: BTreeMap<String, Quota>,
    /// By the source that made them: what it notes no more is over.
    notes: BTreeMap<SourceId, Vec<Clean>>,
}

impl Backend {
    pub fn new(kind: BackendKind) -> Self {
        Self { kind, info: BackendInfo::default(), quotas: BTreeMap::new(), notes: BTreeMap::new() }
    }

    /// A source reports what it learned; what it does not know stays. Its notes are all that it has now.
    pub(super) fn learn(&mut self, from: &SourceId, mut news: BackendInfo) -> Changes {
        let before = self.info.clone();
        let known = &mut self.info;
        if news.version.is_some() {
            known.version = news.version;
        }
        if news.identity.is_some() {
            known.identity = news.identity;
        }
        if news.cluster_id.is_some() {
            known.cluster_id = news.cluster_id;
        }
        if news.endings.is_some() {
            known.endings = news.endings;
        }
        if news.server.is_some() {
            known.server = news.server;
        }
        if let Some(clock) = news.clock
            && known.clock.is_none_or(|known| known.is_moved_by(&clock))
        {
            known.clock = Some(clock);
        }
        news.notes.truncate(MAX_NOTES);
        self.notes.insert(from.clone(), news.notes);
        self.gather_notes();
        if self.info == before { Changes::NONE } else { Changes::BACKENDS }
    }

    /// What a source noted that is gone is over.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&SourceId) -> bool) {
        self.notes.retain(|source, _| !is_gone(source));
        self.gather_notes();
    }

    /// Several sources may note the same.
    fn gather_notes(&mut self) {
        self.info.notes.clear();
        for note in self.notes.values().flatten() {
            if !self.info.notes.contains(note) {
                self.info.notes.push(note.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BackendId, Part};

    fn noting(notes: &[&str]) -> BackendInfo {
        BackendInfo { notes: notes.iter().map(|note| Clean::from(*note)).collect(), ..BackendInfo::default() }
    }

    #[test]
    fn a_note_is_over_when_its_source_has_it_no_more() {
        let id = BackendId::new("eu");
        let (health, rules) = (SourceId::new(&id, Part::Health), SourceId::new(&id, Part::Alerts));
        let mut backend = Backend::new(BackendKind::Kubernetes);
        backend.learn(&health, noting(&["narrow rights", "not verified"]));
        backend.learn(&rules, noting(&["partial answers", "not verified"]));
        assert_eq!(backend.info.notes.len(), 3, "{:?}", backend.info.notes);
        assert_eq!(backend.learn(&health, noting(&[])), Changes::BACKENDS);
        assert_eq!(backend.info.notes, ["partial answers", "not verified"]);
        backend.forget(|source| *source == rules);
        assert!(backend.info.notes.is_empty());
    }

    #[test]
    fn however_often_a_note_changes_the_newest_is_there() {
        let health = SourceId::new(&BackendId::new("eu"), Part::Health);
        let mut backend = Backend::new(BackendKind::Kubernetes);
        for count in 1..=20 {
            let note = format!("{count} of the pods cannot be read");
            backend.learn(&health, noting(&[&note]));
            assert_eq!(backend.info.notes, [Clean::own(note)]);
        }
    }
}
