//! Which clusters and namespaces the rows are of.

use super::*;
use crate::{
    model::{BackendId, Coverage},
    source::{Delta, Fact, kubernetes::watch::NAME_ONE},
};

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

/// As they are called, and where one is called as the other begins.
#[test]
fn clusters_whose_names_differ_at_their_ends_are_told_apart() {
    for names in [["prod-eu-west-1", "prod-eu-west-2"], ["prod-eu-west", "prod-eu-west-nils"]] {
        let mut world = incident();
        for name in names {
            let id = BackendId::new(name);
            world.settings.backends.insert(id.clone(), BackendKind::Kubernetes);
            let source = SourceId::new(&id, Part::Deployments);
            world.store.expect(source, BackendKind::Kubernetes, Duration::from_secs(20), 0);
            let mut till = deployment("till", "till:1", 1, 1);
            till.key.cluster = id.clone();
            world.say(&id, Part::Deployments, vec![Fact::Workload(Delta::Put(Box::new(till)))]);
        }
        let mut desk = on_kube(world);
        for size in [(80, 24), (120, 35)] {
            let frame = desk.frame(size);
            let rows: Vec<&str> =
                frame.lines().filter(|line| line.contains(" till ") && line.contains("1/1")).collect();
            let whose: Vec<&str> =
                rows.iter().filter_map(|row| row.split_once(" PROD ")?.1.split(' ').next()).collect();
            assert!(whose.len() == 2 && whose[0] != whose[1], "{whose:?} in\n{frame}");
            for (name, whose) in names.iter().zip(whose) {
                assert_eq!(name.chars().last(), whose.chars().last(), "{name}: {frame}");
            }
        }
    }
}

/// In the rows of Now too, where workloads are called the same.
#[test]
fn on_a_small_screen_what_needs_me_names_its_cluster_by_both_ends() {
    let names = ["prod-eu-west-1", "prod-eu-west-2"];
    let mut world = World::live();
    for name in names {
        let id = BackendId::new(name);
        world.settings.backends.insert(id.clone(), BackendKind::Kubernetes);
        let source = SourceId::new(&id, Part::Deployments);
        world.store.expect(source, BackendKind::Kubernetes, Duration::from_secs(20), 0);
        let mut till = deployment("till", "till:1", 0, 3);
        till.key.cluster = id.clone();
        world.say(&id, Part::Deployments, vec![Fact::Workload(Delta::Put(Box::new(till)))]);
    }
    let mut desk = Desk::new(world);
    let frame = desk.frame((80, 24));
    for name in names {
        let end = &name[name.len() - 2..];
        let is_its = |line: &str| {
            let whose = line.split_once("0/3 ready   PROD prod-e").and_then(|(_, whose)| whose.split(' ').next());
            line.contains("deploy/till") && whose.is_some_and(|whose| whose.ends_with(end))
        };
        assert!(frame.lines().any(is_its), "{name}: {frame}");
    }
}

#[test]
fn that_a_rollout_has_failed_is_told_before_who_waits_for_it() {
    let mut world = incident();
    world.settings.services[0].repository = Some("acme/myapp".into());
    let mut desk = on_kube(world);
    let least = row_with(&desk.frame((80, 24)), "deadline exceeded");
    assert!(least.contains("new 14 4/6 | old 13 4/4   deadline exceeded   pipeline #412 waits 23m"), "{least}");
    assert!(!least.contains("myapp"), "its row says so: {least}");
}

#[test]
fn that_only_a_part_is_read_is_said_on_the_screen() {
    let coverage = |says: &str, is_failure| {
        let coverage = Coverage { read: vec!["production".into()], says: says.into(), is_failure };
        vec![Fact::Coverage(Some(coverage))]
    };
    let mut world = World::live();
    world.say(&cluster(), Part::Pods, coverage("narrow rights: only of 'production'", false));
    let mut desk = on_kube(world);
    let title = row_with(&desk.frame((120, 35)), "WORKLOADS");
    assert!(title.contains("only production"), "{title}");
    desk.keys("@");
    let frame = desk.frame((120, 35));
    assert!(frame.contains("narrow rights: only of 'production' (pods)"), "{frame}");

    let mut world = World::live();
    world.say(&cluster(), Part::Pods, coverage("1 of 2 namespaces, not 'vault': forbidden (403)", true));
    let frame = on_kube(world).frame((120, 35));
    assert!(frame.contains("prod-eu1: 1 of 2 namespaces, not 'vault': forbidden (403)"), "{frame}");
    assert!(!frame.contains("all ok"), "what was not read may be broken: {frame}");
}

#[test]
fn where_no_namespace_is_known_that_may_be_read_one_is_asked_for() {
    let mut world = World::new();
    for part in [Part::Pods, Part::Deployments, Part::StatefulSets, Part::DaemonSets] {
        world.refuse(&cluster(), part, &format!("forbidden (403). {NAME_ONE}, or `namespaces` in the config."));
    }
    let mut desk = on_kube(world);
    let frame = desk.frame((120, 35));
    assert!(frame.contains("enter asks for a namespace that you may read (:ns NAME)"), "{frame}");
    desk.press(KeyCode::Enter);
    let frame = desk.frame((120, 35));
    assert!(frame.contains(":ns "), "{frame}");
    desk.keys("till");
    desk.press(KeyCode::Enter);
    let frame = desk.frame((120, 35));
    assert!(frame.contains("PROD  prod-eu1/till") && frame.contains("namespace till (not checked: "), "{frame}");
}

/// At 80 columns too: what a row is of, its tag, how often it was restarted, in whole words.
#[test]
fn beside_the_clusters_names_and_heads_stay_whole() {
    let mut world = incident();
    world.settings.backends.insert(BackendId::new("staging-eu1"), BackendKind::Kubernetes);
    let mut system = deployment("recommendations", "ghcr.io/acme/recommendations:19", 3, 4);
    system.key.namespace = "kube-system".into();
    world.workloads([system]);
    let mut desk = on_kube(world);
    let narrow = desk.frame((80, 24));
    let row = row_with(&narrow, "recommendations ");
    assert!(row.contains("PROD prod-eu1") && row.contains(":19 "), "{row}");
    assert_eq!(row.matches(" recommen").count(), 2, "its name and its image's: {row}");
    assert!(row_with(&narrow, " image ").contains(" restarts "), "{narrow}");
    let wide = desk.frame((120, 35));
    assert!(row_with(&wide, "recommendations ").contains(" kube-system "), "{wide}");
}
