//! `--template`: stern's words for a line's form. Of Go's templates only fields are known; all else is an error, so that
//! nothing is left out in silence.

use std::str::FromStr;

use crate::model::log::{LogLevel, LogLine};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Message,
    PodName,
    ContainerName,
    Namespace,
    Cluster,
    Version,
    Level,
    Time,
}

const FIELDS: [(&str, Field); 8] = [
    (".Message", Field::Message),
    (".PodName", Field::PodName),
    (".ContainerName", Field::ContainerName),
    (".Namespace", Field::Namespace),
    (".Cluster", Field::Cluster),
    (".Version", Field::Version),
    (".Level", Field::Level),
    (".Time", Field::Time),
];

/// Texts and fields by turns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    parts: Vec<(String, Option<Field>)>,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, after) =
                after.split_once("}}").ok_or_else(|| format!("a '{{{{' in '{text}' is not closed"))?;
            let inside = inside.trim();
            // stern's own examples end in {{"\n"}}: each line here ends by itself.
            if inside == r#""\n""# {
                parts.push((before.to_owned(), None));
            } else {
                let field = FIELDS.iter().find(|(name, _)| *name == inside).map(|(_, field)| *field);
                let known = || FIELDS.map(|(name, _)| name).join(" ");
                parts.push((
                    before.to_owned(),
                    Some(field.ok_or_else(|| format!("'{{{{{inside}}}}}' is not known: write one of {}", known()))?),
                ));
            }
            rest = after;
        }
        parts.push((rest.replace("\\t", "\t").trim_end_matches("\\n").to_owned(), None));
        Ok(Self { parts })
    }
}

impl Template {
    /// `message`: the line's text, masked.
    pub(super) fn line(&self, line: &LogLine, message: &str) -> String {
        let mut text = String::new();
        for (before, field) in &self.parts {
            text.push_str(before);
            let origin = &line.origin;
            match field {
                None => {}
                Some(Field::Message) => text.push_str(message),
                Some(Field::PodName) => text.push_str(&origin.pod.name),
                Some(Field::ContainerName) => text.push_str(&origin.container),
                Some(Field::Namespace) => text.push_str(&origin.pod.namespace),
                Some(Field::Cluster) => text.push_str(&origin.pod.cluster.to_string()),
                Some(Field::Version) => text.push_str(&origin.version),
                Some(Field::Level) => text.push_str(line.level.map_or("", LogLevel::name)),
                Some(Field::Time) => text.push_str(&line.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{model::log::Origin, ui::testing};

    #[test]
    fn fields_are_put_in_and_what_is_not_known_is_an_error() {
        let origin = Origin { pod: testing::object("p-1"), container: "app".into(), version: "412".into() };
        let line = LogLine {
            origin: Arc::new(origin),
            at: testing::at("03:00"),
            level: Some(LogLevel::Warn),
            text: "slow".into(),
            continues: false,
            is_note: false,
        };
        let made = |text: &str| Template::from_str(text).map(|template| template.line(&line, "slow"));
        assert_eq!(
            made("{{.PodName}}/{{ .ContainerName }} {{.Version}} {{.Level}}: {{.Message}}{{\"\\n\"}}").as_deref(),
            Ok("p-1/app 412 WARN: slow")
        );
        assert_eq!(made("{{.Time}}\\n").as_deref(), Ok("2026-03-14T03:00:00.000Z"));
        assert!(made("{{.Color}}").unwrap_err().starts_with("'{{.Color}}' is not known: write one of .Message"));
        assert!(made("{{.Message").unwrap_err().contains("is not closed"));
    }
}
