//! Rollbacks of what Argo CD and Flux own, on the demo's API server with its controllers, which put back what git says.

mod kinds;

use serde_json::Value;

use super::{responder::Responder, *};
use crate::{
    action::{
        Operator as _,
        engine::headless::{Exit, Ran},
    },
    model::{
        gitops::{Git, OwnerKey},
        kubernetes::{WorkloadKey, WorkloadKind},
    },
    source::{
        argocd::ArgoCd,
        kubernetes::{Cluster, owners, revisions::workload_path, tests::on_demo},
    },
};

const APPLICATION: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/search";
const KUSTOMIZATION: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/web";

struct Scene {
    demo: crate::demo::Served,
    cluster: Cluster,
    key: WorkloadKey,
    ana: Responder,
}

impl Scene {
    async fn new(name: &str) -> Self {
        let demo = on_demo::hurried(30.0).await;
        let cluster = on_demo::cluster(&demo).await;
        let key = WorkloadKey {
            cluster: cluster.id().clone(),
            namespace: "production".into(),
            kind: WorkloadKind::Deployment,
            name: name.into(),
        };
        let ana = Responder::new("ana", &cluster);
        Self { demo, cluster, key, ana }
    }

    async fn read(&self, path: &str) -> Value {
        self.cluster.get(path).await.expect("it is there")
    }

    async fn image(&self) -> String {
        let object = self.read(&workload_path(&self.key)).await;
        object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned()
    }

    async fn until(&self, what: &str, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        on_demo::until(what, async || Some(self.read(path).await).filter(&holds)).await
    }

    fn given(&self, confirm: &str) -> Given {
        Given {
            confirm: Some(confirm.to_owned()),
            name: Some(self.key.name.to_string()),
            reason: Some("a test".into()),
        }
    }

    async fn roll_back(&self, to: i64) -> Ran {
        self.ana.roll_back(&self.key, to).await
    }

    /// By Argo CD's server, with its rights alone: the cluster's token may read and change nothing.
    /// With it its server, and the file of its token.
    async fn through_argo_cd(name: &str) -> (Self, Arc<ArgoCd>, tempfile::NamedTempFile) {
        let mut scene = Self::new(name).await;
        let token = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(token.path(), &scene.demo.argocd.token).expect("it is written");
        let config = crate::config::file::ArgoCd {
            name: "main".to_owned(),
            url: scene.demo.argocd.url.clone(),
            token: Some(crate::config::file::Token::File(token.path().to_owned())),
            ..Default::default()
        };
        let argocd =
            Arc::new(ArgoCd::new(config, crate::config::file::Timeouts::default(), Arc::new(crate::time::SystemClock)));
        scene.ana = Responder::reading("ana", &on_demo::cluster_as(&scene.demo, "rita").await).through(&argocd);
        (scene, argocd, token)
    }

    /// Without a confirmation: the plan alone.
    async fn plan(&self, request: Request) -> Plan {
        let ran = self.ana.ask(request, Given::default()).await;
        ran.plan.unwrap_or_else(|| panic!("no plan: {}", ran.says))
    }
}

fn check<'a>(plan: &'a Plan, id: &str) -> &'a CheckResult {
    &plan.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no {id}")).result
}

fn words(result: &CheckResult) -> String {
    format!("{result:?}")
}

fn owner_of(ran: &Ran) -> OwnerKey {
    ran.act.as_ref().expect("an act").switches[0].0.clone()
}

#[tokio::test]
async fn an_application_goes_back_by_its_own_history_and_stays_there() {
    let scene = Scene::new("search").await;
    let live = scene.image().await;
    assert!(live.ends_with(":201"), "{live}");
    let plan = scene.plan(Request::RollBack { workload: scene.key.clone(), to: Some(30), alert: None }).await;
    let owner = words(check(&plan, "B4"));
    assert!(owner.contains("auto-sync of 'argocd/search' is switched off and STAYS so"), "{owner}");
    assert!(
        plan.equivalent.iter().any(|line| *line == *"argocd app rollback argocd/search 30"),
        "{:?}",
        plan.equivalent
    );
    assert!(!plan.steps.iter().any(|step| matches!(step.kind, StepKind::Write(Write::PatchTemplate { .. }))));

    let ran = scene.roll_back(30).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    let application = scene.until("synced to it", APPLICATION, |app| app["status"]["history"][2]["id"] == 32).await;
    assert!(scene.image().await.ends_with(":200"));
    assert_eq!(application["metadata"]["annotations"]["midwatch/suspended-by"], "ana");
    // Nothing puts it back.
    let standing = owners::standing(&scene.cluster, &owner_of(&ran)).await.expect("it is read");
    assert!(!standing.is_active);
    assert!(matches!(standing.git, Git::Differs(_)), "{standing:?}");

    // Resumed now, it would bring back what was rolled away from.
    let resume = Request::ResumeSync { workload: scene.key.clone() };
    let plan = scene.plan(resume.clone()).await;
    assert!(matches!(check(&plan, "B4"), CheckResult::Stop(_)), "{:?}", plan.checks);
    // A colleague reverts in git: live is what git says.
    scene.until("git says so too", APPLICATION, |app| app["status"]["sync"]["status"] == "Synced").await;
    let ran = scene.ana.ask(resume, scene.given("search")).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    let application = scene.read(APPLICATION).await;
    assert_eq!(application["spec"]["syncPolicy"]["automated"]["selfHeal"], true, "as it was");
    assert_eq!(application["metadata"]["annotations"].get("midwatch/suspended-by"), None);
    assert!(scene.image().await.ends_with(":200"));
}

#[tokio::test]
async fn an_application_goes_back_through_argo_cds_server() {
    let (scene, argocd, _token) = Scene::through_argo_cd("search").await;
    let says = argocd.check().await.expect("it answers");
    assert!(says.contains("v3.") && says.contains("'ana'"), "{says}");
    let owner = "argocd/search";

    let plan = scene.plan(Request::RollBack { workload: scene.key.clone(), to: Some(30), alert: None }).await;
    assert_eq!(plan.blocked, None);
    let allowed = words(check(&plan, "B3"));
    assert!(allowed.contains("Ok(") && allowed.contains("in Argo CD 'main'"), "{allowed}");
    assert!(words(check(&plan, "B4")).contains("through Argo CD 'main'"), "{:?}", plan.checks);
    let lines: Vec<&str> = plan.equivalent.iter().map(|line| &**line).collect();
    assert_eq!(lines, ["argocd app set argocd/search --sync-policy none", "argocd app rollback argocd/search 30"]);

    let ran = scene.roll_back(30).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    let application = scene.until("synced to it", APPLICATION, |app| app["status"]["history"][2]["id"] == 32).await;
    assert!(scene.image().await.ends_with(":200"));
    assert_eq!(application["metadata"]["annotations"]["midwatch/suspended-by"], "ana");
    let managers = application["metadata"]["managedFields"].to_string();
    assert!(managers.contains("argocd-server") && !managers.contains("midwatch\""), "{managers}");
    let key = owner_of(&ran);
    assert_eq!((key.to_string().as_str(), key.via.as_deref()), (owner, Some("main")));
    // Where it stands is asked of the server too.
    let query = crate::query::Query::Standing(key);
    assert_eq!(**query.backend(), *"main");
    let (to, mut answers) = mpsc::channel(1);
    let sink = crate::source::AnswerSink {
        query: query.clone(),
        generation: 0,
        clock: Arc::new(crate::time::SystemClock),
        to,
    };
    let reading = argocd.clone();
    let task = tokio::spawn(async move { Reader::read(&*reading, &query, sink).await });
    let answer = answers.recv().await.expect("an answer").body.expect("it is read");
    task.abort();
    let crate::query::Answer::Standing(standing) = answer else { panic!("{answer:?}") };
    assert!(!standing.is_active, "{standing:?}");

    let resume = Request::ResumeSync { workload: scene.key.clone() };
    scene.until("git says so too", APPLICATION, |app| app["status"]["sync"]["status"] == "Synced").await;
    let ran = scene.ana.ask(resume, scene.given("search")).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    assert_eq!(scene.read(APPLICATION).await["spec"]["syncPolicy"]["automated"]["selfHeal"], true, "as it was");
}

#[tokio::test]
async fn its_undo_through_argo_cds_server_needs_no_right_in_the_cluster() {
    let (scene, _argocd, _token) = Scene::through_argo_cd("search").await;
    let ran = scene.roll_back(30).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    scene.until("synced to it", APPLICATION, |app| app["status"]["history"][2]["id"] == 32).await;
    let undo = Request::Undo { act: ran.act.as_ref().expect("an act").number };
    let plan = scene.plan(undo.clone()).await;
    assert_eq!(plan.blocked, None);
    let allowed = words(check(&plan, "B3"));
    assert!(allowed.contains("Ok(") && allowed.contains("in Argo CD 'main'"), "{allowed}");
    let lines: Vec<&str> = plan.equivalent.iter().map(|line| &**line).collect();
    assert_eq!(
        lines,
        [
            "argocd app rollback argocd/search 31",
            "argocd app set argocd/search --sync-policy automated --auto-prune --self-heal"
        ]
    );
    let ran = scene.ana.act(undo).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    assert_eq!(scene.read(APPLICATION).await["spec"]["syncPolicy"]["automated"]["selfHeal"], true, "as it was");
}

#[tokio::test]
async fn what_flux_owns_is_suspended_patched_and_stays_until_resumed() {
    let scene = Scene::new("web").await;
    let ran = scene.roll_back(56).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    assert!(scene.image().await.ends_with(":1.41"));
    let kustomization = scene.read(KUSTOMIZATION).await;
    assert_eq!(kustomization["spec"]["suspend"], true);
    let owner = owner_of(&ran);
    // Git moves on; whether it says what is live now cannot be read in the cluster.
    let git = on_demo::until("git moves on", async || {
        let standing = owners::standing(&scene.cluster, &owner).await.expect("it is read");
        assert!(!standing.is_active);
        Some(standing.git).filter(|git| matches!(git, Git::Unknown(_)))
    });
    let git = format!("{:?}", git.await);
    assert!(git.contains("git moved from"), "{git}");
    let ran = scene.ana.ask(Request::ResumeSync { workload: scene.key.clone() }, scene.given("web")).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    let kustomization = scene.read(KUSTOMIZATION).await;
    assert_eq!(kustomization["spec"]["suspend"], false, "as it was written before");
    assert!(scene.image().await.ends_with(":1.41"), "git was reverted");
}

#[tokio::test]
async fn an_undo_switches_on_again_what_the_act_switched_off() {
    let scene = Scene::new("web").await;
    let ran = scene.roll_back(56).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    let number = ran.act.as_ref().expect("an act").number;
    let ran = scene.ana.ask(Request::Undo { act: number }, scene.given("latest")).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.says);
    assert!(scene.image().await.ends_with(":latest"));
    assert_eq!(scene.read(KUSTOMIZATION).await["spec"]["suspend"], false);
}

#[tokio::test]
async fn an_owner_that_changed_since_the_plan_is_left_alone() {
    let scene = Scene::new("web").await;
    let plan = scene.plan(Request::RollBack { workload: scene.key.clone(), to: Some(56), alert: None }).await;
    let write = plan.steps.iter().find_map(|step| match &step.kind {
        StepKind::Write(write @ Write::SwitchSync { .. }) => Some(write.clone()),
        _ => None,
    });
    let write = write.expect("it is switched off");
    let operator = crate::operator::kubernetes::ClusterOperator::new(scene.cluster.writer().expect("not read-only"));
    let patch = serde_json::json!([{"op": "replace", "path": "/spec/interval", "value": "5m0s"}]);
    let writer = scene.cluster.writer().expect("not read-only");
    let _: Value = writer
        .send(http::Method::PATCH, KUSTOMIZATION, "application/json-patch+json", &patch)
        .await
        .expect("a colleague's edit");
    let refused = operator.execute(&write).await.expect_err("refused");
    assert!(refused.to_string().contains("has another spec than the plan saw"), "{refused}");
    assert_eq!(scene.read(KUSTOMIZATION).await["spec"]["suspend"], false);
}
