//! How many replicas.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    action::Request,
    model::kubernetes::{WorkloadKey, resource::Resource},
    query::{Answer, Query, TableQuery},
    text::Clean,
    ui::{
        Overlay, Reply, View,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
            text_input::TextInput,
        },
    },
};

/// More than this is a slip of a finger.
const MOST: u32 = 1_000;

pub struct Scale {
    workload: WorkloadKey,
    /// Replicas wanted when it was opened.
    current: u32,
    input: TextInput,
    asked: Option<Request>,
}

impl Scale {
    pub fn new(workload: WorkloadKey, current: u32) -> Self {
        Self { workload, current, input: TextInput::offered(&current.to_string()), asked: None }
    }

    /// The autoscalers beside it: one of them may set its own number.
    fn scalers(&self) -> Query {
        let WorkloadKey { cluster, namespace, .. } = self.workload.clone();
        Query::Table(TableQuery { cluster, resource: Resource::autoscalers(), namespaces: vec![namespace] })
    }

    /// `autoscaler 'search' keeps 4 to 9: ...`
    fn scaler(&self, view: &View<'_>) -> Option<String> {
        let Answer::Table(table) = view.store.answers.get(&self.scalers())?.value.as_ref()? else { return None };
        let column = |name: &str| table.columns.iter().position(|column| column.name == *name);
        let (reference, least, most) = (column("Reference")?, column("MinPods")?, column("MaxPods")?);
        let of = format!("{}/{}", self.workload.kind.kind(), self.workload.name);
        let mut rows = table.rows.iter().filter(|row| row.namespace == self.workload.namespace);
        let row = rows.find(|row| row.cells.get(reference).is_some_and(|cell| *cell == *of))?;
        let (least, most) = (row.cells.get(least)?, row.cells.get(most)?);
        Some(format!("autoscaler '{}' keeps {least} to {most}, and sets its own number", row.name))
    }

    fn step(&mut self, by: i64) {
        let now = self.input.text().parse::<i64>().unwrap_or(i64::from(self.current));
        self.input = TextInput::new(&(now + by).clamp(0, i64::from(MOST)).to_string());
    }

    fn enter(&mut self) -> Reply {
        match self.input.text().parse::<u32>() {
            Ok(replicas) if replicas == self.current => {
                Reply::Say(Clean::own(format!("{} has {replicas} already", self.workload)))
            }
            Ok(replicas) if replicas > MOST => Reply::Say(Clean::own(format!("'{replicas}' is more than {MOST}"))),
            Ok(replicas) => {
                let request = Request::Scale { workload: self.workload.clone(), replicas };
                self.asked = Some(request.clone());
                Reply::Ask(request)
            }
            Err(_) => Reply::Say(Clean::own(format!("'{}' is no number of replicas", self.input.text()))),
        }
    }
}

impl Overlay for Scale {
    fn owns_keys(&self) -> bool {
        true
    }

    fn asked(&self) -> Option<&Request> {
        self.asked.as_ref()
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        vec![self.scalers()]
    }

    fn key(&mut self, key: KeyEvent, _view: &View<'_>) -> Reply {
        match key.code {
            KeyCode::Esc => return Reply::Close,
            KeyCode::Enter => return self.enter(),
            KeyCode::Up => self.step(1),
            KeyCode::Down => self.step(-1),
            KeyCode::Char(letter) if !letter.is_ascii_digit() => {}
            _ => {
                self.input.handle(key);
            }
        }
        Reply::Done
    }

    fn paste(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            self.input = TextInput::new(text);
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let key = &self.workload;
        let prod = if view.settings.is_production(&key.cluster) { "PROD " } else { "" };
        let place = format!("{prod}{}/{}", key.cluster, key.namespace);
        let inside = dialog(Frame::new(theme, format!("SCALE {key}")).info(place), area, 64, 7, buf);
        let ready = view.store.kube.workloads.get(key).map_or_else(
            || "it is no longer listed".to_owned(),
            |workload| format!("now {} wanted, {} ready", workload.desired, workload.ready),
        );
        if let Some(spot) = row(inside, 0) {
            put_line(buf, spot, &Line::styled(ready, theme.text), theme.glyphs.ellipsis);
        }
        if let (Some(spot), Some(scaler)) = (row(inside, 1), self.scaler(view)) {
            put_line(buf, spot, &Line::styled(scaler, theme.wrong), theme.glyphs.ellipsis);
        }
        let field = row(inside, 2)?;
        let used = put_line(buf, field, &Line::styled("replicas  ", theme.dim), "");
        let spot = Rect { x: field.x + used, width: 6.min(field.width.saturating_sub(used)), ..field };
        let at = self.input.render(spot, "", theme, buf);
        let what = match self.input.text().parse::<u32>() {
            Ok(0) => Span::styled("0 stops it: nothing will serve", theme.broken),
            Ok(wanted) if wanted > self.current => Span::styled(format!("{} more", wanted - self.current), theme.text),
            Ok(wanted) if wanted < self.current => {
                Span::styled(format!("{} fewer", self.current - wanted), theme.wrong)
            }
            _ => Span::raw(""),
        };
        let rest = Rect { x: spot.right() + 2, width: field.right().saturating_sub(spot.right() + 2), ..field };
        put_line(buf, rest, &Line::from(what), theme.glyphs.ellipsis);
        at
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("0-9 up down", "number"), ("enter", "its plan"), ("esc", "nothing is sent")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }
}
