use super::*;
use std::sync::mpsc;

const LONG: Duration = Duration::from_secs(10);

fn frame(text: &str) -> Frame {
    Frame { buffer: Buffer::with_lines([text]), ..Frame::default() }
}

/// A line that lets one write through for each permit, and tells of each.
struct SlowLine {
    permits: mpsc::Receiver<()>,
    written: mpsc::Sender<String>,
}

impl Write for SlowLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.permits.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn slow() -> (FrameWriter, oneshot::Receiver<io::Error>, mpsc::Sender<()>, mpsc::Receiver<String>) {
    let ((permit, permits), (written, texts)) = (mpsc::channel(), mpsc::channel());
    let (writer, gone) = FrameWriter::spawn(SlowLine { permits, written }, true).unwrap();
    (writer, gone, permit, texts)
}

/// Waits until the thread is in the middle of a write.
fn until_busy(writer: &FrameWriter) {
    while !writer.shared.lock().busy {
        std::thread::yield_now();
    }
}

#[test]
fn a_slow_line_gets_only_the_newest_frame() {
    let (writer, _gone, permit, texts) = slow();
    writer.submit(frame("first"));
    until_busy(&writer);
    for text in ["never1", "never2", "newest"] {
        writer.submit(frame(text));
    }
    permit.send(()).unwrap();
    permit.send(()).unwrap();
    assert!(texts.recv_timeout(LONG).unwrap().contains("first"));
    let second = texts.recv_timeout(LONG).unwrap();
    assert!(!second.contains("never"));
    // Compared with what is shown, not with the frames in between: the cells that changed from "first" to "newest".
    let mut seen = vt100::Parser::new(1.try_into().unwrap(), 10.try_into().unwrap(), 0);
    seen.process(b"first ");
    seen.process(second.as_bytes());
    assert_eq!(seen.screen().contents().trim(), "newest");
}

#[test]
fn messages_follow_the_frame_and_stopping_writes_what_waits() {
    let (writer, _gone, permit, texts) = slow();
    writer.submit(frame("one"));
    until_busy(&writer);
    writer.submit(frame("two"));
    writer.raw(b"\x07".to_vec());
    for _ in 0..3 {
        permit.send(()).unwrap();
    }
    assert!(writer.stop(LONG));
    let all: Vec<String> = texts.try_iter().collect();
    assert!(all[1].contains("two") && all[1].ends_with('\x07'), "{all:?}");
    assert_eq!(writer.frames_written(), 2);
    assert_eq!(writer.bytes_written(), all.iter().map(|text| text.len() as u64).sum::<u64>());
}

#[test]
fn a_terminal_that_hung_up_is_told_once_and_blocks_nobody() {
    let (writer, mut gone, permit, _texts) = slow();
    drop(permit);
    writer.submit(frame("x"));
    assert!(writer.stop(LONG));
    assert_eq!(gone.try_recv().unwrap().kind(), io::ErrorKind::BrokenPipe);
    writer.submit(frame("y"));
    assert!(writer.pause(LONG));
}

#[test]
fn stopping_does_not_wait_for_a_stuck_line() {
    let (writer, _gone, permit, _texts) = slow();
    writer.submit(frame("x"));
    until_busy(&writer);
    assert!(!writer.stop(Duration::from_millis(1)));
    drop(permit);
}

#[test]
fn paused_nothing_is_written_and_afterwards_everything() {
    let (writer, _gone, permit, texts) = slow();
    permit.send(()).unwrap();
    writer.submit(frame("same"));
    assert!(texts.recv_timeout(LONG).unwrap().contains("same"));
    assert!(writer.pause(LONG));
    writer.submit(frame("same"));
    assert!(writer.shared.lock().frame.is_some());
    permit.send(()).unwrap();
    writer.resume();
    assert!(texts.recv_timeout(LONG).unwrap().contains("same"), "drawn anew");
    assert_eq!(writer.buffer(Rect::new(0, 0, 2, 2)), Buffer::empty(Rect::new(0, 0, 2, 2)));
}
