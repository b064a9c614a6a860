//! Word of an act on the object itself: an Event as controllers write theirs (core/v1), which `kubectl describe` and
//! `kubectl get events` show for an hour.

use http::Method;
use serde_json::{Value, json};

use super::{ClusterOperator, Mode, patch};
use crate::{action::Notice, model::kubernetes::FIELD_MANAGER, source::kubernetes::client::segment, text::Clean};

impl ClusterOperator {
    /// With an Event for each act on a workload, where one has the right to create them.
    pub fn with_events(mut self, has_events: bool) -> Self {
        self.has_events = has_events;
        self
    }

    pub(super) async fn tell(&self, notice: &Notice) -> Result<(), Clean> {
        if !self.has_events {
            return Ok(());
        }
        let namespace = segment(&notice.workload.namespace);
        let path = format!("/api/v1/namespaces/{namespace}/events{}", Mode::Keep.query());
        let sent = self.writer.send(Method::POST, &path, "application/json", &event(notice)).await;
        match sent {
            // Who may not create them is not told so after each act.
            Err(failure) if !failure.is(403) => Err(Clean::line(&failure.to_string())),
            _ => Ok(()),
        }
    }
}

fn event(notice: &Notice) -> Value {
    let key = &notice.workload;
    let at = patch::whole_seconds(notice.at).to_string();
    json!({
        "kind": "Event", "apiVersion": "v1",
        // Names are unique: several of one act are several.
        "metadata": {"generateName": format!("{}.", key.name), "namespace": key.namespace},
        "involvedObject": {
            "apiVersion": key.kind.api().trim_start_matches("/apis/"), "kind": key.kind.kind(),
            "namespace": key.namespace, "name": key.name, "uid": notice.uid,
        },
        "type": "Normal", "reason": notice.reason, "message": notice.message, "count": 1,
        "firstTimestamp": at, "lastTimestamp": at,
        "source": {"component": FIELD_MANAGER}, "reportingComponent": FIELD_MANAGER, "reportingInstance": "",
    })
}
