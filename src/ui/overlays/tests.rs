//! Overlays over the story's world: keys in, replies and frames out.

mod containers;
mod forms;
mod menu;
mod needed;
mod pages;
mod revisions;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};

use super::*;
use crate::{
    model::{
        BackendId, BackendKind, Name, Part, SourceId,
        alert::{AlertKey, AlertState, Priority, Rule},
        code::{ChangedFile, Check, Job, JobLog, MergeMethod, MergeState, PullRequestDetail, RunState, Step},
        kubernetes::{Revision, WorkloadKind, resource::Resources},
    },
    query::{Answer, Query},
    source::{Answered, Fact},
    store::Changes,
    text::{Clean, quoted},
    time::Clock as _,
    ui::{
        Reply,
        testing::{World, alert, alertmanager, at, cluster, incident, run, workload_key},
    },
};

fn sync(world: &World, overlay: &mut dyn Overlay) {
    overlay.sync(&world.view(), Changes::ALL);
}

fn text(world: &World, overlay: &mut dyn Overlay) -> String {
    world.overlay(overlay).join("\n")
}

fn press(world: &World, overlay: &mut dyn Overlay, code: KeyCode) -> Vec<Reply> {
    assert!(overlay.owns_keys(), "it is given keys only while it owns them");
    flat(overlay.key(KeyEvent::new(code, KeyModifiers::NONE), &world.view()))
}

fn typed(world: &World, overlay: &mut dyn Overlay, text: &str) {
    for letter in text.chars() {
        press(world, overlay, KeyCode::Char(letter));
    }
}

fn command(world: &World, overlay: &mut dyn Overlay, command: Command) -> Vec<Reply> {
    flat(overlay.run(command, &world.view()))
}

fn flat(reply: Reply) -> Vec<Reply> {
    match reply {
        Reply::Many(replies) => replies,
        reply => vec![reply],
    }
}

/// The action that was asked for.
fn asked(replies: &[Reply]) -> &Request {
    match replies {
        [Reply::Ask(request)] | [Reply::Close, Reply::Ask(request)] => request,
        _ => panic!("it does not close and ask"),
    }
}

fn said(replies: &[Reply]) -> &str {
    match replies {
        [Reply::Say(words)] => words,
        _ => panic!("it says nothing"),
    }
}

fn answer(world: &mut World, query: Query, answer: Answer) {
    let now = world.clock.now();
    world.store.answer(Answered { query, generation: 0, at: now.wall, body: Ok(answer) }, now);
}

fn silence_form(world: &World) -> Box<dyn Overlay> {
    let draft = crate::action::SilenceDraft::of(&alert_of(world), &world.settings.me);
    Box::new(silence::SilenceForm::new(&draft, &world.view()))
}

fn alert_of(world: &World) -> Alert {
    world.store.alerts.values().find(|alert| alert.name == "HighErrorRate").expect("it fires").clone()
}

fn alert_target(world: &World) -> Target {
    Target::Alert(alert_of(world).key)
}

fn myapp() -> WorkloadKey {
    workload_key(WorkloadKind::Deployment, "myapp")
}

fn run_of(world: &World, number: u64) -> Run {
    world.store.runs.values().find(|run| run.number == number).expect("listed").clone()
}

fn pull_request_of(world: &World) -> PullRequest {
    let mut pr = world.store.pull_requests.values().next().expect("one is open").clone();
    pr.merge_methods = vec![MergeMethod::Squash, MergeMethod::Merge];
    pr
}

/// Every overlay on its object.
fn all(world: &World) -> Vec<Box<dyn Overlay>> {
    let alert = alert_of(world);
    let workload = world.store.kube.workloads.get(&myapp()).expect("listed");
    let pr = pull_request_of(world);
    let run = run_of(world, 1190);
    let targets = [
        alert_target(world),
        Target::Workload(myapp()),
        Target::Run(run.key.clone()),
        Target::PullRequest(pr.key.clone()),
        Target::Backend(cluster()),
        Target::Act(7),
    ];
    let mut overlays = vec![
        quit(),
        palette(ScreenId::Now, Some(alert_target(world))),
        help(ScreenId::Kube, Some(Target::Workload(myapp()))),
        help(ScreenId::Logs, None),
        errors(),
        revisions(myapp()),
        job_log(run.key.clone(), None),
        pull_request_diff(pr.key.clone()),
        comment(&pr, None),
        comment(&pr, Some(Verdict::RequestChanges)),
        merge(&pr),
        rerun(&run),
        scale(myapp(), 10),
        silence_form(world),
        choose_rollback(&alert, workload),
        first_minute(),
        first_minute_at_start(),
    ];
    for target in targets {
        overlays.push(actions(ScreenId::Now, target.clone(), None));
        overlays.push(why(target.clone()));
        overlays.push(describe(target, Command::Describe));
    }
    overlays
}

/// A frame that is larger than its area shows what is drawn outside.
fn all_draw_inside(world: &mut World, (width, height): (u16, u16)) {
    world.size = (width, height);
    for mut overlay in all(world) {
        let screen = Rect::new(0, 0, width + 4, height + 4);
        let area = Rect::new(2, 2, width, height);
        let mut buf = Buffer::empty(screen);
        sync(world, &mut *overlay);
        let cursor = overlay.render(&world.view(), area, &mut buf);
        assert!(cursor.is_none_or(|at| area.contains(at)), "{width}x{height}");
        for position in screen.positions().filter(|position| !area.contains(*position)) {
            assert_eq!(buf[position].symbol(), " ", "{width}x{height}: outside at {position}");
        }
        for position in area.positions() {
            assert!(buf[position].symbol().is_ascii(), "{width}x{height}: {:?}", buf[position].symbol());
        }
    }
}

#[test]
fn every_overlay_stays_in_its_area_where_there_is_no_room() {
    let mut world = incident();
    for size in [(60, 16), (59, 15), (20, 6), (10, 3), (3, 3), (1, 1), (0, 0), (250, 1), (1, 80)] {
        all_draw_inside(&mut world, size);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_overlay_stays_in_its_area_at_every_size(width in 1u16..=250, height in 1u16..=80) {
        all_draw_inside(&mut incident(), (width, height));
    }
}

#[test]
fn esc_leaves_every_overlay_without_asking_for_anything() {
    let world = incident();
    for mut overlay in all(&world) {
        world.overlay(&mut *overlay);
        if overlay.owns_keys() {
            assert!(matches!(press(&world, &mut *overlay, KeyCode::Esc).as_slice(), [Reply::Close]));
        } else {
            assert!(matches!(command(&world, &mut *overlay, Command::Back).as_slice(), [Reply::Ignored]));
        }
    }
}

#[test]
fn the_palette_finds_runs_completes_and_says_why_not() {
    let mut world = incident();
    let mut overlay = palette(ScreenId::Now, Some(alert_target(&world)));
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("ns NAME"), "{frame}");
    // Once it is known that no kind is called so.
    let kinds = std::sync::Arc::new(Resources { list: Vec::new(), troubles: Vec::new() });
    answer(&mut world, Query::Resources(cluster()), Answer::Resources(kinds));
    typed(&world, &mut *overlay, "rolb");
    assert!(text(&world, &mut *overlay).lines().any(|line| line.contains("roll-back") && line.contains(" R ")));
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::Line(line)] if line == "roll-back"));

    world.settings.read_only = Some("started with --read-only".into());
    let mut overlay = palette(ScreenId::Now, Some(alert_target(&world)));
    world.overlay(&mut *overlay);
    typed(&world, &mut *overlay, "roll-back");
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("plan only: started with --read-only"), "{frame}");
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::Line(line)] if line == "roll-back"));
    // What has no plan to be looked at is refused.
    let mut overlay = palette(ScreenId::Now, Some(alert_target(&world)));
    world.overlay(&mut *overlay);
    typed(&world, &mut *overlay, "ack");
    assert!(said(&press(&world, &mut *overlay, KeyCode::Enter)).contains("--read-only"));
}

#[test]
fn the_palette_knows_the_arguments_but_what_is_typed_wins() {
    let world = incident();
    let mut overlay = palette(ScreenId::Now, None);
    world.overlay(&mut *overlay);
    typed(&world, &mut *overlay, "ns");
    press(&world, &mut *overlay, KeyCode::Tab);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains(":ns ") && frame.contains("all"), "{frame}");
    typed(&world, &mut *overlay, "quite-new");
    let replies = press(&world, &mut *overlay, KeyCode::Enter);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::Line(line)] if line == "ns quite-new"));
    let mut overlay = palette(ScreenId::Now, None);
    world.overlay(&mut *overlay);
    typed(&world, &mut *overlay, "refrsh");
    assert!(text(&world, &mut *overlay).contains("refresh"));
}

#[test]
fn help_has_every_key_that_means_something_here() {
    let mut world = incident();
    world.size = (80, 400);
    let target = Target::Workload(myapp());
    let mut overlay = help(ScreenId::Logs, Some(target.clone()));
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("1-8"), "{frame}");
    let keys = world.keymap.available(ScreenId::Logs, Some(target.kind()));
    for (spec, key) in keys.filter(|(spec, _)| spec.id.screen().is_none()) {
        let is_listed = frame.contains(spec.help) || frame.lines().any(|line| line.contains(&key.to_string()));
        assert!(is_listed, "'{}' is not in help:\n{frame}", spec.name);
    }
    for word in ["THIS WORKLOAD", "THIS SCREEN, LOGS", "EVERYWHERE", "MARKS", "TRUST"] {
        assert!(frame.contains(word), "{word}:\n{frame}");
    }
}

#[test]
fn help_follows_the_keymap_and_says_what_cannot_be_done() {
    let mut world = incident();
    world.settings.read_only = Some("a first run starts read-only".into());
    let own = std::collections::BTreeMap::from([("zoom".to_owned(), vec!["f9".to_owned()])]);
    world.keymap = crate::keymap::Keymap::new(None, &own).expect("valid");
    world.size = (120, 60);
    let mut overlay = help(ScreenId::Now, Some(alert_target(&world)));
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("f9"), "{frame}");
    let refused = frame.split("NOT AVAILABLE RIGHT NOW").nth(1).expect("the section");
    assert!(refused.contains("a first run starts read-only"), "{frame}");
    assert!(refused.lines().any(|line| line.contains(" R ") && line.contains("roll back")), "{frame}");
    assert!(command(&world, &mut *overlay, Command::Filter).iter().all(|reply| matches!(reply, Reply::Done)));
    typed(&world, &mut *overlay, "browser");
    press(&world, &mut *overlay, KeyCode::Enter);
    assert!(overlay.copied().expect("the line found").contains("browser"));
}

#[test]
fn the_menu_names_the_reason_and_the_same_command() {
    let mut world = incident();
    let mut overlay = actions(ScreenId::Kube, Target::Workload(myapp()), None);
    world.overlay(&mut *overlay);
    let replies = command(&world, &mut *overlay, Command::RollBack);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::RunOn(Command::RollBack, Target::Workload(_))]));
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("a pipeline is deploying: stop it first:") && !frame.contains("--to-revision"), "{frame}");
    assert!(frame.contains("gh run cancel -R acme/myapp 412"), "{frame}");
    world.runs(vec![run("deploy", 412, RunState::Success, true, "02:51")]);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("rollout undo deployment/myapp --to-revision=13"), "{frame}");
    assert!(frame.contains("kubectl --context prod-eu1 -n "), "{frame}");
    assert_eq!(overlay.copied().expect("a line").split(' ').next(), Some("kubectl"));
    world.size = (60, 16);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("kubectl --context") && frame.contains("--to-revision=13"), "all of it is there: {frame}");
    world.size = (120, 35);

    world.settings.read_only_backends.insert(cluster(), "'prod-eu1' is read-only by configuration".into());
    assert!(text(&world, &mut *overlay).contains("'prod-eu1' is read-only by configuration"));
    assert!(said(&command(&world, &mut *overlay, Command::Edit)).contains("read-only"));
    let replies = command(&world, &mut *overlay, Command::Restart);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::RunOn(Command::Restart, _)]), "its plan is shown");
    assert!(text(&world, &mut *overlay).contains("enter shows what would be done; the same as a command"));
    // What has no dialog has nothing to show.
    world.settings.read_only_backends.insert(alertmanager(), "'alerts' is read-only by configuration".into());
    let mut overlay = actions(ScreenId::Triage, alert_target(&world), None);
    world.overlay(&mut *overlay);
    assert!(said(&command(&world, &mut *overlay, Command::Acknowledge)).contains("read-only by configuration"));
    let replies = command(&world, &mut *overlay, Command::SilenceAlert);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::RunOn(Command::SilenceAlert, _)]), "its form is shown");
}

#[test]
fn what_is_too_old_is_not_acted_on() {
    let mut world = incident();
    world.clock.advance(std::time::Duration::from_mins(10));
    world.fail(&cluster(), "connection refused");
    let mut overlay = actions(ScreenId::Kube, Target::Workload(myapp()), None);
    let frame = text(&world, &mut *overlay);
    assert!(frame.contains("'prod-eu1' has not answered for 10m"), "{frame}");
}

#[test]
fn an_equivalent_is_safe_for_a_shell() {
    assert_eq!(quoted("plain-1.2/x"), "plain-1.2/x");
    assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    let world = incident();
    let line = equivalent::line(Command::SilenceAlert, &alert_target(&world), &world.view()).expect("amtool has it");
    assert!(line.ends_with("alertname=HighErrorRate service=myapp"), "{line}");
}

#[test]
fn help_says_how_long_it_is_and_uses_its_width() {
    let mut world = incident();
    world.size = (120, 35);
    let mut overlay = help(ScreenId::Audit, None);
    let frame = text(&world, &mut *overlay);
    assert!(frame.lines().last().is_some_and(|foot| foot.contains(" 1/")), "{frame}");
    let place = |word: &str| frame.find(word).unwrap_or_else(|| panic!("no {word} in\n{frame}"));
    assert!(place("MARKS") < place("EVERYWHERE"), "{frame}");
    assert!(frame.contains("screen Now, Triage, Kube, Pipelines, PRs,"), "two columns:\n{frame}");
    assert!(overlay.hints().iter().any(|(key, _)| key == "esc") && overlay.hints().iter().all(|(key, _)| key != "x"));
}

#[test]
fn what_gives_way_to_why_not_is_seen_to_be_cut() {
    let mut world = incident();
    world.size = (80, 24);
    let mut overlay = palette(ScreenId::Now, None);
    world.overlay(&mut *overlay);
    typed(&world, &mut *overlay, "roll-back");
    let frame = text(&world, &mut *overlay);
    let line = frame.lines().find(|line| line.contains("select a")).expect("listed");
    assert!(line.contains("~  select a workload, pod, object, run or alert"), "{frame}");
}

#[test]
fn the_menu_speaks_of_its_own_object() {
    use crate::model::kubernetes::resource::{Resource, ResourceKey};
    let world = incident();
    let resource = std::sync::Arc::new(Resource::v1(("networking.k8s.io", "ingresses", "Ingress"), true));
    let mut menu = actions(ScreenId::Kube, Target::Workload(myapp()), None);
    let frame = text(&world, &mut *menu);
    assert!(frame.contains("PROD prod-eu1/"), "{frame}");
    assert!(!frame.contains("of a run"), "{frame}");
    let replies = command(&world, &mut *menu, Command::Enter);
    assert!(matches!(replies.as_slice(), [Reply::Close, Reply::RunOn(Command::RollBack, _)]), "{frame}");
    let key = ResourceKey { cluster: cluster(), resource, namespace: "production".into(), name: "web".into() };
    let frame = text(&world, &mut *actions(ScreenId::Kube, Target::Object(key), None));
    assert!(!frame.contains("Secret"), "{frame}");
}
