//! Gathers the fleet page: the sequence number first, then the data, so that no event falls in between.

use super::super::allow::Visible;
use super::super::commits::{Ancestry, Located, Runs};
use super::super::definitions::{Defined, Placement};
use super::super::filter::{self, Filter};
use super::super::{Plane, refuse};
use super::arrange::{Placed, arrange};
use super::place::{Facts, place};
use super::{needs, verdict};
use crate::runtime::now;
use crate::store;
use crate::store::cluster::ClusterRow;
use crate::store::target::{TargetRow, Which};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::TargetSummary;
use lockstep_types::fleet::{Column, CommitRollout, FleetQuery, FleetView};
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::revision::{CommitInfo, Revision};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Commits among which the newest of each application is looked for.
const COMMITS: u64 = 500;

impl Plane {
    pub(super) async fn matrix(
        &self,
        actor: &Actor,
        query: &FleetQuery,
    ) -> Result<FleetView, PortError> {
        let db = self.runtime.store();
        let head = store::event::head(db).await.map_err(refuse::store)?;
        let now = now();
        let since_last_visit = self.visited(actor, head, now).await?;
        let visible = self.visible(actor).await?;
        let mut defined = self.all_defined().await?;
        defined.retain(|id, _| visible.has(*id));
        let mut rows = store::target::list(db).await.map_err(refuse::store)?;
        rows.retain(|row| visible.has(row.application));
        let mut summaries = store::target::summaries(db, &Which::All)
            .await
            .map_err(refuse::store)?;
        summaries.retain(|summary| visible.has(summary.target.application.id));
        let mut clusters = store::cluster::list(db).await.map_err(refuse::store)?;
        clusters.retain(|row| actor.may_on(Permission::SeeClusters, &row.name));
        let mut approvals = store::approval::waiting(db).await.map_err(refuse::store)?;
        approvals.retain(|approval| visible.has(approval.target.application.id));
        let asks = self.asks_seen(actor).await?;
        let asks = asks.into_iter().map(|view| view.ask).collect();
        let mut needs_you = needs::needs_you(approvals, asks, &summaries, now);
        needs_you.extend(needs::leftovers(&self.all_leftovers(actor).await?));
        let (mut filter, mut filter_error) = match filter::read(&query.filter) {
            Ok(filter) => (filter, None),
            Err(wrong) => (Filter::default(), Some((wrong.offset, wrong.message))),
        };
        let mut today = Vec::new();
        let mut past = None;
        if let Some(at) = query.at {
            needs_you.clear();
            today.clone_from(&summaries);
            past = Some(
                self.as_they_were(&mut summaries, at, query.until, now)
                    .await?,
            );
            if let Some(key) = filter.not_over_time() {
                filter = Filter::default();
                filter_error = Some((0, format!("what {key}: asks for is not recorded over time")));
            }
            filter.commit_is_a_word();
        }
        let verdict = verdict::verdict(&summaries);
        let columns = self.columns(&clusters, &summaries);

        let (commit, touched) = self
            .commit_of(&mut filter, &mut filter_error, &defined, &rows, &visible)
            .await?;
        let changed = rows.iter().map(|row| (row.id, row.changed_at)).collect();
        let since_last_visit = since_last_visit.filter(|_| past.is_none());
        let facts = Facts {
            defined: &defined,
            changed,
            clusters: &clusters,
            now,
        };
        let mut kept: Vec<TargetSummary> = Vec::with_capacity(summaries.len());
        for summary in summaries {
            let fits = touched
                .as_ref()
                .is_none_or(|touched| touched.contains(&summary.target.id));
            if fits && facts.matches(&filter, &summary) {
                kept.push(summary);
            }
        }
        if let Some(past) = &mut past {
            let fit: BTreeSet<TargetId> = today
                .iter()
                .filter(|summary| facts.matches(&filter, summary))
                .chain(&kept)
                .map(|summary| summary.target.id)
                .collect();
            past.turned.retain(|turned| fit.contains(&turned.target.id));
        }
        let commits = self.newest_commits(&defined, &kept, past.is_some()).await?;
        let placed: Vec<Placed> = kept
            .into_iter()
            .filter_map(|summary| place(summary, &defined, &commits))
            .collect();
        let names: Vec<String> = columns
            .iter()
            .map(|column| column.cluster.clone())
            .collect();
        let arranged = arrange(placed, &names, query.show_all);
        Ok(FleetView {
            verdict,
            columns,
            sections: arranged.sections,
            folded: arranged.folded,
            needs_you,
            since_last_visit,
            filter_error,
            commit,
            past,
            head,
            now,
        })
    }

    /// Registered clusters, and those that targets name although they are registered no more.
    fn columns(&self, clusters: &[ClusterRow], summaries: &[TargetSummary]) -> Vec<Column> {
        let names: BTreeSet<&str> = clusters
            .iter()
            .map(|row| row.name.as_str())
            .chain(
                summaries
                    .iter()
                    .map(|summary| summary.target.cluster.as_str()),
            )
            .collect();
        names
            .into_iter()
            .map(|name| Column {
                connection: clusters
                    .iter()
                    .find(|row| row.name == name)
                    .map_or(lockstep_types::cluster::Connection::Unknown, |row| {
                        self.connection(row)
                    }),
                last_compared: summaries
                    .iter()
                    .filter(|summary| summary.target.cluster == name)
                    .filter_map(|summary| summary.last_compared)
                    .min(),
                cluster: name.to_owned(),
            })
            .collect()
    }

    /// The commit that the filter asks about, and the targets it concerns. A word that no repository has as a commit
    /// is an ordinary word.
    async fn commit_of(
        &self,
        filter: &mut Filter,
        error: &mut Option<(u32, String)>,
        defined: &BTreeMap<ApplicationId, Defined>,
        rows: &[TargetRow],
        visible: &Visible,
    ) -> Result<(Option<CommitRollout>, Option<BTreeSet<TargetId>>), PortError> {
        let Some(asked) = filter.commit.clone() else {
            return Ok((None, None));
        };
        let located: Located = match self.locate(&asked.text, defined).await {
            Ok(found)
                if found
                    .as_ref()
                    .is_some_and(|located| !located.concerns(visible)) =>
            {
                *error = Some((asked.offset, no_such_commit(&asked.text)));
                return Ok((None, None));
            }
            Ok(Some(located)) => located,
            Ok(None) if asked.certain => {
                *error = Some((asked.offset, no_such_commit(&asked.text)));
                return Ok((None, None));
            }
            Ok(None) => {
                filter.commit_is_a_word();
                return Ok((None, None));
            }
            Err(PortError::Invalid { why, .. }) => {
                *error = Some((asked.offset, why));
                return Ok((None, None));
            }
            Err(other) => return Err(other),
        };
        let placements: Vec<Placement> = rows
            .iter()
            .filter_map(|target| {
                let defined = defined.get(&target.application)?.clone();
                Some(Placement {
                    target: target.clone(),
                    defined,
                })
            })
            .collect();
        let mut ancestry = Ancestry::new(self.runtime.mirrors());
        let targets = self
            .on_targets(&located, &placements, &mut ancestry, &mut Runs::default())
            .await?;
        let touched = targets.iter().map(|on| on.target.id).collect();
        let signature = self.signature(&located, defined, visible).await?;
        Ok((
            Some(CommitRollout {
                commit: located.info,
                repo_url: located.url,
                targets,
                signature,
            }),
            Some(touched),
        ))
    }

    /// The newest commit of what each application reads; what its revision is where none was recorded lately, or when
    /// the rows are about the past.
    async fn newest_commits(
        &self,
        defined: &BTreeMap<ApplicationId, Defined>,
        kept: &[TargetSummary],
        past: bool,
    ) -> Result<HashMap<ApplicationId, CommitInfo>, PortError> {
        let mut newest = HashMap::new();
        let recent = if past { 0 } else { COMMITS };
        for seen in store::commit::page(self.runtime.store(), "", None, recent)
            .await
            .map_err(refuse::store)?
        {
            for application in seen.applications {
                newest
                    .entry(application)
                    .or_insert_with(|| seen.info.clone());
            }
        }
        let mut by_revision: HashMap<(&str, &Revision), Option<CommitInfo>> = HashMap::new();
        for summary in kept {
            let id = summary.target.application.id;
            let (Some(revision), Some(defined), false) = (
                &summary.revision,
                defined.get(&id),
                newest.contains_key(&id),
            ) else {
                continue;
            };
            let place = (defined.repo_url(), revision);
            let info = match by_revision.get(&place) {
                Some(known) => known.clone(),
                None => {
                    let info = self.runtime.mirrors().commit(place.0, place.1).await.ok();
                    by_revision.insert(place, info.clone());
                    info
                }
            };
            newest.extend(info.map(|info| (id, info)));
        }
        Ok(newest)
    }
}

fn no_such_commit(beginning: &str) -> String {
    format!("no tracked repository has a commit that begins with {beginning}")
}
