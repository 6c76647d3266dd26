//! The log of tracked branches, for the timeline and for "where is my commit".
//!
//! Writes each commit once with the applications whose files it touches; the first time the newest two hundred.

use super::Wanted;
use crate::runtime::Runtime;
use crate::runtime::memory::Noted;
use crate::store::{self, StoreError};
use lockstep_types::id::ApplicationId;
use lockstep_types::revision::{CommitInfo, PathChange, Revision};
use std::collections::BTreeSet;

/// Commits of a branch that are read at most, at first and after a long absence.
const DEPTH: u32 = 200;

/// Records what is new on every tracked revision of a repository.
///
/// # Errors
/// When the database cannot be written. A log that cannot be read is left for the next pass.
pub(super) async fn note(runtime: &Runtime, key: &str, wanted: &Wanted) -> Result<(), StoreError> {
    for revision in &wanted.revisions {
        let Some(head) = runtime
            .memory()
            .resolution(key, revision)
            .and_then(|known| known.revision)
        else {
            continue;
        };
        let noted = Noted {
            head: head.clone(),
            readers: readers(runtime, key, wanted),
        };
        let before = runtime.memory().noted(key, revision);
        if before.as_ref() == Some(&noted) {
            continue;
        }
        let log = match runtime.mirrors().log(&wanted.url, &head, &[], DEPTH).await {
            Ok(log) => log,
            Err(error) => {
                tracing::debug!(event.name = "source.log_failed", repository = %key, error = %error, "the log of a branch cannot be read");
                continue;
            }
        };
        let mut news: Vec<CommitInfo> = log;
        if let Some(before) = before.filter(|before| before.readers == noted.readers) {
            let known = news
                .iter()
                .position(|commit| commit.revision == before.head);
            news.truncate(known.unwrap_or(news.len()));
        }
        let mut seen = Vec::with_capacity(news.len());
        for commit in news {
            let applications = touched(runtime, key, wanted, &commit).await;
            seen.push((commit, applications));
        }
        let mut tx = runtime.store().begin().await?;
        store::commit::see(&mut tx, key, &seen).await?;
        // The same head again, as after a start, is no news to the audit log.
        store::audit::anchor(&mut tx, key, revision, &head).await?;
        tx.commit().await?;
        runtime.memory().note(key, revision, noted);
    }
    Ok(())
}

fn readers(
    runtime: &Runtime,
    key: &str,
    wanted: &Wanted,
) -> Vec<(ApplicationId, Vec<String>, bool)> {
    let known = |id: ApplicationId| {
        runtime
            .memory()
            .inputs_in(id, key)
            .is_some_and(|inputs| !inputs.is_empty())
    };
    wanted
        .paths
        .iter()
        .map(|(id, paths)| (*id, paths.clone(), known(*id)))
        .collect()
}

async fn touched(
    runtime: &Runtime,
    key: &str,
    wanted: &Wanted,
    commit: &CommitInfo,
) -> BTreeSet<ApplicationId> {
    let parent: Option<&Revision> = commit.parents.first();
    let Ok(changes) = runtime
        .mirrors()
        .changed(&wanted.url, parent, &commit.revision, &[])
        .await
    else {
        return BTreeSet::new();
    };
    wanted
        .paths
        .iter()
        .filter(|(application, paths)| {
            let inputs = runtime.memory().inputs_in(**application, key);
            touches(&changes, paths, inputs.as_deref().unwrap_or_default())
        })
        .map(|(application, _)| *application)
        .collect()
}

/// Whether a change concerns an application: a file below one of its paths, or one that its render read from elsewhere.
pub(crate) fn touches(changes: &[PathChange], paths: &[String], inputs: &[String]) -> bool {
    changes.iter().any(|change| {
        let below = paths.iter().any(|path| {
            path.is_empty()
                || change
                    .path
                    .strip_prefix(path.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        below || inputs.contains(&change.path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::revision::PathChangeKind;

    #[test]
    fn files_below_the_path_and_inputs_from_elsewhere_count() {
        let changed = |path: &str| {
            [PathChange {
                path: path.to_owned(),
                kind: PathChangeKind::Modified,
            }]
        };
        let inputs = ["base/web.yaml".to_owned()];
        for (path, expected) in [
            ("shop/prod/a.yaml", true),
            ("shop/prod", true),
            ("shop/production/a.yaml", false),
            ("base/web.yaml", true),
            ("base/db.yaml", false),
        ] {
            assert_eq!(
                touches(&changed(path), &["shop/prod".to_owned()], &inputs),
                expected,
                "{path}"
            );
        }
        assert!(touches(&changed("anything"), &[String::new()], &[]));
        assert!(!touches(&changed("anything"), &[], &[]), "it only lends");
    }
}
