//! Text broken into lines.

use super::cells::width;

/// Words in lines of at most `most` cells; longer words are cut.
pub fn wrapped(text: &str, most: u16) -> Vec<String> {
    let most = most.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("it begins with one");
        let gap = u16::from(!last.is_empty());
        if width(last).saturating_add(gap).saturating_add(width(word)) <= most {
            if gap == 1 {
                last.push(' ');
            }
            last.push_str(word);
            continue;
        }
        let mut piece = String::new();
        for c in word.chars() {
            let next = width(c.encode_utf8(&mut [0; 4]));
            if width(&piece) + next > most {
                push(&mut lines, std::mem::take(&mut piece));
            }
            piece.push(c);
        }
        push(&mut lines, piece);
    }
    lines
}

fn push(lines: &mut Vec<String>, piece: String) {
    match lines.last_mut() {
        Some(last) if last.is_empty() => *last = piece,
        _ => lines.push(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("ab", 0), ["a", "b"]);
    }
}
