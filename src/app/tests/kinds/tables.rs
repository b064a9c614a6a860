//! What a table shows between answers, of trouble, of several clusters, and of very many rows.

use super::*;
use crate::{
    model::{
        Part,
        kubernetes::table::{Amount, Bounds, CellKind},
    },
    source::{Delta, Fact},
    ui::testing::deployment,
};

/// A table whose columns after the name are of these kinds, printed now.
fn printed(desk: &Desk, columns: &[(&str, CellKind)], rows: &[&[&str]]) -> ObjectTable {
    let now = desk.clock.now().wall;
    let rows = rows.iter().map(|cells| TableRow { printed: Some(now), ..row(cells[0], &cells[1..]) }).collect();
    let mut table = table(&["Name"], rows);
    table.columns.extend(columns.iter().map(|(name, kind)| TableColumn {
        name: (*name).into(),
        is_wide: false,
        kind: *kind,
    }));
    table
}

#[test]
fn times_go_on_between_two_answers_and_sort_as_they_are_by_now() {
    let mut desk = desk();
    desk.line("events");
    let columns = [("Last Seen", CellKind::Since), ("Restarts", CellKind::Printed), ("Moved", CellKind::Printed)];
    let events =
        printed(&desk, &columns, &[&["old", "3m", "4 (2m ago)", "2026-03-14T02:14:00Z"], &["older", "50m", "1"]]);
    desk.lists(&cluster(), Ok(events));
    assert!(desk.row_with("old ").contains("3m"));
    desk.pass(Duration::from_mins(30));
    let shown = desk.row_with("old ");
    assert!(shown.contains("33m") && shown.contains("4 (32m ago)") && shown.contains(" 90m"), "{shown}");
    // Printed later, so a smaller number is not younger by what it says alone.
    let mut both = printed(&desk, &columns, &[&["new", "5m", "0"]]);
    let old = TableRow { printed: Some(at("03:14")), ..row("old", &["1m", "0"]) };
    both.rows.push(Arc::new(old));
    desk.lists(&cluster(), Ok(both));
    let screen = desk.screen();
    let line = |name: &str| screen.lines().position(|line| line.contains(name)).expect("a row");
    assert!(line("new ") < line("old "), "{screen}");
}

#[test]
fn an_autoscaler_at_its_maximum_stands_first_and_is_counted() {
    let mut desk = desk();
    desk.line("jobs");
    let columns = ["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas"];
    let rows = vec![
        row("api", &["Deployment/api", "cpu: 41%/80%", "2", "10", "4"]),
        row("web", &["Deployment/web", "cpu: 97%/80%", "2", "10", "10"]),
    ];
    desk.lists(&cluster(), Ok(table(&columns, rows)));
    desk.has("1 not ok");
    let screen = desk.screen();
    let line = |name: &str| screen.lines().position(|line| line.contains(name)).expect("a row");
    assert!(line("Deployment/web") < line("Deployment/api"), "{screen}");
}

#[test]
fn what_pods_use_stands_beside_what_they_may_use_and_sorts_as_a_number() {
    let mut desk = desk();
    desk.line("kind pods");
    let bounds = |memory: u64| {
        let limits = Amount { cpu_millis: 0, memory_bytes: memory << 20 };
        Some(Box::new(Bounds { requests: Amount::default(), limits }))
    };
    let rows = vec![
        TableRow { bounds: bounds(256), ..row("api", &["Running"]) },
        TableRow { bounds: bounds(2048), ..row("web", &["Running"]) },
    ];
    let mut pods = table(&["Name", "Status"], rows);
    let column = |name: &str, kind| TableColumn { name: name.into(), is_wide: false, kind };
    pods.columns.extend([column("Memory", CellKind::Memory), column("Mem%", CellKind::MemoryShare)]);
    let used = |name: &str, memory: u64| {
        (("production".into(), name.into()), Amount { cpu_millis: 10, memory_bytes: memory << 20 })
    };
    pods.used = Some(Arc::new([used("api", 212), used("web", 1_024)].into_iter().collect()));
    desk.lists(&cluster(), Ok(pods));
    let row = desk.row_with("212Mi");
    assert!(row.contains("api") && row.contains("82%"), "{row}");
    desk.keys(">>>>");
    for (sorted, first, second) in [("sort memory", "api ", "web "), ("sort mem%", "web ", "api ")] {
        desk.has(sorted);
        let screen = desk.screen();
        let line = |text: &str| screen.lines().position(|line| line.contains(text)).expect("a row");
        assert!(line(first) < line(second), "{screen}");
        desk.keys(">");
    }
}

/// The server's cells say that pods lack; the watches know how bad that is.
#[test]
fn a_workload_has_the_same_mark_in_its_own_table_as_among_the_workloads() {
    let mut all = served();
    all.list.push(resource("apps", "deployments", "Deployment", &["deploy"]));
    let mut desk = Desk::new(incident());
    desk.answer(Query::Resources(cluster()), Ok(Answer::Resources(Arc::new(all))));
    desk.keys("3");
    assert!(desk.row_with("myapp ").contains("!! "));
    desk.line("deploy");
    let rows = vec![row("myapp", &["8/10"]), row("payments", &["4/4"]), row("unwatched", &["0/1"])];
    desk.lists(&cluster(), Ok(table(&["Name", "Ready"], rows)));
    assert!(desk.row_with("myapp ").contains("!! "), "{}", desk.screen());
    let unknown = desk.row_with("unwatched");
    assert!(unknown.contains("! ") && !unknown.contains("!!"), "{unknown}");
    // By what is missing, not by how many there are.
    desk.keys(">>>");
    desk.has("sort ready");
    let screen = desk.screen();
    let at = |name: &str| screen.lines().position(|line| line.contains(name)).expect(name);
    assert!(at("myapp ") < at("unwatched") && at("unwatched") < at("payments "), "{screen}");
}

/// How what is cut ends.
const CUT: char = '~';

/// One in production and one that is not, with the kinds of both read.
pub(super) fn of_two_clusters() -> Desk {
    let mut world = incident();
    world.settings.backends.insert(staging(), BackendKind::Kubernetes);
    world.settings.production.insert(staging(), false);
    let mut desk = Desk::new(world);
    for cluster in [cluster(), staging()] {
        desk.serves(&cluster);
    }
    desk
}

/// Pods as a server prints them, with what is measured: of two clusters, so that theirs is a column too.
#[test]
fn what_pods_use_is_whole_or_not_there() {
    let mut desk = of_two_clusters();
    desk.line("kind pods");
    let crashing = "recommendations-7bfcc8f6d5-8j2rw";
    let bounds = Bounds {
        requests: Amount { cpu_millis: 100, memory_bytes: 64 << 20 },
        limits: Amount { cpu_millis: 0, memory_bytes: 512 << 20 },
    };
    let cells = [crashing, "0/1", "CrashLoopBackOff", "7 (2m13s ago)", "16m", "10.42.15.130", "node-2"];
    let mut pods = printed(&desk, &[], &[&cells]);
    pods.rows = vec![Arc::new(TableRow { bounds: Some(Box::new(bounds)), ..(*pods.rows[0]).clone() })];
    let column = |name: &str, is_wide, kind| TableColumn { name: name.into(), is_wide, kind };
    pods.columns.extend([
        column("Ready", false, CellKind::Printed),
        column("Status", false, CellKind::Printed),
        column("Restarts", false, CellKind::Printed),
        column("Age", false, CellKind::Since),
        column("IP", true, CellKind::Printed),
        column("Node", true, CellKind::Printed),
        column("CPU", false, CellKind::Cpu),
        column("CPU%", false, CellKind::CpuShare),
        column("Memory", false, CellKind::Memory),
        column("Mem%", false, CellKind::MemoryShare),
    ]);
    let used = Amount { cpu_millis: 118, memory_bytes: 314 << 20 };
    pods.used = Some(Arc::new([(("production".into(), crashing.into()), used)].into_iter().collect()));
    desk.lists(&cluster(), Ok(pods));
    let row = |desk: &mut Desk, size| -> (String, String) {
        let frame = desk.frame(size);
        let line = |text: &str| frame.lines().find(|line| line.contains(text)).unwrap_or_default().to_owned();
        (line("  ready  "), line("CrashLoop"))
    };
    let (status, restarts) = ("CrashLoopBackOff", "7 (2m13s ago)");
    for (size, heads, shown) in [
        // How it is comes before whose it is, which stands above all of them.
        ((60, 16), "name  ready  status", vec!["recommendations-7bfcc8f", status]),
        (
            (80, 24),
            "name  ready  status  restarts  mem%  age",
            vec!["recommendations-7bfcc~", status, "7 (2m13s) ", "61%", "74m"],
        ),
        // Whose it is and what is wrong with it come first.
        ((120, 35), "namespace  cluster  ready  status  restarts", vec![crashing, "prod-eu1", status, restarts]),
        ((140, 40), "restarts  cpu%  memory  mem%", vec![crashing, "prod-eu1", status, restarts, "118%r", "61%"]),
        (
            (160, 45),
            "restarts  cpu  cpu%  memory  mem%",
            vec![crashing, "prod-eu1", status, restarts, "118m", "118%r", "314Mi", "61%"],
        ),
    ] {
        let (head, row) = row(&mut desk, size);
        let squeezed = head.split_whitespace().collect::<Vec<_>>().join("  ");
        assert!(squeezed.contains(heads), "{size:?}: {head}\n{}", desk.frame(size));
        for text in shown {
            assert!(row.contains(text), "{size:?} {text}: {row}");
        }
        assert!(size.0 < 100 || !row.contains(CUT), "{size:?}: {row}");
    }
    let frame = desk.frame((80, 24));
    assert!(frame.contains("PODS 1   1 not ok   production   PROD prod-eu1"), "{frame}");
}

/// Without colours too.
#[test]
fn with_several_clusters_production_is_a_word_in_the_rows() {
    let mut desk = of_two_clusters();
    desk.line("svc");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], vec![row("web", &["ClusterIP"])])));
    desk.lists(&staging(), Ok(table(&["Name", "Type"], vec![row("web", &["NodePort"])])));
    assert!(desk.row_with("ClusterIP").contains("PROD prod-eu1"));
    let other = desk.row_with("NodePort");
    assert!(other.contains("staging-eu1") && !other.contains("PROD"), "{other}");

    let mut world = incident();
    world.settings.backends.insert(staging(), BackendKind::Kubernetes);
    world.settings.production.insert(staging(), false);
    let mut other = deployment("till", "till:1", 1, 1);
    other.key.cluster = staging();
    world.store.expect(
        crate::model::SourceId::new(&staging(), Part::Deployments),
        BackendKind::Kubernetes,
        Duration::from_secs(20),
        0,
    );
    world.say(&staging(), Part::Deployments, vec![Fact::Workload(Delta::Put(Box::new(other)))]);
    let mut desk = Desk::new(world);
    desk.keys("3");
    assert!(desk.row_with("till ").contains("staging-eu1"));
    let screen = desk.screen();
    let workloads: Vec<&str> = screen.lines().filter(|line| line.contains("deploy ")).collect();
    assert!(workloads.iter().any(|line| line.contains("PROD prod-eu1")), "{screen}");
    assert!(workloads.iter().all(|line| line.contains("PROD prod-eu1") != line.contains("staging-eu1")), "{screen}");
    let narrow = desk.frame((80, 24));
    let head = narrow.lines().find(|line| line.contains("since")).expect("a head");
    assert!(head.contains("cluster") && head.contains("  rest"), "{narrow}");
}

#[test]
fn a_refusal_among_several_clusters_is_said_once_and_short() {
    let mut desk = of_two_clusters();
    desk.line("nodes");
    desk.lists(&staging(), Ok(table(&["Name", "Status"], vec![row("node-1", &["Ready"])])));
    let says = "Kubernetes 'prod-eu1' forbids it (403): nodes is forbidden: User \"nils\" cannot list resource \
                \"nodes\" in API group \"\" at the cluster scope";
    desk.lists(&cluster(), Err(SourceError::new(ErrorKind::Auth, says)));
    assert!(desk.row_with("prod-eu1: ").contains("?? prod-eu1: nils may not list nodes (403)"));
}

/// Rows that only their cluster or namespace tells apart.
fn alike(columns: &[&str], cells: &[&str]) -> Desk {
    let mut desk = of_two_clusters();
    desk.line("svc");
    for cluster in [cluster(), staging()] {
        desk.lists(&cluster, Ok(table(columns, vec![row("web", cells)])));
    }
    desk
}

#[test]
fn whose_a_row_is_stays_longer_than_a_column_that_says_nothing() {
    let columns = ["Name", "Status", "Roles", "Selector", "Version", "Restarts", "Volume", "Access Modes", "Zone"];
    let cells = ["Ready", "<none>", "<unset>", "v1.33.5", "12 (3m ago)", "pvc-7c1f0d52", "", "europe-west1-b"];
    let mut desk = alike(&columns, &cells);
    for size in [(80, 24), (120, 35)] {
        let frame = desk.frame(size);
        let rows: Vec<&str> = frame.lines().filter(|line| line.contains("web ")).collect();
        assert!(rows.iter().any(|row| row.contains("PROD prod-eu1")), "{frame}");
        assert!(rows.iter().any(|row| row.contains("staging-eu1")), "{frame}");
        assert!(rows.iter().all(|row| row.contains("Ready")), "{frame}");
        let title = frame.lines().find(|line| line.contains("SERVICES")).expect("a title");
        // All of them are in one: a small screen says it once.
        let is_above = title.contains("production");
        assert!(rows.iter().all(|row| row.contains("production") != is_above), "{frame}");
        assert_eq!(is_above, size.0 < 100);
    }
    let narrow = desk.frame((80, 24));
    assert!(!narrow.contains("<unset>") && !narrow.contains("<none>"), "{narrow}");
    assert!(desk.frame((220, 35)).contains("<unset>"), "where there is room it stands");
}

/// What earned the mark is there, whole, before whose it is.
#[test]
fn on_a_small_screen_what_a_row_is_marked_for_stays() {
    let crons = ["Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Containers", "Images"];
    let suspended = ["30 1 * * 0", "<none>", "True", "0", "14h", "vacuum", "registry.example/acme/vacuum:12"];
    let scaled = ["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"];
    let at_most = ["Deployment/search-service-of-acme", "cpu: 88%/80%", "2", "6", "6", "60d"];
    let budget = ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"];
    let waits = ["Name", "Desired", "Current", "Up-to-date", "Available", "State", "Age"];
    let paused = ["4", "4", "1", "4", "Paused: CanaryPauseStep", "80d"];
    for (columns, cells, head, says) in [
        (&crons[..], &suspended[..], " suspend ", " True "),
        (&scaled[..], &at_most[..], "replicas", " 6 "),
        (&budget[..], &["1", "N/A", "0", "190d"][..], "allowed", " 0 "),
        (&waits[..], &paused[..], " state ", " Paused: CanaryPauseStep "),
    ] {
        let frame = alike(columns, cells).frame((80, 24));
        assert!(frame.contains(head) && frame.contains(says), "{head}: {frame}");
        assert!(frame.contains("PROD prod-eu1"), "{frame}");
    }
    let services = ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"];
    let frame = alike(&services, &["ClusterIP", "10.96.119.21", "<none>", "8080/TCP,9090/TCP", "210d"]).frame((80, 24));
    assert!(frame.contains("8080/TCP,"), "{frame}");
    // Its bounds are what it is marked for: they stay before whom it scales, which is called so too.
    let frame = alike(&scaled, &at_most).frame((80, 24));
    assert!(frame.contains("minpods") && frame.contains("maxpods") && !frame.contains("Deployment/"), "{frame}");
}

#[test]
fn of_events_the_message_has_the_room() {
    let columns = ["Name", "Last Seen", "Type", "Reason", "Object", "Message"];
    let says = "Back-off restarting failed container myapp in pod myapp-7bfcc8f6d5-b6l8c_production(8c1f)";
    let list = |namespace: &str, pod: &str| {
        let cells = ["3m23s", "Warning", "BackOff", pod, says];
        TableRow { namespace: namespace.into(), ..row(&format!("event-{namespace}"), &cells) }
    };
    let pod = "pod/a-service-of-a-long-name-7bfcc8f6d5-b6l8c";
    let table = |rows: Vec<TableRow>| {
        let mut table = table(&columns, rows);
        table.columns[0].is_wide = true;
        table
    };
    let mut desk = desk();
    desk.line("events");
    desk.lists(&cluster(), Ok(table(vec![list("production", pod)])));
    let line = desk.row_with("3m23s");
    assert!(line.contains("Back-off restarting failed container myapp in pod"), "{line}");
    assert!(
        line.contains("pod/a-service-of-a-long-n~-b6l8c"),
        "whose it is, and the end of a name, which tells pods apart: {line}"
    );
    assert!(!line.contains("production") && !line.contains("Warning"), "all of them say so: {line}");
    assert!(desk.row_with("EVENTS 1").contains("   production   "), "and the title says it for them");
    desk.lists(&cluster(), Ok(table(vec![list("production", pod), list("shop", pod)])));
    assert!(desk.row_with("3m23s").contains("production"));
}

/// So many that they are put in order beside the screen.
fn many_pods() -> ObjectTable {
    table(&["Name", "Status"], (0..20_000).map(|number| row(&format!("web-{number:06}"), &["Running"])).collect())
}

#[test]
fn rows_put_in_order_for_the_filter_of_before_are_not_shown() {
    let mut desk = desk();
    desk.line("kind pods");
    desk.lists(&cluster(), Ok(many_pods()));
    desk.keys("/web-0199");
    loop {
        let screen = desk.screen();
        assert!(!screen.contains("PODS 20000"), "{screen}");
        if screen.contains("PODS 100") {
            break;
        }
        assert!(desk.app.dirty, "nothing more would be drawn:\n{screen}");
        std::thread::yield_now();
    }
}

/// More than are put in order at once.
#[test]
fn very_many_rows_are_put_in_order_beside_the_screen() {
    const ROWS: usize = 20_000;
    let mut desk = desk();
    desk.line("kind pods");
    let names = (0..ROWS).map(|number| format!("web-{number:06}"));
    let status = |number: usize| if number == 12_345 { "Failed" } else { "Running" };
    let pods = |more: usize| {
        let rows = names.clone().enumerate().skip(more).map(|(number, name)| row(&name, &[status(number)]));
        table(&["Name", "Status"], rows.collect())
    };
    let until = |desk: &mut Desk, text: &str| {
        let mut screen = desk.screen();
        while !screen.contains(text) {
            assert!(desk.app.dirty, "nothing more would be drawn, and '{text}' is not there:\n{screen}");
            std::thread::yield_now();
            screen = desk.screen();
        }
    };
    desk.lists(&cluster(), Ok(pods(0)));
    until(&mut desk, "PODS 20000");
    desk.has("1 not ok");
    assert_eq!(desk.selected_name(), "pod/web-012345", "trouble first");
    desk.keys("/web-0199");
    until(&mut desk, "PODS 100");
    desk.press(KeyCode::Enter);
    desk.keys("jj");
    let selected = desk.selected_name();
    assert_eq!(selected, "pod/web-019902");
    // Somebody reads: what is gone is drawn as such, and the rest waits.
    desk.lists(&cluster(), Ok(pods(0)));
    desk.press(KeyCode::Esc);
    until(&mut desk, "PODS 20000");
    desk.keys("jj");
    let selected = desk.selected_name();
    desk.lists(&cluster(), Ok(pods(1)));
    while desk.app.dirty {
        desk.screen();
        std::thread::yield_now();
    }
    assert_eq!(desk.selected_name(), selected);
    desk.has("PODS 20000");
    desk.pass(Duration::from_secs(6));
    desk.app.update(Msg::Tick, desk.clock.now());
    desk.has("PODS 19999");
    assert_eq!(desk.selected_name(), selected);
    desk.keys("<");
    until(&mut desk, "sort trouble, reversed");
}

#[test]
fn what_could_not_be_read_is_not_counted_as_none() {
    let mut desk = desk();
    desk.line("nodes");
    let title = desk.row_with("NODES");
    assert!(!title.contains("NODES 0") && !title.contains("??"), "nothing is known yet: {title}");
    desk.lists(&cluster(), Err(SourceError::new(ErrorKind::Auth, "nodes is forbidden (403)")));
    let title = desk.row_with("NODES");
    assert!(title.contains("NODES ??") && !title.contains("NODES 0"), "{title}");
    desk.lists(&cluster(), Ok(table(&["Name"], Vec::new())));
    desk.has("NODES 0");
    // Typed before it was known that there is no such kind.
    let mut desk = Desk::new(incident());
    desk.line("pvc");
    desk.serves(&cluster());
    desk.has("PVC ??");
}
