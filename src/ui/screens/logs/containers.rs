//! `c`: which containers of its pods a log is read of.

use super::around::container_words;
use crate::{
    query::{ContainerSort, Containers, LogQuery, LogTarget, Query},
    ui::{
        Overlay, Reply,
        overlays::choice::{Answer, Choice, Question},
    },
};

/// All of them, all of a sort, or one by its name, of those that the pods have.
pub(super) fn choice(query: LogQuery) -> Box<dyn Overlay> {
    Box::new(Choice::new(true, vec![Query::Logs(query.clone())], move |view| {
        let offered = view.store.logs.get(&query).map(|buffer| buffer.containers.as_slice()).unwrap_or_default();
        Question {
            title: format!("CONTAINERS OF {}", query.target),
            answers: offers(&query, offered)
                .into_iter()
                .map(|(containers, note)| answer(&query, containers, note))
                .collect(),
            leads_to: Some("read its log"),
            ..Question::default()
        }
    }))
}

fn offers(query: &LogQuery, offered: &[(ContainerSort, crate::model::Name)]) -> Vec<(Containers, &'static str)> {
    let as_it_comes = match query.target {
        LogTarget::Pod(_) => "the default one; while it initialises the init container",
        _ => "all main ones; while a pod initialises its init container",
    };
    let mut offers = vec![(Containers::default(), as_it_comes), (Containers::ALL, "main, init and ephemeral")];
    offers.extend(offered.iter().map(|(sort, name)| {
        let note = match sort {
            ContainerSort::Main => "main",
            ContainerSort::Init => "init, or sidecar",
            ContainerSort::Ephemeral => "ephemeral",
        };
        (Containers::named(name.clone()), note)
    }));
    offers
}

fn answer(query: &LogQuery, containers: Containers, note: &str) -> Answer {
    let label = match container_words(&containers) {
        words if words.is_empty() => "as it comes".to_owned(),
        words => words,
    };
    let mark = if containers == query.containers { "shown   " } else { "" };
    let query = LogQuery { containers, ..query.clone() };
    Answer { label, note: format!("{mark}{note}"), then: Box::new(move |_| Reply::OpenLog(query.clone())) }
}
