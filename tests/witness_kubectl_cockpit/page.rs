//! Two pages of one object, taken apart: `kubectl describe`'s by its indents, midwatch's by its headings.

use std::{collections::BTreeSet, iter::Peekable};

use midwatch::{model::Level, query::PageLine};

/// What a page says, each fact in words that both pages can be put into.
pub type Facts = BTreeSet<String>;

/// A line, and what is indented under it.
#[derive(Debug, Default)]
pub struct Node {
    pub line: String,
    pub under: Vec<Node>,
}

/// The page of one object.
pub fn printed(text: &str) -> Node {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut lines = lines.map(|line| (line.len() - line.trim_start().len(), line.trim())).peekable();
    Node { line: String::new(), under: block(&mut lines, 0) }
}

fn block<'a>(lines: &mut Peekable<impl Iterator<Item = (usize, &'a str)>>, indent: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some((at, line)) = lines.next_if(|(at, _)| *at >= indent) {
        nodes.push(Node { line: line.to_owned(), under: block(lines, at + 1) });
    }
    nodes
}

static NOTHING: Node = Node { line: String::new(), under: Vec::new() };

impl Node {
    pub fn name(&self) -> &str {
        self.line.split(':').next().unwrap_or_default()
    }

    /// What stands after the name; nothing for `<none>`.
    pub fn own(&self) -> &str {
        let own = self.line.split_once(':').map_or("", |(_, own)| own.trim());
        if own == "<none>" { "" } else { own }
    }

    pub fn at(&self, name: &str) -> &Self {
        self.under.iter().find(|node| node.name() == name).unwrap_or(&NOTHING)
    }

    pub fn value(&self, name: &str) -> &str {
        self.at(name).own()
    }

    /// One or more values, the first beside the name: labels, annotations, taints.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let node = self.at(name);
        let first = Some(node.own()).filter(|own| !own.is_empty());
        first.into_iter().chain(node.under.iter().map(|node| node.line.as_str())).collect()
    }

    /// Rows of a table under a name, without its heads.
    pub fn rows(&self, name: &str) -> impl Iterator<Item = &str> {
        let rows = self.at(name).under.iter().map(|node| node.line.as_str());
        rows.filter(|row| !row.starts_with("Type ") && !row.starts_with("---"))
    }
}

/// A heading of midwatch's page, and what stands below it.
#[derive(Debug, Default)]
pub struct Section {
    pub title: String,
    pub fields: Vec<(String, String, Option<Level>)>,
    pub texts: Vec<String>,
}

pub fn sections(page: Vec<PageLine>) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    for line in page {
        let last = sections.last_mut().expect("there is always one");
        match line {
            PageLine::Heading(title) => sections.push(Section { title: title.to_string(), ..Section::default() }),
            PageLine::Field(name, value, level) => last.fields.push((name.to_string(), value.to_string(), level)),
            PageLine::Text(text) => last.texts.push(text.to_string()),
        }
    }
    sections
}

impl Section {
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(field, ..)| field == name).map(|(_, value, _)| value.as_str())
    }

    pub fn value(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }
}

static BLANK: Section = Section { title: String::new(), fields: Vec::new(), texts: Vec::new() };

/// The section of this title; an empty one if there is none.
pub fn section<'a>(sections: &'a [Section], title: &str) -> &'a Section {
    sections.iter().find(|section| section.title == title).unwrap_or(&BLANK)
}

/// Equal, or a word about each difference.
pub fn assert_same(what: &str, kubectl: &Facts, midwatch: &Facts) {
    let only = |of: &Facts, other: &Facts| of.difference(other).cloned().collect::<Vec<_>>();
    let (theirs, ours) = (only(kubectl, midwatch), only(midwatch, kubectl));
    assert!(theirs.is_empty() && ours.is_empty(), "{what}\nonly kubectl: {theirs:#?}\nonly midwatch: {ours:#?}");
}
