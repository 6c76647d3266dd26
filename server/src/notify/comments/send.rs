//! Puts a text where its comment is: found by the marker, made when there is none. Coming twice it finds itself.

use super::super::Notifier;
use super::super::channel::Request;
use super::super::deliver::{Outcome, SendError, asked, json, post, token_of};
use super::super::host::{comments, conversation, place};
use super::{KIND, LONGEST_ANSWER};
use crate::store::message::DueMessage;
use crate::store::{StoreError, Tx, pull_comment};
use lockstep_types::notify::StatusProvider;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Pages of comments that are searched; the comment is among the first of its pull request.
const PAGES: u32 = 20;

/// One comment, as it is kept in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CommentPost {
    /// Normal form of the address.
    pub repo_url: String,
    pub number: i64,
    pub provider: StatusProvider,
    pub marker: String,
    /// Without the marker.
    pub text: String,
}

/// Names a text.
pub(super) fn digest(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// What the comment is found by: no eye sees it, and nobody can write it first who does not know this installation.
pub(super) fn marker(installation: Uuid, repo_url: &str, number: i64) -> String {
    let named = format!("{installation} {repo_url} {number}");
    let hash = hexadecimal(&Sha256::digest(named.as_bytes()));
    format!("<!-- lockstep preview {} -->", &hash[..32])
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sends a comment that is due.
pub(in crate::notify) async fn send(
    notifier: &Notifier,
    due: &DueMessage,
) -> Result<Outcome, SendError> {
    let comment: CommentPost = serde_json::from_str(&due.body)
        .map_err(|_| SendError::refused("it was written by another version"))?;
    let said = pull_comment::said(notifier.runtime.store(), &comment.repo_url).await;
    let said = said.map_err(|error| SendError::passing(error.to_string()))?;
    let newest = said.get(&comment.number);
    if newest.is_some_and(|said| said.digest != digest(&comment.text)) {
        return Ok(Outcome::Outdated);
    }
    let token = token_of(notifier, due.owner, &comment.repo_url).await?;
    let no_place = || SendError::refused("its address names no repository of such a host");
    let place = place(&comment.repo_url).ok_or_else(no_place)?;
    let host = conversation(comment.provider);
    let text = format!("{}\n{}", comment.marker, comment.text);
    let mut written: Option<Option<Request>> = None;
    for page in 1..=PAGES {
        let Some(request) = host.comments(&place, comment.number, page, &token) else {
            break;
        };
        let answer = asked(notifier.runtime.mirrors(), &request).await?;
        let found = comments(&json(answer, LONGEST_ANSWER).await?);
        let ours = found
            .iter()
            .find(|(_, text)| text.contains(&comment.marker));
        if let Some((id, there)) = ours {
            written = Some(if there.trim() == text.trim() {
                None
            } else {
                Some(
                    host.edit(&place, (comment.number, *id), &text, &token)
                        .ok_or_else(no_place)?,
                )
            });
            break;
        }
        if found.is_empty() {
            break;
        }
    }
    let request = match written {
        Some(edit) => edit,
        None => Some(
            host.add(&place, comment.number, &text, &token)
                .ok_or_else(no_place)?,
        ),
    };
    if let Some(request) = request {
        post(notifier, &request).await?;
    }
    Ok(Outcome::Sent)
}

/// Notes that a message with a comment did not get through. Other messages are none of its business.
pub(in crate::notify) async fn give_up(
    tx: &mut Tx,
    kind: &str,
    body: &str,
) -> Result<(), StoreError> {
    if kind != KIND {
        return Ok(());
    }
    let Ok(comment) = serde_json::from_str::<CommentPost>(body) else {
        return Ok(());
    };
    let digest = digest(&comment.text);
    pull_comment::give_up(tx, &comment.repo_url, comment.number, &digest).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_one_for_each_installation_repository_and_number() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let all = [
            marker(one, "https://git.example.org/team/shop", 7),
            marker(other, "https://git.example.org/team/shop", 7),
            marker(one, "https://git.example.org/team/shop", 8),
            marker(one, "https://git.example.org/team/shop2", 7),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(all[0], marker(one, "https://git.example.org/team/shop", 7));
        assert!(all[0].starts_with("<!-- lockstep preview ") && all[0].ends_with(" -->"));
    }
}
