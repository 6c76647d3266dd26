//! What is broken, with file, line and remedy: sources that cannot be read, definitions, and targets that are stuck at
//! fetching, rendering, comparing or applying.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use crate::store;
use crate::store::source::SourceRow;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::SourceId;
use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::source::Problem;
use std::collections::{BTreeMap, BTreeSet};

impl Plane {
    pub(super) async fn all_problems(&self, actor: &Actor) -> Result<Vec<Problem>, PortError> {
        let mut sources = store::source::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let names: BTreeMap<SourceId, String> = sources
            .iter()
            .map(|source| (source.id, source.name.clone()))
            .collect();
        // What is wrong in a source names its files and applications: it is for those who see all of them.
        let whole = actor.may_on_all(Permission::Get);
        sources.retain(|source| whole && actor.may_on(Permission::SeeSources, &source.repo_url));
        let mut problems: Vec<Problem> = sources.iter().flat_map(of_source).collect();
        let mut fetches = BTreeSet::new();
        let visible = self.visible(actor).await?;
        let mut placements = self.all_placements().await?;
        placements.retain(|placement| visible.has(placement.target.application));
        placements.sort_by(|one, other| {
            let place = |placement: &Placement| {
                (
                    placement.defined.row.path.clone(),
                    placement.target.cluster.clone(),
                )
            };
            place(one).cmp(&place(other))
        });
        for placement in placements {
            let Some(reason) = &placement.target.state.reason else {
                continue;
            };
            let Some(stage) = stage(reason.code) else {
                continue;
            };
            // A host that is down is one problem, not one per target.
            if stage == "fetch"
                && !fetches.insert((
                    placement.defined.repo_url().to_owned(),
                    reason.cause.clone(),
                ))
            {
                continue;
            }
            let place = self.place_of(&placement, reason, stage);
            let source_name = placement
                .defined
                .row
                .source
                .and_then(|id| names.get(&id).cloned())
                .unwrap_or_default();
            problems.push(of_target(&placement, reason, stage, source_name, place));
        }
        problems.sort_by_key(|problem| (rank(&problem.stage), problem.since));
        Ok(problems)
    }

    /// File and line to blame: where the object is declared, else where the application reads or is defined.
    fn place_of(
        &self,
        placement: &Placement,
        reason: &Reason,
        stage: &str,
    ) -> (String, Option<u32>) {
        let row = &placement.defined.row;
        let source = &placement.defined.definition.source;
        let origin = reason.object.as_ref().and_then(|key| {
            let assessment = self.runtime.assessment(placement.target.id)?;
            let manifest = assessment
                .desired
                .iter()
                .find(|manifest| manifest.key == *key)?;
            manifest.origin.clone()
        });
        match (origin, stage) {
            (Some(origin), _) => (origin.path, origin.line),
            (None, "definition" | "fetch") => (row.path.clone(), Some(row.line)),
            (None, _) => (source.path.clone(), None),
        }
    }
}

fn rank(stage: &str) -> usize {
    ["definition", "fetch", "render", "compare", "apply"]
        .iter()
        .position(|known| *known == stage)
        .unwrap_or(usize::MAX)
}

/// The stage that a reason is a problem of; `None` for reasons that are no problem of Git or of the delivery.
fn stage(code: ReasonCode) -> Option<&'static str> {
    match code {
        ReasonCode::DefinitionInvalid => Some("definition"),
        ReasonCode::FetchFailed | ReasonCode::Unverified => Some("fetch"),
        ReasonCode::RenderFailed | ReasonCode::EmptyRender => Some("render"),
        ReasonCode::CompareFailed => Some("compare"),
        ReasonCode::ApplyFailed | ReasonCode::PruneFailed => Some("apply"),
        _ => None,
    }
}

fn of_source(source: &SourceRow) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !source.error.is_empty() {
        problems.push(Problem {
            source: Some(source.id),
            source_name: source.name.clone(),
            application: None,
            cluster: None,
            stage: "fetch".to_owned(),
            path: source.path.clone(),
            line: None,
            field: String::new(),
            message: source.error.clone(),
            next: match source.last_read {
                Some(at) => format!(
                    "What was read at {} stays in force until it can be read again.",
                    at.rfc3339()
                ),
                None => "Correct address, credential or path of the source.".to_owned(),
            },
            since: source.last_read.unwrap_or(source.created_at),
        });
    }
    problems.extend(source.problems.iter().cloned());
    problems
}

fn of_target(
    placement: &Placement,
    reason: &Reason,
    stage: &str,
    source_name: String,
    (path, line): (String, Option<u32>),
) -> Problem {
    Problem {
        source: placement.defined.row.source,
        source_name,
        application: Some(placement.defined.reference()),
        cluster: Some(placement.target.cluster.clone()),
        stage: stage.to_owned(),
        path,
        line,
        field: String::new(),
        message: match &reason.object {
            Some(key) if !reason.cause.contains(&key.name) => {
                format!("{}: {}", key.short(), reason.cause)
            }
            _ => reason.cause.clone(),
        },
        next: reason.next.clone(),
        since: reason.since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_broken_stages_are_problems() {
        for (code, expected) in [
            (ReasonCode::RenderFailed, Some("render")),
            (ReasonCode::PruneFailed, Some("apply")),
            (ReasonCode::Drifted, None),
            (ReasonCode::Progressing, None),
            (ReasonCode::ClusterUnreachable, None),
        ] {
            assert_eq!(stage(code), expected);
        }
        assert!(rank("definition") < rank("apply"));
    }
}
