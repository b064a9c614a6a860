//! States, counts and needs as the cockpit words them; nulls and hostile text.

use super::*;
use serde_json::json;

fn repo() -> RepoKey {
    RepoKey { host: crate::model::BackendId::new("gh"), name: "acme/api".into() }
}

fn pull(json: serde_json::Value) -> PullRequest {
    pull_request(repo(), &serde_json::from_value(json).unwrap(), Some("ana"), true)
}

#[test]
fn states_of_runs_are_read_with_every_unknown_word() {
    for (status, conclusion, state) in [
        (Some("completed"), Some("success"), RunState::Success),
        (Some("COMPLETED"), Some("TIMED_OUT"), RunState::TimedOut),
        (Some("completed"), None, RunState::Running),
        (Some("requested"), None, RunState::Queued),
        (Some("waiting"), None, RunState::Waiting),
        (Some("completed"), Some("stale"), RunState::Other("stale".into())),
        (Some("paused"), None, RunState::Other("paused".into())),
        (None, None, RunState::Other("unknown".into())),
    ] {
        assert_eq!(run_state(status, conclusion), state, "{status:?} {conclusion:?}");
    }
    assert!(run_state(Some("completed"), Some("startup_failure")).is_bad());
}

#[test]
fn a_pull_request_of_nulls_is_read() {
    let ghost = pull(json!({"number": 7, "title": null, "author": null, "headRefOid": null, "labels": null,
        "reviewRequests": null, "statusCheckRollup": null, "reviewDecision": null, "mergeable": null}));
    assert_eq!(ghost.author, "ghost");
    assert!(!ghost.checks.exist && ghost.checks.is_readable);
    assert_eq!(ghost.review, ReviewDecision::None);
    assert_eq!(ghost.merge, MergeState::Checking);
    assert_eq!(ghost.need, None);
}

#[test]
fn hostile_titles_and_labels_are_clean() {
    let pull =
        pull(json!({"number": 7, "title": "\u{1b}]0;owned\u{7}fix\u{202e}cod\n\u{1b}[2Jx", "headRefName": "a\u{9b}b",
        "labels": {"nodes": [{"name": "\u{1b}[31mred"}, null, {"name": 3}]}}));
    assert_eq!(pull.title, "fixcod x");
    assert_eq!(pull.head, "ab");
    assert_eq!(*pull.labels, ["red"]);
}

#[test]
fn checks_are_counted_by_what_they_mean() {
    let pull = pull(json!({"number": 1, "statusCheckRollup": {"state": "FAILURE", "contexts": {
        "checkRunCountsByState": [{"state": "SUCCESS", "count": 9}, {"state": "SKIPPED", "count": 2},
            {"state": "IN_PROGRESS", "count": 1}, {"state": "STARTUP_FAILURE", "count": 1}],
        "statusContextCountsByState": [{"state": "EXPECTED", "count": 1}, {"state": "ERROR", "count": 1}]}}}));
    let Checks { passed, failed, running, exist, .. } = pull.checks;
    assert_eq!((passed, failed, running, exist), (11, 2, 2, true));
}

#[test]
fn what_needs_me_is_told_from_what_does_not() {
    let green = json!({"state": "SUCCESS"});
    let mine = json!({"number": 1, "viewerDidAuthor": true, "mergeable": "MERGEABLE", "mergeStateStatus": "CLEAN",
        "reviewDecision": "APPROVED", "statusCheckRollup": green});
    let with = |changes: serde_json::Value| {
        let mut node = mine.clone();
        json_patch::merge(&mut node, &changes);
        pull(node).need
    };
    assert_eq!(with(json!({})), Some(Need::MineReady));
    assert_eq!(with(json!({"statusCheckRollup": {"state": "FAILURE"}})), Some(Need::MineFailing));
    assert_eq!(with(json!({"mergeable": "CONFLICTING"})), Some(Need::MineFailing));
    assert_eq!(with(json!({"reviewDecision": null})), None, "no rule is no approval");
    let approved = json!({"nodes": [{"state": "APPROVED"}]});
    assert_eq!(with(json!({"reviewDecision": null, "latestOpinionatedReviews": approved})), Some(Need::MineReady));
    assert_eq!(with(json!({"isDraft": true})), None);
    assert_eq!(with(json!({"mergedAt": "2026-11-21T02:44:00Z"})), None);
    let asked = json!({"nodes": [{"requestedReviewer": {"__typename": "User", "login": "ana"}}, null]});
    assert_eq!(with(json!({"viewerDidAuthor": false, "reviewRequests": asked})), Some(Need::Review));
}
