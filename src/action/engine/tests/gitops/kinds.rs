//! Owners and executors that the default story has none of: a HelmRelease, an ApplicationSet, an ImageUpdateAutomation.

use serde_json::json;

use super::{super::responder::in_production, *};

/// A service that Flux installs by its chart.
const CHART: &str = r#"
name = "chart"
viewer = "ana"
history = "1m"

[[cluster]]
name = "prod-eu1"
production = true
nodes = 3
namespaces = ["production"]

[[service]]
name = "shop"
cluster = "prod-eu1"
namespace = "production"
replicas = 2
image = "registry.acme.example/shop"
manager = "helm-controller"
labels = { "helm.toolkit.fluxcd.io/name" = "shop", "helm.toolkit.fluxcd.io/namespace" = "flux-system" }
revision = 2
deployed = [{ version = "1", age = "9d" }, { version = "2", age = "2d" }]
version = [{ tag = "1", ready_after = "2s" }, { tag = "2", ready_after = "2s" }]

[[object]]
cluster = "prod-eu1"
age = "90d"
manifest = '''
{
  "apiVersion": "helm.toolkit.fluxcd.io/v2",
  "kind": "HelmRelease",
  "metadata": {"name": "shop", "namespace": "flux-system", "generation": 4},
  "spec": {"interval": "10m0s", "suspend": false, "targetNamespace": "production", "chart": {"spec": {"chart": "shop", "version": "1.2.3", "sourceRef": {"kind": "HelmRepository", "name": "acme"}}}},
  "status": {"observedGeneration": 4, "lastAttemptedRevision": "1.2.3", "conditions": [{"type": "Ready", "status": "True", "reason": "UpgradeSucceeded", "message": "Helm upgrade succeeded for release production/shop.v2 with chart shop@1.2.3", "lastTransitionTime": "{2d}"}]}
}
'''
"#;
const HELM_RELEASE: &str = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases/shop";
const SETS: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applicationsets";
const AUTOMATIONS: &str = "/apis/image.toolkit.fluxcd.io/v1/namespaces/flux-system/imageupdateautomations";
const MERGE: &str = "application/merge-patch+json";

impl Scene {
    async fn send(&self, method: http::Method, path: &str, media: &'static str, body: Value) {
        let writer = self.cluster.writer().expect("not read-only");
        let _: Value = writer.send(method, path, media, &body).await.expect("it is taken");
    }

    async fn create(&self, path: &str, body: Value) {
        self.send(http::Method::POST, path, "application/json", body).await;
    }

    async fn merge(&self, path: &str, body: Value) {
        self.send(http::Method::PATCH, path, MERGE, body).await;
    }

    async fn rollback_of(&self, to: i64) -> Plan {
        self.plan(Request::RollBack { workload: self.key.clone(), to: Some(to), alert: None }).await
    }
}

#[tokio::test]
async fn what_a_helm_release_installs_is_suspended_patched_and_stays_until_resumed() {
    let demo = on_demo::told(CHART, 30.0).await;
    let cluster = on_demo::cluster(&demo).await;
    let key = in_production(WorkloadKind::Deployment, "shop");
    let ana = Responder::new("ana", &cluster);
    let scene = Scene { demo, cluster, key, ana };
    let plan = scene.rollback_of(1).await;
    let owner = words(check(&plan, "B4"));
    assert!(owner.contains("'flux-system/shop'") && owner.contains("Helm's history knows nothing"), "{owner}");

    let ran = scene.roll_back(1).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    assert!(scene.image().await.ends_with(":1"));
    assert_eq!(scene.read(HELM_RELEASE).await["spec"]["suspend"], true);
    let standing = owners::standing(&scene.cluster, &owner_of(&ran)).await.expect("it is read");
    assert!(!standing.is_active);
    assert!(format!("{:?}", standing.git).contains("chart 1.2.3 is what was installed last"), "{standing:?}");

    let ran = scene.ana.ask(Request::ResumeSync { workload: scene.key.clone() }, scene.given("shop")).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    assert_eq!(scene.read(HELM_RELEASE).await["spec"]["suspend"], false, "as it was written before");
}

#[tokio::test]
async fn an_application_set_that_writes_its_application_again_bars_the_way() {
    let scene = Scene::new("search").await;
    let automated = json!({"spec": {"syncPolicy": {"automated": {"prune": true}}}});
    let set = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "shops"},
        "spec": {"generators": [{"list": {"elements": [{"name": "search"}]}}], "template": automated}});
    scene.create(SETS, set).await;
    let owned =
        json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "shops", "uid": "of-shops"}]);
    scene.merge(APPLICATION, json!({"metadata": {"ownerReferences": owned}})).await;
    let plan = scene.rollback_of(30).await;
    let owner = words(check(&plan, "B4"));
    assert!(
        owner.contains("Stop(") && owner.contains("ApplicationSet 'argocd/shops' writes the application again"),
        "{owner}"
    );
    // It makes what is not there, and leaves the rest alone.
    let leaves = json!({"spec": {"syncPolicy": {"applicationsSync": "create-only"}}});
    scene.merge(&format!("{SETS}/shops"), leaves).await;
    let owner = words(check(&scene.rollback_of(30).await, "B4"));
    assert!(owner.contains("auto-sync of 'argocd/search' is switched off and STAYS so"), "{owner}");
}

#[tokio::test]
async fn an_image_update_automation_is_told_before_what_it_would_bring_back() {
    let scene = Scene::new("web").await;
    let told = async || {
        let plan = scene.rollback_of(56).await;
        let updater = plan.checks.iter().find(|check| check.name == *"image updater");
        updater.map(|check| words(&check.result))
    };
    assert_eq!(told().await, None, "its kind is served, and there is none");
    let automation = json!({"apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImageUpdateAutomation",
        "metadata": {"name": "tags"},
        "spec": {"interval": "1m0s", "sourceRef": {"kind": "GitRepository", "name": "deploy"}}});
    scene.create(AUTOMATIONS, automation).await;
    let says = told().await.expect("it is told");
    assert!(
        says.contains("ImageUpdateAutomation 'flux-system/tags' (Flux) will write the newest image again"),
        "{says}"
    );
    scene.merge(&format!("{AUTOMATIONS}/tags"), json!({"spec": {"suspend": true}})).await;
    assert_eq!(told().await, None, "suspended it writes nothing");
}
