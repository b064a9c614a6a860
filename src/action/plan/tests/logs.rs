//! B2 where readiness tells nothing: what both versions log.

use std::sync::Arc;

use super::*;
use crate::{
    model::{
        kubernetes::ObjectKey,
        log::{LogLevel, LogLine, Origin},
    },
    query::{LogBatch, LogQuery, LogTarget},
    store::logs::LogBuffer,
};

/// So many lines of a version, every `nth` of which is an error with these words.
fn lines(tag: &str, count: usize, nth: usize, error: &str) -> Vec<LogLine> {
    let pod = ObjectKey { cluster: cluster(), namespace: "production".into(), name: "p".into() };
    let origin = Arc::new(Origin::new(pod, "app".into(), tag.into()));
    let line = |number: usize| {
        let is_error = number.is_multiple_of(nth);
        LogLine {
            origin: origin.clone(),
            at: ago(1),
            level: Some(if is_error { LogLevel::Error } else { LogLevel::Info }),
            text: if is_error { error.into() } else { "GET /a 200".into() },
            continues: false,
            is_note: false,
        }
    };
    (1..=count).map(line).collect()
}

/// The plan, where all pods are ready and this log is read.
fn plan_beside(lines: Vec<LogLine>) -> Plan {
    let mut found = inspection();
    found.pods.retain(|pod| pod.is_ready);
    let mut log = LogBuffer::new(1 << 20);
    log.take_in(LogBatch { lines, ..LogBatch::default() }, now());
    let mut known = store(Vec::new());
    known.logs.insert(LogQuery::of(LogTarget::Workload(myapp())), log);
    let evidence = evidence(&roll_back(None), found);
    plan(&roll_back(None), &evidence, &known, &settings(), now()).expect("a plan")
}

fn b2(lines: Vec<LogLine>) -> CheckResult {
    result(&plan_beside(lines), "B2").clone()
}

fn of_both(new: Vec<LogLine>, old: Vec<LogLine>) -> CheckResult {
    b2(new.into_iter().chain(old).collect())
}

#[test]
fn errors_of_the_live_version_alone_are_its_own() {
    let found = of_both(lines("412", 500, 10, "verify failed for 17"), lines("411", 500, 501, ""));
    let CheckResult::Ok(says) = &found else { panic!("{found:?}") };
    assert_eq!(
        says,
        "the trouble is the live version's: errors per 1,000 lines: 412 100, 411 never; 412 alone writes 'verify failed for <*>', 50 times"
    );
}

#[test]
fn versions_that_fail_alike_stop() {
    let found = of_both(lines("412", 500, 20, "no route to db"), lines("411", 500, 25, "no route to db"));
    let CheckResult::Stop(says) = &found else { panic!("{found:?}") };
    assert_eq!(says, "both versions fail alike: errors per 1,000 lines: 412 50, 411 40");
}

#[test]
fn a_new_error_is_said_though_it_is_rare() {
    let found = of_both(lines("412", 500, 250, "verify failed"), lines("411", 500, 250, "late"));
    let CheckResult::Look(says) = &found else { panic!("{found:?}") };
    assert!(says.ends_with("ready; the target's: 4 of 4; 412 alone writes 'verify failed', 2 times"), "{says}");
}

/// Few lines, few errors, or none of the other version.
#[test]
fn a_log_that_tells_nothing_leaves_what_readiness_tells() {
    let quiet = b2(Vec::new());
    assert!(matches!(quiet, CheckResult::NotChecked(_)), "{quiet:?}");
    let every_day = of_both(lines("412", 500, 250, "late"), lines("411", 500, 250, "late"));
    assert_eq!(every_day, quiet);
    let one_each = of_both(lines("412", 100, 100, "late"), lines("411", 100, 100, "late"));
    assert_eq!(one_each, quiet, "one error is no rate");
    let three = of_both(lines("412", 100, 30, "late"), lines("411", 100, 100, "late"));
    assert_eq!(three, quiet);
    assert_eq!(of_both(lines("412", 50, 2, "boom"), lines("411", 50, 51, "")), quiet);
    assert_eq!(of_both(lines("412", 500, 2, "boom"), lines("410", 500, 501, "")), quiet, "it is not the target");
    assert_eq!(b2(lines("412", 500, 2, "boom")), quiet);
}

/// The log streams in while one looks.
#[test]
fn rates_that_move_do_not_refuse_a_confirm_and_a_stop_does() {
    let with_old = |old: Vec<LogLine>| {
        let new = lines("412", 500, 10, "verify failed");
        plan_beside(new.into_iter().chain(old).collect())
    };
    let (shown, quiet) = (with_old(lines("411", 500, 501, "")), plan_beside(Vec::new()));
    let later = with_old(lines("411", 500, 15, "late"));
    assert!(matches!(result(&shown, "B2"), CheckResult::Ok(_)), "{:?}", result(&shown, "B2"));
    assert!(matches!(result(&later, "B2"), CheckResult::Look(_)), "{:?}", result(&later, "B2"));
    assert_eq!((shown.moved_to(&later), quiet.moved_to(&later)), (None, None));
    let alike = with_old(lines("411", 500, 15, "verify failed"));
    assert!(stop(&alike, "B2").contains("fail alike"));
    assert!(shown.moved_to(&alike).is_some());
}
