//! Accepting drift: the value that somebody wrote into a cluster becomes a commit. Where Git states the value in a file
//! of the application's own, that line changes; what others declare gets a patch in the application's own kustomization.
//! Whatever the edit is, its render is looked at before it is offered: the field must come out as the cluster has it.

pub(super) mod commit;
mod search;
pub(super) mod words;

use super::super::definitions::Placement;
use super::super::drafts::unsigned;
use super::super::rollbacks::affected::Tracked;
use super::super::rollbacks::plans::writes;
use super::super::rollbacks::words::{NO_END, NO_NUMBER, commit_refused, log_trailer};
use super::super::{paths, refuse};
use super::Plane;
use super::blame::Declared;
use crate::reconcile::render::{self, Rendered};
use crate::reconcile::revisions;
use engine::live::Lookup;
use engine::manifest::Manifest;
use engine::render::{Addition, Complete, value_at_path};
use engine::source::{Credential, FileEdit, Snapshot, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::accept::AcceptPreview;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::diff::FieldChange;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{PathChange, PathChangeKind, Revision};
use lockstep_types::source::Mode;
use search::{Taken, Wanted};
use serde_json::{Value, json};
use std::sync::Arc;

/// A preview with what carrying it out needs.
pub(super) struct Prepared {
    pub view: AcceptPreview,
    edit: Option<FileEdit>,
    reached: Vec<Placement>,
    credential: Credential,
}

/// Why it cannot be done, as a sentence for the page; or an error.
pub(super) enum Unfit {
    Refused(String),
    Error(PortError),
}

impl From<PortError> for Unfit {
    fn from(error: PortError) -> Self {
        Self::Error(error)
    }
}

impl Unfit {
    /// Where there is no page that says why.
    pub(super) fn into_error(self) -> PortError {
        match self {
            Self::Refused(why) => PortError::Conflict(why.trim_end_matches('.').to_owned()),
            Self::Error(error) => error,
        }
    }
}

pub(super) fn unfit<T>(why: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit::Refused(why.into()))
}

impl Plane {
    /// Accepting needs the right on all that reads the file.
    pub(super) async fn may_accept(
        &self,
        actor: &Actor,
        placement: &Placement,
        prepared: &Prepared,
    ) -> Result<(), PortError> {
        // One value of one object is another; projects are no objects.
        let commit = (prepared.view.files.as_slice(), false);
        let reached = &prepared.reached;
        self.may_commit(actor, Permission::AcceptDrift, placement, reached, commit)
            .await
    }

    pub(super) async fn prepare_accept(
        &self,
        placement: &Placement,
        key: &ResourceKey,
        path: &str,
    ) -> Result<Prepared, PortError> {
        if let Some(assessment) = self.runtime.assessment(placement.target.id)
            && let Some(why) = words::whole(assessment.diffs.get(key), &placement.target.cluster)
        {
            return Err(PortError::Conflict(why));
        }
        let declared = self.declared(placement, key).await?;
        let diff = declared.assessment.diffs.get(key);
        let change = diff
            .and_then(|diff| diff.changes.iter().find(|change| change.path == path))
            .cloned()
            .ok_or_else(|| refuse::missing("difference", format!("{path} of {}", key.short())))?;
        let source = &placement.defined.definition.source;
        let Tracked {
            head,
            credential,
            branch,
        } = self.tracked_by(placement).await?;
        let mut prepared = Prepared {
            view: AcceptPreview {
                target: placement.reference(),
                key: key.clone(),
                first_line: String::new(),
                place: None,
                branch: branch.clone().unwrap_or_default(),
                head,
                files: Vec::new(),
                patch: String::new(),
                message: String::new(),
                also: Vec::new(),
                targets: Vec::new(),
                refused: commit_refused(&source.target_revision, branch.as_deref()),
                digest: String::new(),
                change,
            },
            edit: None,
            reached: vec![placement.clone()],
            credential,
        };
        if prepared.view.refused.is_empty() {
            match self.edited_file(placement, &declared, &mut prepared).await {
                Ok(()) => {}
                Err(Unfit::Refused(why)) => prepared.view.refused = why,
                Err(Unfit::Error(error)) => return Err(error),
            }
        }
        let targets: Vec<_> = prepared
            .view
            .targets
            .iter()
            .map(|plan| &plan.target)
            .collect();
        prepared.view.first_line = words::first_line(&prepared.view, &targets);
        prepared.view.digest = digest(&prepared.view);
        Ok(prepared)
    }

    /// Finds the place, makes the commit in the mirror alone, and looks at what it renders.
    async fn edited_file(
        &self,
        placement: &Placement,
        declared: &Declared,
        prepared: &mut Prepared,
    ) -> Result<(), Unfit> {
        let definition = &placement.defined.definition;
        let source = &definition.source;
        let view = &mut prepared.view;
        let taken = self.taken(placement, declared, &view.change)?;
        if let Some(pin) = &declared.pinned {
            return unfit(format!(
                "The target is pinned at {} by {}, and Git has moved on. End the pin first.",
                pin.revision.short(),
                pin.owner
            ));
        }
        if declared.assessment.revision != view.head {
            return unfit(format!(
                "{} is at {} by now, and this target was compared with {}. Refresh it, then look again.",
                view.branch,
                view.head.short(),
                declared.assessment.revision.short()
            ));
        }
        let Some((input, origin)) = &declared.place else {
            return unfit("The renderer does not say which file declares this object.");
        };
        if input.source != *source {
            return unfit(format!(
                "Another source of the application declares it ({}); change it there.",
                input.repo_url
            ));
        }
        let mirrors = self.runtime.mirrors();
        let snapshot = mirrors
            .snapshot(&source.repo_url, &view.head)
            .await
            .map_err(refuse::source)?;
        let wanted = Wanted {
            declared: declared.clone(),
            path: view.change.path.clone(),
            taken: taken.clone(),
            folder: source.path.clone(),
            origin: origin.clone(),
        };
        let source_of = source.clone();
        let found = tokio::task::spawn_blocking(move || {
            let found = wanted.found(&snapshot, &source_of);
            (wanted, found)
        });
        let (wanted, found) = found.await.map_err(|error| refuse::internal(&error))?;
        let found = found.map_err(Unfit::Refused)?;
        let (credential, branch) = (&prepared.credential, view.branch.as_str());
        let shared = async |path: &str| {
            let changed = [PathChange {
                path: path.to_owned(),
                kind: PathChangeKind::Modified,
            }];
            let reached = self
                .reached(placement, branch, &changed, credential)
                .await?;
            Ok::<bool, PortError>(reached.len() > 1)
        };
        // A file of one's own is changed in place. What others read too stays, if a patch of one's own can say it.
        let place = &found.place.path;
        let others = !paths::covers(&source.path, place) || shared(place).await?;
        let overlay = match &found.kustomization {
            Some((path, _)) if path != place => !shared(path).await?,
            _ => false,
        };
        let (edit, place) = wanted
            .written(&found, others, overlay)
            .map_err(Unfit::Refused)?;
        view.place = Some(place);
        view.message = words::message(view, NO_NUMBER, "") + &log_trailer(NO_END);
        let files = TreeEdit::Files(vec![edit.clone()]);
        let commit = unsigned(&view.branch, &view.head, files, &view.message);
        let drafted = self
            .drafted(placement, &prepared.credential, commit)
            .await?;
        let Some(draft) = drafted else {
            return unfit("Git says it already.");
        };
        let made = draft.revision;
        (view.files, view.patch) = (draft.files, draft.patch);
        prepared.reached = draft.reached;
        view.also = self
            .comes_out(placement, declared, &made, &view.change.path, &taken)
            .await?;
        view.targets = self
            .plans(&prepared.reached, &source.repo_url, &made, false)
            .await;
        prepared.edit = Some(edit);
        Ok(())
    }

    /// What the cluster has instead, if it may be written to Git at all.
    fn taken(
        &self,
        placement: &Placement,
        declared: &Declared,
        change: &FieldChange,
    ) -> Result<Taken, Unfit> {
        let key = &declared.manifest.key;
        let definition = &placement.defined.definition;
        if placement.target.mode == Mode::Observe {
            return unfit(
                "The target is only observed, and nothing is written to its repository; take over its source first.",
            );
        }
        if let Some(why) = words::not_accepted(key, change) {
            return unfit(why);
        }
        if !definition.source.chart.is_empty() || definition.source.helm.is_some() {
            let leads_to = match &change.declared {
                Some(value) => value.to_string(),
                None => change.path.clone(),
            };
            return unfit(format!(
                "A chart makes this object. Set the value that leads to {leads_to} in the chart's values; which one that is would be a guess."
            ));
        }
        let handle = self.runtime.cluster(&placement.target.cluster);
        let live = match handle.map(|handle| handle.live.get(key)) {
            Some(Lookup::Present(object)) => object.body(),
            _ => {
                return unfit(format!(
                    "{} cannot be read from {} at present.",
                    key.short(),
                    placement.target.cluster
                ));
            }
        };
        let there = value_at_path(&live, &change.path).map(|(value, _)| value);
        let hidden = || {
            unfit(
                "The value is hidden, or has changed since it was compared; hidden values are never written to Git.",
            )
        };
        let body = &declared.manifest.body;
        match (&change.declared, &change.live, there) {
            // What is shown masked is never written anywhere.
            (_, Some(shown), Some(value)) if shown != value => hidden(),
            (Some(_), Some(_), Some(value)) => Ok(Taken::Changed(value.clone())),
            (None, Some(_), Some(value)) => match Addition::of(body, &live, &change.path) {
                Some(place) => Ok(Taken::Added(place, value.clone())),
                None => unfit(
                    "It is a part of an item that Git does not have, and would be no whole one there. Add the item in Git by hand.",
                ),
            },
            (Some(shown), None, None) => match value_at_path(body, &change.path) {
                Some((value, _)) if value == shown => Ok(Taken::Removed),
                _ => hidden(),
            },
            _ => unfit("The field is not where it was; refresh the target, then look again."),
        }
    }

    /// What the application renders at a revision of its branch.
    pub(super) async fn rendered_of(
        &self,
        placement: &Placement,
        at: &Revision,
    ) -> Result<Arc<Complete>, Unfit> {
        Ok(self.rendered_from(placement, at).await?.complete)
    }

    /// The same with the files that it was made from.
    pub(super) async fn rendered_from(
        &self,
        placement: &Placement,
        at: &Revision,
    ) -> Result<Rendered, Unfit> {
        let definition = &placement.defined.definition;
        let facts = self
            .runtime
            .cluster(&placement.target.cluster)
            .and_then(|handle| handle.live.facts());
        let revisions = revisions::with_tracked(&self.runtime, definition, at.clone());
        let input = revisions
            .and_then(|revisions| render::input(definition, &revisions, facts.as_ref()))
            .map_err(|cause| Unfit::Refused(format!("{}.", cause.cause)))?;
        render::rendered(&self.runtime, &input, None)
            .await
            .map_err(|cause| {
                Unfit::Refused(format!("The change does not render: {}.", cause.cause))
            })
    }

    /// Renders the commit: the field must be as the cluster has it. Gives what else of the application changes, by name.
    async fn comes_out(
        &self,
        placement: &Placement,
        declared: &Declared,
        made: &Revision,
        path: &str,
        taken: &Taken,
    ) -> Result<Vec<String>, Unfit> {
        let definition = &placement.defined.definition;
        let before = self
            .rendered_of(placement, &declared.assessment.revision)
            .await?;
        let after = self.rendered_of(placement, made).await?;
        let key = &declared.manifest.key;
        let namespace = &definition.destination.namespace;
        let is_it = |manifest: &Manifest| {
            manifest.key == *key || manifest.in_namespace(namespace).key == *key
        };
        let object = after.objects.iter().find(|object| is_it(object));
        let value = object.map(|object| value_at_path(&object.body, path).map(|(value, _)| value));
        if value != Some(taken.value()) {
            let shall = taken
                .value()
                .map_or_else(|| "nothing".to_owned(), Value::to_string);
            return unfit(format!(
                "With that change {} of {} does not come out as {shall}: something else sets it too, or the object has another name then. Change it in Git by hand.",
                path,
                key.short()
            ));
        }
        let diffs =
            engine::diff::compare_manifests(&before.objects, &after.objects, &definition.masking);
        let mut also = Vec::new();
        for diff in diffs {
            let own = diff.key == *key || (diff.key.kind == key.kind && diff.key.name == key.name);
            match own {
                false => also.push(diff.key.short()),
                true => also.extend(
                    diff.changes
                        .iter()
                        .filter(|change| !is_on_the_way(&change.path, path))
                        .map(|change| format!("{} of the same object", change.path)),
                ),
            }
        }
        Ok(also)
    }
}

pub(super) fn edit(path: &str, text: String) -> FileEdit {
    FileEdit {
        path: path.to_owned(),
        content: Some(text.into_bytes()),
    }
}

pub(super) fn read(snapshot: &Snapshot, path: &str) -> Result<String, String> {
    let unreadable = |why: String| format!("{path} cannot be read: {why}.");
    let files = snapshot
        .files(path)
        .map_err(|error| unreadable(error.to_string()))?;
    let file = files
        .iter()
        .find(|file| file.path == path)
        .ok_or_else(|| unreadable("it is a folder".to_owned()))?;
    let bytes = snapshot
        .read(file)
        .map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))
}

/// Whether two paths are of the same field, or one is within the other: with the last of a map the map goes.
fn is_on_the_way(one: &str, other: &str) -> bool {
    let within = |long: &str, short: &str| {
        long.strip_prefix(short)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    within(one, other) || within(other, one)
}

/// Binds the act to what was shown: where the branch is, what is written where, and what would be done to which objects.
fn digest(view: &AcceptPreview) -> String {
    let targets = writes(&view.targets);
    engine::manifest::hash_of(&json!({
        "head": view.head, "branch": view.branch, "key": view.key, "path": view.change.path,
        "live": view.change.live, "place": view.place, "patch": view.patch, "targets": targets,
    }))
}
