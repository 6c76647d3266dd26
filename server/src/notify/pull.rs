//! Opens pull requests where a change waits for review.

use super::deliver::{asked, json, token_of_source};
use super::host::{PullRequest, api, place};
use super::secret::ReceiverSecret;
use crate::runtime::Runtime;
use crate::secrets::Vault;
use crate::store::receiver;

/// Nobody says more of one pull request.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Opens a pull request with the login of its host, as Settings have it, and gives its address.
///
/// # Errors
/// Why there is none, as half a sentence.
pub(crate) async fn open_pull_request(
    runtime: &Runtime,
    vault: &Vault,
    pull: &PullRequest,
) -> Result<String, String> {
    let hosts = receiver::hosts(runtime.store()).await;
    let hosts = hosts.map_err(|error| error.to_string())?;
    let key = runtime.repository_key(&pull.repo_url);
    let host = hosts.into_iter().find(|host| key.starts_with(&host.prefix));
    let host =
        host.ok_or("no Git host is set up for this repository in Settings → Notifications")?;
    let secret = ReceiverSecret::of(runtime.store(), vault, host.id.0).await;
    let token = match secret.map_err(|error| error.to_string())? {
        Some(secret) => secret.secret,
        None => {
            let token = token_of_source(runtime, &pull.repo_url).await;
            token.map_err(|error| error.words)?
        }
    };
    let api = api(host.provider);
    let request = place(&key)
        .and_then(|place| api.pull_request(&place, pull, &token))
        .ok_or("the address names no repository of such a host")?;
    let answer = asked(runtime.mirrors(), &request).await;
    let answer = answer.map_err(|error| error.words)?;
    let answer = json(answer, LONGEST_ANSWER).await;
    let answer = answer.map_err(|error| error.words)?;
    let opened = api.opened(&answer).map(str::to_owned);
    opened.ok_or_else(|| "the host's answer names no pull request".to_owned())
}
