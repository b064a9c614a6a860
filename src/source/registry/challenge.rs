//! `WWW-Authenticate` (RFC 9110, 11.6.1): how a registry wants to be told who asks.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

use http::{HeaderMap, header};

/// More of one header is not read.
const MAX_BYTES: usize = 8 * 1024;

/// One way to log in.
#[derive(Debug, PartialEq)]
pub(super) struct Challenge {
    /// In lower case.
    pub scheme: String,
    /// By name in lower case; the first of a name counts.
    pub parameters: BTreeMap<String, String>,
}

impl Challenge {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// All challenges of an answer, in their order. One that is not understood is left out.
pub(super) fn read(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).into_iter();
    values.filter_map(|value| value.to_str().ok()).filter(|text| text.len() <= MAX_BYTES).flat_map(parse).collect()
}

fn parse(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| matches!(c, ' ' | '\t' | ',')).is_some() {}
        let word = token(&mut rest);
        if word.is_empty() {
            // The end, or what no header may hold here: what came before stands.
            return found;
        }
        while rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if rest.next_if_eq(&'=').is_none() {
            found.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: BTreeMap::new() });
            continue;
        }
        while rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        let Some(value) = value(&mut rest) else {
            // A quote without an end: the challenge it stands in cannot be trusted.
            found.pop();
            return found;
        };
        if let Some(challenge) = found.last_mut() {
            challenge.parameters.entry(word.to_ascii_lowercase()).or_insert(value);
        }
    }
}

fn token(rest: &mut Peekable<Chars<'_>>) -> String {
    std::iter::from_fn(|| rest.next_if(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(*c))).collect()
}

/// A token, or a text in quotes; `None`: its end is missing.
fn value(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    if rest.next_if_eq(&'"').is_none() {
        let text = token(rest);
        // The padding of a token68.
        while rest.next_if_eq(&'=').is_some() {}
        return Some(text);
    }
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => text.push(rest.next()?),
            c => text.push(c),
        }
    }
}

/// What a token is asked for: of the scopes a registry names, pulling alone; else pulling from `repository`.
pub(super) fn scope(named: Option<&str>, repository: Option<&str>) -> Option<String> {
    let pull = |scope: &str| {
        let (name, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
        actions.split(',').any(|action| action == "pull").then(|| format!("repository:{name}:pull"))
    };
    let repository = repository?;
    let first = named.and_then(|named| named.split(' ').find_map(pull));
    Some(first.unwrap_or_else(|| format!("repository:{repository}:pull")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, Vec<(String, String)>)> {
        parse(text).into_iter().map(|one| (one.scheme, one.parameters.into_iter().collect())).collect()
    }

    fn one(scheme: &str, parameters: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        (scheme.to_owned(), parameters.collect())
    }

    #[test]
    fn challenges_are_read_as_the_rfc_has_them() {
        let bearer = r#"Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push""#;
        let read = [("realm", "https://auth.example/token"), ("scope", "repository:a/b:pull,push"), ("service", "reg")];
        assert_eq!(parsed(bearer), [one("bearer", &read)]);
        let two = r#"BASIC Realm = "a \"b\", Bearer c=\\" , bearer realm=x ,service="""#;
        let basic = [("realm", r#"a "b", Bearer c=\"#)];
        assert_eq!(parsed(two), [one("basic", &basic), one("bearer", &[("realm", "x"), ("service", "")])]);
        assert_eq!(parsed("Negotiate, Basic realm=r"), [one("negotiate", &[]), one("basic", &[("realm", "r")])]);
        assert_eq!(parsed("Negotiate YWJj==,Basic realm=r").last(), Some(&one("basic", &[("realm", "r")])));
        assert_eq!(parsed("Bearer realm=a, realm=b"), [one("bearer", &[("realm", "a")])], "the first counts");
    }

    #[test]
    fn what_is_no_challenge_is_left_out() {
        for text in ["", ",,,", "=", "realm=x", "\"", "Bearer realm=\"https://evil", "Bearer realm=\"x\\", "é Basic"] {
            assert!(parse(text).iter().all(|one| one.parameters.is_empty()), "{text}: {:?}", parse(text));
        }
        let broken = r#"Basic realm="r", Bearer realm="https://auth"#;
        assert_eq!(parsed(broken), [one("basic", &[("realm", "r")])]);
        let long = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, "Bearer a,".repeat(2000).parse().unwrap())]);
        assert_eq!(read(&long), []);
    }

    #[test]
    fn no_more_than_pulling_is_asked_for() {
        let scope = |named| scope(named, Some("a/b")).unwrap();
        assert_eq!(scope(None), "repository:a/b:pull");
        assert_eq!(scope(Some("repository:x/a/b:push,pull")), "repository:x/a/b:pull");
        assert_eq!(scope(Some("registry:catalog:* repository:a/b:delete")), "repository:a/b:pull");
        assert_eq!(super::scope(Some("repository:a/b:pull"), None), None);
    }
}
