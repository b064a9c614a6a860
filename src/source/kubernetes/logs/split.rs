//! Cuts a stream of bytes into lines: chunks may end anywhere, also inside a character; a line may be endless.

/// Most bytes kept of one line, its stamp included; the rest is only counted.
pub const MAX_BYTES: usize = crate::text::MAX_LINE_BYTES + 40;

/// Holds the line begun in earlier chunks.
#[derive(Debug, Default)]
pub struct Splitter {
    begun: Vec<u8>,
    over: usize,
}

impl Splitter {
    /// Calls `line` for each completed line, without its break, with the number of bytes that were cut off it.
    pub fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8], usize)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let piece = &bytes[..end];
            bytes = &bytes[end + 1..];
            if self.begun.is_empty() && self.over == 0 && piece.len() <= MAX_BYTES {
                line(piece, 0);
            } else {
                self.keep(piece);
                line(&self.begun, self.over);
                self.clear();
            }
        }
        self.keep(bytes);
    }

    /// The line that has no end, at a clean end of the stream. Of a broken stream it is dropped instead: it comes again.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8], usize)) {
        if !self.begun.is_empty() || self.over > 0 {
            line(&self.begun, self.over);
            self.clear();
        }
    }

    pub fn clear(&mut self) {
        self.begun.clear();
        self.over = 0;
    }

    fn keep(&mut self, mut bytes: &[u8]) {
        if self.begun.len() + bytes.len() > MAX_BYTES {
            bytes = self.newest_state(bytes);
        }
        let room = MAX_BYTES - self.begun.len().min(MAX_BYTES);
        let taken = bytes.len().min(room);
        self.begun.extend_from_slice(&bytes[..taken]);
        self.over += bytes.len() - taken;
    }
}

impl Splitter {
    /// Of a progress bar (`\r`) only the newest state is wanted: makes room by dropping the ones before it.
    fn newest_state<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let last_of = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\r');
        // A state may end with its `\r`.
        let end = bytes.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1);
        let in_bytes = last_of(&bytes[..end]);
        let stamp = self.begun.iter().take(40).position(|byte| *byte == b' ').map_or(0, |at| at + 1);
        match (in_bytes, last_of(&self.begun)) {
            (Some(at), _) => {
                self.begun.truncate(stamp);
                self.over = 0;
                &bytes[at + 1..]
            }
            (None, Some(at)) if at >= stamp => {
                self.begun.drain(stamp..=at);
                self.over = 0;
                bytes
            }
            (None, _) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(String, usize)> {
        let mut splitter = Splitter::default();
        let mut out = Vec::new();
        let mut take = |line: &[u8], over| out.push((String::from_utf8_lossy(line).into_owned(), over));
        for chunk in chunks {
            splitter.push(chunk, &mut take);
        }
        splitter.finish(take);
        out
    }

    #[test]
    fn a_character_cut_by_a_chunk_is_whole_again() {
        let text = "a \u{fc}ber\nb \u{65e5}\nc".as_bytes();
        for cut in 0..text.len() {
            let got = lines(&[&text[..cut], &text[cut..]]);
            assert_eq!(
                got,
                [("a \u{fc}ber".to_owned(), 0), ("b \u{65e5}".to_owned(), 0), ("c".to_owned(), 0)],
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_endless_line_costs_a_bounded_amount() {
        let chunk = vec![b'x'; 10_000];
        let chunks: Vec<&[u8]> = (0..50).map(|_| &chunk[..]).chain([&b"\nnext\n"[..]]).collect();
        let got = lines(&chunks);
        assert_eq!(got.len(), 2);
        assert_eq!((got[0].0.len(), got[0].1), (MAX_BYTES, 500_000 - MAX_BYTES));
        assert_eq!(got[1], ("next".to_owned(), 0));
        assert_eq!(lines(&[b"", b"\n", b"a\n\nb\n"]).len(), 4);
    }

    #[test]
    fn a_long_progress_bar_shows_its_newest_state() {
        let mut chunks: Vec<Vec<u8>> = vec![b"2026-01-02T03:04:05.000000001Z ".to_vec()];
        chunks.extend((0..2000).map(|n| format!("{n:>20} of 2000 done\r").into_bytes()));
        chunks.push(b"all done".to_vec());
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let got = lines(&chunks);
        assert_eq!(got.len(), 1);
        assert!(
            got[0].0.starts_with("2026-01-02T03:04:05.000000001Z ") && got[0].0.ends_with("\rall done"),
            "{:?}",
            got[0].1
        );
    }
}
