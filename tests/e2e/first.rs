//! The first minutes of somebody new: without a configuration, with a login that is over, in the demo.

use super::quit;
use crate::{terminal::Terminal, world::World};

/// No configuration, only a kubeconfig: Alertmanager and Prometheus are found inside the cluster and read through it.
#[test]
fn a_first_run_finds_the_alerts_inside_the_cluster() {
    let world = World::start(&[]);
    let mut screen = Terminal::start_with(&[], &[("KUBECONFIG", &world.kubeconfig())], (120, 35));
    screen.wait("HighErrorRate myapp");
    screen.keys("2");
    // Only Alertmanager knows whom it reaches, only Prometheus what is about to fire.
    screen.wait("goes to    pagerduty");
    screen.wait("1 pending");
    screen.wait("ConnectionsExhausted");
    // Alertmanager dies: what it listed stands there with its age, and what Prometheus sees goes on.
    world.backend("alertmanager", "down");
    screen.keys("r");
    screen.wait("?? am");
    screen.keys(":");
    screen.type_slowly("found\r");
    screen.wait("in the cluster, at prod-eu1/monitoring/alertmanager:9093");
    screen.wait("in the cluster, at prod-eu1/monitoring/prometheus:9090");
    screen.keys("\r");
    quit(screen);
}

/// A kubeconfig whose plugin has no login: `l` runs it with the terminal as its own, and then everything fills.
#[test]
fn an_expired_login_is_renewed_by_l() {
    let world = World::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let (url, token) = world.cluster();
    let (plugin, config, session) =
        (folder.path().join("sso"), folder.path().join("config"), folder.path().join("session"));
    let script = format!(
        r#"#!/bin/sh
if [ ! -f {session} ]; then
  [ -t 0 ] || {{ echo "the session has expired" >&2; exit 1; }}
  printf 'SSO code: ' >&2; read code; [ "$code" = 1234 ] || exit 1; touch {session}
fi
echo '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{token}"}}}}'
"#,
        session = session.display()
    );
    std::fs::write(&plugin, script).expect("it is written");
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("it may be run");
    let text = format!(
        r#"apiVersion: v1
kind: Config
current-context: eks
clusters: [{{name: eks, cluster: {{server: "{url}"}}}}]
contexts: [{{name: eks, context: {{cluster: eks, user: me, namespace: production}}}}]
users: [{{name: me, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: "{}", interactiveMode: IfAvailable}}}}}}]
"#,
        plugin.display()
    );
    std::fs::write(&config, text).expect("it is written");
    let config = config.display().to_string();
    let mut screen = Terminal::start_with(&[], &[("KUBECONFIG", &config)], (120, 35));
    screen.wait("l allows it and logs in");
    screen.wait("k8s down");
    screen.keys("l");
    screen.wait("SSO code:");
    screen.keys("1234\r");
    screen.wait("logged in");
    // What could not be looked through without the login is looked through after it.
    screen.wait("HighErrorRate myapp");
    // What the plugin prints is nobody's to see.
    quit_quietly(screen, &token);
}

/// `midwatch demo` leads a newcomer from the first screen to the mend and on, at 80x24, and leaves nothing behind.
#[test]
fn the_demo_leads_to_the_mend() {
    let mut screen = Terminal::start(&["demo", "--speed", "8"], (80, 24));
    screen.wait("R opens the plan to roll it back");
    screen.wait("deploy #412");
    screen.keys("R");
    screen.wait("then type 13 and Enter");
    screen.wait("stop deploy #412");
    // The world runs fast: a plan that moved meanwhile is confirmed anew.
    for _ in 0..5 {
        screen.type_slowly("13\r");
        screen.until("the act, or the plan as it is now", |text| {
            text.contains("watch the pods of 411") || text.contains("while you looked")
        });
        if screen.screen().contains("watch the pods of 411") {
            break;
        }
    }
    screen.wait("watch the pods of 411 come up");
    screen.wait("411 is back");
    screen.keys("\u{1b}");
    screen.wait("mended. Look around");
    screen.keys("3");
    screen.wait("WORKLOADS");
    screen.keys("6");
    screen.wait("now yours: leave with ctrl-c and run midwatch init");
    screen.keys(":");
    screen.type_slowly("hints off\r");
    screen.gone("now yours");
    quit(screen);
}

/// With nothing at all: three lines; what is pasted is opened, kept by `w` in files of its own, and `W` enables writing.
#[test]
fn with_nothing_found_a_pasted_address_and_token_open_grafana() {
    let world = World::start(&[]);
    let (url, token) = world.grafana();
    let mut screen = Terminal::start(&[], (80, 24));
    screen.wait("found none of them");
    screen.paste("https://ana:s3cret@nowhere.example");
    screen.wait("paste it without");
    screen.paste(&url);
    screen.wait("now paste a token");
    screen.paste(&token);
    screen.wait("open for this session");
    screen.keys(":");
    screen.type_slowly("found\r");
    screen.keys("w");
    screen.wait("written:");
    let files = screen.files();
    let holding = |text: &str| files.iter().filter(|(_, content)| content.contains(text)).count();
    assert_eq!(holding(&token), 1, "in its own file alone");
    assert!(files.iter().any(|(path, content)| path.ends_with("config.toml") && content.contains("grafana.token")));
    screen.keys("W");
    screen.gone("READ-ONLY");
    quit_quietly(screen, &token);
}

fn quit_quietly(mut screen: Terminal, token: &str) {
    screen.keys("\u{3}");
    screen.ended(0);
    screen.assert_restored();
    assert!(!screen.all_output().contains(token), "a token was on the screen");
}

#[test]
fn d_starts_the_demo_in_the_place_of_the_first_page() {
    let mut screen = Terminal::start(&[], (120, 35));
    screen.wait("found none of them");
    screen.keys("d");
    screen.wait("DEMO");
    screen.wait("HighErrorRate");
    quit(screen);
}

/// Keys typed while the world is built are kept.
#[test]
fn the_demo_stands_at_once_and_keeps_what_is_typed() {
    let mut screen = Terminal::start(&["demo"], (120, 35));
    screen.wait("starting the practice world");
    screen.keys("3");
    screen.wait("WORKLOADS");
    quit(screen);
}
