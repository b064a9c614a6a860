//! What is typed behind `:`, and what the palette offers.

use super::*;

#[test]
fn what_names_no_kind_is_said_with_the_nearest() {
    let mut desk = desk();
    desk.line("servicex");
    desk.has("there is no command or kind of object 'servicex': did you mean 'service'?");
    desk.line("kind jbos");
    desk.has("no kind of object is called 'jbos': did you mean 'jobs'?");
    desk.line("kind backups");
    desk.has("write backups.velero.io or backups.cnpg.io");
    desk.line("backups.cnpg.io");
    assert_eq!(desk.tables()[0].resource.group, "cnpg.io");
}

#[test]
fn a_word_with_a_namespace_chooses_both() {
    let mut desk = desk();
    desk.line("svc till");
    let effects = desk.has_namespaces(Ok(&["production", "till"]));
    assert!(effects.iter().any(sets("till")), "{effects:?}");
    assert_eq!(desk.tables()[0].namespaces, [Name::from("till")]);
    desk.keys("0");
    assert!(desk.tables()[0].namespaces.is_empty());
    desk.line("nodes");
    desk.line("ns till");
    assert!(desk.tables()[0].namespaces.is_empty(), "nodes are in no namespace");
}

fn sets(name: &str) -> impl Fn(&Effect) -> bool {
    move |effect| matches!(effect, Effect::SetNamespaces { namespaces, .. } if *namespaces == [Name::from(name)])
}

/// Typed faster than the namespaces are read: until they are, the old scope stays.
#[test]
fn a_namespace_is_taken_when_it_is_known_to_be_there() {
    let mut desk = Desk::new(incident());
    assert!(desk.line("ns prodction").is_empty());
    desk.has("asking 'prod-eu1' for namespace prodction");
    assert!(!desk.screen().contains("prod-eu1/prodction"));
    desk.serves(&cluster());
    assert!(desk.has_namespaces(Ok(&["production", "till"])).is_empty());
    desk.has("'prod-eu1' has no namespace 'prodction': did you mean 'production'?");
    assert!(!desk.tables().iter().any(|table| table.resource.plural == "namespaces"), "asked once");
    // What has pods is there.
    assert!(desk.line("ns production").iter().any(sets("production")));
}

/// What a plan is of must not leave the screen below it.
#[test]
fn a_namespace_is_not_taken_below_an_open_dialog() {
    let mut desk = desk();
    assert!(desk.line("ns till").is_empty());
    desk.keys("?");
    assert!(desk.has_namespaces(Ok(&["production", "till"])).is_empty());
    desk.pass(Duration::from_secs(6));
    assert!(!desk.app.update(Msg::Tick, desk.clock.now()).iter().any(sets("till")));
    desk.press(KeyCode::Esc);
    assert!(desk.app.update(Msg::Tick, desk.clock.now()).iter().any(sets("till")));
}

#[test]
fn a_namespace_that_cannot_be_looked_up_is_taken_with_a_word() {
    let mut desk = desk();
    assert!(desk.line("ns till").is_empty());
    let refused = SourceError::new(ErrorKind::Auth, "namespaces is forbidden (403)");
    assert!(desk.has_namespaces(Err(refused)).iter().any(sets("till")));
    desk.has("namespace till (not checked: the cluster's namespaces cannot be read)");
    // No answer at all keeps nobody from choosing, either.
    let mut desk = Desk::new(incident());
    assert!(desk.line("ns till").is_empty());
    desk.pass(Duration::from_secs(6));
    assert!(desk.app.update(Msg::Tick, desk.clock.now()).iter().any(sets("till")));
    // What is chosen meanwhile wins.
    let mut desk = Desk::new(incident());
    desk.line("ns till");
    desk.line("ns all");
    desk.pass(Duration::from_secs(6));
    assert!(!desk.app.update(Msg::Tick, desk.clock.now()).iter().any(sets("till")));
}

/// One row of staging is not selected: its namespace is meant all the same, for the selected cluster has none of that name.
#[test]
fn a_namespace_of_another_open_cluster_changes_that_one() {
    let mut world = incident();
    world.settings.backends.insert(staging(), BackendKind::Kubernetes);
    let mut desk = Desk::new(world);
    assert!(desk.line("ns staging").is_empty(), "who has it is not known yet");
    desk.serves(&cluster());
    desk.serves(&staging());
    let names = |names: &[&str]| table(&["Name"], names.iter().map(|name| row(name, &[])).collect());
    let query = |desk: &Desk, of: &BackendId| {
        let is_it = |table: &TableQuery| table.cluster == *of && table.resource.plural == "namespaces";
        Query::Table(desk.tables().into_iter().find(is_it).expect("it is asked for"))
    };
    let (one, other) = (query(&desk, &cluster()), query(&desk, &staging()));
    desk.answer(one, Ok(Answer::Table(Arc::new(names(&["production"])))));
    assert!(!desk.app.settings.namespaces.contains_key(&cluster()));
    desk.answer(other, Ok(Answer::Table(Arc::new(names(&["staging", "production"])))));
    assert_eq!(desk.app.settings.namespaces.get(&staging()), Some(&vec![Name::from("staging")]));
    assert!(!desk.app.settings.namespaces.contains_key(&cluster()), "it stays as it is");
    desk.has("staging-eu1: namespace staging ('prod-eu1' has none of that name)");
    desk.line("ns production");
    desk.has("prod-eu1: namespace production");
    // The palette says whose they are.
    desk.keys(":ns ");
    let said = desk.row_with("in prod-eu1, staging-eu1");
    assert!(said.contains("production"), "{said}");
}

/// Another cluster has one of that name: that does not say that it is meant.
#[test]
fn a_cluster_whose_namespaces_cannot_be_read_stays_the_one_that_is_meant() {
    for is_refused in [true, false] {
        let mut world = incident();
        world.settings.backends.insert(staging(), BackendKind::Kubernetes);
        let mut desk = Desk::new(world);
        assert!(desk.line("ns till").is_empty());
        desk.serves(&cluster());
        desk.serves(&staging());
        let names = table(&["Name"], vec![row("till", &[])]);
        let query = |desk: &Desk, of: &BackendId| {
            let is_it = |table: &TableQuery| table.cluster == *of && table.resource.plural == "namespaces";
            Query::Table(desk.tables().into_iter().find(is_it).expect("it is asked for"))
        };
        let (one, other) = (query(&desk, &cluster()), query(&desk, &staging()));
        desk.answer(other, Ok(Answer::Table(Arc::new(names))));
        if is_refused {
            desk.answer(one, Err(SourceError::new(ErrorKind::Auth, "namespaces is forbidden (403)")));
            desk.has("prod-eu1: namespace till (not checked: ");
        } else {
            // It is merely slow.
            desk.pass(Duration::from_secs(6));
            desk.app.update(Msg::Tick, desk.clock.now());
        }
        assert_eq!(desk.app.settings.namespaces.get(&cluster()), Some(&vec![Name::from("till")]));
        assert!(!desk.app.settings.namespaces.contains_key(&staging()), "it stays as it is");
    }
}

#[test]
fn a_namespace_that_is_not_there_is_refused_with_the_nearest() {
    let mut desk = desk();
    desk.keys(":ns prodction");
    desk.lists(&cluster(), Ok(table(&["Name"], vec![row("production", &[]), row("empty", &[])])));
    assert!(desk.press(KeyCode::Enter).is_empty());
    desk.has("'prod-eu1' has no namespace 'prodction': did you mean 'production'?");
    // It has no pods, and is there.
    desk.keys(":ns em");
    desk.lists(&cluster(), Ok(table(&["Name"], vec![row("production", &[]), row("empty", &[])])));
    desk.has("empty");
    desk.keys("pty");
    let effects = desk.press(KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::SetNamespaces { .. }]), "{effects:?}");
}

#[test]
fn the_palette_offers_kinds_by_every_name_and_words_come_first() {
    let mut desk = desk();
    for (typed, first) in [
        ("svc", "services"),
        ("cronjob", "cronjobs"),
        ("ns", "ns NAME"),
        ("pods", "kind Pod"),
        ("events", "kind Event"),
    ] {
        desk.keys(":");
        desk.keys(typed);
        let screen = desk.screen();
        let field = screen.lines().position(|line| line.contains(&format!(":{typed}"))).expect("the field");
        let line = screen.lines().nth(field + 2).expect("the first");
        assert!(line.contains(first), "{typed}: {line}");
        desk.press(KeyCode::Esc);
    }
    desk.line("events");
    assert_eq!(desk.tables()[0].resource.plural, "events");
}

#[test]
fn short_names_of_a_kind_never_run_into_what_it_is() {
    let mut all = served();
    let short = ["iua", "imgupd", "imgauto"];
    let kind = "ImageUpdateAutomation";
    all.list.push(resource("image.toolkit.fluxcd.io", "imageupdateautomations", kind, &short));
    let mut desk = Desk::new(incident());
    desk.answer(Query::Resources(cluster()), Ok(Answer::Resources(Arc::new(all))));
    desk.keys(":imgauto");
    desk.has(" iua imgupd imgauto kind ImageUpdateAutomation");
}

#[test]
fn pods_are_a_table_by_each_of_their_names_and_workloads_a_line_away() {
    for word in ["pods", "po", "pod", "pods till"] {
        let mut desk = desk();
        desk.line(word);
        let scope: Vec<&str> = word.split(' ').skip(1).collect();
        if !scope.is_empty() {
            desk.has_namespaces(Ok(&scope));
        }
        let asked = desk.tables().pop().expect(word);
        assert_eq!(
            (asked.resource.plural.as_str(), asked.namespaces),
            ("pods", scope.iter().copied().map(Clean::from).collect())
        );
        desk.lists(&cluster(), Ok(table(&["Name", "Status"], vec![row("web-1", &["Running"])])));
        desk.has("PODS 1");
        desk.line("workloads");
        desk.has("WORKLOADS");
    }
    // What the cluster serves is not known yet: it is waited for.
    for word in ["pods", "po", "pod"] {
        let mut desk = Desk::new(incident());
        desk.line(word);
        desk.has("loading what the cluster serves");
        desk.serves(&cluster());
        assert_eq!(desk.tables()[0].resource.plural, "pods");
    }
}

/// The first kind of a session is typed faster than the kinds are read.
#[test]
fn a_word_that_may_be_a_kind_waits_for_the_kinds() {
    let mut desk = Desk::new(incident());
    // `previous-match` is like it, letter by letter.
    desk.line("pvc");
    desk.has("loading what the cluster serves");
    desk.serves(&cluster());
    desk.has("no kind of object is called 'pvc'");
    // What begins so is meant, kinds or not.
    let mut desk = Desk::new(incident());
    desk.line("triag");
    desk.has("[2 Triage");
}

/// `no` begins `now`, `events` is a command of the selected workload, and the workloads are no table of deployments.
#[test]
fn a_kind_typed_before_the_kinds_are_read_means_the_same_as_after() {
    for (word, plural) in [("deploy", "deployments"), ("no", "nodes"), ("events", "events"), ("svc", "services")] {
        for is_early in [true, false] {
            let mut all = served();
            all.list.push(resource("apps", "deployments", "Deployment", &["deploy"]));
            let all = Ok(Answer::Resources(Arc::new(all)));
            let mut desk = Desk::new(incident());
            desk.keys("3");
            desk.frame((120, 35));
            if !is_early {
                desk.answer(Query::Resources(cluster()), all.clone());
            }
            desk.line(word);
            if is_early {
                desk.has("loading what the cluster serves");
                desk.answer(Query::Resources(cluster()), all);
            }
            assert_eq!(desk.tables()[0].resource.plural, plural, "early: {is_early}");
        }
    }
    for word in ["deploy", "pods"] {
        let mut desk = Desk::new(incident());
        let refused = SourceError::new(ErrorKind::Auth, "no token");
        desk.answer(Query::Resources(cluster()), Err(refused));
        desk.line(word);
        desk.has("the kinds could not be read: no token");
    }
}

#[test]
fn the_chosen_row_of_the_palette_stays_while_more_comes_in() {
    let completed = |down: bool, is_late: bool| {
        let mut desk = Desk::new(incident());
        desk.frame((120, 35));
        desk.keys(":s");
        if down {
            desk.press(KeyCode::Down);
        }
        if is_late {
            desk.serves(&cluster());
            desk.frame((120, 35));
        }
        desk.press(KeyCode::Tab);
        let screen = desk.screen();
        screen.lines().skip_while(|line| !line.contains("COMMAND")).nth(1).expect("the field").to_owned()
    };
    assert_ne!(completed(true, false), completed(false, false));
    assert_eq!(completed(true, true), completed(true, false));
}

#[test]
fn a_blank_behind_a_word_is_no_other_word() {
    let mut desk = desk();
    desk.screen();
    desk.keys(":logs ");
    let screen = desk.screen();
    assert!(!screen.contains("no command is called that") && screen.contains("logs; of a run"), "{screen}");
}

#[test]
fn events_are_the_kind_where_no_row_has_events_of_its_own() {
    let mut desk = Desk::new(incident());
    desk.frame((120, 35));
    desk.line("events");
    desk.serves(&cluster());
    assert_eq!(desk.tables()[0].resource.plural, "events");
}

#[test]
fn a_namespace_is_listed_to_be_chosen() {
    let mut desk = desk();
    desk.line("namespaces");
    desk.lists(&cluster(), Ok(table(&["Name", "Status"], vec![row("till", &["Active"])])));
    desk.screen();
    let effects = desk.press(KeyCode::Enter);
    assert!(effects.iter().any(sets("till")), "{effects:?}");
}

#[test]
fn the_contexts_that_are_open_are_told_from_the_others() {
    let mut world = incident();
    world.settings.contexts = vec!["prod-eu1".into(), "staging-eu1".into()];
    let mut desk = Desk::new(world);
    desk.keys(":ctx ");
    let line = |desk: &mut Desk, name: &str| {
        let screen = desk.screen();
        let found = screen.lines().rfind(|line| line.contains(&format!("{name}  "))).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no {name}: {screen}"))
    };
    assert!(line(&mut desk, "prod-eu1").contains(" open "));
    assert!(!line(&mut desk, "staging-eu1").contains(" open "));
}
