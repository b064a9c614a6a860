//! How wide the columns of a table are.

use super::*;

/// Pods as a server lists them: those of load tests first, one that crashes last.
fn crashing_last(healthy: usize) -> ObjectTable {
    let healthy = (0..healthy).map(|number| row(&format!("load-{number:05}"), &["1/1", "Running", "0"]));
    let crashing = row("web-1", &["0/1", "CrashLoopBackOff", "7 (3m3s ago)"]);
    table(&["Name", "Ready", "Status", "Restarts"], healthy.chain(std::iter::once(crashing)).collect())
}

/// Few at once, and very many beside the screen.
#[test]
fn a_row_in_trouble_is_whole_wherever_it_is_listed() {
    let is_whole = |row: &str| row.contains(" CrashLoopBackOff ") && row.contains(" 7 (3m3s ago)");
    for healthy in [600, 20_000] {
        let mut desk = desk();
        desk.line("kind pods");
        desk.lists(&cluster(), Ok(crashing_last(healthy)));
        let mut screen = desk.screen();
        while !screen.contains(" web-1  ") {
            assert!(desk.app.dirty, "nothing more would be drawn:\n{screen}");
            std::thread::yield_now();
            screen = desk.screen();
        }
        let row = desk.row_with(" web-1  ");
        assert!(is_whole(&row), "{healthy}: {row}");
        // While the next answer is put in order, too.
        desk.lists(&cluster(), Ok(crashing_last(healthy + 1)));
        let row = desk.row_with(" web-1  ");
        assert!(is_whole(&row), "{healthy}: {row}");
    }
}
