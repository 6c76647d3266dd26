//! Pull requests on a real Git host: each gets one comment with the figures of its preview, which follows its branch and the
//! branch that it is for.

#![expect(
    clippy::expect_used,
    reason = "a test without its Git host and cluster fails with words"
)]

use crate::statuses::{Place, admin, serve, settings, web};
use crate::world::WITHIN;
use lockstep_types::diff::Impact;
use lockstep_types::notify::NewStatusHost;
use lockstep_types::ports::ControlPlane;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: open-sesame}\n";

/// A comment as the host has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Comment {
    id: i64,
    text: String,
    updated: String,
}

/// Opens a pull request; its number.
async fn open(place: &Place, branch: &str, onto: &str) -> i64 {
    let new = json!({"title": branch, "head": branch, "base": onto, "body": "please"});
    let made = place
        .ask(Method::POST, &place.repository("/pulls"), Some(new))
        .await;
    made["number"].as_i64().expect("a number")
}

async fn comments(place: &Place, pull: i64) -> Vec<Comment> {
    let path = place.repository(&format!("/issues/{pull}/comments"));
    let list = place.ask(Method::GET, &path, None).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = list.as_array().expect("a list").iter();
    list.map(|one| Comment {
        id: one["id"].as_i64().expect("an id"),
        text: text(&one["body"]),
        updated: text(&one["updated_at"]),
    })
    .collect()
}

/// The only comment, once it holds these words.
async fn until(place: &Place, pull: i64, words: &str) -> Comment {
    let deadline = Instant::now() + WITHIN;
    loop {
        let found = comments(place, pull).await;
        if let [one] = found.as_slice()
            && one.text.contains(words)
        {
            return one.clone();
        }
        assert!(found.len() < 2, "more than one: {found:#?}");
        assert!(Instant::now() < deadline, "never “{words}”: {found:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What `GET /preview` answers.
async fn preview(plane: &ControlPlane, branch: &str) -> Upcoming {
    let query = UpcomingQuery {
        reference: branch.to_owned(),
        onto: "main".to_owned(),
        ..UpcomingQuery::default()
    };
    let view = plane.fleet.upcoming(&admin(), &query).await;
    view.expect("a preview")
}

/// The row of the table that a preview's only target makes.
fn row(view: &Upcoming) -> String {
    let [target] = view.targets.as_slice() else {
        unreachable!("one target reads the files: {view:#?}");
    };
    let plan = target.plan.as_ref().expect("a plan");
    let counts = plan.counts();
    format!(
        "| `default/shop` | `{}` | {} | {} | {} | {} | syncs by itself |",
        target.target.cluster,
        counts.create,
        counts.configure,
        counts.prune,
        plan.worst_impact().map_or("", Impact::words)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_has_one_comment_that_says_what_its_preview_says() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let installation = Uuid::now_v7();
    let first = place
        .push(
            "define the shop",
            &[
                ("create", "apps/shop.yaml", &place.definition()),
                ("create", "manifests/settings.yaml", &settings("one")),
                ("create", "manifests/web.yaml", &web("1.0")),
            ],
        )
        .await;
    let (runtime, _store, plane) = serve(&place, folder.path(), installation).await;
    let host = NewStatusHost {
        prefix: format!("{}{}/", place.url, place.user),
        provider: "gitea".to_owned(),
        token: String::new(),
        comments: true,
    };
    let added = plane.alerts.add_status_host(&admin(), &host).await;
    added.expect("a host");
    place.until(&first, "success").await;

    place
        .push_to(
            "ship",
            "ship web 2.0",
            &[("update", "manifests/web.yaml", &web("2.0"))],
        )
        .await;
    let pull = open(&place, "ship", "main").await;
    let ship = until(&place, pull, "would change 1 target").await;
    let view = preview(&plane, "ship").await;
    assert!(
        ship.text.contains(&row(&view)),
        "{}\n{}",
        row(&view),
        ship.text
    );
    assert!(ship.text.contains("restarts pods"), "{}", ship.text);
    let object = format!(
        "- configure `Deployment {}/web`, restarts pods: `",
        place.name
    );
    assert!(ship.text.contains(&object), "{}", ship.text);
    let link = format!(
        "https://lockstep.example.org/preview?repo={}&ref=refs%2Fheads%2Fship&onto=main",
        place.name
    );
    assert!(ship.text.contains(&link), "{}", ship.text);

    // Another push to its branch: the same comment with other figures, and no value of a Secret.
    place
        .push_to(
            "ship",
            "add a login",
            &[("create", "manifests/login.yaml", SECRET)],
        )
        .await;
    let grown = until(&place, pull, "Secret").await;
    let view = preview(&plane, "ship").await;
    assert!(
        grown.text.contains(&row(&view)),
        "{}\n{}",
        row(&view),
        grown.text
    );
    assert_eq!(
        (
            grown.id,
            view.targets[0]
                .plan
                .as_ref()
                .map(|plan| plan.counts().create)
        ),
        (ship.id, Some(1))
    );
    for hidden in ["open-sesame", "b3Blbi1zZXNhbWU="] {
        assert!(!grown.text.contains(hidden), "{}", grown.text);
    }

    // After a restart nothing is said twice: by the time that a new one has its comment, this one was looked at.
    drop(plane);
    runtime.stop(Duration::from_secs(20)).await;
    place
        .push_to(
            "aside",
            "not for a followed branch",
            &[("create", "manifests/a.yaml", &settings("a"))],
        )
        .await;
    place
        .push_to(
            "late",
            "another greeting",
            &[("update", "manifests/settings.yaml", &settings("two"))],
        )
        .await;
    let aside = open(&place, "late", "aside").await;
    let late = open(&place, "late", "main").await;
    let (runtime, _store, plane) = serve(&place, folder.path(), installation).await;
    until(&place, late, "would change 1 target").await;
    assert_eq!(comments(&place, pull).await, std::slice::from_ref(&grown));
    assert_eq!(comments(&place, aside).await, []);

    // The branch that it is for goes on, in the same file.
    place
        .push(
            "take it elsewhere",
            &[("update", "manifests/web.yaml", &web("1.5"))],
        )
        .await;
    let conflict = until(&place, pull, "It cannot be merged as it is.").await;
    assert_eq!(conflict.id, grown.id);
    assert!(
        conflict.text.contains("- `manifests/web.yaml`"),
        "{}",
        conflict.text
    );
    assert_eq!(
        preview(&plane, "ship").await.conflicts,
        ["manifests/web.yaml"]
    );
    assert_eq!(comments(&place, late).await.len(), 1);

    let view = plane.alerts.notify(&admin()).await.expect("a view");
    assert!(view.hosts.iter().all(|host| host.comments));
    let about = |text: &str| {
        view.messages
            .iter()
            .filter(|one| one.what.contains(text))
            .count()
    };
    assert!(
        about("ship for main") >= 3 && about("late for aside") == 0,
        "{:#?}",
        view.messages
    );
    runtime.stop(Duration::from_secs(20)).await;
    place.remove().await;
}
