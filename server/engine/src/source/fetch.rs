//! Bringing a mirror up to date: which exact refs are wanted, what the host says they are, and getting only
//! what is missing.

use super::git::Git;
use super::mirror::Mirror;
use super::versions::VersionRange;
use super::wanted::Wanted;
use super::{Credential, Mirrors, SourceError, on_blocking_thread, upkeep};
use crate::manifest::hex;
use gix::ObjectId;
use lockstep_types::revision::{Revision, TargetRevision};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Where the mirror keeps a ref of the host. Flat, so that `a` and `a/b` can follow each other.
fn local_name(name: &str) -> String {
    format!(
        "refs/lockstep/at/{}",
        hex(&Sha256::digest(name.as_bytes())[..16])
    )
}

pub(super) async fn fetch(
    mirrors: &Mirrors,
    mirror: &Arc<Mirror>,
    credential: &Credential,
    wanted: &[TargetRevision],
) -> Result<Answers, SourceError> {
    let _turn = mirror.transport.lock().await;
    let opened = mirrors.inner.opened;
    on_blocking_thread(Arc::clone(mirror), move |mirror| {
        mirror.create()?;
        upkeep::clear_locks(mirror.dir(), opened).map_err(|error| mirror.broken(error))
    })
    .await?;
    let git = Git {
        url: mirror.url(),
        git_dir: mirror.dir(),
        askpass: &mirrors.inner.askpass,
        credential,
        policy: mirrors.inner.policy,
        deadline: mirrors.deadline,
    };
    let first = answers(&git, mirror, wanted).await;
    let suspect = match &first {
        Err(SourceError::Mirror { .. }) => true,
        // A host that is away fails like a mirror that is damaged, so the mirror itself is asked; not each time.
        Err(SourceError::Unreachable { .. }) => mirror.may_inspect(),
        Err(_) => false,
        Ok(answers) => answers
            .values()
            .any(|answer| matches!(answer, Err(SourceError::Mirror { .. }))),
    };
    if suspect && !upkeep::is_whole(&git).await? {
        return rebuild(&git, mirror, wanted).await;
    }
    if first.is_ok() && upkeep::has_grown(mirror.dir()) {
        match upkeep::repack(&git).await {
            Ok(()) => mirror.forget(),
            Err(error) => {
                tracing::warn!(event.name = "source.repack_failed", repository = %git.url, error = %error, "a mirror could not be repacked; it is tried again after the next fetch");
            }
        }
    }
    first
}

/// Makes a damaged mirror anew. When the host does not answer, the damaged one stays: it may hold what is asked next.
async fn rebuild(
    git: &Git<'_>,
    mirror: &Arc<Mirror>,
    wanted: &[TargetRevision],
) -> Result<Answers, SourceError> {
    tracing::warn!(event.name = "source.mirror_damaged", repository = %git.url, "a mirror is damaged and is made anew");
    let heads = [String::from("refs/heads/*")];
    list(git, heads.iter()).await?;
    let kept = upkeep::put_aside(mirror).await?;
    // First what only the damaged mirror may hold: the host may fail afterwards.
    let lost = upkeep::bring_back(git, mirror, &kept).await?;
    let answers = answers(git, mirror, wanted).await;
    if !lost.is_empty() {
        tracing::error!(event.name = "source.commits_lost", repository = %git.url, commits = %lost.join(" "), "commits that history names are neither in the damaged mirror nor at the host; the damaged mirror is kept beside the new one");
    }
    mirror.forget();
    answers
}

type Answers = BTreeMap<TargetRevision, Result<Revision, SourceError>>;

async fn answers(
    git: &Git<'_>,
    mirror: &Arc<Mirror>,
    wanted: &[TargetRevision],
) -> Result<Answers, SourceError> {
    let mut answers = BTreeMap::new();
    let mut refs = BTreeMap::new();
    let mut ranges = BTreeMap::new();
    let mut commits = BTreeMap::new();
    for revision in wanted {
        match Wanted::parse(revision) {
            Err(error) => {
                answers.insert(revision.clone(), Err(error));
            }
            Ok(Wanted::Commit(commit)) => {
                commits.insert(revision.clone(), commit);
            }
            Ok(Wanted::Ref { names, beginning }) => {
                refs.insert(revision.clone(), (names, beginning));
            }
            Ok(Wanted::Range { names, range }) => {
                ranges.insert(revision.clone(), (names, range));
            }
        }
    }

    let offered = if refs.is_empty() && ranges.is_empty() {
        BTreeMap::new()
    } else {
        let exact = refs.values().flat_map(|(names, _)| names);
        let beside = ranges.values().flat_map(|(names, _)| names);
        list(git, exact.chain(beside)).await?
    };
    let mut found = BTreeMap::new();
    let mut by_beginning = BTreeMap::new();
    for (revision, (names, beginning)) in refs {
        match (
            names.into_iter().find(|name| offered.contains_key(name)),
            beginning,
        ) {
            (Some(name), _) => {
                found.insert(revision, (name.clone(), name));
            }
            (None, Some(beginning)) => {
                by_beginning.insert(revision, beginning);
            }
            (None, None) => {
                answers.insert(revision.clone(), Err(missing(mirror, &revision)));
            }
        }
    }

    for (revision, (names, range)) in ranges {
        if let Some(name) = names.into_iter().find(|name| offered.contains_key(name)) {
            found.insert(revision, (name.clone(), name));
            continue;
        }
        match highest(&offered, &range) {
            Some(tag) => {
                found.insert(revision.clone(), (tag, range_key(&revision)));
            }
            None => {
                let error = no_version(mirror, &revision, &offered);
                answers.insert(revision, Err(error));
            }
        }
    }

    // What the host calls it, and what it is here.
    let pairs: BTreeSet<(String, String)> = found.values().cloned().collect();
    let stale = {
        let offered: Vec<(String, String, ObjectId)> = pairs
            .into_iter()
            .filter_map(|(name, key)| {
                let id = *offered.get(&name)?;
                Some((name, key, id))
            })
            .collect();
        on_blocking_thread(Arc::clone(mirror), move |mirror| {
            stale_refs(mirror, &offered)
        })
        .await?
    };
    if !stale.is_empty() {
        let mut lines = String::new();
        for (name, key) in &stale {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "+{name}:{}", local_name(key));
        }
        get(git, lines).await?;
    }
    for (revision, (_, key)) in found {
        let answer = on_blocking_thread(Arc::clone(mirror), move |mirror| peel(mirror, &key)).await;
        answers.insert(revision, answer);
    }
    for (revision, commit) in commits {
        answers.insert(revision, get_commit(git, mirror, commit).await);
    }
    for (revision, beginning) in by_beginning {
        answers.insert(
            revision.clone(),
            get_by_beginning(git, mirror, &revision, beginning).await,
        );
    }
    Ok(answers)
}

/// What the host offers, by full name. Tags are the tag objects themselves.
async fn list<'n>(
    git: &Git<'_>,
    mut names: impl Iterator<Item = &'n String>,
) -> Result<BTreeMap<String, ObjectId>, SourceError> {
    // Hosts keep a ref per pull request: leave those out where nobody asks for them.
    let usual = names.all(|name| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
    let url = git.url.text();
    let arguments: &[&str] = if usual {
        &[
            "ls-remote",
            "--quiet",
            "--heads",
            "--tags",
            "--refs",
            "--",
            url,
        ]
    } else {
        &["ls-remote", "--quiet", "--refs", "--", url]
    };
    let mut text = git.ask(arguments, Vec::new()).await?;
    if !usual {
        // `--refs` hides HEAD.
        text.push_str(
            &git.ask(&["ls-remote", "--quiet", "--", url, "HEAD"], Vec::new())
                .await?,
        );
    }
    Ok(text
        .lines()
        .filter_map(|line| {
            let (id, name) = line.split_once('\t')?;
            Some((name.to_owned(), ObjectId::from_hex(id.as_bytes()).ok()?))
        })
        .collect())
}

/// Fetches the refspecs. Git checks the objects and that nothing is missing before any ref moves.
pub(super) async fn get(git: &Git<'_>, refspecs: String) -> Result<(), SourceError> {
    let arguments = [
        "fetch",
        "--quiet",
        "--atomic",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "--no-show-forced-updates",
        "--stdin",
        "--",
        git.url.text(),
    ];
    git.ask(&arguments, refspecs.into_bytes()).await.map(drop)
}

fn stale_refs(
    mirror: &Mirror,
    offered: &[(String, String, ObjectId)],
) -> Result<Vec<(String, String)>, SourceError> {
    let repo = mirror.reader()?;
    let mut stale = Vec::new();
    for (name, key, id) in offered {
        let here = repo
            .try_find_reference(local_name(key).as_str())
            .map_err(|error| mirror.broken(error))?
            .and_then(|local| local.try_id().map(gix::Id::detach));
        if here != Some(*id) {
            stale.push((name.clone(), key.clone()));
        }
    }
    Ok(stale)
}

/// Under which name the mirror keeps what a range led to last.
fn range_key(revision: &TargetRevision) -> String {
    let text = revision.name();
    format!("semver:{}", text.strip_prefix("semver:").unwrap_or(text))
}

const TAGS: &str = "refs/tags/";

fn highest(offered: &BTreeMap<String, ObjectId>, range: &VersionRange) -> Option<String> {
    let tags = offered.keys().filter_map(|name| name.strip_prefix(TAGS));
    range.highest(tags).map(|tag| format!("{TAGS}{tag}"))
}

fn no_version(
    mirror: &Mirror,
    revision: &TargetRevision,
    offered: &BTreeMap<String, ObjectId>,
) -> SourceError {
    let newest = VersionRange::parse(">=0.0.0-0")
        .ok()
        .and_then(|all| highest(offered, &all));
    SourceError::NoSuchVersion {
        url: mirror.url().to_string(),
        range: revision.name().to_owned(),
        newest: newest.map(|name| name.trim_start_matches(TAGS).to_owned()),
    }
}

/// The commit a fetched ref stands for, with its tree at hand.
/// The object of the tag that a tracked revision names, if it has one.
pub(super) fn tag_object(
    mirror: &Mirror,
    revision: &TargetRevision,
) -> Result<Option<Vec<u8>>, SourceError> {
    let names = match Wanted::parse(revision)? {
        Wanted::Commit(_) => return Ok(None),
        Wanted::Range { mut names, .. } => {
            names.push(range_key(revision));
            names
        }
        Wanted::Ref { names, .. } => names,
    };
    let repo = mirror.reader()?;
    for name in &names {
        let local = repo
            .try_find_reference(local_name(name).as_str())
            .map_err(|error| mirror.broken(error))?;
        let Some(id) = local.and_then(|local| local.try_id().map(gix::Id::detach)) else {
            continue;
        };
        let object = repo.find_object(id).map_err(|error| mirror.broken(error))?;
        return Ok((object.kind == gix::object::Kind::Tag).then(|| object.data.clone()));
    }
    Ok(None)
}

fn peel(mirror: &Mirror, name: &str) -> Result<Revision, SourceError> {
    let repo = mirror.reader()?;
    let missing = || SourceError::NoSuchRevision {
        url: mirror.url().to_string(),
        revision: name.to_owned(),
    };
    let mut local = repo
        .try_find_reference(local_name(name).as_str())
        .map_err(|error| mirror.broken(error))?
        .ok_or_else(missing)?;
    // What the ref leads to was whole when it was fetched: a gap is damage, another kind of object is not.
    let id = local.peel_to_id().map_err(|error| mirror.broken(error))?;
    let object = id.object().map_err(|error| mirror.broken(error))?;
    let commit = object.try_into_commit().map_err(|_| missing())?;
    commit.tree().map_err(|error| mirror.broken(error))?;
    Ok(Revision(commit.id().to_string()))
}

/// A commit by its full id: from the mirror, else from the host, by id or by way of its branches and tags.
async fn get_commit(
    git: &Git<'_>,
    mirror: &Arc<Mirror>,
    commit: Revision,
) -> Result<Revision, SourceError> {
    if has(mirror, &commit).await? {
        return Ok(commit);
    }
    let asked = get(git, format!("{commit}:refs/lockstep/keep/{commit}\n")).await;
    match asked {
        Ok(()) if has(mirror, &commit).await? => return Ok(commit),
        Err(error @ (SourceError::Denied { .. } | SourceError::Deadline { .. })) => {
            return Err(error);
        }
        // Some hosts do not give commits by id.
        _ => get_everything(git).await?,
    }
    if has(mirror, &commit).await? {
        Ok(commit)
    } else {
        Err(missing(mirror, &TargetRevision(commit.0)))
    }
}

async fn get_by_beginning(
    git: &Git<'_>,
    mirror: &Arc<Mirror>,
    revision: &TargetRevision,
    beginning: String,
) -> Result<Revision, SourceError> {
    for fetched in [false, true] {
        if fetched {
            get_everything(git).await?;
        }
        let beginning = beginning.clone();
        let found = on_blocking_thread(Arc::clone(mirror), move |mirror| {
            super::history::expand(mirror, &beginning)
        })
        .await?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Err(missing(mirror, revision))
}

async fn get_everything(git: &Git<'_>) -> Result<(), SourceError> {
    get(
        git,
        "+refs/heads/*:refs/lockstep/all/heads/*\n+refs/tags/*:refs/lockstep/all/tags/*\n"
            .to_owned(),
    )
    .await
}

async fn has(mirror: &Arc<Mirror>, commit: &Revision) -> Result<bool, SourceError> {
    let commit = commit.clone();
    on_blocking_thread(Arc::clone(mirror), move |mirror| {
        let repo = mirror.reader()?;
        Ok(mirror
            .tree(&repo, &commit)
            .is_ok_and(|tree| repo.has_object(tree)))
    })
    .await
}

fn missing(mirror: &Mirror, revision: &TargetRevision) -> SourceError {
    SourceError::NoSuchRevision {
        url: mirror.url().to_string(),
        revision: revision.name().to_owned(),
    }
}

/// What the last fetch found, without asking the host.
pub(super) fn resolved(
    mirror: &Mirror,
    revision: &TargetRevision,
) -> Result<Revision, SourceError> {
    match Wanted::parse(revision)? {
        Wanted::Commit(commit) => {
            mirror.commit(&mirror.reader()?, &commit)?;
            Ok(commit)
        }
        Wanted::Range { mut names, .. } => {
            names.push(range_key(revision));
            for name in &names {
                match peel(mirror, name) {
                    Err(SourceError::NoSuchRevision { .. }) => {}
                    other => return other,
                }
            }
            Err(missing(mirror, revision))
        }
        Wanted::Ref { names, beginning } => {
            for name in &names {
                match peel(mirror, name) {
                    Err(SourceError::NoSuchRevision { .. }) => {}
                    other => return other,
                }
            }
            let expanded = match beginning {
                Some(beginning) => super::history::expand(mirror, &beginning)?,
                None => None,
            };
            expanded.ok_or_else(|| missing(mirror, revision))
        }
    }
}
