//! Rollbacks that a Jenkins job carries out: looked at before, started, followed, and watched until the pods are there.

use super::*;
use crate::{
    action::{
        executor::Executor,
        jobs::{BuildStage, JobInspection, Parameter},
        testing::{FakeJenkins, deploy, digest_of},
    },
    config::file,
    model::{jenkins::JenkinsJob, kubernetes::short_digest},
    operator::jenkins::JenkinsOperator,
    source::{jenkins::Jenkins, kubernetes::tests::on_demo},
    time::SystemClock,
};

const PASSED: [(BuildStage, &str); 3] = [
    (BuildStage::Queued, "queued: Waiting for an executor"),
    (BuildStage::Running, "build #12 runs"),
    (BuildStage::Passed, "build #12 ended: SUCCESS"),
];

/// A bench whose service is rolled back by the job, else by a patch.
fn bench(jenkins: &FakeJenkins) -> Bench {
    let mut bench = Bench::new();
    let executors = ["job:deploy?TAG={tag}", "patch"];
    let executors = executors.map(|text| Executor::parse_among(text, &["ci"]).expect("one"));
    bench.settings.services[0].rollback = executors.to_vec();
    bench.engine.add_jobs(Arc::new(jenkins.clone()));
    bench.engine.add_operator(Arc::new(jenkins.clone()));
    bench
}

fn executor(plan: &Plan) -> String {
    let check = plan.checks.iter().find(|check| check.name == "executor").expect("it is said");
    format!("{:?}", check.result)
}

fn last(act: &Act) -> &StepState {
    &act.steps.last().expect("it is watched").1
}

#[tokio::test]
async fn a_job_is_started_once_and_followed_until_the_pods_run_its_version() {
    let fake = FakeCluster::new(inspection());
    let of_job = fake.clone();
    let does = move || of_job.with(|cluster| cluster.become_template(template_of("411", "512Mi", "info")));
    let jenkins = FakeJenkins::new(&PASSED, does);
    let mut bench = bench(&jenkins);
    bench.engine.add_inspector(Arc::new(fake.clone()));
    bench.engine.add_operator(Arc::new(fake.clone()));
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(plan.steps.iter().any(|step| step.says == *"run Jenkins job deploy with TAG=411"), "{:?}", plan.steps);
    assert!(executor(&plan).contains("by job deploy of 'ci'") && executor(&plan).contains("(Job/Build)"));
    let line = "curl -fsS -X POST -u ana:\"$JENKINS_TOKEN\" --data-urlencode TAG=411 \
                https://ci.example.com/job/deploy/buildWithParameters";
    assert_eq!(plan.equivalent, [line]);
    assert_eq!(plan.undo, "R to rev 14: the same job the other way");
    let act = bench.execute(plan).await.expect("carried out");
    let sent = jenkins.sent.lock().expect("unpoisoned").clone();
    let [Write::StartJob { job, parameters }] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((job.name.as_str(), parameters["TAG"].as_str(), fake.sent()), ("deploy", "411", vec![]));
    let StepState::Done(says) = last(&act) else { panic!("{act:?}") };
    assert!(says.contains("build #12 ended: SUCCESS; 411 10/10 ready"), "{says}");
    assert_eq!((act.outcome, act.can_undo), (Outcome::Done, false), "U has no patch to send back");
}

/// Its tag may have been moved: the version to go back to names its digest.
#[tokio::test]
async fn pods_that_a_job_brings_to_another_digest_of_the_tag_are_not_its_version() {
    for (digest, is_there) in [("411", true), ("999", false)] {
        let template = |digest: &str| template_of(&format!("411@{}", digest_of(digest)), "512Mi", "info");
        let fake = FakeCluster::new(inspection());
        fake.with(|cluster| cluster.found.revisions[1].template = template("411"));
        let of_job = fake.clone();
        let does = move || {
            of_job.with(|cluster| {
                cluster.become_template(template(digest));
                let containers = cluster.found.pods.iter_mut().flat_map(|pod| &mut pod.containers);
                let image = format!("registry.example/acme/myapp:411@{}", digest_of(digest));
                containers.for_each(|one| one.image = Clean::line(&image));
            });
        };
        let mut bench = bench(&FakeJenkins::new(&PASSED, does));
        bench.engine.add_inspector(Arc::new(fake.clone()));
        bench.engine.add_operator(Arc::new(fake.clone()));
        watches_for(&mut bench, 200);
        let act = bench.act(&roll_back(None)).await.expect("carried out");
        let words = format!("{} {}/10 ready", short_digest(&digest_of("411")), if is_there { 10 } else { 0 });
        assert!(format!("{:?}", last(&act)).contains(&words), "{digest}: {:?}", last(&act));
    }
}

fn watches_for(bench: &mut Bench, milliseconds: u64) {
    let inner = Arc::get_mut(&mut bench.engine.0).expect("nothing runs yet");
    inner.pace.watch = Duration::from_millis(milliseconds);
}

/// It may test for long before it touches a pod.
#[tokio::test]
async fn a_build_that_runs_on_is_followed_to_its_end() {
    let runs = [(BuildStage::Running, "build #12 runs"); 250];
    let ends = [(BuildStage::Failed, "build #12 ended: FAILURE")];
    let jenkins = FakeJenkins::new(&[&runs[..], &ends[..]].concat(), || ());
    let mut bench = bench(&jenkins);
    // A look takes a millisecond at least.
    watches_for(&mut bench, 200);
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let StepState::Refused(says) = last(&act) else { panic!("{act:?}") };
    assert!(says.starts_with("build #12 ended: FAILURE"), "{says}");
}

/// However well the pods are: what a job's last steps do may take it back.
#[tokio::test]
async fn a_build_that_fails_is_no_rollback_that_arrived() {
    let jenkins = FakeJenkins::new(&[(BuildStage::Failed, "build #12 ended: FAILURE")], || ());
    let mut bench = bench(&jenkins);
    let act = bench.act(&roll_back(None)).await.expect("carried out");
    let StepState::Refused(says) = last(&act) else { panic!("{act:?}") };
    assert!(says.starts_with("build #12 ended: FAILURE; 411 4/10 ready"), "{says}");
    let past = audit::acts(&bench.records()).remove(0).shown(&"ana@laptop".into(), now().wall);
    assert_eq!((act.outcome, act.word(), past.word()), (Outcome::Done, "not there", "not there"));
    let jenkins = FakeJenkins::new(&PASSED[..1], || ());
    let mut waiting = self::bench(&jenkins);
    watches_for(&mut waiting, 20);
    let act = waiting.act(&roll_back(None)).await.expect("carried out");
    let StepState::Unknown(says) = last(&act) else { panic!("{act:?}") };
    assert!(says.contains("queued: Waiting for an executor"), "it says why it waits: {says}");
}

#[tokio::test]
async fn a_job_that_cannot_be_started_leaves_it_to_the_next_and_says_why() {
    let choices = vec![Parameter { name: "TAG".into(), choices: vec!["409".into()] }];
    let other = vec![Parameter { name: "VERSION".into(), choices: Vec::new() }];
    for (job, words) in [
        (Ok(JobInspection { is_buildable: false, ..deploy() }), "job deploy: it is disabled"),
        (Ok(JobInspection { parameters: choices, ..deploy() }), "'411' is not among the choices"),
        (Ok(JobInspection { parameters: other, ..deploy() }), "it has no parameter 'TAG'"),
        (Err("has no job 'deploy'".into()), "job deploy: has no job 'deploy'"),
    ] {
        let jenkins = FakeJenkins { job, ..FakeJenkins::new(&PASSED, || ()) };
        let plan = bench(&jenkins).plan(&roll_back(None)).await.expect("a plan");
        assert!(
            executor(&plan).starts_with("Look(\"by patch (") && executor(&plan).contains(words),
            "{words}: {plan:?}"
        );
    }
    let busy = JobInspection { busy: Some("its build #11 runs".into()), ..deploy() };
    let jenkins = FakeJenkins { job: Ok(busy), ..FakeJenkins::new(&PASSED, || ()) };
    let plan = bench(&jenkins).plan(&roll_back(None)).await.expect("a plan");
    assert!(
        executor(&plan).contains("by job") && executor(&plan).contains("its build #11 runs"),
        "{}",
        executor(&plan)
    );
}

#[tokio::test]
async fn read_only_plans_it_and_sends_nothing() {
    let jenkins = FakeJenkins::new(&PASSED, || ());
    let mut bench = bench(&jenkins);
    bench.settings.read_only = Some("--read-only".into());
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(plan.steps.iter().any(|step| step.says.starts_with("run Jenkins job")), "{:?}", plan.steps);
    assert!(plan.blocked.as_ref().is_some_and(|why| why.contains("read-only")), "{:?}", plan.blocked);
    // One Jenkins alone may be read-only: the next executor takes its place.
    bench.settings.read_only = None;
    bench.settings.read_only_backends.insert(BackendId::new("ci"), "'ci' is read-only by configuration".into());
    let plan = bench.plan(&roll_back(None)).await.expect("a plan");
    assert!(executor(&plan).contains("job deploy: 'ci' is read-only"), "{}", executor(&plan));
}

/// The demo's Jenkins, over its own wire: from the queue to the pods.
#[tokio::test]
async fn the_demos_jenkins_runs_its_job() {
    let demo = on_demo::served().await;
    let token = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(token.path(), &demo.jenkins.token).expect("it is written");
    let config = file::Jenkins {
        name: "ci".to_owned(),
        url: demo.jenkins.url.clone(),
        user: Some("ana".to_owned()),
        token: Some(file::Token::File(token.path().to_owned())),
        ..Default::default()
    };
    let server = Arc::new(Jenkins::new(config, file::Timeouts::default(), Arc::new(SystemClock)));
    let says = server.check().await.expect("it answers");
    assert!(says.ends_with(", as 'ana'"), "{says}");
    let name = "staging/deploy-myapp";
    let job = JenkinsJob { server: server.id().clone(), name: name.into() };
    let start = Write::StartJob { job, parameters: BTreeMap::from([("TAG".to_owned(), "410".to_owned())]) };
    let operator = JenkinsOperator::new(server.clone());
    let done = operator.execute(&start).await.expect("queued");
    let item = done.reference.expect("an item");
    assert_eq!(server.build(name, &item).await.expect("it waits").stage, BuildStage::Queued);
    assert!(server.job(name).await.expect("it is there").busy.is_some());
    let again = operator.execute(&start).await.expect("merged");
    assert_eq!((again.reference.as_ref(), again.says.contains("already")), (Some(&item), true), "{}", again.says);
    demo.advance(jiff::SignedDuration::from_secs(5));
    assert_eq!(server.build(name, &item).await.expect("it runs").stage, BuildStage::Running);
    demo.advance(jiff::SignedDuration::from_secs(120));
    let build = server.build(name, &item).await.expect("it ended");
    assert_eq!((build.stage, build.says.as_str()), (BuildStage::Passed, "build #88 ended: SUCCESS"));
    // The queue forgets it: the build knows.
    demo.advance(jiff::SignedDuration::from_secs(400));
    assert_eq!(server.build(name, &item).await.expect("it is found").stage, BuildStage::Passed);
    let image = crate::demo::world::lock(&demo.world).clusters[1].image("staging", "myapp");
    assert_eq!(image.as_deref(), Some("registry.acme.example/myapp:410"));
    demo.stop().await;
}
