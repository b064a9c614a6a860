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
        LogTarget::Pod(_) => "the default one; its init one while it starts",
        _ => "main ones; the init one while a pod starts",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::kubernetes::{ObjectKey, WorkloadKind},
        ui::testing::{World, cluster, workload_key},
    };

    #[test]
    fn what_comes_by_itself_is_said_whole_on_a_small_terminal() {
        let mut world = World::live();
        world.size = (80, 24);
        let pod = ObjectKey { cluster: cluster(), namespace: "production".into(), name: "myapp-1".into() };
        let workload = workload_key(WorkloadKind::Deployment, "myapp");
        for (target, end) in
            [(LogTarget::Pod(pod), "while it starts "), (LogTarget::Workload(workload), "while a pod starts ")]
        {
            let rows = world.overlay(choice(LogQuery::of(target)).as_mut());
            assert!(rows.iter().any(|row| row.contains("shown   ") && row.contains(end)), "{rows:#?}");
        }
    }
}
