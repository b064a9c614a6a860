//! Argo CD's application controller and Flux's kustomize-controller, with the git repository that both read: what it said of
//! each workload, commit by commit. A colleague reverts in git what somebody rolled back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Cluster, Timer,
    condition::set_condition,
    deployment::{bare_template, revision},
    ids, json as js,
    kinds::Resource,
    store::{Key, Object},
};

const APPLICATION: Resource = Resource::Applications;
const KUSTOMIZATION: Resource = Resource::Kustomizations;
/// How long Argo CD takes to apply.
const SYNC: SignedDuration = SignedDuration::from_secs(3);
/// How long after a rollback the colleague's revert is merged.
const REVERT: SignedDuration = SignedDuration::from_mins(3);

/// What git says of one workload from a commit on.
#[derive(Clone, Debug)]
struct Commit {
    sha: String,
    template: Value,
}

/// What one owner applies: to which Deployment, and its commits, oldest first.
#[derive(Clone, Debug)]
struct Source {
    deployment: Key,
    commits: Vec<Commit>,
    /// When it is looked at next by itself.
    due: Option<Timestamp>,
    /// When the colleague has reverted.
    revert: Option<Timestamp>,
}

impl Source {
    fn head(&self) -> Option<&Commit> {
        self.commits.last()
    }
}

/// By owner.
#[derive(Debug, Default)]
pub(super) struct Git(BTreeMap<(Resource, Key), Source>);

/// Every field that git sets is live as git has it; what others add is theirs.
fn covers(git: &Value, live: &Value) -> bool {
    match (git, live) {
        (Value::Object(git), Value::Object(live)) => {
            git.iter().all(|(key, value)| live.get(key).is_some_and(|live| covers(value, live)))
        }
        (Value::Array(git), Value::Array(live)) => {
            git.len() == live.len() && git.iter().zip(live).all(|(git, live)| covers(git, live))
        }
        (git, live) => git == live,
    }
}

fn is_suspended(kind: Resource, owner: &Value) -> bool {
    if kind == KUSTOMIZATION {
        return owner["spec"]["suspend"] == true;
    }
    let automated = &owner["spec"]["syncPolicy"]["automated"];
    !automated.is_object() || automated["enabled"] == false
}

impl Cluster {
    /// Argo CD and Flux take over the Deployments that their objects name: the past of git is the Deployment's own.
    pub fn found_gitops(&mut self) {
        for kind in [APPLICATION, KUSTOMIZATION] {
            let owners: Vec<Value> = self.store.list(kind, None, None).map(Object::value).collect();
            for owner in owners {
                let Some((deployment, shas)) = named(kind, &owner) else { continue };
                let commits = self.past(&deployment, shas);
                let key = (js::text(&owner, "/metadata/namespace").into(), js::text(&owner, "/metadata/name").into());
                self.git.0.insert((kind, key), Source { deployment, commits, due: None, revert: None });
                self.found_owner(kind, owner);
            }
        }
    }

    /// The newest revisions of a Deployment, one for each commit.
    fn past(&self, (namespace, name): &Key, shas: Vec<String>) -> Vec<Commit> {
        let Some(deployment) = self.store.get(Resource::Deployments, namespace, name) else { return Vec::new() };
        let mut sets: Vec<Value> = self.replica_sets(&deployment.facts().uid).iter().map(Object::value).collect();
        sets.sort_by_key(revision);
        let from = sets.len().saturating_sub(shas.len());
        let templates = sets.split_off(from).into_iter().map(|set| bare_template(&set["spec"]["template"]));
        shas.into_iter().zip(templates).map(|(sha, template)| Commit { sha, template }).collect()
    }

    /// What an Application's history has of each sync, as Argo CD writes it.
    fn found_owner(&mut self, kind: Resource, mut owner: Value) {
        if kind == APPLICATION {
            let source = owner["spec"]["source"].clone();
            for entry in owner["status"]["history"].as_array_mut().into_iter().flatten() {
                entry["source"] = source.clone();
                entry["deployStartedAt"] = entry["deployedAt"].clone();
            }
        }
        self.write(kind, owner);
    }

    /// A Deployment changed: the Application that tracks it looks again.
    pub(super) fn wake_owner(&mut self, deployment: &Object) {
        let key = deployment.facts().key();
        let owners = self.git.0.iter().filter(|(_, source)| source.deployment == key);
        self.dirty.extend(owners.map(|(owner, _)| owner.clone()));
    }

    pub(super) fn sync_owner(&mut self, at: Timestamp, kind: Resource, namespace: &str, name: &str) {
        let key = (kind, (namespace.to_owned(), name.to_owned()));
        if !self.git.0.contains_key(&key) {
            return;
        }
        match self.store.get(kind, namespace, name).map(Object::value) {
            Some(owner) if kind == APPLICATION => self.sync_application(at, &key, owner),
            Some(owner) => self.sync_kustomization(at, &key, owner),
            None => {}
        }
        self.colleague(at, &key);
    }

    /// Whether the Deployment is as a template says.
    fn is_live(&self, (namespace, name): &Key, template: &Value) -> bool {
        let live = self.store.get(Resource::Deployments, namespace, name).map(Object::value);
        live.is_some_and(|live| covers(template, &live["spec"]["template"]))
    }

    fn apply_commit(&mut self, at: Timestamp, (namespace, name): &Key, commit: &Commit, manager: &str) {
        self.edit(at, Resource::Deployments, namespace, name, manager, |value| {
            value["spec"]["template"] = commit.template.clone();
        });
    }

    /// `kustomize-controller`: applies git at every interval, and at once when it is resumed.
    fn sync_kustomization(&mut self, at: Timestamp, key: &(Resource, Key), mut owner: Value) {
        let Some(source) = self.git.0.get(key) else { return };
        let (deployment, head, due) = (source.deployment.clone(), source.head().cloned(), source.due);
        let Some(head) = head.filter(|_| !is_suspended(KUSTOMIZATION, &owner)) else {
            // A resumed one does not wait for its interval.
            self.git.0.entry(key.clone()).and_modify(|source| source.due = None);
            return;
        };
        if due.is_some_and(|due| due > at) {
            return;
        }
        self.apply_commit(at, &deployment, &head, "kustomize-controller");
        let of_revision = format!("main@sha1:{}", head.sha);
        js::set(&mut owner, "/status/lastAppliedRevision", json!(of_revision));
        js::set(&mut owner, "/status/lastAttemptedRevision", json!(of_revision));
        let message = format!("Applied revision: {of_revision}");
        let is_told = js::condition(&owner, "Ready").is_some_and(|ready| js::text(ready, "/message") == message);
        if !is_told {
            set_condition(&mut owner, at, "Ready", true, "ReconciliationSucceeded", &message);
        }
        let next = at + span(js::text(&owner, "/spec/interval"));
        self.git.0.entry(key.clone()).and_modify(|source| source.due = Some(next));
        self.at(next, Timer::Look(KUSTOMIZATION, key.1.clone()));
        self.write(KUSTOMIZATION, owner);
    }

    /// Argo CD's controller: compares live with git, runs the operation asked for, and syncs by itself where it is to.
    fn sync_application(&mut self, at: Timestamp, key: &(Resource, Key), mut owner: Value) {
        let Some(source) = self.git.0.get(key).cloned() else { return };
        let Some(head) = source.head() else { return };
        if let Some(operation) = js::remove(&mut owner, "/operation").filter(|operation| !operation.is_null()) {
            self.begin(at, key, &mut owner, operation);
        }
        self.finish(at, &source, &mut owner);
        let is_synced = self.is_live(&source.deployment, &head.template);
        let status = if is_synced { "Synced" } else { "OutOfSync" };
        js::set(&mut owner, "/status/sync/status", json!(status));
        js::set(&mut owner, "/status/sync/revision", json!(head.sha));
        if let Some(first) =
            owner.pointer_mut("/status/resources").and_then(Value::as_array_mut).and_then(|all| all.first_mut())
        {
            first["status"] = json!(status);
        }
        let is_running = js::text(&owner, "/status/operationState/phase") == "Running";
        if !is_synced && !is_running && !is_suspended(APPLICATION, &owner) {
            let operation = json!({"initiatedBy": {"automated": true}, "sync": {"revision": head.sha}});
            self.begin(at, key, &mut owner, operation);
        }
        self.write(APPLICATION, owner);
    }

    fn begin(&mut self, at: Timestamp, key: &(Resource, Key), owner: &mut Value, operation: Value) {
        let state = json!({"phase": "Running", "startedAt": js::stamp(at), "operation": operation,
            "message": "waiting for completion of hooks and resources"});
        js::set(owner, "/status/operationState", state);
        // Seconds are all that its status keeps.
        self.at(at + SYNC + SignedDuration::from_secs(1), Timer::Look(APPLICATION, key.1.clone()));
    }

    /// Ends an operation whose time has come: its commit is live, and the history has one entry more.
    fn finish(&mut self, at: Timestamp, source: &Source, owner: &mut Value) {
        let state = js::at(owner, "/status/operationState").clone();
        let Some(started) = js::time(&state, "/startedAt") else { return };
        if js::text(&state, "/phase") != "Running" || at < started + SYNC {
            return;
        }
        let sha = js::text(&state, "/operation/sync/revision").to_owned();
        let Some(commit) = source.commits.iter().find(|commit| commit.sha == sha) else {
            js::set(owner, "/status/operationState/phase", json!("Error"));
            js::set(owner, "/status/operationState/message", json!(format!("revision {sha} is not in the repository")));
            return;
        };
        self.apply_commit(at, &source.deployment, commit, "argocd-controller");
        for (field, to) in [("phase", "Succeeded"), ("message", "successfully synced (all tasks run)")] {
            js::set(owner, &format!("/status/operationState/{field}"), json!(to));
        }
        js::set(owner, "/status/operationState/finishedAt", json!(js::stamp(at)));
        js::set(owner, "/status/operationState/syncResult/revision", json!(sha));
        let of_source = owner["spec"]["source"].clone();
        if let Some(history) = owner.pointer_mut("/status/history").and_then(Value::as_array_mut) {
            let id = history.iter().filter_map(|entry| entry["id"].as_i64()).max().unwrap_or(-1) + 1;
            history.push(json!({"id": id, "revision": sha, "source": of_source,
                "deployStartedAt": js::stamp(started), "deployedAt": js::stamp(at)}));
            // Argo CD keeps ten.
            if history.len() > 10 {
                history.remove(0);
            }
        }
    }

    /// Somebody reverts in git what was rolled back in the cluster, and has it merged some minutes later.
    fn colleague(&mut self, at: Timestamp, key: &(Resource, Key)) {
        let Some(owner) = self.store.get(key.0, &key.1.0, &key.1.1).map(Object::value) else { return };
        let Some(source) = self.git.0.get(key).cloned() else { return };
        let Some(head) = source.head() else { return };
        let is_rolled_back = is_suspended(key.0, &owner) && !self.is_live(&source.deployment, &head.template);
        let revert = match source.revert {
            None if is_rolled_back => {
                self.at(at + REVERT, Timer::Look(key.0, key.1.clone()));
                Some(at + REVERT)
            }
            Some(due) if due <= at => {
                if is_rolled_back {
                    self.revert(at, key, &source);
                }
                None
            }
            Some(_) if !is_rolled_back => None,
            waiting => waiting,
        };
        self.git.0.entry(key.clone()).and_modify(|source| source.revert = revert);
    }

    /// Git says what is live; the source that Flux reads has fetched it.
    fn revert(&mut self, at: Timestamp, key: &(Resource, Key), source: &Source) {
        let (namespace, name) = &source.deployment;
        let Some(live) = self.store.get(Resource::Deployments, namespace, name).map(Object::value) else { return };
        let sha = ids::digest(self.seed, &format!("revert/{namespace}/{name}/{at}"));
        let sha = sha.trim_start_matches("sha256:").chars().take(40).collect::<String>();
        let commit = Commit { sha: sha.clone(), template: live["spec"]["template"].clone() };
        self.git.0.entry(key.clone()).and_modify(|source| source.commits.push(commit));
        if key.0 == KUSTOMIZATION {
            let owner = self.store.get(KUSTOMIZATION, &key.1.0, &key.1.1).map(Object::value).unwrap_or_default();
            let repository = js::text(&owner, "/spec/sourceRef/name").to_owned();
            self.edit(at, Resource::GitRepositories, &key.1.0, &repository, "source-controller", |value| {
                js::set(value, "/status/artifact/revision", json!(format!("main@sha1:{sha}")));
                js::set(value, "/status/artifact/lastUpdateTime", json!(js::stamp(at)));
            });
        }
        self.dirty.insert(key.clone());
    }
}

/// The Deployment that an owner applies, and the commits it tells of, oldest first.
fn named(kind: Resource, owner: &Value) -> Option<(Key, Vec<String>)> {
    if kind == APPLICATION {
        let resource = js::list(owner, "/status/resources").iter().find(|one| one["kind"] == "Deployment")?;
        let key = (js::text(resource, "/namespace").to_owned(), js::text(resource, "/name").to_owned());
        let history = js::list(owner, "/status/history").iter();
        return Some((key, history.map(|entry| js::text(entry, "/revision").to_owned()).collect()));
    }
    // `NAMESPACE_NAME_GROUP_KIND`
    let mut ids = js::list(owner, "/status/inventory/entries").iter().map(|entry| js::text(entry, "/id"));
    let id = ids.find_map(|id| id.strip_suffix("_apps_Deployment"))?;
    let (namespace, name) = id.split_once('_')?;
    let applied = js::text(owner, "/status/lastAppliedRevision").rsplit(':').next().unwrap_or_default();
    Some(((namespace.to_owned(), name.to_owned()), vec![applied.to_owned()]))
}

/// A Go duration as Flux's intervals have it; ten minutes if it is none.
fn span(text: &str) -> SignedDuration {
    text.parse().unwrap_or(SignedDuration::from_mins(10))
}
