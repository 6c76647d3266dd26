//! Pages and server functions of the `app` crate: gives them the ports, who asks, and the nonce of their scripts.

use super::extract::Caller;
use super::problem::Refusal;
use super::{Web, headers, session};
use app::context::{SetupPending, ThisSession};
use app::pages::edit::{self, EditForm, Posted};
use app::shell;
use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::extract::{Form, FromRequest, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use http::{HeaderValue, Method, header};
use leptos::config::LeptosOptions;
use leptos::context::{provide_context, use_context};
use leptos::nonce::use_nonce;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use leptos_axum::{
    LeptosRoutes, ResponseOptions, file_and_error_handler_with_context,
    render_app_async_with_context,
};
use lockstep_types::account::Actor;
use lockstep_types::login::{Doors, ProviderView};
use tower_sessions::Session;

/// Adds the pages, `/sfn` and the page for addresses that lead nowhere.
pub fn routes(router: Router<Web>, web: &Web) -> Router<Web> {
    let context = context(web);
    let options = web.leptos.clone();
    let document = move || shell(options.clone());
    let not_found =
        file_and_error_handler_with_context::<Web, _>(context.clone(), |options: LeptosOptions| {
            shell(options)
        });
    router
        .route("/sfn/{*function}", any(server_functions))
        .route("/apps/{id}/{name}/edit", post(step_of_edit))
        .route("/sources/{id}/new", post(step_of_edit))
        .leptos_routes_with_context(web, app::listed().to_vec(), context, document)
        .fallback(not_found)
        .layer(from_fn_with_state(web.clone(), renew))
}

/// What pages and server functions find, in the words of `app::context`.
fn context(web: &Web) -> impl Fn() + Clone + Send + Sync + 'static {
    let plane = web.plane.clone();
    let accounts = web.accounts.clone();
    let doors = doors(web);
    move || {
        provide_context(plane.clone());
        provide_context(SetupPending(accounts.setup_pending()));
        provide_context(doors.clone());
        let parts = use_context::<http::request::Parts>();
        if let Some(parts) = parts {
            if let Some(actor) = parts.extensions.get::<Actor>().cloned() {
                provide_context(actor);
            }
            if let Some(this) = parts.extensions.get::<ThisSession>().copied() {
                provide_context(this);
            }
        }
        // The policy names the very nonce that this page's scripts carry.
        let policy =
            use_nonce().and_then(|nonce| HeaderValue::from_str(&headers::page_policy(&nonce)).ok());
        if let (Some(response), Some(policy)) = (use_context::<ResponseOptions>(), policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// What the login page offers.
fn doors(web: &Web) -> Doors {
    let rules = web.accounts.rules();
    let providers = rules.providers.iter().map(|entry| ProviderView {
        name: entry.name.clone(),
        label: entry.label.clone(),
    });
    Doors {
        local: rules.local,
        providers: providers.collect(),
    }
}

/// A step of an edit as a plain form: taken here, once, and shown by the page of the same address.
async fn step_of_edit(
    State(web): State<Web>,
    Caller(actor): Caller,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let form = match Bytes::from_request(Request::from_parts(parts.clone(), body), &web).await {
        Ok(bytes) => {
            let request = Request::from_parts(parts.clone(), Body::from(bytes));
            Form::<EditForm>::from_request(request, &web).await
        }
        Err(refused) => return refused.into_response(),
    };
    let form = match form {
        Ok(Form(form)) => form,
        Err(refused) => return refused.into_response(),
    };
    let posted: Posted = match edit::answer(&web.plane, &actor, form).await {
        Ok(posted) => posted,
        Err(address) => return Redirect::to(&address).into_response(),
    };
    let (base, options) = (context(&web), web.leptos.clone());
    let page = render_app_async_with_context(
        move || {
            base();
            provide_context(posted.clone());
        },
        move || shell(options.clone()),
    );
    page(Request::from_parts(parts, Body::empty())).await
}

/// These change what it takes to log in.
const FACTOR: [&str; 2] = ["/sfn/confirm_factor", "/sfn/remove_factor"];

/// Whoever changed what it takes to log in goes on under another id.
async fn renew(State(web): State<Web>, request: Request<Body>, next: Next) -> Response {
    if request.method() != Method::POST || !FACTOR.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let session = request.extensions().get::<Session>().cloned();
    let response = next.run(request).await;
    // The status does not tell: a plain form is answered by a redirect either way.
    let status = response.status();
    let done = (status.is_success() || status.is_redirection())
        && !response.headers().contains_key(SERVER_FN_ERROR_HEADER);
    if let Some(session) = session.filter(|_| done)
        && let Err(error) = session::renew(web.accounts.store(), &session).await
    {
        return Refusal::from(error).into_response();
    }
    response
}

async fn server_functions(State(web): State<Web>, request: Request<Body>) -> Response {
    leptos_axum::handle_server_fns_with_context(context(&web), request)
        .await
        .into_response()
}
