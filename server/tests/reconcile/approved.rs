//! A pull request that somebody approves and merges on a real Git host: its commits name it and them; what was pushed past
//! it has no known approval.

#![expect(
    clippy::expect_used,
    reason = "a test without its Git host and cluster fails with words"
)]

use crate::statuses::{Place, admin, serve, settings, web};
use crate::world::WITHIN;
use lockstep_types::activity::{ActivityEntry, ActivityQuery};
use lockstep_types::notify::NewStatusHost;
use lockstep_types::ports::ControlPlane;
use lockstep_types::pull::{CommitPull, ReviewVerdict};
use lockstep_types::revision::Revision;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

type Known = BTreeMap<String, Option<CommitPull>>;

/// Subjects of the commits on the timeline with what is known of them.
async fn commits(plane: &ControlPlane, approval: &str) -> Known {
    let query = ActivityQuery {
        kind: "commit".to_owned(),
        approval: approval.to_owned(),
        limit: 50,
        ..ActivityQuery::default()
    };
    let view = plane.fleet.activity(&admin(), &query).await;
    let entries = view.expect("a timeline").entries.into_iter();
    entries
        .filter_map(|entry| match entry {
            ActivityEntry::Commit { commit, pull, .. } => Some((commit.subject, pull)),
            _ => None,
        })
        .collect()
}

/// The timeline, once all of these commits are approved in it.
async fn until(plane: &ControlPlane, subjects: &[&str]) -> Known {
    let deadline = Instant::now() + WITHIN;
    loop {
        let known = commits(plane, "known").await;
        if subjects.iter().all(|subject| known.contains_key(*subject)) {
            return known;
        }
        assert!(Instant::now() < deadline, "never {subjects:?}: {known:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The host has looked at whether it can be merged.
async fn mergeable(place: &Place, number: u64) {
    let deadline = Instant::now() + WITHIN;
    let pull = place.repository(&format!("/pulls/{number}"));
    while place.ask(Method::GET, &pull, None).await["mergeable"] != true {
        assert!(Instant::now() < deadline, "{pull} never mergeable");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A shop with a pull request that somebody approved and that was merged, and a commit pushed past it.
struct Merged {
    place: Place,
    reviewer: String,
    number: u64,
    /// The commit that nobody saw.
    late: String,
}

impl Merged {
    /// `how`: in Gitea's words.
    async fn by(how: &str) -> Self {
        let place = Place::new().await;
        place
            .push(
                "define the shop",
                &[
                    ("create", "apps/shop.yaml", &place.definition()),
                    ("create", "manifests/settings.yaml", &settings("one")),
                    ("create", "manifests/web.yaml", &web("1.0")),
                ],
            )
            .await;
        let reviewer = format!("ana-{}", &Uuid::now_v7().simple().to_string()[20..]);
        let password = Uuid::now_v7().to_string();
        let new = json!({"username": reviewer, "email": format!("{reviewer}@example.org"), "password": password, "must_change_password": false});
        place.ask(Method::POST, "admin/users", Some(new)).await;
        let member = place.repository(&format!("/collaborators/{reviewer}"));
        let role = json!({"permission": "write"});
        place.ask(Method::PUT, &member, Some(role)).await;
        for (subject, path, text) in [
            ("ship web 2.0", "manifests/web.yaml", web("2.0")),
            ("greet twice", "manifests/settings.yaml", settings("two")),
        ] {
            let files = [("update", path, text.as_str())];
            place.push_to("ship", subject, &files).await;
        }
        let new = json!({"title": "Ship it", "head": "ship", "base": "main", "body": "please"});
        let made = place
            .ask(Method::POST, &place.repository("/pulls"), Some(new))
            .await;
        let number = made["number"].as_u64().expect("a number");
        let reviews = place.repository(&format!("/pulls/{number}/reviews?sudo={reviewer}"));
        let says = json!({"event": "APPROVED", "body": "fine"});
        place.ask(Method::POST, &reviews, Some(says)).await;
        mergeable(&place, number).await;
        let merge = place.repository(&format!("/pulls/{number}/merge"));
        let how = json!({"Do": how, "MergeTitleField": "ship it whole"});
        place.ask(Method::POST, &merge, Some(how)).await;
        let three = settings("three");
        let files = [("update", "manifests/settings.yaml", three.as_str())];
        let late = place.push("past everybody", &files).await;
        Self {
            place,
            reviewer,
            number,
            late,
        }
    }

    fn host(&self) -> NewStatusHost {
        NewStatusHost {
            prefix: format!("{}{}/", self.place.url, self.place.user),
            provider: "gitea".to_owned(),
            token: String::new(),
            comments: false,
        }
    }

    /// Each names the pull request and who approved it.
    fn assert_named(&self, known: &Known) {
        let place = &self.place;
        for (subject, pull) in known {
            let pull = pull.as_ref().expect("a pull request");
            let [review] = pull.reviews.as_slice() else {
                unreachable!("{subject}: {pull:#?}");
            };
            assert_eq!(
                (pull.number, pull.title.as_str(), pull.author == place.user),
                (self.number, "Ship it", true),
                "{subject}"
            );
            assert_eq!(
                (review.person.as_str(), review.verdict, review.at.is_some()),
                (self.reviewer.as_str(), ReviewVerdict::Approved, true)
            );
            let ending = format!("/{}/pulls/{}", place.name, self.number);
            assert!(pull.address.ends_with(&ending));
        }
    }

    async fn remove(self) {
        self.place.remove().await;
        let gone = format!("admin/users/{}?purge=true", self.reviewer);
        self.place.ask(Method::DELETE, &gone, None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_name_the_pull_request_that_brought_them_and_who_approved_it() {
    let shop = Merged::by("squash").await;
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, _store, plane) = serve(&shop.place, folder.path(), Uuid::now_v7()).await;
    let added = plane.alerts.add_status_host(&admin(), &shop.host()).await;
    added.expect("a host");
    let known = until(&plane, &["ship it whole"]).await;
    assert_eq!(known.len(), 1, "{known:#?}");
    shop.assert_named(&known);
    let unknown = commits(&plane, "none").await;
    assert_eq!(unknown.get("past everybody"), Some(&None), "{unknown:#?}");
    assert!(known.keys().all(|subject| !unknown.contains_key(subject)));
    let query = ActivityQuery {
        filter: shop.reviewer.clone(),
        limit: 50,
        ..ActivityQuery::default()
    };
    let view = plane.fleet.activity(&admin(), &query).await;
    assert_eq!(view.expect("a timeline").entries.len(), 1);
    let passport = plane
        .fleet
        .commit(&admin(), &shop.place.name, &Revision(shop.late.clone()))
        .await;
    assert_eq!(passport.expect("a commit").pull, None);

    runtime.stop(Duration::from_secs(20)).await;
    shop.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commits_of_a_merge_name_its_pull_request() {
    let shop = Merged::by("merge").await;
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, _store, plane) = serve(&shop.place, folder.path(), Uuid::now_v7()).await;
    let added = plane.alerts.add_status_host(&admin(), &shop.host()).await;
    added.expect("a host");
    // A merge that changes nothing by itself is not in the timeline.
    let brought = ["ship web 2.0", "greet twice"];
    let known = until(&plane, &brought).await;
    assert_eq!(known.len(), brought.len(), "{known:#?}");
    shop.assert_named(&known);
    let unknown = commits(&plane, "none").await;
    assert_eq!(unknown.get("past everybody"), Some(&None), "{unknown:#?}");
    assert!(known.keys().all(|subject| !unknown.contains_key(subject)));

    runtime.stop(Duration::from_secs(20)).await;
    shop.remove().await;
}
