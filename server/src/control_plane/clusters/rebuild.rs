//! Whether Git would bring a cluster back: the survey of the cluster against everything that is declared for it.

use super::super::{Plane, refuse};
use super::proof::{Declared, proof};
use crate::reconcile::orphans;
use crate::store::cluster::ClusterRow;
use engine::live::Resolve;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::rebuild::RebuildView;

/// Groups that Kubernetes itself serves have no dot or end so; every other one comes with a definition of its kinds.
const OWN: &str = ".k8s.io";

impl Plane {
    pub(super) async fn proof_of(
        &self,
        actor: &Actor,
        row: &ClusterRow,
    ) -> Result<RebuildView, PortError> {
        let survey = self
            .runtime
            .survey(&row.name, None, orphans::FRESH)
            .await
            .map_err(|error| {
                PortError::Conflict(format!("{error}; look again when {} answers", row.name))
            })?;
        let handle = self.runtime.cluster(&row.name);
        let definition = |api_version: &str, kind: &str| {
            let group = api_version.split_once('/')?.0;
            if !group.contains('.') {
                return None;
            }
            let served = handle
                .as_ref()
                .and_then(|handle| handle.live.resolve(api_version, kind));
            let known = served.map(|resource| format!("{}.{group}", resource.plural));
            match known {
                // Served without a definition: by the API server itself, or by an aggregated one.
                Some(name) => survey.holds_definition(&name).then_some(name),
                // The plural is not known; most are made so.
                None => {
                    (!group.ends_with(OWN)).then(|| format!("{}s.{group}", kind.to_lowercase()))
                }
            }
        };
        let declared = self.declared_for(&row.name).await?;
        let unsure = orphans::unsure(&self.runtime, &row.name)
            .await
            .map_err(refuse::store)?;
        let unsure = self.unsure_for(actor, unsure).await?;
        let mut view = proof(&row.name, &survey, &declared, &definition, unsure);
        // Counted are all; named are those that the actor may see.
        let visible = self.visible(actor).await?;
        let missing = view
            .missing
            .iter_mut()
            .map(|missing| &mut missing.needed_by);
        let images = view.images.iter_mut().map(|image| &mut image.used_by);
        for by in missing.chain(images) {
            by.retain(|(target, _)| visible.has(target.application.id));
        }
        Ok(view)
    }

    /// What each target of a cluster declares, as it was last compared.
    async fn declared_for(&self, cluster: &str) -> Result<Vec<Declared>, PortError> {
        let mut all = Vec::new();
        for placement in self.all_placements().await? {
            if placement.target.cluster != cluster {
                continue;
            }
            let Some(assessment) = self.runtime.assessment(placement.target.id) else {
                continue;
            };
            let definition = &placement.defined.definition;
            all.push(Declared {
                target: placement.reference(),
                objects: assessment.desired.clone(),
                makes_namespaces: definition.makes_namespaces(),
                encrypted: assessment.encrypted.clone(),
            });
        }
        Ok(all)
    }
}
