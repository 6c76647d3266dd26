//! Rules for images as sources and renders have them, and what became of each.

use super::{Memory, locked};
use engine::definition::ImageRules;
use lockstep_types::Micros;
use lockstep_types::id::{SourceId, TargetId};
use std::collections::{BTreeMap, BTreeSet};

/// Deeds of one rule that are remembered.
const DEEDS: usize = 5;

/// Rules by source, and by the target that renders them; `None`: the source's own files.
pub(super) type Known = BTreeMap<SourceId, BTreeMap<Option<TargetId>, ImageRules>>;

/// What a rule came to when it was looked at last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RuleState {
    /// The tag that it chose; empty before that.
    pub(crate) newest: String,
    pub(crate) looked_at: Option<Micros>,
    /// Why nothing came of it; empty when all is as it asks.
    pub(crate) problem: String,
    /// What it wrote, newest first.
    pub(crate) deeds: Vec<(Micros, String)>,
}

impl RuleState {
    /// Notes what was written. The same again, as a proposal that still waits, is no news.
    pub(crate) fn did(&mut self, at: Micros, what: String) {
        if self.deeds.iter().all(|(_, known)| *known != what) {
            self.deeds.insert(0, (at, what));
            self.deeds.truncate(DEEDS);
        }
    }
}

impl Memory {
    /// Takes over the rules in the files of a source (`None`) or in the render of a target.
    pub(crate) fn set_image_rules(
        &self,
        source: SourceId,
        by: Option<TargetId>,
        rules: ImageRules,
    ) {
        let mut known = locked(&self.image_rules);
        let of_source = known.entry(source).or_default();
        if rules.is_empty() {
            of_source.remove(&by);
        } else {
            of_source.insert(by, rules);
        }
    }

    /// All of them, by source. What a source says in its own files counts before what is rendered by the same name.
    pub(crate) fn image_rules(&self) -> Vec<(SourceId, ImageRules)> {
        let known = locked(&self.image_rules);
        let all = known.iter().map(|(source, by)| {
            let mut whole = ImageRules::default();
            let mut titles = BTreeSet::new();
            for rules in by.values() {
                for rule in &rules.rules {
                    if titles.insert(rule.title.clone()) {
                        whole.rules.push(rule.clone());
                    }
                }
                for one in &rules.automations {
                    if titles.insert(one.title.clone()) {
                        whole.automations.push(one.clone());
                    }
                }
            }
            (*source, whole)
        });
        all.collect()
    }

    /// Forgets what a target rendered.
    pub(super) fn forget_image_rules(&self, target: TargetId) {
        for by in locked(&self.image_rules).values_mut() {
            by.remove(&Some(target));
        }
    }

    /// What a rule came to.
    pub(crate) fn image_rule(&self, source: SourceId, title: &str) -> RuleState {
        locked(&self.image_states)
            .get(&(source, title.to_owned()))
            .cloned()
            .unwrap_or_default()
    }

    /// Changes what a rule came to; says whether it is another by that.
    pub(crate) fn note_image_rule(
        &self,
        source: SourceId,
        title: &str,
        change: impl FnOnce(&mut RuleState),
    ) -> bool {
        let mut states = locked(&self.image_states);
        let state = states.entry((source, title.to_owned())).or_default();
        let before = (
            state.newest.clone(),
            state.problem.clone(),
            state.deeds.len(),
        );
        change(state);
        before
            != (
                state.newest.clone(),
                state.problem.clone(),
                state.deeds.len(),
            )
    }

    /// Forgets rules that are no longer there.
    pub(crate) fn keep_image_rules(&self, there: &BTreeSet<(SourceId, String)>) {
        locked(&self.image_states).retain(|key, _| there.contains(key));
    }
}
