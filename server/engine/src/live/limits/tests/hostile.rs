//! An API server with one ConfigMap that answers as told. A real one cannot be brought to do harm.

use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the server does to its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Harm {
    None,
    /// Lists never end.
    EndlessList,
    /// The first event of a watch never ends.
    EndlessLine,
    /// Lists are brackets within brackets.
    DeepList,
    /// So are events.
    DeepEvent,
    /// Lists are to be read from another server.
    Redirect(String),
    /// Lists are pages for people.
    Html,
    /// The whole server wants to be asked again tomorrow.
    Later,
    /// Lists fail with words that never end.
    EndlessError,
    /// Single objects never end.
    EndlessObject,
}

#[derive(Default)]
struct Heard {
    /// Method and address of each request.
    asked: Vec<String>,
    /// Bytes of each answer without an end, once its connection is cut.
    served: Vec<u64>,
}

/// The server; ends with the runtime of its test.
pub struct Fake {
    pub url: String,
    harm: watch::Sender<Harm>,
    value: watch::Sender<u64>,
    heard: Arc<Mutex<Heard>>,
}

struct Place {
    name: String,
    harm: watch::Receiver<Harm>,
    value: watch::Receiver<u64>,
    heard: Arc<Mutex<Heard>>,
}

impl Fake {
    pub async fn start(name: &str, harm: Harm) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (harm, value) = (watch::Sender::new(harm), watch::Sender::new(1));
        let heard = Arc::<Mutex<Heard>>::default();
        let place = Arc::new(Place {
            name: name.to_owned(),
            harm: harm.subscribe(),
            value: value.subscribe(),
            heard: Arc::clone(&heard),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let place = Arc::clone(&place);
                tokio::spawn(async move { place.answer(stream).await });
            }
        });
        Self {
            url,
            harm,
            value,
            heard,
        }
    }

    pub fn harm(&self, harm: Harm) {
        self.harm.send_replace(harm);
    }

    /// Changes the ConfigMap; watches say so.
    pub fn change(&self, value: &str) {
        self.value.send_replace(value.parse().unwrap());
    }

    pub fn asked(&self) -> Vec<String> {
        self.heard.lock().unwrap().asked.clone()
    }

    pub fn served(&self) -> Vec<u64> {
        self.heard.lock().unwrap().served.clone()
    }
}

impl Place {
    async fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?;
        let mut line = head.split(' ');
        let (method, address) = (line.next()?, line.next()?);
        self.heard
            .lock()
            .unwrap()
            .asked
            .push(format!("{method} {address}"));
        let harm = self.harm.borrow().clone();
        let path = address.split('?').next()?;
        if harm == Harm::Later {
            let head = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: text/plain\r\nretry-after: 86400\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlater";
            return stream.write_all(head.as_bytes()).await.ok();
        }
        match path {
            "/readyz" => whole(&mut stream, "200 OK", "text/plain", "ok").await,
            "/version" => json_of(&mut stream, json!({"gitVersion": "v1.36.0"})).await,
            "/api/v1/namespaces/kube-system" => {
                json_of(&mut stream, json!({"metadata": {"uid": self.name}})).await
            }
            "/api" => json_of(&mut stream, kinds()).await,
            "/apis" => json_of(&mut stream, groups(json!([]))).await,
            "/api/v1/configmaps" if address.contains("watch=true") => {
                self.watched(&mut stream, &harm).await
            }
            "/api/v1/configmaps" => self.listed(&mut stream, &harm).await,
            "/api/v1/namespaces/shop/configmaps/settings" if harm == Harm::EndlessObject => {
                begin(&mut stream, "200 OK", "application/json").await?;
                self.endless(&mut stream, "{\"a\": \"").await
            }
            _ => json_of(&mut stream, json!({"paths": {}})).await,
        }
    }

    async fn listed(&self, stream: &mut TcpStream, harm: &Harm) -> Option<()> {
        match harm {
            Harm::EndlessList => {
                begin(stream, "200 OK", "application/json").await?;
                self.endless(
                    stream,
                    "{\"metadata\": {\"resourceVersion\": \"1\"}, \"items\": [{\"a\": \"",
                )
                .await
            }
            Harm::EndlessError => {
                begin(stream, "500 Internal Server Error", "text/plain").await?;
                self.endless(stream, "xxxx").await
            }
            Harm::DeepList => {
                let deep = "[".repeat(200_000);
                whole(
                    stream,
                    "200 OK",
                    "application/json",
                    &format!("{{\"metadata\": {{}}, \"items\": [{deep}"),
                )
                .await
            }
            Harm::Redirect(to) => {
                let head = format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}/secret-path\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await.ok()
            }
            Harm::Html => whole(stream, "200 OK", "text/html", "<p>Please log in").await,
            _ => {
                let value = *self.value.borrow();
                let list = json!({"metadata": {"resourceVersion": value.to_string()}, "items": [config_map(value)]});
                json_of(stream, list).await
            }
        }
    }

    async fn watched(&self, stream: &mut TcpStream, harm: &Harm) -> Option<()> {
        begin(stream, "200 OK", "application/json").await?;
        match harm {
            Harm::EndlessLine => {
                return self
                    .endless(stream, "{\"type\": \"MODIFIED\", \"object\": {\"a\": \"")
                    .await;
            }
            Harm::DeepEvent => {
                let deep = "[".repeat(200_000);
                let line = format!("{{\"type\": \"MODIFIED\", \"object\": {deep}\n");
                piece(stream, &line).await?;
            }
            _ => {}
        }
        let mut value = self.value.clone();
        loop {
            let now = *value.borrow_and_update();
            let event = json!({"type": "MODIFIED", "object": config_map(now)});
            piece(stream, &format!("{event}\n")).await?;
            value.changed().await.ok()?;
        }
    }

    /// Sends until the reader has had enough, and notes how much that was.
    async fn endless(&self, stream: &mut TcpStream, first: &str) -> Option<()> {
        let filler = "x".repeat(64 * 1024);
        let mut served = 0;
        let mut next = first;
        while piece(stream, next).await.is_some() {
            served += next.len() as u64;
            next = &filler;
            // What nobody cuts off must not run for ever.
            if served > 1 << 30 {
                break;
            }
        }
        self.heard.lock().unwrap().served.push(served);
        None
    }
}

fn config_map(value: u64) -> Value {
    json!({
        "metadata": {"name": "settings", "namespace": "shop", "uid": "u", "resourceVersion": value.to_string()},
        "data": {"v": value.to_string()},
    })
}

fn groups(items: Value) -> Value {
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn kinds() -> Value {
    groups(
        json!([{"metadata": {}, "versions": [{"version": "v1", "freshness": "Current", "resources": [{
            "resource": "configmaps",
            "responseKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "scope": "Namespaced",
            "verbs": ["get", "list", "watch"],
        }]}]}]),
    )
}

async fn json_of(stream: &mut TcpStream, body: Value) -> Option<()> {
    whole(stream, "200 OK", "application/json", &body.to_string()).await
}

async fn whole(stream: &mut TcpStream, status: &str, kind: &str, body: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()
}

async fn begin(stream: &mut TcpStream, status: &str, kind: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.ok()
}

async fn piece(stream: &mut TcpStream, text: &str) -> Option<()> {
    let size = format!("{:x}\r\n", text.len());
    stream.write_all(size.as_bytes()).await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.write_all(b"\r\n").await.ok()
}
