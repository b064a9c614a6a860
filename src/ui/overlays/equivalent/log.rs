//! A log as the line that reads the same: kubectl's, or midwatch's own where kubectl has no flag for it.

use crate::{
    action::equivalent::{kubectl, kubectl_in},
    app::settings::Settings,
    model::{Name, kubernetes::WorkloadKind},
    query::{ContainerSort, Containers, LogQuery, LogTarget, PodFilter},
    text::quoted,
    ui::screens::logs::ago,
};

/// kubectl follows five containers, unless it is told how many.
const MOST_STREAMS: &str = " --max-log-requests=50";
const ALL_CONTAINERS: &str = " --all-containers";

/// `filters`: flags of `midwatch logs` for what of it is shown. `offered`: the containers that its pods are known to have.
pub fn log(
    query: &LogQuery,
    offered: &[(ContainerSort, Name)],
    filters: &[String],
    settings: &Settings,
) -> Option<String> {
    let by_kubectl = if filters.is_empty() { of_kubectl(query, offered, settings) } else { None };
    by_kubectl.or_else(|| of_midwatch(query, filters, settings))
}

/// `None`: kubectl does not read such a log.
fn of_kubectl(query: &LogQuery, offered: &[(ContainerSort, Name)], settings: &Settings) -> Option<String> {
    if query.until.is_some() || query.pods != PodFilter::default() {
        return None;
    }
    let (object, is_pod) = match &query.target {
        LogTarget::Pod(pod) => (format!("pod/{}", pod.name), true),
        LogTarget::Workload(key) if key.kind == WorkloadKind::Rollout => return None,
        LogTarget::Workload(key) => (format!("{}/{}", key.kind.name(), key.name), false),
        // Of these it finds the pods by itself.
        LogTarget::Object(key)
            if matches!(key.resource.plural.as_str(), "services" | "jobs" | "replicasets" | "pods") =>
        {
            (format!("{}/{}", key.resource.qualified(), key.name), false)
        }
        LogTarget::Object(_) | LogTarget::Labels(_) => return None,
    };
    let has_others = offered.iter().any(|(sort, _)| *sort != ContainerSort::Main);
    let containers = match containers(query)? {
        flag if is_pod || !flag.is_empty() => flag,
        // All main ones it reads only together with all others.
        _ if has_others => return None,
        _ => ALL_CONTAINERS.to_owned(),
    };
    let pods = if is_pod { "" } else { " --all-pods" };
    let streams = if is_pod || !query.follow { "" } else { MOST_STREAMS };
    let place = kubectl(settings, query.target.cluster(), query.target.namespace());
    Some(format!("{place} logs {}{pods}{containers}{}{streams}{}", quoted(&object), reach(query), follow(query)))
}

fn of_midwatch(query: &LogQuery, filters: &[String], settings: &Settings) -> Option<String> {
    if query.pods != PodFilter::default() {
        return None;
    }
    let target = match &query.target {
        LogTarget::Pod(pod) => format!("pod/{}", pod.name),
        LogTarget::Workload(key) => format!("{}/{}", key.kind.name(), key.name),
        LogTarget::Object(key) => format!("{}/{}", key.resource.qualified(), key.name),
        LogTarget::Labels(key) => format!("--selector={}", key.selector),
    };
    let containers = containers(query)?;
    let namespace = query.target.namespace();
    let place = if namespace.is_empty() { " -A".to_owned() } else { format!(" -n {}", quoted(namespace)) };
    let context = kubectl_in(settings, query.target.cluster());
    let context = context.strip_prefix("kubectl").unwrap_or(&context);
    let until = query.until.map_or_else(String::new, |until| format!(" --until={until}"));
    // Without either it reads the newest hundred lines.
    let all = if query.since_seconds.is_none() && query.tail.is_none() { " --tail=-1" } else { "" };
    let filters: String = filters.iter().map(|filter| format!(" {}", quoted(filter))).collect();
    let reach = reach(query);
    let follow = follow(query);
    Some(format!("midwatch logs {}{context}{place}{containers}{reach}{until}{all}{filters}{follow}", quoted(&target)))
}

/// Flags that both have; empty: as they come. `None`: there is none for these.
fn containers(query: &LogQuery) -> Option<String> {
    if let Some(name) = &query.containers.named {
        return Some(format!(" -c {}", quoted(name)));
    }
    let is_all = query.containers == Containers::ALL;
    let is_any = is_all || query.containers == Containers::default();
    is_any.then(|| if is_all { ALL_CONTAINERS.to_owned() } else { String::new() })
}

fn reach(query: &LogQuery) -> String {
    let previous = if query.previous { " --previous" } else { "" };
    let since = query.since_seconds.map_or_else(String::new, |since| format!(" --since={}", ago(since)));
    let tail = query.tail.map_or_else(String::new, |tail| format!(" --tail={tail}"));
    format!("{previous}{since}{tail}")
}

fn follow(query: &LogQuery) -> &'static str {
    if query.follow { " -f" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::kubernetes::WorkloadKey, ui::testing};

    fn line(change: impl FnOnce(&mut LogQuery), filters: &[&str]) -> String {
        let key: WorkloadKey = testing::workload_key(WorkloadKind::Deployment, "myapp");
        let mut query = LogQuery { since_seconds: Some(900), ..LogQuery::of(LogTarget::Workload(key)) };
        change(&mut query);
        let offered: [(ContainerSort, Name); 1] = [(ContainerSort::Main, "app".into())];
        let filters: Vec<String> = filters.iter().map(|filter| (*filter).to_owned()).collect();
        log(&query, &offered, &filters, &testing::World::live().settings).expect("a line")
    }

    #[test]
    fn the_line_reads_the_log_that_is_shown() {
        let kubectl = |rest: &str| format!("kubectl --context prod-eu1 -n production logs {rest}");
        let midwatch = |rest: &str| format!("midwatch logs deployment/myapp --context prod-eu1 -n production{rest}");
        let many = "--max-log-requests=50 -f";
        let all = "deployment/myapp --all-pods --all-containers";
        assert_eq!(line(|_| (), &[]), kubectl(&format!("{all} --since=15m {many}")));
        assert_eq!(line(|query| query.since_seconds = Some(3_600), &[]), kubectl(&format!("{all} --since=1h {many}")));
        assert_eq!(line(|query| query.since_seconds = None, &[]), kubectl(&format!("{all} {many}")));
        assert_eq!(line(|query| query.tail = Some(500), &[]), kubectl(&format!("{all} --since=15m --tail=500 {many}")));
        let one = |query: &mut LogQuery| query.containers = Containers::named("app".into());
        assert_eq!(line(one, &[]), kubectl(&format!("deployment/myapp --all-pods -c app --since=15m {many}")));
        let previous = |query: &mut LogQuery| {
            query.target = LogTarget::Pod(testing::object("myapp-1"));
            (query.previous, query.follow, query.since_seconds, query.tail) = (true, false, None, Some(2_000));
        };
        assert_eq!(line(previous, &[]), kubectl("pod/myapp-1 --previous --tail=2000"));
        let until = |query: &mut LogQuery| (query.until, query.follow) = (Some(testing::at("03:10")), false);
        let at = testing::at("03:10");
        assert_eq!(line(until, &[]), midwatch(&format!(" --since=15m --until={at}")));
        assert_eq!(line(|_| (), &["--level=warn"]), midwatch(" --since=15m --level=warn -f"));
        assert_eq!(line(|query| query.since_seconds = None, &["--level=warn"]), midwatch(" --tail=-1 --level=warn -f"));
    }

    #[test]
    fn main_containers_beside_others_are_no_log_of_kubectl() {
        let key: WorkloadKey = testing::workload_key(WorkloadKind::Deployment, "myapp");
        let query = LogQuery { since_seconds: Some(900), ..LogQuery::of(LogTarget::Workload(key)) };
        let offered: [(ContainerSort, Name); 2] =
            [(ContainerSort::Main, "app".into()), (ContainerSort::Init, "migrate".into())];
        let settings = testing::World::live().settings;
        let line = |query: &LogQuery| log(query, &offered, &[], &settings).expect("a line");
        assert!(line(&query).starts_with("midwatch logs deployment/myapp "), "{}", line(&query));
        let all = LogQuery { containers: Containers::ALL, ..query };
        assert!(line(&all).contains(" --all-pods --all-containers "), "{}", line(&all));
    }
}
