//! What holds between processes: this test program runs parts of itself again, as the other ones.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

use super::*;

/// Where the other process finds the file.
const PATH: &str = "MIDWATCH_TEST_AUDIT";
const ACTS: u64 = 40;

/// A process that runs this part, up to where it says that it is ready.
fn process(part: &str, audit: &Audit) -> Child {
    let (_, module) = module_path!().split_once("::").expect("inside a crate");
    let mut child = Command::new(std::env::current_exe().expect("has a path"))
        .args(["--exact", "--ignored", "--nocapture", &format!("{module}::{part}")])
        .env(PATH, audit.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.as_mut().expect("piped")).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.ends_with(READY));
    assert!(ready, "'{part}' ended early: {:?}", child.wait());
    child
}

const READY: &str = "ready";

fn say_ready() {
    writeln!(io::stdout(), "{READY}").expect("somebody reads");
}

/// Until the other side says or closes something.
fn wait_for_a_line() {
    io::stdin().read_line(&mut String::new()).expect("readable");
}

fn own_act() -> Begun {
    Begun { process: std::process::id(), ..begun() }
}

#[test]
#[ignore = "a part of the tests below, run in a process of its own"]
fn writes_acts() {
    let audit = Audit::new(std::env::var_os(PATH).expect("run by the tests below"));
    say_ready();
    wait_for_a_line();
    for _ in 0..ACTS {
        let number = audit.begin(now().wall, |_| own_act()).expect("written");
        for entry in [intended(1), done(1), Entry::Ended { outcome: Outcome::Done }] {
            audit.append(number, now().wall, entry).expect("written");
        }
    }
}

#[test]
#[ignore = "a part of the tests below, run in a process of its own"]
fn is_killed_while_it_sends() {
    let audit = Audit::new(std::env::var_os(PATH).expect("run by the tests below"));
    let number = audit.begin(now().wall, |_| own_act()).expect("written");
    audit.append(number, now().wall, intended(1)).expect("written");
    say_ready();
    wait_for_a_line();
    audit.append(number, now().wall, done(1)).expect("written");
}

#[test]
#[ignore = "a part of the tests below, run in a process of its own"]
fn is_killed_while_it_watches() {
    let audit = Audit::new(std::env::var_os(PATH).expect("run by the tests below"));
    let number = audit.begin(now().wall, |_| own_act()).expect("written");
    for entry in [intended(1), done(1), Entry::Ended { outcome: Outcome::Done }] {
        audit.append(number, now().wall, entry).expect("written");
    }
    say_ready();
    wait_for_a_line();
}

#[test]
fn processes_that_write_at_once_lose_and_tear_nothing() {
    let (_directory, audit) = audit();
    let mut writers: Vec<Child> = (0..3).map(|_| process("writes_acts", &audit)).collect();
    for writer in &mut writers {
        writer.stdin.take().expect("piped").write_all(b"go\n").expect("it waits for it");
    }
    for writer in &mut writers {
        assert!(writer.wait().expect("was started").success());
    }
    let text = fs::read_to_string(audit.path()).expect("readable");
    let records = audit.read().expect("readable");
    assert_eq!(records.len(), text.lines().count(), "a line is torn");
    assert_eq!(records.len() as u64, 3 * ACTS * 4);
    let acts = acts(&records);
    let numbers: Vec<u64> = acts.iter().rev().map(|act| act.number).collect();
    assert_eq!(numbers, (1..=3 * ACTS).collect::<Vec<_>>(), "each number is given once");
    assert!(acts.iter().all(|act| act.outcome == Some(Outcome::Done)), "each end belongs to its act");
    for writer in writers {
        let own = acts.iter().filter(|act| act.begun.process == writer.id()).count();
        assert_eq!(own as u64, ACTS);
    }
}

#[cfg(unix)]
#[test]
fn what_was_being_sent_at_kill_9_is_listed_at_the_next_start() {
    let (_directory, audit) = audit();
    let left = || {
        let acts = acts(&audit.read().expect("readable"));
        unfinished(&acts, |act| is_alive(act, &begun().login, now().wall)).map(PastAct::cut_off).collect::<Vec<_>>()
    };
    let mut other = process("is_killed_while_it_sends", &audit);
    assert_eq!(left(), [] as [Clean; 0], "it is still at it");
    let shown = || acts(&audit.read().expect("readable")).remove(0).shown(&begun().login, now().wall);
    assert_eq!(shown().word(), "running", "not one to be looked at");
    // SIGKILL, and the process is gone.
    other.kill().expect("it runs");
    other.wait().expect("was started");
    assert_eq!(shown().word(), "unknown");
    let left = left();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("act 1") && left[0].contains("'template -> rev 13' was being sent"), "{left:?}");
    assert_eq!(audit.begin(now().wall, |_| begun()).expect("the lock went with the process"), 2);
}

#[cfg(unix)]
#[test]
fn what_was_watched_at_kill_9_is_unwatched_from_then_on() {
    let (_directory, audit) = audit();
    let shown_at = |at| acts(&audit.read().expect("readable")).remove(0).shown(&begun().login, at);
    let shown = || shown_at(now().wall);
    let mut other = process("is_killed_while_it_watches", &audit);
    let act = shown();
    assert_eq!(act.word(), "watching");
    let says = format!("process {} is watching it", other.id());
    assert_eq!(act.steps[2].1, StepState::Running(Clean::own(says)));
    let next_month = now().wall + jiff::SignedDuration::from_hours(24 * 30);
    assert_eq!(shown_at(next_month).word(), "unwatched", "its number went to another process");
    other.kill().expect("it runs");
    other.wait().expect("was started");
    assert_eq!(shown().word(), "unwatched");
}
