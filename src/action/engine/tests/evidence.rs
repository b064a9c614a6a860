//! What of the evidence is missing, and why.

use futures::{FutureExt as _, future::BoxFuture};

use super::*;
use crate::{
    model::{
        kubernetes::ObjectKey,
        log::{LogLine, Origin},
    },
    query::{Answer, LogBatch, PageLine, Query},
    source::{AnswerSink, ErrorKind, Reader, SourceError},
};

/// What there is of a log. As of the real reader, a stream's failure is no failure of the query: a note stands in place of
/// its lines, and a trouble beside where it is one.
#[derive(Clone, Copy)]
enum Log {
    Empty,
    Lines,
    Note(&'static str),
    Trouble(&'static str),
    /// The pods could not be found.
    Failed(&'static str),
}

/// Pods with such logs; describes them, or may not.
#[derive(Clone, Copy)]
struct Pods {
    now: Log,
    previous: Log,
    may_describe: bool,
}

/// Pods that write nothing, and were never restarted.
const QUIET: Pods = Pods {
    now: Log::Empty,
    previous: Log::Note("container 'app' has no previous instance: it never restarted"),
    may_describe: true,
};

fn no(says: &str) -> Result<Answer, SourceError> {
    Err(SourceError::new(ErrorKind::Unexpected, says))
}

fn read(log: Log) -> Result<Answer, SourceError> {
    let pod = ObjectKey { cluster: cluster(), namespace: "production".into(), name: "new-5".into() };
    let origin = Arc::new(Origin::new(pod, "app".into(), "412".into()));
    let line = |text: &str, is_note: bool| {
        let (origin, text) = (origin.clone(), Clean::line(text));
        LogLine { origin, at: now().wall, level: None, text, continues: false, is_note }
    };
    let (lines, troubles) = match log {
        Log::Empty => (Vec::new(), Vec::new()),
        Log::Lines => (vec![line("started", false), line("the log is incomplete", true)], Vec::new()),
        Log::Note(says) => (vec![line(says, true)], Vec::new()),
        Log::Trouble(says) => (vec![line(says, true)], vec![say!("pod 'new-5': {says}")]),
        Log::Failed(says) => return no(says),
    };
    Ok(Answer::Logs(LogBatch { lines, troubles, ..LogBatch::default() }))
}

impl Reader for Pods {
    fn backend(&self) -> &BackendId {
        static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(cluster);
        &ID
    }

    fn read<'a>(&'a self, query: &'a Query, out: AnswerSink) -> BoxFuture<'a, ()> {
        async move {
            let answer = match query {
                Query::Logs(of) => read(if of.previous { self.previous } else { self.now }),
                Query::Describe(_) if !self.may_describe => no("events is forbidden"),
                _ => Ok(Answer::Page(vec![PageLine::Text("read".into())])),
            };
            out.send(answer).await;
        }
        .boxed()
    }
}

/// What is said of the evidence of two pods that fail.
async fn of_two(pods: Pods) -> StepState {
    let bench = Bench::new();
    bench.cluster.with(|cluster| cluster.found.pods.push(pod("new-5", "412", false)));
    bench.engine.add_reader(Arc::new(pods));
    bench.engine.0.keep_evidence(1, Some(&myapp()), None, &[]).await
}

#[tokio::test]
async fn what_is_missing_of_the_evidence_is_said_and_why() {
    let calm = "4 of 8 files in evidence/0001: 2 logs are empty; 2 previous logs are not there";
    assert_eq!(of_two(QUIET).await, StepState::Done(calm.into()));
    let refused = "1 of 8 files in evidence/0001: 2 logs are empty; 2 previous logs are not there; describe.txt: events is forbidden (and 2 more)";
    assert_eq!(of_two(Pods { may_describe: false, ..QUIET }).await, StepState::Unknown(refused.into()));
    let whole = Pods { now: Log::Lines, previous: Log::Lines, ..QUIET };
    assert_eq!(of_two(whole).await, StepState::Done("8 files in evidence/0001".into()));
}

/// The reader has words of its own for it, in place of lines.
#[tokio::test]
async fn a_log_that_was_refused_is_not_kept() {
    let refused = Log::Trouble("pods \"new-5\" is forbidden: no get pods/log");
    let lost = |state: StepState, begins: &str, ends: &str| {
        let StepState::Unknown(says) = &state else { panic!("it is lost: {state:?}") };
        assert!(says.starts_with(begins) && says.ends_with(ends), "{says}");
    };
    let state = of_two(Pods { now: refused, ..QUIET }).await;
    lost(state, "4 of 8 files in evidence/0001: 2 previous logs are not there; new-", "no get pods/log (and 1 more)");
    let state = of_two(Pods { previous: refused, ..QUIET }).await;
    lost(state, "4 of 8 files in evidence/0001: 2 logs are empty; new-", "no get pods/log (and 1 more)");
    // It ran before, and what it wrote is gone: not the same as never restarted.
    let state = of_two(Pods { previous: Log::Note("container 'app' has no log left"), ..QUIET }).await;
    lost(state, "4 of 8 files in evidence/0001: 2 logs are empty; new-", "has no log left (and 1 more)");
    let state = of_two(Pods { now: Log::Note("container 'app' has not started"), ..QUIET }).await;
    let calm = "4 of 8 files in evidence/0001: 2 logs are empty; 2 previous logs are not there";
    assert_eq!(state, StepState::Done(calm.into()));
}

/// That the pods are not found says nothing of a previous run.
#[tokio::test]
async fn only_what_never_restarted_has_no_previous_log() {
    let StepState::Unknown(says) = of_two(Pods { previous: Log::Failed("pods is forbidden"), ..QUIET }).await else {
        panic!("it is lost")
    };
    assert!(says.ends_with(".previous.log: pods is forbidden (and 1 more)"), "{says}");
}
