//! What an approval is bound to.

use crate::manifest::hex;
use lockstep_types::id::TargetId;
use lockstep_types::plan::{Method, Step};
use lockstep_types::revision::Revision;
use sha2::{Digest, Sha256};

/// SHA-256 over target, revision and each step's phase, key, action and method, UID, desired hash and changed fields. Every part is
/// preceded by its length, so that no two plans read alike.
pub(super) fn digest(target: TargetId, revision: &Revision, steps: &[Step]) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    };
    add(&target.to_string());
    add(&revision.0);
    add(&steps.len().to_string());
    for step in steps {
        add(step.phase.word());
        add(&step.key.to_string());
        match step.method {
            Method::Apply => add(step.action.word()),
            other => add(&format!("{}: {}", step.action.word(), other.word())),
        }
        add(step.uid.as_deref().unwrap_or_default());
        add(&step.desired_hash);
        add(&step.changes.len().to_string());
        for change in &step.changes {
            add(&change.path);
        }
    }
    hex(&hash.finalize())
}
