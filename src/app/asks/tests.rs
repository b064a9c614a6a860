//! Asking inside the App: keys in, effects and screen out.

mod alerts;
mod open;
mod room;
mod sent;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    action::{
        Evidence, Request, WorkloadInspection,
        act::{Act, ActionEvent, Outcome, StepState},
        testing::{
            after, cluster, evidence, host, inspection, now, roll_back, run, run_inspection, run_key, settings, store,
        },
    },
    app::{App, Effect, Msg, look::Look},
    keymap::Keymap,
    model::{
        BackendId, BackendKind, Part, SourceId,
        code::RunState,
        gitops::{OwnerKey, OwnerKind},
        kubernetes::Manager,
    },
    text::Clean,
    time::Now,
    ui::{
        theme::{Background, ColourDepth, GlyphSet, ThemeChoice},
        widgets::cells::rows_of,
    },
};

struct Desk {
    app: App,
    now: Now,
    ticket: u64,
}

impl Desk {
    /// The App just after somebody asked for this.
    fn ask(request: Request) -> Self {
        Self::ask_with(request, store(Vec::new()))
    }

    fn ask_with(request: Request, known: crate::store::Store) -> Self {
        let look = Look {
            choice: ThemeChoice::None,
            background: Background::Dark,
            depth: ColourDepth::None,
            glyphs: GlyphSet::Ascii,
        };
        let mut app = App::new(settings(), Keymap::default(), look);
        app.store = known;
        for (backend, part) in [
            (cluster(), Part::Deployments),
            (cluster(), Part::StatefulSets),
            (host(), Part::PullRequests),
            (host(), Part::Runs),
            (BackendId::new("am"), Part::Alerts),
        ] {
            let id = SourceId::new(&backend, part);
            app.store.expect(id.clone(), BackendKind::Kubernetes, std::time::Duration::from_secs(30), 0);
            let source = app.store.sources.get_mut(&id).expect("just added");
            source.has_synced = true;
            source.pulse.beat(now());
        }
        let effects = app.ask(request, now());
        let [Effect::Prepare { ticket, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        let ticket = *ticket;
        Self { app, now: now(), ticket }
    }

    fn evidence(&mut self, request: &Request, mut evidence: Evidence) -> Vec<Effect> {
        evidence.asked = self.now.wall;
        let result = Ok(Box::new(evidence));
        let event = ActionEvent::Evidence { ticket: self.ticket, request: Box::new(request.clone()), result };
        self.app.update(Msg::Action(Box::new(event)), self.now)
    }

    fn found(&mut self, request: &Request, found: WorkloadInspection) -> Vec<Effect> {
        let evidence = evidence(request, found);
        self.evidence(request, evidence)
    }

    fn key(&mut self, code: KeyCode) -> Vec<Effect> {
        self.now = after(self.now, 60);
        self.app.update(Msg::Key(KeyEvent::from(code)), self.now)
    }

    fn wait(&mut self) {
        self.now = after(self.now, 1_000);
    }

    fn type_in(&mut self, text: &str) -> Vec<Effect> {
        text.chars().flat_map(|c| self.key(KeyCode::Char(c))).collect()
    }

    fn rows(&mut self, width: u16, height: u16) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        self.app.draw(&mut buf, self.now);
        rows_of(&buf)
    }

    /// The rows of the dialog alone, without what stands beside it.
    fn dialog(&mut self, width: u16, height: u16) -> String {
        let rows = self.rows(width, height);
        let first = rows.iter().position(|row| row.contains("+= ROLL BACK")).expect("a dialog");
        let left = rows[first].find("+= ROLL BACK").expect("just found");
        let last = first + rows[first..].iter().position(|row| row.contains("+=====")).expect("its end");
        let cut = |row: &String| row.chars().skip(left).take(116).collect::<String>();
        rows[first..=last].iter().map(cut).collect::<Vec<_>>().join("\n")
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        self.rows(width, height).join("\n")
    }
}

#[test]
fn a_rollback_takes_five_keys() {
    let mut desk = Desk::ask(roll_back(None));
    let asking = desk.screen(80, 24);
    assert!(asking.contains("asking for evidence") && asking.contains("prod-eu1/production  PRODUCTION"), "{asking}");
    assert!(desk.found(&roll_back(None), inspection()).is_empty());
    desk.wait();
    assert!(desk.type_in("13").is_empty());
    let reread = desk.key(KeyCode::Enter);
    assert!(matches!(reread.as_slice(), [Effect::Prepare { .. }]), "{reread:?}");
    assert!(desk.key(KeyCode::Enter).is_empty(), "a second Enter does nothing");
    let sent = desk.found(&roll_back(None), inspection());
    let [Effect::Execute { approved, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(approved.plan().chosen, Some(13));
    assert!(desk.found(&roll_back(None), inspection()).is_empty(), "nor does a second answer");
}

#[test]
fn leaving_sends_nothing_even_when_the_answer_comes_later() {
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), inspection());
    desk.wait();
    desk.type_in("13");
    desk.key(KeyCode::Enter);
    desk.key(KeyCode::Esc);
    assert!(desk.found(&roll_back(None), inspection()).is_empty());
}

#[test]
fn the_plan_at_120x35() {
    let mut desk = Desk::ask_with(roll_back(None), store(vec![run(RunState::Running)]));
    let mut evidence = evidence(&roll_back(None), inspection());
    evidence.races = vec![(run_key(), Ok(run_inspection(RunState::Running)))];
    desk.evidence(&roll_back(None), evidence);
    desk.wait();
    desk.type_in("41");
    insta::assert_snapshot!(desk.dialog(120, 35), @r#"
    += ROLL BACK deploy/myapp 412 -> 411 =========================================== prod-eu1/production  PRODUCTION  =+
    | FROM rev 14   myapp:412 @343132   live 17m   5 pods, 4 ready                                                     |
    | TO   rev 13   myapp:411 @343131   ran 25h; 4 of its pods are up                                                  |
    | < > [rev 13 411]  rev 12 410 (ran 46h)                                                                           |
    | LOOK pipeline: deploy #412 is in Deploy; no hook of it runs when it is stopped. Step 1 stops it, then reads the  |
    |      live template again                                                                                         |
    | LOOK also undone: LOG_LEVEL warn -> info, limits.memory 1Gi -> 512Mi                                             |
    |                                                                                                                  |
    |  0   keep evidence: previous logs, describe, events                                                              |
    |  1   stop deploy #412                                                                                            |
    |  2   wait for its end (20 s at most), read the live template again                                               |
    |  3   template -> rev 13 (becomes rev 15)                                                                         |
    |  4   watch until 10 of 10 are ready on 411                                                                       |
    | undo U: back to rev 14's template, kept beside the audit                                                         |
    | ok   right place, right suspect, allowed, owner, other hands, history, not undone, image, capacity, stuck pods,  |
    |      fresh, will it run, also on it                                                                              |
    | ??   not checked: database                                                                                       |
    |                                                                                                                  |
    | type 13 or 411, then Enter: [ 41_ ]   Esc: nothing is sent                                                       |
    +==================================================================================================================+
    "#);
}

#[test]
fn the_plan_at_80x24_with_a_stop() {
    let mut desk = Desk::ask_with(roll_back(None), store(vec![run(RunState::Success)]));
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::ConfigSync];
    desk.found(&roll_back(None), found);
    insta::assert_snapshot!(desk.dialog(80, 24), @r#"
    += ROLL BACK deploy/myapp 412 -> 411 ======= prod-eu1/production  PRODUCTION  =+
    | FROM rev 14   myapp:412 @343132   live 17m   5 pods, 4 ready                 |
    | TO   rev 13   myapp:411 @343131   ran 25h; 4 of its pods are up              |
    | < > [rev 13 411]  rev 12 410                                                 |
    | STOP owner: owned by Config Sync: it is applied again from git. Instead:     |
    |      revert in the config repository                                         |
    | LOOK also undone: LOG_LEVEL warn -> info, limits.memory 1Gi -> 512Mi         |
    |                                                                              |
    | 0 keep evidence: previous logs, describe, events                             |
    | 1 template -> rev 13 (becomes rev 15)                                        |
    | 2 watch until 10 of 10 are ready on 411                                      |
    | undo U: back to rev 14's template, kept beside the audit                     |
    | ok   right place, right suspect, allowed, other hands, pipeline, history,    |
    |      not undone, image, capacity, stuck pods, fresh, will it run, also on it |
    | ??   not checked: database                                                   |
    |                                                                              |
    | a STOP stands: type myapp [ _ ]                                              |
    | Tab, and why it is sent: [  ]                                                |
    +==============================================================================+
    "#);
}

#[test]
fn where_the_border_has_no_room_the_plan_says_what_and_where_on_lines_of_its_own() {
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), inspection());
    for (width, height) in [(60, 16), (40, 12)] {
        let screen = desk.screen(width, height);
        let row = |words: &str| screen.lines().position(|row| row.contains(words));
        let title = row("= ROLL BACK deploy/myapp 412 -> 411 =").unwrap_or_else(|| panic!("no title in\n{screen}"));
        assert_eq!(row(" PRODUCTION  prod-eu1/production"), Some(title + 1), "{screen}");
        // How much more there is hides nothing of it.
        let more = screen.lines().find(|row| row.contains(" more ")).unwrap_or_else(|| panic!("{screen}"));
        assert!(more.contains("=====") || more.contains("] "), "{screen}");
    }
    let wide = desk.screen(120, 35);
    assert!(wide.lines().any(|row| row.contains("ROLL BACK") && row.contains("PRODUCTION")), "{wide}");
}

#[test]
fn a_stop_never_scrolls_off() {
    let mut desk = Desk::ask(roll_back(None));
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::ArgoCd { application: "shop".into() }];
    found.warnings = (0..30).map(|n| format!("warning number {n}").into()).collect();
    desk.found(&roll_back(None), found);
    for _ in 0..50 {
        assert!(desk.screen(80, 24).contains("STOP owner: owned by Argo CD"));
        assert!(desk.screen(80, 24).contains("type myapp"));
        desk.key(KeyCode::Down);
    }
    for (width, height) in [(1, 1), (20, 6), (60, 16), (80, 24), (200, 60)] {
        desk.screen(width, height);
    }
}

#[test]
fn tab_opens_all_checks_and_the_difference() {
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), inspection());
    desk.wait();
    desk.type_in("4");
    desk.key(KeyCode::Tab);
    let checks = desk.screen(120, 35);
    for id in 1..=16 {
        assert!(checks.contains(&format!(" B{id} ")), "B{id} is left out:\n{checks}");
    }
    assert!(checks.contains("kubectl --context prod-eu1 -n production rollout undo deployment/myapp --to-revision=13"));
    let copied = desk.key(KeyCode::Char('p'));
    assert!(matches!(copied.as_slice(), [Effect::Copy(line)] if line.contains("rollout undo")));
    desk.key(KeyCode::Tab);
    let diff = desk.screen(120, 35);
    assert!(diff.contains("-      value: warn") && diff.contains("+      value: info"), "{diff}");
    assert!(!diff.contains("hunter22"));
    desk.key(KeyCode::Tab);
    assert!(desk.screen(120, 35).contains("[ 4_ ]"), "what was typed is still there");
    desk.key(KeyCode::Tab);
    desk.type_in("1");
    assert!(desk.screen(120, 35).contains("[ 41_ ]"), "what is typed on another page is for the field");
    desk.key(KeyCode::Tab);
    assert!(desk.key(KeyCode::Enter).is_empty(), "it only goes back");
    assert!(desk.screen(120, 35).contains("[ 41_ ]"), "{}", desk.screen(120, 35));
}

#[test]
fn left_and_right_choose_another_revision_and_plan_anew() {
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), inspection());
    desk.wait();
    desk.type_in("13");
    let asked = desk.key(KeyCode::Right);
    assert!(matches!(asked.as_slice(), [Effect::Prepare { request, .. }] if *request == roll_back(Some(12))));
    // An answer to the older question comes too late.
    assert!(desk.found(&roll_back(None), inspection()).is_empty());
    assert!(desk.key(KeyCode::Enter).is_empty());
    desk.found(&roll_back(Some(12)), inspection());
    desk.wait();
    desk.type_in("13");
    assert!(desk.key(KeyCode::Enter).is_empty(), "13 is not its target any more");
    assert!(desk.screen(80, 24).contains("expected 12 or 410"), "{}", desk.screen(80, 24));
    assert!(desk.key(KeyCode::Right).is_empty(), "there is no older one");
    assert!(
        matches!(desk.key(KeyCode::Left).as_slice(), [Effect::Prepare { request, .. }] if *request == roll_back(Some(13)))
    );
}

#[test]
fn read_only_shows_what_would_be_done() {
    let mut desk = Desk::ask(roll_back(None));
    desk.app.settings.read_only = Some("started with --read-only".into());
    let mut evidence = evidence(&roll_back(None), inspection());
    evidence.writable.clear();
    evidence.rehearsals.clear();
    desk.evidence(&roll_back(None), evidence);
    desk.wait();
    desk.type_in("13");
    assert!(desk.key(KeyCode::Enter).is_empty());
    let screen = desk.screen(80, 24);
    assert!(
        screen.contains("CANNOT BE SENT") && screen.contains("--read-only") && screen.contains("template -> rev 13"),
        "{screen}"
    );
}

/// A rollback that was sent, and whose act is at these steps.
fn sent(steps: Vec<(Clean, StepState)>) -> (Desk, Act) {
    let mut desk = Desk::ask(roll_back(None));
    desk.found(&roll_back(None), inspection());
    desk.wait();
    desk.type_in("13");
    desk.key(KeyCode::Enter);
    desk.found(&roll_back(None), inspection());
    let ticket = desk.ticket;
    desk.app.update(Msg::Action(Box::new(ActionEvent::Started { ticket, number: 7 })), desk.now);
    let act = Act {
        number: 7,
        request: roll_back(None),
        title: "ROLL BACK deploy/myapp 412 -> 411".into(),
        place: "prod-eu1/production".into(),
        actor: "ana".into(),
        started: desk.now.wall,
        ended: None,
        steps,
        outcome: Outcome::Running,
        switches: Vec::new(),
        away: None,
        left: None,
        unseen: None,
        reason: None,
        can_undo: true,
        cluster_id: None,
        is_mine: true,
    };
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act.clone())))), desk.now);
    (desk, act)
}

#[test]
fn after_sending_the_steps_are_shown() {
    let steps = vec![
        ("keep evidence: previous logs, describe, events".into(), StepState::Done("5 files in evidence/0007".into())),
        (
            "template -> rev 13 (becomes rev 15)".into(),
            StepState::Done("the template is replaced (generation 15)".into()),
        ),
        (
            "watch until 10 of 10 are ready on 411".into(),
            StepState::Running("411 8/10 ready, Terminating 2 (node-5, 40s)".into()),
        ),
    ];
    let (mut desk, mut act) = sent(steps);
    desk.now = after(desk.now, 72_000);
    insta::assert_snapshot!(desk.dialog(80, 24), @r#"
    += ROLL BACK deploy/myapp 412 -> 411 ======= prod-eu1/production  PRODUCTION  =+
    | ~  running for 72s   03:14:23 UTC   act 7                                    |
    |                                                                              |
    | ok  0 keep evidence: previous logs, describe, events                         |
    |        5 files in evidence/0007                                              |
    | ok  1 template -> rev 13 (becomes rev 15)                                    |
    |        the template is replaced (generation 15)                              |
    | ~   2 watch until 10 of 10 are ready on 411                                  |
    |        411 8/10 ready, Terminating 2 (node-5, 40s)                           |
    |                                                                              |
    | Esc leaves; it goes on, and the header shows it                              |
    +==============================================================================+
    "#);
    let mut long = act.clone();
    let stopped = |n: u32| (format!("stop deploy #{n}").into(), StepState::Done("asked to cancel".into()));
    long.steps.splice(1..1, (0..4).map(stopped));
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(long)))), desk.now);
    let narrow = desk.screen(60, 16);
    assert!(narrow.contains("411 8/10 ready"), "the step that goes on is in sight:\n{narrow}");
    desk.key(KeyCode::Char('g'));
    let first = desk.screen(60, 16);
    assert!(first.contains("keep evidence") && first.contains("esc leave") && first.contains("j/k scroll"), "{first}");
    act.outcome = Outcome::Done;
    act.ended = Some(desk.now.wall);
    let (kind, version) = (OwnerKind::Kustomization, "v1".into());
    let owner = OwnerKey { cluster: cluster(), kind, version, namespace: "flux".into(), name: "web".into(), via: None };
    act.switches = vec![(owner, false)];
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.now);
    desk.now = after(desk.now, 600_000);
    let screen = desk.screen(80, 24);
    assert!(screen.contains("ok done, took 72s   03:14:23 UTC   act 7"), "it ages no more:\n{screen}");
    assert!(screen.contains("?? error rate not verified: 6 shows it"), "ready pods are no verdict:\n{screen}");
    assert!(screen.contains("GitOps is off: revert in git, then :resume-sync"), "{screen}");
    assert!(screen.lines().last().is_some_and(|keys| keys.contains("esc leave  U undo plan")), "{screen}");
    let undo = desk.key(KeyCode::Char('U'));
    assert!(matches!(undo.as_slice(), [Effect::Prepare { request: Request::Undo { act: 7 }, .. }]), "{undo:?}");
}
