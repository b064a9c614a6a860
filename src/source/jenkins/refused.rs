//! Why an answer is not what Jenkins was asked for: whose it is, and which right is missing.

use http::StatusCode;

use crate::source::{
    ErrorKind, SourceError,
    http::{Http, Reply, bare},
};

/// Most bytes of a page that the crumb's refusal is looked for in.
const MAX_READ: usize = 16 * 1024;

/// Refuses everything but an answer of Jenkins' own that says yes. `user`: who asks.
pub fn judge(http: &Http, user: &str, path: &str, reply: &Reply) -> Result<(), SourceError> {
    let path_said = bare(path);
    let status = reply.status;
    let is_its_own = reply.header("x-jenkins").is_some();
    let fail = |what: &str| Err(http.error(ErrorKind::Auth, what));
    // A page where JSON is asked for, or a way to one: single sign-on, which stands before it.
    let is_page = status.is_redirection() || (status.is_success() && reply.is_html());
    match status {
        _ if is_page && !is_its_own => fail(&format!(
            "did not answer '{path_said}' itself ({}): a login page or a proxy did. API requests must reach it: is its \
             `url` right?",
            status.as_u16()
        )),
        StatusCode::FORBIDDEN if lacks_crumb(reply) => fail(&format!(
            "wants a crumb for '{path_said}' (403), and gives none that it takes: set an API token as `token`, not a \
             password"
        )),
        StatusCode::FORBIDDEN => {
            let who = reply.header("x-you-are-authenticated-as").unwrap_or(user);
            let right = reply.header("x-required-permission").map_or_else(|| "a right".to_owned(), permission);
            fail(&format!("does not allow '{path_said}' (403): '{who}' lacks {right}"))
        }
        StatusCode::METHOD_NOT_ALLOWED => Err(http.error(
            ErrorKind::Unexpected,
            &format!("takes no POST for '{path_said}' (405): does a proxy before it let none through?"),
        )),
        _ => http.judge(path, reply),
    }
}

/// `hudson.model.Item.Build` is `Job/Build` on its pages.
fn permission(id: &str) -> String {
    let word = id.rsplit('.').next().unwrap_or(id);
    match id.rsplit('.').nth(1) {
        Some("Item") => format!("Job/{word}"),
        Some("Hudson" | "Jenkins") => format!("Overall/{word}"),
        Some(of) => format!("{of}/{word}"),
        None => word.to_owned(),
    }
}

/// It refused for want of a crumb, which no request with an API token needs.
pub fn lacks_crumb(reply: &Reply) -> bool {
    let page = &reply.body[..reply.body.len().min(MAX_READ)];
    reply.status == StatusCode::FORBIDDEN && String::from_utf8_lossy(page).contains("No valid crumb")
}
