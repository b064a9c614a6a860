//! What stands above the numbers: dashboards, range and age of the data, and the values of template variables.

use ratatui::text::{Line, Span};

use super::{Metrics, panels, time_range::span};
use crate::{
    command::Command,
    model::{
        Name,
        metric::{Setting, Variable},
    },
    ui::View,
};

/// Whether there is anything to choose.
fn can_be_set(variable: &Variable) -> bool {
    let has_choice = variable.setting == Setting::Text || variable.options.len() > 1;
    has_choice && !variable.is_hidden && variable.setting != Setting::Fixed
}

impl Metrics {
    /// `v  service search + web   interval 5m`; `None`: there is nothing to set.
    pub(super) fn values_line(&self, view: &View<'_>) -> Option<Line<'static>> {
        let theme = view.theme;
        let dashboard = self.board.as_ref()?;
        let is_chosen = |name: &Name| self.chosen_of(dashboard).iter().any(|(chosen, _)| chosen == name);
        let key = view.keymap.shown(Command::Variables).unwrap_or_default();
        let mut spans = vec![Span::styled(key, theme.key)];
        for variable in self.variables(view).iter().filter(|variable| can_be_set(variable)) {
            let style = if is_chosen(&variable.name) { theme.accent } else { theme.text };
            spans.push(Span::styled(format!("   {} ", variable.label), theme.dim));
            spans.push(Span::styled(variable.value.to_string(), style));
        }
        (spans.len() > 1).then(|| Line::from(spans))
    }

    /// `NUMBERS   [myapp overview]  postgres`
    pub(super) fn boards(&self, view: &View<'_>) -> Line<'static> {
        let theme = view.theme;
        // At 80 columns the dashboards say what it is.
        let mut spans = vec![Span::raw(if view.is_narrow() { "" } else { "NUMBERS   " })];
        for key in &self.boards {
            let title = view.store.dashboards.get(key).map(|board| board.title.to_string()).unwrap_or_default();
            let is_shown = self.board.as_ref() == Some(key);
            let (text, style) =
                if is_shown { (format!("[{title}] "), theme.accent) } else { (format!(" {title}  "), theme.dim) };
            spans.push(Span::styled(text, style));
        }
        Line::from(spans)
    }

    /// `range 1h   data to 03:14:12`, and the marker under the cursor.
    pub(super) fn info(&self, view: &View<'_>) -> Line<'static> {
        let theme = view.theme;
        let mut words = Vec::new();
        if !self.filter.is_empty() {
            words.push(format!("filter {}", self.filter));
        }
        if let Some(at) = self.cursor {
            let marker = self.markers.iter().find(|marker| marker.at == at);
            words.push(format!(
                "at {}{}",
                panels::clock(at, 0),
                marker.map(|m| format!(" {}", m.label)).unwrap_or_default()
            ));
        }
        words.push(format!("range {}", span(i64::from(self.range(view)))));
        let newest = self
            .page(view)
            .into_iter()
            .filter_map(|panel| panels::data(view, &self.query(view, panel, false)).map(|data| data.to));
        let data = if view.is_narrow() { "" } else { "data " };
        words.extend(newest.max().map(|to| format!("{data}to {}", panels::clock(to, 0))));
        Line::styled(words.join("   "), theme.dim)
    }
}
