//! Port-forwards: what was asked for, and how each goes.

use super::{
    BackendId, Name,
    kubernetes::{ObjectKey, WorkloadKey},
};
use crate::text::Clean;

/// What a local port leads to. A pod is looked for anew when the last one is gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardTo {
    Pod(ObjectKey),
    Workload(WorkloadKey),
    Service(ObjectKey),
}

impl ForwardTo {
    pub fn cluster(&self) -> &BackendId {
        match self {
            Self::Pod(key) | Self::Service(key) => &key.cluster,
            Self::Workload(key) => &key.cluster,
        }
    }

    pub fn namespace(&self) -> &Name {
        match self {
            Self::Pod(key) | Self::Service(key) => &key.namespace,
            Self::Workload(key) => &key.namespace,
        }
    }
}

impl std::fmt::Display for ForwardTo {
    /// `pod/myapp-1`, `deploy/myapp`, `svc/myapp`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pod(key) => f.pad(&format!("pod/{}", key.name)),
            Self::Workload(key) => key.fmt(f),
            Self::Service(key) => f.pad(&format!("svc/{}", key.name)),
        }
    }
}

/// A port of the pod or service, by number or name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    Number(u16),
    Named(Name),
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}

/// A port-forward that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForwardAsk {
    pub to: ForwardTo,
    /// Whose pods take the place of a pod that is gone.
    pub or: Option<WorkloadKey>,
    /// `None`: as the pod's port, or another that is free.
    pub local: Option<u16>,
    /// `None`: the first that the pod or service names.
    pub remote: Option<Port>,
}

impl ForwardAsk {
    /// `8080:80`, `8080`, `:80`, `8080:http`, or nothing, as `kubectl port-forward` takes them: local first.
    ///
    /// # Errors
    /// In words, with what can be written.
    pub fn parse(to: ForwardTo, ports: &str) -> Result<Self, Clean> {
        let wrong = || Clean::own(format!("'{ports}' is no pair of ports: write LOCAL:REMOTE, as in 8080:80"));
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let ports = ports.trim();
        if ports.is_empty() {
            return Ok(Self { to, or: None, local: None, remote: None });
        }
        let (local, remote) = ports.split_once(':').unwrap_or((ports, ports));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(text) = [local, remote].into_iter().find(|text| is_digits(text) && number(text).is_none()) {
            return Err(Clean::own(format!("'{text}' is no port: they go from 1 to 65535")));
        }
        let local = match local {
            "" => None,
            text => Some(number(text).ok_or_else(wrong)?),
        };
        let is_name = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let remote = match (number(remote), remote) {
            (Some(number), _) => Port::Number(number),
            (None, "") => return Err(wrong()),
            (None, text) if !is_name(text) => return Err(wrong()),
            (None, name) => Port::Named(Clean::line(name)),
        };
        Ok(Self { to, or: None, local, remote: Some(remote) })
    }
}

impl ForwardAsk {
    /// Why it cannot be had beside those of this session: one of them has its local port.
    pub fn clash(&self, forwards: &[Forward]) -> Option<Clean> {
        let port = self.local?;
        let to = &holder(forwards, port)?.ask.to;
        Some(Clean::own(format!("127.0.0.1:{port} leads to {to} already (:forwards): take another local port")))
    }
}

/// The forward that listens on a local port, or is about to.
pub fn holder(forwards: &[Forward], local: u16) -> Option<&Forward> {
    forwards.iter().find(|one| one.failure().is_none() && one.local.or(one.ask.local) == Some(local))
}

/// How a forward goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ForwardState {
    #[default]
    Starting,
    Listening,
    /// It listens, and the last connection met this.
    Trouble(Clean),
    /// It could not be started, or ended by itself.
    Failed(Clean),
}

/// A port-forward of this session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    pub number: u64,
    pub ask: ForwardAsk,
    pub state: ForwardState,
    /// The port that it listens on, on 127.0.0.1, once it does.
    pub local: Option<u16>,
    /// The pod it leads to now, and its port.
    pub pod: Option<(Name, u16)>,
    /// Connections that are open, and all so far.
    pub open: u32,
    pub opened: u64,
    /// Bytes to the pod and from it.
    pub sent: u64,
    pub received: u64,
}

impl Forward {
    pub fn new(number: u64, ask: ForwardAsk) -> Self {
        Self {
            number,
            ask,
            state: ForwardState::Starting,
            local: None,
            pod: None,
            open: 0,
            opened: 0,
            sent: 0,
            received: 0,
        }
    }

    /// Why it could not be started, or ended by itself.
    pub fn failure(&self) -> Option<&Clean> {
        if let ForwardState::Failed(says) = &self.state { Some(says) } else { None }
    }

    /// `127.0.0.1:8080`
    pub fn address(&self) -> Option<String> {
        self.local.map(|port| format!("127.0.0.1:{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(ports: &str) -> Result<(Option<u16>, Option<String>), String> {
        let to = ForwardTo::Pod(ObjectKey {
            cluster: BackendId::new("prod"),
            namespace: "shop".into(),
            name: "web-1".into(),
        });
        let asked = ForwardAsk::parse(to, ports).map_err(|says| says.to_string())?;
        Ok((asked.local, asked.remote.map(|port| port.to_string())))
    }

    #[test]
    fn ports_are_written_as_for_kubectl() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(ask("8080:80"), Ok((Some(8080), text("80"))));
        assert_eq!(ask(" 8080 "), Ok((Some(8080), text("8080"))));
        assert_eq!(ask(":http"), Ok((None, text("http"))));
        assert_eq!(ask(""), Ok((None, None)));
        for wrong in ["8080:", "a:80", "80:-x", ":"] {
            assert!(ask(wrong).is_err_and(|says| says.contains("LOCAL:REMOTE")), "{wrong}");
        }
        for wrong in ["0", "0:80", "70000:80", "80:99999"] {
            assert!(ask(wrong).is_err_and(|says| says.contains("from 1 to 65535")), "{wrong}");
        }
    }
}
