//! Shells in the demo's containers, over its real WebSocket.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Ended, Over, STATUS, Session, Typist, run};
use crate::{
    model::{BackendId, kubernetes::ObjectKey},
    source::kubernetes::{
        Cluster,
        client::Writer,
        scripted,
        tests::on_demo::{cluster, served},
    },
    time::SystemClock,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running pod of the story.
async fn pod(cluster: &Cluster, app: &str) -> ObjectKey {
    let list: serde_json::Value =
        cluster.get(&format!("/api/v1/namespaces/production/pods?labelSelector=app%3D{app}")).await.unwrap();
    let pods = list["items"].as_array().unwrap();
    let running = pods.iter().find(|pod| pod["status"]["containerStatuses"][0]["state"]["running"].is_object());
    let name = running.expect("one runs")["metadata"]["name"].as_str().unwrap();
    ObjectKey { cluster: BackendId::new("prod-eu1"), namespace: "production".into(), name: name.into() }
}

async fn container(cluster: &Cluster, pod: &ObjectKey) -> String {
    let object: serde_json::Value =
        cluster.get(&format!("/api/v1/namespaces/production/pods/{}", pod.name)).await.unwrap();
    object["spec"]["containers"][0]["name"].as_str().unwrap().to_owned()
}

/// Types line by line, each when the prompt stands; everything that was shown, and how it ended.
async fn typed(writer: &Writer, pod: &ObjectKey, container: &str, lines: &[&str]) -> (String, Ended) {
    let (to, mut keys) = mpsc::unbounded_channel();
    let (_sizes, mut sizes) = watch::channel((100, 30));
    let mut waiting: Vec<Bytes> = lines.iter().rev().map(|line| Bytes::copy_from_slice(line.as_bytes())).collect();
    let mut shown = String::new();
    let mut show = |bytes: &[u8]| {
        shown += &String::from_utf8_lossy(bytes);
        if shown.ends_with("$ ")
            && let Some(line) = waiting.pop()
        {
            to.send(line).expect("it listens");
        }
        Ok(())
    };
    let typist = Typist { keys: &mut keys, sizes: &mut sizes, show: &mut show };
    let ended = tokio::time::timeout(PATIENCE, run(writer, pod, container, typist)).await.expect("in time");
    (shown, ended)
}

/// There is no bash in the demo's images: sh is taken, its output comes as it is, its exit code is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_shell_runs_and_tells_its_exit_code() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let (writer, pod) = (cluster.writer().expect("not read-only"), pod(&cluster, "postgres").await);
    let container = container(&cluster, &pod).await;
    let (shown, ended) = typed(&writer, &pod, &container, &["hostname\r", "exit 7\r"]).await;
    assert_eq!(ended, Ended::Exit(7), "{shown}");
    assert!(shown.contains(&format!("hostname\r\n{}\r\n", pod.name)), "{shown:?}");
    let (shown, ended) = typed(&writer, &pod, &container, &["\u{3}", "\u{4}"]).await;
    assert_eq!(ended, Ended::Exit(0), "ctrl-c is the shell's, ctrl-d ends it");
    assert!(shown.contains("^C"), "{shown:?}");
    let (_, ended) = typed(&writer, &pod, &container, &["true\r", "~."]).await;
    assert_eq!(ended, Ended::Left);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_told_and_a_broken_connection_ends_it() {
    let demo = served().await;
    let cluster = cluster(&demo).await;
    let (writer, pod) = (cluster.writer().expect("not read-only"), pod(&cluster, "postgres").await);
    let (shown, ended) = typed(&writer, &pod, "nosuch", &[]).await;
    assert!(matches!(&ended, Ended::Refused(says) if says.contains("nosuch")), "{ended:?} {shown}");
    let gone = ObjectKey { name: "gone".into(), ..pod.clone() };
    let (_, ended) = typed(&writer, &gone, "web", &[]).await;
    assert!(matches!(&ended, Ended::Refused(says) if says.contains("gone")), "{ended:?}");

    let container = container(&cluster, &pod).await;
    let (to, mut keys) = mpsc::unbounded_channel();
    let (_sizes, mut sizes) = watch::channel((100, 30));
    let (prompted_to, prompted) = tokio::sync::oneshot::channel();
    let mut prompted_to = Some(prompted_to);
    let mut show = |_: &[u8]| {
        if let Some(to) = prompted_to.take() {
            to.send(()).expect("it waits");
        }
        Ok(())
    };
    let typist = Typist { keys: &mut keys, sizes: &mut sizes, show: &mut show };
    let (ended, ()) = tokio::join!(run(&writer, &pod, &container, typist), async {
        prompted.await.expect("a prompt");
        demo.stop().await;
    });
    assert!(matches!(ended, Ended::Lost(_)), "{ended:?}");
    drop(to);
}

/// A server that upgrades.
async fn upgrades(listener: TcpListener) -> BufReader<TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let (mut line, mut key) = (String::new(), String::new());
    while stream.read_line(&mut line).await.unwrap() > 2 {
        if let Some((_, value)) =
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        {
            key = value.trim().to_owned();
        }
        line.clear();
    }
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream
}

/// One that says how it ended, and is gone before anything was sent to it.
async fn hangs_up(listener: TcpListener, status: &str) {
    let mut stream = upgrades(listener).await;
    let length = u8::try_from(status.len() + 1).expect("a short frame");
    let mut told = vec![0x82, length, STATUS];
    told.extend(status.bytes());
    told.extend([0x88, 2, 0x03, 0xe8]);
    stream.write_all(&told).await.unwrap();
    stream.get_ref().set_zero_linger().unwrap();
}

/// A cluster at this listener, and some pod.
async fn behind(listener: &TcpListener) -> (Writer, ObjectKey) {
    let port = listener.local_addr().unwrap().port();
    let cluster = scripted::cluster(port, Arc::new(SystemClock)).await;
    let pod = ObjectKey { cluster: BackendId::new("prod-eu1"), namespace: "production".into(), name: "web".into() };
    (cluster.writer().expect("not read-only"), pod)
}

/// A laptop that slept, a connection that a firewall forgot: nothing comes, not even an end.
#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (writer, pod) = behind(&listener).await;
    let server = tokio::spawn(upgrades(listener));
    let Ok(mut session) = Session::open(&writer, &pod, "web", "bash").await else { panic!("it upgrades") };
    let _silent = server.await.unwrap();
    session.beat = Duration::from_millis(5);
    let (_to, mut keys) = mpsc::unbounded_channel();
    let (_sizes, mut sizes) = watch::channel((80, 24));
    let mut show = |_: &[u8]| Ok(());
    let mut typist = Typist { keys: &mut keys, sizes: &mut sizes, show: &mut show };
    let over = tokio::time::timeout(PATIENCE, session.pump(&mut typist)).await.expect("it does not hang");
    let Over::Ended(Ended::Lost(why)) = over else { panic!("it is lost") };
    assert!(why.starts_with("no sign of life"), "{why}");
}

/// Nor does one that takes the connection and never answers hold anybody.
#[tokio::test]
async fn a_server_that_never_upgrades_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (writer, pod) = behind(&listener).await;
    let opened = tokio::time::timeout(PATIENCE, Session::open(&writer, &pod, "web", "bash")).await.expect("it ends");
    let Err(failure) = opened else { panic!("nobody answered") };
    assert_eq!(failure.error.kind, crate::source::ErrorKind::TimedOut, "{failure}");
}

#[tokio::test]
async fn a_reason_that_came_before_the_connection_broke_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (writer, pod) = behind(&listener).await;
    let status = r#"{"status":"Failure","message":"exec: \"bash\": executable file not found"}"#;
    let server = tokio::spawn(async move { hangs_up(listener, status).await });
    let Ok(mut session) = Session::open(&writer, &pod, "web", "bash").await else { panic!("it upgrades") };
    server.await.unwrap();
    let (_to, mut keys) = mpsc::unbounded_channel();
    let (_sizes, mut sizes) = watch::channel((80, 24));
    let mut show = |_: &[u8]| Ok(());
    let over = session.pump(&mut Typist { keys: &mut keys, sizes: &mut sizes, show: &mut show }).await;
    assert!(matches!(over, Over::Missing), "sh is tried where there is no bash");
}
