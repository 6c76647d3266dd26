//! The pages of applications, runs, clusters and sources of the made-up fleet.

use super::NOW;
use super::fleet::{self, CLUSTERS, ago, bump, commit, pool, sha, target, target_ref};
use super::objects;
use super::rollouts::rollout;
use lockstep_types::application::{
    ApplicationView, DefinitionView, Dialect, HistoryEntry, HistoryView, MoreSourceView,
    SourceSpec, SyncPolicy, TargetRef,
};
use lockstep_types::cluster::{ClusterView, Connection, Leftover};
use lockstep_types::id::{ApplicationId, ClusterId, OperationId, RunId, SourceId, TargetId};
use lockstep_types::plan::{Action, PlanCounts, PlanPhase};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{
    CommitInfo, PathChange, PathChangeKind, Revision, SourceRevision, TargetRevision,
};
use lockstep_types::rollback::{
    Judgement, RevisionMark, RollbackCandidate, RollbackPreview, TargetPlan,
};
use lockstep_types::set::{SetMemberView, SetRef, SetView};
use lockstep_types::source::{Mode, Problem, SourceView};
use lockstep_types::sync::{RunSummary, RunView, StartedBy, StepOutcome, StepStatus, SyncPhase};
use lockstep_types::window::WindowView;
use std::collections::BTreeMap;
use uuid::Uuid;

const NAMES: [(&str, &str); 9] = [
    ("checkout", "shop"),
    ("cart", "shop"),
    ("payments", "shop"),
    ("catalog", "shop"),
    ("frontend", "shop"),
    ("search", "shop"),
    ("ingress", "platform"),
    ("namespaces", "platform"),
    ("cert-manager", "platform"),
];

pub fn by_id(id: ApplicationId) -> Option<(&'static str, &'static str)> {
    NAMES
        .into_iter()
        .find(|(name, project)| fleet::application(name, project).id == id)
}

pub fn by_target(id: TargetId) -> Option<TargetRef> {
    NAMES
        .into_iter()
        .flat_map(|(name, project)| CLUSTERS.map(|cluster| target_ref(name, project, cluster)))
        .find(|target| target.id == id)
}

pub fn application(name: &str, project: &str) -> ApplicationView {
    ApplicationView {
        application: fleet::application(name, project),
        group: name.into(),
        dialect: Dialect::ArgoApplication,
        source: SourceId(Uuid::from_u128(1)),
        source_name: "shop".into(),
        spec: SourceSpec {
            repo_url: "https://git.example.com/team/shop.git".into(),
            path: "overlays/production".into(),
            target_revision: TargetRevision("main".into()),
            renderer: "kustomize".into(),
        },
        more_sources: if name == "checkout" {
            vec![values()]
        } else {
            Vec::new()
        },
        destination_namespace: "shop".into(),
        policy: SyncPolicy {
            automated: true,
            prune: true,
            self_heal: name != "cart",
            ..SyncPolicy::default()
        },
        orphans: Some(lockstep_types::orphan::OrphanWatch {
            warn: true,
            found: Some(3),
        }),
        window: (name == "checkout").then(|| WindowView {
            project: project.into(),
            open: false,
            people: true,
            closed_by: "allow 0 22 * * 1-5 for 1h Europe/Berlin".into(),
            changes: "2026-03-04T21:00:00Z"
                .parse::<jiff::Timestamp>()
                .ok()
                .map(Into::into),
            windows: vec!["allow 0 22 * * 1-5 for 1h Europe/Berlin".into()],
            keeps_out: Vec::new(),
        }),
        labels: BTreeMap::from([("team".into(), "payments".into())]),
        set: None,
        rollout: (name == "checkout").then(|| rollout(set_ref().set)),
        links: vec![(
            "Runbook".into(),
            "https://runbooks.example.com/checkout".into(),
        )],
        commit: Some(pool()),
        targets: CLUSTERS
            .iter()
            .map(|cluster| target(name, project, cluster))
            .collect(),
        last_healthy: Some(bump()),
        head: 4_711,
    }
}

/// A further source that lends its value files.
fn values() -> MoreSourceView {
    MoreSourceView {
        spec: SourceSpec {
            repo_url: "https://git.example.com/team/values.git".into(),
            path: String::new(),
            target_revision: TargetRevision("stable".into()),
            renderer: String::new(),
        },
        reference: "values".into(),
        only_lends: true,
        revision: Some(sha("c0ffee1")),
    }
}

pub fn run(
    number: u128,
    target: TargetRef,
    info: CommitInfo,
    by: StartedBy,
    phase: SyncPhase,
    minutes: i64,
    seconds: i64,
) -> RunSummary {
    RunSummary {
        id: RunId(Uuid::from_u128(number)),
        operation: OperationId(Uuid::from_u128(number)),
        target,
        revision: info.revision.clone(),
        commit: Some(info),
        started_by: by,
        phase,
        message: if phase == SyncPhase::Failed {
            "Deployment checkout: 2 of 3 pods cannot pull the image".into()
        } else {
            String::new()
        },
        started_at: ago(minutes),
        ended_at: phase.is_final().then(|| ago(minutes).plus_seconds(seconds)),
        counts: PlanCounts {
            create: 0,
            configure: 1,
            unchanged: 27,
            prune: 0,
            skip: 0,
            hooks: 0,
        },
        once: lockstep_types::sync_once::SyncOnce::default(),
    }
}

pub fn runs(target: &TargetRef) -> Vec<RunSummary> {
    vec![
        run(
            1841,
            target.clone(),
            pool(),
            StartedBy::AutoSync,
            SyncPhase::Failed,
            6,
            121,
        ),
        run(
            1790,
            target.clone(),
            bump(),
            StartedBy::Rollback("maria".into()),
            SyncPhase::Succeeded,
            1_480,
            38,
        ),
        run(
            1788,
            target.clone(),
            commit("77ab310", "Try the new cart", "Jon", 1_520),
            StartedBy::AutoSync,
            SyncPhase::Terminated,
            1_515,
            12,
        ),
        run(
            1701,
            target.clone(),
            commit("2c4e9aa", "Tune garbage collection", "Lena", 4_300),
            StartedBy::SelfHeal,
            SyncPhase::Succeeded,
            4_200,
            4,
        ),
        run(
            1650,
            target.clone(),
            commit("2c4e9aa", "Tune garbage collection", "Lena", 4_300),
            StartedBy::Person("maria".into()),
            SyncPhase::Succeeded,
            4_290,
            51,
        ),
    ]
}

pub fn history(target: TargetRef) -> HistoryView {
    let mut entries: Vec<HistoryEntry> = runs(&target).into_iter().map(HistoryEntry::Run).collect();
    entries.insert(
        3,
        HistoryEntry::Commit(commit(
            "b0d1e57",
            "Correct a comment in the overlay",
            "Ana",
            2_100,
        )),
    );
    HistoryView {
        target,
        entries,
        marks: vec![RevisionMark {
            revision: bump().revision,
            judgement: Judgement::Good,
            by: "maria".into(),
            reason: "orders went through".into(),
            at: ago(60),
        }],
        beside: vec![(
            RunId(Uuid::from_u128(1841)),
            vec![SourceRevision {
                repo_url: "https://git.example.com/team/values.git".into(),
                path: String::new(),
                target_revision: TargetRevision("stable".into()),
                revision: sha("c0ffee1"),
            }],
        )],
        next: Some(ago(5_000)),
    }
}

fn set_ref() -> SetRef {
    SetRef {
        set: "ApplicationSet argocd/shops".into(),
        row: "shops/checkout".into(),
        parameters: BTreeMap::from([
            ("name".into(), "prod-eu".into()),
            ("path.basename".into(), "checkout".into()),
        ]),
    }
}

pub fn set() -> SetView {
    SetView {
        source: SourceId(Uuid::from_u128(1)),
        source_name: "shop".into(),
        set: set_ref().set,
        parent: None,
        path: "sets/shops.yaml".into(),
        line: 3,
        at: ago(2),
        members: vec![SetMemberView {
            application: fleet::application("checkout", "shop"),
            set: set_ref(),
            repo_url: "https://git.example.com/team/shop.git".into(),
            path: "overlays/production".into(),
            target_revision: TargetRevision("main".into()),
        }],
        rollout: Some(rollout(set_ref().set)),
        not_generated: vec![(
            "spec.generators[1].pullRequest".into(),
            "it asks a Git host for its open pull requests".into(),
        )],
        waiting_for: vec!["https://git.example.com/team/addons.git".into()],
        problems: vec![(
            "spec.template.spec.source.path leaves the repository".into(),
            "Correct the definition in Git.".into(),
        )],
        ignored_fields: vec![("spec.preservedFields".into(), "it is kept".into())],
    }
}

pub fn definition() -> DefinitionView {
    DefinitionView {
        repo_url: "https://git.example.com/team/shop.git".into(),
        path: "apps/checkout.yaml".into(),
        line: 1,
        revision: sha("3fa91c2"),
        commit: Some(pool()),
        set: Some(set_ref()),
        yaml: "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: checkout\n  namespace: argocd\nspec:\n  project: shop\n  source:\n    repoURL: https://git.example.com/team/shop.git\n    path: overlays/production\n    targetRevision: main\n  destination:\n    name: prod-eu\n    namespace: shop\n  syncPolicy:\n    automated:\n      prune: true\n      selfHeal: true\n".into(),
        ignored_fields: vec![("spec.revisionHistoryLimit".into(), "history is kept without end".into())],
    }
}

pub fn run_view(id: RunId) -> Option<RunView> {
    let target = target_ref("checkout", "shop", "prod-us");
    let applying = id.0.as_u128() == 1842;
    let summary = if applying {
        run(
            1842,
            target.clone(),
            pool(),
            StartedBy::AutoSync,
            SyncPhase::Applying,
            1,
            0,
        )
    } else {
        runs(&target).into_iter().find(|run| run.id == id)?
    };
    let names = [
        ("", "ConfigMap", "checkout-flags", Action::Configure, 0),
        ("apps", "Deployment", "checkout", Action::Configure, 1),
        ("", "Service", "checkout", Action::Unchanged, 1),
        (
            "policy",
            "PodDisruptionBudget",
            "checkout",
            Action::Create,
            2,
        ),
        ("batch", "Job", "checkout-smoke", Action::Hook, 0),
    ];
    let steps = names
        .into_iter()
        .zip(0_u32..)
        .map(|((group, kind, name, action, wave), index)| {
            let status = match (applying, index) {
                (false, 1) if summary.phase == SyncPhase::Failed => StepStatus::Failed,
                (false, 3 | 4) if summary.phase == SyncPhase::Failed => StepStatus::Skipped,
                (false, _) => StepStatus::Done,
                (true, 0) => StepStatus::Done,
                (true, 1) => StepStatus::Running,
                (true, _) => StepStatus::Waiting,
            };
            let begun = summary.started_at.plus_seconds(i64::from(index) * 9);
            StepOutcome {
                index,
                key: objects::key(group, kind, name),
                phase: if action == Action::Hook {
                    PlanPhase::PostSync
                } else {
                    PlanPhase::Sync
                },
                action,
                status,
                message: match status {
                    StepStatus::Running => "waits for the rollout: 2 of 3 updated".into(),
                    StepStatus::Failed => {
                        "2 of 3 pods cannot pull registry.example.com/checkout:2.9.1 (not found)"
                            .into()
                    }
                    _ => String::new(),
                },
                started_at: (status != StepStatus::Waiting && status != StepStatus::Skipped)
                    .then_some(begun),
                ended_at: matches!(status, StepStatus::Done | StepStatus::Failed)
                    .then(|| begun.plus_seconds(if index == 1 { 100 } else { 2 })),
                wave,
                uid: None,
            }
        })
        .collect();
    Some(RunView {
        may_terminate: applying,
        may_retry: !applying,
        waiting_for: if applying {
            "wave 1: Deployment checkout, 2 of 3 updated".into()
        } else {
            String::new()
        },
        plan: Some(objects::plan(target.id)),
        steps,
        bodies_gone_at: None,
        summary,
    })
}

pub fn candidates() -> Vec<RollbackCandidate> {
    let candidate =
        |commit: CommitInfo, ran: Option<i64>, healthy, last_healthy| RollbackCandidate {
            commit,
            ran_at: ran.map(ago),
            healthy,
            last_healthy,
            mark: None,
        };
    vec![
        candidate(bump(), Some(1_480), true, true),
        candidate(
            commit("b0d1e57", "Correct a comment in the overlay", "Ana", 2_100),
            None,
            false,
            false,
        ),
        candidate(
            commit("2c4e9aa", "Tune garbage collection", "Lena", 4_300),
            Some(4_290),
            true,
            false,
        ),
    ]
}

pub fn preview(target: TargetRef, to: &Revision) -> Option<RollbackPreview> {
    let to = candidates()
        .into_iter()
        .find(|candidate| candidate.commit.revision == *to)?
        .commit;
    let plan = |cluster: &str| {
        let target = target_ref(
            &target.application.name,
            &target.application.project,
            cluster,
        );
        TargetPlan {
            plan: Some(objects::plan(target.id)),
            target,
            error: String::new(),
            automated: true,
        }
    };
    let mut targets = vec![plan("prod-eu"), plan("prod-us")];
    targets[1].plan = None;
    targets[1].error = "prod-us is being synced; the plan is made when that ends".into();
    Some(RollbackPreview {
        head: sha("3fa91c2"),
        first_line: "This commit changes 2 targets of 1 application on 2 clusters: prod-eu and prod-us. To take back only checkout on prod-eu, pin it.".into(),
        branch: "main".into(),
        files: vec![PathChange { path: "overlays/production/checkout.yaml".into(), kind: PathChangeKind::Modified }],
        patch: "diff --git a/overlays/production/checkout.yaml b/overlays/production/checkout.yaml\n--- a/overlays/production/checkout.yaml\n+++ b/overlays/production/checkout.yaml\n@@ -15,9 +15,9 @@ spec:\n       containers:\n         - name: checkout\n-          image: registry.example.com/checkout:2.9.1\n+          image: registry.example.com/checkout:2.9.0\n           env:\n             - name: POOL\n-              value: \"40\"\n+              value: \"20\"\n".into(),
        message: format!("Roll back overlays/production to {}\n\nUndoes 3fa91c2 (Raise connection pool to 40).", to.revision.short()),
        targets,
        undone: vec![pool()],
        cannot_undo: vec!["Hook Job migrate-41 ran at 14:26; what it changed in the database stays".into()],
        commit_refused: String::new(),
        undo: false,
        conflicts: Vec::new(),
        obstacles: Vec::new(),
        second_person: Vec::new(),
        signed_with: "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8".into(),
        signature_refused: String::new(),
        digest: "5e".repeat(32),
        target,
        to,
    })
}

/// Taking back the newest commit goes; an older one meets what came later.
pub fn preview_undo(target: TargetRef, commit: &Revision) -> Option<RollbackPreview> {
    let clash = *commit != pool().revision;
    let preview = preview(target, &bump().revision)?;
    Some(RollbackPreview {
        to: if clash { bump() } else { pool() },
        undo: true,
        conflicts: if clash {
            vec!["overlays/production/checkout.yaml: the same lines were changed since".into()]
        } else {
            Vec::new()
        },
        commit_refused: if clash {
            "it cannot be taken back by itself".into()
        } else {
            String::new()
        },
        ..preview
    })
}

pub fn clusters() -> Vec<ClusterView> {
    CLUSTERS
        .iter()
        .zip(1_u128..)
        .map(|(name, number)| ClusterView {
            id: ClusterId(Uuid::from_u128(number)),
            name: (*name).into(),
            labels: BTreeMap::from([
                (
                    "env".into(),
                    name.split('-').next().unwrap_or_default().into(),
                ),
                (
                    "region".into(),
                    name.split('-').nth(1).unwrap_or_default().into(),
                ),
            ]),
            server: format!("https://{name}.k8s.example.com:6443"),
            connection: if *name == "staging-eu" {
                Connection::Unreachable {
                    error: "connection refused".into(),
                    since: ago(3),
                    next_try: Some(NOW.plus_seconds(80)),
                }
            } else {
                Connection::Connected
            },
            version: "v1.34.1".into(),
            latency_millis: Some(14 + u32::try_from(number).unwrap_or_default() * 7),
            watches: 23,
            objects_cached: 1_284,
            bytes_cached: 3_410_000,
            last_compared: Some(if *name == "staging-eu" {
                ago(3)
            } else {
                NOW.plus_seconds(-12)
            }),
            queue: 0,
            from_file: *name != "prod-us",
            targets: ["checkout", "cart", "payments", "catalog", "frontend"]
                .map(|app| target(app, "shop", name))
                .into(),
            leftovers: if *name == "prod-us" {
                vec![Leftover {
                    key: ResourceKey::new("", "PersistentVolumeClaim", "shop", "reports-old"),
                    application: "reports".into(),
                    since: ago(8_000),
                    why: "its application left Git; volumes are never deleted without a yes".into(),
                }]
            } else {
                Vec::new()
            },
        })
        .collect()
}

pub fn sources() -> Vec<SourceView> {
    let source = |number: u128, name: &str, mode, applications, problems| SourceView {
        id: SourceId(Uuid::from_u128(number)),
        name: name.into(),
        repo_url: format!("https://git.example.com/team/{name}.git"),
        path: "apps".into(),
        target_revision: TargetRevision("main".into()),
        home_cluster: "prod-eu".into(),
        mode,
        revision: Some(sha("3fa91c2")),
        last_read: Some(NOW.plus_seconds(-25)),
        error: String::new(),
        has_credentials: true,
        from_file: number == 1,
        applications,
        problems,
    };
    vec![
        source(1, "shop", Mode::Managed, 6, 0),
        source(2, "platform", Mode::Managed, 3, 1),
        source(3, "research", Mode::Observe, 4, 0),
    ]
}

pub fn problems() -> Vec<Problem> {
    vec![Problem {
        source: Some(SourceId(Uuid::from_u128(2))),
        source_name: "platform".into(),
        application: Some(fleet::application("ingress", "platform")),
        cluster: None,
        stage: "render".into(),
        path: "charts/ingress/values.yaml".into(),
        line: Some(41),
        field: "controller.replicaCount".into(),
        message: "expected a number, found “two”".into(),
        next: "Write a number; the render is tried again with the next commit".into(),
        since: ago(35),
    }]
}
