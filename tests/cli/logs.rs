//! `midwatch logs`, with the flags of kubectl and stern: what is read, and how it is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::*;

type Names = BTreeSet<String>;

impl Bench {
    /// `midwatch logs ... -n production`, which succeeds.
    fn logs(&self, args: &[&str]) -> String {
        let output = self.run(&[&["logs", "-n", "production"], args].concat());
        assert_eq!(code(&output), 0, "{args:?}: {}", both(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn log_lines(&self, args: &[&str]) -> Vec<Value> {
        let text = self.logs(&[args, &["-o", "json"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// In an order of their own: lines of one moment have none.
    fn sorted_lines(&self, args: &[&str]) -> Vec<Value> {
        let mut lines = self.log_lines(args);
        lines.sort_by_key(|line| (at(line), line["pod"].to_string()));
        lines
    }

    fn pods_of(&self, args: &[&str]) -> Names {
        let lines = self.log_lines(&[&["--tail", "5"], args].concat());
        lines.iter().map(|line| line["pod"].as_str().unwrap().to_owned()).collect()
    }

    /// The pods of `deploy/myapp` by name, and what `what` says of them.
    fn myapp(&self, what: &str) -> BTreeMap<String, String> {
        let kube = self.json(&["show", "kube", "-n", "production", "--json"]);
        let pods = rows(&kube, "pod").into_iter().filter(|pod| pod["workload"] == "deploy/myapp");
        let text = |pod: &Value, key: &str| pod[key].as_str().unwrap_or_default().to_owned();
        pods.map(|pod| (text(pod, "name"), text(pod, what))).collect()
    }

    /// One that crashes.
    fn crashing(&self) -> String {
        let pods = self.myapp("status");
        pods.into_iter().find(|(_, status)| status == "CrashLoopBackOff").expect("412 crashes").0
    }
}

fn at(line: &Value) -> Timestamp {
    line["at"].as_str().unwrap().parse().unwrap()
}

#[test]
fn logs_of_many_pods_are_merged_filtered_and_named() {
    let bench = Bench::new();
    let output = bench.run(&["logs", "deploy/myapp", "-n", "production", "--tail", "20", "--json"]);
    assert_eq!(code(&output), 0, "{}", both(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let pods: BTreeSet<&str> = lines.iter().map(|line| line["pod"].as_str().unwrap()).collect();
    assert!(pods.len() > 2, "{pods:?}");
    // A trace stays with its head, whatever others wrote meanwhile.
    let times: Vec<Timestamp> = lines.iter().filter(|line| line["continues"] == false).map(at).collect();
    assert!(times.is_sorted(), "{times:?}");
    // What goes on with a line is kept with it.
    let kept = bench.log_lines(&["myapp", "--include", "level=error", "--exclude", "timeout"]);
    let heads: Vec<&str> =
        kept.iter().filter(|line| line["continues"] == false).map(|line| line["text"].as_str().unwrap()).collect();
    assert!(
        !heads.is_empty() && heads.iter().all(|text| text.contains("level=error") && !text.contains("timeout")),
        "{heads:?}"
    );
    let output = bench.run(&["logs", "myapp"]);
    assert_eq!(code(&output), 2);
    assert!(both(&output).contains("is several"), "{}", both(&output));
    let output = bench.run(&["logs", "deploy/mayapp"]);
    assert_eq!(code(&output), 2);
    assert!(both(&output).contains("did you mean 'myapp'?"), "{}", both(&output));
}

#[test]
fn logs_are_chosen_by_labels_kinds_and_expressions_and_written_as_other_tools_write_them() {
    let bench = Bench::new();
    let lines = |args: &[&str]| -> Vec<Value> {
        let output = bench.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", both(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let pods = |lines: &[Value]| -> BTreeSet<String> {
        lines.iter().map(|line| line["pod"].as_str().unwrap().to_owned()).collect()
    };
    let of_labels = lines(&["logs", "-l", "app=myapp", "-n", "production", "--tail", "5", "-o", "json"]);
    let of_name = lines(&["logs", "deploy/myapp", "-n", "production", "--tail", "5", "-o", "json"]);
    assert_eq!(pods(&of_labels), pods(&of_name));
    let of_service = lines(&["logs", "svc/myapp", "-n", "production", "--tail", "5", "-c", "^my", "-o", "json"]);
    assert_eq!(pods(&of_service), pods(&of_name));
    assert!(of_service.iter().all(|line| line["container"] == "myapp"));
    // Fewer connections than containers: all are read, one after another.
    let few =
        lines(&["logs", "-l", "app=myapp", "-n", "production", "--tail", "5", "--max-log-requests", "2", "-o", "json"]);
    assert_eq!(pods(&few), pods(&of_name));
    for (wrong, says) in [
        (&["logs", "-l", "app=nobody"][..], "no pod has the labels 'app=nobody'"),
        (&["logs", "svc/nobody"], "there is no 'svc/nobody'"),
        (&["logs", "deploy/myapp", "-c", "("], "unclosed group"),
        (&["logs", "deploy/myapp", "--tail", "-2"], "is no number of lines"),
        (&["logs"], "required"),
    ] {
        let output = bench.run(wrong);
        assert!(both(&output).contains(says), "{wrong:?}: {}", both(&output));
    }
}

#[test]
fn pods_are_chosen_by_name_node_fields_condition_and_state() {
    let bench = Bench::still();
    let nodes = bench.myapp("node");
    let all: Names = nodes.keys().cloned().collect();
    let (some, node) = nodes.iter().next().unwrap();
    let on_node: Names = nodes.iter().filter(|(_, its)| *its == node).map(|(name, _)| name.clone()).collect();
    assert!(on_node.len() < all.len());
    assert_eq!(bench.pods_of(&["^myapp-[0-9a-f]+-"]), all);
    assert_eq!(bench.pods_of(&["-l", "app=myapp", "my.p{2}"]), all, "of the names and of the labels");
    let others: Names = all.iter().filter(|name| *name != some).cloned().collect();
    assert_eq!(bench.pods_of(&["deploy/myapp", "--exclude-pod", some, "--exclude-pod", "^nobody"]), others);
    assert_eq!(bench.pods_of(&["deploy/myapp", "--node", node]), on_node);
    let fields = format!("spec.nodeName={node},status.phase=Running");
    assert_eq!(bench.pods_of(&["deploy/myapp", "--field-selector", &fields]), on_node);
    assert!(bench.pods_of(&["--field-selector", &fields]).is_superset(&on_node), "of the fields alone");

    let crash: Names =
        bench.myapp("status").into_iter().filter(|(_, it)| it == "CrashLoopBackOff").map(|it| it.0).collect();
    assert!(!crash.is_empty() && crash.len() < all.len());
    assert_eq!(bench.pods_of(&["deploy/myapp", "--condition", "ready=false"]), crash);
    assert_eq!(bench.pods_of(&["deploy/myapp", "--condition", "ready"]), &all - &crash);
    assert_eq!(bench.pods_of(&["deploy/myapp", "--container-state", "waiting"]), crash);
    assert_eq!(bench.pods_of(&["deploy/myapp", "--container-state", "running"]), &all - &crash);
    assert_eq!(bench.pods_of(&["deploy/myapp", "--container-state", "terminated,waiting"]), crash);

    for (wrong, says, exit) in [
        (&["deploy/myapp", "--node", "nowhere"][..], "'deploy/myapp' has no pod with fields spec.nodeName=nowhere", 3),
        (&["deploy/myapp", "--container-state", "terminated"], "has no pod with state terminated", 3),
        (&["myap+$"], "there is no 'myap+$' in the namespaces that were read", 2),
        (&["deploy/myapp", "--exclude-pod", "("], "unclosed group", 2),
        (&["deploy/myapp", "--condition", "happy"], "is no condition of a pod", 2),
        (&["deploy/myapp", "--condition", "ready", "-f"], "needs --tail=0", 2),
        (&["deploy/myapp", "--container-state", "asleep"], "is no state", 2),
    ] {
        let output = bench.run(&[&["logs", "-n", "production"], wrong].concat());
        assert!(both(&output).contains(says), "{wrong:?}: {}", both(&output));
        assert_eq!(code(&output), exit, "{wrong:?}: {}", both(&output));
    }
}

#[test]
fn a_log_is_read_from_a_time_to_a_time_so_many_lines_and_so_many_bytes() {
    let bench = Bench::still();
    let whole = bench.sorted_lines(&["deploy/payments", "--since", "10m"]);
    let (from, until) = (at(&whole[whole.len() / 3]), at(&whole[whole.len() / 2]));
    let (since, end) = (from.to_string(), until.to_string());
    let inside = |line: &Value| (from..=until).contains(&at(line));
    let expected: Vec<&Value> = whole.iter().filter(|line| inside(line)).collect();
    assert!(expected.len() > 20, "{}", expected.len());
    let read = bench.sorted_lines(&["deploy/payments", "--since-time", &since, "--until", &end]);
    assert_eq!(read.iter().collect::<Vec<_>>(), expected);

    // The newest lines of each container are those before the end.
    let newest = bench.sorted_lines(&["deploy/payments", "--since-time", &since, "--until", &end, "--tail", "2"]);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let is_newest = |line: &&&Value| {
        let lines = seen.entry(line["pod"].to_string()).or_default();
        *lines += 1;
        *lines <= 2
    };
    let mut wanted: Vec<&Value> = expected.iter().rev().filter(is_newest).copied().collect();
    wanted.reverse();
    assert_eq!(newest.iter().collect::<Vec<_>>(), wanted);
    assert!(bench.sorted_lines(&["deploy/payments", "--since", "10m", "--until", "5m"]).len() < whole.len());

    let pod = format!("pod/{}", bench.crashing());
    let raw = |more: &[&str]| bench.logs(&[&[&pod, "-p", "--unmasked", "-o", "raw"], more].concat());
    let text = raw(&[]);
    let cut = raw(&["--limit-bytes", "100"]);
    assert_eq!(cut.trim_end_matches('\n'), text[..100].trim_end_matches('\n'));
    assert_eq!(raw(&["--limit-bytes", "0"]), text);
}

#[test]
fn of_previous_instances_those_that_there_were_are_read() {
    let bench = Bench::still();
    let crash = bench.crashing();
    let said = bench.log_lines(&["deploy/myapp", "--previous"]);
    let of: Names = said.iter().map(|line| line["pod"].as_str().unwrap().to_owned()).collect();
    assert!(of.contains(&crash) && said.iter().all(|line| line["note"] == false));
    assert!(said.iter().any(|line| line["text"].as_str().unwrap().contains("exiting")), "its end");
    // Those that there were not are told beside the output.
    let told = |more: &[&str]| {
        let output = bench.run(&[&["logs", "-n", "production", "deploy/myapp", "-p", "-o", "json"], more].concat());
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), said.len(), "{}", both(&output));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let words = ": container 'myapp' has no previous instance: it never restarted";
        let pods = errors.lines().filter_map(|line| line.strip_prefix("midwatch: pod ")?.strip_suffix(words));
        pods.map(str::to_owned).collect::<Names>()
    };
    assert!(told(&["--only-log-lines"]).is_empty() && !told(&[]).is_empty() && told(&[]).is_disjoint(&of));
    let output = bench.run(&["logs", "-n", "production", "deploy/myapp", "-p", "-f"]);
    assert!(code(&output) == 2 && both(&output).contains("cannot be used with"), "{}", both(&output));
}

#[test]
fn lines_are_kept_by_level_folded_and_counted_by_version() {
    let bench = Bench::still();
    let lines = bench.log_lines(&["deploy/myapp", "--level", "warn", "--tail", "60"]);
    let heads: Vec<&Value> = lines.iter().filter(|line| line["continues"] == false && line["note"] == false).collect();
    let levels: Names = heads.iter().map(|line| line["level"].as_str().unwrap().to_owned()).collect();
    let worse: Names = ["WARN", "ERROR", "FATAL"].map(str::to_owned).into();
    assert!(levels.len() > 1 && levels.is_subset(&worse), "{levels:?}");
    let output = bench.run(&["logs", "deploy/myapp", "--level", "loud"]);
    assert!(code(&output) == 2 && both(&output).contains("'loud' is no level"), "{}", both(&output));

    let of = |how: &[&str]| bench.sorted_lines(&[&["deploy/myapp"], how].concat());
    let of_field = of(&["--field", "level=err", "--field", "level=.*or$"]);
    assert!(!of_field.is_empty() && of_field == of(&["--include", "level=error"]));

    // It waits for the database twice before it gives up.
    let pod = format!("pod/{}", bench.crashing());
    let written: Vec<String> = bench.logs(&[&pod, "-p", "-o", "raw"]).lines().map(str::to_owned).collect();
    let folded: Vec<String> = bench.logs(&[&pod, "-p", "-o", "raw", "--fold"]).lines().map(str::to_owned).collect();
    let at = written.windows(2).position(|two| two[0] == two[1]).expect("a repeat");
    let mut expected = written.clone();
    expected[at + 1] = "last message repeated 1 time".to_owned();
    assert_eq!(folded, expected);
    let notes = bench.log_lines(&[&pod, "-p", "--fold", "--only-log-lines"]);
    let note = notes.iter().find(|line| line["note"] == true).expect("it is asked for");
    assert_eq!(note["repeats"], 1);

    let table = bench.logs(&["deploy/myapp", "--signatures", "--since", "15m"]);
    let head: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["412", "411", "LEVEL", "MESSAGE", "(per", "1,000", "lines)"], "{table}");
    let first: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert!(first[1] == "never" && first.contains(&"NEW"), "what only the new version says comes first: {table}");
    let messages = bench.log_lines(&["deploy/myapp", "--signatures", "--since", "15m"]);
    for message in &messages {
        let versions = message["versions"].as_object().unwrap();
        let sum: u64 = versions.values().map(|lines| lines.as_u64().unwrap()).sum();
        assert!(message["lines"] == sum && sum > 0, "{message}");
        assert_eq!(message["new"] == true, versions.keys().eq(["412"]), "{message}");
    }
    for tag in ["411", "412"] {
        let rates = messages.iter().filter_map(|message| message["per_thousand"][tag].as_f64());
        assert!((rates.sum::<f64>() - 1000.0).abs() < 0.01, "all lines of {tag}");
    }
    assert!(messages.iter().any(|message| message["versions"].as_object().unwrap().len() == 2), "some are old");
}

#[test]
fn a_line_is_written_as_asked() {
    let bench = Bench::still();
    let pod = bench.crashing();
    let target = format!("pod/{pod}");
    let plain = bench.logs(&[&target, "-p"]);
    let raw = bench.logs(&[&target, "-p", "-o", "raw"]);
    assert_eq!(plain, raw, "one can speak");
    let each = |form: &dyn Fn(&str) -> String| raw.lines().map(|line| format!("{}\n", form(line))).collect::<String>();
    let kubectls = each(&|line| format!("[pod/{pod}/myapp] {line}"));
    assert_eq!(bench.logs(&[&target, "-p", "--prefix"]), kubectls);
    assert_eq!(bench.logs(&[&target, "-p", "--all-pods"]), kubectls);
    let sterns = each(&|line| format!("{pod}/myapp  {line}"));
    assert_eq!(bench.logs(&[&target, "-p", "--all-containers"]), sterns);
    assert_eq!(bench.logs(&[&target, "-p", "--all-containers=true", "--prefix=false"]), raw);

    let values = |text: &str| -> Vec<Value> {
        serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().unwrap()
    };
    let formed = each(&|line| format!("{pod} myapp/production 412: {line}"));
    let template = "{{.PodName}} {{.ContainerName}}/{{.Namespace}} {{.Version}}: {{.Message}}";
    assert_eq!(bench.logs(&[&target, "-p", "--template", template]), formed);
    let of_pod = ["-p", "--tail", "1", "--template", "{{.NodeName}} {{index .Labels \"app\"}}"];
    let node = &bench.myapp("node")[&pod];
    assert_eq!(bench.logs(&[&[&*target], &of_pod[..]].concat()), format!("{node} myapp\n"));
    let file = bench.home.path().join("form.tpl");
    std::fs::write(&file, format!("{template}\n")).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(bench.logs(&[&target, "-p", "--template-file", file]), formed);
    assert_eq!(bench.logs(&[&target, "-p", "-T", file]), formed);
    for (wrong, says) in [
        (["--template", "{{.Nobody}}"], "is not known: write one of .Message"),
        (["--template", "{{shout .Message}}"], "there is no function 'shout'"),
        (["--template", "{{range .Message}}"], "of Go's words there are if, with, else and end"),
        (["-T", "/nowhere"], "No such file"),
    ] {
        let output = bench.run(&[&["logs", &target], &wrong[..]].concat());
        assert!(code(&output) == 2 && both(&output).contains(says), "{}", both(&output));
    }

    // stern's functions; of a line that does not fit them nothing is lost.
    let parts = "{{with $d := .Message | tryParseJSON}}{{$d.msg}}{{else}}{{.Message}}{{end}}";
    assert_eq!(bench.logs(&[&target, "-p", "--template", parts]), raw);
    let payments = ["deploy/payments", "--since", "5m", "--tail", "3", "--until", "1m"];
    let said = bench.logs(&[&payments[..], &["--template", parts]].concat());
    let whole = values(&bench.logs(&[&payments[..], &["-o", "extjson"]].concat()));
    let messages: String = whole.iter().map(|line| format!("{}\n", line["text"]["msg"].as_str().unwrap())).collect();
    assert!(!messages.is_empty() && said == messages, "{said}");
    let output = bench.run(&["logs", "-n", "production", &target, "-p", "--template", "{{parseJSON .Message}}"]);
    assert_eq!((code(&output), &*String::from_utf8_lossy(&output.stdout)), (0, raw.as_str()));
    let told = format!("{} lines could not be written and stand as they are: parseJSON: ", raw.lines().count());
    assert!(String::from_utf8_lossy(&output.stderr).contains(&told), "{}", both(&output));

    // A line that is JSON stands in it as such; one that is none as text.
    let ext = bench.logs(&["deploy/payments", "--since", "5m", "--tail", "3", "-o", "extjson", "--until", "1m"]);
    let parsed = values(&ext);
    assert!(!parsed.is_empty() && ext.lines().count() == parsed.len(), "one object a line: {ext}");
    assert!(parsed.iter().all(|line| line["text"]["msg"].is_string() && line["pod"].is_string()), "{ext}");
    assert!(values(&bench.logs(&[&target, "-p", "-o", "extjson"])).iter().all(|line| line["text"].is_string()));
    let end = parsed.last().unwrap()["at"].as_str().unwrap().to_owned();
    let read =
        |form| values(&bench.logs(&["deploy/payments", "--since", "5m", "--tail", "3", "-o", form, "--until", &end]));
    assert_eq!(read("ppextjson"), read("extjson"));
    let pretty = bench.logs(&["deploy/payments", "--tail", "1", "-o", "ppextjson"]);
    assert!(pretty.contains("\n  \"text\": {\n    \""), "{pretty}");
}

#[test]
fn colour_and_marks_are_there_where_they_are_asked_for() {
    let bench = Bench::still();
    let target = format!("pod/{}", bench.crashing());
    let read =
        |more: &[&str]| bench.logs(&[&[&target, "-p", "--all-containers", "-H", "connection|wait.ng"], more].concat());
    let plain = read(&["--color", "never"]);
    assert!(!plain.contains('\u{1b}') && plain.contains("waiting for a connection"), "{plain}");
    assert_eq!(read(&["--color", "auto"]), plain, "a pipe has none");
    assert_eq!(read(&[]), plain);
    let coloured = read(&["--color", "always"]);
    assert!(coloured.contains("\u{1b}[7mwaiting\u{1b}[0m for a \u{1b}[7mconnection\u{1b}[0m"), "{coloured:?}");
    assert!(coloured.starts_with("\u{1b}[38;5;"), "the pod's name: {coloured:?}");
    assert!(!read(&["--color", "always", "-o", "json"]).contains('\u{1b}'), "a program reads it");
}

#[test]
fn what_cannot_be_read_is_a_failure_unless_that_is_ignored() {
    let bench = Bench::still();
    let args = ["logs", "-n", "production", "deploy/myapp", "-c", "sidecar"];
    for (more, exit) in [(&[][..], 3), (&["--ignore-errors"], 0), (&["--ignore-errors=false"], 3)] {
        let output = bench.run(&[&args[..], more].concat());
        assert_eq!(code(&output), exit, "{}", both(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains("no pod has a container 'sidecar'"));
        assert!(output.stdout.is_empty());
    }
    let output =
        bench.run(&["logs", "-n", "production", "^myapp-", "--node", "nowhere", "--pod-running-timeout", "1s"]);
    assert_eq!(code(&output), 3, "{}", both(&output));
    assert!(both(&output).contains("no pod has name ^myapp-, fields spec.nodeName=nowhere"), "{}", both(&output));
}

#[test]
fn a_closed_pipe_ends_what_is_read_once() {
    let bench = Bench::still();
    for more in [&[][..], &["--fold"], &["--signatures"], &["-o", "ppextjson"]] {
        let args = [&["logs", "deploy/myapp", "-n", "production", "--since", "15m"], more].concat();
        let mut child = bench.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{more:?}");
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "{more:?}");
    }
}

#[test]
fn a_kubeconfig_and_a_time_zone_are_named_as_for_other_tools() {
    let bench = Bench::still();
    let file = bench.world.kubeconfig();
    // No configuration, and nothing in the environment.
    let run = |args: &[&str]| midwatch(bench.home.path()).args(args).args(["--kubeconfig", &file]).output().unwrap();
    let output = run(&["logs", "deploy/myapp", "-n", "production", "--tail", "1", "--json"]);
    assert_eq!(code(&output), 0, "{}", both(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["cluster"] == "prod-eu1"), "{text}");
    let output = run(&["show", "kube", "-n", "staging", "--context", "staging-eu1", "--json"]);
    let kube: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", both(&output)));
    let deployments = rows(&kube, "deployment");
    assert!(!deployments.is_empty() && deployments.iter().all(|row| row["cluster"] == "staging-eu1"), "{kube:#}");
    for (wrong, says) in [
        (["--kubeconfig", "/nowhere"], "No such file"),
        (["--timezone", "Mars/Base"], "there is no time zone 'Mars/Base'"),
    ] {
        let output = bench.run(&[&["logs", "deploy/myapp", "-n", "production"], &wrong[..]].concat());
        assert!(code(&output) == 2 && both(&output).contains(says), "{}", both(&output));
    }
    let pod = format!("pod/{}", bench.crashing());
    let stamps = bench.logs(&[&pod, "-p", "-t", "--timezone", "Asia/Kolkata"]);
    assert!(stamps.lines().all(|line| line[19..].contains("+05:30 ")), "{stamps}");
}
