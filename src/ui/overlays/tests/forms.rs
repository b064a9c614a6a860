//! Forms and questions: what they ask for, and what they refuse.

use super::*;
use crate::action::SilenceDraft;

#[test]
fn quit_names_what_goes_on_and_needs_a_y() {
    let world = incident();
    let mut overlay = quit();
    assert!(text(&world, &mut *overlay).contains("Quit midwatch?"));
    assert!(matches!(press(&world, &mut *overlay, KeyCode::Enter).as_slice(), [Reply::Done]));
    let replies = press(&world, &mut *overlay, KeyCode::Char('y'));
    assert!(matches!(replies.as_slice(), [Reply::Do(crate::app::Effect::Quit)]));
}

#[test]
fn a_silence_is_exact_shows_what_it_holds_and_can_be_widened() {
    let world = incident();
    let mut overlay = silence_form(&world);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains(r#"[x] alertname="HighErrorRate""#) && frame.contains("matches 1 alert now:"), "{frame}");
    assert!(frame.contains("[1h]"), "{frame}");
    let replies = press(&world, &mut *overlay, KeyCode::Char('y'));
    let Request::Silence(SilenceDraft { backend, matchers, minutes, comment }) = asked(&replies) else {
        panic!("a silence")
    };
    assert_eq!((backend, *minutes, matchers.len()), (&alertmanager(), 60, 2));
    assert!(comment.contains("ana"), "{comment}");

    press(&world, &mut *overlay, KeyCode::Char(' '));
    press(&world, &mut *overlay, KeyCode::Down);
    press(&world, &mut *overlay, KeyCode::Char(' '));
    assert!(said(&press(&world, &mut *overlay, KeyCode::Char('y'))).contains("at least one"));
    assert!(text(&world, &mut *overlay).contains("matches nothing now"));
}

#[test]
fn in_the_comment_y_is_a_letter_and_a_paste_is_text() {
    let world = incident();
    let mut overlay = silence_form(&world);
    world.overlay(&mut *overlay);
    overlay.paste("y");
    press(&world, &mut *overlay, KeyCode::Tab);
    press(&world, &mut *overlay, KeyCode::Right);
    press(&world, &mut *overlay, KeyCode::Tab);
    assert!(matches!(press(&world, &mut *overlay, KeyCode::Char('y')).as_slice(), [Reply::Done]));
    overlay.paste("\nq");
    press(&world, &mut *overlay, KeyCode::Tab);
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    let Request::Silence(draft) = asked(&replies) else { panic!("a silence") };
    assert!(draft.comment.ends_with("y q"), "{}", draft.comment);
    assert_eq!(draft.minutes, 240);
}

#[test]
fn a_comment_is_lines_and_is_not_lost_by_one_key() {
    let world = incident();
    let mut overlay = comment(&pull_request_of(&world), None);
    world.overlay(&mut *overlay);
    typed(&world, &mut *overlay, "first");
    press(&world, &mut *overlay, KeyCode::Enter);
    overlay.paste("second y");
    press(&world, &mut *overlay, KeyCode::Esc);
    assert!(text(&world, &mut *overlay).contains("Throw this text away?"));
    press(&world, &mut *overlay, KeyCode::Char('n'));
    press(&world, &mut *overlay, KeyCode::Tab);
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(matches!(asked(&replies), Request::Comment { body, .. } if body == "first\nsecond y"));
}

#[test]
fn changes_are_asked_for_with_words_and_at_the_head_seen() {
    let world = incident();
    let mut overlay = comment(&pull_request_of(&world), Some(Verdict::RequestChanges));
    world.overlay(&mut *overlay);
    press(&world, &mut *overlay, KeyCode::Tab);
    assert!(said(&press(&world, &mut *overlay, KeyCode::Enter)).contains("write something"));
    press(&world, &mut *overlay, KeyCode::Tab);
    typed(&world, &mut *overlay, "no");
    press(&world, &mut *overlay, KeyCode::Tab);
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(
        matches!(asked(&replies), Request::Review { head_sha, verdict: Verdict::RequestChanges, .. } if *head_sha == "aa11bb22")
    );
}

#[test]
fn scale_replaces_the_number_and_knows_the_present_one() {
    let world = incident();
    let mut overlay = scale(myapp(), 10);
    assert!(text(&world, &mut *overlay).contains("now 10 wanted, 8 ready"));
    assert!(said(&press(&world, &mut *overlay, KeyCode::Enter)).contains("10 already"));
    typed(&world, &mut *overlay, "x0");
    assert!(text(&world, &mut *overlay).contains("nothing will serve"));
    press(&world, &mut *overlay, KeyCode::Up);
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(matches!(asked(&replies), Request::Scale { replicas: 1, .. }));
}

/// What sets its own number is known before one is typed.
#[test]
fn scale_names_the_autoscaler_of_this_workload() {
    use crate::model::kubernetes::{
        resource::Resource,
        table::{CellKind, ObjectTable, TableColumn, TableRow},
    };
    let mut world = incident();
    let mut form = scale(myapp(), 10);
    let query = form.wanted(&world.view()).remove(0);
    let Query::Table(asked) = &query else { panic!("{query:?}") };
    let own: &[Name] = &["production".into()];
    assert_eq!((&asked.resource, &*asked.namespaces), (&Resource::autoscalers(), own));
    let columns = ["Name", "Reference", "MinPods", "MaxPods"];
    let columns = columns.map(|name| TableColumn { name: name.into(), is_wide: false, kind: CellKind::default() });
    let row = |name: &str, of: &str| TableRow {
        namespace: "production".into(),
        name: name.into(),
        uid: "u".into(),
        created: None,
        owner: None,
        labels: Box::default(),
        cells: Box::new([name.into(), of.into(), "4".into(), "12".into()]),
        printed: None,
        bounds: None,
    };
    let rows = [row("other", "Deployment/web"), row("own", "Deployment/myapp"), row("set", "StatefulSet/myapp")];
    let rows = rows.map(std::sync::Arc::new).to_vec();
    let table = ObjectTable { columns: columns.to_vec(), rows, is_complete: true, ..ObjectTable::default() };
    assert!(!text(&world, &mut *form).contains("autoscaler"));
    answer(&mut world, query, Answer::Table(std::sync::Arc::new(table)));
    let frame = text(&world, &mut *form);
    assert!(frame.contains("autoscaler 'own' keeps 4 to 12, and sets its own number"), "{frame}");
}

/// The number is decided by the use, also where no column of the screen shows it; a slip costs no page.
#[test]
fn limits_read_the_use_themselves_and_refuse_what_is_no_amount() {
    let mut world = incident();
    let containers = Box::new([crate::ui::testing::running("app")]);
    let pod = crate::model::kubernetes::Pod { containers, ..crate::ui::testing::pod("myapp-6d5c9", "live", None) };
    world.pods([pod.clone()]);
    world.size = (80, 24);
    let mut form = limits(vec![Whose::Template(myapp())], &[&pod]);
    let usage = Query::Usage(crate::query::UsageQuery { cluster: cluster(), namespace: "production".into() });
    assert_eq!(form.wanted(&world.view()), [usage]);
    for (typed_in, says) in [
        ("banana", "'banana' is no amount of memory: write it as 512Mi or 2Gi"),
        ("500m", "'500m' is no amount of memory: write it as 512Mi or 2Gi"),
        ("cpu=2x", "'2x' is no amount of cpu: write it as 500m or 2"),
    ] {
        form.paste(typed_in);
        assert!(matches!(press(&world, &mut *form, KeyCode::Enter).as_slice(), [Reply::Done]), "it stays open");
        let frame = text(&world, &mut *form);
        assert!(frame.contains(says) && frame.contains(typed_in), "{frame}");
    }
    let endless = "9".repeat(60) + "banana";
    form.paste(&endless);
    press(&world, &mut *form, KeyCode::Enter);
    let frame = text(&world, &mut *form);
    assert!(frame.contains("no amount of memory: write it as 512Mi or 2Gi"), "its end is on a row of its own: {frame}");
    form.paste("cpu=500m");
    assert!(matches!(asked(&press(&world, &mut *form, KeyCode::Enter)), Request::Limits { .. }));
}

/// What is used after a restart is no peak.
#[test]
fn limits_tell_the_use_of_now_from_the_kill() {
    let mut world = incident();
    let mut app = crate::ui::testing::running("app");
    app.memory_limit = Some(2 << 30);
    app.last = Some(crate::model::kubernetes::Termination {
        reason: "OOMKilled".into(),
        exit_code: 137,
        signal: None,
        message: None,
        started: None,
        finished: Some(at("03:09")),
    });
    let containers = Box::new([app]);
    let pod = crate::model::kubernetes::Pod { containers, ..crate::ui::testing::pod("myapp-6d5c9", "live", None) };
    world.pods([pod.clone()]);
    world.size = (80, 24);
    let mut form = limits(vec![Whose::Template(myapp())], &[&pod]);
    let query = form.wanted(&world.view()).remove(0);
    let used = crate::model::kubernetes::table::Amount { cpu_millis: 1, memory_bytes: 983 << 20 };
    let used = [((pod.key.namespace.clone(), pod.key.name.clone()), used)].into_iter().collect();
    answer(&mut world, query, Answer::Usage(std::sync::Arc::new(used)));
    let frame = text(&world, &mut *form);
    assert!(frame.contains("memory limit 2Gi, uses 983Mi now; OOMKilled 5m22s ago"), "{frame}");
}

#[test]
fn a_rollback_for_an_alert_preselects_nothing() {
    let world = incident();
    let workload = world.store.kube.workloads.get(&myapp()).expect("listed");
    let mut overlay = choose_rollback(&alert_of(&world), workload);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("ROLL BACK FOR HighErrorRate: deploy/myapp?"), "{frame}");
    assert!(frame.contains("deployed 2m before it began"), "{frame}");
    assert!(frame.contains("PROD prod-eu1/production"), "not cut beside free columns: {frame}");
    assert!(said(&press(&world, &mut *overlay, KeyCode::Enter)).contains("choose one first"));
    press(&world, &mut *overlay, KeyCode::Char('j'));
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(matches!(asked(&replies), Request::RollBack { workload, to: None, alert } if *workload == myapp()
        && alert.as_ref() == Some(&alert_of(&world).key)));
}

#[test]
fn a_rerun_of_a_deploy_says_that_it_deploys() {
    let world = incident();
    let mut overlay = rerun(&run_of(&world, 412));
    assert!(text(&world, &mut *overlay).contains("deploys 4c1f0aa2b7 of main again"));
    let mut overlay = rerun(&run_of(&world, 1190));
    assert!(!text(&world, &mut *overlay).contains("deploys"));
    press(&world, &mut *overlay, KeyCode::Char('2'));
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(matches!(asked(&replies), Request::Rerun { only_failed: false, attempt: 1, .. }));
}

#[test]
fn a_merge_says_what_blocks_and_keeps_to_the_head_seen() {
    let mut world = incident();
    let mut pr = pull_request_of(&world);
    pr.merge = MergeState::Behind;
    world.pull_requests(vec![pr.clone()]);
    let detail = PullRequestDetail {
        key: pr.key.clone(),
        head_sha: "ffff0000".into(),
        body: Clean::default(),
        merge: MergeState::Behind,
        files: Vec::new(),
        files_truncated: false,
        checks: vec![Check { name: "e2e".into(), state: RunState::Failure, url: None }],
        reviews: Vec::new(),
        comments: Vec::new(),
    };
    answer(&mut world, Query::PullRequest(pr.key.clone()), Answer::PullRequest(Box::new(detail)));
    let mut overlay = merge(&pr);
    let frame = text(&world, &mut *overlay);
    for words in ["behind its base", "check e2e: failure", "the head has moved to ffff0000", "2 checks still running"] {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(
        matches!(asked(&replies), Request::Merge { head_sha, method: MergeMethod::Squash, .. } if *head_sha == "aa11bb22")
    );
}

#[test]
fn production_is_read_on_the_forward_that_would_be_stopped() {
    use crate::{
        model::forward::{Forward, ForwardAsk, ForwardTo},
        ui::{
            theme::{Background, ColourDepth, GlyphSet, Theme, ThemeChoice},
            widgets::cells::rows_of,
        },
    };
    let mut world = incident();
    let ask = ForwardAsk { to: ForwardTo::Workload(myapp()), or: None, local: Some(8080), remote: None };
    world.forwards = vec![Forward::new(1, ask.clone()), Forward::new(2, ask)];
    for (choice, background) in [
        (ThemeChoice::Light, Background::Light),
        (ThemeChoice::Dark, Background::Dark),
        (ThemeChoice::Colourblind, Background::Light),
    ] {
        world.theme = Theme::new(choice, background, ColourDepth::True, GlyphSet::Ascii);
        let area = Rect::new(0, 0, 120, 35);
        let mut buf = Buffer::empty(area);
        forwards().render(&world.view(), area, &mut buf);
        let rows = rows_of(&buf);
        let badges: Vec<(usize, usize)> =
            rows.iter().enumerate().filter_map(|(y, row)| Some((row.find("PROD prod-eu1/")?, y))).collect();
        assert_eq!(badges.len(), 2, "{rows:?}");
        let ground = |x: usize, y: usize| buf[(x as u16, y as u16)].style().bg;
        for (x, y) in &badges {
            assert_eq!(ground(*x, *y), world.theme.production.bg, "{choice:?}");
            assert_eq!(ground(x + 3, *y), world.theme.production.bg, "{choice:?}");
        }
        let (x, y) = badges[0];
        assert_eq!(ground(x + 4, y), world.theme.selection.bg, "it ends with its word");
    }
}

#[test]
fn the_first_minute_writes_what_was_found() {
    let mut world = incident();
    world.settings.found = vec![("GitHub".into(), false, "gh auth login".into())];
    let mut overlay = first_minute();
    assert!(text(&world, &mut *overlay).contains("?? GitHub"));
    let replies = press(&world, &mut *overlay, KeyCode::Char('w'));
    assert!(matches!(replies.as_slice(), [Reply::Do(crate::app::Effect::WriteConfig)]));
    assert!(!overlay.steps_aside(), "it was asked for");
}

#[test]
fn a_remedy_is_shown_whole_and_a_long_list_is_not() {
    let mut world = incident();
    world.size = (60, 24);
    let contexts = (0..40).map(|n| format!("context-{n}")).collect::<Vec<_>>().join(", ");
    world.settings.found = vec![
        (
            "Grafana".into(),
            false,
            "in the cluster, not read: monitoring/grafana: export GRAFANA_TOKEN, and start again".into(),
        ),
        ("Kubernetes".into(), true, Clean::own(contexts)),
    ];
    let shown = text(&world, &mut *first_minute());
    assert!(shown.contains("start again") && shown.contains("context-3"), "{shown}");
    assert!(!shown.contains("context-20"), "{shown}");
}
