//! What a delivery names: addresses of one repository, and branches or tags. Pure, and suspicious: a field that is
//! missing or of another type names nothing.

use super::signature::header;
use lockstep_types::webhook::{WebhookPost, WebhookProvider};
use serde_json::Value;

/// References of one push that are looked at; a push of more means all of them.
const REFERENCES: usize = 200;

/// What happened to what was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Push,
    /// A pull request was opened, changed or closed.
    PullRequest,
}

/// What a delivery named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub event: Event,
    /// Addresses of the one repository, the first for people.
    pub places: Vec<String>,
    /// In full (`refs/heads/main`); empty: all.
    pub references: Vec<String>,
}

/// Takes the body apart; `None` for what is neither a push nor about a pull request.
///
/// # Errors
/// When it is not JSON, or a push of nothing; without quoting it.
pub(super) fn read(post: &WebhookPost) -> Result<Option<Named>, &'static str> {
    let body: Value = serde_json::from_slice(&post.body).map_err(|_| "is not JSON")?;
    let Some(event) = event(post, &body) else {
        return Ok(None);
    };
    let places = texts(&body, places(post.provider));
    if places.is_empty() {
        return Err("names no repository");
    }
    if event == Event::PullRequest {
        // Which ones there are is asked of the host.
        return Ok(Some(Named {
            event,
            places,
            references: Vec::new(),
        }));
    }
    let mut references = references(post.provider, &body);
    references.sort();
    references.dedup();
    if references.is_empty() && post.provider != WebhookProvider::Generic {
        return Err("names no branch and no tag");
    }
    if references.len() > REFERENCES {
        references.clear();
    }
    Ok(Some(Named {
        event,
        places,
        references,
    }))
}

fn event(post: &WebhookPost, body: &Value) -> Option<Event> {
    let header = |name: &str| header(post, name).unwrap_or_default();
    let push = match post.provider {
        WebhookProvider::Github => header("x-github-event") == "push",
        WebhookProvider::Gitea => header("x-gitea-event") == "push",
        WebhookProvider::Gitlab => {
            matches!(header("x-gitlab-event"), "Push Hook" | "Tag Push Hook")
        }
        WebhookProvider::Bitbucket => {
            matches!(header("x-event-key"), "repo:push" | "repo:refs_changed")
        }
        WebhookProvider::AzureDevops => body.get("eventType") == Some(&Value::from("git.push")),
        WebhookProvider::Generic => true,
    };
    // Only of hosts that are commented on.
    let pull = match post.provider {
        WebhookProvider::Github => header("x-github-event") == "pull_request",
        WebhookProvider::Gitea => {
            matches!(
                header("x-gitea-event"),
                "pull_request" | "pull_request_sync"
            )
        }
        WebhookProvider::Gitlab => header("x-gitlab-event") == "Merge Request Hook",
        _ => false,
    };
    match (push, pull) {
        (true, _) => Some(Event::Push),
        (false, true) => Some(Event::PullRequest),
        (false, false) => None,
    }
}

fn places(provider: WebhookProvider) -> &'static [&'static str] {
    match provider {
        WebhookProvider::Github | WebhookProvider::Gitea => &[
            "/repository/clone_url",
            "/repository/ssh_url",
            "/repository/html_url",
        ],
        WebhookProvider::Gitlab => &[
            "/project/git_http_url",
            "/project/git_ssh_url",
            "/project/web_url",
        ],
        WebhookProvider::Bitbucket => &[
            "/repository/links/html/href",
            "/repository/links/clone/0/href",
            "/repository/links/clone/1/href",
        ],
        WebhookProvider::AzureDevops => &[
            "/resource/repository/remoteUrl",
            "/resource/repository/sshUrl",
        ],
        WebhookProvider::Generic => &["/repository"],
    }
}

fn texts(body: &Value, pointers: &[&str]) -> Vec<String> {
    pointers
        .iter()
        .filter_map(|pointer| body.pointer(pointer)?.as_str())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

fn references(provider: WebhookProvider, body: &Value) -> Vec<String> {
    match provider {
        WebhookProvider::Bitbucket => {
            // In the cloud, and on a server of one's own.
            let cloud = list(body, "/push/changes");
            let own = list(body, "/changes");
            cloud
                .iter()
                .chain(own)
                .filter_map(bitbucket_reference)
                .collect()
        }
        WebhookProvider::AzureDevops => list(body, "/resource/refUpdates")
            .iter()
            .flat_map(|update| texts(update, &["/name"]))
            .collect(),
        _ => texts(body, &["/ref"]),
    }
}

fn list<'a>(body: &'a Value, pointer: &str) -> &'a [Value] {
    body.pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn bitbucket_reference(change: &Value) -> Option<String> {
    if let Some(id) = change.pointer("/ref/id").and_then(Value::as_str) {
        return Some(id.to_owned());
    }
    // A deleted branch has no new state.
    let state = ["new", "old"]
        .iter()
        .find_map(|side| change.get(*side).filter(|state| state.is_object()))?;
    let name = state.get("name")?.as_str()?;
    let folder = match state.get("type").and_then(Value::as_str) {
        Some("tag") => "tags",
        _ => "heads",
    };
    Some(format!("refs/{folder}/{name}"))
}

#[cfg(test)]
mod tests;
