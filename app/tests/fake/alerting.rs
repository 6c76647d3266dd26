//! Alerts of the made-up fleet, and who is told of them.

use super::answers::{Fake, allowed};
use super::fleet::{ago, target_ref};
use async_trait::async_trait;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::alert::{
    AlertQuery, AlertRules, AlertsView, Condition, Incident, IncidentSubject, Severity,
};
use lockstep_types::id::{IncidentId, MessageId, ReceiverId, RouteId, StatusHostId};
use lockstep_types::notify::{
    Channel, MessageState, MessageView, NewReceiver, NewRoute, NewStatusHost, NotifyView, Quiet,
    ReceiverView, Route, RouteView, StatusHostView, StatusProvider, Subscription, TemplatePreview,
};
use lockstep_types::ports::{Alerts, Answer};
use uuid::Uuid;

fn incident(
    number: u128,
    subject: IncidentSubject,
    condition: Condition,
    minutes: i64,
    cause: &str,
) -> Incident {
    Incident {
        id: IncidentId(Uuid::from_u128(number)),
        subject,
        condition,
        severity: condition.severity(),
        cause: cause.into(),
        labels: Default::default(),
        since: ago(minutes),
        opened_at: ago(minutes - 5),
        resolved_at: None,
    }
}

fn incidents() -> Vec<Incident> {
    let target =
        |name: &str, cluster: &str| IncidentSubject::Target(target_ref(name, "shop", cluster));
    vec![
        incident(
            1,
            target("checkout", "prod-eu"),
            Condition::Degraded,
            14,
            "2 of 3 pods cannot pull checkout:2.9.1. Roll back, or push the image.",
        ),
        incident(
            2,
            IncidentSubject::Cluster("prod-us".into()),
            Condition::ClusterUnreachable,
            9,
            "The cluster does not answer. It is asked again by itself.",
        ),
        incident(
            3,
            target("cart", "prod-eu"),
            Condition::Drift,
            26,
            "Deployment cart: spec.replicas was changed from 3 to 5. Sync puts it back.",
        ),
    ]
}

fn messages() -> Vec<MessageView> {
    let message = |number: u128, to: &str, what: &str, state, attempts, error: &str| MessageView {
        id: MessageId(Uuid::from_u128(number)),
        to: to.into(),
        what: what.into(),
        state,
        attempts,
        created_at: ago(4),
        at: ago(4),
        error: error.into(),
    };
    vec![
        message(1, "on-call", "3 alerts", MessageState::Sent, 1, ""),
        message(
            2,
            "https://git.example.com/team/shop.git",
            "3fa9c01 lockstep/prod-eu: failure",
            MessageState::Queued,
            2,
            "git.example.com answered 502 Bad Gateway",
        ),
    ]
}

fn view() -> NotifyView {
    let on_call = ReceiverId(Uuid::from_u128(1));
    NotifyView {
        receivers: vec![ReceiverView {
            id: on_call,
            name: "on-call".into(),
            channel: Channel::Slack,
            place: "https://hooks.example.com".into(),
            template: String::new(),
            created_at: ago(9_000),
        }],
        routes: vec![RouteView {
            id: RouteId(Uuid::from_u128(1)),
            receiver: on_call,
            receiver_name: "on-call".into(),
            route: Route {
                conditions: Vec::new(),
                least: Severity::Warning,
                labels: vec![("cluster".into(), "prod-*".into())],
                quiet: Some(Quiet {
                    from: 1320,
                    until: 420,
                    zone: "Europe/Berlin".into(),
                }),
                after_seconds: 600,
            },
        }],
        rules: AlertRules::default(),
        hosts: vec![StatusHostView {
            id: StatusHostId(Uuid::from_u128(1)),
            prefix: "https://git.example.com/team/".into(),
            provider: StatusProvider::Gitea,
            has_token: true,
            comments: true,
        }],
        subscriptions: vec![Subscription {
            place: "shop / cart".into(),
            asks: "on-health-degraded → slack/team-b".into(),
            problem:
                "there is no receiver “team-b” of the kind Slack, Mattermost; add one of this name"
                    .into(),
        }],
        messages: messages(),
        dropped: 0,
    }
}

#[async_trait]
impl Alerts for Fake {
    async fn alerts(&self, _: &Actor, query: &AlertQuery) -> Answer<AlertsView> {
        let all = if self.empty { Vec::new() } else { incidents() };
        let shown = all.iter().filter(|one| {
            !query.resolved && (query.filter.is_empty() || one.severity.word() == query.filter)
        });
        Ok(AlertsView {
            open: u32::try_from(all.len()).unwrap_or(0),
            incidents: shown.cloned().collect(),
            next: None,
        })
    }
    async fn notify(&self, _: &Actor) -> Answer<NotifyView> {
        if self.empty {
            return Ok(NotifyView {
                receivers: Vec::new(),
                routes: Vec::new(),
                rules: AlertRules::default(),
                hosts: Vec::new(),
                subscriptions: Vec::new(),
                messages: Vec::new(),
                dropped: 0,
            });
        }
        Ok(view())
    }
    async fn set_rules(&self, actor: &Actor, _: &AlertRules) -> Answer<()> {
        allowed(actor, Permission::Source)
    }
    async fn add_receiver(&self, actor: &Actor, _: &NewReceiver) -> Answer<ReceiverId> {
        allowed(actor, Permission::Source).map(|()| ReceiverId(Uuid::nil()))
    }
    async fn remove_receiver(&self, actor: &Actor, _: ReceiverId) -> Answer<()> {
        allowed(actor, Permission::Source)
    }
    async fn test_receiver(&self, actor: &Actor, _: ReceiverId) -> Answer<()> {
        allowed(actor, Permission::Source)
    }
    async fn preview_template(&self, actor: &Actor, _: &str) -> Answer<TemplatePreview> {
        allowed(actor, Permission::Source).map(|()| TemplatePreview {
            text: String::new(),
            error: String::new(),
        })
    }
    async fn add_route(&self, actor: &Actor, _: &NewRoute) -> Answer<RouteId> {
        allowed(actor, Permission::Source).map(|()| RouteId(Uuid::nil()))
    }
    async fn remove_route(&self, actor: &Actor, _: RouteId) -> Answer<()> {
        allowed(actor, Permission::Source)
    }
    async fn add_status_host(&self, actor: &Actor, _: &NewStatusHost) -> Answer<StatusHostId> {
        allowed(actor, Permission::Source).map(|()| StatusHostId(Uuid::nil()))
    }
    async fn remove_status_host(&self, actor: &Actor, _: StatusHostId) -> Answer<()> {
        allowed(actor, Permission::Source)
    }
}
