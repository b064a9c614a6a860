//! What a login rests on, and when it ends.

use std::time::Duration;

use jiff::Timestamp;

use super::Level;
use crate::{
    text::Clean,
    time::{age_of, seconds_between},
};

/// A certificate or token, and its last moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// `client certificate`
    pub what: Clean,
    pub at: Timestamp,
    /// How long before its end it is worth a word: none for what is renewed by itself.
    pub notice: Duration,
}

impl Ending {
    /// `None` while there is time.
    pub fn level(&self, now: Timestamp) -> Option<Level> {
        let left = seconds_between(now, self.at);
        match left {
            ..=0 => Some(Level::Broken),
            left if left.cast_unsigned() <= self.notice.as_secs() => Some(Level::Wrong),
            _ => None,
        }
    }

    /// `client certificate ends in 3d`
    pub fn words(&self, now: Timestamp) -> String {
        if self.at <= now {
            format!("{} ended {} ago", self.what, age_of(self.at, now))
        } else {
            format!("{} ends in {}", self.what, age_of(now, self.at))
        }
    }

    /// `cert 3d`, `token ended`: where there is little room.
    pub fn short(&self, now: Timestamp) -> String {
        let what = self.what.replace("client certificate", "cert").replace("certificate", "cert");
        if self.at <= now { format!("{what} ended") } else { format!("{what} {}", age_of(now, self.at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_from_its_notice_on_and_when_it_is_over() {
        let at: Timestamp = "2026-03-14T03:00:00Z".parse().unwrap();
        let ending = Ending { what: "token".into(), at, notice: Duration::from_mins(15) };
        let seen = |now: &str| {
            let now = now.parse().unwrap();
            (ending.level(now), ending.words(now))
        };
        assert_eq!(seen("2026-03-14T02:40:00Z"), (None, "token ends in 20m".to_owned()));
        assert_eq!(seen("2026-03-14T02:45:00Z"), (Some(Level::Wrong), "token ends in 15m".to_owned()));
        assert_eq!(seen("2026-03-14T03:00:00Z"), (Some(Level::Broken), "token ended 0s ago".to_owned()));
        let short = |what: &str, now: &str| Ending { what: what.into(), ..ending.clone() }.short(now.parse().unwrap());
        assert_eq!(short("client certificate", "2026-03-11T03:00:00Z"), "cert 3d");
        assert_eq!(short("CA certificate", "2026-03-14T02:45:00Z"), "CA cert 15m");
        assert_eq!(short("token", "2026-03-14T03:00:00Z"), "token ended");
    }
}
