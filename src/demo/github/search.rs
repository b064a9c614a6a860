//! Search over pull requests and issues.

use serde_json::{Value, json};

use super::{
    Call,
    objects::{api, association, labels, node, pull_id, stamp, stamp_of, web},
    reply::{Page, Reply},
    users,
};
use crate::demo::code::{Code, model::Pull};

/// What a query asks for; terms it has and this does not know find nothing.
pub(crate) fn find(code: &Code, query: &str) -> Vec<(usize, u64)> {
    let terms: Vec<&str> = query.split_whitespace().collect();
    let mut found = Vec::new();
    for (index, repo) in code.repos.iter().enumerate() {
        for pull in &repo.pulls {
            if terms.iter().all(|term| fits(code, index, pull, term)) {
                found.push((index, pull.number));
            }
        }
    }
    let updated = |&(index, number): &(usize, u64)| code.repos[index].pull(number).map(|p| p.updated);
    found.sort_by_key(|at| std::cmp::Reverse(updated(at)));
    found
}

fn fits(code: &Code, index: usize, pull: &Pull, term: &str) -> bool {
    let repo = &code.repos[index];
    let Some((key, value)) = term.split_once(':') else {
        let word = term.trim_matches('"').to_lowercase();
        return pull.title.to_lowercase().contains(&word);
    };
    let who = if value == "@me" { code.viewer.as_str() } else { value };
    match (key, value) {
        ("is" | "state", "open") => pull.is_open(),
        ("is" | "state", "closed") => !pull.is_open(),
        ("is", "merged") => pull.merged.is_some(),
        ("is", "unmerged") => pull.merged.is_none(),
        ("is", "draft") | ("draft", "true") => pull.draft,
        ("draft", "false") => !pull.draft,
        ("is" | "type", "pr" | "pull-request") | ("archived", "false") | ("sort", _) => true,
        ("author", _) => pull.author == who,
        ("review-requested" | "user-review-requested", _) => pull.requested.iter().any(|l| l == who),
        ("reviewed-by", _) => pull.reviews.iter().any(|r| r.user == who),
        ("involves", _) => pull.author == who || pull.reviews.iter().any(|r| r.user == who),
        ("repo", _) => repo.full_name().eq_ignore_ascii_case(value),
        ("org" | "user", _) => repo.owner.eq_ignore_ascii_case(who),
        ("label", _) => pull.labels.iter().any(|l| l == value.trim_matches('"')),
        ("base", _) => pull.base_ref == value,
        ("head", _) => pull.head_ref.starts_with(value),
        ("review", "approved") => code.review_decision(index, pull) == Some("APPROVED"),
        ("review", "required") => code.review_decision(index, pull) == Some("REVIEW_REQUIRED"),
        _ => false,
    }
}

/// `GET /search/issues`.
pub(crate) fn issues(code: &Code, call: &Call<'_>) -> Reply {
    let Some(query) = call.param("q") else { return Reply::invalid("Search", "q", "missing") };
    let page = Page::of(find(code, query), call);
    let items: Vec<Value> = page
        .items
        .iter()
        .filter_map(|&(index, number)| Some(item(code, index, code.repos[index].pull(number)?, &call.base)))
        .collect();
    page.reply(json!({
        "total_count": page.total, "incomplete_results": false, "items": items, "search_type": "lexical",
    }))
}

fn item(code: &Code, index: usize, pull: &Pull, base: &str) -> Value {
    let repo = &code.repos[index];
    let address = api(base, repo);
    let own = format!("{address}/issues/{}", pull.number);
    let page = format!("{}/pull/{}", web(repo), pull.number);
    let id = pull_id(repo, pull);
    json!({
        "url": own, "repository_url": address, "labels_url": format!("{own}/labels{{/name}}"),
        "comments_url": format!("{own}/comments"), "events_url": format!("{own}/events"), "html_url": page,
        "id": id, "node_id": node("PR", id), "number": pull.number, "title": pull.title, "locked": false,
        "user": users::simple(code, &pull.author), "labels": labels(base, repo, &pull.labels),
        "state": if pull.is_open() { "open" } else { "closed" }, "assignee": null, "assignees": [],
        "milestone": null, "comments": pull.comments.len(), "created_at": stamp(pull.created),
        "updated_at": stamp(pull.updated), "closed_at": stamp_of(pull.closed), "score": 1.0,
        "author_association": association(code, &pull.author), "draft": pull.draft, "body": pull.body.as_deref().unwrap_or_default(),
        "pull_request": {
            "url": format!("{address}/pulls/{}", pull.number), "html_url": page, "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"), "merged_at": stamp_of(pull.merged.as_ref().map(|m| m.at)),
        },
    })
}
