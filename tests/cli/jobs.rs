//! A rollback that a Jenkins job carries out, by the program itself: looked at, planned, started, followed to the pods.

use super::*;

const TARGET: [&str; 7] = ["rollback", "deploy/myapp", "-n", "staging", "--context", "staging-eu1", "--json"];

/// The plan, or the act, of staging's myapp.
fn rollback(bench: &Bench, args: &[&str]) -> Value {
    bench.json(&[&TARGET, args].concat())
}

fn executor(answer: &Value) -> String {
    let checks = answer["plan"]["checks"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    checks.iter().find(|check| check["name"] == "executor").unwrap().to_string()
}

#[test]
fn a_job_of_the_demos_jenkins_rolls_a_service_back() {
    let bench = Bench { world: World::start(&["--speed", "20"]), home: tempfile::tempdir().unwrap() };
    let planned = rollback(&bench, &["--dry-run"]);
    let says = executor(&planned);
    assert!(says.contains("by job staging/deploy-myapp of 'jenkins'"), "{says}");
    let steps = planned["plan"]["steps"].to_string();
    assert!(steps.contains("run Jenkins job staging/deploy-myapp with TAG=410"), "{steps}");
    let line = planned["plan"]["equivalent"][0].as_str().unwrap();
    assert!(
        line.contains("$JENKINS_TOKEN") && line.contains("/job/staging/job/deploy-myapp/buildWithParameters"),
        "{line}"
    );
    let blocked = rollback(&bench, &["--dry-run", "--read-only"]);
    assert!(blocked["plan"]["blocked"].as_str().unwrap().starts_with("read-only"), "{blocked:#}");

    let value = planned["plan"]["accepts"][0].as_str().unwrap_or("y");
    let done = rollback(&bench, &["--confirm", value, "--name", "myapp", "--reason", "the job is tried"]);
    assert_eq!(done["exit"], 0, "{done:#}");
    let act = done["act"].to_string();
    assert!(act.contains("queued as item ") && act.contains("ended: SUCCESS; 410 2/2 ready"), "{act}");
}

#[test]
fn without_its_jenkins_nothing_is_sent_and_the_doctor_says_why() {
    let bench = Bench::still();
    let doctor = |words: &str| {
        let text = both(&bench.run(&["doctor"]));
        assert!(text.contains("jenkins (Jenkins)") && text.contains(words), "{text}");
    };
    doctor("2.516.3, as 'ana'");
    bench.world.backend("jenkins", "html");
    doctor("did not answer '/whoAmI/api/json' itself (200)");
    let planned = rollback(&bench, &["--dry-run"]);
    let says = executor(&planned);
    assert!(says.contains("none of its executors can (job staging/deploy-myapp: Jenkins 'jenkins' did not"), "{says}");
}
