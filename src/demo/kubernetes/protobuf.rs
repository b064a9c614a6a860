//! The few request bodies that `kubectl` sends as protobuf whatever the server prefers: reviews, ConfigMaps, Secrets and Jobs.
//!
//! The envelope is `k8s\0` and a `runtime.Unknown` (`apimachinery/pkg/runtime/generated.proto`).

mod schema;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::answer::Failure;

/// A decoded field: its number, and its value if it is a string, bytes or a message.
type Field<'a> = (u64, &'a [u8]);

/// Reads a body as JSON, or as one of the protobuf messages known here. 415 for all other protobuf.
pub fn decode(body: &[u8]) -> Result<Value, Failure> {
    let Some(envelope) = body.strip_prefix(b"k8s\0") else {
        return serde_json::from_slice(body).map_err(|e| {
            Failure::bad_request(format!("the object provided is unrecognized (must be of type JSON): {e}"))
        });
    };
    let broken = || Failure::bad_request("the object provided is unrecognized: it is no protobuf message");
    let unknown = fields(envelope).ok_or_else(broken)?;
    let meta = fields(bytes(&unknown, 1)).ok_or_else(broken)?;
    let (api_version, kind) = (string(&meta, 1), string(&meta, 2));
    if kind == "Job" {
        let mut value = schema::read(schema::JOB, bytes(&unknown, 2)).map_err(Failure::bad_request)?;
        value["apiVersion"] = json!(api_version);
        value["kind"] = json!(kind);
        return Ok(value);
    }
    let raw = fields(bytes(&unknown, 2)).ok_or_else(broken)?;
    let mut value = message(&kind, &raw).ok_or_else(|| Failure::unsupported_media_type("application/json"))?;
    value["apiVersion"] = json!(api_version);
    value["kind"] = json!(kind);
    Ok(value)
}

/// The length-delimited fields of a message; numbers are skipped. `None` if it is cut off.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        match tag & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            1 => bytes = bytes.get(8..)?,
            5 => bytes = bytes.get(4..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                all.push((tag >> 3, value));
                bytes = rest;
            }
            _ => return None,
        }
    }
    Some(all)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn bytes<'a>(message: &[Field<'a>], number: u64) -> &'a [u8] {
    message.iter().rev().find(|(n, _)| *n == number).map(|(_, b)| *b).unwrap_or_default()
}

fn string(message: &[Field<'_>], number: u64) -> String {
    String::from_utf8_lossy(bytes(message, number)).into_owned()
}

/// The entries of a `map<string, string>` field.
fn map(message: &[Field<'_>], number: u64) -> Option<Value> {
    let mut all = serde_json::Map::new();
    for (_, entry) in message.iter().filter(|(n, _)| *n == number) {
        let entry = fields(entry)?;
        all.insert(string(&entry, 1), json!(string(&entry, 2)));
    }
    Some(Value::Object(all))
}

/// A message as JSON; fields are numbered in the `generated.proto` of each API group.
fn message(kind: &str, raw: &[Field<'_>]) -> Option<Value> {
    let spec = fields(bytes(raw, 2))?;
    match kind {
        "SelfSubjectReview" => Some(json!({"metadata": {}})),
        "SelfSubjectRulesReview" => Some(json!({"metadata": {}, "spec": {"namespace": string(&spec, 1)}})),
        "SelfSubjectAccessReview" => {
            let named = |message: &[Field<'_>], names: &[&str]| {
                let mut value = json!({});
                for (index, name) in names.iter().enumerate() {
                    let text = string(message, index as u64 + 1);
                    if !text.is_empty() {
                        value[*name] = json!(text);
                    }
                }
                value
            };
            let names = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
            let spec = if bytes(&spec, 1).is_empty() {
                json!({"nonResourceAttributes": named(&fields(bytes(&spec, 2))?, &["path", "verb"])})
            } else {
                json!({"resourceAttributes": named(&fields(bytes(&spec, 1))?, &names)})
            };
            Some(json!({"metadata": {}, "spec": spec}))
        }
        "ConfigMap" => Some(json!({"metadata": metadata(raw)?, "data": map(raw, 2)?})),
        // Helm keeps its releases so.
        "Secret" => Some(json!({"metadata": metadata(raw)?, "data": encoded(raw, 2)?, "type": string(raw, 3)})),
        _ => None,
    }
}

fn metadata(raw: &[Field<'_>]) -> Option<Value> {
    let meta = fields(bytes(raw, 1))?;
    let mut metadata = json!({"name": string(&meta, 1)});
    for (number, name) in [(3, "namespace"), (5, "uid"), (6, "resourceVersion")] {
        let text = string(&meta, number);
        if !text.is_empty() {
            metadata[name] = json!(text);
        }
    }
    for (number, name) in [(11, "labels"), (12, "annotations")] {
        if let Some(found) = map(&meta, number).filter(|m| *m != json!({})) {
            metadata[name] = found;
        }
    }
    Some(metadata)
}

/// The entries of a `map<string, bytes>` field, as JSON has them.
fn encoded(message: &[Field<'_>], number: u64) -> Option<Value> {
    let mut all = serde_json::Map::new();
    for (_, entry) in message.iter().filter(|(n, _)| *n == number) {
        let entry = fields(entry)?;
        all.insert(string(&entry, 1), json!(STANDARD.encode(bytes(&entry, 2))));
    }
    Some(Value::Object(all))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::decode;

    /// A length-delimited field.
    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        let mut all = vec![number << 3 | 2, value.len() as u8];
        all.extend(value);
        all
    }

    #[test]
    fn an_access_review_is_read() {
        let attributes = [field(1, b"shop"), field(2, b"patch"), field(3, b"apps"), field(5, b"deployments")].concat();
        let spec = field(2, &field(1, &attributes));
        let meta = [field(1, b"authorization.k8s.io/v1"), field(2, b"SelfSubjectAccessReview")].concat();
        let body = [b"k8s\0".to_vec(), field(1, &meta), field(2, &[field(1, &[]), spec].concat())].concat();
        let value = decode(&body).unwrap();
        let wanted = json!({"namespace": "shop", "verb": "patch", "group": "apps", "resource": "deployments"});
        assert_eq!(value["spec"]["resourceAttributes"], wanted);
        assert_eq!(value["kind"], "SelfSubjectAccessReview");
    }

    #[test]
    fn what_is_cut_off_or_unknown_is_refused() {
        assert_eq!(decode(b"k8s\0\x0a\x7f").unwrap_err().code, 400);
        let meta = [field(1, b"apps/v1"), field(2, b"Deployment")].concat();
        let body = [b"k8s\0".to_vec(), field(1, &meta), field(2, &[])].concat();
        assert_eq!(decode(&body).unwrap_err().code, 415);
    }
}
