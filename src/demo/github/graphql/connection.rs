//! Connections: a part of a list, with its cursors.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{
    parse::{Field, Selection},
    resolve::{Node, Object},
    schema,
};

/// A connection over all `nodes`, cut by `first`, `last`, `after`, `before`.
pub(super) fn cut(of: &'static str, nodes: Vec<Node>, arguments: &Map<String, Value>) -> Object {
    extended(of, nodes, arguments, Vec::new())
}

/// The same with more fields.
pub(super) fn extended(
    of: &'static str,
    nodes: Vec<Node>,
    arguments: &Map<String, Value>,
    mut more: Vec<(&'static str, Node)>,
) -> Object {
    let total = nodes.len();
    let number = |name: &str| arguments.get(name).and_then(Value::as_u64).map(|n| n as usize);
    let mark = |name: &str| arguments.get(name).and_then(Value::as_str).and_then(place);
    let from = mark("after").map_or(0, |n| n.min(total));
    let to = mark("before").map_or(total, |n| n.saturating_sub(1).min(total)).max(from);
    let (start, end) = match (number("first"), number("last")) {
        (Some(first), _) => (from, (from + first).min(to)),
        (None, Some(last)) => (to.saturating_sub(last).max(from), to),
        (None, None) => (from, to),
    };
    let at = |n: usize| if start == end { Value::Null } else { json!(cursor(n)) };
    let info = Object::plain(
        "PageInfo",
        vec![
            ("hasNextPage", Node::leaf(end < total)),
            ("hasPreviousPage", Node::leaf(start > 0)),
            ("startCursor", Node::Leaf(at(start + 1))),
            ("endCursor", Node::Leaf(at(end))),
        ],
    );
    let shown: Vec<Node> = nodes.into_iter().skip(start).take(end - start).collect();
    let edge = |(n, node): (usize, &Node)| {
        let fields = vec![("cursor", Node::leaf(cursor(start + n + 1))), ("node", node.clone())];
        Node::Of(Object::plain(
            if of == "PullRequestConnection" { "PullRequestEdge" } else { "SearchResultItemEdge" },
            fields,
        ))
    };
    more.push(("edges", Node::List(shown.iter().enumerate().map(edge).collect())));
    more.push(("totalCount", Node::leaf(total)));
    more.push(("issueCount", Node::leaf(total)));
    more.push(("pageInfo", Node::Of(info)));
    more.push(("nodes", Node::List(shown)));
    Object::plain(of, more)
}

fn cursor(n: usize) -> String {
    STANDARD.encode(format!("cursor:{n}"))
}

fn place(cursor: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("cursor:")?.parse().ok()
}

/// The complaint about a connection whose nodes are wanted without saying how many.
pub(super) fn unbounded(of: &str, field: &Field, arguments: &Map<String, Value>) -> Option<String> {
    let known = schema::field(of, &field.name)?;
    if !known.arguments.contains(&"first") {
        return None;
    }
    for name in ["first", "last"] {
        if let Some(n) = arguments.get(name).and_then(Value::as_i64)
            && !(1..=100).contains(&n)
        {
            let what = if n > 100 { "exceeds the `first` limit of 100 records" } else { "is too small" };
            return Some(format!("Requesting {n} records on the `{}` connection {what}.", field.name));
        }
    }
    let given = arguments.get("first").or_else(|| arguments.get("last")).is_some_and(|v| !v.is_null());
    let wants = |name: &str| field.selections.iter().any(|s| matches!(s, Selection::Field(f) if f.name == name));
    (!given && (wants("nodes") || wants("edges"))).then(|| {
        format!("You must provide a `first` or `last` value to properly paginate the `{}` connection.", field.name)
    })
}
