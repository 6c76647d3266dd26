//! What is asked for: the addresses, bodies and forms of every route, function and page, all of them good, and all of them
//! about the same things.

use super::reading::JSON;
use super::world::World;
use lockstep_types::resource::ResourceKey;
use serde_json::{Value, json};
use std::fmt::Write as _;

const FORM: &str = "application/x-www-form-urlencoded";
const ANOTHER_PASSWORD: &str = "another horse battery staple";

impl World {
    /// What every question names, by the names that functions and bodies use.
    fn site(&self) -> Value {
        let things = &self.things;
        json!({
            "id": self.application(), "target": things.target, "run": things.run, "operation": things.operation,
            "approval": things.approval, "ask": things.ask, "hold": things.hold, "pin": things.pin, "user": things.user,
            "token": things.token, "session": things.session, "receiver": things.receiver, "route": things.route,
            "host": things.host, "source": self.bench.source, "cluster": "prod-eu", "name": "prod-eu", "filter": "",
            "show_all": false, "include_closed": false, "kind": "", "repo": things.repository, "sha": things.commit,
            "from": things.head, "to": things.head, "reason": "x", "hours": 1, "back": "/", "digest": "d", "yes": true,
            "deploy": false, "typed": "x", "prune": false, "label": "x", "disabled": false, "old": "",
            "new": ANOTHER_PASSWORD, "password": ANOTHER_PASSWORD, "role": "viewer", "action": "sync",
            "object": "shop/cart", "theme": "dark", "kubeconfig": "x", "home_cluster": "",
            "repo_url": "https://git.example.com/x.git", "way": "commit", "code": "000000", "minutes": 5, "of": "",
            "at": "1h", "until": "", "undo": false, "revision": things.head, "judgement": "none", "template": "x",
        })
    }

    fn application(&self) -> String {
        self.application.to_string()
    }

    /// An address of the API with everything filled in.
    pub(in crate::control_plane::tests) fn api_path(&self, path: &str) -> String {
        let things = &self.things;
        let mut parts = path.split('/').skip(1);
        let (kind, below) = (parts.next().unwrap_or_default(), parts.next());
        let id = match (kind, below) {
            ("notify", Some("receivers")) => things.receiver.to_string(),
            ("notify", Some("routes")) => things.route.to_string(),
            ("notify", Some("status-hosts")) => things.host.to_string(),
            ("operations", _) => things.operation.to_string(),
            ("runs", _) => things.run.to_string(),
            ("rollbacks", _) => things.ask.to_string(),
            ("approvals", _) => things.approval.to_string(),
            ("pins", _) => things.pin.to_string(),
            ("holds", _) => things.hold.to_string(),
            ("sources", _) => self.bench.source.to_string(),
            ("users", _) => things.user.to_string(),
            ("tokens", _) => things.token.to_string(),
            ("sessions", _) => things.session.to_string(),
            ("apps", _) => self.application(),
            _ => uuid::Uuid::nil().to_string(),
        };
        let target = match kind {
            "leftovers" => things.left,
            _ => things.target,
        };
        let mut filled = path
            .replace("{id}", &id)
            .replace("{target}", &target.to_string())
            .replace("{sha}", &things.commit.0)
            .replace("{repo}", &things.repository)
            .replace("{name}", "prod-eu");
        let key = ResourceKey::new("", "ConfigMap", "shop", "cart").to_string();
        let key = key.replace('/', "%2F");
        if path.ends_with("/resource") || path.ends_with("/blame") {
            let _ = write!(filled, "?key={key}");
        } else if path.ends_with("/compare") {
            let _ = write!(filled, "?from={0}&to={0}", things.head);
        } else if path.ends_with("/rollback/preview") {
            let _ = write!(filled, "?to={}", things.head);
        } else if path.ends_with("/accept/preview") {
            let _ = write!(filled, "?key={key}&path=data.greeting");
        } else if path.ends_with("/promote/preview") {
            let _ = write!(filled, "?from={}", things.target);
        } else if path.ends_with("/past") {
            filled.push_str("?at=1h");
        } else if path == "/preview" {
            filled.push_str("?reference=main");
        } else if path.ends_with("/can") {
            filled.push_str("?action=sync&object=shop/cart");
        }
        filled
    }

    /// The body of a route of the API.
    pub(in crate::control_plane::tests) fn api_body(&self, path: &str) -> Value {
        let site = self.site();
        let edit = json!({"source": self.bench.source, "kind": "Add", "path": "definitions/new.yaml", "text": "a: 1", "base": self.things.head});
        let fields: &[&str] = match path.rsplit('/').next().unwrap_or_default() {
            // It would take the policy away from all that follow.
            "source" => return json!({"source": uuid::Uuid::nil()}),
            "sources" => &["name", "repo_url", "home_cluster"],
            "clusters" => &["name", "kubeconfig"],
            "receivers" => return new_receiver(),
            "routes" => return json!({"receiver": self.things.receiver}),
            "status-hosts" => return new_host(),
            "rules" => {
                return json!({"dwell": {"drift": 60}, "gather_seconds": 30, "apart_seconds": 300});
            }
            "log-level" => return json!({"level": "debug"}),
            "retention" => return json!({"days": 90}),
            "sync" => &["prune"],
            "rollback" => &["to", "digest", "reason"],
            "pin" => &["to", "reason", "hours"],
            "mark" => &["revision"],
            "hold" => &["reason", "hours"],
            "take-over" => &["digest"],
            "remove" => return json!({"digest": "d", "typed": "old"}),
            "disabled" => &["disabled"],
            "password" => &["old", "new"],
            "users" => {
                return json!({"name": "anew", "password": ANOTHER_PASSWORD, "role": "Viewer"});
            }
            "automation" => return json!({"name": "robot", "role": "Viewer"}),
            "tokens" => &["label"],
            "rotate" => &["minutes"],
            "act" => return json!({"object": "/ConfigMap:shop/cart", "action": "restart"}),
            "accept" => {
                return json!({"key": "/ConfigMap:shop/cart", "path": "data.greeting", "digest": "d"});
            }
            "promote" => return json!({"from": self.things.target, "digest": "d"}),
            "image" => return json!({"images": ["web=2"]}),
            "preview" if path.starts_with("/notify") => &["template"],
            "preview" => return edit,
            "edits" => return json!({"edit": edit, "digest": "d"}),
            "template" => return new_application(),
            _ if path.starts_with("/approvals/") || path.starts_with("/rollbacks/") => {
                &["digest", "yes"]
            }
            _ => &[],
        };
        let given = fields.iter().map(|name| {
            let value = site[*name].clone();
            ((*name).to_owned(), value)
        });
        Value::Object(given.collect())
    }

    /// Content type and body of a call of a server function.
    pub(super) fn call(&self, name: &str) -> (&'static str, String) {
        let mut site = self.site();
        let things = &self.things;
        if JSON.contains(&name) {
            match name {
                "resource" | "blame" | "accept_preview" => {
                    site["path"] = json!("data.greeting");
                    site["key"] = json!({"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "cart"});
                }
                "preview" => site["back"] = json!("State"),
                "activity" => site["approval"] = json!(""),
                "parity" => site["query"] = json!({}),
                "promotion" => {
                    site["from"] = json!(things.target);
                    site["to"] = json!(things.target);
                    site["everywhere"] = json!(false);
                }
                "removal" => site["target"] = json!(things.left),
                "log_view" => site["query"] = json!({}),
                "alerts" => site["query"] = json!({"filter": "", "resolved": false, "after": null}),
                "upcoming" => site["query"] = json!({"repo": "", "reference": "main", "onto": ""}),
                "edit_draft" => site["subject"] = json!({"Application": self.application()}),
                "edit_template" => site["new"] = new_application(),
                "access_can" => site["subject"] = json!(""),
                _ => {}
            }
            return ("application/json", site.to_string());
        }
        match name {
            // It would take the policy away from all that follow.
            "choose_policy_source" => site["source"] = json!("nothing"),
            "act" => {
                site["object"] = json!("/ConfigMap:shop/cart");
                site["kind"] = json!("restart");
                site["uid"] = json!("");
            }
            "accept" => {
                site["object"] = json!("/ConfigMap:shop/cart");
                site["path"] = json!("data.greeting");
            }
            "hold" => site["kind"] = json!("both"),
            "promote" => {
                site["from"] = json!(things.target);
                site["to"] = json!(things.target);
                site["way"] = json!("");
            }
            "set_retention" => site["days"] = json!("90"),
            "remove_leftovers" | "leave_leftovers" => {
                site["target"] = json!(things.left);
                site["typed"] = json!("old");
            }
            "end_session" => site["user"] = json!(self.admin.user),
            "create_automation" => site["name"] = json!("machine"),
            "set_rules" => {
                site["rules"] = json!({"dwell": {"drift": "60"}, "gather_seconds": "30", "apart_seconds": "300"});
            }
            "add_receiver" => site["new"] = new_receiver(),
            "add_route" => site["new"] = json!({"receiver": things.receiver}),
            "add_status_host" => site["new"] = new_host(),
            _ => {}
        }
        let mut form = String::new();
        fields(&mut form, "", &site);
        (FORM, form)
    }

    /// The address of a page with everything filled in.
    pub(super) fn page_path(&self, path: &str) -> String {
        let things = &self.things;
        let id = match path.split('/').nth(1).unwrap_or_default() {
            "apps" => self.application(),
            "sources" => self.bench.source.to_string(),
            "operations" => things.operation.to_string(),
            _ => things.run.to_string(),
        };
        let name = match path.starts_with("/clusters") {
            true => "prod-eu",
            false => "cart",
        };
        let filled = path
            .replace("{id}", &id)
            .replace("{name}", name)
            .replace("{repo}", &things.repository)
            .replace("{sha}", &things.commit.0)
            .replace("{target}", &things.left.to_string());
        match path.rsplit('/').next().unwrap_or_default() {
            "rollback" => format!("{filled}?cluster=prod-eu&to={}", things.commit),
            "accept" => {
                format!("{filled}?cluster=prod-eu&node=%2FConfigMap:shop%2Fcart&path=data.greeting")
            }
            "preview" => format!("{filled}?ref=main"),
            _ => filled,
        }
    }
}

fn new_receiver() -> Value {
    json!({"name": "hook", "channel": "webhook", "address": "https://hooks.example.com/x"})
}

fn new_host() -> Value {
    json!({"prefix": "https://git.example.com/team/", "provider": "github"})
}

fn new_application() -> Value {
    json!({
        "name": "till", "project": "shop", "repo_url": "https://git.example.com/x.git", "path": "apps/till",
        "target_revision": "main", "cluster": "prod-eu", "namespace": "shop", "automated": true, "prune": false,
        "self_heal": false, "create_namespace": false,
    })
}

/// The fields of a form; those within others in brackets.
fn fields(form: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(map) => {
            for (inner, value) in map {
                let name = match name {
                    "" => inner.clone(),
                    outer => format!("{outer}[{inner}]"),
                };
                fields(form, &name, value);
            }
        }
        Value::String(text) => pair(form, name, text),
        other => pair(form, name, &other.to_string()),
    }
}

fn pair(form: &mut String, name: &str, text: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    let _ = write!(form, "{name}={}", text.replace(' ', "+"));
}
