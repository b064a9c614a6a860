//! Connections: no cluster has more open than the README says, however much is asked and however long it hangs.

use futures::future::join_all;
use midwatch::{
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
        front.set(Fault::SilentBeforeHeaders);
    }
    let pods: Vec<ObjectRef> =
        watching.store.kube.pods.values().take(40).map(|pod| ObjectRef::Pod(pod.key.clone())).collect();
    let asked = join_all(pods.into_iter().map(|pod| watching.ask(Query::Yaml(pod)))).await;
    assert!(asked.iter().all(Result::is_err), "everything hangs");
    for (id, front, _) in &clusters {
        let most = front.most_open();
        assert!(most > CALLS && most <= CALLS + WATCHES, "{id} had {most} connections at once");
    }
}
