//! Pull requests and issues, changed.

use serde_json::{Value, json};

use super::{Call, pulls, reply::Reply};
use crate::demo::code::{Code, merge::Method, review::NewLineComment};

pub(crate) fn route(code: &mut Code, call: &Call<'_>, repo: usize, rest: &[&str]) -> Reply {
    let number = rest.get(1).and_then(|n| n.parse::<u64>().ok());
    match (call.method, rest, number) {
        ("POST", ["issues"], _) => issue(code, call, repo),
        ("POST", ["issues", _, "comments"], Some(number)) => comment(code, call, repo, number),
        ("POST", ["pulls", _, "reviews"], Some(number)) => review(code, call, repo, number),
        ("PUT", ["pulls", _, "merge"], Some(number)) => merge(code, call, repo, number),
        ("PATCH", ["pulls", _], Some(number)) => edit(code, call, repo, number),
        _ => Reply::not_found(),
    }
}

fn words(call: &Call<'_>, name: &str) -> Vec<String> {
    let list = call.body.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|v| v.as_str().or_else(|| v["name"].as_str())).map(str::to_owned).collect()
}

fn issue(code: &mut Code, call: &Call<'_>, index: usize) -> Reply {
    let Some(title) = call.text("title").filter(|t| !t.trim().is_empty()) else {
        return Reply::invalid("Issue", "title", "missing_field");
    };
    let assignees = words(call, "assignees");
    if assignees.iter().any(|login| code.user(login).is_none()) {
        return Reply::invalid("Issue", "assignees", "invalid");
    }
    let number = code.open_issue(index, title, call.text("body"), words(call, "labels"), assignees);
    let repo = &code.repos[index];
    match repo.issues.iter().find(|i| i.number == number) {
        Some(new) => {
            let value = pulls::issue(code, repo, new, &call.base);
            let place = value["url"].as_str().unwrap_or_default().to_owned();
            Reply::json(201, value).with("location", place)
        }
        None => Reply::not_found(),
    }
}

fn comment(code: &mut Code, call: &Call<'_>, index: usize, number: u64) -> Reply {
    let Some(body) = call.text("body").filter(|b| !b.trim().is_empty()) else {
        return Reply::invalid("IssueComment", "body", "missing_field");
    };
    match code.comment(index, number, body) {
        Err(refusal) => Reply::refused(&refusal),
        Ok(new) => {
            let value = pulls::comment(code, &code.repos[index], number, &new, &call.base);
            let place = value["url"].as_str().unwrap_or_default().to_owned();
            Reply::json(201, value).with("location", place)
        }
    }
}

fn review(code: &mut Code, call: &Call<'_>, index: usize, number: u64) -> Reply {
    let comments = call.body.get("comments").and_then(Value::as_array).into_iter().flatten();
    let line = |c: &Value| {
        let place = c["line"].as_u64().or_else(|| c["position"].as_u64()).unwrap_or(1);
        let (path, body) = (c["path"].as_str()?, c["body"].as_str()?);
        Some(NewLineComment { path: path.to_owned(), line: place, body: body.to_owned() })
    };
    let lines = comments.filter_map(line).collect();
    let body = call.text("body").unwrap_or_default();
    match code.review(index, number, call.text("event"), body, call.text("commit_id"), lines) {
        Err(refusal) => Reply::refused(&refusal),
        Ok(id) => {
            let repo = &code.repos[index];
            let pull = repo.pull(number);
            let made = pull.and_then(|p| p.reviews.iter().find(|r| r.id == id).map(|r| (p, r)));
            made.map_or_else(Reply::not_found, |(p, r)| Reply::json(200, pulls::review(code, repo, p, r, &call.base)))
        }
    }
}

fn merge(code: &mut Code, call: &Call<'_>, index: usize, number: u64) -> Reply {
    let method = match call.text("merge_method") {
        None | Some("merge") => Method::Merge,
        Some("squash") => Method::Squash,
        Some("rebase") => Method::Rebase,
        Some(other) => {
            return Reply::unfit(&format!(
                "For 'properties/merge_method', {other} is not a member of [\"merge\", \"squash\", \"rebase\"]."
            ));
        }
    };
    let (title, message) = (call.text("commit_title"), call.text("commit_message"));
    match code.merge(index, number, call.text("sha"), method, title, message) {
        Err(refusal) => Reply::refused(&refusal),
        Ok(sha) => {
            Reply::json(200, json!({ "sha": sha, "merged": true, "message": "Pull Request successfully merged" }))
        }
    }
}

fn edit(code: &mut Code, call: &Call<'_>, index: usize, number: u64) -> Reply {
    match code.edit(index, number, call.text("state"), call.text("title"), call.text("body")) {
        Err(refusal) => Reply::refused(&refusal),
        Ok(()) => match code.repos[index].pull(number) {
            Some(pull) => Reply::json(200, pulls::full(code, index, pull, &call.base)),
            None => Reply::not_found(),
        },
    }
}
