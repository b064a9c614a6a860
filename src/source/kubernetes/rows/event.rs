//! Events, of the old style (counted up, first and last time) and the new (event time and series).

use super::{Rows, prose, time, wire};
use crate::{model::kubernetes::Event, text::Clean};

pub fn row(rows: &Rows, wire: &wire::Event) -> Event {
    let object = wire.involved_object.as_ref();
    let created = time(wire.metadata.creation_timestamp.as_ref());
    let own_first = time(wire.first_timestamp.as_ref()).or_else(|| time(wire.at.as_ref()));
    let series = wire.series.as_ref();
    let last = match series {
        Some(series) => time(series.last_observed_time.as_ref()),
        None => time(wire.last_timestamp.as_ref()),
    };
    let component = wire.source.as_ref().and_then(|source| source.component.as_deref());
    Event {
        key: rows.key(wire.metadata.namespace.as_deref().unwrap_or_default(), &wire.metadata.name),
        uid: Clean::line(wire.metadata.uid.as_deref().unwrap_or_default()),
        warning: wire.kind.as_deref().is_some_and(|kind| kind != "Normal"),
        reason: rows.name(wire.reason.as_deref().unwrap_or_default()),
        message: prose(wire.message.as_deref().unwrap_or_default().trim()),
        kind: rows.name(object.and_then(|object| object.kind.as_deref()).unwrap_or_default()),
        object: rows.name(object.and_then(|object| object.name.as_deref()).unwrap_or_default()),
        object_uid: rows.some(object.and_then(|object| object.uid.as_deref())),
        component: rows.some(component).or_else(|| rows.some(wire.reporting_component.as_deref())),
        count: series.and_then(|series| series.count).or(wire.count).filter(|count| *count > 0).unwrap_or(1),
        first: own_first.or(created),
        last: last.or(own_first).or(created),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BackendId;
    use serde_json::json;

    fn event(object: &serde_json::Value) -> (Option<String>, Option<String>, u32) {
        let event = Rows::new(&BackendId::new("eu")).event(object).unwrap();
        (event.first.map(|at| at.to_string()), event.last.map(|at| at.to_string()), event.count)
    }

    #[test]
    fn both_styles_give_first_last_and_count() {
        let at = |text: &str| Some(text.to_owned());
        let old = json!({"kind": "Event", "type": "Warning", "reason": "BackOff", "count": 14, "eventTime": null,
            "firstTimestamp": "2026-01-02T03:05:00Z", "lastTimestamp": "2026-01-02T03:09:50Z"});
        assert_eq!(event(&old), (at("2026-01-02T03:05:00Z"), at("2026-01-02T03:09:50Z"), 14));
        let new = json!({"type": "Warning", "firstTimestamp": null, "lastTimestamp": null, "count": null,
            "eventTime": "2026-01-02T03:01:00Z", "series": {"count": 5, "lastObservedTime": "2026-01-02T03:08:00Z"}});
        assert_eq!(event(&new), (at("2026-01-02T03:01:00Z"), at("2026-01-02T03:08:00Z"), 5));
        let once = json!({"eventTime": "2026-01-02T03:01:00Z"});
        assert_eq!(event(&once), (at("2026-01-02T03:01:00Z"), at("2026-01-02T03:01:00Z"), 1));
        let bare = json!({"metadata": {"creationTimestamp": "2026-01-02T03:00:00Z"}, "count": 0});
        assert_eq!(event(&bare), (at("2026-01-02T03:00:00Z"), at("2026-01-02T03:00:00Z"), 1));
    }

    #[test]
    fn credentials_in_what_a_probe_said_are_masked() {
        let probe = json!({"reason": "Unhealthy", "message": "Readiness probe failed: GET /?token=abcdefgh: refused"});
        let event = Rows::new(&BackendId::new("eu")).event(&probe).unwrap();
        assert!(event.message.contains("token=[masked]") && !event.message.contains("abcdefgh"), "{}", event.message);
    }
}
