//! Who would switch an owner on again, of a cluster's answers.

use serde_json::json;

use super::*;
use crate::{
    model::{BackendId, Name, gitops::Git},
    source::kubernetes::{
        rows::Rows,
        scripted::{self, Asked},
    },
};

const FLUX: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces";
const ARGO: &str = "/apis/argoproj.io/v1alpha1/namespaces";

/// A cluster that has these objects, by path, and whose groups prefer `v1`.
async fn cluster(objects: Vec<(String, Value)>) -> Cluster {
    let fake = scripted::serve(move |asked: &Asked| {
        if asked.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" {
            return scripted::json_answer(201, &json!({"status": {"allowed": true}}));
        }
        if let Some(group) = asked.path.strip_prefix("/apis/").filter(|rest| !rest.contains('/')) {
            return scripted::json_answer(200, &json!({"name": group, "preferredVersion": {"version": "v1"}}));
        }
        match objects.iter().find(|(path, _)| *path == asked.path) {
            Some((_, object)) => scripted::json_answer(200, object),
            None => scripted::status(404, "NotFound", "not found"),
        }
    })
    .await;
    fake.cluster.clone()
}

fn workload(labels: Value, annotations: Value) -> Workload {
    let object = json!({"metadata": {"name": "web", "namespace": "shop", "labels": labels, "annotations": annotations},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {}}, "status": {}});
    let id = BackendId::new("c");
    Rows::new(&id).workload(crate::model::kubernetes::WorkloadKind::Deployment, &object).unwrap()
}

fn of_flux() -> Workload {
    workload(
        json!({"kustomize.toolkit.fluxcd.io/name": "web", "kustomize.toolkit.fluxcd.io/namespace": "flux"}),
        json!({}),
    )
}

fn of_argo() -> Workload {
    workload(json!({}), json!({"argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/web"}))
}

/// A Kustomization, applied by another; `sets`: that one also sets `suspend`.
fn kustomization(name: &str, parent: Option<&str>, sets: bool) -> (String, Value) {
    let labels = parent.map(
        |parent| json!({"kustomize.toolkit.fluxcd.io/name": parent, "kustomize.toolkit.fluxcd.io/namespace": "flux"}),
    );
    let field = if sets { "f:suspend" } else { "f:interval" };
    let object = json!({
        "metadata": {"name": name, "namespace": "flux", "uid": name, "labels": labels,
            "managedFields": [{"manager": "kustomize-controller", "fieldsV1": {"f:spec": {field: {}}}}]},
        "spec": {"interval": "10m", "sourceRef": {"kind": "GitRepository", "name": "deploy"}},
        "status": {"lastAppliedRevision": "main@sha1:aaaaaaaaaaaa"},
    });
    (format!("{FLUX}/flux/kustomizations/{name}"), object)
}

fn application(name: &str, sets: Value) -> (String, Value) {
    let mut object = json!({
        "metadata": {"name": name, "namespace": "argocd", "uid": name},
        "spec": {"syncPolicy": {"automated": {}}},
        "status": {"sync": {"status": "Synced", "revision": "a"}, "health": {"status": "Healthy"}},
    });
    for (path, value) in sets.as_object().into_iter().flatten() {
        object["metadata"][path] = value.clone();
    }
    (format!("{ARGO}/argocd/applications/{name}"), object)
}

fn names(owners: &[Owner]) -> Vec<Name> {
    owners.iter().map(|owner| owner.key.name.clone()).collect()
}

#[tokio::test]
async fn the_chain_of_flux_goes_on_only_where_the_parent_sets_the_switch() {
    for (sets, expected) in [(false, &["web"][..]), (true, &["web", "apps"])] {
        let cluster = cluster(vec![kustomization("web", Some("apps"), sets), kustomization("apps", None, false)]).await;
        let owners = read(&cluster, &of_flux()).await.unwrap();
        assert_eq!(names(&owners), expected);
        assert!(owners.iter().all(|owner| owner.is_active && owner.barrier.is_none() && owner.may_patch == Ok(true)));
    }
    let cluster = cluster(vec![kustomization("web", Some("web"), true)]).await;
    let owners = read(&cluster, &of_flux()).await.unwrap();
    assert!(owners[0].barrier.as_ref().is_some_and(|why| why.contains("resumes itself")), "{owners:?}");
}

#[tokio::test]
async fn what_argo_cd_would_switch_on_again_is_found() {
    // App of apps: the parent's own switch too.
    let tracked = json!({"annotations":
        {"argocd.argoproj.io/tracking-id": "root:argoproj.io/Application:argocd/web"}});
    let all = vec![application("web", tracked), application("root", json!({}))];
    let owners = read(&cluster(all).await, &of_argo()).await.unwrap();
    assert_eq!(names(&owners), ["web", "root"]);
    // An ApplicationSet writes it again, unless it is told not to.
    let owned = json!({"ownerReferences": [{"kind": "ApplicationSet", "name": "shops"}]});
    let set = |spec: Value| (format!("{ARGO}/argocd/applicationsets/shops"), json!({"spec": spec}));
    let automated = json!({"spec": {"syncPolicy": {"automated": {"prune": true}}}});
    let with = |field: &str, value: Value| json!({"template": automated, field: value});
    let ignoring = |entry: Value| with("ignoreApplicationDifferences", json!([entry]));
    for (spec, is_barred) in [
        (with("syncPolicy", json!({})), true),
        (with("syncPolicy", json!({"applicationsSync": "create-only"})), false),
        (ignoring(json!({"jsonPointers": ["/spec/syncPolicy"]})), false),
        (ignoring(json!({"jsonPointers": ["/spec/syncPolicy/automated"]})), false),
        (ignoring(json!({"jqPathExpressions": [".spec.syncPolicy"]})), false),
        (ignoring(json!({"name": "web", "jsonPointers": ["/spec"]})), false),
        // Of another application, and of another field.
        (ignoring(json!({"name": "other", "jsonPointers": ["/spec/syncPolicy"]})), true),
        (ignoring(json!({"jsonPointers": ["/spec/sync", "/spec/syncPolicy/retry"]})), true),
        (ignoring(json!({"jqPathExpressions": [".spec.sources"]})), true),
        // What never switches it on.
        (json!({"template": {"spec": {"syncPolicy": {"automated": {"enabled": false}}}}}), false),
        (json!({"template": {"spec": {}}}), false),
        (json!({"template": {"spec": {}}, "templatePatch": "{{ toYaml .policy }}"}), true),
        (json!({"template": {"spec": {}}, "generators": [{"list": {"template": automated}}]}), true),
    ] {
        let all = vec![application("web", owned.clone()), set(spec.clone())];
        let owners = read(&cluster(all).await, &of_argo()).await.unwrap();
        assert_eq!(owners[0].barrier.is_some(), is_barred, "{spec}");
    }
    // One that cannot be read is no reason to believe that it leaves the switch alone.
    let owners = read(&cluster(vec![application("web", owned)]).await, &of_argo()).await.unwrap();
    assert!(owners[0].barrier.as_ref().is_some_and(|why| why.contains("could not be read")));
    // Argo CD that runs elsewhere.
    let why = read(&cluster(Vec::new()).await, &of_argo()).await.unwrap_err();
    assert!(!why.is_empty());
}

#[test]
fn a_switch_is_on_or_off() {
    for (kind, spec, is_on) in [
        (OwnerKind::Application, json!({}), false),
        (OwnerKind::Application, json!({"syncPolicy": {"automated": {}}}), true),
        (OwnerKind::Application, json!({"syncPolicy": {"automated": {"enabled": false}}}), false),
        (OwnerKind::Application, json!({"syncPolicy": {"automated": null}}), false),
        (OwnerKind::Kustomization, json!({}), true),
        (OwnerKind::Kustomization, json!({"suspend": false}), true),
        (OwnerKind::HelmRelease, json!({"suspend": true}), false),
    ] {
        assert_eq!(is_active(kind, &json!({"spec": spec})), is_on, "{kind:?} {spec}");
    }
}

#[tokio::test]
async fn whether_git_moved_is_told_by_what_its_source_has_fetched() {
    let source = |revision: &str| {
        let path = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux/gitrepositories/deploy".to_owned();
        (path, json!({"status": {"artifact": {"revision": revision}}}))
    };
    let standing = async |revision: &str| {
        let cluster = cluster(vec![kustomization("web", None, false), source(revision)]).await;
        let owners = read(&cluster, &of_flux()).await.unwrap();
        standing(&cluster, &owners[0].key).await.unwrap().git
    };
    assert!(matches!(standing("main@sha1:aaaaaaaaaaaa").await, Git::Differs(_)));
    let Git::Unknown(words) = standing("main@sha1:bbbbbbbbbbbb").await else { panic!("git moved") };
    assert!(words.contains("git moved from main@sha1:aaaaaaa to main@sha1:bbbbbbb"), "{words}");
}

#[tokio::test]
async fn an_image_automation_is_looked_for_beside_the_source_and_beside_what_applies_it() {
    for beside in ["flux-system", "flux"] {
        let mut own = kustomization("web", None, false);
        own.1["spec"]["sourceRef"]["namespace"] = json!("flux-system");
        let reference = json!({"kind": "GitRepository", "name": "deploy", "namespace": "flux-system"});
        let item = json!({"metadata": {"name": "bump", "namespace": beside}, "spec": {"sourceRef": reference}});
        let path = format!("/apis/image.toolkit.fluxcd.io/v1/namespaces/{beside}/imageupdateautomations");
        let cluster = cluster(vec![own, (path, json!({"metadata": {}, "items": [item]}))]).await;
        let owners = read(&cluster, &of_flux()).await.unwrap();
        let says = format!("ImageUpdateAutomation '{beside}/bump' (Flux)");
        assert_eq!(owners[0].updater, Ok(Some(says.into())));
    }
}

#[tokio::test]
async fn what_writes_new_images_into_git_or_the_application_is_found() {
    const IMAGES: &str = "/apis/image.toolkit.fluxcd.io/v1/namespaces/flux/imageupdateautomations";
    let automation = |source: &str, suspend: bool| {
        let spec = json!({"suspend": suspend, "sourceRef": {"kind": "GitRepository", "name": source}});
        let item = json!({"metadata": {"name": "bump", "namespace": "flux"}, "spec": spec});
        (IMAGES.to_owned(), json!({"metadata": {}, "items": [item]}))
    };
    let updater = async |automation: Option<(String, Value)>| {
        let mut own = kustomization("web", None, false);
        own.1["spec"]["sourceRef"] = json!({"kind": "GitRepository", "name": "deploy"});
        let cluster = cluster([own].into_iter().chain(automation).collect()).await;
        read(&cluster, &of_flux()).await.unwrap()[0].updater.clone().unwrap()
    };
    assert_eq!(updater(None).await, None, "its controller is not there");
    let writes = updater(Some(automation("deploy", false))).await;
    assert_eq!(writes.as_deref(), Some("ImageUpdateAutomation 'flux/bump' (Flux)"));
    assert_eq!(updater(Some(automation("deploy", true))).await, None, "it is suspended");
    assert_eq!(updater(Some(automation("another", false))).await, None, "it writes to other sources");

    // A HelmRelease is applied by a Kustomization, which applies what the automation writes.
    let mut release = kustomization("web", Some("apps"), false);
    release.0 = "/apis/helm.toolkit.fluxcd.io/v1/namespaces/flux/helmreleases/web".to_owned();
    let of_helm =
        workload(json!({"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "flux"}), json!({}));
    let all = vec![release.clone(), kustomization("apps", None, false), automation("deploy", false)];
    let owners = read(&cluster(all).await, &of_helm).await.unwrap();
    assert_eq!(names(&owners), ["web"]);
    assert_eq!(owners[0].updater, Ok(writes));
    release.1["metadata"]["labels"] = Value::Null;
    let owners = read(&cluster(vec![release, automation("deploy", false)]).await, &of_helm).await.unwrap();
    assert_eq!(owners[0].updater, Ok(None), "nothing applies it from git");

    let mut marked = application("web", json!({}));
    marked.1["metadata"]["annotations"] = json!({"argocd-image-updater.argoproj.io/image-list": "web=reg/web:~1"});
    let owners = read(&cluster(vec![marked]).await, &of_argo()).await.unwrap();
    assert_eq!(owners[0].updater, Ok(Some("Argo CD Image Updater (web=reg/web:~1)".into())));
}
