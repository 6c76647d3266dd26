//! Promotion: the images that one target runs become those that Git says for another, as a commit where Git states them
//! there. What is promoted is what runs, never what is merely written somewhere.

mod words;

use super::super::definitions::Placement;
use super::super::refuse;
use super::Plane;
use super::accept::Unfit;
use super::image::Prepared;
use crate::reconcile::render;
use engine::manifest::Manifest;
use engine::render::{NewTag, image_parts, images};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::diff::SyncStatus;
use lockstep_types::id::TargetId;
use lockstep_types::image::ImageRequest;
use lockstep_types::parity::{PromotionPreview, PromotionRequest};
use lockstep_types::proposal::CommitOutcome;
use semver::Version;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A preview with what carrying it out needs.
pub(super) struct Promotion {
    pub(super) view: PromotionPreview,
    placement: Placement,
    prepared: Option<Prepared>,
    /// What the origin runs, for the commit message.
    origin: String,
}

impl Plane {
    pub(super) async fn promotion(
        &self,
        actor: &Actor,
        from: TargetId,
        to: TargetId,
        everywhere: bool,
    ) -> Result<Promotion, PortError> {
        let placement = self.granted(actor, Permission::Edit, to).await?;
        let origin = self.seen_target(actor, from).await?;
        if from == to {
            return Err(PortError::invalid(
                "from",
                "name another target than the one that shall change",
            ));
        }
        let mut promotion = Promotion {
            view: PromotionPreview {
                from: origin.reference(),
                to: placement.reference(),
                first_line: String::new(),
                images: Vec::new(),
                commit: None,
                revision: None,
                notes: words::of_origin(&origin),
                refused: String::new(),
                digest: String::new(),
            },
            origin: words::origin(&origin),
            prepared: None,
            placement,
        };
        match self
            .prepare_promotion(actor, &origin, everywhere, &mut promotion)
            .await
        {
            Ok(()) => {}
            Err(Unfit::Refused(why)) => promotion.view.refused = why,
            Err(Unfit::Error(error)) => return Err(error),
        }
        let view = &mut promotion.view;
        let commit = promotion.prepared.as_ref().map(|prepared| &prepared.view);
        view.commit = commit.filter(|commit| !commit.changes.is_empty()).cloned();
        view.first_line = words::first_line(view);
        view.digest = digest(view);
        Ok(promotion)
    }

    async fn prepare_promotion(
        &self,
        actor: &Actor,
        origin: &Placement,
        everywhere: bool,
        promotion: &mut Promotion,
    ) -> Result<(), Unfit> {
        let runs = self.running(origin).await?;
        let placement = &promotion.placement;
        let source = &placement.defined.definition.source;
        let head = self
            .runtime
            .resolve(&source.repo_url, &source.target_revision)
            .await
            .map_err(refuse::source)?;
        let there = self.rendered_of(placement, &head).await?;
        let (tags, notes) = tags(&runs, &there.objects);
        let view = &mut promotion.view;
        view.notes.extend(notes);
        if let Some(revision) = asked_for(origin, placement) {
            view.notes.push(words::version(origin, placement));
            // What its definition asks for is what it runs.
            let runs = origin.target.state.sync == SyncStatus::Synced;
            view.revision = Some(revision).filter(|revision| runs && is_fixed(revision));
        }
        view.images = tags
            .iter()
            .map(|new| format!("{}={}", new.name, new.tag))
            .collect();
        if tags.is_empty() {
            return Ok(());
        }
        let request = ImageRequest {
            target: placement.target.id,
            images: view.images.clone(),
            reason: String::new(),
            propose: false,
            everywhere,
            preview: true,
        };
        let prepared = self
            .prepare_image(actor, placement, &tags, &request)
            .await?;
        promotion.prepared = Some(prepared);
        Ok(())
    }

    /// What a target runs, as Git said it at the commit that runs.
    async fn running(&self, origin: &Placement) -> Result<Vec<Manifest>, Unfit> {
        let unknown = || {
            Unfit::Refused(format!(
                "What {} runs is not known: nothing was deployed there yet, or it is no longer kept. Sync it, then look again.",
                words::named(origin)
            ))
        };
        let key = origin.running_render().ok_or_else(unknown)?;
        let render = render::stored(&self.runtime, key)
            .await
            .map_err(refuse::store)?
            .ok_or_else(unknown)?;
        Ok(render.objects.clone())
    }

    pub(super) async fn commit_promotion(
        &self,
        actor: &Actor,
        request: &PromotionRequest,
        reason: &str,
    ) -> Result<CommitOutcome, PortError> {
        let promotion = self
            .promotion(actor, request.from, request.to, request.everywhere)
            .await?;
        let view = &promotion.view;
        if !view.refused.is_empty() {
            let why = view.refused.trim_end_matches('.').to_owned();
            return Err(PortError::Conflict(why));
        }
        if view.digest != request.digest {
            return Err(PortError::Conflict(
                "what runs there, the branch or what the commit would do has changed since it was shown; look at it again"
                    .to_owned(),
            ));
        }
        let Some(prepared) = promotion.prepared.filter(|_| view.commit.is_some()) else {
            return Err(PortError::Conflict(
                "both run the same images already".to_owned(),
            ));
        };
        let set = ImageRequest {
            target: request.to,
            images: view.images.clone(),
            reason: reason.to_owned(),
            propose: request.propose,
            everywhere: request.everywhere,
            preview: false,
        };
        let detail = json!({"from": view.from, "images": view.images, "digest": view.digest});
        self.note(actor, &promotion.placement, "promote", reason, detail)
            .await?;
        let because = words::because(&promotion.origin, reason);
        let answer = self
            .commit_image(actor, &promotion.placement, prepared, &set, &because)
            .await?;
        answer
            .outcome
            .ok_or_else(|| PortError::Conflict("nothing was written".to_owned()))
    }
}

/// The revision that the origin's definition asks for, where the other one asks for another of the same source.
fn asked_for(origin: &Placement, placement: &Placement) -> Option<String> {
    let one = &origin.defined.definition.source;
    let other = &placement.defined.definition.source;
    let (runs, there) = (one.target_revision.name(), other.target_revision.name());
    let same = one.chart == other.chart && one.repo_url == other.repo_url;
    (same && runs != there).then(|| runs.to_owned())
}

/// Whether it names one state for good: a version of a chart, a tag by version, a commit. Branches and ranges move.
fn is_fixed(revision: &str) -> bool {
    let version = revision.strip_prefix('v').unwrap_or(revision);
    let hex = |c: char| c.is_ascii_hexdigit();
    Version::parse(version).is_ok() || (revision.len() == 40 && revision.chars().all(hex))
}

/// What the digest binds: both sides, and the very commit.
fn digest(view: &PromotionPreview) -> String {
    let commit = view
        .commit
        .as_ref()
        .map(|commit| (&commit.head, &commit.patch));
    engine::manifest::hash_of(&json!([
        view.from.id,
        view.to.id,
        view.images,
        commit,
        view.refused
    ]))
}

/// Versions of every image by its name.
fn by_name(objects: &[Manifest]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in objects {
        for at in images(&object.body) {
            let (name, ..) = image_parts(&at.image);
            found
                .entry(name.to_owned())
                .or_default()
                .insert(at.image.clone());
        }
    }
    found
}

/// Tags that the other side shall get, and what cannot be promoted, a sentence each.
fn tags(runs: &[Manifest], there: &[Manifest]) -> (Vec<NewTag>, Vec<String>) {
    let (runs, there) = (by_name(runs), by_name(there));
    let (mut tags, mut notes) = (Vec::new(), Vec::new());
    for (name, versions) in &runs {
        let Some(others) = there.get(name) else {
            notes.push(format!("{name} runs at the origin alone."));
            continue;
        };
        if versions == others {
            continue;
        }
        let mut all = versions.iter();
        let (Some(image), None) = (all.next(), all.next()) else {
            notes.push(format!(
                "{name} runs in several versions at the origin, and is left alone."
            ));
            continue;
        };
        match image_parts(image) {
            (_, Some(tag), None) => match NewTag::parse(&format!("{name}={tag}")) {
                Ok(new) => tags.push(new.exactly()),
                Err(why) => notes.push(format!("{name} is left alone: {why}.")),
            },
            _ => notes.push(format!(
                "{image} has no tag of its own at the origin, and is left alone."
            )),
        }
    }
    let alone = there.keys().filter(|name| !runs.contains_key(*name));
    notes.extend(alone.map(|name| format!("{name} is not at the origin, and stays as it is.")));
    (tags, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(name: &str, images: &[&str]) -> Manifest {
        let containers: Vec<_> = images
            .iter()
            .enumerate()
            .map(|(at, image)| json!({"name": format!("c{at}"), "image": image}))
            .collect();
        let body = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"template": {"spec": {"containers": containers}}},
        });
        Manifest::new(body, None).unwrap()
    }

    #[test]
    fn what_moves_is_not_offered() {
        for fixed in ["1.4.2", "v2.0.0-rc.1", &"0f".repeat(20)] {
            assert!(is_fixed(fixed), "{fixed}");
        }
        for moves in [
            "main",
            "1.x",
            "1.4",
            ">=1.0.0",
            "*",
            "HEAD",
            "release/2.10",
            "v2",
        ] {
            assert!(!is_fixed(moves), "{moves}");
        }
    }

    #[test]
    fn only_tags_of_images_that_both_have_are_promoted() {
        let runs = [
            deployment("web", &["r/web:2", "r/side:1"]),
            deployment("two", &["r/two:1", "r/two:2"]),
            deployment("digest", &["r/digest@sha256:ab"]),
            deployment("new", &["r/new:1"]),
        ];
        let there = [
            deployment("web", &["r/web:1", "r/side:1"]),
            deployment("two", &["r/two:1"]),
            deployment("digest", &["r/digest:1"]),
            deployment("old", &["r/old:1"]),
        ];
        let (tags, notes) = tags(&runs, &there);
        let tags: Vec<String> = tags
            .iter()
            .map(|new| format!("{}={}", new.name, new.tag))
            .collect();
        assert_eq!(tags, ["r/web=2"]);
        assert_eq!(
            notes,
            [
                "r/digest@sha256:ab has no tag of its own at the origin, and is left alone.",
                "r/new runs at the origin alone.",
                "r/two runs in several versions at the origin, and is left alone.",
                "r/old is not at the origin, and stays as it is.",
            ]
        );
    }
}
