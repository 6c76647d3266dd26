//! Keeps the files of charts as commits in a mirror: the same files always give the same commit.

use super::archive::Files;
use crate::manifest::hex;
use crate::source::SourceError;
use crate::source::mirror::Mirror;
use gix::objs::tree::EntryKind;
use gix::refs::transaction::PreviousValue;
use lockstep_types::revision::Revision;
use sha2::{Digest, Sha256};

fn name(room: &str, key: &str) -> String {
    let hash = hex(&Sha256::digest(key.as_bytes())[..16]);
    format!("refs/lockstep/{room}/{hash}")
}

/// The commit of an archive that was put here before.
pub(super) fn find(mirror: &Mirror, archive: &str) -> Result<Option<Revision>, SourceError> {
    read(mirror, &name("archive", archive))
}

/// What a range or version led to last.
pub(super) fn noted(mirror: &Mirror, wanted: &str) -> Result<Option<Revision>, SourceError> {
    read(mirror, &name("at", wanted))
}

/// Remembers what a range or version leads to.
pub(super) fn note(mirror: &Mirror, wanted: &str, at: &Revision) -> Result<(), SourceError> {
    if noted(mirror, wanted)?.as_ref() == Some(at) {
        return Ok(());
    }
    let repo = mirror.reader()?;
    let id = mirror.commit(&repo, at)?.id().detach();
    repo.reference(name("at", wanted), id, PreviousValue::Any, "resolved")
        .map(drop)
        .map_err(|error| mirror.broken(error))
}

fn read(mirror: &Mirror, reference: &str) -> Result<Option<Revision>, SourceError> {
    let repo = mirror.reader()?;
    let found = repo
        .try_find_reference(reference)
        .map_err(|error| mirror.broken(error))?;
    let Some(id) = found.and_then(|found| found.try_id().map(gix::Id::detach)) else {
        return Ok(None);
    };
    let revision = Revision(id.to_string());
    // A commit without its tree is as good as none: it is fetched again.
    let whole = mirror
        .tree(&repo, &revision)
        .is_ok_and(|tree| repo.has_object(tree));
    Ok(whole.then_some(revision))
}

/// Writes the files as a commit.
pub(super) fn put(
    mirror: &Mirror,
    archive: &str,
    version: &str,
    files: &Files,
) -> Result<Revision, SourceError> {
    let repo = mirror.reader()?;
    let broken = |error: gix::Error| mirror.broken(error);
    let empty = gix::ObjectId::empty_tree(gix::hash::Kind::Sha1);
    let mut editor = repo.edit_tree(empty).map_err(broken)?;
    for (path, content) in files {
        let id = repo.write_blob(content).map_err(broken)?.detach();
        editor
            .upsert(path.as_str(), EntryKind::Blob, id)
            .map_err(broken)?;
    }
    let tree = editor.write().map_err(broken)?.detach();
    // Neither clock nor name: only the content counts.
    let signature = gix::actor::Signature {
        name: "Lockstep".into(),
        email: "lockstep@localhost".into(),
        time: gix::date::Time::new(0, 0),
    };
    let commit = gix::objs::Commit {
        tree,
        parents: std::iter::empty().collect(),
        author: signature.clone(),
        committer: signature,
        encoding: None,
        message: format!("{version}\n\nArchive {archive} of {}\n", mirror.url()).into(),
        extra_headers: Vec::new(),
    };
    let id = repo.write_object(&commit).map_err(broken)?.detach();
    repo.reference(name("archive", archive), id, PreviousValue::Any, "fetched")
        .map_err(broken)?;
    Ok(Revision(id.to_string()))
}
