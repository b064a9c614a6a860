//! Pull requests: of all configured repositories and of the searches "asks me" and "mine", in one GraphQL request.

use std::{collections::BTreeMap, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{
    client::{Caller, Client},
    convert, documents,
    failure::Failure,
    graphql::{GraphAnswer, GraphError},
    requests,
    shapes::{Connection, PullNode, RepositoryNode, each},
};
use crate::{
    model::{
        Part, SourceId,
        code::{PullRequest, RepoKey},
    },
    source::{Cadence, ErrorKind, Fact, Source, SourceError},
    text::Clean,
};

/// Repositories per request: GitHub gives up on a request after 10 s.
const CHUNK: usize = 10;
const PAGE: u32 = 50;
const SMALL_PAGE: u32 = 15;
/// Pages per repository: 200 pull requests.
const PAGES: usize = 4;
const POLL: Duration = Duration::from_mins(1);
/// Polls without a change after which it is asked half as often.
const CALM: u32 = 10;
/// How long merged ones are reported.
const MERGED: SignedDuration = SignedDuration::from_hours(24);

/// Reads [`Part::PullRequests`] of one host.
pub struct PullRequestsSource {
    client: std::sync::Arc<Client>,
    repositories: Vec<RepoKey>,
    poll: Duration,
    page: u32,
    unchanged: u32,
    /// Hash of what was reported last.
    last: u64,
}

impl PullRequestsSource {
    /// `repositories`: `owner/name`; without one, only the searches are made. `poll`: else every minute.
    pub fn new(client: std::sync::Arc<Client>, repositories: &[String], poll: Option<Duration>) -> Self {
        Self {
            repositories: repo_keys(&client, repositories),
            client,
            poll: poll.unwrap_or(POLL),
            page: PAGE,
            unchanged: 0,
            last: 0,
        }
    }

    async fn fetch(&mut self) -> Result<Vec<Fact>, SourceError> {
        let mut round = Round::default();
        let chunks: Vec<&[RepoKey]> = match self.repositories.chunks(CHUNK).collect::<Vec<_>>() {
            none if none.is_empty() => vec![&[]],
            chunks => chunks,
        };
        for (index, chunk) in chunks.into_iter().enumerate() {
            let wanted = chunk.iter().map(|repo| (repo.clone(), None)).collect();
            let asked = Self::read_chunk(&self.client, self.page, wanted, index == 0, &mut round).await;
            if let Err(failure) = asked {
                if matches!(failure.status, Some(502 | 504)) {
                    // Too heavy for its 10 s: smaller pages from now on.
                    self.page = SMALL_PAGE;
                }
                return Err(failure.into_error());
            }
        }
        round.conclude(&self.client, &self.repositories).inspect(|facts| self.watch_for_change(facts))
    }

    /// Reads all pages of some repositories, a page of each at a time.
    async fn read_chunk(
        client: &Client,
        page: u32,
        mut wanted: Vec<(RepoKey, Option<String>)>,
        searches: bool,
        round: &mut Round,
    ) -> Result<(), Failure> {
        for nth in 0..PAGES {
            let mut answer = ask(client, page, &wanted, searches && nth == 0, nth > 0).await?;
            if answer.errors().iter().any(GraphError::is_checks_right) && !client.checks_unreadable() {
                client.lose_checks();
                answer = ask(client, page, &wanted, searches && nth == 0, nth > 0).await?;
            }
            wanted = round.take(client, &wanted, &mut answer);
            if wanted.is_empty() {
                return Ok(());
            }
        }
        for (repo, _) in wanted {
            client.note(
                &format!("many {}", repo.name),
                Some(&format!("'{}': only the newest pull requests are read", repo.name)),
            );
        }
        Ok(())
    }

    fn watch_for_change(&mut self, facts: &[Fact]) {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for fact in facts {
            if let Fact::PullRequests { list, .. } = fact {
                for pull in list {
                    (&pull.key, &pull.head_sha, pull.updated, pull.checks.passed, pull.checks.failed, pull.approvals)
                        .hash(&mut hasher);
                }
            }
        }
        let now = hasher.finish();
        self.unchanged = if now == self.last { self.unchanged.saturating_add(1) } else { 0 };
        self.last = now;
    }
}

impl Source for PullRequestsSource {
    fn id(&self) -> SourceId {
        SourceId::new(self.client.backend(), Part::PullRequests)
    }

    fn cadence(&self) -> Cadence {
        Cadence::Every(if self.unchanged >= CALM { self.poll * 2 } else { self.poll })
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Fact>, SourceError>> {
        self.fetch().boxed()
    }
}

async fn ask(
    client: &Client,
    page: u32,
    wanted: &[(RepoKey, Option<String>)],
    searches: bool,
    more: bool,
) -> Result<GraphAnswer, Failure> {
    let document = documents::pull_requests(wanted.len(), searches, more, !client.checks_unreadable());
    let mut variables = Map::new();
    if !wanted.is_empty() {
        variables.insert("n".into(), json!(page));
    }
    for (index, (repo, cursor)) in wanted.iter().enumerate() {
        let (owner, name) = requests::split(repo);
        variables.insert(format!("o{index}"), json!(owner));
        variables.insert(format!("r{index}"), json!(name));
        variables.insert(format!("c{index}"), json!(cursor));
    }
    client.graphql(&document, &Value::Object(variables), "the pull requests", Caller::Poll).await
}

/// What one poll has brought so far.
#[derive(Default)]
struct Round {
    lists: BTreeMap<RepoKey, Vec<PullNode>>,
    searched: Vec<PullNode>,
    asks_me: Vec<PullNode>,
    /// GitHub's own spelling, lower case, to the configured one.
    names: BTreeMap<String, RepoKey>,
    failed: BTreeMap<RepoKey, String>,
    unreadable: usize,
}

impl Round {
    /// Takes in an answer; returns the repositories that have more pages, with their cursors.
    fn take(
        &mut self,
        client: &Client,
        wanted: &[(RepoKey, Option<String>)],
        answer: &mut GraphAnswer,
    ) -> Vec<(RepoKey, Option<String>)> {
        let mut more = Vec::new();
        for (index, (repo, _)) in wanted.iter().enumerate() {
            let alias = format!("r{index}");
            let Some(value) = answer.take(&alias) else {
                self.failed.insert(repo.clone(), why(answer, &alias));
                continue;
            };
            let node: RepositoryNode = serde_json::from_value(value).unwrap_or_default();
            let name = node.name_with_owner.unwrap_or_else(|| repo.name.to_string());
            let is_renamed = !name.eq_ignore_ascii_case(&repo.name);
            let note = is_renamed.then(|| format!("'{}' is now '{}': set its new name", repo.name, Clean::line(&name)));
            client.note(&format!("name {}", repo.name), note.as_deref());
            self.names.insert(name.to_lowercase(), repo.clone());
            let Some(open) = node.open else {
                self.failed.insert(repo.clone(), why(answer, &alias));
                continue;
            };
            let next = open.page_info.as_ref().filter(|info| info.has_next_page == Some(true));
            if let Some(cursor) = next.and_then(|info| info.end_cursor.clone()) {
                more.push((repo.clone(), Some(cursor)));
            }
            let pulls = self.nodes(Some(open));
            let merged = self.nodes(node.merged);
            self.lists.entry(repo.clone()).or_default().extend(pulls.into_iter().chain(merged));
        }
        let broken = answer.errors().iter().find(|error| error.path.as_ref().is_some_and(|path| path.len() > 1));
        let note = broken.map(|error| format!("pull requests are incomplete: {}", error.words()));
        client.note("partial pulls", note.as_deref());
        for alias in ["review", "mine"] {
            let found = answer.take(alias).and_then(|value| serde_json::from_value::<Connection>(value).ok());
            let found = self.nodes(found);
            if alias == "review" { self.asks_me.extend(found) } else { self.searched.extend(found) }
        }
        more
    }

    fn nodes(&mut self, connection: Option<Connection>) -> Vec<PullNode> {
        let Some(connection) = connection else { return Vec::new() };
        // A union's other kinds come as `{}`.
        let nodes =
            connection.nodes.into_iter().filter(|node| node.as_object().is_none_or(|fields| !fields.is_empty()));
        let (pulls, unreadable) = each(nodes.collect());
        self.unreadable += unreadable;
        pulls
    }

    fn conclude(self, client: &Client, repositories: &[RepoKey]) -> Result<Vec<Fact>, SourceError> {
        if !repositories.is_empty() && self.failed.len() == repositories.len() {
            let all: Vec<&str> = self.failed.values().map(String::as_str).collect();
            let says = format!("GitHub '{}': {}", client.backend(), all.join("; "));
            return Err(SourceError::new(ErrorKind::Unexpected, says));
        }
        for repo in repositories {
            client.note(&format!("pulls {}", repo.name), self.failed.get(repo).map(String::as_str));
        }
        let unreadable = (self.unreadable > 0).then(|| format!("{} pull requests cannot be read", self.unreadable));
        client.note("unreadable pulls", unreadable.as_deref());
        let me = client.login();
        let checks = !client.checks_unreadable();
        let since = client.server_now().checked_sub(MERGED).unwrap_or_default();
        let read = |repo: RepoKey, node: &PullNode| convert::pull_request(repo, node, me.as_deref(), checks);
        let key_of = |node: &PullNode| -> Option<RepoKey> {
            let name = node.repository.as_ref()?.name_with_owner.as_ref()?;
            let own = self.names.get(&name.to_lowercase()).cloned();
            Some(own.unwrap_or_else(|| RepoKey { host: client.backend().clone(), name: Clean::line(name) }))
        };
        let mut asked = BTreeMap::new();
        for node in &self.asks_me {
            let Some(repo) = key_of(node) else { continue };
            let mut pull = read(repo, node);
            pull.asks_me = true;
            pull.need = convert::need(&pull);
            asked.insert(pull.key.clone(), pull);
        }
        let mut facts = Vec::new();
        for (repo, nodes) in &self.lists {
            let mut list = BTreeMap::new();
            for node in nodes {
                let mut pull = read(repo.clone(), node);
                if pull.merged.is_some_and(|at| at < since) {
                    continue;
                }
                pull.asks_me |= asked.contains_key(&pull.key);
                pull.need = convert::need(&pull);
                list.insert(pull.key.clone(), pull);
            }
            facts.push(Fact::PullRequests { repo: Some(repo.clone()), list: newest_first(list) });
        }
        let mine = self.searched.iter().filter_map(|node| Some(read(key_of(node)?, node)));
        let mut found: BTreeMap<_, _> = mine.map(|pull| (pull.key.clone(), pull)).collect();
        found.extend(asked);
        facts.push(Fact::PullRequests { repo: None, list: newest_first(found) });
        facts.extend(client.facts());
        Ok(facts)
    }
}

fn newest_first<K>(pulls: BTreeMap<K, PullRequest>) -> Vec<PullRequest> {
    let mut list: Vec<PullRequest> = pulls.into_values().collect();
    list.sort_by(|a, b| b.updated.cmp(&a.updated).then_with(|| b.key.cmp(&a.key)));
    list
}

/// Why one repository has no answer, in words.
fn why(answer: &GraphAnswer, alias: &str) -> String {
    let error = answer.errors().iter().find(|error| error.alias() == Some(alias));
    let message = error.map_or_else(|| "it has no answer".into(), GraphError::words);
    match error {
        Some(error) if error.is("NOT_FOUND") => format!("{message}: it is gone, or the token may not see it"),
        Some(error) if error.is("FORBIDDEN") => format!("{message}: the token lacks a right"),
        _ => message.to_string(),
    }
}

/// Keys of configured `owner/name`s, without doubles.
pub(super) fn repo_keys(client: &Client, repositories: &[String]) -> Vec<RepoKey> {
    let mut keys: Vec<RepoKey> = Vec::new();
    for name in repositories {
        let name = Clean::line(name.trim());
        if !name.is_empty() && !keys.iter().any(|key| key.name.eq_ignore_ascii_case(&name)) {
            keys.push(RepoKey { host: client.backend().clone(), name });
        }
    }
    keys
}
