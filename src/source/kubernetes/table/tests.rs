mod watching;

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::*;
use crate::{
    model::{BackendId, kubernetes::resource::Resource},
    query::Query,
    source::{
        Answered, SourceError,
        kubernetes::scripted::{Asked, Fake, json_answer, pieces, serve, status},
    },
};

fn services() -> Arc<Resource> {
    Arc::new(Resource {
        group: "".into(),
        version: "v1".into(),
        plural: "services".into(),
        singular: "service".into(),
        kind: "Service".into(),
        short_names: Box::new(["svc".into()]),
        is_namespaced: true,
    })
}

fn asked_for(namespaces: &[&str]) -> TableQuery {
    let namespaces = namespaces.iter().map(|name| Clean::from(*name)).collect();
    TableQuery { cluster: BackendId::new("c"), resource: services(), namespaces }
}

fn row_of(namespace: &str, name: &str) -> Value {
    json!({"cells": [name, "ClusterIP", null, 3, "5d"], "object": {"kind": "PartialObjectMetadata", "metadata": {
        "name": name, "namespace": namespace, "uid": format!("u-{name}"), "creationTimestamp": "2026-03-01T00:00:00Z",
        "labels": {"app": name}, "annotations": {"a": "HIDDEN"},
        "ownerReferences": [{"apiVersion": "x.org/v1", "kind": "Shop", "name": "s", "uid": "1"},
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "2", "controller": true}]}}})
}

fn page(rows: &[Value], next: &str, remaining: Option<u64>) -> Value {
    let column =
        |name: &str, priority: i32| json!({"name": name, "type": "string", "format": "", "priority": priority});
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "7", "continue": next, "remainingItemCount": remaining},
        "columnDefinitions": [column("Name", 0), column("Type", 0), column("External-IP", 0), column("N", 1), column("Age", 0)],
        "rows": rows})
}

/// Asked for as often as a test may wait.
const QUICK: Limits = Limits { every: Duration::from_millis(20), ..LIMITS };

/// Somebody who looks at a table.
struct Looking {
    answers: mpsc::Receiver<Answered>,
    task: JoinHandle<()>,
}

impl Looking {
    fn at(cluster: &Cluster, asked: &TableQuery, limits: Limits) -> Self {
        let (to, answers) = mpsc::channel(4);
        let query = Query::Table(asked.clone());
        let out = AnswerSink { query, generation: 1, clock: cluster.clock().clone(), to };
        let (cluster, asked) = (cluster.clone(), asked.clone());
        let task = tokio::spawn(async move {
            let rows = Arc::new(Rows::new(cluster.id()));
            Following::new(&cluster, &rows, &asked, limits).run(&out).await;
        });
        Self { answers, task }
    }

    async fn next(&mut self) -> Result<Arc<ObjectTable>, SourceError> {
        let answered = timeout(Duration::from_secs(10), self.answers.recv()).await.expect("it answers");
        match answered.expect("it goes on").body? {
            Answer::Table(table) => Ok(table),
            other => panic!("{other:?}"),
        }
    }

    /// The next that is complete and is so; failures are passed over.
    async fn until(&mut self, is_so: impl Fn(&ObjectTable) -> bool) -> Arc<ObjectTable> {
        loop {
            match self.next().await {
                Ok(table) if table.is_complete && is_so(&table) => return table,
                _ => {}
            }
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first complete table.
async fn read_from(fake: &Fake, asked: &TableQuery) -> Result<Arc<ObjectTable>, SourceError> {
    let mut looking = Looking::at(&fake.cluster, asked, LIMITS);
    loop {
        let table = looking.next().await?;
        if table.is_complete {
            return Ok(table);
        }
    }
}

/// A watch that brings these changes, and then nothing more.
fn watch_of(changes: &[Value]) -> Response {
    let lines: Vec<_> = changes.iter().map(|change| Ok(Bytes::from(format!("{change}\n")))).collect();
    pieces(stream::iter(lines).chain(stream::pending()))
}

fn change(kind: &str, row: &Value, version: &str) -> Value {
    json!({"type": kind, "object": {"kind": "Table", "metadata": {"resourceVersion": version},
        "columnDefinitions": null, "rows": [row]}})
}

fn watches(asked: &Asked) -> bool {
    asked.query("watch") == Some("true")
}

fn lists(fake: &Fake) -> usize {
    fake.asked().iter().filter(|asked| !watches(asked)).count()
}

fn names(table: &ObjectTable) -> Vec<String> {
    table.rows.iter().map(|row| format!("{}/{}", row.namespace, row.name)).collect()
}

#[tokio::test]
async fn pages_become_one_table_of_what_is_shown() {
    let fake = serve(|asked: &Asked| {
        assert_eq!(asked.accept, TABLE);
        assert_eq!(asked.query("includeObject"), Some("Metadata"));
        if watches(asked) {
            return watch_of(&[]);
        }
        assert_eq!(asked.query("limit"), Some("500"));
        json_answer(
            200,
            &match asked.query("continue") {
                None => page(&[row_of("shop", "a")], "next/+1", Some(1)),
                Some("next/+1") => page(&[row_of("shop", "b\u{1b}[31m")], "", None),
                other => panic!("{other:?}"),
            },
        )
    })
    .await;
    let table = read_from(&fake, &asked_for(&[])).await.unwrap();
    assert_eq!(fake.asked()[0].path, "/api/v1/services");
    assert_eq!(names(&table), ["shop/a", "shop/b"], "no escape sequence gets in");
    assert!(table.is_complete && table.notes.is_empty());
    assert_eq!(table.every, HEARTBEAT);
    let wide: Vec<_> =
        table.columns.iter().filter(|column| column.is_wide).map(|column| column.name.as_str()).collect();
    assert_eq!(wide, ["N"]);
    let first = &table.rows[0];
    assert_eq!(first.cells[..4], ["a", "ClusterIP", "", "3"].map(Clean::from));
    assert_eq!(first.owner.as_ref().unwrap().kind, "ReplicaSet", "the controller, not the first owner");
    assert_eq!(first.owner.as_ref().unwrap().group, "apps");
    assert!(!format!("{table:?}").contains("HIDDEN"));
}

#[tokio::test]
async fn an_expired_page_begins_the_list_again_but_not_for_ever() {
    let fake = serve(|asked: &Asked| match asked.query("continue") {
        None => json_answer(200, &page(&[row_of("shop", "a")], "old", None)),
        Some(_) => status(410, "Expired", "The provided continue parameter is too old"),
    })
    .await;
    let failure = read_from(&fake, &asked_for(&[])).await.unwrap_err();
    assert!(failure.says.contains("410"), "{failure}");
    assert_eq!(fake.asked().len(), 8, "three times anew");
}

#[tokio::test]
async fn a_very_long_list_is_cut_and_says_so() {
    let fake = serve(|asked: &Asked| {
        assert!(!watches(asked), "what is cut cannot be watched");
        let from = asked.query("continue").map_or(0, |text| text.parse::<usize>().unwrap());
        let rows: Vec<Value> = (from..from + 2_500).map(|number| row_of("shop", &format!("s{number}"))).collect();
        json_answer(200, &page(&rows, &(from + 2_500).to_string(), Some(50_000 - from as u64 - 2_500)))
    })
    .await;
    let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), Limits { rows: 9_000, ..LIMITS });
    let (mut partial, mut last) = (Vec::new(), looking.next().await.unwrap());
    while !last.is_complete {
        partial.push(last.rows.len());
        last = looking.next().await.unwrap();
    }
    assert_eq!(last.rows.len(), 9_000);
    assert_eq!(last.notes, ["the first 9000 of 50000: choose a namespace with :ns"]);
    assert!(last.every > EVERY, "{:?}: a large table is read less often", last.every);
    assert_eq!(partial[..2], [2_500, 7_500], "a long list is shown as it comes");
}

#[tokio::test]
async fn namespaces_are_read_one_by_one_and_a_refused_one_is_said() {
    let fake = serve(|asked: &Asked| match asked.path.as_str() {
        _ if watches(asked) => watch_of(&[]),
        "/api/v1/namespaces/shop/services" => json_answer(200, &page(&[row_of("shop", "a")], "", None)),
        "/api/v1/namespaces/till/services" => json_answer(200, &page(&[row_of("till", "b")], "", None)),
        _ => status(403, "Forbidden", "services is forbidden"),
    })
    .await;
    let table = read_from(&fake, &asked_for(&["shop", "vault", "till"])).await.unwrap();
    assert_eq!(names(&table), ["shop/a", "till/b"]);
    assert!(table.notes[0].starts_with("not of 'vault': ") && table.notes[0].contains("403"), "{:?}", table.notes);
    let refused = read_from(&fake, &asked_for(&["vault"])).await.unwrap_err();
    assert!(refused.says.contains("403"), "{refused}");
}

#[tokio::test]
async fn without_the_right_to_list_all_the_readable_namespaces_are_read() {
    let fake = serve(|asked: &Asked| match asked.path.as_str() {
        _ if watches(asked) => watch_of(&[]),
        "/api/v1/namespaces" => json_answer(
            200,
            &json!({"items": [
            {"metadata": {"name": "shop"}}, {"metadata": {"name": "vault"}}]}),
        ),
        "/api/v1/namespaces/shop/services" => json_answer(200, &page(&[row_of("shop", "a")], "", None)),
        _ => status(403, "Forbidden", "services is forbidden"),
    })
    .await;
    let table = read_from(&fake, &asked_for(&[])).await.unwrap();
    assert_eq!(names(&table), ["shop/a"]);
    assert_eq!(table.notes, ["narrow rights: only of 'shop'"]);
}

#[tokio::test]
async fn the_namespaces_that_are_too_many_to_read_are_said() {
    let fake = serve(|asked: &Asked| match asked.path.as_str() {
        _ if watches(asked) => watch_of(&[]),
        "/api/v1/namespaces" => {
            let all: Vec<Value> = (0..25).map(|nth| json!({"metadata": {"name": format!("team-{nth:02}")}})).collect();
            json_answer(200, &json!({ "items": all }))
        }
        path if path.ends_with("/services") && path.contains("/team-") => json_answer(200, &page(&[], "", None)),
        path if path.contains("/default/") || path == "/api/v1/services" => status(403, "Forbidden", "is forbidden"),
        // What may be done in each: all of it.
        _ => {
            let rule = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]});
            let is_own = asked.body["spec"]["namespace"] == "default";
            let rules = if is_own { json!([]) } else { json!([rule]) };
            json_answer(201, &json!({"status": {"resourceRules": rules, "incomplete": false}}))
        }
    })
    .await;
    let table = read_from(&fake, &asked_for(&[])).await.unwrap();
    let [note] = table.notes.as_slice() else { panic!("{:?}", table.notes) };
    assert!(note.starts_with("narrow rights: only of 'team-00', 'team-01', "), "{note}");
    assert!(note.ends_with(" and 12 more; 5 more may be read, one at a time with :ns NAME"), "{note}");
}

#[tokio::test]
async fn a_server_without_tables_gives_names_and_ages() {
    let object = |name: &str| {
        json!({"kind": "Service", "metadata": {"name": name, "namespace": "shop", "resourceVersion": "8",
            "creationTimestamp": "2026-03-01T00:00:00Z"}, "spec": {}})
    };
    let fake = serve(move |asked: &Asked| {
        if watches(asked) {
            watch_of(&[json!({"type": "ADDED", "object": object("b")})])
        } else {
            let list = json!({"kind": "ServiceList", "metadata": {"resourceVersion": "7"}, "items": [object("a")]});
            json_answer(200, &list)
        }
    })
    .await;
    let table = Looking::at(&fake.cluster, &asked_for(&[]), QUICK).until(|table| table.rows.len() == 2).await;
    assert_eq!(names(&table), ["shop/a", "shop/b"]);
    assert_eq!(table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["Name", "Age"]);
    assert!(table.rows[0].created.is_some());
}

#[tokio::test]
async fn a_rollout_says_what_its_columns_do_not() {
    let fake = serve(|asked: &Asked| {
        assert_eq!(asked.query("includeObject"), Some("Object"));
        if watches(asked) {
            return watch_of(&[]);
        }
        let rollout = |name: &str, status: Value| {
            json!({"cells": [name, 3], "object": {"metadata": {"name": name, "namespace": "shop"},
                "spec": {"template": {"spec": {"containers": []}}}, "status": status}})
        };
        let rows = [
            rollout("web", json!({"phase": "Paused", "message": "CanaryPauseStep", "conditions": [{"type": "Paused", "status": "True"}]})),
            rollout("api", json!({"phase": "Healthy"})),
        ];
        let columns = json!([{"name": "Name", "priority": 0}, {"name": "Desired", "priority": 0}]);
        json_answer(200, &json!({"kind": "Table", "metadata": {"resourceVersion": "7"}, "columnDefinitions": columns, "rows": rows}))
    })
    .await;
    let rollouts = Resource { group: "argoproj.io".into(), plural: "rollouts".into(), ..(*services()).clone() };
    let asked = TableQuery { resource: Arc::new(rollouts), ..asked_for(&[]) };
    let table = read_from(&fake, &asked).await.unwrap();
    assert_eq!(
        table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        ["Name", "Desired", "State"]
    );
    let cells: Vec<&str> = table.rows.iter().map(|row| row.cells[2].as_str()).collect();
    assert_eq!(cells, ["Healthy", "Paused: CanaryPauseStep"]);
}
