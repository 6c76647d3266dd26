//! Whether the commits of an application carry the signatures that its definition or its project asks for.
//!
//! A commit that does not is never rendered, compared or applied. The target stays with what it last deployed, as long as
//! that is vouched for by the keys of today, and says which commit was refused, why, and who asks for it.

use super::cause::Cause;
use super::revisions::{self, Revisions};
use crate::runtime::Runtime;
use engine::definition::{DefinedSource, Definition, SourceKind, Verification};
use engine::signature::Keyring;
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::{Revision, Signature};

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
            of_source(runtime, source, revision, &wanted).await?;
        }
    }
    Ok(())
}

/// What the definition of the source and the project ask for.
fn asked<'d>(
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

async fn of_source(
    runtime: &Runtime,
    source: &DefinedSource,
    revision: &Revision,
    wanted: &Verification,
) -> Result<(), Cause> {
    let refuse = |what: String| {
        Err(Cause::stalled(
            ReasonCode::Unverified,
            format!("{what}; {} asks for it", wanted.asked_by),
            format!(
                "Push a commit to {} that is signed with one of the keys; nothing of this one is deployed",
                source.repo_url
            ),
        ))
    };
    if !wanted.unsupported.is_empty() {
        return refuse(format!("What is to be verified is {}", wanted.unsupported));
    }
    if wanted.head {
        let found = signature(runtime, &source.repo_url, revision, wanted, None).await?;
        if !found.is_good() {
            return refuse(format!("The commit {} {found}", revision.short()));
        }
    }
    if wanted.tag {
        let tag = runtime
            .mirrors()
            .tag_object(&source.repo_url, &source.target_revision)
            .await
            .map_err(|error| unreadable(&error))?;
        let found = match tag {
            Some(tag) => signature(runtime, &source.repo_url, revision, wanted, Some(tag)).await?,
            None => Signature::Unsigned,
        };
        if !found.is_good() {
            let name = source.target_revision.name();
            return refuse(format!("The tag {name} {found}"));
        }
    }
    Ok(())
}

/// What a commit, or the tag that leads to it, proves; remembered.
async fn signature(
    runtime: &Runtime,
    repo_url: &str,
    revision: &Revision,
    wanted: &Verification,
    tag: Option<Vec<u8>>,
) -> Result<Signature, Cause> {
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
        None => runtime
            .mirrors()
            .commit_object(repo_url, revision)
            .await
            .map_err(|error| unreadable(&error))?,
    };
    let (texts, only, of) = (wanted.keys.clone(), wanted.only.clone(), revision.0.clone());
    let found = tokio::task::spawn_blocking(move || {
        let (mut ring, _) = Keyring::read(&texts);
        if !only.is_empty() {
            ring = ring.only(&only).0;
        }
        match tag {
            Some(tag) => ring.check_tag(&tag, &of),
            None => ring.check(&commit),
        }
    })
    .await
    .map_err(|_| {
        let next = "It is verified again in a moment";
        Cause::passing(
            ReasonCode::Unverified,
            "The signature could not be verified",
            next,
        )
    })?;
    runtime.memory().keep_signature(key, &found);
    Ok(found)
}

fn unreadable(error: &engine::source::SourceError) -> Cause {
    Cause::passing(ReasonCode::FetchFailed, error.to_string(), error.next())
}
