//! A file of definitions that cannot be read: what stood in it stays as it was last read, and goes on.

use crate::AUTOMATED;
use crate::sets::until_applications;
use crate::world::World;
use lockstep_types::source::Mode;
use server::store;

fn config(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{value: {value}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_whose_file_breaks_stays_and_follows_git() {
    let world = World::start("broken", Mode::Managed, AUTOMATED).await;
    world
        .repository
        .write("manifests/settings.yaml", &config("one"));
    let first = world.push("one");
    world.until_deployed(&first).await;
    let written = std::fs::read_to_string(world.repository.path().join("apps/shop.yaml"))
        .expect("the definition");
    world
        .repository
        .write("apps/shop.yaml", &format!("{written}\n\tbroken: [\n"));
    world
        .repository
        .write("manifests/settings.yaml", &config("two"));
    let second = world.push("a definition that nobody can read");
    // What it declares is followed as before, and the source says what is wrong.
    world.until_deployed(&second).await;
    let value = [
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.data.value}",
    ];
    assert_eq!(world.kubectl(&value), "two");
    let sources = store::source::list(world.store()).await.expect("sources");
    assert!(
        sources
            .iter()
            .any(|source| format!("{:?}", source.problems).contains("apps/shop.yaml")),
        "{sources:#?}"
    );
    until_applications(&world, "broken is not gone", &["shop"]).await;

    // Gone is what is really taken out.
    world.repository.write("apps/shop.yaml", "# nothing\n");
    world.push("no application");
    until_applications(&world, "what is taken out is gone", &[]).await;
    assert_eq!(world.kubectl(&value), "two", "and nothing is deleted");
    world.end().await;
}
