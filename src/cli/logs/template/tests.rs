use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    model::log::{LogLevel, LogLine, Origin, PodDetails},
    secret::mask,
    ui::testing,
};

fn log_line(text: &str) -> LogLine {
    let details = PodDetails {
        node: "node-7".into(),
        labels: BTreeMap::from([("app".into(), "web".into()), ("app.kubernetes.io/name".into(), "shop".into())]),
        annotations: BTreeMap::from([("note".into(), "password=hunter2hunter2".into())]),
    };
    let origin =
        Origin { details: Arc::new(details), ..Origin::new(testing::object("p-1"), "app".into(), "412".into()) };
    LogLine {
        origin: Arc::new(origin),
        at: testing::at("03:00"),
        level: Some(LogLevel::Warn),
        text: text.into(),
        continues: false,
        is_note: false,
    }
}

fn written(template: &str, text: &str, is_coloured: bool) -> Result<String, String> {
    let line = log_line(text);
    let message = mask(&line.text);
    let marked = message.replace("slow", "<slow>");
    Template::from_str(template)?.line(&Line {
        entry: &line,
        message: &message,
        marked: &marked,
        is_coloured,
        is_unmasked: false,
    })
}

const JSON: &str =
    r#"{"code":502,"http":{"path":"/pay","took":[3,4]},"level":"error","msg":"no \u001b[31mroute","ts":1767323045.25}"#;

#[test]
fn fields_are_put_in_and_what_is_not_known_is_an_error() {
    let made = |template: &str| written(template, "slow", false);
    let fields = "{{.PodName}}/{{ .ContainerName }} {{.Version}} {{.Level}}: {{.Message}}{{\"\\n\"}}";
    assert_eq!(made(fields).as_deref(), Ok("p-1/app 412 WARN: <slow>"));
    assert_eq!(made("{{.Time}}\\n").as_deref(), Ok("2026-03-14T03:00:00.000Z"));
    for (wrong, says) in [
        ("{{.NodeNames}}", "'{{.NodeNames}}': '.NodeNames' is not known: write one of .Message .PodName"),
        ("{{with .Version}}{{$.Nobody}}{{end}}", "'.Nobody' is not known"),
        ("{{.Message", "a '{{' is not closed"),
        ("{{\"a}}", "a '\"' is not closed"),
        ("{{shout .Message}}", "there is no function 'shout': there are json parseJSON"),
        ("{{$d}}", "there is no variable '$d'"),
        ("{{color .Message}}", "'color' takes 2, not 1"),
        ("{{toTimestamp .Message}}", "'toTimestamp' takes at least 2, not 1"),
        ("{{.Message | .PodName}}", "a function is missing"),
        ("{{json (parseJSON .Message}}", "a bracket is not closed"),
        ("{{range .Message}}{{end}}", "'{{range}}' is not known: of Go's words there are if, with, else and end"),
        ("{{if .Level}}a", "'{{if .Level}}' has no {{end}}"),
        ("a{{end}}", "an {{end}} or {{else}} has no {{if}} or {{with}}"),
        ("{{with $d := .Version}}{{end}}{{$d}}", "there is no variable '$d'"),
    ] {
        let why = made(wrong).expect_err(wrong);
        assert!(why.contains(says), "{wrong}: {why}");
    }
}

#[test]
fn a_pods_node_labels_and_annotations_are_put_in_as_stern_does() {
    for (template, expected) in [
        ("{{.NodeName}} {{.Labels.app}}", "node-7 web"),
        ("{{index .Labels \"app.kubernetes.io/name\"}}[{{.Labels.nobody}}{{index .Labels \"nobody\"}}]", "shop[]"),
        ("{{with .Labels}}{{.app}}{{end}} {{len .Labels}}", "web 2"),
        ("{{if .Labels.nobody}}a{{else}}b{{end}}", "b"),
        ("{{.Labels}}", "map[app:web app.kubernetes.io/name:shop]"),
        ("{{json .Labels}}", r#"{"app":"web","app.kubernetes.io/name":"shop"}"#),
    ] {
        assert_eq!(written(template, "slow", false).as_deref(), Ok(expected), "{template}");
    }
    let shown = written("{{.Annotations.note}} {{json .Annotations}} {{json .}}", "slow", false).unwrap();
    assert!(shown.starts_with("password=") && !shown.contains("hunter2"), "{shown}");
    let line: serde_json::Value = serde_json::from_str(&written("{{json .}}", "slow", false).unwrap()).unwrap();
    assert_eq!((&line["nodeName"], &line["labels"]["app"]), (&"node-7".into(), &"web".into()));
    assert!(line["annotations"]["note"].is_string(), "{line}");
}

#[test]
fn only_what_a_template_uses_of_a_pod_is_carried() {
    let none = WantedDetails::default();
    for (template, expected) in [
        ("{{.PodName}} {{.Message}}", none),
        ("{{with .Message}}{{.Labels}}{{end}}", none),
        ("{{with tryParseJSON .Message}}{{$.NodeName}}{{end}}", WantedDetails { node: true, ..none }),
        ("{{index .Labels \"app\"}}", WantedDetails { labels: true, ..none }),
        ("{{if (len .Annotations)}}x{{end}}", WantedDetails { annotations: true, ..none }),
        ("{{json .}}", WantedDetails::ALL),
        ("{{$line := .}}{{$line.Labels.app}}", WantedDetails::ALL),
    ] {
        assert_eq!(Template::from_str(template).unwrap().details(), expected, "{template}");
    }
}

#[test]
fn json_is_taken_apart_by_sterns_functions() {
    for (template, expected) in [
        ("{{with $d := .Message | parseJSON}}[{{$d.level}}] {{$d.code}} {{.http.path}}{{end}}", "[error] 502 /pay"),
        ("{{extractJSONParts .Message \"code\" \"level\" \"nobody\"}}", "502, error, <nil>"),
        ("{{.Message | tryParseJSON | json}}", JSON),
        ("{{(parseJSON .Message).http | json}}", r#"{"path":"/pay","took":[3,4]}"#),
        ("{{index (parseJSON .Message) \"http\" \"took\" 1}}", "4"),
        ("{{toTimestamp (parseJSON .Message).ts \"15:04:05.000\" \"Asia/Kolkata\"}}", "08:34:05.250"),
        ("{{toRFC3339Nano (parseJSON .Message).ts}}", "2026-01-02T03:04:05.25Z"),
        ("{{toUTC (parseJSON .Message).ts}}", "2026-01-02 03:04:05.25 +0000 UTC"),
        ("{{toTimestamp .Time \"Jan _2 15:04\"}}", "Mar 14 03:00"),
        // What was encoded may not reach the terminal either.
        ("{{(parseJSON .Message).msg}}", "no route"),
        ("{{(parseJSON .Message).nobody}}", "<no value>"),
    ] {
        assert_eq!(written(template, JSON, false).as_deref(), Ok(expected), "{template}");
    }
    let pretty = written("{{prettyJSON .Message}}", r#"{"a":{"b":1}}"#, false);
    assert_eq!(pretty.as_deref(), Ok("{\n  \"a\": {\n    \"b\": 1\n  }\n}"));
    let line: serde_json::Value = serde_json::from_str(&written("{{json .}}", "slow", false).unwrap()).unwrap();
    assert_eq!(
        (&line["message"], &line["podName"], &line["containerName"]),
        (&"slow".into(), &"p-1".into(), &"app".into())
    );
}

#[test]
fn what_is_no_json_stays_text_where_it_may_and_is_told_where_it_may_not() {
    let made = |template: &str| written(template, "slow", false);
    let branch = "{{with $d := tryParseJSON .Message}}{{$d.level}}{{else}}plain {{.Message}}{{end}}";
    assert_eq!(made(branch).as_deref(), Ok("plain <slow>"));
    assert_eq!(written(branch, JSON, false).as_deref(), Ok("error"));
    for same in ["{{tryExtractJSONParts .Message \"a\"}}", "{{prettyJSON .Message}}"] {
        assert_eq!(made(same).as_deref(), Ok("<slow>"), "{same}");
    }
    assert_eq!(made("{{extjson .Message}}").as_deref(), Ok("\"slow\""));
    for (strict, says) in [
        ("{{parseJSON .Message}}", "parseJSON: the line is no JSON object"),
        ("{{extractJSONParts .Message \"a\"}}", "extractJSONParts: the line is no JSON object"),
        ("{{toTimestamp .Message \"15:04\"}}", "'slow' is no time"),
        ("{{toTimestamp .Time \"15:04\" \"Mars/Base\"}}", "there is no time zone 'Mars/Base'"),
    ] {
        let why = made(strict).expect_err(strict);
        assert!(why.contains(says), "{strict}: {why}");
    }
}

#[test]
fn branches_pipes_and_white_space_are_gos() {
    for (template, expected) in [
        ("{{if eq .Level \"WARN\" \"ERROR\"}}bad{{else}}good{{end}}", "bad"),
        ("{{if ne .Level \"WARN\"}}a{{else if .Version}}b{{else}}c{{end}}", "b"),
        ("{{if and .Level (not .Message)}}a{{else with .Version}}{{.}}{{end}}", "412"),
        ("{{or \"\" .Version}}", "412"),
        ("a {{- /* nothing */ -}} b {{- .Version -}}  c", "ab412c"),
        ("{{$v := .Version}}{{if true}}{{$v := \"x\"}}{{$v}}{{end}}{{$v}}", "x412"),
        ("{{printf \"%-5s|%5s|%d%%\" .PodName .Version 7}}", "p-1  |  412|7%"),
        ("{{len .Message}}{{print .Version \"}}\" `\\n`}}", "4412}}\\n"),
    ] {
        assert_eq!(written(template, "slow", false).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn colours_are_sterns_and_there_only_where_they_are_wanted() {
    let template = "{{color .PodColor .PodName}} {{.Level | levelColor}} {{colorRed .Message}} {{bunyanLevelColor 50}}";
    assert_eq!(written(template, "slow", false).as_deref(), Ok("p-1 WARN <slow> 50"));
    let coloured = written(template, "slow", true).unwrap();
    let parts: Vec<&str> = coloured.split(' ').collect();
    assert!(parts.iter().all(|part| part.starts_with("\u{1b}[38;5;") && part.ends_with("\u{1b}[39m")), "{coloured:?}");
    assert!(
        parts[2].contains("<slow>") && parts[1].contains("38;5;3m") && parts[3].contains("38;5;1m"),
        "{coloured:?}"
    );
    let says = written("{{color .PodName .Message}}", "slow", true).unwrap_err();
    assert!(says.contains("color takes .PodColor or .ContainerColor"), "{says}");
}

/// A credential that is written with JSON's escapes is one only as soon as it is read.
#[test]
fn what_is_read_out_of_a_message_is_masked_too() {
    let text = r#"{"msg":"pass\u0077ord=hunter2hunter2"}"#;
    let shown = written("{{(parseJSON .Message).msg}} {{tryExtractJSONParts .Message \"msg\"}}", text, false).unwrap();
    assert!(shown.contains("password=") && !shown.contains("hunter2"), "{shown}");
}

/// Nor does it reach the terminal as what a terminal obeys, however it is written.
#[test]
fn what_is_read_out_of_a_message_is_clean_in_quotes_and_forms_too() {
    let text = r#"{"msg":"\u009b31mX\u202e\u007f pass\u0077ord=hunter2hunter2"}"#;
    for template in [
        "{{printf \"%q\" (parseJSON .Message).msg}}",
        "{{printf (parseJSON .Message).msg}}",
        "{{extjson (parseJSON .Message).msg}}",
        "{{toTimestamp .Time (parseJSON .Message).msg}}",
    ] {
        let shown = written(template, text, false).unwrap();
        assert!(crate::text::Clean::block(&shown) == *shown && !shown.contains("hunter2"), "{template}: {shown:?}");
    }
}
