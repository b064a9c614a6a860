//! The objects of a GraphQL answer and their fields.

use serde_json::{Map, Value, json};

use super::connection::cut;
use crate::demo::{
    code::{
        Code,
        merge::Method,
        model::{Commit, Pull},
    },
    github::{
        objects::{WEB, node, node_number, pull_id, stamp, stamp_of, web},
        search,
    },
};

/// A value in an answer.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(Value),
    Of(Object),
    List(Vec<Node>),
}

/// An object in an answer. Big ones are looked into field by field.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Query,
    Repository(usize),
    Pull(usize, u64),
    Commit(usize, String),
    Rollup(usize, String),
    /// Type and ready fields.
    Plain(&'static str, Vec<(&'static str, Node)>),
}

impl Node {
    pub fn leaf(value: impl Into<Value>) -> Self {
        Self::Leaf(value.into())
    }

    pub(super) const NULL: Self = Self::Leaf(Value::Null);
}

impl Object {
    pub fn plain(of: &'static str, fields: Vec<(&'static str, Node)>) -> Self {
        Self::Plain(of, fields)
    }

    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Repository(_) => "Repository",
            Self::Pull(..) => "PullRequest",
            Self::Commit(..) => "Commit",
            Self::Rollup(..) => "StatusCheckRollup",
            Self::Plain(of, _) => of,
        }
    }
}

pub(super) type Arguments = Map<String, Value>;

/// What fields are looked up in.
pub(super) struct Resolver<'a> {
    pub code: &'a Code,
    /// The GraphQL bucket's state.
    pub rate: Value,
}

impl Resolver<'_> {
    /// A field of an object; an error is a thing that does not exist.
    pub fn field(&self, object: &Object, name: &str, arguments: &Arguments) -> Result<Node, String> {
        Ok(match object {
            Object::Query => return self.query(name, arguments),
            Object::Repository(index) => return self.repository(*index, name, arguments),
            Object::Pull(index, number) => match self.code.repos[*index].pull(*number) {
                Some(pull) => self.pull(*index, pull, name, arguments),
                None => Node::NULL,
            },
            Object::Commit(index, sha) => match self.code.repos[*index].commits.get(sha) {
                Some(commit) => self.commit(*index, commit, name, arguments),
                None => Node::NULL,
            },
            Object::Rollup(index, sha) => self.rollup_field(*index, sha, name, arguments),
            Object::Plain(_, fields) => {
                fields.iter().find(|(key, _)| *key == name).map_or(Node::NULL, |(_, node)| node.clone())
            }
        })
    }

    fn query(&self, name: &str, arguments: &Arguments) -> Result<Node, String> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        match name {
            "rateLimit" => Ok(self.rate_limit()),
            "viewer" => Ok(self.actor(&self.code.viewer)),
            "repository" => {
                let found = self.code.repo_index(text("owner"), text("name"));
                found.map(|index| Node::Of(Object::Repository(index))).ok_or_else(|| {
                    let wanted = format!("{}/{}", text("owner"), text("name"));
                    format!("Could not resolve to a Repository with the name '{wanted}'.")
                })
            }
            "search" => {
                let found = search::find(self.code, text("query"));
                let nodes = found.into_iter().map(|(r, n)| Node::Of(Object::Pull(r, n))).collect();
                Ok(Node::Of(cut("SearchResultItemConnection", nodes, arguments)))
            }
            "node" => {
                let number = node_number(text("id")).map(|(_, n)| n);
                let every = self
                    .code
                    .repos
                    .iter()
                    .enumerate()
                    .flat_map(|(r, repo)| repo.pulls.iter().map(move |p| (r, repo, p)));
                let found = every.into_iter().find(|(_, repo, p)| Some(pull_id(repo, p)) == number);
                found
                    .map(|(r, _, p)| Node::Of(Object::Pull(r, p.number)))
                    .ok_or_else(|| format!("Could not resolve to a node with the global id of '{}'", text("id")))
            }
            _ => Ok(Node::NULL),
        }
    }

    fn rate_limit(&self) -> Node {
        let number = |key: &str| Node::Leaf(self.rate[key].clone());
        let reset = self.rate["reset"].as_i64().and_then(|s| jiff::Timestamp::from_second(s).ok());
        Node::Of(Object::plain(
            "RateLimit",
            vec![
                ("cost", Node::leaf(1)),
                ("limit", number("limit")),
                ("nodeCount", Node::leaf(30)),
                ("remaining", number("remaining")),
                ("used", number("used")),
                ("resetAt", Node::Leaf(stamp_of(reset))),
            ],
        ))
    }

    /// A person or bot; a bot's login is without its `[bot]` here.
    pub(super) fn actor(&self, login: &str) -> Node {
        let Some(user) = self.code.user(login) else { return Node::NULL };
        let shown = login.trim_end_matches("[bot]");
        let of = if user.bot { "Bot" } else { "User" };
        Node::Of(Object::plain(
            of,
            vec![
                ("login", Node::leaf(shown)),
                ("name", Node::Leaf(json!(user.name))),
                ("url", Node::leaf(format!("{WEB}/{shown}"))),
                ("id", Node::leaf(node(if user.bot { "BOT" } else { "U" }, user.id))),
                ("databaseId", Node::leaf(user.id)),
                ("avatarUrl", Node::leaf(format!("{WEB}/avatars/u/{}", user.id))),
            ],
        ))
    }

    fn repository(&self, index: usize, name: &str, arguments: &Arguments) -> Result<Node, String> {
        let repo = &self.code.repos[index];
        let may = |method| Node::leaf(repo.methods.contains(&method));
        Ok(match name {
            "id" => Node::leaf(node("R", repo.id)),
            "databaseId" => Node::leaf(repo.id),
            "name" => Node::leaf(repo.name.as_str()),
            "nameWithOwner" => Node::leaf(repo.full_name()),
            "owner" => Node::Of(Object::plain(
                "Organization",
                vec![("login", Node::leaf(repo.owner.as_str())), ("url", Node::leaf(format!("{WEB}/{}", repo.owner)))],
            )),
            "url" => Node::leaf(web(repo)),
            "description" => Node::leaf(repo.description.as_str()),
            "isArchived" | "autoMergeAllowed" => Node::leaf(false),
            "isPrivate" => Node::leaf(repo.private),
            "mergeCommitAllowed" => may(Method::Merge),
            "squashMergeAllowed" => may(Method::Squash),
            "rebaseMergeAllowed" => may(Method::Rebase),
            "viewerPermission" => Node::leaf("WRITE"),
            "defaultBranchRef" => {
                let head = repo.branches.get(&repo.default_branch).cloned().unwrap_or_default();
                let fields = vec![
                    ("id", Node::leaf(node("REF", repo.id))),
                    ("name", Node::leaf(repo.default_branch.as_str())),
                    ("target", Node::Of(Object::Commit(index, head))),
                ];
                Node::Of(Object::plain("Ref", fields))
            }
            "pullRequest" => {
                let number = arguments.get("number").and_then(Value::as_u64).unwrap_or(0);
                if repo.pull(number).is_none() {
                    return Err(format!("Could not resolve to a PullRequest with the number of {number}."));
                }
                Node::Of(Object::Pull(index, number))
            }
            "pullRequests" => Node::Of(self.pulls(index, arguments)),
            "object" => {
                let wanted = arguments.get("oid").or_else(|| arguments.get("expression")).and_then(Value::as_str);
                wanted
                    .and_then(|w| repo.resolve(w))
                    .map_or(Node::NULL, |c| Node::Of(Object::Commit(index, c.sha.clone())))
            }
            _ => Node::NULL,
        })
    }

    fn pulls(&self, index: usize, arguments: &Arguments) -> Object {
        let repo = &self.code.repos[index];
        let words = match arguments.get("states") {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let named = |key: &str, value: &str| arguments.get(key).and_then(Value::as_str).is_none_or(|w| w == value);
        let wanted = |p: &&Pull| {
            (words.is_empty() || words.contains(&state(p)))
                && named("headRefName", &p.head_ref)
                && named("baseRefName", &p.base_ref)
        };
        let mut found: Vec<&Pull> = repo.pulls.iter().filter(wanted).collect();
        let order = &arguments.get("orderBy").cloned().unwrap_or(Value::Null);
        let updated = order["field"] == "UPDATED_AT";
        found.sort_by_key(|p| (if updated { p.updated } else { p.created }, p.number));
        if order["direction"] == "DESC" {
            found.reverse();
        }
        let nodes = found.into_iter().map(|p| Node::Of(Object::Pull(index, p.number))).collect();
        cut("PullRequestConnection", nodes, arguments)
    }

    fn commit(&self, index: usize, commit: &Commit, name: &str, arguments: &Arguments) -> Node {
        let repo = &self.code.repos[index];
        match name {
            "oid" => Node::leaf(commit.sha.as_str()),
            "abbreviatedOid" => Node::leaf(&commit.sha[..7]),
            "id" => Node::leaf(node("C", u64::from_str_radix(&commit.sha[..15], 16).unwrap_or(0))),
            "message" => Node::leaf(commit.message.as_str()),
            "messageHeadline" => Node::leaf(commit.message.lines().next().unwrap_or_default()),
            "committedDate" => Node::leaf(stamp(commit.at)),
            "url" => Node::leaf(format!("{}/commit/{}", web(repo), commit.sha)),
            "author" => {
                let login = commit.author.as_str();
                let shown = self.code.user(login).and_then(|u| u.name.clone()).unwrap_or_else(|| login.to_owned());
                let fields = vec![
                    ("name", Node::leaf(shown)),
                    ("user", self.actor(login)),
                    ("date", Node::leaf(stamp(commit.at))),
                ];
                Node::Of(Object::plain("GitActor", fields))
            }
            "statusCheckRollup" => self.rollup(index, &commit.sha),
            "associatedPullRequests" => {
                let has = |p: &&Pull| {
                    p.merged.as_ref().is_some_and(|m| m.sha == commit.sha) || p.commits.contains(&commit.sha)
                };
                let found = repo.pulls.iter().filter(has).map(|p| Node::Of(Object::Pull(index, p.number))).collect();
                Node::Of(cut("PullRequestConnection", found, arguments))
            }
            _ => Node::NULL,
        }
    }

    fn pull(&self, index: usize, pull: &Pull, name: &str, arguments: &Arguments) -> Node {
        let repo = &self.code.repos[index];
        let id = pull_id(repo, pull);
        let stamped = |at| Node::Leaf(stamp_of(at));
        let merged = pull.merged.as_ref();
        match name {
            "id" => Node::leaf(node("PR", id)),
            "databaseId" => Node::leaf(id % 2_000_000_000),
            "fullDatabaseId" => Node::leaf(id.to_string()),
            "number" => Node::leaf(pull.number),
            "title" => Node::leaf(pull.title.as_str()),
            "url" => Node::leaf(format!("{}/pull/{}", web(repo), pull.number)),
            "body" => Node::leaf(pull.body.clone().unwrap_or_default()),
            "state" => Node::leaf(state(pull)),
            "isDraft" => Node::leaf(pull.draft),
            "closed" => Node::leaf(!pull.is_open()),
            "merged" => Node::leaf(merged.is_some()),
            "createdAt" => stamped(Some(pull.created)),
            "updatedAt" => stamped(Some(pull.updated)),
            "closedAt" => stamped(pull.closed),
            "mergedAt" => stamped(merged.map(|m| m.at)),
            "mergedBy" => merged.map_or(Node::NULL, |m| self.actor(&m.by)),
            "mergeCommit" => merged.map_or(Node::NULL, |m| Node::Of(Object::Commit(index, m.sha.clone()))),
            "author" => self.actor(&pull.author),
            "headRefName" => Node::leaf(pull.head_ref.as_str()),
            "headRefOid" => Node::leaf(pull.head_sha.as_str()),
            "baseRefName" => Node::leaf(pull.base_ref.as_str()),
            "baseRefOid" => Node::leaf(pull.base_sha.as_str()),
            "isCrossRepository" | "isInMergeQueue" => Node::leaf(false),
            "headRepository" | "repository" | "baseRepository" => Node::Of(Object::Repository(index)),
            "additions" => Node::leaf(pull.additions()),
            "deletions" => Node::leaf(pull.deletions()),
            "changedFiles" => Node::leaf(pull.files.len()),
            "mergeable" => Node::leaf(match self.code.mergeable(pull) {
                None => "UNKNOWN",
                Some(true) => "MERGEABLE",
                Some(false) => "CONFLICTING",
            }),
            "mergeStateStatus" => Node::leaf(self.code.merge_state(index, pull).to_uppercase()),
            "reviewDecision" => Node::Leaf(json!(self.code.review_decision(index, pull))),
            "viewerDidAuthor" => Node::leaf(pull.author == self.code.viewer),
            "viewerCanUpdate" => Node::leaf(true),
            "statusCheckRollup" => self.rollup(index, &pull.head_sha),
            _ => self.pull_list(index, pull, name, arguments),
        }
    }
}

fn state(pull: &Pull) -> &'static str {
    if pull.merged.is_some() {
        "MERGED"
    } else if pull.is_open() {
        "OPEN"
    } else {
        "CLOSED"
    }
}
