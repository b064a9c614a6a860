//! Acting without a screen: the same evidence, plan, gates, audit and steps as the key.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

use super::{RealEngine, Tell};
use crate::{
    action::{
        Request, Risk,
        act::{Act, ActionEvent, Outcome, StepState},
        beside,
        confirm::{self, Given},
        plan::{Plan, plan},
    },
    app::settings::Settings,
    store::Store,
    text::Clean,
};

/// How a command that acts ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Refused = 1,
    /// A value that must be given was not.
    Usage = 2,
    /// Evidence could not be read.
    Unreadable = 3,
    /// It may have happened, or all was sent and it was not seen to arrive.
    Unknown = 4,
}

/// What is asked for without a screen.
#[derive(Clone, Debug)]
pub struct Headless {
    pub request: Request,
    pub given: Given,
    /// Plan only.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Ran {
    pub plan: Option<Plan>,
    pub act: Option<Act>,
    /// Why it ended as it did.
    pub says: Clean,
    pub exit: Exit,
}

impl Ran {
    fn ended(exit: Exit, says: impl Into<Clean>, plan: Option<Plan>) -> Self {
        Self { plan, act: None, says: says.into(), exit }
    }
}

/// Keeps the last refusal, and passes the progress on.
struct Listener {
    refused: Mutex<Option<Clean>>,
    progress: Arc<dyn Tell>,
}

impl Tell for Listener {
    fn tell(&self, event: ActionEvent) -> BoxFuture<'_, ()> {
        if let ActionEvent::Refused { says, .. } = &event {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(says.clone());
        }
        self.progress.tell(event)
    }
}

/// Plans, confirms by the given values, and executes to the end of its watch. Prints nothing; progress goes to the
/// engine's news. `store` holds what was read once for bindings and freshness.
pub async fn run_headless(engine: &RealEngine, ask: &Headless, store: &Store, settings: &Settings) -> Ran {
    let inner = &engine.0;
    let runs = beside(&ask.request, inner.undone_by(&ask.request).await.as_ref(), store, settings);
    let now = inner.clock.now();
    let shown = match inner.gather(&ask.request, &runs).await {
        Err(error) => return Ran::ended(Exit::Unreadable, error.says, None),
        Ok(evidence) => match plan(&ask.request, &evidence, store, settings, now) {
            Err(refusal) => return Ran::ended(Exit::Refused, refusal.0, None),
            Ok(plan) => plan,
        },
    };
    if ask.dry_run {
        return Ran::ended(Exit::Done, "dry run: nothing was sent", Some(shown));
    }
    if let Some(why) = &shown.blocked {
        return Ran::ended(Exit::Refused, why.clone(), Some(shown));
    }
    if let Some(missing) = missing(&shown, &ask.given) {
        return Ran::ended(Exit::Usage, missing, Some(shown));
    }
    if let Err(refusal) = confirm::given(shown.clone(), &ask.given) {
        return Ran::ended(Exit::Refused, refusal.0, Some(shown));
    }
    // Once more, as after Enter.
    let fresh = match inner.gather(&ask.request, &runs).await {
        Err(error) => return Ran::ended(Exit::Unreadable, error.says, Some(shown)),
        Ok(evidence) => match plan(&ask.request, &evidence, store, settings, inner.clock.now()) {
            Err(refusal) => return Ran::ended(Exit::Refused, refusal.0, Some(shown)),
            Ok(plan) => plan,
        },
    };
    if let Some(moved) = shown.moved_to(&fresh) {
        return Ran::ended(Exit::Refused, moved, Some(fresh));
    }
    let approved = match confirm::given(fresh.clone(), &ask.given) {
        Ok(approved) => approved,
        Err(refusal) => return Ran::ended(Exit::Refused, refusal.0, Some(fresh)),
    };
    let listener = Arc::new(Listener { refused: Mutex::default(), progress: inner.news.clone() });
    let writing = inner.begin_writing(0, fresh.title.clone());
    let act = inner.clone().carry_out(0, approved, writing, listener.clone()).await;
    let refused = listener.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (exit, says) = match act.as_ref().map(|act| act.outcome) {
        Some(Outcome::Done) => {
            let (exit, says) = arrived(act.as_ref(), inner.pace.watch.is_zero());
            (exit, say!("{}: {says}", fresh.title))
        }
        Some(Outcome::Unknown | Outcome::Running) => (Exit::Unknown, say!("{}: the outcome is unknown", fresh.title)),
        Some(Outcome::Refused) => (Exit::Refused, say!("{}: refused", fresh.title)),
        None => (Exit::Refused, refused.unwrap_or_else(|| "refused".into())),
    };
    Ran { plan: Some(fresh), act, says, exit }
}

/// All is sent; whether it came to what was wanted its watch tells, where it has one. A script that goes on is to know that
/// it was not seen, unless nobody was to look.
fn arrived(act: Option<&Act>, is_unwatched: bool) -> (Exit, Clean) {
    match act.and_then(|act| act.steps.last()) {
        Some((_, StepState::Unknown(_) | StepState::Refused(_))) if is_unwatched => (Exit::Done, "sent".into()),
        Some((_, StepState::Unknown(says) | StepState::Refused(says))) => (Exit::Unknown, say!("sent, but {says}")),
        _ => (Exit::Done, "done".into()),
    }
}

/// What the command line must give and does not.
fn missing(plan: &Plan, given: &Given) -> Option<Clean> {
    match plan.risk {
        Risk::Reversible if given.confirm.is_none() => Some("give --confirm y".into()),
        Risk::Production if given.confirm.is_none() => {
            Some(say!("give --confirm {}", plan.accepts.first().map_or("", |accept| accept)))
        }
        Risk::Stopped if given.name.is_none() || given.reason.is_none() => {
            Some("a STOP stands in the plan: give --name with the full name, and --reason".into())
        }
        _ => None,
    }
}
