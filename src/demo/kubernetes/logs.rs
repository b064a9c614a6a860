//! Container logs: written by the story as a function of time, read here as a kubelet serves them.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    Server,
    answer::{Failure, reply},
    list,
    request::Ask,
};
use crate::demo::{
    cluster::{
        Cluster, json as js,
        kubelet::{ContainerRun, Instance, Life},
    },
    story::{ContainerRef, Story},
};

/// The newest log file is what the API reads: this many lines are in it.
const NEWEST_FILE: usize = 20_000;
/// How often a follower looks for new lines.
const PAUSE: Duration = Duration::from_millis(200);

/// One container instance's log, being read.
struct Reading {
    server: Server,
    namespace: String,
    workload: String,
    pod: String,
    uid: String,
    container: String,
    image: String,
    instance: Instance,
    timestamps: bool,
    /// Bytes that may still be sent.
    left: Option<usize>,
    /// Lines before this moment have been sent.
    position: Timestamp,
    follow: bool,
    ready: Option<Bytes>,
}

pub fn logs(server: &Server, ask: &Ask) -> Result<Response, Failure> {
    let query = &ask.query;
    let object = list::find(server, ask)?;
    let value = object.value();
    let pod = ask.object_name();
    let names: Vec<_> = js::list(&value, "/spec/containers").iter().map(|c| js::text(c, "/name").to_owned()).collect();
    let container = match query.get("container").filter(|c| !c.is_empty()) {
        Some(name) if names.iter().any(|n| n == name) => name.to_owned(),
        Some(name) => return Err(Failure::bad_request(format!("container {name} is not valid for pod {pod}"))),
        None if names.len() == 1 => names[0].clone(),
        None => {
            let names = names.join(" ");
            return Err(Failure::bad_request(format!(
                "a container name must be specified for pod {pod}, choose one of: [{names}]"
            )));
        }
    };
    let since_seconds = query.number("sinceSeconds")?;
    let since_time = query.get("sinceTime").filter(|t| !t.is_empty());
    if since_seconds.is_some() && since_time.is_some() {
        let why = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified";
        let message = format!("PodLogOptions \"{pod}\" is invalid: sinceSeconds: {why}");
        return Err(Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            message,
            json!({"name": pod, "kind": "PodLogOptions"}),
        ));
    }
    let since_time: Option<Timestamp> = since_time
        .map(|t| t.parse().map_err(|_| Failure::bad_request(format!("parsing time \"{t}\": invalid"))))
        .transpose()?;
    let tail = query.number("tailLines")?;
    let limit = query.number("limitBytes")?;
    for (name, number) in [("tailLines", tail), ("limitBytes", limit.map(|l| l - 1))] {
        if number.is_some_and(|n| n < 0) {
            let message = format!(
                "PodLogOptions \"{pod}\" is invalid: {name}: Invalid value: must be greater than or equal to 0"
            );
            return Err(Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid",
                message,
                json!({"name": pod, "kind": "PodLogOptions"}),
            ));
        }
    }
    let world = server.lock();
    let cluster = &world.clusters[server.cluster];
    let now = world.now;
    let uid = object.facts().uid.clone();
    let run = cluster.run(&uid).ok_or_else(|| not_started(&container, pod))?;
    let it = run.containers.iter().find(|c| c.name == container).ok_or_else(|| not_started(&container, pod))?;
    let instance = choose(it, pod, query.flag("previous"))?;
    let mut reading = Reading {
        server: server.clone(),
        namespace: run.namespace.clone(),
        workload: run.workload.clone(),
        pod: pod.to_owned(),
        uid,
        container,
        image: it.image.clone(),
        position: instance.started,
        instance,
        timestamps: query.flag("timestamps"),
        left: limit.map(|l| l as usize),
        follow: query.flag("follow") && !query.flag("previous"),
        ready: None,
    };
    // sinceTime has a resolution of one second.
    let floor = |t: Timestamp| Timestamp::from_second(t.as_second()).unwrap_or(t);
    let since = since_time.map(floor).or(since_seconds.map(|s| now - SignedDuration::from_secs(s)));
    let until = reading.instance.ended.map_or(now, |ended| ended.min(now) + SignedDuration::from_nanos(1));
    let lines = reading.first(&cluster.name, &world.story, since, tail, until);
    reading.position = until;
    drop(world);
    reading.ready = Some(reading.render(&lines));
    let chunks = stream::unfold(reading, |mut reading| async move {
        let chunk = reading.next().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), reading))
    });
    Ok(reply(StatusCode::OK, "text/plain", Body::from_stream(chunks)))
}

fn not_started(container: &str, pod: &str) -> Failure {
    waiting(container, pod, "ContainerCreating")
}

fn waiting(container: &str, pod: &str, reason: &str) -> Failure {
    let what = match reason {
        "ErrImagePull" => "image can't be pulled",
        "ImagePullBackOff" => "trying and failing to pull image",
        "" => "ContainerCreating",
        other => other,
    };
    Failure::bad_request(format!("container \"{container}\" in pod \"{pod}\" is waiting to start: {what}"))
}

/// The instance whose log is read, or why there is none.
fn choose(it: &ContainerRun, pod: &str, previous: bool) -> Result<Instance, Failure> {
    if previous {
        return it.previous().ok_or_else(|| {
            Failure::bad_request(format!("previous terminated container \"{}\" in pod \"{pod}\" not found", it.name))
        });
    }
    it.present().ok_or_else(|| match &it.life {
        Life::Waiting { reason, .. } => waiting(&it.name, pod, reason),
        _ => Failure::bad_request(format!("container \"{}\" in pod \"{pod}\" is not available", it.name)),
    })
}

impl Reading {
    fn lines(&self, cluster: &str, story: &Story, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, String)> {
        if from >= to {
            return Vec::new();
        }
        let of = ContainerRef {
            cluster,
            namespace: &self.namespace,
            workload: &self.workload,
            pod: &self.pod,
            container: &self.container,
            image: &self.image,
            restart: self.instance.restart,
            started: self.instance.started,
        };
        story.log_lines(&of, self.instance.ended, from, to)
    }

    /// What is there already. Without a start it is read backwards in growing steps, for a container may be days old.
    fn first(
        &self,
        cluster: &str,
        story: &Story,
        since: Option<Timestamp>,
        tail: Option<i64>,
        until: Timestamp,
    ) -> Vec<(Timestamp, String)> {
        let start = since.unwrap_or(self.instance.started).max(self.instance.started);
        let wanted = tail.map_or(NEWEST_FILE, |t| t as usize).min(NEWEST_FILE);
        let mut back = SignedDuration::from_mins(5);
        let mut lines = loop {
            let from = (until - back).max(start);
            let lines = self.lines(cluster, story, from, until);
            if lines.len() >= wanted || from <= start {
                break lines;
            }
            back *= 4;
        };
        let surplus = lines.len().saturating_sub(wanted);
        lines.drain(..surplus);
        lines
    }

    fn render(&mut self, lines: &[(Timestamp, String)]) -> Bytes {
        let mut text = String::new();
        for (at, line) in lines {
            if self.timestamps {
                text.push_str(&at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string());
            }
            text.push_str(line);
            text.push('\n');
        }
        let mut bytes = text.into_bytes();
        if let Some(left) = &mut self.left {
            bytes.truncate(*left);
            *left -= bytes.len();
        }
        Bytes::from(bytes)
    }

    /// The next piece; `None` at the end of the log, for followers when the container has stopped or is gone.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.ready.take().filter(|b| !b.is_empty()) {
            return Some(first);
        }
        while self.follow && self.left != Some(0) && self.instance.ended.is_none() {
            let (lines, ended) = self.look();
            let bytes = self.render(&lines);
            if ended {
                self.follow = false;
            }
            if !bytes.is_empty() {
                return Some(bytes);
            }
            if self.follow {
                tokio::time::sleep(PAUSE).await;
            }
        }
        None
    }

    /// The lines since the last look, and whether they were the last.
    fn look(&mut self) -> (Vec<(Timestamp, String)>, bool) {
        let server = self.server.clone();
        let world = server.lock();
        let cluster: &Cluster = &world.clusters[server.cluster];
        let run = cluster.run(&self.uid).and_then(|run| run.containers.iter().find(|c| c.name == self.container));
        let ended = match run {
            None => Some(world.now),
            Some(it) => match &it.life {
                Life::Running { .. } if it.id == self.instance.id => None,
                _ => {
                    let endings = [it.last_ending(), it.last.as_ref()];
                    let ending = endings.into_iter().flatten().find(|e| e.id == self.instance.id);
                    Some(ending.map_or(world.now, |e| e.finished))
                }
            },
        };
        let gone = run.is_none();
        if !gone {
            self.instance.ended = ended;
        }
        let until = ended.map_or(world.now, |e| e + SignedDuration::from_nanos(1));
        let lines = self.lines(&cluster.name, &world.story, self.position, until);
        self.position = self.position.max(until);
        (lines, ended.is_some())
    }
}
