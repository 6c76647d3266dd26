//! Whether the commits of an application carry the signatures that its definition or its project asks for.
//!
//! A commit that does not is never rendered, compared or applied. The target stays with what it last deployed, as long as
//! that is vouched for by the keys of today, and says which commit was refused, why, and who asks for it. What each rule
//! says of a commit is known to pages too.

use super::cause::Cause;
use super::revisions::{self, Revisions};
use crate::runtime::Runtime;
use engine::definition::{DefinedSource, Definition, SourceKind, Verification};
use engine::signature::{Keyring, is_seal};
use engine::source::{Next, SourceError};
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::{Revision, Signature, SignatureRule};
use std::collections::HashSet;

/// Whether anything is asked of the commits at all.
pub(super) fn is_asked(definition: &Definition) -> bool {
    revisions::sources(definition).any(|source| asked(definition, source).next().is_some())
}

/// Checks the commits of all sources.
///
/// # Errors
/// The first commit that is refused, as the reason to show.
pub(super) async fn check(
    runtime: &Runtime,
    definition: &Definition,
    at: &Revisions,
) -> Result<(), Cause> {
    let all = std::iter::once(&at.main).chain(at.beside.iter().map(|beside| &beside.revision));
    for (source, revision) in revisions::sources(definition).zip(all) {
        for wanted in asked(definition, source) {
            let said = of_source(runtime, source, revision, &wanted).await;
            let said = said.map_err(|failed| failed.cause())?;
            if let Some(refused) = said.iter().find(|rule| !rule.verdict.is_good()) {
                return Err(Cause::stalled(
                    ReasonCode::Unverified,
                    format!("{}; {} asks for it", refused.words(), wanted.asked_by),
                    format!(
                        "Push a commit to {} that is signed with one of the keys; nothing of this one is deployed",
                        source.repo_url
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// What the definition of the source and the project ask for.
pub(crate) fn asked<'d>(
    definition: &'d Definition,
    source: &'d DefinedSource,
) -> impl Iterator<Item = Verification> + 'd {
    let git = source.kind == SourceKind::Git && source.chart.is_empty();
    let project = definition
        .rules
        .as_ref()
        .and_then(|rules| rules.project.verification(&source.repo_url));
    source
        .verify
        .clone()
        .into_iter()
        .chain(project)
        .filter(move |_| git)
}

/// Why it cannot be told what a commit proves.
#[derive(Debug)]
pub(crate) enum Untold {
    Source(SourceError),
    /// Our own thread did not come back.
    Lost,
}

impl Untold {
    fn cause(&self) -> Cause {
        match self {
            Self::Source(error) => {
                Cause::passing(ReasonCode::FetchFailed, error.to_string(), error.next())
            }
            Self::Lost => {
                let next = "It is verified again in a moment";
                Cause::passing(
                    ReasonCode::Unverified,
                    "The signature could not be verified",
                    next,
                )
            }
        }
    }
}

impl From<SourceError> for Untold {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Everything that one rule says of a commit: of the commit itself, of those before it, and of the tag that is followed.
pub(crate) async fn of_source(
    runtime: &Runtime,
    source: &DefinedSource,
    revision: &Revision,
    wanted: &Verification,
) -> Result<Vec<SignatureRule>, Untold> {
    let mut said = Vec::new();
    let mut say = |of: String, verdict: Signature| {
        said.push(SignatureRule {
            asked_by: wanted.asked_by.clone(),
            of,
            verdict,
        });
    };
    let tag = if wanted.tag || wanted.by_tag {
        let tracked = &source.target_revision;
        runtime
            .mirrors()
            .tag_object(&source.repo_url, tracked)
            .await?
    } else {
        None
    };
    let of_this = format!("object {}\n", revision.0);
    let by_tag = wanted.by_tag
        && tag
            .as_ref()
            .is_some_and(|tag| tag.starts_with(of_this.as_bytes()));
    if wanted.head && (!by_tag || wanted.earlier) {
        let found = signature(runtime, &source.repo_url, revision, wanted, None).await?;
        let good = found.is_good();
        say(format!("The commit {}", revision.short()), found);
        if good
            && wanted.earlier
            && let Some((earlier, found)) = unsigned(runtime, source, revision, wanted).await?
        {
            say(format!("The earlier commit {}", earlier.short()), found);
        }
    }
    if wanted.tag || by_tag {
        let found = match tag {
            Some(tag) => signature(runtime, &source.repo_url, revision, wanted, Some(tag)).await?,
            None => Signature::Unsigned,
        };
        say(format!("The tag {}", source.target_revision.name()), found);
    }
    Ok(said)
}

/// Why a commit of our own would be refused.
#[derive(Debug)]
pub(crate) enum Unvouched {
    NoKey,
    /// The key does not sign any more.
    Failed(String),
    Own(Signature),
    Earlier(Revision, Signature),
}

/// What a rule would say of a commit that is drafted in the mirror, signed as it would be; `None` when it lets it through.
/// A tag never leads to it.
pub(crate) async fn of_ours(
    runtime: &Runtime,
    source: &DefinedSource,
    draft: &Revision,
    wanted: &Verification,
) -> Result<Option<Unvouched>, Untold> {
    if !wanted.head {
        return Ok(None);
    }
    let mirrors = runtime.mirrors();
    let Some(signer) = mirrors.committer().signer.clone() else {
        return Ok(Some(Unvouched::NoKey));
    };
    let commit = mirrors.commit_object(&source.repo_url, draft).await?;
    let keys = wanted.clone();
    let found = tokio::task::spawn_blocking(move || {
        let signature = signer.sign(&commit)?;
        Ok::<_, SourceError>(ring(&keys).check_detached(&signature, &commit))
    })
    .await
    .map_err(|_| Untold::Lost)?;
    match found {
        Err(SourceError::Unsigned { why }) => return Ok(Some(Unvouched::Failed(why))),
        Err(error) => return Err(error.into()),
        Ok(found) if !found.is_good() => return Ok(Some(Unvouched::Own(found))),
        Ok(_) => {}
    }
    if wanted.earlier {
        let info = mirrors.commit(&source.repo_url, draft).await?;
        for parent in &info.parents {
            if let Some((commit, found)) = unsigned(runtime, source, parent, wanted).await? {
                return Ok(Some(Unvouched::Earlier(commit, found)));
            }
        }
    }
    Ok(None)
}

/// What a commit, or the tag that leads to it, proves; remembered.
async fn signature(
    runtime: &Runtime,
    repo_url: &str,
    revision: &Revision,
    wanted: &Verification,
    tag: Option<Vec<u8>>,
) -> Result<Signature, Untold> {
    let key = engine::manifest::hash_of(&serde_json::json!([
        runtime.repository_key(repo_url),
        revision,
        wanted.keys,
        wanted.only,
        tag,
    ]));
    if let Some(known) = runtime.memory().signature(&key) {
        return Ok(known);
    }
    let commit = match &tag {
        Some(_) => Vec::new(),
        None => runtime.mirrors().commit_object(repo_url, revision).await?,
    };
    let (wanted, of) = (wanted.clone(), revision.0.clone());
    let found = tokio::task::spawn_blocking(move || {
        let ring = ring(&wanted);
        match tag {
            Some(tag) => ring.check_tag(&tag, &of),
            None => ring.check(&commit),
        }
    })
    .await
    .map_err(|_| Untold::Lost)?;
    runtime.memory().keep_signature(key, &found);
    Ok(found)
}

/// The keys that count.
fn ring(wanted: &Verification) -> Keyring {
    let (ring, _) = Keyring::read(&wanted.keys);
    if wanted.only.is_empty() {
        return ring;
    }
    ring.only(&wanted.only).0
}

/// What a walk through history has found.
struct Walk {
    ring: Keyring,
    /// Commits that were found good with everything before them.
    sound: HashSet<Revision>,
    refused: Option<(Revision, Signature)>,
}

/// The newest commit before one that nobody vouches for. As in Argo CD a signed commit that seals ends the search: who
/// signs it vouches for all before.
async fn unsigned(
    runtime: &Runtime,
    source: &DefinedSource,
    revision: &Revision,
    wanted: &Verification,
) -> Result<Option<(Revision, Signature)>, Untold> {
    let key = engine::manifest::hash_of(&serde_json::json!([
        runtime.repository_key(&source.repo_url),
        wanted.keys,
        wanted.only,
    ]));
    let sound = runtime.memory().sound(&key);
    if sound.contains(revision) {
        return Ok(None);
    }
    let walk = Walk {
        ring: ring(wanted),
        sound,
        refused: None,
    };
    let found = runtime
        .mirrors()
        .ancestors(&source.repo_url, revision, walk, |walk, at, commit| {
            if walk.sound.contains(at) {
                return Next::Others;
            }
            let found = walk.ring.check(commit);
            if !found.is_good() {
                walk.refused = Some((at.clone(), found));
                Next::Nowhere
            } else if is_seal(commit) {
                Next::Others
            } else {
                Next::Parents
            }
        })
        .await?;
    if found.refused.is_none() {
        runtime.memory().keep_sound(key, revision);
    }
    Ok(found.refused)
}
