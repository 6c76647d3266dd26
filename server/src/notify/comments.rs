//! One comment on each open pull request for a followed branch: what its merge would do, as the preview page has it.
//!
//! Which pull requests there are is asked of the host, by the clock and when a webhook says so; one is looked at again when
//! its head or its base is another, when something could not be told, and now and then, because clusters change too. One
//! is looked at after the other, in a task of its own, so that nothing else waits for it. What was said is written down
//! with the message that says it; the comment itself is found again by its marker ([`send`]). A text that is the same is
//! not sent.
//!
//! Branches of forks are not looked at: their content is that of strangers, and whoever can open a pull request would have
//! it rendered next to clusters and read what they hold.

mod send;
mod text;

pub(super) use send::{give_up, send};

use super::host::{OpenPull, PULLS, conversation, place, preview_link};
use super::{Notifier, QUEUE, statuses};
use crate::control_plane::slug;
use crate::runtime::now;
use crate::store::message::NewMessage;
use crate::store::pull_comment::Said;
use crate::store::receiver::StatusHost;
use crate::store::{StoreError, message, pull_comment, receiver};
use lockstep_types::error::PortError;
use lockstep_types::revision::TargetRevision;
use lockstep_types::time::Micros;
use lockstep_types::upcoming::UpcomingQuery;
use send::{CommentPost, digest, marker};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The kind of its messages.
pub(super) const KIND: &str = "comment";
/// Between two passes, at least.
const APART: Duration = Duration::from_secs(1);
/// Between two passes when nothing calls.
const LOOK: Duration = Duration::from_secs(10);
/// After a host that did not answer, or a preview that could not be made.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// The longest preview.
const WITHIN: Duration = Duration::from_secs(180);
/// So long after one in which something could not be told.
const UNSURE_SECONDS: i64 = 600;
/// Clusters change, too.
const AGAIN_SECONDS: i64 = 1800;
/// A text that the host did not take is offered again after this.
const GIVEN_UP_SECONDS: i64 = 3600;
/// An answer of a host, at most.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// What is remembered of a repository between passes; may be lost at any moment.
#[derive(Debug, Default)]
struct Known {
    pulls: Vec<OpenPull>,
    /// When the host is asked again.
    due: Option<Instant>,
    /// Pull requests that could not be looked at wait so long.
    waiting: BTreeMap<i64, Instant>,
}

/// A repository that is commented on.
struct Repository<'a> {
    key: &'a str,
    host: &'a StatusHost,
    followed: &'a BTreeSet<TargetRevision>,
    /// Its name in addresses.
    slug: String,
}

/// Looks until the runtime ends.
pub(super) async fn run(notifier: Notifier) {
    let cancel = notifier.runtime.cancelled().clone();
    let called = notifier.runtime.activator().pulls();
    let mut known = BTreeMap::new();
    loop {
        let passed = tokio::select! {
            () = cancel.cancelled() => return,
            passed = pass(&notifier, &mut known) => passed,
        };
        if let Err(error) = passed {
            tracing::warn!(
                event.name = "comments.pass",
                error = &error as &dyn std::error::Error,
                "pull requests could not be looked at; trying again"
            );
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(LOOK.min(listed_every(&notifier))) => {}
            () = called.activated() => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(APART) => {}
        }
    }
}

/// A host is asked half as often as its repository: most pull requests change by a push.
fn listed_every(notifier: &Notifier) -> Duration {
    notifier.runtime.settings().poll.saturating_mul(2)
}

async fn pass(notifier: &Notifier, known: &mut BTreeMap<String, Known>) -> Result<(), StoreError> {
    let called = notifier.runtime.activator().take_pulls();
    let hosts = receiver::hosts(notifier.runtime.store()).await?;
    let tracked = notifier.runtime.memory().tracked();
    let names: BTreeSet<String> = tracked.iter().map(|(key, _)| key.clone()).collect();
    // The longest prefix decides, also against comments.
    let host_of = |key: &str| hosts.iter().find(|host| key.starts_with(&host.prefix));
    let repositories = tracked.iter().filter_map(|(key, followed)| {
        Some(Repository {
            key,
            host: host_of(key).filter(|host| host.comments)?,
            followed,
            slug: slug(key, &names),
        })
    });
    let repositories: Vec<Repository> = repositories.collect();
    known.retain(|key, _| repositories.iter().any(|repository| repository.key == key));
    for repository in repositories {
        let known = known.entry(repository.key.to_owned()).or_default();
        let due = known.due.is_none_or(|due| due <= Instant::now());
        if due || called.contains(repository.key) {
            list(notifier, &repository, known).await;
        }
        let said = pull_comment::said(notifier.runtime.store(), repository.key).await?;
        for pull in known.pulls.clone() {
            let waits = known.waiting.get(&pull.number);
            if waits.is_some_and(|until| *until > Instant::now()) {
                continue;
            }
            let looked = look(notifier, &repository, &pull, said.get(&pull.number)).await?;
            if !looked {
                let until = Instant::now() + AFTER_FAILURE;
                known.waiting.insert(pull.number, until);
            }
        }
    }
    Ok(())
}

/// Asks the host which pull requests are open.
async fn list(notifier: &Notifier, repository: &Repository<'_>, known: &mut Known) {
    let asked = async {
        let token = super::deliver::token_of(notifier, repository.host.id.0, repository.key);
        let token = token.await?;
        let host = conversation(repository.host.provider);
        let request = place(repository.key).and_then(|place| host.pulls(&place, &token));
        let request = request.ok_or_else(|| {
            super::deliver::SendError::refused("its address names no repository of such a host")
        })?;
        let answer = super::deliver::asked(notifier.runtime.mirrors(), &request).await?;
        let answer = super::deliver::json(answer, LONGEST_ANSWER).await?;
        Ok::<_, super::deliver::SendError>(host.open(&answer))
    };
    match asked.await {
        Ok(pulls) => {
            if pulls.len() >= PULLS {
                tracing::info!(
                    event.name = "comments.many",
                    repository = repository.key,
                    "only the {PULLS} pull requests that changed last are commented on"
                );
            }
            known.pulls = pulls;
            known.due = Some(Instant::now() + listed_every(notifier));
            let open: BTreeSet<i64> = known.pulls.iter().map(|pull| pull.number).collect();
            known.waiting.retain(|number, _| open.contains(number));
        }
        Err(error) => {
            tracing::warn!(
                event.name = "comments.list",
                repository = repository.key,
                error = &error as &dyn std::error::Error,
                "the open pull requests are not known"
            );
            known.due = Some(Instant::now() + AFTER_FAILURE.max(listed_every(notifier)));
        }
    }
}

/// Looks at one pull request if that is due, and queues what there is to say. `false`: it could not be looked at.
async fn look(
    notifier: &Notifier,
    repository: &Repository<'_>,
    pull: &OpenPull,
    said: Option<&Said>,
) -> Result<bool, StoreError> {
    if pull.from_fork {
        return Ok(true);
    }
    let Some(followed) = followed_as(repository.followed, &pull.onto) else {
        return Ok(true);
    };
    let memory = notifier.runtime.memory();
    let resolution = memory.resolution(repository.key, followed);
    let Some(base) = resolution.and_then(|resolution| resolution.revision) else {
        return Ok(true);
    };
    if said.is_some_and(|said| !is_due(said, &pull.head, &base.0, now())) {
        return Ok(true);
    }
    let db = notifier.runtime.store();
    let to = format!("{} #{}", repository.key, pull.number);
    // The one before has not come back: what is said now could arrive first.
    if message::waits(db, KIND, &to).await? {
        return Ok(true);
    }
    let Ok((text, sure)) = told(notifier, repository, pull).await else {
        return Ok(false);
    };
    let mut new = Said {
        head: pull.head.clone(),
        base: base.0,
        digest: if text.is_empty() {
            text.clone()
        } else {
            digest(&text)
        },
        sure,
        at: now(),
        given_up_at: None,
    };
    let same = said.is_some_and(|said| said.digest == new.digest && said.given_up_at.is_none());
    let mut tx = db.begin().await?;
    if !same && !text.is_empty() {
        let post = CommentPost {
            repo_url: repository.key.to_owned(),
            number: pull.number,
            provider: repository.host.provider,
            marker: marker(notifier.runtime.installation(), repository.key, pull.number),
            text,
        };
        let body = serde_json::to_string(&post).map_err(|source| StoreError::Unwritable {
            what: "a comment on a pull request",
            source,
        })?;
        let message = NewMessage {
            kind: KIND,
            owner: repository.host.id.0,
            to,
            what: format!("{} for {}: what it would do", pull.branch, pull.onto),
            body,
            note: String::new(),
            // Its comment is found again.
            tries_twice: true,
        };
        for body in message::queue(&mut tx, &message, QUEUE).await?.dropped {
            give_up(&mut tx, KIND, &body).await?;
        }
    } else if let Some(said) = said.filter(|_| text.is_empty()) {
        // It is for a branch that is no longer followed: what was said stays.
        new.digest.clone_from(&said.digest);
    }
    pull_comment::say(&mut tx, repository.key, pull.number, &new).await?;
    tx.commit().await?;
    Ok(true)
}

/// The text of the comment, and whether everything could be told; empty when no target follows the branch.
async fn told(
    notifier: &Notifier,
    repository: &Repository<'_>,
    pull: &OpenPull,
) -> Result<(String, bool), ()> {
    let query = UpcomingQuery {
        repo: repository.slug.clone(),
        // A tag may have the same name.
        reference: format!("refs/heads/{}", pull.branch),
        onto: pull.onto.clone(),
    };
    let reader = statuses::reader("comments on pull requests");
    let view = tokio::time::timeout(WITHIN, notifier.fleet.upcoming(&reader, &query)).await;
    match view {
        Ok(Ok(view)) => {
            let outline = view.outline();
            let origin = &notifier.runtime.settings().public_url;
            let link = preview_link(origin, &query.repo, &query.reference, &query.onto);
            let text = text::of(&outline, &view.commit.revision, &link);
            Ok((text, outline.is_known()))
        }
        Ok(Err(PortError::Invalid { field, .. })) if field == "onto" => Ok((String::new(), true)),
        Ok(Err(PortError::Conflict(why))) => Ok((text::refused(&why), false)),
        Ok(Err(error)) => {
            tracing::info!(
                event.name = "comments.preview",
                repository = repository.key,
                pull = pull.number,
                error = &error as &dyn std::error::Error,
                "a pull request cannot be looked at"
            );
            Err(())
        }
        Err(_) => {
            tracing::warn!(
                event.name = "comments.preview",
                repository = repository.key,
                pull = pull.number,
                "the preview of a pull request takes too long"
            );
            Err(())
        }
    }
}

/// As what a branch is followed; the default branch may be any.
pub(super) fn followed_as<'a>(
    followed: &'a BTreeSet<TargetRevision>,
    branch: &str,
) -> Option<&'a TargetRevision> {
    let full = format!("refs/heads/{branch}");
    let named = |wanted: &&TargetRevision| wanted.name() == branch || wanted.name() == full;
    let head = |wanted: &&TargetRevision| wanted.name() == "HEAD";
    followed
        .iter()
        .find(named)
        .or_else(|| followed.iter().find(head))
}

/// Whether something else may be to be said.
fn is_due(said: &Said, head: &str, base: &str, now: Micros) -> bool {
    let age = now.seconds_since(said.at);
    if said.head != head || said.base != base {
        return true;
    }
    match said.given_up_at {
        Some(at) => now.seconds_since(at) >= GIVEN_UP_SECONDS,
        None => age >= AGAIN_SECONDS || (!said.sure && age >= UNSURE_SECONDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_is_looked_at_again_when_something_may_be_otherwise() {
        let said = |sure, given_up_at: Option<i64>| Said {
            head: "aa".to_owned(),
            base: "00".to_owned(),
            digest: "d".to_owned(),
            sure,
            at: Micros(0),
            given_up_at: given_up_at.map(|seconds| Micros(0).plus_seconds(seconds)),
        };
        for (said, head, base, seconds, expected) in [
            (said(true, None), "aa", "00", 0, false),
            (said(true, None), "bb", "00", 0, true),
            (said(true, None), "aa", "11", 0, true),
            (said(true, None), "aa", "00", 300, false),
            (said(false, None), "aa", "00", 100, false),
            (said(false, None), "aa", "00", 300, false),
            (said(false, None), "aa", "00", 700, true),
            (said(false, Some(10)), "aa", "00", 700, false),
            (said(true, None), "aa", "00", 2000, true),
            (said(true, Some(10)), "aa", "00", 300, false),
        ] {
            let at = Micros(0).plus_seconds(seconds);
            assert_eq!(
                is_due(&said, head, base, at),
                expected,
                "{said:?} {seconds}"
            );
        }
    }

    #[test]
    fn a_branch_is_followed_by_its_name_or_as_the_default() {
        let set = |names: &[&str]| -> BTreeSet<TargetRevision> {
            names
                .iter()
                .map(|name| TargetRevision((*name).to_owned()))
                .collect()
        };
        for (followed, branch, expected) in [
            (set(&["main"]), "main", Some("main")),
            (
                set(&["refs/heads/main", "v1"]),
                "main",
                Some("refs/heads/main"),
            ),
            (set(&["HEAD", "main"]), "main", Some("main")),
            (set(&["HEAD"]), "main", Some("HEAD")),
            (set(&["main", "1.x"]), "maintenance", None),
        ] {
            let found = followed_as(&followed, branch);
            assert_eq!(found.map(TargetRevision::name), expected, "{branch}");
        }
    }
}
