//! What a deploy job reaches: the clusters, or, for runs older than the simulation, nothing.

use jiff::Timestamp;

use super::workflow::Target;
use crate::demo::{
    cluster::{Cluster, PodView, Rollout},
    story::Story,
};

/// The place a pipeline deploys to.
pub trait Site {
    /// `kubectl set image`; false if there is no such deployment.
    fn set_image(&mut self, now: Timestamp, target: &Target) -> bool;
    /// `kubectl rollout undo`; false if there is nothing to go back to.
    fn undo(&mut self, now: Timestamp, target: &Target) -> bool;
    fn rollout(&self, target: &Target) -> Option<Rollout>;
    /// The image of a pod that answers, if one does.
    fn serving(&self, target: &Target) -> Option<String>;
    /// Seconds a rollout takes in the past, where no cluster can be asked.
    fn past(&self) -> Option<f64> {
        None
    }
}

/// The simulated clusters.
pub struct Clusters<'a>(pub &'a mut [Cluster], pub &'a Story);

impl Clusters<'_> {
    fn of(&self, target: &Target) -> Option<&Cluster> {
        self.0.iter().find(|c| c.name == target.cluster)
    }

    fn of_mut(&mut self, target: &Target) -> Option<&mut Cluster> {
        self.0.iter_mut().find(|c| c.name == target.cluster)
    }
}

impl Site for Clusters<'_> {
    fn set_image(&mut self, now: Timestamp, target: &Target) -> bool {
        let Target { namespace, deployment, image, .. } = target;
        let change = self.1.template_change(&target.cluster, namespace, deployment, image);
        let cluster = self.of_mut(target);
        cluster.is_some_and(|c| c.apply_template_change(now, namespace, deployment, &change, "kubectl-set"))
    }

    fn undo(&mut self, now: Timestamp, target: &Target) -> bool {
        let Target { namespace, deployment, .. } = target;
        self.of_mut(target).is_some_and(|c| c.undo(now, namespace, deployment, "kubectl-rollout"))
    }

    fn rollout(&self, target: &Target) -> Option<Rollout> {
        self.of(target)?.rollout(&target.namespace, &target.deployment)
    }

    fn serving(&self, target: &Target) -> Option<String> {
        let pods = self.of(target)?.pods();
        let mine = |p: &&PodView| p.namespace == target.namespace && p.workload == target.deployment && p.ready;
        pods.iter().find(mine).map(|p| p.image.clone())
    }
}

/// Before the simulation began every deployment went well.
pub struct Past;

impl Site for Past {
    fn set_image(&mut self, _now: Timestamp, _target: &Target) -> bool {
        true
    }

    fn undo(&mut self, _now: Timestamp, _target: &Target) -> bool {
        true
    }

    fn rollout(&self, _target: &Target) -> Option<Rollout> {
        None
    }

    fn serving(&self, target: &Target) -> Option<String> {
        Some(target.image.clone())
    }

    fn past(&self) -> Option<f64> {
        Some(75.0)
    }
}
