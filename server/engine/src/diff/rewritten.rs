//! Whether the cluster itself changes what is applied: a webhook, a policy, a form that we do not know.

use super::{CompareContext, Compared, compare};
use crate::manifest::Manifest;
use crate::schema::Schema;
use lockstep_types::diff::{DiffClass, FieldChange, ResourceDiff};
use serde_json::Value;

/// Whether our own apply of this very manifest stands, nobody has written since, and the cluster holds another value
/// all the same. Whoever has seen that of one object gives [`CompareContext::mutated`] for all of its kind. `found` is
/// what [`compare`] said of it.
pub fn is_rewritten(
    desired: &Manifest,
    live: &Value,
    found: &ResourceDiff,
    schema: &Schema,
    context: &CompareContext<'_>,
) -> bool {
    let is_settled = |change: &FieldChange| {
        change.class == DiffClass::Noise && change.live.is_some() && change.declared.is_some()
    };
    if !found.changes.iter().any(is_settled) {
        return false;
    }
    // What somebody wants to be ignored looks the same: compare without that.
    let bare = CompareContext {
        ignored: &[],
        ignored_managers: &[],
        mutated: false,
        ..*context
    };
    match compare(Some(desired), Some(live), schema, &bare) {
        Compared::Exact(Some(diff)) => diff.changes.iter().any(is_settled),
        _ => false,
    }
}
