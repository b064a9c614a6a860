//! What midwatch did, as `kubectl` finds it; and how far a rollout is, in both their words.

use std::{collections::BTreeMap, sync::Arc};

use midwatch::{
    action::{
        Limits, ObjectAct, Request,
        act::{ActionEvent, Outcome},
        audit::Audit,
        confirm::Given,
        engine::{Headless, Identity, Pace, RealEngine, run_headless},
    },
    model::kubernetes::{
        RolloutState, Workload, WorkloadKey, WorkloadKind,
        resource::{Resource, ResourceKey},
    },
    query::{Answer, Query},
    time::{Clock, SystemClock},
    wire::{Remembered, Wired},
};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    desk::{CLUSTER, Desk, NAMESPACE, Said, cells, cluster, workload},
    watching::Watching,
};

/// As fast as the demo's own tests run theirs.
const FAST: f64 = 20.0;

/// Change-causes by revision, as `kubectl rollout history` prints them.
type History = BTreeMap<i64, String>;

async fn history(desk: &Desk, name: &str) -> History {
    let text = desk.out(&format!("rollout history deployment/{name} -n {NAMESPACE}")).await;
    let rows = text.lines().skip(2).filter(|line| !line.is_empty()).map(|line| cells(line, 2));
    rows.map(|cells| (cells[0].parse().unwrap(), cells[1].replace("<none>", ""))).collect()
}

/// The pod template, without the mark of its own ReplicaSet.
fn template(object: &Value) -> Value {
    let mut template = object["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    template
}

/// Older kubectls write when the template was made: never.
fn without_creation(mut object: Value) -> Value {
    if let Some(metadata) = object.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
    }
    object
}

async fn live(desk: &Desk, name: &str) -> Value {
    without_creation(desk.json(&format!("get deployment {name} -n {NAMESPACE} --show-managed-fields")).await)
}

/// Name of the ReplicaSet of a revision, and its template.
async fn revision(desk: &Desk, name: &str, number: i64) -> (String, Value) {
    let set = desk.json(&format!("rollout history deployment/{name} -n {NAMESPACE} --revision={number}")).await;
    (set["metadata"]["name"].as_str().unwrap().to_owned(), template(&without_creation(set)))
}

async fn status(desk: &Desk, key: &WorkloadKey) -> Said {
    let (kind, name, namespace) = (key.kind.name(), &key.name, &key.namespace);
    desk.kubectl(&format!("rollout status {kind}/{name} -n {namespace} --watch=false")).await
}

/// What the command ended with: it did all that it was told.
fn done(said: &Said) -> Value {
    let answer: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err));
    assert_eq!((said.code, &answer["act"]["outcome"]), (0, &Value::from("done")), "{answer:#}\n{}", said.err);
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_finds_what_a_rollback_left() {
    let Some(desk) = Desk::open(FAST).await else { return };
    let (before, bad) = (history(&desk, "myapp").await, live(&desk, "myapp").await);
    let (set, wanted) = revision(&desk, "myapp", 13).await;
    assert_ne!(template(&bad), wanted);
    let answer = done(&desk.midwatch(&format!("rollback deploy/myapp -n {NAMESPACE} --confirm 411 --json")).await);

    // midwatch says that it is done, and so does kubectl; nothing had to be waited for.
    let key = workload(WorkloadKind::Deployment, NAMESPACE, "myapp");
    let said = status(&desk, &key).await;
    assert_eq!(said.out, "deployment \"myapp\" successfully rolled out\n", "{answer:#}\n{}", said.err);
    let mut watching = Watching::of(desk.config()).await;
    let known = |now: &Watching| now.store.kube.workloads.get(&key).map(|one| (**one).clone());
    watching.until("myapp is read", |now| known(now).is_some()).await;
    let Workload { rollout, .. } = known(&watching).unwrap();
    assert_eq!((rollout.words.as_str(), rollout.state), (said.out.trim(), RolloutState::Done));

    // The target's template and ReplicaSet, under a new number that says why.
    let after = live(&desk, "myapp").await;
    assert_eq!(template(&after), wanted);
    let number = before.keys().max().unwrap() + 1;
    assert_eq!(after["metadata"]["annotations"]["deployment.kubernetes.io/revision"], number.to_string());
    assert_eq!(revision(&desk, "myapp", number).await, (set.clone(), wanted));
    let described = desk.out(&format!("describe deployment myapp -n {NAMESPACE}")).await;
    let new = described.lines().find_map(|line| line.strip_prefix("NewReplicaSet:")).unwrap();
    assert_eq!(new.trim(), format!("{set} (10/10 replicas created)"));
    let mut expected = before.clone();
    expected.remove(&13);
    expected.insert(number, "midwatch: rolled back to revision 13 by ana".to_owned());
    let now = history(&desk, "myapp").await;
    assert_eq!(now, expected);
    let managers = after["metadata"]["managedFields"].as_array().unwrap().iter();
    assert!(managers.clone().any(|entry| entry["manager"] == "midwatch"), "{managers:#?}");

    // midwatch's own list of revisions is kubectl's.
    let answer = watching.ask(Query::Revisions(key)).await.unwrap();
    let Answer::Revisions(kept) = answer else { panic!("{answer:?}") };
    let ours: History =
        kept.iter().map(|one| (one.number, one.change_cause.clone().unwrap_or_default().to_string())).collect();
    assert_eq!(ours, now);
    assert_eq!(kept.iter().filter(|one| one.is_live).map(|one| one.number).collect::<Vec<_>>(), [number]);
    for one in &kept {
        let (name, template) = revision(&desk, "myapp", one.number).await;
        assert_eq!((one.name.as_str(), &one.template), (name.as_str(), &template), "revision {}", one.number);
    }
}

/// Two worlds of one seed: what midwatch does in one, and in the other the line of kubectl's that it gives for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_line_of_kubectls_does_the_same_and_undo_takes_it_back() {
    let (Some(one), Some(other)) = (Desk::open(FAST).await, Desk::open(FAST).await) else { return };
    for (name, to) in [("payments", 87), ("checkout", 21)] {
        let (before, history_before) = (live(&one, name).await, history(&one, name).await);
        let key = workload(WorkloadKind::Deployment, NAMESPACE, name);
        let plan = one.midwatch(&format!("rollback deploy/{name} -n {NAMESPACE} --to {to} --dry-run --json")).await;
        let plan: Value = serde_json::from_str(&plan.out).unwrap();
        let lines = plan["plan"]["equivalent"].as_array().unwrap();
        assert_eq!(lines.len(), 1, "{plan:#}");
        let said =
            one.midwatch(&format!("rollback deploy/{name} -n {NAMESPACE} --to {to} --confirm {to} --json")).await;
        let act = done(&said)["act"]["number"].clone();

        let line = lines[0].as_str().unwrap().strip_prefix("kubectl ").unwrap();
        assert!(line.contains(&format!("--context {CLUSTER} ")), "{line}");
        assert_eq!(other.out(line).await.trim(), format!("deployment.apps/{name} rolled back"));
        other.out(&format!("rollout status deployment/{name} -n {NAMESPACE}")).await;
        for desk in [&one, &other] {
            assert!(status(desk, &key).await.out.ends_with("successfully rolled out\n"));
        }
        let (ours, theirs) = (live(&one, name).await, live(&other, name).await);
        assert_eq!(ours["spec"], theirs["spec"], "{name}");
        let numbers = |history: &History| history.keys().copied().collect::<Vec<_>>();
        let (mine, kubectls) = (history(&one, name).await, history(&other, name).await);
        assert_eq!(numbers(&mine), numbers(&kubectls), "{name}");
        let last = *mine.keys().max().unwrap();
        assert_eq!(revision(&one, name, last).await, revision(&other, name, last).await, "{name}");

        let undo = one.midwatch(&format!("undo {act} --dry-run --json")).await;
        let undo: Value = serde_json::from_str(&undo.out).unwrap();
        let word = undo["plan"]["accepts"][0].as_str().unwrap().to_owned();
        done(&one.midwatch(&format!("undo {act} --confirm {word} --json")).await);
        assert_eq!(status(&one, &key).await.out, format!("deployment \"{name}\" successfully rolled out\n"));
        assert_eq!(live(&one, name).await["spec"], before["spec"], "{name}: as it was");
        let mut numbers_now = numbers(&history_before);
        numbers_now.retain(|number| *number != to && Some(number) != history_before.keys().max());
        numbers_now.extend([last, last + 1]);
        assert_eq!(numbers(&history(&one, name).await), numbers_now, "{name}");
    }
}

/// What has a key and no command: planned, confirmed and carried out as the keys have it done.
async fn carry_out(desk: &Desk, watching: &Watching, request: Request) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut wired = Wired::closed(desk.config(), &Remembered::default(), clock.clone());
    wired.open(wired.opening(false)).await;
    let (news, mut events) = mpsc::channel::<ActionEvent>(64);
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::new(folder.path().join("audit.jsonl"));
    let engine = RealEngine::new(audit, clock, Arc::new(news), Identity::default(), Pace::default());
    wired.inspectors.iter().for_each(|inspector| engine.add_inspector(inspector.clone()));
    wired.operators.iter().for_each(|operator| engine.add_operator(operator.clone()));
    wired.readers.iter().for_each(|reader| engine.add_reader(reader.clone()));
    let mut ask = Headless { request, given: Given::default(), dry_run: true };
    let plan = run_headless(&engine, &ask, &watching.store, &watching.settings).await;
    let word = plan.plan.as_ref().and_then(|plan| plan.accepts.first()).map_or("y".to_owned(), ToString::to_string);
    ask = Headless { given: Given { confirm: Some(word), ..Given::default() }, dry_run: false, ..ask };
    let ran = run_headless(&engine, &ask, &watching.store, &watching.settings).await;
    assert_eq!(ran.act.map(|act| act.outcome), Some(Outcome::Done), "{}", ran.says);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_finds_what_a_restart_and_a_scale_left() {
    const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
    let Some(desk) = Desk::open(FAST).await else { return };
    let mut watching = Watching::of(desk.config()).await;
    watching.until("the cluster is read", |now| now.is_well(&cluster())).await;

    let (before, history_before) = (live(&desk, "web").await, history(&desk, "web").await);
    let key = workload(WorkloadKind::Deployment, NAMESPACE, "web");
    carry_out(&desk, &watching, Request::Restart { workload: key.clone() }).await;
    desk.out(&format!("rollout status deployment/web -n {NAMESPACE}")).await;
    let mut template_now = template(&live(&desk, "web").await);
    let mark = template_now["metadata"]["annotations"].as_object_mut().unwrap().remove(RESTARTED);
    assert!(mark.is_some_and(|at| at.as_str().unwrap().parse::<jiff::Timestamp>().is_ok()), "kubectl's own mark");
    if template_now["metadata"]["annotations"] == serde_json::json!({}) {
        template_now["metadata"].as_object_mut().unwrap().remove("annotations");
    }
    assert_eq!(template_now, template(&before), "and nothing else");
    let last = *history_before.keys().max().unwrap();
    assert_eq!(history(&desk, "web").await.keys().max(), Some(&(last + 1)));

    let before = live(&desk, "worker").await;
    let key = workload(WorkloadKind::Deployment, NAMESPACE, "worker");
    carry_out(&desk, &watching, Request::Scale { workload: key, replicas: 5 }).await;
    desk.out(&format!("rollout status deployment/worker -n {NAMESPACE}")).await;
    let after = live(&desk, "worker").await;
    assert_eq!((&after["spec"]["replicas"], &before["spec"]["replicas"]), (&Value::from(5), &Value::from(3)));
    assert_eq!(template(&after), template(&before));
    assert_eq!(desk.out(&format!("get pods -n {NAMESPACE} -l app=worker -o name")).await.lines().count(), 5);
}

fn object((group, plural, kind): (&str, &str, &str), (namespace, name): (&str, &str), act: ObjectAct) -> Request {
    let resource = Arc::new(Resource {
        group: group.into(),
        version: "v1".into(),
        plural: plural.into(),
        singular: kind.to_lowercase().as_str().into(),
        kind: kind.into(),
        short_names: Box::default(),
        is_namespaced: !namespace.is_empty(),
    });
    let object = ResourceKey { cluster: cluster(), resource, namespace: namespace.into(), name: name.into() };
    Request::Object { object, act }
}

/// Namespace and name of the first of these.
async fn first(desk: &Desk, what: &str) -> (String, String) {
    let list = desk.json(&format!("get {what}")).await;
    let text = |field: &str| list["items"][0]["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// Two worlds of one seed again: midwatch's act in one, kubectl's in the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_finds_what_limits_switches_a_run_and_an_eviction_left() {
    const CRON_JOB: (&str, &str, &str) = ("batch", "cronjobs", "CronJob");
    let (Some(one), Some(other)) = (Desk::open(FAST).await, Desk::open(FAST).await) else { return };
    let mut watching = Watching::of(one.config()).await;
    watching.until("the cluster is read", |now| now.is_well(&cluster())).await;

    let container = live(&one, "worker").await["spec"]["template"]["spec"]["containers"][0]["name"].clone();
    let container = container.as_str().unwrap();
    let limits = Limits { memory: Some("768Mi".into()), ..Limits::of(container) };
    let key = workload(WorkloadKind::Deployment, NAMESPACE, "worker");
    carry_out(&one, &watching, Request::Limits { workload: key, limits }).await;
    let set = format!("set resources deployment/worker -c {container} --limits=memory=768Mi -n {NAMESPACE}");
    other.out(&set).await;
    assert_eq!(template(&live(&one, "worker").await), template(&live(&other, "worker").await));

    let (_, node) = first(&one, "nodes").await;
    carry_out(&one, &watching, object(("", "nodes", "Node"), ("", &node), ObjectAct::Cordon)).await;
    other.out(&format!("cordon {node}")).await;
    for desk in [&one, &other] {
        assert_eq!(desk.json(&format!("get node {node}")).await["spec"]["unschedulable"], true);
        assert!(desk.out(&format!("get node {node}")).await.contains("SchedulingDisabled"));
    }

    let (namespace, cron) = first(&one, "cronjobs -A").await;
    let of = (namespace.as_str(), cron.as_str());
    carry_out(&one, &watching, object(CRON_JOB, of, ObjectAct::Suspend)).await;
    assert_eq!(one.json(&format!("get cronjob {cron} -n {namespace}")).await["spec"]["suspend"], true);

    carry_out(&one, &watching, object(CRON_JOB, of, ObjectAct::RunNow)).await;
    other.out(&format!("create job by-hand --from=cronjob/{cron} -n {namespace}")).await;
    let jobs = one.json(&format!("get jobs -n {namespace}")).await;
    let by_hand = |job: &&Value| job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual";
    let ours = jobs["items"].as_array().unwrap().iter().find(by_hand).expect("it runs");
    let theirs = other.json(&format!("get job by-hand -n {namespace}")).await;
    let spec = |job: &Value| job["spec"]["template"]["spec"].clone();
    assert_eq!(spec(ours), spec(&theirs));
    let owner = |job: &Value| job["metadata"]["ownerReferences"][0]["name"].clone();
    assert_eq!(owner(ours), owner(&theirs));

    let (_, pod) = first(&one, &format!("pods -l app=worker -n {NAMESPACE}")).await;
    let uid = async || {
        let said = one.kubectl(&format!("get pod {pod} -n {NAMESPACE} -o json")).await;
        let found: Value = serde_json::from_str(&said.out).unwrap_or_default();
        found["metadata"]["deletionTimestamp"]
            .is_null()
            .then(|| found["metadata"]["uid"].clone())
            .filter(|uid| !uid.is_null())
    };
    assert!(uid().await.is_some());
    carry_out(&one, &watching, object(("", "pods", "Pod"), (NAMESPACE, &pod), ObjectAct::Evict)).await;
    assert_eq!(uid().await, None, "it is gone, or goes");
}

/// Good, stuck, restarted and scaled ones, while time goes on: whatever kubectl says of a rollout, midwatch says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_told_in_kubectls_words() {
    let Some(desk) = Desk::open(0.0).await else { return };
    let keys = [
        workload(WorkloadKind::Deployment, NAMESPACE, "myapp"),
        workload(WorkloadKind::Deployment, NAMESPACE, "web"),
        workload(WorkloadKind::Deployment, NAMESPACE, "worker"),
        workload(WorkloadKind::StatefulSet, NAMESPACE, "postgres"),
        workload(WorkloadKind::DaemonSet, "logging", "fluentd"),
    ];
    let mut watching = Watching::of(desk.config()).await;
    watching.until("workloads", |now| keys.iter().all(|key| now.store.kube.workloads.get(key).is_some())).await;
    desk.out(&format!("rollout restart deployment/web statefulset/postgres -n {NAMESPACE}")).await;
    desk.out("rollout restart daemonset/fluentd -n logging").await;
    desk.out(&format!("scale deployment/worker --replicas=6 -n {NAMESPACE}")).await;
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for step in [0, 1, 3, 5, 9, 15, 25, 60, 240, 600] {
        desk.pass(step);
        for key in &keys {
            let said = status(&desk, key).await;
            let last = |text: &str| text.trim().lines().last().unwrap_or_default().to_owned();
            let (words, state) = match said.code {
                0 if said.out.contains("successfully rolled out") || said.out.contains("roll out complete") => {
                    (last(&said.out), RolloutState::Done)
                }
                0 => (last(&said.out), RolloutState::Progressing),
                _ => (last(&said.err).trim_start_matches("error: ").to_owned(), RolloutState::Failed),
            };
            let ours = |now: &Watching| now.store.kube.workloads.get(key).map(|one| one.rollout.clone());
            let is_same =
                |now: &Watching| ours(now).is_some_and(|ours| ours.words.as_str() == words && ours.state == state);
            let same = watching.is_so_soon(is_same).await;
            assert!(same, "{key} after {step} s: kubectl '{words}' ({state:?}), midwatch {:?}", ours(&watching));
            states.entry(format!("{state:?}")).or_default().push(words);
        }
    }
    assert_eq!(states.len(), 3, "all three were seen: {states:#?}");
}
