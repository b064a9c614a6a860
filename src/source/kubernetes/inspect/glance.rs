//! A workload at a glance: while it is watched it is looked at every few seconds, for minutes.

use super::{WorkloadInspector, answered, partition, revisions, template_changes};
use crate::{action::Glance, model::kubernetes::WorkloadKey, source::SourceError};

impl WorkloadInspector {
    /// The object and its pods, and nothing else.
    pub(super) async fn at_a_glance(&self, key: &WorkloadKey) -> Result<Glance, SourceError> {
        let (object, mut workload) = self.read(key).await?;
        let (pods, ()) = futures::join!(
            answered(revisions::pods(&self.cluster, &self.rows, key, &object)),
            self.explain(&mut workload, &[]),
        );
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let partition = partition(&object);
        Ok(Glance { workload, template, pods, partition, changes: template_changes(&object) })
    }
}
