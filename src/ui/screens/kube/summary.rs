//! The line under the selected workload: its versions, how far a rollout is and when it is given up, or why it is marked.

use ratatui::text::{Line, Span};

use super::super::{super::View, pane::level_style, words::unmade};
use crate::{
    model::{
        Level,
        code::Run,
        kubernetes::{ObjectKey, RolloutState, Workload},
    },
    time::age_of,
};

/// The run that deploys this workload now.
fn deploying<'a>(view: &View<'a>, workload: &Workload) -> Option<&'a Run> {
    let repository = view.settings.service_of(&workload.key)?.repository.as_ref()?;
    let of_it = |run: &&Run| run.deploys && !run.state.is_finished() && run.key.repo.name == *repository;
    view.store.runs.values().filter(of_it).max_by_key(|run| run.started)
}

/// How much of a summary there is room for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Ample,
    Little,
    /// Both clocks, and what they are about.
    Least,
}

/// Why it is marked, else how far its rollout is. That pods of the old version wait is said beside it: nothing else does.
fn told(view: &View<'_>, workload: &Workload, why: Option<&Span<'static>>, room: Room) -> Vec<Span<'static>> {
    let rollout = || rollout_words(view, workload, room);
    let Some(why) = why else { return rollout() };
    let mut words = vec![why.clone()];
    if workload.pods_to_delete() > 0 || workload.is_held() {
        words.push(Span::raw("   "));
        words.extend(rollout());
    }
    // In little room its cause is cut first: the pods' rows have it too.
    if room == Room::Least {
        words.reverse();
    }
    words
}

/// `new rev 14 2/5 ready | old …`, and kubectl's words for the rollout; in fewer words where there is no room.
///
/// `worst`: its pod that is worst, if one is bad.
pub(super) fn line(view: &View<'_>, workload: &Workload, worst: Option<&ObjectKey>, width: u16) -> Line<'static> {
    let theme = view.theme;
    let why = why_marked(view, workload, worst);
    let line = |room| {
        let name = vec![Span::styled(format!("{}  ", workload.key.name), theme.strong)];
        let words = told(view, workload, why.as_ref(), room);
        let live = versions_up(view, workload, room);
        let (deadline, pipeline) = (deadline(view, workload, room), pipeline(view, workload, room));
        let has_clocks = deadline.is_some() || pipeline.is_some();
        let clocks = [deadline, pipeline].into_iter().flatten().map(|words| vec![Span::styled(words, theme.wrong)]);
        // The name stands in the row that is selected: in the least room the clocks are worth more.
        let is_timed = matches!(workload.rollout.state, RolloutState::Progressing | RolloutState::Failed) && has_clocks;
        let mut spans = if room == Room::Least && is_timed { Vec::new() } else { name };
        let mut parts = vec![live];
        match room {
            Room::Ample => parts.extend(std::iter::once(words).chain(clocks)),
            // The versions say how far it is.
            Room::Least if has_clocks && workload.rollout.state == RolloutState::Progressing => parts.extend(clocks),
            // That it has failed is worth more than for how long anybody waits.
            _ if workload.rollout.state == RolloutState::Failed => parts.extend(std::iter::once(words).chain(clocks)),
            Room::Little | Room::Least => parts.extend(clocks.chain([words])),
        }
        parts.extend(unmade(view, workload).map(|why| vec![Span::styled(why, theme.wrong)]));
        for (index, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
            spans.extend((index > 0).then(|| Span::raw("   ")));
            spans.extend(part);
        }
        Line::from(spans)
    };
    let fits = |line: &Line<'_>| line.width() <= usize::from(width);
    [Room::Ample, Room::Little].into_iter().map(line).find(fits).unwrap_or_else(|| line(Room::Least))
}

/// `new rev 14 2/5 ready  |  old rev 13 4/4 ready`
fn versions_up(view: &View<'_>, workload: &Workload, room: Room) -> Vec<Span<'static>> {
    let theme = view.theme;
    let live: Vec<_> = view.store.kube.sets_of(workload).into_iter().filter(|set| set.replicas > 0).collect();
    if live.len() < 2 {
        return Vec::new();
    }
    let (bar, ready, rev) = match room {
        Room::Ample => ("  |  ", " ready", "rev "),
        Room::Little => (" | ", "", "rev "),
        Room::Least => (" | ", "", ""),
    };
    let spans = live.into_iter().enumerate().flat_map(|(index, set)| {
        let word = if index == 0 { "new" } else { "old" };
        let style = if set.ready < set.replicas { theme.wrong } else { theme.text };
        let revision = set.revision.map_or_else(String::new, |number| format!(" {rev}{number}"));
        [
            Span::styled(format!("{}{word}{revision} ", if index > 0 { bar } else { "" }), theme.dim),
            Span::styled(format!("{}/{}{ready}", set.ready, set.replicas), style),
        ]
    });
    spans.collect()
}

/// Why it is marked, where no rollout goes on or has failed: of what does it is told how far it is.
fn why_marked(view: &View<'_>, workload: &Workload, worst: Option<&ObjectKey>) -> Option<Span<'static>> {
    let is_over = matches!(workload.rollout.state, RolloutState::Done | RolloutState::Unavailable);
    let pod = view.store.kube.pods.get(worst.filter(|_| is_over)?)?;
    let (level, why) = pod.standing(view.store.time_of(&workload.key.cluster, view.now));
    (level < Level::Ok).then(|| Span::styled(why.into_owned(), level_style(view.theme, level)))
}

/// How far the rollout is, in kubectl's words.
fn rollout_words(view: &View<'_>, workload: &Workload, room: Room) -> Vec<Span<'static>> {
    let style = match workload.rollout.state {
        RolloutState::Failed => view.theme.broken,
        RolloutState::Progressing => view.theme.progress,
        _ if workload.pods_to_delete() > 0 || workload.is_held() => view.theme.progress,
        _ => view.theme.dim,
    };
    let words = workload.rollout_words();
    let words = match room {
        Room::Ample => words.to_string(),
        Room::Least if words.ends_with("exceeded its progress deadline") => "deadline exceeded".to_owned(),
        // What is said of `OnDelete` is short already.
        _ if workload.is_on_delete() => words.into_owned(),
        Room::Little => in_short(&words),
        // `9 of 10 available`: all of them are of the version wanted.
        Room::Least => in_short(&words).replace(" updated replicas are", "").replace(" updated pods are", ""),
    };
    vec![Span::styled(words, style)]
}

/// When the Deployment gives up.
fn deadline(view: &View<'_>, workload: &Workload, room: Room) -> Option<String> {
    // One that has ended has none, though its pods may be made anew.
    let may_give_up = |reason: &str| reason != "NewReplicaSetAvailable";
    let (_, _, last) = workload
        .progressing
        .as_ref()
        .filter(|(reason, ..)| workload.rollout.state == RolloutState::Progressing && may_give_up(reason))?;
    let now = view.store.time_of(&workload.key.cluster, view.now);
    let left = crate::time::seconds_between(now, (*last)?) + i64::from(workload.progress_deadline);
    Some(match left {
        1.. => format!("deadline {}{}", filler("in ", room), crate::time::age(left)),
        _ => "past its deadline".to_owned(),
    })
}

/// For how long its pipeline has waited: by a clock of its own, so that it may give up before or after.
fn pipeline(view: &View<'_>, workload: &Workload, room: Room) -> Option<String> {
    let run = deploying(view, workload).filter(|_| workload.rollout.state != RolloutState::Done)?;
    let since = run.started.or(run.created).map(|at| age_of(at, view.store.time_of(&run.key.repo.host, view.now)));
    let since = since.map(|since| format!(" {}{since}", filler("for ", room))).unwrap_or_default();
    Some(format!("pipeline #{} waits{since}", run.number))
}

fn filler(word: &str, room: Room) -> &str {
    if room == Room::Ample { word } else { "" }
}

/// kubectl's words without the name and what every one of them says: `2 of 4 updated`. What is available of what is updated
/// stays as it is: without its verb it reads as two counts.
fn in_short(words: &str) -> String {
    if let Some(held) = words.strip_prefix("paused: ") {
        return format!("paused: {}", in_short(held));
    }
    let told = words.split_once("to finish: ").map_or(words, |(_, told)| told);
    let told = told.rsplit_once("\" ").map_or(told, |(_, told)| told);
    let told = told.trim_end_matches("...").replace(" out of ", " of ").replace(" new replicas", " replicas");
    if told.ends_with("are available") {
        return told;
    }
    [" replicas", " pods", " have been", " are"].into_iter().fold(told, |told, filler| told.replace(filler, ""))
}

#[cfg(test)]
mod tests {
    use super::in_short;

    #[test]
    fn kubectls_words_in_short_are_still_words() {
        for (words, short) in [
            (
                "Waiting for deployment \"web\" rollout to finish: 2 out of 4 new replicas have been updated...",
                "2 of 4 updated",
            ),
            (
                "Waiting for deployment \"web\" rollout to finish: 9 of 10 updated replicas are available...",
                "9 of 10 updated replicas are available",
            ),
            ("deployment \"web\" successfully rolled out", "successfully rolled out"),
            (
                "paused: Waiting for deployment \"web\" rollout to finish: 0 out of 4 new replicas have been updated...",
                "paused: 0 of 4 updated",
            ),
            ("paused: what is changed does not roll out", "paused: what is changed does not roll out"),
        ] {
            assert_eq!(in_short(words), short);
        }
    }
}
