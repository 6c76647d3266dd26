//! A control plane that knows nothing: lists are empty, objects are not found, and acts are counted.

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use lockstep_types::accept::{AcceptPreview, AcceptRequest};
use lockstep_types::access::{AccessView, Question, QuestionAnswer};
use lockstep_types::account::Actor;
use lockstep_types::action::ActionRequest;
use lockstep_types::activity::{ActivityEntry, ActivityQuery, ActivityView, CommitView};
use lockstep_types::alert::{AlertQuery, AlertRules, AlertsView};
use lockstep_types::application::{
    ApplicationView, ChangesView, CompareView, DefinitionView, HistoryView, Hold, HoldKind,
    TargetSummary, TreeView,
};
use lockstep_types::ask::{AskDecision, PinOutcome, RollbackAskView};
use lockstep_types::blame::BlameView;
use lockstep_types::cluster::{ClusterView, NewCluster};
use lockstep_types::drift::{DriftQuery, DriftRow};
use lockstep_types::edit::{
    Edit, EditDraft, EditOutcome, EditPreview, EditSubject, NewApplication,
};
use lockstep_types::fleet::{CommitRollout, FleetQuery, FleetView, Verdict};
use lockstep_types::id::{
    ApplicationId, ApprovalId, AskId, ClusterId, HoldId, OperationId, PinId, ReceiverId, RouteId,
    RunId, SourceId, StatusHostId, TargetId,
};
use lockstep_types::image::{ImageAnswer, ImageRequest, ImageRuleView};
use lockstep_types::leftover::{Leftovers as LeftoversOf, RemovalPreview, RemovalRequest};
use lockstep_types::log::{LogLine, LogQuery, LogView};
use lockstep_types::log_level::{LogLevelView, SetLogLevel};
use lockstep_types::notify::{NewReceiver, NewRoute, NewStatusHost, NotifyView, TemplatePreview};
use lockstep_types::orphan::OrphansView;
use lockstep_types::parity::{ParityQuery, ParityView, PromotionPreview, PromotionRequest};
use lockstep_types::past::TargetPast;
use lockstep_types::policy;
use lockstep_types::ports::{
    AccessRules, Alerts, Answer, Applications, Clusters, Editing, Fleet, Leftovers, Objects,
    Rollbacks, Sources, Syncs, Webhooks,
};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::rebuild::RebuildView;
use lockstep_types::reestablish::{ReestablishRequest, ReestablishView};
use lockstep_types::resource::{ResourceKey, ResourceView};
use lockstep_types::retention::{Retention, RetentionView};
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{
    MarkRequest, PinRequest, RollbackCandidate, RollbackPreview, RollbackRequest,
};
use lockstep_types::set::SetView;
use lockstep_types::source::{NewSource, Problem, SourceView, TakeOverPreview};
use lockstep_types::sync::{ApprovalView, RunView, SyncRequest};
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};
use lockstep_types::webhook::{WebhookPost, WebhooksView};
use lockstep_types::{Micros, PortError};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use uuid::Uuid;

/// See the module.
#[derive(Default)]
pub struct Fake {
    acts: AtomicU32,
    synced: Mutex<Option<SyncRequest>>,
}

impl Fake {
    /// How many things were asked to change.
    pub fn acts(&self) -> u32 {
        self.acts.load(Ordering::SeqCst)
    }

    /// The newest sync that was asked for.
    pub fn synced(&self) -> Option<SyncRequest> {
        self.synced.lock().unwrap().clone()
    }

    fn act<T>(&self, answer: T) -> Answer<T> {
        self.acts.fetch_add(1, Ordering::SeqCst);
        Ok(answer)
    }
}

fn missing<T>() -> Answer<T> {
    Err(PortError::NotFound("it".to_owned()))
}

#[async_trait]
impl Fleet for Fake {
    async fn fleet(&self, _: &Actor, query: &FleetQuery) -> Answer<FleetView> {
        if query.filter == "panic" {
            std::panic::panic_any("a handler fell over secret-in-panic".to_owned());
        }
        Ok(FleetView {
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
            now: Micros(0),
        })
    }
    async fn rollout(&self, _: &Actor, commit: &str) -> Answer<CommitRollout> {
        let (state, why) = match commit {
            "11111111" => ("Live", ""),
            "22222222" => ("Failed", "the image does not exist"),
            "33333333" => ("Waiting", "It waits for its sync"),
            _ => return missing(),
        };
        let nil = Uuid::nil();
        let application = serde_json::json!({"id": nil, "name": "cart", "project": "shop"});
        let target =
            serde_json::json!({"id": nil, "application": application, "cluster": "prod-eu"});
        let rollout = serde_json::json!({
            "commit": {
                "revision": commit.repeat(5), "parents": [], "subject": "cart", "body": "", "author": "Ada",
                "author_email": "", "authored_at": 0, "committer": "Ada", "committed_at": 0
            },
            "repo_url": "https://git.example.org/cart.git",
            "targets": [{"target": target, "state": state, "why": why, "at": null}]
        });
        Ok(serde_json::from_value(rollout).unwrap())
    }
    async fn problems(&self, _: &Actor) -> Answer<Vec<Problem>> {
        Ok(Vec::new())
    }
    async fn drift(&self, _: &Actor, _: &DriftQuery) -> Answer<Vec<DriftRow>> {
        Ok(Vec::new())
    }
    async fn activity(&self, _: &Actor, query: &ActivityQuery) -> Answer<ActivityView> {
        let entry = |at| ActivityEntry::Action {
            at: Micros(at),
            actor: "maria".to_owned(),
            action: "sync".to_owned(),
            subject: "shop/cart".to_owned(),
            target: None,
            reason: "=1+1".to_owned(),
            log: Default::default(),
        };
        let (entries, next) = match (query.filter.as_str(), query.before) {
            ("many", None) => (
                (0..i64::from(query.limit)).map(entry).collect(),
                Some(Micros(0)),
            ),
            ("many", Some(_)) => (vec![entry(0)], None),
            _ => (Vec::new(), None),
        };
        Ok(ActivityView {
            entries,
            next,
            head: 0,
        })
    }
    async fn commit(&self, _: &Actor, _: &str, _: &Revision) -> Answer<CommitView> {
        missing()
    }
    async fn retention(&self, _: &Actor) -> Answer<RetentionView> {
        Ok(RetentionView {
            rules: Retention::default(),
            last: None,
        })
    }
    async fn log_level(&self, _: &Actor) -> Answer<LogLevelView> {
        Ok(LogLevelView {
            level: None,
            filter: "warn,server=info".to_owned(),
        })
    }
    async fn set_log_level(&self, _: &Actor, _: &SetLogLevel) -> Answer<()> {
        self.act(())
    }
    async fn set_retention(&self, _: &Actor, _: Retention) -> Answer<()> {
        self.act(())
    }
    async fn upcoming(&self, _: &Actor, _: &UpcomingQuery) -> Answer<Upcoming> {
        missing()
    }
    async fn parity(&self, _: &Actor, _: &ParityQuery) -> Answer<ParityView> {
        missing()
    }
}

#[async_trait]
impl Applications for Fake {
    async fn application(&self, _: &Actor, _: ApplicationId, _: &str) -> Answer<ApplicationView> {
        missing()
    }
    async fn tree(&self, _: &Actor, _: TargetId) -> Answer<TreeView> {
        missing()
    }
    async fn orphans(&self, _: &Actor, _: TargetId) -> Answer<OrphansView> {
        missing()
    }
    async fn resource(&self, _: &Actor, _: TargetId, _: &ResourceKey) -> Answer<ResourceView> {
        missing()
    }
    async fn changes(&self, _: &Actor, _: TargetId) -> Answer<ChangesView> {
        missing()
    }
    async fn history(&self, _: &Actor, _: TargetId, _: Option<Micros>) -> Answer<HistoryView> {
        missing()
    }
    async fn definition(&self, _: &Actor, _: ApplicationId) -> Answer<DefinitionView> {
        missing()
    }
    async fn past(&self, _: &Actor, _: TargetId, _: Micros) -> Answer<TargetPast> {
        missing()
    }
    async fn compare(
        &self,
        _: &Actor,
        _: TargetId,
        _: &Revision,
        _: &Revision,
    ) -> Answer<CompareView> {
        missing()
    }
}

#[async_trait]
impl Objects for Fake {
    async fn blame(&self, _: &Actor, _: TargetId, _: &ResourceKey) -> Answer<BlameView> {
        missing()
    }
    async fn preview_accept(
        &self,
        _: &Actor,
        _: TargetId,
        _: &ResourceKey,
        _: &str,
    ) -> Answer<AcceptPreview> {
        missing()
    }
    async fn accept(&self, _: &Actor, _: &AcceptRequest) -> Answer<CommitOutcome> {
        missing()
    }
    async fn set_image(&self, _: &Actor, _: &ImageRequest) -> Answer<ImageAnswer> {
        missing()
    }
    async fn preview_promotion(
        &self,
        _: &Actor,
        _: TargetId,
        _: TargetId,
        _: bool,
    ) -> Answer<PromotionPreview> {
        missing()
    }
    async fn promote(&self, _: &Actor, _: &PromotionRequest) -> Answer<CommitOutcome> {
        missing()
    }
    async fn act(&self, _: &Actor, _: &ActionRequest) -> Answer<OperationId> {
        missing()
    }
    async fn log_view(&self, _: &Actor, _: TargetId, _: &LogQuery) -> Answer<LogView> {
        missing()
    }
    /// A container that never stops writing; without `follow` one that wrote two lines.
    async fn log(
        &self,
        _: &Actor,
        _: TargetId,
        query: &LogQuery,
    ) -> Answer<BoxStream<'static, Answer<LogLine>>> {
        let line = |number: u32| LogLine {
            pod: "web-1".to_owned(),
            container: "web".to_owned(),
            at: Some(Micros(i64::from(number))),
            text: format!("line {number}"),
        };
        if !query.follow {
            let broken = Err(PortError::Unavailable(
                "web of web-2: gone\nX-Evil: 1".to_owned(),
            ));
            return Ok(futures::stream::iter([Ok(line(1)), Ok(line(2)), broken]).boxed());
        }
        Ok(futures::stream::unfold(0_u32, move |number| async move {
            tokio::task::yield_now().await;
            Some((Ok(line(number)), number.wrapping_add(1)))
        })
        .boxed())
    }
}

#[async_trait]
impl Syncs for Fake {
    async fn sync(&self, _: &Actor, request: &SyncRequest) -> Answer<OperationId> {
        *self.synced.lock().unwrap() = Some(request.clone());
        self.act(OperationId(Uuid::nil()))
    }
    async fn refresh(&self, _: &Actor, _: TargetId) -> Answer<OperationId> {
        self.act(OperationId(Uuid::nil()))
    }
    async fn run(&self, _: &Actor, _: RunId) -> Answer<RunView> {
        missing()
    }
    async fn run_of(&self, _: &Actor, _: OperationId) -> Answer<Option<RunId>> {
        Ok(None)
    }
    async fn terminate(&self, _: &Actor, _: RunId) -> Answer<()> {
        self.act(())
    }
    async fn approvals(&self, _: &Actor) -> Answer<Vec<ApprovalView>> {
        Ok(Vec::new())
    }
    async fn decide(&self, _: &Actor, _: ApprovalId, _: &str, _: bool) -> Answer<()> {
        self.act(())
    }
}

#[async_trait]
impl Rollbacks for Fake {
    async fn candidates(&self, _: &Actor, _: TargetId) -> Answer<Vec<RollbackCandidate>> {
        Ok(Vec::new())
    }
    async fn preview(&self, _: &Actor, _: TargetId, _: &Revision) -> Answer<RollbackPreview> {
        missing()
    }
    async fn roll_back(&self, _: &Actor, request: &RollbackRequest) -> Answer<CommitOutcome> {
        self.act(CommitOutcome::Committed {
            revision: request.to.clone(),
        })
    }
    async fn pin(&self, _: &Actor, _: &PinRequest) -> Answer<PinOutcome> {
        missing()
    }
    async fn asks(&self, _: &Actor) -> Answer<Vec<RollbackAskView>> {
        Ok(Vec::new())
    }
    async fn decide_ask(&self, _: &Actor, _: AskId, _: &str, _: bool) -> Answer<AskDecision> {
        missing()
    }
    async fn unpin(&self, _: &Actor, _: PinId, _: bool) -> Answer<()> {
        self.act(())
    }
    async fn holds(&self, _: &Actor) -> Answer<Vec<TargetSummary>> {
        Ok(Vec::new())
    }
    async fn preview_undo(&self, _: &Actor, _: TargetId, _: &Revision) -> Answer<RollbackPreview> {
        missing()
    }
    async fn preview_pin(&self, _: &Actor, _: TargetId, _: &Revision) -> Answer<RollbackPreview> {
        missing()
    }
    async fn mark(&self, _: &Actor, _: &MarkRequest) -> Answer<()> {
        missing()
    }
    async fn hold(&self, _: &Actor, _: TargetId, _: HoldKind, _: &str, _: u32) -> Answer<Hold> {
        missing()
    }
    async fn release(&self, _: &Actor, _: HoldId, _: bool) -> Answer<()> {
        self.act(())
    }
}

#[async_trait]
impl Editing for Fake {
    async fn draft(&self, _: &Actor, _: EditSubject) -> Answer<EditDraft> {
        missing()
    }
    async fn template(&self, _: &Actor, new: &NewApplication) -> Answer<String> {
        Ok(new.name.clone())
    }
    async fn preview_edit(&self, _: &Actor, _: &Edit) -> Answer<EditPreview> {
        missing()
    }
    async fn commit_edit(&self, _: &Actor, edit: &Edit, _: &str, _: &str) -> Answer<EditOutcome> {
        self.act(EditOutcome::Committed {
            revision: edit.base.clone(),
        })
    }
}

#[async_trait]
impl Clusters for Fake {
    async fn clusters(&self, _: &Actor) -> Answer<Vec<ClusterView>> {
        Ok(Vec::new())
    }
    async fn cluster(&self, _: &Actor, _: &str) -> Answer<ClusterView> {
        missing()
    }
    async fn rebuild(&self, _: &Actor, _: &str) -> Answer<RebuildView> {
        missing()
    }
    async fn reestablishing(&self, _: &Actor, _: &str) -> Answer<ReestablishView> {
        missing()
    }
    async fn reestablish(&self, _: &Actor, _: &str, _: &ReestablishRequest) -> Answer<()> {
        missing()
    }
    async fn stop_reestablish(&self, _: &Actor, _: &str) -> Answer<()> {
        missing()
    }
    async fn add_cluster(&self, _: &Actor, _: &NewCluster) -> Answer<ClusterId> {
        self.act(ClusterId(Uuid::nil()))
    }
    async fn remove_cluster(&self, _: &Actor, _: &str, _: &str) -> Answer<()> {
        self.act(())
    }
}

#[async_trait]
impl Leftovers for Fake {
    async fn leftovers(&self, _: &Actor) -> Answer<Vec<LeftoversOf>> {
        Ok(Vec::new())
    }
    async fn removal(&self, _: &Actor, _: TargetId) -> Answer<RemovalPreview> {
        missing()
    }
    async fn remove(&self, _: &Actor, _: &RemovalRequest) -> Answer<OperationId> {
        self.act(OperationId(Uuid::nil()))
    }
    async fn leave(&self, _: &Actor, _: TargetId) -> Answer<OperationId> {
        self.act(OperationId(Uuid::nil()))
    }
}

#[async_trait]
impl Sources for Fake {
    async fn sources(&self, _: &Actor) -> Answer<Vec<SourceView>> {
        Ok(Vec::new())
    }
    async fn add_source(&self, _: &Actor, _: &NewSource) -> Answer<SourceId> {
        self.act(SourceId(Uuid::nil()))
    }
    async fn remove_source(&self, _: &Actor, _: SourceId, _: &str) -> Answer<()> {
        self.act(())
    }
    async fn sets(&self, _: &Actor) -> Answer<Vec<SetView>> {
        Ok(Vec::new())
    }
    async fn image_rules(&self, _: &Actor) -> Answer<Vec<ImageRuleView>> {
        Ok(Vec::new())
    }
    async fn refresh_source(&self, _: &Actor, _: SourceId) -> Answer<()> {
        self.act(())
    }
    async fn take_over_preview(&self, _: &Actor, _: SourceId) -> Answer<TakeOverPreview> {
        missing()
    }
    async fn take_over(&self, _: &Actor, _: SourceId, _: &str) -> Answer<()> {
        self.act(())
    }
}

#[async_trait]
impl AccessRules for Fake {
    async fn access(&self, _: &Actor) -> Answer<AccessView> {
        missing()
    }
    async fn can(&self, actor: &Actor, question: &Question) -> Answer<QuestionAnswer> {
        let (resource, action) = policy::parse_question(&question.action);
        let verdict =
            actor
                .rights
                .decide_words(actor.role, &resource, &[&action], &question.object);
        Ok(QuestionAnswer {
            subject: actor.name.clone(),
            resource,
            action,
            object: question.object.clone(),
            verdict,
        })
    }
    async fn choose_policy_source(&self, _: &Actor, _: Option<SourceId>) -> Answer<()> {
        self.act(())
    }
}

#[async_trait]
impl Webhooks for Fake {
    async fn webhooks(&self, _: &Actor) -> Answer<WebhooksView> {
        Ok(WebhooksView {
            secret_made: None,
            endpoints: Vec::new(),
        })
    }
    async fn renew_webhook_secret(&self, _: &Actor) -> Answer<String> {
        self.act(String::new())
    }
    async fn receive(&self, post: &WebhookPost) -> Answer<()> {
        let token = post
            .headers
            .iter()
            .find(|(name, _)| name == "x-gitlab-token");
        match token {
            Some((_, value)) if value == "right" => Ok(()),
            _ => Err(PortError::Unauthenticated),
        }
    }
}

#[async_trait]
impl Alerts for Fake {
    async fn alerts(&self, _: &Actor, _: &AlertQuery) -> Answer<AlertsView> {
        Ok(AlertsView {
            open: 0,
            incidents: Vec::new(),
            next: None,
        })
    }
    async fn notify(&self, _: &Actor) -> Answer<NotifyView> {
        Ok(NotifyView {
            receivers: Vec::new(),
            routes: Vec::new(),
            rules: AlertRules::default(),
            hosts: Vec::new(),
            subscriptions: Vec::new(),
            messages: Vec::new(),
            dropped: 0,
        })
    }
    async fn set_rules(&self, _: &Actor, _: &AlertRules) -> Answer<()> {
        self.act(())
    }
    async fn add_receiver(&self, _: &Actor, _: &NewReceiver) -> Answer<ReceiverId> {
        self.act(ReceiverId(Uuid::nil()))
    }
    async fn remove_receiver(&self, _: &Actor, _: ReceiverId) -> Answer<()> {
        self.act(())
    }
    async fn test_receiver(&self, _: &Actor, _: ReceiverId) -> Answer<()> {
        self.act(())
    }
    async fn preview_template(&self, _: &Actor, _: &str) -> Answer<TemplatePreview> {
        self.act(TemplatePreview {
            text: String::new(),
            error: String::new(),
        })
    }
    async fn add_route(&self, _: &Actor, _: &NewRoute) -> Answer<RouteId> {
        self.act(RouteId(Uuid::nil()))
    }
    async fn remove_route(&self, _: &Actor, _: RouteId) -> Answer<()> {
        self.act(())
    }
    async fn add_status_host(&self, _: &Actor, _: &NewStatusHost) -> Answer<StatusHostId> {
        self.act(StatusHostId(Uuid::nil()))
    }
    async fn remove_status_host(&self, _: &Actor, _: StatusHostId) -> Answer<()> {
        self.act(())
    }
}
