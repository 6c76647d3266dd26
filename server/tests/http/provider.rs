//! A provider of OpenID Connect that a test bends as it likes: discovery, keys, tokens, user info.

use axum::extract::{Form, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};
use server::config::OidcEntry;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub const CLIENT: &str = "lockstep";

/// What stands behind a code.
#[derive(Clone)]
struct Issued {
    challenge: String,
    token: String,
    user_info: Value,
}

#[derive(Default)]
struct Inner {
    keys: Vec<Value>,
    codes: HashMap<String, Issued>,
    /// By access token.
    people: HashMap<String, Value>,
    count: u32,
}

/// See the module.
#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    inner: Arc<Mutex<Inner>>,
}

/// A key made of one repeated byte.
pub fn key(seed: u8, kid: &str) -> CoreEdDsaPrivateSigningKey {
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    der.extend([seed; 32]);
    let text = STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new(kid.to_owned())))
        .unwrap()
}

/// A token with this header over these claims, signed by `sign`.
pub fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(text.as_bytes()));
    format!("{text}.{signature}")
}

/// A token as this provider makes it.
pub fn signed(claims: &Value, seed: u8, kid: &str) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": kid});
    token(&header, claims, |text| {
        key(seed, kid)
            .sign(&CoreJwsSigningAlgorithm::EdDsa, text)
            .unwrap()
    })
}

pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self {
            issuer,
            inner: Arc::default(),
        };
        provider.publish(&[(1, "one")]);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(redeem))
            .route("/me", get(user_info))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// The keys that are published from now on, by seed and id.
    pub fn publish(&self, keys: &[(u8, &str)]) {
        let published = keys.iter().map(|(seed, kid)| {
            serde_json::to_value(key(*seed, kid).as_verification_key()).unwrap()
        });
        self.inner.lock().unwrap().keys = published.collect();
    }

    /// The entry of the configuration.
    pub fn entry(&self, name: &str) -> OidcEntry {
        OidcEntry {
            name: name.to_owned(),
            label: "Company".to_owned(),
            issuer: self.issuer.clone(),
            client_id: CLIENT.to_owned(),
            secret: None,
            ca_file: None,
            scopes: Vec::new(),
            groups_claim: "groups".to_owned(),
            name_claim: "email".to_owned(),
            require_groups: true,
            allow_unverified_email: false,
            roles: [
                (
                    lockstep_types::account::Role::Admin,
                    vec!["platform".to_owned()],
                ),
                (
                    lockstep_types::account::Role::Operator,
                    vec!["dev-*".to_owned()],
                ),
            ]
            .into(),
            default_role: None,
            fresh_days: 7,
            logout: true,
        }
    }

    /// The claims of a person with these groups, for a login with this nonce.
    pub fn claims(&self, nonce: &str, groups: &Value) -> Value {
        json!({
            "iss": self.issuer, "sub": "person-1", "aud": CLIENT, "nonce": nonce,
            "iat": now(), "exp": now() + 300,
            "email": "maria@example.com", "email_verified": true, "groups": groups,
        })
    }

    /// A code for this token, good once and with the verifier of this challenge.
    pub fn code(&self, challenge: &str, token: String) -> String {
        self.code_with(challenge, token, json!({"sub": "person-1"}))
    }

    /// The same with more claims at the user info endpoint.
    pub fn code_with(&self, challenge: &str, token: String, user_info: Value) -> String {
        let mut inner = self.inner.lock().unwrap();
        inner.count += 1;
        let code = format!("code-{}", inner.count);
        let issued = Issued {
            challenge: challenge.to_owned(),
            token,
            user_info,
        };
        inner.codes.insert(code.clone(), issued);
        code
    }
}

async fn discovery(State(provider): State<Provider>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("/auth"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/me"),
        "jwks_uri": at("/keys"),
        "end_session_endpoint": at("/end"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // It claims to sign by anything: what is taken is for us to say.
        "id_token_signing_alg_values_supported": ["EdDSA", "RS256", "HS256", "none"],
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let keys = provider.inner.lock().unwrap().keys.clone();
    Json(json!({ "keys": keys }))
}

async fn redeem(
    State(provider): State<Provider>,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let refuse = || {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_grant"})),
        )
    };
    let given = |name: &str| form.get(name).cloned().unwrap_or_default();
    let mut inner = provider.inner.lock().unwrap();
    let Some(issued) = inner.codes.remove(&given("code")) else {
        return refuse();
    };
    let digest = Sha256::digest(given("code_verifier").as_bytes());
    let callback = given("redirect_uri").starts_with("http://localhost:8080/login/sso/");
    if URL_SAFE_NO_PAD.encode(digest) != issued.challenge || !callback {
        return refuse();
    }
    let access = format!("access-{}", inner.count);
    inner.people.insert(access.clone(), issued.user_info);
    let answer = json!({"access_token": access, "token_type": "Bearer", "id_token": issued.token});
    (StatusCode::OK, Json(answer))
}

async fn user_info(
    State(provider): State<Provider>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let bearer = headers
        .get("authorization")
        .and_then(|text| text.to_str().ok());
    let access = bearer.and_then(|text| text.strip_prefix("Bearer "));
    let inner = provider.inner.lock().unwrap();
    match access.and_then(|access| inner.people.get(access)) {
        Some(Value::Null) | None => (StatusCode::UNAUTHORIZED, Json(json!({}))),
        Some(claims) => (StatusCode::OK, Json(claims.clone())),
    }
}
