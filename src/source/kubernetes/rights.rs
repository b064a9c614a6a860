//! What one may do, asked once for a whole namespace (`/apis/authorization.k8s.io/v1/selfsubjectrulesreviews`) and kept
//! for a while: never once for each row.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{client::Cluster, failure::Failure, pace::Pace};
use crate::{
    model::{
        Name,
        kubernetes::rights::{Right, Rights, Rule},
    },
    query::Answer,
    source::AnswerSink,
    text::Clean,
};

/// How long an answer is taken for true.
const KEPT: Duration = Duration::from_mins(2);

/// When it was asked, through which way in, and what came.
type Known = (Instant, String, Arc<Rights>);

/// The rights in the namespaces of one cluster.
pub struct RightsReader {
    cluster: Cluster,
    known: Mutex<BTreeMap<Name, Known>>,
}

impl RightsReader {
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, known: Mutex::default() }
    }

    /// The next look asks the server.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Name, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, and how long it may still be used. Whoever comes in another way has other rights.
    fn fresh(&self, namespace: &Name) -> Option<(Arc<Rights>, Duration)> {
        let known = self.lock();
        let (at, access, rights) = known.get(namespace)?;
        let left = KEPT.checked_sub(self.cluster.clock().now().since(*at))?;
        (!left.is_zero() && *access == self.cluster.access_print()).then(|| (rights.clone(), left))
    }

    async fn rights(&self, namespace: &Name) -> Result<Arc<Rights>, Failure> {
        if let Some((known, _)) = self.fresh(namespace) {
            return Ok(known);
        }
        let (at, access) = (self.cluster.clock().now().mono, self.cluster.access_print());
        let read = Arc::new(read(&self.cluster, namespace).await?);
        self.lock().insert(namespace.clone(), (at, access, read.clone()));
        Ok(read)
    }

    /// Answers now, and again whenever the answer is old.
    pub async fn follow(&self, namespace: &Name, out: &AnswerSink) {
        let mut pace = Pace::new(&self.cluster);
        loop {
            let read = self.rights(namespace).await;
            let left = self.fresh(namespace).map_or(KEPT, |(_, left)| left);
            let pause = pace.after(read.as_ref().err(), left);
            if !out.send(read.map(Answer::Rights).map_err(Into::into)).await {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Whether the server lets us, asked now (`SelfSubjectAccessReview`). `namespace` empty: of the cluster's own objects.
pub async fn may(cluster: &Cluster, right: &Right<'_>, namespace: &str) -> Result<bool, Clean> {
    let Right { verb, group, resource, subresource, name } = right;
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": resource,
            "subresource": subresource, "name": name}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer: Value = cluster.review(path, &review).await.map_err(|failure| failure.error.says)?;
    let allowed = answer.pointer("/status/allowed").and_then(Value::as_bool);
    allowed.ok_or_else(|| Clean::line("the access review has no verdict"))
}

/// `namespace` empty: of the cluster's own objects, which are asked about in any namespace.
pub(super) async fn read(cluster: &Cluster, namespace: &str) -> Result<Rights, Failure> {
    let namespace = if namespace.is_empty() { "default" } else { namespace };
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer: Review = cluster.review(path, &review).await?;
    let words = |list: Option<Vec<String>>| list.into_iter().flatten().map(|word| Clean::line(&word)).collect();
    let rule = |rule: WireRule| Rule {
        verbs: words(rule.verbs),
        groups: words(rule.api_groups),
        resources: words(rule.resources),
        names: words(rule.resource_names),
    };
    let rules = answer.status.resource_rules.into_iter().flatten().map(rule).collect();
    Ok(Rights { rules, is_incomplete: answer.status.incomplete })
}

#[derive(Deserialize)]
struct Review {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    resource_rules: Option<Vec<WireRule>>,
    #[serde(default)]
    incomplete: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRule {
    verbs: Option<Vec<String>>,
    api_groups: Option<Vec<String>>,
    resources: Option<Vec<String>>,
    resource_names: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::kubernetes::fake::{Answer as Told, Fake};

    #[tokio::test]
    async fn a_namespace_is_asked_about_once() {
        let fake = Fake::start(|call| {
            assert!(call.path.ends_with("/selfsubjectrulesreviews"), "{}", call.path);
            let rule = json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "pods/log"]});
            Told::Json(201, json!({"status": {"resourceRules": [rule], "nonResourceRules": [], "incomplete": false}}))
        })
        .await;
        let reader = RightsReader::new(fake.cluster("{}").await);
        for namespace in ["shop", "shop", "shop", ""] {
            let rights = reader.rights(&namespace.into()).await.unwrap();
            let right = |verb| Right { verb, group: "", resource: "pods", subresource: "log", name: "web-1" };
            assert!(!rights.refuse(&right("get")) && rights.refuse(&right("delete")));
        }
        assert_eq!(fake.calls().len(), 2);
        reader.forget();
        reader.rights(&"shop".into()).await.unwrap();
        assert_eq!(fake.calls().len(), 3);
    }

    #[tokio::test]
    async fn a_server_that_could_not_list_all_refuses_nothing() {
        let fake =
            Fake::start(|_| Told::Json(201, json!({"status": {"resourceRules": null, "incomplete": true}}))).await;
        let reader = RightsReader::new(fake.cluster("{}").await);
        let rights = reader.rights(&"shop".into()).await.unwrap();
        assert!(!rights.refuse(&Right { verb: "get", group: "", resource: "pods", subresource: "", name: "" }));
    }
}
