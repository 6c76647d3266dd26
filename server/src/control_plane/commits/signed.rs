//! What the rules for signatures say of a commit: those of every application that the asker may see and that reads its
//! repository.

use super::super::allow::Visible;
use super::super::definitions::Defined;
use super::super::{Plane, refuse};
use super::Located;
use crate::reconcile::revisions;
use crate::reconcile::vouched;
use engine::definition::Verification;
use engine::signature::Keyring;
use lockstep_types::PortError;
use lockstep_types::id::ApplicationId;
use lockstep_types::revision::{CommitSignature, Signature};
use std::collections::BTreeMap;

impl Plane {
    /// Tags, and commits before this one, are looked at where it is the one that is followed: there they decide.
    pub(in super::super) async fn signature(
        &self,
        located: &Located,
        defined: &BTreeMap<ApplicationId, Defined>,
        visible: &Visible,
    ) -> Result<CommitSignature, PortError> {
        let sha = &located.info.revision;
        let mut asked: Vec<(Verification, &engine::definition::DefinedSource)> = Vec::new();
        for application in defined.values().filter(|one| visible.has(one.row.id)) {
            let here = revisions::sources(&application.definition)
                .filter(|source| self.runtime.repository_key(&source.repo_url) == located.key);
            for source in here {
                let followed = self
                    .runtime
                    .resolution(&source.repo_url, &source.target_revision)
                    .is_some_and(|known| known.revision.as_ref() == Some(sha));
                for mut wanted in vouched::asked(&application.definition, source) {
                    wanted.tag &= followed;
                    wanted.by_tag &= followed;
                    wanted.earlier &= followed;
                    let known = asked.iter().any(|(other, of)| {
                        *other == wanted
                            && (!(wanted.tag || wanted.by_tag)
                                || of.target_revision == source.target_revision)
                    });
                    if !known && (wanted.head || wanted.tag) {
                        asked.push((wanted, source));
                    }
                }
            }
        }
        let mut rules = Vec::new();
        for (wanted, source) in asked {
            let said = vouched::of_source(&self.runtime, source, sha, &wanted).await;
            rules.extend(said.map_err(refuse::untold)?);
        }
        let mirrors = self.runtime.mirrors();
        let object = mirrors.commit_object(&located.url, sha).await;
        // Without any key nothing is good, and what carries a signature is still told from what does not.
        let found = Keyring::default().check(&object.map_err(refuse::source)?);
        Ok(CommitSignature {
            signed: found != Signature::Unsigned,
            rules,
        })
    }
}
