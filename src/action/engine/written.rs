//! What is said of a write: to the audit, of its owner, and on the object itself.

use crate::{
    action::{Switch, Write, object::ObjectWrite},
    model::{BackendId, gitops::OwnerKey, kubernetes::REASON},
    text::Clean,
};

/// What the audit says of a write: templates may hold secrets and stand in files of their own.
pub(super) fn recorded(write: &Write) -> Option<serde_json::Value> {
    match write {
        Write::PatchTemplate { workload, uid, .. } => {
            Some(serde_json::json!({"PatchTemplate": {"workload": workload, "uid": uid}}))
        }
        Write::Restart { workload, uid, at, .. } => {
            Some(serde_json::json!({"Restart": {"workload": workload, "uid": uid, "at": at}}))
        }
        // A HelmRelease's spec may hold secrets.
        Write::SwitchSync { owner, uid, to, .. } => {
            let is_on = matches!(to, Switch::On(_));
            Some(serde_json::json!({"SwitchSync": {"owner": owner, "uid": uid, "on": is_on}}))
        }
        other => serde_json::to_value(other).ok(),
    }
}

/// The owner that a write switches, and whether to on.
pub(super) fn switched(write: &Write) -> Option<(OwnerKey, bool)> {
    match write {
        Write::SwitchSync { owner, to, .. } => Some((owner.clone(), matches!(to, Switch::On(_)))),
        _ => None,
    }
}

/// Whose clock the times of what is written are by. An Argo CD beside its clusters answers for them, and has none of its own.
pub(super) fn clock_of(write: &Write) -> &BackendId {
    match write {
        Write::SwitchSync { owner, .. } | Write::SyncTo { owner, .. } => &owner.cluster,
        other => other.backend(),
    }
}

/// The object says which act set it, and why where that was asked for; a Job that the server named is known by that.
pub(super) fn numbered(write: &Write, number: u64, login: &Clean, reason: Option<&Clean>) -> Write {
    let mut write = write.clone();
    match &mut write {
        Write::PatchTemplate { annotations, .. } => {
            annotations.insert("midwatch/act".to_owned(), number.to_string());
            annotations.extend(reason.map(|reason| (REASON.to_owned(), crate::secret::mask(reason))));
        }
        Write::Object(ObjectWrite { job: Some(job), .. }) => {
            job["metadata"]["annotations"]["midwatch/act"] = serde_json::json!(format!("{number} of {login}"));
        }
        _ => {}
    }
    write
}
