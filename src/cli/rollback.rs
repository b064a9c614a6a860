//! `midwatch rollback KIND/NAME` and `midwatch undo ID`: the same evidence, plan, gates and audit as the keys.
//!
//! Exit codes: 0 done, 1 refused, 2 usage (a value that must be given was not, no such workload), 3 unreadable, 4 unknown
//! (it may have happened, or all was sent and it was not seen to arrive: what to check is said).
//! JSON: `{schema: 1, exit, says, plan: {title, place, production, risk, facts, checks, steps, accepts, undo, equivalent, diff,
//! blocked}, act}`; `act` as in `show audit`. Progress goes to standard error.

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use clap::Args;
use color_eyre::Result;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Global, report, rows, setup, show, target};
use crate::{
    action::{
        CheckResult, Request, Risk,
        act::ActionEvent,
        audit::Audit,
        confirm::Given,
        engine::{Exit, Headless, Identity, Pace, Ran, RealEngine, run_headless},
        plan::Plan,
    },
    headless::Reading,
    text::Clean,
    time::Clock,
    wire::Wired,
};

#[derive(Clone, Debug, Args)]
pub struct Rollback {
    /// deploy/NAME, sts/NAME or ds/NAME
    #[arg(value_name = "KIND/NAME")]
    workload: String,
    /// The revision to go back to [default: the last known good one]
    #[arg(long, value_name = "REV")]
    to: Option<i64>,
    #[command(flatten)]
    how: How,
}

#[derive(Clone, Debug, Args)]
pub struct Undo {
    /// Number of the act, as `midwatch audit` prints it
    #[arg(value_name = "ID")]
    act: u64,
    #[command(flatten)]
    how: How,
}

/// How it is confirmed.
#[derive(Clone, Debug, Args)]
struct How {
    /// Only the plan and its checks: nothing is sent
    #[arg(long)]
    dry_run: bool,
    /// The plan's own target, read from it: the revision or its tag; 'y' outside production
    #[arg(long, value_name = "REV")]
    confirm: Option<String>,
    /// The full name, where a STOP asks for it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Why, where a STOP asks for it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    within: setup::Within,
}

pub async fn rollback(rollback: Rollback, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let (setup, wired, reading) = open(&rollback.how, &global, &clock).await?;
    match target::workload(&reading, &rollback.workload, &global) {
        Ok(workload) => {
            let request = Request::RollBack { workload, to: rollback.to, alert: None };
            carry_out(request, &rollback.how, &setup, &wired, reading, &clock).await
        }
        Err(error) => {
            let exit = if error.is_unreadable { Exit::Unreadable } else { Exit::Usage };
            tell(&Ran { plan: None, act: None, says: Clean::own(error.says), exit }, rollback.how.json)
        }
    }
}

pub async fn undo(undo: Undo, global: Global, clock: Arc<dyn Clock>) -> Result<ExitCode> {
    let audit = setup::paths().audit();
    if show::past_acts(&audit, &clock)?.iter().all(|act| act.number != undo.act) {
        let says = format!("there is no act {} in '{}'; `midwatch audit` lists them", undo.act, audit.display());
        return tell(&Ran { plan: None, act: None, says: Clean::own(says), exit: Exit::Usage }, undo.how.json);
    }
    let (setup, wired, reading) = open(&undo.how, &global, &clock).await?;
    carry_out(Request::Undo { act: undo.act }, &undo.how, &setup, &wired, reading, &clock).await
}

/// Plans look at alerts, runs and pods too: everything is read once.
async fn open(how: &How, global: &Global, clock: &Arc<dyn Clock>) -> Result<(setup::Setup, Wired, Reading)> {
    let setup = setup::required(global).await?;
    // Without a configuration nothing is written: not even a way to is made.
    let is_first = setup.found.is_some();
    let (mut wired, mut settings, _) = setup.open(global, is_first, clock).await;
    if is_first && !global.read_only {
        settings.read_only = Some("without a configuration midwatch only reads: `midwatch init` writes one".into());
    }
    let mut reading = setup::start(&setup, &mut wired, settings, clock, |_| true)?;
    reading.once(how.within.duration()).await;
    // By another name too production asks for what must be typed.
    reading.settings.recall_production(&reading.store);
    Ok((setup, wired, reading))
}

async fn carry_out(
    request: Request,
    how: &How,
    setup: &setup::Setup,
    wired: &Wired,
    reading: Reading,
    clock: &Arc<dyn Clock>,
) -> Result<ExitCode> {
    let (news, mut events) = mpsc::channel::<ActionEvent>(64);
    let identity = Identity { me: reading.settings.me.clone(), login: Clean::own(setup::user_at_host()) };
    let audit = Audit::new(setup.paths.audit());
    let engine = RealEngine::new(audit, clock.clone(), Arc::new(news), identity, Pace::default());
    equip(&engine, wired);
    let progress = tokio::spawn(async move {
        let mut said = Vec::new();
        while let Some(event) = events.recv().await {
            for line in steps_said(&event) {
                if !said.contains(&line) {
                    report::aside(&line);
                    said.push(line);
                }
            }
        }
    });
    let given = Given { confirm: how.confirm.clone(), name: how.name.clone(), reason: how.reason.clone() };
    let ask = Headless { request, given, dry_run: how.dry_run };
    let ran = run_headless(&engine, &ask, &reading.store, &reading.settings).await;
    drop(engine);
    let _ = progress.await;
    reading.stop().await;
    tell(&ran, how.json)
}

/// Gives the engine everything that was opened.
pub fn equip(engine: &RealEngine, wired: &Wired) {
    for inspector in &wired.inspectors {
        engine.add_inspector(inspector.clone());
    }
    for operator in &wired.operators {
        engine.add_operator(operator.clone());
    }
    for reader in &wired.readers {
        engine.add_reader(reader.clone());
    }
    for registry in &wired.registries {
        engine.add_registry(registry.clone());
    }
    for server in &wired.argocds {
        engine.add_applications(server.clone());
    }
    for server in &wired.jenkinses {
        engine.add_jobs(server.clone());
    }
}

/// The steps that are under way or over.
fn steps_said(event: &ActionEvent) -> Vec<String> {
    let ActionEvent::Act(act) = event else { return Vec::new() };
    let told = act.steps.iter().map(|(says, state)| (says, rows::step_word(state)));
    told.filter(|(_, (word, _))| *word != "waiting")
        .map(|(says, (word, note))| {
            let note = if note.is_empty() { String::new() } else { format!(": {note}") };
            format!("{word:<8} {says}{note}")
        })
        .collect()
}

fn tell(ran: &Ran, as_json: bool) -> Result<ExitCode> {
    if as_json {
        report::print_json(&json(ran))?;
    } else {
        if let Some(plan) = &ran.plan {
            report::print(&text(plan))?;
        }
        report::print(&format!("{}\n", ran.says))?;
    }
    Ok(ExitCode::from(ran.exit as u8))
}

fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Quiet => "quiet",
        Risk::Reversible => "reversible",
        Risk::Production => "production",
        Risk::Stopped => "stopped",
    }
}

fn check(result: &CheckResult) -> (&'static str, &str) {
    match result {
        CheckResult::Pending => ("pending", ""),
        CheckResult::Ok(says) => ("ok", says),
        CheckResult::Look(says) => ("look", says),
        CheckResult::Stop(says) => ("stop", says),
        CheckResult::NotChecked(says) => ("not-checked", says),
    }
}

fn json(ran: &Ran) -> Value {
    let plan = ran.plan.as_ref().map(|plan| {
        let facts: Vec<Value> = plan.facts.iter().map(|(name, says)| json!({"name": name, "says": says})).collect();
        let checks: Vec<Value> = plan
            .checks
            .iter()
            .map(|one| {
                let (result, says) = check(&one.result);
                json!({"id": one.id, "name": one.name, "result": result, "says": says})
            })
            .collect();
        let steps: Vec<&Clean> = plan.steps.iter().map(|step| &step.says).collect();
        json!({
            "title": plan.title, "place": plan.place, "production": plan.production, "risk": risk(plan.risk),
            "facts": facts, "checks": checks, "steps": steps, "accepts": plan.accepts, "undo": plan.undo,
            "equivalent": plan.equivalent, "diff": plan.diff, "blocked": plan.blocked,
        })
    });
    let act = ran.act.as_ref().and_then(|act| rows::audit(std::iter::once(act)).remove(0).json().pop());
    json!({"schema": report::SCHEMA, "exit": ran.exit as u8, "says": ran.says, "plan": plan, "act": act})
}

/// The plan as the dialog has it, top to bottom.
fn text(plan: &Plan) -> String {
    let place = if plan.production { "PRODUCTION" } else { "not production" };
    let mut text = format!("{}\n{}  {place}\n\n", plan.title, plan.place);
    let facts: Vec<Vec<String>> =
        plan.facts.iter().map(|(name, says)| vec![name.to_string(), says.to_string()]).collect();
    text.push_str(&report::columns(&["", ""], &facts));
    text.push_str("\nchecks\n");
    let checks: Vec<Vec<String>> = plan
        .checks
        .iter()
        .map(|one| {
            let (result, says) = check(&one.result);
            let word = if matches!(one.result, CheckResult::Stop(_) | CheckResult::Look(_)) {
                result.to_uppercase()
            } else {
                result.to_owned()
            };
            vec![word, one.id.to_string(), one.name.to_string(), says.to_owned()]
        })
        .collect();
    text.push_str(&report::columns(&["", "", "", ""], &checks));
    text.push_str("\nsteps\n");
    for (number, step) in plan.numbered_steps() {
        let _ = writeln!(text, "{number}  {}", step.says);
    }
    if let Some(diff) = &plan.diff {
        let _ = writeln!(text, "\n{}", diff.trim_end());
    }
    let _ = writeln!(text, "\nundo: {}", plan.undo);
    for line in &plan.equivalent {
        let _ = writeln!(text, "the same: {line}");
    }
    if let Some(blocked) = &plan.blocked {
        let _ = writeln!(text, "blocked: {blocked}");
    }
    text.push('\n');
    text
}
