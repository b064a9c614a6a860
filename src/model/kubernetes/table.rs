//! Objects of any kind as the server prints them: its columns, its cells.

use std::time::Duration;

use jiff::Timestamp;

use super::resource::OwnerReference;
use crate::{
    model::{Level, Name},
    text::Clean,
};

/// A list of objects as the server's own table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectTable {
    pub columns: Vec<TableColumn>,
    pub rows: Vec<TableRow>,
    /// False while further pages are read.
    pub is_complete: bool,
    /// What is left out, and why.
    pub notes: Vec<Clean>,
    /// How often it is read.
    pub every: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    pub name: Name,
    /// Shown where there is room: kubectl prints it with `-o wide` only.
    pub is_wide: bool,
}

/// One object of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// Empty: an object of the whole cluster.
    pub namespace: Name,
    pub name: Name,
    pub uid: Name,
    pub created: Option<Timestamp>,
    pub owner: Option<OwnerReference>,
    pub labels: Box<[(Name, Clean)]>,
    /// In the order of the columns.
    pub cells: Box<[Clean]>,
}

/// How bad a cell says its object is, by its column and the words that Kubernetes and its controllers use.
pub fn level_of_cell(column: &str, cell: &str) -> Level {
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(column));
    if is(&["Status", "Phase", "State", "Health", "Health Status", "Sync Status", "Reason", "Type", "Result"]) {
        // A node says `NotReady,SchedulingDisabled`, a pod `Init:Error`.
        return cell.split([',', ':']).map(level_of_word).min().unwrap_or(Level::Ok);
    }
    if is(&["Ready", "Available", "Synced", "Healthy", "Established", "Valid", "Reconciled", "Succeeded"]) {
        return match cell.split_once('/') {
            Some((some, all)) => {
                let counts = some.trim().parse::<u32>().ok().zip(all.trim().parse::<u32>().ok());
                if counts.is_some_and(|(some, all)| some < all) { Level::Wrong } else { Level::Ok }
            }
            None if cell == "False" => Level::Wrong,
            None if cell == "Unknown" => Level::Unknown,
            None => Level::Ok,
        };
    }
    Level::Ok
}

fn level_of_word(word: &str) -> Level {
    match word.trim() {
        "Failed"
        | "Error"
        | "NotReady"
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
        | "Suspended" | "Paused" => Level::Wrong,
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
}
