//! The pieces of command lines that are offered to copy (`kubectl`, `gh`). What is foreign in them is one word for a shell,
//! whatever it holds.

use crate::{
    app::settings::Settings,
    model::{BackendId, code::RepoKey, kubernetes::WorkloadKey},
    text::quoted,
};

/// `kubectl --context CONTEXT`: the context's name in the kubeconfig, which need not be the cluster's name here.
pub fn kubectl_in(settings: &Settings, cluster: &BackendId) -> String {
    format!("kubectl --context {}", quoted(settings.context_of(cluster)))
}

/// `kubectl --context CONTEXT -n NAMESPACE`
pub fn kubectl(settings: &Settings, cluster: &BackendId, namespace: &str) -> String {
    format!("{} -n {}", kubectl_in(settings, cluster), quoted(namespace))
}

/// The same, and `KIND/NAME`.
pub fn kubectl_on(settings: &Settings, key: &WorkloadKey) -> (String, String) {
    (kubectl(settings, &key.cluster, &key.namespace), quoted(&format!("{}/{}", key.kind.name(), key.name)))
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
