//! A Helm release of two workloads, rolled out 17 minutes ago.

use serde_json::Value;

use super::{ago, around, cluster, inspection, myapp, pod, template_of};
use crate::{
    action::WorkloadInspection,
    model::{
        helm::{Release, ReleaseBody, ReleaseKey, ReleaseRevision, Rendered},
        kubernetes::{Manager, WorkloadKey, WorkloadKind},
    },
    text::Clean,
};

/// The other workload of the release.
pub fn store_key() -> WorkloadKey {
    WorkloadKey { kind: WorkloadKind::StatefulSet, name: "store".into(), ..myapp() }
}

pub fn rendered(key: &WorkloadKey, template: Value) -> Rendered {
    Rendered {
        group: key.kind.group().into(),
        kind: key.kind.kind().into(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        is_kept: false,
        sum: template.to_string().len() as u64,
        template: Some(template),
        replicas: None,
    }
}

/// Revision 8 made what runs (412), 7 what ran before (411), 6 what ran before that.
pub fn release() -> Release {
    let revision = |number: i64, tag: &str, minutes: i64, memory: &str, level: &str| ReleaseRevision {
        number,
        status: if number == 8 { "deployed".into() } else { "superseded".into() },
        body: Ok(ReleaseBody {
            chart: Clean::line(&format!("shop-1.{number}.0")),
            app_version: Clean::line(tag),
            updated: Some(ago(minutes)),
            description: "Upgrade complete".into(),
            manifest: Clean::line(&format!("of {tag}")),
            sum: tag.parse().expect("a number"),
            objects: [myapp(), store_key()].iter().map(|key| rendered(key, template_of(tag, memory, level))).collect(),
            hooks: Vec::new(),
            unread: Vec::new(),
        }),
    };
    Release {
        key: ReleaseKey { cluster: cluster(), namespace: "production".into(), name: "shop".into() },
        revisions: vec![
            revision(8, "412", 17, "1Gi", "warn"),
            revision(7, "411", 26 * 60, "512Mi", "info"),
            revision(6, "410", 3 * 24 * 60, "512Mi", "info"),
        ],
        may_keep: Ok(true),
    }
}

/// `myapp`, with that release.
pub fn of_release(release: Release) -> WorkloadInspection {
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::Helm { release: "shop".into(), namespace: "production".into() }];
    found.release = Some(Ok(release));
    found
}

/// The other workload: of three pods the first is broken, and holds up the rest.
pub fn the_store() -> WorkloadInspection {
    let mut found = of_release(release());
    found.workload.key = store_key();
    found.workload.desired = 3;
    found.is_ordered = true;
    found.workload.uid = "uid-store".into();
    found.pods = vec![pod("store-2", "412", false), pod("store-1", "411", true), pod("store-0", "411", true)];
    found.around = Some(Box::new(around()));
    found
}
