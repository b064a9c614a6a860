//! How lines look: logfmt, JSON, postgres, access log, coloured.

use jiff::Timestamp;

use crate::demo::scenario::{LogStyle, ServiceSpec};

/// One ordinary line.
pub(super) struct Ordinary {
    pub at: Timestamp,
    pub draw: u64,
    pub failed: bool,
}

const PATHS: [(&str, &str); 6] = [
    ("GET", "/api/users"),
    ("GET", "/api/users/{n}"),
    ("POST", "/api/login"),
    ("GET", "/api/session"),
    ("PUT", "/api/profile"),
    ("GET", "/healthz"),
];

impl Ordinary {
    pub(super) fn line(&self, style: LogStyle, service: &ServiceSpec) -> String {
        let (method, path) = PATHS[(self.draw % PATHS.len() as u64) as usize];
        let path = filled(path, self.draw >> 8);
        let status = if self.failed { [500, 500, 503][(self.draw >> 20) as usize % 3] } else { 200 };
        let took = 4 + (self.draw >> 24) % 90;
        match style {
            LogStyle::Logfmt if service.requests > 0.0 => format!(
                "ts={:.3} level={} msg=request method={method} path={path} status={status} dur={took}ms",
                self.at,
                if self.failed { "error" } else { "info" },
            ),
            LogStyle::Logfmt => format!("ts={:.3} level=info msg=tick seq={}", self.at, self.draw % 100_000),
            LogStyle::Json => format!(
                r#"{{"time":"{:.3}","level":"{}","msg":"request","method":"{method}","path":"{path}","status":{status},"dur_ms":{took},"trace_id":"{:016x}"}}"#,
                self.at,
                if self.failed { "error" } else { "info" },
                self.draw,
            ),
            LogStyle::Postgres => {
                format!(
                    "{} LOG:  duration: {took}.{:03} ms  statement: SELECT 1",
                    postgres(self.at, self.draw),
                    self.draw % 1000
                )
            }
            LogStyle::Access => format!(
                r#"10.0.{}.{} - - [{}] "{method} {path} HTTP/1.1" {status} {} "-" "Mozilla/5.0""#,
                self.draw % 250,
                (self.draw >> 9) % 250,
                self.at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
                200 + (self.draw >> 30) % 9000,
            ),
            LogStyle::Colour => format!("\u{1b}[32mINFO\u{1b}[0m  job {} done in {took}ms", self.draw % 100_000),
        }
    }
}

/// A line with a level, in the service's own style.
pub(super) fn said(style: LogStyle, at: Timestamp, level: &str, text: &str, draw: u64) -> String {
    match style {
        LogStyle::Logfmt => {
            let text = text.replace('"', "'");
            format!("ts={at:.3} level={} msg=\"{text}\"", level.to_ascii_lowercase())
        }
        LogStyle::Json => {
            let text = serde_json::Value::from(text);
            format!(r#"{{"time":"{at:.3}","level":"{}","msg":{text}}}"#, level.to_ascii_lowercase())
        }
        LogStyle::Postgres => format!("{} {level}:  {text}", postgres(at, draw)),
        LogStyle::Access => format!("{} [{}] {text}", at.strftime("%Y/%m/%d %H:%M:%S"), level.to_ascii_lowercase()),
        LogStyle::Colour => {
            let colour = if level == "INFO" { 32 } else { 33 };
            format!("\u{1b}[{colour}m{level}\u{1b}[0m  {text}")
        }
    }
}

/// What a program writes when it starts, each some seconds after the start.
pub(super) fn beginning(
    style: LogStyle,
    name: &str,
    tag: &str,
    restarted: bool,
    started: Timestamp,
) -> Vec<(f64, String)> {
    let said = |after: f64, level: &str, text: &str| (after, said(style, started, level, text, 1));
    if style != LogStyle::Postgres {
        return vec![
            said(0.2, "INFO", &format!("starting {name} {tag}")),
            said(1.4, "INFO", &format!("listening, {name} {tag} is up")),
        ];
    }
    let mut lines = vec![said(0.2, "LOG", &format!("starting PostgreSQL {tag} on x86_64-pc-linux-musl"))];
    if restarted {
        lines.push(said(
            0.5,
            "LOG",
            "database system was interrupted; last known up before server process was terminated by signal 9",
        ));
        lines.push(said(0.9, "LOG", "database system was not properly shut down; automatic recovery in progress"));
        lines.push(said(3.0, "FATAL", "the database system is in recovery mode"));
        lines.push(said(
            14.0,
            "LOG",
            "redo done at 3A/E51F0D8 system usage: CPU: user: 6.10 s, system: 2.41 s, elapsed: 11.02 s",
        ));
    }
    lines.push(said(if restarted { 15.0 } else { 2.0 }, "LOG", "database system is ready to accept connections"));
    lines
}

fn postgres(at: Timestamp, draw: u64) -> String {
    format!("{} UTC [{}]", at.strftime("%Y-%m-%d %H:%M:%S.%3f"), 40 + draw % 400)
}

/// The text with its `{n}`, `{id}` and `{user}` drawn.
pub(super) fn filled(text: &str, draw: u64) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    text.replace("{n}", &(100 + draw % 900).to_string())
        .replace("{id}", &format!("{:08x}", draw & 0xffff_ffff))
        .replace("{user}", &(1000 + draw % 9000).to_string())
}
