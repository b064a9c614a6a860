//! A first run in the loop: what is found and pasted is opened while the screen stands, and written when that is wanted.

use std::path::Path;

use super::{CockpitHost, never_writes};
use crate::{
    app::App,
    cli::{
        cockpit::{findings::Services, pasted::Outcome, restore},
        setup,
    },
    config::{
        file::Config,
        find::{self, At, Found},
    },
    source::github::remote,
    store::Changes,
    text::Clean,
};

impl CockpitHost {
    /// Takes up what was found, pasted and seen in the cluster meanwhile. Returns what to tell.
    pub(super) fn poll_first_run(&mut self, app: &mut App) -> Option<Clean> {
        let findings = self.found.as_mut()?;
        if let Some(found) = findings.first() {
            self.take_found(found, app);
            return None;
        }
        // What is pasted gets a name beside the names of what is found.
        if findings.is_looking() {
            return None;
        }
        if let Some(outcome) = self.pasted.outcome() {
            return self.take_pasted(outcome, app);
        }
        if findings.has_become_readable(&app.store) {
            findings.look_within(&self.wired, &self.wake);
        }
        let services = self.found.as_mut()?.services()?;
        self.add_services(&services, app)
    }

    fn take_found(&mut self, mut found: Found, app: &mut App) {
        found.config = setup::with_flags(found.config, &self.global);
        app.settings.found = found.lines.iter().map(find::Line::shown).collect();
        let config = found.config.clone();
        if let Some(findings) = &mut self.found {
            findings.found = found;
        }
        self.grow(config, app);
        restore(app, &self.paths, self.wired.clock.now());
        app.note_changes(Changes::ALL);
    }

    /// Opens what the configuration names anew.
    fn grow(&mut self, config: Config, app: &mut App) {
        let opening = self.wired.grow(config, never_writes(app));
        self.wired.note_named(&mut app.settings);
        self.openings.start(opening);
        app.dirty = true;
    }

    fn take_pasted(&mut self, outcome: Outcome, app: &mut App) -> Option<Clean> {
        app.dirty = true;
        let (at, token, says) = match outcome {
            Outcome::Opens { at, token, says } => (at, token, says),
            Outcome::Waits(half, says) => {
                self.pasted.wait(half);
                app.settings.pasted = Some(says);
                return None;
            }
            Outcome::Not(says) => {
                app.settings.pasted = Some(says);
                return None;
            }
        };
        app.settings.pasted = None;
        let folder = self.config_path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let found = &mut self.found.as_mut()?.found;
        let Some(name) = found.add(&at, token.is_some(), &folder, repositories(&at)) else {
            return Some(Clean::own(format!("this {} is open already", at.what())));
        };
        app.settings.found = found.lines.iter().map(find::Line::shown).collect();
        let config = found.config.clone();
        if let Some(token) = token {
            self.wired.held.insert(name, token.into());
        }
        self.grow(config, app);
        Some(says)
    }

    /// Opens what runs inside the cluster that was found, read through its API server.
    fn add_services(&mut self, (cluster, services): &Services, app: &mut App) -> Option<Clean> {
        let services = match services {
            Ok(services) => services,
            Err(says) => {
                self.found.as_mut()?.look_again(cluster.clone());
                return Some(Clean::own(format!("the Services of '{cluster}' cannot be looked through yet: {says}")));
            }
        };
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let more = find::within_cluster(&self.wired.config, cluster, services, env);
        let words: Vec<String> = more.lines.iter().map(|line| format!("{} {}", line.what, line.says)).collect();
        if words.is_empty() {
            let says = format!("no Alertmanager, Prometheus or Grafana among the Services of '{cluster}'");
            app.settings.found.push(("Services".into(), false, Clean::own(says)));
        }
        app.settings
            .found
            .retain(|(what, is_found, _)| *is_found || more.lines.iter().all(|line| *line.what != **what));
        app.settings.found.extend(more.lines.iter().map(find::Line::shown));
        if let Some(findings) = &mut self.found {
            findings.found.take(more.clone());
        }
        self.grow(more.config, app);
        (!words.is_empty()).then(|| Clean::own(words.join("; ")))
    }

    /// Writes what was found and pasted, as `midwatch init` does.
    pub(super) fn write_config(&mut self, app: &App) -> Clean {
        let Some(findings) = &self.found else {
            return Clean::own(format!("'{}' is the configuration already", self.config_path.display()));
        };
        if findings.found.is_nothing() {
            return "nothing is found yet that could be written: paste an address or a token first".into();
        }
        let held = self.wired.held.iter().map(|(name, token)| (name.as_str(), &**token));
        match find::write_with_tokens(&self.config_path, &findings.found.config, held) {
            Ok(()) => {
                let key = app.keymap.shown(crate::command::Command::EnableWriting);
                let next = key.filter(|_| app.settings.may_enable_writing && app.settings.read_only.is_some());
                let next = next.map(|key| format!("; {key} leaves read-only mode")).unwrap_or_default();
                Clean::own(format!("written: {}{next}", self.config_path.display()))
            }
            Err(says) => Clean::own(says),
        }
    }
}

/// The repository of the working directory, where it is on that host.
fn repositories(at: &At) -> Vec<String> {
    let At::GitHub(host) = at else { return Vec::new() };
    let here = remote::find(&std::env::current_dir().unwrap_or_default());
    here.filter(|here| *here.host == **host).map(|here| here.name.to_string()).into_iter().collect()
}
