//! The CronJob controller, and the Jobs that one has left behind before the story begins.

use jiff::{SignedDuration, Timestamp, Zoned, civil::Weekday, tz::TimeZone};
use serde_json::{Value, json};

use super::{Cluster, Timer, condition::set_condition, ids, json as js, kinds::Resource, replicas::owner_reference};

const CRON: Resource = Resource::CronJobs;
const JOB: Resource = Resource::Jobs;
const COMPONENT: &str = "cronjob-controller";

/// Whether one field of a schedule (`*`, `*/15`, `3`, `1-5`, `1,15`) has a value.
fn has(field: &str, value: i64) -> bool {
    field.split(',').any(|part| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step = step.parse::<i64>().unwrap_or(1).max(1);
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (from.parse().unwrap_or(i64::MAX), to.parse().unwrap_or(i64::MIN)),
            None if range == "*" => (0, i64::MAX),
            None => range.parse().map_or((i64::MAX, i64::MIN), |one: i64| (one, one)),
        };
        (from..=to).contains(&value) && (value - from) % step == 0
    })
}

/// Whether a five-field schedule is due in the minute.
fn due(schedule: &str, minute: &Zoned) -> bool {
    let fields: Vec<_> = schedule.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = fields[..] else { return false };
    let weekday = minute.weekday();
    let weekday = if weekday == Weekday::Sunday { 0 } else { i64::from(weekday.to_monday_one_offset()) };
    has(minutes, i64::from(minute.minute()))
        && has(hours, i64::from(minute.hour()))
        && has(days, i64::from(minute.day()))
        && has(months, i64::from(minute.month()))
        && has(weekdays, weekday)
}

/// The first due minute after `from`, or with `step` -1 the last one up to it; none within 40 days.
fn nearest(schedule: &str, zone: &str, from: Timestamp, step: i64) -> Option<Timestamp> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let start = from.as_second().div_euclid(60) + i64::from(step > 0);
    (0..60 * 24 * 40).find_map(|n| {
        let minute = Timestamp::from_second((start + n * step) * 60).ok()?;
        due(schedule, &minute.to_zoned(zone.clone())).then_some(minute)
    })
}

/// The Job of one run.
fn job_of(cron: &Value, name: &str, uid: &str, created: Timestamp) -> Value {
    let mut job = json!({
        "kind": "Job", "apiVersion": "batch/v1",
        "metadata": {
            "name": name, "namespace": cron["metadata"]["namespace"], "uid": uid, "creationTimestamp": js::stamp(created),
            "labels": {"app": cron["metadata"]["name"]}, "ownerReferences": owner_reference(CRON, cron), "generation": 1,
        },
        "spec": cron["spec"]["jobTemplate"]["spec"],
    });
    complete(&mut job);
    job
}

/// What the API fills into a new Job: counts, and the selector by its uid.
pub fn complete(job: &mut Value) {
    let uid = js::text(job, "/metadata/uid").to_owned();
    for (field, to) in
        [("parallelism", json!(1)), ("completions", json!(1)), ("backoffLimit", json!(6)), ("suspend", json!(false))]
    {
        if job["spec"].get(field).is_none() {
            job["spec"][field] = to;
        }
    }
    js::set(job, "/spec/selector/matchLabels/batch.kubernetes.io~1controller-uid", json!(uid));
    js::set(job, "/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid", json!(uid));
}

impl Cluster {
    pub(super) fn sync_cron_job(&mut self, at: Timestamp, namespace: &str, name: &str) {
        let Some(object) = self.store.get(CRON, namespace, name).cloned() else { return };
        let mut value = object.value();
        let (schedule, zone) =
            (js::text(&value, "/spec/schedule").to_owned(), js::text(&value, "/spec/timeZone").to_owned());
        let last = js::time(&value, "/status/lastScheduleTime").unwrap_or(object.facts().created);
        if let Some(now) = nearest(&schedule, &zone, at, -1).filter(|now| *now > last)
            && value["spec"]["suspend"] != true
        {
            let job = format!("{name}-{}", now.as_second() / 60);
            if self.store.get(JOB, namespace, &job).is_none() {
                let uid = self.uid("job", &job);
                self.write(JOB, job_of(&value, &job, &uid, at));
                self.tell(at, CRON, &object, "SuccessfulCreate", format!("Created job {job}"), COMPONENT);
            }
            js::set(&mut value, "/status/lastScheduleTime", json!(js::stamp(now)));
        }
        let jobs = self.store.owned(&object.facts().uid, JOB);
        let running: Vec<_> = jobs
            .iter()
            .map(super::store::Object::value)
            .filter(|job| !["Complete", "Failed"].iter().any(|kind| js::condition(job, kind).is_some()))
            .map(|job| {
                json!({"kind": "Job", "apiVersion": "batch/v1", "namespace": namespace, "name": job["metadata"]["name"],
                    "uid": job["metadata"]["uid"]})
            })
            .collect();
        if running.is_empty() {
            js::remove(&mut value, "/status/active");
        } else {
            js::set(&mut value, "/status/active", json!(running));
        }
        let ended = jobs.iter().filter_map(|job| js::time(&job.value(), "/status/completionTime")).max();
        if let Some(ended) = ended {
            js::set(&mut value, "/status/lastSuccessfulTime", json!(js::stamp(ended)));
        }
        self.write(CRON, value);
        if let Some(next) = nearest(&schedule, &zone, at, 1) {
            self.at(next, Timer::Look(CRON, object.facts().key()));
        }
    }

    /// The runs a CronJob has had: as many as its history limits keep, of which the `failed` (1 is the last) ran into
    /// their back-off limit. Their pods have long been collected.
    pub(super) fn found_runs(&mut self, at: Timestamp, namespace: &str, name: &str, failed: &[u32]) {
        let Some(mut value) = self.store.get(CRON, namespace, name).map(super::store::Object::value) else { return };
        let (schedule, zone) =
            (js::text(&value, "/spec/schedule").to_owned(), js::text(&value, "/spec/timeZone").to_owned());
        let limit = |field: &str, default: i64| {
            value.pointer(&format!("/spec/{field}")).and_then(Value::as_i64).unwrap_or(default)
        };
        let (mut good, mut bad) = (limit("successfulJobsHistoryLimit", 3), limit("failedJobsHistoryLimit", 1));
        let mut from = at;
        for run in 1..=30 {
            let Some(scheduled) = nearest(&schedule, &zone, from, -1) else { break };
            from = scheduled - SignedDuration::from_mins(1);
            let failing = failed.contains(&run);
            let room = if failing { &mut bad } else { &mut good };
            if *room == 0 {
                continue;
            }
            *room -= 1;
            let job = format!("{name}-{}", scheduled.as_second() / 60);
            let uid = ids::uid(self.seed, &format!("job/{namespace}/{job}"));
            let took = 95 + (ids::mix(self.seed, &job) % 40) as i64;
            let end = scheduled + SignedDuration::from_secs(if failing { 380 } else { took });
            let mut past = job_of(&value, &job, &uid, scheduled);
            js::set(&mut past, "/status/startTime", json!(js::stamp(scheduled)));
            if failing {
                let message = "Job has reached the specified backoff limit";
                past["status"]["failed"] = json!(js::int(&past, "/spec/backoffLimit") + 1);
                set_condition(&mut past, end, "FailureTarget", true, "BackoffLimitExceeded", message);
                set_condition(&mut past, end, "Failed", true, "BackoffLimitExceeded", message);
            } else {
                past["status"]["succeeded"] = json!(1);
                past["status"]["completionTime"] = json!(js::stamp(end));
                let message = "Reached expected number of succeeded pods";
                set_condition(&mut past, end, "SuccessCriteriaMet", true, "CompletionsReached", message);
                set_condition(&mut past, end, "Complete", true, "CompletionsReached", message);
            }
            self.write(JOB, past);
            if run == 1 {
                js::set(&mut value, "/status/lastScheduleTime", json!(js::stamp(scheduled)));
            }
        }
        self.write(CRON, value);
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn schedules_are_read() {
        let at = |text: &str| text.parse().unwrap();
        let next =
            |schedule: &str, zone: &str| nearest(schedule, zone, at("2026-07-01T03:14:20Z"), 1).unwrap().to_string();
        assert_eq!(next("0 3 * * *", ""), "2026-07-02T03:00:00Z");
        assert_eq!(next("*/10 * * * *", ""), "2026-07-01T03:20:00Z");
        assert_eq!(next("0 6 * * 1-5", "Europe/Berlin"), "2026-07-01T04:00:00Z");
        assert_eq!(next("30 1 1,15 * *", ""), "2026-07-15T01:30:00Z");
        let last = nearest("0 3 * * *", "", at("2026-07-01T03:00:00Z"), -1).unwrap();
        assert_eq!(last.to_string(), "2026-07-01T03:00:00Z", "a due minute is up to itself");
        assert_eq!(nearest("never", "", at("2026-07-01T03:00:00Z"), 1), None);
    }
}
