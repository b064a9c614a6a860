//! `:` lines: a command's name, a screen, or a word with arguments.

use super::{App, Effect};
use crate::{
    command::{Command, ScreenId, nearest},
    model::{BackendId, BackendKind},
    text::Clean,
    time::Now,
    ui::{Reply, kinds, overlays},
};

/// Words with arguments, beside the commands: shown by the palette.
pub const LINES: &[(&str, &str)] = &[
    ("ns NAME", "watch only this namespace; `ns all` for all"),
    ("ctx NAME", "open another context of the kubeconfig; `ctx close NAME` closes a cluster"),
    ("forward TO PORTS", "pod/NAME, deploy/NAME or svc/NAME and LOCAL:REMOTE, in the row's namespace"),
    ("theme NAME", "auto, dark, light, colourblind, none"),
    ("since TIME", "start of the open log: 5m, 15m, 1h, all"),
    ("until TIME", "end of the open log: 03:10 (UTC), 5m for so long ago, now to follow it again"),
    ("tail LINES", "newest lines of each container of the open log, or all"),
    ("production yes|no", "whether the selected cluster is production; remembered"),
    ("hints on|off", "the demo's hints above the footer"),
    ("write-config", "write what was found as config.toml"),
    ("found", "a first run: what was found and what was not, and what mends it"),
    ("kind NAME", "the objects of any kind, by plural, short name or kind"),
    ("pods", "every pod, as kubectl prints them"),
    ("workloads", "screen Kube: workloads, and the pods of one"),
    ("q", "quit"),
];

/// Whether a `:` line may begin with this word already.
pub fn is_word(word: &str) -> bool {
    LINES.iter().any(|(name, _)| name.split(' ').next() == Some(word))
}

/// Other spellings of a word.
pub fn spellings(word: &str) -> &'static [&'static str] {
    if word == "pods" { &["po", "pod"] } else { &[] }
}

impl App {
    pub(super) fn line(&mut self, line: &str, now: Now) -> Reply {
        let line = line.trim().trim_start_matches(':');
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match word {
            "" => Reply::Done,
            "q" | "q!" | "quit" | "wq" | "exit" => Reply::Do(Effect::Quit),
            "ns" | "namespace" => self.namespace(rest, now),
            "ctx" | "context" => self.context(rest),
            "theme" => match rest.parse() {
                Ok(choice) => {
                    self.look.choice = choice;
                    self.theme = self.look.theme();
                    Reply::Done
                }
                Err(crate::ui::theme::UnknownTheme(name)) => {
                    Reply::Say(Clean::own(format!("no theme is called '{name}': auto, dark, light, colourblind, none")))
                }
            },
            "since" => self.screens.logs.since(rest),
            "until" => {
                let (screens, _, view) = self.parts(now);
                screens.logs.until(rest, &view)
            }
            "tail" => self.screens.logs.newest(rest),
            "forward" => self.forward_line(rest, now),
            "production" => self.production(rest, now),
            "hints" => self.switch_hints(rest),
            // For the test that a crash gives the terminal back; not in a release build.
            #[cfg(debug_assertions)]
            "crash" => panic!("asked to crash"),
            "write-config" => Reply::Do(Effect::WriteConfig),
            "found" if !self.settings.is_first_run => {
                Reply::Say(Clean::own(format!("nothing was looked for: '{}' is in force", self.settings.config_path)))
            }
            "found" => Reply::Push(overlays::first_minute()),
            "workloads" => {
                self.screens.kube.leave();
                Reply::Go(ScreenId::Kube, None)
            }
            "kind" if rest.is_empty() => Reply::Say("write `:kind NAME`, for example `:kind svc`".into()),
            "kind" => match self.kind(rest, "", now) {
                Ok(reply) => reply,
                Err(why) => Reply::Say(Clean::own(why)),
            },
            "alerts" => Reply::Go(ScreenId::Triage, None),
            "runs" | "pipes" => Reply::Go(ScreenId::Pipelines, None),
            "logs" => Reply::Go(ScreenId::Logs, None),
            _ => match (Command::by_name(line), self.settings.commands.iter().position(|own| own.name == line)) {
                (Ok(command), _) => Reply::Run(command),
                (Err(_), Some(own)) => Reply::Own(own, None),
                (Err(near), None) => {
                    match self.kind(word, rest, now) {
                        Ok(reply) => return reply,
                        Err(why) if kinds::is_usual(word) => return Reply::Say(Clean::own(why)),
                        // Like no command: that it is no kind either would be guessed.
                        Err(why) if near.is_none() && kinds::are_unread(&self.view(now), word) => {
                            return Reply::Say(Clean::own(why));
                        }
                        Err(_) => {}
                    }
                    let own = self.settings.commands.iter().map(|own| own.name.as_str());
                    let names = LINES.iter().filter_map(|(name, _)| name.split(' ').next()).chain(own);
                    let near = near.or_else(|| nearest(word, names));
                    let near = near.or_else(|| kinds::nearest_to(&self.view(now), word));
                    let near = near.map(|near| format!(": did you mean '{near}'?"));
                    Reply::Say(Clean::own(format!(
                        "there is no command or kind of object '{line}'{}",
                        near.unwrap_or_default()
                    )))
                }
            },
        }
    }

    /// `svc`, `svc shop`: the objects of a kind, in a namespace. A word that may yet turn out to name one counts as one;
    /// what does not is the failure, in words.
    fn kind(&mut self, word: &str, namespace: &str, now: Now) -> Result<Reply, String> {
        if let Some(why) = kinds::why_none(&self.view(now), word) {
            return Err(why);
        }
        let shown = Reply::Browse(word.to_owned(), None);
        Ok(if namespace.is_empty() { shown } else { Reply::Many(vec![self.namespace(namespace, now), shown]) })
    }

    /// The cluster that `:ns` and `:production` mean: the selected object's, else the first.
    pub(super) fn cluster_meant(&self, now: Now) -> Option<BackendId> {
        let selected = self.selected(now).and_then(|target| target.backend().cloned());
        let is_cluster = |id: &BackendId| self.settings.backends.get(id) == Some(&BackendKind::Kubernetes);
        selected.filter(is_cluster).or_else(|| self.settings.backends.keys().find(|id| is_cluster(id)).cloned())
    }

    fn namespace(&mut self, rest: &str, now: Now) -> Reply {
        let clusters: Vec<BackendId> = if rest == "all" {
            self.settings
                .backends
                .iter()
                .filter(|(_, kind)| **kind == BackendKind::Kubernetes)
                .map(|(id, _)| id.clone())
                .collect()
        } else {
            self.cluster_meant(now).into_iter().collect()
        };
        if clusters.is_empty() {
            return Reply::Say("no cluster is open".into());
        }
        if rest.is_empty() {
            let known: Vec<&str> =
                clusters.iter().flat_map(|id| self.store.kube.namespaces(id)).map(Clean::as_str).collect();
            return Reply::Say(Clean::own(format!("namespaces seen: {}. `:ns NAME` or `:ns all`", known.join(", "))));
        }
        let namespaces: Vec<Clean> = if rest == "all" {
            Vec::new()
        } else {
            rest.split([',', ' ']).filter(|n| !n.is_empty()).map(Clean::line).collect()
        };
        self.choose_namespaces(clusters, namespaces, now)
    }

    fn switch_hints(&mut self, rest: &str) -> Reply {
        match rest {
            _ if !self.settings.is_demo => Reply::Say("hints are part of `midwatch demo`".into()),
            "on" | "off" => {
                self.tour.is_off = rest == "off";
                Reply::Done
            }
            _ => Reply::Say("write `:hints on` or `:hints off`".into()),
        }
    }

    fn context(&self, rest: &str) -> Reply {
        if rest.is_empty() {
            let known: Vec<&str> = self.settings.contexts.iter().map(Clean::as_str).collect();
            return Reply::Say(if known.is_empty() {
                "the kubeconfig has no other context".into()
            } else {
                Clean::own(format!("contexts: {}. `:ctx NAME` opens one", known.join(", ")))
            });
        }
        // a context may be called like that as well
        if let Some(name) = rest.strip_prefix("close ").map(str::trim) {
            return self.close(name);
        }
        if !self.settings.contexts.iter().any(|name| *name == rest) {
            let near = nearest(rest, self.settings.contexts.iter().map(Clean::as_str));
            let near = near.map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
            return Reply::Say(Clean::own(format!("the kubeconfig has no context '{rest}'{near}")));
        }
        Reply::Do(Effect::OpenContext(Clean::line(rest)))
    }

    fn close(&self, name: &str) -> Reply {
        let open = || {
            let clusters = self.settings.backends.iter().filter(|(_, kind)| **kind == BackendKind::Kubernetes);
            clusters.map(|(id, _)| id.0.as_str())
        };
        if open().any(|id| id == name) {
            return Reply::Do(Effect::CloseContext(BackendId::new(name)));
        }
        let near = nearest(name, open()).map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
        Reply::Say(Clean::own(format!("no cluster '{name}' is open{near}")))
    }

    /// `yes`, `no` or `later`, and the cluster's name where another is meant than the selected.
    fn production(&mut self, rest: &str, now: Now) -> Reply {
        let (word, name) = rest.split_once(' ').unwrap_or((rest, ""));
        let named = Some(BackendId::new(name)).filter(|_| !name.is_empty());
        let Some(cluster) = named.or_else(|| self.cluster_meant(now)) else {
            return Reply::Say("no cluster is open".into());
        };
        if self.settings.backends.get(&cluster) != Some(&BackendKind::Kubernetes) {
            return Reply::Say(Clean::own(format!("no cluster is called '{cluster}'")));
        }
        let is_production = match word {
            "yes" | "y" | "true" => true,
            "no" | "n" | "false" => false,
            "later" => {
                self.note_production(&cluster, None);
                return Reply::Done;
            }
            _ => return Reply::Say(Clean::own(format!("write `:production yes` or `:production no` for '{cluster}'"))),
        };
        self.note_production(&cluster, Some(is_production));
        Reply::Many(vec![
            Reply::Say(Self::production_words(&cluster, is_production)),
            Reply::Do(Effect::RememberProduction { cluster, is_production }),
        ])
    }
}
