//! Connections: no cluster has more open than the README says, however much is asked and however long it hangs.

use std::time::Duration;

use futures::future::join_all;
use midwatch::{
    config::file::Timeouts,
    model::BackendId,
    query::{ObjectRef, Query},
};

use crate::{
    backend::{config, kind},
    front::{Fault, Front},
    watching::Watching,
};

/// Requests under way, and watches of the whole cluster beside them.
const CALLS: usize = 8;
const WATCHES: usize = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_several_clusters_keeps_to_its_connections() {
    let (kind, mut config) = (kind("cluster-1"), config());
    // Nothing that hangs is given up, and asked for again, while it is counted.
    config.timeouts = Timeouts { idle: 60, answer: 60, ..Timeouts::default() };
    let mut clusters = Vec::new();
    for name in ["cluster-1", "cluster-2"] {
        let (folder, front) =
            (tempfile::tempdir().unwrap(), Front::of(&(kind.upstream)(crate::backend::world()).url).await);
        kind.add(&mut config, &front.url, folder.path());
        config.kubernetes.last_mut().unwrap().name = name.to_owned();
        clusters.push((BackendId::new(name), front, folder));
    }
    let mut watching = Watching::of(config).await;
    watching
        .until("rows of both", |watching| clusters.iter().all(|(id, ..)| (kind.rows)(&watching.store, id) > 0))
        .await;
    for (_, front, _) in &clusters {
        front.set(Fault::SilentToNew);
    }
    let pods: Vec<ObjectRef> =
        watching.store.kube.pods.values().take(40).map(|pod| ObjectRef::Pod(pod.key.clone())).collect();
    let asking = pods.into_iter().map(|pod| watching.ask(Query::Yaml(pod)));
    let open = settled(clusters.iter().map(|(_, front, _)| front).collect());
    let open = tokio::select! {
        _ = join_all(asking) => panic!("everything hangs for longer than this takes"),
        open = open => open,
    };
    for ((id, ..), open) in clusters.iter().zip(open) {
        assert!(open > CALLS && open <= CALLS + WATCHES, "{id} has {open} connections");
    }
}

/// How many connections each has, once all its calls hang and no more come: the same for half a second.
async fn settled(fronts: Vec<&Front>) -> Vec<usize> {
    let (mut last, mut same) = (Vec::new(), 0);
    while same < 20 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        let open: Vec<usize> = fronts.iter().map(|front| front.open()).collect();
        let are_many = open.iter().all(|open| *open > CALLS);
        same = if are_many && open == last { same + 1 } else { 0 };
        last = open;
    }
    last
}
