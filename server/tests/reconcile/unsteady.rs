//! A chart that makes a value anew with every render: nothing is deleted on its word, and the page says which field.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;

fn settings(token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{token: {token}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_pruned_while_renders_differ() {
    let world = World::start("unsteady", Mode::Managed, AUTOMATED).await;
    let files = &world.repository;
    files.write(
        "manifests/Chart.yaml",
        "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    );
    files.write("manifests/templates/settings.yaml", &settings("fixed"));
    files.write(
        "manifests/templates/extra.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n",
    );
    world.push("a value from Git");
    world
        .until("synced", |state| state.sync == SyncStatus::Synced)
        .await;
    world.repository.remove("manifests/templates/extra.yaml");
    world.repository.write(
        "manifests/templates/settings.yaml",
        &settings("{{ randAlphaNum 16 | quote }}"),
    );
    world.push("a random value, and without the extra");
    let row = world
        .until("the field is named", |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::RenderFailed)
        })
        .await;
    let reason = row.state.reason.unwrap();
    assert!(
        reason
            .cause
            .contains("renders differently every time: data.token of ConfigMap settings"),
        "{reason:?}"
    );
    assert!(reason.stalled);
    let extra = || {
        world.kubectl(&[
            "get",
            "configmap",
            "extra",
            "--ignore-not-found",
            "-o",
            "name",
        ])
    };
    assert_eq!(extra(), "configmap/extra");

    world
        .repository
        .write("manifests/templates/settings.yaml", &settings("fixed"));
    world.push("a value from Git again");
    world
        .until("synced once it is steady", |state| {
            state.sync == SyncStatus::Synced && state.reason.is_none()
        })
        .await;
    assert_eq!(extra(), "");
    world.end().await;
}
