//! Parity: the rows of the matrix with environments in place of clusters, and with what runs in place of states.

mod differences;
mod environments;
mod versions;

use super::super::definitions::{Defined, Placement};
use super::super::filter::{self, Filter};
use super::super::{Plane, refuse};
use super::arrange::{Placed, arrange};
use super::place::{Facts, place};
use crate::reconcile::render;
use crate::runtime::now;
use crate::store;
use crate::store::target::{TargetRow, Which};
use differences::{Seen, differences};
use environments::{environments, label, labels};
use futures::StreamExt;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{TargetRef, TargetSummary};
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::Row;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::parity::{ParityCell, ParityQuery, ParityRow, ParityView, Versions};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows that are held against each other at once: each costs a render of each of its targets.
const MOST_ROWS: usize = 300;
/// Renders read at once.
const AT_ONCE: usize = 8;

impl Plane {
    pub(super) async fn parity_of(
        &self,
        actor: &Actor,
        query: &ParityQuery,
    ) -> Result<ParityView, PortError> {
        let db = self.runtime.store();
        let visible = self.visible(actor).await?;
        let mut defined = self.all_defined().await?;
        defined.retain(|id, _| visible.has(*id));
        let rows = store::target::list(db).await.map_err(refuse::store)?;
        let mut summaries = store::target::summaries(db, &Which::All)
            .await
            .map_err(refuse::store)?;
        summaries.retain(|summary| visible.has(summary.target.application.id));
        let mut clusters = store::cluster::list(db).await.map_err(refuse::store)?;
        clusters.retain(|row| actor.may_on(Permission::SeeClusters, &row.name));
        let (mut filter, filter_error) = match filter::read(&query.filter) {
            Ok(filter) => (filter, None),
            Err(wrong) => (Filter::default(), Some((wrong.offset, wrong.message))),
        };
        filter.commit_is_a_word();
        let facts = Facts {
            defined: &defined,
            changed: rows.iter().map(|row| (row.id, row.changed_at)).collect(),
            clusters: &clusters,
            now: now(),
        };
        summaries.retain(|summary| facts.matches(&filter, summary));
        let by = label(&query.by, &clusters)?;
        let (environments, of_cluster) = environments(&by, &clusters, &summaries);
        let arranged = arranged(summaries, &defined, &of_cluster);
        let cut = arranged.len().saturating_sub(MOST_ROWS);
        let rows: HashMap<TargetId, TargetRow> =
            rows.into_iter().map(|row| (row.id, row)).collect();
        let mut found = Vec::new();
        for row in arranged.into_iter().take(MOST_ROWS) {
            found.push(
                self.compared_row(row, environments.len(), &of_cluster, &defined, &rows)
                    .await,
            );
        }
        let (mut shown, alike): (Vec<ParityRow>, Vec<ParityRow>) =
            found.into_iter().partition(|row| {
                let unknown = row
                    .cells
                    .iter()
                    .flatten()
                    .any(|cell| cell.versions.is_none());
                query.all || unknown || !row.differences.is_empty()
            });
        shown.sort_by_key(|row| {
            let (unexpected, all) = (row.unexpected(), row.differences.len());
            (
                Reverse(unexpected),
                Reverse(all),
                row.project.clone(),
                row.group.clone(),
            )
        });
        Ok(ParityView {
            by,
            labels: labels(&clusters),
            environments,
            rows: shown,
            folded: u32::try_from(alike.len()).unwrap_or(u32::MAX),
            cut: u32::try_from(cut).unwrap_or(u32::MAX),
            filter_error,
        })
    }

    /// One row, with what each of its targets runs.
    async fn compared_row(
        &self,
        row: Row,
        width: usize,
        of_cluster: &BTreeMap<String, usize>,
        defined: &BTreeMap<ApplicationId, Defined>,
        rows: &HashMap<TargetId, TargetRow>,
    ) -> ParityRow {
        let targets: Vec<(usize, TargetRef, Option<Placement>)> = row
            .cells
            .into_iter()
            .flatten()
            .map(|summary: TargetSummary| {
                let column = of_cluster.get(&summary.target.cluster).copied();
                let placement = rows
                    .get(&summary.target.id)
                    .zip(defined.get(&summary.target.application.id))
                    .map(|(target, defined)| Placement {
                        target: target.clone(),
                        defined: defined.clone(),
                    });
                (column.unwrap_or_default(), summary.target, placement)
            })
            .collect();
        let looked: Vec<(usize, ParityCell, Option<Placement>)> = futures::stream::iter(targets)
            .map(|(column, target, placement)| async move {
                let versions = match &placement {
                    Some(placement) => self.versions_of(placement).await,
                    None => None,
                };
                (column, ParityCell { target, versions }, placement)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let seen = |column: usize| -> Vec<Seen<'_>> {
            looked
                .iter()
                .filter(|(at, ..)| *at == column)
                .filter_map(|(_, cell, placement)| {
                    Some(Seen {
                        versions: cell.versions.as_ref()?,
                        place: placement.as_ref().map(versions::place)?,
                        in_line: placement.as_ref().is_some_and(is_in_line),
                    })
                })
                .collect()
        };
        let columns: Vec<Vec<Seen<'_>>> = (0..width).map(seen).collect();
        let differences = differences(&columns);
        let mut cells: Vec<Vec<ParityCell>> = (0..width).map(|_| Vec::new()).collect();
        for (column, cell, _) in looked {
            if let Some(cells) = cells.get_mut(column) {
                cells.push(cell);
            }
        }
        ParityRow {
            group: row.group,
            project: row.project,
            cells,
            differences,
        }
    }

    /// What a target runs; `None` when that is not known.
    async fn versions_of(&self, placement: &Placement) -> Option<Versions> {
        let render = render::stored(&self.runtime, placement.running_render()?)
            .await
            .ok()??;
        let definition = &placement.defined.definition;
        let source = &definition.source;
        let at = placement.runs_at();
        let chart = match (source.chart.is_empty(), at) {
            // The subject of a chart's commit is its version.
            (false, Some(at)) => {
                let commit = self.runtime.mirrors().commit(&source.repo_url, at).await;
                commit.ok().map(|commit| commit.subject)
            }
            _ => None,
        };
        Some(versions::versions(
            &render.objects,
            definition,
            at,
            chart.as_deref(),
        ))
    }
}

fn is_in_line(placement: &Placement) -> bool {
    placement.target.state.sync == SyncStatus::Synced
}

/// Rows as the matrix has them, by project and name.
fn arranged(
    summaries: Vec<TargetSummary>,
    defined: &BTreeMap<ApplicationId, Defined>,
    of_cluster: &BTreeMap<String, usize>,
) -> Vec<Row> {
    let placed: Vec<Placed> = summaries
        .into_iter()
        .filter_map(|summary| place(summary, defined, &HashMap::new()))
        .collect();
    let columns: Vec<String> = of_cluster.keys().cloned().collect();
    let mut rows: Vec<Row> = arrange(placed, &columns, true)
        .sections
        .into_iter()
        .flat_map(|section| section.rows)
        .collect();
    rows.sort_by(|one, other| (&one.project, &one.group).cmp(&(&other.project, &other.group)));
    // What is on one target alone is held against nothing.
    rows.retain(|row| {
        let targets: BTreeSet<TargetId> = row
            .cells
            .iter()
            .flatten()
            .map(|summary| summary.target.id)
            .collect();
        targets.len() > 1
    });
    rows
}
