//! Who carries a rollback out: the first executor that can, and that what it sends is what was rehearsed.

use super::*;
use crate::{
    action::testing::{application, evidence_for, of_release, release},
    model::{
        gitops::{Git, Owner, OwnerKey, OwnerKind},
        kubernetes::{
            WorkloadKey,
            canary::{Canary, Flagger},
        },
    },
};

/// The plan of a service whose `rollback` names these executors.
fn by(executors: &[&str], change: impl FnOnce(&mut WorkloadInspection)) -> Plan {
    let mut settings = settings();
    settings.services[0].rollback =
        executors.iter().map(|text| crate::action::executor::Executor::parse(text).expect("one")).collect();
    let mut found = inspection();
    change(&mut found);
    let may = found.may_patch != Ok(false);
    let mut evidence = evidence_for(&roll_back(None), found, &settings);
    if !may {
        // As the server answers whoever may not.
        for (_, said) in &mut evidence.rehearsals {
            *said = Some(Err(ActionError::Refused("forbidden: cannot patch resource".into())));
        }
    }
    plan(&roll_back(None), &evidence, &store(Vec::new()), &settings, now()).expect("a plan")
}

fn executor(plan: &Plan) -> String {
    let check = plan.checks.iter().find(|check| check.name == "executor").expect("it is said");
    format!("{:?}", check.result)
}

#[test]
fn the_first_executor_that_can_rolls_back_and_why_the_others_cannot_is_said() {
    let may_not = |found: &mut WorkloadInspection| found.may_patch = Ok(false);
    let plan = by(&["argo", "patch", "workflow:rollback.yml?tag={tag}&rev={revision}"], may_not);
    let words = executor(&plan);
    assert!(words.contains("argo: no application of Argo CD owns it; patch: you may not patch it"), "{words}");
    let sent: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Write(Write::DispatchWorkflow { repo, file, inputs }) => {
                Some((repo.name.as_str(), file.as_str(), inputs["tag"].as_str(), inputs["rev"].as_str()))
            }
            StepKind::Write(other) => panic!("{other:?}"),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [("acme/myapp", "rollback.yml", "411", "13")]);
    assert_eq!(plan.equivalent, ["gh workflow run rollback.yml -R acme/myapp -f rev=13 -f tag=411"]);
    let wanted = watched(&plan);
    assert_eq!((wanted.hash.as_ref(), wanted.image.as_deref()), (None, Some("registry.example/acme/myapp:411")));
    assert_eq!(plan.blocked, None);
    assert_eq!(plan.stops().count(), 0, "whose rights count are the workflow's: {:?}", plan.checks);
    assert!(plan.away.is_some() && plan.keeps.is_none(), "what comes back is told; U cannot send it back by patch");
    // The order decides.
    let patched = by(&["patch", "workflow:rollback.yml"], |_| ());
    assert!(patched.steps.iter().any(|step| matches!(step.kind, StepKind::Write(Write::PatchTemplate { .. }))));
    assert!(executor(&by(&["argo", "helm"], |_| ())).starts_with("Stop"), "none of them can");
}

/// Some digits of a digest are no tag that a pipeline could deploy.
#[test]
fn a_pinned_image_is_deployed_by_the_tag_that_it_is_written_with() {
    const BY_TAG: &str = "workflow:rollback.yml?tag={tag}";
    let pinned = |name: &'static str| {
        move |found: &mut WorkloadInspection| {
            let image = format!("{name}@sha256:{}", "9f2c1e".repeat(10));
            found.revisions[1].template["spec"]["containers"][0]["image"] = image.into();
        }
    };
    let line = |plan: &Plan| plan.equivalent.last().map(ToString::to_string).unwrap_or_default();
    let tagged = by(&[BY_TAG], pinned("registry.example:5000/acme/myapp:411"));
    assert_eq!(line(&tagged), "gh workflow run rollback.yml -R acme/myapp -f tag=411");
    let passed = by(&[BY_TAG, "patch"], pinned("registry.example:5000/acme/myapp"));
    let why = "workflow rollback.yml: the image of rev 13 has a digest and no tag: write {image} for {tag}";
    assert!(executor(&passed).contains(why), "{}", executor(&passed));
    assert!(passed.steps.iter().any(|step| matches!(step.kind, StepKind::Write(Write::PatchTemplate { .. }))));
    let by_image = by(&["workflow:rollback.yml?image={image}"], pinned("registry.example:5000/acme/myapp"));
    assert!(line(&by_image).contains("myapp@sha256:9f2c1e"), "{}", line(&by_image));
}

/// Lines that are copied would race with the pipeline as what is sent would.
#[test]
fn whoever_carries_it_out_the_copied_lines_stop_the_pipeline_first() {
    for (executor, line) in [
        ("patch", "kubectl "),
        ("workflow:rollback.yml?tag={tag}", "gh workflow run rollback.yml "),
        ("helm", "helm --kube-context "),
    ] {
        let mut settings = settings();
        settings.services[0].rollback = vec![crate::action::executor::Executor::parse(executor).expect("one")];
        let found = if executor == "helm" { of_release(release()) } else { inspection() };
        let mut evidence = evidence_for(&roll_back(None), found, &settings);
        evidence.races = vec![(run_key(), Ok(run_inspection(RunState::Running)))];
        let known = store(vec![run(RunState::Running)]);
        let plan = plan(&roll_back(None), &evidence, &known, &settings, now()).expect("a plan");
        assert_eq!(plan.equivalent[0], *"gh run cancel 9412 -R acme/myapp", "{executor}");
        assert!(plan.equivalent[1].starts_with(line), "{executor}: {:?}", plan.equivalent);
    }
}

/// `patch` of what Argo CD or Helm owns: what is sent is what was rehearsed, and that it will be put back is a STOP, not a gate.
#[test]
fn the_patch_of_what_another_owns_is_rehearsed_as_it_is_sent() {
    let of_argo = |found: &mut WorkloadInspection| {
        found.workload.managed_by = vec![Manager::ArgoCd { application: "argocd/myapp".into() }];
        found.owners = Ok(vec![application()]);
    };
    let of_helm = |found: &mut WorkloadInspection| {
        found.workload.managed_by = vec![Manager::Helm { release: "myapp".into(), namespace: "production".into() }];
        found.release = Some(Ok(release()));
    };
    for (owner, own) in [(&of_argo as &dyn Fn(&mut _), "argo"), (&of_helm, "helm")] {
        let plan = by(&["patch"], |found| owner(found));
        let writes: Vec<&Write> = plan
            .steps
            .iter()
            .filter_map(|step| match &step.kind {
                StepKind::Write(write) => Some(write),
                _ => None,
            })
            .collect();
        assert!(matches!(writes[..], [Write::PatchTemplate { .. }]), "{own}: {writes:?}");
        assert_eq!(plan.blocked, None, "{own}");
        assert!(stop(&plan, "B4").contains("owned by"), "{own}");
        assert!(executor(&plan).contains("by patch"), "{own}");
        let theirs = by(&[own, "patch"], |found| owner(found));
        assert!(!theirs.steps.iter().any(|step| matches!(step.kind, StepKind::Write(Write::PatchTemplate { .. }))));
        assert_eq!(theirs.blocked, None, "{own}");
    }
}

/// The release's revision 7 made 410, the ReplicaSets' newest good one is 411.
#[test]
fn a_pod_is_said_to_run_of_the_template_that_the_chosen_executor_goes_to() {
    let mut of_410 = release();
    of_410.revisions[1].body = of_410.revisions[2].body.clone();
    of_410.revisions[1].body.as_mut().expect("readable").updated = Some(ago(26 * 60));
    let b15 = |executors: &[&str], refused: &str| {
        let mut settings = settings();
        settings.services[0].rollback =
            executors.iter().map(|text| crate::action::executor::Executor::parse(text).expect("one")).collect();
        let mut evidence = evidence_for(&roll_back(None), of_release(of_410.clone()), &settings);
        for (template, said) in &mut evidence.pods {
            if template.to_string().contains(refused) {
                *said = Err(ActionError::Refused("exceeded quota".into()));
            }
        }
        let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings, now()).expect("a plan");
        (evidence.pods.len(), matches!(result(&plan, "B15"), CheckResult::Stop(_)))
    };
    for (executors, goes_to, other) in
        [(["helm", "patch"], "myapp:410", "myapp:411"), (["workflow:rollback.yml", "helm"], "myapp:411", "myapp:410")]
    {
        assert_eq!(b15(&executors, goes_to), (2, true), "{executors:?}");
        assert_eq!(b15(&executors, other), (2, false), "{executors:?}: that one is not gone to");
    }
    assert_eq!(b15(&["helm"], "myapp:410"), (1, true), "no other is gone to");
    // What was not rehearsed is not said to run.
    let mut evidence = evidence(&roll_back(None), inspection());
    evidence.pods[0].0 = template_of("410", "512Mi", "info");
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings(), now()).expect("a plan");
    assert!(matches!(result(&plan, "B15"), CheckResult::NotChecked(_)), "{:?}", result(&plan, "B15"));
}

/// An update of a Rollout, half way.
fn update() -> Canary {
    Canary::Rollout {
        stable: "hash411".into(),
        current: "hash412".into(),
        at: "step 2 of 3".into(),
        is_aborted: false,
        may_abort: Ok(true),
    }
}

/// What a workflow does to the cluster is its own: a canary is neither aborted by the plan nor said to be.
#[test]
fn a_workflow_aborts_no_update_and_is_watched_where_its_version_arrives() {
    const WORKFLOW: &str = "workflow:rollback.yml?tag={tag}";
    let updating = |found: &mut WorkloadInspection| {
        found.canary = Ok(Some(update()));
    };
    let canary = |plan: &Plan| {
        let check = plan.checks.iter().find(|check| check.name == "canary").expect("it is said");
        format!("{:?}", check.result)
    };
    assert!(canary(&by(&["patch"], updating)).contains("its update (step 2 of 3) is aborted first"));
    let plan = by(&[WORKFLOW], updating);
    assert!(canary(&plan).contains("its update (step 2 of 3) is not aborted first"), "{}", canary(&plan));
    let primary = WorkloadKey { name: "myapp-primary".into(), ..myapp() };
    let flagger = Flagger {
        name: "myapp".into(),
        phase: "Progressing".into(),
        weight: 20,
        skips_analysis: false,
        is_suspended: false,
        primary: primary.clone(),
        primary_desired: 4,
        serves: Box::new([]),
    };
    let plan = by(&[WORKFLOW], |found| found.canary = Ok(Some(Canary::Flagger(flagger))));
    let serves = watched(&plan).serves.as_deref().expect("it is watched");
    assert_eq!((&serves.workload, serves.desired), (&primary, 4));
    for wanted in [serves, watched(&plan)] {
        assert_eq!(wanted.image.as_deref(), Some("registry.example/acme/myapp:411"));
    }
}

/// A rollback by a release's history aborts nothing, either.
#[test]
fn helm_aborts_no_update() {
    let plan = by(&["helm"], |found| {
        *found = of_release(release());
        found.canary = Ok(Some(update()));
    });
    let canary = plan.checks.iter().find(|check| check.name == "canary").expect("it is said");
    assert!(format!("{canary:?}").contains("is not aborted first"), "{canary:?}");
}

#[test]
fn none_that_can_of_a_release_is_a_stop_and_no_question_that_asking_again_answers() {
    let plan = by(&["argo"], |found| *found = of_release(release()));
    assert!(executor(&plan).contains("none of its executors can (argo: no application of Argo CD owns it)"));
    assert_eq!((plan.blocked.as_ref(), plan.risk), (None, Risk::Stopped));
    assert_eq!(plan.accepts, ["shop"]);
}

/// A HelmRelease of Flux.
pub(super) fn helm_release(found: &mut WorkloadInspection, is_active: bool) {
    let key = OwnerKey { kind: OwnerKind::HelmRelease, version: "v2".into(), ..application().key };
    let git = Git::Differs("live is not what revision 7 rendered".into());
    let spec = serde_json::json!({"interval": "5m", "suspend": !is_active});
    found.owners = Ok(vec![Owner { key, spec, is_active, git, history: Vec::new(), ..application() }]);
    let (name, namespace) = ("myapp".into(), "argocd".into());
    found.workload.managed_by = vec![Manager::FluxHelmRelease { name, namespace }];
}

/// What tracks it by a mark of its own choosing is known by who applied it.
#[test]
fn what_a_gitops_controller_applied_without_a_mark_is_no_free_workload() {
    let applied_by = |manager: &str| with(|found| found.changes.push((manager.into(), ago(400))));
    for manager in ["argocd-controller", "kustomize-controller", "helm-controller"] {
        let plan = applied_by(manager);
        assert_eq!(
            stop(&plan, "B4"),
            format!(
                "'{manager}' applied the template, though no mark says what it is of: it may put back what git says. \
                 Instead: revert in the config repository"
            )
        );
    }
    let days_ago = |days: i64| with(|found| found.changes.push(("kustomize-controller".into(), ago(days * 24 * 60))));
    assert_eq!(
        look(&days_ago(200), "B4"),
        "'kustomize-controller' applied some of the template 200d ago, and no mark names it"
    );
    assert!(stop(&days_ago(29), "B4").contains("applied the template"));
    let alone = with(|found| found.changes = vec![("kustomize-controller".into(), ago(200 * 24 * 60))]);
    assert!(stop(&alone, "B4").contains("applied the template"), "nobody set it since");
    assert!(look(&applied_by("helm"), "B4").contains("the next upgrade brings it back"));
    assert!(
        matches!(result(&applied_by("kubectl"), "B4"), CheckResult::Ok(says) if says.starts_with("set by jenkins"))
    );
}

fn switches(plan: &Plan) -> Vec<&crate::action::Switch> {
    let of = plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Write(Write::SwitchSync { to, .. }) => Some(to),
        _ => None,
    });
    of.collect()
}

#[test]
fn a_helm_release_of_flux_is_suspended_patched_and_resumed_and_helm_does_not_know() {
    use crate::action::Switch;
    let plan = with(|found| helm_release(found, true));
    assert_eq!(switches(&plan), [&Switch::Off]);
    let patch = plan.steps.iter().position(|step| matches!(step.kind, StepKind::Write(Write::PatchTemplate { .. })));
    assert_eq!(patch, Some(2), "after the suspension: {:?}", plan.steps);
    assert!(look(&plan, "B4").contains("STAYS so; Helm's history knows nothing of the patch"), "{}", look(&plan, "B4"));
    assert_eq!(plan.keeps.expect("kept").owners.len(), 1, "U resumes it");
    let mut found = inspection();
    helm_release(&mut found, false);
    let resume = planned(&Request::ResumeSync { workload: myapp() }, found).expect("a plan");
    assert_eq!(switches(&resume), [&Switch::On(serde_json::Value::Null)]);
    assert!(stop(&resume, "B4").contains("brings back what was rolled away from"));
    let mut found = inspection();
    helm_release(&mut found, false);
    if let Ok(owners) = &mut found.owners {
        owners[0].git = Git::Unknown("git moved: read what it says".into());
    }
    let resume = planned(&Request::ResumeSync { workload: myapp() }, found).expect("a plan");
    let said = look(&resume, "B4");
    assert!(said.contains("another version may run at once"), "what it may do: {said}");
    assert!(!said.contains("git moved"), "GIT says that: {said}");
}

#[test]
fn what_a_server_cannot_rehearse_is_not_said_to_be_read_only() {
    let mut found = inspection();
    found.workload.managed_by = vec![Manager::ArgoCd { application: "myapp".into() }];
    let main = BackendId::new("main");
    found.owners = Ok(vec![Owner { key: OwnerKey { via: Some(main.clone()), ..application().key }, ..application() }]);
    let mut evidence = evidence(&roll_back(None), found);
    evidence.writable.insert(main.clone());
    for (write, said) in &mut evidence.rehearsals {
        assert_eq!(write.backend(), &main);
        *said = None;
    }
    let plan = plan(&roll_back(None), &evidence, &store(Vec::new()), &settings(), now()).expect("a plan");
    assert_eq!(result(&plan, "B14"), &CheckResult::NotChecked("read now; 'main' has no dry run".into()));
    assert_eq!(plan.blocked, None);
    assert_eq!(plan.undo, "U: synced back to what rev 14 was synced from, and GitOps on again");
}
