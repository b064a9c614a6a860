//! A shell in a container: `exec` over WebSocket (`remotecommand`). Every binary message begins with its channel: 0 stdin,
//! 1 stdout, 2 stderr, 3 the closing Status, 4 the terminal's size.

mod escape;
#[cfg(test)]
mod tests;

use std::{io, time::Duration};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::{
    sync::{mpsc, watch},
    time::{interval, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use self::escape::Escape;
use super::{
    client::{Socket, Writer, segment},
    failure::Failure,
    selector::query,
};
use crate::{model::kubernetes::ObjectKey, text::Clean};

const PROTOCOLS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
/// Shells by what people like better.
const SHELLS: [&str; 2] = ["bash", "sh"];
/// Between signs of life.
const BEAT: Duration = Duration::from_secs(10);
/// Signs of life that may stay unanswered: then the connection is given up.
const MISSED: u8 = 2;
/// How long one message may take to leave.
const SEND: Duration = Duration::from_secs(10);
/// How long output is waited for after the end was told.
const LATE: Duration = Duration::from_millis(300);

/// How a shell ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Exit(i32),
    /// It could not be started: what the server said.
    Refused(Clean),
    /// There is no shell in the container.
    NoShell,
    /// The connection broke: what ran may go on.
    Lost(Clean),
    /// `~.`: what ran may go on.
    Left,
}

/// The person's end of it.
pub struct Typist<'a> {
    pub keys: &'a mut mpsc::UnboundedReceiver<Bytes>,
    /// Columns and rows.
    pub sizes: &'a mut watch::Receiver<(u16, u16)>,
    /// Takes what is written there, as it is.
    pub show: &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
}

/// Runs a shell until it ends: bash, or sh where there is none.
pub async fn run(writer: &Writer, pod: &ObjectKey, container: &str, mut typist: Typist<'_>) -> Ended {
    for shell in SHELLS {
        let mut session = match Session::open(writer, pod, container, shell).await {
            Ok(session) => session,
            Err(failure) => return Ended::Refused(failure.error.says),
        };
        match session.pump(&mut typist).await {
            Over::Missing => {}
            Over::Ended(ended) => return ended,
        }
    }
    Ended::NoShell
}

enum Over {
    /// The program is not in the container.
    Missing,
    Ended(Ended),
}

struct Session {
    socket: Socket,
    escape: Escape,
    /// Nothing was typed yet.
    is_fresh: bool,
    /// Between signs of life.
    beat: Duration,
}

/// `metav1.Status` of channel 3.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(rename = "status")]
    outcome: String,
    message: String,
    reason: String,
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
}

impl Session {
    async fn open(writer: &Writer, pod: &ObjectKey, container: &str, shell: &str) -> Result<Self, Failure> {
        let asked = query([
            ("container", container),
            ("command", shell),
            ("stdin", "true"),
            ("stdout", "true"),
            ("tty", "true"),
        ]);
        let path = format!("/api/v1/namespaces/{}/pods/{}/exec?{asked}", segment(&pod.namespace), segment(&pod.name));
        let (socket, _) = writer.upgrade(&path, PROTOCOLS).await?;
        Ok(Self { socket, escape: Escape::default(), is_fresh: true, beat: BEAT })
    }

    async fn send(&mut self, channel: u8, bytes: &[u8]) -> Result<(), Clean> {
        let framed: Vec<u8> = std::iter::once(channel).chain(bytes.iter().copied()).collect();
        self.message(Message::Binary(framed.into())).await
    }

    async fn message(&mut self, message: Message) -> Result<(), Clean> {
        match timeout(SEND, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Clean::line(&error.to_string())),
            Err(_) => Err("nothing can be sent any more".into()),
        }
    }

    async fn resize(&mut self, (columns, rows): (u16, u16)) -> Result<(), Clean> {
        self.send(RESIZE, format!("{{\"Width\":{columns},\"Height\":{rows}}}").as_bytes()).await
    }

    async fn pump(&mut self, typist: &mut Typist<'_>) -> Over {
        let size = *typist.sizes.borrow_and_update();
        let conversed = match self.resize(size).await {
            Ok(()) => self.converse(typist).await,
            Err(why) => Err(why),
        };
        match conversed {
            Ok(over) => over,
            Err(why) => self.told_before(typist).await.unwrap_or(Over::Ended(Ended::Lost(why))),
        }
    }

    /// How it ended, if that had arrived before the connection broke: a server that refuses hangs up at once, and what is
    /// sent to it then (the size) fails before its reason was read.
    async fn told_before(&mut self, typist: &mut Typist<'_>) -> Option<Over> {
        while let Ok(Some(Ok(message))) = timeout(LATE, self.socket.next()).await {
            let Message::Binary(bytes) = message else { continue };
            if let Some(over) = self.received(&bytes, typist).await.ok()? {
                return Some(over);
            }
        }
        None
    }

    /// Bytes both ways until the end. `Err`: the connection is lost.
    async fn converse(&mut self, typist: &mut Typist<'_>) -> Result<Over, Clean> {
        let mut beat = interval(self.beat);
        let mut missed = 0;
        let (mut has_keys, mut has_sizes) = (true, true);
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    missed = 0;
                    let message = message.ok_or("it was closed without an exit code")?;
                    match message.map_err(|error| Clean::line(&error.to_string()))? {
                        Message::Binary(bytes) => {
                            if let Some(over) = self.received(&bytes, typist).await? {
                                return Ok(over);
                            }
                        }
                        Message::Close(_) => return Err("it was closed without an exit code".into()),
                        _ => {}
                    }
                }
                keys = typist.keys.recv(), if has_keys => match keys {
                    None => has_keys = false,
                    Some(keys) => {
                        let Some(keys) = self.escape.pass(&keys) else { return Ok(Over::Ended(Ended::Left)) };
                        self.is_fresh &= keys.is_empty();
                        if !keys.is_empty() {
                            self.send(STDIN, &keys).await?;
                        }
                    }
                },
                changed = typist.sizes.changed(), if has_sizes => {
                    has_sizes = changed.is_ok();
                    let size = *typist.sizes.borrow_and_update();
                    self.resize(size).await?;
                }
                _ = beat.tick() => {
                    if missed >= MISSED {
                        let silent = (self.beat * u32::from(MISSED)).as_secs();
                        return Err(Clean::own(format!("no sign of life for {silent} s")));
                    }
                    missed += 1;
                    self.message(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    async fn received(&mut self, bytes: &[u8], typist: &mut Typist<'_>) -> Result<Option<Over>, Clean> {
        match bytes.split_first() {
            Some((&(STDOUT | STDERR), data)) if !data.is_empty() => {
                (typist.show)(data).map_err(|error| Clean::own(format!("the terminal is gone: {error}")))?;
                Ok(None)
            }
            Some((&STATUS, data)) => {
                let status: Status = serde_json::from_slice(data).unwrap_or_default();
                let over = self.over(&status);
                if matches!(over, Over::Ended(_)) {
                    self.last_words(typist).await;
                }
                Ok(Some(over))
            }
            _ => Ok(None),
        }
    }

    /// Output that comes after the end was told.
    async fn last_words(&mut self, typist: &mut Typist<'_>) {
        while let Ok(Some(Ok(message))) = timeout(LATE, self.socket.next()).await {
            let Message::Binary(bytes) = message else { continue };
            if let Some((&(STDOUT | STDERR), data)) = bytes.split_first() {
                // Nobody is left to be told.
                let _ = (typist.show)(data);
            }
        }
    }

    fn over(&self, status: &Status) -> Over {
        if status.outcome == "Success" {
            return Over::Ended(Ended::Exit(0));
        }
        let code = status.details.causes.iter().find(|cause| cause.reason == "ExitCode");
        match code.and_then(|cause| cause.message.parse().ok()) {
            // Some runtimes tell a missing program by the shell's own codes.
            Some(126 | 127) if self.is_fresh => Over::Missing,
            Some(code) => Over::Ended(Ended::Exit(code)),
            None if status.message.contains("not found") || status.message.contains("no such file") => Over::Missing,
            None if status.message.is_empty() => Over::Ended(Ended::Refused(Clean::line(&status.reason))),
            None => Over::Ended(Ended::Refused(Clean::line(&status.message))),
        }
    }
}
