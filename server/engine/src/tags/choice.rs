//! Choosing a tag: a filter by pattern, then the highest by version, name or number.

use crate::source::{VersionRange, version};
use regex::{Regex, RegexBuilder};
use semver::Version;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Bytes that one pattern may take once it is compiled.
const PATTERN: usize = 1024 * 1024;
/// What signatures of images are called in registries; never meant.
const SIGNATURES: &str = r"^.*\.sig$";

/// How a tag is chosen, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChoice {
    /// Tags that do not match do not count; empty: all count.
    pub pattern: String,
    /// What of the match is compared, as `$ts`; empty: the whole tag.
    pub extract: String,
    /// Tags that match one of these never count.
    pub exclude: Vec<String>,
    pub order: TagOrder,
}

/// What makes one tag newer than another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagOrder {
    /// The highest version in this range.
    Versions(String),
    /// The last by name; the first when `descending`.
    Names { descending: bool },
    /// The largest number; the smallest when `descending`.
    Numbers { descending: bool },
}

/// A choice that can be made.
#[derive(Debug, Clone)]
pub struct Chooser {
    pattern: Option<Regex>,
    extract: String,
    exclude: Vec<Regex>,
    order: Order,
}

#[derive(Debug, Clone)]
enum Order {
    Versions(VersionRange),
    Names { descending: bool },
    Numbers { descending: bool },
}

/// What is compared.
#[derive(Debug)]
enum Rank {
    Version(Box<Version>),
    Name(String),
    Number(f64),
}

impl TagChoice {
    /// In words: `versions >=1.0 <2.0 of tags like ^v`.
    pub fn words(&self) -> String {
        let order = match &self.order {
            TagOrder::Versions(range) => format!("highest version in {range}"),
            TagOrder::Names { descending: false } => "last by name".to_owned(),
            TagOrder::Names { descending: true } => "first by name".to_owned(),
            TagOrder::Numbers { descending: false } => "largest number".to_owned(),
            TagOrder::Numbers { descending: true } => "smallest number".to_owned(),
        };
        match self.pattern.is_empty() {
            true => order,
            false => format!("{order} of tags like {}", self.pattern),
        }
    }

    /// Reads patterns and range.
    ///
    /// # Errors
    /// Which of them cannot be read, as half a sentence.
    pub fn chooser(&self) -> Result<Chooser, String> {
        let pattern = match self.pattern.is_empty() {
            true => None,
            false => Some(regex(&self.pattern)?),
        };
        let written = self.exclude.iter().map(String::as_str);
        let exclude = written.chain([SIGNATURES]).map(regex);
        let order = match &self.order {
            TagOrder::Versions(range) => Order::Versions(VersionRange::parse(range)?),
            TagOrder::Names { descending } => Order::Names {
                descending: *descending,
            },
            TagOrder::Numbers { descending } => Order::Numbers {
                descending: *descending,
            },
        };
        Ok(Chooser {
            pattern,
            extract: self.extract.clone(),
            exclude: exclude.collect::<Result<_, _>>()?,
            order,
        })
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(PATTERN)
        .dfa_size_limit(PATTERN)
        .build()
        .map_err(|_| {
            format!(
                "the pattern “{}” cannot be read, or is too large",
                text.escape_debug()
            )
        })
}

impl Chooser {
    /// The newest of these tags; `None` when none counts.
    pub fn newest<'t>(&self, tags: impl IntoIterator<Item = &'t str>) -> Option<&'t str> {
        tags.into_iter()
            .filter_map(|tag| Some((self.rank(tag)?, tag)))
            .max_by(|(one, a), (other, b)| self.compare(one, other).then_with(|| a.cmp(b)))
            .map(|(_, tag)| tag)
    }

    /// Whether a tag counts and is newer than another that counts: then one does not go back to the other.
    pub fn is_newer(&self, tag: &str, than: &str) -> bool {
        match (self.rank(tag), self.rank(than)) {
            (Some(one), Some(other)) => self.compare(&one, &other) == Ordering::Greater,
            _ => false,
        }
    }

    fn rank(&self, tag: &str) -> Option<Rank> {
        if self.exclude.iter().any(|exclude| exclude.is_match(tag)) {
            return None;
        }
        let compared = match &self.pattern {
            None => tag.to_owned(),
            Some(pattern) => {
                let found = pattern.captures(tag)?;
                let mut compared = String::new();
                match self.extract.is_empty() {
                    true => compared.push_str(tag),
                    false => found.expand(&self.extract, &mut compared),
                }
                compared
            }
        };
        match &self.order {
            Order::Versions(range) => version(&compared)
                .filter(|version| range.holds(version))
                .map(|version| Rank::Version(Box::new(version))),
            Order::Names { .. } => Some(Rank::Name(compared)),
            Order::Numbers { .. } => {
                let number: f64 = compared.parse().ok()?;
                number.is_finite().then_some(Rank::Number(number))
            }
        }
    }

    fn compare(&self, one: &Rank, other: &Rank) -> Ordering {
        let ordering = match (one, other) {
            (Rank::Version(one), Rank::Version(other)) => one.cmp_precedence(other),
            (Rank::Name(one), Rank::Name(other)) => one.cmp(other),
            (Rank::Number(one), Rank::Number(other)) => one.total_cmp(other),
            _ => Ordering::Equal,
        };
        match self.order {
            Order::Names { descending: true } | Order::Numbers { descending: true } => {
                ordering.reverse()
            }
            _ => ordering,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(pattern: &str, extract: &str, order: TagOrder) -> TagChoice {
        TagChoice {
            pattern: pattern.to_owned(),
            extract: extract.to_owned(),
            exclude: Vec::new(),
            order,
        }
    }

    #[test]
    fn the_newest_is_the_highest_by_what_is_compared() {
        let numbers = TagOrder::Numbers { descending: false };
        let versions = |range: &str| TagOrder::Versions(range.to_owned());
        for (pattern, extract, order, tags, expected) in [
            (
                "",
                "",
                versions(">=1.0.0 <2.0.0"),
                &["1.9.0", "1.10.0", "2.0.0", "latest", "1.10.0.sig"][..],
                Some("1.10.0"),
            ),
            (
                "",
                "",
                versions("1.x"),
                &["1.0.0", "1.1.0-rc.1"],
                Some("1.0.0"),
            ),
            (
                "^v(?P<v>.*)-amd64$",
                "$v",
                versions("*"),
                &["v1.0.0-amd64", "v1.1.0-amd64", "v9.0.0-arm64"],
                Some("v1.1.0-amd64"),
            ),
            (
                r"^main-[a-f0-9]+-(?P<ts>\d+)$",
                "$ts",
                numbers,
                &["main-abc-9", "main-fff-10", "pr-abc-99"],
                Some("main-fff-10"),
            ),
            (
                "^RELEASE",
                "",
                TagOrder::Names { descending: false },
                &["RELEASE.2026-01", "RELEASE.2026-02", "x"],
                Some("RELEASE.2026-02"),
            ),
            (
                "",
                "",
                TagOrder::Names { descending: true },
                &["b", "a"],
                Some("a"),
            ),
            (
                "^x",
                "",
                TagOrder::Names { descending: false },
                &["a"],
                None,
            ),
            ("", "", versions("2.x"), &[], None),
        ] {
            let chooser = choice(pattern, extract, order).chooser().unwrap();
            assert_eq!(chooser.newest(tags.iter().copied()), expected, "{pattern}");
        }
    }

    #[test]
    fn one_does_not_go_back() {
        let chooser = choice("", "", TagOrder::Versions("*".to_owned()))
            .chooser()
            .unwrap();
        assert!(chooser.is_newer("2.0.0", "1.9.0"));
        assert!(!chooser.is_newer("1.9.0", "1.9.0"));
        // What does not count is no version to stay at.
        assert!(!chooser.is_newer("latest", "1.9.0"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let names = TagOrder::Names { descending: false };
        for (pattern, order, named) in [
            ("(", names.clone(), "the pattern “(”"),
            (r"(a{1000}){1000}{1000}", names, "too large"),
            ("", TagOrder::Versions("x y z".to_owned()), "x y z"),
        ] {
            let why = choice(pattern, "", order).chooser().unwrap_err();
            assert!(why.contains(named), "{why}");
        }
    }
}
