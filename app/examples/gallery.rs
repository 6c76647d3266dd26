//! Serves the real pages over a made-up fleet, to look at and to test them in a browser without a
//! cluster, Git or database: `cargo run -p app --example gallery --features ssr`.
//!
//! `LOCKSTEP_GALLERY_ROLE=viewer` shows what a viewer sees, `LOCKSTEP_GALLERY_EMPTY=1` a fresh server,
//! `LEPTOS_SITE_ROOT` is where the built stylesheet and WASM lie.

#[path = "../tests/fake/mod.rs"]
mod fake;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use lockstep_types::account::Role;
use std::convert::Infallible;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address =
        std::env::var("LOCKSTEP_GALLERY_ADDRESS").unwrap_or_else(|_| "127.0.0.1:3210".into());
    let site = std::env::var("LEPTOS_SITE_ROOT").unwrap_or_else(|_| "target/site".into());
    let role = std::env::var("LOCKSTEP_GALLERY_ROLE")
        .ok()
        .and_then(|role| Role::from_word(&role))
        .unwrap_or(Role::Operator);
    let empty = std::env::var_os("LOCKSTEP_GALLERY_EMPTY").is_some();
    let plane = if empty {
        fake::empty_control_plane()
    } else {
        fake::control_plane()
    };
    let events = get(|| async {
        Sse::new(futures::stream::pending::<Result<Event, Infallible>>())
            .keep_alive(KeepAlive::default())
    });
    let router = fake::site::router(plane, Some(fake::actor(role)), &site).route("/events", events);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
