//! Writes whose answer is lost, on the demo's API server: each is read again, and said to have arrived or not.

use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use serde_json::Value;

use super::{responder::Responder, *};
use crate::{
    action::{Done, Found, Limits, ObjectAct, Operator},
    json::text,
    model::{
        helm::ReleaseKey,
        kubernetes::{
            ObjectKey, WorkloadKey, WorkloadKind,
            resource::{Resource, ResourceKey},
        },
    },
    operator::kubernetes::ClusterOperator,
    source::kubernetes::{Cluster, tests::on_demo},
};

/// A connection that breaks after, or before, what is sent arrives.
pub(super) struct Broken {
    pub operator: ClusterOperator,
    pub arrives: fn(&Write) -> bool,
}

impl Operator for Broken {
    fn backend(&self) -> &BackendId {
        self.operator.backend()
    }

    fn rehearse<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        Operator::rehearse(&self.operator, write)
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            if (self.arrives)(write) {
                self.operator.execute(write).await?;
            }
            Err(ActionError::Unknown("the connection broke".into()))
        }
        .boxed()
    }

    fn look<'a>(&'a self, write: &'a Write, sent: Timestamp) -> BoxFuture<'a, Option<Result<Found, Clean>>> {
        self.operator.look(write, sent)
    }
}

struct Scene {
    _demo: crate::demo::Served,
    cluster: Cluster,
    ana: Responder,
}

impl Scene {
    async fn new() -> Self {
        let demo = on_demo::served().await;
        let cluster = on_demo::cluster(&demo).await;
        let ana = Responder::new("ana", &cluster);
        Self { _demo: demo, cluster, ana }
    }

    fn breaks(&self, arrives: fn(&Write) -> bool) {
        let operator = ClusterOperator::new(self.cluster.writer().expect("not read-only"));
        self.ana.engine.add_operator(Arc::new(Broken { operator, arrives }));
    }

    fn workload(&self, name: &str) -> WorkloadKey {
        WorkloadKey {
            cluster: self.cluster.id().clone(),
            namespace: "production".into(),
            kind: WorkloadKind::Deployment,
            name: name.into(),
        }
    }

    async fn first(&self, path: &str) -> Value {
        let list: Value = self.cluster.get(path).await.expect("it lists");
        list["items"][0].clone()
    }

    fn object(&self, (group, plural, kind): (&str, &str, &str), found: &Value, act: ObjectAct) -> Request {
        let namespace = text(found, "/metadata/namespace");
        let resource = Arc::new(Resource::v1((group, plural, kind), !namespace.is_empty()));
        let name = Clean::line(text(found, "/metadata/name"));
        let object = ResourceKey { cluster: self.cluster.id().clone(), resource, namespace: namespace.into(), name };
        Request::Object { object, act }
    }

    /// Each kind of write once, with what is read where it arrived and where it did not.
    async fn requests(&self) -> Vec<(Request, &'static str, &'static str)> {
        const NODE: (&str, &str, &str) = ("", "nodes", "Node");
        const CRON: (&str, &str, &str) = ("batch", "cronjobs", "CronJob");
        const DEPLOYMENT: (&str, &str, &str) = ("apps", "deployments", "Deployment");
        const POD: (&str, &str, &str) = ("", "pods", "Pod");
        let pods = |app: &str| format!("/api/v1/namespaces/production/pods?labelSelector=app%3D{app}");
        let node = self.first("/api/v1/nodes").await;
        let cron = self.first("/apis/batch/v1/cronjobs").await;
        let deployment =
            self.first("/apis/apps/v1/namespaces/production/deployments?fieldSelector=metadata.name%3Dcheckout").await;
        let (web, postgres) = (self.first(&pods("web")).await, self.first(&pods("postgres")).await);
        let database = ObjectKey {
            cluster: self.cluster.id().clone(),
            namespace: "production".into(),
            name: Clean::line(text(&postgres, "/metadata/name")),
        };
        let more = |container: &str| Limits { memory: Some("3Gi".into()), ..Limits::of(container) };
        let (switch, no_switch) = ("the switch is in force", "the switch is not in force");
        vec![
            (
                Request::Scale { workload: self.workload("payments"), replicas: 5 },
                "replicas is in force",
                "is not in force",
            ),
            (Request::Restart { workload: self.workload("worker") }, "the restart is in force", "the restart is not"),
            (
                Request::Resize { pod: database, limits: more("postgres") },
                "the resize is in force",
                "the resize is not",
            ),
            (self.object(DEPLOYMENT, &deployment, ObjectAct::Pause), switch, no_switch),
            (self.object(NODE, &node, ObjectAct::Cordon), switch, no_switch),
            (self.object(CRON, &cron, ObjectAct::Suspend), switch, no_switch),
            (self.object(CRON, &cron, ObjectAct::RunNow), "is created", "its Job is not there"),
            (self.object(POD, &web, ObjectAct::Evict), "the deletion is in force", "the deletion is not in force"),
            (
                self.object(POD, &postgres, ObjectAct::Delete),
                "the deletion is in force",
                "the deletion is not in force",
            ),
        ]
    }

    /// What the step that writes says at the end.
    async fn act(&self, request: &Request) -> (Outcome, String) {
        let asked = self.ana.ask(request.clone(), Given::default()).await;
        let plan = asked.plan.unwrap_or_else(|| panic!("{request:?}: {}", asked.says));
        let accept = plan.accepts.first().map(ToString::to_string);
        let given = Given {
            confirm: Some(accept.clone().unwrap_or_else(|| "y".to_owned())),
            name: accept,
            reason: Some("a test".to_owned()),
        };
        let ran = self.ana.ask(request.clone(), given).await;
        let act = ran.act.unwrap_or_else(|| panic!("{request:?}: {}", ran.says));
        let write = plan.steps.iter().position(|step| matches!(step.kind, StepKind::Write(_))).expect("it writes");
        let says = match &act.steps[write].1 {
            StepState::Done(says) | StepState::Unknown(says) => says.to_string(),
            other => panic!("{request:?}: {other:?}"),
        };
        (act.outcome, says)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_arrived_is_read_for_every_kind_of_write() {
    let scene = Scene::new().await;
    let requests = scene.requests().await;
    scene.breaks(|_| false);
    for (request, _, missing) in &requests {
        let (outcome, says) = scene.act(request).await;
        assert_eq!(outcome, Outcome::Unknown, "{request:?}: {says}");
        assert!(says.contains(missing) && says.contains("It did not arrive, or not yet"), "{request:?}: {says}");
    }
    scene.breaks(|_| true);
    for (request, found, _) in &requests {
        let (outcome, says) = scene.act(request).await;
        assert_eq!(outcome, Outcome::Done, "{request:?}: {says}");
        assert!(says.starts_with("no answer came, but ") && says.contains(found), "{request:?}: {says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_switched_off_without_an_answer_is_known_to_be_off() {
    let scene = Scene::new().await;
    scene.breaks(|_| true);
    // Flux owns it: it is suspended first, and then it is patched.
    let request = Request::RollBack { workload: scene.workload("web"), to: Some(56), alert: None };
    let ran = scene.ana.roll_back(&scene.workload("web"), 56).await;
    let act = ran.act.unwrap_or_else(|| panic!("{request:?}: {}", ran.says));
    let said: Vec<&str> = act
        .steps
        .iter()
        .filter_map(|(_, state)| match state {
            StepState::Done(says) if says.contains("no answer came") => Some(says.as_str()),
            _ => None,
        })
        .collect();
    let [switched, patched] = said[..] else { panic!("{act:?}") };
    assert!(switched.contains("the switch is in force") && patched.contains("the template is in force"), "{said:?}");
    assert_eq!(act.switches.len(), 1, "it is remembered as off");
    assert!(act.left.is_some(), "and the template as set: {act:?}");
}

/// A server that took the write, failed at it, and lost its answer.
pub(super) struct Failing(pub(super) FakeCluster);

impl Operator for Failing {
    fn backend(&self) -> &BackendId {
        Operator::backend(&self.0)
    }

    fn rehearse<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        Operator::rehearse(&self.0, write)
    }

    fn execute<'a>(&'a self, _: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async { Err(ActionError::Unknown("the connection broke".into())) }.boxed()
    }

    fn look<'a>(&'a self, _: &'a Write, sent: Timestamp) -> BoxFuture<'a, Option<Result<Found, Clean>>> {
        async move { Some(Ok(Found::Failed(say!("it failed, sent {sent}")))) }.boxed()
    }
}

#[tokio::test]
async fn what_arrived_and_failed_is_no_longer_unknown() {
    let mut bench = Bench::new();
    bench.engine.add_operator(Arc::new(Failing(bench.cluster.clone())));
    let act = bench.act(&Request::Scale { workload: myapp(), replicas: 12 }).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Refused);
    let StepState::Refused(says) = &act.steps[0].1 else { panic!("{act:?}") };
    assert_eq!(says.as_str(), format!("no answer came, but it failed, sent {} (the connection broke)", now().wall));
}

#[tokio::test]
async fn what_cannot_be_read_again_is_not_known() {
    let mut bench = Bench::new();
    bench.cluster.with(|cluster| cluster.loses_answer = true);
    let act = bench.act(&Request::Scale { workload: myapp(), replicas: 12 }).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Unknown);
    let StepState::Unknown(says) = &act.steps[0].1 else { panic!("{act:?}") };
    assert!(says.contains("What can be read does not tell whether it did"), "{says}");
}

/// Helm has begun, and failed on its way.
struct Begun(BackendId);

impl Operator for Begun {
    fn backend(&self) -> &BackendId {
        &self.0
    }

    fn rehearse<'a>(&'a self, _: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        async { None }.boxed()
    }

    fn execute<'a>(&'a self, _: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async { Err(ActionError::Unknown("helm was killed".into())) }.boxed()
    }

    fn look<'a>(&'a self, _: &'a Write, _: Timestamp) -> BoxFuture<'a, Option<Result<Found, Clean>>> {
        async { Some(Ok(Found::InPart("revision 9 of 'shop/pg' is failed: no Job".into()))) }.boxed()
    }
}

#[tokio::test]
async fn what_failed_on_its_way_is_not_said_to_have_arrived_or_not() {
    let bench = Bench::new();
    let release = ReleaseKey { cluster: crate::ui::testing::cluster(), namespace: "shop".into(), name: "pg".into() };
    let (operator, write) = (Begun(release.cluster.clone()), Write::HelmRollback { release, from: 8, to: 7 });
    let lost = (now().wall, "helm was killed".into());
    let error = bench.engine.0.looked_at(&operator, &write, lost).await.expect_err("nobody knows");
    let words = "helm was killed. Read again just now: revision 9 of 'shop/pg' is failed: no Job. What of it was applied \
                 is not known";
    assert_eq!(error, ActionError::Unknown(words.into()));
}
