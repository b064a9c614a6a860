//! GitHub: pull requests, workflow runs, jobs and logs, over REST (2022-11-28) and GraphQL, on octocrab.
//!
//! One [`Client`] per configured host; all its sources, readers, inspectors and operators share it, so that requests go
//! one after another, the request budget is counted in one place, and one cache answers for all.

mod cache;
mod client;
mod convert;
mod deploys;
mod detail;
pub mod documents;
mod exchange;
mod failure;
mod graphql;
mod hooks;
mod inspect;
mod job_log;
mod limits;
mod pulls;
mod reader;
pub mod remote;
pub mod requests;
mod runs;
mod settings;
mod shapes;
pub mod token;

#[cfg(test)]
mod tests;

pub use client::{Caller, Client};
pub use deploys::DeployRule;
pub use failure::{Failure, Reached};
pub use inspect::GitHubInspector;
pub use pulls::PullRequestsSource;
pub use reader::GitHubReader;
pub use runs::RunsSource;
pub use settings::{Settings, rest_url};

pub(crate) use convert::run_state;
pub(crate) use inspect::read_run;
pub(crate) use shapes::{PullShape, RepositoryShape, WorkflowShape};
