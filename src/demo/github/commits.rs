//! Commits, their checks, and comparisons.

use serde_json::{Value, json};

use super::{
    Call,
    objects::{WEB, api, diff, diff_entry, node, stamp, stamp_of, web},
    pulls,
    reply::{Page, Reply},
    repos, users,
};
use crate::demo::code::{
    Code,
    merge::Check,
    model::{Commit, FileChange, Repo},
};

pub(crate) fn route(code: &Code, call: &Call<'_>, repo: usize, rest: &[&str]) -> Reply {
    let (name, what) = match rest {
        [name @ .., what @ ("check-runs" | "status" | "pulls" | "statuses")] if !name.is_empty() => (name, *what),
        name => (name, ""),
    };
    let Some(commit) = code.repos[repo].resolve(&name.join("/")) else {
        return Reply::error(422, &format!("No commit found for SHA: {}", name.join("/")));
    };
    match what {
        "check-runs" => check_runs(code, call, repo, commit),
        "status" => status(code, call, repo, commit),
        "statuses" => Reply::json(200, json!([])),
        "pulls" => with_pulls(code, call, repo, commit),
        _ if call.accept.contains("sha") => {
            Reply::text(200, "application/vnd.github.sha; charset=utf-8", commit.sha.clone())
        }
        _ if call.accept.contains("diff") => {
            Reply::text(200, "application/vnd.github.diff; charset=utf-8", diff(&commit.files))
        }
        _ => Reply::json(200, commit_json(code, &code.repos[repo], commit, &call.base, true)),
    }
}

/// The history of a branch, newest first.
pub(crate) fn list(code: &Code, call: &Call<'_>, index: usize) -> Reply {
    let repo = &code.repos[index];
    let Some(from) = repo.resolve(call.param("sha").unwrap_or(&repo.default_branch)) else { return Reply::not_found() };
    let all = repo.history(&from.sha);
    Page::of(all.into_iter().map(|c| commit_json(code, repo, c, &call.base, false)).collect(), call).array()
}

pub(crate) fn commit_json(code: &Code, repo: &Repo, commit: &Commit, base: &str, whole: bool) -> Value {
    let address = api(base, repo);
    let sha = &commit.sha;
    let parents = commit.parents.iter().filter(|p| !p.is_empty()).map(|p| {
        json!({ "sha": p, "url": format!("{address}/commits/{p}"), "html_url": format!("{}/commit/{p}", web(repo)) })
    });
    let git = users::git(code, &commit.author, commit.at);
    let mut value = json!({
        "sha": sha, "node_id": node("C", u64::from_str_radix(&sha[..15], 16).unwrap_or(0)),
        "commit": {
            "author": git, "committer": git, "message": commit.message,
            "tree": { "sha": sha, "url": format!("{address}/git/trees/{sha}") },
            "url": format!("{address}/git/commits/{sha}"), "comment_count": 0,
        },
        "url": format!("{address}/commits/{sha}"), "html_url": format!("{}/commit/{sha}", web(repo)),
        "comments_url": format!("{address}/commits/{sha}/comments"), "author": users::simple(code, &commit.author),
        "committer": users::simple(code, &commit.author), "parents": parents.collect::<Vec<_>>(),
    });
    if whole {
        let (added, gone) = commit.files.iter().fold((0, 0), |(a, d), f| (a + f.additions, d + f.deletions));
        value["stats"] = json!({ "total": added + gone, "additions": added, "deletions": gone });
        value["files"] = commit.files.iter().map(|f| diff_entry(base, repo, sha, f)).collect();
    }
    value
}

fn check_runs(code: &Code, call: &Call<'_>, repo: usize, commit: &Commit) -> Reply {
    let is = |name: &str, value: &str| call.param(name).is_none_or(|want| want == value);
    let checks = code.checks(repo, &commit.sha);
    let wanted = checks.iter().filter(|c| is("check_name", c.name) && is("status", c.status));
    Page::of(wanted.map(|c| check_json(code, repo, &commit.sha, c, &call.base)).collect(), call).counted("check_runs")
}

/// One check run by its id.
pub(crate) fn check_run(code: &Code, call: &Call<'_>, repo: usize, id: &str) -> Reply {
    if let Some((run, job)) = id.parse().ok().and_then(|id| code.job(repo, id)) {
        return Reply::json(200, check_json(code, repo, &run.sha, &Check::of_job(run, job), &call.base));
    }
    let commits = code.repos[repo].commits.keys();
    let found = commits.flat_map(|sha| code.checks(repo, sha).into_iter().map(move |c| (sha, c)));
    match found.into_iter().find(|(_, c)| c.id.to_string() == id) {
        Some((sha, check)) => Reply::json(200, check_json(code, repo, sha, &check, &call.base)),
        None => Reply::not_found(),
    }
}

/// What a failed check says about lines.
pub(crate) fn annotations(code: &Code, call: &Call<'_>, repo: usize, id: &str) -> Reply {
    let job = id.parse().ok().and_then(|id| code.job(repo, id));
    let failed = job.is_some_and(|(_, j)| j.conclusion.is_some_and(|c| c.word() == "failure"));
    let one = json!({
        "path": ".github", "start_line": 1, "end_line": 1, "start_column": null, "end_column": null,
        "annotation_level": "failure", "title": "", "message": "Process completed with exit code 1.",
        "raw_details": null, "blob_href": format!("{}/blob/main/.github", web(&code.repos[repo])),
    });
    Page::of(if failed { vec![one] } else { Vec::new() }, call).array()
}

fn check_json(code: &Code, index: usize, sha: &str, check: &Check<'_>, base: &str) -> Value {
    let repo = &code.repos[index];
    let address = format!("{}/check-runs/{}", api(base, repo), check.id);
    let page = check.run.map_or_else(
        || format!("{}/runs/{}", web(repo), check.id),
        |run| format!("{}/actions/runs/{}/job/{}", web(repo), run.id, check.id),
    );
    let pulls = repo.pulls.iter().filter(|p| p.head_sha == sha).map(|p| pulls::minimal(repo, p, base));
    let failed = check.conclusion == Some("failure");
    json!({
        "id": check.id, "name": check.name, "node_id": node("CR", check.id), "head_sha": sha,
        "external_id": check.id.to_string(), "url": address, "html_url": page, "details_url": page,
        "status": check.status, "conclusion": check.conclusion, "started_at": stamp(check.started),
        "completed_at": stamp_of(check.completed),
        "output": {
            "title": null, "summary": null, "text": null, "annotations_count": u8::from(failed),
            "annotations_url": format!("{address}/annotations"),
        },
        "check_suite": { "id": check.run.map_or(check.id + 1, |r| r.suite) }, "app": app(code), "pull_requests": pulls.collect::<Vec<_>>(),
    })
}

fn app(code: &Code) -> Value {
    let created = "2018-07-30T09:30:17Z";
    json!({
        "id": 15368, "client_id": "Iv1.05c79e9ad1f6bdfa", "slug": "github-actions", "node_id": node("A", 15368),
        "owner": users::owner(code.repos.first().map_or("acme", |r| r.owner.as_str())), "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production", "external_url": format!("{WEB}/features/actions"),
        "html_url": format!("{WEB}/apps/github-actions"), "created_at": created, "updated_at": created,
        "permissions": { "checks": "write", "contents": "write" }, "events": ["check_run"],
    })
}

/// The combined statuses of the older API: none here, which it calls `pending`.
fn status(code: &Code, call: &Call<'_>, index: usize, commit: &Commit) -> Reply {
    let repo = &code.repos[index];
    let address = format!("{}/commits/{}", api(&call.base, repo), commit.sha);
    Reply::json(
        200,
        json!({
            "state": "pending", "statuses": [], "sha": commit.sha, "total_count": 0,
            "repository": repos::minimal(code, index, &call.base), "commit_url": address,
            "url": format!("{address}/status"),
        }),
    )
}

/// Pull requests that brought a commit in, or, for one that is on no default branch, that have it.
fn with_pulls(code: &Code, call: &Call<'_>, index: usize, commit: &Commit) -> Reply {
    let repo = &code.repos[index];
    let found = repo
        .pulls
        .iter()
        .filter(|p| p.merged.as_ref().is_some_and(|m| m.sha == commit.sha) || p.commits.contains(&commit.sha));
    Page::of(found.map(|p| pulls::simple(code, index, p, &call.base)).collect(), call).array()
}

/// `base...head`.
pub(crate) fn compare(code: &Code, call: &Call<'_>, index: usize, range: &str) -> Reply {
    let repo = &code.repos[index];
    let Some((from, to)) = range.split_once("...") else { return Reply::not_found() };
    let (Some(from), Some(to)) = (repo.resolve(from), repo.resolve(to)) else { return Reply::not_found() };
    let ours = repo.history(&from.sha);
    let theirs = repo.history(&to.sha);
    let Some(common) = theirs.iter().find(|c| ours.iter().any(|o| o.sha == c.sha)).copied() else {
        return Reply::error(404, &format!("No common ancestor between {} and {}.", from.sha, to.sha));
    };
    let until = |line: &[&Commit]| line.iter().take_while(|c| c.sha != common.sha).count();
    let (ahead, behind) = (until(&theirs), until(&ours));
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let mut commits: Vec<&Commit> = theirs[..ahead].to_vec();
    commits.reverse();
    let files = changed(&commits);
    if call.accept.contains("diff") {
        return Reply::text(200, "application/vnd.github.diff; charset=utf-8", diff(&files));
    }
    let whole = |c: &Commit| commit_json(code, repo, c, &call.base, false);
    let page = Page::of(commits, call);
    let listed: Vec<Value> = page.items.iter().map(|c| whole(c)).collect();
    let entries: Vec<Value> = files.iter().map(|f| diff_entry(&call.base, repo, &to.sha, f)).collect();
    let address = format!("{}/compare/{range}", api(&call.base, repo));
    let shown = format!("{}/compare/{range}", web(repo));
    page.reply(json!({
        "url": address, "html_url": shown, "permalink_url": shown, "diff_url": format!("{shown}.diff"),
        "patch_url": format!("{shown}.patch"), "base_commit": whole(from), "merge_base_commit": whole(common),
        "status": status, "ahead_by": ahead, "behind_by": behind, "total_commits": ahead, "commits": listed,
        "files": entries,
    }))
}

/// The files several commits changed; of one changed twice, the counts together and the last hunks.
fn changed(commits: &[&Commit]) -> Vec<FileChange> {
    let mut all: Vec<FileChange> = Vec::new();
    for file in commits.iter().flat_map(|c| &c.files) {
        match all.iter_mut().find(|f| f.path == file.path) {
            Some(known) => {
                known.additions += file.additions;
                known.deletions += file.deletions;
                known.patch.clone_from(&file.patch);
            }
            None => all.push(file.clone()),
        }
    }
    all
}
