use serde_json::{Value, json};

use super::*;
use crate::source::kubernetes::fake::{Answer, Fake, refusal};

fn service(namespace: &str, name: &str, labels: &Value, ip: &str, ports: &Value) -> Value {
    json!({"metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": {"clusterIP": ip, "ports": ports}})
}

fn services() -> Vec<Value> {
    let web = json!([{"name": "reloader-web", "port": 8080}, {"name": "web", "port": 9093}]);
    let named = |name: &str| json!({ "app.kubernetes.io/name": name });
    vec![
        service("mon", "alertmanager-operated", &json!({"operated-alertmanager": "true"}), "None", &web),
        service("mon", "kps-alertmanager", &json!({"app": "kube-prometheus-stack-alertmanager"}), "10.0.0.1", &web),
        service(
            "mon",
            "prometheus-operator",
            &named("prometheus-operator"),
            "10.0.0.2",
            &json!([{"name": "https", "port": 443}]),
        ),
        service("mon", "node-exporter", &named("prometheus-node-exporter"), "10.0.0.2", &json!([{"port": 9100}])),
        service(
            "mon",
            "prometheus-operated",
            &Value::Null,
            "None",
            &json!([{"name": "web", "port": 9090}, {"name": "grpc", "port": 10901}]),
        ),
        service("obs", "kps-grafana", &named("grafana"), "10.0.0.3", &json!([{"name": "http-web", "port": 80}])),
        service("shop", "web", &named("web"), "10.0.0.4", &json!([{"port": 80}])),
    ]
}

#[tokio::test]
async fn services_of_operators_and_charts_are_found_the_likeliest_first() {
    let fake = Fake::start(|call| match call.nth {
        0 => Answer::Json(200, json!({"metadata": {"continue": "x"}, "items": services()[..3]})),
        _ => Answer::Json(200, json!({"metadata": {}, "items": services()[3..]})),
    })
    .await;
    let found = find(&fake.cluster("{}").await).await.unwrap();
    let words: Vec<String> = found.iter().map(|found| format!("{:?} {}", found.product, found.place)).collect();
    assert_eq!(
        words,
        [
            "Alertmanager mon/kps-alertmanager:9093",
            "Alertmanager mon/alertmanager-operated:9093",
            "Prometheus mon/prometheus-operated:9090",
            "Grafana obs/kps-grafana:80",
        ]
    );
}

#[tokio::test]
async fn without_the_right_to_list_all_the_own_namespace_is_looked_through() {
    let fake = Fake::start(|call| match call.path.as_str() {
        "/api/v1/namespaces/shop/services" => Answer::Json(200, json!({"items": services()})),
        _ => refusal(403, "Forbidden", "no"),
    })
    .await;
    assert_eq!(find(&fake.cluster("{}").await).await.unwrap().len(), 4);
    let fake = Fake::start(|_| refusal(403, "Forbidden", "no")).await;
    assert!(find(&fake.cluster("{}").await).await.unwrap_err().is(403), "forbidden is not: nothing there");
}

#[test]
fn places_are_read_as_they_are_written() {
    for text in ["mon/am:9093", "mon/https:am:web"] {
        assert_eq!(Place::parse(text).unwrap().to_string(), text);
    }
    for text in ["mon", "mon/am", "../x:1", "mon/a/b:1", "mon/:1", "mon/a%2f:1"] {
        assert_eq!(Place::parse(text), None, "{text}");
    }
}
