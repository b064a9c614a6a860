//! Keys in, hint out.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{Hint, Moment, check};
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome},
        testing::{evidence, inspection},
    },
    app::{App, Effect, Msg, look::Look},
    keymap::Keymap,
    model::{
        alert::{Alert, Priority},
        kubernetes::{WorkloadKey, WorkloadKind},
    },
    text::Clean,
    time::{Clock as _, Now},
    ui::{
        testing::{self, World},
        theme::{Background, ColourDepth, GlyphSet, ThemeChoice},
        widgets::cells::rows_of,
    },
};

struct Desk {
    app: App,
    world: World,
}

fn myapp() -> WorkloadKey {
    testing::workload_key(WorkloadKind::Deployment, "myapp")
}

/// The default story's own lines.
fn story() -> Vec<Hint> {
    let scenario = crate::demo::scenario::Scenario::load("default").unwrap();
    let hint = |hint: &crate::demo::scenario::HintSpec| Hint {
        when: serde_json::from_value(serde_json::to_value(hint.when).unwrap()).unwrap(),
        alert: Clean::line(&hint.alert),
        workload: myapp(),
        text: Clean::line(&hint.text),
    };
    scenario.hint.iter().map(hint).collect()
}

impl Desk {
    fn new(hints: Vec<Hint>, keymap: Keymap) -> Self {
        let look = Look {
            choice: ThemeChoice::None,
            background: Background::Dark,
            depth: ColourDepth::None,
            glyphs: GlyphSet::Ascii,
        };
        let mut world = testing::incident();
        world.beat();
        let mut settings = world.settings.clone();
        (settings.is_demo, settings.hints) = (true, hints);
        let mut app = App::new(settings, keymap, look);
        app.store = std::mem::take(&mut world.store);
        Self { app, world }
    }

    fn now(&self) -> Now {
        self.world.clock.now()
    }

    fn key(&mut self, key: KeyCode) -> Vec<Effect> {
        self.world.clock.advance(std::time::Duration::from_secs(1));
        self.app.update(Msg::Key(KeyEvent::from(key)), self.now())
    }

    fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.key(if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) });
        }
    }

    fn rows(&mut self, width: u16, height: u16) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        self.app.draw(&mut buf, self.now());
        rows_of(&buf)
    }

    /// The line above the footer, without its mark; it must fit at 80 columns.
    fn hint(&mut self) -> String {
        self.app.draw(&mut Buffer::empty(Rect::new(0, 0, 120, 35)), self.now());
        let rows = self.rows(80, 24);
        let line = rows[22].trim().to_owned();
        assert!(!line.ends_with("..."), "cut: {line}");
        line.strip_prefix("DEMO").map_or(String::new(), |line| line.trim().to_owned())
    }

    /// The plan's evidence arrives, and is read.
    fn evidence(&mut self, effects: &[Effect]) {
        let [Effect::Prepare { ticket, request, .. }] = effects else { panic!("{effects:?}") };
        let mut found = inspection();
        found.workload.key = myapp();
        let mut evidence = evidence(request, found);
        evidence.asked = self.now().wall;
        let event = ActionEvent::Evidence {
            ticket: *ticket,
            request: Box::new(request.clone()),
            result: Ok(Box::new(evidence)),
        };
        self.app.update(Msg::Action(Box::new(event)), self.now());
    }

    fn act(&mut self, outcome: Outcome) {
        let act = Act {
            switches: Vec::new(),
            away: None,
            left: None,
            unseen: None,
            number: 1,
            request: Request::RollBack { workload: myapp(), to: None, alert: None },
            title: "ROLL BACK deploy/myapp".into(),
            place: "prod-eu1/production".into(),
            actor: "ana".into(),
            started: self.now().wall,
            ended: (outcome != Outcome::Running).then(|| self.now().wall),
            steps: Vec::new(),
            outcome,
            reason: None,
            can_undo: false,
            cluster_id: None,
            is_mine: true,
        };
        self.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), self.now());
    }

    fn alerts(&mut self, list: Vec<Alert>) {
        self.world.store = std::mem::take(&mut self.app.store);
        self.world.alerts(list);
        self.app.store = std::mem::take(&mut self.world.store);
        self.app.note_changes(crate::store::Changes::ALERTS);
    }
}

#[test]
fn the_whole_default_story() {
    let mut desk = Desk::new(story(), Keymap::default());
    assert_eq!(desk.hint(), "a third of myapp's requests fail. R opens the plan to roll it back");
    desk.keys("G");
    assert_eq!(desk.hint(), "a third of myapp's requests fail: 1 and g lead to its alert");
    desk.keys("1g");
    assert_eq!(desk.hint(), "a third of myapp's requests fail. R opens the plan to roll it back");
    desk.keys("3g");
    let asked = desk.key(KeyCode::Char('R'));
    desk.evidence(&asked);
    assert_eq!(desk.hint(), "read what it would do, then type 13 and Enter; esc sends nothing");
    desk.key(KeyCode::Esc);
    assert_eq!(desk.hint(), "a third of myapp's requests fail. R opens the plan to roll it back");
    desk.act(Outcome::Running);
    assert_eq!(desk.hint(), "watch the pods of 411 come up. esc closes this and stops nothing");
    desk.act(Outcome::Refused);
    assert_eq!(desk.hint(), "it did not go through: @ says why; R plans it anew");
    desk.act(Outcome::Done);
    assert_eq!(desk.hint(), "411 is back. The alert ends after its window; 6 shows errors fall");
    desk.alerts(Vec::new());
    desk.keys("1");
    assert_eq!(desk.hint(), "mended. Look around: 3 Kube; on a row l logs, . why");
    desk.keys("2");
    assert_eq!(desk.hint(), "mended. Look around: 3 Kube; on a row l logs, . why");
    desk.keys("6");
    desk.hint();
    assert_eq!(desk.hint(), "now yours: leave with ctrl-c and run midwatch init");
    // It breaks anew, later than the act ended.
    let mut again = testing::alert("HighErrorRate", "myapp", Priority::P1, "03:04", "again");
    again.starts = Some(desk.now().wall.checked_add(jiff::SignedDuration::from_secs(60)).unwrap());
    desk.alerts(vec![again]);
    desk.keys("1g");
    assert_eq!(desk.hint(), "a third of myapp's requests fail. R opens the plan to roll it back");
}

#[test]
fn keys_are_those_in_force() {
    let own = BTreeMap::from([("roll-back".to_owned(), vec!["f9".to_owned()]), ("top".to_owned(), Vec::new())]);
    let mut desk = Desk::new(story(), Keymap::new(None, &own).unwrap());
    assert_eq!(desk.hint(), "a third of myapp's requests fail. f9 opens the plan to roll it back");
    desk.keys("G");
    assert_eq!(desk.hint(), "a third of myapp's requests fail: 1 and :top lead to its alert");
}

#[test]
fn a_line_silences_them_and_gives_the_row_back() {
    let mut desk = Desk::new(story(), Keymap::default());
    assert!(!desk.hint().is_empty());
    desk.keys(":hints off\n");
    assert_eq!(desk.hint(), "");
    assert!(!desk.rows(80, 24)[22].trim().is_empty(), "the screen's own last line stands there");
    desk.keys(":hints on\n");
    assert!(!desk.hint().is_empty());
    assert!(!desk.rows(80, 18).join("\n").contains("a third"), "a low terminal has no line to spare");
}

#[test]
fn outside_the_demo_there_are_none() {
    let mut desk = Desk::new(story(), Keymap::default());
    desk.app.settings.is_demo = false;
    assert!(!desk.rows(120, 35).join("\n").contains("a third of"));
    desk.keys(":hints off\n");
    assert!(desk.rows(120, 35).join("\n").contains("hints are part of `midwatch demo`"));
}

/// Another world has no lines of its own: no remedy is named, whatever is broken.
#[test]
fn another_world_gets_general_ones() {
    let mut desk = Desk::new(Vec::new(), Keymap::default());
    assert_eq!(desk.hint(), "on this row: . says why, l shows logs, x all that can be done");
    desk.keys("3g");
    let asked = desk.key(KeyCode::Char('R'));
    desk.evidence(&asked);
    assert_eq!(desk.hint(), "read it, then type 13 and Enter; esc sends nothing");
    desk.key(KeyCode::Esc);
    desk.act(Outcome::Running);
    assert_eq!(desk.hint(), "'ROLL BACK deploy/myapp' is under way: 8 shows its steps");
    let other =
        Hint { when: Moment::Selected, alert: "Ghost".into(), workload: myapp(), text: "the wrong world".into() };
    let mut desk = Desk::new(vec![other], Keymap::default());
    assert_eq!(desk.hint(), "on this row: . says why, l shows logs, x all that can be done");
}

#[test]
fn a_word_that_is_no_command_is_named() {
    assert_eq!(check("{roll-back} and {confirm}, `midwatch init`"), Ok(()));
    let error = check("press {rol-back}").unwrap_err().to_string();
    assert_eq!(error, "there is no command 'rol-back' for a key: did you mean 'roll-back'?");
}
