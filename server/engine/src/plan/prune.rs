//! Which objects of the inventory a plan deletes, in a sync and in a removal. Everything in here errs towards keeping: an object goes only when
//! its place is known, its UID is the recorded one and its tracking id is ours.

use super::{LiveFact, PlanInput, PresentFacts, PruneWish};
use crate::definition::Wish;
use crate::diff::impact;
use crate::tracking::TrackingId;
use lockstep_types::plan::{Action, Method, PlanPhase, Step};
use lockstep_types::resource::ResourceKey;
use std::collections::BTreeSet;

/// The steps for what left Git, unordered and without waves; `asks` are those that want a person's yes.
#[derive(Debug, Default)]
pub(super) struct Prunes {
    pub steps: Vec<Step>,
    /// Sync waves of the steps, as the live objects say.
    pub waves: Vec<i32>,
    pub confirm: Vec<ResourceKey>,
    pub report: Vec<String>,
}

/// Everything in the inventory that is no longer desired.
pub(super) fn prunes(
    input: &PlanInput<'_>,
    desired: &BTreeSet<&ResourceKey>,
    unknown: &[ResourceKey],
) -> Prunes {
    let mut prunes = Prunes::default();
    let mut seen = BTreeSet::new();
    for entry in input.inventory {
        if desired.contains(&entry.key) || !seen.insert(&entry.key) {
            continue;
        }
        let fact = input.live.get(&entry.key);
        if matches!(fact, Some(LiveFact::Absent)) {
            prunes.report.push(format!(
                "{} left Git and is already gone.",
                entry.key.short()
            ));
            continue;
        }
        let refused = refused(input, &entry.key, entry.uid.as_deref(), fact, unknown);
        let (uid, api_version, wave, prune_last) = match fact {
            Some(LiveFact::Present(facts)) => (
                Some(facts.uid.clone()),
                facts.api_version.clone(),
                facts.wave,
                facts.prune_last.unwrap_or(input.policy.prune_last),
            ),
            _ => (None, String::new(), 0, false),
        };
        if matches!(fact, Some(LiveFact::Present(facts)) if asks(input, wish(input, facts)))
            && refused.is_none()
        {
            prunes.confirm.push(entry.key.clone());
        }
        let pruned = refused.is_none();
        prunes.steps.push(Step {
            index: 0,
            key: entry.key.clone(),
            api_version,
            action: refused.map_or(Action::Prune, Action::Skip),
            phase: PlanPhase::Sync,
            wave: 0,
            hook: None,
            uid,
            desired_hash: String::new(),
            method: Method::Apply,
            prune_last: prune_last && pruned,
            changes: Vec::new(),
            impact: pruned.then(|| impact::of_delete(&entry.key)),
            why: if input.policy.removal {
                "its application left Git".to_owned()
            } else {
                "it left Git".to_owned()
            },
        });
        prunes.waves.push(wave);
    }
    prunes
}

/// Why an object that left Git is kept; `None` when it may go.
fn refused(
    input: &PlanInput<'_>,
    key: &ResourceKey,
    recorded: Option<&str>,
    fact: Option<&LiveFact>,
    unknown: &[ResourceKey],
) -> Option<String> {
    let facts = match fact {
        Some(LiveFact::Present(facts)) => facts,
        Some(LiveFact::Unknown(why)) => {
            return Some(format!(
                "its live state is not known ({why}); nothing is deleted"
            ));
        }
        _ => return Some("its live state is not known; nothing is deleted".to_owned()),
    };
    if let Some(selection) = input.selection
        && !selection.objects.contains(key)
    {
        return Some(super::selection::NOT_SELECTED.to_owned());
    }
    if !input.policy.prune {
        return Some("it left Git, and pruning is off".to_owned());
    }
    if let Some(first) = unknown.first() {
        return Some(format!(
            "the live state of {} is not known; nothing is deleted until it is",
            first.short()
        ));
    }
    if facts.terminating {
        return Some("it is being deleted already".to_owned());
    }
    if input.policy.create_namespace && is_destination(input, key) {
        return Some("it is the destination namespace, which is never pruned".to_owned());
    }
    match recorded {
        None => {
            return Some(
                "no UID was recorded for it, so it cannot be told apart from another object"
                    .to_owned(),
            );
        }
        Some(recorded) if recorded != facts.uid => {
            return Some(
                "another object has taken its place: its UID is not the recorded one".to_owned(),
            );
        }
        Some(_) => {}
    }
    if let Some(claim) = foreign_claim(input, key, facts.tracking.as_deref()) {
        return Some(claim);
    }
    if facts.tracking.is_none() {
        return Some("it does not carry our tracking id".to_owned());
    }
    if facts.hook {
        return Some(
            "it is a hook, and a sync prunes no hooks; delete it by hand when nobody needs it"
                .to_owned(),
        );
    }
    let of_all = of_all(input);
    match wish(input, facts) {
        PruneWish::Never(annotation) => Some(annotation.clone()),
        PruneWish::Unsaid if of_all == Wish::Never && input.policy.removal => {
            Some("the definition says that its objects outlive it".to_owned())
        }
        PruneWish::Unsaid if of_all == Wish::Never => {
            Some("the definition's syncOptions: Prune=false".to_owned())
        }
        _ => None,
    }
}

/// What the object itself says about being deleted by a plan of this kind.
fn wish<'f>(input: &PlanInput<'_>, facts: &'f PresentFacts) -> &'f PruneWish {
    if input.policy.removal {
        &facts.delete
    } else {
        &facts.prune
    }
}

/// What the definition says about it for all objects.
fn of_all(input: &PlanInput<'_>) -> Wish {
    if input.policy.removal {
        input.policy.delete_wish
    } else {
        input.policy.prune_wish
    }
}

/// Whether a person must say yes, by the object's own wish or the definition's.
fn asks(input: &PlanInput<'_>, wish: &PruneWish) -> bool {
    match wish {
        PruneWish::Confirm => true,
        PruneWish::Unsaid => of_all(input) == Wish::Confirm,
        PruneWish::Allowed | PruneWish::Never(_) => false,
    }
}

fn is_destination(input: &PlanInput<'_>, key: &ResourceKey) -> bool {
    key.group.is_empty() && key.kind == "Namespace" && key.name == input.destination_namespace
}

/// Who else claims an object by its tracking id, as a sentence; `None` when it is ours or nobody's.
pub(super) fn foreign_claim(
    input: &PlanInput<'_>,
    key: &ResourceKey,
    tracking: Option<&str>,
) -> Option<String> {
    let text = tracking?;
    let Some(id) = TrackingId::parse(text, key) else {
        return Some("its tracking id names another object".to_owned());
    };
    if id.installation != input.installation {
        return Some("it belongs to another installation of Lockstep".to_owned());
    }
    (id.target_key != input.target_key).then(|| format!("it belongs to {}", id.target_key))
}
