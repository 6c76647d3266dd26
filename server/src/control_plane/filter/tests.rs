use super::*;
use lockstep_types::application::{ApplicationRef, Hold, TargetRef};
use lockstep_types::health::Health;
use lockstep_types::id::{ApplicationId, HoldId, TargetId};
use uuid::Uuid;

fn summary() -> TargetSummary {
    TargetSummary {
        target: TargetRef {
            id: TargetId(Uuid::nil()),
            application: ApplicationRef {
                id: ApplicationId(Uuid::nil()),
                name: "cart".to_owned(),
                project: "shop".to_owned(),
            },
            cluster: "prod-eu".to_owned(),
        },
        mode: Mode::Managed,
        sync: SyncStatus::OutOfSync,
        health: Health::new(HealthStatus::Degraded, "1 of 3 ready"),
        reason: None,
        drifted: 2,
        out_of_sync: 2,
        objects: 9,
        revision: None,
        deployed: None,
        images: vec!["cart:1.4.2".to_owned()],
        last_compared: None,
        running: None,
        phase: None,
        hold: None,
        pin: None,
    }
}

fn fits(filter: &str) -> bool {
    let mut summary = summary();
    summary.hold = filter.contains("held").then(|| Hold {
        kind: Default::default(),
        id: HoldId(Uuid::nil()),
        owner: "jon".to_owned(),
        reason: "load test".to_owned(),
        from: Micros(0),
        until: Micros(1),
        ended_waiting: false,
    });
    let labels = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let cluster_labels = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    let subject = Subject {
        summary: &summary,
        group: "cart",
        origin: "shop.git · overlays/production",
        labels: &labels,
        cluster_labels: &cluster_labels,
        changed_at: Micros(0),
        now: Micros(0).plus_seconds(1800),
    };
    read(filter).unwrap().matches(&subject)
}

#[test]
fn terms_narrow() {
    for (filter, expected) in [
        ("", true),
        ("cluster:prod-*", true),
        ("cluster:prod", false),
        ("cluster:staging,prod-eu", true),
        ("health:degraded,missing", true),
        ("health:Healthy", false),
        ("sync:outofsync", true),
        ("is:drifting", true),
        ("is:held", true),
        ("is:observed,pinned", false),
        ("project:shop app:car", true),
        ("app:shop/cart", true),
        ("app:cart*", true),
        ("image:1.4.2", true),
        ("image:1.5", false),
        ("label:team=a", true),
        ("label:team=b", false),
        ("label:env=prod", true),
        ("label:team", true),
        ("since:1h", true),
        ("since:20m", false),
        ("overlays CART", true),
        ("cart nothing", false),
        ("\"overlays/prod\"", true),
        ("PROJECT:shop", true),
    ] {
        assert_eq!(fits(filter), expected, "{filter}");
    }
}

#[test]
fn errors_name_place_and_remedy() {
    for (filter, offset, said) in [
        ("cart colour:red", 5, "“colour:” is not known"),
        ("é health:healthy,bad", 17, "“bad” is none of healthy"),
        ("cluster:", 8, "needs a value"),
        ("since:soon", 6, "no span of time"),
        ("since:-1h", 6, "no span of time"),
        ("app:\"cart", 4, "never closed"),
        ("commit:xyz", 7, "hexadecimal"),
    ] {
        let wrong = read(filter).unwrap_err();
        assert_eq!(wrong.offset, offset, "{filter}: {}", wrong.message);
        assert!(wrong.message.contains(said), "{filter}: {}", wrong.message);
    }
}

#[test]
fn commits_stand_apart() {
    let asked = |filter: &str| {
        read(filter)
            .unwrap()
            .commit
            .map(|commit| (commit.text, commit.certain))
    };
    assert_eq!(asked("3FA91C2"), Some(("3fa91c2".to_owned(), false)));
    assert_eq!(asked("cart commit:3fa9"), Some(("3fa9".to_owned(), true)));
    assert_eq!(asked("3fa9"), None);
    assert_eq!(asked("feedbackform"), None);
    assert_eq!(asked("\"3fa91c2\""), None);
    let mut filter = read("deadbeef").unwrap();
    filter.commit_is_a_word();
    assert_eq!(filter.terms, [Term::Word("deadbeef".to_owned())]);
}

#[test]
fn an_address_is_a_word() {
    assert_eq!(
        read("10.0.0.1:80").unwrap().terms,
        [Term::Word("10.0.0.1:80".to_owned())]
    );
}

#[test]
fn attack_68_an_expensive_search_ends_soon() {
    let began = std::time::Instant::now();
    // As long as an address may be, and each asked of a fleet's worth of targets.
    let stars = format!("app:{}b", "*a".repeat(7_000));
    let alternatives = format!("cluster:{}prod-eu", "*x*y*z,".repeat(2_000));
    let words = "e ".repeat(8_000);
    for (filter, expected) in [
        (stars.as_str(), Some(false)),
        (alternatives.as_str(), Some(true)),
        (words.as_str(), None),
    ] {
        let Ok(read) = read(filter) else {
            assert_eq!(expected, None, "{filter:.40} is refused");
            continue;
        };
        let mut summary = summary();
        summary.target.application.name = "a".repeat(63);
        let none = BTreeMap::new();
        let subject = Subject {
            summary: &summary,
            group: "cart",
            origin: "shop.git",
            labels: &none,
            cluster_labels: &none,
            changed_at: Micros(0),
            now: Micros(0),
        };
        for _ in 0..100 {
            let fits = read.matches(&subject);
            assert!(
                expected.is_none_or(|expected| fits == expected),
                "{filter:.40}"
            );
        }
    }
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
}
