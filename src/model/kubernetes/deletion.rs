//! What the mark of a deletion says.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    text::Clean,
    time::{age, passed, seconds_between},
};

/// That a raw object is being deleted: what it has left, or for how long. `deletionTimestamp` is when its grace ends, not
/// when somebody asked. `None`: it is not.
pub fn deletion(object: &Value, now: Timestamp) -> Option<Clean> {
    let ends = object.pointer("/metadata/deletionTimestamp")?.as_str()?;
    let Ok(ends) = ends.parse::<Timestamp>() else { return Some(Clean::line("it is being deleted")) };
    let left = seconds_between(now, ends);
    if left > 0 {
        return Some(Clean::own(format!("it is being deleted: its grace ends in {}", age(left))));
    }
    let grace = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or_default();
    let asked = ends.checked_sub(SignedDuration::from_secs(grace)).unwrap_or(ends);
    Some(Clean::own(format!("it is being deleted: that was asked for {} ago", passed(asked, now))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_a_grace_left_says_how_much_and_what_has_none_since_when() {
        let now: Timestamp = "2026-01-10T03:18:50Z".parse().expect("valid");
        let says = |ends: &str, grace: Option<i64>| {
            let metadata = json!({"deletionTimestamp": ends, "deletionGracePeriodSeconds": grace});
            deletion(&json!({ "metadata": metadata }), now).expect("it is going").to_string()
        };
        let left = "it is being deleted: its grace ends in 26s";
        assert_eq!(says("2026-01-10T03:19:16Z", Some(30)), left);
        let held = "it is being deleted: that was asked for 5m30s ago";
        assert_eq!(says("2026-01-10T03:13:50Z", Some(30)), held);
        assert_eq!(says("2026-01-10T03:13:20Z", None), held, "no pod: it has no grace");
        assert_eq!(says("soon", None), "it is being deleted");
        assert_eq!(deletion(&json!({"metadata": {"name": "web"}}), now), None);
    }
}
