use super::super::cells::rows_of;
use super::super::testing::{ascii, dark, drawn, everywhere};
use super::*;
use std::cell::RefCell;

static COLUMNS: [Column<'static>; 5] = [
    Column::new("st", 2, 255),
    Column::new("name", 10, 250).min(6).grows(),
    Column::new("ready", 5, 200).right().sorted(Some(Sort::Descending)),
    Column::new("owner", 7, 20),
    Column::new("age", 3, 50),
];

fn cells(index: usize) -> Vec<Line<'static>> {
    vec!["ok".into(), format!("pod-{index:05}").into(), format!("{index}/9").into(), "argo".into(), "3d".into()]
}

#[test]
fn only_visible_rows_are_asked_for() {
    let theme = ascii();
    let asked = RefCell::new(Vec::new());
    let mut state = TableState::default();
    let rows = drawn(40, 5, |area, buf| {
        VirtualTable::new(&theme, &COLUMNS, 1_000_000).cursor(Some(500_000)).render(area, buf, &mut state, |index| {
            asked.borrow_mut().push(index);
            Row::item(cells(index))
        });
    });
    assert_eq!(*asked.borrow(), [499_997, 499_998, 499_999, 500_000]);
    assert_eq!(
        rows,
        [
            "   st  name         readyv  owner    age",
            "   ok  pod-499997   49999~  argo     3d",
            "   ok  pod-499998   49999~  argo     3d",
            "   ok  pod-499999   49999~  argo     3d",
            ">  ok  pod-500000   50000~  argo     3d",
        ]
    );
}

#[test]
fn a_cell_that_spills_goes_on_into_what_the_next_one_leaves_free() {
    let theme = ascii();
    let rows = [("why it is broken, in words", "3m"), ("why it is broken, in words", "since 02:59"), ("fine", "3m")];
    let shown = |says: Column<'static>| {
        let columns = [says, Column::new("", 11, 90).right()];
        drawn(36, 3, |area, buf| {
            let mut state = TableState::default();
            VirtualTable::new(&theme, &columns, rows.len())
                .header(false)
                .render(area, buf, &mut state, |index| Row::item(vec![rows[index].0.into(), rows[index].1.into()]));
        })
    };
    let says = Column::new("", 20, 99);
    assert_eq!(shown(says)[0], "   why it is broken, i~           3m");
    assert_eq!(
        shown(says.spills()),
        [
            "   why it is broken, in words     3m",
            "   why it is broken, i~  since 02:59",
            "   fine                           3m",
        ]
    );
}

#[test]
fn columns_leave_by_importance() {
    let shown = |room| place(&COLUMNS, room).iter().map(|p| (p.column, p.width)).collect::<Vec<_>>();
    assert_eq!(shown(40), [(0, 2), (1, 14), (2, 6), (3, 7), (4, 3)]);
    assert_eq!(shown(31), [(0, 2), (1, 6), (2, 5), (3, 7), (4, 3)]);
    assert_eq!(shown(30), [(0, 2), (1, 13), (2, 6), (4, 3)]);
    assert_eq!(shown(18), [(0, 2), (1, 7), (2, 5)]);
    assert_eq!(shown(3), [(0, 2)]);
    assert_eq!(shown(0), [(0, 0)]);
}

#[test]
fn columns_come_back_where_the_others_leave_room() {
    // What says least is wide: it goes first, then what is less, and that has room again.
    let columns = [
        Column::new("name", 10, 99),
        Column::new("claim", 20, 50),
        Column::new("up-to-date", 10, 40),
        Column::new("age", 3, 30),
    ];
    let shown = |placed: Vec<Placed>| placed.iter().map(|place| place.column).collect::<Vec<_>>();
    assert_eq!(shown(place(&columns, 31)), [0]);
    assert_eq!(shown(place_all(&columns, 31)), [0, 2, 3]);
    assert_eq!(shown(place_all(&columns, 14)), [0], "never by taking from the others");
    assert_eq!(shown(place_all(&columns, 49)), [0, 1, 2, 3]);
}

#[test]
fn groups_marks_notes_and_an_unfocused_cursor() {
    let theme = ascii();
    let rows = drawn(34, 6, |area, buf| {
        let mut state = TableState::default();
        let table = VirtualTable::new(&theme, &COLUMNS, 4).cursor(Some(1)).above(Some("2 new above"));
        let hits = table.render(area, buf, &mut state, |index| match index {
            0 => Row::Group("NEEDS YOU".into()),
            1 => Row::Item { cells: cells(1), marked: true, style: Style::new() },
            2 => Row::Wide("because its image cannot be pulled".into()),
            _ => Row::item(cells(3)),
        });
        assert_eq!(hits.at(Position::new(9, 2)), Some(TableHit::Row(1)));
        assert_eq!(hits.at(Position::new(8, 0)), Some(TableHit::Head(1)));
        assert_eq!(hits.at(Position::new(8, 5)), None);
    });
    assert_eq!(
        rows,
        [
            "   st  name    read  ^ 2 new above",
            "-- NEEDS YOU ---------------------",
            ">+ ok  pod-0~    1/9  argo     3d",
            "   because its image cannot be pu~",
            "   ok  pod-0~    3/9  argo     3d",
            "",
        ]
    );
}

#[test]
fn sideways_shows_all_columns_and_cuts_wide_characters_cleanly() {
    let theme = ascii();
    let wide = || vec!["ok".into(), "日本語日本".into(), "1/9".into(), "argo".into(), "3d".into()];
    let mut state = TableState { offset: 0, x: 5 };
    let draw = |state: &mut TableState| {
        drawn(20, 2, |area, buf| {
            VirtualTable::new(&theme, &COLUMNS, 1).render(area, buf, state, |_| Row::item(wide()));
        })
    };
    assert_eq!(draw(&mut state)[1], "    本語日本     1/9");
    state.x = 9999;
    assert_eq!(draw(&mut state)[1], "   1/9  argo     3d");
    assert!(draw(&mut state)[0].starts_with('<'));
}

#[test]
fn what_is_pinned_stays_while_the_rest_goes_sideways() {
    let theme = ascii();
    let mut state = TableState { offset: 0, x: 9 };
    let rows = drawn(30, 2, |area, buf| {
        let table = VirtualTable::new(&theme, &COLUMNS, 1).pinned(2);
        let hits = table.render(area, buf, &mut state, |_| Row::item(cells(7)));
        let heads: Vec<usize> = hits.heads.iter().map(|(_, column)| *column).collect();
        assert_eq!(heads, [0, 1, 3, 4]);
    });
    assert_eq!(rows[1], "   ok  pod-00007   ~go     3d", "apart, and cut to be seen");
    let rows = drawn(30, 2, |area, buf| {
        VirtualTable::new(&theme, &COLUMNS, 1).render(area, buf, &mut state, |_| Row::item(cells(7)));
    });
    assert!(!rows[1].contains("pod-000"), "{rows:?}");
}

#[test]
fn the_window_follows_the_cursor_with_a_margin() {
    let mut state = TableState::default();
    state.follow(Some(9), 100, 10);
    assert_eq!(state.offset, 2);
    state.follow(Some(3), 100, 10);
    assert_eq!(state.offset, 1);
    state.follow(Some(99), 100, 10);
    assert_eq!(state.offset, 90);
    state.follow(Some(0), 1, 10);
    assert_eq!(state.offset, 0);
    state.follow(None, 0, 0);
}

#[test]
fn the_selected_row_is_painted_to_its_end() {
    let theme = dark();
    let mut buf = Buffer::empty(Rect::new(0, 0, 40, 3));
    VirtualTable::new(&theme, &COLUMNS, 2).cursor(Some(0)).render(
        buf.area,
        &mut buf,
        &mut TableState::default(),
        |index| Row::item(cells(index)),
    );
    assert!((0..40).all(|x| Some(buf[(x, 1)].bg) == theme.selection.bg));
    assert!(rows_of(&buf)[1].starts_with("❯  ok"));
    assert_eq!(buf[(0, 2)].bg, ratatui::style::Color::Reset);
}

#[test]
fn any_size_is_safe() {
    everywhere(|theme, area, buf| {
        for x in [0, 4, 900] {
            let mut state = TableState { offset: 50, x };
            let table = VirtualTable::new(theme, &COLUMNS, 9).cursor(Some(8)).above(Some("1 new above"));
            table.render(area, buf, &mut state, |index| match index % 3 {
                0 => Row::Group("GROUP".into()),
                1 => Row::Wide("wide".into()),
                _ => Row::item(cells(index)),
            });
            VirtualTable::new(theme, &[], 0).empty("none match").render(area, buf, &mut state, |_| Row::item(vec![]));
        }
    });
}
