//! What a render says that runs: images, charts, sizes. Pure.

use super::super::super::definitions::Placement;
use engine::definition::{DefinedSource, Definition};
use engine::manifest::Manifest;
use engine::render::{image_parts, images};
use engine::source::version;
use lockstep_types::parity::{ChartVersion, ImageVersion, Replicas, Versions};
use lockstep_types::revision::Revision;
use std::collections::BTreeSet;

/// What Helm's charts call themselves in their objects.
const CHART_LABEL: &str = "helm.sh/chart";

/// What objects say that runs.
pub(super) fn versions(
    objects: &[Manifest],
    definition: &Definition,
    at: Option<&Revision>,
    chart: Option<&str>,
) -> Versions {
    let source = &definition.source;
    let mut found: BTreeSet<ImageVersion> = BTreeSet::new();
    let mut charts: BTreeSet<ChartVersion> = BTreeSet::new();
    let mut replicas: BTreeSet<Replicas> = BTreeSet::new();
    for object in objects {
        for at in images(&object.body) {
            let (name, tag, digest) = image_parts(&at.image);
            found.insert(ImageVersion {
                name: name.to_owned(),
                version: match (tag, digest) {
                    (Some(tag), _) => tag.to_owned(),
                    (None, Some(digest)) => digest.to_owned(),
                    (None, None) => "latest".to_owned(),
                },
            });
        }
        let label = object
            .body
            .pointer("/metadata/labels")
            .and_then(|labels| labels.get(CHART_LABEL))
            .and_then(|label| label.as_str());
        charts.extend(label.and_then(of_label));
        let size = object.body.pointer("/spec/replicas");
        let scales = matches!(
            object.key.kind.as_str(),
            "Deployment" | "StatefulSet" | "ReplicaSet" | "Rollout"
        );
        if let Some(number) = size.and_then(serde_json::Value::as_i64).filter(|_| scales) {
            replicas.insert(Replicas {
                workload: format!("{}/{}", object.key.kind, object.key.name),
                number,
            });
        }
    }
    if !source.chart.is_empty() {
        charts.retain(|found| found.name != source.chart);
        charts.insert(ChartVersion {
            name: source.chart.clone(),
            version: chart
                .unwrap_or_else(|| source.target_revision.name())
                .to_owned(),
        });
    }
    Versions {
        images: found.into_iter().collect(),
        charts: charts.into_iter().collect(),
        revision: at.filter(|_| source.chart.is_empty()).cloned(),
        follows: source.target_revision.name().to_owned(),
        replicas: replicas.into_iter().collect(),
    }
}

/// `web-1.2.3`: the name may hold dashes and digits, the version begins where all of the rest is one.
fn of_label(label: &str) -> Option<ChartVersion> {
    label.match_indices('-').find_map(|(at, _)| {
        let (name, rest) = (label.get(..at)?, label.get(at + 1..)?);
        // Labels spell `+` as `_`.
        version(&rest.replace('_', "+"))
            .filter(|_| {
                let numbers = rest.split(['-', '_']).next().unwrap_or_default();
                numbers.matches('.').count() == 2
            })
            .map(|_| ChartVersion {
                name: name.to_owned(),
                version: rest.to_owned(),
            })
    })
}

/// What Git says for this target and no other may be expected to differ: folders, value files and options of definitions.
/// Equal places say the same by the same lines.
pub(super) fn place(placement: &Placement) -> String {
    let definition = &placement.defined.definition;
    let of = |source: &DefinedSource| {
        serde_json::json!([
            source.repo_url,
            source.path,
            source.helm.as_ref().map(|helm| (
                &helm.value_files,
                &helm.values,
                helm.parameters
                    .iter()
                    .map(|set| (&set.name, &set.value))
                    .collect::<Vec<_>>(),
            )),
            source
                .kustomize
                .as_ref()
                .map(|options| format!("{options:?}")),
            source
                .directory
                .as_ref()
                .map(|options| format!("{options:?}")),
            source
                .substitute
                .as_ref()
                .map(|substitute| &substitute.variables),
        ])
    };
    let all: Vec<_> = std::iter::once(&definition.source)
        .chain(&definition.more_sources)
        .map(of)
        .collect();
    serde_json::Value::from(all).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_charts_are_taken_apart() {
        for (label, expected) in [
            ("web-1.2.3", Some(("web", "1.2.3"))),
            ("cert-manager-v1.14.0", Some(("cert-manager", "v1.14.0"))),
            ("web-2-1.0.0-rc.1", Some(("web-2", "1.0.0-rc.1"))),
            ("web-1.0.0_build.5", Some(("web", "1.0.0_build.5"))),
            ("web", None),
            ("web-latest", None),
        ] {
            let found = of_label(label);
            let found = found
                .as_ref()
                .map(|chart| (chart.name.as_str(), chart.version.as_str()));
            assert_eq!(found, expected, "{label}");
        }
    }
}
