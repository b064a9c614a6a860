//! The file: private, whole lines, one number each, also from several processes and after a crash.

mod processes;

use std::{io::Write as _, sync::Arc};

use super::*;
use crate::action::testing::{myapp, now, roll_back};

fn begun() -> Begun {
    Begun {
        actor: "ana".into(),
        login: "ana@laptop".into(),
        process: 4_000_000,
        version: "0.1.0".into(),
        request: roll_back(Some(13)),
        title: "ROLL BACK deploy/myapp 412 -> 411".into(),
        place: "prod-eu1/production".into(),
        cluster_id: Some("cluster-1".into()),
        production: true,
        risk: Risk::Production,
        reason: None,
        steps: vec!["keep evidence".into(), "template -> rev 13".into(), "watch".into()],
        warnings: vec!["LOOK B8 also undone: LOG_LEVEL".into()],
        kept: None,
        from_revision: Some("myapp-412".into()),
        to_revision: Some("myapp-411".into()),
        can_undo: true,
    }
}

fn audit() -> (tempfile::TempDir, Audit) {
    let directory = tempfile::tempdir().expect("a directory");
    let audit = Audit::new(directory.path().join("state/midwatch/audit.jsonl"));
    (directory, audit)
}

fn done(step: usize) -> Entry {
    Entry::Outcome { step, result: StepResult::Done, says: "now rev 15".into(), reference: None }
}

fn intended(step: usize) -> Entry {
    Entry::Intended { step, says: "template".into(), write: None }
}

#[test]
fn an_act_is_read_back_as_it_was_written() {
    let (_directory, audit) = audit();
    assert_eq!(audit.read().expect("no file is no record"), []);
    let at = now().wall;
    let number = audit.begin(at, |_| begun()).expect("written");
    audit.append(number, at, intended(1)).expect("written");
    audit.append(number, at, done(1)).expect("written");
    audit.append(number, at, Entry::Ended { outcome: Outcome::Done }).expect("written");
    audit.append(number, at, Entry::Watched { met: true, says: "10/10".into() }).expect("written");
    let acts = acts(&audit.read().expect("readable"));
    assert_eq!(acts.len(), 1);
    assert_eq!((acts[0].number, acts[0].outcome, acts[0].wrote), (1, Some(Outcome::Done), true));
    assert_eq!(acts[0].begun, begun());
    assert_eq!(acts[0].steps[1].1, StepState::Done("now rev 15".into()));
    assert_eq!(acts[0].steps[2].1, StepState::Done("10/10".into()));
    let shown = acts[0].shown(&begun().login, now().wall);
    assert!(shown.can_undo && !shown.is_mine && shown.word() == "done", "{shown:?}");
    assert_eq!(unfinished(&acts, |_| false).count(), 0);
}

#[test]
fn what_was_sent_and_not_watched_to_its_end_is_not_said_to_be_done() {
    let (_directory, audit) = audit();
    let at = now().wall;
    let number = audit.begin(at, |_| begun()).expect("written");
    for entry in [intended(1), done(1), Entry::Ended { outcome: Outcome::Done }] {
        audit.append(number, at, entry).expect("written");
    }
    let shown = || acts(&audit.read().expect("readable")).remove(0).shown(&begun().login, now().wall);
    let act = shown();
    assert_eq!((act.word(), act.outcome, act.can_undo), ("unwatched", Outcome::Done, true));
    let last = act.steps[2].1.clone();
    assert!(matches!(&last, StepState::Unknown(says) if says.starts_with("sent; its end was not watched")), "{last:?}");
    audit.append(number, at, Entry::Watched { met: false, says: "4/10".into() }).expect("written");
    assert_eq!((shown().word(), &shown().steps[2].1), ("not there", &StepState::Unknown("4/10".into())));
    audit.append(number, at, Entry::Watched { met: true, says: "10/10".into() }).expect("written");
    assert_eq!((shown().word(), &shown().steps[2].1), ("done", &StepState::Done("10/10".into())));
    // One without a watch is done with its last write.
    let number = audit.begin(at, |_| Begun { steps: vec!["cordon".into()], ..begun() }).expect("written");
    for entry in [intended(0), done(0), Entry::Ended { outcome: Outcome::Done }] {
        audit.append(number, at, entry).expect("written");
    }
    assert_eq!((shown().number, shown().word()), (2, "done"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, audit) = audit();
    let number = audit.begin(now().wall, |_| begun()).expect("written");
    audit.keep(number, &serde_json::json!({"password": "hunter22"})).expect("kept");
    audit.keep_evidence(number, "../../new-1.log", "exit 1").expect("kept");
    let beside = audit.path().parent().expect("has one").to_owned();
    for (path, mode) in [
        (audit.path().to_owned(), 0o600),
        (beside.clone(), 0o700),
        (beside.join("kept"), 0o700),
        (beside.join("kept/0001.json"), 0o600),
        (beside.join("evidence/0001/.._.._new-1.log"), 0o600),
    ] {
        let found = fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions();
        assert_eq!(found.mode() & 0o777, mode, "{}", path.display());
    }
    let text = fs::read_to_string(audit.path()).expect("readable");
    assert!(!text.contains("hunter22"));
    assert_eq!(audit.kept::<serde_json::Value>(1).expect("readable").expect("there")["password"], "hunter22");
    assert!(audit.kept::<serde_json::Value>(2).expect("readable").is_none());
}

#[cfg(unix)]
#[test]
fn one_that_others_could_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, audit) = audit();
    audit.begin(now().wall, |_| begun()).expect("written");
    fs::set_permissions(audit.path(), fs::Permissions::from_mode(0o644)).expect("ours");
    audit.append(1, now().wall, intended(1)).expect("written");
    assert_eq!(fs::metadata(audit.path()).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_line_torn_by_a_crash_is_passed_over_and_closed() {
    let (_directory, audit) = audit();
    let at = now().wall;
    audit.begin(at, |_| begun()).expect("written");
    audit.append(1, at, intended(1)).expect("written");
    // kill -9 in the middle of a write.
    let mut file = OpenOptions::new().append(true).open(audit.path()).expect("opens");
    file.write_all(br#"{"number":1,"at":"2026-01-10T03:14:"#).expect("written");
    drop(file);
    assert_eq!(audit.read().expect("readable").len(), 2);
    let number = audit.begin(at, |_| begun()).expect("written");
    assert_eq!(number, 2);
    let records = audit.read().expect("readable");
    assert_eq!(records.len(), 3);
    let acts = acts(&records);
    let left: Vec<_> = unfinished(&acts, |act| act.number == 2).map(PastAct::cut_off).collect();
    assert_eq!(left.len(), 1);
    assert!(left[0].contains("act 1") && left[0].contains("outcome is unknown"), "{}", left[0]);
    assert_eq!(acts[1].shown(&begun().login, now().wall).outcome, Outcome::Unknown);
}

#[test]
fn several_writers_never_share_a_number_or_a_line() {
    let (_directory, audit) = audit();
    let audit = Arc::new(audit);
    // Each opens the file by itself, as another process would: the lock is the file's.
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let audit = Audit::new(audit.path());
            std::thread::spawn(move || {
                (0..10)
                    .map(|_| {
                        let number = audit.begin(now().wall, |_| begun()).expect("written");
                        audit.append(number, now().wall, done(0)).expect("written");
                        number
                    })
                    .collect::<Vec<u64>>()
            })
        })
        .collect();
    let mut numbers: Vec<u64> = writers.into_iter().flat_map(|writer| writer.join().expect("no panic")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=80).collect::<Vec<u64>>());
    assert_eq!(audit.read().expect("readable").len(), 160);
}

#[test]
fn foreign_and_later_lines_do_no_harm() {
    let (_directory, audit) = audit();
    audit.begin(now().wall, |_| begun()).expect("written");
    let mut file = OpenOptions::new().append(true).open(audit.path()).expect("opens");
    file.write_all(b"\xff\xfe\n[]\n{\"number\":1,\"at\":\"2026-01-10T03:14:22Z\",\"record\":\"dreamt\",\"of\":3}\n")
        .expect("written");
    assert_eq!(audit.read().expect("readable").len(), 2);
    assert_eq!(audit.begin(now().wall, |_| begun()).expect("written"), 2);
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let blocked = directory.path().join("file");
    fs::write(&blocked, "").expect("written");
    let audit = Audit::new(blocked.join("audit.jsonl"));
    assert!(audit.check().is_err());
    assert!(audit.begin(now().wall, |_| begun()).is_err());
    let directory_instead = Audit::new(directory.path());
    assert!(directory_instead.begin(now().wall, |_| begun()).is_err());
    assert_eq!(myapp().to_string(), "deploy/myapp");
}
