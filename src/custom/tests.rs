use std::path::Path;

use super::{fields::Values, links::Window, *};
use crate::{
    config::load::parse,
    model::kubernetes::{Pod, WorkloadKind},
    ui::{
        target::Target,
        testing::{World, workload_key},
    },
};

fn error(text: &str) -> String {
    parse(text, Path::new("config.toml")).expect_err("it is wrong").says
}

fn command(lines: &str) -> String {
    format!("me = \"ana\"\n\n[[command]]\nname = \"debug\"\non = [\"pod\"]\n{lines}\n")
}

fn made(text: &str) -> OwnCommand {
    let config = parse(text, Path::new("config.toml")).expect("well written");
    commands(&config.command, text).expect("checked").remove(0)
}

#[test]
fn a_mistake_names_its_line_and_what_was_meant() {
    let says = error(&command("run = [\"kubectl\", \"debug\", \"{namspace}\"]"));
    assert!(says.contains("line 6: [[command]] 'debug' asks for 'namspace'"), "{says}");
    assert!(says.contains("a pod does not have: did you mean 'namespace'?"), "{says}");
    let says = error(&command("run = [\"kubectl\", \"{}\"]"));
    assert!(says.contains("line 6") && says.contains("write '{{' for a brace"), "{says}");
    let says = error("[[command]]\nname = \"x1\"\non = [\"pods\"]\nrun = [\"true\"]\n");
    assert!(
        says.contains("line 3: [[command]] 'x1' is on 'pods', which is no kind of row: did you mean 'pod'?"),
        "{says}"
    );
    assert!(error(&command("run = []")).contains("runs nothing"));
    assert!(error(&command("run = [\"{name}\"]")).contains("takes its program from a row"));
    assert!(error(&command("run = [\"a\", \"b\"]\nshell = true")).contains("needs one script"));
    let says = error(&command("run = [\"echo $MIDWATCH_NAEM\"]\nshell = true"));
    assert!(says.contains("did you mean 'name'"), "{says}");
    assert!(error(&command("run = [\"true\"]\noutput = \"window\"")).contains("take screen or page"));
    assert!(error("[[command]]\nname = \"restart\"\non = [\"pod\"]\nrun = [\"true\"]\n").contains("take another name"));
    assert!(error("[[command]]\nname = \"k9s\"\non = [\"pod\"]\nrun = [\"true\"]\n").contains("take another name"));
}

#[test]
fn its_key_takes_none_that_means_something_there() {
    let says = error(&command("key = \"d\"\nrun = [\"true\"]"));
    assert!(says.contains("key 'd' means both 'describe' and the [[command]] 'debug'"), "{says}");
    let says = error(&command("key = \"j\"\nrun = [\"true\"]"));
    assert!(says.contains("'down'"), "{says}");
    let says = error(&command("key = \"ctrl-t\"\nrun = [\"true\"]"));
    assert!(says.contains("no ctrl-letter may change anything"), "{says}");
    // `A` is a pull request's: a pod's command may have it.
    assert_eq!(made(&command("key = \"A\"\nrun = [\"true\"]")).key, Key::parse("A").ok());
    let two = command("key = \"A\"\nrun = [\"true\"]")
        + "[[command]]\nname = \"other\"\nkey = \"A\"\non = [\"workload\", \"pod\"]\nrun = [\"true\"]\n";
    let says = error(&two);
    assert!(says.contains("key 'A' means both 'debug' and the [[command]] 'other'"), "{says}");
}

#[test]
fn links_are_checked_and_keep_what_they_found_in_one_piece() {
    let link =
        |pattern: &str, url: &str| format!("[[link]]\nname = \"ticket\"\npattern = '{pattern}'\nurl = \"{url}\"\n");
    assert!(error(&link("([", "https://x/$1")).contains("line 3: [[link]] 'ticket' has a pattern that is no regular"));
    assert!(error(&link("[A-Z]+-\\d+", "https://x/$1")).contains("'$1', a group that its pattern does not have"));
    assert!(error(&link("[A-Z]+", "javascript:$0")).contains("which is none"));
    assert!(error(&link("[A-Z]*", "https://x/$0")).contains("matches an empty text"));
    let text = link("(?<key>[A-Z]+-\\d+)(\\S*)", "https://tickets.example/browse/${key}?q=$2");
    let config = parse(&text, Path::new("config.toml")).expect("well written");
    let link = links(&config.link, &text).expect("checked").remove(0);
    let world = World::new();
    let target = Target::Workload(workload_key(WorkloadKind::Deployment, "my app"));
    let values = Values { target: &target, store: &world.store, settings: &world.settings };
    let window = Window::new(None, "2026-11-21T03:12:00Z".parse().expect("a time"));
    let found = link.of(&values, &["fix SHOP-12/../x&y and SHOP-12/../x&y".into(), "OPS-3".into()], window);
    let urls: Vec<&str> = found.iter().map(|(_, url)| url.as_str()).collect();
    assert_eq!(
        urls,
        ["https://tickets.example/browse/SHOP-12?q=%2F..%2Fx%26y", "https://tickets.example/browse/OPS-3?q="]
    );
}

/// A log store's address: what the row is called, and when.
#[test]
fn a_link_without_a_pattern_is_made_of_fields_and_time() {
    let link = |on: &str, url: &str| format!("[[link]]\nname = \"logs\"\non = [{on}]\nurl = '{url}'\n");
    assert!(error(&link("", "https://x/{name}")).contains("has no pattern, and is on nothing"));
    assert!(
        error(&link("\"workload\"", "https://x/{node}")).contains("asks for 'node', which a workload does not have")
    );
    assert!(error(&link("\"pod\"", "file:///{name}")).contains("which is none"));
    assert!(
        error(&link("\"pod\"", "https://x/{name"))
            .contains("line 4: [[link]] 'logs' has 'https://x/{name' as its address: a brace is not closed")
    );
    let text = link("\"workload\"", "https://logs.example/e?q={{\"app\":\"{name}\"}}&from={from}&to={to}");
    let config = parse(&text, Path::new("config.toml")).expect("well written");
    let link = links(&config.link, &text).expect("checked").remove(0);
    let world = World::new();
    let target = Target::Workload(workload_key(WorkloadKind::Deployment, "a&b"));
    let values = Values { target: &target, store: &world.store, settings: &world.settings };
    let (moment, now) =
        ("2026-11-21T03:00:00Z".parse().expect("a time"), "2026-11-21T03:12:00Z".parse().expect("a time"));
    let address = |window| link.of(&values, &[], window).remove(0).1;
    assert_eq!(
        address(Window::new(Some(moment), now)),
        "https://logs.example/e?q={%22app%22:%22a%26b%22}&from=1795229100000&to=1795230900000"
    );
    assert!(address(Window::new(None, now)).ends_with("&from=1795227120000&to=1795230720000"), "the last hour");
}

#[test]
fn a_row_fills_the_line_and_an_option_is_refused() {
    let world = World::new();
    let target = Target::Workload(workload_key(WorkloadKind::Deployment, "myapp"));
    let values = Values { target: &target, store: &world.store, settings: &world.settings };
    let on = |run: &str| made(&format!("[[command]]\nname = \"c\"\non = [\"workload\"]\nrun = {run}\n"));
    let program =
        on("[\"kubectl\", \"--context={context}\", \"get\", \"{kind}/{name}\", \"-o\", \"go-template={{{{.spec}}}}\"]");
    let line = program.program(&values).expect("filled").line();
    assert_eq!(line, "kubectl --context=prod-eu1 get deployment/myapp -o 'go-template={{.spec}}'");
    let evil = Target::Workload(workload_key(WorkloadKind::Deployment, "--all"));
    let values = Values { target: &evil, ..values };
    let says = on("[\"kubectl\", \"delete\", \"pod\", \"{name}\"]").program(&values).expect_err("an option");
    assert!(says.contains("would take '--all' for one of its options"), "{says}");
    assert!(on("[\"kubectl\", \"get\", \"--\", \"{name}\"]").program(&values).is_ok(), "after -- it is none");
    assert!(on("[\"kubectl\", \"get\", \"pod/{name}\"]").program(&values).is_ok(), "nor within a word");
    let script = made(
        "[[command]]\nname = \"c\"\non = [\"workload\"]\nshell = true\nrun = [\"echo $MIDWATCH_NAME | awk '{print $1}'\"]\n",
    );
    assert!(script.program(&values).is_err());
    let says = on("[\"x\", \"{revision}\"]").program(&values).expect_err("not listed");
    assert!(says.contains("has no revision"), "{says}");
}

/// What a row says is never part of the script itself.
#[test]
fn a_script_finds_the_fields_as_variables() {
    let world = World::new();
    let target = Target::Workload(workload_key(WorkloadKind::Deployment, "my app; rm -rf /"));
    let values = Values { target: &target, store: &world.store, settings: &world.settings };
    let script = made(
        "[[command]]\nname = \"c\"\non = [\"workload\"]\nshell = true\nrun = [\"echo \\\"$MIDWATCH_NAME\\\" ${MIDWATCH_NAMESPACE}\"]\n",
    );
    let program = script.program(&values).expect("filled");
    assert_eq!(program.argv, ["sh", "-c", "echo \"$MIDWATCH_NAME\" ${MIDWATCH_NAMESPACE}"]);
    assert_eq!(program.env[0], ("MIDWATCH_NAME".to_owned(), "my app; rm -rf /".to_owned()));
}

/// Every field that is offered is read of a row somewhere.
#[test]
fn each_field_has_a_value() {
    let mut world = crate::ui::testing::incident();
    let containers = Box::new([crate::ui::testing::running("myapp")]);
    world.pods([Pod { containers, ..crate::ui::testing::pod("myapp-9f2c", "x1", None) }]);
    let (store, settings) = (&world.store, &world.settings);
    let targets: Vec<Target> = (store.kube.pods.values().map(|pod| Target::Pod(pod.key.clone())))
        .chain(store.kube.workloads.values().map(|one| Target::Workload(one.key.clone())))
        .chain(store.runs.keys().cloned().map(Target::Run))
        .chain(store.pull_requests.keys().cloned().map(Target::PullRequest))
        .chain(store.alerts.keys().cloned().map(Target::Alert))
        .chain([Target::Backend(crate::ui::testing::cluster())])
        .collect();
    for kind in ["pod", "workload", "run", "pull-request", "alert", "backend"] {
        let kind = fields::kind(kind).expect("it is one");
        for name in fields::of(kind) {
            let has = |target: &&Target| {
                target.kind() == kind && Values { target, store, settings }.get(&Field::new(name)).is_ok()
            };
            // Nobody has a page for the alerts of this world.
            let is_known = (kind, name) == (Kind::Alert, "url") || targets.iter().any(|target| has(&target));
            assert!(is_known, "no {} has a {name}", kind.word());
        }
    }
}

#[test]
fn objects_are_named_by_their_kinds() {
    let drain =
        made("[[command]]\nname = \"drain\"\nkinds = [\"nodes\", \"pv\"]\nrun = [\"true\", \"{plural}/{name}\"]\n");
    assert_eq!((drain.on.as_slice(), drain.kinds.len()), ([Kind::Object].as_slice(), 2));
    let both = made("[[command]]\nname = \"x1\"\non = [\"pod\"]\nkinds = [\"nodes\"]\nrun = [\"true\"]\n");
    assert_eq!(both.on, [Kind::Pod, Kind::Object]);
    let says = error("[[command]]\nname = \"x1\"\nkinds = [\"nodes\"]\nrun = [\"true\", \"{node}\"]\n");
    assert!(says.contains("asks for 'node', which a") && says.contains("does not have"), "{says}");
    assert!(error("[[command]]\nname = \"x1\"\nrun = [\"true\"]\n").contains("is on nothing"));
    assert!(
        error("[[command]]\nname = \"x1\"\nkinds = [\"\"]\nrun = [\"true\"]\n").contains("names no kind of object")
    );
}
