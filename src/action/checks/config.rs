//! B9: what a rollback does not take back, and that changed since the target was left.

use jiff::Timestamp;

use super::{SAME_DEPLOY, Subject};
use crate::{
    action::{
        CheckResult,
        around::{Around, Change},
        history,
    },
    model::kubernetes::{Revision, named},
    text::{Clean, counted},
    time::{age_of, seconds_between},
};

/// What was looked at.
#[derive(Default)]
struct Looked<'a> {
    /// By `kind/name`, newest first.
    changed: Vec<(String, &'a Change)>,
    /// What is as it was.
    same: Vec<String>,
    unread: Vec<Clean>,
}

impl Subject<'_> {
    /// B9
    pub fn not_undone(&self, target: &Revision) -> CheckResult {
        let (applied, not_seen) = self.infrastructure();
        let result = self.beside(target, &not_seen);
        let Some(applied) = applied else { return result };
        let says = result.words().map(|says| format!("; {says}")).unwrap_or_default();
        CheckResult::Look(say!("{applied}{says}"))
    }

    /// What changed beside the template, of what the cluster can tell.
    fn beside(&self, target: &Revision, not_seen: &Clean) -> CheckResult {
        let Some(around) = &self.inspection.around else {
            return CheckResult::NotChecked(say!("what changed beside the template was not read; {not_seen}"));
        };
        let Some((left, next)) = history::left(self.inspection, target) else {
            return CheckResult::NotChecked(say!(
                "when rev {} was left is not known, so what changed since is not; {not_seen}",
                target.number
            ));
        };
        let looked = self.looked(around, target, (left, next));
        if let Some((first, change)) = looked.changed.first() {
            // After it, no revision says when: what is gone back to takes the next number and keeps its old time.
            let with = if change.at <= left { format!(", with rev {next}") } else { String::new() };
            let age = age_of(change.at, self.now);
            let means = if is_config(first) {
                format!(": rev {}'s pods will start with the new values", target.number)
            } else {
                ": it is not taken back".to_owned()
            };
            return CheckResult::Look(say!(
                "{first} changed {age} ago by '{}'{with}{means}{}; {not_seen}",
                change.by,
                self.also(&looked)
            ));
        }
        if let Some(why) = looked.unread.first() {
            let more =
                if looked.unread.len() > 1 { format!(" and {} more", looked.unread.len() - 1) } else { String::new() };
            return CheckResult::NotChecked(say!("{why}{more}; {not_seen}"));
        }
        let same = match looked.same.as_slice() {
            [] => "it names no ConfigMap or Secret".to_owned(),
            [one] => format!("{one} is as it was"),
            all if all.iter().all(|name| is_config(name)) => {
                format!("{} ConfigMaps and Secrets that it names are as they were", all.len())
            }
            all => format!("{} that it reads or is reached by are as they were", counted(all.len(), "object")),
        };
        CheckResult::Ok(say!("{same}; {not_seen}"))
    }

    fn looked<'a>(&'a self, around: &'a Around, target: &Revision, (left, next): (Timestamp, i64)) -> Looked<'a> {
        let mut looked = Looked::default();
        // What the next deploy applied just before its template is of that deploy.
        let slack = if next == target.number { 0 } else { SAME_DEPLOY };
        let mut put = |name: String, change: Option<&'a Change>| match change {
            Some(change) if seconds_between(left, change.at) > -slack => looked.changed.push((name, change)),
            _ => looked.same.push(name),
        };
        let mut unread = Vec::new();
        for name in named::config(&target.template) {
            match around.config.get(&name) {
                // What is gone is said by B15.
                Some(Ok(None)) => {}
                Some(Ok(Some(change))) => put(name, Some(change)),
                Some(Err(why)) => unread.push(say!("{name} could not be read: {why}")),
                None => unread.push(say!("{name} was not read")),
            }
        }
        match &self.inspection.autoscaler {
            Ok(Some(scaler)) => put(format!("hpa/{}", scaler.name), scaler.changed.as_ref()),
            Ok(None) => {}
            Err(why) => unread.push(say!("autoscalers could not be read: {why}")),
        }
        for (name, change) in &around.services.found {
            put(format!("service/{name}"), change.as_ref());
        }
        unread.extend(around.services.unread.iter().cloned());
        looked.unread = unread;
        // What pods read comes before what surrounds them.
        looked.changed.sort_by_key(|(name, change)| (!is_config(name), std::cmp::Reverse(change.at)));
        looked
    }

    /// `; also secret/db 5m ago, 1 not read`
    fn also(&self, looked: &Looked<'_>) -> String {
        let more = &looked.changed[1..];
        let mut words: Vec<String> =
            more.iter().take(2).map(|(name, change)| format!("{name} {} ago", age_of(change.at, self.now))).collect();
        if more.len() > 2 {
            words.push(format!("{} more", more.len() - 2));
        }
        let also = if words.is_empty() { String::new() } else { format!("; also {}", words.join(", ")) };
        match looked.unread.len() {
            0 => also,
            unread => format!("{also}; {unread} not read"),
        }
    }
}

fn is_config(name: &str) -> bool {
    name.starts_with("configmap/") || name.starts_with("secret/")
}
