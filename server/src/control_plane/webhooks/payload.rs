//! What a delivery names: addresses of one repository, and branches or tags. Pure, and suspicious: a field that is
//! missing or of another type names nothing.

use super::signature::header;
use lockstep_types::webhook::{WebhookPost, WebhookProvider};
use serde_json::Value;

/// References of one push that are looked at; a push of more means all of them.
const REFERENCES: usize = 200;

/// What a push named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Addresses of the one repository, the first for people.
    pub places: Vec<String>,
    /// In full (`refs/heads/main`); empty: all.
    pub references: Vec<String>,
}

/// Takes the body apart; `None` for what is no push.
///
/// # Errors
/// When it is not JSON, or a push of nothing; without quoting it.
pub(super) fn read(post: &WebhookPost) -> Result<Option<Named>, &'static str> {
    let body: Value = serde_json::from_slice(&post.body).map_err(|_| "is not JSON")?;
    if !is_push(post, &body) {
        return Ok(None);
    }
    let places = texts(&body, places(post.provider));
    if places.is_empty() {
        return Err("names no repository");
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
    Ok(Some(Named { places, references }))
}

fn is_push(post: &WebhookPost, body: &Value) -> bool {
    let event = |name: &str| header(post, name).unwrap_or_default();
    match post.provider {
        WebhookProvider::Github => event("x-github-event") == "push",
        WebhookProvider::Gitea => event("x-gitea-event") == "push",
        WebhookProvider::Gitlab => {
            matches!(event("x-gitlab-event"), "Push Hook" | "Tag Push Hook")
        }
        WebhookProvider::Bitbucket => {
            matches!(event("x-event-key"), "repo:push" | "repo:refs_changed")
        }
        WebhookProvider::AzureDevops => body.get("eventType") == Some(&Value::from("git.push")),
        WebhookProvider::Generic => true,
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
