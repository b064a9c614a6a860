//! The merged timeline as rows: what happened, with midwatch's own acts, kept by identity while it moves.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use ratatui::text::Line;

use super::{
    super::{View, target::Target, theme::Mark, widgets::virtual_table::Column},
    pane, words,
};
use crate::{
    action::act::{Act, Outcome, Unseen},
    model::{
        BackendKind, Level,
        change::{Change, ChangeKind, Subject},
    },
    store::timeline,
    text::Clean,
    time::seconds_between,
};

/// Identity of an entry, newest first.
pub type Key = (Reverse<Timestamp>, ChangeKind, Clean);

/// Entries of the timeline by identity.
#[derive(Default)]
pub struct Happened {
    by_key: BTreeMap<Key, (Change, Option<u64>)>,
}

impl Happened {
    /// Reads what happened within `window`.
    pub fn read(view: &View<'_>, window: Duration) -> Self {
        let oldest = view.time().checked_sub(window).unwrap_or(Timestamp::MIN);
        let clusters = view.store.backends.values().filter(|backend| backend.kind == BackendKind::Kubernetes);
        let has_several = clusters.count() > 1;
        let changes = timeline::timeline(view.store, view.now, window)
            .into_iter()
            .map(|change| (if has_several { with_cluster(change) } else { change }, None));
        let recent = view.acts.newest().take_while(|act| act.started >= oldest).filter(|act| !is_elsewhere(view, act));
        let acts = recent.map(|act| {
            let (word, level) = match (act.outcome, act.unseen) {
                (_, Some(Unseen::Watching)) => (" (being watched)", Level::Progress),
                (_, Some(Unseen::Unwatched)) => (" (its end was not watched)", Level::Unknown),
                (_, Some(Unseen::NotThere)) if act.is_outside() => (" (failed)", Level::Wrong),
                (_, Some(Unseen::NotThere)) => (" (not there)", Level::Wrong),
                (Outcome::Running, None) => (" (running)", Level::Progress),
                (Outcome::Done, None) => ("", Level::Ok),
                (Outcome::Refused, None) => (" (refused)", Level::Wrong),
                (Outcome::Unknown, None) => (" (outcome unknown)", Level::Unknown),
            };
            let change = Change {
                at: act.started,
                kind: ChangeKind::Act,
                level,
                text: Clean::own(format!("{} by {}{word}", act.title, act.actor)),
                subject: Subject::None,
            };
            (change, Some(act.number))
        });
        Self { by_key: changes.chain(acts).map(|entry| (key_of(&entry.0), entry)).collect() }
    }

    pub fn get(&self, key: &Key) -> Option<&Change> {
        self.by_key.get(key).map(|(change, _)| change)
    }

    /// Newest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Change)> {
        self.by_key.iter().map(|(key, (change, _))| (key, change))
    }

    /// The object an entry is about.
    pub fn target(&self, key: &Key) -> Option<Target> {
        let (change, act) = self.by_key.get(key)?;
        act.map(Target::Act).or_else(|| Target::of(&change.subject))
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.by_key.len()
    }
}

/// `payments 88 in staging-eu1 (rev 91)`: the same workload runs in several. What it was stands first: it is cut last, and
/// its number first.
fn with_cluster(change: Change) -> Change {
    let cluster = match &change.subject {
        Subject::Workload(key) => &key.cluster,
        Subject::Pod(key) => &key.cluster,
        Subject::Run(_) | Subject::PullRequest(_) | Subject::Alert(_) | Subject::None => return change,
    };
    let text = match change.text.split_once(" (rev ") {
        Some((what, rev)) => format!("{what} in {cluster} (rev {rev}"),
        None => format!("{} in {cluster}", change.text),
    };
    Change { text: Clean::own(text), ..change }
}

/// An act on a cluster that is none of the open ones, as when another has its name now. While one of them has not said
/// which it is, it may be that one.
fn is_elsewhere(view: &View<'_>, act: &Act) -> bool {
    let mut open = view.store.backends.values().filter(|backend| backend.kind == BackendKind::Kubernetes);
    act.cluster_id.is_some() && open.all(|it| it.info.cluster_id.is_some() && it.info.cluster_id != act.cluster_id)
}

fn key_of(change: &Change) -> Key {
    (Reverse(change.at), change.kind, change.text.clone())
}

/// Columns of a timeline; `relative`: with the distance to a moment first.
pub fn columns(relative: bool) -> Vec<Column<'static>> {
    let first = if relative { Column::new("", 5, 90).right() } else { Column::new("", 5, 90) };
    vec![first, Column::new("", 2, 100), Column::new("", 6, 80), Column::new("", 40, 99).min(10).grows()]
}

/// Time (or the distance to `moment`), mark, kind, words.
pub fn cells(view: &View<'_>, change: &Change, moment: Option<Timestamp>, is_new: bool) -> Vec<Line<'static>> {
    let theme = view.theme;
    let when = match moment {
        Some(moment) => distance(moment, change.at),
        None => words::clock(change.at),
    };
    let mark = match (change.kind, change.level) {
        (ChangeKind::Alert | ChangeKind::Act, Level::Ok) => Mark::Ok,
        (_, Level::Ok) if is_new => Mark::New,
        (_, Level::Ok) => Mark::Blank,
        (_, level) => pane::mark_of(level),
    };
    let style = match change.level {
        Level::Broken => theme.broken,
        Level::Ok if change.kind != ChangeKind::Deploy => theme.text,
        _ => theme.strong,
    };
    vec![
        Line::styled(when, theme.dim),
        Line::from(theme.mark(mark)),
        Line::styled(change.kind.word(), if change.kind == ChangeKind::Deploy { theme.marker } else { theme.dim }),
        Line::styled(change.text.to_string(), style),
    ]
}

/// `-2m`, `+40s`, `-45d`: from a moment to a change. Minutes are those between the clocks beside it: 18:45 is 4m before
/// 18:49, whatever the seconds that are not shown.
pub fn distance(moment: Timestamp, at: Timestamp) -> String {
    let seconds = seconds_between(moment, at);
    let minute = |at: Timestamp| at.as_second().div_euclid(60);
    let sign = if seconds < 0 { '-' } else { '+' };
    let words = match seconds.abs() {
        seconds @ 0..60 => format!("{seconds}s"),
        60..7200 => format!("{}m", (minute(at) - minute(moment)).abs()),
        seconds @ 7200..172_800 => format!("{}h", (seconds + 1800) / 3600),
        seconds => format!("{}d", (seconds + 43_200) / 86_400),
    };
    format!("{sign}{words}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        action::{Request, act::ActionEvent},
        model::{BackendId, Part, SourceId, kubernetes::WorkloadKind},
        ui::testing::{World, at, cluster, workload_key},
    };

    #[test]
    fn what_was_done_on_a_cluster_that_had_the_name_before_is_not_of_this_one() {
        let act = |number: u64, title: &str, cluster_id: Option<&str>| Act {
            number,
            request: Request::Restart { workload: workload_key(WorkloadKind::Deployment, "myapp") },
            title: title.into(),
            place: "prod-eu1/production".into(),
            actor: "ana".into(),
            started: at("03:10"),
            ended: Some(at("03:11")),
            steps: Vec::new(),
            outcome: Outcome::Done,
            reason: None,
            switches: Vec::new(),
            away: None,
            left: None,
            unseen: None,
            can_undo: false,
            cluster_id: cluster_id.map(Clean::from),
            is_mine: false,
        };
        let mut world = World::live();
        let acts = vec![act(3, "here", Some("uid-2")), act(2, "there", Some("uid-1")), act(1, "anywhere", None)];
        world.acts.apply(&ActionEvent::History { acts, unfinished: Vec::new() });
        let titles = |world: &World| -> Vec<String> {
            let happened = Happened::read(&world.view(), Duration::from_hours(2));
            let acts = happened.iter().filter(|(_, change)| change.kind == ChangeKind::Act);
            acts.map(|(_, change)| change.text.to_string()).collect()
        };
        assert_eq!(titles(&world).len(), 3, "it has not said yet which cluster it is");
        world.store.backends.get_mut(&cluster()).expect("it is open").info.cluster_id = Some("uid-2".into());
        assert_eq!(titles(&world), ["anywhere by ana", "here by ana"]);
    }

    #[test]
    fn where_several_clusters_are_open_a_change_says_in_which_it_was() {
        let mut world = crate::ui::testing::incident();
        let deploys = |world: &World| -> Vec<String> {
            let happened = Happened::read(&world.view(), Duration::from_hours(2));
            let deploys = happened.iter().filter(|(_, change)| change.kind == ChangeKind::Deploy);
            deploys.map(|(_, change)| change.text.to_string()).collect()
        };
        assert!(deploys(&world).contains(&"myapp 411 -> 412 (rev 14)".to_owned()), "{:?}", deploys(&world));
        let staging = SourceId::new(&BackendId::new("staging-eu1"), Part::Deployments);
        world.store.expect(staging, BackendKind::Kubernetes, Duration::from_secs(15), 1);
        assert!(deploys(&world).contains(&"myapp 411 -> 412 in prod-eu1 (rev 14)".to_owned()), "{:?}", deploys(&world));
    }

    #[test]
    fn a_distance_has_the_unit_that_is_read_at_a_glance() {
        let of = |seconds: i64| distance(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).expect("a time"));
        let all = [-40, 150, -7200, 2 * 86_400 - 1, -45 * 86_400].map(of);
        assert_eq!(all, ["-40s", "+2m", "-2h", "+48h", "-45d"]);
    }

    #[test]
    fn a_distance_is_that_of_the_clocks_beside_it() {
        assert_eq!(distance(at("18:49:50"), at("18:45:02")), "-4m");
        assert_eq!(distance(at("18:45:58"), at("18:47:01")), "+2m");
        assert_eq!(distance(at("18:45:50"), at("18:46:10")), "+20s");
    }
}
