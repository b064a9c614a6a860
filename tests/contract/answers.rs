//! Hostile text in what is read only when somebody looks at it: logs, pages, YAML, revisions, jobs, details, panels.

use futures::future::join_all;
use midwatch::{
    model::Level,
    query::{Answer, LogQuery, ObjectRef, PanelQuery, Query, VariablesQuery},
    source::ErrorKind,
    store::Store,
};

use crate::{
    backend::KINDS,
    checks::assert_harmless_debug,
    front::Fault,
    hostile::all,
    poison::{MONSTERS, Rewrite, poison_words},
    watching::Watching,
};

/// One of each about what is there.
fn queries(store: &Store) -> Vec<Query> {
    let pod = store.kube.pods.values().find(|pod| pod.level < Level::Ok).expect("one is in trouble").key.clone();
    let workload = store.kube.workloads.values().find(|workload| workload.key.name == "myapp").expect("it is there");
    let of = |target: ObjectRef| LogQuery { tail: Some(50), follow: false, ..LogQuery::of(target) };
    let (pod, workload) = (ObjectRef::Pod(pod), ObjectRef::Workload(workload.key.clone()));
    let ObjectRef::Workload(key) = workload.clone() else { unreachable!() };
    let mut queries = vec![
        Query::Logs(of(workload.clone())),
        Query::Logs(of(pod.clone())),
        Query::Logs(LogQuery { previous: true, ..of(pod.clone()) }),
        Query::Describe(pod.clone()),
        Query::Describe(workload.clone()),
        Query::Yaml(pod),
        Query::Yaml(workload),
        Query::Revisions(key),
    ];
    queries.extend(store.pull_requests.keys().take(2).cloned().map(Query::PullRequest));
    queries.extend(
        store.runs.values().rev().filter(|run| run.state.is_finished()).take(2).map(|run| Query::Jobs(run.key.clone())),
    );
    let dashboard = store.dashboards.values().next().expect("one is named");
    let (range_seconds, variables) = (dashboard.range_seconds, Vec::new());
    let panel = |panel| PanelQuery { panel, range_seconds, points: 100, variables: Vec::new() };
    queries.extend(dashboard.panels.iter().take(4).map(|one| Query::Panel(panel(one.key.clone()))));
    queries.push(Query::Variables(VariablesQuery { dashboard: dashboard.key.clone(), range_seconds, variables }));
    queries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_looked_at_has_no_control() {
    let folder = tempfile::tempdir().unwrap();
    let (fronts, config) = all(Fault::Nothing, folder.path()).await;
    let mut watching = Watching::of(config).await;
    for kind in &KINDS {
        watching.until(&format!("{} is read", kind.name), |now| now.is_well(&kind.id())).await;
    }
    let mut queries = queries(&watching.store);
    let hostile = ("hostile text", poison_words as Rewrite);
    for (what, rewrite) in std::iter::once(hostile).chain(MONSTERS) {
        for front in &fronts {
            front.set(Fault::Hostile(rewrite));
        }
        let (mut answered, mut jobs) = (0, Vec::new());
        let asked = join_all(queries.iter().map(|query| watching.ask(query.clone())));
        for (query, answer) in queries.iter().zip(asked.await) {
            match answer {
                Ok(mut answer) => {
                    // A template stays as it is, to be compared and sent back; plans and what they print show it cleaned.
                    if let Answer::Revisions(list) = &mut answer {
                        for revision in list {
                            revision.template = serde_json::Value::Null;
                        }
                    }
                    assert_harmless_debug(&format!("{query:?} with {what}"), &format!("{answer:?}"));
                    answered += 1;
                    if let Answer::Jobs(list) = answer {
                        jobs.extend(
                            list.into_iter()
                                .filter(|job| job.state.is_finished())
                                .take(2)
                                .map(|job| Query::JobLog(job.key)),
                        );
                    }
                }
                Err(error) => {
                    assert_ne!(error.kind, ErrorKind::Bug, "{query:?} with {what}: {error}");
                    assert_harmless_debug(&format!("{query:?} with {what}"), &format!("{error:?}"));
                }
            }
        }
        if what == hostile.0 {
            assert!(answered + 1 >= queries.len(), "they are read all the same: {answered} of {}", queries.len());
            assert!(!jobs.is_empty(), "a job has ended");
            for query in &jobs {
                let log = watching.ask(query.clone()).await.expect("its log is there");
                assert_harmless_debug("the log of a job", &format!("{log:?}"));
            }
            queries.append(&mut jobs);
        }
    }
}
