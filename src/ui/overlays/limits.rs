//! Other limits of a container: of one pod, in place, or of a workload's template.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    action::{
        Request,
        resources::{Limits, doubled},
    },
    model::{
        BackendId, Name,
        kubernetes::{Container, ContainerRole, ObjectKey, Pod, WorkloadKey},
    },
    query::{Answer, Query, UsageQuery},
    text::{Clean, memory_text},
    time::age_of,
    ui::{
        Overlay, Reply, View,
        widgets::{
            cells::{fit_end, put_line, row, width},
            dialog::dialog,
            frame::Frame,
            text_input::TextInput,
            wrap::wrapped,
        },
    },
};

/// Whose limits.
#[derive(Clone)]
pub enum Whose {
    /// This pod's, in place (`pods/resize`).
    Pod(ObjectKey),
    /// The template's: every pod is replaced.
    Template(WorkloadKey),
}

impl Whose {
    fn place(&self) -> (&BackendId, &Name) {
        match self {
            Self::Pod(pod) => (&pod.cluster, &pod.namespace),
            Self::Template(workload) => (&workload.cluster, &workload.namespace),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Pod(pod) => format!("pod/{}", pod.name),
            Self::Template(workload) => workload.to_string(),
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::Pod(_) => "this pod, in place: no other is touched",
            Self::Template(_) => "the template: every pod is replaced",
        }
    }
}

const LIMITS_OF: &str = "LIMITS OF ";

/// Columns of the border beside title and place.
const FRAMED: u16 = 9;

pub struct LimitsForm {
    /// One or two, the one that is chosen first.
    whose: Vec<Whose>,
    /// The workload's pods that are known.
    pods: Vec<ObjectKey>,
    /// Main containers of its pods, the one killed for want of memory first, with their limits in bytes.
    containers: Vec<(String, Option<u64>)>,
    /// Those that were killed for want of memory, and when last.
    killed: Vec<(String, Timestamp)>,
    chosen: usize,
    input: TextInput,
    asked: Option<Request>,
    /// Why what was written was not taken.
    said: Option<Clean>,
}

impl LimitsForm {
    /// `whose`: what may be chosen, at least one.
    pub fn new(whose: Vec<Whose>, pods: &[&Pod]) -> Self {
        let mut containers: Vec<(String, Option<u64>)> = Vec::new();
        let is_killed = |one: &&Container| one.last.as_ref().is_some_and(|last| *last.reason == *"OOMKilled");
        let all = || pods.iter().flat_map(|pod| &pod.containers).filter(|one| one.role == ContainerRole::Main);
        for one in all().filter(is_killed).chain(all()) {
            if !containers.iter().any(|(name, _)| *name == *one.name) {
                containers.push((one.name.to_string(), one.memory_limit));
            }
        }
        let killed = all()
            .filter(is_killed)
            .filter_map(|one| Some((one.name.to_string(), one.last.as_ref()?.finished?)))
            .collect();
        let pods = pods.iter().map(|pod| pod.key.clone()).collect();
        let input = TextInput::new("");
        let mut form = Self { whose, pods, containers, killed, chosen: 0, input, asked: None, said: None };
        form.propose();
        form
    }

    /// Twice the memory that it has.
    fn propose(&mut self) {
        let limit = self.containers.get(self.chosen).and_then(|(_, limit)| *limit);
        self.input = TextInput::offered(&limit.map(doubled).unwrap_or_default());
    }

    /// The pods that get other limits, as far as they are known.
    fn touched(&self) -> &[ObjectKey] {
        match self.whose.first() {
            Some(Whose::Pod(pod)) => std::slice::from_ref(pod),
            Some(Whose::Template(_)) => &self.pods,
            None => &[],
        }
    }

    fn usage(&self) -> Option<Query> {
        let ObjectKey { cluster, namespace, .. } = self.touched().first()?.clone();
        Some(Query::Usage(UsageQuery { cluster, namespace }))
    }

    /// Most memory that one of its pods uses, where one container alone uses it.
    fn used(&self, view: &View<'_>) -> Option<u64> {
        if self.containers.len() != 1 {
            return None;
        }
        let Answer::Usage(used) = view.store.answers.get(&self.usage()?)?.value.as_ref()? else { return None };
        let of = |pod: &ObjectKey| used.get(&(pod.namespace.clone(), pod.name.clone()));
        self.touched().iter().filter_map(of).map(|used| used.memory_bytes).max()
    }

    /// `2Gi`, `memory=2Gi cpu=500m`
    fn limits(&self) -> Result<Limits, String> {
        let Some((container, _)) = self.containers.get(self.chosen) else {
            return Err("none of its pods is known".to_owned());
        };
        let mut limits = Limits { container: container.clone(), memory: None, cpu: None };
        for word in self.input.text().split_whitespace() {
            match word.split_once('=').unwrap_or(("memory", word)) {
                ("memory", value) => limits.memory = Some(value.to_owned()),
                ("cpu", value) => limits.cpu = Some(value.to_owned()),
                (other, _) => return Err(format!("'{other}' is no limit: write memory=2Gi or cpu=500m")),
            }
        }
        if limits.memory.is_none() && limits.cpu.is_none() {
            return Err("write 2Gi, or cpu=500m".to_owned());
        }
        match limits.misread() {
            Some(why) => Err(why.to_string()),
            None => Ok(limits),
        }
    }

    fn enter(&mut self) -> Reply {
        match self.limits() {
            Ok(limits) => {
                let request = match self.whose.first().cloned() {
                    Some(Whose::Pod(pod)) => Request::Resize { pod, limits },
                    Some(Whose::Template(workload)) => Request::Limits { workload, limits },
                    None => return Reply::Close,
                };
                self.asked = Some(request.clone());
                Reply::Ask(request)
            }
            Err(why) => {
                self.said = Some(Clean::own(why));
                Reply::Done
            }
        }
    }
}

impl Overlay for LimitsForm {
    fn owns_keys(&self) -> bool {
        true
    }

    fn asked(&self) -> Option<&Request> {
        self.asked.as_ref()
    }

    /// The screen behind reads it only where it has a column for it.
    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        self.usage().into_iter().collect()
    }

    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        self.said = None;
        match key.code {
            KeyCode::Esc => return Reply::Close,
            KeyCode::Enter => return self.enter(),
            KeyCode::Char('t') if key.modifiers == KeyModifiers::CONTROL => self.whose.rotate_left(1),
            KeyCode::Tab | KeyCode::Down => {
                self.chosen = (self.chosen + 1) % self.containers.len().max(1);
                self.propose();
            }
            KeyCode::BackTab | KeyCode::Up => {
                self.chosen = self.chosen.checked_sub(1).unwrap_or(self.containers.len().saturating_sub(1));
                self.propose();
            }
            _ => {
                self.input.handle(key);
            }
        }
        Reply::Done
    }

    fn paste(&mut self, text: &str) {
        self.said = None;
        self.input = TextInput::new(text.trim());
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let (theme, whose) = (view.theme, self.whose.first()?);
        let (cluster, namespace) = whose.place();
        let prod = if view.settings.is_production(cluster) { "PROD " } else { "" };
        let place = format!("{prod}{cluster}/{namespace}");
        // Where there is no room for all of it, its end tells pods apart.
        let room = area.width.saturating_sub(width(&place) + width(LIMITS_OF) + FRAMED);
        let of = whose.title();
        let title = format!("{LIMITS_OF}{}", fit_end(&of, room, theme.glyphs.ellipsis));
        let wide = (width(&title) + width(&place) + FRAMED).max(76);
        // In the form: the footer has no room for its end, which says what can be written.
        let said =
            self.said.as_ref().map_or_else(Vec::new, |said| wrapped(said, wide.min(area.width).saturating_sub(4)));
        let height = 7 + (said.len() as u16).max(1);
        let inside = dialog(Frame::new(theme, title).info(place), area, wide, height, buf);
        let (name, limit) = self.containers.get(self.chosen).cloned().unwrap_or_default();
        let limit =
            limit.map_or_else(|| "no memory limit".to_owned(), |bytes| format!("memory limit {}", memory_text(bytes)));
        // What it uses at this moment is no peak: a kill tells that it was more.
        let used = self.used(view).map(|bytes| format!(", uses {} now", memory_text(bytes))).unwrap_or_default();
        let now = view.store.time_of(cluster, view.now);
        let killed = self.killed.iter().filter(|(killed, _)| *killed == name).map(|(_, at)| *at).max();
        let killed = killed.map(|at| format!("; OOMKilled {} ago", age_of(at, now))).unwrap_or_default();
        let others = match self.containers.len() {
            0 | 1 => String::new(),
            all => format!("   {} of {all}", self.chosen + 1),
        };
        let rows = [
            ("of", whose.words().to_owned()),
            ("container", format!("{name}{others}")),
            ("now", limit + &used + &killed),
        ];
        for (at, (label, text)) in (0..).zip(rows) {
            if let Some(spot) = row(inside, at) {
                let line =
                    Line::from(vec![Span::styled(format!("{label:<11}"), theme.dim), Span::styled(text, theme.text)]);
                put_line(buf, spot, &line, theme.glyphs.ellipsis);
            }
        }
        let field = row(inside, 4)?;
        let used = put_line(buf, field, &Line::styled("limits     ", theme.dim), "");
        let spot = Rect { x: field.x + used, width: field.width.saturating_sub(used), ..field };
        let takes = [(0, "           2Gi is memory; memory=2Gi cpu=500m for both", theme.dim)];
        let refused = said.iter().zip(0_u16..).map(|(line, index)| (index, line.as_str(), theme.wrong));
        let below = refused.chain(takes.into_iter().filter(|_| said.is_empty()));
        for (index, words, style) in below {
            if let Some(spot) = row(inside, 5 + index) {
                put_line(buf, spot, &Line::styled(words, style), theme.glyphs.ellipsis);
            }
        }
        self.input.render(spot, "2Gi   cpu=500m", theme, buf)
    }

    fn hints(&self) -> Vec<(String, String)> {
        let mut hints = vec![("enter", "its plan"), ("esc", "nothing is sent")];
        if self.containers.len() > 1 {
            hints.insert(0, ("tab", "next container"));
        }
        match self.whose.get(1) {
            Some(Whose::Pod(_)) => hints.insert(0, ("ctrl-t", "this pod alone")),
            Some(Whose::Template(_)) => hints.insert(0, ("ctrl-t", "the template")),
            None => {}
        }
        hints.into_iter().map(|(key, word)| (key.to_owned(), word.to_owned())).collect()
    }
}
