//! Undo of what Flux and Argo CD own, over fakes: the owners are taken back too, or the undo is refused.

use futures::{FutureExt as _, future::BoxFuture};
use serde_json::json;

use super::*;
use crate::{
    action::{
        Applications, Switch, WorkloadInspection,
        testing::{application, kustomization},
    },
    model::{
        BackendId,
        gitops::{Git, Owner, OwnerKey, Synced},
        kubernetes::Manager,
    },
};

const UNDO: Request = Request::Undo { act: 1 };

fn bench(manager: Manager, owner: Owner) -> Bench {
    let mut found = inspection();
    found.workload.managed_by = vec![manager];
    found.owners = Ok(vec![owner]);
    Bench::with(FakeCluster::new(found), "audit.jsonl")
}

fn of_flux() -> Bench {
    let manager = Manager::FluxKustomization { name: "myapp".into(), namespace: "flux-system".into() };
    bench(manager, kustomization())
}

fn of_argo() -> Bench {
    bench(Manager::ArgoCd { application: "myapp".into() }, application())
}

fn own(bench: &Bench, change: impl FnOnce(&mut Owner)) {
    bench.cluster.with(|cluster| change(&mut cluster.found.owners.as_mut().expect("read")[0]));
}

fn check(plan: &Plan, id: &str, name: &str) -> CheckResult {
    let found = plan.checks.iter().find(|check| check.id == *id && check.name == *name);
    found.unwrap_or_else(|| panic!("{id} {name} is left out: {:?}", plan.checks)).result.clone()
}

/// The application is synced, and has one entry of its history more.
fn synced(bench: &Bench, tag: &str, memory: &str, level: &str) {
    let sent = bench.cluster.sent();
    let to = sent.iter().rev().find_map(|write| match write {
        Write::SyncTo { sync, .. } => Some(sync.clone()),
        _ => None,
    });
    bench.cluster.with(|cluster| cluster.become_template(template_of(tag, memory, level)));
    own(bench, |application| {
        let of = application.history.iter().find(|entry| Some(&entry.sync) == to.as_ref()).expect("kept").clone();
        application.history.insert(0, Synced { id: application.history[0].id + 1, ..of });
    });
}

#[tokio::test]
async fn an_undo_is_refused_while_its_owners_cannot_be_read() {
    let mut bench = of_flux();
    bench.act(&roll_back(None)).await.expect("carried out");
    let owners = bench.cluster.with(|cluster| std::mem::replace(&mut cluster.found.owners, Err("403".into())));
    let refused = bench.plan(&UNDO).await.expect_err("refused");
    assert_eq!(refused, *"the owner of deploy/myapp could not be read: 403");
    // The same where nothing but the switch is left of the act.
    let left = bench.cluster.with(|cluster| std::mem::replace(&mut cluster.found.template, inspection().template));
    let refused = bench.plan(&UNDO).await.expect_err("refused");
    assert!(refused.contains("could not be read: 403"), "{refused}");
    bench.cluster.with(|cluster| (cluster.found.template, cluster.found.owners) = (left, owners));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let CheckResult::Look(says) = check(&plan, "B4", "owner") else { panic!("{:?}", plan.checks) };
    assert_eq!(says, *"GitOps is switched on again afterwards: 'flux-system/myapp'");
    assert!(matches!(check(&plan, "B3", "owner allowed"), CheckResult::Ok(_)), "the right to resume it is asked too");
    own(&bench, |owner| owner.git = Git::Differs("git still says what was applied before, main@sha1:5f1c2ab".into()));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let CheckResult::Look(says) = check(&plan, "B4", "owner") else { panic!("{:?}", plan.checks) };
    assert!(
        says.ends_with("; git still says what was applied before, main@sha1:5f1c2ab: it keeps this version"),
        "{says}"
    );
    let names: Vec<_> = plan.checks.iter().map(|check| &check.name).collect();
    assert_eq!(names.iter().filter(|name| ***name == *"owner").count(), 1, "{names:?}");
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    own(&bench, |kustomization| assert!(kustomization.is_active));
}

#[tokio::test]
async fn what_git_still_says_is_named_before_flux_is_suspended() {
    let mut bench = of_flux();
    own(&bench, |owner| owner.git = Git::Differs("git still says what was applied before, main@sha1:5f1c2ab".into()));
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    let git = plan.facts.iter().find(|(name, _)| name == "GIT").map(|(_, says)| says.to_string());
    assert_eq!(git.as_deref(), Some("git still says myapp:412 (Synced)"));
}

/// What an undo says of an owner is what it does with it.
#[tokio::test]
async fn an_owner_that_was_switched_on_meanwhile_would_put_it_back() {
    let mut bench = of_flux();
    bench.act(&roll_back(None)).await.expect("carried out");
    own(&bench, |kustomization| kustomization.is_active = true);
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let CheckResult::Stop(says) = check(&plan, "B4", "owner") else { panic!("{:?}", plan.checks) };
    assert!(says.contains("it is applied again at each interval") && !says.contains("switched on"), "{says}");
}

#[tokio::test]
async fn only_switched_on_again_it_is_asked_whether_one_may_and_what_git_says() {
    let mut bench = of_flux();
    bench.act(&roll_back(None)).await.expect("carried out");
    bench.cluster.with(|cluster| cluster.found.template = inspection().template);
    own(&bench, |kustomization| kustomization.may_patch = Ok(false));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let CheckResult::Stop(says) = check(&plan, "B3", "owner allowed") else { panic!("{:?}", plan.checks) };
    assert!(says.contains("you have not `patch kustomizations"), "{says}");
    assert!(matches!(check(&plan, "B4", "live = git"), CheckResult::Ok(_)));
    assert_eq!(
        plan.equivalent,
        ["kubectl --context prod-eu1 -n flux-system patch kustomizations.kustomize.toolkit.fluxcd.io myapp \
          --type merge -p '{\"spec\":{\"suspend\":null}}'"]
    );
}

/// Its parent was suspended by others before: that stays theirs, whoever may not resume it.
#[tokio::test]
async fn resumed_is_what_the_act_suspended_and_not_what_others_did() {
    let mut bench = of_flux();
    let key = OwnerKey { name: "root".into(), ..kustomization().key };
    let spec = json!({"interval": "10m", "suspend": true});
    let root = Owner { key, spec, is_active: false, may_patch: Ok(false), ..kustomization() };
    bench.cluster.with(|cluster| cluster.found.owners.as_mut().expect("read").push(root));
    bench.act(&roll_back(None)).await.expect("carried out");
    let plan = bench.plan(&Request::ResumeSync { workload: myapp() }).await.expect("a plan");
    let switched: Vec<String> = (plan.steps.iter())
        .filter_map(|step| match &step.kind {
            StepKind::Write(Write::SwitchSync { owner, to: Switch::On(_), .. }) => Some(owner.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(switched, ["flux-system/myapp"]);
    assert!(matches!(check(&plan, "B3", "allowed"), CheckResult::Ok(_)), "{:?}", plan.checks);
    // Of no act of ours: its own alone.
    let mut other = Bench::with(bench.cluster.clone(), "audit.jsonl");
    let plan = other.plan(&Request::ResumeSync { workload: myapp() }).await.expect("a plan");
    assert_eq!(plan.steps.len(), 1, "{:?}", plan.steps);
}

/// Nobody knows whether it is on: it counts as off, and what it was set to is not forgotten.
#[tokio::test]
async fn a_switch_on_without_an_answer_can_be_sent_again() {
    let mut bench = of_argo();
    bench.act(&roll_back(None)).await.expect("carried out");
    synced(&bench, "411", "512Mi", "info");
    bench.cluster.with(|cluster| cluster.answers = vec![ActionError::Unknown("the connection broke".into())]);
    let resume = Request::ResumeSync { workload: myapp() };
    let act = bench.act(&resume).await.expect("carried out");
    assert_eq!((act.outcome, act.switches.len()), (Outcome::Unknown, 0));
    assert_eq!(audit::acts(&bench.records())[0].switches, []);
    let act = bench.act(&resume).await.expect("what it was set to is known still");
    assert_eq!((act.outcome, act.switches.len()), (Outcome::Done, 1));
    own(&bench, |application| assert!(application.is_active));
}

/// One cluster by two contexts: the act, and what it kept of the owner, are by the other one's name.
#[tokio::test]
async fn what_an_act_switched_off_is_known_by_another_name_of_its_cluster() {
    let mut bench = of_argo();
    bench.act(&roll_back(None)).await.expect("carried out");
    synced(&bench, "411", "512Mi", "info");
    for file in ["audit.jsonl".to_owned(), Audit::kept_name(1)] {
        let path = bench.directory.path().join(file);
        let text = std::fs::read_to_string(&path).expect("it was written");
        std::fs::write(&path, text.replace("\"prod-eu1\"", "\"prod-eu1-nils\"")).expect("it is ours");
    }
    let act = bench.act(&Request::ResumeSync { workload: myapp() }).await.expect("what it was set to is known");
    assert_eq!((act.outcome, act.switches.len()), (Outcome::Done, 1));
    own(&bench, |application| assert!(application.is_active));
}

#[tokio::test]
async fn the_undo_of_a_sync_needs_the_right_to_sync_and_says_what_else_goes_back() {
    let mut bench = of_argo();
    bench.act(&roll_back(None)).await.expect("carried out");
    synced(&bench, "411", "512Mi", "info");
    bench.cluster.with(|cluster| cluster.found.may_patch = Ok(false));
    own(&bench, |application| application.others = vec!["Deployment production/web".into()]);
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let CheckResult::Ok(says) = check(&plan, "B3", "allowed") else { panic!("{:?}", plan.checks) };
    assert!(says.contains("`patch applications.argoproj.io` in 'argocd'"), "{says}");
    let CheckResult::Look(says) = check(&plan, "B16", "application") else { panic!("{:?}", plan.checks) };
    assert_eq!(says, *"the whole application goes back with it: Deployment production/web");
    let CheckResult::Look(says) = check(&plan, "B4", "owner") else { panic!("{:?}", plan.checks) };
    assert_eq!(
        says,
        *"application 'argocd/myapp' is synced back; GitOps is switched on again afterwards: 'argocd/myapp'"
    );
    own(&bench, |application| application.busy = Some("an operation of bob is Running".into()));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    let CheckResult::Stop(says) = check(&plan, "B4", "owner") else { panic!("{:?}", plan.checks) };
    assert!(says.contains("an operation of bob is Running: wait for its end"), "{says}");
    own(&bench, |application| application.may_patch = Ok(false));
    let plan = bench.plan(&UNDO).await.expect("a plan");
    assert!(matches!(check(&plan, "B3", "allowed"), CheckResult::Stop(_)), "{:?}", plan.checks);
}

/// A colleague changed git since the act: what is switched on again brings that.
#[tokio::test]
async fn an_undo_says_what_git_brings_back_once_it_moved_on() {
    let equal = || Git::Equal("Argo CD says Synced: live is what git says at 330c072".into());
    let differs = || Git::Differs("Argo CD says OutOfSync: git is at 330c072".into());
    let mut argo = of_argo();
    own(&argo, |application| {
        let source = json!({"repoURL": "https://git.example/deploy.git", "path": "myapp"});
        for entry in &mut application.history {
            entry.sync["source"] = source.clone();
        }
        application.spec["source"] = source;
    });
    argo.act(&roll_back(None)).await.expect("carried out");
    synced(&argo, "411", "512Mi", "info");
    for (git, revision, wanted) in [
        (
            equal(),
            "330c072",
            "Stop(\"git says myapp:411, which is live (Argo CD says Synced: live is what git says at 330c072)",
        ),
        (differs(), "330c072", "Look(\"Argo CD says OutOfSync: git is at 330c072. Switched on again, it brings"),
        (differs(), "5f1c2a2", "Ok(\"git is at 5f1c2a2 still: it keeps this version"),
        (Git::Unknown("Argo CD says ''".into()), "", "Look(\"Argo CD says ''. Switched on again"),
    ] {
        own(&argo, |application| (application.git, application.revisions) = (git, vec![revision.into()]));
        let plan = argo.plan(&UNDO).await.expect("a plan");
        let says = format!("{:?}", check(&plan, "B4", "git"));
        assert!(says.starts_with(wanted), "{says}");
        assert!(plan.risk == Risk::Stopped || !says.starts_with("Stop"), "{:?}", plan.checks);
    }
    // Its own parameters were changed, at the same revision.
    own(&argo, |application| {
        (application.git, application.revisions) = (differs(), vec!["5f1c2a2".into()]);
        application.spec["source"]["helm"] = json!({"parameters": [{"name": "image.tag", "value": "413"}]});
    });
    let plan = argo.plan(&UNDO).await.expect("a plan");
    let CheckResult::Look(says) = check(&plan, "B4", "git") else { panic!("{:?}", plan.checks) };
    assert!(says.contains("which may be another version"), "{says}");
    let mut flux = of_flux();
    flux.act(&roll_back(None)).await.expect("carried out");
    own(&flux, |owner| owner.git = Git::Unknown("git moved from 5f1c2ab to 7b79e9b: read what it says".into()));
    let plan = flux.plan(&UNDO).await.expect("a plan");
    let CheckResult::Look(says) = check(&plan, "B4", "git") else { panic!("{:?}", plan.checks) };
    assert!(says.starts_with("git moved from 5f1c2ab to 7b79e9b: read what it says. Switched on again, it"), "{says}");
}

#[tokio::test]
async fn an_undo_asks_of_every_source_whether_it_moved() {
    let sources = json!([
        {"repoURL": "https://git.example/deploy.git", "path": "myapp"},
        {"repoURL": "https://git.example/values.git", "ref": "values"},
    ]);
    let mut argo = of_argo();
    own(&argo, |application| {
        for entry in &mut application.history {
            let revisions = json!([entry.sync["revision"], "7b79e9b"]);
            entry.sync = json!({"revisions": revisions, "sources": sources, "source": {"repoURL": ""}});
        }
        application.spec["sources"] = sources.clone();
        application.revisions = vec!["5f1c2a2".into(), "7b79e9b".into()];
    });
    argo.act(&roll_back(None)).await.expect("carried out");
    synced(&argo, "411", "512Mi", "info");
    own(&argo, |application| application.git = Git::Differs("Argo CD says OutOfSync".into()));
    let plan = argo.plan(&UNDO).await.expect("a plan");
    let same = check(&plan, "B4", "git");
    assert_eq!(same, CheckResult::Ok("git is at 5f1c2a2, 7b79e9b still: it keeps this version".into()));
    // The second repository moved.
    own(&argo, |application| application.revisions[1] = "330c072".into());
    let moved = check(&argo.plan(&UNDO).await.expect("a plan"), "B4", "git");
    assert!(matches!(&moved, CheckResult::Look(says) if says.contains("may be another version")), "{moved:?}");
}

/// Undone and undone again: each time the owner and what it synced are as they were before.
#[tokio::test]
async fn the_undo_of_an_undo_switches_off_and_syncs_again() {
    let mut bench = of_argo();
    bench.act(&roll_back(None)).await.expect("carried out");
    synced(&bench, "411", "512Mi", "info");
    let act = bench.act(&UNDO).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    synced(&bench, "412", "1Gi", "warn");
    let before = bench.cluster.sent().len();
    let plan = bench.plan(&Request::Undo { act: 2 }).await.expect("a plan");
    let CheckResult::Look(says) = check(&plan, "B4", "owner") else { panic!("{:?}", plan.checks) };
    assert!(says.starts_with("GitOps is switched off first and STAYS so: 'argocd/myapp'"), "{says}");
    let act = bench.execute(plan).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    let sent = bench.cluster.sent();
    let [Write::SwitchSync { to: Switch::Off, .. }, Write::SyncTo { sync, .. }] = &sent[before..] else {
        panic!("{sent:?}")
    };
    assert_eq!(*sync, json!({"revision": "5f1c2a1"}));
    own(&bench, |application| assert!(!application.is_active));
    synced(&bench, "411", "512Mi", "info");
    // And back once more, as it was set at first.
    let act = bench.act(&Request::Undo { act: 3 }).await.expect("carried out");
    assert_eq!(act.outcome, Outcome::Done);
    own(&bench, |application| assert_eq!(application.spec["syncPolicy"]["automated"], json!({"selfHeal": true})));
}

/// Counts how often it is asked.
struct Counting(BackendId, Mutex<usize>);

impl Applications for Counting {
    fn backend(&self) -> &BackendId {
        &self.0
    }

    fn owners<'a>(&'a self, _: &'a WorkloadInspection) -> BoxFuture<'a, Result<Option<Vec<Owner>>, Clean>> {
        *self.1.lock().expect("unpoisoned") += 1;
        std::future::ready(Ok(None)).boxed()
    }
}

#[tokio::test]
async fn what_minds_no_owner_asks_no_server_of_applications() {
    let mut bench = of_argo();
    let server = Arc::new(Counting(BackendId::new("main"), Mutex::default()));
    bench.engine.add_applications(server.clone());
    let asked = || *server.1.lock().expect("unpoisoned");
    bench.plan(&Request::Restart { workload: myapp() }).await.expect("a plan");
    bench.plan(&Request::Scale { workload: myapp(), replicas: 12 }).await.expect("a plan");
    assert_eq!(asked(), 0);
    bench.plan(&roll_back(None)).await.expect("a plan");
    assert_eq!(asked(), 1);
}
