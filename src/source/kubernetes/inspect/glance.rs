//! A workload at a glance: while it is watched it is looked at every few seconds, for minutes.

use serde_json::Value;

use super::{WorkloadInspector, answered, asked, partition, revisions, template_changes, workload_path};
use crate::{action::Glance, model::kubernetes::WorkloadKey, source::SourceError};

impl WorkloadInspector {
    /// The object and its pods, and nothing else. `None`: it is gone.
    pub(super) async fn at_a_glance(&self, key: &WorkloadKey) -> Result<Option<Glance>, SourceError> {
        let path = workload_path(key);
        let read = asked(self.cluster.get_opt::<Value>(&path)).await.map_err(|says| self.failed(key, &says))?;
        let Some(object) = read? else { return Ok(None) };
        let mut workload = self.row(key, &object)?;
        let (pods, ()) = futures::join!(
            answered(revisions::pods(&self.cluster, &self.rows, key, &object)),
            self.explain(&mut workload, &[]),
        );
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let partition = partition(&object);
        Ok(Some(Glance { workload, template, pods, partition, changes: template_changes(&object) }))
    }
}
