//! What a definition asks of a repository, read without asking the host.

use super::SourceError;
use super::versions::{self, VersionRange};
use lockstep_types::revision::{Revision, TargetRevision};

/// A wanted revision, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Commit(Revision),
    /// Full names to try in this order, and the beginning of a commit id when it may be one.
    Ref {
        names: Vec<String>,
        beginning: Option<String>,
    },
    /// The highest tag in the range, unless one of the names is there.
    Range {
        names: Vec<String>,
        range: VersionRange,
    },
}

impl Wanted {
    pub(super) fn parse(revision: &TargetRevision) -> Result<Self, SourceError> {
        let name = revision.name();
        let refuse = |why: &str| SourceError::RevisionName {
            revision: name.escape_debug().take(200).collect(),
            why: why.to_owned(),
        };
        if let Some(text) = name.strip_prefix("semver:") {
            let range = VersionRange::parse(text.trim()).map_err(|why| refuse(&why))?;
            let names = Vec::new();
            return Ok(Self::Range { names, range });
        }
        let hexadecimal = name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if name.len() == 40 && hexadecimal {
            return Ok(Self::Commit(Revision(name.to_ascii_lowercase())));
        }
        if name == "HEAD" {
            return Ok(Self::Ref {
                names: vec![name.to_owned()],
                beginning: None,
            });
        }
        let names = names(name).map_err(refuse);
        // A version as such is the name of a tag; whatever else reads as a range is one.
        if versions::version(name).is_none()
            && let Ok(range) = VersionRange::parse(name)
        {
            let names = names.unwrap_or_default();
            return Ok(Self::Range { names, range });
        }
        let beginning =
            (hexadecimal && (7..40).contains(&name.len())).then(|| name.to_ascii_lowercase());
        Ok(Self::Ref {
            names: names?,
            beginning,
        })
    }
}

/// Branch and tag of that name.
fn names(name: &str) -> Result<Vec<String>, &'static str> {
    if name.starts_with('-') || name.len() > 250 {
        return Err("it begins with a dash or is too long");
    }
    let full = if name.starts_with("refs/") {
        name.to_owned()
    } else {
        format!("refs/heads/{name}")
    };
    gix::validate::reference::name(full.as_str().into())
        .map_err(|_| "Git does not allow such a name, and it is no range of versions")?;
    Ok(if name.starts_with("refs/") {
        vec![full]
    } else {
        vec![full, format!("refs/tags/{name}")]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_29_names_that_git_would_not_have() {
        for name in [
            "refs/heads/../../x",
            "refs/heads/x.lock",
            "a..b",
            "x.lock",
            "-x",
            "--upload-pack=id",
            "a b",
            "a\nb",
            "a\u{7}b",
            "a~1",
            "a^",
            "a:b",
            "@{-1}",
            "refs/heads/*",
            "semver:main",
            ">=1.2 and <2",
            "/a",
            "a//b",
        ] {
            let parsed = Wanted::parse(&TargetRevision(name.to_owned()));
            assert!(
                matches!(parsed, Err(SourceError::RevisionName { .. })),
                "{name}: {parsed:?}"
            );
        }
    }

    #[test]
    fn branches_come_before_tags_and_full_names_are_exact() {
        let names = |name: &str| match Wanted::parse(&TargetRevision(name.to_owned())).unwrap() {
            Wanted::Ref { names, .. } => names,
            Wanted::Range { names, .. } => names,
            Wanted::Commit(commit) => vec![commit.0],
        };
        assert_eq!(names("v1.0"), ["refs/heads/v1.0", "refs/tags/v1.0"]);
        assert_eq!(names("refs/tags/v1.0"), ["refs/tags/v1.0"]);
        assert_eq!(names(""), ["HEAD"]);
        assert_eq!(names(&"AB".repeat(20)), ["ab".repeat(20)]);
        assert_eq!(names("v1.x"), ["refs/heads/v1.x", "refs/tags/v1.x"]);
        assert_eq!(names(">=1.2 <2"), Vec::<String>::new());
    }

    #[test]
    fn ranges_are_told_from_names() {
        for (name, expected) in [
            ("1.*", true),
            ("v1.x", true),
            ("*", true),
            (">=1.2 <2", true),
            ("^1.2", true),
            ("1.2 - 1.4", true),
            ("semver:1", true),
            ("semver:>=1.0.0", true),
            ("1.2", false),
            ("v1.2.3", false),
            ("main", false),
            ("release-1.x", false),
        ] {
            let parsed = Wanted::parse(&TargetRevision(name.to_owned())).unwrap();
            assert_eq!(matches!(parsed, Wanted::Range { .. }), expected, "{name}");
        }
    }

    #[test]
    fn fuzz_revisions() {
        let seeds = [
            "main",
            "HEAD",
            "refs/tags/v1.2.3",
            "semver:>=1.0 <2.0 || ~3.x",
            "v1.*",
            "0123456789012345678901234567890123456789",
        ];
        let seeds = seeds.map(str::as_bytes);
        crate::fuzzing::run("revisions", &seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let _ = Wanted::parse(&TargetRevision(text));
        });
    }
}
