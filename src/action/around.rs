//! What stands around a workload in its cluster: what a rollback does not take back, what else runs its version, what room
//! there is.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde_json::Value;

use crate::{model::Name, text::Clean};

/// When something was last changed, and by which field manager.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub by: Clean,
    pub at: Timestamp,
}

/// What a list had, and why some of it is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<T> {
    pub found: Vec<T>,
    /// "jobs could not be read: ...", "only the first 500 jobs were read".
    pub unread: Vec<Clean>,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self { found: Vec::new(), unread: Vec::new() }
    }
}

/// What is read of a workload's namespace for a rollback.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// ConfigMaps and Secrets that templates read, by `kind/name`: when each changed last. `None`: it is gone, or has no
    /// time.
    pub config: BTreeMap<String, Result<Option<Change>, Clean>>,
    /// Services that select its pods, by name: when what they say was changed last.
    pub services: Seen<(Name, Option<Change>)>,
    pub jobs: Seen<Job>,
    /// Other Deployments, StatefulSets, DaemonSets and CronJobs.
    pub others: Seen<Other>,
}

/// A Job of the namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub name: Name,
    pub images: Box<[Name]>,
    pub created: Option<Timestamp>,
    pub state: JobState,
    /// A hook of Helm or Argo CD: it ran because something was deployed.
    pub is_hook: bool,
    /// A CronJob made it.
    pub is_scheduled: bool,
    /// Its name or its command says so.
    pub migrates: bool,
    /// By its name or its labels it is of the same app.
    pub is_kin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    Running,
    /// It is held back (`spec.suspend`, by hand or by a queue such as Kueue): no pod of it runs until it is resumed.
    Suspended,
    Done,
    Failed,
}

/// Another workload of the namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// `cronjob/myapp-report`
    pub name: Clean,
    pub images: Box<[Name]>,
    /// Its labels say that it is part or instance of the same.
    pub is_kin: bool,
}

/// The autoscaler of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Autoscaler {
    pub name: Name,
    pub min: u32,
    pub max: u32,
    pub current: u32,
    /// The ScaledObject of KEDA that made it.
    pub keda: Option<Name>,
    /// Of what it is told, not of what it does.
    pub changed: Option<Change>,
}

impl fmt::Display for Autoscaler {
    /// `myapp 2-10`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}-{}", self.name, self.min, self.max)
    }
}

/// A ResourceQuota of the namespace, as its status has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    pub name: Name,
    /// It counts some pods only.
    pub is_scoped: bool,
    pub limits: Vec<QuotaLimit>,
}

/// One resource of a quota, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaLimit {
    /// `pods`, `requests.cpu`
    pub resource: Name,
    pub hard: Name,
    /// Empty: not counted yet.
    pub used: Name,
}

/// Whether a container's name or command says that it changes a schema.
pub fn migrates(container: &Value) -> bool {
    let words = ["command", "args"].into_iter().filter_map(|part| container.get(part)?.as_array()).flatten();
    let words = words.chain(container.get("name")).filter_map(Value::as_str);
    says_migration(&words.collect::<Vec<_>>().join(" "))
}

/// Whether a name or a command says that a schema is changed.
pub fn says_migration(words: &str) -> bool {
    let words = words.to_lowercase();
    ["migrat", "schema", "flyway", "liquibase", "alembic", "rails db", "rake db"]
        .iter()
        .any(|word| words.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn migrations_are_known_by_name_or_command() {
        assert!(migrates(&json!({"name": "db-migrate"})));
        assert!(migrates(&json!({"name": "init", "command": ["bundle", "exec", "rails"], "args": ["db:prepare"]})));
        assert!(migrates(&json!({"name": "init", "command": ["sh", "-c"], "args": ["Alembic upgrade head"]})));
        assert!(!migrates(&json!({"name": "wait-for-db", "command": ["nc", "-z", "db", "5432"]})));
        assert!(!migrates(&json!({})));
    }
}
