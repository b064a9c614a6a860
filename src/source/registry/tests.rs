//! The client against servers that answer as told.

use std::{sync::Mutex, time::Instant};

use super::*;
use crate::{
    action::Registry as _,
    config::file::Token,
    source::http::fake::{Asked, Behaviour, Fake, answer},
    time::SystemClock,
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const PATH: &str = "/v2/acme/api/manifests/1";

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Behaviour {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Behaviour::Answer { status, headers, body: body.to_owned() }
}

/// A HEAD's answer: no body, and no length of one.
fn head(kind: &str, digest: &str) -> Behaviour {
    reply(200, &[("content-type", kind), ("docker-content-digest", digest)], "")
}

fn unknown() -> Behaviour {
    answer(404, "application/json", r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#)
}

fn challenge(realm: &str) -> Behaviour {
    let value = format!(r#"Bearer realm="{realm}",service="reg.example",scope="repository:acme/api:pull,push""#);
    reply(401, &[("www-authenticate", &value)], r#"{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}"#)
}

fn config(url: &str) -> file::Registry {
    file::Registry { host: "reg.example".to_owned(), url: Some(url.to_owned()), ..file::Registry::default() }
}

fn registry(config: file::Registry) -> Registry {
    let timeouts = Timeouts { connect: 1, idle: 1, answer: 1, list: 1, command: 5 };
    Registry::new(config, timeouts, Arc::new(SystemClock))
}

fn with_login(url: &str, user: Option<&str>, password: &str) -> file::Registry {
    let token = Token::Command(vec!["/bin/echo".to_owned(), password.to_owned()]);
    file::Registry { token: Some(token), user: user.map(str::to_owned), ..config(url) }
}

async fn look(registry: &Registry, known: &[&str]) -> Result<Registered, String> {
    let known = known.iter().map(|digest| Clean::line(digest)).collect();
    let image = ImageRef::parse("reg.example/acme/api:1").unwrap();
    registry.look(&image, &known).await.map_err(|says| says.to_string())
}

/// What is said where everything is answered so.
async fn said(behave: impl Fn(&Asked) -> Behaviour + Send + Sync + 'static) -> Result<Registered, String> {
    let server = Fake::start(behave).await;
    look(&registry(config(&server.url)), &[]).await
}

fn there(digest: &str) -> Registered {
    Registered::There { digest: Clean::line(digest), parts: BTreeSet::new() }
}

fn basic(pair: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

#[tokio::test]
async fn a_head_with_all_kinds_of_manifest_is_enough() {
    let server = Fake::start(|_| head(MANIFEST, &digest('a'))).await;
    let known = digest('b');
    assert_eq!(look(&registry(config(&server.url)), &[&known]).await, Ok(there(&digest('a'))));
    let [asked] = &server.asked()[..] else { panic!("{:?}", server.asked()) };
    assert!(asked.is("HEAD", PATH) && asked.header("authorization").is_none(), "{asked:?}");
    for kind in [MANIFEST, INDEX, "docker.distribution.manifest.list.v2", "docker.distribution.manifest.v2"] {
        assert!(asked.header("accept").unwrap().contains(kind), "{asked:?}");
    }
}

#[tokio::test]
async fn an_index_is_read_only_where_its_own_digest_tells_nothing() {
    let body = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"digest":"{}"}},{{"digest":"sha256:no"}}]}}"#,
        digest('b')
    );
    let behave = move |asked: &Asked| match asked.method.as_str() {
        "HEAD" => head(INDEX, &digest('a')),
        _ => reply(200, &[("content-type", INDEX), ("docker-content-digest", &digest('a'))], &body),
    };
    let server = Fake::start(behave).await;
    let registry = registry(config(&server.url));
    assert_eq!(look(&registry, &[&digest('a')]).await, Ok(there(&digest('a'))));
    assert_eq!(server.asked().len(), 1);
    let read = Registered::There { digest: Clean::line(&digest('a')), parts: [Clean::line(&digest('b'))].into() };
    assert_eq!(look(&registry, &[&digest('b')]).await, Ok(read));
}

#[tokio::test]
async fn without_the_digests_header_the_very_bytes_are_hashed() {
    // `printf '{"schemaVersion":2,"config":{}}' | sha256sum`
    const DIGEST: &str = "sha256:fc6b27d31f093fca2791259bc5f1f885b0616677300f02a729ff7a782d4325fc";
    let body = r#"{"schemaVersion":2,"config":{}}"#;
    let found = said(move |asked| match asked.method.as_str() {
        "HEAD" => reply(200, &[("content-type", MANIFEST)], ""),
        _ => reply(200, &[("content-type", MANIFEST)], body),
    })
    .await;
    assert_eq!(found, Ok(there(DIGEST)));
    let no_head = said(move |asked| match asked.method.as_str() {
        "HEAD" => reply(405, &[], ""),
        _ => reply(200, &[("content-type", MANIFEST)], body),
    });
    assert_eq!(no_head.await, Ok(there(DIGEST)));
}

#[tokio::test]
async fn only_a_registrys_own_word_makes_an_image_gone() {
    assert_eq!(said(|_| unknown()).await, Ok(Registered::Gone));
    let nameless = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}"#;
    assert_eq!(said(|_| answer(404, "application/json", nameless)).await, Ok(Registered::Gone));
    for body in ["", "404 page not found", "{}", r#"{"errors":[]}"#, r#"{"errors":[{"code":"DENIED"}]}"#, "<html>"] {
        let says = said(|_| answer(404, "application/json", body)).await.unwrap_err();
        assert!(says.contains("is its `url` right?"), "{body}: {says}");
    }
    for page in ["<html>It works!</html>", r#"{"hello":1}"#, r#"{"schemaVersion":1,"name":"a"}"#] {
        let says = said(|_| answer(200, "text/plain", page)).await.unwrap_err();
        assert!(says.contains("is no manifest"), "{page}: {says}");
    }
}

#[tokio::test]
async fn the_token_dance_asks_another_server_for_pulling_alone() {
    let tokens = Fake::start(|_| answer(200, "application/json", r#"{"access_token":"granted-for-a-minute"}"#)).await;
    let realm = format!("{}/token?account=ci", tokens.url);
    let server = Fake::start(move |asked| match asked.header("authorization") {
        Some("Bearer granted-for-a-minute") => head(MANIFEST, &digest('a')),
        None => challenge(&realm),
        other => panic!("{other:?}"),
    })
    .await;
    assert_eq!(look(&registry(config(&server.url)), &[]).await, Ok(there(&digest('a'))));
    assert_eq!(
        look(&registry(with_login(&server.url, Some("ana"), "hunter22-pull")), &[]).await,
        Ok(there(&digest('a')))
    );
    let asked = tokens.asked();
    let query = "/token?account=ci&service=reg.example&scope=repository%3Aacme%2Fapi%3Apull";
    assert!(asked.iter().all(|one| one.path == query), "{asked:?}");
    assert_eq!(asked[0].header("authorization"), None);
    assert_eq!(asked[1].header("authorization"), Some(&*basic("ana:hunter22-pull")));
    // The password itself never reached the registry.
    assert!(server.asked().iter().all(|one| one.header("authorization") != asked[1].header("authorization")));
}

#[tokio::test]
async fn a_basic_challenge_is_answered_at_once() {
    let expected = basic("AWS:twelve-hours");
    let server = Fake::start(move |asked| match asked.header("authorization") {
        Some(given) if given == expected => head(MANIFEST, &digest('a')),
        _ => reply(401, &[("www-authenticate", "Basic realm=\"ecr\"")], ""),
    })
    .await;
    assert_eq!(
        look(&registry(with_login(&server.url, Some("AWS"), "twelve-hours")), &[]).await,
        Ok(there(&digest('a')))
    );
    let says = look(&registry(config(&server.url)), &[]).await.unwrap_err();
    assert!(says.contains("asks for a user and a password: give its [[registry]] a `user`"), "{says}");
}

#[tokio::test]
async fn a_token_without_a_user_is_for_the_registry_itself() {
    let server = Fake::start(move |asked| match asked.header("authorization") {
        Some("Bearer its-own-token") => head(MANIFEST, &digest('a')),
        _ => challenge("http://127.0.0.1:1/token"),
    })
    .await;
    assert_eq!(look(&registry(with_login(&server.url, None, "its-own-token")), &[]).await, Ok(there(&digest('a'))));
}

#[tokio::test]
async fn what_is_refused_after_the_dance_is_said_and_not_tried_again() {
    for (status, words) in [(401, "refused who we are (401)"), (403, "does not allow")] {
        let tokens = Fake::start(|_| answer(200, "application/json", r#"{"token":"weak-token-1"}"#)).await;
        let realm = format!("{}/token", tokens.url);
        let server = Fake::start(move |asked| match asked.header("authorization") {
            None => challenge(&realm),
            Some(_) => reply(status, &[("www-authenticate", "Bearer realm=\"http://127.0.0.1:1/\"")], ""),
        })
        .await;
        let says = look(&registry(with_login(&server.url, Some("ana"), "hunter22-no")), &[]).await.unwrap_err();
        assert!(says.starts_with("registry 'reg.example'") && says.contains(words), "{says}");
        assert_eq!((server.asked().len(), tokens.asked().len()), (2, 1), "{status}");
    }
    let tokens = Fake::start(|asked| {
        let says =
            format!(r#"{{"errors":[{{"message":"no such user: {}"}}]}}"#, asked.header("authorization").unwrap());
        answer(401, "application/json", &says)
    })
    .await;
    let realm = format!("{}/token", tokens.url);
    let server = Fake::start(move |_| challenge(&realm)).await;
    let says = look(&registry(with_login(&server.url, Some("ana"), "hunter22-told")), &[]).await.unwrap_err();
    assert!(says.starts_with("the token server of registry 'reg.example' refused who we are (401)"), "{says}");
    assert!(says.contains("no such user: Basic [masked]"), "{says}");
    for granted in ["{}", r#"{"token":""}"#, "<html>", r#"{"token":7}"#] {
        let tokens = Fake::start(move |_| answer(200, "application/json", granted)).await;
        let realm = format!("{}/token", tokens.url);
        let says = said(move |_| challenge(&realm)).await.unwrap_err();
        assert!(says.starts_with("the token server of"), "{granted}: {says}");
    }
}

#[tokio::test]
async fn no_token_server_is_asked_in_the_clear_unless_the_registry_is_here() {
    for realm in
        ["http://auth.example/token", "ftp://127.0.0.1/token", "file:///etc/passwd", "javascript:0", "token", ""]
    {
        let says = said(move |_| challenge(realm)).await.unwrap_err();
        assert!(says.contains("sends for a token to"), "{realm}: {says}");
    }
    // A registry that is elsewhere sends nobody to a server of this computer.
    let far = registry(config("https://reg.example"));
    let here = url::Url::parse("http://127.0.0.1:5000/token").unwrap();
    assert!(Session::new(&far).unwrap().may_be_asked(&here, "sends").is_err());
    let plain = registry(config("http://reg.example"));
    let may = |url: &str| Session::new(&plain).unwrap().may_be_asked(&url::Url::parse(url).unwrap(), "x").is_ok();
    assert!(may("http://reg.example:5001/token") && may("https://auth.example/token"));
    assert!(!may("http://127.0.0.1/token") && !may("http://auth.example/token"));
}

#[tokio::test]
async fn a_redirect_takes_no_login_along() {
    let storage = Fake::start(|_| head(MANIFEST, &digest('a'))).await;
    let to = format!("{}/elsewhere?sign=1", storage.url);
    let server = Fake::start(move |asked| match asked.header("authorization") {
        None => reply(401, &[("www-authenticate", "Basic realm=x")], ""),
        Some(_) => reply(307, &[("location", &to)], ""),
    })
    .await;
    let registry = registry(with_login(&server.url, Some("ana"), "hunter22-stays"));
    assert_eq!(look(&registry, &[]).await, Ok(there(&digest('a'))));
    let [asked] = &storage.asked()[..] else { panic!("{:?}", storage.asked()) };
    assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/elsewhere?sign=1", None));
}

#[tokio::test]
async fn nobody_is_logged_in_to_by_a_redirect() {
    let tokens = Fake::start(|_| answer(200, "application/json", r#"{"token":"stolen"}"#)).await;
    let realm = format!("{}/token", tokens.url);
    let thief = Fake::start(move |_| challenge(&realm)).await;
    let to = thief.url.clone();
    let server = Fake::start(move |_| reply(302, &[("location", &to)], "")).await;
    let says = look(&registry(with_login(&server.url, Some("ana"), "hunter22-kept")), &[]).await.unwrap_err();
    assert!(says.contains("which refuses strangers"), "{says}");
    assert!(tokens.asked().is_empty());
    let clear = said(|_| reply(302, &[("location", "http://elsewhere.example/v2/")], "")).await.unwrap_err();
    assert!(clear.contains("redirects to 'http://elsewhere.example', which is not asked"), "{clear}");
    let round = said(|asked| reply(307, &[("location", &asked.path)], "")).await.unwrap_err();
    assert!(round.contains("is not followed"), "{round}");
}

#[tokio::test]
async fn strangers_who_are_told_that_nothing_is_there_are_no_strangers_with_a_login() {
    let expected = basic("ana:hunter22-known");
    let server = Fake::start(move |asked| match asked.header("authorization") {
        Some(given) if given == expected => head(MANIFEST, &digest('a')),
        _ => unknown(),
    })
    .await;
    let registry = registry(with_login(&server.url, Some("ana"), "hunter22-known"));
    assert_eq!(look(&registry, &[]).await, Ok(there(&digest('a'))));
}

#[tokio::test]
async fn a_wait_is_said_with_its_length() {
    let says = said(|_| reply(429, &[("retry-after", "90")], "")).await.unwrap_err();
    assert!(says.contains("asked too often (429)"), "{says}");
    let wait = says.rsplit_once("it may be asked again in ").unwrap().1;
    assert!(["90s", "89s", "88s"].contains(&wait), "{says}");
    let forever = said(|_| reply(429, &[("retry-after", "99999999999999999999")], "")).await.unwrap_err();
    assert!(!forever.contains("again in"), "{forever}");
}

#[tokio::test]
#[allow(clippy::disallowed_methods)] // how long a person really waits
async fn silence_and_floods_end() {
    for behave in [|| Behaviour::Silent, || Behaviour::SilentInBody, || Behaviour::HangUp, || Behaviour::CutOff] {
        let begun = Instant::now();
        let says =
            said(move |asked| if asked.method == "HEAD" { reply(405, &[], "") } else { behave() }).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(5), "{says}");
        let silent = said(move |_| behave()).await;
        assert!(silent.is_err(), "{silent:?}");
    }
    for behave in [|| Behaviour::Endless, || Behaviour::Claims(1 << 40)] {
        let says =
            said(move |asked| if asked.method == "HEAD" { reply(405, &[], "") } else { behave() }).await.unwrap_err();
        assert!(says.contains("more than 4 MiB"), "{says}");
    }
    let none = look(&registry(config("http://127.0.0.1:1")), &[]).await.unwrap_err();
    assert!(none.contains("connection refused"), "{none}");
}

#[tokio::test]
async fn a_hostile_header_is_no_digest_and_no_text() {
    for bad in ["sha256:ab", "\u{9b}31m", "sha256:../../etc", &digest('G'), "sha256:", &"a".repeat(5000)] {
        let bad = bad.to_owned();
        let says = said(move |_| head(MANIFEST, &bad)).await.unwrap_err();
        assert!(says.contains("that is no digest") && !says.contains('\u{9b}'), "{says}");
    }
    let realm =
        said(|_| reply(401, &[("www-authenticate", "Bearer realm=\"\u{9b}2Jhttp://x\"")], "")).await.unwrap_err();
    assert!(realm.contains("refuses strangers") && !realm.contains('\u{9b}'), "{realm}");
    let broken = said(|_| reply(401, &[("www-authenticate", "Bearer realm=\"https://auth.example")], "")).await;
    assert!(broken.as_ref().unwrap_err().contains("refuses strangers"), "{broken:?}");
}

#[tokio::test]
async fn a_pinned_digest_is_asked_for_itself() {
    let wrong = Arc::new(Mutex::new(false));
    let is_wrong = wrong.clone();
    let server = Fake::start(move |_| head(MANIFEST, &digest(if *is_wrong.lock().unwrap() { 'b' } else { 'a' }))).await;
    let registry = registry(config(&server.url));
    let image = ImageRef::parse(&format!("reg.example/acme/api:1@{}", digest('a'))).unwrap();
    let known = BTreeSet::new();
    assert_eq!(registry.look(&image, &known).await.map_err(|says| says.to_string()), Ok(there(&digest('a'))));
    assert!(server.asked()[0].is("HEAD", &format!("/v2/acme/api/manifests/{}", digest('a'))));
    *wrong.lock().unwrap() = true;
    let says = registry.look(&image, &known).await.unwrap_err();
    assert!(says.contains("was asked for 'sha256:aaaa"), "{says}");
}

#[tokio::test]
async fn the_check_says_whether_the_token_is_taken() {
    let expected = basic("ana:hunter22-check");
    let server = Fake::start(move |asked| match asked.header("authorization") {
        Some(given) if given == expected => answer(200, "application/json", "{}"),
        _ => reply(401, &[("www-authenticate", "Basic realm=x")], ""),
    })
    .await;
    let check = async |config| registry(config).check().await.map_err(|error| error.says.to_string());
    assert_eq!(
        check(with_login(&server.url, Some("ana"), "hunter22-check")).await.unwrap(),
        "answers, and takes the token"
    );
    assert!(check(config(&server.url)).await.unwrap().contains("only what is public"));
    let refused = check(with_login(&server.url, Some("ana"), "hunter22-wrong")).await.unwrap_err();
    assert!(refused.contains("refused who we are (401)"), "{refused}");
    let none = check(config("http://127.0.0.1:1")).await.unwrap_err();
    assert!(none.contains("connection refused"), "{none}");
}

#[test]
fn docker_hub_is_asked_where_its_registry_is() {
    let of = |host: &str| registry(file::Registry { host: host.to_owned(), ..file::Registry::default() });
    assert_eq!(of("docker.io").url(), "https://registry-1.docker.io");
    assert_eq!((of("index.docker.io").host().as_str(), of("ghcr.io").url().as_str()), ("docker.io", "https://ghcr.io"));
}
