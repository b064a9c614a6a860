//! Each workload of the release is checked as if it went back alone, and waited for.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_checks_of_a_workload_are_those_that_are_said_of_one_that_was_not_read() {
    let found = inspection();
    let evidence = evidence(&roll_back(None), found.clone());
    let (known, settings) = (store(Vec::new()), settings());
    let make = Make { request: &roll_back(None), evidence: &evidence, store: &known, settings: &settings, now: now() };
    let subject = checks::Subject { make: &make, inspection: &found, now: now().wall };
    let plan = with(|_| ());
    let of = (&found.revisions[0], &found.revisions[1]);
    let checks = crate::action::rollback::of_workload(&subject, of, &plan);
    let names: Vec<(&str, &str)> = checks.iter().map(|check| (&*check.id, &*check.name)).collect();
    assert_eq!(names, OF_WORKLOAD);
}

#[test]
fn a_broken_pod_of_any_of_its_statefulsets_is_deleted_after_it() {
    let plan = with_release(|_| ());
    let writes: Vec<String> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Write(Write::HelmRollback { from, to, .. }) => Some(format!("helm {from} -> {to}")),
            StepKind::Write(Write::DeleteUnready { workload, .. }) => Some(workload.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(writes, ["helm 8 -> 7", "sts/store"]);
    assert!(look(&plan, "B13").contains("sts/store: its controller waits for broken pods"), "{}", look(&plan, "B13"));
    assert!(
        plan.equivalent.iter().any(|line| line.ends_with("-n production delete pod store-2")),
        "{:?}",
        plan.equivalent
    );
    let mut store = the_store();
    store.may_delete_pods = Ok(false);
    let plan = plan_to(None, of_release(release()), Ok(store));
    assert!(look(&plan, "B13").contains("sts/store: its controller waits for store-2, and you may not delete pods"));
}

#[test]
fn a_broken_pod_of_a_template_set_by_hand_is_deleted_too() {
    let mut store = the_store();
    let mut by_hand = store.revisions[2].clone();
    (by_hand.hash, by_hand.template) = (Some("hash413".into()), template_of("413", "1Gi", "warn"));
    store.revisions.push(by_hand);
    store.pods[0] = pod("store-2", "413", false);
    let plan = plan_to(None, of_release(release()), Ok(store));
    let of = plan.steps.iter().find_map(|step| match &step.kind {
        StepKind::Write(Write::DeleteUnready { of, .. }) => Some(of),
        _ => None,
    });
    assert!(of.is_some_and(|of| of.contains("hash413") && !of.contains("hash411")), "{of:?}");
    assert_eq!(plan.blocked, None);
}

#[test]
fn what_brings_the_newest_image_back_is_said_of_each_workload() {
    let mut store = the_store();
    store.updater = Some("Keel".into());
    let plan = plan_to(None, of_release(release()), Ok(store));
    let found = says(named(&plan, "B4", "image updater"));
    assert!(found.contains("Look(\"sts/store: Keel will write the newest image again"), "{found}");
    assert!(with_release(|_| ()).checks.iter().all(|check| check.name != "image updater"));
}

#[test]
fn a_migration_that_runs_stops_a_release() {
    let migrating = || {
        let mut store = the_store();
        let job = Job {
            name: "store-migrate".into(),
            created: Some(ago(1)),
            images: Box::new([]),
            state: JobState::Running,
            migrates: true,
            is_hook: false,
            is_scheduled: false,
            is_kin: true,
        };
        store.around.as_mut().expect("read").jobs.found.push(job);
        store
    };
    let stays = |release: &mut Release| {
        for number in [6, 7] {
            body(release, number).objects[1] = rendered(&store_key(), template_of("412", "1Gi", "warn"));
        }
    };
    let mut unchanged = release();
    stays(&mut unchanged);
    let mut unread = release();
    unread.revisions[1].body = Err("403".into());
    for (what, release) in [("changed", release()), ("unchanged", unchanged)] {
        let plan = plan_to(Some(7), of_release(release), Ok(migrating()));
        assert!(stop(&plan, "B10").contains("store-migrate' runs now"), "{what}: {}", stop(&plan, "B10"));
    }
    let mut of_app = of_release(unread);
    of_app.around = migrating().around;
    let plan = plan_to(Some(7), of_app, Ok(the_store()));
    assert!(stop(&plan, "B10").contains("store-migrate' runs now"), "unread: {}", stop(&plan, "B10"));
}

#[test]
fn a_workload_that_cannot_be_read_is_said_in_every_check() {
    let plan = plan_to(None, of_release(release()), Err("it is forbidden".into()));
    for (id, name) in OF_WORKLOAD {
        let all = plan.checks.iter().filter(|check| check.id == *id && check.name == *name);
        let unread: Vec<&Check> = all.filter(|check| matches!(check.result, CheckResult::NotChecked(_))).collect();
        assert!(
            unread.iter().any(|check| says(&check.result).contains("sts/store: it is forbidden")),
            "{id}: {unread:?}"
        );
    }
    // A release whose revision cannot be read says so in each, too.
    let mut unread = release();
    unread.revisions[1].body = Err("403".into());
    let plan = plan_to(Some(7), of_release(unread), Ok(the_store()));
    for (id, name) in OF_WORKLOAD {
        assert!(says(named(&plan, id, name)).contains("revision 7 could not be read: 403"), "{id}");
    }
    assert!(says(named(&plan, "B10", "hooks")).starts_with("NotChecked"));
}

#[test]
fn each_workload_is_checked_on_its_own() {
    let mut store = the_store();
    store.may_patch = Ok(false);
    store.references.insert("configmap/myapp-config".to_owned(), Ok(false));
    let around = store.around.as_mut().expect("read");
    let edited = Change { by: "kubectl-edit".into(), at: ago(3) };
    around.config.insert("configmap/myapp-config".to_owned(), Ok(Some(edited)));
    let plan = plan_to(None, of_release(release()), Ok(store));
    let stop = |id: &str| stop(&plan, id);
    assert!(stop("B3").contains("sts/store: you may not patch statefulsets"), "{}", stop("B3"));
    assert!(
        stop("B15").contains("sts/store: the target names what is gone: configmap/myapp-config"),
        "{}",
        stop("B15")
    );
    assert!(look(&plan, "B9").contains("sts/store: configmap/myapp-config changed 3m ago by 'kubectl-edit'"));
    assert!(!look(&plan, "B9").contains("deploy/myapp"), "its own is as it was");
}

#[test]
fn replicas_that_somebody_changed_are_set_back_by_helm() {
    let set =
        |to: u32| with_release(|release| body(release, 7).objects.iter_mut().for_each(|one| one.replicas = Some(to)));
    let plan = set(3);
    assert!(look(&plan, "B12").contains("deploy/myapp: Helm sets 3 replicas, as the chart has it; 10 are wanted now"));
    assert!(!look(&plan, "B12").contains("sts/store"), "it has three");
    assert!(stop(&set(0), "B12").contains("deploy/myapp: Helm sets 0 replicas, 10 run"));
}

#[test]
fn what_fits_alone_may_not_fit_together() {
    let limits = |left: &str| {
        let limit = QuotaLimit { resource: "pods".into(), hard: left.into(), used: "0".into() };
        Ok(vec![Quota { name: "q".into(), is_scoped: false, limits: vec![limit] }])
    };
    let with_quota = |left: &str| {
        let (mut app, mut store) = (of_release(release()), the_store());
        (app.quotas, store.quotas) = (limits(left), limits(left));
        plan_to(None, app, Ok(store))
    };
    let plan = with_quota("5");
    assert!(matches!(named(&plan, "B12", "capacity"), CheckResult::Ok(_)), "{:?}", plan.checks);
    let found = says(named(&plan, "B12", "all at once"));
    assert!(found.contains("Look(\"quota 'q' has 5 pods left, 6 pods at once want 6"), "{found}");
    assert!(matches!(named(&with_quota("6"), "B12", "all at once"), CheckResult::Ok(_)));
}

#[test]
fn a_workload_that_stays_as_it_is_is_no_trouble() {
    let same = |release: &mut Release| {
        for number in [6, 7] {
            body(release, number).objects[0] = rendered(&myapp(), template_of("412", "1Gi", "warn"));
        }
    };
    let plan = with_release(same);
    assert!(look(&plan, "B8").starts_with("sts/store: "), "{}", look(&plan, "B8"));
    let mut broken = release();
    same(&mut broken);
    let mut of_app = of_release(broken);
    of_app.references.insert("configmap/myapp-config".to_owned(), Ok(false));
    let plan = plan_to(None, of_app.clone(), Ok(the_store()));
    assert!(plan.stops().next().is_none(), "{:?}", plan.checks);
    of_app.may_patch = Ok(false);
    let plan = plan_to(None, of_app, Ok(the_store()));
    assert!(stop(&plan, "B3").contains("deploy/myapp: you may not patch"), "its labels name the chart");
}

#[test]
fn all_workloads_of_the_release_are_watched_by_what_their_pods_run() {
    let plan = with_release(|_| ());
    let Some(StepKind::Watch(watched)) = plan.steps.last().map(|step| &step.kind) else { panic!("{:?}", plan.steps) };
    let Watched::Release(all) = &**watched else { panic!("{watched:?}") };
    let all: Vec<_> = (all.iter())
        .map(|one| (one.workload.to_string(), one.desired, one.hash.as_deref(), one.images[0].digests.clone()))
        .collect();
    let digest = BTreeSet::from([digest_of("411")]);
    assert_eq!(
        all,
        [
            ("deploy/myapp".to_owned(), 10, Some("hash411"), digest.clone()),
            ("sts/store".to_owned(), 3, Some("hash411"), digest)
        ]
    );
}
