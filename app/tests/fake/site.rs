//! The pages and server functions over the made-up fleet, as an HTTP service.

use super::NOW;
use app::context::FixedNow;
use app::pages::edit::{self, EditForm};
use axum::Router;
use axum::body::Body;
use axum::extract::{Form, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{
    LeptosRoutes, file_and_error_handler_with_context, handle_server_fns_with_context,
    render_app_async_with_context,
};
use lockstep_types::account::Actor;
use lockstep_types::ports::ControlPlane;

/// Pages, server functions and the files below `site_root`, for one actor or nobody.
pub fn router(plane: ControlPlane, actor: Option<Actor>, site_root: &str) -> Router {
    let asking = (plane.clone(), actor.clone());
    let provide = move || {
        provide_context(plane.clone());
        if let Some(actor) = actor.clone() {
            provide_context(actor);
        }
        provide_context(FixedNow(NOW));
    };
    let options = LeptosOptions::builder()
        .output_name("lockstep")
        .site_root(site_root.to_owned())
        .site_pkg_dir("pkg")
        .build();
    let shell_options = options.clone();
    // As the server takes a step of an edit: before its page is rendered.
    let step = {
        let (provide, options) = (provide.clone(), options.clone());
        move |parts: Parts, Form(form): Form<EditForm>| {
            let (plane, actor) = asking.clone();
            let (provide, options) = (provide.clone(), options.clone());
            async move {
                let Some(actor) = actor else {
                    return Redirect::to("/login").into_response();
                };
                let posted = match edit::answer(&plane, &actor, form).await {
                    Ok(posted) => posted,
                    Err(address) => return Redirect::to(&address).into_response(),
                };
                let page = render_app_async_with_context(
                    move || {
                        provide();
                        provide_context(posted.clone());
                    },
                    move || app::shell(options.clone()),
                );
                page(Request::from_parts(parts, Body::empty())).await
            }
        }
    };
    Router::new()
        .route(
            "/sfn/{*path}",
            post({
                let provide = provide.clone();
                move |request| handle_server_fns_with_context(provide, request)
            }),
        )
        .route("/apps/{id}/{name}/edit", post(step.clone()))
        .route("/sources/{id}/new", post(step))
        .leptos_routes_with_context(
            &options,
            app::listed().to_vec(),
            provide.clone(),
            move || app::shell(shell_options.clone()),
        )
        .fallback(file_and_error_handler_with_context::<LeptosOptions, _>(
            provide,
            app::shell,
        ))
        .with_state(options)
}
