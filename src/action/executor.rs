//! Executors: who carries a rollback out, in the order in which a `[[service]]` names them. Most people may not patch
//! production, but may start the pipeline that does.

mod job;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

pub use self::job::Job;
use super::{
    Check, CheckResult, Evidence, WorkloadInspection, Write, checks,
    evidence::binding,
    gitops::{self, Route},
    jobs::JobInspection,
    plan::{JobFor, Make, Plan, PlanStep, StepKind, WatchFor},
    rollback, template,
};
use crate::{
    app::settings::Settings,
    custom::template::{Piece, Template},
    model::{
        BackendId, BackendKind,
        code::RepoKey,
        jenkins::JenkinsJob,
        kubernetes::{Manager, Revision, Workload, WorkloadKey},
    },
    text::{Clean, quoted},
};

/// What an input of a workflow, or a parameter of a job, may be made of.
const FIELDS: [&str; 6] = ["tag", "image", "revision", "name", "namespace", "cluster"];

/// One entry of `rollback`.
#[derive(Clone, Debug, PartialEq)]
pub enum Executor {
    /// Argo CD: auto-sync off, then a sync to an entry of its history.
    Argo,
    /// Flux: suspended, then patched.
    Flux,
    /// `helm rollback`
    Helm,
    /// The template is patched.
    Patch,
    /// A GitHub workflow is started (`workflow_dispatch`).
    Workflow(Workflow),
    /// A Jenkins job is started.
    Job(Job),
}

/// `workflow:rollback.yml?tag={tag}&env=production`
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    pub file: String,
    pub inputs: Vec<(String, Template)>,
}

impl Executor {
    /// Where no Jenkins is configured. Errors say what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_among(text, &[])
    }

    /// `servers`: the names of the Jenkins that its job may be on.
    pub fn parse_among(text: &str, servers: &[&str]) -> Result<Self, String> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("argo", "") => Ok(Self::Argo),
            ("flux", "") => Ok(Self::Flux),
            ("helm", "") => Ok(Self::Helm),
            ("patch", "") => Ok(Self::Patch),
            ("workflow", rest) if !rest.is_empty() => Workflow::parse(rest).map(Self::Workflow),
            ("job", rest) if !rest.is_empty() => Job::parse(rest, servers).map(Self::Job),
            _ => Err(format!(
                "'{text}' is none of argo, flux, helm, patch, 'workflow:FILE?INPUT={{tag}}', \
                 'job:NAME?PARAMETER={{tag}}', for example 'workflow:rollback.yml?tag={{tag}}'"
            )),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Argo => "argo".to_owned(),
            Self::Flux => "flux".to_owned(),
            Self::Helm => "helm".to_owned(),
            Self::Patch => "patch".to_owned(),
            Self::Workflow(workflow) => format!("workflow {}", workflow.file),
            Self::Job(job) => format!("job {}", job.key.name),
        }
    }

    /// The job that it starts, if it starts one.
    pub fn job(&self) -> Option<&JenkinsJob> {
        match self {
            Self::Job(job) => Some(&job.key),
            _ => None,
        }
    }
}

/// `tag={tag}&env=production`
fn inputs(text: &str, what: &str) -> Result<Vec<(String, Template)>, String> {
    let inputs = text.split('&').filter(|input| !input.is_empty()).map(|input| {
        let (name, value) = input.split_once('=').ok_or_else(|| format!("'{input}' is not {what}=VALUE"))?;
        let value = Template::parse(value).map_err(|why| format!("'{input}': {why}"))?;
        if let Some(field) = value.fields().find(|field| !FIELDS.contains(&field.name())) {
            return Err(format!("'{input}': '{{{}}}' is none of {}", field.name(), FIELDS.join(", ")));
        }
        Ok((name.to_owned(), value))
    });
    inputs.collect()
}

/// The inputs with the values of what is gone back to.
fn filled(
    inputs: &[(String, Template)],
    key: &WorkloadKey,
    (target, live): (&Revision, &Revision),
) -> BTreeMap<String, String> {
    let image = template::telling_image(&target.template, &live.template).map_or("", |(_, image)| image);
    let value = |field: &str| match field {
        "tag" => written_tag(image).unwrap_or_default().to_owned(),
        "image" => image.to_owned(),
        "revision" => target.number.to_string(),
        "name" => key.name.to_string(),
        "namespace" => key.namespace.to_string(),
        _ => key.cluster.to_string(),
    };
    let fill = |template: &Template| -> String {
        let pieces = template.pieces().iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(field) => value(field.name()),
        });
        pieces.collect()
    };
    inputs.iter().map(|(name, template)| (name.clone(), fill(template))).collect()
}

/// The tag that an image is written with, whatever its digest; `latest` where it has neither.
fn written_tag(image: &str) -> Option<&str> {
    let (name, is_pinned) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    tag.or((!is_pinned).then_some("latest"))
}

/// Some digits of a digest are the tag of no image: what is started with them fails, or sets what cannot be pulled.
fn has_its_tag(inputs: &[(String, Template)], back: Option<(&Revision, &Revision)>) -> Result<(), String> {
    let asks_tag = inputs.iter().any(|(_, value)| value.fields().any(|field| field.name() == "tag"));
    let Some((target, live)) = back.filter(|_| asks_tag) else { return Ok(()) };
    match template::telling_image(&target.template, &live.template) {
        Some((_, image)) if written_tag(image).is_none() => {
            Err(format!("the image of rev {} has a digest and no tag: write {{image}} for {{tag}}", target.number))
        }
        _ => Ok(()),
    }
}

impl Workflow {
    fn parse(text: &str) -> Result<Self, String> {
        let (file, inputs) = text.split_once('?').unwrap_or((text, ""));
        let is_file = Path::new(file).extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
        if !is_file || file.contains('/') {
            return Err(format!("'{file}' is no workflow file: write its name, as 'rollback.yml'"));
        }
        Ok(Self { file: file.to_owned(), inputs: self::inputs(inputs, "INPUT")? })
    }
}

/// Whether whoever may not patch the workload cannot roll it back either, as far as its marks and its `[[service]]` tell:
/// Argo CD's sync, a release's history and a workflow need other rights.
pub fn needs_patch(workload: &Workload, settings: &Settings) -> bool {
    let bound = binding(&workload.key, workload.app.as_ref(), settings);
    match bound.map(|service| &*service.rollback).unwrap_or_default() {
        [] => !matches!(workload.managed_by.first(), Some(Manager::ArgoCd { .. } | Manager::Helm { .. })),
        // What is suspended in Flux is patched then.
        executors => executors.iter().all(|executor| matches!(executor, Executor::Patch | Executor::Flux)),
    }
}

/// Who carries it out.
pub(super) enum Chosen<'a> {
    /// What owns the workload decides: nothing is configured.
    Owner,
    /// An executor of the cluster.
    Here(&'a Executor),
    Workflow(RepoKey, &'a Workflow),
    Job(&'a Job, &'a JobInspection),
    /// None of them can.
    None,
}

/// The first executor that can, and why those before it cannot.
pub(super) fn choose<'a>(
    make: &Make<'a>,
    inspection: &WorkloadInspection,
    target: Option<&Revision>,
) -> (Chosen<'a>, Vec<String>) {
    let workload = &inspection.workload;
    let bound = binding(&workload.key, workload.app.as_ref(), make.settings);
    let executors = bound.map(|service| &*service.rollback).unwrap_or_default();
    if executors.is_empty() {
        return (Chosen::Owner, Vec::new());
    }
    let mut passed = Vec::new();
    for executor in executors {
        let way = match executor {
            Executor::Workflow(workflow) => {
                let repository = bound.and_then(|service| service.repository.as_deref());
                let tag = has_its_tag(&workflow.inputs, target.zip(inspection.live()));
                tag.and_then(|()| host(make, repository)).map(|repo| Chosen::Workflow(repo, workflow))
            }
            Executor::Job(job) => job.found(make, inspection, target).map(|found| Chosen::Job(job, found)),
            executor => of_cluster(executor, inspection, target).map(|()| Chosen::Here(executor)),
        };
        match way {
            Ok(way) => return (way, passed),
            Err(why) => passed.push(format!("{}: {why}", executor.name())),
        }
    }
    (Chosen::None, passed)
}

fn of_cluster(executor: &Executor, inspection: &WorkloadInspection, target: Option<&Revision>) -> Result<(), String> {
    let route = target.map(|target| gitops::route(inspection, target));
    match (executor, route) {
        (Executor::Helm, _) if matches!(inspection.release, Some(Ok(_))) => Ok(()),
        (Executor::Helm, _) => Err("no Helm release owns it".to_owned()),
        (Executor::Argo, Some(Route::Sync { .. })) | (Executor::Flux, Some(Route::Suspend { .. })) => Ok(()),
        (Executor::Argo | Executor::Flux, Some(Route::Closed(why))) => Err(why.to_string()),
        (Executor::Argo, _) => Err("no application of Argo CD owns it".to_owned()),
        (Executor::Flux, _) => Err("no object of Flux owns it".to_owned()),
        _ if inspection.may_patch == Ok(false) => Err("you may not patch it".to_owned()),
        _ => Ok(()),
    }
}

/// The repository on its host, if that can be written to: where its runs are seen, else the only GitHub there is.
fn host(make: &Make<'_>, repository: Option<&str>) -> Result<RepoKey, String> {
    let name = repository.ok_or("its [[service]] names no repository")?;
    let seen: BTreeSet<&RepoKey> =
        make.store.runs.values().map(|run| &run.key.repo).filter(|repo| repo.name == *name).collect();
    if seen.len() > 1 {
        let hosts: Vec<String> = seen.iter().map(|repo| repo.host.to_string()).collect();
        return Err(format!("'{name}' is on {}: which of them deploys is not known", hosts.join(" and ")));
    }
    let seen = seen.first().map(|repo| (*repo).clone());
    let mut hosts = make.settings.backends.iter().filter(|(_, kind)| **kind == BackendKind::GitHub);
    let repo = match (seen, hosts.next(), hosts.next()) {
        (Some(repo), _, _) => repo,
        (None, Some((host, _)), None) => RepoKey { host: host.clone(), name: Clean::line(name) },
        (None, None, _) => return Err("no GitHub backend is configured".to_owned()),
        (None, Some(_), Some(_)) => return Err(format!("no run of '{name}' was seen on any of the GitHub backends")),
    };
    writable(make, &repo.host)?;
    Ok(repo)
}

fn writable(make: &Make<'_>, backend: &BackendId) -> Result<(), String> {
    if let Some(why) = make.settings.read_only_backends.get(backend) {
        return Err(format!("'{backend}' is read-only: {why}"));
    }
    if !make.reaches(backend) {
        return Err(format!("'{backend}' cannot be written to from here"));
    }
    Ok(())
}

/// A rollback: evidence and workload, target and what is live.
pub(super) type Back<'a> = ((&'a Evidence, &'a WorkloadInspection), (&'a Revision, &'a Revision));

/// Turns the plan of a rollback into one that a workflow carries out: it is started, and what it does is watched.
pub(super) fn by_workflow(
    plan: &mut Plan,
    back: Back<'_>,
    (repo, workflow): (RepoKey, &Workflow),
    now: jiff::Timestamp,
) {
    let ((_, inspection), (target, live)) = back;
    let inputs = filled(&workflow.inputs, &inspection.workload.key, (target, live));
    let flags: Vec<String> =
        inputs.iter().map(|(name, value)| format!(" -f {}", quoted(&format!("{name}={value}")))).collect();
    plan.equivalent.push(say!(
        "gh workflow run {} -R {}{}",
        quoted(&workflow.file),
        super::equivalent::repository(&repo),
        flags.concat()
    ));
    let says = say!("start {} of {} ({})", workflow.file, repo.name, shown(&inputs));
    let write = Write::DispatchWorkflow { repo, file: Clean::line(&workflow.file), inputs };
    hand_over(plan, back, (says, write));
    plan.steps.push(PlanStep::watch(wanted(back, now)));
    plan.undo = say!("R to rev {}: the same workflow the other way", live.number);
}

/// As [`by_workflow`], of a job: it is followed to its end as well.
pub(super) fn by_job(plan: &mut Plan, back: Back<'_>, (job, found): (&Job, &JobInspection), now: jiff::Timestamp) {
    let ((_, inspection), (target, live)) = back;
    let parameters = filled(&job.parameters, &inspection.workload.key, (target, live));
    plan.equivalent.push(Job::line(found, &parameters));
    let with = if parameters.is_empty() { String::new() } else { format!(" with {}", shown(&parameters)) };
    let says = say!("run Jenkins job {}{with}", job.key.name);
    hand_over(plan, back, (says, Write::StartJob { job: job.key.clone(), parameters }));
    plan.steps.push(PlanStep::follow(JobFor { job: job.key.clone(), rollout: wanted(back, now) }));
    plan.undo = say!("R to rev {}: the same job the other way", live.number);
}

/// `tag=411, env=production`
fn shown(inputs: &BTreeMap<String, String>) -> String {
    let shown: Vec<String> = inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    shown.join(", ")
}

/// What is written to the cluster is another's to write, whom this starts; runs that race with it are stopped all the same.
fn hand_over(plan: &mut Plan, ((_, inspection), _): Back<'_>, (says, write): (Clean, Write)) {
    plan.steps.retain(|step| match &step.kind {
        StepKind::Watch(_) => false,
        StepKind::Write(write) => *write.backend() != inspection.workload.key.cluster,
        StepKind::KeepEvidence { .. } | StepKind::Reread { .. } => true,
    });
    plan.steps.push(PlanStep { says, kind: StepKind::Write(write) });
}

fn wanted(((evidence, inspection), (target, live)): Back<'_>, now: jiff::Timestamp) -> WatchFor {
    let image = template::telling_image(&target.template, &live.template).map(|(_, image)| image);
    WatchFor {
        // What it sets need not be the target's template to the letter.
        hash: None,
        image: image.map(Clean::line),
        ..rollback::wanted(evidence, inspection, (live, target), now)
    }
}

/// B3 where executors are named.
pub(super) fn check(chosen: &Chosen<'_>, passed: &[String]) -> Option<Check> {
    let passed = if passed.is_empty() { String::new() } else { format!(" ({})", passed.join("; ")) };
    let result = match chosen {
        Chosen::Owner => return None,
        Chosen::Here(executor) if passed.is_empty() => {
            CheckResult::Ok(say!("by {}, as its [[service]] says", executor.name()))
        }
        Chosen::Here(executor) => CheckResult::Look(say!("by {}{passed}", executor.name())),
        Chosen::Workflow(repo, workflow) => CheckResult::Look(say!(
            "by workflow {} of '{}'{passed}: GitHub says only when it is started whether you may",
            workflow.file,
            repo.name
        )),
        Chosen::Job(job, found) => {
            let busy = found.busy.as_ref().map(|busy| format!("; {busy}")).unwrap_or_default();
            CheckResult::Look(say!(
                "by job {} of '{}'{passed}: Jenkins says only when it is started whether '{}' may (Job/Build){busy}",
                job.key.name,
                job.key.server,
                found.user
            ))
        }
        Chosen::None => CheckResult::Stop(say!("none of its executors can{passed}")),
    };
    Some(checks::check("B3", "executor", result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executors_are_read_and_what_is_wrong_is_said() {
        for (text, wanted) in
            [("argo", Executor::Argo), ("flux", Executor::Flux), ("helm", Executor::Helm), ("patch", Executor::Patch)]
        {
            assert_eq!(Executor::parse(text), Ok(wanted));
        }
        let Ok(Executor::Workflow(workflow)) = Executor::parse("workflow:rollback.yml?tag={tag}&env=prod") else {
            panic!("a workflow")
        };
        assert_eq!((workflow.file.as_str(), workflow.inputs.len()), ("rollback.yml", 2));
        for (text, word) in [
            ("kubectl", "none of argo"),
            ("argo:x", "none of argo"),
            ("workflow:", "none of argo"),
            ("job:", "none of argo"),
            ("job:deploy", "add a [[jenkins]]"),
            ("workflow:rollback", "no workflow file"),
            ("workflow:../x.yml", "no workflow file"),
            ("workflow:x.yml?tag", "not INPUT=VALUE"),
            ("workflow:x.yml?tag={tga}", "none of tag, image"),
            ("workflow:x.yml?tag={tag", "not closed"),
        ] {
            let error = Executor::parse(text).expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
