use super::*;
use crate::{
    model::{
        Quota,
        code::{ChangedFile, Check, Checks, MergeState, Need, PullRequestDetail, Review, ReviewDecision, RunState},
    },
    query::Answer,
    source::{Answered, ErrorKind, Fact, SourceError},
    ui::testing::{self, World, at, pull_request},
};

fn say(world: &mut World, query: Query, body: Result<Answer, SourceError>) {
    let now = crate::time::Clock::now(&world.clock);
    world.store.answer(Answered { query, generation: 1, at: now.wall, body }, now);
}

fn detail(key: &PullRequestKey) -> PullRequestDetail {
    let file = |path: &str, mark, additions, deletions| ChangedFile {
        path: path.into(),
        mark,
        additions,
        deletions,
        patch: None,
    };
    let check = |name: &str, state| Check { name: name.into(), state, url: None };
    PullRequestDetail {
        key: key.clone(),
        head_sha: "aa11bb22".into(),
        body: Clean::block("Raises the pool.\n\nSee token=abcdefghijkl"),
        merge: MergeState::Blocked,
        files: vec![file("src/pool.rs", 'M', 12, 3), file("tests/pool.rs", 'A', 140, 0)],
        files_truncated: false,
        checks: vec![check("lint", RunState::Success), check("e2e", RunState::Failure)],
        reviews: vec![Review {
            author: "carol".into(),
            state: "approved".into(),
            body: "fine".into(),
            at: Some(at("03:00")),
        }],
        comments: Vec::new(),
    }
}

fn story() -> (World, PullRequests) {
    let mut world = World::live();
    let mut failing = pull_request(1488, "search: cache keys", None);
    failing.checks = Checks { passed: 8, failed: 3, running: 0, exist: true, is_readable: true };
    failing.author = "carol".into();
    let mut ready = pull_request(1479, "bump libpq 16.2", Some(Need::MineReady));
    ready.checks = Checks { passed: 14, failed: 0, running: 0, exist: true, is_readable: true };
    (ready.merge, ready.review, ready.approvals) = (MergeState::Ready, ReviewDecision::Approved, 1);
    let mut unreadable = pull_request(1481, "docs: runbook typo", None);
    (unreadable.checks, unreadable.review) = (Checks::default(), ReviewDecision::None);
    let mut merged = pull_request(1487, "feat: JWT login", None);
    merged.merged = Some(at("02:44"));
    let mut old = pull_request(1400, "long ago", None);
    old.merged = "2026-03-12T10:00:00Z".parse().ok();
    let wants_me = pull_request(1490, "fix: pool size to 80", Some(Need::Review));
    let key = wants_me.key.clone();
    world.pull_requests(vec![failing, ready, unreadable, merged, old, wants_me]);
    let quota = Quota { resource: "graphql".into(), limit: 5_000, remaining: 4_388, resets: at("03:55") };
    world.say(&testing::github(), crate::model::Part::PullRequests, vec![Fact::Quota(quota)]);
    say(&mut world, Query::PullRequest(key.clone()), Ok(Answer::PullRequest(Box::new(detail(&key)))));
    (world, PullRequests::default())
}

#[test]
fn what_needs_me_stands_first() {
    let (world, mut screen) = story();
    let rows = world.drawn(&mut screen);
    insta::assert_snapshot!(rows[..28].join("\n"), @r#"
    += PULL REQUESTS   2 need you   2 others ================================================================== sort need =+
    |            #  title                               author      checks      review        merge         age  repo      |
    | -- NEEDS YOU ------------------------------------------------------------------------------------------------------- |
    | >  ~    1490  fix: pool size to 80                bob         9/11        asks you      blocked        3h  myapp     |
    |    ok   1479  bump libpq 16.2                     bob         14/14       1 approved    ready          3h  myapp     |
    | -- OTHERS ---------------------------------------------------------------------------------------------------------- |
    |    ??   1481  docs: runbook typo                  bob         ??          -             blocked        3h  myapp     |
    |    !    1488  search: cache keys                  carol       8/11 3 red  required      blocked        3h  myapp     |
    | -- MERGED within a day --------------------------------------------------------------------------------------------- |
    |         1487  feat: JWT login                     bob         9/11        -             merged        30m  myapp     |
    +======================================================================================================================+
    +- #1490 fix: pool size to 80   bob   2 files +12 -3   aa11bb2 ----------++- REQUESTS LEFT ----------------------------+
    | branch -> main   checks 9/11   asks you   blocked                      || github.com                                 |
    | checks failing                                                         ||    graphql  4,388 of 5,000  resets 40m     |
    |   !! e2e    failure                                                    ||    pull requests  now, every 15s           |
    |                                                                        ||    runs  now, every 15s                    |
    | files                                                                  ||                                            |
    |   M src/pool.rs     +12     -3                                         ||                                            |
    |   A tests/pool.rs  +140                                                ||                                            |
    |                                                                        ||                                            |
    | reviews                                                                ||                                            |
    |   carol approved  14m ago  fine                                        ||                                            |
    |                                                                        ||                                            |
    | text                                                                   ||                                            |
    |   Raises the pool.                                                     ||                                            |
    |                                                                        ||                                            |
    |   See token=[masked]                                                   ||                                            |
    |                                                                        ||                                            |
    "#);
}

#[test]
fn the_detail_is_asked_for_when_the_cursor_rests() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    assert_eq!(screen.wanted(&world.view()).len(), 1);
    screen.run(Command::Down, &world.view());
    assert!(screen.wanted(&world.view()).is_empty());
    world.clock.advance(REST);
    assert_eq!(screen.wanted(&world.view()).len(), 1);
    assert!(world.drawn(&mut screen).join("\n").contains("loading"));
}

#[test]
fn narrow_form_is_mark_number_title_checks_and_why() {
    let (mut world, mut screen) = story();
    let mut conflicts = pull_request(644, "cart: keep coupon on reload", None);
    (conflicts.merge, conflicts.review) = (MergeState::Conflicts, ReviewDecision::ChangesRequested);
    let mut changes = pull_request(645, "cart: tax", None);
    changes.review = ReviewDecision::ChangesRequested;
    let mut all: Vec<_> = world.store.pull_requests.values().cloned().collect();
    all.extend([conflicts, changes]);
    world.pull_requests(all);
    world.size = (80, 24);
    let rows = world.drawn(&mut screen);
    assert!(rows.iter().any(|row| row.contains("~    1490  fix: pool size to 80")), "{rows:#?}");
    for (number, why) in [("1490", "asks you"), (" 644", "conflicts"), (" 645", "changes")] {
        let row = rows.iter().find(|row| row.contains(number)).expect(number);
        assert!(row.contains(why), "{row}");
    }
    assert!(!rows.join("").contains("blocked"));
    screen.run(Command::Enter, &world.view());
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("e2e    failure") && rows.contains("blocked") && rows.contains("src/pool.rs"), "{rows}");
    assert!(!rows.contains("abcdefghijkl"));
    assert!(matches!(screen.run(Command::Back, &world.view()), Reply::Done));
    assert!(matches!(screen.run(Command::Back, &world.view()), Reply::Ignored));
}

#[test]
fn errors_are_said_where_data_would_stand() {
    let mut screen = PullRequests::default();
    let mut world = World::new();
    assert!(world.drawn(&mut screen).join("\n").contains("loading"));
    world.fail(&testing::github(), "GitHub refused the token (401)");
    assert!(world.drawn(&mut screen).join("\n").contains("GitHub refused the token (401)"));
    world = World::live();
    assert!(world.drawn(&mut screen).join("\n").contains("no open pull requests"));
    let (mut world, mut screen) = story();
    world.drawn(&mut screen);
    let key = screen.list.selected().cloned().expect("a row");
    say(&mut world, Query::PullRequest(key), Err(SourceError::new(ErrorKind::Unreachable, "cut off")));
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("cut off") && rows.contains("src/pool.rs"), "old data stays, marked: {rows}");
}

#[test]
fn filters_and_reveal() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    screen.set_filter("-l author=carol", &world.view());
    assert_eq!(screen.list.items().map(|key| key.number).collect::<Vec<_>>(), [1488]);
    screen.set_filter("", &world.view());
    assert_eq!(screen.list.selected().map(|key| key.number), Some(1488), "it is still there");
    screen.set_filter("-l author=carol", &world.view());
    let target = Target::PullRequest(PullRequestKey { repo: testing::repo(), number: 1479 });
    assert!(screen.reveal(&target, &world.view()));
    assert_eq!(screen.selected(&world.view()), Some(target));
}
