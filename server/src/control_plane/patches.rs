//! Text diffs of Git files without the values of Secrets: a repository may hold them in plain, a page never shows them.

mod secrets;

pub(super) use secrets::holds_secret;

use super::{Plane, refuse};
use engine::masking::{Masking, is_on};
use engine::source::shown_path;
use lockstep_types::PortError;
use lockstep_types::revision::{PathChange, Revision};
use std::collections::BTreeSet;

/// Longest patch that is shown.
const MAX_BYTES: u32 = 200_000;

const HIDDEN: &str = "This file holds a Secret; its lines are not shown.\n";

impl Plane {
    /// The patch of these changes, cut at 200 kB, with files that hold Secrets named but not shown.
    pub(super) async fn patch(
        &self,
        repo_url: &str,
        from: Option<&Revision>,
        to: &Revision,
        changes: &[PathChange],
    ) -> Result<String, PortError> {
        if changes.is_empty() {
            return Ok(String::new());
        }
        let mirrors = self.runtime.mirrors();
        let paths: Vec<String> = changes.iter().map(|change| change.path.clone()).collect();
        let text = mirrors
            .patch(repo_url, from, to, &paths, MAX_BYTES)
            .await
            .map_err(refuse::source)?;
        let mut snapshots = vec![
            mirrors
                .snapshot(repo_url, to)
                .await
                .map_err(refuse::source)?,
        ];
        if let Some(from) = from {
            snapshots.push(
                mirrors
                    .snapshot(repo_url, from)
                    .await
                    .map_err(refuse::source)?,
            );
        }
        let hidden = tokio::task::spawn_blocking(move || secrets::with_secrets(&snapshots, &paths))
            .await
            .map_err(|error| refuse::internal(&error))?
            .map_err(refuse::source)?;
        Ok(if is_on(Masking::Files) {
            hide(&text, &hidden)
        } else {
            text
        })
    }
}

/// Replaces the lines of these files.
fn hide(patch: &str, files: &BTreeSet<String>) -> String {
    if files.is_empty() {
        return patch.to_owned();
    }
    let mut text = String::with_capacity(patch.len());
    let mut hiding = false;
    for line in patch.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("diff --git a/") {
            let rest = rest.strip_suffix('\n').unwrap_or(rest);
            hiding = files.iter().any(|file| {
                let file = shown_path(file);
                rest == format!("{file} b/{file}")
            });
            text.push_str(line);
            if hiding {
                text.push_str(HIDDEN);
            }
        } else if !hiding || line.starts_with("… cut after") {
            text.push_str(line);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_lines_are_left_out() {
        let patch = "diff --git a/s.yaml b/s.yaml\n--- a/s.yaml\n+++ b/s.yaml\n-  password: old\n+  password: new\ndiff --git a/c.yaml b/c.yaml\n--- a/c.yaml\n+++ b/c.yaml\n-a: 1\n+a: 2\n";
        let shown = hide(patch, &BTreeSet::from(["s.yaml".to_owned()]));
        assert!(!shown.contains("password"), "{shown}");
        assert!(shown.contains("+a: 2"), "{shown}");
        assert!(
            shown.starts_with("diff --git a/s.yaml b/s.yaml\nThis file holds a Secret"),
            "{shown}"
        );
        assert_eq!(hide(patch, &BTreeSet::new()), patch);
    }
}
