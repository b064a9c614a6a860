use super::palette::{COLOURBLIND_DARK, COLOURBLIND_LIGHT, DARK, LIGHT, Palette};
use super::*;
use ratatui::style::Color;

fn env(pairs: &[(&str, &str)]) -> TerminalEnv {
    let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    TerminalEnv {
        no_color: get("NO_COLOR"),
        colorterm: get("COLORTERM"),
        term: get("TERM"),
        colorfgbg: get("COLORFGBG"),
        lc_all: get("LC_ALL"),
        lc_ctype: get("LC_CTYPE"),
        lang: get("LANG"),
        tmux: get("TMUX"),
    }
}

#[test]
fn depth_follows_the_environment() {
    for (pairs, depth) in [
        (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..], ColourDepth::True),
        (&[("TERM", "xterm-256color")], ColourDepth::Ansi256),
        (&[("TERM", "xterm-kitty")], ColourDepth::True),
        (&[("TERM", "xterm")], ColourDepth::Ansi16),
        (&[("TERM", "linux"), ("COLORTERM", "truecolor")], ColourDepth::Ansi16),
        (&[("TERM", "dumb")], ColourDepth::None),
        (&[("TERM", "xterm-256color"), ("COLORTERM", "24bit"), ("NO_COLOR", "1")], ColourDepth::None),
        (&[], ColourDepth::Ansi16),
    ] {
        assert_eq!(env(pairs).depth(), depth, "{pairs:?}");
    }
}

#[test]
fn glyphs_follow_the_locale() {
    for (pairs, set) in [
        (&[("LANG", "de_DE.UTF-8"), ("TERM", "xterm")][..], GlyphSet::Unicode),
        (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C"), ("TERM", "xterm")], GlyphSet::Ascii),
        (&[("LC_CTYPE", "C.utf8"), ("TERM", "xterm")], GlyphSet::Unicode),
        (&[("LANG", "C.UTF-8"), ("TERM", "linux")], GlyphSet::Console),
        (&[("TERM", "xterm")], GlyphSet::Ascii),
    ] {
        assert_eq!(env(pairs).glyphs(false), set, "{pairs:?}");
    }
    assert_eq!(env(&[("LANG", "C.UTF-8")]).glyphs(true), GlyphSet::Ascii);
}

#[test]
fn background_answers_are_read() {
    assert_eq!(parse_osc11(b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62;c"), Some([0x1e, 0x1e, 0x2e]));
    assert_eq!(parse_osc11(b"\x1b]11;rgb:f/f/f\x07"), Some([255; 3]));
    assert_eq!(parse_osc11(b"jj\x1b]11;rgba:ff/fd/f0/ff\x07"), Some([0xff, 0xfd, 0xf0]));
    assert_eq!(parse_osc11(b"\x1b]11;rgb:12345/1/1\x07"), None);
    assert_eq!(parse_osc11(b"\x1b]11;rgb:1e1e/1e1e"), None);
    assert_eq!(parse_osc11(b"\x1b]11;?\x07"), None);
    assert_eq!(background_of([0xfd, 0xf6, 0xe3]), Background::Light);
    assert_eq!(background_of([0x00, 0x2b, 0x36]), Background::Dark);
    assert_eq!(env(&[("COLORFGBG", "0;default;15")]).background(), Some(Background::Light));
    assert_eq!(env(&[("COLORFGBG", "15;0")]).background(), Some(Background::Dark));
}

/// WCAG 2 contrast of two colours, 1 to 21.
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let luminance = |rgb: [u8; 3]| {
        let [red, green, blue] = rgb.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_colour_is_legible_on_its_background() {
    let dark = [[0, 0, 0], [0x1e, 0x1e, 0x2e], [0x28, 0x2c, 0x34]];
    let light = [[255, 255, 255], [0xfd, 0xf6, 0xe3]];
    let check = |name: &str, palette: &Palette, backgrounds: &[[u8; 3]]| {
        let mut inks = vec![
            palette.dim,
            palette.accent,
            palette.broken,
            palette.wrong,
            palette.progress,
            palette.ok,
            palette.stale,
            palette.add,
            palette.remove,
        ];
        inks.extend(palette.series);
        for ink in inks {
            for background in backgrounds {
                let ratio = contrast(ink.rgb, *background);
                assert!(ratio >= 4.5, "{name}: {:02x?} on {background:02x?} is {ratio:.1}", ink.rgb);
            }
            let ratio = contrast(ink.rgb, palette.selection.rgb);
            assert!(ratio >= 4.0, "{name}: {:02x?} on the selection is {ratio:.1}", ink.rgb);
        }
        for filled in [palette.production, palette.harmless, palette.found, palette.found_current] {
            let ratio = contrast(filled.rgb, palette.on_badge.rgb);
            assert!(ratio >= 4.5, "{name}: badge {:02x?} is {ratio:.1}", filled.rgb);
        }
    };
    check("dark", &DARK, &dark);
    check("colourblind dark", &COLOURBLIND_DARK, &dark);
    check("light", &LIGHT, &light);
    check("colourblind light", &COLOURBLIND_LIGHT, &light);
}

#[test]
fn no_colour_means_none_anywhere() {
    for theme in [
        Theme::new(ThemeChoice::None, Background::Dark, ColourDepth::True, GlyphSet::Unicode),
        Theme::new(ThemeChoice::Dark, Background::Dark, ColourDepth::None, GlyphSet::Ascii),
    ] {
        let shown = format!("{theme:?}");
        assert!(!shown.contains("Rgb") && !shown.contains("Indexed") && !shown.contains("fg: Some"), "{shown}");
        assert!(!theme.has_colour());
    }
}

#[test]
fn fewer_colours_fall_back() {
    let theme = |depth| Theme::new(ThemeChoice::Auto, Background::Dark, depth, GlyphSet::Unicode);
    assert!(matches!(theme(ColourDepth::True).broken.fg, Some(Color::Rgb(..))));
    assert!(matches!(theme(ColourDepth::Ansi256).broken.fg, Some(Color::Indexed(16..))));
    assert_eq!(theme(ColourDepth::Ansi16).broken.fg, Some(Color::LightRed));
    for theme in [ColourDepth::Ansi16, ColourDepth::None].map(theme) {
        let selected = theme.dim.patch(theme.selection).add_modifier;
        assert_eq!(
            (selected, theme.dim.add_modifier),
            (Modifier::REVERSED, Modifier::DIM),
            "dim is hard to read there"
        );
    }
}

#[test]
fn foreign_colours_become_roles() {
    let theme = Theme::new(ThemeChoice::Dark, Background::Dark, ColourDepth::True, GlyphSet::Unicode);
    assert_eq!(theme.named("semi-dark-red"), theme.broken);
    assert_eq!(theme.named("#73BF69"), theme.ok);
    assert_eq!(theme.named("#F2495C"), theme.broken);
    assert_eq!(theme.named("#FF9830"), theme.wrong);
    assert_eq!(theme.named("#5794F2"), theme.progress);
    assert_eq!(theme.named("#é"), theme.text);
    assert_eq!(theme.named("transparent"), theme.text);
}

#[test]
fn marks_are_two_cells_and_have_words() {
    for mark in [Mark::Broken, Mark::Wrong, Mark::NoData, Mark::Progress, Mark::Acked, Mark::Silenced, Mark::Ok] {
        assert_eq!(mark.text().len(), 2);
        assert!(!mark.word().is_empty());
    }
    assert!("neon".parse::<ThemeChoice>().unwrap_err().to_string().contains("'neon'"));
    assert_eq!("colourblind".parse(), Ok(ThemeChoice::Colourblind));
}

#[test]
fn pods_of_a_log_have_no_colour_of_a_level_and_without_colour_no_meaning() {
    for choice in [ThemeChoice::Dark, ThemeChoice::Light, ThemeChoice::Colourblind] {
        let theme = Theme::new(choice, Background::Dark, ColourDepth::True, GlyphSet::Unicode);
        let levels = [theme.broken.fg, theme.wrong.fg];
        assert!(theme.pods.iter().all(|pod| !levels.contains(&pod.fg)), "{choice:?}");
    }
    let plain = Theme::new(ThemeChoice::None, Background::Dark, ColourDepth::None, GlyphSet::Unicode);
    assert!(plain.pods.iter().all(|pod| *pod == plain.text));
}
