//! `postRenderers` of a `HelmRelease`: Kustomize steps over the objects of the chart, in their order.

use super::super::fields::Place;
use super::super::{KustomizeOptions, flux};

/// `commonMetadata`: a last step of its own, which Kustomize has no part in.
pub(super) fn common(spec: &Place<'_>) -> Option<KustomizeOptions> {
    let common = spec.at("commonMetadata");
    let step = KustomizeOptions {
        common_labels: common.text_map("labels"),
        common_annotations: common.text_map("annotations"),
        ..KustomizeOptions::default()
    };
    common.done();
    (step != KustomizeOptions::default()).then_some(step)
}

/// Reads the steps.
pub(super) fn read(spec: &Place<'_>) -> Vec<KustomizeOptions> {
    let steps = spec.list("postRenderers").into_iter().map(|step| {
        let kustomize = step.at("kustomize");
        if !kustomize.is_there() {
            step.problem(
                "kustomize",
                "only steps of Kustomize are known",
                "Write the step as `kustomize`, or remove it.",
            );
        }
        for old in ["patchesStrategicMerge", "patchesJson6902"] {
            kustomize.unsupported(old, "Write it as an entry of `patches`.");
        }
        let patches = kustomize.values("patches");
        for (index, patch) in patches.iter().enumerate() {
            if patch.get("path").is_some() {
                kustomize.problem(
                    &format!("patches[{index}].path"),
                    "patches over a chart are written out, not in files",
                    "Put its content into `patch`.",
                );
            }
        }
        let options = KustomizeOptions {
            images: flux::images(&kustomize),
            patches,
            ..KustomizeOptions::default()
        };
        kustomize.done();
        step.done();
        options
    });
    steps
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|step| !step.images.is_empty() || !step.patches.is_empty())
        .collect()
}
