//! What each server function needs, checked before it is called. One that is not written down here is never called, and
//! a test compares the list with those that there are.

use super::problem::{Refusal, problem};
use super::table::Needs;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::account::Permission::{
    AcceptDrift, Account, Approve, Cluster, Delete, Edit, ForgetCluster, ForgetSource, Get, Hold,
    Logs, Policy, Rollback, SeeClusters, SeePolicy, SeeSources, Source, Sync, TakeOver, Terminate,
};

/// Where they are.
pub const PREFIX: &str = "/sfn/";

/// All of them by name.
pub const FUNCTIONS: &[(&str, Needs)] = &[
    ("session", Needs::Login),
    ("theme", Needs::Login),
    ("doors", Needs::Nothing),
    ("fleet", Needs::Permission(Get)),
    ("problems", Needs::Permission(Get)),
    ("upcoming", Needs::Permission(Get)),
    ("parity", Needs::Permission(Get)),
    ("promotion", Needs::Permission(Edit)),
    ("promote", Needs::Permission(Edit)),
    ("drift", Needs::Permission(Get)),
    ("activity", Needs::Permission(Get)),
    ("commit", Needs::Permission(Get)),
    ("retention", Needs::Permission(Get)),
    ("set_retention", Needs::Permission(Source)),
    ("application", Needs::Permission(Get)),
    ("tree", Needs::Permission(Get)),
    ("orphans", Needs::Permission(Get)),
    ("resource", Needs::Permission(Get)),
    ("blame", Needs::Permission(Get)),
    ("accept_preview", Needs::Permission(AcceptDrift)),
    ("accept", Needs::Permission(AcceptDrift)),
    ("log_view", Needs::Permission(Logs)),
    ("changes", Needs::Permission(Get)),
    ("history", Needs::Permission(Get)),
    ("definition", Needs::Permission(Get)),
    ("past", Needs::Permission(Get)),
    ("compare", Needs::Permission(Get)),
    ("run", Needs::Permission(Get)),
    ("operation_run", Needs::Permission(Get)),
    ("approvals", Needs::Permission(Get)),
    ("refresh", Needs::Permission(Get)),
    ("act", Needs::Permission(Get)),
    ("sync", Needs::Permission(Sync)),
    ("terminate", Needs::Permission(Terminate)),
    ("decide", Needs::Permission(Approve)),
    ("edit_draft", Needs::Permission(Get)),
    ("edit_template", Needs::Permission(Get)),
    ("clusters", Needs::Permission(SeeClusters)),
    ("cluster", Needs::Permission(SeeClusters)),
    ("rebuild", Needs::Permission(Cluster)),
    ("reestablishing", Needs::Permission(Cluster)),
    ("reestablish", Needs::Permission(Cluster)),
    ("stop_reestablish", Needs::Permission(Cluster)),
    ("add_cluster", Needs::Permission(Cluster)),
    ("remove_cluster", Needs::Permission(ForgetCluster)),
    ("leftovers", Needs::Permission(Get)),
    ("removal", Needs::Permission(Get)),
    ("remove_leftovers", Needs::Permission(Delete)),
    ("leave_leftovers", Needs::Permission(Delete)),
    ("sources", Needs::Permission(SeeSources)),
    ("sets", Needs::Permission(Get)),
    ("image_rules", Needs::Permission(SeeSources)),
    ("add_source", Needs::Permission(Source)),
    ("remove_source", Needs::Permission(ForgetSource)),
    ("refresh_source", Needs::Permission(SeeSources)),
    ("take_over_preview", Needs::Permission(TakeOver)),
    ("take_over", Needs::Permission(TakeOver)),
    ("webhooks", Needs::Permission(SeeSources)),
    ("renew_webhook_secret", Needs::Permission(Source)),
    ("alerts", Needs::Permission(Get)),
    ("notify", Needs::Permission(SeeSources)),
    ("set_rules", Needs::Permission(Source)),
    ("add_receiver", Needs::Permission(Source)),
    ("remove_receiver", Needs::Permission(Source)),
    ("test_receiver", Needs::Permission(Source)),
    ("preview_template", Needs::Permission(Source)),
    ("add_route", Needs::Permission(Source)),
    ("remove_route", Needs::Permission(Source)),
    ("add_status_host", Needs::Permission(Source)),
    ("remove_status_host", Needs::Permission(Source)),
    ("access", Needs::Permission(SeePolicy)),
    ("access_can", Needs::Login),
    ("choose_policy_source", Needs::Permission(Policy)),
    ("users", Needs::Permission(Account)),
    ("create_user", Needs::Permission(Account)),
    ("set_disabled", Needs::Permission(Account)),
    ("set_password", Needs::Login),
    ("tokens", Needs::Login),
    ("create_token", Needs::Login),
    ("revoke_token", Needs::Login),
    ("rotate_token", Needs::Login),
    ("programs", Needs::Login),
    ("create_automation", Needs::Permission(Account)),
    ("own_account", Needs::Login),
    ("sessions", Needs::Login),
    ("end_session", Needs::Login),
    ("end_sessions", Needs::Login),
    ("begin_factor", Needs::Login),
    ("confirm_factor", Needs::Login),
    ("remove_factor", Needs::Login),
    ("candidates", Needs::Permission(Get)),
    ("preview", Needs::Permission(Rollback)),
    ("roll_back", Needs::Permission(Rollback)),
    ("asks", Needs::Permission(Get)),
    ("decide_ask", Needs::Permission(Get)),
    ("mark", Needs::Permission(Rollback)),
    ("hold", Needs::Permission(Hold)),
    ("holds", Needs::Permission(Get)),
    ("release", Needs::Permission(Hold)),
    ("unpin", Needs::Permission(Rollback)),
];

/// What the function of this name needs; `None` when nothing is known of it.
pub fn needs(name: &str) -> Option<Needs> {
    FUNCTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, needs)| *needs)
}

/// Lets a call pass when its function is known and its caller has the right somewhere; the port looks at the object.
pub async fn require(request: Request, next: Next) -> Response {
    let Some(name) = request.uri().path().strip_prefix(PREFIX) else {
        return next.run(request).await;
    };
    let actor = request.extensions().get::<Actor>();
    match (needs(name), actor) {
        (None, _) => problem(StatusCode::NOT_FOUND, "there is no such function"),
        // A plain form is led back to its page with the reason: that is the function's own work, after the port refused.
        (Some(Needs::Permission(permission)), Some(actor))
            if !actor.may(permission) && !is_plain_form(&request) =>
        {
            Refusal(PortError::denied(permission)).into_response()
        }
        _ => next.run(request).await,
    }
}

fn is_plain_form(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    request.method() == Method::POST
        && accept
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"))
}
