//! Runs, and the intents that start or end them.

mod waiting;

use super::allow::{allow, allow_on, sees};
use super::definitions::Placement;
use super::{Plane, refuse};
use crate::reconcile::{revisions, windows};
use crate::runtime::now;
use crate::store;
use crate::store::StoreError;
use crate::store::audit::Act;
use crate::store::operation::{Inserted, NewOperation};
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::{ApprovalId, OperationId, RunId, TargetId};
use lockstep_types::policy;
use lockstep_types::ports::{Answer, Syncs};
use lockstep_types::source::Mode;
use lockstep_types::sync::{
    ApprovalView, OperationKind, RunView, StartedBy, SyncPhase, SyncRequest,
};
use lockstep_types::sync_once::SyncOnce;
use serde_json::{Value, json};

/// What a sync needs besides the right to sync: to delete what left Git, or to delete and make anew. A dry run deletes nothing.
fn wanted(request: &SyncRequest) -> Vec<Permission> {
    let remakes = (request.once.force || request.once.replace) && !request.once.dry_run;
    let all = [
        request.prune.then_some(Permission::Prune),
        remakes.then_some(Permission::Force),
    ];
    all.into_iter().flatten().collect()
}

/// Longest idempotency key.
const KEY: usize = 200;

#[async_trait]
impl Syncs for Plane {
    async fn sync(&self, actor: &Actor, request: &SyncRequest) -> Answer<OperationId> {
        allow(actor, Permission::Sync)?;
        let deletes = wanted(request);
        for permission in &deletes {
            allow(actor, *permission)?;
        }
        if request
            .idempotency_key
            .as_ref()
            .is_some_and(|key| key.is_empty() || key.len() > KEY)
        {
            return Err(PortError::invalid(
                "idempotency_key",
                format!("use 1 to {KEY} characters"),
            ));
        }
        request.once.within_bounds()?;
        let placement = self
            .granted(actor, Permission::Sync, request.target)
            .await?;
        for permission in &deletes {
            allow_on(actor, *permission, &placement.defined.row)?;
        }
        self.may_write(&placement).await?;
        let intent = NewOperation {
            kind: OperationKind::Sync,
            target: request.target,
            actor: actor.name.clone(),
            started_by: StartedBy::Person(actor.name.clone()),
            idempotency_key: request.idempotency_key.clone(),
            parameters: parameters(request),
        };
        self.intend(actor, &placement, intent).await
    }

    async fn refresh(&self, actor: &Actor, target: TargetId) -> Answer<OperationId> {
        let placement = self.seen_target(actor, target).await?;
        present(&placement)?;
        let intent = NewOperation {
            kind: OperationKind::Refresh,
            target,
            actor: actor.name.clone(),
            started_by: StartedBy::Person(actor.name.clone()),
            idempotency_key: None,
            parameters: Value::Null,
        };
        let operation = self.intend(actor, &placement, intent).await?;
        for source in revisions::sources(&placement.defined.definition) {
            let repository = self.runtime.repository_key(&source.repo_url);
            self.runtime.activator().activate_repository(&repository);
        }
        Ok(operation)
    }

    async fn run(&self, actor: &Actor, run: RunId) -> Answer<RunView> {
        let db = self.runtime.store();
        let summary = store::run::summary(db, run).await.map_err(refuse::store)?;
        let application = &summary.target.application;
        if !sees(actor, application) {
            return Err(refuse::store(StoreError::not_found("run", run)));
        }
        let object = policy::application(&application.project, &application.name);
        let row = store::run::get(db, run).await.map_err(refuse::store)?;
        let plan = store::run::plan(db, run).await.map_err(refuse::store)?;
        let steps = store::run::steps(db, run).await.map_err(refuse::store)?;
        let open = !summary.phase.is_final();
        let unfinished = matches!(
            summary.phase,
            SyncPhase::Failed
                | SyncPhase::Terminated
                | SyncPhase::Interrupted
                | SyncPhase::Superseded
        );
        Ok(RunView {
            waiting_for: waiting::words(&summary, plan.as_ref(), &steps),
            may_terminate: open && actor.may_on(Permission::Terminate, &object),
            // Again would be a sync of everything.
            may_retry: unfinished
                && !summary.once.is_partial()
                && actor.may_on(Permission::Sync, &object),
            summary,
            plan,
            steps,
            bodies_gone_at: row.bodies_gone_at,
        })
    }

    async fn run_of(&self, actor: &Actor, operation: OperationId) -> Answer<Option<RunId>> {
        let db = self.runtime.store();
        let row = store::operation::get(db, operation)
            .await
            .map_err(refuse::store)?;
        self.of_seen(actor, row.target, ("operation", &operation.to_string()))
            .await?;
        let run = store::run::newest_of_operation(db, operation)
            .await
            .map_err(refuse::store)?;
        Ok(run.map(|run| run.id))
    }

    async fn terminate(&self, actor: &Actor, run: RunId) -> Answer<()> {
        allow(actor, Permission::Terminate)?;
        let row = store::run::get(self.runtime.store(), run)
            .await
            .map_err(refuse::store)?;
        let placement = self
            .of_seen(actor, row.target, ("run", &run.to_string()))
            .await?;
        allow_on(actor, Permission::Terminate, &placement.defined.row)?;
        if row.phase.is_final() {
            return Err(PortError::Conflict(format!(
                "this run has ended already, as {}",
                row.phase.word()
            )));
        }
        let intent = NewOperation {
            kind: OperationKind::Terminate,
            target: row.target,
            actor: actor.name.clone(),
            started_by: StartedBy::Person(actor.name.clone()),
            // Pressing twice ends it once.
            idempotency_key: Some(format!("terminate {run}")),
            parameters: json!({"run": run}),
        };
        self.intend(actor, &placement, intent).await?;
        Ok(())
    }

    async fn approvals(&self, actor: &Actor) -> Answer<Vec<ApprovalView>> {
        allow(actor, Permission::Get)?;
        let mut waiting = store::approval::waiting(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        waiting.retain(|approval| sees(actor, &approval.target.application));
        Ok(waiting)
    }

    async fn decide(
        &self,
        actor: &Actor,
        approval: ApprovalId,
        digest: &str,
        yes: bool,
    ) -> Answer<()> {
        allow(actor, Permission::Approve)?;
        let db = self.runtime.store();
        let row = store::approval::get(db, approval)
            .await
            .map_err(refuse::store)?;
        let placement = self
            .of_seen(actor, row.target, ("approval", &approval.to_string()))
            .await?;
        allow_on(actor, Permission::Approve, &placement.defined.row)?;
        let mut tx = db.begin().await.map_err(refuse::store)?;
        store::approval::decide(&mut tx, approval, digest, yes, &actor.name)
            .await
            .map_err(refuse::store)?;
        let verb = if yes { "approve" } else { "refuse" };
        tx.record(
            Act::by(actor, verb, placement.words())
                .on(row.target)
                .with(json!({"approval": approval, "run": row.run, "digest": digest})),
        );
        tx.commit().await.map_err(refuse::store)?;
        self.runtime.activator().activate_target(row.target);
        Ok(())
    }
}

/// What the operation keeps of a request.
fn parameters(request: &SyncRequest) -> Value {
    if request.once == SyncOnce::default() {
        return json!({"prune": request.prune});
    }
    json!({"prune": request.prune, "once": request.once})
}

impl Placement {
    /// `cart on prod-eu`, for the audit log.
    pub(super) fn words(&self) -> String {
        format!("{} on {}", self.defined.row.name, self.target.cluster)
    }
}

/// Refuses when the application is no longer defined.
pub(super) fn present(placement: &Placement) -> Result<(), PortError> {
    if placement.defined.row.gone_at.is_some() {
        return Err(PortError::Conflict(format!(
            "{} is no longer defined in Git; what it left behind is listed with its cluster",
            placement.defined.row.name
        )));
    }
    Ok(())
}

impl Plane {
    /// Refuses at once what the reconciler would refuse later.
    pub(super) async fn may_write(&self, placement: &Placement) -> Result<(), PortError> {
        present(placement)?;
        let name = &placement.defined.row.name;
        if placement.target.mode == Mode::Observe {
            return Err(PortError::Conflict(format!(
                "{name} is only observed; take over its source before anything is written"
            )));
        }
        if placement.defined.definition.policy.suspend {
            return Err(PortError::Conflict(format!(
                "the definition of {name} suspends it; change that in Git first"
            )));
        }
        let hold = store::hold::unended_of(self.runtime.store(), placement.target.id)
            .await
            .map_err(refuse::store)?;
        if let Some(hold) = hold.filter(|hold| hold.keeps_people_out(now())) {
            return Err(PortError::Conflict(format!(
                "{}. Release the hold first",
                hold.words()
            )));
        }
        self.window_lets(placement).await
    }

    /// Refuses while a sync window keeps people away too.
    async fn window_lets(&self, placement: &Placement) -> Result<(), PortError> {
        let db = self.runtime.store();
        let Some(source) = placement.defined.row.source else {
            return Ok(());
        };
        let home = store::source::get(db, source)
            .await
            .map_err(refuse::store)?
            .home_cluster;
        let definition = &placement.defined.definition;
        let window = windows::of(db, definition, &placement.target.cluster, &home, now())
            .await
            .map_err(refuse::store)?;
        match window.filter(|window| !window.people) {
            Some(window) => Err(PortError::Conflict(format!(
                "{} {}",
                placement.defined.row.name,
                window.state()
            ))),
            None => Ok(()),
        }
    }

    /// Writes an intent with its audit entry down and wakes the target. The same key again is the same operation.
    pub(super) async fn intend(
        &self,
        actor: &Actor,
        placement: &Placement,
        intent: NewOperation,
    ) -> Result<OperationId, PortError> {
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let inserted = store::operation::insert(&mut tx, &intent)
            .await
            .map_err(refuse::store)?;
        let id = inserted.operation().id;
        if let Inserted::New(_) = inserted {
            tx.record(
                Act::by(actor, intent.kind.word(), placement.words())
                    .on(intent.target)
                    .with(json!({"operation": id, "parameters": intent.parameters})),
            );
            tx.commit().await.map_err(refuse::store)?;
        } else {
            tx.roll_back().await.map_err(refuse::store)?;
        }
        self.runtime.activator().activate_target(intent.target);
        Ok(id)
    }
}
