//! Everything that can be read of the sources of an input: their commits, with what stands among the files of each.

use super::dependencies::{self, FetchedChart};
use super::included::{self, Mount};
use super::{RenderError, RenderInput, blocking};
use crate::definition::DefinedSource;
use crate::source::{Mirrors, Snapshot};

/// The files of all sources, in their order, with those that they include.
pub(super) async fn snapshots(
    mirrors: &Mirrors,
    input: &RenderInput,
) -> Result<Vec<Snapshot>, RenderError> {
    let mut snapshots = Vec::with_capacity(input.more.len() + 1);
    for (url, revision, _) in input.all() {
        snapshots.push(mirrors.snapshot(url, revision).await?);
    }
    if input.all().all(|(_, _, source)| source.include.is_empty()) {
        return Ok(snapshots);
    }
    let sources: Vec<(String, DefinedSource)> = input
        .all()
        .map(|(url, _, source)| (url.to_owned(), source.clone()))
        .collect();
    blocking(move || included::compose(snapshots, &sources)).await
}

/// Files of one source with all that stands among them.
pub(super) struct Tree {
    pub snapshot: Snapshot,
    pub mounts: Vec<Mount>,
    /// Some of it are charts that another chart is made of.
    pub has_charts: bool,
}

/// Everything that can be read of all sources, in their order.
pub(super) async fn trees(
    mirrors: &Mirrors,
    input: &RenderInput,
    charts: &[FetchedChart],
) -> Result<Vec<Tree>, RenderError> {
    let snapshots = snapshots(mirrors, input).await?;
    let mut fetched = Vec::with_capacity(charts.len());
    for chart in charts {
        let files = mirrors.snapshot(&chart.repo_url, &chart.revision).await?;
        fetched.push((chart.clone(), files));
    }
    let input = input.clone();
    blocking(move || {
        let mut trees = Vec::with_capacity(snapshots.len());
        for (place, (snapshot, (_, _, source))) in
            snapshots.into_iter().zip(input.all()).enumerate()
        {
            let plan = dependencies::plan(snapshot.clone(), place, source)?;
            let around = included::mounts(&input, place);
            let has_charts = !plan.is_empty();
            let (snapshot, mut mounts) = if has_charts {
                plan.put(snapshot, &fetched)?
            } else {
                (snapshot, Vec::new())
            };
            mounts.extend(around);
            trees.push(Tree {
                snapshot,
                mounts,
                has_charts,
            });
        }
        Ok(trees)
    })
    .await
}
