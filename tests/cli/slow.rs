//! A slow reader of `midwatch logs`: it is waited for, and nothing else is.

use std::{process::ChildStdout, thread, time::Duration};

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

use super::*;

/// More than a pipe holds.
const ARGS: [&str; 8] = ["logs", "deploy/payments", "-n", "production", "-o", "json", "--tail", "-1"];
/// A pipe holds 64 KiB; with as much in it there is no room for the next batch.
const FULL: u64 = 60_000;

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("waited in vain for {what}");
}

fn wait_until_full(pipe: &ChildStdout) {
    until("a full pipe", || rustix::io::ioctl_fionread(pipe).unwrap() >= FULL);
}

fn at(line: &str) -> Timestamp {
    serde_json::from_str::<Value>(line).unwrap()["at"].as_str().unwrap().parse().unwrap()
}

#[test]
fn every_line_reaches_a_slow_reader_of_what_is_followed() {
    let bench = Bench::still();
    let output = bench.run(&[&ARGS[..], &["--since", "20m"]].concat());
    let mut whole: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    // The world moves on a little.
    let (from, until) = (at(&whole[whole.len() / 4]), at(&whole[whole.len() - 20]));
    whole.retain(|line| at(line) >= from);
    assert!(whole.iter().map(String::len).sum::<usize>() > 200_000, "{} lines", whole.len());
    let since = from.to_string();
    let args = [&ARGS[..], &["-f", "--since-time", &since]].concat();
    let mut child = bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    wait_until_full(&out);
    let mut lines: Vec<String> = BufReader::new(out).lines().map(Result::unwrap).take(whole.len()).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "its reader is gone");
    for read in [&mut lines, &mut whole] {
        read.retain(|line| at(line) <= until);
        read.sort_unstable();
    }
    assert!(lines == whole, "{} lines of {}", lines.len(), whole.len());
}

#[test]
fn a_signal_or_a_closed_pipe_ends_it_while_nobody_reads() {
    let bench = Bench::still();
    for more in [&["--since", "10m", "-f"][..], &["--since", "10m"]] {
        for signal in [Some(Signal::INT), None] {
            let args = [&ARGS[..], more].concat();
            let mut child = bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut out = child.stdout.take();
            wait_until_full(out.as_ref().unwrap());
            match signal {
                Some(signal) => kill_process(Pid::from_child(&child), signal).unwrap(),
                None => out = None,
            }
            until("its end", || child.try_wait().unwrap().is_some());
            assert_eq!(child.wait().unwrap().code(), Some(0), "{more:?} {signal:?}");
            drop(out);
        }
    }
}
