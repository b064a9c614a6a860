//! An API server that has too much to do, as the demo's control server scripts it: requests turned away by its priority and
//! fairness (429), answers that take long. It is told in words, what was known stays, marked as old, the server is obeyed,
//! nobody else notices, and in the end every row is what a LIST says.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use midwatch::{
    command::ScreenId,
    config::file::{Config, Timeouts},
    demo::{Options, Served, start},
    model::{BackendId, Part, SourceId, kubernetes::ObjectKey},
    query::{ObjectRef, Query},
    source::ErrorKind::{self, Throttled, TimedOut},
    store::{Changes, slot::Freshness},
    time::{Clock as _, SystemClock},
    ui::screens::Screens,
};
use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    backend::{Kind, kind},
    faults::last_answer,
    front::{Fault, Front},
    listing::{KINDS, Rows, differences},
    watching::Watching,
};

/// Seconds that the server names.
const RETRY_AFTER: u64 = 1;
const TROUBLED: &str = "cluster-1";
const OTHERS: [&str; 2] = ["cluster-2", "alerts-1"];

/// A world of the test's own, standing still; the first of its two clusters has trouble.
struct World {
    demo: Served,
    http: reqwest::Client,
    folders: Vec<tempfile::TempDir>,
}

impl World {
    async fn start(pods: Option<usize>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options::new(Arc::new(|| SystemClock.now().wall));
        let folder = Some(env!("CARGO_TARGET_TMPDIR").into());
        let demo = start(Options { speed: 0.0, control: true, pods, folder, ..options }).await.unwrap();
        Self { demo, http: reqwest::Client::builder().no_proxy().build().unwrap(), folders: Vec::new() }
    }

    /// `throttle?requests=N`, `slow?millis=N`, `expire`, `calm`
    async fn trouble(&self, fault: &str) {
        let (name, control) = (&self.demo.clusters[0].0, self.demo.control.as_ref().unwrap());
        let url = format!("{}/cluster/{name}/{fault}", control.url);
        let answer = self.http.post(url).bearer_auth(&control.token).send().await.unwrap();
        assert!(answer.status().is_success(), "{fault}: {}", answer.status());
    }

    /// Deletes a pod of the first cluster, and lets it go.
    async fn delete(&self, pod: &ObjectKey) {
        let at = &self.demo.clusters[0].1;
        let url = format!("{}/api/v1/namespaces/{}/pods/{}", at.url, pod.namespace, pod.name);
        assert!(self.http.delete(url).bearer_auth(&at.token).send().await.unwrap().status().is_success());
        self.demo.advance(jiff::SignedDuration::from_secs(5));
    }

    /// Both clusters and the Alertmanager; the first cluster at `url`.
    fn config(&mut self, url: &str) -> Config {
        let mut config = Config::default();
        let cluster: &Kind = kind("cluster-1");
        let [(_, first, _), (_, second, _)] = &self.demo.clusters[..] else { panic!("the demo has two clusters") };
        for (name, url, token) in [(TROUBLED, url, &first.token), (OTHERS[0], second.url.as_str(), &second.token)] {
            let folder = tempfile::tempdir().unwrap();
            (cluster.configure)(&mut config, url, token, folder.path());
            name.clone_into(&mut config.kubernetes.last_mut().unwrap().name);
            self.folders.push(folder);
        }
        (kind(OTHERS[1]).configure)(&mut config, &self.demo.alertmanager.url, "", self.folders[0].path());
        config
    }

    /// A fresh LIST of every watched kind.
    async fn listed(&self) -> BTreeMap<&'static str, Rows> {
        let at = &self.demo.clusters[0].1;
        let mut all = BTreeMap::new();
        for kind in &KINDS {
            let answer = self.http.get(format!("{}{}", at.url, kind.path)).bearer_auth(&at.token).send().await;
            all.insert(kind.name, kind.listed(&answer.unwrap().json().await.unwrap()));
        }
        all
    }

    /// All is well, and every row is what a LIST says.
    async fn is_as_listed(&self, watching: &mut Watching) -> BTreeMap<&'static str, Rows> {
        watching.until("all is well again", |now| now.is_well(&troubled())).await;
        let listed = self.listed().await;
        let is_same = watching.is_so_soon(|now| held(now) == listed).await;
        let held = held(watching);
        let differ: Vec<String> = listed.iter().flat_map(|(name, rows)| differences(rows, &held[name])).collect();
        assert!(is_same, "{differ:#?}");
        listed
    }
}

fn troubled() -> BackendId {
    BackendId::new(TROUBLED)
}

/// What the store has of the troubled cluster.
fn held(watching: &Watching) -> BTreeMap<&'static str, Rows> {
    KINDS.iter().map(|kind| (kind.name, kind.held(&watching.store, &troubled()))).collect()
}

fn are_well(now: &Watching) -> bool {
    OTHERS.iter().all(|name| now.is_well(&BackendId::new(name)))
}

/// The others answer again, and none of them has ever failed.
async fn nobody_else_noticed(watching: &mut Watching) {
    for name in OTHERS {
        let (id, before) = (BackendId::new(name), last_answer(watching, &BackendId::new(name)));
        watching.wake(&id);
        watching.until(&format!("{name} goes on"), |now| last_answer(now, &id) > before).await;
    }
    assert!(are_well(watching));
    let failed = |name: &str| watching.failed.iter().any(|source| *source.backend == *name);
    assert!(!OTHERS.into_iter().any(failed), "{:?}", watching.failed);
}

/// Every source of the troubled cluster fails so.
fn is_told(now: &Watching, is: ErrorKind, words: &[&str]) -> bool {
    let says = |text: &str| text.contains(TROUBLED) && words.iter().any(|word| text.contains(word));
    now.failures(&troubled())
        .iter()
        .all(|(_, failure)| failure.is_some_and(|failure| failure.error.kind == is && says(&failure.error.says)))
}

fn freshness(watching: &Watching, part: Part) -> Freshness {
    watching.store.freshness(&SourceId::new(&troubled(), part), SystemClock.now())
}

/// The text of the screen with the workloads.
fn screen(watching: &Watching) -> String {
    let area = Rect::new(0, 0, 200, 60);
    let (mut screens, view, mut buf) = (Screens::default(), watching.view((200, 60)), Buffer::empty(area));
    let screen = screens.get_mut(ScreenId::Kube);
    screen.sync(&view, Changes::ALL);
    screen.render(&view, area, &mut buf);
    buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_turned_away_leave_old_rows_with_words_and_the_server_is_obeyed() {
    let mut world = World::start(None).await;
    let front = Front::of(&world.demo.clusters[0].1.url).await;
    let config = world.config(&front.url);
    let mut watching = Watching::of(config).await;
    watching.until("all is well", |now| now.is_well(&troubled()) && are_well(now)).await;
    let known = world.is_as_listed(&mut watching).await;

    world.trouble("throttle?requests=1000000").await;
    // What is open is cut: watches must be asked for again.
    front.set(Fault::Nothing);
    watching.wake(&troubled());
    let words = ["asks to slow down (429): Too many requests, please try again later."];
    watching.until("all of it is turned away", |now| is_told(now, Throttled, &words)).await;
    // The world goes on, past the longest back-off of what crashes there, and nobody is told.
    world.demo.advance(jiff::SignedDuration::from_secs(400));
    let is_asked_again = |now: &Watching| {
        now.failures(&troubled()).iter().all(|(_, failure)| failure.is_some_and(|failure| failure.tries > 1))
    };
    watching.until("all of it is asked again, and turned away", is_asked_again).await;
    assert_eq!(held(&watching), known, "what was known stays");
    for part in [Part::Pods, Part::Deployments, Part::ReplicaSets, Part::Events] {
        let is_marked = matches!(freshness(&watching, part), Freshness::Stale { .. });
        assert!(is_marked, "{part:?}: {:?}", freshness(&watching, part));
    }
    let shown = screen(&watching);
    assert!(shown.contains("?? ") && shown.contains("'cluster-1' asks to slow down (429)"), "{shown}");
    assert!(shown.contains("CrashLoopBackOff"), "its rows stay: {shown}");

    let pod = watching.store.kube.pods.values().find(|pod| pod.key.cluster == troubled()).unwrap().key.clone();
    let refused = watching.ask(Query::Describe(ObjectRef::Pod(pod.clone()))).await.unwrap_err();
    assert!(refused.kind == Throttled && refused.retry_at.is_some() && refused.says.contains("(429)"), "{refused:?}");
    nobody_else_noticed(&mut watching).await;
    let asked = front.asked_in(|_| true);
    for (index, (path, at)) in asked.iter().enumerate() {
        let earlier = asked[..index].iter().rev().find(|(other, _)| other == path);
        let gap = earlier.map(|(_, before)| *at - *before);
        assert!(gap.is_none_or(|gap| gap >= Duration::from_secs(RETRY_AFTER)), "'{path}' again after {gap:?}");
    }

    world.trouble("calm").await;
    let now = world.is_as_listed(&mut watching).await;
    assert!(now["pods"] != known["pods"] && now != known, "what was shown was old");
    assert!(freshness(&watching, Part::Pods).is_live());
    assert!(!screen(&watching).contains("429"));
    assert!(watching.ask(Query::Describe(ObjectRef::Pod(pod))).await.is_ok());
}

/// The first requests are turned away: what is read then is whole all the same, and nobody has to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_turned_away_at_the_start_are_made_again() {
    let mut world = World::start(None).await;
    let url = world.demo.clusters[0].1.url.clone();
    let config = world.config(&url);
    world.trouble("throttle?requests=12").await;
    let mut watching = Watching::of(config).await;
    let was_refused = |now: &Watching| now.failed.iter().any(|source| source.backend == troubled());
    watching.until("it is turned away", was_refused).await;
    world.is_as_listed(&mut watching).await;
    watching.until("the others are read", are_well).await;
    nobody_else_noticed(&mut watching).await;
}

/// Pages come one by one: what has come is there, it counts as being read, and it is no failure. In the middle of it the
/// server forgets the version that is being listed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_pages_are_shown_as_they_come_and_a_list_that_expired_begins_anew() {
    let mut world = World::start(Some(1_300)).await;
    let url = world.demo.clusters[0].1.url.clone();
    let config = world.config(&url);
    world.trouble("slow?millis=700").await;
    let mut watching = Watching::of(config).await;
    let pods = |now: &Watching| KINDS[0].held(&now.store, &troubled()).len();
    let is_synced = |now: &Watching| now.store.sources[&SourceId::new(&troubled(), Part::Pods)].has_synced;
    watching.until("the first page", |now| pods(now) > 0).await;
    assert!(pods(&watching) <= 500 && !is_synced(&watching), "{} pods", pods(&watching));
    world.trouble("expire").await;
    let listed = world.is_as_listed(&mut watching).await;
    assert!(is_synced(&watching) && listed["pods"].len() > 1_000, "{}", listed["pods"].len());
    let failed: Vec<_> = watching.failed.iter().filter(|source| source.backend == troubled()).collect();
    assert!(failed.is_empty(), "slow is not broken: {failed:?}");

    // What a person asks for is answered, too, and what changes is seen.
    let pod = watching.store.kube.pods.values().find(|pod| pod.key.cluster == troubled()).unwrap().key.clone();
    assert!(watching.ask(Query::Describe(ObjectRef::Pod(pod.clone()))).await.is_ok());
    world.delete(&pod).await;
    let later = world.is_as_listed(&mut watching).await;
    assert_ne!(later["pods"], listed["pods"]);
    nobody_else_noticed(&mut watching).await;
}

/// So slow that nothing is answered in time: told as such, and over when it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_take_too_long_are_given_up_and_asked_for_again() {
    let mut world = World::start(None).await;
    let url = world.demo.clusters[0].1.url.clone();
    let config = Config { timeouts: Timeouts { answer: 2, list: 2, ..Timeouts::default() }, ..world.config(&url) };
    world.trouble("slow?millis=600000").await;
    let mut watching = Watching::of(config).await;
    watching.until("the others are read", are_well).await;
    let words = ["did not answer", "no answer", "in time", "silent"];
    watching.until("nothing is answered", |now| is_told(now, TimedOut, &words)).await;
    assert!(held(&watching).values().all(BTreeMap::is_empty));
    assert!(matches!(freshness(&watching, Part::Pods), Freshness::Down { age: None, .. }));
    nobody_else_noticed(&mut watching).await;
    world.trouble("calm").await;
    world.is_as_listed(&mut watching).await;
    assert!(freshness(&watching, Part::Pods).is_live());
}
