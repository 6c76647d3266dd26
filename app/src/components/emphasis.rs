//! Which part of a changed line changed. Pure, and quick enough for the browser.

/// The parts of an old and a new line that differ, as byte ranges, grown to whole words so that
/// `2.9.0` → `2.9.1` is marked as a version, not as a digit. Empty ranges mean: mark nothing.
pub fn changed_parts(old: &str, new: &str) -> ((usize, usize), (usize, usize)) {
    let mut start = old
        .char_indices()
        .zip(new.chars())
        .take_while(|((_, left), right)| left == right)
        .count();
    let (old_chars, new_chars): (Vec<char>, Vec<char>) =
        (old.chars().collect(), new.chars().collect());
    let most = old_chars.len().min(new_chars.len()) - start;
    let mut end = old_chars
        .iter()
        .rev()
        .zip(new_chars.iter().rev())
        .take(most)
        .take_while(|(left, right)| left == right)
        .count();
    // Only a cut through a word is moved to the word's edge.
    let word_at = |chars: &[char], at: Option<usize>| {
        at.and_then(|at| chars.get(at))
            .is_some_and(|char| is_word(*char))
    };
    let before_end = |chars: &[char]| (chars.len() - end).checked_sub(1).filter(|at| *at >= start);
    let cut_at_start = word_at(&old_chars, Some(start)) || word_at(&new_chars, Some(start));
    let cut_at_end =
        word_at(&old_chars, before_end(&old_chars)) || word_at(&new_chars, before_end(&new_chars));
    while cut_at_start && start > 0 && is_word(old_chars[start - 1]) {
        start -= 1;
    }
    while cut_at_end && end > 0 && is_word(old_chars[old_chars.len() - end]) {
        end -= 1;
    }
    let bytes = |chars: &[char]| {
        let length = |part: &[char]| part.iter().map(|char| char.len_utf8()).sum::<usize>();
        let from = length(&chars[..start]);
        (from, from + length(&chars[start..chars.len() - end]))
    };
    (bytes(&old_chars), bytes(&new_chars))
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '.' | '_' | '-')
}

/// A line in at most three parts, the middle one emphasised.
pub fn split(line: &str, (from, to): (usize, usize)) -> Vec<(bool, String)> {
    [
        (false, line.get(..from)),
        (true, line.get(from..to)),
        (false, line.get(to..)),
    ]
    .into_iter()
    .filter_map(|(strong, part)| {
        part.filter(|part| !part.is_empty())
            .map(|part| (strong, part.to_owned()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(old: &str, new: &str) -> (String, String) {
        let (left, right) = changed_parts(old, new);
        (
            old[left.0..left.1].to_owned(),
            new[right.0..right.1].to_owned(),
        )
    }

    #[test]
    fn whole_words_are_marked() {
        for (old, new, left, right) in [
            (
                "image: r/checkout:2.9.0",
                "image: r/checkout:2.9.1",
                "2.9.0",
                "2.9.1",
            ),
            ("value: \"20\"", "value: \"40\"", "20", "40"),
            ("replicas: 3", "replicas: 13", "3", "13"),
            ("a: x", "a: x y", "", " y"),
            ("größe: ä", "größe: ö", "ä", "ö"),
            ("same", "same", "", ""),
            ("", "new", "", "new"),
        ] {
            assert_eq!(
                marked(old, new),
                (left.to_owned(), right.to_owned()),
                "{old} → {new}"
            );
        }
    }

    #[test]
    fn parts_put_together_are_the_line() {
        let (left, _) = changed_parts("a: 1 # b", "a: 2 # b");
        let text: String = split("a: 1 # b", left)
            .into_iter()
            .map(|(_, part)| part)
            .collect();
        assert_eq!(text, "a: 1 # b");
    }
}
