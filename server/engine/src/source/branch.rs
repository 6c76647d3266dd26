//! Which branch a commit would go to.

use super::git::Git;
use super::{Credential, Mirrors, SourceError, fetch};
use lockstep_types::revision::TargetRevision;

impl Mirrors {
    /// The short name of the branch that a tracked revision follows; `None` when it names a tag or a commit. Asks the
    /// host only what its `HEAD` means.
    ///
    /// # Errors
    /// When the host does not answer.
    pub async fn branch_of(
        &self,
        repo_url: &str,
        credential: &Credential,
        tracked: &TargetRevision,
    ) -> Result<Option<String>, SourceError> {
        let name = tracked.name();
        if self.check_url(repo_url)?.chart().is_some() {
            return Ok(None);
        }
        if name == "HEAD" {
            return self.default_branch(repo_url, credential).await;
        }
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            return Ok(Some(branch.to_owned()));
        }
        if name.starts_with("refs/") {
            return Ok(None);
        }
        let full = TargetRevision(format!("refs/heads/{name}"));
        match self
            .blocking(repo_url, move |mirror| fetch::resolved(mirror, &full))
            .await
        {
            Ok(_) => Ok(Some(name.to_owned())),
            Err(SourceError::NoSuchRevision { .. } | SourceError::RevisionName { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the host has a branch of this name now.
    ///
    /// # Errors
    /// When the host does not answer.
    pub async fn has_branch(
        &self,
        repo_url: &str,
        credential: &Credential,
        name: &str,
    ) -> Result<bool, SourceError> {
        let full = format!("refs/heads/{name}");
        let answer = self
            .ask_host(repo_url, credential, &["--refs"], &full)
            .await?;
        Ok(answer
            .lines()
            .any(|line| line.ends_with(&format!("\t{full}"))))
    }

    async fn default_branch(
        &self,
        repo_url: &str,
        credential: &Credential,
    ) -> Result<Option<String>, SourceError> {
        let answer = self
            .ask_host(repo_url, credential, &["--symref"], "HEAD")
            .await?;
        Ok(symref(&answer))
    }

    /// What the host says of refs.
    async fn ask_host(
        &self,
        repo_url: &str,
        credential: &Credential,
        options: &[&str],
        of: &str,
    ) -> Result<String, SourceError> {
        let mirror = self.mirror(repo_url)?;
        let _turn = mirror.transport.lock().await;
        let git = Git {
            url: mirror.url(),
            git_dir: mirror.dir(),
            askpass: &self.inner.askpass,
            credential,
            policy: self.inner.policy,
            deadline: self.deadline,
        };
        let mut arguments = vec!["ls-remote", "--quiet"];
        arguments.extend(options);
        arguments.extend(["--", mirror.url().text(), of]);
        git.ask(&arguments, Vec::new()).await
    }
}

/// `main` of `ref: refs/heads/main<TAB>HEAD`.
fn symref(answer: &str) -> Option<String> {
    answer.lines().find_map(|line| {
        let (target, name) = line.strip_prefix("ref: ")?.split_once('\t')?;
        (name == "HEAD").then(|| target.strip_prefix("refs/heads/").map(str::to_owned))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_head_means() {
        assert_eq!(
            symref("ref: refs/heads/main\tHEAD\n0123\tHEAD\n").as_deref(),
            Some("main")
        );
        assert_eq!(symref("0123\tHEAD\n"), None);
        assert_eq!(symref(""), None);
    }
}
