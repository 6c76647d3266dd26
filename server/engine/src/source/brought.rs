//! By which merge a commit came into a branch.

use super::SourceError;
use super::mirror::Mirror;
use gix::ObjectId;
use lockstep_types::revision::Revision;

/// Commits of the branch itself that are looked at.
const MOST: usize = 10_000;
/// Clocks that commits are dated by differ by less.
const SKEW_SECONDS: i64 = 24 * 3600;

/// As [`super::Mirrors::brought_by`].
pub(super) fn brought_by(
    mirror: &Mirror,
    commit: &Revision,
    head: &Revision,
) -> Result<Option<Revision>, SourceError> {
    let repo = mirror.reader()?;
    let broken = |error: gix::Error| mirror.broken(error);
    let wanted = mirror.commit(&repo, commit)?;
    let oldest = wanted.time().map_err(|error| mirror.broken(error))?.seconds - SKEW_SECONDS;
    let wanted = wanted.id().detach();
    // The branch itself, newest first: what contains the commit comes before what does not.
    let mut branch: Vec<ObjectId> = Vec::new();
    let mut at = Some(mirror.commit(&repo, head)?.id().detach());
    while let Some(id) = at.filter(|_| branch.len() < MOST) {
        if id == wanted {
            return Ok(None);
        }
        let commit = repo.find_commit(id).map_err(broken)?;
        if commit.time().map_err(broken)?.seconds < oldest {
            break;
        }
        branch.push(id);
        at = commit.parent_ids().next().map(gix::Id::detach);
    }
    let contains = |id: &ObjectId| -> Result<bool, SourceError> {
        let bases = repo
            .merge_bases_many(wanted, &[*id])
            .map_err(|error| mirror.broken(error))?;
        Ok(bases.into_iter().any(|base| base.detach() == wanted))
    };
    let (mut with, mut without) = (0, branch.len());
    while with < without {
        let middle = with + (without - with) / 2;
        match branch.get(middle).map(&contains).transpose()? {
            Some(true) => with = middle + 1,
            _ => without = middle,
        }
    }
    // The last that contains it, unless it may have come before all that was looked at.
    let cut = branch.len() == MOST && with == MOST;
    let found = with.checked_sub(1).filter(|_| !cut);
    Ok(found.and_then(|place| Some(Revision(branch.get(place)?.to_string()))))
}
