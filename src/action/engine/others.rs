//! Acts that other processes begin on the same audit file, and end, as long as this one lives.

use super::Inner;
use crate::{
    action::{
        act::{Act, ActionEvent, Outcome, Unseen},
        audit::{Audit, PastAct},
    },
    text::Clean,
};

impl Inner {
    /// A file that is as long as it was is not read again, unless that is wanted or something goes on: the process that
    /// does it may die without a word.
    pub(super) async fn follow_others(&self, mut told: Vec<Act>, unfinished: Vec<Clean>) {
        let goes_on = |act: &Act| act.outcome == Outcome::Running || act.unseen == Some(Unseen::Watching);
        // It may have grown since it was read for what was told.
        let mut read: Option<u64> = None;
        let mut failed: Option<Clean> = None;
        loop {
            let is_wanted = tokio::time::timeout(self.pace.poll, self.wanted.notified()).await.is_ok();
            let is_due = is_wanted || told.iter().any(goes_on);
            let (length, mut acts) = match self.acts_since(read.filter(|_| !is_due)).await {
                Ok(Some(found)) => found,
                Ok(None) => {
                    failed = None;
                    continue;
                }
                // Told once, and to whoever asks.
                Err(why) => {
                    if is_wanted || failed.as_ref() != Some(&why) {
                        self.news.tell(ActionEvent::Unread(say!("the audit could not be read: {why}"))).await;
                    }
                    failed = Some(why);
                    continue;
                }
            };
            (read, failed) = (Some(length), None);
            acts.retain(|act| !self.is_doing(act));
            let shown = self.shown(&acts);
            if shown != told {
                told.clone_from(&shown);
                self.news.tell(ActionEvent::History { acts: shown, unfinished: unfinished.clone() }).await;
            }
        }
    }

    /// The acts, and how long the file is; `None`: it is as long as it was.
    async fn acts_since(&self, read: Option<u64>) -> Result<Option<(u64, Vec<PastAct>)>, Clean> {
        let length = self.on_audit(Audit::length).await?;
        if read == Some(length) {
            return Ok(None);
        }
        Ok(Some((length, self.past_acts().await?)))
    }

    /// This process is at it, and tells it by itself. By the file alone it was cut off: nobody else that lives began it.
    fn is_doing(&self, act: &PastAct) -> bool {
        act.outcome.is_none() && act.begun.process == std::process::id() && act.begun.login == self.identity.login
    }
}
