//! A value of a Secret that somebody asked to see.

use std::sync::Arc;

use super::resource::ResourceKey;
use crate::{model::Name, secret::Secret};

/// One key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey {
    pub object: ResourceKey,
    pub key: Name,
}

/// What it holds. Printed as `[secret]`; gone with the last who looks at it.
#[derive(Clone, Debug)]
pub enum Revealed {
    Text(Arc<Secret>),
    /// No text: so many bytes.
    Binary(usize),
}

/// The same answer, not the same value: values are not compared.
impl PartialEq for Revealed {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Arc::ptr_eq(one, other),
            (Self::Binary(one), Self::Binary(other)) => one == other,
            _ => false,
        }
    }
}
