//! The objects of `shop / checkout`, what differs in them, and what a sync would do.

use super::NOW;
use super::fleet::{ago, sha};
use lockstep_types::account::{Actor, Permission, Role};
use lockstep_types::action::{Acted, ActionKind, ActionOffer};
use lockstep_types::diff::{
    DiffClass, FieldChange, Impact, ResourceDiff, ResourceDiffKind, SyncStatus,
};
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::{OperationId, TargetId};
use lockstep_types::plan::{Action, Plan, PlanPhase, Step};
use lockstep_types::resource::{ObjectEvent, Origin, ResourceKey, ResourceNode, ResourceView};
use lockstep_types::webhook::{
    Delivery, DeliveryOutcome, WebhookEndpoint, WebhookProvider, WebhooksView,
};
use serde_json::json;

pub fn key(group: &str, kind: &str, name: &str) -> ResourceKey {
    ResourceKey::new(group, kind, "shop", name)
}

fn node(
    group: &str,
    kind: &str,
    name: &str,
    parent: Option<ResourceKey>,
    health: Health,
    detail: &str,
    minutes: i64,
) -> ResourceNode {
    let declared = parent.is_none();
    ResourceNode {
        key: key(group, kind, name),
        uid: Some("5f0c7e1a-2f3b-4c55-9d0e-7b1f2a3c4d5e".into()),
        parent,
        declared,
        sync: declared.then_some(SyncStatus::Synced),
        health,
        created_at: Some(ago(minutes)),
        detail: detail.into(),
        cause: false,
    }
}

/// The tree of one target.
pub fn nodes(broken: bool) -> Vec<ResourceNode> {
    let well = Health::healthy;
    let deployment = key("apps", "Deployment", "checkout");
    let new = key("apps", "ReplicaSet", "checkout-6bf9c7d8f4");
    let old = key("apps", "ReplicaSet", "checkout-58d7c9b6c5");
    let degraded = || {
        Health::new(
            HealthStatus::Degraded,
            "2 of 3 pods cannot pull registry.example.com/checkout:2.9.1 (not found)",
        )
    };
    let mut nodes = vec![
        node("", "ConfigMap", "checkout-flags", None, well(), "4 keys", 6),
        node(
            "apps",
            "Deployment",
            "checkout",
            None,
            if broken { degraded() } else { well() },
            if broken {
                "1 of 3 ready"
            } else {
                "3 of 3 ready"
            },
            59_040,
        ),
        node(
            "apps",
            "ReplicaSet",
            "checkout-6bf9c7d8f4",
            Some(deployment.clone()),
            if broken {
                Health::new(HealthStatus::Progressing, "")
            } else {
                well()
            },
            "3 pods",
            6,
        ),
    ];
    if broken {
        for (name, minutes) in [("q4k2m", 4), ("v8z9t", 4), ("b7n3w", 4)] {
            let mut pod = node(
                "",
                "Pod",
                &format!("checkout-6bf9c7d8f4-{name}"),
                Some(new.clone()),
                Health::new(
                    HealthStatus::Degraded,
                    "ErrImagePull: manifest for checkout:2.9.1 not found",
                ),
                "ErrImagePull",
                minutes,
            );
            pod.cause = name == "q4k2m";
            nodes.push(pod);
        }
        nodes.push(node(
            "apps",
            "ReplicaSet",
            "checkout-58d7c9b6c5",
            Some(deployment),
            well(),
            "1 pod",
            4_320,
        ));
        nodes.push(node(
            "",
            "Pod",
            "checkout-58d7c9b6c5-x2x8p",
            Some(old),
            well(),
            "Running · 0 restarts",
            4_320,
        ));
    } else {
        for name in ["q4k2m", "v8z9t", "b7n3w"] {
            nodes.push(node(
                "",
                "Pod",
                &format!("checkout-6bf9c7d8f4-{name}"),
                Some(new.clone()),
                well(),
                "Running · 0 restarts",
                6,
            ));
        }
    }
    nodes.push(node(
        "autoscaling",
        "HorizontalPodAutoscaler",
        "checkout",
        None,
        well(),
        "3 of 2–6",
        59_040,
    ));
    nodes.push(node(
        "",
        "Service",
        "checkout",
        None,
        well(),
        "10.0.14.7:8080",
        59_040,
    ));
    let slice = key("", "Service", "checkout");
    nodes.push(node(
        "discovery.k8s.io",
        "EndpointSlice",
        "checkout-4xk9d",
        Some(slice),
        well(),
        "3 endpoints",
        59_040,
    ));
    nodes.push(node(
        "",
        "Secret",
        "checkout-database",
        None,
        well(),
        "2 keys",
        59_040,
    ));
    if broken {
        nodes[1].sync = Some(SyncStatus::OutOfSync);
    }
    nodes
}

fn change(
    path: &str,
    live: serde_json::Value,
    declared: serde_json::Value,
    class: DiffClass,
    impact: Impact,
) -> FieldChange {
    FieldChange {
        path: path.into(),
        declared: Some(declared),
        live: Some(live),
        class,
        manager: Some("lockstep".into()),
        operation: Some("Apply".into()),
        at: Some(ago(1_500)),
        impact,
    }
}

/// What differs.
pub fn diffs() -> Vec<ResourceDiff> {
    let mut drift = change(
        "spec.replicas",
        json!(5),
        json!(3),
        DiffClass::Drift,
        Impact::Scales,
    );
    drift.manager = Some("kubectl-scale".into());
    drift.at = Some(ago(26));
    let mut noise = change(
        "spec.revisionHistoryLimit",
        json!(10),
        json!(null),
        DiffClass::Noise,
        Impact::MetadataOnly,
    );
    noise.declared = None;
    noise.manager = None;
    vec![
        ResourceDiff {
            key: key("apps", "Deployment", "checkout"),
            kind: ResourceDiffKind::Differs,
            changes: vec![
                change(
                    "spec.template.spec.containers[name=checkout].image",
                    json!("registry.example.com/checkout:2.9.0"),
                    json!("registry.example.com/checkout:2.9.1"),
                    DiffClass::NotYetSynced,
                    Impact::RestartsPods,
                ),
                change(
                    "spec.template.spec.containers[name=checkout].env",
                    json!([{"name": "POOL", "value": "20"}, {"name": "REGION", "value": "eu"}]),
                    json!([{"name": "POOL", "value": "40"}, {"name": "REGION", "value": "eu"}]),
                    DiffClass::NotYetSynced,
                    Impact::RestartsPods,
                ),
                drift,
                noise,
            ],
            origin: Some(Origin { path: "overlays/production/checkout.yaml".into(), line: Some(18) }),
            live_yaml: None,
            predicted_yaml: None,
        },
        ResourceDiff {
            key: key("policy", "PodDisruptionBudget", "checkout"),
            kind: ResourceDiffKind::Missing,
            changes: Vec::new(),
            origin: Some(Origin { path: "overlays/production/pdb.yaml".into(), line: Some(1) }),
            live_yaml: None,
            predicted_yaml: Some("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: checkout\n  namespace: shop\nspec:\n  minAvailable: 2\n".into()),
        },
        ResourceDiff {
            key: key("example.com", "Database", "checkout"),
            kind: ResourceDiffKind::Unsure("the cluster publishes no schema for example.com/v1 Database, and a dry run is not made while only observed".into()),
            changes: Vec::new(),
            origin: None,
            live_yaml: None,
            predicted_yaml: None,
        },
    ]
}

fn step(index: u32, key: ResourceKey, action: Action, impact: Option<Impact>, why: &str) -> Step {
    Step {
        index,
        key,
        api_version: "v1".into(),
        action,
        phase: PlanPhase::Sync,
        wave: 0,
        hook: None,
        uid: None,
        method: Default::default(),
        prune_last: false,
        desired_hash: "00".into(),
        changes: Vec::new(),
        impact,
        why: why.into(),
    }
}

/// What a sync would do.
pub fn plan(target: TargetId) -> Plan {
    let mut first = step(
        0,
        key("apps", "Deployment", "checkout"),
        Action::Configure,
        Some(Impact::RestartsPods),
        "3 pods restart, one at a time",
    );
    first.changes = diffs()[0].changes[..3].to_vec();
    Plan {
        target,
        revision: sha("3fa91c2"),
        steps: vec![
            first,
            step(
                1,
                key("policy", "PodDisruptionBudget", "checkout"),
                Action::Create,
                Some(Impact::Configures),
                "declared, not in the cluster",
            ),
            step(
                2,
                key("", "Service", "checkout"),
                Action::Unchanged,
                None,
                "",
            ),
            step(
                3,
                key("", "ConfigMap", "checkout-flags"),
                Action::Unchanged,
                None,
                "",
            ),
            step(
                4,
                key("example.com", "Database", "checkout"),
                Action::Skip("cannot be compared".into()),
                None,
                "",
            ),
        ],
        gate: Vec::new(),
        digest: "ab".repeat(32),
        report: Vec::new(),
    }
}

/// What removing the reports would delete.
pub fn removal_plan() -> Plan {
    let claim = key("", "PersistentVolumeClaim", "reports-old");
    Plan {
        target: TargetId(uuid::Uuid::from_u128(1)),
        revision: sha("3fa91c2"),
        steps: vec![step(
            0,
            claim.clone(),
            Action::Prune,
            Some(Impact::Deletes),
            "its application left Git",
        )],
        gate: vec![lockstep_types::plan::GateFinding {
            rule: "G10".into(),
            message: "the application left Git, and the object that it deployed would be deleted"
                .into(),
            objects: vec![claim],
        }],
        digest: "cd".repeat(32),
        report: Vec::new(),
    }
}

/// The drawer's object.
pub fn resource(actor: &Actor, key: &ResourceKey) -> Option<ResourceView> {
    let node = nodes(true).into_iter().find(|node| node.key == *key)?;
    let event = |kind: &str, reason: &str, message: &str, count, minutes| ObjectEvent {
        object: key.clone(),
        kind: kind.into(),
        reason: reason.into(),
        message: message.into(),
        count,
        last_seen: if minutes == 0 {
            NOW.plus_seconds(-40)
        } else {
            ago(minutes)
        },
    };
    let declared = node.declared;
    Some(ResourceView {
        live_yaml: Some(format!("apiVersion: apps/v1\nkind: {}\nmetadata:\n  name: {}\n  namespace: shop\nspec:\n  replicas: 5\n  template:\n    spec:\n      containers:\n        - name: checkout\n          image: registry.example.com/checkout:2.9.0\n", node.key.kind, node.key.name)),
        desired_yaml: declared.then(|| "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: checkout\n  namespace: shop\nspec:\n  replicas: 3\n".into()),
        origin: declared.then(|| Origin { path: "overlays/production/checkout.yaml".into(), line: Some(18) }),
        problems: declared
            .then(|| "argocd.argoproj.io/sync-options: \"Prun=false\" is not known and does not count".into())
            .into_iter()
            .collect(),
        diff: (node.key.kind == "Deployment").then(|| diffs().remove(0)),
        events: vec![
            event("Warning", "Failed", "Failed to pull image \"registry.example.com/checkout:2.9.1\": not found", 6, 0),
            event("Normal", "ScalingReplicaSet", "Scaled up replica set checkout-6bf9c7d8f4 to 3", 1, 6),
        ],
        actions: ActionKind::ALL
            .into_iter()
            .filter(|kind| kind.fits(&node.key))
            .map(|kind| ActionOffer {
                kind,
                consequence: "All 3 Pods are replaced by new ones, as its update strategy says.".into(),
                undone: if kind == ActionKind::Scale { "Git declares 3: self-heal puts that back within seconds.".into() } else { String::new() },
                replicas: (kind == ActionKind::Scale).then_some(3),
                refused: String::new(),
                // An operator of this fleet restarts and no more.
                permitted: actor.may(Permission::Action) && (kind == ActionKind::Restart || actor.role == Role::Admin),
            })
            .collect(),
        acted: vec![Acted {
            operation: OperationId(uuid::Uuid::from_u128(92)),
            kind: ActionKind::Restart,
            by: "maria".into(),
            reason: String::new(),
            at: ago(12),
            ended_at: Some(ago(12)),
            outcome: "a new rollout has begun".into(),
        }],
        node,
    })
}

/// One host that pushes, one that pushes what nobody follows, one with the wrong secret.
pub fn webhooks(empty: bool) -> WebhooksView {
    let delivered = |minutes, branch: &str, outcome| Delivery {
        at: ago(minutes),
        repository: "https://git.example.com/shop/checkout.git".into(),
        references: vec![format!("refs/heads/{branch}")],
        outcome,
    };
    let endpoints = WebhookProvider::ALL.into_iter().map(|provider| {
        let last = match provider {
            WebhookProvider::Github => Some(delivered(3, "main", DeliveryOutcome::Fetching)),
            WebhookProvider::Gitea => Some(delivered(
                90,
                "try-it",
                DeliveryOutcome::UnfollowedReference,
            )),
            _ => None,
        };
        WebhookEndpoint {
            provider,
            url: format!(
                "https://lockstep.example.com/api/webhooks/{}",
                provider.word()
            ),
            last: last.filter(|_| !empty),
            refused: (provider == WebhookProvider::Gitlab && !empty).then(|| ago(12)),
        }
    });
    WebhooksView {
        secret_made: (!empty).then(|| ago(60 * 24 * 9)),
        endpoints: endpoints.collect(),
    }
}
