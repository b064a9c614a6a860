//! What a frame, an update and a key cost with 10,000 pods, 500 alerts and 100,000 log lines at 200x60, and how much
//! memory they take. `cargo bench` measures; `cargo test --benches` runs each once.

mod fleet;
mod ingest;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use midwatch::app::{App, Msg};
use ratatui::{buffer::Buffer, layout::Rect};

const SCREEN: Rect = Rect { x: 0, y: 0, width: 200, height: 60 };

fn press(app: &mut App, key: char, now: midwatch::time::Now) {
    app.update(Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)), now);
}

fn frames(criterion: &mut Criterion) {
    let clock = fleet::clock();
    let mut app = fleet::app(&clock);
    let now = fleet::now(&clock);
    let mut buffer = Buffer::empty(SCREEN);
    for (key, name) in [
        ('1', "now"),
        ('2', "triage"),
        ('3', "kube"),
        ('4', "pipelines"),
        ('5', "prs"),
        ('6', "metrics"),
        ('8', "audit"),
    ] {
        press(&mut app, key, now);
        app.draw(&mut buffer, now);
        criterion.bench_function(&format!("frame/{name}"), |bencher| {
            bencher.iter(|| {
                buffer.reset();
                black_box(app.draw(&mut buffer, now));
            });
        });
    }
    fleet::open_log(&mut app, now);
    app.draw(&mut buffer, now);
    criterion.bench_function("frame/logs-100k", |bencher| {
        bencher.iter(|| {
            buffer.reset();
            black_box(app.draw(&mut buffer, now));
        });
    });
    press(&mut app, '3', now);
    criterion.bench_function("key/down-on-kube", |bencher| {
        bencher.iter(|| {
            press(&mut app, 'j', now);
            buffer.reset();
            black_box(app.draw(&mut buffer, now));
        });
    });
}

/// `&` on a log as large as its room: a letter until it is painted, and until all lines were looked at.
fn filter(criterion: &mut Criterion) {
    let clock = fleet::clock();
    let now = fleet::now(&clock);
    let mut app = fleet::app_of(&clock, 100);
    let mut buffer = Buffer::empty(SCREEN);
    fleet::open_log(&mut app, now);
    let draw = |app: &mut App, buffer: &mut Buffer| {
        buffer.reset();
        black_box(app.draw(buffer, now));
    };
    let settle = |app: &mut App, buffer: &mut Buffer| {
        draw(app, buffer);
        while app.dirty {
            draw(app, buffer);
        }
    };
    settle(&mut app, &mut buffer);
    press(&mut app, '&', now);
    let backspace = |app: &mut App| {
        app.update(Msg::Key(KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE)), now);
    };
    criterion.bench_function("filter/logs-100k-key", |bencher| {
        bencher.iter(|| {
            press(&mut app, '7', now);
            draw(&mut app, &mut buffer);
            backspace(&mut app);
            draw(&mut app, &mut buffer);
        });
    });
    criterion.bench_function("filter/logs-100k-filtered", |bencher| {
        bencher.iter(|| {
            press(&mut app, '7', now);
            settle(&mut app, &mut buffer);
            backspace(&mut app);
            settle(&mut app, &mut buffer);
        });
    });
}

/// Resident memory, in MiB; zero where the system does not say.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4 / 1024
}

/// What 10,000 pods, 500 alerts and 100,000 log lines take.
#[allow(clippy::print_stderr)] // a measurement's result
fn memory(_: &mut Criterion) {
    let clock = fleet::clock();
    let before = resident();
    let mut app = fleet::app(&clock);
    let fleet = resident();
    fleet::open_log(&mut app, fleet::now(&clock));
    eprintln!("memory/fleet: {} MiB, memory/log-lines: {} MiB", fleet - before, resident() - fleet);
    black_box(&app);
}

fn updates(criterion: &mut Criterion) {
    let clock = fleet::clock();
    let now = fleet::now(&clock);
    let mut app = fleet::app(&clock);
    let mut turn = 0;
    criterion.bench_function("apply/500-changed-pods", |bencher| {
        bencher.iter(|| {
            turn += 1;
            app.update(Msg::Update(Box::new(fleet::changed_pods(turn, now))), now);
        });
    });
    criterion.bench_function("apply/500-log-lines", |bencher| {
        bencher.iter(|| fleet::more_lines(&mut app, now));
    });
    criterion.bench_function("apply/10000-pods-from-nothing", |bencher| {
        bencher.iter(|| black_box(fleet::app(&clock).store.kube.pods.len()));
    });
}

/// A pod changes and the frame that shows it is drawn, in a small and in a very large world.
fn churn(criterion: &mut Criterion) {
    let clock = fleet::clock();
    let now = fleet::now(&clock);
    for pods in [fleet::PODS, 10 * fleet::PODS] {
        let mut app = fleet::app_of(&clock, pods);
        let mut buffer = Buffer::empty(SCREEN);
        for (key, name) in [('1', "now"), ('3', "kube")] {
            press(&mut app, key, now);
            app.draw(&mut buffer, now);
            let mut turn = 0;
            criterion.bench_function(&format!("churn/{name}-{pods}"), |bencher| {
                bencher.iter(|| {
                    turn += 1;
                    app.update(Msg::Update(Box::new(fleet::changed_pod(turn, now))), now);
                    buffer.reset();
                    black_box(app.draw(&mut buffer, now));
                });
            });
            criterion.bench_function(&format!("churn/{name}-{pods}-frame"), |bencher| {
                bencher.iter(|| {
                    buffer.reset();
                    black_box(app.draw(&mut buffer, now));
                });
            });
        }
    }
}

/// A table of 100,000 pods: what a key of its filter or its order costs until it is painted, and until the rows are there,
/// which are put in order beside the screen.
fn table(criterion: &mut Criterion) {
    const ROWS: usize = 100_000;
    let clock = fleet::clock();
    let now = fleet::now(&clock);
    let mut app = fleet::app_of(&clock, 100);
    let mut buffer = Buffer::empty(SCREEN);
    fleet::open_table(&mut app, ROWS, now);
    let draw = |app: &mut App, buffer: &mut Buffer| {
        buffer.reset();
        black_box(app.draw(buffer, now));
    };
    let settle = |app: &mut App, buffer: &mut Buffer| {
        draw(app, buffer);
        while app.dirty {
            std::thread::yield_now();
            draw(app, buffer);
        }
    };
    settle(&mut app, &mut buffer);
    criterion.bench_function("table/100000-down", |bencher| {
        bencher.iter(|| {
            press(&mut app, 'j', now);
            draw(&mut app, &mut buffer);
        });
    });
    criterion.bench_function("table/100000-sort-key", |bencher| {
        bencher.iter(|| {
            press(&mut app, '>', now);
            draw(&mut app, &mut buffer);
        });
    });
    settle(&mut app, &mut buffer);
    criterion.bench_function("table/100000-sorted", |bencher| {
        bencher.iter(|| {
            press(&mut app, '>', now);
            settle(&mut app, &mut buffer);
        });
    });
    press(&mut app, '/', now);
    criterion.bench_function("table/100000-filtered", |bencher| {
        bencher.iter(|| {
            press(&mut app, '7', now);
            settle(&mut app, &mut buffer);
            app.update(Msg::Key(KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE)), now);
            settle(&mut app, &mut buffer);
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = memory, frames, filter, updates, churn, table, ingest::logs
}
criterion_main!(benches);
