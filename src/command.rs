//! The one table of commands: name, help, scope, default keys, whether it writes. Footer, help, palette, README table and
//! the names in the configuration are all rendered from it.

use crate::model::Name;

/// The screens, in the order of their number keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScreenId {
    Now,
    Triage,
    Kube,
    Pipelines,
    PullRequests,
    Metrics,
    Logs,
    Audit,
}

impl ScreenId {
    pub const ALL: [Self; 8] = [
        Self::Now,
        Self::Triage,
        Self::Kube,
        Self::Pipelines,
        Self::PullRequests,
        Self::Metrics,
        Self::Logs,
        Self::Audit,
    ];

    /// The tab's word.
    pub fn title(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::Triage => "Triage",
            Self::Kube => "Kube",
            Self::Pipelines => "Pipes",
            Self::PullRequests => "PRs",
            Self::Metrics => "Metrics",
            Self::Logs => "Logs",
            Self::Audit => "Audit",
        }
    }

    /// The tab's word at 80 columns.
    pub fn short(self) -> &'static str {
        match self {
            Self::Triage => "Tri",
            Self::Pipelines => "Pipe",
            Self::PullRequests => "PR",
            Self::Metrics => "Met",
            Self::Logs => "Log",
            Self::Audit => "Aud",
            other => other.title(),
        }
    }

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Triage => "triage",
            Self::Kube => "kube",
            Self::Pipelines => "pipelines",
            Self::PullRequests => "prs",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Audit => "audit",
        }
    }

    /// `1` to `8`.
    pub fn digit(self) -> char {
        char::from(b'1' + self as u8)
    }
}

/// What kind of object is selected: a key's meaning follows it, wherever it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Pod,
    Workload,
    /// An object of any other kind of a cluster.
    Object,
    Run,
    Job,
    PullRequest,
    Alert,
    Silence,
    Panel,
    Act,
    Backend,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Workload => "workload",
            Self::Object => "object",
            Self::Run => "run",
            Self::Job => "job",
            Self::PullRequest => "pull request",
            Self::Alert => "alert",
            Self::Silence => "silence",
            Self::Panel => "panel",
            Self::Act => "act",
            Self::Backend => "backend",
        }
    }
}

/// Where a command can be given. A key is looked up from the narrowest to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On one screen, over the meaning of the selected object.
    Screen(ScreenId),
    /// On objects of these kinds.
    On(&'static [Kind]),
    Everywhere,
}

/// One row of the table.
#[derive(Debug)]
pub struct CommandSpec {
    pub id: Command,
    /// kebab-case: the palette's and the configuration's name.
    pub name: &'static str,
    /// One or two words for the footer.
    pub hint: &'static str,
    /// One line for help.
    pub help: &'static str,
    pub scope: Scope,
    pub keys: &'static [&'static str],
    /// It changes something outside this terminal: refused in read-only mode.
    pub writes: bool,
    /// Higher comes first in the footer; 0: never there.
    pub weight: u8,
}

macro_rules! commands {
    ($( $id:ident $name:literal $hint:literal $help:literal $scope:expr, [$($key:literal),*] $writes:literal $weight:literal; )*) => {
        /// What a key means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Command { $( $id ),* }

        /// Every command, in the order of help.
        pub const COMMANDS: &[CommandSpec] = &[ $( CommandSpec {
            id: Command::$id, name: $name, hint: $hint, help: $help, scope: $scope, keys: &[$($key),*],
            writes: $writes, weight: $weight,
        } ),* ];
    };
}

use Kind::{Act, Alert, Backend, Job, Object, Panel, Pod, PullRequest, Run, Silence, Workload};
use Scope::{Everywhere, On, Screen};

commands! {
    Down            "down"              "down"      "next row"                                              Everywhere, ["j", "down"] false 0;
    Up              "up"                "up"        "previous row"                                          Everywhere, ["k", "up"] false 0;
    Top             "top"               "top"       "first row"                                             Everywhere, ["g", "home"] false 0;
    Bottom          "bottom"            "end"       "last row; in logs: follow live"                        Everywhere, ["G", "end"] false 0;
    PageDown        "page-down"         "page"      "one page down"                                         Everywhere, ["ctrl-f", "pagedown"] false 0;
    PageUp          "page-up"           "page up"   "one page up"                                           Everywhere, ["ctrl-b", "pageup"] false 0;
    HalfDown        "half-page-down"    "half"      "half a page down"                                      Everywhere, ["ctrl-d"] false 0;
    HalfUp          "half-page-up"      "half up"   "half a page up"                                        Everywhere, ["ctrl-u"] false 0;
    Left            "left"              "left"      "scroll a long row, log or diff left"                   Everywhere, ["left"] false 0;
    Right           "right"             "right"     "scroll a long row, log or diff right"                  Everywhere, ["right"] false 0;
    ScreenNow       "now"               "Now"       "screen Now: what is broken, why, and what to press"    Everywhere, ["1"] false 0;
    ScreenTriage    "triage"            "Triage"    "screen Triage: alert groups and one timeline"          Everywhere, ["2"] false 0;
    ScreenKube      "kube"              "Kube"      "screen Kube: workloads and pods"                       Everywhere, ["3"] false 0;
    ScreenPipelines "pipelines"         "Pipes"     "screen Pipelines: runs and their logs"                 Everywhere, ["4"] false 0;
    ScreenPrs       "prs"               "PRs"       "screen PRs: pull requests"                             Everywhere, ["5"] false 0;
    ScreenMetrics   "metrics"           "Metrics"   "screen Metrics: Grafana panels"                        Everywhere, ["6"] false 0;
    ScreenLogs      "logs-screen"       "Logs"      "screen Logs: the open log tails"                       Everywhere, ["7"] false 0;
    ScreenAudit     "audit"             "Audit"     "screen Audit: what was done with midwatch"             Everywhere, ["8"] false 0;
    NextPane        "next-pane"         "pane"      "next pane, or the next tab of a page"                  Everywhere, ["tab"] false 20;
    PreviousPane    "previous-pane"     "pane back" "previous pane"                                         Everywhere, ["backtab"] false 0;
    Zoom            "zoom"              "zoom"      "this pane alone, and back"                             Everywhere, ["z"] false 12;
    Enter           "open"              "open"      "drill in"                                              Everywhere, ["enter"] false 30;
    Back            "back"              "back"      "one step back; never quits"                            Everywhere, ["esc"] false 0;
    Leave           "leave"             "quit"      "one step back; at the root it asks to quit"            Everywhere, ["q"] false 10;
    Quit            "quit"              "quit"      "quit"                                                  Everywhere, ["ctrl-c"] false 0;
    Filter          "filter"            "find"      "filter: text, !not, -l label=x, -f fuzzy; in logs: find" Everywhere, ["/"] false 34;
    NextMatch       "next-match"        "next"      "next match; in a job's log: next error"                Everywhere, ["n"] false 0;
    PreviousMatch   "previous-match"    "previous"  "previous match or error"                               Everywhere, ["N"] false 0;
    Palette         "palette"           "command"   "commands and kinds of object by name: :svc :ctx :ns"    Everywhere, [":"] false 33;
    Help            "help"              "help"      "the keys, as they are now"                             Everywhere, ["?"] false 32;
    NextNeed        "next-need"         "next"      "next thing that needs me"                              Everywhere, ["!"] false 28;
    AllScopes       "all"               "all"       "all namespaces, all repositories"                      Everywhere, ["0"] false 6;
    SortNext        "sort-next"         "sort"      "sort by the next column; on the last: reverse"         Everywhere, [">"] false 5;
    SortPrevious    "sort-previous"     "sort"      "sort by the previous column"                           Everywhere, ["<"] false 0;
    Refresh         "refresh"           "refresh"   "ask every backend on this screen now"                  Everywhere, ["r", "ctrl-r"] false 8;
    Actions         "actions"           "actions"   "every action on this row, its key, and why not"        Everywhere, ["x"] false 31;
    Mark            "mark"              "mark"      "mark this row; ack and silence act on all marked"      On(&[Alert]), ["space"] false 18;
    Why             "why"               "why"       "the evidence behind this row"                          Everywhere, ["."] false 24;
    Freeze          "freeze"            "freeze"    "freeze the screen, not the polling"                    Everywhere, [";"] false 4;
    UndoLocal       "undo-local"        "undo view" "take back the last filter, sort or mark"               Everywhere, ["u"] false 0;
    ActionLog       "action-log"        "acts"      "what midwatch did, and errors it met"                  Everywhere, ["@"] false 3;
    Browse          "browse"            "browser"   "open in the browser; without one, or over ssh: copy the address" Everywhere, ["o"] false 14;
    Copy            "copy"              "copy"      "copy what is selected"                                 Everywhere, ["y"] false 9;
    CopyUrl         "copy-url"          "copy link" "copy its address"                                      Everywhere, ["Y"] false 0;
    CopyCommand     "copy-command"      "copy line" "copy what is shown as a kubectl, gh or amtool line"     Everywhere, ["ctrl-y"] false 0;
    Watch           "watch"             "tell me"   "tell me when this changes"                             On(&[Pod, Workload, Object, Run, PullRequest, Alert]), ["w"] false 11;
    SameTime        "same-time"         "same time" "the charts at the time of what is selected; from the charts the open log" Everywhere, ["'"] false 0;
    UndoAct         "undo-act"          "undo act"  "undo my last act, or the one selected: a plan"         Everywhere, ["U"] true 7;
    Mouse           "mouse"             "mouse"     "let the terminal have the mouse, or take it back"      Everywhere, ["f2"] false 0;
    Theme           "theme"             "theme"     "next theme"                                            Everywhere, ["f3"] false 0;
    Suspend         "suspend"           "suspend"   "suspend to the shell"                                  Everywhere, ["ctrl-z"] false 0;
    K9s             "k9s"               "k9s"       "k9s on the row's cluster, with the screen suspended"   Everywhere, [] false 0;
    LocalShell      "sh"                "sh"        "your shell, with the row's cluster as kubectl's context" Everywhere, [] true 0;
    Forwards        "forwards"          "forwards"  "port-forwards: their state, and to stop them"          Everywhere, [] false 0;
    Production      "is-production"     "production" "answer whether a new cluster is production"           Everywhere, ["P"] false 0;
    EnableWriting   "enable-writing"    "write"     "leave read-only mode (a first run starts in it)"       Everywhere, ["W"] false 2;

    Acknowledge     "ack"               "ack 15m"   "silence exactly this alert for 15 minutes: Alertmanager has no acknowledge" On(&[Alert]), ["a"] true 60;
    SilenceAlert    "silence"           "silence"   "silence: matchers, end and what it matches, editable"  On(&[Alert]), ["s"] true 52;
    ExpireSilence   "expire"            "expire"    "end this silence"                                      On(&[Silence]), ["X"] true 50;

    RollBack        "roll-back"         "roll back" "roll back: a plan with its checks"                     On(&[Workload, Pod, Object, Run, Alert]), ["R"] true 58;
    Logs            "logs"              "logs"      "logs; of a run: the failed job's, at its first error"  On(&[Pod, Workload, Object, Run, Job, Alert]), ["l"] false 56;
    PreviousLogs    "previous-logs"     "previous log" "the previous container's log"                          On(&[Pod, Workload, Object]), ["p"] false 26;
    Describe        "describe"          "describe"  "describe: tabs for YAML, events, revisions"            On(&[Pod, Workload, Object, Alert, Run, Silence, Act, Backend, Panel]), ["d"] false 50;
    ManagedFields   "managed-fields"    "managed"   "its YAML with who set which field, or without"         On(&[Pod, Workload, Object]), ["m"] false 0;
    Events          "events"            "events"    "its events"                                            On(&[Pod, Workload, Object]), ["e"] false 25;
    Owner           "owner"             "owner"     "go to its owner"                                       On(&[Pod, Workload, Object]), ["J"] false 23;
    DiffRevisions   "diff-revisions"    "diff"      "what changed between its revisions"                    On(&[Workload, Pod, Object]), ["="] false 40;
    Restart         "restart"           "restart"   "restart: a plan"                                       On(&[Workload, Pod]), ["K"] true 22;
    Shell           "shell"             "shell"     "a shell in a container; asks first in production"      On(&[Pod]), ["s"] true 24;
    PortForward     "port-forward"      "forward"   "a local port that leads to it; :forwards lists them"   On(&[Pod, Workload, Object]), ["F"] false 0;
    Edit            "edit"              "edit"      "kubectl edit, with the screen suspended"               On(&[Pod, Workload, Object]), [] true 0;
    Reveal          "reveal"            "values"    "a Secret's values: masked, shown one at a time"         On(&[Object]), ["v"] false 0;
    Scale           "scale"             "scale"     "scale: a plan"                                         On(&[Workload, Pod]), ["C"] true 21;
    Limits          "limits"            "limits"    "raise a container's memory or CPU limit: a plan"       On(&[Workload, Pod]), ["L"] true 20;
    ResumeSync      "resume-sync"       "resume sync" "GitOps of this workload on again, after a rollback: a plan" On(&[Workload, Pod]), [] true 0;
    Pause           "pause"             "pause"     "pause or resume its rollouts: a plan"                  On(&[Workload, Pod]), [] true 0;
    Cordon          "cordon"            "cordon"    "let nothing new onto this node, or again: a plan"      On(&[Object]), [] true 0;
    Schedule        "schedule"          "schedule"  "suspend this CronJob, or let it run again: a plan"     On(&[Object]), [] true 0;
    RunNow          "run-now"           "run now"   "run this CronJob once, now: a plan"                    On(&[Object]), [] true 0;
    Evict           "evict"             "evict"     "evict, if disruption budgets allow it: a plan"         On(&[Pod]), [] true 0;
    Delete          "delete"            "delete"    "delete: a plan"                                        On(&[Pod, Workload, Object]), [] true 0;

    Rerun           "rerun"             "re-run"    "re-run: failed jobs first"                             On(&[Run, Job]), ["t"] true 46;
    Cancel          "cancel"            "cancel"    "cancel the run: a plan"                                On(&[Run, Job]), ["B"] true 44;

    DiffPr          "diff"              "diff"      "the pull request's diff"                               On(&[PullRequest]), ["d"] false 50;
    Comment         "comment"           "comment"   "write a comment"                                       On(&[PullRequest]), ["c"] true 42;
    Approve         "approve"           "approve"   "approve, at the head you see"                          On(&[PullRequest]), ["A"] true 48;
    RequestChanges  "request-changes"   "changes"   "request changes, with a text"                          On(&[PullRequest]), ["D"] true 38;
    Merge           "merge"             "merge"     "merge, refused if the head moved since you looked"     On(&[PullRequest]), ["M"] true 47;

    Login           "login"             "log in"    "renew its login, with the screen suspended"            On(&[Backend]), ["l"] false 50;

    Range           "range"             "range"     "time range"                                            Screen(ScreenId::Metrics), ["t"] false 45;
    CursorLeft      "cursor-left"       "cursor"    "move the time cursor back"                             Screen(ScreenId::Metrics), ["["] false 40;
    CursorRight     "cursor-right"      "cursor"    "move the time cursor on"                               Screen(ScreenId::Metrics), ["]"] false 0;
    ZoomIn          "zoom-in"           "zoom in"   "half the time range"                                   Screen(ScreenId::Metrics), ["+"] false 36;
    ZoomOut         "zoom-out"          "zoom out"  "twice the time range"                                  Screen(ScreenId::Metrics), ["-"] false 35;
    Variables       "variables"         "variables" "template variables: choose their values"               Screen(ScreenId::Metrics), ["v"] false 42;
    NextMarker      "next-marker"       "marker"    "time cursor to the next deploy or annotation"          Screen(ScreenId::Metrics), ["m"] false 37;

    Follow          "follow"            "follow"    "follow, or pause"                                      Screen(ScreenId::Logs), ["f"] false 58;
    Wrap            "wrap"              "wrap"      "wrap long lines"                                       Screen(ScreenId::Logs), ["w"] false 42;
    Timestamps      "timestamps"        "times"     "show or hide timestamps"                               Screen(ScreenId::Logs), ["t"] false 41;
    LogLevel        "log-level"         "level"     "least level shown"                                     Screen(ScreenId::Logs), ["v"] false 54;
    LogFilter       "log-filter"        "filter"    "show only lines that match: words, !not, /regex/, level>=warn, pod=, ver=, status=500" Screen(ScreenId::Logs), ["&"] false 55;
    FoldRepeats     "fold"              "fold"      "fold repeated lines into one, or write them out"       Screen(ScreenId::Logs), ["-"] false 38;
    CompareVersions "compare-versions"  "versions"  "each message by version: new ones first, old against new" Screen(ScreenId::Logs), ["="] false 53;
    SideBySide      "side-by-side"      "beside"    "old and new version in two columns, aligned by time; tab: the other" Screen(ScreenId::Logs), ["b"] false 44;
    Since           "since"             "since"     "start: 5m, 15m, 1h, all; :since, :until and :tail take any" Screen(ScreenId::Logs), ["T"] false 39;
    Containers      "containers"        "container" "which containers: main, init, ephemeral, or one of them" Screen(ScreenId::Logs), ["c"] false 40;
    Save            "save"              "save"      "save what is shown to a file"                          Screen(ScreenId::Logs), ["s"] false 43;
}

impl Command {
    pub fn spec(self) -> &'static CommandSpec {
        &COMMANDS[self as usize]
    }

    /// The command of that name, or the nearest name.
    pub fn by_name(name: &str) -> Result<Self, Option<&'static str>> {
        COMMANDS
            .iter()
            .find(|spec| spec.name == name)
            .map(|spec| spec.id)
            .ok_or_else(|| nearest(name, COMMANDS.iter().map(|spec| spec.name)))
    }

    /// The screen that a `1`..`8` command opens.
    pub fn screen(self) -> Option<ScreenId> {
        Some(match self {
            Self::ScreenNow => ScreenId::Now,
            Self::ScreenTriage => ScreenId::Triage,
            Self::ScreenKube => ScreenId::Kube,
            Self::ScreenPipelines => ScreenId::Pipelines,
            Self::ScreenPrs => ScreenId::PullRequests,
            Self::ScreenMetrics => ScreenId::Metrics,
            Self::ScreenLogs => ScreenId::Logs,
            Self::ScreenAudit => ScreenId::Audit,
            _ => return None,
        })
    }
}

impl Scope {
    /// Whether a command of this scope applies here.
    pub fn applies(self, screen: ScreenId, selected: Option<Kind>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Screen(own) => own == screen,
            Self::On(kinds) => selected.is_some_and(|kind| kinds.contains(&kind)),
        }
    }

    /// Whether two commands of these scopes on one key could both apply with the same rank.
    pub fn clashes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Everywhere, Self::Everywhere) => true,
            (Self::Screen(a), Self::Screen(b)) => a == b,
            (Self::On(a), Self::On(b)) => a.iter().any(|kind| b.contains(kind)),
            _ => false,
        }
    }

    /// Narrower wins.
    pub fn rank(self) -> u8 {
        match self {
            Self::Screen(_) => 2,
            Self::On(_) => 1,
            Self::Everywhere => 0,
        }
    }
}

/// `select a workload or pod first`
pub fn select_first(kinds: &[Kind]) -> String {
    format!("select {} first", one_of(kinds))
}

/// `a workload or pod`, `an alert`, `an object`
pub fn one_of(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    let Some((last, others)) = words.split_last() else { return "something".to_owned() };
    let words = if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) };
    format!("{} {words}", if words.starts_with(['a', 'o']) { "an" } else { "a" })
}

/// The name nearest to `wrong` by edit distance, if any is near enough to be meant.
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| name)
}

/// Share of characters that differ, as a count: `similar`'s diff ratio turned into a distance.
fn distance(a: &str, b: &str) -> usize {
    let ratio = similar::TextDiff::from_chars(a, b).ratio();
    ((1.0 - ratio) * (a.chars().count() + b.chars().count()) as f32).round() as usize
}

/// A name for a list of keys, for help and README: `R`, `j down`.
pub fn keys_text(keys: &[Name]) -> String {
    keys.iter().map(super::text::Clean::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_rows_in_order() {
        let names: BTreeSet<_> = COMMANDS.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for (index, spec) in COMMANDS.iter().enumerate() {
            assert_eq!(spec.id as usize, index);
        }
    }

    #[test]
    fn no_ctrl_key_writes_and_capitals_plan() {
        for spec in COMMANDS.iter().filter(|spec| spec.writes) {
            assert!(spec.keys.iter().all(|key| !key.starts_with("ctrl-")), "{}", spec.name);
        }
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(Command::by_name("roll-back"), Ok(Command::RollBack));
        assert_eq!(Command::by_name("rolback"), Err(Some("roll-back")));
        assert_eq!(Command::by_name("zzzzzz"), Err(None));
    }
}
