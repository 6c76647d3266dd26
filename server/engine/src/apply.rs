//! Carries out single steps on a cluster: server-side apply, dry run, delete, Events. Makes no choices: what to do was
//! decided by the plan. Knows no targets and no database; owns only the window of requests in flight.

mod account;
mod act;
mod delete;
mod error;
mod event;
mod lease;
mod replace;
mod undeclared;
mod unmark;
mod window;

pub use account::{AccountError, ServiceAccount};
pub use act::ActOn;
pub use delete::{Deleted, Deletion, Propagation};
pub use error::{ApplyError, FieldConflict, FieldProblem};
pub use event::EventNote;
pub use lease::EpochLease;
pub use unmark::Unmarked;
pub use window::Window;

use crate::live::{Resolve, Resource};
use crate::manifest::{Manifest, canonical, hash_of};
use crate::tracking::FIELD_MANAGER;
use error::refusal;
use kube::core::Status;
use lockstep_types::resource::ResourceKey;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How a manifest is applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApplyOptions {
    /// Take declared fields from other managers; without it they are a [`ApplyError::Conflict`].
    pub force: bool,
    /// The live object this was planned for. If another one has its name by now, the apply is refused.
    pub uid: Option<String>,
    /// Let fields pass that the server does not know; without it they are an error.
    pub lax: bool,
    /// For fields that several targets give one object, each its own: a field manager beside ours, so that what one
    /// leaves out is not taken from the other.
    pub part: String,
}

impl ApplyOptions {
    fn manager(&self) -> String {
        if self.part.is_empty() {
            return FIELD_MANAGER.to_owned();
        }
        let part = hash_of(&json!(self.part));
        format!("{FIELD_MANAGER}-{}", part.get(..12).unwrap_or(&part))
    }

    fn validation(&self) -> &'static str {
        if self.lax { "Ignore" } else { "Strict" }
    }
}

/// What an apply left in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub uid: String,
    pub resource_version: String,
}

/// Writes to one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Applier {
    client: kube::Client,
    kinds: Arc<dyn Resolve>,
    window: Arc<Window>,
    /// Whose rights requests are sent with; none: those of the client.
    account: Option<ServiceAccount>,
}

/// Webhooks may take up to 30 s each before the server answers.
const WITHIN: Duration = Duration::from_secs(35);
/// Tries of a request that the server turns away with 429.
const TRIES: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const JSON: &str = "application/json";
/// The API server adds the groups of a service account by itself.
const IMPERSONATE: http::HeaderName = http::HeaderName::from_static("impersonate-user");

impl Applier {
    /// Writes through `client`; `window` is shared by everything that writes to this cluster.
    pub fn new(client: kube::Client, kinds: Arc<dyn Resolve>, window: Arc<Window>) -> Self {
        Self {
            client,
            kinds,
            window,
            account: None,
        }
    }

    /// Applies one manifest with one request.
    ///
    /// # Errors
    /// As the cluster answers; nothing is retried but 429.
    pub async fn apply(
        &self,
        manifest: &Manifest,
        options: &ApplyOptions,
    ) -> Result<Applied, ApplyError> {
        let answer = self.patch(manifest, options, false, METADATA).await?;
        let text = |field: &str| {
            answer
                .pointer(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Applied {
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
        })
    }

    /// What the object would be after [`Applier::apply`]; changes nothing. The answer may hold Secret values.
    ///
    /// # Errors
    /// As the cluster answers; nothing is retried but 429.
    pub async fn dry_run(
        &self,
        manifest: &Manifest,
        options: &ApplyOptions,
    ) -> Result<Value, ApplyError> {
        self.patch(manifest, options, true, JSON).await
    }

    async fn patch(
        &self,
        manifest: &Manifest,
        options: &ApplyOptions,
        dry_run: bool,
        accept: &'static str,
    ) -> Result<Value, ApplyError> {
        let key = &manifest.key;
        let resource = self.resource(key, &manifest.api_version)?;
        let mut path = format!(
            "{}?fieldManager={}&force={}&fieldValidation={}",
            resource.object(&key.namespace, &key.name),
            options.manager(),
            options.force,
            options.validation()
        );
        if dry_run {
            path.push_str("&dryRun=All");
        }
        let mut body = (*manifest.body).clone();
        // The server compares it with the object's, and does not count it as one of our fields.
        if let (Some(uid), Some(metadata)) = (
            &options.uid,
            body.get_mut("metadata").and_then(Value::as_object_mut),
        ) {
            metadata.insert("uid".to_owned(), json!(uid));
        }
        let request = |body: &Value| Request {
            method: http::Method::PATCH,
            path: path.clone(),
            accept,
            content: "application/apply-patch+yaml",
            body: canonical(body),
        };
        match self.send(key, &request(&body)).await {
            Err(ApplyError::Undeclared { object, fields }) if options.lax => {
                match undeclared::without(&body, &fields) {
                    Some(left) => self.send(key, &request(&left)).await,
                    None => Err(ApplyError::Undeclared { object, fields }),
                }
            }
            answer => answer,
        }
    }

    fn resource(&self, key: &ResourceKey, api_version: &str) -> Result<Resource, ApplyError> {
        self.kinds
            .resolve(api_version, &key.kind)
            .ok_or_else(|| ApplyError::UnknownKind {
                object: Box::new(key.clone()),
                api_version: api_version.to_owned(),
            })
    }

    /// Sends within the window. 429 is waited out, as long as the server asks for; nothing else is sent twice.
    async fn send(&self, key: &ResourceKey, request: &Request) -> Result<Value, ApplyError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let permit = self.window.acquire().await;
            let built = request.build(key, self.account.as_ref())?;
            let answer = tokio::time::timeout(WITHIN, self.client.request_text(built)).await;
            match answer {
                Err(_) => {
                    permit.slow();
                    return Err(ApplyError::Timeout {
                        object: Box::new(key.clone()),
                        seconds: WITHIN.as_secs(),
                    });
                }
                Ok(Ok(text)) => {
                    permit.done();
                    return serde_json::from_str(&text).map_err(|error| ApplyError::Unreachable {
                        object: Box::new(key.clone()),
                        error: format!("the answer cannot be read ({:?})", error.classify()),
                    });
                }
                Ok(Err(kube::Error::Api(status))) if status.code == 429 && tries < TRIES => {
                    let pause = pause(&status, tries);
                    permit.throttled(pause);
                    tokio::time::sleep(pause).await;
                }
                Ok(Err(kube::Error::Api(status))) => {
                    if status.code == 429 {
                        permit.throttled(pause(&status, tries))
                    } else {
                        permit.done()
                    }
                    return Err(self.explained(refusal(key, &status), &status.message));
                }
                Ok(Err(error)) => {
                    permit.slow();
                    let error = crate::live::RequestError::from(error).to_string();
                    return Err(ApplyError::Unreachable {
                        object: Box::new(key.clone()),
                        error,
                    });
                }
            }
        }
    }
}

struct Request {
    method: http::Method,
    path: String,
    accept: &'static str,
    content: &'static str,
    body: Vec<u8>,
}

impl Request {
    fn build(
        &self,
        key: &ResourceKey,
        account: Option<&ServiceAccount>,
    ) -> Result<http::Request<Vec<u8>>, ApplyError> {
        let headers = [
            (http::header::ACCEPT, self.accept),
            (http::header::CONTENT_TYPE, self.content),
        ];
        let failed = |error: String| ApplyError::Unreachable {
            object: Box::new(key.clone()),
            error,
        };
        let mut request = crate::live::request::build(
            self.method.clone(),
            &self.path,
            &headers,
            self.body.clone(),
        )
        .map_err(|error| failed(error.to_string()))?;
        if let Some(account) = account {
            // Without it the request would have the client's own rights: then it is not sent at all.
            let user = http::HeaderValue::from_str(&account.user())
                .map_err(|error| failed(error.to_string()))?;
            request.headers_mut().insert(IMPERSONATE, user);
        }
        Ok(request)
    }
}

/// What the server asks for, else growing; half a minute at most.
fn pause(status: &Status, tries: u32) -> Duration {
    let asked = status
        .details
        .as_ref()
        .map_or(0, |details| details.retry_after_seconds);
    let grown = Duration::from_millis(500).saturating_mul(2_u32.saturating_pow(tries));
    grown
        .max(Duration::from_secs(u64::from(asked)))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
