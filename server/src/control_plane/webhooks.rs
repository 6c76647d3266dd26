//! Webhooks: whoever holds the secret may say "look again", for one repository and some of its branches or tags.
//!
//! Nothing of a payload is believed: it is compared with what is read here anyway, and all that follows is a fetch that
//! would have come a little later. Sender and reader of the page learn nothing about each other's repositories.

mod debounce;
mod payload;
mod place;
mod signature;

use super::allow::{allow, allow_everywhere};
use super::{Plane, refuse};
use crate::runtime::now;
use crate::secrets::Sealed;
use crate::store;
use crate::store::audit::Act;
use async_trait::async_trait;
use debounce::{Debounce, Verdict};
use engine::source::{VersionRange, version};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::ports::{Answer, Webhooks};
use lockstep_types::revision::TargetRevision;
use lockstep_types::time::Micros;
use lockstep_types::webhook::{
    Delivery, DeliveryOutcome, WebhookEndpoint, WebhookPost, WebhookProvider, WebhooksView,
};
use payload::{Event, Named};
use rand::TryRngCore;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The row of the secret among the credentials. Immutable: the sealed bytes are bound to it.
const SECRET: Uuid = Uuid::from_u128(0x6c6f_636b_7374_4570_b601_7765_6268_6f6f);
/// Between two fetches of one repository because of webhooks.
const APART: Duration = Duration::from_secs(2);
/// Names kept of one delivery.
const NAMES_KEPT: usize = 10;
const NAME_KEPT: usize = 300;

/// What is remembered between deliveries; may be lost at any moment.
#[derive(Debug, Default)]
pub(super) struct Gatekeeper {
    refused: Mutex<BTreeMap<WebhookProvider, Micros>>,
    debounce: Debounce,
}

#[async_trait]
impl Webhooks for Plane {
    async fn webhooks(&self, actor: &Actor) -> Answer<WebhooksView> {
        allow(actor, Permission::SeeSources)?;
        let db = self.runtime.store();
        let secret = store::credential::get(db, SECRET).await;
        let facts = store::installation::all(db).await.map_err(refuse::store)?;
        let refused = crate::runtime::activator::locked(&self.gatekeeper.refused).clone();
        let origin = &self.runtime.settings().public_url;
        let endpoints = WebhookProvider::ALL.into_iter().map(|provider| {
            let last = facts.get(&fact(provider));
            WebhookEndpoint {
                provider,
                url: format!("{origin}/api/webhooks/{}", provider.word()),
                last: last.and_then(|text| serde_json::from_str(text).ok()),
                refused: refused.get(&provider).copied(),
            }
        });
        Ok(WebhooksView {
            secret_made: secret.map_err(refuse::store)?.map(|row| row.updated_at),
            endpoints: endpoints.collect(),
        })
    }

    async fn renew_webhook_secret(&self, actor: &Actor) -> Answer<String> {
        allow_everywhere(actor, Permission::Source)?;
        let secret = random_secret().map_err(|error| refuse::internal(&error))?;
        let sealed = self.registration.vault.seal(&row(), secret.as_bytes());
        let sealed = sealed.map_err(|error| refuse::internal(&error))?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::credential::put(&mut tx, SECRET, &sealed.key_id, &sealed.blob)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "renew secret", "webhooks"));
        tx.commit().await.map_err(refuse::store)?;
        Ok(secret)
    }

    async fn receive(&self, post: &WebhookPost) -> Answer<()> {
        if !self.signed(post).await? {
            let mut refused = crate::runtime::activator::locked(&self.gatekeeper.refused);
            refused.insert(post.provider, now());
            return Err(PortError::Unauthenticated);
        }
        let named = payload::read(post);
        let outcome = match &named {
            Ok(Some(named)) => self.look_again(named),
            Ok(None) => DeliveryOutcome::NotAPush,
            Err(_) => DeliveryOutcome::Unreadable,
        };
        self.remember(
            post.provider,
            named.as_ref().ok().and_then(Option::as_ref),
            outcome,
        )
        .await?;
        named
            .map(|_| ())
            .map_err(|why| PortError::invalid("body", why.to_owned()))
    }
}

impl Plane {
    async fn signed(&self, post: &WebhookPost) -> Result<bool, PortError> {
        let stored = store::credential::get(self.runtime.store(), SECRET)
            .await
            .map_err(refuse::store)?;
        let Some(stored) = stored else {
            return Ok(false);
        };
        let sealed = Sealed {
            key_id: stored.key_id,
            blob: stored.bytes,
        };
        let secret = self.registration.vault.open_sealed(&row(), &sealed);
        let secret = secret.map_err(|error| refuse::internal(&error))?;
        Ok(signature::holds(post, secret.expose_secret()))
    }

    /// Wakes the repositories that are meant, each at most once in [`APART`], and once more after the last call.
    fn look_again(&self, named: &Named) -> DeliveryOutcome {
        let mut outcome = DeliveryOutcome::UnknownRepository;
        for (key, revisions) in self.runtime.memory().tracked() {
            if !named.places.iter().any(|place| place::same(place, &key)) {
                continue;
            }
            // A push may be one to the branch of a pull request.
            self.runtime.activator().activate_pulls(&key);
            if named.event == Event::PullRequest {
                outcome = DeliveryOutcome::PullRequest;
                continue;
            }
            if !revisions.iter().any(|wanted| meant(named, wanted)) {
                if outcome == DeliveryOutcome::UnknownRepository {
                    outcome = DeliveryOutcome::UnfollowedReference;
                }
                continue;
            }
            outcome = DeliveryOutcome::Fetching;
            match self.gatekeeper.debounce.ask(&key, Instant::now(), APART) {
                Verdict::Now => self.runtime.activator().activate_repository(&key),
                Verdict::After(wait) => self.wake_later(key, wait),
                Verdict::Planned => {}
            }
        }
        outcome
    }

    fn wake_later(&self, key: String, wait: Duration) {
        let plane = self.clone();
        self.runtime.tasks().spawn(async move {
            tokio::select! {
                () = plane.runtime.cancelled().cancelled() => {}
                () = tokio::time::sleep(wait) => {
                    plane.gatekeeper.debounce.fired(&key, Instant::now());
                    plane.runtime.activator().activate_repository(&key);
                }
            }
        });
    }

    async fn remember(
        &self,
        provider: WebhookProvider,
        named: Option<&Named>,
        outcome: DeliveryOutcome,
    ) -> Result<(), PortError> {
        let short = |text: &String| text.chars().take(NAME_KEPT).collect::<String>();
        let delivery = Delivery {
            at: now(),
            repository: named
                .and_then(|named| named.places.first())
                .map(short)
                .unwrap_or_default(),
            references: named.map_or_else(Vec::new, |named| {
                named
                    .references
                    .iter()
                    .take(NAMES_KEPT)
                    .map(short)
                    .collect()
            }),
            outcome,
        };
        let text = serde_json::to_string(&delivery).map_err(|error| refuse::internal(&error))?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::installation::set(&mut tx, &fact(provider), &text)
            .await
            .map_err(refuse::store)?;
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }
}

fn random_secret() -> Result<String, rand::rand_core::OsError> {
    let mut bytes = [0_u8; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn row() -> String {
    format!("webhook:{SECRET}")
}

fn fact(provider: WebhookProvider) -> String {
    format!("webhook.delivery.{}", provider.word())
}

/// Whether somebody who follows `wanted` wants to know of a change of what was named. The default
/// branch can be any; a range of versions asks for tags.
fn meant(named: &Named, wanted: &TargetRevision) -> bool {
    if named.references.is_empty() {
        return true;
    }
    let wanted = wanted.name();
    let range = wanted.starts_with("semver:")
        || (version(wanted).is_none() && VersionRange::parse(wanted).is_ok());
    named.references.iter().any(|reference| {
        let short = ["refs/heads/", "refs/tags/"]
            .iter()
            .find_map(|prefix| reference.strip_prefix(prefix));
        wanted == "HEAD"
            || (range && reference.starts_with("refs/tags/"))
            || reference == wanted
            || short == Some(wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_follows_a_branch_is_meant_by_it() {
        let named = |references: &[&str]| Named {
            event: Event::Push,
            places: Vec::new(),
            references: references.iter().map(|text| (*text).to_owned()).collect(),
        };
        let wants = |text: &str| TargetRevision(text.to_owned());
        for (reference, wanted, expected) in [
            ("refs/heads/main", "main", true),
            ("refs/heads/main", "refs/heads/main", true),
            ("refs/tags/v1.2.0", "v1.2.0", true),
            ("refs/tags/v1.2.0", "1.x", true),
            ("refs/tags/v1.2.0", "semver:1", true),
            ("refs/heads/main", "1.x", false),
            ("refs/tags/v1.2.0", "v1.3.0", false),
            ("refs/tags/v1.2.0", "^1.2", true),
            ("refs/heads/main", "", true),
            ("refs/heads/team/main", "main", false),
            ("refs/heads/main2", "main", false),
            ("refs/heads/.*", "main", false),
        ] {
            assert_eq!(
                meant(&named(&[reference]), &wants(wanted)),
                expected,
                "{reference} {wanted}"
            );
        }
        assert!(meant(&named(&[]), &wants("main")));
        assert!(meant(
            &named(&["refs/heads/a", "refs/heads/main"]),
            &wants("main")
        ));
    }
}
