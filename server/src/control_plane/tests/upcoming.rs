//! What a branch would do once it is merged, made in the mirror alone.

use super::bench::{App, Bench, actor, config};
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::ports::Fleet;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};

async fn asked(bench: &Bench, reference: &str) -> Result<Upcoming, PortError> {
    let query = UpcomingQuery {
        reference: reference.to_owned(),
        ..UpcomingQuery::default()
    };
    bench.plane.upcoming(&actor(Role::Viewer), &query).await
}

#[tokio::test]
async fn a_branch_is_looked_at_as_if_it_were_merged() {
    let bench = Bench::new().await;
    bench
        .define(&[App::new("cart", "prod-eu"), App::new("cart-us", "prod-us")])
        .await;
    let git = &bench.repository;
    git.git(&["checkout", "--quiet", "-b", "feature"]);
    git.write("apps/cart/config.yaml", &config("four"));
    let feature = git.commit("four");
    git.git(&["checkout", "--quiet", "main"]);
    git.write("README.md", "both went on");
    let head = git.commit("went on");

    let view = asked(&bench, "feature").await.unwrap();
    assert_eq!((view.onto.as_str(), &view.head), ("main", &head));
    assert_eq!(view.commit.revision, feature);
    let subjects: Vec<&str> = view.commits.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(subjects, ["four"]);
    // What main has since is kept: only the branch's own file differs.
    let files: Vec<&str> = view.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["apps/cart/config.yaml"]);
    assert!(view.patch.contains("+  greeting: four"), "{}", view.patch);
    let merged = view.merged.clone().unwrap();
    assert!(merged != feature && merged != head);
    let names: Vec<&str> = view
        .targets
        .iter()
        .map(|plan| plan.target.application.name.as_str())
        .collect();
    assert_eq!(names, ["cart", "cart-us"]);
    assert!(!view.is_clear(), "no cluster answers, so no plan is known");
    assert_eq!(git.head(), head, "nothing is pushed");

    // Both sides changed the file: nobody guesses.
    git.write("apps/cart/config.yaml", &config("five"));
    git.commit("five");
    let view = asked(&bench, "feature").await.unwrap();
    assert_eq!(view.conflicts, ["apps/cart/config.yaml"]);
    assert_eq!((view.merged, view.targets.len()), (None, 0));
    assert!(view.first_line.starts_with("It cannot be merged as it is"));

    let view = asked(&bench, "main").await.unwrap();
    assert_eq!(view.first_line, "main is already in main.");
    assert!(view.is_clear());
    for (reference, named) in [
        ("nowhere", "nowhere"),
        ("", "reference"),
        ("--all", "--all"),
    ] {
        let error = asked(&bench, reference).await.unwrap_err().to_string();
        assert!(error.contains(named), "{reference}: {error}");
    }
}
