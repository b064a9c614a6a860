//! A resize in place against a server that has it, has it not, refuses it, or was faster.

use super::*;
use crate::{action::resize::PodResize, model::kubernetes::ObjectKey};

fn pod() -> Value {
    json!({"metadata": {"name": "web-1", "namespace": "shop", "uid": "u1"},
        "spec": {"containers": [{"name": "side"}, {"name": "app", "resources": {"limits": {"memory": "1Gi"}}}]}})
}

fn resize() -> Write {
    Write::ResizePod(PodResize {
        pod: ObjectKey { cluster: BackendId::new("c"), namespace: "shop".into(), name: "web-1".into() },
        uid: "u1".into(),
        container: "app".into(),
        index: 1,
        before: json!({"limits": {"memory": "1Gi"}}),
        after: json!({"limits": {"memory": "2Gi"}}),
    })
}

#[tokio::test]
async fn it_goes_to_the_subresource_with_its_guards() {
    let world = World::new();
    world.change(|object| *object = pod());
    let (server, operator) = operator(&world).await;
    operator.rehearse(&resize()).await.unwrap().unwrap();
    assert_eq!(*world.object.lock().unwrap(), pod(), "a rehearsal keeps nothing");
    let done = operator.execute(&resize()).await.unwrap();
    assert_eq!(done.says, "pod/web-1: 'app' is to have memory 2Gi");
    let sent = server.asked_with("PATCH", "/api/v1/namespaces/shop/pods/web-1/resize");
    let [dry, real] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((dry.query("dryRun"), real.query("dryRun")), (Some("All"), None));
    assert_eq!((real.query("fieldManager"), real.media.as_str()), (Some("midwatch"), JSON_PATCH));
    assert_eq!(real.body[0], json!({"op": "test", "path": "/metadata/uid", "value": "u1"}));
    assert_eq!(real.body[2]["value"], json!({"limits": {"memory": "1Gi"}}));
    // A second press finds it done.
    let twice = operator.execute(&resize()).await.unwrap_err();
    assert!(matches!(&twice, ActionError::Moved(says) if says.contains("it has memory 2Gi by now; nothing was sent")));
    assert_eq!(server.asked_with("PATCH", "").len(), 2);
}

#[tokio::test]
async fn every_refusal_is_told_for_what_it_is() {
    let own = "Pod \"web-1\" is invalid: spec: Invalid value: Pod QOS Class may not change as a result of resizing";
    for (code, reason, message, says) in [
        (
            403,
            "Forbidden",
            "pods \"web-1\" is forbidden: User \"x\" cannot patch resource \"pods/resize\"",
            "pods/resize",
        ),
        (404, "NotFound", "the server could not find the requested resource", "does not serve pods/resize"),
        (405, "MethodNotAllowed", "the server does not allow this method", "does not serve pods/resize"),
        (422, "Invalid", own, "Pod QOS Class may not change"),
    ] {
        let world = World::new();
        world.change(|object| *object = pod());
        *world.refusal.lock().unwrap() = Some(scripted::status(code, reason, message));
        let (_server, operator) = operator(&world).await;
        let error = operator.execute(&resize()).await.unwrap_err();
        assert!(matches!(&error, ActionError::Refused(is) if is.contains(says)), "{code}: {error:?}");
    }
    for (code, is_as_wanted) in [
        (409, (|error: &ActionError| matches!(error, ActionError::Moved(_))) as fn(&ActionError) -> bool),
        (500, |error| matches!(error, ActionError::Unknown(says) if says.contains("kubectl -n shop get pod web-1"))),
    ] {
        let world = World::new();
        world.change(|object| *object = pod());
        *world.refusal.lock().unwrap() = Some(scripted::status(code, "Other", "no"));
        let (_server, operator) = operator(&world).await;
        let error = operator.execute(&resize()).await.unwrap_err();
        assert!(is_as_wanted(&error), "{code}: {error:?}");
    }
}

#[tokio::test]
async fn whoever_was_faster_is_not_overwritten() {
    let world = World::new();
    world.change(|object| *object = pod());
    world.set_race(|object| object["spec"]["containers"][1]["resources"]["limits"]["memory"] = json!("4Gi"));
    let (_server, operator) = operator(&world).await;
    let error = operator.execute(&resize()).await.unwrap_err();
    let ActionError::Moved(says) = &error else { panic!("{error:?}") };
    assert!(says.contains("it has memory 4Gi by now; the server's guard held"), "{says}");
    // What is written another way is the same.
    world.change(|object| object["spec"]["containers"][1]["resources"]["limits"]["memory"] = json!("1024Mi"));
    let error = operator.execute(&resize()).await.unwrap_err();
    assert!(matches!(error, ActionError::Refused(_)), "the test compares letters, so the server refuses: {error:?}");
    world.change(|object| object["metadata"]["uid"] = json!("u2"));
    let error = operator.execute(&resize()).await.unwrap_err();
    assert!(matches!(&error, ActionError::Moved(says) if says.contains("made anew; nothing was sent")), "{error:?}");
}
