//! A3: the digests by which the end tells whether the pods run what was asked for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Evidence, WorkloadInspection, history, plan::WantedImage, registry::Registered, template};
use crate::{
    model::{
        Name,
        image::ImageRef,
        kubernetes::{Pod, Revision, short_digest},
    },
    text::Clean,
};

/// Containers of the target whose image the live template does not run, by name with image; where there are none, the one
/// that tells the version.
pub(super) fn changed<'a>(target: &'a Revision, live: &Revision) -> Vec<(&'a str, &'a str)> {
    let others = template::images(&live.template);
    let mut changed = template::images(&target.template);
    changed.retain(|pair| !others.contains(pair));
    if changed.is_empty() {
        changed.extend(template::telling_image(&target.template, &live.template));
    }
    changed
}

/// What they run in the end.
pub(super) fn wanted(
    evidence: &Evidence,
    inspection: &WorkloadInspection,
    live: &Revision,
    target: &Revision,
) -> Vec<WantedImage> {
    let images = changed(target, live).into_iter().map(|(container, image)| WantedImage {
        container: Clean::line(container),
        digests: digests(evidence, inspection, target, (container, image)),
    });
    images.collect()
}

/// Of a workload that is not there yet: what its template names, the only digests that are known then.
pub(super) fn pinned(template: &Value) -> Vec<WantedImage> {
    let images = template::images(template).into_iter().map(|(container, image)| WantedImage {
        container: Clean::line(container),
        digests: image.split_once('@').map(|(_, digest)| Clean::line(digest)).into_iter().collect(),
    });
    images.collect()
}

/// All digests that one and the same image goes by: as its pods run it, else as nodes know it, else as the registry has it. A
/// runtime may know an image of an index by the digest of either.
fn digests(
    evidence: &Evidence,
    inspection: &WorkloadInspection,
    target: &Revision,
    (container, image): (&str, &str),
) -> BTreeSet<Name> {
    let Some(reference) = ImageRef::parse(image) else { return BTreeSet::new() };
    let ran = history::known_digests(inspection, target, container, &reference);
    let asked = evidence.registry.iter().find(|asked| asked.image == reference);
    if let Some(Ok(Registered::There { digest, parts })) = asked.map(|asked| &asked.said) {
        let names: BTreeSet<Name> = parts.iter().chain([digest]).cloned().collect();
        if ran.is_subset(&names) {
            return names;
        }
    }
    // Nodes that know a tag by several digests pulled it before and after it was moved.
    if ran.len() > 1 { BTreeSet::new() } else { ran }
}

/// A container of the pod has another digest than the one wanted.
pub(super) fn runs_another(pod: &Pod, wanted: &[WantedImage]) -> bool {
    wanted.iter().any(|image| {
        let digest = digest_in(pod, image);
        !image.digests.is_empty() && digest.is_some_and(|digest| !image.digests.iter().any(|one| is_same(one, digest)))
    })
}

/// What the end says of it: the digests that these pods run, and what could not be compared.
pub(super) fn words(pods: &[&Pod], wanted: &[WantedImage], from: &str) -> Vec<String> {
    if pods.is_empty() {
        return Vec::new();
    }
    let (mut runs, mut unchecked) = (Vec::new(), Vec::new());
    for image in wanted {
        let found: Option<BTreeSet<&str>> =
            pods.iter().map(|pod| digest_in(pod, image).map(|digest| short_digest(digest))).collect();
        match found.filter(|_| !image.digests.is_empty()) {
            Some(found) => runs.extend(found.into_iter().map(|digest| format!("@{digest}"))),
            None => unchecked.push(image.container.as_str()),
        }
    }
    let mut words = Vec::new();
    if !runs.is_empty() {
        words.push(format!("every pod{from} runs {}", runs.join(" and ")));
    }
    match unchecked.as_slice() {
        [] => {}
        [_] if wanted.len() == 1 => words.push("digest not checked".to_owned()),
        containers => words.push(format!("digest not checked of {}", containers.join(", "))),
    }
    words
}

fn digest_in<'a>(pod: &'a Pod, image: &WantedImage) -> Option<&'a Name> {
    pod.containers.iter().find(|container| container.name == image.container)?.digest.as_ref()
}

fn is_same(one: &str, other: &str) -> bool {
    hex(one) == hex(other)
}

fn hex(digest: &str) -> &str {
    digest.rsplit_once("sha256:").map_or(digest, |(_, hex)| hex)
}
