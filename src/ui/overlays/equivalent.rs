//! The same as a command line, to copy: `kubectl`, `gh` or `amtool`. Only what those tools really have; a log that kubectl
//! does not read so is midwatch's own line.

mod log;
mod shown;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use self::{log::log, shown::shown};
use crate::{
    action::{
        ACK_MINUTES, Request, beside,
        equivalent::{argo_rollouts, kubectl, kubectl_in, kubectl_on, repository, rollout_undo},
        executor, object,
    },
    command::Command,
    model::{
        BackendId, Name,
        alert::{Alert, SilenceKey},
        code::{PullRequestKey, RunKey},
        kubernetes::{ContainerRole, ObjectKey, WorkloadKey, WorkloadKind, resource::ResourceKey, tag_of},
    },
    query::{ContainerSort, LogTarget},
    store::timeline::deploys_of,
    text::{Clean, quoted},
    ui::{View, screens::logs::opened, target::Target},
};

use super::{
    object::{url_of, workload_of},
    object_acts,
};

/// The line that does the same as `command` on `target` without midwatch, if there is one.
pub fn line(command: Command, target: &Target, view: &View<'_>) -> Option<String> {
    line_at(command, target, None, view)
}

/// The same, of what is of interest for this moment: a log reaches back to it.
pub fn line_at(command: Command, target: &Target, at: Option<Timestamp>, view: &View<'_>) -> Option<String> {
    match (command, target) {
        (Command::Browse, _) => url_of(view.store, target).map(|url| format!("open {}", quoted(&url))),
        (
            Command::Pause | Command::Cordon | Command::Schedule | Command::RunNow | Command::Evict | Command::Delete,
            _,
        ) => match object_acts::request(command, target, view) {
            Some(Ok(Request::Object { object, act })) => Some(object::line(view.settings, &object, act)),
            _ => None,
        },
        (_, Target::Pod(key)) => of_pod(command, key, at, view),
        (_, Target::Workload(key)) => of_workload(command, key, at, view),
        (_, Target::Object(key)) => of_any(command, key, at, view),
        (_, Target::Run(key)) => of_run(command, key, view),
        (Command::Logs, Target::Job(key)) => {
            Some(format!("gh run view -R {} --job {} --log", repository(&key.run.repo), key.id))
        }
        (Command::Rerun, Target::Job(key)) => {
            Some(format!("gh run rerun -R {} --job {}", repository(&key.run.repo), key.id))
        }
        (Command::Cancel, Target::Job(key)) => of_run(command, &key.run, view),
        (_, Target::PullRequest(key)) => of_pull_request(command, key, view),
        (_, Target::Alert(_)) => of_alert(command, target, at, view),
        (Command::ExpireSilence, Target::Silence(key)) => {
            Some(format!("amtool{} silence expire {}", of_server(key, view), quoted(&key.id)))
        }
        (Command::Describe | Command::Enter, Target::Silence(key)) => {
            Some(format!("amtool{} silence query -o extended", of_server(key, view)))
        }
        _ => None,
    }
}

fn of_pod(command: Command, key: &ObjectKey, at: Option<Timestamp>, view: &View<'_>) -> Option<String> {
    let kubectl = kubectl(view.settings, &key.cluster, &key.namespace);
    let pod = quoted(&format!("pod/{}", key.name));
    Some(match command {
        Command::Describe => format!("{kubectl} describe {pod}"),
        Command::Enter => format!("{kubectl} get {pod} -o yaml"),
        Command::ManagedFields => format!("{kubectl} get {pod} -o yaml --show-managed-fields"),
        Command::Events => format!("{kubectl} events --for {pod}"),
        Command::Logs | Command::PreviousLogs => of_log(command, LogTarget::Pod(key.clone()), at, view)?,
        Command::Watch => format!("{kubectl} get {pod} -w"),
        Command::Edit => format!("{kubectl} edit {pod}"),
        Command::Shell => {
            let meant = view.store.kube.pods.get(key).and_then(|pod| pod.running_containers().into_iter().next());
            let container = meant.map_or_else(String::new, |one| format!(" -c {}", quoted(&one.name)));
            format!("{kubectl} exec -it {pod}{container} -- sh")
        }
        Command::PortForward => format!("{kubectl} port-forward {pod} LOCAL:REMOTE"),
        _ => return of_workload(command, &workload_of(view, &Target::Pod(key.clone()))?.key, at, view),
    })
}

fn of_workload(command: Command, key: &WorkloadKey, at: Option<Timestamp>, view: &View<'_>) -> Option<String> {
    let (kubectl, object) = kubectl_on(view.settings, key);
    let is_argo = key.kind == WorkloadKind::Rollout;
    let plugin = |verb| argo_rollouts(view.settings, key, verb, "").to_string();
    Some(match command {
        Command::RollBack => return roll_back(key, view),
        // kubectl knows the kind by its API alone.
        Command::Restart if is_argo => plugin("restart"),
        Command::Watch if is_argo => plugin("status"),
        Command::DiffRevisions | Command::PortForward if is_argo => return None,
        Command::Describe => format!("{kubectl} describe {object}"),
        Command::Enter => format!("{kubectl} get {object} -o yaml"),
        Command::ManagedFields => format!("{kubectl} get {object} -o yaml --show-managed-fields"),
        Command::Events => format!("{kubectl} events --for {object}"),
        Command::Logs | Command::PreviousLogs => of_log(command, LogTarget::Workload(key.clone()), at, view)?,
        Command::Watch => format!("{kubectl} rollout status {object}"),
        Command::DiffRevisions => format!("{kubectl} rollout history {object}"),
        Command::Edit => format!("{kubectl} edit {object}"),
        Command::PortForward => format!("{kubectl} port-forward {object} LOCAL:REMOTE"),
        Command::Restart => format!("{kubectl} rollout restart {object}"),
        Command::Scale => {
            let desired = view.store.kube.workloads.get(key).map_or(1, |workload| workload.desired);
            format!("{kubectl} scale {object} --current-replicas={desired} --replicas={desired}")
        }
        _ => return None,
    })
}

/// The log as its key opens it.
fn of_log(command: Command, target: LogTarget, at: Option<Timestamp>, view: &View<'_>) -> Option<String> {
    let offered = if let LogTarget::Workload(key) = &target { offered(key, view) } else { Vec::new() };
    log(&opened(target, at, command == Command::PreviousLogs, view), &offered, &[], view.settings)
}

/// The containers that a workload's pods are known to have.
fn offered(key: &WorkloadKey, view: &View<'_>) -> Vec<(ContainerSort, Name)> {
    let Some(workload) = view.store.kube.workloads.get(key) else { return Vec::new() };
    let pods = view.store.kube.pods_of(workload);
    let each = pods.into_iter().flat_map(|pod| pod.containers.iter()).map(|container| {
        let sort = match container.role {
            ContainerRole::Main => ContainerSort::Main,
            ContainerRole::Init | ContainerRole::Sidecar => ContainerSort::Init,
            ContainerRole::Ephemeral => ContainerSort::Ephemeral,
        };
        (sort, container.name.clone())
    });
    let distinct: BTreeSet<_> = each.collect();
    distinct.into_iter().collect()
}

/// Back to the version before, by its number: without one, whoever sends the line a second time is on the bad version
/// again. No line where the number is not known, nor where what owns it, or a deploy that goes on, would put the version
/// back: its plan has those.
fn roll_back(key: &WorkloadKey, view: &View<'_>) -> Option<String> {
    let workload = view.store.kube.workloads.get(key)?;
    if !workload.managed_by.is_empty()
        || !executor::needs_patch(workload, view.settings)
        || !racing(key, view).is_empty()
    {
        return None;
    }
    let live = deploys_of(view.store, workload).into_iter().next().filter(|live| live.is_live && !live.is_return)?;
    // The highest number first.
    let before = view.store.kube.sets_of(workload).into_iter().find(|set| set.revision < live.revision)?;
    let is_it = |from: &Clean| before.images.iter().any(|image| tag_of(image) == from.as_str());
    let revision = before.revision.filter(|_| live.from.as_ref().is_none_or(is_it))?;
    Some(rollout_undo(view.settings, key, revision).to_string())
}

/// Deploys of the workload that go on, as far as the screens know.
fn racing(key: &WorkloadKey, view: &View<'_>) -> Vec<RunKey> {
    let request = Request::RollBack { workload: key.clone(), to: None, alert: None };
    beside(&request, None, view.store, view.settings).runs
}

/// What stops the deploy that would race with going back, of whatever leads to the workload.
pub fn first_stopped(target: &Target, view: &View<'_>) -> Option<String> {
    let workload = workload_of(view, target)?;
    let run = racing(&workload.key, view).into_iter().next()?;
    of_run(Command::Cancel, &run, view)
}

fn of_any(command: Command, key: &ResourceKey, at: Option<Timestamp>, view: &View<'_>) -> Option<String> {
    let kubectl = if key.resource.is_namespaced {
        kubectl(view.settings, &key.cluster, &key.namespace)
    } else {
        kubectl_in(view.settings, &key.cluster)
    };
    let object = format!("{} {}", quoted(&key.resource.qualified()), quoted(&key.name));
    Some(match command {
        Command::Describe => format!("{kubectl} describe {object}"),
        // Its values are for nobody's scrollback.
        Command::Enter | Command::ManagedFields if key.resource.is_secret() => format!("{kubectl} describe {object}"),
        Command::Enter => format!("{kubectl} get {object} -o yaml"),
        Command::ManagedFields => format!("{kubectl} get {object} -o yaml --show-managed-fields"),
        Command::Watch => format!("{kubectl} get {object} -w"),
        Command::Events => {
            // Those of an object of the whole cluster are kept in a namespace that it is not in.
            let place = if key.resource.is_namespaced { "" } else { " -n default" };
            let object = quoted(&format!("{}/{}", key.resource.qualified(), key.name));
            format!("{kubectl}{place} events --for {object}")
        }
        Command::Edit => format!("{kubectl} edit {object}"),
        Command::Logs | Command::PreviousLogs if key.resource.is_without_pods() => return None,
        Command::Logs | Command::PreviousLogs => of_log(command, LogTarget::Object(key.clone()), at, view)?,
        Command::PortForward if key.resource.plural == "services" => {
            format!("{kubectl} port-forward {} LOCAL:REMOTE", quoted(&format!("svc/{}", key.name)))
        }
        _ => return None,
    })
}

fn of_run(command: Command, key: &RunKey, view: &View<'_>) -> Option<String> {
    let (repo, id) = (repository(&key.repo), key.id);
    Some(match command {
        Command::Enter | Command::Describe => format!("gh run view -R {repo} {id}"),
        Command::Logs => format!("gh run view -R {repo} {id} --log-failed"),
        Command::Watch => format!("gh run watch -R {repo} {id}"),
        Command::Rerun => format!("gh run rerun -R {repo} {id} --failed"),
        Command::Cancel => format!("gh run cancel -R {repo} {id}"),
        Command::RollBack => {
            return of_workload(command, &workload_of(view, &Target::Run(key.clone()))?.key, None, view);
        }
        _ => return None,
    })
}

fn of_pull_request(command: Command, key: &PullRequestKey, view: &View<'_>) -> Option<String> {
    let (repo, number) = (repository(&key.repo), key.number);
    let pr = view.store.pull_requests.get(key)?;
    Some(match command {
        Command::Enter => format!("gh pr view -R {repo} {number}"),
        Command::DiffPr => format!("gh pr diff -R {repo} {number}"),
        Command::Comment => format!("gh pr comment -R {repo} {number}"),
        Command::Approve => format!("gh pr review -R {repo} {number} --approve"),
        Command::RequestChanges => format!("gh pr review -R {repo} {number} --request-changes"),
        Command::Merge => {
            let method = pr.merge_methods.first().map_or("merge", |method| method.name());
            format!("gh pr merge -R {repo} {number} --{method} --match-head-commit {}", quoted(&pr.head_sha))
        }
        Command::Watch => format!("gh pr checks -R {repo} {number} --watch"),
        _ => return None,
    })
}

fn of_server(key: &SilenceKey, view: &View<'_>) -> String {
    server_flag(&key.backend, view)
}

fn server_flag(backend: &BackendId, view: &View<'_>) -> String {
    view.store
        .backends
        .get(backend)
        .and_then(|backend| backend.info.server.as_ref())
        .map_or_else(String::new, |server| format!(" --alertmanager.url={}", quoted(server)))
}

fn of_alert(command: Command, target: &Target, at: Option<Timestamp>, view: &View<'_>) -> Option<String> {
    let Target::Alert(key) = target else { return None };
    let alert = view.store.alerts.get(key)?;
    let server = server_flag(&key.backend, view);
    Some(match command {
        Command::Acknowledge => {
            format!("amtool{server} silence add --duration={ACK_MINUTES}m --comment='acknowledged' {}", matchers(alert))
        }
        Command::SilenceAlert => {
            format!("amtool{server} silence add --duration=1h --comment='why' {}", matchers(alert))
        }
        Command::Enter | Command::Describe => format!("amtool{server} alert query {}", matchers(alert)),
        Command::RollBack => return of_workload(command, &workload_of(view, target)?.key, at, view),
        Command::Logs => {
            let workload = LogTarget::Workload(workload_of(view, target)?.key.clone());
            of_log(command, workload, at.or(alert.active_since).or(alert.starts), view)?
        }
        _ => return None,
    })
}

fn matchers(alert: &Alert) -> String {
    let words: Vec<String> = alert.labels.iter().map(|(name, value)| quoted(&format!("{name}={value}"))).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
