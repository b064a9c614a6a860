//! Screens of invented content that use every widget: drawn by a test at many sizes, and good to look at.

use crate::ui::theme::{Mark, Theme};
use crate::ui::widgets::chart::{Chart, Limit, Marker, Series};
use crate::ui::widgets::frame::{Frame, scrollbar};
use crate::ui::widgets::freshness::{Fresh, freshness};
use crate::ui::widgets::hints::{Hint, hints};
use crate::ui::widgets::log_view::{Anchor, LogLine, LogView};
use crate::ui::widgets::tabs::{Tab, tabs};
use crate::ui::widgets::text_input::TextInput;
use crate::ui::widgets::toast::{Toast, toasts};
use crate::ui::widgets::virtual_table::{Column, Row, Sort, TableState, VirtualTable};
use crate::ui::widgets::{cells, dialog, diff_view, gauge, sparkline};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Which of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Now,
    Kube,
    Plan,
}

/// Draws a whole screen.
pub fn draw(screen: Screen, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let rows =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]);
    let [head, screens, body, foot] = rows.areas(area);
    header(theme, head, buf);
    let selected = if screen == Screen::Now { 0 } else { 2 };
    let titles = [
        ("1", "Now", "Now", None),
        ("2", "Triage", "Tri", Some(Span::styled("6", theme.wrong))),
        ("3", "Kube", "Kube", Some(theme.mark(Mark::Broken))),
        ("4", "Pipelines", "Pipe", Some(theme.mark(Mark::Broken))),
        ("5", "PRs", "PR", Some(Span::styled("2", theme.wrong))),
        ("6", "Metrics", "Met", None),
        ("7", "Logs", "Log", None),
        ("8", "Audit", "Aud", None),
    ];
    let titles = titles.map(|(key, title, short, badge)| Tab { key, title, short, badge });
    let ages = Line::styled("gh 4,388 left 41m", theme.dim);
    tabs(&titles, selected, &[ages, Line::default()], screens, theme, buf);
    match screen {
        Screen::Now => now(theme, body, buf),
        Screen::Kube | Screen::Plan => kube(theme, body, buf),
    }
    if screen == Screen::Plan {
        plan(theme, body, buf);
    }
    let keys = [("a", "ack", 9), ("R", "roll back", 8), ("l", "logs", 7), (".", "why", 6), ("s", "silence", 5)];
    let more = [("!", "next urgent", 4), ("/", "find", 3), (":", "commands", 2), ("?", "help", 10), ("q", "back", 1)];
    let keys: Vec<Hint<'_>> = keys
        .into_iter()
        .chain(more)
        .map(|(key, word, priority)| Hint { key, word, priority, enabled: key != "s" })
        .collect();
    hints(&keys, Rect { x: foot.x + 1.min(foot.width), width: foot.width.saturating_sub(2), ..foot }, theme, buf);
}

fn header(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let line = Line::from(vec![
        Span::styled(" midwatch  ", theme.strong),
        Span::styled(" PRODUCTION ", theme.production),
        Span::styled("  prod-eu1/production  ", theme.text),
        Span::styled("ana (primary)", theme.dim),
    ]);
    cells::put_line(buf, area, &line, theme.glyphs.ellipsis);
    let right = Line::from(vec![Span::styled("03:14Z ", theme.text), Span::styled("04:14 Berlin ", theme.dim)]);
    cells::put_right(buf, area, &right, theme.glyphs.ellipsis);
}

fn now(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(8), Constraint::Length(11), Constraint::Min(0)]).areas(area);
    let inner = Frame::new(theme, "NEEDS YOU NOW 3").focused(true).info("since 18:02").render(top, buf);
    let text = [
        Line::from(vec![
            theme.mark(Mark::Broken),
            Span::styled(" HighErrorRate myapp  ", theme.strong),
            Span::styled("31 % 5xx", theme.broken),
            Span::styled(" (limit 5)   since 03:00   ", theme.dim),
            Span::styled("PAGED YOU 1m, NOT ACKED ", theme.broken),
            Span::styled("[a]", theme.key),
        ]),
        Line::from(vec![
            Span::styled("   first new error  ", theme.dim),
            Span::raw("411 never, 412: \"verify failed: issuer mismatch\" x412"),
        ]),
        Line::from(vec![
            Span::styled("   likely  STRONG   ", theme.dim),
            Span::raw("deploy 411"),
            Span::styled(theme.glyphs.becomes, theme.dim),
            Span::raw("412 02:57, PR 1487 alice; new pods fail 62 %, old 0.1 %"),
        ]),
        Line::from(vec![
            Span::styled("   do               ", theme.dim),
            Span::styled("[R]", theme.key),
            Span::raw(" roll back to 411 (~2m)   "),
            Span::styled("[l]", theme.key),
            Span::raw(" logs   "),
            Span::styled("[.]", theme.key),
            Span::raw(" why"),
        ]),
        Line::default(),
        Line::from(vec![theme.mark(Mark::Wrong), Span::raw(" postgres-0 OOMKilled x2, began after: effect?")]),
    ];
    for (index, line) in text.iter().enumerate() {
        cells::put_line(buf, cells::row(inner, index as u16).unwrap_or_default(), line, theme.glyphs.ellipsis);
    }
    let [left, right] = Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).areas(middle);
    charts(theme, left, buf);
    changes(theme, right, buf);
    let [left, right] = Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).areas(bottom);
    services(theme, left, buf);
    logs(theme, right, buf);
}

fn minute(at: i64) -> String {
    format!("{:02}:{:02}", 2 + (at / 60_000 + 14) / 60, (at / 60_000 + 14) % 60)
}

fn charts(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let points: Vec<(i64, Option<f64>)> = (0..=240)
        .map(|step| {
            let (at, wave) = (step * 15_000, (step as f64 * 1.7).sin().abs());
            (at, Some(if step < 182 { 0.3 * wave } else { (f64::from((step - 182) as i32) * 0.9).min(31.0) + wave }))
        })
        .collect();
    let info = Line::from(vec![
        Span::styled("now ", theme.dim),
        Span::styled("31.0", theme.broken),
        Span::styled("  limit 5  ", theme.dim),
        Span::styled("was 0.02 %", theme.dim),
    ]);
    let inner = Frame::new(theme, "myapp errors %").info(info).render(area, buf);
    Chart::new(theme, (0, 3_600_000), &|value| format!("{value:.0}"), &minute)
        .series(Series { name: "errors", points: &points, style: None })
        .limit(Limit { value: 5.0, label: "limit" })
        .markers([Marker { at: 43 * 60_000, label: "02:57 deploy 412" }])
        .render(inner, buf);
}

fn changes(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let inner = Frame::new(theme, "BEFORE ONSET").info("02:59-03:02").foot("6 more").render(area, buf);
    let changes = [
        ("02:57", "deploy", "myapp 411-412 Jenkins #412", Mark::Incident),
        ("02:56", "config", "myapp-config JWT_ISSUER", Mark::Blank),
        ("02:55", "infra", "terraform apply (in #412)", Mark::Blank),
        ("02:44", "merge", "PR #1487 JWT login (alice)", Mark::New),
        ("02:40", "deploy", "payments 87-88", Mark::Blank),
    ];
    let columns = [
        Column::new("time", 5, 200),
        Column::new("kind", 6, 100),
        Column::new("", 2, 90),
        Column::new("what", 12, 250).grows(),
    ];
    VirtualTable::new(theme, &columns, changes.len()).cursor(Some(0)).focused(false).render(
        inner,
        buf,
        &mut TableState::default(),
        |index| {
            let (time, kind, what, mark) = changes[index];
            Row::item(vec![Line::styled(time, theme.dim), kind.into(), theme.mark(mark).into(), what.into()])
        },
    );
}

fn services(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let stale = freshness(Fresh::Stale { age: "4m", why: "Grafana: 503" }, theme).unwrap_or_default();
    let inner = Frame::new(theme, "SERVICES").info(stale).render(area, buf);
    let rows = [
        (Mark::Broken, "myapp", "1480", "31.0", "8/10", [0.1, 0.1, 0.1, 0.2, 1.0, 4.0, 12.0, 31.0]),
        (Mark::Wrong, "postgres", "-", "-", "0/1", [8.0, 8.0, 8.0, 8.0, 8.0, 2.0, 0.0, 0.0]),
        (Mark::Ok, "payments", "310", "0.04", "4/4", [3.0; 8]),
        (Mark::Ok, "search-日本", "905", "0.02", "9/9", [2.0, 2.0, 2.1, 2.0, 2.3, 2.0, 2.1, 2.0]),
    ];
    let columns = [
        Column::new("", 2, 255),
        Column::new("name", 12, 250).min(8).grows(),
        Column::new("req/s", 5, 120).right(),
        Column::new("err %", 5, 200).right().sorted(Some(Sort::Descending)),
        Column::new("pods", 5, 180).right(),
        Column::new("trend 30m", 9, 50),
    ];
    VirtualTable::new(theme, &columns, rows.len()).render(inner, buf, &mut TableState::default(), |index| {
        let (mark, name, requests, errors, pods, trend) = rows[index];
        let trend: Vec<Option<f64>> = trend.into_iter().map(Some).collect();
        let style = theme.mark_style(mark);
        Row::item(vec![
            theme.mark(mark).into(),
            name.into(),
            Line::styled(requests, theme.dim),
            Line::styled(errors, if mark == Mark::Broken { style } else { theme.text }),
            pods.into(),
            sparkline::sparkline(&trend, 9, if mark == Mark::Ok { theme.dim } else { style }, theme).into(),
        ])
    });
}

fn logs(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let inner = Frame::new(theme, "LOGS myapp").info("follow  18/s").render(area, buf);
    let line = |time, level, style, body: &'static str, tail: &'static str| LogLine {
        head: Line::from(vec![Span::styled(time, theme.dim), " ".into(), Span::styled(level, style)]),
        body: body.into(),
        tail: Line::styled(tail, theme.new),
        finds: body.find("issuer").map(|at| at..at + 6).into_iter().collect(),
        ..LogLine::default()
    };
    let lines = [
        line("02:59:40", "WARN ", theme.wrong, "slow query 812ms GET /api/users", ""),
        line("02:59:50", "ERROR", theme.broken, "verify failed: issuer mismatch", "x412"),
        line("03:00:03", "ERROR", theme.broken, "db: connection timeout (pool 50/50)", "x188"),
        line("03:01:12", "FATAL", theme.broken, "startup: no DB connection in 30s, exiting", ""),
    ];
    LogView::new(theme, Anchor::Bottom).wrap(true).render(inner, buf, lines.into_iter().rev());
}

fn kube(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let [top, bottom] = Layout::vertical([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(area);
    let frame = Frame::new(theme, "PODS deploy/myapp  13").info("sort: trouble   filter: -").focused(true);
    let inner = frame.render(top, buf);
    let columns = [
        Column::new("st", 2, 255),
        Column::new("pod", 14, 250).min(10),
        Column::new("ready", 5, 200).right(),
        Column::new("restarts", 8, 90).right(),
        Column::new("why", 24, 150).min(12).grows(),
        Column::new("memory", 20, 60).min(12),
        Column::new("node", 8, 20),
        Column::new("age", 4, 100).right(),
    ];
    let mut state = TableState::default();
    let table = VirtualTable::new(theme, &columns, 40).cursor(Some(2)).above(Some("2 new above"));
    let hits = table.render(inner, buf, &mut state, |index| match index {
        0 => Row::Group("NEW rev 14 myapp:412".into()),
        8 => Row::Group("OLD rev 13 myapp:411".into()),
        _ => {
            let (mark, why, part) = match index {
                1 | 2 => (Mark::Broken, "CrashLoopBackOff exit 1", 0.93),
                3..8 => (Mark::Wrong, "Ready, failing requests", 0.6),
                _ => (Mark::Ok, "", 0.31),
            };
            let mut memory = gauge::gauge(part, 10, &[(0.0, theme.ok), (0.8, theme.wrong), (0.9, theme.broken)], theme);
            memory.push_span(Span::styled(format!(" {:.0} %", part * 100.0), theme.dim));
            let cells = vec![
                theme.mark(mark).into(),
                Line::raw(format!("6d5c9-k2x{index:02}")),
                Line::raw(if mark == Mark::Broken { "0/1" } else { "1/1" }),
                Line::raw(if mark == Mark::Broken { "7" } else { "0" }),
                Line::styled(why, theme.mark_style(mark)),
                memory,
                Line::styled(format!("node-{index}"), theme.dim),
                Line::styled("17m", theme.dim),
            ];
            Row::Item { cells, marked: index == 4, style: ratatui::style::Style::new() }
        }
    });
    if let Some(scroll) = hits.scroll {
        scrollbar(top, scroll, theme, buf);
    }
    let [left, right] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(bottom);
    let inner = Frame::new(theme, "DIFF rev 13 to rev 14").render(left, buf);
    let old = "image: myapp:411\nlimits:\n  cpu: 500m\n  memory: 512Mi\nenv:\n  LOG_LEVEL: warn\n";
    let new = "image: myapp:412\nlimits:\n  cpu: 500m\n  memory: 1Gi\nenv:\n  LOG_LEVEL: info\n";
    diff_view::diff_view(&diff_view::between(old, new, 2), 0, 0, inner, theme, buf);
    several(theme, right, buf);
    let messages = [
        Toast { mark: Mark::Ok, text: "acked PD-4471 as ana@", hint: "" },
        Toast { mark: Mark::Wrong, text: "ELK has not answered for 4m", hint: "x why" },
    ];
    toasts(&messages, cells::row(area, area.height.saturating_sub(1)).unwrap_or_default(), theme, buf);
}

fn several(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let inner = Frame::new(theme, "p95 ms").info("now 910  limit 500").render(area, buf);
    let wave = |shift: f64, scale: f64, gap: bool| -> Vec<(i64, Option<f64>)> {
        (0..=120)
            .map(|step| {
                let value = scale * (2.0 + (f64::from(step) / 9.0 + shift).sin());
                (i64::from(step) * 30_000, (!gap || !(50..70).contains(&step)).then_some(value))
            })
            .collect()
    };
    let (a, b, c) = (wave(0.0, 200.0, false), wave(2.0, 120.0, true), wave(4.0, 300.0, false));
    Chart::new(theme, (0, 3_600_000), &|value| format!("{value:.0}"), &minute)
        .series(Series { name: "web", points: &a, style: None })
        .series(Series { name: "search", points: &b, style: None })
        .series(Series { name: "myapp", points: &c, style: None })
        .limit(Limit { value: 500.0, label: "limit" })
        .cursor(Some(1_200_000))
        .render(inner, buf);
}

fn plan(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let frame = Frame::new(theme, "ROLL BACK deploy/myapp").info("checks 2 s old").border(theme.broken).padding(2);
    let inner = dialog::dialog(frame, area, 84, 15, buf);
    let look = |text: &'static str| Line::from(vec![Span::styled("LOOK ", theme.wrong), Span::raw(text)]);
    let lines = [
        Line::from(vec![
            Span::styled(format!("myapp 412 {} 411", theme.glyphs.becomes), theme.strong),
            Span::styled("  rev 14 to 13   prod-eu1/production   ", theme.dim),
            Span::styled(" PRODUCTION ", theme.production),
        ]),
        Line::styled("411 ran 26 h clean; 4 of its pods are up", theme.dim),
        Line::default(),
        look("Jenkins #412 is in Deploy; its hook undoes on failure: step 1 stops it"),
        look("also undone: memory 1Gi to 512Mi, LOG_LEVEL"),
        look("not undone: terraform 02:55 (1 changed)"),
        Line::from(vec![
            Span::styled("ok   ", theme.ok),
            Span::styled("place rights owner history image schema", theme.dim),
        ]),
        Line::default(),
        Line::from("1 stop #412   2 template to rev 13   3 watch to 10/10   4 verify   5 drift watch"),
        Line::default(),
    ];
    for (index, line) in lines.iter().enumerate() {
        cells::put_line(buf, cells::row(inner, index as u16).unwrap_or_default(), line, theme.glyphs.ellipsis);
    }
    let Some(row) = cells::row(inner, lines.len() as u16) else { return };
    let used = cells::put_text(buf, row, "type 13 or 411, then Enter: ", theme.text);
    let field = Rect { x: row.x + used, width: 10.min(row.width - used), ..row };
    TextInput::new("41").render(field, "", theme, buf);
    cells::put_right(buf, row, &Line::styled("Esc: nothing is sent", theme.dim), "");
}
