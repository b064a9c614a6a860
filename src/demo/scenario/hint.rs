//! Lines that lead a newcomer through the story, one at a time.

use serde::{Deserialize, Serialize};

/// `[[hint]]`: of an alert that fires until a service is rolled back. The first of the file whose moment has come is shown.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HintSpec {
    pub when: HintWhen,
    /// Name of the `[[alert]]`.
    pub alert: String,
    /// The service to be rolled back.
    pub service: String,
    /// At most 70 characters fit everywhere. `{NAME}` is the key of that command (`midwatch keys` lists them), `{confirm}`
    /// what the plan asks to be typed; a shell's line stands in backticks.
    pub text: String,
}

/// Where the person is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum HintWhen {
    /// The alert fires; something else than its service is selected.
    Away,
    /// The alert fires; its service, or what is about it, is selected.
    Selected,
    /// The plan to roll back asks to be confirmed.
    Plan,
    /// The roll back is under way.
    Running,
    /// It was refused, or its outcome is unknown.
    Failed,
    /// It is done; the alert still fires.
    Done,
    /// It is done; the alert fires no more.
    Resolved,
    /// As before, and three screens were looked at since.
    Seen,
}
