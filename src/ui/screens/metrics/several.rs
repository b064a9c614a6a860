//! A stat or a gauge of several series: a row each, those nearest to trouble first.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{panels::shown, values, values::Judged as _};
use crate::{
    model::{
        Level,
        metric::{Panel, PanelData, PanelKind},
    },
    ui::{
        View,
        screens::pane::{level_style, mark_of},
        widgets::{
            cells::{put_line, put_right, row, width},
            gauge::gauge,
        },
    },
};

/// Cells of a mark and the gap after it.
const MARK: u16 = 3;
/// A bar shorter than this says nothing.
const LEAST_BAR: u16 = 6;

/// `!!  node-3   92.1%   [#####. ]`; what does not fit is counted.
pub(super) fn render(view: &View<'_>, panel: &Panel, data: &PanelData, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let order = values::worst_first(panel, data);
    let room = usize::from(area.height);
    let fit = if order.len() > room { room.saturating_sub(1) } else { room };
    let texts: Vec<String> = order.iter().take(fit).map(|index| shown(panel, data, *index)).collect();
    let name = |index: usize| panel.item(data, index).map_or("", |item| item.name);
    let value_width = texts.iter().map(|text| width(text)).max().unwrap_or(0);
    let named = order.iter().take(fit).map(|index| width(name(*index))).max().unwrap_or(0);
    let name_width = named.min(area.width.saturating_sub(MARK + value_width + 2));
    for (line, (index, text)) in order.iter().zip(&texts).enumerate() {
        let (Some(spot), Some(item)) = (row(area, line as u16), panel.item(data, *index)) else { break };
        let level = item.level();
        let style = level.map_or(theme.text, |level| level_style(theme, level));
        if let Some(level) = level.filter(|level| *level < Level::Ok) {
            put_line(buf, spot, &Line::from(theme.mark(mark_of(level))), "");
        }
        let mut left = Rect { x: spot.x + MARK.min(spot.width), width: name_width, ..spot };
        put_line(buf, left, &Line::styled(item.name, theme.text), theme.glyphs.ellipsis);
        left.x += name_width + 2;
        left.width = value_width.min(area.right().saturating_sub(left.x));
        put_right(buf, left, &Line::from(Span::styled(text.as_str(), style)), theme.glyphs.ellipsis);
        let at = left.right() + 2;
        let bar = area.right().saturating_sub(at).min(60);
        if panel.kind == PanelKind::Gauge && bar >= LEAST_BAR {
            let part = item.part();
            let spot = Rect { x: at, width: bar, ..spot };
            put_line(buf, spot, &gauge(part, bar, &[(f64::NEG_INFINITY, style)], theme), "");
        }
    }
    if let (true, Some(spot)) = (fit < order.len(), row(area, fit as u16)) {
        let more = format!("and {} more", order.len() - fit);
        put_line(buf, spot, &Line::styled(more, theme.dim), theme.glyphs.ellipsis);
    }
}
