//! Evidence that an act destroys, kept beside the audit before it: the logs of two pods (the one that goes, then those that
//! fail, else those of what is live), the workload's and their descriptions with events, and the last hour of the panels
//! that are bound to it. Best effort: what cannot be read is said, and holds nothing up for long.

mod csv;
mod found;

use futures::future::join_all;
use tokio::sync::mpsc;

use self::found::Found;
use super::Inner;
use crate::{
    action::{Glance, act::StepState, template},
    model::{
        Level,
        kubernetes::{ObjectKey, Pod, WorkloadKey},
        metric::PanelKey,
    },
    query::{LogQuery, ObjectRef, PanelQuery, Query},
    source::AnswerSink,
    text::{Clean, counted},
};

/// Pods whose logs are kept.
const PODS: usize = 2;
/// How the name of a log ends that a container's last run left.
const PREVIOUS: &str = ".previous.log";
/// Lines kept of each log.
const LINES: u32 = 2_000;
/// Seconds of the panels' values, and points of each series.
const RANGE: (u32, u16) = (3_600, 120);

impl Inner {
    /// Keeps what there is; says how much, and what is missing. Not all, or nothing, is no success.
    pub(super) async fn keep_evidence(
        &self,
        number: u64,
        workload: Option<&WorkloadKey>,
        pod: Option<&ObjectKey>,
        panels: &[PanelKey],
    ) -> StepState {
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
                queries.push((format!("{name}{PREVIOUS}"), Query::Logs(tail(object.clone(), true))));
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

    async fn keep_answers(&self, number: u64, queries: Vec<(String, Query)>) -> StepState {
        let kept = join_all(queries.into_iter().map(async |(name, query)| {
            let kept = match self.read(query).await {
                Ok(text) => {
                    let to = name.clone();
                    match self.on_audit(move |audit| audit.keep_evidence(number, &to, &text)).await {
                        Ok(()) => Kept::File,
                        Err(why) => Kept::Lost(say!("it could not be written: {why}")),
                    }
                }
                Err(kept) => kept,
            };
            (name, kept)
        }))
        .await;
        told(number, &kept)
    }

    /// One answer as text, within the deadline; what came before the deadline counts. Else what became of it.
    async fn read(&self, query: Query) -> Result<String, Kept> {
        let Some(reader) = self.backends(|all| all.readers.get(query.backend()).cloned()) else {
            return Err(Kept::Lost(say!("'{}' is not connected", query.backend())));
        };
        let (to, mut answers) = mpsc::channel(16);
        let sink = AnswerSink { query: query.clone(), generation: 0, clock: self.clock.clone(), to };
        let mut found = Found::default();
        let reading = async { reader.read(&query, sink).await };
        let taking = async {
            while let Some(answered) = answers.recv().await {
                match answered.body {
                    Ok(answer) => found.take(&answer),
                    Err(error) => found.fail(error.says),
                }
                if !matches!(answered.query, Query::Logs(_)) {
                    return;
                }
            }
        };
        let within = self.pace.keep;
        let in_time = tokio::time::timeout(within, async {
            tokio::pin!(reading, taking);
            tokio::select! {
                () = &mut taking => {}
                () = &mut reading => taking.await,
            }
        })
        .await
        .is_ok();
        let is_previous = matches!(&query, Query::Logs(of) if of.previous);
        found.kept(is_previous, (!in_time).then_some(within))
    }
}

/// What became of one file.
enum Kept {
    File,
    /// There is nothing in it.
    Empty,
    /// The log of a previous run, where there was none.
    NotThere,
    /// It was refused, not answered or not written, and why.
    Lost(Clean),
}

/// `4 of 6 files in evidence/0001: 2 logs are empty`
fn told(number: u64, all: &[(String, Kept)]) -> StepState {
    let count = |is: fn(&Kept) -> bool| all.iter().filter(|(_, kept)| is(kept)).count();
    let files = count(|kept| matches!(kept, Kept::File));
    let (empty, previous) = (count(|kept| matches!(kept, Kept::Empty)), count(|kept| matches!(kept, Kept::NotThere)));
    let mut missing = Vec::new();
    if empty > 0 {
        missing.push(format!("{} {} empty", counted(empty, "log"), if empty == 1 { "is" } else { "are" }));
    }
    if previous > 0 {
        missing.push(format!(
            "{} {} not there",
            counted(previous, "previous log"),
            if previous == 1 { "is" } else { "are" }
        ));
    }
    let mut lost = all.iter().filter_map(|(name, kept)| match kept {
        Kept::Lost(why) => Some((name, why)),
        Kept::File | Kept::Empty | Kept::NotThere => None,
    });
    let first = lost.next();
    if let Some((name, why)) = first {
        let more = lost.count();
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        missing.push(format!("{name}: {why}{more}"));
    }
    let missing = if missing.is_empty() { String::new() } else { format!(": {}", missing.join("; ")) };
    let says = match files {
        0 => say!("nothing could be kept{missing}"),
        files if files == all.len() => say!("{} in evidence/{number:04}", counted(files, "file")),
        files => say!("{files} of {} files in evidence/{number:04}{missing}", all.len()),
    };
    if files == 0 || first.is_some() { StepState::Unknown(says) } else { StepState::Done(says) }
}

fn is_failing(pod: &Pod) -> bool {
    pod.level <= Level::Wrong
}

fn tail(target: ObjectRef, previous: bool) -> LogQuery {
    LogQuery { previous, tail: Some(LINES), follow: false, ..LogQuery::of(target) }
}
