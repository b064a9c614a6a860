//! Acts that another midwatch on the same audit file begins.

use super::*;

/// The next event that `pick` takes; a test that waits in vain fails.
async fn next<T>(bench: &mut Bench, mut pick: impl FnMut(ActionEvent) -> Option<T>) -> T {
    let picked = async {
        loop {
            if let Some(picked) = pick(bench.news.recv().await.expect("the engine lives")) {
                return picked;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), picked).await.expect("it is told within 20 s")
}

/// Waits for a history of so many acts.
async fn until_told(bench: &mut Bench, count: usize) {
    next(bench, |event| match event {
        ActionEvent::History { acts, .. } if acts.len() == count => Some(()),
        _ => None,
    })
    .await;
}

/// As by another midwatch on the same file, beside one that has nothing under way.
fn begin_as_another(bench: &Bench, begun: &audit::Begun) {
    let begun = audit::Begun { process: 4_000_000, ..begun.clone() };
    let number = bench.engine.0.audit.begin(now().wall, |_| begun).expect("written");
    let ended = Entry::Ended { outcome: Outcome::Refused };
    bench.engine.0.audit.append(number, now().wall, ended).expect("written");
}

#[tokio::test]
async fn acts_that_others_begin_later_are_told_too() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let begun = audit::acts(&bench.records())[0].begun.clone();
    begin_as_another(&bench, &begun);
    bench.engine.tell_history();
    until_told(&mut bench, 2).await;
    begin_as_another(&bench, &begun);
    until_told(&mut bench, 3).await;
}

/// `r`, where the next look of its own is far.
#[tokio::test]
async fn the_audit_is_read_at_once_when_that_is_wanted() {
    let mut bench = Bench::new();
    bench.act(&roll_back(None)).await.expect("carried out");
    let begun = audit::acts(&bench.records())[0].begun.clone();
    let pace = Pace { poll: Duration::from_hours(1), ..bench.engine.0.pace };
    let (to, news) = mpsc::channel(1_000);
    let audit = Audit::new(bench.engine.0.audit.path());
    let clock = Arc::new(TestClock::at(now().wall));
    bench.engine = RealEngine::new(audit, clock, Arc::new(to), Identity::default(), pace);
    bench.news = news;
    bench.engine.tell_history();
    until_told(&mut bench, 1).await;
    begin_as_another(&bench, &begun);
    bench.engine.look_again();
    until_told(&mut bench, 2).await;
}

/// Between its first record and the first news of it.
#[tokio::test]
async fn what_this_process_begins_is_not_read_as_cut_off() {
    let mut other = Bench::new();
    other.act(&roll_back(None)).await.expect("carried out");
    let begun = audit::acts(&other.records())[0].begun.clone();
    let mut bench = Bench::new();
    bench.engine.tell_history();
    until_told(&mut bench, 0).await;
    let own = begun.clone();
    bench.engine.0.audit.begin(now().wall, |_| own).expect("written");
    begin_as_another(&bench, &begun);
    let first = next(&mut bench, |event| match event {
        ActionEvent::History { acts, .. } => Some(acts),
        _ => None,
    })
    .await;
    assert_eq!(first.iter().map(|act| act.number).collect::<Vec<_>>(), [2], "{first:?}");
}

#[tokio::test]
async fn an_audit_that_cannot_be_read_is_said_once_and_to_who_asks() {
    let mut bench = Bench::with(FakeCluster::new(inspection()), "within/audit.jsonl");
    let unread = |event: ActionEvent| match event {
        ActionEvent::Unread(says) => Some(says),
        _ => None,
    };
    bench.engine.tell_history();
    until_told(&mut bench, 0).await;
    let in_the_way = bench.directory.path().join("within");
    std::fs::write(&in_the_way, "a file").expect("written");
    let says = next(&mut bench, unread).await;
    assert!(says.starts_with("the audit could not be read: '") && says.contains("audit.jsonl"), "{says}");
    bench.engine.look_again();
    assert_eq!(next(&mut bench, unread).await, says);
    // It is looked at again and again meanwhile.
    let mut other = Bench::new();
    other.act(&roll_back(None)).await.expect("carried out");
    std::fs::remove_file(&in_the_way).expect("removed");
    begin_as_another(&bench, &audit::acts(&other.records())[0].begun);
    let mut more = 0;
    next(&mut bench, |event| match event {
        ActionEvent::Unread(_) => {
            more += 1;
            None
        }
        ActionEvent::History { acts, .. } => (acts.len() == 1).then_some(()),
        _ => None,
    })
    .await;
    assert_eq!(more, 0);
}
