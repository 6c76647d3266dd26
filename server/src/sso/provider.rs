//! One provider: what it publishes about itself, kept for a while and read anew when a key is not among it.

use super::fetch::{Fetch, FetchError};
use super::{PREFIX, SsoError};
use crate::config::{Allow, OidcEntry, PublicUrl};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthType, Client, ClientId, ClientSecret, DiscoveryError,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdToken, IdTokenFields, IssuerUrl, ProviderMetadataWithLogout, RedirectUrl,
    StandardErrorResponse, StandardTokenResponse,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// So long what a provider publishes is taken as it was.
const KEPT: Duration = Duration::from_secs(3600);

/// All claims beside the standard ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MoreClaims(pub(super) HashMap<String, serde_json::Value>);

impl AdditionalClaims for MoreClaims {}

pub(super) type Token = IdToken<
    MoreClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Fields = IdTokenFields<
    MoreClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// A client of one provider, ready to ask it.
pub(super) type Asking = Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// An answer on its way.
type Answering = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send>>;

/// See the module.
pub(super) struct Provider {
    pub(super) entry: OidcEntry,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    /// Where the provider leads after its logout.
    pub(super) home: String,
    fetch: Fetch,
    known: Mutex<Option<(Instant, Arc<ProviderMetadataWithLogout>)>>,
}

impl Provider {
    pub(super) fn new(
        entry: OidcEntry,
        public_url: &PublicUrl,
        allow_http: Allow,
    ) -> Result<Self, SsoError> {
        let unusable = |why: String| SsoError::Unusable {
            provider: entry.name.clone(),
            why,
        };
        let origin = public_url.origin();
        let back = format!("{origin}{PREFIX}{}/callback", entry.name);
        let issuer = IssuerUrl::new(entry.issuer.clone())
            .map_err(|error| unusable(format!("issuer: {error}")))?;
        let redirect = RedirectUrl::new(back).map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            fetch: Fetch::new(&entry, allow_http)?,
            issuer,
            redirect,
            home: format!("{origin}/login"),
            known: Mutex::default(),
            entry,
        })
    }

    /// What asks this provider, in the form of the protocol's library.
    pub(super) fn asker(&self) -> impl Fn(HttpRequest) -> Answering + Send + Sync + 'static {
        let fetch = self.fetch.clone();
        move |request| Box::pin(fetch.clone().call(request))
    }

    /// What the provider publishes; read again when it is older than `newer_than`, or than an hour.
    pub(super) async fn metadata(
        &self,
        newer_than: Option<Instant>,
    ) -> Result<Arc<ProviderMetadataWithLogout>, SsoError> {
        let mut known = self.known.lock().await;
        if let Some((read, metadata)) = &*known
            && read.elapsed() < KEPT
            && newer_than.is_none_or(|limit| *read > limit)
        {
            return Ok(Arc::clone(metadata));
        }
        let asker = self.asker();
        let found = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &asker)
            .await
            .map_err(|error| self.undiscovered(error))?;
        let found = Arc::new(found);
        *known = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }

    fn undiscovered(&self, error: DiscoveryError<FetchError>) -> SsoError {
        let provider = self.entry.name.clone();
        match error {
            DiscoveryError::Request(error) => SsoError::Unreachable {
                provider,
                why: error.to_string(),
            },
            error => SsoError::Unusable {
                provider,
                why: error.to_string(),
            },
        }
    }

    /// A client with the secret as it is now.
    pub(super) fn client(&self, metadata: &ProviderMetadataWithLogout) -> Result<Asking, SsoError> {
        let secret = self
            .entry
            .client_secret()
            .map_err(|source| SsoError::Configuration {
                provider: self.entry.name.clone(),
                source,
            })?;
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let by_form = metadata
            .token_endpoint_auth_methods_supported()
            .is_some_and(|methods| {
                methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                    && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            });
        let id = ClientId::new(self.entry.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), id, secret)
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(if by_form {
                AuthType::RequestBody
            } else {
                AuthType::BasicAuth
            });
        Ok(client)
    }
}
