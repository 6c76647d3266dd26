//! What a project permits, asked for one application on one cluster: repository and destination before anything is
//! rendered, every object before anything is planned.
//!
//! The rules are the engine's; here they meet the registered clusters. An object that is not permitted stops the whole
//! application: half of one is never applied.

use super::cause::Cause;
use crate::store::cluster::ClusterRow;
use engine::definition::project::{Refused, Rules};
use engine::definition::{Definition, DefinitionProblem};
use engine::manifest::Manifest;
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
    let namespace = match definition.destination.namespace.as_str() {
        // What `desired` takes for objects that name none.
        "" => "default",
        namespace => namespace,
    };
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

/// Refuses objects by kind and namespace, hooks as all others. They carry their namespace already.
///
/// # Errors
/// The first object that is refused, and the rule, as the reason to show.
pub fn objects(rules: Option<&Rules>, place: Place<'_>, objects: &[Manifest]) -> Result<(), Cause> {
    let Some(Rules { project, .. }) = rules else {
        return Ok(());
    };
    for object in objects {
        let key = &object.key;
        let namespaced = !key.namespace.is_empty();
        let refused = project.refuse_kind(key, namespaced).or_else(|| {
            namespaced.then_some(())?;
            project.refuse_destination(place.cluster, place.server, place.home, &key.namespace)
        });
        if let Some(refused) = refused {
            return Err(cause(refused).about(Some(key.clone())));
        }
    }
    Ok(())
}

/// Refuses an object that a person has made, of a kind that the project does not let in.
///
/// # Errors
/// The rule, as the reason to show.
pub fn made(rules: Option<&Rules>, key: &ResourceKey) -> Result<(), Cause> {
    let refused = rules.and_then(|rules| rules.project.refuse_kind(key, !key.namespace.is_empty()));
    refused.map_or(Ok(()), |refused| Err(cause(refused)))
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
