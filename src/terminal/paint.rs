//! Turns a frame into the fewest bytes that make the terminal show it. Pure: what is shown, and what shall be.

mod sgr;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use sgr::{Pen, look_alike};
use std::io::Write as _;
use unicode_width::UnicodeWidthStr;

/// A place that leads to a page when clicked (OSC 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// One row.
    pub area: Rect,
    /// `http` or `https`; anything else is drawn without a link.
    pub url: String,
}

/// One finished screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// The whole screen; its area begins at 0,0.
    pub buffer: Buffer,
    /// Where the cursor blinks; hidden if nowhere.
    pub cursor: Option<Position>,
    pub links: Vec<Link>,
}

/// What the terminal shows, as far as we know.
#[derive(Debug, Default)]
pub struct Painter {
    shown: Buffer,
    links: Vec<Link>,
    cursor: Option<Position>,
    /// Nothing is known of the screen: clear it first.
    unknown: bool,
    with_links: bool,
}

impl Painter {
    /// `with_links`: whether the terminal knows OSC 8.
    pub fn new(with_links: bool) -> Self {
        Self { unknown: true, with_links, ..Self::default() }
    }

    /// Somebody else wrote to the terminal: draw everything with the next frame.
    pub fn forget(&mut self) {
        self.unknown = true;
    }

    /// Appends the bytes that lead from what is shown to `frame`: none if that is the same. Returns the buffer that was
    /// shown before, to be drawn into again.
    pub fn paint(&mut self, mut frame: Frame, out: &mut Vec<u8>) -> Buffer {
        if !self.with_links {
            frame.links.clear();
        }
        frame.links.retain(|link| is_safe(&link.url));
        let start = out.len();
        // Terminals that know it show the whole frame at once.
        out.extend_from_slice(b"\x1b[?2026h");
        let begun = out.len();
        let fresh = self.unknown || self.shown.area != frame.buffer.area;
        if fresh {
            out.extend_from_slice(b"\x1b[0m\x1b[?25l\x1b[2J");
            self.shown = Buffer::empty(frame.buffer.area);
            (self.links, self.cursor, self.unknown) = (Vec::new(), None, false);
        }
        self.mark_changed_links(&frame);
        self.cells(&frame, out);
        let drawn = out.len() > begun;
        self.place_cursor(frame.cursor, drawn, out);
        if out.len() == begun {
            out.truncate(start);
        } else {
            out.extend_from_slice(b"\x1b[?2026l");
        }
        self.links = frame.links;
        std::mem::replace(&mut self.shown, frame.buffer)
    }

    /// Makes the cells of links that come or go differ from what is shown, so that they are written anew.
    fn mark_changed_links(&mut self, frame: &Frame) {
        let gone = self.links.iter().filter(|link| !frame.links.contains(link));
        let new = frame.links.iter().filter(|link| !self.links.contains(link));
        for link in gone.chain(new) {
            for position in link.area.intersection(self.shown.area).positions() {
                self.shown[position].modifier.toggle(Modifier::HIDDEN);
            }
        }
    }

    fn cells(&self, frame: &Frame, out: &mut Vec<u8>) {
        let mut pen = Pen::default();
        let mut next: Option<Position> = None;
        let mut inside: Option<&Link> = None;
        let cells = changed(&self.shown, &frame.buffer);
        let mut index = 0;
        while let Some((at, cell)) = cells.get(index) {
            let (at, Position { x, y }) = (*at, *at);
            let link = frame.links.iter().find(|link| link.area.contains(at));
            let other = link.map(|link| &link.url) != inside.map(|link| &link.url);
            if other && inside.is_some() {
                out.extend_from_slice(LINK_END);
            }
            // What is written over or erased must not take a link with it.
            let is_plain = !other && !frame.links.iter().any(|link| link.area.y == y);
            if !(is_plain && write_over(&frame.buffer, next, at, pen, out)) {
                move_to(at, next, out);
            }
            if other && let Some(link) = link {
                begin_link(link, out);
            }
            inside = link;
            pen.set(cell, out);
            let (count, width) = if is_plain && pen.erases() { blanks(&frame.buffer, &cells[index..]) } else { (0, 0) };
            if width >= SHORTEST_ERASED {
                // The cursor stays where the erased cells begin.
                let _ = write!(out, "\x1b[{width}X");
                (index, next) = (index + count, Some(at));
                continue;
            }
            index += 1;
            let symbol = cell.symbol();
            // ratatui drops control characters; what a future one lets through must not reach the terminal either.
            let harmless = !symbol.is_empty() && !symbol.chars().any(char::is_control);
            // Where terminals may count cells differently, the next cell is addressed, not assumed. So too at the right
            // edge, where the cursor waits to wrap.
            if symbol.contains('\u{fe0f}') {
                // Some terminals take one cell for it and leave the other as it was: blank both first.
                out.extend_from_slice(b"  ");
                move_to(at, None, out);
            }
            out.extend_from_slice(if harmless { symbol.as_bytes() } else { b" " });
            let certain = harmless && symbol.width() == 1 && symbol.chars().nth(1).is_none();
            next = (certain && x + 1 < frame.buffer.area.right()).then_some(Position { x: x + 1, y });
        }
        if inside.is_some() {
            out.extend_from_slice(LINK_END);
        }
        pen.finish(out);
    }

    fn place_cursor(&mut self, cursor: Option<Position>, moved: bool, out: &mut Vec<u8>) {
        match cursor {
            Some(at) => {
                if moved || self.cursor != cursor {
                    let _ = write!(out, "\x1b[{};{}H", at.y + 1, at.x + 1);
                }
                if self.cursor.is_none() {
                    out.extend_from_slice(b"\x1b[?25h");
                }
            }
            None if self.cursor.is_some() => out.extend_from_slice(b"\x1b[?25l"),
            None => {}
        }
        self.cursor = cursor;
    }
}

/// Whether an address can stand in an escape sequence: a web address of visible ASCII.
fn is_safe(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() < 2000
        && url.bytes().all(|byte| byte.is_ascii_graphic())
}

const LINK_END: &[u8] = b"\x1b]8;;\x1b\\";

/// Begins a link. The id joins its pieces, so that they light up together.
fn begin_link(link: &Link, out: &mut Vec<u8>) {
    let id = link
        .url
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let _ = write!(out, "\x1b]8;id={:08x};{}\x1b\\", id as u32, link.url);
}

/// Moves the terminal's cursor, which stands at `from` as far as that is certain.
fn move_to(at: Position, from: Option<Position>, out: &mut Vec<u8>) {
    match from {
        Some(from) if from == at => {}
        Some(from) if from.y == at.y && at.x > from.x && at.x - from.x < 10 => {
            let _ = write!(out, "\x1b[{}C", at.x - from.x);
        }
        _ => {
            let _ = write!(out, "\x1b[{};{}H", at.y + 1, at.x + 1);
        }
    }
}

/// Writes the few cells between `from` and `to` again where that takes fewer bytes than moving over them. False: nothing
/// was written.
fn write_over(next: &Buffer, from: Option<Position>, to: Position, pen: Pen, out: &mut Vec<u8>) -> bool {
    /// `ESC [ n C` is four bytes.
    const MOST: u16 = 4;
    let Some(from) = from.filter(|from| from.y == to.y && from.x < to.x && to.x - from.x <= MOST) else { return false };
    let between = || (from.x..to.x).map(|x| &next[(x, to.y)]);
    let is_same = |cell: &Cell| matches!(cell.symbol().as_bytes(), [b' '..=b'~']) && pen.writes(cell);
    // What stands behind a wide character is no cell of its own.
    let follows_wide = from.x > 0 && cells_of(&next[(from.x - 1, to.y)]) > 1;
    let is_shorter = !follows_wide && between().all(is_same);
    if is_shorter {
        between().for_each(|cell| out.extend_from_slice(cell.symbol().as_bytes()));
    }
    is_shorter
}

/// Erasing takes five bytes, and moving on about as many.
const SHORTEST_ERASED: u16 = 11;

/// The blanks of one look from the first changed cell on: how many of the changed cells are among them, and how wide they
/// are up to the last of those. What is blank already may be erased with them.
fn blanks(next: &Buffer, cells: &[(Position, &Cell)]) -> (usize, u16) {
    let (first, look) = cells[0];
    let is_alike = |x: &u16| {
        let cell = &next[(*x, first.y)];
        cell.symbol() == " " && look_alike(look, cell)
    };
    let width = (first.x..next.area.right()).take_while(is_alike).count();
    let end = usize::from(first.x) + width;
    let among = cells.iter().take_while(|(at, _)| at.y == first.y && usize::from(at.x) < end);
    among.fold((0, 0), |(count, _), (at, _)| (count + 1, at.x - first.x + 1))
}

fn cells_of(cell: &Cell) -> u16 {
    let symbol = cell.symbol();
    if symbol.len() == 1 { 1 } else { u16::try_from(symbol.width()).unwrap_or(1).max(1) }
}

/// The cells of `next` that must be written over `shown`. Unlike ratatui's own comparison it knows that the second cell
/// of a wide character shows that character: whatever comes there next must be written, also a blank.
fn changed<'n>(shown: &Buffer, next: &'n Buffer) -> Vec<(Position, &'n Cell)> {
    let mut cells = Vec::new();
    for y in next.area.y..next.area.bottom() {
        let (mut hidden_until, mut x) = (next.area.x, next.area.x);
        let mut covered = next.area.x;
        while x < next.area.right() {
            let (before, now) = (&shown[(x, y)], &next[(x, y)]);
            let was_hidden = x < hidden_until;
            if !was_hidden {
                hidden_until = x + cells_of(before);
            }
            if x >= covered {
                covered = x + cells_of(now);
                if was_hidden || !look_alike(before, now) {
                    cells.push((Position { x, y }, now));
                }
            }
            x += 1;
        }
    }
    cells
}

#[cfg(test)]
mod tests;
