//! A page about one object, in tabs, or about midwatch itself: text that is read, searched and copied.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use super::{
    describe, equivalent, errors, events,
    object::name_of,
    sheet::{Sheet, SheetLine},
    why, yaml,
};
use crate::{
    command::Command,
    query::{ObjectRef, Query},
    store::Changes,
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
        },
    },
};

/// One tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Describe,
    Yaml,
    Events,
    Revisions,
    Why,
    Errors,
}

impl Tab {
    fn title(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Yaml => "yaml",
            Self::Events => "events",
            Self::Revisions => "revisions",
            Self::Why => "why",
            Self::Errors => "acts and errors",
        }
    }
}

/// The page.
pub struct Page {
    target: Option<Target>,
    tabs: Vec<Tab>,
    at: usize,
    /// YAML tab: with managedFields.
    is_managed: bool,
    /// There it names nobody who set a field.
    is_anonymous: bool,
    sheet: Sheet,
    title: String,
}

impl Page {
    fn new(target: Option<Target>, tabs: Vec<Tab>, first: Tab) -> Self {
        let at = tabs.iter().position(|tab| *tab == first).unwrap_or(0);
        let mut page = Self {
            target,
            tabs,
            at,
            is_managed: false,
            is_anonymous: false,
            sheet: Sheet::wrapped(),
            title: String::new(),
        };
        page.sheet.wrap = page.tab() != Tab::Yaml;
        page
    }

    pub fn errors() -> Self {
        Self::new(None, vec![Tab::Errors], Tab::Errors)
    }

    pub fn why(target: Target) -> Self {
        Self::new(Some(target), vec![Tab::Why], Tab::Why)
    }

    /// `command`: `Command::Events` opens at the events, `Command::ManagedFields` at the whole YAML.
    pub fn describe(target: Target, command: Command) -> Self {
        let tabs = match target {
            Target::Workload(_) => vec![Tab::Describe, Tab::Yaml, Tab::Events, Tab::Revisions],
            Target::Pod(_) | Target::Object(_) => vec![Tab::Describe, Tab::Yaml, Tab::Events],
            _ => vec![Tab::Describe],
        };
        let first = match command {
            Command::Events => Tab::Events,
            Command::ManagedFields => Tab::Yaml,
            _ => Tab::Describe,
        };
        Self { is_managed: command == Command::ManagedFields, ..Self::new(Some(target), tabs, first) }
    }

    fn tab(&self) -> Tab {
        self.tabs[self.at]
    }

    fn show(&mut self, at: usize, view: &View<'_>) {
        if at != self.at {
            self.at = at;
            self.sheet.rewind();
            self.sheet.wrap = self.tab() != Tab::Yaml;
        }
        self.fill(view);
    }

    fn show_tab(&mut self, tab: Tab, view: &View<'_>) -> bool {
        let Some(at) = self.tabs.iter().position(|known| *known == tab) else { return false };
        self.show(at, view);
        true
    }

    /// To the YAML with managedFields; there, with them or without.
    fn fold(&mut self, view: &View<'_>) -> bool {
        self.is_managed = self.tab() != Tab::Yaml || !self.is_managed;
        self.show_tab(Tab::Yaml, view)
    }

    fn fill(&mut self, view: &View<'_>) {
        let lines: Vec<SheetLine> = match (self.tab(), &self.target) {
            (Tab::Errors, _) | (_, None) => errors::lines(view),
            (Tab::Why, Some(target)) => why::lines(view, target),
            (Tab::Describe, Some(target)) => describe::lines(view, target),
            (Tab::Yaml, Some(target)) => yaml::lines(view, target, self.is_managed),
            (Tab::Events, Some(target)) => events::lines(view, target),
            (Tab::Revisions, Some(target)) => describe::revisions(view, target),
        };
        self.is_anonymous = self.is_managed && self.tab() == Tab::Yaml && yaml::names_nobody(&lines);
        self.sheet.set(lines);
        self.title = match (&self.target, self.tab()) {
            (None, _) => "ACTS AND ERRORS".to_owned(),
            (Some(target), Tab::Why) => format!("WHY {}", name_of(view, target)),
            (Some(target), _) => name_of(view, target),
        };
    }
}

/// What is asked for an object's description.
pub fn describe_query(target: &Target) -> Option<Query> {
    match target {
        Target::Object(key) => Some(Query::DescribeAny(key.clone())),
        _ => object(target).map(Query::Describe),
    }
}

/// What is asked for an object's YAML.
pub fn yaml_query(target: &Target, is_managed: bool) -> Option<Query> {
    match (target, is_managed) {
        (Target::Object(key), false) => Some(Query::YamlAny(key.clone())),
        (Target::Object(key), true) => Some(Query::ManagedYamlAny(key.clone())),
        (_, false) => object(target).map(Query::Yaml),
        (_, true) => object(target).map(Query::ManagedYaml),
    }
}

fn object(target: &Target) -> Option<ObjectRef> {
    match target {
        Target::Pod(key) => Some(ObjectRef::Pod(key.clone())),
        Target::Workload(key) => Some(ObjectRef::Workload(key.clone())),
        _ => None,
    }
}

impl Overlay for Page {
    fn sheet(&self) -> Option<&Sheet> {
        Some(&self.sheet)
    }

    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        Some(&mut self.sheet)
    }

    fn run(&mut self, command: Command, view: &View<'_>) -> Reply {
        if self.sheet.run(command) {
            return Reply::Done;
        }
        let count = self.tabs.len();
        match command {
            Command::NextPane => self.show((self.at + 1) % count, view),
            Command::PreviousPane => self.show((self.at + count - 1) % count, view),
            Command::Enter if self.sheet.target().is_none() => {}
            Command::Why if self.tab() == Tab::Why && self.sheet.target().is_none() => return Reply::Close,
            Command::ActionLog if self.tab() == Tab::Errors => return Reply::Close,
            Command::Describe if self.sheet.target().is_none() && self.show_tab(Tab::Describe, view) => {}
            Command::Events if self.sheet.target().is_none() && self.show_tab(Tab::Events, view) => {}
            Command::ManagedFields if self.sheet.target().is_none() && self.fold(view) => {}
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        self.fill(view);
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        let Some(target) = &self.target else { return Vec::new() };
        match (self.tab(), target) {
            (Tab::Describe | Tab::Events, Target::Pod(_) | Target::Workload(_) | Target::Object(_)) => {
                describe_query(target).into_iter().collect()
            }
            (Tab::Yaml, _) => yaml_query(target, self.is_managed).into_iter().collect(),
            (Tab::Revisions, Target::Workload(key)) => vec![Query::Revisions(key.clone())],
            (Tab::Describe | Tab::Why, Target::Run(key)) => vec![Query::Jobs(key.clone())],
            (Tab::Describe | Tab::Why, Target::Job(key)) => vec![Query::Jobs(key.run.clone())],
            (Tab::Describe | Tab::Why, Target::PullRequest(key)) => vec![Query::PullRequest(key.clone())],
            (Tab::Describe | Tab::Why, Target::Panel(key)) => vec![describe::panel_query(key)],
            _ => Vec::new(),
        }
    }

    fn line(&self, view: &View<'_>) -> Option<String> {
        let target = self.target.as_ref()?;
        let command = match self.tab() {
            Tab::Describe => Command::Describe,
            Tab::Yaml if self.is_managed => Command::ManagedFields,
            Tab::Yaml => Command::Enter,
            Tab::Events => Command::Events,
            Tab::Revisions => Command::DiffRevisions,
            Tab::Why | Tab::Errors => return None,
        };
        equivalent::line(command, target, view)
    }

    fn selected(&self) -> Option<Target> {
        self.sheet.target().or(self.target.as_ref()).cloned()
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let info = self.target.as_ref().and_then(|target| place(view, target)).unwrap_or_default();
        let key = view.keymap.shown(Command::ManagedFields).filter(|_| self.tab() == Tab::Yaml);
        let fold = key.map(|key| match (self.is_managed, self.is_anonymous) {
            (false, _) => format!("{key} shows who set which field   "),
            (true, false) => format!("{key} hides who set which field   "),
            (true, true) => "it names nobody who set a field   ".to_owned(),
        });
        let fold = fold.unwrap_or_default();
        let foot = format!("{fold}{}/{}", self.sheet.cursor() + 1, self.sheet.len().max(1));
        let frame = Frame::new(theme, self.title.clone()).info(info).foot(foot);
        let mut inside = dialog(frame, area, area.width, area.height, buf);
        if self.tabs.len() > 1
            && let Some(spot) = row(inside, 0)
        {
            let mut spans = Vec::new();
            for (index, tab) in self.tabs.iter().enumerate() {
                let (open, close, style) =
                    if index == self.at { ("[", "]", theme.strong) } else { (" ", " ", theme.dim) };
                spans.push(Span::styled(open, theme.accent));
                spans.push(Span::styled(tab.title(), style));
                spans.push(Span::styled(format!("{close} "), theme.accent));
            }
            put_line(buf, spot, &Line::from(spans), theme.glyphs.ellipsis);
            inside = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
        }
        self.sheet.render(view, inside, buf)
    }
}

/// Where the object lives: `PROD prod-eu1/shop`.
pub fn place(view: &View<'_>, target: &Target) -> Option<String> {
    let prod = |cluster| if view.settings.is_production(cluster) { "PROD " } else { "" };
    Some(match target {
        Target::Pod(key) => format!("{}{}/{}", prod(&key.cluster), key.cluster, key.namespace),
        Target::Workload(key) => format!("{}{}/{}", prod(&key.cluster), key.cluster, key.namespace),
        Target::Object(key) if !key.resource.is_namespaced => format!("{}{}", prod(&key.cluster), key.cluster),
        Target::Object(key) => format!("{}{}/{}", prod(&key.cluster), key.cluster, key.namespace),
        Target::Run(key) => key.repo.name.to_string(),
        Target::Job(key) => key.run.repo.name.to_string(),
        Target::PullRequest(key) => key.repo.name.to_string(),
        other => other.backend()?.to_string(),
    })
}
