//! What one may do in a namespace, as a SelfSubjectRulesReview lists it (authorization.k8s.io/v1).

use crate::model::Name;

/// One may do each verb with each resource of each group; `names` empty: with any object. `*` is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub verbs: Box<[Name]>,
    pub groups: Box<[Name]>,
    pub resources: Box<[Name]>,
    pub names: Box<[Name]>,
}

/// All that the server listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub rules: Vec<Rule>,
    /// The server could not list all: what is not in the list may be allowed all the same.
    pub is_incomplete: bool,
}

/// Something one wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right<'a> {
    pub verb: &'a str,
    /// Empty: the core group.
    pub group: &'a str,
    /// Plural.
    pub resource: &'a str,
    /// Empty: the object itself.
    pub subresource: &'a str,
    pub name: &'a str,
}

impl Rights {
    /// It is refused for sure. That it is not says nothing: webhooks and policies have their say when it is asked.
    pub fn refuse(&self, right: &Right<'_>) -> bool {
        !self.is_incomplete && !self.rules.iter().any(|rule| rule.allows(right))
    }
}

impl Rule {
    fn allows(&self, right: &Right<'_>) -> bool {
        let has = |list: &[Name], word: &str| list.iter().any(|one| *one == "*" || *one == word);
        has(&self.verbs, right.verb)
            && has(&self.groups, right.group)
            && self.resources.iter().any(|resource| covers(resource, right))
            && (self.names.is_empty() || self.names.iter().any(|name| *name == right.name))
    }
}

/// `pods/log`, `*/scale`, `*`; `pods` alone covers none of its subresources.
fn covers(resource: &str, right: &Right<'_>) -> bool {
    match resource.split_once('/') {
        _ if resource == "*" => true,
        None => right.subresource.is_empty() && resource == right.resource,
        Some((of, sub)) => sub == right.subresource && (of == "*" || of == right.resource),
    }
}

impl Right<'_> {
    /// `patch deployments.apps/scale`
    pub fn words(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let sub = if self.subresource.is_empty() { String::new() } else { format!("/{}", self.subresource) };
        format!("{} {}{group}{sub}", self.verb, self.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]) -> Rule {
        let of = |words: &[&str]| words.iter().map(|word| Name::from(*word)).collect();
        Rule { verbs: of(verbs), groups: of(groups), resources: of(resources), names: of(names) }
    }

    fn right<'a>(verb: &'a str, group: &'a str, resource: &'a str, subresource: &'a str) -> Right<'a> {
        Right { verb, group, resource, subresource, name: "web" }
    }

    #[test]
    fn rules_are_read_as_the_server_reads_them() {
        let rules = vec![
            rule(&["get", "list"], &[""], &["pods", "pods/log"], &[]),
            rule(&["patch"], &["apps"], &["deployments"], &["web"]),
            rule(&["patch"], &["apps"], &["statefulsets"], &["db"]),
            rule(&["update"], &["*"], &["*/scale"], &[]),
        ];
        let rights = Rights { rules, is_incomplete: false };
        for (right, refused) in [
            (right("get", "", "pods", ""), false),
            (right("get", "", "pods", "log"), false),
            (right("get", "", "pods", "exec"), true),
            (right("delete", "", "pods", ""), true),
            (right("get", "metrics.k8s.io", "pods", ""), true),
            (right("patch", "apps", "deployments", ""), false),
            (right("patch", "apps", "deployments", "scale"), true),
            (right("patch", "apps", "statefulsets", ""), true),
            (right("update", "apps", "statefulsets", "scale"), false),
        ] {
            assert_eq!(rights.refuse(&right), refused, "{}", right.words());
        }
        assert!(!Rights { is_incomplete: true, ..Rights::default() }.refuse(&right("delete", "", "pods", "")));
        let all = Rights { rules: vec![rule(&["*"], &["*"], &["*"], &[])], is_incomplete: false };
        assert!(!all.refuse(&right("create", "", "pods", "exec")));
        assert_eq!(right("patch", "apps", "deployments", "scale").words(), "patch deployments.apps/scale");
    }
}
