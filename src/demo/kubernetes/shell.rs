//! The little shell inside every container of the simulation: enough to look around with `exec`.

use std::collections::BTreeMap;

/// How a command went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Outcome {
    fn said(out: impl Into<String>) -> Self {
        Self { out: out.into(), ..Self::default() }
    }

    fn failed(err: impl Into<String>, code: i32) -> Self {
        Self { err: err.into(), code, ..Self::default() }
    }
}

/// A container as a process in it sees it.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// The pod's name.
    pub host: String,
    /// Without variables that come from Secrets.
    pub env: Vec<(String, String)>,
    /// Contents by absolute path.
    pub files: BTreeMap<String, String>,
    /// The world's time, as `date` prints it.
    pub date: String,
}

const PROGRAMS: &[&str] =
    &["cat", "date", "echo", "env", "false", "hostname", "id", "ls", "printenv", "pwd", "sh", "true"];

impl Shell {
    /// Whether there is such a program in the container at all.
    pub fn has(program: &str) -> bool {
        PROGRAMS.contains(&base(program))
    }

    /// A whole line: commands between `;`, and between `&&` for as long as they succeed. `exit N` ends it.
    pub fn line(&self, line: &str) -> (Outcome, bool) {
        let mut all = Outcome::default();
        for statement in line.split(';') {
            for command in statement.split("&&") {
                let words = words(command);
                if words.is_empty() {
                    continue;
                }
                if words[0] == "exit" {
                    all.code = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(all.code);
                    return (all, true);
                }
                let one = self.run(&words.into_iter().map(|w| self.expand(&w)).collect::<Vec<_>>());
                all.out.push_str(&one.out);
                all.err.push_str(&one.err);
                all.code = one.code;
                if one.code != 0 {
                    break;
                }
            }
        }
        (all, false)
    }

    /// `$NAME` as the first thing of a word.
    fn expand(&self, word: &str) -> String {
        let Some(name) = word.strip_prefix('$') else { return word.to_owned() };
        self.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// One command with its arguments.
    pub fn run(&self, argv: &[String]) -> Outcome {
        let Some((program, arguments)) = argv.split_first() else { return Outcome::default() };
        match base(program) {
            "echo" => {
                let bare = arguments.first().is_some_and(|a| a == "-n");
                let text = arguments[usize::from(bare)..].join(" ");
                Outcome::said(if bare { text } else { text + "\n" })
            }
            "ls" => self.list(arguments),
            "cat" => self.read(arguments),
            "env" | "printenv" if arguments.is_empty() => {
                Outcome::said(self.env.iter().map(|(key, value)| format!("{key}={value}\n")).collect::<String>())
            }
            "printenv" => match self.env.iter().find(|(key, _)| *key == arguments[0]) {
                Some((_, value)) => Outcome::said(format!("{value}\n")),
                None => Outcome { code: 1, ..Outcome::default() },
            },
            "hostname" => Outcome::said(format!("{}\n", self.host)),
            "date" => Outcome::said(format!("{}\n", self.date)),
            "pwd" => Outcome::said("/\n"),
            "id" => Outcome::said("uid=1000(app) gid=1000(app) groups=1000(app)\n"),
            "true" => Outcome::default(),
            "false" => Outcome { code: 1, ..Outcome::default() },
            "sh" => match arguments.iter().position(|a| a == "-c") {
                Some(at) => self.line(arguments.get(at + 1).map_or("", String::as_str)).0,
                None => Outcome::default(),
            },
            other => Outcome::failed(format!("sh: {other}: not found\n"), 127),
        }
    }

    fn list(&self, arguments: &[String]) -> Outcome {
        let path = arguments.iter().find(|a| !a.starts_with('-')).map_or("/", String::as_str);
        if self.files.contains_key(path) {
            return Outcome::said(format!("{path}\n"));
        }
        let folder = format!("{}/", path.trim_end_matches('/'));
        let mut names: Vec<_> = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(&folder))
            .filter_map(|rest| rest.split('/').next())
            .map(str::to_owned)
            .collect();
        names.dedup();
        if names.is_empty() {
            return Outcome::failed(format!("ls: {path}: No such file or directory\n"), 1);
        }
        Outcome::said(names.join("\n") + "\n")
    }

    fn read(&self, paths: &[String]) -> Outcome {
        let mut all = Outcome::default();
        for path in paths {
            if let Some(text) = self.files.get(path) {
                all.out.push_str(text);
            } else {
                all.err.extend(["cat: can't open '", path, "': No such file or directory\n"]);
                all.code = 1;
            }
        }
        all
    }
}

/// The last part of a program's path.
fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Words between blanks; quotes keep blanks together.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, open) = (Some(c), true),
            (Some(q), _) if q == c => quote = None,
            (None, _) if c.is_whitespace() => {
                if open || !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                open = false;
            }
            _ => word.push(c),
        }
    }
    if open || !word.is_empty() {
        all.push(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::Shell;

    fn shell() -> Shell {
        Shell {
            host: "myapp-1".to_owned(),
            env: vec![("PORT".to_owned(), "8080".to_owned())],
            files: [("/etc/hostname".to_owned(), "myapp-1\n".to_owned())].into(),
            date: String::new(),
        }
    }

    #[test]
    fn commands_run_and_fail_as_in_a_shell() {
        let run = |line: &str| shell().line(line).0;
        assert_eq!(run("echo 'a  b' c").out, "a  b c\n");
        assert_eq!(run("echo $PORT; cat /etc/hostname").out, "8080\nmyapp-1\n");
        assert_eq!(run("false && echo no").out, "");
        assert_eq!(run("nonsense").code, 127);
        assert_eq!(run("ls /etc").out, "hostname\n");
        let missing = run("cat /none; true");
        assert!(missing.err.contains("No such file"));
        assert_eq!(missing.code, 0, "the last command decides");
        assert_eq!(shell().line("exit 3"), (super::Outcome { code: 3, ..Default::default() }, true));
    }
}
