//! What runs where in the made-up fleet, and one promotion.

use super::applications::by_target;
use super::fleet::{ago, sha, target_ref};
use lockstep_types::PortError;
use lockstep_types::id::{SourceId, TargetId};
use lockstep_types::image::{ImageAnswer, ImageRuleDeed, ImageRuleView};
use lockstep_types::parity::{
    Environment, ImageVersion, ParityCell, ParityDifference, ParityKind, ParityQuery, ParityRow,
    ParityView, PromotionPreview, Replicas, Versions,
};
use lockstep_types::ports::Answer;

fn cell(cluster: &str, tag: &str, number: i64) -> ParityCell {
    ParityCell {
        target: target_ref("checkout", "shop", cluster),
        versions: Some(Versions {
            images: vec![ImageVersion {
                name: "registry.example.com/checkout".into(),
                version: tag.into(),
            }],
            charts: Vec::new(),
            revision: Some(sha("3fa91c2")),
            follows: "main".into(),
            replicas: vec![Replicas {
                workload: "Deployment/checkout".into(),
                number,
            }],
        }),
    }
}

pub fn view(query: &ParityQuery, empty: bool) -> ParityView {
    let difference =
        |kind, name: &str, values: [&str; 2], unexpected, why: &str| ParityDifference {
            kind,
            name: name.into(),
            values: values.map(|value| vec![value.to_owned()]).to_vec(),
            unexpected,
            why: why.into(),
        };
    let row = ParityRow {
        group: "checkout".into(),
        project: "shop".into(),
        cells: vec![
            vec![cell("staging-eu", "2.10.0<b>", 1)],
            vec![cell("prod-eu", "2.9.1", 3)],
        ],
        differences: vec![
            difference(
                ParityKind::Image,
                "registry.example.com/checkout",
                ["2.10.0<b>", "2.9.1"],
                true,
                "one image runs in several versions",
            ),
            difference(
                ParityKind::Replicas,
                "Deployment/checkout",
                ["1", "3"],
                false,
                "each environment has files or options of its own",
            ),
        ],
    };
    let environment = |name: &str, cluster: &str| Environment {
        name: name.into(),
        clusters: vec![cluster.into()],
    };
    ParityView {
        by: "env".into(),
        labels: vec!["env".into(), "region".into()],
        environments: vec![
            environment("staging", "staging-eu"),
            environment("prod", "prod-eu"),
        ],
        rows: if empty { Vec::new() } else { vec![row] },
        folded: if query.all || empty { 0 } else { 4 },
        cut: 0,
        filter_error: (query.filter == "(").then(|| (0, "an open bracket".to_owned())),
    }
}

/// From staging to production there is a commit; backwards there is a reason against it; to the other production nothing.
pub fn promotion(from: TargetId, to: TargetId, everywhere: bool) -> Answer<PromotionPreview> {
    let target = |id| by_target(id).ok_or_else(|| PortError::NotFound("this target".into()));
    let (from, to) = (target(from)?, target(to)?);
    let refused = from.cluster != "staging-eu" && !everywhere;
    let done = to.cluster == "prod-us";
    let commit = ImageAnswer {
        target: to.clone(),
        first_line: "checkout:2.9.1 → 2.10.0 in 1 file of main, read by 1 target.".into(),
        changes: Vec::new(),
        branch: "main".into(),
        head: sha("0ff1ce0"),
        files: Vec::new(),
        patch: "--- a/x.yaml\n+++ b/x.yaml\n@@ -7 +7 @@\n-    newTag: 2.9.1\n+    newTag: 2.10.0\n"
            .into(),
        message: "Set checkout:2.9.1 → 2.10.0 for checkout".into(),
        targets: Vec::new(),
        outcome: None,
    };
    Ok(PromotionPreview {
        first_line: match done {
            true => "prod-us already has every image that staging-eu runs.".into(),
            false => commit.first_line.clone(),
        },
        from,
        to,
        images: vec!["registry.example.com/checkout=2.10.0".into()],
        commit: (!refused && !done).then_some(commit),
        revision: Some("v2.10.0".into()),
        notes: vec!["shop/checkout on staging-eu is Degraded at present.".into()],
        refused: match refused {
            true => "base/x.yaml:7 is read by search too.".into(),
            false => String::new(),
        },
        digest: "d".into(),
    })
}

/// A rule that is followed, and one that cannot be.
pub fn rules() -> Vec<ImageRuleView> {
    let well = ImageRuleView {
        rule: "ImageRule checkout".into(),
        source: SourceId(uuid::Uuid::from_u128(1)),
        source_name: "fleet".into(),
        path: "rules/checkout.yaml".into(),
        line: 1,
        image: "registry.example.com/checkout".into(),
        chooses: "highest version in 2.x".into(),
        writes: "pull requests for shop/checkout".into(),
        suspended: false,
        interval_seconds: 300,
        newest: "2.10.0".into(),
        looked_at: Some(ago(2)),
        problem: String::new(),
        deeds: vec![ImageRuleDeed {
            at: ago(30),
            what: "shop/checkout on prod-eu: 2.10.0 in 3fa91c2".into(),
        }],
    };
    let broken = ImageRuleView {
        rule: "ImagePolicy flux-system/<b>web".into(),
        newest: String::new(),
        looked_at: None,
        problem: "there is no ImageRepository flux-system/web in this source".into(),
        deeds: Vec::new(),
        ..well.clone()
    };
    vec![broken, well]
}
