//! Lists and watches as they come: their frame is read, their objects are left for their kind to read.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::text::Clean;

/// How many objects could not be read, and why the first.
#[derive(Default)]
pub struct Unreadable {
    count: usize,
    first: Option<String>,
}

impl Unreadable {
    pub fn add(&mut self, error: &serde_json::Error) {
        self.count += 1;
        self.first.get_or_insert_with(|| error.to_string());
    }

    pub fn note(self, title: &str) -> Option<Clean> {
        let first = self.first?;
        Some(Clean::line(&format!("{} of the {title} cannot be read and are left out: {first}", self.count)))
    }
}

#[derive(Deserialize)]
pub struct Page<'a> {
    pub metadata: Option<PageMeta>,
    #[serde(borrow)]
    pub items: Option<Vec<&'a RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PageMeta {
    pub resource_version: Option<String>,
    #[serde(rename = "continue")]
    pub continues: Option<String>,
    /// Objects beyond this page, where the server says.
    pub remaining_item_count: Option<u64>,
}

#[derive(Deserialize)]
pub struct Change<'a> {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(borrow)]
    pub object: &'a RawValue,
}

/// What an object is called, and its version.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct About {
    pub metadata: AboutMeta,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AboutMeta {
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub resource_version: Option<String>,
}
