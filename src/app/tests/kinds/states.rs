//! What the tables of Argo CD, Flux and Argo Rollouts say of their objects, and what the footer names on a row.

use super::*;
use crate::{
    command::ScreenId,
    model::{BackendId, Part, SourceId},
    source::{Delta, Fact, Update},
    ui::{
        Reply,
        testing::{cluster, event},
    },
};

/// The table of a kind that the cluster serves beside the usual ones.
fn desk_with(group: &str, plural: &str, kind: &str, columns: &[&str], rows: Vec<TableRow>) -> Desk {
    let mut desk = Desk::new(incident());
    let mut all = served();
    all.list.push(resource(group, plural, kind, &[]));
    let cluster: BackendId = cluster();
    desk.answer(Query::Resources(cluster.clone()), Ok(Answer::Resources(Arc::new(all))));
    desk.line(format!("{plural}.{group}").trim_end_matches('.'));
    desk.lists(&cluster, Ok(table(columns, rows)));
    desk
}

fn in_order(desk: &mut Desk, names: &[&str]) {
    let screen = desk.screen();
    let places: Vec<usize> =
        names.iter().map(|name| screen.find(name).unwrap_or_else(|| panic!("no '{name}' in\n{screen}"))).collect();
    assert!(places.is_sorted(), "{names:?} in\n{screen}");
}

#[test]
fn gitops_objects_in_trouble_stand_first() {
    let rows = vec![
        row("a-fine", &["Healthy, Synced"]),
        row("b-moves", &["Progressing, Synced"]),
        row("c-drifts", &["Healthy, OutOfSync"]),
        row("d-broken", &["Degraded, OutOfSync"]),
        row("e-unread", &["Healthy, Unknown"]),
        row("f-failed", &["Healthy, OutOfSync, sync: Failed: no such namespace"]),
    ];
    let mut desk = desk_with("argoproj.io", "applications", "Application", &["Name", "State"], rows);
    in_order(&mut desk, &["d-broken", "f-failed", "c-drifts", "e-unread", "b-moves", "a-fine"]);
    assert!(desk.row_with("d-broken").contains("!!") && desk.row_with("c-drifts").contains("! "));

    let rows = vec![
        row("a-fine", &["True", "Ready"]),
        row("b-off", &["True", "Suspended"]),
        row("c-broken", &["False", "Failed: BuildFailed: no such file"]),
    ];
    for (group, plural, kind) in [
        ("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization"),
        ("helm.toolkit.fluxcd.io", "helmreleases", "HelmRelease"),
    ] {
        let mut desk = desk_with(group, plural, kind, &["Name", "Ready", "State"], rows.clone());
        in_order(&mut desk, &["c-broken", "b-off", "a-fine"]);
        assert!(desk.row_with("c-broken").contains("Failed: BuildFailed: no such file"));
    }

    let rows = vec![
        row("a-fine", &["Healthy"]),
        row("b-waits", &["Paused: CanaryPauseStep"]),
        row("c-broken", &["Aborted: RolloutAborted"]),
    ];
    let mut desk = desk_with("argoproj.io", "rollouts", "Rollout", &["Name", "State"], rows);
    in_order(&mut desk, &["c-broken", "b-waits", "a-fine"]);
}

/// The server's table says `Running` of a Job that gets no pods: its events say why, and its first pod ends it.
#[test]
fn a_job_whose_pods_are_refused_is_wrong_and_says_why() {
    let desk = |world: World| {
        let mut desk = Desk::new(world);
        desk.serves(&cluster());
        desk.line("jobs");
        let job = |name: &str, status: &str| TableRow {
            uid: Clean::own(format!("uid-{name}")),
            ..row(name, &[status, "0/1"])
        };
        let rows = vec![job("a-calm", "Running"), job("b-refused", "Running"), job("c-failed", "Failed")];
        desk.lists(&cluster(), Ok(table(&["Name", "Status", "Completions"], rows)));
        desk
    };
    let says = "Error creating: pods \"b-refused-x\" is forbidden: exceeded quota: compute";
    let refused = |name: &str| event(name, "Job", "FailedCreate", 3, "03:10", says);
    let mut world = incident();
    world.events([refused("b-refused"), refused("c-failed")]);
    let mut one = desk(world);
    in_order(&mut one, &["c-failed", "b-refused", "a-calm"]);
    assert!(one.row_with("b-refused  ").contains("! ") && !one.row_with("a-calm").contains("! "));
    one.has("b-refused: no pods: exceeded quota: compute");
    assert!(!one.screen().contains("c-failed: no pods"), "it has ended");

    let mut world = incident();
    world.events([refused("b-refused")]);
    let mut made = pod("b-refused", "y", None);
    made.owner = Some(Owner { kind: "Job".into(), name: "b-refused".into(), uid: "uid-b-refused".into() });
    made.created = Some(at("03:11"));
    world.pods([made]);
    let mut one = desk(world);
    assert!(!one.screen().contains("no pods"), "a pod of it was made since:\n{}", one.screen());
}

/// Told while the table is looked at, and not again with each of its answers.
#[test]
fn a_refusal_that_comes_later_is_told_too() {
    let mut desk = Desk::new(incident());
    desk.serves(&cluster());
    desk.line("jobs");
    let job = TableRow { uid: "uid-report".into(), ..row("report", &["Running", "0/1"]) };
    desk.lists(&cluster(), Ok(table(&["Name", "Status", "Completions"], vec![job])));
    assert!(!desk.screen().contains("no pods"));
    let says = "Error creating: pods \"report-x\" is forbidden: violates PodSecurity \"restricted:latest\"";
    let event = event("report", "Job", "FailedCreate", 1, "03:12", says);
    let (from, at) = (SourceId::new(&cluster(), Part::Events), desk.clock.now().wall);
    let update = Update { from, at, generation: 1, body: Ok(vec![Fact::Event(Delta::Put(Box::new(event)))]) };
    desk.app.update(Msg::Update(Box::new(update)), desk.clock.now());
    desk.has("report: no pods: violates PodSecurity");
}

#[test]
fn the_footer_names_logs_only_where_there_are_pods() {
    let footer = |desk: &mut Desk| desk.screen().lines().last().expect("a footer").to_owned();
    let service = vec![row("web", &["ClusterIP"])];
    let mut desk = desk();
    desk.line("svc");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], service)));
    assert!(footer(&mut desk).contains("l logs"), "{}", footer(&mut desk));
    let mut desk = desk_with("", "configmaps", "ConfigMap", &["Name", "Data"], vec![row("web", &["2"])]);
    let shown = footer(&mut desk);
    assert!(shown.contains("d describe") && !shown.contains("l logs") && !shown.contains("p previous"), "{shown}");
}

/// The key's cell in the footer is crossed out where the row refuses it.
#[test]
fn the_footer_greys_what_the_row_refuses() {
    use ratatui::style::Modifier;
    let is_grey = |desk: &mut Desk, words: &str| {
        let mut buf = Buffer::empty(Rect::new(0, 0, 300, 35));
        desk.app.draw(&mut buf, desk.clock.now());
        let row = rows_of(&buf).pop().expect("a footer");
        let at = row.find(words).unwrap_or_else(|| panic!("no '{words}' in {row}"));
        buf[(at as u16 + words.len() as u16 - 1, 34)].modifier.contains(Modifier::CROSSED_OUT)
    };
    let mut desk = Desk::new(incident());
    desk.keys("3");
    desk.frame((200, 35));
    desk.press(KeyCode::Tab);
    desk.frame((200, 35));
    assert!(!is_grey(&mut desk, "l logs"));
    assert!(is_grey(&mut desk, "s shell"), "no container of it runs");
    // A plan is read in read-only mode, too; a shell has none.
    let mut desk = Desk::new(incident());
    desk.app.settings.read_only = Some("started with --read-only".into());
    desk.keys("3");
    desk.frame((200, 35));
    assert!(!is_grey(&mut desk, "R roll back"));
    desk.press(KeyCode::Tab);
    desk.frame((200, 35));
    assert!(is_grey(&mut desk, "s shell"));
}

fn footer(desk: &mut Desk, size: (u16, u16)) -> String {
    desk.frame(size).lines().last().expect("a footer").to_owned()
}

#[test]
fn an_empty_audit_offers_nothing_for_a_row_that_is_not_there() {
    let mut desk = desk();
    desk.keys("8");
    let shown = footer(&mut desk, (300, 35));
    assert!(!["enter open", ". why", "y copy"].iter().any(|key| shown.contains(key)), "{shown}");
}

#[test]
fn a_page_names_its_own_keys_and_a_table_only_those_that_work() {
    let mut desk = desk();
    desk.line("svc");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], vec![row("web", &["ClusterIP"])])));
    let shown = footer(&mut desk, (200, 35));
    assert!(shown.contains("enter open") && !shown.contains("J owner") && !shown.contains("tab pane"), "{shown}");
    desk.press(KeyCode::Enter);
    let shown = footer(&mut desk, (80, 24));
    assert!(shown.contains("esc back") && shown.contains("tab tabs"), "{shown}");
    let shown = footer(&mut desk, (200, 35));
    assert!(!shown.contains("enter open") && !shown.contains("z zoom") && !shown.contains("d describe"), "{shown}");

    let mut desk = Desk::new(incident());
    desk.keys("3");
    assert!(footer(&mut desk, (300, 35)).contains("tab pane"));
    desk.keys("l");
    for size in [(80, 24), (120, 35)] {
        let shown = footer(&mut desk, size);
        assert!(shown.contains("? help") && shown.contains("/ find"), "{shown}");
        assert!(size.0 < 120 || shown.contains(": command"), "{shown}");
        assert!(!shown.contains("l logs"), "it is the log: {shown}");
    }
}

#[test]
fn no_key_is_offered_for_what_a_row_never_has() {
    let mut desk = Desk::new(incident());
    let mut kinds = served();
    kinds.list.push(resource("source.toolkit.fluxcd.io", "gitrepositories", "GitRepository", &[]));
    desk.answer(Query::Resources(cluster()), Ok(Answer::Resources(Arc::new(kinds))));
    desk.line("gitrepositories");
    desk.lists(&cluster(), Ok(table(&["Name", "Ready"], vec![row("deploy", &["True"])])));
    for opens in [false, true] {
        if opens {
            desk.keys("d");
        }
        let shown = footer(&mut desk, (600, 35));
        assert!(!shown.contains("l logs") && !shown.contains("p previous log"), "{shown}");
        assert!(!shown.contains("o browser"), "{shown}");
    }
    let mut desk = Desk::new(incident());
    desk.keys("4");
    footer(&mut desk, (600, 35));
    assert!(footer(&mut desk, (600, 35)).contains("o browser"), "a run has an address");
}

#[test]
fn the_owner_of_an_event_is_what_it_is_about() {
    let mut desk = desk();
    desk.line("events");
    let says = ["3m", "Warning", "BackOff", "pod/web-1", "Back-off restarting failed container"];
    let columns = ["Name", "Last Seen", "Type", "Reason", "Object", "Message"];
    desk.lists(&cluster(), Ok(table(&columns, vec![row("web-1.17a", &says)])));
    desk.screen();
    desk.keys("J");
    assert_eq!(desk.tables()[0].resource.plural, "pods");
    desk.lists(
        &cluster(),
        Ok(table(&["Name", "Status"], vec![row("api-1", &["Running"]), row("web-1", &["Running"])])),
    );
    desk.screen();
    assert!(desk.selected_name().ends_with("web-1"), "{}", desk.selected_name());
}

#[test]
fn a_filter_that_gave_way_is_not_what_is_taken_back() {
    let mut desk = desk();
    desk.line("jobs");
    desk.lists(&cluster(), Ok(jobs()));
    desk.screen();
    let vacuum = desk.app.selected(desk.clock.now());
    desk.keys(">");
    desk.has("sort name");
    desk.keys("/report");
    desk.press(KeyCode::Enter);
    desk.has("JOBS 2");
    desk.app.reply(Reply::Go(ScreenId::Kube, vacuum), None, desk.clock.now());
    desk.has("JOBS 3");
    desk.keys("u");
    let screen = desk.screen();
    assert!(!screen.contains("sort name"), "the order is: {screen}");
}

#[test]
fn a_filter_reads_the_mark_of_a_row_and_a_fuzzy_one_puts_the_best_first() {
    let mut desk = desk();
    desk.line("jobs");
    desk.lists(&cluster(), Ok(jobs()));
    desk.has("JOBS 3");
    desk.keys("/!ok");
    desk.has("JOBS 1");
    desk.has("vacuum");
    let mut desk = self::desk();
    desk.line("svc");
    let rows = ["my-test", "payments"].map(|name| row(name, &["ClusterIP"])).into();
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], rows)));
    let is_first = |desk: &mut Desk, name: &str, other: &str| {
        let screen = desk.screen();
        screen.find(name).expect("listed") < screen.find(other).expect("listed")
    };
    assert!(is_first(&mut desk, "my-test", "payments"));
    desk.keys("j/-f pmt");
    assert!(is_first(&mut desk, "payments", "my-test"), "{}", desk.screen());
    desk.has("sort best match");
    assert!(desk.selected_name().ends_with("payments"), "{}", desk.selected_name());
}
