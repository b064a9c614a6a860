//! What TOML's types cannot say of a scenario: that names used elsewhere exist.

use super::{EventVerb, Metric, Scenario};
use crate::demo::cluster::kinds;

/// A fault, and the `[[table]]` it is in.
pub(super) struct Fault {
    pub table: &'static str,
    /// Which of those tables, from 0.
    pub index: usize,
    pub message: String,
}

fn fault<T>(table: &'static str, index: usize, message: String) -> Result<T, Fault> {
    Err(Fault { table, index, message })
}

/// Finds the first name that leads nowhere.
pub(super) fn verify(scenario: &Scenario) -> Result<(), Fault> {
    fleet(scenario)?;
    code(scenario)?;
    signals(scenario)?;
    events(scenario)?;
    hints(scenario)
}

fn known_service(scenario: &Scenario, name: &str) -> Result<(), String> {
    if scenario.service(name).is_some() {
        return Ok(());
    }
    let names: Vec<_> = scenario.service.iter().map(|s| format!("'{}'", s.name)).collect();
    Err(format!("no service '{name}'; there are {}", names.join(", ")))
}

fn fleet(scenario: &Scenario) -> Result<(), Fault> {
    if scenario.cluster.is_empty() {
        return fault("cluster", 0, "no '[[cluster]]'; a scenario needs at least one".to_owned());
    }
    for (index, cluster) in scenario.cluster.iter().enumerate() {
        if cluster.namespaces.is_empty() || cluster.nodes == 0 {
            return fault("cluster", index, format!("cluster '{}' needs a namespace and a node", cluster.name));
        }
    }
    for (index, object) in scenario.object.iter().enumerate() {
        if !scenario.cluster.iter().any(|c| c.name == object.cluster) {
            return fault("object", index, format!("object: no cluster '{}'", object.cluster));
        }
        let text = |field: &str| object.manifest[field].as_str().unwrap_or_default();
        if kinds::named(text("apiVersion"), text("kind")).is_none() {
            let message = format!("object: kind '{}' of '{}' is not served", text("kind"), text("apiVersion"));
            return fault("object", index, message);
        }
    }
    for (index, service) in scenario.service.iter().enumerate() {
        let Some(cluster) = scenario.cluster.iter().find(|c| c.name == service.cluster) else {
            let message = format!("service '{}': no cluster '{}'", service.name, service.cluster);
            return fault("service", index, message);
        };
        let extra = ["default", "kube-system"].contains(&service.namespace.as_str());
        if !extra && !cluster.namespaces.contains(&service.namespace) {
            let message = format!("service '{}': no namespace '{}'", service.name, service.namespace);
            return fault("service", index, message);
        }
        if service.version.is_empty() {
            return fault("service", index, format!("service '{}' needs a '[[service.version]]'", service.name));
        }
        if let Some(bad) = service.deployed.iter().find(|d| !service.version.iter().any(|v| v.tag == d.version)) {
            let message = format!("service '{}': 'deployed' names no version '{}'", service.name, bad.version);
            return fault("service", index, message);
        }
    }
    for (index, service) in scenario.service.iter().enumerate() {
        if let Some(late) = service.deployed.iter().find(|d| d.age < scenario.history) {
            let message = format!(
                "service '{}': version '{}' was deployed {} before the start, but the history is {} long; use an event or a run",
                service.name, late.version, late.age, scenario.history
            );
            return fault("service", index, message);
        }
    }
    for (index, dependency) in scenario.dependency.iter().enumerate() {
        for name in [&dependency.from, &dependency.to] {
            known_service(scenario, name).or_else(|message| fault("dependency", index, message))?;
        }
    }
    Ok(())
}

fn code(scenario: &Scenario) -> Result<(), Fault> {
    let repository = |name: &str| scenario.repository.iter().any(|r| r.name == name);
    for (index, repository) in scenario.repository.iter().enumerate() {
        if repository.name.split('/').filter(|part| !part.is_empty()).count() != 2 {
            let message = format!("repository '{}' is not of the form 'owner/name'", repository.name);
            return fault("repository", index, message);
        }
    }
    for (index, pull) in scenario.pull_request.iter().enumerate() {
        if !repository(&pull.repository) {
            let message = format!("pull request {}: no repository '{}'", pull.number, pull.repository);
            return fault("pull_request", index, message);
        }
    }
    for (index, workflow) in scenario.workflow.iter().enumerate() {
        if !repository(&workflow.repository) {
            let message = format!("workflow '{}': no repository '{}'", workflow.name, workflow.repository);
            return fault("workflow", index, message);
        }
        for step in workflow.job.iter().flat_map(|job| &job.step) {
            for name in [&step.set_image, &step.await_rollout, &step.smoke, &step.undo].into_iter().flatten() {
                known_service(scenario, name).or_else(|message| fault("workflow", index, message))?;
            }
        }
    }
    for (index, run) in scenario.run.iter().enumerate() {
        if !scenario.workflow.iter().any(|w| w.repository == run.repository && w.name == run.workflow) {
            let message = format!("run {}: '{}' has no workflow '{}'", run.number, run.repository, run.workflow);
            return fault("run", index, message);
        }
    }
    for (index, job) in scenario.jenkins_job.iter().enumerate() {
        known_service(scenario, &job.service).or_else(|message| fault("jenkins_job", index, message))?;
    }
    Ok(())
}

fn signals(scenario: &Scenario) -> Result<(), Fault> {
    for (index, alert) in scenario.alert.iter().enumerate() {
        if let Some(name) = &alert.service {
            known_service(scenario, name).or_else(|message| fault("alert", index, message))?;
        } else if alert.metric != Metric::Always {
            return fault("alert", index, format!("alert '{}' needs a 'service'", alert.name));
        }
        if alert.metric != Metric::Always && alert.above.is_some() == alert.below.is_some() {
            return fault("alert", index, format!("alert '{}' needs either 'above' or 'below'", alert.name));
        }
    }
    for (index, dashboard) in scenario.dashboard.iter().enumerate() {
        for query in dashboard.panel.iter().flat_map(|panel| &panel.query) {
            if query.service.starts_with('$') {
                continue;
            }
            known_service(scenario, &query.service).or_else(|message| fault("dashboard", index, message))?;
        }
    }
    Ok(())
}

fn events(scenario: &Scenario) -> Result<(), Fault> {
    for (index, event) in scenario.event.iter().enumerate() {
        known_service(scenario, &event.service).or_else(|message| fault("event", index, message))?;
        if event.verb == EventVerb::SetImage && event.tag.is_none() {
            return fault("event", index, "'set_image' needs a 'tag'".to_owned());
        }
        if event.verb == EventVerb::Scale && event.replicas.is_none() {
            return fault("event", index, "'scale' needs 'replicas'".to_owned());
        }
        if event.verb == EventVerb::SetConfig && (event.config.is_empty() || event.key.is_empty()) {
            return fault("event", index, "'set_config' needs a 'config' and a 'key'".to_owned());
        }
    }
    Ok(())
}

fn hints(scenario: &Scenario) -> Result<(), Fault> {
    for (index, hint) in scenario.hint.iter().enumerate() {
        known_service(scenario, &hint.service).or_else(|message| fault("hint", index, message))?;
        if !scenario.alert.iter().any(|alert| alert.name == hint.alert) {
            return fault("hint", index, format!("no '[[alert]]' is called '{}'", hint.alert));
        }
    }
    Ok(())
}
