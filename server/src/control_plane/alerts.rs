//! Incidents, and who is told of them: what pages list, and the settings made there. Secrets are sealed on their way in
//! and never come out again.

use super::allow::{allow, allow_everywhere};
use super::{Plane, refuse};
use crate::notify::{self, ReceiverSecret};
use crate::store;
use crate::store::audit::Act;
use crate::store::message::NewMessage;
use crate::store::receiver::StatusHost;
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::alert::{AlertQuery, AlertRules, AlertsView, Condition, Incident, Severity};
use lockstep_types::id::{ReceiverId, RouteId, StatusHostId};
use lockstep_types::notify::{
    Channel, NewReceiver, NewRoute, NewStatusHost, NotifyView, ReceiverView, Route, RouteView,
    StatusHostView, StatusProvider, Subscription, TemplatePreview,
};
use lockstep_types::policy;
use lockstep_types::ports::{Alerts, Answer};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Incidents that are read at once.
const INCIDENTS: u64 = 500;
/// Incidents of one page.
const MOST_INCIDENTS: usize = 500;
/// Lines of the log that are sent at once.
const LOG: u64 = 100;
/// Settings of each kind.
const MOST: usize = 100;
/// Seconds of a rule, at most: thirty days.
const LONGEST: u32 = 30 * 24 * 3600;

/// Whether somebody may see what an incident is about.
fn sees(actor: &Actor, incident: &Incident) -> bool {
    let label = |name: &str| incident.labels.get(name).map(String::as_str);
    match (label("project"), label("application"), label("cluster")) {
        (Some(project), Some(application), _) => {
            actor.may_on(Permission::Get, &policy::application(project, application))
        }
        (_, _, Some(cluster)) => actor.may_on(Permission::SeeClusters, cluster),
        _ => actor.may_on_all(Permission::Get),
    }
}

#[async_trait]
impl Alerts for Plane {
    async fn alerts(&self, actor: &Actor, query: &AlertQuery) -> Answer<AlertsView> {
        allow(actor, Permission::Get)?;
        let db = self.runtime.store();
        // What somebody may not see must not use up their page.
        let (mut incidents, mut after, mut more) = (Vec::new(), query.after, true);
        while more && incidents.len() < MOST_INCIDENTS {
            let found =
                store::incident::page(db, &query.filter, query.resolved, after, INCIDENTS).await;
            let found = found.map_err(refuse::store)?;
            more = found.len() as u64 == INCIDENTS;
            for incident in found {
                if incidents.len() == MOST_INCIDENTS {
                    more = true;
                    break;
                }
                after = Some(incident.id);
                if sees(actor, &incident) {
                    incidents.push(incident);
                }
            }
        }
        let open = if actor.may_on_all(Permission::Get) {
            store::incident::count_open(db)
                .await
                .map_err(refuse::store)?
        } else {
            let all = store::incident::all_open(db).await;
            let seen = all.map_err(refuse::store)?;
            let seen = seen.iter().filter(|incident| sees(actor, incident)).count();
            u32::try_from(seen).unwrap_or(u32::MAX)
        };
        Ok(AlertsView {
            open,
            incidents,
            next: after.filter(|_| more),
        })
    }

    async fn notify(&self, actor: &Actor) -> Answer<NotifyView> {
        allow_everywhere(actor, Permission::SeeSources)?;
        // Messages and subscriptions name applications.
        let whole = actor.may_on_all(Permission::Get);
        let db = self.runtime.store();
        let receivers = store::receiver::list(db).await.map_err(refuse::store)?;
        let names: BTreeMap<ReceiverId, String> = receivers
            .iter()
            .map(|receiver| (receiver.id, receiver.name.clone()))
            .collect();
        let routes = store::receiver::routes(db).await.map_err(refuse::store)?;
        let routes = routes.into_iter().map(|(id, receiver, route)| RouteView {
            id,
            receiver,
            receiver_name: names.get(&receiver).cloned().unwrap_or_default(),
            route,
        });
        let hosts = store::receiver::hosts(db).await.map_err(refuse::store)?;
        let owners = store::credential::owners(db).await.map_err(refuse::store)?;
        let hosts = hosts.into_iter().map(|host| StatusHostView {
            has_token: owners.contains(&host.id.0),
            id: host.id,
            prefix: host.prefix,
            provider: host.provider,
            comments: host.comments,
        });
        Ok(NotifyView {
            subscriptions: if whole {
                self.asked(&receivers).await?
            } else {
                Vec::new()
            },
            rules: notify::rules(db).await.map_err(refuse::store)?,
            routes: routes.collect(),
            hosts: hosts.collect(),
            messages: if whole {
                store::message::log(db, LOG).await.map_err(refuse::store)?
            } else {
                Vec::new()
            },
            dropped: store::message::dropped(db).await.map_err(refuse::store)?,
            receivers,
        })
    }

    async fn set_rules(&self, actor: &Actor, rules: &AlertRules) -> Answer<()> {
        allow_everywhere(actor, Permission::Source)?;
        let mut all = rules.dwell.values().copied();
        if all.any(|seconds| seconds > LONGEST)
            || rules.gather_seconds > LONGEST
            || rules.apart_seconds > LONGEST
        {
            return Err(PortError::invalid("rules", "thirty days are the longest"));
        }
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        notify::set_rules(&mut tx, rules)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "set", "rules of alerts"));
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }

    async fn add_receiver(&self, actor: &Actor, new: &NewReceiver) -> Answer<ReceiverId> {
        allow_everywhere(actor, Permission::Source)?;
        let (view, secret) = self.receiver(new)?;
        self.room(
            store::receiver::list(self.runtime.store())
                .await
                .map(|all| all.len()),
        )?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::receiver::add(&mut tx, &view)
            .await
            .map_err(refuse::store)?;
        secret
            .put(&mut tx, &self.registration.vault, view.id.0)
            .await
            .map_err(|error| refuse::internal(&error))?;
        let detail = serde_json::json!({"channel": view.channel.word(), "place": view.place});
        tx.record(Act::by(actor, "add receiver", &view.name).with(detail));
        tx.commit().await.map_err(refuse::store)?;
        Ok(view.id)
    }

    async fn remove_receiver(&self, actor: &Actor, receiver: ReceiverId) -> Answer<()> {
        allow_everywhere(actor, Permission::Source)?;
        let name = self.receiver_view(receiver).await?.name;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::receiver::remove(&mut tx, receiver)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "remove receiver", name));
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }

    async fn test_receiver(&self, actor: &Actor, receiver: ReceiverId) -> Answer<()> {
        allow_everywhere(actor, Permission::Source)?;
        let view = self.receiver_view(receiver).await?;
        let mut message = notify::example(&self.runtime.settings().public_url);
        let mut note = String::new();
        if !view.template.is_empty() {
            match notify::render(&view.template, &message) {
                Ok(text) => message.text = text,
                Err(why) => note = format!("its template failed ({why}); the usual text is sent"),
            }
        }
        let body = serde_json::to_string(&message).map_err(|error| refuse::internal(&error))?;
        let new = NewMessage {
            kind: "test",
            owner: receiver.0,
            to: view.name.clone(),
            what: message.title,
            body,
            note,
            tries_twice: false,
        };
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::message::queue(&mut tx, &new, notify::QUEUE)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "test receiver", view.name));
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }

    async fn preview_template(&self, actor: &Actor, template: &str) -> Answer<TemplatePreview> {
        allow_everywhere(actor, Permission::Source)?;
        let message = notify::example(&self.runtime.settings().public_url);
        Ok(match notify::render(template, &message) {
            Ok(text) => TemplatePreview {
                text,
                error: String::new(),
            },
            Err(error) => TemplatePreview {
                text: message.text,
                error,
            },
        })
    }

    async fn add_route(&self, actor: &Actor, new: &NewRoute) -> Answer<RouteId> {
        allow_everywhere(actor, Permission::Source)?;
        let id: ReceiverId = new
            .receiver
            .parse()
            .map_err(|_| PortError::invalid("receiver", "choose one"))?;
        let name = self.receiver_view(id).await?.name;
        let route = route(new)?;
        self.room(
            store::receiver::routes(self.runtime.store())
                .await
                .map(|all| all.len()),
        )?;
        let made = RouteId(Uuid::now_v7());
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::receiver::add_route(&mut tx, made, id, &route)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "add route", name));
        tx.commit().await.map_err(refuse::store)?;
        Ok(made)
    }

    async fn remove_route(&self, actor: &Actor, route: RouteId) -> Answer<()> {
        allow_everywhere(actor, Permission::Source)?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::receiver::remove_route(&mut tx, route)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "remove route", route.to_string()));
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }

    async fn add_status_host(&self, actor: &Actor, new: &NewStatusHost) -> Answer<StatusHostId> {
        allow_everywhere(actor, Permission::Source)?;
        let prefix = new.prefix.trim();
        if !["https://", "http://", "ssh://"].iter().any(|scheme| {
            prefix
                .strip_prefix(scheme)
                .is_some_and(|rest| rest.contains('/'))
        }) {
            return Err(PortError::invalid(
                "prefix",
                "write how the addresses of its repositories begin, with a slash after the host: https://git.example.com/team/",
            ));
        }
        let host = StatusHost {
            id: StatusHostId(Uuid::now_v7()),
            prefix: prefix.to_owned(),
            provider: StatusProvider::from_word(&new.provider)
                .ok_or_else(|| PortError::invalid("provider", "choose one"))?,
            comments: new.comments,
        };
        self.room(
            store::receiver::hosts(self.runtime.store())
                .await
                .map(|all| all.len()),
        )?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::receiver::add_host(&mut tx, &host)
            .await
            .map_err(refuse::store)?;
        if !new.token.is_empty() {
            let secret = ReceiverSecret {
                secret: new.token.clone(),
                ..ReceiverSecret::default()
            };
            secret
                .put(&mut tx, &self.registration.vault, host.id.0)
                .await
                .map_err(|error| refuse::internal(&error))?;
        }
        let detail = serde_json::json!({"comments": host.comments});
        tx.record(Act::by(actor, "add host for commit statuses", &host.prefix).with(detail));
        tx.commit().await.map_err(refuse::store)?;
        Ok(host.id)
    }

    async fn remove_status_host(&self, actor: &Actor, host: StatusHostId) -> Answer<()> {
        allow_everywhere(actor, Permission::Source)?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::receiver::remove_host(&mut tx, host)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(
            actor,
            "remove host for commit statuses",
            host.to_string(),
        ));
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }
}

impl Plane {
    async fn receiver_view(&self, id: ReceiverId) -> Result<ReceiverView, PortError> {
        let all = store::receiver::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        all.into_iter()
            .find(|receiver| receiver.id == id)
            .ok_or_else(|| refuse::missing("receiver", id))
    }

    fn room(&self, known: Result<usize, store::StoreError>) -> Result<(), PortError> {
        if known.map_err(refuse::store)? >= MOST {
            return Err(PortError::Conflict(format!(
                "there are {MOST} already; remove one first"
            )));
        }
        Ok(())
    }

    /// Checks a new receiver and takes its secret apart from what may be shown.
    fn receiver(&self, new: &NewReceiver) -> Result<(ReceiverView, ReceiverSecret), PortError> {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(PortError::invalid("name", "one to a hundred characters"));
        }
        let channel = Channel::from_word(&new.channel)
            .ok_or_else(|| PortError::invalid("channel", "choose one"))?;
        if !new.template.trim().is_empty() {
            let example = notify::example(&self.runtime.settings().public_url);
            notify::render(&new.template, &example)
                .map_err(|why| PortError::invalid("template", why))?;
        }
        let mut secret = ReceiverSecret {
            address: new.address.trim().to_owned(),
            secret: new.secret.clone(),
            username: new.username.trim().to_owned(),
            from: new.from.trim().to_owned(),
            to: new.to.trim().to_owned(),
        };
        let place = match channel {
            Channel::Email => self.mail_place(&secret)?,
            _ => {
                if channel == Channel::PagerDuty {
                    if secret.secret.is_empty() {
                        return Err(PortError::invalid(
                            "secret",
                            "PagerDuty needs a routing key",
                        ));
                    }
                    if secret.address.is_empty() {
                        notify::PAGER_DUTY.clone_into(&mut secret.address);
                    }
                }
                let checked = self
                    .runtime
                    .mirrors()
                    .check_destination(&secret.address)
                    .map_err(|error| PortError::invalid("address", error.to_string()))?;
                checked.text().to_owned()
            }
        };
        let view = ReceiverView {
            id: ReceiverId(Uuid::now_v7()),
            name: name.to_owned(),
            channel,
            place,
            template: new.template.trim().to_owned(),
            created_at: crate::runtime::now(),
        };
        Ok((view, secret))
    }

    fn mail_place(&self, secret: &ReceiverSecret) -> Result<String, PortError> {
        let server = notify::mail_server(&secret.address)
            .map_err(|why| PortError::invalid("address", why))?;
        self.runtime
            .mirrors()
            .check_destination(&format!("https://{}:{}", server.host, server.port))
            .map_err(|error| PortError::invalid("address", error.to_string()))?;
        for (field, text) in [("from", &secret.from), ("to", &secret.to)] {
            let found = notify::mailboxes(text).map_err(|why| PortError::invalid(field, why))?;
            if found.is_empty() || (field == "from" && found.len() > 1) {
                return Err(PortError::invalid(field, "write a mail address"));
            }
        }
        Ok(format!("{} → {}", server.host, secret.to))
    }

    /// Subscriptions of all applications, Flux's alerts, and routes and texts in Git, those that come to nothing first.
    async fn asked(&self, receivers: &[ReceiverView]) -> Result<Vec<Subscription>, PortError> {
        let mut found = Vec::new();
        for defined in self.all_defined().await?.into_values() {
            for asking in notify::subscriptions(&defined.definition.annotations, receivers) {
                found.push(Subscription {
                    place: format!("{} / {}", defined.row.project, defined.row.name),
                    asks: asking.asks,
                    problem: asking.problem,
                });
            }
        }
        for (_, notices) in self.runtime.memory().notices() {
            for heeded in notify::heeded(&notices, receivers) {
                found.push(Subscription {
                    place: heeded.place,
                    asks: heeded.asks,
                    problem: heeded.problem,
                });
            }
            let routes = notify::own_routes(&notices, receivers).into_iter();
            let routes = routes.map(|own| (own.place, own.asks, own.problem));
            let texts = notify::own_texts(&notices, receivers).into_iter();
            let texts = texts.map(|own| (own.place, own.asks, own.problem));
            found.extend(
                routes
                    .chain(texts)
                    .map(|(place, asks, problem)| Subscription {
                        place,
                        asks,
                        problem,
                    }),
            );
        }
        found.sort_by(|one, other| {
            (one.problem.is_empty(), &one.place, &one.asks).cmp(&(
                other.problem.is_empty(),
                &other.place,
                &other.asks,
            ))
        });
        found.truncate(MOST);
        Ok(found)
    }
}

fn route(new: &NewRoute) -> Result<Route, PortError> {
    let conditions = match new.condition.trim() {
        "" => Vec::new(),
        word => vec![
            Condition::from_word(word)
                .ok_or_else(|| PortError::invalid("condition", "choose one"))?,
        ],
    };
    let least = match new.least.trim() {
        "" => Severity::Info,
        word => Severity::from_word(word)
            .ok_or_else(|| PortError::invalid("least", "info, warning or critical"))?,
    };
    if new.after_minutes > LONGEST / 60 {
        return Err(PortError::invalid(
            "after_minutes",
            "thirty days are the longest",
        ));
    }
    Ok(Route {
        conditions,
        least,
        labels: notify::check_labels(&new.labels)
            .map_err(|why| PortError::invalid("labels", why))?,
        quiet: notify::check_quiet(&new.quiet).map_err(|why| PortError::invalid("quiet", why))?,
        after_seconds: new.after_minutes * 60,
    })
}
