//! A slow reader of `midwatch logs`: it is waited for, and nothing else is.

use std::{process::ChildStdout, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use super::*;

/// More than a pipe holds.
const ARGS: [&str; 11] =
    ["logs", "deploy/payments", "deploy/myapp", "-n", "production", "--since", "1h", "--tail", "-1", "-o", "json"];
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

#[test]
fn every_line_reaches_a_slow_reader_of_what_is_followed() {
    let bench = Bench::still();
    let mut whole: Vec<String> =
        String::from_utf8(bench.run(&ARGS).stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(whole.iter().map(String::len).sum::<usize>() > 200_000, "{} lines", whole.len());
    let mut child = bench.command(&[&ARGS[..], &["-f"]].concat()).stdout(Stdio::piped()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    wait_until_full(&out);
    let mut lines: Vec<String> = BufReader::new(out).lines().map(Result::unwrap).take(whole.len()).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "its reader is gone");
    lines.sort_unstable();
    whole.sort_unstable();
    assert!(lines == whole, "{} lines of {}", lines.len(), whole.len());
}

#[test]
fn a_signal_or_a_closed_pipe_ends_it_while_nobody_reads() {
    let bench = Bench::still();
    for more in [&["-f"][..], &[]] {
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
