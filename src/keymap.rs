//! Keys: their syntax (`ctrl-d`, `R`, `f2`), the user's keys over the defaults, and a report of clashes.

use std::{collections::BTreeMap, fmt};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{
    command::{COMMANDS, Command, CommandSpec, Kind, Scope, ScreenId, nearest, one_of, select_first},
    custom::OwnCommand,
};

/// A key as written in the configuration and shown in the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("insert", KeyCode::Insert),
    ("delete", KeyCode::Delete),
    ("backspace", KeyCode::Backspace),
];

impl Key {
    /// Parses `R`, `ctrl-d`, `alt-x`, `f2`, `space`. Names are case-insensitive, single letters are not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut ctrl, mut alt, mut rest) = (false, false, text);
        while let Some((modifier, after)) = rest.split_once('-').filter(|(m, after)| !m.is_empty() && !after.is_empty())
        {
            match modifier.to_ascii_lowercase().as_str() {
                "ctrl" | "c" => ctrl = true,
                "alt" | "a" => alt = true,
                _ => break,
            }
            rest = after;
        }
        let lower = rest.to_ascii_lowercase();
        let code = if let Some((_, code)) = NAMED.iter().find(|(name, _)| *name == lower) {
            *code
        } else if let Some(number) =
            lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()).filter(|n| (1..=24).contains(n))
        {
            KeyCode::F(number)
        } else {
            let mut letters = rest.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) if !letter.is_control() => {
                    KeyCode::Char(if ctrl { letter.to_ascii_lowercase() } else { letter })
                }
                _ => return Err(format!("'{text}' is no key: write 'R', 'ctrl-d', 'alt-x', 'f2', 'space' or 'enter'")),
            }
        };
        Ok(Self { code, ctrl, alt })
    }

    /// With the control key held.
    pub fn is_ctrl(self) -> bool {
        self.ctrl
    }

    /// The key of a terminal event. Shift is part of the character.
    pub fn of(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(letter) if ctrl => KeyCode::Char(letter.to_ascii_lowercase()),
            KeyCode::Char(letter) if event.modifiers.contains(KeyModifiers::SHIFT) => {
                KeyCode::Char(letter.to_uppercase().next().unwrap_or(letter))
            }
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(if *name == "backtab" { "shift-tab" } else { name });
        }
        match self.code {
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            _ => f.write_str("?"),
        }
    }
}

/// The keys in force.
#[derive(Debug)]
pub struct Keymap {
    keys: Vec<Vec<Key>>,
    /// Keys of the configuration's own commands, and their place among them.
    own: Vec<(Key, Vec<Kind>, usize)>,
}

/// k9s fingers: only where the default differs and nothing that writes would move onto a reflex.
const K9S: &[(&str, &[&str])] = &[
    ("refresh", &["ctrl-r"]),
    ("describe", &["d"]),
    ("logs", &["l"]),
    ("previous-logs", &["p"]),
    ("half-page-down", &["ctrl-d"]),
    ("copy", &["c", "y"]),
    ("comment", &["i"]),
    ("leave", &["q"]),
];

impl Default for Keymap {
    fn default() -> Self {
        Self::new(None, &BTreeMap::new()).expect("the default keys are tested")
    }
}

impl Keymap {
    /// Defaults, then the preset, then the user's own. Errors name the command and the key.
    pub fn new(preset: Option<&str>, own: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        let mut keys: Vec<Vec<Key>> = Vec::with_capacity(COMMANDS.len());
        for spec in COMMANDS {
            keys.push(spec.keys.iter().map(|key| Key::parse(key).expect("default keys are tested")).collect());
        }
        match preset {
            None | Some("default") => {}
            Some("k9s") => {
                for (name, preset_keys) in K9S {
                    if let Ok(command) = Command::by_name(name) {
                        keys[command as usize] =
                            preset_keys.iter().map(|key| Key::parse(key).expect("preset keys are tested")).collect();
                    }
                }
            }
            Some(other) => errors.push(format!("keys.preset '{other}' does not exist: take 'default' or 'k9s'")),
        }
        for (name, own_keys) in own {
            let command = match Command::by_name(name) {
                Ok(command) => command,
                Err(near) => {
                    let near = near.map(|near| format!(": did you mean '{near}'?")).unwrap_or_default();
                    errors.push(format!("keys.{name}: there is no command '{name}'{near}"));
                    continue;
                }
            };
            let mut parsed = Vec::new();
            for key in own_keys {
                match Key::parse(key) {
                    Ok(key) if key.ctrl && command.spec().writes => {
                        errors.push(format!("keys.{name}: '{key}' is refused: no ctrl-letter may change anything"));
                    }
                    Ok(key) => parsed.push(key),
                    Err(error) => errors.push(format!("keys.{name}: {error}")),
                }
            }
            keys[command as usize] = parsed;
        }
        let map = Self { keys, own: Vec::new() };
        errors.extend(map.clashes());
        if errors.is_empty() { Ok(map) } else { Err(errors) }
    }

    /// With the keys of the configuration's own commands. None takes a key that means something on its rows already.
    pub fn with_own(mut self, commands: &[OwnCommand]) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            let Some(key) = command.key else { continue };
            let mut taken: Vec<&str> = COMMANDS
                .iter()
                .filter(|spec| self.keys(spec.id).contains(&key))
                .filter(|spec| match spec.scope {
                    Scope::Everywhere => true,
                    Scope::On(kinds) => kinds.iter().any(|kind| command.on.contains(kind)),
                    Scope::Screen(_) => false,
                })
                .map(|spec| spec.name)
                .collect();
            let others = self
                .own
                .iter()
                .filter(|(own, kinds, _)| *own == key && kinds.iter().any(|kind| command.on.contains(kind)));
            taken.extend(others.map(|(_, _, other)| commands[*other].name.as_str()));
            errors.extend(taken.into_iter().map(|other| {
                format!("key '{key}' means both '{other}' and the [[command]] '{}': rebind one of them", command.name)
            }));
            self.own.push((key, command.on.clone(), index));
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// The configuration's own command that the key means on such a row, by its place; a screen's own keys come first.
    pub fn own(&self, key: Key, screen: ScreenId, selected: Option<Kind>) -> Option<usize> {
        if self.command(key, screen, selected).is_some() {
            return None;
        }
        let kind = selected?;
        self.own.iter().find(|(own, kinds, _)| *own == key && kinds.contains(&kind)).map(|(_, _, index)| *index)
    }

    /// Two commands that one key could mean in one place.
    pub fn clashes(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (index, one) in COMMANDS.iter().enumerate() {
            for other in &COMMANDS[index + 1..] {
                if !one.scope.clashes(other.scope) {
                    continue;
                }
                for key in self.keys(one.id).iter().filter(|key| self.keys(other.id).contains(key)) {
                    found.push(format!(
                        "key '{key}' means both '{}' and '{}': rebind one of them",
                        one.name, other.name
                    ));
                }
            }
        }
        found
    }

    pub fn keys(&self, command: Command) -> &[Key] {
        &self.keys[command as usize]
    }

    /// The first key, as shown.
    pub fn shown(&self, command: Command) -> Option<String> {
        self.keys(command).first().map(Key::to_string)
    }

    /// What the key means here: the narrowest scope that has it.
    pub fn command(&self, key: Key, screen: ScreenId, selected: Option<Kind>) -> Option<Command> {
        COMMANDS
            .iter()
            .filter(|spec| spec.scope.applies(screen, selected) && self.keys(spec.id).contains(&key))
            .max_by_key(|spec| spec.scope.rank())
            .map(|spec| spec.id)
    }

    /// What the key means on objects, but not on such a one, in words; nothing if it means nothing anywhere. `word`: what
    /// the selected one is called.
    pub fn elsewhere(&self, key: Key, selected: Option<Kind>, word: &str) -> Option<String> {
        let on = |spec: &CommandSpec| match spec.scope {
            Scope::On(kinds) if self.keys(spec.id).contains(&key) => Some((spec.hint, kinds)),
            _ => None,
        };
        // On a row of a cluster another of its kinds is meant rather than an alert.
        let is_near =
            |kinds: &[Kind]| selected.is_some() && kinds.iter().chain(&selected).all(|kind| is_of_cluster(*kind));
        let near = COMMANDS.iter().filter_map(on).find(|&(_, kinds)| is_near(kinds));
        let (hint, kinds) = near.or_else(|| COMMANDS.iter().find_map(on))?;
        if selected.is_none() {
            return Some(select_first(kinds));
        }
        Some(format!("{key} ({hint}) is for {}; selected: {word}", one_of(kinds)))
    }

    /// Commands that have a key and apply here, those hidden by a narrower one left out.
    pub fn available(
        &self,
        screen: ScreenId,
        selected: Option<Kind>,
    ) -> impl Iterator<Item = (&'static CommandSpec, Key)> {
        COMMANDS.iter().filter_map(move |spec| {
            let key = *self.keys(spec.id).first()?;
            (self.command(key, screen, selected) == Some(spec.id)).then_some((spec, key))
        })
    }

    /// The nearest command name, for the palette's errors.
    pub fn nearest(name: &str) -> Option<&'static str> {
        nearest(name, COMMANDS.iter().map(|spec| spec.name))
    }
}

fn is_of_cluster(kind: Kind) -> bool {
    matches!(kind, Kind::Pod | Kind::Workload | Kind::Object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn defaults_and_presets_do_not_clash() {
        assert_eq!(Keymap::default().clashes(), Vec::<String>::new());
        assert!(Keymap::new(Some("k9s"), &BTreeMap::new()).is_ok());
    }

    #[test]
    fn the_selected_object_decides() {
        let map = Keymap::default();
        let key = |text| Key::parse(text).expect("valid");
        assert_eq!(map.command(key("d"), ScreenId::Now, Some(Kind::PullRequest)), Some(Command::DiffPr));
        assert_eq!(map.command(key("d"), ScreenId::Now, Some(Kind::Pod)), Some(Command::Describe));
        assert_eq!(map.command(key("w"), ScreenId::Logs, Some(Kind::Pod)), Some(Command::Wrap));
        assert_eq!(map.command(key("w"), ScreenId::Kube, Some(Kind::Pod)), Some(Command::Watch));
        assert_eq!(map.command(key("R"), ScreenId::Kube, None), None);
        assert_eq!(map.command(key("l"), ScreenId::Now, Some(Kind::Backend)), Some(Command::Login));
    }

    #[test]
    fn a_key_that_means_nothing_on_a_row_is_named_by_the_kinds_beside_it() {
        let map = Keymap::default();
        let key = Key::parse("s").expect("valid");
        let says = |kind: Kind| map.elsewhere(key, Some(kind), kind.word()).expect("it means something");
        assert_eq!(says(Kind::Workload), "s (shell) is for a pod; selected: workload");
        assert_eq!(says(Kind::Run), "s (silence) is for an alert; selected: run");
    }

    #[test]
    fn what_a_key_is_for_has_its_article() {
        assert_eq!(select_first(&[Kind::Object]), "select an object first");
        assert_eq!(select_first(&[Kind::Alert, Kind::Run]), "select an alert or run first");
        assert_eq!(select_first(&[Kind::Workload, Kind::Object]), "select a workload or object first");
    }

    #[test]
    fn own_keys_replace_and_unbind() {
        let own = BTreeMap::from([("roll-back".to_owned(), vec!["ctrl-l".to_owned()])]);
        assert!(Keymap::new(None, &own).is_err(), "no ctrl-letter mutates");
        let own = BTreeMap::from([("roll-back".to_owned(), vec![]), ("zoom".to_owned(), vec!["f5".to_owned()])]);
        let map = Keymap::new(None, &own).expect("valid");
        assert!(map.keys(Command::RollBack).is_empty());
        assert_eq!(map.shown(Command::Zoom).as_deref(), Some("f5"));
        let own = BTreeMap::from([("zoom".to_owned(), vec!["j".to_owned()])]);
        let errors = Keymap::new(None, &own).expect_err("j is taken");
        assert!(errors[0].contains("'down' and 'zoom'"), "{errors:?}");
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        let own = BTreeMap::from([("rollback".to_owned(), vec!["R".to_owned()])]);
        let errors = Keymap::new(None, &own).expect_err("unknown");
        assert!(errors[0].contains("did you mean 'roll-back'"), "{errors:?}");
    }

    proptest! {
        #[test]
        fn key_syntax_round_trips(text in "(ctrl-|alt-)?[a-z]|f[1-9]|[A-Z]|space|enter|pageup") {
            let key = Key::parse(&text).expect("valid by construction");
            prop_assert_eq!(key.to_string(), text);
        }

        #[test]
        fn key_syntax_never_panics(text in "\\PC{0,12}") {
            let _ = Key::parse(&text);
        }
    }
}
