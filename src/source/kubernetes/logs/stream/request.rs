//! How a container's log is asked for.

use super::{First, Stream};
use crate::source::kubernetes::{client::segment, selector};

impl First {
    /// Not the whole log: what is read may begin inside of a second.
    pub(super) fn is_ranged(&self) -> bool {
        self.tail.is_some() || self.since_seconds.is_some()
    }
}

impl Stream {
    /// `tailLines` and `sinceSeconds` while no line was read. Asked again, they reach back over the time that was lost.
    fn range(&self) -> (Option<u32>, Option<u32>) {
        let First { tail, since_seconds, .. } = self.first;
        let Some(asked) = self.asked.get() else { return (tail, since_seconds) };
        let lost = u32::try_from(self.clock.now().since(*asked).as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        match (tail, since_seconds) {
            (Some(0), _) => (None, Some(lost)),
            (tail, since) => (tail, since.map(|since| since.saturating_add(lost))),
        }
    }

    pub(super) fn path(&self, since_time: Option<&str>) -> String {
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        let (tail, since) = if since_time.is_some() { (None, None) } else { self.range() };
        let (tail, since) = (number(tail), number(since));
        let mut pairs = vec![("container", &*self.container), ("timestamps", "true")];
        if self.first.previous {
            pairs.push(("previous", "true"));
        } else if self.first.follow {
            pairs.push(("follow", "true"));
        }
        let optional = [("tailLines", tail.as_deref()), ("sinceSeconds", since.as_deref()), ("sinceTime", since_time)];
        pairs.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
        format!(
            "/api/v1/namespaces/{}/pods/{}/log?{}",
            segment(&self.pod.namespace),
            segment(&self.pod.name),
            selector::query(pairs)
        )
    }
}
