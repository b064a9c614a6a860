//! The loop: one task owns the App and the terminal. Wake on anything, apply a bounded batch, draw at most once per
//! frame gap; a key draws at once.

mod aside;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{Event, EventStream, KeyEvent, KeyEventKind};
use futures::{StreamExt as _, future::BoxFuture};
use ratatui::layout::Rect;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Effect, Msg, copied},
    effects::Work,
    source::{Answered, Update},
    terminal::{Frame, LateReply, Session, osc},
    text::Clean,
    time::{Clock, Now},
};

/// Least time between two frames that data alone causes: thirty in a second are more than anybody reads.
const FRAME_GAP: Duration = Duration::from_millis(33);
/// Time spent on data per wake, so that it cannot starve keys.
const DRAIN: Duration = Duration::from_millis(2);
/// How long writes under way may take at the end.
const WRITES: Duration = Duration::from_secs(10);
/// How long keys that look like a late answer of the terminal are held back.
const HELD: Duration = Duration::from_millis(30);

/// Everything that wakes the loop.
pub struct Inputs {
    /// Keys typed before the loop listened.
    pub typed: Vec<KeyEvent>,
    pub updates: mpsc::Receiver<Update>,
    pub answers: mpsc::Receiver<Answered>,
    pub news: mpsc::Receiver<Msg>,
    /// The host has something: [`Host::poll`] it.
    pub wake: Arc<Notify>,
    /// Yields when the terminal is gone.
    pub gone: oneshot::Receiver<io::Error>,
    /// SIGTERM, SIGHUP, SIGINT from outside.
    pub stop: CancellationToken,
}

/// Something that has the terminal until it ends. Returns what to tell.
pub type Aside = BoxFuture<'static, Clean>;

/// What the loop cannot do by itself: it needs the configuration.
pub trait Host {
    /// Effects that change which sources run, or ask about configuration. Returns what to tell.
    fn carry_out(&mut self, effect: Effect, app: &mut App, work: &mut Work) -> Option<Clean>;
    /// The work of an effect that takes the terminal, to be done while the screen is suspended.
    ///
    /// # Errors
    /// In words: it cannot be done, and the screen stays.
    fn aside(&mut self, effect: &Effect, app: &App) -> Result<Aside, Clean>;
    /// When woken, and once a second: takes up what was opened and found meanwhile.
    fn poll(&mut self, app: &mut App, work: &mut Work);
    /// The next of what to tell. Asked only where it is seen: what else has the terminal would hide it.
    fn says(&mut self) -> Option<Clean>;
    /// Once a minute and at the end: keep a snapshot.
    fn keep(&mut self, app: &App, is_end: bool);
}

/// Draws one frame before the loop runs.
pub fn paint(app: &mut App, session: &mut Session, now: Now) -> io::Result<()> {
    let (width, height) = crossterm::terminal::size()?;
    app.update(Msg::Resize(width, height), now);
    submit(app, session, (width, height), now);
    Ok(())
}

/// Draws and hands over a frame; the title it wants.
fn submit(app: &mut App, session: &mut Session, (width, height): (u16, u16), now: Now) -> String {
    let mut buffer = session.writer().buffer(Rect::new(0, 0, width.max(1), height.max(1)));
    let drawn = app.draw(&mut buffer, now);
    session.writer().submit(Frame { buffer, cursor: drawn.cursor, links: drawn.links });
    drawn.title
}

/// Runs the cockpit until it is told to end.
pub async fn run(
    app: &mut App,
    session: &mut Session,
    work: &mut Work,
    host: &mut dyn Host,
    mut inputs: Inputs,
    late: LateReply,
    clock: Arc<dyn Clock>,
) -> io::Result<()> {
    let mut keyboard = Keyboard::listen(late);
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut kept = clock.now().mono;
    let mut screen = Screen { session, clock: clock.clone(), drawn: clock.now().mono, title: String::new() };
    let (width, height) = crossterm::terminal::size()?;
    app.update(Msg::Resize(width, height), clock.now());
    let now = clock.now();
    let mut early: Vec<Effect> = inputs.typed.drain(..).flat_map(|key| app.update(Msg::Key(key), now)).collect();
    screen.draw(app);
    work.want(&app.wanted(clock.now()));
    loop {
        let mut effects = std::mem::take(&mut early);
        let mut is_key = false;
        tokio::select! {
            biased;
            () = inputs.stop.cancelled() => break,
            _ = &mut inputs.gone => break,
            event = keyboard.events.recv() => {
                let Some(event) = event else { break };
                is_key = true;
                let now = clock.now();
                for msg in messages(event) {
                    effects.extend(app.update(msg, now));
                }
                // Keys typed in a burst are one frame.
                while let Ok(event) = keyboard.events.try_recv() {
                    for msg in messages(event) {
                        effects.extend(app.update(msg, now));
                    }
                }
            }
            () = sleep_until(app.next_frame(screen.drawn + FRAME_GAP).into()), if app.dirty => screen.draw(app),
            msg = inputs.news.recv() => effects.extend(msg.map(|msg| app.update(msg, clock.now())).unwrap_or_default()),
            update = inputs.updates.recv() => {
                let Some(update) = update else { break };
                effects.extend(app.update(Msg::Update(Box::new(update)), clock.now()));
                let until = clock.now().mono + DRAIN;
                while clock.now().mono < until {
                    let Ok(update) = inputs.updates.try_recv() else { break };
                    effects.extend(app.update(Msg::Update(Box::new(update)), clock.now()));
                }
            }
            answer = inputs.answers.recv() => {
                let Some(answer) = answer else { break };
                effects.extend(take_answer(app, work, answer, &clock));
                let until = clock.now().mono + DRAIN;
                while clock.now().mono < until {
                    let Ok(answer) = inputs.answers.try_recv() else { break };
                    effects.extend(take_answer(app, work, answer, &clock));
                }
            }
            () = inputs.wake.notified() => take_up(app, work, host, clock.now()),
            _ = tick.tick() => {
                effects.extend(app.update(Msg::Tick, clock.now()));
                take_up(app, work, host, clock.now());
                if clock.now().since(kept) >= Duration::from_mins(1) {
                    kept = clock.now().mono;
                    host.keep(app, false);
                }
            }
        }
        if is_key {
            screen.draw(app);
        }
        if !carry_out(effects, app, &mut screen, work, host, &mut keyboard, &mut inputs).await? {
            break;
        }
        let wanted = app.wanted(clock.now());
        work.want(&wanted);
        app.store.keep_answers(&wanted);
    }
    drop(keyboard);
    host.keep(app, true);
    finish(app, &mut screen, work).await;
    Ok(())
}

/// Takes up what the host has, and tells what it says.
fn take_up(app: &mut App, work: &mut Work, host: &mut dyn Host, now: Now) {
    host.poll(app, work);
    if let Some(says) = host.says() {
        app.update(Msg::Said(says), now);
    }
}

/// Takes an answer in. What the App wants done upon it is to be done: other namespaces are watched when they are known.
#[must_use]
fn take_answer(app: &mut App, work: &Work, answer: Answered, clock: &Arc<dyn Clock>) -> Vec<Effect> {
    // An answer to an older question is dropped.
    if work.is_wanted(&answer.query) { app.update(Msg::Answer(Box::new(answer)), clock.now()) } else { Vec::new() }
}

/// Lets writes under way finish, said on screen; `ctrl-c` again does not wait.
async fn finish(app: &mut App, screen: &mut Screen<'_>, work: &mut Work) {
    let running = work.running();
    if running.is_empty() {
        work.shut_down(Duration::ZERO).await;
        return;
    }
    let words = running.iter().map(Clean::as_str).collect::<Vec<_>>().join(", ");
    app.update(
        Msg::Said(Clean::own(format!("waiting up to 10 s for: {words}. ctrl-c: do not wait"))),
        screen.clock.now(),
    );
    screen.draw(app);
    let mut keys = Keyboard::listen(LateReply::disarmed());
    let again = async {
        while let Some(event) = keys.events.recv().await {
            if let Event::Key(key) = event
                && crate::keymap::Key::of(key).to_string() == "ctrl-c"
            {
                return;
            }
        }
    };
    tokio::select! {
        _ = work.shut_down(WRITES) => {}
        () = again => {}
    }
}

/// The session and when it was last drawn.
struct Screen<'a> {
    session: &'a mut Session,
    clock: Arc<dyn Clock>,
    drawn: Instant,
    title: String,
}

impl Screen<'_> {
    fn draw(&mut self, app: &mut App) {
        let now = self.clock.now();
        self.drawn = now.mono;
        let Ok(size) = crossterm::terminal::size() else { return };
        let title = submit(app, self.session, size, now);
        let end = self.clock.now();
        app.drew(end.since(now.mono), end);
        if title != self.title {
            self.session.writer().raw(osc::title(&title));
            self.title = title;
        }
    }
}

/// Carries out effects. False: the end.
async fn carry_out(
    effects: Vec<Effect>,
    app: &mut App,
    screen: &mut Screen<'_>,
    work: &mut Work,
    host: &mut dyn Host,
    keyboard: &mut Keyboard,
    inputs: &mut Inputs,
) -> io::Result<bool> {
    let mut effects = VecDeque::from(effects);
    while let Some(effect) = effects.pop_front() {
        let now = screen.clock.now();
        match effect {
            Effect::Quit => return Ok(false),
            effect @ Effect::StartDemo => {
                host.carry_out(effect, app, work);
                return Ok(false);
            }
            Effect::Copy(text) => copy(&text, copied(&text), app, screen),
            Effect::CopySecret(text) => copy(&text, "copied".into(), app, screen),
            Effect::OpenUrl(url) if app.settings.over_ssh => copy(&url, copied(&url), app, screen),
            Effect::Notify(text) => {
                let bytes = if app.settings.ui.notify == "osc9" { osc::notify(&text) } else { osc::bell() };
                screen.session.writer().raw(bytes);
            }
            Effect::Mouse(on) => screen.session.set_mouse(on),
            Effect::Suspend => {
                keyboard.stop().await;
                screen.session.suspend()?;
                *keyboard = Keyboard::listen(LateReply::disarmed());
                screen.draw(app);
            }
            effect if effect.takes_terminal() => {
                let aside = match host.aside(&effect, app) {
                    Ok(aside) => aside,
                    Err(says) => {
                        app.update(Msg::Said(says), now);
                        continue;
                    }
                };
                keyboard.stop().await;
                screen.session.release()?;
                let mut later = Vec::new();
                let clock = screen.clock.clone();
                let ended = aside::meanwhile(app, inputs, work, host, &clock, &mut later, aside).await;
                screen.session.reclaim()?;
                *keyboard = Keyboard::listen(LateReply::disarmed());
                effects.extend(later);
                let Some(says) = ended else { return Ok(false) };
                app.update(Msg::Said(says), clock.now());
                if let Some(says) = host.carry_out(effect, app, work) {
                    app.update(Msg::Said(says), clock.now());
                }
                screen.draw(app);
            }
            effect @ (Effect::SetNamespaces { .. }
            | Effect::OpenContext(_)
            | Effect::CloseContext(_)
            | Effect::WriteConfig
            | Effect::Connect(_)
            | Effect::Run(_)
            | Effect::Forward(_)
            | Effect::StopForward(_)
            | Effect::RememberProduction { .. }) => {
                if let Some(says) = host.carry_out(effect, app, work) {
                    app.update(Msg::Said(says), now);
                }
            }
            other => work.start(other),
        }
    }
    Ok(true)
}

fn copy(text: &Clean, done: Clean, app: &mut App, screen: &Screen<'_>) {
    let says = match osc::copy(text) {
        Ok(bytes) => {
            screen.session.writer().raw(bytes);
            done
        }
        Err(error) => Clean::own(error.to_string()),
    };
    app.update(Msg::Said(says), screen.clock.now());
}

fn messages(event: Event) -> Vec<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => vec![Msg::Key(key)],
        Event::Key(_) => Vec::new(),
        Event::Paste(text) => vec![Msg::Paste(Clean::block(&text))],
        Event::Mouse(mouse) => vec![Msg::Mouse(mouse)],
        Event::Resize(width, height) => vec![Msg::Resize(width, height)],
        Event::FocusGained => vec![Msg::Focus(true)],
        Event::FocusLost => vec![Msg::Focus(false)],
    }
}

/// The terminal's events, read by a task that can be stopped: two readers would eat each other's keys.
struct Keyboard {
    events: mpsc::Receiver<Event>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Keyboard {
    fn listen(mut late: LateReply) -> Self {
        let (to, events) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut stream = EventStream::new();
            loop {
                let passed = tokio::select! {
                    biased;
                    () = stopped.cancelled() => return,
                    event = stream.next() => match event {
                        Some(Ok(Event::Key(key))) => late.feed(key).into_iter().map(Event::Key).collect(),
                        Some(Ok(event)) => vec![event],
                        Some(Err(_)) | None => return,
                    },
                    () = sleep(HELD), if late.is_holding() => late.flush().into_iter().map(Event::Key).collect(),
                };
                for event in passed {
                    if to.send(event).await.is_err() {
                        return;
                    }
                }
            }
        });
        Self { events, stop, task: Some(task) }
    }

    /// Stops reading the terminal, so that a child can.
    async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
