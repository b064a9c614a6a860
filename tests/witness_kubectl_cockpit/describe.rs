//! `kubectl describe` and midwatch's page of the same object: containers, states, ends, probes, mounts, conditions, events.

mod container;
mod node;
mod scaling;

use std::collections::BTreeMap;

use midwatch::{
    model::{
        Level,
        kubernetes::{ObjectKey, WorkloadKind},
    },
    query::{Answer, ObjectRef, Query},
};

use crate::{
    desk::{Desk, NAMESPACE, cells, cluster, workload},
    page::{Facts, Node, Section, assert_same, printed, section, sections},
    watching::Watching,
};

/// One of everything that a page tells of a pod's template.
const RICH: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: rich, namespace: production, annotations: {kubernetes.io/change-cause: "made by hand"}}
spec:
  replicas: 2
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1, maxSurge: 25%}}
  selector: {matchLabels: {app: rich, tier: back}}
  template:
    metadata: {labels: {app: rich, tier: back}}
    spec:
      serviceAccountName: deployer
      containers:
      - name: main
        image: registry.acme.example/web:latest
        resources: {limits: {memory: 256Mi, cpu: "1"}, requests: {memory: 128Mi}}
        livenessProbe: {exec: {command: [pgrep, nginx]}, initialDelaySeconds: 5, timeoutSeconds: 2, periodSeconds: 10, successThreshold: 1, failureThreshold: 3}
        readinessProbe: {tcpSocket: {port: 8080}, timeoutSeconds: 1, periodSeconds: 5, successThreshold: 1, failureThreshold: 7}
        startupProbe: {grpc: {port: 9000, service: health}, timeoutSeconds: 1, periodSeconds: 2, successThreshold: 1, failureThreshold: 30}
        env:
        - {name: MODE, value: fast}
        - {name: IP, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: status.podIP}}}
        - {name: LOGIN, valueFrom: {secretKeyRef: {name: postgres-credentials, key: password}}}
        - {name: FLAGS, valueFrom: {configMapKeyRef: {name: myapp-settings, key: features.yaml}}}
        envFrom: [{configMapRef: {name: myapp-settings}}, {prefix: DB_, secretRef: {name: postgres-credentials}}]
        volumeMounts:
        - {name: settings, mountPath: /etc/app, readOnly: true}
        - {name: keys, mountPath: /keys}
        - {name: scratch, mountPath: /tmp, subPath: a}
        - {name: memory, mountPath: /memory}
        - {name: data, mountPath: /data}
        - {name: host, mountPath: /host}
      - name: beside
        image: registry.acme.example/report:7
      volumes:
      - {name: settings, configMap: {name: myapp-settings}}
      - {name: keys, secret: {secretName: postgres-credentials}}
      - {name: scratch, emptyDir: {}}
      - {name: memory, emptyDir: {medium: Memory}}
      - {name: data, persistentVolumeClaim: {claimName: data-postgres-0}}
      - {name: host, hostPath: {path: /var/log}}
"#;

/// Of nothing but a pod that waits for a node.
const WAITING: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: waiting, namespace: production}
spec:
  replicas: 1
  selector: {matchLabels: {app: waiting}}
  template:
    metadata: {labels: {app: waiting}}
    spec:
      containers: [{name: main, image: "registry.acme.example/web:latest"}]
"#;

async fn page(watching: &Watching, query: Query) -> Vec<Section> {
    let answer = watching.ask(query).await.unwrap();
    let Answer::Page(lines) = answer else { panic!("{answer:?}") };
    sections(lines)
}

/// The pages of all objects that a `kubectl describe` printed, by name.
fn pages(text: &str) -> BTreeMap<String, Node> {
    let pages = text.split("\n\n\n").map(printed).filter(|page| !page.under.is_empty());
    pages.map(|page| (page.value("Name").to_owned(), page)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_say_what_kubectl_describes() {
    let Some(desk) = Desk::open(0.0).await else { return };
    desk.create(RICH).await;
    desk.pass(60);
    desk.out("cordon -l kubernetes.io/os=linux").await;
    desk.create(WAITING).await;
    desk.pass(30);
    let mut watching = Watching::of(desk.config()).await;
    watching.until("the cluster is read", |now| now.is_well(&cluster())).await;
    pods(&desk, &watching).await;
    for (kind, name) in [
        (WorkloadKind::Deployment, "myapp"),
        (WorkloadKind::Deployment, "payments"),
        (WorkloadKind::Deployment, "rich"),
        (WorkloadKind::Deployment, "waiting"),
        (WorkloadKind::StatefulSet, "postgres"),
    ] {
        a_workload(&desk, &watching, kind, name).await;
    }
    node::all(&desk, &watching).await;
    scaling::all(&desk, &watching).await;
}

async fn pods(desk: &Desk, watching: &Watching) {
    let described = pages(&desk.out(&format!("describe pods -n {NAMESPACE}")).await);
    assert!(described.len() > 40, "{:?}", described.keys());
    let (mut all, mut states) = (Facts::new(), Facts::new());
    for (name, node) in described {
        let key = ObjectKey { cluster: cluster(), namespace: NAMESPACE.into(), name: name.as_str().into() };
        let ours = page(watching, Query::Describe(ObjectRef::Pod(key))).await;
        let facts = pod_of_kubectl(&node);
        assert_same(&format!("pod {name}"), &facts, &pod_of_midwatch(&name, &ours));
        states.extend(facts.iter().filter(|fact| fact.contains("state: ")).cloned());
        all.extend(facts);
    }
    // Had the world nothing of a kind, that kind would not have been compared.
    for some in [
        "myapp/last state: Error, exit 1, after 31s",
        "postgres/last state: OOMKilled, exit 137, after ",
        "myapp/state: waiting, CrashLoopBackOff",
        "main/state: running, ready",
        "main/liveness: exec pgrep nginx delay=5s timeout=2s period=10s #failure=3",
        "main/startup: grpc :9000 health delay=0s ",
        "main/mount: /etc/app from configmap myapp-settings, read-only",
        "main/mount: /tmp from an empty directory, gone with the pod/a",
        "main/env: LOGIN from secret postgres-credentials/password",
        "main/env: all of secret postgres-credentials, each as DB_...",
        "condition: ContainersReady False",
        "event: Warning BackOff x7: ",
        "event: Warning FailedScheduling",
        "node: none",
        "owner: job/",
    ] {
        assert!(all.iter().any(|fact| fact.starts_with(some)), "nothing like '{some}' in {all:#?}");
    }
    assert!(states.len() >= 6, "{states:#?}");
}

fn pod_of_kubectl(node: &Node) -> Facts {
    let of = |name: &str| node.value(name);
    let on = of("Node").split('/').next().filter(|name| !name.is_empty()).unwrap_or("none");
    let mut facts = Facts::from([
        format!("node: {on}"),
        format!("address: {}", of("IP")),
        format!("quality of service: {}", of("QoS Class")),
        format!("service account: {}", of("Service Account")),
        format!("owner: {}", owner(of("Controlled By"))),
    ]);
    for row in node.rows("Conditions").filter(|row| cells(row, 2)[1] == "False") {
        facts.insert(format!("condition: {} False", cells(row, 2)[0]));
    }
    let restarts = node.at("Containers").under.iter().map(|one| one.value("Restart Count").parse::<u32>().unwrap_or(0));
    facts.insert(format!("restarts: {}", restarts.sum::<u32>()));
    container::of_kubectl(&mut facts, node.at("Containers"), node.at("Volumes"), true);
    events_of_kubectl(&mut facts, node);
    facts
}

/// `replicaset/NAME`
fn owner(controller: &str) -> String {
    controller.split_once('/').map_or_else(String::new, |(kind, name)| format!("{}/{name}", kind.to_lowercase()))
}

fn pod_of_midwatch(name: &str, page: &[Section]) -> Facts {
    let summary = section(page, &format!("pod {name}"));
    let on = Some(summary.value("node")).filter(|node| *node != "not scheduled").unwrap_or("none");
    let (kind, of, _) = &section(page, "owner").fields[0];
    let mut facts = Facts::from([
        format!("node: {on}"),
        format!("address: {}", summary.value("address")),
        format!("quality of service: {}", summary.value("quality of service")),
        format!("service account: {}", summary.value("service account")),
        format!("owner: {kind}/{}", of.split(", ").next().unwrap_or_default()),
        format!("restarts: {}", summary.value("restarts").split(' ').next().unwrap_or_default()),
    ]);
    for (kind, says, _) in &section(page, "conditions").fields {
        facts.insert(format!("condition: {kind} {}", says.split([':', ' ']).next().unwrap_or_default()));
    }
    container::of_midwatch(&mut facts, page, true);
    events_of_midwatch(&mut facts, page, &format!("pod/{name}: "));
    facts
}

/// `event: Warning BackOff x7: Back-off restarting ...`
fn events_of_kubectl(facts: &mut Facts, node: &Node) {
    for row in node.rows("Events") {
        let [kind, reason, age, _, message] = cells(row, 5)[..] else { panic!("no event: {row}") };
        // It says of which container an event is.
        let message = message
            .strip_prefix("spec.containers{")
            .and_then(|rest| rest.split_once("}: "))
            .map_or(message, |(_, message)| message);
        facts.insert(event(kind, reason, age, message));
    }
}

/// What `kubectl events` printed: LAST SEEN, TYPE, REASON, OBJECT, MESSAGE.
fn events_alone(text: &str) -> Facts {
    let rows = text.lines().skip(1).map(|row| cells(row, 5));
    rows.map(|row| event(row[1], row[2], row[0], row[4])).collect()
}

/// `age`: `3m4s (x7 over 16m)`
fn event(kind: &str, reason: &str, age: &str, message: &str) -> String {
    let times = age.split_once("(x").map_or("1", |(_, rest)| rest.split(' ').next().unwrap_or_default());
    // Midwatch names the pod in the row already.
    let message = match message.split_once(" in pod ") {
        Some((says, pod)) if pod.contains('_') && pod.ends_with(')') && !pod.contains(' ') => says,
        _ => message,
    };
    format!("event: {kind} {reason} x{times}: {message}")
}

/// Those about the object itself: of a pod's node there are more.
fn events_of_midwatch(facts: &mut Facts, page: &[Section], about: &str) {
    for (name, says, level) in &section(page, "events").fields {
        let Some(message) = says.strip_prefix(about) else { continue };
        let kind = if *level == Some(Level::Wrong) { "Warning" } else { "Normal" };
        // `10s ago BackOff x14`
        let what = name.split_once(" ago ").map_or(name.as_str(), |(_, what)| what);
        let times = if what.contains(" x") { "" } else { " x1" };
        facts.insert(format!("event: {kind} {what}{times}: {message}"));
    }
}

async fn a_workload(desk: &Desk, watching: &Watching, kind: WorkloadKind, name: &str) {
    let key = workload(kind, NAMESPACE, name);
    let described = printed(&desk.out(&format!("describe {}/{name} -n {NAMESPACE}", kind.name())).await);
    let history = desk.out(&format!("rollout history {}/{name} -n {NAMESPACE}", kind.name())).await;
    let title = key.to_string();
    let page = page(watching, Query::Describe(ObjectRef::Workload(key))).await;
    let mut theirs = workload_of_kubectl(&described);
    // The newest five of them, and why they were made.
    theirs.extend(history.lines().skip(2).filter(|line| !line.is_empty()).map(|line| {
        let [number, why] = cells(line, 2)[..] else { panic!("no revision: {line}") };
        format!("revision: {number} {}", if why == "<none>" { "" } else { why })
    }));
    let ours = workload_of_midwatch(&title, &page);
    assert_same(&title, &theirs, &ours);
    let events = events_alone(&desk.out(&format!("events --for {}/{name} -n {NAMESPACE}", kind.name())).await);
    let mut of_page = ours;
    of_page.retain(|fact| fact.starts_with("event: "));
    assert_same(&format!("events of {title}"), &events, &of_page);
    let made = |some: &str| theirs.iter().any(|fact| fact.starts_with(some));
    match name {
        "rich" => assert!(made("revision: 1 made by hand") && made("max unavailable: 1"), "{theirs:#?}"),
        "waiting" => assert!(made("condition: Available False"), "{theirs:#?}"),
        _ => {}
    }
}

fn workload_of_kubectl(node: &Node) -> Facts {
    let mut facts = Facts::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            facts.insert(format!("{name}: {value}"));
        }
    };
    add("selector", node.value("Selector"));
    for annotation in node.values("Annotations") {
        match annotation.split_once(": ") {
            Some(("deployment.kubernetes.io/revision", number)) => add("live revision", number),
            Some(("kubernetes.io/change-cause", why)) => add("change cause", why),
            _ => {}
        }
    }
    // `10 desired | 9 updated | 13 total | 8 available | 5 unavailable`
    for count in node.value("Replicas").split(" | ").filter(|count| !count.ends_with("unavailable")) {
        let (number, what) = count.split_once(' ').unwrap_or((count, ""));
        add("replicas", &format!("{what} {number}"));
    }
    // `25% max unavailable, 25% max surge`
    if let Some((limit, surge)) = node.value("RollingUpdateStrategy").split_once(" max unavailable") {
        add("max unavailable", limit);
        add("max surge", surge.trim_start_matches(", ").trim_end_matches(" max surge"));
    }
    for row in node.rows("Conditions") {
        let [kind, status, reason] = cells(row, 3)[..] else { panic!("no condition: {row}") };
        if (status == "True") == (kind == "ReplicaFailure") {
            add("condition", &format!("{kind} {status} {reason}"));
        }
    }
    let template = node.at("Pod Template");
    container::of_kubectl(&mut facts, template.at("Containers"), template.at("Volumes"), false);
    events_of_kubectl(&mut facts, node);
    facts
}

fn workload_of_midwatch(title: &str, page: &[Section]) -> Facts {
    let summary = section(page, title);
    let is_deployment = title.starts_with("deploy/");
    let mut facts = Facts::from([format!("selector: {}", summary.value("selector").replace(", ", ","))]);
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            facts.insert(format!("{name}: {value}"));
        }
    };
    add("change cause", summary.value("change cause"));
    if is_deployment {
        add("live revision", summary.value("revision"));
    }
    // `8/10 ready, 9 of the new version, 8 available, 13 exist`; of others kubectl prints what is desired and exists
    let counts: Vec<&str> = summary.value("replicas").split([' ', '/']).collect();
    let [_, desired, _, updated, _, _, _, _, available, _, total, _] = counts[..] else { panic!("{counts:?}") };
    add("replicas", &format!("desired {desired}"));
    add("replicas", &format!("total {total}"));
    if is_deployment {
        add("replicas", &format!("updated {updated}"));
        add("replicas", &format!("available {available}"));
        let strategy = summary.value("strategy");
        // `rolling, at most 25% unavailable, 25% max surge`
        let limits = strategy.strip_prefix("rolling, at most ").and_then(|rest| rest.split_once(" unavailable"));
        let (limit, surge) = limits.unwrap_or_default();
        add("max unavailable", limit);
        add("max surge", surge.trim_start_matches(", ").trim_end_matches(" max surge"));
    }
    for (kind, says, _) in &section(page, "conditions").fields {
        // `False: MinimumReplicasUnavailable: it has too few pods (16m ago)`
        let says = says.rsplit_once(" (").map_or(says.as_str(), |(says, _)| says);
        add("condition", &format!("{kind} {}", says.split(": ").take(2).collect::<Vec<_>>().join(" ")));
    }
    for (number, says, _) in &section(page, "revisions").fields {
        add("revision", &format!("{number} {}", says.split_once(", because: ").map_or("", |(_, why)| why)));
    }
    container::of_midwatch(&mut facts, page, false);
    let (kind, name) = title.split_once('/').unwrap_or_default();
    let kind = WorkloadKind::parse(kind).map_or("", WorkloadKind::name);
    events_of_midwatch(&mut facts, page, &format!("{kind}/{name}: "));
    facts
}
