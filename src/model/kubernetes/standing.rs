//! What time alone tells of a pod, and what a pod that has failed is good for.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::{Container, ContainerRole, ContainerState, Pod, Termination};
use crate::{
    model::{Level, Name},
    text::{counted, memory_text},
    time::{age_of, seconds_between},
};

/// Seconds that a pod's containers may take to be created.
const CREATED_WITHIN: i64 = 60;
/// For how long a kill for memory keeps a pod in trouble that runs again: what filled up may fill up once more.
const AFTER_OOM: SignedDuration = SignedDuration::from_mins(15);
/// For how long another bad end does.
const AFTER_CRASH: SignedDuration = SignedDuration::from_mins(5);

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

    /// How bad it is at a moment, and why: no watch tells that it should have gone or begun by now, or has run for long.
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
            None => self.recovering(now),
        }
    }

    /// What runs again was not mended by that.
    fn recovering(&self, now: Timestamp) -> (Level, Cow<'_, str>) {
        let Some((container, end, _)) = self.crash().filter(|(.., until)| now < *until) else {
            return (self.level, Cow::Borrowed(self.why.as_str()));
        };
        let is_alone = self.containers.iter().filter(|other| goes_on(other)).count() == 1;
        let who = if is_alone { String::new() } else { format!("'{}' ", container.name) };
        let ago = end.finished.map(|at| format!(" {} ago", age_of(at, now))).unwrap_or_default();
        let restarts = counted(container.restarts as usize, "restart");
        let why = if end.is_oom() {
            let limit = container.memory_limit.map(|limit| format!(", limit {}", memory_text(limit)));
            format!("{who}OOMKilled{ago}, {restarts}{}", limit.unwrap_or_default())
        } else {
            let how = end.signal.map_or_else(|| format!("exit {}", end.exit_code), |signal| format!("signal {signal}"));
            format!("{who}ended{ago}: {how}, {restarts}")
        };
        (Level::Wrong, Cow::Owned(why))
    }

    /// When a pod that runs again is no more in trouble for the end that came before. `None`: it is not, or its state is
    /// bad enough.
    pub fn recovers_at(&self) -> Option<Timestamp> {
        self.crash().map(|(.., until)| until)
    }

    /// The bad end that keeps it in trouble for longest, whose it was, and until when.
    fn crash(&self) -> Option<(&Container, &Termination, Timestamp)> {
        let is_up = self.level >= Level::Progress && self.deleting_since.is_none() && !self.is_record();
        let running = self.containers.iter().filter(|container| {
            is_up && goes_on(container) && matches!(container.state, ContainerState::Running { .. })
        });
        let ends = running.filter_map(|container| {
            let end = container.last.as_ref()?;
            let lasts = lasts(container, end)?;
            Some((container, end, end.finished?.checked_add(lasts).ok()?))
        });
        ends.max_by_key(|(.., until)| *until)
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

/// It runs for as long as the pod does.
const fn goes_on(container: &Container) -> bool {
    matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar)
}

/// For how long an end of this container keeps its pod in trouble, if it does. One that fails once may find what it needs
/// at its second start: only again and again is that trouble. Memory is not found so.
fn lasts(container: &Container, end: &Termination) -> Option<SignedDuration> {
    if end.is_oom() {
        return Some(AFTER_OOM);
    }
    let is_bad = end.exit_code != 0 || end.signal.is_some();
    (is_bad && container.restarts > 1).then_some(AFTER_CRASH)
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{
            Level,
            kubernetes::{Container, ContainerRole, ContainerState, Pod, Termination},
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

    /// A container that runs again after this end.
    fn again(restarts: u32, reason: &str, exit_code: i32) -> Container {
        let (started, finished) = (Some(at("02:50")), Some(at("03:00")));
        let end = Termination { reason: reason.into(), exit_code, signal: None, message: None, started, finished };
        Container { restarts, last: Some(end), memory_limit: Some(2 << 30), ..running("app") }
    }

    fn with(containers: impl Into<Box<[Container]>>) -> Pod {
        Pod { containers: containers.into(), why: "as it is".into(), ..pod("web-1", "a", None) }
    }

    #[test]
    fn a_pod_that_was_killed_for_memory_is_in_trouble_for_a_quarter_of_an_hour() {
        let said = |pod: &Pod, time: &str| {
            let (level, why) = pod.standing(at(time));
            (level, why.into_owned())
        };
        let killed = with([again(3, "OOMKilled", 137)]);
        let words = "OOMKilled 4m ago, 3 restarts, limit 2Gi";
        assert_eq!(said(&killed, "03:04"), (Level::Wrong, words.to_owned()));
        assert_eq!(said(&killed, "03:14:59").0, Level::Wrong);
        assert_eq!(said(&killed, "03:15"), (Level::Ok, "as it is".to_owned()));
        assert_eq!(killed.recovers_at(), Some(at("03:15")));
        let starting = Pod { level: Level::Progress, ..killed.clone() };
        assert_eq!(said(&starting, "03:04").0, Level::Wrong, "its probe has not passed: it was killed all the same");
        let beside = with([again(1, "OOMKilled", 137), running("proxy")]);
        assert_eq!(said(&beside, "03:04").1, "'app' OOMKilled 4m ago, 1 restart, limit 2Gi");
        for held in [
            Pod { level: Level::Broken, ..killed.clone() },
            Pod { deleting_since: Some(at("03:03")), ..killed.clone() },
            with([Container { role: ContainerRole::Init, ..again(3, "OOMKilled", 137) }]),
            with([running("app")]),
        ] {
            assert_eq!(held.recovers_at(), None, "{held:?}");
        }
    }

    #[test]
    fn a_pod_that_ends_badly_again_and_again_is_in_trouble_for_some_minutes() {
        let said = |pod: &Pod, time: &str| {
            let (level, why) = pod.standing(at(time));
            (level, why.into_owned())
        };
        let crashed = with([again(2, "Error", 1)]);
        assert_eq!(said(&crashed, "03:01"), (Level::Wrong, "ended 60s ago: exit 1, 2 restarts".to_owned()));
        assert_eq!(said(&crashed, "03:05").0, Level::Ok);
        assert_eq!(with([again(1, "Error", 1)]).recovers_at(), None, "it found at its second start what it needs");
        assert_eq!(with([again(8, "Completed", 0)]).recovers_at(), None, "it does its work and ends");
    }
}
