//! The control server: lets tests and trainers read the state, move time, and break a backend.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::gate::{Gate, Mode};
use crate::demo::{
    clock::WorldClock,
    cluster::faults::Faults,
    telemetry::State as RuleState,
    world::{Shared, lock},
};

#[derive(Clone)]
struct Control {
    world: Shared,
    clock: WorldClock,
    gates: BTreeMap<String, Gate>,
}

/// The routes: `GET /state`, `POST /advance?seconds=N`, `POST /speed?x=N`, `POST /backend/NAME/MODE`,
/// `POST /cluster/NAME/FAULT` with `throttle?requests=N`, `slow?millis=N`, `expire` (watches and pages) or `calm`. The token goes into
/// `Authorization: Bearer`.
pub(super) fn router(world: Shared, clock: WorldClock, gates: BTreeMap<String, Gate>, token: &str) -> Router {
    let known = format!("Bearer {token}");
    Router::new()
        .route("/state", get(state))
        .route("/advance", post(advance))
        .route("/speed", post(speed))
        .route("/backend/{name}/{mode}", post(backend))
        .route("/cluster/{name}/{fault}", post(fault))
        .layer(middleware::from_fn(move |request: Request, next: Next| authorised(known.clone(), request, next)))
        .with_state(Control { world, clock, gates })
}

async fn authorised(known: String, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given == Some(known.as_str()) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, Json(json!({"error": "send the control token as 'Authorization: Bearer TOKEN'"})))
        .into_response()
}

fn refuse(text: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": text}))).into_response()
}

/// World time, alerts, rollouts and backends, as they are.
async fn state(State(control): State<Control>) -> Json<Value> {
    Json(shown(&control))
}

fn shown(control: &Control) -> Value {
    let world = lock(&control.world);
    let alerts: Vec<_> = world
        .telemetry
        .alerts
        .rules
        .iter()
        .map(|rule| {
            let fired = match rule.state {
                RuleState::Firing { fired_at, .. } => Some(fired_at.to_string()),
                _ => None,
            };
            json!({
                "name": rule.spec.name, "service": rule.labels.get("service"), "state": rule.state.as_str(),
                "value": rule.value, "active_at": rule.state.active_at().map(|at| at.to_string()), "fired_at": fired,
            })
        })
        .collect();
    let rollouts: Vec<_> = world
        .story
        .scenario
        .service
        .iter()
        .filter_map(|service| {
            let cluster = world.clusters.iter().find(|c| c.name == service.cluster)?;
            let rollout = cluster.rollout(&service.namespace, &service.name)?;
            Some(json!({
                "cluster": service.cluster, "namespace": service.namespace, "name": service.name,
                "image": cluster.image(&service.namespace, &service.name),
                "revision": cluster.revision(&service.namespace, &service.name), "desired": rollout.desired,
                "updated": rollout.updated, "available": rollout.available, "replicas": rollout.replicas,
                "deadline_exceeded": rollout.deadline_exceeded,
            }))
        })
        .collect();
    let backends: BTreeMap<_, _> = control.gates.iter().map(|(name, gate)| (name, gate.mode().as_str())).collect();
    json!({
        "now": world.now.to_string(), "started": world.story.start.to_string(), "speed": control.clock.speed(),
        "alerts": alerts, "rollouts": rollouts, "backends": backends,
    })
}

type Pairs = Query<BTreeMap<String, String>>;

async fn advance(State(control): State<Control>, Query(pairs): Pairs) -> Response {
    let seconds = pairs.get("seconds").and_then(|text| text.parse::<f64>().ok());
    let Some(seconds) = seconds.filter(|s| (0.0..=86_400.0).contains(s)) else {
        return refuse("'seconds' must be a number from 0 to 86400");
    };
    control.clock.advance(SignedDuration::from_millis((seconds * 1000.0) as i64));
    let stepped = control.clone();
    // A day takes a while: not on a thread that others' answers need.
    let done = tokio::task::spawn_blocking(move || lock(&stepped.world).advance(stepped.clock.now()));
    drop(done.await);
    Json(shown(&control)).into_response()
}

async fn speed(State(control): State<Control>, Query(pairs): Pairs) -> Response {
    let times = pairs.get("x").and_then(|text| text.parse::<f64>().ok());
    let Some(times) = times.filter(|x| (0.0..=600.0).contains(x)) else {
        return refuse("'x' must be a number from 0 to 600");
    };
    control.clock.set_speed(times);
    Json(json!({"speed": times})).into_response()
}

async fn backend(State(control): State<Control>, Path((name, mode)): Path<(String, String)>) -> Response {
    let Some(gate) = control.gates.get(&name) else {
        let names: Vec<_> = control.gates.keys().map(|name| format!("'{name}'")).collect();
        return refuse(&format!("no backend '{name}'; there are {}", names.join(", ")));
    };
    let Some(mode) = Mode::named(&mode) else {
        return refuse(&format!("no mode '{mode}'; there are 'up', 'down', 'hang', 'error500', 'html'"));
    };
    gate.set(mode);
    Json(json!({"backend": name, "mode": mode.as_str()})).into_response()
}

/// Troubles of one cluster's API server.
async fn fault(
    State(control): State<Control>,
    Path((name, fault)): Path<(String, String)>,
    Query(pairs): Pairs,
) -> Response {
    let mut world = lock(&control.world);
    let Some(cluster) = world.clusters.iter_mut().find(|cluster| cluster.name == name) else {
        return refuse(&format!("no cluster '{name}'"));
    };
    let number = |key: &str, default: u32| pairs.get(key).map_or(Ok(default), |text| text.parse::<u32>());
    match fault.as_str() {
        "throttle" => match number("requests", 10) {
            Ok(requests) => cluster.faults.throttle = requests,
            Err(_) => return refuse("'requests' must be a whole number"),
        },
        "slow" => match number("millis", 2_000) {
            Ok(millis) => cluster.faults.slow = Some(std::time::Duration::from_millis(u64::from(millis))),
            Err(_) => return refuse("'millis' must be a whole number"),
        },
        "expire" => cluster.store.compact(),
        "calm" => cluster.faults = Faults::default(),
        _ => return refuse(&format!("no fault '{fault}'; there are 'throttle', 'slow', 'expire', 'calm'")),
    }
    Json(json!({"cluster": name, "fault": fault})).into_response()
}
