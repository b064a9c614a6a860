//! The README says what the program does: its table of keys is the program's own, its two commands are there, and what it
//! points to exists. `MIDWATCH_README=write cargo test --test readme` writes the table anew.

use std::{fs, path::Path, process::Command};

const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- /keys -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("a README")
}

#[test]
fn the_table_of_keys_is_the_programs_own() {
    let home = tempfile::tempdir().expect("a home");
    let printed = Command::new(env!("CARGO_BIN_EXE_midwatch"))
        .args(["keys", "--markdown"])
        .env_clear()
        .env("HOME", home.path())
        .output()
        .expect("it runs");
    assert!(printed.status.success(), "{printed:?}");
    let table = String::from_utf8(printed.stdout).expect("text");
    let readme = readme();
    let begin = readme.find(BEGIN).expect("the mark before the table") + BEGIN.len();
    let end = readme.find(END).expect("the mark after the table");
    let wanted = format!("\n{table}\n");
    if std::env::var("MIDWATCH_README").is_ok_and(|value| value == "write") {
        fs::write(root().join("README.md"), format!("{}{wanted}{}", &readme[..begin], &readme[end..]))
            .expect("written");
        return;
    }
    assert_eq!(
        &readme[begin..end],
        wanted,
        "the README's keys are not the program's: MIDWATCH_README=write cargo test --test readme"
    );
}

#[test]
fn the_two_commands_are_there() {
    let readme = readme();
    let commands: Vec<&str> = readme
        .lines()
        .skip_while(|line| *line != "## Two commands")
        .filter(|line| line.starts_with("cargo "))
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .take(2)
        .collect();
    assert_eq!(commands, ["cargo run -- demo", "cargo test"]);
}

#[test]
fn what_it_points_to_exists() {
    let readme = readme();
    let targets = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let mut count = 0;
    for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
        assert!(root().join(target).exists(), "'{target}' is not there");
        count += 1;
    }
    assert!(count >= 7, "pictures and files are linked");
}
