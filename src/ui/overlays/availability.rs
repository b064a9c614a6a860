//! Why a command cannot be given now: read-only mode, an old state, nothing selected, or the object itself.

use crate::{
    command::{Command, CommandSpec, Kind, Scope, ScreenId, one_of},
    custom::OwnCommand,
    model::{
        BackendKind, Part,
        alert::{Alert, AlertKey, AlertState},
        code::{MergeState, PullRequest},
        kubernetes::{ContainerState, Manager, WorkloadKind, resource::ResourceKey},
    },
    store::slot::Freshness,
    time::coarse,
    ui::{
        View,
        kinds::{self, Meaning},
        screens::words::day_clock,
        target::Target,
    },
};

use super::{
    forward::forward_to,
    links::links_of,
    needed::refused,
    object::{owner_of, revision_of, workload_of},
    object_acts,
};

/// Of any other object: nothing is rolled back to it.
pub const NO_REVISION: &str = "it is no revision of a workload that is watched";
/// Of a DaemonSet: there is no number to set.
pub const ONE_A_NODE: &str = "a DaemonSet has one pod a node";
/// Of a revision: what goes back to it goes by its number.
pub const NO_NUMBER: &str = "its number is not known: = shows the revisions that have one";

/// Whether a command can be given now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    #[default]
    Free,
    /// Read-only mode keeps it from being sent, for this reason; its plan or form may be looked at all the same.
    PlanOnly(String),
    /// Nothing opens, for this reason.
    Refused(String),
}

impl Availability {
    pub const fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Why nothing opens.
    pub fn refusal(&self) -> Option<&str> {
        if let Self::Refused(why) = self { Some(why) } else { None }
    }

    /// What stands beside the command, if it is not free.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Free => None,
            Self::PlanOnly(why) => Some(format!("plan only: {}", why.trim_start_matches("read-only: "))),
            Self::Refused(why) => Some(why.clone()),
        }
    }
}

impl From<Option<String>> for Availability {
    fn from(why: Option<String>) -> Self {
        why.map_or(Self::Free, Self::Refused)
    }
}

/// Whether `spec` can be used on `target` now.
pub fn availability(spec: &CommandSpec, screen: ScreenId, target: Option<&Target>, view: &View<'_>) -> Availability {
    if let Some(why) = out_of_place(spec, screen, target, view) {
        return Availability::Refused(why);
    }
    let Some(target) = target else { return Availability::Free };
    // What is so in any mode goes first: writing would not help.
    if let Some(why) = of_object(spec.id, target, view) {
        return Availability::Refused(why);
    }
    if spec.writes
        && let Some(why) = read_only(target, view)
    {
        let has_plan = !matches!(spec.id, Command::Shell | Command::Edit | Command::Acknowledge);
        return if has_plan { Availability::PlanOnly(why) } else { Availability::Refused(why) };
    }
    refused(spec.id, target, view).or_else(|| spec.writes.then(|| old_state(target, view)).flatten()).into()
}

/// Why `spec` is for another screen, for another row or for another time, whatever the row's own state.
fn out_of_place(spec: &CommandSpec, screen: ScreenId, target: Option<&Target>, view: &View<'_>) -> Option<String> {
    match (spec.scope, target) {
        (Scope::Screen(own), _) if own != screen => return Some(format!("on screen {} {}", own.digit(), own.title())),
        (Scope::On(kinds), None) => return Some(format!("select {}", one_of(kinds))),
        (Scope::On(kinds), Some(target)) if !kinds.contains(&target.kind()) => {
            return Some(format!("select {}", one_of(kinds)));
        }
        _ => {}
    }
    match spec.id {
        Command::UndoAct => view.acts.to_undo(target.and_then(Target::act)).err().map(|says| says.to_string()),
        Command::EnableWriting if view.settings.read_only.is_none() => Some("writing is on".to_owned()),
        Command::EnableWriting if !view.settings.may_enable_writing => {
            view.settings.read_only.as_ref().map(ToString::to_string)
        }
        _ => None,
    }
}

/// Whether the configuration's own command can be run on `target` now. It has no plan to look at.
pub fn availability_of_own(command: &OwnCommand, target: Option<&Target>, view: &View<'_>) -> Availability {
    let Some(target) = target.filter(|target| is_for(command, target, view)) else {
        return Availability::Refused(format!("select {}", rows_of(command)));
    };
    if !command.writes {
        return Availability::Free;
    }
    read_only(target, view).or_else(|| old_state(target, view)).into()
}

/// Whether the configuration's own command is for such a row: its kind, and of an object what the cluster calls so.
pub fn is_for(command: &OwnCommand, target: &Target, view: &View<'_>) -> bool {
    let is_named = |key: &ResourceKey, word: &str| {
        let meaning = kinds::meaning(view, &key.cluster, word);
        matches!(meaning, Meaning::Kind(kind) if *kind == key.resource)
    };
    command.on.contains(&target.kind())
        && match target {
            Target::Object(key) if !command.kinds.is_empty() => command.kinds.iter().any(|word| is_named(key, word)),
            _ => true,
        }
}

/// `a pod`, `one of nodes, pv`: what the configuration's own command is for.
fn rows_of(command: &OwnCommand) -> String {
    if command.kinds.is_empty() {
        return one_of(&command.on);
    }
    let objects = format!("one of {}", command.kinds.join(", "));
    let others: Vec<Kind> = command.on.iter().copied().filter(|kind| *kind != Kind::Object).collect();
    if others.is_empty() { objects } else { format!("{}, or {objects}", one_of(&others)) }
}

/// Why nothing may be written to where the object lives.
fn read_only(target: &Target, view: &View<'_>) -> Option<String> {
    let why = match target.backend() {
        Some(backend) => view.settings.read_only_reason(backend),
        None => view.settings.read_only.as_ref(),
    }?;
    Some(if why.contains("read-only") { why.to_string() } else { format!("read-only: {why}") })
}

/// `nodes have no log of their own`
pub fn no_log(key: &ResourceKey) -> String {
    format!("{} have no log of their own", key.resource.plural)
}

/// What is shown is too old to be acted on.
fn old_state(target: &Target, view: &View<'_>) -> Option<String> {
    let part = match target {
        Target::Pod(_) => Part::Pods,
        Target::Workload(key) => key.kind.part(),
        Target::Run(_) | Target::Job(_) => Part::Runs,
        Target::PullRequest(_) => Part::PullRequests,
        Target::Alert(_) => Part::Alerts,
        Target::Silence(_) => Part::Silences,
        _ => return None,
    };
    let backend = target.backend()?;
    let (_, freshness) = view.store.freshness_of(part, Some(backend), view.now)?;
    match freshness {
        Freshness::Down { age: Some(age), .. } => Some(format!("'{backend}' has not answered for {}", coarse(age))),
        Freshness::Down { age: None, .. } => Some(format!("'{backend}' has not answered yet")),
        _ => None,
    }
}

fn of_object(command: Command, target: &Target, view: &View<'_>) -> Option<String> {
    let say = |words: &str| Some(words.to_owned());
    if let Some(request) = object_acts::request(command, target, view) {
        return request.err().map(str::to_owned);
    }
    match (command, target) {
        (Command::Browse | Command::CopyUrl, _) if links_of(view, target, None, None).is_empty() => {
            say("it has no address")
        }
        (Command::Reveal, Target::Object(key)) if !key.resource.is_secret() => say("it is no Secret"),
        (Command::Logs | Command::PreviousLogs, Target::Object(key)) if key.resource.is_without_pods() => {
            Some(no_log(key))
        }
        (Command::PortForward, _) => forward_to(target).err().map(str::to_owned),
        (Command::Shell, Target::Pod(key)) => match view.store.kube.pods.get(key) {
            None => say("it is no longer listed"),
            Some(pod) if pod.containers.iter().any(|one| matches!(one.state, ContainerState::Running { .. })) => None,
            Some(_) => say("no container of it runs"),
        },
        (Command::Acknowledge | Command::SilenceAlert, Target::Alert(key)) => {
            match view.store.backends.get(&key.backend).map(|backend| backend.kind) {
                Some(BackendKind::Alertmanager) | None => {}
                Some(BackendKind::Prometheus) => return Some(no_silence(key, view)),
                Some(other) => {
                    return Some(format!("'{}' is {}: silences are Alertmanager's", key.backend, other.title()));
                }
            }
            match view.store.alerts.get(key).map(|alert| &alert.state) {
                None => say("it is gone"),
                Some(AlertState::Resolved(_)) => say("it is resolved"),
                Some(AlertState::Pending) if command == Command::Acknowledge => Some(not_fired(key, view)),
                Some(_) => None,
            }
        }
        (Command::ExpireSilence, Target::Silence(key)) => match view.store.silences.get(key) {
            None => say("it is gone"),
            Some(silence) if silence.ends <= view.time() || silence.state == "expired" => say("it has ended"),
            Some(_) => None,
        },
        (Command::Owner, _) => owner_of(view, target).err(),
        (Command::RollBack, _) if workload_of(view, target).is_none() => match target {
            Target::Run(_) => say("no workload is known that it deploys: name it in a [[service]]"),
            Target::Object(_) => say(NO_REVISION),
            _ => say("no workload is known for it"),
        },
        (Command::RollBack, Target::Object(key)) if revision_of(view, key).is_some_and(|(_, to)| to.is_none()) => {
            say(NO_NUMBER)
        }
        (Command::DiffRevisions, Target::Object(_)) if workload_of(view, target).is_none() => say(NO_REVISION),
        (Command::Logs, Target::Alert(_)) if workload_of(view, target).is_none() => say("no workload is known for it"),
        (Command::Limits, Target::Pod(key)) => {
            view.store.kube.pods.get(key).is_none().then(|| "it is no longer listed".to_owned())
        }
        (
            Command::Restart | Command::Scale | Command::Limits | Command::DiffRevisions,
            Target::Pod(_) | Target::Workload(_),
        ) => {
            let Some(workload) = workload_of(view, target) else {
                return say("it belongs to no workload that is watched");
            };
            (command == Command::Scale && workload.key.kind == WorkloadKind::DaemonSet).then(|| ONE_A_NODE.to_owned())
        }
        (Command::PreviousLogs, Target::Pod(key)) => match view.store.kube.pods.get(key) {
            Some(pod) if pod.restarts == 0 => say("no container of it restarted"),
            _ => None,
        },
        (Command::ResumeSync, _) => match workload_of(view, target).map(|workload| workload.managed_by.first()) {
            None => say("it belongs to no workload that is watched"),
            Some(owner) if owner.is_some_and(Manager::is_of_git) => None,
            Some(_) => say("neither Flux nor Argo CD owns it"),
        },
        (Command::Cancel, Target::Run(key)) => match view.store.runs.get(key) {
            Some(run) if run.state.is_finished() => Some(format!("it has ended: {}", run.state)),
            _ => None,
        },
        (Command::Rerun, Target::Run(key)) => match view.store.runs.get(key) {
            Some(run) if !run.state.is_finished() => Some(format!("it goes on: {}", run.state)),
            _ => None,
        },
        (Command::Approve | Command::RequestChanges | Command::Merge | Command::Comment, Target::PullRequest(key)) => {
            match view.store.pull_requests.get(key) {
                Some(pr) => of_pull_request(command, pr),
                None => say("it is no longer listed"),
            }
        }
        _ => None,
    }
}

/// Nobody was told yet: an acknowledgement would only keep it from being told.
fn not_fired(key: &AlertKey, view: &View<'_>) -> String {
    let fires = view.store.alerts.get(key).and_then(Alert::fires);
    let when = fires.map(|at| format!(": it would fire at {}", day_clock(at, view.time()))).unwrap_or_default();
    format!("not fired yet{when}")
}

/// Why an alert that only Prometheus has cannot be silenced: else it would be keyed by the Alertmanager that takes it.
fn no_silence(key: &AlertKey, view: &View<'_>) -> String {
    if matches!(view.store.alerts.get(key).map(|alert| &alert.state), Some(AlertState::Other(_))) {
        return "its rule fails: that is mended, not silenced".to_owned();
    }
    let all = view.store.backends.values().filter(|backend| backend.kind == BackendKind::Alertmanager).count();
    if all == 0 {
        return "silences are Alertmanager's, and none is set up".to_owned();
    }
    format!("no Alertmanager has it yet, and of {all} it is not known which one will")
}

fn of_pull_request(command: Command, pr: &PullRequest) -> Option<String> {
    match command {
        Command::Approve | Command::RequestChanges if pr.is_mine => Some("it is your own".to_owned()),
        Command::Approve | Command::RequestChanges | Command::Merge if pr.merged.is_some() => {
            Some("it is merged".to_owned())
        }
        Command::Merge => blocks_merge(pr),
        _ => None,
    }
}

/// What GitHub says against merging, if it is sure to refuse.
pub fn blocks_merge(pr: &PullRequest) -> Option<String> {
    if pr.is_draft {
        return Some("it is a draft".to_owned());
    }
    match &pr.merge {
        MergeState::Conflicts => Some("it conflicts with its base".to_owned()),
        MergeState::Blocked => Some("branch rules block it: a review or a required check is missing".to_owned()),
        MergeState::Behind => Some("it is behind its base and the rules ask for the newest".to_owned()),
        MergeState::Draft => Some("it is a draft".to_owned()),
        _ => None,
    }
}
