//! B11: the image that the target names.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Subject, check};
use crate::{
    action::{
        Check, CheckResult,
        audit::PastAct,
        history::{self, CLEAN_RUN},
        registry::Registered,
        template,
    },
    model::{
        Name,
        image::{ImageRef, MOST_LISTED, NodeImages},
        kubernetes::{Revision, short_digest},
    },
    text::Clean,
    time::passed,
};

const KNOWN_BAD: &str = "known bad: ";

/// What is read before all else that is only looked at.
pub(in crate::action) fn is_known_bad(result: &CheckResult) -> bool {
    matches!(result, CheckResult::Look(says) if says.starts_with(KNOWN_BAD))
}

/// `known bad: act 1 left it 47s ago`
pub(in crate::action) fn left_by(act: &PastAct, now: Timestamp) -> Clean {
    say!("{KNOWN_BAD}act {} left it {} ago", act.number, passed(act.at, now))
}

impl Subject<'_> {
    /// B11
    pub fn image(&self, live: &Revision, target: &Revision) -> Check {
        let Some((container, image)) = template::telling_image(&target.template, &live.template) else {
            return check("B11", "image", CheckResult::NotChecked("the target names no image".into()));
        };
        let (here, there) =
            (history::digest(self.inspection, live, container), history::digest(self.inspection, target, container));
        let is_same_reference = template::images(&live.template).contains(&(container, image));
        let known_bad = self.known_bad(target);
        let is_short = || history::ran(self.inspection, target, self.now).is_some_and(|ran| ran < CLEAN_RUN);
        let stored = self.stored(target, container, image);
        let result = if let (Some(here), Some(_)) =
            (here.as_ref(), there.as_ref().filter(|there| here.as_ref() == Some(there)))
            && !is_same_reference
        {
            CheckResult::Stop(say!(
                "both versions run the same image @{}: a tag was moved, and going back changes nothing of it",
                short_digest(here)
            ))
        } else if is_same_reference && template::is_mutable(image) {
            CheckResult::Stop(say!(
                "'{image}' is the image of both, and its tag moves: pods will pull what it means today{}",
                stored.today().map(|digest| format!(" (@{})", short_digest(digest))).unwrap_or_default()
            ))
        } else {
            match stored.result() {
                stop @ CheckResult::Stop(_) => stop,
                _ if is_same_reference => {
                    CheckResult::Look(say!("the image stays '{image}': only the rest of the template goes back"))
                }
                moves if template::is_mutable(image) => moves,
                _ if known_bad.is_none() && is_short() => {
                    CheckResult::Look("it never ran for 30m: whether it works is not known".into())
                }
                result => result,
            }
        };
        // Who went away from it did so whatever its name means today, or where the image is the same.
        let result = match (known_bad, result) {
            (None, result) => result,
            (Some(bad), CheckResult::Stop(says)) => CheckResult::Stop(say!("{says}; {bad}")),
            (Some(bad), CheckResult::Look(says)) => CheckResult::Look(say!("{bad}; {says}")),
            (Some(bad), _) => CheckResult::Look(bad),
        };
        check("B11", "image", result)
    }

    /// Who rolled away from it, if somebody did.
    fn known_bad(&self, target: &Revision) -> Option<Clean> {
        let evidence = &self.make.evidence;
        if evidence.known_bad().contains(&target.name) {
            let acts = evidence.acts.as_deref().unwrap_or_default();
            return history::left_by(acts, &target.name).map(|act| left_by(act, self.make.now.wall));
        }
        let is_left = history::is_left_behind(self.inspection, &evidence.record, target, self.now);
        is_left.then(|| say!("{KNOWN_BAD}somebody rolled away from it"))
    }

    fn stored<'a>(&'a self, target: &Revision, container: &str, image: &'a str) -> Stored<'a> {
        let reference = ImageRef::parse(image);
        let asked = self.make.evidence.registry.iter().find(|asked| reference.as_ref() == Some(&asked.image));
        Stored {
            image,
            ran: match &reference {
                Some(reference) => history::known_digests(self.inspection, target, container, reference),
                None => BTreeSet::new(),
            },
            reference,
            ready: history::pods_of(self.inspection, target).map_or(0, |(_, ready)| ready),
            nodes: self.inspection.image_nodes.as_ref(),
            said: asked.map(|asked| asked.said.as_ref()),
        }
    }
}

/// Where an image is: on nodes, in a registry.
struct Stored<'a> {
    image: &'a str,
    /// `None`: no name that a registry could know.
    reference: Option<ImageRef>,
    /// The digests it ran under, as pods or nodes know.
    ran: BTreeSet<Name>,
    /// Pods that run it now and are ready.
    ready: usize,
    nodes: Result<&'a NodeImages, &'a Clean>,
    /// `None`: its registry is not configured.
    said: Option<Result<&'a Registered, &'a Clean>>,
}

impl Stored<'_> {
    fn result(&self) -> CheckResult {
        match self.said {
            Some(Ok(Registered::Gone)) => self.gone(),
            _ if template::is_mutable(self.image) => CheckResult::Look(self.moves()),
            None => self.on_nodes(),
            Some(Err(why)) => match self.on_nodes() {
                CheckResult::Ok(says) | CheckResult::Look(says) | CheckResult::NotChecked(says) => {
                    CheckResult::Look(say!("{says}; not checked: {why}"))
                }
                other => other,
            },
            Some(Ok(Registered::There { digest, parts })) => self.there(digest, parts),
        }
    }

    /// How many nodes hold it at least, of how many; `None`: they do not tell.
    fn held(&self) -> Option<(u32, u32)> {
        let (nodes, reference) = (self.nodes.ok()?, self.reference.as_ref()?);
        let count = nodes.holding(reference, &self.ran);
        let tells = !nodes.is_empty() && (count > 0 || nodes.cut == 0);
        tells.then_some((count, nodes.nodes))
    }

    /// Why nodes do not tell.
    fn unlisted(&self) -> Clean {
        match self.nodes {
            Err(why) => why.clone(),
            Ok(nodes) if nodes.cut > 0 => {
                say!("{} of {} nodes list only the {MOST_LISTED} largest of their images", nodes.cut, nodes.nodes)
            }
            Ok(_) => "nodes do not list their images".into(),
        }
    }

    /// `@9f2c1e `, if one digest is known.
    fn pin(&self) -> String {
        match self.ran.first() {
            Some(digest) if self.ran.len() == 1 => format!("@{} ", short_digest(digest)),
            _ => String::new(),
        }
    }

    /// Without a registry.
    fn on_nodes(&self) -> CheckResult {
        let pin = self.pin();
        let no_registry = match (&self.reference, self.said) {
            (Some(image), None) => format!("; registry '{}' is not configured", image.host),
            _ => String::new(),
        };
        match (self.nodes, self.held()) {
            (Ok(_), _) if self.ready > 0 => CheckResult::Ok(say!("{pin}runs now in {} ready pods", self.ready)),
            (_, None) => {
                let why = self.unlisted();
                CheckResult::NotChecked(say!("{pin}whether nodes hold it is not known: {why}{no_registry}"))
            }
            (_, Some((0, _))) => CheckResult::Look(say!(
                "{pin}no node lists '{}': it must be pulled, and may be gone from the registry",
                self.image
            )),
            (_, Some((count, nodes))) => CheckResult::Ok(say!("{pin}on {count} of {nodes} nodes")),
        }
    }

    /// The registry has the name.
    fn there(&self, digest: &Name, parts: &BTreeSet<Name>) -> CheckResult {
        let now = short_digest(digest);
        let wherever = match self.held() {
            _ if self.ready > 0 => format!(", runs now in {} ready pods", self.ready),
            Some((0, _)) => ", on no node: it will be pulled".to_owned(),
            Some((count, nodes)) => format!(", on {count} of {nodes} nodes"),
            None => String::new(),
        };
        match self.sameness(digest, parts) {
            Sameness::Same => CheckResult::Ok(say!("@{now} in the registry{wherever}")),
            Sameness::Unknown => CheckResult::Look(say!(
                "@{now} in the registry; neither pods nor nodes know under which digest '{}' ran",
                self.image
            )),
            Sameness::OneOf => CheckResult::Look(say!(
                "@{now} in the registry; nodes know '{}' by {} digests, so which one ran is not known",
                self.image,
                self.ran.len()
            )),
            Sameness::Other => CheckResult::Stop(say!(
                "the tag was moved: '{}' now means @{now}, the one that ran was {}",
                self.image,
                self.ran_words()
            )),
        }
    }

    /// The registry has it no more.
    fn gone(&self) -> CheckResult {
        let (pin, image) = (self.pin(), self.image);
        let gone = format!("{pin}'{image}' is gone from the registry");
        match self.held() {
            Some((count @ 1.., nodes)) => {
                CheckResult::Look(say!("{gone}; it is on {count} of {nodes} nodes, and pods elsewhere cannot start"))
            }
            _ if self.ready > 0 => CheckResult::Look(say!(
                "{gone}; {} pods of it are ready, and pods on nodes without it cannot start",
                self.ready
            )),
            Some(_) => CheckResult::Stop(say!("{gone} and on no node: no pod of it could start")),
            None => {
                let why = self.unlisted();
                CheckResult::Look(say!("{gone}; whether nodes hold it is not known: {why}"))
            }
        }
    }

    /// Of a tag that is moved as a habit.
    fn moves(&self) -> Clean {
        let image = self.image;
        match self.said {
            Some(Ok(Registered::There { digest, parts })) => {
                let today = format!("'{image}' is a tag that moves: today it means @{}", short_digest(digest));
                match self.sameness(digest, parts) {
                    Sameness::Same => say!("{today}, the one that ran"),
                    Sameness::Other => say!("{today}, the one that ran was {}", self.ran_words()),
                    Sameness::Unknown | Sameness::OneOf => say!("{today}; which one ran is not known"),
                }
            }
            Some(Err(why)) => say!(
                "'{image}' is a tag that moves: pods may pull another image than the one that ran; not checked: {why}"
            ),
            _ => say!("'{image}' is a tag that moves: pods may pull another image than the one that ran"),
        }
    }

    /// What the name means in the registry now.
    fn today(&self) -> Option<&Name> {
        match self.said {
            Some(Ok(Registered::There { digest, .. })) => Some(digest),
            _ => None,
        }
    }

    fn sameness(&self, digest: &Name, parts: &BTreeSet<Name>) -> Sameness {
        let is_it = |ran: &Name| ran == digest || parts.contains(ran);
        match self.ran.iter().filter(|ran| is_it(ran)).count() {
            _ if self.ran.is_empty() => Sameness::Unknown,
            0 => Sameness::Other,
            same if same == self.ran.len() => Sameness::Same,
            _ => Sameness::OneOf,
        }
    }

    fn ran_words(&self) -> String {
        let ran: Vec<String> = self.ran.iter().take(3).map(|ran| format!("@{}", short_digest(ran))).collect();
        ran.join(" or ")
    }
}

/// Whether the registry's digest is the one that ran.
enum Sameness {
    Same,
    Other,
    /// Several are known, this one among them.
    OneOf,
    /// None is known.
    Unknown,
}
