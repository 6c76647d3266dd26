//! Documents that are no applications themselves: what feeds applications, what makes them, and what limits them.

use super::super::artifacts::{self, Artifacts};
use super::super::chart_sources::{self, ChartSources, FoundSource};
use super::super::fields::{FieldProblem, Place, Report};
use super::super::flux;
use super::{Collected, Ours, all, read_frame};
use std::collections::BTreeMap;

impl Collected {
    /// Documents of a kind of which each name may be there once. Of one that is there twice nobody can tell which is
    /// meant: it is there, and `spoil` says that it cannot be used.
    pub(super) fn single<T>(
        &mut self,
        documents: &[Ours],
        kind: &str,
        read: impl Fn(&Ours) -> (T, Vec<FieldProblem>),
        spoil: impl Fn(&mut T),
    ) -> Vec<T> {
        let mut by_name: BTreeMap<(&str, &str), Vec<&Ours>> = BTreeMap::new();
        for document in documents.iter().filter(|document| document.kind == kind) {
            let name = (document.namespace.as_str(), document.name.as_str());
            by_name.entry(name).or_default().push(document);
        }
        let mut found = Vec::new();
        for same in by_name.values() {
            let Some(document) = same.first() else {
                continue;
            };
            let (mut one, problems) = read(document);
            if same.len() == 1 {
                self.add(document, None, problems);
            } else {
                self.twice(None, same);
                spoil(&mut one);
            }
            found.push(one);
        }
        found
    }

    pub(super) fn artifacts(&mut self, documents: &[Ours], around: &[Ours]) -> Artifacts {
        let mut artifacts = Artifacts::new();
        let is_one = |document: &&Ours| document.group == artifacts::GROUP;
        // Its own come last: of two with one name they count.
        for document in around.iter().filter(is_one) {
            artifacts::read(document, &mut artifacts);
        }
        for document in documents.iter().filter(is_one) {
            let problems = artifacts::read(document, &mut artifacts);
            self.add(document, None, problems);
        }
        artifacts
    }

    pub(super) fn chart_sources(&mut self, documents: &[Ours], around: &[Ours]) -> ChartSources {
        let mut sources = ChartSources::new();
        for (document, own) in all(documents, around).filter(|(document, _)| {
            document.group == flux::SOURCE_GROUP && document.kind != "GitRepository"
        }) {
            let report = Report::default();
            let place = Place::root(&report, &document.node);
            read_frame(&place);
            let source = chart_sources::read(&place, &document.kind);
            place.done();
            let (problems, ignored) = report.into_parts();
            let source = problems
                .is_empty()
                .then_some(FoundSource { source, ignored });
            if own {
                self.add(document, None, problems);
            }
            let key = (
                document.kind.clone(),
                document.namespace.clone(),
                document.name.clone(),
            );
            sources
                .entry(key)
                .and_modify(|known| {
                    let is = |found: &Option<FoundSource>| {
                        found.as_ref().map(|found| found.source.clone())
                    };
                    if is(known) != is(&source) {
                        *known = None;
                    }
                })
                .or_insert(source);
        }
        sources
    }
}
