//! `job:team/deploy?TAG={tag}`: a Jenkins job that rolls a service back.

use std::collections::BTreeMap;

use super::{filled, has_its_tag, inputs, writable};
use crate::{
    action::{WorkloadInspection, jobs::JobInspection, plan::Make},
    custom::template::Template,
    model::{BackendId, jenkins::JenkinsJob, kubernetes::Revision},
    text::{Clean, quoted},
};

/// What Jenkins lets no name of a job have. `%` stands in those of branches.
const NOT_IN_NAMES: &str = r"?*\!@#$^&|<>[]:;";

/// A job, with what it is started with.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub key: JenkinsJob,
    pub parameters: Vec<(String, Template)>,
}

impl Job {
    /// `NAME?PARAMETER=VALUE`, where there is one Jenkins, or `NAME@JENKINS?PARAMETER=VALUE`.
    pub(super) fn parse(text: &str, servers: &[&str]) -> Result<Self, String> {
        let (place, parameters) = text.split_once('?').unwrap_or((text, ""));
        let (name, server) = place.split_once('@').map_or((place, None), |(name, server)| (name, Some(server)));
        let parts: Vec<&str> = name.trim_matches('/').split('/').collect();
        let is_part = |part: &&str| !part.is_empty() && *part != "." && *part != "..";
        if !parts.iter().all(is_part) || name.contains(|letter: char| NOT_IN_NAMES.contains(letter)) {
            return Err(format!("'{name}' is no job: write its name with its folders, as 'team/deploy'"));
        }
        let server = match (server, servers) {
            (_, []) => {
                return Err(format!(
                    "'job:{text}' needs a Jenkins: add a [[jenkins]] with `name`, `url`, `user` and `token`"
                ));
            }
            (None, [only]) => *only,
            (None, [first, ..]) => {
                let all = servers.join(", ");
                return Err(format!("there are several [[jenkins]] ({all}): write 'job:{name}@{first}'"));
            }
            (Some(named), _) if servers.contains(&named) => named,
            (Some(named), _) => return Err(format!("no [[jenkins]] is called '{named}'")),
        };
        let key = JenkinsJob { server: BackendId::new(server), name: Clean::line(&parts.join("/")) };
        Ok(Self { key, parameters: inputs(parameters, "PARAMETER")? })
    }

    /// The job as it was read for the plan, if it can be started with what it would be started with.
    pub(super) fn found<'a>(
        &self,
        make: &Make<'a>,
        inspection: &WorkloadInspection,
        target: Option<&Revision>,
    ) -> Result<&'a JobInspection, String> {
        writable(make, &self.key.server)?;
        let asked = make.evidence.jobs.iter().find(|(job, _)| *job == self.key);
        let (_, found) = asked.ok_or_else(|| "it was not asked".to_owned())?;
        let found = found.as_ref().map_err(ToString::to_string)?;
        // Without a target there is nothing to start it with, and the plan says why.
        let back = target.zip(inspection.live());
        has_its_tag(&self.parameters, back)?;
        let parameters = back.map(|back| filled(&self.parameters, &inspection.workload.key, back));
        match parameters.and_then(|parameters| found.refusal(&parameters)) {
            Some(why) => Err(why.to_string()),
            None => Ok(found),
        }
    }

    /// The line that starts it, with the token where a shell has it.
    pub(super) fn line(found: &JobInspection, parameters: &BTreeMap<String, String>) -> Clean {
        let verb = if found.parameters.is_empty() { "build" } else { "buildWithParameters" };
        let url = quoted(&format!("{}/{verb}", found.url));
        let flags: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!(" --data-urlencode {}", quoted(&format!("{name}={value}"))))
            .collect();
        say!("curl -fsS -X POST -u {}:\"$JENKINS_TOKEN\"{} {url}", quoted(&found.user), flags.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_with_its_folders_and_its_server() {
        let job = Job::parse("/team/deploy?TAG={tag}&ENV=prod", &["ci"]).expect("one");
        assert_eq!((&*job.key.server, job.key.name.as_str(), job.parameters.len()), ("ci", "team/deploy", 2));
        // A branch's job has a name that Jenkins has encoded.
        let job = Job::parse("shop/feature%2Fcart@old", &["ci", "old"]).expect("one");
        assert_eq!((&*job.key.server, job.key.name.as_str()), ("old", "shop/feature%2Fcart"));
        for (text, words) in [
            ("a//b", "is no job"),
            ("../a", "is no job"),
            ("a;b", "is no job"),
            ("deploy@cd", "no [[jenkins]] is called 'cd'"),
            ("deploy?TAG", "'TAG' is not PARAMETER=VALUE"),
            ("deploy?TAG={tga}", "none of tag, image"),
        ] {
            let error = Job::parse(text, &["ci"]).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
