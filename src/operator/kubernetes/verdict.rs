//! What a failed write means: it moved, it was refused, it was never sent, or nobody knows. The last is said honestly.

use jiff::Timestamp;
use serde_json::Value;

use super::Mode;
use crate::{
    action::{ActionError, new_images},
    model::kubernetes::{WorkloadKey, tag_of},
    source::kubernetes::{
        failure::{Failure, Reached},
        inspect::template_changes,
    },
    text::Clean,
    time,
};

/// Judges at a moment.
pub struct Verdict {
    /// By the cluster's own clock.
    pub now: Timestamp,
}

impl Verdict {
    /// How the object differs from what was looked at; `None`: it does not.
    pub fn moved(&self, key: &WorkloadKey, uid: &str, live: Option<&Value>, object: &Value) -> Option<String> {
        if object.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid) {
            return Some(format!("'{key}' was deleted and made anew"));
        }
        if live.is_none_or(|live| object.pointer("/spec/template") == Some(live)) {
            return None;
        }
        let changes = template_changes(object);
        let who = changes.first().map_or_else(|| "somebody".to_owned(), |(manager, _)| format!("'{manager}'"));
        let when = changes.first().map(|(_, at)| self.ago(*at));
        let to =
            live.zip(object.pointer("/spec/template")).and_then(|(live, now)| new_images(now, live).first().copied());
        // It may be just the version that was wanted.
        let (to, comma) = to.map(|image| (format!(" to {}", tag_of(image)), ",")).unwrap_or_default();
        let when = when.map(|when| format!("{comma} {when}")).unwrap_or_default();
        Some(format!("{who} changed the template of '{key}'{to}{when}"))
    }

    fn ago(&self, at: Timestamp) -> String {
        match time::seconds_between(at, self.now) {
            // Clocks of two computers.
            ..=0 => "just now".to_owned(),
            seconds @ 1..120 => format!("{seconds} s ago"),
            seconds => format!("{} ago", time::age(seconds)),
        }
    }

    /// `moved`: what a fresh read showed; `look`: the command that tells what happened.
    pub fn of(failure: &Failure, mode: Mode, moved: Option<String>, look: &str) -> ActionError {
        if let Some(how) = moved {
            let says = format!("{how}; the server's guard held and nothing was changed");
            return ActionError::Moved(Clean::line(&says));
        }
        match (failure.reached, failure.code) {
            (Reached::NotSent, _) => ActionError::NotSent(Clean::line(&format!("nothing was sent: {failure}"))),
            (Reached::Answered, Some(409)) => {
                ActionError::Moved(Clean::line(&format!("it changed while we sent, and nothing was done: {failure}")))
            }
            (Reached::Answered, _) if is_refused(failure, mode) => ActionError::Refused(refusal(failure)),
            _ if mode == Mode::Rehearse => {
                ActionError::NotSent(Clean::line(&format!("the rehearsal has no answer: {failure}")))
            }
            _ => {
                let says = format!("sent, but the answer is lost: it may have happened. Check `{look}`. ({failure})");
                ActionError::Unknown(Clean::line(&says))
            }
        }
    }
}

/// The server's own sentence, verbatim, with its causes.
fn refusal(failure: &Failure) -> Clean {
    if failure.message.is_empty() {
        return failure.error.says.clone();
    }
    let causes = failure.causes.iter().map(|(_, cause)| cause);
    let news: Vec<String> = causes
        .filter(|cause| !cause.is_empty() && !failure.message.contains(&***cause))
        .map(|cause| format!(" ({cause})"))
        .collect();
    Clean::line(&format!("{}{}", failure.message, news.concat()))
}

/// The server says no, and has done nothing.
fn is_refused(failure: &Failure, mode: Mode) -> bool {
    match failure.code {
        Some(500) => is_judged(failure),
        // Too busy, going down, or without a login: what is rehearsed was not looked at.
        Some(401 | 429 | 503) if mode == Mode::Rehearse => is_judged(failure),
        // What stands before the API server says so as well, of what it has passed on: its words are no Status.
        Some(503) => !failure.reason.is_empty(),
        Some(code) => code < 500,
        None => false,
    }
}

/// A no to what was asked, whatever its code: of a webhook, or of disruption budgets, before anything was stored.
fn is_judged(failure: &Failure) -> bool {
    let says = ["failed calling webhook", "admission webhook", "more than one PodDisruptionBudget"];
    says.iter().any(|words| failure.message.contains(words))
        || failure.causes.iter().any(|(reason, _)| *reason == "DisruptionBudget")
}

/// The text of a `Warning` header: `299 - "text"`.
pub fn warning(header: &str) -> Clean {
    let quoted = header.split_once('"').map(|(_, text)| text.trim_end());
    let text = quoted.map_or(header, |text| text.strip_suffix('"').unwrap_or(text));
    Clean::line(&text.replace("\\\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_lose_their_frame() {
        assert_eq!(
            warning("299 - \"would violate PodSecurity \\\"restricted:latest\\\"\""),
            "would violate PodSecurity \"restricted:latest\""
        );
        assert_eq!(warning("odd"), "odd");
    }
}
