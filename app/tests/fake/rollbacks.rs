//! Going back in the made-up fleet: one state is behind a hold, a window and a second person.

use super::NOW;
use super::answers::{Fake, allowed};
use super::applications as apps;
use super::fleet::{self, ago, sha, target_ref};
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{Hold, HoldKind, Pin, TargetSummary};
use lockstep_types::ask::{
    AskDecision, AskWay, Asked, Obstacle, PinOutcome, RollbackAsk, RollbackAskView,
};
use lockstep_types::id::{AskId, HoldId, PinId, TargetId};
use lockstep_types::ports::{Answer, Rollbacks};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{
    MarkRequest, PinRequest, RollbackCandidate, RollbackPreview, RollbackRequest,
};
use uuid::Uuid;

/// The state that is not gone back to without more ado.
const GUARDED: &str = "2c4e9aa";

/// The state whose commit carries no signature that the project takes.
const UNVOUCHED: &str = "b0d1e57";

/// What guards going back to a state.
fn guarded(preview: RollbackPreview) -> RollbackPreview {
    if preview.to.revision == sha(UNVOUCHED) {
        return RollbackPreview {
            signed_with: String::new(),
            signature_refused: "AppProject shop (projects/shop.yaml:1) asks for signed commits, and Lockstep has no key to sign with. Set commits.signing_key_file and name its key there, or open a pull request and merge it with a signature.".into(),
            ..preview
        };
    }
    if preview.to.revision != sha(GUARDED) {
        return preview;
    }
    let window = |cluster: &str| {
        Obstacle {
        target: target_ref("checkout", "shop", cluster),
        name: "window:shop:deny 0 8 * * 1-5 for 10h UTC".into(),
        words: "window \x27deny 0 8 * * 1-5 for 10h UTC\x27 of project shop: closed until 2025-11-23T18:00:00Z".into(),
    }
    };
    RollbackPreview {
        obstacles: vec![
            Obstacle {
                target: target_ref("checkout", "shop", "prod-eu"),
                name: format!("hold:{}", Uuid::from_u128(8)),
                words: "lena holds all writes until 2025-11-23T20:00:00Z: the sale runs".into(),
            },
            window("prod-eu"),
            window("prod-us"),
        ],
        second_person: vec!["shop".into()],
        ..preview
    }
}

/// One that waits.
fn ask() -> Option<RollbackAskView> {
    let preview = apps::preview(target_ref("checkout", "shop", "prod-eu"), &sha(GUARDED))?;
    let preview = guarded(preview);
    Some(RollbackAskView {
        ask: RollbackAsk {
            id: AskId(Uuid::from_u128(21)),
            target: preview.target.clone(),
            way: AskWay::Commit,
            to: preview.to.revision.clone(),
            digest: preview.digest.clone(),
            by: "lena".into(),
            reason: "orders are lost since 2.9.0".into(),
            hours: 0,
            overrides: vec![preview.obstacles[1].name.clone()],
            projects: vec!["shop".into()],
            asked_at: ago(12),
            until: NOW.plus_seconds(85_000),
        },
        preview,
        own: false,
    })
}

#[async_trait]
impl Rollbacks for Fake {
    async fn candidates(&self, _: &Actor, _: TargetId) -> Answer<Vec<RollbackCandidate>> {
        Ok(apps::candidates())
    }
    async fn preview(
        &self,
        actor: &Actor,
        target: TargetId,
        to: &Revision,
    ) -> Answer<RollbackPreview> {
        allowed(actor, Permission::Rollback)?;
        apps::by_target(target)
            .and_then(|target| apps::preview(target, to))
            .map(guarded)
            .ok_or_else(|| PortError::NotFound(format!("the commit {}", to.short())))
    }
    async fn preview_pin(
        &self,
        actor: &Actor,
        target: TargetId,
        to: &Revision,
    ) -> Answer<RollbackPreview> {
        let mut preview = self.preview(actor, target, to).await?;
        preview.targets.truncate(1);
        Ok(preview)
    }
    async fn preview_undo(
        &self,
        actor: &Actor,
        target: TargetId,
        commit: &Revision,
    ) -> Answer<RollbackPreview> {
        allowed(actor, Permission::Rollback)?;
        apps::by_target(target)
            .and_then(|target| apps::preview_undo(target, commit))
            .ok_or_else(|| PortError::NotFound(format!("the commit {}", commit.short())))
    }
    async fn roll_back(&self, actor: &Actor, request: &RollbackRequest) -> Answer<CommitOutcome> {
        allowed(actor, Permission::Rollback)?;
        if let Some(name) = request.overrides.first() {
            let why = format!("{name} is not in the way");
            return Err(PortError::Conflict(why));
        }
        Ok(match request.reason.as_str() {
            "protected" => CommitOutcome::PushRefused {
                message: "branch main is protected".into(),
            },
            "moved" => CommitOutcome::Moved {
                head: sha("deadbee"),
            },
            "four eyes" => CommitOutcome::Asked(Asked {
                id: AskId(Uuid::from_u128(21)),
                projects: vec!["shop".into()],
                until: NOW.plus_seconds(86_400),
            }),
            _ => CommitOutcome::Committed {
                revision: sha("0ff1ce0"),
            },
        })
    }
    async fn pin(&self, actor: &Actor, request: &PinRequest) -> Answer<PinOutcome> {
        allowed(actor, Permission::Rollback)?;
        if request.hours == 0 {
            return Err(PortError::invalid("hours", "give 1 to 744 hours"));
        }
        Ok(PinOutcome::Pinned(Pin {
            id: PinId(Uuid::from_u128(9)),
            revision: request.to.clone(),
            owner: actor.name.clone(),
            reason: request.reason.clone(),
            from: NOW,
            until: NOW.plus_seconds(i64::from(request.hours) * 3_600),
            behind: 1,
            ended_waiting: false,
        }))
    }
    async fn asks(&self, actor: &Actor) -> Answer<Vec<RollbackAskView>> {
        let waiting = ask().filter(|_| !self.empty);
        Ok(waiting
            .into_iter()
            .map(|view| RollbackAskView {
                own: view.ask.by == actor.name,
                ..view
            })
            .collect())
    }
    async fn decide_ask(
        &self,
        actor: &Actor,
        _: AskId,
        digest: &str,
        yes: bool,
    ) -> Answer<AskDecision> {
        allowed(actor, Permission::Approve)?;
        let known = ask().is_some_and(|view| view.ask.digest == digest);
        match (known, yes) {
            (false, _) => Err(PortError::Conflict(
                "it is another one than was shown; look at it again".into(),
            )),
            (true, yes) => Ok(AskDecision {
                revision: yes.then(|| sha("0ff1ce0")),
                words: "done".into(),
            }),
        }
    }
    async fn unpin(&self, actor: &Actor, _: PinId, _: bool) -> Answer<()> {
        allowed(actor, Permission::Rollback)
    }
    async fn holds(&self, _: &Actor) -> Answer<Vec<TargetSummary>> {
        Ok(if self.empty {
            Vec::new()
        } else {
            fleet::held()
        })
    }
    async fn mark(&self, actor: &Actor, _: &MarkRequest) -> Answer<()> {
        allowed(actor, Permission::Rollback)
    }
    async fn hold(
        &self,
        actor: &Actor,
        _: TargetId,
        _: HoldKind,
        reason: &str,
        hours: u32,
    ) -> Answer<Hold> {
        allowed(actor, Permission::Hold)?;
        Ok(Hold {
            kind: Default::default(),
            id: HoldId(Uuid::from_u128(9)),
            owner: actor.name.clone(),
            reason: reason.into(),
            from: NOW,
            until: NOW.plus_seconds(i64::from(hours) * 3_600),
            ended_waiting: false,
        })
    }
    async fn release(&self, actor: &Actor, _: HoldId, _: bool) -> Answer<()> {
        allowed(actor, Permission::Hold)
    }
}
