use super::*;
use crate::{
    action::{
        Request,
        act::{ActionEvent, StepState, Unseen},
    },
    model::kubernetes::WorkloadKind,
    ui::testing::{World, at, workload_key},
};

fn act(number: u64, title: &str, outcome: Outcome, steps: &[(&str, StepState)]) -> Act {
    Act {
        switches: Vec::new(),
        away: None,
        left: None,
        unseen: None,
        number,
        request: Request::Restart { workload: workload_key(WorkloadKind::Deployment, "myapp") },
        title: title.into(),
        place: "prod-eu1/production".into(),
        actor: "ana".into(),
        started: at("03:00"),
        ended: (outcome != Outcome::Running).then(|| at("03:02")),
        steps: steps.iter().map(|(what, state)| ((*what).into(), state.clone())).collect(),
        outcome,
        reason: None,
        can_undo: outcome == Outcome::Done,
        cluster_id: None,
        is_mine: true,
    }
}

fn world() -> World {
    let mut world = World::live();
    let mut earlier = act(3, "scale deploy/web 4 -> 6", Outcome::Done, &[]);
    (earlier.is_mine, earlier.actor, earlier.started) =
        (false, "bob".into(), "2026-03-12T10:00:00Z".parse().expect("a time"));
    world
        .acts
        .apply(&ActionEvent::History { acts: vec![earlier], unfinished: vec!["act 2: restart deploy/api".into()] });
    let steps = [
        ("stop run #412", StepState::Done("cancelled".into())),
        ("template to rev 13", StepState::Done("now rev 15".into())),
        ("watch to 10/10", StepState::Unknown("the connection broke".into())),
    ];
    let mut unknown = act(8, "roll back deploy/myapp to 411", Outcome::Unknown, &steps);
    unknown.reason = Some("12 % of orders fail".into());
    world.acts.apply(&ActionEvent::Act(Box::new(unknown)));
    world.acts.apply(&ActionEvent::Act(Box::new(act(7, "restart deploy/myapp", Outcome::Done, &steps[..1]))));
    world
}

fn has(rows: &[String], words: &str) -> bool {
    rows.iter().any(|row| row.contains(words))
}

#[test]
fn one_whose_end_was_not_watched_is_not_said_to_be_done() {
    let mut world = world();
    let step = ("watch to 10/10", StepState::Unknown("sent; its end was not watched".into()));
    let unwatched =
        Act { unseen: Some(Unseen::Unwatched), ..act(9, "roll back deploy/myapp to 410", Outcome::Done, &[step]) };
    world.acts.apply(&ActionEvent::Act(Box::new(unwatched)));
    let rows = world.drawn(&mut Audit::default());
    assert!(rows.iter().any(|row| row.contains("0009") && row.contains("unwatched")), "{rows:#?}");
    let step = ("watch to 10/10", StepState::Refused("build #12 ended: FAILURE".into()));
    let failed =
        Act { unseen: Some(Unseen::NotThere), ..act(10, "roll back deploy/myapp to 409", Outcome::Done, &[step]) };
    world.acts.apply(&ActionEvent::Act(Box::new(failed)));
    let rows = world.drawn(&mut Audit::default());
    let is_bad = |row: &String| row.contains("0010") && row.contains("not there") && !row.contains(" ok ");
    assert!(rows.iter().any(is_bad), "{rows:#?}");
}

#[test]
fn acts_newest_first_with_their_steps() {
    let world = world();
    let mut audit = Audit::default();
    insta::assert_snapshot!(world.drawn(&mut audit).join("\n"), @r"
    += ACTS 3 =============================================================================================================+
    |          act  when          who           what                                where                     outcome      |
    |    ?? left unfinished: act 2: restart deploy/api                                                                     |
    | >  ??   0008  03:00         ana           roll back deploy/myapp to 411       prod-eu1/production       unknown      |
    |    ok   0007  03:00         ana           restart deploy/myapp                prod-eu1/production       done         |
    |    ok   0003  12 Mar 10:00  bob           scale deploy/web 4 -> 6             prod-eu1/production       done         |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    |                                                                                                                      |
    +======================================================================================================================+
    +- ACT 0008   roll back deploy/myapp to 411 ---------------------------------------------------------------------------+
    | sent     14 Mar 03:00:00Z, took 2m   ana                                                                             |
    | where    prod-eu1/production                                                                                         |
    | reason   12 % of orders fail                                                                                         |
    | ok  1  stop run #412   cancelled                                                                                     |
    | ok  2  template to rev 13   now rev 15                                                                               |
    | ??  3  watch to 10/10   the connection broke                                                                         |
    | It may have happened: U reads it again, and says what became of it.                                                  |
    +----------------------------------------------------------------------------------------------------------------------+
    ");
    audit.run(Command::Down, &world.view());
    assert_eq!(audit.selected(&world.view()), Some(Target::Act(7)));
    assert!(has(&world.drawn(&mut audit), "[U] undo: a plan"));
    audit.run(Command::Down, &world.view());
    let rows = world.drawn(&mut audit);
    assert!(has(&rows, "[U] undo: a plan") && has(&rows, "12 Mar 10:00"), "{rows:#?}");
}

#[test]
fn the_detail_scrolls_and_gives_the_keys_back() {
    let mut world = world();
    world.size = (80, 24);
    let mut audit = Audit::default();
    world.drawn(&mut audit);
    audit.run(Command::Enter, &world.view());
    audit.run(Command::Bottom, &world.view());
    assert_eq!(audit.selected(&world.view()), Some(Target::Act(8)));
    assert!(has(&world.drawn(&mut audit), "It may have happened"));
    let again = audit.run(Command::Enter, &world.view());
    assert!(matches!(again, Reply::Ask(Request::Undo { act: 8 })), "it is read again");
    assert!(matches!(audit.run(Command::Back, &world.view()), Reply::Done));
    assert!(matches!(audit.run(Command::Back, &world.view()), Reply::Ignored));
    assert!(audit.copied(&world.view()).expect("an act").contains("watch to 10/10"));
}

#[test]
fn filter_reveal_and_emptiness() {
    let world = world();
    let mut audit = Audit::default();
    world.drawn(&mut audit);
    audit.set_filter("unknown", &world.view());
    assert_eq!(audit.acts.items().count(), 1);
    assert!(audit.reveal(&Target::Act(3), &world.view()));
    assert_eq!(audit.selected(&world.view()), Some(Target::Act(3)));
    audit.set_filter("0003", &world.view());
    audit.set_filter("", &world.view());
    assert_eq!(audit.selected(&world.view()), Some(Target::Act(3)), "it is still there");
    let mut empty = World::live();
    assert!(has(&empty.drawn(&mut Audit::default()), "nothing was done with midwatch yet"));
    empty.settings.read_only = Some("--read-only".into());
    assert!(has(&empty.drawn(&mut Audit::default()), "nothing was done; read-only: --read-only"));
}

#[test]
fn what_sent_nothing_or_has_no_end_yet_took_no_time() {
    let line = |of: Act| {
        let mut world = World::live();
        world.acts.apply(&ActionEvent::Act(Box::new(of)));
        let rows = world.drawn(&mut Audit::default());
        rows.into_iter().find(|row| row.contains("14 Mar 03:00:00Z")).expect("when it was")
    };
    let step = ("template", StepState::Refused("'bob' changed it just now; nothing was sent".into()));
    let refused = line(act(4, "roll back deploy/myapp to 411", Outcome::Refused, &[step]));
    assert!(refused.contains("begun    14 Mar 03:00:00Z, refused after 2m   ana"), "{refused}");
    for unseen in [Unseen::Watching, Unseen::Unwatched] {
        let watched = line(Act { unseen: Some(unseen), ..act(4, "restart deploy/myapp", Outcome::Done, &[]) });
        assert!(watched.contains("sent     14 Mar 03:00:00Z   ana"), "{watched}");
    }
}

/// What needs little leaves its cells to what is cut.
#[test]
fn with_little_room_no_column_takes_more_than_it_needs() {
    let mut world = World::live();
    world.size = (80, 24);
    let silence = act(4, "SILENCE Crash", Outcome::Done, &[]);
    world.acts.apply(&ActionEvent::Act(Box::new(Act { place: "alertmanager-prod-eu1".into(), ..silence })));
    let rows = world.drawn(&mut Audit::default());
    assert!(has(&rows, "SILENCE Crash") && has(&rows, "  alertmanager-prod-eu1  done"), "{rows:#?}");
}
