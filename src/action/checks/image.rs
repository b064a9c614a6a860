//! B11: the image that the target names.

use super::{Subject, check};
use crate::{
    action::{
        Check, CheckResult,
        history::{self, CLEAN_RUN},
        template,
    },
    model::kubernetes::{Revision, short_digest},
};

impl Subject<'_> {
    /// B11
    pub fn image(&self, live: &Revision, target: &Revision) -> Check {
        let Some((container, image)) = template::telling_image(&target.template, &live.template) else {
            return check("B11", "image", CheckResult::NotChecked("the target names no image".into()));
        };
        let (here, there) =
            (history::digest(self.inspection, live, container), history::digest(self.inspection, target, container));
        let is_same_reference = template::images(&live.template).contains(&(container, image));
        let known_bad = self.make.evidence.known_bad().contains(&target.name);
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
                "'{image}' is the image of both, and its tag moves: pods will pull what it means today"
            ))
        } else if is_same_reference {
            CheckResult::Look(say!("the image stays '{image}': only the rest of the template goes back"))
        } else if template::is_mutable(image) {
            CheckResult::Look(say!("'{image}' is a tag that moves: pods may pull another image than the one that ran"))
        } else if known_bad {
            CheckResult::Look("somebody rolled away from this version before".into())
        } else {
            self.image_there(target, image, there.as_deref())
        };
        check("B11", "image", result)
    }

    fn image_there(&self, target: &Revision, image: &str, digest: Option<&str>) -> CheckResult {
        if history::ran(self.inspection, target, self.now).is_some_and(|ran| ran < CLEAN_RUN) {
            return CheckResult::Look("it never ran for 30m: whether it works is not known".into());
        }
        let pin = digest.map(|digest| format!("@{} ", short_digest(digest))).unwrap_or_default();
        match &self.inspection.image_nodes {
            Err(why) => CheckResult::NotChecked(say!("{pin}whether nodes hold it is not known: {why}")),
            Ok(_) if history::pods_of(self.inspection, target).1 > 0 => {
                CheckResult::Ok(say!("{pin}runs now in {} ready pods", history::pods_of(self.inspection, target).1))
            }
            Ok((held, _)) if held.is_empty() => CheckResult::NotChecked(say!("{pin}nodes do not list their images")),
            Ok((held, nodes)) => {
                let tail = image.split_once('/').map_or(image, |(_, tail)| tail);
                let count = digest.and_then(|digest| held.get(digest)).copied().or_else(|| {
                    held.iter()
                        .filter(|(name, _)| name.as_str() == image || name.ends_with(tail))
                        .map(|(_, count)| *count)
                        .max()
                });
                match count {
                    Some(count) => CheckResult::Ok(say!("{pin}on {count} of {nodes} nodes")),
                    None => CheckResult::Look(say!(
                        "{pin}no node lists '{image}': it must be pulled, and may be gone from the registry"
                    )),
                }
            }
        }
    }
}
