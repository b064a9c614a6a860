//! Any kind of object: `:` and its name, its table in the place of the workloads, its page, its owner.

mod acts;
mod narrow;
mod secrets;
mod states;
mod tables;
mod widths;
mod words;

use std::sync::Arc;

use self::secrets::secrets;
use super::*;
use crate::{
    model::{
        BackendId, BackendKind, Name,
        kubernetes::{
            Owner,
            resource::{OwnerReference, Resource, Resources},
            table::{ObjectTable, TableColumn, TableRow},
        },
    },
    query::{Answer, Query, TableQuery},
    source::{Answered, ErrorKind, SourceError},
    text::Clean,
    ui::testing::{at, cluster, incident, pod},
};

fn staging() -> BackendId {
    BackendId::new("staging-eu1")
}

fn resource(group: &str, plural: &str, kind: &str, short: &[&str]) -> Arc<Resource> {
    Arc::new(Resource {
        group: group.into(),
        version: "v1".into(),
        plural: plural.into(),
        singular: kind.to_lowercase().into(),
        kind: kind.into(),
        short_names: short.iter().map(|name| Clean::from(*name)).collect(),
        is_namespaced: kind != "Node",
    })
}

fn served() -> Resources {
    let list = vec![
        resource("", "pods", "Pod", &["po"]),
        resource("", "namespaces", "Namespace", &["ns"]),
        resource("", "nodes", "Node", &["no"]),
        resource("", "events", "Event", &["ev"]),
        resource("", "services", "Service", &["svc"]),
        resource("batch", "jobs", "Job", &[]),
        resource("batch", "cronjobs", "CronJob", &["cj"]),
        resource("velero.io", "backups", "Backup", &[]),
        resource("cnpg.io", "backups", "Backup", &[]),
    ];
    Resources { list, troubles: Vec::new() }
}

fn row(name: &str, cells: &[&str]) -> TableRow {
    TableRow {
        namespace: "production".into(),
        name: name.into(),
        uid: "u".into(),
        created: Some(at("02:00")),
        owner: None,
        labels: Box::new([("app".into(), name.into())]),
        cells: std::iter::once(name).chain(cells.iter().copied()).map(Clean::from).collect(),
        ..TableRow::default()
    }
}

fn table(columns: &[&str], rows: Vec<TableRow>) -> ObjectTable {
    let column = |name: &&str| TableColumn { name: Clean::from(*name), ..TableColumn::default() };
    let mut rows: Vec<_> = rows.into_iter().map(Arc::new).collect();
    rows.sort_by(|one, two| (&one.namespace, &one.name).cmp(&(&two.namespace, &two.name)));
    let columns = columns.iter().map(column).collect();
    ObjectTable { columns, rows, is_complete: true, every: Duration::from_secs(5), ..ObjectTable::default() }
}

impl Desk {
    fn wanted(&self) -> Vec<Query> {
        self.app.wanted(self.clock.now()).into_iter().collect()
    }

    /// The tables that are asked for now.
    fn tables(&self) -> Vec<TableQuery> {
        let of = |query| if let Query::Table(table) = query { Some(table) } else { None };
        self.wanted().into_iter().filter_map(of).collect()
    }

    fn answer(&mut self, query: Query, body: Result<Answer, SourceError>) {
        let at = self.clock.now().wall;
        self.app.update(Msg::Answer(Box::new(Answered { query, generation: 1, at, body })), self.clock.now());
    }

    fn serves(&mut self, cluster: &BackendId) {
        self.answer(Query::Resources(cluster.clone()), Ok(Answer::Resources(Arc::new(served()))));
    }

    /// Answers the table that is asked of a cluster.
    fn lists(&mut self, cluster: &BackendId, body: Result<ObjectTable, SourceError>) {
        let query = self.tables().into_iter().find(|table| table.cluster == *cluster).expect("it is asked for");
        self.answer(Query::Table(query), body.map(|table| Answer::Table(Arc::new(table))));
    }

    /// The cluster says which namespaces it has; what follows.
    fn has_namespaces(&mut self, body: Result<&[&str], SourceError>) -> Vec<Effect> {
        let is_it = |query: &Query| matches!(query, Query::Table(table) if table.resource.plural == "namespaces");
        let query = self.wanted().into_iter().find(is_it).expect("it is asked for");
        let rows = |names: &[&str]| names.iter().map(|name| row(name, &[])).collect();
        let body = body.map(|names| Answer::Table(Arc::new(table(&["Name"], rows(names)))));
        let at = self.clock.now().wall;
        self.app.update(Msg::Answer(Box::new(Answered { query, generation: 1, at, body })), self.clock.now())
    }

    fn screen(&mut self) -> String {
        self.frame((120, 35))
    }

    /// The line of the screen with this text.
    fn row_with(&mut self, text: &str) -> String {
        let screen = self.screen();
        let found = screen.lines().find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("'{text}' is not on the screen:\n{screen}")).to_owned()
    }

    fn has(&mut self, text: &str) {
        self.row_with(text);
    }

    fn selected_name(&self) -> String {
        self.app.selected(self.clock.now()).map(|target| target.to_string()).unwrap_or_default()
    }
}

/// One cluster that serves the usual kinds.
fn desk() -> Desk {
    let mut desk = Desk::new(incident());
    desk.serves(&cluster());
    desk
}

fn jobs() -> ObjectTable {
    let mut owned = row("report-10", &["Complete", "1/1"]);
    owned.owner = Some(OwnerReference { group: "batch".into(), kind: "CronJob".into(), name: "report".into() });
    let rows = vec![row("report-9", &["Complete", "1/1"]), owned, row("vacuum", &["Failed", "0/1"])];
    table(&["Name", "Status", "Completions"], rows)
}

#[test]
fn a_word_shows_the_kind_in_the_place_of_the_workloads_and_esc_brings_them_back() {
    let mut desk = Desk::new(incident());
    desk.keys(":");
    assert!(desk.wanted().contains(&Query::Resources(cluster())), "the palette asks what there is");
    desk.keys("svc");
    desk.press(KeyCode::Enter);
    desk.has("loading what the cluster serves");
    assert!(desk.tables().is_empty());
    desk.serves(&cluster());
    assert_eq!(desk.tables().len(), 1);
    assert_eq!((desk.tables()[0].resource.plural.as_str(), desk.tables()[0].namespaces.len()), ("services", 0));
    desk.lists(&cluster(), Ok(table(&["Name", "Type", "Age"], vec![row("web", &["ClusterIP", "9s"])])));
    desk.has("SERVICES 1");
    let row = desk.row_with("ClusterIP");
    assert!(row.contains("web") && row.contains("production") && row.contains("74m"), "its own age: {row}");
    assert_eq!(desk.selected_name(), "service/web");
    desk.keys("R");
    desk.has("service/web: it is no revision of a workload that is watched");
    assert!(!desk.screen().contains("WORKLOADS"));
    desk.press(KeyCode::Esc);
    desk.has("WORKLOADS");
    assert!(desk.tables().is_empty(), "nobody looks: nobody asks");
    assert!(!desk.wanted().contains(&Query::Resources(cluster())));
}

#[test]
fn trouble_stands_first_and_every_column_sorts() {
    let mut desk = desk();
    desk.line("jobs");
    desk.lists(&cluster(), Ok(jobs()));
    let order = |desk: &mut Desk| {
        let screen = desk.screen();
        let at = |name: &str| screen.lines().position(|line| line.contains(name)).expect(name);
        let mut names = ["report-9 ", "report-10", "vacuum"];
        names.sort_by_key(|name| at(name));
        names
    };
    assert_eq!(order(&mut desk), ["vacuum", "report-10", "report-9 "]);
    desk.has("1 not ok");
    desk.keys(">");
    desk.has("sort name");
    assert_eq!(order(&mut desk), ["report-9 ", "report-10", "vacuum"], "as people count");
    desk.keys("<<");
    desk.has("sort trouble, reversed");
    let head = desk.screen();
    let y = head.lines().position(|line| line.contains("completions")).expect("the head") as u16;
    let x = head.lines().nth(y.into()).and_then(|line| line.find("completions")).expect("the head") as u16;
    let click = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column: x + 1,
        row: y,
        modifiers: KeyModifiers::NONE,
    };
    desk.app.update(Msg::Mouse(click), desk.clock.now());
    desk.has("sort completions");
    desk.keys("u");
    desk.has("sort trouble, reversed");
    desk.app.update(Msg::Mouse(click), desk.clock.now());
    desk.has("sort completions");
    assert_eq!(order(&mut desk)[0], "vacuum", "0/1 before 1/1");
}

#[test]
fn the_filter_and_the_selection_hold_while_the_table_is_read_anew() {
    let mut desk = desk();
    desk.line("jobs");
    desk.lists(&cluster(), Ok(jobs()));
    desk.screen();
    desk.keys("j");
    assert_eq!(desk.selected_name(), "job/report-10");
    let mut more = jobs();
    more.rows.insert(0, Arc::new(row("aaa", &["Failed", "0/1"])));
    desk.lists(&cluster(), Ok(more));
    desk.has("1 new above");
    assert_eq!(desk.selected_name(), "job/report-10");
    desk.pass(Duration::from_secs(6));
    desk.app.update(Msg::Tick, desk.clock.now());
    desk.has("aaa");
    assert_eq!(desk.selected_name(), "job/report-10");
    desk.keys("/-l app=vacuum");
    desk.press(KeyCode::Enter);
    desk.has("JOBS 1");
    assert_eq!(desk.selected_name(), "job/vacuum");
    desk.press(KeyCode::Esc);
    desk.has("JOBS 4");
}

#[test]
fn a_refusal_is_said_as_one_and_the_other_cluster_is_there() {
    let mut world = incident();
    world.settings.backends.insert(staging(), BackendKind::Kubernetes);
    let mut desk = Desk::new(world);
    desk.serves(&cluster());
    desk.line("svc");
    desk.has("staging-eu1: loading what it serves");
    desk.serves(&staging());
    let says = "Kubernetes 'prod-eu1' forbids it (403): services is forbidden: User \"jo\" cannot list";
    desk.lists(&cluster(), Err(SourceError::new(ErrorKind::Auth, says)));
    desk.has("denied: Kubernetes 'prod-eu1' forbids it (403)");
    desk.lists(&staging(), Ok(table(&["Name", "Type"], vec![row("web", &["ClusterIP"])])));
    desk.has("?? prod-eu1: Kubernetes 'prod-eu1' forbids it (403)");
    assert!(desk.row_with("ClusterIP").contains("staging-eu1"), "several clusters have a column");
}

#[test]
fn a_kind_that_was_refused_is_grey_in_the_palette_until_it_is_read() {
    let mut desk = desk();
    desk.line("svc");
    desk.lists(&cluster(), Err(SourceError::new(ErrorKind::Auth, "services is forbidden (403)")));
    desk.press(KeyCode::Esc);
    let wanted = desk.app.wanted(desk.clock.now());
    desk.app.store.keep_answers(&wanted);
    desk.keys(":svc");
    let offered = desk.row_with("denied: services is forbidden (403)");
    assert!(offered.contains("services") && !offered.contains("kind Service"), "{offered}");
    desk.press(KeyCode::Enter);
    assert_eq!(desk.tables().len(), 1, "rights may have changed: it is tried again");
    desk.lists(&cluster(), Ok(table(&["Name"], vec![row("web", &[])])));
    desk.keys(":svc");
    desk.has("kind Service (v1)");
}

#[test]
fn old_rows_stay_and_say_how_old_they_are() {
    let mut desk = desk();
    desk.line("svc");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], vec![row("web", &["ClusterIP"])])));
    desk.pass(Duration::from_mins(2));
    desk.lists(&cluster(), Err(SourceError::new(ErrorKind::Unreachable, "no route to host")));
    desk.has("ClusterIP");
    let head = desk.row_with("SERVICES 1");
    assert!(head.contains("?? ") && head.contains("no route to host"), "{head}");
}

#[test]
fn a_list_that_is_cut_or_narrow_says_so() {
    let mut desk = desk();
    desk.line("svc");
    let mut cut = table(&["Name", "Type"], vec![row("web", &["ClusterIP"])]);
    cut.notes = vec!["the first 10000 of 50000: choose a namespace with :ns".into()];
    cut.is_complete = false;
    desk.lists(&cluster(), Ok(cut));
    desk.has("the first 10000 of 50000");
    desk.has("more is being read");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], Vec::new())));
    desk.has("no services");
}

#[test]
fn enter_opens_the_page_and_its_yaml() {
    let mut desk = desk();
    desk.line("svc");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], vec![row("web", &["ClusterIP"])])));
    desk.screen();
    desk.press(KeyCode::Enter);
    desk.has("loading");
    let page = desk.wanted().into_iter().find(|query| matches!(query, Query::DescribeAny(_))).expect("it is asked");
    desk.answer(page, Ok(Answer::Page(vec![crate::query::PageLine::Field("type".into(), "ClusterIP".into(), None)])));
    desk.has("PROD prod-eu1/production");
    desk.press(KeyCode::Tab);
    assert!(desk.wanted().iter().any(|query| matches!(query, Query::YamlAny(key) if key.name == "web")));
    assert_eq!(desk.tables().len(), 1, "the table below is still read");
    desk.press(KeyCode::Esc);
    desk.keys("x");
    desk.has("kubectl --context prod-eu1 -n production logs services/web --all-pods --all-containers --since=15m");
    desk.keys("jj");
    desk.has("kubectl --context prod-eu1 -n production describe services web");
}

#[test]
fn logs_of_an_object_are_those_of_its_pods() {
    let log = |kind: &str, mut desk: Desk, table: ObjectTable| {
        desk.line(kind);
        desk.lists(&cluster(), Ok(table));
        desk.screen();
        desk.keys("l");
        desk
    };
    let desk = log("jobs", desk(), jobs());
    let asked = desk.wanted().into_iter().find_map(|query| match query {
        Query::Logs(query) if matches!(query.target, crate::query::LogTarget::Object(_)) => Some(query.target),
        _ => None,
    });
    assert!(asked.is_some_and(|target| target.to_string() == "job/vacuum"));
    let mut desk = secrets();
    desk.keys("l");
    desk.has("secrets have no log of their own");
    desk.keys("x");
    desk.has("kubectl --context prod-eu1 -n production describe secrets db");
}

#[test]
fn the_owner_is_one_key_away_of_objects_and_of_pods() {
    let mut desk = desk();
    desk.line("jobs");
    desk.lists(&cluster(), Ok(jobs()));
    desk.screen();
    desk.keys("J");
    desk.has("nothing owns it");
    desk.keys("jJ");
    assert_eq!(desk.tables()[0].resource.plural, "cronjobs");
    let rows = vec![row("backup", &["1 * * * *"]), row("report", &["0 3 * * *"])];
    desk.lists(&cluster(), Ok(table(&["Name", "Schedule"], rows)));
    desk.has("CRONJOBS 2");
    assert_eq!(desk.selected_name(), "cronjob/report", "it is selected as soon as it is there");

    let mut world = incident();
    let mut of_job = pod("report-10", "x7k2p", None);
    of_job.owner = Some(Owner { kind: "Job".into(), name: "report-10".into(), uid: "u".into() });
    let key = of_job.key.clone();
    world.pods([of_job]);
    let mut desk = Desk::new(world);
    desk.serves(&cluster());
    desk.line("kind pods");
    desk.lists(&cluster(), Ok(table(&["Name", "Status"], vec![row(&key.name, &["Running"])])));
    desk.screen();
    assert_eq!(desk.selected_name(), format!("pod {}", key.name), "a pod is a pod wherever it is shown");
    desk.keys("J");
    assert_eq!(desk.tables()[0].resource.plural, "jobs");
    desk.lists(&cluster(), Ok(jobs()));
    desk.screen();
    assert_eq!(desk.selected_name(), "job/report-10");
}

#[test]
fn a_kind_is_drawn_at_every_size_and_hostile_cells_do_no_harm() {
    let mut desk = desk();
    desk.line("svc");
    let long = "x".repeat(500);
    let rows = vec![row("web", &["ClusterIP", &long]), row("日本語", &["", "\u{1b}[31mred"])];
    desk.lists(&cluster(), Ok(table(&["Name", "Type", "Message"], rows)));
    for size in [(60, 16), (80, 24), (120, 35), (200, 60)] {
        let frame = desk.frame(size);
        assert!(frame.contains("web") && !frame.contains('\u{1b}'), "{frame}");
    }
}
