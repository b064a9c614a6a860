//! What changed kubeconfigs have to say, one sentence after the other: the newest alone stands on the screen, in one
//! line.

use std::{
    collections::VecDeque,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{model::BackendId, text::Clean, time::Now};

/// How long one sentence stands before the next.
const READ_WITHIN: Duration = Duration::from_secs(4);

/// What a sentence tells of.
#[derive(Debug)]
pub enum About {
    /// New contexts, and the one that is current now.
    Contexts { new: Vec<Clean>, current: Option<String> },
    /// An open cluster. `lasts`: it stays true, and no later load says it again.
    Cluster { id: BackendId, lasts: bool },
    /// A file that cannot be read.
    Trouble,
}

/// Something to be said, in words that fit a line of 80.
#[derive(Debug)]
pub struct Sentence {
    pub says: String,
    pub about: About,
}

impl Sentence {
    fn is_of(&self, cluster: &BackendId) -> bool {
        matches!(&self.about, About::Cluster { id, .. } if id == cluster)
    }

    /// It is still to be said after a later load that says this.
    fn outlives(&self, later: &[Self]) -> bool {
        matches!(&self.about, About::Cluster { id, lasts: true } if !later.iter().any(|one| one.is_of(id)))
    }
}

/// What waits to be said, each with the files it is of.
#[derive(Default)]
pub struct Sentences {
    waiting: VecDeque<(Option<PathBuf>, Sentence)>,
    said: Option<Instant>,
    /// New contexts that nobody was told of yet.
    untold: Vec<Clean>,
    /// The context that was current when somebody was told, or at the start.
    current: Option<String>,
}

impl Sentences {
    pub fn new(current: Option<String>) -> Self {
        Self { current, ..Self::default() }
    }

    /// Of the contexts that are there now, what nobody was told yet. `known`: those that were there before.
    pub fn of_contexts(&mut self, names: &[Clean], known: &[Clean], current: Option<&str>) -> Vec<Sentence> {
        let is_untold = |name: &&Clean| !known.contains(name) || self.untold.contains(name);
        self.untold = names.iter().filter(is_untold).cloned().collect();
        told_of_contexts(&self.untold, current.filter(|name| Some(*name) != self.current.as_deref()))
    }

    /// Takes up what a load of these files says, in the place of what waits of the load before: that may be untrue by
    /// now, and files that change often would have ever more to say.
    pub fn replace(&mut self, files: Option<&PathBuf>, says: Vec<Sentence>) {
        self.waiting.retain(|(of, one)| of.as_ref() != files || one.outlives(&says));
        self.waiting.extend(says.into_iter().map(|one| (files.cloned(), one)));
    }

    /// A cluster was closed.
    pub fn forget(&mut self, cluster: &BackendId) {
        self.waiting.retain(|(_, one)| !one.is_of(cluster));
    }

    /// Something else was said, which is to be read first.
    pub const fn hold(&mut self, now: Now) {
        self.said = Some(now.mono);
    }

    /// The next, once there was time to read the one before.
    pub fn next(&mut self, now: Now) -> Option<Clean> {
        if self.said.is_some_and(|said| now.since(said) < READ_WITHIN) {
            return None;
        }
        let (_, next) = self.waiting.pop_front()?;
        self.said = Some(now.mono);
        if let About::Contexts { new, current } = next.about {
            self.untold.retain(|name| !new.contains(name));
            self.current = current.or_else(|| self.current.take());
        }
        Some(Clean::own(next.says))
    }
}

/// Of new contexts, and of another that is current now.
fn told_of_contexts(new: &[Clean], current: Option<&str>) -> Vec<Sentence> {
    let is_current = |name: &Clean| Some(name.as_str()) == current;
    let told = |says: String, new: &[Clean], current: Option<&str>| Sentence {
        says,
        about: About::Contexts { new: new.to_vec(), current: current.map(str::to_owned) },
    };
    let (mut says, mut known) = (Vec::new(), current);
    if new.len() > 2 {
        let many = format!("{} new contexts in the kubeconfig: `:ctx` names them", new.len());
        says.push(told(many, new, None));
    } else {
        for name in new {
            let (word, current) = if is_current(name) { (", the current one", current) } else { ("", None) };
            let one = format!("new context in the kubeconfig{word}: `:ctx {name}` opens it");
            says.push(told(one, std::slice::from_ref(name), current));
        }
        known = current.filter(|_| !new.iter().any(is_current));
    }
    let other = |name| told(format!("the current context is '{name}' now: what is open here stays"), &[], Some(name));
    says.extend(known.map(other));
    says
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock as _, TestClock};

    fn words(sentences: &[Sentence]) -> Vec<&str> {
        sentences.iter().map(|one| one.says.as_str()).collect()
    }

    /// All that is said from now on.
    fn rest(sentences: &mut Sentences, clock: &TestClock) -> Vec<String> {
        std::iter::from_fn(|| {
            clock.advance(READ_WITHIN);
            sentences.next(clock.now()).map(|says| says.to_string())
        })
        .collect()
    }

    fn of_cluster(id: &str, lasts: bool, says: &str) -> Sentence {
        Sentence { says: says.to_owned(), about: About::Cluster { id: BackendId::new(id), lasts } }
    }

    #[test]
    fn what_a_changed_kubeconfig_says_is_read_sentence_by_sentence() {
        let new = ["brandnew", "other"].map(Clean::line);
        let at_once = told_of_contexts(&new[..1], Some("brandnew"));
        assert_eq!(words(&at_once), ["new context in the kubeconfig, the current one: `:ctx brandnew` opens it"]);
        let all = told_of_contexts(&new, Some("prod-eu1-rita"));
        let expected = [
            "new context in the kubeconfig: `:ctx brandnew` opens it",
            "new context in the kubeconfig: `:ctx other` opens it",
            "the current context is 'prod-eu1-rita' now: what is open here stays",
        ];
        assert_eq!(words(&all), expected);
        let three = ["brandnew", "other", "third"].map(Clean::line);
        let many = told_of_contexts(&three, Some("brandnew"));
        assert_eq!(many[0].says, "3 new contexts in the kubeconfig: `:ctx` names them");
        assert_eq!(words(&many[1..]), ["the current context is 'brandnew' now: what is open here stays"]);
        assert!(told_of_contexts(&[], None).is_empty());
        assert!(at_once.iter().chain(&all).chain(&many).all(|one| one.says.len() < 80));
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let mut sentences = Sentences::default();
        sentences.replace(None, all);
        assert_eq!(sentences.next(clock.now()).as_deref(), Some(expected[0]));
        assert_eq!(sentences.next(clock.now()), None, "there was no time to read the first");
        assert_eq!(rest(&mut sentences, &clock), expected[1..]);
        sentences.replace(None, told_of_contexts(&new, None));
        clock.advance(READ_WITHIN);
        sentences.hold(clock.now());
        assert_eq!(sentences.next(clock.now()), None, "something else was just said");
        assert_eq!(rest(&mut sentences, &clock).len(), 2);
    }

    #[test]
    fn what_a_later_load_makes_untrue_is_not_said() {
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let names = ["eu", "us", "one", "two"].map(Clean::line);
        let mut sentences = Sentences::new(Some("eu".to_owned()));
        let mut known = names[..2].to_vec();
        let mut load = |sentences: &mut Sentences, now: &[Clean], current: &str| {
            let says = sentences.of_contexts(now, &known, Some(current));
            sentences.replace(None, says);
            known = now.to_vec();
        };
        for _ in 0..100 {
            load(&mut sentences, &names, "us");
            load(&mut sentences, &names[..3], "eu");
        }
        assert_eq!(rest(&mut sentences, &clock), ["new context in the kubeconfig: `:ctx one` opens it"]);
        load(&mut sentences, &names[..3], "us");
        load(&mut sentences, &names[..3], "us");
        let other = ["the current context is 'us' now: what is open here stays"];
        assert_eq!(rest(&mut sentences, &clock), other, "what still waits is not lost with the load that said it");
        load(&mut sentences, &names[..3], "us");
        assert!(rest(&mut sentences, &clock).is_empty(), "once");
    }

    #[test]
    fn of_each_cluster_the_newest_is_said() {
        let clock = TestClock::at(jiff::Timestamp::UNIX_EPOCH);
        let mut sentences = Sentences::default();
        let elsewhere = PathBuf::from("elsewhere");
        sentences.replace(Some(&elsewhere), vec![of_cluster("far", false, "far is gone")]);
        let renewed = ["eu", "us", "ap"].map(|id| of_cluster(id, true, &format!("{id} is renewed")));
        sentences.replace(None, renewed.into());
        let trouble = Sentence { says: "half a file".to_owned(), about: About::Trouble };
        sentences.replace(None, vec![trouble]);
        sentences.replace(None, vec![of_cluster("us", false, "us has moved")]);
        sentences.forget(&BackendId::new("ap"));
        assert_eq!(rest(&mut sentences, &clock), ["far is gone", "eu is renewed", "us has moved"]);
    }
}
