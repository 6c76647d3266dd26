//! As whom a target is written: the service account that its project or its definition names, so that the cluster's own
//! RBAC bounds it. Where one is asked for and none is found, nothing is written: never with the server's own rights.

use super::cause::Cause;
use super::permit::Place;
use super::target::Loaded;
use crate::runtime::Runtime;
use crate::store;
use crate::store::cluster::ClusterRow;
use engine::apply::ServiceAccount;
use engine::definition::Definition;
use lockstep_types::reason::ReasonCode;

/// The account of a loaded target; `None` where none is asked for.
///
/// # Errors
/// Why there is none where one is asked for, as the reason to show.
pub(crate) async fn of(
    runtime: &Runtime,
    loaded: &Loaded,
) -> Result<Option<ServiceAccount>, Cause> {
    let clusters = clusters(runtime, loaded).await?;
    let place = Place::of(&loaded.row.cluster, &loaded.source.home_cluster, &clusters);
    account(&loaded.definition, place)
}

/// The account for a definition at a place. `destinationServiceAccounts` of the project comes first, since the project
/// is what bounds a definition.
///
/// # Errors
/// As [`of`].
pub(crate) fn account(
    definition: &Definition,
    place: Place<'_>,
) -> Result<Option<ServiceAccount>, Cause> {
    let namespace = &definition.destination.namespace;
    let by_project = match &definition.rules {
        Some(rules) => rules
            .project
            .account(place.server, place.home, namespace)
            .map_err(super::permit::cause)?,
        None => None,
    };
    let Some(written) = by_project
        .or_else(|| Some(definition.service_account.clone()).filter(|text| !text.is_empty()))
    else {
        return Ok(None);
    };
    match ServiceAccount::parse(&written) {
        Some(account) => Ok(Some(account)),
        None => Err(Cause::stalled(
            ReasonCode::DefinitionInvalid,
            format!("{written:?} is no service account, and nothing is written with other rights"),
            "Name it as Kubernetes does, in lower case letters, digits and dashes",
        )),
    }
}

/// The registered clusters, where the project of the application asks for them.
pub(crate) async fn clusters(runtime: &Runtime, loaded: &Loaded) -> Result<Vec<ClusterRow>, Cause> {
    if loaded.definition.rules.is_none() {
        return Ok(Vec::new());
    }
    store::cluster::list(runtime.store())
        .await
        .map_err(|error| {
            Cause::passing(
                ReasonCode::LiveUnknown,
                format!("The database does not say which clusters there are: {error}"),
                "It is asked again",
            )
        })
}
