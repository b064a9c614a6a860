//! Checks and refusals of a rollback.

use super::*;
use crate::{
    action::testing::{ago, evidence_for},
    model::{Level, code::Run, kubernetes::Pod},
};

#[test]
fn all_sixteen_checks_stand_in_a_rollback_and_the_worst_come_first() {
    let plan = with(|found| found.workload.managed_by = vec![Manager::ConfigSync]);
    for id in 1..=16 {
        result(&plan, &format!("B{id}"));
    }
    assert_eq!(plan.checks[0].id, "B4");
    let order: Vec<u8> = plan.checks.iter().map(|check| severity(&check.result)).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn the_target_is_the_last_that_ran_long_enough() {
    assert_eq!(with(|_| ()).chosen, Some(13));
    // 411 ran for five minutes only: 410 is the last known good one.
    assert_eq!(with(|found| found.revisions[1].created = Some(ago(22))).chosen, Some(12));
    // None ran long: the one that ran longest.
    let plan = with(|found| {
        found.revisions[1].created = Some(ago(40));
        found.revisions[2].created = Some(ago(50));
    });
    assert_eq!(plan.chosen, Some(13));
    assert!(look(&plan, "B11").contains("never ran for 30m"));
}

/// 412 was bad and 411 was brought back by somebody else, as revision 15; 413 came a day later.
#[test]
fn what_somebody_rolled_away_from_is_no_target_however_long_ago_that_was() {
    let undone = succeeded_by_413;
    let plan = with(undone);
    assert_eq!(plan.chosen, Some(15));
    let note = |number| plan.choices.iter().find(|choice| choice.revision == number).expect("kept").note.to_string();
    assert!(note(14).contains("rolled away from") && !note(14).contains("ran"), "{}", note(14));
    assert!(note(15).contains("ran"), "{}", note(15));
    let mut found = inspection();
    undone(&mut found);
    let asked = planned(&roll_back(Some(14)), found).expect("a plan");
    assert!(look(&asked, "B11").contains("rolled away from"));
    // 411 was brought back once more, for 413: its number of then is gone.
    let plan = with(|found| {
        undone(found);
        found.revisions[0].is_live = false;
        found.revisions[2].number = 17;
        found.revisions[2].is_live = true;
        found.template = found.revisions[2].template.clone();
    });
    assert_eq!(plan.chosen, Some(12), "neither 413 nor 412");
}

#[test]
fn a_restart_of_the_live_version_is_no_target() {
    let restarted = |found: &mut WorkloadInspection| {
        let mut again = found.revisions[0].clone();
        (again.number, again.name, again.created) = (15, "myapp-again".into(), Some(ago(2)));
        crate::action::template::mark_restart(&mut again.template, "2026-01-10T03:12:00Z");
        found.template = again.template.clone();
        found.revisions[0].is_live = false;
        found.revisions[0].created = Some(ago(120));
        found.revisions.insert(0, again);
    };
    assert_eq!(with(restarted).chosen, Some(13));
    let mut found = inspection();
    restarted(&mut found);
    let chosen = planned(&roll_back(Some(14)), found).expect("a plan");
    assert!(look(&chosen, "B8").contains("restart"));
}

#[test]
fn refusals_of_a_rollback() {
    let refused = |to, change: &dyn Fn(&mut WorkloadInspection)| {
        let mut found = inspection();
        change(&mut found);
        refusal(planned(&roll_back(to), found))
    };
    assert!(refused(Some(9), &|_| ()).contains("unable to find revision 9"));
    assert!(refused(Some(9), &|_| ()).contains("14, 13, 12"));
    assert!(refused(Some(14), &|_| ()).contains("skipped rollback (current template already matches revision 14)"));
    assert!(
        refused(None, &|found| found.workload.paused = true)
            .contains("`kubectl --context prod-eu1 -n production rollout resume deployment/myapp`")
    );
    assert!(
        refused(None, &|found| found.revisions.clear()).contains("no rollout history found for deployment \"myapp\"")
    );
    assert!(refused(None, &|found| found.revisions.truncate(1)).contains("only rev 14 is kept"));
    assert!(refused(None, &|found| found.revisions[0].is_live = false).contains("not among its revisions yet"));
}

#[test]
fn another_cluster_under_the_same_name_is_blocked() {
    let mut known = store(Vec::new());
    let source = crate::model::SourceId::new(&cluster(), crate::model::Part::Health);
    known.expect(source.clone(), crate::model::BackendKind::Kubernetes, std::time::Duration::from_secs(5), 0);
    let info = crate::model::BackendInfo { cluster_id: Some("cluster-2".into()), ..Default::default() };
    let body = Ok(vec![crate::source::Fact::Info(info)]);
    known.apply(crate::source::Update { from: source, at: now().wall, generation: 0, body }, now());
    let evidence = evidence(&roll_back(None), inspection());
    let plan = plan(&roll_back(None), &evidence, &known, &settings(), now()).expect("a plan");
    assert!(stop(&plan, "B1").contains("another cluster"));
    assert!(plan.blocked.expect("blocked").contains("another cluster"));
}

#[test]
fn rights_are_asked_and_shown() {
    assert!(stop(&with(|found| found.may_patch = Ok(false)), "B3").contains("may not patch"));
    assert!(look(&with(|found| found.may_patch = Err("no answer".into())), "B3").contains("no answer"));
}

#[test]
fn every_owner_stops_and_says_what_to_do_instead() {
    for (manager, instead) in [
        (Manager::ArgoCd { application: "shop".into() }, "argocd app rollback shop"),
        (
            Manager::FluxKustomization { name: "shop".into(), namespace: "flux".into() },
            "flux suspend kustomization shop -n flux --context prod-eu1`",
        ),
        (
            Manager::FluxHelmRelease { name: "shop".into(), namespace: "flux".into() },
            "flux suspend helmrelease shop -n flux --context prod-eu1`",
        ),
        (
            Manager::Helm { release: "shop".into(), namespace: "releases".into() },
            "helm --kube-context prod-eu1 -n releases rollback shop",
        ),
        (Manager::ConfigSync, "revert in the config repository"),
        (
            Manager::Controller { kind: "Rollout".into(), name: "shop".into() },
            "kubectl argo rollouts abort shop --context prod-eu1 -n production`",
        ),
        (Manager::Controller { kind: "Stack".into(), name: "shop".into() }, "act on Stack 'shop'"),
    ] {
        let plan = with(|found| {
            found.release = matches!(manager, Manager::Helm { .. }).then(|| Err("403".into()));
            found.owners = if manager.is_of_git() { Err("403".into()) } else { Ok(Vec::new()) };
            found.workload.managed_by = vec![manager];
        });
        assert!(stop(&plan, "B4").contains(instead), "{}", stop(&plan, "B4"));
        assert_eq!((plan.risk, plan.accepts.as_slice()), (Risk::Stopped, &["myapp".into()][..]));
    }
}

#[test]
fn somebody_elses_hand_is_seen() {
    assert!(matches!(result(&with(|_| ()), "B5"), CheckResult::Ok(_)), "its own deploy is nobody else");
    let edited = with(|found| found.changes.insert(0, ("kubectl-edit".into(), ago(5))));
    assert_eq!(look(&edited, "B5"), "'kubectl-edit' changed the template 5m ago");
    // bob went back to 411 already: it is live as rev 15, and 412's ReplicaSet is the newer one.
    let back = with(|found| {
        found.revisions[0].is_live = false;
        found.revisions[1].is_live = true;
        found.revisions[1].number = 15;
        found.template = found.revisions[1].template.clone();
        found.changes.insert(0, ("bob".into(), ago(1)));
    });
    assert!(
        stop(&back, "B5").contains("rolled back already: 'bob' left rev 14 (412) for rev 15 (411)"),
        "{}",
        stop(&back, "B5")
    );
    assert_ne!(back.chosen, Some(14), "not back on the bad version");
    let from = &back.facts.iter().find(|(name, _)| name == "FROM").expect("it is said").1;
    assert!(from.contains("   live 60s   "), "since it was set again: {from}");
}

fn raced(change: impl FnOnce(&mut crate::action::RunInspection), may_stop: bool) -> Plan {
    let mut racing = run_inspection(RunState::Running);
    change(&mut racing);
    let mut evidence = evidence(&roll_back(None), inspection());
    evidence.races = vec![(run_key(), Ok(racing))];
    if !may_stop {
        evidence.writable.remove(&host());
    }
    plan(&roll_back(None), &evidence, &store(vec![run(RunState::Running)]), &settings(), now()).expect("a plan")
}

#[test]
fn a_racing_pipeline_is_stopped_first_and_its_hooks_are_named() {
    let plan = raced(|run| run.hooks = Ok(vec!["step 'Undo' runs if failure()".into()]), true);
    assert!(look(&plan, "B6").contains("step 'Undo' runs if failure()"));
    let kinds: Vec<bool> =
        plan.steps.iter().map(|step| matches!(step.kind, StepKind::Write(Write::CancelRun { .. }))).collect();
    assert_eq!(kinds, [false, true, false, false, false]);
    assert!(matches!(plan.steps[2].kind, StepKind::Reread { .. }));
    assert!(look(&raced(|run| run.hooks = Err("404".into()), true), "B6").contains("is unknown: 404"));
    let stuck = raced(|_| (), false);
    assert!(look(&stuck, "B6").contains("cannot be stopped from here"));
    assert!(!stuck.steps.iter().any(|step| matches!(step.kind, StepKind::Reread { .. })));
    assert!(stop(&raced(|run| run.run.stage = Some("Terraform apply".into()), true), "B6").contains("state lock"));
    assert!(matches!(result(&raced(|run| run.run.state = RunState::Success, true), "B6"), CheckResult::Ok(_)));
}

#[test]
fn a_repository_of_which_no_run_was_seen_is_not_said_to_be_quiet() {
    let ended = run(RunState::Success);
    let mut elsewhere = ended.clone();
    elsewhere.key.repo.name = "acme/platform".into();
    let mut unbound = settings();
    unbound.services.clear();
    let quiet = CheckResult::Ok("no deploy of 'acme/myapp' is queued or running".into());
    for (settings, why) in [(settings(), "no run of 'acme/myapp' was seen"), (unbound, "no repository is bound to it")]
    {
        let evidence = evidence_for(&roll_back(None), inspection(), &settings);
        let plan_beside =
            |run: &Run| plan(&roll_back(None), &evidence, &store(vec![run.clone()]), &settings, now()).expect("a plan");
        assert_eq!(*result(&plan_beside(&ended), "B6"), quiet);
        let plan = plan_beside(&elsewhere);
        assert!(
            matches!(result(&plan, "B6"), CheckResult::NotChecked(says) if says.contains(why)),
            "{:?}",
            plan.checks
        );
    }
}

#[test]
fn what_else_is_undone_is_listed() {
    assert_eq!(look(&with(|_| ()), "B8"), "LOG_LEVEL warn -> info, limits.memory 1Gi -> 512Mi");
    let only_image = with(|found| {
        found.template = template_of("412", "512Mi", "info");
        found.revisions[0].template = found.template.clone();
    });
    assert!(matches!(result(&only_image, "B8"), CheckResult::Ok(_)));
}

#[test]
fn moved_tags_are_seen_by_their_digests() {
    let moved = with(|found| found.pods.iter_mut().for_each(|pod| pod.containers[0].digest = Some(digest_of("412"))));
    assert!(stop(&moved, "B11").contains("the same image"));
    let latest = |found: &mut WorkloadInspection| {
        for revision in &mut found.revisions {
            revision.template["spec"]["containers"][0]["image"] = "acme/myapp:latest".into();
        }
        found.template["spec"]["containers"][0]["image"] = "acme/myapp:latest".into();
    };
    let plan = with(latest);
    assert!(stop(&plan, "B11").contains("its tag moves"));
    assert!(matches!(result(&with(|_| ()), "B11"), CheckResult::Ok(says) if says.contains("runs now in 4 ready pods")));
    let gone = with(|found| {
        found.pods.retain(|pod| pod.hash.as_deref() == Some("hash412"));
        found.image_nodes = Ok(nodes(9, &["412"]));
    });
    assert!(look(&gone, "B11").contains("no node lists"));
    let unread = with(|found| {
        found.pods.retain(|pod| pod.hash.as_deref() == Some("hash412"));
        found.image_nodes = Err("nodes are forbidden".into());
    });
    assert!(matches!(result(&unread, "B11"), CheckResult::NotChecked(_)));
}

#[test]
fn what_is_typed_means_the_target_only() {
    let plan = with(|_| ());
    assert_eq!(plan.accepts, ["13".into(), "411".into(), digest_of("411")]);
    // The tag of the target is the number of another revision: the number alone counts.
    let clash = with(|found| {
        found.revisions[2].number = 411;
        found.revisions[2].created = Some(ago(9_000));
    });
    assert_eq!(clash.accepts, ["13".into(), digest_of("411")]);
}

#[test]
fn a_dry_run_that_does_not_pass_is_a_gate_that_no_reason_opens() {
    let mut evidence = evidence(&roll_back(None), inspection());
    evidence.rehearsals[0].1 = Some(Err(ActionError::Refused("policy 'no-rollback' says no".into())));
    let plan_of =
        |evidence: &Evidence| plan(&roll_back(None), evidence, &store(Vec::new()), &settings(), now()).expect("a plan");
    let plan = plan_of(&evidence);
    assert!(stop(&plan, "B14").contains("no-rollback"));
    assert!(plan.blocked.as_ref().expect("blocked").contains("no-rollback"));
    evidence.rehearsals[0].1 = Some(Err(ActionError::NotSent("`helm` is not installed here".into())));
    let unasked = plan_of(&evidence);
    let says = "cannot be sent: `helm` is not installed here";
    assert_eq!((stop(&unasked, "B14").as_str(), unasked.blocked.as_deref()), (says, Some(says)), "no server said no");
    assert!(unasked.stops().any(|check| check.name == *"way"), "nothing is old: {:?}", unasked.checks);
    evidence.rehearsals.clear();
    assert!(plan_of(&evidence).blocked.expect("blocked").contains("not rehearsed"));
}

#[test]
fn a_webhook_that_takes_no_dry_run_is_said_and_is_no_gate() {
    let why = "admission webhook 'audit.example' does not support dry run";
    let mut evidence = evidence(&roll_back(None), inspection());
    for (_, said) in &mut evidence.rehearsals {
        *said = Some(Err(ActionError::Refused(why.into())));
    }
    evidence.pods[0].1 = Err(ActionError::Refused(why.into()));
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings(), now()).expect("a plan");
    assert!(look(&plan, "B14").contains("audit.example") && look(&plan, "B15").contains("audit.example"));
    assert_eq!(plan.blocked, None);
}

#[test]
fn the_split_by_version_tells_whether_this_version_fails() {
    let with_ready = |new: bool, old: bool| {
        with(|found| {
            found.pods = ["a", "b"].iter().map(|name| pod(name, "412", new)).collect();
            found.pods.extend(["c", "d"].iter().map(|name| pod(name, "411", old)));
        })
    };
    let split = with_ready(false, true);
    let split = result(&split, "B2");
    assert!(matches!(split, CheckResult::Ok(says) if says.contains("version's: 0 of its 2 pods")), "{split:?}");
    assert!(stop(&with_ready(false, false), "B2").contains("both versions fail alike"));
    assert!(matches!(result(&with_ready(true, true), "B2"), CheckResult::NotChecked(_)));
    let healthy = with(|found| found.pods = (0..10).map(|n| pod(&format!("new-{n}"), "412", true)).collect());
    assert_eq!(look(&healthy, "B2"), "all its pods are ready (10 of 10): is it the cause?");
    // What goes is not ready, and what starts neither: nothing is known by that.
    let with_pods = |change: fn(&mut Pod)| {
        with(move |found| {
            found.pods = ["a", "b", "c"].iter().zip(["412", "412", "411"]).map(|(n, tag)| pod(n, tag, false)).collect();
            found.pods.iter_mut().for_each(change);
            found.pods.push(pod("d", "411", false));
        })
    };
    let starting = with_pods(|pod| pod.level = Level::Progress);
    assert!(matches!(result(&starting, "B2"), CheckResult::NotChecked(_)), "{:?}", result(&starting, "B2"));
    let going = with(|found| {
        found.pods = vec![pod("a", "412", false), Pod { deleting_since: Some(ago(7)), ..pod("b", "411", false) }];
    });
    assert!(matches!(result(&going, "B2"), CheckResult::NotChecked(_)), "{:?}", result(&going, "B2"));
}

#[test]
fn whether_it_will_run_is_checked() {
    let gone = with(|found| {
        found.references.insert("configmap/myapp-config".to_owned(), Ok(false));
    });
    assert!(stop(&gone, "B15").contains("configmap/myapp-config"));
    let other = with(|found| {
        found.references.insert("secret/of-another-template".to_owned(), Ok(false));
    });
    assert!(matches!(result(&other, "B15"), CheckResult::Ok(_)), "the target does not name it");
    assert!(look(&with(|found| found.workload.desired = 1), "B15").contains("one replica"));
    assert!(look(&with(|found| found.workload.recreates = true), "B15").contains("downtime"));
    let mut single = inspection();
    single.workload.desired = 1;
    let mut warned = evidence(&roll_back(None), single);
    warned.pods[0].1 = Ok(vec!["would violate PodSecurity".into()]);
    let both = plan(&roll_back(None), &warned, &store(Vec::new()), &settings(), now()).expect("a plan");
    assert!(look(&both, "B15").contains("one replica") && look(&both, "B15").contains("would violate PodSecurity"));
    let mut busy = evidence(&roll_back(None), inspection());
    busy.pods[0].1 = Err(ActionError::NotSent("the rehearsal has no answer: asked to slow down".into()));
    let busy = plan(&roll_back(None), &busy, &store(Vec::new()), &settings(), now()).expect("a plan");
    assert!(look(&busy, "B15").contains("asked to slow down"), "nobody has refused it");
    let mut refused = evidence(&roll_back(None), inspection());
    refused.pods[0].1 = Err(ActionError::Refused("exceeded quota".into()));
    let plan = plan(&roll_back(None), &refused, &store(Vec::new()), &settings(), now()).expect("a plan");
    assert!(stop(&plan, "B15").contains("exceeded quota"));
}

/// The kubelet warns of it, and tries without.
#[test]
fn a_pull_secret_that_is_gone_is_looked_at_and_no_stop() {
    let pulls_with = |name: &str, exists: Option<Result<bool, Clean>>| {
        with(|found| {
            for revision in &mut found.revisions {
                revision.template["spec"]["imagePullSecrets"] = serde_json::json!([{"name": name}]);
            }
            found.template = found.revisions[0].template.clone();
            found.references.extend(exists.map(|exists| (format!("secret/{name}"), exists)));
        })
    };
    let gone = pulls_with("pull", Some(Ok(false)));
    assert_eq!(look(&gone, "B15"), "imagePullSecrets names what is gone: secret/pull: images are pulled without it");
    assert!(matches!(result(&pulls_with("pull", Some(Ok(true))), "B15"), CheckResult::Ok(_)));
    assert!(look(&pulls_with("pull", None), "B15").contains("whether these still exist: secret/pull"));
    let mounted_too = with(|found| {
        for revision in &mut found.revisions {
            revision.template["spec"]["imagePullSecrets"] = serde_json::json!([{"name": "pull"}]);
            revision.template["spec"]["volumes"] = serde_json::json!([{"name": "v", "secret": {"secretName": "pull"}}]);
        }
        found.template = found.revisions[0].template.clone();
        found.references.insert("secret/pull".to_owned(), Ok(false));
    });
    assert!(stop(&mounted_too, "B15").contains("secret/pull"));
}
