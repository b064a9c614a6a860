//! What comes over the wire instead of plain lines, each from a real socket.

use std::time::Duration;

use super::{Limits, LogAnswer, LogQuery, Then, World, limits, look, one_pod, running, stamped};

fn one(answers: Vec<LogAnswer>) -> World {
    let world = World::default();
    world.put(&running("web-1"));
    for answer in answers {
        world.will_log("web-1/app", answer);
    }
    world
}

#[tokio::test]
async fn invalid_utf_8_costs_its_bytes_and_no_line() {
    let mut bytes = stamped(5, 1, "a\u{fc}").into_bytes();
    bytes.extend(b"\xff\xfe\xc3 end\n");
    bytes.extend(stamped(5, 2, "next\n").into_bytes());
    // Cut after each byte: a chunk ends anywhere.
    let pieces = bytes.iter().map(|byte| vec![*byte]).collect();
    let mut look = look(one(vec![LogAnswer::Bytes(pieces, Then::Hang)]), one_pod(), limits()).await;
    assert_eq!(look.lines(2).await, ["a\u{fc}\u{fffd}\u{fffd}\u{fffd} end", "next"]);
}

#[tokio::test]
async fn of_a_progress_bar_its_last_state_stays() {
    let bar: String = (0..=2_000).map(|n| format!("\r{n:>20} of 2000 done")).collect();
    let bytes = format!("{}{bar}\r\n{}\n", stamped(5, 1, ""), stamped(5, 2, "after"));
    let pieces = bytes.into_bytes().chunks(777).map(<[u8]>::to_vec).collect();
    let mut look = look(one(vec![LogAnswer::Bytes(pieces, Then::Hang)]), one_pod(), limits()).await;
    let lines = look.lines(2).await;
    assert_eq!((lines[0].trim(), lines[1].as_str()), ("2000 of 2000 done", "after"));
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_cut_said_and_followed_by_the_next() {
    let mut pieces = vec![stamped(5, 1, "begin ").into_bytes()];
    pieces.extend(std::iter::repeat_n(vec![b'x'; 8_192], 128));
    pieces.push(format!("\n{}\n", stamped(5, 2, "next")).into_bytes());
    let mut look = look(one(vec![LogAnswer::Bytes(pieces, Then::Hang)]), one_pod(), limits()).await;
    let lines = look.lines(2).await;
    assert!(lines[0].starts_with("begin xxx") && lines[0].ends_with(" bytes)"), "{}", lines[0].len());
    assert!(lines[0].len() < 20_000, "{}", lines[0].len());
    assert_eq!(lines[1], "next");
}

#[tokio::test]
async fn a_log_that_rotated_while_the_connection_was_broken_goes_on() {
    let line = |second, nanos: u32| stamped(second, nanos, &format!("{second}.{nanos}"));
    let mut look = look(
        one(vec![
            LogAnswer::Lines(vec![line(5, 1), line(5, 2), line(5, 3)], Then::Cut),
            // The newest file begins within the second that was being read.
            LogAnswer::Lines(vec![line(5, 3), line(5, 4), line(6, 1)], Then::Cut),
            // And the next one holds nothing of what was read.
            LogAnswer::Lines(vec![line(7, 1)], Then::Hang),
        ]),
        one_pod(),
        limits(),
    )
    .await;
    assert_eq!(look.lines(6).await, ["5.1", "5.2", "5.3", "5.4", "6.1", "7.1"]);
}

#[tokio::test]
async fn a_connection_that_went_dead_amid_a_line_is_opened_anew_and_the_line_comes_whole() {
    let whole = [stamped(5, 1, "first"), stamped(5, 2, "cut in two")];
    let begun = format!("{}\n{}", whole[0], &whole[1][..whole[1].len() - 4]);
    let mut look = look(
        one(vec![
            // No byte and no end: what a lost VPN looks like.
            LogAnswer::Bytes(vec![begun.into_bytes()], Then::Hang),
            LogAnswer::Lines(whole.to_vec(), Then::Hang),
        ]),
        one_pod(),
        Limits { idle: Duration::from_millis(100), ..limits() },
    )
    .await;
    assert_eq!(look.lines(2).await, ["first", "cut in two"]);
    assert_eq!(look.log_requests()[1].query("sinceTime"), Some("2026-01-02T03:04:05Z"));
}

#[tokio::test]
async fn an_error_with_status_200_is_said_where_a_log_is_read_once() {
    let body = b"unable to retrieve container logs for containerd://abc".to_vec();
    let world = one(vec![LogAnswer::Bytes(vec![body], Then::End)]);
    let mut look = look(world, LogQuery { follow: false, ..one_pod() }, limits()).await;
    assert_eq!(look.lines(1).await, ["container 'app' has no log left"]);
    assert!(look.lines[0].is_note);
}

#[tokio::test]
async fn what_was_logged_while_the_first_connection_was_dead_is_read_by_the_next() {
    let query = LogQuery { tail: Some(0), ..one_pod() };
    let world = one(vec![
        LogAnswer::Bytes(Vec::new(), Then::Hang),
        LogAnswer::Lines(vec![stamped(5, 1, "meanwhile")], Then::Hang),
    ]);
    let mut look = look(world, query, Limits { idle: Duration::from_millis(100), ..limits() }).await;
    assert_eq!(look.lines(1).await, ["meanwhile"]);
    let asked: Vec<_> = look
        .log_requests()
        .iter()
        .map(|asked| (asked.query("tailLines").map(str::to_owned), asked.query("sinceSeconds").map(str::to_owned)))
        .collect();
    assert_eq!(asked[0], (Some("0".to_owned()), None));
    assert!(asked[1].0.is_none() && asked[1].1.is_some(), "{asked:?}");
}
