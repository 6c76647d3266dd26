//! What people do with single objects of a target: read the logs of their containers, see who
//! wrote them, and act on them.

mod accept;
mod acts;
mod blame;
mod image;
mod logs;
mod promotion;

pub(in crate::control_plane) use image::ByRule;

use super::{Plane, checks, refuse};
use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use lockstep_types::PortError;
use lockstep_types::accept::{AcceptPreview, AcceptRequest};
use lockstep_types::account::{Actor, Permission};
use lockstep_types::action::ActionRequest;
use lockstep_types::blame::BlameView;
use lockstep_types::id::{OperationId, TargetId};
use lockstep_types::image::{ImageAnswer, ImageRequest};
use lockstep_types::log::{LogLine, LogQuery, LogView};
use lockstep_types::parity::{PromotionPreview, PromotionRequest};
use lockstep_types::ports::{Answer, Objects};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::resource::ResourceKey;

#[async_trait]
impl Objects for Plane {
    async fn log_view(&self, actor: &Actor, target: TargetId, query: &LogQuery) -> Answer<LogView> {
        let placement = self.granted(actor, Permission::Logs, target).await?;
        let (live, choices) = self.pods(&placement, query.object.as_ref()).await?;
        let query = LogQuery {
            follow: false,
            ..query.clone()
        };
        let (lines, missing) = match choices.meant(&query) {
            Ok(meant) => logs::newest(&live, &meant, &query).await,
            Err(why) => (Vec::new(), vec![why]),
        };
        Ok(LogView {
            choices,
            lines,
            missing,
        })
    }

    async fn log(
        &self,
        actor: &Actor,
        target: TargetId,
        query: &LogQuery,
    ) -> Answer<BoxStream<'static, Answer<LogLine>>> {
        let placement = self.granted(actor, Permission::Logs, target).await?;
        let (live, choices) = self.pods(&placement, query.object.as_ref()).await?;
        let meant = choices.meant(query).map_err(PortError::Conflict)?;
        if !query.follow {
            let (lines, missing) = logs::newest(&live, &meant, query).await;
            return match (lines.is_empty(), missing.into_iter().next()) {
                (true, Some(why)) => Err(PortError::Conflict(why)),
                _ => Ok(futures::stream::iter(lines.into_iter().map(Ok)).boxed()),
            };
        }
        logs::followed(&live, &meant, query).await
    }

    async fn blame(&self, actor: &Actor, target: TargetId, key: &ResourceKey) -> Answer<BlameView> {
        let placement = self.seen_target(actor, target).await?;
        self.blame_of(&placement, key).await
    }

    async fn preview_accept(
        &self,
        actor: &Actor,
        target: TargetId,
        key: &ResourceKey,
        path: &str,
    ) -> Answer<AcceptPreview> {
        let placement = self.granted(actor, Permission::AcceptDrift, target).await?;
        let prepared = self.prepare_accept(&placement, key, path).await?;
        self.may_accept(actor, &placement, &prepared).await?;
        Ok(prepared.view)
    }

    async fn accept(&self, actor: &Actor, request: &AcceptRequest) -> Answer<CommitOutcome> {
        let reason = checks::optional_reason(&request.reason)?;
        let placement = self
            .granted(actor, Permission::AcceptDrift, request.target)
            .await?;
        self.commit_accept(actor, &placement, request, &reason)
            .await
    }

    async fn set_image(&self, actor: &Actor, request: &ImageRequest) -> Answer<ImageAnswer> {
        self.image_set(actor, request).await
    }

    async fn preview_promotion(
        &self,
        actor: &Actor,
        from: TargetId,
        to: TargetId,
        everywhere: bool,
    ) -> Answer<PromotionPreview> {
        Ok(self.promotion(actor, from, to, everywhere).await?.view)
    }

    async fn promote(&self, actor: &Actor, request: &PromotionRequest) -> Answer<CommitOutcome> {
        let reason = checks::optional_reason(&request.reason)?;
        self.commit_promotion(actor, request, &reason).await
    }

    async fn act(&self, actor: &Actor, request: &ActionRequest) -> Answer<OperationId> {
        self.ask_to_act(actor, request).await
    }
}
