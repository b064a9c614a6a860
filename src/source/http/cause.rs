//! Why a request got no answer: the chain of causes walked to the one a person can act on.

use std::{error::Error, io};

use crate::source::ErrorKind;

/// Kind and words of the deepest known cause: `connection refused`, `the name 'x' is not known`, …
pub fn cause(error: &(dyn Error + 'static)) -> (ErrorKind, String) {
    let mut found = None;
    let mut deepest = error.to_string();
    let mut dns = false;
    let mut next = Some(error);
    while let Some(this) = next {
        deepest = this.to_string();
        dns |= deepest.starts_with("dns error") || deepest.contains("failed to lookup address");
        if let Some(known) = known(this) {
            found = Some(known);
        }
        next = this.source();
    }
    if dns {
        let why = deepest.rsplit(": ").next().unwrap_or(&deepest).to_lowercase();
        return (ErrorKind::Unreachable, format!("its name cannot be resolved ({why})"));
    }
    found.unwrap_or((ErrorKind::Unreachable, deepest))
}

fn known(error: &(dyn Error + 'static)) -> Option<(ErrorKind, String)> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some((ErrorKind::Unreachable, tls_words(tls)));
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        // An io::Error's inner error is not its `source`.
        if let Some(inner) = io.get_ref() {
            let inner: &(dyn Error + 'static) = inner;
            return known(inner).or_else(|| inner.source().and_then(known)).or_else(|| io_words(io));
        }
        return io_words(io);
    }
    if let Some(http) = error.downcast_ref::<reqwest::Error>()
        && http.is_timeout()
    {
        return Some((ErrorKind::TimedOut, "no answer in time".to_owned()));
    }
    None
}

fn io_words(error: &io::Error) -> Option<(ErrorKind, String)> {
    use io::ErrorKind as Io;
    let unreachable = |words: &str| Some((ErrorKind::Unreachable, words.to_owned()));
    match error.kind() {
        Io::ConnectionRefused => unreachable("connection refused"),
        Io::ConnectionReset | Io::BrokenPipe => unreachable("the connection was reset"),
        Io::ConnectionAborted | Io::UnexpectedEof => unreachable("the connection was closed in the middle"),
        Io::HostUnreachable => unreachable("no route to the host"),
        Io::NetworkUnreachable => unreachable("the network is unreachable"),
        Io::TimedOut => Some((ErrorKind::TimedOut, "no answer in time".to_owned())),
        _ => None,
    }
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::CertificateError as Cert;
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Cert::UnknownIssuer => {
                "its certificate is from an authority this computer does not trust: set `tls.ca_file`".to_owned()
            }
            Cert::Expired | Cert::ExpiredContext { .. } => "its certificate has expired".to_owned(),
            Cert::NotValidYet | Cert::NotValidYetContext { .. } => {
                "its certificate is not valid yet: is this computer's clock right?".to_owned()
            }
            Cert::NotValidForName | Cert::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            Cert::Revoked => "its certificate was revoked".to_owned(),
            other => format!("its certificate is not good: {other}"),
        },
        rustls::Error::AlertReceived(alert) => format!("it ended the TLS handshake: {alert:?}"),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS: is it `http://`?".to_owned(),
        other => format!("TLS failed: {other}"),
    }
}
