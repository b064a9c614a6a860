//! Approved without a dialog: what is sent at once, and what a command line gives in the place of keys.

use super::{
    Approved,
    typed::{confirmed_reason, confirmed_value},
};
use crate::action::{
    Risk,
    plan::{Plan, Refusal},
};

/// Approves what is sent at once and ends by itself; nothing else.
pub fn at_once(plan: Plan) -> Result<Approved, Refusal> {
    if plan.risk != Risk::Quiet {
        return Err(Refusal(say!("'{}' must be confirmed", plan.title)));
    }
    sendable(&plan)?;
    Ok(Approved { plan, reason: None })
}

/// What a command line gives in the place of keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// `--confirm`: the value that must have been read, `y` where that is asked for.
    pub confirm: Option<String>,
    /// `--name` and `--reason`, where a STOP asks for them.
    pub name: Option<String>,
    pub reason: Option<String>,
}

/// Approves by the command line's values: the same gates as the dialog's.
pub fn given(plan: Plan, given: &Given) -> Result<Approved, Refusal> {
    sendable(&plan)?;
    match plan.risk {
        Risk::Quiet => {}
        Risk::Reversible => {
            if given.confirm.as_deref() != Some("y")
                && plan.chosen.is_none_or(|to| given.confirm != Some(to.to_string()))
            {
                return Err(Refusal("not confirmed: give --confirm y".into()));
            }
        }
        Risk::Production => confirmed_value(&plan, given.confirm.as_deref().unwrap_or_default())
            .map_err(|says| Refusal(say!("{says} (--confirm)")))?,
        Risk::Stopped => {
            confirmed_value(&plan, given.name.as_deref().unwrap_or_default())
                .map_err(|says| Refusal(say!("{says} (--name)")))?;
            confirmed_reason(given.reason.as_deref().unwrap_or_default())
                .map_err(|says| Refusal(say!("{says} (--reason)")))?;
        }
    }
    let reason = given.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
    Ok(Approved { plan, reason })
}

fn sendable(plan: &Plan) -> Result<(), Refusal> {
    if let Some(why) = &plan.blocked {
        return Err(Refusal(why.clone()));
    }
    if plan.is_pending() {
        return Err(Refusal("a check is still pending".into()));
    }
    Ok(())
}
