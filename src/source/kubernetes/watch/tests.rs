mod namespaces;

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    config::file::Kubernetes,
    model::kubernetes::{ObjectKey, Pod},
    source::{
        Delta,
        kubernetes::fake::{Answer, Fake, gather, line, list, open_at, pod, refusal, status},
    },
};

fn watch(cluster: &Cluster, scope: Scope) -> Watch {
    Watch::new(cluster, Watched::Pods, scope, Arc::new(Rows::new(cluster.id())))
}

/// `reset`, `+name`, `-name`, `synced`.
fn words(facts: &[Fact]) -> Vec<String> {
    let word = |fact: &Fact| match fact {
        Fact::Pod(Delta::Reset) => "reset".to_owned(),
        Fact::Pod(Delta::Synced) => "synced".to_owned(),
        Fact::Pod(Delta::Put(pod)) => format!("+{}", name(&pod.key)),
        Fact::Pod(Delta::Gone(key)) => format!("-{}", name(key)),
        Fact::Coverage(coverage) => coverage.as_ref().map_or("all".to_owned(), |it| it.says.to_string()),
        other => panic!("{other:?}"),
    };
    facts.iter().map(word).collect()
}

fn name(key: &ObjectKey) -> &str {
    &key.name
}

fn put<'a>(facts: &'a [Fact], name: &str) -> Option<&'a Pod> {
    facts.iter().rev().find_map(|fact| match fact {
        Fact::Pod(Delta::Put(pod)) if pod.key.name == name => Some(&**pod),
        _ => None,
    })
}

#[tokio::test]
async fn pages_then_changes_then_on_from_the_last_version() {
    let fake = Fake::start(|call| match (call.watches(), call.nth) {
        (false, 0) => list(&[pod("a", 1), pod("b", 2)], "10", Some("page 2/+")),
        (false, 1) => list(&[pod("c", 3)], "10", None),
        (true, 0) => {
            let mut changed = pod("a", 11);
            changed["status"]["phase"] = json!("Pending");
            changed["status"]["containerStatuses"] =
                json!([{"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
            let whole = line("MODIFIED", &changed) + &line("DELETED", &pod("b", 12));
            let (first, rest) = whole.split_at(100);
            Answer::Pieces(vec![
                first.to_owned(),
                rest.to_owned(),
                line("BOOKMARK", &json!({"metadata": {"resourceVersion": "40"}, "spec": {"containers": null}})),
            ])
        }
        (true, _) => Answer::Open(vec![line("ADDED", &pod("d", 41))]),
        other => panic!("{other:?}"),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (facts, errors) = gather(&mut source, |facts, _| put(facts, "d").is_some()).await;
    assert_eq!(words(&facts), ["reset", "+a", "+b", "+c", "synced", "+a", "-b", "+d"]);
    assert_eq!(errors, []);
    assert_eq!(put(&facts, "a").unwrap().status, "CrashLoopBackOff");
    let calls = fake.calls();
    assert_eq!(calls[0].parameter("limit").unwrap(), "500");
    assert_eq!(calls[1].parameter("continue").unwrap(), "page 2/+");
    let versions: Vec<_> = calls.iter().filter_map(|call| call.parameter("resourceVersion")).collect();
    assert_eq!(versions, ["10", "40"], "bookmarks move the version");
    assert!(calls[2].query.contains("allowWatchBookmarks=true"));
}

#[tokio::test]
async fn a_forgotten_version_is_listed_again() {
    for in_stream in [true, false] {
        let fake = Fake::start(move |call| match (call.watches(), call.nth) {
            (false, 0) => list(&[pod("a", 1), pod("b", 2)], "10", None),
            (false, _) => list(&[pod("b", 2)], "20", None),
            (true, 0) if in_stream => Answer::Pieces(vec![line("ERROR", &status(410, "Expired", "too old"))]),
            (true, 0) => refusal(410, "Gone", "too old"),
            (true, _) => Answer::Open(vec![line("ADDED", &pod("c", 21))]),
        })
        .await;
        let mut source = watch(&fake.cluster("{}").await, Scope::All);
        let (facts, errors) = gather(&mut source, |facts, _| put(facts, "c").is_some()).await;
        assert_eq!(words(&facts), ["reset", "+a", "+b", "synced", "reset", "+b", "synced", "+c"]);
        assert_eq!(errors, []);
    }
}

#[tokio::test]
async fn a_server_that_always_forgets_is_not_listed_in_a_circle() {
    let fake =
        Fake::start(|call| if call.watches() { refusal(410, "Gone", "too old") } else { list(&[], "10", None) }).await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (_, errors) = gather(&mut source, |_, errors| !errors.is_empty()).await;
    assert!(errors[0].says.contains("410"), "{}", errors[0]);
    let lists = fake.calls().iter().filter(|call| !call.watches()).count();
    assert_eq!(lists, 2);
}

#[tokio::test]
async fn a_continue_token_that_expired_starts_the_list_over() {
    let fake = Fake::start(|call| match (call.watches(), call.nth) {
        (false, 0) => list(&[pod("a", 1)], "10", Some("more")),
        (false, 1) => refusal(410, "Expired", "The provided continue parameter is too old"),
        (false, _) => list(&[pod("b", 2)], "20", None),
        (true, _) => Answer::Open(vec![]),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (facts, errors) = gather(&mut source, |facts, _| words(facts).contains(&"synced".to_owned())).await;
    assert_eq!(words(&facts), ["reset", "+a", "reset", "+b", "synced"]);
    assert_eq!(errors, []);
}

#[tokio::test]
async fn a_connection_cut_inside_a_line_loses_nothing() {
    let fake = Fake::start(|call| match (call.watches(), call.nth) {
        (false, _) => list(&[], "10", None),
        (true, 0) => {
            let cut = line("ADDED", &pod("b", 12));
            Answer::Pieces(vec![line("ADDED", &pod("a", 11)), cut[..50].to_owned()])
        }
        (true, _) => Answer::Open(vec![line("ADDED", &pod("b", 12))]),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (facts, errors) = gather(&mut source, |facts, _| put(facts, "b").is_some()).await;
    assert_eq!(words(&facts), ["reset", "synced", "+a", "+b"]);
    assert_eq!(errors, []);
    assert_eq!(fake.calls().last().unwrap().parameter("resourceVersion").unwrap(), "11");
    assert_eq!(fake.calls().iter().filter(|call| !call.watches()).count(), 1, "no second list");
}

#[tokio::test]
async fn an_unreadable_object_is_left_out_and_told_the_rest_lives() {
    let fake = Fake::start(|call| {
        if call.watches() {
            Answer::Open(vec![])
        } else {
            list(&[pod("a", 1), json!({"metadata": {"name": 7}}), json!("nonsense"), pod("b", 2)], "10", None)
        }
    })
    .await;
    let cluster = fake.cluster("{}").await;
    let mut source = watch(&cluster, Scope::All);
    let (facts, errors) = gather(&mut source, |facts, _| words(facts).contains(&"synced".to_owned())).await;
    assert_eq!(words(&facts), ["reset", "+a", "+b", "synced"]);
    assert_eq!(errors, []);
    let notes = cluster.learnt().notes.clone();
    assert!(notes["pods unreadable"].starts_with("2 of the pods cannot be read"), "{notes:?}");
}

#[tokio::test]
async fn without_the_whole_cluster_the_namespaces_that_may_be_read_are_watched() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/pods" => refusal(
            403,
            "Forbidden",
            "pods is forbidden: User \"jo\" cannot list resource \"pods\" at the cluster scope",
        ),
        "/api/v1/namespaces" => Answer::Json(
            200,
            json!({"items": [{"metadata": {"name": "shop"}}, {"metadata": {"name": "pay"}}, {"metadata": {"name": "kube-system"}}]}),
        ),
        "/api/v1/namespaces/kube-system/pods" => refusal(403, "Forbidden", "no"),
        _ if call.watches() => Answer::Open(vec![]),
        "/api/v1/namespaces/shop/pods" => list(&[pod("a", 1)], "10", None),
        "/api/v1/namespaces/pay/pods" => list(&[pod("b", 1)], "10", None),
        other => panic!("{other}"),
    })
    .await;
    let cluster = fake.cluster("{}").await;
    let mut source = watch(&cluster, Scope::All);
    let (facts, errors) = gather(&mut source, |facts, _| words(facts).contains(&"synced".to_owned())).await;
    let mut seen = words(&facts);
    seen[1..3].sort();
    assert_eq!(seen, ["reset", "+a", "+b", "narrow rights: only of 'shop', 'pay'", "synced"]);
    assert_eq!(errors, []);
}

/// An authorizer that was late, a role that was granted meanwhile: a part of the cluster is not all there is for ever.
#[tokio::test]
async fn a_refusal_that_passes_leaves_the_whole_cluster() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/pods" if call.watches() => Answer::Open(vec![]),
        "/api/v1/pods" if call.nth == 0 => refusal(403, "Forbidden", "not yet"),
        "/api/v1/pods" => list(&[pod("a", 1), pod("b", 1)], "20", None),
        "/api/v1/namespaces" => Answer::Json(200, json!({"items": [{"metadata": {"name": "shop"}}]})),
        _ if call.watches() => Answer::Open(vec![]),
        "/api/v1/namespaces/shop/pods" => list(&[pod("a", 1)], "10", None),
        other => panic!("{other}"),
    })
    .await;
    let cluster = fake.cluster("{}").await;
    let mut source = watch(&cluster, Scope::All).widening(Duration::from_millis(50));
    let (facts, errors) = gather(&mut source, |facts, _| words(facts).contains(&"synced".to_owned())).await;
    let narrow = ["reset", "+a", "narrow rights: only of 'shop'", "synced"];
    assert_eq!((words(&facts), errors), (narrow.map(str::to_owned).to_vec(), vec![]));
    // It is asked again; then all is listed, and nothing is called narrow.
    let (facts, errors) = gather(&mut source, |facts, _| words(facts).contains(&"synced".to_owned())).await;
    let whole = ["reset", "+a", "+b", "all", "synced"];
    assert_eq!((words(&facts), errors), (whole.map(str::to_owned).to_vec(), vec![]));
}

#[tokio::test]
async fn a_namespace_that_is_listed_again_tells_what_is_gone() {
    let fake = Fake::start(|call| match (call.path.as_str(), call.watches(), call.nth) {
        ("/api/v1/namespaces/shop/pods", false, 0) => list(&[pod("a", 1), pod("b", 1)], "10", None),
        ("/api/v1/namespaces/shop/pods", false, _) => list(&[pod("b", 1)], "20", None),
        ("/api/v1/namespaces/shop/pods", true, 0) => refusal(410, "Gone", "too old"),
        (_, true, _) => Answer::Open(vec![]),
        _ => list(&[], "10", None),
    })
    .await;
    let scope = Scope::Namespaces(["shop", "pay"].map(Name::from).to_vec());
    let mut source = watch(&fake.cluster("{}").await, scope);
    let (facts, _) = gather(&mut source, |facts, _| words(facts).contains(&"-a".to_owned())).await;
    assert_eq!(words(&facts).iter().filter(|word| *word == "reset").count(), 1, "other namespaces' rows stay");
}

#[tokio::test]
async fn forbidden_everywhere_is_said_verbatim_and_never_an_empty_list() {
    let says = "pods is forbidden: User \"jo\" cannot list resource \"pods\"";
    let fake = Fake::start(move |_| refusal(403, "Forbidden", says)).await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (facts, errors) = gather(&mut source, |_, errors| errors.len() == 2).await;
    assert_eq!(facts, []);
    assert!(errors[0].kind == ErrorKind::Auth && errors[0].says.contains(says), "{}", errors[0]);
}

#[tokio::test]
async fn rights_that_vanish_take_their_rows_with_them() {
    let fake = Fake::start(|call| match (call.path.as_str(), call.watches()) {
        ("/api/v1/namespaces/shop/pods", true) => refusal(403, "Forbidden", "no more"),
        ("/api/v1/namespaces/shop/pods", false) if call.nth > 0 => refusal(403, "Forbidden", "no more"),
        (_, true) => Answer::Open(vec![]),
        _ => list(&[pod("a", 1)], "10", None),
    })
    .await;
    let scope = Scope::Namespaces(["shop", "pay"].map(Name::from).to_vec());
    let mut source = watch(&fake.cluster("{}").await, scope);
    let (facts, errors) = gather(&mut source, |facts, _| words(facts).contains(&"-a".to_owned())).await;
    assert!(words(&facts).contains(&"synced".to_owned()));
    assert_eq!(errors, []);
}

#[tokio::test]
async fn a_list_that_hangs_and_a_server_that_is_not_there_are_told() {
    let fake = Fake::start(|_| Answer::Hang).await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (facts, errors) = gather(&mut source, |_, errors| !errors.is_empty()).await;
    assert_eq!((facts.len(), errors[0].kind), (0, ErrorKind::TimedOut));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    drop(listener);
    let cluster = open_at(&format!("http://{place}"), "{}", &Kubernetes::default(), Arc::default()).await.unwrap();
    let (facts, errors) = gather(&mut watch(&cluster, Scope::All), |_, errors| !errors.is_empty()).await;
    assert_eq!((facts.len(), errors[0].kind), (0, ErrorKind::Unreachable));
    assert_eq!(errors[0].says.as_str(), format!("Kubernetes 'eu' does not answer: connection refused ({place})."));
}

#[tokio::test]
async fn web_pages_throttling_and_failures_are_told_apart() {
    for (answer, kind, word) in [
        (Answer::Text(200, "<html>Sign in</html>"), ErrorKind::Unexpected, "not its API"),
        (Answer::Text(403, "<html>Blocked</html>"), ErrorKind::Auth, "a web page, not the API"),
        (refusal(429, "TooManyRequests", "later"), ErrorKind::Throttled, "slow down"),
        (refusal(500, "InternalError", "etcdserver: no leader"), ErrorKind::Unexpected, "no leader"),
        (refusal(401, "Unauthorized", "Unauthorized"), ErrorKind::Auth, "log in again"),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let fake = Fake::start(move |_| answer.lock().unwrap().take().unwrap_or(Answer::Text(500, "again"))).await;
        let scope = Scope::Namespaces(vec!["shop".into()]);
        let (_, errors) = gather(&mut watch(&fake.cluster("{}").await, scope), |_, errors| !errors.is_empty()).await;
        assert!(errors[0].kind == kind && errors[0].says.contains(word), "{kind:?} {word}: {}", errors[0]);
    }
}

#[tokio::test]
async fn a_silent_watch_is_reconnected_and_heartbeats_say_still_so() {
    let fake =
        Fake::start(|call| if call.watches() { Answer::Open(vec![]) } else { list(&[pod("a", 1)], "10", None) }).await;
    let cluster = fake.cluster("{}").await;
    let mut source = watch(&cluster, Scope::All).lasting(Duration::from_secs(1));
    gather(&mut source, |facts, _| words(facts).contains(&"synced".to_owned())).await;
    let watches = || fake.calls().iter().filter(|call| call.watches()).count();
    // poll it until it follows
    while watches() == 0 {
        let _ = tokio::time::timeout(Duration::from_millis(20), source.next()).await;
    }
    cluster.pulse().send_modify(|pulse| pulse.beats += 1);
    let (facts, errors) = (source.next().await, 0);
    assert_eq!((facts, errors), (Ok(vec![]), 0), "still so");
    assert_eq!(watches(), 1, "the same connection");
    cluster.pulse().send_modify(|pulse| pulse.misses += 1);
    while watches() == 1 {
        let _ = tokio::time::timeout(Duration::from_millis(20), source.next()).await;
    }
    assert_eq!(fake.calls().iter().filter(|call| !call.watches()).count(), 1, "from the last version, without a list");
}

#[tokio::test]
async fn a_watch_that_never_ends_is_ended_by_our_own_clock() {
    let fake = Fake::start(|call| match (call.watches(), call.nth) {
        // A server, or what stands before it, that forgot `timeoutSeconds`.
        (true, 0) => Answer::Open(vec![]),
        (true, _) => Answer::Open(vec![line("ADDED", &pod("late", 11))]),
        (false, _) => list(&[], "10", None),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All).lasting(Duration::from_secs(1));
    gather(&mut source, |facts, _| words(facts).iter().any(|word| word.contains("late"))).await;
}

#[tokio::test]
async fn a_watch_that_ends_at_once_is_not_asked_in_a_circle() {
    let fake = Fake::start(|call| if call.watches() { Answer::Pieces(vec![]) } else { list(&[], "10", None) }).await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (_, errors) = gather(&mut source, |_, errors| !errors.is_empty()).await;
    assert!(errors[0].says.contains("at once"), "{}", errors[0]);
}

/// `resourceVersion=0` would be dropped beside a limit, and an old list taken for a new one; `sendInitialEvents` is refused
/// for ever by a server that does not know it, and by some of its groups where the server does.
#[tokio::test]
async fn lists_are_consistent_pages_and_watches_ask_for_nothing_that_a_server_may_refuse() {
    let fake = Fake::start(|call| match (call.watches(), call.nth) {
        (false, 0) => list(&[pod("a", 1)], "10", Some("more")),
        (false, _) => list(&[pod("b", 2)], "10", None),
        (true, _) => Answer::Open(vec![line("ADDED", &pod("c", 11))]),
    })
    .await;
    let cluster = fake.cluster("{}").await;
    let mut watch = watch(&cluster, Scope::All);
    gather(&mut watch, |facts, _| put(facts, "c").is_some()).await;
    let calls = fake.calls();
    let (watches, lists): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.watches());
    assert_eq!((lists.len(), watches.len()), (2, 1));
    for call in lists {
        assert_eq!((call.parameter("limit").as_deref(), call.parameter("resourceVersion")), (Some("500"), None));
    }
    assert_eq!(watches[0].parameter("resourceVersion").as_deref(), Some("10"));
    for call in &calls {
        assert_eq!((call.parameter("sendInitialEvents"), call.parameter("resourceVersionMatch")), (None, None));
    }
}
