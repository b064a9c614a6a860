//! What a pull request's list row does not carry: body, files with patches, checks, reviews, comments.

use serde_json::json;

use super::{
    client::{Caller, Client},
    convert, documents,
    failure::Failure,
    graphql::GraphError,
    requests,
    shapes::{
        Connection, ContextNode, FileShape, PullNode, PullShape, RepositoryNode, ReviewNode, RunList, RunShape,
        ThreadNode, each,
    },
};
use crate::{
    model::code::{ChangedFile, Check, MergeState, PullRequest, PullRequestDetail, PullRequestKey, Review},
    source::ErrorKind,
    text::Clean,
};

/// Pages of 100 files that are read.
const FILE_PAGES: usize = 10;

/// A pull request as it is now, whole.
pub struct Whole {
    pub pull: PullRequest,
    pub detail: PullRequestDetail,
    /// The token's owner may push (`viewerPermission`); none: not told.
    pub may_write: Option<bool>,
}

/// Files of a pull request at one head: they change only with it.
#[derive(Clone, Debug)]
pub struct Files {
    pub key: PullRequestKey,
    pub head_sha: Clean,
    pub list: Vec<ChangedFile>,
    pub truncated: bool,
}

/// Reads everything; `known` files are taken over if the head is still theirs.
pub async fn read(client: &Client, key: &PullRequestKey, known: Option<Files>) -> Result<(Whole, Files), Failure> {
    let (mut node, may_write) = node(client, key).await?;
    let has_checks = !client.checks_unreadable();
    let me = client.login();
    let pull = convert::pull_request(key.repo.clone(), &node, me.as_deref(), has_checks);
    let files = match known {
        Some(files) if files.key == *key && files.head_sha == pull.head_sha => files,
        _ => files(client, &pull).await?,
    };
    let checks = match node.checks.take() {
        Some(list) => nodes::<ContextNode>(list.contexts).iter().map(convert::check).collect(),
        None if has_checks => Vec::new(),
        None => runs_as_checks(client, &pull).await.unwrap_or_default(),
    };
    let mut comments: Vec<Review> = nodes::<ReviewNode>(node.comments.take()).iter().map(convert::review).collect();
    comments.extend(nodes::<ThreadNode>(node.review_threads.take()).iter().filter_map(convert::thread));
    comments.sort_by_key(|comment| comment.at);
    let detail = PullRequestDetail {
        key: key.clone(),
        head_sha: pull.head_sha.clone(),
        body: convert::body(&node),
        merge: pull.merge.clone(),
        files: files.list.clone(),
        files_truncated: files.truncated,
        checks,
        reviews: nodes::<ReviewNode>(node.reviews.take()).iter().map(convert::review).collect(),
        comments,
    };
    Ok((Whole { pull, detail, may_write }, files))
}

/// Whether it can be merged, once more. Only `GET …/pulls/{n}` makes GitHub work it out: GraphQL and lists tell what is
/// known, and never settle it.
pub async fn merge_state(client: &Client, pull: &PullRequest) -> Result<MergeState, Failure> {
    let shape: PullShape = client.read(&requests::pull(&pull.key), &name(&pull.key), Caller::Person).await?;
    if shape.head.and_then(|head| head.sha).is_some_and(|sha| sha != *pull.head_sha) {
        return Ok(MergeState::Checking);
    }
    let mergeable = shape.mergeable.map(|can| if can { "MERGEABLE" } else { "CONFLICTING" });
    let state = shape.mergeable_state.map(|state| state.to_ascii_uppercase());
    Ok(convert::merge_state(mergeable, state.as_deref(), pull.is_draft))
}

fn name(key: &PullRequestKey) -> String {
    format!("'{}#{}'", key.repo.name, key.number)
}

fn variables(key: &PullRequestKey) -> serde_json::Value {
    let (owner, name) = requests::split(&key.repo);
    json!({ "owner": owner, "name": name, "number": key.number })
}

async fn node(client: &Client, key: &PullRequestKey) -> Result<(PullNode, Option<bool>), Failure> {
    let what = name(key);
    let ask = || async {
        let document = documents::detail(!client.checks_unreadable());
        client.graphql(&document, &variables(key), &what, Caller::Person).await
    };
    let mut answer = ask().await?;
    if answer.errors().iter().any(GraphError::is_checks_right) && !client.checks_unreadable() {
        client.lose_checks();
        answer = ask().await?;
    }
    let repository = answer.take("repository").map(serde_json::from_value::<RepositoryNode>);
    let repository = repository.and_then(Result::ok).unwrap_or_default();
    let may_write = repository.viewer_permission.map(|right| matches!(&*right, "WRITE" | "MAINTAIN" | "ADMIN"));
    let Some(pull) = repository.pull_request.filter(|pull| !pull.is_null()) else {
        let why = answer.errors().first().and_then(|error| error.message.clone());
        let why = why.unwrap_or_else(|| "it is gone, or the token may not see it".to_owned());
        let says = format!("GitHub '{}' does not show {what}: {}", client.backend(), crate::secret::mask(&why));
        return Err(Failure::new(ErrorKind::Unexpected, says));
    };
    let node = serde_json::from_value(pull)
        .map_err(|error| Failure::unreadable(client.backend(), &what, &error.to_string()))?;
    Ok((node, may_write))
}

fn nodes<T: serde::de::DeserializeOwned>(connection: Option<Connection>) -> Vec<T> {
    each(connection.unwrap_or_default().nodes).0
}

async fn files(client: &Client, pull: &PullRequest) -> Result<Files, Failure> {
    let what = format!("the files of {}", name(&pull.key));
    let mut next = Some(requests::files(&pull.key));
    let mut list = Vec::new();
    for _ in 0..FILE_PAGES {
        let Some(path) = next.take() else { break };
        let page = client.get(&path, &what, Caller::Person).await?;
        let (shapes, _) = each::<FileShape>(client.decode(&page.body, &what)?);
        list.extend(shapes.iter().map(convert::file));
        next = page.next.filter(|url| client.is_own_address(url));
    }
    let truncated = next.is_some() || list.len() < pull.changed_files as usize;
    Ok(Files { key: pull.key.clone(), head_sha: pull.head_sha.clone(), list, truncated })
}

/// The head's workflow runs, where the token may not read its checks.
async fn runs_as_checks(client: &Client, pull: &PullRequest) -> Result<Vec<Check>, Failure> {
    let path = requests::runs_of(&pull.key.repo, &pull.head_sha);
    let runs: RunList = client.read(&path, &format!("the runs of {}", name(&pull.key)), Caller::Person).await?;
    let (runs, _) = each::<RunShape>(runs.workflow_runs);
    let check = |shape: &RunShape| {
        let run = convert::run(&pull.key.repo, shape);
        Check { name: run.workflow, state: run.state, url: Some(run.url) }
    };
    Ok(runs.iter().map(check).collect())
}
