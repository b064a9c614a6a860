//! `/api/annotations`.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Pairs, refuse};
use crate::demo::{
    telemetry::Annotation,
    world::{Shared, lock},
};

fn shown(annotation: &Annotation) -> Value {
    json!({
        "id": annotation.id, "alertId": 0, "alertName": "", "dashboardUID": annotation.dashboard_uid,
        "panelId": annotation.panel_id.unwrap_or(0), "userId": 0, "newState": "", "prevState": "",
        "created": annotation.at.as_millisecond(), "updated": annotation.at.as_millisecond(),
        "time": annotation.at.as_millisecond(), "timeEnd": annotation.until.as_millisecond(),
        "text": annotation.text, "tags": annotation.tags, "login": annotation.login, "email": "", "avatarUrl": "",
        "data": {},
    })
}

pub(super) async fn list(State(world): State<Shared>, Query(pairs): Pairs) -> Json<Value> {
    let of = |key: &'static str| pairs.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str());
    let time = |key| of(key).next().and_then(|ms| ms.parse().ok()).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let (from, to) = (time("from"), time("to"));
    let tags: Vec<_> = of("tags").collect();
    let any = of("matchAny").next() == Some("true");
    let limit = of("limit").next().and_then(|n| n.parse().ok()).unwrap_or(100_usize);
    let has = |annotation: &Annotation, tag: &str| annotation.tags.iter().any(|t| t == tag);
    let fits = |annotation: &&Annotation| {
        from.is_none_or(|from| annotation.until >= from)
            && to.is_none_or(|to| annotation.at <= to)
            && of("type").next().is_none_or(|kind| kind == "annotation")
            && of("dashboardUID").next().is_none_or(|uid| annotation.dashboard_uid.as_deref() == Some(uid))
            && (tags.is_empty()
                || if any { tags.iter().any(|t| has(annotation, t)) } else { tags.iter().all(|t| has(annotation, t)) })
    };
    let world = lock(&world);
    let mut found: Vec<_> = world.telemetry.annotations.list.iter().filter(fits).collect();
    found.sort_by_key(|annotation| std::cmp::Reverse((annotation.at, annotation.id)));
    Json(found.into_iter().take(limit).map(shown).collect())
}

#[derive(Deserialize)]
struct Posted {
    #[serde(default)]
    text: String,
    #[serde(default)]
    time: Option<i64>,
    #[serde(default, rename = "timeEnd")]
    time_end: Option<i64>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default, rename = "dashboardUID")]
    dashboard_uid: Option<String>,
    #[serde(default, rename = "panelId")]
    panel_id: Option<u64>,
}

pub(super) async fn create(State(world): State<Shared>, body: Bytes) -> Response {
    let Ok(posted) = serde_json::from_slice::<Posted>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "bad request data");
    };
    if posted.text.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "Failed to save annotation: text field should not be empty");
    }
    let mut world = lock(&world);
    let now = world.now;
    let time = |ms: Option<i64>| ms.filter(|ms| *ms > 0).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let at = time(posted.time).unwrap_or(now);
    let id = world.telemetry.annotations.add(Annotation {
        id: 0,
        at,
        until: time(posted.time_end).unwrap_or(at),
        text: posted.text,
        tags: posted.tags,
        login: "sa-1-midwatch".to_owned(),
        dashboard_uid: posted.dashboard_uid,
        panel_id: posted.panel_id,
    });
    Json(json!({"message": "Annotation added", "id": id})).into_response()
}

pub(super) async fn remove(State(world): State<Shared>, Path(id): Path<u64>) -> Response {
    lock(&world).telemetry.annotations.list.retain(|annotation| annotation.id != id);
    Json(json!({"message": "Annotation deleted"})).into_response()
}
