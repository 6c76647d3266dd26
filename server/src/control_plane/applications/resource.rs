//! The tree of a target with live state, and one object of it in full.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use super::not_known;
use super::tree::{self, Graph, Nothing, Root};
use crate::reconcile::desired::{self, KindScope};
use crate::reconcile::render;
use crate::runtime::{Assessment, ClusterHandle};
use crate::store;
use engine::live::Lookup;
use engine::manifest::Manifest;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::diff::{ResourceDiff, ResourceDiffKind, SyncStatus};
use lockstep_types::health::Health;
use lockstep_types::resource::{ResourceKey, ResourceNode, ResourceView};
use serde_json::Value;

/// Said of objects while nothing has been compared since the start.
const NOT_COMPARED: &str = "it has not been compared since the start of the server";

impl Plane {
    /// All nodes of a target's tree.
    pub(in crate::control_plane) async fn nodes(
        &self,
        placement: &Placement,
    ) -> Result<Vec<ResourceNode>, PortError> {
        let assessment = self.runtime.assessment(placement.target.id);
        let handle = self.runtime.cluster(&placement.target.cluster);
        let mut roots = match &assessment {
            Some(assessment) => roots(assessment),
            None => self.declared_once(placement, handle.as_deref()).await?,
        };
        // What earlier syncs left and Git no longer declares still belongs to the target.
        let inventory = store::inventory::of_target(self.runtime.store(), placement.target.id)
            .await
            .map_err(refuse::store)?;
        for entry in inventory {
            let there = match handle.as_ref().map(|handle| handle.live.get(&entry.key)) {
                Some(Lookup::Absent) => false,
                Some(Lookup::Present(_) | Lookup::Unknown(_)) | None => true,
            };
            if there && roots.iter().all(|root| root.key != entry.key) {
                roots.push(Root {
                    key: entry.key,
                    declared: false,
                    sync: SyncStatus::OutOfSync,
                    health: Health::healthy(),
                });
            }
        }
        let culprit = assessment
            .as_ref()
            .and_then(|assessment| assessment.culprit.as_ref());
        let unknown = match &assessment {
            Some(_) => not_known(placement),
            None => Some(not_known(placement).unwrap_or(NOT_COMPARED)),
        };
        let graph: &dyn Graph = match &handle {
            Some(handle) => handle.live.as_ref(),
            None => &Nothing,
        };
        Ok(tree::nodes(roots, graph, culprit, unknown))
    }

    /// Objects as the last stored render declared them: all there is before the first comparison.
    async fn declared_once(
        &self,
        placement: &Placement,
        handle: Option<&ClusterHandle>,
    ) -> Result<Vec<Root>, PortError> {
        let target = &placement.target;
        let Some(key) = target
            .state
            .render_key
            .as_ref()
            .or(target.deployed_render.as_ref())
        else {
            return Ok(Vec::new());
        };
        let Some(complete) = render::stored(&self.runtime, key)
            .await
            .map_err(refuse::store)?
        else {
            return Ok(Vec::new());
        };
        let scope = |api_version: &str, kind: &str| match handle
            .and_then(|handle| handle.live.scope(api_version, kind))
        {
            Some(scope) => KindScope::Known(scope),
            None => KindScope::NotServed,
        };
        let destination = &placement.defined.definition.destination;
        let objects = desired::desired(&complete, destination, scope, None)
            .map(|desired| desired.objects)
            .unwrap_or_default();
        Ok(objects
            .into_iter()
            .map(|manifest| declared(manifest.key, SyncStatus::Unknown, None))
            .collect())
    }

    /// One object of the tree in full. Objects that do not belong to the target are not found, whoever asks.
    pub(super) async fn resource_of(
        &self,
        actor: &Actor,
        placement: &Placement,
        key: &ResourceKey,
    ) -> Result<ResourceView, PortError> {
        let nodes = self.nodes(placement).await?;
        let node = nodes
            .into_iter()
            .find(|node| node.key == *key)
            .ok_or_else(|| refuse::missing("object", key))?;
        let assessment = self.runtime.assessment(placement.target.id);
        let manifest: Option<&Manifest> = assessment.as_ref().and_then(|assessment| {
            assessment
                .desired
                .iter()
                .find(|manifest| manifest.key == *key)
        });
        let diff = match not_known(placement) {
            None => assessment
                .as_ref()
                .and_then(|assessment| assessment.diffs.get(key).cloned()),
            Some(_) => None,
        };
        let handle = self.runtime.cluster(&placement.target.cluster);
        let (mut live, mut events) = (None, Vec::new());
        if let Some(handle) = &handle {
            live = live_body(handle, key, manifest).await;
            // Events are an extra: credentials that may not read them still show the object.
            events = handle
                .live
                .events_of(key, node.uid.as_deref())
                .await
                .unwrap_or_default();
        }
        let declared = manifest.map(|manifest| &*manifest.body);
        let masking = &placement.defined.definition.masking;
        Ok(ResourceView {
            actions: self.offers(actor, placement, &node, live.as_ref(), declared),
            acted: self.acted(placement, key).await?,
            node,
            live_yaml: live
                .as_ref()
                .map(|live| engine::diff::live_yaml(live, declared, masking)),
            desired_yaml: manifest.map(|manifest| engine::diff::manifest_yaml(manifest, masking)),
            origin: manifest.and_then(|manifest| manifest.origin.clone()),
            problems: manifest.map(engine::plan::problems).unwrap_or_default(),
            diff,
            events,
        })
    }
}

/// The whole object: from the cache when it is held whole, else asked for.
async fn live_body(
    handle: &ClusterHandle,
    key: &ResourceKey,
    manifest: Option<&Manifest>,
) -> Option<Value> {
    if let Lookup::Present(object) = handle.live.get(key) {
        return Some(object.body());
    }
    let peeked = handle.live.peek(key)?;
    let api_version = manifest.map_or(peeked.api_version.as_str(), |manifest| {
        manifest.api_version.as_str()
    });
    match handle.live.read_now(key, api_version).await {
        Ok(body) => body,
        // Better a part of it than nothing.
        Err(_) => Some(peeked.body()),
    }
}

fn roots(assessment: &Assessment) -> Vec<Root> {
    assessment
        .desired
        .iter()
        .map(|manifest| {
            let sync = sync_of(
                assessment.diffs.get(&manifest.key),
                assessment.encrypted.contains(&manifest.key),
            );
            declared(
                manifest.key.clone(),
                sync,
                assessment.healths.get(&manifest.key),
            )
        })
        .collect()
}

fn declared(key: ResourceKey, sync: SyncStatus, health: Option<&Health>) -> Root {
    Root {
        key,
        declared: true,
        sync,
        health: health.cloned().unwrap_or_else(Health::healthy),
    }
}

/// Equal objects have no difference; noise does not count.
fn sync_of(diff: Option<&ResourceDiff>, encrypted: bool) -> SyncStatus {
    match diff {
        _ if encrypted => SyncStatus::Unknown,
        None => SyncStatus::Synced,
        Some(diff) if diff.counts() => SyncStatus::OutOfSync,
        Some(diff) if matches!(diff.kind, ResourceDiffKind::Unsure(_)) => SyncStatus::Unknown,
        Some(_) => SyncStatus::Synced,
    }
}
