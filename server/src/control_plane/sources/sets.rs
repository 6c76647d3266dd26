//! Sets of applications as the pages show them: what each generates, and what it does not and why.

use super::super::allow::sees;
use super::super::rollouts::Known;
use super::super::{Plane, refuse};
use crate::reconcile::sources::sets::{Owner, SetState};
use crate::store;
use engine::definition::{Definition, SetMember};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::ApplicationRef;
use lockstep_types::rollout::RolloutView;
use lockstep_types::set::{SetMemberView, SetRef, SetView};

/// The set of an application.
pub(in super::super) fn reference(member: &SetMember) -> SetRef {
    SetRef {
        set: member.set.clone(),
        row: member.row.clone(),
        parameters: member.flat_parameters(),
    }
}

impl Plane {
    /// All of them, by source, file and line.
    pub(super) async fn set_views(&self, actor: &Actor) -> Result<Vec<SetView>, PortError> {
        let db = self.runtime.store();
        let known: Known = store::application::list(db, false)
            .await
            .map_err(refuse::store)?
            .into_iter()
            .map(|row| (row.id, row.as_ref()))
            .collect();
        let mut views = Vec::new();
        for source in store::source::list(db).await.map_err(refuse::store)? {
            for (owner, sets) in self.runtime.memory().all_sets() {
                if owner.source != source.id {
                    continue;
                }
                for state in &sets.states {
                    let rollout = self.rollout_of_set(actor, state, owner, &known);
                    let view = SetView {
                        rollout,
                        ..view(state, owner, &source.name, &known)
                    };
                    views.extend(narrowed(actor, view));
                }
            }
        }
        Ok(views)
    }

    /// Where the rollout of a set stands, if it has steps.
    fn rollout_of_set(
        &self,
        actor: &Actor,
        state: &SetState,
        owner: Owner,
        known: &Known,
    ) -> Option<RolloutView> {
        state.set.strategy.as_ref()?;
        let memory = self.runtime.memory();
        let now = state.members.iter().find_map(|member| {
            let application = member.key.application_id(owner.source);
            memory.rollout_of_application(application)
        })?;
        Some(self.shown_rollout(actor, &now, known))
    }
}

/// A set without what the actor may not see; `None` when nothing is left. Somebody who does not see every application
/// does not get the texts either: they name applications.
fn narrowed(actor: &Actor, mut view: SetView) -> Option<SetView> {
    if actor.may_on_all(Permission::Get) {
        return Some(view);
    }
    view.members
        .retain(|member| sees(actor, &member.application));
    view.parent = view.parent.filter(|parent| sees(actor, parent));
    view.not_generated.clear();
    view.waiting_for.clear();
    view.problems.clear();
    (!view.members.is_empty()).then_some(view)
}

fn view(state: &SetState, owner: Owner, source_name: &str, known: &Known) -> SetView {
    let member = |definition: &Definition| {
        let id = definition.key.application_id(owner.source);
        let set = definition.set.as_ref().map(reference)?;
        Some(SetMemberView {
            application: known.get(&id).cloned().unwrap_or(ApplicationRef {
                id,
                name: definition.name.clone(),
                project: definition.project.clone(),
            }),
            set,
            repo_url: definition.source.repo_url.clone(),
            path: if definition.source.chart.is_empty() {
                definition.source.path.clone()
            } else {
                definition.source.chart.clone()
            },
            target_revision: definition.source.target_revision.clone(),
        })
    };
    SetView {
        source: owner.source,
        source_name: source_name.to_owned(),
        set: state.set.title(),
        parent: owner.parent.and_then(|id| known.get(&id).cloned()),
        path: state.set.path.clone(),
        line: state.set.line,
        at: state.at,
        members: state.members.iter().filter_map(member).collect(),
        rollout: None,
        not_generated: state.not_generated.clone(),
        waiting_for: state.waiting_for.clone(),
        problems: state
            .problems
            .iter()
            .map(|problem| (problem.message.clone(), problem.next.clone()))
            .collect(),
        ignored_fields: state.set.ignored_fields.clone(),
    }
}
