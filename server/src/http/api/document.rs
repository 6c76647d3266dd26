//! The description of `/api/v1` as OpenAPI 3.1. Bodies and answers come from their types, addresses and permissions from the
//! table of routes; a test holds the two against each other.

use super::super::table::{Needs, RouteInfo};
use axum::response::{IntoResponse, Response};
use client::wire::Problem;
use http::{Method, header};
use serde::Serialize;
use std::sync::LazyLock;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, ResponseBuilder};
use utoipa::{OpenApi, PartialSchema, ToSchema};

/// Done, with nothing to tell.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {}

/// Statuses of refusals that every route may answer; others are under `default`.
const REFUSALS: [&str; 5] = ["401", "403", "404", "422", "default"];
/// The name of their common description.
const REFUSED: &str = "Refused";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lockstep",
        description = "What Git says, on every cluster. Errors are problem documents (RFC 9457). Times are microseconds since 1970. Lists of pages take `before` or `after` with what the page before gave.",
    ),
    servers((url = "/api/v1")),
    security(("token" = [])),
    components(schemas(Problem)),
    paths(
        super::accounts::log_in,
        super::accounts::me,
        super::accounts::version,
        super::accounts::users,
        super::accounts::create_user,
        super::accounts::set_disabled,
        super::accounts::set_password,
        super::accounts::tokens,
        super::accounts::create_token,
        super::accounts::revoke_token,
        super::fleet::head,
        super::fleet::fleet,
        super::fleet::problems,
        super::fleet::preview,
        super::fleet::parity,
        super::fleet::drift,
        super::fleet::activity,
        super::fleet::retention,
        super::fleet::set_retention,
        super::fleet::log_level,
        super::fleet::set_log_level,
        super::fleet::rollout,
        super::fleet::commit,
        super::applications::apps,
        super::applications::application,
        super::applications::definition,
        super::applications::tree,
        super::applications::orphans,
        super::applications::resource,
        super::applications::blame,
        super::applications::changes,
        super::applications::history,
        super::applications::past,
        super::applications::compare,
        super::accepts::preview,
        super::accepts::accept,
        super::accepts::set_image,
        super::accepts::preview_promotion,
        super::accepts::promote,
        super::runs::sync,
        super::runs::refresh,
        super::runs::act,
        super::runs::operation,
        super::runs::run,
        super::runs::terminate,
        super::runs::approvals,
        super::runs::decide,
        super::rollbacks::candidates,
        super::rollbacks::preview,
        super::rollbacks::roll_back,
        super::rollbacks::mark,
        super::rollbacks::pin,
        super::rollbacks::asks,
        super::rollbacks::decide,
        super::rollbacks::unpin,
        super::rollbacks::hold,
        super::rollbacks::release,
        super::edits::of_application,
        super::edits::in_source,
        super::edits::template,
        super::edits::preview,
        super::edits::commit,
        super::clusters::clusters,
        super::clusters::add,
        super::clusters::cluster,
        super::clusters::rebuild,
        super::clusters::reestablishing,
        super::clusters::reestablish,
        super::clusters::stop_reestablish,
        super::clusters::remove,
        super::sources::sources,
        super::sources::sets,
        super::sources::image_rules,
        super::sources::add,
        super::sources::remove,
        super::sources::refresh,
        super::sources::preview,
        super::sources::take_over,
        super::webhooks::webhooks,
        super::webhooks::renew_secret,
        super::access::access,
        super::access::can,
        super::access::choose_source,
        super::alerts::alerts,
        super::alerts::notify,
        super::alerts::set_rules,
        super::alerts::add_receiver,
        super::alerts::remove_receiver,
        super::alerts::test_receiver,
        super::alerts::preview,
        super::alerts::add_route,
        super::alerts::remove_route,
        super::alerts::add_status_host,
        super::alerts::remove_status_host,
        super::logs::logs,
        super::rollbacks::holds,
        super::leftovers::leftovers,
        super::leftovers::removal,
        super::leftovers::remove,
        super::leftovers::leave,
        super::accounts::rotate_token,
        super::accounts::create_automation,
        super::accounts::own_account,
        super::accounts::sessions,
        super::accounts::end_session,
        super::accounts::end_sessions,
        super::accounts::sessions_of,
        super::accounts::end_sessions_of,
        super::accounts::remove_factor,
        super::document::openapi,
        crate::http::stream::events,
    ),
)]
struct Described;

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "accounts",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)),
)]
pub(super) async fn openapi() -> Response {
    static TEXT: LazyLock<Option<String>> = LazyLock::new(|| {
        let (_, routes) = super::table().finish();
        describe(&routes).to_json().ok()
    });
    match TEXT.as_deref() {
        Some(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        None => crate::http::problem::problem(
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "the description cannot be written",
        ),
    }
}

/// The whole description: what the types say, with what holds for every route.
pub fn describe(routes: &[RouteInfo]) -> utoipa::openapi::OpenApi {
    let mut api = Described::openapi();
    let refused = ResponseBuilder::new()
        .description("Refused; the document says why.")
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("ErrorDocument")))
                .build(),
        )
        .build();
    let components = api.components.get_or_insert_default();
    components
        .responses
        .insert(REFUSED.to_owned(), RefOr::T(refused));
    components.add_security_scheme(
        "token",
        RefOr::T(SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "From `lockstep login`, or made on the page of tokens.",
                ))
                .build(),
        )),
    );
    for route in routes {
        let Some(item) = api.paths.paths.get_mut(route.path) else {
            continue;
        };
        let operation = match route.method {
            Method::GET => item.get.as_mut(),
            Method::POST => item.post.as_mut(),
            _ => item.delete.as_mut(),
        };
        if let Some(operation) = operation {
            complete(operation, route);
        }
    }
    api
}

fn complete(operation: &mut Operation, route: &RouteInfo) {
    for status in REFUSALS {
        operation.responses.responses.insert(
            status.to_owned(),
            RefOr::Ref(Ref::from_response_name(REFUSED)),
        );
    }
    operation.description = Some(match route.needs {
        Needs::Nothing => "Needs nothing: it is before the login.".to_owned(),
        Needs::Login => "Needs a login.".to_owned(),
        Needs::Permission(permission) => format!("Needs the permission “{}”.", permission.word()),
    });
    let (name, place, words) = if route.method == Method::GET {
        (
            "fields",
            ParameterIn::Query,
            "Only these fields, as `open,incidents.cause`; lists are looked through.",
        )
    } else {
        (
            "Idempotency-Key",
            ParameterIn::Header,
            "One key, one effect: a request that is repeated with its key gets the answer of the first.",
        )
    };
    operation.parameters.get_or_insert_default().push(RefOr::T(
        ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .description(Some(words))
            .schema(Some(String::schema()))
            .build(),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn document() -> Value {
        let (_, routes) = super::super::table().finish();
        serde_json::to_value(describe(&routes)).unwrap()
    }

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let (_, routes) = super::super::table().finish();
        let declared: BTreeSet<String> = routes
            .iter()
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        let document = document();
        let mut described = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                described.insert(format!("{} {path}", method.to_uppercase()));
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(ids.insert(id), "{method} {path} has the id of another");
                let named = path.split('/').filter(|part| part.starts_with('{')).count();
                let parameters = operation["parameters"].as_array().unwrap();
                let of_path = parameters.iter().filter(|one| one["in"] == "path").count();
                assert_eq!(of_path, named, "{method} {path}");
            }
        }
        assert_eq!(described, declared);
        assert_eq!(document["openapi"], "3.1.0");
    }

    /// Each object of a body, its parts too, says that it has no other fields: what is misspelt is refused, not left out.
    #[test]
    fn no_body_takes_fields_that_it_does_not_know() {
        fn look(document: &Value, schema: &Value, place: &str, open: &mut BTreeSet<String>) -> u32 {
            match schema {
                Value::Object(map) => {
                    if let Some(Value::String(to)) = map.get("$ref") {
                        let named = document.pointer(to.trim_start_matches('#')).unwrap();
                        return look(document, named, to, open);
                    }
                    let is_object = map.contains_key("properties");
                    if is_object && map.get("additionalProperties") != Some(&Value::Bool(false)) {
                        open.insert(place.to_owned());
                    }
                    let inner = map.values().map(|value| look(document, value, place, open));
                    u32::from(is_object) + inner.sum::<u32>()
                }
                Value::Array(list) => list
                    .iter()
                    .map(|value| look(document, value, place, open))
                    .sum(),
                _ => 0,
            }
        }
        let document = document();
        let (mut open, mut objects) = (BTreeSet::new(), 0);
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(body) = operation.get("requestBody") {
                    let place = format!("{method} {path}");
                    objects += look(&document, &body["content"], &place, &mut open);
                }
            }
        }
        assert!(objects > 30, "{objects}");
        assert!(open.is_empty(), "{open:#?}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(to)) = map.get("$ref") {
                        found.insert(to.clone());
                    }
                    map.values().for_each(|value| walk(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = BTreeSet::new();
        walk(&document, &mut found);
        assert!(found.len() > 100);
        let missing: Vec<_> = found
            .iter()
            .filter(|to| document.pointer(to.trim_start_matches('#')).is_none())
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
