//! Variables: in which order, and what their values are.

use serde_json::json;

use super::*;

fn definition(json: &Value) -> Definition {
    parse(json).unwrap()
}

#[test]
fn order_follows_references_and_circles_are_named() {
    let definitions: Vec<Definition> = [
        json!({"name": "pod", "type": "query", "query": "label_values(up{ns=\"$ns\"}, pod)", "datasource": {"uid": "$ds"}}),
        json!({"name": "ns", "type": "query", "query": {"query": "label_values(up, ns)"}, "datasource": {"uid": "${ds}"}}),
        json!({"name": "ds", "type": "datasource", "query": "prometheus"}),
        json!({"name": "a", "type": "textbox", "query": "$b"}),
        json!({"name": "b", "type": "textbox", "query": "$a"}),
    ]
    .iter()
    .map(definition)
    .collect();
    let (ordered, circle) = in_order(&definitions);
    assert_eq!(ordered.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["ds", "ns", "pod"]);
    assert_eq!(circle, ["a", "b"]);
}

#[test]
fn values_by_kind() {
    let sources = Datasources::parse(&json!([
        {"uid": "l", "name": "Loki", "type": "loki"},
        {"uid": "p1", "name": "Prom A", "type": "prometheus"},
        {"uid": "p2", "name": "Prom B", "type": "prometheus", "isDefault": true},
    ]));
    let values = |json: Value, set: Option<&str>| {
        let definition = definition(&json);
        let options = definition.own_options(&sources, &Scope::default()).unwrap();
        definition.bind(&options, set.as_slice(), &sources, 3_600_000).values
    };
    let custom = json!({"name": "x", "type": "custom", "query": "Eins : 1, 2, a\\,b", "current": {"value": "2"}});
    assert_eq!(values(custom.clone(), None), ["2"]);
    assert_eq!(values(custom, Some("a,b")), ["a,b"]);
    let all =
        json!({"name": "x", "type": "custom", "query": "a,b", "includeAll": true, "current": {"value": ["$__all"]}});
    assert_eq!(values(all, None), ["a", "b"]);
    let stale = json!({"name": "x", "type": "custom", "query": "a,b", "current": {"value": "gone"}});
    assert_eq!(values(stale, None), ["a"]);
    let ds = |current: &str| json!({"name": "ds", "type": "datasource", "query": "prometheus", "current": {"value": current}});
    assert_eq!(values(ds("default"), None), ["p2"]);
    assert_eq!(values(ds("Prom A"), None), ["p1"]);
    assert_eq!(values(ds("elsewhere"), None), ["p2"]);
    let step = json!({"name": "i", "type": "interval", "query": "1m,5m", "auto_count": 30, "auto_min": "10s",
        "current": {"value": "$__auto_interval_i"}});
    assert_eq!(values(step, None), ["2m"]);
}

#[test]
fn what_the_user_set_counts_as_far_as_it_is_offered() {
    let values = |json: Value, set: &[&str]| {
        let definition = definition(&json);
        let options = definition.own_options(&Datasources(Vec::new()), &Scope::default()).unwrap();
        definition.bind(&options, set, &Datasources(Vec::new()), 3_600_000).values
    };
    let custom = |multi: bool| {
        json!({"name": "x", "type": "custom", "query": "Eins : 1, 2, 3", "multi": multi, "includeAll": multi,
        "current": {"value": "2"}})
    };
    assert_eq!(values(custom(true), &["1", "3"]), ["1", "3"]);
    assert_eq!(values(custom(true), &["Eins", "gone"]), ["1"], "its text will do; what is gone is left out");
    assert_eq!(values(custom(true), &["All"]), ["1", "2", "3"]);
    assert_eq!(values(custom(false), &["3", "1"]), ["3"], "one takes one");
    assert_eq!(values(custom(false), &["gone"]), ["2"], "the author's choice");
    let typed = json!({"name": "x", "type": "textbox", "query": "a", "current": {"value": "a"}});
    assert_eq!(values(typed, &["anything"]), ["anything"]);
    let fixed = json!({"name": "x", "type": "constant", "query": "a", "current": {"value": "a"}});
    assert_eq!(values(fixed, &["b"]), ["a"], "nobody sets a constant");
}

#[test]
fn found_values_are_filtered_then_sorted() {
    let refined = |regex: &str, sort: i64| {
        let definition = definition(&json!({"name": "x", "type": "query", "regex": regex, "sort": sort}));
        let found = ["node-10", "node-9", "web-1", "node-9"].map(str::to_owned).to_vec();
        definition.refine(found, &Scope::default()).into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(refined("", 0), ["node-10", "node-9", "web-1"]);
    assert_eq!(refined("/node-(\\d+)/", 3), ["9", "10"]);
    assert_eq!(refined("/^NODE/i", 2), ["node-9", "node-10"]);
    assert_eq!(refined("/(?<text>\\w+)-(?<value>.*)/", 0), ["10", "9", "1"]);
}
