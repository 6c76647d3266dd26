//! What can be done to one live object without a change in Git: offered in the drawer, and asked for.

use super::super::allow::object as policy_name;
use super::super::definitions::Placement;
use super::super::syncs::present;
use super::super::{checks, refuse};
use super::Plane;
use crate::reconcile::acting::{Asked, CUT_OFF};
use crate::runtime::now;
use crate::store;
use crate::store::operation::{NewOperation, OperationRow};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::action::{Acted, ActionKind, ActionOffer, ActionRequest};
use lockstep_types::id::OperationId;
use lockstep_types::resource::{ResourceKey, ResourceNode};
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy};
use serde_json::{Value, json};

/// Actions on a target that are looked through for those of one object.
const LOOKED_THROUGH: u64 = 100;
/// Of one object that are shown.
const SHOWN: usize = 5;
/// More Pods than anybody means.
const MOST_REPLICAS: u32 = 10_000;
/// A taken action without an end is not under way any more after so many seconds.
const CUT_OFF_SECONDS: i64 = 120;

impl Plane {
    /// Writes an action down for the reconciler, for exactly the object that stands there.
    pub(super) async fn ask_to_act(
        &self,
        actor: &Actor,
        request: &ActionRequest,
    ) -> Result<OperationId, PortError> {
        let placement = self.seen_target(actor, request.target).await?;
        if !may(actor, &placement, request.kind, &request.object) {
            return Err(PortError::denied(Permission::Action));
        }
        let (key, kind) = (&request.object, request.kind);
        if !kind.fits(key) {
            let why = format!("a {} cannot do this: {}", key.kind, kind.word());
            return Err(PortError::invalid("action", why));
        }
        let replicas = replicas(request)?;
        let reason = checks::optional_reason(&request.reason)?;
        // A hold or a closed window stops what Git brings; people may still help a target that stands still.
        present(&placement)?;
        if placement.target.mode == Mode::Observe {
            return Err(PortError::Conflict(format!(
                "{} is only observed; take over its source before anything is written",
                placement.defined.row.name
            )));
        }
        let nodes = self.nodes(&placement).await?;
        let node = nodes.iter().find(|node| node.key == *key);
        let uid = node
            .ok_or_else(|| refuse::missing("object", key))?
            .uid
            .clone();
        let uid = uid.ok_or_else(|| {
            PortError::Conflict(format!("{} is not in the cluster at present", key.short()))
        })?;
        if !request.uid.is_empty() && request.uid != uid {
            return Err(PortError::Conflict(format!(
                "{} is another object by now; look at it again first",
                key.short()
            )));
        }
        let asked = Asked {
            object: key.clone(),
            api_version: self.served_version(&placement, key),
            uid,
            kind,
            replicas,
            reason,
        };
        let intent = NewOperation {
            kind: OperationKind::Act,
            target: request.target,
            actor: actor.name.clone(),
            started_by: StartedBy::Person(actor.name.clone()),
            idempotency_key: None,
            parameters: json!(asked),
        };
        self.intend(actor, &placement, intent).await
    }

    /// The API version in which the cluster answers for the object.
    fn served_version(&self, placement: &Placement, key: &ResourceKey) -> String {
        let handle = self.runtime.cluster(&placement.target.cluster);
        let seen = handle.and_then(|handle| Some(handle.live.peek(key)?.api_version.to_string()));
        seen.unwrap_or_else(|| match key.group.as_str() {
            "" => "v1".to_owned(),
            group => format!("{group}/v1"),
        })
    }

    /// What one object can do, for whoever looks.
    pub(in crate::control_plane) fn offers(
        &self,
        actor: &Actor,
        placement: &Placement,
        node: &ResourceNode,
        live: Option<&Value>,
        desired: Option<&Value>,
    ) -> Vec<ActionOffer> {
        let refused = if node.uid.is_none() || live.is_none() {
            "It is not in the cluster at present."
        } else if placement.target.mode == Mode::Observe {
            "The target is only observed; nothing is written there."
        } else {
            ""
        };
        let heals = placement.defined.definition.policy.self_heal;
        ActionKind::ALL
            .into_iter()
            .filter(|kind| kind.fits(&node.key))
            .map(|kind| ActionOffer {
                kind,
                consequence: consequence(kind, node, live),
                undone: undone(kind, node, desired, heals),
                replicas: (kind == ActionKind::Scale).then(|| number(live).unwrap_or(1)),
                refused: refused.to_owned(),
                permitted: may(actor, placement, kind, &node.key),
            })
            .collect()
    }

    /// What was done to one object, newest first.
    pub(in crate::control_plane) async fn acted(
        &self,
        placement: &Placement,
        key: &ResourceKey,
    ) -> Result<Vec<Acted>, PortError> {
        if ActionKind::ALL.into_iter().all(|kind| !kind.fits(key)) {
            return Ok(Vec::new());
        }
        let (db, target) = (self.runtime.store(), placement.target.id);
        let rows = store::operation::newest_of_kind(db, target, OperationKind::Act, LOOKED_THROUGH)
            .await
            .map_err(refuse::store)?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let asked: Asked = serde_json::from_value(row.parameters.clone()).ok()?;
                (asked.object == *key).then(|| done(row, asked))
            })
            .take(SHOWN)
            .collect())
    }
}

/// In the words of a policy: every action of every kind is a permission of its own.
fn may(actor: &Actor, placement: &Placement, kind: ActionKind, key: &ResourceKey) -> bool {
    let word = kind.policy_word(key);
    let on = policy_name(&placement.defined.row);
    let verdict = actor
        .rights
        .decide_words(actor.role, "applications", &[&word], &on);
    verdict.allowed
}

fn replicas(request: &ActionRequest) -> Result<Option<u32>, PortError> {
    match (request.kind, request.replicas) {
        (ActionKind::Scale, Some(number)) if number <= MOST_REPLICAS => Ok(Some(number)),
        (ActionKind::Scale, _) => Err(PortError::invalid(
            "replicas",
            format!("give the number of Pods, {MOST_REPLICAS} at most"),
        )),
        (_, Some(_)) => Err(PortError::invalid(
            "replicas",
            "only scaling takes a number",
        )),
        (_, None) => Ok(None),
    }
}

fn number(body: Option<&Value>) -> Option<u32> {
    let number = body?.pointer("/spec/replicas")?.as_u64()?;
    u32::try_from(number).ok()
}

fn consequence(kind: ActionKind, node: &ResourceNode, live: Option<&Value>) -> String {
    match kind {
        ActionKind::Restart if node.key.kind == "DaemonSet" => {
            "Every Pod is replaced by a new one, as its update strategy says.".to_owned()
        }
        ActionKind::Restart => match number(live) {
            Some(0) => "It has no Pods; the next ones are made anew.".to_owned(),
            Some(1) => "Its Pod is replaced by a new one, as its update strategy says.".to_owned(),
            Some(pods) => {
                format!("All {pods} Pods are replaced by new ones, as its update strategy says.")
            }
            None => "All Pods are replaced by new ones, as its update strategy says.".to_owned(),
        },
        ActionKind::Scale => "It runs this many Pods from now on.".to_owned(),
        ActionKind::RunNow => {
            "A Job is made of its template at once. The schedule stays.".to_owned()
        }
        ActionKind::DeletePod => match &node.parent {
            Some(owner) => format!("It ends, and {} makes another in its place.", owner.short()),
            None => "It ends, and no controller makes another in its place.".to_owned(),
        },
    }
}

/// What becomes of it because of Git.
fn undone(kind: ActionKind, node: &ResourceNode, desired: Option<&Value>, heals: bool) -> String {
    match kind {
        ActionKind::Scale => match number(desired) {
            Some(declared) if heals => format!(
                "Git declares {declared}: self-heal puts that back within seconds. To keep another number, change it in Git or hold the target first."
            ),
            Some(declared) => format!(
                "Git declares {declared}: this is drift until Git says the same, and the next sync puts {declared} back."
            ),
            None => String::new(),
        },
        ActionKind::DeletePod if node.declared && heals => {
            "Git declares this Pod: self-heal creates it again.".to_owned()
        }
        ActionKind::DeletePod if node.declared => {
            "Git declares this Pod: the next sync creates it again.".to_owned()
        }
        ActionKind::Restart | ActionKind::RunNow | ActionKind::DeletePod => String::new(),
    }
}

fn done(row: OperationRow, asked: Asked) -> Acted {
    let cut_off = row
        .taken_at
        .filter(|taken| row.ended_at.is_none() && now().seconds_since(*taken) > CUT_OFF_SECONDS);
    Acted {
        operation: row.id,
        kind: asked.kind,
        by: row.actor,
        reason: asked.reason,
        at: row.created_at,
        ended_at: row.ended_at.or(cut_off),
        outcome: match cut_off {
            Some(_) => CUT_OFF.to_owned(),
            None => row.message,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::health::Health;

    fn node(text: &str, declared: bool, parent: Option<&str>) -> ResourceNode {
        let key = |text: &str| ResourceKey::parse(text).expect("a key");
        ResourceNode {
            key: key(text),
            uid: Some("u".to_owned()),
            parent: parent.map(key),
            declared,
            sync: None,
            health: Health::healthy(),
            created_at: None,
            detail: String::new(),
            cause: false,
        }
    }

    #[test]
    fn says_what_happens_and_what_git_does_about_it() {
        let declared = json!({"spec": {"replicas": 3}});
        let silent = json!({"spec": {}});
        let cart = node("apps/Deployment:shop/cart", true, None);
        let owned = node("/Pod:shop/cart-1", false, Some("apps/ReplicaSet:shop/cart"));
        let bare = node("/Pod:shop/one", true, None);
        let lines = [
            consequence(ActionKind::Restart, &cart, Some(&declared)),
            consequence(ActionKind::DeletePod, &owned, None),
            consequence(ActionKind::DeletePod, &bare, None),
            undone(ActionKind::Scale, &cart, Some(&declared), true),
            undone(ActionKind::Scale, &cart, Some(&declared), false),
            // An autoscaler's workload: Git leaves the number alone.
            undone(ActionKind::Scale, &cart, Some(&silent), true),
            undone(ActionKind::DeletePod, &bare, None, true),
            undone(ActionKind::DeletePod, &owned, None, true),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn only_scaling_takes_a_number() {
        let asked = |kind, replicas| replicas_of(kind, replicas).map_err(|error| error.to_string());
        assert_eq!(asked(ActionKind::Scale, Some(0)), Ok(Some(0)));
        assert!(asked(ActionKind::Scale, None).is_err());
        assert!(asked(ActionKind::Scale, Some(10_001)).is_err());
        assert!(asked(ActionKind::Restart, Some(1)).is_err());
        assert_eq!(asked(ActionKind::Restart, None), Ok(None));
    }

    fn replicas_of(kind: ActionKind, number: Option<u32>) -> Result<Option<u32>, PortError> {
        replicas(&ActionRequest {
            target: lockstep_types::id::TargetId(uuid::Uuid::nil()),
            object: ResourceKey::new("apps", "Deployment", "shop", "cart"),
            kind,
            uid: String::new(),
            replicas: number,
            reason: String::new(),
        })
    }
}
