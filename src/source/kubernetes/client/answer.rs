//! The body of an answer, piece by piece or whole, never without a bound.

use std::time::Duration;

use axum::body::BodyDataStream;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;

use super::Cluster;
use crate::{
    source::{
        ErrorKind,
        kubernetes::failure::{Failure, Reached},
    },
    text::Clean,
};

/// Largest answer that is read as a whole: a page of 500 large objects.
pub(super) const MAX_BODY: usize = 64 * 1024 * 1024;
/// What is read of a refusal.
pub(super) const MAX_REFUSAL: usize = 64 * 1024;
/// Reason of the failure when an answer is over its bound.
pub(in crate::source::kubernetes) const TOO_LARGE: &str = "TooLarge";

/// An answer whose head has arrived.
pub struct Opened {
    pub(super) cluster: Cluster,
    pub(super) status: StatusCode,
    pub headers: HeaderMap,
    pub(super) body: BodyDataStream,
}

impl Opened {
    /// The next piece of the body; `None` at its end. May be dropped while it waits, nothing is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.body.next().await {
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(error)) => Err(self.cluster.broken(&error)),
            None => Ok(None),
        }
    }

    /// The whole body. Silence longer than `idle`, or more than `most` bytes, is a failure.
    pub async fn collect(&mut self, most: usize, idle: Duration) -> Result<Bytes, Failure> {
        let mut whole = BytesMut::new();
        loop {
            let chunk = timeout(idle, self.chunk()).await;
            let Some(chunk) = chunk.map_err(|_| self.cluster.too_slow("the rest of an answer", idle))?? else {
                return Ok(whole.freeze());
            };
            if whole.len() + chunk.len() > most {
                let says = format!("Kubernetes '{}' sent more than {most} bytes in one answer.", self.cluster.0.id);
                return Err(Failure {
                    reason: Clean::line(TOO_LARGE),
                    ..Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
                });
            }
            whole.extend_from_slice(&chunk);
        }
    }
}
