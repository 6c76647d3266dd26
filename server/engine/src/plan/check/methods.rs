//! Verifies how objects are written: none is replaced, deleted or made anew without its own or its definition's word.

use super::Checker;
use crate::definition::Wish;
use crate::plan::{PlanInput, PruneWish};
use lockstep_types::plan::{Action, Method, Step};

impl Checker<'_> {
    pub(super) fn methods(&mut self) {
        let steps: Vec<&Step> = self
            .plan
            .steps
            .iter()
            .filter(|step| step.method != Method::Apply)
            .collect();
        for step in &steps {
            let key = &step.key;
            if step.action != Action::Configure {
                let message = format!(
                    "{key} is to {} by the method {}",
                    step.action.word(),
                    step.method.word()
                );
                self.violate("method", message);
            }
            let said = |option: &str, of_all: bool| {
                let manifest = self
                    .input
                    .desired
                    .iter()
                    .find(|manifest| manifest.key == *key);
                let text = |name: &str| {
                    manifest
                        .and_then(|manifest| {
                            manifest.body["metadata"]["annotations"][name].as_str()
                        })
                        .unwrap_or_default()
                };
                let own = text("argocd.argoproj.io/sync-options");
                let own: Vec<&str> = own.split(',').map(str::trim).collect();
                let has = |value: &str| own.contains(&format!("{option}={value}").as_str());
                let flux = ["annotations", "labels"].iter().any(|place| {
                    let body = manifest.map(|manifest| &manifest.body);
                    let value = body.and_then(|body| {
                        body["metadata"][*place]["kustomize.toolkit.fluxcd.io/force"].as_str()
                    });
                    value.is_some_and(|value| value.to_lowercase() == "enabled")
                });
                !has("false") && (of_all || has("true") || (option == "Force" && flux))
            };
            let policy = &self.input.policy;
            let replaces = matches!(step.method, Method::Replace | Method::Recreate);
            let asked = (!replaces || said("Replace", policy.replace))
                && (!step.method.may_delete() || said("Force", policy.force));
            if !asked {
                self.violate(
                    "method",
                    format!("nobody asked to {} {key}", step.method.word()),
                );
            }
            let holds_others = [
                "/Namespace:",
                "apiextensions.k8s.io/CustomResourceDefinition:",
            ];
            let text = key.to_string();
            if step.method.may_delete() && holds_others.iter().any(|kind| text.starts_with(kind)) {
                self.violate("method", format!("{key} would be deleted and made anew"));
            }
        }
    }
}

/// What counts for an object that says this about being deleted.
pub(super) fn wish(input: &PlanInput<'_>, own: &PruneWish) -> Wish {
    match own {
        PruneWish::Unsaid => input.policy.prune_wish,
        PruneWish::Allowed => Wish::Allowed,
        PruneWish::Confirm => Wish::Confirm,
        PruneWish::Never(_) => Wish::Never,
    }
}
