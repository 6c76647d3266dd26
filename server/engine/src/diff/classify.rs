//! Why a field differs: news from Git, drift, noise, or somebody else's business.

use super::CompareContext;
use super::ignored::Ignored;
use super::owned::Owners;
use super::path::{self, Segment};
use super::walk::{Effect, Found};
use crate::manifest::Manifest;
use crate::prediction::{Rule, is_on};
use lockstep_types::diff::DiffClass;
use lockstep_types::resource::ResourceKey;
use serde_json::Value;

/// What a class is decided from.
pub(super) struct Evidence<'e, 'a> {
    pub key: &'e ResourceKey,
    pub owners: &'e Owners<'a>,
    pub context: &'e CompareContext<'e>,
    /// Places that do not count.
    pub ignored: Ignored<'e>,
    /// The very manifest was applied before.
    pub same_manifest: bool,
    /// The live object is at least as new as that apply.
    pub current: bool,
    /// What was applied before, as the API server read it.
    pub applied: Option<&'e Value>,
}

/// Whether the desired manifest is the one that was last applied.
pub(super) fn same_manifest(desired: &Manifest, context: &CompareContext<'_>) -> bool {
    context.applied_hash == Some(desired.hash.as_str())
}

/// The class of one difference.
pub(super) fn class(found: &Found<'_>, evidence: &Evidence<'_, '_>) -> DiffClass {
    if evidence.ignored.holds(&found.path) {
        return DiffClass::Noise;
    }
    let managers = evidence.context.ignored_managers;
    if !managers.is_empty() && evidence.owners.owned_by(&found.path, managers) {
        return DiffClass::OwnedByOther;
    }
    if yields_replicas(evidence.key, &found.path, evidence.context) {
        return DiffClass::OwnedByOther;
    }
    if found.effect == Effect::Stays {
        return DiffClass::Noise;
    }
    let applied_alike = match (&found.effect, evidence.applied) {
        _ if evidence.same_manifest => true,
        (_, None) => false,
        (Effect::Remove(_), Some(applied)) => path::get(applied, &found.path).is_none(),
        (_, Some(applied)) => path::get(applied, &found.path) == found.declared.as_ref(),
    };
    if !applied_alike {
        return DiffClass::NotYetSynced;
    }
    // Our apply of this very value stands, nobody has written the field since, and yet it differs: the server
    // itself changed it (a mutating webhook, a normal form). Applying again would change nothing.
    let settled = found.live.is_some()
        && found.declared.is_some()
        && !matches!(found.effect, Effect::Order(_));
    let current = evidence.current || !is_on(Rule::SettledCurrent);
    let ours = evidence.owners.ours_alone(&found.path) || !is_on(Rule::SettledOurs);
    if settled && current && ours && is_on(Rule::Settled) {
        return DiffClass::Noise;
    }
    DiffClass::Drift
}

/// Replicas of an object that an autoscaler scales.
pub(super) fn yields_replicas(
    key: &ResourceKey,
    path: &[Segment<'_>],
    context: &CompareContext<'_>,
) -> bool {
    path == [Segment::Field("spec"), Segment::Field("replicas")]
        && is_on(Rule::Replicas)
        && context
            .hpa_targets
            .is_some_and(|targets| targets.contains(key))
}
