//! `engine::live` when the API server is killed and started again, or its etcd stands still. The test starts a rig of
//! its own from the programs that the shared one was built with, because it breaks it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod cluster;

use cluster::{Cluster, Running, target, until, want};
use engine::live::{LiveSettings, Lookup, Timing};
use lockstep_types::cluster::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct OwnRig {
    state: tempfile::TempDir,
}

impl OwnRig {
    fn script() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../end2end/rig/rig.mjs")
    }

    fn run(&self, arguments: &[&str]) {
        let ran = Command::new("node")
            .arg(Self::script())
            .args(arguments)
            .arg("--state")
            .arg(self.state.path())
            .stdout(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "rig.mjs {arguments:?} failed: {said}");
    }

    fn up() -> Self {
        let rig = Self {
            state: tempfile::tempdir().unwrap(),
        };
        rig.start();
        rig
    }

    /// Starts what does not run.
    fn start(&self) {
        self.run(&["up", "--clusters", "1", "--no-gitea"]);
    }

    fn file(&self) -> PathBuf {
        self.state.path().join("rig.json")
    }

    fn signal(&self, signal: &str, part: &str) {
        let rig: Value =
            serde_json::from_str(&std::fs::read_to_string(self.file()).unwrap()).unwrap();
        let pid = rig["clusters"][0]["pids"][part].as_u64().unwrap();
        assert!(
            Command::new("kill")
                .args([signal, &pid.to_string()])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for OwnRig {
    fn drop(&mut self) {
        let down = Command::new("node")
            .arg(Self::script())
            .args(["down", "--state"])
            .arg(self.state.path())
            .output();
        drop(down);
    }
}

fn unreachable(connection: &Connection) -> bool {
    matches!(connection, Connection::Unreachable { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_and_a_stuck_etcd_are_seen_and_their_return_loses_nothing() {
    let rig = OwnRig::up();
    let cluster = Cluster::of(rig.file(), "restart").await;
    cluster.config_map("kept", json!({"a": "1"})).await;
    let running = Running::connected(LiveSettings {
        timing: Timing::default(),
        ..cluster.settings()
    })
    .await;
    let live = &running.live;
    let (kept, late) = (
        cluster.key("", "ConfigMap", "kept"),
        cluster.key("", "ConfigMap", "late"),
    );
    live.want(target(1), &[want(&kept, "v1"), want(&late, "v1")]);
    until("settled", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;

    rig.signal("-KILL", "apiserver");
    let Connection::Unreachable { error, .. } =
        running.until_connection("unreachable", unreachable).await
    else {
        panic!("unreachable")
    };
    assert!(error.contains("refuses connections"), "{error}");
    assert!(matches!(live.get(&kept), Lookup::Present(_)));
    rig.start();
    let back = Instant::now();
    cluster.config_map("late", json!({})).await;
    running
        .until_connection("connected", |now| matches!(now, Connection::Connected))
        .await;
    until("what was made meanwhile", || {
        matches!(live.get(&late), Lookup::Present(_)).then_some(())
    })
    .await;
    until("settled", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;
    assert!(
        back.elapsed() < Duration::from_secs(15),
        "{:?}",
        back.elapsed()
    );

    rig.signal("-STOP", "etcd");
    let begun = Instant::now();
    running.until_connection("unreachable", unreachable).await;
    assert!(
        begun.elapsed() < Duration::from_secs(12),
        "{:?}",
        begun.elapsed()
    );
    rig.signal("-CONT", "etcd");
    running
        .until_connection("connected", |now| matches!(now, Connection::Connected))
        .await;
    until("settled", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;
    running.stop().await;
}
