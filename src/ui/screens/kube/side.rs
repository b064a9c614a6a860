//! The small panes below: last log lines of the pod under the cursor, events around the workload.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::super::{
    super::{
        View,
        widgets::cells::{put_centred, put_line, row},
    },
    pane::{framed, fresh_line},
};
use crate::{
    model::{Part, kubernetes::Workload, log::LogLevel},
    query::LogQuery,
    secret::mask,
    source::kubernetes::log_line::readable_with,
};

pub(super) fn log(query: Option<&LogQuery>, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let title = match query {
        Some(query) => format!("LAST LOG LINES {}", query.target.name()),
        None => "LAST LOG LINES".to_owned(),
    };
    let inside = framed(view, title, Line::styled("l follow", theme.dim), None, false, area, buf);
    let buffer = query.and_then(|query| view.store.logs.get(query));
    let Some(buffer) = buffer.filter(|buffer| !buffer.lines.is_empty()) else {
        let words = match (query, buffer.and_then(|buffer| buffer.pulse.failure.as_ref())) {
            (_, Some(failure)) => format!("?? {}", failure.error.says),
            (None, _) => "no pod".to_owned(),
            (Some(_), None) => match buffer.and_then(|buffer| buffer.troubles.last()) {
                Some(trouble) => trouble.to_string(),
                None if buffer.is_some_and(|buffer| buffer.has_caught_up) => "nothing logged".to_owned(),
                None => "loading".to_owned(),
            },
        };
        if let Some(line) = row(inside, inside.height / 3) {
            put_centred(buf, line, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        }
        return;
    };
    let height = usize::from(inside.height);
    let first = buffer.lines.len().saturating_sub(height);
    for (index, line) in buffer.lines.window(first..buffer.lines.len()).enumerate() {
        let Some(spot) = row(inside, index as u16) else { break };
        let style = match line.level {
            Some(LogLevel::Error | LogLevel::Fatal) => theme.broken,
            Some(LogLevel::Warn) => theme.wrong,
            _ if line.is_note => theme.dim,
            _ => theme.text,
        };
        let time = line.at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M:%S").to_string();
        let parts = || readable_with(&line.text, &view.settings.ui.log_fields);
        let said = if line.continues { mask(&line.text) } else { mask(&parts().line()) };
        let text = Line::from(vec![Span::styled(format!("{time} "), theme.dim), Span::styled(said, style)]);
        put_line(buf, spot, &text, theme.glyphs.ellipsis);
    }
}

pub(super) fn events(workload: Option<&Workload>, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let title = workload.map_or_else(|| "EVENTS".to_owned(), |workload| format!("EVENTS {}", workload.key));
    let cluster = workload.map(|workload| &workload.key.cluster);
    let fresh = fresh_line(view, &[Part::Events], cluster);
    let inside = framed(view, title, Line::styled("e all", theme.dim), fresh, false, area, buf);
    let events = workload.map(|workload| view.store.kube.events_around(workload)).unwrap_or_default();
    if events.is_empty() {
        if let Some(line) = row(inside, inside.height / 3) {
            let words = super::super::pane::empty_words(
                view,
                &[Part::Events],
                // Warnings are watched; the rest is read with the object.
                "no warnings within the hour that clusters keep them",
                "",
            );
            put_centred(buf, line, &Line::styled(words, theme.dim), theme.glyphs.ellipsis);
        }
        return;
    }
    for (index, event) in events.iter().enumerate() {
        let Some(spot) = row(inside, index as u16) else { break };
        let time = event
            .last
            .map_or_else(String::new, |at| at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M").to_string());
        let times = if event.count > 1 { format!(" (x{})", event.count) } else { String::new() };
        let line = Line::from(vec![
            Span::styled(format!("{time} "), theme.dim),
            Span::styled(event.reason.to_string(), if event.warning { theme.wrong } else { theme.text }),
            Span::styled(format!("{times} {}", event.message), theme.text),
        ]);
        put_line(buf, spot, &line, theme.glyphs.ellipsis);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{
        model::log::{LogLine, Origin},
        query::{Answer, LogBatch, Query},
        source::Answered,
        store::Changes,
        text::Clean,
        time::Clock as _,
        ui::{Screen, screens::kube::Kube, testing},
    };

    #[test]
    fn the_last_lines_are_readable_and_hide_credentials() {
        let mut world = testing::incident();
        let mut screen = Kube::default();
        screen.sync(&world.view(), Changes::ALL);
        world.drawn(&mut screen);
        let query = screen.wanted(&world.view()).into_iter().find(|query| matches!(query, Query::Logs(_)));
        let query = query.expect("it follows the selected pod");
        let line = |text: &str| LogLine {
            origin: Arc::new(Origin {
                pod: testing::object("myapp-1"),
                container: "app".into(),
                version: "412".into(),
            }),
            at: testing::at("03:10"),
            level: None,
            text: Clean::own(text.to_owned()),
            continues: false,
            is_note: false,
        };
        let lines = vec![
            line(r#"{"level":"info","msg":"paid","order":7}"#),
            line("login with ghp_0123456789abcdefghijklmnopqrstuvwxyz"),
        ];
        let (now, batch) = (world.clock.now(), LogBatch { lines, open: 1, wanted: 1, ..LogBatch::default() });
        world.store.answer(Answered { query, generation: 1, at: now.wall, body: Ok(Answer::Logs(batch)) }, now);
        let shown = world.drawn(&mut screen).join("\n");
        assert!(shown.contains("paid  order=7") && shown.contains("login with"), "{shown}");
        assert!(!shown.contains("ghp_0123"), "{shown}");
    }
}
