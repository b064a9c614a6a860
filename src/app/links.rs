//! Web addresses on the screen, so that the terminal can open them (OSC 8).

use ratatui::{buffer::Buffer, layout::Rect};

use crate::terminal::Link;

/// Every address that is written out in full on one row. One that was cut (`…`) leads nowhere and is left alone.
pub fn visible(buf: &Buffer) -> Vec<Link> {
    let area = buf.area;
    let mut found = Vec::new();
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let (url, next) = address_at(buf, x, y);
            if let Some(url) = url {
                found.push(Link { area: Rect { x, y, width: next - x, height: 1 }, url });
            }
            x = next.max(x + 1);
        }
    }
    found
}

/// The address that begins in this cell, and the cell after it.
fn address_at(buf: &Buffer, x: u16, y: u16) -> (Option<String>, u16) {
    if buf[(x, y)].symbol() != "h" {
        return (None, x + 1);
    }
    let is_part = |symbol: &str| symbol.len() == 1 && symbol.bytes().all(|byte| byte.is_ascii_graphic());
    let mut url = String::new();
    let mut end = x;
    while end < buf.area.right() && is_part(buf[(end, y)].symbol()) {
        url.push_str(buf[(end, y)].symbol());
        end += 1;
    }
    let is_cut = end < buf.area.right() && buf[(end, y)].symbol() == "…";
    // With a user in it, it leads elsewhere than it looks (`https://github.com@evil.example`), or holds a password.
    let host =
        |rest: &str| rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty() && !host.contains('@'));
    let is_address = url.strip_prefix("https://").or(url.strip_prefix("http://")).is_some_and(host);
    if is_address && !is_cut { (Some(url), end) } else { (None, x + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    #[test]
    fn whole_addresses_are_found_and_cut_ones_are_not() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 60, 4));
        buf.set_string(2, 0, "runbook https://runbooks.example/a [o]", Style::default());
        buf.set_string(0, 1, "see https://runbooks.exam…", Style::default());
        buf.set_string(0, 2, "https://ana:hunter22@grafana.example/d/1", Style::default());
        buf.set_string(0, 3, "https://github.com@evil.example", Style::default());
        let links = visible(&buf);
        assert_eq!(links.len(), 1);
        assert_eq!((links[0].url.as_str(), links[0].area), ("https://runbooks.example/a", Rect::new(10, 0, 26, 1)));
    }
}
