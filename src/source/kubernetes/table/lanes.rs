//! The lists and watches that make up one table: of the whole, or of one namespace each.

use std::{future::poll_fn, sync::Arc, task::Poll};

use futures::{StreamExt as _, stream::BoxStream};

use super::collection::{Kind, Told};
use crate::{
    model::Name,
    source::kubernetes::{
        client::Cluster,
        failure::Failure,
        rows::Rows,
        watch::{LASTS, Lane, Step},
    },
};

type Steps = BoxStream<'static, Result<Step<Told>, Failure>>;

pub struct Lanes {
    cluster: Cluster,
    rows: Arc<Rows>,
    /// `None`: it may not be read, or failed.
    open: Vec<Option<Steps>>,
    is_listing: Vec<bool>,
}

impl Lanes {
    pub fn new(cluster: &Cluster, rows: &Arc<Rows>) -> Self {
        Self { cluster: cluster.clone(), rows: rows.clone(), open: Vec::new(), is_listing: Vec::new() }
    }

    pub fn open(&mut self, kind: &Kind, namespaces: &[Option<Name>]) {
        let lane = |namespace: &Option<Name>| {
            // Never alone: what is gone is told by name, so that no row is forgotten before the list is read.
            let lane = Lane::new(&self.cluster, kind.clone(), namespace.clone(), self.rows.clone(), LASTS, false);
            Some(lane.stream().boxed())
        };
        self.open = namespaces.iter().map(lane).collect();
        self.is_listing = vec![true; self.open.len()];
    }

    pub fn close(&mut self) {
        self.open.clear();
        self.is_listing.clear();
    }

    pub fn drop_one(&mut self, lane: usize) {
        self.open[lane] = None;
        self.is_listing[lane] = false;
    }

    pub fn are_listing(&self) -> bool {
        self.is_listing.contains(&true)
    }

    /// The next step of those that list; `None`: all are listed.
    pub async fn next_listed(&mut self) -> Option<(usize, Result<Step<Told>, Failure>)> {
        if !self.are_listing() {
            return None;
        }
        let next = step(&mut self.open, |lane| self.is_listing[lane]).await;
        if let Some((lane, Ok(step))) = &next {
            self.is_listing[*lane] &= !step.synced;
        }
        next
    }

    /// The next step of any. Nothing is lost if it is not waited for.
    pub async fn next(&mut self) -> Option<(usize, Result<Step<Told>, Failure>)> {
        step(&mut self.open, |_| true).await
    }
}

/// `None`: there is none that could bring one.
async fn step(
    open: &mut [Option<Steps>],
    is_meant: impl Fn(usize) -> bool,
) -> Option<(usize, Result<Step<Told>, Failure>)> {
    poll_fn(|context| {
        let mut is_open = false;
        for (index, lane) in open.iter_mut().enumerate().filter(|(index, _)| is_meant(*index)) {
            let Some(steps) = lane else { continue };
            match steps.poll_next_unpin(context) {
                Poll::Ready(Some(step)) => return Poll::Ready(Some((index, step))),
                Poll::Ready(None) => *lane = None,
                Poll::Pending => is_open = true,
            }
        }
        if is_open { Poll::Pending } else { Poll::Ready(None) }
    })
    .await
}
