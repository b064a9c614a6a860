//! Sets whose update stands still at a pod that never gets ready.

use super::{Witness, words};

/// Kubernetes' own "forced rollback" of an `OrderedReady` set; a DaemonSet needs none.
#[tokio::test]
async fn it_goes_back_from_a_broken_set() {
    let Some(witness) = Witness::call(0).await else { return };
    let uid = "get pod postgres-0 -o jsonpath={.metadata.uid}";
    let first = witness.out(uid).await;
    witness.out("scale sts/postgres --replicas=3").await;
    witness.pass(120);
    witness.out("set image sts/postgres postgres=registry.acme.example/postgres:nobody-built-it").await;
    witness.pass(120);
    let stuck = async |when: &str| {
        let status = witness.run("rollout status sts/postgres --timeout=1s").await;
        assert!(!status.ok && status.out.contains("Waiting for 1 pods to be ready..."), "{when}: {}", status.out);
    };
    stuck("its last pod's image is not in the registry").await;
    witness.out("rollout undo sts/postgres").await;
    witness.pass(600);
    let image = "get sts postgres -o jsonpath={.spec.template.spec.containers[0].image}";
    assert_eq!(witness.out(image).await, "registry.acme.example/postgres:16.1");
    stuck("its controller waits for the broken pod all the same").await;
    witness.out("delete pod postgres-2 --wait=false").await;
    witness.pass(120);
    let status = witness.out("rollout status sts/postgres").await;
    assert!(status.contains("partitioned roll out complete: 3 new pods have been updated..."), "{status}");
    assert_eq!(witness.out(uid).await, first, "the others ran on");
    let history = witness.out("rollout history sts/postgres").await;
    let numbers: Vec<_> = history.lines().skip(2).filter_map(|l| words(l).first().copied()).collect();
    assert_eq!(numbers, ["2", "3"], "{history}");

    witness.out("-n logging set image ds/fluentd fluentd=registry.acme.example/fluentd:nobody-built-it").await;
    witness.pass(120);
    let status = witness.run("-n logging rollout status ds/fluentd --timeout=1s").await;
    let waits = "rollout to finish: 1 out of 6 new pods have been updated...";
    assert!(!status.ok && status.out.contains(waits), "{}", status.out);
    witness.out("-n logging rollout undo ds/fluentd").await;
    witness.pass(120);
    let status = witness.out("-n logging rollout status ds/fluentd").await;
    assert!(status.ends_with("daemon set \"fluentd\" successfully rolled out\n"), "{status}");
}
