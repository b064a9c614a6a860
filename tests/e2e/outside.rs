//! What has the terminal while the screen is suspended: commands of the configuration's own, shells in containers. The
//! screen comes back whatever happens to them.

use super::{cockpit, quit};
use crate::{terminal::Terminal, world::World};

/// The cockpit on the world, with these tables besides.
fn cockpit_with(world: &World, tables: &str) -> (Terminal, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    let text = std::fs::read_to_string(world.config()).expect("readable");
    std::fs::write(&path, format!("{text}\n{tables}")).expect("written");
    (Terminal::start(&["--config", &path.display().to_string()], (120, 35)), folder)
}

/// To the postgres pod on the Kube screen.
fn to_postgres(screen: &mut Terminal) {
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("CrashLoopBackOff");
    screen.keys("/");
    screen.type_slowly("postgres\r");
    screen.wait("PODS of sts/postgres");
    screen.wait("postgres-0 ");
    screen.keys("\tg");
    screen.settled();
}

#[test]
fn a_command_has_the_terminal_and_gives_it_back_whatever_happens() {
    let world = World::start(&[]);
    // What waits says so itself, in words that no screen has: a shell may lose a ctrl-c that comes after its `echo` and before
    // its `exec`, and a key that comes before the program is not the program's.
    let waiting = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(waiting.path(), "endless has the terminal\n").expect("written");
    let endless = format!("run = [\"tail\", \"-f\", \"{}\"]", waiting.path().display());
    let tables = r#"
[[command]]
name = "greet"
key = "T"
on = ["pod", "workload"]
writes = false
shell = true
run = ["echo it is $MIDWATCH_NAMESPACE; read line; echo got $line; exit 3"]

[[command]]
name = "endless"
key = "E"
on = ["pod", "workload"]
writes = false
ENDLESS

[[command]]
name = "killed"
key = "B"
on = ["pod", "workload"]
writes = false
shell = true
run = ["stty raw -echo; printf '\\033[?1049h'; kill -9 $$"]

[[command]]
name = "count"
key = "O"
on = ["workload", "pod"]
writes = false
output = "page"
run = ["seq", "3"]
"#;
    let (mut screen, _folder) = cockpit_with(&world, &tables.replace("ENDLESS", &endless));
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("PODS of deploy/myapp");
    screen.keys("T");
    screen.wait("it is production");
    // What is typed is the program's; so is ctrl-c, which ends it and not the cockpit.
    screen.keys("hello\r");
    screen.wait("got hello");
    screen.wait("greet ended with exit status 3. Any key goes back.");
    screen.keys(" ");
    screen.wait("greet: exit status 3");
    screen.wait("PODS of");
    screen.keys("E");
    screen.wait("endless has the terminal");
    screen.keys("\u{3}");
    screen.wait("endless ended with signal: 2 (SIGINT). Any key goes back.");
    screen.keys(" ");
    screen.wait("PODS of");
    screen.keys("B");
    screen.wait("killed ended with signal: 9 (SIGKILL). Any key goes back.");
    screen.keys(" ");
    screen.wait("PODS of");
    screen.keys("O");
    screen.wait("count on");
    screen.wait("1/3");
    screen.keys("\u{1b}");
    screen.gone("1/3");
    screen.keys("8");
    screen.wait("RUN greet on");
    screen.wait("RUN killed on");
    screen.keys("\u{3}");
    screen.ended(0);
    screen.assert_restored();
    assert!(screen.is_cooked(), "what was killed had left the terminal raw");
}

/// SIGTERM while a program has the terminal ends both.
#[test]
fn the_end_of_the_cockpit_ends_the_program() {
    let world = World::start(&[]);
    let tables = "[[command]]\nname = \"wait\"\nkey = \"T\"\non = [\"pod\", \"workload\"]\nwrites = false\nrun = [\"sleep\", \"600\"]\n";
    let (mut screen, _folder) = cockpit_with(&world, tables);
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("PODS of deploy/myapp");
    screen.keys("T");
    screen.gone("PODS of");
    screen.signal(rustix::process::Signal::TERM);
    screen.ended(0);
    screen.assert_restored();
}

/// Opens the shell.
fn to_prompt(screen: &mut Terminal) {
    screen.keys("s");
    screen.wait("SHELL in");
    screen.settled();
    screen.keys("y");
    screen.until("a prompt, or the end", |text| text.contains("/ $") || text.contains("shell:"));
    let shown = screen.screen();
    assert!(shown.contains("/ $"), "no prompt:\n{shown}");
}

/// `s` asks first in production; the shell is the container's, and the cockpit stands there again after it.
#[test]
fn a_shell_in_a_container() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    to_postgres(&mut screen);
    to_prompt(&mut screen);
    screen.keys("cat /etc/hostname\r");
    screen.wait("postgres-");
    screen.resize((80, 24));
    screen.keys("hostname\r");
    screen.wait("postgres-");
    screen.keys("exit 7\r");
    screen.wait("shell: exit status 7");
    screen.keys("8");
    screen.wait("SHELL in pod postgres-");
    quit(screen);
}

/// The API server goes away: the terminal is the cockpit's again.
#[test]
fn a_lost_connection_gives_the_terminal_back() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    to_postgres(&mut screen);
    to_prompt(&mut screen);
    world.backend("prod-eu1", "down");
    screen.wait("the connection was lost");
    quit(screen);
}

/// `:sh` is the person's shell; for kubectl the row's cluster is the current context, by a file that is gone after it.
#[test]
fn a_shell_of_ones_own_has_the_cluster_as_its_context() {
    let world = World::start(&[]);
    let config = world.config();
    let shell = [("SHELL", "/bin/sh"), ("PS1", "ready> ")];
    let mut screen = Terminal::start_with(&["--config", &config], &shell, (120, 35));
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("PODS of deploy/myapp");
    screen.keys(":");
    screen.type_slowly("sh\r");
    screen.wait("ready>");
    screen.keys("first=${KUBECONFIG%%:*}; cat $first; echo \"then ${KUBECONFIG#*:}\"\r");
    screen.wait("current-context: \"prod-eu1\"");
    screen.wait(&format!("then {}", world.kubeconfig()));
    screen.keys("exit 4\r");
    screen.wait("sh: exit status 4");
    screen.wait("PODS of deploy/myapp");
    let left = std::fs::read_dir(std::env::temp_dir()).expect("readable").flatten();
    let ours = format!("midwatch-context-{}", screen.pid());
    assert!(left.into_iter().all(|entry| entry.file_name() != *ours), "its file was left behind");
    quit(screen);
}

/// A folder whose programs say what they were given, and `PATH` with it in front.
fn programs(names: &[&str]) -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    for name in names {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho \"{name} was given: $*\"\nread line\necho \"got $line\"\n"))
            .expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    (folder, path)
}

/// k9s and `kubectl edit` are found on `PATH`, told where the row is, and give the terminal back.
#[test]
fn k9s_and_kubectl_edit_have_the_terminal_and_give_it_back() {
    let world = World::start(&[]);
    let (_folder, path) = programs(&["k9s", "kubectl"]);
    let config = world.config();
    let mut screen = Terminal::start_with(&["--config", &config], &[("PATH", &path)], (120, 35));
    to_postgres(&mut screen);
    screen.keys(":");
    screen.type_slowly("k9s\r");
    screen.wait("k9s was given: --context prod-eu1 -n production");
    screen.keys("back\r");
    screen.wait("k9s: exit status 0");
    screen.wait("PODS of sts/postgres");
    screen.keys(":");
    screen.type_slowly("edit\r");
    screen.wait("RUN edit on");
    screen.settled();
    // In production the name is typed.
    screen.type_slowly("postgres-0\r");
    screen.wait("kubectl was given: --context prod-eu1 -n production edit pod/postgres-0");
    screen.keys("back\r");
    screen.wait("edit: exit status 0");
    screen.wait("PODS of sts/postgres");
    quit(screen);
}

/// What a closed cluster brought is gone from the screen, and its context can be opened again.
#[test]
fn a_cluster_is_closed_and_opened_again() {
    let world = World::start(&[]);
    let mut screen = cockpit(&world, (120, 35), &[]);
    screen.wait("HighErrorRate");
    screen.keys("3");
    screen.wait("CrashLoopBackOff");
    screen.keys(":");
    screen.type_slowly("ctx close prod-eu1\r");
    screen.wait("'prod-eu1' is closed");
    screen.gone("CrashLoopBackOff");
    screen.keys(":");
    screen.type_slowly("ctx prod-eu1\r");
    screen.wait("CrashLoopBackOff");
    quit(screen);
}

/// The cockpit on `prod-eu1` alone, on the workloads called `coredns`: they are in `kube-system`.
fn on_coredns(world: &World, namespaces: &str) -> (Terminal, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    let text = format!(
        "[[kubernetes]]\nname = \"prod-eu1\"\nkubeconfig = \"{}\"\ncontext = \"prod-eu1\"\nproduction = true\nnamespaces = {namespaces}\n",
        world.kubeconfig()
    );
    std::fs::write(&path, text).expect("written");
    let mut screen = Terminal::start(&["--config", &path.display().to_string()], (120, 35));
    screen.wait("1/1 up");
    screen.keys("3");
    screen.wait("PODS of");
    screen.keys("0");
    screen.wait("all namespaces");
    screen.keys("/");
    screen.type_slowly("coredns\r");
    screen.wait("PODS of deploy/coredns");
    (screen, folder)
}

fn says_production_alone(screen: &str) -> bool {
    screen.lines().next().is_some_and(|header| header.contains("prod-eu1/production"))
}

/// `:ctx close` and `:ctx` again.
fn close_and_open(screen: &mut Terminal) {
    screen.keys(":");
    screen.type_slowly("ctx close prod-eu1\r");
    screen.wait("'prod-eu1' is closed");
    screen.keys(":");
    screen.type_slowly("ctx prod-eu1\r");
    screen.wait("is open beside the others");
}

/// A cluster that is opened again is watched as the configuration says, and the header says the same: what was chosen before
/// it was closed is gone.
#[test]
fn a_cluster_that_is_opened_again_shows_the_namespaces_that_the_header_says() {
    let world = World::start(&[]);
    let (mut screen, _folder) = on_coredns(&world, "[]");
    screen.keys(":");
    screen.type_slowly("ns production\r");
    screen.gone("PODS of deploy/coredns");
    screen.until("the header to say one namespace", says_production_alone);
    close_and_open(&mut screen);
    screen.wait("PODS of deploy/coredns");
    screen.until("the header to say all of it", |text| text.contains("prod-eu1") && !says_production_alone(text));
    quit(screen);
    let (mut screen, _folder) = on_coredns(&world, "[\"production\"]");
    screen.until("the header to say all of it", |text| text.contains("prod-eu1") && !says_production_alone(text));
    close_and_open(&mut screen);
    screen.until("the header to say one namespace", says_production_alone);
    // What was chosen is taken: it is not thought to be so already.
    screen.keys("0");
    screen.wait("PODS of deploy/coredns");
    quit(screen);
}
