//! The timeline of commits, runs and acts, a page at a time.

use super::super::allow::Visible;
use super::super::commits::{Ancestry, Located, Repositories, Runs, lead_time};
use super::super::definitions::{Defined, Placement};
use super::super::{Plane, refuse};
use super::timeline::{Part, cut, has, merge};
use crate::store;
use crate::store::audit::AuditQuery;
use crate::store::commit::{SeenCommit, Wanted};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::activity::{ActivityEntry, ActivityQuery, ActivityView, LogPlace};
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::id::{ApplicationId, UserId};
use lockstep_types::time::Micros;
use std::collections::BTreeMap;

/// Longest page.
const LIMIT: usize = 200;
const USUAL: usize = 50;
/// Entries of each log that are read at once when words are searched for.
const BATCH: u64 = 200;
/// Batches that are searched for one page: a filter that fits nothing must not read years of history.
const BATCHES: usize = 10;

/// What a page is made from, read once.
struct Context {
    repositories: Repositories,
    placements: Vec<Placement>,
    visible: Visible,
    person: UserId,
}

impl Plane {
    pub(super) async fn timeline(
        &self,
        actor: &Actor,
        query: &ActivityQuery,
    ) -> Result<ActivityView, PortError> {
        let kinds = kinds(&query.kind, &query.approval)?;
        let head = store::event::head(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let defined: BTreeMap<ApplicationId, Defined> = self.all_defined().await?;
        let visible = self.visible(actor).await?;
        let mut placements = self.all_placements().await?;
        placements.retain(|placement| visible.has(placement.target.application));
        let context = Context {
            repositories: self.repositories(&defined).await?,
            placements,
            visible,
            person: actor.user,
        };
        let limit = match usize::try_from(query.limit).unwrap_or(LIMIT) {
            0 => USUAL,
            asked => asked.min(LIMIT),
        };
        let words: Vec<String> = query
            .filter
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        // Without words all that is read is shown.
        let size = if words.is_empty() {
            u64::try_from(limit).unwrap_or(BATCH) + 1
        } else {
            BATCH
        };
        let (mut kept, mut next) = (Vec::new(), query.before);
        for _ in 0..BATCHES {
            let (entries, horizon) = self.batch(&context, kinds, next, size).await?;
            kept.extend(entries.into_iter().filter(|entry| has(entry, &words)));
            next = horizon;
            if kept.len() >= limit || next.is_none() {
                break;
            }
        }
        if cut(&mut kept, limit) {
            next = kept.last().map(ActivityEntry::at);
        }
        self.roll_out(&context, &mut kept).await?;
        Ok(ActivityView {
            entries: kept,
            next,
            head,
        })
    }

    /// The newest entries of the wanted logs before a moment.
    async fn batch(
        &self,
        context: &Context,
        kinds: Kinds,
        before: Option<Micros>,
        size: u64,
    ) -> Result<(Vec<ActivityEntry>, Option<Micros>), PortError> {
        let db = self.runtime.store();
        let full = |length: usize| u64::try_from(length).unwrap_or(u64::MAX) >= size;
        let mut parts = Vec::new();
        if kinds.commits {
            let wanted = Wanted {
                before,
                approved: kinds.approved,
                only: context.visible.only(),
                ..Wanted::default()
            };
            let mut seen = store::commit::page_of(db, &wanted, size)
                .await
                .map_err(refuse::store)?;
            let more = full(seen.len());
            seen.retain(|seen| match &context.visible {
                Visible::All => true,
                visible => seen.applications.iter().any(|id| visible.has(*id)),
            });
            parts.push(Part {
                entries: seen.into_iter().map(|seen| context.commit(seen)).collect(),
                more,
            });
        }
        if kinds.runs {
            let mut runs = store::run::page_of(db, before, size, context.visible.only())
                .await
                .map_err(refuse::store)?;
            let more = full(runs.len());
            runs.retain(|run| context.visible.has(run.target.application.id));
            parts.push(Part {
                entries: runs.into_iter().map(ActivityEntry::Run).collect(),
                more,
            });
        }
        if kinds.actions || kinds.anchors {
            parts.push(self.actions(context, kinds.anchors, before, size).await?);
        }
        Ok(merge(parts))
    }

    async fn actions(
        &self,
        context: &Context,
        anchors: bool,
        before: Option<Micros>,
        size: u64,
    ) -> Result<Part, PortError> {
        let db = self.runtime.store();
        let query = AuditQuery {
            before_at: before,
            limit: size,
            anchors,
            only: context
                .visible
                .only()
                .map(|only| (only.clone(), context.person)),
            ..AuditQuery::default()
        };
        let entries = store::audit::page(db, &query)
            .await
            .map_err(refuse::store)?;
        let more = u64::try_from(entries.len()).unwrap_or(u64::MAX) >= size;
        let targets = entries
            .iter()
            .filter_map(|entry| entry.act.target)
            .collect();
        let refs = store::target::refs(db, &targets)
            .await
            .map_err(refuse::store)?;
        let entries: Vec<ActivityEntry> = entries
            .into_iter()
            .map(|entry| ActivityEntry::Action {
                at: entry.at,
                actor: entry.act.actor,
                action: entry.act.action,
                subject: entry.act.subject,
                target: entry.act.target.and_then(|id| refs.get(&id).cloned()),
                reason: entry.act.reason,
                log: LogPlace {
                    number: entry.seq,
                    digest: entry.hash,
                    token: entry.act.token,
                    detail: entry.act.detail,
                },
            })
            .collect();
        Ok(Part { entries, more })
    }

    /// Says of the commits that are shown where they are.
    async fn roll_out(
        &self,
        context: &Context,
        entries: &mut [ActivityEntry],
    ) -> Result<(), PortError> {
        let mut ancestry = Ancestry::new(self.runtime.mirrors());
        let mut runs = Runs::default();
        for entry in entries {
            let ActivityEntry::Commit {
                repo_url,
                commit,
                targets,
                lead_time_seconds,
                ..
            } = entry
            else {
                continue;
            };
            if targets.is_empty() {
                continue;
            }
            let located = Located {
                key: self.runtime.repository_key(repo_url),
                url: repo_url.clone(),
                info: commit.clone(),
                applications: targets.iter().map(|on| on.target.application.id).collect(),
            };
            *targets = self
                .on_targets(&located, &context.placements, &mut ancestry, &mut runs)
                .await?;
            *lead_time_seconds = lead_time(commit, targets);
        }
        Ok(())
    }
}

impl Context {
    /// A commit with the targets it concerns, before it is known where it is on them.
    fn commit(&self, seen: SeenCommit) -> ActivityEntry {
        let targets = self
            .placements
            .iter()
            .filter(|placement| seen.applications.contains(&placement.target.application))
            .map(|placement| CommitOnTarget {
                target: placement.reference(),
                state: RolloutState::Waiting,
                why: String::new(),
                at: None,
            })
            .collect();
        ActivityEntry::Commit {
            repo: self.repositories.slug(&seen.repo_url),
            repo_url: self.repositories.url(&seen.repo_url).to_owned(),
            commit: seen.info,
            targets,
            lead_time_seconds: None,
            pull: seen.pull,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Kinds {
    commits: bool,
    runs: bool,
    actions: bool,
    /// Where tracked branches were, which only who asks for it wants to see.
    anchors: bool,
    /// Of commits: only those that somebody is known to have approved, or only the others.
    approved: Option<bool>,
}

fn kinds(word: &str, approval: &str) -> Result<Kinds, PortError> {
    let approved = match approval {
        "" => None,
        "known" => Some(true),
        "none" => Some(false),
        _ => {
            return Err(PortError::invalid(
                "approval",
                "write none or known, or nothing for all",
            ));
        }
    };
    if approved.is_some() && !matches!(word, "" | "commit") {
        return Err(PortError::invalid(
            "kind",
            "only commits are approved; write commit or leave it out",
        ));
    }
    let word = if approved.is_some() { "commit" } else { word };
    let only = |kind: &str| word.is_empty() || word == kind;
    let kinds = Kinds {
        commits: only("commit"),
        runs: only("sync"),
        actions: only("action"),
        anchors: word == "anchor",
        approved,
    };
    if kinds.commits || kinds.runs || kinds.actions || kinds.anchors {
        Ok(kinds)
    } else {
        Err(PortError::invalid(
            "kind",
            "write commit, sync, action or anchor, or nothing for all but anchors",
        ))
    }
}
