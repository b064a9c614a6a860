//! The part of GitHub's schema that is served: which type has which field, of which type, with which arguments.

use std::{collections::BTreeMap, sync::OnceLock};

/// `Type: field(arguments)>Type`; without `>` the field is a leaf. Fields with a leaf type take no selections.
const TEXT: &str = "
Query: rateLimit(dryRun)>RateLimit repository(owner,name,followRenames)>Repository viewer>User search(query,type,first,last,after,before)>SearchResultItemConnection node(id)>Node
Node: id
RateLimit: cost limit nodeCount remaining resetAt used
PageInfo: hasNextPage hasPreviousPage startCursor endCursor
User: login name url id databaseId avatarUrl(size)
Bot: login url id databaseId avatarUrl(size)
Mannequin: login url id
Organization: login name url id databaseId avatarUrl(size)
RepositoryOwner: login url id avatarUrl(size)
Team: slug name id
Actor: login url avatarUrl(size)
RequestedReviewer:
SearchResultItemConnection: issueCount nodes>SearchResultItem pageInfo>PageInfo edges>SearchResultItemEdge
SearchResultItemEdge: cursor node>SearchResultItem
SearchResultItem:
Issue: number title url id
Repository: id databaseId name nameWithOwner owner>RepositoryOwner url isArchived isPrivate mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed autoMergeAllowed viewerPermission description defaultBranchRef>Ref pullRequest(number)>PullRequest pullRequests(states,first,last,after,before,orderBy,baseRefName,headRefName,labels)>PullRequestConnection object(oid,expression)>GitObject
Ref: name target>GitObject
GitObject: oid abbreviatedOid id
Commit: oid abbreviatedOid id message messageHeadline committedDate url author>GitActor associatedPullRequests(first,last,after,before,orderBy)>PullRequestConnection statusCheckRollup>StatusCheckRollup
GitActor: name email user>User date
PullRequestConnection: totalCount pageInfo>PageInfo nodes>PullRequest edges>PullRequestEdge
PullRequestEdge: cursor node>PullRequest
PullRequest: id databaseId fullDatabaseId number title url body state isDraft closed merged createdAt updatedAt closedAt mergedAt mergedBy>Actor mergeCommit>Commit author>Actor headRefName headRefOid baseRefName baseRefOid isCrossRepository headRepository>Repository repository>Repository baseRepository>Repository additions deletions changedFiles mergeable mergeStateStatus reviewDecision viewerDidAuthor viewerCanUpdate isInMergeQueue mergeQueueEntry>MergeQueueEntry autoMergeRequest>AutoMergeRequest labels(first,last,after,before,orderBy)>LabelConnection reviewRequests(first,last,after,before)>ReviewRequestConnection reviews(first,last,after,before,states,author)>PullRequestReviewConnection latestReviews(first,last,after,before)>PullRequestReviewConnection latestOpinionatedReviews(first,last,after,before,writersOnly)>PullRequestReviewConnection reviewThreads(first,last,after,before)>PullRequestReviewThreadConnection comments(first,last,after,before,orderBy)>IssueCommentConnection commits(first,last,after,before)>PullRequestCommitConnection files(first,last,after,before)>PullRequestChangedFileConnection statusCheckRollup>StatusCheckRollup
MergeQueueEntry: position state estimatedTimeToMerge id
AutoMergeRequest: mergeMethod enabledAt
LabelConnection: totalCount nodes>Label pageInfo>PageInfo
Label: name color description
ReviewRequestConnection: totalCount nodes>ReviewRequest pageInfo>PageInfo
ReviewRequest: id asCodeOwner requestedReviewer>RequestedReviewer
PullRequestReviewConnection: totalCount nodes>PullRequestReview pageInfo>PageInfo
PullRequestReview: id databaseId state body author>Actor submittedAt url commit>Commit authorAssociation
PullRequestReviewThreadConnection: totalCount nodes>PullRequestReviewThread pageInfo>PageInfo
PullRequestReviewThread: id isResolved isOutdated path line comments(first,last,after,before)>PullRequestReviewCommentConnection
PullRequestReviewCommentConnection: totalCount nodes>PullRequestReviewComment pageInfo>PageInfo
PullRequestReviewComment: id body author>Actor createdAt path url
IssueCommentConnection: totalCount nodes>IssueComment pageInfo>PageInfo
IssueComment: id databaseId body author>Actor createdAt url
PullRequestCommitConnection: totalCount nodes>PullRequestCommit pageInfo>PageInfo
PullRequestCommit: commit>Commit id
PullRequestChangedFileConnection: totalCount nodes>PullRequestChangedFile pageInfo>PageInfo
PullRequestChangedFile: path additions deletions changeType
StatusCheckRollup: state contexts(first,last,after,before)>StatusCheckRollupContextConnection
StatusCheckRollupContextConnection: totalCount checkRunCount statusContextCount checkRunCountsByState>CheckRunStateCount statusContextCountsByState>StatusContextStateCount nodes>StatusCheckRollupContext pageInfo>PageInfo
StatusContextStateCount: state count
CheckRunStateCount: state count
StatusCheckRollupContext:
CheckRun: id databaseId name status conclusion startedAt completedAt detailsUrl permalink url title summary isRequired(pullRequestId,pullRequestNumber) checkSuite>CheckSuite
StatusContext: id context state targetUrl description createdAt isRequired(pullRequestId,pullRequestNumber)
CheckSuite: id databaseId status conclusion workflowRun>WorkflowRun
WorkflowRun: id databaseId runNumber event url workflow>Workflow createdAt
Workflow: id databaseId name
";

/// Which object types an interface or union can be.
const POSSIBLE: &[(&str, &[&str])] = &[
    ("Actor", &["User", "Bot", "Mannequin", "Organization"]),
    ("RepositoryOwner", &["User", "Organization"]),
    ("RequestedReviewer", &["User", "Bot", "Mannequin", "Team"]),
    ("SearchResultItem", &["PullRequest", "Issue", "Repository", "User"]),
    ("GitObject", &["Commit"]),
    ("StatusCheckRollupContext", &["CheckRun", "StatusContext"]),
    ("Node", &["PullRequest"]),
];

/// What is known of a field.
#[derive(Debug)]
pub(super) struct FieldType {
    pub arguments: Vec<&'static str>,
    /// `None` for a leaf.
    pub of: Option<&'static str>,
}

type Types = BTreeMap<&'static str, BTreeMap<&'static str, FieldType>>;

fn types() -> &'static Types {
    static TYPES: OnceLock<Types> = OnceLock::new();
    TYPES.get_or_init(|| TEXT.lines().filter_map(|line| line.split_once(':')).map(|(n, f)| (n, fields(f))).collect())
}

fn fields(text: &'static str) -> BTreeMap<&'static str, FieldType> {
    let field = |word: &'static str| {
        let (left, of) = word.split_once('>').map_or((word, None), |(l, of)| (l, Some(of)));
        let (name, arguments) = left.split_once('(').unwrap_or((left, ""));
        let arguments = arguments.trim_end_matches(')').split(',').filter(|a| !a.is_empty()).collect();
        (name, FieldType { arguments, of })
    };
    text.split_whitespace().map(field).collect()
}

pub(super) fn field(of: &str, name: &str) -> Option<&'static FieldType> {
    types().get(of)?.get(name)
}

pub(super) fn known(name: &str) -> bool {
    types().contains_key(name) || POSSIBLE.iter().any(|(n, _)| *n == name)
}

/// Whether an object of type `of` is a `condition`.
pub(super) fn is_a(of: &str, condition: &str) -> bool {
    of == condition || POSSIBLE.iter().any(|(n, of_them)| *n == condition && of_them.contains(&of))
}
