//! What lines, charts and arrows are drawn with: box drawing and Braille, or ASCII alone.

/// The six lines of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    pub horizontal: &'static str,
    pub vertical: &'static str,
    pub top_left: &'static str,
    pub top_right: &'static str,
    pub bottom_left: &'static str,
    pub bottom_right: &'static str,
}

/// Which of the glyph tables to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GlyphSet {
    /// Box drawing, block elements and Braille.
    #[default]
    Unicode,
    /// Box drawing, but no Braille: the Linux console's fonts have none.
    Console,
    /// `--ascii`, and whenever the terminal is not UTF-8.
    Ascii,
}

impl GlyphSet {
    pub const fn get(self) -> &'static Glyphs {
        match self {
            Self::Unicode => &UNICODE,
            Self::Console => &CONSOLE,
            Self::Ascii => &ASCII,
        }
    }
}

/// Every glyph used, each one cell wide unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    pub lines: Lines,
    /// A focused pane's frame: told apart without colour.
    pub lines_focused: Lines,
    /// Whether charts may use Braille dots.
    pub braille: bool,
    /// Stands for what was cut off.
    pub ellipsis: &'static str,
    /// Before the row under the cursor.
    pub cursor: &'static str,
    /// Before a marked row.
    pub marked: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub left: &'static str,
    pub right: &'static str,
    /// From one value to another; one or two cells.
    pub becomes: &'static str,
    pub sorted_up: &'static str,
    pub sorted_down: &'static str,
    pub scroll_thumb: &'static str,
    /// Levels of a sparkline, lowest first.
    pub spark: &'static [&'static str],
    /// A sparkline that neither rises nor falls.
    pub spark_flat: &'static str,
    pub bar_full: &'static str,
    pub bar_empty: &'static str,
    /// Ends of a bar; may be empty.
    pub bar_ends: (&'static str, &'static str),
    pub axis: &'static str,
    pub limit: &'static str,
    /// The column of a change in a chart.
    pub marker: &'static str,
    /// Before the label below a change's column.
    pub marker_foot: &'static str,
    pub time_cursor: &'static str,
    /// A chart's point where there is no Braille.
    pub point: &'static str,
    /// A chart's rising or falling column where there is no Braille.
    pub stroke: &'static str,
    /// Before the rest of a wrapped line.
    pub wrapped: &'static str,
    /// Across a table, before and after a group's name.
    pub rule: &'static str,
    /// Between things on one line.
    pub dot: &'static str,
}

const ROUND: Lines =
    Lines {
        horizontal: "─", vertical: "│", top_left: "╭", top_right: "╮", bottom_left: "╰", bottom_right: "╯"
    };
const SQUARE: Lines = Lines { top_left: "┌", top_right: "┐", bottom_left: "└", bottom_right: "┘", ..ROUND };
const DOUBLE: Lines =
    Lines {
        horizontal: "═", vertical: "║", top_left: "╔", top_right: "╗", bottom_left: "╚", bottom_right: "╝"
    };
const HEAVY: Lines =
    Lines {
        horizontal: "━", vertical: "┃", top_left: "┏", top_right: "┓", bottom_left: "┗", bottom_right: "┛"
    };
const PLAIN: Lines =
    Lines { horizontal: "-", vertical: "|", top_left: "+", top_right: "+", bottom_left: "+", bottom_right: "+" };

const UNICODE: Glyphs = Glyphs {
    lines: ROUND,
    lines_focused: HEAVY,
    braille: true,
    ellipsis: "…",
    cursor: "❯",
    marked: "•",
    up: "↑",
    down: "↓",
    left: "←",
    right: "→",
    becomes: "→",
    sorted_up: "▴",
    sorted_down: "▾",
    scroll_thumb: "▐",
    // No full block: the trends of two rows would run into each other.
    spark: &["▁", "▂", "▃", "▄", "▅", "▆", "▇"],
    spark_flat: "▂",
    bar_full: "━",
    bar_empty: "─",
    bar_ends: ("", ""),
    axis: "│",
    limit: "╌",
    marker: "┊",
    marker_foot: "▴",
    time_cursor: "│",
    point: "•",
    stroke: "│",
    wrapped: "↪",
    rule: "─",
    dot: "·",
};

const CONSOLE: Glyphs = Glyphs {
    lines: SQUARE,
    lines_focused: DOUBLE,
    braille: false,
    cursor: ">",
    sorted_up: "^",
    sorted_down: "v",
    spark: ASCII.spark,
    spark_flat: ASCII.spark_flat,
    bar_full: "█",
    bar_empty: "░",
    limit: "-",
    marker: ":",
    marker_foot: "^",
    point: "*",
    stroke: ".",
    wrapped: "\\",
    ellipsis: "~",
    ..UNICODE
};

const ASCII: Glyphs = Glyphs {
    lines: PLAIN,
    lines_focused: Lines { horizontal: "=", ..PLAIN },
    braille: false,
    ellipsis: "~",
    cursor: ">",
    marked: "+",
    up: "^",
    down: "v",
    left: "<",
    right: ">",
    becomes: "->",
    sorted_up: "^",
    sorted_down: "v",
    scroll_thumb: "#",
    spark: &["_", ".", "-", "~", "^"],
    spark_flat: "-",
    bar_full: "#",
    bar_empty: ".",
    bar_ends: ("[", "]"),
    axis: "|",
    limit: "-",
    marker: ":",
    marker_foot: "^",
    time_cursor: "|",
    point: "*",
    stroke: ".",
    wrapped: "\\",
    rule: "-",
    dot: ".",
};
