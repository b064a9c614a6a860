//! Jobs of Jenkins.

use serde::{Deserialize, Serialize};

use super::{BackendId, Name};

/// A job, by its server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JenkinsJob {
    pub server: BackendId,
    /// With its folders: `team/deploy`; of a branch the name that Jenkins gives it: `shop/feature%2Fcart`.
    pub name: Name,
}
