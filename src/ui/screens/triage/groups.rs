//! Alerts in groups as the backend groups them, each alert in exactly one, so that the counts add up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use super::super::{
    super::{
        View,
        filter::Filter,
        list::Entry,
        theme::Mark,
        widgets::{cells::width, virtual_table::Column},
    },
    needs, words,
};
use crate::{
    model::{
        BackendId, Name,
        alert::{Alert, AlertGroup, AlertKey, AlertState, Silence, SilenceKey},
    },
    text::Clean,
};

/// A group's identity: its backend and the labels it is grouped by, as text.
pub(super) type Key = (BackendId, Clean);

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    /// Of several alerts; one of a single alert is shown as that alert.
    Group(Key),
    Alert(AlertKey),
    Silence(SilenceKey),
}

/// Alerts that the backend notifies of together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub key: Key,
    pub name: String,
    /// The worst first: firing ones by priority, then the rest.
    pub alerts: Vec<AlertKey>,
    /// How many of the first of them fire.
    pub firing: usize,
    pub first: Option<Timestamp>,
    rank: Rank,
}

/// State, then priority.
type Rank = (u8, u8);

fn rank(view: &View<'_>, alert: &Alert) -> Rank {
    let state = match &alert.state {
        AlertState::Firing => 0,
        AlertState::Resolved(_) if needs::is_missing_watchdog(view.store, alert) => 0,
        AlertState::Other(_) => 1,
        AlertState::Pending => 2,
        AlertState::Silenced | AlertState::Inhibited | AlertState::Muted => 3,
        AlertState::Resolved(_) => 4,
    };
    (state, alert.priority as u8)
}

/// Every alert that counts, in its group, sorted by the worst. A watchdog that fires is no alert.
pub(super) fn grouped(view: &View<'_>, filter: &Filter) -> Vec<Group> {
    let store = view.store;
    let mut home: BTreeMap<AlertKey, &AlertGroup> = BTreeMap::new();
    for group in store.alert_groups.values().flatten() {
        for fingerprint in &group.alerts {
            let key = AlertKey { backend: group.backend.clone(), fingerprint: fingerprint.clone() };
            // Several receivers mean several groups of one alert: the most telling labels win.
            let kept = home.entry(key).or_insert(group);
            if group.labels.len() > kept.labels.len() {
                *kept = group;
            }
        }
    }
    let mut members: BTreeMap<Key, Vec<&Alert>> = BTreeMap::new();
    for alert in store.alerts.values() {
        let counts = !alert.is_watchdog || needs::is_missing_watchdog(store, alert);
        if counts && keeps(filter, alert) {
            members.entry(key_of(view, alert, home.get(&alert.key).copied())).or_default().push(alert);
        }
    }
    let mut groups: Vec<Group> = members.into_iter().map(|(key, alerts)| group(view, key, alerts)).collect();
    groups.sort_by(|a, b| a.rank.cmp(&b.rank).then_with(|| a.first.cmp(&b.first)).then_with(|| a.key.cmp(&b.key)));
    groups
}

fn keeps(filter: &Filter, alert: &Alert) -> bool {
    let text = || {
        let summary = alert.summary().map_or("", |summary| summary.as_str());
        let labels: Vec<&str> = alert.labels.iter().map(|(_, value)| value.as_str()).collect();
        format!("{} {summary} {}", alert.name, labels.join(" "))
    };
    filter.is_all() || filter.keeps(&text(), |name| alert.label(name).map(Clean::as_str))
}

/// A resolved alert is in no group any more: it goes to the one whose labels it has, else to those of its name.
fn key_of(view: &View<'_>, alert: &Alert, home: Option<&AlertGroup>) -> Key {
    let backend = alert.key.backend.clone();
    let fits = |group: &&AlertGroup| {
        !group.labels.is_empty() && group.labels.iter().all(|(name, value)| alert.label(name) == Some(value))
    };
    let found = home.filter(|group| !group.labels.is_empty()).or_else(|| {
        let all = view.store.alert_groups.get(&backend)?;
        all.iter().filter(fits).max_by_key(|group| group.labels.len())
    });
    let labels = match found {
        Some(group) => written(&group.labels),
        None => format!("alertname={}", alert.name),
    };
    (backend, Clean::own(labels))
}

fn written(labels: &[(Name, Clean)]) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn group(view: &View<'_>, key: Key, mut alerts: Vec<&Alert>) -> Group {
    alerts.sort_by_key(|alert| (rank(view, alert), alert.starts, &alert.key));
    let names: BTreeSet<&Clean> = alerts.iter().map(|alert| &alert.name).collect();
    let others: Vec<&str> = key.1.split(' ').filter(|label| !label.starts_with("alertname=")).collect();
    let name = match (names.len(), others.is_empty()) {
        (1, true) => alerts[0].name.to_string(),
        (1, false) => format!("{} {}", alerts[0].name, others.join(" ")),
        (several, _) => format!("{} {several} kinds", others.join(" ")),
    };
    Group {
        name: name.trim().to_owned(),
        firing: alerts.iter().filter(|alert| alert.state == AlertState::Firing).count(),
        first: alerts.iter().filter_map(|alert| alert.active_since.or(alert.starts)).min(),
        rank: alerts.first().map_or((9, 9), |alert| rank(view, alert)),
        alerts: alerts.into_iter().map(|alert| alert.key.clone()).collect(),
        key,
    }
}

/// Groups, the alerts of those that are open, and the silences in force below them.
pub(super) fn entries(view: &View<'_>, groups: &[Group], open: &BTreeSet<Key>, filter: &Filter) -> Vec<Entry<Row>> {
    let mut entries = Vec::new();
    for group in groups {
        match group.alerts.as_slice() {
            [only] => entries.push(Entry::Item(Row::Alert(only.clone()))),
            several => {
                entries.push(Entry::Item(Row::Group(group.key.clone())));
                if open.contains(&group.key) {
                    entries.extend(several.iter().map(|alert| Entry::Item(Row::Alert(alert.clone()))));
                }
            }
        }
    }
    let text = |silence: &Silence| {
        let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
        format!("{} {} {}", matchers.join(" "), silence.comment, silence.created_by)
    };
    let mut silences: Vec<&Silence> = view
        .store
        .silences
        .values()
        .filter(|silence| silence.state != "expired" && silence.ends > view.time())
        .filter(|silence| filter.is_all() || filter.keeps(&text(silence), |_| None))
        .collect();
    silences.sort_by_key(|silence| (silence.ends, &silence.key));
    if !silences.is_empty() {
        entries.push(Entry::Group(Clean::own(format!("SILENCES {}", silences.len()))));
        entries.extend(silences.into_iter().map(|silence| Entry::Item(Row::Silence(silence.key.clone()))));
    }
    entries
}

/// `37 ALERTS, 6 GROUPS  3 firing  2 silenced`: the parts add up to the whole.
pub(super) fn title(view: &View<'_>, groups: &[Group], marked: usize) -> Line<'static> {
    let theme = view.theme;
    let states: Vec<u8> = groups
        .iter()
        .flat_map(|group| &group.alerts)
        .filter_map(|key| view.store.alerts.get(key))
        .map(|alert| rank(view, alert).0)
        .collect();
    if states.is_empty() {
        return Line::raw("ALERTS");
    }
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "S" });
    let mut line = Line::raw(format!("{}, {}", plural(states.len(), "ALERT"), plural(groups.len(), "GROUP")));
    if marked > 0 {
        line.push_span(Span::styled(format!("  {marked} marked"), theme.accent));
        return line;
    }
    let words = [
        ("firing", theme.broken),
        ("failing rules", theme.stale),
        ("pending", theme.progress),
        ("silenced", theme.dim),
        ("resolved", theme.dim),
    ];
    for (state, (word, style)) in words.into_iter().enumerate() {
        let count = states.iter().filter(|own| usize::from(**own) == state).count();
        if count > 0 {
            line.push_span(Span::styled(format!("  {count} {word}"), style));
        }
    }
    line
}

/// What the columns beside the name take, so that the name has the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Widths {
    /// Of the counts; 0: all are one, and none is written.
    count: u16,
    /// Groups have a sign that opens them.
    has_signs: bool,
    state: u16,
}

impl Widths {
    /// Of all rows, those of closed groups too: names keep their place when a group is opened.
    pub fn of(view: &View<'_>, groups: &[Group], entries: &[Entry<Row>]) -> Self {
        let in_force = entries.iter().filter_map(|entry| match entry {
            Entry::Item(Row::Silence(key)) => view.store.silences.get(key),
            _ => None,
        });
        let silences: Vec<&Silence> = in_force.collect();
        let alerts = groups.iter().flat_map(|group| &group.alerts).filter_map(|key| view.store.alerts.get(key));
        let states = alerts
            .map(|alert| state_words(view, alert))
            .chain(groups.iter().map(|group| group_state(view, group)))
            .chain(silences.iter().map(|silence| until(view, silence)));
        let most = groups.iter().map(|group| group.alerts.len());
        let most = most.chain(silences.iter().map(|silence| held_by(view, silence))).max().unwrap_or(0);
        Self {
            count: if most > 1 { most.to_string().len() as u16 } else { 0 },
            has_signs: groups.iter().any(|group| group.alerts.len() > 1),
            state: states.map(|state| width(&state)).max().unwrap_or(0).clamp(5, WIDEST_STATE),
        }
    }

    /// In line with the names of groups, behind their signs.
    const fn indent(self) -> &'static str {
        if self.has_signs { "  " } else { "" }
    }

    fn counted(self, mut cells: Vec<Line<'static>>) -> Vec<Line<'static>> {
        if self.count == 0 {
            cells.remove(1);
        }
        cells
    }
}

/// `until 13 Mar 02:59`
const WIDEST_STATE: u16 = 18;

pub(super) fn columns(widths: Widths) -> Vec<Column<'static>> {
    let count = (widths.count > 0).then(|| Column::new("n", widths.count, 90).right());
    let name = Column::new(if widths.has_signs { "  alert" } else { "alert" }, 24, 99).min(12).grows();
    let rest = [name, Column::new("since", 5, 95), Column::new("state", widths.state, 97)];
    [Column::new("", 2, 100)].into_iter().chain(count).chain(rest).collect()
}

/// The state where its mark stands beside it: of a silence only its end.
fn state_words(view: &View<'_>, alert: &Alert) -> String {
    let words = words::alert_state(view, alert);
    match words.split_once(" until ") {
        Some((_, end)) => format!("until {end}"),
        None => words,
    }
}

fn since(view: &View<'_>, first: Option<Timestamp>) -> Line<'static> {
    let text = first.map_or_else(
        || "-".to_owned(),
        |first| {
            if crate::time::seconds_between(first, view.time()) < 18 * 3600 {
                words::clock(first)
            } else {
                crate::time::age_of(first, view.time())
            }
        },
    );
    Line::styled(text, view.theme.dim)
}

fn group_state(view: &View<'_>, group: &Group) -> String {
    match (group.firing, group.alerts.first().and_then(|key| view.store.alerts.get(key))) {
        (0, Some(alert)) => state_words(view, alert),
        (firing, _) if firing == group.alerts.len() => "firing".to_owned(),
        (firing, _) => format!("{firing} firing"),
    }
}

pub(super) fn group_cells(view: &View<'_>, group: &Group, is_open: bool, widths: Widths) -> Vec<Line<'static>> {
    let theme = view.theme;
    let worst = group.alerts.first().and_then(|key| view.store.alerts.get(key));
    let mark = worst.map_or(Mark::Blank, |alert| words::alert_mark(view, alert));
    let sign = if is_open { "- " } else { "+ " };
    widths.counted(vec![
        Line::from(theme.mark(mark)),
        Line::styled(group.alerts.len().to_string(), theme.strong),
        Line::from(vec![Span::styled(sign, theme.dim), Span::styled(group.name.clone(), name_style(view, mark))]),
        since(view, group.first),
        Line::styled(group_state(view, group), theme.mark_style(mark)),
    ])
}

pub(super) fn alert_cells(view: &View<'_>, alert: &Alert, is_inside: bool, widths: Widths) -> Vec<Line<'static>> {
    let theme = view.theme;
    let mark = words::alert_mark(view, alert);
    let name = words::alert_name(alert);
    let (count, indent) = if is_inside { ("", "    ") } else { ("1", widths.indent()) };
    widths.counted(vec![
        Line::from(theme.mark(mark)),
        Line::styled(count, theme.dim),
        Line::styled(format!("{indent}{name}"), name_style(view, mark)),
        since(view, alert.active_since.or(alert.starts)),
        Line::styled(state_words(view, alert), theme.mark_style(mark)),
    ])
}

fn until(view: &View<'_>, silence: &Silence) -> String {
    format!("until {}", words::day_clock(silence.ends, view.time()))
}

/// How many alerts a silence holds back.
fn held_by(view: &View<'_>, silence: &Silence) -> usize {
    view.store.alerts.values().filter(|alert| alert.silenced_by.contains(&silence.key.id)).count()
}

pub(super) fn silence_cells(view: &View<'_>, silence: &Silence, widths: Widths) -> Vec<Line<'static>> {
    let theme = view.theme;
    let holds = held_by(view, silence);
    widths.counted(vec![
        Line::from(theme.mark(Mark::Silenced)),
        Line::styled(if holds > 0 { holds.to_string() } else { String::new() }, theme.dim),
        Line::styled(format!("{}{}", widths.indent(), words::matchers(silence)), theme.text),
        since(view, Some(silence.starts)),
        Line::styled(until(view, silence), theme.dim),
    ])
}

fn name_style(view: &View<'_>, mark: Mark) -> ratatui::style::Style {
    match mark {
        Mark::Ok | Mark::Silenced | Mark::Acked => view.theme.dim,
        _ => view.theme.strong,
    }
}
