//! Every GraphQL document that is sent, so that a test can validate all of them against GitHub's schema.
//!
//! Checked against GitHub's GraphQL schema (package `@octokit/graphql-schema` 15.26).

use std::fmt::Write as _;

/// What is read of every pull request, in lists and alone.
const PULL: &str = "fragment P on PullRequest{ id number title url isDraft createdAt updatedAt mergedAt
 author{login} headRefName headRefOid baseRefName additions deletions changedFiles mergeable mergeStateStatus
 reviewDecision viewerDidAuthor isInMergeQueue
 repository{nameWithOwner mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed}
 labels(first:10){nodes{name}}
 reviewRequests(first:10){nodes{requestedReviewer{__typename ...on User{login} ...on Team{slug} ...on Bot{login} ...on Mannequin{login}}}}
 latestOpinionatedReviews(first:20,writersOnly:true){nodes{state}}";

/// Counts only, without `first`: much cheaper than the checks themselves (the gh CLI does so too).
const COUNTS: &str = " statusCheckRollup{state contexts{checkRunCount statusContextCount
 checkRunCountsByState{state count} statusContextCountsByState{state count}}}";

const ORDER: &str = "orderBy:{field:UPDATED_AT,direction:DESC}";

const SEARCHES: &str = " review: search(type:ISSUE,first:50,query:\"is:open is:pr archived:false review-requested:@me\"){issueCount nodes{...P}}
 mine: search(type:ISSUE,first:50,query:\"is:open is:pr archived:false author:@me\"){issueCount nodes{...P}}";

const DETAIL: &str = "query Detail($owner:String!,$name:String!,$number:Int!){ viewer{login}
 repository(owner:$owner,name:$name){ nameWithOwner viewerPermission pullRequest(number:$number){ ...P body
 reviews(last:50){nodes{author{login} state body submittedAt}}
 comments(last:50){nodes{author{login} body createdAt}}
 reviewThreads(last:50){nodes{isResolved path line comments(first:1){nodes{author{login} body createdAt}}}}";

const CHECKS: &str = " checks: statusCheckRollup{contexts(first:100){pageInfo{hasNextPage endCursor} nodes{__typename
 ...on CheckRun{name status conclusion detailsUrl} ...on StatusContext{context state targetUrl}}}}";

fn pull(checks: bool) -> String {
    format!("{PULL}{} }}", if checks { COUNTS } else { "" })
}

/// Open and lately merged pull requests of `repositories` repositories, and the two searches.
///
/// Variables: `n` (page size), and per repository `oN`, `rN`, and the cursor `cN` (null: from the start). Answers stand
/// at `rN`, `review` and `mine`. Later pages (`more`) leave out what the first brought: merged ones and searches.
pub fn pull_requests(repositories: usize, searches: bool, more: bool, checks: bool) -> String {
    let mut variables = String::new();
    let mut fields = String::new();
    for index in 0..repositories {
        let _ = write!(variables, ",$o{index}:String!,$r{index}:String!,$c{index}:String");
        let merged = if more {
            String::new()
        } else {
            format!(" merged: pullRequests(states:MERGED,first:10,{ORDER}){{nodes{{...P}}}}")
        };
        let _ = write!(
            fields,
            "\n r{index}: repository(owner:$o{index},name:$r{index}){{ nameWithOwner open: \
             pullRequests(states:OPEN,first:$n,after:$c{index},{ORDER}){{totalCount pageInfo{{hasNextPage endCursor}} \
             nodes{{...P}}}}{merged} }}"
        );
    }
    let arguments = if repositories == 0 { String::new() } else { format!("($n:Int!{variables})") };
    let searches = if searches { SEARCHES } else { "" };
    format!(
        "query PullRequests{arguments}{{ rateLimit{{cost remaining resetAt}} viewer{{login}}{fields}\n{searches} }}\n{}",
        pull(checks)
    )
}

/// One pull request with its reviews, comments and checks. Variables: `owner`, `name`, `number`.
pub fn detail(checks: bool) -> String {
    format!("{DETAIL}{} }} }} }}\n{}", if checks { CHECKS } else { "" }, pull(checks))
}

/// Every form of every document, by a name.
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("pull requests of three repositories", pull_requests(3, true, false, true)),
        ("pull requests, searches only", pull_requests(0, true, false, true)),
        ("pull requests, later pages", pull_requests(2, false, true, true)),
        ("pull requests without checks", pull_requests(1, true, false, false)),
        ("one pull request", detail(true)),
        ("one pull request without checks", detail(false)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_balanced_and_use_what_they_declare() {
        for (name, document) in all() {
            for (open, close) in [('{', '}'), ('(', ')')] {
                let count = |wanted: char| document.chars().filter(|c| *c == wanted).count();
                assert_eq!(count(open), count(close), "{name}: {document}");
            }
            for declared in document.split('$').skip(1) {
                let variable: String = declared.chars().take_while(char::is_ascii_alphanumeric).collect();
                assert!(document.matches(&format!("${variable}")).count() >= 2, "{name}: ${variable} is not used");
            }
        }
    }
}
