//! Versions and ranges of versions as Argo CD and Flux read them: loose versions (`v1.2`), comparisons joined by comma,
//! space or `||`, `~`, `^`, `x` and `*`, and `1.2 - 1.4`. Pre-releases count only for a range that names one.
//!
//! Pure. Knows neither tags nor charts.

mod comparison;

use comparison::Comparison;
use semver::{BuildMetadata, Prerelease, Version};

/// A range of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    /// One of these must hold as a whole.
    any: Vec<Vec<Comparison>>,
}

impl VersionRange {
    /// Reads a range; an exact version is one too.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || format!("“{}” is no range of versions", text.escape_debug());
        if text.len() > 256 || text.chars().any(char::is_control) {
            return Err(refuse());
        }
        let any = text
            .split("||")
            .map(|part| comparison::all(part).ok_or_else(refuse))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { any })
    }

    /// Whether the version lies in the range.
    pub fn holds(&self, version: &Version) -> bool {
        self.any.iter().any(|all| {
            let pre = version.pre.is_empty() || all.iter().any(Comparison::names_pre_release);
            pre && all.iter().all(|one| one.holds(version))
        })
    }

    /// The name of the highest version in the range. Names that are no versions are passed over; of two spellings of
    /// one version the one that sorts last is taken.
    pub fn highest<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        names
            .into_iter()
            .filter_map(|name| Some((version(name)?, name)))
            .filter(|(version, _)| self.holds(version))
            .max_by(|(one, a), (other, b)| one.cmp_precedence(other).then_with(|| a.cmp(b)))
            .map(|(_, name)| name)
    }
}

/// Reads a version as people write it: with or without `v`, with one to three numbers.
pub fn version(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, BuildMetadata::new(build).ok()?),
        None => (text, BuildMetadata::EMPTY),
    };
    let (numbers, pre) = match text.split_once('-') {
        Some((numbers, pre)) if !pre.is_empty() => (numbers, Prerelease::new(pre).ok()?),
        Some(_) => return None,
        None => (text, Prerelease::EMPTY),
    };
    let mut parts = numbers.split('.');
    let first = number(parts.next()?)?;
    let mut rest = || match parts.next() {
        Some(part) => number(part),
        None => Some(0),
    };
    let (second, third) = (rest()?, rest()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Version {
        pre,
        build,
        ..Version::new(first, second, third)
    })
}

fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
