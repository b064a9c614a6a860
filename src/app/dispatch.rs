//! What a command does: first on the top overlay, then on the screen, then on the selected object by its kind.

mod objects;

use super::{App, Effect, TOO_SMALL};
use crate::{
    action::Request,
    command::{Command, Scope, ScreenId, select_first},
    model::BackendId,
    store::SourceState,
    text::Clean,
    time::Now,
    ui::{Reply, overlays, target::Target, widgets::text_input::TextInput},
};

impl App {
    /// Gives a command to whatever is on top, then to the selected object.
    pub fn run(&mut self, command: Command, now: Now) -> Vec<Effect> {
        self.dirty = true;
        // Neither is what would be typed, nor what comes of it.
        let is_typed = matches!(command, Command::Palette | Command::Filter);
        if self.is_too_small() && (is_typed || command.spec().scope != Scope::Everywhere) {
            return self.reply(Reply::Say(TOO_SMALL.into()), None, now);
        }
        if !self.overlays.is_empty() {
            let reply = self.on_overlay(now, |overlay, view| overlay.run(command, view)).unwrap_or(Reply::Ignored);
            return match (reply, command) {
                (Reply::Ignored, Command::Back | Command::Leave) => self.reply(Reply::Close, None, now),
                (Reply::Ignored, _) => self.everywhere_or_on(command, now),
                (reply, _) => self.reply(reply, None, now),
            };
        }
        let reply = self.on_screen(now, |screen, view| screen.run(command, view));
        match reply {
            Reply::Ignored => self.everywhere_or_on(command, now),
            reply => self.reply(reply, None, now),
        }
    }

    fn everywhere_or_on(&mut self, command: Command, now: Now) -> Vec<Effect> {
        if let Some(screen) = command.screen() {
            return self.reply(Reply::Go(screen, None), None, now);
        }
        if let Some(reply) = self.everywhere(command, now) {
            let (from, way) = (self.screen, self.opened_from.clone());
            let effects = self.reply(reply, None, now);
            if command == Command::SameTime && self.screen != from {
                self.opened_from = way;
                self.came_from(from);
            }
            return effects;
        }
        let selected = self.selected(now);
        if command == Command::Login && !matches!(selected, Some(Target::Backend(_))) {
            let reply = match self.login_wanted() {
                Some(backend) => Reply::Do(Effect::Login(backend)),
                None => Reply::Say("no backend asks for a login".into()),
            };
            return self.reply(reply, None, now);
        }
        if let Some(target) = selected {
            let reply = self.on_target(command, &target, now);
            self.reply(reply, Some(&target), now)
        } else {
            if let Scope::On(kinds) = command.spec().scope {
                self.toasts.say(Clean::own(select_first(kinds)), now);
            }
            Vec::new()
        }
    }

    /// The first backend that cannot be read for want of a login.
    pub(super) fn login_wanted(&self) -> Option<BackendId> {
        let failing = |state: &SourceState| state.pulse.failure.as_ref().is_some_and(|it| it.error.login.is_some());
        self.store.sources.iter().find(|(_, state)| failing(state)).map(|(id, _)| id.backend.clone())
    }

    /// Commands that need no object.
    fn everywhere(&mut self, command: Command, now: Now) -> Option<Reply> {
        Some(match command {
            Command::Quit => Reply::Do(Effect::Quit),
            Command::Back => {
                self.back(now);
                Reply::Done
            }
            Command::Leave => {
                if self.back(now) {
                    Reply::Done
                } else {
                    Reply::Push(overlays::quit())
                }
            }
            Command::Filter => {
                let text = self.on_screen(now, |screen, _| screen.filter());
                self.prompt = Some(TextInput::offered(&text));
                Reply::Done
            }
            Command::UndoLocal => {
                self.on_screen(now, |screen, view| screen.set_filter("", view));
                Reply::Done
            }
            Command::Palette => Reply::Push(overlays::palette(self.screen, self.selected(now))),
            Command::Help => Reply::Push(overlays::help(self.screen, self.selected(now))),
            Command::Actions => match self.selected(now) {
                Some(target) => {
                    let at = self.moment_of(Some(&target), now);
                    Reply::Push(overlays::actions(self.screen, target, at))
                }
                None => Reply::Say("nothing is selected".into()),
            },
            Command::ActionLog => Reply::Push(overlays::errors()),
            Command::NextNeed => self.next_need(now),
            Command::Refresh => {
                Reply::Many(vec![Reply::Do(Effect::Refresh(Vec::new())), Reply::Say("asking every backend now".into())])
            }
            Command::SameTime => self.same_time(now),
            Command::Freeze => {
                self.is_frozen = !self.is_frozen;
                Reply::Done
            }
            Command::Zoom => {
                self.zoomed = !self.zoomed;
                Reply::Done
            }
            Command::Mouse => {
                self.mouse = !self.mouse;
                let words = if self.mouse {
                    "the mouse is midwatch's"
                } else {
                    "the mouse is the terminal's: select text as usual"
                };
                Reply::Many(vec![Reply::Do(Effect::Mouse(self.mouse)), Reply::Say(words.into())])
            }
            Command::Theme => {
                self.look = self.look.next();
                self.theme = self.look.theme();
                Reply::Say(Clean::own(format!("theme: {:?}", self.look.choice).to_lowercase()))
            }
            Command::Production => match self.asked_about().cloned() {
                Some(cluster) => Reply::Push(overlays::production(cluster, now)),
                None => Reply::Say("no cluster is asked about; `:production yes|no` changes an answer".into()),
            },
            Command::CopyCommand => self.copy_command(now),
            Command::Suspend => Reply::Do(Effect::Suspend),
            Command::K9s => self.k9s(now),
            Command::LocalShell => self.local_shell(now),
            Command::Forwards => Reply::Push(overlays::forwards()),
            Command::EnableWriting => self.enable_writing(),
            Command::UndoAct => match self.acts.to_undo(self.selected(now).as_ref().and_then(Target::act)) {
                Ok(act) => Reply::Ask(Request::Undo { act: act.number }),
                Err(says) => Reply::Say(says),
            },
            Command::AllScopes => Reply::Line("ns all".to_owned()),
            Command::Copy => match self.copied(now) {
                Some(text) => Reply::Do(Effect::Copy(text)),
                None => return None,
            },
            _ => return None,
        })
    }

    fn copied(&mut self, now: Now) -> Option<Clean> {
        match self.overlays.last() {
            Some(overlay) => overlay.copied(),
            None => self.on_screen(now, |screen, view| screen.copied(view)),
        }
    }

    fn enable_writing(&mut self) -> Reply {
        if self.settings.may_enable_writing && self.settings.read_only.is_some() {
            self.settings.read_only = None;
            return Reply::Say("writing is on: every act still shows its plan first".into());
        }
        Reply::Say(match &self.settings.read_only {
            Some(why) => Clean::own(format!("read-only stays on: {why}")),
            None => "writing is on already".into(),
        })
    }

    /// One step back. False: at the root.
    fn back(&mut self, now: Now) -> bool {
        if self.toasts.clear() {
            return true;
        }
        if self.zoomed {
            self.zoomed = false;
            return true;
        }
        if !self.on_screen(now, |screen, _| screen.filter()).is_empty() {
            self.on_screen(now, |screen, view| screen.set_filter("", view));
            return true;
        }
        if matches!(self.on_screen(now, |screen, view| screen.run(Command::Back, view)), Reply::Done) {
            return true;
        }
        if self.screen != ScreenId::Now {
            self.screen = self.opened_from.pop().unwrap_or(ScreenId::Now);
            return true;
        }
        false
    }

    /// Esc leads back from it, once.
    pub(super) fn open_screen(&mut self, screen: ScreenId) {
        if self.screen != screen {
            let from = std::mem::replace(&mut self.screen, screen);
            self.came_from(from);
        }
    }

    /// The way that Esc goes back: to the charts and back again adds nothing to it.
    fn came_from(&mut self, from: ScreenId) {
        match self.opened_from.iter().position(|known| *known == self.screen) {
            Some(at) => self.opened_from.truncate(at),
            None => self.opened_from.push(from),
        }
    }

    fn next_need(&mut self, now: Now) -> Reply {
        let selected = self.selected(now);
        let needs = crate::ui::screens::needs(&self.view(now));
        let after = selected.and_then(|target| needs.iter().position(|need| *need == target)).map_or(0, |at| at + 1);
        match needs.get(after).or_else(|| needs.first()) {
            Some(target) => Reply::Go(ScreenId::Now, Some(target.clone())),
            None => Reply::Say("nothing needs you".into()),
        }
    }

    /// Carries out what a screen, overlay or object answered. `on`: the object it was about.
    pub(super) fn reply(&mut self, reply: Reply, on: Option<&Target>, now: Now) -> Vec<Effect> {
        self.dirty = true;
        match reply {
            Reply::Ignored | Reply::Done => Vec::new(),
            Reply::Do(effect) => {
                if let Effect::Execute { approved, .. } = &effect {
                    self.screens.triage.sent(&approved.plan().request, &self.store.alerts);
                }
                vec![effect]
            }
            Reply::Ask(request) => self.ask(request, now),
            Reply::Go(screen, target) => {
                self.overlays.clear();
                self.zoomed &= self.screen == screen;
                self.screen = screen;
                self.opened_from.clear();
                self.synchronise(now);
                if let Some(target) = target {
                    self.on_screen(now, |screen, view| screen.reveal(&target, view));
                }
                Vec::new()
            }
            Reply::Browse(kind, object) => {
                self.screens.kube.browse(&kind, object);
                self.changed(crate::store::Changes::ANSWERS);
                self.reply(Reply::Go(ScreenId::Kube, None), None, now)
            }
            Reply::OpenLog(query) => {
                self.overlays.clear();
                self.open_log(query);
                Vec::new()
            }
            Reply::Push(overlay) => {
                self.toasts.look_away();
                self.overlays.push(overlay);
                self.on_overlay(now, |overlay, view| overlay.sync(view, crate::store::Changes::ALL));
                Vec::new()
            }
            Reply::Close => {
                self.overlays.pop();
                Vec::new()
            }
            Reply::Say(text) => {
                self.toasts.say(text, now);
                Vec::new()
            }
            Reply::Run(command) => {
                let reply = match on {
                    Some(target) => Reply::RunOn(command, target.clone()),
                    None => return self.run(command, now),
                };
                self.reply(reply, on, now)
            }
            Reply::RunOn(command, target) => {
                let reply = self.on_target(command, &target, now);
                if matches!(reply, Reply::Ignored) {
                    self.run(command, now)
                } else {
                    self.reply(reply, Some(&target), now)
                }
            }
            Reply::Own(index, target) => {
                let target = target.or_else(|| self.selected(now));
                let reply = self.own(index, target.as_ref(), now);
                self.reply(reply, target.as_ref(), now)
            }
            Reply::HandOver(program) => {
                let reply = self.hand_over(program, now);
                self.reply(reply, on, now)
            }
            Reply::Variables(dashboard, values) => {
                self.screens.metrics.set_variables(dashboard, values);
                self.changed(crate::store::Changes::METRICS);
                Vec::new()
            }
            Reply::Line(line) => {
                let reply = self.line(&line, now);
                self.reply(reply, on, now)
            }
            Reply::Many(replies) => replies.into_iter().flat_map(|reply| self.reply(reply, on, now)).collect(),
        }
    }
}
