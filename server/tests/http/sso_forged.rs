//! What is forged, old, or meant for somebody else lets nobody in, and the server goes on serving.

use crate::harness::{Answered, Server};
use crate::log::{Log, Told, assert_refused};
use crate::provider::{Provider, now, signed, token};
use crate::sso::{begin, come_back, rules};
use hmac::{Hmac, Mac};
use http::StatusCode;
use serde_json::{Value, json};
use server::config::{LoginRules, PasswordFrom};

/// The client's secret, and a file with it.
const SECRET: &str = "the secret of the client";

async fn refused(
    server: &Server,
    log: &Log,
    answer: &Answered,
    cookie: &str,
    word: &str,
    case: &str,
) {
    let location = answer.header("location");
    assert_eq!(location, format!("/login?error={word}"), "{case}");
    assert!(!server.is_open(cookie).await, "{case}");
    // Of what no login here has begun only the request is in the log: anybody can open that address.
    let told = match word {
        "sso_stray" => Told::Status(StatusCode::SEE_OTHER),
        _ => Told::Words("a login by single sign-on was refused"),
    };
    assert_refused(server, log, answer, told).await;
}

#[tokio::test]
async fn attack_46_tokens_that_are_not_genuine() {
    let provider = Provider::start().await;
    let other = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET).unwrap();
    let mut entry = provider.entry("company");
    entry.secret = Some(PasswordFrom::File(file));
    let server = Server::with_login(rules(entry)).await;
    let by_secret = |text: &[u8]| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(text);
        mac.finalize().into_bytes().to_vec()
    };
    type Bend = Box<dyn Fn(Value) -> String>;
    let with = |name: &'static str, value: Value| -> Bend {
        Box::new(move |mut claims| {
            claims[name] = value.clone();
            signed(&claims, 1, "one")
        })
    };
    let cases: Vec<(&str, Bend)> = vec![
        (
            "alg none",
            Box::new(|claims| token(&json!({"alg": "none"}), &claims, |_| Vec::new())),
        ),
        (
            "alg none with the signature of another",
            Box::new(|claims| {
                let real = signed(&claims, 1, "one");
                let signature = real.rsplit('.').next().unwrap_or_default().to_owned();
                let bare = token(&json!({"alg": "none"}), &claims, |_| Vec::new());
                format!("{bare}{signature}")
            }),
        ),
        (
            "signed by the client's own secret",
            Box::new(move |claims| token(&json!({"alg": "HS256"}), &claims, by_secret)),
        ),
        (
            "another key under the same id",
            Box::new(|claims| signed(&claims, 9, "one")),
        ),
        (
            "a key that is not published",
            Box::new(|claims| signed(&claims, 9, "nine")),
        ),
        (
            "claims changed after signing",
            Box::new(|claims| {
                let real = signed(&claims, 1, "one");
                let mut more = claims.clone();
                more["sub"] = json!("somebody else");
                let bent = signed(&more, 1, "one");
                let body = bent.split('.').nth(1).unwrap_or_default().to_owned();
                let parts: Vec<&str> = real.split('.').collect();
                format!("{}.{body}.{}", parts[0], parts[2])
            }),
        ),
        ("no token at all", Box::new(|_| "x".to_owned())),
        ("another audience", with("aud", json!("another"))),
        (
            "one audience more",
            with("aud", json!(["lockstep", "another"])),
        ),
        ("no audience", with("aud", json!([]))),
        ("made for another client", with("azp", json!("another"))),
        ("another issuer", with("iss", json!(other.issuer))),
        ("expired", with("exp", json!(now() - 1))),
        ("issued in the future", with("iat", json!(now() + 3600))),
        ("another nonce", with("nonce", json!("another"))),
        ("no nonce", with("nonce", Value::Null)),
    ];
    for (case, bend) in cases {
        let log = Log::begin();
        let begun = begin(&server, "%2F").await;
        let claims = provider.claims(&begun.nonce, &json!(["platform"]));
        let code = provider.code(&begun.challenge, bend(claims));
        let answer = come_back(&server, &begun, &code).await;
        let word = if case == "no token at all" {
            "sso_down"
        } else {
            "sso_forged"
        };
        refused(&server, &log, &answer, &begun.cookie, word, case).await;
    }
}

#[tokio::test]
async fn attack_47_answers_that_belong_to_another_login() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    let log = Log::begin();
    let genuine = |begun: &crate::sso::Begun| {
        let claims = provider.claims(&begun.nonce, &json!(["platform"]));
        provider.code(&begun.challenge, signed(&claims, 1, "one"))
    };
    // A state that was not given, and none.
    for state in ["forged", ""] {
        let begun = begin(&server, "%2F").await;
        let code = genuine(&begun);
        let path = format!("/login/sso/company/callback?code={code}&state={state}");
        let answer = server.get(&path, &begun.cookie).await;
        refused(&server, &log, &answer, &begun.cookie, "sso_stray", state).await;
    }
    // The address of a login in a browser that did not begin it: the attacker's account must not open there.
    let begun = begin(&server, "%2F").await;
    let code = genuine(&begun);
    let path = format!(
        "/login/sso/company/callback?code={code}&state={}",
        begun.state
    );
    for cookie in ["", "lockstep=AAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = server.get(&path, cookie).await;
        refused(
            &server,
            &log,
            &answer,
            cookie,
            "sso_stray",
            "another browser",
        )
        .await;
    }
    // A code of somebody else's login in one's own: the verifier does not fit.
    let (mine, theirs) = (begin(&server, "%2F").await, begin(&server, "%2F").await);
    let answer = come_back(&server, &mine, &genuine(&theirs)).await;
    refused(
        &server,
        &log,
        &answer,
        &mine.cookie,
        "sso_denied",
        "another's code",
    )
    .await;
    // A token of somebody else's login behind one's own code: the nonce does not fit.
    let (mine, theirs) = (begin(&server, "%2F").await, begin(&server, "%2F").await);
    let claims = provider.claims(&theirs.nonce, &json!(["platform"]));
    let code = provider.code(&mine.challenge, signed(&claims, 1, "one"));
    let answer = come_back(&server, &mine, &code).await;
    refused(
        &server,
        &log,
        &answer,
        &mine.cookie,
        "sso_forged",
        "another's token",
    )
    .await;
    // The same answer twice.
    let begun = begin(&server, "%2F").await;
    let code = genuine(&begun);
    let answer = come_back(&server, &begun, &code).await;
    assert_eq!(answer.header("location"), "/");
    let cookie = answer.cookie();
    for jar in [&begun.cookie, &cookie] {
        let path = format!(
            "/login/sso/company/callback?code={code}&state={}",
            begun.state
        );
        let again = server.get(&path, jar).await;
        assert_eq!(again.header("location"), "/login?error=sso_stray");
    }
    assert!(
        server.is_open(&cookie).await,
        "a replay ends nobody's session"
    );
}

#[tokio::test]
async fn attack_47_a_second_issuer_does_not_speak_for_the_first() {
    let (one, two) = (Provider::start().await, Provider::start().await);
    let both = LoginRules {
        local: true,
        providers: vec![one.entry("company"), two.entry("partner")],
    };
    let server = Server::with_login(both).await;
    let log = Log::begin();
    // Begun at one, brought back to the other.
    let begun = begin(&server, "%2F").await;
    let claims = two.claims(&begun.nonce, &json!(["platform"]));
    let code = two.code(&begun.challenge, signed(&claims, 1, "one"));
    let path = format!(
        "/login/sso/partner/callback?code={code}&state={}",
        begun.state
    );
    let answer = server.get(&path, &begun.cookie).await;
    refused(
        &server,
        &log,
        &answer,
        &begun.cookie,
        "sso_stray",
        "the other",
    )
    .await;
    // The answer says itself that it is another's.
    let begun = begin(&server, "%2F").await;
    let path = format!(
        "/login/sso/company/callback?code=x&state={}&iss={}",
        begun.state, two.issuer
    );
    let answer = server.get(&path, &begun.cookie).await;
    refused(
        &server,
        &log,
        &answer,
        &begun.cookie,
        "sso_forged",
        "by its own word",
    )
    .await;
    // The same subject and address at both are two persons: the second gets no account of the first.
    let begun = begin(&server, "%2F").await;
    let claims = one.claims(&begun.nonce, &json!(["platform"]));
    let code = one.code(&begun.challenge, signed(&claims, 1, "one"));
    assert_eq!(
        come_back(&server, &begun, &code).await.header("location"),
        "/"
    );
    let answer = server.get("/login/sso/partner", "").await;
    let (cookie, address) = (answer.cookie(), answer.header("location").to_owned());
    let value = |name: &str| {
        let mut pairs = address
            .split(['?', '&'])
            .filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    };
    let claims = two.claims(&value("nonce"), &json!(["platform"]));
    let code = two.code(&value("code_challenge"), signed(&claims, 1, "one"));
    let path = format!(
        "/login/sso/partner/callback?code={code}&state={}",
        value("state")
    );
    let answer = server.get(&path, &cookie).await;
    refused(
        &server,
        &log,
        &answer,
        &cookie,
        "sso_taken",
        "the same subject",
    )
    .await;
}

#[tokio::test]
async fn keys_change_without_anybody_doing_anything() {
    let provider = Provider::start().await;
    let server = Server::with_login(rules(provider.entry("company"))).await;
    for (keys, seed, kid) in [
        (vec![(1, "one")], 1, "one"),
        (vec![(1, "one"), (2, "two")], 2, "two"),
        (vec![(3, "three")], 3, "three"),
    ] {
        provider.publish(&keys);
        let begun = begin(&server, "%2F").await;
        let claims = provider.claims(&begun.nonce, &json!(["platform"]));
        let code = provider.code(&begun.challenge, signed(&claims, seed, kid));
        let answer = come_back(&server, &begun, &code).await;
        assert_eq!(answer.header("location"), "/", "{kid}");
    }
    // The keys of before count no more.
    let begun = begin(&server, "%2F").await;
    let claims = provider.claims(&begun.nonce, &json!(["platform"]));
    let code = provider.code(&begun.challenge, signed(&claims, 1, "one"));
    let answer = come_back(&server, &begun, &code).await;
    assert_eq!(answer.header("location"), "/login?error=sso_forged");
}

#[tokio::test]
async fn what_the_provider_and_other_sites_may_do_to_the_way_there() {
    let provider = Provider::start().await;
    let mut entry = provider.entry("company");
    let server = Server::with_login(rules(entry.clone())).await;
    // Another site begins no login here.
    let request = server
        .request("GET", "/login/sso/company?next=%2Fdrift")
        .header("sec-fetch-site", "cross-site");
    let mut request = request.body(axum::body::Body::empty()).unwrap();
    request
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    let answer = server.answer(request).await;
    assert_eq!(answer.header("location"), "/login?next=/drift");
    // What the provider says of an error is not repeated.
    let begun = begin(&server, "%2F").await;
    let path = format!(
        "/login/sso/company/callback?error=access_denied&error_description=<b>&state={}",
        begun.state
    );
    let answer = server
        .get(&path.replace("<b>", "%3Cb%3E"), &begun.cookie)
        .await;
    assert_eq!(answer.header("location"), "/login?error=sso_denied");
    assert_eq!(
        server.get("/login/sso/nobody", "").await.header("location"),
        "/login?error=sso_stray"
    );
    // A provider that is not there: the server serves, and the page says so.
    entry.issuer = "http://127.0.0.1:9".to_owned();
    let server = Server::with_login(rules(entry.clone())).await;
    assert_eq!(
        server
            .get("/login/sso/company", "")
            .await
            .header("location"),
        "/login?error=sso_down"
    );
    // Plain http to another machine is not asked at all.
    entry.issuer = "http://id.example.com".to_owned();
    let server = Server::with_login(rules(entry)).await;
    assert_eq!(
        server
            .get("/login/sso/company", "")
            .await
            .header("location"),
        "/login?error=sso_down"
    );
}
