//! GitOps that an act switched off is red on every screen until somebody switches it on again.

use super::*;
use crate::{
    action::{
        Request,
        act::{Act, ActionEvent, Outcome, StepState},
    },
    model::{
        BackendId, BackendKind,
        gitops::{Git, OwnerKey, OwnerKind, Standing},
        kubernetes::{Manager, WorkloadKind},
    },
    query::{Answer, Query},
    source::Answered,
    time::Clock as _,
    ui::testing::{at, cluster, deployment, incident, workload_key},
};

fn owner(kind: OwnerKind) -> OwnerKey {
    OwnerKey {
        cluster: cluster(),
        kind,
        version: "v1".into(),
        namespace: "flux-system".into(),
        name: "web".into(),
        via: None,
    }
}

/// An act that switched an owner.
fn act(number: u64, switched: (OwnerKey, bool)) -> Act {
    Act {
        number,
        request: Request::RollBack { workload: workload_key(WorkloadKind::Deployment, "myapp"), to: None, alert: None },
        title: "ROLL BACK".into(),
        place: "prod-eu1".into(),
        actor: "ana".into(),
        started: at("03:00"),
        ended: Some(at("03:01")),
        steps: Vec::new(),
        outcome: Outcome::Done,
        reason: None,
        switches: vec![switched],
        away: None,
        left: None,
        unseen: None,
        can_undo: true,
        cluster_id: None,
        is_mine: false,
    }
}

fn acted(desk: &mut Desk, number: u64, switched: (OwnerKey, bool)) {
    let act = act(number, switched);
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.clock.now());
}

fn stands(desk: &mut Desk, owner: &OwnerKey, is_active: bool, git: Git) {
    let now = desk.clock.now();
    let query = Query::Standing(owner.clone());
    assert!(desk.app.wanted(now).contains(&query), "it is watched, whatever is looked at");
    let body = Ok(Answer::Standing(Standing { is_active, git }));
    desk.app.store.answer(Answered { query, generation: 1, at: now.wall, body }, now);
}

/// How one stands is no word for the others.
#[test]
fn of_several_that_are_off_the_one_that_waits_for_git_is_named() {
    let mut desk = Desk::new(incident());
    let (agrees, waits) =
        (owner(OwnerKind::Kustomization), OwnerKey { name: "api".into(), ..owner(OwnerKind::Application) });
    acted(&mut desk, 4, (waits.clone(), false));
    acted(&mut desk, 5, (agrees.clone(), false));
    desk.frame((140, 35));
    stands(&mut desk, &agrees, false, Git::Equal("Synced".into()));
    stands(&mut desk, &waits, false, Git::Differs("OutOfSync".into()));
    let header = desk.frame((140, 35)).lines().next().expect("a header").to_owned();
    assert!(header.contains("GITOPS api: auto-sync off +1"), "{header}");
}

#[test]
fn a_suspended_owner_is_red_until_it_is_resumed_here_or_elsewhere() {
    for (kind, words) in
        [(OwnerKind::Kustomization, "GITOPS web: suspended"), (OwnerKind::Application, "GITOPS web: auto-sync off")]
    {
        let owner = owner(kind);
        let mut desk = Desk::new(incident());
        acted(&mut desk, 4, (owner.clone(), false));
        for (size, words) in [((120, 35), words), ((80, 24), "GITOPS OFF web")] {
            let screen = desk.frame(size);
            assert!(screen.lines().next().is_some_and(|header| header.contains(words)), "{words}\n{screen}");
        }
        stands(&mut desk, &owner, false, Git::Equal("Synced".into()));
        assert!(desk.frame((120, 35)).contains("GITOPS web: git agrees"));
        // Somebody else switched it on.
        stands(&mut desk, &owner, true, Git::Equal("Synced".into()));
        assert!(!desk.frame((120, 35)).contains("GITOPS"));
        stands(&mut desk, &owner, false, Git::Differs("OutOfSync".into()));
        assert!(desk.frame((120, 35)).contains(words));
        // Or an act of ours, which names another version of the API.
        acted(&mut desk, 5, (OwnerKey { version: "v2".into(), ..owner.clone() }, true));
        assert!(!desk.frame((120, 35)).contains("GITOPS"));
        assert!(!desk.app.wanted(desk.clock.now()).contains(&Query::Standing(owner)));
    }
}

#[test]
fn what_was_read_of_git_while_the_act_went_on_is_of_before_it() {
    let owner = owner(OwnerKind::Application);
    let mut desk = Desk::new(incident());
    let act = Act { ended: None, outcome: Outcome::Running, is_mine: true, ..act(4, (owner.clone(), false)) };
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.clock.now());
    stands(&mut desk, &owner, false, Git::Equal("Synced".into()));
    assert!(desk.frame((120, 35)).contains("GITOPS web: auto-sync off"));
    assert!(desk.frame((80, 24)).contains("GITOPS OFF"), "beside the act that goes on");
}

#[test]
fn at_80_columns_an_act_says_what_it_does_to_what_and_how_far_it_is() {
    let mut world = incident();
    world.settings.is_demo = true;
    world.settings.backends.insert(BackendId::new("staging-eu1"), BackendKind::Kubernetes);
    let mut desk = Desk::new(world);
    let steps = vec![("watch".into(), StepState::Running("411 5/8 ready".into()))];
    let switched = (owner(OwnerKind::Kustomization), false);
    let act = Act { ended: None, outcome: Outcome::Running, is_mine: true, steps, ..act(4, switched) };
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(act)))), desk.clock.now());
    for (size, off) in [((80, 24), "GITOPS OFF web"), ((120, 35), "GITOPS web: suspended"), ((74, 20), "GITOPS OFF")] {
        let frame = desk.frame(size);
        let header = frame.lines().next().unwrap_or_default();
        assert!(header.contains(off) && header.contains("~ rollback myapp 5/8 "), "{header}");
        assert!(header.contains(" PROD ") && header.contains(" ana "), "{header}");
    }
}

fn running(number: u64, request: Request, says: &str) -> Act {
    let switched = (owner(OwnerKind::Kustomization), false);
    let steps = vec![("watch".into(), StepState::Running(says.into()))];
    let act = act(number, switched);
    Act { request, ended: None, outcome: Outcome::Running, is_mine: true, steps, ..act }
}

#[test]
fn of_two_acts_the_header_says_that_another_goes_on_and_keeps_what_there_is_room_for() {
    let mut world = incident();
    world.settings.backends.insert(BackendId::new("staging-eu1"), BackendKind::Kubernetes);
    let mut desk = Desk::new(world);
    let workload = |name| workload_key(WorkloadKind::Deployment, name);
    let restart = running(4, Request::Restart { workload: workload("fluentd") }, "0/6 ready");
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(restart.clone())))), desk.clock.now());
    let header = |desk: &mut Desk, size| desk.frame(size).lines().next().unwrap_or_default().to_owned();
    let wide = header(&mut desk, (120, 35));
    let all = ["PROD", "prod-eu1", "staging-eu1", "GITOPS web: suspended", "~ restart fluentd 0/6 "];
    assert!(all.iter().all(|words| wide.contains(words)) && !wide.contains("+1"), "{wide}");
    let rollback = Request::RollBack { workload: workload("myapp"), to: None, alert: None };
    let rollback = Act { switches: Vec::new(), ..running(5, rollback, "411 8/10 ready, 2 of other versions") };
    desk.app.update(Msg::Action(Box::new(ActionEvent::Act(Box::new(rollback)))), desk.clock.now());
    let narrow = header(&mut desk, (80, 24));
    assert!(
        narrow.contains(" PROD ") && narrow.contains("~ rollback myapp 8/10") && narrow.contains(" +1 "),
        "{narrow}"
    );
    desk.app.update(
        Msg::Action(Box::new(ActionEvent::Act(Box::new(Act { switches: Vec::new(), ..restart })))),
        desk.clock.now(),
    );
    let narrow = header(&mut desk, (80, 24));
    assert!(narrow.contains("~ rollback myapp 8/10 on 411 +1 "), "which pods it counts: {narrow}");
}

#[test]
fn an_owner_of_git_is_resumed_by_its_workload_and_of_others_it_says_why_not() {
    let resumed = |manager: Option<Manager>| {
        let mut world = incident();
        let mut of = deployment("myapp", "myapp:412", 8, 10);
        of.managed_by = manager.into_iter().collect();
        world.workloads([of]);
        let mut desk = Desk::new(world);
        desk.keys("3");
        desk.frame((120, 35));
        let effects = desk.line("resume-sync");
        let asked = effects.into_iter().any(|effect| {
            matches!(effect, Effect::Prepare { request: Request::ResumeSync { workload }, .. } if workload.name == "myapp")
        });
        (asked, desk.frame((120, 35)))
    };
    let flux = Manager::FluxKustomization { name: "web".into(), namespace: "flux-system".into() };
    let (is_asked, screen) = resumed(Some(flux));
    assert!(is_asked && screen.contains("RESUME GITOPS OF deploy/myapp"), "{screen}");
    let (is_asked, screen) = resumed(None);
    assert!(!is_asked && screen.contains("neither Flux nor Argo CD owns it"), "{screen}");
}
