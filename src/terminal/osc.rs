//! Messages to the terminal itself: copy, notify, title, bell. Text is stripped of control characters once more here,
//! since an escape in it would be obeyed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest text that is offered to the clipboard: terminals drop more without a word (xterm, tmux: about 74 KiB).
pub const MOST_COPIED: usize = 72_000;

/// The text is too long for the terminal's clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes are more than a terminal's clipboard takes ({MOST_COPIED}): save them to a file instead")]
pub struct TooLong(pub usize);

/// `text` on one line, without control characters.
fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

/// OSC 52: sets the clipboard, also over ssh. Line ends and tabs are kept, other control characters are not.
pub fn copy(text: &str) -> Result<Vec<u8>, TooLong> {
    let text: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    if text.len() > MOST_COPIED {
        return Err(TooLong(text.len()));
    }
    Ok(format!("\x1b]52;c;{}\x1b\\", STANDARD.encode(text)).into_bytes())
}

/// OSC 9: a notification of the desktop (iTerm2, kitty, WezTerm, Ghostty, foot); others ignore it.
pub fn notify(text: &str) -> Vec<u8> {
    // A message that begins with a number and a semicolon is another command (`9;4;...` is a progress bar).
    let text = plain(text);
    let guard = if text.starts_with(|c: char| c.is_ascii_digit()) { " " } else { "" };
    format!("\x1b]9;{guard}{text}\x1b\\").into_bytes()
}

/// OSC 2: the window's title.
pub fn title(text: &str) -> Vec<u8> {
    format!("\x1b]2;{}\x1b\\", plain(text)).into_bytes()
}

/// The bell.
pub fn bell() -> Vec<u8> {
    vec![0x07]
}

/// Wraps a message so that tmux hands it to the terminal around it (needs `allow-passthrough`, ignored otherwise).
pub fn through_tmux(message: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x1bPtmux;".to_vec();
    for byte in message {
        if *byte == 0x1b {
            bytes.push(0x1b);
        }
        bytes.push(*byte);
    }
    bytes.extend_from_slice(b"\x1b\\");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_break_out() {
        let evil = "a\x1b]52;c;eA==\x07\u{9d}b\r\nc\x1b\\";
        for message in [notify(evil), title(evil)] {
            let text = String::from_utf8(message).unwrap();
            let body = text.strip_prefix("\x1b]").unwrap().strip_suffix("\x1b\\").unwrap();
            assert!(!body.chars().any(char::is_control), "{body:?}");
        }
        // Nor out of tmux's envelope: in it every escape is doubled, and one that is not would end it.
        for message in [notify(evil), title(evil), copy(evil).unwrap()] {
            let wrapped = String::from_utf8(through_tmux(&message)).unwrap();
            let inside = wrapped.strip_prefix("\x1bPtmux;").unwrap().strip_suffix("\x1b\\").unwrap();
            assert_eq!(inside.replace("\x1b\x1b", "\x1b").as_bytes(), message);
            assert!(!inside.replace("\x1b\x1b", "").contains('\x1b'), "{inside:?}");
        }
        assert_eq!(copy("a\tb\n\x1bc").unwrap(), b"\x1b]52;c;YQliCmM=\x1b\\");
        assert_eq!(copy(&"x".repeat(80_000)), Err(TooLong(80_000)));
        assert_eq!(notify("4;1;50"), b"\x1b]9; 4;1;50\x1b\\");
        assert_eq!(through_tmux(b"\x1b]2;x\x1b\\"), b"\x1bPtmux;\x1b\x1b]2;x\x1b\x1b\\\x1b\\");
    }
}
