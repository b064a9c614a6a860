use jiff::SignedDuration;

use super::*;
use crate::{
    model::code::{JobLog, Step},
    query::Answer,
    source::{Answered, ErrorKind, SourceError},
    ui::testing::{self, World, at},
};

fn job(run: &RunKey, id: u64, name: &str, state: RunState, steps: &[(&str, RunState)]) -> Job {
    let started = at("02:55");
    Job {
        key: JobKey { run: run.clone(), attempt: 1, id },
        name: name.into(),
        state,
        started: Some(started),
        completed: Some(started + SignedDuration::from_secs(90)),
        url: "https://x".into(),
        runner: None,
        steps: steps
            .iter()
            .enumerate()
            .map(|(index, (name, state))| Step {
                number: index as u32 + 1,
                name: (*name).into(),
                state: state.clone(),
                started: Some(started),
                completed: Some(started + SignedDuration::from_secs(30)),
            })
            .collect(),
    }
}

fn say(world: &mut World, query: Query, body: Result<Answer, SourceError>) {
    let now = crate::time::Clock::now(&world.clock);
    world.store.answer(Answered { query, generation: 1, at: now.wall, body }, now);
}

fn nightly() -> RunKey {
    RunKey { repo: testing::repo(), id: 1190 }
}

/// The nightly failed in its second job; its log has two errors.
fn story() -> (World, Pipelines) {
    let mut world = World::live();
    world.runs(vec![
        testing::run("deploy", 412, RunState::Running, true, "02:51"),
        testing::run("nightly-e2e", 1190, RunState::Failure, false, "01:02"),
        testing::run("ci", 5519, RunState::Success, false, "02:28"),
        testing::run("ci", 5518, RunState::Failure, false, "02:20"),
    ]);
    let failed = [("checkout", RunState::Success), ("run e2e", RunState::Failure), ("upload", RunState::Skipped)];
    let jobs = vec![
        job(&nightly(), 1, "build", RunState::Success, &[("compile", RunState::Success)]),
        job(&nightly(), 2, "e2e", RunState::Failure, &failed),
    ];
    say(&mut world, Query::Jobs(nightly()), Ok(Answer::Jobs(jobs)));
    let key = JobKey { run: nightly(), attempt: 1, id: 2 };
    let mut lines: Vec<Clean> = (0..60).map(|number| Clean::own(format!("line {number}"))).collect();
    lines[20] = "##[error]login.spec:88 expected 200, got 401".into();
    lines[50] = "##[error]exit code 1, token=abcdefghijkl".into();
    let log = JobLog { job: key.clone(), lines, errors: vec![20, 50], dropped_bytes: 0 };
    say(&mut world, Query::JobLog(key), Ok(Answer::JobLog(Box::new(log))));
    (world, Pipelines::default())
}

#[test]
fn trouble_stands_first_and_the_log_at_its_first_error() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    screen.run(Command::Down, &world.view());
    let rows = world.drawn(&mut screen);
    insta::assert_snapshot!(rows[..20].join("\n"), @r#"
    += PIPELINE RUNS   1 failing   1 running =============================================================== sort trouble =+
    |        repo        workflow        run     branch  commit   by     stage                               took  started |
    |    !!  myapp       deploy          #412    main    4c1f0aa  alice  [#######...] stuck in deploy         23m    02:51 |
    | >  !   myapp       nightly-e2e     #1190   main    4c1f0aa  alice  [#######...] deploy: failure          4m    01:02 |
    |    ok  myapp       ci              #5519   main    4c1f0aa  alice  [##########]                          4m    02:28 |
    |    !   myapp       ci              #5518   main    4c1f0aa  alice  [#######...] deploy: failure          4m    02:20 |
    |    JWT login                                                                                                         |
    +======================================================================================================================+
    +- LOG e2e ----------------------------------------------- error 1 of 2 -++- JOBS nightly-e2e #1190 --------- failure -+
    | line 16                                                                ||    ok  build               success     90s |
    | line 17                                                                || >  !!  e2e                 failure     90s |
    | line 18                                                                ||        ok  1 checkout  30s                 |
    | line 19                                                                ||        !!  2 run e2e  30s                  |
    | ##[error]login.spec:88 expected 200, got 401                           ||                                            |
    | line 21                                                                #|                                            |
    | line 22                                                                #|                                            |
    | line 23                                                                #|                                            |
    | line 24                                                                #|                                            |
    | line 25                                                                #|                                            |
    | line 26                                                                #|                                            |
    "#);
}

#[test]
fn a_deploy_says_what_running_it_again_means() {
    let (world, mut screen) = story();
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("re-running deploys again"), "{rows}");
    assert!(rows.contains("stuck in deploy"), "{rows}");
}

#[test]
fn n_goes_from_error_to_error() {
    let (world, mut screen) = story();
    screen.sync(&world.view(), Changes::ALL);
    assert!(screen.reveal(&Target::Run(nightly()), &world.view()));
    assert!(world.drawn(&mut screen).join("\n").contains("error 1 of 2"));
    screen.run(Command::NextMatch, &world.view());
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("error 2 of 2") && rows.contains("token=[masked]"), "{rows}");
    screen.run(Command::NextMatch, &world.view());
    assert!(world.drawn(&mut screen).join("\n").contains("error 1 of 2"));
    screen.run(Command::Enter, &world.view());
    assert_eq!(screen.selected(&world.view()).map(|target| target.to_string()), Some("job 2 in acme/myapp".into()));
    screen.run(Command::Enter, &world.view());
    screen.set_filter("line 4", &world.view());
    assert!(screen.copied(&world.view()).is_some_and(|line| line == "line 40"));
    for _ in 0..3 {
        screen.run(Command::Back, &world.view());
    }
    assert!(matches!(screen.run(Command::Back, &world.view()), Reply::Ignored));
}

#[test]
fn jobs_are_asked_for_when_the_cursor_rests() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    assert_eq!(screen.wanted(&world.view()).len(), 1, "the run at the top, at once; it has no failed job");
    screen.run(Command::Down, &world.view());
    assert!(screen.wanted(&world.view()).is_empty());
    world.clock.advance(REST);
    let wanted = screen.wanted(&world.view());
    assert_eq!(wanted.len(), 2, "its jobs, and the log of the one that failed: {wanted:?}");
}

#[test]
fn at_80_columns_one_pane_at_a_time() {
    let (mut world, mut screen) = story();
    world.size = (80, 24);
    world.drawn(&mut screen);
    assert!(screen.wanted(&world.view()).is_empty(), "nobody looks at jobs");
    screen.run(Command::Down, &world.view());
    screen.run(Command::Enter, &world.view());
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("JOBS nightly-e2e #1190") && rows.contains("run e2e") && !rows.contains("upload"), "{rows}");
    screen.run(Command::Enter, &world.view());
    assert!(world.drawn(&mut screen).join("\n").contains("login.spec:88"));
}

#[test]
fn errors_are_never_an_empty_pane() {
    let mut screen = Pipelines::default();
    let mut world = World::new();
    assert!(world.drawn(&mut screen).join("\n").contains("loading"));
    world.fail(&testing::github(), "GitHub refused the token (401)");
    assert!(world.drawn(&mut screen).join("\n").contains("GitHub refused the token (401)"));
    let (mut world, mut screen) = story();
    let run = RunKey { repo: testing::repo(), id: 412 };
    world.drawn(&mut screen);
    say(&mut world, Query::Jobs(run), Err(SourceError::new(ErrorKind::Unreachable, "no answer")));
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("?? no answer"), "{rows}");
}

#[test]
fn sorting_and_filters() {
    let (world, mut screen) = story();
    let order = |screen: &Pipelines| screen.runs.items().map(|key| key.id).collect::<Vec<_>>();
    world.drawn(&mut screen);
    assert_eq!(order(&screen), [412, 1190, 5519, 5518], "a failure before a success is history");
    screen.run(Command::SortNext, &world.view());
    assert_eq!(order(&screen), [412, 5519, 5518, 1190]);
    screen.run(Command::UndoLocal, &world.view());
    assert_eq!(order(&screen), [412, 1190, 5519, 5518]);
    screen.run(Command::SortNext, &world.view());
    screen.set_filter("nightly", &world.view());
    assert_eq!(order(&screen), [1190]);
    screen.set_filter("", &world.view());
    assert_eq!(screen.runs.selected(), Some(&nightly()), "it is still there");
    screen.set_filter("nothing", &world.view());
    assert!(world.drawn(&mut screen).join("\n").contains("nothing matches 'nothing'"));
    assert!(screen.reveal(&Target::Run(nightly()), &world.view()), "a filter gives way");
    screen.run(Command::UndoLocal, &world.view());
    assert_eq!(order(&screen), [412, 1190, 5519, 5518], "and is not what is taken back then: the order is");
}
