//! The pieces of command lines that are offered to copy (`kubectl`, `gh`). What is foreign in them is one word for a shell,
//! whatever it holds.

use crate::{
    app::settings::Settings,
    model::{
        BackendId,
        code::RepoKey,
        kubernetes::{WorkloadKey, WorkloadKind},
    },
    text::{Clean, quoted},
};

/// `kubectl --context CONTEXT`: the context's name in the kubeconfig, which need not be the cluster's name here.
pub fn kubectl_in(settings: &Settings, cluster: &BackendId) -> String {
    format!("kubectl --context {}", quoted(settings.context_of(cluster)))
}

/// A context as programs beside kubectl are told it, with their flag: ` --kube-context CONTEXT`.
pub fn in_context(flag: &str, settings: &Settings, cluster: &BackendId) -> String {
    format!(" {flag} {}", quoted(settings.context_of(cluster)))
}

/// `kubectl --context CONTEXT -n NAMESPACE`
pub fn kubectl(settings: &Settings, cluster: &BackendId, namespace: &str) -> String {
    format!("{} -n {}", kubectl_in(settings, cluster), quoted(namespace))
}

/// The same, and `KIND/NAME`.
pub fn kubectl_on(settings: &Settings, key: &WorkloadKey) -> (String, String) {
    (kubectl(settings, &key.cluster, &key.namespace), quoted(&format!("{}/{}", key.kind.name(), key.name)))
}

/// A line for the plugin of Argo Rollouts: kubectl itself does not know the kind.
pub fn argo_rollouts(settings: &Settings, key: &WorkloadKey, verb: &str, flags: &str) -> Clean {
    let place = kubectl(settings, &key.cluster, &key.namespace);
    let place = place.strip_prefix("kubectl").unwrap_or(&place);
    let flags = if flags.is_empty() { String::new() } else { format!(" {flags}") };
    Clean::own(format!("kubectl argo rollouts {verb} {}{flags}{place}", quoted(&key.name)))
}

/// The line that goes back to a kept revision.
pub fn rollout_undo(settings: &Settings, key: &WorkloadKey, revision: i64) -> Clean {
    let flag = format!("--to-revision={revision}");
    if key.kind == WorkloadKind::Rollout {
        return argo_rollouts(settings, key, "undo", &flag);
    }
    let (kubectl, object) = kubectl_on(settings, key);
    Clean::own(format!("{kubectl} rollout undo {object} {flag}"))
}

/// The line that ends a pause somebody made.
pub fn resume_line(settings: &Settings, key: &WorkloadKey) -> Clean {
    if key.kind == WorkloadKind::Rollout {
        return argo_rollouts(settings, key, "promote", "");
    }
    let (kubectl, object) = kubectl_on(settings, key);
    Clean::own(format!("{kubectl} rollout resume {object}"))
}

/// What `gh` takes after `-R`: HOST/OWNER/REPO for anything but github.com; a backend's name is its host when it looks
/// like one.
pub fn repository(repo: &RepoKey) -> String {
    let host: &str = &repo.host;
    if host != "github.com" && host.contains('.') {
        quoted(&format!("{host}/{}", repo.name))
    } else {
        quoted(&repo.name)
    }
}
