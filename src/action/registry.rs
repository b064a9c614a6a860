//! Container registries, asked whether the image that a plan goes back to is still there, and still the same.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{Beside, Evidence, Inspection, Request, WorkloadInspection, digests, helm, history};
use crate::{
    model::{Name, image::ImageRef, kubernetes::Revision},
    text::Clean,
};

/// Images asked for at most, of one workload.
const MOST_ASKED: usize = 8;

/// A registry that the configuration names. It is only ever read.
pub trait Registry: Send + Sync {
    /// As images name it: `ghcr.io`.
    fn host(&self) -> &Name;
    /// What the image means there now. `known`: digests it is known by elsewhere; where they tell enough, less is read.
    /// `Err`: why that is not known, in words.
    fn look<'a>(&'a self, image: &'a ImageRef, known: &'a BTreeSet<Name>) -> BoxFuture<'a, Result<Registered, Clean>>;
}

/// What a registry has under a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Registered {
    There {
        digest: Name,
        /// Of an index: the digests of its images. A node may know an image by either.
        parts: BTreeSet<Name>,
    },
    /// The registry says that there is no such image, or no such repository.
    Gone,
}

/// A registry's word on one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub image: ImageRef,
    pub said: Result<Registered, Clean>,
}

/// The images that should be asked for, each with the digests it ran under: as the pods that are rehearsed, those of every
/// target that the plan may choose.
pub(super) fn questions(
    request: &Request,
    evidence: &Evidence,
    beside: &Beside,
    now: Timestamp,
) -> Vec<(ImageRef, BTreeSet<Name>)> {
    let Inspection::Workload(found) = &evidence.subject else { return Vec::new() };
    let of_release = helm::goal(request, evidence).map(|(release, target)| {
        let seen = helm::seen(found, release, target);
        Some(about(&seen, helm::revision(&seen, target)?))
    });
    let own = match request {
        Request::RollBack { .. } if matches!(found.release, Some(Ok(_))) && !beside.by_revision() => None,
        Request::RollBack { to, .. } => history::target(found, evidence, *to, now).ok().cloned(),
        Request::Undo { .. } if of_release.is_none() => {
            let kept = evidence.undoing.as_ref().and_then(|undoing| undoing.kept.as_ref());
            kept.map(|kept| history::of_template(found, &kept.before).0)
        }
        _ => None,
    };
    let own = own.map(|target| about(found, &target));
    let mut questions: Vec<(ImageRef, BTreeSet<Name>)> = Vec::new();
    for (image, known) in of_release.flatten().into_iter().chain(own).flatten() {
        if questions.iter().all(|(asked, _)| *asked != image) {
            questions.push((image, known));
        }
    }
    questions
}

/// What is asked of one target: each image that changes.
pub(super) fn about(found: &WorkloadInspection, target: &Revision) -> Vec<(ImageRef, BTreeSet<Name>)> {
    let Some(live) = found.live() else { return Vec::new() };
    let questions = digests::changed(target, live).into_iter().take(MOST_ASKED).filter_map(|(container, image)| {
        let image = ImageRef::parse(image)?;
        let known = history::known_digests(found, target, container, &image);
        Some((image, known))
    });
    questions.collect()
}
