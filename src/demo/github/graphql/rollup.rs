//! All checks of a commit, as GraphQL shows them.

use serde_json::{Map, Value, json};

use super::{
    connection,
    resolve::{Node, Object, Resolver},
};
use crate::demo::{
    code::{
        merge::{Check, Rollup},
        run::Run,
    },
    github::objects::{node, stamp, stamp_of, web},
};

impl Resolver<'_> {
    /// `statusCheckRollup`; null when nothing checks the commit.
    pub(super) fn rollup(&self, repo: usize, sha: &str) -> Node {
        match self.code.rollup(repo, sha) {
            None => Node::Leaf(Value::Null),
            Some(_) => Node::Of(Object::Rollup(repo, sha.to_owned())),
        }
    }

    pub(super) fn rollup_field(&self, repo: usize, sha: &str, name: &str, arguments: &Map<String, Value>) -> Node {
        if name == "state" {
            return Node::leaf(match self.code.rollup(repo, sha) {
                Some(Rollup::Success) | None => "SUCCESS",
                Some(Rollup::Pending) => "PENDING",
                Some(Rollup::Failure) => "FAILURE",
            });
        }
        let checks = self.code.checks(repo, sha);
        let mut counts: Vec<(String, u64)> = Vec::new();
        for check in &checks {
            let state = check.conclusion.unwrap_or(check.status).to_uppercase();
            match counts.iter_mut().find(|(s, _)| *s == state) {
                Some((_, n)) => *n += 1,
                None => counts.push((state, 1)),
            }
        }
        let counted = counts.into_iter().map(|(state, n)| {
            Node::Of(Object::plain("CheckRunStateCount", vec![("state", Node::leaf(state)), ("count", Node::leaf(n))]))
        });
        let more = vec![
            ("checkRunCount", Node::leaf(checks.len())),
            ("statusContextCount", Node::leaf(0)),
            ("checkRunCountsByState", Node::List(counted.collect())),
            ("statusContextCountsByState", Node::List(Vec::new())),
        ];
        let nodes = checks.iter().map(|check| self.check(repo, check)).collect();
        Node::Of(connection::extended("StatusCheckRollupContextConnection", nodes, arguments, more))
    }

    fn check(&self, index: usize, check: &Check<'_>) -> Node {
        let repo = &self.code.repos[index];
        let page = check.run.map_or_else(
            || format!("{}/runs/{}", web(repo), check.id),
            |run| format!("{}/actions/runs/{}/job/{}", web(repo), run.id, check.id),
        );
        let word = |text: &str| json!(text.to_uppercase());
        Node::Of(Object::plain(
            "CheckRun",
            vec![
                ("id", Node::leaf(node("CR", check.id))),
                ("databaseId", Node::leaf(check.id)),
                ("name", Node::leaf(check.name)),
                ("status", Node::Leaf(word(check.status))),
                ("conclusion", Node::Leaf(check.conclusion.map_or(Value::Null, word))),
                ("startedAt", Node::leaf(stamp(check.started))),
                ("completedAt", Node::Leaf(stamp_of(check.completed))),
                ("detailsUrl", Node::leaf(page.clone())),
                ("permalink", Node::leaf(page.clone())),
                ("url", Node::leaf(page)),
                ("title", Node::Leaf(Value::Null)),
                ("summary", Node::Leaf(Value::Null)),
                ("isRequired", Node::leaf(repo.required_checks.iter().any(|n| n == check.name))),
                ("checkSuite", self.suite(index, check)),
            ],
        ))
    }

    fn suite(&self, index: usize, check: &Check<'_>) -> Node {
        let repo = &self.code.repos[index];
        let run = check.run.map(|run| {
            let workflow = &repo.workflows[run.workflow];
            let workflow = vec![
                ("id", Node::leaf(node("W", workflow.id))),
                ("databaseId", Node::leaf(workflow.id)),
                ("name", Node::leaf(workflow.name.as_str())),
            ];
            Node::Of(Object::plain(
                "WorkflowRun",
                vec![
                    ("id", Node::leaf(node("WFR", run.id))),
                    ("databaseId", Node::leaf(run.id)),
                    ("runNumber", Node::leaf(run.number)),
                    ("event", Node::leaf(run.event.as_str())),
                    ("url", Node::leaf(format!("{}/actions/runs/{}", web(repo), run.id))),
                    ("createdAt", Node::leaf(stamp(run.created))),
                    ("workflow", Node::Of(Object::plain("Workflow", workflow))),
                ],
            ))
        });
        let id = check.run.map_or(check.id + 1, |r| r.suite);
        let conclusion = check.run.and_then(Run::conclusion).map(|c| c.word().to_uppercase());
        let status = check.run.map_or("COMPLETED".to_owned(), |r| r.status().to_uppercase());
        Node::Of(Object::plain(
            "CheckSuite",
            vec![
                ("id", Node::leaf(node("CS", id))),
                ("databaseId", Node::leaf(id)),
                ("status", Node::leaf(status)),
                ("conclusion", Node::Leaf(json!(conclusion))),
                ("workflowRun", run.unwrap_or(Node::Leaf(Value::Null))),
            ],
        ))
    }
}
