//! Small things that many answers share: times, addresses, node ids, labels.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::demo::code::{
    Code,
    model::{FileChange, Pull, Repo},
    seed,
};

/// The host's web address; a name that leads nowhere.
pub(crate) const WEB: &str = "https://code.acme.example";

/// A time as GitHub writes it.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The same for a time that may be absent.
pub(crate) fn stamp_of(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(stamp(at)))
}

/// A global node id.
pub(crate) fn node(kind: &str, id: u64) -> String {
    format!("{kind}_kwDO{}", URL_SAFE_NO_PAD.encode(id.to_be_bytes()))
}

/// The number in a global node id.
pub(crate) fn node_number(id: &str) -> Option<(&str, u64)> {
    let (kind, rest) = id.split_once("_kwDO")?;
    let bytes = URL_SAFE_NO_PAD.decode(rest).ok()?;
    Some((kind, u64::from_be_bytes(bytes.try_into().ok()?)))
}

/// The id of a pull request, which its repository and number make.
pub(crate) fn pull_id(repo: &Repo, pull: &Pull) -> u64 {
    (repo.id % 100_000_000) * 100_000 + pull.number
}

pub(crate) fn api(base: &str, repo: &Repo) -> String {
    format!("{base}/repos/{}", repo.full_name())
}

pub(crate) fn web(repo: &Repo) -> String {
    format!("{WEB}/{}", repo.full_name())
}

/// How an account stands to the organisation.
pub(crate) fn association(code: &Code, login: &str) -> &'static str {
    match code.user(login) {
        Some(user) if user.bot => "CONTRIBUTOR",
        Some(_) => "MEMBER",
        None => "NONE",
    }
}

pub(crate) fn colour(label: &str) -> String {
    format!("{:06x}", seed::mix(1, label) & 0xff_ffff)
}

pub(crate) fn labels(base: &str, repo: &Repo, names: &[String]) -> Value {
    let one = |name: &String| {
        let id = seed::mix(repo.id, name) % 1_000_000_000;
        json!({
            "id": id, "node_id": node("LA", id), "url": format!("{}/labels/{}", api(base, repo), name.replace(' ', "%20")),
            "name": name, "description": format!("{name} changes"), "color": colour(name), "default": false,
        })
    };
    names.iter().map(one).collect()
}

/// A changed file, as commits, comparisons and pull requests list it.
pub(crate) fn diff_entry(base: &str, repo: &Repo, sha: &str, file: &FileChange) -> Value {
    let blob = seed::sha(repo.id, "", &format!("{sha}/{}", file.path));
    let mut entry = json!({
        "sha": blob, "filename": file.path, "status": file.status, "additions": file.additions,
        "deletions": file.deletions, "changes": file.additions + file.deletions,
        "blob_url": format!("{}/blob/{sha}/{}", web(repo), file.path),
        "raw_url": format!("{}/raw/{sha}/{}", web(repo), file.path),
        "contents_url": format!("{}/contents/{}?ref={sha}", api(base, repo), file.path),
    });
    if let Some(patch) = &file.patch {
        entry["patch"] = json!(patch);
    }
    if let Some(previous) = &file.previous {
        entry["previous_filename"] = json!(previous);
    }
    entry
}

/// The files as one unified diff.
pub(crate) fn diff(files: &[FileChange]) -> String {
    let mut out = String::new();
    for file in files {
        let path = &file.path;
        let old = file.previous.as_ref().unwrap_or(path);
        let _ = writeln!(out, "diff --git a/{old} b/{path}");
        let (from, to) = match file.status.as_str() {
            "added" => ("/dev/null".to_owned(), format!("b/{path}")),
            "removed" => (format!("a/{old}"), "/dev/null".to_owned()),
            _ => (format!("a/{old}"), format!("b/{path}")),
        };
        match file.status.as_str() {
            "added" => out.push_str("new file mode 100644\n"),
            "removed" => out.push_str("deleted file mode 100644\n"),
            _ => {}
        }
        let _ = writeln!(out, "--- {from}\n+++ {to}");
        if let Some(patch) = &file.patch {
            out.push_str(patch.trim_end_matches('\n'));
            out.push('\n');
        }
    }
    out
}
