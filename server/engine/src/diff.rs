//! What our server-side apply of a manifest would change on a live object, told locally and exactly, or that it
//! cannot be told. Pure: no request, no clock, no store; it is handed what it compares. It owns the rule that Secret
//! values never leave it: [`ResourceDiff`] is built in one place, masked.

mod both;
mod builtin;
mod classify;
mod clean;
mod ignored;
pub mod impact;
pub mod mask;
mod owned;
mod path;
mod quantity;
mod removed;
mod report;
mod rewritten;
mod scalar;
mod show;
mod walk;

pub use rewritten::is_rewritten;
pub use show::{live_yaml, manifest_yaml};

use crate::manifest::Manifest;
use crate::masking::{MaskingRules, NONE};
use crate::prediction::{Rule, is_on};
use crate::schema::{Schema, View, is_built_in};
use classify::Evidence;
use ignored::Ignored;
use lockstep_types::diff::{DiffClass, ResourceDiff, ResourceDiffKind};
use lockstep_types::resource::ResourceKey;
use owned::Owners;
use removed::Removals;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use walk::{Effect, Found, Unsure, Walk};

/// The answer of [`compare`].
#[derive(Debug, Clone, PartialEq)]
pub enum Compared {
    /// Known for sure; `None` means equal. A diff may hold noise only: ask [`ResourceDiff::counts`].
    Exact(Option<ResourceDiff>),
    /// One dry run decides ([`compare_predicted`]); says why. Never holds a value of the object.
    Unsure(String),
}

/// What the caller knows beside the two objects.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompareContext<'a> {
    /// Hash of the manifest that was last applied to this object. Equal to the desired hash: differences are drift.
    pub applied_hash: Option<&'a str>,
    /// The resourceVersion that apply answered with. A live object that is older than it (a watch that lags, a
    /// cluster restored from a backup) does not show yet what the server made of it, so nothing in it is noise.
    pub applied_resource_version: Option<&'a str>,
    /// Body of the manifest that was last applied: tells drift from news field by field.
    pub applied: Option<&'a Value>,
    /// Observe: the object has never been ours, so a missing tracking annotation is no difference.
    pub ignore_tracking: bool,
    /// Objects whose replicas a HorizontalPodAutoscaler sets; see [`hpa_target`].
    pub hpa_targets: Option<&'a BTreeSet<ResourceKey>>,
    /// JSON pointers and jq paths into the object that are never a reason to sync. What begins with a slash is a pointer.
    pub ignored: &'a [String],
    /// Field managers whose fields are never a reason to sync.
    pub ignored_managers: &'a [String],
    /// What is ignored keeps its live value when the object is applied.
    pub keep_ignored: bool,
    /// The cluster was seen to change objects of this kind on their way in, as a webhook does: see [`is_rewritten`].
    pub mutated: bool,
    /// What is hidden beside Secrets.
    pub masking: Option<&'a MaskingRules>,
}

/// Compares a desired with a live object. One of them may be absent: then the answer is Missing or Extra.
pub fn compare(
    desired: Option<&Manifest>,
    live: Option<&Value>,
    schema: &Schema,
    context: &CompareContext<'_>,
) -> Compared {
    match (desired, live) {
        (None, None) => Compared::Exact(None),
        (Some(desired), None) => {
            let body = Some(desired.body.as_ref());
            let diff = report::whole(
                &desired.key,
                ResourceDiffKind::Missing,
                body,
                None,
                desired.origin.clone(),
                context.masking.unwrap_or(&NONE),
            );
            Compared::Exact(Some(diff))
        }
        (None, Some(live)) => match extra(live, context.masking.unwrap_or(&NONE)) {
            Some(extra) => Compared::Exact(Some(extra)),
            None => Compared::Unsure("the live object has no name".to_owned()),
        },
        (Some(desired), Some(live)) => match compare_both(desired, live, schema, context) {
            Ok(diff) => Compared::Exact(diff),
            Err(Unsure(why)) => Compared::Unsure(why),
        },
    }
}

/// An object that is in the cluster and not in Git; `None` when it has no name.
pub fn extra(live: &Value, rules: &MaskingRules) -> Option<ResourceDiff> {
    let kind = ResourceDiffKind::Extra;
    Some(report::whole(
        &key_of(live)?,
        kind,
        None,
        Some(live),
        None,
        rules,
    ))
}

fn compare_both(
    manifest: &Manifest,
    live: &Value,
    schema: &Schema,
    context: &CompareContext<'_>,
) -> Result<Option<ResourceDiff>, Unsure> {
    let version = live
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if version != manifest.api_version && is_on(Rule::ReadVersion) {
        return Err(Unsure(format!(
            "it is declared as {} and read as {version}",
            manifest.api_version
        )));
    }
    let desired = clean::desired(&manifest.body, context.ignore_tracking);
    let owners = Owners::of(live);
    let applied = context
        .applied
        .map(|applied| clean::desired(applied, context.ignore_tracking));
    let found = find(
        manifest,
        &desired,
        live,
        applied.as_ref(),
        schema,
        &owners,
        context,
    )?;
    let evidence = evidence(manifest, live, &owners, applied.as_ref(), context);
    let diff = report::differing(&evidence, &found, live, None, manifest.origin.clone());
    // What is as declared stays so. What differs may come out as it was, if the server changes it on its way.
    if context.mutated && diff.as_ref().is_some_and(ResourceDiff::counts) && is_on(Rule::Webhooks) {
        let why = "differs, and a webhook of the cluster may change what is applied";
        return Err(Unsure(why.to_owned()));
    }
    Ok(diff)
}

fn find<'a>(
    manifest: &Manifest,
    desired: &'a Value,
    live: &'a Value,
    applied: Option<&'a Value>,
    schema: &'a Schema,
    owners: &Owners<'a>,
    context: &CompareContext<'_>,
) -> Result<Vec<Found<'a>>, Unsure> {
    let (Some(desired_map), Some(live_map)) = (desired.as_object(), live.as_object()) else {
        return Err(Unsure("it is no object".to_owned()));
    };
    let view = schema.view(&manifest.api_version, &manifest.key.kind);
    let typed = is_built_in(&manifest.key.group);
    let kind = live.get("kind").and_then(Value::as_str).unwrap_or_default();
    let rules = context.masking.unwrap_or(&NONE);
    let places = mask::Places::new([desired, live], rules);
    let mut walk = Walk::new(owners, places, typed, kind);
    walk.desired = Some(desired);
    // What stood before that apply tells nothing of it.
    if is_current(live, context) || !is_on(Rule::SettledCurrent) {
        walk.applied = applied;
        walk.same_manifest = classify::same_manifest(manifest, context);
    }
    walk.root(view, desired_map, live_map)?;
    let mut found = walk.found;
    if is_on(Rule::Removals) {
        let ignoring = context.ignore_tracking;
        let mut removals = Removals::new(&mut found, owners, places, typed, kind, ignoring);
        removals.root(view, desired, live, &manifest.api_version)?;
    }
    Ok(found)
}

/// Whether the live object is at least as new as our last apply.
fn is_current(live: &Value, context: &CompareContext<'_>) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok());
    let seen = live.pointer("/metadata/resourceVersion");
    let seen = number(seen.and_then(Value::as_str));
    match (number(context.applied_resource_version), seen) {
        (Some(applied), Some(seen)) => seen >= applied,
        _ => true,
    }
}

fn evidence<'e, 'a>(
    manifest: &'e Manifest,
    live: &'e Value,
    owners: &'e Owners<'a>,
    applied: Option<&'e Value>,
    context: &'e CompareContext<'e>,
) -> Evidence<'e, 'a> {
    let current = is_current(live, context);
    let same_manifest = classify::same_manifest(manifest, context);
    Evidence {
        key: &manifest.key,
        owners,
        context,
        ignored: Ignored::of(context.ignored, &manifest.body, live),
        same_manifest,
        current,
        applied,
    }
}

/// What the server's own dry run of applying `desired` says: every field in which `predicted` differs from `live`
/// counts, and every field that Git says otherwise but that the server would not change is noise.
pub fn compare_predicted(
    desired: &Manifest,
    live: &Value,
    predicted: &Value,
    schema: &Schema,
    context: &CompareContext<'_>,
) -> Option<ResourceDiff> {
    let view: Option<View<'_>> = schema.view(&desired.api_version, &desired.key.kind);
    let owners = Owners::of(live);
    let before = clean::cleaned(live, context.ignore_tracking);
    let after = clean::cleaned(predicted, context.ignore_tracking);
    let mut found = both::compare(view, &before, &after);
    let wanted = clean::desired(&desired.body, context.ignore_tracking);
    let applied = context
        .applied
        .map(|applied| clean::desired(applied, context.ignore_tracking));
    for mut kept in find(
        desired,
        &wanted,
        live,
        applied.as_ref(),
        schema,
        &owners,
        context,
    )
    .unwrap_or_default()
    {
        let changes = |found: &Found<'_>| {
            found.path.starts_with(&kept.path) || kept.path.starts_with(&found.path)
        };
        if !found.iter().any(changes) {
            kept.effect = Effect::Stays;
            found.push(kept);
        }
    }
    let mut evidence = evidence(desired, live, &owners, applied.as_ref(), context);
    // The server has said that these change: none of them is noise.
    evidence.current = false;
    report::differing(
        &evidence,
        &found,
        live,
        Some(predicted),
        desired.origin.clone(),
    )
}

/// An object that could not be compared, for pages: both texts, no changes. `why` must not hold values of it.
pub fn not_compared(
    desired: &Manifest,
    live: Option<&Value>,
    why: impl Into<String>,
    rules: &MaskingRules,
) -> ResourceDiff {
    let body = Some(desired.body.as_ref());
    report::whole(
        &desired.key,
        ResourceDiffKind::Unsure(why.into()),
        body,
        live,
        desired.origin.clone(),
        rules,
    )
}

/// Two renders, by key: what is only in `to` is Missing, what is only in `from` is Extra; equal objects are left out.
/// In the changes `live` is the value in `from` and `declared` the one in `to`. Tracking ids do not count.
pub fn compare_manifests(
    from: &[Manifest],
    to: &[Manifest],
    rules: &MaskingRules,
) -> Vec<ResourceDiff> {
    let mut pairs: BTreeMap<&ResourceKey, (Option<&Manifest>, Option<&Manifest>)> = BTreeMap::new();
    for manifest in from {
        pairs.entry(&manifest.key).or_default().0 = Some(manifest);
    }
    for manifest in to {
        pairs.entry(&manifest.key).or_default().1 = Some(manifest);
    }
    pairs
        .into_iter()
        .filter_map(|(key, pair)| match pair {
            (Some(from), Some(to)) if from.hash == to.hash => None,
            (Some(from), Some(to)) => compare_renders(from, to, rules),
            (None, Some(to)) => Some(report::whole(
                key,
                ResourceDiffKind::Missing,
                Some(&to.body),
                None,
                to.origin.clone(),
                rules,
            )),
            (Some(from), None) => Some(report::whole(
                key,
                ResourceDiffKind::Extra,
                None,
                Some(&from.body),
                from.origin.clone(),
                rules,
            )),
            (None, None) => None,
        })
        .collect()
}

fn compare_renders(from: &Manifest, to: &Manifest, rules: &MaskingRules) -> Option<ResourceDiff> {
    let (before, after) = (
        clean::desired(&from.body, true),
        clean::desired(&to.body, true),
    );
    let owners = Owners::default();
    let found = both::compare(None, &before, &after);
    let context = CompareContext {
        masking: Some(rules),
        ..CompareContext::default()
    };
    let evidence = Evidence {
        key: &to.key,
        owners: &owners,
        context: &context,
        ignored: Ignored::default(),
        same_manifest: false,
        current: false,
        applied: None,
    };
    report::differing(&evidence, &found, &before, Some(&after), to.origin.clone())
}

fn key_of(object: &Value) -> Option<ResourceKey> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let group = crate::manifest::group_of(text("/apiVersion")?);
    let namespace = text("/metadata/namespace").unwrap_or_default();
    Some(ResourceKey::new(
        group,
        text("/kind")?,
        namespace,
        text("/metadata/name")?,
    ))
}

/// The object that a HorizontalPodAutoscaler scales.
pub fn hpa_target(hpa: &Value) -> Option<ResourceKey> {
    let reference = hpa.pointer("/spec/scaleTargetRef")?;
    let text = |key: &str| reference.get(key).and_then(Value::as_str);
    let namespace = hpa
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let group = crate::manifest::group_of(text("apiVersion").unwrap_or_default());
    Some(ResourceKey::new(
        group,
        text("kind")?,
        namespace,
        text("name")?,
    ))
}

/// The body to send when `desired` is applied: a Secret's `stringData` moved to `data`, server-set fields dropped,
/// and an autoscaler's replicas as they are live, so that forcing the manifest changes nothing about them.
pub fn for_apply(desired: &Manifest, live: Option<&Value>, context: &CompareContext<'_>) -> Value {
    let mut body = clean::desired(&desired.body, false);
    let replicas = [
        path::Segment::Field("spec"),
        path::Segment::Field("replicas"),
    ];
    if classify::yields_replicas(&desired.key, &replicas, context)
        && let Some(count) = live.and_then(|live| path::get(live, &replicas))
    {
        // Leaving the field out would not do: while we own it, that takes it away and the default of one returns.
        path::set(&mut body, &replicas, count.clone());
    }
    if context.keep_ignored
        && let Some(live) = live
    {
        ignored::keep(context.ignored, live, &mut body);
    }
    body
}

/// Whether a change is a reason to sync.
pub(crate) fn counts(class: DiffClass) -> bool {
    matches!(class, DiffClass::NotYetSynced | DiffClass::Drift)
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
