//! Logging in at a provider: groups and roles, whom it lets in and whom not, and the ways round it.

use crate::harness::{Answered, PASSWORD, Server, login_body, root};
use crate::log::{Log, Told, assert_refused};
use crate::provider::{Provider, signed};
use http::StatusCode;
use lockstep_types::account::NewToken;
use lockstep_types::ports::Accounts;
use serde_json::{Value, json};
use server::config::{LoginRules, OidcEntry};
use server::store::audit::{self, AuditQuery};
use server::store::identity;

/// A login that was begun: what the provider was told, and the cookie of the browser.
pub struct Begun {
    pub cookie: String,
    pub state: String,
    pub nonce: String,
    pub challenge: String,
}

fn value_of(address: &str, name: &str) -> String {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _)| *key == name);
    found
        .next()
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default()
}

pub fn rules(entry: OidcEntry) -> LoginRules {
    LoginRules {
        local: true,
        providers: vec![entry],
    }
}

pub async fn begin(server: &Server, next: &str) -> Begun {
    let path = format!("/login/sso/company?next={next}");
    let answer = server.get(&path, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let address = answer.header("location");
    assert!(address.contains("/auth?response_type=code"), "{address}");
    assert_eq!(value_of(address, "code_challenge_method"), "S256");
    Begun {
        cookie: answer.cookie(),
        state: value_of(address, "state"),
        nonce: value_of(address, "nonce"),
        challenge: value_of(address, "code_challenge"),
    }
}

pub async fn come_back(server: &Server, begun: &Begun, code: &str) -> Answered {
    let path = format!(
        "/login/sso/company/callback?code={code}&state={}",
        begun.state
    );
    server.get(&path, &begun.cookie).await
}

/// A whole login with these claims on top of the usual ones.
async fn log_in(server: &Server, provider: &Provider, groups: Value, more: Value) -> Answered {
    let begun = begin(server, "%2Fdrift").await;
    let mut claims = provider.claims(&begun.nonce, &groups);
    for (name, value) in more.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .into_iter()
        .for_each(|claims| claims.retain(|_, value| !value.is_null()));
    let code = provider.code(&begun.challenge, signed(&claims, 1, "one"));
    let answer = come_back(server, &begun, &code).await;
    if answer.header("location") == "/drift" {
        // Whatever the browser held before opens nothing.
        assert_ne!(answer.cookie(), begun.cookie);
        assert!(!server.is_open(&begun.cookie).await);
    } else {
        assert!(!server.is_open(&answer.cookie()).await);
    }
    answer
}

async fn acts(server: &Server, action: &str) -> Vec<(String, String)> {
    let query = AuditQuery {
        filter: action.to_owned(),
        limit: 50,
        ..AuditQuery::default()
    };
    let entries = audit::list(&server.store, &query).await.unwrap();
    entries
        .into_iter()
        .map(|entry| (entry.act.actor, entry.act.reason))
        .collect()
}

#[tokio::test]
async fn groups_make_the_role_and_the_next_login_makes_it_anew() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    let answer = log_in(&server, &provider, json!(["dev-shop", "staff"]), json!({})).await;
    assert_eq!(answer.header("location"), "/drift");
    let me = server.get("/api/v1/me", &answer.cookie()).await.json();
    assert_eq!(
        (me["name"].as_str(), me["role"].as_str()),
        (Some("maria@example.com"), Some("Operator"))
    );
    let own = server.get("/api/v1/account", &answer.cookie()).await.json();
    assert_eq!(own["groups"], json!(["dev-shop", "staff"]));
    assert_eq!(
        acts(&server, "log in company").await[0].0,
        "maria@example.com"
    );

    // The same person under another address: the account stays the same one, with the role of now.
    let more = json!({"email": "other@example.com"});
    let again = log_in(&server, &provider, json!(["platform"]), more).await;
    let me = server.get("/api/v1/me", &again.cookie()).await.json();
    assert_eq!(
        (me["name"].as_str(), me["role"].as_str()),
        (Some("maria@example.com"), Some("Admin"))
    );
    assert_eq!(acts(&server, "set role").await.len(), 1);
    // A session keeps the groups of its own login.
    let me = server.get("/api/v1/me", &answer.cookie()).await.json();
    assert_eq!(me["role"].as_str(), Some("Operator"));
}

#[tokio::test]
async fn attack_47_empty_and_missing_claims_let_nobody_in() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    for (groups, more, word) in [
        (json!([]), json!({}), "sso_groups"),
        (json!([""]), json!({}), "sso_groups"),
        (Value::Null, json!({}), "sso_groups"),
        (json!({"platform": true}), json!({}), "sso_groups"),
        (json!([1, "platform"]), json!({}), "sso_groups"),
        (json!(["guests"]), json!({}), "sso_role"),
        (json!(["role:admin"]), json!({}), "sso_role"),
        (json!(["platform"]), json!({"sub": ""}), "sso_forged"),
        (json!(["platform"]), json!({"email": null}), "sso_name"),
        (json!(["platform"]), json!({"email": ""}), "sso_name"),
        (json!(["platform"]), json!({"email": "a b"}), "sso_name"),
        (
            json!(["platform"]),
            json!({"email_verified": false}),
            "sso_email",
        ),
        (
            json!(["platform"]),
            json!({"email_verified": null}),
            "sso_email",
        ),
        // An account that is there belongs to somebody.
        (json!(["platform"]), json!({"email": "ADA"}), "sso_taken"),
    ] {
        let shown = format!("{groups} {more}");
        let log = Log::begin();
        let answer = log_in(&server, &provider, groups, more).await;
        assert_eq!(
            answer.header("location"),
            format!("/login?error={word}"),
            "{shown}"
        );
        let told = Told::Words("a login by single sign-on was refused");
        assert_refused(&server, &log, &answer, told).await;
    }
    let users = server.accounts.users(&root()).await.unwrap();
    assert_eq!(users.len(), 2, "nobody has got an account");
    let refused = acts(&server, "log in refused").await;
    assert_eq!(refused.len(), 14);
    assert!(
        refused
            .iter()
            .any(|(name, why)| name == "maria@example.com" && why.contains("no groups"))
    );
    // The page says why, and no text from outside.
    let page = server.get("/login?error=sso_groups", "").await;
    assert!(
        page.text.contains("Your login holds no groups."),
        "{}",
        page.text
    );
    assert!(page.text.contains("/login/sso/company"), "{}", page.text);
}

#[tokio::test]
async fn what_the_token_lacks_is_asked_for_and_must_be_of_the_same_person() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    for (subject, leads) in [
        ("person-1", "/drift"),
        ("person-2", "/login?error=sso_forged"),
    ] {
        let begun = begin(&server, "%2Fdrift").await;
        let mut claims = provider.claims(&begun.nonce, &json!([]));
        for name in ["groups", "email", "email_verified"] {
            claims.as_object_mut().map(|claims| claims.remove(name));
        }
        let more = json!({
            "sub": subject, "email": "maria@example.com", "email_verified": true, "groups": ["platform"],
        });
        let token = signed(&claims, 1, "one");
        let code = provider.code_with(&begun.challenge, token, more);
        let answer = come_back(&server, &begun, &code).await;
        assert_eq!(answer.header("location"), leads);
    }
}

#[tokio::test]
async fn a_disabled_account_stays_out() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    let answer = log_in(&server, &provider, json!(["platform"]), json!({})).await;
    let maria = server
        .accounts
        .user_named("maria@example.com")
        .await
        .unwrap();
    server
        .accounts
        .set_disabled(&root(), maria, true)
        .await
        .unwrap();
    assert!(!server.is_open(&answer.cookie()).await);
    let answer = log_in(&server, &provider, json!(["platform"]), json!({})).await;
    assert_eq!(answer.header("location"), "/login?error=sso_disabled");
}

#[tokio::test]
async fn tokens_count_as_long_as_the_login_is_fresh() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    let answer = log_in(&server, &provider, json!(["dev-shop"]), json!({})).await;
    let maria = server
        .accounts
        .user_named("maria@example.com")
        .await
        .unwrap();
    let actor = server.accounts.actor_of_user(maria).await.unwrap().unwrap();
    let new = NewToken {
        label: "pipeline".to_owned(),
        ..NewToken::default()
    };
    let token = server.accounts.create_token(&actor, &new).await.unwrap();
    let me = server.api("GET", "/me", &token, None).await;
    assert_eq!(me.json()["role"].as_str(), Some("Operator"));
    // Nobody sets a password, and no link opens the account.
    assert!(
        server
            .accounts
            .set_password(&root(), maria, "", PASSWORD)
            .await
            .is_err()
    );
    assert!(
        server
            .accounts
            .make_link(&root(), "maria@example.com")
            .await
            .is_err()
    );

    let known = identity::of_user(&server.store, maria)
        .await
        .unwrap()
        .unwrap();
    let mut tx = server.store.begin().await.unwrap();
    let stale = identity::IdentityRow {
        fresh_until: tx.now(),
        ..known
    };
    assert!(identity::put(&mut tx, &stale).await.unwrap());
    tx.commit().await.unwrap();
    let me = server.api("GET", "/me", &token, None).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    assert!(
        server.is_open(&answer.cookie()).await,
        "a session has ends of its own"
    );
}

#[tokio::test]
async fn logout_ends_the_session_here_and_leads_to_the_end_of_the_other() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    let answer = log_in(&server, &provider, json!(["platform"]), json!({})).await;
    let out = server.form("/logout", &answer.cookie(), "").await;
    let refresh = out.header("refresh");
    assert!(
        refresh.starts_with(&format!("0; url={}/end?", provider.issuer)),
        "{refresh}"
    );
    assert!(
        refresh.contains("id_token_hint=") && refresh.contains("client_id=lockstep"),
        "{refresh}"
    );
    assert!(
        refresh.contains("post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Flogin"),
        "{refresh}"
    );
    assert!(!server.is_open(&answer.cookie()).await);
    // Whoever came by password goes to no provider.
    let cookie = server.log_in("ada").await;
    let out = server.form("/logout", &cookie, "").await;
    assert_eq!(out.header("location"), "/login");
}

#[tokio::test]
async fn without_passwords_a_link_is_the_way_back_in() {
    let provider = Provider::start().await;
    let closed = LoginRules {
        local: false,
        ..rules(provider.entry("company"))
    };
    let server = Server::with_login(closed).await;
    let answer = server
        .form("/login", "", &login_body("ada", PASSWORD, ""))
        .await;
    assert_eq!(answer.header("location"), "/login?error=sso_only");
    let body = json!({ "name": "ada", "password": PASSWORD });
    let answer = server.api("POST", "/login", "", Some(body)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let page = server.get("/login", "").await;
    assert!(!page.text.contains("name=\"password\"") && page.text.contains("/login/sso/company"));

    let token = server.accounts.make_link(&root(), "ada").await.unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&token).to_owned();
    // Opening it uses nothing up.
    let page = server.get(&format!("/login?link={token}"), "").await;
    assert!(page.text.contains("logs you in once"), "{}", page.text);
    let answer = server
        .form("/login/link", "", &format!("token={token}"))
        .await;
    assert!(server.is_open(&answer.cookie()).await);
    let again = server
        .form("/login/link", "", &format!("token={token}"))
        .await;
    assert_eq!(again.header("location"), "/login?error=link");
    assert_eq!(acts(&server, "make login link").await.len(), 1);
}

#[tokio::test]
async fn attack_48_after_the_login_only_our_own_pages_follow() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    let log = Log::begin();
    for (next, leads) in [
        ("%2Fapps%2F1%2Fweb%3Fcluster%3Deu", "/apps/1/web?cluster=eu"),
        ("%2F%2Fevil.example", "/"),
        ("https%3A%2F%2Fevil.example", "/"),
        ("javascript%3Aalert(1)", "/"),
        ("%2F%0D%0ASet-Cookie%3Ax", "/"),
    ] {
        let begun = begin(&server, next).await;
        let claims = provider.claims(&begun.nonce, &json!(["platform"]));
        let code = provider.code(&begun.challenge, signed(&claims, 1, "one"));
        let answer = come_back(&server, &begun, &code).await;
        assert_eq!(answer.header("location"), leads, "{next}");
        assert!(!answer.text.contains("evil"), "{next}");
        assert_refused(&server, &log, &answer, StatusCode::SEE_OTHER).await;
    }
}
