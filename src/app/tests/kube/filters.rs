//! What the filter line leaves of the workloads, and in which order.

use super::*;

#[test]
fn a_fuzzy_filter_ranks_the_best_first_and_goes_there() {
    let mut world = incident();
    world.workloads([deployment("my-test", "m:1", 0, 3)]);
    let mut desk = on_kube(world);
    in_order(&desk.frame((120, 45)), &["my-test", "payments"]);
    desk.keys("/-f pmt");
    let frame = desk.frame((120, 45));
    in_order(&frame, &["filter -f pmt   sort best match", "payments", "my-test"]);
    let payments = Target::Workload(workload_key(WorkloadKind::Deployment, "payments"));
    assert_eq!(desk.app.selected(desk.clock.now()), Some(payments), "what was looked for is in sight");
    // An order that was chosen stays.
    desk.press(KeyCode::Enter);
    desk.keys(">");
    in_order(&desk.frame((120, 45)), &["sort name", "my-test", "payments"]);
}

/// The mark is what a row shows first.
#[test]
fn a_filter_reads_the_mark_too() {
    let mut desk = on_kube(incident());
    assert!(row_with(&desk.frame((120, 35)), " payments ").contains("ok "));
    desk.keys("/!ok");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("WORKLOADS 1 of 2   1 not ok") && !frame.contains(" payments "), "{frame}");
}
