//! Checks of health that users write: expressions (CEL) as Flux has them, scripts (Lua) as Argo CD has them.
//!
//! Nothing that users write runs in the server's own process, where it could not be stopped. [`evaluate`] hands it to a
//! caged child with limits of time and memory; what does not keep to them is Unknown, with a sentence that names the
//! check, and delays no other check. Knows no clusters and no database.

mod cage;
mod child;
mod expression;
mod flux;
mod given;
mod script;
mod verdicts;

pub use cage::{SUBCOMMAND, child_main};
pub use child::evaluate;
pub use flux::as_flux;
pub use given::of_definition;
pub use verdicts::Verdicts;

use lockstep_types::health::Health;
use lockstep_types::resource::ResourceKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longer expressions are not evaluated.
pub const EXPRESSION_BYTES: usize = 8 * 1024;
/// Longer scripts are not run.
pub const SCRIPT_BYTES: usize = 64 * 1024;

/// A check of the objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCheck {
    /// Both may hold `*` for any text.
    pub group: String,
    pub kind: String,
    pub what: What,
    /// How sentences name it, with its place: `healthCheckExprs[0] (clusters/apps.yaml:12)`.
    pub origin: String,
}

/// What is evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Over the fields of the object. `current` is required.
    Expressions {
        current: String,
        in_progress: String,
        failed: String,
    },
    /// Over `obj`; gives a table with `status` and `message`.
    Script(String),
    /// Over `self` and `dep`.
    Ready(String),
}

impl UserCheck {
    /// Equal for checks that do the same.
    pub fn digest(&self) -> String {
        let what = serde_json::to_vec(&self.what).unwrap_or_default();
        let digest = Sha256::digest(&what);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_exactly_for(&self, key: &ResourceKey) -> bool {
        self.group == key.group && self.kind == key.kind
    }

    fn is_for(&self, key: &ResourceKey) -> bool {
        !matches!(self.what, What::Ready(_))
            && matches(&self.group, &key.group)
            && matches(&self.kind, &key.kind)
    }
}

/// The check that decides on an object: one that names its kind before one with a pattern, else the first.
pub fn chosen(checks: &[UserCheck], key: &ResourceKey) -> Option<usize> {
    let found = |exactly: bool| {
        checks
            .iter()
            .position(|check| check.is_for(key) && (!exactly || check.is_exactly_for(key)))
    };
    found(true).or_else(|| found(false))
}

/// One evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Place in the list of checks.
    pub check: usize,
    pub object: Value,
    /// What `dep` is; null elsewhere.
    #[serde(default)]
    pub other: Value,
}

/// What came of one evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub health: Health,
    /// It did not keep to its limits: it would not the next time either.
    pub stopped: bool,
}

/// `*` stands for any text; everything else for itself.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            match rest.find(before) {
                Some(at) => rest = &rest[at + before.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests;
