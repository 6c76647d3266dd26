//! What a project permits, asked for one application on one cluster: repository and destination before anything is
//! rendered, every object before anything is planned, and all of it again before anything is written or deleted.
//!
//! The rules are the engine's; here they meet the registered clusters. An object that is not permitted stops the whole
//! application: half of one is never applied.

use super::cause::Cause;
use super::target::Loaded;
use crate::runtime::Runtime;
use crate::store::cluster::ClusterRow;
use crate::store::{self, StoreError};
use engine::definition::project::{Project, Refused, Rules};
use engine::definition::{Definition, DefinitionProblem};
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;

/// Where an application goes, in the words of projects.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    pub cluster: &'p str,
    pub server: &'p str,
    /// The home cluster of the root source.
    pub home: bool,
}

impl<'p> Place<'p> {
    /// The place of a registered cluster.
    pub fn of(cluster: &'p str, home: &str, clusters: &'p [ClusterRow]) -> Self {
        let server = clusters
            .iter()
            .find(|row| row.name == cluster)
            .map_or("", |row| row.server.as_str());
        Self {
            cluster,
            server,
            home: cluster == home,
        }
    }
}

fn refused(definition: &Definition, place: Place<'_>) -> Option<Refused> {
    let rules = definition.rules.as_ref()?;
    let namespace = definition.destination.usual_namespace();
    rules.refused.clone().or_else(|| {
        rules
            .project
            .refuse_destination(place.cluster, place.server, place.home, namespace)
    })
}

/// A repository or destination that the project does not permit, as a problem of the definition.
pub fn problem(
    definition: &Definition,
    home: &str,
    cluster: &str,
    clusters: &[ClusterRow],
) -> Option<DefinitionProblem> {
    let refused = refused(definition, Place::of(cluster, home, clusters))?;
    Some(DefinitionProblem {
        // It is read and shown, and nothing of it is applied: not broken.
        key: None,
        path: definition.path.clone(),
        line: definition.line,
        field: "spec.project".to_owned(),
        message: format!("{}: {}", definition.name, refused.message),
        next: refused.next,
    })
}

/// Refuses an application before it is rendered.
///
/// # Errors
/// The rule that refuses it, as the reason to show.
pub fn definition(definition: &Definition, place: Place<'_>) -> Result<(), Cause> {
    refused(definition, place).map_or(Ok(()), |refused| Err(cause(refused)))
}

/// Refuses objects by kind and namespace: what is declared, hooks and the definitions that a render holds as all others.
/// They carry their namespace already.
///
/// # Errors
/// The first object that is refused, and the rule, as the reason to show.
pub fn objects<'k>(
    rules: Option<&Rules>,
    place: Place<'_>,
    keys: impl IntoIterator<Item = &'k ResourceKey>,
) -> Result<(), Cause> {
    let Some(Rules { project, .. }) = rules else {
        return Ok(());
    };
    keys.into_iter()
        .find_map(|key| Some((key, refused_object(project, place, key)?)))
        .map_or(Ok(()), |(key, refused)| {
            Err(cause(refused).about(Some(key.clone())))
        })
}

fn refused_object(project: &Project, place: Place<'_>, key: &ResourceKey) -> Option<Refused> {
    let namespaced = !key.namespace.is_empty();
    project.refuse_kind(key, namespaced).or_else(|| {
        namespaced.then_some(())?;
        project.refuse_destination(place.cluster, place.server, place.home, &key.namespace)
    })
}

/// Refuses what is about to be written or deleted on behalf of a target, by its project as it is known at this moment:
/// between a plan and its last step a project can be narrowed, and what a sync prunes is declared nowhere any more.
/// `None`: all of it is permitted.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn refused_write(
    runtime: &Runtime,
    loaded: &Loaded,
    keys: &[&ResourceKey],
) -> Result<Option<Refused>, StoreError> {
    let known = current(runtime, loaded).await?;
    let Some(rules) = &known.rules else {
        return Ok(None);
    };
    let clusters = store::cluster::list(runtime.store()).await?;
    let place = Place::of(&loaded.row.cluster, &loaded.source.home_cluster, &clusters);
    Ok(refused(&known, place).or_else(|| {
        keys.iter()
            .find_map(|key| refused_object(&rules.project, place, key))
    }))
}

/// The definition with the rules that count now: those of the source as it was read last. Where that names the project
/// nowhere, it is one that an application renders, or the application has left Git: what was stored with it counts.
async fn current(runtime: &Runtime, loaded: &Loaded) -> Result<Definition, StoreError> {
    let row = store::application::get(runtime.store(), loaded.application.id).await?;
    let stored = serde_json::from_str::<Definition>(&row.definition).ok();
    let mut known = loaded.definition.clone();
    if let Some(stored) = stored {
        known.project = stored.project;
        known.rules = stored.rules;
    }
    if let Some((projects, _)) = runtime.memory().projects(loaded.source.id)
        && projects.iter().any(|project| project.name == known.project)
    {
        Rules::give(&mut known, &projects);
    }
    Ok(known)
}

/// The rule as the reason to show.
pub(super) fn cause(refused: Refused) -> Cause {
    let mut words = refused.message.chars();
    let message = words
        .next()
        .map(|first| first.to_uppercase().chain(words).collect::<String>())
        .unwrap_or_default();
    let next = format!("Nothing of it is applied. {}", refused.next);
    Cause::stalled(ReasonCode::DefinitionInvalid, message, next)
}
