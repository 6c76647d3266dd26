//! Verifies that a plan for chosen objects touches no others.

use super::Checker;
use lockstep_types::plan::Action;

impl Checker<'_> {
    pub(super) fn selection(&mut self) {
        let Some(selection) = self.input.selection else {
            return;
        };
        for step in &self.plan.steps {
            let key = &step.key;
            if step.action.is_of_hook() {
                self.violate(
                    "selection",
                    format!("the hook {key} would run in a sync of chosen objects"),
                );
                continue;
            }
            if matches!(step.action, Action::Skip(_)) {
                continue;
            }
            let declared = self
                .input
                .desired
                .iter()
                .find(|manifest| manifest.key == *key);
            let made_for_them =
                declared.is_none() && self.is_destination(key) && step.action != Action::Prune;
            let labels = declared
                .and_then(|manifest| manifest.body.pointer("/metadata/labels"))
                .and_then(serde_json::Value::as_object);
            let lacks = selection.labels.iter().any(|(name, value)| {
                labels
                    .and_then(|labels| labels.get(name))
                    .and_then(serde_json::Value::as_str)
                    != Some(value.as_str())
            });
            let labelled = declared.is_some() && !selection.labels.is_empty() && !lacks;
            if !(made_for_them || labelled || selection.objects.contains(key)) {
                self.violate(
                    "selection",
                    format!(
                        "{key} is not selected and has a step to {}",
                        step.action.word()
                    ),
                );
            }
        }
    }
}
