//! Files of a repository that Flux leaves out of what it hands on: its own list, `.sourceignore` files, and what the
//! source itself says, each stronger than the one before. To the renderer they do not exist.
//!
//! Rules are those of `.gitignore`, with one difference that source-controller has too: every file is judged by its
//! whole path, so one below an excluded folder can be taken back in.

use gix::bstr::BStr;
use gix_ignore::glob::{Pattern, pattern::Case, wildmatch::Mode};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The name of the files.
pub(super) const FILE: &str = ".sourceignore";

/// What source-controller leaves out by itself: what belongs to version control, media and archives, settings of build
/// services, and a few tools' files.
const BUILT_IN: &str = ".git/
.gitignore
.gitmodules
.gitattributes
*.jpg
*.jpeg
*.gif
*.png
*.wmv
*.flv
*.tar.gz
*.zip
.github/
.circleci/
.travis.yml
.gitlab-ci.yml
appveyor.yml
.drone.yml
cloudbuild.yaml
codeship-services.yml
codeship-steps.yml
**/.goreleaser.yml
**/.sops.yaml
**/.flux.yaml
";

/// Patterns of one place, later ones stronger.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Pattern>);

impl Rules {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(
            gix_ignore::parse(text, false)
                .map(|(pattern, _, _)| pattern)
                .collect(),
        )
    }

    /// Whether the strongest pattern that speaks of a file excludes it; `None` when none does. `path` is relative to
    /// the place of the rules.
    fn says(&self, path: &str) -> Option<bool> {
        let above = path.match_indices('/').map(|(end, _)| (end, true));
        let parts: Vec<(&str, bool)> = above
            .chain([(path.len(), false)])
            .filter_map(|(end, folder)| Some((path.get(..end)?, folder)))
            .collect();
        self.0.iter().rev().find_map(|pattern| {
            parts
                .iter()
                .any(|(part, folder)| {
                    pattern.matches_repo_relative_path(
                        BStr::new(part),
                        part.rfind('/').map(|slash| slash + 1),
                        Some(*folder),
                        Case::Sensitive,
                        Mode::NO_MATCH_SLASH_LITERAL,
                    )
                })
                .then(|| !pattern.is_negative())
        })
    }
}

/// Which files of a repository are left out.
pub(super) struct Excluded {
    built_in: Rules,
    own: Rules,
    /// Rules of `.sourceignore` files by their folder.
    files: RefCell<HashMap<String, Rc<Rules>>>,
}

impl Excluded {
    /// `own` is what the source says.
    pub(super) fn new(own: &str) -> Self {
        Self {
            built_in: Rules::parse(BUILT_IN.as_bytes()),
            own: Rules::parse(own.as_bytes()),
            files: RefCell::default(),
        }
    }

    /// Whether a file is left out. `read` gives the rules of a folder, and is asked once for each.
    pub(super) fn is_out<E>(
        &self,
        path: &str,
        read: impl Fn(&str) -> Result<Rules, E>,
    ) -> Result<bool, E> {
        if let Some(out) = self.own.says(path) {
            return Ok(out);
        }
        // The nearest folder is the strongest; the root has an empty name.
        let folders = path.rmatch_indices('/').map(|(end, _)| end);
        for end in folders {
            let (folder, below) = (
                path.get(..end).unwrap_or_default(),
                path.get(end + 1..).unwrap_or_default(),
            );
            if let Some(out) = self.rules(folder, &read)?.says(below) {
                return Ok(out);
            }
        }
        if let Some(out) = self.rules("", &read)?.says(path) {
            return Ok(out);
        }
        Ok(self.built_in.says(path).unwrap_or(false))
    }

    fn rules<E>(
        &self,
        folder: &str,
        read: impl Fn(&str) -> Result<Rules, E>,
    ) -> Result<Rc<Rules>, E> {
        if let Some(known) = self.files.borrow().get(folder) {
            return Ok(Rc::clone(known));
        }
        let rules = Rc::new(read(folder)?);
        self.files
            .borrow_mut()
            .insert(folder.to_owned(), Rc::clone(&rules));
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_all_places_are_weighed() {
        let out = |own: &str, path: &str| {
            let read = |folder: &str| {
                Ok::<_, ()>(Rules::parse(match folder {
                    "" => b"/docs/\n*.txt\n" as &[u8],
                    "apps" => b"!keep.txt\nlocal.yaml\n",
                    _ => b"",
                }))
            };
            Excluded::new(own).is_out(path, read).unwrap()
        };
        for (own, path, expected) in [
            ("", "apps/web.yaml", false),
            ("", "docs/a.yaml", true),
            ("", "apps/docs/a.yaml", false),
            ("", "apps/notes.txt", true),
            ("", "apps/keep.txt", false),
            ("", "keep.txt", true),
            ("", "apps/deep/local.yaml", true),
            ("", "local.yaml", false),
            ("", "apps/logo.png", true),
            ("", ".github/workflows/a.yaml", true),
            ("", "apps/.sops.yaml", true),
            // Everything but one folder, as many repositories write it.
            ("/*\n!/clusters", "apps/web.yaml", true),
            ("/*\n!/clusters", "clusters/a/web.yaml", false),
            // Only Git's own rules would not look below an excluded folder.
            ("/apps/\n!/apps/web.yaml", "apps/web.yaml", false),
            ("!*.png", "apps/logo.png", false),
            ("# a comment\n\n", "apps/web.yaml", false),
        ] {
            assert_eq!(out(own, path), expected, "{path} with {own:?}");
        }
    }
}
