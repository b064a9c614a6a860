//! Which clusters and namespaces the rows are of.

use super::*;
use crate::model::BackendId;

#[test]
fn an_empty_namespace_is_not_called_ok() {
    let mut world = World::live();
    world.settings.namespaces.insert(cluster(), vec!["nosuch".into()]);
    let frame = on_kube(world).frame((120, 35));
    assert!(frame.contains("prod-eu1: no workloads in 'nosuch'"), "{frame}");
    assert!(frame.contains("WORKLOADS 0") && !frame.contains("all ok"), "{frame}");

    let mut world = incident();
    world.settings.namespaces.insert(cluster(), vec!["production".into()]);
    let frame = on_kube(world).frame((120, 35));
    assert!(!frame.contains("no workloads in"), "{frame}");
}

#[test]
fn while_several_clusters_are_open_each_row_says_whose_it_is() {
    let mut desk = on_kube(incident());
    assert!(!row_with(&desk.frame((120, 35)), "deploy  myapp").contains("prod-eu1"));
    let mut world = incident();
    world.settings.backends.insert(BackendId::new("staging-eu1"), BackendKind::Kubernetes);
    let mut desk = on_kube(world);
    assert!(row_with(&desk.frame((120, 35)), "deploy  myapp").contains("PROD prod-eu1"));
}

#[test]
fn that_a_rollout_has_failed_is_told_before_who_waits_for_it() {
    let mut world = incident();
    world.settings.services[0].repository = Some("acme/myapp".into());
    let mut desk = on_kube(world);
    let least = row_with(&desk.frame((80, 24)), "deadline exceeded");
    assert!(least.contains("new 14 4/6 | old 13 4/4   deadline exceeded"), "{least}");
}
