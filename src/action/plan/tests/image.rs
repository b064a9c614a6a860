//! B11: what pods, nodes and the registry say of the target's image.

use std::collections::BTreeSet;

use super::*;
use crate::{
    action::{
        WorkloadInspection,
        registry::{Asked, Registered},
        testing::image_of,
    },
    model::{Name, image::ImageRef},
};

fn digest(digits: &str) -> Name {
    Clean::line(&format!("sha256:{}", digits.repeat(64 / digits.len())))
}

fn there(digest: &Name) -> Registered {
    Registered::There { digest: digest.clone(), parts: BTreeSet::new() }
}

/// The check's result where the registry says this of the target, 411.
fn b11(said: Result<Registered, Clean>, change: impl FnOnce(&mut WorkloadInspection)) -> CheckResult {
    of(image_of("411"), said, change)
}

fn of(image: ImageRef, said: Result<Registered, Clean>, change: impl FnOnce(&mut WorkloadInspection)) -> CheckResult {
    let mut found = inspection();
    change(&mut found);
    let mut evidence = evidence(&roll_back(Some(13)), found);
    evidence.registry = vec![Asked { image, said }];
    let plan = plan(&roll_back(Some(13)), &evidence, &store(Vec::new()), &settings(), now()).expect("a plan");
    result(&plan, "B11").clone()
}

/// No pod of the target is left, and so many of nine nodes hold it.
fn held_by(count: usize) -> impl FnOnce(&mut WorkloadInspection) {
    move |found| {
        found.pods.retain(|pod| pod.hash.as_deref() == Some("hash412"));
        let mut held = nodes(count, &["411", "412"]);
        (count..9).for_each(|_| held.add_node(&[vec![image_of("412")]]));
        found.image_nodes = Ok(held);
    }
}

fn says(result: &CheckResult) -> &str {
    match result {
        CheckResult::Ok(says) | CheckResult::Look(says) | CheckResult::Stop(says) | CheckResult::NotChecked(says) => {
            says
        }
        CheckResult::Pending => "pending",
    }
}

#[test]
fn the_digest_that_ran_is_in_the_registry() {
    let running = b11(Ok(there(&digest_of("411"))), |_| ());
    let CheckResult::Ok(words) = &running else { panic!("{running:?}") };
    assert_eq!(words.as_str(), format!("@{} in the registry, runs now in 4 ready pods", short("411")));
    let on_nodes = b11(Ok(there(&digest_of("411"))), held_by(3));
    assert!(
        matches!(&on_nodes, CheckResult::Ok(says) if says.ends_with("in the registry, on 3 of 9 nodes")),
        "{on_nodes:?}"
    );
    // Where nodes may not be read, pods still know the digest, and the registry has it.
    let unread = b11(Ok(there(&digest_of("411"))), |found| {
        found.image_nodes = Err("nodes are forbidden".into());
        found.pods.iter_mut().for_each(|pod| pod.is_ready = false);
    });
    assert!(matches!(&unread, CheckResult::Ok(says) if says.ends_with("in the registry")), "{unread:?}");
}

fn short(tag: &str) -> String {
    crate::model::kubernetes::short_digest(&digest_of(tag)).to_owned()
}

#[test]
fn an_index_is_the_same_by_any_of_its_images() {
    let parts = [digest("b"), digest_of("411")].into();
    let index = Ok(Registered::There { digest: digest("a"), parts });
    let same = b11(index, held_by(3));
    assert!(matches!(&same, CheckResult::Ok(says) if *says == "@aaaaaa in the registry, on 3 of 9 nodes"), "{same:?}");
}

#[test]
fn a_moved_tag_stops() {
    for change in [held_by(3), held_by(9)] {
        let moved = b11(Ok(there(&digest("a"))), change);
        let CheckResult::Stop(words) = &moved else { panic!("{moved:?}") };
        assert!(words.starts_with("the tag was moved: 'registry.example/acme/myapp:411' now means @aaaaaa"), "{words}");
        assert!(words.ends_with(&format!("the one that ran was @{}", short("411"))), "{words}");
    }
    // A rollback that was rolled away from once is stopped by it as well.
    let short_run = b11(Ok(there(&digest("a"))), |found| found.revisions[1].created = Some(ago(20)));
    assert!(matches!(short_run, CheckResult::Stop(_)), "{short_run:?}");
}

#[test]
fn where_it_is_not_known_which_one_ran_nothing_is_ok() {
    let unknown = b11(Ok(there(&digest("a"))), held_by(0));
    assert!(matches!(&unknown, CheckResult::Look(says) if says.contains("neither pods nor nodes know")), "{unknown:?}");
    let several = b11(Ok(there(&digest("a"))), |found| {
        held_by(3)(found);
        let name = ImageRef { tag: None, digest: Some(digest("a")), ..image_of("411") };
        let Ok(held) = &mut found.image_nodes else { panic!("unread") };
        held.add_node(&[vec![image_of("411"), name]]);
    });
    assert!(matches!(&several, CheckResult::Look(says) if says.contains("by 2 digests")), "{several:?}");
}

#[test]
fn what_is_gone_from_the_registry_stops_unless_nodes_have_it() {
    let nowhere = b11(Ok(Registered::Gone), held_by(0));
    assert!(matches!(&nowhere, CheckResult::Stop(says) if says.ends_with("no pod of it could start")), "{nowhere:?}");
    let somewhere = b11(Ok(Registered::Gone), held_by(3));
    assert!(matches!(&somewhere, CheckResult::Look(says) if says.contains("on 3 of 9 nodes")), "{somewhere:?}");
    let unread = b11(Ok(Registered::Gone), |found| {
        held_by(3)(found);
        found.image_nodes = Err("nodes are forbidden".into());
    });
    assert!(matches!(&unread, CheckResult::Look(says) if says.contains("nodes are forbidden")), "{unread:?}");
}

/// A node lists its fifty largest images.
#[test]
fn of_nodes_that_list_no_more_nobody_says_that_none_holds_it() {
    let cut = |count| {
        move |found: &mut WorkloadInspection| {
            held_by(count)(found);
            let Ok(held) = &mut found.image_nodes else { panic!("unread") };
            held.cut = 2;
        }
    };
    let gone = b11(Ok(Registered::Gone), cut(0));
    let why = "whether nodes hold it is not known: 2 of 9 nodes list only the 50 largest of their images";
    assert!(matches!(&gone, CheckResult::Look(says) if says.ends_with(why)), "{gone:?}");
    let plan = with(cut(0));
    assert!(
        matches!(result(&plan, "B11"), CheckResult::NotChecked(says) if says.contains(why) && says.ends_with("not configured")),
        "{plan:?}"
    );
    let there = b11(Ok(there(&digest_of("411"))), cut(0));
    assert!(!says(&there).contains("on no node"), "{there:?}");
    let held = with(cut(3));
    assert!(matches!(result(&held, "B11"), CheckResult::Ok(says) if says.ends_with("on 3 of 9 nodes")), "{held:?}");
}

#[test]
fn a_registry_that_does_not_answer_is_a_look_with_its_reason() {
    let silent = || Err("registry 'registry.example' does not answer: connection refused".into());
    let held = b11(silent(), held_by(3));
    let CheckResult::Look(words) = &held else { panic!("{held:?}") };
    assert!(words.contains("on 3 of 9 nodes; not checked: registry 'registry.example' does not answer"), "{words}");
    let unread = b11(silent(), |found| {
        held_by(3)(found);
        found.image_nodes = Err("nodes are forbidden".into());
    });
    assert!(
        matches!(&unread, CheckResult::Look(says) if says.contains("forbidden; not checked: registry")),
        "{unread:?}"
    );
    assert!(!says(&unread).contains("not configured"), "{unread:?}");
}

#[test]
fn without_a_registry_only_what_nodes_leave_open_names_it() {
    let plan = with(|found| {
        held_by(3)(found);
        found.image_nodes = Err("nodes are forbidden".into());
    });
    let CheckResult::NotChecked(words) = result(&plan, "B11") else { panic!("{plan:?}") };
    assert!(words.ends_with("nodes are forbidden; registry 'registry.example' is not configured"), "{words}");
    let held = with(held_by(3));
    assert!(!says(result(&held, "B11")).contains("registry"), "{held:?}");
}

#[test]
fn a_tag_that_moves_is_compared_with_today_and_stays_a_look() {
    let name = "registry.example/acme/myapp:stable";
    let change = |found: &mut WorkloadInspection| {
        found.revisions[1].template["spec"]["containers"][0]["image"] = name.into();
    };
    let ask = |said| of(ImageRef::parse(name).expect("a name"), said, change);
    let same = ask(Ok(there(&digest_of("411"))));
    assert!(matches!(&same, CheckResult::Look(says) if says.ends_with(", the one that ran")), "{same:?}");
    let other = ask(Ok(there(&digest("a"))));
    assert!(
        matches!(&other, CheckResult::Look(says) if says.contains("today it means @aaaaaa, the one that ran was @")),
        "{other:?}"
    );
    let silent = ask(Err("no answer".into()));
    assert!(matches!(&silent, CheckResult::Look(says) if says.ends_with("not checked: no answer")), "{silent:?}");
    // A word on another image is no word on this one.
    let foreign = of(image_of("411"), Ok(there(&digest("a"))), change);
    assert!(matches!(&foreign, CheckResult::Look(says) if says.contains("may pull another image")), "{foreign:?}");
}

/// What was made before it is live: somebody went back.
fn left_behind(found: &mut WorkloadInspection) {
    found.revisions[1].created = Some(ago(5));
}

#[test]
fn what_was_rolled_away_from_is_said_whatever_its_name_means() {
    let named = |name: &'static str| {
        move |found: &mut WorkloadInspection| {
            left_behind(found);
            found.revisions[1].template["spec"]["containers"][0]["image"] = name.into();
        }
    };
    for (name, then) in [
        ("registry.example/acme/myapp:stable", "'registry.example/acme/myapp:stable' is a tag that moves"),
        ("registry.example/acme/myapp:412", "the image stays 'registry.example/acme/myapp:412'"),
    ] {
        let result = of(ImageRef::parse(name).expect("a name"), Err("no answer".into()), named(name));
        let CheckResult::Look(says) = &result else { panic!("{result:?}") };
        assert!(says.starts_with(&format!("known bad: somebody rolled away from it; {then}")), "{says}");
    }
    let gone = b11(Ok(Registered::Gone), |found| {
        held_by(0)(found);
        left_behind(found);
    });
    let CheckResult::Stop(says) = &gone else { panic!("{gone:?}") };
    assert!(says.ends_with("no pod of it could start; known bad: somebody rolled away from it"), "{says}");
}
