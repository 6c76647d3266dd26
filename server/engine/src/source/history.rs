//! Commits and how their trees differ.

use super::SourceError;
use super::mirror::Mirror;
use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository};
use lockstep_types::revision::{CommitInfo, PathChange, PathChangeKind, Revision};
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

/// Longer messages are cut: an audit page must render.
const MAX_MESSAGE: usize = 16 * 1024;

pub(super) fn commit(mirror: &Mirror, at: &Revision) -> Result<CommitInfo, SourceError> {
    let repo = mirror.reader()?;
    info(&mirror.commit(&repo, at)?).map_err(|error| mirror.broken(error))
}

fn info(commit: &gix::Commit<'_>) -> gix::Result<CommitInfo> {
    let message = commit.message_raw_sloppy().to_string();
    let (subject, body) = split_message(&message);
    let author = commit.author()?;
    let committer = commit.committer()?;
    Ok(CommitInfo {
        revision: Revision(commit.id().to_string()),
        parents: commit
            .parent_ids()
            .map(|id| Revision(id.to_string()))
            .collect(),
        subject,
        body,
        author: cut(&author.name.to_string(), 200),
        author_email: cut(&author.email.to_string(), 200),
        authored_at: Micros::from_seconds(author.seconds()),
        committer: cut(&committer.name.to_string(), 200),
        committed_at: Micros::from_seconds(committer.seconds()),
    })
}

/// The first paragraph as one line, and the rest.
fn split_message(message: &str) -> (String, String) {
    let message = message.trim();
    let (subject, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    (cut(&subject, 1000), cut(body.trim(), MAX_MESSAGE))
}

/// Cut to a length, and with a mark for every character that would move a cursor or turn the direction of writing.
fn cut(text: &str, limit: usize) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' => c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let mut characters = text.chars();
    let kept: String = characters.by_ref().take(limit).map(harmless).collect();
    match characters.next() {
        Some(_) => format!("{kept}… (cut)"),
        None => kept,
    }
}

/// As `git log -- paths`: a merge that took a path over unchanged from one side follows that side only.
pub(super) fn log(
    mirror: &Mirror,
    head: &Revision,
    paths: &[String],
    limit: u32,
) -> Result<Vec<CommitInfo>, SourceError> {
    let repo = mirror.reader()?;
    let broken = |error: gix::Error| mirror.broken(error);
    let wanted = Wanted::new(paths);
    let mut picker = Picker {
        repo: &repo,
        picked: HashMap::new(),
    };
    let head = mirror.commit(&repo, head)?.id().detach();
    let mut seen = HashSet::from([head]);
    let mut queue = BinaryHeap::from([(time_of(&repo, head).map_err(broken)?, head)]);
    let mut found = Vec::new();
    while let Some((_, id)) = queue.pop() {
        if found.len() >= limit as usize {
            break;
        }
        let commit = repo.find_commit(id).map_err(broken)?;
        let tree = commit.tree_id().map_err(broken)?.detach();
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        let mut same = None;
        for parent in &parents {
            let theirs = repo
                .find_commit(*parent)
                .and_then(|parent| Ok(parent.tree_id()?.detach()))
                .map_err(broken)?;
            if !picker
                .differs(Some(theirs), Some(tree), &wanted)
                .map_err(broken)?
            {
                same = Some(*parent);
                break;
            }
        }
        let follow = match same {
            Some(parent) => vec![parent],
            None => {
                if !parents.is_empty()
                    || picker.differs(None, Some(tree), &wanted).map_err(broken)?
                {
                    found.push(info(&commit).map_err(broken)?);
                }
                parents
            }
        };
        for parent in follow {
            if seen.insert(parent) {
                queue.push((time_of(&repo, parent).map_err(broken)?, parent));
            }
        }
    }
    Ok(found)
}

/// Where a walk through history goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The commits before this one are looked at too.
    Parents,
    /// Not those before this one.
    Others,
    /// Enough is known.
    Nowhere,
}

/// As [`super::Mirrors::ancestors`].
pub(super) fn ancestors<S>(
    mirror: &Mirror,
    at: &Revision,
    mut state: S,
    look: fn(&mut S, &Revision, &[u8]) -> Next,
) -> Result<S, SourceError> {
    let repo = mirror.reader()?;
    let broken = |error: gix::Error| mirror.broken(error);
    let first = mirror.commit(&repo, at)?.id().detach();
    let mut seen = HashSet::from([first]);
    let mut queue = BinaryHeap::from([(time_of(&repo, first).map_err(broken)?, first)]);
    while let Some((_, id)) = queue.pop() {
        let commit = repo.find_commit(id).map_err(broken)?;
        match look(&mut state, &Revision(id.to_string()), &commit.data) {
            Next::Nowhere => break,
            Next::Others => continue,
            Next::Parents => {}
        }
        for parent in commit.parent_ids().map(gix::Id::detach) {
            if seen.insert(parent) {
                queue.push((time_of(&repo, parent).map_err(broken)?, parent));
            }
        }
    }
    Ok(state)
}

fn time_of(repo: &Repository, id: ObjectId) -> gix::Result<i64> {
    Ok(repo.find_commit(id)?.time()?.seconds)
}

/// Paths as a tree, so that only what can differ is looked at.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Everything at and below.
    whole: bool,
    below: BTreeMap<String, Wanted>,
}

impl Wanted {
    /// No paths mean everything.
    pub(super) fn new(paths: &[String]) -> Self {
        let mut root = Self {
            whole: paths.is_empty(),
            below: BTreeMap::new(),
        };
        for path in paths {
            let mut at = &mut root;
            for part in path.split('/').filter(|part| !part.is_empty()) {
                at = at.below.entry(part.to_owned()).or_default();
            }
            at.whole = true;
        }
        root
    }
}

type Entries = BTreeMap<String, (EntryKind, ObjectId)>;

fn entries(repo: &Repository, tree: Option<ObjectId>) -> gix::Result<Entries> {
    let mut all = Entries::new();
    if let Some(tree) = tree {
        for entry in repo.find_tree(tree)?.iter() {
            let entry = entry?;
            all.insert(
                entry.filename().to_string(),
                (entry.kind(), entry.object_id()),
            );
        }
    }
    Ok(all)
}

fn folder(entry: Option<&(EntryKind, ObjectId)>) -> Option<ObjectId> {
    entry
        .filter(|(kind, _)| *kind == EntryKind::Tree)
        .map(|(_, id)| *id)
}

/// Answers whether trees differ at the wanted paths. Remembers what it picked: every tree is asked for twice,
/// as its commit's own and as a parent's.
struct Picker<'r> {
    repo: &'r Repository,
    picked: HashMap<(ObjectId, *const Wanted), Rc<Picked>>,
}

/// Entries of the wanted names, in their order.
type Picked = Vec<Option<(EntryKind, ObjectId)>>;

/// Trees remembered at once.
const MAX_PICKED: usize = 20_000;

impl Picker<'_> {
    fn pick(&mut self, tree: Option<ObjectId>, wanted: &Wanted) -> gix::Result<Rc<Picked>> {
        let Some(tree) = tree else {
            return Ok(Rc::new(vec![None; wanted.below.len()]));
        };
        let known = (tree, std::ptr::from_ref(wanted));
        if let Some(picked) = self.picked.get(&known) {
            return Ok(Rc::clone(picked));
        }
        let mut found = vec![None; wanted.below.len()];
        let mut missing = wanted.below.len();
        let names: Vec<&[u8]> = wanted.below.keys().map(String::as_bytes).collect();
        for entry in self.repo.find_tree(tree)?.iter() {
            let entry = entry?;
            let name: &[u8] = entry.filename();
            if let Ok(index) = names.binary_search(&name)
                && let Some(place) = found.get_mut(index)
            {
                *place = Some((entry.kind(), entry.object_id()));
                missing -= 1;
                if missing == 0 {
                    break;
                }
            }
        }
        if self.picked.len() >= MAX_PICKED {
            self.picked.clear();
        }
        let found = Rc::new(found);
        self.picked.insert(known, Rc::clone(&found));
        Ok(found)
    }

    fn differs(
        &mut self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
        wanted: &Wanted,
    ) -> gix::Result<bool> {
        if old == new {
            return Ok(false);
        }
        if wanted.whole {
            return Ok(true);
        }
        let (old, new) = (self.pick(old, wanted)?, self.pick(new, wanted)?);
        for ((old, new), wanted) in old.iter().zip(new.iter()).zip(wanted.below.values()) {
            if old == new {
                continue;
            }
            if wanted.whole || self.differs(folder(old.as_ref()), folder(new.as_ref()), wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A file that differs, with what it was and is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    pub path: String,
    pub old: Option<(EntryKind, ObjectId)>,
    pub new: Option<(EntryKind, ObjectId)>,
}

/// Files that differ between two trees, sorted by path.
pub(super) fn differences(
    repo: &Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    wanted: &Wanted,
) -> gix::Result<Vec<Difference>> {
    let mut found = Vec::new();
    collect(repo, old, new, Some(wanted), "", &mut found)?;
    found.sort();
    Ok(found)
}

/// `wanted` absent means: everything below here.
fn collect(
    repo: &Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    wanted: Option<&Wanted>,
    prefix: &str,
    found: &mut Vec<Difference>,
) -> gix::Result<()> {
    if old == new {
        return Ok(());
    }
    let wanted = wanted.filter(|wanted| !wanted.whole);
    let (old, new) = (entries(repo, old)?, entries(repo, new)?);
    let names: HashSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let below = match wanted {
            None => None,
            Some(wanted) => match wanted.below.get(name) {
                Some(below) => Some(below),
                None => continue,
            },
        };
        let (old, new) = (old.get(name), new.get(name));
        if old == new {
            continue;
        }
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}/{name}")
        };
        collect(repo, folder(old), folder(new), below, &path, found)?;
        let file = |entry: Option<&(EntryKind, ObjectId)>| {
            entry.copied().filter(|(kind, _)| *kind != EntryKind::Tree)
        };
        let (old, new) = (file(old), file(new));
        if old != new && below.is_none_or(|below| below.whole) {
            found.push(Difference { path, old, new });
        }
    }
    Ok(())
}

pub(super) fn changed(
    mirror: &Mirror,
    from: Option<&Revision>,
    to: &Revision,
    under: &[String],
) -> Result<Vec<PathChange>, SourceError> {
    let repo = mirror.reader()?;
    let old = from.map(|from| mirror.tree(&repo, from)).transpose()?;
    let new = mirror.tree(&repo, to)?;
    let found = differences(&repo, old, Some(new), &Wanted::new(under))
        .map_err(|error| mirror.broken(error))?;
    Ok(found
        .into_iter()
        .map(|difference| {
            let kind = match (difference.old, difference.new) {
                (None, _) => PathChangeKind::Added,
                (_, None) => PathChangeKind::Deleted,
                _ => PathChangeKind::Modified,
            };
            PathChange {
                path: difference.path,
                kind,
            }
        })
        .collect())
}

pub(super) fn is_ancestor(
    mirror: &Mirror,
    older: &Revision,
    newer: &Revision,
) -> Result<bool, SourceError> {
    let repo = mirror.reader()?;
    let older = mirror.commit(&repo, older)?.id().detach();
    let newer = mirror.commit(&repo, newer)?.id().detach();
    if older == newer {
        return Ok(true);
    }
    let bases = repo
        .merge_bases_many(older, &[newer])
        .map_err(|error| mirror.broken(error))?;
    Ok(bases.into_iter().any(|base| base.detach() == older))
}

/// The newest commit that both hold; `None` when they have nothing in common.
pub(super) fn merge_base(
    mirror: &Mirror,
    one: &Revision,
    other: &Revision,
) -> Result<Option<Revision>, SourceError> {
    let repo = mirror.reader()?;
    let one = mirror.commit(&repo, one)?.id().detach();
    let other = mirror.commit(&repo, other)?.id().detach();
    let bases = repo
        .merge_bases_many(one, &[other])
        .map_err(|error| mirror.broken(error))?;
    Ok(bases
        .into_iter()
        .next()
        .map(|base| Revision(base.detach().to_string())))
}

pub(super) fn expand(mirror: &Mirror, beginning: &str) -> Result<Option<Revision>, SourceError> {
    let refuse = || SourceError::RevisionName {
        revision: beginning.escape_debug().take(60).collect(),
        why: "four to forty hexadecimal digits are expected".to_owned(),
    };
    let prefix =
        gix::hash::Prefix::from_hex(&beginning.to_ascii_lowercase()).map_err(|_| refuse())?;
    let repo = mirror.reader()?;
    let mut candidates = HashSet::new();
    repo.objects
        .lookup_prefix(prefix, Some(&mut candidates))
        .map_err(|error| mirror.broken(error))?;
    let mut commits = candidates.into_iter().filter(|id| {
        repo.find_header(*id)
            .is_ok_and(|header| header.kind() == gix::objs::Kind::Commit)
    });
    Ok(match (commits.next(), commits.next()) {
        (Some(only), None) => Some(Revision(only.to_string())),
        _ => None,
    })
}

pub(super) fn keep(mirror: &Mirror, at: &Revision) -> Result<(), SourceError> {
    let repo = mirror.reader()?;
    let id = mirror.commit(&repo, at)?.id().detach();
    repo.reference(
        format!("refs/lockstep/keep/{id}"),
        id,
        gix::refs::transaction::PreviousValue::Any,
        "kept for history",
    )
    .map(drop)
    .map_err(|error| mirror.broken(error))
}
