//! The way to change something in a cluster: there is none for a backend that is read-only.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use super::Cluster;
use crate::source::kubernetes::failure::Failure;

/// Changes things. Sends once, whatever happens; only a refused login (401, nothing done) is renewed once.
#[derive(Clone)]
pub struct Writer(pub(super) Cluster);

impl Writer {
    pub fn cluster(&self) -> &Cluster {
        &self.0
    }

    /// Sends a change and gives the answered object. `kind` is the media type of the body, `application/json` or one of
    /// the patch types; `path` holds its own query (`fieldManager=midwatch`, `dryRun=All`).
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, Failure> {
        let (_, answer) = self.send_and_listen(method, path, kind, body).await?;
        self.0.parse(path, &answer)
    }

    /// As [`Writer::send`], with the answer's headers: `Warning` says what the server only mentions.
    pub async fn send_and_listen(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: &serde_json::Value,
    ) -> Result<(HeaderMap, Bytes), Failure> {
        let mut request = self.0.request(method, path, Some(body))?;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        self.0.whole(true, request, self.0.answer_within()).await
    }
}
