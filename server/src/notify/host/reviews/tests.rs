//! Requests and answers in the shape that the hosts document.

use super::super::place;
use super::*;
use reqwest::Method;
use serde_json::json;

fn asked_of(provider: StatusProvider, url: &str) -> Vec<String> {
    let (host, place) = (reviewing(provider), place(url).unwrap());
    [
        host.of_commit(&place, "3fa9c0ffee", "t0ken"),
        host.pull(&place, 7, "t0ken"),
        host.reviews(&place, 7, 1, "t0ken"),
        host.commits(&place, 7, 2, "t0ken"),
    ]
    .into_iter()
    .flatten()
    .map(|request| {
        assert_eq!((request.method, request.body.as_str()), (Method::GET, ""));
        assert!(
            request
                .headers
                .iter()
                .any(|(_, value)| value.contains("t0ken"))
        );
        request.url
    })
    .collect()
}

#[test]
fn each_host_is_asked_at_its_own_place() {
    assert_eq!(
        asked_of(StatusProvider::Github, "https://github.com/team/shop.git"),
        [
            "https://api.github.com/repos/team/shop/commits/3fa9c0ffee/pulls?per_page=50",
            "https://api.github.com/repos/team/shop/pulls/7",
            "https://api.github.com/repos/team/shop/pulls/7/reviews?per_page=50&page=1",
        ]
    );
    assert_eq!(
        asked_of(StatusProvider::Gitlab, "https://gitlab.com/team/sub/shop"),
        [
            "https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/repository/commits/3fa9c0ffee/merge_requests",
            "https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/merge_requests/7",
            "https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/merge_requests/7/approvals",
        ]
    );
    assert_eq!(
        asked_of(StatusProvider::Gitea, "https://example.com/git/team/shop"),
        [
            "https://example.com/git/api/v1/repos/team/shop/commits/3fa9c0ffee/pull",
            "https://example.com/git/api/v1/repos/team/shop/pulls/7",
            "https://example.com/git/api/v1/repos/team/shop/pulls/7/reviews?limit=50&page=1",
            "https://example.com/git/api/v1/repos/team/shop/pulls/7/commits?limit=50&page=2&verification=false&files=false",
        ]
    );
    let gitlab = place("https://gitlab.com/team/shop").unwrap();
    assert_eq!(Gitlab.reviews(&gitlab, 7, 2, "t0ken"), None);
    let odd = place("https://github.com/team/shop").unwrap();
    let request = Github.of_commit(&odd, "main/../..", "t0ken").unwrap();
    assert!(request.url.contains("/commits/main%2F..%2F../pulls"));
}

/// Name, verdict and second of what stands.
fn stands(
    host: &dyn Reviewing,
    pulls: &Value,
    reviews: &Value,
) -> Vec<(String, ReviewVerdict, i64)> {
    let merged = host.merged(pulls);
    let pull = merged.first().unwrap();
    standing(host.said(reviews, pull), &pull.asked)
        .into_iter()
        .map(|review| {
            let at = review.at.map_or(0, |at| at.0 / 1_000_000);
            (review.person, review.verdict, at)
        })
        .collect()
}

fn hub(number: u64, merged_at: Value) -> Value {
    json!({
        "number": number,
        "title": "Ship it",
        "html_url": format!("https://git.example.com/team/shop/pulls/{number}"),
        "user": {"login": "maria"},
        "merged_at": merged_at,
        "base": {"ref": "main"},
        "head": {"sha": "bb"},
        "requested_reviewers": [{"login": "kim"}],
    })
}

#[test]
fn github_says_what_everybody_saw() {
    let pulls =
        json!([hub(6, Value::Null), hub(7, json!("1970-01-01T00:01:00Z")), {"number": 8}, null]);
    let reviews = json!([
        {"user": {"login": "jon"}, "state": "CHANGES_REQUESTED", "commit_id": "aa", "submitted_at": "1970-01-01T00:00:01Z"},
        {"user": {"login": "jon"}, "state": "APPROVED", "commit_id": "bb", "submitted_at": "1970-01-01T00:00:02Z"},
        {"user": {"login": "jon"}, "state": "COMMENTED", "commit_id": "bb", "submitted_at": "1970-01-01T00:00:03Z"},
        {"user": {"login": "ana"}, "state": "APPROVED", "commit_id": "aa", "submitted_at": "1970-01-01T00:00:04Z"},
        {"user": {"login": "eve"}, "state": "DISMISSED", "commit_id": "bb", "submitted_at": "1970-01-01T00:00:05Z"},
        {"user": {"login": "bob"}, "state": "PENDING", "commit_id": "bb"},
        {"user": null, "state": "APPROVED", "commit_id": "bb"},
        7,
    ]);
    assert_eq!(
        stands(&Github, &pulls, &reviews),
        [
            ("ana".to_owned(), ReviewVerdict::ApprovedBefore, 4),
            ("eve".to_owned(), ReviewVerdict::Commented, 5),
            ("jon".to_owned(), ReviewVerdict::Approved, 2),
            ("kim".to_owned(), ReviewVerdict::Asked, 0),
        ]
    );
    assert_eq!(Github.merged(&json!({"message": "Not Found"})), []);
}

#[test]
fn gitea_says_what_is_stale_and_what_was_dismissed() {
    let pull = hub(7, json!("1970-01-01T00:01:00Z"));
    let reviews = json!([
        {"user": {"login": "jon"}, "state": "APPROVED", "stale": false, "dismissed": false, "submitted_at": "1970-01-01T00:00:02Z"},
        {"user": {"login": "ana"}, "state": "APPROVED", "stale": true, "dismissed": false},
        {"user": {"login": "eve"}, "state": "APPROVED", "stale": false, "dismissed": true},
        {"user": {"login": "kim"}, "state": "REQUEST_REVIEW"},
        {"user": {"login": "bob"}, "state": "REQUEST_CHANGES"},
        {"user": {"login": "bob"}, "state": "PENDING"},
    ]);
    assert_eq!(
        stands(&Gitea, &pull, &reviews),
        [
            ("ana".to_owned(), ReviewVerdict::ApprovedBefore, 0),
            ("bob".to_owned(), ReviewVerdict::ChangesRequested, 0),
            ("eve".to_owned(), ReviewVerdict::Commented, 0),
            ("jon".to_owned(), ReviewVerdict::Approved, 2),
            ("kim".to_owned(), ReviewVerdict::Asked, 0),
        ]
    );
    assert_eq!(
        of_all(&json!([{"sha": "aa"}, {"sha": 7}, {}, {"sha": "bb"}])),
        [Revision("aa".to_owned()), Revision("bb".to_owned())]
    );
}

#[test]
fn gitlab_says_who_approves_and_who_was_asked() {
    let pulls = json!([
        {"iid": 6, "state": "opened", "title": "x", "web_url": "https://gitlab.com/x", "target_branch": "main"},
        {"iid": 7, "state": "merged", "title": "Ship it", "web_url": "https://gitlab.com/team/shop/-/merge_requests/7",
         "author": {"username": "maria"}, "target_branch": "main", "sha": "bb", "merged_at": "1970-01-01T00:01:00Z",
         "reviewers": [{"username": "kim"}, {"username": "jon"}]},
    ]);
    let approvals = json!({"approved_by": [
        {"user": {"username": "jon", "name": "Jon"}, "approved_at": "1970-01-01T00:00:02Z"},
        {"user": {"username": "ana"}},
        {"user": null},
    ]});
    assert_eq!(
        stands(&Gitlab, &pulls, &approvals),
        [
            ("ana".to_owned(), ReviewVerdict::Approved, 0),
            ("jon".to_owned(), ReviewVerdict::Approved, 2),
            ("kim".to_owned(), ReviewVerdict::Asked, 0),
        ]
    );
    let merged = Gitlab.merged(&pulls);
    let pull = merged[0].reviewed(Vec::new());
    assert_eq!(
        (pull.number, pull.author.as_str(), pull.address.as_str()),
        (
            7,
            "maria",
            "https://gitlab.com/team/shop/-/merge_requests/7"
        )
    );
}
