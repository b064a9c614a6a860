//! Which disruption budgets cover a pod, and what they allow: a deletion does not ask them.

use serde_json::Value;

use super::{WorkloadInspector, answered, items, text};
use crate::{action::object::Budget, source::kubernetes::client::segment, text::Clean};

/// Budgets are read in one page of this size.
const MAX_BUDGETS: usize = 500;

impl WorkloadInspector {
    /// The budgets of its namespace that cover a pod with these labels.
    pub(super) async fn budgets(&self, namespace: &str, pod: &Value) -> Result<Vec<Budget>, Clean> {
        let path =
            format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets?limit={MAX_BUDGETS}", segment(namespace));
        let list = answered(self.cluster.get::<Value>(&path)).await?;
        if !text(&list, "/metadata/continue").is_empty() {
            return Err(Clean::own(format!("more than {MAX_BUDGETS} disruption budgets: not asked")));
        }
        let labels = pod.pointer("/metadata/labels").unwrap_or(&Value::Null);
        Ok(items(&list).filter(|budget| covers(budget, labels)).map(read).collect())
    }
}

fn read(budget: &Value) -> Budget {
    let number = |field: &str| budget.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or_default();
    Budget {
        name: Clean::line(text(budget, "/metadata/name")),
        healthy: number("currentHealthy"),
        needed: number("desiredHealthy"),
        allowed: number("disruptionsAllowed"),
    }
}

/// An empty selector covers every pod, none at all covers none.
fn covers(budget: &Value, labels: &Value) -> bool {
    let Some(selector) = budget.pointer("/spec/selector").filter(|selector| selector.is_object()) else { return false };
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let meets = selector.get("matchExpressions").and_then(Value::as_array);
    wanted.into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value))
        && meets.into_iter().flatten().all(|expression| is_met(expression, labels))
}

fn is_met(expression: &Value, labels: &Value) -> bool {
    let label = labels.get(text(expression, "/key"));
    let values = expression.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_among = label.is_some_and(|label| values.contains(label));
    match text(expression, "/operator") {
        "In" => is_among,
        "NotIn" => !is_among,
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        // Rather one too many than one that is not seen.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::kubernetes::scripted;

    #[tokio::test]
    async fn budgets_that_cover_the_pod_are_read_with_what_they_allow() {
        let server = scripted::serve(|asked| {
            assert_eq!(asked.path, "/apis/policy/v1/namespaces/shop/poddisruptionbudgets");
            let budget = |name: &str, selector: Value| {
                json!({"metadata": {"name": name}, "spec": {"selector": selector},
                    "status": {"currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0}})
            };
            let expression = |operator: &str, values: Value| {
                json!({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]})
            };
            scripted::json_answer(
                200,
                &json!({"metadata": {}, "items": [
                    budget("own", json!({"matchLabels": {"app": "pg"}})),
                    budget("other", json!({"matchLabels": {"app": "pg", "tier": "x"}})),
                    budget("all", json!({})),
                    budget("none", Value::Null),
                    budget("in", expression("In", json!(["pg", "web"]))),
                    budget("not-in", expression("NotIn", json!(["pg"]))),
                    budget("exists", expression("Exists", Value::Null)),
                    budget("lacks", expression("DoesNotExist", Value::Null)),
                ]}),
            )
        })
        .await;
        let pod = json!({"metadata": {"labels": {"app": "pg"}}});
        let found = WorkloadInspector::new(server.cluster.clone()).budgets("shop", &pod).await.unwrap();
        let names: Vec<&str> = found.iter().map(|budget| budget.name.as_str()).collect();
        assert_eq!(names, ["own", "all", "in", "exists"]);
        assert_eq!(found[0], Budget { name: "own".into(), healthy: 1, needed: 1, allowed: 0 });
        let refused =
            scripted::serve(|_| scripted::status(403, "Forbidden", "poddisruptionbudgets is forbidden")).await;
        let why = WorkloadInspector::new(refused.cluster.clone()).budgets("shop", &pod).await.unwrap_err();
        assert!(why.contains("poddisruptionbudgets is forbidden"), "{why}");
    }
}
