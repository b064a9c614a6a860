//! The plan dialog: facts, what speaks against it, steps, and the field that confirms it; behind Tab all checks and the
//! full difference. After sending it shows the steps as they go. Leaving it sends nothing, and stops nothing.

mod asking;
mod pages;
mod prompt;
mod sent;

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::silence::SilenceForm;
use crate::{
    action::{
        Request, Risk,
        act::{Act, Outcome},
        beside,
        confirm::{Confirm, Phase, Pressed},
        plan::{Plan, Refusal},
    },
    app::Effect,
    command::{Command, ScreenId},
    keymap::Key,
    text::Clean,
    time::Now,
    ui::{
        Overlay, Reply, View,
        widgets::diff_view::{DiffLine, parse_unified},
    },
};

/// What of the plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Plan,
    Checks,
    Diff,
}

pub struct PlanDialog {
    ticket: u64,
    /// What is wanted now; plans of other requests come too late.
    request: Request,
    confirm: Confirm,
    page: Page,
    offset: usize,
    x: u16,
    /// Longest offset of the last frame.
    most: usize,
    /// Nobody scrolled: the step that goes on stays in sight.
    is_following: bool,
    /// Of the last frame: the act has ended, and `U` makes a plan to undo it.
    can_undo: bool,
    diff: Vec<DiffLine>,
    /// Number of the act, once it is under way.
    act: Option<u64>,
    /// When the evidence was asked for last, until it came.
    asked: Option<Instant>,
}

/// A plan that stands open is worked out anew this often.
const REREAD: Duration = Duration::from_secs(10);

impl PlanDialog {
    pub fn new(ticket: u64, request: Request, now: Now) -> Self {
        Self {
            ticket,
            request,
            confirm: Confirm::new(now),
            page: Page::Plan,
            offset: 0,
            x: 0,
            most: 0,
            is_following: true,
            can_undo: false,
            diff: Vec::new(),
            act: None,
            asked: None,
        }
    }

    fn show(&mut self, page: Page) -> Reply {
        (self.page, self.offset, self.x, self.is_following) = (page, 0, 0, true);
        Reply::Done
    }

    fn next_page(&mut self) -> Reply {
        match self.page {
            Page::Plan if self.confirm.plan().is_none() => Reply::Done,
            Page::Plan if self.confirm.next_field() => Reply::Done,
            Page::Plan => self.show(Page::Checks),
            Page::Checks if !self.diff.is_empty() => self.show(Page::Diff),
            Page::Checks | Page::Diff => self.show(Page::Plan),
        }
    }

    fn scroll_by(&mut self, lines: i64) -> Reply {
        self.is_following = false;
        let offset = i64::try_from(self.offset).unwrap_or(0) + lines;
        self.offset = usize::try_from(offset.max(0)).unwrap_or(0).min(self.most);
        Reply::Done
    }

    fn prepare(&mut self, view: &View<'_>) -> Reply {
        self.asked = Some(view.now.mono);
        let beside = beside(&self.request, view.acts.undone_by(&self.request), view.store, view.settings);
        Reply::Do(Effect::Prepare { ticket: self.ticket, request: self.request.clone(), beside })
    }

    /// The next revision that is not live to the right (older) or left (newer), as they stand.
    fn choose(&mut self, older: bool, view: &View<'_>) -> Reply {
        let (Request::RollBack { to, .. }, Some(plan)) = (&mut self.request, self.confirm.plan()) else {
            return Reply::Done;
        };
        if matches!(self.confirm.phase(), Phase::Rereading | Phase::Sent) {
            return Reply::Done;
        }
        let targets = plan.choices.iter().filter(|choice| !choice.is_live).map(|choice| choice.revision);
        let next = match (to.or(plan.chosen), older) {
            (None, _) => targets.max(),
            (Some(now), true) => targets.filter(|revision| *revision < now).max(),
            (Some(now), false) => targets.filter(|revision| *revision > now).min(),
        };
        let Some(next) = next else { return Reply::Done };
        *to = Some(next);
        self.confirm.again(view.now);
        self.offset = 0;
        self.prepare(view)
    }

    fn copy(&self) -> Reply {
        match self.confirm.plan() {
            Some(plan) if !plan.equivalent.is_empty() => {
                let lines: Vec<&str> = plan.equivalent.iter().map(Clean::as_str).collect();
                Reply::Do(Effect::Copy(Clean::own(lines.join("\n"))))
            }
            _ => Reply::Done,
        }
    }

    /// What is asked for can be changed: the form takes the place of its plan.
    fn edit(&self, view: &View<'_>) -> Reply {
        match &self.request {
            Request::Silence(draft) => {
                Reply::Many(vec![Reply::Close, Reply::Push(Box::new(SilenceForm::new(draft, view)))])
            }
            Request::Silences(_) => Reply::Say("these are sent as they are: s on one alone can be edited".into()),
            _ => Reply::Done,
        }
    }

    /// Letters are free for commands: no field takes them.
    fn has_no_field(&self) -> bool {
        self.confirm.plan().is_some_and(|plan| plan.blocked.is_some() || plan.risk == Risk::Reversible)
            || !matches!(self.confirm.phase(), Phase::Asking)
    }

    /// Keys of a page without a field.
    fn page_key(&mut self, key: KeyEvent) -> Reply {
        let page = 10;
        match key.code {
            KeyCode::Char('j') | KeyCode::Down => self.scroll_by(1),
            KeyCode::Char('k') | KeyCode::Up => self.scroll_by(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll_by(page),
            KeyCode::PageUp => self.scroll_by(-page),
            KeyCode::Char('g') | KeyCode::Home => self.scroll_by(i64::MIN / 2),
            KeyCode::Char('G') | KeyCode::End => self.scroll_by(i64::MAX / 2),
            KeyCode::Left => {
                self.x = self.x.saturating_sub(8);
                Reply::Done
            }
            KeyCode::Right => {
                self.x = self.x.saturating_add(8);
                Reply::Done
            }
            KeyCode::Char('p') => self.copy(),
            KeyCode::Char('q') => self.show(Page::Plan),
            _ => Reply::Done,
        }
    }

    /// Keys after sending, or where there is no plan. Enter is none of them: who presses it twice sees what was sent.
    fn idle_key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        let act = self.act.and_then(|number| view.acts.by_number.get(&number));
        match (key.code, self.confirm.phase()) {
            (KeyCode::Char('r'), Phase::Refused(_)) => {
                self.confirm.again(view.now);
                self.prepare(view)
            }
            (KeyCode::Char('U'), Phase::Sent) => match act {
                Some(act) if act.can_undo => {
                    Reply::Many(vec![Reply::Close, Reply::Ask(Request::Undo { act: act.number })])
                }
                _ => Reply::Done,
            },
            (KeyCode::Char('q'), Phase::Sent | Phase::Refused(_)) => Reply::Close,
            (KeyCode::Char('y'), _) => Reply::Done,
            _ => match view.keymap.command(Key::of(key), ScreenId::Now, None).and_then(Command::screen) {
                Some(screen) => self.leave_for(screen, act),
                None => self.page_key(key),
            },
        }
    }

    /// The key of a screen. It leads there once the act has ended; before, it may be a number that is typed twice.
    fn leave_for(&self, screen: ScreenId, act: Option<&Act>) -> Reply {
        match (self.confirm.phase(), act) {
            (Phase::Sent, Some(act)) if act.outcome != Outcome::Running => Reply::Go(screen, None),
            (Phase::Sent, _) => Reply::Say("esc leaves this first: what was sent goes on".into()),
            _ => Reply::Say("esc leaves this first: nothing was sent".into()),
        }
    }
}

impl Overlay for PlanDialog {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        match key.code {
            KeyCode::Esc if self.page != Page::Plan => return self.show(Page::Plan),
            KeyCode::Esc => return Reply::Close,
            KeyCode::Tab | KeyCode::BackTab => return self.next_page(),
            KeyCode::Enter if self.page != Page::Plan => return self.show(Page::Plan),
            // What is typed is for the field.
            KeyCode::Char('0'..='9') if self.page != Page::Plan && !self.has_no_field() => {
                self.show(Page::Plan);
            }
            _ if self.page != Page::Plan => return self.page_key(key),
            KeyCode::Left | KeyCode::Right => return self.choose(key.code == KeyCode::Right, view),
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => return self.page_key(key),
            KeyCode::Char('p') if self.has_no_field() => return self.copy(),
            KeyCode::Char('e') if self.has_no_field() && *self.confirm.phase() == Phase::Asking => {
                return self.edit(view);
            }
            _ => {}
        }
        if matches!(self.confirm.phase(), Phase::Sent | Phase::Refused(_)) {
            return self.idle_key(key, view);
        }
        match self.confirm.key(key, view.now) {
            Pressed::Reread => self.prepare(view),
            Pressed::Taken | Pressed::Ignored => Reply::Done,
        }
    }

    fn paste(&mut self, _text: &str) {
        self.confirm.paste();
    }

    fn asking(&self) -> Option<&Plan> {
        self.confirm.plan().filter(|_| *self.confirm.phase() == Phase::Asking)
    }

    fn ticket(&self) -> Option<u64> {
        Some(self.ticket)
    }

    fn planned(&mut self, request: &Request, result: Result<Box<Plan>, Refusal>, now: Now) -> Reply {
        if *request != self.request {
            return Reply::Ignored;
        }
        self.asked = None;
        let approved = self.confirm.planned(result.map(|plan| *plan), now);
        self.diff = self
            .confirm
            .plan()
            .and_then(|plan| plan.diff.as_ref())
            .map_or_else(Vec::new, |diff| parse_unified(&format!("diff --git\n{diff}")).split_off(1));
        match approved {
            Some(approved) => {
                self.show(Page::Plan);
                Reply::Do(Effect::Execute { ticket: self.ticket, approved: Box::new(approved) })
            }
            None => Reply::Done,
        }
    }

    fn tick(&mut self, view: &View<'_>) -> Reply {
        let is_due = self.confirm.read_at().is_some_and(|at| view.now.since(at) >= REREAD);
        if is_due && self.asked.is_none() { self.prepare(view) } else { Reply::Ignored }
    }

    fn started(&mut self, act: u64) {
        self.act = Some(act);
    }

    fn refused(&mut self, says: Clean) {
        self.confirm.refuse(says);
    }

    fn scroll(&mut self, lines: i32, _view: &View<'_>) -> Reply {
        self.scroll_by(i64::from(lines))
    }

    fn line(&self, _view: &View<'_>) -> Option<String> {
        let plan = self.confirm.plan()?;
        let lines: Vec<&str> = plan.equivalent.iter().map(Clean::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn copied(&self) -> Option<Clean> {
        self.confirm.plan().and_then(|plan| plan.equivalent.first().cloned())
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        pages::render(self, view, area, buf)
    }

    fn hints(&self) -> Vec<(String, String)> {
        pages::hints(self)
    }
}
