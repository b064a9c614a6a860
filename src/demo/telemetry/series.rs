//! Recorded series, each a bounded ring of points.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::demo::scenario::Metric;

/// How many points a series keeps: three hours.
const KEPT: usize = 2160;

/// Which series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Index in the scenario's services.
    pub service: usize,
    pub metric: Metric,
    /// One version of it; `None`: the whole service.
    pub part: Option<Part>,
}

/// The pods of one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Image tag.
    pub version: String,
    /// `pod-template-hash` or `controller-revision-hash`.
    pub hash: String,
}

/// All recorded series.
#[derive(Debug, Default)]
pub struct Series {
    rings: BTreeMap<Key, VecDeque<(Timestamp, f64)>>,
}

impl Series {
    pub fn push(&mut self, key: Key, at: Timestamp, value: f64) {
        let ring = self.rings.entry(key).or_default();
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back((at, value));
    }

    pub fn last(&self, key: &Key) -> Option<f64> {
        self.rings.get(key)?.back().map(|(_, value)| *value)
    }

    /// The value at a moment: the last point up to it, at most `lookback` seconds old.
    pub fn at(&self, key: &Key, at: Timestamp, lookback: i64) -> Option<f64> {
        let ring = self.rings.get(key)?;
        let after = ring.partition_point(|(moment, _)| *moment <= at);
        let (moment, value) = ring.get(after.checked_sub(1)?)?;
        (at.duration_since(*moment).as_secs() <= lookback).then_some(*value)
    }

    /// The parts that a service's metric was recorded by.
    pub fn parts(&self, service: usize, metric: Metric) -> impl Iterator<Item = &Part> {
        let keys = self.rings.keys().filter(move |key| key.service == service && key.metric == metric);
        keys.filter_map(|key| key.part.as_ref())
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.rings.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }
}
