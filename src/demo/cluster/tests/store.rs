//! The object store.

use serde_json::json;

use crate::demo::cluster::{
    kinds::Resource,
    store::{ChangeKind, Expired, Store},
};

fn config(name: &str, data: &str) -> serde_json::Value {
    json!({"metadata": {"name": name, "namespace": "n", "uid": name}, "data": {"k": data}})
}

#[test]
fn every_change_has_its_version_and_a_write_without_change_has_none() {
    let mut store = Store::new(10, 100);
    store.put(Resource::ConfigMaps, config("a", "1"));
    let second = store.put(Resource::ConfigMaps, config("a", "2"));
    let same = store.put(Resource::ConfigMaps, config("a", "2"));
    assert_eq!(second.facts().version, same.facts().version);
    store.remove(Resource::ConfigMaps, &("n".into(), "a".into())).unwrap();
    let kinds: Vec<_> =
        store.changes(Resource::ConfigMaps, 10).unwrap().into_iter().map(|c| (c.version, c.kind)).collect();
    assert_eq!(kinds, [(11, ChangeKind::Added), (12, ChangeKind::Modified), (13, ChangeKind::Deleted)]);
    assert_eq!(store.changes(Resource::Pods, 10).unwrap().len(), 0);
}

#[test]
fn forgotten_history_is_told() {
    let mut store = Store::new(10, 2);
    for n in 0..4 {
        store.put(Resource::ConfigMaps, config("a", &n.to_string()));
    }
    assert_eq!(store.changes(Resource::ConfigMaps, 10).unwrap_err(), Expired { asked: 10, oldest: 12 });
    assert_eq!(store.changes(Resource::ConfigMaps, 12).unwrap().len(), 2);
    let last = store.version();
    store.compact();
    assert!(store.changes(Resource::ConfigMaps, last).is_err());
    assert!(store.changes(Resource::ConfigMaps, store.version()).is_ok());
}

#[test]
fn a_list_goes_on_after_a_key_and_stays_in_its_namespace() {
    let mut store = Store::new(0, 100);
    for (namespace, name) in [("a", "x"), ("b", "x"), ("b", "y"), ("c", "x")] {
        let value = json!({"metadata": {"name": name, "namespace": namespace}});
        store.put(Resource::ConfigMaps, value);
    }
    let keys = |ns: Option<&str>, after: Option<(String, String)>| {
        store
            .list(Resource::ConfigMaps, ns, after.as_ref())
            .map(|o| o.facts().namespace.clone() + &o.facts().name)
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(Some("b"), None), ["bx", "by"]);
    assert_eq!(keys(None, Some(("b".into(), "x".into()))), ["by", "cx"]);
    assert_eq!(keys(Some("b"), Some(("b".into(), "x".into()))), ["by"]);
}
