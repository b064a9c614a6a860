//! Servers of applications, asked what keeps a workload as git says where its cluster does not tell, or may not be told.

use futures::future::{BoxFuture, join_all};

use super::WorkloadInspection;
use crate::{
    model::{BackendId, gitops::Owner, kubernetes::Manager},
    text::Clean,
};

/// A server of applications that the configuration names: Argo CD's.
pub trait Applications: Send + Sync {
    fn backend(&self) -> &BackendId;
    /// The application that keeps the workload, and what stands above it, to be switched and synced by this server.
    /// `None`: the workload's application is not this server's. `Err`: why that is not known, in words.
    fn owners<'a>(&'a self, found: &'a WorkloadInspection) -> BoxFuture<'a, Result<Option<Vec<Owner>>, Clean>>;
}

/// Has the server whose application it is speak for the workload's owners: it knows who may sync, and its own rules. Where
/// none answers for it, what the cluster says stands.
pub(super) async fn ask(servers: &[std::sync::Arc<dyn Applications>], found: &mut WorkloadInspection) {
    if !matches!(found.workload.managed_by.first(), Some(Manager::ArgoCd { .. })) {
        return;
    }
    let answers = join_all(servers.iter().map(|server| server.owners(found))).await;
    let mut troubles = Vec::new();
    for answer in answers {
        match answer {
            Ok(Some(owners)) => {
                found.owners = Ok(owners);
                return;
            }
            Ok(None) => {}
            Err(why) => troubles.push(why.to_string()),
        }
    }
    if let Err(why) = &found.owners
        && !troubles.is_empty()
    {
        found.owners = Err(say!("{why}; {}", troubles.join("; ")));
    }
}
