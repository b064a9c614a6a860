//! Servers of applications, asked what keeps a workload as git says where its cluster does not tell, or may not be told.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

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

/// Has the server whose application it is speak for the workload's owners, where it can do what the cluster cannot, or the
/// same: it knows who may sync, and its own rules. Where none answers for it, what the cluster says stands.
pub(super) async fn ask(
    servers: &[Arc<dyn Applications>],
    writable: &BTreeSet<BackendId>,
    within: Duration,
    found: &mut WorkloadInspection,
) {
    if !matches!(found.workload.managed_by.first(), Some(Manager::ArgoCd { .. })) {
        return;
    }
    let asked = servers.iter().map(|server| tokio::time::timeout(within, server.owners(found)));
    let answers = join_all(asked).await;
    let (mut theirs, mut troubles) = (None, Vec::new());
    for (server, answer) in servers.iter().zip(answers) {
        match answer {
            Ok(Ok(owners)) => theirs = theirs.or(owners),
            Ok(Err(why)) => troubles.push(why.to_string()),
            Err(_) => {
                troubles.push(format!("'{}' said nothing of it within {} s", server.backend(), within.as_secs_f32()));
            }
        }
    }
    // Nothing is known to stand in the way.
    let is_open = |owners: &[Owner]| {
        let is_open = |owner: &Owner| owner.may_patch != Ok(false) && owner.barrier.is_none();
        owners.iter().all(|owner| is_open(owner) && writable.contains(owner.key.backend()))
    };
    let may = |owners: &[Owner]| owners.iter().all(|owner| owner.may_patch == Ok(true));
    match (theirs, &found.owners) {
        (Some(theirs), Ok(ours)) if is_open(ours) && !(is_open(&theirs) && may(&theirs)) => {}
        (Some(theirs), _) => found.owners = Ok(theirs),
        (None, Err(why)) if !troubles.is_empty() => found.owners = Err(say!("{why}; {}", troubles.join("; "))),
        (None, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::{
        action::testing::{application, cluster, inspection},
        model::gitops::OwnerKey,
    };

    /// A server that says this; nothing: it hangs.
    struct Server(BackendId, Option<Result<Option<Vec<Owner>>, Clean>>);

    impl Applications for Server {
        fn backend(&self) -> &BackendId {
            &self.0
        }

        fn owners<'a>(&'a self, _: &'a WorkloadInspection) -> BoxFuture<'a, Result<Option<Vec<Owner>>, Clean>> {
            match self.1.clone() {
                Some(said) => std::future::ready(said).boxed(),
                None => std::future::pending().boxed(),
            }
        }
    }

    fn main() -> BackendId {
        BackendId::new("main")
    }

    /// The owners in the end, of what the cluster and the server say.
    async fn asked(
        ours: Result<Vec<Owner>, Clean>,
        theirs: Option<Result<Option<Vec<Owner>>, Clean>>,
        writable: &[BackendId],
    ) -> Result<Vec<Owner>, Clean> {
        let mut found = inspection();
        found.workload.managed_by = vec![Manager::ArgoCd { application: "myapp".into() }];
        found.owners = ours;
        let servers: [Arc<dyn Applications>; 1] = [Arc::new(Server(main(), theirs))];
        let writable = writable.iter().cloned().collect();
        ask(&servers, &writable, Duration::from_millis(20), &mut found).await;
        found.owners
    }

    #[tokio::test]
    async fn a_server_takes_over_where_it_can_do_more_and_never_where_it_can_do_less() {
        let theirs = || Owner { key: OwnerKey { via: Some(main()), ..application().key }, ..application() };
        let barred = || Some("its set could not be read".into());
        let both = [cluster(), main()];
        type Case<'a> = (&'a str, Result<Owner, Clean>, Owner, &'a [BackendId], bool);
        let cases: [Case<'_>; 8] = [
            ("both may", Ok(application()), theirs(), &both, true),
            ("it may not sync", Ok(application()), Owner { may_patch: Ok(false), ..theirs() }, &both, false),
            ("not asked", Ok(application()), Owner { may_patch: Err("503".into()), ..theirs() }, &both, false),
            ("barred", Ok(application()), Owner { barrier: barred(), ..theirs() }, &both, false),
            ("it is read-only", Ok(application()), theirs(), &both[..1], false),
            ("ours is read-only", Ok(application()), theirs(), &both[1..], true),
            ("we may not", Ok(Owner { may_patch: Ok(false), ..application() }), theirs(), &both, true),
            ("not in the cluster", Err("404".into()), Owner { may_patch: Ok(false), ..theirs() }, &both, true),
        ];
        for (what, ours, theirs, writable, is_theirs) in cases {
            let owners = asked(ours.map(|owner| vec![owner]), Some(Ok(Some(vec![theirs]))), writable).await;
            assert_eq!(owners.expect("known")[0].key.via.is_some(), is_theirs, "{what}");
        }
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_not_waited_for() {
        assert_eq!(asked(Ok(vec![application()]), None, &[cluster()]).await, Ok(vec![application()]));
        let why = asked(Err("404".into()), None, &[cluster()]).await.expect_err("nobody knows");
        assert_eq!(why, *"404; 'main' said nothing of it within 0.02 s");
    }
}
