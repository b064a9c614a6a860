//! What a command does: first on the top overlay, then on the screen, then on the selected object by its kind.

use super::{App, Effect};
use crate::{
    action::{Request, SilenceDraft},
    command::{Command, ScreenId},
    model::{
        alert::Alert,
        kubernetes::{Workload, WorkloadKey},
    },
    query::{LogQuery, ObjectRef},
    store::timeline::deploys_of,
    text::Clean,
    time::Now,
    ui::{Reply, overlays, target::Target, widgets::text_input::TextInput},
};

impl App {
    /// Gives a command to whatever is on top, then to the selected object.
    pub fn run(&mut self, command: Command, now: Now) -> Vec<Effect> {
        self.dirty = true;
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
            return self.reply(reply, None, now);
        }
        if let Some(target) = self.selected(now) {
            let reply = self.on_target(command, &target, now);
            self.reply(reply, Some(&target), now)
        } else {
            if command.spec().scope != crate::command::Scope::Everywhere {
                self.toasts.say(Clean::own(format!("nothing is selected to {}", command.spec().hint)), now);
            }
            Vec::new()
        }
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
                self.prompt = Some(TextInput::new(&text));
                Reply::Done
            }
            Command::UndoLocal => {
                self.on_screen(now, |screen, view| screen.set_filter("", view));
                Reply::Done
            }
            Command::Palette => Reply::Push(overlays::palette(self.screen, self.selected(now))),
            Command::Help => Reply::Push(overlays::help(self.screen, self.selected(now))),
            Command::Actions => match self.selected(now) {
                Some(target) => Reply::Push(overlays::actions(self.screen, target)),
                None => Reply::Say("nothing is selected".into()),
            },
            Command::ActionLog => Reply::Push(overlays::errors()),
            Command::NextNeed => self.next_need(now),
            Command::Refresh => {
                Reply::Many(vec![Reply::Do(Effect::Refresh(Vec::new())), Reply::Say("asking every backend now".into())])
            }
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
            Command::Suspend => Reply::Do(Effect::Suspend),
            Command::EnableWriting => self.enable_writing(),
            Command::UndoAct => match self.acts.last_undoable() {
                Some(act) => Reply::Ask(Request::Undo { act: act.number }),
                None => Reply::Say("nothing to undo: no act of this session can be undone".into()),
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
            self.screen = ScreenId::Now;
            return true;
        }
        false
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
            Reply::Do(effect) => vec![effect],
            Reply::Ask(request) => self.ask(request, now),
            Reply::Go(screen, target) => {
                self.overlays.clear();
                self.zoomed &= self.screen == screen;
                self.screen = screen;
                self.synchronise(now);
                if let Some(target) = target {
                    self.on_screen(now, |screen, view| screen.reveal(&target, view));
                }
                Vec::new()
            }
            Reply::OpenLog(query) => {
                self.overlays.clear();
                self.open_log(query);
                Vec::new()
            }
            Reply::Push(overlay) => {
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

    /// The meaning of a command on an object, wherever it is shown.
    fn on_target(&mut self, command: Command, target: &Target, now: Now) -> Reply {
        match (command, target) {
            (Command::Watch, _) => {
                self.toggle_watched(target, now);
                Reply::Done
            }
            (Command::Browse | Command::CopyUrl, _) => match (self.url_of(target), command) {
                (None, _) => Reply::Say(Clean::own(format!("{target} has no address"))),
                (Some(url), Command::Browse) => Reply::Do(Effect::OpenUrl(url)),
                (Some(url), _) => Reply::Do(Effect::Copy(url)),
            },
            (Command::Copy, _) => Reply::Do(Effect::Copy(Clean::own(match target {
                Target::Pod(key) => key.name.to_string(),
                other => other.to_string(),
            }))),
            (Command::Why, _) => Reply::Push(overlays::why(target.clone())),
            (Command::Describe | Command::Events, _) => Reply::Push(overlays::describe(target.clone(), command)),
            (Command::Enter, _) => self.open(target),
            (Command::Login, Target::Backend(id)) => Reply::Do(Effect::Login(id.clone())),
            (_, Target::Pod(_) | Target::Workload(_)) => self.on_kube(command, target, now),
            (_, Target::Run(_) | Target::Job(_)) => self.on_run(command, target, now),
            (_, Target::PullRequest(key)) => self.on_pull_request(command, key),
            (_, Target::Alert(_)) => self.on_alert(command, target, now),
            (Command::ExpireSilence, Target::Silence(key)) => {
                Reply::Ask(Request::ExpireSilence { silence: key.clone() })
            }
            _ => Reply::Ignored,
        }
    }

    fn open(&self, target: &Target) -> Reply {
        match target {
            Target::Pod(_) | Target::Workload(_) => Reply::Go(ScreenId::Kube, Some(target.clone())),
            Target::Run(_) | Target::Job(_) => Reply::Go(ScreenId::Pipelines, Some(target.clone())),
            Target::PullRequest(_) => Reply::Go(ScreenId::PullRequests, Some(target.clone())),
            Target::Panel(_) => Reply::Go(ScreenId::Metrics, Some(target.clone())),
            Target::Alert(_) | Target::Silence(_) | Target::Backend(_) | Target::Act(_) => {
                Reply::Push(overlays::describe(target.clone(), Command::Describe))
            }
        }
    }

    fn on_kube(&self, command: Command, target: &Target, now: Now) -> Reply {
        let workload = self.workload_of(target, now);
        let need = |workload: Option<&Workload>, reply: &dyn Fn(WorkloadKey) -> Reply| match workload {
            Some(workload) => reply(workload.key.clone()),
            None => Reply::Say(Clean::own(format!(
                "{target} belongs to no Deployment, StatefulSet or DaemonSet that is watched"
            ))),
        };
        match command {
            Command::Logs | Command::PreviousLogs => {
                let object = match target {
                    Target::Pod(key) => ObjectRef::Pod(key.clone()),
                    Target::Workload(key) => ObjectRef::Workload(key.clone()),
                    _ => return Reply::Ignored,
                };
                Reply::OpenLog(log_query(object, command == Command::PreviousLogs))
            }
            Command::RollBack => need(workload, &|workload| Reply::Ask(Request::RollBack { workload, to: None })),
            Command::Restart => need(workload, &|workload| Reply::Ask(Request::Restart { workload })),
            Command::Scale => {
                need(workload, &|key| Reply::Push(overlays::scale(key, workload.map_or(0, |w| w.desired))))
            }
            Command::DiffRevisions => need(workload, &|workload| Reply::Push(overlays::revisions(workload))),
            _ => Reply::Ignored,
        }
    }

    /// The workload that a pod, run or alert is about.
    pub(super) fn workload_of(&self, target: &Target, now: Now) -> Option<&Workload> {
        overlays::workload_of(&self.view(now), target)
    }

    fn on_run(&self, command: Command, target: &Target, now: Now) -> Reply {
        let key = match target {
            Target::Run(key) => key,
            Target::Job(job) => &job.run,
            _ => return Reply::Ignored,
        };
        let Some(run) = self.store.runs.get(key) else { return Reply::Say("this run is no longer listed".into()) };
        match command {
            Command::Logs => Reply::Push(overlays::job_log(
                key.clone(),
                match target {
                    Target::Job(job) => Some(job.clone()),
                    _ => None,
                },
            )),
            Command::Rerun => Reply::Push(overlays::rerun(run)),
            Command::Cancel => Reply::Ask(Request::Cancel { run: key.clone(), attempt: run.attempt }),
            Command::RollBack => match self.workload_of(target, now) {
                Some(workload) => Reply::Ask(Request::RollBack { workload: workload.key.clone(), to: None }),
                None => Reply::Say("no workload is known that this run deploys: name it in a [[service]]".into()),
            },
            _ => Reply::Ignored,
        }
    }

    fn on_pull_request(&self, command: Command, key: &crate::model::code::PullRequestKey) -> Reply {
        let Some(pr) = self.store.pull_requests.get(key) else { return Reply::Say("it is no longer listed".into()) };
        match command {
            Command::DiffPr => Reply::Push(overlays::pull_request_diff(key.clone())),
            Command::Comment => Reply::Push(overlays::comment(pr, None)),
            Command::Approve => Reply::Ask(Request::Review {
                pull_request: key.clone(),
                head_sha: pr.head_sha.clone(),
                verdict: crate::action::Verdict::Approve,
                body: String::new(),
            }),
            Command::RequestChanges => Reply::Push(overlays::comment(pr, Some(crate::action::Verdict::RequestChanges))),
            Command::Merge => Reply::Push(overlays::merge(pr)),
            _ => Reply::Ignored,
        }
    }

    fn on_alert(&self, command: Command, target: &Target, now: Now) -> Reply {
        let Target::Alert(key) = target else { return Reply::Ignored };
        let Some(alert) = self.store.alerts.get(key) else { return Reply::Say("this alert is gone".into()) };
        let marked: Vec<_> = self
            .screens
            .get(self.screen)
            .marked()
            .into_iter()
            .filter_map(|target| if let Target::Alert(key) = target { Some(key) } else { None })
            .collect();
        match command {
            Command::Acknowledge if marked.is_empty() && alert.is_alone() => {
                Reply::Ask(Request::Silence(SilenceDraft::acknowledging(alert, &self.settings.me)))
            }
            Command::Acknowledge => {
                Reply::Ask(Request::Acknowledge { alerts: if marked.is_empty() { vec![key.clone()] } else { marked } })
            }
            Command::SilenceAlert => Reply::Push(overlays::silence(alert, &self.settings)),
            Command::RollBack => match self.workload_of(target, now) {
                Some(workload) if self.is_only_change(alert, workload) => {
                    Reply::Ask(Request::RollBack { workload: workload.key.clone(), to: None })
                }
                Some(workload) => Reply::Push(overlays::choose_rollback(alert, workload)),
                None => {
                    Reply::Say("no workload is known for this alert: select the workload itself, on screen 3".into())
                }
            },
            Command::Logs => match self.workload_of(target, now) {
                Some(workload) => Reply::OpenLog(log_query(ObjectRef::Workload(workload.key.clone()), false)),
                None => Reply::Say("no workload is known for this alert".into()),
            },
            _ => Reply::Ignored,
        }
    }

    /// Whether the alert's own workload was deployed shortly before it began, and no other workload was: then there is
    /// nothing to choose between. The plan still says what it would do, to what.
    fn is_only_change(&self, alert: &Alert, workload: &Workload) -> bool {
        const SHORTLY: i64 = 30 * 60;
        let Some(onset) = alert.active_since.or(alert.starts) else { return false };
        let before = |workload: &Workload| {
            deploys_of(&self.store, workload)
                .iter()
                .any(|deploy| (0..SHORTLY).contains(&crate::time::seconds_between(deploy.at, onset)))
        };
        before(workload) && !self.store.kube.workloads.values().any(|other| other.key != workload.key && before(other))
    }

    /// Where it can be seen in a browser.
    pub(super) fn url_of(&self, target: &Target) -> Option<Clean> {
        overlays::url_of(&self.store, target)
    }
}

/// Follow, from 15 minutes before now.
fn log_query(target: ObjectRef, previous: bool) -> LogQuery {
    LogQuery {
        target,
        container: None,
        previous,
        since_seconds: if previous { None } else { Some(15 * 60) },
        tail: if previous { Some(2_000) } else { None },
        follow: !previous,
    }
}
