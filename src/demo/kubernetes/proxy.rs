//! The service proxy: `/api/v1/namespaces/NS/services/[SCHEME:]NAME[:PORT]/proxy/...`, passed on to the server behind a
//! Service (kubernetes `pkg/registry/core/service/proxy.go`, `storage.go` `ResourceLocation`).

use std::{io, net::SocketAddr};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Server,
    access::{self, Role},
    answer::{Failure, reply},
};
use crate::demo::cluster::kinds::Resource;

/// A server that a Service of the cluster leads to.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub namespace: String,
    pub service: String,
    pub address: SocketAddr,
}

/// What a path of the service proxy names.
pub(super) struct Ask {
    namespace: String,
    /// `SCHEME:NAME:PORT`, as it was asked.
    named: String,
    scheme: String,
    service: String,
    port: String,
    /// Path below `proxy`, with its query; `None`: it does not even have a slash.
    below: Option<String>,
}

/// `None`: it is no path of the service proxy.
pub(super) fn parse(parts: &Parts) -> Option<Ask> {
    let path = parts.uri.path_and_query()?.as_str();
    let (namespace, rest) = path.strip_prefix("/api/v1/namespaces/")?.split_once("/services/")?;
    let (named, rest) = rest.split_once("/proxy")?;
    if namespace.contains('/') || named.contains('/') || !(rest.is_empty() || rest.starts_with(['/', '?'])) {
        return None;
    }
    let named = named.replace("%3A", ":").replace("%3a", ":");
    let pieces: Vec<&str> = named.split(':').collect();
    let (scheme, service, port) = match pieces.as_slice() {
        [service] => ("", *service, ""),
        [service, port] => ("", *service, *port),
        [scheme, service, port] => (*scheme, *service, *port),
        _ => return None,
    };
    Some(Ask {
        namespace: namespace.to_owned(),
        scheme: scheme.to_owned(),
        service: service.to_owned(),
        port: port.to_owned(),
        below: rest.starts_with('/').then(|| rest.to_owned()),
        named,
    })
}

/// Passes a request on and brings the answer.
pub(super) async fn pass(
    server: &Server,
    role: &Role,
    ask: Ask,
    parts: &Parts,
    body: &[u8],
) -> Result<Response, Failure> {
    access::check_proxy(role, &parts.method, &ask.namespace, &ask.named)?;
    let Some(below) = &ask.below else {
        let to = format!("{}/", parts.uri.path());
        let mut moved = reply(StatusCode::MOVED_PERMANENTLY, "text/plain; charset=utf-8", Body::empty());
        if let Ok(to) = HeaderValue::from_str(&to) {
            moved.headers_mut().insert(header::LOCATION, to);
        }
        return Ok(moved);
    };
    let address = address(server, &ask)?;
    // Speaking TLS to one that does not.
    if ask.scheme == "https" {
        return Err(unavailable("error trying to reach service: tls: first record does not look like a TLS handshake"));
    }
    let host = format!("{}.{}", ask.service, ask.namespace);
    let answer = exchange(address, &parts.method, below, &host, &parts.headers, body).await;
    answer.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("dial tcp {address}: connect: connection refused"),
            _ => error.to_string(),
        };
        unavailable(format!("error trying to reach service: {why}"))
    })
}

fn unavailable(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message, Value::Null)
}

/// Where the Service leads: it must be there, have the port, and something must run behind it.
fn address(server: &Server, ask: &Ask) -> Result<SocketAddr, Failure> {
    let found = server.with(|cluster, _| {
        cluster
            .store
            .get(Resource::Services, &ask.namespace, &ask.service)
            .map(crate::demo::cluster::store::Object::value)
    });
    let Some(service) = found else { return Err(Failure::not_found(Resource::Services.kind(), &ask.service)) };
    let ports = service["spec"]["ports"].as_array().map_or(&[][..], Vec::as_slice);
    let is_meant = |port: &Value| port["name"] == json!(ask.port) || port["port"].as_u64() == ask.port.parse().ok();
    if !(ports.iter().any(is_meant) || (ask.port.is_empty() && ports.len() == 1)) {
        return Err(unavailable(format!("no service port \"{}\" found for service \"{}\"", ask.port, ask.service)));
    }
    let is_behind = |one: &&Upstream| one.namespace == ask.namespace && one.service == ask.service;
    server
        .upstreams
        .iter()
        .find(is_behind)
        .map(|upstream| upstream.address)
        .ok_or_else(|| unavailable(format!("no endpoints available for service \"{}\"", ask.service)))
}

/// Headers that belong to one hop, and the credentials: those were for the API server.
const NOT_PASSED: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// One exchange in HTTP/1.0, whose answer ends with the connection.
async fn exchange(
    address: SocketAddr,
    method: &Method,
    path: &str,
    host: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> io::Result<Response> {
    let mut request =
        format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers.iter().filter(|(name, _)| !NOT_PASSED.contains(name)) {
        request.extend_from_slice(name.as_str().as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    read(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"))
}

/// Status, headers and body of a whole answer.
fn read(answer: &[u8]) -> Option<Response> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse::<u16>().ok()?;
    let mut response = Response::new(Body::from(answer[end + 4..].to_vec()));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) else { continue };
        if !NOT_PASSED.contains(&name) {
            response.headers_mut().append(name, value);
        }
    }
    Some(response)
}
