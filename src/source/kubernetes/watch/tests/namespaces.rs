//! Which namespaces are watched, and that nobody is left to think that they were all.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::*;
use crate::{
    source::kubernetes::{
        self,
        scripted::{self, Asked},
    },
    time::TestClock,
};

fn names(prefix: &str, count: usize) -> Vec<Name> {
    (0..count).map(|nth| Name::from(format!("{prefix}-{nth:02}").as_str())).collect()
}

fn pod_in(namespace: &str, name: &str) -> Value {
    let mut pod = pod(name, 1);
    pod["metadata"]["namespace"] = json!(namespace);
    pod
}

fn is_synced(facts: &[Fact]) -> bool {
    words(facts).contains(&"synced".to_owned())
}

#[tokio::test]
async fn more_namespaces_than_can_be_watched_are_one_watch_of_all() {
    let fake = Fake::start(|call| match (call.path.as_str(), call.watches()) {
        ("/api/v1/pods", false) => list(&[pod_in("shop-24", "a"), pod_in("other", "b")], "10", None),
        ("/api/v1/pods", true) => {
            let lines = [line("ADDED", &pod_in("other", "c")), line("ADDED", &pod_in("shop-00", "d"))];
            Answer::Open(lines.to_vec())
        }
        other => panic!("{other:?}"),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::Namespaces(names("shop", 25)));
    let (facts, errors) = gather(&mut source, |facts, _| put(facts, "d").is_some()).await;
    assert_eq!(words(&facts), ["reset", "+a", "synced", "+d"], "all of what was asked for, and nothing else");
    assert_eq!(errors, []);
}

#[tokio::test]
async fn where_the_whole_cluster_is_refused_so_many_are_watched_and_the_rest_is_named() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/pods" => refusal(403, "Forbidden", "no"),
        _ if call.watches() => Answer::Open(vec![]),
        _ => list(&[], "10", None),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::Namespaces(names("shop", 22)));
    let (facts, _) = gather(&mut source, |facts, _| is_synced(facts)).await;
    let says = "20 of 22 namespaces, not 'shop-20', 'shop-21': the whole cluster may not be read, and one by one at most \
                20 namespaces are";
    assert_eq!(words(&facts), ["reset", says, "synced"], "said before the list counts as complete");
    let Some(Fact::Coverage(Some(coverage))) = facts.get(1) else { panic!("{facts:?}") };
    assert!(coverage.is_failure && coverage.read.len() == MAX_NAMESPACES);
}

#[tokio::test]
async fn those_that_are_cut_are_not_said_to_be_forbidden() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/pods" | "/api/v1/namespaces/shop-05/pods" => refusal(403, "Forbidden", "no"),
        _ if call.watches() => Answer::Open(vec![]),
        _ => list(&[], "10", None),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::Namespaces(names("shop", 22)));
    let (facts, _) = gather(&mut source, |facts, _| is_synced(facts)).await;
    let says = "19 of 22 namespaces, not 'shop-05', 'shop-20', 'shop-21': 1 forbidden (403); the whole cluster may not be \
                read, and one by one at most 20 namespaces are";
    assert!(words(&facts).contains(&says.to_owned()), "{:?}", words(&facts));
}

#[tokio::test]
async fn a_namespace_that_was_asked_for_and_is_refused_is_named() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/namespaces/vault/pods" => refusal(403, "Forbidden", "no"),
        _ if call.watches() => Answer::Open(vec![]),
        _ => list(&[pod("a", 1)], "10", None),
    })
    .await;
    let scope = Scope::Namespaces(["shop", "vault"].map(Name::from).to_vec());
    let mut source = watch(&fake.cluster("{}").await, scope);
    let (facts, errors) = gather(&mut source, |facts, _| is_synced(facts)).await;
    assert_eq!(words(&facts), ["reset", "+a", "1 of 2 namespaces, not 'vault': forbidden (403)", "synced"]);
    assert_eq!(errors, []);
}

/// Who may list the namespaces of a large cluster, and the pods of two of them.
fn of_many(count: usize) -> impl Fn(&kubernetes::fake::Call) -> Answer {
    move |call| match call.path.as_str() {
        "/api/v1/pods" => refusal(403, "Forbidden", "no"),
        "/api/v1/namespaces" => {
            let all: Vec<Value> =
                names("team", count).iter().map(|name| json!({"metadata": {"name": name.as_str()}})).collect();
            Answer::Json(200, json!({ "items": all }))
        }
        path if path.ends_with("/selfsubjectrulesreviews") => {
            let verbs = if may_read(&call.body) { json!(["get", "list", "watch"]) } else { json!(["get"]) };
            let rule = json!({"verbs": verbs, "apiGroups": [""], "resources": ["pods"]});
            Answer::Json(201, json!({"status": {"resourceRules": [rule], "incomplete": false}}))
        }
        path if !may_read(path) => refusal(403, "Forbidden", "no"),
        _ if call.watches() => Answer::Open(vec![]),
        _ => list(&[pod("a", 1)], "10", None),
    }
}

fn may_read(text: &str) -> bool {
    text.contains("team-31") || text.contains("team-38")
}

#[tokio::test]
async fn of_many_namespaces_those_that_may_be_read_are_found() {
    let fake = Fake::start(of_many(40)).await;
    let cluster = fake.cluster("{}").await;
    let mut source = watch(&cluster, Scope::All);
    let (facts, errors) = gather(&mut source, |facts, _| is_synced(facts)).await;
    let said = words(&facts);
    assert!(said.contains(&"narrow rights: only of 'team-31', 'team-38'".to_owned()), "{said:?}");
    assert_eq!(errors, []);
    let reviews = || fake.calls().iter().filter(|call| call.path.ends_with("/selfsubjectrulesreviews")).count();
    assert_eq!(reviews(), 41, "each once, the context's own too");
    let mut another = watch(&cluster, Scope::All);
    gather(&mut another, |facts, _| is_synced(facts)).await;
    assert_eq!(reviews(), 41, "the next watch knows them");
}

#[tokio::test]
async fn of_very_many_namespaces_only_so_many_are_asked_about() {
    let fake = Fake::start(of_many(130)).await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (facts, _) = gather(&mut source, |facts, _| is_synced(facts)).await;
    let (said, reviews) =
        (words(&facts), fake.calls().into_iter().filter(|call| call.path.ends_with("reviews")).count());
    let says = "narrow rights: only of 'team-31', 'team-38'; 31 more may be read, one at a time with :ns NAME";
    assert!(said.contains(&says.to_owned()), "{said:?}");
    assert_eq!(reviews, 100);
}

#[tokio::test]
async fn answers_that_took_long_are_known_to_the_watches_that_waited() {
    let clock = Arc::new(TestClock::at("2026-01-02T03:04:05Z".parse().unwrap()));
    let (slow, is_first) = (clock.clone(), AtomicBool::new(true));
    let answer = move |asked: &Asked| {
        if !asked.path.ends_with("/selfsubjectrulesreviews") {
            let all: Vec<Value> =
                names("team", 30).iter().map(|name| json!({"metadata": {"name": name.as_str()}})).collect();
            return scripted::json_answer(200, &json!({ "items": all }));
        }
        if is_first.swap(false, Ordering::SeqCst) {
            slow.advance(Duration::from_secs(90));
        }
        scripted::json_answer(201, &json!({"status": {"resourceRules": [], "incomplete": false}}))
    };
    let fake = scripted::serve_at(answer, clock).await;
    for _ in 0..2 {
        assert_eq!(choose(&fake.cluster, "", "pods").await, Chosen::default());
    }
    let reviews = fake.asked_with("POST", "/selfsubjectrulesreviews").len();
    assert!((30..=31).contains(&reviews), "{reviews}: each once, the context's own too");
}

#[tokio::test]
async fn what_was_chosen_by_hand_is_tried_first_also_in_the_next_run() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/namespaces/till/pods" | "/api/v1/namespaces/counter/pods" if call.watches() => Answer::Open(vec![]),
        "/api/v1/namespaces/till/pods" | "/api/v1/namespaces/counter/pods" => list(&[pod("a", 1)], "10", None),
        _ => refusal(403, "Forbidden", "no"),
    })
    .await;
    let cluster = fake.cluster("{}").await;
    cluster.recall(&["counter".to_owned()]);
    // `:ns till`, then `:ns all`.
    cluster.chose(&["till".into()]);
    // What is configured is nobody's choice.
    drop(kubernetes::sources(&cluster, &Scope::Namespaces(vec!["vault".into()])));
    assert_eq!(cluster.chosen(), ["till", "counter"]);
    let mut source = watch(&cluster, Scope::All);
    let (facts, errors) = gather(&mut source, |facts, _| is_synced(facts)).await;
    let said = words(&facts);
    assert!(said.contains(&"narrow rights: only of 'till', 'counter'".to_owned()), "{said:?}");
    assert_eq!(errors, []);
}

#[tokio::test]
async fn where_no_namespace_is_known_that_may_be_read_it_says_how_to_name_one() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/namespaces" => {
            let all: Vec<Value> =
                names("team", 40).iter().map(|name| json!({"metadata": {"name": name.as_str()}})).collect();
            Answer::Json(200, json!({ "items": all }))
        }
        path if path.ends_with("/selfsubjectrulesreviews") => {
            Answer::Json(201, json!({"status": {"resourceRules": [], "incomplete": false}}))
        }
        _ => refusal(403, "Forbidden", "pods is forbidden"),
    })
    .await;
    let mut source = watch(&fake.cluster("{}").await, Scope::All);
    let (facts, errors) = gather(&mut source, |_, errors| !errors.is_empty()).await;
    assert_eq!(facts, []);
    let says = errors[0].says.as_str();
    assert!(says.contains("pods is forbidden") && says.contains(NAME_ONE), "{says}");
}
