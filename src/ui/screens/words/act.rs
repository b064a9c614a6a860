//! What a row says of an act: how far it is before all else, then what it did.

use super::{Words, outcome_mark, step_words};
use crate::{
    action::{
        Request,
        act::{Act, Outcome, StepState},
    },
    time::age_of,
    ui::View,
};

/// How many pods are ready of those that an act watches: `411 8/10 ready, Terminating 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready<'a> {
    /// `8/10`
    pub pods: &'a str,
    /// Of which version they are; empty: of all.
    pub version: &'a str,
    /// What is said beside it.
    rest: &'a str,
}

impl<'a> Ready<'a> {
    /// Reads what the watch of an act says; `None`: it counts no pods.
    pub fn read(says: &'a str) -> Option<Self> {
        let pods = says.split([' ', ',']).find(|word| is_fraction(word))?;
        let (before, after) = says.split_once(pods)?;
        let before = before.trim_end();
        // Of several workloads the words name each.
        let version = if before.contains([' ', ':']) { "" } else { before };
        let after = after.strip_prefix(" ready").unwrap_or(after);
        Some(Self { pods, version, rest: after.trim_start_matches([',', ' ']) })
    }

    /// ` on 411`
    pub fn on(&self) -> String {
        if self.version.is_empty() { String::new() } else { format!(" on {}", self.version) }
    }
}

/// `8/10`
fn is_fraction(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('/').is_some_and(|(of, all)| is_number(of) && is_number(all))
}

/// `rollback myapp`: what is done to what, as short as it goes.
pub fn act_name(act: &Act) -> String {
    match &act.request {
        Request::RollBack { workload, .. } => format!("rollback {}", workload.name),
        Request::Restart { workload } => format!("restart {}", workload.name),
        Request::Limits { workload, .. } => format!("limits {}", workload.name),
        Request::Resize { pod, .. } => format!("resize {}", pod.name),
        Request::Scale { workload, .. } => format!("scale {}", workload.name),
        Request::ResumeSync { workload } => format!("resume {}", workload.name),
        _ => act.title.to_string(),
    }
}

/// `412 -> 411`: what the title says behind the object that the name has already.
fn from_to(act: &Act) -> &str {
    let workload = match &act.request {
        Request::RollBack { workload, .. } | Request::Scale { workload, .. } => workload.to_string(),
        _ => return "",
    };
    act.title.split_once(&workload).map_or("", |(_, rest)| rest.trim())
}

pub(super) fn words(view: &View<'_>, act: &Act) -> Words {
    let mut open =
        act.numbered_steps().filter(|(_, (_, state))| !matches!(state, StepState::Done(_) | StepState::Skipped(_)));
    let says = match (act.outcome, open.next()) {
        (Outcome::Running, Some((number, (what, state)))) => {
            let last = act.numbered_steps().last().map_or(number, |(last, _)| last);
            let news = step_words(state).1;
            let step = format!("step {number} of {last}");
            match Ready::read(news) {
                // What is cut is what is known without it.
                Some(ready) => {
                    let rest = if ready.rest.is_empty() { String::new() } else { format!(", {}", ready.rest) };
                    format!("{} ready{}, {step}{rest}", ready.pods, ready.on())
                }
                // What is seen says more than what is waited for.
                None if news.is_empty() => format!("{step}: {what}"),
                None => format!("{step}: {news}"),
            }
        }
        // Of what was sent and not seen to arrive, its watch says more than where it was.
        (_, Some((_, (what, state)))) if act.outcome != Outcome::Done || act.unseen.is_some() => {
            format!("{what}: {}", step_words(state).1)
        }
        (Outcome::Unknown, None) => "outcome unknown".to_owned(),
        _ => match from_to(act) {
            "" => act.place.to_string(),
            from_to => format!("{from_to}   {}", act.place),
        },
    };
    Words {
        mark: outcome_mark(act),
        name: act_name(act),
        says: says.trim_end().to_owned(),
        when: age_of(act.ended.unwrap_or(act.started), view.now.wall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_that_a_watch_counts_are_read_with_their_version() {
        let read = |says| Ready::read(says).map(|ready| (ready.pods, ready.on(), ready.rest));
        let of_version = Some(("4/10", " on 411".to_owned(), "Terminating 2 (node-5)"));
        assert_eq!(read("411 4/10 ready, Terminating 2 (node-5)"), of_version);
        assert_eq!(read("0/6 ready"), Some(("0/6", String::new(), "")));
        assert_eq!(read("deploy/web: 411 1/2 ready"), Some(("1/2", String::new(), "")), "one of several");
        assert_eq!(read("pods could not be read: denied"), None);
    }
}
