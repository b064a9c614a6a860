//! Port-forwards into the demo's pods, over its real WebSocket.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

use super::{Counts, Forwarding, REST, Running, start};
use crate::{
    model::{
        BackendId,
        forward::{Forward, ForwardAsk, ForwardState, ForwardTo},
        kubernetes::{ObjectKey, WorkloadKey, WorkloadKind},
    },
    source::kubernetes::{
        scripted,
        tests::on_demo::{cluster, served},
    },
    time::SystemClock,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn workload(kind: WorkloadKind, name: &str) -> ForwardTo {
    ForwardTo::Workload(WorkloadKey {
        cluster: BackendId::new("prod-eu1"),
        namespace: "production".into(),
        kind,
        name: name.into(),
    })
}

fn service(name: &str) -> ForwardTo {
    ForwardTo::Service(ObjectKey {
        cluster: BackendId::new("prod-eu1"),
        namespace: "production".into(),
        name: name.into(),
    })
}

fn ask(to: ForwardTo, ports: &str) -> ForwardAsk {
    ForwardAsk::parse(to, ports).expect("well written")
}

/// Waits until the forward is as it should be.
async fn until(forwarding: &Forwarding, what: &str, is_so: impl Fn(&Forward) -> bool) -> Forward {
    let mut state = forwarding.state.clone();
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let now = state.borrow_and_update().clone();
            if is_so(&now) {
                return now;
            }
            state.changed().await.expect("it goes on");
        }
    });
    found.await.unwrap_or_else(|_| panic!("waited in vain for {what}: {:?}", forwarding.now()))
}

async fn get(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_through_and_is_counted() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let wake = Arc::new(Notify::new());
    let forwarding = start(&cluster, 1, ask(workload(WorkloadKind::Deployment, "search"), ""), wake.clone());
    let listening = until(&forwarding, "a port", |now| now.local.is_some()).await;
    let port = listening.local.expect("it listens");
    let answer = get(port, "/healthz").await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok\n"), "{answer}");
    let now = until(&forwarding, "its end", |now| now.opened == 1 && now.open == 0 && now.received > 0).await;
    assert!(now.sent > 40 && now.received >= answer.len() as u64, "{now:?}");
    assert_eq!(now.state, ForwardState::Listening);
    assert!(now.pod.is_some_and(|(pod, _)| pod.starts_with("search-")));
    wake.notified().await;

    // A service leads to its target port.
    let through = start(&cluster, 2, ask(service("search"), ""), wake.clone());
    let port = until(&through, "a port", |now| now.local.is_some()).await.local.expect("it listens");
    assert!(get(port, "/healthz").await.expect("answered").ends_with("ok\n"));

    // Dropped, it listens no more.
    drop(forwarding);
    let first = listening.local.expect("it listened");
    let closed = async {
        while get(first, "/healthz").await.is_ok_and(|answer| !answer.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("it ends");
    demo.stop().await;
}

/// The pod is deleted: the next connection goes to one that took its place.
#[tokio::test(flavor = "multi_thread")]
async fn it_survives_the_pod() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let of_workload = ask(workload(WorkloadKind::Deployment, "search"), "");
    let forwarding = start(&cluster, 1, of_workload.clone(), Arc::new(Notify::new()));
    let first = until(&forwarding, "a port", |now| now.local.is_some()).await;
    let (port, (pod, _)) = (first.local.expect("it listens"), first.pod.expect("a pod"));
    let ForwardTo::Workload(owner) = of_workload.to else { panic!("a workload") };
    let (namespace, name) = (owner.namespace.clone(), pod.clone());
    let this_pod = ForwardTo::Pod(ObjectKey { cluster: owner.cluster.clone(), namespace, name });
    let of_pod = ForwardAsk { or: Some(owner), ..ask(this_pod.clone(), ":8080") };
    let to_pod = start(&cluster, 2, of_pod, Arc::new(Notify::new()));
    let second = until(&to_pod, "a port", |now| now.local.is_some()).await;
    assert_eq!(second.pod.as_ref().map(|(name, _)| name), Some(&pod));
    let alone = start(&cluster, 3, ask(this_pod, ":8080"), Arc::new(Notify::new()));
    let alone_at = until(&alone, "a port", |now| now.local.is_some()).await.local.expect("it listens");
    let path = format!("/api/v1/namespaces/production/pods/{pod}?gracePeriodSeconds=0");
    let writer = cluster.writer().expect("not read-only");
    writer.send(http::Method::DELETE, &path, "application/json", &serde_json::json!({})).await.expect("deleted");
    let answer = get(port, "/healthz").await.expect("answered");
    assert!(answer.ends_with("ok\n"), "{answer}");
    let now = until(&forwarding, "another pod", |now| now.pod.as_ref().is_some_and(|(name, _)| *name != pod)).await;
    assert_eq!(now.state, ForwardState::Listening);
    let answer = get(second.local.expect("it listens"), "/healthz").await.expect("answered");
    assert!(answer.ends_with("ok\n"), "a pod's place is taken by another of its workload: {answer}");
    assert_eq!(get(alone_at, "/healthz").await.unwrap_or_default(), "", "a pod alone has nobody in its place");
    until(&alone, "the trouble", |now| matches!(&now.state, ForwardState::Trouble(says) if says.contains(&*pod))).await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let search = || workload(WorkloadKind::Deployment, "search");
    let failed = |ask| {
        let forwarding = start(&cluster, 1, ask, Arc::new(Notify::new()));
        async move {
            let now = until(&forwarding, "its failure", |now| matches!(now.state, ForwardState::Failed(_))).await;
            format!("{:?}", now.state)
        }
    };
    let says = failed(ask(search(), &format!("{port}:8080"))).await;
    assert!(says.contains(&format!("127.0.0.1:{port} is in use")), "{says}");
    let says = failed(ask(search(), ":nosuch")).await;
    assert!(says.contains("no port called 'nosuch'"), "{says}");
    let says = failed(ask(service("nosuch"), "")).await;
    assert!(says.contains("nosuch"), "{says}");

    // Nothing listens on that port of the pod: the connection ends, and why is said.
    let forwarding = start(&cluster, 1, ask(search(), ":4"), Arc::new(Notify::new()));
    let port = until(&forwarding, "a port", |now| now.local.is_some()).await.local.expect("it listens");
    assert_eq!(get(port, "/").await.unwrap_or_default(), "");
    let now = until(&forwarding, "the trouble", |now| matches!(now.state, ForwardState::Trouble(_))).await;
    assert!(format!("{:?}", now.state).contains("connection refused"), "{now:?}");
    demo.stop().await;
}

/// Too many open files: that comes back at once, for as long as it lasts.
#[tokio::test]
async fn it_rests_after_a_connection_that_cannot_be_taken() {
    let ask = ask(workload(WorkloadKind::Deployment, "search"), "");
    let (to, state) = watch::channel(Forward::new(1, ask.clone()));
    let running = Running {
        cluster: scripted::cluster(1, Arc::new(SystemClock)).await,
        ask,
        state: to,
        wake: Arc::new(Notify::new()),
        place: Mutex::default(),
        counts: Counts::default(),
    };
    let tries = AtomicU32::new(0);
    let accept = || async {
        tries.fetch_add(1, Ordering::Relaxed);
        Err(io::Error::other("too many open files"))
    };
    let ended = tokio::time::timeout(REST * 3 / 2, Arc::new(running).take(accept)).await;
    assert!(ended.is_err(), "it goes on");
    let tries = tries.load(Ordering::Relaxed);
    assert!((1..=2).contains(&tries), "{tries}");
    let says = format!("{:?}", state.borrow().state);
    assert!(says.contains("too many open files"), "{says}");
}
