//! From targets to the matrix: rows of groups, cells of clusters, sections, and what is folded. Pure.

use super::badness::{all_well, badness, needs_attention};
use lockstep_types::application::TargetSummary;
use lockstep_types::fleet::{Row, Section};
use lockstep_types::revision::CommitInfo;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Rows without anything to say that are still shown: a small fleet is shown whole.
pub const WELL_ROWS: usize = 16;

/// The heading over what is not well.
pub const ATTENTION: &str = "Needs attention";

/// A target with what decides its place.
#[derive(Debug, Clone)]
pub struct Placed {
    pub summary: TargetSummary,
    pub group: String,
    /// Within what the group's name means one thing; a repository for Flux, else empty.
    pub scope: String,
    /// `shop.git · overlays/production`.
    pub origin: String,
    /// The newest commit of what it reads.
    pub commit: Option<CommitInfo>,
}

/// The matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Arranged {
    pub sections: Vec<Section>,
    pub folded: u32,
}

type RowKey = (String, String, String, String);

/// Arranges targets into rows; `columns` are the clusters in order.
pub fn arrange(placed: Vec<Placed>, columns: &[String], show_all: bool) -> Arranged {
    let split = split_groups(&placed);
    let mut rows: BTreeMap<RowKey, Vec<Placed>> = BTreeMap::new();
    for target in placed {
        let group = (target.project(), target.group.clone(), target.scope.clone());
        let name = if split.contains(&group) {
            target.summary.target.application.name.clone()
        } else {
            String::new()
        };
        let (project, title, scope) = group;
        rows.entry((project, title, scope, name))
            .or_default()
            .push(target);
    }
    let mut attention: Vec<(u32, Row)> = Vec::new();
    let mut quiet: Vec<(bool, Row)> = Vec::new();
    for ((project, group, _, name), targets) in rows {
        let worst = targets
            .iter()
            .map(|target| badness(&target.summary))
            .max()
            .unwrap_or(0);
        let attend = targets
            .iter()
            .any(|target| needs_attention(&target.summary));
        let well = targets.iter().all(|target| all_well(&target.summary));
        let title = if name.is_empty() { group } else { name };
        let Some(row) = row(project, title, targets, columns) else {
            continue;
        };
        if attend {
            attention.push((worst, row))
        } else {
            quiet.push((well, row))
        }
    }
    attention.sort_by_key(|(worst, row)| (Reverse(*worst), row.project.clone(), row.group.clone()));
    let folded = if show_all {
        0
    } else {
        fold(&mut quiet, attention.len())
    };
    let mut sections = Vec::new();
    if !attention.is_empty() {
        sections.push(Section {
            title: ATTENTION.to_owned(),
            rows: attention.into_iter().map(|(_, row)| row).collect(),
        });
    }
    for (_, row) in quiet {
        match sections
            .iter_mut()
            .find(|section| section.title == row.project)
        {
            Some(section) => section.rows.push(row),
            None => sections.push(Section {
                title: row.project.clone(),
                rows: vec![row],
            }),
        }
    }
    Arranged { sections, folded }
}

impl Placed {
    fn project(&self) -> String {
        self.summary.target.application.project.clone()
    }
}

/// Groups in which one cell would hold applications of different names: they are split by name.
fn split_groups(placed: &[Placed]) -> BTreeSet<(String, String, String)> {
    /// Project, group, scope and cluster.
    type Cell<'a> = (String, String, String, &'a str);
    let mut cells: BTreeMap<Cell<'_>, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for target in placed {
        let reference = &target.summary.target;
        let cell = (
            target.project(),
            target.group.clone(),
            target.scope.clone(),
            reference.cluster.as_str(),
        );
        cells
            .entry(cell)
            .or_default()
            .insert((&reference.application.name, &target.origin));
    }
    cells
        .into_iter()
        .filter(|(_, found)| {
            let names: BTreeSet<&str> = found.iter().map(|(name, _)| *name).collect();
            let origins: BTreeSet<&str> = found.iter().map(|(_, origin)| *origin).collect();
            names.len() > 1 && origins.len() > 1
        })
        .map(|((project, group, scope, _), _)| (project, group, scope))
        .collect()
}

fn row(
    project: String,
    group: String,
    mut targets: Vec<Placed>,
    columns: &[String],
) -> Option<Row> {
    targets.sort_by(|one, other| worse_first(&one.summary, &other.summary));
    let first = targets.first()?;
    let (application, origin) = (
        first.summary.target.application.clone(),
        first.origin.clone(),
    );
    let commit = targets
        .iter()
        .filter_map(|target| target.commit.as_ref())
        .max_by_key(|commit| commit.committed_at)
        .cloned();
    let mut cells: Vec<Vec<TargetSummary>> = columns.iter().map(|_| Vec::new()).collect();
    for target in targets {
        let column = columns
            .iter()
            .position(|column| *column == target.summary.target.cluster);
        if let Some(cell) = column.and_then(|column| cells.get_mut(column)) {
            cell.push(target.summary);
        }
    }
    Some(Row {
        group,
        project,
        application,
        origin,
        cells,
        commit,
    })
}

/// Worst first, equally bad ones by cluster and name, so that the order is stable.
pub fn worse_first(one: &TargetSummary, other: &TargetSummary) -> std::cmp::Ordering {
    badness(other)
        .cmp(&badness(one))
        .then_with(|| one.target.cluster.cmp(&other.target.cluster))
        .then_with(|| one.target.application.cmp(&other.target.application))
}

/// Removes quiet rows beyond what a small fleet has, in their order; those with something going on stay.
fn fold(quiet: &mut Vec<(bool, Row)>, shown: usize) -> u32 {
    let room = WELL_ROWS.saturating_sub(shown);
    let (mut kept, mut folded) = (0usize, 0u32);
    quiet.retain(|(well, _)| {
        if !*well {
            return true;
        }
        kept += 1;
        if kept > room {
            folded += 1;
        }
        kept <= room
    });
    folded
}

#[cfg(test)]
mod tests;
