//! B12: room for the pods that come at once, and an autoscaler that errors may have shrunk.

use serde_json::Value;

use super::{Subject, check};
use crate::{
    action::{Check, CheckResult, equivalent::kubectl, room::Rollout},
    model::kubernetes::Revision,
    text::{Clean, counted, quoted},
};

impl Subject<'_> {
    /// B12 of another template.
    pub fn capacity(&self, to: &Value) -> Check {
        self.room_for(self.inspection.surge, to)
    }

    /// B12 of pods more of the same.
    pub fn capacity_for(&self, more: u32) -> Check {
        self.room_for(more, &self.inspection.template)
    }

    fn room_for(&self, surge: u32, to: &Value) -> Check {
        let (looks, result) = self.room(surge, to);
        check("B12", "capacity", if looks.is_empty() { result } else { look(&looks) })
    }

    /// B12 of a rollback: errors are cheap, so traffic looked less than it is.
    pub fn capacity_back(&self, live: &Revision, target: &Revision) -> Check {
        let (mut looks, result) = self.room(self.inspection.surge, &target.template);
        looks.extend(self.shrunk(live, target));
        check("B12", "capacity", if looks.is_empty() { result } else { look(&looks) })
    }

    /// What does not fit; else what is known.
    fn room(&self, surge: u32, to: &Value) -> (Vec<Clean>, CheckResult) {
        let inspection = self.inspection;
        let pods = match surge {
            0 => "no pod more at once".to_owned(),
            surge => format!("{} more at once", counted(surge as usize, "pod")),
        };
        let scaler = match &inspection.autoscaler {
            Ok(Some(scaler)) => format!("; scaled by HPA {scaler}, at {}", scaler.current),
            Ok(None) => String::new(),
            Err(why) => format!("; autoscalers could not be read: {why}"),
        };
        let quotas = match &inspection.quotas {
            Ok(quotas) => quotas,
            Err(why) => {
                return (Vec::new(), CheckResult::NotChecked(say!("{pods}; quotas could not be read: {why}{scaler}")));
            }
        };
        let rollout = Rollout { surge, desired: inspection.workload.desired, from: &inspection.template, to };
        let room = rollout.room(quotas);
        let result = match room.unknown.first() {
            Some(unknown) => CheckResult::NotChecked(say!("{pods}; {unknown}{scaler}")),
            None if inspection.autoscaler.is_err() => CheckResult::NotChecked(say!("{pods}{scaler}")),
            None if room.fits.is_empty() => {
                CheckResult::Ok(say!("{pods}; no quota limits them, room on nodes is not computed{scaler}"))
            }
            None => CheckResult::Ok(say!("{pods}, of what quotas have left: {}{scaler}", room.fits.join(", "))),
        };
        (room.short.into_iter().map(|short| say!("{short}: not all may come up")).collect(), result)
    }

    fn shrunk(&self, live: &Revision, target: &Revision) -> Option<Clean> {
        let scaler = self.inspection.autoscaler.as_ref().ok()?.as_ref()?;
        // Restarts stay counted while a crash-looping container happens to run.
        let mut own = self.inspection.pods.iter().filter(|pod| pod.hash.is_some() && pod.hash == live.hash);
        let fails = own.any(|pod| !pod.is_ready || pod.restarts > 0);
        if !(fails && scaler.current == scaler.min && scaler.min < scaler.max) {
            return None;
        }
        let key = &self.inspection.workload.key;
        let before = target.wanted.filter(|wanted| (scaler.min + 1..=scaler.max).contains(wanted));
        let was = before.map(|pods| format!(", rev {} was left at {pods} pods", target.number)).unwrap_or_default();
        let kubectl = kubectl(self.make.settings, &key.cluster, &key.namespace);
        let (name, least) = (quoted(&scaler.name), before.unwrap_or(scaler.max));
        Some(say!(
            "HPA {scaler} is at {}: errors are cheap, it may have shrunk{was}; raise its minimum first: `{kubectl} patch hpa \
             {name} -p '{{\"spec\":{{\"minReplicas\":{least}}}}}'`",
            scaler.current
        ))
    }
}

fn look(looks: &[Clean]) -> CheckResult {
    CheckResult::Look(say!("{}", looks.iter().map(Clean::as_str).collect::<Vec<_>>().join("; ")))
}
