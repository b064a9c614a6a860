//! Kinds of Flux and Argo CD as `kubectl` meets them: defined, discovered, printed.

use serde_json::json;

use super::*;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// A kind: its group, version, plural and name, and what it is called for short.
struct Kind {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    name: &'static str,
    short: &'static [&'static str],
}

/// Creates one, and gives its row in the server's table, by column; a column that `-o wide` alone has begins with `+`.
async fn printed(kind: &Kind, spec: Value, status: Value) -> Vec<(String, Value)> {
    let served = serve().await;
    let Kind { group, version, plural, .. } = kind;
    let name = format!("{plural}.{group}");
    let definition = served.get(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")).await.body;
    assert_eq!(definition["spec"]["names"]["kind"], kind.name, "{definition}");
    assert_eq!(definition["spec"]["versions"][0]["name"], *version, "{definition}");
    let discovered = served.get(&format!("/apis/{group}")).await.body;
    assert_eq!(discovered["preferredVersion"]["version"], *version, "{discovered}");
    let listed = served.get(&format!("/apis/{group}/{version}")).await.body;
    let found = listed["resources"].as_array().unwrap().iter().find(|one| one["name"] == *plural).unwrap();
    assert_eq!((&found["kind"], &found["shortNames"]), (&json!(kind.name), &json!(kind.short)));
    assert_eq!(found["namespaced"], true);

    let path = format!("/apis/{group}/{version}/namespaces/production/{plural}");
    let object = json!({"apiVersion": format!("{group}/{version}"), "kind": kind.name, "metadata": {"name": "shop"},
        "spec": spec, "status": status});
    let made = served.send("POST", &path, "application/json", &object).await;
    assert_eq!((made.code, &made.body["spec"]), (201, &spec), "{}", made.text);
    let table = served.get_as(TABLE, &path).await.body;
    let column = |column: &Value| {
        let name = column["name"].as_str().unwrap();
        if column["priority"] == 0 { name.to_owned() } else { format!("+{name}") }
    };
    let columns = table["columnDefinitions"].as_array().unwrap().iter().map(column);
    columns.zip(table["rows"][0]["cells"].as_array().unwrap().iter().cloned()).collect()
}

fn ready(message: &str) -> Value {
    json!({"conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": message}]})
}

fn row(cells: &[(&str, &str)]) -> Vec<(String, Value)> {
    cells.iter().map(|(column, cell)| ((*column).to_owned(), json!(cell))).collect()
}

#[tokio::test]
async fn helm_releases_of_flux_are_served() {
    let kind = Kind {
        group: "helm.toolkit.fluxcd.io",
        version: "v2",
        plural: "helmreleases",
        name: "HelmRelease",
        short: &["hr"],
    };
    let spec = json!({"interval": "10m0s", "chart": {"spec": {"chart": "shop", "version": "1.2.3"}}});
    let message = "Helm upgrade succeeded for release production/shop.v2 with chart shop@1.2.3";
    let cells = printed(&kind, spec, ready(message)).await;
    assert_eq!(cells, row(&[("Name", "shop"), ("Age", "0s"), ("Ready", "True"), ("Status", message)]));
}

#[tokio::test]
async fn application_sets_are_served() {
    let kind = Kind {
        group: "argoproj.io",
        version: "v1alpha1",
        plural: "applicationsets",
        name: "ApplicationSet",
        short: &["appset", "appsets"],
    };
    let spec = json!({"generators": [{"list": {"elements": []}}], "template": {"spec": {"project": "shop"}}});
    let cells = printed(&kind, spec, json!({})).await;
    assert_eq!(cells, row(&[("Name", "shop"), ("Age", "0s")]));
}

#[tokio::test]
async fn image_update_automations_are_served() {
    let kind = Kind {
        group: "image.toolkit.fluxcd.io",
        version: "v1",
        plural: "imageupdateautomations",
        name: "ImageUpdateAutomation",
        short: &["iua", "imgupd", "imgauto"],
    };
    let spec = json!({"interval": "1m0s", "sourceRef": {"kind": "GitRepository", "name": "deploy"}});
    let mut status = ready("repository up-to-date");
    status["lastAutomationRunTime"] = json!("2026-01-02T03:00:00Z");
    let cells = printed(&kind, spec, status).await;
    let expected = row(&[
        ("Name", "shop"),
        ("Ready", "True"),
        ("Status", "repository up-to-date"),
        ("+Last run", "2026-01-02T03:00:00Z"),
        ("Age", "0s"),
    ]);
    assert_eq!(cells, expected);
}
