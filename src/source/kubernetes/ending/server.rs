//! The certificate that a server shows: looked at on a connection of its own, over which nothing is asked.

use std::{
    io::Write as _,
    net::{TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::not_after;

/// Takes any certificate: who it is does not matter, since nothing is told to it.
#[derive(Debug, Default)]
struct Look(Mutex<Option<Timestamp>>);

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = not_after(shown);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// When the certificate of the server at `place` (`host:port`) ends; `name` is what it is asked to be. Blocks, for a few
/// times `within` at most. What is not reached or does not speak TLS tells nothing.
pub fn ends(place: &str, name: &str, within: Duration) -> Option<Timestamp> {
    let look = Arc::new(Look::default());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(look.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned()).ok()?;
    let socket = TcpStream::connect_timeout(&place.to_socket_addrs().ok()?.next()?, within).ok()?;
    socket.set_read_timeout(Some(within)).ok()?;
    socket.set_write_timeout(Some(within)).ok()?;
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).ok()?, socket);
    // a server may well end it here, for want of a client certificate; by then it has shown its own
    drop(stream.flush());
    stream.conn.send_close_notify();
    drop(stream.flush());
    *look.0.lock().unwrap_or_else(PoisonError::into_inner)
}
