//! What a person at a terminal feels, measured from outside: the real binary in a pseudo-terminal of 120x35, its backends in
//! other processes. `cargo bench --bench terminal` prints a table; `cargo test --benches` runs each case once, for a look.
//! Nothing is judged here: the bars stand in the README.

mod beside;
#[allow(dead_code)] // the end-to-end tests use the rest of it
#[path = "../../e2e/terminal.rs"]
mod driver;
mod flood;
mod measure;
#[allow(dead_code)] // as above
#[path = "../../e2e/world.rs"]
mod world;

use std::time::Duration;

use beside::Counted;
use driver::Terminal;
use flood::Load;
use measure::{Effort, Process, Row, now};
use world::World;

const SIZE: (u16, u16) = (120, 35);
const BACKENDS: [&str; 6] = ["prod-eu1", "staging-eu1", "github", "grafana", "alertmanager", "prometheus"];

type Case = fn(Effort) -> Vec<Row>;

fn main() {
    // `cargo bench` says so; without it this is only a smoke run.
    let effort = if std::env::args().any(|arg| arg == "--bench") { Effort::MEASURE } else { Effort::SMOKE };
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let cases: [(&str, Case); 10] = [
        ("start", start),
        ("calm", calm),
        ("hanging", hanging),
        ("flood", flooded),
        ("changes", changing),
        ("kubectl", |effort| beside::kubectl_beside(effort, 10_000)),
        ("kubectl-100000", |effort| beside::kubectl_beside(effort, 100_000)),
        ("kubectl-logs", beside::logs_beside),
        ("pods-10000", |effort| fleet(effort, 10_000)),
        ("pods-100000", |effort| fleet(effort, 100_000)),
    ];
    for (name, case) in cases {
        let is_wanted = only.as_ref().is_none_or(|only| name.contains(only.as_str()));
        if is_wanted {
            for row in case(effort) {
                row.print(name);
            }
        }
    }
}

fn cockpit(config: &str) -> Terminal {
    Terminal::start(&["--config", config], SIZE)
}

/// From exec to the first frame, and to the incident.
fn start(effort: Effort) -> Vec<Row> {
    let world = World::start(&[]);
    let (mut first, mut incident) = (Vec::new(), Vec::new());
    for _ in 0..effort.starts {
        let begun = now();
        let screen = cockpit(&world.config());
        screen.wait("Triage");
        first.push(now() - begun);
        screen.wait("HighErrorRate");
        incident.push(now() - begun);
    }
    vec![Row::times("exec to the first frame", &mut first), Row::times("exec to the incident on screen", &mut incident)]
}

/// Keys, bytes and idle cost with the demo's world.
fn calm(effort: Effort) -> Vec<Row> {
    let world = World::start(&[]);
    let mut screen = cockpit(&world.config());
    screen.wait("HighErrorRate");
    let mut rows = vec![keys(&mut screen, effort)];
    rows.extend(bytes(&mut screen, effort));
    rows.extend(idle(&screen, effort));
    rows.push(Process::of(&screen).memory());
    rows
}

/// The same keys while no backend answers any more.
fn hanging(effort: Effort) -> Vec<Row> {
    let world = World::start(&[]);
    let mut screen = cockpit(&world.config());
    screen.wait("HighErrorRate");
    for name in BACKENDS {
        world.backend(name, "hang");
    }
    screen.keys("r");
    vec![keys(&mut screen, effort)]
}

/// The same keys while ten pods log 10,000 lines a second.
fn flooded(effort: Effort) -> Vec<Row> {
    let cluster = flood::Cluster::start(Load { pods: 10, lines: 1_000, ..Load::default() });
    let mut screen = cockpit(&cluster.config());
    screen.keys("3");
    screen.wait("app-6d5c9-00001");
    screen.keys("l");
    screen.wait("LOGS deploy/app");
    screen.wait("10 streams");
    let before = Process::of(&screen).cpu();
    let begun = now();
    let mut rows = vec![keys(&mut screen, effort)];
    rows.push(Process::of(&screen).share(before, now() - begun, "core used under the flood"));
    rows.push(Process::of(&screen).memory());
    rows
}

/// The same keys while a thousand of 10,000 pods change each second.
fn changing(effort: Effort) -> Vec<Row> {
    let pods = if effort.is_measuring { 10_000 } else { 100 };
    let cluster = flood::Cluster::start(Load { pods, changes: pods / 10, ..Load::default() });
    let counted = Counted::flooded(&cluster);
    let begun = now();
    let mut screen = cockpit(&counted.config());
    screen.keys("3");
    screen.wait("app-6d5c9-00001");
    let mut rows = vec![Row::time("exec to the first pod", now() - begun)];
    rows.extend(counted.until_all_is_read("exec to all pods", begun, &screen));
    let before = Process::of(&screen).cpu();
    let begun = now();
    rows.extend([keys(&mut screen, effort), filters(&mut screen, effort, "ap"), sorts(&mut screen, effort)]);
    rows.push(steps(&mut screen, effort));
    let passed = now() - begun;
    rows.push(Process::of(&screen).share(before, passed, "core used under the changes"));
    rows.push(Row::text(&format!("  on the wire in {:.0} s", passed.as_secs_f64()), counted.wire.take()));
    rows.push(Process::of(&screen).memory());
    rows
}

/// The cursor goes down the pods of a workload; the log below is of the pod that it stands on.
fn steps(screen: &mut Terminal, effort: Effort) -> Row {
    let chosen = |text: &str| {
        let name = text.split("LAST LOG LINES ").nth(1).and_then(|rest| rest.split(' ').next());
        name.unwrap_or_default().to_owned()
    };
    let mut times = Vec::new();
    screen.keys("\t");
    for _ in 0..2 * effort.keys {
        let before = chosen(&screen.screen());
        let begun = now();
        screen.keys("j");
        screen.until("the next pod", |text| chosen(text) != before);
        times.push(now() - begun);
    }
    Row::times("step of the cursor to paint", &mut times)
}

/// A large fleet: until all of it is there and what that costs, and keys that go through all of its rows.
fn fleet(effort: Effort, pods: usize) -> Vec<Row> {
    // Only a release build founds a large world in a moment.
    let pods = if effort.is_measuring { pods } else { 60 };
    let world = World::start(&["--pods", &pods.to_string()]);
    let counted = Counted::among_all(&world);
    let begun = now();
    let mut screen = cockpit(&counted.config());
    screen.keys("3");
    screen.wait("WORKLOADS");
    screen.wait("myapp");
    let mut rows = vec![Row::time("exec to the first workload", now() - begun)];
    rows.extend(counted.until_all_is_read("exec to all pods", begun, &screen));
    screen.keys("j");
    rows.extend([keys(&mut screen, effort), filters(&mut screen, effort, "myap"), sorts(&mut screen, effort)]);
    rows.push(moves(&mut screen, effort));
    rows.push(Process::of(&screen).memory());
    rows
}

/// The last letter of a filter is typed and taken back: of all rows others are shown.
fn filters(screen: &mut Terminal, effort: Effort, text: &str) -> Row {
    let mut times = Vec::new();
    screen.keys("/");
    screen.type_slowly(text);
    for _ in 0..effort.keys {
        for (key, is_narrow) in [("q", true), ("\u{7f}", false)] {
            let begun = now();
            screen.keys(key);
            screen.until("another choice", |text| text.contains("WORKLOADS 0 ") == is_narrow);
            times.push(now() - begun);
        }
    }
    screen.keys("\u{1b}");
    screen.settled();
    Row::times("filter key to paint", &mut times)
}

/// All rows in another order, and back.
fn sorts(screen: &mut Terminal, effort: Effort) -> Row {
    let mut times = Vec::new();
    for _ in 0..effort.keys {
        for (key, order) in [(">", "sort name"), ("<", "sort trouble")] {
            let begun = now();
            screen.keys(key);
            screen.wait(order);
            times.push(now() - begun);
        }
    }
    Row::times("sort key to paint", &mut times)
}

/// Help is opened and closed: the text is looked for, not just any byte.
fn keys(screen: &mut Terminal, effort: Effort) -> Row {
    let mut times = Vec::new();
    for _ in 0..effort.keys {
        for (key, is_open) in [("?", true), ("\u{1b}", false)] {
            let begun = now();
            screen.keys(key);
            screen.until("help", |text| text.contains("EVERYWHERE") == is_open);
            times.push(now() - begun);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    Row::times("key to paint", &mut times)
}

/// Bytes for one step of the cursor, and for a whole other screen.
fn bytes(screen: &mut Terminal, effort: Effort) -> Vec<Row> {
    let mut whole = Vec::new();
    for (key, text) in [("3", "WORKLOADS"), ("4", "PIPELINE RUNS"), ("2", "TIMELINE"), ("3", "WORKLOADS")] {
        let before = screen.written();
        screen.keys(key);
        screen.wait(text);
        screen.settled();
        whole.push(screen.written() - before);
    }
    vec![moves(screen, effort), Row::bytes("bytes, another screen", &whole)]
}

fn moves(screen: &mut Terminal, effort: Effort) -> Row {
    screen.settled();
    let mut moved = Vec::new();
    for turn in 0..effort.moves {
        let before = screen.written();
        screen.keys(if turn % 2 == 0 { "j" } else { "k" });
        screen.until("an answer", |_| true);
        screen.settled();
        moved.push(screen.written() - before);
    }
    Row::bytes("bytes, one step of the cursor", &moved)
}

/// Nobody types.
fn idle(screen: &Terminal, effort: Effort) -> Vec<Row> {
    screen.settled();
    let process = Process::of(screen);
    let (cpu, written, begun) = (process.cpu(), screen.written(), now());
    std::thread::sleep(effort.idle);
    let passed = now() - begun;
    let per_second = (screen.written() - written) as f64 / passed.as_secs_f64();
    vec![
        process.share(cpu, passed, "core used when idle"),
        Row::text("bytes a second when idle", format!("{per_second:.0}")),
    ]
}
