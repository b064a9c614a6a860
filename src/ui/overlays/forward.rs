//! `F` Which local port leads to which of a pod's.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Line,
};

use super::{evidence::answer, object::workload_of};
use crate::{
    action::equivalent::kubectl,
    app::Effect,
    model::{
        forward::{Forward, ForwardAsk, ForwardTo, holder},
        kubernetes::{ObjectKey, WorkloadKey, resource::ResourceKey},
    },
    query::{Answer, ObjectRef, PageLine, Query},
    store::Changes,
    text::{Clean, quoted},
    ui::{
        Overlay, Reply, View,
        target::Target,
        widgets::{
            cells::{put_line, row},
            dialog::dialog,
            frame::Frame,
            text_input::TextInput,
            wrap::wrapped,
        },
    },
};

/// Below it only root may listen.
const PRIVILEGED: u16 = 1024;
/// Added to a privileged port for its local one, as most people do.
const ABOVE: u16 = 8000;

/// What a port can lead to of a row.
///
/// # Errors
/// In words, why to nothing.
pub fn forward_to(target: &Target) -> Result<ForwardTo, &'static str> {
    match target {
        Target::Pod(key) => Ok(ForwardTo::Pod(key.clone())),
        Target::Workload(key) => Ok(ForwardTo::Workload(key.clone())),
        Target::Object(key) if key.resource.group.is_empty() && key.resource.plural == "services" => {
            let (cluster, namespace, name) = (key.cluster.clone(), key.namespace.clone(), key.name.clone());
            Ok(ForwardTo::Service(ObjectKey { cluster, namespace, name }))
        }
        _ => Err("ports lead to pods, workloads and services"),
    }
}

pub struct ForwardForm {
    to: ForwardTo,
    /// The workload of a pod: its others take the pod's place when it is gone.
    or: Option<WorkloadKey>,
    input: TextInput,
    /// Ports that its containers name, and what they are called.
    ports: Option<Vec<(u16, String)>>,
    /// Which of the ports stands in the field; `None`: something was typed.
    chosen: Option<usize>,
    /// Why what was written was not taken.
    said: Option<Clean>,
}

impl ForwardForm {
    pub fn new(to: ForwardTo) -> Self {
        Self { to, or: None, input: TextInput::default(), ports: None, chosen: Some(0), said: None }
    }

    fn query(&self) -> Query {
        match &self.to {
            ForwardTo::Pod(key) => Query::Yaml(ObjectRef::Pod(key.clone())),
            ForwardTo::Workload(key) => Query::Yaml(ObjectRef::Workload(key.clone())),
            ForwardTo::Service(key) => Query::YamlAny(ResourceKey::service(key)),
        }
    }

    /// What an object of this kind calls the number of a port, and whose ports those are.
    fn field(&self) -> (&'static str, &'static str) {
        match &self.to {
            ForwardTo::Pod(_) | ForwardTo::Workload(_) => ("containerPort", "its containers"),
            ForwardTo::Service(_) => ("port", "the service"),
        }
    }

    fn fill(&mut self, forwards: &[Forward]) {
        let chosen = self.chosen.and_then(|index| self.ports.as_ref()?.get(index));
        if let Some((port, _)) = chosen {
            let usual = if *port < PRIVILEGED { port + ABOVE } else { *port };
            let local = (usual..=u16::MAX).find(|local| is_free(forwards, *local)).unwrap_or(usual);
            self.input = TextInput::offered(&format!("{local}:{port}"));
        }
    }

    fn step(&mut self, by: isize, forwards: &[Forward]) {
        let count = self.ports.as_ref().map_or(0, Vec::len);
        let at = self.chosen.map_or(0, |at| at.saturating_add_signed(by).min(count.saturating_sub(1)));
        self.chosen = Some(at);
        self.fill(forwards);
    }

    fn enter(&mut self, forwards: &[Forward]) -> Reply {
        match ForwardAsk::parse(self.to.clone(), self.input.text()) {
            Ok(ask) if let Some(says) = ask.clash(forwards) => {
                self.said = Some(says);
                Reply::Done
            }
            Ok(ask) => {
                let ask = ForwardAsk { or: self.or.clone(), ..ask };
                Reply::Many(vec![Reply::Close, Reply::Do(Effect::Forward(ask))])
            }
            Err(says) => {
                self.said = Some(says);
                Reply::Done
            }
        }
    }
}

/// No forward of ours listens there, and none was kept from it: that one is another program's.
fn is_free(forwards: &[Forward], local: u16) -> bool {
    let was_refused = |one: &Forward| one.failure().is_some() && one.local.is_none() && one.ask.local == Some(local);
    holder(forwards, local).is_none() && !forwards.iter().any(was_refused)
}

/// The ports in an object's YAML, in its order: of each list item that has such a field, its number and its name.
fn ports_of(lines: &[PageLine], field: &str) -> Vec<(u16, String)> {
    let mut items: Vec<(Option<u16>, String)> = Vec::new();
    // Fields of the item that is read stand in this column; none: no item is.
    let mut column = None;
    for line in lines {
        let PageLine::Text(line) = line else { continue };
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let (text, indent) = match text.strip_prefix("- ") {
            Some(rest) => {
                items.push((None, String::new()));
                column = Some(indent + 2);
                (rest, indent + 2)
            }
            None => (text, indent),
        };
        if column.is_some_and(|column| indent < column) {
            column = None;
        }
        let (Some((name, value)), true, Some(item)) = (text.split_once(": "), column == Some(indent), items.last_mut())
        else {
            continue;
        };
        match name {
            name if name == field => item.0 = value.trim().parse().ok(),
            "name" => value.trim().trim_matches('"').clone_into(&mut item.1),
            _ => {}
        }
    }
    let mut ports: Vec<_> = items.into_iter().filter_map(|(port, name)| Some((port?, name))).collect();
    ports.dedup_by_key(|(port, _)| *port);
    ports
}

impl Overlay for ForwardForm {
    fn owns_keys(&self) -> bool {
        true
    }

    fn key(&mut self, key: KeyEvent, view: &View<'_>) -> Reply {
        self.said = None;
        match key.code {
            KeyCode::Esc => return Reply::Close,
            KeyCode::Enter => return self.enter(view.forwards),
            KeyCode::Down | KeyCode::Tab => self.step(1, view.forwards),
            KeyCode::Up | KeyCode::BackTab => self.step(-1, view.forwards),
            _ => {
                self.chosen = None;
                self.input.handle(key);
            }
        }
        Reply::Done
    }

    fn paste(&mut self, text: &str) {
        self.chosen = None;
        self.input = TextInput::new(text.trim());
    }

    fn wanted(&self, _view: &View<'_>) -> Vec<Query> {
        vec![self.query()]
    }

    fn sync(&mut self, view: &View<'_>, _changes: Changes) {
        if let ForwardTo::Pod(key) = &self.to {
            let workload = workload_of(view, &Target::Pod(key.clone())).map(|workload| workload.key.clone());
            self.or = workload.or(self.or.take());
        }
        if self.ports.is_some() {
            return;
        }
        if let Ok(Answer::Page(lines)) = answer(view, &self.query()) {
            self.ports = Some(ports_of(lines, self.field().0));
            self.fill(view.forwards);
        }
    }

    fn render(&mut self, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
        let theme = view.theme;
        let prod = if view.settings.is_production(self.to.cluster()) { "PROD " } else { "" };
        let place = format!("{prod}{}/{}", self.to.cluster(), self.to.namespace());
        let inside = dialog(Frame::new(theme, format!("FORWARD {}", self.to)).info(place), area, 72, 8, buf);
        let (_, whose) = self.field();
        let names = match self.ports.as_deref() {
            None => format!("asking for the ports of {whose}"),
            Some([]) => format!("{whose} names no ports: write one").replace("containers names", "containers name"),
            Some(ports) => {
                let words: Vec<String> = ports.iter().map(|(port, name)| format!("{port} {name}")).collect();
                format!("its ports: {}", words.join(", ").replace(" ,", ","))
            }
        };
        let below = "127.0.0.1 only; it ends with midwatch. :forwards lists it.";
        // In the dialog: the footer has no room for its end, which says what can be written.
        let said = self.said.as_ref().map_or_else(Vec::new, |said| wrapped(said, inside.width));
        let last = if said.len() > 1 { 5 } else { 4 };
        let dim = [(0, names.as_str(), theme.dim), (last, below, theme.dim)];
        let said = said.iter().take(2).zip(3..).map(|(line, index)| (index, line.as_str(), theme.wrong));
        for (index, words, style) in dim.into_iter().chain(said) {
            if let Some(spot) = row(inside, index) {
                put_line(buf, spot, &Line::styled(words, style), theme.glyphs.ellipsis);
            }
        }
        let is_there = |one: &&Forward| one.ask.to == self.to && one.failure().is_none();
        let there = view.forwards.iter().filter(is_there).find_map(Forward::address);
        // What is wrong with what was written stands there instead.
        if self.said.is_none()
            && let Some((address, spot)) = there.zip(row(inside, 3))
        {
            let words = Line::styled(format!("{address} leads there already"), theme.stale);
            put_line(buf, spot, &words, theme.glyphs.ellipsis);
        }
        let field = row(inside, 2)?;
        let used = put_line(buf, field, &Line::styled("local:remote  ", theme.dim), "");
        let spot = Rect { x: field.x + used, width: field.width.saturating_sub(used), ..field };
        self.input.render(spot, "8080:80", theme, buf)
    }

    fn hints(&self) -> Vec<(String, String)> {
        let has_others = self.ports.as_ref().is_some_and(|ports| ports.len() > 1);
        let all = [("enter", "forward", true), ("up/down", "its other ports", has_others), ("esc", "leave", true)];
        all.into_iter().filter(|(.., applies)| *applies).map(|(key, word, _)| (key.into(), word.into())).collect()
    }

    fn line(&self, view: &View<'_>) -> Option<String> {
        let kubectl = kubectl(view.settings, self.to.cluster(), self.to.namespace());
        Some(format!("{kubectl} port-forward {} {}", quoted(&self.to.to_string()), quoted(self.input.text())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::kubernetes::resource::Resource;

    #[test]
    fn ports_are_read_with_their_names() {
        let yaml = "spec:\n  containers:\n  - name: web\n    ports:\n    - containerPort: 8080\n      name: http\n      protocol: TCP\n    - containerPort: 9090\n    resources: {}\n  - name: side\n";
        let lines: Vec<PageLine> = yaml.lines().map(|line| PageLine::Text(line.into())).collect();
        assert_eq!(ports_of(&lines, "containerPort"), [(8080, "http".to_owned()), (9090, String::new())]);
    }

    #[test]
    fn ports_of_a_service_are_those_it_listens_on() {
        let yaml = "spec:\n  ports:\n  - name: http\n    port: 80\n    targetPort: 8080\n  - name: \"metrics\"\n    port: 9090\n  selector:\n    port: 7\n";
        let lines: Vec<PageLine> = yaml.lines().map(|line| PageLine::Text(line.into())).collect();
        assert_eq!(ports_of(&lines, "port"), [(80, "http".to_owned()), (9090, "metrics".to_owned())]);
    }

    #[test]
    fn a_local_port_that_leads_somewhere_is_not_offered_again() {
        let to = ForwardTo::Pod(crate::ui::testing::object("web-1"));
        let forward = |local: u16| {
            let ask = ForwardAsk { to: to.clone(), or: None, local: None, remote: None };
            Forward { local: Some(local), ..Forward::new(1, ask) }
        };
        let offered = |port: u16, forwards: &[Forward]| {
            let mut form = ForwardForm { ports: Some(vec![(port, String::new())]), ..ForwardForm::new(to.clone()) };
            form.fill(forwards);
            form.input.text().to_owned()
        };
        assert_eq!(offered(80, &[]), "8080:80");
        assert_eq!(offered(80, &[forward(8080)]), "8081:80");
        assert_eq!(offered(8080, &[forward(8080), forward(8081)]), "8082:8080");
        let failed = Forward { state: crate::model::forward::ForwardState::Failed("gone".into()), ..forward(8080) };
        assert_eq!(offered(8080, &[failed]), "8080:8080", "it listens no more");
        let ask = ForwardAsk { to: to.clone(), or: None, local: Some(8080), remote: None };
        let state = crate::model::forward::ForwardState::Failed("in use by another program".into());
        let refused = Forward { state, ..Forward::new(1, ask) };
        assert_eq!(offered(8080, &[refused]), "8081:8080", "another program has it");
    }

    #[test]
    fn ports_lead_to_services_and_to_no_other_object() {
        let object = |plural: &str| {
            let resource = Resource::v1(("", plural, "Kind"), true);
            let cluster = crate::ui::testing::cluster();
            Target::Object(ResourceKey {
                cluster,
                resource: Arc::new(resource),
                namespace: "shop".into(),
                name: "web".into(),
            })
        };
        assert_eq!(forward_to(&object("services")).map(|to| to.to_string()), Ok("svc/web".to_owned()));
        assert!(forward_to(&object("configmaps")).is_err());
    }
}
