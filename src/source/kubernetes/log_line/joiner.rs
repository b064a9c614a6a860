//! Which lines of one stream continue the line before them: stack traces, wrapped messages, closing brackets.

use super::level_of;
use crate::model::log::LogLevel;

/// Decides line by line; one per stream, since lines of two containers never join.
#[derive(Clone, Debug, Default)]
pub struct Joiner {
    head: Option<LogLevel>,
    any: bool,
    block: Block,
}

/// A dump that goes on without indentation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Block {
    #[default]
    None,
    /// Python: ends with the first line that is not indented, which names the exception.
    Traceback,
    /// Go: until a line that cannot be one of a dump.
    GoPanic,
    /// Rust: the message stands on the line after "panicked at".
    RustPanic,
}

impl Joiner {
    /// Level of the line, if it states one, and whether it continues the line before. A continuation has no level of its
    /// own.
    pub fn next(&mut self, text: &str) -> (Option<LogLevel>, bool) {
        let continues = self.any && self.continues(text);
        if continues {
            return (None, true);
        }
        let level = level_of(text);
        self.head = level;
        self.any = true;
        self.block = opened_by(text);
        (level, false)
    }

    /// Forgets what stood before: a new container instance writes.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    fn continues(&mut self, text: &str) -> bool {
        match self.block {
            Block::Traceback => {
                if text.is_empty() || text.starts_with([' ', '\t']) {
                    return true;
                }
                self.block = Block::None;
                // "ValueError: no" closes it; a line of the logger's own does not.
                return level_of(text).is_none() || is_exception(text);
            }
            Block::GoPanic if is_go_dump(text) => return true,
            Block::RustPanic => {
                self.block = Block::None;
                return level_of(text).is_none();
            }
            Block::GoPanic | Block::None => self.block = Block::None,
        }
        if is_goroutine(text) {
            // Of a panic that was recovered, whatever words its program had for it.
            self.block = Block::GoPanic;
            return true;
        }
        let Some(first) = text.chars().next() else { return false };
        if first == ' ' || first == '\t' {
            return !text.trim_start().starts_with('{') || !text.trim_end().ends_with('}');
        }
        if text.starts_with("Traceback (most recent call last)") {
            let follows = self.head >= Some(LogLevel::Error);
            if follows {
                self.block = Block::Traceback;
            }
            return follows;
        }
        is_trace_line(text)
            || matches!(text, "}" | ")" | "]" | "}," | "});" | "})")
            || (self.head >= Some(LogLevel::Warn) && is_exception(text))
    }
}

fn opened_by(text: &str) -> Block {
    if text.starts_with("Traceback (most recent call last)") {
        Block::Traceback
    } else if text.starts_with("panic:") || text.starts_with("fatal error:") {
        Block::GoPanic
    } else if text.starts_with("thread '") && text.contains(" panicked at ") {
        Block::RustPanic
    } else {
        Block::None
    }
}

fn is_trace_line(text: &str) -> bool {
    text.starts_with("at ")
        || text.starts_with("Caused by:")
        || text.starts_with("caused by:")
        || text.starts_with("Suppressed:")
        || text.starts_with("During handling of the above exception")
        || text.starts_with("The above exception was the direct cause")
        || text.starts_with("stack backtrace:")
        || text.starts_with("note: run with `RUST_BACKTRACE")
        || (text.starts_with("... ") && text.ends_with(" more"))
}

/// `java.lang.IllegalStateException: no`, `ValueError: no`, `builtins.KeyError`.
fn is_exception(text: &str) -> bool {
    let class = text.split([':', ' ']).next().unwrap_or(text);
    (class.ends_with("Exception") || class.ends_with("Error"))
        && class.len() > 5
        && class.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$'))
}

/// `goroutine 7 [running]:`
fn is_goroutine(text: &str) -> bool {
    let number = text.strip_prefix("goroutine ").and_then(|rest| rest.split_once(" [")).map(|(number, _)| number);
    text.ends_with("]:") && number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `net/http.(*conn).serve(0xc0001a2000, {0x7f3a, 0xc00})`
fn is_go_call(text: &str) -> bool {
    let Some((name, arguments)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) else { return false };
    let is_argument =
        |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'?' | b',' | b' ' | b'{' | b'}' | b'.' | b'_');
    (name.contains('.') || name == "panic") && !name.contains(' ') && arguments.bytes().all(is_argument)
}

fn is_go_dump(text: &str) -> bool {
    text.is_empty()
        || text.starts_with([' ', '\t'])
        || text.starts_with("goroutine ")
        || text.starts_with("[signal ")
        || text.starts_with("created by ")
        || text.starts_with("exit status ")
        || text.starts_with("panic:")
        || text.ends_with("additional frames elided...")
        || is_go_call(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Vec<bool> {
        let mut joiner = Joiner::default();
        text.lines().map(|line| joiner.next(line).1).collect()
    }

    #[test]
    fn a_java_trace_is_one_entry() {
        let log = "ERROR save failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: x.Y: z\n\t... 12 more\nINFO next";
        assert_eq!(flags(log), [false, true, true, true, true, false]);
    }

    #[test]
    fn a_python_trace_ends_with_its_exception() {
        let log = "ERROR:root:save failed\nTraceback (most recent call last):\n  File \"a.py\", line 1\nValueError: no\nINFO:root:next";
        assert_eq!(flags(log), [false, true, true, true, false]);
        // On its own it begins an entry, and is an error.
        let mut joiner = Joiner::default();
        joiner.next("INFO all well");
        assert_eq!(joiner.next("Traceback (most recent call last):"), (Some(LogLevel::Error), false));
        assert_eq!(joiner.next("  File \"a.py\", line 1"), (None, true));
        assert_eq!(joiner.next("KeyError: 'x'"), (None, true));
        assert_eq!(joiner.next("plain text"), (None, false));
    }

    #[test]
    fn a_go_panic_is_one_entry() {
        let log =
            "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:10 +0x1d\nexit status 2\nserver starts";
        assert_eq!(flags(log), [false, true, true, true, true, true, false]);
    }

    #[test]
    fn a_recovered_go_panic_is_one_entry_with_what_was_said_of_it() {
        let trace = "goroutine 479 [running]:\nacme.example/myapp/auth.(*Middleware).Verify(0xc0001a2000, {0x7f3a?, 0xc00})\n\t/src/auth/middleware.go:88 +0x1f3\npanic({0x6a5e40?, 0xc000012345?})\n\t/usr/local/go/src/runtime/panic.go:884 +0x212\nmain.serve(...)\ncreated by main.main in goroutine 1\nready (for a.b requests)";
        for head in
            ["level=error msg=\"request 7 panicked\"", "2026/01/02 03:04:05 http: panic serving 10.0.0.1:4711: boom"]
        {
            assert_eq!(flags(&format!("{head}\n{trace}")), [false, true, true, true, true, true, true, true, false]);
        }
        assert_eq!(flags("a\ngoroutine 7 is slow\ngoroutine x [running]:"), [false; 3]);
    }

    #[test]
    fn a_rust_panic_takes_its_message() {
        let log = "thread 'main' panicked at src/main.rs:3:5:\nno route\nnote: run with `RUST_BACKTRACE=1` environment variable\nready";
        assert_eq!(flags(log), [false, true, true, false]);
    }

    #[test]
    fn the_first_line_of_a_stream_never_continues() {
        assert_eq!(flags("  indented\n  again"), [false, true]);
    }

    #[test]
    fn unindented_prose_and_json_do_not_join() {
        assert_eq!(flags("ERROR a\nplain\n{\"level\":\"info\"}\n {\"a\":1}\nsomeError here"), [false; 5]);
    }
}
