//! `~.` at the beginning of a line leaves a shell that hangs, as in ssh; `~~` is one `~`.

/// What was typed so far, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escape {
    at_line_start: bool,
    /// A `~` that waits for what follows it.
    held: bool,
}

impl Default for Escape {
    fn default() -> Self {
        Self { at_line_start: true, held: false }
    }
}

impl Escape {
    /// The keys to pass on; `None`: leave.
    pub fn pass(&mut self, keys: &[u8]) -> Option<Vec<u8>> {
        let mut passed = Vec::with_capacity(keys.len() + 1);
        for &key in keys {
            if std::mem::take(&mut self.held) {
                match key {
                    b'.' => return None,
                    b'~' => {}
                    _ => passed.push(b'~'),
                }
            } else if key == b'~' && self.at_line_start {
                self.held = true;
                continue;
            }
            passed.push(key);
            self.at_line_start = matches!(key, b'\r' | b'\n');
        }
        Some(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[&str]) -> Option<String> {
        let mut escape = Escape::default();
        let mut all = Vec::new();
        for keys in keys {
            all.extend(escape.pass(keys.as_bytes())?);
        }
        Some(String::from_utf8(all).expect("ASCII"))
    }

    #[test]
    fn only_at_the_beginning_of_a_line() {
        assert_eq!(typed(&["~."]), None);
        assert_eq!(typed(&["ls\r~", "."]), None);
        assert_eq!(typed(&["a~."]).as_deref(), Some("a~."));
        assert_eq!(typed(&["~", "/bin\r"]).as_deref(), Some("~/bin\r"));
        assert_eq!(typed(&["~~."]).as_deref(), Some("~."));
    }
}
