//! Rules for images: each looks at its registry's tags at its own pace, chooses one, and has it written where Git states
//! the image. Everything that is written goes the way of what people write: prepared in the mirror, rendered, and pushed
//! only where the branch still is.
//!
//! A rule has a say in what its own source defines and in nothing else. What Git says already is not written again, so that
//! no commit of a rule is a reason for another; and no rule goes back to an older tag.

mod applications;
mod markers;
mod registry;
mod views;

use super::{Plane, refuse};
use crate::runtime::memory::RuleState;
use crate::runtime::now;
use crate::store;
use crate::store::source::SourceRow;
use engine::definition::{ImageRule, ImageRules, RuleWrites};
use engine::tags::Chooser;
use futures::StreamExt;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{SourceId, UserId};
use lockstep_types::source::Mode;
use registry::Answers;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Between two looks at which rules there are and which are due; a new rule is followed that soon.
const LOOK: Duration = Duration::from_secs(2);
/// One rule and all that it writes.
const WITHIN: Duration = Duration::from_secs(180);
/// Rules that are followed at once.
const AT_ONCE: usize = 4;
/// Nobody is asked more often.
const SHORTEST: Duration = Duration::from_secs(5);
/// Nobody who fails is asked more seldom.
const LONGEST: Duration = Duration::from_secs(3600);

/// When each is due, and how often it has failed in a row.
type Due = BTreeMap<(SourceId, String), (Instant, u32)>;

/// What one look came to: what was written or awaits review, in words; or why it was not.
type Came = Result<Vec<String>, PortError>;

/// Follows all rules until the server ends.
pub(super) async fn follow(plane: Plane) {
    let cancel = plane.runtime.cancelled().clone();
    let mut due = Due::new();
    loop {
        plane.pass(&mut due).await;
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

impl Plane {
    async fn pass(&self, due: &mut Due) {
        let all = self.runtime.memory().image_rules();
        let mut there: BTreeSet<(SourceId, String)> = BTreeSet::new();
        for (source, rules) in &all {
            let titles = rules.rules.iter().map(|rule| &rule.title);
            let titles = titles.chain(rules.automations.iter().map(|one| &one.title));
            there.extend(titles.map(|title| (*source, title.clone())));
        }
        self.runtime.memory().keep_image_rules(&there);
        due.retain(|key, _| there.contains(key));
        for (id, rules) in all {
            let source = match store::source::get(self.runtime.store(), id).await {
                Ok(source) => source,
                // It was forgotten a moment ago, or the database is away: the next look tells.
                Err(_) => continue,
            };
            let answers = &Answers::default();
            let ready: Vec<&ImageRule> = rules
                .rules
                .iter()
                .filter(|rule| is_due(due, id, &rule.title))
                .collect();
            // All registries are asked at once; what is written is written one after the other, to the same branches.
            let asked: BTreeSet<(String, bool)> = ready
                .iter()
                .filter(|rule| rule.problem.is_empty() && !rule.suspend)
                .map(|rule| (rule.image.clone(), rule.plain_http))
                .collect();
            futures::stream::iter(asked)
                .for_each_concurrent(AT_ONCE, |(image, plain_http)| async move {
                    // The answer is kept for the rule's turn.
                    let _kept = answers.tags(self, &image, plain_http).await;
                })
                .await;
            for rule in ready {
                let well = self.rule(&source, &rules, rule, answers).await;
                set_due(due, id, &rule.title, rule.interval, well);
            }
            for one in &rules.automations {
                if is_due(due, id, &one.title) {
                    let came = match (one.suspend, one.problem.as_str()) {
                        (true, _) => Ok(Vec::new()),
                        (false, "") => self.within(self.automation(&source, &rules, one)).await,
                        (false, why) => Err(PortError::Conflict(why.to_owned())),
                    };
                    let well = self.came(&source, &one.title, came).await;
                    set_due(due, id, &one.title, one.interval, well);
                }
            }
        }
    }

    /// Looks at one rule; says whether all went well.
    async fn rule(
        &self,
        source: &SourceRow,
        rules: &ImageRules,
        rule: &ImageRule,
        answers: &Answers,
    ) -> bool {
        let came = match (rule.suspend, rule.problem.as_str()) {
            (true, _) => Ok(Vec::new()),
            (false, "") => self.within(self.looked(source, rules, rule, answers)).await,
            (false, why) => Err(PortError::Conflict(why.to_owned())),
        };
        self.came(source, &rule.title, came).await
    }

    async fn looked(
        &self,
        source: &SourceRow,
        rules: &ImageRules,
        rule: &ImageRule,
        answers: &Answers,
    ) -> Came {
        let chooser: Chooser = rule.choice.chooser().map_err(PortError::Conflict)?;
        let tags = answers.tags(self, &rule.image, rule.plain_http).await?;
        let newest = chooser.newest(tags.iter().map(String::as_str));
        let tag = newest.ok_or_else(|| {
            PortError::Conflict(format!(
                "none of the {} tags of {} fits: {}",
                tags.len(),
                rule.image,
                rule.choice.words()
            ))
        })?;
        self.rule_is(source, &rule.title, |state| {
            tag.clone_into(&mut state.newest);
        })
        .await?;
        match &rule.writes {
            RuleWrites::Targets { .. } if source.mode == Mode::Observe => Err(observed(source)),
            RuleWrites::Targets { .. } => {
                self.in_applications(source, rules, rule, &chooser, tag)
                    .await
            }
            // Automations write what policies choose.
            RuleWrites::Markers { .. } => Ok(Vec::new()),
        }
    }

    async fn within(&self, work: impl Future<Output = Came>) -> Came {
        tokio::time::timeout(WITHIN, work)
            .await
            .unwrap_or_else(|_| {
                Err(PortError::Unavailable(format!(
                    "it was not done within {} seconds",
                    WITHIN.as_secs()
                )))
            })
    }

    /// Notes what a rule came to; says whether all went well.
    async fn came(&self, source: &SourceRow, title: &str, came: Came) -> bool {
        let at = now();
        let well = came.is_ok();
        let noted = self
            .rule_is(source, title, |state| {
                state.looked_at = Some(at);
                match came {
                    Ok(deeds) => {
                        state.problem.clear();
                        for deed in deeds {
                            state.did(at, deed);
                        }
                    }
                    Err(error) => state.problem = error.to_string(),
                }
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(event.name = "image_rule.untold", rule = title, error = %error, "pages are not told of a rule for images");
        }
        well
    }

    /// Changes what a rule came to, and tells pages that show it.
    async fn rule_is(
        &self,
        source: &SourceRow,
        title: &str,
        change: impl FnOnce(&mut RuleState),
    ) -> Result<(), PortError> {
        let memory = self.runtime.memory();
        if !memory.note_image_rule(source.id, title, change) {
            return Ok(());
        }
        let state = memory.image_rule(source.id, title);
        tracing::info!(event.name = "image_rule", rule = title, newest = %state.newest, problem = %state.problem, "a rule for images came to something else");
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        tx.announce(Subject::Source(source.name.clone()), EventKind::Changed);
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }
}

fn is_due(due: &Due, source: SourceId, title: &str) -> bool {
    due.get(&(source, title.to_owned()))
        .is_none_or(|(at, _)| *at <= Instant::now())
}

fn set_due(due: &mut Due, source: SourceId, title: &str, interval: u32, well: bool) {
    let key = (source, title.to_owned());
    let failed = match (well, due.get(&key)) {
        (true, _) => 0,
        (false, before) => before.map_or(0, |(_, failed)| *failed).saturating_add(1),
    };
    due.insert(key, (Instant::now() + pause(interval, failed), failed));
}

/// Until the next look: the pace of the rule, twice as long with every failure.
fn pause(interval: u32, failed: u32) -> Duration {
    let pace = Duration::from_secs(u64::from(interval)).max(SHORTEST);
    let slower = pace.saturating_mul(1 << failed.min(6));
    match failed {
        0 => pace,
        _ => slower.min(LONGEST.max(pace)),
    }
}

/// In whose name a rule acts. It may edit what its source defines, which is looked at before.
fn actor(title: &str) -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        name: title.to_owned(),
        role: Role::Operator,
        token: None,
        rights: Default::default(),
    }
}

fn observed(source: &SourceRow) -> PortError {
    PortError::Conflict(format!(
        "the source {} is only observed, and nothing is written to its repositories; take it over first",
        source.name
    ))
}

/// What a rule says of itself in commits.
fn reason(rule: &ImageRule, tag: &str) -> String {
    format!(
        "{} ({}:{}) chose {tag} of {}: {}.",
        rule.title,
        rule.path,
        rule.line,
        rule.image,
        rule.choice.words()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_asked_less_and_less_often() {
        let seconds = |interval, failed| pause(interval, failed).as_secs();
        assert_eq!(seconds(300, 0), 300);
        assert_eq!(seconds(300, 1), 600);
        assert_eq!(seconds(300, 20), 3600);
        assert_eq!(seconds(0, 0), 5);
        // A pace that is slow by itself is not made faster.
        assert_eq!(seconds(86_400, 3), 86_400);
    }
}
