//! GraphQL: reads a document, checks it against the part of the schema that is served, and answers it.

use serde_json::{Map, Value, json};

use super::{Call, limits::Bucket, limits::Limits, reply::Reply};
use crate::demo::code::Code;
use check::check;
use parse::{Document, Field, Operation, Selection, parse};
use resolve::{Node, Object, Resolver};

mod check;
mod connection;
mod lists;
mod parse;
mod resolve;
mod rollup;
mod schema;

/// `POST /graphql`.
pub(super) fn answer(code: &Code, call: &Call<'_>, limits: &mut Limits) -> Reply {
    let Some(query) = call.text("query") else {
        let message = "A query attribute must be specified and must be a string.";
        return Reply::json(400, json!({ "errors": [{ "message": message }] }));
    };
    let document = match parse(query) {
        Ok(document) => document,
        Err(error) => return Reply::json(200, json!({ "errors": [{ "message": error.0 }] })),
    };
    let name = call.text("operationName");
    let Some(operation) = document.operations.iter().find(|o| name.is_none() || o.name.as_deref() == name) else {
        return Reply::json(200, json!({ "errors": [{ "message": "No operation found" }] }));
    };
    let variables = match bind(operation, call.body.get("variables").and_then(Value::as_object)) {
        Ok(variables) => variables,
        Err(error) => return Reply::json(200, json!({ "errors": [error] })),
    };
    let errors = check(&document, operation);
    if !errors.is_empty() {
        return Reply::json(200, json!({ "errors": errors }));
    }
    let rate = limits.state(Bucket::Graphql, code.now);
    let mut run = Execution { document: &document, variables, resolver: Resolver { code, rate }, errors: Vec::new() };
    let mut path = Vec::new();
    let data = run.object(&Object::Query, &[&operation.selections], &mut path);
    let mut body = json!({ "data": data });
    if !run.errors.is_empty() {
        body["errors"] = Value::Array(run.errors);
    }
    Reply::json(200, body)
}

/// The variables, with their defaults.
fn bind(operation: &Operation, sent: Option<&Map<String, Value>>) -> Result<Map<String, Value>, Value> {
    let mut bound = Map::new();
    for (name, kind, default) in &operation.variables {
        let value = sent.and_then(|s| s.get(name)).cloned().or_else(|| default.clone());
        let fits = match (kind.trim_end_matches('!'), &value) {
            (_, None | Some(Value::Null)) => !kind.ends_with('!'),
            ("Int", Some(v)) => v.is_i64() || v.is_u64(),
            ("String" | "ID", Some(v)) => v.is_string(),
            ("Boolean", Some(v)) => v.is_boolean(),
            _ => true,
        };
        if !fits {
            let shown = value.unwrap_or(Value::Null);
            return Err(json!({
                "message": format!("Variable ${name} of type {kind} was provided invalid value"),
                "extensions": { "value": shown, "problems": [{ "path": [], "explanation": "Expected value to not be null" }] },
            }));
        }
        if let Some(value) = value {
            bound.insert(name.clone(), value);
        }
    }
    Ok(bound)
}

struct Execution<'a> {
    document: &'a Document,
    variables: Map<String, Value>,
    resolver: Resolver<'a>,
    errors: Vec<Value>,
}

impl<'a> Execution<'a> {
    fn object(&mut self, object: &Object, selections: &[&'a [Selection]], path: &mut Vec<Value>) -> Value {
        let mut fields: Vec<(&'a str, Vec<&'a Field>)> = Vec::new();
        for set in selections {
            self.collect(object.type_name(), set, &mut fields);
        }
        let mut out = Map::new();
        for (key, same) in fields {
            path.push(json!(key));
            let value = self.field(object, &same, path);
            path.pop();
            out.insert(key.to_owned(), value);
        }
        Value::Object(out)
    }

    /// The fields that apply to an object of this type, by answer key.
    fn collect(&self, of: &str, set: &'a [Selection], into: &mut Vec<(&'a str, Vec<&'a Field>)>) {
        for selection in set {
            match selection {
                Selection::Field(field) => {
                    let key = field.alias.as_deref().unwrap_or(&field.name);
                    match into.iter_mut().find(|(k, _)| *k == key) {
                        Some((_, same)) => same.push(field),
                        None => into.push((key, vec![field])),
                    }
                }
                Selection::Spread(name) => {
                    if let Some(fragment) = self.document.fragments.get(name)
                        && schema::is_a(of, &fragment.on)
                    {
                        self.collect(of, &fragment.selections, into);
                    }
                }
                Selection::Inline { on, selections } => {
                    if on.as_deref().is_none_or(|on| schema::is_a(of, on)) {
                        self.collect(of, selections, into);
                    }
                }
            }
        }
    }

    fn field(&mut self, object: &Object, same: &[&'a Field], path: &mut Vec<Value>) -> Value {
        let Some(field) = same.first() else { return Value::Null };
        if field.name == "__typename" {
            return json!(object.type_name());
        }
        let arguments: Map<String, Value> =
            field.arguments.iter().map(|(k, v)| (k.clone(), v.resolve(&self.variables))).collect();
        let selections: Vec<&'a [Selection]> = same.iter().map(|f| f.selections.as_slice()).collect();
        if let Some(error) = connection::unbounded(object.type_name(), field, &arguments) {
            return self.fail(field, path, "MISSING_PAGINATION_BOUNDARIES", &error);
        }
        match self.resolver.field(object, &field.name, &arguments) {
            Ok(node) => self.node(&node, &selections, path),
            Err(message) => self.fail(field, path, "NOT_FOUND", &message),
        }
    }

    fn fail(&mut self, field: &Field, path: &[Value], kind: &str, message: &str) -> Value {
        let (line, column) = field.at;
        self.errors.push(json!({
            "type": kind, "path": path, "locations": [{ "line": line, "column": column }], "message": message,
        }));
        Value::Null
    }

    fn node(&mut self, node: &Node, selections: &[&'a [Selection]], path: &mut Vec<Value>) -> Value {
        match node {
            Node::Leaf(value) => value.clone(),
            Node::Of(object) => self.object(object, selections, path),
            Node::List(all) => {
                let mut out = Vec::new();
                for (index, one) in all.iter().enumerate() {
                    path.push(json!(index));
                    out.push(self.node(one, selections, path));
                    path.pop();
                }
                Value::Array(out)
            }
        }
    }
}
