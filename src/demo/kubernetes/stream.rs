//! `exec`, `attach` and `portforward` over WebSocket: `v5.channel.k8s.io` and `v4.channel.k8s.io`.
//!
//! Every binary message begins with the number of its channel (`apimachinery/pkg/util/remotecommand`): 0 stdin, 1 stdout,
//! 2 stderr, 3 the closing Status, 4 the terminal's size; with v5, 255 closes the channel that its second byte names.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{
        FromRequestParts,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::{
    Server, access,
    answer::Failure,
    forward, list, logs,
    request::{Ask, Query},
    shell::{Outcome, Shell},
};
use crate::demo::cluster::{
    json as js,
    kubelet::{ContainerRun, Life},
};

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;

/// Opens a stream into a pod.
pub async fn open(server: &Server, role: &access::Role, parts: &mut Parts, ask: Ask) -> Result<Response, Failure> {
    access::check(role, &ask)?;
    let object = list::find(server, &ask)?;
    let pod = object.value();
    if ask.sub == "portforward" {
        let target = forward::Target::of(server, &ask, &pod)?;
        let upgrade = upgrade(server, parts).await?.protocols(["v4.channel.k8s.io"]);
        return Ok(upgrade.on_upgrade(move |socket| target.serve(socket)).into_response());
    }
    let container = container_of(&ask, &pod)?;
    running(server, &ask, &object.facts().uid, &container)?;
    let upgrade = upgrade(server, parts).await?;
    let upgrade = upgrade.protocols(["v5.channel.k8s.io", "v4.channel.k8s.io"]);
    if ask.sub == "attach" {
        let query = Query::from_pairs(&[("container", &container), ("follow", "true"), ("tailLines", "0")]);
        let log = logs::logs(server, &Ask { query, sub: "log".to_owned(), ..ask })?;
        return Ok(upgrade.on_upgrade(move |socket| follow(socket, log)).into_response());
    }
    let session = Session {
        shell: shell(server, &ask, &pod, &container),
        argv: ask.query.all("command"),
        stdin: ask.query.flag("stdin"),
        tty: ask.query.flag("tty"),
    };
    if session.argv.is_empty() {
        return Err(Failure::bad_request("you must specify at least 1 command for the container"));
    }
    Ok(upgrade.on_upgrade(move |socket| session.serve(socket)).into_response())
}

/// What a client that speaks SPDY gets is 400.
async fn upgrade(server: &Server, parts: &mut Parts) -> Result<WebSocketUpgrade, Failure> {
    WebSocketUpgrade::from_request_parts(parts, server).await.map_err(|_| {
        Failure::bad_request("Upgrade request required: this server streams over WebSocket (v4.channel.k8s.io) only")
    })
}

fn container_of(ask: &Ask, pod: &Value) -> Result<String, Failure> {
    let names: Vec<_> = js::list(pod, "/spec/containers").iter().map(|c| js::text(c, "/name")).collect();
    let name =
        ask.query.get("container").filter(|name| !name.is_empty()).or(names.first().copied()).unwrap_or_default();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(Failure::bad_request(format!("container {name} is not valid for pod {}", ask.object_name())))
}

/// 500 as a kubelet says it, if the container does not run.
fn running(server: &Server, ask: &Ask, uid: &str, container: &str) -> Result<(), Failure> {
    let runs = |it: &ContainerRun| it.name == container && matches!(it.life, Life::Running { .. });
    if server.with(|cluster, _| cluster.run(uid).is_some_and(|run| run.containers.iter().any(runs))) {
        return Ok(());
    }
    let message = format!("container not found (\"{container}\")");
    Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message, json!({"name": ask.object_name()})))
}

fn shell(server: &Server, ask: &Ask, pod: &Value, container: &str) -> Shell {
    let host = ask.object_name().to_owned();
    let spec = js::list(pod, "/spec/containers").iter().find(|c| js::text(c, "/name") == container);
    let own = spec.map(|c| js::list(c, "/env")).unwrap_or_default();
    let mut env =
        vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()), ("HOSTNAME".to_owned(), host.clone())];
    env.extend(
        own.iter()
            .filter(|e| e.get("value").is_some())
            .map(|e| (js::text(e, "/name").to_owned(), js::text(e, "/value").to_owned())),
    );
    let image = spec.map(|c| js::text(c, "/image")).unwrap_or_default();
    let files = [
        ("/app/VERSION", format!("{}\n", image.rsplit_once(':').map_or("", |(_, tag)| tag))),
        ("/etc/hostname", format!("{host}\n")),
        ("/etc/hosts", format!("127.0.0.1\tlocalhost\n{}\t{host}\n", js::text(pod, "/status/podIP"))),
        ("/etc/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.22.1\n".to_owned()),
        (
            "/etc/resolv.conf",
            format!(
                "search {}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n",
                ask.space()
            ),
        ),
    ];
    let date = server.with(|_, now| now).strftime("%a %b %e %H:%M:%S UTC %Y").to_string();
    Shell { host, env, files: files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect(), date }
}

/// One command being run for a client.
struct Session {
    shell: Shell,
    argv: Vec<String>,
    stdin: bool,
    tty: bool,
}

/// What a client typed.
enum Typed {
    Bytes(Bytes),
    End,
}

/// The next input; sizes of the terminal are taken note of by nobody.
async fn typed(socket: &mut WebSocket) -> Option<Typed> {
    loop {
        let Message::Binary(bytes) = socket.recv().await?.ok()? else { continue };
        match bytes.first() {
            Some(0) => return Some(Typed::Bytes(bytes.slice(1..))),
            Some(&CLOSE) if bytes.get(1) == Some(&0) => return Some(Typed::End),
            _ => {}
        }
    }
}

async fn send(socket: &mut WebSocket, channel: u8, bytes: &[u8]) -> Option<()> {
    let framed: Vec<u8> = std::iter::once(channel).chain(bytes.iter().copied()).collect();
    socket.send(Message::Binary(framed.into())).await.ok()
}

impl Session {
    async fn serve(self, mut socket: WebSocket) {
        // The client that went away has no use for an answer.
        let _ = self.converse(&mut socket).await;
    }

    async fn converse(&self, socket: &mut WebSocket) -> Option<()> {
        // Tells the client that the streams are open.
        send(socket, STDOUT, &[]).await?;
        if !Shell::has(&self.argv[0]) {
            let message = format!(
                "error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: \"{}\": executable file not found in $PATH",
                self.argv[0]
            );
            let status = json!({"metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500, "message": message});
            return finish(socket, &status).await;
        }
        let interactive = self.stdin && self.argv.len() == 1 && self.argv[0].ends_with("sh")
            || self.argv.get(1).is_some_and(|a| a == "-i");
        let code = if interactive {
            self.interact(socket).await?
        } else if self.stdin && self.argv == ["cat"] {
            while let Some(Typed::Bytes(bytes)) = typed(socket).await {
                send(socket, STDOUT, &bytes).await?;
            }
            0
        } else {
            let outcome = self.shell.run(&self.argv);
            self.print(socket, &outcome).await?;
            outcome.code
        };
        finish(socket, &exit_status(code)).await
    }

    async fn print(&self, socket: &mut WebSocket, outcome: &Outcome) -> Option<()> {
        // A terminal has one stream, and its lines end with a carriage return.
        for (channel, text) in [(STDOUT, &outcome.out), (if self.tty { STDOUT } else { STDERR }, &outcome.err)] {
            if !text.is_empty() {
                let text = if self.tty { text.replace('\n', "\r\n") } else { text.clone() };
                send(socket, channel, text.as_bytes()).await?;
            }
        }
        Some(())
    }

    /// A shell at a prompt, until `exit` or the end of its input. Returns its exit code.
    async fn interact(&self, socket: &mut WebSocket) -> Option<i32> {
        let prompt = if self.tty { "/ $ " } else { "" };
        send(socket, STDOUT, prompt.as_bytes()).await?;
        let (mut line, mut code) = (String::new(), 0);
        while let Typed::Bytes(bytes) = typed(socket).await? {
            for c in String::from_utf8_lossy(&bytes).chars() {
                match c {
                    '\u{4}' if line.is_empty() => return Some(code),
                    '\u{3}' => {
                        line.clear();
                        send(socket, STDOUT, format!("^C\r\n{prompt}").as_bytes()).await?;
                    }
                    '\u{7f}' | '\u{8}' => {
                        if line.pop().is_some() && self.tty {
                            send(socket, STDOUT, b"\x08 \x08").await?;
                        }
                    }
                    '\r' | '\n' => {
                        if self.tty {
                            send(socket, STDOUT, b"\r\n").await?;
                        }
                        let (outcome, over) = self.shell.line(&std::mem::take(&mut line));
                        self.print(socket, &outcome).await?;
                        code = outcome.code;
                        if over {
                            return Some(code);
                        }
                        send(socket, STDOUT, prompt.as_bytes()).await?;
                    }
                    c => {
                        line.push(c);
                        if self.tty {
                            send(socket, STDOUT, c.encode_utf8(&mut [0; 4]).as_bytes()).await?;
                        }
                    }
                }
            }
        }
        Some(code)
    }
}

/// How long a client may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Ends the stream normally: to a client, an end without a code is a broken connection. What the client had sent is read
/// to its end: hanging up on it would reset the connection, and the last words with it.
pub async fn close(socket: &mut WebSocket) -> Option<()> {
    let frame = CloseFrame { code: close_code::NORMAL, reason: "".into() };
    socket.send(Message::Close(Some(frame))).await.ok()?;
    let goodbye = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    Some(())
}

/// The Status that tells an exit code.
fn exit_status(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

async fn finish(socket: &mut WebSocket, status: &Value) -> Option<()> {
    send(socket, STATUS, status.to_string().as_bytes()).await?;
    close(socket).await
}

/// What the container's process writes from now on, until it ends.
async fn follow(mut socket: WebSocket, log: Response) {
    let mut chunks = log.into_body().into_data_stream();
    if send(&mut socket, STDOUT, &[]).await.is_none() {
        return;
    }
    loop {
        tokio::select! {
            chunk = chunks.next() => {
                let Some(Ok(chunk)) = chunk else { break };
                if send(&mut socket, STDOUT, &chunk).await.is_none() {
                    return;
                }
            }
            message = socket.recv() => {
                if !matches!(message, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
    finish(&mut socket, &exit_status(0)).await;
}
