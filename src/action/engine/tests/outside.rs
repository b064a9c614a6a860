//! What a program that a row was handed to says of itself.

use super::*;

fn handed_over() -> Outside {
    Outside {
        backend: None,
        title: "RUN debug on pod myapp-1".into(),
        place: "prod-eu1/production".into(),
        production: false,
        says: "debug myapp-1".into(),
    }
}

/// The last news of an act, and what the next start reads of it.
async fn run(bench: &mut Bench, ends: Ended) -> [Act; 2] {
    bench.engine.audited(handed_over(), false, async move { ends }).await.expect("the audit can be written");
    let here = loop {
        if let Some(ActionEvent::Act(act)) = bench.news.recv().await
            && act.outcome != Outcome::Running
        {
            break *act;
        }
    };
    let read = audit::acts(&bench.records()).remove(0).shown(&"ana@laptop".into(), now().wall);
    [here, read]
}

#[tokio::test]
async fn a_program_that_ends_badly_is_not_said_to_have_done_it() {
    let mut bench = Bench::new();
    for act in run(&mut bench, Ended::Badly("exit status 1".into())).await {
        assert_eq!(act.word(), "failed", "{act:?}");
        assert_eq!(act.steps[0].1, StepState::Refused("exit status 1".into()), "with its status");
        assert_ne!(act.outcome, Outcome::Refused, "what it did until then is done: U means no older act");
    }
    for act in run(&mut bench, Ended::Done("exit status 0".into())).await {
        assert_eq!((act.word(), &act.steps[0].1), ("done", &StepState::Done("exit status 0".into())));
    }
}
