//! What comes instead of a log: refusals, silence, and more than can be taken in.

use std::{sync::atomic::Ordering, time::Duration};

use axum::body::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::{
    Limits, LogAnswer, LogQuery, SystemClock, Then, World, limits, look, look_through, one_pod, restarted, running,
    scripted, stamped,
};
use crate::time::Clock as _;

#[tokio::test]
async fn what_waits_is_tried_again_when_its_status_changes_not_polled() {
    let world = World::default();
    world.put(&running("web-1"));
    world.will_log(
        "web-1/app",
        LogAnswer::Status(400, "container \"app\" in pod \"web-1\" is waiting to start: ContainerCreating"),
    );
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "up")], Then::Hang));
    let mut look = look(world, one_pod(), limits()).await;
    look.until("the trouble", |look| !look.last.troubles.is_empty()).await;
    assert_eq!(look.last.troubles[0], "pod 'web-1': container 'app' has not started: ContainerCreating");
    assert_eq!((look.last.open, look.last.wanted, look.log_requests().len()), (0, 1, 1));
    let mut changed = running("web-1");
    changed["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "PodInitializing"}});
    look.world.put(&changed);
    assert_eq!(look.lines(1).await, ["up"]);
    look.until("no trouble", |look| look.last.troubles.is_empty()).await;
}

/// What its status says while a refusal is on its way is not waited for again.
#[tokio::test]
async fn what_starts_while_its_refusal_is_on_its_way_is_read() {
    let world = World::default();
    world.put(&running("web-1"));
    let (give, given) = tokio::sync::oneshot::channel::<()>();
    let says = "container \"app\" in pod \"web-1\" is waiting to start: ContainerCreating";
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": says, "code": 400});
    let mut refusal = scripted::pieces(stream::once(async move {
        let _given = given.await;
        Ok(Bytes::from(body.to_string()))
    }));
    *refusal.status_mut() = http::StatusCode::BAD_REQUEST;
    *world.refuse_log.lock().unwrap() = Some(refusal);
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "up")], Then::Hang));
    let mut look = look(world, one_pod(), limits()).await;
    look.until("it is asked for", |look| look.last.open == 1 && !look.world.watches.lock().unwrap().is_empty()).await;
    let mut changed = running("web-1");
    changed["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "PodInitializing"}});
    changed["spec"]["containers"] = json!([{"name": "app", "image": "reg/web:v7"}, {"name": "side", "image": "x"}]);
    look.world.put(&changed);
    look.until("its status", |look| look.last.containers.len() == 2).await;
    give.send(()).unwrap();
    assert_eq!(look.lines(1).await, ["up"]);
}

#[tokio::test]
async fn refusals_are_troubles_and_an_error_in_the_body_is_no_line() {
    for (answer, says) in [
        (LogAnswer::Status(403, "pods \"web-1\" is forbidden: no get pods/log"), "no get pods/log"),
        (LogAnswer::Status(400, "container app is not valid for pod web-1"), "is not valid for pod"),
        (LogAnswer::Status(400, "container \"app\" in pod \"web-1\" is terminated"), "no log left"),
        (LogAnswer::Status(404, "pods \"web-1\" not found"), "the pod is gone"),
        (LogAnswer::Status(500, "Get \"https://10.0.1.2:10250/containerLogs/\": dial tcp: timeout"), "dial tcp"),
    ] {
        let world = World::default();
        world.put(&running("web-1"));
        // Every time it is asked again: what was said of one try is gone with the next.
        (0..100).for_each(|_| world.will_log("web-1/app", answer.clone()));
        let mut look = look(world, one_pod(), limits()).await;
        look.until(says, |look| look.last.troubles.iter().any(|trouble| trouble.contains(says))).await;
        assert!(look.lines.is_empty());
    }
    let world = World::default();
    world.put(&running("web-1"));
    let body = b"unable to retrieve container logs for containerd://abc".to_vec();
    world.will_log("web-1/app", LogAnswer::Bytes(vec![body], Then::End));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "real")], Then::Hang));
    let mut look = look(world, one_pod(), limits()).await;
    assert_eq!(look.lines(1).await, ["real"]);
}

#[tokio::test]
async fn the_previous_instance_is_read_once() {
    let world = World::default();
    world.put(&running("web-1"));
    world.will_log(
        "web-1/app",
        LogAnswer::Bytes(vec![format!("{}\n{}", stamped(5, 1, "a"), stamped(5, 2, "b")).into()], Then::End),
    );
    let query = LogQuery { previous: true, ..one_pod() };
    let mut look = look(world, query.clone(), limits()).await;
    assert_eq!(look.lines(2).await, ["a", "b"], "the last line has no break");
    (&mut look.task).await.unwrap();
    let asked = &look.log_requests()[0];
    assert_eq!((asked.query("previous"), asked.query("follow")), (Some("true"), None));

    let world = World::default();
    world.put(&running("web-1"));
    world.will_log(
        "web-1/app",
        LogAnswer::Status(400, "previous terminated container \"app\" in pod \"web-1\" not found"),
    );
    let mut look = super::look(world, query, limits()).await;
    assert_eq!(look.lines(1).await, ["container 'app' has no previous instance: it never restarted"]);
    assert!(look.lines[0].is_note);
    (&mut look.task).await.unwrap();
}

#[tokio::test]
async fn a_silent_stream_of_a_running_container_is_opened_anew() {
    let world = World::default();
    world.put(&running("web-1"));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "a")], Then::Hang));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "a"), stamped(5, 2, "b")], Then::Hang));
    let mut look = look(world, one_pod(), Limits { idle: Duration::from_millis(100), ..limits() }).await;
    assert_eq!(look.lines(2).await, ["a", "b"]);
}

/// As a load balancer does with what it holds to be idle.
#[tokio::test]
async fn a_server_that_closes_while_the_container_runs_is_asked_again_at_once() {
    let world = World::default();
    world.put(&running("web-1"));
    let lines = ["a", "b", "c"].iter().zip(1..).map(|(text, n)| stamped(5, n, text)).collect::<Vec<_>>();
    for seen in 1..=2 {
        world.will_log("web-1/app", LogAnswer::Lines(lines[..seen].to_vec(), Then::End));
    }
    world.will_log("web-1/app", LogAnswer::Lines(lines, Then::Hang));
    let mut look = look(world, one_pod(), Limits { eof_grace: Duration::from_hours(1), ..limits() }).await;
    assert_eq!(look.lines(3).await, ["a", "b", "c"]);
}

/// As a proxy does that closes every answer: each look costs the server a request.
#[tokio::test]
async fn a_server_that_closes_every_answer_is_asked_ever_more_slowly() {
    let world = World::default();
    world.put(&running("web-1"));
    let lines: Vec<String> = (1..=9).map(|n| stamped(5, n, &n.to_string())).collect();
    for seen in 1..=9 {
        world.will_log("web-1/app", LogAnswer::Lines(lines[..seen].to_vec(), Then::End));
    }
    let begun = SystemClock.now().mono;
    let mut look = look(world, one_pod(), Limits { eof_grace: Duration::from_hours(1), ..limits() }).await;
    assert_eq!(look.lines(9).await.len(), 9);
    // Pauses of 2, 4, … 256 ms, each up to a tenth shorter.
    let took = SystemClock.now().since(begun);
    assert!(took >= Duration::from_millis(450), "{took:?}");
}

/// A moment is looked for in what is here once all has caught up.
#[tokio::test]
async fn what_fails_has_caught_up_only_when_it_fails_the_third_time() {
    let patient = Limits { retry: Duration::from_secs(50), quiet: Duration::from_secs(1), ..limits() };
    for code in [429, 500] {
        let world = World::default();
        world.put(&running("web-1"));
        world.will_log("web-1/app", LogAnswer::Status(code, "not now"));
        world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "up")], Then::Hang));
        let mut look = look(world, one_pod(), patient).await;
        look.until("the trouble", |look| !look.last.troubles.is_empty()).await;
        assert!(!look.last.has_caught_up, "{code}: its log is not read yet");
        look.until("its log", |look| look.last.has_caught_up).await;
        assert_eq!(look.texts(), ["up"], "{code}");
    }
    let world = World::default();
    world.put(&running("web-1"));
    (0..9).for_each(|_| world.will_log("web-1/app", LogAnswer::Status(500, "not now")));
    let mut look = look(world, one_pod(), patient).await;
    look.until("it is waited for no longer", |look| look.last.has_caught_up).await;
    assert_eq!(look.log_requests().len(), 3);
}

#[tokio::test]
async fn a_refusal_right_after_the_end_of_a_log_is_no_trouble_where_the_container_starts_anew() {
    let world = World::default();
    world.put(&running("web-1"));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "before")], Then::End));
    world.will_log("web-1/app", LogAnswer::Status(400, "container \"app\" in pod \"web-1\" is terminated"));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(9, 1, "after")], Then::Hang));
    let mut look = look(world, one_pod(), Limits { eof_grace: Duration::from_hours(1), ..limits() }).await;
    look.lines(1).await;
    // Ways there and back, in which the reader has its turns: to ask once more, and to say what it was told.
    let mut turns = 0;
    while turns < STILL {
        look.fake.cluster.get::<Value>("/api/v1/namespaces/shop/pods/web-1").await.expect("it answers");
        turns += usize::from(look.log_requests().len() == 2);
    }
    look.world.put(&restarted("web-1"));
    let has_trouble = std::cell::Cell::new(false);
    look.until("the new one", |look| {
        has_trouble.set(has_trouble.get() || !look.last.troubles.is_empty());
        look.lines.len() == 3
    })
    .await;
    assert_eq!(look.texts(), ["before", "container app restarted (exit 137 OOMKilled)", "after"]);
    assert!(!has_trouble.get(), "nothing is wrong");
}

#[tokio::test]
async fn of_a_second_that_the_newest_lines_cut_none_comes_late_or_twice() {
    let world = World::default();
    world.put(&running("web-1"));
    let mut lines: Vec<String> = (1..=6).map(|n| stamped(5, n, &n.to_string())).collect();
    world.will_log("web-1/app", LogAnswer::Lines(lines.clone(), Then::Hang));
    lines.push(stamped(6, 0, "7"));
    world.will_log("web-1/app", LogAnswer::Lines(lines, Then::Hang));
    let silent = Limits { idle: Duration::from_millis(100), ..limits() };
    let mut look = look(world, LogQuery { tail: Some(2), ..one_pod() }, silent).await;
    look.until("the next second", |look| look.lines.iter().any(|line| &*line.text == "7")).await;
    assert_eq!(look.texts(), ["5", "6", "7"]);
}

#[tokio::test]
async fn a_server_that_asks_to_slow_down_is_not_asked_before() {
    for is_the_list in [false, true] {
        let world = World::default();
        world.put(&running("web-1"));
        let mut slower = scripted::status(429, "TooManyRequests", "slow down");
        slower.headers_mut().insert(http::header::RETRY_AFTER, 2_u32.into());
        if is_the_list {
            *world.refuse_list.lock().unwrap() = Some(slower);
        } else {
            *world.refuse_log.lock().unwrap() = Some(slower);
        }
        world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "up")], Then::Hang));
        let begun = SystemClock.now().mono;
        let mut look = look(world, one_pod(), limits()).await;
        assert_eq!(look.lines(1).await, ["up"]);
        assert!(SystemClock.now().since(begun) >= Duration::from_millis(1_900), "the list: {is_the_list}");
    }
}

const FLOOD: u64 = 8_000;
/// More than sockets and all room of a query can hold.
const GREAT_FLOOD: u64 = 14_000;
/// Turns without a piece, after which none comes any more.
const STILL: usize = 100;

/// Stamped ahead of now: they are live from the first on. More than sockets and the merge can hold.
fn flood(then: Then) -> World {
    flood_of(FLOOD, then)
}

fn flood_of(lines: u64, then: Then) -> World {
    let world = World::default();
    world.put(&running("web-1"));
    let long = "x".repeat(4_000);
    let lines = (0..lines).map(|n| format!("2999-01-02T03:04:05.{n:09}Z {n} {long}\n").into_bytes()).collect();
    world.will_log("web-1/app", LogAnswer::Bytes(lines, then));
    world
}

#[tokio::test]
async fn a_log_that_is_read_once_waits_for_a_slow_reader() {
    let query = LogQuery { follow: false, ..one_pod() };
    let mut look = look_through(flood(Then::End), query, Limits { channel: 1, ..limits() }, 1).await;
    // Long enough for more to come than is taken.
    let over = tokio::time::timeout(Duration::from_millis(300), &mut look.task).await;
    assert!(over.is_err(), "nobody took an answer");
    look.until("all lines or their number", |look| look.lines.len() as u64 + look.dropped == FLOOD).await;
    assert_eq!(look.dropped, 0);
}

#[tokio::test]
async fn lines_that_come_too_fast_are_dropped_and_counted() {
    let mut look = look_through(flood(Then::Hang), one_pod(), Limits { channel: 1, ..limits() }, 1).await;
    // Nobody takes an answer, and the container is read all the same.
    let served = look.world.served.clone();
    tokio::time::timeout(Duration::from_mins(1), served.notified()).await.expect("a slow reader holds nobody up");
    look.until("all lines or their number", |look| look.lines.len() as u64 + look.dropped == FLOOD).await;
    assert!(look.dropped > 0, "{} lines were kept", look.lines.len());
    assert!(look.lines.is_sorted_by_key(|line| line.at) && look.lines[0].text.starts_with("0 x"));
}

#[tokio::test]
async fn a_followed_log_that_is_to_be_kept_whole_holds_its_server_back() {
    let query = LogQuery { keeps_all: true, ..one_pod() };
    let limits = Limits { channel: 1, ..limits() };
    let mut look = look_through(flood_of(GREAT_FLOOD, Then::Hang), query, limits, 1).await;
    // Another request's way there and back gives server and reader their turns: they use none of so many.
    let (mut taken, mut unused) = (0, 0);
    while unused < STILL {
        look.fake.cluster.get::<Value>("/api/v1/namespaces/shop/pods/web-1").await.expect("it answers");
        assert!(!look.task.is_finished(), "the reader goes on");
        let now = look.world.taken.load(Ordering::SeqCst);
        unused = if now > 0 && now == taken { unused + 1 } else { 0 };
        taken = now;
    }
    assert!(taken < GREAT_FLOOD, "nobody took an answer, and all was read");
    assert_eq!(look.log_requests().len(), 1, "it is held back, not dead");
    look.until("all lines or their number", |look| look.lines.len() as u64 + look.dropped >= GREAT_FLOOD).await;
    assert_eq!(look.dropped, 0);
    let numbers = look.lines.iter().map(|line| line.text.split(' ').next().unwrap().parse::<u64>().unwrap());
    assert!(numbers.eq(0..GREAT_FLOOD), "each once, in order");
}
