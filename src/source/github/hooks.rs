//! Which steps of a workflow run when it fails or is cancelled, and where it deploys to, read from its file line by line.
//!
//! It is a reader of lines, not of YAML: it knows indentation, list items, block scalars and comments, which is what
//! workflow files are made of. Anchors and flow style (`{if: …}`) are beyond it.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::{self, Clean};

/// Cells of a step's command that are shown.
const COMMAND: usize = 160;
/// Programs that deploy, and their flags that say where to.
const TOOLS: [&str; 2] = ["kubectl", "helm"];
const PLACES: [&str; 4] = ["-n", "--namespace", "--context", "--kube-context"];
/// What actions that deploy call it.
const INPUTS: [&str; 6] = ["namespace", "environment", "context", "kube-context", "cluster", "cluster-name"];

/// What a workflow file holds that matters when its run fails.
#[derive(Debug, Default, PartialEq)]
pub struct Workflow {
    /// In words: "job 'deploy', step 'Undo' runs if failure(): kubectl rollout undo deploy/myapp".
    pub hooks: Vec<Clean>,
    /// Reusable workflows that jobs call.
    pub calls: Vec<String>,
    /// Environments that jobs name, namespaces and contexts that commands and actions are given.
    pub aims: Vec<Clean>,
    /// A job names an environment.
    pub has_environment: bool,
    /// A step is an action of the repository's own, which is another file.
    pub is_partial: bool,
    /// A job was found: the file was understood.
    pub has_jobs: bool,
}

/// A `key: value` line, with the text of a block scalar joined.
#[derive(Debug)]
struct Entry {
    indent: usize,
    /// The line began a list item: `- name: x`.
    is_item: bool,
    key: String,
    value: String,
}

/// A job or a step, as far as its lines were read.
#[derive(Default)]
struct Part {
    name: Option<String>,
    what: Option<String>,
    condition: Option<String>,
}

impl Part {
    fn take(&mut self, key: &str, value: &str) {
        match key {
            "name" => self.name = Some(value.to_owned()),
            "if" => self.condition = Some(value.to_owned()),
            "run" | "uses" => self.what = Some(value.to_owned()),
            "id" if self.name.is_none() => self.name = Some(value.to_owned()),
            _ => {}
        }
    }

    fn hook(&self, job: &str) -> Option<Clean> {
        let condition = self.condition.as_deref().filter(|condition| runs_after_failure(condition))?;
        let condition =
            condition.trim_start_matches("${{").trim_end_matches("}}").split_whitespace().collect::<Vec<_>>().join(" ");
        let what = self.what.as_deref().map(|what| what.split_whitespace().collect::<Vec<_>>().join(" "));
        let name = self.name.as_deref().or(what.as_deref()).unwrap_or("without a name");
        let name = text::truncate(name, COMMAND, "…");
        let mut says = format!("job '{job}', step '{name}' runs if {condition}");
        if let Some(what) = what.filter(|what| *what != name) {
            says.push_str(": ");
            says.push_str(&text::truncate(&what, COMMAND, "…"));
        }
        Some(Clean::line(&says))
    }
}

fn runs_after_failure(condition: &str) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:always|failure|cancelled)\s*\(|!\s*success\s*\(")
            .expect("the pattern is a constant, tested")
    });
    WORDS.is_match(condition)
}

/// Reads a workflow file.
pub fn read(file: &str) -> Workflow {
    let mut found = Workflow::default();
    let entries = entries(file);
    let Some(start) = entries.iter().position(|entry| entry.indent == 0 && entry.key == "jobs") else { return found };
    let mut job_indent = None;
    let mut job = String::new();
    let mut job_part = Part::default();
    // Where the keys of the job stand: deeper ones (`env`, `strategy`) are not the job's own.
    let mut keys: Option<usize> = None;
    let mut steps: Option<usize> = None;
    let mut step: Option<(usize, Part)> = None;
    let mut in_environment = false;
    let close = |found: &mut Workflow, job: &str, step: &mut Option<(usize, Part)>| {
        found.hooks.extend(step.take().and_then(|(_, part)| part.hook(job)));
    };
    for entry in entries[start + 1..].iter().take_while(|entry| entry.indent > 0) {
        if entry.key == "run" {
            found.aims.extend(places(&entry.value));
        }
        found.is_partial |= steps.is_some() && entry.key == "uses" && entry.value.starts_with("./");
        let own = *job_indent.get_or_insert(entry.indent);
        if entry.indent == own && !entry.is_item {
            close(&mut found, &job, &mut step);
            found.hooks.extend(whole_job(&job_part, &job));
            (job, job_part, steps, keys) = (entry.key.clone(), Part::default(), None, None);
            in_environment = false;
            found.has_jobs = true;
            continue;
        }
        if steps.is_some_and(|indent| entry.indent <= indent && !entry.is_item) {
            close(&mut found, &job, &mut step);
            steps = None;
        }
        let is_own_key = entry.indent == *keys.get_or_insert(entry.indent);
        match (steps, &mut step) {
            (None, _) if in_environment && !is_own_key && entry.key == "name" => {
                found.aims.push(Clean::line(&entry.value));
            }
            (None, _) if is_own_key && !entry.is_item => {
                in_environment = entry.key == "environment";
                match entry.key.as_str() {
                    "steps" => steps = Some(entry.indent),
                    "environment" => {
                        found.has_environment = true;
                        if !entry.value.is_empty() {
                            found.aims.push(Clean::line(&entry.value));
                        }
                    }
                    "uses" => found.calls.push(entry.value.clone()),
                    _ => {}
                }
                job_part.take(&entry.key, &entry.value);
            }
            (Some(_), Some((indent, part))) if entry.indent == *indent && !entry.is_item => {
                part.take(&entry.key, &entry.value);
            }
            (Some(_), Some((indent, _)))
                if entry.indent > *indent && INPUTS.contains(&entry.key.as_str()) && !entry.value.is_empty() =>
            {
                found.aims.push(Clean::line(&entry.value));
            }
            // What else a step holds is no step of its own.
            (Some(_), Some((indent, _))) if entry.indent > *indent => {}
            (Some(_), _) if entry.is_item => {
                close(&mut found, &job, &mut step);
                let mut part = Part::default();
                part.take(&entry.key, &entry.value);
                step = Some((entry.indent, part));
            }
            _ => {}
        }
    }
    close(&mut found, &job, &mut step);
    found.hooks.extend(whole_job(&job_part, &job));
    found
}

/// Namespaces and contexts that a step's commands name.
fn places(run: &str) -> Vec<Clean> {
    let mut places = Vec::new();
    for command in run.replace("\\\n", " ").split(['\n', ';', '|', '&']) {
        let mut words = command.split_whitespace().skip_while(|word| !TOOLS.contains(word));
        while let Some(word) = words.next() {
            let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
            if PLACES.contains(&flag)
                && let Some(place) = value.or_else(|| words.next())
            {
                places.push(Clean::line(place.trim_matches(['"', '\''])));
            }
        }
    }
    places
}

/// A job that as a whole runs after a failure.
fn whole_job(part: &Part, job: &str) -> Option<Clean> {
    let condition = part.condition.as_deref().filter(|condition| runs_after_failure(condition))?;
    let condition = condition.trim_start_matches("${{").trim_end_matches("}}").trim();
    let condition = condition.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Clean::line(&format!("job '{job}' runs if {condition}")))
}

/// The file's `key: value` lines; what stands in block scalars belongs to their key.
fn entries(file: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut block: Option<usize> = None;
    for line in file.lines() {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        if let Some(key_indent) = block {
            if body.trim().is_empty() || indent > key_indent {
                if let Some(entry) = entries.last_mut() {
                    entry.value.push_str(body.trim());
                    entry.value.push('\n');
                }
                continue;
            }
            block = None;
        }
        if body.trim().is_empty() || body.starts_with('#') {
            continue;
        }
        let (indent, is_item, body) = match body.strip_prefix("- ") {
            Some(rest) => (indent + 2 + (rest.len() - rest.trim_start().len()), true, rest.trim_start()),
            None => (indent, false, body),
        };
        let Some((key, value)) = split_entry(body) else { continue };
        let value = without_comment(value.trim());
        if value.starts_with(['|', '>']) {
            block = Some(indent);
            entries.push(Entry { indent, is_item, key, value: String::new() });
            continue;
        }
        entries.push(Entry { indent, is_item, key, value: unquoted(value) });
    }
    entries
}

fn split_entry(body: &str) -> Option<(String, &str)> {
    let (key, value) = match body.split_once(": ") {
        Some(both) => both,
        None => (body.trim_end().strip_suffix(':')?, ""),
    };
    let key = key.trim().trim_matches(['"', '\'']);
    (!key.contains(' ')).then(|| (key.to_owned(), value))
}

fn without_comment(value: &str) -> &str {
    if value.starts_with(['"', '\'']) {
        return value;
    }
    value.split(" #").next().unwrap_or(value).trim_end()
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOY: &str = r#"
name: deploy
on: { push: { branches: [main] } }
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Test
        run: |
          # if: always() in a script is no condition
          if: failure()
          - name: not a step
          make test
  deploy:
    needs: build
    environment:
      name: production
    steps:
    - run: kubectl rollout status deploy/myapp --timeout=15m
    - if: ${{ failure() }}  # bring the old one back
      name: "Undo: roll back"
      run: |
        kubectl rollout undo deploy/myapp
        echo done
    - name: Tell
      env:
        if: always()
      if: >-
        success() ||
        cancelled()
      uses: acme/slack@v1
  clean:
    if: always()
    needs: [deploy]
    runs-on: ubuntu-latest
    steps:
      - run: ./clean.sh
  smoke:
    uses: acme/shared/.github/workflows/smoke.yml@main
"#;

    #[test]
    fn hooks_are_named_with_their_condition_and_command() {
        let found = read(DEPLOY);
        assert_eq!(
            found.hooks,
            [
                "job 'deploy', step 'Undo: roll back' runs if failure(): kubectl rollout undo deploy/myapp echo done",
                "job 'deploy', step 'Tell' runs if success() || cancelled(): acme/slack@v1",
                "job 'clean' runs if always()",
            ]
        );
        assert!(found.has_environment && found.has_jobs);
        assert_eq!(found.aims, ["production"]);
        assert_eq!(found.calls, ["acme/shared/.github/workflows/smoke.yml@main"]);
    }

    #[test]
    fn where_it_deploys_to_is_what_jobs_and_commands_name() {
        let found = read(
            "jobs:\n  a:\n    environment: ${{ inputs.to }}\n    steps:\n      - run: |\n          echo -n shop\n          \
             kubectl set image deploy/web web=$X \\\n            --context=eu -n 'shop' && helm -n $NS upgrade\n  b:\n    \
             environment: { name: x }\n    env:\n      name: none\n",
        );
        assert_eq!(found.aims, ["${{ inputs.to }}", "eu", "shop", "$NS", "{ name: x }"]);
    }

    #[test]
    fn what_an_action_is_given_is_a_place_and_one_of_the_repositorys_own_is_not_read() {
        let step = |uses: &str| {
            read(&format!(
                "jobs:\n  a:\n    environment: staging\n    steps:\n      - uses: {uses}\n        with:\n          \
                 namespace: production\n          tag: x\n      - run: make\n"
            ))
        };
        let found = step("azure/k8s-deploy@v5");
        assert_eq!(found.aims, ["staging", "production"]);
        assert!(!found.is_partial);
        assert!(step("./.github/actions/deploy").is_partial);
    }

    #[test]
    fn a_workflow_without_hooks_has_none() {
        let found = read(
            "jobs:\n    a:\n        steps:\n            - run: make\n              if: github.ref == 'x' # not failure()\n",
        );
        assert_eq!(found.hooks, Vec::<Clean>::new());
        assert!(found.has_jobs && !found.has_environment);
        assert_eq!(read("just text"), Workflow::default());
        assert_eq!(read(""), Workflow::default());
    }

    #[test]
    fn keys_after_a_block_and_below_other_keys_are_told_apart() {
        let file = "jobs:\n  a:\n    strategy:\n      if: always()\n    env:\n      uses: x/y@z\n    steps:\n      - run: |\n          echo hi\n        if: failure()\n    timeout-minutes: 5\n";
        let found = read(file);
        assert_eq!(found.hooks, ["job 'a', step 'echo hi' runs if failure()"]);
        assert!(found.calls.is_empty());
    }

    #[test]
    fn negated_success_counts_and_hostile_names_are_clean() {
        let found = read("jobs:\n  a:\n    steps:\n    - name: \u{1b}[2Jx\n      if: ${{ !success() }}\n");
        assert_eq!(found.hooks, ["job 'a', step 'x' runs if !success()"]);
        for bad in ["jobs:\n- - -\n", "jobs:\n a: |\n", "jobs:\n  a:\n    steps:\n-\n  - : :\n", "jobs:\n\t- x: y"] {
            read(bad);
        }
    }
}
