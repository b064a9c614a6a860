//! The rate limits: buckets per hour, counted on the world's clock.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, reply::Reply};
use crate::demo::code::seed;

/// What a request is counted against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bucket {
    Core,
    Search,
    Graphql,
}

/// Requests counted so far.
#[derive(Default)]
pub(crate) struct Limits {
    used: [u64; 3],
    reset: [i64; 3],
    served: u64,
}

impl Bucket {
    pub fn of(call: &Call<'_>) -> Self {
        match call.path.first().map(String::as_str) {
            Some("search") => Self::Search,
            Some("graphql") => Self::Graphql,
            _ => Self::Core,
        }
    }

    fn limit(self) -> u64 {
        if self == Self::Search { 30 } else { 5000 }
    }

    fn window(self) -> i64 {
        if self == Self::Search { 60 } else { 3600 }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Search => "search",
            Self::Graphql => "graphql",
        }
    }
}

impl Limits {
    pub fn request_id(&mut self) -> (String, String) {
        self.served += 1;
        let n = seed::mix(7, &format!("request/{}", self.served));
        let id = format!("{:04X}:{:06X}:{:07X}:{:07X}", n & 0xffff, n >> 40, (n >> 8) & 0x0fff_ffff, self.served);
        ("x-github-request-id".into(), id)
    }

    fn roll(&mut self, bucket: Bucket, now: Timestamp) {
        let slot = bucket as usize;
        if self.reset[slot] <= now.as_second() {
            self.used[slot] = 0;
            self.reset[slot] = now.as_second() + bucket.window();
        }
    }

    pub fn count(&mut self, bucket: Bucket, now: Timestamp) {
        self.roll(bucket, now);
        self.used[bucket as usize] += 1;
    }

    pub fn exhausted(&mut self, bucket: Bucket, now: Timestamp) -> bool {
        self.roll(bucket, now);
        self.used[bucket as usize] >= bucket.limit()
    }

    #[expect(clippy::unused_self, reason = "reads as a question to the limits")]
    pub fn refusal(&self) -> Reply {
        Reply::error(403, "API rate limit exceeded for user ID 583017.")
    }

    /// `limit`, `remaining`, `used`, `reset` of a bucket.
    pub fn state(&mut self, bucket: Bucket, now: Timestamp) -> Value {
        self.roll(bucket, now);
        let used = self.used[bucket as usize];
        json!({
            "limit": bucket.limit(), "remaining": bucket.limit().saturating_sub(used), "used": used,
            "reset": self.reset[bucket as usize], "resource": bucket.name(),
        })
    }

    pub fn headers(&mut self, bucket: Bucket, now: Timestamp) -> Vec<(String, String)> {
        let state = self.state(bucket, now);
        let value = |key: &str| state[key].as_str().map_or_else(|| state[key].to_string(), str::to_owned);
        let keys = ["limit", "remaining", "used", "reset", "resource"];
        keys.iter().map(|key| (format!("x-ratelimit-{key}"), value(key))).collect()
    }

    pub fn overview(&mut self, now: Timestamp) -> Reply {
        let core = self.state(Bucket::Core, now);
        let search = self.state(Bucket::Search, now);
        let graphql = self.state(Bucket::Graphql, now);
        Reply::json(200, json!({ "resources": { "core": core, "search": search, "graphql": graphql }, "rate": core }))
    }
}
