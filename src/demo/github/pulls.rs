//! Pull requests and issues, read.

use serde_json::{Value, json};

use super::{
    Call, commits,
    objects::{WEB, api, association, diff, diff_entry, labels, node, pull_id, stamp, stamp_of, web},
    reply::{Page, Reply},
    repos, users,
};
use crate::demo::code::{
    Code,
    model::{Comment, Issue, LineComment, Pull, Repo, Review},
};

pub(crate) fn route(code: &mut Code, call: &Call<'_>, index: usize, rest: &[&str]) -> Reply {
    let number = rest.get(1).and_then(|n| n.parse::<u64>().ok());
    if let (["pulls", _], Some(number)) = (rest, number) {
        let reply = detail(code, call, index, number);
        code.ask_mergeable(index, number);
        return reply;
    }
    let repo = &code.repos[index];
    match (rest, number) {
        (["pulls"], _) => list(code, call, index),
        (["issues", _, "comments"], Some(number)) => match conversation(repo, number) {
            Some(all) => page(all.iter().map(|c| comment(code, repo, number, c, &call.base)), call),
            None => Reply::not_found(),
        },
        (["issues", _], Some(number)) => match repo.issues.iter().find(|i| i.number == number) {
            Some(found) => Reply::json(200, issue(code, repo, found, &call.base)),
            None => Reply::not_found(),
        },
        (["pulls", _, what], Some(number)) => match repo.pull(number) {
            Some(pull) => part(code, call, index, pull, what),
            None => Reply::not_found(),
        },
        _ => Reply::not_found(),
    }
}

fn page(items: impl Iterator<Item = Value>, call: &Call<'_>) -> Reply {
    Page::of(items.collect(), call).array()
}

fn part(code: &Code, call: &Call<'_>, index: usize, pull: &Pull, what: &str) -> Reply {
    let (repo, base) = (&code.repos[index], call.base.as_str());
    match what {
        "files" => page(pull.files.iter().map(|f| diff_entry(base, repo, &pull.head_sha, f)), call),
        "reviews" => page(pull.reviews.iter().map(|r| review(code, repo, pull, r, base)), call),
        "comments" => page(pull.line_comments.iter().map(|c| line_comment(code, repo, pull, c, base)), call),
        "commits" => {
            let found = pull.commits.iter().filter_map(|sha| repo.commits.get(sha));
            page(found.map(|c| commits::commit_json(code, repo, c, base, false)), call)
        }
        "requested_reviewers" => {
            let users: Vec<Value> = pull.requested.iter().map(|login| users::simple(code, login)).collect();
            Reply::json(200, json!({ "users": users, "teams": [] }))
        }
        "merge" if pull.merged.is_some() => Reply::empty(204),
        _ => Reply::not_found(),
    }
}

fn conversation(repo: &Repo, number: u64) -> Option<&[Comment]> {
    let issue = repo.issues.iter().find(|i| i.number == number).map(|i| i.comments.as_slice());
    issue.or_else(|| repo.pull(number).map(|p| p.comments.as_slice()))
}

fn list(code: &Code, call: &Call<'_>, index: usize) -> Reply {
    let repo = &code.repos[index];
    let state = call.param("state").unwrap_or("open");
    let head = call.param("head").map(|h| h.split_once(':').map_or(h, |(_, branch)| branch));
    let wanted = |p: &&Pull| {
        (state == "all" || (state == "open") == p.is_open())
            && call.param("base").is_none_or(|b| b == p.base_ref)
            && head.is_none_or(|h| h == p.head_ref)
    };
    let mut found: Vec<&Pull> = repo.pulls.iter().filter(wanted).collect();
    let updated = call.param("sort") == Some("updated");
    found.sort_by_key(|p| (if updated { p.updated } else { p.created }, p.number));
    let ascending = match call.param("direction") {
        Some(direction) => direction == "asc",
        None => call.param("sort").is_some_and(|s| s != "created"),
    };
    if !ascending {
        found.reverse();
    }
    page(found.into_iter().map(|p| simple(code, index, p, &call.base)), call)
}

fn detail(code: &Code, call: &Call<'_>, index: usize, number: u64) -> Reply {
    let Some(pull) = code.repos[index].pull(number) else { return Reply::not_found() };
    if call.accept.contains("patch") {
        let kind = "application/vnd.github.patch; charset=utf-8";
        let head = format!("From {} Mon Sep 17 00:00:00 2001\nSubject: [PATCH] {}\n\n---\n", pull.head_sha, pull.title);
        return Reply::text(200, kind, head + &diff(&pull.files));
    }
    if call.accept.contains("diff") {
        return Reply::text(200, "application/vnd.github.diff; charset=utf-8", diff(&pull.files));
    }
    Reply::json(200, full(code, index, pull, &call.base))
}

/// Number, branches and commits, as runs and checks name it.
pub(crate) fn minimal(repo: &Repo, pull: &Pull, base: &str) -> Value {
    let place = json!({ "id": repo.id, "url": api(base, repo), "name": repo.name });
    json!({
        "url": format!("{}/pulls/{}", api(base, repo), pull.number), "id": pull_id(repo, pull), "number": pull.number,
        "head": { "ref": pull.head_ref, "sha": pull.head_sha, "repo": place },
        "base": { "ref": pull.base_ref, "sha": pull.base_sha, "repo": place },
    })
}

/// The form of lists.
pub(crate) fn simple(code: &Code, index: usize, pull: &Pull, base: &str) -> Value {
    let repo = &code.repos[index];
    let address = api(base, repo);
    let (own, issue) = (format!("{address}/pulls/{}", pull.number), format!("{address}/issues/{}", pull.number));
    let page = format!("{}/pull/{}", web(repo), pull.number);
    let place = repos::usual(code, index, base);
    let end = |name: &str, sha: &str| {
        json!({
            "label": format!("{}:{name}", repo.owner), "ref": name, "sha": sha, "user": users::owner(&repo.owner),
            "repo": place,
        })
    };
    let link = |to: String| json!({ "href": to });
    let statuses = format!("{address}/statuses/{}", pull.head_sha);
    let requested: Vec<Value> = pull.requested.iter().map(|login| users::simple(code, login)).collect();
    let id = pull_id(repo, pull);
    json!({
        "url": own, "id": id, "node_id": node("PR", id), "html_url": page, "diff_url": format!("{page}.diff"),
        "patch_url": format!("{page}.patch"), "issue_url": issue, "number": pull.number,
        "state": if pull.is_open() { "open" } else { "closed" }, "locked": false, "title": pull.title,
        "user": users::simple(code, &pull.author), "body": pull.body, "created_at": stamp(pull.created),
        "updated_at": stamp(pull.updated), "closed_at": stamp_of(pull.closed),
        "merged_at": stamp_of(pull.merged.as_ref().map(|m| m.at)),
        "merge_commit_sha": pull.merged.as_ref().map(|m| m.sha.clone()), "assignee": null, "assignees": [],
        "requested_reviewers": requested, "requested_teams": [], "labels": labels(base, repo, &pull.labels),
        "milestone": null, "draft": pull.draft, "commits_url": format!("{own}/commits"),
        "review_comments_url": format!("{own}/comments"),
        "review_comment_url": format!("{address}/pulls/comments{{/number}}"),
        "comments_url": format!("{issue}/comments"), "statuses_url": statuses,
        "head": end(&pull.head_ref, &pull.head_sha), "base": end(&pull.base_ref, &pull.base_sha),
        "_links": {
            "self": link(own.clone()), "html": link(page), "issue": link(issue.clone()),
            "comments": link(format!("{issue}/comments")), "review_comments": link(format!("{own}/comments")),
            "review_comment": link(format!("{address}/pulls/comments{{/number}}")),
            "commits": link(format!("{own}/commits")), "statuses": link(statuses),
        },
        "author_association": association(code, &pull.author), "auto_merge": null, "active_lock_reason": null,
    })
}

/// The form of one.
pub(crate) fn full(code: &Code, index: usize, pull: &Pull, base: &str) -> Value {
    let mut value = simple(code, index, pull, base);
    let mergeable = code.mergeable(pull);
    users::merge(
        &mut value,
        json!({
            "merged": pull.merged.is_some(), "mergeable": mergeable, "rebaseable": mergeable,
            "mergeable_state": code.merge_state(index, pull),
            "merged_by": pull.merged.as_ref().map(|m| users::simple(code, &m.by)), "comments": pull.comments.len(),
            "review_comments": pull.line_comments.len(), "maintainer_can_modify": false,
            "commits": pull.commits.len(), "additions": pull.additions(), "deletions": pull.deletions(),
            "changed_files": pull.files.len(),
        }),
    );
    value
}

pub(crate) fn review(code: &Code, repo: &Repo, pull: &Pull, review: &Review, base: &str) -> Value {
    let page = format!("{}/pull/{}#pullrequestreview-{}", web(repo), pull.number, review.id);
    let own = format!("{}/pulls/{}", api(base, repo), pull.number);
    let mut value = json!({
        "id": review.id, "node_id": node("PRR", review.id), "user": users::simple(code, &review.user),
        "body": review.body, "state": review.state, "html_url": page, "pull_request_url": own,
        "author_association": association(code, &review.user), "commit_id": review.commit,
        "_links": { "html": { "href": page }, "pull_request": { "href": own } },
    });
    if review.state != "PENDING" {
        value["submitted_at"] = json!(stamp(review.at));
    }
    value
}

fn line_comment(code: &Code, repo: &Repo, pull: &Pull, comment: &LineComment, base: &str) -> Value {
    let page = format!("{}/pull/{}#discussion_r{}", web(repo), pull.number, comment.id);
    let (own, url) = (
        format!("{}/pulls/{}", api(base, repo), pull.number),
        format!("{}/pulls/comments/{}", api(base, repo), comment.id),
    );
    json!({
        "url": url, "pull_request_review_id": comment.review, "id": comment.id, "node_id": node("PRRC", comment.id),
        "diff_hunk": comment.hunk, "path": comment.path, "commit_id": comment.commit,
        "original_commit_id": comment.commit, "user": users::simple(code, &comment.user), "body": comment.body,
        "created_at": stamp(comment.at), "updated_at": stamp(comment.at), "html_url": page, "pull_request_url": own,
        "author_association": association(code, &comment.user),
        "_links": { "self": { "href": url }, "html": { "href": page }, "pull_request": { "href": own } },
        "line": comment.line, "original_line": comment.line, "side": "RIGHT", "start_line": null,
        "original_start_line": null, "start_side": null, "subject_type": "line",
    })
}

pub(crate) fn comment(code: &Code, repo: &Repo, number: u64, comment: &Comment, base: &str) -> Value {
    let address = api(base, repo);
    json!({
        "id": comment.id, "node_id": node("IC", comment.id), "url": format!("{address}/issues/comments/{}", comment.id),
        "html_url": format!("{}/issues/{number}#issuecomment-{}", web(repo), comment.id), "body": comment.body,
        "user": users::simple(code, &comment.user), "created_at": stamp(comment.at), "updated_at": stamp(comment.at),
        "issue_url": format!("{address}/issues/{number}"), "author_association": association(code, &comment.user),
        "performed_via_github_app": null,
    })
}

pub(crate) fn issue(code: &Code, repo: &Repo, issue: &Issue, base: &str) -> Value {
    let address = api(base, repo);
    let own = format!("{address}/issues/{}", issue.number);
    let id = repo.id % 100_000_000 * 100_000 + issue.number;
    let assignees: Vec<Value> = issue.assignees.iter().map(|login| users::simple(code, login)).collect();
    json!({
        "id": id, "node_id": node("I", id), "url": own, "repository_url": address,
        "labels_url": format!("{own}/labels{{/name}}"), "comments_url": format!("{own}/comments"),
        "events_url": format!("{own}/events"), "html_url": format!("{WEB}/{}/issues/{}", repo.full_name(), issue.number),
        "number": issue.number, "state": "open", "state_reason": null, "title": issue.title, "body": issue.body,
        "user": users::simple(code, &issue.author), "labels": labels(base, repo, &issue.labels),
        "assignee": assignees.first(), "assignees": assignees, "milestone": null, "locked": false,
        "active_lock_reason": null, "comments": issue.comments.len(), "closed_at": null, "closed_by": null,
        "created_at": stamp(issue.at), "updated_at": stamp(issue.at), "author_association": association(code, &issue.author),
    })
}
