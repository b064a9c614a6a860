//! The server, spoken to over HTTP.

mod gitops;
mod logs;
mod reads;
mod resize;
mod streams;
mod watches;
mod writes;

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Role, router_with_roles};
use crate::demo::{
    cluster::{Cluster, tests as company},
    world::{Shared, World},
};

/// A served world and a client of it.
struct Served {
    world: Shared,
    base: String,
    client: reqwest::Client,
}

/// An answer: status and JSON body (null if it is none), and the text.
struct Got {
    code: u16,
    body: Value,
    text: String,
}

async fn serve() -> Served {
    // Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world: Shared = Arc::new(Mutex::new(company::world()));
    let tokens = vec![("t".to_owned(), Role::admin("ana")), ("v".to_owned(), Role::viewer("vera"))];
    let app = router_with_roles(world.clone(), 0, tokens);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Served { world, base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
}

impl Served {
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth("t")
    }

    async fn get(&self, path: &str) -> Got {
        got(self.request("GET", path)).await
    }

    async fn get_as(&self, accept: &str, path: &str) -> Got {
        got(self.request("GET", path).header("accept", accept)).await
    }

    async fn send(&self, method: &str, path: &str, content_type: &str, body: &Value) -> Got {
        got(self.request(method, path).header("content-type", content_type).body(body.to_string())).await
    }

    fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap())
    }

    fn cluster<T>(&self, act: impl FnOnce(&mut Cluster, jiff::Timestamp) -> T) -> T {
        self.with(|world| {
            let now = world.now;
            act(&mut world.clusters[0], now)
        })
    }

    fn run(&self, seconds: i64) {
        self.with(|world| company::run(world, seconds));
    }
}

async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let code = response.status().as_u16();
    let text = response.text().await.unwrap();
    Got { code, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

/// Message and reason of a Status.
fn status(got: &Got) -> (u16, &str, &str) {
    assert_eq!(got.body["kind"], "Status", "{}", got.text);
    assert_eq!(got.body["code"], got.code);
    (got.code, got.body["reason"].as_str().unwrap(), got.body["message"].as_str().unwrap())
}
