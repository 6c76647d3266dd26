//! Who last changed the lines of a file.

use super::git::{Git, words_of};
use super::{Credential, Mirrors, SourceError};
use lockstep_types::revision::Revision;
use std::ops::RangeInclusive;

/// A line and the commit that it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlamedLine {
    /// 1-based, in the file as it is at the revision that was asked about.
    pub line: u32,
    pub revision: Revision,
}

impl Mirrors {
    /// The commit that each of the lines (1-based) is from, at a revision. Lines beyond the end are left out.
    ///
    /// # Errors
    /// When the mirror does not hold the commit or the file.
    pub async fn blame(
        &self,
        repo_url: &str,
        at: &Revision,
        path: &str,
        lines: RangeInclusive<u32>,
    ) -> Result<Vec<BlamedLine>, SourceError> {
        // Says what is missing in our words.
        let found = self.files(repo_url, at, path).await?;
        if !found.iter().any(|file| file.path == path) {
            return Err(SourceError::NoSuchPath {
                url: repo_url.to_owned(),
                path: path.to_owned(),
                revision: at.short().to_owned(),
            });
        }
        let mirror = self.mirror(repo_url)?;
        let git = Git {
            url: mirror.url(),
            git_dir: mirror.dir(),
            askpass: &self.inner.askpass,
            credential: &Credential::None,
            policy: self.inner.policy,
            deadline: self.deadline,
        };
        // An empty range would mean the whole file.
        let range = format!("{},{}", (*lines.start()).max(1), (*lines.end()).max(1));
        let arguments = ["blame", "--porcelain", "-L", &range, &at.0, "--", path];
        let finished = git.here(&arguments, Vec::new()).await?;
        if finished.status.success() {
            return Ok(read(&String::from_utf8_lossy(&finished.stdout)));
        }
        let errors = String::from_utf8_lossy(&finished.stderr);
        if errors.contains("has only") {
            return Ok(Vec::new());
        }
        Err(git.damaged(&words_of(&errors)))
    }
}

/// Headers of lines are `COMMIT LINE-THERE LINE-HERE [COUNT]`; the text of a line follows a tab.
fn read(answer: &str) -> Vec<BlamedLine> {
    answer
        .lines()
        .filter(|line| !line.starts_with('\t'))
        .filter_map(|line| {
            let mut words = line.split(' ');
            let id = words
                .next()
                .filter(|id| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            words.next()?.parse::<u32>().ok()?;
            Some(BlamedLine {
                line: words.next()?.parse().ok()?,
                revision: Revision(id.to_owned()),
            })
        })
        .collect()
}
