//! The two halves of a login: sending the browser to the provider, and what it brings back.

use super::claims::Told;
use super::provider::{Asking, Provider, Token};
use super::{SingleSignOn, SsoError, Vouched};
use openidconnect::core::{CoreAuthenticationFlow, CoreJwsSigningAlgorithm};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, CsrfToken, LogoutRequest, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, TokenResponse, UserInfoClaims,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use subtle::ConstantTimeEq;

/// Public keys alone: a signature by the client's own secret proves nothing to us, and `none` even less.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// Clocks differ by so much.
const SKEW_SECONDS: i64 = 60;

/// A login that was begun: kept in the browser's session until it comes back, and used up by that.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub provider: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

/// What the provider's redirect brings.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    pub code: Option<SecretString>,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub iss: Option<String>,
    #[serde(default)]
    pub error: Option<String>,
}

impl SingleSignOn {
    /// Where to send the browser, and what to keep until it comes back.
    ///
    /// # Errors
    /// No such provider, or it does not answer.
    pub async fn begin(&self, name: &str) -> Result<(String, Attempt), SsoError> {
        let provider = self.provider(name)?;
        let metadata = provider.metadata(None).await?;
        let client = provider.client(&metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge);
        for scope in &provider.entry.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.url();
        let attempt = Attempt {
            provider: name.to_owned(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        };
        Ok((url.to_string(), attempt))
    }

    /// Who came back. The attempt is whatever this browser's session held, and must be gone from there before.
    ///
    /// # Errors
    /// See [`SsoError`].
    pub async fn finish(
        &self,
        name: &str,
        attempt: Attempt,
        answer: Answer,
    ) -> Result<Vouched, SsoError> {
        let provider = self.provider(name)?;
        let same = attempt.state.as_bytes().ct_eq(answer.state.as_bytes());
        if attempt.provider != name || !bool::from(same) {
            return Err(SsoError::Stray);
        }
        // Another provider's answer must not be taken for this one's (RFC 9207).
        if answer.iss.is_some_and(|iss| iss != provider.entry.issuer) {
            return Err(provider.forged("the answer names another issuer"));
        }
        let code = match (answer.code, answer.error) {
            (Some(code), None) => code,
            (_, error) => return Err(provider.denied(error.as_deref().unwrap_or("no code"))),
        };
        let asked = Instant::now();
        let metadata = provider.metadata(None).await?;
        let client = provider.client(&metadata)?;
        let (token, access) = provider.redeem(&client, code, attempt.verifier).await?;
        let nonce = Nonce::new(attempt.nonce);
        let mut told = match provider.verify(&client, &token, &nonce) {
            // Its keys may have changed since they were read.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
                | SignatureVerificationError::CryptoError(_),
            )) => {
                let metadata = provider.metadata(Some(asked)).await?;
                let client = provider.client(&metadata)?;
                provider.verify(&client, &token, &nonce)
            }
            other => other,
        }
        .map_err(|error| provider.forged(&error.to_string()))?;
        if told.lacks(&provider.entry) && metadata.userinfo_endpoint().is_some() {
            let more = provider.user_info(&client, access, &told).await?;
            told.add(more);
        }
        Ok(Vouched {
            person: told.person(&provider.entry)?,
            id_token: SecretString::from(token.to_string()),
        })
    }

    /// Where the browser ends its session at the provider; `None` when there is no such place.
    pub async fn logout_address(&self, name: &str, hint: Option<&SecretString>) -> Option<String> {
        let provider = self.provider(name).ok()?;
        if !provider.entry.logout {
            return None;
        }
        let metadata = provider.metadata(None).await.ok()?;
        let end = metadata
            .additional_metadata()
            .end_session_endpoint
            .clone()?;
        let mut request = LogoutRequest::from(end).set_client_id(openidconnect::ClientId::new(
            provider.entry.client_id.clone(),
        ));
        if let Ok(home) = PostLogoutRedirectUrl::new(provider.home.clone()) {
            request = request.set_post_logout_redirect_uri(home);
        }
        let mut url = request.http_get_url();
        if let Some(hint) = hint {
            url.query_pairs_mut()
                .append_pair("id_token_hint", hint.expose_secret());
        }
        matches!(url.scheme(), "https" | "http").then(|| url.to_string())
    }
}

impl Provider {
    fn forged(&self, why: &str) -> SsoError {
        SsoError::Forged {
            provider: self.entry.name.clone(),
            why: why.to_owned(),
        }
    }

    /// With the code of the protocol, if it is one: the rest of what a redirect says is anybody's text.
    fn denied(&self, code: &str) -> SsoError {
        let known = code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        SsoError::Denied {
            provider: self.entry.name.clone(),
            code: if known { code } else { "unknown" }.to_owned(),
        }
    }

    async fn redeem(
        &self,
        client: &Asking,
        code: SecretString,
        verifier: String,
    ) -> Result<(Token, openidconnect::AccessToken), SsoError> {
        let unusable = |why: String| SsoError::Unusable {
            provider: self.entry.name.clone(),
            why,
        };
        let asker = self.asker();
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .map_err(|error| unusable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&asker)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(said) => self.denied(said.error().as_ref()),
                RequestTokenError::Request(error) => SsoError::Unreachable {
                    provider: self.entry.name.clone(),
                    why: error.to_string(),
                },
                RequestTokenError::Parse(error, _) => unusable(format!("its answer: {error}")),
                RequestTokenError::Other(why) => unusable(why),
            })?;
        let token = answer
            .id_token()
            .cloned()
            .ok_or_else(|| self.forged("there is no ID token"))?;
        Ok((token, answer.access_token().clone()))
    }

    fn verify(
        &self,
        client: &Asking,
        token: &Token,
        nonce: &Nonce,
    ) -> Result<Told, ClaimsVerificationError> {
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(SIGNATURES)
            .set_issue_time_verifier_fn(|issued| {
                let ahead = issued.timestamp() - jiff::Timestamp::now().as_second();
                if ahead > SKEW_SECONDS {
                    return Err("it was issued in the future".to_owned());
                }
                Ok(())
            });
        let claims = token.claims(&verifier, nonce)?;
        let party = claims.authorized_party();
        if party.is_some_and(|party| party.as_str() != self.entry.client_id) {
            return Err(ClaimsVerificationError::InvalidAudience(
                "it was made for another client (azp)".to_owned(),
            ));
        }
        if claims.subject().is_empty() {
            return Err(ClaimsVerificationError::InvalidSubject(
                "it names nobody".to_owned(),
            ));
        }
        Ok(Told::new(
            claims.issuer().to_string(),
            claims.subject().to_string(),
            serde_json::to_value(claims).unwrap_or_default(),
        ))
    }

    /// The claims that are not in the ID token; its subject must be the same.
    async fn user_info(
        &self,
        client: &Asking,
        access: openidconnect::AccessToken,
        told: &Told,
    ) -> Result<serde_json::Value, SsoError> {
        let unusable = |why: String| SsoError::Unusable {
            provider: self.entry.name.clone(),
            why,
        };
        let subject = openidconnect::SubjectIdentifier::new(told.subject().to_owned());
        let asker = self.asker();
        let request = client
            .user_info(access, Some(subject))
            .map_err(|error| unusable(error.to_string()))?;
        let claims: UserInfoClaims<super::provider::MoreClaims, _> =
            request.request_async(&asker).await.map_err(
                |error: openidconnect::UserInfoError<super::fetch::FetchError>| match error {
                    openidconnect::UserInfoError::ClaimsVerification(error) => {
                        self.forged(&error.to_string())
                    }
                    error => unusable(error.to_string()),
                },
            )?;
        let claims: &UserInfoClaims<_, openidconnect::core::CoreGenderClaim> = &claims;
        serde_json::to_value(claims).map_err(|error| unusable(error.to_string()))
    }
}
