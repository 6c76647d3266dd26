//! Objects around a target that no application declares.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use crate::reconcile::{orphans, permit};
use crate::store;
use engine::definition::Definition;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::id::TargetId;
use lockstep_types::orphan::{Orphan, OrphanWatch, OrphansView};

impl Plane {
    /// What the project of an application asks, and what the newest look found.
    pub(super) fn orphan_watch(
        &self,
        definition: &Definition,
        target: TargetId,
    ) -> Option<OrphanWatch> {
        let asked = orphans::project(definition)?.orphans.as_ref()?;
        Some(OrphanWatch {
            warn: asked.warn,
            found: self.runtime.memory().orphans(target),
        })
    }

    /// Looks, unless somebody has just looked.
    pub(super) async fn orphans_of(
        &self,
        actor: &Actor,
        placement: &Placement,
    ) -> Result<OrphansView, PortError> {
        let definition = &placement.defined.definition;
        let cluster = &placement.target.cluster;
        self.may_look_around(placement).await?;
        let namespace = definition.destination.usual_namespace();
        let survey = self
            .runtime
            .survey(cluster, Some(namespace), orphans::FRESH)
            .await
            .map_err(|error| {
                PortError::Conflict(format!("{error}; look again when {cluster} answers"))
            })?;
        let project = orphans::project(definition);
        let unsure = orphans::unsure(&self.runtime, cluster)
            .await
            .map_err(refuse::store)?;
        Ok(OrphansView {
            target: placement.reference(),
            namespace: namespace.to_owned(),
            rules: project.map_or_else(String::new, |project| {
                format!("{} ({}:{})", project.name, project.path, project.line)
            }),
            orphans: orphans::of(&survey, project)
                .map(|object| Orphan {
                    key: object.key.clone(),
                    created_at: object.created_at,
                    made_by: orphans::made_by(object),
                })
                .collect(),
            unread: survey.unread.clone().into_iter().collect(),
            unsure: self.unsure_for(actor, unsure).await?,
            at: survey.at,
        })
    }

    /// Names of applications that the actor may see; the others are counted.
    pub(in crate::control_plane) async fn unsure_for(
        &self,
        actor: &Actor,
        unsure: Vec<orphans::Unsure>,
    ) -> Result<Vec<String>, PortError> {
        let visible = self.visible(actor).await?;
        let (seen, hidden): (Vec<_>, Vec<_>) = unsure
            .into_iter()
            .partition(|unsure| visible.has(unsure.application));
        let mut names: Vec<String> = seen.into_iter().map(|unsure| unsure.name).collect();
        if !hidden.is_empty() {
            names.push(format!("{} of other projects", hidden.len()));
        }
        Ok(names)
    }

    /// Refuses to look where the application may not go, and where its project does not ask: names of other people's
    /// objects are theirs.
    async fn may_look_around(&self, placement: &Placement) -> Result<(), PortError> {
        let definition = &placement.defined.definition;
        let Some(project) = orphans::project(definition) else {
            return Ok(());
        };
        if project.orphans.is_none() {
            return Err(PortError::Conflict(format!(
                "the project {} does not ask for orphaned objects; add spec.orphanedResources to it ({}:{})",
                project.name, project.path, project.line
            )));
        }
        let db = self.runtime.store();
        let clusters = store::cluster::list(db).await.map_err(refuse::store)?;
        let home = match placement.defined.row.source {
            Some(source) => {
                store::source::get(db, source)
                    .await
                    .map_err(refuse::store)?
                    .home_cluster
            }
            None => String::new(),
        };
        match permit::problem(definition, &home, &placement.target.cluster, &clusters) {
            Some(problem) => Err(PortError::Conflict(refuse::with_next(
                &problem.message,
                &problem.next,
            ))),
            None => Ok(()),
        }
    }
}
