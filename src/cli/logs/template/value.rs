//! What a template works with: a line, its parts, and what is read out of it.

use std::{borrow::Cow, collections::BTreeMap};

use crossterm::style::{Color, Stylize as _};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value as Json, json};

use crate::{
    model::{
        Name,
        log::{LogLevel, LogLine},
    },
    secret::mask,
    text::Clean,
};

/// A line as it may be shown.
pub(in super::super) struct Line<'a> {
    pub entry: &'a LogLine,
    /// Its text, masked.
    pub message: &'a str,
    /// The same with marks.
    pub marked: &'a str,
    pub is_coloured: bool,
    pub is_unmasked: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Line,
    /// The line's text.
    Message,
    /// Of our own, or made fit to be shown.
    Text(String),
    /// Foreign: what was read out of a message.
    Json(Json),
    /// Labels or annotations, fit to be shown: what is not among them is an empty text, as in Go.
    Texts(BTreeMap<String, String>),
    Time(Timestamp),
    Colour(Color),
}

#[derive(Clone, Copy)]
enum Field {
    Message,
    PodName,
    ContainerName,
    Namespace,
    NodeName,
    Labels,
    Annotations,
    Cluster,
    Version,
    Level,
    Time,
    PodColour,
    ContainerColour,
}

const FIELDS: [(&str, Field); 13] = [
    ("Message", Field::Message),
    ("PodName", Field::PodName),
    ("ContainerName", Field::ContainerName),
    ("Namespace", Field::Namespace),
    ("NodeName", Field::NodeName),
    ("Labels", Field::Labels),
    ("Annotations", Field::Annotations),
    ("Cluster", Field::Cluster),
    ("Version", Field::Version),
    ("Level", Field::Level),
    ("Time", Field::Time),
    ("PodColor", Field::PodColour),
    ("ContainerColor", Field::ContainerColour),
];

/// Whether a line has such a field.
pub(super) fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|(known, _)| *known == name)
}

/// `.Message .PodName …`
pub(super) fn fields() -> String {
    FIELDS.map(|(name, _)| format!(".{name}")).join(" ")
}

impl Line<'_> {
    fn field(&self, field: Field) -> Value {
        let origin = &self.entry.origin;
        let text = |text: &str| Value::Text(text.to_owned());
        match field {
            Field::Message => Value::Message,
            Field::PodName => text(&origin.pod.name),
            Field::ContainerName => text(&origin.container),
            Field::Namespace => text(&origin.pod.namespace),
            Field::NodeName => text(&origin.details.node),
            Field::Labels => Value::Texts(self.texts(&origin.details.labels)),
            Field::Annotations => Value::Texts(self.texts(&origin.details.annotations)),
            Field::Cluster => text(&origin.pod.cluster),
            Field::Version => text(&origin.version),
            Field::Level => text(self.entry.level.map_or("", LogLevel::name)),
            Field::Time => Value::Text(self.entry.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
            Field::PodColour => Value::Colour(super::super::out::colour(&origin.pod.name)),
            Field::ContainerColour => Value::Colour(super::super::out::colour(&origin.container)),
        }
    }

    fn texts(&self, foreign: &BTreeMap<Name, Clean>) -> BTreeMap<String, String> {
        foreign.iter().map(|(key, text)| (key.to_string(), self.foreign(text))).collect()
    }

    /// As `{{json .}}` has it: stern's names, and what is known here besides.
    pub(super) fn json(&self) -> Json {
        let origin = &self.entry.origin;
        json!({
            "message": self.message, "nodeName": origin.details.node, "namespace": origin.pod.namespace,
            "podName": origin.pod.name, "containerName": origin.container,
            "labels": self.texts(&origin.details.labels), "annotations": self.texts(&origin.details.annotations),
            "cluster": origin.pod.cluster, "version": origin.version,
            "level": self.entry.level.map(LogLevel::name), "time": self.entry.at.to_string(),
        })
    }

    /// What stands on the screen for a value: what was encoded in a message is masked and made clean anew.
    pub(super) fn shown(&self, value: &Value) -> String {
        match value {
            Value::Nil | Value::Json(Json::Null) => "<no value>".to_owned(),
            Value::Line => self.json().to_string(),
            Value::Message => self.marked.to_owned(),
            Value::Text(text) => text.clone(),
            Value::Json(Json::String(text)) => self.foreign(text),
            Value::Json(json) => self.foreign(&json.to_string()),
            Value::Texts(texts) => {
                let each: Vec<String> = texts.iter().map(|(key, text)| format!("{key}:{text}")).collect();
                format!("map[{}]", each.join(" "))
            }
            Value::Time(time) => time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string(),
            Value::Colour(_) => String::new(),
        }
    }

    /// Text that was read out of a message.
    pub(super) fn foreign(&self, text: &str) -> String {
        let text = Clean::block(text);
        if self.is_unmasked { text.to_string() } else { mask(&text) }
    }

    /// What a function takes as text: without marks, which are not part of it.
    pub(super) fn plain<'a>(&'a self, value: &'a Value) -> Cow<'a, str> {
        match value {
            Value::Message => Cow::Borrowed(self.message),
            Value::Text(text) | Value::Json(Json::String(text)) => Cow::Borrowed(text),
            other => Cow::Owned(self.shown(other)),
        }
    }

    /// As [`Self::plain`], to be written: what was read out of a message is made fit for it.
    pub(super) fn fit<'a>(&'a self, value: &'a Value) -> Cow<'a, str> {
        match value {
            Value::Json(Json::String(text)) => Cow::Owned(self.foreign(text)),
            other => self.plain(other),
        }
    }

    pub(super) fn coloured(&self, text: &str, colour: Color) -> Value {
        Value::Text(if self.is_coloured { text.with(colour).to_string() } else { text.to_owned() })
    }
}

impl Value {
    /// As Go decides it: nothing, zero and what is empty are false.
    pub(super) fn is_true(&self, line: &Line<'_>) -> bool {
        match self {
            Self::Nil => false,
            Self::Message => !line.message.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Texts(texts) => !texts.is_empty(),
            Self::Json(json) => match json {
                Json::Null => false,
                Json::Bool(is_true) => *is_true,
                Json::Number(number) => number.as_f64() != Some(0.0),
                Json::String(text) => !text.is_empty(),
                Json::Array(list) => !list.is_empty(),
                Json::Object(object) => !object.is_empty(),
            },
            Self::Line | Self::Time(_) | Self::Colour(_) => true,
        }
    }

    /// `.name` of it; what an object does not have is nothing.
    pub(super) fn field(self, name: &str, line: &Line<'_>) -> Result<Self, String> {
        match self {
            Self::Line => {
                let known = FIELDS.iter().find(|(known, _)| *known == name);
                known.map(|(_, field)| line.field(*field)).ok_or_else(|| format!("a line has no '.{name}'"))
            }
            Self::Nil => Ok(Self::Nil),
            Self::Json(Json::Object(mut object)) => Ok(object.remove(name).map_or(Self::Nil, Self::Json)),
            Self::Texts(mut texts) => Ok(Self::Text(texts.remove(name).unwrap_or_default())),
            _ => Err(format!("'.{name}' is asked of what has no fields")),
        }
    }
}
