//! B4: what writes the newest image by itself, and so brings back what is rolled away from.

use super::{Subject, check};
use crate::{
    action::{Check, CheckResult},
    text::Clean,
};

impl Subject<'_> {
    /// B4 where an image updater is known, or could not be asked for.
    pub fn updater(&self) -> Option<Check> {
        let owners = self.inspection.owners.as_deref().unwrap_or_default();
        let of_owners = owners.iter().filter_map(|owner| owner.updater.as_ref().ok()?.as_ref());
        let mut found: Vec<&str> = self.inspection.updater.iter().chain(of_owners).map(Clean::as_str).collect();
        // Owners above each other are written by the same.
        found.dedup();
        let unread = owners.iter().find_map(|owner| owner.updater.as_ref().err());
        let says = match (&found[..], unread) {
            ([], None) => return None,
            ([], Some(why)) => say!("whether something writes the newest image again could not be read: {why}"),
            (found, _) => {
                say!("{} will write the newest image again: stop it, or take the bad tag away", found.join(", "))
            }
        };
        Some(check("B4", "image updater", CheckResult::Look(says)))
    }
}
