//! `=` What a rollback would change: the live pod template against another revision's, or any two against each other;
//! secrets masked.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use super::{
    equivalent,
    evidence::answer,
    sheet::{Sheet, Writer, diff_lines},
};
use crate::{
    action::{Request, readable},
    command::Command,
    model::kubernetes::{Revision, WorkloadKey, short_image},
    query::{Answer, Query},
    store::Changes,
    time::age_of,
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            diff_view::between,
            frame::Frame,
        },
    },
};

/// Unchanged lines around each change.
const CONTEXT: usize = 3;
/// Revisions listed above the difference at most.
const LISTED: usize = 8;

/// Picks a revision and shows what it would change.
pub struct Revisions {
    workload: WorkloadKey,
    /// Newest first.
    list: Vec<Revision>,
    chosen: usize,
    /// What it is held against, by number; `None`: the live one.
    against: Option<i64>,
    sheet: Sheet,
}

impl Revisions {
    pub fn new(workload: WorkloadKey) -> Self {
        Self { workload, list: Vec::new(), chosen: 0, against: None, sheet: Sheet::default() }
    }

    fn live(&self) -> Option<&Revision> {
        self.list.iter().find(|revision| revision.is_live)
    }

    /// What the chosen one is held against.
    fn base(&self) -> Option<&Revision> {
        let named = self.against.and_then(|number| self.list.iter().find(|revision| revision.number == number));
        named.or_else(|| self.live())
    }

    fn chosen(&self) -> Option<&Revision> {
        self.list.get(self.chosen)
    }

    fn fill(&mut self, view: &View<'_>) {
        let mut writer = Writer::new(view.theme);
        match answer(view, &Query::Revisions(self.workload.clone())) {
            Ok(Answer::Revisions(list)) => {
                let was = self.chosen().map(|revision| revision.number);
                self.list.clone_from(list);
                self.list.sort_by_key(|revision| std::cmp::Reverse(revision.number));
                let before_live = self.list.iter().position(|revision| !revision.is_live);
                self.chosen = was
                    .and_then(|number| self.list.iter().position(|revision| revision.number == number))
                    .or(before_live)
                    .unwrap_or(0);
                self.write(&mut writer);
            }
            Ok(_) => {}
            Err(error) => super::evidence::no_answer(&mut writer, error),
        }
        self.sheet.set(writer.done());
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let theme = writer.theme;
        let (Some(base), Some(chosen)) = (self.base(), self.chosen()) else {
            writer.styled("no revision is kept", theme.dim);
            return;
        };
        if base.number == chosen.number {
            let what =
                if base.is_live { "this is the live revision" } else { "this is what the others are held against" };
            writer.styled(format!("{what}: n and N choose another"), theme.dim);
            return;
        }
        let (old, new) = readable(&base.template, &chosen.template);
        let lines = between(&old, &new, CONTEXT);
        if lines.is_empty() {
            writer.styled("nothing differs", theme.dim);
        }
        writer.lines.extend(diff_lines(theme, &lines));
    }

    fn choose(&mut self, by: isize, view: &View<'_>) {
        let last = self.list.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
        self.sheet.rewind();
        self.fill(view);
    }

    /// Another one to hold it against; the chosen one itself is passed over.
    fn hold_against(&mut self, by: isize, view: &View<'_>) {
        let Some(base) = self.base().map(|base| base.number) else { return };
        let others: Vec<&Revision> =
            self.list.iter().enumerate().filter(|(at, _)| *at != self.chosen).map(|(_, r)| r).collect();
        let Some(last) = others.len().checked_sub(1) else { return };
        let at = others.iter().position(|revision| revision.number == base);
        let next = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        self.against = Some(others[next].number);
        self.sheet.rewind();
        self.fill(view);
    }

    fn picker(&self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let theme = view.theme;
        let now = view.store.time_of(&self.workload.cluster, view.now);
        let top = self.chosen.saturating_sub(usize::from(area.height).saturating_sub(1));
        for (index, revision) in self.list.iter().enumerate().skip(top) {
            let Some(spot) = row(area, (index - top) as u16) else { break };
            let images: Vec<&str> = revision.images.iter().map(|image| short_image(image)).collect();
            let age = revision.created.map(|at| age_of(at, now)).unwrap_or_default();
            let live = if revision.is_live { "live" } else { "" };
            let is_base = self.base().is_some_and(|base| base.number == revision.number);
            let by = revision.by.as_ref().map(|by| format!("by {by}  ")).unwrap_or_default();
            let cause = revision.change_cause.as_ref().map(ToString::to_string).unwrap_or_default();
            let line = Line::from(vec![
                Span::styled(
                    if is_base {
                        "- "
                    } else if index == self.chosen {
                        "+ "
                    } else {
                        "  "
                    },
                    theme.dim,
                ),
                Span::styled(format!("rev {:<5} ", revision.number), theme.strong),
                Span::styled(format!("{:28} ", images.join(", ")), theme.text),
                Span::styled(format!("{age:>6}  {}  ", revision.up()), theme.dim),
                Span::styled(format!("{live:5}"), theme.ok),
                Span::styled(by, theme.text),
                Span::styled(cause, theme.dim),
            ]);
            put_line(buf, spot, &line, theme.glyphs.ellipsis);
            if index == self.chosen {
                buf.set_style(spot, theme.selection_quiet);
            }
        }
    }
}

impl Overlay for Revisions {
    fn line(&self, view: &View<'_>) -> Option<String> {
        equivalent::line(Command::DiffRevisions, &Target::Workload(self.workload.clone()), view)
    }

    fn sheet(&self) -> Option<&Sheet> {
        Some(&self.sheet)
    }

    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        Some(&mut self.sheet)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        match command {
            Command::NextMatch | Command::NextPane if !self.sheet.is_finding() => self.choose(1, view),
            Command::PreviousMatch | Command::PreviousPane if !self.sheet.is_finding() => self.choose(-1, view),
            Command::SortNext => self.hold_against(1, view),
            Command::SortPrevious => self.hold_against(-1, view),
            Command::DiffRevisions => return Reply::Close,
            Command::Enter => {}
            // What is looked at is what is meant.
            Command::RollBack => {
                return match self.chosen().filter(|revision| !revision.is_live) {
                    Some(revision) => Reply::Many(vec![
                        Reply::Close,
                        Reply::Ask(Request::RollBack {
                            workload: self.workload.clone(),
                            to: Some(revision.number),
                            alert: None,
                        }),
                    ]),
                    None => Reply::Say("choose a revision that is not live".into()),
                };
            }
            command if self.sheet.run(command) => {}
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn sync(&mut self, view: &View<'_>, changes: Changes) {
        if changes.any(Changes::ANSWERS) {
            self.fill(view);
        }
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        vec![Query::Revisions(self.workload.clone())]
    }

    fn selected(&self) -> Option<Target> {
        Some(Target::Workload(self.workload.clone()))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let key = &self.workload;
        let prod = if view.settings.is_production(&key.cluster) { "PROD " } else { "" };
        let place = format!("{prod}{}/{}", key.cluster, key.namespace);
        let inside = dialog(
            Frame::new(view.theme, format!("REVISIONS {key}"))
                .info(place)
                .foot("n N choose   < > against which   R roll back to it"),
            area,
            area.width,
            area.height,
            buf,
        );
        let listed = (self.list.len().min(LISTED) as u16).min(inside.height / 3);
        self.picker(view, Rect { height: listed, ..inside }, buf);
        let mut rest = Rect { y: inside.y + listed, height: inside.height.saturating_sub(listed), ..inside };
        if let (Some(base), Some(chosen), Some(spot)) = (self.base(), self.chosen(), row(rest, 0))
            && chosen.number != base.number
        {
            let name =
                |revision: &Revision| format!("rev {}{}", revision.number, if revision.is_live { " live" } else { "" });
            // New to old, as what it is for is to go back.
            let key = view.keymap.shown(Command::RollBack).filter(|_| base.is_live);
            let what = key.map(|key| format!("{key} would change: ")).unwrap_or_default();
            let words = format!("{what}- {}   + {}", name(base), name(chosen));
            let rule = view.theme.glyphs.rule.repeat(usize::from(spot.width));
            put_line(buf, spot, &Line::styled(rule, view.theme.border), "");
            put_line(
                buf,
                Rect { x: spot.x + 2, width: spot.width.saturating_sub(2), ..spot },
                &Line::styled(format!(" {words} "), view.theme.dim),
                "",
            );
            rest = Rect { y: rest.y + 1, height: rest.height - 1, ..rest };
        }
        self.sheet.render(view, rest, buf)
    }
}
