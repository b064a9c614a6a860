//! When what a cluster is reached with ends: certificates (X.509 `notAfter`, RFC 5280 4.1.2.5) and tokens (`exp` of a JWT,
//! RFC 7519 4.1.4). Nothing is verified here: that is TLS's and the server's.

pub mod server;

use std::time::Duration;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use kube::config::Config;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::model::Ending;

/// A certificate is somebody's errand: said a week before.
pub const OF_CERTIFICATE: Duration = Duration::from_hours(7 * 24);
/// Of a token that nothing renews.
const OF_TOKEN: Duration = Duration::from_mins(15);
/// A token file is written anew by somebody else (the kubelet: at four fifths of its life), who is late by then.
const OF_TOKEN_FILE: Duration = Duration::from_mins(5);

/// Of the certificates and tokens of a kubeconfig, as far as they say.
pub fn of_config(config: &Config) -> Vec<Ending> {
    let auth = &config.auth_info;
    let pem = match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => STANDARD.decode(data).ok(),
        (None, Some(path)) => std::fs::read(path).ok(),
        (None, None) => None,
    };
    let mut all = Vec::new();
    let mut note = |what: &str, at: Option<Timestamp>, notice| {
        all.extend(at.map(|at| Ending { what: what.into(), at, notice }));
    };
    note("client certificate", pem.as_deref().and_then(of_pem), OF_CERTIFICATE);
    // of several, the one that is good for longest counts: a new one is added before the old one ends
    let authorities = config.root_cert.iter().flatten().filter_map(|der| not_after(der));
    note("CA certificate", authorities.max(), OF_CERTIFICATE);
    if let Some(token) = &auth.token {
        note("token", of_token(token.expose_secret()), OF_TOKEN);
    } else if let Some(text) = auth.token_file.as_ref().and_then(|path| std::fs::read_to_string(path).ok()) {
        note("token file", of_token(text.trim()), OF_TOKEN_FILE);
    }
    all
}

/// Of the first certificate: the others are of those who signed it.
pub fn of_pem(pem: &[u8]) -> Option<Timestamp> {
    not_after(&CertificateDer::pem_slice_iter(pem).next()?.ok()?)
}

/// `notAfter` of a certificate in DER.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    let (SEQUENCE, certificate, _) = element(der)? else { return None };
    let (SEQUENCE, mut signed, _) = element(certificate)? else { return None };
    // the version has a default, and is left out for the oldest
    if let (0xa0, _, rest) = element(signed)? {
        signed = rest;
    }
    // serial number, algorithm, issuer
    for _ in 0..3 {
        signed = element(signed)?.2;
    }
    let (SEQUENCE, validity, _) = element(signed)? else { return None };
    let (kind, text, _) = element(element(validity)?.2)?;
    time(kind, std::str::from_utf8(text).ok()?)
}

/// Tag, content, and what comes after, of one element of DER with a one-byte tag.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        ..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `UTCTime` has two digits of the year, of 1950 to 2049; `GeneralizedTime` has four.
fn time(kind: u8, text: &str) -> Option<Timestamp> {
    let text = match kind {
        0x17 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", &text).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// `exp` of a JSON web token; other tokens do not tell.
pub fn of_token(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let [_, claims, _] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    #[allow(clippy::cast_possible_truncation)] // seconds: what is out of range is refused below
    Timestamp::from_second(claims.exp as i64).ok()
}

#[cfg(test)]
mod tests;
