//! Commits of our own on the expected head of a branch: a changed tree, pushed fast-forward only.
//!
//! What a commit changes in the tree is its [`TreeEdit`]; how it is made, pushed and refused is the same for all.

use super::committer::Committer;
use super::git::{Git, words_of};
use super::mirror::Mirror;
use super::tree_edit::{self, FileEdit};
use super::{Credential, Mirrors, SourceError, on_blocking_thread};
use gix::objs::WriteTo;
use lockstep_types::revision::{Revision, TargetRevision};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// Short name, `main`.
    pub branch: String,
    /// The head that was previewed. A branch that is elsewhere has moved.
    pub expected_head: Revision,
    pub edit: TreeEdit,
    pub message: String,
    pub author_name: String,
    pub author_email: String,
}

/// How the tree of the head changes. Everything that is not named stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEdit {
    /// Files or folders become as they were in another commit; what that one lacks is removed.
    Restore { paths: Vec<String>, from: Revision },
    /// Files are put, replaced or removed.
    Files(Vec<FileEdit>),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// On the branch.
    Pushed(Revision),
    /// The branch is here by now; nothing was pushed.
    Moved(Revision),
    /// The host said no, in its own words; nothing was pushed.
    Refused(String),
    /// The tree already is as wanted.
    NothingToDo,
}

impl Mirrors {
    /// Commits on the expected head of a branch and pushes that, fast-forward only.
    ///
    /// # Errors
    /// When the host does not answer, the commits are not here, or a path cannot be written. A moved branch or a
    /// refusal is no error.
    pub async fn push_commit(
        &self,
        repo_url: &str,
        credential: &Credential,
        request: CommitRequest,
    ) -> Result<PushOutcome, SourceError> {
        push(self, &self.mirror(repo_url)?, credential, request, None).await
    }

    /// Commits on the expected head of a branch and pushes that as a new branch, so that somebody can look at it before
    /// it counts. The branch that it is for stays as it is.
    ///
    /// # Errors
    /// As [`Mirrors::push_commit`]. A branch of that name that is there already is a refusal.
    pub async fn propose_commit(
        &self,
        repo_url: &str,
        credential: &Credential,
        request: CommitRequest,
        new_branch: &str,
    ) -> Result<PushOutcome, SourceError> {
        let mirror = self.mirror(repo_url)?;
        push(self, &mirror, credential, request, Some(new_branch)).await
    }

    /// Makes the commit that [`Mirrors::push_commit`] would push, in the mirror alone, so that files, rendering and
    /// differences can be asked of it as of any other. `None` when there would be nothing to commit. It is never signed:
    /// nobody has agreed to it.
    ///
    /// # Errors
    /// When the mirror does not hold the commits or cannot be written, or a path cannot be written.
    pub async fn prepare_commit(
        &self,
        repo_url: &str,
        request: CommitRequest,
    ) -> Result<Option<Revision>, SourceError> {
        let unsigned = Committer {
            signer: None,
            ..Committer::clone(&self.committer)
        };
        self.blocking(repo_url, move |mirror| make(mirror, &request, &unsigned))
            .await
    }
}

async fn push(
    mirrors: &Mirrors,
    mirror: &Arc<Mirror>,
    credential: &Credential,
    request: CommitRequest,
    new_branch: Option<&str>,
) -> Result<PushOutcome, SourceError> {
    let branch = TargetRevision(format!("refs/heads/{}", request.branch));
    if let Some(head) = moved(mirrors, mirror, credential, &branch, &request.expected_head).await? {
        return Ok(PushOutcome::Moved(head));
    }
    let expected = request.expected_head.clone();
    let committer = Arc::clone(&mirrors.committer);
    let made = on_blocking_thread(Arc::clone(mirror), move |mirror| {
        make(mirror, &request, &committer)
    })
    .await?;
    let Some(commit) = made else {
        return Ok(PushOutcome::NothingToDo);
    };
    let finished = {
        let _turn = mirror.transport.lock().await;
        let git = Git {
            url: mirror.url(),
            git_dir: mirror.dir(),
            askpass: &mirrors.inner.askpass,
            credential,
            policy: mirrors.inner.policy,
            deadline: mirrors.deadline,
        };
        // The lease makes it a compare-and-swap; the commit's parent makes it a fast-forward. A new branch must not
        // be there: that is the lease without a commit.
        let (onto, lease) = match new_branch {
            Some(name) => (format!("refs/heads/{name}"), String::new()),
            None => (branch.0.clone(), expected.to_string()),
        };
        let lease = format!("--force-with-lease={onto}:{lease}");
        let refspec = format!("{commit}:{onto}");
        let arguments = [
            "push",
            "--porcelain",
            "--no-verify",
            "--no-signed",
            &lease,
            "--",
            mirror.url().text(),
            &refspec,
        ];
        let finished = git.run(&arguments, Vec::new()).await?;
        if !finished.status.success()
            && !String::from_utf8_lossy(&finished.stdout)
                .lines()
                .any(|line| line.starts_with('!'))
        {
            return Err(git.failure(&finished));
        }
        finished
    };
    if finished.status.success() {
        // Known here without waiting for the next fetch; the push itself has happened either way.
        let onto = new_branch.map(|name| TargetRevision(format!("refs/heads/{name}")));
        let branch = onto.unwrap_or(branch);
        let answer =
            super::fetch::fetch(mirrors, mirror, credential, std::slice::from_ref(&branch)).await;
        if let Err(error) = answer {
            tracing::warn!(repository = %mirror.url(), %error, "the branch could not be fetched after the push");
        }
        return Ok(PushOutcome::Pushed(commit));
    }
    match moved(mirrors, mirror, credential, &branch, &expected).await? {
        Some(head) => Ok(PushOutcome::Moved(head)),
        None => Ok(PushOutcome::Refused(refusal(
            &String::from_utf8_lossy(&finished.stdout),
            &String::from_utf8_lossy(&finished.stderr),
        ))),
    }
}

/// The branch's head on the host when it is not the expected one.
async fn moved(
    mirrors: &Mirrors,
    mirror: &Arc<Mirror>,
    credential: &Credential,
    branch: &TargetRevision,
    expected: &Revision,
) -> Result<Option<Revision>, SourceError> {
    let mut heads =
        super::fetch::fetch(mirrors, mirror, credential, std::slice::from_ref(branch)).await?;
    let head = heads.remove(branch).unwrap_or_else(|| {
        Err(SourceError::NoSuchRevision {
            url: mirror.url().to_string(),
            revision: branch.0.clone(),
        })
    })?;
    Ok((head != *expected).then_some(head))
}

/// The host's own words: what it sent, and the reason Git gives for the ref.
fn refusal(porcelain: &str, errors: &str) -> String {
    let said: Vec<&str> = errors
        .lines()
        .filter_map(|line| line.strip_prefix("remote:"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let reason = porcelain
        .lines()
        .filter(|line| line.starts_with('!'))
        .filter_map(|line| line.rsplit_once('\t'))
        .map(|(_, reason)| reason.trim())
        .next()
        .unwrap_or_default();
    let text = match (said.is_empty(), reason.is_empty()) {
        (true, true) => return words_of(errors),
        (true, false) => reason.to_owned(),
        (false, true) => said.join("\n"),
        (false, false) => format!("{}\n{reason}", said.join("\n")),
    };
    words_of(&text)
}

/// Writes tree and commit into the mirror; `None` when the tree would be the head's own.
fn make(
    mirror: &Mirror,
    request: &CommitRequest,
    committer: &Committer,
) -> Result<Option<Revision>, SourceError> {
    let repo = mirror.reader()?;
    let broken = |error: gix::Error| mirror.broken(error);
    let head = mirror.commit(&repo, &request.expected_head)?;
    let head_tree = head.tree_id().map_err(broken)?.detach();
    let tree = match &request.edit {
        TreeEdit::Restore { paths, from } => {
            tree_edit::restored(mirror, &repo, head_tree, paths, from)?
        }
        TreeEdit::Files(files) => tree_edit::with_files(mirror, &repo, head_tree, files)?,
    };
    if tree == head_tree {
        return Ok(None);
    }
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let time = gix::date::Time::new(i64::try_from(seconds).unwrap_or(0), 0);
    let by = |name: &str, email: &str| gix::actor::Signature {
        name: clean(name, "Lockstep").into(),
        email: clean(email, "lockstep@localhost").into(),
        time,
    };
    let mut commit = gix::objs::Commit {
        tree,
        parents: [head.id().detach()].into_iter().collect(),
        author: by(&request.author_name, &request.author_email),
        committer: by(&committer.name, &committer.email),
        encoding: None,
        message: request.message.replace('\0', "").into(),
        extra_headers: Vec::new(),
    };
    if let Some(signer) = &committer.signer {
        let mut signed = Vec::new();
        commit
            .write_to(&mut signed)
            .map_err(|error| mirror.broken(error))?;
        let signature = signer.sign(&signed)?;
        commit
            .extra_headers
            .push(("gpgsig".into(), signature.into()));
    }
    let id = repo.write_object(&commit).map_err(broken)?;
    Ok(Some(Revision(id.to_string())))
}

/// Names in commits cannot hold what delimits them.
fn clean(text: &str, otherwise: &str) -> String {
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, '<' | '>') && !c.is_control())
        .collect();
    let text = text.trim();
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text.to_owned()
    }
}
