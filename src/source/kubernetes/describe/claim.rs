//! The page of a PersistentVolumeClaim: what it asks for, who uses it, and why it has no volume.

use futures::future::OptionFuture;
use serde_json::Value;

use super::{Page, items, text};
use crate::{
    model::{Level, kubernetes::resource::ResourceKey},
    source::kubernetes::{
        client::{Cluster, segment},
        failure::Failure,
        selector::query,
    },
};

/// Pods of its namespace are read in one page.
const MAX_PODS: &str = "500";
/// Most of its users that are named.
const MAX_NAMED: usize = 10;

pub async fn describe(cluster: &Cluster, key: &ResourceKey, raw: &Value, page: &mut Page) {
    page.heading("claim");
    page.field("asks", &asks(raw));
    let waits = text(raw, "/status/phase") == "Pending";
    let class = raw.pointer("/spec/storageClassName").and_then(Value::as_str);
    let (users, (words, level)) = futures::join!(users(cluster, key), async {
        let read = OptionFuture::from(
            class.filter(|class| waits && !class.is_empty()).map(|class| read_class(cluster, class)),
        );
        why(class, read.await)
    });
    if waits {
        page.levelled("waits", &words, Some(level));
    }
    match users {
        Ok(users) if users.is_empty() => page.field("used by", "no pod"),
        Ok(users) => {
            for user in users.iter().take(MAX_NAMED) {
                page.field("used by", user);
            }
            if users.len() > MAX_NAMED {
                page.text(&format!("and {} more", users.len() - MAX_NAMED));
            }
        }
        Err(failure) => page.missing("used by", &failure),
    }
}

/// `50Gi RWO`
fn asks(raw: &Value) -> String {
    let modes = raw.pointer("/spec/accessModes").and_then(Value::as_array).into_iter().flatten();
    // As kubectl prints them.
    let modes = modes.filter_map(Value::as_str).map(|mode| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    let words: Vec<&str> = std::iter::once(text(raw, "/spec/resources/requests/storage")).chain(modes).collect();
    words.join(" ")
}

async fn read_class(cluster: &Cluster, class: &str) -> Result<Option<Value>, Failure> {
    cluster.get_opt(&format!("/apis/storage.k8s.io/v1/storageclasses/{}", segment(class))).await
}

/// Why it has no volume, by its class.
fn why(class: Option<&str>, read: Option<Result<Option<Value>, Failure>>) -> (String, Level) {
    let name = match class {
        None => return ("for the default StorageClass to make a volume".to_owned(), Level::Wrong),
        Some("") => {
            return ("for somebody to make a volume that fits: it names no StorageClass".to_owned(), Level::Wrong);
        }
        Some(name) => name,
    };
    match read {
        Some(Ok(None)) => (format!("no StorageClass '{name}'"), Level::Broken),
        Some(Ok(Some(class))) if text(&class, "/volumeBindingMode") == "WaitForFirstConsumer" => {
            ("for a pod that uses it (WaitForFirstConsumer)".to_owned(), Level::Progress)
        }
        Some(Ok(Some(class))) => (format!("for '{}' to make a volume", text(&class, "/provisioner")), Level::Wrong),
        Some(Err(failure)) => (format!("StorageClass '{name}' is not known: {failure}"), Level::Unknown),
        None => (String::new(), Level::Ok),
    }
}

/// The pods that mount it.
async fn users(cluster: &Cluster, key: &ResourceKey) -> Result<Vec<String>, Failure> {
    let path = format!("/api/v1/namespaces/{}/pods?{}", segment(&key.namespace), query([("limit", MAX_PODS)]));
    let list: Value = cluster.get(&path).await?;
    let mounts = |pod: &&Value| {
        let mut volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
        volumes.any(|volume| text(volume, "/persistentVolumeClaim/claimName") == key.name.as_str())
    };
    Ok(items(&list).filter(mounts).map(|pod| format!("pod/{}", text(pod, "/metadata/name"))).collect())
}
