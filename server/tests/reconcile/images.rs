//! A pipeline sets a tag: the line that states it changes in Git, the cluster follows, and nothing is guessed.

use crate::AUTOMATED;
use crate::editing::maria;
use crate::world::World;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use lockstep_types::diff::SyncStatus;
use lockstep_types::image::{ImageAnswer, ImageRequest};
use lockstep_types::ports::ControlPlane;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::resource::Origin;
use lockstep_types::source::Mode;

const NAME: &str = "registry.example.org/team/web";
const KUSTOMIZATION: &str = "resources:\n  - web.yaml\n  - other.yaml\n# chosen by the team\nimages:\n  - name: registry.example.org/team/web\n    newTag: \"1.1\" # not a number\n";

fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n        - name: {name}\n          image: {image} # built elsewhere\n"
    )
}

async fn set(
    ports: &ControlPlane,
    world: &World,
    actor: &Actor,
    images: &[&str],
    preview: bool,
) -> Result<ImageAnswer, PortError> {
    let request = ImageRequest {
        target: world.target(),
        images: images.iter().map(|text| (*text).to_owned()).collect(),
        reason: "build 7".to_owned(),
        propose: false,
        everywhere: false,
        preview,
    };
    ports.objects.set_image(actor, &request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_sets_a_tag_where_git_states_it() {
    let world = World::start("images", Mode::Managed, AUTOMATED).await;
    world
        .repository
        .write("manifests/kustomization.yaml", KUSTOMIZATION);
    world.repository.write(
        "manifests/web.yaml",
        &deployment("web", &format!("{NAME}:0.1")),
    );
    world.repository.write(
        "manifests/other.yaml",
        &deployment("other", "registry.example.org/team/other:5"),
    );
    let first = world.push("two images");
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    let in_git = |path: &str| {
        format!(
            "{}\n",
            world
                .repository
                .git(&["show", &format!("main:{path}")])
                .trim_end()
        )
    };

    // Only said, not done; and not by those who may only look.
    let preview = set(&ports, &world, &maria(), &["web=1.2"], true).await;
    let preview = preview.expect("a preview");
    let [change] = preview.changes.as_slice() else {
        unreachable!("one container has it: {preview:#?}");
    };
    let stated = Origin {
        path: "manifests/kustomization.yaml".to_owned(),
        line: Some(7),
    };
    assert_eq!(change.place, stated);
    assert_eq!(
        (change.from.as_str(), change.to.as_str()),
        (
            format!("{NAME}:1.1").as_str(),
            format!("{NAME}:1.2").as_str()
        )
    );
    assert_eq!(preview.outcome, None);
    assert_eq!(preview.targets.len(), 1);
    assert_eq!(in_git("manifests/kustomization.yaml"), KUSTOMIZATION);
    let viewer = Actor {
        role: Role::Viewer,
        ..maria()
    };
    let denied = set(&ports, &world, &viewer, &["web=1.2"], true).await;
    assert!(
        matches!(denied, Err(PortError::Denied { .. })),
        "{denied:?}"
    );

    // Two images at once: one in the kustomization, one in its own file; comments and quotes stay.
    let before = in_git("manifests/other.yaml");
    let done = set(
        &ports,
        &world,
        &maria(),
        &["web=1.2", "team/other=6"],
        false,
    )
    .await;
    let done = done.expect("a commit");
    let Some(CommitOutcome::Committed { revision }) = done.outcome.clone() else {
        unreachable!("not committed: {done:#?}");
    };
    assert_eq!(
        in_git("manifests/kustomization.yaml"),
        KUSTOMIZATION.replace("\"1.1\"", "\"1.2\"")
    );
    assert_eq!(
        in_git("manifests/other.yaml"),
        before.replace("other:5", "other:6")
    );
    let message = world
        .repository
        .git(&["log", "-1", "--format=%an|%B", "main"]);
    for part in [
        "maria|Set 2 images for shop",
        "build 7",
        "manifests/kustomization.yaml:7: ",
        "Lockstep-Log: ",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    world
        .until("the new image", |state| {
            state.revision.as_ref() == Some(&revision)
        })
        .await;

    // The same again writes nothing, and what cannot be told is refused.
    let again = set(&ports, &world, &maria(), &["web=1.2", "other=6"], false).await;
    let again = again.expect("nothing to do");
    assert_eq!((again.outcome, again.changes.len()), (None, 0));
    let head = world.repository.git(&["rev-parse", "main"]);
    for (images, why) in [
        (&["nothing=1"][..], "No container"),
        (&["web=1.3", "team/web=1.4"], "two tags"),
    ] {
        let refused = set(&ports, &world, &maria(), images, false).await;
        assert!(
            matches!(&refused, Err(PortError::Conflict(said)) if said.contains(why)),
            "{refused:?}"
        );
    }
    let wrong = set(&ports, &world, &maria(), &["web:1.3"], false).await;
    assert!(matches!(wrong, Err(PortError::Invalid { .. })), "{wrong:?}");
    assert_eq!(world.repository.git(&["rev-parse", "main"]), head);
    world
        .until("in line", |state| state.sync == SyncStatus::Synced)
        .await;
    world.end().await;
}
