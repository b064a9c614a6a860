//! What GitHub sends, as tolerantly as can be read: nothing but ids is required, no enum is closed.
//!
//! REST shapes: OpenAPI description of api.github.com, version 2022-11-28. GraphQL shapes: see [`super::documents`].

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Reads what can be read of a list, and counts the rest. `null` items are left out.
pub fn each<T: DeserializeOwned>(items: Vec<Value>) -> (Vec<T>, usize) {
    let mut unreadable = 0;
    let read = items
        .into_iter()
        .filter(|item| !item.is_null())
        .filter_map(|item| T::deserialize(item).map_err(|_| unreadable += 1).ok())
        .collect();
    (read, unreadable)
}

/// A list that may be null, absent or no list at all.
fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Array(items) => items,
        _ => Vec::new(),
    })
}

/// The list that was asked for, or null. What is no list is an error: it must not pass for an empty one.
fn whole_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
    Ok(Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Account {
    pub login: Option<String>,
}

/// A GraphQL connection.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Connection {
    pub total_count: Option<u64>,
    pub page_info: Option<PageInfo>,
    #[serde(deserialize_with = "list")]
    pub nodes: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PageInfo {
    pub has_next_page: Option<bool>,
    pub end_cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RepositoryNode {
    pub name_with_owner: Option<String>,
    pub viewer_permission: Option<String>,
    pub open: Option<Connection>,
    pub merged: Option<Connection>,
    pub pull_request: Option<Value>,
}

/// Fragment `P`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullNode {
    pub number: u64,
    pub id: Option<String>,
    pub title: Option<String>,
    pub url: Option<String>,
    pub is_draft: Option<bool>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    pub merged_at: Option<String>,
    pub author: Option<Account>,
    pub head_ref_name: Option<String>,
    pub head_ref_oid: Option<String>,
    pub base_ref_name: Option<String>,
    pub additions: Option<u64>,
    pub deletions: Option<u64>,
    pub changed_files: Option<u64>,
    pub mergeable: Option<String>,
    pub merge_state_status: Option<String>,
    pub review_decision: Option<String>,
    pub viewer_did_author: Option<bool>,
    pub is_in_merge_queue: Option<bool>,
    pub repository: Option<PullRepository>,
    pub labels: Option<Connection>,
    pub review_requests: Option<Connection>,
    pub latest_opinionated_reviews: Option<Connection>,
    pub status_check_rollup: Option<Rollup>,
    /// Of the detail document.
    pub body: Option<String>,
    pub reviews: Option<Connection>,
    pub comments: Option<Connection>,
    pub review_threads: Option<Connection>,
    pub checks: Option<CheckList>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PullRepository {
    pub name_with_owner: Option<String>,
    pub merge_commit_allowed: Option<bool>,
    pub squash_merge_allowed: Option<bool>,
    pub rebase_merge_allowed: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rollup {
    pub state: Option<String>,
    pub contexts: Option<Counts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Counts {
    pub check_run_count: Option<u32>,
    pub status_context_count: Option<u32>,
    pub check_run_counts_by_state: Option<Vec<StateCount>>,
    pub status_context_counts_by_state: Option<Vec<StateCount>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StateCount {
    pub state: Option<String>,
    pub count: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CheckList {
    pub contexts: Option<Connection>,
}

/// A check run or a commit status.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContextNode {
    pub name: Option<String>,
    pub status: Option<String>,
    pub conclusion: Option<String>,
    pub details_url: Option<String>,
    pub context: Option<String>,
    pub state: Option<String>,
    pub target_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReviewNode {
    pub author: Option<Account>,
    pub state: Option<String>,
    pub body: Option<String>,
    pub submitted_at: Option<String>,
    pub created_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ThreadNode {
    pub is_resolved: Option<bool>,
    pub path: Option<String>,
    pub line: Option<u64>,
    pub comments: Option<Connection>,
}

/// Whom a review was asked of: a team has a slug, the others a login.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReviewRequestNode {
    pub requested_reviewer: Option<Account>,
}

/// `GET /repos/{o}/{r}/actions/runs`
#[derive(Debug, Deserialize)]
pub struct RunList {
    #[serde(deserialize_with = "whole_list")]
    pub workflow_runs: Vec<Value>,
}

/// A workflow run. Its name, branch and commit may be null.
#[derive(Debug, Deserialize)]
pub struct RunShape {
    pub id: u64,
    pub name: Option<String>,
    pub display_title: Option<String>,
    pub path: Option<String>,
    pub run_number: Option<u64>,
    pub run_attempt: Option<u32>,
    pub event: Option<String>,
    pub status: Option<String>,
    pub conclusion: Option<String>,
    pub head_branch: Option<String>,
    pub head_sha: Option<String>,
    pub html_url: Option<String>,
    pub actor: Option<Account>,
    pub triggering_actor: Option<Account>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    pub run_started_at: Option<String>,
    pub pull_requests: Option<Vec<Numbered>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Numbered {
    pub number: Option<u64>,
}

/// `GET /repos/{o}/{r}/actions/runs/{id}/jobs`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobList {
    pub total_count: Option<u32>,
    #[serde(deserialize_with = "list")]
    pub jobs: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub struct JobShape {
    pub id: u64,
    pub run_attempt: Option<u32>,
    pub name: Option<String>,
    pub status: Option<String>,
    pub conclusion: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    pub html_url: Option<String>,
    pub runner_name: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub steps: Vec<Value>,
}

/// Step numbers jump: post steps are numbered from the end.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StepShape {
    pub number: Option<u32>,
    pub name: Option<String>,
    pub status: Option<String>,
    pub conclusion: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
}

/// `GET /repos/{o}/{r}/pulls/{n}/files`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FileShape {
    pub filename: Option<String>,
    pub status: Option<String>,
    pub additions: Option<u64>,
    pub deletions: Option<u64>,
    pub patch: Option<String>,
}

/// `GET /repos/{o}/{r}/pulls/{n}`, as far as a write must know it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PullShape {
    pub state: Option<String>,
    pub merged: Option<bool>,
    pub merged_by: Option<Account>,
    pub merged_at: Option<String>,
    pub closed_at: Option<String>,
    pub head: Option<Head>,
    /// `None` while GitHub works it out.
    pub mergeable: Option<bool>,
    pub mergeable_state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    pub sha: Option<String>,
}

/// `GET /repos/{o}/{r}`, the rights of the token's owner.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RepositoryShape {
    pub default_branch: Option<String>,
    pub permissions: Option<Permissions>,
    pub archived: Option<bool>,
}

/// `GET /repos/{o}/{r}/actions/workflows/{file}`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkflowShape {
    /// `active`, `disabled_manually`, …
    pub state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Permissions {
    pub push: Option<bool>,
}

/// `GET /repos/{o}/{r}/contents/{path}`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContentShape {
    /// Base64, broken into lines.
    pub content: Option<String>,
    pub encoding: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_bad_item_does_not_cost_the_others() {
        let (read, unreadable) =
            each::<RunShape>(vec![json!({"id": 1}), json!(null), json!({"id": "x"}), json!({"id": 2, "name": null})]);
        assert_eq!(read.iter().map(|run| run.id).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(unreadable, 1);
        let runs: RunList = serde_json::from_value(json!({"workflow_runs": null})).unwrap();
        assert!(runs.workflow_runs.is_empty());
        for wrong in [json!({"workflow_runs": 7}), json!({"workflow_runs": {}}), json!({"message": "hm"})] {
            assert!(serde_json::from_value::<RunList>(wrong.clone()).is_err(), "{wrong} is not an empty list");
        }
    }
}
