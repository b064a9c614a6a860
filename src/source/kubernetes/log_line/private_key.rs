//! Private keys written over several lines. A line alone does not tell what it is: a digest or a certificate looks the same.

/// Lines that may stand between those of a key: other threads write too.
const PATIENCE: u8 = 8;
/// Characters of a key's line at least, but of its last.
const FULL: usize = 40;

/// Decides line by line; one per stream.
#[derive(Clone, Debug, Default)]
pub struct PrivateKey {
    /// More lines of a key are expected as long as this lasts.
    patience: u8,
    /// A full line was the last of the key's.
    has_begun: bool,
}

impl PrivateKey {
    /// Of a line that goes on with a key, the part before what must not be seen. The first line is none of them: alone it
    /// says what it is.
    pub fn next<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        if text.ends_with("-----") || text.ends_with("----- ") {
            return self.edge(text);
        }
        if self.patience == 0 {
            return None;
        }
        let text = text.trim_end();
        let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let (before, word) = text.split_at(start);
        if !self.is_body(word, before.trim().is_empty()) {
            self.patience -= 1;
            return None;
        }
        self.patience = PATIENCE;
        self.has_begun = word.len() >= FULL;
        Some(before)
    }

    fn edge<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let goes_on = self.patience > 0 && text.contains("-----END ");
        let is_begun = text.contains("PRIVATE KEY") && text.contains("-----BEGIN ") && !text.contains("-----END ");
        *self = Self { patience: if is_begun { PATIENCE } else { 0 }, has_begun: false };
        goes_on.then_some(text)
    }

    /// Full lines, and one that is shorter behind them.
    fn is_body(&self, word: &str, is_alone: bool) -> bool {
        let is_short_end = || self.has_begun && word.len().is_multiple_of(4) && (is_alone || word.ends_with('='));
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        !word.is_empty() && (word.len() >= FULL || is_short_end()) && word.bytes().all(is_base64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL_LINE: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

    fn before(lines: &[&str]) -> Vec<Option<String>> {
        let mut key = PrivateKey::default();
        lines.iter().map(|line| key.next(line).map(str::to_owned)).collect()
    }

    fn hidden(lines: &[&str]) -> Vec<bool> {
        before(lines).iter().map(Option::is_some).collect()
    }

    #[test]
    fn the_lines_of_a_key_are_hidden_up_to_its_end() {
        let key =
            ["key: -----BEGIN RSA PRIVATE KEY-----", FULL_LINE, FULL_LINE, "3Q==", "-----END RSA PRIVATE KEY-----"];
        assert_eq!(hidden(&key), [false, true, true, true, true]);
        let after = [&key[..], &[FULL_LINE, "done"]].concat();
        assert_eq!(hidden(&after)[5..], [false, false], "after its end nothing is");
        let old = ["-----BEGIN PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "", FULL_LINE];
        assert_eq!(hidden(&old), [false, false, false, true]);
    }

    #[test]
    fn what_a_logger_writes_before_each_line_stays() {
        let line = format!("03:00 INFO {FULL_LINE}");
        let lines = before(&["03:00 INFO -----BEGIN PRIVATE KEY-----", &line, "03:00 INFO kA==", "03:00 INFO done"]);
        assert_eq!(lines, [None, Some("03:00 INFO ".to_owned()), Some("03:00 INFO ".to_owned()), None]);
    }

    #[test]
    fn harmless_lines_stay_and_a_key_without_an_end_is_forgotten() {
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert_eq!(hidden(&["-----BEGIN CERTIFICATE-----", FULL_LINE, digest]), [false; 3]);
        let mut lines = vec!["-----BEGIN PRIVATE KEY-----", "server is ready", "done"];
        assert_eq!(hidden(&lines), [false; 3]);
        lines.resize(1 + usize::from(PATIENCE), "GET /a 200");
        lines.push(digest);
        assert!(hidden(&lines).iter().all(|hidden| !hidden));
    }
}
