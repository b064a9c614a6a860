//! Pull requests: partial answers, pages, rights, searches.

use serde_json::{Value, json};

use super::{
    super::PullRequestsSource,
    client,
    fake::{Fake, Reply, Seen},
};
use crate::{
    model::code::{Need, PullRequest},
    source::{ErrorKind, Fact, Source, SourceError},
};

fn pull(repo: &str, number: u64, more: &Value) -> Value {
    let mut node = json!({"number": number, "id": format!("PR_{number}"), "title": format!("pull {number}"),
        "repository": {"nameWithOwner": repo, "squashMergeAllowed": true}, "author": {"login": "bob"},
        "updatedAt": "2026-11-21T03:00:00Z", "headRefOid": "77ac01", "mergeable": "MERGEABLE", "mergeStateStatus": "CLEAN"});
    json_patch::merge(&mut node, more);
    node
}

fn repository(name: &str, open: &[Value], merged: &[Value]) -> Value {
    json!({"nameWithOwner": name, "open": {"totalCount": open.len(), "pageInfo": {"hasNextPage": false}, "nodes": open},
        "merged": {"nodes": merged}})
}

fn answer(fields: &Value) -> Reply {
    let mut data = json!({"viewer": {"login": "ana"}, "review": {"nodes": []}, "mine": {"nodes": []}});
    json_patch::merge(&mut data, fields);
    Reply::json(&json!({ "data": data }))
}

async fn poll(fake: &Fake, repositories: &[&str]) -> Result<Vec<Fact>, SourceError> {
    let repositories: Vec<String> = repositories.iter().map(|name| (*name).to_owned()).collect();
    PullRequestsSource::new(client(fake).0, &repositories, None).next().await
}

fn list<'f>(facts: &'f [Fact], repo: Option<&str>) -> &'f [PullRequest] {
    facts
        .iter()
        .find_map(|fact| match fact {
            Fact::PullRequests { repo: of, list } if of.as_ref().map(|of| of.name.as_str()) == repo => Some(&list[..]),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no list of {repo:?} in {facts:?}"))
}

fn notes(facts: &[Fact]) -> String {
    facts
        .iter()
        .find_map(|fact| if let Fact::Info(info) = fact { Some(format!("{:?}", info.notes)) } else { None })
        .unwrap()
}

#[tokio::test]
async fn open_merged_asked_and_mine_come_in_one_request() {
    let fake = Fake::start(|_| {
        let merged = [
            pull("acme/api", 1487, &json!({"mergedAt": "2026-11-21T02:44:00Z", "state": "MERGED"})),
            pull("acme/api", 1400, &json!({"mergedAt": "2026-11-19T02:44:00Z", "state": "MERGED"})),
        ];
        answer(&json!({
            "r0": repository("acme/api", &[pull("acme/api", 1490, &json!({})), pull("acme/api", 3, &json!({"author": null}))], &merged),
            "r1": repository("acme/web", &[], &[]),
            "review": {"nodes": [pull("acme/api", 1490, &json!({})), pull("other/x", 5, &json!({})), {}]},
            "mine": {"nodes": [pull("acme/api", 1479, &json!({"viewerDidAuthor": true, "reviewDecision": "APPROVED"}))]},
        }))
    })
    .await;
    let facts = poll(&fake, &["acme/api", "Acme/Web", "acme/api"]).await.unwrap();
    let api = list(&facts, Some("acme/api"));
    assert_eq!(api.iter().map(|pull| pull.key.number).collect::<Vec<_>>(), [1490, 1487, 3], "old merges are left out");
    assert_eq!(api[0].need, Some(Need::Review));
    assert_eq!(api[2].author, "ghost");
    assert!(list(&facts, Some("Acme/Web")).is_empty());
    let found = list(&facts, None);
    let needs: Vec<_> = found.iter().map(|pull| (pull.key.number, pull.need)).collect();
    assert_eq!(needs, [(5, Some(Need::Review)), (1490, Some(Need::Review)), (1479, Some(Need::MineReady))]);
    assert_eq!(fake.paths(), ["POST /graphql"]);
    let sent = fake.seen()[0].json();
    assert_eq!(sent["variables"]["r1"], "Web");
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Info(info) if info.identity.as_deref() == Some("ana"))));
}

#[tokio::test]
async fn without_repositories_only_the_searches_are_made() {
    let fake = Fake::start(|_| answer(&json!({}))).await;
    let facts = poll(&fake, &[]).await.unwrap();
    assert!(list(&facts, None).is_empty());
    let document = fake.seen()[0].json()["query"].as_str().unwrap().to_owned();
    assert!(document.contains("review-requested:@me") && !document.contains("repository(owner"));
}

#[tokio::test]
async fn one_bad_repository_does_not_cost_the_others() {
    let fake = Fake::start(|_| {
        Reply::json(&json!({"data": {"viewer": {"login": "ana"}, "r0": null, "r1": repository("acme/web", &[pull("acme/web", 1, &json!({}))], &[])},
            "errors": [{"type": "NOT_FOUND", "path": ["r0"], "message": "Could not resolve to a Repository with the name 'acme/gone'."}]}))
    })
    .await;
    let facts = poll(&fake, &["acme/gone", "acme/web"]).await.unwrap();
    assert_eq!(list(&facts, Some("acme/web")).len(), 1);
    assert!(notes(&facts).contains("'acme/gone'") && notes(&facts).contains("may not see it"), "{}", notes(&facts));
    let error = poll(&fake, &["acme/gone"]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    assert!(error.says.contains("acme/gone"), "{}", error.says);
}

#[tokio::test]
async fn unreadable_checks_are_asked_for_once_and_never_called_none() {
    let fake = Fake::start(|seen: &Seen| {
        if seen.body.contains("statusCheckRollup") {
            let error = json!({"type": "FORBIDDEN", "path": ["r0", "open", "nodes", 0, "statusCheckRollup", "contexts"],
                "message": "Resource not accessible by personal access token"});
            return Reply::json(&json!({"data": {"viewer": {"login": "ana"}, "r0": repository("acme/api", &[Value::Null], &[])}, "errors": [error]}));
        }
        answer(&json!({"r0": repository("acme/api", &[pull("acme/api", 1, &json!({}))], &[])}))
    })
    .await;
    let (client, _) = client(&fake);
    let mut source = PullRequestsSource::new(client, &["acme/api".to_owned()], None);
    let facts = source.next().await.unwrap();
    let checks = list(&facts, Some("acme/api"))[0].checks;
    assert!(!checks.is_readable && !checks.exist);
    assert!(notes(&facts).contains("checks unreadable with this token"));
    source.next().await.unwrap();
    assert_eq!(fake.seen().len(), 3, "the second poll does not try again");
}

#[tokio::test]
async fn later_pages_are_read() {
    let fake = Fake::start(|seen: &Seen| {
        let first = seen.json()["variables"]["c0"].is_null();
        let mut page = repository("acme/api", &[pull("acme/api", if first { 1 } else { 2 }, &json!({}))], &[]);
        if first {
            page["open"]["pageInfo"] = json!({"hasNextPage": true, "endCursor": "abc"});
        }
        answer(&json!({ "r0": page }))
    })
    .await;
    let facts = poll(&fake, &["acme/api"]).await.unwrap();
    assert_eq!(list(&facts, Some("acme/api")).len(), 2);
    let second = fake.seen()[1].json();
    assert_eq!(second["variables"]["c0"], "abc");
    assert!(!second["query"].as_str().unwrap().contains("search("));
}

#[tokio::test]
async fn limits_and_errors_that_come_as_200_are_failures() {
    for (error, kind) in [
        (json!({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}), ErrorKind::Throttled),
        (json!({"message": "You have exceeded a secondary rate limit"}), ErrorKind::Throttled),
        (json!({"message": "Something went wrong"}), ErrorKind::Unexpected),
    ] {
        let fake = Fake::start(move |_| Reply::json(&json!({"data": null, "errors": [error]}))).await;
        assert_eq!(poll(&fake, &["acme/api"]).await.unwrap_err().kind, kind);
    }
    let fake = Fake::start(|_| Reply::json(&json!([1, 2]))).await;
    assert_eq!(poll(&fake, &["acme/api"]).await.unwrap_err().kind, ErrorKind::Unexpected);
}

#[tokio::test]
async fn wrong_types_cost_one_pull_request() {
    let fake = Fake::start(|_| {
        let open = [pull("acme/api", 1, &json!({})), pull("acme/api", 2, &json!({"title": {"no": "text"}}))];
        answer(&json!({"r0": repository("acme/api", &open, &[])}))
    })
    .await;
    let facts = poll(&fake, &["acme/api"]).await.unwrap();
    assert_eq!(list(&facts, Some("acme/api")).len(), 1);
    assert!(notes(&facts).contains("1 pull requests cannot be read"));
}
