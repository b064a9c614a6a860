use super::*;
use crate::{
    model::metric::{PanelData, PanelKind, Reduced, Series, Table, TableCell, TableColumn},
    query::Answer,
    source::{Answered, ErrorKind, SourceError},
    ui::testing::{self, World},
};

fn say(world: &mut World, query: Query, body: Result<Answer, SourceError>) {
    let now = crate::time::Clock::now(&world.clock);
    world.store.answer(Answered { query, generation: 1, at: now.wall, body }, now);
}

fn story() -> (World, Metrics) {
    (testing::incident(), Metrics::default())
}

/// The story with its first panel changed, the read of it, and what it was answered.
fn first_panel(change: impl Fn(&mut Panel)) -> (World, Metrics, Query, Box<PanelData>) {
    let (mut world, mut screen) = story();
    world.drawn(&mut screen);
    let query = screen.wanted(&world.view()).remove(0);
    let Query::Panel(PanelQuery { panel, .. }) = query.clone() else { panic!("a panel") };
    let boards = world.store.dashboards.values_mut();
    boards.flat_map(|board| &mut board.panels).filter(|one| one.key == panel).for_each(change);
    let Some(Answer::Panel(data)) = world.store.answers[&query].value.clone() else { panic!("data") };
    (world, screen, query, data)
}

#[test]
fn charts_and_numbers_say_the_same() {
    let (world, mut screen) = story();
    let rows = world.drawn(&mut screen);
    insta::assert_snapshot!(rows.join("\n"), @r#"
    += 5xx %   now 30.6%   limit 5%   !! OVER =================++- req/s   now 1.5 K --------------------------------------+
    |    |                                    :                || 1.5K|*************************************************** |
    | 40%|                                    :                ||     |                                    :               |
    |    |                                    :                ||     |                                    :               |
    | 30%|                                    :         ****** ||   1K|                                    :               |
    |    |                                    :       **       ||     |                                    :               |
    | 20%|                                    :      *         ||     |                                    :               |
    |    |                                    :     **         ||  500|                                    :               |
    | 10%|                                    :    *           ||     |                                    :               |
    |  5%|------------------------------------:--**--- limit - ||     |                                    :               |
    |  0%|***************************************              ||    0|                                    :               |
    |     02:14                   02:44       ^myapp 412 03:14 ||      02:14                  02:44        ^myapp 412      |
    +==========================================================++----------------------------------------------------------+
    +- p95 ms   now 910.0   limit 500   !! OVER ---------------------------------------------------------------------------+
    |    |                                                                               :                                 |
    |  1K|                                                                               :                                 |
    |    |                                                                               :     *************************** |
    | 750|                                                                               :     .                           |
    |    |                                                                               :    .                            |
    | 500|-------------------------------------------------------------------------------:----.------------------- limit - |
    |    |                                                                               :    .                            |
    | 250|                                                                               :   .                             |
    |    |************************************************************************************                             |
    |   0|                                                                               :                                 |
    |     02:14                                                 02:44                    ^myapp 412                  03:14 |
    +----------------------------------------------------------------------------------------------------------------------+
    += NUMBERS   [myapp]  payments   ======================================================== range 1h   data to 03:14:22 =+
    |        panel                                           now        limit       1h ago    change  trend                |
    | >  !!  5xx %                                         30.6%           5%         0.1%      x306  _______________.-^^^ |
    |        req/s                                         1.5 K            -        1.5 K    steady  -------------------- |
    |    !!  p95 ms                                        910.0          500        140.0      x6.5  _______________^^^^^ |
    +======================================================================================================================+
    "#);
}

#[test]
fn every_wanted_panel_is_in_sight() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    let wanted = screen.wanted(&world.view());
    assert_eq!(wanted.len(), 3);
    assert!(wanted.iter().all(|query| world.store.answers.contains_key(query)), "one read serves chart and row");
    screen.run(Command::Enter, &world.view());
    let Some(Query::Panel(query)) = screen.wanted(&world.view()).into_iter().next() else { panic!("one") };
    assert_eq!((query.points, query.range_seconds), (240, 3600));
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("SERIES") && rows.contains("limit"), "the coarser data serves meanwhile: {rows}");
    let legend = rows.lines().find(|row| row.contains(" min ")).expect("heads of the legend");
    assert!(["now", "min", "max", "mean"].iter().all(|head| legend.contains(head)), "{rows}");
    // 31 of 61 minutes at 0.1 %, the others up to 30.6 %: the mean stands between.
    let line = rows.lines().skip_while(|row| !row.contains(" min ")).nth(1).expect("a line of it");
    assert!(line.contains("30.6%") && line.contains(" 0.1%"), "{rows}");
    assert!(matches!(screen.run(Command::Back, &world.view()), Reply::Done));
    assert!(world.drawn(&mut screen).join("\n").contains("NUMBERS"));
}

#[test]
fn the_time_cursor_moves_and_jumps_to_markers() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    screen.run(Command::CursorLeft, &world.view());
    let (_, to) = screen.bounds(&world.view());
    assert_eq!(screen.cursor, Some(to - 60_000));
    screen.run(Command::CursorRight, &world.view());
    assert_eq!(screen.cursor, None, "at the end there is none");
    screen.run(Command::NextMarker, &world.view());
    assert_eq!(screen.cursor, Some(testing::at("02:57").as_millisecond()));
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("at 02:57:00 myapp 412"), "{rows}");
    assert!(matches!(screen.run(Command::Back, &world.view()), Reply::Done));
    assert!(matches!(screen.run(Command::Back, &world.view()), Reply::Ignored));
}

/// Whole words or none: on a small screen the columns of numbers take its room.
#[test]
fn which_of_several_series_a_number_is_of_is_whole_or_left_out() {
    for (size, is_said) in [((120, 35), true), ((80, 24), false)] {
        let (mut world, mut screen) = story();
        world.size = size;
        let panels = world.store.answers.iter().filter_map(|(query, slot)| match &slot.value {
            Some(Answer::Panel(data)) => Some((query.clone(), data.clone())),
            _ => None,
        });
        for (query, mut data) in panels.collect::<Vec<_>>() {
            data.series.push(Series { name: "payments".into(), ..data.series[0].clone() });
            say(&mut world, query, Ok(Answer::Panel(data)));
        }
        let number = |screen: &mut Metrics| {
            let rows = world.drawn(screen);
            rows.into_iter().find(|row| row.contains("p95 ms  ") && row.contains("x6.5")).expect("a row of numbers")
        };
        for row in [number(&mut screen), {
            screen.run(Command::NextMarker, &world.view());
            number(&mut screen)
        }] {
            assert_eq!((row.contains(" highest of 2 "), row.contains(" high")), (is_said, is_said), "{row}");
        }
    }
}

#[test]
fn a_filter_keeps_the_selected_panel_and_gives_way_to_one_that_is_meant() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    let selected = |screen: &Metrics| screen.panel(&world.view()).map(|panel| panel.title.to_string());
    let first = Target::Panel(screen.list.selected().cloned().expect("a panel"));
    screen.set_filter("s", &world.view());
    assert_eq!(selected(&screen).as_deref(), Some("req/s"));
    screen.run(Command::Down, &world.view());
    screen.set_filter("", &world.view());
    assert_eq!(selected(&screen).as_deref(), Some("p95 ms"));
    screen.set_filter("s", &world.view());
    assert!(screen.reveal(&first, &world.view()), "at once, though a key was just pressed");
}

#[test]
fn ranges_go_round_and_zoom() {
    let (world, mut screen) = story();
    world.drawn(&mut screen);
    let mut seen = Vec::new();
    for command in [Command::Range, Command::Range, Command::Range, Command::ZoomIn, Command::ZoomOut] {
        screen.run(command, &world.view());
        seen.push(screen.range(&world.view()));
    }
    assert_eq!(seen, [21_600, 86_400, 900, 450, 900]);
    assert!(world.drawn(&mut screen).join("\n").contains("15m ago"));
}

#[test]
fn tab_shows_the_next_dashboard() {
    let (world, mut screen) = story();
    assert!(world.drawn(&mut screen).join("\n").contains("[myapp]"));
    screen.run(Command::NextPane, &world.view());
    let rows = world.drawn(&mut screen).join("\n");
    assert!(rows.contains("[payments]") && rows.contains("payments 88") || rows.contains("[payments]"), "{rows}");
    let panel = PanelKey { dashboard: screen.boards[0].clone(), id: 2 };
    assert!(screen.reveal(&Target::Panel(panel.clone()), &world.view()));
    assert_eq!(screen.selected(&world.view()), Some(Target::Panel(panel)));
}

#[test]
fn failures_are_named_and_old_data_is_marked() {
    let (mut world, mut screen) = story();
    world.drawn(&mut screen);
    let query = screen.wanted(&world.view()).remove(0);
    let Some(Answer::Panel(data)) = world.store.answers[&query].value.clone() else { panic!("data") };
    let partial = PanelData { failures: vec!["query B: parse error at char 3".into()], ..*data };
    say(&mut world, query.clone(), Ok(Answer::Panel(Box::new(partial))));
    assert!(world.drawn(&mut screen).join("\n").contains("?? query B: parse error at char 3"));
    say(&mut world, query, Err(SourceError::new(ErrorKind::TimedOut, "Grafana gave no answer within 30 s")));
    let rows = world.drawn(&mut screen);
    assert!(rows.join("\n").contains("Grafana gave no answer"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("??  5xx %")), "the row of numbers is marked too: {rows:#?}");
    let mut none = Metrics::default();
    let mut world = World::new();
    assert!(world.drawn(&mut none).join("\n").contains("loading"));
    world.fail(&testing::grafana(), "Grafana does not answer");
    assert!(world.drawn(&mut none).join("\n").contains("?? Grafana does not answer"));
    assert!(World::live().drawn(&mut none).join("\n").contains("no dashboard with panels"));
}

/// A panel that says UP or DOWN by mappings is red by their colour, whatever its steps are; and it passed no limit.
#[test]
fn the_colour_of_a_mapping_says_what_is_wrong() {
    let (mut world, mut screen, query, data) =
        first_panel(|panel| (panel.kind, panel.scale.thresholds) = (PanelKind::Stat, Vec::new()));
    for (value, text, color, mark) in [
        (Some(0.0), "DOWN", Some("dark-red"), "!!"),
        (Some(1.0), "UP", Some("green"), ""),
        // A mapping of no value.
        (None, "NOTHING", Some("#F2495C"), "!!"),
        (Some(1.0), "UP", None, ""),
    ] {
        let series = if value.is_some() { data.series.clone() } else { Vec::new() };
        let color = color.map(Clean::own);
        let reduced = vec![Reduced { value, text: text.into(), color, ..Reduced::default() }];
        let mapped = PanelData { series, reduced, ..*data.clone() };
        say(&mut world, query.clone(), Ok(Answer::Panel(Box::new(mapped))));
        let rows = world.drawn(&mut screen);
        let title = &rows[0][..60];
        assert!(title.contains(&format!("now {text}")) || mark.is_empty(), "{title}");
        assert_eq!((title.contains("!!"), title.contains("OVER")), (!mark.is_empty(), false), "{title}");
        let mut numbers = rows.iter().skip_while(|row| !row.contains("NUMBERS"));
        let row = numbers.find(|row| row.contains(" 5xx % ")).expect("a row of numbers");
        assert!(row.contains(text) && row.contains(mark), "{row}");
    }
}

/// A gauge of nodes: a row each, the fullest first; what does not fit is counted.
#[test]
fn several_values_are_a_row_each_those_nearest_to_trouble_first() {
    let (mut world, mut screen, query, data) = first_panel(|panel| panel.kind = PanelKind::Gauge);
    let values = [("node-1", Some(2.0)), ("node-2", Some(92.1)), ("node-3", None), ("node-4", Some(7.5))];
    let gauge = |copies: usize| PanelData {
        series: Vec::new(),
        reduced: values
            .repeat(copies)
            .iter()
            .map(|(name, value)| Reduced {
                name: (*name).into(),
                value: *value,
                text: value.map_or_else(|| "none".into(), |value| Clean::own(format!("{value:.1}%"))),
                ..Reduced::default()
            })
            .collect(),
        ..*data.clone()
    };
    say(&mut world, query.clone(), Ok(Answer::Panel(Box::new(gauge(1)))));
    let rows = world.drawn(&mut screen);
    assert!(rows[0].contains("now 92.1%") && rows[0].contains("!! OVER"), "{}", rows[0]);
    let inside: Vec<&str> = rows[1..5].iter().map(|row| row[2..59].trim_end()).collect();
    for (row, (mark, name, text)) in inside.iter().zip([
        ("!!", "node-2", "92.1%"),
        ("!!", "node-4", " 7.5%"),
        ("  ", "node-1", " 2.0%"),
        ("  ", "node-3", " none"),
    ]) {
        assert!(row.starts_with(&format!("{mark} {name}  {text}  [")), "{inside:#?}");
    }
    assert!(rows.iter().any(|row| row.contains("5xx %  highest of 4")), "{rows:#?}");
    say(&mut world, query, Ok(Answer::Panel(Box::new(gauge(5)))));
    let rows = world.drawn(&mut screen);
    let counted = rows.iter().find(|row| row[..60].contains(" more")).expect("how many do not fit");
    let shown = rows.iter().filter(|row| row[..60].contains("node-")).count();
    assert!(counted.contains(&format!("and {} more", 20 - shown)), "{rows:#?}");
}

/// A table stands among the charts with its first rows; open, it is sorted and all of it is reached.
#[test]
fn a_table_is_read_sorted_and_scrolled() {
    let (mut world, mut screen, query, data) = first_panel(|panel| panel.kind = PanelKind::Table);
    let cell = |text: String, number: Option<f64>, color: Option<&str>| TableCell {
        text: Clean::own(text),
        number,
        color: color.map(Clean::own),
    };
    let column = |name: &str, is_number| TableColumn { name: Clean::own(name), is_number, is_coloured: false };
    let rows = (0..60).map(|row| {
        let load = f64::from(row * 7 % 60);
        let color = (load > 58.0).then_some("red");
        vec![cell(format!("node-{row:02}"), None, None), cell(format!("{load:.1}%"), Some(load), color)]
    });
    let table =
        Table { columns: vec![column("host", false), column("load", true)], rows: rows.collect(), more_rows: 940 };
    let data = PanelData { series: Vec::new(), table: Some(table), ..*data };
    say(&mut world, query, Ok(Answer::Panel(Box::new(data))));
    let rows = world.drawn(&mut screen);
    assert!(rows[0].contains("1000 rows") && rows[1].contains("host") && rows[2].contains("node-00"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("and 940 more rows: o opens them")), "{rows:#?}");
    let mut numbers = rows.iter().skip_while(|row| !row.contains("NUMBERS"));
    assert!(numbers.any(|row| row.contains("5xx %") && row.contains("1000 rows")), "{rows:#?}");

    let first = |world: &mut World, screen: &mut Metrics| world.drawn(screen)[2].clone();
    screen.run(Command::Enter, &world.view());
    assert!(first(&mut world, &mut screen).contains("node-00"));
    screen.run(Command::SortNext, &world.view());
    screen.run(Command::SortNext, &world.view());
    screen.run(Command::SortNext, &world.view());
    assert!(first(&mut world, &mut screen).contains("59.0%"), "{:#?}", world.drawn(&mut screen));
    screen.run(Command::Bottom, &world.view());
    let rows = world.drawn(&mut screen);
    assert!(
        rows.iter().any(|row| row.contains("node-00") && row.contains(" 0.0%")),
        "the least is the last: {rows:#?}"
    );
    screen.run(Command::Back, &world.view());
    assert!(world.drawn(&mut screen).iter().any(|row| row.contains("NUMBERS")), "back among the others");
}

#[test]
fn at_80_columns_numbers_and_the_chart_of_the_selected() {
    let (mut world, mut screen) = story();
    world.size = (80, 24);
    let rows = world.drawn(&mut screen);
    let text = rows.join("\n");
    assert!(text.contains("x306") && text.contains("!! OVER"), "{text}");
    assert!(rows[0].contains("[myapp]") && rows[6].contains("5xx %"), "the numbers stand first: {text}");
    // Where it would be too low to be read there is none, until Enter.
    world.size = (80, 12);
    assert!(!world.drawn(&mut screen).join("\n").contains("OVER"));
    screen.run(Command::Enter, &world.view());
    assert!(world.drawn(&mut screen).join("\n").contains("!! OVER"));
}

/// What it was then is whole; what it was an hour ago gives way.
#[test]
fn at_80_columns_the_number_at_the_moment_is_not_cut() {
    let (mut world, mut screen) = story();
    for board in world.store.dashboards.values_mut() {
        for panel in board.panels.iter_mut().filter(|panel| *panel.title == *"req/s") {
            panel.scale.unit = crate::model::metric::Unit { id: "reqps".into(), decimals: Some(2) };
        }
    }
    world.size = (80, 24);
    world.drawn(&mut screen);
    screen.run(Command::CursorLeft, &world.view());
    let rows = world.drawn(&mut screen);
    assert!(rows.iter().any(|row| row.ends_with("K req/s |")), "{rows:#?}");
}
