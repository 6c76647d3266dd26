//! Carries out what people ask of single live objects: restart, scale, run now, delete a Pod.
//!
//! Each is taken before it is carried out, so that none happens twice: one that a crash cut off is said to have been cut
//! off. None needs a comparison: a workload can be restarted while Git or the render is broken.

use super::account;
use super::cause::Cause;
use super::permit::{self, Place};
use super::target::Loaded;
use crate::runtime::{Runtime, now};
use crate::store::operation::OperationRow;
use crate::store::{self, StoreError};
use engine::apply::{ActOn, Applier, Deleted, Deletion, Propagation};
use lockstep_types::action::ActionKind;
use lockstep_types::event::EventKind;
use lockstep_types::policy;
use lockstep_types::resource::ResourceKey;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy};
use serde::{Deserialize, Serialize};

/// After so many seconds nobody waits for it any more, and rights or the object may be others: it has to be asked for again.
const STALE_SECONDS: i64 = 60;
/// Said of what a crash interrupted.
pub(crate) const CUT_OFF: &str =
    "the server ended meanwhile; look at the object before it is asked for again";

/// The parameters of such an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) object: ResourceKey,
    pub(crate) api_version: String,
    pub(crate) uid: String,
    pub(crate) kind: ActionKind,
    #[serde(default)]
    pub(crate) replicas: Option<u32>,
    #[serde(default)]
    pub(crate) reason: String,
}

/// Takes, carries out and ends every action that is asked for.
///
/// # Errors
/// When the database cannot be read or written.
pub(crate) async fn act(runtime: &Runtime, loaded: &mut Loaded) -> Result<(), StoreError> {
    let (asked, others) = std::mem::take(&mut loaded.requests)
        .into_iter()
        .partition(|request| request.kind == OperationKind::Act);
    loaded.requests = others;
    let asked: Vec<OperationRow> = asked;
    for request in asked {
        let mut tx = runtime.store().begin().await?;
        let taken = store::operation::take(&mut tx, request.id).await?;
        tx.commit().await?;
        if !taken {
            continue;
        }
        let outcome = match carry_out(runtime, loaded, &request).await {
            Ok(done) => done,
            Err(why) => {
                tracing::warn!(event.name = "object.action_failed", target.id = %request.target, actor = %request.actor, reason = %why, "an action on an object was not carried out");
                format!("not done: {why}")
            }
        };
        let mut tx = runtime.store().begin().await?;
        store::operation::end(&mut tx, request.id, &outcome).await?;
        tx.announce(store::target::subject(&loaded.row), EventKind::Changed);
        tx.commit().await?;
    }
    Ok(())
}

async fn carry_out(
    runtime: &Runtime,
    loaded: &Loaded,
    request: &OperationRow,
) -> Result<String, String> {
    let asked: Asked = serde_json::from_value(request.parameters.clone())
        .map_err(|error| format!("what was asked for cannot be read: {error}"))?;
    if now().seconds_since(request.created_at) > STALE_SECONDS {
        return Err("it waited for more than a minute; ask again if it is still wanted".to_owned());
    }
    if loaded.row.mode == Mode::Observe {
        return Err("the target is only observed; nothing is written there".to_owned());
    }
    if let Some(why) = may_no_longer(runtime, loaded, request, &asked).await? {
        return Err(why);
    }
    let job = ResourceKey::new("batch", "Job", &asked.object.namespace, "");
    let makes = (asked.kind == ActionKind::RunNow).then_some(&job);
    let touched: Vec<&ResourceKey> = std::iter::once(&asked.object).chain(makes).collect();
    let refused = permit::refused_write(runtime, loaded, &touched)
        .await
        .map_err(|error| format!("the database does not say what the project permits: {error}"))?;
    if let Some(refused) = refused {
        return Err(format!("{}. {}", refused.message, refused.next));
    }
    let applier = written_as(runtime, loaded).await?;
    let on = ActOn {
        key: asked.object.clone(),
        api_version: asked.api_version.clone(),
        uid: asked.uid.clone(),
    };
    let said = |error: engine::apply::ApplyError| error.to_string();
    match asked.kind {
        ActionKind::Restart => {
            applier.restart(&on, now()).await.map_err(said)?;
            Ok("a new rollout has begun".to_owned())
        }
        ActionKind::Scale => {
            let replicas = asked
                .replicas
                .ok_or("the number of Pods is missing".to_owned())?;
            applier.scale(&on, replicas).await.map_err(said)?;
            Ok(format!("scaled to {replicas}"))
        }
        ActionKind::RunNow => {
            let id = request.id.to_string();
            let mark = id.get(id.len().saturating_sub(8)..).unwrap_or(&id);
            let job = applier.run_now(&on, mark).await.map_err(said)?;
            Ok(format!("the Job {job} was created"))
        }
        ActionKind::DeletePod => {
            let deletion = Deletion {
                key: on.key,
                api_version: on.api_version,
                uid: on.uid,
                tracking_id: None,
                propagation: Propagation::Background,
            };
            match applier.delete(&deletion).await.map_err(said)? {
                Deleted::Gone => Ok("the Pod is gone".to_owned()),
                Deleted::Going { .. } => Ok("the Pod is ending".to_owned()),
            }
        }
    }
}

/// Why whoever asked may not do it any more: rights count as they are when it is carried out.
async fn may_no_longer(
    runtime: &Runtime,
    loaded: &Loaded,
    request: &OperationRow,
    asked: &Asked,
) -> Result<Option<String>, String> {
    let StartedBy::Person(name) = &request.started_by else {
        return Ok(Some("only a person may ask for this".to_owned()));
    };
    let object = policy::application(&loaded.application.project, &loaded.application.name);
    let word = asked.kind.policy_word(&asked.object);
    let verdict = runtime
        .authority()
        .still_may_words(name, "applications", &[&word], &object)
        .await
        .map_err(|error| format!("the database does not say what {name} may: {error}"))?;
    Ok((!verdict.allowed).then(|| {
        format!(
            "{name} may no longer {} on {object}: {}",
            asked.kind.word(),
            verdict.why
        )
    }))
}

/// Writes with the rights that the target is written with.
async fn written_as(runtime: &Runtime, loaded: &Loaded) -> Result<Applier, String> {
    let clusters = account::clusters(runtime, loaded).await.map_err(words)?;
    let place = Place::of(&loaded.row.cluster, &loaded.source.home_cluster, &clusters);
    let account = account::account(&loaded.definition, place).map_err(words)?;
    let cluster = &loaded.row.cluster;
    let applier = runtime
        .cluster(cluster)
        .and_then(|handle| handle.applier())
        .ok_or_else(|| format!("the cluster {cluster} does not answer"))?;
    Ok(applier.acting_as(account.as_ref()))
}

fn words(cause: Cause) -> String {
    format!("{}. {}", cause.cause, cause.next)
}
