//! `midwatch demo`: the embedded world with the cockpit on it, or only its servers.

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Args;
use color_eyre::{Result, eyre::eyre};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Global,
    cockpit::{self, Stage},
    setup::{Setup, with_flags},
};
use crate::{
    app::{
        settings::{Settings, parse_workload},
        tour::{self, Hint, Moment},
    },
    config::{file::Config, load, paths::Paths},
    demo::{Options, clock::WorldClock, start},
    text::Clean,
    time::{Clock, Now},
};

/// The cockpit's clock: the world's time, at the world's speed. Deadlines and freshness stay the computer's.
struct WorldTime {
    own: Arc<dyn Clock>,
    world: WorldClock,
}

impl Clock for WorldTime {
    fn now(&self) -> Now {
        Now { wall: self.world.now(), ..self.own.now() }
    }
}

#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// A built-in scenario, or a scenario file
    #[arg(long, default_value = "default", value_name = "NAME or FILE")]
    scenario: String,
    /// Seed of everything random, in place of the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// How many times as fast as real time the world runs
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    speed: f64,
    /// Only the servers: one JSON line with every address, until interrupted
    #[arg(long)]
    serve: bool,
    /// What the world's clock shows at the start [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Scale the fleet to this many pods
    #[arg(long, value_name = "N")]
    pods: Option<usize>,
}

/// Starts the world; the cockpit gets only what `--serve` prints.
pub async fn run(demo: Demo, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    if !(demo.speed > 0.0 && demo.speed <= 1000.0) {
        return Err(eyre!("--speed {}: take a number above 0, at most 1000", demo.speed));
    }
    if global.kubeconfig.is_some() {
        return Err(eyre!("--kubeconfig: the practice world has clusters of its own"));
    }
    let stop = cockpit::stop_on_signal();
    let wall = clock.clone();
    let mut options = Options::new(Arc::new(move || wall.now().wall));
    let origin = demo.scenario.clone();
    options.scenario = demo.scenario;
    options.seed = demo.seed;
    options.speed = demo.speed;
    options.at = demo.at;
    options.pods = demo.pods;
    options.control = demo.serve;
    let stage = if demo.serve { None } else { Some(curtain(&global, &clock)?) };
    let served = tokio::select! {
        served = start(options) => served.map_err(|error| eyre!("{error}"))?,
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    let hints = hints(&served.to_json()["hints"], &origin)?;
    let Some(stage) = stage else {
        let mut out = std::io::stdout();
        writeln!(out, "{}", served.to_json())?;
        out.flush()?;
        stop.cancelled().await;
        served.stop().await;
        return Ok(ExitCode::SUCCESS);
    };
    let config = load::load(Some(&served.config), None)?.config;
    let folder: PathBuf = served.config.parent().map_or_else(std::env::temp_dir, std::path::Path::to_owned);
    let setup = Setup {
        config: with_flags(config, &global),
        paths: Paths::below(&folder),
        config_path: served.config.clone(),
        mode: cockpit::Mode::Demo,
        found: None,
        hints,
    };
    let world = WorldTime { own: clock, world: served.clock.clone() };
    Box::pin(cockpit::run_with(stage, setup, &global, Arc::new(world), stop)).await?;
    served.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The first frame, while the world is built. Keys typed meanwhile reach the cockpit.
fn curtain(global: &Global, clock: &Arc<dyn Clock>) -> Result<Stage> {
    let ui = with_flags(Config::default(), global).ui;
    // The world's own folder goes with it, and a crash's report would too.
    let state = std::env::temp_dir().join("midwatch-demo");
    let mut stage = Stage::enter(&ui, state, clock)?;
    let settings = Settings { is_demo: true, ui, ..Settings::default() };
    stage.curtain(settings, "starting the practice world", clock)?;
    Ok(stage)
}

/// A hint as `--serve` prints it.
#[derive(Deserialize)]
struct Printed {
    when: Moment,
    alert: String,
    workload: String,
    text: String,
}

/// The hints of the world; an error names the scenario, the hint and the word that is no command.
fn hints(printed: &Value, scenario: &str) -> Result<Vec<Hint>> {
    let printed: Vec<Printed> = serde_json::from_value(printed.clone())?;
    let hint = |(nth, hint): (usize, Printed)| {
        tour::check(&hint.text)
            .map_err(|error| eyre!("scenario '{scenario}', [[hint]] {}, '{}': {error}", nth + 1, hint.text))?;
        Ok(parse_workload(&hint.workload).map(|workload| Hint {
            when: hint.when,
            alert: Clean::line(&hint.alert),
            workload,
            text: Clean::line(&hint.text),
        }))
    };
    printed.into_iter().enumerate().map(hint).filter_map(Result::transpose).collect()
}
