//! The confirm step: the only maker of an approved plan. It drops what was typed before the plan could be read, wants the
//! value that must have been read, and has the evidence read once more before anything is sent.

mod given;
#[cfg(test)]
mod tests;
mod typed;

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;

pub use given::{Given, at_once, given};

use self::typed::{confirmed_reason, confirmed_value};
use super::{
    Risk,
    plan::{Plan, Refusal},
};
use crate::{text::Clean, time::Now};

/// Quiet on the keyboard, after the plan is complete, before a key counts.
pub const QUIET: Duration = Duration::from_millis(400);
/// What is said while the plan that is shown grows old.
const UNREAD: &str = "these checks could not be read again";
/// Longest text taken in a field.
const LONGEST: usize = 300;

/// A confirmed plan. Only this module makes one, so skipping the confirm step does not compile.
#[derive(Debug)]
pub struct Approved {
    plan: Plan,
    reason: Option<String>,
}

impl Approved {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Asked for where a STOP stands.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// Where a confirm dialog is.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Evidence is being asked for.
    Gathering,
    Asking,
    /// Enter was pressed; the evidence is read once more.
    Rereading,
    Sent,
    /// There is no plan, and why.
    Refused(Clean),
}

/// What came of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Not a key of the confirm step.
    Ignored,
    Taken,
    /// Read the evidence once more; the answer decides.
    Reread,
}

/// Field that has the keys, where a name and a reason are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    #[default]
    Value,
    Reason,
}

/// The confirm state machine of one dialog.
#[derive(Debug)]
pub struct Confirm {
    phase: Phase,
    plan: Option<Plan>,
    /// Last moment at which a key came or the plan changed; quiet is counted from here.
    noise: Instant,
    is_armed: bool,
    dropped: bool,
    value: String,
    reason: String,
    field: Field,
    said: Option<Clean>,
    /// When Enter was pressed: older evidence does not count.
    entered: Timestamp,
    /// When the plan that is shown was worked out.
    read: Instant,
}

impl Confirm {
    pub fn new(now: Now) -> Self {
        Self {
            phase: Phase::Gathering,
            plan: None,
            noise: now.mono,
            is_armed: false,
            dropped: false,
            value: String::new(),
            reason: String::new(),
            field: Field::Value,
            said: None,
            entered: Timestamp::MIN,
            read: now.mono,
        }
    }

    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub fn field(&self) -> Field {
        self.field
    }

    /// Since when the plan's evidence grows old, while it is only looked at.
    pub fn read_at(&self) -> Option<Instant> {
        (self.phase == Phase::Asking).then_some(self.read)
    }

    /// What to tell the person, beside the plan.
    pub fn said(&self) -> Option<&Clean> {
        self.said.as_ref()
    }

    /// The plan is being made anew, for another target.
    pub fn again(&mut self, now: Now) {
        if matches!(self.phase, Phase::Asking | Phase::Gathering | Phase::Refused(_)) {
            self.phase = Phase::Gathering;
            self.disarm(now);
            self.said = None;
        }
    }

    fn disarm(&mut self, now: Now) {
        self.noise = now.mono;
        self.is_armed = false;
        self.value.clear();
        self.reason.clear();
        self.field = Field::Value;
    }

    /// A plan came. After Enter, an unchanged one is approved, once.
    pub fn planned(&mut self, result: Result<Plan, Refusal>, now: Now) -> Option<Approved> {
        self.read = now.mono;
        match (&self.phase, result) {
            (Phase::Sent, _) => None,
            // The plan stays to be read; after Enter it is read once more, and then a failure ends it.
            (Phase::Asking, Err(refusal)) => {
                self.said = Some(say!("{UNREAD}: {refusal}"));
                None
            }
            (_, Err(refusal)) => {
                self.phase = Phase::Refused(refusal.0);
                None
            }
            (Phase::Rereading, Ok(plan)) if plan.made >= self.entered => self.reread(plan, now),
            (Phase::Rereading, Ok(_)) => None,
            (Phase::Gathering | Phase::Refused(_), Ok(plan)) => {
                self.show(plan, now);
                None
            }
            (Phase::Asking, Ok(plan)) => {
                let moved = self.plan.as_ref().and_then(|shown| shown.moved_to(&plan));
                if moved.is_some() {
                    self.show(plan, now);
                    self.said = moved;
                } else {
                    self.plan = Some(plan);
                    // They were, now.
                    if self.said.as_ref().is_some_and(|said| said.starts_with(UNREAD)) {
                        self.said = None;
                    }
                }
                None
            }
        }
    }

    fn show(&mut self, plan: Plan, now: Now) {
        // A key just before counts as noise too: the burst is one.
        let noise = self.noise;
        self.disarm(now);
        self.noise = self.noise.max(noise);
        self.phase = Phase::Asking;
        self.said = self.dropped.then(|| Clean::from("keys typed before the plan was complete were dropped"));
        self.plan = Some(plan);
    }

    fn reread(&mut self, plan: Plan, now: Now) -> Option<Approved> {
        let moved = match &self.plan {
            Some(shown) => shown.moved_to(&plan),
            None => Some("there was no plan to confirm".into()),
        };
        let moved = moved.or_else(|| plan.blocked.clone());
        let moved = moved.or_else(|| plan.is_pending().then(|| "a check is pending again".into()));
        if moved.is_some() {
            self.show(plan, now);
            self.said = moved;
            return None;
        }
        self.phase = Phase::Sent;
        self.said = None;
        self.plan = Some(plan.clone());
        let reason = self.reason.trim();
        Some(Approved { plan, reason: (!reason.is_empty()).then(|| reason.to_owned()) })
    }

    /// The engine refused it before anything was sent.
    pub fn refuse(&mut self, says: Clean) {
        self.phase = Phase::Refused(says);
    }

    /// What was pasted never counts.
    pub fn paste(&mut self) {
        self.said = Some("paste is not taken here: type it".into());
    }

    /// Tab, where a name and a reason are asked for. False: there is no other field.
    pub fn next_field(&mut self) -> bool {
        let has_reason = self.plan.as_ref().is_some_and(|plan| plan.risk == Risk::Stopped && plan.blocked.is_none());
        if has_reason && self.field == Field::Value {
            self.field = Field::Reason;
            return true;
        }
        self.field = Field::Value;
        false
    }

    /// One key. Left, right, Tab and Esc are not its own.
    pub fn key(&mut self, key: KeyEvent, now: Now) -> Pressed {
        if matches!(key.code, KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right) {
            return Pressed::Ignored;
        }
        let is_ours = matches!(key.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Backspace);
        if !is_ours || key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return self.editing(key);
        }
        match self.phase {
            Phase::Gathering => {
                self.noise = now.mono;
                self.dropped = true;
                return Pressed::Taken;
            }
            Phase::Asking => {}
            Phase::Rereading | Phase::Sent | Phase::Refused(_) => return Pressed::Taken,
        }
        let Some(plan) = &self.plan else { return Pressed::Taken };
        if plan.is_pending() {
            self.noise = now.mono;
            self.said = Some("a check is still pending".into());
            return Pressed::Taken;
        }
        if !self.is_armed && now.since(self.noise) < QUIET {
            self.noise = now.mono;
            self.said = Some("keys typed before the plan was complete were dropped".into());
            return Pressed::Taken;
        }
        self.is_armed = true;
        if let Some(why) = &plan.blocked {
            self.said = Some(say!("not sent: {why}"));
            return Pressed::Taken;
        }
        match (plan.risk, key.code) {
            (Risk::Quiet | Risk::Reversible, KeyCode::Char('y')) => self.enter(now),
            (Risk::Quiet | Risk::Reversible, _) => {
                self.said = Some("y sends it, Esc leaves".into());
                Pressed::Taken
            }
            (Risk::Production, KeyCode::Enter) => match confirmed_value(plan, &self.value) {
                Ok(()) => self.enter(now),
                Err(says) => self.wrong(says),
            },
            (Risk::Stopped, KeyCode::Enter) => self.enter_stopped(now),
            (_, KeyCode::Char(typed)) => {
                self.said = None;
                let field = self.active();
                if field.len() < LONGEST && !typed.is_control() {
                    field.push(typed);
                }
                Pressed::Taken
            }
            (_, KeyCode::Backspace) => {
                self.active().pop();
                Pressed::Taken
            }
            _ => Pressed::Taken,
        }
    }

    /// `ctrl-u`, `ctrl-w`: no other chord is a key of a field.
    fn editing(&mut self, key: KeyEvent) -> Pressed {
        if key.modifiers == KeyModifiers::CONTROL && self.phase == Phase::Asking && self.is_armed {
            match key.code {
                KeyCode::Char('u') => self.active().clear(),
                KeyCode::Char('w') => {
                    let field = self.active();
                    let end = field.trim_end().rfind(' ').map_or(0, |at| at + 1);
                    field.truncate(end);
                }
                _ => return Pressed::Ignored,
            }
            return Pressed::Taken;
        }
        Pressed::Ignored
    }

    fn active(&mut self) -> &mut String {
        match self.field {
            Field::Value => &mut self.value,
            Field::Reason => &mut self.reason,
        }
    }

    fn wrong(&mut self, says: Clean) -> Pressed {
        self.value.clear();
        self.field = Field::Value;
        self.said = Some(says);
        Pressed::Taken
    }

    fn enter_stopped(&mut self, now: Now) -> Pressed {
        let Some(plan) = &self.plan else { return Pressed::Taken };
        if let Err(says) = confirmed_value(plan, &self.value) {
            return self.wrong(says);
        }
        if let Err(says) = confirmed_reason(&self.reason) {
            self.field = Field::Reason;
            self.said = Some(says);
            return Pressed::Taken;
        }
        self.enter(now)
    }

    fn enter(&mut self, now: Now) -> Pressed {
        self.phase = Phase::Rereading;
        self.entered = now.wall;
        self.said = None;
        Pressed::Reread
    }
}
