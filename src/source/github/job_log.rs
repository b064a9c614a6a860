//! The log of a finished job: a signed address that lives a minute, then text of any length, of which the end is kept.
//!
//! Every line begins with `2026-03-01T02:03:04.1234567Z `; steps are not marked, so they are told by their times.

use std::collections::VecDeque;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    client::{Caller, Client},
    convert,
    failure::Failure,
    requests,
    shapes::JobShape,
};
use crate::{
    model::code::{Job, JobKey, JobLog},
    text::Clean,
};

/// Lines marked as errors where a log marks none: the last ones of the failed step.
const LAST_LINES: usize = 3;
/// Marked errors that are listed.
const MAX_ERRORS: usize = 1000;

/// Reads the log of a finished job, at most [`super::Settings::log_cap`] bytes of its end.
pub async fn read(client: &Client, key: &JobKey) -> Result<JobLog, Failure> {
    let what = format!("log of job {} of '{}'", key.id, key.run.repo.name);
    let response = client.get_signed(&requests::job_log(key), &what).await?;
    let (text, dropped) = tail(client, response, &what).await?;
    let lines = lines(&text, dropped > 0);
    let mut errors = marked(&lines.kept);
    if errors.is_empty()
        && let Ok(shape) = client.read::<JobShape>(&requests::job(key), &what, Caller::Person).await
    {
        errors = last_of_failed_step(&lines.times, &lines.kept, &convert::job(&key.run, shape));
    }
    Ok(JobLog { job: key.clone(), lines: lines.kept, errors, dropped_bytes: dropped + lines.partial })
}

/// The last bytes of a body, and how many came before them.
async fn tail(client: &Client, mut response: reqwest::Response, what: &str) -> Result<(Vec<u8>, u64), Failure> {
    let cap = client.settings().log_cap;
    let mut chunks: VecDeque<Bytes> = VecDeque::new();
    let (mut held, mut dropped) = (0, 0u64);
    loop {
        let chunk =
            response.chunk().await.map_err(|error| Failure::transport(client.backend(), what, &error.without_url()))?;
        let Some(chunk) = chunk else { break };
        held += chunk.len();
        chunks.push_back(chunk);
        while held > cap
            && let Some(first) = chunks.front_mut()
        {
            let over = (held - cap).min(first.len());
            let _ = first.split_to(over);
            (held, dropped) = (held - over, dropped + over as u64);
            if first.is_empty() {
                chunks.pop_front();
            }
        }
    }
    Ok((chunks.into_iter().flatten().collect(), dropped))
}

/// A log's lines, and when each was written.
struct Lines {
    kept: Vec<Clean>,
    times: Vec<Option<Timestamp>>,
    /// Bytes of a first line that is not whole, left out.
    partial: u64,
}

/// `is_cut`: the text begins somewhere in a line.
fn lines(text: &[u8], is_cut: bool) -> Lines {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let start = if is_cut { text.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { 0 };
    let text = String::from_utf8_lossy(&text[start..]);
    let (mut kept, mut times) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (time, rest) = stamp(line);
        kept.push(match time {
            Some(_) => Clean::line(&format!("{} {rest}", &line[11..19])),
            None => Clean::line(rest),
        });
        times.push(time);
    }
    Lines { kept, times, partial: start as u64 }
}

/// Splits a line's time off.
fn stamp(line: &str) -> (Option<Timestamp>, &str) {
    let (stamp, rest) = line.split_once(' ').unwrap_or((line, ""));
    // Shorter forms of a time are the program's own words.
    let looks_right = stamp.len() >= 20 && stamp.ends_with('Z') && stamp.as_bytes()[10] == b'T';
    match looks_right.then(|| stamp.parse()) {
        Some(Ok(time)) => (Some(time), rest),
        _ => (None, line),
    }
}

fn marked(lines: &[Clean]) -> Vec<usize> {
    let is_error = |line: &Clean| line.get(..60.min(line.len())).unwrap_or(line).contains("##[error]");
    lines.iter().enumerate().filter(|(_, line)| is_error(line)).map(|(index, _)| index).take(MAX_ERRORS).collect()
}

fn last_of_failed_step(times: &[Option<Timestamp>], lines: &[Clean], job: &Job) -> Vec<usize> {
    if !job.state.is_bad() {
        return Vec::new();
    }
    // GitHub gives whole seconds: the step's last lines are up to a second after its end.
    let failed = job.steps.iter().find(|step| step.state.is_bad());
    let end =
        failed.and_then(|step| step.completed).and_then(|end| end.checked_add(jiff::SignedDuration::from_secs(1)).ok());
    let is_before = |index: usize| match (times[index], end) {
        (Some(at), Some(end)) => at < end,
        _ => true,
    };
    let is_said = |index: &usize| lines[*index].len() > "02:03:04 ".len();
    let mut last: Vec<usize> =
        (0..lines.len()).rev().filter(|index| is_before(*index)).filter(is_said).take(LAST_LINES).collect();
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_shortened_and_controls_go() {
        let text = "\u{feff}2026-03-01T02:03:04.1234567Z ##[group]Run \u{1b}[36mmake\u{1b}[0m\n\
                    2026-03-01T02:03:05.1234567Z ##[error]\u{1b}]0;x\u{7}Process completed with exit code 1.\n\
                    no time here\n2026-03-01T02:03:06.0000000Z \n2026-03-01T02:03:06.0000000Z";
        let Lines { kept, partial, .. } = lines(text.as_bytes(), false);
        assert_eq!(
            kept,
            [
                "02:03:04 ##[group]Run make",
                "02:03:05 ##[error]Process completed with exit code 1.",
                "no time here",
                "02:03:06 ",
                "02:03:06 "
            ]
        );
        assert_eq!((marked(&kept), partial), (vec![1], 0));
    }

    #[test]
    fn a_short_time_is_a_word_of_the_program() {
        let text = "20260301T020304Z\n2026-03-01T02Z\n2026-03-01T02Z began\né\n";
        let Lines { kept, times, .. } = lines(text.as_bytes(), false);
        assert_eq!(kept, ["20260301T020304Z", "2026-03-01T02Z", "2026-03-01T02Z began", "é"]);
        assert!(times.iter().all(Option::is_none));
    }

    #[test]
    fn a_cut_first_line_is_left_out_and_counted() {
        let Lines { kept, partial, .. } = lines(b"rest of it\nwhole \xff line\n", true);
        assert_eq!(kept, ["whole \u{fffd} line"]);
        assert_eq!(partial, 11);
    }

    #[test]
    fn without_marks_the_failed_steps_last_lines_are_the_errors() {
        let run = crate::model::code::RunKey {
            repo: crate::model::code::RepoKey { host: crate::model::BackendId::new("gh"), name: "a/b".into() },
            id: 1,
        };
        let shape = json!({"id": 2, "status": "completed", "conclusion": "failure", "steps": [
            {"number": 1, "status": "completed", "conclusion": "success", "completed_at": "2026-03-01T02:03:01Z"},
            {"number": 2, "status": "completed", "conclusion": "failure", "completed_at": "2026-03-01T02:03:05Z"},
            {"number": 16, "status": "completed", "conclusion": "success", "completed_at": "2026-03-01T02:03:09Z"}]});
        let job = convert::job(&run, serde_json::from_value(shape).unwrap());
        let text: String =
            (1..10).map(|n| format!("2026-03-01T02:03:0{n}.5000000Z line {n}\n")).collect::<Vec<_>>().concat();
        let lines = lines(text.as_bytes(), false);
        let errors = last_of_failed_step(&lines.times, &lines.kept, &job);
        assert_eq!(
            errors.iter().map(|index| &*lines.kept[*index]).collect::<Vec<_>>(),
            ["02:03:03 line 3", "02:03:04 line 4", "02:03:05 line 5"]
        );
    }
}
