//! A terminal's screen as an SVG: one rectangle for each run of background, one text for each run of cells that look the
//! same. Every text is held to the cells' grid, whatever font the reader has.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// Of a cell, and of the room around the screen, in pixels.
const WIDTH: u32 = 9;
const HEIGHT: u32 = 17;
const ROOM: u32 = 12;
/// From a cell's top to its baseline.
const BASELINE: u32 = 13;
const GROUND: Rgb = (0x10, 0x12, 0x18);
const INK: Rgb = (0xd6, 0xda, 0xe2);
const FONTS: &str = "'DejaVu Sans Mono','JetBrains Mono','Cascadia Mono',Menlo,Consolas,monospace";

type Rgb = (u8, u8, u8);

/// What must be the same for two cells to be one run.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    ink: Rgb,
    ground: Rgb,
    is_bold: bool,
    is_italic: bool,
    is_underlined: bool,
    /// Lines and Braille often come from another font: texts of their own keep their place.
    is_line: bool,
    is_braille: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (mut ink, mut ground) = (rgb(cell.fgcolor(), INK), rgb(cell.bgcolor(), GROUND));
        if cell.inverse() {
            std::mem::swap(&mut ink, &mut ground);
        }
        if cell.dim() {
            ink = halfway(ink, ground);
        }
        Self {
            ink,
            ground,
            is_bold: cell.bold(),
            is_italic: cell.italic(),
            is_underlined: cell.underline(),
            is_line: cell.contents().starts_with(|c| matches!(c, '\u{2500}'..='\u{259f}')),
            is_braille: cell.contents().starts_with(|c| matches!(c, '\u{2800}'..='\u{28ff}')),
        }
    }

    /// Cells of one text at most: where a reader's program does not stretch texts, Braille must not run away.
    fn longest(self) -> u32 {
        if self.is_braille { 3 } else { u32::MAX }
    }
}

/// Cells of one row that look the same.
struct Run {
    column: u32,
    cells: u32,
    look: Look,
    text: String,
}

/// The whole screen; `title` is what it shows, for those who do not see it.
pub fn draw(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (wide, high) = (u32::from(columns.get()) * WIDTH + 2 * ROOM, u32::from(rows.get()) * HEIGHT + 2 * ROOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" height=\"{high}\" \
         role=\"img\">\n<title>{}</title>\n<rect width=\"{wide}\" height=\"{high}\" rx=\"8\" fill=\"{}\"/>\n\
         <g font-family=\"{FONTS}\" font-size=\"14.95\" fill=\"{}\" xml:space=\"preserve\">\n",
        escaped(title),
        hex(GROUND),
        hex(INK),
    );
    for row in 0..rows.get() {
        let runs = runs(screen, row, columns.get());
        // All grounds first: a glyph may reach over its cell.
        for run in &runs {
            ground(&mut svg, run, u32::from(row));
        }
        for run in &runs {
            text(&mut svg, run, u32::from(row));
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else { continue };
        let look = Look::of(cell);
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let cells = if cell.is_wide() { 2 } else { 1 };
        match runs.last_mut() {
            Some(run) if run.look == look && run.cells < look.longest() => {
                run.cells += cells;
                run.text.push_str(text);
            }
            _ => runs.push(Run { column: u32::from(column), cells, look, text: text.to_owned() }),
        }
    }
    runs
}

fn ground(svg: &mut String, run: &Run, row: u32) {
    if run.look.ground == GROUND {
        return;
    }
    let (x, y, wide) = (ROOM + run.column * WIDTH, ROOM + row * HEIGHT, run.cells * WIDTH);
    let fill = hex(run.look.ground);
    let _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>");
}

fn text(svg: &mut String, run: &Run, row: u32) {
    let kept = run.text.trim_end();
    if kept.trim_start().is_empty() {
        return;
    }
    // Blanks are one cell wide each.
    let leading = (kept.len() - kept.trim_start().len()) as u32;
    let cells = run.cells - leading - (run.text.len() - kept.len()) as u32;
    let (x, y) = (ROOM + (run.column + leading) * WIDTH, ROOM + row * HEIGHT + BASELINE);
    let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\"");
    if cells > 1 {
        let _ = write!(svg, " textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", cells * WIDTH);
    }
    if run.look.ink != INK {
        let _ = write!(svg, " fill=\"{}\"", hex(run.look.ink));
    }
    for (is_set, attribute) in [
        (run.look.is_bold, " font-weight=\"bold\""),
        (run.look.is_italic, " font-style=\"italic\""),
        (run.look.is_underlined, " text-decoration=\"underline\""),
    ] {
        svg.push_str(if is_set { attribute } else { "" });
    }
    let _ = writeln!(svg, ">{}</text>", escaped(kept.trim_start()));
}

/// Nothing that a screen can hold ends a text or an attribute. Control characters have no place in XML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn halfway(a: Rgb, b: Rgb) -> Rgb {
    let mid = |a: u8, b: u8| ((u16::from(a) * 3 + u16::from(b) * 2) / 5) as u8;
    (mid(a.0, b.0), mid(a.1, b.1), mid(a.2, b.2))
}

/// xterm's 256 colours.
fn rgb(color: Color, default: Rgb) -> Rgb {
    const ANSI: [Rgb; 16] = [
        (0x00, 0x00, 0x00),
        (0xcd, 0x31, 0x31),
        (0x4e, 0x9a, 0x06),
        (0xc4, 0xa0, 0x00),
        (0x34, 0x65, 0xa4),
        (0x95, 0x60, 0xa0),
        (0x06, 0x98, 0x9a),
        (0xd3, 0xd7, 0xcf),
        (0x6b, 0x70, 0x78),
        (0xff, 0x6e, 0x6a),
        (0x8f, 0xc9, 0x7b),
        (0xe8, 0xb6, 0x5a),
        (0x7a, 0xb0, 0xff),
        (0xcb, 0xa0, 0xf2),
        (0x62, 0xc4, 0xd6),
        (0xff, 0xff, 0xff),
    ];
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match color {
        Color::Default => default,
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Idx(index @ 0..16) => ANSI[usize::from(index)],
        Color::Idx(index @ 16..232) => {
            let index = index - 16;
            (level(index / 36), level(index / 6 % 6), level(index % 6))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}
