//! The fields of a row, by its kind: what a command line may ask for. Every value is clean text.

use crate::{
    app::settings::Settings,
    command::Kind,
    model::{
        BackendId,
        kubernetes::{ContainerRole, ContainerState, Pod},
    },
    store::Store,
    text::Clean,
    ui::{overlays, target::Target},
};

/// The kinds of rows by the configuration's names, and the fields of each. An alert has its labels besides.
const FIELDS: &[(&str, Kind, &[&str])] = &[
    (
        "pod",
        Kind::Pod,
        &["name", "namespace", "cluster", "context", "kind", "uid", "node", "container", "image", "workload"],
    ),
    ("workload", Kind::Workload, &["name", "namespace", "cluster", "context", "kind", "uid", "image", "revision"]),
    ("object", Kind::Object, &["name", "namespace", "cluster", "context", "kind", "plural", "group", "version"]),
    ("run", Kind::Run, &["id", "number", "repo", "host", "workflow", "branch", "sha", "actor", "url"]),
    ("job", Kind::Job, &["id", "run", "repo", "host"]),
    ("pull-request", Kind::PullRequest, &["number", "repo", "host", "title", "branch", "base", "sha", "author", "url"]),
    ("alert", Kind::Alert, &["name", "backend", "priority", "fingerprint", "url"]),
    ("silence", Kind::Silence, &["id", "backend"]),
    ("backend", Kind::Backend, &["name"]),
];

/// Prefix of an alert's labels: `label.instance`.
const LABEL: &str = "label.";

/// The kind of that name.
pub fn kind(name: &str) -> Option<Kind> {
    FIELDS.iter().find(|(known, ..)| *known == name).map(|(_, kind, _)| *kind)
}

/// The names of all kinds.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, ..)| *name)
}

/// The names of a kind's fields.
pub fn of(kind: Kind) -> impl Iterator<Item = &'static str> {
    FIELDS.iter().filter(move |(_, of, _)| *of == kind).flat_map(|(_, _, fields)| fields.iter().copied())
}

/// Whether rows of this kind have the field. Which labels an alert has is not known before.
pub fn has(kind: Kind, name: &str) -> bool {
    of(kind).any(|field| field == name) || (kind == Kind::Alert && label_of(name).is_some())
}

fn label_of(name: &str) -> Option<&str> {
    // `_` as variables have it
    name.strip_prefix(LABEL).or_else(|| name.strip_prefix("label_")).filter(|label| !label.is_empty())
}

/// A field by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field(String);

impl Field {
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    /// `MIDWATCH_LABEL_INSTANCE`
    pub fn variable(&self, prefix: &str) -> String {
        let name: String = self.0.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        prefix.to_owned() + &name.to_ascii_uppercase()
    }
}

/// The values of one row.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    pub target: &'a Target,
    pub store: &'a Store,
    pub settings: &'a Settings,
}

impl Values<'_> {
    /// The value of a field.
    ///
    /// # Errors
    /// In words, where this row has none.
    pub fn get(&self, field: &Field) -> Result<Clean, Clean> {
        let found = self.value(field.name()).filter(|value| !value.is_empty());
        found.ok_or_else(|| Clean::own(format!("{} has no {}", self.target, field.name())))
    }

    /// The name of the object itself, without its kind.
    pub fn name(&self) -> Option<Clean> {
        ["name", "number", "id"].iter().find_map(|name| self.value(name))
    }

    pub fn is_production(&self, backend: &BackendId) -> bool {
        matches!(self.target, Target::Pod(_) | Target::Workload(_) | Target::Object(_))
            && self.settings.is_production(backend)
    }

    /// Where the row lives: `prod-eu1/shop`.
    pub fn place(&self) -> Clean {
        match self.target {
            Target::Pod(key) => Clean::own(format!("{}/{}", key.cluster, key.namespace)),
            Target::Workload(key) => Clean::own(format!("{}/{}", key.cluster, key.namespace)),
            Target::Object(key) if !key.namespace.is_empty() => {
                Clean::own(format!("{}/{}", key.cluster, key.namespace))
            }
            Target::Run(key) => key.repo.name.clone(),
            Target::Job(key) => key.run.repo.name.clone(),
            Target::PullRequest(key) => key.repo.name.clone(),
            other => other.backend().map(|backend| backend.0.clone()).unwrap_or_default(),
        }
    }

    /// What a program needs to find the row's cluster as midwatch does.
    pub fn environment(&self) -> Vec<(String, String)> {
        let known = self.target.backend().and_then(|cluster| self.settings.contexts_of.get(cluster));
        let files = known.and_then(|known| known.kubeconfig.as_ref());
        files.map(|path| ("KUBECONFIG".to_owned(), path.display().to_string())).into_iter().collect()
    }

    fn value(&self, name: &str) -> Option<Clean> {
        let number = |number: u64| Some(Clean::own(number.to_string()));
        match (self.target, name) {
            (Target::Pod(key), "name") => Some(key.name.clone()),
            (Target::Pod(key), "namespace") => Some(key.namespace.clone()),
            (Target::Pod(_), "kind") => Some("pod".into()),
            (Target::Workload(key), "name") => Some(key.name.clone()),
            (Target::Workload(key), "namespace") => Some(key.namespace.clone()),
            (Target::Workload(key), "kind") => Some(key.kind.name().into()),
            (Target::Object(key), "name") => Some(key.name.clone()),
            (Target::Object(key), "namespace") => Some(key.namespace.clone()),
            (Target::Object(key), "kind") => Some(Clean::own(key.resource.qualified())),
            (Target::Object(key), "plural") => Some(key.resource.plural.clone()),
            (Target::Object(key), "group") => Some(key.resource.group.clone()),
            (Target::Object(key), "version") => Some(key.resource.version.clone()),
            (Target::Pod(_) | Target::Workload(_) | Target::Object(_), "cluster") => {
                Some(self.target.backend()?.0.clone())
            }
            (Target::Pod(_) | Target::Workload(_) | Target::Object(_), "context") => {
                Some(self.settings.context_of(self.target.backend()?).clone())
            }
            (Target::Pod(_), name) => self.of_pod(name),
            (Target::Workload(key), name) => {
                let workload = self.store.kube.workloads.get(key)?;
                match name {
                    "uid" => Some(workload.uid.clone()),
                    "image" => workload.images.first().cloned(),
                    "revision" => number(u64::try_from(workload.revision?).ok()?),
                    _ => None,
                }
            }
            (Target::Run(key), "id") => number(key.id),
            (Target::Run(key), "repo") => Some(key.repo.name.clone()),
            (Target::Run(_), name) => self.of_run(name),
            (Target::Job(key), "id") => number(key.id),
            (Target::Job(key), "run") => number(key.run.id),
            (Target::Job(key), "repo") => Some(key.run.repo.name.clone()),
            (Target::PullRequest(key), "number") => number(key.number),
            (Target::PullRequest(key), "repo") => Some(key.repo.name.clone()),
            (Target::PullRequest(_), name) => self.of_pull_request(name),
            (Target::Alert(_), name) => self.of_alert(name),
            (Target::Silence(key), "id") => Some(key.id.clone()),
            (Target::Backend(id), "name") => Some(id.0.clone()),
            (_, "host" | "backend") => Some(self.target.backend()?.0.clone()),
            _ => None,
        }
    }

    fn of_pod(&self, name: &str) -> Option<Clean> {
        let Target::Pod(key) = self.target else { return None };
        let pod = self.store.kube.pods.get(key)?;
        match name {
            "uid" => Some(pod.uid.clone()),
            "node" => pod.node.clone(),
            "container" => telling(pod).map(|container| container.name.clone()),
            "image" => telling(pod).map(|container| container.image.clone()),
            "workload" => {
                let workload = self.store.kube.workload_of(pod)?;
                Some(Clean::own(format!("{}/{}", workload.key.kind.name(), workload.key.name)))
            }
            _ => None,
        }
    }

    fn of_run(&self, name: &str) -> Option<Clean> {
        let Target::Run(key) = self.target else { return None };
        let run = self.store.runs.get(key)?;
        match name {
            "number" => Some(Clean::own(run.number.to_string())),
            "workflow" => Some(run.workflow.clone()),
            "branch" => run.branch.clone(),
            "sha" => Some(run.head_sha.clone()),
            "actor" => Some(run.actor.clone()),
            "url" => Some(run.url.clone()),
            "host" => Some(key.repo.host.0.clone()),
            _ => None,
        }
    }

    fn of_pull_request(&self, name: &str) -> Option<Clean> {
        let Target::PullRequest(key) = self.target else { return None };
        let pr = self.store.pull_requests.get(key)?;
        match name {
            "title" => Some(pr.title.clone()),
            "branch" => Some(pr.head.clone()),
            "base" => Some(pr.base.clone()),
            "sha" => Some(pr.head_sha.clone()),
            "author" => Some(pr.author.clone()),
            "url" => Some(pr.url.clone()),
            "host" => Some(key.repo.host.0.clone()),
            _ => None,
        }
    }

    fn of_alert(&self, name: &str) -> Option<Clean> {
        let Target::Alert(key) = self.target else { return None };
        let alert = self.store.alerts.get(key)?;
        match name {
            "name" => Some(alert.name.clone()),
            "backend" => Some(key.backend.0.clone()),
            "priority" => Some(alert.priority.name().into()),
            "fingerprint" => Some(key.fingerprint.clone()),
            "url" => overlays::url_of(self.store, self.target),
            name => alert.label(label_of(name)?).cloned(),
        }
    }

    /// Everything of the row that a link may be found in.
    pub fn texts(&self) -> Vec<Clean> {
        let store = self.store;
        match self.target {
            Target::Pod(key) => store.kube.pods.get(key).map_or_else(Vec::new, |pod| {
                let mut texts = vec![pod.key.name.clone(), pod.why.clone()];
                texts.extend(pod.reason.clone());
                for container in &pod.containers {
                    texts.push(container.image.clone());
                    if let ContainerState::Waiting { message, .. } = &container.state {
                        texts.push(message.clone());
                    }
                    texts.extend(container.last.as_ref().and_then(|last| last.message.clone()));
                }
                texts
            }),
            Target::Workload(key) => store.kube.workloads.get(key).map_or_else(Vec::new, |workload| {
                let mut texts = vec![key.name.clone(), workload.rollout.words.clone()];
                texts.extend(workload.change_cause.clone());
                texts.extend(workload.replica_failure.clone());
                texts.extend(workload.progressing.as_ref().map(|(_, message, _)| message.clone()));
                texts.extend(workload.images.iter().cloned());
                texts
            }),
            Target::Run(key) => store.runs.get(key).map_or_else(Vec::new, |run| {
                [Some(&run.title), run.branch.as_ref(), Some(&run.workflow)].into_iter().flatten().cloned().collect()
            }),
            Target::PullRequest(key) => store
                .pull_requests
                .get(key)
                .map_or_else(Vec::new, |pr| [&pr.title, &pr.head].into_iter().chain(&pr.labels).cloned().collect()),
            Target::Alert(key) => store.alerts.get(key).map_or_else(Vec::new, |alert| {
                let labels = alert.labels.iter().map(|(name, value)| Clean::own(format!("{name}={value}")));
                let annotations = alert.annotations.iter().map(|(_, value)| value.clone());
                std::iter::once(alert.name.clone()).chain(labels).chain(annotations).collect()
            }),
            other => vec![Clean::own(other.to_string())],
        }
    }
}

/// The container that is meant: the first main one that is in trouble, else the first main one.
fn telling(pod: &Pod) -> Option<&crate::model::kubernetes::Container> {
    let main = || pod.containers.iter().filter(|container| container.role == ContainerRole::Main);
    main().find(|container| !container.ready).or_else(|| main().next())
}
