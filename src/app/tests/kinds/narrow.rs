//! Tables on small screens: what stays when there is no room for all.

use super::{tables::of_two_clusters, *};

/// The line with this text, of a frame of this size.
fn line(desk: &mut Desk, size: (u16, u16), text: &str) -> String {
    let frame = desk.frame(size);
    let found = frame.lines().find(|line| line.contains(text));
    found.unwrap_or_else(|| panic!("'{text}' is not on the screen:\n{frame}")).to_owned()
}

const CRONS: [&str; 7] = ["Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age"];
const MONTHLY: [&str; 6] = ["0 0 1 * *", "Etc/UTC", "False", "0", "14m", "60d"];

#[test]
fn a_title_gives_up_what_is_said_elsewhere_and_cuts_nothing() {
    let mut desk = of_two_clusters();
    desk.line("cronjobs");
    desk.lists(&cluster(), Ok(table(&CRONS, vec![row("vacuum", &MONTHLY)])));
    for (size, title, lacks) in [
        ((80, 24), "CRONJOBS 1   production   PROD prod-eu1   esc workloads ", "batch/v1"),
        ((60, 16), "CRONJOBS 1   PROD prod-eu1   esc back ", "production"),
    ] {
        let line = line(&mut desk, size, "CRONJOBS");
        assert!(line.contains(title) && line.contains(" sort trouble ") && !line.contains(lacks), "{line}");
    }
}

/// In which namespace it is costs a glance at the header; in which cluster, an act on the wrong one.
#[test]
fn a_title_gives_up_the_namespace_before_the_cluster() {
    let mut all = served();
    all.list.push(resource("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", &["hpa"]));
    let all = Arc::new(all);
    let mut desk = of_two_clusters();
    for cluster in [cluster(), staging()] {
        desk.answer(Query::Resources(cluster), Ok(Answer::Resources(all.clone())));
    }
    desk.line("hpa");
    desk.lists(&cluster(), Ok(table(&["Name", "Targets"], vec![row("web", &["cpu: 41%/80%"])])));
    let title = line(&mut desk, (80, 24), "HORIZONTALPODAUTOSCALERS");
    assert!(title.contains("AUTOSCALERS 1   PROD prod-eu1   esc back "), "{title}");
}

#[test]
fn when_a_job_ran_last_stays_before_its_time_zone() {
    let mut desk = desk();
    desk.line("cronjobs");
    desk.lists(&cluster(), Ok(table(&CRONS, vec![row("db-vacuum", &MONTHLY)])));
    let head = line(&mut desk, (60, 16), " schedule ");
    assert!(head.contains(" active ") && head.contains(" last schedule "), "{head}");
    assert!(!head.contains("timezone"), "{head}");
    assert!(line(&mut desk, (120, 35), " schedule ").contains(" timezone "));
}

#[test]
fn the_most_that_an_autoscaler_may_make_stays_before_its_age() {
    let mut all = served();
    all.list.push(resource("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", &["hpa"]));
    let mut desk = Desk::new(incident());
    desk.answer(Query::Resources(cluster()), Ok(Answer::Resources(Arc::new(all))));
    desk.line("hpa");
    let columns = ["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"];
    let cells = ["Deployment/web", "cpu: 97%/80%", "2", "10", "10", "60d"];
    desk.lists(&cluster(), Ok(table(&columns, vec![row("web", &cells)])));
    let head = line(&mut desk, (60, 16), " targets ");
    assert!(head.contains(" maxpods ") && !head.contains(" age "), "{head}");
}

#[test]
fn an_event_says_what_it_is_about_on_every_screen() {
    let columns = ["Name", "Last Seen", "Type", "Reason", "Object", "Message"];
    let says = "Back-off restarting failed container myapp in pod myapp-7bfcc8f6d5-b6l8c_production(8c1f)";
    let cells = ["3m23s", "Warning", "BackOff", "pod/myapp-7bfcc8f6d5-b6l8c", says];
    let mut events = table(&columns, vec![row("event-1", &cells)]);
    events.columns[0].is_wide = true;
    let mut desk = desk();
    desk.line("events");
    desk.lists(&cluster(), Ok(events));
    let small = line(&mut desk, (60, 16), "BackOff");
    assert!(small.contains("pod/myapp-7") && small.contains("~-b6l8c") && small.contains("Back-off"), "{small}");
    let narrow = line(&mut desk, (80, 24), "BackOff");
    assert!(narrow.contains("pod/myapp-7bfcc8f6d5-b6l8c") && narrow.contains("Back-off restart"), "{narrow}");
}
