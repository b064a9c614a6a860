//! B16: what else runs the live version, here and in other clusters.

use super::Subject;
use crate::{
    action::{CheckResult, around::Other, template},
    model::{
        BackendId, BackendKind, Name,
        kubernetes::{Revision, Workload, WorkloadKey, WorkloadKind, is_same_image, tag_of},
    },
    text::Clean,
};

/// Most that are named.
const NAMED: usize = 3;

impl Subject<'_> {
    /// B16
    pub fn also_on(&self, live: &Revision, target: &Revision) -> CheckResult {
        let images = template::new_images(&live.template, &target.template);
        let Some(first) = images.first() else {
            return CheckResult::Ok("both run the same images: no other workload is on a version that goes".into());
        };
        let version = tag_of(first);
        let Some(around) = &self.inspection.around else {
            return CheckResult::NotChecked(say!("what else runs {version} was not read"));
        };
        let others: Vec<&Other> = around.others.found.iter().filter(|other| is_on(other, &images)).collect();
        let (on, mut unread, seen) = self.clusters(&images);
        unread.splice(0..0, around.others.unread.iter().cloned());
        if others.is_empty() && on.is_empty() {
            if let Some(why) = unread.first() {
                return CheckResult::NotChecked(say!("nothing else on {version} was found, but {why}"));
            }
            let own = &self.inspection.workload.key;
            // Clusters of the configuration that were not opened were not looked at.
            let elsewhere = match seen {
                0 => "; no other cluster is open".to_owned(),
                1 => format!(", nor {} in the other cluster that is open", own.name),
                seen => format!(", nor {} in the {seen} other clusters that are open", own.name),
            };
            return CheckResult::Ok(say!("nothing else in '{}' runs {version}{elsewhere}", own.namespace));
        }
        let mut words = Vec::new();
        if !others.is_empty() {
            let names: Vec<&str> = others.iter().take(NAMED).map(|other| other.name.as_str()).collect();
            let more = if others.len() > NAMED { format!(" and {} more", others.len() - NAMED) } else { String::new() };
            let run = if others.len() == 1 { "runs" } else { "run" };
            words.push(format!("{}{more} {run} {version} too", names.join(", ")));
        }
        if !on.is_empty() {
            let names: Vec<&str> = on.iter().map(|cluster| cluster.0.as_str()).collect();
            let run = if on.len() == 1 { "runs" } else { "run" };
            let it = if others.is_empty() { format!("{version} too") } else { "it too".to_owned() };
            words.push(format!("{} {run} {it}", names.join(", ")));
        }
        let unread = if unread.is_empty() { "" } else { " (not all was read)" };
        let them =
            if others.len() + on.len() == 1 { "it: roll it back by a plan" } else { "them: roll each back by a plan" };
        CheckResult::Look(say!("{}; this plan leaves {them} of its own{unread}", words.join("; ")))
    }

    /// Other clusters where the same workload runs one of these images, why some cannot be told, and how many could.
    fn clusters(&self, images: &[&str]) -> (Vec<&BackendId>, Vec<Clean>, usize) {
        let (store, settings) = (self.make.store, self.make.settings);
        let workload = &self.inspection.workload;
        let own = &workload.key;
        let (mut on, mut unread, mut seen) = (Vec::new(), Vec::new(), 0);
        let clusters = settings.backends.iter().filter(|(_, kind)| **kind == BackendKind::Kubernetes);
        for (cluster, _) in clusters.filter(|(id, _)| !self.is_own_cluster(id)) {
            let named = |kind: &WorkloadKind| {
                let key = WorkloadKey { cluster: cluster.clone(), kind: *kind, ..own.clone() };
                store.kube.workloads.get(&key).map(|found| &**found)
            };
            let found: Vec<&Workload> = WorkloadKind::ALL.iter().filter_map(named).collect();
            // The very same object is seen through another context, whose cluster has not said its id.
            if found.iter().any(|found| found.uid == workload.uid) {
                continue;
            }
            let is_of = |image: &Name| images.iter().any(|of| is_same_image(image, of));
            let runs = found.iter().any(|found| found.images.iter().any(is_of));
            let fresh = store.freshness_of(own.kind.part(), Some(cluster), self.make.now);
            // None are named: all are watched.
            let watched = settings.namespaces.get(cluster);
            let is_watched = watched.is_none_or(|all| all.is_empty() || all.contains(&own.namespace));
            if runs {
                on.push(cluster);
            } else if !fresh.is_some_and(|(_, freshness)| freshness.is_usable()) {
                unread.push(say!("{cluster} is not seen"));
            } else if !is_watched {
                unread.push(say!("in {cluster} its namespace is not watched"));
            } else {
                seen += 1;
            }
        }
        (on, unread, seen)
    }

    /// By another name too: its workload is the one that is rolled back here.
    fn is_own_cluster(&self, name: &BackendId) -> bool {
        let id = self.make.store.backends.get(name).and_then(|backend| backend.info.cluster_id.as_ref());
        *name == self.inspection.workload.key.cluster || id.is_some() && id == self.inspection.cluster_id.as_ref()
    }
}

/// The same image, or the same tag on what labels say is part of the same.
fn is_on(other: &Other, images: &[&str]) -> bool {
    other.images.iter().any(|own| {
        images.iter().any(|image| {
            let is_tagged_so = tag_of(own) == tag_of(image) && !template::is_mutable(image);
            is_same_image(own, image) || other.is_kin && is_tagged_so
        })
    })
}
