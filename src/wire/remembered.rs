//! Answers given once and kept: which clusters are production, which exec plugins may run, which namespaces were chosen.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::text::inert_json;

/// The file `remembered.json`, 0600. A broken one is as good as none: everything is asked again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// By the cluster's own id: the UID of its namespace kube-system, else its server and CA.
    pub production: BTreeMap<String, bool>,
    /// Fingerprints of programs and their arguments.
    pub allowed_plugins: BTreeSet<String>,
    /// Those of `:ns`, the newest first, by the cluster's address: what is tried first where not all may be read.
    pub namespaces: BTreeMap<String, Vec<String>>,
}

impl Remembered {
    pub fn read(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Writes the whole file anew, so that it is never half-written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        // A program's path is the kubeconfig's word.
        let json = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        replace_private(path, inert_json(&json).as_bytes())
    }
}

/// Replaces a file that only its owner may read, whole or not at all.
pub fn replace_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or_else(|| std::io::Error::other("it has no folder"))?;
    std::fs::create_dir_all(folder)?;
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_and_a_broken_file_asks_again() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/remembered.json");
        let mut answers = Remembered::default();
        answers.production.insert("https://10.0.0.1".to_owned(), false);
        answers.namespaces.insert("https://10.0.0.1 ab12".to_owned(), vec!["till".to_owned()]);
        answers.write(&path).expect("written");
        assert_eq!(Remembered::read(&path), answers);
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "{ half").expect("written");
        assert_eq!(Remembered::read(&path), Remembered::default());
    }
}
