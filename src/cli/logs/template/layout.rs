//! Go's way to say how a time is written: by the example of `Mon Jan 2 15:04:05 MST 2006`.

use jiff::Zoned;

/// Parts of the example, and the same for `strftime`: of those that begin alike the longest first.
const PARTS: [(&str, &str); 35] = [
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "%Z"),
    ("2006", "%Y"),
    ("002", "%j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("_2", "%e"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("-07:00", "%:z"),
    ("-0700", "%z"),
    (".000000000", "%.9f"),
    (".000000", "%.6f"),
    (".000", "%.3f"),
    (".00", "%.2f"),
    (".0", "%.1f"),
    (",000000000", ",%9f"),
    (",000000", ",%6f"),
    (",000", ",%3f"),
    (".999999999", "%.f"),
    (".999999", "%.f"),
    (".999", "%.f"),
    ("1", "%-m"),
    ("2", "%-d"),
    ("3", "%-I"),
    ("4", "%-M"),
    ("5", "%-S"),
];

/// A time by a layout.
pub(super) fn format(time: &Zoned, layout: &str) -> String {
    let (mut text, mut rest) = (String::new(), layout);
    while let Some(letter) = rest.chars().next() {
        // `Z` for UTC, else its distance.
        let zone = [("Z07:00", "%:z"), ("Z0700", "%z")].into_iter().find(|(part, _)| rest.starts_with(part));
        if let Some((part, form)) = zone {
            let is_utc = time.offset().is_zero();
            text.push_str(&if is_utc { "Z".to_owned() } else { time.strftime(form).to_string() });
            rest = &rest[part.len()..];
        } else if let Some((part, form)) = PARTS.iter().find(|(part, _)| begins_with(rest, part)) {
            text.push_str(&time.strftime(form).to_string());
            rest = &rest[part.len()..];
        } else {
            text.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    text
}

/// A fraction of a second goes on to the last of its digits: `.01` is none.
fn begins_with(layout: &str, part: &str) -> bool {
    let Some(rest) = layout.strip_prefix(part) else { return false };
    !(part.starts_with(['.', ',']) && rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_by_gos_example() {
        let time: Zoned = "2026-03-04T15:07:09.05+01:00[Europe/Berlin]".parse().unwrap();
        for (layout, expected) in [
            ("2006-01-02 15:04:05", "2026-03-04 15:07:09"),
            ("2006-01-02T15:04:05.000Z07:00", "2026-03-04T15:07:09.050+01:00"),
            ("02/Jan/2006:15:04:05 -0700", "04/Mar/2026:15:07:09 +0100"),
            ("Mon Jan _2 3:04PM 06, MST", "Wed Mar  4 3:07PM 26, CET"),
            ("Monday, January 2", "Wednesday, March 4"),
            ("15:04:05.999", "15:07:09.05"),
            ("15:04:05,000", "15:07:09,050"),
            ("02.01.2006", "04.03.2026"),
            ("100 % [15h]", "300 % [15h]"),
        ] {
            assert_eq!(format(&time, layout), expected, "{layout}");
        }
        let utc = time.with_time_zone(jiff::tz::TimeZone::UTC);
        assert_eq!(format(&utc, "15:04Z07:00"), "14:07Z");
    }
}
