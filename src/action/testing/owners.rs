//! What owns `myapp` in git's name.

use serde_json::json;

use super::{ago, cluster};
use crate::model::gitops::{Git, Owner, OwnerKey, OwnerKind, Synced};

/// An application that synced both versions.
pub fn application() -> Owner {
    let synced = |id: i64, minutes: i64| Synced {
        id,
        revision: "5f1c2ab".into(),
        started: Some(ago(minutes)),
        deployed: Some(ago(minutes)),
        sync: json!({"revision": format!("5f1c2a{id}")}),
    };
    Owner {
        key: OwnerKey {
            cluster: cluster(),
            kind: OwnerKind::Application,
            version: "v1alpha1".into(),
            namespace: "argocd".into(),
            name: "myapp".into(),
            via: None,
        },
        uid: "uid-application".into(),
        spec: json!({"syncPolicy": {"automated": {"selfHeal": true}}}),
        is_active: true,
        says: "Synced".into(),
        may_patch: Ok(true),
        updater: Ok(None),
        barrier: None,
        git: Git::Equal("Argo CD says Synced".into()),
        revisions: vec!["5f1c2a2".into()],
        history: vec![synced(2, 17), synced(1, 26 * 60)],
        busy: None,
        others: Vec::new(),
    }
}

/// A Kustomization that applies it.
pub fn kustomization() -> Owner {
    let key = OwnerKey { kind: OwnerKind::Kustomization, version: "v1".into(), ..application().key };
    Owner {
        key: OwnerKey { namespace: "flux-system".into(), ..key },
        spec: json!({"interval": "10m"}),
        git: Git::Equal("git says what is live".into()),
        history: Vec::new(),
        ..application()
    }
}
