//! The place of a responder who reads a plan for a while: a controller that writes a hundred statuses a second has written
//! so many between the read that the plan was made on and the patch.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt as _, future::BoxFuture};
use serde_json::Value;
use tokio::sync::watch;

use super::Responder;
use crate::{
    action::{ActionError, Done, Glance, Inspection, Inspector, Operator, Request, Write},
    model::{BackendId, kubernetes::WorkloadKey},
    operator::kubernetes::ClusterOperator,
    source::{
        SourceError,
        kubernetes::{Cluster, inspect::WorkloadInspector},
    },
    text::Clean,
};

/// Status writes of the raced object that come, begun and answered, between a plan's read and its patch: those of a fifth of
/// a second, so that 200 rounds take minutes.
pub const BETWEEN: usize = 20;

pub struct Seat {
    inspector: WorkloadInspector,
    operator: ClusterOperator,
    beats: watch::Receiver<usize>,
    /// Status writes when the plan was read.
    read: AtomicUsize,
}

impl Seat {
    /// Everything that the responder reads and writes goes through it.
    pub fn under(responder: &Responder, cluster: &Cluster, beats: &watch::Receiver<usize>) {
        let seat = std::sync::Arc::new(Self {
            inspector: WorkloadInspector::new(cluster.clone()),
            operator: ClusterOperator::new(cluster.writer().expect("not read-only")),
            beats: beats.clone(),
            read: AtomicUsize::new(0),
        });
        responder.engine.add_inspector(seat.clone());
        responder.engine.add_operator(seat);
    }

    /// Looks at the plan for so many of its controller's writes.
    async fn look(&self) {
        // One may have been under way when it was read.
        let until = self.read.load(Ordering::SeqCst) + BETWEEN + 1;
        self.beats.clone().wait_for(|count| *count >= until).await.expect("its controller lives");
    }
}

impl Inspector for Seat {
    fn backend(&self) -> &BackendId {
        Inspector::backend(&self.inspector)
    }

    fn inspect<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Inspection, SourceError>> {
        async move {
            let found = self.inspector.inspect(request).await;
            self.read.store(*self.beats.borrow(), Ordering::SeqCst);
            found
        }
        .boxed()
    }

    fn glance<'a>(&'a self, workload: &'a WorkloadKey) -> BoxFuture<'a, Result<Option<Glance>, SourceError>> {
        self.inspector.glance(workload)
    }
}

impl Operator for Seat {
    fn backend(&self) -> &BackendId {
        Operator::backend(&self.operator)
    }

    fn rehearse<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        self.operator.rehearse(write)
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            if matches!(write, Write::PatchTemplate { .. }) {
                self.look().await;
            }
            self.operator.execute(write).await
        }
        .boxed()
    }

    fn rehearse_pod<'a>(
        &'a self,
        workload: &'a WorkloadKey,
        template: &'a Value,
    ) -> BoxFuture<'a, Option<Result<Vec<Clean>, ActionError>>> {
        Operator::rehearse_pod(&self.operator, workload, template)
    }
}
