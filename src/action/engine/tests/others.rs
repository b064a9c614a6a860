//! Acts that another midwatch on the same audit file begins.

use super::*;

/// How many acts a history tells of.
async fn told_acts(bench: &mut Bench) -> usize {
    loop {
        if let ActionEvent::History { acts, .. } = bench.news.recv().await.expect("told") {
            return acts.len();
        }
    }
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
    while told_acts(&mut bench).await < 2 {}
    begin_as_another(&bench, &begun);
    while told_acts(&mut bench).await < 3 {}
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
    assert_eq!(told_acts(&mut bench).await, 1);
    begin_as_another(&bench, &begun);
    bench.engine.look_again();
    while told_acts(&mut bench).await < 2 {}
}
