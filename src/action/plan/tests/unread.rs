//! What could not be read is not taken for nothing.

use std::collections::BTreeMap;

use super::*;
use crate::{
    action::{Limits, resources::ResourceInspection},
    model::kubernetes::WorkloadKey,
};

/// A set whose controller waits for the one broken pod, `new-4`.
fn ordered(change: impl FnOnce(&mut WorkloadInspection)) -> Plan {
    let workload = WorkloadKey { kind: WorkloadKind::StatefulSet, ..myapp() };
    let mut found = inspection();
    (found.workload.key, found.is_ordered) = (workload.clone(), true);
    change(&mut found);
    planned(&Request::RollBack { workload, to: None, alert: None }, found).expect("a plan")
}

#[test]
fn revisions_that_could_not_be_read_are_not_said_to_be_none() {
    let mut found = inspection();
    found.revisions.clear();
    found.unread.revisions = Some("replicasets is forbidden".into());
    let says = refusal(planned(&roll_back(None), found));
    assert!(says.ends_with("could not be read: replicasets is forbidden"), "{says}");
}

#[test]
fn pods_that_could_not_be_read_are_neither_well_nor_none() {
    let unread = |found: &mut WorkloadInspection| {
        found.pods.clear();
        found.unread.pods = Some("pods is forbidden".into());
    };
    assert!(look(&ordered(|_| ()), "B13").contains("new-4"));
    let plan = ordered(unread);
    for (id, word) in [("B13", "pods could not be read: pods is forbidden"), ("B2", "its pods could not be read")] {
        let CheckResult::NotChecked(says) = result(&plan, id) else { panic!("{id}: {:?}", result(&plan, id)) };
        assert!(says.contains(word), "{says}");
    }
    let unread_check = plan.checks.iter().find(|check| check.name == "unread").expect("it is said");
    assert_eq!(unread_check.result, CheckResult::Look("not checked: pods could not be read: pods is forbidden".into()));
    for (name, says) in &plan.facts {
        assert!(says.contains("its pods could not be read"), "{name}: {says}");
    }
    assert!(!plan.choices.is_empty() && plan.choices.iter().all(|choice| choice.note.contains("pods unknown")));
}

#[test]
fn a_cluster_that_did_not_tell_which_it_is_is_looked_at_and_no_gate() {
    let plan = with(|found| found.cluster_id = None);
    assert!(look(&plan, "B1").contains("did not tell which cluster it is"));
    assert_eq!(plan.blocked, None);
}

/// Pods may be of the version that limits bring back; of the one that a restart makes there is none yet.
#[test]
fn where_revisions_could_not_be_read_only_a_restart_knows_that_all_pods_are_old() {
    let resources = || ResourceInspection { used: Ok(BTreeMap::new()), bounds: Ok(Vec::new()) };
    let limits = Limits { container: "app".into(), memory: Some("2Gi".into()), cpu: None };
    let others = |request: &Request, is_unread: bool| {
        let mut found = WorkloadInspection { resources: Some(Box::new(resources())), ..inspection() };
        if is_unread {
            found.revisions.clear();
            found.unread.revisions = Some("replicasets is forbidden".into());
        }
        watched(&planned(request, found).expect("a plan")).others.len()
    };
    let limits = Request::Limits { workload: myapp(), limits };
    assert_eq!((others(&limits, false), others(&limits, true)), (3, 0));
    let restart = Request::Restart { workload: myapp() };
    assert_eq!((others(&restart, false), others(&restart, true)), (3, 2), "those that pods are of");
}
