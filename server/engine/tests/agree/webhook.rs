//! A mutating webhook: HTTPS on a loopback port, with a certificate of its own that is good for nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

const PEM: &str = include_str!("webhook.pem");

pub struct Hook {
    address: SocketAddr,
    asked: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Hook {
    pub async fn start() -> Self {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(PEM.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(PEM.as_bytes()).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain.unwrap(), key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, Arc::clone(&count)));
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    pub fn stop(self) {
        self.task.abort();
    }

    /// What registers it, for one namespace.
    pub fn configuration(&self, namespace: &str, group: &str) -> Value {
        let rule = |group: &str, resources: Value| json!({"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": resources});
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [{
                "name": "change.agree.example.com",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Ignore",
                "clientConfig": {"url": format!("https://{}/change", self.address), "caBundle": STANDARD.encode(certificate())},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "rules": [rule("apps", json!(["deployments"])), rule("", json!(["configmaps"])), rule(group, json!(["widgets"]))],
            }],
        })
    }
}

/// The file without its key.
fn certificate() -> &'static str {
    let at = PEM.find("-----BEGIN CERTIFICATE").unwrap();
    &PEM[at..]
}

/// Answers one connection, request after request.
async fn serve(acceptor: TlsAcceptor, stream: TcpStream, asked: Arc<AtomicU64>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            match stream.read_line(&mut line).await {
                Ok(1..) if line.trim().is_empty() => break,
                Ok(1..) => {}
                _ => return,
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        asked.fetch_add(1, Ordering::Relaxed);
        let answer = answer(&body).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        if stream
            .write_all(format!("{head}{answer}").as_bytes())
            .await
            .is_err()
            || stream.flush().await.is_err()
        {
            return;
        }
    }
}

fn answer(body: &[u8]) -> Value {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let before = &review["request"]["object"];
    let mut after = before.clone();
    change(&mut after);
    let patch = serde_json::to_string(&json_patch::diff(before, &after)).unwrap();
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(patch)},
    })
}

/// The same again changes nothing more, as a good webhook does it.
fn change(object: &mut Value) {
    const MIRROR: &str = "mirror.example.com/";
    match object["kind"].as_str() {
        Some("Deployment") => {
            object["metadata"]["annotations"]["example.com/hooked"] = json!("yes");
            let tolerations = object.pointer_mut("/spec/template/spec/tolerations");
            for toleration in tolerations
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                if toleration["effect"] == "NoExecute" {
                    toleration["tolerationSeconds"] = json!(5);
                }
            }
            let containers = object.pointer_mut("/spec/template/spec/containers");
            let Some(containers) = containers.and_then(Value::as_array_mut) else {
                return;
            };
            for container in containers.iter_mut() {
                let image = container["image"].as_str().unwrap_or_default();
                if !image.starts_with(MIRROR) {
                    container["image"] = json!(format!("{MIRROR}{image}"));
                }
            }
            if !containers
                .iter()
                .any(|container| container["name"] == "added")
            {
                containers.push(json!({"name": "added", "image": format!("{MIRROR}added:1")}));
            }
        }
        Some("ConfigMap") if object.pointer("/data/stamped").is_some() => {
            object["data"]["stamped"] = json!("yes");
        }
        Some("Widget") => object["spec"]["mode"] = json!("forced"),
        _ => {}
    }
}
