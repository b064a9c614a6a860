//! Every way an answer can fail to come, and the words for it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Auth, Direct, Http, Limits,
    fake::{Behaviour, Fake, answer, json as good},
};
use crate::{
    config::file::Tls,
    secret::Secret,
    source::{ErrorKind, SourceError},
    time::{Clock, SystemClock},
};

const LIMITS: Limits = Limits {
    connect: Duration::from_millis(500),
    idle: Duration::from_millis(150),
    answer: Duration::from_secs(10),
    body: 1024 * 1024,
};

fn client(url: &str) -> Http {
    with_tls(url, &Tls::default()).unwrap()
}

fn with_tls(url: &str, tls: &Tls) -> Result<Http, SourceError> {
    let direct = Direct::new("Grafana 'main'", url, tls, LIMITS)?;
    let auth = Auth::Bearer(Secret::new("glsa_secretsecretsecretsecret"));
    Ok(Http::new("Grafana 'main'", Arc::new(direct), &auth, Arc::new(SystemClock)))
}

async fn error(behave: impl Fn() -> Behaviour + Send + Sync + 'static) -> SourceError {
    let fake = Fake::start(move |_| behave()).await;
    let error = client(&fake.url).get_json::<Vec<u32>>("/api/x?token=abc").await.unwrap_err();
    assert!(error.says.starts_with("Grafana 'main' "), "{error}");
    assert!(!error.says.contains("glsa_") && !error.says.contains("token=abc"), "{error}");
    error
}

#[tokio::test]
async fn nobody_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = client(&format!("http://127.0.0.1:{port}")).get_json::<Value>("/api/x").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(
        error.says.as_str(),
        format!("Grafana 'main' does not answer: connection refused (http://127.0.0.1:{port})")
    );
}

#[tokio::test]
async fn a_name_that_is_not_known() {
    let error = client("http://no-such-host.invalid").get_json::<Value>("/api/x").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.says.contains("its name cannot be resolved"), "{error}");
}

#[tokio::test]
async fn silence_before_and_during_the_body() {
    let before = error(|| Behaviour::Silent).await;
    assert_eq!(before.kind, ErrorKind::TimedOut);
    assert!(before.says.contains("did not answer '/api/x' within 0.15 s"), "{before}");
    let during = error(|| Behaviour::SilentInBody).await;
    assert_eq!(during.kind, ErrorKind::TimedOut);
    assert!(during.says.contains("stopped in the middle of its answer for '/api/x'"), "{during}");
}

#[tokio::test]
async fn connections_that_end_early() {
    let cut = error(|| Behaviour::CutOff).await;
    assert_eq!(cut.kind, ErrorKind::Unreachable);
    assert!(cut.says.contains("broke off its answer for '/api/x'"), "{cut}");
    let hung_up = error(|| Behaviour::HangUp).await;
    assert_eq!(hung_up.kind, ErrorKind::Unreachable, "{hung_up}");
}

#[tokio::test]
async fn statuses_in_words() {
    let message = r#"{"message":"Access denied, token=hunter22","statusCode":403}"#;
    for (status, kind, words) in [
        (401, ErrorKind::Auth, "refused who we are (401) for '/api/x'"),
        (403, ErrorKind::Auth, "does not allow '/api/x' (403): Access denied, token=[masked]"),
        (404, ErrorKind::Unexpected, "has no '/api/x' (404)"),
        (429, ErrorKind::Throttled, "has been asked too often (429)"),
        (500, ErrorKind::Unexpected, "answered 500 for '/api/x': Access denied"),
        (503, ErrorKind::Unreachable, "is not available behind its proxy (503)"),
        (504, ErrorKind::TimedOut, "ran out of time (504)"),
    ] {
        let error = error(move || answer(status, "application/json", message)).await;
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.says.contains(words), "{status}: {error}");
    }
    let bare = error(|| answer(400, "application/json", "\"bad matcher\\nand more\"")).await;
    assert!(bare.says.ends_with("answered 400 for '/api/x': bad matcher"), "{bare}");
    let text = error(|| answer(500, "text/plain", "\x1b[31mboom\x07")).await;
    assert!(text.says.ends_with(": boom^G"), "{text}");
}

#[tokio::test]
async fn retry_after_is_understood() {
    let with = |value: &'static str| {
        error(move || Behaviour::Answer {
            status: 429,
            headers: vec![("retry-after", value.to_owned())],
            body: String::new(),
        })
    };
    let now = SystemClock.now().wall;
    let seconds = with("30").await.retry_at.unwrap().duration_since(now).as_secs();
    assert!((29..=31).contains(&seconds), "{seconds}");
    assert_eq!(with("Fri, 31 Dec 2100 23:59:59 GMT").await.retry_at, "2100-12-31T23:59:59Z".parse().ok());
    assert_eq!(with("soon").await.retry_at, None);
}

#[tokio::test]
async fn pages_instead_of_json() {
    let login = "<!DOCTYPE html><html><form><input type=\"password\"></form></html>";
    let login = error(move || answer(200, "text/html", login)).await;
    assert_eq!(login.kind, ErrorKind::Auth);
    assert!(login.says.contains("sent a login page instead of '/api/x'"), "{login}");
    let page = error(|| answer(200, "text/html; charset=utf-8", "<html><body>It works!</body></html>")).await;
    assert_eq!(page.kind, ErrorKind::Unexpected);
    assert!(page.says.contains("a web page instead of JSON"), "{page}");
    let moved = |to: &'static str| {
        error(move || Behaviour::Answer {
            status: 302,
            headers: vec![("location", to.to_owned())],
            body: String::new(),
        })
    };
    assert_eq!(moved("https://sso.example.test/oauth2/authorize?x=1").await.kind, ErrorKind::Auth);
    assert_eq!(moved("/login").await.kind, ErrorKind::Auth);
    let elsewhere = moved("https://other.example.test/api/x").await;
    assert!(elsewhere.says.contains("redirects '/api/x' to 'https://other.example.test/api/x' (302)"), "{elsewhere}");
    assert_eq!(elsewhere.kind, ErrorKind::Unexpected);
}

#[tokio::test]
async fn json_that_is_none_or_another() {
    for (body, words) in [
        ("[1, 2", "was cut off at line 1, column 5"),
        ("[1, secret]", "is not JSON at line 1, column 5"),
        (r#"["secret"]"#, "has an unexpected shape at line 1, column 9"),
        ("", "was cut off at line 1, column 0"),
    ] {
        let error = error(move || answer(200, "application/json", body)).await;
        assert_eq!(error.kind, ErrorKind::Unexpected);
        assert!(error.says.contains(words) && !error.says.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn bodies_without_end_are_given_up() {
    for behave in [|| Behaviour::Endless, || Behaviour::Claims(100 * 1024 * 1024)] {
        let error = error(behave).await;
        assert_eq!(error.kind, ErrorKind::Unexpected);
        assert!(error.says.contains("sent more than 1 MiB for '/api/x'"), "{error}");
    }
}

#[tokio::test]
async fn paths_join_headers_go_along_and_the_same_host_may_redirect() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/grafana/api/x?a=b" => Behaviour::Answer {
            status: 301,
            headers: vec![("location", "/grafana/api/y".to_owned())],
            body: String::new(),
        },
        "/grafana/api/y" => good(&json!([1])),
        _ => answer(404, "text/plain", "404 page not found"),
    })
    .await;
    let http = client(&format!("{}/grafana/", fake.url)).header("x-scope-orgid", "shop");
    assert_eq!(http.get_json::<Vec<u32>>("/api/x?a=b").await.unwrap(), [1]);
    let asked = fake.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].header("authorization"), Some("Bearer glsa_secretsecretsecretsecret"));
    assert_eq!(asked[0].header("x-scope-orgid"), Some("shop"));
    assert!(asked[0].header("user-agent").unwrap().starts_with("midwatch/"));
    let post = http.post_json::<Value>("/api/x?a=b", &json!({})).await.unwrap_err();
    assert!(post.says.contains("redirects"), "a write is never sent twice: {post}");
}

#[tokio::test]
async fn the_servers_clock_is_known_from_its_date() {
    let fake = Fake::start(|_| Behaviour::Answer {
        status: 200,
        headers: vec![("date", "Fri, 31 Dec 2100 23:59:59 GMT".to_owned())],
        body: "[]".to_owned(),
    })
    .await;
    let http = client(&fake.url);
    assert_eq!((http.skew(), http.ahead_ms()), (None, 0));
    http.get_json::<Value>("/").await.unwrap();
    assert_eq!(
        http.server_now().as_second() / 60,
        "2100-12-31T23:59:59Z".parse::<jiff::Timestamp>().unwrap().as_second() / 60
    );
}

#[test]
fn a_base_that_cannot_be_used_is_said_without_its_password() {
    let says = |url: &str, tls: &Tls| with_tls(url, tls).err().unwrap().says;
    assert!(says("grafana:3000", &Tls::default()).contains("must begin with http:// or https://"));
    assert!(says("", &Tls::default()).contains("unusable `url` ''"));
    assert!(!says("ftp://bob:hunter22@host", &Tls::default()).contains("hunter22"));
    let missing = Tls { ca_file: Some("/no/such/ca.pem".into()), insecure: false };
    assert!(says("https://g", &missing).contains("cannot use its `ca_file` '/no/such/ca.pem'"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no certificate").unwrap();
    let empty = Tls { ca_file: Some(file.path().into()), insecure: false };
    assert!(says("https://g", &empty).contains("no certificate in it"));
    let http = with_tls("https://bob:hunter22@host/x?y#z", &Tls::default()).unwrap();
    assert_eq!(http.server(), "https://host/x");
}

#[tokio::test]
async fn plain_http_behind_an_https_address_is_recognised() {
    use tokio::io::AsyncWriteExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = client(&url).get_json::<Value>("/api/x").await.unwrap_err();
    server.abort();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.says.contains("does not speak TLS"), "{error}");
}

/// Serves `[1]` over TLS with a certificate of the test authority, to one connection after the other.
fn tls_server() -> String {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    use std::io::{Read as _, Write as _};
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from(include_bytes!("../../../tests/fixtures/tls/server.der").to_vec());
    let key = PrivatePkcs8KeyDer::from(include_bytes!("../../../tests/fixtures/tls/server.key.der").to_vec());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).is_ok_and(|count| count > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\n[1]");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_authorities_are_trusted_when_named() {
    let url = tls_server();
    let error = client(&url).get_json::<Vec<u32>>("/").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.says.contains("an authority this computer does not trust: set `tls.ca_file`"), "{error}");
    let named = Tls {
        ca_file: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem").into()),
        insecure: false,
    };
    assert_eq!(with_tls(&url, &named).unwrap().get_json::<Vec<u32>>("/").await.unwrap(), [1]);
    let insecure = Tls { ca_file: None, insecure: true };
    assert_eq!(with_tls(&url, &insecure).unwrap().get_json::<Vec<u32>>("/").await.unwrap(), [1]);
}
