//! What the App asks for: work as data.

use crate::{
    action::{Beside, Request, plan::Approved},
    custom::{Output, Program},
    model::{BackendId, Name, forward::ForwardAsk, kubernetes::ObjectKey, log::LogLine},
    secret::{Secret, mask},
    text::Clean,
};

/// Work the App wants done. Its answer comes back as a message.
#[derive(Debug)]
pub enum Effect {
    /// Ask these backends' sources now; none named: all.
    Refresh(Vec<BackendId>),
    /// Gather evidence; it comes with the ticket. `beside`: what must be looked at with it.
    Prepare {
        ticket: u64,
        request: Request,
        beside: Beside,
    },
    Execute {
        ticket: u64,
        approved: Box<Approved>,
    },
    /// Open in the browser, or copy over ssh.
    OpenUrl(Clean),
    Copy(Clean),
    /// Copied, and not shown where that is said.
    CopySecret(Clean),
    /// Write a file into the working directory, never over one that exists.
    Save {
        name: String,
        content: Saved,
    },
    /// Bell or desktop notification.
    Notify(Clean),
    /// Watch these namespaces; none: all.
    SetNamespaces {
        cluster: BackendId,
        namespaces: Vec<Name>,
    },
    /// Open another context of the kubeconfig.
    OpenContext(Name),
    /// `:ctx close NAME`
    CloseContext(BackendId),
    /// Suspend the screen and renew a backend's login.
    Login(BackendId),
    /// Run a program outside of midwatch: with the terminal, or beside it.
    Run(Box<Program>),
    /// Suspend the screen for a shell in a container.
    Shell {
        pod: ObjectKey,
        container: Name,
    },
    /// Let a local port lead into a cluster.
    Forward(ForwardAsk),
    /// End the port-forward of this number.
    StopForward(u64),
    /// Capture the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Write what was found as a configuration.
    WriteConfig,
    /// An address or a token was pasted: ask what it is, and open it for this session.
    Connect(Secret),
    /// Leave, and start the practice world.
    StartDemo,
    /// Remember the answer to "is this production?".
    RememberProduction {
        cluster: BackendId,
        is_production: bool,
    },
    Suspend,
    Quit,
}

/// What is saved. A log is long: it is put together and masked beside the screen.
#[derive(Debug)]
pub enum Saved {
    Text(String),
    Log(Vec<LogLine>),
}

impl Saved {
    /// Its text; of a log `<time> <pod>/<container> <line>`. Masked line by line: a secret's name at the end of a line has
    /// no value on the next.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.lines().map(|line| mask(line) + "\n").collect(),
            Self::Log(lines) => lines.iter().map(of_log).collect(),
        }
    }
}

fn of_log(line: &LogLine) -> String {
    let origin = &line.origin;
    format!("{:.3} {}/{} {}\n", line.at, origin.pod.name, origin.container, mask(&line.text))
}

impl Effect {
    /// It is carried out by something else that has the terminal meanwhile.
    pub fn takes_terminal(&self) -> bool {
        match self {
            Self::Login(_) | Self::Shell { .. } => true,
            Self::Run(program) => program.output == Output::Screen,
            _ => false,
        }
    }
}
