//! What stands around a workload that is rolled back: configuration, schema, room, what else runs its version.

mod database;

use std::time::Duration;

use super::*;
use crate::{
    action::{
        WorkloadInspection,
        around::{Around, Change, Job, JobState, Other},
        testing::{application, workload},
    },
    model::{BackendKind, Part, SourceId, gitops::Owner},
    source::{Delta, Fact, Update},
    text::Clean,
};

fn around(change: impl FnOnce(&mut Around)) -> Plan {
    with(|found| change(found.around.as_mut().expect("read")))
}

fn ok(plan: &Plan, id: &str) -> String {
    match result(plan, id) {
        CheckResult::Ok(says) => says.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

fn not_checked(plan: &Plan, id: &str) -> String {
    match result(plan, id) {
        CheckResult::NotChecked(says) => says.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

fn by(manager: &str, minutes: i64) -> Change {
    Change { by: manager.into(), at: ago(minutes) }
}

fn config(found: &mut Around, name: &str, minutes: i64) {
    found.config.insert(name.to_owned(), Ok(Some(by("helm", minutes))));
}

#[test]
fn configuration_that_changed_since_is_named_with_who_and_when() {
    let plan = around(|found| config(found, "configmap/myapp-config", 12));
    assert_eq!(
        look(&plan, "B9"),
        "configmap/myapp-config changed 12m ago by 'helm': rev 13's pods will start with the new values; flags, \
         Terraform: not seen"
    );
    assert_eq!((plan.risk, plan.stops().count()), (Risk::Production, 0), "it can be sent as before");
    // One pipeline applied both: the ConfigMap came a moment before the template.
    let mut found = inspection();
    let made = found.revisions[0].created.expect("a time");
    let just_before = made.checked_sub(jiff::SignedDuration::from_secs(5)).expect("in range");
    let change = Change { by: "helm".into(), at: just_before };
    found.around.as_mut().expect("read").config.insert("configmap/myapp-config".into(), Ok(Some(change)));
    let plan = planned(&roll_back(None), found).expect("a plan");
    assert!(look(&plan, "B9").contains("17m ago by 'helm', with rev 14: rev 13's pods"), "{}", look(&plan, "B9"));
}

#[test]
fn the_era_that_counts_is_the_targets() {
    let an_hour_before_live = |found: &mut WorkloadInspection| {
        config(found.around.as_mut().expect("read"), "configmap/myapp-config", 80);
    };
    assert!(ok(&with(an_hour_before_live), "B9").starts_with("configmap/myapp-config is as it was"));
    // Revision 12 was left when 13 was made, and the change came later.
    let mut found = inspection();
    an_hour_before_live(&mut found);
    let older = planned(&roll_back(Some(12)), found).expect("a plan");
    assert!(look(&older, "B9").contains("ago by 'helm': rev 12's pods will start"));
    // When the newest revision was left is not known: whatever changed since it was made counts.
    let mut found = inspection();
    an_hour_before_live(&mut found);
    found.revisions.swap(0, 1);
    (found.revisions[0].is_live, found.revisions[1].is_live) = (true, false);
    found.template = found.revisions[0].template.clone();
    found.revisions[1].created = Some(ago(100));
    let forward = planned(&roll_back(Some(14)), found).expect("a plan");
    assert!(look(&forward, "B9").contains("ago by 'helm': rev 14's pods will start"));
    let mut found = inspection();
    found.revisions[1].created = None;
    let timeless = planned(&roll_back(Some(13)), found).expect("a plan");
    assert!(not_checked(&timeless, "B9").contains("when rev"), "{}", not_checked(&timeless, "B9"));
}

#[test]
fn what_the_target_does_not_read_is_no_line_and_optional_configuration_is_one() {
    let other = around(|found| config(found, "secret/of-another-template", 1));
    assert!(ok(&other, "B9").contains("flags, Terraform: not seen"));
    let optional = with(|found| {
        let container = &mut found.revisions[1].template["spec"]["containers"][0];
        container["envFrom"] = serde_json::json!([{"secretRef": {"name": "extra", "optional": true}}]);
        config(found.around.as_mut().expect("read"), "secret/extra", 3);
    });
    assert!(look(&optional, "B9").starts_with("secret/extra changed 3m"));
}

#[test]
fn an_autoscaler_and_services_that_changed_come_after_configuration() {
    let surrounding = |found: &mut WorkloadInspection| {
        let changed = Some(by("kubectl-edit", 4));
        found.autoscaler = Ok(Some(Autoscaler { changed, ..scaler(2, 10, 6) }));
        let around = found.around.as_mut().expect("read");
        around.services.found = vec![("myapp".into(), Some(by("argocd", 2))), ("old".into(), Some(by("helm", 9_000)))];
    };
    let says = look(&with(surrounding), "B9");
    assert!(says.starts_with("service/myapp changed 2m ago by 'argocd': it is not taken"), "{says}");
    assert!(says.contains("; also hpa/myapp 4m ago; flags"), "{says}");
    let both = with(|found| {
        surrounding(found);
        config(found.around.as_mut().expect("read"), "configmap/myapp-config", 12);
    });
    assert!(look(&both, "B9").starts_with("configmap/myapp-config"), "{}", look(&both, "B9"));
}

#[test]
fn configuration_that_was_not_read_is_not_checked() {
    let refused = |found: &mut Around| {
        found.config.insert("configmap/myapp-config".to_owned(), Err("forbidden".into()));
    };
    assert!(not_checked(&around(refused), "B9").contains("configmap/myapp-config could not be read: forbidden"));
    let partly = around(|found| {
        refused(found);
        found.services.found = vec![("myapp".into(), Some(by("helm", 1)))];
    });
    assert!(look(&partly, "B9").contains("; 1 not read;"), "{}", look(&partly, "B9"));
    assert!(not_checked(&with(|found| found.around = None), "B9").contains("not read"));
    assert!(not_checked(&around(|found| found.services.unread = vec!["services: 403".into()]), "B9").contains("403"));
}

fn job(name: &str, image: &str, minutes: i64) -> Job {
    Job {
        name: name.into(),
        images: Box::new([image.into()]),
        created: Some(ago(minutes)),
        state: JobState::Done,
        is_hook: false,
        is_scheduled: false,
        migrates: false,
        is_kin: false,
    }
}

const LIVE: &str = "registry.example/acme/myapp:412";

#[test]
fn what_writes_the_newest_image_is_said() {
    assert!(with(|_| ()).checks.iter().all(|check| check.name != *"image updater"));
    let keel = with(|found| found.updater = Some("Keel (policy minor)".into()));
    let says = |plan: &Plan| {
        let check = plan.checks.iter().find(|check| check.name == *"image updater").expect("it is said");
        assert_eq!(check.id, "B4");
        format!("{:?}", check.result)
    };
    let words = says(&keel);
    assert!(
        words.starts_with("Look") && words.contains("Keel (policy minor) will write the newest image again"),
        "{words}"
    );
    let of = |updater: Result<Option<Clean>, Clean>| {
        with(|found| found.owners = Ok(vec![Owner { updater, ..application() }]))
    };
    assert!(
        says(&of(Ok(Some("Argo CD Image Updater (myapp)".into()))))
            .contains("Argo CD Image Updater (myapp) will write")
    );
    assert!(says(&of(Err("forbidden".into()))).contains("could not be read: forbidden"));
}

fn quota(resource: &str, hard: &str, used: &str) -> Quota {
    let limit = QuotaLimit { resource: resource.into(), hard: hard.into(), used: used.into() };
    Quota { name: "team".into(), is_scoped: false, limits: vec![limit] }
}

#[test]
fn room_for_the_surge_is_counted() {
    let quotas = |quotas: Result<Vec<Quota>, Clean>| with(|found| found.quotas = quotas);
    let tight = quotas(Ok(vec![quota("pods", "40", "38")]));
    assert_eq!(look(&tight, "B12"), "quota 'team' has 2 pods left, 3 pods at once want 3: not all may come up");
    let wide = quotas(Ok(vec![quota("limits.memory", "64Gi", "24Gi")]));
    assert_eq!(ok(&wide, "B12"), "3 pods more at once, of what quotas have left: limits.memory 1.5Gi of 40Gi");
    assert!(ok(&quotas(Ok(Vec::new())), "B12").contains("no quota limits them"));
    assert!(not_checked(&quotas(Err("forbidden".into())), "B12").contains("quotas could not be read: forbidden"));
    let defaults = quotas(Ok(vec![quota("requests.cpu", "4", "1")]));
    assert!(not_checked(&defaults, "B12").contains("leaves to defaults"));
    let scoped = quotas(Ok(vec![Quota { is_scoped: true, ..quota("pods", "1", "1") }]));
    assert!(not_checked(&scoped, "B12").contains("not evaluated"));
}

#[test]
fn an_autoscaler_at_its_minimum_while_live_fails_may_have_shrunk() {
    let at = |current, is_calm| {
        with(|found| {
            found.autoscaler = Ok(Some(scaler(2, 10, current)));
            if is_calm {
                found.pods.retain(|pod| pod.is_ready);
            }
        })
    };
    assert_eq!(
        look(&at(2, false), "B12"),
        "HPA myapp 2-10 is at 2: errors are cheap, it may have shrunk; raise its minimum first: `kubectl --context prod-eu1 \
         -n production patch hpa myapp -p '{\"spec\":{\"minReplicas\":10}}'`"
    );
    // As many as when the target was left.
    let known = with(|found| {
        found.autoscaler = Ok(Some(scaler(2, 10, 2)));
        found.revisions[1].wanted = Some(8);
    });
    let says = look(&known, "B12");
    assert!(says.contains("rev 13 was left at 8 pods") && says.contains("\"minReplicas\":8}"), "{says}");
    assert!(ok(&at(3, false), "B12").contains("scaled by HPA myapp 2-10, at 3"));
    assert!(ok(&at(2, true), "B12").contains("at 2"));
    // Crash-looping containers run now and then: the check stays.
    let between_crashes = with(|found| {
        found.autoscaler = Ok(Some(scaler(2, 10, 2)));
        found.pods.retain(|pod| pod.is_ready);
        found.pods[4].restarts = 6;
    });
    look(&between_crashes, "B12");
    assert!(not_checked(&with(|found| found.autoscaler = Err("forbidden".into())), "B12").contains("forbidden"));
}

fn other(name: &str, image: &str, is_kin: bool) -> Other {
    Other { name: name.into(), images: Box::new([image.into()]), is_kin }
}

#[test]
fn what_else_runs_the_version_are_the_next_plans() {
    let plan = around(|found| {
        found.others.found = vec![
            other("cronjob/myapp-report", LIVE, false),
            other("sts/myapp-worker", "registry.example/acme/worker:412", true),
            other("deploy/stranger", "registry.example/acme/stranger:412", false),
            other("deploy/older", "registry.example/acme/myapp:411", true),
        ];
    });
    assert_eq!(
        look(&plan, "B16"),
        "cronjob/myapp-report, sts/myapp-worker run 412 too; this plan leaves them: roll each back by a plan of its own"
    );
    assert!(ok(&with(|_| ()), "B16").contains("nothing else in 'production' runs 412; no other cluster is open"));
    let refused = around(|found| found.others.unread = vec!["cronjobs could not be read: forbidden".into()]);
    assert!(not_checked(&refused, "B16").contains("but cronjobs could not be read: forbidden"));
    let config_only = with(|found| {
        found.revisions[0].template = template_of("411", "1Gi", "warn");
        found.template = found.revisions[0].template.clone();
    });
    assert!(ok(&config_only, "B16").contains("the same images"));
}

#[test]
fn the_same_workload_in_other_clusters_is_seen_if_it_is_watched() {
    let us1 = BackendId::new("prod-us1");
    let mut settings = settings();
    settings.backends.insert(us1.clone(), BackendKind::Kubernetes);
    let evidence = evidence(&roll_back(None), inspection());
    let plan_in = |store: &Store| plan(&roll_back(None), &evidence, store, &settings, now()).expect("a plan");
    let mut known = store(Vec::new());
    assert!(not_checked(&plan_in(&known), "B16").contains("but prod-us1 is not seen"));
    let source = SourceId::new(&us1, Part::Deployments);
    known.expect(source.clone(), BackendKind::Kubernetes, Duration::from_secs(30), 0);
    let mut there = workload(WorkloadKey { cluster: us1.clone(), ..myapp() });
    there.uid = "uid-of-us1".into();
    let mut runs = |image: &str| {
        there.images = Box::new([image.into()]);
        let fact = Fact::Workload(Delta::Put(Box::new(there.clone())));
        known.apply(Update { from: source.clone(), at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
        plan_in(&known)
    };
    assert!(
        ok(&runs("registry.example/acme/myapp:411"), "B16").contains("nor myapp in the other cluster that is open")
    );
    assert_eq!(
        look(&runs(LIVE), "B16"),
        "prod-us1 runs 412 too; this plan leaves it: roll it back by a plan of its own"
    );
    // Other namespaces are watched there: what is fresh says nothing of this one.
    let mut elsewhere = there.clone();
    elsewhere.key.namespace = "staging".into();
    let mut known = store(Vec::new());
    known.expect(source.clone(), BackendKind::Kubernetes, Duration::from_secs(30), 0);
    let fact = Fact::Workload(Delta::Put(Box::new(elsewhere)));
    known.apply(Update { from: source, at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
    let watching = |namespaces: &[&str]| {
        let mut settings = settings.clone();
        settings.namespaces.insert(us1.clone(), namespaces.iter().map(|name| Clean::from(*name)).collect());
        plan(&roll_back(None), &evidence, &known, &settings, now()).expect("a plan")
    };
    assert!(
        not_checked(&watching(&["staging"]), "B16")
            .contains("nothing else on 412 was found, but in prod-us1 its namespace is not watched")
    );
    let with_it: [&[&str]; 2] = [&[], &["staging", "production"]];
    for namespaces in with_it {
        let says = ok(&watching(namespaces), "B16");
        assert!(says.contains("nor myapp in the other cluster that is open"), "{says}");
    }
}

/// Who followed the advice would undo twice, and be back on the bad version.
#[test]
fn the_same_workload_by_another_name_of_its_cluster_is_no_other() {
    let nils = BackendId::new("prod-eu1-nils");
    let mut settings = settings();
    settings.backends.insert(nils.clone(), BackendKind::Kubernetes);
    let source = SourceId::new(&nils, Part::Deployments);
    let says = |uid: &str, cluster_id: Option<&str>| {
        let mut known = store(Vec::new());
        known.expect(source.clone(), BackendKind::Kubernetes, Duration::from_secs(30), 0);
        let mut there = workload(WorkloadKey { cluster: nils.clone(), ..myapp() });
        there.uid = uid.into();
        let fact = Fact::Workload(Delta::Put(Box::new(there)));
        known.apply(Update { from: source.clone(), at: now().wall, generation: 0, body: Ok(vec![fact]) }, now());
        known.backends.get_mut(&nils).expect("expected").info.cluster_id = cluster_id.map(Clean::from);
        let evidence = evidence(&roll_back(None), inspection());
        plan(&roll_back(None), &evidence, &known, &settings, now()).expect("a plan")
    };
    assert!(ok(&says("uid-elsewhere", Some("cluster-1")), "B16").contains("no other cluster is open"));
    assert!(ok(&says("uid-myapp", None), "B16").contains("no other cluster is open"), "its uid tells too");
    assert!(look(&says("uid-elsewhere", Some("cluster-2")), "B16").starts_with("prod-eu1-nils runs 412 too"));
}

#[test]
fn facts_that_only_age_do_not_move_a_plan() {
    let facts = |found: &mut WorkloadInspection, later: i64| {
        let around = found.around.as_mut().expect("read");
        config(around, "configmap/myapp-config", 12 + later);
        around.jobs.found = vec![job("myapp-migrate-412", LIVE, 14 + later)];
        around.others.found = vec![other("cronjob/myapp-report", LIVE, false)];
    };
    let shown = with(|found| facts(found, 0));
    assert_eq!(shown.moved_to(&with(|found| facts(found, 1))), None);
    // A list that is not answered the second time says less, which is no news to stop for.
    assert_eq!(shown.moved_to(&with(|found| found.around = None)), None);
    let news = with(|_| ()).moved_to(&shown).expect("it moved").to_string();
    assert!(news.contains("changed 12m ago by 'helm'") || news.contains("runs 412 too"), "{news}");
}
