//! Other hands on the cluster, and the API server's own record of who wrote what.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot reach its cluster fails with words"
)]

use crate::world::{WITHIN, World};
use std::process::Command;
use std::time::{Duration, Instant};

impl World {
    /// Waits until kubectl says so.
    pub async fn until_kubectl(&self, what: &str, arguments: &[&str], said: &str) {
        let deadline = Instant::now() + WITHIN;
        while self.kubectl(arguments) != said {
            assert!(Instant::now() < deadline, "not within {WITHIN:?}: {what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs kubectl in the test's namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--namespace", self.namespace.as_str()];
        all.extend(arguments);
        self.kubectl_bare(&all)
    }

    pub fn kubectl_bare(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.rig.kubectl)
            .arg("--kubeconfig")
            .arg(&self.rig.kubeconfig)
            .args(arguments)
            .output()
            .expect("kubectl runs");
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes to the test's namespace by anybody but kubectl and the cluster itself, as its audit log has them.
    pub fn writes_by_lockstep(&self) -> usize {
        self.audit()
            .iter()
            .filter(|entry| {
                entry
                    .pointer("/user/username")
                    .and_then(|value| value.as_str())
                    == Some("admin")
            })
            .filter(|entry| {
                let verb = entry
                    .get("verb")
                    .and_then(|value| value.as_str())
                    .unwrap_or_default();
                !["get", "list", "watch"].contains(&verb)
            })
            .filter(|entry| {
                !entry
                    .get("userAgent")
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
                    .starts_with("kubectl")
            })
            .count()
    }

    /// How often each ConfigMap of the namespace was written, by name, as the audit log has it.
    pub fn writes_of_config_maps(&self) -> std::collections::BTreeMap<String, usize> {
        let mut writes = std::collections::BTreeMap::new();
        for entry in self.audit() {
            let text = |pointer: &str| {
                entry
                    .pointer(pointer)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            if text("/objectRef/resource") == "configmaps"
                && ["create", "update", "patch"].contains(&text("/verb").as_str())
                && text("/user/username") == "admin"
                // A comparison that is unsure asks the server what would be: that changes nothing.
                && !text("/requestURI").contains("dryRun=All")
            {
                *writes.entry(text("/objectRef/name")).or_default() += 1;
            }
        }
        writes
    }

    /// Objects of the namespace that were made or changed by the server, in the order of the audit log: `jobs/migrate`.
    /// Deletes are `-jobs/migrate`.
    pub fn writes_in_order(&self) -> Vec<String> {
        let mut order = Vec::new();
        for entry in self.audit() {
            let text = |pointer: &str| {
                entry
                    .pointer(pointer)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            if text("/user/username") != "admin"
                || text("/userAgent").starts_with("kubectl")
                || text("/requestURI").contains("dryRun=All")
                || text("/objectRef/resource") == "events"
            {
                continue;
            }
            let name = format!(
                "{}/{}",
                text("/objectRef/resource"),
                text("/objectRef/name")
            );
            match text("/verb").as_str() {
                "create" | "update" | "patch" => order.push(name),
                "delete" => order.push(format!("-{name}")),
                _ => {}
            }
        }
        order
    }

    /// Query strings of the server's own writes to an object of the namespace, with the verb: `patch fieldManager=…`.
    pub fn requests_for(&self, name: &str) -> Vec<String> {
        let mut requests = Vec::new();
        for entry in self.audit() {
            let text = |pointer: &str| {
                entry
                    .pointer(pointer)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            let uri = text("/requestURI");
            let written = ["create", "update", "patch", "delete"].contains(&text("/verb").as_str());
            if text("/objectRef/name") == name
                && text("/user/username") == "admin"
                && !text("/userAgent").starts_with("kubectl")
                && !uri.contains("dryRun=All")
                && written
            {
                let query = uri.split_once('?').map_or("", |(_, query)| query);
                requests.push(format!("{} {query}", text("/verb")).trim().to_owned());
            }
        }
        requests
    }

    pub fn audit(&self) -> Vec<serde_json::Value> {
        let log = std::fs::read_to_string(&self.rig.audit_log).expect("the audit log");
        log.lines()
            .filter(|line| line.contains(&self.namespace))
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|entry| {
                entry
                    .pointer("/objectRef/namespace")
                    .and_then(|value| value.as_str())
                    == Some(&self.namespace)
            })
            .collect()
    }
}
