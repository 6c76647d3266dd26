//! The rig's API server with everything the pairs need there: namespaces, definitions, the webhook; and the requests by
//! which other tools write.

use crate::cluster::{Cluster, Running};
use crate::table::{Place, definitions};
use crate::webhook::Hook;
use engine::apply::{Applier, Window};
use engine::live::{Resolve, Scope};
use engine::schema::Schema;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub struct World {
    pub cluster: Cluster,
    pub applier: Applier,
    /// The documents that describe the kinds.
    pub documents: Vec<Value>,
    running: Running,
    hook: Hook,
    /// Paths of what lives in no namespace, for the end.
    left: Mutex<Vec<String>>,
}

pub const MERGE: &str = "application/merge-patch+json";
pub const APPLY: &str = "application/apply-patch+yaml";
const JSON: &str = "application/json";
const WITHIN: Duration = Duration::from_secs(40);

impl World {
    /// `versions` are those of the kinds that will be made.
    pub async fn start(versions: &[String], cluster: Cluster, group: &str) -> Self {
        let hook = Hook::start().await;
        let mut left = Vec::new();
        for definition in definitions(group) {
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            cluster.post(path, definition.clone()).await;
            let name = definition["metadata"]["name"].as_str().unwrap();
            left.push(format!("{path}/{name}"));
        }
        for place in [Place::Pods, Place::Limits, Place::Hooked] {
            let name = namespace(&cluster.namespace, place);
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            cluster.post("/api/v1/namespaces", body).await;
            left.push(format!("/api/v1/namespaces/{name}"));
        }
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods"}, "spec": {"hard": {"pods": "0"}}});
        cluster.post(&cluster.core("resourcequotas"), quota).await;
        let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
        let hooked = namespace(&cluster.namespace, Place::Hooked);
        let configuration = hook.configuration(&hooked, group);
        let name = configuration["metadata"]["name"]
            .as_str()
            .unwrap()
            .to_owned();
        cluster.post(path, configuration).await;
        left.push(format!("{path}/{name}"));
        for path in &left {
            until_there(&cluster, path).await;
        }
        let documents = read_documents(&cluster, versions, group).await;
        let running = Running::connected(cluster.settings()).await;
        let client = running.live.client().unwrap();
        let applier = Applier::new(client, Arc::clone(&running.live) as _, Window::new(32));
        let world = Self {
            cluster,
            applier,
            documents,
            running,
            hook,
            left: Mutex::new(left),
        };
        world.until_hooked().await;
        world
    }

    /// How often the webhook was asked.
    pub fn hooked(&self) -> u64 {
        self.hook.asked()
    }

    /// The body in its namespace, if its kind lives in one.
    pub fn placed(&self, body: &Value, place: Place) -> Value {
        let mut body = body.clone();
        let (version, kind) = type_of(&body);
        let scope = self.running.live.scope(version, kind);
        match scope.unwrap_or_else(|| panic!("the cluster does not serve {version} {kind}")) {
            Scope::Namespaced => {
                body["metadata"]["namespace"] = json!(namespace(&self.cluster.namespace, place));
            }
            Scope::Cluster => {}
        }
        body
    }

    /// Where the object is, and its collection.
    pub fn path(&self, body: &Value, version: &str) -> (String, String) {
        let (_, kind) = type_of(body);
        let resource = self.running.live.resolve(version, kind);
        let resource =
            resource.unwrap_or_else(|| panic!("the cluster does not serve {version} {kind}"));
        let text = |pointer: &str| {
            body.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let namespace = text("/metadata/namespace");
        (
            resource.object(namespace, text("/metadata/name")),
            resource.collection(namespace),
        )
    }

    /// Notes an object for the end.
    pub fn made(&self, body: &Value) {
        if body.pointer("/metadata/namespace").is_none() {
            let (version, _) = type_of(body);
            let (path, _) = self.path(body, version);
            self.left.lock().unwrap().push(path);
        }
    }

    /// One request, tried again while others write the same object.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        content: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, content)
            .body(body)
            .unwrap();
        let answer = self.cluster.admin.request(request).await;
        answer.map_err(|error| format!("{method} {path}: {error}"))
    }

    pub async fn get(&self, path: &str) -> Result<Value, String> {
        self.send("GET", path, JSON, &Value::Null).await
    }

    /// Creates as a client does that does not apply on the server.
    pub async fn create(&self, body: &Value, manager: &str) -> Result<Value, String> {
        let (_, collection) = self.path(body, type_of(body).0);
        let path = format!("{collection}?fieldManager={manager}");
        self.send("POST", &path, JSON, body).await
    }

    /// Applies on the server, as somebody else.
    pub async fn apply_as(&self, body: &Value, manager: &str) -> Result<Value, String> {
        let (object, _) = self.path(body, type_of(body).0);
        let path = format!("{object}?fieldManager={manager}&force=true");
        self.send("PATCH", &path, APPLY, body).await
    }

    /// Changes the live object as `kubectl edit` does.
    pub async fn edit(&self, path: &str, change: impl Fn(&Value) -> Value) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..8 {
            let live = self.get(path).await?;
            let put = format!("{path}?fieldManager=kubectl-edit");
            match self.send("PUT", &put, JSON, &change(&live)).await {
                Ok(_) => return Ok(()),
                Err(error) if error.contains("object has been modified") => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// The webhook is known to the API server a while after it was registered.
    async fn until_hooked(&self) {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}, "data": {"stamped": "no"}});
        let body = self.placed(&body, Place::Hooked);
        let (_, collection) = self.path(&body, "v1");
        let deadline = Instant::now() + WITHIN;
        loop {
            let path = format!("{collection}?dryRun=All");
            let answer = self.send("POST", &path, JSON, &body).await.unwrap();
            if answer["data"]["stamped"] != "no" {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "the API server does not call the webhook"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Takes away everything that was made.
    pub async fn end(self) {
        let left = self.left.into_inner().unwrap();
        self.running.stop().await;
        for path in left.iter().rev() {
            self.cluster.delete(path).await;
        }
        self.cluster.end().await;
        self.hook.stop();
    }
}

/// `apiVersion` and `kind`.
pub fn type_of(body: &Value) -> (&str, &str) {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    (text("apiVersion"), text("kind"))
}

fn namespace(first: &str, place: Place) -> String {
    match place {
        Place::Quiet => first.to_owned(),
        Place::Pods => format!("{first}-pods"),
        Place::Limits => format!("{first}-limits"),
        Place::Hooked => format!("{first}-hooked"),
    }
}

async fn until_there(cluster: &Cluster, path: &str) {
    let deadline = Instant::now() + WITHIN;
    loop {
        let object = cluster.get(path).await.unwrap_or_default();
        let conditions = object
            .pointer("/status/conditions")
            .and_then(Value::as_array);
        let established = conditions.is_some_and(|all| {
            all.iter()
                .any(|one| one["type"] == "Established" && one["status"] == "True")
        });
        if established || (object.is_object() && object["kind"] != "CustomResourceDefinition") {
            return;
        }
        assert!(Instant::now() < deadline, "{path} is not there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The documents of these versions; those of the custom group come a while after its definitions.
async fn read_documents(cluster: &Cluster, versions: &[String], group: &str) -> Vec<Value> {
    let deadline = Instant::now() + WITHIN;
    let custom = format!("{group}/v1");
    let kinds: Vec<Value> = definitions(group);
    loop {
        let index = cluster.get("/openapi/v3").await.unwrap();
        let mut documents = Vec::new();
        let mut described = false;
        for version in versions {
            let root = if version.contains('/') { "apis" } else { "api" };
            let url = &index["paths"][format!("{root}/{version}")]["serverRelativeURL"];
            let Some(url) = url.as_str() else {
                continue;
            };
            let Some(document) = cluster.get(url).await else {
                continue;
            };
            if *version == custom {
                let schema = Schema::from_openapi_v3([&document]);
                let known = |kind: &Value| {
                    let name = kind["spec"]["names"]["kind"].as_str();
                    name.is_some_and(|name| schema.knows(&custom, name))
                };
                described = kinds.iter().all(known);
            }
            documents.push(document);
        }
        if documents.len() == versions.len() && described {
            return documents;
        }
        assert!(
            Instant::now() < deadline,
            "the cluster does not describe its kinds"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
