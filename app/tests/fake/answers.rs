//! The ports, answered from the made-up fleet.

use super::applications as apps;
use super::fleet::{self, ago, bump, pool, target_ref};
use super::objects;
use super::past;
use async_trait::async_trait;
use futures::stream::BoxStream;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::activity::{ActivityEntry, ActivityQuery, ActivityView, CommitView};
use lockstep_types::application::{
    ApplicationView, ChangesView, CompareView, DefinitionView, HistoryView, TreeView,
};
use lockstep_types::drift::{DriftQuery, DriftRow, DriftState};
use lockstep_types::event::Event;
use lockstep_types::fleet::{CommitRollout, FleetQuery, FleetView};
use lockstep_types::id::*;
use lockstep_types::image::ImageRuleView;
use lockstep_types::leftover::{
    LeftBehind, Leftovers as LeftoversOf, RemovalPreview, RemovalRequest,
};
use lockstep_types::log_level::{LogLevelView, SetLogLevel};
use lockstep_types::orphan::OrphansView;
use lockstep_types::parity::{ParityQuery, ParityView};
use lockstep_types::past::TargetPast;
use lockstep_types::ports::{
    Answer, Applications, Events, Fleet, Leftovers, Sources, Syncs, Webhooks,
};
use lockstep_types::resource::{Origin, ResourceKey, ResourceView};
use lockstep_types::retention::{LetGo, Retention, RetentionView};
use lockstep_types::revision::Revision;
use lockstep_types::rollback::TargetPlan;
use lockstep_types::set::SetView;
use lockstep_types::source::{NewSource, Problem, SourceView, TakeOverPreview};
use lockstep_types::sync::{ApprovalView, RunView, SyncRequest};
use lockstep_types::time::Micros;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};
use lockstep_types::webhook::{WebhookPost, WebhooksView};
use serde_json::json;
use uuid::Uuid;

pub struct Fake {
    pub empty: bool,
}

pub fn allowed(actor: &Actor, permission: Permission) -> Answer<()> {
    if actor.may(permission) {
        Ok(())
    } else {
        Err(PortError::denied(permission))
    }
}

fn missing<T>(what: &str) -> Answer<T> {
    Err(PortError::NotFound(what.into()))
}

#[async_trait]
impl Fleet for Fake {
    async fn fleet(&self, _: &Actor, query: &FleetQuery) -> Answer<FleetView> {
        Ok(if self.empty {
            fleet::empty()
        } else {
            let mut view = fleet::view(&query.filter, query.show_all);
            if let Some(at) = query.at {
                past::put_back(&mut view, at, query.until);
            }
            view
        })
    }
    async fn rollout(&self, _: &Actor, _: &str) -> Answer<CommitRollout> {
        Ok(CommitRollout {
            commit: pool(),
            repo_url: "https://git.example.com/team/shop.git".into(),
            targets: fleet::rollout(),
            signature: fleet::signature(),
        })
    }
    async fn problems(&self, _: &Actor) -> Answer<Vec<Problem>> {
        Ok(if self.empty {
            Vec::new()
        } else {
            apps::problems()
        })
    }
    async fn drift(&self, _: &Actor, query: &DriftQuery) -> Answer<Vec<DriftRow>> {
        if self.empty || query.filter.contains("nothing") {
            return Ok(Vec::new());
        }
        let row = |number: u128,
                   name: &str,
                   kind: &str,
                   path: &str,
                   declared,
                   live,
                   manager: &str,
                   state,
                   minutes| DriftRow {
            id: DriftId(Uuid::from_u128(number)),
            target: target_ref(name, "shop", "prod-eu"),
            key: objects::key("apps", kind, name),
            path: path.into(),
            declared,
            live,
            manager: Some(manager.into()),
            operation: Some("Update".into()),
            baseline: number == 3,
            opened_at: ago(minutes),
            closed_at: (state == DriftState::Healed).then(|| ago(minutes - 1)),
            state,
            origin: Some(Origin {
                path: format!("overlays/production/{name}.yaml"),
                line: Some(12),
            }),
        };
        let mut rows = vec![
            row(
                1,
                "cart",
                "Deployment",
                "spec.replicas",
                Some(json!(3)),
                Some(json!(5)),
                "kubectl-scale",
                DriftState::Open,
                26,
            ),
            row(
                2,
                "payments",
                "Deployment",
                "spec.template.spec.containers[name=payments].env[name=LOG].value",
                Some(json!("info")),
                Some(json!("debug")),
                "kubectl-edit",
                DriftState::Held,
                190,
            ),
            row(
                3,
                "catalog",
                "ConfigMap",
                "data.cache_seconds",
                None,
                Some(json!("60")),
                "helm",
                DriftState::Open,
                9_000,
            ),
        ];
        if query.include_closed {
            rows.push(row(
                4,
                "checkout",
                "Deployment",
                "spec.replicas",
                Some(json!(3)),
                Some(json!(0)),
                "kubectl-scale",
                DriftState::Healed,
                700,
            ));
        }
        Ok(rows)
    }
    async fn activity(&self, _: &Actor, query: &ActivityQuery) -> Answer<ActivityView> {
        if query.filter == "rare" {
            let (entries, next) = (Vec::new(), Some(ago(90_000)));
            return Ok(ActivityView {
                entries,
                next,
                head: 1,
            });
        }
        let target = target_ref("checkout", "shop", "prod-eu");
        let mut entries = vec![ActivityEntry::Commit {
            repo: "shop".into(),
            repo_url: "https://git.example.com/team/shop.git".into(),
            commit: pool(),
            targets: fleet::rollout(),
            lead_time_seconds: None,
            pull: Some(fleet::pull()),
        }];
        entries.extend(apps::runs(&target).into_iter().map(ActivityEntry::Run));
        entries.push(ActivityEntry::Action {
            at: ago(200),
            actor: "jon".into(),
            action: "hold".into(),
            subject: "shop / payments on prod-eu".into(),
            target: Some(target_ref("payments", "shop", "prod-eu")),
            reason: "load test".into(),
            log: Default::default(),
        });
        entries.push(ActivityEntry::Commit {
            repo: "shop".into(),
            repo_url: "https://git.example.com/team/shop.git".into(),
            commit: bump(),
            targets: Vec::new(),
            lead_time_seconds: Some(184),
            pull: None,
        });
        if query.approval == "none" {
            entries.retain(|entry| matches!(entry, ActivityEntry::Commit { pull: None, .. }));
        }
        if self.empty {
            entries.clear();
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
        Ok(ActivityView {
            entries,
            next: Some(ago(5_000)),
            head: 4_711,
        })
    }
    async fn parity(&self, _: &Actor, query: &ParityQuery) -> Answer<ParityView> {
        Ok(super::parity::view(query, self.empty))
    }
    async fn upcoming(&self, _: &Actor, query: &UpcomingQuery) -> Answer<Upcoming> {
        super::upcoming::of(query)
    }
    async fn retention(&self, _: &Actor) -> Answer<RetentionView> {
        Ok(RetentionView {
            rules: Retention { days: Some(400) },
            last: Some(LetGo {
                at: ago(120),
                runs: 61,
                renders: 48,
            }),
        })
    }
    async fn log_level(&self, actor: &Actor) -> Answer<LogLevelView> {
        allowed(actor, Permission::Account)?;
        Ok(LogLevelView {
            level: None,
            filter: "warn,server=info".into(),
        })
    }
    async fn set_log_level(&self, actor: &Actor, _: &SetLogLevel) -> Answer<()> {
        allowed(actor, Permission::Account)
    }
    async fn set_retention(&self, actor: &Actor, _: Retention) -> Answer<()> {
        allowed(actor, Permission::Source)
    }
    async fn commit(&self, _: &Actor, repo: &str, revision: &Revision) -> Answer<CommitView> {
        if !revision.0.starts_with("3fa91c2") {
            return missing(&format!("commit {} in {repo}", revision.short()));
        }
        Ok(fleet::passport(repo))
    }
}

#[async_trait]
impl Applications for Fake {
    async fn application(&self, _: &Actor, id: ApplicationId, _: &str) -> Answer<ApplicationView> {
        match apps::by_id(id) {
            Some((name, project)) => Ok(apps::application(name, project)),
            None => missing("this application"),
        }
    }
    async fn tree(&self, _: &Actor, target: TargetId) -> Answer<TreeView> {
        let Some(target) = apps::by_target(target) else {
            return missing("this target");
        };
        let broken = target.application.name == "checkout" && target.cluster == "prod-eu";
        Ok(TreeView {
            nodes: objects::nodes(broken),
            target,
        })
    }
    async fn orphans(&self, _: &Actor, target: TargetId) -> Answer<OrphansView> {
        match apps::by_target(target) {
            Some(target) => Ok(super::clusters::orphans(target)),
            None => missing("this target"),
        }
    }
    async fn resource(
        &self,
        actor: &Actor,
        _: TargetId,
        key: &ResourceKey,
    ) -> Answer<ResourceView> {
        objects::resource(actor, key).ok_or_else(|| PortError::NotFound(key.short()))
    }
    async fn changes(&self, _: &Actor, target: TargetId) -> Answer<ChangesView> {
        let Some(target) = apps::by_target(target) else {
            return missing("this target");
        };
        let differs = target.cluster != "staging-eu";
        Ok(ChangesView {
            plan: Some(objects::plan(target.id)),
            warnings: if differs {
                vec![
                    "ConfigMap settings is declared by two sources: a.yaml (source 1) and b.yaml (source 2); the later one counts".into(),
                    "db/secret.yaml:1: Secret shop-db is in Git in plain text".into(),
                ]
            } else {
                Vec::new()
            },
            diffs: if differs {
                objects::diffs()
            } else {
                Vec::new()
            },
            target,
        })
    }
    async fn history(&self, _: &Actor, target: TargetId, _: Option<Micros>) -> Answer<HistoryView> {
        apps::by_target(target)
            .map(apps::history)
            .ok_or_else(|| PortError::NotFound("this target".into()))
    }
    async fn definition(&self, _: &Actor, _: ApplicationId) -> Answer<DefinitionView> {
        Ok(apps::definition())
    }
    async fn past(&self, _: &Actor, target: TargetId, at: Micros) -> Answer<TargetPast> {
        apps::by_target(target)
            .map(|target| past::of_target(target, at))
            .ok_or_else(|| PortError::NotFound("this target".into()))
    }
    async fn compare(
        &self,
        _: &Actor,
        _: TargetId,
        from: &Revision,
        to: &Revision,
    ) -> Answer<CompareView> {
        Ok(CompareView {
            from: from.clone(),
            to: to.clone(),
            diffs: objects::diffs().into_iter().take(2).collect(),
        })
    }
}

#[async_trait]
impl Syncs for Fake {
    async fn sync(&self, actor: &Actor, request: &SyncRequest) -> Answer<OperationId> {
        allowed(actor, Permission::Sync)?;
        if request.once.labels.contains_key("told") {
            return Err(PortError::Conflict(format!(
                "asked for: {}",
                request.once.words()
            )));
        }
        Ok(OperationId(Uuid::from_u128(1842)))
    }
    async fn refresh(&self, _: &Actor, _: TargetId) -> Answer<OperationId> {
        Ok(OperationId(Uuid::from_u128(1)))
    }
    async fn run(&self, _: &Actor, run: RunId) -> Answer<RunView> {
        apps::run_view(run).ok_or_else(|| PortError::NotFound("this sync".into()))
    }
    async fn run_of(&self, _: &Actor, operation: OperationId) -> Answer<Option<RunId>> {
        Ok((operation.0.as_u128() == 1842).then_some(RunId(operation.0)))
    }
    async fn terminate(&self, actor: &Actor, _: RunId) -> Answer<()> {
        allowed(actor, Permission::Terminate)
    }
    async fn approvals(&self, _: &Actor) -> Answer<Vec<ApprovalView>> {
        Ok(if self.empty {
            Vec::new()
        } else {
            vec![fleet::approval()]
        })
    }
    async fn decide(&self, actor: &Actor, _: ApprovalId, digest: &str, _: bool) -> Answer<()> {
        allowed(actor, Permission::Approve)?;
        if digest == fleet::approval().digest {
            Ok(())
        } else {
            Err(PortError::Conflict(
                "the plan has changed since you looked at it".into(),
            ))
        }
    }
}

#[async_trait]
impl Leftovers for Fake {
    async fn leftovers(&self, _: &Actor) -> Answer<Vec<LeftoversOf>> {
        Ok(if self.empty {
            Vec::new()
        } else {
            vec![left_by_reports()]
        })
    }
    async fn removal(&self, _: &Actor, _: TargetId) -> Answer<RemovalPreview> {
        Ok(RemovalPreview {
            leftovers: left_by_reports(),
            plan: Some(objects::removal_plan()),
            error: String::new(),
        })
    }
    async fn remove(&self, actor: &Actor, _: &RemovalRequest) -> Answer<OperationId> {
        allowed(actor, Permission::Delete)?;
        Ok(OperationId(Uuid::from_u128(11)))
    }
    async fn leave(&self, actor: &Actor, _: TargetId) -> Answer<OperationId> {
        allowed(actor, Permission::Delete)?;
        Ok(OperationId(Uuid::from_u128(12)))
    }
}

fn left_by_reports() -> LeftoversOf {
    LeftoversOf {
        target: target_ref("reports", "shop", "prod-us"),
        why: LeftBehind::Removed,
        since: ago(8_000),
        objects: objects::removal_plan()
            .steps
            .into_iter()
            .map(|step| step.key)
            .collect(),
        run: None,
    }
}

#[async_trait]
impl Sources for Fake {
    async fn sources(&self, _: &Actor) -> Answer<Vec<SourceView>> {
        Ok(if self.empty {
            Vec::new()
        } else {
            apps::sources()
        })
    }
    async fn add_source(&self, actor: &Actor, _: &NewSource) -> Answer<SourceId> {
        allowed(actor, Permission::Source)?;
        Ok(SourceId(Uuid::from_u128(9)))
    }
    async fn remove_source(&self, actor: &Actor, _: SourceId, _: &str) -> Answer<()> {
        allowed(actor, Permission::Source)
    }
    async fn sets(&self, _: &Actor) -> Answer<Vec<SetView>> {
        Ok(if self.empty {
            Vec::new()
        } else {
            vec![apps::set()]
        })
    }
    async fn image_rules(&self, _: &Actor) -> Answer<Vec<ImageRuleView>> {
        Ok(match self.empty {
            true => Vec::new(),
            false => super::parity::rules(),
        })
    }
    async fn refresh_source(&self, _: &Actor, _: SourceId) -> Answer<()> {
        Ok(())
    }
    async fn take_over_preview(&self, _: &Actor, source: SourceId) -> Answer<TakeOverPreview> {
        let target = target_ref("search", "shop", "staging-eu");
        Ok(TakeOverPreview {
            source,
            digest: "7a".repeat(32),
            targets: vec![TargetPlan {
                plan: Some(objects::plan(target.id)),
                target,
                error: String::new(),
                automated: true,
            }],
            refusals: Vec::new(),
        })
    }
    async fn take_over(&self, actor: &Actor, _: SourceId, _: &str) -> Answer<()> {
        allowed(actor, Permission::TakeOver)
    }
}

#[async_trait]
impl Events for Fake {
    async fn head(&self, _: &Actor) -> Answer<u64> {
        Ok(4_711)
    }
    async fn subscribe(&self, _: &Actor, _: u64) -> Answer<BoxStream<'static, Answer<Event>>> {
        Ok(Box::pin(futures::stream::pending()))
    }
}

#[async_trait]
impl Webhooks for Fake {
    async fn webhooks(&self, _: &Actor) -> Answer<WebhooksView> {
        Ok(objects::webhooks(self.empty))
    }
    async fn renew_webhook_secret(&self, actor: &Actor) -> Answer<String> {
        allowed(actor, Permission::Source)?;
        Ok("lsk_made-up".into())
    }
    async fn receive(&self, _: &WebhookPost) -> Answer<()> {
        Err(PortError::Unauthenticated)
    }
}
