//! Evidence that an act destroys, kept beside the audit before it: the previous logs of two pods (the one that goes, then
//! those that fail), the workload's and their descriptions with events. Best effort: what cannot be read is said, and holds
//! nothing up for long.

use futures::future::join_all;
use tokio::sync::mpsc;

use super::Inner;
use crate::{
    action::Glance,
    model::{
        Level,
        kubernetes::{ObjectKey, Pod, WorkloadKey},
    },
    query::{Answer, LogQuery, ObjectRef, PageLine, Query},
    source::AnswerSink,
    text::Clean,
};

/// Pods whose logs are kept.
const PODS: usize = 2;
/// Lines kept of each log.
const LINES: u32 = 2_000;

impl Inner {
    /// Keeps what there is; says how much.
    pub(super) async fn keep_evidence(
        &self,
        number: u64,
        workload: Option<&WorkloadKey>,
        pod: Option<&ObjectKey>,
    ) -> Clean {
        let mut pods: Vec<ObjectKey> = pod.into_iter().cloned().collect();
        let mut queries = Vec::new();
        if let Some(workload) = workload {
            let failing = self.failing(workload).await;
            pods.extend(failing.into_iter().map(|failing| failing.key).filter(|failing| Some(failing) != pod));
            let object = ObjectRef::Workload(workload.clone());
            queries.push(("describe.txt".to_owned(), Query::Describe(object.clone())));
            queries.push(("object.yaml".to_owned(), Query::Yaml(object)));
        }
        for pod in pods.into_iter().take(PODS) {
            let (name, object) = (pod.name.clone(), ObjectRef::Pod(pod));
            queries.push((format!("{name}.describe.txt"), Query::Describe(object.clone())));
            queries.push((format!("{name}.previous.log"), Query::Logs(tail(object.clone(), true))));
            queries.push((format!("{name}.log"), Query::Logs(tail(object, false))));
        }
        self.keep_answers(number, queries).await
    }

    /// Its pods that are not well, the worst first.
    async fn failing(&self, workload: &WorkloadKey) -> Vec<Pod> {
        let found = tokio::time::timeout(self.pace.keep, self.workload(workload)).await;
        let mut failing: Vec<Pod> = match found {
            Ok(Ok(Some(Glance { pods: Ok(pods), .. }))) => {
                pods.into_iter().filter(|pod| pod.level <= Level::Wrong).collect()
            }
            _ => Vec::new(),
        };
        failing.sort_by_key(|pod| (pod.level, std::cmp::Reverse(pod.restarts)));
        failing
    }

    async fn keep_answers(&self, number: u64, queries: Vec<(String, Query)>) -> Clean {
        let wanted = queries.len();
        let kept = join_all(queries.into_iter().map(async |(name, query)| {
            let Some(text) = self.read(query).await else { return false };
            self.on_audit(move |audit| audit.keep_evidence(number, &name, &text)).await.is_ok()
        }))
        .await;
        let kept = kept.into_iter().filter(|kept| *kept).count();
        match kept {
            0 => "nothing could be kept".into(),
            all if all == wanted => say!("{all} files in evidence/{number:04}"),
            some => say!("{some} of {wanted} files in evidence/{number:04}"),
        }
    }

    /// One answer as text, within the deadline; what came before the deadline counts.
    async fn read(&self, query: Query) -> Option<String> {
        let reader = self.backends(|all| all.readers.get(query.backend()).cloned())?;
        let (to, mut answers) = mpsc::channel(16);
        let sink = AnswerSink { query: query.clone(), generation: 0, clock: self.clock.clone(), to };
        let mut text = String::new();
        let reading = async { reader.read(&query, sink).await };
        let taking = async {
            while let Some(answered) = answers.recv().await {
                match answered.body {
                    Ok(answer) => append(&answer, &mut text),
                    Err(error) => text.extend(["could not be read: ", error.says.as_str(), "\n"]),
                }
                if !matches!(answered.query, Query::Logs(_)) {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(self.pace.keep, async {
            tokio::pin!(reading, taking);
            tokio::select! {
                () = &mut taking => {}
                () = &mut reading => taking.await,
            }
        })
        .await;
        (!text.is_empty()).then_some(text)
    }
}

fn tail(target: ObjectRef, previous: bool) -> LogQuery {
    LogQuery { previous, tail: Some(LINES), follow: false, ..LogQuery::of(target) }
}

fn append(answer: &Answer, text: &mut String) {
    let mut push = |line: &str| {
        text.push_str(&crate::secret::mask(line));
        text.push('\n');
    };
    match answer {
        Answer::Logs(batch) => batch.lines.iter().for_each(|line| push(&line.text)),
        Answer::Page(lines) => {
            for line in lines {
                match line {
                    PageLine::Heading(heading) => push(&format!("== {heading}")),
                    PageLine::Field(name, value, _) => push(&format!("{name}: {value}")),
                    PageLine::Text(text) => push(text),
                }
            }
        }
        _ => {}
    }
}
