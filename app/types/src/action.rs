//! What people do to a live object without changing Git: restart it, scale it, run a CronJob now, delete a Pod.

use crate::id::{OperationId, TargetId};
use crate::resource::ResourceKey;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// One such action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// New Pods in place of all old ones, by the workload's own strategy.
    Restart,
    /// Another number of Pods.
    Scale,
    /// A Job of a CronJob, now.
    RunNow,
    /// A Pod goes; what owns it makes another.
    DeletePod,
}

impl ActionKind {
    /// All of them, in the order of the drawer.
    pub const ALL: [Self; 4] = [Self::Restart, Self::Scale, Self::RunNow, Self::DeletePod];

    /// The word in addresses, policies and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Scale => "scale",
            Self::RunNow => "run-now",
            Self::DeletePod => "delete-pod",
        }
    }

    /// On buttons.
    pub fn label(self) -> &'static str {
        match self {
            Self::Restart => "Restart",
            Self::Scale => "Scale",
            Self::RunNow => "Run now",
            Self::DeletePod => "Delete Pod",
        }
    }

    /// The action with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether objects of this kind know it.
    pub fn fits(self, key: &ResourceKey) -> bool {
        let kind = (key.group.as_str(), key.kind.as_str());
        match self {
            Self::Restart => {
                matches!(kind, ("apps", "Deployment" | "StatefulSet" | "DaemonSet"))
            }
            Self::Scale => matches!(kind, ("apps", "Deployment" | "StatefulSet")),
            Self::RunNow => kind == ("batch", "CronJob"),
            Self::DeletePod => kind == ("", "Pod"),
        }
    }

    /// The action of a policy line that permits it: Argo CD's `action/<group>/<Kind>/<word>`.
    pub fn policy_word(self, key: &ResourceKey) -> String {
        format!("action/{}/{}/{}", key.group, key.kind, self.word())
    }
}

/// An action that an object knows, as the drawer offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionOffer {
    pub kind: ActionKind,
    /// What happens, in a sentence.
    pub consequence: String,
    /// What Git does about it afterwards; empty when nothing.
    pub undone: String,
    /// Pods at present, where the action asks for a number.
    pub replicas: Option<u32>,
    /// Why it cannot be done now, whoever asks; empty when it can.
    pub refused: String,
    /// Whether a line of the policy permits it to whoever looks.
    pub permitted: bool,
}

/// An action that was asked for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acted {
    pub operation: OperationId,
    pub kind: ActionKind,
    pub by: String,
    pub reason: String,
    pub at: Micros,
    /// `None` while it waits or is under way.
    pub ended_at: Option<Micros>,
    /// How it ended, in words.
    pub outcome: String,
}

/// An action somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    pub target: TargetId,
    pub object: ResourceKey,
    pub kind: ActionKind,
    /// The object that was looked at: another one of its name is not touched. Empty: whichever stands there.
    #[serde(default)]
    pub uid: String,
    /// For [`ActionKind::Scale`].
    #[serde(default)]
    pub replicas: Option<u32>,
    #[serde(default)]
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_those_of_their_kinds() {
        let of = |text: &str| {
            let key = ResourceKey::parse(text).expect("a key");
            ActionKind::ALL
                .into_iter()
                .filter(|kind| kind.fits(&key))
                .map(|kind| kind.policy_word(&key))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of("apps/Deployment:shop/cart"),
            [
                "action/apps/Deployment/restart",
                "action/apps/Deployment/scale"
            ]
        );
        assert_eq!(
            of("apps/DaemonSet:shop/log"),
            ["action/apps/DaemonSet/restart"]
        );
        assert_eq!(
            of("batch/CronJob:shop/report"),
            ["action/batch/CronJob/run-now"]
        );
        assert_eq!(of("/Pod:shop/cart-1"), ["action//Pod/delete-pod"]);
        // Of the same name in another group.
        assert!(of("example.com/Deployment:shop/cart").is_empty());
        assert!(of("apps/ReplicaSet:shop/cart-1").is_empty());
        for kind in ActionKind::ALL {
            assert_eq!(ActionKind::parse(kind.word()), Some(kind));
        }
    }
}
