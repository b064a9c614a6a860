//! What stands around a workload: the configuration that its templates read, its Services, the namespace's Jobs, and what else
//! runs there. Each is read by itself: one that is refused leaves the others.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde_json::Value;

pub(super) use super::quotas::surge;
use super::{WorkloadInspector, answered, items, text};
use crate::{
    action::around::{Around, Change, Job, JobState, Other, Seen, migrates, says_migration},
    model::{
        Name,
        kubernetes::{WorkloadKey, WorkloadKind, named},
    },
    source::kubernetes::{client::segment, discovery, revisions::images},
    text::Clean,
};

/// Most objects looked up by name.
const MAX_NAMED: usize = 80;
/// Longest list.
const MAX_LISTED: &str = "500";
/// Labels by which objects say that they belong together.
const KIN: [&str; 2] = ["app.kubernetes.io/part-of", "app.kubernetes.io/instance"];
/// Labels by which a Job says of which app it is.
const APP: [&str; 4] = ["app.kubernetes.io/instance", "app.kubernetes.io/name", "app", "argocd.argoproj.io/instance"];

type Known = BTreeMap<String, Result<bool, Clean>>;
type Config = BTreeMap<String, Result<Option<Change>, Clean>>;

impl WorkloadInspector {
    /// All but the configuration, which is read with the other names of the templates.
    pub(super) async fn around(&self, key: &WorkloadKey, object: &Value) -> Around {
        let space = segment(&key.namespace);
        let list = async |group: &str, plural: &str| self.listed(group, &space, plural).await;
        let (services, jobs, deployments, stateful, daemons, rollouts, crons) = futures::join!(
            list("api/v1", "services"),
            list("apis/batch/v1", "jobs"),
            list("apis/apps/v1", "deployments"),
            list("apis/apps/v1", "statefulsets"),
            list("apis/apps/v1", "daemonsets"),
            self.rollouts(&space),
            list("apis/batch/v1", "cronjobs"),
        );
        let pods = object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
        let mut around = Around {
            services: collect(services, |service| {
                selects(service, &pods)
                    .then(|| (Clean::line(text(service, "/metadata/name")), change(service, &["f:spec"])))
            }),
            jobs: collect(jobs, |found| Some(Job { is_kin: is_of(key, object, found), ..job(found) })),
            ..Around::default()
        };
        let kin = labels(object, "/spec/template", &KIN);
        let kinds = [
            (deployments, WorkloadKind::Deployment.short(), "/spec/template"),
            (stateful, WorkloadKind::StatefulSet.short(), "/spec/template"),
            (daemons, WorkloadKind::DaemonSet.short(), "/spec/template"),
            (rollouts, WorkloadKind::Rollout.short(), "/spec/template"),
            (crons, "cronjob", "/spec/jobTemplate/spec/template"),
        ];
        for (list, kind, template) in kinds {
            let more = collect(list, |found| {
                let name = format!("{kind}/{}", text(found, "/metadata/name"));
                (name != key.to_string()).then(|| Other {
                    name: Clean::line(&name),
                    images: found.pointer(template).map(images).unwrap_or_default(),
                    is_kin: !kin.is_disjoint(&labels(found, template, &KIN)),
                })
            });
            around.others.found.extend(more.found);
            around.others.unread.extend(more.unread);
        }
        around
    }

    /// None where the cluster has no such kind: whoever may not list them is refused even there.
    async fn rollouts(&self, space: &str) -> (Result<Value, Clean>, Option<Clean>) {
        let (api, plural) = (WorkloadKind::Rollout.api(), WorkloadKind::Rollout.plural());
        match answered(discovery::is_served(&self.cluster, api, plural)).await {
            Ok(false) => (Ok(Value::Null), None),
            _ => self.listed(api.trim_start_matches('/'), space, plural).await,
        }
    }

    async fn listed(&self, group: &str, space: &str, plural: &str) -> (Result<Value, Clean>, Option<Clean>) {
        let path = format!("/{group}/namespaces/{space}/{plural}?limit={MAX_LISTED}");
        match answered(self.cluster.get::<Value>(&path)).await {
            Ok(list) => {
                let is_cut = !text(&list, "/metadata/continue").is_empty();
                let says = || Clean::line(&format!("only the first {MAX_LISTED} {plural} were read"));
                (Ok(list), is_cut.then(says))
            }
            Err(why) => (Err(Clean::line(&format!("{plural} could not be read: {why}"))), None),
        }
    }

    /// Whether what the templates need is there, and when the configuration that they read was changed last.
    pub(super) async fn named(&self, namespace: &str, templates: &[&Value]) -> (Known, Config) {
        let of = |template: &&Value| named::references(template).into_iter().chain(named::pull_secrets(template));
        let needed: BTreeSet<String> = templates.iter().flat_map(of).collect();
        let read: BTreeSet<String> = templates.iter().flat_map(|template| named::config(template)).collect();
        let wanted: BTreeSet<&String> = needed.union(&read).collect();
        let too_many = || Err(Clean::line("not asked: too many"));
        let mut found: Config = wanted.iter().skip(MAX_NAMED).map(|name| ((*name).clone(), too_many())).collect();
        let mut gone = BTreeSet::new();
        type Asked<'a> = (&'a String, Result<Option<Value>, Clean>);
        let mut asks: Vec<BoxFuture<'_, Asked<'_>>> = Vec::new();
        for name in wanted.into_iter().take(MAX_NAMED) {
            asks.push(async move { (name, self.metadata_of(namespace, name).await) }.boxed());
        }
        for (name, seen) in stream::iter(asks).buffer_unordered(8).collect::<Vec<_>>().await {
            if seen == Ok(None) {
                gone.insert(name.clone());
            }
            // Whatever was written: the parts of the object itself cannot be told from its metadata alone.
            found.insert(name.clone(), seen.map(|object| object.and_then(|object| change(&object, &[]))));
        }
        let exists = |name: &String| found.get(name).cloned().unwrap_or_else(too_many).map(|_| !gone.contains(name));
        let known = needed.iter().map(|name| (name.clone(), exists(name))).collect();
        found.retain(|name, _| read.contains(name));
        (known, found)
    }

    /// By metadata alone: the data of a Secret never leaves the server. `None`: it is gone.
    async fn metadata_of(&self, namespace: &str, reference: &str) -> Result<Option<Value>, Clean> {
        let (kind, name) = reference.split_once('/').unwrap_or_default();
        let path = format!("/api/v1/namespaces/{}/{kind}s/{}", segment(namespace), segment(name));
        answered(self.cluster.metadata_opt(&path)).await
    }
}

fn collect<T>((list, cut): (Result<Value, Clean>, Option<Clean>), of: impl Fn(&Value) -> Option<T>) -> Seen<T> {
    match list {
        Ok(list) => Seen { found: items(&list).filter_map(of).collect(), unread: cut.into_iter().collect() },
        Err(why) => Seen { found: Vec::new(), unread: vec![why] },
    }
}

/// The newest change of one of these parts of an object (none given: of any) by its field managers, else its creation.
/// What controllers write of their own accord, status, is none.
pub(super) fn change(object: &Value, parts: &[&str]) -> Option<Change> {
    let managers = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let is_meant = |entry: &&Value| {
        let touches = |part: &&str| entry.get("fieldsV1").is_some_and(|fields| fields.get(part).is_some());
        text(entry, "/subresource").is_empty() && (parts.is_empty() || parts.iter().any(touches))
    };
    let changes = managers.into_iter().flatten().filter(is_meant).filter_map(|entry| {
        Some(Change { by: Clean::line(text(entry, "/manager")), at: text(entry, "/time").parse().ok()? })
    });
    let created = || {
        let at = text(object, "/metadata/creationTimestamp").parse().ok()?;
        Some(Change { by: "whoever made it".into(), at })
    };
    changes.max_by_key(|change| change.at).or_else(created)
}

fn selects(service: &Value, pods: &Value) -> bool {
    let selector = service.pointer("/spec/selector").and_then(Value::as_object);
    selector.is_some_and(|labels| !labels.is_empty() && labels.iter().all(|(key, value)| pods.get(key) == Some(value)))
}

fn job(job: &Value) -> Job {
    let annotation = |name: &str| job.pointer("/metadata/annotations").and_then(|all| all.get(name)?.as_str());
    // A test of a chart changes nothing.
    let is_hook = annotation("helm.sh/hook").is_some_and(|hook| !hook.contains("test"))
        || annotation("argocd.argoproj.io/hook").is_some();
    let owners = job.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let spec = job.pointer("/spec/template/spec");
    let containers = ["initContainers", "containers"].iter().filter_map(|list| spec?.get(list)?.as_array()).flatten();
    let name = text(job, "/metadata/name");
    Job {
        name: Clean::line(name),
        images: containers.clone().map(|container| Clean::line(text(container, "/image"))).collect::<Box<[Name]>>(),
        created: text(job, "/metadata/creationTimestamp").parse().ok(),
        state: state(job),
        is_hook,
        is_scheduled: owners.into_iter().flatten().any(|owner| owner["kind"] == "CronJob"),
        migrates: says_migration(name) || containers.clone().any(migrates),
        is_kin: false,
    }
}

fn state(job: &Value) -> JobState {
    let conditions = job.pointer("/status/conditions").and_then(Value::as_array);
    let is =
        |kind: &str| conditions.into_iter().flatten().any(|found| found["type"] == kind && found["status"] == "True");
    match (is("Complete"), is("Failed")) {
        (true, _) => JobState::Done,
        (_, true) => JobState::Failed,
        _ if is_suspended(job, is("Suspended")) => JobState::Suspended,
        _ => JobState::Running,
    }
}

/// The condition follows what is wanted, so what is wanted goes first. Pods that were there when it was suspended run on
/// until they are ended.
fn is_suspended(job: &Value, has_condition: bool) -> bool {
    let wanted = job.pointer("/spec/suspend").and_then(Value::as_bool);
    let runs = |of: &str| job.pointer(of).and_then(Value::as_u64).is_some_and(|pods| pods > 0);
    wanted.unwrap_or(has_condition) && !runs("/status/active") && !runs("/status/terminating")
}

/// Whether a Job is of a workload's app: `web-migrate-412`, what made them, or labels that they share.
fn is_of(key: &WorkloadKey, object: &Value, job: &Value) -> bool {
    let rest = text(job, "/metadata/name").strip_prefix(key.name.as_str());
    let is_named = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let of = |object: &Value| labels(object, "/spec/template", &APP);
    is_named || !makers(object).is_disjoint(&makers(job)) || !of(object).is_disjoint(&of(job))
}

/// Whose an object is: itself and its owners, its Helm release, its application of Argo CD (`name:group/kind:...`).
fn makers(object: &Value) -> BTreeSet<(&'static str, &str)> {
    let annotation = |name: &str| object.pointer("/metadata/annotations").and_then(|all| all.get(name)?.as_str());
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
    let uids = owners.map(|owner| text(owner, "/uid")).chain([text(object, "/metadata/uid")]);
    let tracked = annotation("argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    let of_release = annotation("meta.helm.sh/release-name").map(|release| ("release", release));
    let all = uids.map(|uid| ("uid", uid)).chain(tracked.map(|app| ("application", app))).chain(of_release);
    all.filter(|(_, name)| !name.is_empty()).collect()
}

/// What an object and its template say they belong to, by these labels.
fn labels(object: &Value, template: &str, keys: &[&'static str]) -> BTreeSet<(&'static str, String)> {
    let templates = object.pointer(template);
    let labels = [Some(object), templates].into_iter().flatten().filter_map(|of| of.pointer("/metadata/labels"));
    let of = |labels: &Value, key: &'static str| Some((key, labels.get(key)?.as_str()?.to_owned()));
    labels.flat_map(|labels| keys.iter().filter_map(|key| of(labels, key)).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::BackendId;

    #[test]
    fn a_job_is_of_a_workload_by_its_name_by_what_made_it_or_by_labels() {
        let key = WorkloadKey {
            cluster: BackendId::new("c"),
            namespace: "shop".into(),
            kind: WorkloadKind::Deployment,
            name: "web".into(),
        };
        let object = json!({"metadata": {"name": "web", "uid": "u1", "labels": {"app": "web"}, "annotations": {
            "meta.helm.sh/release-name": "front", "argocd.argoproj.io/tracking-id": "store:apps/Deployment:shop/web"}}});
        let of = |metadata: Value| is_of(&key, &object, &json!({"metadata": metadata}));
        assert!(of(json!({"name": "web-migrate-2"})));
        assert!(of(json!({"name": "up", "labels": {"app": "web"}})));
        assert!(of(json!({"name": "up", "ownerReferences": [{"kind": "Deployment", "uid": "u1"}]})));
        assert!(of(json!({"name": "up", "annotations": {"meta.helm.sh/release-name": "front"}})));
        assert!(of(
            json!({"name": "up", "annotations": {"argocd.argoproj.io/tracking-id": "store:batch/Job:shop/up"}})
        ));
        assert!(!of(json!({"name": "website-migrate", "uid": "u2", "labels": {"app": "web-migrate"},
            "annotations": {"meta.helm.sh/release-name": "back"}})));
        assert!(!of(json!({"name": "up"})), "that neither says whose it is ties nothing");
    }
}
