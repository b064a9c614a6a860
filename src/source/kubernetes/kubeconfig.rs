//! Kubeconfig files: which are read, in what order, what is wrong with them, and the contexts they hold. Nothing here
//! contacts a cluster or runs a program.
//!
//! Rules of client-go's `clientcmd/loader.go`: the first file to set a name wins it whole, missing files are skipped,
//! relative paths in a file are relative to it.

pub mod changes;

use std::{
    ffi::OsStr,
    io::ErrorKind as IoErrorKind,
    path::{Path, PathBuf},
};

use kube::config::{Kubeconfig, KubeconfigError};

use crate::{
    model::Name,
    source::{ErrorKind, SourceError},
    text::Clean,
};

/// All kubeconfig files, merged.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub config: Kubeconfig,
    /// Files that were found and read, in order.
    pub files: Vec<PathBuf>,
    /// Files that could not be read or parsed, each as a sentence with its position. The others count.
    pub troubles: Vec<Clean>,
}

/// One context, as the files name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextInfo {
    pub name: Name,
    /// URL of its cluster's API server; empty if the cluster is not defined.
    pub server: Clean,
    /// The context's own namespace, if it sets one.
    pub namespace: Option<Name>,
    /// Program that must run to log in, with its arguments, as written.
    pub exec: Option<Clean>,
    pub current: bool,
}

/// The files to read: `explicit`, else each of `KUBECONFIG`'s list, else `~/.kube/config`.
pub fn paths(explicit: Option<&Path>, kubeconfig_variable: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = explicit {
        return vec![path.to_owned()];
    }
    let listed: Vec<_> = kubeconfig_variable
        .map(|list| std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if listed.is_empty() { home.map(|home| home.join(".kube/config")).into_iter().collect() } else { listed }
}

/// As [`paths`], from this process's environment.
pub fn paths_here(explicit: Option<&Path>) -> Vec<PathBuf> {
    let home = directories::BaseDirs::new();
    paths(explicit, std::env::var_os("KUBECONFIG").as_deref(), home.as_ref().map(directories::BaseDirs::home_dir))
}

/// Reads and merges the files. Missing ones are skipped, bad ones reported; it never fails as a whole.
pub fn load(paths: &[PathBuf]) -> Loaded {
    let mut loaded = Loaded::default();
    for path in paths {
        match Kubeconfig::read_from(path) {
            Ok(mut config) => {
                // `kubectl config unset current-context` leaves an empty one, which is none
                config.current_context = config.current_context.filter(|name| !name.is_empty());
                match loaded.config.clone().merge(config) {
                    Ok(merged) => {
                        loaded.config = merged;
                        loaded.files.push(path.clone());
                    }
                    Err(error) => loaded.troubles.push(trouble(path, &error)),
                }
            }
            Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == IoErrorKind::NotFound => {}
            Err(error) => loaded.troubles.push(trouble(path, &error)),
        }
    }
    loaded
}

/// The contexts of all files, in order. Contacts nobody.
pub fn contexts(loaded: &Loaded) -> Vec<ContextInfo> {
    let config = &loaded.config;
    let named = config.contexts.iter().filter_map(|named| Some((named, named.context.as_ref()?)));
    named
        .map(|(named, context)| {
            let cluster = config.clusters.iter().find(|cluster| cluster.name == context.cluster);
            let server = cluster.and_then(|cluster| cluster.cluster.as_ref()?.server.as_deref()).unwrap_or_default();
            let user = context.user.as_ref().and_then(|user| config.auth_infos.iter().find(|info| info.name == *user));
            let exec = user.and_then(|user| user.auth_info.as_ref()?.exec.as_ref()).map(|exec| {
                let words = exec.command.iter().chain(exec.args.iter().flatten());
                Clean::line(&words.cloned().collect::<Vec<_>>().join(" "))
            });
            ContextInfo {
                name: Clean::line(&named.name),
                server: Clean::line(server),
                namespace: context.namespace.as_deref().filter(|name| !name.is_empty()).map(Clean::line),
                exec,
                current: config.current_context.as_ref() == Some(&named.name),
            }
        })
        .collect()
}

impl Loaded {
    /// Context to open: the wanted one, else the current one. The error says which there are.
    pub fn context(&self, wanted: Option<&str>) -> Result<String, SourceError> {
        let names: Vec<&str> = self.config.contexts.iter().map(|context| context.name.as_str()).collect();
        let says = match wanted.or(self.config.current_context.as_deref()) {
            Some(name) if names.contains(&name) => return Ok(name.to_owned()),
            Some(name) if names.is_empty() && self.troubles.is_empty() => {
                format!(
                    "There is no kubeconfig that names the context '{name}': set KUBECONFIG, or `kubeconfig` in the config."
                )
            }
            Some(name) => format!("There is no context '{name}' in the kubeconfig; there are: {}.", listed(&names)),
            None if names.is_empty() && self.troubles.is_empty() => {
                "There is no kubeconfig with a context: set KUBECONFIG, or `kubeconfig` in the config.".to_owned()
            }
            None if names.is_empty() => "No kubeconfig could be read.".to_owned(),
            None => format!("The kubeconfig has no current context: choose one of {}.", listed(&names)),
        };
        let troubles = self.troubles.iter().fold(String::new(), |all, trouble| all + " " + trouble);
        Err(SourceError::new(ErrorKind::Unexpected, says + &troubles))
    }
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

/// Never quotes the file itself: what stands beside a mistake may be a token.
fn trouble(path: &Path, error: &KubeconfigError) -> Clean {
    let path = path.display();
    Clean::line(&match error {
        KubeconfigError::Parse(parse) => match parse.location() {
            Some(at) => format!("'{path}' is not a valid kubeconfig: line {}, column {}.", at.line(), at.column()),
            None => format!("'{path}' is not a valid kubeconfig."),
        },
        KubeconfigError::ReadConfig(io, _) => format!("'{path}' cannot be read: {io}."),
        other => format!("'{path}': {other}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = r"
apiVersion: v1
kind: Config
current-context: eu
clusters:
- {name: eu, cluster: {server: 'https://eu:6443', certificate-authority: ca.pem}}
contexts:
- {name: eu, context: {cluster: eu, user: ann, namespace: shop}}
users:
- name: ann
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token]}
";
    const SECOND: &str = r"
current-context: us
clusters:
- {name: us, cluster: {server: 'http://us:8080'}}
contexts:
- {name: us, context: {cluster: us, user: bob}}
- {name: eu, context: {cluster: us, user: bob}}
";

    #[test]
    fn the_first_file_wins_and_missing_ones_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second, missing, bad] = ["a", "b", "none", "bad"].map(|name| folder.path().join(name));
        std::fs::write(&first, FIRST).unwrap();
        std::fs::write(&second, SECOND).unwrap();
        std::fs::write(&bad, "users:\n- name: x\n  user: {token: [s3cr3t-marker}\n").unwrap();
        let loaded = load(&[missing, first.clone(), bad.clone(), second.clone()]);
        assert_eq!(loaded.files, [first, second]);
        assert_eq!(loaded.troubles.len(), 1);
        let trouble = loaded.troubles[0].as_str();
        assert!(trouble.contains("bad") && trouble.contains("line 3"), "{trouble}");
        assert!(!trouble.contains("s3cr3t"), "{trouble}");
        let contexts = contexts(&loaded);
        assert_eq!(contexts.len(), 2);
        assert_eq!(contexts[0].exec.as_ref().unwrap(), "aws eks get-token");
        assert_eq!(contexts[0].namespace.as_ref().unwrap(), "shop");
        assert!(contexts[0].current && !contexts[1].current);
        assert_eq!(contexts[1].server, "http://us:8080");
        let ca = loaded.config.clusters[0].cluster.as_ref().unwrap().certificate_authority.clone().unwrap();
        assert_eq!(Path::new(&ca), folder.path().join("ca.pem"));
        assert_eq!(loaded.context(None).unwrap(), "eu");
        let says = loaded.context(Some("prod")).unwrap_err().says;
        assert!(says.contains("no context 'prod'") && says.contains("'us'"), "{says}");
    }

    #[test]
    fn an_empty_current_context_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let [unset, second] = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&unset, "apiVersion: v1\nkind: Config\ncurrent-context: \"\"\n").unwrap();
        std::fs::write(&second, SECOND).unwrap();
        assert_eq!(load(&[unset.clone(), second]).context(None).unwrap(), "us");
        let says = load(&[unset]).context(None).unwrap_err().says;
        assert!(says.contains("no kubeconfig with a context"), "{says}");
    }

    #[test]
    fn the_list_of_paths_is_kubectls() {
        let home = Path::new("/home/ann");
        let of = |explicit: Option<&str>, variable: Option<&str>| {
            paths(explicit.map(Path::new), variable.map(OsStr::new), Some(home))
        };
        assert_eq!(of(None, None), [Path::new("/home/ann/.kube/config")]);
        assert_eq!(of(None, Some("")), [Path::new("/home/ann/.kube/config")]);
        assert_eq!(of(None, Some("/a::/b")), [Path::new("/a"), Path::new("/b")]);
        assert_eq!(of(Some("/c"), Some("/a")), [Path::new("/c")]);
    }
}
