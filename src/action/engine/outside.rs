//! What midwatch does not do itself but hands a row to: a program, a shell. Its intent is on disk before it begins, its
//! end after.

use super::{RealEngine, UnderWay};
use crate::{
    action::{
        Request, Risk,
        act::{Act, ActionEvent, Outcome, StepState, Unseen},
        audit::{Begun, Entry, StepResult},
    },
    model::BackendId,
    text::Clean,
};

/// What is handed over, to what.
#[derive(Clone, Debug)]
pub struct Outside {
    pub backend: Option<BackendId>,
    /// `RUN debug on pod myapp-1`
    pub title: Clean,
    pub place: Clean,
    pub production: bool,
    /// What exactly: the line that is run.
    pub says: Clean,
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// It ended well, in words.
    Done(Clean),
    /// It ended with a status that says that it failed: what it did until then is done.
    Badly(Clean),
    /// It was never begun.
    Failed(Clean),
    /// Its end was not seen.
    Unknown(Clean),
}

impl Ended {
    pub fn says(&self) -> &Clean {
        match self {
            Self::Done(says) | Self::Badly(says) | Self::Failed(says) | Self::Unknown(says) => says,
        }
    }
}

impl RealEngine {
    /// Runs `run` between its intent and its outcome in the audit. `waits`: quitting waits a moment for its end.
    ///
    /// # Errors
    /// The audit cannot be written: nothing was run.
    pub async fn audited(
        &self,
        outside: Outside,
        waits: bool,
        run: impl Future<Output = Ended>,
    ) -> Result<Ended, Clean> {
        let inner = &self.0;
        let _under_way: Option<UnderWay> = waits.then(|| inner.begin_writing(0, outside.title.clone()));
        let at = inner.clock.now().wall;
        let request = Request::Outside { backend: outside.backend.clone() };
        let begun = Begun {
            actor: inner.identity.me.clone(),
            login: inner.identity.login.clone(),
            process: std::process::id(),
            version: Clean::from(env!("CARGO_PKG_VERSION")),
            request: request.clone(),
            title: outside.title.clone(),
            place: outside.place.clone(),
            cluster_id: None,
            production: outside.production,
            risk: if outside.production { Risk::Production } else { Risk::Reversible },
            reason: None,
            steps: vec![outside.says.clone()],
            warnings: Vec::new(),
            kept: None,
            from_revision: None,
            to_revision: None,
            can_undo: false,
        };
        let intended = Entry::Intended { step: 0, says: outside.says.clone(), write: None };
        let number = inner
            .on_audit(move |audit| {
                let number = audit.begin(at, |_| begun)?;
                audit.append(number, at, intended)?;
                Ok(number)
            })
            .await
            .map_err(|why| say!("the audit could not be written, so nothing was run: {why}"))?;
        let mut act = Act {
            number,
            request,
            title: outside.title,
            place: outside.place,
            actor: inner.identity.me.clone(),
            started: at,
            ended: None,
            steps: vec![(outside.says, StepState::Running("running".into()))],
            outcome: Outcome::Running,
            reason: None,
            switches: Vec::new(),
            away: None,
            left: None,
            unseen: None,
            can_undo: false,
            cluster_id: None,
            is_mine: true,
        };
        inner.news.tell(ActionEvent::Act(Box::new(act.clone()))).await;
        let ended = run.await;
        let at = inner.clock.now().wall;
        let (result, outcome, state) = match &ended {
            Ended::Done(says) => (StepResult::Done, Outcome::Done, StepState::Done(says.clone())),
            Ended::Badly(says) => (StepResult::Done, Outcome::Done, StepState::Refused(says.clone())),
            Ended::Failed(says) => (StepResult::Refused, Outcome::Refused, StepState::Refused(says.clone())),
            Ended::Unknown(says) => (StepResult::Unknown, Outcome::Unknown, StepState::Unknown(says.clone())),
        };
        let says = ended.says().clone();
        let is_bad = matches!(ended, Ended::Badly(_));
        let written = inner
            .on_audit(move |audit| {
                let outcome_of_it = Entry::Outcome { step: 0, result, says: says.clone(), reference: None };
                audit.append(number, at, outcome_of_it)?;
                audit.append(number, at, Entry::Ended { outcome })?;
                if is_bad { audit.append(number, at, Entry::Watched { met: false, says }) } else { Ok(()) }
            })
            .await;
        act.steps[0].1 = state;
        (act.outcome, act.ended) = (outcome, Some(at));
        act.unseen = is_bad.then_some(Unseen::NotThere);
        inner.news.tell(ActionEvent::Act(Box::new(act))).await;
        match written {
            Ok(()) => Ok(ended),
            Err(why) => Ok(Ended::Unknown(say!("{}; that could not be written to the audit: {why}", ended.says()))),
        }
    }
}
