//! What an API server says instead of a log. The codes alone do not tell a container that has not started from one that
//! does not exist, so the kubelet's words are read (pkg/registry/core/pod/strategy.go, pkg/kubelet/kubelet_pods.go).

use jiff::Timestamp;

use crate::{model::log::NEVER_RESTARTED, source::kubernetes::failure::Failure};

/// Why there is no log.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The container list was stale, or none was named.
    NoSuchContainer(String),
    /// Not started: its reason, `ContainerCreating` or "image can't be pulled".
    Waiting(String),
    /// No status or no log left.
    NothingLeft,
    NoPrevious,
    PodGone,
    /// The server's sentence.
    Forbidden(String),
    /// The kubelet or the connection: worth another try, not before the server said.
    Failed {
        why: String,
        retry_at: Option<Timestamp>,
    },
}

/// A body that the server sends with status 200 where there is no log (kubernetes#142258).
pub const NOT_RETRIEVED: &str = "unable to retrieve container logs for ";

impl Refusal {
    pub fn of(failure: &Failure) -> Self {
        let failed = || Self::Failed { why: failure.error.says.to_string(), retry_at: failure.error.retry_at };
        let Some(code) = failure.code else { return failed() };
        let message = failure.message.to_string();
        match code {
            400 if message.contains(" is waiting to start") => {
                let why = message.split_once(" is waiting to start").map_or("", |(_, why)| why);
                Self::Waiting(why.trim_start_matches(':').trim().to_owned())
            }
            400 if message.contains("previous terminated container") => Self::NoPrevious,
            400 if message.contains("a container name must be specified")
                || message.contains(" is not valid for pod") =>
            {
                Self::NoSuchContainer(message)
            }
            400 if message.ends_with(" is not available") || message.ends_with(" is terminated") => Self::NothingLeft,
            401 | 403 => Self::Forbidden(message),
            404 => Self::PodGone,
            _ => failed(),
        }
    }

    /// Not to be asked again before.
    pub fn retry_at(&self) -> Option<Timestamp> {
        if let Self::Failed { retry_at, .. } = self { *retry_at } else { None }
    }

    /// In words, after "pod 'x': ".
    pub fn says(&self, container: &str) -> String {
        match self {
            Self::NoSuchContainer(message) | Self::Forbidden(message) => message.clone(),
            Self::Waiting(why) if why.is_empty() => format!("container '{container}' has not started"),
            Self::Waiting(why) => format!("container '{container}' has not started: {why}"),
            Self::NothingLeft => format!("container '{container}' has no log left"),
            Self::NoPrevious => format!("container '{container}' {NEVER_RESTARTED}"),
            Self::PodGone => "the pod is gone, and its logs with it".to_owned(),
            Self::Failed { why, .. } => format!("no log of container '{container}': {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        source::{ErrorKind, kubernetes::failure::Reached},
        text::Clean,
    };

    #[test]
    fn every_known_answer_is_told_apart() {
        let of = |code: u16, message: &str| {
            let own = Failure::own(ErrorKind::Unexpected, Reached::Answered, message);
            Refusal::of(&Failure { code: Some(code), message: Clean::line(message), ..own })
        };
        assert!(matches!(
            of(400, "a container name must be specified for pod P, choose one of: [a b]"),
            Refusal::NoSuchContainer(_)
        ));
        assert!(matches!(of(400, "container X is not valid for pod P"), Refusal::NoSuchContainer(_)));
        assert_eq!(
            of(400, "container \"X\" in pod \"P\" is waiting to start: ContainerCreating"),
            Refusal::Waiting("ContainerCreating".to_owned())
        );
        assert_eq!(
            of(400, "container \"X\" in pod \"P\" is waiting to start: image can't be pulled"),
            Refusal::Waiting("image can't be pulled".to_owned())
        );
        assert_eq!(of(400, "container \"X\" in pod \"P\" is not available"), Refusal::NothingLeft);
        assert_eq!(of(400, "container \"X\" in pod \"P\" is terminated"), Refusal::NothingLeft);
        assert_eq!(of(400, "previous terminated container \"X\" in pod \"P\" not found"), Refusal::NoPrevious);
        assert_eq!(of(404, "pods \"P\" not found"), Refusal::PodGone);
        assert!(matches!(of(403, "pods \"P\" is forbidden"), Refusal::Forbidden(_)));
        assert!(matches!(of(500, "Get \"https://10.0.1.2:10250/containerLogs/\": dial tcp"), Refusal::Failed { .. }));
        assert!(matches!(of(400, "something new"), Refusal::Failed { .. }));
    }
}
