//! A fake registry of images.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use futures::{FutureExt as _, future::BoxFuture};

use crate::{
    action::{Registry, registry::Registered},
    model::{Name, image::ImageRef},
    text::Clean,
};

/// The registry of the fake cluster's images; without an answer it hangs.
pub struct FakeRegistry {
    pub host: Name,
    pub answer: Option<Result<Registered, Clean>>,
    /// Images with the digests that were known.
    pub asked: Mutex<Vec<(String, BTreeSet<Name>)>>,
}

impl FakeRegistry {
    pub fn new(answer: Option<Result<Registered, Clean>>) -> Arc<Self> {
        Arc::new(Self { host: "registry.example".into(), answer, asked: Mutex::default() })
    }
}

impl Registry for FakeRegistry {
    fn host(&self) -> &Name {
        &self.host
    }

    fn look<'a>(&'a self, image: &'a ImageRef, known: &'a BTreeSet<Name>) -> BoxFuture<'a, Result<Registered, Clean>> {
        self.asked.lock().expect("unpoisoned").push((image.to_string(), known.clone()));
        match self.answer.clone() {
            Some(answer) => std::future::ready(answer).boxed(),
            None => std::future::pending().boxed(),
        }
    }
}
