//! How bad the cells of a row say that its object is, by the words that Kubernetes and its controllers use.

use jiff::{SignedDuration, Timestamp};

use super::{TableColumn, TableRow, schedule::due, seconds};
use crate::{model::Level, text::Clean, time::seconds_between};

/// Seconds that a job may come too late, at most.
const LATE: i64 = 600;

/// The columns of a table that say how an object is, found once for all its rows.
pub struct Judge(Vec<(usize, Rule)>);

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Words,
    /// `1/2`, `False`
    Ready,
    /// The same of a pod, by the column of its status: one that has completed is ready no more, and well; one that starts
    /// or goes is not ready yet or any more.
    ReadyWhileRunning(usize),
    /// A number: fewer than in the column of what is wanted is wrong.
    OfDesired(usize),
    /// An autoscaler at its maximum has no room left, unless that is its minimum too.
    BelowMost {
        least: Option<usize>,
        most: usize,
    },
    /// `<unknown>`: an autoscaler that does not know what it scales by. Of a target at zero nobody can: it was scaled to
    /// zero by somebody's wish.
    Targets {
        replicas: Option<usize>,
    },
    /// A disruption budget that allows none: nobody can drain a node.
    NotZero,
    /// A schedule that is switched off.
    Suspend,
    /// Jobs of a schedule that run at once: they pile up.
    Active,
    /// When a job of a schedule was last made: overdue, nobody makes them.
    LastOf {
        schedule: usize,
        zone: Option<usize>,
        active: Option<usize>,
    },
    /// A load balancer that has not come.
    Address,
}

impl Rule {
    /// Of a column by itself.
    fn of(column: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(column));
        if is(&["Status", "Phase", "State", "Health", "Health Status", "Sync Status", "Reason", "Type", "Result"]) {
            return Some(Self::Words);
        }
        if is(&["Ready", "Available", "Synced", "Healthy", "Established", "Valid", "Reconciled", "Succeeded"]) {
            return Some(Self::Ready);
        }
        match column {
            "Allowed Disruptions" => Some(Self::NotZero),
            "Suspend" => Some(Self::Suspend),
            "External-IP" => Some(Self::Address),
            _ => None,
        }
    }

    fn level(self, cell: &str, of: impl Fn(usize) -> Option<u32>) -> Level {
        let wrong_if = |is_wrong| if is_wrong { Level::Wrong } else { Level::Ok };
        match self {
            // A node says `NotReady,SchedulingDisabled`, a pod `Init:Error`.
            Self::Words => cell.split([',', ':']).map(level_of_word).min().unwrap_or(Level::Ok),
            Self::Ready | Self::ReadyWhileRunning(_) => level_of_ready(cell),
            Self::OfDesired(desired) => {
                let counts = cell.parse::<u32>().ok().zip(of(desired));
                counts.map_or_else(|| level_of_ready(cell), |(ready, desired)| wrong_if(ready < desired))
            }
            Self::BelowMost { least, most } => {
                let most = of(most).filter(|most| least.and_then(of).is_none_or(|least| least < *most));
                wrong_if(cell.parse::<u32>().ok().zip(most).is_some_and(|(now, most)| now >= most))
            }
            Self::Targets { replicas } => wrong_if(cell.contains("<unknown>") && replicas.and_then(of) != Some(0)),
            Self::NotZero => wrong_if(cell == "0"),
            Self::Suspend => wrong_if(cell.eq_ignore_ascii_case("true")),
            Self::Active => wrong_if(cell.parse::<u32>().is_ok_and(|active| active > 1)),
            // It depends on what time it is.
            Self::LastOf { .. } => Level::Ok,
            Self::Address => wrong_if(cell == "<pending>"),
        }
    }
}

impl Judge {
    pub fn of(columns: &[TableColumn]) -> Self {
        let at = |name: &str| columns.iter().position(|column| column.name == name);
        let rule = |column: &TableColumn| match (column.name.as_str(), at("Desired"), at("MaxPods")) {
            ("Ready", Some(desired), _) => Some(Rule::OfDesired(desired)),
            ("Ready", None, _) if let Some(status) = at("Status") => Some(Rule::ReadyWhileRunning(status)),
            ("Active", ..) if at("Schedule").is_some() => Some(Rule::Active),
            ("Last Schedule", ..) => {
                at("Schedule").map(|schedule| Rule::LastOf { schedule, zone: at("Timezone"), active: at("Active") })
            }
            ("Targets", ..) => Some(Rule::Targets { replicas: at("Replicas") }),
            ("Replicas", _, Some(most)) => Some(Rule::BelowMost { least: at("MinPods"), most }),
            (name, ..) => Rule::of(name),
        };
        Self(columns.iter().enumerate().filter_map(|(index, column)| Some((index, rule(column)?))).collect())
    }

    /// The columns that say how an object is.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(index, _)| *index)
    }

    /// The worst that the cells of a row say at a moment by the cluster's clock.
    pub fn level(&self, row: &TableRow, now: Timestamp) -> Level {
        self.0.iter().map(|(index, rule)| level(*index, *rule, row, now)).min().unwrap_or(Level::Ok)
    }

    /// What one of the cells says.
    pub fn level_of(&self, column: usize, row: &TableRow, now: Timestamp) -> Level {
        let rule = self.0.iter().find(|(index, _)| *index == column);
        rule.map_or(Level::Ok, |(index, rule)| level(*index, *rule, row, now))
    }
}

fn level(index: usize, rule: Rule, row: &TableRow, now: Timestamp) -> Level {
    let (cells, cell) = (&row.cells, |index: usize| row.cells.get(index));
    match rule {
        Rule::ReadyWhileRunning(status) if cell(status).is_some_and(is_under_way) => Level::Ok,
        Rule::LastOf { schedule, zone, active } => {
            let zone = zone.and_then(cell).map(Clean::as_str).filter(|zone| *zone != "<none>");
            // It may not start another while one runs (`concurrencyPolicy: Forbid`).
            let is_at_it = active.and_then(cell).is_some_and(|active| *active != *"0");
            let is_overdue = cell(schedule).is_some_and(|schedule| is_overdue(schedule, zone, index, row, now));
            if is_overdue && !is_at_it { Level::Wrong } else { Level::Ok }
        }
        _ => {
            let of = |index: usize| cells.get(index)?.parse::<u32>().ok();
            cell(index).map_or(Level::Ok, |cell| rule.level(cell, of))
        }
    }
}

/// Whether what a pod's STATUS says makes its READY no news.
fn is_under_way(status: &Clean) -> bool {
    *status == *"Completed" || Rule::Words.level(status, |_| None) == Level::Progress
}

/// The next job is due and was not made; the controller may take a tenth of the time between two, and a minute.
fn is_overdue(schedule: &str, zone: Option<&str>, last: usize, row: &TableRow, now: Timestamp) -> bool {
    let printed = row.cells.get(last).and_then(|cell| seconds(cell)).zip(row.printed);
    // Never yet: since it was made.
    let last = printed.map_or(row.created, |(ago, printed)| printed.checked_sub(SignedDuration::from_secs(ago)).ok());
    let Some((last, due)) = last.and_then(|last| Some((last, due(schedule, zone, last)?))) else { return false };
    seconds_between(due, now) > (seconds_between(last, due) / 10).min(LATE) + 60
}

/// `1/2`, `False (MissingEndpoints)`; columns of a definition that are booleans print `false`.
fn level_of_ready(cell: &str) -> Level {
    let is = |word: &str| cell.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(word));
    let count = |text: &str| text.trim().parse::<u32>().ok();
    let counts = cell.split_once('/').and_then(|(some, all)| count(some).zip(count(all)));
    match counts {
        Some((some, all)) if some < all => Level::Wrong,
        None if is("false") => Level::Wrong,
        None if is("unknown") => Level::Unknown,
        _ => Level::Ok,
    }
}

fn level_of_word(word: &str) -> Level {
    match word.trim() {
        "Failed"
        | "FailureTarget"
        | "Error"
        | "NotReady"
        | "NetworkUnavailable"
        | "CrashLoopBackOff"
        | "ImagePullBackOff"
        | "ErrImagePull"
        | "ErrImageNeverPull"
        | "InvalidImageName"
        | "OOMKilled"
        | "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "ContainerCannotRun"
        | "StartError"
        | "PostStartHookError"
        | "ContainerStatusUnknown"
        | "ExitCode"
        | "Signal"
        | "UnexpectedAdmissionError"
        | "NodeAffinity"
        | "OutOfcpu"
        | "OutOfmemory"
        | "OutOfpods"
        | "Evicted"
        | "Lost"
        | "Degraded"
        | "Aborted"
        | "BackoffLimitExceeded" => Level::Broken,
        "Warning" | "Pending" | "OutOfSync" | "Missing" | "SchedulingDisabled" | "Released" | "NodeLost"
        | "MemoryPressure" | "DiskPressure" | "PIDPressure" | "Suspended" | "Paused" => Level::Wrong,
        "Unknown" => Level::Unknown,
        "Progressing" | "Terminating" | "ContainerCreating" | "PodInitializing" | "Init" => Level::Progress,
        // Phases of Flagger (`pkg/apis/flagger/v1beta1/status.go`).
        "Initializing" | "Waiting" | "WaitingPromotion" | "Promoting" | "Finalising" => Level::Progress,
        _ => Level::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-14T03:14:22Z".parse().unwrap()
    }

    fn columns(names: &str) -> Vec<TableColumn> {
        names.split('|').map(|name| TableColumn { name: name.into(), ..TableColumn::default() }).collect()
    }

    fn row(cells: &str) -> TableRow {
        TableRow { cells: cells.split('|').map(Clean::from).collect(), ..TableRow::default() }
    }

    #[test]
    fn a_cell_is_as_bad_as_its_words() {
        for (column, cell, level) in [
            ("Status", "Ready", Level::Ok),
            ("STATUS", "Ready,SchedulingDisabled", Level::Wrong),
            ("Status", "NotReady", Level::Broken),
            ("Status", "Init:Error", Level::Broken),
            ("Status", "Failed", Level::Broken),
            ("Type", "Warning", Level::Wrong),
            ("Type", "ClusterIP", Level::Ok),
            ("Name", "Failed", Level::Ok),
            ("Ready", "1/2", Level::Wrong),
            ("Ready", "2/2", Level::Ok),
            ("Completions", "0/1", Level::Ok),
            ("Ready", "False", Level::Wrong),
            ("Ready", "false", Level::Wrong),
            ("Ready", "true", Level::Ok),
            ("Available", "False (MissingEndpoints)", Level::Wrong),
            ("Available", "False (FailedDiscoveryCheck: 1/2)", Level::Wrong),
            ("Available", "Unknown (ServiceNotFound)", Level::Unknown),
            ("Sync Status", "OutOfSync", Level::Wrong),
            ("State", "Aborted: RolloutAborted", Level::Broken),
            ("State", "Paused: CanaryPauseStep", Level::Wrong),
            ("Status", "WaitingPromotion", Level::Progress),
            ("Status", "Initialized", Level::Ok),
            ("Status", "Succeeded", Level::Ok),
        ] {
            assert_eq!(Judge::of(&columns(column)).level(&row(cell), now()), level, "{column} {cell}");
        }
    }

    /// The columns as kubectl prints them; the last is the expected level.
    #[test]
    fn trouble_of_each_kind_is_seen_in_its_row() {
        const HPA: &str = "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age";
        const NODE: &str = "Name|Status|Roles|Age|Version|State";
        const CLAIM: &str = "Name|Status|Volume|Capacity|Access Modes|StorageClass|Age";
        const SERVICE: &str = "Name|Type|Cluster-IP|External-IP|Port(s)|Age";
        const POD: &str = "Name|Ready|Status|Restarts|Age";
        const SET: &str = "Name|Desired|Current|Ready|Age";
        for (names, cells, expected) in [
            (HPA, "web|Deployment/web|cpu: 41%/80%|2|10|4|5d", Level::Ok),
            (HPA, "web|Deployment/web|cpu: 97%/80%|2|10|10|5d", Level::Wrong),
            (HPA, "web|Deployment/web|cpu: 41%/80%|4|4|4|5d", Level::Ok),
            (HPA, "web|Deployment/web|cpu: <unknown>/80%|2|10|4|5d", Level::Wrong),
            (HPA, "web|Deployment/web|cpu: <unknown>/80%|2|10|0|5d", Level::Ok),
            ("Name|Min Available|Max Unavailable|Allowed Disruptions|Age", "pg|1|N/A|0|5d", Level::Wrong),
            ("Name|Min Available|Max Unavailable|Allowed Disruptions|Age", "pg|1|N/A|1|5d", Level::Ok),
            (
                "Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age",
                "r|0 3 * * *|<none>|True|0|5h|5d",
                Level::Wrong,
            ),
            ("Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age", "r|0 3 * * *|<none>|False|1|5h|5d", Level::Ok),
            (
                "Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age",
                "r|0 3 * * *|<none>|False|2|5h|5d",
                Level::Wrong,
            ),
            (NODE, "n1|Ready|<none>|5d|v1.33|", Level::Ok),
            (NODE, "n1|Ready|<none>|5d|v1.33|DiskPressure", Level::Wrong),
            (NODE, "n1|Ready,SchedulingDisabled|<none>|5d|v1.33|", Level::Wrong),
            (NODE, "n1|NotReady|<none>|5d|v1.33|MemoryPressure", Level::Broken),
            (CLAIM, "data|Pending||||fast|5d", Level::Wrong),
            (CLAIM, "data|Lost|pv|1Gi|RWO|fast|5d", Level::Broken),
            (CLAIM, "data|Bound|pv|1Gi|RWO|fast|5d", Level::Ok),
            ("Name|Status|Completions|Duration|Age", "vacuum|Failed|0/1|5m|5d", Level::Broken),
            ("Name|Status|Completions|Duration|Age", "vacuum|FailureTarget|0/1|5m|5d", Level::Broken),
            (SERVICE, "web|LoadBalancer|10.0.0.1|<pending>|80/TCP|5d", Level::Wrong),
            (SERVICE, "web|LoadBalancer|10.0.0.1|1.2.3.4|80/TCP|5d", Level::Ok),
            (POD, "backup-x|0/1|Completed|0|5d", Level::Ok),
            (POD, "web-x|0/1|Running|0|5d", Level::Wrong),
            (POD, "web-x|1/1|Running|0|5d", Level::Ok),
            (SET, "web-1|3|3|2|5d", Level::Wrong),
            (SET, "web-1|0|0|0|5d", Level::Ok),
        ] {
            assert_eq!(Judge::of(&columns(names)).level(&row(cells), now()), expected, "{cells}");
        }
    }

    /// The row was printed an hour ago: time goes on.
    #[test]
    fn a_schedule_that_nobody_keeps_is_wrong_though_nothing_is_said_of_it() {
        let columns = columns("Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age");
        let judge = Judge::of(&columns);
        let at = |schedule: &str, last: &str| {
            let row = TableRow {
                printed: now().checked_sub(SignedDuration::from_hours(1)).ok(),
                created: now().checked_sub(SignedDuration::from_hours(30)).ok(),
                ..row(&format!("r|{schedule}|<none>|False|0|{last}|5d"))
            };
            (judge.level(&row, now()), judge.level_of(5, &row, now()))
        };
        for (schedule, last, level) in [
            ("0 3 * * *", "5h", Level::Ok),
            ("0 3 * * *", "22h", Level::Ok),
            // In no zone of the earth is it not due by now.
            ("0 3 * * *", "24h", Level::Wrong),
            ("0 3 * * *", "26h", Level::Wrong),
            ("*/5 * * * *", "4m", Level::Wrong),
            ("0 3 * * *", "<none>", Level::Wrong),
            ("0 3 * * mon", "<none>", Level::Ok),
            ("every now and then", "26h", Level::Ok),
        ] {
            assert_eq!(at(schedule, last), (level, level), "{schedule}: {last}");
        }
    }

    /// `:kind pods` and the pods pane say the same of one pod.
    #[test]
    fn every_status_that_does_not_pass_by_itself_is_broken() {
        let judge = Judge::of(&columns("Name|Ready|Status|Restarts|Age"));
        for (status, level) in [
            ("CreateContainerError", Level::Broken),
            ("RunContainerError", Level::Broken),
            ("ErrImageNeverPull", Level::Broken),
            ("StartError", Level::Broken),
            ("ContainerCannotRun", Level::Broken),
            ("PostStartHookError", Level::Broken),
            ("Init:CreateContainerError", Level::Broken),
            ("UnexpectedAdmissionError", Level::Broken),
            ("OutOfcpu", Level::Broken),
            ("OutOfmemory", Level::Broken),
            ("ExitCode:3", Level::Broken),
            ("Init:Signal:9", Level::Broken),
            ("ContainerCreating", Level::Progress),
            ("Terminating", Level::Progress),
            ("Init:0/2", Level::Progress),
            ("Running", Level::Wrong),
        ] {
            assert_eq!(judge.level(&row(&format!("p|0/1|{status}|0|5d")), now()), level, "{status}");
        }
    }
}
