//! Which containers are read, and how: each with a connection of its own while there are enough of them; the rest share a
//! few in turn, so that every one is heard.

use std::{collections::HashSet, fmt::Write as _, sync::OnceLock};

use tokio::{sync::watch, task::JoinSet};

use super::{
    Following, StreamKey, Told, is_once,
    lines::Bounds,
    pods::{Instance, LogPod},
    stream::{First, Stream},
};
use crate::{
    model::kubernetes::ObjectKey,
    query::{LogTarget, PodFilter},
    text::Clean,
};

/// Streams that may wait for a turn; beyond it even a round would take minutes.
const MOST_IN_TURN: usize = 1_000;
/// Above the cap, one connection of so many is shared in turn.
const SHARED_OF: usize = 5;

/// Connections shared in turn, of so many.
pub fn shared(most: usize) -> usize {
    (most / SHARED_OF).max(1)
}

/// One container that is to be read.
struct Wanted {
    key: StreamKey,
    pod: ObjectKey,
    instance: Instance,
    /// Has a connection of its own already.
    is_followed: bool,
    /// Its place among its pod's.
    turn: usize,
}

impl Following<'_> {
    /// Starts, updates and ends streams, so that they are those of the pods.
    pub(super) fn choose(&mut self, tasks: &mut JoinSet<()>) {
        let mut wanted = self.all_wanted();
        if wanted.is_empty() {
            self.set_troubles.push(self.nothing_wanted());
        }
        // One container of each pod in turn, so that the connections do not all go to a few pods.
        wanted.sort_by_key(|one| (!one.is_followed, one.turn));
        self.wanted = wanted.len();
        let most = self.reader.most_streams(self.query);
        let followed = if is_once(self.query) || wanted.len() <= most { wanted.len() } else { most - shared(most) };
        if followed < wanted.len() {
            self.say_turns(followed, most);
            wanted.truncate(followed + MOST_IN_TURN);
        }
        let kept: HashSet<StreamKey> = wanted.iter().map(|one| one.key.clone()).collect();
        self.end_all_but(&kept);
        for (index, one) in wanted.into_iter().enumerate() {
            if let (None, Some(why)) = (&one.instance.id, &one.instance.waiting) {
                let says = format!("pod '{}': container '{}' has not started: {why}", one.pod.name, one.key.1);
                self.set_troubles.push(Clean::line(&says));
            }
            match self.running.get(&one.key) {
                Some(told) => {
                    tell(&told.instance, one.instance);
                    tell(&told.is_followed, index < followed);
                }
                None => self.start(one, index < followed, tasks),
            }
        }
    }

    fn end_all_but(&mut self, kept: &HashSet<StreamKey>) {
        let is_once = is_once(self.query);
        // Dropping what it is told tells a stream that its pod is gone: it reads to its end.
        for (key, told) in self.running.extract_if(.., |key, _| !kept.contains(key)) {
            // One whose pod is there, but no more of those asked for, is followed no longer.
            if !is_once && self.pods.get(&key.0).is_some_and(|pod| !self.choice.is_of(pod)) {
                told.task.abort();
                self.ended.insert(told.number);
                self.open.remove(&told.number);
                self.caught_up.remove(&told.number);
                self.troubles.retain(|(number, _)| *number != told.number);
            }
        }
    }

    fn all_wanted(&mut self) -> Vec<Wanted> {
        let mut pods: Vec<&LogPod> = self.pods.values().filter(|pod| self.choice.is_of(pod)).collect();
        // What is broken or new is what one opens a log for.
        pods.sort_by_key(|pod| (pod.is_ready, std::cmp::Reverse(pod.created)));
        let mut wanted = Vec::new();
        let mut containers = std::collections::BTreeSet::new();
        for pod in pods {
            containers.extend(pod.containers.iter().map(|container| (container.sort, container.name.clone())));
            for (turn, container) in self.choice.of(pod).into_iter().enumerate() {
                let key = (pod.uid.clone(), container.name.clone());
                if !self.running.contains_key(&key) && !self.choice.is_in_state(container) {
                    continue;
                }
                let is_followed = self.running.get(&key).is_some_and(|told| *told.is_followed.borrow());
                let (pod, instance) = (pod.key.clone(), container.instance.clone());
                wanted.push(Wanted { key, pod, instance, is_followed, turn });
            }
        }
        self.containers = containers.into_iter().collect();
        wanted
    }

    fn say_turns(&mut self, followed: usize, most: usize) {
        let in_turn = self.wanted - followed;
        let mut says = format!(
            "{} containers over {most} connections: {followed} are followed, {} are read in turn",
            self.wanted,
            in_turn.min(MOST_IN_TURN)
        );
        if in_turn > MOST_IN_TURN {
            let _ = write!(says, ", {} are not read", in_turn - MOST_IN_TURN);
        }
        self.set_troubles.push(Clean::own(says));
    }

    fn nothing_wanted(&self) -> Clean {
        Clean::line(&match (&self.query.containers.named, self.pods.len()) {
            (Some(container), 1..) => format!("no pod has a container '{container}'"),
            _ => match &self.query.target {
                LogTarget::Labels(labels) if labels.selector.is_empty() => format!("no pod has {}", self.query.pods),
                target if self.query.pods != PodFilter::default() => {
                    format!("'{target}' has no pod with {}", self.query.pods)
                }
                LogTarget::Pod(pod) => format!("pod '{}' is gone, and its logs with it", pod.name),
                LogTarget::Labels(labels) => format!("no pod has the labels '{}'", labels.selector),
                target => format!("'{target}' has no pods"),
            },
        })
    }

    fn start(&mut self, one: Wanted, is_followed: bool, tasks: &mut JoinSet<()>) {
        let number = self.numbers;
        self.numbers += 1;
        let query = self.query;
        // A pod that came while we look is read from its beginning; one that only now meets a condition is not new.
        let first = if self.settled && !is_once(query) && query.pods.condition.is_none() {
            First { follow: true, ..First::default() }
        } else {
            First {
                previous: query.previous,
                follow: !is_once(query),
                since_seconds: query.since_seconds,
                // The newest before the end are found by reading up to it.
                tail: query.tail.filter(|_| query.until.is_none()),
            }
        };
        let bounds = Bounds {
            until: query.until,
            most_bytes: query.most_bytes,
            newest: query.tail.filter(|_| query.until.is_some()).map(|lines| lines as usize),
            has_keys: query.has_keys,
            has_tabs: query.has_tabs,
        };
        // One that has not started has nothing to catch up with, and one that waits for its turn is not waited for.
        let is_waiting = one.instance.id.is_none() || !is_followed;
        self.caught_up.insert(number, is_waiting && !is_once(self.query));
        let (tell_instance, instance) = watch::channel(one.instance);
        let (tell_followed, followed) = watch::channel(is_followed);
        let stream = Stream {
            number,
            cluster: self.reader.cluster.clone(),
            pod: one.pod,
            container: one.key.1.clone(),
            first,
            keeps_all: query.keeps_all,
            bounds,
            asked: OnceLock::new(),
            instance,
            is_followed: followed,
            turns: self.turns.clone(),
            out: self.reports.clone(),
            room: self.room.clone(),
            dropped: self.dropped.clone(),
            limits: self.reader.limits,
            unanswered: self.unanswered,
            clock: self.reader.clock.clone(),
        };
        let task = tasks.spawn(stream.run());
        self.running.insert(one.key, Told { instance: tell_instance, is_followed: tell_followed, number, task });
    }
}

fn tell<T: PartialEq>(to: &watch::Sender<T>, value: T) {
    to.send_if_modified(|now| {
        let changed = *now != value;
        *now = value;
        changed
    });
}
