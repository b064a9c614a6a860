//! Before a program or a shell is given a row: what exactly is run, where, and a key that says yes. In production what
//! may change something asks for the object's name.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::choice::{Answer, Choice, Question};
use crate::{
    app::{Effect, settings::Settings},
    custom::{Output, Program},
    model::{
        Name,
        kubernetes::{ContainerRole, ObjectKey},
    },
    text::{Clean, quoted},
    time::Now,
    ui::{
        Overlay, Reply, View,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
            text_input::TextInput,
            wrap::wrapped,
        },
    },
};

/// Keys typed on from before the dialog are dropped until there was this long a pause.
const QUIET: Duration = Duration::from_millis(400);
const WIDTH: u16 = 92;

/// The question.
struct Consent {
    title: String,
    place: String,
    /// What is run, and what is to be known of it.
    line: String,
    facts: Vec<String>,
    /// What must be typed; `None`: `y` is enough.
    value: Option<Clean>,
    input: TextInput,
    then: Option<Effect>,
    /// When the last key that was dropped came; `None`: it was not drawn yet.
    noise: Option<Instant>,
    is_armed: bool,
}

impl Consent {
    fn say_yes(&mut self) -> Reply {
        match self.then.take() {
            Some(effect) => Reply::Many(vec![Reply::Close, Reply::Do(effect)]),
            None => Reply::Close,
        }
    }

    fn enter(&mut self) -> Reply {
        match &self.value {
            Some(value) if *value == self.input.text() => self.say_yes(),
            Some(value) => Reply::Say(Clean::own(format!("nothing was run: type {value}"))),
            None => Reply::Say("nothing was run: press y".into()),
        }
    }
}

/// Before a program is run.
pub fn consent_to_run(program: Box<Program>, now: Now) -> Box<dyn Overlay> {
    let prod = if program.production { "PROD " } else { "" };
    let writes = if program.writes { "It may change what runs; midwatch cannot undo it." } else { "It only reads." };
    let output = match program.output {
        Output::Screen => "It has the screen until it ends.",
        Output::Page => "Its output is shown when it has ended.",
        Output::Nowhere => "It runs in the background; how it ends is said.",
    };
    let facts = vec![writes.to_owned(), output.to_owned()];
    let value = (program.production && program.writes && !program.object.is_empty()).then(|| program.object.clone());
    Box::new(Consent {
        title: format!("RUN {} on {}", program.name, program.on),
        place: format!("{prod}{}", program.place),
        line: program.line().to_string(),
        facts,
        value,
        input: TextInput::default(),
        then: Some(Effect::Run(program)),
        noise: Some(now.mono),
        is_armed: false,
    })
}

/// A shell in a container: at once, and in production after a `y`.
pub fn shell(pod: &ObjectKey, container: &Name, settings: &Settings) -> Reply {
    let effect = Effect::Shell { pod: pod.clone(), container: container.clone() };
    if !settings.is_production(&pod.cluster) {
        return Reply::Do(effect);
    }
    Reply::Push(Box::new(Consent {
        title: format!("SHELL in {container} of pod {}", pod.name),
        place: format!("PROD {}/{}", pod.cluster, pod.namespace),
        line: format!(
            "kubectl --context {} -n {} exec -it {} -c {} -- sh",
            quoted(settings.context_of(&pod.cluster)),
            quoted(&pod.namespace),
            quoted(&pod.name),
            quoted(container)
        ),
        facts: vec![
            "bash is taken where the container has it.".to_owned(),
            "What is typed there runs in production. It is audited that a shell was opened, not what was typed."
                .to_owned(),
            "exit or ctrl-d ends it; ~. at the beginning of a line leaves one that hangs.".to_owned(),
        ],
        value: None,
        input: TextInput::default(),
        then: Some(effect),
        noise: None,
        is_armed: false,
    }))
}

/// Which of a pod's running containers.
pub fn choose_container(pod: ObjectKey) -> Box<dyn Overlay> {
    Box::new(Choice::new(true, Vec::new(), move |view| {
        let running = view.store.kube.pods.get(&pod).map(|pod| pod.running_containers()).unwrap_or_default();
        let prod = if view.settings.is_production(&pod.cluster) { "PROD " } else { "" };
        let answers = running.into_iter().map(|one| {
            let (key, name) = (pod.clone(), one.name.clone());
            let role = match one.role {
                ContainerRole::Main => "",
                ContainerRole::Init => "init   ",
                ContainerRole::Sidecar => "sidecar   ",
                ContainerRole::Ephemeral => "ephemeral   ",
            };
            Answer {
                label: one.name.to_string(),
                note: format!("{role}{}", one.image),
                then: Box::new(move |view: &View<'_>| shell(&key, &name, view.settings)),
            }
        });
        Question {
            title: format!("SHELL in pod {}: which container?", pod.name),
            place: format!("{prod}{}/{}", pod.cluster, pod.namespace),
            answers: answers.collect(),
            leads_to: Some("open a shell"),
            ..Question::default()
        }
    }))
}

impl Overlay for Consent {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        if key.code == KeyCode::Esc {
            return Reply::Close;
        }
        let noise = self.noise.get_or_insert(view.now.mono);
        if !self.is_armed && view.now.since(*noise) < QUIET {
            *noise = view.now.mono;
            return Reply::Say("keys typed before the question was read were dropped".into());
        }
        self.is_armed = true;
        match key.code {
            KeyCode::Enter => self.enter(),
            KeyCode::Char('y') if self.value.is_none() => self.say_yes(),
            KeyCode::Char('n' | 'q') if self.value.is_none() => Reply::Close,
            _ if self.value.is_some() => {
                self.input.handle(key);
                Reply::Done
            }
            _ => Reply::Done,
        }
    }

    fn line(&self, _view: &View<'_>) -> Option<String> {
        Some(self.line.clone())
    }

    /// Pasted text never confirms.
    fn pasted(&mut self, _text: &str) -> Reply {
        Reply::Say("pasted text confirms nothing: type it".into())
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        self.noise.get_or_insert(view.now.mono);
        let theme = view.theme;
        let width = WIDTH.min(area.width).saturating_sub(4);
        let mut lines: Vec<(String, Style)> =
            wrapped(&self.line, width).into_iter().map(|line| (line, theme.strong)).collect();
        lines.push((String::new(), theme.text));
        for fact in &self.facts {
            lines.extend(wrapped(fact, width).into_iter().map(|line| (line, theme.text)));
        }
        lines.push((String::new(), theme.text));
        let frame = Frame::new(theme, self.title.as_str()).info(self.place.as_str());
        let inside = dialog(frame, area, WIDTH, lines.len() as u16 + 3, buf);
        for (index, (line, style)) in lines.iter().enumerate() {
            if let Some(spot) = row(inside, index as u16) {
                put_line(buf, spot, &Line::styled(line.as_str(), *style), theme.glyphs.ellipsis);
            }
        }
        let last = row(inside, (lines.len() as u16).min(inside.height.saturating_sub(1)))?;
        let Some(value) = &self.value else {
            let line = Line::from(vec![Span::styled("y", theme.key), Span::styled("  yes", theme.text)]);
            put_line(buf, last, &line, theme.glyphs.ellipsis);
            return None;
        };
        let ask = Line::from(vec![
            Span::styled("type ", theme.dim),
            Span::styled(value.as_str(), theme.strong),
            Span::styled(" and Enter  ", theme.dim),
        ]);
        let used = put_line(buf, last, &ask, theme.glyphs.ellipsis);
        let field = Rect { x: last.x + used, width: last.width.saturating_sub(used), ..last };
        self.input.render(field, "", theme, buf)
    }

    fn hints(&self) -> Vec<(String, String)> {
        let yes = if self.value.is_some() { ("enter", "run it") } else { ("y", "run it") };
        [yes, ("esc", "nothing is run")].map(|(key, word)| (key.to_owned(), word.to_owned())).to_vec()
    }
}
