//! A kind of object as a collection of rows.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{
    TABLE,
    shapes::{Page, Reading},
    state::Stated,
};
use crate::{
    model::{
        Name,
        kubernetes::{
            resource::Resource,
            table::{TableColumn, TableRow},
        },
    },
    source::kubernetes::{
        client::{Cluster, segment},
        rows::Rows,
        watch::{About, AboutMeta, Collection, PageMeta, Unreadable},
    },
    text::Clean,
};

/// Path of a kind's objects, of one namespace or of all.
pub fn collection(resource: &Resource, namespace: Option<&str>) -> String {
    let root = if resource.group.is_empty() {
        format!("/api/{}", segment(&resource.version))
    } else {
        format!("/apis/{}/{}", segment(&resource.group), segment(&resource.version))
    };
    let within = namespace.map(|namespace| format!("/namespaces/{}", segment(namespace))).unwrap_or_default();
    format!("{root}{within}/{}", segment(&resource.plural))
}

/// A kind, listed and watched as the server's own table.
#[derive(Clone)]
pub struct Kind {
    resource: Arc<Resource>,
    stated: Option<Stated>,
    cluster: Cluster,
}

/// A change of a table.
#[derive(Debug)]
pub enum Told {
    Columns(Vec<TableColumn>),
    Row(Box<TableRow>),
    Gone(Name, Name),
}

impl Kind {
    pub fn new(resource: Arc<Resource>, cluster: Cluster) -> Self {
        Self { stated: Stated::of(&resource), resource, cluster }
    }

    fn tell(&self, rows: &Rows, page: Page<'_>, told: &mut Vec<Told>) {
        let reading = Reading { rows, stated: self.stated, printed: self.cluster.time() };
        let columns = page.into_rows(&reading, |row| told.push(Told::Row(Box::new(row))));
        told.extend(columns.filter(|columns| !columns.is_empty()).map(Told::Columns));
    }
}

impl Collection for Kind {
    type Told = Told;

    fn title(&self) -> &str {
        &self.resource.plural
    }

    fn accept(&self) -> &'static str {
        TABLE
    }

    fn may_be_listed_only(&self) -> bool {
        true
    }

    fn path(&self, namespace: Option<&Name>) -> String {
        let include = if self.stated.is_some() { "Object" } else { "Metadata" };
        format!("{}?includeObject={include}", collection(&self.resource, namespace.map(Clean::as_str)))
    }

    fn put(&self, rows: &Rows, raw: &RawValue, told: &mut Vec<Told>) -> serde_json::Result<()> {
        self.tell(rows, Page::of_change(raw)?, told);
        Ok(())
    }

    fn gone(&self, _rows: &Rows, namespace: &str, name: &str) -> Told {
        Told::Gone(Clean::line(namespace), Clean::line(name))
    }

    fn key_of(told: &Told) -> Option<(&Name, &Name)> {
        match told {
            Told::Row(row) => Some((&row.namespace, &row.name)),
            Told::Columns(_) | Told::Gone(..) => None,
        }
    }

    fn page(
        &self,
        rows: &Rows,
        answer: &[u8],
        told: &mut Vec<Told>,
        _unreadable: &mut Unreadable,
    ) -> serde_json::Result<PageMeta> {
        let mut page: Page<'_> = serde_json::from_slice(answer)?;
        let meta = std::mem::take(&mut page.metadata);
        self.tell(rows, page, told);
        Ok(meta)
    }

    fn about(&self, raw: &RawValue) -> About {
        let (namespace, name, resource_version) = Page::of_change(raw).map(Page::about).unwrap_or_default();
        About { metadata: AboutMeta { name, namespace, resource_version } }
    }
}
