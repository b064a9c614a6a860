//! Plans for alerts: acknowledge (a short silence of exactly one alert), silence, expire. A silence always ends, within a
//! day, and always says why.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    ACK_MINUTES, Check, CheckResult, Inspection, MAX_SILENCE_MINUTES, Request, Risk, SilenceDraft, Write,
    checks::check,
    plan::{Make, Plan, PlanStep, Refusal, StepKind},
};
use crate::{
    model::{
        BackendId,
        alert::{ACKNOWLEDGED_BY, Alert, AlertKey, AlertState, Matcher, Priority, Silence, SilenceKey},
    },
    text::{Clean, counted, quoted},
};

/// A silence that hits more alerts than this is looked at.
const MANY: usize = 10;

pub(super) fn plan(make: &Make<'_>) -> Result<Plan, Refusal> {
    let Inspection::Alerts { alerts, silences } = &make.evidence.subject else {
        return Err(Refusal("the alerts were not read: ask again".into()));
    };
    match make.request {
        Request::Acknowledge { alerts: wanted } => acknowledge(make, alerts, silences, wanted),
        Request::Silence(draft) => silence(make, alerts, draft),
        Request::Silences(drafts) => silence_each(make, alerts, drafts),
        Request::ExpireSilence { silence } => expire(make, alerts, silences, silence),
        _ => Err(Refusal("this is no request for alerts".into())),
    }
}

fn after(now: Timestamp, minutes: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX)
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

fn named(alert: &Alert) -> String {
    alert.subject().map_or_else(|| alert.name.to_string(), |subject| format!("{} {subject}", alert.name))
}

fn acknowledge(make: &Make<'_>, alerts: &[Alert], silences: &[Silence], wanted: &[AlertKey]) -> Result<Plan, Refusal> {
    let now = make.now.wall;
    let ends = after(now, ACK_MINUTES);
    let comment = format!("{ACKNOWLEDGED_BY}{} with midwatch", make.settings.me);
    let (mut steps, mut names, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for key in wanted {
        let Some(alert) = alerts.iter().find(|alert| alert.key == *key) else {
            let name = make.store.alerts.get(key).map_or_else(|| key.fingerprint.to_string(), named);
            left_out.push(format!("{name} is not listed by '{}' (any more): nothing to hold", key.backend));
            continue;
        };
        match &alert.state {
            AlertState::Resolved(_) => left_out.push(format!("{} is resolved by now", named(alert))),
            AlertState::Silenced => {
                let by = silences.iter().find(|silence| alert.silenced_by.contains(&silence.key.id));
                left_out.push(by.map_or_else(
                    || format!("{} is silenced already", named(alert)),
                    |by| {
                        format!(
                            "{} was silenced by {} until {}: {}",
                            named(alert),
                            by.created_by,
                            clock(by.ends),
                            by.comment
                        )
                    },
                ));
            }
            _ => {
                steps.push(PlanStep {
                    says: say!("silence {} until {}", named(alert), clock(ends)),
                    kind: StepKind::Write(Write::CreateSilence {
                        backend: key.backend.clone(),
                        matchers: alert.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect(),
                        starts: now,
                        ends,
                        comment: comment.clone(),
                        created_by: make.settings.me.to_string(),
                    }),
                });
                names.push(named(alert));
            }
        }
    }
    if steps.is_empty() {
        return Err(Refusal(say!("nothing to acknowledge: {}", left_out.join("; "))));
    }
    let mut plan = make.empty(say!("ACK {}", names.join(", ")), place(wanted.iter().map(|alert| &alert.backend)));
    plan.steps = steps;
    plan.facts = left_out.into_iter().map(|why| (Clean::from("LEFT OUT"), Clean::own(why))).collect();
    plan.risk = Risk::Quiet;
    plan.undo = say!("U, or it ends by itself at {}", clock(ends));
    Ok(plan)
}

fn place<'a>(backends: impl Iterator<Item = &'a BackendId>) -> Clean {
    let backends: BTreeSet<&str> = backends.map(|backend| &**backend).collect();
    Clean::own(backends.into_iter().collect::<Vec<_>>().join(", "))
}

/// Why a silence must not be made as it is.
fn faults(draft: &SilenceDraft) -> Result<(), Refusal> {
    if draft.comment.trim().is_empty() {
        return Err(Refusal("a silence needs a comment: who reads it at 09:00 must know why".into()));
    }
    if draft.minutes == 0 || draft.minutes > MAX_SILENCE_MINUTES {
        return Err(Refusal(say!("a silence lasts from 1 minute to 24 hours, not {} minutes", draft.minutes)));
    }
    for matcher in draft.matchers.iter().filter(|matcher| matcher.is_regex) {
        if let Err(error) = regex::Regex::new(&format!("^(?:{})$", matcher.value)) {
            return Err(Refusal(say!(
                "'{matcher}' is no valid expression: {}",
                error.to_string().lines().last().unwrap_or("")
            )));
        }
    }
    // Alertmanager's own rule: one matcher at least must not match the empty string.
    if draft.matchers.iter().all(|matcher| matcher.matches(&[])) {
        return Err(Refusal("these matchers would silence everything: name at least one label's value".into()));
    }
    Ok(())
}

fn silence(make: &Make<'_>, alerts: &[Alert], draft: &SilenceDraft) -> Result<Plan, Refusal> {
    faults(draft)?;
    let ends = clock(after(make.now.wall, draft.minutes));
    let hit: Vec<&Alert> = alerts.iter().filter(|alert| is_hit(draft, alert)).collect();
    let mut plan = make.empty(say!("SILENCE {}", called(&draft.matchers)), Clean::line(&draft.backend));
    plan.facts = vec![
        ("MATCHERS".into(), Clean::own(line(&draft.matchers))),
        ("UNTIL".into(), say!("{ends} ({} min)", draft.minutes)),
        ("COMMENT".into(), Clean::line(&draft.comment)),
        ("HITS NOW".into(), hits(&hit)),
    ];
    let scope = match hit.len() {
        0 => CheckResult::Look("it matches no alert now".into()),
        n if n > MANY => CheckResult::Look(say!("it matches {n} alerts now")),
        n => CheckResult::Ok(say!("it matches {n} now")),
    };
    plan.checks = judged(scope, &hit);
    plan.steps = vec![made(make, draft, say!("silence until {ends}"))];
    plan.undo = "U, or X on the silence".into();
    plan.equivalent = vec![amtool(make, draft)];
    // It ends by itself: production or not, `y` is enough.
    plan.weigh(false, Vec::new(), "watchdog");
    Ok(plan)
}

/// One plan for the silences of several alerts. Their matchers stand in the steps, which scroll: there may be many.
fn silence_each(make: &Make<'_>, alerts: &[Alert], drafts: &[SilenceDraft]) -> Result<Plan, Refusal> {
    for draft in drafts {
        faults(draft)?;
    }
    let until = |draft: &SilenceDraft| clock(after(make.now.wall, draft.minutes));
    let hit: Vec<&Alert> = alerts.iter().filter(|alert| drafts.iter().any(|draft| is_hit(draft, alert))).collect();
    let idle: BTreeSet<String> = drafts
        .iter()
        .filter(|draft| !alerts.iter().any(|alert| is_hit(draft, alert)))
        .map(|draft| called(&draft.matchers))
        .collect();
    let title = say!("SILENCE {}", counted(drafts.len(), "alert"));
    let mut plan = make.empty(title, place(drafts.iter().map(|draft| &draft.backend)));
    plan.facts = vec![
        ("UNTIL".into(), few(drafts.iter().map(|draft| format!("{} ({} min)", until(draft), draft.minutes)).collect())),
        ("COMMENT".into(), Clean::own(comments(drafts))),
        ("HITS NOW".into(), hits(&hit)),
    ];
    // Of many alerts some end while one looks: that alone is no news.
    let ended = if idle.is_empty() { String::new() } else { format!("; no alert matches: {}", few(idle)) };
    let scope = match hit.len() {
        0 => CheckResult::Look("they match no alert now".into()),
        n if n > MANY => CheckResult::Look(say!("they match {n} alerts now{ended}")),
        n => CheckResult::Ok(say!("they match {n} now{ended}")),
    };
    plan.checks = judged(scope, &hit);
    // As HITS NOW lists them, whichever was marked first.
    let mut drafts: Vec<&SilenceDraft> = drafts.iter().collect();
    drafts.sort_by_cached_key(|draft| (called(&draft.matchers), line(&draft.matchers)));
    let says = |draft: &SilenceDraft| say!("silence {} until {}", line(&draft.matchers), until(draft));
    plan.steps = drafts.iter().copied().map(|draft| made(make, draft, says(draft))).collect();
    plan.undo = "U ends all of them; X on one of the silences ends that one alone".into();
    plan.equivalent = drafts.iter().map(|draft| amtool(make, draft)).collect();
    plan.weigh(false, Vec::new(), "watchdog");
    Ok(plan)
}

/// The comments of several; what differs in the alert's name alone is said once.
fn comments(drafts: &[SilenceDraft]) -> String {
    let unnamed = |draft: &SilenceDraft| {
        let name = called(&draft.matchers);
        draft.comment.strip_prefix(&format!("{name} ")).map(str::to_owned)
    };
    let all: Option<BTreeSet<String>> = drafts.iter().map(unnamed).collect();
    match all {
        Some(all) if all.len() == 1 => format!("each {}", all.into_iter().collect::<String>()),
        _ => few(drafts.iter().map(|draft| draft.comment.clone()).collect()).to_string(),
    }
}

fn is_hit(draft: &SilenceDraft, alert: &Alert) -> bool {
    alert.key.backend == draft.backend
        && !matches!(alert.state, AlertState::Resolved(_))
        && draft.matchers.iter().all(|matcher| matcher.matches(&alert.labels))
}

fn line(matchers: &[Matcher]) -> String {
    matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The checks of what a silence hits.
fn judged(scope: CheckResult, hit: &[&Alert]) -> Vec<Check> {
    let mut checks = vec![check("S1", "scope", scope)];
    let pages = hit.iter().filter(|alert| alert.priority <= Priority::P2).count();
    if pages > 1 {
        checks.push(check("S2", "pages", CheckResult::Look(say!("{pages} of them page"))));
    }
    if hit.iter().any(|alert| alert.is_watchdog) {
        checks.push(check(
            "S3",
            "watchdog",
            CheckResult::Stop("it silences the watchdog: its silence looks like an outage".into()),
        ));
    }
    checks
}

fn made(make: &Make<'_>, draft: &SilenceDraft, says: Clean) -> PlanStep {
    PlanStep {
        says,
        kind: StepKind::Write(Write::CreateSilence {
            backend: draft.backend.clone(),
            matchers: draft.matchers.clone(),
            starts: make.now.wall,
            ends: after(make.now.wall, draft.minutes),
            comment: draft.comment.clone(),
            created_by: make.settings.me.to_string(),
        }),
    }
}

fn amtool(make: &Make<'_>, draft: &SilenceDraft) -> Clean {
    let matchers: Vec<String> = draft.matchers.iter().map(|matcher| quoted(&matcher.to_string())).collect();
    say!(
        "amtool silence add --duration={}m --author={} --comment={} {}",
        draft.minutes,
        quoted(&make.settings.me),
        quoted(&draft.comment),
        matchers.join(" ")
    )
}

/// The alert that the matchers name, else the first of them: what a silence is called where there is no room for all.
fn called(matchers: &[Matcher]) -> String {
    let named = matchers.iter().find(|matcher| matcher.name == "alertname" && matcher.is_equal && !matcher.is_regex);
    let first = || matchers.first().map_or_else(String::new, ToString::to_string);
    named.map_or_else(first, |matcher| matcher.value.to_string())
}

fn hits(hit: &[&Alert]) -> Clean {
    if hit.is_empty() {
        return "no alert".into();
    }
    few(hit.iter().map(|alert| named(alert)).collect())
}

/// The first of them, and how many more there are.
fn few(names: BTreeSet<String>) -> Clean {
    let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
    say!("{}{more}", names.into_iter().take(5).collect::<Vec<_>>().join(", "))
}

fn expire(make: &Make<'_>, alerts: &[Alert], silences: &[Silence], key: &SilenceKey) -> Result<Plan, Refusal> {
    let found = silences.iter().find(|silence| silence.key == *key);
    let Some(silence) = found.filter(|silence| silence.state != "expired") else {
        return Err(Refusal(say!("silence '{}' has ended already", key.id)));
    };
    let held: Vec<&Alert> = alerts.iter().filter(|alert| alert.silenced_by.contains(&key.id)).collect();
    let mut plan = make.empty(say!("EXPIRE SILENCE {}", called(&silence.matchers)), Clean::line(&key.backend));
    plan.facts = vec![
        ("MATCHERS".into(), Clean::own(line(&silence.matchers))),
        ("BY".into(), say!("{} until {}: {}", silence.created_by, clock(silence.ends), silence.comment)),
        ("HOLDS NOW".into(), hits(&held)),
    ];
    let pages = held.iter().filter(|alert| alert.priority <= Priority::P2).count();
    plan.checks = vec![if pages > 0 {
        check("S1", "pages", CheckResult::Look(say!("{} will page again", counted(pages, "alert"))))
    } else {
        check("S1", "pages", CheckResult::Ok("nothing it holds pages".into()))
    }];
    if silence.created_by != make.settings.me {
        plan.checks.push(check("S2", "author", CheckResult::Look(say!("{} made it, not you", silence.created_by))));
    }
    plan.steps = vec![PlanStep {
        says: "end the silence now".into(),
        kind: StepKind::Write(Write::ExpireSilence { silence: key.clone() }),
    }];
    plan.undo = "make it again with s".into();
    plan.equivalent = vec![say!("amtool silence expire {}", quoted(&key.id))];
    plan.weigh(false, Vec::new(), &key.id);
    Ok(plan)
}
