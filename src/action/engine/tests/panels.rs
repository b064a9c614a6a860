//! The values of the panels that are bound to a workload are kept before an act on it, and hold nothing up.

use futures::{FutureExt as _, future::BoxFuture};

use super::*;
use crate::{
    model::metric::{DashboardKey, PanelData, PanelKey, Series},
    query::{Answer, Query},
    source::{AnswerSink, Reader},
};

fn grafana() -> BackendId {
    BackendId::new("grafana")
}

fn other_grafana() -> BackendId {
    BackendId::new("other")
}

fn panel(id: i64) -> PanelKey {
    PanelKey { dashboard: DashboardKey { backend: grafana(), uid: "board".into() }, id }
}

fn panels(ids: &[i64]) -> Vec<PanelKey> {
    ids.iter().copied().map(panel).collect()
}

/// A Grafana that has one value of each panel, or never answers.
struct Panels {
    id: BackendId,
    answers: bool,
}

impl Reader for Panels {
    fn backend(&self) -> &BackendId {
        &self.id
    }

    fn read<'a>(&'a self, query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()> {
        async move {
            let Query::Panel(query) = query else { panic!("{query:?}") };
            if self.answers {
                assert_eq!(query.range_seconds, 3_600);
                let points = vec![(1_768_014_000_000, Some(62.5))];
                let data = PanelData {
                    key: query.panel.clone(),
                    title: "Errors".into(),
                    from: 0,
                    to: 0,
                    series: vec![Series { name: "5xx".into(), points, ..Series::default() }],
                    more_series: 0,
                    reduced: Vec::new(),
                    table: None,
                    failures: Vec::new(),
                    notices: Vec::new(),
                };
                out.send(Ok(Answer::Panel(Box::new(data)))).await;
            }
            // It goes on asking, or never answers.
            std::future::pending::<()>().await;
        }
        .boxed()
    }
}

/// A rollback with panels bound, and the files that its first step left, with what that said.
async fn kept(panels: Vec<PanelKey>, answers: bool) -> (Vec<(String, String)>, StepState) {
    let mut bench = Bench::new();
    for id in [grafana(), other_grafana()] {
        bench.engine.add_reader(Arc::new(Panels { id, answers }));
    }
    bench.settings.services[0].panels = panels;
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    let files = std::fs::read_dir(bench.directory.path().join("evidence/0001")).into_iter().flatten();
    let mut files: Vec<(String, String)> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("named").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("readable"))
        })
        .collect();
    files.sort();
    (files, act.steps[0].1.clone())
}

#[tokio::test]
async fn the_last_hour_of_the_bound_panels_is_kept_as_csv() {
    let (files, _) = kept(panels(&[4, 7]), true).await;
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["panel-grafana-board-4.csv", "panel-grafana-board-7.csv"]);
    assert_eq!(files[0].1, "panel,time,series,value\n\"Errors\",2026-01-10T03:00:00Z,\"5xx\",62.5\n");
    // No more than a few are asked for.
    assert_eq!(kept(panels(&[1, 2, 3, 4, 5, 6]), true).await.0.len(), 4);
}

#[tokio::test]
async fn the_plan_says_that_panels_are_kept() {
    let mut bench = Bench::new();
    let says = |plan: &Plan| (plan.steps[0].says.to_string(), plan.numbered_steps().next().map(|(number, _)| number));
    let plain = "keep evidence: previous logs, describe, events".to_owned();
    assert_eq!(says(&bench.plan(&roll_back(None)).await.expect("a plan")), (plain.clone(), Some(0)));
    bench.settings.services[0].panels = panels(&[4, 7]);
    assert_eq!(says(&bench.plan(&roll_back(None)).await.expect("a plan")), (format!("{plain}, 2 panels"), Some(0)));
}

/// A provisioned dashboard has the same uid in each.
#[tokio::test]
async fn the_same_panel_of_two_grafanas_is_two_files() {
    let other = PanelKey { dashboard: DashboardKey { backend: other_grafana(), uid: "board".into() }, id: 4 };
    let (files, _) = kept(vec![panel(4), other], true).await;
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["panel-grafana-board-4.csv", "panel-other-board-4.csv"]);
}

#[tokio::test]
async fn a_silent_grafana_is_said_and_holds_the_act_up_no_longer_than_the_rest() {
    let (files, state) = kept(panels(&[4, 7]), false).await;
    let StepState::Unknown(says) = &state else { panic!("nothing was kept: {state:?}") };
    assert!(files.is_empty() && says.starts_with("nothing could be kept: describe.txt: 'prod-eu1' is not"), "{says}");
    assert!(says.ends_with(" more)"), "{says}");
    let (_, state) = kept(panels(&[4, 7]), true).await;
    assert!(
        matches!(&state, StepState::Unknown(says) if says.starts_with("2 of 7 files in evidence/0001: ")),
        "{state:?}"
    );
}
