//! GraphQL: one POST, of which the good parts are kept when others fail. It answers 200 with `errors` beside `data`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Caller, Client},
    failure::Failure,
};
use crate::{secret, source::ErrorKind, text::Clean};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GraphAnswer {
    pub data: Option<Value>,
    pub errors: Option<Vec<GraphError>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GraphError {
    /// `NOT_FOUND`, `FORBIDDEN`, `RATE_LIMITED` and others.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub message: Option<String>,
    /// Names and indices from the root.
    pub path: Option<Vec<Value>>,
}

impl GraphError {
    pub fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    /// The server's words.
    pub fn words(&self) -> Clean {
        Clean::line(&secret::mask(self.message.as_deref().unwrap_or("no reason given")))
    }

    /// The alias at the root that failed.
    pub fn alias(&self) -> Option<&str> {
        self.path.as_ref()?.first()?.as_str()
    }

    /// The token may not read checks: fine-grained tokens have no such right.
    pub fn is_checks_right(&self) -> bool {
        let is_refused = self.is("FORBIDDEN")
            || self.message.as_deref().is_some_and(|text| text.contains("Resource not accessible by"));
        let is_checks = self
            .path
            .iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(|name| name == "statusCheckRollup" || name == "checks" || name == "contexts");
        is_refused && is_checks
    }
}

impl GraphAnswer {
    pub fn errors(&self) -> &[GraphError] {
        self.errors.as_deref().unwrap_or_default()
    }

    /// What stands at `alias`; none if it failed.
    pub fn take(&mut self, alias: &str) -> Option<Value> {
        let found = self.data.as_mut()?.get_mut(alias)?.take();
        (!found.is_null()).then_some(found)
    }
}

impl Client {
    /// Fails only if no data came at all.
    pub async fn graphql(
        &self,
        document: &str,
        variables: &Value,
        what: &str,
        caller: Caller,
    ) -> Result<GraphAnswer, Failure> {
        let body = json!({ "query": document, "variables": variables });
        let bytes = self.post(&self.settings().graphql, &body, what, caller).await?;
        let answer: GraphAnswer = self.decode(&bytes, what)?;
        drop(bytes);
        if answer.errors().iter().any(|error| error.is("RATE_LIMITED") || error.is("RATE_LIMIT")) {
            return Err(self.limited("graphql"));
        }
        if let Some(login) = answer.data.as_ref().and_then(|data| data.pointer("/viewer/login")).and_then(Value::as_str)
        {
            self.learn_login(login);
        }
        // Without data the document itself was refused; paths then name places in it, not in the answer.
        let is_empty = match &answer.data {
            Some(Value::Object(fields)) => {
                fields.values().all(Value::is_null) && !answer.errors().iter().any(|error| error.alias().is_some())
            }
            _ => true,
        };
        if is_empty {
            let message = answer.errors().iter().find_map(|error| error.message.clone());
            let why = message.unwrap_or_else(|| "it holds no data".to_owned());
            if why.to_ascii_lowercase().contains("rate limit") {
                return Err(self.limited("graphql"));
            }
            let says = format!("GitHub '{}' refused {what}: {}", self.backend(), secret::mask(&why));
            return Err(Failure { message: why, ..Failure::new(ErrorKind::Unexpected, says) });
        }
        Ok(answer)
    }
}
