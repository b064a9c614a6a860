//! The demo's registry by nothing but HTTP, held to the OCI distribution specification and to distribution's token
//! specification (`auth/token.md`); and our client on it.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use midwatch::{
    action::{Registry as _, registry::Registered},
    config::{file::Timeouts, load},
    model::image::ImageRef,
    source::registry::Registry,
    time::SystemClock,
};
use reqwest::{Method, Response, StatusCode, header};
use serde_json::Value;

use crate::backend::world;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().unwrap()
}

async fn ask(method: Method, path: &str, token: Option<&str>, accept: Option<&str>) -> Response {
    let mut request = client().request(method, format!("{}{path}", world().registry.url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(accept) = accept {
        request = request.header(header::ACCEPT, accept);
    }
    request.send().await.unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap().to_owned()
}

/// The first error's code of a refusal, which must be JSON as the specification has it.
async fn code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    assert!(header(&answer, "content-type").starts_with("application/json"));
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let first = &body["errors"][0];
    assert!(first["message"].is_string() && first.get("detail").is_some(), "{body}");
    (status, first["code"].as_str().unwrap().to_owned())
}

/// The dance by hand: a token for these scopes.
async fn token(scope: Option<&str>) -> String {
    let mut query = vec![("service", "registry.acme.example")];
    query.extend(scope.map(|scope| ("scope", scope)));
    let endpoint = &world().registry;
    let login = world().to_json()["registry"]["user"].as_str().unwrap().to_owned();
    let asked = client().get(format!("{}/token", endpoint.url)).query(&query).basic_auth(login, Some(&endpoint.token));
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["token"], body["access_token"]);
    // Clients must not be given less than a minute, and reckon from `issued_at`.
    assert!(body["expires_in"].as_i64().unwrap() >= 60);
    body["issued_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    body["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stranger_is_sent_to_the_token_server() {
    for (path, scope) in [("/v2/", ""), ("/v2/myapp/manifests/411", ",scope=\"repository:myapp:pull\"")] {
        let refused = ask(Method::GET, path, None, None).await;
        let realm = format!("Bearer realm=\"{}/token\",service=\"registry.acme.example\"{scope}", world().registry.url);
        assert_eq!(header(&refused, "www-authenticate"), realm);
        assert_eq!(header(&refused, "docker-distribution-api-version"), "registry/2.0");
        assert_eq!(code(refused).await, (401, "UNAUTHORIZED".to_owned()));
    }
    let head = ask(Method::HEAD, "/v2/myapp/manifests/411", None, None).await;
    assert_eq!((head.status(), head.text().await.unwrap().as_str()), (StatusCode::UNAUTHORIZED, ""));
    let wrong = client().get(format!("{}/token", world().registry.url)).basic_auth("ana", Some("guess"));
    assert_eq!(code(wrong.send().await.unwrap()).await, (401, "UNAUTHORIZED".to_owned()));
    let forged = ask(Method::GET, "/v2/", Some("forged"), None).await;
    assert!(header(&forged, "www-authenticate").ends_with("error=\"invalid_token\""));
    let other = token(Some("repository:postgres:pull")).await;
    let elsewhere = ask(Method::GET, "/v2/myapp/manifests/411", Some(&other), Some(MANIFEST)).await;
    assert!(header(&elsewhere, "www-authenticate").ends_with("error=\"insufficient_scope\""));
    assert_eq!(ask(Method::GET, "/v2/", Some(&token(None).await), None).await.status(), StatusCode::OK);
    let push = token(Some("repository:myapp:push")).await;
    assert_eq!(ask(Method::GET, "/v2/myapp/manifests/411", Some(&push), None).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_manifest_is_there_by_tag_and_by_the_hash_of_its_bytes() {
    let token = token(Some("repository:myapp:pull,push")).await;
    let path = "/v2/myapp/manifests/411";
    let head = ask(Method::HEAD, path, Some(&token), Some(MANIFEST)).await;
    let (digest, length) = (header(&head, "docker-content-digest"), header(&head, "content-length"));
    assert_eq!((head.status(), header(&head, "content-type").as_str()), (StatusCode::OK, MANIFEST));
    let whole = ask(Method::GET, path, Some(&token), Some(MANIFEST)).await;
    assert_eq!(header(&whole, "docker-content-digest"), digest);
    let body = whole.bytes().await.unwrap();
    assert_eq!(body.len().to_string(), length);
    let mut hash = "sha256:".to_owned();
    for byte in ring::digest::digest(&ring::digest::SHA256, &body).as_ref() {
        write!(hash, "{byte:02x}").unwrap();
    }
    assert_eq!(hash, digest);
    let manifest: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&manifest["schemaVersion"], &manifest["mediaType"]), (&Value::from(2), &Value::from(MANIFEST)));
    let pinned = ask(Method::GET, &format!("/v2/myapp/manifests/{digest}"), Some(&token), Some(MANIFEST)).await;
    assert_eq!(pinned.bytes().await.unwrap(), body);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_its_code() {
    let of = async |name: &str| token(Some(&format!("repository:{name}:pull"))).await;
    let ask_for = async |name: &str, reference: &str, accept| {
        ask(Method::GET, &format!("/v2/{name}/manifests/{reference}"), Some(&of(name).await), accept).await
    };
    let unknown = |code: &str| (404, code.to_owned());
    assert_eq!(code(ask_for("myapp", "none", Some(MANIFEST)).await).await, unknown("MANIFEST_UNKNOWN"));
    let digest = format!("sha256:{}", "0".repeat(64));
    assert_eq!(code(ask_for("myapp", &digest, Some(MANIFEST)).await).await, unknown("MANIFEST_UNKNOWN"));
    assert_eq!(code(ask_for("nobody/knows", "1", Some(MANIFEST)).await).await, unknown("NAME_UNKNOWN"));
    // What the client does not accept is not sent.
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    assert_eq!(code(ask_for("myapp", "411", Some(docker)).await).await, unknown("MANIFEST_UNKNOWN"));
    let put = ask(Method::PUT, "/v2/myapp/manifests/411", Some(&of("myapp").await), None).await;
    assert_eq!(code(put).await, (405, "UNSUPPORTED".to_owned()));
}

#[tokio::test]
async fn our_client_finds_the_digest_that_the_kubelet_tells() {
    let (name, cluster, _) = &world().clusters[0];
    let pods = client().get(format!("{}/api/v1/namespaces/production/pods?labelSelector=app%3Dmyapp", cluster.url));
    let pods = pods.bearer_auth(&cluster.token).send().await.unwrap().text().await.unwrap();
    let pods: Value = serde_json::from_str(&pods).unwrap();
    let statuses =
        pods["items"].as_array().unwrap().iter().filter_map(|pod| pod["status"]["containerStatuses"].as_array());
    let told: BTreeSet<(String, String)> = statuses
        .flatten()
        .filter_map(|status| Some((status["image"].as_str()?.to_owned(), status["imageID"].as_str()?.to_owned())))
        .filter(|(_, id)| !id.is_empty())
        .collect();
    assert!(told.len() >= 2, "{name}: {told:?}");
    let config = load::load(Some(&world().config), None).unwrap().config;
    for (image, id) in told {
        let image = ImageRef::parse(&image).unwrap();
        let own = config.registry.iter().find(|registry| *image.host == *registry.host).unwrap().clone();
        let registry = Registry::new(own, Timeouts::default(), Arc::new(SystemClock));
        let found = registry.look(&image, &BTreeSet::new()).await.unwrap();
        let digest = id.split_once('@').unwrap().1.into();
        assert_eq!(found, Registered::There { digest, parts: BTreeSet::new() }, "{image}");
        let gone = ImageRef { tag: Some("never-built".into()), ..image };
        assert_eq!(registry.look(&gone, &BTreeSet::new()).await.unwrap(), Registered::Gone, "{gone}");
        assert_eq!(registry.check().await.unwrap(), "answers, and takes the token");
    }
}
