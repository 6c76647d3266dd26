//! Looking after a mirror: locks that nobody holds, packs that have become many, and a mirror that is damaged.
//!
//! Runs only while the transport of the mirror is held. Readers go on meanwhile: what they opened stays open.

use super::git::{Git, words_of};
use super::mirror::Mirror;
use super::{SourceError, on_blocking_thread};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Longer than anything that we do holds a lock.
const STALE: Duration = Duration::from_secs(600);
/// More packs than that make reading slow.
const PACKS: usize = 40;

/// Takes away locks and half-received packs of processes that are gone.
///
/// While the transport is held no Git of ours runs: what lies there is of one that was ended, as when somebody closed the
/// page that asked for it. Only the refs that history keeps are written beside the transport, and never for long.
pub(super) fn clear_locks(dir: &Path, opened: SystemTime) -> io::Result<()> {
    let mut folders = vec![dir.to_owned(), dir.join("objects/pack")];
    let refs = dir.join("refs/lockstep");
    folders.push(refs.clone());
    for entry in listed(&refs)? {
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    for folder in folders {
        let shared = folder == refs.join("keep");
        for entry in listed(&folder)? {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let temporary = name.ends_with(".lock") || name.starts_with("tmp_");
            let left = !shared || is_stale(&entry, opened);
            if temporary && left && entry.file_type()?.is_file() {
                match fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {
                        tracing::info!(event.name = "source.lock_cleared", path = %entry.path().display(), "a lock that nobody holds is taken away");
                    }
                }
            }
        }
    }
    Ok(())
}

fn listed(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_stale(entry: &fs::DirEntry, opened: SystemTime) -> bool {
    let written = entry.metadata().and_then(|metadata| metadata.modified());
    written.is_ok_and(|written| written < opened || written.elapsed().is_ok_and(|age| age > STALE))
}

/// Whether the mirror has become slow to read.
pub(super) fn has_grown(dir: &Path) -> bool {
    let packs = listed(&dir.join("objects/pack")).unwrap_or_default();
    let packs = packs
        .iter()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".pack"));
    packs.count() > PACKS
}

/// Puts packs together. Nothing is dropped, reachable or not.
pub(super) async fn repack(git: &Git<'_>) -> Result<(), SourceError> {
    let arguments = ["repack", "-d", "-l", "-q", "--geometric=2"];
    let finished = git.here(&arguments, Vec::new()).await?;
    if finished.status.success() {
        return Ok(());
    }
    Err(git.damaged(&words_of(&String::from_utf8_lossy(&finished.stderr))))
}

/// Whether everything that refs of the mirror lead to is there and readable.
pub(super) async fn is_whole(git: &Git<'_>) -> Result<bool, SourceError> {
    let arguments = ["rev-list", "--objects", "--all", "--quiet"];
    Ok(git.here(&arguments, Vec::new()).await?.status.success())
}

/// Puts a damaged mirror aside and makes an empty one in its place. Answers the commits that history had named.
pub(super) async fn put_aside(mirror: &Arc<Mirror>) -> Result<Vec<String>, SourceError> {
    on_blocking_thread(Arc::clone(mirror), |mirror| {
        let kept = kept(mirror.dir()).map_err(|error| mirror.broken(error))?;
        let aside = mirror.dir().with_extension("damaged");
        if aside.exists() {
            // An earlier repair did not bring everything back: what it left may be the only copy.
            let since = SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs());
            let older = mirror.dir().with_extension(format!("damaged-{since}"));
            fs::rename(&aside, older).map_err(|error| mirror.broken(error))?;
        }
        fs::rename(mirror.dir(), &aside).map_err(|error| mirror.broken(error))?;
        mirror.forget();
        mirror.create()?;
        Ok(kept)
    })
    .await
}

/// Fetches what history had named: out of the damaged mirror as far as it can be read, else from the host. Answers what
/// is lost.
pub(super) async fn bring_back(
    git: &Git<'_>,
    mirror: &Mirror,
    kept: &[String],
) -> Result<Vec<String>, SourceError> {
    let aside = mirror.dir().with_extension("damaged").display().to_string();
    let mut lost = Vec::new();
    for id in kept {
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(line, "{id}:refs/lockstep/keep/{id}");
        let arguments = [
            "-c",
            "protocol.file.allow=always",
            "-c",
            "uploadpack.allowAnySHA1InWant=true",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--stdin",
            "--",
            &aside,
        ];
        let local = git.here(&arguments, line.clone().into_bytes()).await?;
        if local.status.success() {
            continue;
        }
        match super::fetch::get(git, line).await {
            Ok(()) => {}
            // Whatever the reason, the others are brought back all the same.
            Err(error) => {
                tracing::warn!(event.name = "source.commit_not_brought_back", commit = %id, error = %error, "a commit that history names could not be brought into the new mirror");
                lost.push(id.clone());
            }
        }
    }
    if lost.is_empty() {
        let _ = fs::remove_dir_all(&aside);
    }
    Ok(lost)
}

/// Commits that refs of the mirror keep, from the files of the refs alone.
fn kept(dir: &Path) -> io::Result<Vec<String>> {
    let mut found: Vec<String> = listed(&dir.join("refs/lockstep/keep"))?
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let packed = fs::read_to_string(dir.join("packed-refs")).unwrap_or_default();
    found.extend(
        packed
            .lines()
            .filter_map(|line| line.split_once(" refs/lockstep/keep/"))
            .map(|(_, name)| name.to_owned()),
    );
    found.retain(|name| name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    found.sort();
    found.dedup();
    Ok(found)
}
