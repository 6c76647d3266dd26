use super::*;
use lockstep_types::alert::IncidentSubject;
use uuid::Uuid;

const NOW: Micros = Micros(1_700_000_000_000_000); // 22:13:20 UTC

fn incident(number: u128, condition: Condition, cluster: &str) -> Incident {
    Incident {
        id: IncidentId(Uuid::from_u128(number)),
        subject: IncidentSubject::Cluster(format!("{cluster}-{number}")),
        condition,
        severity: condition.severity(),
        cause: String::new(),
        labels: [
            ("team".to_owned(), "a".to_owned()),
            ("cluster".to_owned(), cluster.to_owned()),
        ]
        .into(),
        since: NOW.plus_seconds(-600),
        opened_at: NOW.plus_seconds(-60),
        resolved_at: None,
    }
}

fn receiver(number: u128) -> ReceiverId {
    ReceiverId(Uuid::from_u128(number))
}

fn route() -> Route {
    Route {
        conditions: Vec::new(),
        least: Severity::Info,
        labels: Vec::new(),
        quiet: None,
        after_seconds: 0,
    }
}

struct Scene {
    incidents: Vec<Incident>,
    told: BTreeSet<(ReceiverId, IncidentId, News)>,
    receivers: Vec<ReceiverId>,
    routes: Vec<(ReceiverId, Route)>,
    from_git: BTreeMap<(ReceiverId, IncidentId), Vec<Route>>,
    last_told: BTreeMap<ReceiverId, Micros>,
    now: Micros,
}

impl Scene {
    fn of(incidents: Vec<Incident>) -> Self {
        Self {
            incidents,
            told: BTreeSet::new(),
            receivers: vec![receiver(1)],
            routes: Vec::new(),
            from_git: BTreeMap::new(),
            last_told: BTreeMap::new(),
            now: NOW,
        }
    }

    fn due(&self) -> Due {
        due(&Known {
            incidents: &self.incidents,
            told: &self.told,
            receivers: &self.receivers,
            routes: &self.routes,
            asked: &BTreeSet::new(),
            from_git: &self.from_git,
            last_told: &self.last_told,
            rules: &AlertRules::default(),
            now: self.now,
        })
    }

    fn count(&self) -> usize {
        self.due()
            .messages
            .iter()
            .map(|(_, items)| items.len())
            .sum()
    }
}

#[test]
fn a_thousand_alerts_are_one_message_per_receiver_and_told_once() {
    let all = (1..=1000)
        .map(|number| incident(number, Condition::Degraded, "prod-eu"))
        .collect();
    let mut scene = Scene::of(all);
    scene.receivers.push(receiver(2));
    let due = scene.due();
    assert_eq!(due.messages.len(), 2);
    assert!(due.messages.iter().all(|(_, items)| items.len() == 1000));
    for (receiver, items) in due.messages {
        for (incident, news) in items {
            scene.told.insert((receiver, incident, news));
        }
    }
    assert_eq!(scene.due(), Due::default());
}

#[test]
fn messages_wait_for_company_and_keep_their_distance() {
    let mut one = incident(1, Condition::Degraded, "prod-eu");
    one.opened_at = NOW.plus_seconds(-2);
    let mut scene = Scene::of(vec![one]);
    assert_eq!(
        (scene.count(), scene.due().next),
        (0, Some(NOW.plus_seconds(3)))
    );
    scene.now = NOW.plus_seconds(3);
    assert_eq!(scene.count(), 1);
    scene.last_told.insert(receiver(1), NOW);
    assert_eq!(
        (scene.count(), scene.due().next),
        (0, Some(NOW.plus_seconds(30)))
    );
}

#[test]
fn the_end_is_told_to_those_who_know_of_the_beginning() {
    let mut over = incident(1, Condition::Drift, "prod-eu");
    over.resolved_at = Some(NOW.plus_seconds(-10));
    let id = over.id;
    let mut scene = Scene::of(vec![over]);
    assert_eq!(scene.count(), 0, "nobody knew");
    scene.told.insert((receiver(1), id, News::Opened));
    assert_eq!(scene.due().messages[0].1, [(id, News::Resolved)]);
    scene.told.insert((receiver(1), id, News::Resolved));
    assert_eq!(scene.count(), 0);
}

#[test]
fn routes_choose_by_condition_severity_and_label() {
    let all = vec![
        incident(1, Condition::Degraded, "prod-eu"),
        incident(2, Condition::Drift, "prod-us"),
        incident(3, Condition::HoldEnding, "staging"),
    ];
    let mut scene = Scene::of(all);
    for (change, expected) in [
        (route(), 3),
        (
            Route {
                conditions: vec![Condition::Drift],
                ..route()
            },
            1,
        ),
        (
            Route {
                least: Severity::Warning,
                ..route()
            },
            2,
        ),
        (
            Route {
                labels: check_labels("cluster=prod-*, team=a").unwrap(),
                ..route()
            },
            2,
        ),
        (
            Route {
                labels: check_labels("team=b").unwrap(),
                ..route()
            },
            0,
        ),
        (
            Route {
                labels: check_labels("tier=*").unwrap(),
                ..route()
            },
            0,
        ),
    ] {
        scene.routes = vec![(receiver(1), change.clone())];
        assert_eq!(scene.count(), expected, "{change:?}");
    }
    // Routes of another receiver do not take away from one that has none.
    scene.routes = vec![(receiver(2), route())];
    assert_eq!(scene.count(), 3);
}

#[test]
fn escalation_waits_and_quiet_hours_hold_back_what_is_not_critical() {
    let mut scene = Scene::of(vec![incident(1, Condition::Drift, "prod-eu")]);
    scene.routes = vec![(
        receiver(1),
        Route {
            after_seconds: 600,
            ..route()
        },
    )];
    assert_eq!(
        (scene.count(), scene.due().next),
        (0, Some(NOW.plus_seconds(540)))
    );
    scene.now = NOW.plus_seconds(700);
    assert_eq!(scene.count(), 1);

    let quiet = check_quiet("22:00-07:00 UTC").unwrap();
    let mut scene = Scene::of(vec![
        incident(1, Condition::Drift, "prod-eu"),
        incident(2, Condition::Degraded, "prod-eu"),
    ]);
    scene.routes = vec![(
        receiver(1),
        Route {
            quiet: quiet.clone(),
            ..route()
        },
    )];
    let due = scene.due();
    assert_eq!(due.messages[0].1.len(), 1, "the critical one goes out");
    // 22:13:20 to 07:00:00.
    assert_eq!(due.next, Some(NOW.plus_seconds(8 * 3600 + 46 * 60 + 40)));
    // In Berlin it is 23:13, in New York the afternoon.
    let zone = |zone: &str| {
        after_quiet(
            &check_quiet(&format!("22:00-07:00 {zone}"))
                .unwrap()
                .unwrap(),
            NOW,
        )
    };
    assert!(zone("Europe/Berlin").is_some());
    assert_eq!(zone("America/New_York"), None);
}

#[test]
fn what_people_type_is_checked() {
    assert!(check_quiet("").unwrap().is_none());
    for bad in [
        "22-7",
        "25:00-07:00",
        "22:00-22:00",
        "22:00-07:00 Mars/Olympus",
    ] {
        assert!(check_quiet(bad).is_err(), "{bad}");
    }
    assert!(check_labels("team").is_err());
    for (pattern, text, expected) in [
        ("prod-*", "prod-eu", true),
        ("*-eu", "prod-eu", true),
        ("p*-*u", "prod-eu", true),
        ("prod", "prod-eu", false),
        ("prod-eu*eu", "prod-eu", false),
        ("*", "", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn who_was_told_is_told_the_end_even_without_a_route() {
    let mut one = incident(1, Condition::Degraded, "prod-eu");
    one.resolved_at = Some(NOW.plus_seconds(-30));
    let mut scene = Scene::of(vec![one.clone()]);
    let mut elsewhere = route();
    elsewhere.labels = vec![("team".to_owned(), "b".to_owned())];
    scene.routes = vec![(receiver(1), elsewhere)];
    assert_eq!(scene.count(), 0, "it was told of no beginning");
    scene.told.insert((receiver(1), one.id, News::Opened));
    assert_eq!(
        scene.due().messages,
        [(receiver(1), vec![(one.id, News::Resolved)])]
    );
}

#[test]
fn what_others_were_told_does_not_keep_an_alert_open() {
    let mine = incident(1, Condition::Degraded, "prod-eu");
    let others = incident(2, Condition::Degraded, "prod-us");
    let new = incident(3, Condition::Drift, "prod-eu");
    let told = [
        (receiver(1), mine.id, News::Opened),
        (receiver(2), others.id, News::Opened),
    ]
    .into();
    let message = [(mine.id, News::Resolved), (new.id, News::Opened)];
    let left = left(receiver(1), &[others, new], &told, &message);
    assert_eq!(left, [(Condition::Drift, 1)].into());
}

#[test]
fn routes_in_git_count_for_the_incidents_of_their_source_alone() {
    let own = incident(1, Condition::Degraded, "prod-eu");
    let other = incident(2, Condition::Degraded, "prod-eu");
    let mut scene = Scene::of(vec![own.clone(), other.clone()]);
    let told = |scene: &Scene| -> Vec<IncidentId> {
        let due = scene.due();
        let items = due.messages.into_iter().flat_map(|(_, items)| items);
        items.map(|(id, _)| id).collect()
    };
    assert_eq!(told(&scene), [own.id, other.id]);
    // The source of the first wants something else told: the receiver, which has no route, hears of the second as before.
    let drift = Route {
        conditions: vec![Condition::Drift],
        ..route()
    };
    let key = (receiver(1), own.id);
    scene.from_git.insert(key, vec![drift.clone()]);
    assert_eq!(told(&scene), [other.id]);
    // One that fits beside it is enough, and what the settings say counts, too.
    scene.from_git.insert(key, vec![drift.clone(), route()]);
    assert_eq!(told(&scene), [own.id, other.id]);
    scene.from_git.insert(key, vec![drift]);
    scene.routes.push((receiver(1), route()));
    assert_eq!(told(&scene), [own.id, other.id]);
    // Escalation: not before it has been open for so long.
    scene.routes.clear();
    let late = Route {
        after_seconds: 3600,
        ..route()
    };
    scene.from_git.insert(key, vec![late]);
    assert_eq!(told(&scene), [other.id]);
    assert_eq!(scene.due().next, Some(own.opened_at.plus_seconds(3600)));
}
