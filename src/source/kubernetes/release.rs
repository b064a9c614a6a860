//! A Helm release from the Secrets of its history (`helm.sh/release.v1`, `pkg/storage/driver`): base64 of base64 of gzip of
//! JSON. Values, templates and files of the chart are dropped while it is read; what was rendered is masked where it is shown.

mod masked;
mod rendered;

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Cluster, segment},
    revisions::items,
    selector::query,
};
use crate::{
    json::text,
    model::{
        helm::{Release, ReleaseBody, ReleaseKey, ReleaseRevision},
        kubernetes::{Manager, Workload},
    },
    secret,
    text::Clean,
};

/// Bodies that are read: the newest revisions.
const MAX_BODIES: usize = 6;
/// Most bytes of a release's JSON.
const MAX_JSON: u64 = 32 * 1024 * 1024;

/// The release that owns the workload, where nothing else stands above Helm.
pub async fn of(cluster: &Cluster, workload: &Workload) -> Option<Result<Release, Clean>> {
    let Some(Manager::Helm { release, namespace }) = workload.managed_by.first() else { return None };
    let key = ReleaseKey { cluster: cluster.id().clone(), namespace: namespace.clone(), name: release.clone() };
    Some(read(cluster, &key).await)
}

/// Numbers and states of a release's revisions, newest first, by the labels alone.
pub async fn states(cluster: &Cluster, key: &ReleaseKey) -> Result<Vec<(i64, Clean)>, Clean> {
    let selector = format!("owner=helm,name={}", key.name);
    let path =
        format!("/api/v1/namespaces/{}/secrets?{}", segment(&key.namespace), query([("labelSelector", &*selector)]));
    let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let within = cluster.answer_within();
    let answer = cluster.get_as(&path, metadata, within).await.map_err(|failure| failure.error.says)?;
    let list: Value = cluster.parse(&path, &answer).map_err(|failure| failure.error.says)?;
    let mut found: Vec<(i64, Clean)> = items(&list)
        .filter_map(|secret| {
            let number = text(secret, "/metadata/labels/version").parse().ok()?;
            Some((number, Clean::line(text(secret, "/metadata/labels/status"))))
        })
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    Ok(found)
}

async fn read(cluster: &Cluster, key: &ReleaseKey) -> Result<Release, Clean> {
    let states = states(cluster, key).await?;
    if states.is_empty() {
        return Err(Clean::line(&format!("Helm keeps no revision of '{key}' in Secrets")));
    }
    let revisions = states.into_iter().enumerate().map(async |(place, (number, status))| {
        let body =
            if place < MAX_BODIES { body(cluster, key, number).await } else { Err(Clean::line("not read: too old")) };
        ReleaseRevision { number, status, body }
    });
    let revisions = futures::future::join_all(revisions).await;
    Ok(Release { key: key.clone(), revisions, may_keep: Err(Clean::line("not asked")) })
}

/// A Secret of which nothing but the release is kept.
#[derive(Deserialize)]
struct Stored {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    release: String,
}

/// What one revision holds.
pub async fn body(cluster: &Cluster, key: &ReleaseKey, number: i64) -> Result<ReleaseBody, Clean> {
    let name = format!("sh.helm.release.v1.{}.v{number}", key.name);
    let path = format!("/api/v1/namespaces/{}/secrets/{}", segment(&key.namespace), segment(&name));
    let stored: Stored = cluster.get(&path).await.map_err(|failure| failure.error.says)?;
    decode(stored.data.release.as_bytes())
}

/// The shape of a release; `config`, and of the chart all but its metadata, are not taken in.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    info: Info,
    #[serde(default)]
    chart: Chart,
    #[serde(default)]
    manifest: String,
    /// Go writes none as null.
    #[serde(default)]
    hooks: Option<Vec<rendered::WireHook>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    last_deployed: String,
    description: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chart {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    version: String,
    app_version: String,
}

/// Of a Secret's `data.release`. No error holds anything of the content.
pub fn decode(data: &[u8]) -> Result<ReleaseBody, Clean> {
    let unreadable = |what: &str| Clean::line(&format!("its Secret is no release of Helm: {what}"));
    let once = STANDARD.decode(data).map_err(|_| unreadable("not base64"))?;
    let packed = STANDARD.decode(once.trim_ascii()).map_err(|_| unreadable("not base64 within base64"))?;
    let mut json = Vec::new();
    if packed.starts_with(&[0x1f, 0x8b, 0x08]) {
        GzDecoder::new(&*packed).take(MAX_JSON + 1).read_to_end(&mut json).map_err(|_| unreadable("not gzip"))?;
    } else {
        json = packed;
    }
    if json.len() as u64 > MAX_JSON {
        return Err(unreadable("it is larger than 32 MiB"));
    }
    // serde's message may quote what it met.
    let wire: Wire = serde_json::from_slice(&json).map_err(|_| unreadable("not its JSON"))?;
    let Metadata { name, version, app_version } = wire.chart.metadata;
    let (objects, unread) = rendered::objects(&wire.manifest, &wire.namespace);
    Ok(ReleaseBody {
        objects,
        unread,
        hooks: wire.hooks.unwrap_or_default().iter().take(rendered::MAX_HOOKS).map(rendered::hook).collect(),
        chart: Clean::line(&format!("{name}-{version}")),
        app_version: Clean::line(&app_version),
        updated: wire.info.last_deployed.parse().ok(),
        description: Clean::line(&secret::mask(&wire.info.description)),
        manifest: Clean::block(&masked::manifest(&wire.manifest)),
        sum: rendered::sum(&wire.manifest),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;

    use super::*;

    /// `data.release` of a Secret, as Helm's driver writes it.
    pub fn encoded(release: &Value) -> String {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(release.to_string().as_bytes()).unwrap();
        STANDARD.encode(STANDARD.encode(packed.finish().unwrap()))
    }

    const MANIFEST: &str = "---\n# Source: pg/templates/secret.yaml\nkind: Secret\nmetadata:\n  name: pg\ndata:\n  password: aHVudGVyMjI=\n  cert: |\n    LINE1\n    LINE2\ntype: Opaque\n---\nkind: Deployment\nspec:\n  env:\n  - name: DB_PASSWORD\n    value: hunter22\n  - name: MODE\n    value: fast\n  - name: OTHER\n    valueFrom:\n      secretKeyRef:\n        name: pg\n";

    #[test]
    fn a_release_is_read_without_its_values() {
        let release = json!({"name": "pg", "version": 7, "info": {"status": "deployed",
            "last_deployed": "2026-01-09T22:01:00.123456789Z", "description": "Upgrade complete"},
            "chart": {"metadata": {"name": "postgresql", "version": "14.2.1", "appVersion": "16.1"},
                "values": {"auth": {"password": "hunter22"}}, "templates": [{"data": "aHVudGVyMjI="}]},
            "config": {"auth": {"password": "hunter22"}}, "manifest": MANIFEST});
        let body = decode(encoded(&release).as_bytes()).unwrap();
        assert_eq!((&*body.chart, &*body.app_version), ("postgresql-14.2.1", "16.1"));
        assert_eq!(body.updated.unwrap().to_string(), "2026-01-09T22:01:00.123456789Z");
        let shown = format!("{body:?}");
        for secret in ["hunter22", "aHVudGVyMjI", "LINE1", "LINE2"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        for kept in ["password: [masked]", "MODE", "fast", "secretKeyRef", "type: Opaque", "name: pg"] {
            assert!(body.manifest.contains(kept), "{kept} is missing in {}", body.manifest);
        }
    }

    #[test]
    fn two_manifests_that_are_masked_alike_are_told_apart() {
        let of = |password: &str| {
            let manifest = MANIFEST.replace("aHVudGVyMjI=", password);
            decode(encoded(&json!({"manifest": manifest})).as_bytes()).unwrap()
        };
        let (one, other) = (of("aHVudGVyMjI="), of("aHVudGVyMjM="));
        assert_eq!(one.manifest, other.manifest);
        assert_ne!(one.sum, other.sum);
        assert_eq!(one.sum, of("aHVudGVyMjI=").sum);
    }

    #[test]
    fn what_is_no_release_says_so_and_quotes_nothing() {
        let bomb = encoded(&json!({"manifest": "x".repeat(33 * 1024 * 1024)}));
        for (data, why) in [
            ("%%", "not base64"),
            (&*STANDARD.encode("hunter22!"), "not base64 within base64"),
            (&*STANDARD.encode(STANDARD.encode("{hunter22")), "not its JSON"),
            (&*STANDARD.encode(STANDARD.encode([0x1f, 0x8b, 0x08, 1, 2])), "not gzip"),
            (&*bomb, "larger than 32 MiB"),
        ] {
            let says = decode(data.as_bytes()).unwrap_err();
            assert!(says.contains(why) && !says.contains("hunter22"), "{says}");
        }
    }
}
