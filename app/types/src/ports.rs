//! What pages, API and CLI may ask of the server, as traits, so that they never see a database, a
//! cluster or a repository. The server implements them; tests use small fakes.
//!
//! Every method takes the [`Actor`] and authorises action and object inside. None of them applies
//! anything: those that change something write an intent and wake a reconciler.

use crate::about::Cage;
use crate::accept::{AcceptPreview, AcceptRequest};
use crate::access::{AccessView, Question, QuestionAnswer};
use crate::account::{Actor, NewToken, Role, TokenView, UserView};
use crate::action::ActionRequest;
use crate::activity::{ActivityQuery, ActivityView, CommitView};
use crate::alert::{AlertQuery, AlertRules, AlertsView};
use crate::application::{
    ApplicationView, ChangesView, CompareView, DefinitionView, HistoryView, Hold, HoldKind,
    TargetSummary, TreeView,
};
use crate::ask::{AskDecision, PinOutcome, RollbackAskView};
use crate::blame::BlameView;
use crate::cluster::{ClusterView, NewCluster};
use crate::drift::{DriftQuery, DriftRow};
use crate::edit::{Edit, EditDraft, EditOutcome, EditPreview, EditSubject, NewApplication};
use crate::error::PortError;
use crate::event::Event;
use crate::fleet::{CommitRollout, FleetQuery, FleetView};
use crate::id::{
    ApplicationId, ApprovalId, AskId, ClusterId, HoldId, OperationId, PinId, ReceiverId, RouteId,
    RunId, SessionId, SourceId, StatusHostId, TargetId, TokenId, UserId,
};
use crate::image::{ImageAnswer, ImageRequest, ImageRuleView};
use crate::leftover::{Leftovers as LeftoversOf, RemovalPreview, RemovalRequest};
use crate::log::{LogLine, LogQuery, LogView};
use crate::log_level::{LogLevelView, SetLogLevel};
use crate::login::{Enrolment, OwnAccount, SessionView};
use crate::notify::{NewReceiver, NewRoute, NewStatusHost, NotifyView, TemplatePreview};
use crate::orphan::OrphansView;
use crate::parity::{ParityQuery, ParityView, PromotionPreview, PromotionRequest};
use crate::past::TargetPast;
use crate::proposal::CommitOutcome;
use crate::rebuild::RebuildView;
use crate::reestablish::{ReestablishRequest, ReestablishView};
use crate::resource::{ResourceKey, ResourceView};
use crate::retention::{Retention, RetentionView};
use crate::revision::Revision;
use crate::rollback::{
    MarkRequest, PinRequest, RollbackCandidate, RollbackPreview, RollbackRequest,
};
use crate::set::SetView;
use crate::source::{NewSource, Problem, SourceView, TakeOverPreview};
use crate::sync::{ApprovalView, RunView, SyncRequest};
use crate::time::Micros;
use crate::upcoming::{Upcoming, UpcomingQuery};
use crate::webhook::{WebhookPost, WebhooksView};
use async_trait::async_trait;
use futures_core::stream::BoxStream;
use std::sync::Arc;

/// The answer of every port.
pub type Answer<T> = Result<T, PortError>;

/// The fleet and what is wrong in it.
#[async_trait]
pub trait Fleet: Send + Sync {
    async fn fleet(&self, actor: &Actor, query: &FleetQuery) -> Answer<FleetView>;
    /// Live, waiting or failed per cluster. `commit` is a SHA or an unambiguous beginning of one.
    async fn rollout(&self, actor: &Actor, commit: &str) -> Answer<CommitRollout>;
    async fn problems(&self, actor: &Actor) -> Answer<Vec<Problem>>;
    async fn drift(&self, actor: &Actor, query: &DriftQuery) -> Answer<Vec<DriftRow>>;
    async fn activity(&self, actor: &Actor, query: &ActivityQuery) -> Answer<ActivityView>;
    /// `repo` is the short name in addresses, as [`CommitView::repo`] gives it.
    async fn commit(&self, actor: &Actor, repo: &str, revision: &Revision) -> Answer<CommitView>;
    /// What a branch would do once it is merged.
    async fn upcoming(&self, actor: &Actor, query: &UpcomingQuery) -> Answer<Upcoming>;
    /// How long bodies of history are kept.
    async fn retention(&self, actor: &Actor) -> Answer<RetentionView>;
    async fn set_retention(&self, actor: &Actor, rules: Retention) -> Answer<()>;
    /// How much the process that answers writes into its log.
    async fn log_level(&self, actor: &Actor) -> Answer<LogLevelView>;
    async fn set_log_level(&self, actor: &Actor, wanted: &SetLogLevel) -> Answer<()>;
    /// What runs where, application by environment, unexpected differences first.
    async fn parity(&self, actor: &Actor, query: &ParityQuery) -> Answer<ParityView>;
}

/// One application and its targets.
#[async_trait]
pub trait Applications: Send + Sync {
    /// `cluster` selects the target; empty for the worst one.
    async fn application(
        &self,
        actor: &Actor,
        id: ApplicationId,
        cluster: &str,
    ) -> Answer<ApplicationView>;
    async fn tree(&self, actor: &Actor, target: TargetId) -> Answer<TreeView>;
    /// Objects around a target that no application declares. Asks the cluster, a minute old at most.
    async fn orphans(&self, actor: &Actor, target: TargetId) -> Answer<OrphansView>;
    async fn resource(
        &self,
        actor: &Actor,
        target: TargetId,
        key: &ResourceKey,
    ) -> Answer<ResourceView>;
    async fn changes(&self, actor: &Actor, target: TargetId) -> Answer<ChangesView>;
    async fn history(
        &self,
        actor: &Actor,
        target: TargetId,
        before: Option<Micros>,
    ) -> Answer<HistoryView>;
    async fn definition(&self, actor: &Actor, id: ApplicationId) -> Answer<DefinitionView>;
    /// How a target stood at an earlier time.
    async fn past(&self, actor: &Actor, target: TargetId, at: Micros) -> Answer<TargetPast>;
    async fn compare(
        &self,
        actor: &Actor,
        target: TargetId,
        from: &Revision,
        to: &Revision,
    ) -> Answer<CompareView>;
}

/// Single objects of a target.
#[async_trait]
pub trait Objects: Send + Sync {
    /// The Pods of an object, and the last lines of the logs that are meant, oldest first.
    async fn log_view(&self, actor: &Actor, target: TargetId, query: &LogQuery) -> Answer<LogView>;
    /// Lines of logs: those there are, and with `follow` those that come, until nobody listens.
    async fn log(
        &self,
        actor: &Actor,
        target: TargetId,
        query: &LogQuery,
    ) -> Answer<BoxStream<'static, Answer<LogLine>>>;
    /// The object as Git renders it, with who wrote each line.
    async fn blame(&self, actor: &Actor, target: TargetId, key: &ResourceKey) -> Answer<BlameView>;
    /// What committing the cluster's value of a field would do. `path` is the field as differences write it.
    async fn preview_accept(
        &self,
        actor: &Actor,
        target: TargetId,
        key: &ResourceKey,
        path: &str,
    ) -> Answer<AcceptPreview>;
    /// Commits it, or proposes it for review.
    async fn accept(&self, actor: &Actor, request: &AcceptRequest) -> Answer<CommitOutcome>;
    /// Commits another tag for images, proposes it for review, or says what would be written.
    async fn set_image(&self, actor: &Actor, request: &ImageRequest) -> Answer<ImageAnswer>;
    /// What making the versions of one target those of another would do. Writes nothing.
    async fn preview_promotion(
        &self,
        actor: &Actor,
        from: TargetId,
        to: TargetId,
        everywhere: bool,
    ) -> Answer<PromotionPreview>;
    /// Commits exactly what the preview with this digest showed, or proposes it for review.
    async fn promote(&self, actor: &Actor, request: &PromotionRequest) -> Answer<CommitOutcome>;
    /// Asks for an action on a live object; the reconciler of its target carries it out.
    async fn act(&self, actor: &Actor, request: &ActionRequest) -> Answer<OperationId>;
}

/// Runs, and the intents that start or end them.
#[async_trait]
pub trait Syncs: Send + Sync {
    async fn sync(&self, actor: &Actor, request: &SyncRequest) -> Answer<OperationId>;
    async fn refresh(&self, actor: &Actor, target: TargetId) -> Answer<OperationId>;
    async fn run(&self, actor: &Actor, run: RunId) -> Answer<RunView>;
    /// The newest run that an operation started; `None` while it waits to be picked up.
    async fn run_of(&self, actor: &Actor, operation: OperationId) -> Answer<Option<RunId>>;
    async fn terminate(&self, actor: &Actor, run: RunId) -> Answer<()>;
    async fn approvals(&self, actor: &Actor) -> Answer<Vec<ApprovalView>>;
    /// Says yes (or no) to exactly the plan with this digest. One use.
    async fn decide(
        &self,
        actor: &Actor,
        approval: ApprovalId,
        digest: &str,
        yes: bool,
    ) -> Answer<()>;
}

/// Going back, pinning and holding.
#[async_trait]
pub trait Rollbacks: Send + Sync {
    async fn candidates(&self, actor: &Actor, target: TargetId) -> Answer<Vec<RollbackCandidate>>;
    async fn preview(
        &self,
        actor: &Actor,
        target: TargetId,
        to: &Revision,
    ) -> Answer<RollbackPreview>;
    /// What taking back one commit would do, where later ones stay.
    async fn preview_undo(
        &self,
        actor: &Actor,
        target: TargetId,
        commit: &Revision,
    ) -> Answer<RollbackPreview>;
    /// What pinning would do, which writes nothing to Git.
    async fn preview_pin(
        &self,
        actor: &Actor,
        target: TargetId,
        to: &Revision,
    ) -> Answer<RollbackPreview>;
    async fn roll_back(&self, actor: &Actor, request: &RollbackRequest) -> Answer<CommitOutcome>;
    async fn pin(&self, actor: &Actor, request: &PinRequest) -> Answer<PinOutcome>;
    /// Rollbacks that wait for a second person, oldest first.
    async fn asks(&self, actor: &Actor) -> Answer<Vec<RollbackAskView>>;
    /// A second person says yes or no to exactly what was shown; with a yes it is done. Who asked may take it back.
    async fn decide_ask(
        &self,
        actor: &Actor,
        ask: AskId,
        digest: &str,
        yes: bool,
    ) -> Answer<AskDecision>;
    /// Says that a revision is good or bad here, or takes that back.
    async fn mark(&self, actor: &Actor, request: &MarkRequest) -> Answer<()>;
    /// Ends a pin; what it held back is deployed only with `deploy`.
    async fn unpin(&self, actor: &Actor, pin: PinId, deploy: bool) -> Answer<()>;
    async fn hold(
        &self,
        actor: &Actor,
        target: TargetId,
        kind: HoldKind,
        reason: &str,
        hours: u32,
    ) -> Answer<Hold>;
    /// Targets with a hold that nobody has ended, those that end first at the top.
    async fn holds(&self, actor: &Actor) -> Answer<Vec<TargetSummary>>;
    /// Ends a hold; what it held back is deployed only with `deploy`.
    async fn release(&self, actor: &Actor, hold: HoldId, deploy: bool) -> Answer<()>;
}

/// Changing definitions: commits in root sources.
#[async_trait]
pub trait Editing: Send + Sync {
    /// Where an edit begins: the file as it is, or an empty one.
    async fn draft(&self, actor: &Actor, subject: EditSubject) -> Answer<EditDraft>;
    /// The manifest of a new application, as text to go on with.
    async fn template(&self, actor: &Actor, new: &NewApplication) -> Answer<String>;
    /// What the edit would do. Writes nothing.
    async fn preview_edit(&self, actor: &Actor, edit: &Edit) -> Answer<EditPreview>;
    /// Commits exactly what the preview with this digest showed.
    async fn commit_edit(
        &self,
        actor: &Actor,
        edit: &Edit,
        digest: &str,
        reason: &str,
    ) -> Answer<EditOutcome>;
}

/// Clusters.
#[async_trait]
pub trait Clusters: Send + Sync {
    async fn clusters(&self, actor: &Actor) -> Answer<Vec<ClusterView>>;
    async fn cluster(&self, actor: &Actor, name: &str) -> Answer<ClusterView>;
    /// What a new, empty cluster would lack. Asks the cluster, a minute old at most.
    async fn rebuild(&self, actor: &Actor, name: &str) -> Answer<RebuildView>;
    /// What bringing the cluster back from Git would take, or how far it is.
    async fn reestablishing(&self, actor: &Actor, name: &str) -> Answer<ReestablishView>;
    /// Brings everything back that Git declares for the cluster, in order.
    async fn reestablish(
        &self,
        actor: &Actor,
        name: &str,
        request: &ReestablishRequest,
    ) -> Answer<()>;
    /// Asks for nothing more. Syncs that run go on.
    async fn stop_reestablish(&self, actor: &Actor, name: &str) -> Answer<()>;
    async fn add_cluster(&self, actor: &Actor, new: &NewCluster) -> Answer<ClusterId>;
    /// Forgets a cluster. Nothing in it is touched. `typed` must equal its name.
    async fn remove_cluster(&self, actor: &Actor, name: &str, typed: &str) -> Answer<()>;
}

/// What applications left behind when their definitions left Git.
#[async_trait]
pub trait Leftovers: Send + Sync {
    async fn leftovers(&self, actor: &Actor) -> Answer<Vec<LeftoversOf>>;
    /// What removing it would delete. Writes nothing.
    async fn removal(&self, actor: &Actor, target: TargetId) -> Answer<RemovalPreview>;
    /// Asks to delete exactly what a preview showed. Whoever may approve has said yes with it; else it awaits a yes.
    async fn remove(&self, actor: &Actor, request: &RemovalRequest) -> Answer<OperationId>;
    /// Asks to forget it: the objects stay, without our mark.
    async fn leave(&self, actor: &Actor, target: TargetId) -> Answer<OperationId>;
}

/// Root sources and taking them over.
#[async_trait]
pub trait Sources: Send + Sync {
    async fn sources(&self, actor: &Actor) -> Answer<Vec<SourceView>>;
    async fn add_source(&self, actor: &Actor, new: &NewSource) -> Answer<SourceId>;
    /// Forgets a source. Nothing it declared is touched. `typed` must equal its name.
    async fn remove_source(&self, actor: &Actor, source: SourceId, typed: &str) -> Answer<()>;
    /// All sets of applications, with their members.
    async fn sets(&self, actor: &Actor) -> Answer<Vec<SetView>>;
    /// Rules in Git by which tags of images are written to Git, with what they came to.
    async fn image_rules(&self, actor: &Actor) -> Answer<Vec<ImageRuleView>>;
    async fn refresh_source(&self, actor: &Actor, source: SourceId) -> Answer<()>;
    async fn take_over_preview(&self, actor: &Actor, source: SourceId) -> Answer<TakeOverPreview>;
    async fn take_over(&self, actor: &Actor, source: SourceId, digest: &str) -> Answer<()>;
}

/// People and tokens. Logging in and out belongs to the HTTP layer, which owns the session.
#[async_trait]
pub trait Accounts: Send + Sync {
    async fn users(&self, actor: &Actor) -> Answer<Vec<UserView>>;
    async fn create_user(
        &self,
        actor: &Actor,
        name: &str,
        password: &str,
        role: Role,
    ) -> Answer<UserId>;
    /// Ends every session of that user when `disabled`.
    async fn set_disabled(&self, actor: &Actor, user: UserId, disabled: bool) -> Answer<()>;
    /// One's own password needs the old one; another's needs the account permission. Ends all sessions of that user.
    async fn set_password(&self, actor: &Actor, user: UserId, old: &str, new: &str) -> Answer<()>;
    /// An account without a login, for tokens of programs.
    async fn create_automation(&self, actor: &Actor, name: &str, role: Role) -> Answer<UserId>;
    async fn tokens(&self, actor: &Actor) -> Answer<Vec<TokenView>>;
    /// The token, shown once.
    async fn create_token(&self, actor: &Actor, new: &NewToken) -> Answer<String>;
    async fn revoke_token(&self, actor: &Actor, token: TokenId) -> Answer<()>;
    /// A new token in place of one, which works for `minutes` more; the answer is shown once.
    async fn rotate_token(&self, actor: &Actor, token: TokenId, minutes: u32) -> Answer<String>;
    /// Of whoever asks.
    async fn own_account(&self, actor: &Actor) -> Answer<OwnAccount>;
    /// One's own; another's need the account permission.
    async fn sessions(&self, actor: &Actor, user: UserId) -> Answer<Vec<SessionView>>;
    async fn end_session(&self, actor: &Actor, user: UserId, session: SessionId) -> Answer<()>;
    /// Ends all sessions of that user but `keep`. Returns how many.
    async fn end_sessions(
        &self,
        actor: &Actor,
        user: UserId,
        keep: Option<SessionId>,
    ) -> Answer<u32>;
    /// A secret for a second factor of one's own, which counts after its first code.
    async fn begin_factor(&self, actor: &Actor, password: &str) -> Answer<Enrolment>;
    /// The recovery codes, shown once.
    async fn confirm_factor(&self, actor: &Actor, code: &str) -> Answer<Vec<String>>;
    /// One's own needs the password; another's the account permission.
    async fn remove_factor(&self, actor: &Actor, user: UserId, password: &str) -> Answer<()>;
}

/// Who may do what, and why.
#[async_trait]
pub trait AccessRules: Send + Sync {
    async fn access(&self, actor: &Actor) -> Answer<AccessView>;
    /// About oneself everybody may ask; about others whoever may see the policy.
    async fn can(&self, actor: &Actor, question: &Question) -> Answer<QuestionAnswer>;
    /// Chooses the one source that holds the policy; `None`: the roles of the accounts count again.
    async fn choose_policy_source(&self, actor: &Actor, source: Option<SourceId>) -> Answer<()>;
}

/// Webhooks that Git hosts send here.
#[async_trait]
pub trait Webhooks: Send + Sync {
    async fn webhooks(&self, actor: &Actor) -> Answer<WebhooksView>;
    /// A new secret in place of the one before; the answer is the only time it can be seen.
    async fn renew_webhook_secret(&self, actor: &Actor) -> Answer<String>;
    /// Takes a delivery. Nobody is logged in here: the signature alone decides, and all that follows from it is that a
    /// repository which is read anyway is fetched sooner. The answer is the same whether it is read or not.
    async fn receive(&self, post: &WebhookPost) -> Answer<()>;
}

/// What changed, in order.
#[async_trait]
pub trait Events: Send + Sync {
    /// The newest sequence number. Read it *before* the data of a page.
    async fn head(&self, actor: &Actor) -> Answer<u64>;
    /// Everything after `after`, then live. Ends with [`PortError::Conflict`] when `after` is no longer in the
    /// log: load the page again.
    async fn subscribe(
        &self,
        actor: &Actor,
        after: u64,
    ) -> Answer<BoxStream<'static, Answer<Event>>>;
}

/// Incidents, and who is told of them.
#[async_trait]
pub trait Alerts: Send + Sync {
    async fn alerts(&self, actor: &Actor, query: &AlertQuery) -> Answer<AlertsView>;
    async fn notify(&self, actor: &Actor) -> Answer<NotifyView>;
    async fn set_rules(&self, actor: &Actor, rules: &AlertRules) -> Answer<()>;
    async fn add_receiver(&self, actor: &Actor, new: &NewReceiver) -> Answer<ReceiverId>;
    async fn remove_receiver(&self, actor: &Actor, receiver: ReceiverId) -> Answer<()>;
    /// Sends a test through the same queue as everything else.
    async fn test_receiver(&self, actor: &Actor, receiver: ReceiverId) -> Answer<()>;
    /// What a template makes of two made-up incidents.
    async fn preview_template(&self, actor: &Actor, template: &str) -> Answer<TemplatePreview>;
    async fn add_route(&self, actor: &Actor, new: &NewRoute) -> Answer<RouteId>;
    async fn remove_route(&self, actor: &Actor, route: RouteId) -> Answer<()>;
    async fn add_status_host(&self, actor: &Actor, new: &NewStatusHost) -> Answer<StatusHostId>;
    async fn remove_status_host(&self, actor: &Actor, host: StatusHostId) -> Answer<()>;
}

/// The one value that pages, API and streams get: every port of the server.
#[derive(Clone)]
pub struct ControlPlane {
    pub fleet: Arc<dyn Fleet>,
    pub applications: Arc<dyn Applications>,
    pub objects: Arc<dyn Objects>,
    pub syncs: Arc<dyn Syncs>,
    pub rollbacks: Arc<dyn Rollbacks>,
    pub editing: Arc<dyn Editing>,
    pub clusters: Arc<dyn Clusters>,
    pub leftovers: Arc<dyn Leftovers>,
    pub sources: Arc<dyn Sources>,
    pub webhooks: Arc<dyn Webhooks>,
    pub access: Arc<dyn AccessRules>,
    pub alerts: Arc<dyn Alerts>,
    pub accounts: Arc<dyn Accounts>,
    pub events: Arc<dyn Events>,
    /// How renderers are kept in on the server's system.
    pub cage: Cage,
}
