//! The Job controller: runs a pod to its end, again when it fails, until its back-off limit.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Cluster,
    condition::set_condition,
    json as js,
    kinds::Resource,
    quota::Refusal,
    replicas::pod_from_template,
    store::{Facts, Object},
};

const JOB: Resource = Resource::Jobs;
const COMPONENT: &str = "job-controller";

impl Cluster {
    pub(super) fn sync_job(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(JOB, namespace, name).cloned() else { return };
        let mut value = object.value();
        let is =
            |value: &Value, kind: &str| js::condition(value, kind).is_some_and(|c| js::text(c, "/status") == "True");
        if is(&value, "Complete") || is(&value, "Failed") {
            return;
        }
        if value["spec"]["suspend"] == true {
            set_condition(&mut value, at, "Suspended", true, "JobSuspended", "Job suspended");
            self.write(JOB, value);
            return;
        }
        let pods = self.store.owned(&object.facts().uid, Resource::Pods);
        let phase = |facts: &Facts| facts.pod.as_ref().map(|pod| pod.phase.clone()).unwrap_or_default();
        let count = |wanted: &str| pods.iter().filter(|pod| phase(pod.facts()) == wanted).count() as i64;
        let (succeeded, failed) = (count("Succeeded"), count("Failed"));
        let active = pods.iter().filter(|pod| pod.facts().active()).count() as i64;
        let wanted = value.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
        let limit = value.pointer("/spec/backoffLimit").and_then(Value::as_i64).unwrap_or(6);
        if js::text(&value, "/status/startTime").is_empty() {
            js::set(&mut value, "/status/startTime", json!(js::stamp(at)));
        }
        let mut counts = [("active", active), ("succeeded", succeeded), ("failed", failed)];
        if succeeded >= wanted {
            let message = "Reached expected number of succeeded pods";
            set_condition(&mut value, at, "SuccessCriteriaMet", true, "CompletionsReached", message);
            set_condition(&mut value, at, "Complete", true, "CompletionsReached", message);
            js::set(&mut value, "/status/completionTime", json!(js::stamp(at)));
            self.tell(at, JOB, &object, "Completed", "Job completed".to_owned(), COMPONENT);
        } else if failed > limit {
            let message = "Job has reached the specified backoff limit";
            set_condition(&mut value, at, "FailureTarget", true, "BackoffLimitExceeded", message);
            set_condition(&mut value, at, "Failed", true, "BackoffLimitExceeded", message);
            self.tell(at, JOB, &object, "BackoffLimitExceeded", message.to_owned(), COMPONENT);
        } else if active == 0 {
            counts[0].1 = i64::from(self.start_pod(at, &object, &value, pods.len()));
        }
        for (field, number) in counts {
            if number > 0 {
                value["status"][field] = json!(number);
            } else {
                js::remove(&mut value, &format!("/status/{field}"));
            }
        }
        self.write(JOB, value);
    }

    /// Starts a pod beside those that ended. False: it is refused.
    fn start_pod(&mut self, at: Timestamp, job: &Object, value: &Value, ended: usize) -> bool {
        let facts = job.facts();
        let key = facts.key();
        let state = (ended, ended + 1);
        if self.refusal(at, JOB, &key, state).is_some() {
            return false;
        }
        let name = self.pod_name(&facts.namespace, &facts.name);
        let mut pod = pod_from_template(JOB, value, &value["spec"]["template"], &name);
        for (key, text) in [
            ("batch.kubernetes.io/job-name", &facts.name),
            ("job-name", &facts.name),
            ("batch.kubernetes.io/controller-uid", &facts.uid),
        ] {
            pod["metadata"]["labels"][key] = json!(text);
        }
        let workload = facts.owner.as_ref().map_or_else(|| facts.name.clone(), |owner| owner.name.clone());
        if let Err(why) = self.create_pod(at, pod, &workload) {
            let wording = "Error creating";
            self.refuse(at, Refusal { kind: JOB, owner: job, at: state, why, wording, component: COMPONENT });
            return false;
        }
        self.allowed(JOB, &key);
        self.tell(at, JOB, job, "SuccessfulCreate", format!("Created pod: {name}"), COMPONENT);
        true
    }
}
