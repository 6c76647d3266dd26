//! Other applications of the same cluster: the one that is meant by a name, whether it is ready, and the objects that a
//! definition wants to be healthy beside its own.

use super::checking::Checked;
use super::{Loaded, judge};
use crate::reconcile::desired::is_definition;
use crate::runtime::{ClusterHandle, Runtime};
use crate::store::target::TargetRow;
use crate::store::{self, StoreError};
use engine::definition::{Definition, HealthCheck};
use engine::health::{self, Observed};
use engine::live::Lookup;
use lockstep_types::application::Dialect;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use serde_json::Value;

/// Another application where the target is.
pub(super) struct Other {
    pub(super) row: TargetRow,
    pub(super) definition: Definition,
}

/// The application of this dialect, namespace and name on the target's cluster; one of the same source first.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn find(
    runtime: &Runtime,
    loaded: &Loaded,
    dialect: Dialect,
    (namespace, name): (&str, &str),
) -> Result<Option<Other>, StoreError> {
    let mut found = None;
    let places = runtime.memory().placed_as(&loaded.row.cluster, name);
    for (target, application) in places {
        let application = match store::application::get(runtime.store(), application).await {
            Ok(application) => application,
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        if application.gone_at.is_some() || application.dialect != dialect {
            continue;
        }
        let Ok(definition) = serde_json::from_str::<Definition>(&application.definition) else {
            continue;
        };
        if definition.namespace != namespace {
            continue;
        }
        let of_own_source = application.source == Some(loaded.source.id);
        if of_own_source || found.is_none() {
            let row = match store::target::get(runtime.store(), target).await {
                Ok(row) => row,
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            found = Some(Other { row, definition });
        }
        if of_own_source {
            break;
        }
    }
    Ok(found)
}

/// Whether an application is synced and healthy at the newest revision of what it tracks; else what it is like, in words.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn readiness(
    runtime: &Runtime,
    other: &Other,
) -> Result<Result<(), String>, StoreError> {
    let state = &other.row.state;
    let said = |otherwise: String| {
        state
            .reason
            .as_ref()
            .map(|reason| reason.cause.clone())
            .filter(|cause| !cause.is_empty())
            .unwrap_or(otherwise)
    };
    let Some(revision) = &state.revision else {
        return Ok(Err(said("it has not been compared yet".to_owned())));
    };
    if state.sync != SyncStatus::Synced {
        return Ok(Err(said(format!("it is {}", state.sync.word()))));
    }
    if !matches!(
        state.health.status,
        HealthStatus::Healthy | HealthStatus::Suspended
    ) {
        let message = match state.health.message.as_str() {
            "" => format!("it is {}", state.health.status.word()),
            message => message.to_owned(),
        };
        return Ok(Err(said(message)));
    }
    let id = other.row.id;
    if let Some(run) = store::run::active_of_target(runtime.store(), id).await? {
        return Ok(Err(format!(
            "its sync of {} is not over",
            run.revision.short()
        )));
    }
    let source = &other.definition.source;
    let tracked = runtime
        .resolution(&source.repo_url, &source.target_revision)
        .and_then(|known| known.revision);
    // A commit that is not vouched for is not waited for: the last one that is stays, and that is what counts.
    let refused = state
        .reason
        .as_ref()
        .is_some_and(|reason| reason.code == ReasonCode::Unverified);
    if let Some(tracked) = tracked
        && tracked != *revision
        && !refused
        && store::pin::unended_of(runtime.store(), id).await?.is_none()
    {
        return Ok(Err(format!("it is not at {} yet", tracked.short())));
    }
    Ok(Ok(()))
}

/// The objects that the definition wants to be healthy and that it does not declare itself.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn observed(
    runtime: &Runtime,
    loaded: &Loaded,
    handle: &ClusterHandle,
    checked: &Checked,
    is_declared: impl Fn(&ResourceKey) -> bool,
) -> Result<Vec<Observed>, StoreError> {
    let mut found = Vec::new();
    for wanted in &loaded.definition.health_checks {
        let HealthCheck::Object(key) = wanted else {
            continue;
        };
        if is_declared(key) {
            continue;
        }
        let bare = |health: Health| Observed {
            key: key.clone(),
            health,
            body: Value::Null,
            below: Vec::new(),
        };
        let one = if is_definition(&key.group, &key.kind) {
            bare(of_application(runtime, loaded, key).await?)
        } else {
            match handle.live.get(key) {
                Lookup::Present(object) => {
                    judge::observed(&handle.live, key, object.body(), &object.uid, checked)
                }
                Lookup::Absent => bare(health::missing()),
                Lookup::Unknown(why) => bare(health::unknown(why)),
            }
        };
        found.push(one);
    }
    Ok(found)
}

/// How an application fares that is named as an object, such as a HelmRelease.
async fn of_application(
    runtime: &Runtime,
    loaded: &Loaded,
    key: &ResourceKey,
) -> Result<Health, StoreError> {
    let dialect = match key.kind.as_str() {
        "Kustomization" => Dialect::FluxKustomization,
        "HelmRelease" => Dialect::FluxHelmRelease,
        // Sources have no health of their own here: what they cannot give fails where it is rendered.
        _ => return Ok(Health::healthy()),
    };
    let Some(other) = find(runtime, loaded, dialect, (&key.namespace, &key.name)).await? else {
        return Ok(health::missing());
    };
    runtime.memory().waits_for(loaded.row.id, &[other.row.id]);
    Ok(match readiness(runtime, &other).await? {
        Ok(()) => Health::healthy(),
        Err(why) => Health::new(
            match other.row.state.health.status {
                HealthStatus::Degraded => HealthStatus::Degraded,
                _ => HealthStatus::Progressing,
            },
            why,
        ),
    })
}
