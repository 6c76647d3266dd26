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
        // One that is too old is asked as well: it tells that the next one was the first.
        branch.push(id);
        if commit.time().map_err(broken)?.seconds < oldest {
            break;
        }
        at = commit.parent_ids().next().map(gix::Id::detach);
    }
    let contains = |id: &ObjectId| -> Result<bool, SourceError> {
        let bases = repo
            .merge_bases_many(wanted, &[*id])
            .map_err(|error| mirror.broken(error))?;
        Ok(bases.into_iter().any(|base| base.detach() == wanted))
    };
    let found = first_with(branch.len(), |place| {
        branch.get(place).map_or(Ok(false), contains)
    })?;
    Ok(found.and_then(|place| Some(Revision(branch.get(place)?.to_string()))))
}

/// The last of so many places, newest first, that contains something; `None` when none does, and when all do: it may have
/// come before all that was looked at.
fn first_with<E>(
    many: usize,
    contains: impl Fn(usize) -> Result<bool, E>,
) -> Result<Option<usize>, E> {
    let (mut with, mut without) = (0, many);
    while with < without {
        let middle = with + (without - with) / 2;
        if contains(middle)? {
            with = middle + 1;
        } else {
            without = middle;
        }
    }
    Ok(with.checked_sub(1).filter(|_| with < many))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_merge_with_an_older_commit_without_it_is_named() {
        let found = |places: &[bool]| {
            let asked = |place: usize| Ok::<_, ()>(places[place]);
            first_with(places.len(), asked).unwrap()
        };
        assert_eq!(found(&[true, true, false, false]), Some(1));
        assert_eq!(found(&[true, false]), Some(0));
        assert_eq!(found(&[false, false]), None);
        // The merge may be older than all of these.
        assert_eq!(found(&[true, true, true]), None);
        assert_eq!(found(&[]), None);
    }
}
