//! Clusters behind scripted proxies, over the demo's real wire.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt as _;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::{
    config::file::{Kubernetes, Timeouts},
    demo::Served,
    json::text,
    source::{
        SourceError,
        kubernetes::{Cluster, kubeconfig, tests::on_demo::served},
    },
    time::SystemClock,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// The server by a name that its proxy alone can resolve.
const NAME: &str = "api.eu.invalid";

/// A proxy: where it is, and to which servers it was sent.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(scheme: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = asked.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, scheme == "socks5", log.clone()));
            }
        });
        Self { url, asked }
    }
}

/// One connection, until either side ends it.
async fn pass(mut client: TcpStream, is_socks: bool, asked: Arc<Mutex<Vec<String>>>) -> io::Result<()> {
    let place = if is_socks { socks(&mut client).await? } else { connect(&mut client).await? };
    asked.lock().unwrap().push(place.clone());
    let mut server = TcpStream::connect(place.replace(NAME, "127.0.0.1")).await?;
    let answer: &[u8] =
        if is_socks { &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0] } else { b"HTTP/1.1 200 Connection established\r\n\r\n" };
    client.write_all(answer).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// The server that a CONNECT names.
async fn connect(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("CONNECT "), "{head}");
    Ok(head.split(' ').nth(1).unwrap().to_owned())
}

/// The server that a SOCKS5 client names (RFC 1928), which must not resolve it itself.
async fn socks(client: &mut TcpStream) -> io::Result<String> {
    assert_eq!(client.read_u8().await?, 5);
    let mut methods = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut methods).await?;
    client.write_all(&[5, 0]).await?;
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    assert_eq!(head, [5, 1, 0, 3], "a connection to a name");
    let mut name = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut name).await?;
    let port = client.read_u16().await?;
    Ok(format!("{}:{port}", String::from_utf8(name).unwrap()))
}

/// The demo's cluster, as its proxy knows it.
async fn behind(demo: &Served, proxy: &str) -> Result<Cluster, SourceError> {
    let mut loaded = kubeconfig::load(std::slice::from_ref(&demo.kubeconfig));
    for cluster in loaded.config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        cluster.server = cluster.server.as_deref().map(|server| server.replace("127.0.0.1", NAME));
        cluster.proxy_url = Some(proxy.to_owned());
    }
    let wanted = Kubernetes { context: Some("prod-eu1".to_owned()), ..Kubernetes::default() };
    Cluster::open(&wanted, &loaded, Timeouts::default(), Arc::default(), Arc::new(SystemClock)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_a_watch_and_a_shell_go_through_either_kind_of_proxy() {
    let demo = served().await;
    for scheme in ["http", "socks5"] {
        let proxy = Proxy::start(scheme).await;
        let cluster = behind(&demo, &proxy.url).await.unwrap();
        let pods = "/api/v1/namespaces/production/pods";
        let list: Value = cluster.get(&format!("{pods}?labelSelector=app%3Dpostgres")).await.unwrap();
        let (name, container) = (text(&list, "/items/0/metadata/name"), text(&list, "/items/0/spec/containers/0/name"));

        let mut watch = cluster.open_stream(&format!("{pods}?watch=true"), PATIENCE).await.unwrap();
        let mut told = String::new();
        while !told.contains("\"ADDED\"") {
            let piece = timeout(PATIENCE, watch.chunk()).await.expect("in time").unwrap().expect("it goes on");
            told += &String::from_utf8_lossy(&piece);
        }

        let shell = format!("{pods}/{name}/exec?container={container}&command=sh&stdin=true&stdout=true&tty=true");
        let writer = cluster.writer().expect("not read-only");
        let (mut socket, _) = writer.upgrade(&shell, &["v5.channel.k8s.io"]).await.unwrap();
        let mut shown = String::new();
        while !shown.ends_with("$ ") {
            let message = timeout(PATIENCE, socket.next()).await.expect("in time").expect("a prompt").unwrap();
            if let Message::Binary(bytes) = message {
                // after its channel
                shown += &String::from_utf8_lossy(bytes.get(1..).unwrap_or_default());
            }
        }

        let asked = proxy.asked.lock().unwrap().clone();
        assert!(asked.len() >= 2, "reads and writes have connections of their own: {asked:?}");
        assert!(asked.iter().all(|place| place.starts_with(NAME)), "{scheme}: {asked:?}");
    }
    demo.stop().await;
}

/// What is down is the proxy, not the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_down_is_named() {
    let demo = served().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    drop(listener);
    for scheme in ["http", "socks5"] {
        let cluster = behind(&demo, &format!("{scheme}://ana:opensesame@{place}")).await.unwrap();
        let says = cluster.get::<Value>("/version").await.unwrap_err().error.says;
        let expected = format!(
            "Kubernetes 'prod-eu1' is not reached: the proxy {scheme}://{place} does not answer: connection refused."
        );
        assert_eq!(says.as_str(), expected);
    }
    demo.stop().await;
}

#[tokio::test]
async fn a_proxy_of_another_kind_is_refused_by_name() {
    let demo = served().await;
    let says = behind(&demo, "socks4://127.0.0.1:1080").await.err().expect("refused").says;
    assert!(says.contains("behind a 'socks4' proxy; only http, https and socks5 proxies are known"), "{says}");
    demo.stop().await;
}

#[test]
fn the_kubeconfigs_proxy_comes_first_and_the_environments_by_the_server() {
    let environment = Environment {
        http: "http://plain:3128".to_owned(),
        https: "secure:3128".to_owned(),
        no: "localhost,127.0.0.1,10.0.0.0/8,.corp.example".to_owned(),
    };
    let local = Some("socks5://127.0.0.1:1080");
    for (server, named, expected) in [
        // `ssh -D` is on this computer, which NO_PROXY usually names
        ("https://api.eu.example:6443", local, local),
        ("https://10.1.2.3:6443", local, local),
        ("https://127.0.0.1:6443", local, local),
        ("https://api.eu.example:6443", None, Some("http://secure:3128")),
        ("https://api.eu.example:6443", Some(""), Some("http://secure:3128")),
        ("http://api.eu.example:8080", None, Some("http://plain:3128")),
        ("https://10.1.2.3:6443", None, None),
        ("https://api.corp.example:6443", None, None),
        ("https://127.0.0.1:6443", None, None),
        ("https://[::1]:6443", None, None),
    ] {
        let proxy = to(&Uri::from_static(server), named, &environment).unwrap();
        assert_eq!(proxy, expected.map(Uri::from_static), "{server} {named:?}");
    }
    let none = to(&Uri::from_static("https://api.eu.example"), None, &Environment::default()).unwrap();
    assert_eq!(none, None);
}
