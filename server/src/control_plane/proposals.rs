//! Changes that wait for review: a commit on a branch of its own, and a pull request where the Git host takes one.

use super::{Plane, refuse};
use crate::notify::{self, PullRequest};
use engine::source::{CommitRequest, Credential, PushOutcome};
use lockstep_types::PortError;
use lockstep_types::proposal::{CommitOutcome, Proposal};
use lockstep_types::revision::Revision;

/// What came of it.
pub(super) enum Proposed {
    Open(Proposal),
    /// The branch that it is for is here by now; nothing was pushed.
    Moved(Revision),
    /// The host said no; nothing was pushed.
    Refused(String),
}

impl From<Proposed> for CommitOutcome {
    fn from(proposed: Proposed) -> Self {
        match proposed {
            Proposed::Open(proposal) => Self::Proposed(proposal),
            Proposed::Moved(head) => Self::Moved { head },
            Proposed::Refused(message) => Self::PushRefused { message },
        }
    }
}

impl Plane {
    /// Pushes the commit as a branch of its own and asks the host for a pull request. Without one the branch stays, and
    /// the proposal says what to do.
    pub(super) async fn propose(
        &self,
        repo_url: &str,
        credential: &Credential,
        request: CommitRequest,
        new_branch: String,
    ) -> Result<Proposed, PortError> {
        let onto = request.branch.clone();
        let (title, body) = request
            .message
            .split_once('\n')
            .unwrap_or((&request.message, ""));
        let pull = PullRequest {
            repo_url: repo_url.to_owned(),
            title: title.to_owned(),
            body: fenced(body.trim()),
            branch: new_branch.clone(),
            onto: onto.clone(),
        };
        let pushed = self
            .runtime
            .mirrors()
            .propose_commit(repo_url, credential, request, &new_branch)
            .await
            .map_err(refuse::source)?;
        let revision = match pushed {
            PushOutcome::Pushed(revision) => revision,
            PushOutcome::Moved(head) => return Ok(Proposed::Moved(head)),
            PushOutcome::Refused(message) if message.contains("stale info") => {
                return Ok(Proposed::Refused(format!(
                    "the branch {new_branch} is there already: it was proposed before"
                )));
            }
            PushOutcome::Refused(message) => return Ok(Proposed::Refused(message)),
            PushOutcome::NothingToDo => {
                return Err(PortError::Conflict(
                    "the files already are like this in Git; there is nothing to propose"
                        .to_owned(),
                ));
            }
        };
        let vault = &self.registration.vault;
        let opened = notify::open_pull_request(&self.runtime, vault, &pull).await;
        let (pull_request, note) = match opened {
            Ok(address) => (address, String::new()),
            Err(why) => (
                String::new(),
                format!("Open the pull request into {onto} at the Git host: {why}."),
            ),
        };
        let repositories = self.repositories(&self.all_defined().await?).await?;
        Ok(Proposed::Open(Proposal {
            repo: repositories.slug(&self.runtime.repository_key(repo_url)),
            onto,
            branch: new_branch,
            revision,
            pull_request,
            note,
        }))
    }
}

/// A text that a Git host shows as it is: nothing in it mentions people, closes issues or is a command to the host.
fn fenced(text: &str) -> String {
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(3) + 1);
    format!("{fence}\n{text}\n{fence}\n")
}

/// `lockstep/roll-back-cart-1a2b3c4d`. The number is the beginning of the preview's digest: what was shown once is proposed
/// once, and a second time the branch is there already.
pub(super) fn branch_name(what: &str, application: &str, digest: &str) -> String {
    let name: String = application
        .chars()
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => letter,
            _ => '-',
        })
        .take(60)
        .collect();
    let number: String = digest.chars().take(8).collect();
    format!("lockstep/{what}-{}-{number}", name.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_have_names_that_git_takes() {
        for (application, expected) in [
            ("cart", "lockstep/roll-back-cart-0000abcd"),
            ("a.b/c..d", "lockstep/roll-back-a-b-c--d-0000abcd"),
            ("-é-", "lockstep/roll-back--0000abcd"),
        ] {
            let name = branch_name("roll-back", application, "0000abcd19");
            assert_eq!(name, expected);
            assert!(gix_validates(&name), "{name}");
        }
    }

    #[test]
    fn a_body_is_shown_as_it_is() {
        let body = fenced("/target_branch production\n````\n@all");
        assert!(body.starts_with("`````\n/target_branch"), "{body}");
        assert!(body.ends_with("@all\n`````\n"), "{body}");
    }

    /// What `git check-ref-format` asks of these names.
    fn gix_validates(name: &str) -> bool {
        !name.contains("..") && !name.ends_with(['/', '.']) && !name.contains("//")
    }
}
