//! Root sources, and taking them over.

mod preview;
mod rivals;
pub(super) mod sets;

use super::allow::{allow, allow_everywhere, allow_named};
use super::registration::{GitLogin, GitSecret};
use super::{Plane, checks, refuse};
use crate::store;
use crate::store::audit::Act;
use crate::store::operation::NewOperation;
use crate::store::source::{SourceFields, SourceRow};
use async_trait::async_trait;
use engine::source::{Credential, check_private_key};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::SourceId;
use lockstep_types::image::ImageRuleView;
use lockstep_types::ports::{Answer, Sources};
use lockstep_types::set::SetView;
use lockstep_types::source::{Mode, NewSource, SourceView, TakeOverPreview};
use lockstep_types::sync::{OperationKind, StartedBy};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

#[async_trait]
impl Sources for Plane {
    async fn sources(&self, actor: &Actor) -> Answer<Vec<SourceView>> {
        allow(actor, Permission::SeeSources)?;
        let db = self.runtime.store();
        let sealed = store::credential::owners(db).await.map_err(refuse::store)?;
        let mut views = Vec::new();
        let all = store::source::list(db).await.map_err(refuse::store)?;
        let seen = |row: &SourceRow| actor.may_on(Permission::SeeSources, &row.repo_url);
        for row in all.into_iter().filter(seen) {
            views.push(self.source_view(row, &sealed).await?);
        }
        Ok(views)
    }

    async fn add_source(&self, actor: &Actor, new: &NewSource) -> Answer<SourceId> {
        allow_named(actor, Permission::Source, new.repo_url.trim())?;
        // Whoever writes to the repository chooses which cluster each definition is compared with.
        allow_everywhere(actor, Permission::SeeClusters)?;
        let fields = self.source_fields(new).await?;
        let secret = git_secret(new)?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let row = store::source::create(&mut tx, &fields)
            .await
            .map_err(refuse::store)?;
        if let Some(secret) = &secret {
            let sealed = secret
                .seal(&self.registration.vault, row.id)
                .map_err(|error| refuse::internal(&error))?;
            store::credential::put(&mut tx, row.id.0, &sealed.key_id, &sealed.blob)
                .await
                .map_err(refuse::store)?;
        }
        let detail = serde_json::json!({"repo_url": fields.repo_url, "path": fields.path, "target_revision": fields.target_revision});
        tx.record(Act::by(actor, "add source", &fields.name).with(detail));
        tx.commit().await.map_err(refuse::store)?;
        self.runtime.activator().activate_all();
        Ok(row.id)
    }

    async fn remove_source(&self, actor: &Actor, source: SourceId, typed: &str) -> Answer<()> {
        allow(actor, Permission::ForgetSource)?;
        let row = self
            .seen_source(actor, Permission::ForgetSource, source)
            .await?;
        if row.from_file {
            return Err(PortError::Conflict(format!(
                "the source {} comes from the configuration file; remove it there and restart the server",
                row.name
            )));
        }
        checks::typed(typed, &row.name)?;
        let policy = store::policy::get(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        if policy.source == Some(row.id) {
            return Err(PortError::Conflict(format!(
                "the source {} holds the policy; choose another source for it on Settings, Access first",
                row.name
            )));
        }
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::source::delete(&mut tx, source)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "remove source", &row.name));
        tx.commit().await.map_err(refuse::store)?;
        self.runtime.activator().activate_all();
        Ok(())
    }

    async fn sets(&self, actor: &Actor) -> Answer<Vec<SetView>> {
        allow(actor, Permission::Get)?;
        self.set_views(actor).await
    }

    async fn image_rules(&self, actor: &Actor) -> Answer<Vec<ImageRuleView>> {
        allow(actor, Permission::SeeSources)?;
        self.image_rule_views(actor).await
    }

    async fn refresh_source(&self, actor: &Actor, source: SourceId) -> Answer<()> {
        allow(actor, Permission::SeeSources)?;
        let row = self
            .seen_source(actor, Permission::SeeSources, source)
            .await?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        tx.record(Act::by(actor, "refresh source", &row.name));
        tx.commit().await.map_err(refuse::store)?;
        self.runtime.activator().activate_source(source);
        Ok(())
    }

    async fn take_over_preview(&self, actor: &Actor, source: SourceId) -> Answer<TakeOverPreview> {
        let row = self.may_take_over(actor, source).await?;
        self.preview_take_over(&row).await
    }

    async fn take_over(&self, actor: &Actor, source: SourceId, digest: &str) -> Answer<()> {
        let row = self.may_take_over(actor, source).await?;
        if row.mode == Mode::Managed {
            return Err(PortError::Conflict(format!(
                "the source {} is taken over already",
                row.name
            )));
        }
        let preview = self.preview_take_over(&row).await?;
        if let Some(refusal) = preview.refusals.first() {
            return Err(PortError::Conflict(refusal.clone()));
        }
        if preview.digest != digest {
            return Err(PortError::Conflict(
                "what taking over would do has changed since it was shown; look at it again"
                    .to_owned(),
            ));
        }
        let clusters: BTreeSet<&str> = preview
            .targets
            .iter()
            .map(|plan| plan.target.cluster.as_str())
            .collect();
        let accepted = clusters
            .into_iter()
            .filter_map(|name| self.runtime.cluster(name))
            .map(|handle| async move {
                let work = crate::reconcile::accept_epoch(&self.runtime, &handle);
                // One that does not answer is looked at again before its first write.
                tokio::time::timeout(Duration::from_secs(10), work)
                    .await
                    .unwrap_or(Ok(()))
            });
        futures::future::try_join_all(accepted)
            .await
            .map_err(refuse::store)?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::source::set_mode(&mut tx, source, Mode::Managed)
            .await
            .map_err(refuse::store)?;
        for plan in &preview.targets {
            let intent = NewOperation {
                kind: OperationKind::TakeOver,
                target: plan.target.id,
                actor: actor.name.clone(),
                started_by: StartedBy::Person(actor.name.clone()),
                idempotency_key: None,
                parameters: serde_json::json!({"source": source, "digest": digest}),
            };
            let inserted = store::operation::insert(&mut tx, &intent)
                .await
                .map_err(refuse::store)?;
            // The mode is the whole of it: nothing is left for a reconciler to carry out.
            store::operation::end(&mut tx, inserted.operation().id, "taken over")
                .await
                .map_err(refuse::store)?;
            let target = store::target::get(&tx, plan.target.id)
                .await
                .map_err(refuse::store)?;
            tx.announce(
                store::target::subject(&target),
                lockstep_types::event::EventKind::Changed,
            );
        }
        tx.record(
            Act::by(actor, "take over", &row.name)
                .with(serde_json::json!({"digest": digest, "targets": preview.targets.len()})),
        );
        tx.commit().await.map_err(refuse::store)?;
        for plan in &preview.targets {
            self.runtime.activator().activate_target(plan.target.id);
        }
        self.runtime.activator().activate_all();
        Ok(())
    }
}

impl Plane {
    pub(super) async fn source_row(&self, id: SourceId) -> Result<SourceRow, PortError> {
        store::source::get(self.runtime.store(), id)
            .await
            .map_err(refuse::store)
    }

    /// A source on which the actor has a permission. One that may not be seen is not found.
    async fn seen_source(
        &self,
        actor: &Actor,
        permission: Permission,
        id: SourceId,
    ) -> Result<SourceRow, PortError> {
        let row = self.source_row(id).await?;
        if !actor.may_on(Permission::SeeSources, &row.repo_url) {
            return Err(refuse::store(store::StoreError::not_found("source", id)));
        }
        allow_named(actor, permission, &row.repo_url)?;
        Ok(row)
    }

    /// A source that the actor may take over. What its applications write is nothing that a right on repositories gives:
    /// from then on its files alone decide what is created and synced, in any project and on any cluster, so it needs
    /// these rights on every application there could be.
    async fn may_take_over(&self, actor: &Actor, id: SourceId) -> Result<SourceRow, PortError> {
        allow(actor, Permission::TakeOver)?;
        let row = self.seen_source(actor, Permission::TakeOver, id).await?;
        for permission in [Permission::Create, Permission::Sync] {
            allow_everywhere(actor, permission)?;
        }
        Ok(row)
    }

    async fn source_view(
        &self,
        row: SourceRow,
        sealed: &BTreeSet<Uuid>,
    ) -> Result<SourceView, PortError> {
        let applications = store::application::by_source(self.runtime.store(), row.id)
            .await
            .map_err(refuse::store)?;
        let has_credentials = sealed.contains(&row.id.0)
            || match self.runtime.access().git(&row.repo_url).await {
                Ok(access) => !matches!(access.credential.login(), Credential::None),
                // There is one, and it cannot be opened.
                Err(_) => true,
            };
        Ok(SourceView {
            id: row.id,
            name: row.name,
            repo_url: row.repo_url,
            path: row.path,
            target_revision: row.target_revision,
            home_cluster: row.home_cluster,
            mode: row.mode,
            revision: row.revision,
            last_read: row.last_read,
            error: row.error,
            has_credentials,
            from_file: row.from_file,
            applications: u32::try_from(applications.len()).unwrap_or(u32::MAX),
            problems: u32::try_from(row.problems.len()).unwrap_or(u32::MAX),
        })
    }

    async fn source_fields(&self, new: &NewSource) -> Result<SourceFields, PortError> {
        let repo_url = new.repo_url.trim().to_owned();
        self.runtime
            .mirrors()
            .check_url(&repo_url)
            .map_err(|error| {
                PortError::invalid(
                    "repo_url",
                    refuse::with_next(&error.to_string(), error.next()),
                )
            })?;
        if !new.home_cluster.is_empty() {
            let known = store::cluster::by_name(self.runtime.store(), &new.home_cluster)
                .await
                .map_err(refuse::store)?;
            if known.is_none() {
                return Err(PortError::invalid(
                    "home_cluster",
                    "no cluster of this name is registered; add it first",
                ));
            }
        }
        Ok(SourceFields {
            name: checks::name("name", &new.name)?,
            repo_url,
            path: checks::path("path", &new.path)?,
            target_revision: new.target_revision.clone(),
            home_cluster: new.home_cluster.clone(),
        })
    }
}

/// Hosts take any user name beside a token; `git` is the usual one.
fn git_secret(new: &NewSource) -> Result<Option<GitSecret>, PortError> {
    let text = |field: &Option<String>| field.clone().filter(|text| !text.trim().is_empty());
    let refuse = |field: &str, why: &str| Err(PortError::invalid(field, why.to_owned()));
    let authorities = text(&new.ca);
    if authorities
        .as_ref()
        .is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----"))
    {
        return refuse(
            "ca",
            "this is no certificate in PEM form; it begins with a line “-----BEGIN CERTIFICATE-----”",
        );
    }
    let key = (text(&new.ssh_key), text(&new.known_hosts));
    let login = match (key, text(&new.username), text(&new.password)) {
        ((Some(_), _), _, Some(_)) => {
            return refuse("ssh_key", "give an SSH key or a password, not both");
        }
        ((Some(_), None), _, None) => {
            return refuse(
                "known_hosts",
                "an SSH key needs the host's line of known hosts beside it; ssh-keyscan prints it, compare its fingerprint with the one that the host publishes",
            );
        }
        ((Some(private_key), Some(known_hosts)), _, None) => {
            check_private_key(&private_key).map_err(|why| PortError::invalid("ssh_key", why))?;
            GitLogin::SshKey {
                private_key: SecretString::from(private_key),
                known_hosts,
            }
        }
        ((None, Some(_)), _, _) => {
            return refuse("ssh_key", "known hosts are of use only beside an SSH key");
        }
        ((None, None), Some(_), None) => {
            return refuse("password", "give a password or token beside the user name");
        }
        ((None, None), username, Some(password)) => GitLogin::Password {
            username: username.unwrap_or_else(|| "git".to_owned()),
            password: SecretString::from(password),
        },
        ((None, None), None, None) if authorities.is_none() => return Ok(None),
        ((None, None), None, None) => GitLogin::Nothing,
    };
    Ok(Some(GitSecret { login, authorities }))
}
