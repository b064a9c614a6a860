//! The lists of a pull request: labels, reviews, threads, comments, commits, files.

use super::{
    connection::cut,
    resolve::{Arguments, Node, Object, Resolver},
};
use crate::demo::{
    code::model::{Pull, Review},
    github::objects::{association, colour, node, stamp, web},
};

impl Resolver<'_> {
    /// The lists of a pull request.
    pub(super) fn pull_list(&self, index: usize, pull: &Pull, name: &str, arguments: &Arguments) -> Node {
        let repo = &self.code.repos[index];
        let list = |of, nodes: Vec<Node>| Node::Of(cut(of, nodes, arguments));
        let plain = |of, fields| Node::Of(Object::plain(of, fields));
        match name {
            "labels" => {
                let label = |l: &String| {
                    plain(
                        "Label",
                        vec![
                            ("name", Node::leaf(l.as_str())),
                            ("color", Node::leaf(colour(l))),
                            ("description", Node::NULL),
                        ],
                    )
                };
                list("LabelConnection", pull.labels.iter().map(label).collect())
            }
            "reviewRequests" => {
                let request = |login: &String| {
                    plain(
                        "ReviewRequest",
                        vec![("asCodeOwner", Node::leaf(false)), ("requestedReviewer", self.actor(login))],
                    )
                };
                list("ReviewRequestConnection", pull.requested.iter().map(request).collect())
            }
            "reviews" => {
                list("PullRequestReviewConnection", pull.reviews.iter().map(|r| self.review(index, pull, r)).collect())
            }
            "latestReviews" | "latestOpinionatedReviews" => {
                let standing = pull.standing_reviews();
                list("PullRequestReviewConnection", standing.into_iter().map(|r| self.review(index, pull, r)).collect())
            }
            "reviewThreads" => {
                let threads = pull.line_comments.iter().map(|c| {
                    let comment = plain(
                        "PullRequestReviewComment",
                        vec![
                            ("id", Node::leaf(node("PRRC", c.id))),
                            ("body", Node::leaf(c.body.as_str())),
                            ("author", self.actor(&c.user)),
                            ("createdAt", Node::leaf(stamp(c.at))),
                            ("path", Node::leaf(c.path.as_str())),
                            ("url", Node::leaf(format!("{}/pull/{}#discussion_r{}", web(repo), pull.number, c.id))),
                        ],
                    );
                    let thread = vec![
                        ("id", Node::leaf(node("PRRT", c.id))),
                        ("isResolved", Node::leaf(c.resolved)),
                        ("isOutdated", Node::leaf(c.commit != pull.head_sha)),
                        ("path", Node::leaf(c.path.as_str())),
                        ("line", Node::leaf(c.line)),
                        (
                            "comments",
                            Node::Of(cut("PullRequestReviewCommentConnection", vec![comment], &Arguments::new())),
                        ),
                    ];
                    plain("PullRequestReviewThread", thread)
                });
                list("PullRequestReviewThreadConnection", threads.collect())
            }
            "comments" => {
                let comments = pull.comments.iter().map(|c| {
                    let fields = vec![
                        ("id", Node::leaf(node("IC", c.id))),
                        ("databaseId", Node::leaf(c.id)),
                        ("body", Node::leaf(c.body.as_str())),
                        ("author", self.actor(&c.user)),
                        ("createdAt", Node::leaf(stamp(c.at))),
                        ("url", Node::leaf(format!("{}/pull/{}#issuecomment-{}", web(repo), pull.number, c.id))),
                    ];
                    plain("IssueComment", fields)
                });
                list("IssueCommentConnection", comments.collect())
            }
            "commits" => {
                let commits = pull.commits.iter().map(|sha| {
                    let fields = vec![
                        ("id", Node::leaf(format!("PRC_{sha}"))),
                        ("commit", Node::Of(Object::Commit(index, sha.clone()))),
                    ];
                    plain("PullRequestCommit", fields)
                });
                list("PullRequestCommitConnection", commits.collect())
            }
            "files" => {
                let files = pull.files.iter().map(|f| {
                    let fields = vec![
                        ("path", Node::leaf(f.path.as_str())),
                        ("additions", Node::leaf(f.additions)),
                        ("deletions", Node::leaf(f.deletions)),
                        (
                            "changeType",
                            Node::leaf(if f.status == "removed" {
                                "DELETED".to_owned()
                            } else {
                                f.status.to_uppercase()
                            }),
                        ),
                    ];
                    plain("PullRequestChangedFile", fields)
                });
                list("PullRequestChangedFileConnection", files.collect())
            }
            _ => Node::NULL,
        }
    }

    fn review(&self, index: usize, pull: &Pull, review: &Review) -> Node {
        let repo = &self.code.repos[index];
        let page = format!("{}/pull/{}#pullrequestreview-{}", web(repo), pull.number, review.id);
        Node::Of(Object::plain(
            "PullRequestReview",
            vec![
                ("id", Node::leaf(node("PRR", review.id))),
                ("databaseId", Node::leaf(review.id)),
                ("state", Node::leaf(review.state.as_str())),
                ("body", Node::leaf(review.body.as_str())),
                ("author", self.actor(&review.user)),
                ("submittedAt", Node::leaf(stamp(review.at))),
                ("url", Node::leaf(page)),
                ("commit", Node::Of(Object::Commit(index, review.commit.clone()))),
                ("authorAssociation", Node::leaf(association(self.code, &review.user))),
            ],
        ))
    }
}
