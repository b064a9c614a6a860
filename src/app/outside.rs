//! What midwatch hands a row to: the configuration's own commands and links, `kubectl edit`, k9s, shells, port-forwards.

use super::{App, Effect};
use crate::{
    command::ScreenId,
    custom::{Program, fields::Values},
    model::{
        BackendId,
        forward::{ForwardAsk, ForwardTo},
        kubernetes::{ObjectKey, WorkloadKey, WorkloadKind},
    },
    text::Clean,
    time::Now,
    ui::{Reply, overlays, target::Target},
};

impl App {
    fn values<'a>(&'a self, target: &'a Target) -> Values<'a> {
        Values { target, store: &self.store, settings: &self.settings }
    }

    /// The configuration's own command of that place, on a row.
    pub(super) fn own(&self, index: usize, target: Option<&Target>, now: Now) -> Reply {
        let Some(command) = self.settings.commands.get(index) else { return Reply::Done };
        if let Some(why) = overlays::availability_of_own(command, target, &self.view(now)).refusal() {
            return Reply::Say(Clean::own(format!("'{}': {why}", command.name)));
        }
        let Some(target) = target else { return Reply::Done };
        match command.program(&self.values(target)) {
            Ok(program) => Reply::HandOver(Box::new(program)),
            Err(why) => Reply::Say(why),
        }
    }

    /// Runs a program, or asks first: what writes always asks in production.
    pub(super) fn hand_over(&self, program: Box<Program>, now: Now) -> Reply {
        if program.asks || (program.writes && program.production) {
            return Reply::Push(overlays::consent_to_run(program, now));
        }
        Reply::Do(Effect::Run(program))
    }

    /// Why nothing may be written to a cluster, as an answer.
    fn refusal(&self, cluster: &BackendId) -> Option<Reply> {
        let why = self.settings.read_only_reason(cluster)?;
        Some(Reply::Say(Clean::own(format!("not in read-only mode: {why}"))))
    }

    /// `:edit`
    pub(super) fn edit(&self, target: &Target) -> Reply {
        let (cluster, namespace, object) = match target {
            Target::Pod(key) => (&key.cluster, &key.namespace, format!("pod/{}", key.name)),
            Target::Workload(key) => (&key.cluster, &key.namespace, format!("{}/{}", key.kind.name(), key.name)),
            Target::Object(key) => (&key.cluster, &key.namespace, format!("{}/{}", key.resource.qualified(), key.name)),
            _ => return Reply::Ignored,
        };
        if let Some(refusal) = self.refusal(cluster) {
            return refusal;
        }
        let context = self.settings.context_of(cluster);
        let mut program = Program::new("edit".into(), &self.values(target));
        program.argv = ["kubectl", "--context", context].map(str::to_owned).into();
        // What belongs to the whole cluster has no namespace.
        if !namespace.is_empty() {
            program.argv.extend(["-n".to_owned(), namespace.to_string()]);
        }
        program.argv.extend(["edit".to_owned(), object]);
        Reply::HandOver(Box::new(program))
    }

    /// The selected row if it is in a cluster, else the cluster that is meant.
    fn in_cluster(&self, now: Now) -> Option<(Target, BackendId)> {
        if let Some(target @ (Target::Pod(_) | Target::Workload(_) | Target::Object(_))) = self.selected(now)
            && let Some(cluster) = target.backend().cloned()
        {
            return Some((target, cluster));
        }
        let cluster = self.cluster_meant(now)?;
        Some((Target::Backend(cluster.clone()), cluster))
    }

    /// `:k9s`; it is told to be read-only where midwatch is.
    pub(super) fn k9s(&self, now: Now) -> Reply {
        let Some((target, cluster)) = self.in_cluster(now) else { return Reply::Say("no cluster is open".into()) };
        let mut program = Program::new("k9s".into(), &self.values(&target));
        program.argv = ["k9s", "--context", self.settings.context_of(&cluster)].map(str::to_owned).into();
        if let Target::Pod(ObjectKey { namespace, .. }) | Target::Workload(WorkloadKey { namespace, .. }) = &target {
            program.argv.extend(["-n".to_owned(), namespace.to_string()]);
        }
        if self.settings.read_only_reason(&cluster).is_some() {
            program.argv.push("--readonly".to_owned());
        }
        // It asks by itself before it changes anything.
        (program.writes, program.asks) = (false, false);
        Reply::HandOver(Box::new(program))
    }

    /// `:sh`
    pub(super) fn local_shell(&self, now: Now) -> Reply {
        let Some((target, cluster)) = self.in_cluster(now) else { return Reply::Say("no cluster is open".into()) };
        if let Some(refusal) = self.refusal(&cluster) {
            return refusal;
        }
        let mut program = Program::new("sh".into(), &self.values(&target));
        program.argv = vec![self.settings.shell.clone().unwrap_or_else(|| "/bin/sh".to_owned())];
        program.context = Some(self.settings.context_of(&cluster).clone());
        (program.writes, program.asks) = (false, false);
        Reply::HandOver(Box::new(program))
    }

    /// `s` on a pod: which container, and in production whether at all.
    pub(super) fn shell(&self, target: &Target) -> Reply {
        let Target::Pod(key) = target else { return Reply::Ignored };
        if let Some(refusal) = self.refusal(&key.cluster) {
            return refusal;
        }
        let Some(pod) = self.store.kube.pods.get(key) else {
            return Reply::Say("this pod is no longer listed".into());
        };
        match pod.running_containers().as_slice() {
            [] => Reply::Say(Clean::own(format!("no container of {} runs: it is {}", key.name, pod.status))),
            [only] => overlays::shell(key, &only.name, &self.settings),
            _ => Reply::Push(overlays::choose_container(key.clone())),
        }
    }

    /// `:forward svc/NAME 8080:80`
    pub(super) fn forward_line(&self, rest: &str, now: Now) -> Reply {
        let (to, ports) = rest.split_once(' ').unwrap_or((rest, ""));
        let (cluster, namespace) = match self.selected(now) {
            Some(Target::Pod(key)) => (key.cluster, key.namespace),
            Some(Target::Workload(key)) => (key.cluster, key.namespace),
            _ => return Reply::Say("select a pod or workload first: its namespace is meant".into()),
        };
        let Some((kind, name)) = to.split_once('/').filter(|(_, name)| !name.is_empty()) else {
            return Reply::Say("write pod/NAME, deploy/NAME or svc/NAME, and LOCAL:REMOTE".into());
        };
        let name = Clean::line(name);
        let to = match kind {
            "pod" | "po" | "pods" => ForwardTo::Pod(ObjectKey { cluster, namespace, name }),
            "svc" | "service" | "services" => ForwardTo::Service(ObjectKey { cluster, namespace, name }),
            kind => match WorkloadKind::parse(kind) {
                Some(kind) => ForwardTo::Workload(WorkloadKey { cluster, namespace, kind, name }),
                None => return Reply::Say(Clean::own(format!("'{kind}' is none of pod, deploy, sts, ds and svc"))),
            },
        };
        match ForwardAsk::parse(to, ports) {
            Ok(ask) => match ask.clash(&self.forwards) {
                Some(says) => Reply::Say(says),
                None => Reply::Do(Effect::Forward(ask)),
            },
            Err(says) => Reply::Say(says),
        }
    }

    /// As [`App::copy_command`], whatever is on top.
    pub(super) fn run_copy_command(&mut self, now: Now) -> Vec<Effect> {
        let reply = self.copy_command(now);
        self.reply(reply, None, now)
    }

    /// What is shown, as a command line.
    pub(super) fn copy_command(&self, now: Now) -> Reply {
        let view = self.view(now);
        let line = match self.overlays.last() {
            Some(overlay) => overlay.line(&view),
            None if self.screen == ScreenId::Logs => self.screens.logs.line(&view),
            None => overlays::shown(self.screen, self.selected(now).as_ref(), &view),
        };
        match line {
            Some(line) => Reply::Do(Effect::Copy(Clean::own(line))),
            None => Reply::Say("no command line shows the same".into()),
        }
    }

    /// An address that nothing here opens: to be read in full, and copied. Pressed twice, it is shown once.
    pub(super) fn show_address(&mut self, address: Clean, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.overlays.last().and_then(|overlay| overlay.copied()).as_ref() != Some(&address) {
            effects = self.reply(Reply::Push(overlays::address(address.clone())), None, now);
        }
        effects.push(Effect::Copy(address));
        effects
    }

    /// Where it can be seen in a browser, with what the row under the cursor holds: name, what of it, address.
    pub(super) fn links_here(&self, target: &Target, now: Now) -> Vec<(Clean, Clean, Clean)> {
        let view = self.view(now);
        let (mut line, mut moment) = (None, None);
        if self.overlays.is_empty() {
            let screen = self.screens.get(self.screen);
            (line, moment) = (screen.copied(&view), screen.moment(&view));
        }
        overlays::links_of(&view, target, line, moment)
    }

    /// `o`: its address, or one of several.
    pub(super) fn browse(&self, target: &Target, now: Now) -> Reply {
        let links = self.links_here(target, now);
        match links.as_slice() {
            [] => Reply::Say(Clean::own(format!("{target} has no address"))),
            [(_, _, url)] => Reply::Do(Effect::OpenUrl(url.clone())),
            _ => Reply::Push(overlays::choose_link(target.clone(), links, false)),
        }
    }

    /// `Y`: its own address or, of what has none, a link that `o` opens.
    pub(super) fn copy_address(&self, target: &Target, now: Now) -> Reply {
        if let Some(url) = overlays::url_of(&self.store, target) {
            return Reply::Do(Effect::Copy(url));
        }
        let links = self.links_here(target, now);
        match links.as_slice() {
            [] => Reply::Say(Clean::own(format!("{target} has no address"))),
            [(_, _, url)] => Reply::Do(Effect::Copy(url.clone())),
            _ => Reply::Push(overlays::choose_link(target.clone(), links, true)),
        }
    }
}
