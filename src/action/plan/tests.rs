//! Every check and refusal of a plan, on evidence made by hand.

use super::*;
use crate::{
    action::{
        ActionError, Inspection, PullRequestInspection, SilenceDraft, Verdict,
        testing::{
            ago, cluster, digest_of, evidence, host, inspection, myapp, now, planned, pod, roll_back, run,
            run_inspection, run_key, settings, store, template_of,
        },
    },
    model::{
        BackendId,
        alert::{Alert, AlertKey, AlertState, Matcher, Priority, Silence, SilenceKey},
        code::{
            Check as CodeCheck, Checks, MergeMethod, MergeState, PullRequest, PullRequestDetail, PullRequestKey,
            ReviewDecision, RunState,
        },
        kubernetes::{Manager, WorkloadKind},
    },
};

fn result<'a>(plan: &'a Plan, id: &str) -> &'a CheckResult {
    &plan.checks.iter().find(|check| check.id == *id).unwrap_or_else(|| panic!("{id} is left out")).result
}

fn stop(plan: &Plan, id: &str) -> String {
    match result(plan, id) {
        CheckResult::Stop(says) => says.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

fn look(plan: &Plan, id: &str) -> String {
    match result(plan, id) {
        CheckResult::Look(says) => says.to_string(),
        other => panic!("{id}: {other:?}"),
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.expect_err("refused").0.to_string()
}

fn with(change: impl FnOnce(&mut crate::action::WorkloadInspection)) -> Plan {
    let mut found = inspection();
    change(&mut found);
    planned(&roll_back(None), found).expect("a plan")
}

fn asked(request: &Request, subject: Inspection) -> Result<Plan, Refusal> {
    asked_in(request, subject, &settings())
}

fn asked_in(request: &Request, subject: Inspection, settings: &Settings) -> Result<Plan, Refusal> {
    let mut evidence = Evidence::of(subject, now().wall);
    evidence.writable = [cluster(), host(), BackendId::new("am")].into();
    plan(request, &evidence, &store(Vec::new()), settings, now())
}

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

#[test]
fn a_restart_of_the_live_version_is_no_target() {
    let restarted = |found: &mut crate::action::WorkloadInspection| {
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
    let refused = |to, change: &dyn Fn(&mut crate::action::WorkloadInspection)| {
        let mut found = inspection();
        change(&mut found);
        refusal(planned(&roll_back(to), found))
    };
    assert!(refused(Some(9), &|_| ()).contains("unable to find revision 9"));
    assert!(refused(Some(9), &|_| ()).contains("14, 13, 12"));
    assert!(refused(Some(14), &|_| ()).contains("skipped rollback (current template already matches revision 14)"));
    assert!(refused(None, &|found| found.workload.paused = true).contains("rollout resume"));
    assert!(
        refused(None, &|found| found.revisions.clear()).contains("no rollout history found for deployment \"myapp\"")
    );
    assert!(refused(None, &|found| found.revisions.truncate(1)).contains("no earlier revision"));
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
            "flux suspend kustomization shop -n flux",
        ),
        (
            Manager::FluxHelmRelease { name: "shop".into(), namespace: "flux".into() },
            "flux suspend helmrelease shop -n flux",
        ),
        (Manager::Helm { release: "shop".into() }, "helm -n production rollback shop"),
        (Manager::ConfigSync, "revert in the config repository"),
        (Manager::Controller { kind: "Rollout".into(), name: "shop".into() }, "kubectl argo rollouts abort shop"),
        (Manager::Controller { kind: "Stack".into(), name: "shop".into() }, "act on Stack 'shop'"),
    ] {
        let plan = with(|found| found.workload.managed_by = vec![manager]);
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
    let latest = |found: &mut crate::action::WorkloadInspection| {
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
        found.image_nodes = Ok((std::collections::BTreeMap::from([(digest_of("412"), 9)]), 9));
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
fn a_stuck_statefulset_needs_its_broken_pods_deleted() {
    let stateful = |found: &mut crate::action::WorkloadInspection| {
        found.workload.key.kind = WorkloadKind::StatefulSet;
    };
    let request = Request::RollBack { workload: WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() }, to: None };
    let mut found = inspection();
    stateful(&mut found);
    let plan = planned(&request, found.clone()).expect("a plan");
    assert!(look(&plan, "B13").contains("new-4"));
    let deletes: Vec<_> =
        plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Write(Write::DeletePod { .. }))).collect();
    assert_eq!(deletes.len(), 1);
    found.may_delete_pods = Ok(false);
    let plan = planned(&request, found.clone()).expect("a plan");
    assert!(look(&plan, "B13").contains("kubectl -n production delete pod new-4"));
    found.pods = vec![pod("db-0", "412", true)];
    assert!(matches!(result(&planned(&request, found).expect("a plan"), "B13"), CheckResult::Ok(_)));
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
    evidence.rehearsals.clear();
    assert!(plan_of(&evidence).blocked.expect("blocked").contains("not rehearsed"));
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
    let mut refused = evidence(&roll_back(None), inspection());
    refused.pod = Some(Err(ActionError::Refused("exceeded quota".into())));
    let plan = plan(&roll_back(None), &refused, &store(Vec::new()), &settings(), now()).expect("a plan");
    assert!(stop(&plan, "B15").contains("exceeded quota"));
}

#[test]
fn outside_production_y_is_enough() {
    let mut settings = settings();
    settings.production.insert(cluster(), false);
    let evidence = evidence(&roll_back(None), inspection());
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings, now()).expect("a plan");
    assert_eq!((plan.risk, plan.production), (Risk::Reversible, false));
}

#[test]
fn read_only_blocks_for_the_backend_that_is() {
    let mut settings = settings();
    settings.read_only_backends.insert(cluster(), "read-only by configuration".into());
    let evidence = evidence(&roll_back(None), inspection());
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings, now()).expect("a plan");
    assert!(plan.blocked.expect("blocked").contains("read-only by configuration"));
}

#[test]
fn scaling_minds_zero_and_the_autoscaler() {
    let scale = |to, change: &dyn Fn(&mut crate::action::WorkloadInspection)| {
        let mut found = inspection();
        change(&mut found);
        let workload = found.workload.key.clone();
        planned(&Request::Scale { workload, replicas: to }, found)
    };
    let up = scale(12, &|found| found.autoscaler = Some("myapp 6-12".into())).expect("a plan");
    assert!(look(&up, "B12").contains("myapp 6-12"));
    assert_eq!(up.accepts, ["12"]);
    assert!(stop(&scale(0, &|_| ()).expect("a plan"), "B7").contains("out of production"));
    let stateful = scale(0, &|found| found.workload.key.kind = WorkloadKind::StatefulSet).expect("a plan");
    assert!(stop(&stateful, "B7").contains("StatefulSet"));
    assert!(refusal(scale(10, &|_| ())).contains("10 replicas already"));
    assert!(refusal(scale(3, &|found| found.workload.key.kind = WorkloadKind::DaemonSet)).contains("DaemonSet"));
}

#[test]
fn a_restart_names_its_workload_and_refuses_what_is_paused() {
    let request = Request::Restart { workload: myapp() };
    let plan = planned(&request, inspection()).expect("a plan");
    assert_eq!((plan.risk, plan.accepts.as_slice()), (Risk::Production, &["myapp".into()][..]));
    let mut found = inspection();
    found.workload.paused = true;
    assert!(refusal(planned(&request, found)).contains("paused"));
}

fn pull_request() -> PullRequestInspection {
    let key = PullRequestKey { repo: run_key().repo, number: 1487 };
    let passed = CodeCheck { name: "ci".into(), state: RunState::Success, url: None };
    PullRequestInspection {
        pull_request: PullRequest {
            key: key.clone(),
            node_id: "PR_1".into(),
            title: "JWT login".into(),
            url: "https://github.com/acme/myapp/pull/1487".into(),
            author: "alice".into(),
            is_mine: false,
            is_draft: false,
            created: None,
            updated: None,
            merged: None,
            head: "jwt".into(),
            head_sha: "aaaaaaaaaaaa".into(),
            base: "main".into(),
            additions: 10,
            deletions: 2,
            changed_files: 3,
            checks: Checks::default(),
            review: ReviewDecision::Approved,
            approvals: 1,
            asks_me: true,
            merge: MergeState::Ready,
            merge_methods: vec![MergeMethod::Squash],
            in_merge_queue: false,
            labels: Box::new([]),
            need: None,
        },
        detail: PullRequestDetail {
            key,
            head_sha: "aaaaaaaaaaaa".into(),
            body: Clean::default(),
            merge: MergeState::Ready,
            files: Vec::new(),
            files_truncated: false,
            checks: vec![passed],
            reviews: Vec::new(),
            comments: Vec::new(),
        },
        may_write: Ok(true),
    }
}

fn merge(change: impl FnOnce(&mut PullRequestInspection), settings: &Settings) -> Result<Plan, Refusal> {
    let mut found = pull_request();
    change(&mut found);
    let request = Request::Merge {
        pull_request: found.pull_request.key.clone(),
        head_sha: "aaaaaaaaaaaa".into(),
        method: MergeMethod::Squash,
    };
    asked_in(&request, Inspection::PullRequest(Box::new(found)), settings)
}

#[test]
fn merging_into_production_takes_the_number() {
    let plan = merge(|_| (), &settings()).expect("a plan");
    assert_eq!((plan.risk, plan.accepts.as_slice()), (Risk::Production, &["1487".into()][..]));
    let mut elsewhere = settings();
    elsewhere.services.clear();
    assert_eq!(merge(|_| (), &elsewhere).expect("a plan").risk, Risk::Reversible);
    let red = |found: &mut PullRequestInspection| found.detail.checks[0].state = RunState::Failure;
    assert!(stop(&merge(red, &settings()).expect("a plan"), "M4").contains("red: ci"));
    assert!(look(&merge(red, &elsewhere).expect("a plan"), "M4").contains("red: ci"));
    assert!(
        stop(&merge(|found| found.detail.merge = MergeState::Blocked, &settings()).expect("a plan"), "M2")
            .contains("blocks")
    );
    let refused = |change: &dyn Fn(&mut PullRequestInspection)| refusal(merge(change, &settings()));
    assert!(
        refused(&|found| found.detail.head_sha = "bbbbbbbbbbbb".into())
            .contains("its head is bbbbbbb now, not aaaaaaa")
    );
    assert!(refused(&|found| found.pull_request.is_draft = true).contains("draft"));
    assert!(refused(&|found| found.detail.merge = MergeState::Conflicts).contains("conflicts"));
    assert!(refused(&|found| found.pull_request.merged = Some(ago(1))).contains("merged already"));
    assert!(
        refused(&|found| found.pull_request.merge_methods = vec![MergeMethod::Rebase]).contains("allowed are rebase")
    );
    assert!(refused(&|found| found.may_write = Ok(false)).contains("may not push"));
}

#[test]
fn reviews_and_comments_need_their_texts() {
    let review = |verdict, body: &str, change: &dyn Fn(&mut PullRequestInspection)| {
        let mut found = pull_request();
        change(&mut found);
        let request = Request::Review {
            pull_request: found.pull_request.key.clone(),
            head_sha: "aaaaaaaaaaaa".into(),
            verdict,
            body: body.to_owned(),
        };
        asked(&request, Inspection::PullRequest(Box::new(found)))
    };
    assert_eq!(review(Verdict::Approve, "", &|_| ()).expect("a plan").risk, Risk::Reversible);
    assert!(refusal(review(Verdict::RequestChanges, " ", &|_| ())).contains("needs a text"));
    assert!(refusal(review(Verdict::Approve, "", &|found| found.pull_request.is_mine = true)).contains("your own"));
    assert!(refusal(review(Verdict::Approve, "", &|found| found.detail.head_sha = "b".into())).contains("moved"));
    let draft = review(Verdict::Approve, "", &|found| found.pull_request.is_draft = true).expect("a plan");
    assert!(look(&draft, "M2").contains("draft"));
    let key = pull_request().pull_request.key;
    let comment = |body: &str| {
        let request = Request::Comment { pull_request: key.clone(), body: body.to_owned() };
        asked(&request, Inspection::PullRequest(Box::new(pull_request())))
    };
    assert!(refusal(comment("\n")).contains("needs a text"));
    assert_eq!(comment("looks good").expect("a plan").steps.len(), 1);
}

#[test]
fn runs_that_deploy_take_their_number() {
    let of = |request: &Request, state: RunState, change: &dyn Fn(&mut crate::action::RunInspection)| {
        let mut found = run_inspection(state);
        change(&mut found);
        asked(request, Inspection::Run(Box::new(found)))
    };
    let again = Request::Rerun { run: run_key(), attempt: 1, only_failed: false };
    let plan = of(&again, RunState::Failure, &|_| ()).expect("a plan");
    assert_eq!((plan.risk, plan.accepts.as_slice()), (Risk::Production, &["412".into()][..]));
    assert!(look(&plan, "R2").contains("deploys 9f2c1e7 again"));
    let test = of(&again, RunState::Failure, &|found| found.run.deploys = false).expect("a plan");
    assert_eq!(test.risk, Risk::Reversible);
    assert!(refusal(of(&again, RunState::Running, &|_| ())).contains("when it has ended"));
    assert!(refusal(of(&again, RunState::Failure, &|found| found.run.attempt = 2)).contains("attempt 2 now"));
    let failed = Request::Rerun { run: run_key(), attempt: 1, only_failed: true };
    assert!(refusal(of(&failed, RunState::Success, &|_| ())).contains("no job"));
    assert!(refusal(of(&failed, RunState::Failure, &|found| found.may_write = Ok(false))).contains("actions:write"));
    let cancel = Request::Cancel { run: run_key(), attempt: 1 };
    let plan = of(&cancel, RunState::Running, &|found| found.hooks = Ok(vec!["job 'undo'".into()])).expect("a plan");
    assert!(look(&plan, "R3").contains("job 'undo'"));
    assert!(refusal(of(&cancel, RunState::Success, &|_| ())).contains("ended already"));
    let half = of(&cancel, RunState::Running, &|found| found.run.stage = Some("db migrate".into())).expect("a plan");
    assert!(stop(&half, "R4").contains("half a schema"));
}

fn alert(name: &str, state: AlertState, silenced_by: &[&str]) -> Alert {
    Alert {
        key: AlertKey { backend: BackendId::new("am"), fingerprint: name.into() },
        name: name.into(),
        state,
        priority: Priority::P1,
        labels: Box::new([("alertname".into(), name.into()), ("service".into(), "myapp".into())]),
        annotations: Box::new([]),
        starts: None,
        active_since: None,
        receivers: Box::new([]),
        silenced_by: silenced_by.iter().map(|id| Clean::from(*id)).collect(),
        generator_url: None,
        value: None,
        rule: None,
        is_watchdog: name == "Watchdog",
    }
}

/// Pending in Prometheus: what Alertmanager will get is held before it comes.
#[test]
fn an_alert_that_alertmanager_has_not_got_is_silenced_ahead() {
    let pending = alert("High", AlertState::Pending, &[]);
    let request = Request::Silence(SilenceDraft::acknowledging(&pending, "ana"));
    let plan = asked(&request, alerts(Vec::new())).expect("a plan");
    assert_eq!(plan.risk, Risk::Reversible, "read, then `y`");
    assert!(look(&plan, "S1").contains("no alert now"));
    let StepKind::Write(Write::CreateSilence { matchers, comment, .. }) = &plan.steps[0].kind else {
        panic!("{:?}", plan.steps)
    };
    assert_eq!(matchers.len(), pending.labels.len());
    assert!(matchers.iter().all(|matcher| matcher.matches(&pending.labels)));
    assert!(comment.starts_with("acknowledged by ana"));
}

fn alerts(all: Vec<Alert>) -> Inspection {
    let silence = Silence {
        key: SilenceKey { backend: BackendId::new("am"), id: "s1".into() },
        matchers: vec![Matcher::equal(&"service".into(), &"myapp".into())],
        starts: ago(10),
        ends: ago(-50),
        created_by: "bob".into(),
        comment: "on it".into(),
        state: "active".into(),
    };
    Inspection::Alerts { alerts: all, silences: vec![silence] }
}

#[test]
fn an_acknowledgement_silences_exactly_these_alerts_for_a_quarter_of_an_hour() {
    let (high, slow) = (alert("High", AlertState::Firing, &[]), alert("Slow", AlertState::Silenced, &["s1"]));
    let request = Request::Acknowledge { alerts: vec![high.key.clone(), slow.key.clone()] };
    let plan = asked(&request, alerts(vec![high.clone(), slow.clone()])).expect("a plan");
    assert_eq!(plan.risk, Risk::Quiet);
    let [
        PlanStep {
            kind: StepKind::Write(Write::CreateSilence { matchers, starts, ends, comment, created_by, .. }),
            ..
        },
    ] = plan.steps.as_slice()
    else {
        panic!("{:?}", plan.steps)
    };
    assert_eq!(matchers.len(), 2);
    assert_eq!(ends.as_second() - starts.as_second(), 15 * 60);
    assert_eq!((comment.as_str(), created_by.as_str()), ("acknowledged by ana with midwatch", "ana"));
    assert!(plan.facts[0].1.contains("silenced by bob"), "{:?}", plan.facts);
    let only = Request::Acknowledge { alerts: vec![slow.key.clone()] };
    assert!(refusal(asked(&only, alerts(vec![slow]))).contains("silenced by bob until 04:04 UTC: on it"));
}

#[test]
fn a_silence_ends_says_why_and_does_not_hit_everything() {
    let draft = |value: &str, is_regex, minutes, comment: &str| SilenceDraft {
        backend: BackendId::new("am"),
        matchers: vec![Matcher { name: "alertname".into(), value: value.into(), is_regex, is_equal: true }],
        minutes,
        comment: comment.to_owned(),
    };
    let ask = |draft| {
        let all = vec![alert("High", AlertState::Firing, &[]), alert("Watchdog", AlertState::Firing, &[])];
        asked(&Request::Silence(draft), alerts(all))
    };
    let plan = ask(draft("High", false, 60, "known")).expect("a plan");
    assert_eq!(plan.risk, Risk::Reversible);
    assert!(plan.facts.iter().any(|(name, hits)| name == "HITS NOW" && hits.contains("High myapp")));
    assert!(look(&ask(draft("None", false, 60, "known")).expect("a plan"), "S1").contains("no alert"));
    assert!(stop(&ask(draft(".+", true, 60, "known")).expect("a plan"), "S3").contains("watchdog"));
    assert!(refusal(ask(draft("High", false, 60, " "))).contains("comment"));
    assert!(refusal(ask(draft("High", false, 0, "x"))).contains("24 hours"));
    assert!(refusal(ask(draft("High", false, 1441, "x"))).contains("24 hours"));
    assert!(refusal(ask(draft(".*", true, 60, "x"))).contains("everything"));
    assert!(refusal(ask(draft("(", true, 60, "x"))).contains("no valid expression"));
}

#[test]
fn expiring_somebody_elses_silence_says_whose() {
    let key = SilenceKey { backend: BackendId::new("am"), id: "s1".into() };
    let held = alert("High", AlertState::Silenced, &["s1"]);
    let plan = asked(&Request::ExpireSilence { silence: key.clone() }, alerts(vec![held])).expect("a plan");
    assert!(look(&plan, "S2").contains("bob"));
    assert!(look(&plan, "S1").contains("page again"));
    let other = SilenceKey { id: "s9".into(), ..key };
    assert!(refusal(asked(&Request::ExpireSilence { silence: other }, alerts(Vec::new()))).contains("ended already"));
}
