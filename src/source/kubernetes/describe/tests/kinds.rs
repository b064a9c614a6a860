//! What pages of some kinds tell besides what the server prints.

mod scaling;

use axum::response::Response;

use super::*;

/// The lines of a page, each with its mark.
async fn lines_of(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static, key: ResourceKey) -> String {
    let mark = |level: Option<Level>| match level {
        Some(Level::Broken) => "!! ",
        Some(Level::Wrong) => "! ",
        Some(Level::Unknown) => "?? ",
        Some(Level::Progress) => "~ ",
        Some(Level::Ok) => "ok ",
        None => "",
    };
    let lines = any_page(answer, &key).await.into_iter().map(|line| match line {
        PageLine::Heading(text) => format!("# {text}"),
        PageLine::Field(name, value, level) => format!("{}{name}: {value}", mark(level)),
        PageLine::Text(text) => text.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn has(page: &str, lines: &[&str]) {
    for line in lines {
        assert!(page.lines().any(|shown| shown == *line), "'{line}' is not in\n{page}");
    }
}

fn list(items: Value) -> Response {
    scripted::json_answer(200, &json!({ "items": items }))
}

/// One object, what else is asked of its kind, and no events.
fn object(
    path: &'static str,
    object: Value,
    more: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Response + Send + Sync + 'static {
    move |asked: &Asked| match asked.path.as_str() {
        own if own == path => scripted::json_answer(200, &object),
        "/api/v1/namespaces/shop/events" => list(json!([])),
        _ => more(asked).unwrap_or_else(|| scripted::status(404, "NotFound", "not found")),
    }
}

const SERVICE: &str = "/api/v1/namespaces/shop/services/web";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";

fn slice(service: &str, endpoints: &[(&str, &str, Value)]) -> Value {
    let endpoints: Vec<Value> = endpoints
        .iter()
        .map(|(pod, address, conditions)| {
            json!({"addresses": [address], "targetRef": {"kind": "Pod", "name": pod}, "conditions": conditions})
        })
        .collect();
    json!({"metadata": {"labels": {"kubernetes.io/service-name": service}}, "endpoints": endpoints})
}

fn service(spec: &Value) -> Value {
    json!({"metadata": {"name": "web", "namespace": "shop", "uid": "s1"}, "spec": spec})
}

#[tokio::test]
async fn a_services_page_says_what_stands_behind_it() {
    let (ready, unready) = (json!({"ready": true}), json!({"ready": false}));
    let going = json!({"ready": false, "serving": true, "terminating": true});
    let spec = json!({"type": "NodePort", "selector": {"app": "web"}, "ports": [
        {"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080, "protocol": "TCP"},
        {"port": 53, "protocol": "UDP"}]});
    let answer = object(SERVICE, service(&spec), move |asked| {
        assert_eq!(asked.path, SLICES);
        assert_eq!(asked.query("labelSelector"), Some("kubernetes.io/service-name in (web)"));
        let four = [
            ("web-1", "10.0.0.1", ready.clone()),
            ("web-2", "10.0.0.2", unready.clone()),
            ("web-3", "10.0.0.3", going.clone()),
            ("web-4", "10.0.0.4", json!({})),
        ];
        // Of both families: still one pod.
        Some(list(json!([slice("web", &four), slice("web", &[("web-1", "fd00::1", ready.clone())])])))
    });
    let page = lines_of(answer, key("", "v1", "services", "Service", "web")).await;
    has(
        &page,
        &[
            "http: 80/TCP -> web, node port 30080",
            "port: 53/UDP",
            "! behind it: 2 of 3 ready",
            "! not ready: pod/web-2 10.0.0.2",
            "ready: pod/web-1 10.0.0.1, fd00::1",
            "ready: pod/web-4 10.0.0.4",
        ],
    );
    assert!(page.find("not ready:") < page.find("\nready:") && !page.contains("web-3"), "{page}");
}

#[tokio::test]
async fn a_service_with_nothing_behind_it_says_so() {
    let page = async |spec: &Value, items: Value| {
        let answer = object(SERVICE, service(spec), move |_| Some(list(items.clone())));
        lines_of(answer, key("", "v1", "services", "Service", "web")).await
    };
    let chosen = json!({"selector": {"app": "web"}});
    let shown = page(&chosen, json!([])).await;
    has(&shown, &["! behind it: no endpoints", "no pod that its selector chooses has an address"]);
    let shown = page(&json!({}), json!([])).await;
    has(&shown, &["it has no selector: somebody else writes its endpoints"]);
    let shown = page(&chosen, json!([slice("web", &[("web-1", "10.0.0.1", json!({"ready": false}))])])).await;
    has(&shown, &["!! behind it: 0 of 1 ready"]);
    let shown = page(&json!({"type": "ExternalName", "externalName": "db.example"}), json!([])).await;
    assert!(!shown.contains("behind it"), "it is but a name: {shown}");
    let refused =
        object(SERVICE, service(&chosen), |_| Some(scripted::status(403, "Forbidden", "endpointslices is forbidden")));
    let shown = lines_of(refused, key("", "v1", "services", "Service", "web")).await;
    assert!(shown.contains("?? behind it: not known: ") && shown.contains("endpointslices is forbidden"), "{shown}");
}

fn ingress() -> Value {
    json!({"metadata": {"name": "shop", "namespace": "shop", "uid": "i1"}, "spec": {
        "tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}],
        "defaultBackend": {"resource": {"apiGroup": "x.example", "kind": "Bucket", "name": "static"}},
        "rules": [{"host": "shop.example", "http": {"paths": [
            {"path": "/api", "backend": {"service": {"name": "web", "port": {"number": 8080}}}},
            {"path": "/old", "backend": {"service": {"name": "gone", "port": {"name": "http"}}}}]}}]}})
}

const INGRESS: &str = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop";

#[tokio::test]
async fn an_ingress_says_where_its_paths_lead_and_whether_anything_answers() {
    let answer = object(INGRESS, ingress(), |asked| {
        assert_eq!(asked.query("labelSelector"), Some("kubernetes.io/service-name in (gone,web)"));
        Some(list(json!([slice("web", &[("web-1", "10.0.0.1", json!({"ready": true}))])])))
    });
    let page = lines_of(answer, key("networking.k8s.io", "v1", "ingresses", "Ingress", "shop")).await;
    has(
        &page,
        &[
            "ok rule: shop.example/api -> service/web:8080   1 ready",
            "! rule: shop.example/old -> service/gone:http   no endpoints",
            "rule: all else -> bucket/static",
            "tls: shop.example by secret/shop-tls",
        ],
    );
}

#[tokio::test]
async fn an_ingress_whose_endpoints_may_not_be_read_still_says_where_it_leads() {
    let answer =
        object(INGRESS, ingress(), |_| Some(scripted::status(403, "Forbidden", "endpointslices is forbidden")));
    let page = lines_of(answer, key("networking.k8s.io", "v1", "ingresses", "Ingress", "shop")).await;
    has(&page, &["rule: shop.example/api -> service/web:8080"]);
    assert!(page.contains("?? endpoints: not known: "), "{page}");
}

#[tokio::test]
async fn a_jobs_page_has_its_failures_and_their_pods() {
    let job = json!({"metadata": {"name": "report", "namespace": "shop", "uid": "j1"},
        "spec": {"backoffLimit": 2, "activeDeadlineSeconds": 900, "selector": {"matchLabels": {"job": "report"}}},
        "status": {"failed": 3}});
    let page = async |items: Value| {
        let answer = object("/apis/batch/v1/namespaces/shop/jobs/report", job.clone(), move |asked| {
            assert_eq!(asked.path, "/api/v1/namespaces/shop/pods");
            assert_eq!(asked.query("labelSelector"), Some("job=report"));
            Some(list(items.clone()))
        });
        lines_of(answer, key("batch", "v1", "jobs", "Job", "report")).await
    };
    let failed = |name: &str| {
        json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [{"name": "app"}]},
            "status": {"phase": "Failed", "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}]}})
    };
    has(
        &page(json!([failed("report-a"), failed("report-b")])).await,
        &[
            "! pods so far: 3 failed; back-off limit 2",
            "deadline: 900 s after its start",
            "!! pods: 2 Error",
            "!! why: 'app' ended: exit 2 (2 pods)",
        ],
    );
    has(&page(json!([])).await, &["no pod of it is left, nor its logs"]);
}

/// Its clock says 2 January, 03:10.
#[tokio::test]
async fn a_cron_jobs_page_has_its_jobs_and_its_next_run() {
    let cron = |suspend: bool, zone: &str| {
        json!({"metadata": {"name": "report", "namespace": "shop", "uid": "c1"},
            "spec": {"schedule": "0 5 * * *", "timeZone": zone, "suspend": suspend}})
    };
    let job = |name: &str, made: &str, ended: Option<(&str, &str)>, owner: &str| {
        let conditions: Vec<Value> =
            ended.iter().map(|(kind, reason)| json!({"type": kind, "status": "True", "reason": reason})).collect();
        json!({"metadata": {"name": name, "creationTimestamp": made, "ownerReferences": [{"uid": owner}]},
            "status": {"conditions": conditions}})
    };
    let jobs = json!([
        job("report-1", "2025-12-31T05:00:00Z", Some(("Complete", "CompletionsReached")), "c1"),
        job("report-2", "2026-01-01T05:00:00Z", Some(("Failed", "BackoffLimitExceeded")), "c1"),
        job("report-3", "2026-01-02T03:05:00Z", None, "c1"),
        job("other", "2026-01-02T03:05:00Z", None, "c2")
    ]);
    let page = async |cron: Value| {
        let jobs = jobs.clone();
        let answer = object("/apis/batch/v1/namespaces/shop/cronjobs/report", cron, move |asked| {
            (asked.path == "/apis/batch/v1/namespaces/shop/jobs").then(|| list(jobs.clone()))
        });
        lines_of(answer, key("batch", "v1", "cronjobs", "CronJob", "report")).await
    };
    let shown = page(cron(false, "UTC")).await;
    has(
        &shown,
        &[
            "next run: in 110m",
            "~ job: report-3 Running, made 5m ago",
            "!! job: report-2 Failed: BackoffLimitExceeded, made 22h ago",
            "ok job: report-1 Complete, made 46h ago",
        ],
    );
    assert!(shown.find("report-3") < shown.find("report-2") && !shown.contains("other"), "{shown}");
    has(&page(cron(true, "UTC")).await, &["! next run: none: it is suspended"]);
    assert!(page(cron(false, "")).await.contains("next run: within "), "nobody tells its zone");
    has(&page(cron(false, "No/Where")).await, &["?? next run: not known: its schedule cannot be read"]);
}

#[tokio::test]
async fn a_claims_page_says_what_it_asks_for_who_uses_it_and_why_it_waits() {
    let claim = |phase: &str, class: &str| {
        json!({"metadata": {"name": "data", "namespace": "shop", "uid": "v1"}, "status": {"phase": phase},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "50Gi"}},
                "storageClassName": class}})
    };
    let page = async |claim: Value, class: Option<Value>| {
        let answer = object("/api/v1/namespaces/shop/persistentvolumeclaims/data", claim, move |asked| {
            let pod = |name: &str, claim: &str| {
                json!({"metadata": {"name": name}, "spec": {"volumes": [
                    {"name": "t", "emptyDir": {}}, {"name": "d", "persistentVolumeClaim": {"claimName": claim}}]}})
            };
            match asked.path.as_str() {
                "/api/v1/namespaces/shop/pods" => Some(list(json!([pod("db-0", "data"), pod("web-1", "other")]))),
                "/apis/storage.k8s.io/v1/storageclasses/archive" => Some(scripted::json_answer(200, class.as_ref()?)),
                _ => None,
            }
        });
        lines_of(answer, key("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "data")).await
    };
    let shown = page(claim("Pending", "archive"), None).await;
    has(&shown, &["asks: 50Gi RWO", "!! waits: no StorageClass 'archive'", "used by: pod/db-0"]);
    assert!(!shown.contains("web-1"), "{shown}");
    let later = json!({"provisioner": "csi.example", "volumeBindingMode": "WaitForFirstConsumer"});
    let shown = page(claim("Pending", "archive"), Some(later)).await;
    has(&shown, &["~ waits: for a pod that uses it (WaitForFirstConsumer)"]);
    let shown = page(claim("Pending", "archive"), Some(json!({"provisioner": "csi.example"}))).await;
    has(&shown, &["! waits: for 'csi.example' to make a volume"]);
    let shown = page(claim("Pending", ""), None).await;
    has(&shown, &["! waits: for somebody to make a volume that fits: it names no StorageClass"]);
    let shown = page(claim("Bound", "archive"), None).await;
    assert!(!shown.contains("waits:"), "{shown}");
}

#[tokio::test]
async fn an_applications_page_says_what_it_syncs_from_where_and_how_the_last_sync_went() {
    let app = json!({"metadata": {"name": "web", "namespace": "shop", "uid": "a1"},
        "spec": {"source": {"repoURL": "https://git.example/deploy.git", "path": "web/prod", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}},
        "status": {"operationState": {"phase": "Failed", "message": "one or more objects failed to apply",
                "finishedAt": "2026-01-02T03:05:00Z", "operation": {"initiatedBy": {"username": "ana"},
                    "sync": {"revision": "5f1c2ab90d3e4f5061728394a5b6c7d8e9f00112"}}},
            "history": [{"id": 7, "revision": "aa0c2ab90d3e4f5061728394a5b6c7d8e9f00111",
                "deployedAt": "2026-01-01T03:10:00Z"}],
            "resources": [{"kind": "Deployment", "namespace": "shop", "name": "web", "status": "OutOfSync",
                    "health": {"status": "Degraded", "message": "too slow"}},
                {"kind": "Service", "namespace": "shop", "name": "web", "status": "Synced"}]}});
    let answer = object("/apis/argoproj.io/v1alpha1/namespaces/shop/applications/web", app, |_| None);
    let page = lines_of(answer, key("argoproj.io", "v1alpha1", "applications", "Application", "web")).await;
    has(
        &page,
        &[
            "source: https://git.example/deploy.git web/prod at main",
            "destination: shop on https://kubernetes.default.svc",
            "policy: auto-sync with self-heal, deletes what git lost",
            "!! last sync: Failed, 5f1c2ab, 5m ago, by ana: one or more objects failed to apply",
            "sync 7: aa0c2ab, 24h ago",
            "!! not well: deployment shop/web OutOfSync, Degraded: too slow",
        ],
    );
    assert!(!page.contains("service shop/web"), "{page}");
}

#[tokio::test]
async fn an_object_of_flux_says_what_it_applies_and_that_it_is_suspended() {
    let of = |spec: Value, status: Value| json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": spec, "status": status});
    let applies = of(
        json!({"interval": "10m0s", "path": "./web/prod", "suspend": true, "targetNamespace": "shop",
            "sourceRef": {"kind": "GitRepository", "name": "deploy"}}),
        json!({"lastAppliedRevision": "main@sha1:aa", "lastAttemptedRevision": "main@sha1:bb"}),
    );
    let path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/shop/kustomizations/web";
    let key_of = |group: &str, plural: &str, kind: &str| key(group, "v1", plural, kind, "web");
    let kustomization = key_of("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization");
    has(
        &lines_of(object(path, applies, |_| None), kustomization).await,
        &[
            "! suspended: it applies nothing",
            "source: gitrepository/deploy ./web/prod",
            "destination: shop",
            "every: 10m0s",
            "applied: main@sha1:aa",
            "! attempted: main@sha1:bb",
        ],
    );
    let fetches = of(
        json!({"interval": "1m0s", "url": "https://git.example/deploy.git", "ref": {"branch": "main"}}),
        json!({"artifact": {"revision": "main@sha1:aa", "lastUpdateTime": "2026-01-02T03:00:00Z"}}),
    );
    let path = "/apis/source.toolkit.fluxcd.io/v1/namespaces/shop/gitrepositories/web";
    let repository = key_of("source.toolkit.fluxcd.io", "gitrepositories", "GitRepository");
    has(
        &lines_of(object(path, fetches, |_| None), repository).await,
        &["source: https://git.example/deploy.git at main", "fetched: main@sha1:aa, 10m ago"],
    );
}

#[test]
fn a_rollouts_update_says_its_step_its_weight_and_since_when_it_waits() {
    let shown = |change: &dyn Fn(&mut Value)| {
        let mut raw = json!({
            "spec": {"strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 100}]}}},
            "status": {"stableRS": "a", "currentPodHash": "b", "currentStepIndex": 1,
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T18:10:00Z"}]}});
        change(&mut raw);
        let mut page = Page { lines: Vec::new(), now: "2026-01-02T03:10:00Z".parse().unwrap() };
        rollout::update(&mut page, &raw);
        page.lines
    };
    let update = |words: &str, level| vec![PageLine::Field("update".into(), words.into(), Some(level))];
    assert_eq!(shown(&|_| {}), update("step 2 of 3, weight 25 %, paused 9h ago", Level::Progress));
    let goes_on = |raw: &mut Value| raw["status"]["pauseConditions"] = Value::Null;
    assert_eq!(shown(&goes_on), update("step 2 of 3, weight 25 %", Level::Progress));
    let aborted = |raw: &mut Value| raw["status"]["abort"] = json!(true);
    assert_eq!(shown(&aborted), update("aborted: the version before serves", Level::Wrong));
    assert!(shown(&|raw| raw["status"]["currentPodHash"] = json!("a")).is_empty(), "it is promoted");
}

#[tokio::test]
async fn a_limit_ranges_page_says_its_limits() {
    let limits = json!([
        {"type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
            "max": {"memory": "4Gi"}},
        {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}}
    ]);
    let whole = json!({"metadata": {"name": "defaults", "namespace": "shop", "uid": "l1"}, "spec": {"limits": limits}});
    let answer = object("/api/v1/namespaces/shop/limitranges/defaults", whole, |_| None);
    let page = lines_of(answer, key("", "v1", "limitranges", "LimitRange", "defaults")).await;
    let memory = "container memory: max 4Gi, default request 128Mi, default limit 512Mi";
    has(&page, &[memory, "container cpu: default request 100m", "persistentvolumeclaim storage: min 1Gi"]);
}
