use std::io::Read as _;

use super::*;

const CA: &[u8] = include_bytes!("../../../../tests/fixtures/tls/ca.pem");
const SERVER: &[u8] = include_bytes!("../../../../tests/fixtures/tls/server.der");
const KEY: &[u8] = include_bytes!("../../../../tests/fixtures/tls/server.key.der");

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ ..=0x7f) => all.push(length),
        Ok(length) => all.extend([0x81, length]),
        Err(_) => all.extend([0x82, (content.len() >> 8).to_le_bytes()[0], content.len().to_le_bytes()[0]]),
    }
    [all, content.to_vec()].concat()
}

/// A certificate that ends at `end`, signed by nobody.
fn certificate(kind: u8, end: &str) -> Vec<u8> {
    let validity = [der(0x17, b"200101000000Z"), der(kind, end.as_bytes())].concat();
    let issuer = der(0x30, &[0; 300]);
    let signed = [der(0xa0, &[2, 1, 2]), der(2, &[1]), der(0x30, &[]), issuer, der(0x30, &validity)].concat();
    der(0x30, &der(0x30, &signed))
}

#[test]
fn a_certificate_tells_its_end_in_both_forms() {
    let at = |der: &[u8]| not_after(der).map(|at| at.to_string());
    assert_eq!(at(&certificate(0x17, "261201020304Z")).unwrap(), "2026-12-01T02:03:04Z");
    assert_eq!(at(&certificate(0x17, "991231235959Z")).unwrap(), "1999-12-31T23:59:59Z");
    assert_eq!(at(&certificate(0x18, "20511201020304Z")).unwrap(), "2051-12-01T02:03:04Z");
    // as openssl x509 -enddate says
    assert_eq!(of_pem(CA).unwrap().to_string(), "2126-10-28T23:44:16Z");
}

#[test]
fn what_is_no_certificate_tells_nothing() {
    let whole = certificate(0x17, "261201020304Z");
    for cut in 0..whole.len() {
        assert_eq!(not_after(&whole[..cut]), None, "{cut}");
    }
    for bad in
        [&b"0\x84\xff\xff\xff\xff"[..], b"0\x80\0\0", &certificate(0x17, "2613"), &certificate(4, "261201020304Z")]
    {
        assert_eq!(not_after(bad), None, "{bad:?}");
    }
    assert_eq!(of_pem(b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"), None);
}

#[test]
fn a_token_tells_its_end_if_it_is_a_web_token() {
    let token = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    let at = |claims: &str| of_token(&token(claims)).map(|at| at.to_string());
    assert_eq!(at(r#"{"exp": 1795000000, "sub": "jo"}"#).unwrap(), "2026-11-18T11:06:40Z");
    assert_eq!(at(r#"{"exp": 1795000000.5}"#).unwrap(), "2026-11-18T11:06:40Z");
    for none in [r#"{"sub": "jo"}"#, r#"{"exp": "soon"}"#, r#"{"exp": 1e300}"#, "no json"] {
        assert_eq!(at(none), None, "{none}");
    }
    assert_eq!((of_token("abcdef.1234567890"), of_token("opaque")), (None, None));
}

#[tokio::test]
async fn a_server_is_asked_for_its_certificate_and_for_nothing_else() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let served = std::thread::spawn(move || {
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(KEY.to_vec());
        let config =
            rustls::ServerConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![CertificateDer::from(SERVER.to_vec())], key.into())
                .unwrap();
        let connection = rustls::ServerConnection::new(std::sync::Arc::new(config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, listener.accept().unwrap().0);
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said);
        (said, ended.is_ok())
    });
    let look = move || server::ends(&place, "localhost", Duration::from_secs(5));
    let ends = tokio::task::spawn_blocking(look).await.unwrap();
    assert_eq!(ends, not_after(SERVER));
    assert!(ends.is_some());
    assert_eq!(served.join().unwrap(), (Vec::new(), true));
}

#[tokio::test]
async fn what_speaks_no_tls_tells_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let served = std::thread::spawn(move || drop(listener.accept()));
    let look = move || server::ends(&place, "localhost", Duration::from_secs(5));
    assert_eq!(tokio::task::spawn_blocking(look).await.unwrap(), None);
    served.join().unwrap();
}
