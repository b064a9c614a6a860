//! The events tab: warnings as they come, and what else was read with the page of the object itself.

use super::{
    describe::write_page,
    evidence::{self, answer, no_answer},
    page::describe_query,
    sheet::{SheetLine, Writer, clock_seconds},
};
use crate::{
    model::kubernetes::Event,
    query::{Answer, PageLine},
    ui::{View, target::Target},
};

/// Most warnings shown.
const MOST: usize = 500;

/// Only warnings are watched: that there are none is no list of events, so the page's own stand below them.
pub fn lines(view: &View<'_>, target: &Target) -> Vec<SheetLine> {
    let mut writer = Writer::new(view.theme);
    let warnings = warnings(view, target);
    if !warnings.is_empty() {
        evidence::events(&mut writer, view, &warnings, MOST);
    }
    let Some(query) = describe_query(target) else { return writer.done() };
    match answer(view, &query) {
        Ok(Answer::Page(page)) => {
            let own = own_events(page, warnings.is_empty());
            if warnings.is_empty() && own.is_empty() {
                writer.styled("no events are kept of it", view.theme.dim);
            }
            let has_some = own.iter().any(|line| matches!(line, PageLine::Field(..)));
            let (others, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|line| is_of_another(line, target));
            let read = view.store.answers.get(&query).and_then(|slot| slot.pulse.as_of);
            let read = read.map(|(_, at)| clock_seconds(at)).filter(|_| has_some);
            for (lines, whose) in [(own, "its own"), (others, "of what made it")] {
                if lines.is_empty() {
                    continue;
                }
                if let Some(at) = &read {
                    writer.heading(format!("{whose}, as read at {at}"));
                }
                if has_some || warnings.is_empty() {
                    write_page(&mut writer, view, &lines);
                }
            }
        }
        Ok(_) => {}
        Err(error) => {
            writer.gap();
            no_answer(&mut writer, error);
        }
    }
    writer.done()
}

fn warnings<'a>(view: &View<'a>, target: &Target) -> Vec<&'a Event> {
    let kube = &view.store.kube;
    let found = match target {
        Target::Pod(key) => kube.pods.get(key).map(|pod| kube.events_of(&key.cluster, &pod.uid)),
        Target::Workload(key) => kube.workloads.get(key).map(|workload| kube.events_around(workload)),
        _ => None,
    };
    found.unwrap_or_default()
}

/// A pod's page has the events of its controllers too: each line says first of what it is, but for one that says why there
/// are none.
fn is_of_another(line: &PageLine, target: &Target) -> bool {
    let (PageLine::Field(name, says, _), Target::Pod(key)) = (line, target) else { return false };
    name.as_str() != "events" && !says.starts_with(&*format!("pod/{}: ", key.name))
}

/// What stands under `events` on a page; its warnings only where none are watched.
fn own_events(page: &[PageLine], with_warnings: bool) -> Vec<PageLine> {
    let head = page.iter().position(|line| matches!(line, PageLine::Heading(text) if text.as_str() == "events"));
    let under = head.map_or(&[][..], |head| &page[head + 1..]);
    let own = under.iter().take_while(|line| !matches!(line, PageLine::Heading(_)));
    own.filter(|line| with_warnings || !matches!(line, PageLine::Field(_, _, Some(_)))).cloned().collect()
}
