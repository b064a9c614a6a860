//! A table that is watched: what comes, what is refused, and when it ends.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::*;
use crate::source::kubernetes::tests::on_demo;

#[tokio::test]
async fn changes_come_by_a_watch_and_nothing_is_listed_again() {
    let fake = serve(|asked: &Asked| {
        if !watches(asked) {
            return json_answer(200, &page(&[row_of("shop", "a"), row_of("shop", "b")], "", None));
        }
        assert_eq!((asked.accept.as_str(), asked.query("allowWatchBookmarks")), (TABLE, Some("true")));
        assert_eq!(asked.query("includeObject"), Some("Metadata"));
        let mut changed = row_of("shop", "a");
        changed["cells"][1] = json!("LoadBalancer");
        let bookmark = json!({"type": "BOOKMARK", "object": {"kind": "Table", "metadata": {"resourceVersion": "40"},
            "columnDefinitions": null, "rows": []}});
        match asked.query("resourceVersion") {
            Some("7") => pieces(stream::iter(
                [
                    change("MODIFIED", &changed, "8"),
                    change("DELETED", &row_of("shop", "b"), "9"),
                    change("ADDED", &row_of("shop", "c"), "10"),
                    bookmark,
                ]
                .map(|change| Ok(Bytes::from(format!("{change}\n")))),
            )),
            Some("40") => watch_of(&[change("ADDED", &row_of("till", "d"), "41")]),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), QUICK);
    let first = looking.until(|_| true).await;
    assert_eq!(names(&first), ["shop/a", "shop/b"]);
    let last = looking.until(|table| table.rows.len() == 3).await;
    assert_eq!(names(&last), ["shop/a", "shop/c", "till/d"]);
    assert_eq!(last.rows[0].cells[1], "LoadBalancer");
    assert_eq!((last.every, lists(&fake)), (HEARTBEAT, 1));
}

#[tokio::test]
async fn the_hearts_beat_says_that_it_is_still_so() {
    let fake = serve(|asked: &Asked| {
        if watches(asked) {
            return watch_of(&[]);
        }
        json_answer(200, &page(&[row_of("shop", "a")], "", None))
    })
    .await;
    let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), QUICK);
    let first = looking.until(|_| true).await;
    let beating = async {
        loop {
            fake.cluster.pulse().send_modify(|pulse| pulse.beats += 1);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        again = looking.until(|_| true) => assert!(Arc::ptr_eq(&first, &again), "the same, for nothing"),
        () = beating => {}
    }
    assert_eq!(lists(&fake), 1);
}

#[tokio::test]
async fn where_watching_is_refused_it_is_listed_again_and_again() {
    for (code, reason) in [(405, "MethodNotAllowed"), (403, "Forbidden")] {
        let fake = serve(move |asked: &Asked| {
            if watches(asked) {
                status(code, reason, "the server does not allow this method on the requested resource")
            } else {
                json_answer(200, &page(&[row_of("shop", "a")], "", None))
            }
        })
        .await;
        let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), QUICK);
        let table = looking.until(|table| table.every == QUICK.every).await;
        assert_eq!((names(&table), table.notes.len()), (vec!["shop/a".to_owned()], 0), "{code} is no trouble");
        while lists(&fake) < 3 {
            looking.next().await.unwrap();
        }
        assert_eq!(fake.asked().iter().filter(|asked| watches(asked)).count(), 1, "it is not asked for again");
    }
}

#[tokio::test]
async fn a_watch_that_ends_at_once_is_no_refusal() {
    let was_closed = AtomicBool::new(false);
    let fake = serve(move |asked: &Asked| {
        if !watches(asked) {
            return json_answer(200, &page(&[row_of("shop", "a")], "", None));
        }
        if !was_closed.swap(true, Ordering::Relaxed) {
            return pieces(stream::empty());
        }
        watch_of(&[change("ADDED", &row_of("shop", "b"), "8")])
    })
    .await;
    let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), QUICK);
    let table = looking.until(|table| table.rows.len() == 2).await;
    assert_eq!((table.every, lists(&fake)), (HEARTBEAT, 1), "it is watched again, and not listed");
}

#[tokio::test]
async fn metrics_that_do_not_come_hold_nothing_up() {
    let measured = json!({"items": [{"metadata": {"name": "a", "namespace": "shop"},
        "containers": [{"name": "app", "usage": {"cpu": "5m", "memory": "1Mi"}}]}]});
    let seen = Arc::new(Notify::new());
    let was_seen = seen.clone();
    let fake = serve(move |asked: &Asked| match asked.path.as_str() {
        path if path.starts_with("/apis/metrics.k8s.io") => {
            let (was_seen, measured) = (was_seen.clone(), Bytes::from(measured.to_string()));
            pieces(stream::once(async move {
                was_seen.notified().await;
                Ok(measured)
            }))
        }
        _ if watches(asked) => watch_of(&[change("ADDED", &row_of("shop", "b"), "8")]),
        _ => json_answer(200, &page(&[row_of("shop", "a")], "", None)),
    })
    .await;
    let pods = Resource { plural: "pods".into(), kind: "Pod".into(), ..(*services()).clone() };
    let asked = TableQuery { resource: Arc::new(pods), ..asked_for(&[]) };
    let mut looking = Looking::at(&fake.cluster, &asked, QUICK);
    let both = looking.until(|table| table.rows.len() == 2).await;
    assert!(both.used.is_none(), "a change is shown before them");
    // They come only after that: had it waited for them, they were given up, and not asked for again for minutes.
    seen.notify_one();
    looking.until(|table| table.used.is_some()).await;
}

#[tokio::test]
async fn a_forgotten_version_is_listed_again_and_what_is_gone_goes() {
    let listed = AtomicBool::new(false);
    let fake = serve(move |asked: &Asked| {
        if watches(asked) {
            let gone = json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure", "code": 410,
                "reason": "Expired", "message": "too old resource version"}});
            return watch_of(if asked.query("resourceVersion") == Some("7") {
                std::slice::from_ref(&gone)
            } else {
                &[]
            });
        }
        let is_second = listed.swap(true, Ordering::Relaxed);
        let mut page = page(&[row_of("shop", if is_second { "b" } else { "a" })], "", None);
        page["metadata"]["resourceVersion"] = json!(if is_second { "20" } else { "7" });
        json_answer(200, &page)
    })
    .await;
    let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), QUICK);
    assert_eq!(names(&*looking.until(|_| true).await), ["shop/a"]);
    let table = looking.until(|table| names(table) == ["shop/b"]).await;
    assert_eq!((table.every, lists(&fake)), (HEARTBEAT, 2));
}

#[tokio::test]
async fn other_columns_are_listed_again() {
    let fake = serve(|asked: &Asked| {
        if !watches(asked) {
            return json_answer(200, &page(&[row_of("shop", "a")], "", None));
        }
        let mut other = change("MODIFIED", &row_of("shop", "a"), "8");
        other["object"]["columnDefinitions"] = json!([{"name": "Name"}, {"name": "Since", "type": "date"}]);
        watch_of(&[other])
    })
    .await;
    let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), QUICK);
    while lists(&fake) < 2 {
        assert_eq!(looking.until(|_| true).await.columns.len(), 5, "cells stand under their own heads");
    }
}

#[tokio::test]
async fn the_watch_is_closed_when_nobody_looks() {
    struct Noting(Arc<AtomicBool>);
    impl Noting {
        fn is_held(&self) {}
    }
    impl Drop for Noting {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_closed = Arc::new(AtomicBool::new(false));
    let noted = is_closed.clone();
    let fake = serve(move |asked: &Asked| {
        if !watches(asked) {
            return json_answer(200, &page(&[row_of("shop", "a")], "", None));
        }
        let noting = Noting(noted.clone());
        let line = Bytes::from(format!("{}\n", change("ADDED", &row_of("shop", "b"), "8")));
        pieces(stream::iter([Ok(line)]).chain(stream::pending()).inspect(move |_| noting.is_held()))
    })
    .await;
    let mut looking = Looking::at(&fake.cluster, &asked_for(&[]), QUICK);
    looking.until(|table| table.rows.len() == 2).await;
    assert!(!is_closed.load(Ordering::Relaxed));
    drop(looking);
    let closing = async {
        while !is_closed.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), closing).await.expect("it is closed");
}

/// Pods come and go by themselves there, quickly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demos_pods_are_watched_with_what_they_use() {
    let demo = on_demo::hurried(60.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let pods = Resource { plural: "pods".into(), kind: "Pod".into(), ..(*services()).clone() };
    let asked = TableQuery { resource: Arc::new(pods), ..asked_for(&[]) };
    let mut looking = Looking::at(&cluster, &asked, LIMITS);
    let first = looking.until(|table| table.used.is_some()).await;
    assert_eq!(first.every, HEARTBEAT);
    let now = cluster.clock().now().wall;
    for (name, unit) in [("Memory", "Mi"), ("Mem%", "%")] {
        let place = first.columns.iter().position(|column| column.name == name).expect("a column");
        let cells: Vec<_> = first.rows.iter().map(|row| first.cell(row, place, now)).collect();
        assert!(cells.iter().any(|cell| cell.ends_with(unit)), "{cells:?}");
    }
    let other = looking.until(|table| table.rows != first.rows).await;
    let same =
        first.rows.iter().filter(|row| other.find(&row.namespace, &row.name).is_some_and(|it| Arc::ptr_eq(it, row)));
    assert!(same.count() > 0, "only what changed came");
}
