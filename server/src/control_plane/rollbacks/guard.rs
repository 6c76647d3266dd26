//! What keeps a rollback back: closed windows and holds, which are obeyed unless somebody who may overrides them by name,
//! and projects that ask for a second person.

use super::super::allow::allow_on;
use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use crate::reconcile::windows;
use crate::runtime::now;
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::ask::Obstacle;
use lockstep_types::id::{SourceId, TargetId};
use std::collections::{BTreeMap, BTreeSet};

impl Plane {
    /// The closed windows and the holds of some targets.
    pub(super) async fn obstacles(
        &self,
        placements: &[Placement],
    ) -> Result<Vec<Obstacle>, PortError> {
        let db = self.runtime.store();
        let holds = store::hold::unended(db).await.map_err(refuse::store)?;
        let sources = store::source::list(db).await.map_err(refuse::store)?;
        let homes: BTreeMap<SourceId, String> = sources
            .into_iter()
            .map(|source| (source.id, source.home_cluster))
            .collect();
        let mut found = Vec::new();
        for placement in placements {
            let target = placement.reference();
            let of = |name: String, words: String| Obstacle {
                target: target.clone(),
                name,
                words,
            };
            if let Some(hold) = holds
                .get(&placement.target.id)
                .filter(|hold| hold.keeps_people_out(now()))
            {
                found.push(of(hold.name(), hold.words()));
            }
            let home = placement
                .defined
                .row
                .source
                .and_then(|source| homes.get(&source));
            let Some(home) = home else { continue };
            let definition = &placement.defined.definition;
            let window = windows::of(db, definition, &placement.target.cluster, home, now())
                .await
                .map_err(refuse::store)?;
            if let Some(window) = window.filter(|window| !window.open && !window.people) {
                let until = match window.changes {
                    Some(at) => format!("closed until {}", at.rfc3339()),
                    None => "closed, and no opening is in sight".to_owned(),
                };
                for (name, words) in window.names().zip(&window.keeps_out) {
                    let words = format!("window '{words}' of project {}: {until}", window.project);
                    found.push(of(name, words));
                }
            }
        }
        Ok(found)
    }

    /// Refuses to override what the actor may not: the permission is asked for on every target where the name stands in the
    /// way. A name that stands in nobody's way is a mistake, or the way is free by now.
    pub(super) fn may_override(
        &self,
        actor: &Actor,
        overrides: &[String],
        obstacles: &[Obstacle],
        reached: &[Placement],
    ) -> Result<(), PortError> {
        for name in overrides {
            let mut known = false;
            for obstacle in obstacles.iter().filter(|obstacle| obstacle.name == *name) {
                known = true;
                let own = |placed: &&Placement| placed.target.id == obstacle.target.id;
                let placed = reached.iter().find(own).ok_or_else(|| unknown(name))?;
                allow_on(actor, Permission::Override, &placed.defined.row)?;
            }
            if !known {
                return Err(unknown(name));
            }
        }
        Ok(())
    }
}

/// The projects among some applications that ask for a second person, by name.
pub(super) fn second_person(placements: &[Placement]) -> Vec<String> {
    let asking = |placement: &&Placement| {
        let rules = placement.defined.definition.rules.as_ref();
        rules.is_some_and(|rules| rules.project.four_eyes)
    };
    let names: BTreeSet<String> = placements
        .iter()
        .filter(asking)
        .map(|placement| placement.defined.row.project.clone())
        .collect();
    names.into_iter().collect()
}

/// Of these names, those that stand in the way of a target.
pub(super) fn overriding(
    target: TargetId,
    obstacles: &[Obstacle],
    overrides: &[String],
) -> Vec<String> {
    obstacles
        .iter()
        .filter(|obstacle| obstacle.target.id == target && overrides.contains(&obstacle.name))
        .map(|obstacle| obstacle.name.clone())
        .collect()
}

fn unknown(name: &str) -> PortError {
    PortError::Conflict(format!(
        "“{name}” is not in the way of this rollback, or no longer; look at it again"
    ))
}
