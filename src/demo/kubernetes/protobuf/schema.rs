//! Messages read by a table of their fields. What a table does not know is refused, not dropped, unless it is empty.

use serde_json::{Map, Value, json};

use super::varint;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    Text,
    Int,
    Bool,
    /// A list of the inner type: every occurrence is one item.
    Many(&'static Type),
    /// `map<string, T>`: every occurrence is one entry.
    Entries(&'static Type),
    Message(Table),
    /// `resource.Quantity`: a message whose only field is its text.
    Quantity,
    /// Written by the server: whatever a client sends there is ignored.
    Ignored,
}

/// Field number, JSON name, type; as in `generated.proto` of the API group.
pub type Table = &'static [(u64, &'static str, Type)];

const TEXTS: Type = Type::Entries(&Type::Text);

const OWNER: Table = &[
    (1, "kind", Type::Text),
    (3, "name", Type::Text),
    (4, "uid", Type::Text),
    (5, "apiVersion", Type::Text),
    (6, "controller", Type::Bool),
    (7, "blockOwnerDeletion", Type::Bool),
];

const METADATA: Table = &[
    (1, "name", Type::Text),
    (2, "generateName", Type::Text),
    (3, "namespace", Type::Text),
    (8, "creationTimestamp", Type::Ignored),
    (11, "labels", TEXTS),
    (12, "annotations", TEXTS),
    (13, "ownerReferences", Type::Many(&Type::Message(OWNER))),
];

const RESOURCES: Table =
    &[(1, "limits", Type::Entries(&Type::Quantity)), (2, "requests", Type::Entries(&Type::Quantity))];

const CONTAINER: Table = &[
    (1, "name", Type::Text),
    (2, "image", Type::Text),
    (3, "command", Type::Many(&Type::Text)),
    (4, "args", Type::Many(&Type::Text)),
    (5, "workingDir", Type::Text),
    (7, "env", Type::Many(&Type::Message(&[(1, "name", Type::Text), (2, "value", Type::Text)]))),
    (8, "resources", Type::Message(RESOURCES)),
    (13, "terminationMessagePath", Type::Text),
    (14, "imagePullPolicy", Type::Text),
    (20, "terminationMessagePolicy", Type::Text),
];

const POD: Table = &[
    (2, "containers", Type::Many(&Type::Message(CONTAINER))),
    (3, "restartPolicy", Type::Text),
    (4, "terminationGracePeriodSeconds", Type::Int),
    (5, "activeDeadlineSeconds", Type::Int),
    (6, "dnsPolicy", Type::Text),
    (7, "nodeSelector", TEXTS),
    (8, "serviceAccountName", Type::Text),
    (9, "serviceAccount", Type::Text),
    (14, "securityContext", Type::Message(&[])),
    (19, "schedulerName", Type::Text),
];

const TEMPLATE: Table = &[(1, "metadata", Type::Message(METADATA)), (2, "spec", Type::Message(POD))];

/// `batch/v1` Job.
pub const JOB: Table = &[
    (1, "metadata", Type::Message(METADATA)),
    (
        2,
        "spec",
        Type::Message(&[
            (1, "parallelism", Type::Int),
            (2, "completions", Type::Int),
            (3, "activeDeadlineSeconds", Type::Int),
            (6, "template", Type::Message(TEMPLATE)),
            (7, "backoffLimit", Type::Int),
            (8, "ttlSecondsAfterFinished", Type::Int),
            (9, "completionMode", Type::Text),
            (10, "suspend", Type::Bool),
        ]),
    ),
    (3, "status", Type::Ignored),
];

/// One field on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Wire<'_> {
    fn empty(&self) -> bool {
        matches!(self, Self::Number(0) | Self::Bytes([]))
    }
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let tag = varint(bytes)?;
    let value = match tag & 7 {
        0 => Wire::Number(varint(bytes)?),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Wire::Bytes(value)
        }
        _ => return None,
    };
    Some((tag >> 3, value))
}

/// Reads a message as JSON. Empty texts are left out: on the wire they mean nothing. The error says what it stumbled over.
pub fn read(table: Table, mut bytes: &[u8]) -> Result<Value, String> {
    let mut map = Map::new();
    while !bytes.is_empty() {
        let (number, wire) = next(&mut bytes).ok_or("the object provided is no protobuf message")?;
        let Some((_, name, kind)) = table.iter().find(|(known, ..)| *known == number) else {
            if wire.empty() {
                continue;
            }
            let known = table.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ");
            return Err(format!("field {number} beside '{known}' is not understood by this server; send JSON"));
        };
        let place = map.get_mut(*name).map(Value::take);
        if let Some(value) = field(*kind, &wire, place)? {
            map.insert((*name).to_owned(), value);
        }
    }
    Ok(Value::Object(map))
}

/// A field's value, added to what the field held before; none for an empty text.
fn field(kind: Type, wire: &Wire<'_>, before: Option<Value>) -> Result<Option<Value>, String> {
    Ok(match (kind, wire) {
        (Type::Text, Wire::Bytes([])) | (Type::Ignored, _) => None,
        (Type::Text, Wire::Bytes(bytes)) => Some(json!(String::from_utf8_lossy(bytes))),
        (Type::Int, Wire::Number(number)) => Some(json!(*number as i64)),
        (Type::Bool, Wire::Number(number)) => Some(json!(*number != 0)),
        (Type::Message(table), Wire::Bytes(bytes)) => Some(read(table, bytes)?),
        (Type::Quantity, Wire::Bytes(bytes)) => {
            read(&[(1, "text", Type::Text)], bytes)?.get_mut("text").map(Value::take)
        }
        (Type::Many(item), _) => {
            let mut all = before.unwrap_or_else(|| json!([]));
            let one = field(*item, wire, None)?.unwrap_or_else(|| json!(""));
            all.as_array_mut().ok_or("a list is not a list")?.push(one);
            Some(all)
        }
        (Type::Entries(item), Wire::Bytes(bytes)) => {
            let mut bytes = *bytes;
            let mut all = before.unwrap_or_else(|| json!({}));
            let (mut key, mut value) = (String::new(), json!(""));
            while !bytes.is_empty() {
                match next(&mut bytes) {
                    Some((1, Wire::Bytes(text))) => key = String::from_utf8_lossy(text).into_owned(),
                    Some((2, wire)) => value = field(*item, &wire, None)?.unwrap_or_else(|| json!("")),
                    _ => return Err("the object provided is no protobuf message".to_owned()),
                }
            }
            all[key.as_str()] = value;
            Some(all)
        }
        _ => return Err("the object provided is no protobuf message: a field has the wrong type".to_owned()),
    })
}
