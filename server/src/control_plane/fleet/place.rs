//! What filters and rows need to know of a target beside its summary.

use super::super::definitions::Defined;
use super::super::filter::{Filter, Subject};
use super::super::names;
use super::arrange::Placed;
use crate::store::cluster::ClusterRow;
use lockstep_types::application::{Dialect, TargetSummary};
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::revision::CommitInfo;
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, HashMap};

/// Everything a filter looks at, by id.
pub(super) struct Facts<'a> {
    pub defined: &'a BTreeMap<ApplicationId, Defined>,
    /// When the state of a target last became another.
    pub changed: HashMap<TargetId, Micros>,
    pub clusters: &'a [ClusterRow],
    pub now: Micros,
}

impl Facts<'_> {
    /// Whether a target fits the filter.
    pub(super) fn matches(&self, filter: &Filter, summary: &TargetSummary) -> bool {
        if filter.is_empty() {
            return true;
        }
        let Some(defined) = self.defined.get(&summary.target.application.id) else {
            return false;
        };
        let source = &defined.definition.source;
        let none = BTreeMap::new();
        let cluster = self
            .clusters
            .iter()
            .find(|row| row.name == summary.target.cluster);
        filter.matches(&Subject {
            summary,
            group: &defined.row.group,
            origin: &names::origin(&source.repo_url, &source.path),
            labels: &defined.definition.labels,
            cluster_labels: cluster.map_or(&none, |row| &row.labels),
            changed_at: self
                .changed
                .get(&summary.target.id)
                .copied()
                .unwrap_or_default(),
            now: self.now,
        })
    }
}

/// A target with its place in the matrix; `None` when its application is no longer defined.
pub(super) fn place(
    summary: TargetSummary,
    defined: &BTreeMap<ApplicationId, Defined>,
    commits: &HashMap<ApplicationId, CommitInfo>,
) -> Option<Placed> {
    let defined = defined.get(&summary.target.application.id)?;
    let source = &defined.definition.source;
    Some(Placed {
        group: defined.row.group.clone(),
        scope: scope(defined),
        origin: names::origin(&source.repo_url, &source.path),
        commit: commits.get(&defined.row.id).cloned(),
        summary,
    })
}

/// Flux names are alike all over the world (`flux-system/apps`): they mean one thing within one repository.
pub(in super::super) fn scope(defined: &Defined) -> String {
    let label = crate::reconcile::definitions::GROUP_LABEL;
    let chosen = defined.definition.labels.contains_key(label)
        || defined.definition.annotations.contains_key(label);
    match defined.row.dialect {
        Dialect::FluxKustomization | Dialect::FluxHelmRelease if !chosen => {
            defined.repo_url().to_owned()
        }
        Dialect::FluxKustomization
        | Dialect::FluxHelmRelease
        | Dialect::FleetBundle
        | Dialect::ArgoApplication => String::new(),
    }
}
