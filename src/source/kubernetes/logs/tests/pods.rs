//! Which pods are followed, and how their changes are seen.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::json;

use super::{
    Limits, LogAnswer, LogQuery, Then, World, limits, look, one_pod, pod, running, scripted, stamped, workload,
};
use crate::source::ErrorKind;

#[tokio::test]
async fn pods_of_a_workload_are_merged_by_time_and_new_ones_join() {
    let world = World::default();
    world.put(&running("web-1"));
    world.put(&running("web-2"));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(1, 0, "a"), stamped(3, 0, "c")], Then::Hang));
    world.will_log("web-2/app", LogAnswer::Lines(vec![stamped(2, 0, "b"), stamped(4, 0, "d")], Then::Hang));
    world.will_log("web-3/app", LogAnswer::Lines(vec![stamped(5, 0, "e")], Then::Hang));
    let mut look = look(world, workload(), limits()).await;
    assert_eq!(look.lines(4).await, ["a", "b", "c", "d"]);
    let list = look.fake.asked_with("GET", "/pods").into_iter().find(|asked| asked.path.ends_with("/pods")).unwrap();
    assert_eq!(list.query("labelSelector"), Some("app=web"));
    look.world.put(&pod("web-3", None, &json!({"waiting": {"reason": "ContainerCreating"}})));
    look.until("a third wanted", |look| look.last.wanted == 3).await;
    assert_eq!(look.last.troubles, ["pod 'web-3': container 'app' has not started: ContainerCreating"]);
    look.world.put(&running("web-3"));
    look.until("a third open", |look| look.last.open == 3 && look.last.troubles.is_empty()).await;
    assert_eq!(look.lines(5).await.last().unwrap(), "e");
    let third = look.log_requests().into_iter().find(|asked| asked.path.contains("web-3")).unwrap();
    assert_eq!(third.query("tailLines"), None, "a new pod is read from its beginning");
    look.world.tell(&json!({"type": "DELETED", "object": running("web-1")}));
    look.until("two wanted", |look| look.last.wanted == 2).await;
}

#[tokio::test]
async fn what_has_ended_is_told_from_what_is_not_read_yet() {
    let world = World::default();
    world.put(&running("web-1"));
    world.put(&pod("web-2", Some("containerd://1"), &json!({"terminated": {"exitCode": 1}})));
    world.put(&pod("web-3", None, &json!({"waiting": {"reason": "ContainerCreating"}})));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(1, 0, "a")], Then::Hang));
    world.will_log("web-2/app", LogAnswer::Lines(vec![stamped(2, 0, "bye")], Then::End));
    let mut look = look(world, workload(), limits()).await;
    assert_eq!(look.lines(2).await, ["a", "bye"]);
    let counts = |look: &super::Look| (look.last.open, look.last.ended, look.last.wanted);
    look.until("one ended", |look| counts(look) == (1, 1, 3)).await;
}

/// Only what is still to be read holds the first line back.
#[tokio::test]
async fn what_has_ended_is_not_waited_for_and_nor_is_what_is_refused() {
    let world = World::default();
    for name in ["web-1", "web-3"] {
        world.put(&running(name));
    }
    world.put(&pod("web-2", Some("containerd://1"), &json!({"terminated": {"exitCode": 1}})));
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(1, 0, "a")], Then::Hang));
    world.will_log("web-2/app", LogAnswer::Lines(vec![stamped(2, 0, "bye")], Then::End));
    let refusal = "container \"app\" in pod \"web-3\" is waiting to start: ContainerCreating";
    world.will_log("web-3/app", LogAnswer::Status(400, refusal));
    let mut look = look(world, workload(), Limits { settle: Duration::from_hours(1), ..limits() }).await;
    assert_eq!(look.lines(2).await, ["a", "bye"]);
}

#[tokio::test]
async fn all_that_was_logged_before_is_here_when_that_is_said() {
    let world = World::default();
    for name in ["web-1", "web-2"] {
        world.put(&running(name));
        let lines = (0..1_200).map(|n| stamped(5, n, &n.to_string())).collect();
        world.will_log(&format!("{name}/app"), LogAnswer::Lines(lines, Then::Hang));
    }
    // No pause of a busy machine is taken for the end of what was logged.
    let patient = Limits { quiet: Duration::from_secs(1), ..limits() };
    let mut look = look(world, LogQuery { tail: None, ..workload() }, patient).await;
    look.until("it is said", |look| look.last.has_caught_up).await;
    assert_eq!(look.lines.len(), 2_400, "it comes in several batches");
}

#[tokio::test]
async fn pods_are_listed_in_pages() {
    let world = World { page: 2, ..World::default() };
    (1..=5).for_each(|number| world.put(&running(&format!("web-{number}"))));
    let mut look = look(world, workload(), limits()).await;
    look.until("all five", |look| look.last.open == 5 && look.last.wanted == 5).await;
    let lists = look.fake.asked_with("GET", "/pods").into_iter().filter(|asked| asked.query("limit").is_some());
    let pages: Vec<_> = lists.map(|asked| asked.query("continue").map(str::to_owned)).collect();
    assert_eq!(pages, [None, Some("2".to_owned()), Some("4".to_owned())]);
}

#[tokio::test]
async fn a_list_that_expires_between_its_pages_is_begun_again() {
    let world = World { page: 2, ..World::default() };
    (1..=3).for_each(|number| world.put(&running(&format!("web-{number}"))));
    *world.expire_page.lock().unwrap() = true;
    let mut look = look(world, workload(), limits()).await;
    look.until("all three", |look| look.last.open == 3).await;
    assert!(look.error.is_none() && look.last.troubles.is_empty());
}

#[tokio::test]
async fn pods_of_a_log_that_is_read_once_are_asked_for_three_times() {
    let world = World::default();
    world.is_down.store(true, Ordering::SeqCst);
    let mut look = look(world, LogQuery { follow: false, ..workload() }, limits()).await;
    (&mut look.task).await.unwrap();
    let lists = look.fake.asked_with("GET", "/pods").into_iter().filter(|asked| asked.path.ends_with("/pods"));
    assert_eq!(lists.count(), 3);
    let mut says = Vec::new();
    while let Ok(answer) = look.answers.try_recv() {
        says.push(answer.body.unwrap_err().says.to_string());
    }
    assert!(says.len() == 3 && says[2].contains("etcd is away"), "{says:?}");

    // One that is followed waits for as long as it takes.
    let world = World::default();
    world.put(&running("web-1"));
    world.is_down.store(true, Ordering::SeqCst);
    let mut look = self::look(world, workload(), limits()).await;
    for _ in 0..4 {
        look.error = None;
        look.until("a failure", |look| look.error.is_some()).await;
    }
    look.world.is_down.store(false, Ordering::SeqCst);
    look.until("its stream", |look| look.last.open == 1).await;
}

#[tokio::test]
async fn no_right_to_list_is_an_error_for_a_workload_and_a_detour_for_a_pod() {
    let forbidden =
        || scripted::status(403, "Forbidden", "pods is forbidden: User \"jo\" cannot list resource \"pods\"");
    let world = World::default();
    *world.refuse_list.lock().unwrap() = Some(forbidden());
    let mut look = look(world, workload(), limits()).await;
    look.until("the error", |look| look.error.is_some()).await;
    let error = look.error.clone().unwrap();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.says.contains("cannot list resource"), "{error}");

    let world = World::default();
    world.put(&running("web-1"));
    *world.refuse_list.lock().unwrap() = Some(forbidden());
    world.will_log("web-1/app", LogAnswer::Lines(vec![stamped(5, 1, "a")], Then::Hang));
    let mut look = self::look(world, one_pod(), limits()).await;
    assert_eq!(look.lines(1).await, ["a"]);
}

#[tokio::test]
async fn a_pod_that_is_not_there_is_said() {
    let mut look = look(World::default(), one_pod(), limits()).await;
    look.until("a word", |look| !look.last.troubles.is_empty()).await;
    assert_eq!(look.last.troubles, ["pod 'web-1' is gone, and its logs with it"]);
    look.world.put(&running("web-1"));
    look.until("its stream", |look| look.last.open == 1 && look.last.troubles.is_empty()).await;
}

#[tokio::test]
async fn a_broken_watch_goes_on_without_a_new_list() {
    let world = World::default();
    world.put(&running("web-1"));
    let mut look = look(world, workload(), Limits { poll: Duration::from_millis(200), ..limits() }).await;
    look.until("the first", |look| look.last.open == 1 && !look.world.watches.lock().unwrap().is_empty()).await;
    look.world.put(&running("web-2"));
    look.until("the second", |look| look.last.wanted == 2).await;
    look.world.break_watches();
    look.until("a word of it", |look| look.last.troubles.iter().any(|says| says.contains("new pods are not seen")))
        .await;
    look.until("its end", |look| look.last.troubles.is_empty()).await;
    look.world.put(&running("web-3"));
    look.until("the third", |look| look.last.wanted == 3).await;
    let lists = look.fake.asked_with("GET", "/pods").into_iter().filter(|asked| asked.path.ends_with("/pods"));
    let (watches, lists): (Vec<_>, Vec<_>) = lists.partition(|asked| asked.query("watch").is_some());
    assert_eq!(lists.len(), 1);
    assert_eq!(watches.last().unwrap().query("resourceVersion"), Some("2"));
}

#[tokio::test]
async fn an_expired_watch_lists_again() {
    let world = World::default();
    world.put(&running("web-1"));
    let mut look = look(world, workload(), limits()).await;
    look.until("the first", |look| look.last.open == 1 && !look.world.watches.lock().unwrap().is_empty()).await;
    look.world.pods.lock().unwrap().push(running("web-2"));
    look.world.tell(&json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}));
    look.until("the second", |look| look.last.wanted == 2).await;
    assert!(look.last.troubles.is_empty(), "{:?}", look.last.troubles);
}

#[tokio::test]
async fn where_listing_does_not_help_it_is_not_listed_again_and_again() {
    let world = World::default();
    world.put(&running("web-1"));
    world.is_forgetful.store(true, Ordering::SeqCst);
    let mut look = look(world, workload(), Limits { poll: Duration::from_mins(5), ..limits() }).await;
    look.until("a word of it", |look| look.last.troubles.iter().any(|says| says.contains("new pods are not seen")))
        .await;
    let pods = look.fake.asked_with("GET", "/pods").into_iter().filter(|asked| asked.path.ends_with("/pods"));
    let (watches, lists): (Vec<_>, Vec<_>) = pods.partition(|asked| asked.query("watch").is_some());
    assert_eq!((lists.len(), watches.len()), (2, 2));
}

#[tokio::test]
async fn what_starts_while_we_look_is_read_from_its_beginning() {
    let world = World::default();
    world.put(&pod("web-1", None, &json!({"waiting": {"reason": "ContainerCreating"}})));
    let lines: Vec<String> = (1..=5).map(|n| stamped(5, n, &n.to_string())).collect();
    world.will_log("web-1/app", LogAnswer::Lines(lines, Then::Hang));
    let mut look = look(world, LogQuery { tail: Some(2), ..one_pod() }, limits()).await;
    look.until("it is waited for", |look| look.last.wanted == 1).await;
    look.world.put(&running("web-1"));
    assert_eq!(look.lines(5).await, ["1", "2", "3", "4", "5"]);
    assert_eq!(look.log_requests()[0].query("tailLines"), None);
}
