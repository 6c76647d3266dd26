//! Applications with their definitions, as the ports need them together.

use super::{Plane, refuse};
use crate::store;
use crate::store::application::ApplicationRow;
use crate::store::target::TargetRow;
use engine::definition::Definition;
use lockstep_types::PortError;
use lockstep_types::application::{ApplicationRef, TargetRef};
use lockstep_types::id::{ApplicationId, TargetId};
use std::collections::BTreeMap;

/// An application and what Git says of it.
#[derive(Debug, Clone)]
pub(super) struct Defined {
    pub row: ApplicationRow,
    pub definition: Definition,
}

/// A target and its application.
#[derive(Debug, Clone)]
pub(super) struct Placement {
    pub target: TargetRow,
    pub defined: Defined,
}

impl Defined {
    /// Reads a stored row.
    ///
    /// # Errors
    /// When a version that stored it wrote another form.
    pub(super) fn of(row: ApplicationRow) -> Result<Self, PortError> {
        let definition =
            serde_json::from_str(&row.definition).map_err(|error| refuse::internal(&error))?;
        Ok(Self { row, definition })
    }

    pub(super) fn reference(&self) -> ApplicationRef {
        self.row.as_ref()
    }

    pub(super) fn repo_url(&self) -> &str {
        &self.definition.source.repo_url
    }
}

impl Placement {
    pub(super) fn reference(&self) -> TargetRef {
        TargetRef {
            id: self.target.id,
            application: self.defined.reference(),
            cluster: self.target.cluster.clone(),
        }
    }

    /// What a sync of it applied last; in Observe, what it equals without our doing.
    pub(super) fn runs_at(&self) -> Option<&lockstep_types::revision::Revision> {
        let equal = self.target.state.sync == lockstep_types::diff::SyncStatus::Synced;
        self.target
            .deployed
            .as_ref()
            .or(self.target.state.revision.as_ref().filter(|_| equal))
    }

    /// The render of what runs: what was compared where that is in line, else what a sync of it applied last.
    pub(super) fn running_render(&self) -> Option<&str> {
        let state = &self.target.state;
        let equal = state.sync == lockstep_types::diff::SyncStatus::Synced;
        let compared = state.render_key.as_deref().filter(|_| equal);
        compared.or(self.target.deployed_render.as_deref())
    }
}

impl Plane {
    /// One application, also one that is gone.
    pub(super) async fn defined(&self, id: ApplicationId) -> Result<Defined, PortError> {
        let row = store::application::get(self.runtime.store(), id)
            .await
            .map_err(refuse::store)?;
        Defined::of(row)
    }

    /// One target with its application.
    pub(super) async fn placement(&self, id: TargetId) -> Result<Placement, PortError> {
        let target = store::target::get(self.runtime.store(), id)
            .await
            .map_err(refuse::store)?;
        let defined = self.defined(target.application).await?;
        Ok(Placement { target, defined })
    }

    /// All applications that are defined. One that cannot be read hides no other.
    pub(super) async fn all_defined(&self) -> Result<BTreeMap<ApplicationId, Defined>, PortError> {
        let rows = store::application::list(self.runtime.store(), false)
            .await
            .map_err(refuse::store)?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let id = row.id;
                Defined::of(row).ok().map(|defined| (id, defined))
            })
            .collect())
    }

    /// All targets of applications that are defined.
    pub(super) async fn all_placements(&self) -> Result<Vec<Placement>, PortError> {
        let defined = self.all_defined().await?;
        let targets = store::target::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        Ok(targets
            .into_iter()
            .filter_map(|target| {
                let defined = defined.get(&target.application)?.clone();
                Some(Placement { target, defined })
            })
            .collect())
    }
}
