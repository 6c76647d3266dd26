//! What taking a source over would do, target by target, and what forbids it.

use super::super::definitions::Defined;
use super::super::{Plane, refuse};
use super::rivals;
use crate::runtime::{Assessment, now};
use crate::store;
use crate::store::source::SourceRow;
use crate::store::target::Which;
use engine::live::Lookup;
use lockstep_types::PortError;
use lockstep_types::application::{Dialect, TargetSummary};
use lockstep_types::resource::ResourceKey;
use lockstep_types::rollback::TargetPlan;
use lockstep_types::source::{Mode, TakeOverPreview};
use std::collections::BTreeSet;

/// Refusals that are told at once; more would not be read.
const REFUSALS: usize = 20;

impl Plane {
    pub(super) async fn preview_take_over(
        &self,
        source: &SourceRow,
    ) -> Result<TakeOverPreview, PortError> {
        let db = self.runtime.store();
        let summaries = store::target::summaries(db, &Which::Source(source.id))
            .await
            .map_err(refuse::store)?;
        let mut refusals = BTreeSet::new();
        let mut targets = Vec::new();
        let mut asked = BTreeSet::new();
        for summary in summaries {
            let defined = self.defined(summary.target.application.id).await?;
            let assessment = self.runtime.assessment(summary.target.id);
            if asked.insert(defined.row.id)
                && let Some(refusal) = self.rival_definition(source, &summary, &defined).await
            {
                refusals.insert(refusal);
            }
            if let (Some(assessment), true) = (&assessment, refusals.len() < REFUSALS) {
                refusals.extend(self.rival_writers(&summary, assessment));
            }
            targets.push(plan_of(summary, &defined, assessment.as_deref()));
        }
        if source.mode == Mode::Managed {
            refusals.insert(format!("The source {} is taken over already", source.name));
        }
        if targets.is_empty() {
            refusals.insert(format!(
                "The source {} defines nothing that is placed on a cluster yet",
                source.name
            ));
        }
        let refusals: Vec<String> = refusals.into_iter().take(REFUSALS).collect();
        let digest = digest(source, &targets, &refusals);
        Ok(TakeOverPreview {
            source: source.id,
            digest,
            targets,
            refusals,
        })
    }

    /// The definition itself as an object in a cluster, acted on by the controller it was written for.
    async fn rival_definition(
        &self,
        source: &SourceRow,
        summary: &TargetSummary,
        defined: &Defined,
    ) -> Option<String> {
        let cluster = if source.home_cluster.is_empty() {
            &summary.target.cluster
        } else {
            &source.home_cluster
        };
        let definition = &defined.definition;
        let (group, kind, versions, product) = match definition.dialect {
            Dialect::ArgoApplication => (
                "argoproj.io",
                "Application",
                ["v1alpha1"].as_slice(),
                "Argo CD",
            ),
            Dialect::FluxKustomization => (
                "kustomize.toolkit.fluxcd.io",
                "Kustomization",
                ["v1", "v1beta2"].as_slice(),
                "Flux",
            ),
            Dialect::FluxHelmRelease => (
                "helm.toolkit.fluxcd.io",
                "HelmRelease",
                ["v2", "v2beta2"].as_slice(),
                "Flux",
            ),
            // Fleet keeps its bundles on a management cluster that may be any: its mark is on the objects instead.
            Dialect::FleetBundle => return None,
        };
        let cannot_tell = |why: String| {
            Some(format!(
                "It cannot be told whether {product} on {cluster} still syncs these objects: {why}. Try again when the cluster answers"
            ))
        };
        let Some(handle) = self.runtime.cluster(cluster) else {
            return cannot_tell("the cluster is not connected".to_owned());
        };
        if handle.live.facts().is_none() {
            return cannot_tell("the cluster has not answered yet".to_owned());
        }
        let version = versions.iter().find(|version| {
            handle
                .live
                .scope(&format!("{group}/{version}"), kind)
                .is_some()
        })?;
        let key = ResourceKey::new(group, kind, &definition.namespace, &definition.name);
        let body = match handle
            .live
            .read_now(&key, &format!("{group}/{version}"))
            .await
        {
            Ok(Some(body)) => body,
            Ok(None) => return None,
            Err(error) => return cannot_tell(error.to_string()),
        };
        let (syncs, remedy) = match definition.dialect {
            Dialect::ArgoApplication => (rivals::argo_syncs(&body), "turn its automated sync off"),
            Dialect::FluxKustomization => (
                rivals::flux_syncs(&body),
                "suspend it (flux suspend kustomization)",
            ),
            Dialect::FluxHelmRelease | Dialect::FleetBundle => (
                rivals::flux_syncs(&body),
                "suspend it (flux suspend helmrelease)",
            ),
        };
        syncs.then(|| {
            format!(
                "{product} on {cluster} still syncs the {kind} {}/{}; {remedy}, then take over",
                definition.namespace, definition.name
            )
        })
    }

    /// Fresh traces of another controller on the objects themselves.
    fn rival_writers(&self, summary: &TargetSummary, assessment: &Assessment) -> Option<String> {
        let handle = self.runtime.cluster(&summary.target.cluster)?;
        let now = now();
        assessment
            .desired
            .iter()
            .find_map(|manifest| match handle.live.get(&manifest.key) {
                Lookup::Present(object) => {
                    rivals::recent_writer(&manifest.key, &object.body(), now)
                        .map(|said| format!("On {}: {said}", summary.target.cluster))
                }
                Lookup::Absent | Lookup::Unknown(_) => None,
            })
    }
}

fn plan_of(
    summary: TargetSummary,
    defined: &Defined,
    assessment: Option<&Assessment>,
) -> TargetPlan {
    let automated = defined.definition.policy.automated && !defined.definition.policy.suspend;
    match assessment {
        Some(assessment) => {
            let mut plan = assessment.plan.clone();
            plan.report.push(format!(
                "Each of the {} objects gets the annotation {}, by which Lockstep knows its own",
                assessment.desired.len(),
                engine::tracking::TRACKING_ANNOTATION
            ));
            TargetPlan {
                target: summary.target,
                plan: Some(plan),
                error: String::new(),
                automated,
            }
        }
        None => {
            let error = match &summary.reason {
                Some(reason) => reason.sentence(),
                None => "It has not been compared since the start of the server".to_owned(),
            };
            TargetPlan {
                target: summary.target,
                plan: None,
                error,
                automated,
            }
        }
    }
}

/// Binds the act to the plans that were shown, not to the words around them.
fn digest(source: &SourceRow, targets: &[TargetPlan], refusals: &[String]) -> String {
    let plans: Vec<_> = targets
        .iter()
        .map(|target| {
            (
                target.target.id,
                target.plan.as_ref().map(|plan| plan.digest.as_str()),
                target.automated,
            )
        })
        .collect();
    engine::manifest::hash_of(&serde_json::json!({
        "source": source.id, "revision": source.revision, "targets": plans, "refused": !refusals.is_empty(),
    }))
}
