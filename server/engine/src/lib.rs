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
//! * [`signature`]: who vouches for a commit. Pure.
//! * [`definition`]: files of a root source become applications.
//! * [`render`]: files become manifests, complete or not at all.
//! * [`live`]: what a cluster holds, from watches.
//! * [`diff`]: how live and desired differ, masked. Pure.
//! * [`plan`]: what a sync would do, and an independent check of that. Pure.
//! * [`apply`]: carries out single steps.
//! * [`rollout`]: who of several targets goes next, and who waits for whom. Pure.
//! * [`tags`]: which tag of an image is wanted. Pure.
//! * [`health`]: how objects fare. Pure.
//! * [`check`]: how they fare by the checks that users write, in caged children.

pub mod apply;
pub mod check;
mod child;
pub mod definition;
pub mod diff;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
pub mod health;
pub mod jq;
pub mod live;
pub mod manifest;
pub mod masking;
pub mod needs;
pub mod plan;
pub mod prediction;
pub mod reestablish;
pub mod render;
pub mod rollout;
pub mod schema;
pub mod signature;
pub mod source;
pub mod tags;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tracking;
pub mod yaml;
