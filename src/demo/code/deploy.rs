//! The steps of a deploy job that act on a cluster, printing what kubectl prints.

use jiff::Timestamp;

use super::{
    run::{Conclusion, Reach, Step},
    seed,
    workflow::Target,
};
use crate::demo::cluster::Rollout;

/// `kubectl set image`.
pub fn set_image(step: &mut Step, target: &Target, at: Timestamp, reach: &mut Reach<'_>) {
    let Target { namespace, deployment, image, .. } = target;
    let done = reach.site.set_image(at, target);
    if step.plan.lines.is_empty() {
        let command = format!("+ kubectl -n {namespace} set image deployment/{deployment} {deployment}={image}");
        step.lines.push((at, command));
        if done {
            step.lines.push((at, format!("deployment.apps/{deployment} image updated")));
        }
    }
    if !done {
        let line = format!("Error from server (NotFound): deployments.apps \"{deployment}\" not found");
        step.finish(at, Some(line), Conclusion::Failure);
    }
}

/// One poll of `kubectl rollout status`.
pub fn watch(step: &mut Step, target: &Target, now: Timestamp, reach: &mut Reach<'_>) {
    let (Some(started), None) = (step.started, step.completed) else { return };
    let name = &target.deployment;
    if let Some(seconds) = reach.site.past() {
        let line = format!("deployment \"{name}\" successfully rolled out");
        return step.finish(seed::after(started, seconds), Some(line), Conclusion::Success);
    }
    let waited = now.duration_since(started).as_secs_f64();
    if target.silent.is_some_and(|(from, to)| from <= waited && waited < to) {
        return;
    }
    let Some(rollout) = reach.site.rollout(target) else { return };
    if rollout.observed && rollout.deadline_exceeded {
        let line = format!("error: deployment \"{name}\" exceeded its progress deadline");
        return step.finish(now, Some(line), Conclusion::Failure);
    }
    if target.timeout.is_some_and(|t| now.duration_since(started).as_secs_f64() >= t) {
        let line = "error: timed out waiting for the condition".to_owned();
        return step.finish(now, Some(line), Conclusion::Failure);
    }
    let Some(line) = waiting(name, &rollout) else {
        let line = format!("deployment \"{name}\" successfully rolled out");
        return step.finish(now, Some(line), Conclusion::Success);
    };
    if step.lines.last().is_none_or(|(_, last)| *last != line) {
        step.lines.push((now, line));
    }
}

/// What kubectl prints while it waits; `None` when the rollout is complete.
fn waiting(name: &str, r: &Rollout) -> Option<String> {
    let head = format!("Waiting for deployment \"{name}\" rollout to finish: ");
    if !r.observed {
        Some("Waiting for deployment spec update to be observed...".into())
    } else if r.updated < r.desired {
        Some(format!("{head}{} out of {} new replicas have been updated...", r.updated, r.desired))
    } else if r.replicas > r.updated {
        Some(format!("{head}{} old replicas are pending termination...", r.replicas - r.updated))
    } else if r.available < r.updated {
        Some(format!("{head}{} of {} updated replicas are available...", r.available, r.updated))
    } else {
        None
    }
}

/// The smoke test: does the service answer with the version that was deployed? Fails when somebody has put another
/// version there meanwhile, which then runs the failure hook.
pub fn smoke(step: &mut Step, target: &Target, end: Timestamp, reach: &mut Reach<'_>) {
    let want = &target.tag;
    let name = &target.deployment;
    match reach.site.serving(target).as_deref().map(tag) {
        Some(got) if got == want => {
            step.finish(end, Some(format!("GET /version 200: {name} {want}")), Conclusion::Success);
        }
        Some(got) => {
            let line = format!("##[error]smoke: expected {name} {want}, got {got}");
            step.finish(end, Some(line), Conclusion::Failure);
        }
        None => {
            let line = "curl: (7) Failed to connect: Connection refused".to_owned();
            step.finish(end, Some(line), Conclusion::Failure);
        }
    }
}

/// The failure hook. The step goes on for the time it takes.
pub fn undo(step: &mut Step, target: &Target, now: Timestamp, reach: &mut Reach<'_>) {
    let Target { namespace, deployment, .. } = target;
    let done = reach.site.undo(now, target);
    if step.plan.lines.is_empty() {
        step.lines.push((now, format!("+ kubectl -n {namespace} rollout undo deployment/{deployment}")));
    }
    if done {
        step.lines.push((now, format!("deployment.apps/{deployment} rolled back")));
    } else {
        let line = format!("error: no rollout history found for deployment \"{deployment}\"");
        step.finish(now, Some(line), Conclusion::Failure);
    }
}

fn tag(image: &str) -> &str {
    image.rsplit_once(':').map_or(image, |(_, tag)| tag)
}
