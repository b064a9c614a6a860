//! What time alone tells of a pod, and what a pod that has failed is good for.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{ContainerRole, ContainerState, Pod};
use crate::{
    model::{Level, Name},
    time::{age_of, seconds_between},
};

/// Seconds that a pod's containers may take to be created.
const CREATED_WITHIN: i64 = 60;

impl Pod {
    /// It has failed and stays until it is collected: its owner has made another in its place.
    pub fn is_record(&self) -> bool {
        self.has_failed && self.owner.is_some()
    }

    /// Whose it is, how bad it makes that one, and how often it was restarted.
    pub fn burden(&self) -> Option<(Name, Level, u32)> {
        let level = if self.is_record() { Level::Ok } else { self.level };
        Some((self.owner.as_ref()?.uid.clone(), level, self.restarts))
    }

    /// How bad it is at a moment, and why: no watch tells that it should have gone or begun by now.
    pub fn standing(&self, now: Timestamp) -> (Level, Cow<'_, str>) {
        let Some(since) = self.deleting_since else { return self.starting(now) };
        let is_late = self.deleting_by.is_some_and(|by| by < now);
        let level = if is_late { self.level.min(Level::Wrong) } else { self.level };
        let more = if self.why.is_empty() { String::new() } else { format!("; {}", self.why) };
        (level, Cow::Owned(format!("terminating for {}{more}", age_of(since, now))))
    }

    /// Events tell what keeps its containers from being created; where none is read or kept any more, time does.
    fn starting(&self, now: Timestamp) -> (Level, Cow<'_, str>) {
        match self.creating_since().filter(|since| seconds_between(*since, now) > CREATED_WITHIN) {
            Some(since) => (Level::Wrong, Cow::Owned(format!("creating for {}", age_of(since, now)))),
            None => (self.level, Cow::Borrowed(self.why.as_str())),
        }
    }

    /// Since when nothing of it goes on but that its main containers are made: since it is there, or the last init container
    /// has done its work. One that is held back by a gate waits by somebody's wish.
    fn creating_since(&self) -> Option<Timestamp> {
        let is_waiting =
            |state: &ContainerState| matches!(state, ContainerState::Waiting { .. } | ContainerState::Unknown);
        let is_creating = self.level == Level::Progress
            && self.status != "SchedulingGated"
            && self.containers.iter().any(|container| container.role == ContainerRole::Main)
            && self.containers.iter().all(|container| match (container.role, &container.state) {
                (ContainerRole::Main, state) => is_waiting(state),
                (ContainerRole::Init, state) => !matches!(state, ContainerState::Running { .. }),
                _ => true,
            });
        let ended = |state: &ContainerState| match state {
            ContainerState::Terminated(end) => end.finished,
            _ => None,
        };
        let ends = self.containers.iter().filter_map(|container| ended(&container.state));
        self.created.filter(|_| is_creating).map(|created| ends.fold(created, Timestamp::max))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{
            Level,
            kubernetes::{Container, ContainerRole, ContainerState, Pod},
        },
        ui::testing::{at, pod, running},
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

    #[test]
    fn a_pod_whose_containers_are_not_created_is_in_trouble_after_a_minute() {
        let waiting = |name: &str, role| Container {
            ready: false,
            role,
            state: ContainerState::Waiting { reason: "ContainerCreating".into(), message: "".into() },
            ..running(name)
        };
        let creating = Pod {
            level: Level::Progress,
            status: "ContainerCreating".into(),
            created: Some(at("03:00")),
            containers: Box::new([waiting("app", ContainerRole::Main), waiting("setup", ContainerRole::Init)]),
            ..pod("web-1", "a", None)
        };
        let said = |pod: &Pod, time: &str| {
            let (level, why) = pod.standing(at(time));
            (level, why.into_owned())
        };
        assert_eq!(said(&creating, "03:00:50"), (Level::Progress, String::new()));
        assert_eq!(said(&creating, "06:00:20"), (Level::Wrong, "creating for 3h".to_owned()));
        let gated = Pod { status: "SchedulingGated".into(), why: "held back".into(), ..creating.clone() };
        assert_eq!(said(&gated, "06:00:20"), (Level::Progress, "held back".to_owned()));
        let init = Container { role: ContainerRole::Init, ready: false, ..running("setup") };
        let setting_up = Pod { containers: Box::new([waiting("app", ContainerRole::Main), init]), ..creating };
        assert_eq!(said(&setting_up, "06:00:20").0, Level::Progress, "its init container is at it");
    }
}
