//! Evidence that an act destroys, kept beside the audit before it: the logs of two pods (the one that goes, then those that
//! fail, else those of what is live), the workload's and their descriptions with events, and the last hour of the panels
//! that are bound to it. Best effort: what cannot be read is said, and holds nothing up for long.

mod csv;

use futures::future::join_all;
use tokio::sync::mpsc;

use super::Inner;
use crate::{
    action::{Glance, template},
    model::{
        Level,
        kubernetes::{ObjectKey, Pod, WorkloadKey},
        metric::PanelKey,
    },
    query::{Answer, LogQuery, ObjectRef, PageLine, PanelQuery, Query},
    source::AnswerSink,
    text::Clean,
};

/// Pods whose logs are kept.
const PODS: usize = 2;
/// Lines kept of each log.
const LINES: u32 = 2_000;
/// Seconds of the panels' values, and points of each series.
const RANGE: (u32, u16) = (3_600, 120);

impl Inner {
    /// Keeps what there is; says how much.
    pub(super) async fn keep_evidence(
        &self,
        number: u64,
        workload: Option<&WorkloadKey>,
        pod: Option<&ObjectKey>,
        panels: &[PanelKey],
    ) -> Clean {
        // Each with whether it may have a previous log.
        let mut pods: Vec<(ObjectKey, bool)> = pod.into_iter().map(|pod| (pod.clone(), true)).collect();
        let mut queries = Vec::new();
        if let Some(workload) = workload {
            let telling = self.telling(workload).await.into_iter().filter(|telling| Some(&telling.key) != pod);
            pods.extend(telling.map(|telling| {
                let has_previous = is_failing(&telling) || telling.restarts > 0;
                (telling.key, has_previous)
            }));
            let object = ObjectRef::Workload(workload.clone());
            queries.push(("describe.txt".to_owned(), Query::Describe(object.clone())));
            queries.push(("object.yaml".to_owned(), Query::Yaml(object)));
        }
        for (pod, has_previous) in pods.into_iter().take(PODS) {
            let (name, object) = (pod.name.clone(), ObjectRef::Pod(pod));
            queries.push((format!("{name}.describe.txt"), Query::Describe(object.clone())));
            if has_previous {
                queries.push((format!("{name}.previous.log"), Query::Logs(tail(object.clone(), true))));
            }
            queries.push((format!("{name}.log"), Query::Logs(tail(object, false))));
        }
        queries.extend(panels.iter().map(|panel| {
            let (range_seconds, points) = RANGE;
            let query = PanelQuery { panel: panel.clone(), range_seconds, points, variables: Vec::new() };
            // Provisioned dashboards have the same uid in each Grafana.
            let name = format!("panel-{}-{}-{}.csv", panel.dashboard.backend, panel.dashboard.uid, panel.id);
            (name, Query::Panel(query))
        }));
        self.keep_answers(number, queries).await
    }

    /// Its pods that are not well, the worst first. Where all are, the newest of what is live: they may answer with errors.
    async fn telling(&self, workload: &WorkloadKey) -> Vec<Pod> {
        let found = tokio::time::timeout(self.pace.keep, self.workload(workload)).await;
        let Ok(Ok(Some(Glance { pods: Ok(pods), template, .. }))) = found else { return Vec::new() };
        let (mut failing, mut well): (Vec<Pod>, Vec<Pod>) = pods.into_iter().partition(is_failing);
        failing.sort_by_key(|pod| (pod.level, std::cmp::Reverse(pod.restarts)));
        if !failing.is_empty() {
            return failing;
        }
        let live = template::images(&template);
        let runs = |pod: &Pod, (name, image): &(&str, &str)| {
            pod.containers.iter().any(|container| container.name == *name && container.image == *image)
        };
        let is_live = |pod: &Pod| live.iter().all(|image| runs(pod, image));
        well.retain(|pod| pod.deleting_since.is_none());
        // Of none: a webhook sets their images, that of a mirror or a digest, and the newest will do.
        if well.iter().any(is_live) {
            well.retain(is_live);
        }
        well.sort_by_key(|pod| std::cmp::Reverse(pod.created));
        well
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

fn is_failing(pod: &Pod) -> bool {
    pod.level <= Level::Wrong
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
        Answer::Panel(data) => csv::append(data, text),
        _ => {}
    }
}
