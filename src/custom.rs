//! What the configuration adds of its own: commands over the fields of a row (`[[command]]`), and links that are found in
//! its text (`[[link]]`). Both are checked where the file is read, and say line and remedy.

pub mod fields;
pub mod links;
pub mod program;
pub mod template;
#[cfg(test)]
mod tests;

use toml::Spanned;

use self::{
    fields::{Field, Values},
    template::{Piece, Template},
};
pub use self::{
    links::{OwnLink, links},
    program::{Output, Program},
};
use crate::{
    command::{COMMANDS, Kind, nearest},
    config::file,
    keymap::Key,
    text::Clean,
};

/// A `[[command]]`, checked.
#[derive(Clone, Debug)]
pub struct OwnCommand {
    pub name: Clean,
    /// One line for help and menus: its own words, else the line it runs.
    pub help: Clean,
    pub key: Option<Key>,
    pub on: Vec<Kind>,
    /// Of objects of the cluster's other kinds, the kinds it is for, as they are called; empty: all.
    pub kinds: Vec<Clean>,
    /// It may change what runs: refused in read-only mode.
    pub writes: bool,
    /// It asks before it is run, everywhere; one that writes always asks in production.
    pub asks: bool,
    pub output: Output,
    run: Run,
}

#[derive(Clone, Debug)]
enum Run {
    /// A program and its arguments.
    Program(Vec<Template>),
    /// A script for `sh -c`, and the fields it names as variables.
    Shell(String, Vec<Field>),
}

/// Prefix of the variables that a script finds the row's fields in.
const VARIABLE: &str = "MIDWATCH_";

/// The commands of a configuration. `text`: the file, for the lines of errors.
pub fn commands(tables: &[file::Command], text: &str) -> Result<Vec<OwnCommand>, Vec<String>> {
    let mut errors = Vec::new();
    let mut made: Vec<OwnCommand> = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let mut report = Report { text, what: format!("[[command]] '{}'", table.name), errors: &mut errors };
        if table.name.is_empty() {
            report.what = format!("[[command]] number {}", index + 1);
            report.say(None, "has no name: give it one, `name = \"…\"`");
            continue;
        }
        if COMMANDS.iter().any(|spec| spec.name == table.name) || crate::app::line::is_word(&table.name) {
            report.say(None, "is called like a command of midwatch: take another name");
        }
        if made.iter().any(|other| other.name == table.name.as_str()) {
            report.say(None, "is there twice: every command needs a name of its own");
        }
        if let Some(command) = report.command(table) {
            made.push(command);
        }
    }
    if errors.is_empty() { Ok(made) } else { Err(errors) }
}

/// Errors of one table.
struct Report<'a> {
    text: &'a str,
    what: String,
    errors: &'a mut Vec<String>,
}

impl Report<'_> {
    /// `at`: where in the file the value stands.
    fn say(&mut self, at: Option<std::ops::Range<usize>>, says: &str) {
        let line = at.map_or_else(String::new, |span| {
            let before = self.text.get(..span.start.min(self.text.len())).unwrap_or("");
            format!("line {}: ", before.matches('\n').count() + 1)
        });
        self.errors.push(format!("{line}{} {says}", self.what));
    }

    /// The kinds of objects that are named; those that exist.
    fn kinds(&mut self, on: &[Spanned<String>]) -> Vec<Kind> {
        let mut kinds = Vec::new();
        for word in on {
            if let Some(kind) = fields::kind(word.get_ref()) {
                kinds.push(kind);
                continue;
            }
            let near = nearest(word.get_ref(), fields::kinds());
            let near = near.map_or_else(
                || format!("take {}", fields::kinds().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean '{near}'?"),
            );
            self.say(Some(word.span()), &format!("is on '{}', which is no kind of row: {near}", word.get_ref()));
        }
        kinds
    }

    /// Every kind must have the field of that name.
    fn check_field(&mut self, name: &str, kinds: &[Kind], at: std::ops::Range<usize>) {
        let Some(lacking) = kinds.iter().find(|kind| !fields::has(**kind, name)) else { return };
        let near = nearest(name, fields::of(*lacking)).map(|near| format!(": did you mean '{near}'?"));
        let near = near.unwrap_or_else(|| format!(": take {}", fields::of(*lacking).collect::<Vec<_>>().join(", ")));
        self.say(Some(at), &format!("asks for '{name}', which a {} does not have{near}", lacking.word()));
    }

    fn command(&mut self, table: &file::Command) -> Option<OwnCommand> {
        let before = self.errors.len();
        let mut on = self.kinds(&table.on);
        if table.on.is_empty() && table.kinds.is_empty() {
            let ways = "name the kinds of rows, `on = [\"pod\"]`, or of objects, `kinds = [\"nodes\"]`";
            self.say(None, &format!("is on nothing: {ways}"));
        }
        if let Some(empty) = table.kinds.iter().find(|word| word.get_ref().trim().is_empty()) {
            self.say(Some(empty.span()), "names no kind of object: take a plural, a short name or a kind");
        }
        if !table.kinds.is_empty() && !on.contains(&Kind::Object) {
            on.push(Kind::Object);
        }
        let key = table.key.as_ref().and_then(|key| match Key::parse(key.get_ref()) {
            Ok(parsed) if table.writes && parsed.is_ctrl() => {
                let says = format!("cannot have the key '{}': no ctrl-letter may change anything", key.get_ref());
                self.say(Some(key.span()), &says);
                None
            }
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.say(Some(key.span()), &format!("has no good key: {error}"));
                None
            }
        });
        let output = match table.output.as_ref().map(|word| (word, word.get_ref().as_str())) {
            None | Some((_, "screen")) if table.background => Output::Nowhere,
            None | Some((_, "screen")) => Output::Screen,
            Some((_, "page")) => Output::Page,
            Some((word, other)) => {
                self.say(Some(word.span()), &format!("has the output '{other}': take screen or page"));
                Output::Screen
            }
        };
        let run = self.run(table, &on)?;
        (self.errors.len() == before).then(|| OwnCommand {
            name: Clean::line(&table.name),
            help: Clean::line(table.help.as_deref().unwrap_or(&run.words())),
            key,
            on,
            kinds: table.kinds.iter().map(|word| Clean::line(word.get_ref().trim())).collect(),
            writes: table.writes,
            asks: table.confirm.unwrap_or(table.writes),
            output,
            run,
        })
    }

    fn run(&mut self, table: &file::Command, on: &[Kind]) -> Option<Run> {
        let (Some(first), false) = (table.run.first(), table.shell && table.run.len() > 1) else {
            let says = if table.shell {
                "needs one script, `run = [\"…\"]`"
            } else {
                "runs nothing: `run = [\"kubectl\", …]`"
            };
            self.say(None, says);
            return None;
        };
        if table.shell {
            let mut named = Vec::new();
            for name in template::variables(first.get_ref(), VARIABLE) {
                let name = name.to_ascii_lowercase();
                self.check_field(&name, on, first.span());
                named.push(Field::new(&name));
            }
            return Some(Run::Shell(first.get_ref().clone(), named));
        }
        let mut words = Vec::new();
        for word in &table.run {
            match Template::parse(word.get_ref()) {
                Ok(template) => {
                    for name in template.fields() {
                        self.check_field(name.name(), on, word.span());
                    }
                    words.push(template);
                }
                Err(says) => self.say(Some(word.span()), &format!("runs with '{}': {says}", word.get_ref())),
            }
        }
        if words.first().is_some_and(|program| program.fields().next().is_some()) {
            self.say(Some(first.span()), "takes its program from a row: name the program itself");
        }
        Some(Run::Program(words))
    }
}

impl Run {
    /// The line as the file has it.
    fn words(&self) -> String {
        match self {
            Self::Program(words) => words.iter().map(Template::to_string).collect::<Vec<_>>().join(" "),
            Self::Shell(script, _) => script.clone(),
        }
    }
}

impl OwnCommand {
    /// The command line over the fields of a row.
    ///
    /// # Errors
    /// In words: a field that this row lacks, or a value that a program would take for one of its options.
    pub fn program(&self, values: &Values<'_>) -> Result<Program, Clean> {
        let mut program = Program::new(self.name.clone(), values);
        program.writes = self.writes;
        program.asks = self.asks;
        program.output = self.output;
        match &self.run {
            Run::Program(words) => {
                let mut is_option_end = false;
                for word in words {
                    let filled = word.fill(values)?;
                    let is_foreign = matches!(word.pieces().first(), Some(Piece::Field(_)));
                    if is_foreign && filled.starts_with('-') && !is_option_end {
                        return Err(looks_like_option(&self.name, &filled));
                    }
                    is_option_end |= filled == "--";
                    program.argv.push(filled);
                }
            }
            Run::Shell(script, named) => {
                program.argv = vec!["sh".to_owned(), "-c".to_owned(), script.clone()];
                for field in named {
                    let value = values.get(field)?;
                    if value.starts_with('-') {
                        return Err(looks_like_option(&self.name, &value));
                    }
                    program.env.push((field.variable(VARIABLE), value.to_string()));
                }
            }
        }
        Ok(program)
    }
}

fn looks_like_option(name: &str, value: &str) -> Clean {
    Clean::own(format!("'{name}' was not run: a program would take '{value}' for one of its options"))
}
