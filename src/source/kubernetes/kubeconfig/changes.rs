//! Whether kubeconfig files have changed: they and the certificates they name are looked at, and read only if they have.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Loaded, load, paths_here};
use crate::source::kubernetes::client::named_files;

/// What is looked at of a file; `None`: it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// Kubeconfig files, as they were when last looked at.
pub struct Files {
    explicit: Option<PathBuf>,
    seen: Vec<(PathBuf, Stamp)>,
}

impl Files {
    /// The files that `explicit`, else `KUBECONFIG` or the home directory name, as they are now.
    pub fn new(explicit: Option<&Path>) -> Self {
        let mut files = Self { explicit: explicit.map(Path::to_owned), seen: Vec::new() };
        files.look(&load(&files.paths()));
        files
    }

    /// As the configuration names it.
    pub fn explicit(&self) -> Option<&Path> {
        self.explicit.as_deref()
    }

    /// What the files say, if one of them is another, is new or is gone since it was last asked.
    pub fn changed(&mut self) -> Option<Loaded> {
        if self.seen.iter().all(|(path, seen)| stamp(path) == *seen) {
            return None;
        }
        let loaded = load(&self.paths());
        self.look(&loaded);
        Some(loaded)
    }

    fn paths(&self) -> Vec<PathBuf> {
        paths_here(self.explicit.as_deref())
    }

    fn look(&mut self, loaded: &Loaded) {
        let named = named_files(loaded).into_iter().map(Path::to_owned);
        self.seen = self.paths().into_iter().chain(named).map(|path| (path.clone(), stamp(&path))).collect();
    }
}

fn stamp(path: &Path) -> Stamp {
    let about = path.metadata().ok()?;
    Some((about.modified().ok()?, about.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_or_a_certificate_it_names_that_changes_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let ca = folder.path().join("ca.pem");
        let write = |contexts: &str| {
            let clusters = "clusters: [{name: a, cluster: {server: 'https://a', certificate-authority: ca.pem}}]";
            std::fs::write(&path, format!("{clusters}\ncontexts: [{contexts}]\n")).unwrap();
        };
        let names = |loaded: &Loaded| loaded.config.contexts.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        let mut files = Files::new(Some(&path));
        assert!(files.changed().is_none());
        write("{name: a, context: {cluster: a, user: u}}");
        assert_eq!(names(&files.changed().unwrap()), ["a"]);
        assert!(files.changed().is_none());
        std::fs::write(&ca, "one").unwrap();
        assert!(files.changed().is_some());
        std::fs::write(&ca, "another").unwrap();
        assert!(files.changed().is_some());
        write("{name: a, context: {cluster: a, user: u}}, {name: b, context: {cluster: a, user: u}}");
        assert_eq!(names(&files.changed().unwrap()), ["a", "b"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(names(&files.changed().unwrap()), [""; 0]);
        assert!(files.changed().is_none());
    }
}
