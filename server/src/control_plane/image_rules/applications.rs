//! What a rule writes where Git states the image of applications: the very commit that `lockstep image set` makes.

use super::super::Plane;
use super::super::definitions::Placement;
use super::super::filter::Glob;
use super::super::objects::ByRule;
use super::{Came, actor, reason};
use crate::runtime::now;
use crate::store::source::SourceRow;
use engine::definition::{ImageRule, ImageRules, RuleWrites};
use engine::render::image_parts;
use engine::tags::Chooser;
use lockstep_types::PortError;
use lockstep_types::image::{ImageAnswer, ImageRequest};
use lockstep_types::proposal::CommitOutcome;

impl Plane {
    pub(super) async fn in_applications(
        &self,
        source: &SourceRow,
        rules: &ImageRules,
        rule: &ImageRule,
        chooser: &Chooser,
        tag: &str,
    ) -> Came {
        let meant: Vec<Placement> = self
            .all_placements()
            .await?
            .into_iter()
            .filter(|placement| placement.defined.row.source == Some(source.id))
            .filter(|placement| means(rule, placement))
            .collect();
        if meant.is_empty() {
            return Err(PortError::Conflict(format!(
                "the source {} defines no application that it names",
                source.name
            )));
        }
        let (mut deeds, mut failed) = (Vec::new(), Vec::new());
        for placement in meant {
            let named = format!(
                "{}/{} on {}",
                placement.defined.row.project, placement.defined.row.name, placement.target.cluster
            );
            let rival = rules.rules.iter().find(|other| {
                other.title != rule.title
                    && same_image(&other.image, &rule.image)
                    && !other.suspend
                    && (matches!(other.writes, RuleWrites::Markers { .. })
                        || means(other, &placement))
            });
            if let Some(rival) = rival {
                failed.push(format!(
                    "{named}: {} wants to say its tag, too",
                    rival.title
                ));
                continue;
            }
            match self.at_target(&placement, rule, chooser, tag).await {
                Ok(Some(deed)) => deeds.push(format!("{named}: {deed}")),
                Ok(None) => {}
                Err(error) => failed.push(format!("{named}: {error}")),
            }
        }
        match failed.is_empty() {
            true => Ok(deeds),
            false => {
                // What was written is told all the same.
                self.rule_is(source, &rule.title, |state| {
                    for deed in deeds {
                        state.did(now(), deed);
                    }
                })
                .await?;
                Err(PortError::Conflict(failed.join("; ")))
            }
        }
    }

    /// What was written for one target; `None`: Git says it already, or something newer.
    async fn at_target(
        &self,
        placement: &Placement,
        rule: &ImageRule,
        chooser: &Chooser,
        tag: &str,
    ) -> Result<Option<String>, PortError> {
        let RuleWrites::Targets { propose, .. } = &rule.writes else {
            return Ok(None);
        };
        let request = ImageRequest {
            target: placement.target.id,
            images: vec![format!("{}={tag}", rule.image)],
            reason: reason(rule, tag),
            propose: *propose,
            everywhere: false,
            preview: false,
        };
        let by = ByRule {
            actor: actor(&rule.title),
            may: &|answer: &ImageAnswer| {
                answer.changes.iter().all(|change| {
                    let (_, now, _) = image_parts(&change.from);
                    now.is_none_or(|now| !chooser.is_newer(now, tag))
                })
            },
        };
        let Some(answer) = self.image_by_rule(&by, &request).await? else {
            return Ok(None);
        };
        match answer.outcome {
            Some(CommitOutcome::Committed { revision }) => {
                Ok(Some(format!("{tag} in {}", revision.short())))
            }
            Some(CommitOutcome::Proposed(proposal)) => {
                Ok(Some(format!("{tag} awaits review on {}", proposal.branch)))
            }
            // It was proposed before and waits.
            Some(CommitOutcome::PushRefused { message }) if message.contains("there already") => {
                Ok(None)
            }
            Some(CommitOutcome::PushRefused { message }) => Err(PortError::Conflict(format!(
                "the Git host refused the push: {message}"
            ))),
            // The next look begins at the new head; a second person is asked for rollbacks alone.
            Some(CommitOutcome::Moved { .. } | CommitOutcome::Asked(_)) | None => Ok(None),
        }
    }
}

/// Whether two rules may mean the same image: a name without its registry stands for any with it.
fn same_image(one: &str, other: &str) -> bool {
    let ends = |long: &str, short: &str| long.ends_with(&format!("/{short}"));
    one == other || ends(one, other) || ends(other, one)
}

fn means(rule: &ImageRule, placement: &Placement) -> bool {
    let RuleWrites::Targets {
        applications,
        clusters,
        ..
    } = &rule.writes
    else {
        return false;
    };
    let row = &placement.defined.row;
    let (name, whole) = (row.name.as_str(), format!("{}/{}", row.project, row.name));
    let named = applications.iter().any(|pattern| {
        let glob = Glob::new(pattern);
        match pattern.contains('/') {
            true => glob.whole(&whole),
            false => glob.whole(name),
        }
    });
    let cluster = &placement.target.cluster;
    named
        && (clusters.is_empty()
            || clusters
                .iter()
                .any(|pattern| Glob::new(pattern).whole(cluster)))
}
