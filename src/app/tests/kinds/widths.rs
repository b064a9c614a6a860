//! How wide the columns of a table are.

use super::*;

/// The line with this text, of a frame of this size.
fn line(desk: &mut Desk, size: (u16, u16), text: &str) -> String {
    let frame = desk.frame(size);
    let found = frame.lines().find(|line| line.contains(text));
    found.unwrap_or_else(|| panic!("'{text}' is not on the screen:\n{frame}")).to_owned()
}

/// Pods as a server lists them: those of load tests first, one that crashes last.
fn crashing_last(healthy: usize) -> ObjectTable {
    let healthy = (0..healthy).map(|number| row(&format!("load-{number:05}"), &["1/1", "Running", "0"]));
    let crashing = row("web-1", &["0/1", "CrashLoopBackOff", "7 (3m3s ago)"]);
    table(&["Name", "Ready", "Status", "Restarts"], healthy.chain(std::iter::once(crashing)).collect())
}

/// Few at once, and very many beside the screen.
#[test]
fn a_row_in_trouble_is_whole_wherever_it_is_listed() {
    let is_whole = |row: &str| row.contains(" CrashLoopBackOff ") && row.contains(" 7 (3m3s ago)");
    for healthy in [600, 20_000] {
        let mut desk = desk();
        desk.line("kind pods");
        desk.lists(&cluster(), Ok(crashing_last(healthy)));
        let mut screen = desk.screen();
        while !screen.contains(" web-1  ") {
            assert!(desk.app.dirty, "nothing more would be drawn:\n{screen}");
            std::thread::yield_now();
            screen = desk.screen();
        }
        let row = desk.row_with(" web-1  ");
        assert!(is_whole(&row), "{healthy}: {row}");
        // While the next answer is put in order, too.
        desk.lists(&cluster(), Ok(crashing_last(healthy + 1)));
        let row = desk.row_with(" web-1  ");
        assert!(is_whole(&row), "{healthy}: {row}");
    }
}

#[test]
fn of_an_event_its_age_is_whole_and_the_message_comes_before_a_long_reason() {
    let columns = ["Name", "Last Seen", "Type", "Reason", "Object", "Message"];
    let says = "failed to get cpu utilization: unable to get metrics for resource cpu";
    let about = "horizontalpodautoscaler/search-service";
    let cells = ["4m12s (x3 over 12m)", "Warning", "FailedGetResourceMetric", about, says];
    let mut events = table(&columns, vec![row("event-1", &cells)]);
    events.columns[0].is_wide = true;
    let mut desk = desk();
    desk.line("events");
    desk.lists(&cluster(), Ok(events));
    let narrow = line(&mut desk, (80, 24), "horizontal");
    assert!(narrow.contains(" 4m12s  FailedGetRe") && narrow.contains(" failed to get cpu"), "{narrow}");
    let small = line(&mut desk, (60, 16), "-service");
    assert!(small.contains(" 4m12s  FailedG") && small.contains(" failed to"), "{small}");
    let wide = line(&mut desk, (160, 45), "horizontal");
    assert!(wide.contains(" 4m12s (x3 over 12m) "), "{wide}");
}

#[test]
fn an_age_is_whole_beside_long_names_of_clusters_that_stay_apart() {
    let mut world = incident();
    let clusters = ["prod-eu-west-1", "prod-eu-west-2"].map(BackendId::new);
    for cluster in &clusters {
        world.settings.backends.insert(cluster.clone(), BackendKind::Kubernetes);
    }
    let mut desk = Desk::new(world);
    for cluster in clusters.iter().chain([&cluster()]) {
        desk.serves(cluster);
    }
    desk.line("kind pods");
    for cluster in &clusters {
        let mut crashing = row("recommendations-7bfcc8f6d5-8j2rw", &["0/1", "CrashLoopBackOff", "17 (2m13s ago)"]);
        // `7m14s` ago.
        crashing.created = desk.clock.now().wall.checked_sub(jiff::SignedDuration::from_secs(434)).ok();
        let mut pods = table(&["Name", "Ready", "Status", "Restarts"], vec![crashing]);
        pods.columns.push(TableColumn { name: "Age".into(), ..TableColumn::default() });
        desk.lists(cluster, Ok(pods));
    }
    let frame = desk.frame((120, 35));
    let rows: Vec<&str> = frame.lines().filter(|line| line.contains("CrashLoop")).collect();
    assert_eq!(rows.len(), 2, "{frame}");
    assert!(rows.iter().all(|row| row.contains(" PROD prod-e") && row.contains(" 7m14s ")), "{frame}");
    assert!(rows[0].contains("-1 ") && rows[1].contains("-2 "), "{frame}");
}

/// A pod is acted on: whose it is must be known.
#[test]
fn on_a_small_screen_a_pod_says_in_which_of_several_clusters_it_is() {
    let pods = |name: &str| {
        let columns = ["Name", "Ready", "Status", "Restarts", "Node"];
        table(&columns, vec![row(name, &["0/1", "CrashLoopBackOff", "7 (2m55s ago)", "node-2"])])
    };
    let mut world = incident();
    world.settings.backends.insert(staging(), BackendKind::Kubernetes);
    world.settings.production.insert(staging(), false);
    let mut desk = Desk::new(world);
    for cluster in [cluster(), staging()] {
        desk.serves(&cluster);
    }
    desk.line("kind pods");
    desk.lists(&cluster(), Ok(pods("myapp-7bfcc8f6d5-4hrkk")));
    desk.lists(&staging(), Ok(pods("myapp-fbc77d659-r8kbt")));
    let production = line(&mut desk, (80, 24), "4hrkk");
    assert!(production.contains(" PROD ") && production.contains(" 7 (2m55s) "), "{production}");
    let other = line(&mut desk, (80, 24), "r8kbt");
    assert!(other.contains("ging-eu1") && !other.contains("PROD"), "{other}");
}

#[test]
fn an_age_is_whole_while_it_grows() {
    let mut desk = desk();
    desk.line("kind jobs");
    let mut job = row("import", &["Complete"]);
    job.created = desk.clock.now().wall.checked_sub(jiff::SignedDuration::from_secs(127)).ok();
    let mut jobs = table(&["Name", "Status"], vec![job]);
    jobs.columns.push(TableColumn { name: "Age".into(), ..TableColumn::default() });
    desk.lists(&cluster(), Ok(jobs));
    assert!(desk.row_with("import").contains(" 2m7s "), "{}", desk.screen());
    desk.pass(Duration::from_secs(38));
    assert!(desk.row_with("import").contains(" 2m45s "), "{}", desk.screen());
}
