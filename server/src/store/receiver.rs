//! Receivers, routes and hosts for commit statuses: settings made in the browser. Secrets are among the credentials.

use super::columns::{Column, json};
use super::entity::{receiver, route, status_host};
use super::error::Doing;
use super::{Read, StoreError, Tx, credential};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{ReceiverId, RouteId, StatusHostId};
use lockstep_types::notify::{Channel, ReceiverView, Route, StatusProvider};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder};

/// A host that is told of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusHost {
    pub id: StatusHostId,
    pub prefix: String,
    pub provider: StatusProvider,
    /// Its pull requests get a comment with what they would do.
    pub comments: bool,
}

/// Adds a receiver under the id that its secret is sealed for.
///
/// # Errors
/// [`StoreError::Conflict`] when the name is taken.
pub async fn add(tx: &mut Tx, view: &ReceiverView) -> Result<(), StoreError> {
    let taken = receiver::Entity::find()
        .filter(receiver::Column::Name.eq(view.name.as_str()))
        .count(tx.db())
        .await
        .doing("add a receiver")?;
    if taken > 0 {
        return Err(StoreError::Exists {
            subject: format!("the receiver {}", view.name),
        });
    }
    let model = receiver::Model {
        id: view.id.to_string(),
        name: view.name.clone(),
        channel: view.channel.word().to_owned(),
        place: view.place.clone(),
        template: view.template.clone(),
        created_at: tx.now().0,
    };
    receiver::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("add a receiver")?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}

/// All receivers by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read) -> Result<Vec<ReceiverView>, StoreError> {
    let rows = receiver::Entity::find()
        .order_by_asc(receiver::Column::Name)
        .all(&db.executor())
        .await
        .doing("list receivers")?;
    rows.into_iter()
        .map(|row| {
            Ok(ReceiverView {
                id: Column("receiver", "id").id(&row.id)?,
                name: row.name,
                channel: Column("receiver", "channel").word(Channel::from_word(&row.channel))?,
                place: row.place,
                template: row.template,
                created_at: Micros(row.created_at),
            })
        })
        .collect()
}

/// Forgets a receiver, its secret and its routes.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove(tx: &mut Tx, id: ReceiverId) -> Result<(), StoreError> {
    let done = receiver::Entity::delete_by_id(id.to_string())
        .exec(tx.db())
        .await
        .doing("forget a receiver")?;
    if done.rows_affected == 0 {
        return Err(StoreError::not_found("receiver", id));
    }
    credential::delete(tx, id.0).await?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}

/// Adds a route.
///
/// # Errors
/// When there is no such receiver, or the database cannot be written.
pub async fn add_route(
    tx: &mut Tx,
    id: RouteId,
    receiver: ReceiverId,
    settings: &Route,
) -> Result<(), StoreError> {
    let model = route::Model {
        id: id.to_string(),
        receiver_id: receiver.to_string(),
        settings: json("a route", settings)?,
        created_at: tx.now().0,
    };
    route::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("add a route")?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}

/// All routes, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn routes(db: &impl Read) -> Result<Vec<(RouteId, ReceiverId, Route)>, StoreError> {
    let rows = route::Entity::find()
        .order_by_asc(route::Column::CreatedAt)
        .all(&db.executor())
        .await
        .doing("list routes")?;
    rows.into_iter()
        .map(|row| {
            Ok((
                Column("route", "id").id(&row.id)?,
                Column("route", "receiver_id").id(&row.receiver_id)?,
                Column("route", "settings").json(&row.settings)?,
            ))
        })
        .collect()
}

/// Forgets a route.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_route(tx: &mut Tx, id: RouteId) -> Result<(), StoreError> {
    let done = route::Entity::delete_by_id(id.to_string())
        .exec(tx.db())
        .await
        .doing("forget a route")?;
    if done.rows_affected == 0 {
        return Err(StoreError::not_found("route", id));
    }
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}

/// Adds a host for commit statuses.
///
/// # Errors
/// [`StoreError::Exists`] when the prefix is there already.
pub async fn add_host(tx: &mut Tx, host: &StatusHost) -> Result<(), StoreError> {
    let taken = status_host::Entity::find()
        .filter(status_host::Column::Prefix.eq(host.prefix.as_str()))
        .count(tx.db())
        .await
        .doing("add a host for commit statuses")?;
    if taken > 0 {
        return Err(StoreError::Exists {
            subject: format!("the host for commit statuses {}", host.prefix),
        });
    }
    let model = status_host::Model {
        id: host.id.to_string(),
        prefix: host.prefix.clone(),
        provider: host.provider.word().to_owned(),
        comments: host.comments,
        created_at: tx.now().0,
    };
    status_host::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("add a host for commit statuses")?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}

/// All hosts for commit statuses, the longest prefix first.
///
/// # Errors
/// When the database cannot be read.
pub async fn hosts(db: &impl Read) -> Result<Vec<StatusHost>, StoreError> {
    let rows = status_host::Entity::find()
        .order_by_asc(status_host::Column::Prefix)
        .all(&db.executor())
        .await
        .doing("list hosts for commit statuses")?;
    let mut hosts = rows
        .into_iter()
        .map(|row| {
            let provider = StatusProvider::from_word(&row.provider);
            Ok(StatusHost {
                id: Column("status_host", "id").id(&row.id)?,
                prefix: row.prefix,
                comments: row.comments,
                provider: Column("status_host", "provider").word(provider)?,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    hosts.sort_by_key(|host| std::cmp::Reverse(host.prefix.len()));
    Ok(hosts)
}

/// Forgets a host and its token.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_host(tx: &mut Tx, id: StatusHostId) -> Result<(), StoreError> {
    let done = status_host::Entity::delete_by_id(id.to_string())
        .exec(tx.db())
        .await
        .doing("forget a host for commit statuses")?;
    if done.rows_affected == 0 {
        return Err(StoreError::not_found("host", id));
    }
    credential::delete(tx, id.0).await?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}
