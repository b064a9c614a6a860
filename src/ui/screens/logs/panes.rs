//! Messages by version and two columns: how they open, and which of them has the keys.

use super::{Logs, beside::Beside, sieve::Sieve, versions::Versions};
use crate::{
    command::Command,
    model::log::LogLevel,
    query::LogTarget,
    secret::mask,
    store::logs::signatures::Message,
    text::Clean,
    ui::{Reply, View},
};

/// Shows only lines of this message, or no longer so. The message was counted in the whole log: what would hide its lines
/// makes way for it, and is said.
fn choose(sieve: &mut Sieve, message: Message) -> Option<String> {
    if sieve.message.as_ref() == Some(&message) {
        sieve.message = None;
        return None;
    }
    let mut gone = Vec::new();
    if let Some(least) = sieve.least.take_if(|least| message.level.unwrap_or(LogLevel::Info) < *least) {
        gone.push(format!("level >= {}", least.name()));
    }
    if !sieve.text().is_empty() {
        gone.push(format!("the filter: {}", mask(sieve.text())));
        sieve.set_text("");
    }
    sieve.message = Some(message);
    (!gone.is_empty()).then(|| format!("the message replaces {}", gone.join(" and ")))
}

impl Logs {
    /// `=`: opens the pane of messages by version, or closes it.
    pub(super) fn toggle_versions(&mut self, view: &View<'_>) -> Reply {
        let Some(tail) = self.tails.get_mut(self.current) else { return Reply::Ignored };
        tail.versions = if tail.versions.is_some() { None } else { Some(Versions::default()) };
        tail.sync(view);
        Reply::Done
    }

    /// `b`: old and new version side by side, or one after another.
    pub(super) fn toggle_beside(&mut self, view: &View<'_>) -> Reply {
        let Some(tail) = self.tails.get_mut(self.current) else { return Reply::Say("no log is open".into()) };
        if !matches!(tail.query.target, LogTarget::Workload(_)) {
            return Reply::Say("only the log of a workload has an old and a new version side by side".into());
        }
        tail.beside = if tail.beside.is_some() { None } else { Some(Beside::default()) };
        tail.sync(view);
        Reply::Done
    }

    /// Tab: through the columns, then the messages. False: there is but one pane.
    fn next_pane(&mut self, is_forward: bool) -> bool {
        let Some(tail) = self.tails.get_mut(self.current) else { return false };
        let columns = tail.columns().map(|beside| beside.focus);
        let lines = if columns.is_some() { 2 } else { 1 };
        let panes = lines + usize::from(tail.versions.is_some());
        let now = if tail.has_keys() { columns.unwrap_or(0) } else { lines };
        let next = (now + if is_forward { 1 } else { panes - 1 }) % panes;
        if let Some(versions) = &mut tail.versions {
            versions.is_focused = next == lines;
        }
        if columns.is_some() && next < lines {
            tail.focus(next);
        }
        panes > 1
    }

    /// What a command means where there are panes, or in the one of messages while it has the keys; `None`: nothing.
    pub(super) fn run_panes(&mut self, command: Command, view: &View<'_>) -> Option<Reply> {
        if matches!(command, Command::NextPane | Command::PreviousPane) {
            return self.next_pane(command == Command::NextPane).then_some(Reply::Done);
        }
        let tail = self.tails.get_mut(self.current)?;
        let versions = tail.versions.as_mut().filter(|versions| versions.is_focused)?;
        match command {
            Command::Enter => {
                let picked = versions.picked()?;
                if view.is_narrow() {
                    tail.versions = None;
                }
                let says = choose(&mut tail.sieve, picked);
                tail.resift(view);
                return Some(says.map_or(Reply::Done, |says| Reply::Say(Clean::own(says))));
            }
            _ if versions.navigate(command) => {}
            _ => return None,
        }
        Some(Reply::Done)
    }
}
