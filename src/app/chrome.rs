//! What is around every screen: header, tabs, messages, filter line, footer.

mod header;
mod late;

use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{App, Drawn, links};
use crate::{
    action::act::Act,
    command::{Command, CommandSpec, Scope, ScreenId},
    model::{
        Level, Name,
        gitops::{Git, OwnerKey, Standing},
    },
    query::{Answer, Query},
    time::Now,
    ui::{
        overlays, screens,
        target::Target,
        theme::Mark,
        widgets::{
            cells::{put_centred, put_line, width},
            hints::{Hint, hints},
            tabs::{Tab, tabs},
            toast::{Toast, toasts},
        },
    },
};

/// Smallest terminal that gets screens; below it there is a plain list.
pub const MIN_SIZE: (u16, u16) = (60, 16);

/// Where the mouse may click, outside the screen itself.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    tabs: Vec<(Rect, usize)>,
    hints: Vec<(Rect, Command)>,
}

impl Hits {
    pub fn tab_at(&self, at: Position) -> Option<usize> {
        self.tabs.iter().find(|(area, _)| area.contains(at)).map(|(_, index)| *index)
    }

    pub fn command_at(&self, at: Position) -> Option<Command> {
        self.hints.iter().find(|(area, _)| area.contains(at)).map(|(_, command)| *command)
    }
}

/// Git says what an owner that is off runs: it may be switched on.
const AGREES: &str = "git agrees";

impl App {
    /// Draws everything. Returns the cursor's place and the terminal's title.
    pub(super) fn frame(&mut self, buf: &mut Buffer, now: Now) -> Drawn {
        let area = buf.area;
        let mut drawn = Drawn { title: self.title(), ..Drawn::default() };
        self.hits = Hits::default();
        if area.width < MIN_SIZE.0 || area.height < MIN_SIZE.1 {
            screens::plain_list(&self.view(now), area, buf);
            drawn.cursor = self.on_overlay(now, |overlay, view| overlay.render(view, area, buf)).flatten();
            self.messages(Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area }, buf);
            return drawn;
        }
        let row = |y: u16| Rect { x: area.x, y: area.y + y, width: area.width, height: 1 };
        self.header(row(0), buf, now);
        if let Some(words) = &self.settings.curtain {
            put_centred(buf, row(area.height / 2), &Line::styled(words.as_str(), self.theme.dim), "");
            return drawn;
        }
        self.tab_line(row(1), buf, now);
        let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
        let has_hints = u16::from(self.has_hints());
        if let Some(hint) = Some(()).filter(|()| has_hints > 0).and_then(|()| self.hint(now)) {
            self.hint_line(&hint, row(area.height - 2), buf);
        }
        let question = self.question();
        let body = Rect { height: body.height - has_hints - u16::from(question.is_some()), ..body };
        if let Some(question) = &question {
            put_line(buf, row(area.height - 2 - has_hints), question, self.theme.glyphs.ellipsis);
        }
        let id = self.screen;
        let (screens, overlays, view) = self.parts(now);
        screens.get_mut(id).render(&view, body, buf);
        let plan = overlays.iter().rposition(|overlay| overlay.ticket().is_some());
        for (index, overlay) in overlays.iter_mut().enumerate() {
            // A form waits out of sight below its plan.
            if overlay.asked().is_none() || plan.is_none_or(|plan| plan < index) {
                drawn.cursor = overlay.render(&view, body, buf);
            }
        }
        let footer = self.messages(row(area.height - 1), buf);
        match &self.prompt {
            Some(prompt) => {
                let (sign, hint) = self.screens.get(self.screen).filter_words();
                let sign = Line::styled(format!(" {sign}"), self.theme.key);
                put_line(buf, Rect { width: 2.min(footer.width), ..footer }, &sign, "");
                let field = Rect { x: footer.x + 2, width: footer.width.saturating_sub(2), ..footer };
                drawn.cursor = prompt.render(field, hint, &self.theme, buf);
            }
            None => self.footer(footer, buf, now),
        }
        drawn.links = links::visible(buf);
        drawn
    }

    /// The newest message stands where the keys do, so that it hides nothing that is read. Returns the room that is left;
    /// somebody who types keeps half.
    fn messages(&self, footer: Rect, buf: &mut Buffer) -> Rect {
        let Some(newest) = self.toasts.iter().last() else { return footer };
        let message = Toast { mark: Mark::Blank, text: newest, hint: "" };
        // Who stands in a dialog looks for its keys.
        let own = self.overlays.last().map(|overlay| overlay.hints()).unwrap_or_default();
        let keys: u16 = own.iter().map(|(key, word)| width(key) + width(word) + 3).sum();
        let typed = if self.prompt.is_some() { footer.width / 2 } else { keys.min(footer.width / 2) };
        let room = Rect { x: footer.x + typed, width: footer.width - typed, ..footer };
        let left = toasts(&[message], room, &self.theme, buf);
        Rect { width: typed + left.width, ..footer }
    }

    /// ` DEMO  the line`, apart from what is real.
    fn hint_line(&self, hint: &Line<'static>, area: Rect, buf: &mut Buffer) {
        let mut spans = vec![Span::raw(" "), Span::styled(" DEMO ", self.theme.harmless), Span::raw(" ")];
        spans.extend(hint.spans.iter().cloned());
        put_line(buf, area, &Line::from(spans), self.theme.glyphs.ellipsis);
    }

    fn title(&self) -> String {
        let needs = self.sync.summary.needs;
        let mode = if self.settings.is_demo { "midwatch demo" } else { "midwatch" };
        if needs == 0 { mode.to_owned() } else { format!("{mode} ({needs})") }
    }

    /// Name of an owner that is off, and how it stands; `None`: somebody else switched it on.
    fn suspension(&self, owner: &OwnerKey, act: &Act) -> Option<(Name, &'static str)> {
        let off = if owner.kind.is_flux() { "suspended" } else { "auto-sync off" };
        let how = match self.standing(owner) {
            Some((Standing { is_active: true, .. }, _)) => return None,
            // What was read while the act went on is of before it.
            Some((Standing { git: Git::Equal(_), .. }, at)) if act.ended.is_some_and(|ended| at > ended) => AGREES,
            _ => off,
        };
        Some((owner.name.clone(), how))
    }

    /// Where an owner stands, and when it was read.
    fn standing(&self, owner: &OwnerKey) -> Option<(&Standing, Timestamp)> {
        let slot = self.store.answers.get(&Query::Standing(owner.clone()))?;
        match slot.value.as_ref()? {
            Answer::Standing(standing) => Some((standing, slot.pulse.as_of?.1)),
            _ => None,
        }
    }

    /// What ends soon of what we log in with.
    fn endings(&self, now: Now) -> Vec<Span<'static>> {
        let of = |id| Some((id, self.store.backends.get(id)?.info.endings.as_ref()?));
        let ends = self.settings.backends.keys().filter_map(of).flat_map(|(id, endings)| {
            let time = self.store.time_of(id, now);
            endings.iter().filter_map(move |ending| {
                let level = ending.level(time)?;
                Some(Span::styled(format!("  {id}: {}", ending.words(time)), level_style(&self.theme, level)))
            })
        });
        ends.collect()
    }

    /// The same in few words, each backend once.
    fn endings_in_short(&self, now: Now) -> Vec<Span<'static>> {
        let of = |id| Some((id, self.store.backends.get(id)?.info.endings.as_ref()?));
        let ends = self.settings.backends.keys().filter_map(of).filter_map(|(id, endings)| {
            let time = self.store.time_of(id, now);
            let worst = endings.iter().filter_map(|ending| ending.level(time)).min()?;
            let soon = endings.iter().filter(|ending| ending.level(time).is_some());
            let words: Vec<String> = soon.map(|ending| ending.short(time)).collect();
            Some(Span::styled(format!("  {id}: {}", words.join(", ")), level_style(&self.theme, worst)))
        });
        ends.collect()
    }

    fn header_right(&self, width: u16, now: Now) -> Line<'_> {
        let theme = &self.theme;
        if self.settings.curtain.is_some() {
            return Line::default();
        }
        let mut spans = Vec::new();
        if self.is_frozen {
            spans.push(Span::styled(" FROZEN ", theme.wrong));
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(self.settings.me.to_string(), theme.text));
        let zone = self.settings.time_zone.clone().unwrap_or(jiff::tz::TimeZone::UTC);
        let time = self.store.time(now);
        let utc = time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%MZ").to_string();
        let local = time.to_zoned(zone).strftime("%H:%M").to_string();
        let clock = if utc.trim_end_matches('Z') == local || width < 100 { utc } else { format!("{utc} = {local}") };
        spans.push(Span::styled(format!("  {clock}"), theme.text));
        match &self.settings.read_only {
            Some(_) => spans.push(Span::styled("  READ-ONLY", theme.ok)),
            None => spans.push(Span::styled("  RW", theme.dim)),
        }
        let total = self.settings.backends.len();
        let up = self.settings.backends.keys().filter(|id| self.backend_freshness(id, now).is_live()).count();
        let style = if up == total { theme.dim } else { theme.stale };
        spans.push(Span::styled(format!("  {up}/{total} up"), style));
        Line::from(spans)
    }

    fn tab_line(&mut self, area: Rect, buf: &mut Buffer, now: Now) {
        let theme = &self.theme;
        let digits: Vec<String> = ScreenId::ALL.iter().map(|id| id.digit().to_string()).collect();
        let row: Vec<Tab<'_>> = ScreenId::ALL
            .iter()
            .zip(&digits)
            .zip(&self.sync.summary.badges)
            .map(|((id, digit), badge)| Tab {
                key: digit,
                title: id.title(),
                short: id.short(),
                badge: badge.as_ref().map(|(text, level)| Span::styled(text.as_str(), level_style(theme, *level))),
            })
            .collect();
        let right = self.beside_tabs(now);
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let selected = ScreenId::ALL.iter().position(|id| *id == self.screen).unwrap_or(0);
        self.hits.tabs = tabs(&row, selected, &right, inner, theme, buf);
    }

    fn footer(&mut self, area: Rect, buf: &mut Buffer, now: Now) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        if let Some(own) = self.overlays.last().map(|overlay| overlay.hints()).filter(|own| !own.is_empty()) {
            let row: Vec<Hint<'_>> =
                own.iter().map(|(key, word)| Hint { key, word, priority: 50, enabled: true }).collect();
            hints(&row, inner, &self.theme, buf);
            return;
        }
        let target = self.selected(now);
        let view = self.view(now);
        let is_meant = |command| target.as_ref().is_none_or(|target| !overlays::is_never_for(command, target));
        let is_refused =
            |spec: &CommandSpec| overlays::availability(spec, self.screen, target.as_ref(), &view).is_refused();
        // Most rows have no owner and no address: what never works is no hint.
        let has_it = |spec: &CommandSpec| match spec.id {
            Command::Owner => !is_refused(spec),
            Command::Browse => target.as_ref().is_some_and(|target| !self.links_here(target, now).is_empty()),
            _ => true,
        };
        let mut shown: Vec<_> = self
            .keymap
            .available(self.screen, target.as_ref().map(Target::kind))
            .filter(|(spec, _)| self.weight(spec) > 0 && is_meant(spec.id))
            .filter(|(spec, _)| has_it(spec))
            .map(|(spec, key)| (spec, key.to_string()))
            .collect();
        shown.sort_by_key(|(spec, _)| std::cmp::Reverse(self.weight(spec)));
        let enabled = |spec: &CommandSpec| match spec.scope {
            // What is refused on this row is grey; `x` says why. In read-only mode plans open all the same.
            Scope::On(_) => !is_refused(spec),
            _ => !(spec.writes && self.settings.read_only.is_some()),
        };
        let row: Vec<Hint<'_>> = shown
            .iter()
            .map(|(spec, key)| {
                let is_tab = spec.id == Command::NextPane && !self.overlays.is_empty();
                let word = if is_tab { "tabs" } else { spec.hint };
                Hint { key, word, priority: self.weight(spec), enabled: enabled(spec) }
            })
            .collect();
        let hit = hints(&row, inner, &self.theme, buf);
        self.hits.hints = hit.into_iter().map(|(area, index)| (area, shown[index].0.id)).collect();
    }

    /// How much a key is worth a place in the footer, here and now; 0: it has none.
    fn weight(&self, spec: &CommandSpec) -> u8 {
        let on_row =
            || self.overlays.last().and_then(|overlay| overlay.sheet()).is_some_and(|it| it.target().is_some());
        // The screen behind a page hears none of its own keys.
        if !self.overlays.is_empty() && matches!(spec.scope, Scope::Screen(_)) {
            return 0;
        }
        match (spec.id, self.screen, self.overlays.is_empty()) {
            // A page is left and leafed through; the row below it is not opened again.
            (Command::Back, _, false) => 59,
            (Command::Enter, _, false) if !on_row() => 0,
            (Command::NextPane, ScreenId::Kube, true) if !self.screens.kube.has_panes() => 0,
            (Command::Enter | Command::Why | Command::Copy, ScreenId::Audit, true)
                if self.acts.by_number.is_empty() =>
            {
                0
            }
            // The log has many keys of its own; those that lead out of it stay.
            (Command::NextPane, _, false) | (Command::Help, ScreenId::Logs, true) => 57,
            (Command::Filter, ScreenId::Logs, true) => 52,
            (Command::Palette, ScreenId::Logs, true) => 51,
            (Command::Describe | Command::Zoom, _, false) | (Command::Logs, ScreenId::Logs, true) => 0,
            _ => spec.weight,
        }
    }
}

/// The style of a level's words.
pub fn level_style(theme: &crate::ui::theme::Theme, level: Level) -> Style {
    match level {
        Level::Broken => theme.broken,
        Level::Wrong => theme.wrong,
        Level::Unknown => theme.stale,
        Level::Progress => theme.progress,
        Level::Ok => theme.ok,
    }
}
