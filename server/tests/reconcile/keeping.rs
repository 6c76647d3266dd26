//! A policy lets old renders go while a server still has them in memory: what is put to use stays, or comes back.

use crate::world::World;
use lockstep_types::retention::Retention;
use lockstep_types::source::Mode;
use lockstep_types::time::Micros;
use server::reconcile::render;
use server::{retention, runtime, store};

const DAY: i64 = 24 * 3600;

impl World {
    /// Lets go as it is done on that day; whether the render is still stored.
    async fn keeps(&self, key: &str, at: Micros) -> bool {
        let done = retention::keep(self.store(), at).await;
        done.expect("what is old goes");
        let objects = store::render::objects(self.store(), key).await;
        objects.expect("a database").is_some()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_render_that_is_put_to_use_from_memory_is_stored() {
    let world = World::start("keeping", Mode::Managed, "").await;
    let one = world.commit_shop("one", 1);
    let compared = |row: &store::target::TargetRow, at| row.state.revision.as_ref() == Some(at);
    let row = world.until_row("compared", |row| compared(row, &one)).await;
    let key = row.state.render_key.expect("a render");
    let two = world.commit_shop("two", 1);
    world
        .until_row("compared again", |row| compared(row, &two))
        .await;
    let mut tx = world.store().begin().await.expect("a write");
    let policy = Retention { days: Some(30) };
    retention::set(&mut tx, policy).await.expect("a policy");
    tx.commit().await.expect("a commit");

    let day = |days: i64| runtime::now().plus_seconds(days * DAY);
    let used = async |days: i64| {
        let render = render::put_to_use(&world.runtime, &key, day(days)).await;
        render.expect("a database").expect("a render in memory")
    };
    let first = used(39).await;
    assert!(world.keeps(&key, day(41)).await, "it was used two days ago");
    assert!(!world.keeps(&key, day(80)).await, "nobody needs it");
    let again = used(80).await;
    assert_eq!(again.digest, first.digest);
    assert!(world.keeps(&key, day(81)).await, "it is in use again");
    world.end().await;
}
