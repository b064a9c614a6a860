//! Repositories, in their three sizes.

use serde_json::{Value, json};

use super::{
    Call,
    objects::{WEB, api, node, stamp, web},
    reply::{Page, Reply},
    users,
};
use crate::demo::code::{Code, merge::Method};

/// Each `_url` of a repository: member, path after the repository's own address.
const ADDRESSES: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("hooks_url", "/hooks"),
];

/// The form inside workflow runs.
pub(crate) fn minimal(code: &Code, index: usize, base: &str) -> Value {
    let repo = &code.repos[index];
    let address = api(base, repo);
    let mut value = json!({
        "id": repo.id, "node_id": node("R", repo.id), "name": repo.name, "full_name": repo.full_name(),
        "owner": users::owner(&repo.owner), "private": repo.private, "html_url": web(repo),
        "description": repo.description, "fork": false, "url": address,
    });
    for (name, path) in ADDRESSES {
        value[*name] = json!(format!("{address}{path}"));
    }
    value
}

/// The form inside pull requests.
pub(crate) fn usual(code: &Code, index: usize, base: &str) -> Value {
    let repo = &code.repos[index];
    let open = repo.pulls.iter().filter(|p| p.is_open()).count() + repo.issues.len();
    let full = repo.full_name();
    let mut value = minimal(code, index, base);
    users::merge(
        &mut value,
        json!({
            "git_url": format!("git://code.acme.example/{full}.git"), "ssh_url": format!("git@code.acme.example:{full}.git"),
            "clone_url": format!("{WEB}/{full}.git"), "svn_url": web(repo), "mirror_url": null, "homepage": null,
            "language": "Go", "license": null, "forks": 0, "forks_count": 0, "stargazers_count": 0,
            "watchers_count": 0, "watchers": 0, "size": 4096, "default_branch": repo.default_branch,
            "open_issues_count": open, "open_issues": open, "topics": [], "has_issues": true, "has_projects": false,
            "has_wiki": false, "has_pages": false, "has_downloads": true, "has_discussions": false,
            "archived": false, "disabled": false, "is_template": false, "allow_forking": false,
            "web_commit_signoff_required": false, "visibility": if repo.private { "private" } else { "public" },
            "pushed_at": stamp(repo.pushed), "created_at": stamp(repo.created), "updated_at": stamp(repo.pushed),
            "permissions": { "admin": false, "maintain": false, "push": true, "triage": true, "pull": true },
        }),
    );
    value
}

/// The repository's own page.
pub(crate) fn full(code: &Code, index: usize, base: &str) -> Value {
    let repo = &code.repos[index];
    let may = |method| repo.methods.contains(&method);
    let mut value = usual(code, index, base);
    users::merge(
        &mut value,
        json!({
            "subscribers_count": 5, "network_count": 0, "allow_squash_merge": may(Method::Squash),
            "allow_merge_commit": may(Method::Merge), "allow_rebase_merge": may(Method::Rebase),
            "allow_auto_merge": false, "delete_branch_on_merge": true, "allow_update_branch": true,
            "organization": users::owner(&repo.owner),
        }),
    );
    value
}

/// Repositories the viewer can see.
pub(crate) fn list(code: &Code, call: &Call<'_>) -> Reply {
    let all = (0..code.repos.len()).map(|index| usual(code, index, &call.base)).collect();
    Page::of(all, call).array()
}
