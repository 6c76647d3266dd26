//! One application and its targets.

mod head;
mod history;
mod links;
mod orphans;
mod past;
mod resource;
mod tree;

use super::definitions::Placement;
use super::sources::sets;
use super::{Plane, refuse};
use crate::reconcile::cause::Cause;
use crate::reconcile::{render, revisions};
use crate::runtime::Assessment;
use crate::store;
use async_trait::async_trait;
use engine::manifest::Manifest;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::application::{
    ApplicationView, ChangesView, CompareView, DefinitionView, HistoryView, TreeView,
};
use lockstep_types::diff::{ResourceDiff, ResourceDiffKind, SyncStatus};
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::orphan::OrphansView;
use lockstep_types::past::TargetPast;
use lockstep_types::ports::{Answer, Applications};
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::{ResourceKey, ResourceView};
use lockstep_types::revision::Revision;
use lockstep_types::time::Micros;
use std::sync::Arc;

#[async_trait]
impl Applications for Plane {
    async fn application(
        &self,
        actor: &Actor,
        id: ApplicationId,
        cluster: &str,
    ) -> Answer<ApplicationView> {
        self.seen(actor, id).await?;
        let view = self.head_of(id, cluster).await?;
        let rollout = match view.targets.first() {
            Some(selected) => self.rollout_view(actor, selected.target.id).await?,
            None => None,
        };
        Ok(ApplicationView { rollout, ..view })
    }

    async fn tree(&self, actor: &Actor, target: TargetId) -> Answer<TreeView> {
        let placement = self.seen_target(actor, target).await?;
        let nodes = self.nodes(&placement).await?;
        Ok(TreeView {
            target: placement.reference(),
            nodes,
        })
    }

    async fn orphans(&self, actor: &Actor, target: TargetId) -> Answer<OrphansView> {
        let placement = self.seen_target(actor, target).await?;
        self.orphans_of(actor, &placement).await
    }

    async fn resource(
        &self,
        actor: &Actor,
        target: TargetId,
        key: &ResourceKey,
    ) -> Answer<ResourceView> {
        let placement = self.seen_target(actor, target).await?;
        self.resource_of(actor, &placement, key).await
    }

    async fn changes(&self, actor: &Actor, target: TargetId) -> Answer<ChangesView> {
        let placement = self.seen_target(actor, target).await?;
        let assessment = self.current(&placement);
        let mut diffs: Vec<ResourceDiff> = match &assessment {
            Some(assessment) => assessment.diffs.values().cloned().collect(),
            None => Vec::new(),
        };
        diffs.sort_by_key(|diff| (weight(diff), diff.key.clone()));
        let warnings = assessment
            .as_ref()
            .map(|assessment| assessment.warnings.clone())
            .unwrap_or_default();
        let mut plan = assessment.map(|assessment| assessment.plan.clone());
        if let Some(plan) = &mut plan {
            plan.report.retain(|line| !warnings.contains(line));
        }
        Ok(ChangesView {
            target: placement.reference(),
            diffs,
            warnings,
            plan,
        })
    }

    async fn history(
        &self,
        actor: &Actor,
        target: TargetId,
        before: Option<Micros>,
    ) -> Answer<HistoryView> {
        let placement = self.seen_target(actor, target).await?;
        self.history_of(&placement, before).await
    }

    async fn definition(&self, actor: &Actor, id: ApplicationId) -> Answer<DefinitionView> {
        let defined = self.seen(actor, id).await?;
        let source = match defined.row.source {
            Some(source) => store::source::get(self.runtime.store(), source).await.ok(),
            None => None,
        };
        let repo_url = source.map(|source| source.repo_url).unwrap_or_default();
        let (revision, path) = (&defined.row.revision, &defined.row.path);
        let log = self
            .runtime
            .mirrors()
            .log(&repo_url, revision, std::slice::from_ref(path), 1)
            .await;
        Ok(DefinitionView {
            repo_url,
            path: path.clone(),
            line: defined.row.line,
            revision: revision.clone(),
            commit: log.ok().and_then(|log| log.into_iter().next()),
            set: defined.definition.set.as_ref().map(sets::reference),
            yaml: defined.definition.yaml,
            ignored_fields: defined.definition.ignored_fields,
        })
    }

    async fn past(&self, actor: &Actor, target: TargetId, at: Micros) -> Answer<TargetPast> {
        let placement = self.seen_target(actor, target).await?;
        self.past_of(&placement, at).await
    }

    async fn compare(
        &self,
        actor: &Actor,
        target: TargetId,
        from: &Revision,
        to: &Revision,
    ) -> Answer<CompareView> {
        let placement = self.seen_target(actor, target).await?;
        let from = self.revision_of(&placement, from).await?;
        let to = self.revision_of(&placement, to).await?;
        let before = self.rendered_at(&placement, &from).await?;
        let after = self.rendered_at(&placement, &to).await?;
        let masking = placement.defined.definition.masking.clone();
        let compared = tokio::task::spawn_blocking(move || {
            engine::diff::compare_manifests(&before, &after, &masking)
        })
        .await;
        Ok(CompareView {
            from,
            to,
            diffs: compared.map_err(|error| refuse::internal(&error))?,
        })
    }
}

/// What a person looks at first: what a sync would change, what is not known, what never counts.
fn weight(diff: &ResourceDiff) -> u8 {
    match (&diff.kind, diff.counts()) {
        (_, true) => 0,
        (ResourceDiffKind::Unsure(_), false) => 1,
        (_, false) => 2,
    }
}

impl Plane {
    /// The newest comparison, unless the target cannot be judged now: then what was true once is not shown as true.
    fn current(&self, placement: &Placement) -> Option<Arc<Assessment>> {
        self.runtime
            .assessment(placement.target.id)
            .filter(|_| not_known(placement).is_none())
    }

    /// The whole commit id of a revision that may be shortened, if the application's repository has it.
    pub(super) async fn revision_of(
        &self,
        placement: &Placement,
        revision: &Revision,
    ) -> Result<Revision, PortError> {
        let asked = revision.0.trim().to_ascii_lowercase();
        if !(4..=40).contains(&asked.len()) || !asked.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(PortError::invalid(
                "revision",
                "write four to forty hexadecimal digits of a commit",
            ));
        }
        let found = self
            .runtime
            .mirrors()
            .expand(placement.defined.repo_url(), &asked)
            .await
            .map_err(refuse::source)?;
        found.ok_or_else(|| refuse::missing("commit", asked))
    }

    /// What a revision declared for this target: as it was stored then, else rendered anew.
    async fn rendered_at(
        &self,
        placement: &Placement,
        revision: &Revision,
    ) -> Result<Vec<Manifest>, PortError> {
        let db = self.runtime.store();
        let key = store::render::key_of(db, placement.target.id, revision)
            .await
            .map_err(refuse::store)?;
        if let Some(key) = key
            && let Ok(Some(complete)) = render::stored(&self.runtime, &key).await
        {
            return Ok(complete.objects.clone());
        }
        let facts = self
            .runtime
            .cluster(&placement.target.cluster)
            .and_then(|handle| handle.live.facts());
        let conflict =
            |cause: Cause| PortError::Conflict(refuse::with_next(&cause.cause, &cause.next));
        let definition = &placement.defined.definition;
        let (target, at) = (placement.target.id, revision.clone());
        let at = revisions::recorded(&self.runtime, target, definition, at)
            .await
            .map_err(conflict)?;
        let input = render::input(definition, &at, facts.as_ref()).map_err(conflict)?;
        let rendered = render::rendered(&self.runtime, &input, None)
            .await
            .map_err(conflict)?;
        Ok(rendered.complete.objects.clone())
    }
}

/// Why a target cannot be judged now; `None` when it can.
pub(super) fn not_known(placement: &Placement) -> Option<&str> {
    let state = &placement.target.state;
    let reason = state
        .reason
        .as_ref()
        .filter(|_| state.sync == SyncStatus::Unknown)?;
    (reason.code != ReasonCode::CompareFailed).then_some(reason.cause.as_str())
}
