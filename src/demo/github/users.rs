//! Accounts.

use serde_json::{Value, json};

use super::objects::{WEB, node, stamp};
use crate::demo::code::{Code, model::User, seed};

/// The short form of an account, `null` for one that is gone.
pub(crate) fn simple(code: &Code, login: &str) -> Value {
    code.user(login).map_or(Value::Null, |user| short(&user.login, user.id, if user.bot { "Bot" } else { "User" }))
}

/// The short form of an organisation, as owner of a repository.
pub(crate) fn owner(login: &str) -> Value {
    short(login, 583_000, "Organization")
}

fn short(login: &str, id: u64, kind: &str) -> Value {
    let api = format!("{WEB}/api/users/{}", login.replace('[', "%5B").replace(']', "%5D"));
    let prefix = match kind {
        "Bot" => "BOT",
        "Organization" => "O",
        _ => "U",
    };
    json!({
        "login": login, "id": id, "node_id": node(prefix, id), "avatar_url": format!("{WEB}/avatars/u/{id}"),
        "gravatar_id": "", "url": api, "html_url": format!("{WEB}/{}", login.trim_end_matches("[bot]")),
        "followers_url": format!("{api}/followers"), "following_url": format!("{api}/following{{/other_user}}"),
        "gists_url": format!("{api}/gists{{/gist_id}}"), "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{api}/subscriptions"), "organizations_url": format!("{api}/orgs"),
        "repos_url": format!("{api}/repos"), "events_url": format!("{api}/events{{/privacy}}"),
        "received_events_url": format!("{api}/received_events"), "type": kind, "user_view_type": "public",
        "site_admin": false,
    })
}

/// What anybody may see of an account.
pub(crate) fn public(code: &Code, login: &str) -> Value {
    let mut user = simple(code, login);
    let created = stamp(seed::after(code.now, -900.0 * 86_400.0));
    let more = json!({
        "name": code.user(login).and_then(|u| u.name.clone()), "company": "Acme", "blog": "", "location": null,
        "email": null, "hireable": null, "bio": null, "twitter_username": null, "public_repos": 0,
        "public_gists": 0, "followers": 0, "following": 0, "created_at": created.replace(&created[10..], "T08:00:00Z"),
        "updated_at": created.replace(&created[10..], "T08:00:00Z"),
    });
    merge(&mut user, more);
    user
}

/// The viewer's own account.
pub(crate) fn private(code: &Code) -> Value {
    let mut user = public(code, &code.viewer);
    let more = json!({
        "private_gists": 0, "total_private_repos": code.repos.len(), "owned_private_repos": 0, "disk_usage": 0,
        "collaborators": 0, "two_factor_authentication": true, "user_view_type": "private",
    });
    merge(&mut user, more);
    user
}

/// Name and address of a commit's author.
pub(crate) fn git(code: &Code, login: &str, at: jiff::Timestamp) -> Value {
    let user: Option<&User> = code.user(login);
    let name = user.and_then(|u| u.name.clone()).unwrap_or_else(|| login.to_owned());
    let mail = format!("{}@acme.example", login.replace("[bot]", ""));
    json!({ "name": name, "email": mail, "date": stamp(at) })
}

/// Adds the members of one object to another.
pub(crate) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
