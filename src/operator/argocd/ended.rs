//! What became of a sync whose answer is lost, as far as the Application tells.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    action::{Done, Found},
    json::text,
    model::gitops::revision,
    source::argocd::application,
    text::Clean,
};

/// Its times are whole seconds, of another clock.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// `sent`: when. `is_ours`: of an operation. `None`: Argo CD has begun another one since, and forgets those before.
pub(in crate::operator) fn became(
    object: &Value,
    sync: &Value,
    sent: Timestamp,
    is_ours: impl Fn(&Value) -> bool,
) -> Option<Found> {
    let done = |says: &str| Some(Found::InForce(Done { says: says.into(), reference: None }));
    let is_since = |at: Option<Timestamp>| at.is_some_and(|at| at >= sent - SLACK);
    if object.get("operation").is_some_and(&is_ours) {
        return done("the sync was asked for");
    }
    let state = &object["status"]["operationState"];
    let is_ours = is_ours(&state["operation"]);
    // One that was asked for before, for the same, has ended before.
    let is_new = is_since(text(state, "/startedAt").parse().ok());
    match text(state, "/phase") {
        "Running" if is_ours => return done("the sync was asked for, and goes on"),
        "Succeeded" if is_ours && is_new && is_at(&state["syncResult"], sync) => {
            return done("the sync was asked for, and Argo CD says Succeeded");
        }
        phase @ ("Failed" | "Error") if is_ours && is_new => {
            let message = text(state, "/message");
            let says = format!("Argo CD says of the sync: {phase}: {message}. Some of it may have been applied");
            return Some(Found::Failed(Clean::line(&says)));
        }
        _ => {}
    }
    let newest = application::history(object).into_iter().next();
    if newest.is_some_and(|newest| newest.sync == *sync && is_since(newest.deployed)) {
        return done("the sync is in its history");
    }
    (!is_new).then(|| Found::Missing("the sync is not in force".into()))
}

/// It ended at what was asked for: another revision says nothing of ours.
fn is_at(result: &Value, sync: &Value) -> bool {
    let at = revision(result);
    at.is_empty() || at == revision(sync)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is read, where the sync to `aaa` was sent at 03:00:00 by `ana`.
    fn read(status: &Value) -> Option<Found> {
        let sent = "2026-01-02T03:00:00.8Z".parse().expect("a time");
        let object = json!({"status": status});
        became(&object, &json!({"revision": "aaa"}), sent, |asked| {
            asked["sync"]["revision"] == "aaa" && asked["initiatedBy"]["username"] == "ana"
        })
    }

    fn state(phase: &str, started: &str, by: &str, revision: &str) -> Value {
        let operation = json!({"initiatedBy": {"username": by}, "sync": {"revision": "aaa"}});
        json!({"operationState": {"phase": phase, "startedAt": started, "finishedAt": "2026-01-02T03:00:09Z",
            "operation": operation, "message": "one or more objects failed to apply", "syncResult": {"revision": revision}}})
    }

    const AFTER: &str = "2026-01-02T03:00:01Z";
    const BEFORE: &str = "2026-01-02T02:50:00Z";

    #[test]
    fn one_that_has_ended_says_how() {
        let done = read(&state("Succeeded", AFTER, "ana", "aaa"));
        assert!(matches!(&done, Some(Found::InForce(done)) if done.says.ends_with("Succeeded")), "{done:?}");
        for phase in ["Failed", "Error"] {
            let failed = read(&state(phase, AFTER, "ana", "aaa"));
            let Some(Found::Failed(says)) = &failed else { panic!("{failed:?}") };
            assert!(says.contains(&format!("{phase}: one or more objects failed to apply")), "{says}");
        }
        // The server's clock is behind by a moment, and tells no parts of a second.
        assert!(matches!(read(&state("Failed", "2026-01-02T02:59:58Z", "ana", "aaa")), Some(Found::Failed(_))));
    }

    #[test]
    fn another_one_tells_nothing_of_it() {
        assert_eq!(read(&state("Succeeded", AFTER, "bob", "aaa")), None, "it may have come after ours");
        assert_eq!(read(&state("Succeeded", AFTER, "ana", "bbb")), None);
        assert_eq!(read(&state("Terminating", AFTER, "ana", "aaa")), None);
        for phase in ["Succeeded", "Failed"] {
            let before = read(&state(phase, BEFORE, "ana", "aaa"));
            assert_eq!(before, Some(Found::Missing("the sync is not in force".into())), "of an act before this one");
        }
    }

    #[test]
    fn an_entry_of_its_history_counts_from_when_it_was_sent() {
        let history = |at: &str| json!({"history": [{"id": 9, "revision": "aaa", "deployedAt": at}]});
        assert!(matches!(read(&history("2026-01-02T03:00:09Z")), Some(Found::InForce(_))));
        assert!(matches!(read(&history(BEFORE)), Some(Found::Missing(_))), "it was there before");
    }
}
