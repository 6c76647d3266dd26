//! Plans from what comparing found, whole or as one sync is asked for.

use super::judge::{Judged, Subject};
use engine::plan::{self, HookRuns, LiveFact, NamespaceMetadata, PlanInput, PlanPolicy, Selection};
use lockstep_types::plan::Plan;
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync_once::SyncOnce;
use std::collections::BTreeMap;

/// What was chosen; `None`: everything.
fn selection(once: &SyncOnce) -> Option<Selection> {
    once.selects().then(|| Selection {
        objects: once.resources.iter().cloned().collect(),
        labels: once.labels.clone(),
    })
}

/// What a sync names that is not there, in words.
pub(crate) fn missing(subject: &Subject<'_>, once: &SyncOnce) -> Option<String> {
    selection(once)?.missing(&subject.desired.objects, subject.inventory)
}

impl Judged {
    /// A plan and the rules of its check that it breaks, in words.
    pub(crate) fn plan(
        &self,
        subject: &Subject<'_>,
        prune: bool,
        hooks: HookRuns,
        approved: Option<&str>,
    ) -> (Plan, Vec<String>) {
        self.plan_once(subject, prune, hooks, &SyncOnce::default(), approved)
    }

    /// The same for a sync that is asked to be different. Some objects only, or none, come without hooks.
    pub(crate) fn plan_once(
        &self,
        subject: &Subject<'_>,
        prune: bool,
        hooks: HookRuns,
        once: &SyncOnce,
        approved: Option<&str>,
    ) -> (Plan, Vec<String>) {
        let selection = selection(once);
        let cascade = self.cascade(subject);
        let input = PlanInput {
            target: subject.target,
            revision: subject.revision.clone(),
            installation: subject.installation,
            target_key: subject.target_key,
            desired: &subject.desired.objects,
            diffs: &self.diffs,
            live: &self.facts,
            inventory: subject.inventory,
            policy: PlanPolicy {
                prune,
                hooks: if once.is_partial() {
                    HookRuns::Never
                } else {
                    hooks
                },
                force: subject.policy.force || once.force,
                replace: subject.policy.replace || once.replace,
                ..subject.policy
            },
            destination_namespace: subject.destination_namespace,
            namespace_metadata: NamespaceMetadata {
                lacking: self.namespace_lacks.as_deref(),
                ..subject.namespace_metadata()
            },
            namespace_exists: self.namespace_exists,
            cascade: &cascade,
            selection: selection.as_ref(),
            approved_digest: approved,
        };
        let plan = plan::plan(&input);
        let violations = plan::check::check(&plan, &input);
        (
            plan,
            violations
                .into_iter()
                .map(|violation| format!("{}: {}", violation.rule, violation.message))
                .collect(),
        )
    }

    /// Objects of our own inventory that a delete would take along. What others keep in a namespace is not counted: it
    /// is not watched.
    fn cascade(&self, subject: &Subject<'_>) -> BTreeMap<ResourceKey, u32> {
        let mut cascade = BTreeMap::new();
        for entry in subject
            .inventory
            .iter()
            .filter(|entry| entry.key.group.is_empty() && entry.key.kind == "Namespace")
        {
            let inside = subject
                .inventory
                .iter()
                .filter(|other| other.key.namespace == entry.key.name)
                .filter(|other| matches!(self.facts.get(&other.key), Some(LiveFact::Present(_))))
                .count();
            cascade.insert(entry.key.clone(), u32::try_from(inside).unwrap_or(u32::MAX));
        }
        cascade
    }
}
