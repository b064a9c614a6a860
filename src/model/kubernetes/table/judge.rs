//! How bad the cells of a row say that its object is, by the words that Kubernetes and its controllers use.

use super::TableColumn;
use crate::{model::Level, text::Clean};

/// The columns of a table that say how an object is, found once for all its rows.
pub struct Judge(Vec<(usize, Rule)>);

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Words,
    /// `1/2`, `False`
    Ready,
    /// The same of a pod, by the column of its status: one that has completed is ready no more, and well.
    ReadyUnlessEnded(usize),
    /// A number: fewer than in the column of what is wanted is wrong.
    OfDesired(usize),
    /// An autoscaler at its maximum has no room left, unless that is its minimum too.
    BelowMost {
        least: Option<usize>,
        most: usize,
    },
    /// `<unknown>`: an autoscaler that does not know what it scales by.
    Targets,
    /// A disruption budget that allows none: nobody can drain a node.
    NotZero,
    /// A schedule that is switched off.
    Suspend,
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
            "Targets" => Some(Self::Targets),
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
            Self::Ready | Self::ReadyUnlessEnded(_) => level_of_ready(cell),
            Self::OfDesired(desired) => {
                let counts = cell.parse::<u32>().ok().zip(of(desired));
                counts.map_or_else(|| level_of_ready(cell), |(ready, desired)| wrong_if(ready < desired))
            }
            Self::BelowMost { least, most } => {
                let most = of(most).filter(|most| least.and_then(of).is_none_or(|least| least < *most));
                wrong_if(cell.parse::<u32>().ok().zip(most).is_some_and(|(now, most)| now >= most))
            }
            Self::Targets => wrong_if(cell.contains("<unknown>")),
            Self::NotZero => wrong_if(cell == "0"),
            Self::Suspend => wrong_if(cell.eq_ignore_ascii_case("true")),
            Self::Address => wrong_if(cell == "<pending>"),
        }
    }
}

impl Judge {
    pub fn of(columns: &[TableColumn]) -> Self {
        let at = |name: &str| columns.iter().position(|column| column.name == name);
        let rule = |column: &TableColumn| match (column.name.as_str(), at("Desired"), at("MaxPods")) {
            ("Ready", Some(desired), _) => Some(Rule::OfDesired(desired)),
            ("Ready", None, _) if let Some(status) = at("Status") => Some(Rule::ReadyUnlessEnded(status)),
            ("Replicas", _, Some(most)) => Some(Rule::BelowMost { least: at("MinPods"), most }),
            (name, ..) => Rule::of(name),
        };
        Self(columns.iter().enumerate().filter_map(|(index, column)| Some((index, rule(column)?))).collect())
    }

    /// The worst that the cells of a row say.
    pub fn level(&self, cells: &[Clean]) -> Level {
        self.0.iter().map(|(index, rule)| level(*index, *rule, cells)).min().unwrap_or(Level::Ok)
    }

    /// What one of the cells says.
    pub fn level_of(&self, column: usize, cells: &[Clean]) -> Level {
        let rule = self.0.iter().find(|(index, _)| *index == column);
        rule.map_or(Level::Ok, |(index, rule)| level(*index, *rule, cells))
    }
}

fn level(index: usize, rule: Rule, cells: &[Clean]) -> Level {
    if matches!(rule, Rule::ReadyUnlessEnded(status) if cells.get(status).is_some_and(|status| *status == *"Completed"))
    {
        return Level::Ok;
    }
    let of = |index: usize| cells.get(index)?.parse::<u32>().ok();
    cells.get(index).map_or(Level::Ok, |cell| rule.level(cell, of))
}

/// How bad a cell says its object is, by its column alone.
pub fn level_of_cell(column: &str, cell: &str) -> Level {
    Rule::of(column).map_or(Level::Ok, |rule| rule.level(cell, |_| None))
}

fn level_of_ready(cell: &str) -> Level {
    match cell.split_once('/') {
        Some((some, all)) => {
            let counts = some.trim().parse::<u32>().ok().zip(all.trim().parse::<u32>().ok());
            if counts.is_some_and(|(some, all)| some < all) { Level::Wrong } else { Level::Ok }
        }
        None if cell == "False" => Level::Wrong,
        None if cell == "Unknown" => Level::Unknown,
        None => Level::Ok,
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
        | "OOMKilled"
        | "CreateContainerConfigError"
        | "InvalidImageName"
        | "Evicted"
        | "Lost"
        | "Degraded"
        | "Aborted"
        | "BackoffLimitExceeded" => Level::Broken,
        "Warning" | "Pending" | "OutOfSync" | "Missing" | "SchedulingDisabled" | "Released" | "NodeLost"
        | "MemoryPressure" | "DiskPressure" | "PIDPressure" | "Suspended" | "Paused" => Level::Wrong,
        "Unknown" => Level::Unknown,
        "Progressing" | "Terminating" | "ContainerCreating" | "PodInitializing" | "Init" => Level::Progress,
        _ => Level::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("Sync Status", "OutOfSync", Level::Wrong),
            ("State", "Aborted: RolloutAborted", Level::Broken),
            ("State", "Paused: CanaryPauseStep", Level::Wrong),
        ] {
            assert_eq!(level_of_cell(column, cell), level, "{column} {cell}");
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
        for (columns, cells, expected) in [
            (HPA, "web|Deployment/web|cpu: 41%/80%|2|10|4|5d", Level::Ok),
            (HPA, "web|Deployment/web|cpu: 97%/80%|2|10|10|5d", Level::Wrong),
            (HPA, "web|Deployment/web|cpu: 41%/80%|4|4|4|5d", Level::Ok),
            (HPA, "web|Deployment/web|cpu: <unknown>/80%|2|10|4|5d", Level::Wrong),
            ("Name|Min Available|Max Unavailable|Allowed Disruptions|Age", "pg|1|N/A|0|5d", Level::Wrong),
            ("Name|Min Available|Max Unavailable|Allowed Disruptions|Age", "pg|1|N/A|1|5d", Level::Ok),
            (
                "Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age",
                "r|0 3 * * *|<none>|True|0|5h|5d",
                Level::Wrong,
            ),
            ("Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age", "r|0 3 * * *|<none>|False|0|5h|5d", Level::Ok),
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
            let columns: Vec<TableColumn> =
                columns.split('|').map(|name| TableColumn { name: name.into(), ..TableColumn::default() }).collect();
            let row: Vec<Clean> = cells.split('|').map(Clean::from).collect();
            assert_eq!(Judge::of(&columns).level(&row), expected, "{cells}");
        }
    }
}
