//! What time alone tells of a pod, and what a pod that has failed is good for.

use std::borrow::Cow;

use jiff::Timestamp;

use super::Pod;
use crate::{
    model::{Level, Name},
    time::age_of,
};

impl Pod {
    /// It has failed and stays until it is collected: its owner has made another in its place.
    pub fn is_record(&self) -> bool {
        self.has_failed && self.owner.is_some()
    }

    /// Whose it is, and how bad it makes that one.
    pub fn burden(&self) -> Option<(Name, Level)> {
        let level = if self.is_record() { Level::Ok } else { self.level };
        Some((self.owner.as_ref()?.uid.clone(), level))
    }

    /// How bad it is at a moment, and why: no watch tells that it should have gone by now.
    pub fn standing(&self, now: Timestamp) -> (Level, Cow<'_, str>) {
        let Some(since) = self.deleting_since else { return (self.level, Cow::Borrowed(&self.why)) };
        let is_late = self.deleting_by.is_some_and(|by| by < now);
        let level = if is_late { self.level.min(Level::Wrong) } else { self.level };
        let more = if self.why.is_empty() { String::new() } else { format!("; {}", self.why) };
        (level, Cow::Owned(format!("terminating for {}{more}", age_of(since, now))))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{Level, kubernetes::Pod},
        ui::testing::{at, pod},
    };

    #[test]
    fn a_pod_that_does_not_go_is_in_trouble_once_its_grace_is_over() {
        let going = Pod {
            level: Level::Progress,
            deleting_since: Some(at("03:00")),
            deleting_by: Some(at("03:00:30")),
            ..pod("web-1", "a", None)
        };
        let said = |pod: &Pod, time: &str| {
            let (level, why) = pod.standing(at(time));
            (level, why.into_owned())
        };
        assert_eq!(said(&going, "03:00:20"), (Level::Progress, "terminating for 20s".to_owned()));
        assert_eq!(said(&going, "06:00:20"), (Level::Wrong, "terminating for 3h".to_owned()));
        let held = Pod { why: "waits for finalizers: a/b".into(), ..going };
        assert_eq!(said(&held, "03:00:20").1, "terminating for 20s; waits for finalizers: a/b");
        let lost = Pod { level: Level::Unknown, ..held };
        assert_eq!(said(&lost, "06:00:20").0, Level::Wrong);
        let stays = Pod { deleting_since: None, deleting_by: None, why: "x".into(), ..lost };
        assert_eq!(said(&stays, "06:00:20"), (Level::Unknown, "x".to_owned()));
    }
}
