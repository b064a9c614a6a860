//! `helm rollback` whose end nobody saw: the release's history is read again, and says which revision stands.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;
use crate::{
    action::{Done, Found},
    model::helm::ReleaseKey,
    source::kubernetes::release::tests::encoded,
};

/// Number, status and description of a revision.
type Kept = (i64, &'static str, &'static str);

const BEFORE: &[Kept] = &[(8, "deployed", "Upgrade complete"), (7, "superseded", "Upgrade complete")];
const KILLED: &str = "kill -9 $$";
const CUT_OFF: &str = "echo 'Error: connection reset by peer' >&2; exit 1";

/// A `helm` that does this, and the operator that starts it.
struct Bench {
    _folder: tempfile::TempDir,
    _server: Fake,
    operator: ClusterOperator,
}

impl Bench {
    /// Helm leaves these revisions; before it was started there were others.
    async fn new(helm: &str, after: &'static [Kept]) -> Self {
        let is_asked = AtomicBool::new(false);
        let server = scripted::serve(move |asked| {
            let path = "/api/v1/namespaces/shop/secrets";
            if asked.path == path {
                let kept = if is_asked.swap(true, Ordering::SeqCst) { after } else { BEFORE };
                let secret = |(number, status, _): &Kept| {
                    json!({"metadata": {"labels": {"version": number.to_string(), "status": status}}})
                };
                return scripted::json_answer(200, &json!({"items": kept.iter().map(secret).collect::<Vec<_>>()}));
            }
            let number = asked.path.rsplit_once(".v").and_then(|(_, number)| number.parse::<i64>().ok());
            let kept = after.iter().find(|(own, ..)| Some(*own) == number);
            let Some((_, status, description)) = kept else { panic!("{}", asked.path) };
            let release = json!({"name": "pg", "namespace": "shop", "info": {"status": status, "description": description}});
            scripted::json_answer(200, &json!({"data": {"release": encoded(&release)}}))
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("helm");
        fs::write(&program, format!("#!/bin/sh\n{helm}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let operator = ClusterOperator::new(server.cluster.writer().unwrap()).with_helm(Helm { program });
        Self { _folder: folder, _server: server, operator }
    }
}

fn rollback() -> Write {
    let release = ReleaseKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: "pg".into() };
    Write::HelmRollback { release, from: 8, to: 7 }
}

/// Nobody knows; then the history is looked at.
async fn looked_at(helm: &str, after: &'static [Kept]) -> Found {
    let bench = Bench::new(helm, after).await;
    let error = bench.operator.execute(&rollback()).await.unwrap_err();
    assert!(
        matches!(&error, ActionError::Unknown(says) if says.contains("helm --kube-context c -n shop history pg")),
        "{error:?}"
    );
    bench.operator.look(&rollback(), Timestamp::UNIX_EPOCH).await.expect("the history tells").expect("it is read")
}

#[tokio::test]
async fn a_revision_that_stands_is_found_though_helm_was_cut_off() {
    const STANDS: &[Kept] = &[(9, "deployed", "Rollback to 7"), (8, "superseded", "Upgrade complete")];
    const LATER: &[Kept] = &[(10, "deployed", "Upgrade complete"), (9, "superseded", "Rollback to 7")];
    for (after, words) in [
        (STANDS, "revision 9 of 'shop/pg' is deployed"),
        (LATER, "revision 9 of 'shop/pg' is superseded, and revision 10 came after it"),
    ] {
        for helm in [CUT_OFF, KILLED] {
            let found = looked_at(helm, after).await;
            assert_eq!(found, Found::InForce(Done { says: words.into(), reference: Some("9".into()) }));
        }
    }
}

#[tokio::test]
async fn what_was_not_begun_not_ended_or_not_ours_is_said() {
    const PENDING: &[Kept] = &[(9, "pending-rollback", "Rollback to 7"), (8, "deployed", "Upgrade complete")];
    const FAILED: &[Kept] = &[(9, "failed", "Rollback \"pg\" failed: no Job"), (8, "deployed", "Upgrade complete")];
    const OTHER: &[Kept] = &[(9, "deployed", "Upgrade complete"), (8, "superseded", "Upgrade complete")];
    const TIMED_OUT: &[Kept] = &[(9, "failed", "Upgrade \"pg\" failed"), (8, "deployed", "Upgrade complete")];
    type Made = fn(Clean) -> Found;
    let cases: [(&[Kept], &str, Made); 5] = [
        (BEFORE, "release 'shop/pg' stands at revision 8, deployed; it has none of number 9", Found::Missing),
        (PENDING, "revision 9 of 'shop/pg' is pending-rollback: Helm has begun it and not ended", Found::InPart),
        (FAILED, "revision 9 of 'shop/pg' is failed: Rollback \"pg\" failed: no Job", Found::InPart),
        (OTHER, "revision 9 of 'shop/pg' is somebody else's: deployed, Upgrade complete", Found::Missing),
        (TIMED_OUT, "revision 9 of 'shop/pg' is somebody else's: failed, Upgrade \"pg\" failed", Found::Missing),
    ];
    for (after, words, found) in cases {
        assert_eq!(looked_at(KILLED, after).await, found(words.into()));
    }
}

#[tokio::test]
async fn what_helm_refuses_needs_no_second_look() {
    let bench = Bench::new(CUT_OFF, BEFORE).await;
    let error = bench.operator.execute(&rollback()).await.unwrap_err();
    assert_eq!(error, ActionError::Refused("Error: connection reset by peer".into()));
}
