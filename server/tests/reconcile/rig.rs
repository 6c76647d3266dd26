//! What the rig says of itself.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a test without its rig fails with words"
)]

use std::path::PathBuf;

pub struct Rig {
    pub kubectl: PathBuf,
    pub kubeconfig: PathBuf,
    pub cluster: String,
    pub server: String,
    pub audit_log: PathBuf,
}

pub fn rig() -> Rig {
    let Some(path) = std::env::var_os("LOCKSTEP_RIG") else {
        panic!(
            "LOCKSTEP_RIG is not set: run \"node end2end/rig/rig.mjs up\" and set it to the path of its rig.json"
        );
    };
    let text = std::fs::read_to_string(path).expect("rig.json can be read");
    let rig: serde_json::Value = serde_json::from_str(&text).expect("rig.json is JSON");
    let path = |pointer: &str| {
        PathBuf::from(
            rig.pointer(pointer)
                .and_then(|value| value.as_str())
                .expect(pointer),
        )
    };
    Rig {
        kubectl: path("/programs/kubectl"),
        kubeconfig: path("/clusters/0/kubeconfig"),
        cluster: path("/clusters/0/name").display().to_string(),
        server: path("/clusters/0/server").display().to_string(),
        audit_log: path("/clusters/0/auditLog"),
    }
}
