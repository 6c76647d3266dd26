//! Serves the real pages over a made-up fleet, to look at and to test them in a browser without a
//! cluster, Git or database: `cargo run -p app --example gallery --features ssr`.
//!
//! `LOCKSTEP_GALLERY_ROLE=viewer` shows what a viewer sees, `LOCKSTEP_GALLERY_EMPTY=1` a fresh server.

#[path = "../tests/fake/mod.rs"]
mod fake;

use app::context::FixedNow;
use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list, handle_server_fns_with_context};
use lockstep_types::account::Role;
use std::convert::Infallible;
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::var("LOCKSTEP_GALLERY_ADDRESS").unwrap_or_else(|_| "127.0.0.1:3210".into());
    let site = std::env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| "target/site".into());
    let role = std::env::var("LOCKSTEP_GALLERY_ROLE").ok().and_then(|role| Role::from_word(&role)).unwrap_or(Role::Operator);
    let plane = if std::env::var_os("LOCKSTEP_GALLERY_EMPTY").is_some() { fake::empty_control_plane() } else { fake::control_plane() };
    let provide = move || {
        provide_context(plane.clone());
        provide_context(fake::actor(role));
        provide_context(FixedNow(fake::NOW));
    };
    let options = LeptosOptions::builder().output_name("lockstep").site_root(site.clone()).site_pkg_dir("pkg").build();
    let shell_options = options.clone();
    let router = Router::new()
        .route("/sfn/{*path}", post({
            let provide = provide.clone();
            move |request| handle_server_fns_with_context(provide, request)
        }))
        .route("/events", get(|| async {
            Sse::new(futures::stream::pending::<Result<Event, Infallible>>()).keep_alive(KeepAlive::default())
        }))
        .leptos_routes_with_context(&options, generate_route_list(app::App), provide, move || app::shell(shell_options.clone()))
        .fallback_service(ServeDir::new(site))
        .with_state(options);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
