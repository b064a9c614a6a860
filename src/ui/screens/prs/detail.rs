//! The selected pull request: failing checks, files, reviews, comments, its text. Only lines in the window are worded.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{PullRequests, rows::checks_words};
use crate::{
    model::code::{ChangedFile, Check, PullRequest, PullRequestDetail, Review, RunState},
    query::{Answer, Query},
    secret::mask,
    ui::{
        View,
        screens::{
            answer::{answer, framed_answer, missing_words},
            pane::framed,
        },
        theme::Mark,
        widgets::{
            cells::{put_centred, put_line, row},
            frame::{Scroll, scrollbar},
        },
    },
};

/// Lines of the text of a pull request that are shown at most.
const BODY: usize = 200;

/// One line of the page, not yet worded.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Blank,
    Head(&'a str),
    Check(&'a Check),
    File(&'a ChangedFile),
    Review(&'a Review),
    Text(&'a str),
}

fn detail<'a>(view: &View<'a>, pr: &PullRequest) -> Option<&'a PullRequestDetail> {
    match answer(view, &Query::PullRequest(pr.key.clone()))? {
        Answer::PullRequest(detail) => Some(detail),
        _ => None,
    }
}

/// Adds a section, if it has lines.
fn add<'a>(pieces: &mut Vec<Piece<'a>>, head: &'a str, lines: impl Iterator<Item = Piece<'a>>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    if !pieces.is_empty() {
        pieces.push(Piece::Blank);
    }
    pieces.push(Piece::Head(head));
    pieces.extend(lines);
}

fn pieces(detail: &PullRequestDetail) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let checks = |wanted: fn(&RunState) -> bool| {
        detail.checks.iter().filter(move |check| wanted(&check.state)).map(Piece::Check)
    };
    add(&mut pieces, "checks failing", checks(RunState::is_bad));
    add(&mut pieces, "checks at work", checks(|state| !state.is_finished()));
    add(&mut pieces, "files", detail.files.iter().map(Piece::File));
    if detail.files_truncated {
        pieces.push(Piece::Text("the host lists no more files than these"));
    }
    add(&mut pieces, "reviews", detail.reviews.iter().map(Piece::Review));
    add(&mut pieces, "comments", detail.comments.iter().map(Piece::Review));
    let body = detail.body.lines().map(str::trim_end).take(BODY);
    add(&mut pieces, "text", body.skip_while(|line| line.is_empty()).map(Piece::Text));
    add(&mut pieces, "checks passed", checks(|state| state.is_finished() && !state.is_bad()));
    pieces
}

fn title(view: &View<'_>, pr: &PullRequest) -> Line<'static> {
    let theme = view.theme;
    let sha = pr.head_sha.get(..7).unwrap_or(&pr.head_sha).to_owned();
    let files = if pr.changed_files == 1 { "1 file".to_owned() } else { format!("{} files", pr.changed_files) };
    Line::from(vec![
        Span::raw(format!("#{} {}", pr.key.number, pr.title)),
        Span::styled(format!("   {}   {files} +{} -{}   {sha}", pr.author, pr.additions, pr.deletions), theme.dim),
    ])
}

pub(super) fn render(prs: &mut PullRequests, view: &View<'_>, area: Rect, buf: &mut Buffer, focused: bool) {
    let theme = view.theme;
    let Some(pr) = prs.selected_pr(view) else {
        framed(view, "PULL REQUEST", "", None, focused, area, buf);
        return;
    };
    let query = Query::PullRequest(pr.key.clone());
    let inside = framed_answer(view, title(view, pr), "", Some(&query), focused, area, buf);
    let ellipsis = theme.glyphs.ellipsis;
    let mut rest = inside;
    if let Some(spot) = row(rest, 0) {
        put_line(buf, spot, &summary(view, pr), ellipsis);
        rest = Rect { y: rest.y + 1, height: rest.height - 1, ..rest };
    }
    let Some(detail) = detail(view, pr) else {
        let spot = row(rest, rest.height / 3).unwrap_or_default();
        return put_centred(buf, spot, &Line::styled(missing_words(view, &query), theme.dim), ellipsis);
    };
    let pieces = pieces(detail);
    prs.detail_height = usize::from(rest.height);
    prs.detail_top = prs.detail_top.min(pieces.len().saturating_sub(prs.detail_height));
    let widest = detail.files.iter().map(|file| file.path.width()).max().unwrap_or(0).min(usize::from(rest.width) / 2);
    let names =
        detail.checks.iter().map(|check| check.name.width()).max().unwrap_or(0).min(usize::from(rest.width) / 2);
    for (index, piece) in pieces[prs.detail_top..].iter().enumerate() {
        let Some(spot) = row(rest, index as u16) else { break };
        put_line(buf, spot, &line(view, pr, *piece, (widest, names)), ellipsis);
    }
    let scroll = Scroll { len: pieces.len(), offset: prs.detail_top, visible: prs.detail_height };
    scrollbar(area, scroll, theme, buf);
}

/// `branch -> main   9/11   asks you   blocked   bug, api`
fn summary(view: &View<'_>, pr: &PullRequest) -> Line<'static> {
    let theme = view.theme;
    let checks = match (pr.checks.is_readable, pr.checks.exist) {
        (false, _) => "checks not readable with this token".to_owned(),
        (true, false) => "no checks".to_owned(),
        _ => format!("checks {}", checks_words(&pr.checks)),
    };
    let review = match super::rows::review_words(pr) {
        words if words == "-" => String::new(),
        words => format!("   {words}"),
    };
    let labels: Vec<&str> = pr.labels.iter().map(crate::text::Clean::as_str).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("   {}", labels.join(", ")) };
    let merge = super::rows::merge_words(pr);
    Line::styled(
        format!("{} {} {}   {checks}{review}   {merge}{labels}", pr.head, theme.glyphs.becomes, pr.base),
        theme.dim,
    )
}

/// `widest`: columns of the paths of files, and of the names of checks.
fn line<'a>(view: &View<'_>, pr: &PullRequest, piece: Piece<'a>, widest: (usize, usize)) -> Line<'a> {
    let theme = view.theme;
    match piece {
        Piece::Blank => Line::default(),
        Piece::Head(head) => Line::styled(head, theme.strong),
        Piece::Check(check) => check_line(view, check, widest.1),
        Piece::File(file) => file_line(view, file, widest.0),
        Piece::Review(review) => review_line(view, pr, review),
        Piece::Text(text) => Line::raw(format!("  {}", mask(text))),
    }
}

fn check_line<'a>(view: &View<'_>, check: &'a Check, widest: usize) -> Line<'a> {
    let theme = view.theme;
    let mark = match &check.state {
        state if state.is_bad() => Mark::Broken,
        RunState::Success => Mark::Ok,
        state if !state.is_finished() => Mark::Progress,
        _ => Mark::Blank,
    };
    Line::from(vec![
        Span::raw("  "),
        theme.mark(mark),
        Span::raw(format!(" {}{}", check.name, " ".repeat(widest.saturating_sub(check.name.width())))),
        Span::styled(format!("   {}", check.state), theme.dim),
    ])
}

fn file_line<'a>(view: &View<'_>, file: &'a ChangedFile, widest: usize) -> Line<'a> {
    let theme = view.theme;
    let count = |sign: char, count: u32, style: Style| {
        Span::styled(if count == 0 { " ".repeat(6) } else { format!("{:>6}", format!("{sign}{count}")) }, style)
    };
    // The end of a path tells more than its beginning.
    let path = file.path.as_str();
    let room = widest.max(8);
    let shown = if file.path.width() <= room {
        format!("{path}{}", " ".repeat(room - file.path.width()))
    } else {
        let kept: Vec<char> = path.chars().rev().take(room - theme.glyphs.ellipsis.chars().count()).collect();
        format!("{}{}", theme.glyphs.ellipsis, kept.into_iter().rev().collect::<String>())
    };
    Line::from(vec![
        Span::styled(format!("  {} ", file.mark), theme.dim),
        Span::raw(shown),
        count('+', file.additions, theme.diff_add),
        Span::raw(" "),
        count('-', file.deletions, theme.diff_remove),
    ])
}

fn review_line<'a>(view: &View<'_>, pr: &PullRequest, review: &'a Review) -> Line<'a> {
    let theme = view.theme;
    let now = view.store.time_of(&pr.key.repo.host, view.now);
    let age = review.at.map(|at| format!("  {} ago", crate::time::age_of(at, now))).unwrap_or_default();
    let style = match review.state.as_str() {
        "approved" => theme.ok,
        "changes requested" => theme.broken,
        _ => theme.dim,
    };
    let state = if review.state.is_empty() { String::new() } else { format!(" {}", review.state) };
    let body = review.body.lines().find(|line| !line.trim().is_empty()).map(mask).unwrap_or_default();
    Line::from(vec![
        Span::raw(format!("  {}", review.author)),
        Span::styled(state, style),
        Span::styled(age, theme.dim),
        Span::raw(if body.is_empty() { String::new() } else { format!("  {body}") }),
    ])
}
