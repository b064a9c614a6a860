//! `midwatch config check`: which file is read, what it sets, from where each value comes, and what is wrong with it.

use std::{path::Path, process::ExitCode};

use clap::{Args, Subcommand};
use color_eyre::Result;
use toml::de::{DeTable, DeValue};

use super::{Global, report, setup};
use crate::config::{file, load};

#[derive(Clone, Debug, Args)]
pub struct ConfigCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum What {
    /// Every value that is set, where, and every problem
    Check,
}

pub fn run(command: &ConfigCommand, global: &Global) -> Result<ExitCode> {
    let What::Check = command.what;
    let usual = setup::paths().config;
    let path = global.config.as_deref().unwrap_or(&usual);
    if global.config.is_none() && !path.exists() {
        report::print(&format!(
            "no configuration: '{}' is not there; defaults apply, and backends are what is found (`midwatch init` writes it)\n",
            path.display()
        ))?;
        print_flags(global)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| color_eyre::eyre::eyre!("the configuration '{}' cannot be read: {error}", path.display()))?;
    let problem = load::parse(&text, path).err();
    report::print(&format!("{}\n", path.display()))?;
    report::print(&report::columns(&["", ""], &values(&text, path)))?;
    print_flags(global)?;
    match problem {
        None => {
            report::print("no problems\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Some(problem) => {
            report::aside(&format!("midwatch: {problem}"));
            Ok(ExitCode::from(2))
        }
    }
}

/// What the command line and the environment set over the file.
fn print_flags(global: &Global) -> std::io::Result<()> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add =
        |key: &str, value: String, origin: &str| rows.push(vec![origin.to_owned(), format!("{key} = {value}")]);
    if global.ascii {
        add("ui.ascii", "true".to_owned(), "flag --ascii");
    }
    if let Some(theme) = &global.theme {
        add("ui.theme", format!("\"{theme}\""), "flag --theme");
    }
    if global.read_only {
        add("read_only", "true".to_owned(), "flag --read-only");
    }
    if let Some(kubeconfig) = &global.kubeconfig {
        add("kubernetes.kubeconfig", format!("\"{}\"", kubeconfig.display()), "flag --kubeconfig");
    }
    if let Some(context) = &global.context {
        add("kubernetes.context", format!("\"{context}\" only"), "flag --context");
    }
    if let Some(namespace) = &global.namespace {
        add("kubernetes.namespaces", format!("[\"{namespace}\"]"), "flag -n");
    }
    if global.all_namespaces {
        add("kubernetes.namespaces", "[]".to_owned(), "flag -A");
    }
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        add("ui.theme", "\"none\"".to_owned(), "environment NO_COLOR");
    }
    report::print(&report::columns(&["", ""], &rows))
}

/// Line, key and value of everything that the file sets and that is not the default.
fn values(text: &str, path: &Path) -> Vec<Vec<String>> {
    // What is no TOML has no values; the problem is told by the caller.
    let Ok(table) = DeTable::parse(text) else { return Vec::new() };
    let file = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let mut found: Vec<(usize, String)> = Vec::new();
    walk(table.get_ref(), "", &defaults(), &mut |key, value, at| {
        let line = text[..at.min(text.len())].matches('\n').count() + 1;
        found.push((line, format!("{key} = {value}")));
    });
    found.sort();
    found.into_iter().map(|(line, set)| vec![format!("{file}:{line}"), set]).collect()
}

/// The defaults, with one backend of each kind standing for all of its kind.
fn defaults() -> toml::Table {
    fn table(value: &impl serde::Serialize) -> toml::Table {
        toml::Table::try_from(value).unwrap_or_default()
    }
    let mut whole = table(&file::Config::default());
    for (name, one) in [
        ("kubernetes", table(&file::Kubernetes::default())),
        ("github", table(&file::GitHub::default())),
        ("grafana", table(&file::Grafana::default())),
        ("alertmanager", table(&file::Alertmanager::default())),
        ("prometheus", table(&file::Prometheus::default())),
        ("registry", table(&file::Registry::default())),
        ("argocd", table(&file::ArgoCd::default())),
        ("jenkins", table(&file::Jenkins::default())),
        ("service", table(&file::Service::default())),
    ] {
        whole.insert(name.to_owned(), one.into());
    }
    whole
}

fn walk(table: &DeTable<'_>, prefix: &str, defaults: &toml::Table, tell: &mut impl FnMut(String, String, usize)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        let default = defaults.get(name.get_ref().as_ref());
        let none = toml::Table::new();
        let inner_defaults = default.and_then(toml::Value::as_table).unwrap_or(&none);
        match value.get_ref() {
            DeValue::Table(inner) if !key.ends_with("token") => {
                walk(inner, &key, inner_defaults, tell);
            }
            DeValue::Array(items) if items.iter().any(|item| matches!(item.get_ref(), DeValue::Table(_))) => {
                for (index, item) in items.iter().enumerate() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        let named = inner.iter().find(|(name, _)| matches!(&**name.get_ref(), "name" | "host"));
                        let label = named.and_then(|(_, value)| value.get_ref().as_str().map(str::to_owned));
                        let label = label.unwrap_or_else(|| (index + 1).to_string());
                        walk(inner, &format!("{key}[{label}]"), inner_defaults, tell);
                    }
                }
            }
            other => {
                let shown = shown(other);
                let is_default = default.is_some_and(|default| default.to_string() == shown);
                if !is_default {
                    tell(key, shown, name.span().start);
                }
            }
        }
    }
}

/// The value as TOML writes it; a password in an address is not shown.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => match url::Url::parse(text) {
            Ok(mut url) if url.password().is_some() => {
                let _ = url.set_password(Some("..."));
                format!("\"{url}\"")
            }
            _ => toml::Value::String(text.to_string()).to_string(),
        },
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(name, value)| format!("{} = {}", name.get_ref(), shown(value.get_ref()))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_default_is_listed_with_its_line() {
        let text = "me = \"ana\"\nread_only = false\n[ui]\ntheme = \"auto\"\nmouse = false\n[[grafana]]\nname = \"g\"\n\
                    url = \"https://u:secret@g\"\ntoken = { env = \"T\" }\n";
        let found = values(text, Path::new("/x/config.toml"));
        let lines: Vec<String> = found.iter().map(|cells| cells.join(" ")).collect();
        assert!(lines.contains(&"config.toml:1 me = \"ana\"".to_owned()), "{lines:?}");
        assert!(lines.contains(&"config.toml:5 ui.mouse = false".to_owned()), "{lines:?}");
        assert!(lines.iter().any(|line| line.ends_with("grafana[g].token = { env = \"T\" }")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("theme") || line.contains("read_only")), "{lines:?}");
        assert!(!lines.join("").contains("secret"), "{lines:?}");
    }
}
