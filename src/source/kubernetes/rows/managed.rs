//! Who else sets a workload's fields: the marks that Argo CD, Flux, Helm and Config Sync leave on their objects.

use jiff::Timestamp;

use super::{time, wire};
use crate::{
    model::kubernetes::{ACTOR, FIELD_MANAGER, Manager, resource::Resource},
    text::Clean,
};

/// Of a raw object of any kind.
pub fn of(resource: &Resource, object: &serde_json::Value) -> Vec<Manager> {
    let meta = object.get("metadata").cloned().and_then(|meta| serde_json::from_value::<wire::Meta>(meta).ok());
    meta.map(|meta| owners((resource.group.as_str(), resource.kind.as_str()), &meta)).unwrap_or_default()
}

/// `kind`: with its group before it.
pub fn owners(kind: (&str, &str), meta: &wire::Meta) -> Vec<Manager> {
    let mut owners = Vec::new();
    if let Some(application) = argo_application(kind, meta) {
        owners.push(Manager::ArgoCd { application: Clean::line(application) });
    }
    let flux = |toolkit: &str| {
        let name = meta.label(&format!("{toolkit}.toolkit.fluxcd.io/name"))?;
        let namespace = meta.label(&format!("{toolkit}.toolkit.fluxcd.io/namespace")).unwrap_or_default();
        Some((Clean::line(name), Clean::line(namespace)))
    };
    owners.extend(flux("kustomize").map(|(name, namespace)| Manager::FluxKustomization { name, namespace }));
    owners.extend(flux("helm").map(|(name, namespace)| Manager::FluxHelmRelease { name, namespace }));
    let managed_by = meta.label("app.kubernetes.io/managed-by");
    // without the release's annotation a chart was only rendered (`helm template`)
    if managed_by == Some("Helm")
        && let Some(release) = meta.annotation("meta.helm.sh/release-name")
    {
        let namespace = meta.annotation("meta.helm.sh/release-namespace").or(meta.namespace.as_deref());
        owners.push(Manager::Helm {
            release: Clean::line(release),
            namespace: Clean::line(namespace.unwrap_or_default()),
        });
    }
    if managed_by == Some("configmanagement.gke.io") {
        owners.push(Manager::ConfigSync);
    }
    let controller = meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    owners.extend(
        controller.map(|owner| Manager::Controller { kind: Clean::line(&owner.kind), name: Clean::line(&owner.name) }),
    );
    owners
}

/// By its tracking annotation, if that names this very object (copies keep the annotation of their origin); else by the label
/// that `application.instanceLabelKey` usually names, which nothing else sets; else by the common instance label, which Helm
/// charts set too, so only if Argo CD also is a field manager.
fn argo_application<'a>((group, kind): (&str, &str), meta: &'a wire::Meta) -> Option<&'a str> {
    if let Some(tracking) = meta.annotation("argocd.argoproj.io/tracking-id") {
        let (application, object) = tracking.split_once(':')?;
        let own = format!("{group}/{kind}:{}/{}", meta.namespace.as_deref().unwrap_or_default(), meta.name);
        return (object == own).then_some(application);
    }
    if let Some(application) = meta.label("argocd.argoproj.io/instance") {
        return Some(application);
    }
    let by_argo = meta.managed_fields.iter().flatten().any(|f| f.manager.as_deref() == Some("argocd-controller"));
    meta.label("app.kubernetes.io/instance").filter(|_| by_argo)
}

/// Field manager that last set something in the pod template.
pub fn changed_by(meta: &wire::Meta) -> Option<(Clean, Option<Timestamp>)> {
    meta.managed_fields
        .iter()
        .flatten()
        .filter(|fields| fields.subresource.as_deref().is_none_or(str::is_empty))
        .filter(|fields| fields.fields_v1.as_ref().and_then(|f| f.spec.as_ref()).is_some_and(|s| s.template.is_some()))
        .map(|fields| (Clean::line(fields.manager.as_deref().unwrap_or_default()), time(fields.time.as_ref())))
        .max_by_key(|(_, at)| *at)
}

/// Field managers that set something in the pod template of a raw object, each with when it last did. Of our own changes,
/// who made them: the field manager is the same for every responder.
pub fn template_changes(object: &serde_json::Value) -> Vec<(Clean, Timestamp)> {
    let actor = object.pointer("/metadata/annotations").and_then(|all| all.get(ACTOR)?.as_str());
    let by = |manager: &str| match actor {
        Some(actor) if manager == FIELD_MANAGER => Clean::line(&format!("{actor} with {FIELD_MANAGER}")),
        _ => Clean::line(manager),
    };
    let fields = object.pointer("/metadata/managedFields").and_then(serde_json::Value::as_array);
    fields
        .into_iter()
        .flatten()
        .filter(|fields| fields.pointer("/fieldsV1/f:spec/f:template").is_some())
        .filter_map(|fields| {
            let at = fields.get("time")?.as_str()?.parse().ok()?;
            Some((by(fields.get("manager")?.as_str()?), at))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{BackendId, kubernetes::WorkloadKind},
        source::kubernetes::rows::Rows,
    };
    use serde_json::{Value, json};

    fn managers(metadata: Value) -> Vec<String> {
        let mut metadata = metadata;
        metadata["name"] = json!("web");
        metadata["namespace"] = json!("shop");
        let object = json!({ "metadata": metadata });
        let workload = Rows::new(&BackendId::new("eu")).workload(WorkloadKind::Deployment, &object).unwrap();
        workload.managed_by.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn marks_name_their_owner() {
        let tracking = |id: &str| json!({"annotations": {"argocd.argoproj.io/tracking-id": id}});
        assert_eq!(managers(tracking("shop-app:apps/Deployment:shop/web")), ["Argo CD application 'shop-app'"]);
        assert_eq!(managers(tracking("shop-app:apps/Deployment:shop/other")), [""; 0], "a copy is not tracked");
        let instance = json!({"labels": {"app.kubernetes.io/instance": "web"}});
        assert_eq!(managers(instance.clone()), [""; 0], "Helm charts set it too");
        let mut by_argo = instance;
        by_argo["managedFields"] = json!([{"manager": "argocd-controller"}]);
        assert_eq!(managers(by_argo), ["Argo CD application 'web'"]);
        let own_label =
            json!({"labels": {"argocd.argoproj.io/instance": "shop-app", "app.kubernetes.io/instance": "web"}});
        assert_eq!(managers(own_label), ["Argo CD application 'shop-app'"], "as application.instanceLabelKey says");
        let flux = json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}});
        assert_eq!(managers(flux), ["Flux Kustomization 'flux-system/apps'"]);
        let helm = json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "web"}});
        assert_eq!(managers(helm), ["Helm release 'web'"]);
        assert_eq!(managers(json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}})), [""; 0]);
        let owned = json!({"ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "1", "controller": true}]});
        assert_eq!(managers(owned), ["Rollout 'web'"]);
    }

    #[test]
    fn a_kind_without_a_group_is_tracked_too() {
        let service = Resource::v1(("", "services", "Service"), true);
        let object = json!({"metadata": {"name": "web", "namespace": "shop",
            "annotations": {"argocd.argoproj.io/tracking-id": "shop-app:/Service:shop/web"}}});
        assert_eq!(of(&service, &object), [Manager::ArgoCd { application: "shop-app".into() }]);
        assert_eq!(of(&service, &json!({"metadata": {"name": "web"}})), []);
    }

    #[test]
    fn a_release_keeps_its_history_where_its_mark_says() {
        let release_in = |annotations: Value| {
            let object = json!({"metadata": {"name": "web", "namespace": "shop",
                "labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": annotations}});
            let workload = Rows::new(&BackendId::new("eu")).workload(WorkloadKind::Deployment, &object).unwrap();
            match workload.managed_by.as_slice() {
                [Manager::Helm { namespace, .. }] => namespace.to_string(),
                other => panic!("{other:?}"),
            }
        };
        let elsewhere = json!({"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "releases"});
        assert_eq!(release_in(elsewhere), "releases");
        assert_eq!(release_in(json!({"meta.helm.sh/release-name": "web"})), "shop");
    }

    #[test]
    fn the_last_writer_of_the_template_is_told_and_the_hpa_is_not() {
        let object = json!({"metadata": {"name": "web", "managedFields": [
            {"manager": "kubectl-create", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": {"f:spec": {}}}}},
            {"manager": "jenkins", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
            {"manager": "hpa", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kcm", "subresource": "status", "time": "2026-01-04T00:00:00Z", "fieldsV1": {"f:status": {}}},
        ]}});
        let workload = Rows::new(&BackendId::new("eu")).workload(WorkloadKind::Deployment, &object).unwrap();
        let (manager, at) = workload.changed_by.unwrap();
        assert_eq!((manager.as_str(), at.unwrap().to_string().as_str()), ("jenkins", "2026-01-02T00:00:00Z"));
    }
}
