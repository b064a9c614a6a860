//! A bounded cache of answers with their ETags. GitHub does not count a 304 against the budget.
//!
//! octocrab's own is unbounded, hides from the caller that nothing changed, and panics on eviction.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderValue;

/// Most bytes of bodies kept.
const CAP: usize = 16 * 1024 * 1024;

/// One remembered answer. Cloning is cheap: the body is shared.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Exactly as sent, quotes and `W/` included.
    pub etag: HeaderValue,
    pub body: Bytes,
    /// `rel="next"` of the `Link` header.
    pub next: Option<String>,
}

#[derive(Default)]
pub struct Cache {
    entries: BTreeMap<String, (u64, Entry)>,
    bytes: usize,
    tick: u64,
}

impl Cache {
    pub fn get(&mut self, url: &str) -> Option<Entry> {
        self.tick += 1;
        let (used, entry) = self.entries.get_mut(url)?;
        *used = self.tick;
        Some(entry.clone())
    }

    /// Keeps `entry`, and drops those not used for longest when there are too many bytes.
    pub fn put(&mut self, url: String, entry: Entry) {
        self.tick += 1;
        self.remove(&url);
        if entry.body.len() > CAP / 4 {
            return;
        }
        self.bytes += entry.body.len();
        self.entries.insert(url, (self.tick, entry));
        while self.bytes > CAP {
            let Some(oldest) = self.entries.iter().min_by_key(|(_, (used, _))| *used).map(|(url, _)| url.clone())
            else {
                return;
            };
            self.remove(&oldest);
        }
    }

    pub fn remove(&mut self, url: &str) {
        if let Some((_, gone)) = self.entries.remove(url) {
            self.bytes -= gone.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(size: usize) -> Entry {
        Entry { etag: HeaderValue::from_static("W/\"1\""), body: Bytes::from(vec![b'x'; size]), next: None }
    }

    #[test]
    fn the_longest_unused_answer_goes_first() {
        let mut cache = Cache::default();
        for name in ["a", "b", "c", "d"] {
            cache.put(name.to_owned(), entry(CAP / 4));
        }
        assert!(cache.get("a").is_some());
        cache.put("e".to_owned(), entry(CAP / 4));
        assert!(cache.get("a").is_some(), "it was used just now");
        assert!(cache.get("b").is_none());
        assert!(cache.bytes <= CAP);
    }

    #[test]
    fn a_huge_answer_does_not_push_out_the_others() {
        let mut cache = Cache::default();
        cache.put("a".to_owned(), entry(10));
        cache.put("huge".to_owned(), entry(CAP));
        assert!(cache.get("a").is_some());
        assert!(cache.get("huge").is_none());
    }
}
