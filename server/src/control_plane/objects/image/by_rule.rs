//! Another tag for an image because a rule in Git asks for it: the same commit as a pipeline's, made by nobody's hand.

use super::super::super::definitions::Placement;
use super::super::super::proposals::branch_name;
use super::super::super::refuse;
use super::super::Plane;
use super::super::accept::Unfit;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::image::{ImageAnswer, ImageRequest};
use lockstep_types::revision::Revision;
use serde_json::json;

/// Whether a prepared commit may be made.
type May<'a> = &'a (dyn Fn(&ImageAnswer) -> bool + Send + Sync);

/// In whose name it is done, and what of it may be.
pub(in crate::control_plane) struct ByRule<'a> {
    pub actor: Actor,
    pub may: May<'a>,
}

impl Plane {
    /// What was written; `None`: Git says it already, or the rule does not want what it would change.
    pub(in crate::control_plane) async fn image_by_rule(
        &self,
        by: &ByRule<'_>,
        request: &ImageRequest,
    ) -> Result<Option<ImageAnswer>, PortError> {
        // A registry was asked for exactly this name: its tags say nothing of an image that only ends so.
        let tags = super::tags(&request.images)?;
        let tags: Vec<_> = tags
            .into_iter()
            .map(engine::render::NewTag::exactly)
            .collect();
        let placement = self.placement(request.target).await?;
        let mut prepared = self
            .prepare_image(&by.actor, &placement, &tags, request)
            .await
            .map_err(Unfit::into_error)?;
        if prepared.view.changes.is_empty() || !(by.may)(&prepared.view) {
            return Ok(None);
        }
        if request.propose {
            // The head moves while a proposal waits, and lines with it: that is no reason for another one.
            let view = &prepared.view;
            let meant = view.changes.iter().map(|change| {
                let file = &change.place.path;
                json!([change.key, change.path, change.from, change.to, file])
            });
            let meant: Vec<_> = meant.collect();
            let whose = [&by.actor.name, &view.branch, &placement.defined.row.project];
            prepared.digest = engine::manifest::hash_of(&json!([whose, meant]));
            if self.is_proposed(&placement, &prepared).await? {
                return Ok(None);
            }
        }
        let reason = request.reason.clone();
        self.commit_image(&by.actor, &placement, prepared, request, &reason)
            .await
            .map(Some)
    }

    /// Whether the branch that would be proposed is at the host, and waits there.
    async fn is_proposed(
        &self,
        placement: &Placement,
        prepared: &super::Prepared,
    ) -> Result<bool, PortError> {
        let branch = branch_name("set-image", &placement.defined.row.name, &prepared.digest);
        self.runtime
            .mirrors()
            .has_branch(placement.defined.repo_url(), &prepared.credential, &branch)
            .await
            .map_err(refuse::source)
    }

    /// Whether a target renders with a commit; else why not, as an error.
    pub(in crate::control_plane) async fn renders_with(
        &self,
        placement: &Placement,
        made: &Revision,
    ) -> Result<(), PortError> {
        let rendered = self.rendered_of(placement, made).await;
        rendered.map(|_| ()).map_err(Unfit::into_error)
    }
}
