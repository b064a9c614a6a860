//! WATCH: one JSON document a line, sent as soon as the change is made.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{
    sync::watch::Receiver,
    time::{Interval, MissedTickBehavior, Sleep},
};

use super::{
    Server,
    answer::{Failure, reply},
    list::partial,
    request::{Ask, Form},
    selector::Selector,
    table::{self, Include},
};
use crate::demo::cluster::{
    kinds::Kind,
    store::{Change, ChangeKind, Object},
};

/// How long a watch lives that does not say it.
const LIFETIME: Duration = Duration::from_mins(40);
/// How often a quiet watch gets a bookmark.
const BOOKMARKS: Duration = Duration::from_secs(10);

/// One open watch.
struct Watching {
    server: Server,
    kind: &'static Kind,
    namespace: Option<String>,
    name: Option<String>,
    selector: Selector,
    form: Form,
    include: Include,
    /// Changes up to here have been sent.
    position: u64,
    bookmarks: bool,
    /// Whether a Table with column definitions has been sent.
    headed: bool,
    bell: Receiver<u64>,
    end: Pin<Box<Sleep>>,
    tick: Interval,
    ready: VecDeque<String>,
    over: bool,
}

/// 422 as by a server whose WatchList feature gate is off.
fn no_streaming_list() -> Failure {
    let why = "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
    let message = format!("ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: {why}");
    let details = json!({
        "group": "meta.k8s.io", "kind": "ListOptions", "name": "",
        "causes": [{"reason": "FieldValueForbidden", "message": why, "field": "sendInitialEvents"}],
    });
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message, details)
}

pub fn watch(server: &Server, ask: &Ask) -> Result<Response, Failure> {
    let query = &ask.query;
    let text = |name| query.get(name).unwrap_or_default();
    let selector = Selector::parse(ask.kind.resource, text("labelSelector"), text("fieldSelector"))?;
    let initial = query.flag("sendInitialEvents");
    if !server.watch_list && query.get("sendInitialEvents").is_some() {
        return Err(no_streaming_list());
    }
    let seconds = query.number("timeoutSeconds")?.filter(|s| *s > 0);
    let lifetime = seconds.map_or(LIFETIME, |s| Duration::from_secs(s as u64));
    let asked = query.number("resourceVersion")?.unwrap_or_default() as u64;
    let (bell, current) = server.with(|cluster, _| (cluster.store.subscribe(), cluster.store.version()));
    let mut tick = tokio::time::interval(BOOKMARKS);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.reset();
    let mut watching = Watching {
        server: server.clone(),
        kind: ask.kind,
        namespace: ask.namespace.clone(),
        name: ask.name.clone(),
        selector,
        form: ask.form,
        include: Include::parse(query)?,
        position: if asked == 0 || initial { current } else { asked },
        bookmarks: query.flag("allowWatchBookmarks"),
        headed: false,
        bell,
        end: Box::pin(tokio::time::sleep(lifetime)),
        tick,
        ready: VecDeque::new(),
        over: false,
    };
    if asked == 0 || initial {
        watching.send_all();
    }
    if initial && watching.bookmarks {
        let line = watching.bookmark(true);
        watching.ready.push_back(line);
    }
    let lines = stream::unfold(watching, |mut watching| async move {
        let line = watching.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(line)), watching))
    });
    Ok(reply(StatusCode::OK, "application/json", Body::from_stream(lines)))
}

impl Watching {
    /// The next lines, or `None` at the end of the watch.
    async fn next(&mut self) -> Option<String> {
        loop {
            if !self.ready.is_empty() {
                return Some(self.ready.drain(..).collect());
            }
            if self.over {
                return None;
            }
            self.bell.mark_unchanged();
            self.catch_up();
            if !self.ready.is_empty() || self.over {
                continue;
            }
            tokio::select! {
                changed = self.bell.changed() => changed.ok()?,
                () = &mut self.end => return None,
                _ = self.tick.tick() => {
                    if self.bookmarks {
                        let line = self.bookmark(false);
                        self.ready.push_back(line);
                    }
                }
            }
        }
    }

    /// The state as it is, as ADDED events.
    fn send_all(&mut self) {
        let namespace = self.namespace.clone();
        let resource = self.kind.resource;
        let (objects, version) = self.server.with(|cluster, _| {
            let all: Vec<_> = cluster.store.list(resource, namespace.as_deref(), None).cloned().collect();
            (all, cluster.store.version())
        });
        self.position = version;
        for object in &objects {
            if self.wants(object) {
                let line = self.line("ADDED", object);
                self.ready.push_back(line);
            }
        }
    }

    fn catch_up(&mut self) {
        let (resource, position) = (self.kind.resource, self.position);
        let (changes, version) =
            self.server.with(|cluster, _| (cluster.store.changes(resource, position), cluster.store.version()));
        let changes = match changes {
            Ok(changes) => changes,
            Err(expired) => {
                let message = format!("too old resource version: {} ({})", expired.asked, expired.oldest);
                let status = Failure::expired(message).status();
                self.ready.push_back(format!("{}\n", json!({"type": "ERROR", "object": status})));
                self.over = true;
                return;
            }
        };
        // A version from the future is kept: a real server would wait for it.
        self.position = self.position.max(version);
        for change in changes {
            if let Some((kind, object)) = self.seen(&change) {
                let line = self.line(kind, &object);
                self.ready.push_back(line);
            }
        }
    }

    fn wants(&self, object: &Object) -> bool {
        let facts = object.facts();
        self.namespace.as_ref().is_none_or(|ns| *ns == facts.namespace)
            && self.name.as_ref().is_none_or(|name| *name == facts.name)
            && self.selector.matches(object)
    }

    /// The change as this watch sees it: leaving the selector is a deletion, entering it an addition.
    fn seen(&self, change: &Change) -> Option<(&'static str, Object)> {
        let before = change.before.as_ref().is_some_and(|object| self.wants(object));
        if change.kind == ChangeKind::Deleted {
            return before.then(|| ("DELETED", change.object.clone()));
        }
        match (before, self.wants(&change.object)) {
            (false, true) => Some(("ADDED", change.object.clone())),
            (true, true) => Some(("MODIFIED", change.object.clone())),
            (true, false) => Some(("DELETED", change.object.clone())),
            (false, false) => None,
        }
    }

    fn line(&mut self, kind: &str, object: &Object) -> String {
        let body = match self.form {
            Form::Json => object.full(),
            Form::Partial => partial(object).to_string(),
            Form::Table => {
                let now = self.server.with(|_, now| now);
                let row = table::row(self.kind.resource, object, now, self.include);
                let meta = json!({"resourceVersion": object.facts().version.to_string()});
                let columns = !std::mem::replace(&mut self.headed, true);
                table::table(self.kind.resource, &[row], &meta, columns).to_string()
            }
        };
        format!("{{\"type\":\"{kind}\",\"object\":{body}}}\n")
    }

    fn bookmark(&mut self, initial_end: bool) -> String {
        let mut metadata = json!({"resourceVersion": self.position.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object: Value = match self.form {
            Form::Json => json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": metadata}),
            Form::Partial => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            Form::Table => table::table(self.kind.resource, &[], &metadata, false),
        };
        format!("{}\n", json!({"type": "BOOKMARK", "object": object}))
    }
}
