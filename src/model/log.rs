//! Log lines of containers.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Name, kubernetes::ObjectKey};
use crate::text::Clean;

/// Which container instance wrote a line; shared by all its lines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub pod: ObjectKey,
    pub container: Name,
    /// Version of the pod, for colour and comparison: the image's tag.
    pub version: Name,
    pub details: Arc<PodDetails>,
}

impl Origin {
    /// Without details of its pod.
    pub fn new(pod: ObjectKey, container: Name, version: Name) -> Self {
        Self { pod, container, version, details: Arc::default() }
    }
}

/// What of a pod goes with its lines where it is asked for; else it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodDetails {
    /// The name of its node.
    pub node: Name,
    pub labels: BTreeMap<Name, Name>,
    pub annotations: BTreeMap<Name, Clean>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogLevel {
    /// By its name or the beginning of it: `warn`, `warning`, `err`.
    pub fn named(word: &str) -> Option<Self> {
        let upper = word.to_ascii_uppercase();
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal]
            .into_iter()
            .find(|level| upper.starts_with(level.name()) || (upper.len() >= 3 && level.name().starts_with(&upper)))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// How the note ends that stands for the log of a container's previous run where it never restarted.
pub const NEVER_RESTARTED: &str = "has no previous instance: it never restarted";

#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    pub origin: Arc<Origin>,
    /// By the node's clock.
    pub at: Timestamp,
    pub level: Option<LogLevel>,
    pub text: Clean,
    /// Continues the line before it (a stack trace): filters act on the whole.
    pub continues: bool,
    /// A word of our own between lines: a container restarted, a stream was cut.
    pub is_note: bool,
}

impl LogLine {
    /// What it counts as: a line that states no level is information.
    pub fn level_or_info(&self) -> LogLevel {
        self.level.unwrap_or(LogLevel::Info)
    }

    /// Bytes it costs to keep, about.
    pub fn cost(&self) -> usize {
        size_of::<Self>() + self.text.len() + 16
    }
}
