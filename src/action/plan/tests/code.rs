//! Pull requests and runs.

use super::*;

fn pull_request() -> PullRequestInspection {
    let key = PullRequestKey { repo: run_key().repo, number: 1487 };
    let passed = CodeCheck { name: "ci".into(), state: RunState::Success, url: None };
    PullRequestInspection {
        pull_request: PullRequest {
            key: key.clone(),
            node_id: "PR_1".into(),
            title: "JWT login".into(),
            url: "https://github.com/acme/myapp/pull/1487".into(),
            author: "alice".into(),
            is_mine: false,
            is_draft: false,
            created: None,
            updated: None,
            merged: None,
            head: "jwt".into(),
            head_sha: "aaaaaaaaaaaa".into(),
            base: "main".into(),
            additions: 10,
            deletions: 2,
            changed_files: 3,
            checks: Checks::default(),
            review: ReviewDecision::Approved,
            approvals: 1,
            asks_me: true,
            merge: MergeState::Ready,
            merge_methods: vec![MergeMethod::Squash],
            in_merge_queue: false,
            labels: Box::new([]),
            need: None,
        },
        detail: PullRequestDetail {
            key,
            head_sha: "aaaaaaaaaaaa".into(),
            body: Clean::default(),
            merge: MergeState::Ready,
            files: Vec::new(),
            files_truncated: false,
            checks: vec![passed],
            reviews: Vec::new(),
            comments: Vec::new(),
        },
        may_write: Ok(true),
    }
}

fn merge(change: impl FnOnce(&mut PullRequestInspection), settings: &Settings) -> Result<Plan, Refusal> {
    let mut found = pull_request();
    change(&mut found);
    let request = Request::Merge {
        pull_request: found.pull_request.key.clone(),
        head_sha: "aaaaaaaaaaaa".into(),
        method: MergeMethod::Squash,
    };
    asked_in(&request, Inspection::PullRequest(Box::new(found)), settings)
}

#[test]
fn merging_into_production_takes_the_number() {
    let plan = merge(|_| (), &settings()).expect("a plan");
    assert_eq!((plan.risk, plan.accepts.as_slice()), (Risk::Production, &["1487".into()][..]));
    let mut elsewhere = settings();
    elsewhere.services.clear();
    assert_eq!(merge(|_| (), &elsewhere).expect("a plan").risk, Risk::Reversible);
    let red = |found: &mut PullRequestInspection| found.detail.checks[0].state = RunState::Failure;
    assert!(stop(&merge(red, &settings()).expect("a plan"), "M4").contains("red: ci"));
    assert!(look(&merge(red, &elsewhere).expect("a plan"), "M4").contains("red: ci"));
    assert!(
        stop(&merge(|found| found.detail.merge = MergeState::Blocked, &settings()).expect("a plan"), "M2")
            .contains("blocks")
    );
    let refused = |change: &dyn Fn(&mut PullRequestInspection)| refusal(merge(change, &settings()));
    assert!(
        refused(&|found| found.detail.head_sha = "bbbbbbbbbbbb".into())
            .contains("its head is bbbbbbb now, not aaaaaaa")
    );
    assert!(refused(&|found| found.pull_request.is_draft = true).contains("draft"));
    assert!(refused(&|found| found.detail.merge = MergeState::Conflicts).contains("conflicts"));
    assert!(refused(&|found| found.pull_request.merged = Some(ago(1))).contains("merged already"));
    assert!(
        refused(&|found| found.pull_request.merge_methods = vec![MergeMethod::Rebase]).contains("allowed are rebase")
    );
    assert!(refused(&|found| found.may_write = Ok(false)).contains("may not push"));
}

#[test]
fn reviews_and_comments_need_their_texts() {
    let review = |verdict, body: &str, change: &dyn Fn(&mut PullRequestInspection)| {
        let mut found = pull_request();
        change(&mut found);
        let request = Request::Review {
            pull_request: found.pull_request.key.clone(),
            head_sha: "aaaaaaaaaaaa".into(),
            verdict,
            body: body.to_owned(),
        };
        asked(&request, Inspection::PullRequest(Box::new(found)))
    };
    assert_eq!(review(Verdict::Approve, "", &|_| ()).expect("a plan").risk, Risk::Reversible);
    assert!(refusal(review(Verdict::RequestChanges, " ", &|_| ())).contains("needs a text"));
    assert!(refusal(review(Verdict::Approve, "", &|found| found.pull_request.is_mine = true)).contains("your own"));
    assert!(refusal(review(Verdict::Approve, "", &|found| found.detail.head_sha = "b".into())).contains("moved"));
    let draft = review(Verdict::Approve, "", &|found| found.pull_request.is_draft = true).expect("a plan");
    assert!(look(&draft, "M2").contains("draft"));
    let key = pull_request().pull_request.key;
    let comment = |body: &str| {
        let request = Request::Comment { pull_request: key.clone(), body: body.to_owned() };
        asked(&request, Inspection::PullRequest(Box::new(pull_request())))
    };
    assert!(refusal(comment("\n")).contains("needs a text"));
    assert_eq!(comment("looks good").expect("a plan").steps.len(), 1);
}

#[test]
fn runs_that_deploy_take_their_number() {
    let of = |request: &Request, state: RunState, change: &dyn Fn(&mut crate::action::RunInspection)| {
        let mut found = run_inspection(state);
        change(&mut found);
        asked(request, Inspection::Run(Box::new(found)))
    };
    let again = Request::Rerun { run: run_key(), attempt: 1, only_failed: false };
    let plan = of(&again, RunState::Failure, &|_| ()).expect("a plan");
    assert_eq!((plan.risk, plan.accepts.as_slice()), (Risk::Production, &["412".into()][..]));
    assert!(look(&plan, "R2").contains("deploys 9f2c1e7 again"));
    let test = of(&again, RunState::Failure, &|found| found.run.deploys = false).expect("a plan");
    assert_eq!(test.risk, Risk::Reversible);
    assert!(refusal(of(&again, RunState::Running, &|_| ())).contains("when it has ended"));
    assert!(refusal(of(&again, RunState::Failure, &|found| found.run.attempt = 2)).contains("attempt 2 now"));
    let failed = Request::Rerun { run: run_key(), attempt: 1, only_failed: true };
    assert!(refusal(of(&failed, RunState::Success, &|_| ())).contains("no job"));
    assert!(refusal(of(&failed, RunState::Failure, &|found| found.may_write = Ok(false))).contains("actions:write"));
    let cancel = Request::Cancel { run: run_key(), attempt: 1 };
    let plan = of(&cancel, RunState::Running, &|found| found.hooks = Ok(vec!["job 'undo'".into()])).expect("a plan");
    assert!(look(&plan, "R3").contains("job 'undo'"));
    assert!(refusal(of(&cancel, RunState::Success, &|_| ())).contains("ended already"));
    let half = of(&cancel, RunState::Running, &|found| found.run.stage = Some("db migrate".into())).expect("a plan");
    assert!(stop(&half, "R4").contains("half a schema"));
}
