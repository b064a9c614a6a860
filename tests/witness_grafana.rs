//! The fixtures of `tests/fixtures/grafana` against Grafana's own package, by way of node: what the library's tests compare
//! with is what `@grafana/data` says. `MIDWATCH_FIXTURES=write` writes them anew, as after another version of the package.

#[path = "witness/packages.rs"]
mod packages;

use std::{path::Path, process::Command};

#[test]
fn the_fixtures_are_what_grafanas_own_package_says() {
    let Some(folder) = packages::with("@grafana/data") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("tests/fixtures/grafana");
    let said = tempfile::tempdir().unwrap();
    let output = Command::new("node")
        .arg(root.join("tests/witness/grafana.mjs"))
        .arg(said.path())
        .env("MIDWATCH_NPM_WITNESS", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["units.json", "reducers.json", "intervals.json", "names.json", "displays.json"] {
        let theirs = std::fs::read_to_string(said.path().join(name)).unwrap();
        if std::env::var_os("MIDWATCH_FIXTURES").is_some_and(|wish| wish == "write") {
            std::fs::write(fixtures.join(name), &theirs).unwrap();
        }
        let ours = std::fs::read_to_string(fixtures.join(name)).unwrap();
        let differs = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
        assert!(ours == theirs, "{name} is not what the package says: {differs:.400?}");
    }
}
