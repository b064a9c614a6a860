//! A write whose answer is lost is looked at: it may have happened all the same.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use jiff::Timestamp;

use super::Inner;
use crate::{
    action::{ActionError, Done, Found, Operator, Write},
    text::Clean,
};

/// Looks, a moment apart: a server that is slow may be at it still.
const LOOKS: u32 = 3;

impl Inner {
    /// Whether it happened stands in the object. What is not there yet may still come, so that stays unknown.
    pub(super) async fn looked_at(
        &self,
        operator: &dyn Operator,
        write: &Write,
        (sent, why): (Timestamp, Clean),
    ) -> Result<Done, ActionError> {
        let mut last = why.clone();
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(self.pace.poll).await;
            }
            // Whatever failed while it was sent may fail here again.
            let looked = AssertUnwindSafe(async { operator.look(write, sent).await }).catch_unwind();
            last = match tokio::time::timeout(self.pace.end, looked).await {
                Ok(Ok(Some(Ok(Found::InForce(Done { says, reference }))))) => {
                    return Ok(Done { says: say!("no answer came, but {says} ({why})"), reference });
                }
                Ok(Ok(Some(Ok(Found::Failed(says))))) => {
                    return Err(ActionError::Refused(say!("no answer came, but {says} ({why})")));
                }
                Ok(Ok(Some(Ok(Found::InPart(says))))) => {
                    say!("{why}. Read again just now: {says}. What of it was applied is not known")
                }
                Ok(Ok(Some(Ok(Found::Missing(says))))) => {
                    say!("{why}. Read again just now: {says}. It did not arrive, or not yet")
                }
                Ok(Ok(Some(Err(unread)))) => {
                    say!("{why}. Whether it did is not known: it could not be read again: {unread}")
                }
                Ok(Ok(None)) => {
                    return Err(ActionError::Unknown(say!("{why}. What can be read does not tell whether it did")));
                }
                Ok(Err(_)) => say!("{why}. Whether it did is not known: midwatch failed while it was read"),
                Err(_) => say!("{why}. Whether it did is not known: reading it again had no answer either"),
            };
        }
        Err(ActionError::Unknown(last))
    }
}
