//! Jobs that carry out a rollback: asked before, and followed from the queue to their end beside the pods.

use futures::future::join_all;

use super::{
    Inner,
    watch::{Seen, Stage},
};
use crate::{
    action::{
        jobs::{Build, BuildStage, JobInspection},
        plan::JobFor,
    },
    model::{Name, jenkins::JenkinsJob},
    text::Clean,
};

/// The part of the time for all evidence that one job may take: the other executors wait for it.
const ASKED: u32 = 3;
/// A build that got on is further than any number of pods.
const FURTHER: i64 = 1_000_000;

impl Inner {
    pub(super) async fn ask_jobs(&self, jobs: &[JenkinsJob]) -> Vec<(JenkinsJob, Result<JobInspection, Clean>)> {
        let within = self.pace.gather / ASKED;
        let asked = jobs.iter().map(async |job| {
            let Some(server) = self.backends(|all| all.jobs.get(&job.server).cloned()) else {
                return (job.clone(), Err(say!("'{}' is not connected", job.server)));
            };
            let said = tokio::time::timeout(within, server.job(&job.name)).await;
            let silent = || Err(say!("'{}' said nothing of it within {} s", job.server, within.as_secs_f32()));
            (job.clone(), said.unwrap_or_else(|_| silent()))
        });
        join_all(asked).await
    }

    /// Looks once at a build and at the pods. `item`: the queue item that its start made; without one the pods alone tell.
    pub(super) async fn by_job(&self, wanted: &JobFor, item: Option<&Name>, has_left: bool) -> Result<Seen, Clean> {
        let server = self.backends(|all| all.jobs.get(&wanted.job.server).cloned());
        let (build, is_told) = match (server, item) {
            (Some(server), Some(item)) => match server.build(&wanted.job.name, item).await {
                Ok(build) => (build, true),
                Err(why) => (Build { says: say!("?? {why}"), stage: BuildStage::Running }, false),
            },
            _ => return self.rollout(&wanted.rollout, has_left).await,
        };
        if build.stage == BuildStage::Queued {
            return Ok(Seen { is_at_work: true, ..Seen::new(build.says, Stage::Going) });
        }
        let pods = match self.rollout(&wanted.rollout, has_left).await {
            Ok(pods) => pods,
            Err(why) => Seen::new(say!("?? {why}"), Stage::Going),
        };
        let (stage, further) = match (build.stage, pods.stage) {
            // What comes after may still take it back: a test, a hook.
            (BuildStage::Queued | BuildStage::Running, Stage::Met | Stage::Going) => (Stage::Going, FURTHER),
            (BuildStage::Passed, stage) => (stage, 2 * FURTHER),
            (BuildStage::Failed, _) | (_, Stage::Never) => (Stage::Never, 2 * FURTHER),
        };
        let says = say!("{}; {}", build.says, pods.says);
        let is_at_work = is_told && build.stage == BuildStage::Running;
        Ok(Seen { says, stage, progress: pods.progress + further, is_at_work, ..pods })
    }
}
