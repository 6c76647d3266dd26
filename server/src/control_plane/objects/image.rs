//! Another tag for an image, on request of a pipeline: the line of Git that states the tag changes, and nothing else.
//! Where no line says it in one piece, where a chart makes it, or where other applications read the same line, nothing is
//! guessed: it is refused with what to do. The commit is rendered before it is offered, and every image must come out.

mod by_rule;
mod others;
mod values;
mod words;

pub(in crate::control_plane) use by_rule::ByRule;

use super::super::definitions::Placement;
use super::super::proposals::branch_name;
use super::super::rollbacks::affected::Tracked;
use super::super::rollbacks::words::{NO_END, NO_NUMBER, commit_refused, log_trailer};
use super::super::{checks, drafts, refuse};
use super::Plane;
use super::accept::commit::Writing;
use super::accept::{Unfit, edit, read, unfit};
use crate::reconcile::{render, revisions};
use engine::definition::Definition;
use engine::manifest::Manifest;
use engine::render::{
    NewTag, Place, RenderInput, image_parts, images, restated, stated_field, value_at_path,
};
use engine::source::{CommitRequest, Credential, FileEdit, Snapshot, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::diff::ResourceDiffKind;
use lockstep_types::image::{ImageAnswer, ImageChange, ImageRequest};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::resource::{Origin, ResourceKey};
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Images of one request.
const MOST: usize = 50;

/// An answer with what carrying it out needs.
pub(super) struct Prepared {
    pub(super) view: ImageAnswer,
    edits: Vec<FileEdit>,
    reached: Vec<Placement>,
    credential: Credential,
    /// The beginning of it is part of a proposal's branch: what was proposed once is not proposed again.
    digest: String,
}

/// An image that is to be another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    key: ResourceKey,
    path: String,
    from: String,
    to: String,
}

/// Files as they shall be, by path, and what changes in them.
type Restated = (BTreeMap<String, String>, Vec<ImageChange>);

impl Wanted {
    fn at(&self, place: Origin) -> ImageChange {
        ImageChange {
            key: self.key.clone(),
            path: self.path.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            place,
        }
    }
}

impl Plane {
    pub(super) async fn image_set(
        &self,
        actor: &Actor,
        request: &ImageRequest,
    ) -> Result<ImageAnswer, PortError> {
        let reason = checks::optional_reason(&request.reason)?;
        let tags = tags(&request.images)?;
        let placement = self
            .granted(actor, Permission::Edit, request.target)
            .await?;
        let prepared = self
            .prepare_image(actor, &placement, &tags, request)
            .await
            .map_err(Unfit::into_error)?;
        if request.preview || prepared.view.changes.is_empty() {
            return Ok(prepared.view);
        }
        self.commit_image(actor, &placement, prepared, request, &reason)
            .await
    }

    pub(super) async fn prepare_image(
        &self,
        actor: &Actor,
        placement: &Placement,
        tags: &[NewTag],
        request: &ImageRequest,
    ) -> Result<Prepared, Unfit> {
        let definition = &placement.defined.definition;
        let source = &definition.source;
        if placement.target.mode == Mode::Observe {
            return unfit(
                "The target is only observed, and nothing is written to its repository; take over its source first.",
            );
        }
        let Tracked {
            head,
            credential,
            branch,
        } = self.tracked_by(placement).await?;
        let refused = commit_refused(&source.target_revision, branch.as_deref());
        if !refused.is_empty() {
            return unfit(refused);
        }
        let mut prepared = Prepared {
            view: ImageAnswer {
                target: placement.reference(),
                first_line: String::new(),
                changes: Vec::new(),
                branch: branch.unwrap_or_default(),
                head,
                files: Vec::new(),
                patch: String::new(),
                message: String::new(),
                targets: Vec::new(),
                outcome: None,
            },
            edits: Vec::new(),
            reached: vec![placement.clone()],
            credential,
            digest: String::new(),
        };
        // What the head of the branch says counts, not what was compared last: pipelines do not wait in between.
        let before = self.rendered_of(placement, &prepared.view.head).await?;
        let wanted = wanted(&before.objects, tags).map_err(Unfit::Refused)?;
        if wanted.is_empty() {
            prepared.view.first_line = words::nothing(tags);
            return Ok(prepared);
        }
        if !source.chart.is_empty() {
            return unfit(
                "A chart that is not in Git makes these objects. Set the tag in the values that the definition gives it; which value leads to it would be a guess.",
            );
        }
        let mirrors = self.runtime.mirrors();
        let snapshot = mirrors
            .snapshot(&source.repo_url, &prepared.view.head)
            .await
            .map_err(refuse::source)?;
        let (texts, changes) = match &source.helm {
            Some(_) => {
                self.set_in_values(
                    placement,
                    &prepared.view,
                    &before.objects,
                    &wanted,
                    &snapshot,
                )
                .await?
            }
            None => {
                self.set_in_lines(
                    placement,
                    &prepared.view.head,
                    &before.objects,
                    &wanted,
                    &snapshot,
                )
                .await?
            }
        };
        prepared.edits = texts
            .into_iter()
            .map(|(path, text)| edit(&path, text))
            .collect();
        let view = &mut prepared.view;
        view.changes = changes;
        view.message = words::message(view, NO_NUMBER, "") + &log_trailer(NO_END);
        let commit = commit(view, &prepared.edits);
        let drafted = self
            .drafted(placement, &prepared.credential, commit)
            .await?;
        let Some(draft) = drafted else {
            return unfit("Git says it already.");
        };
        let made = draft.revision;
        (view.files, view.patch) = (draft.files, draft.patch);
        prepared.reached = draft.reached;
        // Before anything is said of them: they may be others' affairs.
        // Images are others; projects have none.
        let commit = (view.files.as_slice(), false);
        self.may_commit(
            actor,
            Permission::Edit,
            placement,
            &prepared.reached,
            commit,
        )
        .await?;
        if !request.everywhere {
            let others = self
                .others_changed(placement, &prepared.reached, &view.head, &made)
                .await;
            if !others.is_empty() {
                return unfit(words::shared(&view.changes, &others));
            }
        }
        self.all_come_out(placement, &before.objects, &made, &wanted)
            .await?;
        view.targets = self
            .plans(&prepared.reached, &source.repo_url, &made, false)
            .await;
        view.first_line = words::first_line(view);
        prepared.digest = engine::manifest::hash_of(&json!([view.head, view.patch]));
        Ok(prepared)
    }

    /// The texts of files with the images in the lines that state them; or why not.
    async fn set_in_lines(
        &self,
        placement: &Placement,
        head: &Revision,
        objects: &[Manifest],
        wanted: &[Wanted],
        snapshot: &Snapshot,
    ) -> Result<Restated, Unfit> {
        let (mut texts, mut changes) = (BTreeMap::new(), Vec::new());
        for wanted in wanted {
            let place = self
                .stated_image(placement, head, objects, wanted, snapshot)
                .await?;
            write(&mut texts, &changes, snapshot, wanted, &place).map_err(Unfit::Refused)?;
            changes.push(wanted.at(place));
        }
        Ok((texts, changes))
    }

    /// The line that states an image; or why there is none, as a sentence.
    async fn stated_image(
        &self,
        placement: &Placement,
        head: &Revision,
        objects: &[Manifest],
        wanted: &Wanted,
        snapshot: &Snapshot,
    ) -> Result<Origin, Unfit> {
        let definition = &placement.defined.definition;
        let manifest = objects.iter().find(|object| object.key == wanted.key);
        let Some(manifest) = manifest.cloned() else {
            return unfit(format!("{} is no longer rendered.", wanted.key.short()));
        };
        let Some(origin) = &manifest.origin else {
            return unfit(format!(
                "The renderer does not say which file declares {}.",
                wanted.key.short()
            ));
        };
        let (input, origin) = self.declared_at(definition, head, origin)?;
        let source = definition.source.clone();
        if input.source != source {
            return unfit(format!(
                "Another source of the application declares {} ({}); change it there.",
                wanted.key.short(),
                input.repo_url
            ));
        }
        let (snapshot, path) = (snapshot.clone(), wanted.path.clone());
        let stated = tokio::task::spawn_blocking(move || {
            stated_field(&snapshot, &source, &manifest, &origin, &path)
        });
        let stated = stated.await.map_err(|error| refuse::internal(&error))?;
        match stated.map(|stated| stated.place) {
            Some(Place::File(place)) if place.line.is_some() => Ok(place),
            Some(Place::File(place)) => unfit(format!(
                "{} of {} is declared in {}, but no line there says exactly this; change it in Git by hand.",
                wanted.from,
                wanted.key.short(),
                place.path
            )),
            Some(Place::Definition) => unfit(format!(
                "The application's definition sets {} of {}; edit the definition.",
                wanted.from,
                wanted.key.short()
            )),
            None => unfit(format!("No file says {}.", wanted.from)),
        }
    }

    /// The source alone that declares an object, and the file there.
    fn declared_at(
        &self,
        definition: &Definition,
        head: &Revision,
        origin: &Origin,
    ) -> Result<(RenderInput, Origin), Unfit> {
        let revisions = revisions::with_tracked(&self.runtime, definition, head.clone());
        let input = revisions.and_then(|revisions| render::input(definition, &revisions, None));
        let input = input.map_err(|cause| Unfit::Refused(format!("{}.", cause.cause)))?;
        Ok(input.declared_in(origin))
    }

    /// Renders the commit: every image must be as it was asked for, and nothing else may change.
    async fn all_come_out(
        &self,
        placement: &Placement,
        before: &[Manifest],
        made: &Revision,
        wanted: &[Wanted],
    ) -> Result<(), Unfit> {
        let after = self.rendered_of(placement, made).await?;
        for wanted in wanted {
            let object = after.objects.iter().find(|object| object.key == wanted.key);
            let value = object.and_then(|object| value_at_path(&object.body, &wanted.path));
            if value.and_then(|(value, _)| value.as_str()) != Some(wanted.to.as_str()) {
                return unfit(format!(
                    "With that change {} of {} does not come out as {}: something else sets it too. Change it in Git by hand.",
                    wanted.path,
                    wanted.key.short(),
                    wanted.to
                ));
            }
        }
        for diff in engine::diff::compare_manifests(
            before,
            &after.objects,
            &placement.defined.definition.masking,
        ) {
            if diff.kind != ResourceDiffKind::Differs {
                return unfit(format!(
                    "With that change another object takes the place of {}; change it in Git by hand.",
                    diff.key.short()
                ));
            }
            for change in &diff.changes {
                let meant = wanted
                    .iter()
                    .any(|wanted| wanted.key == diff.key && wanted.path == change.path);
                if !meant {
                    return unfit(format!(
                        "The same line also changes {} of {}; change it in Git by hand.",
                        change.path,
                        diff.key.short()
                    ));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn commit_image(
        &self,
        actor: &Actor,
        placement: &Placement,
        prepared: Prepared,
        request: &ImageRequest,
        reason: &str,
    ) -> Result<ImageAnswer, PortError> {
        let operation = Uuid::now_v7().to_string();
        let Prepared {
            mut view,
            edits,
            reached,
            credential,
            digest,
        } = prepared;
        let detail = json!({
            "operation": operation, "images": request.images, "from": view.head, "branch": view.branch,
            "files": view.files, "propose": request.propose,
        });
        self.note(actor, placement, "set image", reason, detail)
            .await?;
        view.message = words::message(&view, &operation, reason) + &self.log_trailer().await?;
        let commit = drafts::by(actor, commit(&view, &edits));
        let name = &placement.defined.row.name;
        let writing = Writing {
            credential: &credential,
            reached: &reached,
            proposal: request
                .propose
                .then(|| branch_name("set-image", name, &digest)),
        };
        let outcome = self.written(placement, &writing, commit).await;
        let (act, detail) = match &outcome {
            Ok(CommitOutcome::Committed { revision }) => {
                ("set image: committed", json!({"revision": revision}))
            }
            Ok(CommitOutcome::Proposed(proposal)) => {
                ("set image: proposed", json!({"proposal": proposal}))
            }
            Ok(other) => ("set image: not done", json!(other)),
            Err(error) => (
                "set image: not known to be pushed",
                json!({"error": error.to_string()}),
            ),
        };
        let detail = json!({"operation": operation, "outcome": detail});
        self.note(actor, placement, act, reason, detail).await?;
        view.outcome = Some(outcome?);
        Ok(view)
    }
}

fn commit(view: &ImageAnswer, edits: &[FileEdit]) -> CommitRequest {
    let files = TreeEdit::Files(edits.to_vec());
    drafts::unsigned(&view.branch, &view.head, files, &view.message)
}

fn tags(images: &[String]) -> Result<Vec<NewTag>, PortError> {
    if images.is_empty() || images.len() > MOST {
        return Err(PortError::invalid(
            "images",
            format!("name one to {MOST}, each as IMAGE=TAG"),
        ));
    }
    images
        .iter()
        .map(|text| NewTag::parse(text).map_err(|why| PortError::invalid("images", why)))
        .collect()
}

/// Images that are another by now than what is asked for; or why it cannot be told, as a sentence.
fn wanted(objects: &[Manifest], tags: &[NewTag]) -> Result<Vec<Wanted>, String> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for new in tags {
        let mut names = BTreeSet::new();
        for object in objects {
            for at in images(&object.body) {
                let (name, _, digest) = image_parts(&at.image);
                if !new.means(name) {
                    continue;
                }
                // What is written into a commit must not look like a line of its own there.
                if at.image.chars().any(char::is_control) {
                    return Err(format!(
                        "The image of {} holds control characters.",
                        object.key.short()
                    ));
                }
                names.insert(name.to_owned());
                if digest.is_some() {
                    return Err(format!(
                        "{} of {} is named by its digest; change it in Git by hand.",
                        at.image,
                        object.key.short()
                    ));
                }
                let to = format!("{name}:{}", new.tag);
                let other = wanted
                    .iter()
                    .find(|known| known.key == object.key && known.path == at.path);
                match other {
                    Some(known) if known.to != to => {
                        return Err(format!("{name} is asked for with two tags."));
                    }
                    Some(_) => {}
                    None if at.image == to => {}
                    None => wanted.push(Wanted {
                        key: object.key.clone(),
                        path: at.path,
                        from: at.image,
                        to,
                    }),
                }
            }
        }
        if names.is_empty() {
            return Err(format!(
                "No container of the application has the image {}.",
                new.name
            ));
        }
        if names.len() > 1 {
            let names: Vec<String> = names.into_iter().collect();
            return Err(format!(
                "{} may be {}; write the whole name.",
                new.name,
                names.join(" or ")
            ));
        }
    }
    Ok(wanted)
}

/// Writes one image into the texts of files; or why not, as a sentence. One line may state the image of many containers.
fn write(
    texts: &mut BTreeMap<String, String>,
    before: &[ImageChange],
    snapshot: &Snapshot,
    wanted: &Wanted,
    place: &Origin,
) -> Result<(), String> {
    let done = |change: &&ImageChange| change.place == *place;
    if let Some(done) = before.iter().find(done) {
        return match (&done.from, &done.to) == (&wanted.from, &wanted.to) {
            true => Ok(()),
            false => Err(format!("{} states several images.", words::place(place))),
        };
    }
    let text = match texts.get(&place.path) {
        Some(text) => text.clone(),
        None => read(snapshot, &place.path)?,
    };
    let (old, new) = (
        Value::from(wanted.from.as_str()),
        Value::from(wanted.to.as_str()),
    );
    let line = place.line.unwrap_or_default();
    // The name stays when a line states nothing but the tag.
    let now = restated(&text, line, &old, &new).ok_or_else(|| {
        format!(
            "{} cannot be changed without guessing; change it in Git by hand.",
            words::place(place)
        )
    })?;
    texts.insert(place.path.clone(), now);
    Ok(())
}

#[cfg(test)]
mod tests;
