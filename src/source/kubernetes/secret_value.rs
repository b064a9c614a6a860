//! One value of a Secret, on request. The others are skipped while they are parsed.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{client::Cluster, failure::Failure, failure::Reached, secret_keys::SecretKeys, table::object_path};
use crate::{
    model::{
        Name,
        kubernetes::{
            resource::ResourceKey,
            secret::{Revealed, SecretKey},
        },
    },
    secret::Secret,
    source::ErrorKind,
    text::Clean,
};

/// The names of a Secret's keys, with the size of each value in bytes.
pub async fn keys(cluster: &Cluster, object: &ResourceKey) -> Result<Vec<(Name, usize)>, Failure> {
    let keys: SecretKeys = cluster.get(&object_path(object)).await?;
    Ok(keys.keys().map(|(name, size)| (Clean::line(name), size)).collect())
}

/// Reads a value.
pub async fn value(cluster: &Cluster, wanted: &SecretKey) -> Result<Revealed, Failure> {
    let body = cluster.get_bytes(&object_path(&wanted.object), cluster.answer_within()).await?;
    let failed = |what: &str| {
        let says = format!("'{}' of {} {what}.", wanted.key, wanted.object);
        Failure::own(ErrorKind::Unexpected, Reached::Answered, says)
    };
    // the parser's own words may quote what it stumbled over
    let found = find(&body, &wanted.key).map_err(|_| failed("is not what a Secret holds"))?;
    let encoded = found.ok_or_else(|| failed("is no longer there"))?;
    let bytes = STANDARD.decode(encoded.expose()).map_err(|_| failed("is not in base64"))?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Revealed::Text(Arc::new(Secret::verbatim(text))),
        Err(error) => Revealed::Binary(error.as_bytes().len()),
    })
}

fn find(body: &[u8], key: &str) -> serde_json::Result<Option<Secret>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    json.deserialize_map(Field { name: "data", of: Field { name: key, of: Text } })
}

/// A field of an object, read by `of`; what stands beside it is not kept.
struct Field<'a, T> {
    name: &'a str,
    of: T,
}

struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Secret>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Text {
    type Value = Option<Secret>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Secret::new(text)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Some(Secret::new("")))
    }
}

impl<'de, T> DeserializeSeed<'de> for Field<'_, T>
where
    T: DeserializeSeed<'de, Value = Option<Secret>>,
{
    type Value = Option<Secret>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for Field<'_, T>
where
    T: DeserializeSeed<'de, Value = Option<Secret>>,
{
    type Value = Option<Secret>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with '{}'", self.name)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut of) = (None, Some(self.of));
        while let Some(name) = map.next_key::<String>()? {
            match of.take_if(|_| name == self.name) {
                Some(of) => found = map.next_value_seed(of)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_that_is_asked_for_is_taken() {
        let body =
            br#"{"kind": "Secret", "metadata": {"name": "db", "annotations": {"data": "no"}, "data": {"p": "bm8="}},
            "data": {"other": "aHVudGVyMg==", "p": "bWFya2Vy", "none": null}, "type": "Opaque"}"#;
        let of = |key: &str| find(body, key).unwrap().map(|secret| secret.expose().to_owned());
        assert_eq!(of("p").as_deref(), Some("bWFya2Vy"));
        assert_eq!(of("none").as_deref(), Some(""));
        assert_eq!((of("gone"), of("name")), (None, None));
        assert!(find(br#"{"data": null}"#, "p").unwrap().is_none());
        assert!(find(br#"{"kind": "Secret"}"#, "p").unwrap().is_none());
        assert!(find(br#"{"data": {"p": 7}}"#, "p").is_err());
    }
}
