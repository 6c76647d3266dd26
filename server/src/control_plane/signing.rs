//! What becomes of the signature of a commit of our own, told before it is written.

use super::definitions::Placement;
use super::{Plane, refuse};
use crate::reconcile::revisions;
use crate::reconcile::vouched::{self, Unvouched};
use lockstep_types::PortError;
use lockstep_types::revision::Revision;

/// Of a commit that nobody has written yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Signing {
    /// The fingerprint of the key that signs it; empty: it is not signed.
    pub key: String,
    /// Who would refuse it, why, and what to do; empty: nobody.
    pub refused: String,
}

impl Plane {
    /// Holds a draft, signed as it would be, against the rules of the targets that it reaches by the branch.
    pub(super) async fn signing(
        &self,
        url: &str,
        branch: &str,
        draft: &Revision,
        reached: &[Placement],
    ) -> Result<Signing, PortError> {
        let signer = self.runtime.mirrors().committer().signer.as_ref();
        let key = signer.map(|signer| signer.key().to_owned());
        let mut signing = Signing {
            key: key.unwrap_or_default(),
            refused: String::new(),
        };
        let here = self.runtime.repository_key(url);
        let mut known = Vec::new();
        for placement in reached {
            let definition = &placement.defined.definition;
            let follows = &definition.source.target_revision;
            for source in revisions::sources(definition) {
                let tracked = &source.target_revision;
                if self.runtime.repository_key(&source.repo_url) != here
                    || (tracked != follows && tracked.name() != branch)
                {
                    continue;
                }
                for wanted in vouched::asked(definition, source) {
                    if known.contains(&wanted) {
                        continue;
                    }
                    let said = vouched::of_ours(&self.runtime, source, draft, &wanted).await;
                    let said = said.map_err(refuse::untold)?;
                    if let Some(unvouched) = said {
                        signing.refused = words(&wanted.asked_by, &unvouched);
                        return Ok(signing);
                    }
                    known.push(wanted);
                }
            }
        }
        Ok(signing)
    }
}

fn words(asked_by: &str, unvouched: &Unvouched) -> String {
    let asks = format!("{asked_by} asks for signed commits");
    match unvouched {
        Unvouched::NoKey => format!(
            "{asks}, and Lockstep has no key to sign with. Set commits.signing_key_file and name its key there, or open a pull request and merge it with a signature."
        ),
        Unvouched::Own(found) => format!(
            "{asks}, and this one {found}. Name the key there, or open a pull request and merge it with a signature."
        ),
        Unvouched::Failed(why) => format!("{asks}, and this one cannot be signed: {why}."),
        Unvouched::Earlier(commit, found) => format!(
            "{asks}, and the earlier commit {} {found}. Review it and push a seal first.",
            commit.short()
        ),
    }
}
