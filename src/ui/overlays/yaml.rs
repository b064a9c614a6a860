//! The YAML tab of a page.

use ratatui::text::{Line, Span};

use super::{
    evidence::{answer, no_answer},
    page::yaml_query,
    sheet::{SheetLine, Writer},
};
use crate::{
    query::{Answer, PageLine},
    ui::{View, target::Target},
};

/// `is_managed`: with who set which field.
pub fn lines(view: &View<'_>, target: &Target, is_managed: bool) -> Vec<SheetLine> {
    let mut writer = Writer::new(view.theme);
    let Some(query) = yaml_query(target, is_managed) else { return Vec::new() };
    match answer(view, &query) {
        Ok(Answer::Page(lines)) => {
            for line in lines {
                let text = match line {
                    PageLine::Heading(text) | PageLine::Text(text) => text.to_string(),
                    PageLine::Field(name, value, _) => format!("{name}: {value}"),
                };
                for line in text.lines() {
                    writer.body(yaml_line(line, view));
                }
            }
        }
        Ok(_) => {}
        Err(error) => no_answer(&mut writer, error),
    }
    writer.done()
}

/// An object was read, and its lines hold no managedFields.
pub fn names_nobody(lines: &[SheetLine]) -> bool {
    let begins = |line: &SheetLine, word: &str| line.body.to_string().trim_start().starts_with(word);
    lines.iter().any(|line| begins(line, "kind:")) && !lines.iter().any(|line| begins(line, "managedFields:"))
}

/// Keys quiet, values plain.
fn yaml_line(text: &str, view: &View<'_>) -> Line<'static> {
    let text = crate::secret::mask(text);
    match text.split_once(": ").or_else(|| text.strip_suffix(':').map(|key| (key, ""))) {
        Some((key, value)) if !key.trim_start().starts_with('#') && !key.contains('"') => Line::from(vec![
            Span::styled(format!("{key}:"), view.theme.accent),
            Span::styled(if value.is_empty() { String::new() } else { format!(" {value}") }, view.theme.text),
        ]),
        _ => Line::styled(text, view.theme.text),
    }
}
