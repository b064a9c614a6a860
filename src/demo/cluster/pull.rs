//! The kubelet's part of getting images: pulls, and the back-off of an image that the registry has not.

use jiff::{SignedDuration, Timestamp};

use super::{
    Cluster,
    container::PullBackoff,
    ids,
    kubelet::{Act, Life, secs},
};
use crate::demo::image::Pushed;

/// First and longest back-off of an image that cannot be pulled, seconds.
const BACKOFF: (i64, i64) = (10, 300);

/// What containerd says of an image that its registry has not.
fn not_found(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    )
}

impl Cluster {
    /// Makes this the registry of the cluster: it has what the cluster was founded with.
    pub fn pull_from(&mut self, registry: &Pushed) {
        for image in self.templated() {
            registry.push(&image);
        }
        self.registry = registry.clone();
    }

    /// Somebody pushes an image to the registry.
    pub fn push(&self, image: &str) {
        self.registry.push(image);
    }

    pub(super) fn pushed(&self) -> Vec<String> {
        self.registry.all()
    }

    /// Whether the registry knows the image's repository and has no such image in it.
    pub(super) fn lacks(&self, image: &str) -> bool {
        self.registry.lacks(image)
    }

    /// Images are pulled, one event pair for each container; then the containers start.
    pub(super) fn pull(&mut self, at: Timestamp, uid: &str) {
        let count = self.runs.get(uid).map_or(0, |run| run.containers.len());
        let mut ready = at + secs(0.3);
        for container in 0..count {
            ready = self.pull_one(at, ready, uid, container);
        }
    }

    /// Pulls one container's image once those before it are there, at `free`. Returns when it is there itself.
    fn pull_one(&mut self, at: Timestamp, free: Timestamp, uid: &str, index: usize) -> Timestamp {
        let Some(object) = self.pod_object(uid) else { return free };
        let Some(run) = self.runs.get(uid) else { return free };
        let Some(it) = run.containers.get(index) else { return free };
        let (node, container, image) = (run.node.clone(), it.name.clone(), it.image.clone());
        let name = Some(container.as_str());
        let pulling = format!("Pulling image \"{image}\"");
        if self.lacks(&image) && !self.holds_image(&node, &image) {
            self.pod_event(at, &object, name, false, "Pulling", pulling, "kubelet");
            let failed = free + secs(0.3 + 0.4 * self.chance(&format!("{uid}/{image}/not found")));
            self.pod_timer(failed, uid, Act::PullFailed { container: index });
            return failed;
        }
        let mut ready = free;
        if self.hold_image(&node, &image) {
            let took = 1.0 + 3.0 * self.chance(&format!("{uid}/{image}/pull"));
            let millis = (took * 1000.0) as u64;
            let size = 40_000_000 + ids::mix(self.seed, &image) % 160_000_000;
            self.pod_event(at, &object, name, false, "Pulling", pulling, "kubelet");
            ready += secs(took);
            let seconds = took.floor();
            let message = format!(
                "Successfully pulled image \"{image}\" in {seconds}.{:03}s ({seconds}.{:03}s including waiting). Image size: {size} bytes.",
                millis % 1000,
                millis % 1000
            );
            self.pod_event(ready, &object, name, false, "Pulled", message, "kubelet");
        } else {
            let message = format!("Container image \"{image}\" already present on machine");
            self.pod_event(at, &object, name, false, "Pulled", message, "kubelet");
        }
        if let Some(it) = self.runs.get_mut(uid).and_then(|run| run.containers.get_mut(index)) {
            it.pull = None;
        }
        self.pod_timer(ready, uid, Act::Start { container: index });
        ready
    }

    /// The registry has answered that it has no such image.
    pub(super) fn pull_failed(&mut self, at: Timestamp, uid: &str, index: usize) {
        let Some(object) = self.pod_object(uid) else { return };
        let Some(run) = self.runs.get_mut(uid) else { return };
        // Its sandbox is up: the pod has its address.
        run.initialized.get_or_insert(at);
        let Some(it) = run.containers.get_mut(index) else { return };
        let (container, image) = (it.name.clone(), it.image.clone());
        let is_first = it.pull.is_none();
        let seconds = it.pull.map_or(BACKOFF.0, |before| (before.seconds * 2).min(BACKOFF.1));
        it.pull = Some(PullBackoff { seconds, until: at + SignedDuration::from_secs(seconds) });
        let why = not_found(&image);
        it.life = Life::Waiting { reason: "ErrImagePull", message: Some(why.clone()) };
        let message = format!("Failed to pull image \"{image}\": {why}");
        self.pod_event(at, &object, Some(&container), true, "Failed", message, "kubelet");
        let message = "Error: ErrImagePull".to_owned();
        self.pod_event(at, &object, Some(&container), true, "Failed", message, "kubelet");
        self.report(at, uid);
        // The new sandbox has the kubelet look at the pod again soon; later it comes by every ten to fifteen seconds.
        let next = if is_first { secs(2.0) } else { self.round(uid, seconds) };
        self.pod_timer(at + next, uid, Act::Pull { container: index });
    }

    /// The kubelet comes by a container whose image it could not pull.
    pub(super) fn pull_again(&mut self, at: Timestamp, uid: &str, index: usize) {
        let Some(object) = self.pod_object(uid) else { return };
        let Some(it) = self.runs.get_mut(uid).and_then(|run| run.containers.get_mut(index)) else { return };
        let Some(backoff) = it.pull else { return };
        if backoff.until <= at {
            self.pull_one(at, at, uid, index);
            return;
        }
        let (container, image) = (it.name.clone(), it.image.clone());
        let message = format!("Back-off pulling image \"{image}\"");
        let told = format!("{message}: ErrImagePull: {}", not_found(&image));
        it.life = Life::Waiting { reason: "ImagePullBackOff", message: Some(told) };
        self.pod_event(at, &object, Some(&container), false, "BackOff", message, "kubelet");
        let message = "Error: ImagePullBackOff".to_owned();
        self.pod_event(at, &object, Some(&container), true, "Failed", message, "kubelet");
        self.report(at, uid);
        let next = self.round(uid, backoff.seconds);
        self.pod_timer(at + next, uid, Act::Pull { container: index });
    }

    /// How long the kubelet needs to come by again.
    fn round(&self, uid: &str, backoff: i64) -> SignedDuration {
        secs(10.0 + 5.0 * self.chance(&format!("{uid}/{backoff}/round")))
    }
}
