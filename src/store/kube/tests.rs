//! The links follow the objects: what was renamed, moved or dropped is not found under what it was.

use super::*;
use crate::{
    model::Part,
    ui::testing::{cluster, deployment, pod},
};

fn names(kube: &Kube, name: &str) -> Vec<String> {
    kube.workloads_named(name).map(|workload| workload.key.name.to_string()).collect()
}

#[test]
fn a_workload_is_found_by_its_name_and_by_its_app() {
    let (from, mut kube) = (SourceId::new(&cluster(), Part::Deployments), Kube::default());
    let mut api = deployment("shop-api", "api:1", 1, 1);
    api.app = Some("api".into());
    let mut web = deployment("api", "web:1", 1, 1);
    web.app = Some("api".into());
    for workload in [&api, &web] {
        kube.apply_workload(&from, Delta::Put(Box::new(workload.clone())));
    }
    assert_eq!(names(&kube, "api"), ["api", "shop-api"]);
    assert_eq!(names(&kube, "shop-api"), ["shop-api"]);
    api.app = Some("backend".into());
    kube.apply_workload(&from, Delta::Put(Box::new(api.clone())));
    assert_eq!((names(&kube, "api"), names(&kube, "backend")), (vec!["api".into()], vec!["shop-api".into()]));
    kube.apply_workload(&from, Delta::Gone(web.key));
    assert_eq!(names(&kube, "api"), [""; 0]);
    kube.drop_sources(&|_| true);
    assert!(kube.workloads_by_name.is_empty(), "nothing is kept of what is gone: {:?}", kube.workloads_by_name);
}

#[test]
fn a_pod_is_found_where_it_is() {
    let (from, mut kube) = (SourceId::new(&cluster(), Part::Pods), Kube::default());
    let one = pod("myapp-6d5c9", "myapp-6d5c9-x2x4v", None);
    kube.apply_pod(&from, Delta::Put(Box::new(one.clone())));
    let found = |namespace: Option<&str>| {
        let namespace = namespace.map(Name::from);
        kube.pod_named(namespace.as_ref(), &one.key.name).map(|pod| pod.uid.clone())
    };
    assert_eq!(found(None), Some(one.uid.clone()));
    assert_eq!(found(Some(one.key.namespace.as_str())), Some(one.uid.clone()));
    assert_eq!(found(Some("elsewhere")), None);
}
