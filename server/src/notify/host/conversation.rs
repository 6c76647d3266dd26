//! Open pull requests and the comments on them, in the words of each host. Pure, and suspicious of answers: what is missing
//! or of another type is not there.
//!
//! Rules after the hosts' documentation of their REST APIs: GitHub's "Pulls" and "Issue comments", GitLab's "Merge
//! requests" and "Notes", Gitea's "repoListPullRequests" and "issueCreateComment".

use super::super::channel::Request;
use super::{Gitea, Github, Gitlab, Place, RepositoryApi, encoded};
use lockstep_types::notify::StatusProvider;
use reqwest::Method;
use serde_json::{Value, json};

/// Pull requests that are asked for: the last to change.
pub(in crate::notify) const PULLS: usize = 50;

/// An open pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::notify) struct OpenPull {
    pub number: i64,
    /// Its branch, short.
    pub branch: String,
    pub head: String,
    /// The branch that it is for, short.
    pub onto: String,
    /// Its branch is in another repository.
    pub from_fork: bool,
}

/// A Git host's way of talking about pull requests. Requests are `None` when the address names no repository of it.
pub(in crate::notify) trait Conversation: RepositoryApi {
    /// Asks for the open pull requests that changed last, [`PULLS`] of them.
    fn pulls(&self, place: &Place, token: &str) -> Option<Request>;

    /// Reads the answer to [`Self::pulls`].
    fn open(&self, answer: &Value) -> Vec<OpenPull> {
        list(answer).iter().filter_map(of_hub).collect()
    }

    /// Asks for comments, oldest first, a page at a time, from 1.
    fn comments(&self, place: &Place, pull: i64, page: u32, token: &str) -> Option<Request>;

    /// Adds a comment.
    fn add(&self, place: &Place, pull: i64, text: &str, token: &str) -> Option<Request> {
        let rest = format!("/issues/{pull}/comments");
        self.says(place, (Method::POST, &rest), &comment(text), token)
    }

    /// Replaces the text of a comment of a pull request: both numbers, that of the pull request first.
    fn edit(
        &self,
        place: &Place,
        (_, known): (i64, i64),
        text: &str,
        token: &str,
    ) -> Option<Request> {
        let rest = format!("/issues/comments/{known}");
        self.says(place, (Method::PATCH, &rest), &comment(text), token)
    }
}

/// The API of a provider.
pub(in crate::notify) fn conversation(provider: StatusProvider) -> &'static dyn Conversation {
    match provider {
        StatusProvider::Github => &Github,
        StatusProvider::Gitlab => &Gitlab,
        StatusProvider::Gitea => &Gitea,
    }
}

/// Ids and texts of comments in an answer.
pub(in crate::notify) fn comments(answer: &Value) -> Vec<(i64, String)> {
    let read = |comment: &Value| {
        let text = comment.get("body")?.as_str()?;
        Some((comment.get("id")?.as_i64()?, text.to_owned()))
    };
    list(answer).iter().filter_map(read).collect()
}

pub(super) fn list(answer: &Value) -> &[Value] {
    answer.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text(value: &Value, pointer: &str) -> Option<String> {
    Some(value.pointer(pointer)?.as_str()?.to_owned())
}

/// As GitHub and Gitea write it.
fn of_hub(pull: &Value) -> Option<OpenPull> {
    let repository = |side: &str| pull.pointer(&format!("/{side}/repo/id"))?.as_i64();
    Some(OpenPull {
        number: pull.get("number")?.as_i64()?,
        branch: text(pull, "/head/ref")?,
        head: text(pull, "/head/sha")?,
        onto: text(pull, "/base/ref")?,
        // A fork that was deleted is none of ours either.
        from_fork: repository("head").is_none() || repository("head") != repository("base"),
    })
}

fn comment(text: &str) -> Value {
    json!({ "body": text })
}

impl Conversation for Github {
    fn pulls(&self, place: &Place, token: &str) -> Option<Request> {
        let rest = format!("/pulls?state=open&sort=updated&direction=desc&per_page={PULLS}");
        self.asks(place, &rest, token)
    }

    fn comments(&self, place: &Place, pull: i64, page: u32, token: &str) -> Option<Request> {
        let rest = format!("/issues/{pull}/comments?per_page=100&page={page}");
        self.asks(place, &rest, token)
    }
}

impl Conversation for Gitlab {
    fn pulls(&self, place: &Place, token: &str) -> Option<Request> {
        let rest =
            format!("/merge_requests?state=opened&order_by=updated_at&sort=desc&per_page={PULLS}");
        self.asks(place, &rest, token)
    }

    fn open(&self, answer: &Value) -> Vec<OpenPull> {
        let read = |pull: &Value| {
            let project = |side: &str| pull.get(side)?.as_i64();
            let source = project("source_project_id");
            Some(OpenPull {
                number: pull.get("iid")?.as_i64()?,
                branch: text(pull, "/source_branch")?,
                head: text(pull, "/sha")?,
                onto: text(pull, "/target_branch")?,
                from_fork: source.is_none() || source != project("target_project_id"),
            })
        };
        list(answer).iter().filter_map(read).collect()
    }

    fn comments(&self, place: &Place, pull: i64, page: u32, token: &str) -> Option<Request> {
        let rest = format!(
            "/merge_requests/{pull}/notes?sort=asc&order_by=created_at&per_page=100&page={page}"
        );
        self.asks(place, &rest, token)
    }

    fn add(&self, place: &Place, pull: i64, text: &str, token: &str) -> Option<Request> {
        let rest = format!("/merge_requests/{pull}/notes");
        self.says(place, (Method::POST, &rest), &comment(text), token)
    }

    fn edit(
        &self,
        place: &Place,
        (pull, known): (i64, i64),
        text: &str,
        token: &str,
    ) -> Option<Request> {
        let rest = format!("/merge_requests/{pull}/notes/{known}");
        self.says(place, (Method::PUT, &rest), &comment(text), token)
    }
}

impl Conversation for Gitea {
    fn pulls(&self, place: &Place, token: &str) -> Option<Request> {
        let rest = format!("/pulls?state=open&sort=recentupdate&limit={PULLS}");
        self.asks(place, &rest, token)
    }

    fn comments(&self, place: &Place, pull: i64, page: u32, token: &str) -> Option<Request> {
        // They come all at once; a second page is as empty as it is unknown.
        let rest = format!("/issues/{pull}/comments");
        (page == 1).then(|| self.asks(place, &rest, token))?
    }
}

/// Where people find a preview.
pub(in crate::notify) fn preview_link(
    origin: &str,
    repo: &str,
    reference: &str,
    onto: &str,
) -> String {
    format!(
        "{origin}/preview?repo={}&ref={}&onto={}",
        encoded(repo),
        encoded(reference),
        encoded(onto)
    )
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn comments_are_asked_for_added_and_edited_at_each_hosts_place() {
        let all = |provider, url: &str| -> Vec<String> {
            let (host, place) = (conversation(provider), place(url).unwrap());
            [
                host.pulls(&place, "t0ken"),
                host.comments(&place, 7, 1, "t0ken"),
                host.add(&place, 7, "hello", "t0ken"),
                host.edit(&place, (7, 41), "hello", "t0ken"),
            ]
            .into_iter()
            .map(|request| {
                let request = request.unwrap();
                let said: Value = serde_json::from_str(&request.body).unwrap_or_default();
                assert_eq!(request.method == Method::GET, said.is_null());
                assert!(said.is_null() || said["body"] == "hello");
                assert!(
                    request
                        .headers
                        .iter()
                        .any(|(_, value)| value.contains("t0ken"))
                );
                format!("{} {}", request.method, request.url)
            })
            .collect()
        };
        assert_eq!(
            all(StatusProvider::Github, "https://github.com/team/shop.git"),
            [
                "GET https://api.github.com/repos/team/shop/pulls?state=open&sort=updated&direction=desc&per_page=50",
                "GET https://api.github.com/repos/team/shop/issues/7/comments?per_page=100&page=1",
                "POST https://api.github.com/repos/team/shop/issues/7/comments",
                "PATCH https://api.github.com/repos/team/shop/issues/comments/41",
            ]
        );
        assert_eq!(
            all(StatusProvider::Gitlab, "https://gitlab.com/team/sub/shop"),
            [
                "GET https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/merge_requests?state=opened&order_by=updated_at&sort=desc&per_page=50",
                "GET https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/merge_requests/7/notes?sort=asc&order_by=created_at&per_page=100&page=1",
                "POST https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/merge_requests/7/notes",
                "PUT https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/merge_requests/7/notes/41",
            ]
        );
        assert_eq!(
            all(
                StatusProvider::Gitea,
                "https://example.com/git/team/shop.git"
            ),
            [
                "GET https://example.com/git/api/v1/repos/team/shop/pulls?state=open&sort=recentupdate&limit=50",
                "GET https://example.com/git/api/v1/repos/team/shop/issues/7/comments",
                "POST https://example.com/git/api/v1/repos/team/shop/issues/7/comments",
                "PATCH https://example.com/git/api/v1/repos/team/shop/issues/comments/41",
            ]
        );
        let gitea = place("https://example.com/team/shop").unwrap();
        assert_eq!(Gitea.comments(&gitea, 7, 2, "t0ken"), None);
    }

    #[test]
    fn pull_requests_are_read_and_forks_are_told_apart() {
        let hub = json!([
            {"number": 7, "head": {"ref": "ship", "sha": "aa", "repo": {"id": 1}}, "base": {"ref": "main", "repo": {"id": 1}}},
            {"number": 8, "head": {"ref": "main", "sha": "bb", "repo": {"id": 2}}, "base": {"ref": "main", "repo": {"id": 1}}},
            {"number": 9, "head": {"ref": "gone", "sha": "cc", "repo": null}, "base": {"ref": "main", "repo": {"id": 1}}},
            {"number": "10", "head": {"ref": "x", "sha": "dd"}, "base": {"ref": "main"}},
            7, null,
        ]);
        let lab = json!([
            {"iid": 7, "source_branch": "ship", "sha": "aa", "target_branch": "main", "source_project_id": 1, "target_project_id": 1},
            {"iid": 8, "source_branch": "main", "sha": "bb", "target_branch": "main", "source_project_id": 2, "target_project_id": 1},
            {"iid": 9, "source_branch": "gone", "sha": "cc", "target_branch": "main", "source_project_id": null, "target_project_id": 1},
            {"iid": 10, "source_branch": 5},
        ]);
        let expected = [
            (7, "ship", "aa", false),
            (8, "main", "bb", true),
            (9, "gone", "cc", true),
        ];
        for (provider, answer) in [
            (StatusProvider::Github, &hub),
            (StatusProvider::Gitea, &hub),
            (StatusProvider::Gitlab, &lab),
        ] {
            let read = conversation(provider).open(answer);
            let read: Vec<_> = read
                .iter()
                .map(|pull| {
                    (
                        pull.number,
                        pull.branch.as_str(),
                        pull.head.as_str(),
                        pull.from_fork,
                    )
                })
                .collect();
            assert_eq!(read, expected, "{provider:?}");
        }
        assert_eq!(Github.open(&json!({"message": "no"})), []);
        let said = json!([{"id": 1, "body": "a"}, {"id": "2", "body": "b"}, {"id": 3}]);
        assert_eq!(comments(&said), [(1, "a".to_owned())]);
    }
}
