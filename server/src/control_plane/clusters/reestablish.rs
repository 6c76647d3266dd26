//! Bringing a cluster back: what it would take, how far it is, beginning and stopping it.

use super::super::allow::{allow_named, allow_on};
use super::super::{Plane, checks, refuse};
use super::proof::count;
use crate::reconcile::reestablish::{self, Gathered, Standing, gather};
use crate::runtime::{ClusterHandle, now};
use crate::store;
use crate::store::audit::Act;
use crate::store::cluster::ClusterRow;
use crate::store::reestablish::{MemberRow, ReestablishRow};
use engine::live::Lookup;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::TargetRef;
use lockstep_types::cluster::Connection;
use lockstep_types::id::TargetId;
use lockstep_types::reestablish::{
    Identity, MemberState, ReestablishRequest, ReestablishView, Stage, StageMember,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Longest reason.
const REASON: usize = 500;

impl Plane {
    pub(super) async fn view_of_reestablish(
        &self,
        actor: &Actor,
        row: &ClusterRow,
    ) -> Result<ReestablishView, PortError> {
        let db = self.runtime.store();
        let handle = self.runtime.cluster(&row.name);
        let gathered = gather(&self.runtime, &row.name)
            .await
            .map_err(refuse::store)?;
        let begun = store::reestablish::newest(db, &row.name)
            .await
            .map_err(refuse::store)?;
        let open = begun.as_ref().filter(|one| one.begun.ended_at.is_none());
        let lacking = counts(handle.as_deref(), &gathered).1;
        // What was done the last time, until something is missing again: then what would be done.
        let identity = self.identity(row, handle.as_deref());
        let last = begun
            .as_ref()
            .filter(|_| lacking == 0 && identity == Identity::Same);
        let members = match open.or(last) {
            Some(action) if action.planned_at.is_some() => {
                store::reestablish::members(db, action.id)
                    .await
                    .map_err(refuse::store)?
            }
            _ => Vec::new(),
        };
        let placed = gathered.iter().map(|one| one.row.id).collect();
        let mut standing = reestablish::standing(db, &members, &placed, now())
            .await
            .map_err(refuse::store)?;
        let visible = self.visible(actor).await?;
        let name_of = |target: TargetId| {
            let one = gathered.iter().find(|one| one.row.id == target)?;
            visible
                .has(one.application.id)
                .then(|| one.application.name.clone())
        };
        if open.is_none() {
            // Nobody tries again what is over.
            for one in standing.values_mut().filter(|one| one.again.is_some()) {
                one.state = MemberState::Failed;
            }
        }
        let mut stuck = false;
        let (members, words) = if members.is_empty() {
            let planned =
                reestablish::planned(&gathered, |target| refused(actor, &gathered, target));
            (planned, BTreeMap::new())
        } else {
            let words = match open {
                Some(_) => {
                    let found = reestablish::found(&members, &standing, now(), name_of);
                    stuck = found.stuck;
                    found.words
                }
                None => BTreeMap::new(),
            };
            (members, words)
        };
        let told = Told {
            handle: handle.as_deref(),
            gathered: &gathered,
            standing: &standing,
            words: &words,
            named: &|target| name_of(target).is_some(),
        };
        let (declared, absent) = counts(handle.as_deref(), &gathered);
        Ok(ReestablishView {
            identity,
            declared,
            absent,
            stuck,
            stages: told.stages(members, |one| visible.has(one.application.id)),
            begun: begun.map(|action| action.begun),
            cluster: row.name.clone(),
        })
    }

    fn identity(&self, row: &ClusterRow, handle: Option<&ClusterHandle>) -> Identity {
        match (self.connection(row), &row.identity) {
            (Connection::Connected, _) => Identity::Same,
            (other, Some(known)) => {
                match (handle.and_then(|handle| handle.live.stranger()), other) {
                    (Some(found), _) => Identity::Replaced {
                        known: known.clone(),
                        found,
                    },
                    (None, other) => silent(other),
                }
            }
            (other, None) => silent(other),
        }
    }

    pub(super) async fn begin_reestablish(
        &self,
        actor: &Actor,
        row: &ClusterRow,
        request: &ReestablishRequest,
    ) -> Result<(), PortError> {
        checks::typed(&request.typed, &row.name)?;
        let reason = request.reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON {
            return Err(PortError::invalid(
                "reason",
                format!("say why, in 1 to {REASON} characters"),
            ));
        }
        let handle = self.runtime.cluster(&row.name);
        if request.accept.is_some() {
            // What is known of the other cluster is forgotten with it.
            allow_named(actor, Permission::ForgetCluster, &row.name)?;
        }
        let replaced = match (self.identity(row, handle.as_deref()), &request.accept) {
            (Identity::Silent(why), _) => {
                return Err(PortError::Conflict(format!(
                    "{} does not answer: {why}; bring it up, or correct its address, and try again",
                    row.name
                )));
            }
            (Identity::Same, Some(_)) => {
                return Err(PortError::Conflict(
                    "the cluster that answers is the one that is known; look again".to_owned(),
                ));
            }
            (Identity::Same, None) => None,
            (Identity::Replaced { known, found }, accept) => {
                if accept.as_deref() != Some(found.as_str()) {
                    return Err(PortError::Conflict(format!(
                        "another cluster answers for {} (its kube-system namespace has UID {found}); accept exactly that one",
                        row.name
                    )));
                }
                Some((known, found))
            }
        };
        let gathered = gather(&self.runtime, &row.name)
            .await
            .map_err(refuse::store)?;
        if gathered.is_empty() {
            return Err(PortError::Conflict(format!(
                "Git declares nothing for {}",
                row.name
            )));
        }
        let targets: BTreeSet<TargetId> = gathered
            .iter()
            .filter(|one| refused(actor, &gathered, one.row.id).is_none())
            .map(|one| one.row.id)
            .collect();
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::reestablish::begin(&mut tx, &row.name, (&actor.name, reason), &targets)
            .await
            .map_err(refuse::store)?;
        if let Some((known, found)) = &replaced {
            store::reestablish::replace(&mut tx, &row.name, known, found)
                .await
                .map_err(refuse::store)?;
        }
        tx.record(
            Act::by(actor, "re-establish cluster", &row.name).with(json!({
                "reason": reason,
                "replaced": replaced.as_ref().map(|(known, found)| json!({"known": known, "found": found})),
            })),
        );
        tx.commit().await.map_err(refuse::store)?;
        // Before anything is written there by itself.
        let waits = reestablish::unplanned(&row.name, &actor.name);
        self.runtime.memory().returns(&row.name, waits);
        if replaced.is_some() {
            // It is connected anew, as the cluster that it is now.
            crate::reconcile::clusters::reconnect(&self.runtime, &row.name);
        }
        self.runtime.activator().activate_reestablish();
        Ok(())
    }

    pub(super) async fn stop_reestablish_of(
        &self,
        actor: &Actor,
        row: &ClusterRow,
    ) -> Result<(), PortError> {
        let db = self.runtime.store();
        let action = store::reestablish::newest(db, &row.name)
            .await
            .map_err(refuse::store)?;
        let over = || PortError::Conflict(format!("{} is not being brought back", row.name));
        let action: ReestablishRow = action.ok_or_else(over)?;
        let mut tx = db.begin().await.map_err(refuse::store)?;
        let ending = format!("stopped by {}", actor.name);
        if !store::reestablish::end(&mut tx, &action, &ending)
            .await
            .map_err(refuse::store)?
        {
            return Err(over());
        }
        tx.record(Act::by(actor, "stop re-establishing", &row.name));
        tx.commit().await.map_err(refuse::store)?;
        self.runtime.activator().activate_reestablish();
        Ok(())
    }
}

fn silent(connection: Connection) -> Identity {
    Identity::Silent(match connection {
        Connection::Unreachable { error, .. } => error,
        Connection::Connected | Connection::Unknown => {
            "it has not been reached since the start".to_owned()
        }
    })
}

/// Why an actor may not bring a target back; `None`: they may.
fn refused(actor: &Actor, gathered: &[Gathered], target: TargetId) -> Option<String> {
    let one = gathered.iter().find(|one| one.row.id == target)?;
    allow_on(actor, Permission::Sync, &one.application)
        .err()
        .map(|_| format!("{} may not sync it", actor.name))
}

struct Told<'a> {
    handle: Option<&'a ClusterHandle>,
    gathered: &'a [Gathered],
    standing: &'a BTreeMap<TargetId, Standing>,
    words: &'a BTreeMap<TargetId, String>,
    /// Whether a target may be named to whoever asks.
    named: &'a (dyn Fn(TargetId) -> bool + Sync),
}

impl Told<'_> {
    /// The stages of those that may be seen; one that is left out comes last.
    fn stages(&self, members: Vec<MemberRow>, seen: impl Fn(&Gathered) -> bool) -> Vec<Stage> {
        let mut stages: BTreeMap<u32, Stage> = BTreeMap::new();
        for member in members {
            let Some(one) = self
                .gathered
                .iter()
                .find(|one| one.row.id == member.target)
                .filter(|one| seen(one))
            else {
                continue;
            };
            let last = if member.stage == 0 {
                u32::MAX
            } else {
                member.stage
            };
            stages
                .entry(last)
                .or_insert_with(|| Stage {
                    number: member.stage,
                    rank: member.rank,
                    members: Vec::new(),
                })
                .members
                .push(self.member(one, member));
        }
        let mut stages: Vec<Stage> = stages.into_values().collect();
        for stage in &mut stages {
            stage.members.sort_by(|a, b| {
                let name = |member: &StageMember| member.target.application.name.clone();
                name(a).cmp(&name(b))
            });
        }
        stages
    }

    fn member(&self, one: &Gathered, member: MemberRow) -> StageMember {
        let counts = lacking(self.handle, one);
        let standing = self.standing.get(&member.target);
        let words = self.words.get(&member.target);
        let planned = if member.stage == 0 {
            MemberState::LeftOut
        } else {
            MemberState::Planned
        };
        StageMember {
            target: TargetRef {
                id: member.target,
                application: one.application.as_ref(),
                cluster: one.row.cluster.clone(),
            },
            why: if member.after.iter().all(|other| (self.named)(*other)) {
                member.why
            } else {
                "needs applications that you may not see".to_owned()
            },
            declared: counts.map(|(declared, _)| declared),
            absent: counts.map(|(_, absent)| absent),
            state: standing.map_or(planned, |standing| standing.state),
            words: words
                .or(standing.map(|standing| &standing.words))
                .cloned()
                .unwrap_or_default(),
            run: standing.and_then(|standing| standing.run),
        }
    }
}

/// How many objects a target declares, and how many of them the cluster does not hold.
fn lacking(handle: Option<&ClusterHandle>, one: &Gathered) -> Option<(u32, u32)> {
    let desired = &one.assessment.as_ref()?.desired;
    let live = &handle?.live;
    let absent = desired
        .iter()
        .filter(|object| matches!(live.get(&object.key), Lookup::Absent));
    Some((count(desired.len()), count(absent.count())))
}

/// The same of all.
fn counts(handle: Option<&ClusterHandle>, gathered: &[Gathered]) -> (u32, u32) {
    gathered.iter().filter_map(|one| lacking(handle, one)).fold(
        (0, 0),
        |(declared, absent), (more, gone)| {
            (declared.saturating_add(more), absent.saturating_add(gone))
        },
    )
}
