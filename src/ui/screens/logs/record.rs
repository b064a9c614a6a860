//! One log line in full: where it comes from, its fields one below the other, and the lines that continue it.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    command::Command,
    model::log::LogLine,
    secret::mask,
    source::kubernetes::log_line::readable,
    text::Clean,
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{
            cells::clear,
            frame::Frame,
            log_view::{Anchor, LogLine as Shown, LogView},
        },
    },
};

pub(super) struct Record {
    target: Target,
    fields: Vec<(&'static str, String)>,
    text: Vec<String>,
    top: usize,
}

impl Record {
    /// `lines`: the line and those that continue it.
    pub(super) fn new(lines: &[&LogLine], view: &View<'_>) -> Option<Self> {
        let head = lines.first()?;
        let origin = &head.origin;
        let mut fields = vec![
            ("time", format!("{:.3}", head.at)),
            ("pod", origin.pod.name.to_string()),
            ("container", origin.container.to_string()),
            ("version", origin.version.to_string()),
        ];
        let node = view.store.kube.pods.get(&origin.pod).and_then(|pod| pod.node.as_ref());
        fields.extend(node.map(|node| ("node", node.to_string())));
        fields.extend(head.level.map(|level| ("level", level.name().to_owned())));
        fields.retain(|(_, value)| !value.is_empty());
        // Masked as it was sent: in a pretty form a key and its value may come to stand apart.
        let raw: Vec<String> = lines.iter().map(|line| mask(&line.text)).collect();
        let pretty = serde_json::from_str::<serde_json::Value>(raw[0].trim())
            .ok()
            .filter(serde_json::Value::is_object)
            .and_then(|value| serde_json::to_string_pretty(&value).ok());
        let mut text: Vec<String> = match &pretty {
            Some(pretty) => pretty.lines().map(str::to_owned).collect(),
            None => vec![raw[0].clone()],
        };
        if pretty.is_none() {
            let parts = readable(&raw[0]).fields;
            text.extend(parts.iter().map(|(name, value)| format!("  {name} = {value}")));
        }
        text.extend(raw.into_iter().skip(1));
        Some(Self { target: Target::Pod(origin.pod.clone()), fields, text, top: 0 })
    }
}

impl Overlay for Record {
    fn run(&mut self, command: Command, _view: &View<'_>) -> Reply {
        let last = (self.fields.len() + self.text.len()).saturating_sub(1);
        self.top = match command {
            Command::Down => self.top + 1,
            Command::Up => self.top.saturating_sub(1),
            Command::PageDown | Command::HalfDown => self.top + 10,
            Command::PageUp | Command::HalfUp => self.top.saturating_sub(10),
            Command::Top => 0,
            Command::Bottom => last,
            Command::Enter => return Reply::Close,
            // Of the lines, not of this one: what is typed behind them must find its line, not act on the pod.
            Command::Filter | Command::LogFilter => return Reply::Many(vec![Reply::Close, Reply::Run(command)]),
            _ => return Reply::Ignored,
        }
        .min(last);
        Reply::Done
    }

    fn selected(&self) -> Option<Target> {
        Some(self.target.clone())
    }

    fn hints(&self) -> Vec<(String, String)> {
        [("y", "copy"), ("j/k", "scroll"), ("esc", "back")]
            .map(|(key, word)| (key.to_owned(), word.to_owned()))
            .to_vec()
    }

    fn scroll(&mut self, lines: i32, view: &View<'_>) -> Reply {
        self.run(if lines > 0 { Command::Down } else { Command::Up }, view)
    }

    fn copied(&self) -> Option<Clean> {
        Some(Clean::own(self.text.join("\n")))
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let air = if view.is_narrow() { 0 } else { 2 };
        let width = area.width.saturating_sub(2 * air);
        let room = usize::from(width.saturating_sub(4)).max(1);
        let rows: usize = self.text.iter().map(|text| text.len() / room + 1).sum();
        // The edges of the pane behind it stay, with its title: whose line it is.
        let most = if area.height > 8 { area.height - 2 } else { area.height };
        let height = u16::try_from(rows + self.fields.len() + 3).unwrap_or(u16::MAX).min(most);
        let area = Rect { x: area.x + air, y: area.y + (area.height - height) / 2, width, height };
        clear(buf, area.intersection(*buf.area()));
        let inside = Frame::new(theme, "LOG LINE").focused(true).render(area, buf);
        let fields = self.fields.iter().map(|(name, value)| Shown {
            head: Line::styled(format!("{name:<9}"), theme.dim),
            body: Line::raw(value.as_str()),
            ..Shown::default()
        });
        let text = self.text.iter().map(|text| match text.split_once("\": ") {
            Some((key, value)) if text.trim_start().starts_with('"') => Shown {
                body: Line::from(vec![Span::styled(format!("{key}\": "), theme.dim), Span::raw(value)]),
                ..Shown::default()
            },
            _ => Shown { body: Line::raw(text.as_str()), ..Shown::default() },
        });
        let lines = fields.chain(std::iter::once(Shown::default())).chain(text).skip(self.top);
        LogView::new(theme, Anchor::Top).wrap(true).render(inside, buf, lines);
        None
    }
}
