//! `o` and `Y` Every address of a row: its own, and those that the configuration's links find in its text or make of its fields.

use jiff::Timestamp;

use super::{
    choice::{Answer, Choice, Question},
    object::{name_of, url_of},
};
use crate::{
    app::Effect,
    custom::{fields::Values, links::Window},
    text::Clean,
    ui::{Reply, View, target::Target},
};

/// Most links that are offered: each has a digit.
const MOST: usize = 9;

/// Name, what it was found in, and address. `line`: text under the cursor that is looked through besides; `moment`: its
/// time.
pub fn links_of(
    view: &View<'_>,
    target: &Target,
    line: Option<Clean>,
    moment: Option<Timestamp>,
) -> Vec<(Clean, Clean, Clean)> {
    let own = url_of(view.store, target).map(|url| (Clean::from("its page"), Clean::default(), url));
    let mut links: Vec<(Clean, Clean, Clean)> = own.into_iter().collect();
    if view.settings.links.is_empty() {
        return links;
    }
    let values = Values { target, store: view.store, settings: view.settings };
    let window = Window::new(moment, view.time());
    let mut texts = values.texts();
    texts.extend(line);
    let kind = target.kind();
    for link in view.settings.links.iter().filter(|link| link.on.is_empty() || link.on.contains(&kind)) {
        let found = link.of(&values, &texts, window).into_iter();
        links.extend(found.map(|(what, url)| (link.name.clone(), what, url)));
    }
    links.truncate(MOST);
    links
}

/// Which of several to open, or to copy.
pub fn choose_link(target: Target, links: Vec<(Clean, Clean, Clean)>, copies: bool) -> Box<dyn crate::ui::Overlay> {
    let (title, leads_to) = if copies { ("COPY LINK OF", "copy it") } else { ("OPEN", "open it") };
    Box::new(Choice::new(true, Vec::new(), move |view| Question {
        title: format!("{title} {}", name_of(view, &target)),
        answers: links
            .iter()
            .map(|(name, what, url)| {
                let address = url.clone();
                Answer {
                    label: if what.is_empty() { name.to_string() } else { format!("{name} {what}") },
                    note: url.to_string(),
                    then: Box::new(move |_| {
                        let address = address.clone();
                        Reply::Do(if copies { Effect::Copy(address) } else { Effect::OpenUrl(address) })
                    }),
                }
            })
            .collect(),
        leads_to: Some(leads_to),
        ..Question::default()
    }))
}
