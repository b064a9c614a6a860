//! The pieces of command lines that are offered to copy (`kubectl`, `gh`). What is foreign in them is one word for a shell,
//! whatever it holds.

use crate::{
    model::{code::RepoKey, kubernetes::WorkloadKey},
    text::quoted,
};

/// `kubectl --context CLUSTER -n NAMESPACE`
pub fn kubectl(cluster: &str, namespace: &str) -> String {
    format!("kubectl --context {} -n {}", quoted(cluster), quoted(namespace))
}

/// The same, and `KIND/NAME`.
pub fn kubectl_on(key: &WorkloadKey) -> (String, String) {
    (kubectl(&key.cluster, &key.namespace), quoted(&format!("{}/{}", key.kind.name(), key.name)))
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
