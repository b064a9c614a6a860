//! Where things stand: the XDG folders.

use std::path::PathBuf;

use directories::ProjectDirs;

/// Files of one user.
#[derive(Clone, Debug)]
pub struct Paths {
    pub config: PathBuf,
    /// State: audit, kept templates, snapshot, answers that are remembered, log.
    pub state: PathBuf,
}

impl Paths {
    /// The user's folders; `None` where there is no home.
    pub fn of_user() -> Option<Self> {
        let dirs = ProjectDirs::from("", "", "midwatch")?;
        Some(Self {
            config: dirs.config_dir().join("config.toml"),
            // Only Linux has a state folder.
            state: dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned(),
        })
    }

    /// Everything below one folder: the demo's.
    pub fn below(folder: &std::path::Path) -> Self {
        Self { config: folder.join("config.toml"), state: folder.join("state") }
    }

    pub fn audit(&self) -> PathBuf {
        self.state.join("audit.jsonl")
    }

    pub fn snapshot(&self) -> PathBuf {
        self.state.join("snapshot.json")
    }

    /// Answers given once: which clusters are production, which exec plugins may run.
    pub fn remembered(&self) -> PathBuf {
        self.state.join("remembered.json")
    }

    pub fn log(&self) -> PathBuf {
        self.state.join("midwatch.log")
    }
}
