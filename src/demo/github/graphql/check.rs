//! Checking a document against the schema before it is answered, in GitHub's words.

use serde_json::{Value, json};

use super::{
    parse::{Argument, Document, Field, Operation, Selection},
    schema,
};

/// Everything that is wrong with an operation; nothing is answered then.
pub(super) fn check(document: &Document, operation: &Operation) -> Vec<Value> {
    let root = if operation.kind == "mutation" { "Mutation" } else { "Query" };
    let title = operation.name.as_ref().map_or_else(|| operation.kind.clone(), |n| format!("{} {n}", operation.kind));
    let mut run = Check { document, operation, errors: Vec::new(), path: vec![title], spread: Vec::new() };
    run.set(root, &operation.selections);
    run.errors
}

struct Check<'a> {
    document: &'a Document,
    operation: &'a Operation,
    errors: Vec<Value>,
    path: Vec<String>,
    spread: Vec<String>,
}

impl<'a> Check<'a> {
    fn set(&mut self, of: &str, selections: &'a [Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    self.path.push(field.alias.clone().unwrap_or_else(|| field.name.clone()));
                    self.field(of, field);
                    self.path.pop();
                }
                Selection::Inline { on, selections } => {
                    self.path.push(on.as_ref().map_or_else(|| "...".to_owned(), |on| format!("... on {on}")));
                    self.conditioned(on.as_deref().unwrap_or(of), selections);
                    self.path.pop();
                }
                Selection::Spread(name) => match self.document.fragments.get(name) {
                    None => {
                        self.error(None, "useAndDefineFragment", &format!("Fragment {name} was used, but not defined"));
                    }
                    Some(_) if self.spread.contains(name) => {
                        self.error(None, "infiniteLoop", &format!("Fragment {name} contains an infinite loop"));
                    }
                    Some(fragment) => {
                        self.spread.push(name.clone());
                        self.path.push(format!("fragment {name}"));
                        self.conditioned(&fragment.on, &fragment.selections);
                        self.path.pop();
                        self.spread.pop();
                    }
                },
            }
        }
    }

    fn conditioned(&mut self, on: &str, selections: &'a [Selection]) {
        if schema::known(on) {
            self.set(on, selections);
        } else {
            self.error(None, "undefinedType", &format!("No such type {on}, so it can't be a fragment condition"));
        }
    }

    fn field(&mut self, of: &str, field: &'a Field) {
        if field.name == "__typename" {
            return;
        }
        let Some(known) = schema::field(of, &field.name) else {
            let message = format!("Field '{}' doesn't exist on type '{of}'", field.name);
            return self.error(Some(field), "undefinedField", &message);
        };
        for (name, value) in &field.arguments {
            if !known.arguments.contains(&name.as_str()) {
                let message = format!("Field '{}' doesn't accept argument '{name}'", field.name);
                self.error(Some(field), "argumentNotAccepted", &message);
            }
            self.variables(value);
        }
        match (known.of, field.selections.is_empty()) {
            (Some(of), false) => self.set(of, &field.selections),
            (Some(of), true) => {
                let message = format!(
                    "Field must have selections (field '{}' returns {of} but has no selections. Did you mean '{} {{ ... }}'?)",
                    field.name, field.name
                );
                self.error(Some(field), "selectionMismatch", &message);
            }
            (None, false) => {
                let message = format!("Selections can't be made on scalars (field '{}')", field.name);
                self.error(Some(field), "selectionMismatch", &message);
            }
            (None, true) => {}
        }
    }

    fn variables(&mut self, value: &Argument) {
        match value {
            Argument::Variable(name) if !self.operation.variables.iter().any(|(n, _, _)| n == name) => {
                let by = self.operation.name.as_ref().map_or_else(|| "anonymous query".to_owned(), Clone::clone);
                self.error(None, "variableNotDefined", &format!("Variable ${name} is used by {by} but not declared"));
            }
            Argument::List(all) => all.iter().for_each(|v| self.variables(v)),
            Argument::Object(all) => all.iter().for_each(|(_, v)| self.variables(v)),
            Argument::Variable(_) | Argument::Plain(_) => {}
        }
    }

    fn error(&mut self, field: Option<&Field>, code: &str, message: &str) {
        let (line, column) = field.map_or((1, 1), |f| f.at);
        let error = json!({
            "path": self.path, "extensions": { "code": code }, "message": message,
            "locations": [{ "line": line, "column": column }],
        });
        self.errors.push(error);
    }
}
