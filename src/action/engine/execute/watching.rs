//! What is waited for when all is sent: looked at until it is there, never will be, or gets no further.

use tokio::time::sleep;

use super::Running;
use crate::action::{
    act::{Left, StepState, Unseen},
    audit::Entry,
    engine::watch::{Seen, Stage},
    plan::Watched,
};

/// For so many times as long as nothing need get on, a build counts that its server says waits or runs: two hours.
const AT_WORK: u32 = 12;

impl Running {
    pub(super) async fn watch(&mut self, index: usize, wanted: &Watched) {
        let pace = self.inner.pace;
        let mut furthest: Option<i64> = None;
        let mut end = Box::pin(sleep(pace.watch));
        let latest = end.deadline() + pace.watch * AT_WORK;
        let last = loop {
            let says = match self.inner.look(wanted, self.act.left.is_some(), self.started.as_ref()).await {
                Ok(Seen { says, stage: Stage::Going, left, progress, is_at_work }) => {
                    self.has_left(left).await;
                    // While it gets on there is something to see, however long that takes. A build may run for long before
                    // it touches a pod; one that hangs is not waited for without end.
                    let next = sleep(pace.watch);
                    let runs_on = is_at_work && next.deadline() <= latest;
                    if runs_on || furthest.is_some_and(|furthest| progress > furthest) {
                        end.set(next);
                    }
                    furthest = furthest.max(Some(progress));
                    says
                }
                Ok(Seen { says, stage, left, .. }) => {
                    self.has_left(left).await;
                    let met = stage == Stage::Met;
                    let _ = self.record(Entry::Watched { met, says: says.clone() }).await;
                    if met {
                        self.set(index, StepState::Done(says)).await;
                    } else {
                        self.act.unseen = Some(Unseen::NotThere);
                        self.ends(index, StepState::Refused(says)).await;
                    }
                    return;
                }
                Err(why) => say!("?? {why}"),
            };
            self.set(index, StepState::Running(says.clone())).await;
            tokio::select! {
                () = &mut end => break says,
                () = sleep(pace.poll) => {}
            }
        };
        let says = say!("not there, and no further for {} min: {last}", pace.watch.as_secs() / 60);
        if pace.watch.is_zero() {
            // Nobody was to look: that it was not there at once is no news.
            self.act.unseen = Some(Unseen::Unwatched);
        } else {
            self.act.unseen = Some(Unseen::NotThere);
            let _ = self.record(Entry::Watched { met: false, says: says.clone() }).await;
        }
        self.set(index, StepState::Unknown(says)).await;
    }

    /// The first that is seen counts.
    async fn has_left(&mut self, generation: Option<i64>) {
        if let (None, Some(generation)) = (self.act.left, generation) {
            self.act.left = Some(Left { generation, at: self.inner.clock.now().wall });
            self.tell().await;
        }
    }
}
