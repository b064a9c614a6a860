//! What a cluster's webhooks make of a pod's containers: sidecars that are injected, images that are set. A template that goes
//! back gets them as they are configured today.

use serde_json::Value;

use crate::{
    json::text,
    model::kubernetes::short_image,
    text::{Clean, quoted},
};

/// `pod`: as the server would have made it of the template.
pub(super) fn injected(template: &Value, pod: &Value) -> Option<Clean> {
    let asked: Vec<(&str, &str)> = containers(template).collect();
    let words = containers(pod).filter_map(|(name, image)| {
        let own = asked.iter().find(|(own, _)| *own == name).map(|(_, image)| *image);
        match own {
            None => Some(format!("{name} ({})", short_image(image))),
            Some(own) if own != image => Some(format!("the image of {name} ({})", quoted(image))),
            Some(_) => None,
        }
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| Clean::line(&format!("injected, as configured today: {}", words.join(", "))))
}

/// Names and images of all containers.
fn containers(of: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = |name: &str| of.pointer(&format!("/spec/{name}")).and_then(Value::as_array);
    let all = [list("initContainers"), list("containers")].into_iter().flatten().flatten();
    all.map(|container| (text(container, "/name"), text(container, "/image")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        model::{
            BackendId,
            kubernetes::{WorkloadKey, WorkloadKind},
        },
        operator::kubernetes::ClusterOperator,
        source::kubernetes::scripted,
    };

    fn template() -> Value {
        json!({"spec": {"containers": [{"name": "app", "image": "reg/web:1"}], "initContainers": [{"name": "wait", "image": "w:1"}]}})
    }

    #[tokio::test]
    async fn what_webhooks_add_to_a_rehearsed_pod_is_told_beside_the_servers_warnings() {
        let server = scripted::serve(|asked| {
            let mut pod = asked.body.clone();
            let sidecar =
                json!({"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24", "restartPolicy": "Always"});
            pod["spec"]["initContainers"].as_array_mut().unwrap().push(sidecar);
            let mut answer = scripted::json_answer(201, &pod);
            answer.headers_mut().insert("warning", "299 - \"runs as root\"".parse().unwrap());
            answer
        })
        .await;
        let operator = ClusterOperator::new(server.cluster.writer().unwrap());
        let key = WorkloadKey {
            cluster: BackendId::new("c"),
            namespace: "shop".into(),
            kind: WorkloadKind::Deployment,
            name: "web".into(),
        };
        let says = operator.rehearse_pod(&key, &template()).await.unwrap();
        let injected = "injected, as configured today: istio-proxy (proxyv2:1.24)";
        assert_eq!(says, ["the server warns: runs as root", injected]);
    }

    #[test]
    fn an_image_that_is_set_is_told_and_a_pod_as_asked_is_nothing() {
        assert_eq!(injected(&template(), &template()), None);
        let mut mirrored = template();
        mirrored["spec"]["containers"][0]["image"] = json!("mirror/web:1");
        let says = "injected, as configured today: the image of app (mirror/web:1)";
        assert_eq!(injected(&template(), &mirrored).as_deref(), Some(says));
    }
}
