//! The pipeline, one module per stage. Stages never call each other and never see a database, HTTP or a page;
//! only the server's reconciler knows the order:
//!
//! ```text
//! source ─► render ─► diff ─► plan ─► plan::check ─► apply ─► health
//!    ▲         ▲        ▲                              │
//!   Git   definition  live ◄───────── cluster ◄────────┘
//! ```
//!
//! * [`source`]: a repository and a revision become a pinned commit and its files.
//! * [`definition`]: files of a root source become applications.
//! * [`render`]: files become manifests, complete or not at all.
//! * [`live`]: what a cluster holds, from watches.
//! * [`diff`]: how live and desired differ, masked. Pure.
//! * [`plan`]: what a sync would do, and an independent check of that. Pure.
//! * [`apply`]: carries out single steps.
//! * [`health`]: how objects fare. Pure.

pub mod manifest;
pub mod tracking;
pub mod diff;
pub mod plan;
pub mod schema;
mod child;
pub mod definition;
pub mod render;
pub mod source;
pub mod yaml;
pub mod live;
pub mod apply;
#[cfg(feature = "testing")]
pub mod testing;
pub mod health;
