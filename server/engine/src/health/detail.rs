//! The few words on an object's card in the tree.

use super::fields::{condition, count, list, number, replicas, text};
use super::pod;
use serde_json::{Map, Value};

/// `3/3 ready`, `Running · 2 restarts`, `10.0.14.7:8080`, `4 keys` …; empty when there is nothing short to say.
/// Never a value of a Secret.
pub fn detail(body: &Value) -> String {
    let group = crate::manifest::group_of(text(body, "/apiVersion"));
    match (group, text(body, "/kind")) {
        ("apps", "Deployment" | "StatefulSet" | "ReplicaSet") => {
            format!(
                "{}/{} ready",
                number(body, "/status/readyReplicas"),
                replicas(body)
            )
        }
        ("apps", "DaemonSet") => {
            format!(
                "{}/{} ready",
                number(body, "/status/numberReady"),
                number(body, "/status/desiredNumberScheduled")
            )
        }
        ("", "Pod") => pod::detail(body),
        ("batch", "Job") => {
            let wanted = body
                .pointer("/spec/completions")
                .and_then(Value::as_i64)
                .unwrap_or(1);
            format!("{}/{wanted} completed", number(body, "/status/succeeded"))
        }
        ("batch", "CronJob") => text(body, "/spec/schedule").to_owned(),
        ("", "Service") => service(body),
        ("", "ConfigMap" | "Secret") => keys(body),
        ("", "ResourceQuota") => quota(body),
        ("", "PersistentVolumeClaim") => joined(
            [
                text(body, "/status/phase"),
                text(body, "/status/capacity/storage"),
            ],
            ", ",
        ),
        ("", "Namespace") => text(body, "/status/phase").to_owned(),
        ("networking.k8s.io" | "extensions", "Ingress") => hosts(body),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(body),
        ("policy", "PodDisruptionBudget") => {
            format!(
                "{}/{} healthy",
                number(body, "/status/currentHealthy"),
                number(body, "/status/desiredHealthy")
            )
        }
        ("discovery.k8s.io", "EndpointSlice") => endpoints(body),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => versions(body),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => count(
            i64::try_from(list(body, "/rules").len()).unwrap_or(i64::MAX),
            "rule",
        ),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => joined(
            [text(body, "/roleRef/kind"), text(body, "/roleRef/name")],
            " ",
        ),
        _ => condition(body, "Ready")
            .map(|ready| ready.reason().to_owned())
            .unwrap_or_default(),
    }
}

/// `registry.example.com/shop/checkout:2.9.1` as `checkout:2.9.1`; digests cut to eight places.
pub fn short_image(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once('@') {
        Some((name, digest)) => {
            let hex = digest.rsplit(':').next().unwrap_or(digest);
            let name = name.to_owned();
            if name.contains(':') {
                name
            } else {
                format!("{name}@{}", hex.chars().take(8).collect::<String>())
            }
        }
        None => last.to_owned(),
    }
}

fn joined<const N: usize>(parts: [&str; N], between: &str) -> String {
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(between)
}

fn service(body: &Value) -> String {
    let port = list(body, "/spec/ports")
        .first()
        .map(|port| number(port, "/port"));
    let address = match (text(body, "/spec/type"), text(body, "/spec/clusterIP")) {
        ("ExternalName", _) => return text(body, "/spec/externalName").to_owned(),
        ("LoadBalancer", ip) => {
            let ingress = list(body, "/status/loadBalancer/ingress").first();
            let outside = ingress.map(|ingress| [text(ingress, "/ip"), text(ingress, "/hostname")]);
            outside
                .and_then(|names| names.into_iter().find(|name| !name.is_empty()))
                .unwrap_or(ip)
        }
        (_, ip) => ip,
    };
    match (address, port) {
        ("None", _) => "headless".to_owned(),
        ("", _) => String::new(),
        (address, Some(port)) => format!("{address}:{port}"),
        (address, None) => address.to_owned(),
    }
}

fn keys(body: &Value) -> String {
    let maps = ["/data", "/binaryData"].map(|pointer| {
        body.pointer(pointer)
            .and_then(Value::as_object)
            .map_or(0, Map::len)
    });
    // Pruned bodies hold no data: nothing is better than a wrong zero.
    if maps == [0, 0] && body.get("data").is_none() {
        return String::new();
    }
    count(i64::try_from(maps[0] + maps[1]).unwrap_or(i64::MAX), "key")
}

fn quota(body: &Value) -> String {
    let Some(hard) = body.pointer("/spec/hard").and_then(Value::as_object) else {
        return String::new();
    };
    let short = |name: &str| {
        name.strip_prefix("requests.")
            .or(name.strip_prefix("limits."))
            .unwrap_or(name)
            .to_owned()
    };
    let mut parts: Vec<String> = Vec::new();
    for name in [
        "cpu",
        "requests.cpu",
        "limits.cpu",
        "memory",
        "requests.memory",
        "limits.memory",
        "pods",
    ] {
        let amount = hard.get(name).map(|amount| {
            amount
                .as_str()
                .map_or_else(|| amount.to_string(), str::to_owned)
        });
        if let Some(amount) =
            amount.filter(|_| !parts.iter().any(|part| part.starts_with(&short(name))))
        {
            parts.push(format!("{} {amount}", short(name)));
        }
    }
    if parts.is_empty() {
        count(i64::try_from(hard.len()).unwrap_or(i64::MAX), "limit")
    } else {
        parts.join(", ")
    }
}

fn hosts(body: &Value) -> String {
    let hosts: Vec<&str> = list(body, "/spec/rules")
        .iter()
        .map(|rule| text(rule, "/host"))
        .filter(|host| !host.is_empty())
        .collect();
    match hosts.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn autoscaler(body: &Value) -> String {
    let least = body
        .pointer("/spec/minReplicas")
        .and_then(Value::as_i64)
        .unwrap_or(1);
    format!(
        "{} of {least}–{} replicas",
        number(body, "/status/currentReplicas"),
        number(body, "/spec/maxReplicas")
    )
}

fn endpoints(body: &Value) -> String {
    let all = list(body, "/endpoints");
    let ready = all
        .iter()
        .filter(|endpoint| {
            endpoint
                .pointer("/conditions/ready")
                .and_then(Value::as_bool)
                != Some(false)
        })
        .count();
    let address = all
        .first()
        .and_then(|endpoint| list(endpoint, "/addresses").first())
        .and_then(Value::as_str);
    match (all.len(), address, list(body, "/ports").first()) {
        (1, Some(address), Some(port)) if ready == 1 => {
            format!("{address}:{}", number(port, "/port"))
        }
        (total, ..) => format!("{ready}/{total} ready"),
    }
}

fn versions(body: &Value) -> String {
    let served = list(body, "/spec/versions")
        .iter()
        .filter(|version| version.get("served").and_then(Value::as_bool) == Some(true));
    served
        .map(|version| text(version, "/name"))
        .collect::<Vec<_>>()
        .join(", ")
}
