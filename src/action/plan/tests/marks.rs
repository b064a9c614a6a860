//! What an act leaves on the workload: who, why, and for which incident.

use std::collections::BTreeMap;

use super::{alerts::alert, *};
use crate::model::kubernetes::{ACTOR, INCIDENT, REASON};

fn marks(plan: &Plan) -> &BTreeMap<String, String> {
    let patch = plan.steps.iter().find_map(|step| match &step.kind {
        StepKind::Write(Write::PatchTemplate { annotations, .. }) => Some(annotations),
        _ => None,
    });
    patch.expect("it is patched")
}

fn rolled_back_for(key: &AlertKey, known: &Store) -> Plan {
    let request = Request::RollBack { workload: myapp(), to: None, alert: Some(key.clone()) };
    plan(&request, &evidence(&request, inspection()), known, &settings(), now()).expect("a plan")
}

#[test]
fn a_rollback_for_an_alert_names_it_on_the_workload() {
    let high = alert("High", AlertState::Firing, &[]);
    let mut known = store(Vec::new());
    known.alerts.insert(high.key.clone(), high.clone());
    let firing = rolled_back_for(&high.key, &known);
    assert_eq!((marks(&firing)[ACTOR].as_str(), marks(&firing)[INCIDENT].as_str()), ("ana", "High High"));
    // It ends while one looks: the same is sent.
    let ended = rolled_back_for(&high.key, &store(Vec::new()));
    assert_eq!(marks(&ended)[INCIDENT], "High");
    assert_eq!(firing.moved_to(&ended), None);
}

#[test]
fn what_an_earlier_act_left_of_its_own_incident_is_not_this_ones() {
    assert!(!marks(&with(|_| ())).contains_key(INCIDENT));
    let later = with(|found| {
        found.annotations = [INCIDENT, REASON].map(|mark| (mark.to_owned(), "High 1".to_owned())).into();
    });
    assert_eq!((marks(&later)[INCIDENT].as_str(), marks(&later)[REASON].as_str()), ("none", "none"));
}
