//! The audit: an append-only file of JSON lines, one record each, that only its owner may read. Intents are on disk before
//! anything is sent, outcomes after. Several processes may append; a line torn by a crash is passed over.

mod past;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use past::{PastAct, SentStep, acts, is_alive, unfinished};

use super::{
    Request, Risk,
    act::{Outcome, StepState},
};
use crate::{
    model::Name,
    text::{Clean, file_name, inert_json},
};

/// How long another process may hold the file.
const LOCK: Duration = Duration::from_secs(3);

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Number of the act.
    pub number: u64,
    pub at: Timestamp,
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Entry {
    /// A confirmed plan, before its first step.
    Begun(Box<Begun>),
    /// A step is about to be sent.
    Intended { step: usize, says: Clean, write: Option<serde_json::Value> },
    /// What came of a step.
    Outcome {
        step: usize,
        result: StepResult,
        says: Clean,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Name>,
    },
    /// What came of a step that sends nothing, or was left out. Older versions pass it over.
    Step { step: usize, result: StepResult, says: Clean },
    /// Nothing more is sent.
    Ended { outcome: Outcome },
    /// What was seen afterwards.
    Watched { met: bool, says: Clean },
    /// Of a later version.
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    Done,
    Refused,
    Unknown,
    Skipped,
}

impl StepResult {
    /// A step's end, if it has one, with what is said of it.
    pub fn of(state: &StepState) -> Option<(Self, Clean)> {
        let (result, says) = match state {
            StepState::Waiting | StepState::Running(_) => return None,
            StepState::Done(says) => (Self::Done, says),
            StepState::Refused(says) => (Self::Refused, says),
            StepState::Unknown(says) => (Self::Unknown, says),
            StepState::Skipped(says) => (Self::Skipped, says),
        };
        Some((result, says.clone()))
    }

    /// The state that such a step has.
    pub fn state(self, says: Clean) -> StepState {
        match self {
            Self::Done => StepState::Done(says),
            Self::Refused => StepState::Refused(says),
            Self::Unknown => StepState::Unknown(says),
            Self::Skipped => StepState::Skipped(says),
        }
    }
}

/// Who, what, where, why, and on which plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    pub actor: Clean,
    /// `user@host`, as the operating system knows them.
    pub login: Clean,
    pub process: u32,
    pub version: Clean,
    pub request: Request,
    pub title: Clean,
    pub place: Clean,
    /// Which cluster has its name, where it told: another one may have it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<Clean>,
    pub production: bool,
    pub risk: Risk,
    pub reason: Option<Clean>,
    pub steps: Vec<Clean>,
    /// STOP and LOOK lines that the person saw.
    pub warnings: Vec<Clean>,
    /// File with the earlier state, beside this one.
    pub kept: Option<String>,
    pub from_revision: Option<Name>,
    pub to_revision: Option<Name>,
    pub can_undo: bool,
}

/// The audit file and what stands beside it.
#[derive(Clone, Debug)]
pub struct Audit {
    path: PathBuf,
}

impl Audit {
    /// Touches nothing yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it could be appended to now.
    pub fn check(&self) -> io::Result<()> {
        self.open().map(drop)
    }

    /// Allocates the act's number and writes its first record, on disk when this returns.
    pub fn begin(&self, at: Timestamp, make: impl FnOnce(u64) -> Begun) -> io::Result<u64> {
        let mut file = self.locked()?;
        let number = records(&read_all(&mut file)?).map(|record| record.number).max().unwrap_or(0) + 1;
        append(&mut file, &Record { number, at, entry: Entry::Begun(Box::new(make(number))) })?;
        Ok(number)
    }

    /// Appends one record, on disk when this returns.
    pub fn append(&self, number: u64, at: Timestamp, entry: Entry) -> io::Result<()> {
        append(&mut self.locked()?, &Record { number, at, entry })
    }

    /// All records, oldest first; torn or foreign lines are passed over. No file is no record.
    pub fn read(&self) -> io::Result<Vec<Record>> {
        match File::open(&self.path) {
            Ok(mut file) => Ok(records(&read_all(&mut file)?).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// How long the file is now: one that is as long as it was has no new record. No file is an empty one.
    pub fn length(&self) -> io::Result<u64> {
        match fs::metadata(&self.path) {
            Ok(found) => Ok(found.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Where the state before act `number` is kept, relative to the audit's directory.
    pub fn kept_name(number: u64) -> String {
        format!("kept/{number:04}.json")
    }

    /// Keeps the state before an act in a file of its own: it may hold literal secrets.
    pub fn keep(&self, number: u64, kept: &impl Serialize) -> io::Result<()> {
        let path = self.beside(&Self::kept_name(number));
        private_directory(path.parent().unwrap_or(&path))?;
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
        file.write_all(inert_json(&serde_json::to_string(kept)?).as_bytes())?;
        file.sync_all()?;
        sync_directory(&path);
        Ok(())
    }

    /// What was kept for an act.
    pub fn kept<T: DeserializeOwned>(&self, number: u64) -> io::Result<Option<T>> {
        match fs::read(self.beside(&Self::kept_name(number))) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes one piece of evidence of an act.
    pub fn keep_evidence(&self, number: u64, name: &str, text: &str) -> io::Result<()> {
        let directory = self.beside(&format!("evidence/{number:04}"));
        private_directory(&directory)?;
        let mut file = private(OpenOptions::new().write(true).create(true).truncate(true))
            .open(directory.join(file_name(name)))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(name)
    }

    fn open(&self) -> io::Result<File> {
        if let Some(directory) = self.path.parent() {
            private_directory(directory)?;
        }
        let is_new = !self.path.exists();
        let file = private(OpenOptions::new().read(true).append(true).create(true)).open(&self.path)?;
        keep_private(&file)?;
        if is_new {
            sync_directory(&self.path);
        }
        Ok(file)
    }

    fn locked(&self) -> io::Result<File> {
        let file = self.open()?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if waited >= LOCK => {
                    return Err(io::Error::other("another process holds it"));
                }
                Err(TryLockError::WouldBlock) => {
                    let pause = Duration::from_millis(10);
                    std::thread::sleep(pause);
                    waited += pause;
                }
            }
        }
    }
}

/// Appends a whole line or nothing. A torn line before it is closed first.
fn append(file: &mut File, record: &Record) -> io::Result<()> {
    let before = file.seek(SeekFrom::End(0))?;
    let mut line = inert_json(&serde_json::to_string(record)?).into_bytes();
    line.push(b'\n');
    if before > 0 {
        file.seek(SeekFrom::Start(before - 1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
    }
    let written = file.write_all(&line).and_then(|()| file.sync_all());
    if written.is_err() {
        // A full disk: no half line stays.
        let _ = file.set_len(before);
    }
    written
}

fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn records(bytes: &[u8]) -> impl Iterator<Item = Record> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Takes from others what somebody gave them.
fn keep_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// The name of a new file is on disk too. Not every file system can do it, and then there is nothing better.
fn sync_directory(of: &Path) {
    if let Some(directory) = of.parent().and_then(|directory| File::open(directory).ok()) {
        let _ = directory.sync_all();
    }
}

fn private_directory(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
