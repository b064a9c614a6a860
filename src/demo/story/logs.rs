//! What containers write. Each source of lines has its own beat: the n-th line of a container is the same whoever asks.

use jiff::{SignedDuration, Timestamp};

use super::{ContainerRef, Story, chance, errors_of, style};
use crate::demo::scenario::{LogSpec, LogWhen, ServiceSpec, VersionSpec};

/// As much as a rotated log file holds.
const KEPT: SignedDuration = SignedDuration::from_mins(90);

/// One container instance whose lines are wanted.
struct Instance<'a> {
    story: &'a Story,
    index: usize,
    service: &'a ServiceSpec,
    version: &'a VersionSpec,
    of: &'a ContainerRef<'a>,
    base: u64,
    /// When it passes its readiness probe.
    ready: Option<Timestamp>,
    from: Timestamp,
    to: Timestamp,
    lines: Vec<(Timestamp, String)>,
}

pub(super) fn lines(
    story: &Story,
    of: &ContainerRef<'_>,
    ended: Option<Timestamp>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, String)> {
    let to = ended.map_or(to, |ended| to.min(ended));
    let from = from.max(of.started).max(to.saturating_sub(KEPT).unwrap_or(from));
    let Some((index, service, version)) = story.known(of) else { return Vec::new() };
    let unknown = VersionSpec::default();
    let behaviour = story.behaviour(of, of.started);
    let restart = of.restart.to_string();
    let mut instance = Instance {
        story,
        index,
        service,
        version: version.unwrap_or(&unknown),
        of,
        base: chance::hash(story.seed, &[of.pod, of.container, &restart]),
        ready: behaviour.ready_after.map(|after| later(of.started, after)),
        from,
        to,
        lines: Vec::new(),
    };
    instance.beginning();
    if behaviour.crash.is_some() {
        instance.crash(behaviour.crash.as_ref().map_or(0.0, |c| c.after));
    } else {
        instance.ordinary();
        for (number, spec) in instance.version.log.iter().enumerate() {
            instance.repeated(number, spec);
        }
    }
    let mut lines = instance.lines;
    lines.sort_by_key(|(at, _)| *at);
    lines
}

fn later(at: Timestamp, seconds: f64) -> Timestamp {
    at.saturating_add(SignedDuration::from_micros((seconds * 1e6) as i64)).unwrap_or(at)
}

impl Instance<'_> {
    fn push(&mut self, at: Timestamp, text: String) {
        if self.from <= at && at < self.to {
            self.lines.push((at, text));
        }
    }

    fn beginning(&mut self) {
        let (started, restarted) = (self.of.started, self.of.restart > 0);
        let tag = self.of.image.rsplit_once(':').map_or("", |(_, tag)| tag);
        if self.version.crash.as_ref().is_some_and(|c| !c.lead.is_empty()) && self.ready.is_none() {
            return;
        }
        for (after, line) in style::beginning(self.service.log_style, &self.service.name, tag, restarted, started) {
            self.push(later(started, after), line);
        }
    }

    fn crash(&mut self, after: f64) {
        let started = self.of.started;
        let Some(crash) = &self.version.crash else {
            let line = format!("exec {}: no such file or directory", self.service.name);
            return self.push(later(started, 0.1), line);
        };
        for lead in &crash.lead {
            self.push(later(started, lead.after.as_secs()), lead.line.clone());
        }
        if !crash.log.is_empty() {
            self.push(later(started, after - 0.05), crash.log.clone());
        }
    }

    /// Requests served, or whatever a program without requests says while it works.
    fn ordinary(&mut self) {
        let Some(ready) = self.ready else { return };
        let period = if self.service.requests > 0.0 { 0.7 } else { 2.6 };
        let base = self.base;
        for (at, number) in self.beat(base, period) {
            if at < ready {
                continue;
            }
            let ready_for = at.duration_since(ready).as_secs_f64();
            let errors = errors_of(self.version, ready_for) + self.story.disturbance(self.service, at).1;
            let failed = chance::unit_at(base ^ 0xfa11, number) * 100.0 < errors;
            let line = style::Ordinary { at, draw: chance::mix(base ^ chance::mix(number as u64)), failed }
                .line(self.service.log_style, self.service);
            self.push(at, line);
        }
    }

    fn repeated(&mut self, number: usize, spec: &LogSpec) {
        let Some(ready) = self.ready else { return };
        let base = self.base ^ chance::mix(number as u64 + 1);
        for (at, beat) in self.beat(base, spec.every.as_secs().max(0.05)) {
            let ready_for = at.duration_since(ready).as_secs_f64();
            let said = ready_for >= 0.0
                && match spec.when {
                    LogWhen::Ready => true,
                    LogWhen::Failing => super::grown(self.version, ready_for) > chance::unit_at(base ^ 0x5a1d, beat),
                    LogWhen::Starved => self.story.starved(self.index, at),
                };
            if !said {
                continue;
            }
            let draw = chance::mix(base ^ chance::mix(beat as u64));
            let head = style::filled(&spec.text, draw);
            self.push(at, style::said(self.service.log_style, at, &spec.level, &head, draw));
            for (row, more) in spec.more.iter().enumerate() {
                let moment = later(at, 0.000_1 * (row + 1) as f64);
                self.push(moment, style::filled(more, draw));
            }
        }
    }

    /// Times and numbers of a beat's lines within the window.
    fn beat(&self, base: u64, period: f64) -> Vec<(Timestamp, i64)> {
        let since = |at: Timestamp| at.duration_since(self.of.started).as_secs_f64() / period;
        let first = (since(self.from).floor() as i64 - 1).max(0);
        let last = since(self.to).ceil() as i64;
        let mut beats = Vec::new();
        for number in first..=last {
            let at = later(self.of.started, (number as f64 + chance::unit_at(base, number)) * period);
            if self.from <= at && at < self.to {
                beats.push((at, number));
            }
        }
        beats
    }
}
