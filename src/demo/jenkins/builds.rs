//! The world's Jenkins: jobs that set the image of a deployment, their queue and their builds. One build of a job at a time.

use jiff::{SignedDuration, Timestamp};

use crate::demo::{
    cluster::{Cluster, Rollout},
    scenario::{JenkinsJobSpec, Scenario},
    story::Story,
};

/// How long a queue item is known after it has left the queue.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// What a job is started with.
pub type Values = Vec<(String, String)>;

/// All jobs, and what waits for them.
#[derive(Clone, Debug, Default)]
pub struct Jenkins {
    pub jobs: Vec<Job>,
    pub items: Vec<Item>,
    last_item: u64,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub spec: JenkinsJobSpec,
    /// Oldest first.
    pub builds: Vec<Build>,
    next: u64,
}

/// A place in the queue.
#[derive(Clone, Debug)]
pub struct Item {
    pub id: u64,
    pub job: usize,
    pub since: Timestamp,
    pub user: String,
    pub values: Values,
    /// Number of its build, and when it left the queue.
    pub left: Option<(u64, Timestamp)>,
}

#[derive(Clone, Debug)]
pub struct Build {
    pub number: u64,
    pub item: u64,
    pub started: Timestamp,
    pub user: String,
    pub values: Values,
    pub ended: Option<(Timestamp, &'static str)>,
}

impl Jenkins {
    pub fn new(scenario: &Scenario) -> Self {
        let job = |spec: &JenkinsJobSpec| Job { spec: spec.clone(), builds: Vec::new(), next: spec.next };
        Self { jobs: scenario.jenkins_job.iter().map(job).collect(), items: Vec::new(), last_item: 100 }
    }

    pub fn job(&self, name: &str) -> Option<usize> {
        self.jobs.iter().position(|job| job.spec.name == name)
    }

    /// Queues a build with these values and the defaults of what is not given; what the job does not ask for is left out.
    /// The item, and whether it is new: the same that waits already is taken instead.
    pub fn start(&mut self, job: usize, given: &[(String, String)], user: &str, now: Timestamp) -> (u64, bool) {
        let spec = &self.jobs[job].spec;
        let asked = given.iter().find(|(name, _)| *name == spec.parameter);
        let value = asked.map_or_else(|| spec.default.clone(), |(_, value)| value.clone());
        let values = vec![(spec.parameter.clone(), value)];
        let waits = self.items.iter().find(|item| item.job == job && item.left.is_none() && item.values == values);
        if let Some(item) = waits {
            return (item.id, false);
        }
        self.last_item += 1;
        let id = self.last_item;
        self.items.push(Item { id, job, since: now, user: user.to_owned(), values, left: None });
        (id, true)
    }

    /// Starts what has waited long enough, and ends what is done.
    pub fn step(&mut self, now: Timestamp, story: &Story, clusters: &mut [Cluster]) {
        self.items.retain(|item| item.left.is_none_or(|(_, at)| now.duration_since(at) < KEPT));
        for item in self.items.iter_mut().filter(|item| item.left.is_none()) {
            let job = &mut self.jobs[item.job];
            let is_busy = job.builds.last().is_some_and(|build| build.ended.is_none());
            if is_busy || job.spec.queue.after(item.since) > now {
                continue;
            }
            let build = job.begin(item, now, story, clusters);
            item.left = Some((build, now));
        }
        for job in &mut self.jobs {
            job.go_on(now, story, clusters);
        }
    }
}

impl Job {
    fn begin(&mut self, item: &Item, now: Timestamp, story: &Story, clusters: &mut [Cluster]) -> u64 {
        let number = self.next;
        self.next += 1;
        let is_set = self.set_image(&item.values, now, story, clusters);
        let (user, values) = (item.user.clone(), item.values.clone());
        let ended = (!is_set).then_some((now, "FAILURE"));
        self.builds.push(Build { number, item: item.id, started: now, user, values, ended });
        number
    }

    /// `kubectl set image`, with what else the version changes of the template.
    fn set_image(&self, values: &[(String, String)], now: Timestamp, story: &Story, clusters: &mut [Cluster]) -> bool {
        let Some(service) = story.scenario.service(&self.spec.service) else { return false };
        let tag = values.first().map_or("", |(_, value)| value);
        let change = story.template_change(&service.cluster, &service.namespace, &service.name, &service.image_of(tag));
        let cluster = clusters.iter_mut().find(|cluster| cluster.name == service.cluster);
        cluster.is_some_and(|cluster| {
            cluster.apply_template_change(now, &service.namespace, &service.name, &change, "jenkins-deployer")
        })
    }

    /// `kubectl rollout status`, once its other steps have taken their time.
    fn go_on(&mut self, now: Timestamp, story: &Story, clusters: &[Cluster]) {
        let Some(service) = story.scenario.service(&self.spec.service) else { return };
        let takes = self.spec.takes;
        let Some(build) = self.builds.last_mut().filter(|build| build.ended.is_none()) else { return };
        if takes.after(build.started) > now {
            return;
        }
        let cluster = clusters.iter().find(|cluster| cluster.name == service.cluster);
        build.ended = match cluster.and_then(|cluster| cluster.rollout(&service.namespace, &service.name)) {
            None => Some((now, "FAILURE")),
            Some(rollout) if rollout.observed && rollout.deadline_exceeded => Some((now, "FAILURE")),
            Some(rollout) if is_complete(&rollout) => Some((now, "SUCCESS")),
            Some(_) => None,
        };
    }
}

fn is_complete(rollout: &Rollout) -> bool {
    let Rollout { desired, updated, available, replicas, observed, .. } = *rollout;
    observed && updated == desired && replicas == updated && available == updated
}
