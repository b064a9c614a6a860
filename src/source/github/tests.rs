//! The client against a fake GitHub that can be slow, cut off, hostile or out of budget.

mod demo;
mod fake;
mod inspect;
mod limits;
mod pulls;
mod reader;
mod runs;
mod transport;
mod writes;

use std::{sync::Arc, time::Duration};

use fake::Fake;

use super::{Client, Settings};
use crate::{model::BackendId, secret::Secret, time::TestClock};

const NOW: &str = "2026-11-21T03:14:22Z";
const TOKEN: &str = "ghp_markermarkermarker1234";

/// A client of `fake` with short limits, and its clock.
fn client(fake: &Fake) -> (Arc<Client>, Arc<TestClock>) {
    client_with(fake, |_| {})
}

fn client_with(fake: &Fake, change: impl FnOnce(&mut Settings)) -> (Arc<Client>, Arc<TestClock>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut settings = Settings::new(&BackendId::new("gh"), &fake.url, None).unwrap();
    settings.connect = Duration::from_secs(2);
    settings.idle = Duration::from_millis(300);
    settings.answer = Duration::from_secs(3);
    settings.write_gap = Duration::ZERO;
    settings.settle = Duration::from_millis(1);
    change(&mut settings);
    let clock = Arc::new(TestClock::at(NOW.parse().unwrap()));
    (Client::new(settings, Some(&Secret::new(TOKEN)), clock.clone()).unwrap(), clock)
}

fn repo() -> crate::model::code::RepoKey {
    crate::model::code::RepoKey { host: BackendId::new("gh"), name: "acme/api".into() }
}

fn pull_key() -> crate::model::code::PullRequestKey {
    crate::model::code::PullRequestKey { repo: repo(), number: 1490 }
}

fn run_key() -> crate::model::code::RunKey {
    crate::model::code::RunKey { repo: repo(), id: 412 }
}
