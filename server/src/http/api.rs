//! `/api/v1`: the ports over HTTP, for the command line and for programs. Each route takes its input apart, asks one
//! port and wraps the answer; nothing is decided here.
#![allow(
    unused_qualifications,
    reason = "the macro that describes routes qualifies the types that it is given"
)]

mod accepts;
mod access;
mod accounts;
mod alerts;
mod applications;
mod clusters;
pub mod document;
mod edits;
mod export;
mod fleet;
mod leftovers;
mod logs;
mod rollbacks;
mod runs;
mod sources;
mod webhooks;

use super::problem::Refusal;
use super::table::Table;
use axum::Json;
use lockstep_types::account::Permission::{
    AcceptDrift, Account, Approve, Cluster, Delete, Edit, ForgetCluster, ForgetSource, Get, Hold,
    Logs, Policy, Rollback, SeeClusters, SeePolicy, SeeSources, Source, Sync, TakeOver, Terminate,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

/// What a route answers with.
type Reply<T> = Result<Json<T>, Refusal>;

/// Done, with nothing to tell.
fn done() -> Json<Value> {
    Json(json!({}))
}

/// `{id}` and `{target}` of an address. The target decides; the application is there for the reader.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OnTarget {
    /// The application, for the reader.
    #[serde(rename = "id")]
    _id: String,
    /// The application on one cluster.
    target: lockstep_types::id::TargetId,
}

/// All routes, each with the permission it needs.
pub fn table() -> Table {
    Table::default()
        .post_public("/login", accounts::log_in)
        .get_signed_in("/me", accounts::me)
        .get_signed_in("/version", accounts::version)
        .get_signed_in("/openapi.json", document::openapi)
        .get("/events", Get, super::stream::events)
        .get("/events/head", Get, fleet::head)
        .get("/fleet", Get, fleet::fleet)
        .get("/problems", Get, fleet::problems)
        .get("/preview", Get, fleet::preview)
        .get("/parity", Get, fleet::parity)
        .get("/drift", Get, fleet::drift)
        .get("/activity", Get, fleet::activity)
        .get("/retention", Get, fleet::retention)
        .post("/retention", Source, fleet::set_retention)
        .get("/log-level", Account, fleet::log_level)
        .post("/log-level", Account, fleet::set_log_level)
        .get("/commits/{sha}/rollout", Get, fleet::rollout)
        .get("/commits/{repo}/{sha}", Get, fleet::commit)
        .get("/apps", Get, applications::apps)
        .get("/apps/{id}", Get, applications::application)
        .get("/apps/{id}/definition", Get, applications::definition)
        .get("/apps/{id}/targets/{target}/tree", Get, applications::tree)
        .get(
            "/apps/{id}/targets/{target}/orphans",
            Get,
            applications::orphans,
        )
        .get(
            "/apps/{id}/targets/{target}/resource",
            Get,
            applications::resource,
        )
        .get(
            "/apps/{id}/targets/{target}/blame",
            Get,
            applications::blame,
        )
        .get(
            "/apps/{id}/targets/{target}/changes",
            Get,
            applications::changes,
        )
        .get(
            "/apps/{id}/targets/{target}/history",
            Get,
            applications::history,
        )
        .get("/apps/{id}/targets/{target}/past", Get, applications::past)
        .get(
            "/apps/{id}/targets/{target}/compare",
            Get,
            applications::compare,
        )
        .get("/apps/{id}/targets/{target}/logs", Logs, logs::logs)
        .get(
            "/apps/{id}/targets/{target}/accept/preview",
            AcceptDrift,
            accepts::preview,
        )
        .post(
            "/apps/{id}/targets/{target}/accept",
            AcceptDrift,
            accepts::accept,
        )
        .post(
            "/apps/{id}/targets/{target}/image",
            Edit,
            accepts::set_image,
        )
        .get(
            "/apps/{id}/targets/{target}/promote/preview",
            Edit,
            accepts::preview_promotion,
        )
        .post(
            "/apps/{id}/targets/{target}/promote",
            Edit,
            accepts::promote,
        )
        .post("/apps/{id}/targets/{target}/sync", Sync, runs::sync)
        .post("/apps/{id}/targets/{target}/refresh", Get, runs::refresh)
        // Each action of each kind is a permission of its own, which the plane asks for.
        .post("/apps/{id}/targets/{target}/act", Get, runs::act)
        .get("/operations/{id}", Get, runs::operation)
        .get("/runs/{id}", Get, runs::run)
        .post("/runs/{id}/terminate", Terminate, runs::terminate)
        .get("/approvals", Get, runs::approvals)
        .post("/approvals/{id}", Approve, runs::decide)
        .get(
            "/apps/{id}/targets/{target}/rollback/candidates",
            Get,
            rollbacks::candidates,
        )
        .get(
            "/apps/{id}/targets/{target}/rollback/preview",
            Get,
            rollbacks::preview,
        )
        .post(
            "/apps/{id}/targets/{target}/rollback",
            Rollback,
            rollbacks::roll_back,
        )
        .post("/apps/{id}/targets/{target}/pin", Rollback, rollbacks::pin)
        .post(
            "/apps/{id}/targets/{target}/mark",
            Rollback,
            rollbacks::mark,
        )
        .get("/rollbacks", Get, rollbacks::asks)
        // Who asked may take it back without the permission to approve; the plane asks for it.
        .post("/rollbacks/{id}", Get, rollbacks::decide)
        .delete("/pins/{id}", Rollback, rollbacks::unpin)
        .post("/apps/{id}/targets/{target}/hold", Hold, rollbacks::hold)
        .get("/holds", Get, rollbacks::holds)
        .delete("/holds/{id}", Hold, rollbacks::release)
        .get("/apps/{id}/edit", Get, edits::of_application)
        .get("/sources/{id}/new", SeeSources, edits::in_source)
        .post("/edits/template", Get, edits::template)
        .post("/edits/preview", Edit, edits::preview)
        .post("/edits", Edit, edits::commit)
        .get("/clusters", SeeClusters, clusters::clusters)
        .post("/clusters", Cluster, clusters::add)
        .get("/clusters/{name}", SeeClusters, clusters::cluster)
        .get("/clusters/{name}/rebuild", Cluster, clusters::rebuild)
        .get(
            "/clusters/{name}/reestablish",
            Cluster,
            clusters::reestablishing,
        )
        .post(
            "/clusters/{name}/reestablish",
            Cluster,
            clusters::reestablish,
        )
        .delete(
            "/clusters/{name}/reestablish",
            Cluster,
            clusters::stop_reestablish,
        )
        .delete("/clusters/{name}", ForgetCluster, clusters::remove)
        .get("/leftovers", Get, leftovers::leftovers)
        .get("/leftovers/{target}", Get, leftovers::removal)
        .post("/leftovers/{target}/remove", Delete, leftovers::remove)
        .post("/leftovers/{target}/leave", Delete, leftovers::leave)
        .get("/sources", SeeSources, sources::sources)
        .get("/sets", Get, sources::sets)
        .get("/image-rules", SeeSources, sources::image_rules)
        .post("/sources", Source, sources::add)
        .delete("/sources/{id}", ForgetSource, sources::remove)
        .post("/sources/{id}/refresh", SeeSources, sources::refresh)
        .get("/sources/{id}/take-over", TakeOver, sources::preview)
        .post("/sources/{id}/take-over", TakeOver, sources::take_over)
        .get("/webhooks", SeeSources, webhooks::webhooks)
        .post("/webhooks/secret", Source, webhooks::renew_secret)
        .get("/access", SeePolicy, access::access)
        .get_signed_in("/access/can", access::can)
        .post("/access/source", Policy, access::choose_source)
        .get("/alerts", Get, alerts::alerts)
        .get("/notify", SeeSources, alerts::notify)
        .post("/notify/rules", Source, alerts::set_rules)
        .post("/notify/receivers", Source, alerts::add_receiver)
        .delete("/notify/receivers/{id}", Source, alerts::remove_receiver)
        .post("/notify/receivers/{id}/test", Source, alerts::test_receiver)
        .post("/notify/preview", Source, alerts::preview)
        .post("/notify/routes", Source, alerts::add_route)
        .delete("/notify/routes/{id}", Source, alerts::remove_route)
        .post("/notify/status-hosts", Source, alerts::add_status_host)
        .delete(
            "/notify/status-hosts/{id}",
            Source,
            alerts::remove_status_host,
        )
        .get("/users", Account, accounts::users)
        .post("/users", Account, accounts::create_user)
        .post("/users/{id}/disabled", Account, accounts::set_disabled)
        .post_signed_in("/users/{id}/password", accounts::set_password)
        .post("/automation", Account, accounts::create_automation)
        .get("/users/{id}/sessions", Account, accounts::sessions_of)
        .delete("/users/{id}/sessions", Account, accounts::end_sessions_of)
        .delete("/users/{id}/factor", Account, accounts::remove_factor)
        .get_signed_in("/account", accounts::own_account)
        .get_signed_in("/sessions", accounts::sessions)
        .delete_signed_in("/sessions", accounts::end_sessions)
        .delete_signed_in("/sessions/{id}", accounts::end_session)
        .get_signed_in("/tokens", accounts::tokens)
        .post_signed_in("/tokens", accounts::create_token)
        .post_signed_in("/tokens/{id}/rotate", accounts::rotate_token)
        .delete_signed_in("/tokens/{id}", accounts::revoke_token)
}
