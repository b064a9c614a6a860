//! Acts that a crash cut off between what was sent and its answer: their undo reads again what became of it.

use super::{lost::Failing, *};

const UNDO: Request = Request::Undo { act: 1 };

/// A rollback that arrived, with a file that ends where it was sent: by this process.
async fn cut_off(process: u32) -> Bench {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let path = bench.directory.path().join("audit.jsonl");
    let text = std::fs::read_to_string(&path).expect("readable");
    let (own, other) = (format!("\"process\":{}", std::process::id()), format!("\"process\":{process}"));
    let sent = text.lines().position(|line| line.contains("\"record\":\"intended\"")).expect("it was sent");
    let lines: Vec<String> = text.lines().take(sent + 1).map(|line| line.replace(&own, &other)).collect();
    std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    bench
}

fn sent(plan: &Plan) -> String {
    let names: Vec<&str> = plan.facts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["OF", "SENT", "FROM", "TO"]);
    plan.facts[1].1.to_string()
}

#[tokio::test]
async fn what_is_in_force_is_undone_as_if_it_had_been_answered() {
    let mut bench = cut_off(4_000_000).await;
    let past = audit::acts(&bench.records()).remove(0).shown(&"ana@laptop".into(), now().wall);
    assert_eq!((past.outcome, past.can_undo), (Outcome::Unknown, true), "U asks it");
    let plan = bench.plan(&UNDO).await.expect("a plan");
    assert_eq!(plan.title, "UNDO act 1: deploy/myapp 411 -> 412");
    let says = sent(&plan);
    assert!(says.ends_with("had no answer; read again just now: the template is in force"), "{says}");
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    assert!(template::is_same(&bench.cluster.with(|c| c.found.template.clone()), &template_of("412", "1Gi", "warn")));
}

#[tokio::test]
async fn what_did_not_arrive_is_said_and_nothing_is_planned() {
    let mut bench = cut_off(4_000_000).await;
    bench.cluster.with(|cluster| cluster.become_template(template_of("412", "1Gi", "warn")));
    let says = bench.plan(&UNDO).await.expect_err("nothing to undo");
    assert!(says.starts_with("act 1 'ROLL BACK deploy/myapp") && says.contains("left nothing to undo"), "{says}");
    assert!(says.ends_with("the template is not in force. It did not arrive, or was taken back since"), "{says}");
}

/// Nobody will write the rest of it: it is a hand to look at, not one to wait for.
#[cfg(unix)]
#[tokio::test]
async fn what_a_dead_process_left_is_not_waited_for() {
    for (process, is_waited_for) in [(std::os::unix::process::parent_id(), true), (4_000_000, false)] {
        let mut bench = cut_off(process).await;
        let plan = bench.plan(&Request::Restart { workload: myapp() }).await.expect("a plan");
        let hands = plan.checks.iter().find(|check| check.id == *"B5").expect("it is asked");
        let is_stop = matches!(&hands.result, CheckResult::Stop(says) if says.contains("not all of it is written yet"));
        assert_eq!(is_stop, is_waited_for, "{hands:?}");
        let (_, then) = plan.facts.iter().find(|(name, _)| *name == *"THEN").expect("it is said");
        assert_eq!(then.starts_with("411 once act 1 has written it"), is_waited_for, "{then}");
    }
}

/// Some of it may be in force: whether the live state is what it leaves tells.
#[tokio::test]
async fn what_arrived_and_failed_can_be_undone() {
    let mut bench = cut_off(4_000_000).await;
    bench.engine.add_operator(Arc::new(Failing(bench.cluster.clone())));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    assert_eq!(plan.title, "UNDO act 1: deploy/myapp 411 -> 412");
    let says = sent(&plan);
    assert!(says.contains("had no answer; read again just now: it failed: it failed, sent "), "{says}");
}

#[tokio::test]
async fn what_cannot_be_known_is_said_with_why() {
    let mut bench = cut_off(4_000_000).await;
    bench.engine.remove(&cluster());
    bench.engine.add_inspector(Arc::new(bench.cluster.clone()));
    let says = sent(&bench.plan(&UNDO).await.expect("a plan"));
    assert!(says.contains("whether it arrived cannot be known: what writes to '"), "{says}");
    // Nor is it what the act leaves: why that is so is not known either.
    bench.cluster.with(|cluster| cluster.found.template = template_of("413", "1Gi", "warn"));
    let says = bench.plan(&UNDO).await.expect_err("refused");
    assert!(says.contains("not as act 1 left it") && says.contains("cannot be known"), "{says}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_another_process_still_sends_is_not_undone_under_its_hands() {
    let process = std::os::unix::process::parent_id();
    let says = cut_off(process).await.plan(&UNDO).await.expect_err("it goes on");
    assert!(says.ends_with(&format!("goes on in process {process}: wait for its end")), "{says}");
}

#[cfg(unix)]
async fn told(bench: &mut Bench) -> Act {
    loop {
        if let ActionEvent::History { mut acts, .. } = bench.news.recv().await.expect("told") {
            return acts.remove(0);
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_another_process_still_sends_runs_until_its_end_is_read() {
    let mut bench = cut_off(std::os::unix::process::parent_id()).await;
    bench.engine.tell_history();
    let act = told(&mut bench).await;
    assert_eq!((act.word(), act.is_mine), ("running", false));
    let ended = Entry::Ended { outcome: Outcome::Done };
    bench.engine.0.audit.append(act.number, now().wall, ended).expect("written");
    assert_eq!(told(&mut bench).await.word(), "watching");
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_took_the_number_of_a_dead_one_holds_no_undo_up() {
    let mut bench = cut_off(std::os::unix::process::parent_id()).await;
    let path = bench.directory.path().join("audit.jsonl");
    let text = std::fs::read_to_string(&path).expect("readable");
    let last_month = now().wall - jiff::SignedDuration::from_hours(24 * 30);
    std::fs::write(&path, text.replace(&now().wall.to_string(), &last_month.to_string())).expect("written");
    let says = sent(&bench.plan(&UNDO).await.expect("a plan"));
    assert!(says.ends_with("read again just now: the template is in force"), "{says}");
}
