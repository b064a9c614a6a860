//! The log reader against a small API server.

mod asked;
mod bytes;
mod chosen;
mod pods;
mod trouble;

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{body::Bytes, response::Response};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Limits, LogReader};
use crate::{
    model::{
        BackendId,
        kubernetes::{ObjectKey, WorkloadKey, WorkloadKind},
        log::{LogLevel, LogLine},
    },
    query::{Answer, LogBatch, LogQuery, LogTarget, ObjectRef, Query},
    source::{
        AnswerSink, Answered, SourceError,
        kubernetes::scripted::{self, Asked, Fake},
    },
    time::SystemClock,
};

/// What follows the lines of a log.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    End,
    Cut,
    Hang,
}

#[derive(Clone)]
enum LogAnswer {
    Status(u16, &'static str),
    /// Raw pieces.
    Bytes(Vec<Vec<u8>>, Then),
    /// As a kubelet would answer: `sinceTime` and `tailLines` are obeyed.
    Lines(Vec<String>, Then),
}

#[derive(Default)]
struct World {
    pods: Mutex<Vec<Value>>,
    watches: Mutex<Vec<mpsc::UnboundedSender<std::io::Result<Bytes>>>>,
    logs: Mutex<HashMap<String, VecDeque<LogAnswer>>>,
    refuse_list: Mutex<Option<Response>>,
    refuse_log: Mutex<Option<Response>>,
    /// The next page after a first one is forgotten.
    expire_page: Mutex<bool>,
    /// Lists fail.
    is_down: AtomicBool,
    /// Every version is forgotten as soon as it is watched from.
    is_forgetful: AtomicBool,
    /// Pods on a page, however many are asked for; 0: all.
    page: usize,
    /// The pieces of a log that hangs afterwards are on their way.
    served: Arc<tokio::sync::Notify>,
    /// Pieces of logs that were taken to be sent.
    taken: Arc<AtomicU64>,
    /// Objects of other kinds, by the end of their path.
    objects: Mutex<Vec<(&'static str, Value)>>,
}

impl World {
    fn answer(&self, asked: &Asked) -> Response {
        if asked.path.ends_with("/log") {
            return self.refuse_log.lock().unwrap().take().unwrap_or_else(|| self.log(asked));
        }
        if asked.path.starts_with("/apis/batch/v1/") || asked.path.contains("/services/") {
            let objects = self.objects.lock().unwrap();
            let found = objects.iter().find(|(path, _)| asked.path.ends_with(path));
            return found.map_or_else(
                || scripted::status(404, "NotFound", "not found"),
                |(_, object)| scripted::json_answer(200, object),
            );
        }
        if asked.path.starts_with("/apis/apps/v1/") {
            return scripted::json_answer(200, &json!({"spec": {"selector": {"matchLabels": {"app": "web"}}}}));
        }
        if asked.query("watch").is_some() {
            if self.is_forgetful.load(Ordering::SeqCst) {
                return scripted::status(410, "Expired", "too old resource version");
            }
            let (to, from) = mpsc::unbounded_channel();
            self.watches.lock().unwrap().push(to);
            let events = stream::unfold(from, |mut from| async { Some((from.recv().await?, from)) });
            return scripted::pieces(events);
        }
        if asked.path.ends_with("/pods") {
            if let Some(refusal) = self.refuse_list.lock().unwrap().take() {
                return refusal;
            }
            if self.is_down.load(Ordering::SeqCst) {
                return scripted::status(500, "InternalError", "etcd is away");
            }
            if asked.query("continue").is_some() && std::mem::take(&mut *self.expire_page.lock().unwrap()) {
                return scripted::status(410, "Expired", "the provided continue parameter is too old");
            }
            let pods = self.pods.lock().unwrap().clone();
            let from = asked.query("continue").map_or(0, |token| token.parse().unwrap());
            let size = if self.page == 0 { pods.len() } else { self.page };
            let to = (from + size).min(pods.len());
            let next = if to < pods.len() { to.to_string() } else { String::new() };
            let meta = json!({"resourceVersion": "1", "continue": next});
            return scripted::json_answer(200, &json!({"metadata": meta, "items": pods[from..to]}));
        }
        match self
            .pods
            .lock()
            .unwrap()
            .iter()
            .find(|pod| asked.path.ends_with(pod["metadata"]["name"].as_str().unwrap()))
        {
            Some(pod) => scripted::json_answer(200, pod),
            None => scripted::status(404, "NotFound", "pods not found"),
        }
    }

    fn log(&self, asked: &Asked) -> Response {
        let pod = asked.path.split('/').rev().nth(1).unwrap();
        let key = format!("{pod}/{}", asked.query("container").unwrap_or("?"));
        let answer = self.logs.lock().unwrap().get_mut(&key).and_then(VecDeque::pop_front);
        let (pieces, then) = match answer.unwrap_or(LogAnswer::Bytes(Vec::new(), Then::Hang)) {
            LogAnswer::Status(code, message) => return scripted::status(code, "", message),
            LogAnswer::Bytes(pieces, then) => (pieces, then),
            LogAnswer::Lines(lines, then) => {
                let since: Option<Timestamp> = asked.query("sinceTime").map(|text| text.parse().unwrap());
                let is_wanted = |line: &&String| match since {
                    Some(since) => line.split(' ').next().unwrap().parse::<Timestamp>().unwrap() >= since,
                    None => true,
                };
                let mut lines: Vec<String> = lines.iter().filter(is_wanted).map(|line| format!("{line}\n")).collect();
                if let Some(tail) = asked.query("tailLines").and_then(|tail| tail.parse::<usize>().ok()) {
                    lines.drain(..lines.len().saturating_sub(tail));
                }
                (lines.into_iter().map(String::into_bytes).collect(), then)
            }
        };
        let taken = self.taken.clone();
        let pieces = stream::iter(pieces.into_iter().map(move |piece| {
            taken.fetch_add(1, Ordering::SeqCst);
            Ok(Bytes::from(piece))
        }));
        match then {
            Then::End => scripted::pieces(pieces),
            Then::Cut => scripted::pieces(pieces.chain(stream::once(async {
                // The server writes when it has to wait; then it breaks.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                Err(std::io::Error::other("cut"))
            }))),
            Then::Hang => {
                let served = self.served.clone();
                let end = async move {
                    served.notify_one();
                    std::future::pending().await
                };
                scripted::pieces(pieces.chain(stream::once(end)))
            }
        }
    }

    fn will_log(&self, container: &str, answer: LogAnswer) {
        self.logs.lock().unwrap().entry(container.to_owned()).or_default().push_back(answer);
    }

    /// Sets a pod, and tells the watches.
    fn put(&self, pod: &Value) {
        let mut pods = self.pods.lock().unwrap();
        let same = |other: &Value| other["metadata"]["uid"] == pod["metadata"]["uid"];
        let kind = if pods.iter().any(same) { "MODIFIED" } else { "ADDED" };
        pods.retain(|other| !same(other));
        pods.push(pod.clone());
        drop(pods);
        self.tell(&json!({"type": kind, "object": pod}));
    }

    fn tell(&self, event: &Value) {
        for watch in &*self.watches.lock().unwrap() {
            let _gone = watch.send(Ok(Bytes::from(format!("{event}\n"))));
        }
    }

    fn break_watches(&self) {
        for watch in self.watches.lock().unwrap().drain(..) {
            let _gone = watch.send(Err(std::io::Error::other("cut")));
        }
    }
}

fn pod(name: &str, instance: Option<&str>, state: &Value) -> Value {
    let mut status =
        json!({"name": "app", "state": state, "restartCount": 0, "ready": true, "image": "x", "imageID": ""});
    if let Some(id) = instance {
        status["containerID"] = json!(id);
    }
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "2",
            "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "reg/web:v7"}]},
        "status": {"containerStatuses": [status]}})
}

fn running(name: &str) -> Value {
    pod(name, Some("containerd://1"), &json!({"running": {}}))
}

/// As [`running`], a second instance after an OOM kill.
fn restarted(name: &str) -> Value {
    let mut pod = pod(name, Some("containerd://2"), &json!({"running": {}}));
    pod["status"]["containerStatuses"][0]["lastState"] =
        json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "containerID": "containerd://1"}});
    pod
}

struct Look {
    fake: Fake,
    world: Arc<World>,
    answers: mpsc::Receiver<Answered>,
    lines: Vec<LogLine>,
    last: LogBatch,
    dropped: u64,
    error: Option<SourceError>,
    task: tokio::task::JoinHandle<()>,
}

fn limits() -> Limits {
    let ms = Duration::from_millis;
    Limits {
        hold: ms(30),
        tick: ms(5),
        quiet: ms(30),
        settle: ms(500),
        idle: Duration::from_secs(20),
        eof_grace: ms(60),
        retry: ms(200),
        poll: ms(10),
        turn: ms(10),
        deadline: Duration::from_secs(5),
        max_streams: 50,
        channel: 256,
    }
}

fn one_pod() -> LogQuery {
    let pod = ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: "web-1".into() };
    LogQuery { tail: Some(100), ..LogQuery::of(ObjectRef::Pod(pod)) }
}

fn workload() -> LogQuery {
    let key = WorkloadKey {
        cluster: BackendId::new("c"),
        namespace: "shop".into(),
        kind: WorkloadKind::Deployment,
        name: "web".into(),
    };
    LogQuery { target: LogTarget::Workload(key), ..one_pod() }
}

async fn look(world: World, query: LogQuery, limits: Limits) -> Look {
    look_through(world, query, limits, 64).await
}

async fn look_through(world: World, query: LogQuery, limits: Limits, room: usize) -> Look {
    let world = Arc::new(world);
    let served = world.clone();
    let fake = scripted::serve(move |asked| served.answer(asked)).await;
    let reader = LogReader::new(fake.cluster.clone()).with_limits(limits);
    let (to, answers) = mpsc::channel(room);
    let sink = AnswerSink { query: Query::Logs(query.clone()), generation: 1, clock: Arc::new(SystemClock), to };
    let task = tokio::spawn(async move { reader.read(&query, sink).await });
    Look { fake, world, answers, lines: Vec::new(), last: LogBatch::default(), dropped: 0, error: None, task }
}

impl Look {
    /// Takes answers in until `done`; fails the test if that does not come.
    async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(Duration::from_mins(1), async {
            while !done(self) {
                let answer = self.answers.recv().await.expect("the reader goes on");
                match answer.body {
                    Ok(Answer::Logs(mut batch)) => {
                        assert!(batch.lines.len() <= 500);
                        self.lines.append(&mut batch.lines);
                        self.dropped += batch.dropped;
                        self.last = batch;
                    }
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => self.error = Some(error),
                }
            }
        });
        let in_time = waited.await.is_ok();
        let (lines, batch, asked) = (self.texts(), &self.last, self.fake.asked());
        assert!(in_time, "{what} did not come; lines {lines:?}, batch {batch:?}, asked {asked:#?}");
    }

    async fn lines(&mut self, count: usize) -> Vec<String> {
        self.until(&format!("{count} lines"), |look| look.lines.len() >= count).await;
        self.texts()
    }

    fn texts(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.text.to_string()).collect()
    }

    fn log_requests(&self) -> Vec<Asked> {
        self.fake.asked_with("GET", "/log")
    }
}

fn stamped(second: u32, nanos: u32, text: &str) -> String {
    format!("2026-01-02T03:04:{second:02}.{nanos:09}Z {text}")
}

#[tokio::test]
async fn a_pod_is_followed_and_characters_cut_by_chunks_are_whole() {
    let world = World::default();
    world.put(&running("web-1"));
    let text = format!("{}\n{}\n", stamped(5, 1, "ERROR gr\u{fc}n"), stamped(5, 2, "\tat a.B(B.java:1)"));
    let bytes = text.into_bytes();
    let cut = bytes.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    world.will_log("web-1/app", LogAnswer::Bytes(vec![bytes[..cut].to_vec(), bytes[cut..].to_vec()], Then::Hang));
    let mut look = look(world, one_pod(), limits()).await;
    assert_eq!(look.lines(2).await, ["ERROR gr\u{fc}n", "    at a.B(B.java:1)"]);
    assert_eq!((look.last.open, look.last.wanted, look.last.troubles.len()), (1, 1, 0));
    let line = &look.lines[0];
    assert_eq!((line.level, line.continues, look.lines[1].continues), (Some(LogLevel::Error), false, true));
    assert_eq!(line.at, "2026-01-02T03:04:05.000000001Z".parse().unwrap());
    assert_eq!((line.origin.version.as_str(), line.origin.container.as_str()), ("v7", "app"));
    let asked = &look.log_requests()[0];
    assert_eq!(asked.path, "/api/v1/namespaces/shop/pods/web-1/log");
    let asked_for =
        [asked.query("follow"), asked.query("timestamps"), asked.query("tailLines"), asked.query("container")];
    assert_eq!(asked_for, [Some("true"), Some("true"), Some("100"), Some("app")]);
}

#[tokio::test]
async fn a_broken_connection_is_resumed_without_losing_or_repeating_a_line() {
    let world = World::default();
    world.put(&running("web-1"));
    let all: Vec<String> = (0..9).map(|n| stamped(5 + n / 4, (n % 4) * 100, &format!("line {n}"))).collect();
    for seen in [3, 6] {
        world.will_log("web-1/app", LogAnswer::Lines(all[..seen].to_vec(), Then::Cut));
    }
    world.will_log("web-1/app", LogAnswer::Lines(all.clone(), Then::Hang));
    let mut look = look(world, one_pod(), limits()).await;
    let expected: Vec<String> = (0..9).map(|n| format!("line {n}")).collect();
    assert_eq!(look.lines(9).await, expected);
    let requests = look.log_requests();
    let since: Vec<_> = requests.iter().map(|asked| (asked.query("sinceTime"), asked.query("tailLines"))).collect();
    let resumed = [(Some("2026-01-02T03:04:05Z"), None), (Some("2026-01-02T03:04:06Z"), None)];
    assert_eq!(since, [&[(None, Some("100"))][..], &resumed].concat());
}

#[tokio::test]
async fn a_restarted_container_is_attached_again_with_a_note() {
    let world = World::default();
    world.put(&running("web-1"));
    // It is asked once more whether that was the end.
    let end = LogAnswer::Lines(vec![stamped(5, 1, "before")], Then::End);
    (0..2).for_each(|_| world.will_log("web-1/app", end.clone()));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "before"), stamped(9, 1, "after")], Then::Hang));
    let patient = Limits { eof_grace: Duration::from_secs(9), ..limits() };
    let mut look = look(world, one_pod(), patient).await;
    look.lines(1).await;
    look.world.put(&restarted("web-1"));
    assert_eq!(look.lines(3).await, ["before", "container app restarted (exit 137 OOMKilled)", "after"]);
    assert_eq!(look.lines.iter().map(|line| line.is_note).collect::<Vec<_>>(), [false, true, false]);
    assert!(look.log_requests().iter().skip(1).all(|asked| asked.query("tailLines").is_none()));
}

#[tokio::test]
async fn a_status_that_lags_behind_a_restart_costs_no_line_and_no_note() {
    let world = World::default();
    world.put(&running("web-1"));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "before")], Then::End));
    // By its status it still runs, so the log is opened again: by now it is the new instance's.
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(9, 1, "after")], Then::Hang));
    let mut look = look(world, one_pod(), limits()).await;
    assert_eq!(look.lines(2).await, ["before", "after"]);
    look.world.put(&restarted("web-1"));
    assert_eq!(look.lines(3).await.last().unwrap(), "container app restarted (exit 137 OOMKilled)");
}
