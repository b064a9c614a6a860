//! Files of a repository, as far as they are known: the workflows, written out as their authors would have.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::json;

use super::{
    Call,
    objects::{api, web},
    reply::Reply,
};
use crate::demo::code::{
    Code, seed,
    workflow::{JobPlan, StepPlan, Trigger, When, Workflow},
};

/// `GET …/contents/{path}?ref=`
pub(super) fn file(code: &Code, call: &Call<'_>, index: usize, path: &str) -> Reply {
    let repo = &code.repos[index];
    let Some(workflow) = repo.workflows.iter().find(|workflow| workflow.path() == path) else {
        return Reply::not_found();
    };
    let text = written(workflow);
    let at = call.param("ref").unwrap_or(&repo.default_branch);
    let sha = seed::sha(repo.id, "", &format!("{path}/{text}"));
    let url = format!("{}/contents/{path}?ref={at}", api(&call.base, repo));
    let git = format!("{}/git/blobs/{sha}", api(&call.base, repo));
    let html = format!("{}/blob/{at}/{path}", web(repo));
    Reply::json(
        200,
        json!({
            "type": "file", "encoding": "base64", "size": text.len(), "name": workflow.file, "path": path,
            "content": packed(&text), "sha": sha, "url": url, "git_url": git, "html_url": html,
            "download_url": format!("{}/raw/{at}/{path}", web(repo)),
            "_links": { "self": url, "git": git, "html": html },
        }),
    )
}

/// Base64 in lines of 60, each ended.
fn packed(text: &str) -> String {
    let packed = base64::prelude::BASE64_STANDARD.encode(text);
    let mut lines = String::with_capacity(packed.len() + packed.len() / 60 + 1);
    for (index, letter) in packed.chars().enumerate() {
        if index > 0 && index % 60 == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    lines.push('\n');
    lines
}

/// The workflow as YAML.
fn written(workflow: &Workflow) -> String {
    let mut text = format!("name: {}\n\non:\n", workflow.name);
    for trigger in &workflow.on {
        text.push_str(match trigger {
            Trigger::PullRequest => "  pull_request:\n",
            Trigger::Push => "  push:\n    branches: [main]\n",
            Trigger::Schedule => "  schedule:\n    - cron: '30 0 * * *'\n",
            Trigger::Dispatch => "  workflow_dispatch:\n",
            Trigger::After(_) => "  workflow_run:\n    types: [completed]\n",
        });
        if let Trigger::After(other) = trigger {
            let _ = writeln!(text, "    workflows: [{other}]");
        }
    }
    if workflow.one_at_a_time {
        let _ = write!(text, "\nconcurrency: {}\n", key(&workflow.name));
    }
    text.push_str("\njobs:\n");
    for job in &workflow.jobs {
        write_job(&mut text, job);
    }
    text
}

fn write_job(text: &mut String, job: &JobPlan) {
    let _ = writeln!(text, "  {}:", key(&job.name));
    if key(&job.name) != job.name {
        let _ = writeln!(text, "    name: {}", quoted(&job.name));
    }
    if !job.needs.is_empty() {
        let needs: Vec<String> = job.needs.iter().map(|name| key(name)).collect();
        let _ = writeln!(text, "    needs: [{}]", needs.join(", "));
    }
    let _ = writeln!(text, "    runs-on: [{}]\n    steps:", job.labels.join(", "));
    for step in &job.steps {
        let _ = writeln!(text, "      - name: {}", quoted(&step.name));
        match step.when {
            When::Success => {}
            When::Failure => text.push_str("        if: failure()\n"),
            When::Always => text.push_str("        if: always()\n"),
        }
        let _ = writeln!(text, "        run: |\n          {}", command(step).replace('\n', "\n          "));
    }
}

/// What the step does, as its author would have written it.
fn command(step: &StepPlan) -> String {
    let mut lines = Vec::new();
    if let Some(to) = &step.set_image {
        let image =
            format!("{}:{}", to.image, to.tag).replace("{run}", "$GITHUB_RUN_NUMBER").replace("{sha}", "$GITHUB_SHA");
        lines.push(format!(
            "kubectl -n {} set image deployment/{} {}={image}",
            to.namespace, to.deployment, to.deployment
        ));
    }
    if let Some(to) = &step.awaits {
        let timeout = to.timeout.map_or_else(String::new, |seconds| format!(" --timeout={seconds}s"));
        lines.push(format!("kubectl -n {} rollout status deployment/{}{timeout}", to.namespace, to.deployment));
    }
    if let Some(to) = &step.smoke {
        lines.push(format!("./ci/smoke {}", to.deployment));
    }
    if let Some(to) = &step.undo {
        lines.push(format!("kubectl -n {} rollout undo deployment/{}", to.namespace, to.deployment));
    }
    if step.annotate.is_some() {
        lines.push("./ci/annotate".to_owned());
    }
    if lines.is_empty() {
        lines.push(format!("./ci/{}", key(&step.name)));
    }
    lines.join("\n")
}

/// A name as YAML keys and file names have it.
fn key(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace(['"', '\\'], "'"))
}
