//! A listening port that can break in the ways real backends break: refuse, hang, answer 500 or a login page.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    serve::Listener,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How a backend behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Up,
    /// Connections are refused.
    Down,
    /// Connections are taken, requests never answered.
    Hang,
    /// Every answer is a 500.
    Error500,
    /// Every answer is 200 with a login page, as of a proxy in front.
    Html,
}

impl Mode {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "up" => Self::Up,
            "down" => Self::Down,
            "hang" => Self::Hang,
            "error500" => Self::Error500,
            "html" => Self::Html,
            _ => return None,
        })
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Hang => "hang",
            Self::Error500 => "error500",
            Self::Html => "html",
        }
    }
}

/// The mode, and the token that ends the connections made in it.
type Setting = (Mode, CancellationToken);

/// One backend's port. Clones are the same port.
#[derive(Clone)]
pub(super) struct Gate {
    address: SocketAddr,
    listener: std::sync::Arc<std::sync::Mutex<Option<TcpListener>>>,
    setting: watch::Sender<Setting>,
}

impl Gate {
    /// Takes a free loopback port.
    pub(super) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let setting = watch::Sender::new((Mode::Up, CancellationToken::new()));
        Ok(Self { address, listener: std::sync::Arc::new(std::sync::Mutex::new(Some(listener))), setting })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn mode(&self) -> Mode {
        self.setting.borrow().0
    }

    /// Changes the mode; connections made before are cut.
    pub(super) fn set(&self, mode: Mode) {
        self.setting.send_modify(|(present, connections)| {
            connections.cancel();
            (*present, *connections) = (mode, CancellationToken::new());
        });
    }

    /// Serves until stopped; then every connection is cut.
    pub(super) async fn serve(self, router: Router, stop: CancellationToken) {
        let router = router.layer(middleware::from_fn_with_state(self.setting.subscribe(), broken));
        let taken = self.listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let port = Port { address: self.address, listener: taken, setting: self.setting.subscribe() };
        tokio::select! {
            () = stop.cancelled() => {}
            // It never ends by itself.
            _ = axum::serve(port, router) => {}
        }
        self.set(Mode::Down);
    }
}

/// Answers for the modes that take connections and do not serve.
async fn broken(State(setting): State<watch::Receiver<Setting>>, request: Request, next: Next) -> Response {
    let mode = setting.borrow().0;
    match mode {
        Mode::Up => next.run(request).await,
        Mode::Error500 => (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response(),
        Mode::Html => Html("<!doctype html><title>Sign in</title><form>Sign in to continue</form>").into_response(),
        // The connection is cut when the mode changes, and this with it.
        Mode::Down | Mode::Hang => std::future::pending().await,
    }
}

/// The listening side: closed while down, bound again to the same port after.
struct Port {
    address: SocketAddr,
    listener: Option<TcpListener>,
    setting: watch::Receiver<Setting>,
}

impl Listener for Port {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let (mode, connections) = self.setting.borrow_and_update().clone();
            if mode == Mode::Down {
                self.listener = None;
                if self.setting.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                continue;
            }
            let Some(listener) = &self.listener else {
                self.listener = TcpListener::bind(self.address).await.ok();
                if self.listener.is_none() {
                    // Somebody else took the port meanwhile.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                continue;
            };
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, from)) = accepted {
                        drop(stream.set_nodelay(true));
                        let ended = || Box::pin(connections.clone().cancelled_owned());
                        return (Connection { stream, read_ends: ended(), write_ends: ended() }, from);
                    }
                }
                changed = self.setting.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection that can be cut. Its halves may be read and written by different tasks, and each must be woken.
struct Connection {
    stream: TcpStream,
    read_ends: Pin<Box<WaitForCancellationFutureOwned>>,
    write_ends: Pin<Box<WaitForCancellationFutureOwned>>,
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read_ends.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(reset()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.write_ends.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(reset()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
