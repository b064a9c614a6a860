//! Every fault over every kind of backend: it is told in words with the right kind, what was known stays, nobody else
//! notices, and it mends by itself.

use std::time::Duration;

use futures::future::join_all;
use midwatch::{
    model::{BackendId, Part},
    source::ErrorKind::{self, Auth, Throttled, TimedOut, Unexpected, Unreachable},
};

use crate::{
    backend::{KINDS, Kind, config, kind, world},
    front::{Fault, Front, HUGE},
    watching::Watching,
};

/// Seconds of `Retry-After`.
const RETRY_AFTER: u64 = 2;
/// Most of an endless answer that may be taken in: a list of Kubernetes may have 64 MiB, and the sockets have buffers.
const MOST_TAKEN: usize = HUGE / 5 * 4;

/// What must be said of a fault: its kind, and one of the words of each group.
struct Case {
    fault: Fault,
    kinds: &'static [ErrorKind],
    words: &'static [&'static [&'static str]],
}

impl Case {
    /// Every source says what happened, to what, and what to do.
    fn is_told(&self, watching: &Watching, id: &BackendId) -> bool {
        watching.failures(id).into_iter().all(|(part, failure)| match failure {
            None => self.is_hidden_from(id, part),
            Some(failure) => {
                let says = &failure.error.says;
                let says_one_of = |words: &&[&str]| words.iter().any(|word| says.contains(word));
                self.kinds.contains(&failure.error.kind) && says.contains(&**id) && self.words.iter().all(says_one_of)
            }
        })
    }

    /// A watch is silent while nothing changes, and a heartbeat is not JSON: each is told by the other.
    fn is_hidden_from(&self, id: &BackendId, part: Part) -> bool {
        let is_watch = part != Part::Health;
        **id == *"cluster-1"
            && match self.fault {
                Fault::SilentInBody => is_watch,
                Fault::HalfJson | Fault::WrongTypes => !is_watch,
                _ => false,
            }
    }
}

/// What to do about a refused login.
const REMEDY: &[&str] = &["log in", "token", "login"];

const CASES: [Case; 12] = [
    Case { fault: Fault::Refused, kinds: &[Unreachable], words: &[&["connection refused"]] },
    Case {
        fault: Fault::SilentBeforeHeaders,
        kinds: &[TimedOut],
        words: &[&["did not answer", "silent", "no answer", "in time"]],
    },
    Case {
        fault: Fault::SilentInBody,
        kinds: &[TimedOut],
        words: &[&["in the middle", "silent", "no answer", "did not answer", "in time"]],
    },
    Case { fault: Fault::Status(401), kinds: &[Auth], words: &[&["401"], REMEDY] },
    Case { fault: Fault::Status(403), kinds: &[Auth], words: &[&["403"], &["right", "refused", "forbids"]] },
    Case { fault: Fault::Status(404), kinds: &[Unexpected], words: &[&["404"]] },
    Case { fault: Fault::TooOften(RETRY_AFTER), kinds: &[Throttled], words: &[&["429", "too many requests"]] },
    Case { fault: Fault::Status(500), kinds: &[Unexpected], words: &[&["500", "not ready"]] },
    Case { fault: Fault::WebPage, kinds: &[Unexpected, Auth], words: &[&["web page", "JSON", "expected"]] },
    Case { fault: Fault::HalfJson, kinds: &[Unexpected], words: &[&["cut off", "EOF", "cannot be read", "shape"]] },
    Case { fault: Fault::Huge, kinds: &[Unexpected, TimedOut], words: &[&["MiB", "MB", "bytes", "within"]] },
    Case {
        fault: Fault::WrongTypes,
        kinds: &[Unexpected],
        words: &[&["shape", "type", "cannot be read", "expected", "version", "sent no"]],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubernetes() {
    every_fault("cluster-1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn github() {
    every_fault("code-1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grafana() {
    every_fault("charts-1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alertmanager() {
    every_fault("alerts-1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus() {
    every_fault("rules-1").await;
}

async fn every_fault(name: &str) {
    let cases: Vec<_> = CASES
        .iter()
        .map(|case| async move {
            let trouble = std::panic::AssertUnwindSafe(one_fault(kind(name), case));
            futures::FutureExt::catch_unwind(trouble).await.is_err().then_some(case.fault)
        })
        .collect();
    let wrong: Vec<Fault> = join_all(cases).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{name}: {wrong:?}; see above");
}

/// A healthy backend of another kind beside one that is seen through `front`.
async fn beside_another(kind: &Kind) -> (Front, Watching, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let front = Front::of(&(kind.upstream)(world()).url).await;
    let mut config = config();
    kind.add(&mut config, &front.url, folder.path());
    let other = crate::backend::kind(kind.companion);
    other.add(&mut config, &(other.upstream)(world()).url, folder.path());
    let mut watching = Watching::of(config).await;
    watching.until("all is well", |now| now.is_well(&kind.id()) && now.is_well(&other.id())).await;
    (front, watching, folder)
}

async fn one_fault(kind: &Kind, case: &Case) {
    let (front, mut watching, _folder) = beside_another(kind).await;
    let (id, other) = (kind.id(), crate::backend::kind(kind.companion).id());
    let name = format!("{} {:?}", kind.name, case.fault);
    let rows = (kind.rows)(&watching.store, &id);
    assert!(rows > 0, "{name}: nothing to lose");

    front.set(case.fault);
    watching.wake(&id);
    watching.until(&format!("{name} is told"), |now| case.is_told(now, &id)).await;
    assert_eq!((kind.rows)(&watching.store, &id), rows, "{name}: what was known stays");
    let ages = watching.store.sources.iter().filter(|(source, _)| source.backend == id);
    assert!(ages.into_iter().all(|(_, state)| state.pulse.as_of.is_some()), "{name}: with its age");

    let before = last_answer(&watching, &other);
    watching.wake(&other);
    watching.until(&format!("{name}: the other goes on"), |now| last_answer(now, &other) > before).await;
    assert!(!watching.failed.iter().any(|source| source.backend == other), "{name}: the other noticed");

    match case.fault {
        Fault::TooOften(_) => obeys_retry_after(&name, &front, &mut watching, &id).await,
        Fault::Huge => assert!(front.most_taken() < MOST_TAKEN, "{name}: {} bytes were taken in", front.most_taken()),
        _ => {}
    }
    front.set(Fault::Nothing);
    // A refusal that came and went may have left it with a part of the cluster, for some seconds.
    let is_whole = |now: &Watching| now.is_well(&id) && (kind.rows)(&now.store, &id) == rows;
    watching.until(&format!("{name} is over, and all is there again"), is_whole).await;
}

/// When anything of it answered last.
pub fn last_answer(watching: &Watching, of: &BackendId) -> Option<std::time::Instant> {
    let sources = watching.store.sources.iter().filter(|(id, _)| id.backend == *of);
    sources.filter_map(|(_, state)| state.pulse.as_of.map(|(at, _)| at)).max()
}

/// No path is asked for again before the time that the server named.
async fn obeys_retry_after(name: &str, front: &Front, watching: &mut Watching, id: &BackendId) {
    watching
        .until(&format!("{name}: asked again"), |now| {
            now.failures(id).iter().any(|(_, failure)| failure.is_some_and(|failure| failure.tries > 1))
        })
        .await;
    let asked = front.asked_in(|fault| matches!(fault, Fault::TooOften(_)));
    for (index, (path, at)) in asked.iter().enumerate() {
        let earlier = asked[..index].iter().rev().find(|(other, _)| other == path);
        let gap = earlier.map(|(_, before)| *at - *before);
        assert!(gap.is_none_or(|gap| gap >= Duration::from_secs(RETRY_AFTER)), "{name}: '{path}' again after {gap:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_reset() {
    let case = Case { fault: Fault::Reset, kinds: &[Unreachable], words: &[&["reset", "broke off", "closed"]] };
    join_all(KINDS.iter().map(|kind| one_fault(kind, &case))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_does_not_resolve() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    for kind in &KINDS {
        kind.add(&mut config, "http://no-such-host.invalid", folder.path());
    }
    let mut watching = Watching::of(config).await;
    for kind in &KINDS {
        let told = |now: &Watching| now.has_failed(&kind.id(), &[Unreachable]);
        watching.until("nobody can be found", told).await;
        for (part, failure) in watching.failures(&kind.id()) {
            let says = &failure.unwrap().error.says;
            let words = ["resolve", "lookup", "name"];
            assert!(says.contains(kind.name) && words.iter().any(|word| says.contains(word)), "{part:?}: {says}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_known_and_harms_nothing() {
    const AHEAD: i64 = 90;
    join_all(KINDS.iter().map(|kind| async move {
        let (front, mut watching, _folder) = beside_another(kind).await;
        let id = kind.id();
        let offset = |now: &Watching| {
            let own = midwatch::time::Clock::now(&midwatch::time::SystemClock);
            now.store.backends[&id].info.clock.map(|clock| clock.offset_ms(own))
        };
        let before = offset(&watching).unwrap_or_default();
        front.set(Fault::Ahead(AHEAD));
        watching.wake(&id);
        let is_known = |now: &Watching| offset(now).is_some_and(|after| after - before > (AHEAD - 30) * 1000);
        watching.until(&format!("{}: its clock is known", kind.name), is_known).await;
        watching.until(&format!("{}: all is well", kind.name), |now| now.is_well(&id)).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_too_old_lists_again() {
    let kind = kind("cluster-1");
    let (front, mut watching, _folder) = beside_another(kind).await;
    let rows = (kind.rows)(&watching.store, &kind.id());
    front.set(Fault::Expired);
    // Listing anew helps once; a server that forgets even what it has just listed is named.
    let told = |now: &Watching| {
        let failures = now.failures(&kind.id());
        failures.iter().any(|(_, failure)| failure.is_some_and(|failure| failure.error.says.contains("410")))
    };
    watching.until("the history is gone", told).await;
    let asked = front.asked_in(|fault| matches!(fault, Fault::Expired));
    let times = |path: &str| asked.iter().filter(|(other, _)| other == path).count();
    assert!(asked.iter().any(|(path, _)| times(path) > 1), "it lists again: {asked:?}");
    front.set(Fault::Nothing);
    watching.until("all is well", |now| now.is_well(&kind.id())).await;
    assert_eq!((kind.rows)(&watching.store, &kind.id()), rows);
}
