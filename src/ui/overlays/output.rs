//! The output of a program that was run beside midwatch, or another text to read and copy.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::sheet::{Sheet, Writer};
use crate::{
    command::Command,
    store::Changes,
    text::Clean,
    ui::{
        Overlay, Reply, View,
        widgets::{dialog::dialog, frame::Frame},
    },
};

pub struct OutputPage {
    title: Clean,
    place: Clean,
    text: Clean,
    sheet: Sheet,
}

impl OutputPage {
    pub fn new(title: Clean, place: Clean, text: Clean) -> Self {
        Self { title, place, text, sheet: Sheet::default() }
    }

    /// Long lines are broken, not cut.
    #[must_use]
    pub fn wrapped(self) -> Self {
        Self { sheet: Sheet::wrapped(), ..self }
    }
}

impl Overlay for OutputPage {
    fn sheet(&self) -> Option<&Sheet> {
        Some(&self.sheet)
    }

    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        Some(&mut self.sheet)
    }

    fn run(&mut self, command: Command, _view: &View<'_>) -> Reply {
        if self.sheet.run(command) { Reply::Done } else { Reply::Ignored }
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        let mut writer = Writer::new(view.theme);
        if self.text.is_empty() {
            writer.styled("it wrote nothing", view.theme.dim);
        }
        writer.text(self.text.as_str());
        self.sheet.set(writer.done());
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let foot = format!("{}/{}", self.sheet.cursor() + 1, self.sheet.len().max(1));
        let frame = Frame::new(view.theme, self.title.to_string()).info(self.place.to_string()).foot(foot);
        let inside = dialog(frame, area, area.width, area.height, buf);
        self.sheet.render(view, inside, buf)
    }
}
