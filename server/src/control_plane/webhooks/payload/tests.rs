//! One push of each host, cut down to what matters, and what is not one.

use super::*;
use WebhookProvider::{AzureDevops, Bitbucket, Generic, Gitea, Github, Gitlab};
use serde_json::json;

fn post(provider: WebhookProvider, event: &str, body: impl ToString) -> WebhookPost {
    let name = match provider {
        Github => "x-github-event",
        Gitea => "x-gitea-event",
        Gitlab => "x-gitlab-event",
        Bitbucket => "x-event-key",
        AzureDevops | Generic => "x-none",
    };
    WebhookPost {
        provider,
        headers: vec![(name.to_owned(), event.to_owned())],
        body: body.to_string().into_bytes(),
    }
}

fn pushes() -> Vec<(WebhookPost, &'static str, Vec<&'static str>)> {
    let hub = json!({
        "ref": "refs/heads/main", "before": "0", "after": "1", "commits": [{"id": "1", "message": "x"}],
        "repository": {
            "name": "shop", "clone_url": "https://git.example.org/team/shop.git",
            "ssh_url": "git@git.example.org:team/shop.git", "html_url": "https://git.example.org/team/shop"
        }
    });
    let lab = json!({
        "object_kind": "tag_push", "ref": "refs/tags/v1", "checkout_sha": null,
        "project": {"git_http_url": "https://git.example.org/team/shop.git", "git_ssh_url": null, "web_url": 7}
    });
    let cloud = json!({
        "repository": {"links": {"html": {"href": "https://git.example.org/team/shop"}}},
        "push": {"changes": [
            {"new": {"type": "branch", "name": "main"}, "old": null},
            {"new": null, "old": {"type": "tag", "name": "v0"}},
            {"new": null, "old": null}, 7, null
        ]}
    });
    let own = json!({
        "repository": {"links": {"clone": [{"href": "https://git.example.org/team/shop.git", "name": "http"}]}},
        "changes": [{"ref": {"id": "refs/heads/main", "type": "BRANCH"}, "type": "UPDATE"}]
    });
    let azure = json!({
        "eventType": "git.push", "publisherId": "tfs",
        "resource": {
            "refUpdates": [{"name": "refs/heads/main"}, {"name": "refs/heads/next"}],
            "repository": {"remoteUrl": "https://org@git.example.org/team/shop"}
        }
    });
    let bare = json!({"repository": "https://git.example.org/team/shop", "ref": "refs/heads/main"});
    let git = "https://git.example.org/team/shop.git";
    let web = "https://git.example.org/team/shop";
    vec![
        (post(Github, "push", &hub), git, vec!["refs/heads/main"]),
        (post(Gitea, "push", &hub), git, vec!["refs/heads/main"]),
        (
            post(Gitlab, "Tag Push Hook", &lab),
            git,
            vec!["refs/tags/v1"],
        ),
        (
            post(Bitbucket, "repo:push", &cloud),
            web,
            vec!["refs/heads/main", "refs/tags/v0"],
        ),
        (
            post(Bitbucket, "repo:refs_changed", &own),
            git,
            vec!["refs/heads/main"],
        ),
        (
            post(AzureDevops, "", &azure),
            "https://org@git.example.org/team/shop",
            vec!["refs/heads/main", "refs/heads/next"],
        ),
        (post(Generic, "", &bare), web, vec!["refs/heads/main"]),
    ]
}

#[test]
fn a_push_of_each_host_names_repository_and_references() {
    for (post, place, references) in pushes() {
        let named = read(&post).unwrap().unwrap();
        assert_eq!(named.event, Event::Push);
        assert_eq!(named.places[0], place, "{:?}", post.provider);
        assert_eq!(named.references, references, "{:?}", post.provider);
    }
}

#[test]
fn news_of_a_pull_request_name_its_repository_alone() {
    let hub = json!({
        "action": "synchronize", "number": 7, "pull_request": {"head": {"ref": "x; rm", "sha": 7}},
        "repository": {"clone_url": "https://git.example.org/team/shop.git"}
    });
    let lab = json!({
        "object_kind": "merge_request", "object_attributes": {"source_branch": "x"},
        "project": {"git_http_url": "https://git.example.org/team/shop.git"}
    });
    for (provider, event, body) in [
        (Github, "pull_request", &hub),
        (Gitea, "pull_request", &hub),
        (Gitea, "pull_request_sync", &hub),
        (Gitlab, "Merge Request Hook", &lab),
    ] {
        let named = read(&post(provider, event, body)).unwrap().unwrap();
        let expected = Named {
            event: Event::PullRequest,
            places: vec!["https://git.example.org/team/shop.git".to_owned()],
            references: Vec::new(),
        };
        assert_eq!(named, expected, "{provider:?} {event}");
        assert!(read(&post(provider, event, "{}")).is_err());
    }
}

#[test]
fn other_events_and_tests_of_a_host_are_no_push() {
    for (provider, event) in [
        (Github, "ping"),
        (Github, ""),
        (Gitea, "issues"),
        (Gitlab, "Note Hook"),
        (Bitbucket, "diagnostics:ping"),
    ] {
        assert_eq!(read(&post(provider, event, "{}")), Ok(None), "{provider:?}");
    }
    assert_eq!(read(&post(AzureDevops, "", "{\"eventType\":7}")), Ok(None));
}

#[test]
fn attack_66_broken_bodies_name_nothing_and_nothing_falls_over() {
    // Every value of every good body, replaced by something else.
    for (good, _, _) in pushes() {
        let body: Value = serde_json::from_slice(&good.body).unwrap();
        for at in 0..leaves(&mut body.clone(), usize::MAX, &Value::Null) {
            for other in [
                json!(null),
                json!(7),
                json!([]),
                json!({}),
                json!(""),
                json!("x"),
            ] {
                let mut bent = body.clone();
                leaves(&mut bent, at, &other);
                let bent = WebhookPost {
                    body: bent.to_string().into_bytes(),
                    ..good.clone()
                };
                let _ = read(&bent);
            }
        }
    }
    let deep = "[".repeat(100_000);
    for text in [
        "",
        "null",
        "7",
        "[]",
        "{}",
        "{",
        "\"x\"",
        "\u{0}",
        deep.as_str(),
    ] {
        for provider in WebhookProvider::ALL {
            let event = match provider {
                Gitlab => "Push Hook",
                Bitbucket => "repo:push",
                _ => "push",
            };
            let read = read(&post(provider, event, text));
            assert!(!matches!(read, Ok(Some(_))), "{provider:?} {text:.20}");
        }
    }
}

#[test]
fn a_push_of_very_many_references_means_all() {
    let updates: Vec<Value> = (0..=REFERENCES)
        .map(|number| json!({ "name": format!("refs/heads/{number}") }))
        .collect();
    let body = json!({"eventType": "git.push", "resource": {"refUpdates": updates, "repository": {"remoteUrl": "https://h/r"}}});
    let named = read(&post(AzureDevops, "", body)).unwrap().unwrap();
    assert!(named.references.is_empty());
}

/// Replaces the value with this number, counted in order; says how many there are.
fn leaves(value: &mut Value, at: usize, other: &Value) -> usize {
    fn walk(value: &mut Value, next: &mut usize, at: usize, other: &Value) {
        let own = *next;
        *next += 1;
        match value {
            Value::Object(fields) => {
                for field in fields.values_mut() {
                    walk(field, next, at, other);
                }
            }
            Value::Array(items) => {
                for item in items {
                    walk(item, next, at, other);
                }
            }
            _ => {}
        }
        if own == at {
            *value = other.clone();
        }
    }
    let mut next = 0;
    walk(value, &mut next, at, other);
    next
}

/// Whatever a host sends: an answer, and names of a bounded number.
#[test]
fn fuzz_webhook_bodies() {
    let pushes = pushes();
    let seeds: Vec<&[u8]> = pushes
        .iter()
        .map(|(post, ..)| post.body.as_slice())
        .collect();
    engine::fuzzing::run("webhook bodies", &seeds, |bytes| {
        for (known, ..) in &pushes {
            let post = WebhookPost {
                body: bytes.to_vec(),
                ..known.clone()
            };
            if let Ok(Some(named)) = read(&post) {
                assert!(named.references.len() <= REFERENCES);
            }
        }
    });
}
