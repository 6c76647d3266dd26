//! Targets of an edited definition: those that exist with the definition replaced, and made-up ones that live only for
//! the preview.

use super::super::{Plane, refuse};
use crate::reconcile::definitions;
use crate::reconcile::target::{Loaded, load_for_view};
use crate::store;
use crate::store::application::{ApplicationRow, SeenApplication};
use crate::store::cluster::ClusterRow;
use crate::store::source::SourceRow;
use crate::store::target::{TargetRow, TargetState, id_of};
use engine::definition::Definition;
use lockstep_types::PortError;
use lockstep_types::application::ApplicationRef;
use lockstep_types::id::TargetId;
use lockstep_types::revision::Revision;
use lockstep_types::time::Micros;

/// Clusters that a definition goes to. One that is not registered is a problem elsewhere.
pub(super) fn clusters_of(
    definition: &Definition,
    source: &SourceRow,
    clusters: &[ClusterRow],
) -> Vec<String> {
    definitions::places(definition, &source.home_cluster, clusters)
        .unwrap_or_default()
        .into_iter()
        .map(|(cluster, _)| cluster)
        .collect()
}

impl Plane {
    /// The target as a sync would find it once the edit is on the branch.
    pub(super) async fn edited_target(
        &self,
        source: &SourceRow,
        application: &ApplicationRef,
        (seen, definition): (&SeenApplication, &Definition),
        cluster: &str,
        at: &Revision,
    ) -> Result<Loaded, PortError> {
        let id = id_of(application.id, cluster);
        let clusters = store::cluster::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        // A definition for several clusters says something of its own for each.
        let definition = clusters
            .iter()
            .find(|row| row.name == cluster)
            .and_then(|row| definitions::on_cluster(definition, &source.home_cluster, row))
            .unwrap_or_else(|| definition.clone());
        let known = load_for_view(&self.runtime, id)
            .await
            .map_err(refuse::store)?;
        if let Some(mut loaded) = known {
            loaded.definition = definition;
            return Ok(loaded);
        }
        let application = made_up(source, application, seen, at);
        Ok(Loaded {
            target_key: format!("{}@{cluster}", application.key),
            // An application that was removed from Git left its inventory: what it would prune is said too.
            inventory: store::inventory::of_target(self.runtime.store(), id)
                .await
                .map_err(refuse::store)?,
            row: untouched(id, &application, cluster, source),
            application,
            definition,
            source: source.clone(),
            hold: None,
            pin: None,
            others_stand: true,
            requests: Vec::new(),
            run: None,
            generation: 0,
        })
    }
}

fn made_up(
    source: &SourceRow,
    application: &ApplicationRef,
    seen: &SeenApplication,
    at: &Revision,
) -> ApplicationRow {
    ApplicationRow {
        id: application.id,
        key: seen.key.clone(),
        source: Some(source.id),
        group: seen.group.clone(),
        name: seen.name.clone(),
        project: seen.project.clone(),
        dialect: seen.dialect,
        definition: seen.definition.clone(),
        path: seen.path.clone(),
        line: seen.line,
        revision: at.clone(),
        parent: seen.parent,
        first_seen: Micros(0),
        seen_at: Micros(0),
        gone_at: None,
    }
}

fn untouched(
    id: TargetId,
    application: &ApplicationRow,
    cluster: &str,
    source: &SourceRow,
) -> TargetRow {
    TargetRow {
        id,
        application: application.id,
        cluster: cluster.to_owned(),
        mode: source.mode,
        generation: 0,
        state: TargetState::unknown(),
        deployed: None,
        deployed_render: None,
        images: Vec::new(),
        last_compared: None,
        created_at: Micros(0),
        changed_at: Micros(0),
    }
}
