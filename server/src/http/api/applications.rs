//! One application and its targets.

use super::fleet::Filter;
use super::{OnTarget, Reply};
use crate::http::Web;
use crate::http::extract::{At, Caller, Params};
use crate::runtime::now;
use axum::Json;
use axum::extract::State;
use lockstep_types::application::{
    ApplicationView, ChangesView, CompareView, DefinitionView, HistoryView, TargetSummary, TreeView,
};
use lockstep_types::blame::BlameView;
use lockstep_types::fleet::FleetQuery;
use lockstep_types::id::ApplicationId;
use lockstep_types::orphan::OrphansView;
use lockstep_types::past::{TargetPast, moment};
use lockstep_types::resource::{ResourceKey, ResourceView};
use lockstep_types::revision::Revision;
use lockstep_types::{Micros, PortError};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::IntoParams;

/// Every target that the filter leaves, by name and cluster.
#[utoipa::path(
    get,
    path = "/apps",
    operation_id = "applications_apps",
    tag = "applications",
    params(Filter),
    responses((status = 200, description = "What was asked for.", body = Vec<TargetSummary>)),
)]
pub(super) async fn apps(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(query): Params<Filter>,
) -> Reply<Vec<TargetSummary>> {
    let query = FleetQuery {
        at: query.at()?,
        until: None,
        filter: query.filter,
        show_all: true,
    };
    let view = web.plane.fleet.fleet(&actor, &query).await?;
    if let Some((at, why)) = view.filter_error {
        return Err(PortError::invalid("filter", format!("{why} (at character {at})")).into());
    }
    let rows = view.sections.into_iter().flat_map(|section| section.rows);
    let mut seen = BTreeSet::new();
    let mut targets: Vec<TargetSummary> = rows
        .flat_map(|row| row.cells.into_iter().flatten())
        .filter(|summary| seen.insert(summary.target.id))
        .collect();
    targets.sort_by(|a, b| {
        let key = |summary: &TargetSummary| {
            let target = &summary.target;
            (
                target.application.project.clone(),
                target.application.name.clone(),
                target.cluster.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    Ok(Json(targets))
}

/// The query of an application.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OnCluster {
    cluster: String,
}

/// One application with its targets.
#[utoipa::path(
    get,
    path = "/apps/{id}",
    operation_id = "applications_application",
    tag = "applications",
    params(("id" = ApplicationId, Path), OnCluster),
    responses((status = 200, description = "What was asked for.", body = ApplicationView)),
)]
pub(super) async fn application(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ApplicationId>,
    Params(query): Params<OnCluster>,
) -> Reply<ApplicationView> {
    Ok(Json(
        web.plane
            .applications
            .application(&actor, id, &query.cluster)
            .await?,
    ))
}

/// What Git says of an application, and where.
#[utoipa::path(
    get,
    path = "/apps/{id}/definition",
    operation_id = "applications_definition",
    tag = "applications",
    params(("id" = ApplicationId, Path)),
    responses((status = 200, description = "What was asked for.", body = DefinitionView)),
)]
pub(super) async fn definition(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ApplicationId>,
) -> Reply<DefinitionView> {
    Ok(Json(web.plane.applications.definition(&actor, id).await?))
}

/// The query of an earlier time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Earlier {
    /// How long ago, as `2h`, or a time, as `2026-03-04T14:02Z`.
    at: String,
}

/// How a target stood at an earlier time, and what was going on around it.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/past",
    operation_id = "applications_past",
    tag = "applications",
    params(OnTarget, Earlier),
    responses((status = 200, description = "What was asked for.", body = TargetPast)),
)]
pub(super) async fn past(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(query): Params<Earlier>,
) -> Reply<TargetPast> {
    let now = now();
    let moment = moment("at", &query.at, now)?.unwrap_or(now);
    let past = web.plane.applications.past(&actor, at.target, moment);
    Ok(Json(past.await?))
}

/// The objects of a target, as a tree.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/tree",
    operation_id = "applications_tree",
    tag = "applications",
    params(OnTarget),
    responses((status = 200, description = "What was asked for.", body = TreeView)),
)]
pub(super) async fn tree(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<TreeView> {
    Ok(Json(web.plane.applications.tree(&actor, at.target).await?))
}

/// Objects around a target that no application declares and no object owns.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/orphans",
    operation_id = "applications_orphans",
    tag = "applications",
    params(OnTarget),
    responses((status = 200, description = "What was asked for.", body = OrphansView)),
)]
pub(super) async fn orphans(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<OrphansView> {
    let orphans = web.plane.applications.orphans(&actor, at.target);
    Ok(Json(orphans.await?))
}

/// The query of a resource: `group/Kind:namespace/name`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Keyed {
    key: String,
}

impl Keyed {
    fn key(&self) -> Result<ResourceKey, PortError> {
        ResourceKey::named("key", &self.key)
    }
}

/// One object of a target, as Git has it and as it is.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/resource",
    operation_id = "applications_resource",
    tag = "applications",
    params(OnTarget, Keyed),
    responses((status = 200, description = "What was asked for.", body = ResourceView)),
)]
pub(super) async fn resource(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(query): Params<Keyed>,
) -> Reply<ResourceView> {
    let key = query.key()?;
    Ok(Json(
        web.plane
            .applications
            .resource(&actor, at.target, &key)
            .await?,
    ))
}

/// Who wrote each line of an object: file, line and commit in Git, field manager where the cluster differs.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/blame",
    operation_id = "applications_blame",
    tag = "applications",
    params(OnTarget, Keyed),
    responses((status = 200, description = "What was asked for.", body = BlameView)),
)]
pub(super) async fn blame(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(query): Params<Keyed>,
) -> Reply<BlameView> {
    let key = query.key()?;
    Ok(Json(
        web.plane.objects.blame(&actor, at.target, &key).await?,
    ))
}

/// What differs on a target.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/changes",
    operation_id = "applications_changes",
    tag = "applications",
    params(OnTarget),
    responses((status = 200, description = "What was asked for.", body = ChangesView)),
)]
pub(super) async fn changes(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<ChangesView> {
    Ok(Json(
        web.plane.applications.changes(&actor, at.target).await?,
    ))
}

/// The query of a page of history.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Before {
    before: Option<i64>,
}

/// What was deployed on a target, newest first, page by page.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/history",
    operation_id = "applications_history",
    tag = "applications",
    params(OnTarget, Before),
    responses((status = 200, description = "What was asked for.", body = HistoryView)),
)]
pub(super) async fn history(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(query): Params<Before>,
) -> Reply<HistoryView> {
    let before = query.before.map(Micros);
    Ok(Json(
        web.plane
            .applications
            .history(&actor, at.target, before)
            .await?,
    ))
}

/// The query of a comparison.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    from: Revision,
    to: Revision,
}

/// What differs between two revisions of a target.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/compare",
    operation_id = "applications_compare",
    tag = "applications",
    params(OnTarget, Between),
    responses((status = 200, description = "What was asked for.", body = CompareView)),
)]
pub(super) async fn compare(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(query): Params<Between>,
) -> Reply<CompareView> {
    let applications = &web.plane.applications;
    Ok(Json(
        applications
            .compare(&actor, at.target, &query.from, &query.to)
            .await?,
    ))
}
