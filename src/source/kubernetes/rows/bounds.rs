//! What containers request and may use, and what that makes for their pod.

use serde::Deserialize;

use super::{
    quantity::{parse_bytes, parse_millis},
    wire::TextOrNumber,
};
use crate::model::kubernetes::table::{Amount, Bounds};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    pub requests: Option<Quantities>,
    pub limits: Option<Quantities>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Quantities {
    pub cpu: Option<TextOrNumber>,
    pub memory: Option<TextOrNumber>,
}

impl Quantities {
    /// What is none, or none that can be read, is zero.
    pub fn amount(&self) -> Amount {
        let read = |quantity: &Option<TextOrNumber>, parse: fn(&str) -> Option<u64>| match quantity {
            Some(TextOrNumber::Text(text)) => parse(text).unwrap_or(0),
            Some(TextOrNumber::Number(number)) => parse(&number.to_string()).unwrap_or(0),
            None => 0,
        };
        Amount { cpu_millis: read(&self.cpu, parse_millis), memory_bytes: read(&self.memory, parse_bytes) }
    }
}

impl Resources {
    fn bounds(&self) -> Bounds {
        let amount = |quantities: &Option<Quantities>| quantities.as_ref().map(Quantities::amount).unwrap_or_default();
        Bounds { requests: amount(&self.requests), limits: amount(&self.limits) }
    }
}

/// Of the containers that go on as long as their pod lives. It has a limit only if all of them have one. `whole`: what it
/// says of itself as a whole, which comes first.
pub fn of_pod<'a>(containers: impl Iterator<Item = Option<&'a Resources>>, whole: Option<&Resources>) -> Bounds {
    let bounds = |resources: Option<&Resources>| resources.map(Resources::bounds).unwrap_or_default();
    let each: Vec<Bounds> = containers.map(bounds).collect();
    let sum = |part: fn(&Bounds) -> u64| each.iter().map(part).sum::<u64>();
    let all = |part: fn(&Bounds) -> u64| if each.iter().all(|one| part(one) > 0) { sum(part) } else { 0 };
    let whole = bounds(whole);
    let or = |own: u64, all: u64| if own > 0 { own } else { all };
    Bounds {
        requests: Amount {
            cpu_millis: or(whole.requests.cpu_millis, sum(|one| one.requests.cpu_millis)),
            memory_bytes: or(whole.requests.memory_bytes, sum(|one| one.requests.memory_bytes)),
        },
        limits: Amount {
            cpu_millis: or(whole.limits.cpu_millis, all(|one| one.limits.cpu_millis)),
            memory_bytes: or(whole.limits.memory_bytes, all(|one| one.limits.memory_bytes)),
        },
    }
}
