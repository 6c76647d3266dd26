//! Globs as Argo CD matches them: the whole text is one term, so `*` also crosses `/`.
//!
//! `*` and `**` fit any text, `?` one character, `[abc]`, `[a-z]` and `[!a]` one of a class, `{a,b}` alternatives, and a
//! backslash takes the next character literally. Matching is linear in the text for each state, so that no pattern can
//! make it slow.

use serde::{Deserialize, Serialize};

/// Longest pattern in characters.
const LONGEST: usize = 1_000;
/// Most alternatives in braces, nesting counted out.
const MOST: usize = 200;

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Glob {
    text: String,
    /// One sequence for each way through the braces.
    ways: Vec<Vec<Piece>>,
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Glob {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <String as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Glob {}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    #[error("“[” or “{{” is not closed")]
    Open,
    #[error("the class of characters in “[…]” is empty or turned round")]
    Class,
    #[error("it is longer than {LONGEST} characters or has more than {MOST} alternatives")]
    TooLarge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Piece {
    Any,
    One,
    Literal(char),
    Class {
        not: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is not closed, or too large.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        if text.chars().count() > LONGEST {
            return Err(GlobError::TooLarge);
        }
        let letters: Vec<char> = text.chars().collect();
        let mut at = 0;
        let ways = sequence(&letters, &mut at, false)?;
        Ok(Self {
            text: text.to_owned(),
            ways,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it fits the whole text.
    pub fn fits(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        self.ways.iter().any(|way| fits(way, &letters))
    }

    /// Whether it fits whatever could be asked for below one project or none.
    pub fn fits_all(&self) -> bool {
        matches!(self.text.as_str(), "*" | "**" | "*/*")
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.text
    }
}

impl TryFrom<String> for Glob {
    type Error = GlobError;

    fn try_from(text: String) -> Result<Self, GlobError> {
        Self::new(&text)
    }
}

/// Up to the end, or to the `,` or `}` that ends an alternative.
fn sequence(letters: &[char], at: &mut usize, inside: bool) -> Result<Vec<Vec<Piece>>, GlobError> {
    let mut ways: Vec<Vec<Piece>> = vec![Vec::new()];
    while let Some(letter) = letters.get(*at).copied() {
        if inside && matches!(letter, ',' | '}') {
            break;
        }
        *at += 1;
        match letter {
            '*' => push(&mut ways, &Piece::Any),
            '?' => push(&mut ways, &Piece::One),
            '[' => {
                let class = class(letters, at)?;
                push(&mut ways, &class);
            }
            '{' => ways = branch(letters, at, &ways)?,
            '\\' => {
                let next = letters.get(*at).copied().unwrap_or('\\');
                *at += 1;
                push(&mut ways, &Piece::Literal(next));
            }
            literal => push(&mut ways, &Piece::Literal(literal)),
        }
    }
    Ok(ways)
}

fn push(ways: &mut [Vec<Piece>], piece: &Piece) {
    for way in ways {
        if *piece == Piece::Any && way.last() == Some(&Piece::Any) {
            continue;
        }
        way.push(piece.clone());
    }
}

fn branch(
    letters: &[char],
    at: &mut usize,
    before: &[Vec<Piece>],
) -> Result<Vec<Vec<Piece>>, GlobError> {
    let mut ways = Vec::new();
    loop {
        for alternative in sequence(letters, at, true)? {
            for start in before {
                ways.push([start.as_slice(), alternative.as_slice()].concat());
            }
            if ways.len() > MOST {
                return Err(GlobError::TooLarge);
            }
        }
        *at += 1;
        match letters.get(*at - 1) {
            Some(',') => {}
            Some('}') => return Ok(ways),
            _ => return Err(GlobError::Open),
        }
    }
}

fn class(letters: &[char], at: &mut usize) -> Result<Piece, GlobError> {
    let mut next = || {
        let letter = letters.get(*at).copied();
        *at += 1;
        letter.ok_or(GlobError::Open)
    };
    let mut ranges = Vec::new();
    let mut letter = next()?;
    let not = letter == '!';
    if not {
        letter = next()?;
    }
    while letter != ']' {
        let from = if letter == '\\' { next()? } else { letter };
        letter = next()?;
        if letter == '-' {
            let to = next()?;
            if to == ']' || to < from {
                return Err(GlobError::Class);
            }
            ranges.push((from, to));
            letter = next()?;
        } else {
            ranges.push((from, from));
        }
    }
    if ranges.is_empty() {
        return Err(GlobError::Class);
    }
    Ok(Piece::Class { not, ranges })
}

fn fits(pieces: &[Piece], letters: &[char]) -> bool {
    let (mut piece, mut letter) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: the star takes one more character.
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (pieces.get(piece), letters.get(letter)) {
            (None, None) => return true,
            (Some(Piece::Any), _) => {
                back = Some((piece + 1, letter));
                piece += 1;
                continue;
            }
            (Some(one), Some(found)) if one.takes(*found) => {
                piece += 1;
                letter += 1;
                continue;
            }
            _ => {}
        }
        match back {
            Some((after, taken)) if taken < letters.len() => {
                back = Some((after, taken + 1));
                piece = after;
                letter = taken + 1;
            }
            _ => return false,
        }
    }
}

impl Piece {
    fn takes(&self, letter: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Literal(own) => *own == letter,
            Self::Class { not, ranges } => {
                ranges
                    .iter()
                    .any(|(from, to)| (*from..=*to).contains(&letter))
                    != *not
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_term_without_separators() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "default/web", true),
            ("*/*", "default/web", true),
            ("*/*", "web", false),
            ("default/*", "default/web", true),
            ("default/*", "default/team/web", true),
            ("default/*", "default", false),
            ("*/web", "a/b/web", true),
            ("d?v/web", "dev/web", true),
            ("d?v/web", "d/v/web", true),
            ("d?v", "d/v", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "zx", true),
            ("{dev,test}/*", "test/web", true),
            ("{dev,test}/*", "prod/web", false),
            ("{a{b,c},d}e", "ace", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (
                "action/extensions/*",
                "action/extensions/DaemonSet/test",
                true,
            ),
            ("delete/*/Pod/*/*", "delete//Pod/ns/web-1", true),
            ("update/*", "update", false),
            ("Web", "web", false),
            ("ü?", "üx", true),
        ] {
            assert_eq!(
                Glob::new(pattern).unwrap().fits(text),
                expected,
                "{pattern} on {text}"
            );
        }
    }

    #[test]
    fn broken_patterns_are_refused() {
        for pattern in ["[", "[]", "[z-a]", "{a", "{a,b", "a[b"] {
            assert!(Glob::new(pattern).is_err(), "{pattern}");
        }
        let many = "{a,b}".repeat(12);
        assert_eq!(Glob::new(&many), Err(GlobError::TooLarge));
        assert_eq!(Glob::new(&"a".repeat(2_000)), Err(GlobError::TooLarge));
    }

    #[test]
    fn no_pattern_is_slow() {
        let glob = Glob::new(&"*a".repeat(400)).unwrap();
        assert!(!glob.fits(&format!("{}b", "a".repeat(5_000))));
    }
}
