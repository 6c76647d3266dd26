//! The targets of a cluster, what Git declares for each, and the stages that follow from it.

use crate::runtime::memory::Assessment;
use crate::runtime::{Runtime, now};
use crate::store::application::ApplicationRow;
use crate::store::reestablish::MemberRow;
use crate::store::target::TargetRow;
use crate::store::{self, StoreError};
use engine::definition::Definition;
use engine::reestablish::{Member, order};
use lockstep_types::application::Hold;
use lockstep_types::id::TargetId;
use lockstep_types::reestablish::Rank;
use lockstep_types::source::Mode;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A target that Git places on the cluster.
pub(crate) struct Gathered {
    pub(crate) row: TargetRow,
    pub(crate) application: ApplicationRow,
    pub(crate) definition: Definition,
    /// What keeps people from syncing it too.
    hold: Option<Hold>,
    /// Its newest comparison; `None`: none since the start.
    pub(crate) assessment: Option<Arc<Assessment>>,
}

/// All of them, by name.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn gather(runtime: &Runtime, cluster: &str) -> Result<Vec<Gathered>, StoreError> {
    let db = runtime.store();
    let mut gathered = Vec::new();
    for target in runtime.memory().placed_on(cluster) {
        let row = match store::target::get(db, target).await {
            Ok(row) => row,
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        let application = store::application::get(db, row.application).await?;
        // Written by another version; its source is read anew.
        let Ok(definition) = serde_json::from_str(&application.definition) else {
            continue;
        };
        gathered.push(Gathered {
            assessment: runtime.memory().assessment(target),
            hold: store::hold::unended_of(db, target)
                .await?
                .filter(|hold| hold.until > now() && hold.kind.stops(false)),
            row,
            application,
            definition,
        });
    }
    gathered.sort_by(|a, b| a.application.name.cmp(&b.application.name));
    Ok(gathered)
}

/// The stages. `refused` says why a target is left out, if it is; those that are only observed are left out too.
pub(crate) fn planned(
    gathered: &[Gathered],
    refused: impl Fn(TargetId) -> Option<String>,
) -> Vec<MemberRow> {
    let left_out: BTreeMap<TargetId, String> = gathered
        .iter()
        .filter_map(|one| {
            let why = match one.row.mode {
                Mode::Observe => Some("it is only observed: nothing is written there".to_owned()),
                Mode::Managed if one.definition.policy.suspend => {
                    Some("its definition suspends it".to_owned())
                }
                Mode::Managed => match &one.hold {
                    Some(hold) => Some(format!(
                        "{} holds {}: {}",
                        hold.owner,
                        hold.kind.what(),
                        hold.reason
                    )),
                    None => refused(one.row.id),
                },
            };
            Some((one.row.id, why?))
        })
        .collect();
    let depends_on: Vec<Vec<TargetId>> = gathered
        .iter()
        .map(|one| depended_on(one, gathered))
        .collect();
    // Those that are left out count as there: nobody waits for what is not coming.
    let members: Vec<Member<'_>> = gathered
        .iter()
        .zip(&depends_on)
        .filter(|(one, _)| !left_out.contains_key(&one.row.id))
        .map(|(one, depends_on)| Member {
            id: one.row.id,
            name: &one.application.name,
            objects: one
                .assessment
                .as_ref()
                .map(|assessment| assessment.desired.as_slice()),
            makes_namespaces: one.definition.makes_namespaces(),
            depends_on,
        })
        .collect();
    let mut rows: Vec<MemberRow> = order(&members)
        .into_iter()
        .map(|place| MemberRow {
            target: place.target,
            stage: place.stage,
            rank: place.rank,
            why: place.why,
            after: place.after,
            operation: None,
            tries: 0,
        })
        .collect();
    rows.extend(left_out.into_iter().map(|(target, why)| MemberRow {
        target,
        stage: 0,
        rank: Rank::Application,
        why,
        after: Vec::new(),
        operation: None,
        tries: 0,
    }));
    rows
}

/// The targets of the same cluster that `dependsOn` names.
fn depended_on(one: &Gathered, gathered: &[Gathered]) -> Vec<TargetId> {
    one.definition
        .depends_on
        .iter()
        .filter_map(|dependency| {
            let other = gathered.iter().find(|other| {
                other.definition.dialect == one.definition.dialect
                    && other.definition.name == dependency.name
                    && other.definition.namespace == dependency.namespace
            });
            other.map(|other| other.row.id)
        })
        .collect()
}
