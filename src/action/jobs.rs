//! Jobs of Jenkins: what a plan must know of one before it is started, and how a build gets on.

use std::collections::BTreeMap;

use futures::future::BoxFuture;

use crate::{
    model::{BackendId, Name},
    text::Clean,
};

/// A Jenkins that the configuration names.
pub trait Jobs: Send + Sync {
    fn backend(&self) -> &BackendId;
    /// The job of this name as it is now. `Err`: why that is not known, in words.
    fn job<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<JobInspection, Clean>>;
    /// What became of the queue item that its start made. `Err`: why that is not known, in words.
    fn build<'a>(&'a self, name: &'a str, item: &'a str) -> BoxFuture<'a, Result<Build, Clean>>;
}

/// A job, read live.
#[derive(Clone, Debug, PartialEq)]
pub struct JobInspection {
    /// Its address, as this computer reaches it.
    pub url: Clean,
    /// Who starts it.
    pub user: Clean,
    /// It is switched off where it is not.
    pub is_buildable: bool,
    pub parameters: Vec<Parameter>,
    /// A build of it that runs or waits, in words.
    pub busy: Option<Clean>,
}

/// What a job asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: Name,
    /// The values that there are to choose from; empty: any.
    pub choices: Vec<Clean>,
}

/// A build, or what is to become one.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    /// "build #12 runs for 14s"
    pub says: Clean,
    pub stage: BuildStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildStage {
    Queued,
    Running,
    Passed,
    /// It failed, was aborted, or never began.
    Failed,
}

impl JobInspection {
    /// Why it cannot be started with these. Jenkins itself leaves out what the job does not ask for, without a word.
    pub fn refusal(&self, parameters: &BTreeMap<String, String>) -> Option<Clean> {
        if !self.is_buildable {
            return Some("it is disabled, or is a folder".into());
        }
        parameters.iter().find_map(|(name, value)| {
            let Some(known) = self.parameters.iter().find(|known| *known.name == **name) else {
                let names: Vec<&str> = self.parameters.iter().map(|known| known.name.as_str()).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Some(say!("it has no parameter '{name}' (it has {known}), and Jenkins would leave it out"));
            };
            let is_choice = known.choices.is_empty() || known.choices.iter().any(|choice| **choice == **value);
            (!is_choice).then(|| say!("'{value}' is not among the choices of its parameter '{name}'"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jenkins_would_leave_out_or_refuse_is_said_before() {
        let parameter = |name: &str, choices: &[&str]| Parameter {
            name: name.into(),
            choices: choices.iter().map(|choice| Clean::from(*choice)).collect(),
        };
        let job = |is_buildable, parameters: &[Parameter]| JobInspection {
            url: "https://ci/job/deploy".into(),
            user: "ana".into(),
            is_buildable,
            parameters: parameters.to_vec(),
            busy: None,
        };
        let refusal = |job: JobInspection| {
            let given = BTreeMap::from([("TAG".to_owned(), "411".to_owned())]);
            job.refusal(&given).map(|why| why.to_string())
        };
        assert_eq!(refusal(job(true, &[parameter("TAG", &[]), parameter("ENV", &["prod"])])), None);
        assert_eq!(refusal(job(true, &[parameter("TAG", &["410", "411"])])), None);
        for (found, words) in [
            (job(false, &[parameter("TAG", &[])]), "it is disabled"),
            (job(true, &[parameter("VERSION", &[])]), "it has no parameter 'TAG' (it has VERSION)"),
            (job(true, &[]), "it has no parameter 'TAG' (it has none)"),
            (job(true, &[parameter("TAG", &["409"])]), "'411' is not among the choices of its parameter 'TAG'"),
        ] {
            let why = refusal(found).expect(words);
            assert!(why.starts_with(words), "{why}");
        }
    }
}
