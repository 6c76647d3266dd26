//! Rights are checked again when a request is carried out: what somebody asked for and may no longer do is refused, however
//! long it waited.

use super::super::decide::Trigger;
use super::super::target::Loaded;
use crate::runtime::Runtime;
use crate::store::StoreError;
use lockstep_types::account::Permission;
use lockstep_types::policy;
use lockstep_types::sync::{OperationKind, StartedBy};

/// Why the request behind the trigger may not be carried out any more; `None` when it may. Automation acts for nobody.
pub(super) async fn lost(
    runtime: &Runtime,
    loaded: &Loaded,
    trigger: &Trigger,
    prune: bool,
) -> Result<Option<String>, StoreError> {
    let object = policy::application(&loaded.application.project, &loaded.application.name);
    if let (Trigger::Pin(owner), Some(_)) = (trigger, &loaded.pin) {
        return may_no_longer(runtime, owner, Permission::Rollback, &object).await;
    }
    let (Trigger::Person(_), Some(request)) = (trigger, loaded.requested()) else {
        return Ok(None);
    };
    let (StartedBy::Person(name) | StartedBy::Rollback(name)) = &request.started_by else {
        return Ok(None);
    };
    let needed = match request.kind {
        OperationKind::Rollback => Permission::Rollback,
        _ => Permission::Sync,
    };
    let asked_to_prune = request
        .parameters
        .get("prune")
        .and_then(serde_json::Value::as_bool);
    // What the definition prunes by itself is no wish of the person.
    let prunes = prune
        && asked_to_prune == Some(true)
        && request.kind == OperationKind::Sync
        && !loaded.definition.policy.prune;
    let overrides = !request.overrides().is_empty();
    let once = request.once()?;
    let remakes = (once.force || once.replace) && !once.dry_run;
    let all = [
        Some(needed),
        prunes.then_some(Permission::Prune),
        overrides.then_some(Permission::Override),
        remakes.then_some(Permission::Force),
    ];
    for permission in all.into_iter().flatten() {
        if let Some(why) = may_no_longer(runtime, name, permission, &object).await? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// Why somebody may not do this any more; `None` when they may.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn may_no_longer(
    runtime: &Runtime,
    name: &str,
    permission: Permission,
    object: &str,
) -> Result<Option<String>, StoreError> {
    let verdict = runtime
        .authority()
        .still_may(name, permission, object)
        .await?;
    Ok((!verdict.allowed).then(|| {
        format!(
            "{name} may no longer {} {object}: {}",
            permission.word(),
            verdict.why
        )
    }))
}
