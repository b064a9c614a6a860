//! What a lane follows: where it is listed and watched, and what its objects are told as.

use serde_json::value::RawValue;

use super::shapes::{About, Page, PageMeta, Unreadable};
use crate::{model::Name, source::kubernetes::rows::Rows};

/// A collection of objects of one kind.
pub trait Collection: Clone + Send + Sync + 'static {
    /// A change of it.
    type Told: Send + 'static;

    fn title(&self) -> &str;

    /// The form in which it is asked for.
    fn accept(&self) -> &'static str {
        "application/json"
    }

    /// Where it may not be watched, what was listed stays.
    fn may_be_listed_only(&self) -> bool {
        false
    }

    /// Path and first query parameters; more are appended with `&`.
    fn path(&self, namespace: Option<&Name>) -> String;

    /// Tells an object that is there.
    ///
    /// # Errors
    /// It cannot be read.
    fn put(&self, rows: &Rows, raw: &RawValue, told: &mut Vec<Self::Told>) -> serde_json::Result<()>;

    /// Tells that an object is gone.
    fn gone(&self, rows: &Rows, namespace: &str, name: &str) -> Self::Told;

    /// Namespace and name of an object that is told to be there.
    fn key_of(told: &Self::Told) -> Option<(&Name, &Name)>;

    /// Tells the objects of a page of the list.
    ///
    /// # Errors
    /// It is no page; objects that cannot be read are counted.
    fn page(
        &self,
        rows: &Rows,
        answer: &[u8],
        told: &mut Vec<Self::Told>,
        unreadable: &mut Unreadable,
    ) -> serde_json::Result<PageMeta> {
        let page: Page<'_> = serde_json::from_slice(answer)?;
        for raw in page.items.into_iter().flatten() {
            if let Err(error) = self.put(rows, raw, told) {
                unreadable.add(&error);
            }
        }
        Ok(page.metadata.unwrap_or_default())
    }

    /// What the object of a change is called, and its version.
    fn about(&self, raw: &RawValue) -> About {
        serde_json::from_str(raw.get()).unwrap_or_default()
    }
}
