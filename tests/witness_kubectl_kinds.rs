//! Every kind and verb of the demo's API server, asked for by `kubectl` in its default world: a table of commands, each with
//! its exit code and what it must say.
//!
//! Without `kubectl` this says so and passes, unless `MIDWATCH_WITNESSES=required`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test's own helpers; clippy knows only test functions")]

use std::{process::Stdio, sync::Arc, time::Duration};

use midwatch::{
    demo::serve::{Options, Served, start},
    time::{Clock as _, SystemClock},
};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

/// Command, exit code, what the output (both streams) must contain. In this order, for some change the world. `+N` instead of a
/// command lets N seconds of the world pass.
const COMMANDS: &[(&str, i32, &[&str])] = &[
    // what there is
    ("version", 0, &["Server Version: v1.33.5"]),
    ("api-resources -o name", 0, &["cronjobs.batch", "rollouts.argoproj.io", "endpointslices.discovery.k8s.io"]),
    ("api-versions", 0, &["autoscaling/v2", "kustomize.toolkit.fluxcd.io/v1", "metrics.k8s.io/v1beta1"]),
    ("get ns -o name", 0, &["namespace/production", "namespace/argocd"]),
    ("get nodes", 0, &["node-6", "Ready", "v1.33.5"]),
    ("get nodes -o wide", 0, &["containerd://2.0.5", "Ubuntu 24.04.2 LTS"]),
    ("describe node node-4", 0, &["KubeletHasInsufficientMemory", "node.kubernetes.io/memory-pressure:NoSchedule"]),
    ("get cj", 0, &["nightly-report   0 3 * * *", "Etc/UTC", "vacuum", "True"]),
    ("get cj -o wide", 0, &["registry.acme.example/report:7"]),
    ("describe cj nightly-report", 0, &["Concurrency Policy:            Forbid", "Last Schedule Time:"]),
    ("get jobs", 0, &["Complete", "1/1", "Failed", "0/1"]),
    ("get jobs -l app=nightly-report -o name", 0, &["job.batch/nightly-report-"]),
    (
        "get jobs -o jsonpath={.items[*].status.conditions[*].reason}",
        0,
        &["BackoffLimitExceeded", "CompletionsReached"],
    ),
    ("get hpa", 0, &["search", "cpu: 88%/80%", "cpu: 63%/80%"]),
    ("describe hpa search", 0, &["TooManyReplicas"]),
    ("get pdb", 0, &["myapp", "25%", "N/A", "50%"]),
    ("describe pdb postgres", 0, &["Min available:  1", "Allowed disruptions:  0"]),
    ("get svc", 0, &["ClusterIP", "8080/TCP"]),
    ("get svc web -o wide", 0, &["app=web"]),
    ("describe svc web", 0, &["Selector:", "app=web", "Endpoints:"]),
    ("get endpointslices -l kubernetes.io/service-name=web", 0, &["IPv4", "+ 5 more..."]),
    ("get ing", 0, &["shop.acme.example", "198.51.100.7", "80, 443"]),
    ("describe ing shop", 0, &["web:8080 (10.42."]),
    ("get cm", 0, &["myapp-settings", "DATA"]),
    ("get cm myapp-settings -o yaml", 0, &["jwt_login: true"]),
    ("get secrets", 0, &["postgres-credentials", "kubernetes.io/tls"]),
    ("get secrets --field-selector type=kubernetes.io/tls -o name", 0, &["secret/shop-tls"]),
    ("describe secret postgres-credentials", 0, &["password:", "bytes"]),
    ("get pvc", 0, &["data-postgres-0", "Bound", "RWO", "Pending"]),
    ("get pv", 0, &["production/data-postgres-0", "Delete"]),
    ("describe pvc data-postgres-0", 0, &["StorageClass:  fast"]),
    ("get quota", 0, &["pods: ", "/80", "limits.memory: ", "/64Gi"]),
    ("describe quota production", 0, &["requests.cpu", "40"]),
    ("describe limits defaults", 0, &["Container", "memory"]),
    ("get sa -o name", 0, &["serviceaccount/deployer"]),
    ("get crd", 0, &["rollouts.argoproj.io"]),
    ("get rollouts", 0, &["DESIRED", "UP-TO-DATE", "recommendations"]),
    ("get app -n argocd", 0, &["SYNC STATUS", "Synced", "Healthy"]),
    ("get app -n argocd -o wide", 0, &["REVISION", "5f1c2ab90d3e"]),
    ("get ks -n flux-system", 0, &["READY", "True", "Applied revision: main@sha1"]),
    ("get ro recommendations -o jsonpath={.status.message}", 0, &["CanaryPauseStep"]),
    ("get all", 0, &["pod/postgres-0", "deployment.apps/myapp", "cronjob.batch/vacuum"]),
    ("get events", 0, &["LAST SEEN"]),
    ("events --for deployment/myapp", 0, &["ScalingReplicaSet"]),
    ("top nodes", 0, &["node-1"]),
    ("top pods --sort-by=memory", 0, &["postgres-0"]),
    ("top pod postgres-0 --containers", 0, &["postgres"]),
    ("get pods --field-selector status.phase=Running,spec.nodeName=node-1 -o name", 0, &["pod/"]),
    ("get pods --field-selector status.nonsense=1", 1, &["field label not supported: status.nonsense"]),
    ("get pods -A --chunk-size=5 -o name", 0, &["pod/coredns-"]),
    ("get deploy web -o name", 0, &["deployment.apps/web"]),
    ("logs deploy/web --tail=1", 0, &["/"]),
    // who may do what
    ("auth can-i create pods/exec", 0, &["yes"]),
    ("auth can-i --list", 0, &["*.*"]),
    ("auth whoami --context prod-eu1-rita", 0, &["rita"]),
    ("auth can-i list pods -A --context prod-eu1-rita", 0, &["yes"]),
    ("auth can-i delete pods --context prod-eu1-rita", 1, &["no"]),
    ("auth can-i --list --context prod-eu1-rita", 0, &["pods.*/log", "[get list watch]"]),
    (
        "get secrets --context prod-eu1-rita",
        1,
        &[
            "secrets is forbidden: User \"rita\" cannot list resource \"secrets\" in API group \"\" in the namespace \"production\"",
        ],
    ),
    ("exec deploy/web --context prod-eu1-rita -- id", 1, &["cannot create resource \"pods/exec\""]),
    ("get pods --context prod-eu1-nils -o name", 0, &["pod/postgres-0"]),
    (
        "get nodes --context prod-eu1-nils",
        1,
        &["cannot list resource \"nodes\" in API group \"\" at the cluster scope"],
    ),
    ("get pods -n logging --context prod-eu1-nils", 1, &["in the namespace \"logging\""]),
    // inside
    ("exec deploy/web -- echo hi there", 0, &["hi there\n"]),
    ("exec postgres-0 -- cat /etc/hostname", 0, &["postgres-0\n"]),
    ("exec deploy/myapp -- env", 0, &["PORT=8080"]),
    ("exec deploy/web -- ls /etc", 0, &["hostname\nhosts\n"]),
    ("exec postgres-0 -- cat /none", 1, &["can't open '/none'", "exit code 1"]),
    ("exec postgres-0 -- psql", 1, &["executable file not found in $PATH"]),
    ("exec postgres-0 -c nobody -- id", 1, &["container nobody is not valid for pod postgres-0"]),
    // changes
    ("scale deploy/web --replicas=9", 0, &["deployment.apps/web scaled"]),
    ("rollout pause deploy/checkout", 0, &["paused"]),
    ("set image deploy/checkout checkout=registry.acme.example/checkout:2.8.1", 0, &["image updated"]),
    ("rollout history deploy/checkout", 0, &["22"]),
    ("rollout restart deploy/checkout", 1, &["can't restart paused deployment"]),
    ("rollout resume deploy/checkout", 0, &["resumed"]),
    ("rollout status deploy/payments", 0, &["successfully rolled out"]),
    ("cordon node-6", 0, &["node/node-6 cordoned"]),
    ("get node node-6", 0, &["Ready,SchedulingDisabled"]),
    ("get nodes --field-selector spec.unschedulable=true -o name", 0, &["node/node-6"]),
    ("uncordon node-6", 0, &["uncordoned"]),
    ("drain node-6 --ignore-daemonsets --dry-run=server", 0, &["node/node-6 drained (server dry run)"]),
    ("patch deploy web --subresource status --type merge -p {\"status\":{\"collisionCount\":1}}", 0, &["patched"]),
    ("patch cj nightly-report -p {\"spec\":{\"suspend\":true}}", 0, &["patched"]),
    ("get cj nightly-report --no-headers", 0, &["True"]),
    ("patch ro recommendations --type merge -p {\"spec\":{\"paused\":true}}", 0, &["patched"]),
    ("patch ro recommendations -p {\"spec\":{\"paused\":true}}", 1, &["application/merge-patch+json"]),
    ("create job --from=cronjob/nightly-report by-hand", 0, &["job.batch/by-hand created"]),
    ("+60", 0, &[]),
    ("wait job/by-hand --for=condition=complete --timeout=30s", 0, &["condition met"]),
    ("get pods -l job-name=by-hand", 0, &["0/1", "Completed"]),
    ("delete job by-hand", 0, &["deleted"]),
    (
        "patch pod postgres-0 --subresource resize -p {\"spec\":{\"containers\":[{\"name\":\"postgres\",\"resources\":{\"limits\":{\"memory\":\"3Gi\"}}}]}}",
        0,
        &["patched"],
    ),
    ("get pod postgres-0 -o jsonpath={.spec.containers[0].resources.limits.memory}", 0, &["3Gi"]),
    ("+3", 0, &[]),
    ("get pod postgres-0 -o jsonpath={.status.containerStatuses[0].resources.limits.memory}", 0, &["3Gi"]),
    (
        "patch pod postgres-0 --subresource resize -p {\"spec\":{\"containers\":[{\"name\":\"postgres\",\"resources\":{\"limits\":{\"memory\":\"1Mi\"}}}]}}",
        1,
        &["must be less than or equal to memory limit of 1Mi"],
    ),
    ("delete pod nobody", 1, &["pods \"nobody\" not found"]),
    ("wait deploy/web --for=condition=Available --timeout=30s", 0, &["condition met"]),
];

async fn served() -> Option<Served> {
    if Command::new("kubectl").args(["version", "--client"]).stdout(Stdio::null()).status().await.is_err() {
        assert_ne!(std::env::var("MIDWATCH_WITNESSES").as_deref(), Ok("required"), "witness absent: kubectl");
        println!("witness absent: kubectl");
        return None;
    }
    let wall = Arc::new(|| SystemClock.now().wall);
    let options = Options { control: true, ..Options::new(wall) };
    Some(start(options).await.unwrap())
}

/// Exit code and everything printed.
async fn kubectl(served: &Served, home: &std::path::Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new("kubectl");
    command.args(words).env("KUBECONFIG", &served.kubeconfig).env("HOME", home).env("KUBECACHEDIR", home);
    command.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(Duration::from_mins(1), command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("'kubectl {}' did not end", words.join(" "))).unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_table() {
    let Some(served) = served().await else { return };
    let home = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (line, code, wanted) in COMMANDS {
        if let Some(seconds) = line.strip_prefix('+') {
            served.advance(jiff::SignedDuration::from_secs(seconds.parse().unwrap()));
            continue;
        }
        let words: Vec<_> = line.split(' ').collect();
        let (was, text) = kubectl(&served, home.path(), &words).await;
        let missing: Vec<_> = wanted.iter().filter(|part| !text.contains(**part)).collect();
        if was != *code || !missing.is_empty() {
            wrong.push(format!("kubectl {line}\n  exit code {was}, wanted {code}; missing {missing:?} in:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(COMMANDS.len() >= 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_reads_what_is_piped_into_it() {
    let Some(served) = served().await else { return };
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("kubectl");
    command
        .args(["exec", "-i", "postgres-0", "--", "sh"])
        .env("KUBECONFIG", &served.kubeconfig)
        .env("HOME", home.path());
    command.env("NO_PROXY", "127.0.0.1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"echo from inside\nhostname\nexit 3\n").await.unwrap();
    let output = timeout(Duration::from_secs(30), child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "from inside\npostgres-0\n");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}
