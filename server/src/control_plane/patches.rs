//! Text diffs of Git files without the values of Secrets: a repository may hold them in plain, a page never shows them.

use super::{Plane, refuse};
use engine::source::{Snapshot, SourceError};
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
        let hidden = tokio::task::spawn_blocking(move || with_secrets(&snapshots, &paths))
            .await
            .map_err(|error| refuse::internal(&error))?
            .map_err(refuse::source)?;
        Ok(hide(&text, &hidden))
    }
}

/// Which of the files hold a Secret on either side. Blocks.
fn with_secrets(snapshots: &[Snapshot], paths: &[String]) -> Result<BTreeSet<String>, SourceError> {
    let mut found = BTreeSet::new();
    for path in paths {
        for snapshot in snapshots {
            let files = match snapshot.files(path) {
                Ok(files) => files,
                // Added or deleted: it is on one side only.
                Err(SourceError::NoSuchPath { .. }) => continue,
                Err(error) => return Err(error),
            };
            let Some(file) = files.into_iter().find(|file| file.path == *path) else {
                continue;
            };
            // What cannot be read is not shown by the patch either.
            if snapshot
                .read(&file)
                .is_ok_and(|bytes| holds_secret(path, &bytes))
            {
                found.insert(path.clone());
            }
        }
    }
    Ok(found)
}

/// A Secret manifest, a generator of Secrets, or a file that is one by its name.
pub(super) fn holds_secret(path: &str, bytes: &[u8]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    if name == ".env"
        || [".env", ".pem", ".key", ".p12", ".pfx"]
            .iter()
            .any(|ending| name.ends_with(ending))
    {
        return true;
    }
    let text = String::from_utf8_lossy(bytes);
    text.lines().any(|line| {
        let line = line.trim_start_matches([' ', '-', '{', '\t']);
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let key = key.trim().trim_matches(['"', '\'']);
        let value = value.split(" #").next().unwrap_or(value);
        let value = value
            .trim()
            .trim_end_matches([',', '}'])
            .trim()
            .trim_matches(['"', '\'']);
        (key == "kind" && value == "Secret") || key == "secretGenerator" || key == "stringData"
    }) || text.contains(r#""kind":"Secret""#)
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
            let rest = rest.trim_end();
            hiding = files.iter().any(|file| rest == format!("{file} b/{file}"));
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
    fn secrets_are_recognised() {
        for (path, text, secret) in [
            ("a.yaml", "apiVersion: v1\nkind: Secret\n", true),
            ("a.yaml", "- kind: \"Secret\" # x\n", true),
            (
                "a.json",
                r#"{"apiVersion":"v1","kind":"Secret","data":{}}"#,
                true,
            ),
            ("a.json", "{\n  \"kind\": \"Secret\",\n", true),
            ("kustomization.yaml", "secretGenerator:\n- name: a\n", true),
            ("prod.env", "A=b\n", true),
            ("a.yaml", "kind: SecretStore\n", false),
            ("a.yaml", "kind: ConfigMap\ndata:\n  a: Secret\n", false),
        ] {
            assert_eq!(holds_secret(path, text.as_bytes()), secret, "{path} {text}");
        }
    }

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
