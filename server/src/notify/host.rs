//! Commit statuses, pull requests and comments on them in the words of Git hosts. Pure: one request for each.

mod conversation;
mod reviews;

pub(super) use conversation::{OpenPull, PULLS, comments, conversation, preview_link};
pub(super) use reviews::{MergedPull, PAGE, Reviewing, of_all, reviewing, standing};

use super::channel::Request;
use lockstep_types::notify::StatusProvider;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a commit fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CommitState {
    Success,
    Pending,
    Failure,
}

impl CommitState {
    /// The word in the database; also GitHub's and Gitea's.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Pending => "pending",
            Self::Failure => "failure",
        }
    }
}

/// One status, as it is kept in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StatusPost {
    pub repo_url: String,
    pub sha: String,
    /// `lockstep/prod-eu`.
    pub context: String,
    pub state: CommitState,
    pub description: String,
    pub link: String,
    pub provider: StatusProvider,
}

/// A pull request to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PullRequest {
    pub repo_url: String,
    pub title: String,
    pub body: String,
    /// The branch that holds the change.
    pub branch: String,
    /// The branch that it is for.
    pub onto: String,
}

/// A Git host's way of taking statuses and pull requests.
pub(super) trait HostApi: Sync {
    /// The request that sets a status; `None` when the address names no repository of such a host.
    fn status(&self, place: &Place, post: &StatusPost, token: &str) -> Option<Request>;

    /// The request that opens a pull request; `None` as above.
    fn pull_request(&self, place: &Place, pull: &PullRequest, token: &str) -> Option<Request>;

    /// Where people find what the host has answered that it opened.
    fn opened<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        answer.get("html_url")?.as_str()
    }
}

/// Requests about a repository, as its host takes them from programs.
pub(super) trait RepositoryApi: Sync {
    /// The repository among those of the host's API; `None` when the address names none.
    fn repository(&self, place: &Place) -> Option<String>;

    /// Who asks.
    fn headers(&self, token: &str) -> Vec<(&'static str, String)>;

    fn asks(&self, place: &Place, rest: &str, token: &str) -> Option<Request> {
        let url = format!("{}{rest}", self.repository(place)?);
        Some(Request {
            method: Method::GET,
            url,
            headers: self.headers(token),
            body: String::new(),
        })
    }

    fn says(
        &self,
        place: &Place,
        (method, rest): (Method, &str),
        body: &Value,
        token: &str,
    ) -> Option<Request> {
        let asked = self.asks(place, rest, token)?;
        Some(Request {
            method,
            body: body.to_string(),
            ..asked
        })
    }
}

/// A repository on its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `https://host[:port]`.
    pub origin: String,
    /// Without `.git`.
    pub path: String,
}

/// Finds host and path. A repository that is read by SSH has its API at the same host by HTTPS.
pub(super) fn place(repo_url: &str) -> Option<Place> {
    let (scheme, rest) = repo_url.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (scheme, host) = match scheme {
        "ssh" => ("https", host.split(':').next()?),
        "http" | "https" => (scheme, host),
        _ => return None,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && path.contains('/')).then(|| Place {
        origin: format!("{scheme}://{host}"),
        path: path.to_owned(),
    })
}

/// Every byte that means something in an address.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn short(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain("…".chars()).collect()
}

struct Github;
struct Gitlab;
struct Gitea;

impl RepositoryApi for Github {
    fn repository(&self, place: &Place) -> Option<String> {
        let (owner, name) = place.path.split_once('/')?;
        let base = if place.origin == "https://github.com" {
            "https://api.github.com".to_owned()
        } else {
            format!("{}/api/v3", place.origin)
        };
        Some(format!("{base}/repos/{}/{}", encoded(owner), encoded(name)))
    }

    fn headers(&self, token: &str) -> Vec<(&'static str, String)> {
        vec![
            ("authorization", format!("Bearer {token}")),
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
        ]
    }
}

impl HostApi for Github {
    fn status(&self, place: &Place, post: &StatusPost, token: &str) -> Option<Request> {
        let body = stated(post, post.state.word(), 140, "context");
        let rest = format!("/statuses/{}", encoded(&post.sha));
        self.says(place, (Method::POST, &rest), &body, token)
    }

    fn pull_request(&self, place: &Place, pull: &PullRequest, token: &str) -> Option<Request> {
        self.says(place, (Method::POST, "/pulls"), &pulled(pull), token)
    }
}

/// A status. Hosts differ in their word for what it is of, and in how much they take.
fn stated(post: &StatusPost, state: &str, limit: usize, of: &str) -> Value {
    json!({
        "state": state,
        "target_url": post.link,
        "description": short(&post.description, limit),
        of: post.context,
    })
}

/// GitHub's words for a pull request, and Gitea's.
fn pulled(pull: &PullRequest) -> Value {
    json!({"title": pull.title, "body": pull.body, "head": pull.branch, "base": pull.onto})
}

impl RepositoryApi for Gitlab {
    fn repository(&self, place: &Place) -> Option<String> {
        let project = encoded(&place.path);
        Some(format!("{}/api/v4/projects/{project}", place.origin))
    }

    fn headers(&self, token: &str) -> Vec<(&'static str, String)> {
        vec![("private-token", token.to_owned())]
    }
}

impl HostApi for Gitlab {
    fn status(&self, place: &Place, post: &StatusPost, token: &str) -> Option<Request> {
        let state = match post.state {
            CommitState::Success => "success",
            CommitState::Pending => "pending",
            CommitState::Failure => "failed",
        };
        let rest = format!("/statuses/{}", encoded(&post.sha));
        let body = stated(post, state, 255, "name");
        self.says(place, (Method::POST, &rest), &body, token)
    }

    fn pull_request(&self, place: &Place, pull: &PullRequest, token: &str) -> Option<Request> {
        let body = json!({
            "title": pull.title,
            "description": pull.body,
            "source_branch": pull.branch,
            "target_branch": pull.onto,
            "remove_source_branch": true,
        });
        self.says(place, (Method::POST, "/merge_requests"), &body, token)
    }

    fn opened<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        answer.get("web_url")?.as_str()
    }
}

impl RepositoryApi for Gitea {
    fn repository(&self, place: &Place) -> Option<String> {
        // Gitea may live below a path of its host.
        let mut parts = place.path.rsplitn(3, '/');
        let (name, owner) = (parts.next()?, parts.next()?);
        let below = parts
            .next()
            .map(|below| format!("/{below}"))
            .unwrap_or_default();
        Some(format!(
            "{}{below}/api/v1/repos/{}/{}",
            place.origin,
            encoded(owner),
            encoded(name)
        ))
    }

    fn headers(&self, token: &str) -> Vec<(&'static str, String)> {
        vec![("authorization", format!("token {token}"))]
    }
}

impl HostApi for Gitea {
    fn status(&self, place: &Place, post: &StatusPost, token: &str) -> Option<Request> {
        let body = stated(post, post.state.word(), 255, "context");
        let rest = format!("/statuses/{}", encoded(&post.sha));
        self.says(place, (Method::POST, &rest), &body, token)
    }

    fn pull_request(&self, place: &Place, pull: &PullRequest, token: &str) -> Option<Request> {
        self.says(place, (Method::POST, "/pulls"), &pulled(pull), token)
    }
}

/// The API of a provider.
pub(super) fn api(provider: StatusProvider) -> &'static dyn HostApi {
    match provider {
        StatusProvider::Github => &Github,
        StatusProvider::Gitlab => &Gitlab,
        StatusProvider::Gitea => &Gitea,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(provider: StatusProvider, repo_url: &str) -> Option<Request> {
        let post = StatusPost {
            repo_url: repo_url.to_owned(),
            sha: "3fa9c0ffee".to_owned(),
            context: "lockstep/prod-eu".to_owned(),
            state: CommitState::Failure,
            description: "x".repeat(300),
            link: "https://lockstep.example.org/commits/shop/3fa9c0ffee".to_owned(),
            provider,
        };
        api(provider).status(&place(repo_url)?, &post, "t0ken")
    }

    #[test]
    fn each_host_is_asked_at_its_own_place() {
        for (provider, repo_url, expected) in [
            (
                StatusProvider::Github,
                "https://github.com/team/shop.git",
                "https://api.github.com/repos/team/shop/statuses/3fa9c0ffee",
            ),
            (
                StatusProvider::Github,
                "ssh://git@git.example.com:2222/team/shop",
                "https://git.example.com/api/v3/repos/team/shop/statuses/3fa9c0ffee",
            ),
            (
                StatusProvider::Gitlab,
                "https://gitlab.com/team/sub/shop.git",
                "https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/statuses/3fa9c0ffee",
            ),
            (
                StatusProvider::Gitea,
                "http://127.0.0.1:3000/team/shop.git",
                "http://127.0.0.1:3000/api/v1/repos/team/shop/statuses/3fa9c0ffee",
            ),
            (
                StatusProvider::Gitea,
                "https://example.com/git/team/shop.git",
                "https://example.com/git/api/v1/repos/team/shop/statuses/3fa9c0ffee",
            ),
        ] {
            assert_eq!(made(provider, repo_url).unwrap().url, expected);
        }
        assert_eq!(made(StatusProvider::Gitea, "file:///srv/shop"), None);
        assert_eq!(
            made(StatusProvider::Github, "https://github.com/shop"),
            None
        );
    }

    #[test]
    fn pull_requests_name_both_branches_in_each_hosts_words() {
        for (provider, url, expected, names) in [
            (
                StatusProvider::Github,
                "https://github.com/team/shop.git",
                "https://api.github.com/repos/team/shop/pulls",
                ["head", "base"],
            ),
            (
                StatusProvider::Gitlab,
                "https://gitlab.com/team/sub/shop",
                "https://gitlab.com/api/v4/projects/team%2Fsub%2Fshop/merge_requests",
                ["source_branch", "target_branch"],
            ),
            (
                StatusProvider::Gitea,
                "https://example.com/git/team/shop.git",
                "https://example.com/git/api/v1/repos/team/shop/pulls",
                ["head", "base"],
            ),
        ] {
            let pull = PullRequest {
                repo_url: url.to_owned(),
                title: "Roll back cart".to_owned(),
                body: "Why".to_owned(),
                branch: "lockstep/roll-back-cart".to_owned(),
                onto: "main".to_owned(),
            };
            let request = api(provider).pull_request(&place(url).unwrap(), &pull, "t0ken");
            let request = request.unwrap();
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let [head, base] = names.map(|name| body[name].as_str().unwrap().to_owned());
            assert_eq!(
                (request.url.as_str(), head.as_str(), base.as_str()),
                (expected, "lockstep/roll-back-cart", "main")
            );
        }
    }

    #[test]
    fn words_are_the_hosts_and_descriptions_fit() {
        let body = |provider, url| -> Value {
            serde_json::from_str(&made(provider, url).unwrap().body).unwrap()
        };
        let github = body(StatusProvider::Github, "https://github.com/team/shop");
        assert_eq!(github["state"], "failure");
        assert_eq!(github["description"].as_str().unwrap().chars().count(), 140);
        let gitlab = body(StatusProvider::Gitlab, "https://gitlab.com/team/shop");
        assert_eq!(
            (&gitlab["state"], &gitlab["name"]),
            (&json!("failed"), &json!("lockstep/prod-eu"))
        );
    }
}
