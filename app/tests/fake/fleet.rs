//! The rows of the made-up fleet.

use super::NOW;
use super::applications as apps;
use lockstep_types::Micros;
use lockstep_types::activity::{CommitRender, CommitView, RenderOutcome};
use lockstep_types::application::{ApplicationRef, Hold, Pin, TargetRef, TargetSummary};
use lockstep_types::cluster::Connection;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::{
    Column, CommitOnTarget, CommitRollout, FleetView, NeedsYou, RolloutState, Row, Section,
    SinceLastVisit, Verdict,
};
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::{ApplicationId, ApprovalId, HoldId, PinId, RunId, TargetId};
use lockstep_types::plan::{GateFinding, PlanCounts};
use lockstep_types::pull::{CommitPull, PullReview, ReviewVerdict};
use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{
    CommitInfo, CommitSignature, PathChange, PathChangeKind, Revision, Signature, SignatureRule,
};
use lockstep_types::source::Mode;
use lockstep_types::sync::{ApprovalView, SyncPhase};
use uuid::Uuid;

pub const CLUSTERS: [&str; 3] = ["staging-eu", "prod-eu", "prod-us"];

/// `minutes` ago.
pub fn ago(minutes: i64) -> Micros {
    NOW.plus_seconds(-60 * minutes)
}

fn number(text: &str) -> u128 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u128, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

pub fn sha(short: &str) -> Revision {
    Revision(
        format!("{short}{:0<33}", "8d41c7a9b3e2f60514")
            .chars()
            .take(40)
            .collect(),
    )
}

pub fn commit(short: &str, subject: &str, author: &str, minutes: i64) -> CommitInfo {
    CommitInfo {
        revision: sha(short),
        parents: vec![sha("9be0417")],
        subject: subject.into(),
        body: String::new(),
        author: author.into(),
        author_email: format!("{}@example.com", author.to_lowercase()),
        authored_at: ago(minutes),
        committer: author.into(),
        committed_at: ago(minutes),
    }
}

pub fn application(name: &str, project: &str) -> ApplicationRef {
    ApplicationRef {
        id: ApplicationId(Uuid::from_u128(number(name))),
        name: name.into(),
        project: project.into(),
    }
}

pub fn target_ref(name: &str, project: &str, cluster: &str) -> TargetRef {
    TargetRef {
        id: TargetId(Uuid::from_u128(number(&format!("{name}@{cluster}")))),
        application: application(name, project),
        cluster: cluster.into(),
    }
}

pub fn well(name: &str, project: &str, cluster: &str) -> TargetSummary {
    TargetSummary {
        target: target_ref(name, project, cluster),
        mode: Mode::Managed,
        sync: SyncStatus::Synced,
        health: Health::healthy(),
        reason: None,
        drifted: 0,
        out_of_sync: 0,
        objects: 28,
        revision: Some(sha("3fa91c2")),
        deployed: Some(sha("3fa91c2")),
        images: vec![format!("{name}:2.9.0")],
        last_compared: Some(NOW.plus_seconds(-12)),
        running: None,
        phase: None,
        hold: None,
        pin: None,
    }
}

fn reason(
    code: ReasonCode,
    cause: &str,
    minutes: i64,
    next: &str,
    stalled: bool,
) -> Option<Reason> {
    Some(Reason {
        code,
        object: None,
        cause: cause.into(),
        since: ago(minutes),
        next: next.into(),
        stalled,
    })
}

/// The state of `name` on `cluster`.
pub fn target(name: &str, project: &str, cluster: &str) -> TargetSummary {
    let mut target = well(name, project, cluster);
    match (name, cluster) {
        ("checkout", "prod-eu") => {
            target.health = Health::new(HealthStatus::Degraded, "1 of 3 ready");
            target.images = vec!["checkout:2.9.1".into()];
            target.sync = SyncStatus::OutOfSync;
            target.out_of_sync = 2;
            target.drifted = 0;
            target.reason = Some(Reason {
                code: ReasonCode::Degraded,
                object: Some(ResourceKey::new("apps", "Deployment", "shop", "checkout")),
                cause: "2 of 3 pods cannot pull registry.example.com/checkout:2.9.1 (not found)".into(),
                since: ago(4),
                next: "It began with commit 3fa91c2 (Ana), which set this tag; the old pod still serves. The sync ends as failed in 6 min if nothing changes".into(),
                stalled: true,
            });
        }
        ("checkout", "prod-us") => {
            target.sync = SyncStatus::OutOfSync;
            target.out_of_sync = 1;
            target.health = Health::new(HealthStatus::Progressing, "2 of 3 updated");
            target.running = Some(RunId(Uuid::from_u128(1842)));
            target.phase = Some(SyncPhase::Applying);
            target.deployed = Some(sha("9be0417"));
            target.reason = reason(
                ReasonCode::Syncing,
                "wave 2 of 3 is being applied",
                1,
                "",
                false,
            );
        }
        ("cart", "prod-eu") => {
            target.sync = SyncStatus::OutOfSync;
            target.drifted = 1;
            target.out_of_sync = 1;
            target.reason = reason(
                ReasonCode::Drifted,
                "replicas 3 → 5 by kubectl-scale",
                26,
                "Self-heal is off: sync to undo it, or accept it into Git",
                false,
            );
        }
        ("ingress", "prod-eu") => {
            target.pin = Some(Pin {
                id: PinId(Uuid::from_u128(3)),
                revision: sha("71c0d2e"),
                owner: "jon".into(),
                reason: "1.11 drops the legacy annotation".into(),
                from: ago(180),
                until: NOW.plus_seconds(3 * 3_600),
                behind: 3,
                ended_waiting: false,
            });
            target.deployed = Some(sha("71c0d2e"));
            target.reason = reason(
                ReasonCode::Pinned,
                "pinned at 71c0d2e by jon until 18:00",
                180,
                "",
                false,
            );
        }
        ("payments", "prod-eu") => {
            target.hold = Some(Hold {
                kind: Default::default(),
                id: HoldId(Uuid::from_u128(4)),
                owner: "jon".into(),
                reason: "load test".into(),
                from: ago(200),
                until: NOW.plus_seconds(2_400),
                ended_waiting: false,
            });
            target.sync = SyncStatus::OutOfSync;
            target.out_of_sync = 2;
            target.reason = reason(
                ReasonCode::Held,
                "2 commits wait behind a hold by jon",
                200,
                "",
                false,
            );
        }
        ("namespaces", "prod-us") => {
            target.sync = SyncStatus::OutOfSync;
            target.out_of_sync = 15;
            target.phase = Some(SyncPhase::AwaitingApproval);
            target.running = Some(RunId(Uuid::from_u128(1840)));
            target.reason = reason(
                ReasonCode::AwaitingApproval,
                "15 objects would be deleted, a namespace with data among them",
                70,
                "Look at the plan and say yes or no",
                true,
            );
        }
        ("search", "staging-eu") => target.mode = Mode::Observe,
        _ => {}
    }
    target
}

fn row(name: &str, project: &str, origin: &str, commit: CommitInfo, on: &[&str]) -> Row {
    Row {
        group: name.into(),
        project: project.into(),
        application: application(name, project),
        origin: origin.into(),
        cells: CLUSTERS
            .iter()
            .map(|cluster| {
                if on.contains(cluster) {
                    vec![target(name, project, cluster)]
                } else {
                    Vec::new()
                }
            })
            .collect(),
        commit: Some(commit),
    }
}

pub fn pool() -> CommitInfo {
    commit("3fa91c2", "Raise connection pool to 40", "Ana", 6)
}

pub fn bump() -> CommitInfo {
    commit("9be0417", "Bump cart and payments", "Jon", 1_500)
}

pub fn sections(show_all: bool) -> Vec<Section> {
    let shop = "shop.git · overlays/production";
    let all = &CLUSTERS[..];
    let ingress = commit("c0ffee1", "Upgrade ingress to 1.11", "Lena", 2_900);
    let mut sections = vec![
        Section {
            title: "Needs attention".into(),
            rows: vec![
                row("checkout", "shop", shop, pool(), all),
                row(
                    "namespaces",
                    "platform",
                    "platform.git · namespaces",
                    commit("1e77a90", "Drop legacy-api", "Ana", 75),
                    all,
                ),
                row("cart", "shop", shop, bump(), all),
                row(
                    "ingress",
                    "platform",
                    "platform.git · charts/ingress",
                    ingress.clone(),
                    all,
                ),
                row("payments", "shop", shop, bump(), &["prod-eu", "prod-us"]),
            ],
        },
        Section {
            title: "shop".into(),
            rows: vec![
                row(
                    "catalog",
                    "shop",
                    shop,
                    commit("5d21b0a", "Cache product images for a day", "Ana", 4_400),
                    all,
                ),
                row("frontend", "shop", shop, pool(), all),
            ],
        },
        Section {
            title: "platform".into(),
            rows: vec![row(
                "cert-manager",
                "platform",
                "platform.git · charts/cert-manager",
                ingress,
                all,
            )],
        },
    ];
    if show_all {
        sections[1]
            .rows
            .push(row("search", "shop", shop, bump(), &["staging-eu"]));
    }
    sections
}

pub fn approval() -> ApprovalView {
    ApprovalView {
        id: ApprovalId(Uuid::from_u128(11)),
        target: target_ref("namespaces", "platform", "prod-us"),
        run: RunId(Uuid::from_u128(1840)),
        revision: sha("1e77a90"),
        digest: "c2f1a0d9".repeat(8),
        gate: vec![GateFinding {
            rule: "G4".into(),
            message: "Namespace legacy-api would be deleted with 14 objects in it, a volume of 20 Gi among them".into(),
            objects: vec![
                ResourceKey::new("", "Namespace", "", "legacy-api"),
                ResourceKey::new("", "PersistentVolumeClaim", "legacy-api", "reports"),
                ResourceKey::new("apps", "Deployment", "legacy-api", "api"),
            ],
        }],
        asked_at: ago(70),
        counts: PlanCounts { create: 0, configure: 1, unchanged: 31, prune: 15, skip: 0, hooks: 0 },
    }
}

pub fn view(filter: &str, show_all: bool) -> FleetView {
    FleetView {
        verdict: Verdict {
            targets: 44,
            synced: 39,
            out_of_sync: 5,
            drifting: 1,
            healthy: 42,
            progressing: 1,
            degraded: 1,
            observed: 1,
            oldest_comparison: Some(NOW.plus_seconds(-50)),
            ..Verdict::default()
        },
        columns: CLUSTERS
            .iter()
            .map(|cluster| Column { cluster: (*cluster).into(), connection: Connection::Connected, last_compared: Some(NOW.plus_seconds(-12)) })
            .collect(),
        sections: if filter.contains("nothing") { Vec::new() } else { sections(show_all) },
        folded: if show_all || filter.contains("nothing") { 0 } else { 9 },
        needs_you: vec![
            NeedsYou::Approval(approval()),
            NeedsYou::Ending {
                target: target_ref("payments", "shop", "prod-eu"),
                what: "hold".into(),
                owner: "jon".into(),
                reason: "load test".into(),
                at: NOW.plus_seconds(2_400),
            },
        ],
        since_last_visit: Some(SinceLastVisit { since: ago(14 * 60), commits: 6, syncs: 11, failures: 1, new_drift: 1, heals: 2, rollbacks: 1, more: false }),
        filter_error: filter.find("health:sick").map(|at| (u32::try_from(at).unwrap_or(0), "“sick” is no health; use healthy, degraded, progressing, missing, suspended or unknown".into())),
        commit: filter.contains("commit:").then(|| CommitRollout {
            commit: pool(),
            repo_url: "https://git.example.com/team/shop.git".into(),
            targets: rollout(),
            signature: signature(),
        }),
        past: None,
        head: 4_711,
        now: NOW,
    }
}

pub fn signature() -> CommitSignature {
    CommitSignature {
        signed: true,
        rules: vec![SignatureRule {
            asked_by: "GitRepository flux-system/shop (apps/shop.yaml:3)".into(),
            of: "The commit 3fa91c2".into(),
            verdict: Signature::Good {
                key: "SHA256:9f2c".into(),
                signer: "maria@example.com".into(),
            },
        }],
    }
}

pub fn rollout() -> Vec<CommitOnTarget> {
    let on = |cluster: &str, state, why: &str, minutes: Option<i64>| CommitOnTarget {
        target: target_ref("checkout", "shop", cluster),
        state,
        why: why.into(),
        at: minutes.map(ago),
    };
    vec![
        on("staging-eu", RolloutState::Live, "", Some(5)),
        on(
            "prod-us",
            RolloutState::Waiting,
            "wave 2 of 3 is being applied",
            None,
        ),
        on(
            "prod-eu",
            RolloutState::Failed,
            "image checkout:2.9.1 cannot be pulled",
            Some(4),
        ),
    ]
}

/// Nothing registered yet.
pub fn empty() -> FleetView {
    FleetView {
        verdict: Verdict::default(),
        columns: Vec::new(),
        sections: Vec::new(),
        folded: 0,
        needs_you: Vec::new(),
        since_last_visit: None,
        filter_error: None,
        commit: None,
        past: None,
        head: 0,
        now: NOW,
    }
}

/// Targets with a hold.
pub fn held() -> Vec<TargetSummary> {
    [target("payments", "shop", "prod-eu")]
        .into_iter()
        .filter(|target| target.hold.is_some())
        .collect()
}

/// A pull request that one approved and one did not look at.
pub fn pull() -> CommitPull {
    let review = |person: &str, verdict, at| PullReview {
        person: person.into(),
        verdict,
        at,
    };
    CommitPull {
        number: 7,
        title: "Give the pool more room".into(),
        address: "https://git.example.com/team/shop/pulls/7".into(),
        author: "jon".into(),
        reviews: vec![
            review("ana", ReviewVerdict::Approved, Some(ago(90))),
            review("kim", ReviewVerdict::Asked, None),
        ],
    }
}

/// The commit that is on its way.
pub fn passport(repo: &str) -> CommitView {
    let preview = apps::preview(target_ref("checkout", "shop", "prod-eu"), &bump().revision);
    CommitView {
        repo: repo.into(),
        repo_url: "https://git.example.com/team/shop.git".into(),
        commit: pool(),
        files: vec![PathChange {
            path: "overlays/production/checkout.yaml".into(),
            kind: PathChangeKind::Modified,
        }],
        patch: preview.map(|preview| preview.patch).unwrap_or_default(),
        targets: rollout(),
        renders: vec![CommitRender {
            target: target_ref("checkout", "shop", "prod-eu"),
            outcome: RenderOutcome::Rendered,
            millis: 412,
            why: String::new(),
            at: Some(pool().committed_at),
        }],
        untouched: vec![
            target_ref("cart", "shop", "prod-eu"),
            target_ref("cart", "shop", "prod-us"),
        ],
        lead_time_seconds: None,
        runs: apps::runs(&target_ref("checkout", "shop", "prod-eu"))
            .into_iter()
            .take(1)
            .collect(),
        signature: signature(),
        pull: Some(pull()),
    }
}
