//! The blob store behind log downloads: addresses that carry their own permission for one minute.

use crate::demo::code::{Code, log, seed};

use super::{reply::Reply, url_pairs};

/// Seconds an address is good for.
const LIFE: i64 = 60;

/// The address of a job's log.
pub(crate) fn address(code: &Code, base: &str, repo: usize, job: u64) -> String {
    let until = code.now.as_second() + LIFE;
    format!("{base}/_logs/{repo}/{job}.txt?se={until}&sig={}", signature(code, repo, job, until))
}

fn signature(code: &Code, repo: usize, job: u64, until: i64) -> String {
    format!("{:016x}", seed::mix(code.seed, &format!("sig/{repo}/{job}/{until}")))
}

/// Answers such an address. The store takes no `Authorization`: it has its own.
pub(crate) fn serve(code: &Code, path: &str, query: &str, authorized: bool) -> Reply {
    let refuse = |status, name: &str, message: &str| {
        let xml = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{name}</Code><Message>{message}</Message></Error>"
        );
        Reply::text(status, "application/xml", xml)
    };
    if authorized {
        let message =
            "Authentication information is not given in the correct format. Check the value of Authorization header.";
        return refuse(400, "InvalidAuthenticationInfo", message);
    }
    let pairs = url_pairs(query);
    let value = |name: &str| pairs.iter().find(|(k, _)| k == name).map_or("", |(_, v)| v.as_str());
    let parts: Vec<&str> = path.trim_start_matches("/_logs/").trim_end_matches(".txt").split('/').collect();
    let number = |n: usize| parts.get(n).and_then(|p| p.parse::<u64>().ok()).unwrap_or(0);
    let (repo, job, until) = (number(0) as usize, number(1), value("se").parse().unwrap_or(0));
    if value("sig") != signature(code, repo, job, until) || code.now.as_second() > until {
        let message = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";
        return refuse(403, "AuthenticationFailed", message);
    }
    match code.job(repo, job) {
        Some((_, job)) => Reply::text(200, "text/plain; charset=utf-8", log::text(job)),
        None => refuse(404, "BlobNotFound", "The specified blob does not exist."),
    }
}
