//! Acts on an object: which way a switch goes, and what the cluster would refuse.

use super::*;

/// Switches go the other way by what the row says.
#[test]
fn a_node_is_cordoned_or_uncordoned_and_a_cron_job_suspended_or_run() {
    use crate::action::{ObjectAct, Request};
    let acts = |word: &str, columns: &[&str], cells: &[&str], command: &str| {
        let mut desk = desk();
        desk.line(word);
        desk.lists(&cluster(), Ok(table(columns, vec![row("it", cells)])));
        desk.frame((120, 35));
        desk.line(command).into_iter().find_map(|effect| match effect {
            Effect::Prepare { request: Request::Object { object, act }, .. } => Some((object.to_string(), act)),
            _ => None,
        })
    };
    let nodes = ["Name", "Status"];
    assert_eq!(acts("nodes", &nodes, &["Ready"], "cordon"), Some(("node/it".to_owned(), ObjectAct::Cordon)));
    let off = acts("nodes", &nodes, &["Ready,SchedulingDisabled"], "cordon");
    assert_eq!(off, Some(("node/it".to_owned(), ObjectAct::Uncordon)));
    let crons = ["Name", "Schedule", "Suspend"];
    let suspend = acts("cronjobs", &crons, &["0 3 * * *", "False"], "schedule");
    assert_eq!(suspend, Some(("cronjob/it".to_owned(), ObjectAct::Suspend)));
    let again = acts("cronjobs", &crons, &["0 3 * * *", "True"], "schedule");
    assert_eq!(again, Some(("cronjob/it".to_owned(), ObjectAct::Unsuspend)));
    let now = acts("cronjobs", &crons, &["0 3 * * *", "False"], "run-now");
    assert_eq!(now, Some(("cronjob/it".to_owned(), ObjectAct::RunNow)));
    assert_eq!(acts("nodes", &nodes, &["Ready"], "run-now"), None, "that is for a CronJob");
}

/// A revision leads to the plan of what it is of, with itself chosen.
#[test]
fn r_on_a_revision_is_the_plan_of_its_owner() {
    use crate::{
        action::Request,
        model::kubernetes::{Workload, WorkloadKind},
        ui::testing::{deployment, replica_set, workload_key},
    };
    let on = |resource: (&str, &str), kind: (WorkloadKind, &str), rows: ObjectTable| {
        let mut world = incident();
        let set = Workload { key: workload_key(kind.0, kind.1), ..deployment(kind.1, "pg:16.2", 3, 3) };
        world.workloads([set]);
        world.replica_sets([replica_set("web", "5f6b7", 41, "01:00", "web:1.40", (0, 0))]);
        let mut desk = Desk::new(world);
        let list = vec![super::resource("apps", resource.0, resource.1, &[])];
        desk.answer(
            Query::Resources(cluster()),
            Ok(Answer::Resources(Arc::new(Resources { list, troubles: Vec::new() }))),
        );
        desk.line(resource.0);
        desk.lists(&cluster(), Ok(rows));
        desk.screen();
        desk
    };
    let owned = |name: &str, kind: &str, of: &str, cells: &[&str]| TableRow {
        owner: Some(OwnerReference { group: "apps".into(), kind: kind.into(), name: of.into() }),
        ..row(name, cells)
    };
    let rolls_back = |desk: &mut Desk| {
        let effects = desk.keys("R");
        effects.into_iter().find_map(|effect| match effect {
            Effect::Prepare { request: Request::RollBack { workload, to, .. }, .. } => Some((workload.to_string(), to)),
            _ => None,
        })
    };
    let sets = table(&["Name", "Desired"], vec![owned("web-5f6b7", "Deployment", "web", &["0"])]);
    let mut desk = on(("replicasets", "ReplicaSet"), (WorkloadKind::Deployment, "web"), sets);
    assert_eq!(rolls_back(&mut desk), Some(("deploy/web".to_owned(), Some(41))), "{}", desk.screen());
    let kept = table(
        &["Name", "Controller", "Revision"],
        vec![owned("pg-7c", "StatefulSet", "pg", &["statefulset.apps/pg", "8"])],
    );
    let mut desk = on(("controllerrevisions", "ControllerRevision"), (WorkloadKind::StatefulSet, "pg"), kept);
    assert_eq!(rolls_back(&mut desk), Some(("sts/pg".to_owned(), Some(8))), "{}", desk.screen());
    // Without its number the version before would be meant, which is another.
    let kept = table(&["Name"], vec![owned("pg-7c", "StatefulSet", "pg", &[])]);
    let mut desk = on(("controllerrevisions", "ControllerRevision"), (WorkloadKind::StatefulSet, "pg"), kept);
    assert_eq!(rolls_back(&mut desk), None);
    desk.has("its number is not known: = shows the revisions that have one");
    // Of any other kind it is not offered.
    let services = table(&["Name", "Type"], vec![row("web", &["ClusterIP"])]);
    let mut desk = on(("services", "Service"), (WorkloadKind::Deployment, "web"), services);
    assert_eq!(rolls_back(&mut desk), None);
    desk.keys("x");
    assert!(!desk.screen().contains("roll back: a plan"), "{}", desk.screen());
}

#[test]
fn what_the_cluster_would_refuse_is_grey_and_says_why() {
    use crate::model::kubernetes::rights::{Rights, Rule};
    let mut desk = secrets();
    desk.keys("x");
    let asked = desk.wanted().into_iter().filter(|query| matches!(query, Query::Rights(_))).collect::<Vec<_>>();
    assert_eq!(asked.len(), 1, "one question for the namespace");
    let of = |words: &[&str]| words.iter().map(|word| Name::from(*word)).collect();
    let rule = Rule { verbs: of(&["get"]), groups: of(&[""]), resources: of(&["pods"]), names: of(&[]) };
    let rights = Rights { rules: vec![rule], is_incomplete: false };
    desk.answer(asked[0].clone(), Ok(Answer::Rights(Arc::new(rights.clone()))));
    desk.has("you may not get secrets in 'production'");
    let rights = Rights { is_incomplete: true, ..rights };
    desk.answer(asked[0].clone(), Ok(Answer::Rights(Arc::new(rights))));
    assert!(!desk.screen().contains("you may not"), "what may be allowed is not grey");
}

/// Otherwise a `drain` for nodes would be offered on Secrets too.
#[test]
fn an_own_command_is_for_the_kinds_that_it_names() {
    let text = "[[command]]\nname = \"drain\"\nkinds = [\"no\"]\nrun = [\"kubectl\", \"drain\", \"{name}\"]\n";
    let config = crate::config::load::parse(text, std::path::Path::new("config.toml")).expect("well written");
    let mut world = incident();
    world.settings.commands = crate::custom::commands(&config.command, "").expect("checked");
    let mut desk = Desk::new(world);
    desk.serves(&cluster());
    desk.line("nodes");
    desk.lists(&cluster(), Ok(table(&["Name", "Status"], vec![row("n-1", &["Ready"])])));
    desk.screen();
    desk.keys("x");
    desk.has("drain: kubectl drain {name}");
    desk.press(KeyCode::Esc);
    desk.line("jobs");
    desk.lists(&cluster(), Ok(jobs()));
    desk.screen();
    desk.keys("x");
    assert!(!desk.screen().contains("drain"), "{}", desk.screen());
    desk.press(KeyCode::Esc);
    desk.line("drain");
    desk.has("select one of no");
}

/// Whatever it is: a job's end, a claim's binding, a node's return.
#[test]
fn events_of_any_object_have_a_tab_of_its_page() {
    use crate::query::PageLine;
    let mut desk = desk();
    desk.line("nodes");
    desk.lists(&cluster(), Ok(table(&["Name", "Status"], vec![row("n-1", &["Ready"])])));
    desk.screen();
    desk.keys("e");
    let page = desk.wanted().into_iter().find(|query| matches!(query, Query::DescribeAny(_))).expect("it is asked");
    desk.has("[events]");
    let lines = vec![
        PageLine::Heading("node/n-1".into()),
        PageLine::Field("roles".into(), "worker".into(), None),
        PageLine::Heading("events".into()),
        PageLine::Field("5m ago NodeNotReady".into(), "node/n-1: its kubelet is silent".into(), None),
    ];
    desk.answer(page.clone(), Ok(Answer::Page(lines)));
    desk.has("its kubelet is silent");
    assert!(!desk.screen().contains("worker"), "the page's other parts are on its own tab");
    let copied = desk.line("copy-command").into_iter().find_map(|effect| match effect {
        Effect::Copy(line) => Some(line.to_string()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("kubectl --context prod-eu1 -n default events --for nodes/n-1"));
}

#[test]
fn one_is_told_when_any_object_changes_and_when_it_is_gone() {
    let job = |cells: &[&str]| table(&["Name", "Status", "Completions"], vec![row("vacuum", cells)]);
    let mut desk = desk();
    desk.line("jobs");
    desk.lists(&cluster(), Ok(job(&["Running", "0/1"])));
    desk.screen();
    desk.keys("w");
    desk.has("(now: Running");
    // It is read on, whatever is looked at.
    desk.press(KeyCode::Esc);
    desk.has("WORKLOADS");
    let wanted = desk.app.wanted(desk.clock.now());
    desk.app.store.keep_answers(&wanted);
    let asked = desk.tables();
    assert_eq!((asked.len(), asked[0].resource.plural.as_str()), (1, "jobs"));
    assert_eq!(asked[0].namespaces, [Name::from("production")]);
    let told = |desk: &mut Desk, body: Result<ObjectTable, SourceError>| {
        desk.lists(&cluster(), body);
        desk.app.update(Msg::Tick, desk.clock.now()).into_iter().find_map(|effect| match effect {
            Effect::Notify(text) if text.contains("vacuum") => Some(text.to_string()),
            _ => None,
        })
    };
    assert_eq!(told(&mut desk, Ok(job(&["Running", "0/1"]))), None);
    let says = told(&mut desk, Ok(job(&["Complete", "1/1"]))).expect("it has ended");
    assert!(says.contains("-> Complete"), "{says}");
    let unread = SourceError::new(ErrorKind::Unreachable, "no route to host");
    assert_eq!(told(&mut desk, Err(unread)), None, "what is not known is not gone");
    let says = told(&mut desk, Ok(table(&["Name", "Status"], Vec::new()))).expect("it is gone");
    assert!(says.ends_with("-> gone"), "{says}");
    assert!(desk.tables().is_empty(), "it is read no more");
}

/// What Flux or Argo CD applies leads to what applies it, wherever that lives; what is no object is named.
#[test]
fn the_owner_of_what_git_keeps_is_one_key_away() {
    use crate::{
        model::kubernetes::Manager,
        store::Changes,
        ui::{target::Target, testing::deployment},
    };
    let owned = |manager: Manager, namespaces: &[&str], served: (&str, &str, &str)| {
        let mut world = incident();
        let mut myapp = deployment("myapp", "ghcr.io/acme/myapp:412", 8, 10);
        myapp.managed_by = vec![manager];
        world.workloads([myapp]);
        world.settings.namespaces.insert(cluster(), namespaces.iter().map(|name| Name::from(*name)).collect());
        let mut desk = Desk::new(world);
        let list = vec![resource(served.0, served.1, served.2, &[])];
        desk.answer(
            Query::Resources(cluster()),
            Ok(Answer::Resources(Arc::new(Resources { list, troubles: Vec::new() }))),
        );
        desk.keys("3");
        desk.screen();
        desk.keys("J");
        desk
    };
    let place = |desk: &mut Desk, namespace: &str, name: &str| {
        let there = TableRow { namespace: namespace.into(), ..row(name, &["True"]) };
        desk.lists(&cluster(), Ok(table(&["Name", "Ready"], vec![row(name, &["True"]), there])));
        desk.screen();
        match desk.app.selected(desk.clock.now()) {
            Some(Target::Object(key)) => format!("{} {}/{}", key.resource.plural, key.namespace, key.name),
            other => panic!("{other:?}"),
        }
    };
    let flux = || Manager::FluxKustomization { name: "apps".into(), namespace: "flux-system".into() };
    let kustomizations = ("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization");
    let mut desk = owned(flux(), &["production"], kustomizations);
    assert_eq!(desk.tables()[0].namespaces, ["production", "flux-system"]);
    assert_eq!(place(&mut desk, "flux-system", "apps"), "kustomizations flux-system/apps");
    // Who chooses others means these alone.
    desk.app.settings.namespaces.insert(cluster(), vec!["till".into()]);
    desk.app.changed(Changes::ANSWERS);
    desk.screen();
    assert_eq!(desk.tables()[0].namespaces, ["till"]);

    let release = Manager::FluxHelmRelease { name: "myapp".into(), namespace: "releases".into() };
    let mut desk = owned(release, &[], ("helm.toolkit.fluxcd.io", "helmreleases", "HelmRelease"));
    assert_eq!(place(&mut desk, "releases", "myapp"), "helmreleases releases/myapp");

    // Its mark does not say where Argo CD's own namespace is.
    let argo = |mark: &str| Manager::ArgoCd { application: mark.into() };
    let applications = ("argoproj.io", "applications", "Application");
    let mut desk = owned(argo("myapp"), &["production"], applications);
    assert_eq!(desk.tables()[0].namespaces, ["production", "argocd"]);
    assert_eq!(place(&mut desk, "argocd", "myapp"), "applications argocd/myapp");
    let mut desk = owned(argo("teams_myapp"), &[], applications);
    assert_eq!(place(&mut desk, "teams", "myapp"), "applications teams/myapp");
    let mut desk = owned(argo("web"), &[], applications);
    let elsewhere = TableRow { namespace: "openshift-gitops".into(), ..row("web", &["True"]) };
    desk.lists(&cluster(), Ok(table(&["Name", "Ready"], vec![row("another", &["True"]), elsewhere])));
    desk.screen();
    assert_eq!(desk.selected_name(), "application/web");

    let helm = Manager::Helm { release: "myapp".into(), namespace: "production".into() };
    for (manager, says) in [
        (argo("myapp"), "Argo CD application 'myapp' owns it, and 'prod-eu1' serves no applications"),
        (helm, "Helm release 'myapp' owns it, which is no object of the cluster"),
    ] {
        owned(manager, &[], kustomizations).has(says);
    }
}
