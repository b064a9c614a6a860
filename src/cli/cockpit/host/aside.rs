//! What is done while the screen is suspended: logins, programs, shells in containers. And programs beside it.

use std::{io::Write as _, path::PathBuf};

use futures::FutureExt as _;
use tokio::process::Command;

use super::{CockpitHost, login_of};
use crate::{
    action::engine::{Ended, Outside},
    app::{App, Effect, Msg},
    custom::{Output, Program},
    effects::{
        Work,
        program::{beside, command, ended, not_started, with_terminal},
    },
    model::{BackendId, Name, kubernetes::ObjectKey},
    runtime::Aside,
    source::kubernetes::{
        client::Writer,
        shell::{self, Typist},
    },
    terminal::raw::{self, Raw},
    text::{Clean, quoted},
};

/// How a program ends that met nothing.
const WELL: &str = "exit status 0";

impl CockpitHost {
    /// The work of an effect that takes the terminal.
    pub(super) fn hand_over(&self, effect: &Effect, app: &App) -> Result<Aside, Clean> {
        match effect {
            Effect::Login(backend) => log_in(app, backend),
            Effect::Run(program) => self.run(program, app),
            Effect::Shell { pod, container } => self.shell(pod, container, app),
            other => Err(Clean::own(format!("'{other:?}' takes no terminal"))),
        }
    }

    /// A program that has the terminal.
    fn run(&self, program: &Program, app: &App) -> Result<Aside, Clean> {
        allowed(program, app)?;
        let mut command = command(program);
        let context = match &program.context {
            Some(context) => Some(CurrentContext::set(context, program, &mut command)?),
            None => None,
        };
        let (engine, outside) = (self.engine.clone(), outside(program));
        let (name, file) = (program.name.clone(), program.argv[0].clone());
        // How a shell ended is of nobody's interest: its last command decides it.
        let waits = context.is_none();
        Ok(async move {
            let run = async {
                let ended_as = with_terminal(command).await;
                drop(context);
                match ended_as {
                    Ok(status) if status.success() => Ended::Done(WELL.into()),
                    Ok(status) => {
                        let says = Clean::own(ended(status));
                        if waits {
                            any_key(&format!("{name} ended with {says}")).await;
                        }
                        match status.code() {
                            // A shell's is that of its last command: it tells nothing of the shell.
                            Some(_) if waits => Ended::Badly(says),
                            Some(_) => Ended::Done(says),
                            None => Ended::Unknown(says),
                        }
                    }
                    Err(error) => Ended::Failed(not_started(&file, &error)),
                }
            };
            told(&name, engine.audited(outside, false, run).await)
        }
        .boxed())
    }

    /// A program without the terminal; one that has it has been carried out already.
    pub(super) fn run_beside(&self, program: Program, work: &Work) -> Option<Clean> {
        if program.output == Output::Screen {
            return None;
        }
        let (engine, news) = (self.engine.clone(), work.news());
        let says = Clean::own(format!("'{}' runs", program.name));
        let runs = says.clone();
        tokio::spawn(async move {
            let mut written = None;
            let run = async {
                match beside(command(&program)).await {
                    Ok((status, text)) => {
                        written = Some(text);
                        match status {
                            Some(status) if status.success() => Ended::Done(WELL.into()),
                            Some(status) if status.code().is_some() => Ended::Badly(Clean::own(ended(status))),
                            Some(status) => Ended::Unknown(Clean::own(ended(status))),
                            None => Ended::Unknown("it took too long and was ended".into()),
                        }
                    }
                    Err(error) => Ended::Failed(not_started(&program.argv[0], &error)),
                }
            };
            let result = engine.audited(outside(&program), true, run.boxed()).await;
            // A page that stands there says by itself that all went well.
            let went_well = matches!(&result, Ok(Ended::Done(says)) if *says == WELL);
            let says = told(&program.name, result);
            let _ = news.send(Msg::Unsaid(runs)).await;
            let shown = written.filter(|_| program.output == Output::Page);
            let is_said = shown.is_none() || !went_well;
            if let Some(text) = shown {
                let title = Clean::own(format!("{} on {}", program.name, program.on));
                let _ = news.send(Msg::Output { title, place: program.place.clone(), text }).await;
            }
            if is_said {
                let _ = news.send(Msg::Said(says)).await;
            }
        });
        Some(says)
    }

    /// A shell in a container.
    fn shell(&self, pod: &ObjectKey, container: &Name, app: &App) -> Result<Aside, Clean> {
        let cluster = self.wired.clusters.get(&pod.cluster);
        let cluster = cluster.ok_or_else(|| Clean::own(format!("'{}' is not open", pod.cluster)))?;
        if let Some(why) = app.settings.read_only_reason(&pod.cluster) {
            return Err(Clean::own(format!("no shell in read-only mode: {why}")));
        }
        let writer = cluster.writer().ok_or_else(|| Clean::own(format!("'{}' is read-only", pod.cluster)))?;
        let production = app.settings.is_production(&pod.cluster);
        let outside = Outside {
            backend: Some(pod.cluster.clone()),
            title: Clean::own(format!("SHELL in pod {}", pod.name)),
            place: Clean::own(format!("{}/{}", pod.cluster, pod.namespace)),
            production,
            says: Clean::own(format!("exec -it {} -c {container} -- bash, else sh", pod.name)),
        };
        let (engine, pod, container) = (self.engine.clone(), pod.clone(), container.clone());
        Ok(async move {
            let run = in_container(&writer, &pod, &container, production);
            told("shell", engine.audited(outside, false, run).await)
        }
        .boxed())
    }
}

/// Nothing that writes is run in read-only mode, whatever asked for it.
fn allowed(program: &Program, app: &App) -> Result<(), Clean> {
    let why = match &program.backend {
        Some(backend) => app.settings.read_only_reason(backend),
        None => app.settings.read_only.as_ref(),
    };
    match why.filter(|_| program.writes) {
        Some(why) => Err(Clean::own(format!("'{}' is not run in read-only mode: {why}", program.name))),
        None => Ok(()),
    }
}

fn outside(program: &Program) -> Outside {
    Outside {
        backend: program.backend.clone(),
        title: Clean::own(format!("RUN {} on {}", program.name, program.on)),
        place: program.place.clone(),
        production: program.production,
        says: program.line(),
    }
}

fn told(name: &str, ended: Result<Ended, Clean>) -> Clean {
    match ended {
        Ok(Ended::Failed(says)) | Err(says) => says,
        Ok(ended) => Clean::own(format!("{name}: {}", ended.says())),
    }
}

fn log_in(app: &App, backend: &BackendId) -> Result<Aside, Clean> {
    let login =
        login_of(app, backend).ok_or_else(|| Clean::from("this backend has no login that a program could renew"))?;
    let mut command = Command::new(&login.command);
    command.args(&login.args).envs(login.env.iter().map(|(name, value)| (name, value)));
    // What it prints is a credential: it belongs to nobody's screen.
    command.stdout(std::process::Stdio::null()).kill_on_drop(true);
    Ok(async move {
        Clean::own(match with_terminal(command).await {
            Ok(status) if status.success() => "logged in; asking again".to_owned(),
            Ok(status) => format!("the login ended with {status}"),
            Err(error) => format!("the login could not be started: {error}"),
        })
    }
    .boxed())
}

/// What a program wrote stays to be read until a key is pressed.
async fn any_key(says: &str) {
    let Ok((raw, mut keys)) = Raw::enter() else { return };
    // Without a terminal to say it on, nobody waits.
    if raw.write(format!("\r\nmidwatch: {says}. Any key goes back.\r\n").as_bytes()).is_ok() {
        keys.recv().await;
    }
}

async fn in_container(writer: &Writer, pod: &ObjectKey, container: &Name, production: bool) -> Ended {
    let (raw, mut keys, mut sizes) = match Raw::enter().and_then(|(raw, keys)| Ok((raw, keys, raw::sizes()?))) {
        Ok(entered) => entered,
        Err(error) => return Ended::Failed(Clean::own(format!("the terminal cannot be given to a shell: {error}"))),
    };
    let prod = if production { "PROD " } else { "" };
    let place = format!("{prod}{}/{}", pod.cluster, pod.namespace);
    let head = format!("midwatch: {container} of pod {}\r\n{place}   exit or ~. goes back.\r\n", pod.name);
    let mut show = |bytes: &[u8]| raw.write(bytes);
    if let Err(error) = show(head.as_bytes()) {
        return Ended::Failed(Clean::own(format!("the terminal is gone: {error}")));
    }
    let typist = Typist { keys: &mut keys, sizes: &mut sizes, show: &mut show };
    match shell::run(writer, pod, container, typist).await {
        shell::Ended::Exit(code) => Ended::Done(Clean::own(format!("exit status {code}"))),
        shell::Ended::Left => Ended::Unknown("left with ~.: what ran there may go on".into()),
        shell::Ended::Lost(why) => {
            Ended::Unknown(Clean::own(format!("the connection was lost ({why}): what ran there may go on")))
        }
        shell::Ended::Refused(says) => Ended::Failed(says),
        shell::Ended::NoShell => Ended::Failed(no_shell(writer.cluster().context(), pod, container)),
    }
}

fn no_shell(context: &str, pod: &ObjectKey, container: &str) -> Clean {
    let words: [&str; 4] = [context, &pod.namespace, &pod.name, container];
    let [context, namespace, name, target] = words.map(quoted);
    Clean::own(format!(
        "'{container}' has neither bash nor sh: `kubectl --context {context} -n {namespace} debug -it {name} --image=busybox \
         --target={target}` opens one beside it"
    ))
}

/// A file that makes a context the current one for `kubectl`, in front of the person's own: no secret is copied, and what
/// a `use-context` changes is this file alone. It is removed at the end.
struct CurrentContext(PathBuf);

impl CurrentContext {
    fn set(context: &str, program: &Program, command: &mut Command) -> Result<Self, Clean> {
        let path = std::env::temp_dir().join(format!("midwatch-context-{}", std::process::id()));
        let fail = |error: std::io::Error| Clean::own(format!("'{}' cannot be written: {error}", path.display()));
        // Of an earlier shell of ours that was cut off.
        let _ = std::fs::remove_file(&path);
        let mut options = std::fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
        let mut file = options.open(&path).map_err(fail)?;
        let made = Self(path.clone());
        let name = serde_json::Value::from(context);
        write!(file, "apiVersion: v1\nkind: Config\ncurrent-context: {name}\n").map_err(fail)?;
        let own = program.env.iter().find(|(name, _)| name == "KUBECONFIG").map(|(_, value)| value.into());
        let usual = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config").into_os_string());
        let own = own.or_else(|| std::env::var_os("KUBECONFIG")).or_else(usual).unwrap_or_default();
        let mut files = path.clone().into_os_string();
        files.push(":");
        files.push(own);
        command.env("KUBECONFIG", files).env("MIDWATCH_CONTEXT", context);
        Ok(made)
    }
}

impl Drop for CurrentContext {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_without_a_shell_is_said_with_a_line_that_finds_it_from_anywhere() {
        let pod = ObjectKey { cluster: BackendId::new("eu"), namespace: "shop".into(), name: "web-1".into() };
        let says = no_shell("prod eu", &pod, "app");
        let line = "`kubectl --context 'prod eu' -n shop debug -it web-1 --image=busybox --target=app`";
        assert!(says.contains(line), "{says}");
    }
}
