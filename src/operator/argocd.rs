//! Writes to Argo CD's own server: auto-sync off and on, and a rollback to an entry of an application's history.

pub(in crate::operator) mod ended;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::{FutureExt as _, future::BoxFuture};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::ended::became;
use super::kubernetes::{
    lost::has_all,
    owner::{operations, said},
};
use crate::{
    action::{ActionError, Done, Found, Operator, Switch, Write},
    model::{
        BackendId, Name,
        gitops::{OwnerKey, OwnerKind, revision},
    },
    source::{
        argocd::{ArgoCd, application},
        http::{Http, Reply},
    },
    text::Clean,
};

/// Writes to one Argo CD. It has no dry run that leaves no trace: each write looks first, and is sent once.
pub struct ArgoCdOperator(Arc<ArgoCd>);

/// An application as it is now, and the way to change it.
struct Live {
    http: Http,
    object: Value,
}

impl ArgoCdOperator {
    pub fn new(server: Arc<ArgoCd>) -> Self {
        Self(server)
    }

    /// `PATCH /api/v1/applications/{name}`, a JSON patch that tests uid and spec.
    async fn switch(
        &self,
        (owner, uid, spec): (&OwnerKey, &Name, &Value),
        to: &Switch,
        by: &str,
    ) -> Result<Done, ActionError> {
        let wanted = matches!(to, Switch::On(_));
        let Live { http, object } = self.found(owner, uid, Some(spec)).await?;
        if application::is_active(&object) == wanted {
            let says = format!("Application '{owner}' is so already: nothing to do");
            return Err(ActionError::Refused(Clean::own(says)));
        }
        let patch = operations(OwnerKind::Application, uid, &object, to, by).to_string();
        let body = json!({"name": &*owner.name, "appNamespace": &*owner.namespace, "project": object["spec"]["project"],
            "patchType": "json", "patch": patch});
        let done = Done { says: said(owner, to), reference: None };
        let failed = match self.0.write(&http, Method::PATCH, place(owner), "", &body).await {
            Ok(reply) => match self.failed(&http, &reply, owner) {
                None => return Ok(done),
                Some(error) => error,
            },
            Err(error) => unknown(&error.says, owner),
        };
        // A patch that tests and fails is a 500 here, and an answer may be lost: it is read again what became of it.
        match self.found(owner, uid, None).await {
            Ok(found) if application::is_active(&found.object) == wanted => Ok(Done {
                says: Clean::own(format!("{} (its answer was '{failed}'; it was read again)", done.says)),
                reference: None,
            }),
            Ok(found) if found.object.get("spec") != Some(spec) => Err(ActionError::Moved(Clean::own(format!(
                "Application '{owner}' has another spec than the plan saw; it was not switched"
            )))),
            _ => Err(failed),
        }
    }

    /// `POST /api/v1/applications/{name}/rollback`
    async fn roll_back(&self, (owner, uid): (&OwnerKey, &Name), sync: &Value) -> Result<Done, ActionError> {
        let Live { http, object } = self.found(owner, uid, None).await?;
        let refused = |says: String| Err(ActionError::Refused(Clean::own(says)));
        if let Some(busy) = application::busy(&object) {
            let says = format!("application '{owner}': {busy}; nothing was sent. Wait for its end");
            return Err(ActionError::Moved(Clean::own(says)));
        }
        if application::is_active(&object) {
            return refused(format!("auto-sync of '{owner}' is on: it would put back what git says. Nothing was sent"));
        }
        let history = application::history(&object);
        let Some(entry) = history.iter().find(|entry| entry.sync == *sync) else {
            return refused(format!("the history of '{owner}' does not have {} any more", revision(sync)));
        };
        let body = json!({"name": &*owner.name, "appNamespace": &*owner.namespace, "project": object["spec"]["project"],
            "id": entry.id, "prune": false, "dryRun": false});
        match self.0.write(&http, Method::POST, place(owner), "/rollback", &body).await {
            Ok(reply) => match self.failed(&http, &reply, owner) {
                Some(error) => Err(error),
                None => Ok(Done {
                    says: Clean::own(format!("'{owner}' is asked to go back to history {}", entry.id)),
                    reference: None,
                }),
            },
            Err(error) => Err(unknown(&error.says, owner)),
        }
    }

    /// Reads the application again, and refuses if it is not the one that was looked at.
    async fn found(&self, owner: &OwnerKey, uid: &str, spec: Option<&Value>) -> Result<Live, ActionError> {
        let not_sent = |says: &Clean| ActionError::NotSent(Clean::own(format!("{says}; nothing was sent")));
        let http = self.0.http().await.map_err(|error| not_sent(&error.says))?;
        let read = self.0.application(&http, (Some(&owner.namespace), &owner.name)).await;
        let moved =
            |how: &str| Err(ActionError::Moved(Clean::own(format!("Application '{owner}' {how}; nothing was sent"))));
        match read.map_err(|error| not_sent(&error.says))? {
            None => moved("is gone, or may not be seen any more"),
            Some(object) if object.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid) => {
                moved("was deleted and made anew")
            }
            Some(object) if spec.is_some_and(|spec| object.get("spec") != Some(spec)) => {
                moved("has another spec than the plan saw")
            }
            Some(object) => Ok(Live { http, object }),
        }
    }

    /// Read again, after a write. `None`: it is gone.
    async fn read(&self, owner: &OwnerKey, uid: &str) -> Result<Option<Value>, Clean> {
        let http = self.0.http().await.map_err(|error| error.says)?;
        let object =
            self.0.application(&http, (Some(&owner.namespace), &owner.name)).await.map_err(|error| error.says)?;
        Ok(object.filter(|object| object.pointer("/metadata/uid").and_then(Value::as_str) == Some(uid)))
    }

    async fn looked_at(&self, write: &Write, sent: Timestamp) -> Option<Result<Found, Clean>> {
        let (Write::SwitchSync { owner, uid, .. } | Write::SyncTo { owner, uid, .. }) = write else { return None };
        let object = match self.read(owner, uid).await {
            Ok(Some(object)) => object,
            Ok(None) => return Some(Ok(Found::Missing(Clean::own(format!("Application '{owner}' is gone"))))),
            Err(unread) => return Some(Err(unread)),
        };
        match write {
            Write::SwitchSync { to, .. } if application::is_active(&object) == matches!(to, Switch::On(_)) => {
                Some(Ok(Found::InForce(Done { says: "the switch is in force".into(), reference: None })))
            }
            Write::SyncTo { sync, .. } => became(&object, sync, sent, |asked| is_asked(asked, sync)).map(Ok),
            _ => Some(Ok(Found::Missing("the switch is not in force".into()))),
        }
    }

    fn failed(&self, http: &Http, reply: &Reply, owner: &OwnerKey) -> Option<ActionError> {
        let error = http.judge("/api/v1/applications", reply).err()?;
        Some(if is_its_own(reply) { ActionError::Refused(error.says) } else { unknown(&error.says, owner) })
    }
}

/// It is Argo CD that says no. What stands before it, and gives up waiting, has passed the write on.
fn is_its_own(reply: &Reply) -> bool {
    let has_code = || {
        serde_json::from_slice::<Value>(&reply.body).is_ok_and(|body| body.get("code").is_some_and(Value::is_number))
    };
    match reply.status.as_u16() {
        502..=504 => false,
        500.. => has_code(),
        _ => true,
    }
}

/// An operation that somebody asked for, to what `sync` says. Argo CD names the account, which may be anybody's.
fn is_asked(operation: &Value, sync: &Value) -> bool {
    let is_automated = operation.pointer("/initiatedBy/automated") == Some(&Value::Bool(true));
    !is_automated && operation.get("sync").is_some_and(|asked| has_all(asked, sync))
}

fn place(owner: &OwnerKey) -> (&str, &str) {
    (&owner.namespace, &owner.name)
}

fn unknown(says: &Clean, owner: &OwnerKey) -> ActionError {
    ActionError::Unknown(Clean::own(format!("{says}: it may have happened; look: argocd app get {owner}")))
}

impl Operator for ArgoCdOperator {
    fn backend(&self) -> &BackendId {
        self.0.id()
    }

    fn rehearse<'a>(&'a self, _: &'a Write) -> BoxFuture<'a, Option<Result<Clean, ActionError>>> {
        std::future::ready(None).boxed()
    }

    fn look<'a>(&'a self, write: &'a Write, sent: Timestamp) -> BoxFuture<'a, Option<Result<Found, Clean>>> {
        self.looked_at(write, sent).boxed()
    }

    fn execute<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Result<Done, ActionError>> {
        async move {
            match write {
                Write::SwitchSync { owner, uid, spec, to, by } => self.switch((owner, uid, spec), to, by).await,
                Write::SyncTo { owner, uid, sync, .. } => self.roll_back((owner, uid), sync).await,
                _ => Err(ActionError::NotSent(Clean::own("Argo CD only switches and syncs applications"))),
            }
        }
        .boxed()
    }
}
