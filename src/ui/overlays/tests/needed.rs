//! What the cluster would refuse is grey with its reason, by one answer for the namespace.

use std::sync::Arc;

use super::{super::needed::rights_queries, *};
use crate::{
    action::executor::Executor,
    app::settings::ServiceBinding,
    model::{
        Name,
        kubernetes::{
            Manager, Pod, Workload,
            resource::{Resource, ResourceKey},
            rights::{Rights, Rule},
            table::{CellKind, ObjectTable, TableColumn, TableRow},
        },
    },
    query::{Answer, Query, RightsQuery, TableQuery},
    ui::testing::{deployment, object, pod, running},
};

/// `get pods/log, patch deployments.apps`
fn rights(words: &str) -> Rights {
    let one = |word: &str| Box::new([Name::line(word)]);
    let rule = |right: &str| {
        let (verb, kind) = right.split_once(' ').expect("verb and kind");
        let (kind, sub) = kind.split_once('/').map_or((kind, String::new()), |(kind, sub)| (kind, format!("/{sub}")));
        let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
        Rule {
            verbs: one(verb),
            groups: one(group),
            resources: one(&format!("{resource}{sub}")),
            names: Box::default(),
        }
    };
    Rights { rules: words.split(", ").filter(|right| !right.is_empty()).map(rule).collect(), is_incomplete: false }
}

fn may(world: &mut World, namespace: &str, words: &str) {
    let query = Query::Rights(RightsQuery { cluster: cluster(), namespace: Name::line(namespace) });
    answer(world, query, Answer::Rights(Arc::new(rights(words))));
}

fn refusal(world: &World, command: Command, target: &Target) -> Option<String> {
    availability(command.spec(), ScreenId::Kube, Some(target), &world.view()).reason()
}

/// With nothing, what is lacking is named; with exactly that nothing is.
fn needs(world: &mut World, command: Command, target: &Target, namespace: &str, needed: &str) {
    assert_eq!(refusal(world, command, target), None, "{}: nothing is known yet", command.spec().name);
    may(world, namespace, "");
    let place = if namespace.is_empty() { String::new() } else { format!(" in '{namespace}'") };
    let lacking = format!("you may not {}{place}", needed.split(", ").next().expect("one"));
    assert_eq!(refusal(world, command, target), Some(lacking), "{}", command.spec().name);
    may(world, namespace, needed);
    assert_eq!(refusal(world, command, target), None, "{}", command.spec().name);
    world.store.answers.clear();
}

fn resource(group: &str, plural: &str, kind: &str) -> Arc<Resource> {
    Arc::new(Resource::v1((group, plural, kind), kind != "Node"))
}

/// Whoever may not patch may know somebody who can: the plan says who, and what it takes.
#[test]
fn a_rollback_needs_the_patch_only_where_nothing_else_can_carry_it_out() {
    let mut world = incident();
    let target = Target::Workload(myapp());
    let lacking = Some("you may not patch deployments.apps in 'production'".to_owned());
    let by = |world: &mut World, managed_by: Vec<Manager>, executors: &[&str]| {
        world.workloads([Workload { managed_by, ..deployment("myapp", "ghcr.io/acme/myapp:412", 8, 10) }]);
        let rollback = executors.iter().map(|text| Executor::parse(text).expect("an executor")).collect();
        let (name, workload) = ("myapp".into(), Some(myapp()));
        world.settings.services = vec![ServiceBinding { name, workload, rollback, ..ServiceBinding::default() }];
        may(world, "production", "");
        refusal(world, Command::RollBack, &target)
    };
    let argo = || vec![Manager::ArgoCd { application: "myapp".into() }];
    let helm = || vec![Manager::Helm { release: "myapp".into(), namespace: "production".into() }];
    let flux = || vec![Manager::FluxKustomization { name: "apps".into(), namespace: "flux-system".into() }];
    assert_eq!(by(&mut world, Vec::new(), &[]), lacking);
    assert_eq!(by(&mut world, argo(), &["patch"]), lacking);
    assert_eq!(by(&mut world, flux(), &[]), lacking, "suspended, it is patched");
    assert_eq!(by(&mut world, argo(), &[]), None);
    assert_eq!(by(&mut world, helm(), &[]), None);
    assert_eq!(by(&mut world, Vec::new(), &["patch", "workflow:rollback.yml?tag={tag}"]), None);
    assert_eq!(by(&mut world, argo(), &["argo", "patch"]), None);
    by(&mut world, Vec::new(), &[]);
    may(&mut world, "production", "patch deployments.apps/scale");
    assert_eq!(refusal(&world, Command::RollBack, &target), None, "it may be a canary, which is scaled to nothing");
}

/// An object that stands in a table on screen, as `column` and its cell.
fn listed(world: &mut World, group: &str, plural: &str, kind: &str, column: (&str, &str)) -> Target {
    let resource = resource(group, plural, kind);
    let namespace = if resource.is_namespaced { "production" } else { "" };
    let row = TableRow {
        namespace: namespace.into(),
        name: "it".into(),
        uid: "u".into(),
        created: None,
        owner: None,
        labels: Box::default(),
        cells: Box::new([column.1.into()]),
        printed: None,
        bounds: None,
    };
    let columns = vec![TableColumn { name: column.0.into(), is_wide: false, kind: CellKind::default() }];
    let table = ObjectTable { columns, rows: vec![Arc::new(row)], is_complete: true, ..ObjectTable::default() };
    let query = TableQuery { cluster: cluster(), resource: resource.clone(), namespaces: Vec::new() };
    answer(world, Query::Table(query), Answer::Table(Arc::new(table)));
    Target::Object(ResourceKey { cluster: cluster(), resource, namespace: namespace.into(), name: "it".into() })
}

fn on_pod(world: &mut World) -> Target {
    let containers = Box::new([running("app")]);
    world.pods([Pod { containers, restarts: 1, ..pod("myapp-6d5c9", "live", None) }]);
    Target::Pod(object("myapp-6d5c9-live"))
}

#[test]
fn acts_on_pods_and_workloads_need_their_own_right() {
    let mut world = incident();
    let pod = on_pod(&mut world);
    let workload = Target::Workload(myapp());
    for (command, target, needed) in [
        (Command::Pause, &workload, "patch deployments.apps"),
        (Command::Pause, &pod, "patch deployments.apps"),
        (Command::Delete, &workload, "delete deployments.apps"),
        (Command::Delete, &pod, "delete pods"),
        (Command::Evict, &pod, "create pods/eviction"),
        (Command::Logs, &pod, "get pods/log"),
        (Command::PreviousLogs, &workload, "get pods/log"),
    ] {
        needs(&mut world, command, target, "production", needed);
    }
}

#[test]
fn acts_on_other_objects_need_their_own_right() {
    for (group, plural, kind, column, command, namespace, needed) in [
        ("", "nodes", "Node", ("Status", "Ready"), Command::Cordon, "", "patch nodes"),
        ("", "nodes", "Node", ("Status", "Ready,SchedulingDisabled"), Command::Cordon, "", "patch nodes"),
        ("batch", "cronjobs", "CronJob", ("Suspend", "False"), Command::Schedule, "production", "patch cronjobs.batch"),
        ("batch", "cronjobs", "CronJob", ("Suspend", "False"), Command::RunNow, "production", "create jobs.batch"),
        ("", "services", "Service", ("Type", "ClusterIP"), Command::Delete, "production", "delete services"),
        ("", "services", "Service", ("Type", "ClusterIP"), Command::Logs, "production", "get pods/log"),
        ("batch", "jobs", "Job", ("Status", "Failed"), Command::PreviousLogs, "production", "get pods/log"),
    ] {
        let mut world = incident();
        let target = listed(&mut world, group, plural, kind, column);
        needs(&mut world, command, &target, namespace, needed);
    }
}

#[test]
fn a_shell_and_a_forward_are_gets_and_of_newer_servers_creates_too() {
    let mut world = incident();
    let target = on_pod(&mut world);
    for (command, sub) in [(Command::Shell, "exec"), (Command::PortForward, "portforward")] {
        for (version, alone) in [(None, None), (Some("v1.34.2"), None), (Some("v1.35.0-eks-1"), Some("create"))] {
            world.store.backends.get_mut(&cluster()).expect("there").info.version = version.map(Clean::from);
            may(&mut world, "production", &format!("create pods/{sub}"));
            let lacking = format!("you may not get pods/{sub} in 'production'");
            assert_eq!(refusal(&world, command, &target), Some(lacking), "{version:?}: it is a GET");
            may(&mut world, "production", &format!("get pods/{sub}"));
            let lacking = alone.map(|verb| format!("you may not {verb} pods/{sub} in 'production'"));
            assert_eq!(refusal(&world, command, &target), lacking, "{version:?}");
            may(&mut world, "production", &format!("get pods/{sub}, create pods/{sub}"));
            assert_eq!(refusal(&world, command, &target), None, "{version:?}");
        }
    }
}

#[test]
fn gitops_is_resumed_where_its_owner_lives() {
    let mut world = incident();
    let target = Target::Workload(myapp());
    let flux = Manager::FluxKustomization { name: "apps".into(), namespace: "flux-system".into() };
    for (manager, namespace, needed) in [
        (flux, "flux-system", "patch kustomizations.kustomize.toolkit.fluxcd.io"),
        (Manager::ArgoCd { application: "teams_myapp".into() }, "teams", "patch applications.argoproj.io"),
    ] {
        let mut owned = deployment("myapp", "ghcr.io/acme/myapp:412", 8, 10);
        owned.managed_by = vec![manager];
        world.workloads([owned]);
        let asked: Vec<Name> = rights_queries(&target, &world.view())
            .into_iter()
            .map(|query| if let Query::Rights(rights) = query { rights.namespace } else { panic!("{query:?}") })
            .collect();
        assert_eq!(asked, ["production", namespace]);
        needs(&mut world, Command::ResumeSync, &target, namespace, needed);
        may(&mut world, "production", "");
        assert_eq!(refusal(&world, Command::ResumeSync, &target), None, "it is not written there");
        world.store.answers.clear();
    }
}

#[test]
fn the_menu_asks_once_and_shows_the_reason() {
    let mut world = incident();
    world.size = (120, 60);
    let target = on_pod(&mut world);
    let mut menu = actions(ScreenId::Kube, target, None);
    world.overlay(&mut *menu);
    assert_eq!(menu.wanted(&world.view()).len(), 1);
    may(&mut world, "production", "get pods/log");
    let frame = text(&world, &mut *menu);
    for (verb, right) in [
        (":evict", "create pods/eviction"),
        (":delete", "delete pods"),
        (":pause", "patch deployments.apps"),
        (" s ", "get pods/exec"),
    ] {
        let row = frame.lines().find(|line| line.contains(verb)).unwrap_or_else(|| panic!("no {verb} in\n{frame}"));
        assert!(row.contains(&format!("you may not {right}")), "{row}");
    }
    let logs = frame.lines().find(|line| line.contains(" l ")).expect("listed");
    assert!(!logs.contains("you may not"), "{logs}");
}

#[test]
fn what_has_not_fired_is_not_acknowledged() {
    let mut world = incident();
    pages::pending(&mut world);
    let row = world.store.alerts.values().find(|alert| alert.name == "BudgetBurns").expect("listed");
    let target = Target::Alert(row.key.clone());
    let why = availability(Command::Acknowledge.spec(), ScreenId::Triage, Some(&target), &world.view()).reason();
    assert_eq!(why.as_deref(), Some("not fired yet: it would fire at 03:17"));
    let firing = alert_target(&world);
    let free = availability(Command::Acknowledge.spec(), ScreenId::Triage, Some(&firing), &world.view());
    assert_eq!(free.reason(), None);
}
