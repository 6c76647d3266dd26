//! Text that could pass for another: letters that turn the direction of writing, that cannot be seen, or that look like
//! letters of another script in one word. Shown as what they are, so that what is read is what is there.

use std::borrow::Cow;

/// Rows of one listing that are shown; more make a page that answers no key.
pub const MOST_ROWS: usize = 2_000;

/// The text with every deceptive letter written out: `⟨U+202E⟩`.
pub fn marked(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte < b' ' && byte != b'\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            word.push(letter);
            continue;
        }
        write_word(&mut out, &word);
        word.clear();
        if is_hidden(letter) {
            write_out(&mut out, letter);
        } else {
            out.push(letter);
        }
    }
    write_word(&mut out, &word);
    Cow::Owned(out)
}

/// How many rows are left out, in words; `None` when all are shown.
pub fn left_out(rows: usize) -> Option<String> {
    (rows > MOST_ROWS).then(|| {
        format!(
            "{} more lines; the command line shows them all",
            rows - MOST_ROWS
        )
    })
}

fn write_out(out: &mut String, letter: char) {
    out.push_str(&format!("⟨U+{:04X}⟩", u32::from(letter)));
}

/// Letters of other scripts that look like Latin ones are written out where they stand among Latin ones.
fn write_word(out: &mut String, word: &str) {
    let mixed = word.chars().any(|letter| letter.is_ascii_alphabetic());
    for letter in word.chars() {
        if mixed && looks_latin(letter) {
            write_out(out, letter);
        } else {
            out.push(letter);
        }
    }
}

/// Scripts with letters that look like Latin ones, and the Latin letters of mathematics and full width.
fn looks_latin(letter: char) -> bool {
    matches!(
        u32::from(letter),
        0x0370..=0x03FF | 0x0400..=0x052F | 0x0530..=0x058F | 0x13A0..=0x13FF | 0x1F00..=0x1FFF
            | 0x2100..=0x214F | 0xA4D0..=0xA4FF | 0xFF21..=0xFF5A | 0x1D400..=0x1D7FF
    )
}

/// Controls, marks of direction, spaces without width, variation selectors and tags.
fn is_hidden(letter: char) -> bool {
    (letter.is_control() && letter != '\t')
        || matches!(
            u32::from(letter),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180E
                | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0E
                | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_56_deceptive_letters_are_written_out() {
        for (text, shown) in [
            ("image: web\u{202e}gnp.exe", "image: web⟨U+202E⟩gnp.exe"),
            ("p\u{430}ypal.com", "p⟨U+0430⟩ypal.com"),
            ("ad\u{200b}min", "ad⟨U+200B⟩min"),
            ("\u{2066}a\u{2069}", "⟨U+2066⟩a⟨U+2069⟩"),
            ("a\u{1b}[31m", "a⟨U+001B⟩[31m"),
            ("tag\u{e0041}", "tag⟨U+E0041⟩"),
            ("\u{ff41}dmin", "⟨U+FF41⟩dmin"),
        ] {
            assert_eq!(marked(text), shown);
        }
        for honest in [
            "plain\ttext",
            "Größe: naïve façade",
            "Привет, мир",
            "Ελλάδα 2024",
            "日本語 mixed with words",
            "emoji 😀 and ❤\u{fe0f}",
        ] {
            assert_eq!(marked(honest), honest);
        }
    }
}
