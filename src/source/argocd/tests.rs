//! Whose application it is, who may change it, and what stands above it, by a small Argo CD that answers as told.

use serde_json::json;

use super::*;
use crate::{
    action::{
        Applications as _,
        testing::{self, inspection},
    },
    model::gitops::Git,
    source::http::fake::{Asked, Fake, answer, json as good},
    time::SystemClock,
};

fn server(url: &str, cluster: Option<&str>) -> ArgoCd {
    let timeouts = Timeouts { connect: 1, idle: 1, answer: 1, ..Default::default() };
    let config = file::ArgoCd {
        name: "main".to_owned(),
        url: url.to_owned(),
        cluster: cluster.map(str::to_owned),
        ..Default::default()
    };
    ArgoCd::new(config, timeouts, Arc::new(SystemClock))
}

fn application(server: &str) -> Value {
    json!({"metadata": {"name": "myapp", "namespace": "argocd", "uid": "a-1"},
        "spec": {"project": "shop", "destination": {"server": server}, "syncPolicy": {"automated": {"selfHeal": true}}},
        "status": {"sync": {"status": "Synced", "revision": "abc"}, "health": {"status": "Healthy"},
            "resources": [{"kind": "Deployment", "namespace": "production", "name": "myapp"}]}})
}

/// A workload that application `myapp` tracks; its cluster says this of the application.
fn found(owners: Result<Vec<Owner>, Clean>) -> WorkloadInspection {
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::ArgoCd { application: "myapp".into() }];
    found.server = "https://10.0.0.1:6443 v1.35".into();
    found.owners = owners;
    found
}

fn not_here() -> Result<Vec<Owner>, Clean> {
    Err("application 'myapp' is not in this cluster".into())
}

async fn argo(object: Value, sync: &'static str) -> Fake {
    Fake::start(move |asked: &Asked| match asked.path.as_str() {
        "/api/v1/applications/myapp" => good(&object),
        "/api/v1/account/can-i/applications/update/shop/myapp" => good(&json!({"value": "yes"})),
        "/api/v1/account/can-i/applications/sync/shop/myapp" => good(&json!({"value": sync})),
        _ => answer(403, "application/json", r#"{"error":"permission denied","code":7,"message":"permission denied"}"#),
    })
    .await
}

#[tokio::test]
async fn an_application_of_another_cluster_is_known_by_where_it_deploys() {
    let fake = argo(application("https://10.0.0.1:6443"), "yes").await;
    let chain = server(&fake.url, None).owners(&found(not_here())).await.unwrap().expect("it is its own");
    let [owner] = &chain[..] else { panic!("{chain:?}") };
    assert!(owner.is_active && owner.may_patch == Ok(true), "{owner:?}");
    assert_eq!((&**owner.key.backend(), &*owner.key.name), ("main", "myapp"));
    assert!(owner.says.contains("auto-sync with self-heal, through Argo CD 'main'"), "{}", owner.says);
    assert!(matches!(owner.git, Git::Equal(_)));
}

#[tokio::test]
async fn what_deploys_elsewhere_is_not_this_workloads() {
    let fake = argo(application("https://10.0.0.2:6443"), "yes").await;
    assert_eq!(server(&fake.url, None).owners(&found(not_here())).await, Ok(None));
    // Its own cluster is known by configuration only.
    let fake = argo(application(IN_CLUSTER), "yes").await;
    assert_eq!(server(&fake.url, None).owners(&found(not_here())).await, Ok(None));
    let cluster = found(not_here()).workload.key.cluster;
    assert!(server(&fake.url, Some(&cluster)).owners(&found(not_here())).await.unwrap().is_some());
    // One that deploys something else there.
    let mut other = application("https://10.0.0.1:6443");
    other["status"]["resources"][0]["name"] = json!("web");
    let fake = argo(other, "yes").await;
    assert_eq!(server(&fake.url, None).owners(&found(not_here())).await, Ok(None));
}

#[tokio::test]
async fn the_clusters_own_application_is_told_by_its_uid() {
    let fake = argo(application("https://elsewhere"), "no").await;
    let object = application("https://elsewhere");
    let key = |server: &ArgoCd| OwnerKey { via: None, ..server.key(&found(not_here()), &object) };
    let server = server(&fake.url, None);
    let of_cluster = |uid: &str| {
        let mut object = application("https://elsewhere");
        object["metadata"]["uid"] = json!(uid);
        application::owner(key(&server), &object, Ok(true))
    };
    let chain = server.owners(&found(Ok(vec![of_cluster("a-1")]))).await.unwrap().expect("the same object");
    assert_eq!(chain[0].may_patch, Ok(false), "a `no` to sync is a no");
    assert_eq!(server.owners(&found(Ok(vec![of_cluster("another")]))).await, Ok(None));
}

/// Argo CD need not be in `argocd`: a mark without a namespace is of wherever it is.
#[tokio::test]
async fn an_application_is_where_its_mark_says() {
    for (mark, namespace, path, right) in [
        ("myapp", "gitops", "/api/v1/applications/myapp", "shop/myapp"),
        ("team_myapp", "team", "/api/v1/applications/myapp?appNamespace=team", "shop/team/myapp"),
    ] {
        let mut object = application("https://10.0.0.1:6443");
        object["metadata"]["namespace"] = json!(namespace);
        let fake = Fake::start(move |asked: &Asked| match asked.path.as_str() {
            asked if asked == path => good(&object),
            asked if asked.ends_with(right) => good(&json!({"value": "yes"})),
            _ => answer(403, "application/json", r#"{"error":"permission denied","code":7}"#),
        })
        .await;
        let mut found = found(not_here());
        found.workload.managed_by = vec![Manager::ArgoCd { application: mark.into() }];
        let chain = server(&fake.url, None).owners(&found).await.unwrap().expect("it is its own");
        assert_eq!((&*chain[0].key.namespace, &chain[0].may_patch), (namespace, &Ok(true)), "{mark}");
    }
}

#[tokio::test]
async fn what_switches_it_on_again_is_a_barrier() {
    let mut object = application("https://10.0.0.1:6443");
    object["metadata"]["ownerReferences"] = json!([{"kind": "ApplicationSet", "name": "all"}]);
    let fake = argo(object, "yes").await;
    let chain = server(&fake.url, None).owners(&found(not_here())).await.unwrap().expect("it is its own");
    let barrier = chain[0].barrier.as_ref().expect("the set may not be read");
    assert!(barrier.contains("ApplicationSet 'all' writes it, and could not be read"), "{barrier}");
}

#[test]
fn git_is_at_a_revision_of_each_source() {
    let at = |sync: Value| {
        let mut object = application("https://10.0.0.1:6443");
        object["status"]["sync"] = sync;
        application::owner(testing::application().key, &object, Ok(true)).revisions
    };
    assert_eq!(at(json!({"revision": "abc"})), ["abc"]);
    assert_eq!(at(json!({"revision": "", "revisions": ["abc", "1.2.0"]})), ["abc", "1.2.0"]);
    assert!(at(json!({"status": "Unknown"})).is_empty());
}

#[tokio::test]
async fn doctors_question_names_what_is_missing() {
    let fake = Fake::start(|asked: &Asked| match asked.path.as_str() {
        "/api/version" => good(&json!({"Version": "v3.2.1"})),
        _ => good(&json!({})),
    })
    .await;
    let error = server(&fake.url, None).check().await.expect_err("nobody");
    assert!(error.says.contains("does not know who we are: give its [[argocd]] a `token`"), "{}", error.says);
}
