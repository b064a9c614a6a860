//! While something else has the terminal: what comes in is taken in, nothing is drawn, no key is ours.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::{Host, Inputs, take_answer};
use crate::{
    app::{App, Effect, Msg},
    effects::Work,
    time::Clock,
};

/// Waits for the end of `aside`; `None`: the program is told to end. What the App wants done meanwhile waits in `later`.
pub async fn meanwhile<T>(
    app: &mut App,
    inputs: &mut Inputs,
    work: &mut Work,
    host: &mut dyn Host,
    clock: &Arc<dyn Clock>,
    later: &mut Vec<Effect>,
    aside: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(aside);
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = inputs.stop.cancelled() => return None,
            _ = &mut inputs.gone => return None,
            ended = &mut aside => return Some(ended),
            msg = inputs.news.recv() => {
                later.extend(msg.map(|msg| app.update(msg, clock.now())).unwrap_or_default());
            }
            update = inputs.updates.recv() => {
                later.extend(app.update(Msg::Update(Box::new(update?)), clock.now()));
            }
            answer = inputs.answers.recv() => {
                later.extend(take_answer(app, work, answer?, clock));
            }
            () = inputs.wake.notified() => host.poll(app, work),
            _ = tick.tick() => {
                later.extend(app.update(Msg::Tick, clock.now()));
                host.poll(app, work);
            }
        }
    }
}
