//! Keys in: another query is wanted; its answer is on screen.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    app::{App, Msg, look::Look},
    keymap::Keymap,
    model::metric::{ALL, PanelData, Reduced, Setting, Variable},
    query::{Answer, PanelQuery, Query, Variables},
    source::{Answered, Fact},
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

fn variable(name: &str, setting: Setting, value: &str, options: &[&str]) -> Variable {
    Variable {
        name: name.into(),
        label: name.into(),
        setting,
        is_hidden: false,
        value: value.into(),
        chosen: vec![value.into()],
        options: options
            .iter()
            .map(
                |option| {
                    if *option == "All" { ("All".into(), ALL.into()) } else { ((*option).into(), (*option).into()) }
                },
            )
            .collect(),
    }
}

/// `team`, `service` that depends on it, a text, and a constant.
fn variables(team: &str, service: &str) -> Vec<Variable> {
    let services: &[&str] =
        if team == "shop" { &["All", "checkout", "payments", "web"] } else { &["All", "postgres", "redis"] };
    vec![
        variable("team", Setting::One, team, &["data", "shop"]),
        variable("service", Setting::Many, service, services),
        variable("note", Setting::Text, "", &[]),
        variable("cluster", Setting::Fixed, "prod", &["prod"]),
    ]
}

impl Desk {
    fn new() -> Self {
        let look = Look {
            choice: ThemeChoice::None,
            background: Background::Dark,
            depth: ColourDepth::None,
            glyphs: GlyphSet::Ascii,
        };
        let mut world = testing::incident();
        let mut boards: Vec<_> = world.store.dashboards.values().cloned().collect();
        boards.retain(|board| board.title == "myapp");
        boards[0].variables = variables("shop", "payments");
        world.say(&testing::grafana(), crate::model::Part::Dashboards, vec![Fact::Dashboards(boards)]);
        let mut app = App::new(world.settings.clone(), Keymap::default(), look);
        app.store = std::mem::take(&mut world.store);
        let mut desk = Self { app, world };
        desk.keys("6");
        desk.screen();
        desk
    }

    fn now(&self) -> Now {
        self.world.clock.now()
    }

    fn key(&mut self, key: KeyCode) {
        self.app.update(Msg::Key(KeyEvent::from(key)), self.now());
    }

    fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.key(match key {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                key => KeyCode::Char(key),
            });
        }
    }

    fn screen(&mut self) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 120, 35));
        self.app.draw(&mut buf, self.now());
        rows_of(&buf).join("\n")
    }

    fn panels(&self) -> Vec<PanelQuery> {
        let wanted = self.app.wanted(self.now()).into_iter();
        wanted.filter_map(|query| if let Query::Panel(panel) = query { Some(panel) } else { None }).collect()
    }

    /// What the panels' queries set: `service=web`.
    fn set(&self) -> Vec<String> {
        let panels = self.panels();
        assert!(panels.len() > 1 && panels.iter().all(|panel| panel.variables == panels[0].variables), "{panels:?}");
        panels[0].variables.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn answer(&mut self, query: Query, answer: Answer) {
        let at = self.now().wall;
        let answered = Answered { query, generation: 1, at, body: Ok(answer) };
        self.app.update(Msg::Answer(Box::new(answered)), self.now());
    }

    /// Grafana answers what is wanted: the variables so, and every panel this value.
    fn answers(&mut self, list: &[Variable], value: f64) {
        for query in self.app.wanted(self.now()) {
            let answer = match &query {
                Query::Variables(_) => {
                    Answer::Variables(Box::new(Variables { list: list.to_vec(), notes: Vec::new() }))
                }
                Query::Panel(panel) => {
                    let to = self.now().wall.as_millisecond();
                    let series = crate::model::metric::Series {
                        name: "x".into(),
                        points: vec![(to, Some(value))],
                        ..Default::default()
                    };
                    Answer::Panel(Box::new(PanelData {
                        key: panel.panel.clone(),
                        title: Clean::own(format!("rate of {}", list[1].value)),
                        from: to - 3_600_000,
                        to,
                        series: vec![series],
                        more_series: 0,
                        reduced: vec![Reduced { value: Some(value), ..Reduced::default() }],
                        table: None,
                        failures: Vec::new(),
                        notices: Vec::new(),
                    }))
                }
                _ => continue,
            };
            self.answer(query, answer);
        }
    }
}

#[test]
fn another_value_asks_another_query_and_shows_other_numbers() {
    let mut desk = Desk::new();
    assert!(desk.set().is_empty(), "the dashboard's own values need no word");
    let before = desk.screen();
    assert!(before.contains("v   team shop   service payments"), "{before}");
    desk.keys("v");
    let dialog = desk.screen();
    assert!(
        dialog.contains("VARIABLES of myapp") && dialog.contains("any of 4") && dialog.contains("fixed"),
        "{dialog}"
    );
    desk.keys("j\nchk\n");
    assert_eq!(desk.set(), ["service=checkout"]);
    desk.answers(&variables("shop", "checkout"), 77.0);
    desk.key(KeyCode::Esc);
    let after = desk.screen();
    assert!(after.contains("v   team shop   service checkout"), "{after}");
    assert!(after.contains("rate of checkout   now 77.0"), "{after}");
    assert!(!after.contains("VARIABLES of"), "{after}");
}

#[test]
fn several_and_all() {
    let mut desk = Desk::new();
    desk.keys("vj\n");
    // The cursor is on what is in use, and that is marked.
    assert!(desk.screen().contains("* payments"), "{}", desk.screen());
    desk.key(KeyCode::Down);
    desk.keys("\t\n");
    assert_eq!(desk.set(), ["service=payments", "service=web"]);
    desk.keys("\nall\t\n");
    assert_eq!(desk.set(), ["service=$__all"], "every one is no single one");
}

#[test]
fn the_cursor_stays_on_its_value_while_one_types() {
    let mut desk = Desk::new();
    desk.keys("vj\n");
    // Of `payments` and `web`, both left by the filter, it was on the second.
    desk.key(KeyCode::Down);
    desk.keys("e");
    desk.key(KeyCode::Backspace);
    desk.key(KeyCode::Enter);
    assert_eq!(desk.set(), ["service=web"]);
}

#[test]
fn what_depends_on_a_choice_is_asked_anew() {
    let mut desk = Desk::new();
    desk.keys("v\ndata\n");
    assert_eq!(desk.set(), ["team=data"]);
    // Its values are open while the answer comes.
    desk.keys("j\n");
    assert!(desk.screen().contains("checkout"));
    desk.answers(&variables("data", "postgres"), 1.0);
    let values = desk.screen();
    assert!(values.contains("redis") && !values.contains("checkout"), "{values}");
    desk.keys("red\n");
    assert_eq!(desk.set(), ["service=redis", "team=data"]);
    // `u`: as the dashboard has it.
    desk.keys("u");
    assert_eq!(desk.set(), ["team=data"]);
}

#[test]
fn a_text_is_typed_and_a_constant_is_not() {
    let mut desk = Desk::new();
    desk.keys("vjj\nfive q\n");
    assert_eq!(desk.set(), ["note=five q"]);
    desk.keys("j\n");
    assert!(desk.screen().contains("'cluster' is fixed by the dashboard"), "{}", desk.screen());
    desk.key(KeyCode::Esc);
    desk.key(KeyCode::Esc);
    desk.keys("1");
    desk.screen();
    desk.keys("6");
    assert_eq!(desk.set(), ["note=five q"], "kept for the session");
}

#[test]
fn a_dashboard_without_variables_says_so() {
    let mut world = testing::incident();
    world.size = (80, 24);
    let mut screen = crate::ui::screens::metrics::Metrics::default();
    world.drawn(&mut screen);
    let reply = crate::ui::Screen::run(&mut screen, crate::command::Command::Variables, &world.view());
    assert!(matches!(reply, crate::ui::Reply::Say(says) if says == "this dashboard has no variables"));
}
