//! The two kinds of patterns that Git generators use.
//!
//! Directories are matched as Go's `path.Match` does: a star stays within one part of the path. Files are matched as
//! `git ls-files` does with a pathspec: a star goes over slashes, and a pattern without one also means a folder.

/// Whether a directory matches, part by part.
pub(super) fn directory(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), path.chars().collect());
    Matcher {
        over_slashes: false,
        left: BUDGET,
    }
    .run(&pattern, &path)
}

/// Whether a file matches a pathspec.
pub(super) fn file(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./");
    let below = |folder: &str| {
        path.strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || folder.is_empty())
    };
    if below(pattern.trim_end_matches('/')) {
        return true;
    }
    let (pattern, path): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), path.chars().collect());
    Matcher {
        over_slashes: true,
        left: BUDGET,
    }
    .run(&pattern, &path)
}

/// Steps of one comparison: patterns of people need a few hundred.
const BUDGET: u32 = 100_000;

struct Matcher {
    over_slashes: bool,
    left: u32,
}

impl Matcher {
    fn run(&mut self, pattern: &[char], text: &[char]) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => self.star(rest, text),
            ['?', rest @ ..] => match text {
                [c, tail @ ..] if self.over_slashes || *c != '/' => self.run(rest, tail),
                _ => false,
            },
            ['[', rest @ ..] => match (class(rest, self.over_slashes), text) {
                (Some((class, rest)), [c, tail @ ..]) => {
                    (self.over_slashes || *c != '/') && class.has(*c) && self.run(rest, tail)
                }
                _ => false,
            },
            ['\\', c, rest @ ..] | [c, rest @ ..] => {
                text.first() == Some(c) && self.run(rest, &text[1..])
            }
        }
    }

    fn star(&mut self, rest: &[char], text: &[char]) -> bool {
        let rest = match rest {
            ['*', more @ ..] => more,
            rest => rest,
        };
        for end in 0..=text.len() {
            if self.run(rest, &text[end..]) {
                return true;
            }
            if !self.over_slashes && text.get(end) == Some(&'/') {
                return false;
            }
        }
        false
    }
}

struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    fn has(&self, c: char) -> bool {
        let inside = self
            .ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&c));
        inside != self.negated
    }
}

/// What follows `[`, up to and with `]`. Only pathspecs know `!` besides `^`.
fn class(pattern: &[char], bang: bool) -> Option<(Class, &[char])> {
    let (negated, mut rest) = match pattern {
        ['^', rest @ ..] => (true, rest),
        ['!', rest @ ..] if bang => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        let (from, tail) = match rest {
            [']', tail @ ..] if !ranges.is_empty() => {
                return Some((Class { negated, ranges }, tail));
            }
            ['\\', c, tail @ ..] | [c, tail @ ..] => (*c, tail),
            [] => return None,
        };
        let (to, tail) = match tail {
            ['-', ']', ..] => (from, tail),
            ['-', '\\', to, tail @ ..] | ['-', to, tail @ ..] => (*to, tail),
            tail => (from, tail),
        };
        ranges.push((from, to));
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_match_part_by_part() {
        for (pattern, path, expected) in [
            ("*", "a", true),
            ("*", "a/b", false),
            ("apps/*", "apps/shop", true),
            ("apps/*", "apps", false),
            ("apps/*", "apps/shop/base", false),
            ("apps/*/*", "apps/shop/base", true),
            ("d/[f|g]", "d/f", true),
            ("d/[f|g]", "d/e", false),
            ("d/[^f]", "d/e", true),
            ("d/[a-c]?", "d/bx", true),
            ("d/[!f]", "d/e", false),
            ("d/[!f]", "d/!", true),
            ("d/[", "d/[", false),
            ("apps/sh\\*p", "apps/sh*p", true),
            ("apps/**", "apps/shop", true),
            ("apps/**", "apps/shop/base", false),
        ] {
            assert_eq!(directory(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn files_match_as_pathspecs_do() {
        for (pattern, path, expected) in [
            (
                "clusters/**/config.json",
                "clusters/eu/prod/config.json",
                true,
            ),
            // Not as in a shell: both slashes are there. Git itself says so.
            ("clusters/**/config.json", "clusters/config.json", false),
            ("**/config.json", "clusters/config.json", true),
            ("**/config.json", "config.json", false),
            ("./clusters/*.json", "clusters/eu.json", true),
            ("clusters/", "clusters/eu.json", true),
            ("clusters/eu?/x", "clusters/eu2/x", true),
            ("clusters/[!u]u/x", "clusters/eu/x", true),
            (
                "clusters/*/config.json",
                "clusters/eu/prod/config.json",
                true,
            ),
            ("clusters/*.json", "clusters/eu.json", true),
            ("clusters", "clusters/eu.json", true),
            ("clust", "clusters/eu.json", false),
            ("*.yaml", "a/b.yaml", true),
            ("clusters/eu.json", "clusters/eu.json", true),
            ("{a,b}.json", "a.json", false),
        ] {
            assert_eq!(file(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn attack_a_pattern_of_many_stars_ends() {
        assert!(!file(
            &"*a".repeat(60),
            &"a".repeat(2_000).replace("aa", "ab")
        ));
    }
}
