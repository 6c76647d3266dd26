//! `.helmignore` of a chart: what Helm leaves out when it packs one. Of the chart that is rendered Helm reads it itself;
//! of charts that are put below `charts/` by us nobody else does.
//!
//! The rules are Helm's own (package `ignore` of Helm 3 and 4): no `**`, a pattern without a slash is held against the
//! last part of a path, and a pattern with `!` leaves out everything that it does not fit.

use std::iter::Peekable;
use std::str::Chars;

/// The name of the file, right in the chart.
pub(super) const FILE: &str = ".helmignore";

/// Patterns in their order.
#[derive(Debug)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Vec<Vec<Token>>,
    /// The whole path is meant, not its last part.
    whole: bool,
    only_folders: bool,
    negative: bool,
}

impl Rules {
    /// The rules of a file; an absent file is an empty text.
    ///
    /// # Errors
    /// What Helm refuses too, with its line.
    pub(super) fn parse(text: &str) -> Result<Self, (u32, &'static str)> {
        let mut rules = Vec::new();
        for (line, written) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let written = written.trim();
            if written.is_empty() || written.starts_with('#') {
                continue;
            }
            if written.contains("**") {
                return Err((line, "Helm knows no ** in it"));
            }
            let (negative, pattern) = match written.strip_prefix('!') {
                Some(pattern) => (true, pattern),
                None => (false, written),
            };
            let (only_folders, pattern) = match pattern.strip_suffix('/') {
                Some(pattern) => (true, pattern),
                None => (false, pattern),
            };
            rules.push(Rule {
                whole: pattern.contains('/'),
                pattern: glob(pattern.strip_prefix('/').unwrap_or(pattern))
                    .ok_or((line, "it is no pattern"))?,
                only_folders,
                negative,
            });
        }
        // Hidden files among templates are never templates.
        rules.extend(glob("templates/.?*").map(|pattern| Rule {
            pattern,
            whole: true,
            only_folders: false,
            negative: false,
        }));
        Ok(Self(rules))
    }

    /// Whether a file is left out. The path is relative to the chart; what is below a folder that is left out goes with
    /// it.
    pub(super) fn leave_out(&self, path: &str) -> bool {
        path.match_indices('/')
            .filter_map(|(end, _)| path.get(..end))
            .any(|folder| self.says(folder, true))
            || self.says(path, false)
    }

    fn says(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.0 {
            let fits = rule.fits(path);
            let is_meant = is_folder || !rule.only_folders;
            match rule.negative {
                true if !is_meant || !fits => return true,
                false if is_meant && fits => return true,
                _ => {}
            }
        }
        false
    }
}

impl Rule {
    fn fits(&self, path: &str) -> bool {
        let part = if self.whole {
            path
        } else {
            path.rsplit('/').next().unwrap_or(path)
        };
        let parts: Vec<&str> = part.split('/').collect();
        parts.len() == self.pattern.len()
            && self
                .pattern
                .iter()
                .zip(parts)
                .all(|(tokens, part)| matches(tokens, part))
    }
}

/// A part of a pattern, between slashes.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Letter(char),
    /// Any letter.
    One,
    /// Any letters, or none.
    Many,
    /// One of these ranges, or none of them.
    Class(bool, Vec<(char, char)>),
}

/// As `filepath.Match` of Go reads it: `*`, `?`, `[…]` and a backslash; braces are letters like any other.
fn glob(pattern: &str) -> Option<Vec<Vec<Token>>> {
    pattern.split('/').map(tokens).collect()
}

fn tokens(part: &str) -> Option<Vec<Token>> {
    let mut letters = part.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            '*' => Token::Many,
            '?' => Token::One,
            '[' => class(&mut letters)?,
            '\\' => Token::Letter(letters.next()?),
            letter => Token::Letter(letter),
        });
    }
    Some(tokens)
}

fn class(letters: &mut Peekable<Chars<'_>>) -> Option<Token> {
    let negative = letters.next_if_eq(&'^').is_some();
    let one = |letters: &mut Peekable<Chars<'_>>| match letters.next()? {
        '\\' => letters.next(),
        '-' | ']' => None,
        letter => Some(letter),
    };
    let mut ranges = Vec::new();
    loop {
        let from = one(letters)?;
        let to = match letters.next_if_eq(&'-') {
            Some(_) => one(letters)?,
            None => from,
        };
        ranges.push((from, to));
        if letters.next_if_eq(&']').is_some() {
            return Some(Token::Class(negative, ranges));
        }
    }
}

/// Goes back to the last star only: that is enough, and so no pattern takes long.
fn matches(tokens: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut token, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        let fits = match (tokens.get(token), text.get(at)) {
            (Some(Token::Many), _) => {
                star = Some((token, at));
                token += 1;
                continue;
            }
            (Some(Token::One), Some(_)) => true,
            (Some(Token::Letter(letter)), Some(is)) => letter == is,
            (Some(Token::Class(negative, ranges)), Some(is)) => {
                ranges.iter().any(|(from, to)| (from..=to).contains(&is)) != *negative
            }
            _ => false,
        };
        if fits {
            token += 1;
            at += 1;
        } else if let Some((before, from)) = star {
            star = Some((before, from + 1));
            token = before + 1;
            at = from + 1;
        } else {
            return false;
        }
    }
    tokens
        .get(token..)
        .is_some_and(|rest| rest.iter().all(|token| *token == Token::Many))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That these are Helm's own answers is shown against Helm itself, in the tests of rendering.
    #[test]
    fn files_are_left_out_as_helm_leaves_them_out() {
        for (rules, path, out) in [
            ("", "templates/a.yaml", false),
            ("", "templates/.a.yaml.swp", true),
            ("", ".hidden", false),
            ("*.bak\n", "templates/a.yaml.bak", true),
            ("# *.yaml\n\n  *.txt  \n", "a.txt", true),
            ("# *.yaml\n", "a.yaml", false),
            ("/a.yaml\n", "a.yaml", true),
            ("/a.yaml\n", "b/a.yaml", false),
            ("templates/t*.yaml\n", "templates/test.yaml", true),
            ("templates/t*.yaml\n", "templates/deep/test.yaml", false),
            ("tests\n", "templates/tests/a.yaml", true),
            ("tests/\n", "templates/tests/a.yaml", true),
            ("tests/\n", "templates/tests", false),
            ("templates/[ab].yaml\n", "templates/b.yaml", true),
            ("templates/[^ab].yaml\n", "templates/b.yaml", false),
            ("{a,b}.yaml\n", "a.yaml", false),
            ("?.yaml\n", "ü.yaml", true),
        ] {
            let parsed = Rules::parse(rules).unwrap();
            assert_eq!(parsed.leave_out(path), out, "{path} with {rules:?}");
        }
        assert_eq!(
            Rules::parse("a\n**/b\n").unwrap_err(),
            (2, "Helm knows no ** in it")
        );
    }
}
