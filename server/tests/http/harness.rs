//! One server of a test: router, store, and a client that keeps a cookie.

use crate::fake::Fake;
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode, header};
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::UserId;
use lockstep_types::ports::{Accounts, ControlPlane};
use server::accounts::AccountService;
use server::config::{Allow, LoginRules, PublicUrl, SessionLimits};
use server::events::Hub;
use server::http::{Web, WebSettings, router};
use server::secrets::Vault;
use server::sso::SingleSignOn;
use server::store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse battery";

/// See the module.
pub struct Server {
    pub router: Router,
    pub store: Store,
    pub accounts: AccountService,
    pub fake: Arc<Fake>,
    pub host: &'static str,
    _folder: tempfile::TempDir,
    _follow: DropGuard,
}

/// An answer, read whole.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answered {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// `name=value` of the cookie that was set.
    pub fn cookie(&self) -> String {
        self.header("set-cookie")
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| serde_json::Value::String(self.text.clone()))
    }
}

impl Server {
    /// On plain http loopback, with an administrator `ada` and a viewer `vic`.
    pub async fn start() -> Self {
        Self::at("http://localhost:8080", SessionLimits::default()).await
    }

    pub async fn at(url: &str, session: SessionLimits) -> Self {
        let server = Self::empty(url, session).await;
        server.user("ada", Role::Admin).await;
        server.user("vic", Role::Viewer).await;
        server
    }

    /// With these ways in, an administrator `ada` and a viewer `vic`.
    pub async fn with_login(rules: LoginRules) -> Self {
        let server = Self::build(
            "http://localhost:8080",
            SessionLimits::default(),
            rules,
            &[],
        )
        .await;
        server.user("ada", Role::Admin).await;
        server.user("vic", Role::Viewer).await;
        server
    }

    /// As [`Server::start`], behind proxies that are believed.
    pub async fn behind(proxies: &[std::net::IpAddr]) -> Self {
        let url = "http://localhost:8080";
        let rules = LoginRules::default();
        let server = Self::build(url, SessionLimits::default(), rules, proxies).await;
        server.user("ada", Role::Admin).await;
        server.user("vic", Role::Viewer).await;
        server
    }

    /// Without accounts.
    pub async fn empty(url: &str, session: SessionLimits) -> Self {
        Self::build(url, session, LoginRules::default(), &[]).await
    }

    async fn build(
        url: &str,
        session: SessionLimits,
        rules: LoginRules,
        proxies: &[std::net::IpAddr],
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        crate::log::install();
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        std::fs::create_dir_all(site.join("pkg")).unwrap();
        std::fs::write(site.join("pkg/lockstep.css"), "body{}").unwrap();
        std::fs::write(site.join("pkg/lockstep.js"), "export{}").unwrap();
        std::fs::write(site.join("pkg/lockstep.wasm"), "\0asm").unwrap();
        std::fs::write(site.join("icon.svg"), "<svg/>").unwrap();
        std::fs::write(folder.path().join("secret.txt"), "outside").unwrap();
        let url_of_db = format!("sqlite:{}", folder.path().join("lockstep.db").display());
        let store = Store::open(&url_of_db).await.unwrap();
        store.migrate().await.unwrap();
        let public_url = PublicUrl::parse(url, false).unwrap();
        let sso = SingleSignOn::new(&rules, &public_url, &Allow::Nothing).unwrap();
        let accounts = AccountService::open(store.clone())
            .await
            .unwrap()
            .with_rules(rules)
            .with_vault(Vault::open(folder.path(), None).unwrap());
        let hub = Hub::new(store.clone());
        let cancel = CancellationToken::new();
        tokio::spawn(hub.clone().follow(cancel.clone()));
        let fake = Arc::new(Fake::default());
        let plane = ControlPlane {
            fleet: fake.clone(),
            applications: fake.clone(),
            objects: fake.clone(),
            syncs: fake.clone(),
            rollbacks: fake.clone(),
            editing: fake.clone(),
            clusters: fake.clone(),
            leftovers: fake.clone(),
            sources: fake.clone(),
            webhooks: fake.clone(),
            access: fake.clone(),
            alerts: fake.clone(),
            accounts: Arc::new(accounts.clone()),
            events: Arc::new(hub),
            cage: lockstep_types::about::Cage::default(),
        };
        let settings = WebSettings {
            public_url,
            session,
            trusted_proxies: proxies.to_vec(),
            site_root: site,
        };
        Self {
            router: router(Web::new(plane, accounts.clone(), settings).with_sso(sso)),
            store,
            accounts,
            fake,
            host: if url.starts_with("https") {
                "lockstep.test"
            } else {
                "localhost:8080"
            },
            _folder: folder,
            _follow: cancel.drop_guard(),
        }
    }

    pub async fn user(&self, name: &str, role: Role) -> UserId {
        self.accounts
            .create_user(&root(), name, PASSWORD, role)
            .await
            .unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn answer(&self, request: Request<Body>) -> Answered {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = tokio::time::timeout(Duration::from_secs(30), self.send(request))
            .await
            .unwrap_or_else(|_| panic!("{what} had no answer for 30 s"));
        let (parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 22).await.unwrap();
        Answered {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A request as a browser on one of our pages sends it.
    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.host)
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html,*/*")
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answered {
        let request = self.request("GET", path).header(header::COOKIE, cookie);
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    pub async fn form(&self, path: &str, cookie: &str, body: &str) -> Answered {
        let request = self
            .request("POST", path)
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.answer(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// Without cookie, with a token, as the command line does it.
    pub async fn api(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<serde_json::Value>,
    ) -> Answered {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, self.host);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.answer(request.body(body).unwrap()).await
    }

    /// Logs in by the form and gives the cookie.
    pub async fn log_in(&self, name: &str) -> String {
        let answer = self
            .form("/login", "", &login_body(name, PASSWORD, ""))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.cookie()
    }

    /// Logs in by the API and gives the token.
    pub async fn token(&self, name: &str) -> String {
        let body = serde_json::json!({ "name": name, "password": PASSWORD });
        let answer = self.api("POST", "/login", "", Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Whether this cookie still opens the API.
    pub async fn is_open(&self, cookie: &str) -> bool {
        self.get("/api/v1/me", cookie).await.status == StatusCode::OK
    }
}

/// Somebody who may do everything.
pub fn root() -> Actor {
    Actor {
        user: UserId(uuid::Uuid::nil()),
        name: "test".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    }
}

pub fn login_body(name: &str, password: &str, next: &str) -> String {
    format!(
        "name={name}&password={}&next={next}",
        password.replace(' ', "+")
    )
}
