//! The small panes below: last log lines of the pod under the cursor, events around the workload.

use std::collections::BTreeSet;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::super::{
    super::{
        View,
        widgets::cells::{fit_end, put_centred, put_line, row},
    },
    pane::{framed, fresh_line},
};
use crate::{
    model::{
        Part,
        kubernetes::{
            Event, Workload,
            told::{is_echo, said},
        },
        log::LogLevel,
    },
    query::LogQuery,
    secret::mask,
    source::kubernetes::log_line::{readable_with, without_stamp},
    text::Clean,
};

/// Of a pod's name: its end, where pods of one template differ.
const POD: u16 = 12;

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
        let said = if line.continues { mask(&line.text) } else { mask(without_stamp(&parts().line(), line.at)) };
        let text = Line::from(vec![Span::styled(format!("{time} "), theme.dim), Span::styled(said, style)]);
        put_line(buf, spot, &text, theme.glyphs.ellipsis);
    }
}

/// What happened around a workload and its pods, the newest first.
pub(super) fn around(view: &View<'_>, workload: &Workload) -> Vec<Alike> {
    alike(&view.store.kube.events_around(workload))
}

pub(super) fn events(workload: Option<&Workload>, events: &[Alike], view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let title = workload.map_or_else(|| "EVENTS".to_owned(), |workload| format!("EVENTS {}", workload.key));
    let cluster = workload.map(|workload| &workload.key.cluster);
    let fresh = fresh_line(view, &[Part::Events], cluster);
    let inside = framed(view, title, Line::styled("e all", theme.dim), fresh, false, area, buf);
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
    for (index, alike) in events.iter().enumerate() {
        let Some(spot) = row(inside, index as u16) else { break };
        put_line(buf, spot, &alike.line(view), theme.glyphs.ellipsis);
    }
}

/// Events that say the same of several objects.
pub(super) struct Alike {
    newest: Event,
    /// The newest that says why, not only that it is so still.
    cause: Option<Event>,
    count: u32,
    objects: BTreeSet<(Clean, Clean)>,
}

/// By reason, the newest first, as they come.
fn alike(events: &[&Event]) -> Vec<Alike> {
    let mut all: Vec<Alike> = Vec::new();
    for event in events {
        let object = (event.kind.clone(), event.object.clone());
        match all.iter_mut().find(|alike| alike.newest.reason == event.reason && alike.newest.kind == event.kind) {
            Some(alike) => {
                alike.count = alike.count.saturating_add(event.count);
                alike.objects.insert(object);
                if alike.cause.is_none() && !is_echo(event) {
                    alike.cause = Some((*event).clone());
                }
            }
            None => all.push(Alike {
                newest: (*event).clone(),
                cause: (!is_echo(event)).then(|| (*event).clone()),
                count: event.count,
                objects: BTreeSet::from([object]),
            }),
        }
    }
    all
}

impl Alike {
    /// `12:12 BackOff x35, 5 pods: restarting failed container`
    fn line(&self, view: &View<'_>) -> Line<'static> {
        let (theme, event) = (view.theme, &self.newest);
        let time = event
            .last
            .map_or_else(String::new, |at| at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M").to_string());
        let times = if self.count > 1 { format!(" x{}", self.count) } else { String::new() };
        let object = match (self.objects.len(), event.kind.as_str()) {
            (1, "Pod") => format!(", {}", fit_end(&event.object, POD, theme.glyphs.ellipsis)),
            (1, _) => String::new(),
            (count, kind) => format!(", {count} {}s", kind.to_lowercase()),
        };
        Line::from(vec![
            Span::styled(format!("{time} "), theme.dim),
            Span::styled(event.reason.to_string(), if event.warning { theme.wrong } else { theme.text }),
            Span::styled(format!("{times}{object}: {}", said(self.cause.as_ref().unwrap_or(event))), theme.text),
        ])
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
            origin: Arc::new(Origin::new(testing::object("myapp-1"), "app".into(), "412".into())),
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

    /// As on the timeline: the cause, at the time of the newest.
    #[test]
    fn why_an_image_cannot_be_pulled_outlives_its_echo() {
        let world = testing::incident();
        let event = |count, last, message| testing::event("myapp-6d5c9-bbbbb", "Pod", "Failed", count, last, message);
        let (cause, echo) = (
            event(1, "03:01", "Failed to pull image \"myapp:413\": not found"),
            event(6, "03:09", "Error: ImagePullBackOff"),
        );
        let events = [echo, cause];
        let folded = super::alike(&events.iter().collect::<Vec<_>>());
        assert_eq!(folded.len(), 1);
        let said = folded[0].line(&world.view()).to_string();
        assert!(said.starts_with("03:09 Failed x7, ") && said.ends_with(": not found"), "{said}");
    }
}
