//! What the tables of Argo CD, Flux and Argo Rollouts say of their objects, and what the footer names on a row.

use super::*;
use crate::{model::BackendId, ui::testing::cluster};

/// The table of a kind that the cluster serves beside the usual ones.
fn desk_with(group: &str, plural: &str, kind: &str, columns: &[&str], rows: Vec<TableRow>) -> Desk {
    let mut desk = Desk::new(incident());
    let mut all = served();
    all.list.push(resource(group, plural, kind, &[]));
    let cluster: BackendId = cluster();
    desk.answer(Query::Resources(cluster.clone()), Ok(Answer::Resources(Arc::new(all))));
    desk.line(format!("{plural}.{group}").trim_end_matches('.'));
    desk.lists(&cluster, Ok(table(columns, rows)));
    desk
}

fn in_order(desk: &mut Desk, names: &[&str]) {
    let screen = desk.screen();
    let places: Vec<usize> =
        names.iter().map(|name| screen.find(name).unwrap_or_else(|| panic!("no '{name}' in\n{screen}"))).collect();
    assert!(places.is_sorted(), "{names:?} in\n{screen}");
}

#[test]
fn gitops_objects_in_trouble_stand_first() {
    let rows = vec![
        row("a-fine", &["Healthy, Synced"]),
        row("b-moves", &["Progressing, Synced"]),
        row("c-drifts", &["Healthy, OutOfSync"]),
        row("d-broken", &["Degraded, OutOfSync"]),
        row("e-unread", &["Healthy, Unknown"]),
        row("f-failed", &["Healthy, OutOfSync, sync: Failed: no such namespace"]),
    ];
    let mut desk = desk_with("argoproj.io", "applications", "Application", &["Name", "State"], rows);
    in_order(&mut desk, &["d-broken", "f-failed", "c-drifts", "e-unread", "b-moves", "a-fine"]);
    assert!(desk.row_with("d-broken").contains("!!") && desk.row_with("c-drifts").contains("! "));

    let rows = vec![
        row("a-fine", &["True", "Ready"]),
        row("b-off", &["True", "Suspended"]),
        row("c-broken", &["False", "Failed: BuildFailed: no such file"]),
    ];
    for (group, plural, kind) in [
        ("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization"),
        ("helm.toolkit.fluxcd.io", "helmreleases", "HelmRelease"),
    ] {
        let mut desk = desk_with(group, plural, kind, &["Name", "Ready", "State"], rows.clone());
        in_order(&mut desk, &["c-broken", "b-off", "a-fine"]);
        assert!(desk.row_with("c-broken").contains("Failed: BuildFailed: no such file"));
    }

    let rows = vec![
        row("a-fine", &["Healthy"]),
        row("b-waits", &["Paused: CanaryPauseStep"]),
        row("c-broken", &["Aborted: RolloutAborted"]),
    ];
    let mut desk = desk_with("argoproj.io", "rollouts", "Rollout", &["Name", "State"], rows);
    in_order(&mut desk, &["c-broken", "b-waits", "a-fine"]);
}

#[test]
fn the_footer_names_logs_only_where_there_are_pods() {
    let footer = |desk: &mut Desk| desk.screen().lines().last().expect("a footer").to_owned();
    let service = vec![row("web", &["ClusterIP"])];
    let mut desk = desk();
    desk.line("svc");
    desk.lists(&cluster(), Ok(table(&["Name", "Type"], service)));
    assert!(footer(&mut desk).contains("l logs"), "{}", footer(&mut desk));
    let mut desk = desk_with("", "configmaps", "ConfigMap", &["Name", "Data"], vec![row("web", &["2"])]);
    let shown = footer(&mut desk);
    assert!(shown.contains("d describe") && !shown.contains("l logs") && !shown.contains("p previous"), "{shown}");
}

/// The key's cell in the footer is crossed out where the row refuses it.
#[test]
fn the_footer_greys_what_the_row_refuses() {
    use ratatui::style::Modifier;
    let is_grey = |desk: &mut Desk, words: &str| {
        let mut buf = Buffer::empty(Rect::new(0, 0, 300, 35));
        desk.app.draw(&mut buf, desk.clock.now());
        let row = rows_of(&buf).pop().expect("a footer");
        let at = row.find(words).unwrap_or_else(|| panic!("no '{words}' in {row}"));
        buf[(at as u16 + words.len() as u16 - 1, 34)].modifier.contains(Modifier::CROSSED_OUT)
    };
    let mut desk = Desk::new(incident());
    desk.keys("3");
    desk.frame((200, 35));
    desk.press(KeyCode::Tab);
    desk.frame((200, 35));
    assert!(!is_grey(&mut desk, "l logs"));
    assert!(is_grey(&mut desk, "s shell"), "no container of it runs");
}
