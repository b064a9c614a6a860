//! B10: Jobs and init containers that may have changed the schema.

use super::*;

#[test]
fn jobs_of_the_live_version_may_have_changed_the_schema() {
    let says = |jobs: Vec<Job>| around(|found| found.jobs.found = jobs);
    let one = says(vec![job("myapp-migrate-412", LIVE, 14)]);
    assert_eq!(look(&one, "B10"), "job 'myapp-migrate-412' ran for 412, 14m ago: the schema may be ahead of rev 13");
    let running = Job { state: JobState::Running, ..job("m-2", LIVE, 16) };
    let three = says(vec![job("m-1", LIVE, 15), running, Job { state: JobState::Failed, ..job("m-3", LIVE, 14) }]);
    assert_eq!(
        look(&three, "B10"),
        "job 'm-2' runs now for 412, job 'm-3' failed for 412, 14m ago and 1 more: the schema may be ahead of rev 13"
    );
    let hook = says(vec![Job { is_hook: true, is_kin: true, ..job("pre", "reg/tool:1", 40) }]);
    assert!(look(&hook, "B10").starts_with("hook job 'pre' ran, 40m ago"), "{}", look(&hook, "B10"));
    let by_name = says(vec![Job { migrates: true, is_kin: true, ..job("schema", "reg/flyway:9", 18) }]);
    assert!(look(&by_name, "B10").starts_with("job 'schema' ran, 18m ago"));
    let by_image = says(vec![Job { migrates: true, ..job("schema", "registry.example/acme/myapp:411", 18) }]);
    assert!(look(&by_image, "B10").starts_with("job 'schema' ran, 18m ago"));
}

/// A hook of Helm has no mark of its release, and a tool's image is nobody's: whose it is, is not known.
#[test]
fn a_migration_that_nothing_ties_to_an_app_is_said_to_be_of_none_and_looked_at_while_it_runs() {
    let untied = |state| Job { migrates: true, state, ..job("schema-up", "flyway/flyway:9", 21) };
    let hook = Job { is_hook: true, ..job("pre", "reg/tool:1", 40) };
    let says = |jobs: Vec<Job>| around(|found| found.jobs.found = jobs);
    let plan = says(vec![hook.clone(), untied(JobState::Done)]);
    assert_eq!(
        not_checked(&plan, "B10"),
        "no migration job or init container of 412 in the cluster; files between the commits are not read; a migration \
         (flyway:9) ran in this namespace 21m ago, for this app or another"
    );
    let waits = not_checked(&says(vec![untied(JobState::Suspended)]), "B10");
    assert!(waits.ends_with("a migration (flyway:9) waits in this namespace, for this app or another"), "{waits}");
    assert!(!not_checked(&says(vec![hook]), "B10").contains("another"), "it may be anything");
    let own = says(vec![untied(JobState::Done), job("myapp-migrate-412", LIVE, 14)]);
    assert!(!look(&own, "B10").contains("flyway"), "{}", look(&own, "B10"));
    // Whenever the live version was made.
    for minutes in [21, 24 * 60] {
        let runs = Job { created: Some(ago(minutes)), ..untied(JobState::Running) };
        assert_eq!(
            look(&says(vec![runs]), "B10"),
            "migration 'schema-up' (flyway:9) runs in this namespace now, for this app or another: the schema may be ahead \
             of rev 13"
        );
    }
}

#[test]
fn an_image_that_is_named_after_the_apps_ties_a_migration_to_it() {
    let of = |image: &str, state| {
        let one = Job { migrates: true, state, ..job("schema-up", image, 18) };
        around(|found| found.jobs.found = vec![one])
    };
    let migrations = "registry.example/acme/myapp-migrations:412";
    assert!(look(&of(migrations, JobState::Done), "B10").starts_with("job 'schema-up' ran, 18m ago"));
    assert!(stop(&of(migrations, JobState::Running), "B10").starts_with("job 'schema-up' runs now: "));
    let admin = not_checked(&of("registry.example/acme/myapp-admin:7", JobState::Done), "B10");
    assert!(admin.ends_with("for this app or another"), "{admin}");
}

#[test]
fn a_migration_that_runs_now_is_a_stop() {
    let runs = |job: Job| around(|found| found.jobs.found = vec![Job { state: JobState::Running, ..job }]);
    let of_live = runs(Job { migrates: true, ..job("schema-412", LIVE, 1) });
    let says = "job 'schema-412' runs now for 412: a schema changed by half is nobody's version; wait for its end";
    assert_eq!(stop(&of_live, "B10"), says);
    // Of the same app by its labels, for a version that is not live yet: a hook of the deploy under way.
    let hook = Job { is_hook: true, is_kin: true, ..job("pre-413", "reg/tool:1", 1) };
    let hook = Job { created: Some(ago(0)), ..hook };
    assert!(stop(&runs(hook.clone()), "B10").starts_with("hook job 'pre-413' runs now: "));
    let done = around(|found| found.jobs.found = vec![Job { created: Some(ago(24 * 60)), ..hook.clone() }]);
    assert!(not_checked(&done, "B10").contains("no migration job"), "what is over and of another time says nothing");
    let foreign = runs(Job { is_hook: true, ..job("other", "reg/tool:1", 24 * 60) });
    assert!(not_checked(&foreign, "B10").contains("no migration job"), "another app's");
    let no_migration = runs(Job { is_kin: true, ..job("myapp-report", "reg/tool:1", 1) });
    assert!(not_checked(&no_migration, "B10").contains("no migration job"));
}

/// Kueue and others hold Jobs back: what does not run changes no schema now.
#[test]
fn a_migration_that_is_suspended_does_not_run_and_is_looked_at() {
    let waits = |job: Job| around(|found| found.jobs.found = vec![Job { state: JobState::Suspended, ..job }]);
    assert_eq!(
        look(&waits(Job { migrates: true, ..job("schema-412", LIVE, 1) }), "B10"),
        "job 'schema-412' is suspended for 412 (it runs once it is resumed): the schema may be ahead of rev 13"
    );
    // For a version that is not live yet.
    let hook = Job { is_hook: true, is_kin: true, ..job("pre-413", "reg/tool:1", 24 * 60) };
    assert!(look(&waits(hook), "B10").starts_with("hook job 'pre-413' is suspended (it"));
    let no_migration = waits(Job { is_kin: true, ..job("myapp-report", "reg/tool:1", 1) });
    assert!(not_checked(&no_migration, "B10").contains("no migration job"));
}

#[test]
fn other_jobs_say_nothing_of_the_schema() {
    let jobs = vec![
        job("another", "registry.example/acme/myapp:411", 10),
        job("foreign", "registry.example/acme/other:412", 10),
        Job { is_scheduled: true, ..job("report-1", LIVE, 5) },
        Job { is_hook: true, ..job("hook-of-yesterday", "reg/tool:1", 24 * 60) },
    ];
    let plan = around(|found| found.jobs.found = jobs);
    assert_eq!(
        not_checked(&plan, "B10"),
        "no migration job or init container of 412 in the cluster; files between the commits are not read"
    );
    let refused = around(|found| found.jobs.unread = vec!["jobs could not be read: forbidden".into()]);
    assert!(not_checked(&refused, "B10").starts_with("jobs could not be read: forbidden"));
}

#[test]
fn init_containers_that_differ_or_migrate_are_looked_at() {
    let init = |live: Option<serde_json::Value>, target: Option<serde_json::Value>| {
        with(|found| {
            for (at, container) in [(0, live), (1, target)] {
                if let Some(container) = container {
                    found.revisions[at].template["spec"]["initContainers"] = serde_json::json!([container]);
                }
            }
            found.template = found.revisions[0].template.clone();
        })
    };
    let container = |name: &str, tag: &str| serde_json::json!({"name": name, "image": format!("acme/myapp:{tag}")});
    let new = init(Some(container("db-migrate", "412")), None);
    assert_eq!(look(&new, "B10"), "init container 'db-migrate' ran in rev 14: the schema may be ahead of rev 13");
    let both = init(Some(container("flyway", "9")), Some(container("flyway", "9")));
    assert!(look(&both, "B10").contains("'flyway' runs in both"));
    let differs = init(Some(container("setup", "2")), Some(container("setup", "1")));
    assert!(look(&differs, "B10").contains("'setup' is not rev 13's"));
    let same = init(Some(container("setup", "1")), Some(container("setup", "1")));
    assert!(not_checked(&same, "B10").contains("no migration job"));
    let sidecar = serde_json::json!({"name": "proxy", "image": "acme/proxy:2", "restartPolicy": "Always"});
    assert!(not_checked(&init(Some(sidecar), None), "B10").contains("no migration job"));
}
